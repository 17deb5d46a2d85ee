/* Groups before the join: SELECT author.handle, g.c2 FROM author JOIN (SELECT author_id, COUNT(*) … GROUP BY author_id)
 * AS g ON …, where GROUP BY author.handle would join every row first and compare texts.
 *
 * A unique column that is never NULL names its row, so the groups are those of the foreign key, no more and no fewer,
 * and what else is asked of that row follows from it.  Everything else of the select, its conditions too, must be of
 * what is there before that join.
 */
#include "orm/query/aggregates.h"

#include "orm/base/error.h"

struct early {
	struct arena *arena;
	const struct select *select;
	struct source *named;    /* whose unique column is a group */
	struct source_list kept; /* it, and what hangs on it */
	struct source_list others;
	struct rexpr_list inner; /* groups before the join */
	bool names_kept, is_plain; /* found by a visit */
};

/* A row that a foreign key names, for sure: the database keeps it so. */
static bool is_referenced(const struct source *source)
{
	return source->parent != NULL && source->hop.is_direct && !source->hop.is_multiple &&
	       source->condition == NULL && source->hop.to_field->is_primary_key && source->model->is_managed &&
	       source->hop.from_field->relation != NULL && source->hop.from_field->relation->db_constraint;
}

/* Whether the groups tell its rows apart: by a unique column of its own, or by the key that names it. */
static bool is_named_by(const struct rexpr *group, const struct source *source)
{
	if (group->kind != R_COLUMN)
		return false;
	if (group->source == source->parent)
		return group->field == source->hop.from_field;
	return group->source == source && (group->field->is_unique || group->field->is_primary_key) &&
	       !group->field->is_null;
}

static struct source *find_named(const struct select *select)
{
	for (size_t i = 1; i < select->sources.n; i++) {
		struct source *source = select->sources.items[i];

		for (size_t j = 0; j < select->group_by.n && is_referenced(source); j++)
			if (is_named_by(select->group_by.items[j], source))
				return source;
	}
	return NULL;
}

/* ---- what a part of the select names ---- */

static void note_source(struct visitor *visitor, struct source *source, const struct field *field)
{
	struct early *early = visitor->data;

	(void)field;
	early->names_kept |= source_listed(&early->kept, source);
}

static struct visitor begin(struct early *early)
{
	early->names_kept = false;
	return (struct visitor){.column = note_source, .data = early};
}

static bool names_kept(struct early *early, const struct rcond *cond)
{
	struct visitor visitor = begin(early);

	visit_cond(&visitor, cond);
	return early->names_kept;
}

static bool note_nested(struct visitor *visitor, const struct select *select)
{
	struct early *early = visitor->data;

	(void)select;
	early->is_plain = false;
	return false;
}

/* In place, over what is there before the join. */
static bool note_aggregate(struct visitor *visitor, const struct rexpr *expr)
{
	struct early *early = visitor->data;
	struct visitor arguments = begin(early);

	if (expr->aggregate->subselect != NULL || expr->aggregate->derived != NULL) {
		early->is_plain = false;
		return false;
	}
	for (size_t i = 0; i < expr->nargs; i++)
		visit_expr(&arguments, expr->args[i]);
	if (expr->aggregate->filter != NULL)
		visit_cond(&arguments, expr->aggregate->filter);
	for (size_t i = 0; i < expr->aggregate->norder_by; i++)
		visit_expr(&arguments, expr->aggregate->order_by[i].expr);
	early->is_plain = early->is_plain && !early->names_kept;
	return false;
}

/* No window, no select that would have to follow what it names. */
static bool is_plain(struct early *early, const struct rexpr *expr, const struct rcond *cond)
{
	struct visitor visitor = {.aggregate = note_aggregate, .nested = note_nested, .data = early};

	early->is_plain = expr == NULL || !expr->has_window;
	if (expr != NULL)
		visit_expr(&visitor, expr);
	if (cond != NULL)
		visit_cond(&visitor, cond);
	return early->is_plain;
}

/* ---- whether it applies ---- */

static bool is_simple(const struct select *select)
{
	return select->is_grouped && !select->groups_by_key && select->group_by.n > 0 && select->joined.n == 0 &&
	       select->derived == NULL && select->qualify.n == 0 && !select->is_distinct &&
	       select->distinct_on.n == 0 && select->keys_field == NULL && !select->is_empty &&
	       select->ncombined == 0 && select->lock == NULL && select->sources.items[0]->parent == NULL;
}

/* A slice that no aggregate orders may be found by an index, a few groups at a time; and what a condition on the
 * joined row leaves may be little. */
static bool asks_for_all(const struct select *select)
{
	for (size_t i = 0; i < select->order_by.n; i++)
		if (select->order_by.items[i].expr != NULL && select->order_by.items[i].expr->has_aggregate)
			return true;
	return !select->has_limit;
}

static void divide_sources(struct early *early)
{
	for (size_t i = 0; i < early->select->sources.n; i++) {
		struct source *source = early->select->sources.items[i];
		bool is_kept = source == early->named || source_listed(&early->kept, source->parent);

		list_add(early->arena, is_kept ? &early->kept : &early->others, source);
	}
}

static bool divide_groups(struct early *early)
{
	const struct select *select = early->select;
	const struct source *named = early->named;

	*ARENA_PUSH(early->arena, &early->inner) = column_expr(early->arena, named->parent, named->hop.from_field);
	for (size_t i = 0; i < select->group_by.n; i++) {
		const struct rexpr *group = select->group_by.items[i];

		if (group->kind != R_COLUMN)
			return false;
		bool is_key = group->source == named->parent && group->field == named->hop.from_field;

		if (!is_key && !source_listed(&early->kept, group->source))
			*ARENA_PUSH(early->arena, &early->inner) = group;
	}
	return true;
}

static bool divides(struct early *early)
{
	const struct select *select = early->select;

	for (size_t i = 0; i < early->kept.n; i++)
		if (early->kept.items[i]->is_kept || early->kept.items[i]->is_moved || early->kept.items[i]->hop.is_multiple)
			return false;
	for (size_t i = 0; i < select->where.n; i++)
		if (names_kept(early, select->where.items[i]))
			return false;
	for (size_t i = 0; i < select->columns.n; i++)
		if (!is_plain(early, select->columns.items[i].expr, NULL))
			return false;
	for (size_t i = 0; i < select->order_by.n; i++)
		if (!is_plain(early, select->order_by.items[i].expr, NULL))
			return false;
	for (size_t i = 0; i < select->having.n; i++)
		if (!is_plain(early, NULL, select->having.items[i]))
			return false;
	return true;
}

/* ---- the two selects ---- */

static struct derived *table_of(struct early *early, struct select *inner)
{
	struct derived *table = ARENA_NEW(early->arena, struct derived);

	*table = (struct derived){.select = inner,
	                          .alias = inner->groups_alias,
	                          .leads = true,
	                          .is_nullable = early->named->type == JOIN_LEFT,
	                          .parent = early->named,
	                          .from_field = early->named->hop.to_field};
	return table;
}

static struct select *divide(struct resolver *r, struct early *early, struct select *inner)
{
	struct select *outer;

	inner->groups_alias = r->next_alias++;
	inner->group_by = early->inner;
	inner->sources = early->others;
	outer = tabulate_groups(r, inner, &early->kept);
	outer->derived = NULL;
	*ARENA_PUSH(r->arena, &outer->joined) = table_of(early, inner);
	outer->sources = early->kept;
	/* First in FROM; its type still says whether its row may be missing. */
	early->named->parent = NULL;
	return outer;
}

struct select *group_before_join(struct resolver *r, struct select *select)
{
	if (!is_simple(select) || !asks_for_all(select))
		return NULL;
	struct early early = {.arena = r->arena, .select = select, .named = find_named(select)};

	if (early.named == NULL)
		return NULL;
	divide_sources(&early);
	return divide_groups(&early) && divides(&early) ? divide(r, &early, select) : NULL;
}
