/* Transactions: a leased connection, BEGIN pipelined with the first statements.
 *
 * Retries nothing that was seen by the caller.  Invariant: the connection goes back only through
 * pool_release(), which lets nobody have it before the server said that no transaction is open.
 */
#include "orm/db/engine.h"

struct db_tx {
	struct db_session *session;
	struct conn *conn;
	unsigned generation; /* of the connection that the transaction is on */
	const char *begin;   /* NULL once it was sent */
	const char *begin_again;
};

static const char *const begin_texts[] = {
	[DB_READ_COMMITTED] = "BEGIN ISOLATION LEVEL READ COMMITTED",
	[DB_REPEATABLE_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ",
	[DB_SERIALIZABLE] = "BEGIN ISOLATION LEVEL SERIALIZABLE",
};

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
	**tx = (struct db_tx){.session = session,
	                      .conn = conn,
	                      .generation = conn->generation,
	                      .begin = begin_texts[isolation],
	                      .begin_again = begin_texts[isolation]};
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
	bool is_first = tx->begin != NULL;
	for (int attempt = 0;; attempt++) {
		if (!is_up(tx))
			return set_lost(error);
		struct segment segment;
		segment_init(&segment, tx->session, error);
		segment.statements = statements;
		segment.n = n;
		segment.rows = rows;
		segment.begin = tx->begin;
		segment.prepares_anew = attempt > 0;
		tx->begin = NULL;
		if (send_and_wait(tx, &segment))
			return true;
		if (!segment.is_stale)
			return false;
		/* Nothing was given out yet: the whole transaction may begin again. */
		if (!is_first || attempt > 1)
			return error_set_nowhere(error, ERROR_CONFLICT,
			                         "The database has changed; the request may be sent again.");
		if (is_up(tx))
			flight_send_strict(tx->conn, "ROLLBACK");
		tx->begin = tx->begin_again;
	}
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
	segment.commit = "COMMIT";
	return send_and_wait(tx, &segment);
}

bool db_commit(struct db_tx *tx, struct error *error)
{
	bool is_empty = tx->begin != NULL;
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
	if (tx->begin == NULL && is_up(tx))
		flight_send_strict(tx->conn, "ROLLBACK");
	end(tx);
}
