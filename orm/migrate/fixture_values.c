/* Values of a fixture as parameters: those that are given, judged by the field's type, and those that a field has
 * by itself. */
#include "orm/migrate/fixture_load.h"

#include "orm/model/field_types.h"

#include <sys/random.h>

static const struct value *made_loose(struct arena *arena, const struct value *value)
{
	struct value *copy = ARENA_NEW(arena, struct value);

	*copy = *value;
	copy->is_loose = value->kind == VALUE_TEXT;
	if (value->kind == VALUE_LIST) {
		struct value *items = ARENA_ARRAY(arena, struct value, value->list.n + 1);

		for (size_t i = 0; i < value->list.n; i++)
			items[i] = *made_loose(arena, &value->list.items[i]);
		copy->list.items = items;
	} else if (value->kind == VALUE_OBJECT) {
		struct member *members = ARENA_ARRAY(arena, struct member, value->object.n + 1);

		for (size_t i = 0; i < value->object.n; i++)
			members[i] = (struct member){value->object.members[i].key,
			                             *made_loose(arena, &value->object.members[i].value)};
		copy->object.members = members;
	}
	return copy;
}

/* What a column may hold and no client may write: a network's mask, the end of time. */
static bool is_for_the_database(enum type_kind kind, const struct value *value)
{
	if (value->kind != VALUE_TEXT)
		return false;
	if (kind == TYPE_DATE || kind == TYPE_DATETIME)
		return str_is(value->text, "infinity") || str_is(value->text, "-infinity");
	if (kind == TYPE_DURATION) /* Months and years, which Django has no word for. */
		return str_starts(value->text, STR("P"));
	return kind == TYPE_INET;
}

bool fixture_parse(struct fixture_load *load, const struct field *field, const struct value *value,
                   struct str *text, struct error *error)
{
	enum type_kind kind = field->value_field->type->kind;
	bool holds_json = kind == TYPE_ARRAY || kind == TYPE_RANGE || kind == TYPE_HSTORE;

	if (holds_json && value->kind == VALUE_TEXT &&
	    !load->options.read_json(load->row, value->text, &value, error))
		return false;
	/* Django writes every element of a list and every end of a range as text. */
	if (kind == TYPE_ARRAY || kind == TYPE_RANGE)
		value = made_loose(load->row, value);
	if (is_for_the_database(kind, value)) {
		*text = value->text;
		return true;
	}
	/* A JSON null where the column has no other. */
	if (kind == TYPE_JSON && value->kind == VALUE_NULL && !field->is_null) {
		*text = STR("null");
		return true;
	}
	return field_parse(field, value, load->row, text, error);
}

/* ---- defaults of fields that are not in the object ---- */

/* Of version 4: by chance. */
static struct str random_uuid(struct arena *arena)
{
	unsigned char b[16];

	if (getrandom(b, sizeof b, 0) != sizeof b)
		BUG("no random numbers");
	b[6] = (unsigned char)((b[6] & 15) | 64);
	b[8] = (unsigned char)((b[8] & 63) | 128);
	return arena_printf(arena,
	                    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
	                    b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
	                    b[15]);
}

bool fixture_default(struct fixture_load *load, const struct field *field, struct str *text)
{
	const struct value *value = field->default_value;
	struct error error;

	error_init(&error, load->row);
	if (value && value_get(value, "Now"))
		*text = STR("now");
	else if (value && value_get(value, "RandomUUID"))
		*text = random_uuid(load->row);
	else if (value && value->kind != VALUE_NULL &&
	         field_parse(field, value, load->row, text, &error))
		return true;
	else if (field->auto_now || field->auto_now_add)
		*text = STR("now");
	else if (!field->is_null && !field->db_default && !field->relation && !field->is_primary_key &&
	         field->type->kind == TYPE_TEXT)
		*text = STR("");
	else
		return false;
	return true;
}
