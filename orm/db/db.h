/* PostgreSQL as a worker sees it: statements go out in pipelines, answers come back to
 * the task that waits for them.
 *
 * A worker has one struct db per database.  It owns a pool of non-blocking connections
 * in pipeline mode, watched by the worker's loop.  Short statements share connections,
 * least loaded first; transactions and streams get one to themselves.  Every call here
 * that says "waits" suspends the running task (base/task.h), never the worker.
 *
 * A segment is acknowledged only on its pipeline's Sync: what db_run() reports as done
 * is committed.  Lost connections, restarts and stale prepared statements are dealt with
 * here: a segment that was not sent, or that only reads and gave nothing out yet, is sent
 * again; anything else is reported (ERROR_UNAVAILABLE …, mapped from SQLSTATE in one table).
 *
 * A statement that has a zone runs in it (all of one segment in the same): set for its transaction
 * alone, in the same flight, and counted for nobody.
 */
#ifndef QUERN_DB_DB_H
#define QUERN_DB_DB_H

#include "orm/base/error.h"
#include "orm/base/loop.h"
#include "orm/sql/statement.h"

struct db;
struct db_tx;
struct db_stream;
struct db_copy;

struct db_settings {
	const char *conninfo;          /* any libpq connection string; "" for PG* variables */
	unsigned pool_size;            /* connections of this worker */
	unsigned acquire_timeout_ms;   /* waiting for a connection: then 503 */
	unsigned statement_timeout_ms; /* 504; 0: none.  Of a stream outside of a transaction: its wait for rows */
	unsigned statement_cache;      /* prepared statements kept per connection */
	const char *search_path;       /* NULL: the role's own */
	const char *application_name;
};

/* Counted for a request: Server-Timing, metrics. */
struct db_usage {
	unsigned statements; /* BEGIN, COMMIT, savepoints not counted */
	uint64_t wait_ns;    /* until sent */
	uint64_t run_ns;     /* sent to answered */
};

/* The result of one statement; cells are PostgreSQL's text form. */
struct db_rows {
	void *result;            /* the PGresult; freed with the session's arena */
	void *const *singles;    /* of a stream: one PGresult a row; NULL else */
	const struct str *cells; /* of rows that somebody copied (fetch/): row by row; NULL else */
	size_t nrows;
	size_t ncolumns;
	uint64_t affected; /* rows of INSERT, UPDATE, DELETE */
};

/* p == NULL for SQL NULL.  Valid as long as the rows. */
struct str db_cell(const struct db_rows *rows, size_t row, size_t column);

struct db *db_new(struct loop *loop, const struct db_settings *settings);
/* Waits for nobody: running segments fail with ERROR_UNAVAILABLE.  A transaction or
 * stream that is still open then can only be rolled back or closed. */
void db_free(struct db *db);
/* Connects the first connection; loops and tasks must be running.  For /health/ready: whether a
 * connection is up, from what is known, asking nobody. */
bool db_is_ready(const struct db *db);

/* What a worker's pool does now, and what it has done since it was made. */
struct db_stats {
	unsigned connections; /* up */
	unsigned busy;        /* of these, with something to do or leased */
	unsigned leased;      /* of these, a transaction's or a stream's own */
	unsigned waiting;     /* segments and leases that no connection has taken yet */
	uint64_t statements;  /* sent */
	uint64_t connects;    /* connections made */
	uint64_t losses;      /* connections lost */
	uint64_t healed;      /* segments sent again with fresh prepared statements */
	uint64_t cancels;     /* asked of PostgreSQL */
	uint64_t gathered;    /* writes sent to share a commit with others */
	uint64_t undone;      /* such commits that failed: their writes were sent again alone */
};
void db_stats(const struct db *db, struct db_stats *stats);

/* A request's standing with the database: whom to charge, how to give up. */
struct db_session {
	struct db *db;
	struct arena *arena; /* results live here */
	struct db_usage usage;
	bool is_cancelled; /* set by db_session_cancel */
	void *waiting;     /* what the task waits for now; private to db */
	struct db_tx *tx;  /* the open transaction: db_run() and the like run in it; NULL: none */
	/* A transaction was lost to a statement that had been prepared before the tables were changed
	 * (ERROR_CONFLICT): begun once more it takes none of those. */
	bool saw_stale;
	/* Called by db_session_cancel: set while the task waits for something that is not db's own. */
	void (*on_cancel)(void *arg);
	void *on_cancel_arg;
};
void db_session_init(struct db_session *session, struct db *db, struct arena *arena);
/* The client is gone: from the loop, cancels what runs (the waiting call fails with ERROR_UNAVAILABLE). */
void db_session_cancel(struct db_session *session);

/* Waits.  In the session's open transaction, else: sends the statements as one segment (one implicit
 * transaction: all or nothing), rows[i] for statements[i].  One statement that writes may share its
 * commit with others of the same text.
 * `reads_only`: may be sent again when the connection is lost, and may share its
 * transaction with other readers, where each statement still sees what was committed before it. */
bool db_run(struct db_session *session, const struct statement *statements, size_t n,
            bool reads_only, struct db_rows *rows, struct error *error);
/* As db_run for one statement. */
bool db_query(struct db_session *session, const struct statement *statement, bool reads_only,
              struct db_rows *rows, struct error *error);
/* Waits.  Independent reading statements in one flush, none hurt by another's error; fails with the
 * first error (in the statements' order) once all are answered.  In an open transaction as db_run(). */
bool db_run_each(struct db_session *session, const struct statement *statements, size_t n,
                 struct db_rows *rows, struct error *error);

/* A transaction on a connection of its own.  All wait.  From db_begin() to db_commit() or
 * db_rollback() it is the session's: whatever the session runs, runs in it.  On false the
 * transaction is over (rolled back, the connection given back) and *tx is not to be used. */
enum db_isolation { DB_READ_COMMITTED, DB_REPEATABLE_READ, DB_SERIALIZABLE };
bool db_begin(struct db_session *session, enum db_isolation isolation, struct db_tx **tx,
              struct error *error);
/* An error of a statement leaves the transaction open to be rolled back by the caller
 * (db_rollback), unless the connection is lost; db_rollback is always right after false, and does
 * not wait: what was rolled back may hold its locks a moment longer. */
bool db_tx_run(struct db_tx *tx, const struct statement *statements, size_t n, struct db_rows *rows,
               struct error *error);
bool db_tx_query(struct db_tx *tx, const struct statement *statement, struct db_rows *rows,
                 struct error *error);
bool db_commit(struct db_tx *tx, struct error *error);
void db_rollback(struct db_tx *tx);

/* Savepoints nest, DB_SAVEPOINTS deep at most; each is ended by one of the two calls below, the
 * innermost first.  None of them waits or fails: they are sent along with whatever is run next, and
 * a savepoint in which nothing was run is never sent. */
#define DB_SAVEPOINTS 8
void db_savepoint(struct db_tx *tx);
/* Keeps what was done since the innermost savepoint. */
void db_release(struct db_tx *tx);
/* Undoes it, also after an error, and ends that savepoint. */
void db_rollback_to(struct db_tx *tx);
/* How many are open. */
unsigned db_savepoints(const struct db_tx *tx);
/* Waits.  Whether constraints that are to judge at the end would be satisfied now: ERROR_INTEGRITY.  All is
 * as it was then, also after an error; they judge again at the end. */
bool db_check_constraints(struct db_tx *tx, struct error *error);

/* Waits so long, holding nothing; ended early, with ERROR_UNAVAILABLE, when the session is cancelled. */
bool db_pause(struct db_session *session, uint64_t ns, struct error *error);
/* The session's pause is over at the loop's next turn. */
void db_pause_end(struct db_session *session);

/* Rows as they come, in constant memory, on a connection of its own; in the session's open transaction
 * they are a cursor's of it, and any number of streams (up to 32) and other statements may be under way
 * together.  All wait.  Stopping to ask stops reading from PostgreSQL. */
bool db_stream_open(struct db_session *session, const struct statement *statement,
                    struct db_stream **stream, struct error *error);
/* The next rows (at least one; freed by the next call); rows->nrows == 0 at the end. */
bool db_stream_next(struct db_stream *stream, struct db_rows *rows, struct error *error);
void db_stream_close(struct db_stream *stream);

/* COPY … FROM STDIN in the session's open transaction, one batch after another.  Between enter and
 * leave the connection takes nothing else.  All wait. */
bool db_copy_enter(struct db_session *session, struct db_copy **copy, struct error *error);
/* What PostgreSQL said of the batch beside the error. */
struct db_copy_failure {
	uint64_t line;     /* of the batch's data, from 1; 0: not said */
	struct str column; /* p == NULL: not said */
	struct str detail; /* the server's own, never for a client; p == NULL: none */
};
/* Sends a batch, in COPY's text format; the answer is waited for by db_copy_answer(), so that the next batch
 * can be made meanwhile. */
bool db_copy_send(struct db_copy *copy, const char *sql, struct str data, struct error *error,
                  struct db_copy_failure *failure);
/* Of the batch sent last. */
bool db_copy_answer(struct db_copy *copy, uint64_t *nrows, struct error *error,
                    struct db_copy_failure *failure);
/* Always, also after false, before the transaction is ended.  A batch without its answer is given up. */
void db_copy_leave(struct db_copy *copy);

#endif
