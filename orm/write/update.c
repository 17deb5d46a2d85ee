/* update, and PATCH and PUT of one row. */
#include "orm/write/write.h"

#include "orm/write/answer.h"
#include "orm/write/assign.h"
#include "orm/write/parts.h"
#include "orm/write/require.h"
#include "orm/write/row_change.h"

struct update {
	struct statement statement;
	struct returning returning;
	struct require require;
	struct written *written;
};

/* The finished UPDATE with its RETURNING. */
static void add_returning(struct writing *writing, const struct statement *update,
                          const struct returning *returning, struct statement *statement)
{
	struct sql sql;

	sql_init(&sql, writing->arena);
	part_statement(&sql, update);
	returning_emit(&sql, returning);
	sql_finish(&sql, returning->columns.n, statement);
	statement->zone = update->zone;
	statement->zone_pos = update->zone_pos;
}

static bool run(struct writing *writing, void *arg)
{
	struct update *update = arg;
	struct db_rows *rows = ARENA_NEW(writing->arena, struct db_rows);

	if (!writing_query(writing, &update->statement, rows) ||
	    !require_holds(&update->require, rows->affected, writing->error))
		return false;
	written_take(writing->arena, update->written, &update->returning, rows, 1);
	return true;
}

bool write_update(struct db_session *session, const struct model *model,
                  const struct plan_scope *scope, const struct write_options *options,
                  const struct query *query, const struct value *set, struct written *written,
                  struct error *error)
{
	struct writing writing;
	struct assignments assignments;
	struct update update = {.written = written};
	struct statement statement;

	*written = (struct written){.model = model};
	writing_init(&writing, session, model->registry, options, error);
	if (!returning_read(writing.arena, model, writing.options->returning, &update.returning,
	                    error) ||
	    !require_read(writing.options->require, &update.require, error) ||
	    !assignments_read(&writing, model, ASSIGN_UPDATE, set, &assignments))
		return false;
	/* As Django: nothing to set touches no row. */
	if (!assignments.n) {
		written_take(writing.arena, written, &update.returning, NULL, 0);
		return require_holds(&update.require, 0, error);
	}
	if (!plan_update(writing.arena, model, scope, query, assignments.items, assignments.n,
	                 &statement, error))
		return false;
	add_returning(&writing, &statement, &update.returning, &update.statement);
	return update.require.is_given ? writing_atomically(&writing, run, &update)
	                               : run(&writing, &update);
}

/* -- one row --------------------------------------------------------------------- */

/* What the address says about one field of the key; NULL for another field. */
static const struct value *addressed_part(const struct model *model, const struct plan_scope *scope,
                                          const struct field *field)
{
	if (model->pk)
		return field == model->pk ? scope->pk : NULL;
	for (size_t i = 0; i < model->npk_fields && i < scope->pk->list.n; i++)
		if (model->pk_fields[i] == field)
			return &scope->pk->list.items[i];
	return NULL;
}

/* The address says which row; a key in the body may only say the same. */
static bool keeps_key(struct writing *writing, const struct model *model,
                      const struct plan_scope *scope, const struct value *set)
{
	for (size_t i = 0; set->kind == VALUE_OBJECT && i < set->object.n; i++) {
		const struct member *member = &set->object.members[i];
		const struct field *field =
			str_is(member->key, "pk") ? model->pk : model_field(model, member->key);
		const struct value *part = field ? addressed_part(model, scope, field) : NULL;
		struct str given, addressed;
		if (!part)
			continue;
		if (!field_parse(field, &member->value, writing->arena, &given, writing->error) ||
		    !field_parse(field, part, writing->arena, &addressed, writing->error))
			return false;
		if (!given.p || !addressed.p || !str_eq(given, addressed))
			return error_set(writing->error, ERROR_VALUE, member->value.pos,
			                 "The primary key of a row cannot be changed; the address says %.*s.",
			                 STR_ARG(addressed));
	}
	return true;
}

/* Waits.  Nothing to assign: the row as it is. */
static bool read_row(struct writing *writing, const struct model *model,
                     const struct plan_scope *scope, const struct returning *returning,
                     struct written *written)
{
	struct db_rows *rows = ARENA_NEW(writing->arena, struct db_rows);
	const struct plan *plan;

	if (!plan_query(writing->arena, model, scope, query_all(writing->arena), &plan, writing->error) ||
	    !writing_read(writing, &plan->statement, 1, rows))
		return false;
	written_take(writing->arena, written, returning, rows, 1);
	returning_narrow(writing->arena, model, returning, &written->layout);
	return true;
}

/* Waits. */
static bool change_row(struct writing *writing, const struct model *model,
                       const struct plan_scope *scope, const struct assignments *assignments,
                       const struct returning *returning, struct written *written)
{
	struct db_rows *rows = ARENA_NEW(writing->arena, struct db_rows);
	struct statement update, statement;

	if (!assignments->n)
		return read_row(writing, model, scope, returning, written);
	if (!plan_update(writing->arena, model, scope, query_all(writing->arena), assignments->items,
	                 assignments->n, &update, writing->error))
		return false;
	add_returning(writing, &update, returning, &statement);
	if (!writing_query(writing, &statement, rows))
		return false;
	written_take(writing->arena, written, returning, rows, 1);
	return true;
}

/* -- one row with related ones ----------------------------------------------------- */

struct nested_update {
	struct row_change change;
	const struct plan_scope *scope;
	struct written *written;
};

static bool run_nested(struct writing *writing, void *arg)
{
	struct nested_update *update = arg;

	return row_change_run(&update->change, update->scope, NULL, update->written) &&
	       (update->written->nrows || writing_none_found(writing, update->change.model, NULL));
}

static bool change_nested(struct writing *writing, const struct model *model,
                          const struct plan_scope *scope, enum assign_mode mode,
                          const struct value *set, const struct returning *returning,
                          struct written *written)
{
	struct nested_update update = {.scope = scope, .written = written};
	struct validation validation;

	writing_validation(writing, &validation);
	if (!row_change_read(&update.change, writing, model, mode, &validation, set) ||
	    !validation_finish(&validation, writing->error) ||
	    !writing_atomically(writing, run_nested, &update))
		return false;
	returning_narrow(writing->arena, model, returning, &written->layout);
	return true;
}

bool write_row(struct db_session *session, const struct model *model,
               const struct plan_scope *scope, const struct write_options *options,
               const struct value *set, bool is_whole, struct written *written, struct error *error)
{
	struct writing writing;
	struct assignments assignments;
	struct returning returning;
	enum assign_mode mode = is_whole ? ASSIGN_WHOLE : ASSIGN_SAVE;

	ASSERT(scope && scope->pk);
	*written = (struct written){.model = model};
	writing_init(&writing, session, model->registry, options, error);
	returning_all(writing.arena, model, &returning);
	if (!returning_read(writing.arena, model, writing.options->returning, &returning, error) ||
	    !keeps_key(&writing, model, scope, set))
		return false;
	if (nested_is_in(model, set))
		return change_nested(&writing, model, scope, mode, set, &returning, written);
	if (!assignments_read(&writing, model, mode, set, &assignments) ||
	    !change_row(&writing, model, scope, &assignments, &returning, written))
		return false;
	return written->affected || writing_none_found(&writing, model, NULL);
}
