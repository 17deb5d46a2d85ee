/* Values of a new row that the database computes; see insert_value.h. */
#include "orm/sql/insert_value.h"

#include "orm/query/decode.h"
#include "orm/query/scope.h"
#include "orm/query/walk.h"
#include "orm/sql/emit.h"
#include "orm/sql/set.h"

/* Whether the row that does not exist is named, from whatever depth. */
struct search {
	const struct source *row;
	const struct field *found;
};

static void see_column(struct visitor *visitor, struct source *source, const struct field *field)
{
	struct search *search = visitor->data;

	if (source == search->row)
		search->found = field;
}

/* As Django words it, where the expression names columns or groups rows. */
static bool stands_alone(const struct scope *scope, const struct field *field,
                         const struct value *value, const struct rexpr *expr)
{
	struct error *error = scope->r->error;
	struct search search = {.row = scope->base};
	struct visitor visitor = {.column = see_column, .data = &search};

	if (expr->has_aggregate)
		return error_set(error, ERROR_FIELD, value->pos,
		                 "Aggregate functions are not allowed in this query (%.*s).",
		                 STR_ARG(field->name));
	if (expr->has_window)
		return error_set(error, ERROR_FIELD, value->pos,
		                 "Window expressions are not allowed in this query (%.*s).",
		                 STR_ARG(field->name));
	visit_expr(&visitor, expr);
	if (search.found)
		return error_set(error, ERROR_VALUE, value->pos,
		                 "Failed to insert an expression that names '%.*s' into '%.*s'. F() "
		                 "expressions can only be used to update, not to insert.",
		                 STR_ARG(search.found->name), STR_ARG(field->name));
	return true;
}

bool insert_value_read(struct arena *arena, const struct field *field, const struct value *value,
                       const struct rexpr **expr, struct error *error)
{
	struct resolver *r = ARENA_NEW(arena, struct resolver);
	struct operand operand;

	resolver_init(r, arena, field->model->registry, error);
	struct scope *scope = scope_new(r, NULL, field->model);
	scope->forbids_joins = true;
	scope->forbids_why = "F() expressions can only be used to update, not to insert.";
	if (!decode_operand(arena, value, &operand, error))
		return false;
	ASSERT(operand.kind == OPERAND_EXPR);
	return resolve_expr(scope, operand.expr, field, NULL, expr) &&
	       stands_alone(scope, field, value, *expr) && set_must_fit(field, *expr, value->pos, error);
}

void insert_value_emit(struct sql *sql, const struct rexpr *expr)
{
	struct emit e = {.sql = *sql};

	emit_expr(&e, expr);
	*sql = e.sql;
}
