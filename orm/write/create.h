/* Making one row inside a larger write. */
#ifndef QUERN_WRITE_CREATE_H
#define QUERN_WRITE_CREATE_H

#include "orm/write/insert.h"
#include "orm/write/link.h"
#include "orm/write/write.h"

/* Waits.  As write_create() of one object, `through_defaults` (may be NULL) beside it; `skips`: a row that is
 * there already makes written->nrows 0.  *made: what was to be inserted. */
bool create_object(struct writing *writing, const struct model *model,
                   const struct plan_scope *scope, const struct value *object,
                   const struct value *through_defaults, bool skips, const struct row **made,
                   struct written *written);

#endif
