/* Clients that go away: their queries end, and nobody else's. */
#include "tests/db/fixture.h"

#include <stdio.h>

struct gone {
	struct client client;
	const char *sql;
	unsigned after_ms; /* when it goes */
	bool is_done, is_over;
};

static void asks(void *arg)
{
	struct gone *gone = arg;
	struct db_rows rows;
	client_open(&gone->client);
	gone->is_done = write_sql(&gone->client, gone->sql, &rows);
	gone->is_over = true;
	client_close(&gone->client);
}

static void goes_away(void *arg)
{
	struct gone *gone = arg;
	rest(gone->after_ms);
	if (!gone->is_over)
		db_session_cancel(&gone->client.session);
}

static long long count_running(struct client *c, const char *mark)
{
	char sql[300];
	snprintf(sql, sizeof sql,
	         "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%%%s%%' "
	         "AND pid <> pg_backend_pid()",
	         mark);
	return number_of(c, sql);
}

static void watches_query_end(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	rest(100);
	ck_assert_int_eq(count_running(&c, "pg_sleep(31)"), 1);
	rest(150);
	uint64_t before = now_ms();
	while (count_running(&c, "pg_sleep(31)") > 0) {
		ck_assert_uint_lt(now_ms() - before, 1000);
		rest(5);
	}
	client_close(&c);
}

START_TEST(the_query_of_a_client_that_is_gone_ends_and_its_task_at_once)
{
	struct gone gone = {.sql = "SELECT pg_sleep(31)", .after_ms = 200};
	open_db();
	uint64_t before = now_ms();
	start(asks, &gone);
	start(goes_away, &gone);
	start(watches_query_end, NULL);
	run_all();
	ck_assert(gone.is_over && !gone.is_done);
	ck_assert_uint_lt(now_ms() - before, 2000);
}
END_TEST

static bool keeps_asking;
static unsigned innocent;

static void asks_innocently(void *arg)
{
	struct client c;
	struct db_rows rows;
	bool writes = arg != NULL;
	client_open(&c);
	while (keeps_asking) {
		bool is_done = writes ? write_sql(&c, "INSERT INTO innocent VALUES (1)", &rows)
		                      : read_sql(&c, "SELECT pg_sleep(0.0005)", &rows);
		ck_assert_msg(is_done, "%.*s", STR_ARG(c.error.detail));
		innocent += writes;
		arena_reset(c.arena);
		error_init(&c.error, c.arena);
	}
	client_close(&c);
}

#define TRIALS 400
/* On a busy machine many requests find their query at its end. */
#define TRIALS_MOST (10 * TRIALS)
#define CANCELS (TRIALS / 8)

static bool are_enough(int trials)
{
	struct db_stats stats;
	db_stats(db, &stats);
	return trials >= TRIALS && (stats.cancels > CANCELS || trials >= TRIALS_MOST);
}

static void tries(void *arg)
{
	static struct gone gone[TRIALS_MOST];
	struct client c;
	(void)arg;
	client_open(&c);
	must(&c, "CREATE TABLE innocent (id int)");
	keeps_asking = true;
	for (int i = 0; i < 4; i++)
		start(asks_innocently, i % 2 ? &innocent : NULL);
	for (int i = 0; !are_enough(i); i++) {
		/* Some end by themselves about when the cancel request comes. */
		gone[i] = (struct gone){.sql = i % 2 ? "SELECT pg_sleep(0.013)" : "SELECT pg_sleep(5)",
		                        .after_ms = (unsigned)(i % 4)};
		start(asks, &gone[i]);
		start(goes_away, &gone[i]);
		rest(4);
	}
	rest(100);
	keeps_asking = false;
	rest(100);
	ck_assert_int_eq(number_of(&c, "SELECT count(*) FROM innocent"), innocent);
	client_close(&c);
}

START_TEST(of_some_hundred_cancelled_queries_none_takes_an_innocent_one_along)
{
	struct db_stats stats;
	settings.pool_size = 4;
	settings.acquire_timeout_ms = 10000;
	open_db();
	innocent = 0;
	run(tries, NULL);
	db_stats(db, &stats);
	ck_assert_uint_gt(stats.cancels, CANCELS);
	ck_assert_uint_eq(stats.losses, 0);
	ck_assert_uint_gt(innocent, 0);
}
END_TEST

static void begins_and_waits(void *arg)
{
	struct gone *gone = arg;
	struct db_tx *tx;
	struct db_rows rows;
	client_open(&gone->client);
	struct client *c = &gone->client;
	ck_assert(db_begin(&c->session, DB_READ_COMMITTED, &tx, &c->error));
	struct statement write = text_statement(c, "INSERT INTO given_up VALUES (1)", 0);
	struct statement wait = text_statement(c, "SELECT pg_sleep(30)", 0);
	ck_assert(db_tx_query(tx, &write, &rows, &c->error));
	ck_assert(!db_tx_query(tx, &wait, &rows, &c->error));
	ck_assert_int_eq(c->error.kind, ERROR_UNAVAILABLE);
	db_rollback(tx);
	gone->is_over = true;
	client_close(c);
}

static void watches_rollback(void *arg)
{
	struct gone gone = {.after_ms = 100};
	struct client c;
	(void)arg;
	client_open(&c);
	must(&c, "CREATE TABLE given_up (id int)");
	start(begins_and_waits, &gone);
	goes_away(&gone);
	while (!gone.is_over)
		rest(5);
	uint64_t before = now_ms();
	/* One connection only: the answer comes when the cancelled backend is free again. */
	ck_assert_int_eq(number_of(&c, "SELECT count(*) FROM given_up"), 0);
	ck_assert_uint_lt(now_ms() - before, 1000);
	client_close(&c);
}

START_TEST(a_transaction_that_is_cancelled_is_rolled_back)
{
	settings.pool_size = 1;
	open_db();
	run(watches_rollback, NULL);
}
END_TEST

static void waits_for_nothing(void *arg)
{
	struct gone *gone = arg;
	struct db_tx *held, *wanted;
	struct client holder;
	client_open(&holder);
	ck_assert(db_begin(&holder.session, DB_READ_COMMITTED, &held, &holder.error));
	client_open(&gone->client);
	start(goes_away, gone);
	uint64_t before = now_ms();
	ck_assert(!db_begin(&gone->client.session, DB_READ_COMMITTED, &wanted, &gone->client.error));
	ck_assert_uint_lt(now_ms() - before, 1000);
	gone->is_over = true;
	struct db_rows rows;
	error_clear(&gone->client.error);
	ck_assert(!read_sql(&gone->client, "SELECT 1", &rows));
	client_close(&gone->client);
	db_rollback(held);
	ck_assert_int_eq(number_of(&holder, "SELECT 1"), 1);
	client_close(&holder);
}

START_TEST(one_who_waits_for_a_connection_leaves_the_line)
{
	struct gone gone = {.after_ms = 50};
	settings.pool_size = 1;
	open_db();
	run(waits_for_nothing, &gone);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "db cancel");
	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, the_query_of_a_client_that_is_gone_ends_and_its_task_at_once);
	tcase_add_test(group, of_some_hundred_cancelled_queries_none_takes_an_innocent_one_along);
	tcase_add_test(group, a_transaction_that_is_cancelled_is_rolled_back);
	tcase_add_test(group, one_who_waits_for_a_connection_leaves_the_line);
	return suite_main(suite);
}
