/* EXPLAIN before a statement: options choose constants, nothing of a client becomes text. */
#include "orm/sql/explain.h"
#include "orm/wire/json.h"
#include "tests/support/suite.h"

static struct arena *arena;
static struct error error;
static struct param params[1];
static const struct statement statement = {
	.sql = STR_INIT("SELECT 1 WHERE $1"), .params = params, .nparams = 1, .ncolumns = 7};

static void setup(void)
{
	arena = arena_new();
	error_init(&error, arena);
}

static void teardown(void)
{
	arena_free(arena);
}

static const struct value *json(const char *text)
{
	static const struct json_limits limits = {1000, 10, 100};
	const struct value *value;

	ck_assert(json_read(arena, str_of(text), &limits, &value, &error));
	return value;
}

static void explained_is(const char *options, const char *expected)
{
	struct statement out;
	enum explain_format format;

	ck_assert(explain_statement(arena, &statement, json(options), &out, &format, &error));
	ck_assert_str_eq(arena_cstr(arena, out.sql), expected);
	ck_assert_uint_eq(out.nparams, 1);
	ck_assert_uint_eq(out.ncolumns, 1);
}

static void refused(const char *options, const char *pointer)
{
	struct statement out;
	enum explain_format format;

	ck_assert(!explain_statement(arena, &statement, json(options), &out, &format, &error));
	ck_assert_int_eq(error.kind, ERROR_VALUE);
	ck_assert_str_eq(pos_pointer(arena, error.pos).p, pointer);
	error_clear(&error);
}

START_TEST(options_choose_constants)
{
	explained_is("{}", "EXPLAIN (FORMAT TEXT) SELECT 1 WHERE $1");
	explained_is("{\"format\": \"JSON\", \"analyze\": true, \"timing\": false, \"costs\": false}",
	             "EXPLAIN (FORMAT JSON, ANALYZE, COSTS FALSE, TIMING FALSE) SELECT 1 WHERE $1");
	explained_is("{\"filter\": {}, \"buffers\": true, \"verbose\": false}",
	             "EXPLAIN (FORMAT TEXT, BUFFERS) SELECT 1 WHERE $1");
}
END_TEST

START_TEST(wrong_options_are_pointed_at)
{
	refused("{\"format\": \"html\"}", "/format");
	refused("{\"format\": 1}", "/format");
	refused("{\"analyze\": \"yes\"}", "/analyze");
	refused("{\"timing\": true}", "/timing");
	refused("{\"wal\": true, \"analyze\": false}", "/wal");
}
END_TEST

START_TEST(the_form_for_estimates_is_json)
{
	struct statement out;

	explain_as_json(arena, &statement, &out);
	ck_assert_str_eq(arena_cstr(arena, out.sql), "EXPLAIN (FORMAT JSON) SELECT 1 WHERE $1");
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tcase = suite_with_case(&suite, "sql/explain");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, options_choose_constants);
	tcase_add_test(tcase, wrong_options_are_pointed_at);
	tcase_add_test(tcase, the_form_for_estimates_is_json);
	return suite_main(suite);
}
