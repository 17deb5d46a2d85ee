/* The table of field types, and what follows from a row: the column's declaration, the kind of
 * parameter, the way from a client's value to a parameter's text.
 */
#include "orm/model/field_types.h"

#include "orm/model/options.h"
#include "orm/model/parse.h"

#include <inttypes.h>

enum {
	COLUMN = OPTIONS_ANY | OPTIONS_COLUMN | OPTIONS_VALUE | OPTIONS_KEY | OPTIONS_UNIQUE,
	TEXT = COLUMN | OPTIONS_LENGTH | OPTIONS_COLLATION,
	AUTO = OPTIONS_ANY | OPTIONS_KEY | OPTIONS_COLUMN,
};

/* OIDs are those of PostgreSQL's pg_type, fixed for built-in types.  Text parameters are sent as text, not
 * varchar: the column's index serves both. */
/* clang-format off */
const struct field_type field_types[] = {
	{.name = "AutoField", .kind = TYPE_INTEGER, .json_form = JSON_FORM_NUMBER, .column = "integer",
	 .oid = 23, .array_oid = 1007, .min = INT32_MIN, .max = INT32_MAX, .options = AUTO,
	 .is_auto = true, .description = "an integer between -2147483648 and 2147483647"},
	{.name = "BigAutoField", .kind = TYPE_INTEGER, .json_form = JSON_FORM_NUMBER, .column = "bigint",
	 .oid = 20, .array_oid = 1016, .min = INT64_MIN, .max = INT64_MAX, .options = AUTO,
	 .is_auto = true, .description = "an integer"},
	{.name = "SmallAutoField", .kind = TYPE_INTEGER, .json_form = JSON_FORM_NUMBER,
	 .column = "smallint", .oid = 21, .array_oid = 1005, .min = INT16_MIN, .max = INT16_MAX,
	 .options = AUTO, .is_auto = true, .description = "an integer between -32768 and 32767"},
	{.name = "IntegerField", .kind = TYPE_INTEGER, .json_form = JSON_FORM_NUMBER,
	 .column = "integer", .oid = 23, .array_oid = 1007, .min = INT32_MIN, .max = INT32_MAX,
	 .options = COLUMN, .description = "an integer between -2147483648 and 2147483647"},
	{.name = "BigIntegerField", .kind = TYPE_INTEGER, .json_form = JSON_FORM_NUMBER,
	 .column = "bigint", .oid = 20, .array_oid = 1016, .min = INT64_MIN, .max = INT64_MAX,
	 .options = COLUMN, .description = "an integer"},
	{.name = "SmallIntegerField", .kind = TYPE_INTEGER, .json_form = JSON_FORM_NUMBER,
	 .column = "smallint", .oid = 21, .array_oid = 1005, .min = INT16_MIN, .max = INT16_MAX,
	 .options = COLUMN, .description = "an integer between -32768 and 32767"},
	{.name = "PositiveIntegerField", .kind = TYPE_INTEGER, .json_form = JSON_FORM_NUMBER,
	 .column = "integer", .oid = 23, .array_oid = 1007, .min = 0, .max = INT32_MAX,
	 .options = COLUMN, .description = "an integer between 0 and 2147483647"},
	{.name = "PositiveBigIntegerField", .kind = TYPE_INTEGER, .json_form = JSON_FORM_NUMBER,
	 .column = "bigint", .oid = 20, .array_oid = 1016, .min = 0, .max = INT64_MAX,
	 .options = COLUMN, .description = "an integer from 0"},
	{.name = "PositiveSmallIntegerField", .kind = TYPE_INTEGER, .json_form = JSON_FORM_NUMBER,
	 .column = "smallint", .oid = 21, .array_oid = 1005, .min = 0, .max = INT16_MAX,
	 .options = COLUMN, .description = "an integer between 0 and 32767"},
	{.name = "FloatField", .kind = TYPE_FLOAT, .json_form = JSON_FORM_FLOAT,
	 .column = "double precision", .oid = 701, .array_oid = 1022, .options = COLUMN,
	 .description = "a number"},
	{.name = "DecimalField", .kind = TYPE_DECIMAL, .json_form = JSON_FORM_PLAIN,
	 .column = "numeric(%d, %p)", .oid = 1700, .array_oid = 1231,
	 .options = COLUMN | OPTIONS_DIGITS, .description = "a decimal number, best as a string"},
	{.name = "BooleanField", .kind = TYPE_BOOLEAN, .json_form = JSON_FORM_BOOLEAN,
	 .column = "boolean", .oid = 16, .array_oid = 1000, .options = COLUMN,
	 .description = "true or false"},
	{.name = "CharField", .kind = TYPE_TEXT, .json_form = JSON_FORM_STRING, .column = "varchar(%n)",
	 .oid = 25, .array_oid = 1009, .options = TEXT, .description = "a string"},
	{.name = "TextField", .kind = TYPE_TEXT, .json_form = JSON_FORM_STRING, .column = "text",
	 .oid = 25, .array_oid = 1009, .options = TEXT, .description = "a string"},
	{.name = "SlugField", .kind = TYPE_TEXT, .json_form = JSON_FORM_STRING, .column = "varchar(%n)",
	 .oid = 25, .array_oid = 1009, .options = TEXT | OPTIONS_UNICODE, .length = 50,
	 .description = "a string of letters, digits, hyphens and underscores"},
	{.name = "EmailField", .kind = TYPE_TEXT, .json_form = JSON_FORM_STRING,
	 .column = "varchar(%n)", .oid = 25, .array_oid = 1009, .options = TEXT, .length = 254,
	 .description = "an email address, as a string"},
	{.name = "URLField", .kind = TYPE_TEXT, .json_form = JSON_FORM_STRING, .column = "varchar(%n)",
	 .oid = 25, .array_oid = 1009, .options = TEXT, .length = 200,
	 .description = "a URL, as a string"},
	{.name = "FilePathField", .kind = TYPE_TEXT, .json_form = JSON_FORM_STRING,
	 .column = "varchar(%n)", .oid = 25, .array_oid = 1009, .options = TEXT, .length = 100,
	 .description = "a file's path, as a string"},
	{.name = "FileField", .kind = TYPE_TEXT, .json_form = JSON_FORM_STRING, .column = "varchar(%n)",
	 .oid = 25, .array_oid = 1009, .options = TEXT & ~(unsigned)OPTIONS_KEY, .length = 100,
	 .description = "a file's name, as a string"},
	{.name = "ImageField", .kind = TYPE_TEXT, .json_form = JSON_FORM_STRING,
	 .column = "varchar(%n)", .oid = 25, .array_oid = 1009, .options = TEXT & ~(unsigned)OPTIONS_KEY,
	 .length = 100, .description = "an image file's name, as a string"},
	{.name = "GenericIPAddressField", .kind = TYPE_INET, .json_form = JSON_FORM_PLAIN,
	 .column = "inet", .oid = 869, .array_oid = 1041, .options = COLUMN | OPTIONS_INET,
	 .description = "an IPv4 or IPv6 address, as a string"},
	{.name = "UUIDField", .kind = TYPE_UUID, .json_form = JSON_FORM_PLAIN, .column = "uuid",
	 .oid = 2950, .array_oid = 2951, .options = COLUMN,
	 .description = "a UUID, as a string of 32 hexadecimal digits with or without dashes"},
	{.name = "DateField", .kind = TYPE_DATE, .json_form = JSON_FORM_PLAIN, .column = "date",
	 .oid = 1082, .array_oid = 1182, .options = COLUMN | OPTIONS_NOW,
	 .description = "a date such as \"2026-07-02\""},
	{.name = "DateTimeField", .kind = TYPE_DATETIME, .json_form = JSON_FORM_DATETIME,
	 .column = "timestamp with time zone", .oid = 1184, .array_oid = 1185,
	 .options = COLUMN | OPTIONS_NOW,
	 .description = "a date and time such as \"2026-07-02T16:44:20Z\""},
	{.name = "TimeField", .kind = TYPE_TIME, .json_form = JSON_FORM_PLAIN, .column = "time",
	 .oid = 1083, .array_oid = 1183, .options = COLUMN | OPTIONS_NOW,
	 .description = "a time such as \"16:44:20\""},
	{.name = "DurationField", .kind = TYPE_DURATION, .json_form = JSON_FORM_DURATION,
	 .column = "interval", .oid = 1186, .array_oid = 1187, .options = COLUMN,
	 .description = "a duration such as \"P1DT2H3.5S\" or \"1 02:00:03.5\""},
	{.name = "BinaryField", .kind = TYPE_BINARY, .json_form = JSON_FORM_BINARY, .column = "bytea",
	 .oid = 17, .array_oid = 1001, .options = COLUMN | OPTIONS_LENGTH,
	 .description = "bytes, as a base64 string"},
	{.name = "JSONField", .kind = TYPE_JSON, .json_form = JSON_FORM_RAW, .column = "jsonb",
	 .oid = 3802, .array_oid = 3807, .options = COLUMN, .description = "any JSON value"},
	{.name = "ArrayField", .kind = TYPE_ARRAY, .json_form = JSON_FORM_ARRAY, .column = NULL,
	 .options = COLUMN | OPTIONS_ARRAY, .description = "an array"},
	{.name = "HStoreField", .kind = TYPE_HSTORE, .json_form = JSON_FORM_HSTORE, .column = "hstore",
	 .options = COLUMN, .description = "an object whose values are strings or null"},
	{.name = "IntegerRangeField", .kind = TYPE_RANGE, .json_form = JSON_FORM_RANGE,
	 .column = "int4range", .oid = 3904, .array_oid = 3905, .options = COLUMN,
	 .description = "a range of integers such as [1, 10]"},
	{.name = "BigIntegerRangeField", .kind = TYPE_RANGE, .json_form = JSON_FORM_RANGE,
	 .column = "int8range", .oid = 3926, .array_oid = 3927, .options = COLUMN,
	 .description = "a range of integers such as [1, 10]"},
	{.name = "DecimalRangeField", .kind = TYPE_RANGE, .json_form = JSON_FORM_RANGE,
	 .column = "numrange", .oid = 3906, .array_oid = 3907, .options = COLUMN | OPTIONS_BOUNDS,
	 .description = "a range of decimal numbers such as [\"1.5\", \"2.5\"]"},
	{.name = "DateTimeRangeField", .kind = TYPE_RANGE, .json_form = JSON_FORM_RANGE,
	 .column = "tstzrange", .oid = 3910, .array_oid = 3911, .options = COLUMN | OPTIONS_BOUNDS,
	 .description = "a range of dates and times"},
	{.name = "DateRangeField", .kind = TYPE_RANGE, .json_form = JSON_FORM_RANGE,
	 .column = "daterange", .oid = 3912, .array_oid = 3913, .options = COLUMN,
	 .description = "a range of dates such as [\"2026-01-01\", \"2026-02-01\"]"},
	/* A generated field has the type of its output_field; this row only says what its declaration
	 * takes. */
	{.name = "GeneratedField", .kind = TYPE_RELATION, .json_form = JSON_FORM_STRING,
	 .options = OPTIONS_ANY | OPTIONS_COLUMN | OPTIONS_UNIQUE | OPTIONS_GENERATED,
	 .description = "a value that the database computes"},
	{.name = "ForeignKey", .kind = TYPE_RELATION, .json_form = JSON_FORM_STRING,
	 .options = COLUMN | OPTIONS_RELATION | OPTIONS_REFERENCE, .description = "a key"},
	{.name = "OneToOneField", .kind = TYPE_RELATION, .json_form = JSON_FORM_STRING,
	 .options = (COLUMN & ~(unsigned)OPTIONS_UNIQUE) | OPTIONS_RELATION | OPTIONS_REFERENCE,
	 .description = "a key"},
	{.name = "ManyToManyField", .kind = TYPE_RELATION, .json_form = JSON_FORM_STRING,
	 .options = OPTIONS_ANY | OPTIONS_RELATION | OPTIONS_MANY, .description = "a list of keys"},
};
/* clang-format on */

#define ROWS (sizeof field_types / sizeof *field_types)
const size_t field_types_count = ROWS;

static const parse_fn parsers[] = {
	[TYPE_INTEGER] = parse_integer,   [TYPE_FLOAT] = parse_float,
	[TYPE_DECIMAL] = parse_decimal,   [TYPE_BOOLEAN] = parse_boolean,
	[TYPE_TEXT] = parse_text,         [TYPE_UUID] = parse_uuid,
	[TYPE_INET] = parse_inet,         [TYPE_DATE] = parse_date,
	[TYPE_DATETIME] = parse_datetime, [TYPE_TIME] = parse_time,
	[TYPE_DURATION] = parse_duration, [TYPE_BINARY] = parse_binary,
	[TYPE_JSON] = parse_json,         [TYPE_ARRAY] = parse_array,
	[TYPE_HSTORE] = parse_hstore,     [TYPE_RANGE] = parse_range,
	[TYPE_RELATION] = NULL,
};

/* A field of each type that belongs to no model. */
static struct field plain_fields[ROWS];

__attribute__((constructor)) static void make_plain_fields(void)
{
	for (size_t i = 0; i < ROWS; i++) {
		plain_fields[i].type = &field_types[i];
		plain_fields[i].value_field = &plain_fields[i];
		plain_fields[i].max_length = field_types[i].length ? field_types[i].length : -1;
		plain_fields[i].max_digits = -1;
		plain_fields[i].decimal_places = -1;
		plain_fields[i].array_size = -1;
		plain_fields[i].is_null = true;
	}
}

const struct field_type *field_type_find(struct str name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (str_is(name, field_types[i].name))
			return &field_types[i];
	return NULL;
}

const struct field *field_of_type(const char *type_name)
{
	const struct field_type *type = field_type_find(str_of(type_name));
	if (!type)
		BUG("no field type %s", type_name);
	return &plain_fields[type - field_types];
}

static const char *const range_elements[][2] = {
	{"IntegerRangeField", "IntegerField"}, {"BigIntegerRangeField", "BigIntegerField"},
	{"DecimalRangeField", "DecimalField"}, {"DateTimeRangeField", "DateTimeField"},
	{"DateRangeField", "DateField"},
};

const struct field *field_range_element(const struct field *field)
{
	const char *name = field->value_field->type->name;
	for (size_t i = 0; i < sizeof range_elements / sizeof *range_elements; i++)
		if (strcmp(name, range_elements[i][0]) == 0)
			return field_of_type(range_elements[i][1]);
	return NULL;
}

static struct str array_column_type(struct arena *arena, const struct field *field)
{
	struct str base = field_column_type(arena, field->base_field);
	if (field->array_size < 0)
		return arena_concat(arena, base, STR("[]"));
	return arena_printf(arena, "%.*s[%" PRId64 "]", STR_ARG(base), field->array_size);
}

struct str field_column_type(struct arena *arena, const struct field *field)
{
	if (field->db_type.p)
		return field->db_type;
	field = field->value_field;
	if (field->db_type.p)
		return field->db_type;
	switch (field->type->kind) {
	case TYPE_ARRAY:
		return array_column_type(arena, field);
	case TYPE_TEXT:
		if (strcmp(field->type->column, "text") == 0)
			return STR("text");
		if (field->max_length < 0)
			return STR("varchar");
		return arena_printf(arena, "varchar(%" PRId64 ")", field->max_length);
	case TYPE_DECIMAL:
		if (field->max_digits < 0)
			return STR("numeric");
		return arena_printf(arena, "numeric(%d, %d)", field->max_digits, field->decimal_places);
	case TYPE_RELATION:
		BUG("a relation without a column has no column type");
	case TYPE_INTEGER:
	case TYPE_FLOAT:
	case TYPE_BOOLEAN:
	case TYPE_UUID:
	case TYPE_INET:
	case TYPE_DATE:
	case TYPE_DATETIME:
	case TYPE_TIME:
	case TYPE_DURATION:
	case TYPE_BINARY:
	case TYPE_JSON:
	case TYPE_HSTORE:
	case TYPE_RANGE:
		break;
	}
	return str_of(field->type->column);
}

static struct str own_type(const struct field *field)
{
	return field->db_type.p ? field->db_type : field->value_field->db_type;
}

/* The array type of a column: of varchar it must be the column's own, since PostgreSQL compares arrays
 * of one type only (varchar[] @> text[] does not exist). */
static unsigned column_array_oid(const struct field *element)
{
	enum { VARCHAR_ARRAY = 1015 };
	if (own_type(element).p)
		return 0;
	element = element->value_field;
	if (element->type->kind == TYPE_ARRAY)
		return column_array_oid(element->base_field);
	if (element->type->kind == TYPE_TEXT && strcmp(element->type->column, "text") != 0)
		return VARCHAR_ARRAY;
	return element->type->array_oid;
}

unsigned field_param_oid(const struct field *field)
{
	if (own_type(field).p)
		return 0;
	field = field->value_field;
	if (field->type->kind == TYPE_ARRAY && field->base_field)
		return column_array_oid(field->base_field);
	return field->type->oid;
}

/* Without its modifier: a cast would cut off what the column refuses. */
static struct str cast_of(struct arena *arena, struct str type)
{
	struct str rest = type, name = str_trim(str_cut(&rest, STR("(")));
	struct str behind = {0};
	if (rest.p)
		str_cut(&rest, STR(")"));
	if (rest.p)
		behind = str_trim(rest);
	if (str_is(name, "character"))
		name = STR("bpchar");
	else if (str_is(name, "bit"))
		name = STR("bit varying");
	return behind.n ? arena_printf(arena, "%.*s%s%.*s", STR_ARG(name),
	                               behind.p[0] == '[' ? "" : " ", STR_ARG(behind))
	                : name;
}

struct str field_param_cast(struct arena *arena, const struct field *field)
{
	if (own_type(field).p)
		return cast_of(arena, own_type(field));
	if (field_param_oid(field) != 0)
		return (struct str){NULL, 0};
	return field_column_type(arena, field);
}

unsigned field_param_array_oid(const struct field *field)
{
	return own_type(field).p ? 0 : field->value_field->type->array_oid;
}

/* The value inside {"pk": v}, where the relation's key is the primary key. */
static bool unwrap_key(const struct field *field, const struct value **value, struct error *error)
{
	const struct value *pk = value_get(*value, "pk");
	if (!field->relation || !pk || (*value)->object.n != 1)
		return true;
	const struct field *target = field->relation->target;
	if (!target->is_primary_key)
		return error_set(error, ERROR_VALUE, (*value)->pos,
		                 "Field \"%.*s\" holds \"%.*s\" of %.*s, not its primary key",
		                 STR_ARG(field->name), STR_ARG(target->name),
		                 STR_ARG(field->relation->to->name));
	*value = pk;
	return true;
}

bool field_parse(const struct field *field, const struct value *value, struct arena *arena,
                 struct str *text, struct error *error)
{
	*text = (struct str){NULL, 0};
	if (!unwrap_key(field, &value, error))
		return false;
	if (value->kind == VALUE_NULL)
		return true;
	parse_fn parse = parsers[field->value_field->type->kind];
	ASSERT(parse);
	return parse(field, value, arena, text, error);
}

bool field_parse_array(const struct field *field, const struct value *list, struct arena *arena,
                       struct str *text, struct error *error)
{
	if (list->kind != VALUE_LIST)
		return parse_fail(field, list, error, "an array");
	return parse_list(field, list, arena, text, error);
}
