/* Which segment goes to which connection, and when there are to be more connections.
 *
 * Two lanes: quick segments share connections, the least loaded first; leases (transactions,
 * streams) and segments whose shape was measured to be slow get one to themselves, at most all but
 * one, so that quick ones always have somewhere to go.  Both lanes are first in, first out.
 * One connection is being made at a time, whatever is asked for: there is no storm after a restart.
 */
#include "orm/db/engine.h"

#include "orm/base/log.h"

/* A shared connection that holds more than this many segments, or does not move, wants company. */
#define CROWDED 24
#define UNMOVED (4 * MS)

#define RETRY_FIRST (10 * MS)
#define RETRY_MAX (200 * MS)
/* When some connections are up, a further one that was refused is not urgent. */
#define RETRY_FURTHER (1000 * MS)
#define TICK_SLOW (100 * MS)
#define TICK_FAST (10 * MS)
/* Beyond the statement timeout, which the server keeps. */
#define STUCK_GRACE (2000 * MS)
/* Until a cancelled query must have ended; and between two requests for the same one. */
#define CANCEL_TIMEOUT (2000 * MS)
#define CANCEL_AGAIN (50 * MS)

/* Connections as they stand. */

static bool is_open(const struct conn *conn)
{
	return conn->state == CONN_READY && !conn->is_leased && !conn->is_returning && !conn->is_slow &&
	       !conn->is_broken && !conn->is_fat && conn->cancel == CANCEL_NONE;
}

static bool is_idle(const struct conn *conn)
{
	return is_open(conn) && conn->ncommands == 0;
}

static bool may_grow(const struct db *db)
{
	return db->nready < db->pool_size && db->failures == 0 && !db->is_closing;
}

/* Whoever is sent there may wait long for his turn. */
static bool is_doubtful(const struct db *db, const struct conn *conn)
{
	return conn->nrisky > 0 ||
	       (conn->ncommands > 0 && loop_now(db->loop) > conn->progress_at + UNMOVED);
}

static bool has_room(const struct conn *conn)
{
	return is_open(conn) && !conn->is_reserved && conn->ncommands < CONN_MAX_COMMANDS &&
	       conn->bytes < CONN_MAX_BYTES;
}

/* From the end, where there is a choice: at the beginning the quick lane's statements are prepared. */
static struct conn *find_idle(struct db *db)
{
	for (unsigned i = db->pool_size; i-- > 0;)
		if (is_idle(&db->conns[i]))
			return &db->conns[i];
	return NULL;
}

struct conn *pool_find_least_loaded(struct db *db)
{
	struct conn *best = NULL;
	bool best_is_doubtful = false;
	for (unsigned i = 0; i < db->pool_size; i++) {
		struct conn *conn = &db->conns[i];
		if (!has_room(conn))
			continue;
		bool doubtful = is_doubtful(db, conn);
		if (best != NULL && (doubtful > best_is_doubtful ||
		                     (doubtful == best_is_doubtful && conn->nsegments >= best->nsegments)))
			continue;
		best = conn;
		best_is_doubtful = doubtful;
	}
	return best_is_doubtful && may_grow(db) ? NULL : best;
}

static unsigned count_exclusive(const struct db *db)
{
	unsigned n = 0;
	for (unsigned i = 0; i < db->pool_size; i++)
		n += db->conns[i].is_leased || db->conns[i].is_slow || db->conns[i].is_returning;
	return n;
}

/* Connecting. */

static struct conn *find_closed(struct db *db)
{
	for (unsigned i = 0; i < db->pool_size; i++)
		if (db->conns[i].state == CONN_CLOSED && !db->conns[i].is_leased)
			return &db->conns[i];
	return NULL;
}

void pool_grow(struct db *db)
{
	if (db->is_closing || db->connecting != NULL)
		return;
	struct conn *conn = find_closed(db);
	if (conn == NULL)
		return;
	uint64_t now = loop_clock();
	if (now < db->retry_at) {
		if (db->retry.heap_index == 0)
			loop_timer_set(db->loop, &db->retry, db->retry_at - loop_now(db->loop));
		return;
	}
	db->connecting = conn;
	pool_watch_over(db);
	conn_connect(conn);
}

void pool_retry(struct loop_timer *timer)
{
	pool_grow(CONTAINER_OF(timer, struct db, retry));
}

void pool_connected(struct conn *conn)
{
	struct db *db = conn->db;
	db->connecting = NULL;
	db->nready++;
	db->stats.connects++;
	if (db->is_away)
		log_message(LOG_INFO, "database is back");
	db->is_away = false;
	loop_defer(db->loop, &db->pump);
}

void pool_connect_failed(struct conn *conn)
{
	struct db *db = conn->db;
	db->connecting = NULL;
	uint64_t wait = RETRY_FIRST << (db->failures < 5 ? db->failures : 5);
	if (wait > RETRY_MAX)
		wait = RETRY_MAX;
	if (db->nready > 0)
		wait = RETRY_FURTHER;
	db->failures++;
	db->retry_at = loop_clock() + wait;
	pool_grow(db);
}

/* The queue. */

void pool_queue(struct db *db, struct segment *segment, bool in_front)
{
	bool wants_own = segment->is_lease || segment->is_slow;
	segment->place = SEGMENT_QUEUED;
	segment->queued_at = loop_clock();
	segment->deadline = segment->queued_at + db->acquire_timeout_ns;
	struct segment_list *list = wants_own                 ? &db->exclusive
	                            : gather_may(db, segment) ? &db->writes
	                                                      : &db->quick;
	segment_link(list, segment, in_front);
	if (db->expiry.heap_index == 0)
		loop_timer_set(db->loop, &db->expiry, segment->deadline - loop_now(db->loop));
	loop_defer(db->loop, &db->pump);
}

static uint64_t expire_list(struct segment_list *list, uint64_t now, uint64_t earliest)
{
	struct segment *next;
	for (struct segment *s = list->first; s != NULL; s = next) {
		next = s->next;
		if (s->deadline > now) {
			earliest = s->deadline < earliest ? s->deadline : earliest;
			continue;
		}
		segment_unlink(s);
		segment_fail(s, ERROR_UNAVAILABLE, "The database has no free connection.");
	}
	return earliest;
}

void pool_expire(struct loop_timer *timer)
{
	struct db *db = CONTAINER_OF(timer, struct db, expiry);
	uint64_t now = loop_clock();
	uint64_t earliest = expire_list(&db->quick, now, UINT64_MAX);
	earliest = expire_list(&db->writes, now, earliest);
	earliest = expire_list(&db->exclusive, now, earliest);
	if (earliest != UINT64_MAX)
		loop_timer_set(db->loop, timer, earliest - loop_now(db->loop));
	db_wake(db);
}

/* Handing out. */

static void grant_lease(struct conn *conn, struct segment *segment)
{
	conn->is_leased = true;
	segment->conn = conn;
	segment->sent_at = loop_clock();
	segment_done(segment);
}

static void send_slow(struct conn *conn, struct segment *segment)
{
	conn->is_slow = true;
	flight_begin(conn);
	/* What writes has no parallel workers, and what failed once goes without anything of ours. */
	if (segment->reads_only && segment->attempts == 0)
		frugal_begin(conn);
	flight_add(conn, segment);
	flight_end(conn);
}

static bool is_older(const struct segment *a, const struct segment *b)
{
	return a != NULL && a->queued_at < b->queued_at;
}

/* Where there is but one connection the lanes share it, first come, first served. */
static bool must_queue_up(const struct db *db)
{
	const struct segment *own = db->exclusive.first;
	return db->pool_size == 1 && own != NULL &&
	       (is_older(db->quick.first, own) || is_older(db->writes.first, own));
}

static void serve_exclusive(struct db *db)
{
	if (must_queue_up(db))
		return;
	unsigned limit = db->pool_size > 1 ? db->pool_size - 1 : 1;
	unsigned used = count_exclusive(db);
	struct conn *conn;
	while (db->exclusive.first != NULL && used < limit && (conn = find_idle(db)) != NULL) {
		struct segment *segment = db->exclusive.first;
		segment_unlink(segment);
		conn->is_reserved = false;
		if (segment->is_lease)
			grant_lease(conn, segment);
		else
			send_slow(conn, segment);
		used++;
	}
}

/* Connections that are to run dry for those who wait for one of their own. */
static void reserve(struct db *db)
{
	unsigned limit = db->pool_size > 1 ? db->pool_size - 1 : 1;
	unsigned used = count_exclusive(db);
	size_t wanted = limit > used ? limit - used : 0;
	if (wanted > db->exclusive.n)
		wanted = db->exclusive.n;
	if (may_grow(db) || must_queue_up(db))
		wanted = 0;
	for (unsigned i = 0; i < db->pool_size; i++)
		db->conns[i].is_reserved = db->conns[i].is_reserved && wanted > 0 && wanted--;
	for (; wanted > 0; wanted--) {
		struct conn *conn = pool_find_least_loaded(db);
		if (conn == NULL)
			return;
		conn->is_reserved = true;
	}
}

static bool may_share(const struct db *db, const struct segment *segment)
{
	const struct shape *shape = &db->shapes[segment->shape];
	return segment->reads_only && !segment->is_alone && shape->runs > 0 &&
	       shape->average_us < QUICK_SHAPE_US;
}

/* As many of the queue as go under one Sync. */
static void send_group(struct db *db, struct conn *conn)
{
	struct segment *segment = db->quick.first;
	bool is_shared = may_share(db, segment);
	bool is_risky = db->shapes[segment->shape].runs == 0 ||
	                db->shapes[segment->shape].average_us > QUICK_SHAPE_US;
	size_t n = 0;
	frugal_note_quick(db);
	flight_begin(conn)->is_risky = is_risky;
	conn->nrisky += is_risky;
	do {
		segment_unlink(segment);
		flight_add(conn, segment);
		n += segment->n;
		segment = db->quick.first;
	} while (is_shared && segment != NULL && n + segment->n <= GROUP_MAX && has_room(conn) &&
	         may_share(db, segment));
	flight_end(conn);
}

static void serve_quick(struct db *db)
{
	struct conn *conn;
	while (db->quick.first != NULL && (conn = pool_find_least_loaded(db)) != NULL)
		send_group(db, conn);
}

static bool is_crowded(const struct db *db)
{
	if (db->quick.first != NULL || db->exclusive.first != NULL)
		return true;
	for (unsigned i = 0; i < db->pool_size; i++) {
		const struct conn *conn = &db->conns[i];
		if (has_room(conn) && conn->nsegments < CROWDED && !is_doubtful(db, conn))
			return false;
	}
	return true;
}

static void flush_all(struct db *db)
{
	for (unsigned i = 0; i < db->pool_size; i++) {
		struct conn *conn = &db->conns[i];
		if (conn->needs_flush)
			conn_flush(conn);
		if (conn->is_broken)
			conn_close(conn, conn->is_fat ? "its buffers have grown" : "lost");
	}
}

void pool_pump(struct loop_work *work)
{
	struct db *db = CONTAINER_OF(work, struct db, pump);
	if (db->nready > 0) {
		serve_exclusive(db);
		reserve(db);
		gather_serve(db);
		serve_quick(db);
		flush_all(db);
	}
	if (db->nready == 0 || is_crowded(db))
		pool_grow(db);
	if (db->nready > 0)
		pool_watch_over(db);
	db_wake(db);
}

/* What becomes of a connection. */

static bool is_waited_for(const struct db *db)
{
	return db->quick.first != NULL || db->writes.first != NULL || db->exclusive.first != NULL;
}

void pool_idle(struct conn *conn)
{
	struct db *db = conn->db;
	conn->is_slow = false;
	if (conn->is_proven)
		db->failures = 0;
	if (conn->cancel != CANCEL_NONE) {
		cancel_step(conn);
		if (conn->cancel != CANCEL_NONE)
			return;
	}
	if (!conn->is_leased) {
		bool is_over = PQtransactionStatus(conn->pg) == PQTRANS_IDLE;
		conn->is_returning = false;
		conn->is_broken = conn->is_broken || !is_over || conn->is_fat;
	}
	if (is_waited_for(db) || conn->is_broken)
		loop_defer(db->loop, &db->pump);
}

void pool_release(struct conn *conn)
{
	struct db *db = conn->db;
	ASSERT(conn->is_leased);
	conn->is_leased = false;
	conn->is_paused = false;
	if (db->is_closed) {
		db_destroy(db);
		return;
	}
	if (conn->state != CONN_READY) {
		pool_grow(db);
		return;
	}
	conn->is_returning = true;
	conn->needs_flush = true;
	loop_defer(db->loop, &db->pump);
	if (conn->ncommands == 0)
		pool_idle(conn);
	else
		pipeline_process(conn); /* what libpq holds already would wake nobody */
}

/* Looking after. */

static bool is_given_up(const struct flight *flight)
{
	return flight != NULL && flight->was_given_up && flight->segments.first == NULL;
}

static bool is_stuck(const struct db *db, struct conn *conn, uint64_t now)
{
	const struct flight *flight = flight_oldest(conn);
	if (flight == NULL || conn->is_paused || db->statement_timeout_ns == 0)
		return false;
	unsigned n = flight->nstatements > 0 ? flight->nstatements : 1;
	return now > conn->progress_at + n * db->statement_timeout_ns + STUCK_GRACE;
}

/* A stream that waits longer than a statement may: nobody else tells it, see stream.c. */
static void wake_late_stream(const struct db *db, struct conn *conn, uint64_t now)
{
	const struct flight *flight = flight_oldest(conn);
	const struct segment *segment = flight != NULL ? flight->segments.first : NULL;

	if (segment != NULL && segment->stream != NULL && db->statement_timeout_ns > 0 &&
	    now > conn->progress_at + db->statement_timeout_ns)
		stream_late(segment->stream);
}

static bool is_late(struct conn *conn, uint64_t now)
{
	uint64_t since =
		conn->cancel_since > conn->progress_at ? conn->cancel_since : conn->progress_at;
	bool is_due = conn->cancel == CANCEL_SETTLED ? is_given_up(flight_oldest(conn))
	                                             : conn->cancel != CANCEL_NONE;
	return is_due && now > since + CANCEL_TIMEOUT;
}

/* A request may come to nothing (the query was just beginning or ending), and several given up
 * queries may stand in line. */
static bool wants_cancel(struct conn *conn, uint64_t now)
{
	if (!is_given_up(flight_oldest(conn)))
		return false;
	if (conn->cancel == CANCEL_NONE)
		return true;
	bool is_another = conn->progress_at > conn->cancel_at;
	return conn->cancel == CANCEL_SETTLED && (is_another || now > conn->cancel_at + CANCEL_AGAIN);
}

static void look_after(struct db *db, struct conn *conn, uint64_t now)
{
	if (conn->state == CONN_CONNECTING && now > conn->connect_deadline) {
		conn_close(conn, "connecting took too long");
		pool_connect_failed(conn);
	}
	if (conn->state != CONN_READY)
		return;
	wake_late_stream(db, conn, now);
	conn->is_stuck = is_stuck(db, conn, now);
	if (conn->is_stuck || is_late(conn, now))
		conn_close(conn, "no answer in time");
	else if (wants_cancel(conn, now))
		cancel_start(conn);
}

void pool_tick(struct loop_timer *timer)
{
	struct db *db = CONTAINER_OF(timer, struct db, tick);
	uint64_t now = loop_clock();
	bool is_urgent = db->writes.first != NULL, is_busy = false;
	for (unsigned i = 0; i < db->pool_size; i++) {
		struct conn *conn = &db->conns[i];
		look_after(db, conn, now);
		is_urgent |= conn->cancel != CANCEL_NONE;
		is_busy |= conn->ncommands > 0 || conn->state == CONN_CONNECTING;
		for (unsigned f = 0; f < conn->nflights; f++)
			is_urgent |=
				conn->flights[(conn->flight_first + f) & (conn->flight_cap - 1)].was_given_up;
	}
	if (is_waited_for(db))
		loop_defer(db->loop, &db->pump);
	if (is_urgent || is_busy)
		loop_timer_set(db->loop, timer, is_urgent ? TICK_FAST : TICK_SLOW);
	db_wake(db);
}

void pool_watch_over(struct db *db)
{
	if (db->tick.heap_index == 0)
		loop_timer_set(db->loop, &db->tick, TICK_FAST);
}
