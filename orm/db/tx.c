/* Transactions: a leased connection; BEGIN and savepoints are pipelined with the statements behind them.
 *
 * Retries nothing that was seen by the caller.  Invariant: the connection goes back only through
 * pool_release(), which lets nobody have it before the server said that no transaction is open.
 */
#include "orm/db/engine.h"

/* What may wait to be sent: BEGIN, two for each savepoint that ends, one for each that begins. */
#define PENDING_MAX (1 + 3 * DB_SAVEPOINTS)

struct pending {
	const char *items[PENDING_MAX];
	size_t n;
};

struct db_tx {
	struct db_session *session;
	struct conn *conn;
	unsigned generation;    /* of the connection that the transaction is on */
	bool has_begun;         /* BEGIN was sent */
	struct pending pending; /* goes out before the next statements; BEGIN first, while !has_begun */
	unsigned depth;         /* savepoints */
	unsigned cursors;       /* a bit for each that is open */
};

static const char *const begin_texts[] = {
	[DB_READ_COMMITTED] = "BEGIN ISOLATION LEVEL READ COMMITTED",
	[DB_REPEATABLE_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ",
	[DB_SERIALIZABLE] = "BEGIN ISOLATION LEVEL SERIALIZABLE",
};

/* Named by their depth. */
static const struct {
	const char *begin, *release, *rollback;
} savepoints[DB_SAVEPOINTS] = {
#define SAVEPOINT(name)                                                                            \
	{                                                                                              \
		"SAVEPOINT " name, "RELEASE SAVEPOINT " name, "ROLLBACK TO SAVEPOINT " name                \
	}
	SAVEPOINT("quern_1"), SAVEPOINT("quern_2"), SAVEPOINT("quern_3"), SAVEPOINT("quern_4"),
	SAVEPOINT("quern_5"), SAVEPOINT("quern_6"), SAVEPOINT("quern_7"), SAVEPOINT("quern_8"),
#undef SAVEPOINT
};

static void push(struct db_tx *tx, const char *sql)
{
	ASSERT(tx->pending.n < PENDING_MAX);
	tx->pending.items[tx->pending.n++] = sql;
}

bool lease_connection(struct db_session *session, struct conn **conn, struct error *error)
{
	if (!session_is_usable(session, error))
		return false;
	struct segment segment;
	segment_init(&segment, session, error);
	segment.is_lease = true;
	struct wait wait = {.pending = 1, .segments = &segment, .nsegments = 1};
	segment.wait = &wait;
	pool_queue(session->db, &segment, false);
	wait_for(&wait, session);
	*conn = segment.conn;
	return !segment.has_failed;
}

bool db_begin(struct db_session *session, enum db_isolation isolation, struct db_tx **tx,
              struct error *error)
{
	struct conn *conn;
	if (!lease_connection(session, &conn, error))
		return false;
	*tx = ARENA_NEW(session->arena, struct db_tx);
	**tx = (struct db_tx){.session = session, .conn = conn, .generation = conn->generation};
	push(*tx, begin_texts[isolation]);
	session->tx = *tx;
	return true;
}

static bool is_up(const struct db_tx *tx)
{
	return tx->conn->state == CONN_READY && !tx->conn->is_broken &&
	       tx->generation == tx->conn->generation;
}

static bool set_lost(struct error *error)
{
	error_set_nowhere(error, ERROR_UNAVAILABLE, "The connection to the database was lost.");
	error->retry_after = 1;
	return false;
}

/* Sends one segment and waits; is_stale is left to the caller. */
static bool send_and_wait(struct db_tx *tx, struct segment *segment)
{
	struct wait wait = {.pending = 1, .segments = segment, .nsegments = 1};
	ASSERT(tx->conn->copy == NULL);
	segment->wait = &wait;
	flight_send_segment(tx->conn, segment);
	wait_for(&wait, tx->session);
	return !segment->has_failed;
}

bool db_tx_run(struct db_tx *tx, const struct statement *statements, size_t n, struct db_rows *rows,
               struct error *error)
{
	if (n == 0)
		return true;
	if (!session_is_usable(tx->session, error) || !params_are_few(statements, n, error))
		return false;
	bool is_first = !tx->has_begun;
	const struct pending before = tx->pending;
	for (int attempt = 0;; attempt++) {
		if (!is_up(tx))
			return set_lost(error);
		struct segment segment;
		segment_init(&segment, tx->session, error);
		segment.statements = statements;
		segment.n = n;
		segment.rows = rows;
		segment.before = before.items;
		segment.nbefore = before.n;
		segment.prepares_anew = attempt > 0 || tx->session->saw_stale;
		tx->has_begun = true;
		tx->pending.n = 0;
		if (send_and_wait(tx, &segment))
			return true;
		if (!segment.is_stale)
			return false;
		tx->session->saw_stale = true;
		/* Nothing was given out yet: the whole transaction may begin again. */
		if (!is_first || attempt > 1)
			return error_set_nowhere(error, ERROR_CONFLICT,
			                         "The database has changed; the request may be sent again.");
		if (is_up(tx))
			flight_send_strict(tx->conn, "ROLLBACK");
	}
}

/* Sends what is pending by itself. */
bool tx_connection(struct db_tx *tx, struct conn **conn, struct error *error)
{
	*conn = tx->conn;
	if (!session_is_usable(tx->session, error))
		return false;
	if (!is_up(tx))
		return set_lost(error);
	if (tx->pending.n == 0)
		return true;
	const struct pending before = tx->pending;
	struct segment segment;
	segment_init(&segment, tx->session, error);
	segment.before = before.items;
	segment.nbefore = before.n;
	tx->has_begun = true;
	tx->pending.n = 0;
	return send_and_wait(tx, &segment);
}

bool db_tx_query(struct db_tx *tx, const struct statement *statement, struct db_rows *rows,
                 struct error *error)
{
	return db_tx_run(tx, statement, 1, rows, error);
}

static void end(struct db_tx *tx)
{
	tx->session->tx = NULL;
	pool_release(tx->conn);
}

static bool commit(struct db_tx *tx, struct error *error)
{
	struct segment segment;
	segment_init(&segment, tx->session, error);
	segment.before = tx->pending.items;
	segment.nbefore = tx->pending.n;
	segment.commit = "COMMIT";
	return send_and_wait(tx, &segment);
}

bool db_commit(struct db_tx *tx, struct error *error)
{
	bool is_empty = !tx->has_begun;
	bool is_done = session_is_usable(tx->session, error);
	if (is_done && !is_up(tx))
		is_done = set_lost(error);
	if (!is_done) {
		db_rollback(tx);
		return false;
	}
	is_done = is_empty || commit(tx, error);
	if (!is_done && is_up(tx))
		flight_send_strict(tx->conn, "ROLLBACK");
	end(tx);
	return is_done;
}

void db_rollback(struct db_tx *tx)
{
	if (tx->has_begun && is_up(tx))
		flight_send_strict(tx->conn, "ROLLBACK");
	end(tx);
}

/* Savepoints. */

void db_savepoint(struct db_tx *tx)
{
	ASSERT(tx->depth < DB_SAVEPOINTS);
	push(tx, savepoints[tx->depth++].begin);
}

/* Takes the innermost savepoint back where nothing was run in it. */
static bool was_unused(struct db_tx *tx)
{
	struct pending *pending = &tx->pending;
	ASSERT(tx->depth > 0);
	tx->depth--;
	if (pending->n == 0 || pending->items[pending->n - 1] != savepoints[tx->depth].begin)
		return false;
	pending->n--;
	return true;
}

void db_release(struct db_tx *tx)
{
	if (!was_unused(tx))
		push(tx, savepoints[tx->depth].release);
}

void db_rollback_to(struct db_tx *tx)
{
	if (was_unused(tx))
		return;
	push(tx, savepoints[tx->depth].rollback);
	push(tx, savepoints[tx->depth].release);
}

unsigned db_savepoints(const struct db_tx *tx)
{
	return tx->depth;
}

bool db_check_constraints(struct db_tx *tx, struct error *error)
{
	static const struct statement judge = {.sql = STR_INIT("SET CONSTRAINTS ALL IMMEDIATE")};
	struct db_rows unused;
	/* Where nothing was run there is nothing to judge. */
	if (!tx->has_begun)
		return true;
	struct db_usage usage = tx->session->usage;
	db_savepoint(tx);
	bool is_good = db_tx_query(tx, &judge, &unused, error);
	/* Each constraint is again as it was: deferred, or not. */
	db_rollback_to(tx);
	tx->session->usage.statements = usage.statements;
	return is_good;
}

/* For cursor.c. */

void tx_send_quiet(struct db_tx *tx, const char *sql)
{
	if (tx->has_begun && is_up(tx))
		flight_send_quiet(tx->conn, sql);
}

unsigned tx_take_cursor(struct db_tx *tx)
{
	unsigned number = 0;
	while (number < 32 && (tx->cursors & 1u << number))
		number++;
	ASSERT(number < 32);
	tx->cursors |= 1u << number;
	return number + 1;
}

void tx_free_cursor(struct db_tx *tx, unsigned number)
{
	tx->cursors &= ~(1u << (number - 1));
}
