/* What bulk_create does with rows that are there already: its options, by Django's rules.
 */
#ifndef QUERN_WRITE_CONFLICT_H
#define QUERN_WRITE_CONFLICT_H

#include "orm/write/insert.h"
#include "orm/write/writing.h"

/* ignore_conflicts, update_conflicts, unique_fields, update_fields and batch_size of the body. */
bool conflict_read(struct writing *writing, const struct model *model, const struct value *body,
                   struct conflict *conflict, size_t *batch_size);
/* With INSERT_UPDATES: no two rows may have the same unique_fields, since the second would
 * update what the first has just written; ERROR_VALUE at the second. */
bool conflict_is_once(struct writing *writing, const struct conflict *conflict,
                      const struct row *rows, size_t n);
/* With INSERT_UPDATES the order in which the rows are to be written: by their unique fields, so that two writes of
 * the same rows do not wait for each other; else NULL: as they are. */
const size_t *conflict_order(struct arena *arena, const struct conflict *conflict,
                             const struct row *rows, size_t n);
/* A query that gives a row while some row keeps this one out and the lookup finds none: one that has the same values
 * in all fields of an unconditional unique constraint.  One snapshot answers for both.  False when the database
 * alone knows the values. */
bool conflict_find(struct arena *arena, const struct model *model, const struct row *row,
                   const struct statement *lookup, struct statement *statement);

#endif
