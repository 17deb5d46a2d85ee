/* Expressions (PROTOCOL section 5): the few with a shape of their own by the table below, arithmetic, and
 * all others as a call whose name is judged by the resolver.
 *
 * A bare string is a path in expression position and a literal in value position; arithmetic hands its own
 * place on, every other argument is in expression position.
 */
#include "orm/query/decode_parts.h"

struct expr *new_expr(struct decoder *d, const struct value *value)
{
	struct expr *expr = ARENA_NEW(d->arena, struct expr);

	expr->pos = value->pos;
	return expr;
}

bool read_exprs(struct decoder *d, const struct value *items, size_t n, enum place place,
                const struct expr **out)
{
	struct expr *list = ARENA_ARRAY(d->arena, struct expr, n);

	for (size_t i = 0; i < n; i++) {
		if (!read_expr(d, &items[i], place, &list[i]))
			return false;
	}
	*out = list;
	return true;
}

/* One argument, or an array of them. */
static bool read_args(struct decoder *d, const struct value *value, enum place place,
                      struct expr *out)
{
	const struct value *items = value;
	size_t n = 1;

	if (value->kind == VALUE_LIST) {
		items = value->list.items;
		n = value->list.n;
	}
	out->nargs = n;
	return read_exprs(d, items, n, place, &out->args);
}

static bool read_one_arg(struct decoder *d, const struct value *value, struct expr *out)
{
	out->nargs = 1;
	return read_exprs(d, value, 1, PLACE_EXPRESSION, &out->args);
}

/* ---- expressions with a shape of their own ---- */

static bool read_f(struct decoder *d, const struct value *value, struct expr *out)
{
	out->kind = EXPR_PATH;
	return read_path(d, value, &out->path);
}

/* {"OuterRef": "pk"}; {"OuterRef": {"OuterRef": "pk"}} is one query further out: an EXPR_OUTER with
 * an EXPR_OUTER as its argument. */
static bool read_outer(struct decoder *d, const struct value *value, struct expr *out)
{
	out->kind = EXPR_OUTER;
	if (value_is_expression(value) && str_is(value->object.members[0].key, "OuterRef"))
		return read_one_arg(d, value, out);
	return read_path(d, value, &out->path);
}

static bool read_ref(struct decoder *d, const struct value *value, struct expr *out)
{
	out->kind = EXPR_REF;
	return read_path(d, value, &out->path);
}

static bool read_value(struct decoder *d, const struct value *value, struct expr *out)
{
	(void)d;
	out->kind = EXPR_LITERAL;
	out->literal = value;
	return true;
}

static bool read_q(struct decoder *d, const struct value *value, struct expr *out)
{
	struct cond *cond = ARENA_NEW(d->arena, struct cond);

	out->kind = EXPR_CONDITION;
	out->condition = cond;
	return read_cond(d, value, cond);
}

static bool read_query_of(struct decoder *d, const struct value *value, enum expr_kind kind,
                          struct expr *out)
{
	struct query *query = ARENA_NEW(d->arena, struct query);

	out->kind = kind;
	out->query = query;
	return read_nested_query(d, value, true, query);
}

static bool read_subquery(struct decoder *d, const struct value *value, struct expr *out)
{
	return read_query_of(d, value, EXPR_SUBQUERY, out);
}

static bool read_exists(struct decoder *d, const struct value *value, struct expr *out)
{
	return read_query_of(d, value, EXPR_EXISTS, out);
}

static bool read_array_subquery(struct decoder *d, const struct value *value, struct expr *out)
{
	return read_query_of(d, value, EXPR_ARRAY_SUBQUERY, out);
}

static bool read_when(struct decoder *d, const struct value *value, struct expr_case *out)
{
	static const char *const members[] = {"when", "then", NULL};
	const struct value *when = value_get(value, "when"), *then = value_get(value, "then");
	struct cond *cond;
	struct expr *expr;

	for (size_t i = 0; i < value->object.n; i++) {
		if (!is_word(value->object.members[i].key, members))
			return unknown_word(d, &value->object.members[i], "a member of a case", members, NULL);
	}
	if (when == NULL || then == NULL)
		return error_set(d->error, ERROR_BAD_REQUEST, value->pos,
		                 "a case needs \"when\" and \"then\", or is {\"default\": ...}");
	cond = ARENA_NEW(d->arena, struct cond);
	expr = new_expr(d, then);
	out->when = cond;
	out->then = expr;
	return read_cond(d, when, cond) && read_expr(d, then, PLACE_EXPRESSION, expr);
}

static bool read_case_default(struct decoder *d, const struct value *value, struct expr *out)
{
	struct expr *expr = new_expr(d, value);

	out->default_value = expr;
	return read_expr(d, value, PLACE_EXPRESSION, expr);
}

/* [{"when", "then"}, …, {"default"}] */
static bool read_case(struct decoder *d, const struct value *value, struct expr *out)
{
	struct expr_case *cases;

	out->kind = EXPR_CASE;
	if (value->kind != VALUE_LIST)
		return wrong_kind(d, value, "an array of cases");
	cases = ARENA_ARRAY(d->arena, struct expr_case, value->list.n);
	out->cases = cases;
	for (size_t i = 0; i < value->list.n; i++) {
		const struct value *item = &value->list.items[i];
		const struct value *otherwise = value_get(item, "default");

		if (!read_object(d, item, "a case (an object)"))
			return false;
		if (otherwise == NULL || item->object.n != 1) {
			if (!read_when(d, item, &cases[out->ncases++]))
				return false;
			continue;
		}
		if (i + 1 != value->list.n)
			return error_set(d->error, ERROR_BAD_REQUEST, item->pos,
			                 "the default is the last of the cases");
		if (!read_case_default(d, otherwise, out))
			return false;
	}
	return true;
}

/* [expression, type] */
static bool read_typed(struct decoder *d, const struct value *value, enum expr_kind kind,
                       struct expr *out)
{
	out->kind = kind;
	if (value->kind != VALUE_LIST)
		return wrong_kind(d, value, "an array of expression and type");
	if (value->list.n != 2)
		return error_set(d->error, ERROR_TYPE, value->pos,
		                 "%.*s takes two arguments (expression, type), got %zu", STR_ARG(out->name),
		                 value->list.n);
	out->output = &value->list.items[1];
	if (out->output->kind != VALUE_TEXT && out->output->kind != VALUE_OBJECT)
		return wrong_kind(d, out->output, "a field type's name or a field");
	return read_one_arg(d, &value->list.items[0], out);
}

static bool read_cast(struct decoder *d, const struct value *value, struct expr *out)
{
	return read_typed(d, value, EXPR_CAST, out);
}

static bool read_wrapper(struct decoder *d, const struct value *value, struct expr *out)
{
	return read_typed(d, value, EXPR_WRAPPER, out);
}

/* ---- windows ---- */

static bool read_partition(struct decoder *d, const struct value *value, struct expr *out)
{
	if (value->kind != VALUE_LIST)
		return wrong_kind(d, value, "an array of expressions");
	out->npartition_by = value->list.n;
	return read_exprs(d, value->list.items, value->list.n, PLACE_EXPRESSION, &out->partition_by);
}

static bool read_expr_order(struct decoder *d, const struct value *value, struct expr *out)
{
	return read_order(d, value, &out->order_by, &out->norder_by);
}

static bool read_frame(struct decoder *d, const struct value *value, struct expr *out)
{
	out->frame = value;
	return value->kind == VALUE_NULL || read_object(d, value, "a frame (an object)");
}

static bool read_window(struct decoder *d, const struct value *value, struct expr *out)
{
	static const struct {
		const char *name;
		bool (*read)(struct decoder *, const struct value *, struct expr *);
	} members[] = {{"expr", read_one_arg},
	               {"partition_by", read_partition},
	               {"order_by", read_expr_order},
	               {"frame", read_frame}};
	static const char *const names[] = {"expr", "partition_by", "order_by", "frame", NULL};

	out->kind = EXPR_WINDOW;
	if (!read_object(d, value, "a window (an object)"))
		return false;
	for (size_t i = 0; i < value->object.n; i++) {
		const struct member *member = &value->object.members[i];
		size_t k = 0;

		while (names[k] != NULL && !str_is(member->key, names[k]))
			k++;
		if (names[k] == NULL)
			return unknown_word(d, member, "a member of a window", names, NULL);
		if (!members[k].read(d, &member->value, out))
			return false;
	}
	if (out->nargs == 0)
		return error_set(d->error, ERROR_BAD_REQUEST, value->pos, "a window needs \"expr\"");
	return true;
}

/* ---- calls ---- */

static bool read_call_expr(struct decoder *d, const struct value *value, struct expr *out)
{
	return read_args(d, value, PLACE_EXPRESSION, out);
}

static bool read_call_distinct(struct decoder *d, const struct value *value, struct expr *out)
{
	return read_bool(d, value, &out->is_distinct);
}

static bool read_call_filter(struct decoder *d, const struct value *value, struct expr *out)
{
	struct cond *cond = ARENA_NEW(d->arena, struct cond);

	out->filter = cond;
	return read_cond(d, value, cond);
}

static const struct {
	const char *name;
	bool (*read)(struct decoder *, const struct value *, struct expr *);
} call_members[] = {
	{"expr", read_call_expr},       {"distinct", read_call_distinct}, {"filter", read_call_filter},
	{"default", read_case_default}, {"order_by", read_expr_order},
};

static bool read_call_member(struct decoder *d, const struct member *member, struct expr *out,
                             struct expr_option *options)
{
	for (size_t i = 0; i < sizeof call_members / sizeof *call_members; i++) {
		if (str_is(member->key, call_members[i].name))
			return call_members[i].read(d, &member->value, out);
	}
	options[out->noptions++] = (struct expr_option){member->key, &member->value};
	return true;
}

/* {"Count": "vote"}, {"Coalesce": [a, b]}, {"Sum": {"expr": e, "distinct": true}} */
static bool read_call(struct decoder *d, const struct value *value, struct expr *out)
{
	struct expr_option *options;

	out->kind = EXPR_CALL;
	if (value->kind != VALUE_OBJECT || value_is_expression(value))
		return read_args(d, value, PLACE_EXPRESSION, out);
	options = ARENA_ARRAY(d->arena, struct expr_option, value->object.n);
	out->options = options;
	for (size_t i = 0; i < value->object.n; i++) {
		if (!read_call_member(d, &value->object.members[i], out, options))
			return false;
	}
	return true;
}

static bool read_arithmetic(struct decoder *d, const struct value *value, enum place place,
                            struct expr *out)
{
	out->kind = EXPR_ARITHMETIC;
	if (!read_args(d, value, place, out))
		return false;
	if (out->nargs >= 2 || (out->nargs == 1 && str_is(out->name, "-")))
		return true;
	return error_set(d->error, ERROR_TYPE, value->pos,
	                 "\"%.*s\" takes at least two operands, got %zu", STR_ARG(out->name),
	                 out->nargs);
}

static const struct {
	const char *name;
	bool (*read)(struct decoder *, const struct value *, struct expr *);
} shapes[] = {
	{"F", read_f},
	{"Value", read_value},
	{"OuterRef", read_outer},
	{"Ref", read_ref},
	{"Q", read_q},
	{"Case", read_case},
	{"Subquery", read_subquery},
	{"Exists", read_exists},
	{"ArraySubquery", read_array_subquery},
	{"Window", read_window},
	{"Cast", read_cast},
	{"ExpressionWrapper", read_wrapper},
};

bool read_expr_member(struct decoder *d, const struct member *member, enum place place,
                      struct expr *out)
{
	out->name = member->key;
	if (member->key.p[0] < 'A' || member->key.p[0] > 'Z')
		return read_arithmetic(d, &member->value, place, out);
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		if (str_is(member->key, shapes[i].name))
			return shapes[i].read(d, &member->value, out);
	}
	return read_call(d, &member->value, out);
}

bool read_expr(struct decoder *d, const struct value *value, enum place place, struct expr *out)
{
	out->pos = value->pos;
	if (value->is_data)
		return read_value(d, value, out);
	if (value_is_expression(value))
		return read_expr_member(d, &value->object.members[0], place, out);
	switch (value->kind) {
	case VALUE_OBJECT:
		return error_set(d->error, ERROR_BAD_REQUEST, value->pos,
		                 "an expression is an object with one member, named with a capital or a "
		                 "sign; a literal object is {\"Value\": ...}");
	case VALUE_LIST:
		return error_set(d->error, ERROR_VALUE, value->pos,
		                 "expected an expression, got an array; a literal array is "
		                 "{\"Value\": [...]}");
	case VALUE_TEXT:
		if (place == PLACE_EXPRESSION && str_is(value->text, "*")) {
			out->kind = EXPR_STAR;
			return true;
		}
		if (place == PLACE_EXPRESSION)
			return read_f(d, value, out);
		return read_value(d, value, out);
	case VALUE_NULL:
	case VALUE_BOOL:
	case VALUE_INT:
	case VALUE_REAL:
		return read_value(d, value, out);
	}
	BUG("a value of kind %d", (int)value->kind);
}

bool decode_expr(struct arena *arena, const struct value *value, const struct expr **expr,
                 struct error *error)
{
	struct decoder d = {arena, error};
	struct expr *out = new_expr(&d, value);

	*expr = out;
	return read_expr(&d, value, PLACE_EXPRESSION, out);
}
