/* Expressions: names to columns, literals to parameters, functions to rows of the table, and the type of
 * every value. */
#include "orm/query/scope.h"

#include "orm/query/expr_types.h"

static struct rexpr *new_expr(struct scope *scope, enum rexpr_kind kind, const struct field *field,
                              size_t nargs)
{
	struct rexpr *expr = ARENA_NEW(scope->r->arena, struct rexpr);

	expr->kind = kind;
	expr->field = field;
	expr->args = ARENA_ARRAY(scope->r->arena, const struct rexpr *, nargs);
	expr->nargs = nargs;
	return expr;
}

static void set_arg(struct rexpr *expr, size_t i, const struct rexpr *arg)
{
	((const struct rexpr **)expr->args)[i] = arg;
	expr->has_aggregate |= arg->has_aggregate;
}

bool resolve_literal(struct scope *scope, const struct value *value, const struct field *hint,
                     const struct rexpr **out)
{
	struct str text;

	if (value->kind == VALUE_NULL) {
		*out = new_expr(scope, R_NULL, hint, 0);
		return true;
	}
	if (hint == NULL)
		hint = natural_field(value);
	if (!field_parse(hint, value, scope->r->arena, &text, scope->r->error))
		return false;
	*out = param_expr(scope->r->arena, hint, text);
	return true;
}

bool resolve_path_expr(struct scope *scope, const struct path *path, const struct source_list *reuse,
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
		struct source *source = scope_join(scope, scope->base, &target.hops, reuse, NULL);

		expr = column_expr(scope->r->arena, source, target.field);
	}
	for (size_t i = target.used; i < path->n; i++) {
		enum type_kind kind = expr->field->value_field->type->kind;
		const struct transform *transform = transform_find(path->parts[i], kind);

		if (transform == NULL || (target.relation != NULL && i == target.used)) {
			error_set(scope->r->error, ERROR_FIELD, path->pos,
			          "Cannot resolve keyword '%.*s' into field. Choices are: %.*s",
			          STR_ARG(path->parts[i]),
			          STR_ARG(target.end == NULL ? STR("")
			                                     : suggest_choices(scope->r->arena, target.end->member_names,
			                                                       target.end->nmember_names)));
			if (target.end != NULL)
				scope->r->error->suggestion = suggest_nearest(
				    path->parts[i], target.end->member_names, target.end->nmember_names);
			return false;
		}
		struct rexpr *next =
		    new_expr(scope, R_TRANSFORM,
		             transform->output != NULL ? field_of_type(transform->output) : expr->field, 1);

		next->transform = transform;
		set_arg(next, 0, expr);
		expr = next;
	}
	*out = expr;
	return true;
}

/* Arguments whose type says nothing of their own: they take it from their neighbours. */
static bool is_untyped(const struct expr *expr)
{
	return expr->kind == EXPR_LITERAL;
}

static bool resolve_arithmetic(struct scope *scope, const struct expr *expr, const struct field *hint,
                               const struct source_list *reuse, const struct rexpr **out)
{
	struct rexpr *result = new_expr(scope, R_ARITHMETIC, NULL, expr->nargs);
	const struct field *typed = NULL;

	result->name = expr->name;
	for (size_t i = 0; i < expr->nargs; i++) {
		const struct rexpr *arg;

		if (is_untyped(&expr->args[i]))
			continue;
		if (!resolve_expr(scope, &expr->args[i], hint, reuse, &arg))
			return false;
		set_arg(result, i, arg);
		if (typed == NULL)
			typed = arg->field;
	}
	for (size_t i = 0; i < expr->nargs; i++) {
		const struct rexpr *arg;
		const struct value *literal = expr->args[i].literal;

		if (!is_untyped(&expr->args[i]))
			continue;
		const struct field *as = typed != NULL ? arithmetic_literal_field(typed, literal) : NULL;

		if (typed == NULL && hint != NULL && literal->kind == VALUE_TEXT)
			as = hint;
		if (!resolve_literal(scope, literal, as, &arg))
			return false;
		set_arg(result, i, arg);
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

static bool check_argument(struct scope *scope, const struct function *function, const struct expr *expr,
                           const struct rexpr *arg)
{
	if (arg->field == NULL)
		return true;
	const struct field *field = arg->field;
	bool is_key = arg->kind == R_COLUMN && field->relation != NULL;

	if ((function->kinds & KIND(field->value_field->type->kind)) == 0)
		return error_set(scope->r->error, ERROR_FIELD, expr->pos, "%s cannot take a %s%s", function->name,
		                 field->type->name, is_key ? " (it is a relation's key)" : "");
	if (function->is_aggregate && arg->has_aggregate && !scope->aggregates_annotations)
		return error_set(scope->r->error, ERROR_FIELD, expr->pos,
		                 "Cannot compute %s of an aggregate; aggregate over a query that annotates it",
		                 function->name);
	return true;
}

static bool resolve_arguments(struct scope *scope, const struct function *function,
                              const struct expr *expr, const struct field *hint,
                              const struct source_list *reuse, struct rexpr *result)
{
	const struct field *typed = function->literal != NULL ? field_of_type(function->literal) : NULL;

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < expr->nargs; i++) {
			const struct expr *arg = &expr->args[i];
			const struct rexpr *resolved;

			if (is_untyped(arg) != (pass == 1))
				continue;
			if (arg->kind == EXPR_STAR) {
				if (!str_is(str_of(function->name), "Count"))
					return error_set(scope->r->error, ERROR_VALUE, arg->pos, "only Count takes \"*\"");
				set_arg(result, i, new_expr(scope, R_STAR, NULL, 0));
				continue;
			}
			if (!resolve_expr(scope, arg, typed != NULL ? typed : hint, reuse, &resolved) ||
			    !check_argument(scope, function, arg, resolved))
				return false;
			if (typed == NULL && resolved->field != NULL)
				typed = resolved->field;
			set_arg(result, i, resolved);
		}
	}
	return true;
}

static bool resolve_orders(struct scope *scope, const struct order *orders, size_t n,
                           const struct rorder **out)
{
	struct rorder *list = ARENA_ARRAY(scope->r->arena, struct rorder, n);

	*out = list;
	for (size_t i = 0; i < n; i++) {
		list[i] = (struct rorder){.is_descending = orders[i].is_descending, .nulls = orders[i].nulls};
		if (!orders[i].is_random && !resolve_expr(scope, orders[i].expr, NULL, NULL, &list[i].expr))
			return false;
	}
	return true;
}

static bool resolve_aggregate(struct scope *scope, const struct expr *expr, struct rexpr *result)
{
	struct raggregate *aggregate = ARENA_NEW(scope->r->arena, struct raggregate);

	result->aggregate = aggregate;
	result->has_aggregate = true;
	aggregate->is_distinct = expr->is_distinct;
	aggregate->norder_by = expr->norder_by;
	if (expr->is_distinct && result->args[0]->kind == R_STAR)
		return error_set(scope->r->error, ERROR_VALUE, expr->pos, "Count of \"*\" cannot be distinct");
	if (expr->filter != NULL && !resolve_inner_cond(scope, expr->filter, &aggregate->filter))
		return false;
	if (aggregate->filter != NULL && aggregate->filter->has_aggregate)
		return error_set(scope->r->error, ERROR_FIELD, expr->filter->pos,
		                 "the filter of an aggregate cannot name an aggregate");
	if (!resolve_orders(scope, expr->order_by, expr->norder_by, &aggregate->order_by))
		return false;
	if (expr->default_value == NULL)
		return true;
	if (result->function->empty_is_zero)
		return error_set(scope->r->error, ERROR_TYPE, expr->default_value->pos,
		                 "%s does not allow a default: it is 0 over no rows", result->function->name);
	return resolve_expr(scope, expr->default_value, result->field, NULL, &aggregate->default_value);
}

static bool unknown_function(struct scope *scope, const struct expr *expr)
{
	const struct str *names;
	size_t n = function_names(scope->r->arena, &names);

	error_set(scope->r->error, ERROR_FIELD, expr->pos, "Unknown function '%.*s'. Choices are: %.*s",
	          STR_ARG(expr->name), STR_ARG(suggest_choices(scope->r->arena, names, n)));
	scope->r->error->suggestion = suggest_nearest(expr->name, names, n);
	return false;
}

static bool resolve_call(struct scope *scope, const struct expr *expr, const struct field *hint,
                         const struct source_list *reuse, const struct rexpr **out)
{
	const struct function *function = function_find(expr->name);

	if (function == NULL)
		return unknown_function(scope, expr);
	if (expr->nargs < function->min_args || (function->max_args != 255 && expr->nargs > function->max_args))
		return error_set(scope->r->error, ERROR_TYPE, expr->pos, "%s takes %s%u argument%s, got %zu",
		                 function->name, function->max_args == 255 ? "at least " : "",
		                 (unsigned)function->min_args, function->min_args == 1 ? "" : "s", expr->nargs);
	if (!function->is_aggregate && (expr->is_distinct || expr->filter != NULL || expr->norder_by > 0))
		return error_set(scope->r->error, ERROR_TYPE, expr->pos,
		                 "%s is not an aggregate: it takes no distinct, filter or order_by", function->name);
	if (expr->noptions > 0)
		return error_set(scope->r->error, ERROR_BAD_REQUEST, expr->options[0].value->pos,
		                 "%s takes no member '%.*s'", function->name, STR_ARG(expr->options[0].name));
	struct rexpr *result =
	    new_expr(scope, function->is_aggregate ? R_AGGREGATE : R_CALL, NULL, expr->nargs);

	result->function = function;
	if (!resolve_arguments(scope, function, expr, hint, reuse, result))
		return false;
	result->field = call_result(function, result->args, result->nargs);
	*out = result;
	if (function->is_aggregate)
		return resolve_aggregate(scope, expr, result);
	if (result->field == NULL)
		return error_set(scope->r->error, ERROR_VALUE, expr->pos, "%s of nulls alone has no type",
		                 function->name);
	return true;
}

static bool resolve_case(struct scope *scope, const struct expr *expr, const struct field *hint,
                         const struct source_list *reuse, const struct rexpr **out)
{
	size_t has_default = expr->default_value != NULL;
	struct rexpr *result = new_expr(scope, R_CASE, NULL, has_default);
	struct rcase *cases = ARENA_ARRAY(scope->r->arena, struct rcase, expr->ncases);
	const struct field *typed = NULL;

	result->cases = cases;
	result->ncases = expr->ncases;
	for (size_t i = 0; i < expr->ncases; i++) {
		if (!resolve_inner_cond(scope, expr->cases[i].when, &cases[i].when))
			return false;
		result->has_aggregate |= cases[i].when->has_aggregate;
	}
	/* Branches that have a type first, then the literals with that type. */
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < expr->ncases + has_default; i++) {
			const struct expr *branch = i < expr->ncases ? expr->cases[i].then : expr->default_value;
			const struct field *as = typed != NULL ? literal_field_like(typed, branch->literal) : hint;
			const struct rexpr *resolved;

			if (is_untyped(branch) != (pass == 1))
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
				set_arg(result, 0, resolved);
			result->has_aggregate |= resolved->has_aggregate;
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
	struct rexpr *result = new_expr(scope, R_CONDITION, field_of_type("BooleanField"), 0);

	if (!resolve_inner_cond(scope, expr->condition, &result->condition))
		return false;
	result->has_aggregate = result->condition->has_aggregate;
	*out = result;
	return true;
}

static bool resolve_select_expr(struct scope *scope, const struct expr *expr, const struct rexpr **out)
{
	struct rexpr *result = new_expr(scope, R_SUBSELECT, NULL, 0);

	if (!resolve_subquery(scope, expr->query, expr->kind != EXPR_EXISTS, &result->select))
		return false;
	*out = result;
	if (expr->kind == EXPR_EXISTS) {
		result->kind = R_CONDITION;
		result->condition = cond_exists(scope->r->arena, result->select);
		result->field = field_of_type("BooleanField");
		return true;
	}
	result->field = result->select->columns.items[0].expr->field;
	if (expr->kind == EXPR_ARRAY_SUBQUERY) {
		result->kind = R_ARRAY;
		result->field = array_field_of(scope->r->arena, result->field);
	}
	return true;
}

static bool resolve_typed(struct scope *scope, const struct expr *expr, const struct source_list *reuse,
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
	struct rexpr *result = new_expr(scope, keeps_own || is_literal ? R_CAST : R_WRAPPED, field, 1);

	set_arg(result, 0, arg);
	*out = result;
	return true;
}

static bool resolve_outer(struct scope *scope, const struct expr *expr, const struct rexpr **out)
{
	if (scope->outer == NULL)
		return error_set(scope->r->error, ERROR_VALUE, expr->pos,
		                 "OuterRef may only be used in a query that is nested in another");
	return resolve_path_expr(scope->outer, &expr->path, NULL, out);
}

bool resolve_expr(struct scope *scope, const struct expr *expr, const struct field *hint,
                  const struct source_list *reuse, const struct rexpr **out)
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
		return error_set(scope->r->error, ERROR_NOT_SUPPORTED, expr->pos,
		                 "Window expressions are not supported by this version");
	}
	BUG("expression kind %d", (int)expr->kind);
}
