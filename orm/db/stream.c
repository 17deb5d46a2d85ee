/* Rows as they come: single-row mode on a leased connection; in an open transaction a cursor of it.
 *
 * Keeps at most one helping of rows; while nobody asks, the connection is not read, so PostgreSQL
 * waits with the rest.  A stream that is closed half way leaves its flight to the pool, which
 * cancels the query, swallows what is left and only then lends the connection out again.
 *
 * PostgreSQL's statement_timeout would count the time that it waits for a slow reader, and break off a long
 * download that goes well.  So it is off for the statement (flight_add()), and what is limited by us is the time from
 * asking for rows until some come.
 */
#include "orm/db/engine.h"

/* A helping: enough to keep the encoder busy, small beside everything else of a request. */
#define HELPING_ROWS 128
#define HELPING_BYTES (64 * 1024)

struct db_stream {
	struct db_session *session;
	struct cursor *cursor; /* in a transaction: all below is not used */
	struct conn *conn;
	struct segment segment;
	struct error error; /* of the segment, handed on when its rows are used up */
	struct wait wait;
	bool is_waiting;
	bool is_ended; /* the Sync was read, or the connection lost */
	bool is_late;
	void *rows[HELPING_ROWS];
	size_t n;
	size_t given; /* the first of them, which the caller has; more may come while it has them */
	size_t bytes;
};

bool stream_wants(const struct db_stream *stream)
{
	return stream->n < HELPING_ROWS && stream->bytes < HELPING_BYTES;
}

static void wake(struct db_stream *stream)
{
	if (!stream->is_waiting)
		return;
	stream->is_waiting = false;
	wait_wake(stream->session->db, &stream->wait);
}

static size_t row_bytes(const PGresult *row)
{
	size_t bytes = 0;
	int columns = PQnfields(row);
	for (int i = 0; i < columns; i++)
		bytes += (size_t)PQgetlength(row, 0, i);
	return bytes;
}

void stream_row(struct db_stream *stream, PGresult *row)
{
	ASSERT(stream->n < HELPING_ROWS);
	stream->conn->progress_at = loop_now(stream->session->db->loop);
	stream->rows[stream->n++] = row;
	stream->bytes += row_bytes(row);
	wake(stream);
}

void stream_notify(struct db_stream *stream)
{
	stream->is_ended = stream->is_ended || stream->segment.place == SEGMENT_DONE;
	if (stream->n > 0 || stream->is_ended)
		wake(stream);
}

void stream_cancel(struct db_stream *stream)
{
	wake(stream);
}

void stream_late(struct db_stream *stream)
{
	if (!stream->is_waiting)
		return;
	stream->is_late = true;
	wake(stream);
}

/* Of the first n. */
static void clear_rows(struct db_stream *stream, size_t n)
{
	for (size_t i = 0; i < n; i++)
		PQclear(stream->rows[i]);
	stream->n -= n;
	memmove(stream->rows, stream->rows + n, stream->n * sizeof stream->rows[0]);
	stream->given = 0;
	stream->bytes = 0;
	for (size_t i = 0; i < stream->n; i++)
		stream->bytes += row_bytes(stream->rows[i]);
}

static bool open_in_tx(struct db_session *session, const struct statement *statement,
                       struct db_stream **out, struct error *error)
{
	struct db_stream *stream = ARENA_NEW(session->arena, struct db_stream);
	stream->session = session;
	*out = stream;
	return cursor_open(session, statement, &stream->cursor, error);
}

bool db_stream_open(struct db_session *session, const struct statement *statement,
                    struct db_stream **out, struct error *error)
{
	struct conn *conn;
	if (session->tx != NULL)
		return open_in_tx(session, statement, out, error);
	if (!params_are_few(statement, 1, error) || !locks_are_kept(session, statement, 1, error) ||
	    !lease_connection(session, &conn, error))
		return false;
	struct db_stream *stream = ARENA_NEW(session->arena, struct db_stream);
	stream->session = session;
	stream->conn = conn;
	error_init(&stream->error, error->arena);
	segment_init(&stream->segment, session, &stream->error);
	stream->segment.statements = statement;
	stream->segment.n = 1;
	stream->segment.reads_only = true;
	stream->segment.stream = stream;
	if (conn->state != CONN_READY || conn->is_broken) {
		pool_release(conn);
		error_set_nowhere(error, ERROR_UNAVAILABLE, "The connection to the database was lost.");
		error->retry_after = 1;
		return false;
	}
	/* Counted as it is sent: the head of a long reply goes out before its end is known. */
	session->usage.statements++;
	flight_send_segment(conn, &stream->segment);
	*out = stream;
	return true;
}

/* Prepared anew and sent again: nothing of it has been given out. */
static bool heal(struct db_stream *stream)
{
	struct segment *segment = &stream->segment;
	struct conn *conn = stream->conn;
	if (!segment->is_stale || segment->attempts > 1 || conn->state != CONN_READY || conn->is_broken)
		return false;
	segment->has_failed = segment->is_stale = stream->is_ended = false;
	segment->answered = 0;
	segment->prepares_anew = true;
	segment->attempts++;
	flight_send_segment(conn, segment);
	return true;
}

static void wait_for_rows(struct db_stream *stream)
{
	struct conn *conn = stream->conn;
	bool was_paused = conn->is_paused;
	conn->is_paused = false;
	conn->progress_at = loop_now(conn->db->loop);
	/* What libpq has read already is taken without asking the socket. */
	if (conn->state == CONN_READY && !conn->is_broken)
		pipeline_process(conn);
	stream_notify(stream);
	if (stream->n > 0 || stream->is_ended) {
		/* The socket is as little watched as before. */
		conn->is_paused = conn->is_paused || was_paused;
		return;
	}
	conn->needs_flush = true; /* watches it again */
	loop_defer(stream->session->db->loop, &stream->session->db->pump);
	stream->is_waiting = true;
	stream->wait = (struct wait){.stream = stream};
	wait_for(&stream->wait, stream->session);
}

static bool end_of(struct db_stream *stream, struct error *error)
{
	if (!stream->segment.has_failed)
		return true;
	struct arena *arena = error->arena;
	if (stream->segment.is_stale)
		return error_set_nowhere(error, ERROR_UNAVAILABLE, "The database has changed; try again.");
	*error = stream->error;
	error->arena = arena;
	return false;
}

bool db_stream_next(struct db_stream *stream, struct db_rows *rows, struct error *error)
{
	*rows = (struct db_rows){0};
	stream->is_late = false;
	if (stream->cursor != NULL)
		return cursor_next(stream->cursor, rows, error);
	clear_rows(stream, stream->given);
	while (stream->n == 0) {
		if (!session_is_usable(stream->session, error))
			return false;
		if (stream->is_ended && !heal(stream))
			return end_of(stream, error);
		if (stream->is_late)
			return error_set_nowhere(error, ERROR_TIMEOUT, "The database took too long to answer.");
		wait_for_rows(stream);
	}
	*rows = (struct db_rows){.result = stream->rows[0],
	                         .singles = stream->rows,
	                         .nrows = stream->n,
	                         .ncolumns = (size_t)PQnfields(stream->rows[0])};
	stream->given = stream->n;
	return true;
}

void db_stream_close(struct db_stream *stream)
{
	if (stream->cursor != NULL) {
		cursor_close(stream->cursor);
		return;
	}
	clear_rows(stream, stream->n);
	if (stream->segment.place == SEGMENT_SENT)
		pipeline_give_up(&stream->segment);
	pool_release(stream->conn);
}
