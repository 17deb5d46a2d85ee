/* update, and PATCH and PUT of one row. */
#include "orm/write/write.h"

#include "orm/query/decode.h"
#include "orm/write/assign.h"

bool write_update(struct db_session *session, const struct model *model,
                  const struct plan_scope *scope, const struct query *query, const struct value *set,
                  uint64_t *updated, struct error *error)
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

/* The address says which row; a key in the body may only say the same. */
static bool keeps_key(struct writing *writing, const struct model *model,
                      const struct plan_scope *scope, const struct value *set)
{
	for (size_t i = 0; set->kind == VALUE_OBJECT && i < set->object.n; i++) {
		const struct member *member = &set->object.members[i];
		const struct field *field =
		    str_is(member->key, "pk") ? model->pk : model_field(model, member->key);
		struct str given, addressed;
		if (!field || field != model->pk)
			continue;
		if (!field_parse(field, &member->value, writing->arena, &given, writing->error) ||
		    !field_parse(field, scope->pk, writing->arena, &addressed, writing->error))
			return false;
		if (!given.p || !addressed.p || !str_eq(given, addressed))
			return error_set(writing->error, ERROR_VALUE, member->value.pos,
			                 "The primary key of a row cannot be changed; the address says %.*s.",
			                 STR_ARG(addressed));
	}
	return true;
}

/* Waits.  Assigns and answers the row, as one transaction. */
static bool change_and_read(struct writing *writing, const struct model *model,
                            const struct plan_scope *scope, const struct assignments *assignments,
                            struct written *written)
{
	struct statement statements[2];
	struct db_rows *rows = ARENA_ARRAY(writing->arena, struct db_rows, 2);
	const struct query *query = every_row(writing);
	const struct plan *plan;
	size_t n = 0;

	if (assignments->n && !plan_update(writing->arena, model, scope, query, assignments->items,
	                                   assignments->n, &statements[n++], writing->error))
		return false;
	if (!plan_query(writing->arena, model, scope, query, &plan, writing->error))
		return false;
	statements[n++] = plan->statement;
	if (!writing_run(writing, statements, n, rows))
		return false;
	if (rows[n - 1].nrows == 0)
		return writing_none_found(writing, model, NULL);
	struct written_row *row = ARENA_NEW(writing->arena, struct written_row);
	*row = (struct written_row){&rows[n - 1], 0};
	*written = (struct written){.model = model, .layout = plan->layout, .rows = row, .nrows = 1};
	return true;
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
	       change_and_read(&writing, model, scope, &assignments, written);
}
