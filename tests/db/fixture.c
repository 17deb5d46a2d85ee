/* See fixture.h. */
#include "tests/db/fixture.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

struct loop *loop;
struct db *db;
struct db_settings settings;

static unsigned ntasks;
static char cluster_where[256], cluster_url[512];

void setup(void)
{
	const char *url = getenv("QUERN_TEST_DATABASE_URL");
	ck_assert_msg(url != NULL, "QUERN_TEST_DATABASE_URL is not set");
	settings = (struct db_settings){.conninfo = url,
	                                .pool_size = 4,
	                                .acquire_timeout_ms = 5000,
	                                .statement_timeout_ms = 20000,
	                                .statement_cache = 100,
	                                .application_name = "quern-test"};
	loop = loop_new();
	ck_assert(loop != NULL);
}

void teardown(void)
{
	db_free(db);
	loop_free(loop);
	db = NULL;
	loop = NULL;
	task_thread_end();
}

void open_db(void)
{
	db = db_new(loop, &settings);
}

/* Clients. */

void client_open(struct client *client)
{
	client->arena = arena_new();
	db_session_init(&client->session, db, client->arena);
	error_init(&client->error, client->arena);
}

void client_close(struct client *client)
{
	arena_free(client->arena);
}

struct statement text_statement(struct client *client, const char *sql, size_t n, ...)
{
	struct statement statement = {.sql = str_of(sql), .nparams = n};
	statement.params = ARENA_ARRAY(client->arena, struct param, n + 1);
	va_list args;
	va_start(args, n);
	for (size_t i = 0; i < n; i++)
		statement.params[i] = (struct param){.text = str_of(va_arg(args, const char *))};
	va_end(args);
	return statement;
}

static bool run_sql(struct client *client, const char *sql, bool reads_only, struct db_rows *rows)
{
	struct statement statement = {.sql = str_of(sql)};
	struct db_rows unused;
	error_clear(&client->error);
	return db_query(&client->session, &statement, reads_only, rows ? rows : &unused,
	                &client->error);
}

bool write_sql(struct client *client, const char *sql, struct db_rows *rows)
{
	return run_sql(client, sql, false, rows);
}

bool read_sql(struct client *client, const char *sql, struct db_rows *rows)
{
	return run_sql(client, sql, true, rows);
}

void must(struct client *client, const char *sql)
{
	bool is_done = write_sql(client, sql, NULL);
	ck_assert_msg(is_done, "%s: %.*s", sql, STR_ARG(client->error.detail));
}

long long number_of(struct client *client, const char *sql)
{
	struct db_rows rows;
	bool is_done = read_sql(client, sql, &rows);
	ck_assert_msg(is_done, "%s: %.*s", sql, STR_ARG(client->error.detail));
	return atoll(db_cell(&rows, 0, 0).p);
}

bool cell_is(const struct db_rows *rows, size_t row, size_t column, const char *text)
{
	struct str cell = db_cell(rows, row, column);
	return cell.p != NULL && str_is(cell, text);
}

/* Tasks. */

struct job {
	void (*fn)(void *);
	void *arg;
};

static void run_job(void *arg)
{
	struct job job = *(struct job *)arg;
	free(arg);
	job.fn(job.arg);
	ntasks--;
}

void start(void (*fn)(void *), void *arg)
{
	struct job *job = malloc(sizeof *job);
	*job = (struct job){fn, arg};
	ntasks++;
	task_start(run_job, job);
}

void run_all(void)
{
	uint64_t limit = now_ms() + 60000;
	while (ntasks > 0) {
		ck_assert_msg(now_ms() < limit, "%u tasks have not ended", ntasks);
		loop_turn(loop, 1000);
	}
}

void run(void (*fn)(void *), void *arg)
{
	start(fn, arg);
	run_all();
}

struct pause {
	struct loop_timer timer;
	struct task *task;
};

static void end_pause(struct loop_timer *timer)
{
	task_resume(((struct pause *)timer)->task);
}

void rest(unsigned ms)
{
	struct pause pause = {.timer = {.fire = end_pause}, .task = task_self()};
	loop_timer_set(loop, &pause.timer, ms * 1000000ULL);
	task_suspend();
}

size_t resident_kib(void)
{
	long pages = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	ck_assert(file != NULL && fscanf(file, "%ld %ld", &pages, &resident) == 2);
	fclose(file);
	return (size_t)(resident * (sysconf(_SC_PAGESIZE) / 1024));
}

uint64_t now_ms(void)
{
	return loop_clock() / 1000000;
}

/* The server of our own. */

static void shell(const char *command)
{
	int result = system(command);
	ck_assert_msg(result == 0, "%s: %d", command, result);
}

void cluster_prepare(void)
{
	static char folder[] = "/tmp/quern-own.XXXXXX";
	if (mkdtemp(folder) == NULL)
		abort();
	setenv("QUERN_OWN_CLUSTER", folder, 1);
}

void cluster_remove(void)
{
	char command[600];
	/* No assertion: no case is running. */
	snprintf(command, sizeof command, "%s/tests/support/postgres stop %s; rm -rf %s",
	         QUERN_SOURCE_DIR, getenv("QUERN_OWN_CLUSTER"), getenv("QUERN_OWN_CLUSTER"));
	if (system(command) != 0)
		fprintf(stderr, "%s failed\n", command);
}

void cluster_start(void)
{
	char path[300], command[600];
	snprintf(command, sizeof command, "%s/tests/support/postgres start %s >/dev/null",
	         QUERN_SOURCE_DIR, getenv("QUERN_OWN_CLUSTER"));
	shell(command);
	snprintf(path, sizeof path, "%s/where", getenv("QUERN_OWN_CLUSTER"));
	FILE *file = fopen(path, "r");
	ck_assert(file != NULL && fscanf(file, "%255s", cluster_where) == 1);
	fclose(file);
	/* The tests' servers forget on a crash what they acknowledged, for speed; not this one. */
	snprintf(cluster_url, sizeof cluster_url,
	         "host=%s dbname=postgres user=quern options='-c synchronous_commit=on'",
	         cluster_where);
	settings.conninfo = cluster_url;
}

void cluster_ctl(const char *arguments)
{
	char command[1024];
	snprintf(command, sizeof command,
	         "cd %s; %s $(ls -d /usr/lib/postgresql/*/bin/pg_ctl | sort -rV | head -1) -D %s/data "
	         "-l %s/log -s -w %s "
	         "</dev/null >/dev/null 2>&1",
	         cluster_where, geteuid() == 0 ? "runuser -u postgres --" : "", cluster_where,
	         cluster_where, arguments);
	shell(command);
}

long cluster_pid(void)
{
	char path[300];
	long pid = 0;
	snprintf(path, sizeof path, "%s/data/postmaster.pid", cluster_where);
	FILE *file = fopen(path, "r");
	ck_assert(file != NULL && fscanf(file, "%ld", &pid) == 1);
	fclose(file);
	return pid;
}

static pthread_t beside;
static const char *beside_arguments;
static _Atomic uint64_t beside_ended;

static void *run_beside(void *arg)
{
	(void)arg;
	cluster_ctl(beside_arguments);
	beside_ended = now_ms();
	return NULL;
}

void cluster_ctl_beside(const char *arguments)
{
	beside_arguments = arguments;
	beside_ended = 0;
	ck_assert_int_eq(pthread_create(&beside, NULL, run_beside, NULL), 0);
	pthread_detach(beside);
}

bool cluster_ctl_is_over(uint64_t *ended_ms)
{
	*ended_ms = beside_ended;
	return *ended_ms != 0;
}

unsigned cluster_log_count(const char *text)
{
	char path[300], line[1024];
	unsigned n = 0;
	snprintf(path, sizeof path, "%s/log", cluster_where);
	FILE *file = fopen(path, "r");
	ck_assert(file != NULL);
	while (fgets(line, sizeof line, file) != NULL)
		n += strstr(line, text) != NULL;
	fclose(file);
	return n;
}
