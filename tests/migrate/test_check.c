/* migrate_check(): which databases fit the models, and in which words a misfit is named. */
#include "migrate_support.h"

#include "tests/support/suite.h"

#include <stdio.h>

#define NOTE                                                                                       \
	"{'models': {'Note': {'fields': {'title': {'type': 'CharField', 'max_length': 20},"            \
	"'text': {'type': 'TextField', 'null': true},"                                                 \
	"'price': {'type': 'DecimalField', 'max_digits': 8, 'decimal_places': 2},"                     \
	"'at': 'DateTimeField', 'tags': {'type': 'ArrayField', 'base_field':"                          \
	"{'type': 'CharField', 'max_length': 10}}}}}}"

#define COLUMNS                                                                                    \
	"id bigserial PRIMARY KEY, title varchar(20) NOT NULL, text text, price numeric(8,2) NOT "     \
	"NULL, "                                                                                       \
	"at timestamptz NOT NULL, tags varchar(10)[] NOT NULL"

START_TEST(what_a_migration_made_fits)
{
	const struct registry *registry = models(NOTE);
	apply(registry);
	ck_assert_uint_eq(misfits_of(registry), 0);
}
END_TEST

START_TEST(the_examples_fit_after_their_migration)
{
	static const char *const files[] = {"staff", "news", "fleet", "fleet_grants"};
	const char *path = arena_printf(bench.arena, "config/examples/%s.json", files[_i]).p;
	const struct registry *registry = models_of_file(path);
	apply(registry);
	ck_assert_uint_eq(misfits_of(registry), 0);
}
END_TEST

START_TEST(tables_that_somebody_else_made_fit_when_they_hold_the_same)
{
	ask("CREATE TABLE note (" COLUMNS ", extra text, counted int NOT NULL DEFAULT 0)");
	ck_assert_uint_eq(misfits_of(models(NOTE)), 0);
}
END_TEST

START_TEST(a_missing_table_is_named)
{
	ck_assert_uint_eq(misfits_of(models(NOTE)), 1);
	ck_assert(was_reported("note: the table is missing"));
}
END_TEST

static const struct {
	const char *change; /* to a table that fits */
	const char *words;  /* NULL: still fits */
} cases[] = {
	{"DROP COLUMN text", "note.text: the column is missing"},
	{"ALTER title TYPE varchar(19)",
     "note.title: the model needs varchar(20), the database has character varying(19)"},
	{"ALTER title TYPE varchar(200)", NULL},
	{"ALTER title TYPE text", NULL},
	{"ALTER text TYPE varchar", NULL},
	{"ALTER text TYPE varchar(99)",
     "note.text: the model needs text, the database has character varying(99)"},
	{"ALTER title TYPE char(20)", "the database has character(20)"},
	{"ALTER price TYPE numeric", NULL},
	{"ALTER price TYPE numeric(12, 2)", NULL},
	{"ALTER price TYPE numeric(12, 3)",
     "note.price: the model needs numeric(8, 2), the database has numeric(12,3)"},
	{"ALTER price TYPE numeric(7, 2)", "the database has numeric(7,2)"},
	{"ALTER at TYPE timestamp", "the database has timestamp without time zone"},
	{"ALTER id TYPE integer", "note.id: the model needs bigint, the database has integer"},
	{"ALTER tags TYPE text USING 'x'",
     "note.tags: the model needs varchar(10)[], the database has text"},
	{"ALTER tags TYPE varchar(20)[]", NULL},
	{"ALTER tags TYPE text[]", NULL},
	{"ALTER tags TYPE varchar(9)[]",
     "note.tags: the model needs varchar(10)[], the database has character varying(9)[]"},
	{"ALTER tags TYPE integer[] USING NULL", "the database has integer[]"},
	{"ALTER title DROP NOT NULL", "note.title: the database allows NULL, the model does not"},
	{"ALTER text SET NOT NULL", "note.text: the model allows null, the database does not"},
	{"ALTER id DROP DEFAULT", "note.id: the database makes no numbers for it"},
	{"ADD more text NOT NULL DEFAULT ''", NULL},
	{"ADD more text NOT NULL",
     "note.more: needs a value in every row, and Note has no field for it"},
	{"ADD more int GENERATED ALWAYS AS (1) STORED", NULL},
};

START_TEST(a_misfit_is_named_in_one_line)
{
	ask("CREATE TABLE note (" COLUMNS ")");
	ask(arena_printf(bench.arena, "ALTER TABLE note %s", cases[_i].change).p);
	size_t misfits = misfits_of(models(NOTE));
	if (!cases[_i].words) {
		ck_assert_msg(misfits == 0, "%s: %.*s", cases[_i].change, STR_ARG(bench.lines[0]));
		return;
	}
	ck_assert_uint_eq(misfits, 1);
	ck_assert_msg(was_reported(cases[_i].words), "%.*s", STR_ARG(bench.lines[0]));
}
END_TEST

START_TEST(all_misfits_are_named_in_one_run)
{
	ask("CREATE TABLE note (id bigserial PRIMARY KEY, title varchar(5), text text)");
	ck_assert_uint_eq(misfits_of(models(NOTE)), 5);
}
END_TEST

START_TEST(a_domain_counts_as_what_it_stands_for)
{
	ask("CREATE DOMAIN money_amount AS numeric(8,2) NOT NULL DEFAULT 0");
	ask("CREATE TABLE note (" COLUMNS ")");
	ask("ALTER TABLE note DROP price, ADD price money_amount");
	ck_assert_uint_eq(misfits_of(models(NOTE)), 0);
}
END_TEST

START_TEST(a_view_is_a_fit_when_its_columns_are)
{
	ask("CREATE TABLE pile (" COLUMNS ")");
	ask("CREATE VIEW note AS SELECT * FROM pile");
	ck_assert_uint_eq(misfits_of(models(NOTE)), 0);
}
END_TEST

START_TEST(a_type_that_the_database_does_not_know_is_named)
{
	ask("CREATE TABLE bag (id bigserial PRIMARY KEY, things text NOT NULL)");
	ask("DROP EXTENSION IF EXISTS hstore");
	ck_assert_uint_eq(
		misfits_of(models("{'models': {'Bag': {'fields': {'things': 'HStoreField'}}}}")), 1);
	ck_assert(was_reported("bag.things: the database does not know the type hstore"));
}
END_TEST

START_TEST(checking_writes_nothing)
{
	bench.options.conninfo =
		arena_printf(bench.arena, "%s options='-c default_transaction_read_only=on'",
	                 bench.options.conninfo)
			.p;
	ck_assert_uint_eq(misfits_of(models(NOTE)), 1);
	ck_assert_str_eq(ask("SELECT to_regclass('quern_migrations') IS NULL"), "t");
}
END_TEST

START_TEST(a_database_that_is_away_is_an_error_and_no_misfit)
{
	size_t misfits;
	bench.options.conninfo = "host=/nowhere dbname=x";
	ck_assert(!migrate_check(&bench.options, models(NOTE), &misfits, &bench.error));
	ck_assert_int_eq(bench.error.kind, ERROR_UNAVAILABLE);
	ck_assert_uint_eq(misfits, 0);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tcase = suite_with_case(&suite, "migrate check");
	tcase_add_checked_fixture(tcase, bench_setup, bench_teardown);
	tcase_add_test(tcase, what_a_migration_made_fits);
	tcase_add_loop_test(tcase, the_examples_fit_after_their_migration, 0, 4);
	tcase_add_test(tcase, tables_that_somebody_else_made_fit_when_they_hold_the_same);
	tcase_add_test(tcase, a_missing_table_is_named);
	tcase_add_loop_test(tcase, a_misfit_is_named_in_one_line, 0,
	                    (int)(sizeof cases / sizeof *cases));
	tcase_add_test(tcase, all_misfits_are_named_in_one_run);
	tcase_add_test(tcase, a_domain_counts_as_what_it_stands_for);
	tcase_add_test(tcase, a_view_is_a_fit_when_its_columns_are);
	tcase_add_test(tcase, a_type_that_the_database_does_not_know_is_named);
	tcase_add_test(tcase, checking_writes_nothing);
	tcase_add_test(tcase, a_database_that_is_away_is_an_error_and_no_misfit);
	return suite_main(suite);
}
