/* Runs a plan: its rows, then each prefetch level with one statement for all parents,
 * levels that do not depend on each other together; stitched by a hash of the keys.
 */
#ifndef QUERN_FETCH_FETCH_H
#define QUERN_FETCH_FETCH_H

#include "orm/db/db.h"
#include "orm/sql/plan.h"

/* The rows of one level and what hangs on them. */
struct fetched {
	const struct plan *plan;
	struct db_rows rows;
	struct fetched_slot *slots; /* plan->nprefetches */
};

struct fetched_slot {
	struct fetched *children;
	/* For each parent row the run of its children in `order`. */
	const uint32_t *first;
	const uint32_t *count;
	const uint32_t *order; /* indexes of child rows */
};

/* Waits.  All rows at once: for plans with a limit and for write replies. */
bool fetch_all(struct db_session *session, const struct plan *plan, struct fetched **fetched,
               struct error *error);
/* Waits.  As fetch_all, with the rows of one more reading statement asked in the same flush. */
bool fetch_all_beside(struct db_session *session, const struct plan *plan,
                      const struct statement *beside, struct fetched **fetched,
                      struct db_rows *rows, struct error *error);
/* Waits.  Rows as they come: calls each(batch) with rows that are gone after it returns; false from
 * it stops (with the error set).  Constant memory for any number of rows: levels with prefetches go
 * in batches of FETCH_BATCH parents. */
#define FETCH_BATCH 10000
bool fetch_each(struct db_session *session, const struct plan *plan,
                bool (*each)(const struct fetched *batch, void *arg, struct error *error), void *arg,
                struct error *error);

#endif
