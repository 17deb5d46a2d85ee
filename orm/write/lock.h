/* A row that is compared before it is written. */
#ifndef QUERN_WRITE_LOCK_H
#define QUERN_WRITE_LOCK_H

#include "orm/db/db.h"
#include "orm/sql/plan.h"

/* A row of all columns, in the order of `layout`. */
struct locked_row {
	struct layout layout;
	struct db_rows rows;
};

/* Waits.  The row (scope->pk) as it stands, locked until the end of the session's transaction, which is
 * open; ERROR_DOES_NOT_EXIST when there is none. */
bool write_lock_row(struct db_session *session, const struct model *model,
                    const struct plan_scope *scope, struct locked_row *row, struct error *error);

#endif
