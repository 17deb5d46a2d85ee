/* select_for_update: which tables' rows the select locks, and where it can lock none.
 *
 * PostgreSQL locks rows that stand for themselves; what is refused here it would refuse later.  A select
 * without "of" locks the rows of every table that it joins, as Django's does.
 */
#include "orm/query/resolve.h"
#include "orm/query/walk.h"

/* Why rows of the select are no rows of its tables; NULL: they are. */
static const char *what_forbids(const struct resolved *q)
{
	if (q->combinator != COMBINATOR_NONE)
		return "union, intersection and difference";
	if (q->is_distinct || q->select->is_distinct)
		return "distinct";
	if (q->select->is_grouped)
		return "aggregates and group_by";
	if (q->select->qualify.n > 0)
		return "window functions";
	for (size_t i = 0; i < q->select->columns.n; i++)
		if (q->select->columns.items[i].expr->has_window)
			return "window functions";
	for (size_t i = 0; i < q->select->order_by.n; i++) {
		const struct rexpr *expr = q->select->order_by.items[i].expr;

		if (expr != NULL && expr->has_window)
			return "window functions";
	}
	return NULL;
}

static const struct row_lock *lock_of(const struct resolved *q)
{
	const struct row_lock *lock = q->lock;

	for (size_t i = 0; lock == NULL && i < q->nmembers; i++)
		lock = lock_of(&q->members[i]);
	return lock;
}

/* ---- of ---- */

static bool may_be_missing(const struct source *source)
{
	for (; source != NULL; source = source->parent)
		if (source->type == JOIN_LEFT)
			return true;
	return false;
}

static bool refuse_missing(struct resolved *q, const struct pos *pos)
{
	return error_set(
		q->scope->r->error, ERROR_NOT_SUPPORTED, pos,
		"select_for_update cannot lock rows that may be missing (of a relation that may be "
		"null); \"of\": [\"self\"] locks the query's own rows alone");
}

static const struct row_object *find_object(const struct row_object *object, struct str path)
{
	const struct row_object *found = str_eq(object->path, path) ? object : NULL;

	for (const struct row_object *child = object->children; found == NULL && child != NULL;
	     child = child->next_child)
		found = find_object(child, path);
	return found;
}

struct names {
	struct str *items;
	size_t n, cap;
};

static void collect_names(struct arena *arena, const struct row_object *object, struct names *names)
{
	*ARENA_PUSH(arena, names) = object->path.n == 0 ? STR("self") : object->path;
	for (const struct row_object *child = object->children; child != NULL;
	     child = child->next_child)
		collect_names(arena, child, names);
}

static bool unknown_object(struct resolved *q, const struct path *path)
{
	struct error *error = q->scope->r->error;
	struct names names = {0};

	collect_names(q->scope->r->arena, &q->root, &names);
	error_set(
		error, ERROR_FIELD, path->pos,
		"Invalid field name(s) given in select_for_update(of=(...)): %.*s. Only relational fields "
		"followed in the query are allowed. Choices are: %.*s.",
		STR_ARG(path->text), STR_ARG(suggest_choices(error->arena, names.items, names.n)));
	error->suggestion = suggest_nearest(path->text, names.items, names.n);
	return false;
}

static bool add_source(struct resolved *q, const struct path *path, struct rlock *lock)
{
	struct source *source = q->scope->base;

	if (!str_is(path->text, "self")) {
		const struct row_object *object =
			path->text.n > 0 ? find_object(&q->root, path->text) : NULL;

		if (object == NULL)
			return unknown_object(q, path);
		source = object->source;
	}
	if (may_be_missing(source))
		return refuse_missing(q, path->pos);
	if (!source_listed(&lock->of, source))
		list_add(q->scope->r->arena, &lock->of, source);
	return true;
}

/* ---- all ---- */

static void note_missing(struct visitor *visitor, struct source *source, const struct field *field)
{
	bool *is_found = visitor->data;

	(void)field;
	*is_found = *is_found || may_be_missing(source);
}

static bool joins_missing(const struct resolved *q)
{
	bool is_found = false;
	struct visitor visitor = {.column = note_missing, .data = &is_found};

	visit_select(&visitor, q->select);
	return is_found;
}

bool resolve_lock(struct resolved *q)
{
	struct arena *arena = q->scope->r->arena;
	const struct row_lock *asked = lock_of(q);
	const char *forbidden = what_forbids(q);

	if (asked == NULL)
		return true;
	if (forbidden != NULL)
		return error_set(q->scope->r->error, ERROR_NOT_SUPPORTED, asked->pos,
		                 "select_for_update is not allowed with %s", forbidden);
	struct rlock *lock = ARENA_NEW(arena, struct rlock);

	*lock = (struct rlock){
		.nowait = asked->nowait, .skip_locked = asked->skip_locked, .no_key = asked->no_key};
	for (size_t i = 0; i < asked->nof; i++)
		if (!add_source(q, &asked->of[i], lock))
			return false;
	if (asked->nof == 0 && joins_missing(q))
		return refuse_missing(q, asked->pos);
	q->select->lock = lock;
	q->locks_at = asked->pos;
	return true;
}
