/* unique_for_date, unique_for_month, unique_for_year: a field whose value may stand once a date.
 *
 * Django asks before it saves, and two who ask at the same time both save.  Here a unique index
 * judges: over the field and the part of the date that counts, a moment's in UTC.  As Django has it, a
 * month is the month of any year.
 */
#ifndef QUERN_MODEL_UNIQUE_FOR_H
#define QUERN_MODEL_UNIQUE_FOR_H

#include "orm/model/model.h"

enum unique_part { UNIQUE_DATE, UNIQUE_MONTH, UNIQUE_YEAR };

struct unique_for {
	enum unique_part part;
	const char *option;       /* "unique_for_date": Django's code, too */
	const char *word;         /* "date" */
	const struct field *date; /* the DateField or DateTimeField */
	struct str index;         /* the index's name */
};

/* What the field declares; returns how many. */
size_t unique_for_list(struct arena *arena, const struct field *field, struct unique_for list[3]);

#endif
