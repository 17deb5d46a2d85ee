/* Flights on their way out: the rings of what is outstanding on a connection, and sending.
 *
 * Chooses nothing (pool.c does) and reads nothing (pipeline.c does).  Invariant: the ring of
 * commands mirrors what libpq has queued, in order; what libpq did not take is not in it, and the
 * connection is marked as broken.
 */
#include "orm/db/engine.h"

#include <stdio.h>
#include <stdlib.h>

/* Rings. */

static void *grown_ring(void *items, unsigned *cap, unsigned first, size_t size)
{
	unsigned old = *cap, cap_new = old ? old * 2 : 32;
	char *ring = calloc(cap_new, size);
	if (ring == NULL)
		BUG("no memory");
	size_t tail = (old - first) * size;
	if (old > 0) {
		memcpy(ring, (char *)items + first * size, tail);
		memcpy(ring + tail, items, first * size);
	}
	free(items);
	*cap = cap_new;
	return ring;
}

static struct command *command_push(struct conn *conn)
{
	if (conn->ncommands == conn->command_cap) {
		conn->commands = grown_ring(conn->commands, &conn->command_cap, conn->command_first,
		                            sizeof *conn->commands);
		conn->command_first = 0;
	}
	struct command *command =
		&conn->commands[(conn->command_first + conn->ncommands++) & (conn->command_cap - 1)];
	*command = (struct command){0};
	return command;
}

struct command *flight_command(struct conn *conn)
{
	return &conn->commands[conn->command_first];
}

void flight_pop_command(struct conn *conn)
{
	struct command *command = flight_command(conn);
	if (command->prepared != NULL)
		prepared_unref(command->prepared);
	conn->command_first = (conn->command_first + 1) & (conn->command_cap - 1);
	conn->ncommands--;
}

struct flight *flight_at(struct conn *conn, unsigned i)
{
	return &conn->flights[(conn->flight_first + i) & (conn->flight_cap - 1)];
}

struct flight *flight_oldest(struct conn *conn)
{
	return conn->nflights > 0 ? flight_at(conn, 0) : NULL;
}

static struct flight *flight_newest(struct conn *conn)
{
	return flight_at(conn, conn->nflights - 1);
}

/* Segments hold pointers to their flight's list, so these move with the ring. */
static void relink(struct conn *conn)
{
	for (unsigned i = 0; i < conn->nflights; i++) {
		struct flight *flight = flight_at(conn, i);
		for (struct segment *s = flight->segments.first; s != NULL; s = s->next)
			s->list = &flight->segments;
	}
}

/* Sending. */

struct flight *flight_begin(struct conn *conn)
{
	if (conn->nflights == conn->flight_cap) {
		conn->flights =
			grown_ring(conn->flights, &conn->flight_cap, conn->flight_first, sizeof *conn->flights);
		conn->flight_first = 0;
		relink(conn);
	}
	conn->nflights++;
	struct flight *flight = flight_newest(conn);
	*flight = (struct flight){.sent_at = loop_clock()};
	if (conn->ncommands == 0)
		conn->progress_at = flight->sent_at;
	if (!conn->needs_flush) {
		conn->needs_flush = true;
		loop_defer(conn->db->loop, &conn->db->pump);
	}
	return flight;
}

static void count_bytes(struct conn *conn, size_t bytes)
{
	flight_newest(conn)->bytes += bytes;
	conn->bytes += bytes;
}

static bool send_prepare(struct conn *conn, struct segment *segment, struct prepared *prepared)
{
	char name[PREPARED_NAME_SIZE];
	prepared_name(prepared, name);
	if (!PQsendPrepare(conn->pg, name, prepared->sql, (int)prepared->noids, prepared->oids))
		return false;
	struct command *command = command_push(conn);
	command->kind = COMMAND_PREPARE;
	command->segment = segment;
	command->prepared = prepared;
	prepared->in_flight++;
	count_bytes(conn, prepared->sql_n);
	return true;
}

static const char *const *values_of(struct db *db, const struct statement *statement, size_t *bytes)
{
	if (statement->nparams > db->values_cap) {
		db->values_cap = statement->nparams * 2;
		free(db->values);
		db->values = malloc(db->values_cap * sizeof *db->values);
		if (db->values == NULL)
			BUG("no memory");
	}
	for (size_t i = 0; i < statement->nparams; i++) {
		db->values[i] = statement->params[i].text.p;
		*bytes += statement->params[i].text.n + 8;
	}
	return db->values;
}

void flight_make_unwanted(struct conn *conn, unsigned number)
{
	if (conn->nunwanted == conn->unwanted_cap) {
		conn->unwanted_cap = conn->unwanted_cap ? conn->unwanted_cap * 2 : 16;
		conn->unwanted = realloc(conn->unwanted, conn->unwanted_cap * sizeof *conn->unwanted);
		if (conn->unwanted == NULL)
			BUG("no memory");
	}
	conn->unwanted[conn->nunwanted++] = number;
}

/* Parsed in the segment's own transaction, whose locks keep the tables as they are. */
static struct prepared *anew(struct conn *conn, const struct statement *statement,
                             struct prepared *old)
{
	bool is_new;
	flight_make_unwanted(conn, old->number);
	statements_drop(&conn->statements, old);
	return statements_get(&conn->statements, statement, &is_new);
}

static bool send_run(struct conn *conn, struct segment *segment, const struct statement *statement,
                     unsigned index)
{
	bool is_new;
	struct prepared *prepared = statements_get(&conn->statements, statement, &is_new);
	if (segment != NULL && segment->prepares_anew && !is_new) {
		prepared = anew(conn, statement, prepared);
		is_new = true;
	}
	if (is_new && !send_prepare(conn, segment, prepared))
		return false;
	char name[PREPARED_NAME_SIZE];
	prepared_name(prepared, name);
	size_t bytes = 64;
	const char *const *values = values_of(conn->db, statement, &bytes);
	if (!PQsendQueryPrepared(conn->pg, name, (int)statement->nparams, values, NULL, NULL, 0))
		return false;
	struct command *command = command_push(conn);
	command->kind = COMMAND_RUN;
	command->index = index;
	command->segment = segment;
	command->prepared = prepared;
	prepared->in_flight++;
	count_bytes(conn, bytes);
	conn->db->stats.statements += segment != NULL;
	return true;
}

void flight_control(struct conn *conn, const char *sql, struct segment *segment, bool is_commit)
{
	if (conn->is_broken)
		return;
	if (!PQsendQueryParams(conn->pg, sql, 0, NULL, NULL, NULL, NULL, 0)) {
		conn->is_broken = true;
		return;
	}
	struct command *command = command_push(conn);
	command->kind = COMMAND_CONTROL;
	command->segment = segment;
	command->is_commit = is_commit;
}

/* For the rest of the transaction, which a segment outside of a leased connection has to itself. */
static bool send_zone(struct conn *conn, struct segment *segment, struct str zone)
{
	const char *const values[] = {zone.p};
	if (!PQsendQueryParams(conn->pg, "SELECT pg_catalog.set_config('TimeZone', $1, true)", 1, NULL,
	                       values, NULL, NULL, 0))
		return false;
	struct command *command = command_push(conn);
	command->kind = COMMAND_ZONE;
	command->segment = segment;
	count_bytes(conn, zone.n + 64);
	return true;
}

bool flight_set_single_rows(struct conn *conn)
{
	const struct command *command = flight_command(conn);
	if (conn->ncommands == 0 || command->kind != COMMAND_RUN || command->segment == NULL ||
	    command->segment->stream == NULL)
		return true;
	/* Refused when the command is to be skipped, which is no harm. */
	return PQsetSingleRowMode(conn->pg) == 1 || flight_oldest(conn)->has_failed;
}

/* For the rest of the transaction, too; a stream's time is limited in stream.c. */
static bool send_untimed(struct conn *conn)
{
	static const struct statement untimed = {
		.sql = STR_INIT("SELECT pg_catalog.set_config('statement_timeout', '0', true)")};

	return conn->db->statement_timeout_ns == 0 || send_run(conn, NULL, &untimed, 0);
}

void flight_add(struct conn *conn, struct segment *segment)
{
	struct flight *flight = flight_newest(conn);
	bool is_zoned = segment->n > 0 && segment->statements[0].zone.p != NULL;
	segment->place = SEGMENT_SENT;
	segment->conn = conn;
	segment->sent_at = flight->sent_at;
	segment_link(&flight->segments, segment, false);
	conn->nsegments++;
	flight->nstatements += (unsigned)segment->n;
	for (size_t i = 0; i < segment->nbefore; i++)
		flight_control(conn, segment->before[i], segment, false);
	if (is_zoned && !conn->is_broken)
		conn->is_broken = !send_zone(conn, segment, segment->statements[0].zone);
	if (segment->stream != NULL && !conn->is_broken)
		conn->is_broken = !send_untimed(conn);
	for (size_t i = 0; i < segment->n && !conn->is_broken; i++)
		conn->is_broken = !send_run(conn, segment, &segment->statements[i], (unsigned)i);
	/* A transaction goes on with others' statements. */
	if (is_zoned && conn->is_leased && segment->stream == NULL && !conn->is_broken)
		conn->is_broken = !send_zone(conn, segment, STR("UTC"));
	if (segment->commit != NULL)
		flight_control(conn, segment->commit, segment, true);
	if (segment->stream != NULL && !conn->is_broken)
		conn->is_broken = !flight_set_single_rows(conn);
}

void flight_add_own(struct conn *conn, const struct statement *statement)
{
	if (!conn->is_broken)
		conn->is_broken = !send_run(conn, NULL, statement, 0);
}

void flight_end(struct conn *conn)
{
	if (conn->is_broken)
		return;
	if (!PQpipelineSync(conn->pg)) {
		conn->is_broken = true;
		return;
	}
	command_push(conn)->kind = COMMAND_SYNC;
	if (conn->bytes > CONN_RECYCLE_BYTES)
		conn->is_fat = true;
}

/* Between the result of a failed command and the NULL behind it libpq 15 loses count when something
 * is sent (pqAppendCmdQueueEntry), so this waits for the Sync. */
void flight_deallocate(struct conn *conn)
{
	struct prepared *surplus;
	while ((surplus = statements_surplus(&conn->statements, conn->db->statement_cache)) != NULL) {
		flight_make_unwanted(conn, surplus->number);
		statements_drop(&conn->statements, surplus);
	}
	while (conn->nunwanted > 0) {
		char sql[32];
		snprintf(sql, sizeof sql, "DEALLOCATE q%u", conn->unwanted[--conn->nunwanted]);
		flight_send_quiet(conn, sql);
	}
}

void flight_send_quiet(struct conn *conn, const char *sql)
{
	flight_begin(conn)->is_quiet = true;
	flight_control(conn, sql, NULL, false);
	flight_end(conn);
}

void flight_send_strict(struct conn *conn, const char *sql)
{
	flight_begin(conn)->is_strict = true;
	flight_control(conn, sql, NULL, false);
	flight_end(conn);
}

void flight_send_segment(struct conn *conn, struct segment *segment)
{
	flight_begin(conn);
	flight_add(conn, segment);
	flight_end(conn);
	pool_watch_over(conn->db);
}
