/* Questions about a date's parts, asked as bounds of its column, which an index can serve.
 *
 * created_at__year = 2026 is created_at >= January 1st AND created_at < the next; a month, and a day, beside a year
 * narrow these bounds; created_at__date is a day's.  Literals alone; anything else stays EXTRACT.  Months, days and
 * dates of moments in UTC alone: elsewhere a clock that is set back at midnight sees a day in two pieces.
 */
#ifndef QUERN_QUERY_CALENDAR_H
#define QUERN_QUERY_CALENDAR_H

#include "orm/query/scope.h"

/* `left` is the call that takes the part, `right` a literal.  False: it stays as it is. */
bool calendar_lookup(struct scope *scope, const struct lookup *lookup, const struct rexpr *left,
                     const struct rexpr *right, const struct rcond **out);
/* Whether the left side is such a part: what becomes of the question hangs on the value. */
bool calendar_takes(const struct rexpr *left);
/* Among conditions that hold together: a year takes its month, and its day, with it.  Returns how many are left. */
size_t calendar_narrow(struct scope *scope, const struct rcond **conds, size_t n);

#endif
