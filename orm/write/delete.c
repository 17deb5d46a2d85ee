/* delete: one statement where nothing refers to the model, else the collector's steps in one
 * transaction, the rows locked as they are found.
 *
 * Rows that a concurrent request ties to a row being deleted wait for its lock and then fail on
 * their foreign key; nothing is left pointing nowhere.
 */
#include "orm/write/delete.h"

#include "orm/model/field_types.h"
#include "orm/write/answer.h"
#include "orm/write/delete_sql.h"
#include "orm/write/parts.h"
#include "orm/write/require.h"

struct deletion {
	const struct model *model;
	const struct statement *keys; /* selects the key and then what is to be answered */
	struct returning returning;
	struct require require; /* of the rows that were asked for, not of what goes with them */
	struct deleted *deleted;
};

bool delete_needs_collecting(const struct model *model)
{
	return collect_has_dependents(model);
}

/* -- counting -------------------------------------------------------------------- */

static void count(struct writing *writing, struct deleted *deleted, const struct model *model,
                  uint64_t n)
{
	if (!n)
		return;
	deleted->total += n;
	for (size_t i = 0; i < deleted->nmodels; i++) {
		if (deleted->per_model[i].model != model)
			continue;
		deleted->per_model[i].n += n;
		return;
	}
	if (!deleted->per_model)
		deleted->per_model =
			arena_array(writing->arena, writing->registry->nmodels, sizeof *deleted->per_model);
	deleted->per_model[deleted->nmodels].model = model;
	deleted->per_model[deleted->nmodels++].n = n;
}

/* -- collecting ------------------------------------------------------------------ */

/* The keys of the rows, npk texts each. */
static struct str *keys_of(struct arena *arena, const struct model *model,
                           const struct db_rows *rows)
{
	size_t npk = model->npk_fields;
	struct str *keys = ARENA_ARRAY(arena, struct str, rows->nrows * npk);

	for (size_t row = 0; row < rows->nrows; row++)
		for (size_t column = 0; column < npk; column++)
			keys[row * npk + column] = db_cell(rows, row, column);
	return keys;
}

/* Waits.  What refers to the step's rows, all relations in one go. */
static bool follow(struct writing *writing, struct collector *collector,
                   const struct collect_step *step)
{
	size_t most = step->model->nreverse, n = 0;
	struct statement *statements = ARENA_ARRAY(writing->arena, struct statement, most);
	const struct relation **relations = ARENA_ARRAY(writing->arena, const struct relation *, most);
	struct db_rows *rows = ARENA_ARRAY(writing->arena, struct db_rows, most);

	for (size_t i = 0; i < most; i++) {
		const struct relation *relation = step->model->reverse[i];
		if (collect_kind_of(relation) != COLLECT_SELECT)
			continue;
		delete_sql_referring(writing->arena, relation, step, &statements[n]);
		relations[n++] = relation;
	}
	if (n && !writing_run(writing, statements, n, rows))
		return false;
	for (size_t i = 0; i < n; i++)
		collector_found(collector, step, relations[i],
		                keys_of(writing->arena, relations[i]->from, &rows[i]), rows[i].nrows);
	return true;
}

/* The rows as they are before they go, shown by what stands behind their keys. */
static void keep_rows(struct writing *writing, struct deletion *deletion,
                      const struct db_rows *rows)
{
	struct layout *layout = &deletion->deleted->rows.layout;
	struct layout_member *members =
		ARENA_ARRAY(writing->arena, struct layout_member, deletion->returning.layout.n);

	written_take(writing->arena, &deletion->deleted->rows, &deletion->returning, rows, 1);
	for (size_t i = 0; i < layout->n; i++) {
		members[i] = layout->members[i];
		members[i].column += (unsigned)deletion->model->npk_fields;
	}
	layout->members = members;
}

static bool collect(struct writing *writing, struct collector *collector, struct deletion *deletion)
{
	struct db_rows *rows = ARENA_NEW(writing->arena, struct db_rows);
	struct collect_step step;

	if (!writing_query(writing, deletion->keys, rows) ||
	    !require_holds(&deletion->require, rows->nrows, writing->error))
		return false;
	keep_rows(writing, deletion, rows);
	collector_start(collector, keys_of(writing->arena, collector->model, rows), rows->nrows);
	while (collector_next(collector, &step))
		if (!follow(writing, collector, &step))
			return false;
	return collector_judge(collector, writing->error);
}

/* -- carrying out ---------------------------------------------------------------- */

/* What SET_NULL, SET_DEFAULT and SET(value) leave in the foreign key. */
static bool value_left(struct writing *writing, const struct relation *relation, struct str *text)
{
	const struct value *value = NULL;

	*text = (struct str){NULL, 0};
	if (relation->on_delete == ON_DELETE_SET_DEFAULT)
		value = relation->field->default_value;
	if (relation->on_delete == ON_DELETE_SET)
		value = relation->set_value;
	return !value || field_parse(relation->field, value, writing->arena, text, writing->error);
}

struct script {
	struct statement *statements;
	const struct model **counted; /* NULL: not counted */
	size_t n;
};

static struct statement *add(struct script *script, const struct model *counted)
{
	script->counted[script->n] = counted;
	return &script->statements[script->n++];
}

static bool write_script(struct writing *writing, const struct collector *collector,
                         struct script *script)
{
	size_t nmodels;
	const struct collected **order = collector_order(collector, &nmodels);
	size_t most = collector->fast.n + collector->updates.n + nmodels;

	script->statements = ARENA_ARRAY(writing->arena, struct statement, most);
	script->counted = ARENA_ARRAY(writing->arena, const struct model *, most);
	script->n = 0;
	for (size_t i = 0; i < collector->fast.n; i++) {
		const struct collect_action *action = &collector->fast.items[i];
		delete_sql_fast(writing->arena, action, add(script, action->relation->from));
	}
	for (size_t i = 0; i < collector->updates.n; i++) {
		const struct collect_action *action = &collector->updates.items[i];
		struct str value;
		if (!value_left(writing, action->relation, &value))
			return false;
		delete_sql_update(writing->arena, action, value, add(script, NULL));
	}
	for (size_t i = 0; i < nmodels; i++)
		if (order[i]->keys.n)
			delete_sql_keys(writing->arena, &order[i]->keys, add(script, order[i]->keys.model));
	return true;
}

static bool carry_out(struct writing *writing, const struct collector *collector,
                      struct deleted *deleted)
{
	struct script script;

	if (!write_script(writing, collector, &script))
		return false;
	struct db_rows *rows = ARENA_ARRAY(writing->arena, struct db_rows, script.n);
	if (script.n && !writing_run(writing, script.statements, script.n, rows))
		return false;
	for (size_t i = 0; i < script.n; i++)
		if (script.counted[i])
			count(writing, deleted, script.counted[i], rows[i].affected);
	return true;
}

static bool delete_with_dependents(struct writing *writing, void *arg)
{
	struct deletion *deletion = arg;
	struct collector collector;

	*deletion->deleted = (struct deleted){0};
	writing->is_deleting = true;
	collector_init(&collector, writing->arena, deletion->model);
	return collect(writing, &collector, deletion) &&
	       carry_out(writing, &collector, deletion->deleted);
}

bool delete_selected(struct writing *writing, const struct model *model,
                     const struct statement *keys, uint64_t *n)
{
	struct deleted deleted = {0};
	struct deletion deletion = {.model = model, .keys = keys, .deleted = &deleted};

	*n = 0;
	if (!delete_with_dependents(writing, &deletion))
		return false;
	for (size_t i = 0; i < deleted.nmodels; i++)
		if (deleted.per_model[i].model == model)
			*n = deleted.per_model[i].n;
	return true;
}

/* -- the method ------------------------------------------------------------------ */

static bool refuse(struct writing *writing, const struct clause *clause, const char *words)
{
	return error_set(writing->error, ERROR_TYPE, clause->pos, "%s", words);
}

/* What Django's delete() does not go with. */
static bool is_deletable(struct writing *writing, const struct query *query)
{
	for (size_t i = 0; query && i < query->nclauses; i++) {
		const struct clause *clause = &query->clauses[i];
		if (clause->has_limit || clause->offset || clause->cursor != CURSOR_NONE)
			return refuse(writing, clause, "Cannot use 'limit' or 'offset' with delete().");
		if (clause->has_distinct && (clause->is_distinct || clause->ndistinct_on))
			return refuse(writing, clause, "Cannot call delete() after .distinct().");
		if (clause->projection != PROJECTION_NONE || clause->has_group_by)
			return refuse(writing, clause,
			              "Cannot call delete() after .values() or .values_list()");
		if (clause->combinator != COMBINATOR_NONE)
			return refuse(
				writing, clause,
				"Calling delete() after union, intersection or difference is not supported.");
	}
	return true;
}

/* One statement: DELETE … RETURNING. */
static bool delete_plainly(struct writing *writing, void *arg)
{
	struct deletion *deletion = arg;
	struct db_rows *rows = ARENA_NEW(writing->arena, struct db_rows);
	struct statement deleting, statement;
	struct sql sql;

	*deletion->deleted = (struct deleted){0};
	writing->is_deleting = true;
	delete_sql_selected(writing->arena, deletion->model, deletion->keys, &deleting);
	sql_init(&sql, writing->arena);
	part_statement(&sql, &deleting);
	returning_emit(&sql, &deletion->returning);
	sql_finish(&sql, deletion->returning.columns.n, &statement);
	statement.zone = deletion->keys->zone;
	statement.zone_pos = deletion->keys->zone_pos;
	if (!writing_query(writing, &statement, rows) ||
	    !require_holds(&deletion->require, rows->affected, writing->error))
		return false;
	count(writing, deletion->deleted, deletion->model, rows->affected);
	written_take(writing->arena, &deletion->deleted->rows, &deletion->returning, rows, 1);
	return true;
}

bool write_delete(struct db_session *session, const struct model *model,
                  const struct plan_scope *scope, const struct write_options *options,
                  const struct query *query, struct deleted *deleted, struct error *error)
{
	struct writing writing;
	struct statement keys;
	struct deletion deletion = {.model = model, .keys = &keys, .deleted = deleted};
	bool is_followed = delete_needs_collecting(model);

	*deleted = (struct deleted){0};
	writing_init(&writing, session, model->registry, options, error);
	if (!returning_read(writing.arena, model, writing.options->returning, &deletion.returning,
	                    error) ||
	    !require_read(writing.options->require, &deletion.require, error) ||
	    !is_deletable(&writing, query) ||
	    !plan_keys(writing.arena, model, scope, query, deletion.returning.columns.items,
	               is_followed ? deletion.returning.columns.n : 0, is_followed, &keys, error))
		return false;
	if (is_followed)
		return writing_atomically(&writing, delete_with_dependents, &deletion);
	return deletion.require.is_given ? writing_atomically(&writing, delete_plainly, &deletion)
	                                 : delete_plainly(&writing, &deletion);
}
