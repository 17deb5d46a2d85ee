/* Expressions as values of a new row: {"Lower": {"Value": "X"}}, {"Subquery": …}.
 *
 * A new row has no columns yet that could be named, so F, OuterRef and aggregates are refused, as
 * Django refuses them.
 */
#ifndef QUERN_SQL_INSERT_VALUE_H
#define QUERN_SQL_INSERT_VALUE_H

#include "orm/base/error.h"
#include "orm/model/model.h"

struct rexpr; /* orm/query/select.h */
struct sql;   /* orm/sql/writer.h */

/* The expression, resolved for a column of `field`. */
bool insert_value_read(struct arena *arena, const struct field *field, const struct value *value,
                       const struct rexpr **expr, struct error *error);
/* Its text, into an INSERT under way. */
void insert_value_emit(struct sql *sql, const struct rexpr *expr);

#endif
