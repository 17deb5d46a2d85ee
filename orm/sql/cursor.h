/* Cursors as clients hold them: a position in an ordering, sealed so that only we can make one, and only the
 * query that it was made for can use it.
 *
 *   base64url( version, hash of the query (8 bytes), values, signature (16 bytes) )
 *
 * The signature covers all that stands before it and the whole hash of the query.  A value is its length + 1 as
 * a base-128 number and its text; a length of 0 is NULL.  No values at all: the first page (after) or the last
 * one (before).  Values can be read by whoever has the cursor; they are the row's own.
 */
#ifndef QUERN_SQL_CURSOR_H
#define QUERN_SQL_CURSOR_H

#include "orm/base/error.h"
#include "orm/base/sign.h"
#include "orm/sql/statement.h"

struct cursor_seal {
	struct str secret;
	unsigned char query[HMAC_BYTES];
};

/* The seal of a statement, its values included. */
void cursor_seal_init(struct cursor_seal *seal, struct str secret, const struct statement *statement);
/* values[i].p == NULL is NULL. */
struct str cursor_write(struct arena *arena, const struct cursor_seal *seal, const struct str *values, size_t n);
/* ERROR_VALUE at `pos` for what we did not make, or made for another query.  Values are ended by NUL. */
bool cursor_read(struct arena *arena, const struct cursor_seal *seal, struct str text, const struct pos *pos,
                 const struct str **values, size_t *n, struct error *error);

#endif
