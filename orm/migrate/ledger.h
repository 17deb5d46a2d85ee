/* Which migration files were applied, and how far one under way has come: quern_migrations (a row
 * for each, with the models after it, as history.h reads them) and quern_migration_progress (a row
 * for one that is half done).
 *
 * Rows of quern_migrations without a name were written by a database that was made from the models
 * alone.
 */
#ifndef QUERN_MIGRATE_LEDGER_H
#define QUERN_MIGRATE_LEDGER_H

#include "orm/migrate/connection.h"
#include "orm/migrate/history.h"
#include "orm/migrate/migration.h"

struct progress {
	struct str name; /* of the migration; p == NULL: none is under way */
	bool is_backward;
	struct str checksum; /* of its steps so far: whether what was done is what would be done now */
	size_t done, total;
	bool is_running; /* the next step had begun, and nobody knows whether it ended */
	struct str cursor; /* within the next step; p == NULL: none */
};

struct ledger {
	bool has_table;
	struct names applied;  /* in the order of application */
	bool has_unnamed;      /* rows of the models alone */
	struct history history;
	struct progress progress;
};

/* Changes nothing. */
bool ledger_load(struct connection *connection, struct arena *arena, struct ledger *ledger);
/* Makes the tables, and those that the server itself uses. */
bool ledger_make(struct connection *connection, struct arena *arena);
/* Within a transaction of the caller's or alone.  A squashed migration takes those that it replaces along, so that
 * the files may come and go on either side. */
bool ledger_record(struct connection *connection, struct arena *arena,
                   const struct migration *migration, const struct registry *registry);
bool ledger_forget(struct connection *connection, struct arena *arena,
                   const struct migration *migration);
bool ledger_set_progress(struct connection *connection, struct arena *arena,
                         const struct progress *progress);
bool ledger_clear_progress(struct connection *connection, struct str name, struct arena *arena);

#endif
