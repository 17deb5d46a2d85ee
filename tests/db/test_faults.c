/* A database that is ill-treated: backends ended, servers restarted, stopped, full or silent. */
#include "tests/db/fixture.h"

#include <dlfcn.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* Stands before the C library's: a name server that takes its time, and one name that it knows. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
	static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	if (real == NULL)
		real = (int (*)(const char *, const char *, const struct addrinfo *,
		                struct addrinfo **))dlsym(RTLD_NEXT, "getaddrinfo");
	if (node == NULL || strcmp(node, "slow.test") != 0)
		return real(node, service, hints, result);
	usleep(700000);
	return real("127.0.0.1", service, hints, result);
}

static bool keeps_asking;
static unsigned answered, refused, acknowledged, unknown;
static uint64_t longest_ms;

static void start_again(struct client *c)
{
	arena_reset(c->arena);
	error_init(&c->error, c->arena);
}

static void reads_on(void *arg)
{
	struct client c;
	struct db_rows rows;
	(void)arg;
	client_open(&c);
	while (keeps_asking) {
		uint64_t before = now_ms();
		if (read_sql(&c, "SELECT sum(i) FROM generate_series(1, 10) i", &rows)) {
			ck_assert(cell_is(&rows, 0, 0, "55"));
			answered++;
		} else {
			ck_assert_int_eq(c.error.kind, ERROR_UNAVAILABLE);
			refused++;
		}
		longest_ms = now_ms() - before > longest_ms ? now_ms() - before : longest_ms;
		start_again(&c);
	}
	client_close(&c);
}

static void writes_on(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	while (keeps_asking) {
		if (write_sql(&c, "INSERT INTO ledger DEFAULT VALUES", NULL)) {
			acknowledged++;
		} else {
			ck_assert_int_eq(c.error.kind, ERROR_UNAVAILABLE);
			unknown++;
			rest(5);
		}
		start_again(&c);
	}
	client_close(&c);
}

static void begin_load(struct client *c, int readers, int writers)
{
	must(c, "CREATE TABLE IF NOT EXISTS ledger (id bigserial)");
	must(c, "DELETE FROM ledger");
	keeps_asking = true;
	answered = refused = acknowledged = unknown = 0;
	longest_ms = 0;
	for (int i = 0; i < readers; i++)
		start(reads_on, NULL);
	for (int i = 0; i < writers; i++)
		start(writes_on, NULL);
}

/* What was acknowledged is there; what is there was acknowledged or reported as unknown. */
static void check_ledger(struct client *c)
{
	long long n = number_of(c, "SELECT count(*) FROM ledger");
	ck_assert_int_ge(n, acknowledged);
	ck_assert_int_le(n, acknowledged + unknown);
	ck_assert_uint_gt(acknowledged, 0);
}

#define LOSSES 20

/* On a busy machine a backend is often told twice. */
static bool are_enough(int terminated)
{
	struct db_stats stats;
	db_stats(db, &stats);
	return terminated >= 60 && (stats.losses > LOSSES || terminated >= 600);
}

static void terminates(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	begin_load(&c, 20, 4);
	for (int i = 0; !are_enough(i); i++) {
		read_sql(&c,
		         "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
		         "current_database() "
		         "AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1",
		         NULL);
		start_again(&c);
		rest(20);
	}
	keeps_asking = false;
	rest(200);
	check_ledger(&c);
	client_close(&c);
}

START_TEST(backends_ended_under_load_cost_no_read_and_no_acknowledged_write)
{
	struct db_stats stats;
	open_db();
	run(terminates, NULL);
	db_stats(db, &stats);
	ck_assert_uint_gt(answered, 500);
	ck_assert_uint_eq(refused, 0);
	ck_assert_uint_gt(stats.losses, LOSSES);
	/* What shared a commit with it is as little known. */
	ck_assert_uint_le(unknown, 4 * stats.losses);
	ck_assert_uint_lt(longest_ms, 1000);
}
END_TEST

static void restarts(void *arg)
{
	struct client c;
	uint64_t ended;
	(void)arg;
	client_open(&c);
	begin_load(&c, 20, 4);
	static const char *const ways[] = {"restart -m immediate", "restart -m fast"};
	for (int i = 0; i < 4; i++) {
		unsigned before = answered;
		cluster_ctl_beside(ways[i % 2]);
		while (!cluster_ctl_is_over(&ended))
			rest(10);
		while (answered == before) {
			ck_assert_uint_lt(now_ms() - ended, 5000);
			rest(10);
		}
		rest(100);
	}
	keeps_asking = false;
	rest(200);
	start_again(&c);
	check_ledger(&c);
	client_close(&c);
}

START_TEST(a_restart_under_load_is_waited_for_and_recovered_from)
{
	cluster_start();
	settings.acquire_timeout_ms = 20000;
	open_db();
	run(restarts, NULL);
	ck_assert_uint_eq(refused, 0);
}
END_TEST

static void kills_backend(void *arg)
{
	struct client c;
	struct db_rows rows;
	(void)arg;
	client_open(&c);
	begin_load(&c, 10, 2);
	rest(100);
	ck_assert(read_sql(&c,
	                   "SELECT pid FROM pg_stat_activity WHERE datname IS NOT NULL AND pid <> "
	                   "pg_backend_pid() LIMIT 1",
	                   &rows));
	ck_assert_int_eq(kill(atoi(db_cell(&rows, 0, 0).p), SIGKILL), 0);
	rest(1000);
	unsigned before = answered;
	for (int i = 0; answered == before; i++) {
		ck_assert_int_lt(i, 500);
		rest(10);
	}
	keeps_asking = false;
	rest(200);
	start_again(&c);
	check_ledger(&c);
	client_close(&c);
}

START_TEST(a_crash_of_the_whole_server_is_recovered_from)
{
	cluster_start();
	settings.acquire_timeout_ms = 20000;
	open_db();
	run(kills_backend, NULL);
	ck_assert_uint_eq(refused, 0);
}
END_TEST

static void goes_away_and_returns(void *arg)
{
	struct client c;
	uint64_t ended = 0;
	(void)arg;
	client_open(&c);
	ck_assert_int_eq(number_of(&c, "SELECT 1"), 1);
	ck_assert(db_is_ready(db));
	cluster_ctl("stop -m fast");
	uint64_t before = now_ms();
	ck_assert(!read_sql(&c, "SELECT 1", NULL));
	ck_assert_int_eq(c.error.kind, ERROR_UNAVAILABLE);
	ck_assert_uint_gt(c.error.retry_after, 0);
	ck_assert_uint_ge(now_ms() - before, 490);
	ck_assert_uint_lt(now_ms() - before, 1500);
	ck_assert(!db_is_ready(db));
	rest(1000);
	cluster_ctl_beside("start");
	while (!cluster_ctl_is_over(&ended))
		rest(1);
	while (!db_is_ready(db))
		rest(1);
	ck_assert_uint_lt(now_ms() - ended, 300);
	ck_assert_int_eq(number_of(&c, "SELECT 1"), 1);
	client_close(&c);
}

START_TEST(a_database_away_is_unavailable_and_used_again_soon_after_its_return)
{
	cluster_start();
	settings.acquire_timeout_ms = 500;
	open_db();
	run(goes_away_and_returns, NULL);
}
END_TEST

static void finds_server_full(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	begin_load(&c, 100, 0);
	rest(2500);
	keeps_asking = false;
	rest(100);
	client_close(&c);
}

START_TEST(a_full_server_is_served_from_with_what_there_is_and_not_stormed)
{
	struct db_stats stats;
	cluster_start();
	cluster_ctl("restart -o '-c max_connections=3 -c superuser_reserved_connections=0 -c "
	            "max_wal_senders=0'");
	settings.pool_size = 10;
	open_db();
	run(finds_server_full, NULL);
	db_stats(db, &stats);
	ck_assert_uint_eq(refused, 0);
	ck_assert_uint_eq(stats.connections, 3);
	ck_assert_uint_ge(cluster_log_count("too many clients"), 1);
	ck_assert_uint_le(cluster_log_count("too many clients"), 6);
}
END_TEST

static void silences_backend(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	int pid = (int)number_of(&c, "SELECT pg_backend_pid()");
	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	uint64_t before = now_ms();
	ck_assert(!read_sql(&c, "SELECT 1", NULL));
	ck_assert_int_eq(c.error.kind, ERROR_TIMEOUT);
	ck_assert_uint_lt(now_ms() - before, 4000);
	error_clear(&c.error);
	ck_assert_int_ne(number_of(&c, "SELECT pg_backend_pid()"), pid);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	client_close(&c);
}

START_TEST(a_backend_that_says_nothing_is_left_after_the_statement_timeout)
{
	settings.pool_size = 1;
	settings.statement_timeout_ms = 300;
	open_db();
	run(silences_backend, NULL);
}
END_TEST

static void evicts(void *arg)
{
	struct client c, killer;
	(void)arg;
	client_open(&c);
	client_open(&killer);
	must(&c, "CREATE TABLE evicted (id int)");
	for (int i = 0; i < 20; i++) {
		must(&killer, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
		              "current_database() AND "
		              "pid <> pg_backend_pid()");
		rest(30);
		/* A write is not sent twice: it succeeds only if no dead connection is borrowed. */
		must(&c, "INSERT INTO evicted VALUES (1)");
		start_again(&c);
		start_again(&killer);
	}
	client_close(&killer);
	client_close(&c);
}

START_TEST(an_idle_connection_that_was_ended_is_not_lent)
{
	open_db();
	run(evicts, NULL);
}
END_TEST

static struct client stranded;

static void asks_and_goes(void *arg)
{
	(void)arg;
	client_open(&stranded);
	ck_assert(!read_sql(&stranded, "SELECT pg_sleep(30)", NULL));
	client_close(&stranded);
}

static void stops_postmaster(void *arg)
{
	struct client c;
	struct db_stats stats;
	(void)arg;
	client_open(&c);
	rest(100);
	ck_assert_int_eq(number_of(&c, "SELECT 42"), 42);
	long pid = cluster_pid();
	ck_assert_int_eq(kill((pid_t)pid, SIGSTOP), 0);
	db_session_cancel(&stranded.session);
	uint64_t before = now_ms();
	while (now_ms() - before < 2500) {
		uint64_t asked = now_ms();
		ck_assert_int_eq(number_of(&c, "SELECT 42"), 42);
		ck_assert_uint_lt(now_ms() - asked, 300);
		start_again(&c);
		rest(10);
	}
	db_stats(db, &stats);
	ck_assert_uint_eq(stats.losses, 1);
	ck_assert_uint_eq(stats.cancels, 1);
	if (arg == NULL)
		ck_assert_int_eq(kill((pid_t)pid, SIGCONT), 0);
	client_close(&c);
}

START_TEST(a_cancel_that_hangs_holds_up_nobody)
{
	cluster_start();
	settings.pool_size = 2;
	open_db();
	start(asks_and_goes, NULL);
	start(stops_postmaster, NULL);
	run_all();
}
END_TEST

START_TEST(a_pool_is_freed_while_a_cancel_hangs)
{
	cluster_start();
	settings.pool_size = 2;
	open_db();
	start(asks_and_goes, NULL);
	start(stops_postmaster, "left stopped");
	run_all();
	uint64_t before = now_ms();
	db_free(db);
	db = NULL;
	ck_assert_uint_lt(now_ms() - before, 300);
	ck_assert_int_eq(kill((pid_t)cluster_pid(), SIGCONT), 0);
	usleep(500000);
}
END_TEST

static void never_connects(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	ck_assert(!read_sql(&c, "SELECT 1", NULL));
	ck_assert_int_eq(c.error.kind, ERROR_UNAVAILABLE);
	ck_assert(!db_is_ready(db));
	client_close(&c);
}

START_TEST(settings_that_lead_nowhere_are_unavailable_without_a_crash)
{
	static const char *const nowhere[] = {"host=/no/such/folder", "this is no connection string",
	                                      "host=127.0.0.1 port=1", "postgresql://%zz@/"};
	for (size_t i = 0; i < 4; i++) {
		settings.conninfo = nowhere[i];
		settings.acquire_timeout_ms = 200;
		open_db();
		run(never_connects, NULL);
		db_free(db);
		db = NULL;
	}
}
END_TEST

static void measures_loop(void *arg)
{
	(void)arg;
	while (keeps_asking) {
		uint64_t before = now_ms();
		rest(1);
		longest_ms = now_ms() - before > longest_ms ? now_ms() - before : longest_ms;
	}
}

static void asks_by_name(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	ck_assert_int_eq(number_of(&c, "SELECT 42"), 42);
	ck_assert_int_eq(number_of(&c, "SELECT (inet_server_addr() = '127.0.0.1')::int"), 1);
	keeps_asking = false;
	client_close(&c);
}

START_TEST(a_slow_name_server_does_not_hold_up_the_loop)
{
	char conninfo[200], arguments[200];
	unsigned port = 20000 + (unsigned)getpid() % 10000;
	cluster_start();
	snprintf(arguments, sizeof arguments, "restart -o '-c listen_addresses=127.0.0.1 -c port=%u'",
	         port);
	cluster_ctl(arguments);
	snprintf(conninfo, sizeof conninfo,
	         "postgresql://quern@slow.test:%u/postgres?connect_timeout=3", port);
	settings.conninfo = conninfo;
	settings.pool_size = 1;
	open_db();
	longest_ms = 0;
	keeps_asking = true;
	start(measures_loop, NULL);
	start(asks_by_name, NULL);
	run_all();
	ck_assert_uint_lt(longest_ms, 300);
}
END_TEST

START_TEST(a_pool_is_freed_while_a_name_is_resolved)
{
	settings.conninfo = "host=slow.test user=quern dbname=postgres port=1";
	open_db();
	loop_turn(loop, 50);
	uint64_t before = now_ms();
	db_free(db);
	db = NULL;
	ck_assert_uint_lt(now_ms() - before, 300);
	usleep(1200000); /* the thread comes back and clears up, for the leak checker to see */
}
END_TEST

static void is_interrupted(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	ck_assert(!read_sql(&c, "SELECT pg_sleep(20)", NULL));
	ck_assert_int_eq(c.error.kind, ERROR_UNAVAILABLE);
	answered++;
	client_close(&c);
}

static void frees_db(void *arg)
{
	(void)arg;
	rest(200);
	keeps_asking = false;
}

START_TEST(freeing_the_pool_fails_what_runs_and_waits)
{
	open_db();
	answered = 0;
	keeps_asking = true;
	for (int i = 0; i < 20; i++)
		start(is_interrupted, NULL);
	start(frees_db, NULL);
	while (keeps_asking)
		loop_turn(loop, 100);
	db_free(db);
	db = NULL;
	ck_assert_uint_eq(answered, 20);
}
END_TEST

static void holds_while_freed(void *arg)
{
	struct client c;
	struct db_tx *tx;
	struct db_rows rows;
	(void)arg;
	client_open(&c);
	struct statement one = text_statement(&c, "SELECT 1", 0);
	ck_assert(db_begin(&c.session, DB_READ_COMMITTED, &tx, &c.error));
	ck_assert(db_tx_query(tx, &one, &rows, &c.error));
	answered++;
	rest(300);
	ck_assert(!db_tx_query(tx, &one, &rows, &c.error));
	ck_assert_int_eq(c.error.kind, ERROR_UNAVAILABLE);
	db_rollback(tx);
	client_close(&c);
}

START_TEST(a_transaction_open_while_its_pool_is_freed_can_be_rolled_back)
{
	open_db();
	answered = 0;
	start(holds_while_freed, NULL);
	while (answered == 0)
		loop_turn(loop, 100);
	db_free(db);
	run_all();
	db = NULL;
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "db faults");
	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, backends_ended_under_load_cost_no_read_and_no_acknowledged_write);
	tcase_add_test(group, a_restart_under_load_is_waited_for_and_recovered_from);
	tcase_add_test(group, a_crash_of_the_whole_server_is_recovered_from);
	tcase_add_test(group, a_database_away_is_unavailable_and_used_again_soon_after_its_return);
	tcase_add_test(group, a_full_server_is_served_from_with_what_there_is_and_not_stormed);
	tcase_add_test(group, a_backend_that_says_nothing_is_left_after_the_statement_timeout);
	tcase_add_test(group, an_idle_connection_that_was_ended_is_not_lent);
	tcase_add_test(group, a_cancel_that_hangs_holds_up_nobody);
	tcase_add_test(group, a_pool_is_freed_while_a_cancel_hangs);
	tcase_add_test(group, settings_that_lead_nowhere_are_unavailable_without_a_crash);
	tcase_add_test(group, a_slow_name_server_does_not_hold_up_the_loop);
	tcase_add_test(group, a_pool_is_freed_while_a_name_is_resolved);
	tcase_add_test(group, a_transaction_open_while_its_pool_is_freed_can_be_rolled_back);
	tcase_add_test(group, freeing_the_pool_fails_what_runs_and_waits);
	cluster_prepare();
	int result = suite_main(suite);
	cluster_remove();
	return result;
}
