/* Expressions: names to columns, literals to parameters, functions to rows of the table, and the type of
 * every value. */
#include "orm/query/scope.h"

#include "orm/query/expr_types.h"

bool resolve_literal(struct scope *scope, const struct value *value, const struct field *hint,
                     const struct rexpr **out)
{
	struct str text;

	if (value->kind == VALUE_NULL) {
		*out = rexpr_new(scope->r->arena, R_NULL, hint, 0);
		return true;
	}
	if (hint == NULL)
		hint = natural_field(value);
	if (!field_parse(hint, value, scope->r->arena, &text, scope->r->error))
		return false;
	*out = param_expr(scope->r->arena, hint, text);
	return true;
}

static bool unknown_part(struct scope *scope, const struct target *target, const struct path *path,
                         size_t part)
{
	const struct model *end = target->end != NULL ? target->end : scope->model;

	error_set(scope->r->error, ERROR_FIELD, path->pos,
	          "Cannot resolve keyword '%.*s' into field. Choices are: %.*s", STR_ARG(path->parts[part]),
	          STR_ARG(suggest_choices(scope->r->arena, end->member_names, end->nmember_names)));
	scope->r->error->suggestion =
	    suggest_nearest(path->parts[part], end->member_names, end->nmember_names);
	return false;
}

bool resolve_path_expr(struct scope *scope, const struct path *path, struct source_list *reuse,
                       const struct rexpr **out)
{
	struct target target;
	const struct rexpr *expr;

	if (!path_resolve(scope, scope->model, path, &target))
		return false;
	expr = target.annotation;
	if (expr == NULL) {
		if (target.hops.n > 0 && scope->forbids_joins)
			return error_set(scope->r->error, ERROR_FIELD, path->pos, "%s", scope->forbids_why);
		struct source_list used = {0};
		struct source *source = scope_join(scope, scope->base, &target.hops, reuse, &used);

		/* Within one filter the left side and other conditions mean the same related row. */
		for (size_t i = 0; reuse != NULL && i < used.n; i++)
			list_add(scope->r->arena, reuse, used.items[i]);
		expr = column_expr(scope->r->arena, source, target.field);
	}
	for (size_t i = target.used; i < path->n; i++) {
		bool is_relation = target.relation != NULL && i == target.used;
		const struct rexpr *next = is_relation ? NULL : apply_transform(scope, expr, path->parts[i]);

		if (next == NULL)
			return unknown_part(scope, &target, path, i);
		expr = next;
	}
	*out = expr;
	return true;
}

static bool resolve_arithmetic(struct scope *scope, const struct expr *expr, const struct field *hint,
                               struct source_list *reuse, const struct rexpr **out)
{
	struct rexpr *result = rexpr_new(scope->r->arena, R_ARITHMETIC, NULL, expr->nargs);
	const struct field *typed = NULL;

	result->name = expr->name;
	for (size_t i = 0; i < expr->nargs; i++) {
		const struct rexpr *arg;

		if (expr_is_untyped(&expr->args[i]))
			continue;
		if (!resolve_expr(scope, &expr->args[i], hint, reuse, &arg))
			return false;
		rexpr_set_arg(result, i, arg);
		if (typed == NULL)
			typed = arg->field;
	}
	for (size_t i = 0; i < expr->nargs; i++) {
		const struct rexpr *arg;
		const struct value *literal = expr->args[i].literal;

		if (!expr_is_untyped(&expr->args[i]))
			continue;
		const struct field *as = typed != NULL ? arithmetic_literal_field(typed, literal) : NULL;

		if (typed == NULL && hint != NULL && literal->kind == VALUE_TEXT)
			as = hint;
		if (!resolve_literal(scope, literal, as, &arg))
			return false;
		rexpr_set_arg(result, i, arg);
	}
	result->field = result->args[0]->field;
	for (size_t i = 1; i < result->nargs; i++) {
		const struct field *left = result->field, *right = result->args[i]->field;

		if (left == NULL || right == NULL) {
			result->field = left != NULL ? left : right;
			continue;
		}
		result->field = arithmetic_result(expr->name, left, right);
		if (result->field == NULL)
			return error_set(scope->r->error, ERROR_FIELD, expr->pos,
			                 "Expression contains mixed types: %s %.*s %s. Use ExpressionWrapper or Cast to "
			                 "say what the result is",
			                 left->type->name, STR_ARG(expr->name), right->type->name);
	}
	if (result->field == NULL)
		return error_set(scope->r->error, ERROR_VALUE, expr->pos, "arithmetic on null alone has no type");
	*out = result;
	return true;
}

static bool resolve_case(struct scope *scope, const struct expr *expr, const struct field *hint,
                         struct source_list *reuse, const struct rexpr **out)
{
	size_t has_default = expr->default_value != NULL;
	struct rexpr *result = rexpr_new(scope->r->arena, R_CASE, NULL, has_default);
	struct rcase *cases = ARENA_ARRAY(scope->r->arena, struct rcase, expr->ncases);
	const struct field *typed = NULL;

	result->cases = cases;
	result->ncases = expr->ncases;
	for (size_t i = 0; i < expr->ncases; i++) {
		if (!resolve_inner_cond(scope, expr->cases[i].when, &cases[i].when))
			return false;
		result->has_aggregate |= cases[i].when->has_aggregate;
		result->has_window |= cases[i].when->has_window;
	}
	/* Branches that have a type first, then the literals with that type. */
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < expr->ncases + has_default; i++) {
			const struct expr *branch = i < expr->ncases ? expr->cases[i].then : expr->default_value;
			const struct field *as = typed != NULL ? literal_field_like(typed, branch->literal) : hint;
			const struct rexpr *resolved;

			if (expr_is_untyped(branch) != (pass == 1))
				continue;
			if (!resolve_expr(scope, branch, as, reuse, &resolved))
				return false;
			if (typed == NULL)
				typed = resolved->field;
			else if (resolved->field != NULL)
				typed = wider_field(typed, resolved->field);
			if (i < expr->ncases)
				cases[i].then = resolved;
			else
				rexpr_set_arg(result, 0, resolved);
			result->has_aggregate |= resolved->has_aggregate;
			result->has_window |= resolved->has_window;
		}
	}
	if (typed == NULL)
		return error_set(scope->r->error, ERROR_FIELD, expr->pos,
		                 "every branch of the Case is null: wrap it in ExpressionWrapper to give it a type");
	result->field = typed;
	*out = result;
	return true;
}

static bool resolve_condition_expr(struct scope *scope, const struct expr *expr, const struct rexpr **out)
{
	struct rexpr *result = rexpr_new(scope->r->arena, R_CONDITION, field_of_type("BooleanField"), 0);

	if (!resolve_inner_cond(scope, expr->condition, &result->condition))
		return false;
	result->has_aggregate = result->condition->has_aggregate;
	result->has_window = result->condition->has_window;
	*out = result;
	return true;
}

static bool resolve_select_expr(struct scope *scope, const struct expr *expr, const struct rexpr **out)
{
	struct rexpr *result = rexpr_new(scope->r->arena, R_SUBSELECT, NULL, 0);

	const struct select *select;

	if (!resolve_subquery(scope, expr->query, expr->kind != EXPR_EXISTS, &select))
		return false;
	*out = result;
	/* The select stands in one place: what nests would be walked twice at every level. */
	if (expr->kind == EXPR_EXISTS) {
		result->kind = R_CONDITION;
		result->condition = cond_exists(scope->r->arena, select);
		result->field = field_of_type("BooleanField");
		return true;
	}
	result->select = select;
	result->field = result->select->columns.items[0].expr->field;
	if (expr->kind == EXPR_ARRAY_SUBQUERY) {
		result->kind = R_ARRAY;
		result->field = array_field_of(scope->r->arena, result->field);
	}
	return true;
}

static bool resolve_typed(struct scope *scope, const struct expr *expr, struct source_list *reuse,
                          const struct rexpr **out)
{
	const struct field *field = output_field(scope->r->arena, expr->output, scope->r->error);
	const struct expr *inner = &expr->args[0];
	const struct rexpr *arg;

	if (field == NULL)
		return false;
	bool keeps_own = expr->kind == EXPR_CAST;

	if (!resolve_expr(scope, inner, keeps_own ? NULL : field, reuse, &arg))
		return false;
	/* A wrapper names the type and changes no value, but a literal takes it. */
	bool is_literal = arg->kind == R_PARAM || arg->kind == R_NULL;
	struct rexpr *result = rexpr_new(scope->r->arena, keeps_own || is_literal ? R_CAST : R_WRAPPED, field, 1);

	rexpr_set_arg(result, 0, arg);
	*out = result;
	return true;
}

static bool resolve_outer(struct scope *scope, const struct expr *expr, const struct rexpr **out)
{
	const struct expr *nested = expr->nargs > 0 ? &expr->args[0] : NULL;

	if (scope->outer != NULL && nested != NULL)
		return resolve_expr(scope->outer, nested, NULL, NULL, out);
	if (scope->outer == NULL)
		return error_set(scope->r->error, ERROR_VALUE, expr->pos,
		                 "OuterRef may only be used in a query that is nested in another");
	return resolve_path_expr(scope->outer, &expr->path, NULL, out);
}

bool resolve_expr(struct scope *scope, const struct expr *expr, const struct field *hint,
                  struct source_list *reuse, const struct rexpr **out)
{
	switch (expr->kind) {
	case EXPR_LITERAL:
		return resolve_literal(scope, expr->literal, hint, out);
	case EXPR_PATH:
		return resolve_path_expr(scope, &expr->path, reuse, out);
	case EXPR_OUTER:
		return resolve_outer(scope, expr, out);
	case EXPR_ARITHMETIC:
		return resolve_arithmetic(scope, expr, hint, reuse, out);
	case EXPR_CALL:
		return resolve_call(scope, expr, hint, reuse, out);
	case EXPR_CASE:
		return resolve_case(scope, expr, hint, reuse, out);
	case EXPR_CONDITION:
		return resolve_condition_expr(scope, expr, out);
	case EXPR_SUBQUERY:
	case EXPR_EXISTS:
	case EXPR_ARRAY_SUBQUERY:
		return resolve_select_expr(scope, expr, out);
	case EXPR_CAST:
	case EXPR_WRAPPER:
		return resolve_typed(scope, expr, reuse, out);
	case EXPR_STAR:
		return error_set(scope->r->error, ERROR_VALUE, expr->pos, "\"*\" stands only in Count");
	case EXPR_REF:
		return error_set(scope->r->error, ERROR_VALUE, expr->pos,
		                 "Ref may only be used in a batch, after the operation it names");
	case EXPR_WINDOW:
		return resolve_window(scope, expr, out);
	}
	BUG("expression kind %d", (int)expr->kind);
}
