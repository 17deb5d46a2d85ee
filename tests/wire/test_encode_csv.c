/* Rows as lines of CSV and NDJSON; what the reader of CSV makes of them is what was written. */
#include "orm/wire/csv.h"
#include "orm/wire/encode_csv.h"
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

static struct layout_member column(const char *name, unsigned number, const struct field *field)
{
	return (struct layout_member){
		.kind = LAYOUT_COLUMN, .name = str_of(name), .key = STR("\"k\":"), .column = number, .field = field};
}

static void row_is(const struct plan *plan, const struct str *cells, size_t n, const char *expected)
{
	struct fetched fetched = {.plan = plan, .rows = {.cells = cells, .nrows = 1, .ncolumns = n}};

	encode_csv_row(&fetched, 0, &out);
	text_is(expected);
}

static void cell_of_is(const struct field *field, const char *text, const char *expected)
{
	const struct layout_member member = column("a", 0, field);
	const struct plan plan = {.layout = {&member, 1}};
	const struct str cell = text ? str_of(text) : (struct str){0};

	row_is(&plan, &cell, 1, expected);
}

static void cell_is(const char *type, const char *text, const char *expected)
{
	cell_of_is(field_of_type(type), text, expected);
}

START_TEST(text_is_quoted_where_it_must_be_and_nowhere_else)
{
	cell_is("TextField", "plain", "plain\n");
	cell_is("TextField", "long and plain; a tab\there, an apostrophe'", "\"long and plain; a tab\there, an apostrophe'\"\n");
	cell_is("TextField", "long and plain; a tab\there and an apostrophe'", "long and plain; a tab\there and an apostrophe'\n");
	cell_is("TextField", "a,b", "\"a,b\"\n");
	cell_is("TextField", "say \"hi\"", "\"say \"\"hi\"\"\"\n");
	cell_is("TextField", "\"", "\"\"\"\"\n");
	cell_is("TextField", "two\nlines", "\"two\nlines\"\n");
	cell_is("TextField", "eight characters and then\r", "\"eight characters and then\r\"\n");
	cell_is("TextField", "=1+1", "=1+1\n");
	cell_is("TextField", " blanks ", " blanks \n");
	cell_is("TextField", "NULL", "NULL\n");
	cell_is("TextField", "\\.", "\\.\n");
}
END_TEST

START_TEST(null_is_empty_and_the_empty_text_is_in_quotes)
{
	cell_is("TextField", NULL, "\n");
	cell_is("TextField", "", "\"\"\n");
	cell_is("BinaryField", "\\x", "\"\"\n");
	cell_is("IntegerField", NULL, "\n");
	cell_is("JSONField", "null", "null\n");
	cell_is("JSONField", NULL, "\n");
}
END_TEST

START_TEST(single_values_are_those_of_json_without_quotes)
{
	cell_is("IntegerField", "-7", "-7\n");
	cell_is("FloatField", "NaN", "NaN\n");
	cell_is("FloatField", "-Infinity", "-Infinity\n");
	cell_is("DecimalField", "1.50", "1.50\n");
	cell_is("BooleanField", "t", "true\n");
	cell_is("BooleanField", "f", "false\n");
	cell_is("DateField", "2026-01-02", "2026-01-02\n");
	cell_is("DateTimeField", "2026-07-02 16:44:20.5+00", "2026-07-02T16:44:20.5Z\n");
	cell_is("DateTimeField", "infinity", "infinity\n");
	cell_is("DurationField", "P-1DT1H", "-PT23H\n");
	cell_is("BinaryField", "\\x00ff", "AP8=\n");
}
END_TEST

START_TEST(what_holds_several_values_is_its_json)
{
	struct field array = *field_of_type("ArrayField");

	array.base_field = field_of_type("TextField");
	array.value_field = &array;
	cell_of_is(&array, "{a,\"b \\\"c\\\"\"}", "\"[\"\"a\"\",\"\"b \\\"\"c\\\"\"\"\"]\"\n");
	cell_of_is(&array, "{}", "[]\n");
	cell_is("JSONField", "{\"a\": [1, 2]}", "\"{\"\"a\"\": [1, 2]}\"\n");
	cell_is("JSONField", "5", "5\n");
	cell_is("HStoreField", "\"a\"=>\"1\"", "\"{\"\"a\"\":\"\"1\"\"}\"\n");
	cell_is("IntegerRangeField", "[1,5)",
	        "\"{\"\"lower\"\":1,\"\"upper\"\":5,\"\"bounds\"\":\"\"[)\"\",\"\"empty\"\":false}\"\n");
}
END_TEST

START_TEST(joined_rows_are_columns_to_any_depth)
{
	const struct field *text = field_of_type("TextField"), *id = field_of_type("BigAutoField");
	const struct layout_member country_members[] = {column("id", 3, id), column("na,me", 4, text)};
	const struct layout country = {country_members, 2};
	const struct layout_member maker_members[] = {
		column("id", 1, id), column("name", 2, text),
		{.kind = LAYOUT_OBJECT, .name = STR("country"), .object = &country, .presence_column = 3}};
	const struct layout maker = {maker_members, 3};
	const struct layout_member members[] = {
		column("id", 0, id), {.kind = LAYOUT_OBJECT, .name = STR("maker"), .object = &maker, .presence_column = 1},
		column("note", 5, text)};
	const struct plan plan = {.layout = {members, 3}};
	struct str cells[] = {STR("1"), STR("2"), STR("M"), STR("3"), STR("N"), STR("x")};

	encode_csv_header(&plan.layout, &out);
	text_is("id,maker__id,maker__name,maker__country__id,\"maker__country__na,me\",note\n");
	row_is(&plan, cells, 6, "1,2,M,3,N,x\n");
	cells[3] = cells[4] = (struct str){0};
	row_is(&plan, cells, 6, "1,2,M,,,x\n");
	cells[1] = cells[2] = (struct str){0};
	row_is(&plan, cells, 6, "1,,,,,x\n");
}
END_TEST

START_TEST(prefetched_rows_are_json_in_one_column)
{
	const struct layout_member id = column("id", 0, field_of_type("BigAutoField"));
	const struct layout_member members[] = {id, {.kind = LAYOUT_SLOT, .name = STR("votes"), .slot = 0},
	                                        {.kind = LAYOUT_SLOT, .name = STR("best"), .slot = 1}};
	const struct plan child_plan = {.layout = {&id, 1}};
	const struct prefetch_plan prefetches[] = {{.plan = &child_plan}, {.plan = &child_plan, .is_single = true}};
	const struct plan plan = {.layout = {members, 3}, .prefetches = prefetches, .nprefetches = 2};
	const struct str children[] = {STR("10"), STR("11")}, parents[] = {STR("1"), STR("2")};
	struct fetched child = {.plan = &child_plan, .rows = {.cells = children, .nrows = 2, .ncolumns = 1}};
	const uint32_t first[] = {0, 2}, count[] = {2, 0}, order[] = {0, 1};
	struct fetched_slot slots[] = {{&child, first, count, order}, {&child, first, count, order}};
	struct fetched fetched = {&plan, {.cells = parents, .nrows = 2, .ncolumns = 1}, slots};

	encode_csv_row(&fetched, 0, &out);
	text_is("1,\"[{\"\"k\"\":10},{\"\"k\"\":11}]\",\"{\"\"k\"\":10}\"\n");
	encode_csv_row(&fetched, 1, &out);
	text_is("2,[],\n");
}
END_TEST

START_TEST(a_line_of_ndjson_has_no_line_ends_inside)
{
	const struct layout_member members[] = {column("a", 0, field_of_type("JSONField")),
	                                        column("b", 1, field_of_type("TextField"))};
	struct plan plan = {.layout = {members, 2}};
	const struct str cells[] = {STR("[1,\n 2]"), STR("x\ny")};
	const struct fetched fetched = {.plan = &plan, .rows = {.cells = cells, .nrows = 1, .ncolumns = 2}};

	encode_ndjson_row(&fetched, 0, &out);
	text_is("{\"k\":[1,  2],\"k\":\"x\\ny\"}\n");
	plan.form = ROW_ARRAY;
	encode_ndjson_row(&fetched, 0, &out);
	text_is("[[1,  2],\"x\\ny\"]\n");
}
END_TEST

/* ---- there and back ---- */

static unsigned random_below(unsigned n)
{
	static unsigned seed = 1;

	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

#define COLUMNS 4

static void fill(char text[static 40], struct str *cell)
{
	static const char characters[] = "\"\",,\n\r ab\\;'\t\xC3\xA9";
	size_t n = random_below(4) ? random_below(12) : random_below(39);

	*cell = (struct str){text, 0};
	if (random_below(6) == 0) {
		cell->p = NULL;
		return;
	}
	while (cell->n < n) {
		char c = characters[random_below(sizeof characters - 1)];

		if (c == '\xC3' || c == '\xA9') {
			if (n - cell->n < 2)
				break;
			text[cell->n++] = '\xC3';
			c = '\xA9';
		}
		text[cell->n++] = c;
	}
}

START_TEST(the_reader_of_csv_gives_the_cells_again)
{
	struct layout_member members[COLUMNS];
	const struct plan plan = {.layout = {members, COLUMNS}};

	for (unsigned i = 0; i < COLUMNS; i++)
		members[i] = column("a", i, field_of_type("TextField"));
	for (unsigned round = 0; round < 20000; round++) {
		char texts[COLUMNS][40];
		struct str cells[COLUMNS];
		struct fetched fetched = {.plan = &plan, .rows = {.cells = cells, .nrows = 1, .ncolumns = COLUMNS}};
		struct csv csv;

		for (unsigned i = 0; i < COLUMNS; i++)
			fill(texts[i], &cells[i]);
		buf_clear(&out);
		encode_csv_row(&fetched, 0, &out);
		struct str chunk = buf_str(&out);

		csv_init(&csv, ',', 1 << 20);
		ck_assert_int_eq(csv_next(&csv, &chunk), CSV_ROW);
		ck_assert_uint_eq(csv.ncells, COLUMNS);
		for (unsigned i = 0; i < COLUMNS; i++) {
			struct str back = csv_cell(&csv, i);

			ck_assert((back.p == NULL) == (cells[i].p == NULL));
			ck_assert(cells[i].p == NULL || str_eq(back, cells[i]));
		}
		ck_assert_uint_eq(chunk.n, 0);
		csv_release(&csv);
	}
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tcase = suite_with_case(&suite, "wire/encode_csv");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, text_is_quoted_where_it_must_be_and_nowhere_else);
	tcase_add_test(tcase, null_is_empty_and_the_empty_text_is_in_quotes);
	tcase_add_test(tcase, single_values_are_those_of_json_without_quotes);
	tcase_add_test(tcase, what_holds_several_values_is_its_json);
	tcase_add_test(tcase, joined_rows_are_columns_to_any_depth);
	tcase_add_test(tcase, prefetched_rows_are_json_in_one_column);
	tcase_add_test(tcase, a_line_of_ndjson_has_no_line_ends_inside);
	tcase_add_test(tcase, the_reader_of_csv_gives_the_cells_again);
	return suite_main(suite);
}
