/* The public face of the engine: made and freed, statements run, sessions cancelled.
 *
 * Chooses no connection and speaks no protocol.  Invariant: a task that waits here is resumed
 * exactly once, from db_wake(), when the last of its segments is done; a segment is on no list by
 * then, so it may live on that task's stack.
 */
#include "orm/db/db.h"

#include "orm/db/engine.h"

#include <stdlib.h>

/* The protocol counts parameters in 16 bits. */
#define MAX_PARAMS 65535

/* Settings. */

static char *copied(const char *text)
{
	char *copy = strdup(text != NULL ? text : "");
	if (copy == NULL)
		BUG("no memory");
	return copy;
}

struct db *db_new(struct loop *loop, const struct db_settings *settings)
{
	struct db *db = calloc(1, sizeof *db);
	if (db == NULL)
		BUG("no memory");
	db->loop = loop;
	db->conninfo = copied(settings->conninfo);
	db->options = connect_options(settings);
	db->needs_names = connect_needs_names(db->conninfo);
	db->application_name =
		copied(settings->application_name != NULL ? settings->application_name : "quern");
	db->pool_size = settings->pool_size > 0 ? settings->pool_size : 1;
	db->acquire_timeout_ns = settings->acquire_timeout_ms * MS;
	db->statement_timeout_ns = settings->statement_timeout_ms * MS;
	db->statement_cache = settings->statement_cache > 0 ? settings->statement_cache : 1;
	db->conns = calloc(db->pool_size, sizeof *db->conns);
	db->shapes = calloc(SHAPES, sizeof *db->shapes);
	if (db->conns == NULL || db->shapes == NULL)
		BUG("no memory");
	for (unsigned i = 0; i < db->pool_size; i++) {
		db->conns[i].db = db;
		db->conns[i].watch.fd = -1;
	}
	db->pump.run = pool_pump;
	db->expiry.fire = pool_expire;
	db->retry.fire = pool_retry;
	db->tick.fire = pool_tick;
	pool_grow(db);
	return db;
}

static void fail_queue(struct segment_list *list)
{
	while (list->first != NULL) {
		struct segment *segment = list->first;
		segment_unlink(segment);
		segment_fail(segment, ERROR_UNAVAILABLE, "The server is stopping.");
	}
}

static bool has_lease(const struct db *db)
{
	for (unsigned i = 0; i < db->pool_size; i++)
		if (db->conns[i].is_leased)
			return true;
	return false;
}

void db_destroy(struct db *db)
{
	/* Who still holds a lease must find it when he gives it back. */
	if (has_lease(db))
		return;
	for (unsigned i = 0; i < db->pool_size; i++) {
		free(db->conns[i].commands);
		free(db->conns[i].flights);
		free(db->conns[i].unwanted);
	}
	free(db->conns);
	free(db->shapes);
	free(db->values);
	free(db->conninfo);
	free(db->options);
	free(db->application_name);
	free(db);
}

void db_free(struct db *db)
{
	if (db == NULL)
		return;
	db->is_closing = true;
	for (unsigned i = 0; i < db->pool_size; i++)
		if (db->conns[i].state != CONN_CLOSED)
			conn_close(&db->conns[i], NULL);
	fail_queue(&db->quick);
	fail_queue(&db->writes);
	fail_queue(&db->exclusive);
	db_wake(db);
	loop_undefer(db->loop, &db->pump);
	loop_timer_clear(&db->expiry);
	loop_timer_clear(&db->retry);
	loop_timer_clear(&db->tick);
	helper_free(db->canceller);
	helper_free(db->resolver);
	db->is_closed = true;
	db_destroy(db);
}

bool db_is_ready(const struct db *db)
{
	return db->nready > 0;
}

void db_stats(const struct db *db, struct db_stats *stats)
{
	*stats = db->stats;
	stats->connections = db->nready;
	stats->waiting = (unsigned)(db->quick.n + db->writes.n + db->exclusive.n);
	stats->busy = stats->leased = 0;
	for (unsigned i = 0; i < db->pool_size; i++) {
		const struct conn *conn = &db->conns[i];

		stats->busy += conn->state == CONN_READY && (conn->ncommands > 0 || conn->is_leased);
		stats->leased += conn->state == CONN_READY && conn->is_leased;
	}
}

/* Segments. */

void segment_init(struct segment *segment, struct db_session *session, struct error *error)
{
	*segment = (struct segment){.session = session, .error = error};
}

void segment_link(struct segment_list *list, struct segment *segment, bool in_front)
{
	segment->list = list;
	segment->prev = in_front ? NULL : list->last;
	segment->next = in_front ? list->first : NULL;
	if (segment->prev != NULL)
		segment->prev->next = segment;
	else
		list->first = segment;
	if (segment->next != NULL)
		segment->next->prev = segment;
	else
		list->last = segment;
	list->n++;
}

void segment_unlink(struct segment *segment)
{
	struct segment_list *list = segment->list;
	if (segment->prev != NULL)
		segment->prev->next = segment->next;
	else
		list->first = segment->next;
	if (segment->next != NULL)
		segment->next->prev = segment->prev;
	else
		list->last = segment->prev;
	list->n--;
	segment->prev = segment->next = NULL;
	segment->list = NULL;
}

void segment_drop_results(struct segment *segment)
{
	for (size_t i = 0; segment->rows != NULL && i < segment->answered; i++) {
		PQclear(segment->rows[i].result);
		segment->rows[i] = (struct db_rows){0};
	}
	segment->answered = 0;
}

static void free_result(void *result)
{
	PQclear(result);
}

static void keep_results(struct segment *segment)
{
	for (size_t i = 0; segment->rows != NULL && i < segment->answered; i++)
		arena_defer(segment->session->arena, free_result, segment->rows[i].result);
}

void segment_done(struct segment *segment)
{
	struct db *db = segment->session->db;
	struct db_usage *usage = &segment->session->usage;
	uint64_t now = loop_clock();
	uint64_t sent = segment->sent_at > 0 ? segment->sent_at : now;
	if (segment->stream == NULL)
		usage->statements += (unsigned)segment->n;
	usage->wait_ns +=
		segment->queued_at > 0 && sent > segment->queued_at ? sent - segment->queued_at : 0;
	usage->run_ns += now - sent;
	if (segment->has_failed)
		segment_drop_results(segment);
	else
		keep_results(segment);
	segment->place = SEGMENT_DONE;
	struct wait *wait = segment->wait;
	if (wait != NULL && --wait->pending == 0)
		wait_wake(db, wait);
	if (segment->stream != NULL)
		stream_notify(segment->stream);
}

void segment_fail(struct segment *segment, enum error_kind kind, const char *words)
{
	segment->has_failed = true;
	segment->is_stale = false;
	error_set_nowhere(segment->error, kind, "%s", words);
	if (kind == ERROR_UNAVAILABLE)
		segment->error->retry_after = 1;
	segment_done(segment);
}

void segment_again(struct segment *segment)
{
	struct db *db = segment->session->db;
	segment_drop_results(segment);
	segment->has_failed = segment->is_stale = false;
	segment->attempts++;
	segment->conn = NULL;
	if (db->is_closing)
		segment_fail(segment, ERROR_UNAVAILABLE, "The server is stopping.");
	else
		pool_queue(db, segment, true);
}

/* Waiting. */

void wait_wake(struct db *db, struct wait *wait)
{
	wait->next = NULL;
	if (db->wake_last != NULL)
		db->wake_last->next = wait;
	else
		db->wake_first = wait;
	db->wake_last = wait;
	if (!db->is_closing)
		loop_defer(db->loop, &db->pump);
}

void db_wake(struct db *db)
{
	while (db->wake_first != NULL) {
		struct wait *wait = db->wake_first;
		db->wake_first = wait->next;
		if (db->wake_first == NULL)
			db->wake_last = NULL;
		task_resume(wait->task);
	}
}

void wait_for(struct wait *wait, struct db_session *session)
{
	wait->task = task_self();
	ASSERT(wait->task != NULL && session->waiting == NULL);
	session->waiting = wait;
	task_suspend();
	session->waiting = NULL;
}

/* Sessions. */

void db_session_init(struct db_session *session, struct db *db, struct arena *arena)
{
	*session = (struct db_session){.db = db, .arena = arena};
}

bool session_is_usable(struct db_session *session, struct error *error)
{
	if (!session->is_cancelled && !session->db->is_closing)
		return true;
	error_set_nowhere(error, ERROR_UNAVAILABLE, "%s",
	                  session->is_cancelled ? "The request was cancelled."
	                                        : "The server is stopping.");
	error->retry_after = 1;
	return false;
}

void db_session_cancel(struct db_session *session)
{
	struct wait *wait = session->waiting;
	session->is_cancelled = true;
	if (session->on_cancel != NULL)
		session->on_cancel(session->on_cancel_arg);
	if (wait == NULL)
		return;
	if (wait->stream != NULL)
		stream_cancel(wait->stream);
	if (wait->copy != NULL)
		copy_notify(wait->copy);
	for (size_t i = 0; i < wait->nsegments; i++) {
		struct segment *segment = &wait->segments[i];
		if (segment->place == SEGMENT_DONE)
			continue;
		if (segment->place == SEGMENT_SENT)
			pipeline_give_up(segment);
		else
			segment_unlink(segment);
		segment_drop_results(segment);
		/* An error may be there already, of an answer that was not acknowledged yet. */
		if (segment->has_failed && !segment->is_stale)
			segment_done(segment);
		else
			segment_fail(segment, ERROR_UNAVAILABLE, "The request was cancelled.");
	}
}

/* Running. */

bool params_are_few(const struct statement *statements, size_t n, struct error *error)
{
	for (size_t i = 0; i < n; i++)
		if (statements[i].nparams > MAX_PARAMS)
			return error_set_nowhere(
				error, ERROR_TOO_LARGE,
				"The request needs more than 65535 parameters in one statement.");
	return true;
}

/* Outside of a transaction a row's lock is gone before anybody could use it. */
bool locks_are_kept(const struct db_session *session, const struct statement *statements, size_t n,
                    struct error *error)
{
	for (size_t i = 0; session->tx == NULL && i < n; i++)
		if (statements[i].locks_rows)
			return error_set(error, ERROR_TRANSACTION, statements[i].lock_pos,
			                 "select_for_update cannot be used outside of a transaction. It belongs "
			                 "into an atomic batch.");
	return true;
}

static unsigned shape_of(struct db *db, const struct statement *statement)
{
	uint64_t hash = str_hash(statement->sql);
	unsigned at = (unsigned)(hash % SHAPES);
	if (db->shapes[at].hash != hash)
		db->shapes[at] = (struct shape){.hash = hash};
	return at;
}

/* Slow enough, often enough, to be kept away from the others: as pool.c groups. */
static bool is_slow(const struct shape *shape)
{
	return shape->runs > 1 && shape->average_us > SLOW_SHAPE_US;
}

static void set_work(struct segment *segment, const struct statement *statements, size_t n,
                     bool reads_only, struct db_rows *rows)
{
	struct db *db = segment->session->db;
	segment->statements = statements;
	segment->n = n;
	segment->rows = rows;
	segment->reads_only = reads_only;
	segment->is_alone = statements[0].zone.p != NULL;
	for (size_t i = 1; i < n; i++)
		ASSERT(str_eq(statements[i].zone, statements[0].zone));
	segment->shape = shape_of(db, statements);
	segment->is_slow = is_slow(&db->shapes[segment->shape]);
}

bool db_run(struct db_session *session, const struct statement *statements, size_t n,
            bool reads_only, struct db_rows *rows, struct error *error)
{
	if (n == 0)
		return true;
	if (session->tx)
		return db_tx_run(session->tx, statements, n, rows, error);
	if (!session_is_usable(session, error) || !params_are_few(statements, n, error) ||
	    !locks_are_kept(session, statements, n, error))
		return false;
	struct segment segment;
	segment_init(&segment, session, error);
	set_work(&segment, statements, n, reads_only, rows);
	struct wait wait = {.pending = 1, .segments = &segment, .nsegments = 1};
	segment.wait = &wait;
	pool_queue(session->db, &segment, false);
	wait_for(&wait, session);
	return !segment.has_failed;
}

bool db_query(struct db_session *session, const struct statement *statement, bool reads_only,
              struct db_rows *rows, struct error *error)
{
	return db_run(session, statement, 1, reads_only, rows, error);
}

static bool first_error(const struct segment *segments, size_t n, struct error *error)
{
	for (size_t i = 0; i < n; i++) {
		if (!segments[i].has_failed)
			continue;
		struct arena *arena = error->arena;
		*error = *segments[i].error;
		error->arena = arena;
		return false;
	}
	return true;
}

bool db_run_each(struct db_session *session, const struct statement *statements, size_t n,
                 struct db_rows *rows, struct error *error)
{
	if (n == 0)
		return true;
	if (session->tx)
		return db_tx_run(session->tx, statements, n, rows, error);
	if (!session_is_usable(session, error) || !params_are_few(statements, n, error) ||
	    !locks_are_kept(session, statements, n, error))
		return false;
	struct segment *segments = ARENA_ARRAY(session->arena, struct segment, n);
	struct error *errors = ARENA_ARRAY(session->arena, struct error, n);
	struct wait wait = {.pending = (unsigned)n, .segments = segments, .nsegments = n};
	for (size_t i = 0; i < n; i++) {
		error_init(&errors[i], error->arena);
		segment_init(&segments[i], session, &errors[i]);
		set_work(&segments[i], &statements[i], 1, true, &rows[i]);
		segments[i].wait = &wait;
		pool_queue(session->db, &segments[i], false);
	}
	wait_for(&wait, session);
	return first_error(segments, n, error);
}

/* Cells. */

struct str db_cell(const struct db_rows *rows, size_t row, size_t column)
{
	const PGresult *result = rows->result;
	if (rows->cells != NULL)
		return rows->cells[row * rows->ncolumns + column];
	if (rows->singles != NULL) {
		result = rows->singles[row];
		row = 0;
	}
	int length = PQgetlength(result, (int)row, (int)column);
	if (length == 0 && PQgetisnull(result, (int)row, (int)column))
		return (struct str){0};
	return (struct str){PQgetvalue(result, (int)row, (int)column), (size_t)length};
}
