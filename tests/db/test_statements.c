/* Prepared statements: the cache of a connection by itself, and its healing on a real server. */
#include "orm/db/engine.h"

#include "tests/db/fixture.h"

#include <stdio.h>

static struct statement plain(const char *sql)
{
	return (struct statement){.sql = str_of(sql)};
}

static unsigned number_in(struct statements *statements, const struct statement *statement,
                          bool expect_new)
{
	bool is_new;
	struct prepared *prepared = statements_get(statements, statement, &is_new);
	ck_assert_int_eq(is_new, expect_new);
	return prepared->number;
}

START_TEST(a_statement_is_known_by_its_whole_text_and_its_types)
{
	struct statements statements;
	struct param as_int = {.oid = 23}, as_text = {.oid = 25};
	struct statement a = {.sql = STR("SELECT $1"), .params = &as_int, .nparams = 1};
	struct statement b = {.sql = STR("SELECT $1"), .params = &as_text, .nparams = 1};
	struct statement c = plain("SELECT $1 ");
	statements_init(&statements);
	unsigned na = number_in(&statements, &a, true);
	unsigned nb = number_in(&statements, &b, true);
	unsigned nc = number_in(&statements, &c, true);
	ck_assert_uint_ne(na, nb);
	ck_assert_uint_ne(nb, nc);
	ck_assert_uint_eq(number_in(&statements, &a, false), na);
	ck_assert_uint_eq(number_in(&statements, &b, false), nb);
	statements_release(&statements);
}
END_TEST

START_TEST(the_least_recently_used_goes_first_and_its_name_is_never_used_again)
{
	struct statements statements;
	statements_init(&statements);
	for (int i = 0; i < 1000; i++) {
		char sql[32];
		snprintf(sql, sizeof sql, "SELECT %d", i);
		struct statement s = plain(sql);
		ck_assert_uint_eq(number_in(&statements, &s, true), i);
	}
	struct statement first = plain("SELECT 0"), second = plain("SELECT 1");
	number_in(&statements, &first, false);
	ck_assert(statements_surplus(&statements, 1000) == NULL);
	struct prepared *surplus = statements_surplus(&statements, 999);
	ck_assert_uint_eq(surplus->number, 1);
	statements_drop(&statements, surplus);
	ck_assert_uint_eq(number_in(&statements, &second, true), 1000);
	ck_assert_uint_eq(number_in(&statements, &first, false), 0);
	statements_release(&statements);
}
END_TEST

START_TEST(an_entry_in_flight_outlives_its_place_in_the_cache)
{
	struct statements statements;
	struct statement s = plain("SELECT 1");
	bool is_new;
	statements_init(&statements);
	struct prepared *prepared = statements_get(&statements, &s, &is_new);
	prepared->in_flight = 2;
	statements_drop_all(&statements);
	ck_assert_uint_eq(statements.n, 0);
	ck_assert_str_eq(prepared->sql, "SELECT 1");
	prepared_unref(prepared);
	prepared_unref(prepared);
	statements_release(&statements);
}
END_TEST

static bool is_altering;
static unsigned answered;

static void reads_while_altered(void *arg)
{
	struct client c;
	struct db_rows rows;
	(void)arg;
	client_open(&c);
	while (is_altering) {
		bool is_done = read_sql(&c, "SELECT id, n FROM altered", &rows);
		ck_assert_msg(is_done, "%.*s", STR_ARG(c.error.detail));
		ck_assert(rows.ncolumns == 2 && cell_is(&rows, 0, 0, "1") && cell_is(&rows, 0, 1, "2"));
		answered++;
		arena_reset(c.arena);
		error_init(&c.error, c.arena);
		rest(1);
	}
	client_close(&c);
}

static void alters(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	must(&c, "CREATE TABLE altered (id int, n int)");
	must(&c, "INSERT INTO altered VALUES (1, 2)");
	is_altering = true;
	for (int i = 0; i < 20; i++)
		start(reads_while_altered, NULL);
	for (int i = 0; i < 300; i++) {
		must(&c, i % 2 ? "ALTER TABLE altered ALTER n TYPE int"
		               : "ALTER TABLE altered ALTER n TYPE bigint");
		must(&c, i % 2 ? "ALTER TABLE altered DROP extra" : "ALTER TABLE altered ADD extra int");
	}
	is_altering = false;
	client_close(&c);
}

START_TEST(a_table_altered_in_a_loop_disturbs_no_reader)
{
	struct db_stats stats;
	settings.pool_size = 3;
	open_db();
	answered = 0;
	run(alters, NULL);
	run_all();
	db_stats(db, &stats);
	ck_assert_uint_gt(stats.healed, 10);
	ck_assert_uint_gt(answered, 100);
	ck_assert_uint_eq(stats.losses, 0);
}
END_TEST

static void deallocates(void *arg)
{
	struct client c;
	struct db_rows rows;
	(void)arg;
	client_open(&c);
	must(&c, "CREATE TABLE dealloc (id int)");
	for (int i = 0; i < 100; i++) {
		struct statement insert =
			text_statement(&c, "INSERT INTO dealloc VALUES ($1::int)", 1, "7");
		ck_assert_int_eq(number_of(&c, "SELECT 42"), 42);
		ck_assert(db_query(&c.session, &insert, false, &rows, &c.error));
		must(&c, i % 2 ? "DEALLOCATE ALL" : "DISCARD PLANS");
	}
	ck_assert_int_eq(number_of(&c, "SELECT count(*) FROM dealloc"), 100);
	client_close(&c);
}

START_TEST(statements_that_were_deallocated_are_prepared_again_and_writes_run_once)
{
	settings.pool_size = 1;
	open_db();
	run(deallocates, NULL);
}
END_TEST

static void asks_many_shapes(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	for (int i = 0; i < 500; i++) {
		char sql[64];
		snprintf(sql, sizeof sql, "SELECT %d", i % 90);
		ck_assert_int_eq(number_of(&c, sql), i % 90);
	}
	long long n = number_of(&c, "SELECT count(*) FROM pg_prepared_statements");
	ck_assert_int_le(n, 22);
	ck_assert_int_ge(n, 19);
	client_close(&c);
}

START_TEST(the_server_keeps_no_more_statements_than_the_cache)
{
	settings.pool_size = 1;
	settings.statement_cache = 20;
	open_db();
	run(asks_many_shapes, NULL);
}
END_TEST

static void fails_to_prepare(void *arg)
{
	struct client c;
	struct db_rows rows;
	(void)arg;
	client_open(&c);
	for (int i = 0; i < 30; i++) {
		ck_assert(!read_sql(&c, "SELECT id FROM comes_later", &rows));
		ck_assert_int_eq(c.error.kind, ERROR_UNAVAILABLE);
	}
	must(&c, "CREATE TABLE comes_later (id int)");
	ck_assert(read_sql(&c, "SELECT id FROM comes_later", &rows));
	/* The Parse of the second is skipped by the error of the first. */
	struct statement pair[] = {plain("SELECT 1/0"), plain("SELECT 'second'")};
	struct db_rows both[2];
	error_clear(&c.error);
	ck_assert(!db_run(&c.session, pair, 2, true, both, &c.error));
	ck_assert_int_eq(c.error.kind, ERROR_VALUE);
	ck_assert(read_sql(&c, "SELECT 'second'", &rows));
	ck_assert(cell_is(&rows, 0, 0, "second"));
	struct db_stats stats;
	db_stats(db, &stats);
	ck_assert_uint_eq(stats.healed, 0);
	client_close(&c);
}

START_TEST(what_was_never_prepared_is_not_taken_for_prepared)
{
	settings.pool_size = 1;
	open_db();
	run(fails_to_prepare, NULL);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *cache = suite_with_case(&suite, "db statements");
	tcase_add_test(cache, a_statement_is_known_by_its_whole_text_and_its_types);
	tcase_add_test(cache, the_least_recently_used_goes_first_and_its_name_is_never_used_again);
	tcase_add_test(cache, an_entry_in_flight_outlives_its_place_in_the_cache);
	TCase *server = tcase_create("server");
	suite_add_tcase(suite, server);
	tcase_add_checked_fixture(server, setup, teardown);
	tcase_add_test(server, a_table_altered_in_a_loop_disturbs_no_reader);
	tcase_add_test(server, statements_that_were_deallocated_are_prepared_again_and_writes_run_once);
	tcase_add_test(server, the_server_keeps_no_more_statements_than_the_cache);
	tcase_add_test(server, what_was_never_prepared_is_not_taken_for_prepared);
	return suite_main(suite);
}
