/* Visiting and copying resolved trees.  See walk.h. */
#include "orm/query/walk.h"

#include "orm/query/scope.h"

static void visit_orders(struct visitor *visitor, const struct rorder *orders, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (orders[i].expr != NULL)
			visit_expr(visitor, orders[i].expr);
}

static void visit_aggregate(struct visitor *visitor, const struct rexpr *expr)
{
	const struct raggregate *aggregate = expr->aggregate;

	if (visitor->aggregate != NULL && !aggregate->in_window && !visitor->aggregate(visitor, expr))
		return;
	if (aggregate->derived != NULL)
		return;
	if (aggregate->subselect != NULL) {
		visit_nested(visitor, aggregate->subselect);
		return;
	}
	for (size_t i = 0; i < expr->nargs; i++)
		visit_expr(visitor, expr->args[i]);
	if (aggregate->filter != NULL)
		visit_cond(visitor, aggregate->filter);
	if (aggregate->default_value != NULL)
		visit_expr(visitor, aggregate->default_value);
	visit_orders(visitor, aggregate->order_by, aggregate->norder_by);
}

static void enter(struct visitor *visitor)
{
	visitor->nodes++;
	visitor->depth++;
	if (visitor->depth > visitor->deepest)
		visitor->deepest = visitor->depth;
}

static void look_into(struct visitor *visitor, const struct rexpr *expr)
{
	if (expr->kind == R_AGGREGATE) {
		visit_aggregate(visitor, expr);
		return;
	}
	if (expr->source != NULL && visitor->column != NULL)
		visitor->column(visitor, expr->source, expr->field);
	for (size_t i = 0; i < expr->nargs; i++)
		visit_expr(visitor, expr->args[i]);
	for (size_t i = 0; i < expr->ncases; i++) {
		visit_cond(visitor, expr->cases[i].when);
		visit_expr(visitor, expr->cases[i].then);
	}
	if (expr->window != NULL) {
		for (size_t i = 0; i < expr->window->npartition_by; i++)
			visit_expr(visitor, expr->window->partition_by[i]);
		visit_orders(visitor, expr->window->order_by, expr->window->norder_by);
	}
	if (expr->condition != NULL)
		visit_cond(visitor, expr->condition);
	if (expr->select != NULL)
		visit_nested(visitor, expr->select);
}

void visit_expr(struct visitor *visitor, const struct rexpr *expr)
{
	enter(visitor);
	look_into(visitor, expr);
	visitor->depth--;
}

void visit_cond(struct visitor *visitor, const struct rcond *cond)
{
	enter(visitor);
	for (size_t i = 0; i < cond->nchildren; i++)
		visit_cond(visitor, cond->children[i]);
	if (cond->left != NULL)
		visit_expr(visitor, cond->left);
	for (size_t i = 0; i < cond->noperands; i++)
		visit_expr(visitor, cond->operands[i]);
	if (cond->subselect != NULL)
		visit_nested(visitor, cond->subselect);
	if (cond->select != NULL)
		visit_nested(visitor, cond->select);
	visitor->depth--;
}

void visit_nested(struct visitor *visitor, const struct select *select)
{
	struct visitor inner = {
	    .column = visitor->column, .data = visitor->data, .depth = visitor->depth, .deepest = visitor->deepest};

	for (size_t i = 0; i < select->sources.n; i++) {
		const struct source *source = select->sources.items[i];

		if (source->parent != NULL && inner.column != NULL)
			inner.column(&inner, source->parent, source->hop.from_field);
		if (source->condition != NULL)
			visit_cond(&inner, source->condition);
	}
	if (select->derived != NULL)
		visit_nested(&inner, select->derived->select);
	for (size_t i = 0; i < select->ncombined; i++)
		visit_nested(&inner, select->combined[i]);
	visit_select(&inner, select);
	visitor->nodes += inner.nodes;
	visitor->deepest = inner.deepest;
}

void visit_select(struct visitor *visitor, const struct select *select)
{
	for (size_t i = 0; i < select->joined.n; i++)
		if (visitor->column != NULL)
			visitor->column(visitor, select->joined.items[i]->parent, select->joined.items[i]->from_field);
	for (size_t i = 0; i < select->columns.n; i++)
		visit_expr(visitor, select->columns.items[i].expr);
	for (size_t i = 0; i < select->where.n; i++)
		visit_cond(visitor, select->where.items[i]);
	for (size_t i = 0; i < select->having.n; i++)
		visit_cond(visitor, select->having.items[i]);
	for (size_t i = 0; i < select->qualify.n; i++)
		visit_cond(visitor, select->qualify.items[i]);
	for (size_t i = 0; i < select->group_by.n; i++)
		visit_expr(visitor, select->group_by.items[i]);
	for (size_t i = 0; i < select->distinct_on.n; i++)
		visit_expr(visitor, select->distinct_on.items[i]);
	visit_orders(visitor, select->order_by.items, select->order_by.n);
}

struct collection {
	struct arena *arena;
	const struct select *select;
	struct source_list *list;
};

static void collect_source(struct visitor *visitor, struct source *source, const struct field *field)
{
	const struct collection *c = visitor->data;

	(void)field;

	for (; source != NULL; source = source->parent)
		if (source_listed(&c->select->sources, source))
			list_add(c->arena, c->list, source);
}

void collect_sources(struct arena *arena, const struct select *select, const struct rexpr *expr,
                     struct source_list *list)
{
	struct collection collection = {arena, select, list};
	struct visitor visitor = {.column = collect_source, .data = &collection};

	visit_expr(&visitor, expr);
}

static struct source *mapped(const struct source_map *map, struct source *source)
{
	for (size_t i = 0; i < map->n; i++)
		if (map->from[i] == source)
			return map->to[i];
	return source;
}

static const struct rexpr *const *copy_exprs(const struct source_map *map,
                                             const struct rexpr *const *exprs, size_t n)
{
	const struct rexpr **copies = ARENA_ARRAY(map->arena, const struct rexpr *, n);

	for (size_t i = 0; i < n; i++)
		copies[i] = copy_expr(map, exprs[i]);
	return copies;
}

static const struct rorder *copy_orders(const struct source_map *map, const struct rorder *orders,
                                        size_t n)
{
	struct rorder *copies = ARENA_ARRAY(map->arena, struct rorder, n);

	for (size_t i = 0; i < n; i++) {
		copies[i] = orders[i];
		if (orders[i].expr != NULL)
			copies[i].expr = copy_expr(map, orders[i].expr);
	}
	return copies;
}

static void copy_conds(const struct source_map *map, const struct rcond_list *from,
                       struct rcond_list *to)
{
	for (size_t i = 0; i < from->n; i++)
		*ARENA_PUSH(map->arena, to) = copy_cond(map, from->items[i]);
}

static struct select *copy_nested(const struct source_map *map, const struct select *select);

static struct derived *copy_derived(const struct source_map *map, const struct derived *derived)
{
	struct derived *copy = ARENA_NEW(map->arena, struct derived);

	*copy = *derived;
	copy->select = copy_nested(map, derived->select);
	copy->parent = mapped(map, derived->parent);
	return copy;
}

/* What a nested select reads besides its sources. */
static void copy_tables(const struct source_map *map, const struct select *from, struct select *to)
{
	const struct select **members = ARENA_ARRAY(map->arena, const struct select *, from->ncombined);

	if (from->derived != NULL)
		to->derived = copy_derived(map, from->derived);
	to->joined = (struct derived_list){0};
	for (size_t i = 0; i < from->joined.n; i++)
		*ARENA_PUSH(map->arena, &to->joined) = copy_derived(map, from->joined.items[i]);
	for (size_t i = 0; i < from->ncombined; i++)
		members[i] = copy_nested(map, from->combined[i]);
	to->combined = members;
}

/* A nested select: its own sources stay, only what it names outside changes. */
static struct select *copy_nested(const struct source_map *map, const struct select *select)
{
	struct select *copy = ARENA_NEW(map->arena, struct select);
	size_t n = select->sources.n;
	struct source **own = ARENA_ARRAY(map->arena, struct source *, n + map->n);
	struct source **copies = ARENA_ARRAY(map->arena, struct source *, n + map->n);
	struct source_map inner = {map->arena, own, copies, n + map->n};

	*copy = *select;
	for (size_t i = 0; i < n; i++) {
		own[i] = select->sources.items[i];
		copies[i] = ARENA_NEW(map->arena, struct source);
		*copies[i] = *own[i];
	}
	for (size_t i = 0; i < map->n; i++) {
		own[n + i] = map->from[i];
		copies[n + i] = map->to[i];
	}
	for (size_t i = 0; i < n; i++) {
		copies[i]->parent = mapped(&inner, copies[i]->parent);
		if (copies[i]->condition != NULL)
			copies[i]->condition = copy_cond(&inner, copies[i]->condition);
	}
	copy_tables(&inner, select, copy);
	copy->sources = (struct source_list){copies, n, n};
	copy->columns = (struct rcolumn_list){0};
	for (size_t i = 0; i < select->columns.n; i++)
		*ARENA_PUSH(map->arena, &copy->columns) = (struct rcolumn){
		    select->columns.items[i].name, copy_expr(&inner, select->columns.items[i].expr)};
	copy->where = copy->having = copy->qualify = (struct rcond_list){0};
	copy_conds(&inner, &select->where, &copy->where);
	copy_conds(&inner, &select->having, &copy->having);
	copy_conds(&inner, &select->qualify, &copy->qualify);
	copy->group_by.items =
	    (const struct rexpr **)copy_exprs(&inner, select->group_by.items, select->group_by.n);
	copy->distinct_on.items =
	    (const struct rexpr **)copy_exprs(&inner, select->distinct_on.items, select->distinct_on.n);
	copy->order_by.items =
	    (struct rorder *)copy_orders(&inner, select->order_by.items, select->order_by.n);
	return copy;
}

static struct raggregate *copy_aggregate(const struct source_map *map, const struct raggregate *aggregate)
{
	struct raggregate *copy = ARENA_NEW(map->arena, struct raggregate);

	*copy = *aggregate;
	if (copy->filter != NULL)
		copy->filter = copy_cond(map, copy->filter);
	if (copy->default_value != NULL)
		copy->default_value = copy_expr(map, copy->default_value);
	copy->order_by = copy_orders(map, copy->order_by, copy->norder_by);
	if (copy->subselect != NULL)
		copy->subselect = copy_nested(map, copy->subselect);
	return copy;
}

const struct rexpr *copy_expr(const struct source_map *map, const struct rexpr *expr)
{
	struct rexpr *copy = ARENA_NEW(map->arena, struct rexpr);
	struct rcase *cases;

	*copy = *expr;
	copy->source = mapped(map, expr->source);
	copy->args = copy_exprs(map, expr->args, expr->nargs);
	cases = ARENA_ARRAY(map->arena, struct rcase, expr->ncases);
	for (size_t i = 0; i < expr->ncases; i++)
		cases[i] = (struct rcase){copy_cond(map, expr->cases[i].when), copy_expr(map, expr->cases[i].then)};
	copy->cases = cases;
	if (expr->window != NULL) {
		struct rwindow *window = ARENA_NEW(map->arena, struct rwindow);

		*window = *expr->window;
		window->partition_by = copy_exprs(map, window->partition_by, window->npartition_by);
		window->order_by = copy_orders(map, window->order_by, window->norder_by);
		copy->window = window;
	}
	if (expr->condition != NULL)
		copy->condition = copy_cond(map, expr->condition);
	if (expr->select != NULL)
		copy->select = copy_nested(map, expr->select);
	if (expr->aggregate != NULL)
		copy->aggregate = copy_aggregate(map, expr->aggregate);
	return copy;
}

const struct rcond *copy_cond(const struct source_map *map, const struct rcond *cond)
{
	struct rcond *copy = ARENA_NEW(map->arena, struct rcond);
	const struct rcond **children = ARENA_ARRAY(map->arena, const struct rcond *, cond->nchildren);

	*copy = *cond;
	for (size_t i = 0; i < cond->nchildren; i++)
		children[i] = copy_cond(map, cond->children[i]);
	copy->children = children;
	if (cond->left != NULL)
		copy->left = copy_expr(map, cond->left);
	copy->operands = copy_exprs(map, cond->operands, cond->noperands);
	if (cond->subselect != NULL)
		copy->subselect = copy_nested(map, cond->subselect);
	if (cond->select != NULL)
		copy->select = copy_nested(map, cond->select);
	return copy;
}
