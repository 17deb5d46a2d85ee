/* Sources and joins of a select being resolved, by Django's rules. */
#include "orm/query/scope.h"

void resolver_init(struct resolver *r, struct arena *arena, const struct registry *registry,
                   struct error *error)
{
	*r = (struct resolver){.arena = arena, .error = error, .registry = registry};
}

static struct source *add_source(struct scope *scope, const struct model *model)
{
	struct source *source = ARENA_NEW(scope->r->arena, struct source);

	source->alias = scope->r->next_alias++;
	source->model = model;
	*ARENA_PUSH(scope->r->arena, &scope->select->sources) = source;
	return source;
}

struct scope *scope_new(struct resolver *r, struct scope *outer, const struct model *model)
{
	struct scope *scope = ARENA_NEW(r->arena, struct scope);

	scope->r = r;
	scope->outer = outer;
	scope->model = model;
	if (outer != NULL)
		scope->zone = outer->zone;
	scope->select = ARENA_NEW(r->arena, struct select);
	scope->select->model = model;
	scope->base = add_source(scope, model);
	scope->base->type = JOIN_BASE;
	return scope;
}

struct scope *scope_new_correlated(struct scope *outer, struct source *from, const struct hop *hop)
{
	struct scope *scope = scope_new(outer->r, outer, hop->to);

	scope->base->parent = from;
	scope->base->hop = *hop;
	return scope;
}

/* A group that is a plain column does not hide the field it is named like. */
const struct annotation *scope_annotation(const struct scope *scope, struct str name)
{
	for (size_t i = 0; i < scope->annotations.n; i++) {
		const struct annotation *annotation = &scope->annotations.items[i];

		/* A group that is a column by its own name is found as that column. */
		if (annotation->is_group && annotation->expr->kind == R_COLUMN &&
		    model_member(scope->model, annotation->name) != NULL)
			continue;
		if (str_eq(annotation->name, name))
			return annotation;
	}
	return NULL;
}

bool source_listed(const struct source_list *list, const struct source *source)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i] == source)
			return true;
	return false;
}

void list_add(struct arena *arena, struct source_list *list, struct source *source)
{
	if (!source_listed(list, source))
		*ARENA_PUSH(arena, list) = source;
}

static bool same_join(const struct source *source, const struct source *parent, const struct hop *hop)
{
	return source->parent == parent && source->hop.to == hop->to &&
	       source->hop.from_field == hop->from_field && source->hop.to_field == hop->to_field &&
	       str_eq(source->hop.filtered, hop->filtered);
}

/* The most recent join that may be shared, or NULL. */
static struct source *find_join(struct scope *scope, const struct source *parent,
                                const struct hop *hop, const struct source_list *reuse)
{
	const struct source_list *sources = &scope->select->sources;

	for (size_t i = sources->n; i-- > 1;) {
		struct source *source = sources->items[i];

		if (!same_join(source, parent, hop))
			continue;
		if (!hop->is_multiple || reuse == NULL || hop->filtered.p != NULL || source_listed(reuse, source))
			return source;
	}
	return NULL;
}

struct source *scope_join(struct scope *scope, struct source *from, const struct hops *hops,
                          struct source_list *reuse, struct source_list *used)
{
	struct source *source = from;

	if (used != NULL)
		list_add(scope->r->arena, used, source);
	for (size_t i = 0; i < hops->n; i++) {
		const struct hop *hop = &hops->items[i];
		struct source *next = find_join(scope, source, hop, reuse);

		if (next == NULL) {
			bool is_left = source->type == JOIN_LEFT || hop->is_nullable;

			next = add_source(scope, hop->to);
			next->parent = source;
			next->hop = *hop;
			next->type = is_left ? JOIN_LEFT : JOIN_INNER;
		}
		source = next;
		if (used != NULL)
			list_add(scope->r->arena, used, source);
	}
	return source;
}

void promote_joins(struct scope *scope, const struct source_list *joins)
{
	struct arena *arena = scope->r->arena;
	struct source_list queue = {0};

	for (size_t i = 0; i < joins->n; i++)
		list_add(arena, &queue, joins->items[i]);
	for (size_t i = 0; i < queue.n; i++) {
		struct source *source = queue.items[i];

		if (source->type != JOIN_INNER)
			continue;
		if (!source->hop.is_nullable && source->parent->type != JOIN_LEFT)
			continue;
		source->type = JOIN_LEFT;
		for (size_t j = 0; j < scope->select->sources.n; j++)
			if (scope->select->sources.items[j]->parent == source)
				list_add(arena, &queue, scope->select->sources.items[j]);
	}
}

/* A join that must have a row needs its parents to have theirs. */
void demote_joins(const struct source_list *joins)
{
	for (size_t i = 0; i < joins->n; i++)
		for (struct source *s = joins->items[i]; s != NULL && s->type == JOIN_LEFT; s = s->parent)
			s->type = JOIN_INNER;
}

const struct rexpr *column_expr(struct arena *arena, struct source *source, const struct field *field)
{
	struct rexpr *expr = ARENA_NEW(arena, struct rexpr);

	expr->kind = R_COLUMN;
	expr->source = source;
	expr->field = field;
	return expr;
}

const struct rexpr *param_expr(struct arena *arena, const struct field *field, struct str text)
{
	struct rexpr *expr = ARENA_NEW(arena, struct rexpr);

	expr->kind = R_PARAM;
	expr->field = field;
	expr->text = text;
	return expr;
}

const struct rexpr *literal_expr(struct arena *arena, const struct literal *literal, struct str text)
{
	struct rexpr *expr = (struct rexpr *)param_expr(arena, literal->field, text);

	if (literal->value != NULL) {
		struct literal *kept = ARENA_NEW(arena, struct literal);

		*kept = *literal;
		expr->literal = kept;
	}
	return expr;
}

static bool is_constant(const struct rcond *cond, enum rcond_kind kind)
{
	return cond->kind == kind && cond->nchildren == 0;
}

bool cond_is_false(const struct rcond *cond)
{
	return is_constant(cond, RC_OR);
}

static const struct rcond *new_group(struct arena *arena, enum rcond_kind kind,
                                     const struct rcond *const *children, size_t n)
{
	struct rcond *cond = ARENA_NEW(arena, struct rcond);

	cond->kind = kind;
	cond->children = children;
	cond->nchildren = n;
	for (size_t i = 0; i < n; i++) {
		cond->has_aggregate |= children[i]->has_aggregate;
		cond->has_window |= children[i]->has_window;
	}
	return cond;
}

/* An empty AND is true and an empty OR false: in a group they vanish or decide it. */
const struct rcond *cond_group(struct arena *arena, enum rcond_kind kind,
                               const struct rcond *const *children, size_t n)
{
	enum rcond_kind decisive = kind == RC_AND ? RC_OR : RC_AND;
	const struct rcond **kept = ARENA_ARRAY(arena, const struct rcond *, n);
	size_t nkept = 0;

	if (kind == RC_XOR)
		return new_group(arena, kind, children, n);
	for (size_t i = 0; i < n; i++) {
		if (is_constant(children[i], decisive))
			return children[i];
		if (!is_constant(children[i], kind))
			kept[nkept++] = children[i];
	}
	return nkept == 1 ? kept[0] : new_group(arena, kind, kept, nkept);
}

const struct rcond *cond_not(struct arena *arena, const struct rcond *child)
{
	const struct rcond **children = ARENA_ARRAY(arena, const struct rcond *, 1);

	if (is_constant(child, RC_AND) || is_constant(child, RC_OR))
		return new_group(arena, child->kind == RC_AND ? RC_OR : RC_AND, NULL, 0);
	children[0] = child;
	return new_group(arena, RC_NOT, children, 1);
}

const struct rcond *cond_isnull(struct arena *arena, const struct rexpr *left, bool is_null)
{
	struct rcond *cond = ARENA_NEW(arena, struct rcond);

	cond->kind = RC_ISNULL;
	cond->left = left;
	cond->is_null = is_null;
	cond->has_aggregate = left->has_aggregate;
	cond->has_window = left->has_window;
	return cond;
}

const struct rcond *cond_exists(struct arena *arena, const struct select *select)
{
	struct rcond *cond = ARENA_NEW(arena, struct rcond);

	cond->kind = RC_EXISTS;
	cond->select = select;
	return cond;
}

/* Whether an expression can be NULL as the joins are now. */
bool field_can_be_null(const struct rexpr *expr)
{
	if (expr->kind == R_COLUMN)
		return expr->field->is_null || expr->source->type == JOIN_LEFT;
	return true;
}

/* Whether it can be, or may become so when an OR makes a join LEFT: for the IS NOT NULL under a negation, which Django
 * forgets in that case. */
bool field_may_become_null(const struct rexpr *expr)
{
	if (field_can_be_null(expr))
		return true;
	for (const struct source *source = expr->source; source->type != JOIN_BASE; source = source->parent)
		if (source->hop.is_nullable)
			return true;
	return false;
}
