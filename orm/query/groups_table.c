/* Groups as a table: SELECT … FROM (SELECT groups, aggregates … GROUP BY …) AS g.
 *
 * Needed where an aggregate that is computed again is correlated with a group that is an expression: PostgreSQL lets
 * a subselect name an outer column, not an outer expression. */
#include "orm/query/aggregates.h"

struct table {
	struct resolver *r;
	struct select *groups; /* the inner select */
	size_t ngroups;
	const struct source_list *kept; /* read outside, not in the table; may be NULL */
};

static const struct rexpr *read(const struct table *table, const struct rexpr *expr, size_t position)
{
	struct rexpr *column = rexpr_new(table->r->arena, R_VALUE_COLUMN, expr->field, 0);

	column->alias = table->groups->groups_alias;
	column->position = (unsigned)position;
	return column;
}

static bool same_group(const struct rexpr *group, const struct rexpr *expr)
{
	return group == expr || (group->kind == R_COLUMN && expr->kind == R_COLUMN &&
	                         group->source == expr->source && group->field == expr->field);
}

static const struct rcond *outside_cond(struct table *table, const struct rcond *cond);

/* The expression as it reads from outside: a group is its column, an aggregate in place becomes one. */
static const struct rexpr *outside(struct table *table, const struct rexpr *expr)
{
	struct arena *arena = table->r->arena;
	struct rexpr *copy;

	for (size_t i = 0; i < table->ngroups; i++)
		if (same_group(table->groups->group_by.items[i], expr))
			return read(table, expr, i + 1);
	if (expr->kind == R_AGGREGATE && expr->aggregate->subselect != NULL)
		return expr;
	if (expr->kind == R_COLUMN && table->kept != NULL && source_listed(table->kept, expr->source))
		return expr;
	if ((expr->kind == R_AGGREGATE && !expr->aggregate->in_window) || expr->kind == R_COLUMN) {
		*ARENA_PUSH(arena, &table->groups->columns) = (struct rcolumn){STR("value"), expr};
		return read(table, expr, table->groups->columns.n);
	}
	copy = rexpr_new(arena, expr->kind, expr->field, expr->nargs);
	const struct rexpr *const *args = copy->args;

	*copy = *expr;
	copy->args = args;
	copy->has_aggregate = false;
	for (size_t i = 0; i < expr->nargs; i++)
		rexpr_set_arg(copy, i, outside(table, expr->args[i]));
	struct rcase *cases = ARENA_ARRAY(arena, struct rcase, expr->ncases);

	for (size_t i = 0; i < expr->ncases; i++)
		cases[i] = (struct rcase){outside_cond(table, expr->cases[i].when), outside(table, expr->cases[i].then)};
	copy->cases = cases;
	if (expr->condition != NULL)
		copy->condition = outside_cond(table, expr->condition);
	return copy;
}

static const struct rcond *outside_cond(struct table *table, const struct rcond *cond)
{
	struct arena *arena = table->r->arena;
	struct rcond *copy = ARENA_NEW(arena, struct rcond);
	const struct rcond **children = ARENA_ARRAY(arena, const struct rcond *, cond->nchildren);
	const struct rexpr **operands = ARENA_ARRAY(arena, const struct rexpr *, cond->noperands);

	*copy = *cond;
	for (size_t i = 0; i < cond->nchildren; i++)
		children[i] = outside_cond(table, cond->children[i]);
	for (size_t i = 0; i < cond->noperands; i++)
		operands[i] = outside(table, cond->operands[i]);
	copy->children = children;
	copy->operands = operands;
	if (cond->left != NULL)
		copy->left = outside(table, cond->left);
	return copy;
}

struct select *tabulate_groups(struct resolver *r, struct select *groups, const struct source_list *kept)
{
	struct select *outer = ARENA_NEW(r->arena, struct select);
	struct rcolumn_list columns = groups->columns;
	struct rcond_list having = groups->having, qualify = groups->qualify;
	struct table table = {.r = r, .groups = groups, .ngroups = groups->group_by.n, .kept = kept};

	outer->model = groups->model;
	outer->derived = ARENA_NEW(r->arena, struct derived);
	*outer->derived = (struct derived){.select = groups, .alias = groups->groups_alias};
	groups->columns = (struct rcolumn_list){0};
	groups->having = groups->qualify = (struct rcond_list){0};
	for (size_t i = 0; i < table.ngroups; i++)
		*ARENA_PUSH(r->arena, &groups->columns) = (struct rcolumn){STR("group"), groups->group_by.items[i]};
	for (size_t i = 0; i < columns.n; i++)
		*ARENA_PUSH(r->arena, &outer->columns) =
		    (struct rcolumn){columns.items[i].name, outside(&table, columns.items[i].expr)};
	for (size_t i = 0; i < having.n; i++)
		*ARENA_PUSH(r->arena, &outer->where) = outside_cond(&table, having.items[i]);
	for (size_t i = 0; i < qualify.n; i++)
		*ARENA_PUSH(r->arena, &outer->qualify) = outside_cond(&table, qualify.items[i]);
	for (size_t i = 0; i < groups->order_by.n; i++) {
		struct rorder order = groups->order_by.items[i];

		if (order.expr != NULL && order.position == 0)
			order.expr = outside(&table, order.expr);
		*ARENA_PUSH(r->arena, &outer->order_by) = order;
	}
	groups->order_by.n = 0;
	outer->is_distinct = groups->is_distinct;
	outer->has_limit = groups->has_limit;
	outer->limit = groups->limit;
	outer->offset = groups->offset;
	groups->is_distinct = groups->has_limit = false;
	groups->offset = 0;
	return outer;
}
