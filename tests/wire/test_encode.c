/* Cells and rows as JSON: every form of field_types.h, and the shapes a layout can have. */
#include <libpq-fe.h>

#include "orm/wire/encode.h"
#include "tests/support/suite.h"

static struct buf out;

static void setup(void)
{
	out = (struct buf){0};
}

static void teardown(void)
{
	buf_release(&out);
}

static void text_is(const char *expected)
{
	buf_add_char(&out, '\0');
	ck_assert_str_eq(out.p, expected);
	buf_clear(&out);
}

static void cell_is(const char *type, const char *text, const char *expected)
{
	encode_cell(field_of_type(type), str_of(text), &out);
	text_is(expected);
}

static void array_is(const char *base_type, const char *text, const char *expected)
{
	struct field array = *field_of_type("ArrayField");

	array.base_field = field_of_type(base_type);
	array.value_field = &array;
	encode_cell(&array, str_of(text), &out);
	text_is(expected);
}

START_TEST(numbers_booleans_and_null_pass_through)
{
	cell_is("IntegerField", "-42", "-42");
	cell_is("BigIntegerField", "9223372036854775807", "9223372036854775807");
	cell_is("BooleanField", "t", "true");
	cell_is("BooleanField", "f", "false");
	cell_is("CharField", NULL, "null");
	cell_is("FloatField", "1e+20", "1e+20");
	cell_is("FloatField", "NaN", "\"NaN\"");
	cell_is("FloatField", "-Infinity", "\"-Infinity\"");
	cell_is("DecimalField", "10.50", "\"10.50\"");
	cell_is("JSONField", "{\"a\": [1]}", "{\"a\": [1]}");
}
END_TEST

START_TEST(strings_are_escaped_and_nothing_else)
{
	cell_is("TextField", "", "\"\"");
	cell_is("TextField", "caf\xC3\xA9 \xF0\x9F\x98\x80 long enough for a wide step",
	        "\"caf\xC3\xA9 \xF0\x9F\x98\x80 long enough for a wide step\"");
	cell_is("TextField", "say \"hi\"\\\n\t\x01 and a long clean tail behind it",
	        "\"say \\\"hi\\\"\\\\\\n\\t\\u0001 and a long clean tail behind it\"");
}
END_TEST

START_TEST(datetimes_are_iso_8601)
{
	cell_is("DateTimeField", "2026-07-02 16:44:20.5+00", "\"2026-07-02T16:44:20.5Z\"");
	cell_is("DateTimeField", "2026-07-02 16:44:20+00", "\"2026-07-02T16:44:20Z\"");
	cell_is("DateTimeField", "2026-07-02 18:44:20+02", "\"2026-07-02T18:44:20+02:00\"");
	cell_is("DateTimeField", "2026-07-02 22:14:20+05:30", "\"2026-07-02T22:14:20+05:30\"");
	cell_is("DateTimeField", "2026-07-02 08:44:20.25-08", "\"2026-07-02T08:44:20.25-08:00\"");
	cell_is("DateTimeField", "2026-07-02 18:44:20", "\"2026-07-02T18:44:20\"");
	cell_is("DateTimeField", "0044-03-15 12:00:00+00 BC", "\"-000043-03-15T12:00:00Z\"");
	cell_is("DateTimeField", "0001-03-15 12:00:00+00 BC", "\"+000000-03-15T12:00:00Z\"");
	cell_is("DateTimeField", "12026-07-02 16:44:20+00", "\"+012026-07-02T16:44:20Z\"");
	cell_is("DateTimeField", "infinity", "\"infinity\"");
	cell_is("DateTimeField", "-infinity", "\"-infinity\"");
	cell_is("DateField", "2026-07-02", "\"2026-07-02\"");
}
END_TEST

START_TEST(durations_have_one_sign)
{
	cell_is("DurationField", "P1DT2H3.5S", "\"P1DT2H3.5S\"");
	cell_is("DurationField", "PT0S", "\"PT0S\"");
	cell_is("DurationField", "PT-1.5S", "\"-PT1.5S\"");
	cell_is("DurationField", "P-1DT1H", "\"-PT23H\"");
	cell_is("DurationField", "P-2D", "\"-P2D\"");
	cell_is("DurationField", "P1DT-1H-0.000001S", "\"PT22H59M59.999999S\"");
	cell_is("DurationField", "P-1DT-2H-3M-4.25S", "\"-P1DT2H3M4.25S\"");
	cell_is("DurationField", "P1DT-24H", "\"PT0S\"");
	cell_is("DurationField", "P1M-2D", "\"P1M-2D\"");
}
END_TEST

START_TEST(bytes_are_base64)
{
	cell_is("BinaryField", "\\x", "\"\"");
	cell_is("BinaryField", "\\x66", "\"Zg==\"");
	cell_is("BinaryField", "\\x666f", "\"Zm8=\"");
	cell_is("BinaryField", "\\x666f6f", "\"Zm9v\"");
	cell_is("BinaryField", "\\xfffefdfc", "\"//79/A==\"");
}
END_TEST

START_TEST(arrays_follow_their_base_field)
{
	array_is("IntegerField", "{}", "[]");
	array_is("IntegerField", "{1,NULL,3}", "[1,null,3]");
	array_is("IntegerField", "{{1,2},{3,4}}", "[[1,2],[3,4]]");
	array_is("IntegerField", "[0:1]={7,8}", "[7,8]");
	array_is("TextField", "{a,\"b,c\",\"NULL\",\"\",\"say \\\"hi\\\" \\\\\"}",
	         "[\"a\",\"b,c\",\"NULL\",\"\",\"say \\\"hi\\\" \\\\\"]");
	array_is("BooleanField", "{t,f}", "[true,false]");
	array_is("DateTimeField", "{\"2026-07-02 16:44:20+00\"}", "[\"2026-07-02T16:44:20Z\"]");
	array_is("DecimalField", "{1.50}", "[\"1.50\"]");
}
END_TEST

START_TEST(hstores_are_objects)
{
	cell_is("HStoreField", "", "{}");
	cell_is("HStoreField", "\"a\"=>\"1\", \"b c\"=>NULL, \"q\\\"\"=>\"x\\\\y\"",
	        "{\"a\":\"1\",\"b c\":null,\"q\\\"\":\"x\\\\y\"}");
}
END_TEST

START_TEST(ranges_are_objects)
{
	cell_is("IntegerRangeField", "[1,10)",
	        "{\"lower\":1,\"upper\":10,\"bounds\":\"[)\",\"empty\":false}");
	cell_is("IntegerRangeField", "(,5]",
	        "{\"lower\":null,\"upper\":5,\"bounds\":\"(]\",\"empty\":false}");
	cell_is("IntegerRangeField", "empty",
	        "{\"lower\":null,\"upper\":null,\"bounds\":null,\"empty\":true}");
	cell_is("DecimalRangeField", "[1.5,2.5]",
	        "{\"lower\":\"1.5\",\"upper\":\"2.5\",\"bounds\":\"[]\",\"empty\":false}");
	cell_is("DateTimeRangeField", "[\"2026-01-01 00:00:00+00\",\"2026-02-01 00:00:00+00\")",
	        "{\"lower\":\"2026-01-01T00:00:00Z\",\"upper\":\"2026-02-01T00:00:00Z\","
	        "\"bounds\":\"[)\",\"empty\":false}");
}
END_TEST

/* ---- rows ---- */

static struct db_rows rows_of(size_t ncolumns, size_t nrows, const char *const *cells)
{
	PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	PGresAttDesc columns[8] = {0};

	for (size_t i = 0; i < ncolumns; i++)
		columns[i].name = (char *)(uintptr_t) "c";
	ck_assert(PQsetResultAttrs(result, (int)ncolumns, columns));
	for (size_t i = 0; i < nrows * ncolumns; i++) {
		char *text = (char *)(uintptr_t)cells[i];

		ck_assert(PQsetvalue(result, (int)(i / ncolumns), (int)(i % ncolumns), text,
		                     text == NULL ? -1 : (int)strlen(text)));
	}
	return (struct db_rows){.result = result, .nrows = nrows, .ncolumns = ncolumns};
}

static struct layout_member column(const char *key, unsigned number, const char *type)
{
	return (struct layout_member){
		.kind = LAYOUT_COLUMN, .key = str_of(key), .column = number, .field = field_of_type(type)};
}

START_TEST(a_joined_row_is_an_object_or_null)
{
	const char *const cells[] = {"1", "7", "Lead", "2", NULL, NULL};
	struct db_rows rows = rows_of(3, 2, cells);
	const struct layout_member role_members[] = {column("\"id\":", 1, "BigAutoField"),
	                                             column("\"name\":", 2, "CharField")};
	const struct layout role = {role_members, 2};
	const struct layout_member members[] = {
		column("\"id\":", 0, "BigAutoField"),
		{.kind = LAYOUT_OBJECT, .key = STR("\"role\":"), .object = &role, .presence_column = 1}};
	const struct layout layout = {members, 2};

	encode_object(&layout, &rows, 0, &out);
	text_is("{\"id\":1,\"role\":{\"id\":7,\"name\":\"Lead\"}}");
	encode_object(&layout, &rows, 1, &out);
	text_is("{\"id\":2,\"role\":null}");
	PQclear(rows.result);
}
END_TEST

START_TEST(rows_have_the_form_of_the_plan)
{
	const char *const cells[] = {"1", "a", "2", "b"};
	const struct layout_member members[] = {column("\"id\":", 0, "BigAutoField"),
	                                        column("\"t\":", 1, "CharField")};
	struct plan plan = {.layout = {members, 2}};
	struct fetched fetched = {.plan = &plan, .rows = rows_of(2, 2, cells)};

	encode_rows(&fetched, &out);
	text_is("{\"id\":1,\"t\":\"a\"},{\"id\":2,\"t\":\"b\"}");
	plan.form = ROW_ARRAY;
	encode_rows(&fetched, &out);
	text_is("[1,\"a\"],[2,\"b\"]");
	plan.form = ROW_SCALAR;
	plan.layout.n = 1;
	encode_rows(&fetched, &out);
	text_is("1,2");
	PQclear(fetched.rows.result);
}
END_TEST

START_TEST(slots_hold_a_list_a_row_or_nothing)
{
	const char *const parents[] = {"1", "2"}, *const children[] = {"10", "11"};
	const struct layout_member id = column("\"id\":", 0, "BigAutoField");
	const struct layout_member members[] = {
		id,
		{.kind = LAYOUT_SLOT, .key = STR("\"votes\":"), .slot = 0},
		{.kind = LAYOUT_SLOT, .key = STR("\"best\":"), .slot = 1},
		{.kind = LAYOUT_SLOT, .key = STR("\"none\":"), .slot = 2}};
	const struct plan child_plan = {.layout = {&id, 1}};
	const struct prefetch_plan prefetches[] = {
		{.plan = &child_plan}, {.plan = &child_plan, .is_single = true}, {.plan = &child_plan}};
	const struct plan plan = {.layout = {members, 4}, .prefetches = prefetches, .nprefetches = 3};
	struct fetched child = {.plan = &child_plan, .rows = rows_of(1, 2, children)};
	const uint32_t first[] = {0, 2}, count[] = {2, 0}, order[] = {1, 0};
	struct fetched_slot slots[] = {
		{&child, first, count, order}, {&child, first, count, order}, {0}};
	struct fetched fetched = {&plan, rows_of(1, 2, parents), slots};

	encode_row(&fetched, 0, &out);
	text_is("{\"id\":1,\"votes\":[{\"id\":11},{\"id\":10}],\"best\":{\"id\":11},\"none\":[]}");
	encode_row(&fetched, 1, &out);
	text_is("{\"id\":2,\"votes\":[],\"best\":null,\"none\":[]}");
	PQclear(fetched.rows.result);
	PQclear(child.rows.result);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tcase = suite_with_case(&suite, "wire/encode");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, numbers_booleans_and_null_pass_through);
	tcase_add_test(tcase, strings_are_escaped_and_nothing_else);
	tcase_add_test(tcase, datetimes_are_iso_8601);
	tcase_add_test(tcase, durations_have_one_sign);
	tcase_add_test(tcase, bytes_are_base64);
	tcase_add_test(tcase, arrays_follow_their_base_field);
	tcase_add_test(tcase, hstores_are_objects);
	tcase_add_test(tcase, ranges_are_objects);
	tcase_add_test(tcase, a_joined_row_is_an_object_or_null);
	tcase_add_test(tcase, rows_have_the_form_of_the_plan);
	tcase_add_test(tcase, slots_hold_a_list_a_row_or_nothing);
	return suite_main(suite);
}
