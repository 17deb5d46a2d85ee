/* JSON to values: what is read, what is refused and in which words, and where a value stands. */
#include "orm/wire/json.h"

#include "tests/support/suite.h"

#include <stdio.h>

static struct arena *arena;
static struct json_limits limits;
static struct error error;

static void setup(void)
{
	arena = arena_new();
	limits = (struct json_limits){.bytes = 1 << 20, .depth = 64, .nodes = 10000};
	error_init(&error, arena);
}

static void teardown(void)
{
	arena_free(arena);
}

static const struct value *read_text(struct str text)
{
	const struct value *value = NULL;
	ck_assert_msg(json_read(arena, text, &limits, &value, &error), "%.*s: %.*s", STR_ARG(text),
	              STR_ARG(error.detail));
	return value;
}

static const char *as_json(const struct value *value)
{
	struct buf out = {0};
	value_write_json(value, &out);
	const char *copy = arena_cstr(arena, buf_str(&out));
	buf_release(&out);
	return copy;
}

START_TEST(every_kind_of_value_is_read)
{
	static const char *const texts[] = {
	    "null", "true", "false", "0", "-7", "9223372036854775807", "-9223372036854775808",
	    "1.5", "\"a\\\"b\"", "[]", "{}", "[1,[2,{\"a\":null}],\"x\"]", "{\"\":1}", "\"\xc3\xa4\"",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		ck_assert_str_eq(as_json(read_text(str_of(texts[i]))), texts[i]);
}
END_TEST

START_TEST(members_keep_the_order_in_which_they_were_written)
{
	const char *text = "{\"z\":1,\"a\":2,\"m\":3,\"b\":4,\"y\":5,\"c\":6,\"x\":7,\"d\":8,\"w\":9}";
	ck_assert_str_eq(as_json(read_text(str_of(text))), text);
}
END_TEST

START_TEST(each_value_knows_its_place)
{
	const struct value *value = read_text(STR(" {\"filter\": {\"and\": [1, {\"a/b\": 2}]}}"));
	const struct value *list = value_get(value_get(value, "filter"), "and");
	const struct value *leaf = &list->list.items[1].object.members[0].value;
	ck_assert_ptr_null(value->pos);
	ck_assert_str_eq(pos_pointer(arena, leaf->pos).p, "/filter/and/1/a~1b");
	ck_assert_str_eq(pos_pointer(arena, list->list.items[0].pos).p, "/filter/and/0");
}
END_TEST

START_TEST(values_outlive_the_text_they_were_read_from)
{
	char text[] = "{\"key\": \"text\"}";
	const struct value *value = read_text(str_of(text));
	memset(text, 'x', sizeof text - 1);
	ck_assert_str_eq(as_json(value), "{\"key\":\"text\"}");
}
END_TEST

struct refusal {
	const char *text, *detail;
};

static const struct refusal refusals[] = {
    {"", "empty: expected a JSON document (line 1, column 1)"},
    {" \n\t ", "empty: expected a JSON document (line 1, column 1)"},
    {"{", "not JSON: the text ends too early (line 1, column 2)"},
    {"[1, 2", "not JSON: the text ends too early (line 1, column 6)"},
    {"\"abc", "not JSON: the text ends too early (line 1, column 5)"},
    {"{\n  \"a\": }", "not JSON: unexpected } (line 2, column 8)"},
    {"{\"a\" 1}", "not JSON: unexpected 1 (line 1, column 6)"},
    {"{a: 1}", "not JSON: unexpected a (line 1, column 2)"},
    {"{'a': 1}", "not JSON: unexpected ' (line 1, column 2)"},
    {"[1,]", "not JSON: unexpected ] (line 1, column 4)"},
    {"nul", "not JSON: unexpected nul (line 1, column 1)"},
    {"NaN", "not JSON: unexpected NaN (line 1, column 1)"},
    {"[\"\xc3\xa4\", x]", "not JSON: unexpected x (line 1, column 7)"},
    {"{} {}", "not JSON: something follows the end of the document (line 1, column 4)"},
    {"{\"a\": 1, \"a\": 2}", "duplicate member \"a\" in one object (line 1, column 10)"},
    {"{\"f\": {\"id\": 1,\n\"id\": 2}}", "duplicate member \"id\" in one object (line 2, column 1)"},
    {"{\"a\": 1, \"\\u0061\": 2}", "duplicate member \"\\u0061\" in one object (line 1, column 10)"},
    {"[1, 9223372036854775808]",
     "an integer outside of -9223372036854775808 to 9223372036854775807: write it as a string "
     "(line 1, column 5)"},
    {"-9223372036854775809",
     "an integer outside of -9223372036854775808 to 9223372036854775807: write it as a string "
     "(line 1, column 1)"},
    {"[1e400]", "a number too large for a double: write it as a string (line 1, column 2)"},
    {"{\"a\": \"x\\u0000y\"}",
     "a string may not hold the NUL character \\u0000 (line 1, column 9)"},
    {"{\"\\u0000\": 1}", "a string may not hold the NUL character \\u0000 (line 1, column 3)"},
    {"\"a\xff\"", "not valid UTF-8 (line 1, column 3)"},
    {"\"\xc0\xaf\"", "not valid UTF-8 (line 1, column 2)"},
    {"\"\xed\xa0\x80\"", "not valid UTF-8 (line 1, column 2)"},
    {"\"\\ud800\"", "not JSON: unexpected \"\\ud800\" (line 1, column 1)"},
    {"\"a\nb\"", "not JSON: unexpected \"a (line 1, column 1)"},
};

START_TEST(what_is_refused_is_told_with_its_place)
{
	const struct refusal *r = &refusals[_i];
	const struct value *value = NULL;
	ck_assert_msg(!json_read(arena, str_of(r->text), &limits, &value, &error), "%s", r->text);
	ck_assert_str_eq(error.detail.p, r->detail);
	ck_assert_int_eq(error.kind, ERROR_BAD_REQUEST);
	ck_assert(error.has_pos && !error.pos);
}
END_TEST

START_TEST(an_escaped_backslash_before_u0000_is_no_nul)
{
	ck_assert_str_eq(as_json(read_text(STR("\"\\\\u0000\""))), "\"\\\\u0000\"");
}
END_TEST

START_TEST(a_nul_byte_is_refused)
{
	const struct value *value = NULL;
	ck_assert(!json_read(arena, STR("[1,\0 2]"), &limits, &value, &error));
	ck_assert_str_eq(error.detail.p, "not JSON: a NUL byte (line 1, column 4)");
}
END_TEST

START_TEST(more_bytes_than_allowed_are_too_large)
{
	const struct value *value = NULL;
	limits.bytes = 4;
	read_text(STR("[12]"));
	ck_assert(!json_read(arena, STR("[123]"), &limits, &value, &error));
	ck_assert_int_eq(error.kind, ERROR_TOO_LARGE);
	ck_assert_str_eq(error.detail.p, "the JSON text has 5 bytes: at most 4 are taken");
}
END_TEST

START_TEST(the_deepest_allowed_nesting_passes_and_one_more_does_not)
{
	const struct value *value = NULL;
	limits.depth = 3;
	read_text(STR("[{\"a\": []}, [[]], [[]]]"));
	ck_assert(!json_read(arena, STR("[{\"a\": [{}]}]"), &limits, &value, &error));
	ck_assert_str_eq(error.detail.p, "nested too deeply: at most 3 levels (line 1, column 9)");
}
END_TEST

START_TEST(brackets_in_strings_are_no_nesting)
{
	limits.depth = 1;
	limits.nodes = 2;
	read_text(STR("[\"[[[[{{{{ \\\" [[\"]"));
}
END_TEST

START_TEST(values_are_counted_and_names_are_not)
{
	const struct value *value = NULL;
	limits.nodes = 5;
	read_text(STR("{\"a\": 1, \"b\" : [true, \"x\"]}"));
	ck_assert(!json_read(arena, STR("[1, 2, 3,\n4, 5]"), &limits, &value, &error));
	ck_assert_str_eq(error.detail.p, "too many values: at most 5 in one document (line 2, column 5)");
}
END_TEST

/* A hostile body costs what the scan costs: nothing is built before the limits are checked. */
START_TEST(a_text_of_a_million_brackets_is_refused_before_anything_is_built)
{
	const struct value *value = NULL;
	size_t n = 1 << 19;
	char *text = malloc(n);
	memset(text, '[', n);
	ck_assert(!json_read(arena, (struct str){text, n}, &limits, &value, &error));
	ck_assert(str_starts(error.detail, STR("nested too deeply")));
	for (size_t i = 0; i < n; i++)
		text[i] = i == 0 ? '[' : i == n - 1 ? ']' : i % 2 ? '0' : ',';
	error_clear(&error);
	ck_assert(!json_read(arena, (struct str){text, n}, &limits, &value, &error));
	ck_assert(str_starts(error.detail, STR("too many values")));
	ck_assert_uint_lt(arena_used(arena), 4096);
	free(text);
}
END_TEST

struct placing {
	const char *path; /* steps separated by spaces; digits are an index */
	unsigned line, column;
};

static const char located[] = "{\n"
                              "\t\"models\": {\n"
                              "\t\t\"\xc3\x84rger\": 1, \"A\\u0062\": {\"x\": [10, {\"y\": \"}]\"}, 30]},\n"
                              "\t\t\"C\": []\n"
                              "\t}\n"
                              "}\n";

static const struct placing placings[] = {
    {"", 1, 1},
    {"models", 2, 2},
    {"models \xc3\x84rger", 3, 3},
    {"models Ab", 3, 15},
    {"models Ab x", 3, 27},
    {"models Ab x 0", 3, 33},
    {"models Ab x 1", 3, 37},
    {"models Ab x 1 y", 3, 38},
    {"models Ab x 2", 3, 50},
    {"models C", 4, 3},
};

static const struct pos *place_of(const char *path)
{
	const struct pos *pos = NULL;
	struct str rest = str_of(path);
	while (rest.p && rest.n > 0) {
		int64_t index;
		struct str part = str_cut(&rest, STR(" "));
		pos = str_to_int(part, &index) ? pos_item(arena, pos, (size_t)index)
		                               : pos_member(arena, pos, part);
	}
	return pos;
}

START_TEST(a_value_is_found_in_its_text)
{
	unsigned line = 0, column = 0;
	const struct placing *p = &placings[_i];
	read_text(str_of(located));
	json_locate(str_of(located), place_of(p->path), &line, &column);
	ck_assert_msg(line == p->line && column == p->column, "%s is at %u:%u", p->path, line, column);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "wire/json");
	json_setup();
	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, every_kind_of_value_is_read);
	tcase_add_test(group, members_keep_the_order_in_which_they_were_written);
	tcase_add_test(group, each_value_knows_its_place);
	tcase_add_test(group, values_outlive_the_text_they_were_read_from);
	tcase_add_loop_test(group, what_is_refused_is_told_with_its_place, 0,
	                    sizeof refusals / sizeof *refusals);
	tcase_add_test(group, an_escaped_backslash_before_u0000_is_no_nul);
	tcase_add_test(group, a_nul_byte_is_refused);
	tcase_add_test(group, more_bytes_than_allowed_are_too_large);
	tcase_add_test(group, the_deepest_allowed_nesting_passes_and_one_more_does_not);
	tcase_add_test(group, brackets_in_strings_are_no_nesting);
	tcase_add_test(group, values_are_counted_and_names_are_not);
	tcase_add_test(group, a_text_of_a_million_brackets_is_refused_before_anything_is_built);
	tcase_add_loop_test(group, a_value_is_found_in_its_text, 0, sizeof placings / sizeof *placings);
	return suite_main(suite);
}
