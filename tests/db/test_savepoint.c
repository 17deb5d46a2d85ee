/* Savepoints, streams within a transaction, constraints judged before its end, pauses. */
#include "tests/db/fixture.h"

#include <stdio.h>

static struct db_tx *begin(struct client *c)
{
	struct db_tx *tx;
	ck_assert(db_begin(&c->session, DB_READ_COMMITTED, &tx, &c->error));
	return tx;
}

static void insert(struct client *c, int id)
{
	char sql[64];
	snprintf(sql, sizeof sql, "INSERT INTO kept VALUES (%d)", id);
	must(c, sql);
}

static void ends(struct client *c, struct db_tx *tx)
{
	bool is_done = db_commit(tx, &c->error);
	ck_assert_msg(is_done, "%.*s", STR_ARG(c->error.detail));
}

static bool kept_is(struct client *c, const char *ids)
{
	struct db_rows rows;
	ck_assert(
		read_sql(c, "SELECT coalesce(string_agg(id::text, ' ' ORDER BY id), '') FROM kept", &rows));
	bool is_same = cell_is(&rows, 0, 0, ids);
	if (!is_same)
		printf("kept: %s\n", db_cell(&rows, 0, 0).p);
	return is_same;
}

static void makes_kept(struct client *c)
{
	must(c, "DROP TABLE IF EXISTS kept");
	must(c, "CREATE TABLE kept (id int PRIMARY KEY)");
}

static void keeps_part(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	makes_kept(&c);
	struct db_tx *tx = begin(&c);
	insert(&c, 1);
	db_savepoint(tx);
	insert(&c, 2);
	db_rollback_to(tx);
	db_savepoint(tx);
	insert(&c, 3);
	db_release(tx);
	insert(&c, 4);
	ends(&c, tx);
	ck_assert(kept_is(&c, "1 3 4"));
	client_close(&c);
}

START_TEST(what_was_done_since_a_savepoint_is_undone_alone)
{
	settings.pool_size = 1;
	open_db();
	run(keeps_part, NULL);
}
END_TEST

static void goes_on_after_error(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	makes_kept(&c);
	struct db_tx *tx = begin(&c);
	/* The savepoint goes out with BEGIN, in the very segment that fails. */
	db_savepoint(tx);
	ck_assert(!write_sql(&c, "SELECT 1/0", NULL));
	db_rollback_to(tx);
	insert(&c, 1);
	db_savepoint(tx);
	ck_assert(!write_sql(&c, "INSERT INTO kept VALUES (1)", NULL));
	ck_assert_int_eq(c.error.kind, ERROR_INTEGRITY);
	/* Everything fails until it is undone. */
	ck_assert(!write_sql(&c, "SELECT 1", NULL));
	db_rollback_to(tx);
	insert(&c, 2);
	/* Undone as the last thing, with the COMMIT. */
	db_savepoint(tx);
	ck_assert(!write_sql(&c, "INSERT INTO kept VALUES (3), (1)", NULL));
	db_rollback_to(tx);
	error_clear(&c.error);
	ends(&c, tx);
	ck_assert(kept_is(&c, "1 2"));
	client_close(&c);
}

START_TEST(a_transaction_goes_on_after_an_error_that_is_rolled_back_to_its_savepoint)
{
	settings.pool_size = 1;
	open_db();
	run(goes_on_after_error, NULL);
}
END_TEST

static void nests(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	makes_kept(&c);
	struct db_tx *tx = begin(&c);
	for (int i = 0; i < DB_SAVEPOINTS; i++) {
		db_savepoint(tx);
		insert(&c, i);
	}
	/* The innermost four are undone, the next two kept, the outermost two undone: all of it. */
	for (int i = 0; i < 4; i++)
		db_rollback_to(tx);
	ck_assert(kept_is(&c, "0 1 2 3"));
	for (int i = 0; i < 2; i++)
		db_release(tx);
	ck_assert(kept_is(&c, "0 1 2 3"));
	db_rollback_to(tx);
	ck_assert(kept_is(&c, "0"));
	db_rollback_to(tx);
	ck_assert(kept_is(&c, ""));
	insert(&c, 9);
	ends(&c, tx);
	ck_assert(kept_is(&c, "9"));
	/* As many begun and ended as there are, with nothing between them. */
	tx = begin(&c);
	insert(&c, 10);
	for (int turn = 0; turn < 100; turn++) {
		for (int i = 0; i < DB_SAVEPOINTS; i++)
			db_savepoint(tx);
		for (int i = 0; i < DB_SAVEPOINTS; i++)
			(i + turn) % 2 ? db_release(tx) : db_rollback_to(tx);
	}
	ends(&c, tx);
	ck_assert(kept_is(&c, "9 10"));
	client_close(&c);
}

START_TEST(savepoints_nest)
{
	settings.pool_size = 1;
	open_db();
	run(nests, NULL);
}
END_TEST

static uint64_t segments_of(struct client *c, bool with_savepoints)
{
	struct db_stats before, after;
	struct db_tx *tx = begin(c);
	db_stats(db, &before);
	uint64_t began = c->session.usage.statements;
	for (int i = 0; i < 50; i++) {
		if (with_savepoints)
			db_savepoint(tx);
		must(c, "SELECT 1");
		if (with_savepoints)
			db_release(tx);
	}
	db_stats(db, &after);
	ck_assert_uint_eq(after.statements - before.statements, 50);
	ck_assert_uint_eq(c->session.usage.statements - began, 50);
	ends(c, tx);
	return after.statements - before.statements;
}

static void counts(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	ck_assert_uint_eq(segments_of(&c, true), segments_of(&c, false));
	client_close(&c);
}

START_TEST(a_savepoint_is_no_statement_of_its_own)
{
	settings.pool_size = 1;
	open_db();
	run(counts, NULL);
}
END_TEST

static void checks(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	must(&c, "CREATE TABLE late (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)");
	struct db_tx *tx = begin(&c);
	ck_assert(db_check_constraints(tx, &c.error));
	must(&c, "INSERT INTO late VALUES (1)");
	ck_assert(db_check_constraints(tx, &c.error));
	/* Still deferred afterwards: broken and mended. */
	must(&c, "INSERT INTO late VALUES (1)");
	must(&c, "UPDATE late SET id = 2 WHERE ctid = (SELECT max(ctid) FROM late)");
	ck_assert(db_check_constraints(tx, &c.error));
	must(&c, "INSERT INTO late VALUES (2)");
	ck_assert(!db_check_constraints(tx, &c.error));
	ck_assert_int_eq(c.error.kind, ERROR_INTEGRITY);
	ck_assert(str_is(c.error.constraint, "late_pkey"));
	error_clear(&c.error);
	/* Not to be seen but by its answer: the row is there and may be mended. */
	must(&c, "DELETE FROM late WHERE ctid = (SELECT max(ctid) FROM late WHERE id = 2)");
	ends(&c, tx);
	ck_assert_int_eq(number_of(&c, "SELECT count(*) FROM late"), 2);
	/* What is judged with each statement is judged so behind it, too. */
	must(&c, "CREATE TABLE now (id int PRIMARY KEY DEFERRABLE INITIALLY IMMEDIATE)");
	tx = begin(&c);
	must(&c, "INSERT INTO now VALUES (1)");
	ck_assert(db_check_constraints(tx, &c.error));
	ck_assert(!write_sql(&c, "INSERT INTO now VALUES (1)", NULL));
	ck_assert_int_eq(c.error.kind, ERROR_INTEGRITY);
	db_rollback(tx);
	error_clear(&c.error);
	client_close(&c);
}

START_TEST(deferred_constraints_can_be_judged_before_the_end)
{
	settings.pool_size = 1;
	open_db();
	run(checks, NULL);
}
END_TEST

/* -- streams in a transaction ------------------------------------------------------ */

static struct db_stream *open_stream(struct client *c, const char *sql)
{
	struct statement *statement = ARENA_NEW(c->arena, struct statement);
	struct db_stream *stream;
	*statement = (struct statement){.sql = str_of(sql)};
	bool is_open = db_stream_open(&c->session, statement, &stream, &c->error);
	ck_assert_msg(is_open, "%.*s", STR_ARG(c->error.detail));
	return stream;
}

/* Reads some; the rows are numbers from *n + 1 on.  False at the end. */
static bool reads_on(struct client *c, struct db_stream *stream, long long *n)
{
	struct db_rows rows;
	bool is_done = db_stream_next(stream, &rows, &c->error);
	ck_assert_msg(is_done, "%.*s", STR_ARG(c->error.detail));
	bool in_order = true;
	for (size_t i = 0; i < rows.nrows; i++)
		in_order &= atoll(db_cell(&rows, i, 0).p) == ++*n;
	ck_assert(in_order);
	return rows.nrows > 0;
}

static void streams_own_writes(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	must(&c, "CREATE TABLE many (id int PRIMARY KEY)");
	static const int sizes[] = {0, 1, 63, 64, 65, 1000, 20000};
	struct db_tx *tx = begin(&c);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		char sql[128];
		long long n = 0;
		must(&c, "DELETE FROM many");
		snprintf(sql, sizeof sql, "INSERT INTO many SELECT generate_series(1, %d)", sizes[i]);
		must(&c, sql);
		unsigned before = c.session.usage.statements;
		struct db_stream *stream = open_stream(&c, "SELECT id FROM many ORDER BY id");
		while (reads_on(&c, stream, &n))
			;
		ck_assert(!reads_on(&c, stream, &n));
		db_stream_close(stream);
		ck_assert_int_eq(n, sizes[i]);
		ck_assert_uint_eq(c.session.usage.statements - before, 1);
	}
	db_rollback(tx);
	ck_assert_int_eq(number_of(&c, "SELECT count(*) FROM many"), 0);
	client_close(&c);
}

START_TEST(a_stream_in_a_transaction_sees_what_the_transaction_wrote)
{
	settings.pool_size = 1;
	open_db();
	run(streams_own_writes, NULL);
}
END_TEST

static void streams_together(void *arg)
{
	struct client c;
	struct db_stream *streams[5];
	long long n[5] = {0};
	(void)arg;
	client_open(&c);
	struct db_tx *tx = begin(&c);
	for (int i = 0; i < 5; i++)
		streams[i] = open_stream(&c, "SELECT generate_series(1, 5000)");
	for (bool goes_on = true; goes_on;) {
		goes_on = false;
		for (int i = 0; i < 5; i++) {
			goes_on |= reads_on(&c, streams[i], &n[i]);
			ck_assert_int_eq(number_of(&c, "SELECT 7"), 7);
		}
	}
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(n[i], 5000);
		db_stream_close(streams[(i * 2) % 5]);
	}
	/* Their names are free again. */
	for (int i = 0; i < 100; i++) {
		n[0] = 0;
		struct db_stream *stream = open_stream(&c, "SELECT generate_series(1, 500)");
		reads_on(&c, stream, &n[0]);
		db_stream_close(stream);
	}
	ends(&c, tx);
	client_close(&c);
}

START_TEST(several_streams_and_other_statements_share_a_transaction)
{
	settings.pool_size = 1;
	open_db();
	run(streams_together, NULL);
}
END_TEST

static void streams_error(void *arg)
{
	struct client c;
	struct db_rows rows;
	(void)arg;
	client_open(&c);
	makes_kept(&c);
	struct db_tx *tx = begin(&c);
	insert(&c, 1);
	db_savepoint(tx);
	struct db_stream *stream =
		open_stream(&c, "SELECT 1000 / (300 - i) FROM generate_series(1, 600) i");
	bool is_good = true;
	for (int i = 0; is_good && i < 600; i++)
		is_good = db_stream_next(stream, &rows, &c.error);
	ck_assert(!is_good);
	ck_assert_int_eq(c.error.kind, ERROR_VALUE);
	db_stream_close(stream);
	db_rollback_to(tx);
	error_clear(&c.error);
	db_savepoint(tx);
	struct statement wrong = {.sql = STR_INIT("SELECT 1/0")};
	ck_assert(!db_stream_open(&c.session, &wrong, &stream, &c.error));
	db_rollback_to(tx);
	error_clear(&c.error);
	long long n = 0;
	stream = open_stream(&c, "SELECT 1");
	ck_assert(reads_on(&c, stream, &n));
	db_stream_close(stream);
	ends(&c, tx);
	ck_assert(kept_is(&c, "1"));
	client_close(&c);
}

START_TEST(a_stream_that_fails_is_undone_with_its_savepoint)
{
	settings.pool_size = 1;
	open_db();
	run(streams_error, NULL);
}
END_TEST

static void streams_wide(void *arg)
{
	struct client c;
	struct db_rows rows;
	size_t total = 0, most = 0;
	(void)arg;
	client_open(&c);
	struct db_tx *tx = begin(&c);
	size_t before = resident_kib();
	struct db_stream *stream =
		open_stream(&c, "SELECT repeat('x', 100000) FROM generate_series(1, 3000)");
	do {
		ck_assert(db_stream_next(stream, &rows, &c.error));
		total += rows.nrows;
		if (total > 64)
			most = rows.nrows > most ? rows.nrows : most;
	} while (rows.nrows > 0);
	db_stream_close(stream);
	ck_assert_uint_eq(total, 3000);
	ck_assert_uint_le(most, 2);
	size_t after = resident_kib();
#ifndef __SANITIZE_ADDRESS__ /* which keeps what is freed */
	ck_assert_msg(after < before + 32768, "%zu KiB, then %zu KiB", before, after);
#endif
	(void)before;
	(void)after;
	ends(&c, tx);
	client_close(&c);
}

START_TEST(a_stream_of_wide_rows_in_a_transaction_takes_few_at_a_time)
{
	settings.pool_size = 1;
	open_db();
	run(streams_wide, NULL);
}
END_TEST

/* -- pauses ------------------------------------------------------------------------- */

static struct client pausing;

static void pauses(void *arg)
{
	(void)arg;
	uint64_t before = now_ms(), turn = loop_now(loop);
	client_open(&pausing);
	ck_assert(db_pause(&pausing.session, 50000000, &pausing.error));
	ck_assert_uint_ge(loop_now(loop) - turn, 50000000);
	ck_assert(!db_pause(&pausing.session, 50000000000, &pausing.error));
	ck_assert_int_eq(pausing.error.kind, ERROR_UNAVAILABLE);
	ck_assert_uint_lt(now_ms() - before, 2000);
	error_clear(&pausing.error);
	ck_assert(!db_pause(&pausing.session, 1, &pausing.error));
	client_close(&pausing);
}

static void cancels(void *arg)
{
	(void)arg;
	rest(200);
	db_session_cancel(&pausing.session);
}

START_TEST(a_pause_ends_when_its_time_is_over_or_its_session_is_cancelled)
{
	open_db();
	start(pauses, NULL);
	start(cancels, NULL);
	run_all();
}
END_TEST

static void finds_locked(void *arg)
{
	struct client a, b;
	(void)arg;
	client_open(&a);
	client_open(&b);
	makes_kept(&a);
	insert(&a, 1);
	struct db_tx *tx = begin(&a);
	must(&a, "SELECT * FROM kept FOR UPDATE");
	ck_assert(!write_sql(&b, "SELECT * FROM kept FOR UPDATE NOWAIT", NULL));
	ck_assert_int_eq(b.error.kind, ERROR_LOCKED);
	db_rollback(tx);
	client_close(&b);
	client_close(&a);
}

START_TEST(a_row_that_is_locked_is_said_to_who_does_not_wait)
{
	open_db();
	run(finds_locked, NULL);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "db savepoint");
	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, what_was_done_since_a_savepoint_is_undone_alone);
	tcase_add_test(group,
	               a_transaction_goes_on_after_an_error_that_is_rolled_back_to_its_savepoint);
	tcase_add_test(group, savepoints_nest);
	tcase_add_test(group, a_savepoint_is_no_statement_of_its_own);
	tcase_add_test(group, deferred_constraints_can_be_judged_before_the_end);
	tcase_add_test(group, a_stream_in_a_transaction_sees_what_the_transaction_wrote);
	tcase_add_test(group, several_streams_and_other_statements_share_a_transaction);
	tcase_add_test(group, a_stream_that_fails_is_undone_with_its_savepoint);
	tcase_add_test(group, a_stream_of_wide_rows_in_a_transaction_takes_few_at_a_time);
	tcase_add_test(group, a_pause_ends_when_its_time_is_over_or_its_session_is_cancelled);
	tcase_add_test(group, a_row_that_is_locked_is_said_to_who_does_not_wait);
	return suite_main(suite);
}
