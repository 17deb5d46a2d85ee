/* Brings a database to a migration file's state, forward or back; shows what that would run.
 *
 * As migrate.h, over a blocking connection of its own.  One process at a time: others wait (they ask
 * again and again, and hold nothing that CREATE INDEX CONCURRENTLY would wait for in turn).
 */
#ifndef QUERN_MIGRATE_MIGRATE_FILES_H
#define QUERN_MIGRATE_MIGRATE_FILES_H

#include "orm/migrate/migrate.h"
#include "orm/migrate/migration.h"
#include "orm/migrate/run_steps.h"

#define LOCK_TIMEOUT_DEFAULT 400

struct migrate_request {
	struct migration *migrations;
	size_t n;
	struct str target; /* p == NULL: the end; "zero": nothing of them */
	bool is_fake;      /* only recorded */
	bool fakes_initial; /* the first one, when its tables are there */
	bool is_plain;     /* the database is nobody else's: everything in one transaction */
	enum resuming resuming;
	unsigned lock_timeout; /* milliseconds */
};

/* Applies or unapplies what lies between the database and the target. */
bool migrate_files_apply(const struct migrate_options *options, struct migrate_request *request,
                         struct error *error);
/* What migrate_files_apply() would run, with what it locks: a script with remarks; "" for nothing. */
bool migrate_files_plan(const struct migrate_options *options, struct migrate_request *request,
                        struct str *text, struct error *error);
/* The graph with is_applied set, and what is half done.  Changes nothing. */
bool migrate_files_look(const struct migrate_options *options, struct migration *migrations, size_t n,
                        struct graph *graph, struct progress *progress, struct error *error);
/* The SQL of one migration alone; asks no database. */
bool migrate_files_sql(struct migration *migrations, size_t n, struct str name, bool is_backward,
                       struct str *sql, struct error *error);

#endif
