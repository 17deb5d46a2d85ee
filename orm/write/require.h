/* `require`: how many rows a write must touch; it is rolled back otherwise. */
#ifndef QUERN_WRITE_REQUIRE_H
#define QUERN_WRITE_REQUIRE_H

#include "orm/base/error.h"

struct require {
	bool is_given;
	int64_t min, max; /* max -1: any number */
	const struct pos *pos;
};

/* {"rows": 1}, or {"min": 1, "max": 3} with either alone; in a query string a number of rows.  NULL: nothing is
 * required. */
bool require_read(const struct value *value, struct require *require, struct error *error);
/* ERROR_PRECONDITION, saying how many rows there were, when they are not as many as required.  To be asked inside
 * of the transaction, whose end it is. */
bool require_holds(const struct require *require, uint64_t nrows, struct error *error);

#endif
