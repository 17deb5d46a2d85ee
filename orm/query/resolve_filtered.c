/* FilteredRelation: a relation under a name of its own, joined with a further condition in its ON. */
#include "orm/query/decode.h"
#include "orm/query/scope.h"

/* "vote__author" seen from the relation "vote" named "recent": "recent__author". */
static bool rename_path(struct scope *scope, const struct path *relation, struct str name,
                        const struct path *from, struct path *to)
{
	struct arena *arena = scope->r->arena;
	struct str *parts = ARENA_ARRAY(arena, struct str, from->n + 1);
	struct str text = name;

	for (size_t i = 0; i < relation->n; i++)
		if (i >= from->n || !str_eq(relation->parts[i], from->parts[i]))
			return error_set(scope->r->error, ERROR_VALUE, from->pos,
			                 "the condition of a FilteredRelation names fields of its relation: "
			                 "\"%.*s__…\", not '%.*s'",
			                 STR_ARG(relation->text), STR_ARG(from->text));
	parts[0] = name;
	for (size_t i = relation->n; i < from->n; i++) {
		parts[i - relation->n + 1] = from->parts[i];
		text = arena_printf(arena, "%.*s__%.*s", STR_ARG(text), STR_ARG(from->parts[i]));
	}
	*to = (struct path){.text = text, .parts = parts, .n = from->n - relation->n + 1, .pos = from->pos};
	return true;
}

static bool rename_cond(struct scope *scope, const struct path *relation, struct str name,
                        const struct cond *from, struct cond *to)
{
	struct cond *children = ARENA_ARRAY(scope->r->arena, struct cond, from->nchildren);

	*to = *from;
	to->children = children;
	for (size_t i = 0; i < from->nchildren; i++)
		if (!rename_cond(scope, relation, name, &from->children[i], &children[i]))
			return false;
	return from->path.n == 0 || rename_path(scope, relation, name, &from->path, &to->path);
}

static bool read_member(struct scope *scope, const struct member *member, const struct value **relation,
                        const struct value **condition)
{
	*relation = value_get(&member->value, "relation");
	*condition = value_get(&member->value, "condition");
	if (*relation == NULL || (*relation)->kind != VALUE_TEXT || member->value.object.n > 2 ||
	    (member->value.object.n == 2 && *condition == NULL))
		return error_set(scope->r->error, ERROR_BAD_REQUEST, member->value.pos,
		                 "a FilteredRelation is {\"relation\": \"path\", \"condition\": {…}}");
	if (member->key.n == 0 || str_find(member->key, STR("__")) >= 0 ||
	    model_member(scope->model, member->key) != NULL)
		return error_set(scope->r->error, ERROR_VALUE, member->value.pos,
		                 "The annotation '%.*s' conflicts with a field on the model, or is no name",
		                 STR_ARG(member->key));
	return true;
}

/* From its first multi-valued step on the relation's joins are its own: another condition's are not shared. */
static void mark_hops(struct hops *hops, struct str name)
{
	size_t first = 0;

	while (first + 1 < hops->n && !hops->items[first].is_multiple)
		first++;
	for (size_t i = first; i < hops->n; i++)
		hops->items[i].filtered = name;
}

static bool resolve_one(struct scope *scope, const struct member *member)
{
	struct arena *arena = scope->r->arena;
	const struct value *relation, *condition;
	struct source_list used = {0}, needed = {0};
	struct cond_context context = {.no_split = true};
	const struct cond *decoded;
	struct cond renamed;
	struct target target;

	if (!read_member(scope, member, &relation, &condition))
		return false;
	struct path path = path_make(arena, relation->text, relation->pos);

	if (!path_resolve(scope, scope->model, &path, &target))
		return false;
	if (target.relation == NULL || target.used < path.n)
		return error_set(scope->r->error, ERROR_FIELD, relation->pos, "'%.*s' is not a relation",
		                 STR_ARG(path.text));
	struct hops *hops = ARENA_NEW(arena, struct hops);

	hops->items = target.hops.items;
	hops->n = hops->cap = target.nall;
	mark_hops(hops, member->key);
	*ARENA_PUSH(arena, &scope->filtered) = (struct filtered_relation){
	    .name = member->key, .hops = hops, .relation = target.relation,
	    .is_reverse = target.is_reverse, .end = target.end};
	struct source *source = scope_join(scope, scope->base, hops, NULL, &used);

	if (condition == NULL)
		return true;
	if (!decode_cond(arena, condition, &decoded, scope->r->error) ||
	    !rename_cond(scope, &path, member->key, decoded, &renamed))
		return false;
	size_t before = scope->select->sources.n;

	if (!resolve_cond(scope, &renamed, &context, &source->condition, &needed))
		return false;
	if (scope->select->sources.n > before)
		return error_set(scope->r->error, ERROR_VALUE, condition->pos,
		                 "FilteredRelation's condition doesn't support nested relations deeper than the "
		                 "relation '%.*s'",
		                 STR_ARG(path.text));
	promote_joins(scope, &used);
	return true;
}

bool resolve_filtered_relations(struct scope *scope, const struct value *value)
{
	for (size_t i = 0; value != NULL && i < value->object.n; i++)
		if (!resolve_one(scope, &value->object.members[i]))
			return false;
	return true;
}
