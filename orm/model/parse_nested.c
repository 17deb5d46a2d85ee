/* Values made of others: JSON, arrays, hstore, ranges, in the text forms that PostgreSQL reads. */
#include "orm/model/parse.h"

bool parse_json(const struct field *field, const struct value *value, struct arena *arena,
                struct str *text, struct error *error)
{
	(void)field;
	(void)error;
	struct buf json = {0};
	value_write_json(value, &json);
	*text = arena_str(arena, buf_str(&json));
	buf_release(&json);
	return true;
}

/* Quotes an element of an array, an hstore or a range; all three escape alike. */
static void add_quoted(struct buf *out, struct str s)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, s.p[i]);
	}
	buf_add_char(out, '"');
}

/* One element: NULL, a nested array as it is, anything else quoted. */
static bool add_element(struct buf *out, const struct field *element, const struct value *value,
                        struct arena *arena, struct error *error)
{
	struct str text;
	if (!field_parse(element, value, arena, &text, error))
		return false;
	if (!text.p)
		BUF_LIT(out, "NULL");
	else if (element->value_field->type->kind == TYPE_ARRAY)
		buf_add(out, text);
	else
		add_quoted(out, text);
	return true;
}

bool parse_list(const struct field *element, const struct value *list, struct arena *arena,
                struct str *text, struct error *error)
{
	struct buf out = {0};
	bool is_good = true;
	buf_add_char(&out, '{');
	for (size_t i = 0; is_good && i < list->list.n; i++) {
		if (i > 0)
			buf_add_char(&out, ',');
		is_good = add_element(&out, element, &list->list.items[i], arena, error);
	}
	buf_add_char(&out, '}');
	if (is_good)
		*text = arena_str(arena, buf_str(&out));
	buf_release(&out);
	return is_good;
}

/* PostgreSQL's arrays are boxes: nested lists have one length. */
static bool check_box(const struct field *field, const struct value *list, struct error *error)
{
	for (size_t i = 0; i < list->list.n; i++) {
		const struct value *item = &list->list.items[i];
		if (item->kind != VALUE_LIST)
			return parse_fail(field, item, error, "an array (null has no place here)");
		if (item->list.n != list->list.items[0].list.n)
			return parse_fail(field, item, error, "nested arrays of one length");
	}
	return true;
}

bool parse_array(const struct field *field, const struct value *value, struct arena *arena,
                 struct str *text, struct error *error)
{
	const struct field *base = field->value_field->base_field;
	ASSERT(base);
	if (value->kind != VALUE_LIST)
		return parse_fail(field, value, error, "an array");
	if (base->value_field->type->kind == TYPE_ARRAY && !check_box(field, value, error))
		return false;
	return parse_list(base, value, arena, text, error);
}

/* A member's value as text: numbers and booleans in their JSON form, as Django's str() would. */
static bool add_hstore_value(struct buf *out, const struct field *field, const struct value *value,
                             struct error *error)
{
	struct buf json = {0};
	switch (value->kind) {
	case VALUE_NULL:
		BUF_LIT(out, "NULL");
		return true;
	case VALUE_TEXT:
		add_quoted(out, value->text);
		return true;
	case VALUE_BOOL:
	case VALUE_INT:
	case VALUE_REAL:
		value_write_json(value, &json);
		add_quoted(out, buf_str(&json));
		buf_release(&json);
		return true;
	case VALUE_LIST:
	case VALUE_OBJECT:
		break;
	}
	return parse_fail(field, value, error, "a string or null");
}

bool parse_hstore(const struct field *field, const struct value *value, struct arena *arena,
                  struct str *text, struct error *error)
{
	struct buf out = {0};
	if (value->kind != VALUE_OBJECT)
		return parse_fail(field, value, error, field->value_field->type->description);
	bool is_good = true;
	for (size_t i = 0; is_good && i < value->object.n; i++) {
		const struct member *member = &value->object.members[i];
		if (i > 0)
			BUF_LIT(&out, ", ");
		add_quoted(&out, member->key);
		BUF_LIT(&out, "=>");
		is_good = add_hstore_value(&out, field, &member->value, error);
	}
	if (is_good)
		*text = arena_str(arena, buf_str(&out));
	buf_release(&out);
	return is_good;
}

/* What a client said of a range; a bound that is NULL or null is open. */
struct range {
	const struct value *lower, *upper;
	struct str bounds;
	bool is_empty;
};

static bool is_bounds(struct str s)
{
	return str_is(s, "[)") || str_is(s, "(]") || str_is(s, "[]") || str_is(s, "()");
}

static struct str default_bounds(const struct field *field)
{
	const struct value *bounds = value_get(field->value_field->declaration, "default_bounds");
	return bounds && bounds->kind == VALUE_TEXT ? bounds->text : STR("[)");
}

static bool read_range_member(const struct field *field, const struct member *member,
                              struct range *range, struct error *error)
{
	const struct value *value = &member->value;
	if (str_is(member->key, "lower")) {
		range->lower = value;
		return true;
	}
	if (str_is(member->key, "upper")) {
		range->upper = value;
		return true;
	}
	if (str_is(member->key, "bounds")) {
		if (value->kind != VALUE_TEXT || !is_bounds(value->text))
			return parse_fail(field, value, error,
			                  "bounds as one of \"[)\", \"(]\", \"[]\", \"()\"");
		range->bounds = value->text;
		return true;
	}
	if (str_is(member->key, "empty")) {
		if (value->kind != VALUE_BOOL)
			return parse_fail(field, value, error, "true or false as \"empty\"");
		range->is_empty = value->boolean;
		return true;
	}
	return error_set(error, ERROR_VALUE, value->pos,
	                 "a range has the members lower, upper, bounds and empty, not \"%.*s\"",
	                 STR_ARG(member->key));
}

static bool read_range(const struct field *field, const struct value *value, struct range *range,
                       struct error *error)
{
	*range = (struct range){.bounds = default_bounds(field)};
	if (value->kind == VALUE_LIST && value->list.n == 2) {
		range->lower = &value->list.items[0];
		range->upper = &value->list.items[1];
		return true;
	}
	if (value->kind != VALUE_OBJECT)
		return parse_fail(field, value, error,
		                  "a range: [lower, upper] or an object of lower, upper, bounds, empty");
	for (size_t i = 0; i < value->object.n; i++)
		if (!read_range_member(field, &value->object.members[i], range, error))
			return false;
	return true;
}

static bool add_bound(struct buf *out, const struct field *element, const struct value *bound,
                      struct arena *arena, struct error *error)
{
	struct str text = {NULL, 0};
	if (bound && !field_parse(element, bound, arena, &text, error))
		return false;
	if (text.p)
		add_quoted(out, text);
	return true;
}

bool parse_range(const struct field *field, const struct value *value, struct arena *arena,
                 struct str *text, struct error *error)
{
	struct range range;
	if (!read_range(field, value, &range, error))
		return false;
	if (range.is_empty) {
		*text = STR("empty");
		return true;
	}
	const struct field *element = field_range_element(field);
	struct buf out = {0};
	buf_add_char(&out, range.bounds.p[0]);
	bool is_good = add_bound(&out, element, range.lower, arena, error);
	buf_add_char(&out, ',');
	is_good = is_good && add_bound(&out, element, range.upper, arena, error);
	buf_add_char(&out, range.bounds.p[1]);
	if (is_good)
		*text = arena_str(arena, buf_str(&out));
	buf_release(&out);
	return is_good;
}
