/* Deleting rows with all that on_delete says about what refers to them.
 */
#ifndef QUERN_WRITE_DELETE_H
#define QUERN_WRITE_DELETE_H

#include "orm/write/write.h"
#include "orm/write/writing.h"

/* Whether something refers to the model so that a plain DELETE would not do. */
bool delete_needs_collecting(const struct model *model);
/* Waits.  Deletes the rows whose primary keys the statement selects (and locks); `n` counts the rows
 * of the model itself.  In the open transaction. */
bool delete_selected(struct writing *writing, const struct model *model,
                     const struct statement *keys, uint64_t *n);

#endif
