/* Leaves of a condition: a path with a lookup, and questions about sets of related rows.
 *
 * A negated condition over a multi-valued relation is split off into NOT EXISTS (Django's
 * split_exclude): "has no related row such that". */
#include "orm/query/scope.h"

/* The outer side of a correlated subselect over hop `first`: the joins before it, and the hop as seen from
 * the last of them, with a key known early where one is. */
static struct source *join_prefix(struct scope *scope, const struct target *target, size_t first,
                                  struct source_list *reuse, struct hop *hop)
{
	struct hops prefix = {.items = target->hops.items, .n = first};

	*hop = target->hops.items[first];
	while (prefix.n > 0 && prefix.items[prefix.n - 1].is_direct &&
	       prefix.items[prefix.n - 1].to_field == hop->from_field)
		hop->from_field = prefix.items[--prefix.n].from_field;
	return scope_join(scope, scope->base, &prefix, reuse, NULL);
}

static bool resolve_plain(struct scope *scope, const struct path *path, const struct operand *operand,
                          const struct rights *rights, const struct cond_context *context,
                          const struct rcond **out, struct source_list *needed);

/* Where the related row itself must exist the subselect begins at it; a condition that holds without one
 * (isnull) begins at the row it hangs on: then true is given. */
static bool correlate(struct scope *sub, struct source *from, const struct hop *hop)
{
	struct source_list *sources = &sub->select->sources;
	struct source *origin = sources->items[0];
	struct source *related = sources->n > 1 ? sources->items[1] : NULL;

	if (related != NULL && related->type == JOIN_INNER) {
		sources->items++;
		sources->n--;
		sources->cap--;
		related->type = JOIN_BASE;
		related->parent = from;
		related->hop = *hop;
		return false;
	}
	origin->parent = from;
	origin->hop = (struct hop){.to = origin->model,
	                           .from_field = hop->from_field,
	                           .to_field = related != NULL ? related->hop.from_field : origin->model->pk};
	return true;
}

static bool split(struct scope *scope, const struct path *path, const struct operand *operand,
                  const struct rights *rights, const struct target *target,
                  const struct cond_context *context, const struct rcond **out)
{
	struct arena *arena = scope->r->arena;
	struct hop hop;
	const struct hop *first = &target->hops.items[target->first_multiple];
	const struct model *origin = first->from_field->model;
	struct source *from = join_prefix(scope, target, target->first_multiple, context->reuse, &hop);
	struct scope *sub = scope_new(scope->r, scope, origin);
	struct path rest = {.text = path->text,
	                    .parts = path->parts + first->part,
	                    .n = path->n - first->part,
	                    .pos = path->pos};
	struct source_list reuse = {0}, needed = {0};
	struct cond_context positive = {.reuse = &reuse};
	const struct rcond *inner;

	if (!resolve_plain(sub, &rest, operand, rights, &positive, &inner, &needed))
		return false;
	if (inner->has_aggregate || inner->has_window)
		return error_set(scope->r->error, ERROR_FIELD, path->pos,
		                 "an aggregate or a window cannot be compared with related rows under a negation; "
		                 "annotate it first");
	demote_joins(&needed);
	bool holds_without = correlate(sub, from, &hop);
	const struct rexpr *key = column_expr(arena, from, hop.from_field);

	*ARENA_PUSH(arena, &sub->select->where) = inner;
	*out = cond_exists(arena, sub->select);
	if (!holds_without || !field_may_become_null(key))
		return true;
	/* No row to hang on: the condition holds for what is missing, too. */
	const struct rcond **either = ARENA_ARRAY(arena, const struct rcond *, 2);

	either[0] = *out;
	either[1] = cond_isnull(arena, key, true);
	*out = cond_group(arena, RC_OR, either, 2);
	return true;
}

/* Django's extra conditions under a negation: NOT (a = 1 AND a IS NOT NULL) keeps rows with NULL.  On the
 * right it looks at the column alone, not at whether its row may be missing. */
static const struct rcond *guard_null(struct scope *scope, const struct rcond *cond,
                                      const struct rexpr *left, const struct rights *rights)
{
	struct arena *arena = scope->r->arena;
	const struct rcond **all = ARENA_ARRAY(arena, const struct rcond *, 3);
	size_t n = 0;

	all[n++] = cond;
	if (field_may_become_null(left))
		all[n++] = cond_isnull(arena, left, false);
	if (rights->n == 1 && rights->items[0] != NULL && rights->items[0]->kind == R_COLUMN &&
	    rights->items[0]->field->is_null)
		all[n++] = cond_isnull(arena, rights->items[0], false);
	return n == 1 ? cond : cond_group(arena, RC_AND, all, n);
}

static bool resolve_plain(struct scope *scope, const struct path *path, const struct operand *operand,
                          const struct rights *rights, const struct cond_context *context,
                          const struct rcond **out, struct source_list *needed)
{
	struct arena *arena = scope->r->arena;
	struct source_list used = {0};
	struct target target;

	if (!path_resolve(scope, scope->model, path, &target))
		return false;
	if (context->branch_negated && !context->no_split && target.first_multiple < target.hops.n)
		return split(scope, path, operand, rights, &target, context, out);
	if (target.hops.n > 0 && scope->forbids_joins)
		return error_set(scope->r->error, ERROR_FIELD, path->pos, "%s", scope->forbids_why);

	struct source *source = scope_join(scope, scope->base, &target.hops, context->reuse, &used);
	const struct rexpr *left = column_expr(arena, source, target.field);

	if (context->reuse != NULL)
		for (size_t i = 0; i < used.n; i++)
			list_add(arena, context->reuse, used.items[i]);
	for (size_t i = 0; i < rights->n; i++)
		if (rights->items[i] != NULL)
			collect_sources(arena, scope->select, rights->items[i], &used);
	if (!build_lookup(scope, left, &target, path, target.used, operand, rights, out))
		return false;

	const struct rcond *cond = *out;
	bool asks_null = cond->kind == RC_ISNULL;

	/* Forwards the column that points there is compared, which is a single one. */
	if (!asks_null && target.relation != NULL && target.is_reverse && target.end->pk == NULL)
		return error_set(scope->r->error, ERROR_FIELD, path->pos,
		                 "%.*s has a key of several fields: compare them one by one, e.g. '%.*s__%.*s'",
		                 STR_ARG(target.end->name), STR_ARG(path->parts[target.used - 1]),
		                 STR_ARG(target.end->pk_fields[0]->name));
	bool asks_for_null = asks_null && cond->is_null;
	/* JSON null: Django adds no guard to a lookup whose right side is None. */
	bool is_null_value = operand->kind == OPERAND_LITERAL && operand->literal->kind == VALUE_NULL && !asks_null;

	if (asks_for_null && !context->current_negated)
		return true; /* a missing row answers it: the joins stay outer */
	if (context->current_negated && !asks_for_null && !is_null_value) {
		if (!asks_null)
			*out = guard_null(scope, cond, left, rights);
		return true;
	}
	for (size_t i = 0; i < used.n; i++)
		list_add(arena, needed, used.items[i]);
	return true;
}

bool resolve_leaf(struct scope *scope, const struct cond *cond, const struct cond_context *context,
                  const struct rcond **out, struct source_list *needed)
{
	struct target target;
	struct rights rights;

	if (!path_resolve(scope, scope->model, &cond->path, &target))
		return false;
	const struct field *hint =
	    target.annotation != NULL ? target.annotation->field : target.field;

	if (!resolve_rights(scope, &cond->operand, hint, context->reuse, &rights))
		return false;
	if (target.annotation == NULL)
		return resolve_plain(scope, &cond->path, &cond->operand, &rights, context, out, needed);
	if (target.annotation->field == NULL)
		return error_set(scope->r->error, ERROR_FIELD, cond->path.pos,
		                 "'%.*s' is null: it cannot be compared", STR_ARG(cond->path.text));
	return build_lookup(scope, target.annotation, NULL, &cond->path, target.used, &cond->operand, &rights,
	                    out);
}

/* A scope over the rows at the end of the relation path, seen from the current row. */
static struct scope *related_scope(struct scope *scope, const struct target *target)
{
	struct target all = *target;
	struct hop hop;
	size_t first = 0;

	all.hops.n = all.nall;
	while (first + 1 < all.nall && !all.hops.items[first].is_multiple)
		first++;
	struct source *from = join_prefix(scope, &all, first, NULL, &hop);
	struct scope *sub = scope_new_correlated(scope, from, &hop);
	struct hops rest = {.items = all.hops.items + first + 1, .n = all.nall - first - 1};
	struct source_list used = {0};

	sub->base = scope_join(sub, sub->base, &rest, NULL, &used);
	demote_joins(&used);
	sub->model = target->end;
	return sub;
}

static const struct rexpr *count_rows(struct scope *sub)
{
	struct arena *arena = sub->r->arena;
	struct rexpr *star = ARENA_NEW(arena, struct rexpr);
	struct rexpr *count = ARENA_NEW(arena, struct rexpr);
	struct rexpr *result = ARENA_NEW(arena, struct rexpr);
	const struct rexpr **args = ARENA_ARRAY(arena, const struct rexpr *, 1);

	star->kind = R_STAR;
	args[0] = star;
	count->kind = R_AGGREGATE;
	count->function = function_by_name(STR("Count"));
	count->field = field_of_type("BigIntegerField");
	count->args = args;
	count->nargs = 1;
	count->aggregate = ARENA_NEW(arena, struct raggregate);
	*ARENA_PUSH(arena, &sub->select->columns) = (struct rcolumn){STR("n"), count};
	result->kind = R_SUBSELECT;
	result->field = count->field;
	result->select = sub->select;
	return result;
}

static bool compare_count(struct scope *scope, const struct rexpr *count, const struct cond *cond,
                          const struct rcond **out)
{
	struct arena *arena = scope->r->arena;
	const struct value *asked = cond->count;
	size_t n = asked->kind == VALUE_OBJECT ? asked->object.n : 1;
	const struct rcond **all = ARENA_ARRAY(arena, const struct rcond *, n);

	for (size_t i = 0; i < n; i++) {
		bool is_object = asked->kind == VALUE_OBJECT;
		const struct value *value = is_object ? &asked->object.members[i].value : asked;
		struct str name = is_object ? asked->object.members[i].key : STR("exact");
		struct path path = {.text = name, .parts = &name, .n = 1, .pos = value->pos};
		struct operand operand = {.kind = OPERAND_LITERAL, .pos = value->pos, .literal = value};
		struct rights none = {0};

		if (!build_lookup(scope, count, NULL, &path, 0, &operand, &none, &all[i]))
			return false;
	}
	*out = cond_group(arena, RC_AND, all, n);
	return true;
}

bool resolve_set_question(struct scope *scope, const struct cond *cond, const struct rcond **out)
{
	struct arena *arena = scope->r->arena;
	struct source_list reuse = {0};
	struct target target;

	if (!path_resolve(scope, scope->model, &cond->path, &target))
		return false;
	if (target.annotation != NULL || target.relation == NULL || target.used < cond->path.n)
		return error_set(scope->r->error, ERROR_FIELD, cond->pos,
		                 "some, none, every and count ask about a relation; '%.*s' is not one",
		                 STR_ARG(cond->path.text));
	struct scope *sub = related_scope(scope, &target);

	if (cond->nchildren > 0 &&
	    !resolve_filter(sub, &cond->children[0], cond->kind == COND_EVERY, &reuse))
		return false;
	if (sub->select->having.n > 0)
		return error_set(scope->r->error, ERROR_FIELD, cond->pos,
		                 "an aggregate cannot be used inside some, none, every or count");
	if (cond->kind == COND_COUNT)
		return compare_count(scope, count_rows(sub), cond, out);
	*out = cond_exists(arena, sub->select);
	if (cond->kind != COND_SOME)
		*out = cond_not(arena, *out);
	return true;
}
