/* update, and PATCH and PUT of one row. */
#include "orm/write/write.h"

#include "orm/query/decode.h"
#include "orm/write/assign.h"
#include "orm/write/parts.h"

bool write_update(struct db_session *session, const struct model *model,
                  const struct plan_scope *scope, const struct query *query,
                  const struct value *set, uint64_t *updated, struct error *error)
{
	struct writing writing;
	struct assignments assignments;
	struct statement statement;
	struct db_rows rows;

	*updated = 0;
	writing_init(&writing, session, model->registry, error);
	if (!assignments_read(&writing, model, ASSIGN_UPDATE, set, &assignments))
		return false;
	/* As Django: nothing to set touches no row. */
	if (!assignments.n)
		return true;
	if (!plan_update(writing.arena, model, scope, query, assignments.items, assignments.n,
	                 &statement, error) ||
	    !writing_query(&writing, &statement, &rows))
		return false;
	*updated = rows.affected;
	return true;
}

/* -- one row --------------------------------------------------------------------- */

static const struct query *every_row(struct writing *writing)
{
	static const struct value none = {.kind = VALUE_OBJECT};
	const struct query *query;

	if (!decode_query(writing->arena, &none, NULL, &query, writing->error))
		BUG("an empty query is a query");
	return query;
}

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

static bool emit_row(struct writing *writing, const struct model *model,
                     const struct plan_scope *scope, const struct assignments *assignments,
                     struct statement *statement)
{
	struct statement update;
	struct sql sql;

	if (!plan_update(writing->arena, model, scope, every_row(writing), assignments->items,
	                 assignments->n, &update, writing->error))
		return false;
	sql_init(&sql, writing->arena);
	part_statement(&sql, &update);
	part_returning(&sql, model);
	sql_finish(&sql, model->ncolumns, statement);
	return true;
}

static bool answer(struct writing *writing, const struct model *model, const struct db_rows *rows,
                   struct written *written)
{
	struct written_row *row = ARENA_NEW(writing->arena, struct written_row);

	if (rows->nrows == 0)
		return writing_none_found(writing, model, NULL);
	*row = (struct written_row){rows, 0};
	written->model = model;
	written->rows = row;
	written->nrows = 1;
	return true;
}

/* Waits.  Nothing to assign: the row as it is. */
static bool read_row(struct writing *writing, const struct model *model,
                     const struct plan_scope *scope, struct written *written)
{
	struct db_rows *rows = ARENA_NEW(writing->arena, struct db_rows);
	const struct plan *plan;

	if (!plan_query(writing->arena, model, scope, every_row(writing), &plan, writing->error) ||
	    !writing_read(writing, &plan->statement, 1, rows))
		return false;
	written->layout = plan->layout;
	return answer(writing, model, rows, written);
}

/* Waits. */
static bool change_row(struct writing *writing, const struct model *model,
                       const struct plan_scope *scope, const struct assignments *assignments,
                       struct written *written)
{
	struct db_rows *rows = ARENA_NEW(writing->arena, struct db_rows);
	struct statement statement;

	if (!assignments->n)
		return read_row(writing, model, scope, written);
	if (!emit_row(writing, model, scope, assignments, &statement) ||
	    !writing_query(writing, &statement, rows))
		return false;
	plan_model_layout(writing->arena, model, &written->layout);
	return answer(writing, model, rows, written);
}

bool write_row(struct db_session *session, const struct model *model,
               const struct plan_scope *scope, const struct value *set, bool is_whole,
               struct written *written, struct error *error)
{
	struct writing writing;
	struct assignments assignments;
	enum assign_mode mode = is_whole ? ASSIGN_WHOLE : ASSIGN_SAVE;

	ASSERT(scope && scope->pk);
	writing_init(&writing, session, model->registry, error);
	return keeps_key(&writing, model, scope, set) &&
	       assignments_read(&writing, model, mode, set, &assignments) &&
	       change_row(&writing, model, scope, &assignments, written);
}
