/* COPY … FROM STDIN inside a transaction, batch after batch on its leased connection.
 *
 * libpq forbids COPY in pipeline mode, so the connection leaves it for the time between
 * db_copy_enter() and db_copy_leave(); nothing else may be sent on it meanwhile.  A batch is whole
 * in memory before its COPY begins: what the statement timeout measures is the database's own time,
 * never that of a slow client.  What could not be ended in an orderly way is closed, and PostgreSQL
 * rolls back.
 */
#include "orm/db/engine.h"

#include <sys/epoll.h>

/* What is handed to libpq at once: its buffer holds no more than this and what a socket refused. */
#define PIECE ((size_t)64 * 1024)
/* Beyond the statement timeout, which the server keeps. */
#define GRACE (2000 * MS)
/* For a batch that is given up half way. */
#define GIVE_UP_TIMEOUT (2000 * MS)

struct db_copy {
	struct db_session *session;
	struct conn *conn;
	struct wait wait;
	bool is_waiting;
	bool is_open; /* the server waits for data */
	bool is_due;  /* an answer is outstanding */
	bool is_late; /* it took too long */
	struct loop_timer patience;
	uint64_t patience_ns; /* 0: any time */
};

/* Waiting. */

void copy_notify(struct db_copy *copy)
{
	if (!copy->is_waiting)
		return;
	copy->is_waiting = false;
	wait_wake(copy->session->db, &copy->wait);
}

static void run_out(struct loop_timer *timer)
{
	struct db_copy *copy = CONTAINER_OF(timer, struct db_copy, patience);
	copy->is_late = true;
	copy_notify(copy);
}

void copy_read(struct conn *conn)
{
	if (!PQconsumeInput(conn->pg) || PQstatus(conn->pg) == CONNECTION_BAD)
		conn->is_broken = true;
}

static bool is_gone(const struct db_copy *copy)
{
	return copy->conn->copy != copy || copy->conn->is_broken;
}

/* Until the server takes or says something.  What is waited for is looked at behind conn_flush() and
 * before this: libpq may send the rest, or read the answer, in the very flush. */
static void wait_for_server(struct db_copy *copy)
{
	struct db *db = copy->session->db;
	uint64_t began = loop_clock();
	if (copy->patience_ns > 0)
		loop_timer_set(db->loop, &copy->patience, copy->patience_ns);
	copy->is_waiting = true;
	copy->wait = (struct wait){.copy = copy};
	wait_for(&copy->wait, copy->session);
	loop_timer_clear(&copy->patience);
	copy->session->usage.run_ns += loop_clock() - began;
}

/* The connection is of no use any more: closed at the end of the turn. */
static void break_off(struct db_copy *copy)
{
	if (copy->conn->copy != copy)
		return;
	copy->conn->is_broken = true;
	loop_defer(copy->session->db->loop, &copy->session->db->pump);
}

static bool set_lost(struct error *error)
{
	error_set_nowhere(error, ERROR_UNAVAILABLE, "The connection to the database was lost.");
	error->retry_after = 1;
	return false;
}

/* Whether to go on; else with the reason why not. */
static bool is_usable(struct db_copy *copy, struct error *error)
{
	if (is_gone(copy))
		return set_lost(error);
	if (!copy->is_late)
		return session_is_usable(copy->session, error);
	break_off(copy);
	return error_set_nowhere(error, ERROR_TIMEOUT, "The database took too long to answer.");
}

/* Sends what can be sent; whether there is still something to wait for. */
static bool is_waited_for(struct db_copy *copy)
{
	if (!is_gone(copy))
		conn_flush(copy->conn);
	return !is_gone(copy) && !copy->is_late;
}

/* Entering and leaving. */

bool db_copy_enter(struct db_session *session, struct db_copy **out, struct error *error)
{
	ASSERT(session->tx != NULL);
	struct conn *conn;
	if (!tx_connection(session->tx, &conn, error))
		return false;
	ASSERT(conn->copy == NULL);
	struct db_copy *copy = ARENA_NEW(session->arena, struct db_copy);
	*copy = (struct db_copy){.session = session, .conn = conn, .patience.fire = run_out};
	if (session->db->statement_timeout_ns > 0)
		copy->patience_ns = session->db->statement_timeout_ns + GRACE;
	conn->copy = copy;
	/* The engine may still be forgetting statements. */
	while (is_waited_for(copy) && conn->ncommands > 0)
		wait_for_server(copy);
	if (is_usable(copy, error) && PQexitPipelineMode(conn->pg)) {
		*out = copy;
		return true;
	}
	if (!error_is_set(error))
		set_lost(error);
	break_off(copy);
	conn->copy = NULL;
	return false;
}

/* What is left of the answer, swallowed. */
static bool drain(struct db_copy *copy)
{
	while (is_waited_for(copy)) {
		if (PQisBusy(copy->conn->pg)) {
			wait_for_server(copy);
			continue;
		}
		PGresult *result = PQgetResult(copy->conn->pg);
		if (result == NULL)
			return true;
		/* It would be given out again and again. */
		bool is_open = PQresultStatus(result) == PGRES_COPY_IN;
		PQclear(result);
		if (is_open && PQputCopyEnd(copy->conn->pg, "given up") < 0)
			return false;
	}
	return false;
}

static bool give_up(struct db_copy *copy)
{
	copy->is_late = false;
	copy->patience_ns = GIVE_UP_TIMEOUT;
	while (copy->is_open && is_waited_for(copy)) {
		int ended = PQputCopyEnd(copy->conn->pg, "given up");
		if (ended < 0)
			return false;
		copy->is_open = ended == 0;
		if (copy->is_open)
			wait_for_server(copy);
	}
	return !copy->is_open && drain(copy);
}

void db_copy_leave(struct db_copy *copy)
{
	bool is_clean = !is_gone(copy) && !copy->is_late;
	if (is_clean && (copy->is_open || copy->is_due))
		is_clean = give_up(copy);
	if (!is_clean || is_gone(copy) || !PQenterPipelineMode(copy->conn->pg))
		break_off(copy);
	if (copy->conn->copy == copy)
		copy->conn->copy = NULL;
}

/* Sending. */

static bool flush(struct db_copy *copy, struct error *error)
{
	while (is_waited_for(copy) && is_usable(copy, error)) {
		if (!(copy->conn->watch.events & (uint32_t)EPOLLOUT))
			return true;
		wait_for_server(copy);
	}
	return !error_is_set(error) && is_usable(copy, error);
}

static bool fail(struct db_copy *copy, struct error *error)
{
	break_off(copy);
	return set_lost(error);
}

static PGresult *next_result(struct db_copy *copy, struct error *error)
{
	while (is_waited_for(copy) && is_usable(copy, error)) {
		if (!PQisBusy(copy->conn->pg))
			return PQgetResult(copy->conn->pg);
		wait_for_server(copy);
	}
	if (!error_is_set(error))
		is_usable(copy, error);
	return NULL;
}

/* The server's line of a COPY's data, and the column when it names one: "COPY vote, line 17, column
 * vote: …".  The words between may be in any language; the last COPY of the context is ours. */
static void read_context(struct str context, struct arena *arena, struct db_copy_failure *failure)
{
	struct str line = {0};
	while (context.p != NULL) {
		struct str each = str_cut(&context, STR("\n"));
		if (str_starts(each, STR("COPY ")))
			line = each;
	}
	struct str rest = line;
	str_cut(&rest, STR(", "));
	size_t at = 0;
	while (at < rest.n && (rest.p[at] < '0' || rest.p[at] > '9'))
		at++;
	for (; at < rest.n && rest.p[at] >= '0' && rest.p[at] <= '9' && failure->line < UINT32_MAX;
	     at++)
		failure->line = failure->line * 10 + (uint64_t)(rest.p[at] - '0');
	rest = str_sub(rest, at, rest.n);
	if (!str_starts(rest, STR(", ")))
		return;
	rest = str_sub(rest, 2, rest.n);
	str_cut(&rest, STR(" "));
	if (rest.p != NULL)
		failure->column = arena_str(arena, str_cut(&rest, STR(":")));
}

static void take_error(const PGresult *result, struct error *error, struct db_copy_failure *failure)
{
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	*failure = (struct db_copy_failure){0};
	read_context(str_of(PQresultErrorField(result, PG_DIAG_CONTEXT)), error->arena, failure);
	if (detail != NULL)
		failure->detail = arena_str(error->arena, str_of(detail));
	sqlstate_set(result, error);
}

static bool open_batch(struct db_copy *copy, const char *sql, struct error *error,
                       struct db_copy_failure *failure)
{
	if (!is_usable(copy, error))
		return false;
	if (!PQsendQuery(copy->conn->pg, sql))
		return fail(copy, error);
	copy->is_due = true;
	copy->session->usage.statements++;
	copy->session->db->stats.statements++;
	PGresult *result = next_result(copy, error);
	if (result == NULL)
		return error_is_set(error) ? false : fail(copy, error);
	copy->is_open = PQresultStatus(result) == PGRES_COPY_IN;
	if (!copy->is_open)
		take_error(result, error, failure);
	PQclear(result);
	return copy->is_open;
}

static bool put(struct db_copy *copy, struct str piece, struct error *error)
{
	for (;;) {
		int taken = PQputCopyData(copy->conn->pg, piece.p, (int)piece.n);
		if (taken > 0)
			return flush(copy, error);
		if (taken < 0)
			return fail(copy, error);
		if (!flush(copy, error))
			return false;
	}
}

static bool end(struct db_copy *copy, struct error *error)
{
	for (;;) {
		int ended = PQputCopyEnd(copy->conn->pg, NULL);
		if (ended < 0)
			return fail(copy, error);
		if (ended > 0)
			break;
		if (!flush(copy, error))
			return false;
	}
	copy->is_open = false;
	/* The rest goes out when the socket takes it. */
	conn_flush(copy->conn);
	return true;
}

bool db_copy_send(struct db_copy *copy, const char *sql, struct str data, struct error *error,
                  struct db_copy_failure *failure)
{
	ASSERT(!copy->is_due);
	*failure = (struct db_copy_failure){0};
	if (!open_batch(copy, sql, error, failure))
		return false;
	for (size_t at = 0; at < data.n; at += PIECE) {
		struct str piece = str_sub(data, at, PIECE);
		if (!put(copy, piece, error))
			return false;
	}
	return end(copy, error);
}

static void take_answer(const PGresult *result, uint64_t *nrows, struct error *error,
                        struct db_copy_failure *failure)
{
	if (PQresultStatus(result) == PGRES_COMMAND_OK) {
		const char *tuples = PQcmdTuples((PGresult *)(uintptr_t)result);
		for (*nrows = 0; *tuples >= '0' && *tuples <= '9'; tuples++)
			*nrows = *nrows * 10 + (uint64_t)(*tuples - '0');
		return;
	}
	if (!error_is_set(error))
		take_error(result, error, failure);
}

bool db_copy_answer(struct db_copy *copy, uint64_t *nrows, struct error *error,
                    struct db_copy_failure *failure)
{
	ASSERT(copy->is_due && !copy->is_open);
	*nrows = 0;
	*failure = (struct db_copy_failure){0};
	PGresult *result;
	while ((result = next_result(copy, error)) != NULL) {
		take_answer(result, nrows, error, failure);
		PQclear(result);
		if (error_is_set(error))
			return false;
	}
	if (error_is_set(error))
		return false;
	copy->is_due = false;
	return true;
}
