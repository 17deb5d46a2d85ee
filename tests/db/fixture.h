/* What the tests of db/ share: a loop, a pool, tasks that play clients, a server to be ill-treated. */
#ifndef QUERN_TESTS_DB_FIXTURE_H
#define QUERN_TESTS_DB_FIXTURE_H

#include "orm/base/task.h"
#include "orm/db/db.h"
#include "tests/support/suite.h"

extern struct loop *loop;
extern struct db *db;
extern struct db_settings settings; /* changed before open_db() */

/* Settings to their defaults, the loop made; no connection yet. */
void setup(void);
void teardown(void);
void open_db(void);

/* A client: a session with an arena and an error of its own. */
struct client {
	struct arena *arena;
	struct db_session session;
	struct error error;
};
void client_open(struct client *client);
void client_close(struct client *client);
/* A statement of that text with n text parameters (const char *, NULL for NULL), in the client's arena. */
struct statement text_statement(struct client *client, const char *sql, size_t n, ...);
/* Runs a statement without parameters; the error is cleared first. */
bool write_sql(struct client *client, const char *sql, struct db_rows *rows);
bool read_sql(struct client *client, const char *sql, struct db_rows *rows);
/* As write_sql, and fails the test when it fails. */
void must(struct client *client, const char *sql);
/* The first cell as a number. */
long long number_of(struct client *client, const char *sql);
/* The first cell equals the text. */
bool cell_is(const struct db_rows *rows, size_t row, size_t column, const char *text);

/* Starts fn as a task; run_all() turns the loop until all have ended (60 s at most). */
void start(void (*fn)(void *), void *arg);
void run_all(void);
/* Both. */
void run(void (*fn)(void *), void *arg);
/* In a task: lets the others go on for a while. */
void rest(unsigned ms);
/* Resident memory of this process. */
size_t resident_kib(void);
uint64_t now_ms(void);

/* A server of the test's own.  main() prepares its folder before the cases run and removes it behind
 * them, so that a case that fails leaves no server behind; each start is a fresh cluster. */
void cluster_prepare(void);
void cluster_remove(void);
void cluster_start(void);
/* pg_ctl of that server: "restart -m immediate", "stop -m fast", "start". */
void cluster_ctl(const char *arguments);
/* Of its postmaster. */
long cluster_pid(void);
/* pg_ctl in a thread of its own; the loop goes on.  True once it has ended, and when. */
void cluster_ctl_beside(const char *arguments);
bool cluster_ctl_is_over(uint64_t *ended_ms);
/* How often the server's log holds the text. */
unsigned cluster_log_count(const char *text);

#endif
