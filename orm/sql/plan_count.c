/* count, exists, aggregate: answers about rows instead of rows. */
#include "orm/sql/level.h"

static const struct rexpr *count_star(struct arena *arena)
{
	struct rexpr *star = ARENA_NEW(arena, struct rexpr);
	struct rexpr *count = ARENA_NEW(arena, struct rexpr);
	const struct rexpr **args = ARENA_ARRAY(arena, const struct rexpr *, 1);

	star->kind = R_STAR;
	args[0] = star;
	count->kind = R_AGGREGATE;
	count->function = function_by_name(STR("Count"));
	count->field = field_of_type("BigIntegerField");
	count->args = args;
	count->nargs = 1;
	count->has_aggregate = true;
	count->aggregate = ARENA_NEW(arena, struct raggregate);
	return count;
}

/* Expressions that are selected and lead over a multi-valued relation make more rows: they are kept. */
static bool keep_multiplying(struct resolved *q)
{
	struct scope *scope = q->scope;
	struct rcolumn_list kept = {0};

	if (!resolve_columns(q))
		return false;
	for (size_t i = 0; i < q->select->columns.n; i++) {
		const struct rexpr *expr = q->select->columns.items[i].expr;
		struct source_list sources = {0};
		bool is_multiple = false;

		collect_sources(scope->r->arena, q->select, expr, &sources);
		for (size_t j = 0; j < sources.n; j++)
			is_multiple |= sources.items[j]->hop.is_multiple && sources.items[j]->type != JOIN_BASE;
		if (is_multiple && !expr->has_aggregate)
			*ARENA_PUSH(scope->r->arena, &kept) = q->select->columns.items[i];
	}
	q->select->columns = kept;
	return true;
}

static struct select *wrap(struct resolved *q)
{
	struct arena *arena = q->scope->r->arena;
	struct select *outer = ARENA_NEW(arena, struct select);

	outer->model = q->select->model;
	outer->derived = ARENA_NEW(arena, struct derived);
	*outer->derived = (struct derived){.select = q->select, .alias = q->scope->r->next_alias++};
	return outer;
}

static void write(struct resolved *q, const struct select *select, struct statement *statement)
{
	struct emit e;

	level_emit(q, &e);
	emit_select(&e, select);
	sql_finish(&e.sql, select->columns.n, statement);
	level_zone(q, statement);
}

bool level_count(struct resolved *q, bool ignores_slice, int64_t cap, struct statement *statement)
{
	struct arena *arena = q->scope->r->arena;
	struct select *select = q->select;
	bool is_distinct = q->is_distinct || q->ndistinct_on > 0;

	if (ignores_slice) {
		q->low = 0;
		q->high = -1;
	}
	bool is_sliced = level_is_sliced(q);

	if (cap > 0)
		narrow_slice(q, 0, cap, true);
	if (is_distinct || q->is_grouped_explicitly || q->combinator != COMBINATOR_NONE) {
		if (!resolve_columns(q))
			return false;
		select->is_distinct = is_distinct && q->ndistinct_on == 0;
		if (q->ndistinct_on > 0 && !resolve_order(q, false))
			return false;
	} else if (!keep_multiplying(q)) {
		return false;
	}
	resolve_slice(q);
	resolve_arrange(q);
	bool is_plain = q->select == select && !is_distinct && !select->is_grouped && select->columns.n == 0;

	if (is_plain && !is_sliced && cap == 0) {
		*ARENA_PUSH(arena, &select->columns) = (struct rcolumn){STR("count"), count_star(arena)};
		write(q, select, statement);
		return true;
	}
	struct select *outer = wrap(q);

	*ARENA_PUSH(arena, &outer->columns) = (struct rcolumn){STR("count"), count_star(arena)};
	write(q, outer, statement);
	return true;
}

bool plan_count(struct arena *arena, const struct model *model, const struct plan_scope *scope,
                const struct query *query, struct statement *statement, struct error *error)
{
	struct resolver r;
	struct resolved q;

	return level_start(arena, model, scope, query, &r, &q, error) &&
	       level_count(&q, false, 0, statement);
}

bool plan_exists(struct arena *arena, const struct model *model, const struct plan_scope *scope,
                 const struct query *query, struct statement *statement, struct error *error)
{
	struct resolver r;
	struct resolved q;
	struct emit e;

	if (!level_start(arena, model, scope, query, &r, &q, error))
		return false;
	if (q.combinator != COMBINATOR_NONE && !resolve_columns(&q))
		return false;
	if (!level_is_sliced(&q))
		narrow_slice(&q, 0, 1, true);
	resolve_slice(&q);
	resolve_arrange(&q);
	level_emit(&q, &e);
	sql_lit(&e.sql, "SELECT EXISTS(");
	emit_select(&e, q.select);
	sql_lit(&e.sql, ")");
	sql_finish(&e.sql, 1, statement);
	level_zone(&q, statement);
	return true;
}

/* Aggregates over the rows of an inner select: what they need becomes its columns. */
static const struct rexpr *lift(struct resolved *q, unsigned alias, const struct rexpr *expr)
{
	struct arena *arena = q->scope->r->arena;
	const struct source_map same = {.arena = arena};

	if (expr->kind == R_AGGREGATE) {
		struct rexpr *outer = (struct rexpr *)aggregate_over(q->scope->r, q->select, alias, &same, expr);

		outer->aggregate->default_value = expr->aggregate->default_value;
		return outer;
	}
	struct rexpr *copy = ARENA_NEW(arena, struct rexpr);
	const struct rexpr **args = ARENA_ARRAY(arena, const struct rexpr *, expr->nargs);

	*copy = *expr;
	for (size_t i = 0; i < expr->nargs; i++)
		args[i] = lift(q, alias, expr->args[i]);
	copy->args = args;
	return copy;
}

static bool needs_inner(const struct resolved *q)
{
	return level_is_sliced(q) || q->is_distinct || q->ndistinct_on > 0 || q->select->is_grouped ||
	       q->select->qualify.n > 0;
}

static bool resolve_aggregates(struct resolved *q, const struct named_expr *aggregates, size_t n,
                               const struct rexpr **out)
{
	for (size_t i = 0; i < n; i++) {
		if (!resolve_expr(q->scope, aggregates[i].expr, NULL, NULL, &out[i]))
			return false;
		if (!out[i]->has_aggregate)
			return error_set(q->scope->r->error, ERROR_TYPE, aggregates[i].pos,
			                 "'%.*s' is not an aggregate expression", STR_ARG(aggregates[i].name));
	}
	return true;
}

static bool aggregate_inner(struct resolved *q, const struct rexpr **exprs, size_t n,
                            const struct named_expr *aggregates, struct select **out)
{
	struct arena *arena = q->scope->r->arena;
	bool keeps_rows = q->is_distinct || q->ndistinct_on > 0 || q->is_grouped_explicitly;

	if (keeps_rows && !resolve_columns(q))
		return false;
	struct select *outer = wrap(q);

	for (size_t i = 0; i < n; i++)
		*ARENA_PUSH(arena, &outer->columns) =
		    (struct rcolumn){aggregates[i].name, lift(q, outer->derived->alias, exprs[i])};
	if ((level_is_sliced(q) || q->ndistinct_on > 0) && !resolve_order(q, false))
		return false;
	q->select->is_distinct = q->is_distinct && q->ndistinct_on == 0;
	resolve_slice(q);
	resolve_arrange(q);
	outer->derived->select = q->select;
	*out = outer;
	return true;
}

bool plan_aggregate(struct arena *arena, const struct model *model, const struct plan_scope *scope,
                    const struct query *query, const struct named_expr *aggregates, size_t n,
                    struct aggregate_plan *plan, struct error *error)
{
	const struct rexpr **exprs = ARENA_ARRAY(arena, const struct rexpr *, n);
	struct layout_member *members = ARENA_ARRAY(arena, struct layout_member, n);
	struct resolver r;
	struct resolved q;
	struct select *select;

	if (!level_start(arena, model, scope, query, &r, &q, error))
		return false;
	if (q.combinator != COMBINATOR_NONE)
		return error_set(error, ERROR_NOT_SUPPORTED, q.combinator_pos,
		                 "Calling aggregate after a combination is not supported");
	q.scope->aggregates_annotations = needs_inner(&q);
	if (!resolve_aggregates(&q, aggregates, n, exprs))
		return false;
	if (needs_inner(&q)) {
		if (!aggregate_inner(&q, exprs, n, aggregates, &select))
			return false;
	} else {
		select = q.select;
		for (size_t i = 0; i < n; i++)
			*ARENA_PUSH(arena, &select->columns) = (struct rcolumn){aggregates[i].name, exprs[i]};
		select->is_grouped = true;
		resolve_slice(&q);
		resolve_arrange(&q);
	}
	write(&q, select, &plan->statement);
	for (size_t i = 0; i < n; i++)
		members[i] = (struct layout_member){.kind = LAYOUT_COLUMN,
		                                    .name = aggregates[i].name,
		                                    .key = layout_key(arena, aggregates[i].name),
		                                    .column = (unsigned)i,
		                                    .field = exprs[i]->field};
	plan->layout = (struct layout){members, n};
	return true;
}
