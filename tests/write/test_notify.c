/* Statements that carry a notice: which are wrapped, that their text depends on their shape alone, and
 * that every parameter stands in it.  What listeners hear is looked at by tests/api/test_notify.py. */
#include "orm/write/notify.h"

#include "orm/sql/writer.h"
#include "orm/write/parts.h"
#include "tests/support/suite.h"
#include "tests/write/models.h"

static const char models[] =
	"{'models': {"
	"'Told': {'fields': {'name': {'type': 'CharField', 'max_length': 10}}, 'Meta': {'notify': true}},"
	"'Pair': {'fields': {'a': 'IntegerField', 'b': 'IntegerField'}, 'Meta': {'primary_key': ['a', 'b'], "
	"         'notify': {'channel': 'pairs'}}},"
	"'Quiet': {'fields': {'name': 'TextField'}}"
	"}}";

static struct arena *arena;
static const struct registry *registry;

static void setup(void)
{
	arena = arena_new();
	registry = models_from(arena, models);
}

static void teardown(void)
{
	arena_free(arena);
}

static struct statement update_of(const char *name, const char *value, bool returns)
{
	const struct model *model = model_named(registry, name);
	struct statement statement;
	struct sql sql;

	sql_init(&sql, arena);
	sql_lit(&sql, "UPDATE ");
	sql_table(&sql, model);
	sql_lit(&sql, " AS t7 SET \"x\" = ");
	sql_param(&sql, arena_str(arena, str_of(value)), 25, (struct str){0});
	if (returns)
		part_returning(&sql, model);
	sql_finish(&sql, 0, &statement);
	return statement;
}

static const struct statement *wrapped(const struct statement *statement)
{
	return notify_statements(arena, statement, 1);
}

static bool holds(const struct statement *statement, const char *words)
{
	return str_find(statement->sql, str_of(words)) >= 0;
}

static void assert_holds(const struct statement *statement, const char *words)
{
	ck_assert_msg(holds(statement, words), "%s\nis not in\n%.*s", words, STR_ARG(statement->sql));
}

START_TEST(a_model_that_does_not_ask_is_sent_as_it_is)
{
	struct statement statement = update_of("Quiet", "v", true);

	ck_assert_ptr_null(statement.told);
	ck_assert_ptr_eq(wrapped(&statement), &statement);
}
END_TEST

START_TEST(only_those_that_are_told_are_changed)
{
	struct statement statements[] = {update_of("Quiet", "v", false), update_of("Told", "v", false)};
	const struct statement *sent = notify_statements(arena, statements, 2);

	ck_assert_ptr_ne(sent, statements);
	ck_assert(str_eq(sent[0].sql, statements[0].sql));
	ck_assert(!str_eq(sent[1].sql, statements[1].sql));
}
END_TEST

START_TEST(a_statement_without_rows_answers_its_count)
{
	struct statement statement = update_of("Told", "v", false);
	const struct statement *sent = wrapped(&statement);

	assert_holds(sent, "WITH quern_w AS (UPDATE \"told\" AS t7 SET \"x\" = $1 RETURNING t7.\"id\" AS quern_k0)");
	assert_holds(sent, " SELECT (SELECT count(*) FROM quern_w), (SELECT count(*) FROM quern_n0)");
}
END_TEST

START_TEST(a_statement_with_rows_answers_them_in_front)
{
	struct statement statement = update_of("Told", "v", true);

	assert_holds(wrapped(&statement), "RETURNING \"id\", \"name\", t7.\"id\" AS quern_k0)");
	assert_holds(wrapped(&statement), " SELECT quern_w.* FROM quern_w WHERE (SELECT count(*) FROM quern_n0) >= 0");
}
END_TEST

START_TEST(keys_of_several_fields_are_arrays)
{
	struct statement statement = update_of("Pair", "v", false);

	assert_holds(wrapped(&statement), "RETURNING t7.\"a\" AS quern_k0, t7.\"b\" AS quern_k1");
	assert_holds(wrapped(&statement), "json_agg(json_build_array(quern_k0, quern_k1))");
}
END_TEST

START_TEST(a_table_without_an_alias_is_named)
{
	const struct model *model = model_named(registry, "Pair");
	struct statement statement;
	struct sql sql;

	sql_init(&sql, arena);
	sql_lit(&sql, "WITH l AS (SELECT 1) DELETE FROM ");
	sql_table(&sql, model);
	sql_lit(&sql, " WHERE true");
	sql_finish(&sql, 0, &statement);
	assert_holds(wrapped(&statement), "WITH l AS (SELECT 1), quern_w AS (DELETE FROM \"pair\" WHERE true "
	                                  "RETURNING \"pair\".\"a\" AS quern_k0");
	assert_holds(wrapped(&statement), "'delete'");
}
END_TEST

START_TEST(an_upsert_tells_of_both)
{
	const struct model *model = model_named(registry, "Told");
	struct statement statement;
	struct sql sql;

	sql_init(&sql, arena);
	sql_lit(&sql, "INSERT INTO ");
	sql_table(&sql, model);
	sql_lit(&sql, " (\"name\") VALUES ('x RETURNING y') ON CONFLICT (\"id\") DO UPDATE SET \"name\" = 'y'");
	sql_finish(&sql, 0, &statement);
	assert_holds(wrapped(&statement), " RETURNING \"told\".\"id\" AS quern_k0, (\"told\".xmax = 0) AS quern_new)");
	assert_holds(wrapped(&statement), "FROM quern_w WHERE NOT quern_new");
	assert_holds(wrapped(&statement), "'create'");
	assert_holds(wrapped(&statement), "'update'");
}
END_TEST

START_TEST(the_text_is_the_shapes_and_every_parameter_stands_in_it)
{
	struct statement one = update_of("Told", "a", true), other = update_of("Told", "'; --", true);
	const struct statement *x = wrapped(&one), *y = wrapped(&other);

	ck_assert(str_eq(x->sql, y->sql));
	ck_assert(!holds(y, "--") && !holds(y, "'quern'"));
	for (size_t i = 1; i <= x->nparams; i++) {
		ck_assert(holds(x, arena_printf(arena, "$%zu", i).p));
	}
	ck_assert(str_is(x->params[0].text, "a") && str_is(x->params[1].text, "quern"));
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tcase = suite_with_case(&suite, "notify");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_model_that_does_not_ask_is_sent_as_it_is);
	tcase_add_test(tcase, only_those_that_are_told_are_changed);
	tcase_add_test(tcase, a_statement_without_rows_answers_its_count);
	tcase_add_test(tcase, a_statement_with_rows_answers_them_in_front);
	tcase_add_test(tcase, keys_of_several_fields_are_arrays);
	tcase_add_test(tcase, a_table_without_an_alias_is_named);
	tcase_add_test(tcase, an_upsert_tells_of_both);
	tcase_add_test(tcase, the_text_is_the_shapes_and_every_parameter_stands_in_it);
	return suite_main(suite);
}
