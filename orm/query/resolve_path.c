/* Paths: names to relations and columns.  Makes no join.
 *
 * Every path of a request comes by here, so this is also where a statement's size is bounded: its tables, and
 * what annotations become that name each other (the text of each is written wherever it is named). */
#include "orm/query/scope.h"
#include "orm/query/walk.h"

#define MAX_PATH_PARTS 32
#define MAX_TABLES 200      /* of a statement with its subselects */
#define MAX_REPEATED 20000  /* nodes written again for annotations that are named */
#define MAX_NAMED_DEPTH 100 /* of an annotation that is named: what is nested is also the stack's depth */

static void add_hop(struct arena *arena, struct hops *hops, const struct field *from,
                    const struct field *to, bool is_direct, bool is_multiple, bool is_nullable)
{
	*ARENA_PUSH(arena, hops) = (struct hop){
	    .to = to->model,
	    .from_field = from,
	    .to_field = to,
	    .is_nullable = is_nullable,
	    .is_multiple = is_multiple,
	    .is_direct = is_direct,
	};
}

static void add_key_hop(struct arena *arena, struct hops *hops, const struct relation *key,
                        bool is_reverse)
{
	if (is_reverse)
		add_hop(arena, hops, key->target, key->field, false, !key->field->is_unique, true);
	else
		add_hop(arena, hops, key->field, key->target, true, false, key->field->is_null);
}

void hops_add(struct arena *arena, struct hops *hops, const struct relation *relation, bool is_reverse)
{
	if (relation->kind != RELATION_MANY_TO_MANY) {
		add_key_hop(arena, hops, relation, is_reverse);
		return;
	}
	const struct field *near = is_reverse ? relation->through_to : relation->through_from;
	const struct field *far = is_reverse ? relation->through_from : relation->through_to;

	add_key_hop(arena, hops, near->relation, true);
	add_key_hop(arena, hops, far->relation, false);
}

static bool is_withheld(const struct scope *scope, struct str name)
{
	for (size_t i = 0; i < scope->withheld.n; i++)
		if (str_eq(scope->withheld.items[i].name, name))
			return true;
	return false;
}

static bool unknown_name(struct scope *scope, const struct model *model, const struct path *path,
                         size_t part)
{
	struct arena *arena = scope->r->arena;
	size_t n = model->nmember_names;

	if (part == 0 && is_withheld(scope, path->parts[0]))
		return error_set(scope->r->error, ERROR_FIELD, path->pos,
		                 "The annotation '%.*s' looks at more than one row and cannot be named on a right side; "
		                 "write an aggregate there itself, or a Subquery.",
		                 STR_ARG(path->parts[0]));
	struct str *names = ARENA_ARRAY(arena, struct str, n + scope->annotations.n + 1);

	copy_bytes(names, model->member_names, n * sizeof *names);
	if (part == 0)
		for (size_t i = 0; i < scope->annotations.n; i++)
			names[n++] = scope->annotations.items[i].name;
	error_set(scope->r->error, ERROR_FIELD, path->pos,
	          "Cannot resolve keyword '%.*s' into field. Choices are: %.*s",
	          STR_ARG(path->parts[part]), STR_ARG(suggest_choices(arena, names, n)));
	scope->r->error->suggestion = suggest_nearest(path->parts[part], names, n);
	return false;
}

static void find_first_multiple(struct target *target)
{
	target->first_multiple = target->hops.n;
	for (size_t i = target->hops.n; i-- > 0;)
		if (target->hops.items[i].is_multiple)
			target->first_multiple = i;
}

void target_trim(struct target *target)
{
	while (target->hops.n > 0) {
		const struct hop *last = &target->hops.items[target->hops.n - 1];

		if (!last->is_direct || target->field != last->to_field || last->filtered.p != NULL)
			break;
		target->field = last->from_field;
		target->hops.n--;
	}
	find_first_multiple(target);
}

static void end_at_relation(struct target *target, const struct relation *relation, bool is_reverse)
{
	target->relation = relation;
	target->is_reverse = is_reverse;
	target->field = target->hops.items[target->hops.n - 1].to_field;
	/* Backwards the row itself is meant, not the key that points here. */
	if (is_reverse && relation->kind != RELATION_MANY_TO_MANY)
		target->field = target->end->pk_fields[0];
}

/* A path may begin with the name of a FilteredRelation. */
static void begin_filtered(struct scope *scope, const struct path *path, struct target *target)
{
	for (size_t i = 0; i < scope->filtered.n; i++) {
		const struct filtered_relation *filtered = &scope->filtered.items[i];

		if (!str_eq(filtered->name, path->parts[0]))
			continue;
		for (size_t j = 0; j < filtered->hops->n; j++)
			*ARENA_PUSH(scope->r->arena, &target->hops) = filtered->hops->items[j];
		target->relation = filtered->relation;
		target->is_reverse = filtered->is_reverse;
		target->end = filtered->end;
		target->used = 1;
		return;
	}
}

bool path_is_bounded(struct scope *scope, const struct path *path)
{
	if (path->n > MAX_PATH_PARTS)
		return error_set(scope->r->error, ERROR_VALUE, path->pos, "a path has at most %d parts, this one %zu",
		                 MAX_PATH_PARTS, path->n);
	if (scope->r->next_alias > MAX_TABLES)
		return error_set(scope->r->error, ERROR_VALUE, path->pos,
		                 "a query reads at most %d tables, joined and nested ones counted; this path is one too many",
		                 MAX_TABLES);
	return true;
}

static bool name_annotation(struct scope *scope, const struct rexpr *expr, const struct path *path)
{
	struct visitor visitor = {0};

	visit_expr(&visitor, expr);
	scope->r->repeated += visitor.nodes;
	if (scope->r->repeated > MAX_REPEATED || visitor.deepest > MAX_NAMED_DEPTH)
		return error_set(scope->r->error, ERROR_VALUE, path->pos,
		                 "the annotations that this query names grow too large through each other, at '%.*s'",
		                 STR_ARG(path->parts[0]));
	return true;
}

bool path_resolve(struct scope *scope, const struct model *model, const struct path *path,
                  struct target *target)
{
	const struct annotation *annotation = scope_annotation(scope, path->parts[0]);

	*target = (struct target){0};
	if (!path_is_bounded(scope, path))
		return false;
	if (annotation != NULL && model == scope->model) {
		target->annotation = annotation->expr;
		target->used = 1;
		return name_annotation(scope, annotation->expr, path);
	}
	target->end = model;
	if (model == scope->model)
		begin_filtered(scope, path, target);
	while (target->used < path->n && target->field == NULL) {
		struct str part = path->parts[target->used];
		const struct model_member *member = model_member(target->end, part);

		if (member == NULL && target->used == 0)
			return unknown_name(scope, model, path, 0);
		if (member == NULL)
			break; /* a lookup on the relation */
		target->used++;
		if (member->kind == MEMBER_FIELD) {
			target->relation = NULL;
			target->field = member->field;
			break;
		}
		target->relation = member->relation;
		target->is_reverse = member->kind == MEMBER_REVERSE;
		size_t before = target->hops.n;

		hops_add(scope->r->arena, &target->hops, member->relation, target->is_reverse);
		for (size_t i = before; i < target->hops.n; i++)
			target->hops.items[i].part = (unsigned)target->used - 1;
		target->end = relation_end(member->relation, target->is_reverse);
	}
	target->nall = target->hops.n;
	if (target->field == NULL)
		end_at_relation(target, target->relation, target->is_reverse);
	target_trim(target);
	return true;
}
