/* Functions, aggregates and windows: the row of the table, its arguments, the type of what comes out. */
#include "orm/query/decode.h"
#include "orm/query/expr_types.h"
#include "orm/query/scope.h"

struct rexpr *rexpr_new(struct arena *arena, enum rexpr_kind kind, const struct field *field, size_t nargs)
{
	struct rexpr *expr = ARENA_NEW(arena, struct rexpr);

	expr->kind = kind;
	expr->field = field;
	expr->args = ARENA_ARRAY(arena, const struct rexpr *, nargs);
	expr->nargs = nargs;
	return expr;
}

void rexpr_set_arg(struct rexpr *expr, size_t i, const struct rexpr *arg)
{
	((const struct rexpr **)expr->args)[i] = arg;
	expr->has_aggregate |= arg->has_aggregate;
	expr->has_window |= arg->has_window;
}

bool expr_is_untyped(const struct expr *expr)
{
	return expr->kind == EXPR_LITERAL;
}

static enum type_kind kind_of(const struct field *field)
{
	return field->value_field->type->kind;
}

/* ---- transforms ---- */

const struct rexpr *json_key(struct scope *scope, const struct rexpr *left, struct str name)
{
	struct arena *arena = scope->r->arena;
	struct value key = {.kind = VALUE_TEXT, .text = name};
	struct value list = {.kind = VALUE_LIST, .list = {.items = &key, .n = 1}};
	struct rexpr *expr = rexpr_new(arena, R_KEY_PATH, left->field, 1);
	struct str text;

	if (!field_parse_array(field_of_type("TextField"), &list, arena, &text, scope->r->error))
		return NULL;
	/* A path is one operator with an array of keys. */
	if (left->kind == R_KEY_PATH && left->keys.n > 2 && kind_of(left->field) == TYPE_JSON) {
		*expr = *left;
		expr->keys = arena_printf(arena, "%.*s,%.*s", (int)left->keys.n - 1, left->keys.p,
		                          (int)text.n - 1, text.p + 1);
		return expr;
	}
	rexpr_set_arg(expr, 0, left);
	expr->keys = text;
	if (kind_of(left->field) == TYPE_HSTORE)
		expr->field = field_of_type("TextField");
	return expr;
}

/* "0" is the first element, "0_2" the elements 0 and 1. */
static const struct rexpr *array_element(struct scope *scope, const struct rexpr *left, struct str name)
{
	struct str rest = name, head = str_cut(&rest, STR("_"));
	struct rexpr *expr = rexpr_new(scope->r->arena, R_ELEMENT, left->field, 1);

	if (head.n == 0 || head.p[0] == '-' || !str_to_int(head, &expr->from) || expr->from > INT32_MAX - 1)
		return NULL;
	if (rest.p != NULL &&
	    (rest.n == 0 || rest.p[0] == '-' || !str_to_int(rest, &expr->to) || expr->to > INT32_MAX - 1))
		return NULL;
	rexpr_set_arg(expr, 0, left);
	expr->is_slice = rest.p != NULL;
	if (!expr->is_slice)
		expr->field = left->field->value_field->base_field;
	return expr;
}

const struct rexpr *apply_transform(struct scope *scope, const struct rexpr *left, struct str name)
{
	enum type_kind kind = kind_of(left->field);
	const struct function *function = transform_find(name, kind);
	struct rexpr *expr;

	if (function == NULL && (kind == TYPE_JSON || kind == TYPE_HSTORE))
		return json_key(scope, left, name);
	if (function == NULL && kind == TYPE_ARRAY)
		return array_element(scope, left, name);
	if (function == NULL)
		return NULL;
	expr = rexpr_new(scope->r->arena, R_CALL, NULL, 1);
	expr->function = function;
	expr->zone = scope->zone;
	rexpr_set_arg(expr, 0, left);
	expr->field = call_result(scope->r->arena, function, expr->args, 1);
	return expr;
}

/* ---- calls ---- */

static bool unknown_function(struct scope *scope, const struct expr *expr)
{
	const struct str *names;
	size_t n = function_names(scope->r->arena, &names);

	error_set(scope->r->error, ERROR_FIELD, expr->pos, "Unknown function '%.*s'. Choices are: %.*s",
	          STR_ARG(expr->name), STR_ARG(suggest_choices(scope->r->arena, names, n)));
	scope->r->error->suggestion = suggest_nearest(expr->name, names, n);
	return false;
}

static bool wrong_number(struct scope *scope, const struct expr *expr, const struct function *function,
                         size_t nargs)
{
	size_t least, most;

	function_arity(function, &least, &most);
	if (most == SIZE_MAX)
		return error_set(scope->r->error, ERROR_TYPE, expr->pos, "%s takes at least %zu arguments, got %zu",
		                 function->name, least, nargs);
	if (least != most)
		return error_set(scope->r->error, ERROR_TYPE, expr->pos, "%s takes %zu to %zu arguments, got %zu",
		                 function->name, least, most, nargs);
	return error_set(scope->r->error, ERROR_TYPE, expr->pos, "%s takes %zu argument%s, got %zu",
	                 function->name, least, least == 1 ? "" : "s", nargs);
}

static bool wrong_type(struct scope *scope, const struct pos *pos, const struct function *function,
                       char letter, const struct field *field)
{
	return error_set(scope->r->error, ERROR_FIELD, pos, "%s takes %s here, a %s is none", function->name,
	                 letter_name(letter), field->type->name);
}

static const struct value *option(const struct expr *expr, const char *name)
{
	for (size_t i = 0; name != NULL && i < expr->noptions; i++)
		if (str_is(expr->options[i].name, name))
			return expr->options[i].value;
	return NULL;
}

/* The arguments as written, and behind them the member that names the last one ("delimiter"). */
static bool all_arguments(struct scope *scope, const struct expr *expr, const struct function *any,
                          const struct expr **out, size_t *n)
{
	const struct value *named = option(expr, any->named);
	struct expr *args;

	*n = expr->nargs;
	*out = expr->args;
	if (named == NULL)
		return true;
	args = ARENA_ARRAY(scope->r->arena, struct expr, expr->nargs + 1);
	copy_bytes(args, expr->args, expr->nargs * sizeof *args);
	args[expr->nargs] = (struct expr){.kind = EXPR_LITERAL, .pos = named->pos, .literal = named};
	if (value_is_expression(named)) {
		const struct expr *decoded;

		if (!decode_expr(scope->r->arena, named, &decoded, scope->r->error))
			return false;
		args[expr->nargs] = *decoded;
	}
	*n = expr->nargs + 1;
	*out = args;
	return true;
}

static bool check_options(struct scope *scope, const struct expr *expr, const struct function *function)
{
	bool takes_zone = strstr(function->shape, "%z") != NULL;

	for (size_t i = 0; i < expr->noptions; i++) {
		struct str name = expr->options[i].name;

		if ((function->named != NULL && str_is(name, function->named)) ||
		    (function->flag != NULL && str_is(name, function->flag)) ||
		    (takes_zone && str_is(name, "tzinfo")))
			continue;
		return error_set(scope->r->error, ERROR_BAD_REQUEST, expr->options[i].value->pos,
		                 "%s takes no member '%.*s'", function->name, STR_ARG(name));
	}
	return true;
}

/* Typed arguments first: what they are says which row is meant and what the literals are. */
static bool resolve_typed_arguments(struct scope *scope, const struct expr *args, size_t n,
                                    struct source_list *reuse, struct rexpr *result,
                                    const struct field **typed)
{
	*typed = NULL;
	for (size_t i = 0; i < n; i++) {
		const struct rexpr *arg;

		if (expr_is_untyped(&args[i]))
			continue;
		if (args[i].kind == EXPR_STAR) {
			if (!str_is(result->name, "Count"))
				return error_set(scope->r->error, ERROR_VALUE, args[i].pos, "only Count takes \"*\"");
			rexpr_set_arg(result, i, rexpr_new(scope->r->arena, R_STAR, NULL, 0));
			continue;
		}
		if (!resolve_expr(scope, &args[i], NULL, reuse, &arg))
			return false;
		if (arg->field != NULL)
			*typed = *typed == NULL ? arg->field : wider_field(*typed, arg->field);
		rexpr_set_arg(result, i, arg);
	}
	return true;
}

static bool resolve_literal_arguments(struct scope *scope, const struct expr *args,
                                      const struct function *function, const struct field *typed,
                                      const struct field *hint, struct rexpr *result)
{
	for (size_t i = 0; i < result->nargs; i++) {
		char letter = function_takes(function, i);
		const struct rexpr *arg = result->args[i];

		if (arg == NULL) {
			const struct field *as = argument_literal_field(letter, typed, args[i].literal);

			if (as == NULL && letter == 's' && hint != NULL)
				as = hint;
			if (!resolve_literal(scope, args[i].literal, as, &arg))
				return false;
			rexpr_set_arg(result, i, arg);
		}
		if (arg->field != NULL && !letter_accepts(letter, kind_of(arg->field)))
			return wrong_type(scope, args[i].pos, function, letter, arg->field);
		if (function->class == FUNCTION_AGGREGATE && arg->has_aggregate && !scope->aggregates_annotations)
			return error_set(scope->r->error, ERROR_FIELD, args[i].pos,
			                 "Cannot compute %s of an aggregate; aggregate over a query that annotates it",
			                 function->name);
	}
	return true;
}

static enum type_kind first_kind(const struct function *any, const struct rexpr *result,
                                 const struct expr *args)
{
	if (result->nargs == 0)
		return TYPE_JSON;
	if (result->args[0] != NULL)
		return result->args[0]->field != NULL ? kind_of(result->args[0]->field) : TYPE_INTEGER;
	const struct field *as = argument_literal_field(function_takes(any, 0), NULL, args[0].literal);

	return kind_of(as != NULL ? as : natural_field(args[0].literal));
}

bool resolve_orders(struct scope *scope, const struct order *orders, size_t n,
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

static bool same_column(const struct rexpr *a, const struct rexpr *b)
{
	return a != NULL && (a == b || (a->kind == R_COLUMN && b->kind == R_COLUMN && a->source == b->source &&
	                                a->field == b->field));
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
	if (expr->is_distinct && strstr(result->function->shape, "%d") == NULL)
		return error_set(scope->r->error, ERROR_TYPE, expr->pos, "%s does not allow distinct",
		                 result->function->name);
	if (expr->norder_by > 0 && strstr(result->function->shape, "%o") == NULL)
		return error_set(scope->r->error, ERROR_TYPE, expr->pos, "%s does not allow order_by",
		                 result->function->name);
	if (expr->filter != NULL && !resolve_inner_cond(scope, expr->filter, &aggregate->filter))
		return false;
	if (aggregate->filter != NULL && aggregate->filter->has_aggregate)
		return error_set(scope->r->error, ERROR_FIELD, expr->filter->pos,
		                 "the filter of an aggregate cannot name an aggregate");
	if (!resolve_orders(scope, expr->order_by, expr->norder_by, &aggregate->order_by))
		return false;
	for (size_t i = 0; expr->is_distinct && i < expr->norder_by; i++)
		if (!same_column(aggregate->order_by[i].expr, result->args[0]))
			return error_set(scope->r->error, ERROR_FIELD, expr->order_by[i].pos,
			                 "a distinct %s can be ordered by what it collects alone", result->function->name);
	if (expr->default_value == NULL)
		return true;
	if (result->function->empty_is_zero)
		return error_set(scope->r->error, ERROR_TYPE, expr->default_value->pos,
		                 "%s does not allow a default: it is 0 over no rows", result->function->name);
	return resolve_expr(scope, expr->default_value, result->field, NULL, &aggregate->default_value);
}

static bool read_zone(struct scope *scope, const struct expr *expr, struct str *zone)
{
	const struct value *tzinfo = option(expr, "tzinfo");

	*zone = scope->zone;
	if (tzinfo == NULL)
		return true;
	if (tzinfo->kind != VALUE_TEXT || !zone_is_plausible(tzinfo->text))
		return error_set(scope->r->error, ERROR_VALUE, tzinfo->pos,
		                 "expected the name of a time zone, e.g. \"Europe/Berlin\"");
	*zone = str_is(tzinfo->text, "UTC") ? (struct str){0} : arena_str(scope->r->arena, tzinfo->text);
	return true;
}

bool zone_is_plausible(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
		      c == '/' || c == '+' || c == '-'))
			return false;
	}
	return name.n > 0 && name.n <= 64;
}

/* `Extract` and `Trunc` name what they take in a member; ExtractYear and its kin are the same by name. */
static bool named_by_member(struct scope *scope, const struct expr *expr, struct expr *renamed)
{
	bool is_extract = str_is(expr->name, "Extract");
	const struct value *part = option(expr, is_extract ? "lookup_name" : "kind");

	if (part == NULL || part->kind != VALUE_TEXT)
		return error_set(scope->r->error, ERROR_TYPE, expr->pos, "%.*s needs \"%s\", e.g. \"month\"",
		                 STR_ARG(expr->name), is_extract ? "lookup_name" : "kind");
	struct expr_option *options = ARENA_ARRAY(scope->r->arena, struct expr_option, expr->noptions);
	struct str camel = arena_str(scope->r->arena, part->text);
	char *p = (char *)camel.p;
	size_t n = 0;
	bool starts = true;

	for (size_t i = 0; i < camel.n; i++) {
		if (camel.p[i] == '_') {
			starts = true;
			continue;
		}
		p[n++] = starts && camel.p[i] >= 'a' && camel.p[i] <= 'z' ? (char)(camel.p[i] - 32) : camel.p[i];
		starts = false;
	}
	*renamed = *expr;
	renamed->name = arena_concat(scope->r->arena, expr->name, (struct str){p, n});
	renamed->noptions = 0;
	for (size_t i = 0; i < expr->noptions; i++)
		if (expr->options[i].value != part)
			options[renamed->noptions++] = expr->options[i];
	renamed->options = options;
	return true;
}

bool resolve_call(struct scope *scope, const struct expr *expr, const struct field *hint,
                  struct source_list *reuse, const struct rexpr **out)
{
	struct arena *arena = scope->r->arena;
	struct expr renamed;
	const struct field *typed;
	size_t n;

	if (str_is(expr->name, "Extract") || str_is(expr->name, "Trunc")) {
		if (!named_by_member(scope, expr, &renamed))
			return false;
		expr = &renamed;
	}
	special_call *special = special_call_find(expr->name);

	if (special != NULL)
		return special(scope, expr, reuse, out);

	const struct function *any = function_by_name(expr->name);

	if (any == NULL)
		return unknown_function(scope, expr);
	if (any->class == FUNCTION_WINDOW && !scope->in_window)
		return error_set(scope->r->error, ERROR_TYPE, expr->pos, "%s stands only in a Window", any->name);
	const struct expr *args;

	if (!all_arguments(scope, expr, any, &args, &n))
		return false;
	struct rexpr *result =
	    rexpr_new(arena, any->class == FUNCTION_AGGREGATE ? R_AGGREGATE : R_CALL, NULL, n);

	result->name = expr->name;
	scope->in_window = false;
	if (!resolve_typed_arguments(scope, args, n, reuse, result, &typed))
		return false;
	result->function = function_find(expr->name, n, first_kind(any, result, args));
	if (result->function == NULL && n > 0 && result->args[0] != NULL && result->args[0]->field != NULL &&
	    !letter_accepts(function_takes(any, 0), kind_of(result->args[0]->field)))
		return wrong_type(scope, args[0].pos, any, function_takes(any, 0), result->args[0]->field);
	if (result->function == NULL)
		return wrong_number(scope, expr, any, n);
	if (any->class != FUNCTION_AGGREGATE &&
	    (expr->is_distinct || expr->filter != NULL || expr->norder_by > 0 || expr->default_value != NULL))
		return error_set(scope->r->error, ERROR_TYPE, expr->pos,
		                 "%s is not an aggregate: it takes no distinct, filter, order_by or default",
		                 any->name);
	if (!check_options(scope, expr, result->function) || !read_zone(scope, expr, &result->zone) ||
	    !resolve_literal_arguments(scope, args, result->function, typed, hint, result))
		return false;
	const struct value *flag = option(expr, result->function->flag);

	if (flag != NULL && flag->kind != VALUE_BOOL)
		return error_set(scope->r->error, ERROR_VALUE, flag->pos, "expected true or false");
	result->is_flagged = flag != NULL && flag->boolean;
	result->field = call_result(arena, result->function, result->args, n);
	*out = result;
	if (any->class == FUNCTION_AGGREGATE)
		return resolve_aggregate(scope, expr, result);
	if (result->field == NULL)
		return error_set(scope->r->error, ERROR_VALUE, expr->pos, "%s of nulls alone has no type", any->name);
	return true;
}
