/* GROUP BY: what stands outside of aggregates must be among the groups. */
#include "orm/query/aggregates.h"

/* Columns outside aggregates must be among the groups; those of a table grouped by its key follow from it. */
static void group_column(struct visitor *visitor, struct source *source, const struct field *field)
{
	const struct scope *scope = visitor->data;
	struct rexpr_list *groups = &scope->select->group_by;

	if (!source_listed(&scope->select->sources, source) || source->is_moved)
		return;
	if (scope->select->groups_by_key && source->type == JOIN_BASE && source->model->is_managed)
		return;
	for (size_t i = 0; i < groups->n; i++) {
		const struct rexpr *group = groups->items[i];

		if (group->kind == R_COLUMN && group->source == source && group->field == field)
			return;
	}
	*ARENA_PUSH(scope->r->arena, groups) = column_expr(scope->r->arena, source, field);
}

static bool skip_in_place(struct visitor *visitor, const struct rexpr *expr)
{
	(void)visitor;
	return expr->aggregate->subselect != NULL;
}

static bool is_group(const struct select *select, const struct rexpr *expr)
{
	for (size_t i = 0; i < select->group_by.n; i++)
		if (select->group_by.items[i] == expr)
			return true;
	return false;
}

/* Beside an aggregate (z = y + COUNT(*)) a group stands as a whole: its columns are no groups of their own. */
static void group_around_aggregate(const struct select *select, struct visitor *visitor,
                                   const struct rexpr *expr)
{
	bool has_args_alone = expr->kind == R_CALL || expr->kind == R_ARITHMETIC || expr->kind == R_CAST ||
	                      expr->kind == R_WRAPPED;

	if (is_group(select, expr))
		return;
	if (!has_args_alone) {
		visit_expr(visitor, expr);
		return;
	}
	for (size_t i = 0; i < expr->nargs; i++)
		group_around_aggregate(select, visitor, expr->args[i]);
}

/* What is selected or ordered by without being an aggregate is grouped by, whole where the query names its
 * groups itself. */
static void group_expr(struct scope *scope, struct visitor *visitor, const struct rexpr *expr)
{
	struct select *select = scope->select;

	if (is_group(select, expr))
		return;
	if (select->groups_by_key || expr->kind == R_COLUMN || expr->has_window)
		visit_expr(visitor, expr);
	else if (expr->has_aggregate)
		group_around_aggregate(select, visitor, expr);
	else if (expr->kind != R_PARAM)
		*ARENA_PUSH(scope->r->arena, &select->group_by) = expr;
}

void complete_groups(struct scope *scope)
{
	struct arena *arena = scope->r->arena;
	struct select *select = scope->select;
	struct visitor visitor = {.column = group_column, .aggregate = skip_in_place, .data = scope};

	for (size_t i = 0; select->groups_by_key && i < select->model->npk_fields; i++)
		*ARENA_PUSH(arena, &select->group_by) =
		    column_expr(arena, select->sources.items[0], select->model->pk_fields[i]);
	for (size_t i = 0; i < select->columns.n; i++)
		group_expr(scope, &visitor, select->columns.items[i].expr);
	for (size_t i = 0; i < select->order_by.n; i++)
		if (select->order_by.items[i].expr != NULL)
			group_expr(scope, &visitor, select->order_by.items[i].expr);
	for (size_t i = 0; i < select->having.n; i++)
		visit_cond(&visitor, select->having.items[i]);
	for (size_t i = 0; i < select->qualify.n; i++)
		visit_cond(&visitor, select->qualify.items[i]);
}
