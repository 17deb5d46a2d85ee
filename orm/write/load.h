/* Many rows of one model, one after another, in constant memory: the rows of a CSV or NDJSON body.
 *
 * Rows are read and validated as create's.  They go into COPY where nothing forbids it; where a conflict rule, a
 * lookup in place of a key, a nested row, an order within siblings or the table itself (a view, row
 * security) does, into bulk_create batch by batch.  Either way in one transaction: all rows or none.
 * After the first row that is not valid nothing more is sent, and the rest is only validated, so that
 * several mistakes are told at once.
 */
#ifndef QUERN_WRITE_LOAD_H
#define QUERN_WRITE_LOAD_H

#include "orm/write/options.h"
#include "orm/write/write.h"

struct load;

/* Waits.  `members` (an object, or NULL) are those of bulk_create's body beside "objects".  The load ends with the
 * session's arena. */
bool load_begin(struct db_session *session, const struct model *model,
                const struct plan_scope *scope, const struct write_options *options,
                const struct value *members, struct load **load, struct error *error);
/* Where the next row's value may lie: reset by load_row(). */
struct arena *load_arena(struct load *load);
/* Waits now and then.  The row's places (pos) are seen from the row itself; `line` is where it begins.  False:
 * nothing more is to be read; the error is set. */
bool load_row(struct load *load, const struct value *object, uint64_t line);
/* The fields that a header line names; ERROR_FIELD with the nearest name. */
bool load_names(struct load *load, const struct str *names, size_t n, const struct field **fields);
/* The error that is set stands for a line that cannot be read; false. */
bool load_refuse(struct load *load, uint64_t line);
/* A mistake that was found before there was a value, of a field or (NULL) of a whole row, which is not loaded. */
bool load_violate(struct load *load, const struct field *field, uint64_t line, struct str code,
                  struct str message);
/* Waits.  Sends the rest and commits, or says what was wrong. */
bool load_finish(struct load *load, uint64_t *created);
/* Waits.  The transaction is rolled back; right at any time. */
void load_abandon(struct load *load);

#endif
