/* Conditions: and, or, xor, not over leaves, by Django's rules for joins under them
 * (Query._add_q, build_filter, JoinPromoter). */
#include "orm/query/calendar.h"

/* How often each join was asked for by the children of a group. */
struct vote {
	struct source *source;
	size_t count;
};

struct vote_list {
	struct vote *items;
	size_t n, cap;
};

static void add_votes(struct arena *arena, struct vote_list *votes, const struct source_list *sources)
{
	for (size_t i = 0; i < sources->n; i++) {
		size_t j = 0;

		while (j < votes->n && votes->items[j].source != sources->items[i])
			j++;
		if (j == votes->n)
			*ARENA_PUSH(arena, votes) = (struct vote){sources->items[i], 0};
		votes->items[j].count++;
	}
}

/* Django's JoinPromoter.update_join_types: an OR keeps rows that only one side has, so a join that
 * not every side asks for becomes LEFT; an AND needs every join's row. */
static void count_votes(struct scope *scope, enum cond_kind connector, bool is_negated,
                        const struct vote_list *votes, size_t nchildren, struct source_list *needed)
{
	struct arena *arena = scope->r->arena;
	struct source_list promoted = {0}, demoted = {0};
	bool is_or = connector == COND_XOR || (connector == COND_OR) != is_negated;

	for (size_t i = 0; i < votes->n; i++) {
		const struct vote *vote = &votes->items[i];

		if (is_or && (vote->count < nchildren || connector == COND_XOR))
			list_add(arena, &promoted, vote->source);
		else
			list_add(arena, &demoted, vote->source);
	}
	promote_joins(scope, &promoted);
	demote_joins(&demoted);
	for (size_t i = 0; i < demoted.n; i++)
		list_add(arena, needed, demoted.items[i]);
}

static enum rcond_kind group_kind(enum cond_kind kind)
{
	if (kind == COND_OR)
		return RC_OR;
	return kind == COND_XOR ? RC_XOR : RC_AND;
}

static bool resolve_group(struct scope *scope, const struct cond *cond, bool is_negated,
                          const struct cond_context *outer, const struct rcond **out,
                          struct source_list *needed)
{
	struct arena *arena = scope->r->arena;
	struct cond_context context = *outer;
	struct vote_list votes = {0};
	bool is_group = cond->kind == COND_AND || cond->kind == COND_OR || cond->kind == COND_XOR;
	const struct cond *children = is_group ? cond->children : cond;
	size_t n = is_group ? cond->nchildren : 1;
	const struct rcond **resolved = ARENA_ARRAY(arena, const struct rcond *, n);
	enum cond_kind connector = is_group ? cond->kind : COND_AND;

	context.current_negated = outer->current_negated != is_negated;
	context.branch_negated = outer->branch_negated || is_negated;
	for (size_t i = 0; i < n; i++) {
		struct source_list child_needed = {0};

		if (!resolve_cond(scope, &children[i], &context, &resolved[i], &child_needed))
			return false;
		add_votes(arena, &votes, &child_needed);
	}
	count_votes(scope, connector, context.current_negated, &votes, n, needed);
	if (connector == COND_AND)
		n = calendar_narrow(scope, resolved, n);
	*out = cond_group(arena, group_kind(connector), resolved, n);
	if (is_negated)
		*out = cond_not(arena, *out);
	return true;
}

static bool resolve_boolean(struct scope *scope, const struct cond *cond, const struct rcond **out)
{
	struct rcond *result = ARENA_NEW(scope->r->arena, struct rcond);
	const struct rexpr *expr;

	if (!resolve_expr(scope, cond->expr, field_of_type("BooleanField"), NULL, &expr))
		return false;
	if (expr->field == NULL || expr->field->value_field->type->kind != TYPE_BOOLEAN)
		return error_set(scope->r->error, ERROR_TYPE, cond->pos,
		                 "Cannot filter against a non-conditional expression");
	result->kind = RC_EXPR;
	result->left = expr;
	result->has_aggregate = expr->has_aggregate;
	result->has_window = expr->has_window;
	*out = result;
	return true;
}

static bool resolve_expr_lookup(struct scope *scope, const struct cond *cond,
                                const struct cond_context *context, const struct rcond **out)
{
	const struct rexpr *left;
	struct rights rights;

	if (!resolve_expr(scope, cond->expr, NULL, context->reuse, &left))
		return false;
	if (left->field == NULL)
		return error_set(scope->r->error, ERROR_VALUE, cond->expr->pos,
		                 "the left side of a lookup cannot be null");
	if (!resolve_rights(scope, &cond->operand, left->field, context->reuse, &rights))
		return false;
	return build_lookup(scope, left, NULL, &cond->lookup, 0, &cond->operand, &rights, out);
}

bool resolve_cond(struct scope *scope, const struct cond *cond, const struct cond_context *context,
                  const struct rcond **out, struct source_list *needed)
{
	/* A group of one is no group (Django's Node.add): it decides nothing about joins. */
	while ((cond->kind == COND_AND || cond->kind == COND_OR) && cond->nchildren == 1)
		cond = &cond->children[0];
	switch (cond->kind) {
	case COND_AND:
	case COND_OR:
	case COND_XOR:
		return resolve_group(scope, cond, false, context, out, needed);
	case COND_NOT:
		return resolve_group(scope, &cond->children[0], true, context, out, needed);
	case COND_LOOKUP:
		return resolve_leaf(scope, cond, context, out, needed);
	case COND_EXPR_LOOKUP:
		return resolve_expr_lookup(scope, cond, context, out);
	case COND_EXPR:
		return resolve_boolean(scope, cond, out);
	case COND_SOME:
	case COND_NONE:
	case COND_EVERY:
	case COND_COUNT:
		return resolve_set_question(scope, cond, out);
	}
	BUG("condition kind %d", (int)cond->kind);
}

static void inner_joins(struct scope *scope, struct source_list *list)
{
	for (size_t i = 0; i < scope->select->sources.n; i++)
		if (scope->select->sources.items[i]->type == JOIN_INNER)
			list_add(scope->r->arena, list, scope->select->sources.items[i]);
}

/* An aggregate outside of any annotation is the row's own. */
void group_by_row(struct scope *scope)
{
	if (scope->select->is_grouped)
		return;
	scope->select->is_grouped = true;
	scope->select->groups_by_key = true;
}

/* An AND without negation at the top: each part is filtered by itself, so that what names a
 * window waits for the finished rows, what names an aggregate goes to HAVING and the rest to WHERE. */
static void add_filter(struct scope *scope, const struct rcond *cond)
{
	if (cond->kind == RC_AND) {
		for (size_t i = 0; i < cond->nchildren; i++)
			add_filter(scope, cond->children[i]);
		return;
	}
	if (cond_is_false(cond))
		scope->select->is_empty = true;
	if (cond->has_aggregate)
		group_by_row(scope);
	struct rcond_list *list = cond->has_aggregate ? &scope->select->having : &scope->select->where;

	if (cond->has_window)
		list = &scope->select->qualify;

	*ARENA_PUSH(scope->r->arena, list) = cond;
}

bool resolve_filter(struct scope *scope, const struct cond *cond, bool is_negated,
                    struct source_list *reuse)
{
	struct cond_context context = {.reuse = reuse};
	struct source_list existing = {0}, needed = {0};
	const struct rcond *resolved;

	inner_joins(scope, &existing);
	if (!resolve_group(scope, cond, is_negated, &context, &resolved, &needed))
		return false;
	add_filter(scope, resolved);
	demote_joins(&existing);
	return true;
}

bool resolve_inner_cond(struct scope *scope, const struct cond *cond, const struct rcond **out)
{
	struct cond_context context = {.no_split = true};
	struct source_list existing = {0}, needed = {0}, mine = {0};

	inner_joins(scope, &existing);
	if (!resolve_group(scope, cond, false, &context, out, &needed))
		return false;
	for (size_t i = 0; i < needed.n; i++)
		if (!source_listed(&existing, needed.items[i]))
			list_add(scope->r->arena, &mine, needed.items[i]);
	promote_joins(scope, &mine);
	return true;
}
