/* Rows by primary key, asked for one at a time and fetched together: natural batching.
 *
 * Lookups on one model that wait in the same moment become one statement, `= ANY($1)`, and its rows are
 * dealt out again.  Nobody waits for company: what is queued goes as soon as a statement of that model may be
 * sent (at most KEY_LOOKUPS_IN_FLIGHT are under way).  A lookup is only ever answered by a statement that was
 * sent after it came.  Where a statement fails for what may be one row's fault (a view that cannot compute it), its
 * lookups are asked again by halves, so that it is that row's alone.  Belongs to one worker; all who ask through one of these have the same rights.
 */
#ifndef QUERN_FETCH_KEY_LOOKUP_H
#define QUERN_FETCH_KEY_LOOKUP_H

#include "orm/db/db.h"
#include "orm/fetch/fetch.h"

/* Statements of one model under way at once. */
#define KEY_LOOKUPS_IN_FLIGHT 2
/* Keys of one statement at the most. */
#define KEY_LOOKUPS_TOGETHER 1000

struct key_lookups;

struct key_lookups *key_lookups_new(struct loop *loop, struct db *db, const struct registry *registry);
/* No lookup may be under way. */
void key_lookups_free(struct key_lookups *lookups);
/* Whether the model's rows can be dealt out by the text of their key: one column whose text is the same on both
 * sides (integers, UUIDs, text in the database's own collation).  A table that is not ours may have another type there,
 * which a row tells: from then on each is asked for by itself. */
bool key_lookup_fits(const struct model *model);
/* Waits.  The row of that key: *fetched and *row until the task next waits; *fetched is NULL when there is
 * none.  The row's columns and layout are the model's own. */
bool key_lookup(struct key_lookups *lookups, struct db_session *session, const struct model *model,
                const struct value *key, const struct fetched **fetched, size_t *row,
                struct error *error);

/* For metrics: sizes[i] counts the statements for at most 2^i lookups. */
#define KEY_LOOKUPS_SIZES 11
struct key_lookups_stats {
	uint64_t statements, lookups;
	uint64_t sizes[KEY_LOOKUPS_SIZES];
};
void key_lookups_stats(const struct key_lookups *lookups, struct key_lookups_stats *stats);

#endif
