/* COPY on a transaction's connection: batches, errors with their lines, faults in the middle, and a connection that
 * comes back clean. */
#include "tests/db/fixture.h"

#include <stdio.h>
#include <unistd.h>

static struct db_tx *begin(struct client *c)
{
	struct db_tx *tx;
	ck_assert(db_begin(&c->session, DB_READ_COMMITTED, &tx, &c->error));
	return tx;
}

static struct db_copy *enter(struct client *c)
{
	struct db_copy *copy;
	bool is_done = db_copy_enter(&c->session, &copy, &c->error);
	ck_assert_msg(is_done, "%.*s", STR_ARG(c->error.detail));
	return copy;
}

static bool copy_text(struct client *c, struct db_copy *copy, const char *sql, struct str text,
                      uint64_t *n, struct db_copy_failure *failure)
{
	return db_copy_send(copy, sql, text, &c->error, failure) &&
	       db_copy_answer(copy, n, &c->error, failure);
}

/* Rows `from` to `to` of one number each. */
static struct str numbers(struct client *c, int from, int to)
{
	struct buf out = {0};
	for (int i = from; i <= to; i++)
		buf_printf(&out, "%d\n", i);
	struct str text = arena_str(c->arena, buf_str(&out));
	buf_release(&out);
	return text;
}

static void copies(void *arg)
{
	struct client c;
	struct db_copy_failure failure;
	struct db_rows rows;
	uint64_t n;
	(void)arg;
	client_open(&c);
	must(&c, "CREATE TABLE numbers (n int PRIMARY KEY)");
	struct db_tx *tx = begin(&c);
	struct db_copy *copy = enter(&c);
	for (int batch = 0; batch < 5; batch++) {
		struct str text = numbers(&c, batch * 100000, batch * 100000 + 99999);
		ck_assert(copy_text(&c, copy, "COPY numbers (n) FROM STDIN", text, &n, &failure));
		ck_assert_uint_eq(n, 100000);
	}
	/* Nothing at all is a batch, too. */
	ck_assert(copy_text(&c, copy, "COPY numbers (n) FROM STDIN", STR(""), &n, &failure));
	ck_assert_uint_eq(n, 0);
	db_copy_leave(copy);
	/* Other statements go on in the same transaction. */
	struct statement count = {.sql = STR("SELECT count(*) FROM numbers")};
	ck_assert(db_tx_query(tx, &count, &rows, &c.error));
	ck_assert(cell_is(&rows, 0, 0, "500000"));
	copy = enter(&c);
	ck_assert(copy_text(&c, copy, "COPY numbers (n) FROM STDIN", STR("-1\n-2\n"), &n, &failure));
	db_copy_leave(copy);
	ck_assert(db_commit(tx, &c.error));
	ck_assert_int_eq(number_of(&c, "SELECT count(*) FROM numbers"), 500002);
	client_close(&c);
}

START_TEST(batches_are_copied_one_after_another_among_other_statements)
{
	open_db();
	run(copies, NULL);
}
END_TEST

static void errors_in_batches(void *arg)
{
	struct client c;
	struct db_copy_failure failure;
	uint64_t n;
	(void)arg;
	client_open(&c);
	must(&c, "CREATE TABLE strict (a int PRIMARY KEY, b int NOT NULL CONSTRAINT b_small CHECK (b < "
	         "10))");
	static const struct {
		const char *sql, *text;
		enum error_kind kind;
		unsigned line;
		const char *column, *constraint;
	} wrongs[] = {
		{"COPY strict FROM STDIN", "1\t1\n2\tx\n", ERROR_VALUE, 2, "b", NULL},
		{"COPY strict FROM STDIN", "1\t1\n2\t2\n1\t3\n", ERROR_INTEGRITY, 3, NULL, "strict_pkey"},
		{"COPY strict FROM STDIN", "1\t1\n2\t10\n", ERROR_INTEGRITY, 2, NULL, "b_small"},
		{"COPY strict FROM STDIN", "1\t1\n2\t\\N\n", ERROR_INTEGRITY, 2, NULL, NULL},
		{"COPY strict FROM STDIN", "1\t1\n2\n", ERROR_VALUE, 2, NULL, NULL},
		{"COPY nowhere FROM STDIN", "1\n", ERROR_UNAVAILABLE, 0, NULL, NULL},
	};
	for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
		struct db_tx *tx = begin(&c);
		struct db_copy *copy = enter(&c);
		ck_assert(!copy_text(&c, copy, wrongs[i].sql, str_of(wrongs[i].text), &n, &failure));
		ck_assert_int_eq(c.error.kind, wrongs[i].kind);
		ck_assert_uint_eq(failure.line, wrongs[i].line);
		if (wrongs[i].column != NULL)
			ck_assert(str_is(failure.column, wrongs[i].column));
		if (wrongs[i].constraint != NULL)
			ck_assert(str_is(c.error.constraint, wrongs[i].constraint));
		db_copy_leave(copy);
		db_rollback(tx);
		error_clear(&c.error);
		ck_assert_int_eq(number_of(&c, "SELECT count(*) FROM strict"), 0);
	}
	struct db_stats stats;
	db_stats(db, &stats);
	ck_assert_uint_eq(stats.losses, 0);
	client_close(&c);
}

START_TEST(an_error_names_its_line_and_the_connection_is_lent_again)
{
	settings.pool_size = 1;
	open_db();
	run(errors_in_batches, NULL);
}
END_TEST

static void gives_up(void *arg)
{
	struct client c;
	struct db_copy_failure failure;
	struct db_stats stats;
	(void)arg;
	client_open(&c);
	must(&c, "CREATE TABLE given_up (n int)");
	for (int i = 0; i < 10; i++) {
		struct db_tx *tx = begin(&c);
		struct db_copy *copy = enter(&c);
		ck_assert(db_copy_send(copy, "COPY given_up FROM STDIN", numbers(&c, 1, 50000), &c.error,
		                       &failure));
		db_copy_leave(copy);
		db_rollback(tx);
		ck_assert_int_eq(number_of(&c, "SELECT count(*) FROM given_up"), 0);
	}
	db_stats(db, &stats);
	ck_assert_uint_eq(stats.losses, 0);
	client_close(&c);
}

START_TEST(a_batch_whose_answer_nobody_waits_for_is_rolled_back)
{
	settings.pool_size = 1;
	open_db();
	run(gives_up, NULL);
}
END_TEST

/* -- faults ---------------------------------------------------------------------- */

static void killed(void *arg)
{
	struct client c, other;
	struct db_copy_failure failure;
	struct db_rows rows;
	uint64_t n;
	(void)arg;
	client_open(&c);
	client_open(&other);
	must(&c, "CREATE TABLE killed (n int)");
	for (int i = 0; i < 6; i++) {
		struct db_tx *tx = begin(&c);
		struct statement who = {.sql = STR("SELECT pg_backend_pid()")};
		ck_assert(db_tx_query(tx, &who, &rows, &c.error));
		char *pid = arena_cstr(other.arena, db_cell(&rows, 0, 0));
		struct db_copy *copy = enter(&c);
		ck_assert(
			copy_text(&c, copy, "COPY killed FROM STDIN", numbers(&c, 1, 1000), &n, &failure));
		struct statement kill =
			text_statement(&other, "SELECT pg_terminate_backend($1::int)", 1, pid);
		bool is_sent = false;
		/* Before a batch, and within one. */
		if (i % 2)
			is_sent = db_copy_send(copy, "COPY killed FROM STDIN", numbers(&c, 1, 400000), &c.error,
			                       &failure);
		ck_assert(db_query(&other.session, &kill, true, &rows, &other.error));
		if (i % 3 == 0)
			rest(20);
		bool is_done = is_sent ? db_copy_answer(copy, &n, &c.error, &failure)
		                       : copy_text(&c, copy, "COPY killed FROM STDIN", numbers(&c, 1, 1000),
		                                   &n, &failure);
		/* It may have been through before the signal came; then the commit says it. */
		db_copy_leave(copy);
		if (is_done) {
			rest(20);
			is_done = db_commit(tx, &c.error);
		} else {
			db_rollback(tx);
		}
		ck_assert(!is_done);
		ck_assert_int_eq(c.error.kind, ERROR_UNAVAILABLE);
		error_clear(&c.error);
		ck_assert_int_eq(number_of(&c, "SELECT count(*) FROM killed"), 0);
	}
	client_close(&other);
	client_close(&c);
}

START_TEST(a_backend_that_is_killed_in_the_middle_leaves_nothing)
{
	settings.pool_size = 3;
	open_db();
	run(killed, NULL);
}
END_TEST

struct blocked {
	struct client holder, c;
	struct db_tx *tx;
	bool is_over;
	enum error_kind kind;
};

static void lock_table(struct blocked *blocked)
{
	struct db_rows rows;
	struct statement lock = {.sql = STR("LOCK TABLE locked IN ACCESS EXCLUSIVE MODE")};
	client_open(&blocked->holder);
	must(&blocked->holder, "CREATE TABLE IF NOT EXISTS locked (n int)");
	blocked->tx = begin(&blocked->holder);
	ck_assert(db_tx_query(blocked->tx, &lock, &rows, &blocked->holder.error));
}

static void copy_blocked(void *arg)
{
	struct blocked *blocked = arg;
	struct client *c = &blocked->c;
	struct db_copy_failure failure;
	uint64_t n;
	struct db_tx *tx = begin(c);
	struct db_copy *copy = enter(c);
	ck_assert(!copy_text(c, copy, "COPY locked FROM STDIN", STR("1\n"), &n, &failure));
	blocked->kind = c->error.kind;
	db_copy_leave(copy);
	db_rollback(tx);
	blocked->is_over = true;
}

static void cancels(void *arg)
{
	struct blocked blocked = {0};
	(void)arg;
	lock_table(&blocked);
	client_open(&blocked.c);
	start(copy_blocked, &blocked);
	rest(50);
	ck_assert(!blocked.is_over);
	uint64_t began = now_ms();
	db_session_cancel(&blocked.c.session);
	while (!blocked.is_over)
		rest(5);
	ck_assert_int_eq(blocked.kind, ERROR_UNAVAILABLE);
	ck_assert_uint_lt(now_ms() - began, 4000);
	ck_assert(db_commit(blocked.tx, &blocked.holder.error));
	ck_assert_int_eq(number_of(&blocked.holder, "SELECT count(*) FROM locked"), 0);
	client_close(&blocked.c);
	client_close(&blocked.holder);
}

START_TEST(a_client_who_leaves_ends_a_batch_that_waits)
{
	open_db();
	run(cancels, NULL);
}
END_TEST

static void times_out(void *arg)
{
	struct blocked blocked = {0};
	(void)arg;
	lock_table(&blocked);
	client_open(&blocked.c);
	start(copy_blocked, &blocked);
	while (!blocked.is_over)
		rest(10);
	ck_assert_int_eq(blocked.kind, ERROR_TIMEOUT);
	ck_assert(db_commit(blocked.tx, &blocked.holder.error));
	client_close(&blocked.c);
	client_close(&blocked.holder);
}

START_TEST(the_statement_timeout_ends_a_batch_that_waits)
{
	settings.statement_timeout_ms = 300;
	open_db();
	run(times_out, NULL);
}
END_TEST

/* A backend that says nothing and takes nothing, as one that is stopped. */
static void stopped_server(void *arg)
{
	struct client c;
	struct db_copy_failure failure;
	struct db_rows rows;
	char command[64];
	(void)arg;
	client_open(&c);
	must(&c, "CREATE TABLE stopped (n int)");
	struct db_tx *tx = begin(&c);
	struct statement who = {.sql = STR("SELECT pg_backend_pid()")};
	ck_assert(db_tx_query(tx, &who, &rows, &c.error));
	int pid = atoi(db_cell(&rows, 0, 0).p);
	struct db_copy *copy = enter(&c);
	snprintf(command, sizeof command, "kill -STOP %d", pid);
	ck_assert_int_eq(system(command), 0);
	uint64_t began = now_ms();
	ck_assert(
		!db_copy_send(copy, "COPY stopped FROM STDIN", numbers(&c, 1, 400000), &c.error, &failure));
	ck_assert_int_eq(c.error.kind, ERROR_TIMEOUT);
	ck_assert_uint_lt(now_ms() - began, 6000);
	db_copy_leave(copy);
	db_rollback(tx);
	snprintf(command, sizeof command, "kill -CONT %d", pid);
	ck_assert_int_eq(system(command), 0);
	error_clear(&c.error);
	ck_assert_int_eq(number_of(&c, "SELECT count(*) FROM stopped"), 0);
	client_close(&c);
}

START_TEST(a_server_that_takes_nothing_is_not_waited_for_without_end)
{
	settings.statement_timeout_ms = 300;
	open_db();
	run(stopped_server, NULL);
}
END_TEST

/* -- memory ---------------------------------------------------------------------- */

static void stays_small(void *arg)
{
	struct client c;
	struct db_copy_failure failure;
	uint64_t n;
	(void)arg;
	client_open(&c);
	must(&c, "CREATE UNLOGGED TABLE small (n int)");
	struct str text = numbers(&c, 1, 100000);
	struct db_tx *tx = begin(&c);
	struct db_copy *copy = enter(&c);
	ck_assert(copy_text(&c, copy, "COPY small FROM STDIN", text, &n, &failure));
	size_t before = resident_kib();
	for (int i = 0; i < 20; i++)
		ck_assert(copy_text(&c, copy, "COPY small FROM STDIN", text, &n, &failure));
	ck_assert_uint_lt(resident_kib(), before + 512);
	db_copy_leave(copy);
	db_rollback(tx);
	client_close(&c);
}

START_TEST(what_is_sent_is_not_kept)
{
	open_db();
	run(stays_small, NULL);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "db copy");
	tcase_add_checked_fixture(group, setup, teardown);
	tcase_set_timeout(group, 60);
	tcase_add_test(group, batches_are_copied_one_after_another_among_other_statements);
	tcase_add_test(group, an_error_names_its_line_and_the_connection_is_lent_again);
	tcase_add_test(group, a_batch_whose_answer_nobody_waits_for_is_rolled_back);
	tcase_add_test(group, a_backend_that_is_killed_in_the_middle_leaves_nothing);
	tcase_add_test(group, a_client_who_leaves_ends_a_batch_that_waits);
	tcase_add_test(group, the_statement_timeout_ends_a_batch_that_waits);
	tcase_add_test(group, a_server_that_takes_nothing_is_not_waited_for_without_end);
	tcase_add_test(group, what_is_sent_is_not_kept);
	return suite_main(suite);
}
