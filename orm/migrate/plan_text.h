/* Steps for a person to read: a script with remarks. */
#ifndef QUERN_MIGRATE_PLAN_TEXT_H
#define QUERN_MIGRATE_PLAN_TEXT_H

#include "orm/migrate/run_steps.h"

/* Adds the migration's steps with what each locks, whether it writes the table again or reads it
 * all, and about how many rows there are. */
bool plan_text(struct connection *connection, struct arena *arena, struct str name,
               bool is_backward, const struct steps *steps, struct buf *out);
/* The SQL alone, in transactions as it is run. */
struct str steps_script(struct arena *arena, const struct steps *steps);
/* Puts the migration's name before the error's words. */
void error_set_migration(struct error *error, struct arena *arena, struct str name);

#endif
