/* The insides of the engine, shared by the files of this folder and by nobody else.
 *
 *   task -> struct segment -> queue of struct db -> flight on a struct conn -> answered at its Sync
 *
 * A segment is what one caller sends as one implicit transaction (or what waits for a connection of
 * its own).  A flight is what goes out under one Sync: one segment, or several that only read and
 * whose shapes are known to be quick; when one of these fails, those that it took along are sent
 * again, each alone.  Writes of one shape that came while others were on their way share a Sync, too
 * (gather.c): one commit for all of them; when one fails nothing was done, and each is sent again
 * alone.  Segments live on the stacks of their waiting tasks; a flight forgets a segment that is given
 * up and swallows its results, so nothing here outlives its caller.
 *
 * Invariants: the commands of a connection are answered in order; a segment is done at its Sync
 * only; a connection is free for the next borrower only when nothing is outstanding on it, its
 * transaction is over and no cancel request may still reach it.
 */
#ifndef QUERN_DB_ENGINE_H
#define QUERN_DB_ENGINE_H

#include "orm/base/task.h"
#include "orm/db/db.h"

#include <libpq-fe.h>

#define CONTAINER_OF(pointer, type, member)                                                        \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define MS 1000000ULL

/* What may be outstanding on one connection. */
#define CONN_MAX_COMMANDS 512
#define CONN_MAX_BYTES (1024 * 1024)
/* libpq never gives a buffer back: a connection that had to hold more is replaced when idle. */
#define CONN_RECYCLE_BYTES (1024 * 1024)

struct conn;

/* A task that waits, for one segment, for several, for rows of a stream, or for a connection in copying. */
struct wait {
	struct task *task;
	unsigned pending; /* segments not done yet */
	struct segment *segments;
	size_t nsegments;
	struct db_stream *stream;
	struct db_copy *copy;
	struct wait *next; /* among those to be resumed */
};

enum segment_place { SEGMENT_NOWHERE, SEGMENT_QUEUED, SEGMENT_SENT, SEGMENT_DONE };

struct segment_list {
	struct segment *first, *last;
	size_t n;
};

struct segment {
	struct segment *prev, *next; /* in a queue or in a flight */
	struct segment_list *list;
	enum segment_place place;
	struct wait *wait; /* NULL: nobody is suspended for it */
	struct db_session *session;
	struct error *error;
	struct conn *conn; /* where it was sent, or the lease that was granted */

	const struct statement *statements;
	size_t n;
	struct db_rows *rows;
	const char *const *before; /* sent before the statements: BEGIN, SAVEPOINT … */
	size_t nbefore;
	const char *commit;       /* sent behind them */
	struct db_stream *stream; /* single rows go there */
	bool is_lease;            /* sends nothing: wants a connection of its own */
	bool reads_only;
	bool is_alone;      /* shares its Sync with no other */
	bool is_slow;       /* by what was measured of its shape */
	bool prepares_anew; /* takes no statement prepared before: cannot be stale */
	unsigned shape;     /* where its time is kept */

	size_t answered; /* statements whose result is here */
	bool has_failed;
	bool is_stale; /* has_failed, because of a prepared statement: to be sent again */
	unsigned attempts;
	unsigned ndisturbed; /* attempts that a cancel request for another has ended */
	uint64_t queued_at, sent_at, deadline;
};

/* A prepared statement of one connection: server-side name, full text and types. */
struct prepared {
	struct prepared *chain;         /* in its hash bucket */
	struct prepared *newer, *older; /* least recently used last */
	uint64_t hash;
	char *sql;
	size_t sql_n;
	unsigned *oids;
	size_t noids;
	unsigned number;    /* its name is q<number> */
	unsigned in_flight; /* commands that refer to it */
	bool is_known;      /* the server confirmed the Parse */
	bool is_dropped;    /* no longer in the cache; freed with the last command */
};

struct statements {
	struct prepared **buckets;
	size_t nbuckets; /* a power of two */
	size_t n;
	struct prepared *newest, *oldest;
	unsigned counter;
};

enum command_kind {
	COMMAND_PREPARE,
	COMMAND_RUN,
	COMMAND_CONTROL, /* BEGIN, COMMIT, ROLLBACK, DEALLOCATE, SET */
	COMMAND_ZONE,    /* the time zone of a segment's transaction */
	COMMAND_SYNC,
};

struct command {
	enum command_kind kind;
	bool is_commit;
	unsigned index;            /* of the segment's statement */
	struct segment *segment;   /* NULL: ours, or given up */
	struct prepared *prepared; /* with PREPARE and RUN */
};

struct flight {
	struct segment_list segments;
	unsigned nstatements;
	size_t bytes;
	uint64_t sent_at;
	bool is_quiet;  /* an error in it means nothing (DEALLOCATE of a name that is gone) */
	bool is_strict; /* an error in it ends the connection (ROLLBACK) */
	bool has_failed;
	bool is_gathered;  /* writes: one fails, all are undone */
	bool was_given_up; /* a segment of it: worth cancelling when no other is left */
	bool is_risky;     /* nobody knows how long it takes */
	bool may_gather;   /* what comes meanwhile and is like it may wait for its end */
	unsigned shape;    /* of what may */
};

enum conn_state { CONN_CLOSED, CONN_CONNECTING, CONN_READY };

/* The way of a cancel request: nothing new is sent until the backend is known to be past it. */
enum conn_cancel {
	CANCEL_NONE,
	CANCEL_ASKED,   /* the helper thread is at it */
	CANCEL_SETTLED, /* it returned; waiting for what was outstanding */
	CANCEL_PROBED,  /* an empty round trip is on its way */
};

struct conn {
	struct loop_watch watch;
	struct db *db;
	PGconn *pg;
	enum conn_state state;
	unsigned generation; /* of the slot: late answers of the helper thread name it */

	struct command *commands; /* a ring */
	unsigned command_first, ncommands, command_cap;
	struct flight *flights; /* a ring */
	unsigned flight_first, nflights, flight_cap;
	unsigned nsegments;   /* in the flights */
	unsigned nrisky;      /* of the flights */
	size_t bytes;         /* of them */
	uint64_t progress_at; /* when the server last showed itself, or had nothing to do */
	uint64_t connect_deadline;

	struct statements statements;
	unsigned *unwanted; /* numbers of statements that the server is to forget */
	unsigned nunwanted, unwanted_cap;
	bool is_leased;
	bool is_returning; /* lease over, rollback under way */
	bool is_slow;      /* runs a slow segment alone */
	bool is_reserved;  /* takes nothing new: the next lease is to have it */
	bool needs_flush;
	bool is_broken; /* to be closed as soon as nobody is inside */
	bool is_paused; /* a stream that nobody asks for rows */
	bool is_fat;    /* to be replaced when idle */
	bool saw_fatal; /* the server said why it ends: what stood behind was never run */
	bool is_proven; /* an answer has come */
	bool is_stuck;  /* closed because it answered nothing for too long */
	bool shares_processors; /* with the server, and they are few */
	struct db_copy *copy; /* it is out of pipeline mode, or about to leave it */
	enum conn_cancel cancel;
	uint64_t cancel_since; /* the first request of this bout */
	uint64_t cancel_at;    /* the latest one */
};

/* What is known of the time of statements of one shape; a collision costs nothing but precision. */
struct shape {
	uint64_t hash;
	uint32_t average_us; /* leaning towards the shortest */
	uint32_t runs;
	uint32_t solos; /* as many of its next runs are sent alone */
};
#define SHAPES 2048
/* Of a shape that gets connections to itself, microseconds; and of one that may share its Sync. */
#define SLOW_SHAPE_US 25000
#define QUICK_SHAPE_US 8000

struct db {
	struct loop *loop;
	char *conninfo, *options, *application_name;
	unsigned pool_size;
	uint64_t acquire_timeout_ns, statement_timeout_ns;
	unsigned statement_cache;
	bool needs_names; /* a host name is to be resolved */
	bool is_closing;
	bool is_closed; /* db_free() is through; only leases keep it */

	struct conn *conns; /* pool_size slots */
	unsigned nready;
	struct conn *connecting;
	unsigned failures; /* of connecting, in a row */
	uint64_t retry_at;
	bool is_away; /* logged as such */

	struct segment_list quick;     /* waiting for a place on a shared connection */
	struct segment_list writes;    /* that may share a commit */
	struct segment_list exclusive; /* leases and slow segments */
	struct wait *wake_first, *wake_last;
	/* Flights of the quick lane: since window_at, and in the window before. */
	uint64_t window_at;
	unsigned quick_now, quick_before;
	struct shape *shapes;
	const char **values; /* scratch for parameters */
	size_t values_cap;

	struct loop_work pump;
	struct loop_timer expiry; /* the nearest deadline of a waiting segment */
	struct loop_timer retry;  /* the next try to connect */
	struct loop_timer tick;   /* looks after stuck and given up flights */
	/* Threads, made when first needed: a name that hangs must not hold up a cancel. */
	struct helper *canceller, *resolver;
	struct db_stats stats;
};

/* conn.c */
void conn_connect(struct conn *conn);
/* The first call of libpq was made; takes pg. */
void conn_begun(struct conn *conn, PGconn *pg);
/* Closes at once and settles what was outstanding: sent again or failed. */
void conn_close(struct conn *conn, const char *why);
/* Sends what can be sent and watches what must be watched now. */
void conn_flush(struct conn *conn);

/* pool.c */
void pool_pump(struct loop_work *work);
void pool_expire(struct loop_timer *timer);
void pool_retry(struct loop_timer *timer);
void pool_tick(struct loop_timer *timer);
/* Connects one more when that is wanted, allowed and due. */
void pool_grow(struct db *db);
void pool_queue(struct db *db, struct segment *segment, bool in_front);
/* A connection has nothing outstanding any more. */
void pool_idle(struct conn *conn);
void pool_release(struct conn *conn);
void pool_connected(struct conn *conn);
void pool_connect_failed(struct conn *conn);
void pool_watch_over(struct db *db);

/* The connection that quick segments go to next; NULL when it is better to wait for the one being made. */
struct conn *pool_find_least_loaded(struct db *db);
/* Statements under one Sync. */
#define GROUP_MAX 32

/* gather.c */
/* Whether the segment, which is about to be queued, may share its commit with others; where its shape goes alone
 * for a while, it counts. */
bool gather_may(struct db *db, const struct segment *segment);
/* Sends what is due of db->writes. */
void gather_serve(struct db *db);
/* A gathered flight has failed: its shape's next writes go alone. */
void gather_failed(struct db *db, const struct segment *segment);

/* frugal.c */
/* A leader and the usual two helpers take all of them. */
#define FEW_PROCESSORS 3
/* A connection has been made. */
void frugal_connected(struct conn *conn);
/* A flight of the quick lane begins. */
void frugal_note_quick(struct db *db);
/* In front of a slow segment, in its flight: it is to leave processors to the quick lane, where that needs them. */
void frugal_begin(struct conn *conn);

/* segments: db.c */
void segment_init(struct segment *segment, struct db_session *session, struct error *error);
void segment_link(struct segment_list *list, struct segment *segment, bool in_front);
void segment_unlink(struct segment *segment);
/* Ends it: its results become the arena's, its task is resumed at the end of the turn. */
void segment_done(struct segment *segment);
/* Frees its results and ends it with an error that says why. */
void segment_fail(struct segment *segment, enum error_kind kind, const char *words);
/* Queues it again from the beginning. */
void segment_again(struct segment *segment);
void segment_drop_results(struct segment *segment);
/* Suspends the task until every segment of the wait is done. */
void wait_for(struct wait *wait, struct db_session *session);
void wait_wake(struct db *db, struct wait *wait);
/* Resumes whoever is due; called last in every callback. */
void db_wake(struct db *db);
/* Frees the memory of a pool that is closed, when nobody holds a lease any more. */
void db_destroy(struct db *db);
bool session_is_usable(struct db_session *session, struct error *error);
/* Whether the protocol can count the parameters of each; libpq would take the connection down.  ERROR_TOO_LARGE. */
bool params_are_few(const struct statement *statements, size_t n, struct error *error);
/* Whether locks on rows would be kept: the session has an open transaction.  ERROR_TRANSACTION. */
bool locks_are_kept(const struct db_session *session, const struct statement *statements, size_t n,
                    struct error *error);

/* flight.c */
/* Begins a flight; segments and control commands are added, then it is ended by its Sync. */
struct flight *flight_begin(struct conn *conn);
void flight_add(struct conn *conn, struct segment *segment);
void flight_control(struct conn *conn, const char *sql, struct segment *segment, bool is_commit);
/* A statement of our own in the flight. */
void flight_add_own(struct conn *conn, const struct statement *statement);
void flight_end(struct conn *conn);
/* A flight of one command of our own. */
void flight_send_quiet(struct conn *conn, const char *sql);
void flight_send_strict(struct conn *conn, const char *sql);
/* A flight of one segment on a leased connection, flushed at the end of the turn. */
void flight_send_segment(struct conn *conn, struct segment *segment);
struct flight *flight_oldest(struct conn *conn); /* NULL when there is none */
struct flight *flight_at(struct conn *conn, unsigned i);
/* The command whose answer is next. */
struct command *flight_command(struct conn *conn);
void flight_pop_command(struct conn *conn);
/* The server is to forget the statement of that number, with the next flight_deallocate(). */
void flight_make_unwanted(struct conn *conn, unsigned number);
void flight_deallocate(struct conn *conn);
/* Tells libpq when the next answer is a stream's; false when it refuses. */
bool flight_set_single_rows(struct conn *conn);

/* pipeline.c */
/* Reads what libpq has; may leave the connection broken. */
void pipeline_read(struct conn *conn);
void pipeline_process(struct conn *conn);
/* Forgets a segment that is in flight. */
void pipeline_give_up(struct segment *segment);
/* The connection is gone: every flight is settled. */
void pipeline_settle(struct conn *conn);

/* statements.c */
void statements_init(struct statements *statements);
void statements_release(struct statements *statements);
/* The entry of this text and types, made when there was none (*is_new). */
struct prepared *statements_get(struct statements *statements, const struct statement *statement,
                                bool *is_new);
void statements_drop(struct statements *statements, struct prepared *prepared);
void statements_drop_all(struct statements *statements);
/* The least recently used one beyond `limit`, or NULL. */
struct prepared *statements_surplus(const struct statements *statements, size_t limit);
void prepared_unref(struct prepared *prepared);
#define PREPARED_NAME_SIZE 16
void prepared_name(const struct prepared *prepared, char name[PREPARED_NAME_SIZE]);

/* sqlstate.c */
/* Whether preparing anew may help. */
bool sqlstate_is_stale(const PGresult *result);
bool sqlstate_is(const PGresult *result, const char *code);
bool sqlstate_is_class(const PGresult *result, const char *class);
/* Sets the error, in our words, and logs the server's. */
void sqlstate_set(const PGresult *result, struct error *error);

/* tx.c */
/* Waits for a connection of one's own; given back by pool_release(). */
bool lease_connection(struct db_session *session, struct conn **conn, struct error *error);

/* The connection of an open transaction, whose BEGIN has been answered.  Waits. */
bool tx_connection(struct db_tx *tx, struct conn **conn, struct error *error);

/* copy.c */
/* Something has come, something can be sent, or the connection is gone. */
void copy_notify(struct db_copy *copy);
/* Takes what the server has sent. */
void copy_read(struct conn *conn);

/* Sends a command of our own whose failure means nothing, in the transaction, and waits for nobody. */
void tx_send_quiet(struct db_tx *tx, const char *sql);
/* A number from 1 up that no other open cursor of the transaction has; given back with tx_free_cursor(). */
unsigned tx_take_cursor(struct db_tx *tx);
void tx_free_cursor(struct db_tx *tx, unsigned number);

/* cursor.c: the rows of a stream that is part of a transaction. */
struct cursor;
bool cursor_open(struct db_session *session, const struct statement *statement,
                 struct cursor **cursor, struct error *error);
bool cursor_next(struct cursor *cursor, struct db_rows *rows, struct error *error);
void cursor_close(struct cursor *cursor);

/* stream.c */
/* Takes a row; the stream owns it. */
void stream_row(struct db_stream *stream, PGresult *row);
bool stream_wants(const struct db_stream *stream);
/* After reading: wakes its task when there is something. */
void stream_notify(struct db_stream *stream);
void stream_cancel(struct db_stream *stream);
/* PostgreSQL has given it nothing for as long as a statement may run; nothing when it does not wait for that. */
void stream_late(struct db_stream *stream);

/* connect.c */
/* The session's settings as libpq's "options"; malloc'd. */
char *connect_options(const struct db_settings *settings);
bool connect_needs_names(const char *conninfo);
/* Ends in conn_begun(), at once or later. */
void connect_begin(struct conn *conn);

/* cancel.c */
/* Asks PostgreSQL to cancel what the connection runs; may be asked again. */
void cancel_start(struct conn *conn);
/* Goes on with it when nothing is outstanding. */
void cancel_step(struct conn *conn);

/* helper.c */
struct helper;
struct helper_job {
	struct helper_job *next;
	void (*work)(struct helper_job *job);    /* in the thread; may block */
	void (*done)(struct helper_job *job);    /* in the loop, behind it */
	void (*dispose)(struct helper_job *job); /* last of all, anywhere */
};
/* Takes the job; makes the helper when there is none.  False (job disposed of) when there are too
 * many. */
bool helper_do(struct helper **helper, struct loop *loop, struct helper_job *job);
/* Waits for nobody: a thread that hangs frees itself when it comes back. */
void helper_free(struct helper *helper);

#endif
