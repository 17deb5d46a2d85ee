/* A database beside its models, down to defaults, constraints, indexes and comments.
 *
 * The tables of the models are made as temporary ones in a transaction that is rolled back, and
 * PostgreSQL's own words for them compared with its words for the real ones: so that what is said
 * differently and means the same is no difference.  Needs the right to make temporary tables; takes
 * no lock on a real one that any statement would wait for.
 */
#ifndef QUERN_MIGRATE_DIFF_H
#define QUERN_MIGRATE_DIFF_H

#include "orm/migrate/migrate.h"

struct difference {
	bool is_note; /* the database serves the models all the same: a name, an index for LIKE … */
	struct str model, table; /* model: p == NULL for a table that has none */
	struct str subject;      /* "column price", "index film_title_idx"; p == NULL: the table itself */
	struct str database, models; /* what each says; p == NULL: nothing is there */
};

struct differences {
	struct difference *items;
	size_t n, cap;
	size_t ndrifts; /* that are no notes */
};

/* All lives in error->arena.  False only when it could not look. */
bool migrate_diff(const struct migrate_options *options, const struct registry *registry,
                  struct differences *differences, struct error *error);

#endif
