/* One connection: made without blocking, watched, closed.
 *
 * Decides neither when to connect (pool.c) nor what to send (pipeline.c).  Nobody but conn_close()
 * takes a connection down; whoever finds it at fault while inside marks it is_broken and returns.
 */
#include "orm/db/engine.h"

#include "orm/base/log.h"

#include <sys/epoll.h>

#define CONNECT_TIMEOUT (5000 * MS)
/* glibc's malloc gives memory above 128 KiB back to the kernel with each statement and gets it anew, page
 * by page, with the next one; freeing one large piece makes it keep twice as much. */
#define KEEP_MEMORY "octet_length(repeat(' ', 2097152))"
/* What PostgreSQL's manual has for solid-state drives.  Its own 4 is for disks that turn, and reads a table whole where an
 * index would answer.  Who has set it, wherever, is not overruled. */
#define RANDOM_PAGES                                                                               \
	"SELECT pg_catalog.set_config(name, '1.1', false) FROM pg_catalog.pg_settings "               \
	"WHERE name = 'random_page_cost' AND source = 'default'"

/* libpq's report names host, user and database: only what follows "failed: " is for the log. */
static struct str reason_of(const PGconn *pg)
{
	struct str text = str_of(PQerrorMessage(pg));
	ptrdiff_t at = str_find(text, STR("failed: "));
	if (at < 0)
		return STR("connection settings refused");
	text = str_sub(text, (size_t)at + 8, text.n);
	return str_cut(&text, STR("\n"));
}

static void connect_failed(struct conn *conn)
{
	struct db *db = conn->db;
	if (!db->is_away && db->nready == 0) {
		struct str reason = reason_of(conn->pg);
		log_event(LOG_WARNING, "database away", LOG_FIELDS(LOG_STR("reason", reason)));
		db->is_away = true;
	}
	conn_close(conn, NULL);
	pool_connect_failed(conn);
}

static void connected(struct conn *conn)
{
	PQsetnonblocking(conn->pg, 1);
	const char *strings = PQparameterStatus(conn->pg, "standard_conforming_strings");
	const char *encoding = PQparameterStatus(conn->pg, "client_encoding");
	if (!PQenterPipelineMode(conn->pg) || strings == NULL || strcmp(strings, "on") != 0 ||
	    encoding == NULL || strcmp(encoding, "UTF8") != 0) {
		log_message(LOG_ERROR, "the database does not take the session's settings");
		connect_failed(conn);
		return;
	}
	conn->state = CONN_READY;
	statements_init(&conn->statements);
	frugal_connected(conn);
	/* Ends the query of a client that died; not known to servers before 14. */
	if (PQserverVersion(conn->pg) >= 140000)
		flight_send_quiet(conn, "SELECT set_config('client_connection_check_interval', '1000', false), " KEEP_MEMORY);
	else
		flight_send_quiet(conn, "SELECT " KEEP_MEMORY);
	flight_send_quiet(conn, RANDOM_PAGES);
	conn_flush(conn);
	pool_connected(conn);
}

static bool watch_connecting(struct conn *conn, uint32_t events)
{
	return loop_watch_set(conn->db->loop, &conn->watch, PQsocket(conn->pg), events);
}

static void connect_step(struct conn *conn)
{
	/* The poll may close the socket and open another, under the same number. */
	loop_unwatch(&conn->watch);
	bool is_watched = true;
	switch (PQconnectPoll(conn->pg)) {
	case PGRES_POLLING_READING:
		is_watched = watch_connecting(conn, EPOLLIN);
		break;
	case PGRES_POLLING_WRITING:
	case PGRES_POLLING_ACTIVE:
		is_watched = watch_connecting(conn, EPOLLOUT);
		break;
	case PGRES_POLLING_OK:
		connected(conn);
		return;
	case PGRES_POLLING_FAILED:
		is_watched = false;
		break;
	}
	if (!is_watched)
		connect_failed(conn);
}

void conn_flush(struct conn *conn)
{
	conn->needs_flush = false;
	if (conn->state != CONN_READY || conn->is_broken)
		return;
	int flushed = PQflush(conn->pg);
	/* A failed write is no reason to stop reading: the server's last words may be there. */
	if (flushed < 0 && PQstatus(conn->pg) == CONNECTION_BAD) {
		conn->is_broken = true;
		return;
	}
	uint32_t events =
		(conn->is_paused ? 0 : (uint32_t)EPOLLIN) | (flushed == 1 ? (uint32_t)EPOLLOUT : 0);
	if (events == 0) {
		/* Watched for nothing, a hang-up would be reported without end. */
		loop_unwatch(&conn->watch);
		return;
	}
	if (conn->watch.events == events && conn->watch.loop != NULL)
		return;
	if (!loop_watch_set(conn->db->loop, &conn->watch, PQsocket(conn->pg), events))
		conn->is_broken = true;
}

static void ready(struct loop_watch *watch, uint32_t events)
{
	struct conn *conn = CONTAINER_OF(watch, struct conn, watch);
	struct db *db = conn->db;
	if (conn->state == CONN_CONNECTING) {
		connect_step(conn);
		return;
	}
	bool is_copying = conn->copy != NULL && conn->ncommands == 0;
	if (is_copying && (events & ~(uint32_t)EPOLLOUT))
		copy_read(conn);
	else if (events & ~(uint32_t)EPOLLOUT)
		pipeline_read(conn);
	if (conn->is_broken)
		conn_close(conn, conn->is_fat ? "its buffers have grown" : "lost");
	else
		conn_flush(conn);
	if (conn->copy != NULL)
		copy_notify(conn->copy);
	db_wake(db);
}

void conn_connect(struct conn *conn)
{
	ASSERT(conn->state == CONN_CLOSED && conn->pg == NULL);
	conn->watch.ready = ready;
	conn->state = CONN_CONNECTING;
	conn->connect_deadline = loop_clock() + CONNECT_TIMEOUT;
	connect_begin(conn);
}

void conn_begun(struct conn *conn, PGconn *pg)
{
	conn->pg = pg;
	if (PQstatus(pg) == CONNECTION_BAD || !watch_connecting(conn, EPOLLOUT))
		connect_failed(conn);
}

void conn_close(struct conn *conn, const char *why)
{
	struct db *db = conn->db;
	bool was_ready = conn->state == CONN_READY;
	loop_unwatch(&conn->watch);
	if (why != NULL)
		log_event(conn->is_fat ? LOG_DEBUG : LOG_INFO, "database connection closed",
		          LOG_FIELDS(LOG_STR("reason", str_of(why))));
	if (was_ready) {
		db->nready--;
		db->stats.losses++;
		conn->state = CONN_CLOSED;
		pipeline_settle(conn);
		statements_release(&conn->statements);
		conn->nunwanted = 0;
	}
	conn->state = CONN_CLOSED;
	PQfinish(conn->pg);
	conn->pg = NULL;
	conn->generation++;
	conn->is_returning = conn->is_slow = conn->is_reserved = conn->needs_flush = conn->is_broken =
		false;
	conn->is_paused = conn->is_fat = conn->saw_fatal = conn->is_stuck = conn->is_proven = false;
	conn->cancel = CANCEL_NONE;
	if (conn->copy != NULL)
		copy_notify(conn->copy);
	conn->copy = NULL;
	if (was_ready)
		pool_grow(db);
}
