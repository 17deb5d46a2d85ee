/* Ordering: by annotations, columns, relations (which follow their model's ordering), at random. */
#include "orm/query/decode.h"
#include "orm/query/resolve.h"

/* A relation's ordering may name a relation again; deeper than this it goes in circles. */
#define MAX_ORDERING_DEPTH 8

static bool is_constant(const struct rexpr *expr)
{
	if (expr->kind == R_CAST || expr->kind == R_WRAPPED)
		return is_constant(expr->args[0]);
	if (expr->kind == R_CONDITION)
		return expr->condition->nchildren == 0 &&
		       (expr->condition->kind == RC_AND || expr->condition->kind == RC_OR);
	return expr->kind == R_PARAM || expr->kind == R_NULL;
}

void order_push(struct resolved *q, struct rorder order)
{
	struct rorder_list *list = &q->select->order_by;

	if (order.expr != NULL && is_constant(order.expr))
		return; /* every row alike: PostgreSQL refuses to order by it */
	if (order.expr != NULL && order.expr->has_aggregate)
		group_by_row(q->scope);

	for (size_t i = 0; i < list->n; i++) {
		const struct rexpr *a = list->items[i].expr, *b = order.expr;

		if (a != NULL && b != NULL &&
		    (a == b || (a->kind == R_COLUMN && b->kind == R_COLUMN && a->source == b->source &&
		                a->field == b->field)))
			return;
	}
	*ARENA_PUSH(q->scope->r->arena, list) = order;
}

static bool order_by_path(struct resolved *q, const struct path *path, bool is_descending,
                          enum nulls_order nulls, int depth);

static enum nulls_order flipped(enum nulls_order nulls)
{
	if (nulls == NULLS_DEFAULT)
		return NULLS_DEFAULT;
	return nulls == NULLS_FIRST ? NULLS_LAST : NULLS_FIRST;
}

/* One entry of a model's ordering, as seen from the end of `prefix`. */
static bool order_by_entry(struct resolved *q, struct str prefix, const struct order *entry,
                           bool is_reversed, const struct pos *pos, int depth)
{
	struct arena *arena = q->scope->r->arena;
	bool is_descending = entry->is_descending != is_reversed;
	enum nulls_order nulls = is_reversed ? flipped(entry->nulls) : entry->nulls;

	if (entry->is_random) {
		order_push(q, (struct rorder){0});
		return true;
	}
	if (entry->expr->kind == EXPR_PATH) {
		struct str text = entry->expr->path.text;

		if (prefix.n > 0)
			text = arena_printf(arena, "%.*s__%.*s", STR_ARG(prefix), STR_ARG(text));
		struct path path = path_make(arena, text, pos);

		return order_by_path(q, &path, is_descending, nulls, depth + 1);
	}
	if (prefix.n > 0)
		return true; /* an expression of another model's ordering is not followed */
	const struct rexpr *expr;

	if (!resolve_expr(q->scope, entry->expr, NULL, NULL, &expr))
		return false;
	order_push(q, (struct rorder){.expr = expr, .is_descending = is_descending, .nulls = nulls});
	return true;
}

static bool order_by_model(struct resolved *q, const struct model *model, struct str prefix,
                           bool is_reversed, const struct pos *pos, int depth)
{
	struct scope *scope = q->scope;
	const struct order *entries;
	size_t n;

	if (!decode_order(scope->r->arena, model->ordering, &entries, &n, scope->r->error))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!order_by_entry(q, prefix, &entries[i], is_reversed, pos, depth))
			return false;
	return true;
}

static bool order_by_path(struct resolved *q, const struct path *path, bool is_descending,
                          enum nulls_order nulls, int depth)
{
	struct scope *scope = q->scope;
	struct target target;
	const struct rexpr *expr;

	if (depth > MAX_ORDERING_DEPTH)
		return error_set(scope->r->error, ERROR_FIELD, path->pos, "Infinite loop caused by ordering");
	if (!path_resolve(scope, scope->model, path, &target))
		return false;
	if (target.annotation == NULL && target.relation != NULL && target.used == path->n &&
	    target.end->ordering != NULL && target.end->ordering->list.n > 0)
		return order_by_model(q, target.end, path->text, is_descending, path->pos, depth);
	if (!resolve_path_expr(scope, path, NULL, &expr))
		return false;
	order_push(q, (struct rorder){.expr = expr, .is_descending = is_descending, .nulls = nulls});
	return true;
}

/* Distinct rows are ordered by what they hold: there, as with Django, the random number is one of the columns. */
static bool order_at_random(struct resolved *q, const struct pos *pos)
{
	struct member member = {.key = STR("Random"), .value = {.kind = VALUE_LIST, .pos = pos}};
	struct value call = {.kind = VALUE_OBJECT, .pos = pos, .object = {.members = &member, .n = 1}};
	struct resolver *r = q->scope->r;
	struct rorder result = {0};
	const struct expr *expr;

	if (q->is_distinct && q->ndistinct_on == 0 &&
	    (!decode_expr(r->arena, &call, &expr, r->error) ||
	     !resolve_expr(q->scope, expr, NULL, NULL, &result.expr)))
		return false;
	order_push(q, result);
	return true;
}

static bool order_as_asked(struct resolved *q)
{
	for (size_t i = 0; i < q->norder_by; i++) {
		const struct order *order = &q->order_by[i];
		bool is_descending = order->is_descending != q->is_reversed;
		enum nulls_order nulls = q->is_reversed ? flipped(order->nulls) : order->nulls;
		const struct rexpr *expr;

		if (order->is_random) {
			if (!order_at_random(q, order->pos))
				return false;
			continue;
		}
		if (order->expr->kind == EXPR_PATH) {
			if (!order_by_path(q, &order->expr->path, is_descending, nulls, 0))
				return false;
			continue;
		}
		if (!resolve_expr(q->scope, order->expr, NULL, NULL, &expr))
			return false;
		order_push(q, (struct rorder){.expr = expr, .is_descending = is_descending, .nulls = nulls});
	}
	return true;
}

static bool order_by_key(struct resolved *q)
{
	const struct model *model = q->scope->model;

	for (size_t i = 0; i < model->npk_fields; i++)
		order_push(q, (struct rorder){
		                  .expr = column_expr(q->scope->r->arena, q->scope->base, model->pk_fields[i]),
		                  .is_descending = q->is_reversed});
	return true;
}

/* A group that is an expression and not selected: written twice it would have other parameters and be another. */
static bool is_hidden_group(const struct select *select, const struct rexpr *expr)
{
	for (size_t i = 0; i < select->group_by.n && expr->kind != R_COLUMN; i++)
		if (select->group_by.items[i] == expr)
			return true;
	return false;
}

/* Where rows are made distinct PostgreSQL orders by what is selected alone: add what is missing. */
static void select_orders(struct resolved *q)
{
	struct select *select = q->select;

	for (size_t i = 0; i < select->order_by.n; i++) {
		struct rorder *order = &select->order_by.items[i];

		if (order->expr == NULL)
			continue;
		for (unsigned j = 0; j < select->columns.n; j++)
			if (select->columns.items[j].expr == order->expr && order->expr->kind != R_COLUMN)
				order->position = j + 1;
		if (order->position > 0 || (!q->is_distinct && !is_hidden_group(select, order->expr)))
			continue;
		if (order->expr->kind == R_COLUMN)
			column_for(q, order->expr->source, order->expr->field);
		else
			order->position = add_column(q, STR(""), order->expr) + 1;
	}
}

/* A combination is ordered by its columns alone. */
static bool order_combination(struct resolved *q)
{
	struct error *error = q->scope->r->error;

	for (size_t i = 0; i < q->norder_by; i++) {
		const struct order *order = &q->order_by[i];
		struct rorder result = {.is_descending = order->is_descending != q->is_reversed,
		                        .nulls = q->is_reversed ? flipped(order->nulls) : order->nulls};
		struct str name = order->is_random || order->expr->kind != EXPR_PATH ? (struct str){0}
		                                                                     : order->expr->path.text;

		for (unsigned j = 0; j < q->root.members.n; j++) {
			const struct layout_member *member = &q->root.members.items[j];

			if (member->kind == LAYOUT_COLUMN &&
			    (str_eq(member->name, name) || (str_is(name, "pk") && member->field == q->scope->model->pk)))
				result.position = member->column + 1;
		}
		if (result.position == 0)
			return error_set(error, ERROR_FIELD, order->pos,
			                 "ORDER BY term does not match any column in the result set");
		result.expr = q->select->columns.items[result.position - 1].expr;
		*ARENA_PUSH(q->scope->r->arena, &q->select->order_by) = result;
	}
	return true;
}

static bool is_same(const struct rexpr *a, const struct rexpr *b)
{
	if (a == NULL || b == NULL || a == b)
		return a == b;
	if (a->kind != R_COLUMN || b->kind != R_COLUMN)
		return a->kind == b->kind; /* perhaps: PostgreSQL compares them */
	return a->source == b->source && a->field == b->field;
}

/* DISTINCT ON takes the first of the rows that are alike: the ordering begins with what makes them so. */
static bool check_distinct_on(struct resolved *q)
{
	const struct select *select = q->select;

	for (size_t i = 0; i < select->order_by.n && i < select->distinct_on.n; i++) {
		bool is_there = false;

		for (size_t j = 0; j < select->distinct_on.n; j++)
			is_there |= is_same(select->order_by.items[i].expr, select->distinct_on.items[j]);
		if (!is_there)
			return error_set(q->scope->r->error, ERROR_FIELD, q->distinct_on[i].pos,
			                 "the ordering must begin with the paths of distinct, here with '%.*s'",
			                 STR_ARG(q->distinct_on[i].text));
	}
	return true;
}

bool resolve_order(struct resolved *resolved, bool by_key_when_unordered)
{
	if (resolved->combinator != COMBINATOR_NONE)
		return order_combination(resolved);

	const struct model *model = resolved->scope->model;
	bool has_own = model->ordering != NULL && model->ordering->list.n > 0;
	bool ok = true;

	if (resolved->has_order && resolved->norder_by > 0)
		ok = order_as_asked(resolved);
	else if (!resolved->has_order && has_own && !resolved->is_grouped_explicitly)
		ok = order_by_model(resolved, model, STR(""), resolved->is_reversed, NULL, 0);
	else if (by_key_when_unordered)
		ok = order_by_key(resolved);
	if (!ok)
		return false;
	if (resolved->ndistinct_on > 0 && resolved->select->is_grouped)
		return error_set(resolved->scope->r->error, ERROR_NOT_SUPPORTED, resolved->distinct_on[0].pos,
		                 "distinct fields together with group_by or aggregates are not supported");
	for (size_t i = 0; i < resolved->ndistinct_on; i++) {
		const struct rexpr *expr;

		if (!resolve_path_expr(resolved->scope, &resolved->distinct_on[i], NULL, &expr))
			return false;
		*ARENA_PUSH(resolved->scope->r->arena, &resolved->select->distinct_on) = expr;
	}
	if (!check_distinct_on(resolved))
		return false;
	resolved->select->is_distinct = resolved->is_distinct && resolved->ndistinct_on == 0;
	if (resolved->select->columns.n > 0)
		select_orders(resolved);
	return true;
}
