/* Calls whose arguments are not values alone: JSONObject, Collate, KeyTransform. */
#include "orm/query/decode.h"
#include "orm/query/scope.h"

static enum type_kind kind_of(const struct field *field)
{
	return field->value_field->type->kind;
}

/* {"JSONObject": {"name": expression, …}} */
static bool resolve_json_object(struct scope *scope, const struct expr *expr,
                                struct source_list *reuse, const struct rexpr **out)
{
	struct arena *arena = scope->r->arena;
	struct rexpr *result = rexpr_new(arena, R_OBJECT, field_of_type("JSONField"), expr->noptions * 2);

	if (expr->nargs > 0 || expr->filter != NULL || expr->norder_by > 0 || expr->default_value != NULL)
		return error_set(scope->r->error, ERROR_TYPE, expr->pos,
		                 "JSONObject takes an object of names and expressions (none of them named expr, "
		                 "distinct, filter, default or order_by)");
	for (size_t i = 0; i < expr->noptions; i++) {
		const struct expr *decoded;
		const struct rexpr *arg;

		if (!decode_expr(arena, expr->options[i].value, &decoded, scope->r->error) ||
		    !resolve_expr(scope, decoded, NULL, reuse, &arg))
			return false;
		rexpr_set_arg(result, 2 * i, param_expr(arena, field_of_type("TextField"), arena_str(arena, expr->options[i].name)));
		rexpr_set_arg(result, 2 * i + 1, arg);
	}
	*out = result;
	return true;
}

static bool is_collation_name(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
		      c == '.' || c == '@' || c == '-'))
			return false;
	}
	return name.n > 0 && name.n <= 63;
}

/* {"Collate": [expression, {"Value": "C"}]} */
static bool resolve_collate(struct scope *scope, const struct expr *expr, struct source_list *reuse,
                            const struct rexpr **out)
{
	const struct value *name = expr->nargs == 2 ? expr->args[1].literal : NULL;
	const struct rexpr *arg;

	if (name == NULL || expr->args[1].kind != EXPR_LITERAL || name->kind != VALUE_TEXT ||
	    !is_collation_name(name->text))
		return error_set(scope->r->error, ERROR_VALUE, expr->pos,
		                 "Collate takes an expression and {\"Value\": \"name of a collation\"}");
	if (!resolve_expr(scope, &expr->args[0], field_of_type("TextField"), reuse, &arg))
		return false;
	if (arg->field == NULL || kind_of(arg->field) != TYPE_TEXT)
		return error_set(scope->r->error, ERROR_FIELD, expr->args[0].pos, "Collate takes text");
	struct rexpr *result = rexpr_new(scope->r->arena, R_COLLATE, arg->field, 1);

	rexpr_set_arg(result, 0, arg);
	result->text = arena_str(scope->r->arena, name->text);
	*out = result;
	return true;
}

/* {"KeyTransform": [{"Value": "color"}, "attrs"]}: the key's value; KeyTextTransform as text. */
static bool resolve_key_transform(struct scope *scope, const struct expr *expr,
                                  struct source_list *reuse, const struct rexpr **out)
{
	const struct value *key = expr->nargs == 2 ? expr->args[0].literal : NULL;
	const struct rexpr *document;
	struct str name;

	if (key == NULL || (key->kind != VALUE_TEXT && key->kind != VALUE_INT))
		return error_set(scope->r->error, ERROR_VALUE, expr->pos,
		                 "%.*s takes {\"Value\": key} and an expression", STR_ARG(expr->name));
	name = key->kind == VALUE_TEXT
	           ? key->text
	           : arena_printf(scope->r->arena, "%lld", (long long)key->integer);
	if (!resolve_expr(scope, &expr->args[1], NULL, reuse, &document))
		return false;
	if (document->field == NULL ||
	    (kind_of(document->field) != TYPE_JSON && kind_of(document->field) != TYPE_HSTORE))
		return error_set(scope->r->error, ERROR_FIELD, expr->args[1].pos, "%.*s takes a JSONField",
		                 STR_ARG(expr->name));
	struct rexpr *result = (struct rexpr *)json_key(scope, document, name);

	if (result == NULL)
		return false;
	if (str_is(expr->name, "KeyTextTransform")) {
		result->is_text = true;
		result->field = field_of_type("TextField");
	}
	*out = result;
	return true;
}

/* Calls whose arguments are not values alone. */
static const struct {
	const char *name;
	special_call *resolve;
} special[] = {
    {"JSONObject", resolve_json_object},
    {"Collate", resolve_collate},
    {"KeyTransform", resolve_key_transform},
    {"KeyTextTransform", resolve_key_transform},
};

special_call *special_call_find(struct str name)
{
	for (size_t i = 0; i < sizeof special / sizeof *special; i++)
		if (str_is(name, special[i].name))
			return special[i].resolve;
	return NULL;
}
