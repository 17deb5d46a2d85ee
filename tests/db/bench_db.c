/* How many point lookups a second one worker gets out of PostgreSQL: not a test, prints a number.
 *
 *   bench_db [tasks] [seconds] [pool size] [statements at a time]
 *
 * QUERN_TEST_DATABASE_URL names the database; the table bench_db is made when it is missing.
 */
#include "orm/base/task.h"
#include "orm/db/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define ROWS 10000

static struct db *db;
static struct loop *loop;
static bool is_over;
static unsigned running;
static uint64_t done, failed;
static unsigned at_a_time = 1;

static struct statement lookup(char *text, struct param *param)
{
	snprintf(text, 16, "%d", 1 + rand() % ROWS);
	*param = (struct param){.text = str_of(text), .oid = 20};
	return (struct statement){.sql = STR("SELECT \"t0\".\"id\", \"t0\".\"title\", \"t0\".\"body\" "
	                                     "FROM \"bench_db\" \"t0\" WHERE \"t0\".\"id\" = $1"),
	                          .params = param,
	                          .nparams = 1,
	                          .ncolumns = 3};
}

static void client(void *arg)
{
	(void)arg;
	struct arena *arena = arena_new();
	while (!is_over) {
		struct db_session session;
		struct error error;
		char texts[64][16];
		struct param params[64];
		struct statement statements[64];
		struct db_rows rows[64];
		error_init(&error, arena);
		db_session_init(&session, db, arena);
		for (unsigned i = 0; i < at_a_time; i++)
			statements[i] = lookup(texts[i], &params[i]);
		if (db_run(&session, statements, at_a_time, true, rows, &error) && rows[0].nrows == 1)
			done += at_a_time;
		else
			failed++;
		arena_reset(arena);
	}
	arena_free(arena);
	running--;
}

static void make_table(void *arg)
{
	(void)arg;
	struct arena *arena = arena_new();
	struct db_session session;
	struct error error;
	struct db_rows rows[2];
	struct statement statements[] = {
		{.sql = STR(
			 "CREATE TABLE IF NOT EXISTS bench_db (id bigint PRIMARY KEY, title text, body text)")},
		{.sql = STR("INSERT INTO bench_db SELECT i, 'title ' || i, repeat('x', 100) FROM "
	                "generate_series(1, 10000) i "
	                "ON CONFLICT DO NOTHING")},
		{.sql = STR("ANALYZE bench_db")},
	};
	db_session_init(&session, db, arena);
	for (size_t i = 0; i < 3; i++) {
		error_init(&error, arena);
		if (!db_query(&session, &statements[i], false, rows, &error))
			fprintf(stderr, "%.*s\n", STR_ARG(error.detail));
	}
	arena_free(arena);
	running--;
}

static unsigned argument(int argc, char **argv, int i, unsigned otherwise)
{
	return argc > i ? (unsigned)atoi(argv[i]) : otherwise;
}

static void report(uint64_t ns, unsigned tasks, unsigned pool)
{
	struct rusage usage;
	struct db_stats stats;
	getrusage(RUSAGE_SELF, &usage);
	db_stats(db, &stats);
	double seconds = (double)ns / 1e9;
	printf(
		"%u tasks, pool of %u (%u used): %.0f statements/s, %llu failed, %.2f s of CPU, %ld KiB\n",
		tasks, pool, stats.connections, (double)done / seconds, (unsigned long long)failed,
		(double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 +
			(double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6,
		usage.ru_maxrss);
}

int main(int argc, char **argv)
{
	unsigned tasks = argument(argc, argv, 1, 64), seconds = argument(argc, argv, 2, 3);
	unsigned pool = argument(argc, argv, 3, 4);
	at_a_time = argument(argc, argv, 4, 1);
	const char *url = getenv("QUERN_TEST_DATABASE_URL");
	struct db_settings settings = {.conninfo = url ? url : "",
	                               .pool_size = pool,
	                               .acquire_timeout_ms = 5000,
	                               .statement_timeout_ms = 10000,
	                               .statement_cache = 100};
	loop = loop_new();
	db = db_new(loop, &settings);
	running = 1;
	task_start(make_table, NULL);
	while (running > 0)
		loop_turn(loop, -1);
	uint64_t start = loop_clock();
	for (running = 0; running < tasks; running++)
		task_start(client, NULL);
	while (loop_clock() < start + seconds * 1000000000ULL)
		loop_turn(loop, 100);
	uint64_t ns = loop_clock() - start;
	is_over = true;
	while (running > 0)
		loop_turn(loop, -1);
	report(ns, tasks, pool);
	db_free(db);
	loop_free(loop);
	task_thread_end();
	return 0;
}
