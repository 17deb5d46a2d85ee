/* Writes of one shape share a commit: what has come while others were on their way goes out together, as
 * one transaction, and the disk is waited for once.
 *
 * Each keeps its meaning: the statements run one behind the other, READ COMMITTED, as if each had been
 * committed.  When one fails nothing was done, and each is sent again alone, for its own verdict; so a
 * write is answered when it is committed, and refused only for what it did itself.
 *
 * Invariants: a gathered flight waits for no lock longer than PATIENCE, which is less than PostgreSQL
 * takes to look for deadlocks: nobody else is hurt by locks that are held for a neighbour.  Its
 * statements are ordered by their parameters, the last first, where a row's key stands: so flights of
 * one shape take the locks of rows in one order.  What has come waits only for flights younger than
 * STALLED: a write that waits for a lock holds up none that could run.
 */
#include "orm/db/engine.h"

#include <stdlib.h>

/* Flights of writes on their way, of one worker. */
#define FLIGHTS 2
#define STALLED (30 * MS)
#define PATIENCE "20ms"
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

/* The first that waits, and those of its shape, off the list. */
static size_t take(struct db *db, struct segment *group[GROUP_MAX])
{
	const struct statement *first = db->writes.first->statements;
	size_t n = 0;
	struct segment *next;
	for (struct segment *s = db->writes.first; s != NULL && n < GROUP_MAX; s = next) {
		next = s->next;
		if (s->statements->nparams != first->nparams || !str_eq(s->statements->sql, first->sql))
			continue;
		segment_unlink(s);
		group[n++] = s;
	}
	return n;
}

static void send(struct conn *conn, struct segment *const *group, size_t n)
{
	static const struct statement patience = {
		.sql = STR_INIT("SELECT pg_catalog.set_config('lock_timeout', '" PATIENCE "', true)"),
		.ncolumns = 1,
	};
	struct flight *flight = flight_begin(conn);
	flight->may_gather = true;
	flight->is_gathered = n > 1;
	if (n > 1) {
		flight_add_own(conn, &patience);
		conn->db->stats.gathered += n;
	}
	for (size_t i = 0; i < n; i++)
		flight_add(conn, group[i]);
	flight_end(conn);
}

static unsigned count_young(struct db *db)
{
	uint64_t now = loop_now(db->loop);
	unsigned n = 0;
	for (unsigned i = 0; i < db->pool_size; i++) {
		struct conn *conn = &db->conns[i];
		for (unsigned f = 0; f < conn->nflights; f++) {
			const struct flight *flight = flight_at(conn, f);
			n += flight->may_gather && now < flight->sent_at + STALLED;
		}
	}
	return n;
}

void gather_serve(struct db *db)
{
	struct segment *group[GROUP_MAX];
	struct conn *conn;
	if (db->writes.first == NULL)
		return;
	for (unsigned young = count_young(db); young < FLIGHTS && db->writes.first != NULL; young++) {
		conn = pool_find_least_loaded(db);
		if (conn == NULL)
			return;
		size_t n = take(db, group);
		qsort(group, n, sizeof *group, compare);
		send(conn, group, n);
	}
}
