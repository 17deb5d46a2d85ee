/* The statements of a delete, each over any number of keys in array parameters. */
#ifndef QUERN_WRITE_DELETE_SQL_H
#define QUERN_WRITE_DELETE_SQL_H

#include "orm/sql/writer.h"
#include "orm/write/collector.h"

/* DELETE FROM model WHERE pk IN (what the statement selects). */
void delete_sql_selected(struct arena *arena, const struct model *model,
                         const struct statement *keys, struct statement *statement);
/* DELETE FROM model WHERE pk = ANY(keys). */
void delete_sql_keys(struct arena *arena, const struct key_list *keys, struct statement *statement);
/* The primary keys of the rows that refer to the step's rows, locked. */
void delete_sql_referring(struct arena *arena, const struct relation *relation,
                          const struct collect_step *step, struct statement *statement);
/* DELETE of the rows that refer to the action's rows. */
void delete_sql_fast(struct arena *arena, const struct collect_action *action,
                     struct statement *statement);
/* UPDATE of their foreign keys to the value (p == NULL: NULL). */
void delete_sql_update(struct arena *arena, const struct collect_action *action, struct str value,
                       struct statement *statement);

#endif
