/* Literals as the texts of parameters.  See literal.h. */
#include "orm/query/literal.h"

#include "orm/model/field_types.h"

/* Text of a literal for text lookups: a number or boolean stands for its JSON text. */
static bool plain_text(struct arena *arena, const struct value *value, struct str *text, struct error *error)
{
	struct buf buf = {0};

	switch (value->kind) {
	case VALUE_TEXT:
		*text = arena_str(arena, value->text);
		return true;
	case VALUE_INT:
	case VALUE_REAL:
	case VALUE_BOOL:
		value_write_json(value, &buf);
		*text = arena_str(arena, buf_str(&buf));
		buf_release(&buf);
		return true;
	case VALUE_NULL:
	case VALUE_LIST:
	case VALUE_OBJECT:
		break;
	}
	return error_set(error, ERROR_VALUE, value->pos, "expected a string, got %s", value_kind_name(value->kind));
}

static struct str escape_pattern(struct arena *arena, struct str text, enum pattern_form form)
{
	char *out = arena_alloc(arena, text.n * 2 + 3);
	size_t n = 0;

	if (form == PATTERN_CONTAINS || form == PATTERN_ENDS)
		out[n++] = '%';
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '%' || text.p[i] == '_' || text.p[i] == '\\')
			out[n++] = '\\';
		out[n++] = text.p[i];
	}
	if (form == PATTERN_CONTAINS || form == PATTERN_STARTS)
		out[n++] = '%';
	return (struct str){out, n};
}

bool literal_write(struct arena *arena, const struct literal *literal, const struct value *value,
                   struct str *text, struct error *error)
{
	switch (literal->form) {
	case LITERAL_VALUE:
		return field_parse(literal->field, value, arena, text, error);
	case LITERAL_LIST:
		return field_parse_array(literal->field, value, arena, text, error);
	case LITERAL_TEXT:
		break;
	}
	if (!plain_text(arena, value, text, error))
		return false;
	if (literal->pattern != PATTERN_NONE)
		*text = escape_pattern(arena, *text, literal->pattern);
	return true;
}
