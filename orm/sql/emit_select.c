/* SELECT statements: columns, FROM with the joins that are needed, conditions, groups, order, slice. */
#include "orm/base/error.h"
#include "orm/query/scope.h"
#include "orm/query/walk.h"
#include "orm/sql/emit.h"

struct needed {
	struct arena *arena;
	const struct select *select;
	struct source_list list;
};

static void note_column(struct visitor *visitor, struct source *source, const struct field *field)
{
	struct needed *needed = visitor->data;

	(void)field;
	for (; source != NULL && source_listed(&needed->select->sources, source); source = source->parent)
		list_add(needed->arena, &needed->list, source);
}

/* Joins that nothing names are left out; a join that was made for a condition is named by it. */
static struct source_list needed_sources(struct emit *e, const struct select *select)
{
	struct needed needed = {.arena = e->sql.arena, .select = select};
	struct visitor visitor = {.column = note_column, .data = &needed};

	visit_select(&visitor, select);
	for (size_t i = 0; i < select->sources.n; i++)
		if (select->sources.items[i]->is_kept)
			note_column(&visitor, select->sources.items[i], NULL);
	return needed.list;
}

static void emit_source(struct emit *e, const struct source *source)
{
	sql_table(&e->sql, source->model);
	sql_lit(&e->sql, " AS ");
	sql_alias(&e->sql, source->alias);
}

static void emit_key_equality(struct emit *e, const struct source *source)
{
	emit_column(e, source, source->hop.to_field);
	sql_lit(&e->sql, " = ");
	emit_column(e, source->parent, source->hop.from_field);
}

static void emit_join(struct emit *e, const struct source *source)
{
	if (source->type == JOIN_LEFT)
		sql_lit(&e->sql, " LEFT JOIN ");
	else
		sql_lit(&e->sql, " INNER JOIN ");
	emit_source(e, source);
	sql_lit(&e->sql, " ON ");
	emit_key_equality(e, source);
	if (source->condition == NULL)
		return;
	sql_lit(&e->sql, " AND (");
	emit_cond(e, source->condition);
	sql_lit(&e->sql, ")");
}

static void emit_derived(struct emit *e, const struct derived *derived)
{
	sql_lit(&e->sql, "(");
	emit_select(e, derived->select);
	sql_lit(&e->sql, ") AS ");
	sql_alias(&e->sql, derived->alias);
	if (derived->select->columns.n == 0)
		return;
	sql_lit(&e->sql, "(");
	for (unsigned i = 0; i < derived->select->columns.n; i++) {
		if (i > 0)
			sql_lit(&e->sql, ", ");
		sql_lit(&e->sql, "c");
		sql_number(&e->sql, i + 1);
	}
	sql_lit(&e->sql, ")");
}

static void emit_joined(struct emit *e, const struct select *select)
{
	for (size_t i = 0; i < select->joined.n; i++) {
		const struct derived *derived = select->joined.items[i];

		if (!derived->leads)
			sql_lit(&e->sql, " LEFT JOIN ");
		else if (derived->is_nullable)
			sql_lit(&e->sql, " RIGHT JOIN ");
		else
			sql_lit(&e->sql, " INNER JOIN ");
		emit_derived(e, derived);
		sql_lit(&e->sql, " ON ");
		sql_alias(&e->sql, derived->alias);
		sql_lit(&e->sql, ".c1 = ");
		emit_column(e, derived->parent, derived->from_field);
	}
}

void emit_from(struct emit *e, const struct select *select)
{
	sql_lit(&e->sql, " FROM ");
	if (select->derived != NULL) {
		emit_derived(e, select->derived);
		return;
	}
	struct source_list needed = needed_sources(e, select);

	if (select->is_about_outer_row)
		sql_lit(&e->sql, "(SELECT) AS one");
	else
		emit_source(e, select->sources.items[0]);
	for (size_t i = 1; i < select->sources.n; i++) {
		const struct source *source = select->sources.items[i];

		/* A source that an aggregate took with it is written in its subselect, where it is listed too. */
		if (source_listed(&needed, source) && (!source->is_moved || select->sources.items[0]->is_moved))
			emit_join(e, source);
	}
	emit_joined(e, select);
}

/* A column that is never NULL, of a row that is there, IS NOT NULL: saying it keeps an index from answering alone. */
static bool is_certain(const struct rcond *cond)
{
	return cond->kind == RC_ISNULL && !cond->is_null && cond->left->kind == R_COLUMN && !cond->left->field->is_null &&
	       source_has_row(cond->left->source);
}

static struct rcond_list uncertain(struct arena *arena, const struct rcond_list *conds)
{
	struct rcond_list left = {0};

	for (size_t i = 0; i < conds->n; i++)
		if (!is_certain(conds->items[i]))
			*ARENA_PUSH(arena, &left) = conds->items[i];
	return left;
}

/* A correlated select hangs on an outer row; its first source may have a condition of its own. */
void emit_where(struct emit *e, const struct select *select)
{
	const struct source *base = select->sources.n > 0 ? select->sources.items[0] : NULL;
	bool is_correlated = base != NULL && base->parent != NULL;
	struct rcond_list where = uncertain(e->sql.arena, &select->where);

	if (select->is_empty) {
		sql_lit(&e->sql, " WHERE FALSE");
		return;
	}
	if (!is_correlated && where.n == 0)
		return;
	sql_lit(&e->sql, " WHERE ");
	if (!is_correlated) {
		emit_all(e, &where);
		return;
	}
	emit_key_equality(e, base);
	if (base->condition != NULL) {
		sql_lit(&e->sql, " AND ");
		emit_in_brackets(e, base->condition);
	}
	for (size_t i = 0; i < where.n; i++) {
		sql_lit(&e->sql, " AND ");
		emit_in_brackets(e, where.items[i]);
	}
}

static void emit_columns(struct emit *e, const struct select *select)
{
	if (select->columns.n == 0)
		sql_lit(&e->sql, "1");
	for (size_t i = 0; i < select->columns.n; i++) {
		if (i > 0)
			sql_lit(&e->sql, ", ");
		emit_expr(e, select->columns.items[i].expr);
	}
}

/* An expression with parameters is the same as a column's only by its place. */
static void emit_by_place(struct emit *e, const struct select *select, const struct rexpr *expr)
{
	unsigned position = 0;

	for (unsigned i = 0; i < select->columns.n && expr->kind != R_COLUMN; i++)
		if (select->columns.items[i].expr == expr)
			position = i + 1;
	if (position > 0)
		sql_number(&e->sql, position);
	else
		emit_expr(e, expr);
}

static void emit_group_by(struct emit *e, const struct select *select)
{
	if (!select->is_grouped || select->group_by.n == 0)
		return;
	sql_lit(&e->sql, " GROUP BY ");
	for (size_t i = 0; i < select->group_by.n; i++) {
		if (i > 0)
			sql_lit(&e->sql, ", ");
		if (!emit_group_of_moments(e, select->group_by.items[i]))
			emit_by_place(e, select, select->group_by.items[i]);
	}
}

static void emit_number_param(struct emit *e, int64_t number)
{
	sql_param(&e->sql, arena_printf(e->sql.arena, "%lld", (long long)number), 20, (struct str){0});
}

/* PostgreSQL plans for a tenth of all rows where it does not know the limit; those that are asked for every day it
 * may know, the others are a parameter, so that there are few texts of a statement. */
static void emit_limit(struct emit *e, int64_t limit)
{
	static const unsigned usual[] = {1,  2,  3,  4,  5,  6,  8,  9,  10, 11, 12, 15,  16,  20,  21,  24,
	                                 25, 26, 30, 31, 32, 40, 41, 48, 50, 51, 60, 100, 101, 200, 500, 1000};

	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		if (usual[i] == limit) {
			sql_number(&e->sql, usual[i]);
			return;
		}
	emit_number_param(e, limit);
}

static void emit_slice(struct emit *e, const struct select *select)
{
	if (select->has_limit) {
		sql_lit(&e->sql, " LIMIT ");
		emit_limit(e, select->limit);
	}
	if (select->offset > 0) {
		sql_lit(&e->sql, " OFFSET ");
		emit_number_param(e, select->offset);
	}
}

static void emit_distinct(struct emit *e, const struct select *select)
{
	if (select->is_distinct)
		sql_lit(&e->sql, "DISTINCT ");
	if (select->distinct_on.n == 0)
		return;
	sql_lit(&e->sql, "DISTINCT ON (");
	for (size_t i = 0; i < select->distinct_on.n; i++) {
		if (i > 0)
			sql_lit(&e->sql, ", ");
		emit_by_place(e, select, select->distinct_on.items[i]);
	}
	sql_lit(&e->sql, ") ");
}

static void emit_combination(struct emit *e, const struct select *select)
{
	for (size_t i = 0; i < select->ncombined; i++) {
		if (i > 0 && select->combinator == COMBINATOR_UNION)
			sql_lit(&e->sql, " UNION ");
		if (i > 0 && select->combinator == COMBINATOR_INTERSECTION)
			sql_lit(&e->sql, " INTERSECT ");
		if (i > 0 && select->combinator == COMBINATOR_DIFFERENCE)
			sql_lit(&e->sql, " EXCEPT ");
		if (i > 0 && select->combines_all)
			sql_lit(&e->sql, "ALL ");
		sql_lit(&e->sql, "(");
		emit_select(e, select->combined[i]);
		sql_lit(&e->sql, ")");
	}
	if (select->order_by.n > 0) {
		sql_lit(&e->sql, " ORDER BY ");
		emit_orders(e, select->order_by.items, select->order_by.n);
	}
	emit_slice(e, select);
}

static void emit_lock(struct emit *e, const struct rlock *lock)
{
	if (lock->no_key)
		sql_lit(&e->sql, " FOR NO KEY UPDATE");
	else
		sql_lit(&e->sql, " FOR UPDATE");
	for (size_t i = 0; i < lock->of.n; i++) {
		if (i == 0)
			sql_lit(&e->sql, " OF ");
		else
			sql_lit(&e->sql, ", ");
		sql_alias(&e->sql, lock->of.items[i]->alias);
	}
	if (lock->nowait)
		sql_lit(&e->sql, " NOWAIT");
	if (lock->skip_locked)
		sql_lit(&e->sql, " SKIP LOCKED");
}

void emit_select(struct emit *e, const struct select *select)
{
	if (select->ncombined > 0) {
		emit_combination(e, select);
		return;
	}
	sql_lit(&e->sql, "SELECT ");
	emit_distinct(e, select);
	emit_columns(e, select);
	if (!select->has_no_source) {
		emit_from(e, select);
		emit_where(e, select);
	}
	emit_group_by(e, select);
	if (select->having.n > 0) {
		sql_lit(&e->sql, " HAVING ");
		emit_all(e, &select->having);
	}
	if (select->order_by.n > 0) {
		sql_lit(&e->sql, " ORDER BY ");
		emit_orders(e, select->order_by.items, select->order_by.n);
	}
	emit_slice(e, select);
	if (select->lock != NULL)
		emit_lock(e, select->lock);
}

/* SELECT r.c1, r.c2 FROM unnest($1) AS k(c1) CROSS JOIN LATERAL (… WHERE key = k.c1 … LIMIT $2) AS r(c1, c2) */
static void emit_lateral(struct emit *e, const struct select *select)
{
	struct derived rows = {.select = (struct select *)select, .alias = select->rows_alias};

	sql_lit(&e->sql, "SELECT ");
	for (unsigned i = 0; i < select->columns.n; i++) {
		if (i > 0)
			sql_lit(&e->sql, ", ");
		sql_alias(&e->sql, select->rows_alias);
		sql_lit(&e->sql, ".c");
		sql_number(&e->sql, i + 1);
	}
	sql_lit(&e->sql, " FROM UNNEST(");
	e->keys_param = e->sql.n;
	sql_field_array_param(&e->sql, select->keys_field, (struct str){0});
	sql_lit(&e->sql, ") AS ");
	sql_alias(&e->sql, select->keys_alias);
	sql_lit(&e->sql, "(c1) CROSS JOIN LATERAL ");
	emit_derived(e, &rows);
}

void emit_keyed_select(struct emit *e, const struct select *select)
{
	e->keyed = select;
	if (select->has_limit || select->offset > 0)
		emit_lateral(e, select);
	else
		emit_select(e, select);
}
