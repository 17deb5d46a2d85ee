/* Plans made by hand, run on a real PostgreSQL: rows, levels below them, streams and their batches. */
#include <stdio.h>

#include "orm/base/loop.h"
#include "orm/base/task.h"
#include "orm/fetch/fetch.h"
#include "orm/fetch/keys.h"
#include "orm/wire/encode.h"
#include "tests/support/suite.h"

static struct loop *loop;
static struct db *db;
static struct arena *arena;
static struct error error;
static struct db_session session;

/* ---- one test is one task ---- */

static void setup(void)
{
	static struct db_settings settings = {.pool_size = 3,
	                                      .acquire_timeout_ms = 5000,
	                                      .statement_timeout_ms = 20000,
	                                      .statement_cache = 50,
	                                      .application_name = "test_fetch"};
	settings.conninfo = getenv("QUERN_TEST_DATABASE_URL");
	ck_assert_msg(settings.conninfo != NULL, "QUERN_TEST_DATABASE_URL is not set");
	loop = loop_new();
	db = db_new(loop, &settings);
	arena = arena_new();
	error_init(&error, arena);
	db_session_init(&session, db, arena);
}

static void teardown(void)
{
	db_free(db);
	arena_free(arena);
	loop_free(loop);
	task_thread_end();
}

static void run_body(void *arg)
{
	void (*body)(void);

	memcpy(&body, arg, sizeof body);
	body();
	loop_stop(loop);
}

static void in_task(void (*body)(void))
{
	task_start(run_body, &body);
	loop_run(loop);
}

static void check(bool is_ok)
{
	if (!is_ok)
		ck_abort_msg("%s: %.*s", error_title(error.kind), STR_ARG(error.detail));
}

static void execute(const char *sql)
{
	struct statement statement = {.sql = str_of(sql)};
	struct db_rows rows;

	check(db_query(&session, &statement, false, &rows, &error));
}

/* ---- plans by hand ---- */

static struct layout layout_of(const struct layout_member *members, size_t n)
{
	struct layout layout = {members, n};

	return layout;
}

#define COLUMN(key_text, number, type)                                                             \
	{                                                                                              \
		.kind = LAYOUT_COLUMN, .key = STR_INIT(key_text), .column = number,                        \
		.field = field_of_type(type)                                                               \
	}
#define SLOT(key_text, number)                                                                     \
	{                                                                                              \
		.kind = LAYOUT_SLOT, .key = STR_INIT(key_text), .slot = number                             \
	}

static struct plan plan_of(const char *sql, size_t nparams, struct layout layout)
{
	return (struct plan){
		.statement = {.sql = str_of(sql),
	                  .params = ARENA_ARRAY(arena, struct param, nparams),
	                  .nparams = nparams},
		.keys_param = nparams > 0 ? nparams - 1 : 0,
		.layout = layout,
	};
}

static const char *json_of(const struct fetched *fetched)
{
	struct buf out = {0};
	const char *text;

	encode_rows(fetched, &out);
	text = arena_cstr(arena, buf_str(&out));
	buf_release(&out);
	return text;
}

static void make_tables(void)
{
	execute("DROP TABLE IF EXISTS role, employee, badge");
	execute("CREATE TABLE role (id bigint, name text)");
	execute("CREATE TABLE employee (id bigint, role_id bigint, name text)");
	execute("CREATE TABLE badge (id bigint, employee_id bigint)");
	execute("INSERT INTO role VALUES (1, 'Lead'), (2, 'Chef'), (3, 'Idle')");
	execute("INSERT INTO employee VALUES (10, 1, 'Ann'), (11, 2, 'Bob'), (12, 1, 'Cid'), (13, "
	        "NULL, 'Dan')");
	execute("INSERT INTO badge VALUES (100, 12), (101, 10), (102, 12)");
}

/* ---- tests ---- */

static void nested_levels(void)
{
	const struct layout_member badge_members[] = {COLUMN("\"id\":", 0, "BigAutoField")};
	struct plan badges =
		plan_of("SELECT id, employee_id FROM badge WHERE employee_id = ANY($1::bigint[]) "
	            "ORDER BY id DESC",
	            1, layout_of(badge_members, 1));
	const struct prefetch_plan below_employee[] = {
		{.plan = &badges, .parent_column = 0, .child_column = 1}};
	const struct layout_member employee_members[] = {COLUMN("\"name\":", 1, "TextField"),
	                                                 SLOT("\"badges\":", 0)};
	struct plan employees = plan_of("SELECT id, name, role_id FROM employee "
	                                "WHERE name <> $1 AND role_id = ANY($2::bigint[]) ORDER BY id",
	                                2, layout_of(employee_members, 2));
	struct plan leads =
		plan_of("SELECT id, name, role_id FROM employee WHERE role_id = ANY($1::bigint[]) "
	            "AND name = 'Bob'",
	            1, layout_of(employee_members, 1));
	const struct prefetch_plan below_role[] = {
		{.plan = &employees, .parent_column = 0, .child_column = 2},
		{.plan = &leads, .parent_column = 0, .child_column = 2, .is_single = true}};
	const struct layout_member role_members[] = {COLUMN("\"name\":", 1, "TextField"),
	                                             SLOT("\"all\":", 0), SLOT("\"bob\":", 1)};
	struct plan roles =
		plan_of("SELECT id, name FROM role ORDER BY id", 0, layout_of(role_members, 3));
	struct fetched *fetched;
	unsigned before;

	make_tables();
	employees.statement.params[0].text = STR("Nobody");
	employees.keys_param = 1;
	employees.prefetches = below_employee;
	employees.nprefetches = 1;
	roles.prefetches = below_role;
	roles.nprefetches = 2;
	before = session.usage.statements;
	check(fetch_all(&session, &roles, &fetched, &error));
	ck_assert_str_eq(json_of(fetched),
	                 "{\"name\":\"Lead\",\"all\":[{\"name\":\"Ann\",\"badges\":[{\"id\":101}]},"
	                 "{\"name\":\"Cid\",\"badges\":[{\"id\":102},{\"id\":100}]}],\"bob\":null},"
	                 "{\"name\":\"Chef\",\"all\":[{\"name\":\"Bob\",\"badges\":[]}],"
	                 "\"bob\":{\"name\":\"Bob\"}},"
	                 "{\"name\":\"Idle\",\"all\":[],\"bob\":null}");
	ck_assert_uint_eq(session.usage.statements - before, 4);
	ck_assert_msg(employees.statement.params[1].text.p == NULL, "the plan was written to");
}

START_TEST(levels_are_asked_once_each_and_stitched_by_key)
{
	in_task(nested_levels);
}
END_TEST

static void null_keys(void)
{
	const struct layout_member role_members[] = {COLUMN("\"name\":", 1, "TextField")};
	struct plan roles = plan_of("SELECT id, name FROM role WHERE id = ANY($1::bigint[])", 1,
	                            layout_of(role_members, 1));
	const struct prefetch_plan below[] = {
		{.plan = &roles, .parent_column = 2, .child_column = 0, .is_single = true}};
	const struct layout_member members[] = {COLUMN("\"name\":", 1, "TextField"),
	                                        SLOT("\"role\":", 0)};
	struct plan employees = plan_of("SELECT id, name, role_id FROM employee WHERE name IN ('Dan') "
	                                "ORDER BY id",
	                                0, layout_of(members, 2));
	struct fetched *fetched;
	unsigned before;

	make_tables();
	employees.prefetches = below;
	employees.nprefetches = 1;
	before = session.usage.statements;
	check(fetch_all(&session, &employees, &fetched, &error));
	ck_assert_str_eq(json_of(fetched), "{\"name\":\"Dan\",\"role\":null}");
	ck_assert_uint_eq(session.usage.statements - before, 1);
	employees.statement.sql =
		STR("SELECT id, name, role_id FROM employee WHERE id > 11 ORDER BY id");
	check(fetch_all(&session, &employees, &fetched, &error));
	ck_assert_str_eq(
		json_of(fetched),
		"{\"name\":\"Cid\",\"role\":{\"name\":\"Lead\"}},{\"name\":\"Dan\",\"role\":null}");
}

START_TEST(a_level_without_keys_is_not_asked)
{
	in_task(null_keys);
}
END_TEST

static void nothing_asked(void)
{
	const struct layout_member members[] = {COLUMN("\"id\":", 0, "BigAutoField")};
	struct plan plan = plan_of("SELECT nonsense", 0, layout_of(members, 1));
	struct fetched *fetched;

	plan.is_empty = true;
	check(fetch_all(&session, &plan, &fetched, &error));
	ck_assert_uint_eq(fetched->rows.nrows, 0);
	ck_assert_uint_eq(session.usage.statements, 0);
}

START_TEST(an_empty_plan_asks_nothing)
{
	in_task(nothing_asked);
}
END_TEST

/* ---- streams ---- */

struct seen {
	size_t batches, rows, children, largest;
	size_t stop_after; /* batches; 0: never */
};

static bool see(const struct fetched *batch, void *arg, struct error *seen_error)
{
	struct seen *seen = arg;
	struct buf out = {0};

	seen->batches++;
	seen->rows += batch->rows.nrows;
	if (batch->rows.nrows > seen->largest)
		seen->largest = batch->rows.nrows;
	for (size_t row = 0; batch->slots != NULL && row < batch->rows.nrows; row++)
		seen->children += batch->slots[0].count[row];
	encode_rows(batch, &out);
	buf_release(&out);
	if (seen->stop_after != 0 && seen->batches == seen->stop_after)
		return error_set_nowhere(seen_error, ERROR_UNAVAILABLE, "stopped");
	return true;
}

static struct plan series_plan(const struct layout_member *members, size_t n)
{
	return plan_of("SELECT g::bigint, 'row ' || g FROM generate_series(1, 25000) g", 0,
	               layout_of(members, n));
}

static void long_stream(void)
{
	const struct layout_member members[] = {COLUMN("\"id\":", 0, "BigAutoField"),
	                                        COLUMN("\"t\":", 1, "TextField")};
	struct plan plan = series_plan(members, 2);
	struct seen seen = {0};

	check(fetch_each(&session, &plan, see, &seen, &error));
	ck_assert_uint_eq(seen.rows, 25000);
	ck_assert_uint_gt(seen.batches, 1);
	plan.has_limit = true;
	seen = (struct seen){0};
	check(fetch_each(&session, &plan, see, &seen, &error));
	ck_assert_uint_eq(seen.batches, 1);
	ck_assert_uint_eq(seen.rows, 25000);
}

START_TEST(a_plan_without_a_limit_comes_in_helpings)
{
	in_task(long_stream);
}
END_TEST

static void batches_with_levels(void)
{
	const struct layout_member child_members[] = {COLUMN("\"id\":", 0, "BigAutoField")};
	struct plan children = plan_of("SELECT k * 2 FROM unnest($1::bigint[]) k "
	                               "UNION ALL SELECT k FROM unnest($1::bigint[]) k WHERE false",
	                               1, layout_of(child_members, 1));
	const struct prefetch_plan below[] = {
		{.plan = &children, .parent_column = 0, .child_column = 0}};
	const struct layout_member members[] = {COLUMN("\"id\":", 0, "BigAutoField"),
	                                        SLOT("\"x\":", 0)};
	struct plan plan = series_plan(members, 2);
	struct seen seen = {0};
	size_t before;

	plan.prefetches = below;
	plan.nprefetches = 1;
	before = arena_used(arena);
	check(fetch_each(&session, &plan, see, &seen, &error));
	ck_assert_uint_eq(seen.rows, 25000);
	ck_assert_uint_eq(seen.batches, 3);
	ck_assert_uint_eq(seen.largest, FETCH_BATCH);
	/* In each batch the children are the even numbers up to its end that are also parents of it. */
	ck_assert_uint_eq(seen.children, 5000);
	ck_assert_uint_eq(session.usage.statements, 4);
	ck_assert_msg(arena_used(arena) - before < 64 * 1024, "%zu bytes stay in the request's arena",
	              arena_used(arena) - before);
}

START_TEST(levels_of_a_stream_come_in_batches_of_parents)
{
	in_task(batches_with_levels);
}
END_TEST

static void stopped_stream(void)
{
	const struct layout_member members[] = {COLUMN("\"id\":", 0, "BigAutoField")};
	struct plan plan = series_plan(members, 1);
	struct seen seen = {.stop_after = 2};
	struct db_rows rows;
	struct statement one = {.sql = STR("SELECT 1")};

	ck_assert(!fetch_each(&session, &plan, see, &seen, &error));
	ck_assert_int_eq(error.kind, ERROR_UNAVAILABLE);
	ck_assert_uint_eq(seen.batches, 2);
	error_clear(&error);
	check(db_query(&session, &one, true, &rows, &error));
	ck_assert(str_is(db_cell(&rows, 0, 0), "1"));
}

START_TEST(a_receiver_can_stop_a_stream)
{
	in_task(stopped_stream);
}
END_TEST

static void failing_level(void)
{
	const struct layout_member members[] = {COLUMN("\"id\":", 0, "BigAutoField"),
	                                        SLOT("\"x\":", 0)};
	struct plan children =
		plan_of("SELECT 1 / 0 FROM unnest($1::bigint[])", 1, layout_of(members, 1));
	const struct prefetch_plan below[] = {{.plan = &children}};
	struct plan plan = series_plan(members, 2);
	struct seen seen = {0};

	plan.prefetches = below;
	plan.nprefetches = 1;
	ck_assert(!fetch_each(&session, &plan, see, &seen, &error));
	ck_assert(error_is_set(&error));
	ck_assert_uint_eq(seen.batches, 0);
	ck_assert_ptr_eq(session.arena, arena);
}

START_TEST(a_failing_level_fails_the_whole)
{
	in_task(failing_level);
}
END_TEST

/* ---- keys ---- */

START_TEST(keys_are_distinct_and_quoted)
{
	struct keys keys;

	keys_init(&keys, arena, 5);
	ck_assert_uint_eq(keys_add(&keys, STR("a")), 0);
	ck_assert_uint_eq(keys_add(&keys, STR("say \"hi\" \\")), 1);
	ck_assert_uint_eq(keys_add(&keys, STR("a")), 0);
	ck_assert_uint_eq(keys_add(&keys, (struct str){0}), KEY_NONE);
	ck_assert_uint_eq(keys_add(&keys, STR("")), 2);
	ck_assert_uint_eq(keys_find(&keys, STR("")), 2);
	ck_assert_uint_eq(keys_find(&keys, STR("b")), KEY_NONE);
	ck_assert(str_is(keys_array(&keys, arena), "{\"a\",\"say \\\"hi\\\" \\\\\",\"\"}"));
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tcase = suite_with_case(&suite, "fetch/fetch");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, keys_are_distinct_and_quoted);
	tcase_add_test(tcase, an_empty_plan_asks_nothing);
	tcase_add_test(tcase, levels_are_asked_once_each_and_stitched_by_key);
	tcase_add_test(tcase, a_level_without_keys_is_not_asked);
	tcase_add_test(tcase, a_plan_without_a_limit_comes_in_helpings);
	tcase_add_test(tcase, levels_of_a_stream_come_in_batches_of_parents);
	tcase_add_test(tcase, a_receiver_can_stop_a_stream);
	tcase_add_test(tcase, a_failing_level_fails_the_whole);
	return suite_main(suite);
}
