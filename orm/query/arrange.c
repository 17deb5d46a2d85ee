/* The last look at a resolved query before it is written: aggregates, conditions on windows, combinations. */
#include "orm/query/aggregates.h"
#include "orm/query/resolve.h"

const struct rexpr *value_column(struct arena *arena, const struct select *inner, unsigned alias,
                                 unsigned index)
{
	struct rexpr *expr = rexpr_new(arena, R_VALUE_COLUMN, inner->columns.items[index].expr->field, 0);

	expr->alias = alias;
	expr->position = index + 1;
	return expr;
}

static unsigned push_column(struct arena *arena, struct select *inner, const struct rexpr *expr)
{
	*ARENA_PUSH(arena, &inner->columns) = (struct rcolumn){STR("value"), expr};
	return (unsigned)inner->columns.n - 1;
}

static void move_conditions(struct arena *arena, struct select *inner, struct select *outer,
                            unsigned alias)
{
	for (size_t i = 0; i < inner->qualify.n; i++) {
		struct rexpr *value = rexpr_new(arena, R_CONDITION, field_of_type("BooleanField"), 0);
		struct rcond *cond = ARENA_NEW(arena, struct rcond);

		value->condition = inner->qualify.items[i];
		cond->kind = RC_EXPR;
		cond->left = value_column(arena, inner, alias, push_column(arena, inner, value));
		*ARENA_PUSH(arena, &outer->where) = cond;
	}
	inner->qualify.n = 0;
}

static void move_order(struct arena *arena, struct select *inner, struct select *outer, unsigned alias)
{
	for (size_t i = 0; i < inner->order_by.n; i++) {
		struct rorder order = inner->order_by.items[i];

		if (order.expr != NULL) {
			unsigned index = order.position > 0 ? order.position - 1
			                                    : push_column(arena, inner, order.expr);

			order.expr = value_column(arena, inner, alias, index);
			order.position = 0;
		}
		*ARENA_PUSH(arena, &outer->order_by) = order;
	}
	inner->order_by.n = 0;
}

/* A condition on a window sees finished rows: SELECT columns FROM (rows with the condition as a column) WHERE
 * it holds.  Order and slice are the outer's. */
static struct select *qualify(struct resolver *r, struct select *inner)
{
	struct select *outer = ARENA_NEW(r->arena, struct select);
	unsigned alias = r->next_alias++;
	size_t n = inner->columns.n;

	outer->model = inner->model;
	outer->derived = ARENA_NEW(r->arena, struct derived);
	*outer->derived = (struct derived){.select = inner, .alias = alias};
	move_conditions(r->arena, inner, outer, alias);
	move_order(r->arena, inner, outer, alias);
	for (unsigned i = 0; i < n; i++)
		*ARENA_PUSH(r->arena, &outer->columns) =
		    (struct rcolumn){inner->columns.items[i].name, value_column(r->arena, inner, alias, i)};
	outer->is_distinct = inner->is_distinct;
	outer->has_limit = inner->has_limit;
	outer->limit = inner->limit;
	outer->offset = inner->offset;
	outer->keys_field = inner->keys_field;
	outer->keys_alias = inner->keys_alias;
	outer->rows_alias = inner->rows_alias;
	outer->is_empty = inner->is_empty;
	inner->is_distinct = inner->has_limit = false;
	inner->offset = 0;
	return outer;
}

/* The base query and the members as they are; order and slice belong to all of them together. */
static struct select *combine(struct resolved *q)
{
	struct arena *arena = q->scope->r->arena;
	struct select *outer = ARENA_NEW(arena, struct select);
	const struct select **all = ARENA_ARRAY(arena, const struct select *, q->nmembers + 1);
	struct select *base = q->select;

	outer->model = base->model;
	outer->columns = base->columns;
	outer->combinator = q->combinator;
	outer->combines_all = q->combines_all;
	outer->order_by = base->order_by;
	outer->has_limit = base->has_limit || q->is_none;
	outer->limit = q->is_none ? 0 : base->limit;
	outer->offset = base->offset;
	base->order_by.n = 0;
	base->has_limit = false;
	base->offset = 0;
	all[0] = base;
	for (size_t i = 0; i < q->nmembers; i++) {
		resolve_arrange(&q->members[i]);
		all[i + 1] = q->members[i].select;
	}
	outer->combined = all;
	outer->ncombined = q->nmembers + 1;
	return outer;
}

void resolve_arrange(struct resolved *resolved)
{
	arrange_aggregates(resolved->scope);
	if (resolved->select->groups_alias != 0) {
		resolved->select = tabulate_groups(resolved->scope->r, resolved->select, NULL);
	} else {
		struct select *early = group_before_join(resolved->scope->r, resolved->select);

		if (early != NULL)
			resolved->select = early;
	}
	if (resolved->select->qualify.n > 0)
		resolved->select = qualify(resolved->scope->r, resolved->select);
	if (resolved->combinator != COMBINATOR_NONE)
		resolved->select = combine(resolved);
}
