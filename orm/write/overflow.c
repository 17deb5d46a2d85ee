/* From an overflow to the fields that were given by expressions; see overflow.h.  Literals are validated
 * before, so they are not meant. */
#include "orm/write/overflow.h"

#include "orm/model/field_types.h"
#include "orm/write/messages.h"

static bool is_number(const struct field *field)
{
	switch (field->value_field->type->kind) {
	case TYPE_INTEGER:
	case TYPE_FLOAT:
	case TYPE_DECIMAL:
		return true;
	case TYPE_TEXT:
	case TYPE_BOOLEAN:
	case TYPE_UUID:
	case TYPE_INET:
	case TYPE_DATE:
	case TYPE_DATETIME:
	case TYPE_TIME:
	case TYPE_DURATION:
	case TYPE_BINARY:
	case TYPE_JSON:
	case TYPE_ARRAY:
	case TYPE_HSTORE:
	case TYPE_RANGE:
	case TYPE_RELATION:
		return false;
	}
	return false;
}

static bool is_meant(const struct assignment *assignment, bool is_text)
{
	const struct field *field = assignment->field;

	if (assignment->operand.kind != OPERAND_EXPR)
		return false;
	return is_text ? field->value_field->max_length >= 0 : is_number(field);
}

/* "slug (at most 50 characters)", "price (at most 5 digits, 2 of them behind the point)" */
static struct str described(struct arena *arena, const struct field *field)
{
	const struct field *value = field->value_field;
	const struct field_type *type = value->type;

	if (value->max_length >= 0)
		return arena_printf(arena, "%.*s (at most %lld characters)", STR_ARG(field->name),
		                    (long long)value->max_length);
	if (type->kind == TYPE_DECIMAL && value->max_digits >= 0)
		return arena_printf(arena, "%.*s (at most %d digits, %d of them behind the point)",
		                    STR_ARG(field->name), value->max_digits, value->decimal_places);
	if (type->kind == TYPE_INTEGER && type->min < type->max)
		return arena_printf(arena, "%.*s (from %lld to %lld)", STR_ARG(field->name),
		                    (long long)type->min, (long long)type->max);
	return field->name;
}

void overflow_explain(const struct assignment *assigned, size_t n, struct error *error)
{
	bool is_text = str_is(error->sqlstate, "22001");
	struct str *names, *words;
	const struct pos *pos = NULL;
	size_t nnames = 0;

	if (error->kind != ERROR_VALUE || !error->sqlstate.p || error->nfields ||
	    (!is_text && !str_is(error->sqlstate, "22003")))
		return;
	names = ARENA_ARRAY(error->arena, struct str, n + 1);
	words = ARENA_ARRAY(error->arena, struct str, n + 1);
	for (size_t i = 0; i < n; i++) {
		if (!is_meant(&assigned[i], is_text))
			continue;
		pos = assigned[i].operand.pos;
		names[nnames] = assigned[i].field->name;
		words[nnames++] = described(error->arena, assigned[i].field);
	}
	if (!nnames)
		return;
	error->fields = names;
	error->nfields = nnames;
	error->has_pos = nnames == 1;
	error->pos = nnames == 1 ? pos : NULL;
	error->detail = arena_printf(error->arena, "%s: %.*s.",
	                             is_text ? "A text that an expression gives is too long for its column"
	                                     : "A number that an expression gives is out of its column's range",
	                             STR_ARG(message_list(error->arena, words, nnames)));
}
