/* Statements and segments: results, errors, limits, many at once. */
#include "tests/db/fixture.h"

#include "orm/db/engine.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

static void answers_cells(void *arg)
{
	struct client c;
	struct db_rows rows;
	(void)arg;
	client_open(&c);
	struct statement statement = text_statement(
		&c, "SELECT $1::text, $2::text, $3::int + 1, NULL::int, ''", 3, "abc", NULL, "41");
	ck_assert(db_query(&c.session, &statement, true, &rows, &c.error));
	ck_assert_uint_eq(rows.nrows, 1);
	ck_assert_uint_eq(rows.ncolumns, 5);
	ck_assert(cell_is(&rows, 0, 0, "abc"));
	ck_assert(db_cell(&rows, 0, 1).p == NULL);
	ck_assert(cell_is(&rows, 0, 2, "42"));
	ck_assert(db_cell(&rows, 0, 3).p == NULL);
	ck_assert(cell_is(&rows, 0, 4, ""));
	ck_assert_uint_eq(c.session.usage.statements, 1);
	client_close(&c);
}

START_TEST(null_and_empty_text_are_told_apart)
{
	open_db();
	run(answers_cells, NULL);
}
END_TEST

static void asks_session(void *arg)
{
	struct client c;
	struct db_rows rows;
	(void)arg;
	client_open(&c);
	ck_assert(read_sql(
		&c,
		"SELECT current_setting('TimeZone'), current_setting('DateStyle'), "
		"current_setting('IntervalStyle'), current_setting('client_encoding'), "
		"current_setting('search_path'), current_setting('application_name'), "
		"current_setting('statement_timeout'), current_setting('client_connection_check_interval'), "
		"current_setting('random_page_cost')",
		&rows));
	ck_assert(cell_is(&rows, 0, 0, "UTC"));
	ck_assert(cell_is(&rows, 0, 1, "ISO, YMD"));
	ck_assert(cell_is(&rows, 0, 2, "iso_8601"));
	ck_assert(cell_is(&rows, 0, 3, "UTF8"));
	ck_assert(cell_is(&rows, 0, 4, "\"my schema\", public"));
	ck_assert(cell_is(&rows, 0, 5, "quern-test"));
	ck_assert(cell_is(&rows, 0, 6, "20s"));
	ck_assert(cell_is(&rows, 0, 7, "1s"));
	ck_assert(cell_is(&rows, 0, 8, "1.1"));
	client_close(&c);
}

START_TEST(a_session_is_set_up_the_same_whatever_the_server_says)
{
	settings.search_path = "\"my schema\", public";
	open_db();
	run(asks_session, NULL);
}
END_TEST

static void asks_page_cost(void *cost)
{
	struct client c;
	struct db_rows rows;
	client_open(&c);
	ck_assert(read_sql(&c, "SELECT current_setting('random_page_cost')", &rows));
	ck_assert(cell_is(&rows, 0, 0, cost));
	client_close(&c);
}

static void sets_page_cost(void *text)
{
	struct client c;
	char sql[200];
	client_open(&c);
	snprintf(sql, sizeof sql, "DO $$BEGIN EXECUTE format('ALTER DATABASE %%I %s', current_database()); END$$",
	         (const char *)text);
	must(&c, sql);
	client_close(&c);
}

START_TEST(a_cost_of_pages_that_somebody_has_set_stays)
{
	ck_assert_int_eq(setenv("PGOPTIONS", "-c random_page_cost=4", 1), 0);
	open_db();
	unsetenv("PGOPTIONS");
	run(asks_page_cost, "4");
	run(sets_page_cost, "SET random_page_cost = 3");
	db_free(db);
	open_db();
	run(asks_page_cost, "3");
	run(sets_page_cost, "RESET random_page_cost");
	db_free(db);
	open_db();
	run(asks_page_cost, "1.1");
}
END_TEST

static void writes_segment(void *arg)
{
	struct client c;
	struct db_rows rows[3];
	(void)arg;
	client_open(&c);
	must(&c, "CREATE TABLE seg (id int PRIMARY KEY, name text)");
	struct statement good[] = {
		text_statement(&c, "INSERT INTO seg VALUES ($1::int, $2), ($3::int, $4)", 4, "1", "a", "2",
	                   "b"),
		text_statement(&c, "UPDATE seg SET name = name || $1", 1, "!"),
		text_statement(&c, "SELECT name FROM seg ORDER BY id", 0),
	};
	ck_assert(db_run(&c.session, good, 3, false, rows, &c.error));
	ck_assert_uint_eq(rows[0].affected, 2);
	ck_assert_uint_eq(rows[1].affected, 2);
	ck_assert(cell_is(&rows[2], 1, 0, "b!"));
	struct statement bad[] = {
		text_statement(&c, "INSERT INTO seg VALUES (3, 'c')", 0),
		text_statement(&c, "INSERT INTO seg VALUES (1, 'twice')", 0),
		text_statement(&c, "INSERT INTO seg VALUES (4, 'd')", 0),
	};
	ck_assert(!db_run(&c.session, bad, 3, false, rows, &c.error));
	ck_assert_int_eq(c.error.kind, ERROR_INTEGRITY);
	ck_assert(str_is(c.error.constraint, "seg_pkey"));
	ck_assert(str_is(c.error.table, "seg"));
	ck_assert_int_eq(number_of(&c, "SELECT count(*) FROM seg"), 2);
	client_close(&c);
}

START_TEST(a_segment_is_done_whole_or_not_at_all)
{
	open_db();
	run(writes_segment, NULL);
}
END_TEST

static unsigned good, bad;

static void one_of_many(void *arg)
{
	int i = (int)(intptr_t)arg;
	struct client c;
	struct db_rows rows;
	char text[16];
	client_open(&c);
	snprintf(text, sizeof text, "%d", i % 10);
	struct statement statement = text_statement(&c, "SELECT 100 / $1::int", 1, text);
	for (int round = 0; round < 5; round++) {
		error_clear(&c.error);
		bool is_done = db_query(&c.session, &statement, true, &rows, &c.error);
		ck_assert_int_eq(is_done, i % 10 != 0);
		if (is_done) {
			ck_assert_int_eq(atoi(db_cell(&rows, 0, 0).p), 100 / (i % 10));
			good++;
			continue;
		}
		ck_assert_int_eq(c.error.kind, ERROR_VALUE);
		bad++;
	}
	client_close(&c);
}

START_TEST(an_error_hurts_nobody_who_shares_its_connection)
{
	settings.pool_size = 2;
	open_db();
	good = bad = 0;
	for (int i = 0; i < 500; i++)
		start(one_of_many, (void *)(intptr_t)i);
	run_all();
	ck_assert_uint_eq(good, 450 * 5);
	ck_assert_uint_eq(bad, 50 * 5);
}
END_TEST

static void one_writer(void *arg)
{
	int i = (int)(intptr_t)arg;
	struct client c;
	struct db_rows rows;
	char id[16];
	client_open(&c);
	snprintf(id, sizeof id, "%d", i / 2);
	struct statement statement = text_statement(&c, "INSERT INTO pairs VALUES ($1::int)", 1, id);
	if (db_query(&c.session, &statement, false, &rows, &c.error))
		good++;
	else
		bad += c.error.kind == ERROR_INTEGRITY;
	client_close(&c);
}

static void makes_pairs(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	must(&c, "CREATE TABLE pairs (id int PRIMARY KEY)");
	client_close(&c);
}

static void counts_pairs(void *arg)
{
	struct client c;
	client_open(&c);
	*(long long *)arg = number_of(&c, "SELECT count(*) FROM pairs");
	client_close(&c);
}

START_TEST(writes_of_many_clients_stand_or_fall_alone)
{
	open_db();
	run(makes_pairs, NULL);
	good = bad = 0;
	for (int i = 0; i < 400; i++)
		start(one_writer, (void *)(intptr_t)i);
	run_all();
	ck_assert_uint_eq(good, 200);
	ck_assert_uint_eq(bad, 200);
	long long n = 0;
	run(counts_pairs, &n);
	ck_assert_int_eq(n, 200);
}
END_TEST

static void one_of_ten_thousand(void *arg)
{
	struct client c;
	struct db_rows rows;
	client_open(&c);
	char text[16];
	snprintf(text, sizeof text, "%d", (int)(intptr_t)arg);
	struct statement statement = text_statement(&c, "SELECT $1::int, repeat('x', 100)", 1, text);
	ck_assert(db_query(&c.session, &statement, true, &rows, &c.error));
	ck_assert(cell_is(&rows, 0, 0, text));
	good++;
	client_close(&c);
}

/* The thread sanitizer takes a megabyte for each task. */
#ifdef __SANITIZE_THREAD__
enum { MANY = 500 };
#else
enum { MANY = 10000 };
#endif

START_TEST(ten_thousand_statements_at_once_are_answered_in_bounded_flight)
{
	struct db_stats stats;
	settings.pool_size = 2;
	settings.acquire_timeout_ms = 30000;
	open_db();
	good = 0;
	for (int i = 0; i < MANY; i++)
		start(one_of_ten_thousand, (void *)(intptr_t)i);
	db_stats(db, &stats);
	ck_assert_uint_eq(stats.waiting, MANY);
	run_all();
	ck_assert_uint_eq(good, MANY);
	db_stats(db, &stats);
	ck_assert_uint_eq(stats.waiting, 0);
	ck_assert_uint_eq(stats.busy, 0);
	ck_assert_uint_ge(stats.statements, MANY);
}
END_TEST

static void sends_big(void *arg)
{
	struct client c;
	struct db_rows rows;
	size_t n = 1024 * 1024 + 17;
	client_open(&c);
	char *text = malloc(n + 1);
	memset(text, 'a' + (int)(intptr_t)arg, n);
	text[n] = '\0';
	struct statement statement = text_statement(&c, "SELECT $1::text, length($1)", 1, text);
	ck_assert(db_query(&c.session, &statement, true, &rows, &c.error));
	ck_assert_uint_eq(db_cell(&rows, 0, 0).n, n);
	ck_assert(memcmp(db_cell(&rows, 0, 0).p, text, n) == 0);
	free(text);
	client_close(&c);
}

START_TEST(parameters_and_cells_of_a_mebibyte_pass)
{
	open_db();
	for (int i = 0; i < 20; i++)
		start(sends_big, (void *)(intptr_t)i);
	run_all();
}
END_TEST

static void runs_each(void *arg)
{
	struct client c;
	struct db_rows rows[40];
	struct statement statements[40];
	(void)arg;
	client_open(&c);
	for (int i = 0; i < 40; i++) {
		char *text = arena_cstr(c.arena, arena_printf(c.arena, "%d", i));
		statements[i] = text_statement(&c, "SELECT 1000 / (20 - $1::int)", 1, text);
	}
	ck_assert(db_run_each(&c.session, statements, 20, rows, &c.error));
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(atoi(db_cell(&rows[i], 0, 0).p), 1000 / (20 - i));
	ck_assert(!db_run_each(&c.session, statements, 40, rows, &c.error));
	ck_assert_int_eq(c.error.kind, ERROR_VALUE);
	ck_assert_uint_eq(c.session.usage.statements, 60);
	ck_assert_int_eq(number_of(&c, "SELECT 7"), 7);
	client_close(&c);
}

START_TEST(independent_statements_go_out_together_and_report_the_first_error)
{
	open_db();
	run(runs_each, NULL);
}
END_TEST

struct wrong {
	const char *sql;
	enum error_kind kind;
	const char *constraint, *table, *column;
};

static const struct wrong wrongs[] = {
	{"INSERT INTO child VALUES (1, 99, 5)", ERROR_INTEGRITY, "child_parent_fk", "child", NULL},
	{"INSERT INTO child VALUES (1, NULL, 5)", ERROR_INTEGRITY, NULL, "child", "parent"},
	{"INSERT INTO child VALUES (1, 1, -5)", ERROR_INTEGRITY, "child_size_check", "child", NULL},
	{"INSERT INTO parent VALUES (1, 'a'), (1, 'b')", ERROR_INTEGRITY, "parent_pkey", "parent",
     NULL},
	{"INSERT INTO parent VALUES (7, 'too long for it')", ERROR_VALUE, NULL, NULL, NULL},
	{"SELECT 'x'::int", ERROR_VALUE, NULL, NULL, NULL},
	{"SELECT 1/0", ERROR_VALUE, NULL, NULL, NULL},
	{"SELECT 99999999999::int", ERROR_VALUE, NULL, NULL, NULL},
	{"SELECT (SELECT generate_series(1, 2))", ERROR_VALUE, NULL, NULL, NULL},
	{"SELECT * FROM no_such_table", ERROR_UNAVAILABLE, NULL, NULL, NULL},
	{"SELECT 'a' ~ '('", ERROR_VALUE, NULL, NULL, NULL},
	{"SELECT 1 + true", ERROR_TYPE, NULL, NULL, NULL},
	{"SELEKT", ERROR_INTERNAL, NULL, NULL, NULL},
};

static bool same(struct str s, const char *text)
{
	return text == NULL ? s.p == NULL : s.p != NULL && str_is(s, text);
}

static void makes_mistakes(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	must(&c, "CREATE TABLE parent (id int PRIMARY KEY, name varchar(10))");
	must(&c, "CREATE TABLE child (id int PRIMARY KEY, parent int NOT NULL, size int, "
	         "CONSTRAINT child_parent_fk FOREIGN KEY (parent) REFERENCES parent, "
	         "CONSTRAINT child_size_check CHECK (size > 0))");
	must(&c, "INSERT INTO parent VALUES (1, 'a')");
	for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
		const struct wrong *wrong = &wrongs[i];
		ck_assert_msg(!write_sql(&c, wrong->sql, NULL), "%s", wrong->sql);
		ck_assert_msg(c.error.kind == wrong->kind, "%s: %s", wrong->sql, error_title(c.error.kind));
		ck_assert_msg(same(c.error.constraint, wrong->constraint), "%s", wrong->sql);
		ck_assert_msg(same(c.error.table, wrong->table), "%s", wrong->sql);
		ck_assert_msg(same(c.error.column, wrong->column), "%s", wrong->sql);
		ck_assert_msg(str_find(c.error.detail, STR("\"")) < 0, "%.*s", STR_ARG(c.error.detail));
	}
	client_close(&c);
}

START_TEST(each_mistake_has_its_kind_and_names_the_constraint)
{
	open_db();
	run(makes_mistakes, NULL);
}
END_TEST

static void takes_too_long(void *arg)
{
	struct client c;
	struct db_rows rows;
	(void)arg;
	client_open(&c);
	uint64_t before = now_ms();
	ck_assert(!read_sql(&c, "SELECT pg_sleep(10)", &rows));
	ck_assert_int_eq(c.error.kind, ERROR_TIMEOUT);
	ck_assert_uint_lt(now_ms() - before, 2000);
	long long pid = number_of(&c, "SELECT pg_backend_pid()");
	ck_assert(!read_sql(&c, "SELECT pg_sleep(9)", &rows));
	ck_assert_int_eq(number_of(&c, "SELECT pg_backend_pid()"), pid);
	client_close(&c);
}

START_TEST(a_statement_over_its_time_is_a_timeout_and_the_connection_stays)
{
	settings.pool_size = 1;
	settings.statement_timeout_ms = 200;
	open_db();
	run(takes_too_long, NULL);
}
END_TEST

static bool keeps_asking;
static uint64_t longest_ms;

static void reports_slowly(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	while (keeps_asking)
		ck_assert(read_sql(&c, "SELECT pg_sleep(0.15)", NULL));
	client_close(&c);
}

static void looks_up(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	rest(700); /* the slow shape has shown itself by now */
	for (int i = 0; i < 300; i++) {
		uint64_t before = now_ms();
		ck_assert_int_eq(number_of(&c, "SELECT 42"), 42);
		if (now_ms() - before > longest_ms && i > 0)
			longest_ms = now_ms() - before;
		rest(1);
	}
	keeps_asking = false;
	client_close(&c);
}

START_TEST(quick_statements_do_not_stand_behind_slow_ones)
{
	settings.pool_size = 3;
	open_db();
	keeps_asking = true;
	longest_ms = 0;
	for (int i = 0; i < 10; i++)
		start(reports_slowly, NULL);
	start(looks_up, NULL);
	run_all();
	ck_assert_uint_lt(longest_ms, 100);
}
END_TEST

/* What a slow statement says of its transaction. */
struct slow {
	bool is_wanted; /* that it goes without workers: asked until it has, for some seconds */
	bool has_workers;
};

static void asks_slowly(void *arg)
{
	struct client c;
	struct db_rows rows;
	struct slow *slow = arg;
	client_open(&c);
	uint64_t end = now_ms() + 10000;
	for (int i = 0; i < 6 || (slow->is_wanted && slow->has_workers && now_ms() < end); i++) {
		ck_assert(read_sql(&c, "SELECT current_setting('max_parallel_workers'), pg_sleep(0.06)", &rows));
		slow->has_workers = !cell_is(&rows, 0, 0, "0");
	}
	keeps_asking = false;
	client_close(&c);
	/* Behind it, of all connections that it may have had. */
	struct client other[2];
	struct db_tx *tx[2];
	for (int i = 0; i < 2; i++) {
		client_open(&other[i]);
		ck_assert(db_begin(&other[i].session, DB_READ_COMMITTED, &tx[i], &other[i].error));
		ck_assert(read_sql(&other[i], "SELECT current_setting('max_parallel_workers')", &rows));
		ck_assert(!cell_is(&rows, 0, 0, "0"));
	}
	for (int i = 0; i < 2; i++) {
		db_rollback(tx[i]);
		client_close(&other[i]);
	}
}

static void asks_quickly(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	while (keeps_asking)
		ck_assert_int_eq(number_of(&c, "SELECT 42"), 42);
	client_close(&c);
}

static void asks_where_it_is(void *is_here)
{
	struct client c;
	client_open(&c);
	*(bool *)is_here = number_of(&c, "SELECT COALESCE(inet_client_addr() = inet_server_addr(), true)::int") == 1;
	client_close(&c);
}

START_TEST(a_slow_statement_leaves_few_processors_to_quick_ones)
{
	cpu_set_t set;
	bool is_here;
	struct slow slow = {.is_wanted = false};
	settings.pool_size = 3; /* two of them for what wants one of its own */
	open_db();
	run(asks_slowly, &slow);
	ck_assert(slow.has_workers);
	run(asks_where_it_is, &is_here);
	ck_assert_int_eq(sched_getaffinity(0, sizeof set, &set), 0);
	slow.is_wanted = is_here && CPU_COUNT(&set) <= FEW_PROCESSORS;
	keeps_asking = true;
	start(asks_quickly, NULL);
	start(asks_slowly, &slow);
	run_all();
	ck_assert(slow.has_workers == !slow.is_wanted);
}
END_TEST

static void asks_thirty_times(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	for (int i = 0; i < 30; i++)
		ck_assert_int_eq(number_of(&c, "SELECT 42"), 42);
	keeps_asking = false;
	client_close(&c);
}

START_TEST(quick_and_slow_ones_take_turns_on_the_only_connection)
{
	settings.pool_size = 1;
	open_db();
	keeps_asking = true;
	for (int i = 0; i < 2; i++)
		start(reports_slowly, NULL);
	start(asks_thirty_times, NULL);
	run_all();
}
END_TEST

static void is_refused_the_setting(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	for (int i = 0; i < 30; i++)
		ck_assert(read_sql(&c, "SELECT pg_sleep(0.04)", NULL));
	keeps_asking = false;
	client_close(&c);
}

/* In a database of its own rights; given back behind it. */
static void revokes(void *is_revoked)
{
	struct client c;
	client_open(&c);
	if (*(bool *)is_revoked) {
		must(&c, "CREATE ROLE unset NOLOGIN");
		must(&c, "REVOKE EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) FROM PUBLIC");
	} else {
		must(&c, "GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO PUBLIC");
		must(&c, "DROP ROLE unset");
	}
	client_close(&c);
}

START_TEST(a_server_that_refuses_the_setting_answers_all_the_same)
{
	bool is_revoked = true;
	settings.pool_size = 2;
	open_db();
	run(revokes, &is_revoked);
	db_free(db);
	ck_assert_int_eq(setenv("PGOPTIONS", "-c role=unset", 1), 0);
	open_db();
	unsetenv("PGOPTIONS");
	keeps_asking = true;
	start(asks_quickly, NULL);
	start(is_refused_the_setting, NULL);
	run_all();
	db_free(db);
	open_db();
	is_revoked = false;
	run(revokes, &is_revoked);
}
END_TEST

static void asks_too_much(void *arg)
{
	struct client c;
	struct db_rows rows;
	(void)arg;
	client_open(&c);
	struct statement statement = {.sql = STR("SELECT 1"), .nparams = 65536};
	statement.params = ARENA_ARRAY(c.arena, struct param, 65536);
	ck_assert(!db_query(&c.session, &statement, true, &rows, &c.error));
	ck_assert_int_eq(c.error.kind, ERROR_TOO_LARGE);
	error_clear(&c.error);

	struct db_stream *stream;
	ck_assert(!db_stream_open(&c.session, &statement, &stream, &c.error));
	ck_assert_int_eq(c.error.kind, ERROR_TOO_LARGE);
	error_clear(&c.error);

	struct db_tx *tx;
	ck_assert(db_begin(&c.session, DB_READ_COMMITTED, &tx, &c.error));
	ck_assert(!db_tx_query(tx, &statement, &rows, &c.error));
	ck_assert_int_eq(c.error.kind, ERROR_TOO_LARGE);
	error_clear(&c.error);
	db_rollback(tx);
	/* No connection was lost by it. */
	ck_assert_int_eq(number_of(&c, "SELECT 42"), 42);
	client_close(&c);
}

START_TEST(more_parameters_than_the_protocol_counts_are_refused)
{
	open_db();
	run(asks_too_much, NULL);
}
END_TEST

static void leaves_transaction_open(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	long long pid = number_of(&c, "SELECT pg_backend_pid()");
	must(&c, "BEGIN");
	ck_assert_int_ne(number_of(&c, "SELECT pg_backend_pid()"), pid);
	client_close(&c);
}

START_TEST(a_connection_left_in_a_transaction_serves_nobody_else)
{
	settings.pool_size = 1;
	open_db();
	run(leaves_transaction_open, NULL);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "db run");
	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, null_and_empty_text_are_told_apart);
	tcase_add_test(group, a_session_is_set_up_the_same_whatever_the_server_says);
	tcase_add_test(group, a_cost_of_pages_that_somebody_has_set_stays);
	tcase_add_test(group, a_segment_is_done_whole_or_not_at_all);
	tcase_add_test(group, an_error_hurts_nobody_who_shares_its_connection);
	tcase_add_test(group, writes_of_many_clients_stand_or_fall_alone);
	tcase_add_test(group, ten_thousand_statements_at_once_are_answered_in_bounded_flight);
	tcase_add_test(group, parameters_and_cells_of_a_mebibyte_pass);
	tcase_add_test(group, independent_statements_go_out_together_and_report_the_first_error);
	tcase_add_test(group, each_mistake_has_its_kind_and_names_the_constraint);
	tcase_add_test(group, a_statement_over_its_time_is_a_timeout_and_the_connection_stays);
	tcase_add_test(group, quick_statements_do_not_stand_behind_slow_ones);
	tcase_add_test(group, quick_and_slow_ones_take_turns_on_the_only_connection);
	tcase_add_test(group, a_slow_statement_leaves_few_processors_to_quick_ones);
	tcase_add_test(group, a_server_that_refuses_the_setting_answers_all_the_same);
	tcase_add_test(group, more_parameters_than_the_protocol_counts_are_refused);
	tcase_add_test(group, a_connection_left_in_a_transaction_serves_nobody_else);
	return suite_main(suite);
}
