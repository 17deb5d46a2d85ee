/* Changing one row that is there, with the related rows that are written along. */
#ifndef QUERN_WRITE_ROW_CHANGE_H
#define QUERN_WRITE_ROW_CHANGE_H

#include "orm/write/assign.h"
#include "orm/write/nested.h"

struct row_change {
	struct writing *writing;
	const struct model *model;
	struct assigning assigning;
	struct row_nested members;
	struct nest nest;
};

/* Reads a set; asks no database, adds violations to `validation`. */
bool row_change_read(struct row_change *change, struct writing *writing, const struct model *model,
                     enum assign_mode mode, struct validation *validation, const struct value *set);
bool row_change_is_nested(const struct row_change *change);
/* Waits; in a transaction where the change is nested.  Changes the one row of the scope that the query selects
 * (NULL: any) and answers all its columns; written->nrows is 0 when there is none. */
bool row_change_run(struct row_change *change, const struct plan_scope *scope,
                    const struct query *query, struct written *written);

#endif
