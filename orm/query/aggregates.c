/* The strategy for aggregates.  See aggregates.h. */
#include "orm/query/aggregates.h"

#include "orm/query/aggregates_apart.h"
#include "orm/query/walk.h"

static void note_row(struct visitor *visitor, struct source *source, const struct field *field)
{
	const struct source **found = visitor->data;

	(void)field;
	if (source->type == JOIN_BASE)
		*found = source;
}

static bool names_row(const struct rexpr *expr)
{
	const struct source *found = NULL;
	struct visitor visitor = {.column = note_row, .data = &found};

	visit_expr(&visitor, expr);
	return found != NULL;
}

static bool is_strict(const struct unit *unit)
{
	const struct rexpr *arg = unit->expr->nargs > 0 ? unit->expr->args[0] : NULL;

	if (arg == NULL || arg->kind != R_COLUMN || unit->expr->function->sees_nulls)
		return false;
	for (size_t i = 0; i < unit->sources.n; i++)
		if (!joins_descends(arg->source, unit->sources.items[i]))
			return false;
	return true;
}

/* The joins that its arguments need; those that its filter alone names do not multiply what it is about. */
static struct source_list argument_sources(struct arrangement *a, const struct rexpr *expr)
{
	struct raggregate unfiltered = *expr->aggregate;
	struct rexpr copy = *expr;
	struct source_list sources = {0};

	unfiltered.filter = NULL;
	copy.aggregate = &unfiltered;
	collect_sources(a->scope->r->arena, a->select, &copy, &sources);
	return sources;
}

static void collect_multiple(struct arrangement *a, struct unit *unit)
{
	struct arena *arena = a->scope->r->arena;
	struct source_list arguments = argument_sources(a, unit->expr);
	struct source_list all = {0}, own = {0};

	joins_take_multiple(arena, &unit->sources, &all);
	joins_take_multiple(arena, &arguments, &own);
	unit->filters_aside = own.n > 0 && !joins_subset(&all, &own);
	unit->multiple = unit->filters_aside ? own : all;
}

static void collect_aggregate_sources(struct arrangement *a, struct unit *unit)
{
	struct arena *arena = a->scope->r->arena;
	struct source_list all = {0};

	collect_sources(arena, a->select, unit->expr, &all);
	for (size_t i = 0; i < all.n; i++)
		if (all.items[i]->type != JOIN_BASE)
			list_add(arena, &unit->sources, all.items[i]);
	unit->names_row = names_row(unit->expr);
	collect_multiple(a, unit);
	unit->is_star = unit->expr->nargs == 1 && unit->expr->args[0]->kind == R_STAR;
	unit->is_strict = is_strict(unit);
}

static bool note_aggregate(struct visitor *visitor, const struct rexpr *expr)
{
	struct arrangement *a = visitor->data;

	for (size_t i = 0; i < a->units.n; i++)
		if (a->units.items[i].expr->aggregate == expr->aggregate)
			return false;
	struct unit *unit = ARENA_PUSH(a->scope->r->arena, &a->units);

	*unit = (struct unit){.expr = expr};
	collect_aggregate_sources(a, unit);
	return false;
}

static void note_column(struct visitor *visitor, struct source *source, const struct field *field)
{
	struct arrangement *a = visitor->data;

	(void)field;
	for (; source != NULL; source = source->parent)
		if (source_listed(&a->select->sources, source) && source->type != JOIN_BASE)
			list_add(a->scope->r->arena, &a->others, source);
}

static void survey(struct arrangement *a)
{
	struct visitor visitor = {.column = note_column, .aggregate = note_aggregate, .data = a};

	visit_select(&visitor, a->select);
	joins_take_multiple(a->scope->r->arena, &a->others, &a->others_multiple);
	for (size_t i = 0; i < a->select->order_by.n; i++) {
		const struct rexpr *expr = a->select->order_by.items[i].expr;

		a->orders_by_aggregate |= expr != NULL && expr->has_aggregate;
	}
	/* Count("*") counts the rows of the query itself. */
	for (size_t i = 0; i < a->units.n; i++)
		if (a->units.items[i].is_star && a->units.items[i].multiple.n == 0)
			a->units.items[i].multiple = a->others_multiple;
}

/* Whether everything the aggregate names lies on its relation's side. */
static bool own_sources_only(const struct unit *unit)
{
	for (size_t i = 0; i < unit->sources.n; i++)
		if (!joins_descends(unit->sources.items[i], unit_first_multiple(unit)))
			return false;
	return !unit->names_row;
}

/* Whether the question is about all rows that the filter leaves, and the relation hangs on the row itself. */
static bool is_about_all(const struct arrangement *a, const struct unit *unit)
{
	const struct select *select = a->select;
	bool pages = select->has_limit && !a->orders_by_aggregate && select->having.n == 0;

	return select->groups_by_key && !pages && filter_can_be_copied(select) && a->others_multiple.n == 0 &&
	       unit->multiple.n > 0 && joins_are_chain(&unit->multiple) &&
	       unit_first_multiple(unit)->parent == select->sources.items[0] && own_sources_only(unit);
}

/* The joins that aggregates in place may rest on, NULL when none may stay. */
static const struct source_list *joins_in_place(const struct arrangement *a)
{
	const struct select *select = a->select;
	bool pages = select->has_limit && !a->orders_by_aggregate && select->having.n == 0;
	const struct source_list *chosen = NULL;

	for (size_t i = 0; i < a->units.n; i++) {
		const struct source_list *multiple = &a->units.items[i].multiple;

		if (a->units.items[i].filters_aside || !joins_subset(&a->others_multiple, multiple) || !joins_are_chain(multiple))
			continue;
		if (chosen == NULL || multiple->n > chosen->n)
			chosen = multiple;
	}
	if (chosen == NULL || !select->groups_by_key || a->others_multiple.n > 0)
		return chosen;
	for (size_t i = 0; i < a->units.n; i++)
		if (!a->units.items[i].filters_aside && !joins_same(&a->units.items[i].multiple, chosen))
			return NULL;
	return pages && chosen->n > 0 ? NULL : chosen;
}

/* Whether a row that is missing, all NULL in an outer join, could count for something. */
static bool sees_missing_rows(const struct rexpr *expr)
{
	for (size_t i = 0; i < expr->nargs; i++)
		if (expr->args[i]->kind != R_COLUMN && expr->args[i]->kind != R_STAR)
			return true;
	return expr->function->sees_nulls;
}

/* An aggregate sees the rows that its relation has, and not the NULLs of a row that is missing.  Where the relation
 * nearest to the row begins the subselect no row of it is missing. */
static void guard_missing_rows(struct arrangement *a, const struct unit *unit, bool begins_apart)
{
	struct arena *arena = a->scope->r->arena;
	struct raggregate *aggregate = unit->expr->aggregate;
	struct source *last = unit->multiple.n > 0 ? unit->multiple.items[0] : NULL;
	const struct rcond **both = ARENA_ARRAY(arena, const struct rcond *, 2);
	size_t n = 0;

	if (last == NULL || !sees_missing_rows(unit->expr))
		return;
	for (size_t j = 1; j < unit->multiple.n; j++)
		if (joins_descends(unit->multiple.items[j], last))
			last = unit->multiple.items[j];
	if (last->type != JOIN_LEFT || (begins_apart && last == unit_first_multiple(unit)))
		return;
	both[n++] = cond_isnull(arena, column_expr(arena, last, last->hop.to_field), false);
	if (aggregate->filter != NULL)
		both[n++] = aggregate->filter;
	aggregate->filter = cond_group(arena, RC_AND, both, n);
}

static void place_units(struct arrangement *a)
{
	static const struct source_list none;
	const struct source_list *chosen = joins_in_place(a);
	bool rows_are_single = chosen == NULL && a->others_multiple.n == 0;

	for (size_t i = 0; i < a->units.n; i++) {
		struct unit *unit = &a->units.items[i];

		if (!unit->filters_aside && is_about_all(a, unit)) {
			guard_missing_rows(a, unit, true);
			aggregate_before(a, unit);
			continue;
		}
		bool stays = chosen != NULL ? joins_same(&unit->multiple, chosen)
		                            : rows_are_single && joins_same(&unit->multiple, &none);
		bool is_alone = a->select->groups_by_key && unit->multiple.n > 0 &&
		                joins_are_chain(&unit->multiple) &&
		                joins_disjoint(&unit->multiple, &a->others_multiple) &&
		                (chosen == NULL || joins_disjoint(&unit->multiple, chosen));

		guard_missing_rows(a, unit, !stays && is_alone && !unit->filters_aside);
		if (stays && !unit->filters_aside)
			continue;
		if (is_alone && !unit->filters_aside)
			aggregate_correlated(a, unit);
		else
			aggregate_again(a, unit);
	}
}

static bool note_in_place(struct visitor *visitor, const struct rexpr *expr)
{
	bool *found = visitor->data;

	*found |= expr->aggregate->subselect == NULL && expr->aggregate->derived == NULL;
	return true;
}

static bool has_aggregate_in_place(const struct select *select)
{
	bool found = false;
	struct visitor visitor = {.aggregate = note_in_place, .data = &found};

	visit_select(&visitor, select);
	return found;
}

/* Without an aggregate in place and without joins that multiply there is nothing to group. */
static bool needs_groups(const struct arrangement *a)
{
	return !a->select->groups_by_key || a->others_multiple.n > 0 || has_aggregate_in_place(a->select);
}

void arrange_aggregates(struct scope *scope)
{
	struct select *select = scope->select;
	struct arrangement a = {.scope = scope, .select = select};

	if (!select->is_grouped)
		return;
	bool is_whole = !select->groups_by_key && select->group_by.n == 0;

	/* What an aggregate is computed again for are all the groups, the implied ones too. */
	if (!select->groups_by_key && !is_whole)
		complete_groups(scope);
	survey(&a);
	place_units(&a);
	if (needs_groups(&a)) {
		if (select->groups_by_key)
			complete_groups(scope);
		/* One row, also over no rows: with every aggregate in a select of its own nothing is left to read here. */
		select->has_no_source = is_whole && !has_aggregate_in_place(select);
		return;
	}
	select->is_grouped = false;
	for (size_t i = 0; i < select->having.n; i++)
		*ARENA_PUSH(scope->r->arena, &select->where) = select->having.items[i];
	select->having.n = 0;
}
