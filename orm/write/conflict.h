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

#endif
