/* Clients' values as parameters: what each field type takes, as which text, and what it refuses. */
#include "orm/model/build.h"
#include "orm/model/field_types.h"
#include "orm/wire/json.h"

#include "tests/support/suite.h"

#include <stdio.h>

static struct arena *arena;
static struct error error;

static void setup(void)
{
	arena = arena_new();
	error_init(&error, arena);
}

static void teardown(void)
{
	arena_free(arena);
}

static const struct value *read_json(const char *text)
{
	static const struct json_limits limits = {1 << 20, 64, 10000};
	const struct value *value = NULL;
	ck_assert_msg(json_read(arena, str_of(text), &limits, &value, &error), "%s: %.*s", text,
	              STR_ARG(error.detail));
	return value;
}

/* The field "x" of a model with this declaration. */
static const struct field *declare(const char *declaration)
{
	struct mistakes mistakes;
	const struct value *document = read_json(
	    arena_printf(arena, "{\"models\": {\"M\": {\"fields\": {\"x\": %s}}}}", declaration).p);
	const struct registry *registry = registry_build(arena, &document, 1, &mistakes);
	ck_assert_msg(registry, "%s: %s", declaration,
	              mistakes.n ? arena_cstr(arena, mistakes.items[0].message) : "");
	return model_field(registry_model(registry, STR("M")), STR("x"));
}

struct good {
	const char *type, *json, *text; /* text NULL: SQL NULL */
};

static const struct good goods[] = {
    {"IntegerField", "5", "5"},
    {"IntegerField", "\"5\"", "5"},
    {"IntegerField", "\" +7 \"", "7"},
    {"IntegerField", "\"-0012\"", "-12"},
    {"IntegerField", "5.0", "5"},
    {"IntegerField", "1e2", "100"},
    {"IntegerField", "-2147483648", "-2147483648"},
    {"IntegerField", "null", NULL},
    {"BigIntegerField", "9223372036854775807", "9223372036854775807"},
    {"SmallIntegerField", "32767", "32767"},
    {"PositiveSmallIntegerField", "-1", "-1"},
    {"PositiveBigIntegerField", "0", "0"},
    {"BigAutoField", "\"12\"", "12"},
    {"FloatField", "1", "1"},
    {"FloatField", "0.1", "0.1"},
    {"FloatField", "\"1.5e3\"", "1500.0"},
    {"FloatField", "\"NaN\"", "NaN"},
    {"FloatField", "\"-inf\"", "-Infinity"},
    {"FloatField", "\"Infinity\"", "Infinity"},
    {"DecimalField", "\"1.10\"", "1.10"},
    {"DecimalField", "\" -12 \"", "-12"},
    {"DecimalField", "\".5\"", ".5"},
    {"DecimalField", "\"1E+3\"", "1E+3"},
    {"DecimalField", "1.1", "1.1"},
    {"DecimalField", "3", "3"},
    {"DecimalField", "123456789012.345", "123456789012.345"},
    {"DecimalField", "100000000000000000000.0", "1e+20"},
    {"BooleanField", "true", "t"},
    {"BooleanField", "false", "f"},
    {"CharField", "\"it's; DROP TABLE\"", "it's; DROP TABLE"},
    {"CharField", "\"\"", ""},
    {"TextField", "\"a\\nb\"", "a\nb"},
    {"EmailField", "\"x\"", "x"},
    {"UUIDField", "\"550E8400-e29b-41d4-a716-446655440000\"", "550e8400-e29b-41d4-a716-446655440000"},
    {"UUIDField", "\"550e8400e29b41d4a716446655440000\"", "550e8400-e29b-41d4-a716-446655440000"},
    {"GenericIPAddressField", "\"192.168.0.1\"", "192.168.0.1"},
    {"GenericIPAddressField", "\"2001:DB8:0:0::1\"", "2001:db8::1"},
    {"DateField", "\"2026-02-28\"", "2026-02-28"},
    {"DateField", "\"2024-02-29\"", "2024-02-29"},
    {"TimeField", "\"16:44\"", "16:44:00"},
    {"TimeField", "\"16:44:20.5\"", "16:44:20.5"},
    {"TimeField", "\"00:00:00.1234567\"", "00:00:00.123456"},
    {"DateTimeField", "\"2026-07-02T16:44:20Z\"", "2026-07-02 16:44:20+00:00"},
    {"DateTimeField", "\"2026-07-02 16:44\"", "2026-07-02 16:44:00+00:00"},
    {"DateTimeField", "\"2026-07-02T16:44:20.25+05:30\"", "2026-07-02 16:44:20.25+05:30"},
    {"DateTimeField", "\"2026-07-02T16:44:20-0330\"", "2026-07-02 16:44:20-03:30"},
    {"DateTimeField", "\"2026-07-02T16:44:20+02\"", "2026-07-02 16:44:20+02:00"},
    {"DateTimeField", "\"2026-07-02\"", "2026-07-02 00:00:00+00:00"},
    {"DurationField", "\"P1DT2H3.5S\"", "1 days 7203.500000 seconds"},
    {"DurationField", "\"P2W\"", "14 days 0.000000 seconds"},
    {"DurationField", "\"-PT1M\"", "-0 days -60.000000 seconds"},
    {"DurationField", "\"PT0.000001S\"", "0 days 0.000001 seconds"},
    {"DurationField", "\"P0.5D\"", "0 days 43200.000000 seconds"},
    {"DurationField", "\"P-1DT-1H\"", "-1 days -3600.000000 seconds"},
    {"DurationField", "\"P1DT-1H\"", "0 days 82800.000000 seconds"},
    {"DurationField", "\"1 02:03:04.5\"", "1 days 7384.500000 seconds"},
    {"DurationField", "\"3 days, 0:00:01\"", "3 days 1.000000 seconds"},
    {"DurationField", "\"-1 day, 2:00:00\"", "-0 days -79200.000000 seconds"},
    {"DurationField", "\"02:03\"", "0 days 123.000000 seconds"},
    {"DurationField", "\"90\"", "0 days 90.000000 seconds"},
    {"DurationField", "\"-1:00:00\"", "-0 days -3600.000000 seconds"},
    {"BinaryField", "\"\"", "\\x"},
    {"BinaryField", "\"AP8=\"", "\\x00ff"},
    {"BinaryField", "\"/w==\"", "\\xff"},
    {"BinaryField", "\"AQID\"", "\\x010203"},
    {"JSONField", "{\"a\": [1, 2.50, \"x\", null, true]}", "{\"a\":[1,2.5,\"x\",null,true]}"},
    {"JSONField", "\"text\"", "\"text\""},
    {"JSONField", "null", NULL},
    {"HStoreField", "{\"a\": \"1\", \"b c\": null, \"q\\\"\": \"\\\\\"}",
     "\"a\"=>\"1\", \"b c\"=>NULL, \"q\\\"\"=>\"\\\\\""},
    {"HStoreField", "{\"n\": 5, \"t\": true}", "\"n\"=>\"5\", \"t\"=>\"true\""},
    {"HStoreField", "{}", ""},
    {"IntegerRangeField", "[1, 10]", "[\"1\",\"10\")"},
    {"IntegerRangeField", "{\"lower\": 1, \"upper\": 10, \"bounds\": \"[]\"}", "[\"1\",\"10\"]"},
    {"IntegerRangeField", "{\"lower\": 1}", "[\"1\",)"},
    {"IntegerRangeField", "[null, 3]", "[,\"3\")"},
    {"IntegerRangeField", "{\"empty\": true}", "empty"},
    {"IntegerRangeField", "{\"lower\": 1, \"upper\": 2, \"bounds\": \"(]\", \"empty\": false}",
     "(\"1\",\"2\"]"},
    {"DecimalRangeField", "[\"1.50\", 2.5]", "[\"1.50\",\"2.5\")"},
    {"DateRangeField", "[\"2026-01-01\", null]", "[\"2026-01-01\",)"},
    {"DateTimeRangeField", "[\"2026-01-01\", \"2026-01-02T00:00Z\"]",
     "[\"2026-01-01 00:00:00+00:00\",\"2026-01-02 00:00:00+00:00\")"},
};

START_TEST(a_good_value_becomes_a_parameter)
{
	const struct good *g = &goods[_i];
	struct str text;
	const struct value *value = read_json(g->json);
	ck_assert_msg(field_parse(field_of_type(g->type), value, arena, &text, &error), "%s %s: %.*s",
	              g->type, g->json, STR_ARG(error.detail));
	if (!g->text) {
		ck_assert_ptr_null(text.p);
		return;
	}
	ck_assert_ptr_nonnull(text.p);
	ck_assert_str_eq(arena_cstr(arena, text), g->text);
}
END_TEST

struct bad {
	const char *type, *json, *detail;
};

#define DECIMAL "expected a decimal number such as \"12.50\", but got "
#define DATE "expected a date such as \"2026-07-02\", but got "
#define DATETIME "expected a date and time such as \"2026-07-02T16:44:20Z\", but got "
#define TIME "expected a time such as \"16:44:20\", but got "
#define DURATION "expected a duration such as \"P1DT2H3.5S\" or \"1 02:00:03.5\", but got "
#define UUID "expected a UUID, as a string of 32 hexadecimal digits with or without dashes, but got "
#define INET "expected an IPv4 or IPv6 address, as a string, but got "

static const struct bad bads[] = {
    {"IntegerField", "\"abc\"", "expected an integer, but got \"abc\""},
    {"IntegerField", "\"\"", "expected an integer, but got \"\""},
    {"IntegerField", "\"1_000\"", "expected an integer, but got \"1_000\""},
    {"IntegerField", "5.5", "expected an integer, but got 5.5"},
    {"IntegerField", "true", "expected an integer, but got true"},
    {"IntegerField", "[1]", "expected an integer, but got [1]"},
    {"IntegerField", "{\"a\": 1}", "expected an integer, but got {\"a\":1}"},
    {"IntegerField", "2147483648",
     "expected an integer between -2147483648 and 2147483647, but got 2147483648"},
    {"SmallIntegerField", "32768", "expected an integer between -32768 and 32767, but got 32768"},
    {"PositiveSmallIntegerField", "-32769",
     "expected an integer between -32768 and 32767, but got -32769"},
    {"BigIntegerField", "\"9223372036854775808\"",
     "expected an integer between -9223372036854775808 and 9223372036854775807, but got "
     "\"9223372036854775808\""},
    {"BigIntegerField", "1e300", "expected an integer, but got 1e+300"},
    {"FloatField", "true", "expected a number, but got true"},
    {"FloatField", "\"1.5x\"", "expected a number, but got \"1.5x\""},
    {"FloatField", "\"0x10\"", "expected a number, but got \"0x10\""},
    {"FloatField", "\"1e400\"", "expected a number that a double can hold, but got \"1e400\""},
    {"DecimalField", "\"NaN\"", DECIMAL "\"NaN\""},
    {"DecimalField", "\"Infinity\"", DECIMAL "\"Infinity\""},
    {"DecimalField", "\"1,5\"", DECIMAL "\"1,5\""},
    {"DecimalField", "\".\"", DECIMAL "\".\""},
    {"DecimalField", "\"\"", DECIMAL "\"\""},
    {"DecimalField", "\"1e1001\"", DECIMAL "\"1e1001\""},
    {"DecimalField", "true", DECIMAL "true"},
    {"DecimalField", "12345678901234567.89",
     "expected a decimal number that is exact: write it as a string, but got 12345678901234568.0"},
    {"DecimalField", "0.1234567890123456",
     "expected a decimal number that is exact: write it as a string, but got 0.1234567890123456"},
    {"BooleanField", "1", "expected true or false, but got 1"},
    {"BooleanField", "\"true\"", "expected true or false, but got \"true\""},
    {"CharField", "5", "expected a string, but got 5"},
    {"TextField", "true", "expected a string, but got true"},
    {"CharField", "[\"a\"]", "expected a string, but got [\"a\"]"},
    {"UUIDField", "\"550e8400e29b41d4a71644665544000\"", UUID "\"550e8400e29b41d4a71644665544000\""},
    {"UUIDField", "\"550e8400-e29b-41d4-a716-44665544000g\"",
     UUID "\"550e8400-e29b-41d4-a716-44665544000g\""},
    {"UUIDField", "\"550e8400e-29b-41d4-a716-446655440000\"",
     UUID "\"550e8400e-29b-41d4-a716-446655440000\""},
    {"UUIDField", "5", UUID "5"},
    {"GenericIPAddressField", "\"256.1.1.1\"", INET "\"256.1.1.1\""},
    {"GenericIPAddressField", "\"1.2.3\"", INET "\"1.2.3\""},
    {"GenericIPAddressField", "\"::1%eth0\"", INET "\"::1%eth0\""},
    {"GenericIPAddressField", "1", INET "1"},
    {"DateField", "\"2026-02-29\"", DATE "\"2026-02-29\""},
    {"DateField", "\"2026-13-01\"", DATE "\"2026-13-01\""},
    {"DateField", "\"0000-01-01\"", DATE "\"0000-01-01\""},
    {"DateField", "\"2026-1-1\"", DATE "\"2026-1-1\""},
    {"DateField", "\"2026-01-01T00:00\"", DATE "\"2026-01-01T00:00\""},
    {"DateField", "\"infinity\"", DATE "\"infinity\""},
    {"DateField", "20260101", DATE "20260101"},
    {"TimeField", "\"24:00\"", TIME "\"24:00\""},
    {"TimeField", "\"12:60\"", TIME "\"12:60\""},
    {"TimeField", "\"12:00:60\"", TIME "\"12:00:60\""},
    {"TimeField", "\"12:00Z\"", TIME "\"12:00Z\""},
    {"TimeField", "\"12:00:00.\"", TIME "\"12:00:00.\""},
    {"DateTimeField", "\"2026-07-02T25:00\"", DATETIME "\"2026-07-02T25:00\""},
    {"DateTimeField", "\"2026-07-02T16:44:20+16:00\"", DATETIME "\"2026-07-02T16:44:20+16:00\""},
    {"DateTimeField", "\"2026-07-02T16:44:20+02:60\"", DATETIME "\"2026-07-02T16:44:20+02:60\""},
    {"DateTimeField", "\"2026-07-02T16:44:20 UTC\"", DATETIME "\"2026-07-02T16:44:20 UTC\""},
    {"DateTimeField", "\"now\"", DATETIME "\"now\""},
    {"DateTimeField", "1783010660", DATETIME "1783010660"},
    {"DurationField", "\"P\"", DURATION "\"P\""},
    {"DurationField", "\"PT\"", DURATION "\"PT\""},
    {"DurationField", "\"P1M\"", DURATION "\"P1M\""},
    {"DurationField", "\"P-D\"", DURATION "\"P-D\""},
    {"DurationField", "\"PT1S1H\"", DURATION "\"PT1S1H\""},
    {"DurationField", "\"1:2:3:4\"", DURATION "\"1:2:3:4\""},
    {"DurationField", "\"P999999999D\"", DURATION "\"P999999999D\""},
    {"DurationField", "5", DURATION "5"},
    {"BinaryField", "\"AQI\"", "expected bytes, as a base64 string, but got \"AQI\""},
    {"BinaryField", "\"A===\"", "expected bytes, as a base64 string, but got \"A===\""},
    {"BinaryField", "\"AQJ=\"", "expected bytes, as a base64 string, but got \"AQJ=\""},
    {"BinaryField", "\"AQ-_\"", "expected bytes, as a base64 string, but got \"AQ-_\""},
    {"BinaryField", "1", "expected bytes, as a base64 string, but got 1"},
    {"HStoreField", "[1]", "expected an object whose values are strings or null, but got [1]"},
    {"HStoreField", "{\"a\": {}}", "expected a string or null, but got {}"},
    {"IntegerRangeField", "5",
     "expected a range: [lower, upper] or an object of lower, upper, bounds, empty, but got 5"},
    {"IntegerRangeField", "[1, 2, 3]",
     "expected a range: [lower, upper] or an object of lower, upper, bounds, empty, but got [1,2,3]"},
    {"IntegerRangeField", "[\"a\", 2]", "expected an integer, but got \"a\""},
    {"IntegerRangeField", "{\"bounds\": \"[[\"}",
     "expected bounds as one of \"[)\", \"(]\", \"[]\", \"()\", but got \"[[\""},
    {"IntegerRangeField", "{\"low\": 1}",
     "a range has the members lower, upper, bounds and empty, not \"low\""},
    {"IntegerRangeField", "{\"empty\": 1}", "expected true or false as \"empty\", but got 1"},
};

START_TEST(a_bad_value_is_refused_in_plain_words)
{
	const struct bad *bad = &bads[_i];
	struct str text;
	const struct value *value = read_json(bad->json);
	ck_assert_msg(!field_parse(field_of_type(bad->type), value, arena, &text, &error), "%s %s",
	              bad->type, bad->json);
	ck_assert_str_eq(error.detail.p, bad->detail);
	ck_assert_int_eq(error.kind, ERROR_VALUE);
}
END_TEST

static bool parse(const struct field *field, const char *json, struct str *text)
{
	return field_parse(field, read_json(json), arena, text, &error);
}

START_TEST(a_query_strings_text_stands_for_a_boolean)
{
	static const struct {
		const char *text, *parameter;
	} words[] = {{"true", "t"}, {"True", "t"}, {"1", "t"}, {"false", "f"}, {"False", "f"}, {"0", "f"}};
	struct str text;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		struct value value = {
		    .kind = VALUE_TEXT, .is_loose = true, .text = str_of(words[i].text)};
		ck_assert(field_parse(field_of_type("BooleanField"), &value, arena, &text, &error));
		ck_assert(str_is(text, words[i].parameter));
	}
	struct value yes = {.kind = VALUE_TEXT, .is_loose = true, .text = STR("yes")};
	ck_assert(!field_parse(field_of_type("BooleanField"), &yes, arena, &text, &error));
}
END_TEST

START_TEST(a_text_with_nul_is_refused)
{
	struct str text;
	struct value value = {.kind = VALUE_TEXT, .text = STR("a\0b")};
	ck_assert(!field_parse(field_of_type("TextField"), &value, arena, &text, &error));
	ck_assert(str_find(error.detail, STR("NUL")) >= 0);
}
END_TEST

START_TEST(the_field_is_named_and_the_value_pointed_at)
{
	struct str text;
	const struct field *field = declare("\"IntegerField\"");
	const struct value *value = value_get(read_json("{\"set\": {\"x\": \"abc\"}}"), "set");
	ck_assert(!field_parse(field, value_get(value, "x"), arena, &text, &error));
	ck_assert_str_eq(error.detail.p, "Field \"x\" expected an integer, but got \"abc\"");
	ck_assert_str_eq(pos_pointer(arena, error.pos).p, "/set/x");
}
END_TEST

START_TEST(a_long_value_is_shortened_in_the_message)
{
	struct str text;
	struct str list = arena_printf(arena, "\"%0300d\"", 7);
	ck_assert(!parse(field_of_type("BooleanField"), list.p, &text));
	ck_assert_uint_lt(error.detail.n, 150);
	ck_assert(str_ends(error.detail, STR("…")));
}
END_TEST

START_TEST(an_array_is_a_postgresql_array_literal)
{
	struct str text;
	const struct field *texts =
	    declare("{\"type\": \"ArrayField\", \"base_field\": \"TextField\"}");
	ck_assert(parse(texts, "[\"a\", \"b c\", \"q\\\"\\\\\", \"\", \"NULL\", null, \"{,}\"]", &text));
	ck_assert_str_eq(text.p, "{\"a\",\"b c\",\"q\\\"\\\\\",\"\",\"NULL\",NULL,\"{,}\"}");
	ck_assert(parse(texts, "[]", &text));
	ck_assert_str_eq(text.p, "{}");
	ck_assert_str_eq(field_column_type(arena, texts).p, "text[]");
	ck_assert_uint_eq(field_param_oid(texts), 1009);
}
END_TEST

START_TEST(an_array_of_arrays_is_a_box)
{
	struct str text;
	const struct field *grid = declare(
	    "{\"type\": \"ArrayField\", \"base_field\": {\"type\": \"ArrayField\", "
	    "\"base_field\": \"IntegerField\", \"size\": 2}}");
	ck_assert(parse(grid, "[[1, 2], [3, null]]", &text));
	ck_assert_str_eq(text.p, "{{\"1\",\"2\"},{\"3\",NULL}}");
	ck_assert_str_eq(field_column_type(arena, grid).p, "integer[2][]");
	ck_assert_uint_eq(field_param_oid(grid), 1007);
	ck_assert(!parse(grid, "[[1, 2], [3]]", &text));
	ck_assert_str_eq(error.detail.p, "Field \"x\" expected nested arrays of one length, but got [3]");
	error_clear(&error);
	ck_assert(!parse(grid, "[[1, 2], null]", &text));
}
END_TEST

START_TEST(a_wrong_element_is_pointed_at)
{
	struct str text;
	const struct field *numbers =
	    declare("{\"type\": \"ArrayField\", \"base_field\": \"IntegerField\"}");
	ck_assert(!parse(numbers, "[1, \"x\"]", &text));
	ck_assert_str_eq(pos_pointer(arena, error.pos).p, "/1");
	ck_assert_str_eq(error.detail.p, "expected an integer, but got \"x\"");
	error_clear(&error);
	ck_assert(!parse(numbers, "5", &text));
	ck_assert_str_eq(error.detail.p, "Field \"x\" expected an array, but got 5");
}
END_TEST

START_TEST(a_list_of_values_is_one_array_parameter)
{
	struct str text;
	const struct field *field = declare("{\"type\": \"CharField\", \"max_length\": 9}");
	ck_assert(field_parse_array(field, read_json("[\"a\", \"b\"]"), arena, &text, &error));
	ck_assert_str_eq(text.p, "{\"a\",\"b\"}");
	ck_assert(!field_parse_array(field, read_json("[\"a\", 5]"), arena, &text, &error));
	ck_assert_str_eq(error.detail.p, "Field \"x\" expected a string, but got 5");
	error_clear(&error);
	ck_assert(!field_parse_array(field, read_json("\"a\""), arena, &text, &error));
}
END_TEST

START_TEST(default_bounds_of_the_field_are_used)
{
	struct str text;
	const struct field *range =
	    declare("{\"type\": \"DecimalRangeField\", \"default_bounds\": \"[]\"}");
	ck_assert(parse(range, "[1, 2]", &text));
	ck_assert_str_eq(text.p, "[\"1\",\"2\"]");
}
END_TEST

struct column {
	const char *declaration, *type;
	unsigned oid;
};

static const struct column columns[] = {
    {"{\"type\": \"CharField\", \"max_length\": 64}", "varchar(64)", 25},
    {"\"TextField\"", "text", 25},
    {"{\"type\": \"TextField\", \"max_length\": 64}", "text", 25},
    {"\"SlugField\"", "varchar(50)", 25},
    {"\"EmailField\"", "varchar(254)", 25},
    {"\"URLField\"", "varchar(200)", 25},
    {"\"FileField\"", "varchar(100)", 25},
    {"{\"type\": \"DecimalField\", \"max_digits\": 10, \"decimal_places\": 2}", "numeric(10, 2)", 1700},
    {"{\"type\": \"AutoField\", \"primary_key\": true}", "integer", 23},
    {"{\"type\": \"SmallAutoField\", \"primary_key\": true}", "smallint", 21},
    {"\"PositiveSmallIntegerField\"", "smallint", 21},
    {"\"PositiveIntegerField\"", "integer", 23},
    {"\"BigIntegerField\"", "bigint", 20},
    {"\"FloatField\"", "double precision", 701},
    {"\"BooleanField\"", "boolean", 16},
    {"\"DateField\"", "date", 1082},
    {"\"DateTimeField\"", "timestamp with time zone", 1184},
    {"\"TimeField\"", "time", 1083},
    {"\"DurationField\"", "interval", 1186},
    {"\"UUIDField\"", "uuid", 2950},
    {"\"GenericIPAddressField\"", "inet", 869},
    {"\"BinaryField\"", "bytea", 17},
    {"\"JSONField\"", "jsonb", 3802},
    {"\"HStoreField\"", "hstore", 0},
    {"\"IntegerRangeField\"", "int4range", 3904},
    {"\"BigIntegerRangeField\"", "int8range", 3926},
    {"\"DecimalRangeField\"", "numrange", 3906},
    {"\"DateTimeRangeField\"", "tstzrange", 3910},
    {"\"DateRangeField\"", "daterange", 3912},
    {"{\"type\": \"ArrayField\", \"base_field\": {\"type\": \"CharField\", \"max_length\": 5}, \"size\": 3}",
     "varchar(5)[3]", 1015},
    {"{\"type\": \"ForeignKey\", \"to\": \"self\", \"on_delete\": \"CASCADE\"}", "bigint", 20},
};

START_TEST(a_field_has_djangos_column_type)
{
	const struct column *c = &columns[_i];
	const struct field *field = declare(c->declaration);
	ck_assert_str_eq(arena_cstr(arena, field_column_type(arena, field)), c->type);
	ck_assert_uint_eq(field_param_oid(field), c->oid);
	struct str cast = field_param_cast(arena, field);
	if (c->oid)
		ck_assert_ptr_null(cast.p);
	else
		ck_assert_str_eq(arena_cstr(arena, cast), c->type);
}
END_TEST

START_TEST(a_type_without_its_options_has_a_column_type_to_cast_to)
{
	ck_assert_str_eq(field_column_type(arena, field_of_type("CharField")).p, "varchar");
	ck_assert_str_eq(field_column_type(arena, field_of_type("DecimalField")).p, "numeric");
}
END_TEST

START_TEST(every_row_of_the_table_is_found_by_its_name)
{
	for (size_t i = 0; i < field_types_count; i++) {
		ck_assert_ptr_eq(field_type_find(str_of(field_types[i].name)), &field_types[i]);
		ck_assert_ptr_eq(field_of_type(field_types[i].name)->type, &field_types[i]);
		ck_assert_ptr_nonnull(field_types[i].description);
	}
	ck_assert_ptr_null(field_type_find(STR("charfield")));
}
END_TEST

START_TEST(a_foreign_key_takes_the_value_of_its_target)
{
	struct str text;
	struct mistakes mistakes;
	const struct value *document = read_json(
	    "{\"models\": {\"Role\": {\"fields\": {\"slug\": {\"type\": \"SlugField\", \"unique\": true}}},"
	    "\"E\": {\"fields\": {\"by_pk\": {\"type\": \"ForeignKey\", \"to\": \"Role\", \"on_delete\": "
	    "\"CASCADE\", \"related_name\": \"+\"}, \"by_slug\": {\"type\": \"ForeignKey\", \"to\": \"Role\", "
	    "\"on_delete\": \"CASCADE\", \"to_field\": \"slug\", \"related_name\": \"+\"}}}}}");
	const struct registry *registry = registry_build(arena, &document, 1, &mistakes);
	ck_assert_ptr_nonnull(registry);
	const struct model *model = registry_model(registry, STR("E"));
	const struct field *by_pk = model_field(model, STR("by_pk_id"));
	const struct field *by_slug = model_field(model, STR("by_slug"));
	ck_assert(parse(by_pk, "5", &text));
	ck_assert_str_eq(text.p, "5");
	ck_assert(parse(by_pk, "{\"pk\": \"7\"}", &text));
	ck_assert_str_eq(text.p, "7");
	ck_assert(parse(by_pk, "{\"pk\": null}", &text));
	ck_assert_ptr_null(text.p);
	ck_assert(parse(by_slug, "\"dev\"", &text));
	ck_assert_str_eq(arena_cstr(arena, text), "dev");
	ck_assert(!parse(by_slug, "{\"pk\": 1}", &text));
	ck_assert_str_eq(error.detail.p,
	                 "Field \"by_slug\" holds \"slug\" of Role, not its primary key");
	error_clear(&error);
	ck_assert(!parse(by_pk, "\"dev\"", &text));
	ck_assert_str_eq(error.detail.p, "Field \"by_pk\" expected an integer, but got \"dev\"");
	ck_assert_str_eq(field_column_type(arena, by_slug).p, "varchar(50)");
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "model/field_parse");
	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_loop_test(group, a_good_value_becomes_a_parameter, 0, sizeof goods / sizeof *goods);
	tcase_add_loop_test(group, a_bad_value_is_refused_in_plain_words, 0, sizeof bads / sizeof *bads);
	tcase_add_test(group, a_query_strings_text_stands_for_a_boolean);
	tcase_add_test(group, a_text_with_nul_is_refused);
	tcase_add_test(group, the_field_is_named_and_the_value_pointed_at);
	tcase_add_test(group, a_long_value_is_shortened_in_the_message);
	tcase_add_test(group, an_array_is_a_postgresql_array_literal);
	tcase_add_test(group, an_array_of_arrays_is_a_box);
	tcase_add_test(group, a_wrong_element_is_pointed_at);
	tcase_add_test(group, a_list_of_values_is_one_array_parameter);
	tcase_add_test(group, default_bounds_of_the_field_are_used);
	tcase_add_loop_test(group, a_field_has_djangos_column_type, 0, sizeof columns / sizeof *columns);
	tcase_add_test(group, a_type_without_its_options_has_a_column_type_to_cast_to);
	tcase_add_test(group, every_row_of_the_table_is_found_by_its_name);
	tcase_add_test(group, a_foreign_key_takes_the_value_of_its_target);
	return suite_main(suite);
}
