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

/* A set while it is being read. */
struct assigning {
	struct writing *writing;
	const struct model *model;
	enum assign_mode mode;
	struct validation *validation;
	/* Takes what the set says of related rows (nested.h); NULL: it may say nothing of them. */
	struct row_nested *nested;
	struct assignments assignments;
	bool *is_given; /* by field->index */
	struct row row; /* CELL_FIND and CELL_NESTED cells of values that name rows */
	bool names_rows;
};

/* Asks no database; violations are added to `validation`. */
bool assigning_read(struct assigning *assigning, const struct value *set);
/* Waits.  Finds the rows that are named; the keys take the place of what named them, those of
 * CELL_NESTED cells too, which the caller has filled in `row` (assigning->row or a copy). */
bool assigning_find(struct assigning *assigning, struct row *row);
/* Both, and the verdict on the values.  Waits where a value names a row by lookups. */
bool assignments_read(struct writing *writing, const struct model *model, enum assign_mode mode,
                      const struct value *set, struct assignments *assignments);

#endif
