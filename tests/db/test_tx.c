/* Transactions: all or nothing, errors inside, conflicts, leases and who waits for them. */
#include "tests/db/fixture.h"

static struct db_tx *begin(struct client *c, enum db_isolation isolation)
{
	struct db_tx *tx;
	ck_assert(db_begin(&c->session, isolation, &tx, &c->error));
	return tx;
}

static bool tx_sql(struct client *c, struct db_tx *tx, const char *sql, struct db_rows *rows)
{
	struct statement statement = {.sql = str_of(sql)};
	struct db_rows unused;
	error_clear(&c->error);
	return db_tx_query(tx, &statement, rows ? rows : &unused, &c->error);
}

static void tx_must(struct client *c, struct db_tx *tx, const char *sql)
{
	bool is_done = tx_sql(c, tx, sql, NULL);
	ck_assert_msg(is_done, "%s: %.*s", sql, STR_ARG(c->error.detail));
}

static void commits_and_rolls_back(void *arg)
{
	struct client c, other;
	struct db_rows rows;
	(void)arg;
	client_open(&c);
	client_open(&other);
	must(&c, "CREATE TABLE t (id int PRIMARY KEY)");
	struct db_tx *tx = begin(&c, DB_READ_COMMITTED);
	tx_must(&c, tx, "INSERT INTO t VALUES (1)");
	tx_must(&c, tx, "INSERT INTO t VALUES (2)");
	ck_assert_int_eq(number_of(&other, "SELECT count(*) FROM t"), 0);
	ck_assert_int_eq(number_of(&c, "SELECT count(*) FROM t"), 2);
	ck_assert(tx_sql(&c, tx, "SELECT count(*) FROM t", &rows));
	ck_assert(cell_is(&rows, 0, 0, "2"));
	ck_assert(db_commit(tx, &c.error));
	ck_assert_int_eq(number_of(&c, "SELECT count(*) FROM t"), 2);

	tx = begin(&c, DB_READ_COMMITTED);
	tx_must(&c, tx, "DELETE FROM t");
	db_rollback(tx);
	ck_assert_int_eq(number_of(&c, "SELECT count(*) FROM t"), 2);

	tx = begin(&c, DB_READ_COMMITTED);
	ck_assert(db_commit(tx, &c.error));
	tx = begin(&c, DB_READ_COMMITTED);
	db_rollback(tx);
	client_close(&other);
	client_close(&c);
}

START_TEST(a_transaction_is_seen_when_committed_and_never_when_rolled_back)
{
	open_db();
	run(commits_and_rolls_back, NULL);
}
END_TEST

static void fails_inside(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	must(&c, "CREATE TABLE inside (id int PRIMARY KEY)");
	for (int i = 0; i < 20; i++) {
		struct db_tx *tx = begin(&c, DB_READ_COMMITTED);
		tx_must(&c, tx, "INSERT INTO inside VALUES (1)");
		ck_assert(!tx_sql(&c, tx, "INSERT INTO inside VALUES (1)", NULL));
		ck_assert_int_eq(c.error.kind, ERROR_INTEGRITY);
		db_rollback(tx);
		error_clear(&c.error);
		/* An error in the very segment that begins. */
		tx = begin(&c, DB_SERIALIZABLE);
		ck_assert(!tx_sql(&c, tx, "SELECT 1/0", NULL));
		db_rollback(tx);
		error_clear(&c.error);
	}
	ck_assert_int_eq(number_of(&c, "SELECT count(*) FROM inside"), 0);
	client_close(&c);
}

START_TEST(an_error_inside_leaves_nothing_and_the_connection_clean)
{
	settings.pool_size = 1;
	open_db();
	run(fails_inside, NULL);
}
END_TEST

static void commits_failed(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	must(&c, "CREATE TABLE late (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)");
	struct db_tx *tx = begin(&c, DB_READ_COMMITTED);
	tx_must(&c, tx, "INSERT INTO late VALUES (1), (1)");
	ck_assert(!db_commit(tx, &c.error));
	ck_assert_int_eq(c.error.kind, ERROR_INTEGRITY);
	ck_assert(str_is(c.error.constraint, "late_pkey"));
	error_clear(&c.error);
	tx = begin(&c, DB_READ_COMMITTED);
	ck_assert(!tx_sql(&c, tx, "SELECT 1/0", NULL));
	error_clear(&c.error);
	ck_assert(!db_commit(tx, &c.error));
	ck_assert_int_eq(c.error.kind, ERROR_INTERNAL);
	error_clear(&c.error);
	ck_assert_int_eq(number_of(&c, "SELECT count(*) FROM late"), 0);
	client_close(&c);
}

START_TEST(a_commit_that_fails_says_so)
{
	settings.pool_size = 1;
	open_db();
	run(commits_failed, NULL);
}
END_TEST

static void conflicts(void *arg)
{
	struct client a, b;
	struct db_rows rows;
	(void)arg;
	client_open(&a);
	client_open(&b);
	must(&a, "CREATE TABLE acc (id int PRIMARY KEY, n int)");
	must(&a, "INSERT INTO acc VALUES (1, 0), (2, 0)");
	struct db_tx *one = begin(&a, DB_SERIALIZABLE), *two = begin(&b, DB_SERIALIZABLE);
	ck_assert(tx_sql(&a, one, "SELECT sum(n) FROM acc", &rows));
	ck_assert(tx_sql(&b, two, "SELECT sum(n) FROM acc", &rows));
	tx_must(&a, one, "UPDATE acc SET n = n + 1 WHERE id = 1");
	tx_must(&b, two, "UPDATE acc SET n = n + 1 WHERE id = 2");
	ck_assert(db_commit(one, &a.error));
	ck_assert(!db_commit(two, &b.error));
	ck_assert_int_eq(b.error.kind, ERROR_CONFLICT);
	ck_assert_int_eq(number_of(&a, "SELECT sum(n) FROM acc"), 1);
	client_close(&b);
	client_close(&a);
}

START_TEST(a_serialization_failure_is_a_conflict)
{
	open_db();
	run(conflicts, NULL);
}
END_TEST

static unsigned deadlocks, updated;

static void locks_two(void *arg)
{
	bool is_reversed = arg != NULL;
	struct client c;
	client_open(&c);
	struct db_tx *tx = begin(&c, DB_READ_COMMITTED);
	tx_must(&c, tx,
	        is_reversed ? "UPDATE two SET n = n + 1 WHERE id = 2"
	                    : "UPDATE two SET n = n + 1 WHERE id = 1");
	rest(100);
	if (tx_sql(&c, tx,
	           is_reversed ? "UPDATE two SET n = n + 1 WHERE id = 1"
	                       : "UPDATE two SET n = n + 1 WHERE id = 2",
	           NULL)) {
		ck_assert(db_commit(tx, &c.error));
		updated++;
	} else {
		deadlocks += c.error.kind == ERROR_CONFLICT;
		db_rollback(tx);
	}
	client_close(&c);
}

static void makes_two(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	must(&c, "CREATE TABLE two (id int PRIMARY KEY, n int)");
	must(&c, "INSERT INTO two VALUES (1, 0), (2, 0)");
	client_close(&c);
}

START_TEST(of_two_that_block_each_other_one_is_a_conflict)
{
	open_db();
	run(makes_two, NULL);
	deadlocks = updated = 0;
	start(locks_two, NULL);
	start(locks_two, &deadlocks);
	run_all();
	ck_assert_uint_eq(deadlocks, 1);
	ck_assert_uint_eq(updated, 1);
}
END_TEST

static unsigned order[50], norder;

static void waits_in_line(void *arg)
{
	struct client c;
	client_open(&c);
	struct db_tx *tx = begin(&c, DB_READ_COMMITTED);
	order[norder++] = (unsigned)(intptr_t)arg;
	tx_must(&c, tx, "SELECT pg_sleep(0.002)");
	ck_assert(db_commit(tx, &c.error));
	client_close(&c);
}

START_TEST(leases_are_granted_in_the_order_they_were_asked_for)
{
	settings.pool_size = 2;
	open_db();
	norder = 0;
	for (intptr_t i = 0; i < 50; i++)
		start(waits_in_line, (void *)i);
	run_all();
	ck_assert_uint_eq(norder, 50);
	for (unsigned i = 0; i < 50; i++)
		ck_assert_uint_eq(order[i], i);
}
END_TEST

static bool is_held;
static unsigned quick;

static void holds(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	struct db_tx *tx = begin(&c, DB_READ_COMMITTED);
	tx_must(&c, tx, "SELECT 1");
	is_held = true;
	rest(600);
	is_held = false;
	ck_assert(db_commit(tx, &c.error));
	client_close(&c);
}

static void asks_quickly(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	rest(100);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(number_of(&c, "SELECT 5"), 5);
		quick += is_held;
	}
	client_close(&c);
}

START_TEST(transactions_never_take_the_last_connection_from_quick_statements)
{
	settings.pool_size = 3;
	open_db();
	quick = 0;
	for (int i = 0; i < 6; i++)
		start(holds, NULL);
	start(asks_quickly, NULL);
	run_all();
	ck_assert_uint_eq(quick, 100);
}
END_TEST

static bool keeps_asking;

static void asks_all_the_time(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	while (keeps_asking)
		/* Sent as a write: each alone, so that no connection runs dry by itself. */
		must(&c, "SELECT pg_sleep(0.002)");
	client_close(&c);
}

static void begins_under_load(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	for (int i = 0; i < 50; i++) {
		rest(20); /* the others take every connection again */
		uint64_t before = now_ms();
		struct db_tx *tx = begin(&c, DB_READ_COMMITTED);
		ck_assert_uint_lt(now_ms() - before, 1000);
		tx_must(&c, tx, "SELECT 1");
		ck_assert(db_commit(tx, &c.error));
	}
	keeps_asking = false;
	client_close(&c);
}

START_TEST(a_lease_is_granted_under_a_steady_load_of_quick_statements)
{
	settings.pool_size = 2;
	open_db();
	keeps_asking = true;
	for (int i = 0; i < 20; i++)
		start(asks_all_the_time, NULL);
	start(begins_under_load, NULL);
	run_all();
}
END_TEST

static void waits_too_long(void *arg)
{
	struct client a, b;
	struct db_tx *tx, *second;
	(void)arg;
	client_open(&a);
	client_open(&b);
	tx = begin(&a, DB_READ_COMMITTED);
	uint64_t before = now_ms();
	ck_assert(!db_begin(&b.session, DB_READ_COMMITTED, &second, &b.error));
	ck_assert_int_eq(b.error.kind, ERROR_UNAVAILABLE);
	ck_assert_uint_gt(b.error.retry_after, 0);
	ck_assert_uint_ge(now_ms() - before, 290);
	ck_assert_uint_lt(now_ms() - before, 1500);
	db_rollback(tx);
	error_clear(&b.error);
	ck_assert(db_begin(&b.session, DB_READ_COMMITTED, &second, &b.error));
	db_rollback(second);
	client_close(&b);
	client_close(&a);
}

START_TEST(waiting_for_a_connection_ends_at_the_acquire_timeout)
{
	settings.pool_size = 1;
	settings.acquire_timeout_ms = 300;
	open_db();
	run(waits_too_long, NULL);
}
END_TEST

static void heals_first_segment(void *arg)
{
	struct client c;
	struct db_rows rows;
	(void)arg;
	client_open(&c);
	must(&c, "CREATE TABLE shape (id int, n int)");
	must(&c, "INSERT INTO shape VALUES (1, 2)");
	for (int i = 0; i < 20; i++) {
		struct db_tx *tx = begin(&c, DB_READ_COMMITTED);
		ck_assert_msg(tx_sql(&c, tx, "SELECT id, n FROM shape", &rows), "%.*s",
		              STR_ARG(c.error.detail));
		ck_assert(cell_is(&rows, 0, 1, "2"));
		ck_assert(db_commit(tx, &c.error));
		must(&c, i % 2 ? "ALTER TABLE shape ALTER n TYPE int"
		               : "ALTER TABLE shape ALTER n TYPE bigint");
	}
	client_close(&c);
}

START_TEST(a_stale_statement_at_the_beginning_is_healed)
{
	settings.pool_size = 1;
	open_db();
	run(heals_first_segment, NULL);
}
END_TEST

static void loses_backend(void *arg)
{
	struct client c, other;
	struct db_rows rows;
	(void)arg;
	client_open(&c);
	client_open(&other);
	must(&c, "CREATE TABLE lost (id int)");
	struct db_tx *tx = begin(&c, DB_READ_COMMITTED);
	ck_assert(tx_sql(&c, tx, "SELECT pg_backend_pid()", &rows));
	tx_must(&c, tx, "INSERT INTO lost VALUES (1)");
	char *pid = arena_cstr(other.arena, db_cell(&rows, 0, 0));
	struct statement kill = text_statement(&other, "SELECT pg_terminate_backend($1::int)", 1, pid);
	ck_assert(db_query(&other.session, &kill, true, &rows, &other.error));
	rest(50);
	ck_assert(!tx_sql(&c, tx, "INSERT INTO lost VALUES (2)", NULL));
	ck_assert_int_eq(c.error.kind, ERROR_UNAVAILABLE);
	db_rollback(tx);
	error_clear(&c.error);
	ck_assert_int_eq(number_of(&c, "SELECT count(*) FROM lost"), 0);
	tx = begin(&c, DB_READ_COMMITTED);
	tx_must(&c, tx, "INSERT INTO lost VALUES (3)");
	ck_assert(db_commit(tx, &c.error));
	client_close(&other);
	client_close(&c);
}

START_TEST(a_transaction_whose_backend_is_ended_is_over_and_the_next_one_works)
{
	settings.pool_size = 2;
	open_db();
	run(loses_backend, NULL);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "db tx");
	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, a_transaction_is_seen_when_committed_and_never_when_rolled_back);
	tcase_add_test(group, an_error_inside_leaves_nothing_and_the_connection_clean);
	tcase_add_test(group, a_commit_that_fails_says_so);
	tcase_add_test(group, a_serialization_failure_is_a_conflict);
	tcase_add_test(group, of_two_that_block_each_other_one_is_a_conflict);
	tcase_add_test(group, leases_are_granted_in_the_order_they_were_asked_for);
	tcase_add_test(group, transactions_never_take_the_last_connection_from_quick_statements);
	tcase_add_test(group, a_lease_is_granted_under_a_steady_load_of_quick_statements);
	tcase_add_test(group, waiting_for_a_connection_ends_at_the_acquire_timeout);
	tcase_add_test(group, a_stale_statement_at_the_beginning_is_healed);
	tcase_add_test(group, a_transaction_whose_backend_is_ended_is_over_and_the_next_one_works);
	return suite_main(suite);
}
