/* Writes of one shape share a commit: what has come while others were on their way goes out together, as
 * one transaction, and the disk is waited for once.
 *
 * Each keeps its meaning: the statements run one behind the other, READ COMMITTED, as if each had been
 * committed.  When one fails nothing was done, and each is sent again alone, for its own verdict; so a
 * write is answered when it is committed, and refused only for what it did itself.
 *
 * Invariants: deferred constraints are judged behind each statement, as at the commit it would have had
 * of its own, so that none is met or broken by a neighbour.  A statement of a gathered flight takes no
 * longer than PATIENCE, waiting for locks included, which is less than PostgreSQL takes to look for
 * deadlocks: nobody is hurt by locks that are held for a neighbour.  Statements are ordered by their
 * parameters, the last first, where a row's key stands: so flights of one shape take the locks of rows
 * in one order.  What has come waits only for flights of its shape that are younger than STALLED: a
 * write that waits for a lock holds up none that could run.
 */
#include "orm/db/engine.h"

#include <stdlib.h>

/* Flights of one shape on their way, of one worker. */
#define FLIGHTS 2
#define STALLED (40 * MS)
/* Of each statement, ms: by statement_timeout, which no trigger's EXCEPTION WHEN OTHERS can swallow. */
#define PATIENCE 40
/* Of a whole flight, as far as its shape's average tells. */
#define FLIGHT_US 50000
#define FLIGHT_BYTES (128 * 1024)
/* Runs of a shape that go alone when a gathered flight has failed. */
#define SOLOS 256
/* What is larger gains nothing. */
#define MAX_PARAMS_GATHERED 64

bool gather_may(struct db *db, const struct segment *segment)
{
	struct shape *shape = &db->shapes[segment->shape];
	if (segment->reads_only || segment->is_alone || segment->is_lease || segment->stream != NULL ||
	    segment->n != 1 || segment->nbefore > 0 || segment->commit != NULL ||
	    segment->statements->nparams > MAX_PARAMS_GATHERED || shape->runs == 0)
		return false;
	if (shape->solos == 0)
		return true;
	shape->solos--;
	return false;
}

void gather_failed(struct db *db, const struct segment *segment)
{
	db->shapes[segment->shape].solos = SOLOS;
	db->stats.undone++;
}

/* The last parameter first: any order will do that is the same everywhere. */
static int compare(const void *a, const void *b)
{
	const struct statement *left = (*(struct segment *const *)a)->statements;
	const struct statement *right = (*(struct segment *const *)b)->statements;
	for (size_t i = left->nparams; i-- > 0;) {
		int order = str_cmp(left->params[i].text, right->params[i].text);
		if (order != 0)
			return order;
	}
	return 0;
}

static size_t bytes_of(const struct statement *statement)
{
	size_t bytes = 0;
	for (size_t i = 0; i < statement->nparams; i++)
		bytes += statement->params[i].text.n;
	return bytes;
}

static size_t most_of(const struct db *db, const struct segment *segment)
{
	uint32_t us = db->shapes[segment->shape].average_us;
	size_t most = us == 0 ? GROUP_MAX : FLIGHT_US / us;
	return most < 1 ? 1 : most > GROUP_MAX ? GROUP_MAX : most;
}

static bool is_alike(const struct statement *a, const struct statement *b)
{
	return a->nparams == b->nparams && str_eq(a->sql, b->sql);
}

/* That segment and those of its shape behind it, off the list. */
static size_t take(struct db *db, struct segment *first, struct segment *group[GROUP_MAX])
{
	const struct statement *statement = first->statements;
	size_t n = 0, most = most_of(db, first), bytes = 0;
	struct segment *next;
	for (struct segment *s = first; s != NULL && n < most && bytes < FLIGHT_BYTES; s = next) {
		next = s->next;
		if (!is_alike(s->statements, statement))
			continue;
		bytes += bytes_of(s->statements);
		segment_unlink(s);
		group[n++] = s;
	}
	return n;
}

#define TEXT_OF(number) #number
#define STATEMENT_TIMEOUT(ms) "PERFORM pg_catalog.set_config('statement_timeout', '" TEXT_OF(ms) "', true); "
#define SET_UP(more) STR_INIT("DO $$BEGIN " more "SET CONSTRAINTS ALL IMMEDIATE; END$$")

/* In a block, where SET CONSTRAINTS warns of no missing transaction: the Sync's is not seen as one. */
static const struct statement *set_up(const struct db *db)
{
	static const struct statement patient = {.sql = SET_UP("")};
	static const struct statement hasty = {.sql = SET_UP(STATEMENT_TIMEOUT(PATIENCE))};
	bool is_short = db->statement_timeout_ns > 0 && db->statement_timeout_ns <= PATIENCE * MS;
	return is_short ? &patient : &hasty;
}

static void send(struct conn *conn, struct segment *const *group, size_t n)
{
	struct db *db = conn->db;
	struct flight *flight = flight_begin(conn);
	frugal_note_quick(db);
	flight->may_gather = true;
	flight->shape = group[0]->shape;
	flight->is_gathered = n > 1;
	flight->is_risky = db->shapes[flight->shape].average_us > QUICK_SHAPE_US;
	conn->nrisky += flight->is_risky;
	if (n > 1) {
		flight_add_own(conn, set_up(db));
		db->stats.gathered += n;
	}
	for (size_t i = 0; i < n; i++)
		flight_add(conn, group[i]);
	flight_end(conn);
}

static bool is_busy(struct db *db, unsigned shape)
{
	uint64_t now = loop_now(db->loop);
	unsigned n = 0;
	for (unsigned i = 0; i < db->pool_size; i++) {
		struct conn *conn = &db->conns[i];
		for (unsigned f = 0; f < conn->nflights; f++) {
			const struct flight *flight = flight_at(conn, f);
			n += flight->may_gather && flight->shape == shape && now < flight->sent_at + STALLED;
		}
	}
	return n >= FLIGHTS;
}

/* The first that waits for no flight of its shape. */
static struct segment *find_due(struct db *db)
{
	const struct segment *held = NULL;
	for (struct segment *s = db->writes.first; s != NULL; s = s->next) {
		if (held != NULL && held->shape == s->shape)
			continue;
		if (!is_busy(db, s->shape))
			return s;
		held = s;
	}
	return NULL;
}

void gather_serve(struct db *db)
{
	struct segment *group[GROUP_MAX], *due;
	struct conn *conn;
	while ((due = find_due(db)) != NULL && (conn = pool_find_least_loaded(db)) != NULL) {
		size_t n = take(db, due, group);
		qsort(group, n, sizeof *group, compare);
		send(conn, group, n);
	}
}
