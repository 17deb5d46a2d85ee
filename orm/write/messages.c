/* Filling in message templates.  Unknown placeholders are left standing, so that a
 * mistake in a model file shows itself in the message and harms nothing.
 */
#include "orm/write/messages.h"

static const struct message_value *find_value(const struct message_value *values, size_t n,
                                              struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(name, values[i].name))
			return &values[i];
	return NULL;
}

/* Python's repr() of a text: single quotes unless the text holds one and no double one. */
static void add_quoted(struct buf *out, struct str text)
{
	bool has_single = str_find(text, STR("'")) >= 0;
	char quote = has_single && str_find(text, STR("\"")) < 0 ? '"' : '\'';

	buf_add_char(out, quote);
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (c == quote || c == '\\')
			buf_add_char(out, '\\');
		if (c == '\n')
			BUF_LIT(out, "\\n");
		else
			buf_add_char(out, c);
	}
	buf_add_char(out, quote);
}

/* "(name)s" behind a "%": its length and parts; 0 when it is none. */
static size_t read_placeholder(struct str rest, struct str *name, char *form)
{
	if (rest.n < 4 || rest.p[0] != '(')
		return 0;
	const char *end = memchr(rest.p, ')', rest.n - 1);
	if (!end)
		return 0;
	*name = (struct str){rest.p + 1, (size_t)(end - rest.p) - 1};
	*form = end[1];
	if (*form != 's' && *form != 'd' && *form != 'r')
		return 0;
	return (size_t)(end - rest.p) + 2;
}

struct str message_format(struct arena *arena, struct str template,
                          const struct message_value *values, size_t n)
{
	struct buf out = {0};

	for (size_t i = 0; i < template.n; i++) {
		if (template.p[i] != '%') {
			buf_add_char(&out, template.p[i]);
			continue;
		}
		struct str rest = str_sub(template, i + 1, template.n - i - 1);
		if (rest.n && rest.p[0] == '%') {
			buf_add_char(&out, '%');
			i++;
			continue;
		}
		struct str name;
		char form;
		size_t length = read_placeholder(rest, &name, &form);
		const struct message_value *value = length ? find_value(values, n, name) : NULL;
		if (!value) {
			buf_add_char(&out, '%');
			continue;
		}
		if (form == 'r' && value->is_quoted)
			add_quoted(&out, value->text);
		else
			buf_add(&out, value->text);
		i += length;
	}
	struct str text = arena_str(arena, buf_str(&out));
	buf_release(&out);
	return text;
}

struct str message_of_value(struct arena *arena, const struct value *value)
{
	switch (value->kind) {
	case VALUE_NULL:
		return STR("None");
	case VALUE_BOOL:
		return value->boolean ? STR("True") : STR("False");
	case VALUE_TEXT:
		return value->text;
	case VALUE_INT:
	case VALUE_REAL:
	case VALUE_LIST:
	case VALUE_OBJECT:
		break;
	}
	struct buf out = {0};
	value_write_json(value, &out);
	struct str text = arena_str(arena, buf_str(&out));
	buf_release(&out);
	return text;
}

struct str message_of_field(const struct field *field, struct str code, struct str otherwise)
{
	if (!field->error_messages || field->error_messages->kind != VALUE_OBJECT)
		return otherwise;
	for (size_t i = 0; i < field->error_messages->object.n; i++) {
		const struct member *member = &field->error_messages->object.members[i];
		if (str_eq(member->key, code) && member->value.kind == VALUE_TEXT)
			return member->value.text;
	}
	return otherwise;
}

struct str message_list(struct arena *arena, const struct str *items, size_t n)
{
	struct buf out = {0};

	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add(&out, i + 1 == n ? STR(" and ") : STR(", "));
		buf_add(&out, items[i]);
	}
	struct str text = arena_str(arena, buf_str(&out));
	buf_release(&out);
	return text;
}

struct str message_capital(struct arena *arena, struct str text)
{
	if (!text.n || text.p[0] < 'a' || text.p[0] > 'z')
		return text;
	char *copy = arena_cstr(arena, text);
	copy[0] = (char)(copy[0] - 'a' + 'A');
	return (struct str){copy, text.n};
}
