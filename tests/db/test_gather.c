/* Writes of one shape share a commit; none is hurt by its neighbours. */
#include "tests/db/fixture.h"

#include <stdio.h>

/* Clients that write at once, one statement each; `wrong` of them is refused by what they ask. */
enum { WRITERS = 24 };
static unsigned good, bad, other;
static const char *sql;
static int wrong;

static void count(bool is_done, const struct client *c)
{
	good += is_done;
	bad += !is_done && c->error.kind == ERROR_INTEGRITY;
	other += !is_done && c->error.kind != ERROR_INTEGRITY;
}

static void writes_once(void *arg)
{
	int i = (int)(intptr_t)arg;
	struct client c;
	struct db_rows rows;
	char id[16], value[16];
	client_open(&c);
	snprintf(id, sizeof id, "%d", i);
	snprintf(value, sizeof value, "%d", i == wrong ? -1 : i);
	struct statement statement = text_statement(&c, sql, 2, value, id);
	bool is_done = db_query(&c.session, &statement, false, &rows, &c.error);
	count(is_done, &c);
	if (is_done && statement.sql.n > 0 && rows.nrows == 1)
		ck_assert(cell_is(&rows, 0, 0, id));
	client_close(&c);
}

static void runs_sql(void *arg)
{
	struct client c;
	client_open(&c);
	must(&c, arg);
	client_close(&c);
}

static long long answer;

static void asks(void *arg)
{
	struct client c;
	client_open(&c);
	answer = number_of(&c, arg);
	client_close(&c);
}

static long long ask(const char *text)
{
	run(asks, (void *)(intptr_t)text);
	return answer;
}

static void do_sql(const char *text)
{
	run(runs_sql, (void *)(intptr_t)text);
}

/* All writers at once, the shape's time being known: of several runs, since by that of one which a busy machine held up
 * they would be too many for one flight. */
static void write_all(const char *text, int which_is_wrong)
{
	sql = text;
	wrong = -1;
	for (int i = 0; i < 10; i++)
		run(writes_once, (void *)(intptr_t)(1000 + i));
	wrong = which_is_wrong;
	good = bad = other = 0;
	for (int i = 0; i < WRITERS; i++)
		start(writes_once, (void *)(intptr_t)i);
	run_all();
}

static struct db_stats stats_now(void)
{
	struct db_stats stats;
	db_stats(db, &stats);
	return stats;
}

START_TEST(writes_that_come_together_share_a_commit)
{
	open_db();
	do_sql("CREATE TABLE shared (value int, id int)");
	write_all("INSERT INTO shared VALUES ($1::int, $2::int) RETURNING id", -1);
	ck_assert_uint_eq(good, WRITERS);
	ck_assert_int_eq(ask("SELECT count(*) FROM shared WHERE id < 1000"), WRITERS);
	ck_assert_int_eq(ask("SELECT count(DISTINCT xmin::text) FROM shared WHERE id < 1000"), 1);
	ck_assert_uint_eq(stats_now().gathered, WRITERS);
	ck_assert_uint_eq(stats_now().undone, 0);
	/* The patience of a gathered flight ends with it. */
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(ask("SELECT count(*) FROM pg_settings WHERE name = 'statement_timeout' AND setting = '20000'"), 1);
}
END_TEST

START_TEST(a_write_that_fails_hurts_none_that_shared_its_commit)
{
	open_db();
	do_sql("CREATE TABLE checked (value int CHECK (value >= 0), id int)");
	write_all("INSERT INTO checked VALUES ($1::int, $2::int) RETURNING id", 7);
	ck_assert_uint_eq(good, WRITERS - 1);
	ck_assert_uint_eq(bad, 1);
	ck_assert_int_eq(ask("SELECT count(*) FROM checked WHERE id < 1000"), WRITERS - 1);
	ck_assert_int_eq(ask("SELECT count(*) FROM checked WHERE id = 7"), 0);
	ck_assert_uint_eq(stats_now().gathered, WRITERS);
	ck_assert_uint_eq(stats_now().undone, 1);
	/* For a while the shape is not tried again. */
	write_all("INSERT INTO checked VALUES ($1::int, $2::int) RETURNING id", 7);
	ck_assert_uint_eq(good, WRITERS - 1);
	ck_assert_uint_eq(stats_now().gathered, WRITERS);
}
END_TEST

START_TEST(a_constraint_that_speaks_at_the_commit_hurts_none_either)
{
	open_db();
	do_sql("CREATE TABLE target (id int PRIMARY KEY)");
	do_sql("INSERT INTO target SELECT i FROM generate_series(0, 1000) i");
	do_sql("CREATE TABLE deferred (value int REFERENCES target DEFERRABLE INITIALLY DEFERRED, id int)");
	write_all("INSERT INTO deferred VALUES ($1::int, $2::int) RETURNING id", 3);
	ck_assert_uint_eq(good, WRITERS - 1);
	ck_assert_uint_eq(bad, 1);
	ck_assert_int_eq(ask("SELECT count(*) FROM deferred WHERE id < 1000"), WRITERS - 1);
	ck_assert_uint_eq(stats_now().undone, 1);
}
END_TEST

START_TEST(of_two_equal_keys_one_is_refused)
{
	open_db();
	do_sql("CREATE TABLE keyed (value int, id int)");
	do_sql("CREATE UNIQUE INDEX ON keyed ((id / 2))");
	write_all("INSERT INTO keyed VALUES ($1::int, $2::int) RETURNING id", -1);
	ck_assert_uint_eq(good, WRITERS / 2);
	ck_assert_uint_eq(bad, WRITERS / 2);
	ck_assert_int_eq(ask("SELECT count(*) FROM keyed WHERE id < 1000"), WRITERS / 2);
	ck_assert_uint_ge(stats_now().undone, 1);
}
END_TEST

static bool verdicts[2];

static void points_at(void *arg)
{
	int i = (int)(intptr_t)arg;
	struct client c;
	struct db_rows rows;
	client_open(&c);
	struct statement statement = text_statement(&c, sql, 2, i == 0 ? "100" : "7", "5");
	verdicts[i] = db_query(&c.session, &statement, false, &rows, &c.error);
	client_close(&c);
}

START_TEST(a_neighbour_does_not_heal_what_breaks_a_deferred_constraint)
{
	open_db();
	do_sql("CREATE TABLE aim (id int PRIMARY KEY)");
	do_sql("INSERT INTO aim VALUES (0), (7)");
	do_sql("CREATE TABLE arrow (aim int REFERENCES aim DEFERRABLE INITIALLY DEFERRED, id int)");
	do_sql("INSERT INTO arrow VALUES (0, 5)");
	sql = "UPDATE arrow SET aim = $1::int WHERE id = $2::int RETURNING id";
	wrong = -1;
	run(writes_once, (void *)(intptr_t)1000);
	/* 100 goes first, and is replaced before anybody looks. */
	start(points_at, (void *)(intptr_t)0);
	start(points_at, (void *)(intptr_t)1);
	run_all();
	ck_assert_uint_eq(stats_now().gathered, 2);
	ck_assert(!verdicts[0]);
	ck_assert(verdicts[1]);
	ck_assert_int_eq(ask("SELECT aim FROM arrow"), 7);
}
END_TEST

START_TEST(a_write_that_takes_long_holds_up_no_neighbour)
{
	open_db();
	do_sql("CREATE TABLE lengthy (value int, id int)");
	sql = "INSERT INTO lengthy SELECT $1::int, $2::int FROM pg_sleep(CASE WHEN $2::int = 3 THEN 0.7 ELSE 0 END) "
	      "RETURNING id";
	wrong = -1;
	run(writes_once, (void *)(intptr_t)1000);
	good = bad = other = 0;
	for (int i = 0; i < WRITERS; i++)
		start(writes_once, (void *)(intptr_t)i);
	uint64_t begun = now_ms();
	while (good < WRITERS - 1)
		loop_turn(loop, 100);
	/* The one alone takes longer than all the others together. */
	ck_assert_uint_eq(good, WRITERS - 1);
	ck_assert_uint_lt(now_ms() - begun, 700);
	run_all();
	ck_assert_uint_eq(good, WRITERS);
	ck_assert_uint_eq(stats_now().undone, 1);
	ck_assert_int_eq(ask("SELECT count(*) FROM lengthy WHERE id < 1000"), WRITERS);
}
END_TEST

static void writes_large(void *arg)
{
	struct client c;
	struct db_rows rows;
	client_open(&c);
	struct statement statement = text_statement(&c, sql, 2, arg, "1");
	ck_assert(db_query(&c.session, &statement, false, &rows, &c.error));
	client_close(&c);
}

START_TEST(large_writes_go_in_flights_that_a_connection_survives)
{
	open_db();
	do_sql("CREATE TABLE large (value text, id int)");
	static char text[50001];
	memset(text, 'x', 50000);
	sql = "INSERT INTO large SELECT repeat($1, 1), $2::int RETURNING id";
	wrong = -1;
	run(writes_once, (void *)(intptr_t)1000);
	for (int i = 0; i < WRITERS; i++)
		start(writes_large, text);
	run_all();
	ck_assert_int_eq(ask("SELECT count(*) FROM large WHERE length(value) = 50000"), WRITERS);
	ck_assert_uint_eq(stats_now().losses, 0);
	ck_assert_uint_gt(stats_now().gathered, 0);
}
END_TEST

static bool is_held;

static void holds_a_row(void *arg)
{
	struct client c;
	struct db_tx *tx;
	struct db_rows rows;
	struct statement lock = {.sql = STR("UPDATE held SET value = 100 WHERE id = 0")};
	(void)arg;
	client_open(&c);
	ck_assert(db_begin(&c.session, DB_READ_COMMITTED, &tx, &c.error));
	ck_assert(db_query(&c.session, &lock, false, &rows, &c.error));
	is_held = true;
	for (int i = 0; good < WRITERS - 1; i++) {
		ck_assert_msg(i < 2000, "%u of those that could run have", good);
		rest(5);
	}
	ck_assert_uint_eq(good, WRITERS - 1);
	ck_assert(db_commit(tx, &c.error));
	client_close(&c);
}

START_TEST(a_write_that_waits_for_a_lock_holds_up_none_that_could_run)
{
	open_db();
	do_sql("CREATE TABLE held (value int, id int PRIMARY KEY)");
	do_sql("INSERT INTO held SELECT 0, i FROM generate_series(0, 1000) i");
	is_held = false;
	good = 0;
	sql = "UPDATE held SET value = value + $1::int WHERE id = $2::int RETURNING id";
	wrong = -1;
	run(writes_once, (void *)(intptr_t)1000);
	good = bad = other = 0;
	start(holds_a_row, NULL);
	while (!is_held)
		loop_turn(loop, 100);
	for (int i = 0; i < WRITERS; i++)
		start(writes_once, (void *)(intptr_t)i);
	run_all();
	ck_assert_uint_eq(good, WRITERS);
	ck_assert_uint_eq(stats_now().undone, 1);
	ck_assert_int_eq(ask("SELECT value FROM held WHERE id = 0"), 100);
	ck_assert_int_eq(ask("SELECT sum(value) FROM held WHERE id BETWEEN 1 AND 999"), WRITERS * (WRITERS - 1) / 2);
}
END_TEST

enum { ROUNDS = 40 };

static void counts_up(void *arg)
{
	struct client c;
	struct db_rows rows;
	(void)arg;
	client_open(&c);
	for (int i = 0; i < ROUNDS; i++) {
		struct statement statement = text_statement(
			&c, "UPDATE counter SET value = value + $1::int WHERE id = $2::int RETURNING value", 2, "1",
			i % 2 ? "1" : "2");
		bool is_done = db_query(&c.session, &statement, false, &rows, &c.error);
		ck_assert_msg(is_done, "%.*s", STR_ARG(c.error.detail));
		ck_assert_uint_eq(rows.affected, 1);
	}
	client_close(&c);
}

START_TEST(counters_that_all_want_count_every_one)
{
	open_db();
	do_sql("CREATE TABLE counter (value int, id int PRIMARY KEY)");
	do_sql("INSERT INTO counter VALUES (0, 1), (0, 2)");
	struct db *first = db, *second = db_new(loop, &settings);
	for (int i = 0; i < 2 * WRITERS; i++) {
		db = i % 2 ? second : first;
		start(counts_up, NULL);
	}
	db = first;
	run_all();
	ck_assert_int_eq(ask("SELECT sum(value) FROM counter"), 2 * WRITERS * ROUNDS);
	ck_assert_uint_gt(stats_now().gathered, WRITERS * ROUNDS / 4);
	db_free(second);
}
END_TEST

static struct client leaver;

static void writes_and_leaves(void *arg)
{
	struct db_rows rows;
	(void)arg;
	client_open(&leaver);
	struct statement statement = text_statement(&leaver, sql, 2, "5", "500");
	ck_assert(!db_query(&leaver.session, &statement, false, &rows, &leaver.error));
	client_close(&leaver);
}

START_TEST(a_client_that_leaves_hurts_none_that_shared_its_commit)
{
	open_db();
	do_sql("CREATE TABLE left_alone (value int, id int)");
	sql = "INSERT INTO left_alone VALUES ($1::int, $2::int) RETURNING id";
	wrong = -1;
	run(writes_once, (void *)(intptr_t)1000);
	good = bad = other = 0;
	start(writes_and_leaves, NULL);
	for (int i = 0; i < WRITERS; i++)
		start(writes_once, (void *)(intptr_t)i);
	/* All are on their way in one flight. */
	while (stats_now().gathered == 0)
		loop_turn(loop, 100);
	db_session_cancel(&leaver.session);
	run_all();
	ck_assert_uint_eq(good, WRITERS);
	ck_assert_int_eq(ask("SELECT count(*) FROM left_alone WHERE id < 500"), WRITERS);
}
END_TEST

START_TEST(a_table_that_changed_is_written_all_the_same)
{
	open_db();
	do_sql("CREATE TABLE changing (value int, id int)");
	write_all("INSERT INTO changing VALUES ($1, $2) RETURNING *", -1);
	ck_assert_uint_eq(good, WRITERS);
	do_sql("ALTER TABLE changing ALTER COLUMN value TYPE bigint, ADD COLUMN more int");
	good = bad = other = 0;
	for (int i = 0; i < WRITERS; i++)
		start(writes_once, (void *)(intptr_t)i);
	run_all();
	ck_assert_uint_eq(good, WRITERS);
	ck_assert_int_eq(ask("SELECT count(*) FROM changing WHERE id < 1000"), 2 * WRITERS);
	ck_assert_uint_ge(stats_now().healed, 1);
}
END_TEST

static bool is_let_go;

static void ends_backends(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	for (int i = 0; i < 5; i++) {
		rest(50);
		must(&c, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "
		         "query LIKE 'UPDATE lost%'");
	}
	is_let_go = true;
	client_close(&c);
}

static void keeps_the_table(void *arg)
{
	struct client c;
	struct db_tx *tx;
	struct db_rows rows;
	struct statement lock = {.sql = STR("LOCK TABLE lost IN SHARE MODE")};
	(void)arg;
	client_open(&c);
	ck_assert(db_begin(&c.session, DB_READ_COMMITTED, &tx, &c.error));
	ck_assert(db_query(&c.session, &lock, false, &rows, &c.error));
	is_held = true;
	while (!is_let_go)
		rest(5);
	ck_assert(db_commit(tx, &c.error));
	client_close(&c);
}

START_TEST(what_a_lost_connection_leaves_is_done_once_or_said_to_be_unknown)
{
	open_db();
	do_sql("CREATE TABLE lost (value int, id int PRIMARY KEY)");
	do_sql("INSERT INTO lost SELECT 0, i FROM generate_series(0, 1000) i");
	is_held = is_let_go = false;
	sql = "UPDATE lost SET value = value + $1::int * 0 + 1 WHERE id = $2::int RETURNING id";
	wrong = -1;
	run(writes_once, (void *)(intptr_t)1000);
	good = bad = other = 0;
	start(keeps_the_table, NULL);
	while (!is_held)
		loop_turn(loop, 100);
	for (int i = 0; i < WRITERS; i++)
		start(writes_once, (void *)(intptr_t)i);
	/* The gathered flight gives up; then those that it took along wait, each alone. */
	while (stats_now().undone == 0)
		loop_turn(loop, 100);
	struct db *writing = db;
	db = db_new(loop, &settings);
	start(ends_backends, NULL);
	run_all();
	db_free(db);
	db = writing;
	ck_assert_uint_eq(good + other, WRITERS);
	ck_assert_uint_gt(other, 0);
	long long written = ask("SELECT count(*) FROM lost WHERE value = 1 AND id < 1000");
	ck_assert_int_ge(written, good);
	ck_assert_int_le(written, WRITERS);
	ck_assert_int_eq(ask("SELECT count(*) FROM lost WHERE value > 1"), 0);
}
END_TEST

static void ends_a_flight(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	while (number_of(&c, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = "
	                     "'PgSleep' AND query LIKE 'INSERT INTO ended%'") == 0)
		rest(10);
	client_close(&c);
}

START_TEST(of_a_flight_that_is_lost_nothing_is_done_and_nothing_said_to_be)
{
	open_db();
	do_sql("CREATE TABLE ended (value int, id int)");
	sql = "INSERT INTO ended SELECT $1::int, $2::int FROM pg_sleep(0.02) RETURNING id";
	wrong = -1;
	run(writes_once, (void *)(intptr_t)1000);
	good = bad = other = 0;
	for (int i = 0; i < WRITERS; i++)
		start(writes_once, (void *)(intptr_t)i);
	while (stats_now().gathered == 0)
		loop_turn(loop, 100);
	struct db *writing = db;
	db = db_new(loop, &settings);
	start(ends_a_flight, NULL);
	run_all();
	db_free(db);
	db = writing;
	/* At 20 ms each, two go together. */
	ck_assert_uint_ge(other, 2);
	ck_assert_uint_eq(good + other, WRITERS);
	ck_assert_int_eq(ask("SELECT count(*) FROM ended WHERE id < 1000"), good);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "db gather");
	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, writes_that_come_together_share_a_commit);
	tcase_add_test(group, a_write_that_fails_hurts_none_that_shared_its_commit);
	tcase_add_test(group, a_constraint_that_speaks_at_the_commit_hurts_none_either);
	tcase_add_test(group, of_two_equal_keys_one_is_refused);
	tcase_add_test(group, a_neighbour_does_not_heal_what_breaks_a_deferred_constraint);
	tcase_add_test(group, a_write_that_takes_long_holds_up_no_neighbour);
	tcase_add_test(group, large_writes_go_in_flights_that_a_connection_survives);
	tcase_add_test(group, a_write_that_waits_for_a_lock_holds_up_none_that_could_run);
	tcase_add_test(group, counters_that_all_want_count_every_one);
	tcase_add_test(group, a_client_that_leaves_hurts_none_that_shared_its_commit);
	tcase_add_test(group, a_table_that_changed_is_written_all_the_same);
	tcase_add_test(group, what_a_lost_connection_leaves_is_done_once_or_said_to_be_unknown);
	tcase_add_test(group, of_a_flight_that_is_lost_nothing_is_done_and_nothing_said_to_be);
	return suite_main(suite);
}
