/* SQL laid out for reading: clauses on lines of their own, quoted text untouched. */
#include "server/sql_text.h"

#include "tests/support/suite.h"

static struct buf out;

static void teardown(void)
{
	buf_release(&out);
}

static void is_laid_out(const char *sql, const char *expected)
{
	struct statement statement = {.sql = str_of(sql)};

	buf_clear(&out);
	sql_text_write(&statement, &out);
	buf_add_char(&out, '\0');
	ck_assert_str_eq(out.p, expected);
}

START_TEST(each_clause_begins_a_line)
{
	is_laid_out("SELECT a FROM b LEFT JOIN c ON c.x = b.x WHERE a = $1 ORDER BY a LIMIT $2",
	            "SELECT a\nFROM b\nLEFT JOIN c ON c.x = b.x\nWHERE a = $1\nORDER BY a\nLIMIT $2");
}
END_TEST

START_TEST(quoted_text_is_left_alone)
{
	is_laid_out("SELECT \"x FROM y\", ' WHERE (' FROM t",
	            "SELECT \"x FROM y\", ' WHERE ('\nFROM t");
	is_laid_out("SELECT 'it''s FROM'", "SELECT 'it''s FROM'");
	is_laid_out("SELECT 'open", "SELECT 'open");
}
END_TEST

START_TEST(a_subquery_is_indented)
{
	is_laid_out(
		"SELECT a FROM b WHERE EXISTS(SELECT 1 FROM c WHERE d) AND e",
		"SELECT a\nFROM b\nWHERE EXISTS(\n    SELECT 1\n    FROM c\n    WHERE d\n  ) AND e");
}
END_TEST

START_TEST(parentheses_of_an_expression_stay_on_their_line)
{
	is_laid_out("SELECT EXTRACT(year FROM d) FROM t WHERE (a OR b)",
	            "SELECT EXTRACT(year FROM d)\nFROM t\nWHERE (a OR b)");
}
END_TEST

START_TEST(a_comparison_that_says_from_stays_whole)
{
	is_laid_out("SELECT a FROM b WHERE c IS NOT DISTINCT FROM d",
	            "SELECT a\nFROM b\nWHERE c IS NOT DISTINCT FROM d");
}
END_TEST

START_TEST(unbalanced_parentheses_do_no_harm)
{
	is_laid_out("a)) FROM (SELECT ", "a))\nFROM (\n    SELECT ");
}
END_TEST

START_TEST(nesting_of_any_depth_is_written)
{
	struct buf sql = {0};

	for (int i = 0; i < 200; i++)
		BUF_LIT(&sql, "(SELECT ");
	for (int i = 0; i < 200; i++)
		BUF_LIT(&sql, ")");
	struct statement statement = {.sql = buf_str(&sql)};
	sql_text_write(&statement, &out);
	ck_assert_uint_ge(out.n, sql.n);
	buf_release(&sql);
}
END_TEST

START_TEST(parameters_follow)
{
	struct param params[] = {{.text = STR("a\"b")}, {.text = {NULL, 0}}};
	struct statement statement = {.sql = STR("SELECT $1, $2"), .params = params, .nparams = 2};

	sql_text_write(&statement, &out);
	buf_add_char(&out, '\0');
	ck_assert_str_eq(out.p, "SELECT $1, $2\n-- $1 = \"a\\\"b\"\n-- $2 = NULL");
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "sql_text");

	tcase_add_checked_fixture(group, NULL, teardown);
	tcase_add_test(group, each_clause_begins_a_line);
	tcase_add_test(group, quoted_text_is_left_alone);
	tcase_add_test(group, a_subquery_is_indented);
	tcase_add_test(group, parentheses_of_an_expression_stay_on_their_line);
	tcase_add_test(group, a_comparison_that_says_from_stays_whole);
	tcase_add_test(group, unbalanced_parentheses_do_no_harm);
	tcase_add_test(group, nesting_of_any_depth_is_written);
	tcase_add_test(group, parameters_follow);
	return suite_main(suite);
}
