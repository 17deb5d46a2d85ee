/* Running INSERTs: any number of rows, one statement a shape. */
#ifndef QUERN_WRITE_INSERT_ROWS_H
#define QUERN_WRITE_INSERT_ROWS_H

#include "orm/write/insert.h"
#include "orm/write/write.h"
#include "orm/write/writing.h"

/* Waits.  All in one segment: one implicit transaction where none is open.  `written` (n of them): the rows
 * as they stand then.  With INSERT_SKIPS rows that were there are left out, and which ones is not known:
 * those written come in the order of the objects, the rest has batch NULL.  So have as many as a trigger of the
 * table kept from being written, whatever the conflict.  `most`: rows a statement.
 * `returning` NULL: every column. */
bool insert_rows(struct writing *writing, const struct model *model, const struct row *rows,
                 size_t n, const struct conflict *conflict, const struct returning *returning,
                 size_t most, struct written_row *written);
/* False with an error: a trigger or a rule of the table kept some of the n rows back. */
bool insert_took_all(struct writing *writing, const struct model *model,
                     const struct written_row *written, size_t n);
/* A column of a whole row as it stands. */
struct str written_cell(const struct model *model, const struct written_row *row,
                        const struct field *field);

#endif
