/* Changes told to listeners: NOTIFY in the transaction of the change, for models that ask for it.
 *
 * A statement that changes such a model is sent with its notice inside it: no round trip more, one
 * notice a statement and kind of change, however many rows.  PostgreSQL delivers it at commit and never
 * otherwise.  Nothing is done, and nothing looked at twice, for other models.
 */
#ifndef QUERN_WRITE_NOTIFY_H
#define QUERN_WRITE_NOTIFY_H

#include "orm/db/db.h"

/* The statements as they are to be sent: the same array where nothing is told. */
const struct statement *notify_statements(struct arena *arena, const struct statement *statements,
                                          size_t n);
/* What was answered to those, as if the statements themselves had been sent: rows[i].affected and,
 * where a statement answers no rows, none.  Columns of ours stand behind the statement's own. */
void notify_settle(const struct statement *statements, const struct statement *sent, size_t n,
                   struct db_rows *rows);
/* The notice of rows that came in by COPY: their number, no keys.  For models with a channel. */
void notify_loaded(struct arena *arena, const struct model *model, uint64_t n,
                   struct statement *statement);

#endif
