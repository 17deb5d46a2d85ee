/* Lookups by primary key that wait at the same time: how many statements they take, what each gets, and what
 * happens when a client leaves.
 */
#include "orm/base/loop.h"
#include "orm/base/task.h"
#include "orm/fetch/key_lookup.h"
#include "orm/model/build.h"
#include "orm/wire/encode.h"
#include "orm/wire/json.h"
#include "tests/support/suite.h"

static struct loop *loop;
static struct db *db;
static struct arena *arena;
static const struct registry *registry;
static struct key_lookups *lookups;
static const struct model *asked; /* whose rows the clients look up */

static const struct value *json(const char *text)
{
	static const struct json_limits limits = {10000, 30, 1000};
	const struct value *value;
	struct error error;

	error_init(&error, arena);
	ck_assert(json_read(arena, str_of(text), &limits, &value, &error));
	return value;
}

static void setup(void)
{
	static struct db_settings settings = {.pool_size = 3,
	                                      .acquire_timeout_ms = 5000,
	                                      .statement_timeout_ms = 20000,
	                                      .statement_cache = 50,
	                                      .application_name = "test_key_lookup"};
	const struct value *documents[1];
	struct mistakes mistakes;

	settings.conninfo = getenv("QUERN_TEST_DATABASE_URL");
	ck_assert_msg(settings.conninfo != NULL, "QUERN_TEST_DATABASE_URL is not set");
	arena = arena_new();
	loop = loop_new();
	db = db_new(loop, &settings);
	documents[0] = json("{\"models\": {\"Role\": {\"fields\": {\"name\": \"TextField\"}},"
	                    " \"Ghost\": {\"fields\": {\"name\": \"TextField\"}},"
	                    " \"Share\": {\"fields\": {\"id\": {\"type\": \"IntegerField\", \"primary_key\": true},"
	                    " \"part\": \"IntegerField\"}},"
	                    " \"Padded\": {\"fields\": {\"code\": {\"type\": \"CharField\", \"max_length\": 6,"
	                    " \"primary_key\": true}, \"n\": \"IntegerField\"}, \"Meta\": {\"managed\": false}}}}");
	registry = registry_build(arena, documents, 1, &mistakes);
	ck_assert_ptr_nonnull(registry);
	lookups = key_lookups_new(loop, db, registry);
	asked = registry_model(registry, STR("Role"));
}

static void teardown(void)
{
	key_lookups_free(lookups);
	db_free(db);
	arena_free(arena);
	loop_free(loop);
	task_thread_end();
}

/* ---- clients ---- */

#define CLIENTS (KEY_LOOKUPS_TOGETHER + 5)

/* One client: its request is a task. */
struct client {
	const char *key;
	struct db_session session;
	struct error error;
	struct str row;
	bool is_ok, is_done, is_found;
};

static struct client clients[CLIENTS];
static size_t nclients, ndone;

static void ask(void *arg)
{
	struct client *client = arg;
	struct value key = {.kind = VALUE_TEXT, .is_loose = true, .text = str_of(client->key)};
	const struct fetched *fetched = NULL;
	struct buf out = {0};
	size_t row;

	client->is_ok =
		key_lookup(lookups, &client->session, asked, &key, &fetched, &row, &client->error);
	client->is_found = client->is_ok && fetched != NULL;
	if (client->is_found)
		encode_row(fetched, row, &out);
	client->row = arena_str(arena, buf_str(&out));
	buf_release(&out);
	client->is_done = true;
	if (++ndone == nclients)
		loop_stop(loop);
}

static void start_clients(const char *const *keys, size_t n)
{
	nclients = n;
	ndone = 0;
	for (size_t i = 0; i < n; i++) {
		clients[i] = (struct client){.key = keys[i]};
		error_init(&clients[i].error, arena);
		db_session_init(&clients[i].session, db, arena);
		task_start(ask, &clients[i]);
	}
}

/* ---- the database ---- */

static void execute(void *sql)
{
	struct statement statement = {.sql = str_of(sql)};
	struct db_session session;
	struct error error;
	struct db_rows rows;

	error_init(&error, arena);
	db_session_init(&session, db, arena);
	if (!db_query(&session, &statement, false, &rows, &error))
		ck_abort_msg("%.*s", STR_ARG(error.detail));
	loop_stop(loop);
}

static void prepare(void)
{
	static char sql[] =
		"CREATE TABLE IF NOT EXISTS role AS "
		"SELECT * FROM (VALUES (1::bigint, 'Lead'), (2, 'Chef'), (3, 'Idle')) r (id, name)";

	task_start(execute, sql);
	loop_run(loop);
}

static uint64_t statements(void)
{
	struct db_stats stats;

	db_stats(db, &stats);
	return stats.statements;
}

START_TEST(lookups_that_wait_together_take_one_statement)
{
	static const char *const keys[] = {"2", "1", "99", "2", "3"};
	uint64_t before;

	prepare();
	before = statements();
	start_clients(keys, 5);
	loop_run(loop);
	ck_assert_uint_eq(statements() - before, 1);
	for (size_t i = 0; i < 5; i++)
		ck_assert_msg(clients[i].is_ok, "%.*s", STR_ARG(clients[i].error.detail));
	ck_assert(str_is(clients[0].row, "{\"id\":2,\"name\":\"Chef\"}"));
	ck_assert(str_is(clients[1].row, "{\"id\":1,\"name\":\"Lead\"}"));
	ck_assert(!clients[2].is_found);
	ck_assert(str_eq(clients[3].row, clients[0].row));
	ck_assert(str_is(clients[4].row, "{\"id\":3,\"name\":\"Idle\"}"));
}
END_TEST

START_TEST(a_key_that_cannot_be_one_is_refused_alone)
{
	static const char *const keys[] = {"1", "x"};

	prepare();
	start_clients(keys, 2);
	loop_run(loop);
	ck_assert(clients[0].is_found);
	ck_assert(!clients[1].is_ok);
	ck_assert_int_eq(clients[1].error.kind, ERROR_VALUE);
}
END_TEST

START_TEST(more_keys_than_a_statement_takes_go_in_two)
{
	static const char *keys[CLIENTS];
	uint64_t before;
	size_t found = 0;

	prepare();
	for (size_t i = 0; i < CLIENTS; i++)
		keys[i] = arena_printf(arena, "%zu", CLIENTS - i).p;
	before = statements();
	start_clients(keys, CLIENTS);
	loop_run(loop);
	ck_assert_uint_eq(statements() - before, 2);
	for (size_t i = 0; i < CLIENTS; i++) {
		ck_assert_msg(clients[i].is_ok, "%.*s", STR_ARG(clients[i].error.detail));
		found += clients[i].is_found;
	}
	ck_assert_uint_eq(found, 3);
	ck_assert(str_is(clients[CLIENTS - 1].row, "{\"id\":1,\"name\":\"Lead\"}"));
}
END_TEST

START_TEST(a_statement_that_fails_fails_all_who_wait_for_it)
{
	static const char *const keys[] = {"1", "2", "3"};

	asked = registry_model(registry, STR("Ghost")); /* has no table */
	start_clients(keys, 3);
	loop_run(loop);
	for (size_t i = 0; i < 3; i++) {
		ck_assert(!clients[i].is_ok);
		ck_assert(error_is_set(&clients[i].error));
		ck_assert_uint_eq(clients[i].error.detail.n, clients[0].error.detail.n);
	}
	/* The next ones are asked anew. */
	prepare();
	asked = registry_model(registry, STR("Role"));
	start_clients(keys, 1);
	loop_run(loop);
	ck_assert(clients[0].is_found);
}
END_TEST

START_TEST(a_row_that_cannot_be_computed_is_nobody_elses_error)
{
	static char sql[] = "CREATE OR REPLACE VIEW share AS "
	                    "SELECT id, 100 / (id - 7) AS part FROM generate_series(1, 20) id";
	static const char *const keys[] = {"7", "8", "7", "5", "9", "99", "12"};
	static const char *const parts[] = {NULL, "100", NULL, "-50", "50", NULL, "20"};
	uint64_t before;

	asked = registry_model(registry, STR("Share"));
	task_start(execute, sql);
	loop_run(loop);
	before = statements();
	start_clients(keys, 7);
	loop_run(loop);
	/* All; by halves those with a 7 among them; and who shared a Sync with a failure is sent again. */
	ck_assert_uint_le(statements() - before, 14);
	for (size_t i = 0; i < 7; i++) {
		bool is_bad = str_is(str_of(keys[i]), "7");

		ck_assert_int_eq(clients[i].is_ok, !is_bad);
		ck_assert_int_eq(clients[i].is_found, parts[i] != NULL);
		ck_assert_uint_ge(clients[i].session.usage.statements, 1);
		if (is_bad)
			ck_assert_int_eq(clients[i].error.kind, ERROR_VALUE);
		if (parts[i] != NULL)
			ck_assert(str_find(clients[i].row, str_of(arena_printf(arena, "\"part\":%s}", parts[i]).p)) > 0);
	}
}
END_TEST

START_TEST(a_key_that_is_printed_otherwise_finds_its_row)
{
	static char sql[] = "CREATE TABLE IF NOT EXISTS padded AS "
	                    "SELECT code::char(6), n FROM (VALUES ('ab', 1), ('cd', 2), ('ef', 3)) r (code, n)";
	static const char *const keys[] = {"ab", "no", "cd", "ab", "ef"};
	static const char *const rows[] = {"{\"code\":\"ab    \",\"n\":1}", "", "{\"code\":\"cd    \",\"n\":2}",
	                                   "{\"code\":\"ab    \",\"n\":1}", "{\"code\":\"ef    \",\"n\":3}"};

	asked = registry_model(registry, STR("Padded"));
	task_start(execute, sql);
	loop_run(loop);
	for (int again = 0; again < 2; again++) {
		uint64_t before = statements();

		start_clients(keys, 5);
		loop_run(loop);
		for (size_t i = 0; i < 5; i++)
			ck_assert_msg(clients[i].is_ok && str_is(clients[i].row, rows[i]), "%s: %.*s", keys[i],
			              STR_ARG(clients[i].row));
		ck_assert_uint_le(statements() - before, again ? 5 : 6);
	}
}
END_TEST

/* By a collation that the model does not tell of 'AB' is 'ab', and prints as it was written. */
START_TEST(two_texts_of_one_key_find_the_same_row)
{
	static const char *const sql[] = {
		"DROP TABLE IF EXISTS padded",
		"CREATE COLLATION IF NOT EXISTS no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
		"CREATE TABLE padded (code varchar(6) COLLATE no_case, n integer)",
		"INSERT INTO padded VALUES ('ab', 1), ('CD', 2)",
	};
	static const char *const keys[] = {"ab", "AB", "no", "CD", "Ab"};
	static const char *const rows[] = {"{\"code\":\"ab\",\"n\":1}", "{\"code\":\"ab\",\"n\":1}", "",
	                                   "{\"code\":\"CD\",\"n\":2}", "{\"code\":\"ab\",\"n\":1}"};

	asked = registry_model(registry, STR("Padded"));
	for (size_t i = 0; i < sizeof sql / sizeof *sql; i++) {
		task_start(execute, (void *)(uintptr_t)sql[i]);
		loop_run(loop);
	}
	start_clients(keys, 5);
	loop_run(loop);
	for (size_t i = 0; i < 5; i++)
		ck_assert_msg(clients[i].is_ok && str_is(clients[i].row, rows[i]), "%s: %.*s %.*s", keys[i],
		              STR_ARG(clients[i].row), STR_ARG(clients[i].error.detail));
}
END_TEST

/* Runs the loop until the statements of the clients wait behind a lock. */
static void let_them_wait(void)
{
	for (int i = 0; i < 20; i++)
		loop_turn(loop, 10);
}

static void hold_lock(void *arg)
{
	static const struct statement lock = {.sql =
	                                          STR_INIT("LOCK TABLE role IN ACCESS EXCLUSIVE MODE")};
	struct db_session session;
	struct db_tx **tx = arg;
	struct error error;
	struct db_rows rows;

	error_init(&error, arena);
	db_session_init(&session, db, arena);
	if (!db_begin(&session, DB_READ_COMMITTED, tx, &error) ||
	    !db_tx_query(*tx, &lock, &rows, &error))
		ck_abort_msg("%.*s", STR_ARG(error.detail));
	loop_stop(loop);
	/* The session must live as long as the transaction. */
	while (nclients > ndone || nclients == 0)
		task_suspend();
	db_rollback(*tx);
	loop_stop(loop);
}

static struct task *lock_task;

static void lock_in_task(void *arg)
{
	lock_task = task_self();
	hold_lock(arg);
}

START_TEST(one_who_leaves_takes_nobody_along_and_the_last_cancels)
{
	static const char *const keys[] = {"1", "2"};
	struct db_tx *tx;

	prepare();
	nclients = ndone = 0;
	task_start(lock_in_task, &tx);
	loop_run(loop);
	start_clients(keys, 2);
	let_them_wait();
	ck_assert(!clients[0].is_done);
	db_session_cancel(&clients[0].session);
	let_them_wait();
	ck_assert_msg(!clients[1].is_done, "the other was cancelled too");
	db_session_cancel(&clients[1].session);
	loop_run(loop);
	ck_assert(!clients[1].is_ok);
	ck_assert_int_eq(clients[1].error.kind, ERROR_UNAVAILABLE);
	task_resume(lock_task);
	loop_run(loop);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tcase = suite_with_case(&suite, "fetch/key_lookup");

	json_setup();
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, lookups_that_wait_together_take_one_statement);
	tcase_add_test(tcase, a_key_that_cannot_be_one_is_refused_alone);
	tcase_add_test(tcase, more_keys_than_a_statement_takes_go_in_two);
	tcase_add_test(tcase, a_statement_that_fails_fails_all_who_wait_for_it);
	tcase_add_test(tcase, a_row_that_cannot_be_computed_is_nobody_elses_error);
	tcase_add_test(tcase, a_key_that_is_printed_otherwise_finds_its_row);
	tcase_add_test(tcase, two_texts_of_one_key_find_the_same_row);
	tcase_add_test(tcase, one_who_leaves_takes_nobody_along_and_the_last_cancels);
	return suite_main(suite);
}
