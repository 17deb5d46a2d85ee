/* A wire that is cut after N bytes, for every N, or that hands over one byte at a time. */
#include "tests/db/fixture.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The proxy between us and PostgreSQL: one connection after another, in a thread. */
static char folder[64], upstream[108];
static int listener;
static _Atomic long cut_after;   /* bytes from the server, of the next connection; -1: never */
static _Atomic bool is_dripping; /* one byte a write */
static _Atomic unsigned cuts;

static bool pass_on(int to, const char *bytes, size_t n)
{
	size_t step = is_dripping ? 1 : n;
	for (size_t i = 0; i < n; i += step)
		if (send(to, bytes + i, step, MSG_NOSIGNAL) != (ssize_t)step)
			return false;
	return true;
}

static void relay(int client, int server, long limit)
{
	struct pollfd fds[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
	char bytes[8192];
	while (poll(fds, 2, -1) > 0) {
		for (int i = 0; i < 2; i++) {
			if (fds[i].revents == 0)
				continue;
			ssize_t n = read(fds[i].fd, bytes, sizeof bytes);
			if (n <= 0)
				return;
			if (i == 1 && limit >= 0 && n >= limit) {
				pass_on(client, bytes, (size_t)limit);
				cuts++;
				return;
			}
			limit -= i == 1 && limit >= 0 ? n : 0;
			if (!pass_on(fds[1 - i].fd, bytes, (size_t)n))
				return;
		}
	}
}

static int connect_upstream(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", upstream);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	close(fd);
	return -1;
}

static void *serve(void *arg)
{
	(void)arg;
	for (;;) {
		int client = accept(listener, NULL, NULL);
		if (client < 0)
			return NULL;
		int server = connect_upstream();
		long limit = cut_after;
		cut_after = -1;
		if (server >= 0)
			relay(client, server, limit);
		close(client);
		close(server);
	}
}

static char conninfo[512];

static const char *value_of(const char *key, char *out, size_t size)
{
	const char *at = strstr(getenv("QUERN_TEST_DATABASE_URL"), key);
	ck_assert_msg(at != NULL, "QUERN_TEST_DATABASE_URL is not of with_database's form");
	at += strlen(key);
	snprintf(out, size, "%.*s", (int)strcspn(at, " "), at);
	return out;
}

static void setup_proxy(void)
{
	char host[100], name[100], user[100];
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	pthread_t thread;
	setup();
	snprintf(folder, sizeof folder, "/tmp/quern-cut.XXXXXX");
	ck_assert(mkdtemp(folder) != NULL);
	snprintf(upstream, sizeof upstream, "%s/.s.PGSQL.5432", value_of("host=", host, sizeof host));
	snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.5432", folder);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(listener, 16), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
	pthread_detach(thread);
	snprintf(conninfo, sizeof conninfo, "host=%s dbname=%s user=%s", folder,
	         value_of("dbname=", name, sizeof name), value_of("user=", user, sizeof user));
	settings.conninfo = conninfo;
	settings.pool_size = 1;
	cut_after = -1;
	is_dripping = false;
	cuts = 0;
}

static void teardown_proxy(void)
{
	char path[128];
	teardown();
	shutdown(listener, SHUT_RDWR);
	snprintf(path, sizeof path, "%s/.s.PGSQL.5432", folder);
	unlink(path);
	rmdir(folder);
}

static unsigned acknowledged, unknown;

static void reads_through(void *arg)
{
	struct client c;
	struct db_rows rows[3];
	(void)arg;
	client_open(&c);
	struct statement statements[] = {
		text_statement(&c, "SELECT $1::text || '!', repeat('x', 50)", 1, "abc"),
		text_statement(&c, "SELECT generate_series(1, 10)", 0),
		text_statement(&c, "SELECT 1 WHERE false", 0),
	};
	bool is_done = db_run(&c.session, statements, 3, true, rows, &c.error);
	ck_assert_msg(is_done, "%.*s", STR_ARG(c.error.detail));
	ck_assert(cell_is(&rows[0], 0, 0, "abc!"));
	ck_assert_uint_eq(rows[1].nrows, 10);
	ck_assert_uint_eq(rows[2].nrows, 0);
	client_close(&c);
}

static void writes_through(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	if (write_sql(&c, "INSERT INTO through VALUES (1)", NULL)) {
		acknowledged++;
	} else {
		ck_assert_int_eq(c.error.kind, ERROR_UNAVAILABLE);
		unknown++;
	}
	client_close(&c);
}

static void makes_table(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	must(&c, "CREATE TABLE IF NOT EXISTS through (id int)");
	client_close(&c);
}

static void counts_table(void *arg)
{
	struct client c;
	client_open(&c);
	*(long long *)arg = number_of(&c, "SELECT count(*) FROM through");
	client_close(&c);
}

/* A fresh pool whose first connection is cut after n bytes from the server. */
static void cut_at(long n)
{
	cut_after = n;
	open_db();
	start(reads_through, NULL);
	start(writes_through, NULL);
	start(reads_through, NULL);
	run_all();
	db_free(db);
	db = NULL;
}

START_TEST(a_wire_cut_anywhere_costs_no_read_and_no_acknowledged_write)
{
	long long n = 0;
	open_db();
	run(makes_table, NULL);
	db_free(db);
	acknowledged = unknown = 0;
	for (long at = 1; at < 1700; at += 9)
		cut_at(at);
	ck_assert_uint_gt(cuts, 50);
	ck_assert_uint_gt(unknown, 0);
	open_db();
	run(counts_table, &n);
	ck_assert_int_ge(n, acknowledged);
	ck_assert_int_le(n, acknowledged + unknown);
}
END_TEST

START_TEST(answers_that_come_byte_by_byte_are_read)
{
	is_dripping = true;
	open_db();
	run(makes_table, NULL);
	for (int i = 0; i < 20; i++)
		start(i % 3 ? reads_through : writes_through, NULL);
	run_all();
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "db cut");
	tcase_add_checked_fixture(group, setup_proxy, teardown_proxy);
	tcase_add_test(group, a_wire_cut_anywhere_costs_no_read_and_no_acknowledged_write);
	tcase_add_test(group, answers_that_come_byte_by_byte_are_read);
	return suite_main(suite);
}
