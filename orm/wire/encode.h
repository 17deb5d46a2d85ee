/* Rows to text, straight from the result: JSON without a tree between. */
#ifndef QUERN_WIRE_ENCODE_H
#define QUERN_WIRE_ENCODE_H

#include "orm/fetch/fetch.h"

/* One row as the plan's form says (object, array or scalar). */
void encode_row(const struct fetched *fetched, size_t row, struct buf *out);
/* The rows separated by commas, no brackets. */
void encode_rows(const struct fetched *fetched, struct buf *out);
/* One object by layout, from a bare result (aggregate, RETURNING). */
void encode_object(const struct layout *layout, const struct db_rows *rows, size_t row,
                   struct buf *out);
/* The prefetched rows of a row as an array, or the one of them as an object or null. */
void encode_slot(const struct fetched *fetched, unsigned slot, size_t row, struct buf *out);
/* One cell in its field's JSON form; NULL is null. */
void encode_cell(const struct field *field, struct str text, struct buf *out);

#endif
