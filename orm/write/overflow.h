/* A value that an expression made and its column cannot hold, said by field.  PostgreSQL does not name the
 * column, so those are named that the assignments may have meant. */
#ifndef QUERN_WRITE_OVERFLOW_H
#define QUERN_WRITE_OVERFLOW_H

#include "orm/sql/plan.h"

/* With an error for a text that is too long or a number out of range: fills error->fields, its place
 * where there is but one, and says what the column takes.  Anything else is left alone. */
void overflow_explain(const struct assignment *assigned, size_t n, struct error *error);

#endif
