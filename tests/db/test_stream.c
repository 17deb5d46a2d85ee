/* Streams: every row once, constant memory, back-pressure, left half way, cancelled. */
#include "tests/db/fixture.h"

#include <stdio.h>

static struct db_stream *open_stream(struct client *c, const char *sql)
{
	struct statement *statement = ARENA_NEW(c->arena, struct statement);
	struct db_stream *stream;
	*statement = (struct statement){.sql = str_of(sql)};
	bool is_open = db_stream_open(&c->session, statement, &stream, &c->error);
	ck_assert_msg(is_open, "%.*s", STR_ARG(c->error.detail));
	return stream;
}

static long long count_and_close(struct client *c, struct db_stream *stream)
{
	struct db_rows rows;
	long long n = 0;
	bool in_order = true;
	for (;;) {
		bool is_done = db_stream_next(stream, &rows, &c->error);
		ck_assert_msg(is_done, "%.*s", STR_ARG(c->error.detail));
		if (rows.nrows == 0)
			break;
		for (size_t i = 0; i < rows.nrows; i++)
			in_order &= atoll(db_cell(&rows, i, 0).p) == ++n; /* an assertion a row is slow */
	}
	ck_assert(in_order);
	db_stream_close(stream);
	return n;
}

static void streams_million(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	ck_assert_int_eq(
		count_and_close(&c,
	                    open_stream(&c, "SELECT i, 'row ' || i FROM generate_series(1, 1000) i")),
		1000);
	client_close(&c);
	client_open(&c);
	size_t before = resident_kib();
	struct db_stream *stream = open_stream(
		&c, "SELECT i, 'row ' || i, repeat('x', 100) FROM generate_series(1, 1000000) i");
	ck_assert_int_eq(count_and_close(&c, stream), 1000000);
	size_t after = resident_kib();
#ifndef __SANITIZE_ADDRESS__ /* which keeps what is freed */
	ck_assert_msg(after < before + 4096, "%zu KiB, then %zu KiB", before, after);
#endif
	(void)before;
	(void)after;
	client_close(&c);
}

START_TEST(a_million_rows_cost_no_more_memory_than_a_thousand)
{
	open_db();
	run(streams_million, NULL);
}
END_TEST

static void streams_nothing(void *arg)
{
	struct client c;
	struct db_rows rows;
	(void)arg;
	client_open(&c);
	for (int i = 0; i < 10; i++) {
		struct db_stream *stream = open_stream(&c, "SELECT 1 WHERE false");
		ck_assert(db_stream_next(stream, &rows, &c.error));
		ck_assert_uint_eq(rows.nrows, 0);
		ck_assert(db_stream_next(stream, &rows, &c.error));
		ck_assert_uint_eq(rows.nrows, 0);
		db_stream_close(stream);
	}
	client_close(&c);
}

START_TEST(a_stream_without_rows_ends_at_once)
{
	settings.pool_size = 1;
	open_db();
	run(streams_nothing, NULL);
}
END_TEST

static void leaves_half_way(void *arg)
{
	struct client c;
	struct db_rows rows;
	(void)arg;
	client_open(&c);
	for (int i = 0; i < 20; i++) {
		struct db_stream *stream =
			open_stream(&c, "SELECT generate_series(1, 100000000), repeat('x', 1000)");
		for (int k = 0; k <= i % 3; k++)
			ck_assert(db_stream_next(stream, &rows, &c.error));
		ck_assert_uint_gt(rows.nrows, 0);
		db_stream_close(stream);
		/* The pool has this one connection: it is to be had again soon. */
		uint64_t before = now_ms();
		ck_assert_int_eq(number_of(&c, "SELECT 42"), 42);
		ck_assert_uint_lt(now_ms() - before, 1500);
	}
	ck_assert_int_eq(
		number_of(&c, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%100000000%' "
	                  "AND state = 'active' AND pid <> pg_backend_pid()"),
		0);
	client_close(&c);
}

START_TEST(a_stream_left_half_way_ends_its_query_and_frees_its_connection)
{
	settings.pool_size = 1;
	open_db();
	run(leaves_half_way, NULL);
}
END_TEST

static void opens_only(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	for (int i = 0; i < 20; i++)
		db_stream_close(open_stream(&c, "SELECT i FROM generate_series(1, 1000) i"));
	ck_assert_int_eq(number_of(&c, "SELECT 42"), 42);
	client_close(&c);
}

START_TEST(a_stream_closed_before_its_first_row_frees_its_connection)
{
	settings.pool_size = 1;
	open_db();
	run(opens_only, NULL);
}
END_TEST

static void reads_slowly(void *arg)
{
	struct client c;
	struct db_rows rows;
	(void)arg;
	client_open(&c);
	struct db_stream *stream =
		open_stream(&c, "SELECT generate_series(1, 100000), repeat('x', 10000)");
	ck_assert(db_stream_next(stream, &rows, &c.error));
	size_t before = resident_kib();
	rest(500);
	ck_assert_msg(resident_kib() < before + 1024, "%zu KiB, then %zu KiB", before, resident_kib());
	struct str event = {0};
	struct db_rows waiting;
	ck_assert(read_sql(
		&c,
		"SELECT wait_event FROM pg_stat_activity WHERE query LIKE '%repeat(''x'', 10000)%' "
		"AND pid <> pg_backend_pid() AND datname = current_database()",
		&waiting));
	event = db_cell(&waiting, 0, 0);
	ck_assert(str_is(event, "ClientWrite"));
	db_stream_close(stream);
	client_close(&c);
}

START_TEST(nobody_asks_and_postgresql_waits)
{
	settings.pool_size = 2;
	open_db();
	run(reads_slowly, NULL);
}
END_TEST

static void rests_between(void *arg)
{
	struct client c;
	struct db_rows rows;
	long long n = 0;
	(void)arg;
	client_open(&c);
	struct db_stream *stream =
		open_stream(&c, "SELECT generate_series(1, 30000), repeat('x', 100)");
	for (;;) {
		ck_assert(db_stream_next(stream, &rows, &c.error));
		if (rows.nrows == 0)
			break;
		rest(1);
		for (size_t i = 0; i < rows.nrows; i++)
			n += atoll(db_cell(&rows, i, 0).p) == n + 1;
	}
	ck_assert_int_eq(n, 30000);
	db_stream_close(stream);
	client_close(&c);
}

START_TEST(rows_that_come_while_their_reader_rests_are_not_lost)
{
	open_db();
	run(rests_between, NULL);
}
END_TEST

static void reads_longer_than_a_statement_may_run(void *arg)
{
	struct client c;
	struct db_rows rows;
	long long n = 0;
	int nrests = 0;
	(void)arg;
	client_open(&c);
	struct db_stream *stream = open_stream(&c, "SELECT generate_series(1, 20000), repeat('x', 1000)");
	for (;;) {
		ck_assert_msg(db_stream_next(stream, &rows, &c.error), "%.*s", STR_ARG(c.error.detail));
		if (rows.nrows == 0)
			break;
		/* Longer than a backend may say nothing; behind rows that were read and ones that lay there. */
		if (nrests++ < 3)
			rest(2600);
		for (size_t i = 0; i < rows.nrows; i++)
			n += atoll(db_cell(&rows, i, 0).p) == n + 1;
	}
	ck_assert_int_eq(n, 20000);
	db_stream_close(stream);
	/* What follows on the connection is timed again. */
	struct db_rows none;
	ck_assert(!read_sql(&c, "SELECT pg_sleep(30)", &none));
	ck_assert_int_eq(c.error.kind, ERROR_TIMEOUT);
	client_close(&c);
}

START_TEST(the_time_of_a_slow_reader_is_not_the_statements)
{
	settings.pool_size = 1;
	settings.statement_timeout_ms = 300;
	open_db();
	run(reads_longer_than_a_statement_may_run, NULL);
}
END_TEST

static void waits_for_rows_in_vain(void *arg)
{
	struct client c;
	struct db_rows rows;
	(void)arg;
	client_open(&c);
	struct db_stream *stream = open_stream(&c, "SELECT i, CASE i WHEN 1000 THEN pg_sleep(33)::text END FROM generate_series(1, 1000) i");
	size_t n = 0;
	while (db_stream_next(stream, &rows, &c.error))
		n += rows.nrows;
	ck_assert_uint_gt(n, 800);
	ck_assert_int_eq(c.error.kind, ERROR_TIMEOUT);
	db_stream_close(stream);
	error_clear(&c.error);
	/* The pool's only connection is free again when the query has been cancelled. */
	ck_assert_int_eq(number_of(&c, "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(33)%' "
	                               "AND pid <> pg_backend_pid()"),
	                 0);
	client_close(&c);
}

START_TEST(a_stream_that_waits_too_long_for_rows_is_ended)
{
	settings.pool_size = 1;
	settings.statement_timeout_ms = 300;
	open_db();
	run(waits_for_rows_in_vain, NULL);
}
END_TEST

static void fails_in_the_middle(void *arg)
{
	struct client c;
	struct db_rows rows;
	(void)arg;
	client_open(&c);
	struct db_stream *stream =
		open_stream(&c, "SELECT 1 / (5000 - i) FROM generate_series(1, 10000) i");
	size_t n = 0;
	while (db_stream_next(stream, &rows, &c.error))
		n += rows.nrows;
	ck_assert_uint_eq(n, 4999);
	ck_assert_int_eq(c.error.kind, ERROR_VALUE);
	db_stream_close(stream);
	error_clear(&c.error);
	stream = open_stream(&c, "SELECT i FROM no_such_table");
	ck_assert(!db_stream_next(stream, &rows, &c.error));
	ck_assert_int_eq(c.error.kind, ERROR_UNAVAILABLE);
	db_stream_close(stream);
	error_clear(&c.error);
	ck_assert_int_eq(number_of(&c, "SELECT 42"), 42);
	client_close(&c);
}

START_TEST(an_error_comes_behind_the_rows_before_it)
{
	settings.pool_size = 1;
	open_db();
	run(fails_in_the_middle, NULL);
}
END_TEST

static void streams_stale(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	must(&c, "CREATE TABLE strm AS SELECT i FROM generate_series(1, 100) i");
	for (int i = 0; i < 10; i++) {
		struct db_stream *stream = open_stream(&c, "SELECT i FROM strm ORDER BY i");
		ck_assert_int_eq(count_and_close(&c, stream), 100);
		must(&c,
		     i % 2 ? "ALTER TABLE strm ALTER i TYPE int" : "ALTER TABLE strm ALTER i TYPE bigint");
	}
	client_close(&c);
}

START_TEST(a_stale_statement_is_healed_before_the_first_row)
{
	settings.pool_size = 1;
	open_db();
	run(streams_stale, NULL);
}
END_TEST

static unsigned finished;

static void streams_beside_others(void *arg)
{
	struct client c;
	char sql[100];
	client_open(&c);
	snprintf(sql, sizeof sql, "SELECT i, repeat('y', %d) FROM generate_series(1, 20000) i",
	         (int)(intptr_t)arg);
	struct db_stream *stream = open_stream(&c, sql);
	ck_assert_int_eq(count_and_close(&c, stream), 20000);
	finished++;
	client_close(&c);
}

START_TEST(many_streams_share_the_pool_in_turn)
{
	settings.pool_size = 3;
	settings.acquire_timeout_ms = 50000;
	open_db();
	finished = 0;
	for (intptr_t i = 0; i < 20; i++)
		start(streams_beside_others, (void *)(i * 10));
	run_all();
	ck_assert_uint_eq(finished, 20);
}
END_TEST

static struct client victim;

static void streams_until_cancelled(void *arg)
{
	struct db_rows rows;
	(void)arg;
	client_open(&victim);
	struct db_stream *stream = open_stream(&victim, "SELECT pg_sleep(30)");
	ck_assert(!db_stream_next(stream, &rows, &victim.error));
	ck_assert_int_eq(victim.error.kind, ERROR_UNAVAILABLE);
	db_stream_close(stream);
	client_close(&victim);
}

static void cancels_victim(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	rest(200);
	db_session_cancel(&victim.session);
	uint64_t before = now_ms();
	ck_assert_int_eq(number_of(&c, "SELECT 42"), 42);
	ck_assert_uint_lt(now_ms() - before, 1000);
	client_close(&c);
}

START_TEST(a_stream_whose_client_is_gone_ends)
{
	settings.pool_size = 1;
	open_db();
	start(streams_until_cancelled, NULL);
	start(cancels_victim, NULL);
	run_all();
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "db stream");
	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, a_million_rows_cost_no_more_memory_than_a_thousand);
	tcase_add_test(group, the_time_of_a_slow_reader_is_not_the_statements);
	tcase_add_test(group, a_stream_that_waits_too_long_for_rows_is_ended);
	tcase_add_test(group, a_stream_without_rows_ends_at_once);
	tcase_add_test(group, a_stream_left_half_way_ends_its_query_and_frees_its_connection);
	tcase_add_test(group, a_stream_closed_before_its_first_row_frees_its_connection);
	tcase_add_test(group, nobody_asks_and_postgresql_waits);
	tcase_add_test(group, rows_that_come_while_their_reader_rests_are_not_lost);
	tcase_add_test(group, an_error_comes_behind_the_rows_before_it);
	tcase_add_test(group, a_stale_statement_is_healed_before_the_first_row);
	tcase_add_test(group, many_streams_share_the_pool_in_turn);
	tcase_add_test(group, a_stream_whose_client_is_gone_ends);
	return suite_main(suite);
}
