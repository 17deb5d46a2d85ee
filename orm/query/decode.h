/* From literals to the query tree: knows the words of PROTOCOL sections 3, 4, 5 and
 * the shape each value must have, no model.  Errors: ERROR_BAD_REQUEST for unknown
 * clauses and wrong nesting (with the nearest valid word), ERROR_VALUE for a wrong
 * kind of value, always with the place.
 */
#ifndef QUERN_QUERY_DECODE_H
#define QUERN_QUERY_DECODE_H

#include "orm/base/error.h"
#include "orm/query/tree.h"

/* Decodes a query body: an object of clauses, {"query": […], own members…}, or an array of clause
 * objects.  Members named in `own` (a method's own, ended by NULL; may be NULL) are left to the
 * caller. */
bool decode_query(struct arena *arena, const struct value *body, const char *const *own,
                  const struct query **query, struct error *error);
/* A query nested in another: must name its "model" when needs_model. */
bool decode_nested_query(struct arena *arena, const struct value *value, bool needs_model,
                         const struct query **query, struct error *error);
bool decode_cond(struct arena *arena, const struct value *value, const struct cond **cond,
                 struct error *error);
/* An expression in expression position: a bare string is a path. */
bool decode_expr(struct arena *arena, const struct value *value, const struct expr **expr,
                 struct error *error);
/* A right side, in value position: a bare string is a literal. */
bool decode_operand(struct arena *arena, const struct value *value, struct operand *operand,
                    struct error *error);
bool decode_named_exprs(struct arena *arena, const struct value *value,
                        const struct named_expr **list, size_t *n, struct error *error);
bool decode_order(struct arena *arena, const struct value *list, const struct order **order,
                  size_t *n, struct error *error);
/* "a__b__c" cut into parts. */
struct path path_make(struct arena *arena, struct str text, const struct pos *pos);
/* An object with exactly one member whose name is an expression's: capital or sign. */
bool value_is_expression(const struct value *value);

/* The trees as one line of text, for logs, tests and a person between two arrows. */
void query_dump(const struct query *query, struct buf *out);
void cond_dump(const struct cond *cond, struct buf *out);
void expr_dump(const struct expr *expr, struct buf *out);
void operand_dump(const struct operand *operand, struct buf *out);
void order_dump(const struct order *order, size_t n, struct buf *out);

#endif
