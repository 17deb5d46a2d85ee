/* Lists with names: annotations, projections, orderings.
 *
 * Names of annotations are the client's; they become members of answers, never SQL.
 */
#include "orm/query/decode_parts.h"

/* Django's rule for aliases: none of what could end or comment out a piece of SQL.  Ours never become SQL, but a
 * query is to be refused here when it would be refused there. */
static bool is_name(struct str name)
{
	static const char forbidden[] = "'`\"[]; \t\n\r\v\f";

	for (size_t i = 0; i < name.n; i++) {
		if ((unsigned char)name.p[i] < 0x20 || strchr(forbidden, name.p[i]) != NULL)
			return false;
	}
	return name.n > 0 && str_find(name, STR("--")) < 0 && str_find(name, STR("/*")) < 0 &&
	       str_find(name, STR("*/")) < 0;
}

static bool read_named(struct decoder *d, const struct member *member, struct named_expr *out)
{
	struct expr *expr = new_expr(d, &member->value);

	if (!is_name(member->key))
		return error_set(d->error, ERROR_VALUE, member->value.pos,
		                 "a name is not empty and has no white space, quotation marks, brackets, "
		                 "semicolons or SQL comments");
	*out = (struct named_expr){member->key, member->value.pos, expr};
	return read_expr(d, &member->value, PLACE_EXPRESSION, expr);
}

bool read_named_exprs(struct decoder *d, const struct value *value, const struct named_expr **list,
                      size_t *n)
{
	struct named_expr *items;

	if (!read_object(d, value, "an object of names and expressions"))
		return false;
	items = ARENA_ARRAY(d->arena, struct named_expr, value->object.n);
	for (size_t i = 0; i < value->object.n; i++) {
		if (!read_named(d, &value->object.members[i], &items[i]))
			return false;
	}
	*list = items;
	*n = value->object.n;
	return true;
}

/* ---- projections ---- */

static size_t count_projected(const struct value *items, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += items[i].kind == VALUE_OBJECT ? items[i].object.n : 1;
	return count;
}

static bool read_projected_path(struct decoder *d, const struct value *value,
                                struct named_expr *out)
{
	struct expr *expr = new_expr(d, value);

	*out = (struct named_expr){.pos = value->pos, .expr = expr};
	expr->kind = EXPR_PATH;
	if (value->kind != VALUE_TEXT)
		return wrong_kind(d, value, "a path or {name: expression}");
	out->name = value->text;
	return read_path(d, value, &expr->path);
}

static bool read_projected_object(struct decoder *d, const struct value *value,
                                  struct named_expr *out)
{
	if (value_is_expression(value))
		return error_set(d->error, ERROR_BAD_REQUEST, value->pos,
		                 "an expression needs a name here: {\"name\": {\"%.*s\": ...}}",
		                 STR_ARG(value->object.members[0].key));
	for (size_t i = 0; i < value->object.n; i++) {
		if (!read_named(d, &value->object.members[i], &out[i]))
			return false;
	}
	return true;
}

bool read_projection(struct decoder *d, const struct value *value, const struct named_expr **list,
                     size_t *n)
{
	const struct value *items;
	struct named_expr *out;
	size_t nitems;

	if (value->kind == VALUE_OBJECT)
		return read_named_exprs(d, value, list, n);
	if (!read_list(d, value, "an array of paths or {name: expression}", &items, &nitems))
		return false;
	out = ARENA_ARRAY(d->arena, struct named_expr, count_projected(items, nitems));
	*list = out;
	*n = 0;
	for (size_t i = 0; i < nitems; i++) {
		bool is_object = items[i].kind == VALUE_OBJECT;

		if (is_object ? !read_projected_object(d, &items[i], &out[*n])
		              : !read_projected_path(d, &items[i], &out[*n]))
			return false;
		*n += is_object ? items[i].object.n : 1;
	}
	return true;
}

/* ---- order ---- */

static bool read_order_text(struct decoder *d, const struct value *value, struct order *out)
{
	struct expr *expr;
	struct str text;

	if (!read_text(d, value, "a path", &text))
		return false;
	if (str_is(text, "?") || str_is(text, "-?")) {
		out->is_random = true;
		return true;
	}
	if (text.p[0] == '-' || text.p[0] == '+') {
		out->is_descending = text.p[0] == '-';
		text = str_sub(text, 1, text.n - 1);
	}
	if (text.n == 0)
		return error_set(d->error, ERROR_VALUE, value->pos, "expected a path behind the sign");
	expr = new_expr(d, value);
	expr->kind = EXPR_PATH;
	expr->path = path_make(d->arena, text, value->pos);
	out->expr = expr;
	return true;
}

static bool read_nulls(struct decoder *d, const struct value *value, struct order *out)
{
	struct str text;

	if (!read_text(d, value, "\"first\" or \"last\"", &text))
		return false;
	out->nulls = str_is(text, "first") ? NULLS_FIRST : NULLS_LAST;
	if (str_is(text, "first") || str_is(text, "last"))
		return true;
	return error_set(d->error, ERROR_VALUE, value->pos,
	                 "expected \"first\" or \"last\", got \"%.*s\"", STR_ARG(text));
}

static bool read_order_expr(struct decoder *d, const struct value *value, struct order *out)
{
	struct expr *expr = new_expr(d, value);

	out->expr = expr;
	return read_expr(d, value, PLACE_EXPRESSION, expr);
}

static bool read_order_object(struct decoder *d, const struct value *value, struct order *out)
{
	static const char *const members[] = {"expr", "desc", "nulls", NULL};

	for (size_t i = 0; i < value->object.n; i++) {
		const struct member *member = &value->object.members[i];
		bool is_ok;

		if (str_is(member->key, "expr"))
			is_ok = read_order_expr(d, &member->value, out);
		else if (str_is(member->key, "desc"))
			is_ok = read_bool(d, &member->value, &out->is_descending);
		else if (str_is(member->key, "nulls"))
			is_ok = read_nulls(d, &member->value, out);
		else
			is_ok = unknown_word(d, member, "a member of an ordering", members, NULL);
		if (!is_ok)
			return false;
	}
	if (out->expr == NULL)
		return error_set(d->error, ERROR_BAD_REQUEST, value->pos,
		                 "an ordering object needs \"expr\"");
	return true;
}

static bool read_order_item(struct decoder *d, const struct value *value, struct order *out)
{
	out->pos = value->pos;
	if (value->kind != VALUE_OBJECT)
		return read_order_text(d, value, out);
	if (value_is_expression(value))
		return read_order_expr(d, value, out);
	return read_order_object(d, value, out);
}

bool read_order(struct decoder *d, const struct value *value, const struct order **order, size_t *n)
{
	const struct value *items;
	struct order *out;
	size_t nitems;

	if (!read_list(d, value, "an array of orderings", &items, &nitems))
		return false;
	out = ARENA_ARRAY(d->arena, struct order, nitems);
	for (size_t i = 0; i < nitems; i++) {
		if (!read_order_item(d, &items[i], &out[i]))
			return false;
	}
	*order = out;
	*n = nitems;
	return true;
}

bool decode_named_exprs(struct arena *arena, const struct value *value,
                        const struct named_expr **list, size_t *n, struct error *error)
{
	struct decoder d = {arena, error};

	return read_named_exprs(&d, value, list, n);
}

bool decode_order(struct arena *arena, const struct value *list, const struct order **order,
                  size_t *n, struct error *error)
{
	struct decoder d = {arena, error};

	return read_order(&d, list, order, n);
}
