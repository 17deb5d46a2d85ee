/* A column's type as a field type with its options: by the table below where Django has one that makes
 * the very same column, else by the nearest in behaviour with db_type saying the column's own.
 */
#include "orm/migrate/inspect_draft.h"
#include "orm/model/field_types.h"

#include <stdlib.h>

static const struct {
	const char *column, *type;
	bool is_exact; /* no db_type is needed */
} types[] = {
	{"smallint", "SmallIntegerField", true},
	{"integer", "IntegerField", true},
	{"bigint", "BigIntegerField", true},
	{"double precision", "FloatField", true},
	{"boolean", "BooleanField", true},
	{"text", "TextField", true},
	{"date", "DateField", true},
	{"timestamp with time zone", "DateTimeField", true},
	{"time without time zone", "TimeField", true},
	{"interval", "DurationField", true},
	{"uuid", "UUIDField", true},
	{"jsonb", "JSONField", true},
	{"bytea", "BinaryField", true},
	{"inet", "GenericIPAddressField", true},
	{"hstore", "HStoreField", true},
	{"int4range", "IntegerRangeField", true},
	{"int8range", "BigIntegerRangeField", true},
	{"numrange", "DecimalRangeField", true},
	{"tstzrange", "DateTimeRangeField", true},
	{"daterange", "DateRangeField", true},
	{"real", "FloatField", false},
	{"json", "JSONField", false},
	{"numeric", "DecimalField", false},
	{"timestamp without time zone", "DateTimeField", false},
};

/* "timestamp(3) with time zone" -> "timestamp with time zone" */
static struct str without_modifier(struct arena *arena, struct str type)
{
	struct str rest = type, before = str_cut(&rest, STR("("));

	if (!rest.p)
		return type;
	str_cut(&rest, STR(")"));
	return arena_concat(arena, before, rest.p ? rest : STR(""));
}

/* The first number in the parentheses, and the second; -1: none. */
static void read_modifier(struct arena *arena, struct str type, int64_t *first, int64_t *second)
{
	struct str rest = type;

	*first = *second = -1;
	str_cut(&rest, STR("("));
	if (!rest.p)
		return;
	struct str inside = str_cut(&rest, STR(")")), behind = inside;
	struct str number = str_cut(&behind, STR(","));
	(void)arena;
	if (!str_to_int(str_trim(number), first))
		*first = -1;
	if (behind.p && !str_to_int(str_trim(behind), second))
		*second = -2;
}

static const struct value *number(struct arena *arena, int64_t n)
{
	struct value *value = ARENA_NEW(arena, struct value);

	*value = (struct value){.kind = VALUE_INT, .integer = n};
	return value;
}

static void put_db_type(struct members *out, struct str type)
{
	members_put_text(out, "db_type", type);
}

static void put_choices(struct members *out, const struct catalog_column *column)
{
	const struct value **pairs = ARENA_ARRAY(out->arena, const struct value *, column->nlabels);

	for (size_t i = 0; i < column->nlabels; i++) {
		const struct value *label = edit_text(out->arena, column->labels[i]);
		const struct value *pair[2] = {label, label};

		pairs[i] = edit_list(out->arena, pair, 2);
	}
	members_put(out, "choices", edit_list(out->arena, pairs, column->nlabels));
}

/* Labels of an enumerated type: text of at most the longest one's length. */
static void put_enum(struct members *out, const struct catalog_column *column, struct str type)
{
	size_t longest = 1;

	for (size_t i = 0; i < column->nlabels; i++) {
		size_t n = str_length_utf8(column->labels[i]);

		longest = n > longest ? n : longest;
	}
	members_put_text(out, "type", STR("CharField"));
	members_put(out, "max_length", number(out->arena, (int64_t)longest));
	put_db_type(out, type);
	put_choices(out, column);
}

static bool put_sized(struct members *out, struct str type)
{
	int64_t first, second;

	read_modifier(out->arena, type, &first, &second);
	if (str_starts(type, STR("character varying(")) && first > 0) {
		members_put_text(out, "type", STR("CharField"));
		members_put(out, "max_length", number(out->arena, first));
		return true;
	}
	if (str_starts(type, STR("character(")) && first > 0) {
		members_put_text(out, "type", STR("CharField"));
		members_put(out, "max_length", number(out->arena, first));
		put_db_type(out, type);
		return true;
	}
	if (str_starts(type, STR("numeric(")) && first > 0 && second >= 0 && second <= first) {
		members_put_text(out, "type", STR("DecimalField"));
		members_put(out, "max_digits", number(out->arena, first));
		members_put(out, "decimal_places", number(out->arena, second));
		return true;
	}
	return false;
}

/* A type that is no array.  `own` is what the column is declared as, a domain perhaps. */
static void put_scalar(struct inspecting *in, const struct catalog_column *column, struct str base,
                       struct str own, struct members *out)
{
	struct str plain = without_modifier(in->arena, base);
	bool is_domain = !str_eq(base, own);

	if (column->nlabels > 0) {
		put_enum(out, column, own);
		return;
	}
	if (put_sized(out, base)) {
		if (is_domain && !str_starts(base, STR("character(")))
			put_db_type(out, own);
		return;
	}
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		if (!str_is(plain, types[i].column))
			continue;
		members_put_text(out, "type", str_of(types[i].type));
		if (!types[i].is_exact || is_domain || !str_eq(plain, base))
			put_db_type(out, own);
		return;
	}
	members_put_text(out, "type", STR("TextField"));
	put_db_type(out, own);
}

static void put_array(struct inspecting *in, const struct catalog_column *column, int ndims,
                      struct members *out)
{
	struct members base = {.arena = in->arena};

	if (ndims > 1)
		put_array(in, column, ndims - 1, &base);
	else
		put_scalar(in, column, column->element, column->element, &base);
	members_put_text(out, "type", STR("ArrayField"));
	members_put(out, "base_field", members_end(&base));
}

void inspect_type(struct inspecting *in, const struct catalog_column *column, struct members *out)
{
	if (!column->element.p) {
		put_scalar(in, column, column->base_type, column->type, out);
		return;
	}
	put_array(in, column, column->ndims > 1 ? column->ndims : 1, out);
	if (!str_eq(column->type, column->base_type))
		put_db_type(out, column->type);
}

const struct value *inspect_raw(struct inspecting *in, struct str text)
{
	struct members raw = {.arena = in->arena};

	members_put_text(&raw, "RawSQL", text);
	return members_end(&raw);
}

/* ---- defaults ---- */

/* 'it''s'::text -> it's; false for anything but one plain constant. */
static bool read_text_constant(struct arena *arena, struct str text, struct str *out)
{
	char *copy = arena_alloc(arena, text.n + 1);
	size_t n = 0, i = 1;

	if (text.n < 2 || text.p[0] != '\'')
		return false;
	for (; i < text.n; i++) {
		if (text.p[i] == '\'' && i + 1 < text.n && text.p[i + 1] == '\'')
			i++;
		else if (text.p[i] == '\'')
			break;
		copy[n++] = text.p[i];
	}
	struct str rest = str_sub(text, i + 1, text.n > i ? text.n - i - 1 : 0);
	*out = (struct str){copy, n};
	return rest.n == 0 || str_is(rest, "::text");
}

static const struct value *constant(struct arena *arena, const struct field_type *type,
                                    struct str text)
{
	struct value *value = ARENA_NEW(arena, struct value);
	struct str content;

	if (type->kind == TYPE_INTEGER && str_to_int(text, &value->integer))
		value->kind = VALUE_INT;
	else if (type->kind == TYPE_BOOLEAN && (str_is(text, "true") || str_is(text, "false")))
		*value = (struct value){.kind = VALUE_BOOL, .boolean = str_is(text, "true")};
	else if (type->kind == TYPE_TEXT && read_text_constant(arena, text, &content))
		*value = (struct value){.kind = VALUE_TEXT, .text = content};
	else
		return NULL;
	return value;
}

void inspect_default(struct inspecting *in, const struct catalog_column *column,
                     struct members *out)
{
	struct str text = column->default_text;

	if (!text.p || column->is_generated)
		return;
	const struct field_type *type = NULL;
	bool has_own = false;
	for (size_t i = 0; i < out->n; i++) {
		if (str_is(out->items[i].key, "type"))
			type = field_type_find(out->items[i].value.text);
		has_own = has_own || str_is(out->items[i].key, "db_type");
	}
	const struct value *value = type && !has_own ? constant(in->arena, type, text) : NULL;
	members_put(out, "db_default", value ? value : inspect_raw(in, text));
}
