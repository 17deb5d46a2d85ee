/* Answers: how results find their segments, and what a loss means for each of them.
 *
 * Invariant: every result belongs to the first command of the ring, and a NULL (or, for a Sync, its
 * result) takes that command away.  A connection on which this stops being true is broken: it is
 * closed, never repaired.
 */
#include "orm/db/engine.h"

#include "orm/base/log.h"

/* How often a segment is sent at most, for stale statements and lost connections. */
#define MAX_ATTEMPTS 4
/* And besides: on a busy machine one that takes a while may meet the cancel requests of many neighbours. */
#define MAX_DISTURBED 16

/* Answers. */

static void break_off(struct conn *conn, const char *why)
{
	log_message(LOG_WARNING, "database connection out of step: %s", why);
	conn->is_broken = true;
}

static void keep_result(struct segment *segment, unsigned index, PGresult *result)
{
	ASSERT(index == segment->answered && index < segment->n);
	struct db_rows *rows = &segment->rows[index];
	*rows = (struct db_rows){.result = result,
	                         .nrows = (size_t)PQntuples(result),
	                         .ncolumns = (size_t)PQnfields(result)};
	const char *affected = PQcmdTuples(result);
	for (; *affected >= '0' && *affected <= '9'; affected++)
		rows->affected = rows->affected * 10 + (uint64_t)(*affected - '0');
	segment->answered++;
}

/* COMMIT of a transaction that had failed says ROLLBACK. */
static void check_commit(struct segment *segment, PGresult *result)
{
	if (segment == NULL || strcmp(PQcmdStatus(result), "COMMIT") == 0)
		return;
	segment->has_failed = true;
	error_set_nowhere(segment->error, ERROR_INTERNAL, "The transaction was rolled back.");
}

static void take_success(struct conn *conn, struct command *command, PGresult *result)
{
	struct segment *segment = command->segment;
	switch (command->kind) {
	case COMMAND_PREPARE:
		command->prepared->is_known = true;
		break;
	case COMMAND_RUN:
		if (segment == NULL)
			break;
		if (segment->stream != NULL) {
			segment->answered++;
			break;
		}
		keep_result(segment, command->index, result);
		return;
	case COMMAND_CONTROL:
		if (command->is_commit)
			check_commit(segment, result);
		break;
	case COMMAND_ZONE:
		break;
	case COMMAND_SYNC:
		break_off(conn, "a result where a Sync was due");
		break;
	}
	PQclear(result);
}

/* The entry goes; where the server has it under its name, there too. */
static void forget_prepared(struct conn *conn, struct prepared *prepared, bool is_gone)
{
	if (prepared == NULL || prepared->is_dropped)
		return;
	if (prepared->is_known && is_gone) {
		statements_drop_all(&conn->statements);
		return;
	}
	if (prepared->is_known)
		flight_make_unwanted(conn, prepared->number);
	statements_drop(&conn->statements, prepared);
}

static bool is_fatal(const PGresult *result)
{
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	return severity == NULL || strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0;
}

static void take_error(struct conn *conn, const struct command *command, const PGresult *result)
{
	if (is_fatal(result)) {
		conn->saw_fatal = conn->saw_fatal || PQresultErrorField(result, PG_DIAG_SQLSTATE) != NULL;
		return;
	}
	struct flight *flight = flight_oldest(conn);
	struct segment *segment = command->segment;
	/* Deferred constraints speak at the Sync; what writes is alone in its flight, or gathered. */
	if (command->kind == COMMAND_SYNC)
		segment = flight->segments.first;
	flight->has_failed = true;
	if (flight->is_strict)
		break_off(conn, "a transaction cannot be ended");
	bool is_stale = sqlstate_is_stale(result);
	if (is_stale || (command->kind == COMMAND_PREPARE && !command->prepared->is_known))
		forget_prepared(conn, command->prepared, sqlstate_is(result, "26000"));
	if (sqlstate_is(result, "25006"))
		conn->is_fat = true;
	if (segment == NULL || segment->has_failed)
		return;
	if (flight->is_gathered) {
		/* Its own verdict comes when it has been sent alone. */
		segment->is_stale = is_stale;
		return;
	}
	segment->has_failed = true;
	/* A cancel request that was meant for another. */
	bool is_innocent = conn->cancel != CANCEL_NONE && sqlstate_is(result, "57014");
	segment->ndisturbed += is_innocent && segment->ndisturbed < MAX_DISTURBED;
	segment->is_stale = is_stale || is_innocent;
	if (segment->is_stale)
		return;
	if (command->kind == COMMAND_ZONE && sqlstate_is(result, "22023"))
		error_set(segment->error, ERROR_VALUE, segment->statements[0].zone_pos,
		          "The database knows no time zone of this name");
	else
		sqlstate_set(result, segment->error);
}

static void skip_command(struct conn *conn, struct command *command)
{
	if (command->kind == COMMAND_PREPARE && !command->prepared->is_known)
		statements_drop(&conn->statements, command->prepared);
}

/* Its time is that of the whole flight: quick ones are only ever grouped with quick ones; of gathered
 * writes each has its part.  A busy machine only ever adds to it, so a short time counts for more than
 * a long one. */
static void measure(struct db *db, const struct segment *segment, uint64_t ns)
{
	struct shape *shape = &db->shapes[segment->shape];
	uint32_t us = ns / 1000 > UINT32_MAX ? UINT32_MAX : (uint32_t)(ns / 1000);
	if (shape->runs == 0)
		shape->average_us = us;
	else if (us < shape->average_us)
		shape->average_us -= (shape->average_us - us) / 2;
	else
		shape->average_us += (us - shape->average_us) / 8;
	shape->runs++;
}

/* Of what it gathered nothing was done. */
static bool is_undone(const struct flight *flight)
{
	return flight->is_gathered && flight->has_failed;
}

static void settle_answered(struct conn *conn, struct segment *segment, const struct flight *flight,
                            uint64_t now)
{
	struct db *db = conn->db;
	bool is_whole = !segment->has_failed && segment->answered == segment->n && !is_undone(flight);
	if (is_whole && segment->stream == NULL)
		measure(db, segment, (now - conn->progress_at) / (flight->is_gathered ? flight->nstatements : 1));
	/* What was answered before a neighbour failed was read under READ COMMITTED: it stands. */
	if (is_whole || (segment->has_failed && !segment->is_stale) || conn->is_leased) {
		segment_done(segment);
		return;
	}
	if (!segment->has_failed && !flight->has_failed)
		BUG("a segment without its answers");
	if (segment->attempts + 1 - segment->ndisturbed >= MAX_ATTEMPTS) {
		segment_fail(segment, ERROR_UNAVAILABLE, "The database has changed; try again.");
		return;
	}
	if (segment->is_stale) {
		segment->prepares_anew = true;
		db->stats.healed++;
	}
	segment->is_alone = true;
	/* One of them takes long: they do not stand behind each other. */
	segment->is_slow = segment->is_slow || is_undone(flight);
	segment_again(segment);
}

static void flight_over(struct conn *conn)
{
	ASSERT(conn->nflights > 0);
	struct flight flight = *flight_oldest(conn);
	conn->flight_first = (conn->flight_first + 1) & (conn->flight_cap - 1);
	conn->nflights--;
	conn->bytes -= flight.bytes;
	conn->nrisky -= flight.is_risky;
	conn->is_proven = true;
	uint64_t now = loop_clock();
	struct segment *next;
	if (is_undone(&flight) && flight.segments.first != NULL)
		gather_failed(conn->db, flight.segments.first);
	for (struct segment *s = flight.segments.first; s != NULL; s = next) {
		next = s->next;
		s->prev = s->next = NULL;
		s->list = NULL;
		conn->nsegments--;
		settle_answered(conn, s, &flight, now);
	}
	conn->progress_at = now;
	if (flight.may_gather && conn->db->writes.first != NULL)
		loop_defer(conn->db->loop, &conn->db->pump);
	flight_deallocate(conn);
}

static void command_over(struct conn *conn)
{
	flight_pop_command(conn);
	if (!flight_set_single_rows(conn))
		break_off(conn, "single rows refused");
}

static void take_result(struct conn *conn, PGresult *result)
{
	struct command *command = flight_command(conn);
	switch (PQresultStatus(result)) {
	case PGRES_PIPELINE_SYNC:
		PQclear(result);
		if (command->kind != COMMAND_SYNC) {
			break_off(conn, "a Sync where a result was due");
			return;
		}
		command_over(conn);
		flight_over(conn);
		return;
	case PGRES_SINGLE_TUPLE:
		if (command->segment != NULL && command->segment->stream != NULL)
			stream_row(command->segment->stream, result);
		else
			PQclear(result);
		return;
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_EMPTY_QUERY:
		take_success(conn, command, result);
		return;
	case PGRES_PIPELINE_ABORTED:
		skip_command(conn, command);
		break;
	case PGRES_NONFATAL_ERROR:
	case PGRES_FATAL_ERROR:
		take_error(conn, command, result);
		break;
	case PGRES_COPY_IN:
	case PGRES_COPY_OUT:
	case PGRES_COPY_BOTH:
	case PGRES_BAD_RESPONSE:
		break_off(conn, "an answer of an unknown kind");
		break;
	}
	PQclear(result);
}

void pipeline_process(struct conn *conn)
{
	while (conn->ncommands > 0 && !conn->is_broken) {
		struct command *command = flight_command(conn);
		if (command->segment != NULL && command->segment->stream != NULL &&
		    !stream_wants(command->segment->stream)) {
			conn->is_paused = true;
			return;
		}
		if (PQisBusy(conn->pg))
			break;
		PGresult *result = PQgetResult(conn->pg);
		if (result != NULL)
			take_result(conn, result);
		else if (command->kind != COMMAND_SYNC)
			command_over(conn);
		else if (!flight_oldest(conn)->has_failed || PQstatus(conn->pg) == CONNECTION_BAD)
			conn->is_broken = true;
	}
	if (PQstatus(conn->pg) == CONNECTION_BAD)
		conn->is_broken = true;
	if (conn->ncommands == 0 && !conn->is_broken)
		pool_idle(conn);
}

void pipeline_read(struct conn *conn)
{
	bool is_open = PQconsumeInput(conn->pg) == 1;
	conn->progress_at = conn->ncommands > 0 ? conn->progress_at : loop_clock();
	if (conn->ncommands == 0) {
		/* Notices and notifications of an idle connection are taken and forgotten. */
		PGnotify *notify;
		while ((notify = PQnotifies(conn->pg)) != NULL)
			PQfreemem(notify);
	} else {
		pipeline_process(conn);
	}
	if (!is_open && !conn->is_paused)
		conn->is_broken = true;
}

void pipeline_give_up(struct segment *segment)
{
	struct conn *conn = segment->conn;
	for (unsigned i = 0; i < conn->ncommands; i++) {
		struct command *command =
			&conn->commands[(conn->command_first + i) & (conn->command_cap - 1)];
		if (command->segment == segment)
			command->segment = NULL;
	}
	for (unsigned i = 0; i < conn->nflights; i++)
		if (&flight_at(conn, i)->segments == segment->list)
			flight_at(conn, i)->was_given_up = true;
	segment_unlink(segment);
	segment->place = SEGMENT_NOWHERE;
	conn->nsegments--;
	pool_watch_over(conn->db);
}

/* After a loss. */

static void settle_lost(struct conn *conn, struct segment *segment, const struct flight *flight)
{
	bool is_oldest = flight == flight_oldest(conn);
	bool never_ran = conn->saw_fatal && !is_oldest;
	bool is_settled = segment->has_failed && !segment->is_stale;
	bool rolled_back = segment->has_failed || is_undone(flight);
	if (is_settled) {
		segment_done(segment);
		return;
	}
	if (is_oldest && conn->is_stuck) {
		segment_fail(segment, ERROR_TIMEOUT, "The database took too long to answer.");
		return;
	}
	bool may_repeat = segment->reads_only || never_ran || rolled_back;
	/* When the server ends, a segment may meet every connection of the pool as it goes down. */
	bool has_attempts = segment->attempts < MAX_ATTEMPTS + conn->db->pool_size;
	if (!conn->is_leased && may_repeat && has_attempts) {
		segment->is_alone = true;
		segment_again(segment);
		return;
	}
	bool is_open = segment->commit != NULL || (!conn->is_leased && !segment->reads_only);
	segment_fail(
		segment, ERROR_UNAVAILABLE,
		is_open
			? "The connection to the database was lost; whether the change was made is not known."
			: "The connection to the database was lost.");
}

void pipeline_settle(struct conn *conn)
{
	/* Backwards: each goes to the front of the queue. */
	for (unsigned i = conn->nflights; i-- > 0;) {
		struct segment_list *list = &flight_at(conn, i)->segments;
		while (list->last != NULL) {
			struct segment *segment = list->last;
			segment_unlink(segment);
			conn->nsegments--;
			settle_lost(conn, segment, flight_at(conn, i));
		}
	}
	conn->nflights = 0;
	while (conn->ncommands > 0)
		flight_pop_command(conn);
	conn->bytes = 0;
	conn->nrisky = 0;
	ASSERT(conn->nsegments == 0);
}
