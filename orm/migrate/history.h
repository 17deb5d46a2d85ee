/* What was applied to a database, kept in it: the table quern_migrations, one row for each
 * migration, the newest holding the whole state. */
#ifndef QUERN_MIGRATE_HISTORY_H
#define QUERN_MIGRATE_HISTORY_H

#include "orm/migrate/connection.h"
#include "orm/migrate/schema.h"
#include "orm/migrate/state.h"

struct history {
	bool has_table;
	struct str checksum; /* of the newest row; "" when there is none */
	struct state state;  /* recorded by it */
};

/* Reads the newest row, if any. */
bool history_load(struct connection *connection, struct arena *arena, struct history *history);

/* MD5 of a state as JSON: tells an unchanged state from a changed one. */
struct str history_checksum(struct arena *arena, struct str state_json);

/* Adds the statements that record a state: the table where there is none, then a row. */
void history_record(struct schema *schema, const struct history *history, struct str state_json);

#endif
