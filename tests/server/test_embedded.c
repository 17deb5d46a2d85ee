/* The private PostgreSQL of `quern dev`: that it starts, keeps what was written, refuses what it
 * must refuse in words, and never outlives us.  Starts real servers in folders under /tmp. */
#include "server/embedded.h"

#include "orm/base/log.h"
#include "tests/support/suite.h"

#include <libpq-fe.h>

#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena *arena;
static struct error error;
static char folder[64]; /* reachable by everyone, holds the data folders of a case */
static char data[256];
/* Holds the data folder of a stopped server, for the cases that do not look at how one is made:
 * each leaves it as it was. */
static char made[64];

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
	(void)info;
	(void)type;
	(void)where;
	return remove(path);
}

static void make_once(void)
{
	struct embedded *embedded = NULL;
	log_setup(LOG_ERROR, LOG_TEXT);
	arena = arena_new();
	error_init(&error, arena);
	snprintf(made, sizeof made, "/tmp/quern-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(made));
	ck_assert_int_eq(chmod(made, 0755), 0);
	const char *dir = arena_printf(arena, "%s/data", made).p;
	ck_assert_msg(embedded_start(dir, &embedded, &error), "%.*s", STR_ARG(error.detail));
	embedded_stop(embedded);
	arena_free(arena);
}

static void unmake(void)
{
	nftw(made, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void setup(void)
{
	log_setup(LOG_ERROR, LOG_TEXT);
	arena = arena_new();
	error_init(&error, arena);
	snprintf(folder, sizeof folder, "/tmp/quern-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chmod(folder, 0755), 0);
	snprintf(data, sizeof data, "%s/data", folder);
}

static void teardown(void)
{
	nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	arena_free(arena);
}

static void copy_made(const char *dir)
{
	const char *from = arena_printf(arena, "%s/data", made).p;
	pid_t pid = fork();
	if (pid == 0) {
		execlp("cp", "cp", "-a", from, dir, (char *)NULL);
		_exit(127);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

static struct embedded *start(const char *dir)
{
	struct embedded *embedded = NULL;
	bool ok = embedded_start(dir, &embedded, &error);
	ck_assert_msg(ok, "%.*s", STR_ARG(error.detail));
	return embedded;
}

static void assert_refused(const char *dir, const char *words)
{
	struct embedded *embedded = NULL;
	error_clear(&error);
	ck_assert(!embedded_start(dir, &embedded, &error));
	ck_assert_ptr_null(embedded);
	ck_assert_msg(str_find(error.detail, str_of(words)) >= 0, "\"%.*s\" does not say \"%s\"",
	              STR_ARG(error.detail), words);
}

/* The one value that a statement answers, "" when it answers none. */
static const char *ask(const struct embedded *embedded, const char *sql)
{
	PGconn *conn = PQconnectdb(embedded_conninfo(embedded));
	ck_assert_msg(PQstatus(conn) == CONNECTION_OK, "%s", PQerrorMessage(conn));
	PGresult *result = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(result);
	ck_assert_msg(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK, "%s",
	              PQerrorMessage(conn));
	const char *value = "";
	if (PQntuples(result) > 0)
		value = arena_cstr(arena, str_of(PQgetvalue(result, 0, 0)));
	PQclear(result);
	PQfinish(conn);
	return value;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static bool is_gone(pid_t pid)
{
	for (int i = 0; i < 1000; i++) {
		if (kill(pid, 0) != 0)
			return true;
		poll(NULL, 0, 10);
	}
	return false;
}

START_TEST(a_new_folder_becomes_a_utf8_database_behind_a_private_socket)
{
	struct embedded *embedded = start(data);
	ck_assert_str_eq(ask(embedded, "SELECT current_database()"), "quern");
	ck_assert_str_eq(ask(embedded, "SHOW server_encoding"), "UTF8");
	ck_assert_str_eq(ask(embedded, "SHOW listen_addresses"), "");
	ck_assert_str_eq(ask(embedded, "SHOW fsync"), "on");
	struct stat info;
	const char *socket = ask(embedded, "SHOW unix_socket_directories");
	ck_assert_int_eq(stat(arena_printf(arena, "%s/run", data).p, &info), 0);
	ck_assert_int_eq(info.st_mode & 0777, 0700);
	ck_assert_msg(strstr(socket, "/data/run") != NULL, "%s", socket);
	ck_assert_int_eq(stat(data, &info), 0);
	ck_assert_int_eq(info.st_mode & 0777, 0700);
	embedded_stop(embedded);
}
END_TEST

START_TEST(the_server_never_runs_as_root_and_no_interrupt_of_the_terminal_reaches_it)
{
	snprintf(data, sizeof data, "%s/data", made);
	struct embedded *embedded = start(data);
	struct stat info;
	ck_assert_int_eq(stat(arena_printf(arena, "/proc/%d", embedded_pid(embedded)).p, &info), 0);
	ck_assert_uint_ne(info.st_uid, 0);
	ck_assert_int_eq(getpgid(embedded_pid(embedded)), embedded_pid(embedded));
	ck_assert_int_ne(getpgid(embedded_pid(embedded)), getpgrp());
	embedded_stop(embedded);
}
END_TEST

START_TEST(a_second_start_finds_what_the_first_wrote)
{
	snprintf(data, sizeof data, "%s/data", made);
	struct embedded *embedded = start(data);
	ask(embedded, "SET client_min_messages = error; DROP TABLE IF EXISTS note; CREATE TABLE note "
	              "AS SELECT 'kept' AS text");
	pid_t pid = embedded_pid(embedded);
	embedded_stop(embedded);
	ck_assert(kill(pid, 0) != 0);
	embedded = start(data);
	ck_assert_str_eq(ask(embedded, "SELECT text FROM note"), "kept");
	embedded_stop(embedded);
}
END_TEST

START_TEST(a_folder_in_use_is_refused_and_its_user_left_alone)
{
	snprintf(data, sizeof data, "%s/data", made);
	struct embedded *embedded = start(data);
	assert_refused(data, "in use by another quern");
	ck_assert_str_eq(ask(embedded, "SELECT 1"), "1");
	embedded_stop(embedded);
}
END_TEST

START_TEST(a_killed_server_is_noticed_and_the_next_start_recovers)
{
	snprintf(data, sizeof data, "%s/data", made);
	struct embedded *embedded = start(data);
	ask(embedded, "SET client_min_messages = error; DROP TABLE IF EXISTS note; CREATE TABLE note "
	              "AS SELECT 'kept' AS text");
	ck_assert(embedded_is_alive(embedded));
	ck_assert_uint_eq(embedded_ending(embedded, arena).n, 0);
	kill(embedded_pid(embedded), SIGKILL);
	if (embedded_fd(embedded) >= 0)
		ck_assert_int_eq(
			poll(&(struct pollfd){.fd = embedded_fd(embedded), .events = POLLIN}, 1, 5000), 1);
	for (int i = 0; i < 500 && embedded_is_alive(embedded); i++)
		poll(NULL, 0, 10);
	ck_assert(!embedded_is_alive(embedded));
	ck_assert(str_find(embedded_ending(embedded, arena), STR("signal 9")) >= 0);
	embedded_stop(embedded);
	ck_assert_int_eq(access(arena_printf(arena, "%s/postgres/postmaster.pid", data).p, F_OK), 0);
	embedded = start(data);
	ck_assert_str_eq(ask(embedded, "SELECT text FROM note"), "kept");
	embedded_stop(embedded);
}
END_TEST

START_TEST(a_stale_pid_that_belongs_to_somebody_else_is_no_obstacle)
{
	snprintf(data, sizeof data, "%s/data", made);
	pid_t other = fork();
	if (other == 0) {
		/* The server's user must be able to see it, or PostgreSQL ignores it by itself. */
		struct stat info;
		if (stat(data, &info) == 0 && geteuid() == 0 && setuid(info.st_uid) != 0)
			_exit(1);
		pause();
		_exit(0);
	}
	write_file(arena_printf(arena, "%s/postgres/postmaster.pid", data).p,
	           arena_printf(arena, "%d\n%s/postgres\n1\n5432\n\n\n", other, data).p);
	struct embedded *embedded = start(data);
	ck_assert_str_eq(ask(embedded, "SELECT 1"), "1");
	embedded_stop(embedded);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
}
END_TEST

START_TEST(a_cluster_of_another_version_is_named_and_left_alone)
{
	snprintf(data, sizeof data, "%s/data", made);
	const char *path = arena_printf(arena, "%s/postgres/PG_VERSION", data).p;
	struct embedded *embedded = start(data);
	const char *version = arena_printf(arena, "%.2s\n", ask(embedded, "SHOW server_version")).p;
	embedded_stop(embedded);
	write_file(path, "9\n");
	assert_refused(data, "was made by PostgreSQL 9");
	assert_refused(data, "Install postgresql-9");
	write_file(path, version);
}
END_TEST

START_TEST(what_a_killed_initdb_left_is_made_anew)
{
	ck_assert_int_eq(mkdir(data, 0700), 0);
	write_file(arena_printf(arena, "%s/quern.lock", data).p, "1\n");
	ck_assert_int_eq(mkdir(arena_printf(arena, "%s/postgres.new", data).p, 0700), 0);
	write_file(arena_printf(arena, "%s/postgres.new/PG_VERSION", data).p, "15\n");
	struct embedded *embedded = start(data);
	ck_assert_str_eq(ask(embedded, "SELECT 1"), "1");
	embedded_stop(embedded);
	ck_assert(access(arena_printf(arena, "%s/postgres.new", data).p, F_OK) != 0);
}
END_TEST

START_TEST(a_folder_that_holds_other_things_is_left_alone)
{
	ck_assert_int_eq(mkdir(data, 0755), 0);
	write_file(arena_printf(arena, "%s/thesis.txt", data).p, "years of work");
	assert_refused(data, "holds other things");
	struct stat info;
	ck_assert_int_eq(stat(data, &info), 0);
	ck_assert_int_eq(info.st_mode & 0777, 0755);
	ck_assert_uint_eq(info.st_uid, geteuid());
}
END_TEST

START_TEST(a_long_path_has_its_socket_elsewhere_and_leaves_nothing_there)
{
	char name[151];
	memset(name, 'x', 150);
	name[150] = '\0';
	const char *dir = arena_printf(arena, "%s/%s", folder, name).p;
	copy_made(dir);
	struct embedded *embedded = start(dir);
	const char *socket = ask(embedded, "SHOW unix_socket_directories");
	struct str path = str_trim(str_of(socket));
	if (path.p[0] == '"')
		path = str_sub(path, 1, path.n - 2);
	const char *away = arena_cstr(arena, path);
	ck_assert_msg(strncmp(away, "/tmp/quern-", 11) == 0, "%s", away);
	struct stat info;
	ck_assert_int_eq(stat(away, &info), 0);
	ck_assert_int_eq(info.st_mode & 0777, 0700);
	embedded_stop(embedded);
	ck_assert(access(away, F_OK) != 0);
}
END_TEST

START_TEST(spaces_quotes_and_commas_in_the_path_are_only_letters)
{
	static const char *const names[] = {"it's \"my\" data\\here", "a,b"};
	const char *name = names[_i];
	const char *dir = arena_printf(arena, "%s/%s", folder, name).p;
	copy_made(dir);
	struct embedded *embedded = start(dir);
	ck_assert_str_eq(ask(embedded, "SELECT 1"), "1");
	embedded_stop(embedded);
}
END_TEST

START_TEST(libpq_variables_of_the_environment_have_no_say)
{
	snprintf(data, sizeof data, "%s/data", made);
	setenv("PGHOSTADDR", "127.0.0.1", 1);
	setenv("PGPORT", "1", 1);
	setenv("PGOPTIONS", "-c search_path=nowhere", 1);
	setenv("PGDATA", "/nowhere", 1);
	struct embedded *embedded = start(data);
	ck_assert_str_eq(ask(embedded, "SHOW search_path"), "\"$user\", public");
	embedded_stop(embedded);
}
END_TEST

START_TEST(root_is_told_which_folder_keeps_the_server_out)
{
	if (geteuid() != 0)
		return;
	const char *closed = arena_printf(arena, "%s/closed", folder).p;
	ck_assert_int_eq(mkdir(closed, 0700), 0);
	assert_refused(arena_printf(arena, "%s/deep/data", closed).p,
	               arena_printf(arena, "cannot enter %s.", closed).p);
}
END_TEST

START_TEST(a_parent_that_is_killed_takes_the_server_along)
{
	snprintf(data, sizeof data, "%s/data", made);
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	pid_t parent = fork();
	if (parent == 0) {
		struct embedded *embedded = NULL;
		pid_t pid = 0;
		if (embedded_start(data, &embedded, &error))
			pid = embedded_pid(embedded);
		ssize_t written = write(ends[1], &pid, sizeof pid);
		(void)written;
		kill(getpid(), SIGKILL);
	}
	pid_t pid = 0;
	ck_assert_int_eq(read(ends[0], &pid, sizeof pid), sizeof pid);
	ck_assert_int_gt(pid, 0);
	/* At once again: waits until the one before has ended. */
	waitpid(parent, NULL, 0);
	struct embedded *embedded = start(data);
	ck_assert(is_gone(pid));
	ck_assert_str_eq(ask(embedded, "SELECT 1"), "1");
	embedded_stop(embedded);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(each_models_path_has_a_data_folder_of_its_own)
{
	const char *news = NULL, *again = NULL, *staff = NULL;
	ck_assert(embedded_default_data("/srv/a/news.json", &news, &error));
	ck_assert(embedded_default_data("/srv/a/news.json", &again, &error));
	ck_assert(embedded_default_data("/srv/b/news.json", &staff, &error));
	ck_assert_str_eq(news, again);
	ck_assert_str_ne(news, staff);
	ck_assert_ptr_nonnull(strstr(news, "quern/news-"));
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tcase = suite_with_case(&suite, "server/embedded");
	tcase_add_unchecked_fixture(tcase, make_once, unmake);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_new_folder_becomes_a_utf8_database_behind_a_private_socket);
	tcase_add_test(tcase,
	               the_server_never_runs_as_root_and_no_interrupt_of_the_terminal_reaches_it);
	tcase_add_test(tcase, a_second_start_finds_what_the_first_wrote);
	tcase_add_test(tcase, a_folder_in_use_is_refused_and_its_user_left_alone);
	tcase_add_test(tcase, a_killed_server_is_noticed_and_the_next_start_recovers);
	tcase_add_test(tcase, a_stale_pid_that_belongs_to_somebody_else_is_no_obstacle);
	tcase_add_test(tcase, a_cluster_of_another_version_is_named_and_left_alone);
	tcase_add_test(tcase, what_a_killed_initdb_left_is_made_anew);
	tcase_add_test(tcase, a_folder_that_holds_other_things_is_left_alone);
	tcase_add_test(tcase, a_long_path_has_its_socket_elsewhere_and_leaves_nothing_there);
	tcase_add_loop_test(tcase, spaces_quotes_and_commas_in_the_path_are_only_letters, 0, 2);
	tcase_add_test(tcase, libpq_variables_of_the_environment_have_no_say);
	tcase_add_test(tcase, root_is_told_which_folder_keeps_the_server_out);
	tcase_add_test(tcase, a_parent_that_is_killed_takes_the_server_along);
	tcase_add_test(tcase, each_models_path_has_a_data_folder_of_its_own);
	return suite_main(suite);
}
