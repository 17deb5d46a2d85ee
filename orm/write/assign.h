/* The `set` object of an update read as assignments: literals validated as in create,
 * expressions as they are.
 */
#ifndef QUERN_WRITE_ASSIGN_H
#define QUERN_WRITE_ASSIGN_H

#include "orm/write/row.h"

enum assign_mode {
	ASSIGN_UPDATE, /* QuerySet.update(): what is given */
	ASSIGN_SAVE,   /* PATCH of one row: and auto_now, as save() does */
	ASSIGN_WHOLE,  /* PUT of one row: and every other field by its default */
};

struct assignments {
	struct assignment *items;
	size_t n, cap;
};

/* Waits where a value names a row by lookups. */
bool assignments_read(struct writing *writing, const struct model *model, enum assign_mode mode,
                      const struct value *set, struct assignments *assignments);

#endif
