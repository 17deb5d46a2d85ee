/* Rows to lines: CSV as the loads of wire/csv.h read it back, and NDJSON. */
#ifndef QUERN_WIRE_ENCODE_CSV_H
#define QUERN_WIRE_ENCODE_CSV_H

#include "orm/fetch/fetch.h"

/* The line of column names.  A row under select_related has its columns as role__name, to any depth; prefetched rows
 * are one column by their name. */
void encode_csv_header(const struct layout *layout, struct buf *out);
/* One row with its line's end.  NULL is empty, the empty text "".  Moments, numbers and the like are JSON's without
 * the quotes; JSON, arrays, hstores, ranges and prefetched rows are their JSON. */
void encode_csv_row(const struct fetched *fetched, size_t row, struct buf *out);
/* One row as JSON with a line's end behind it and none inside. */
void encode_ndjson_row(const struct fetched *fetched, size_t row, struct buf *out);

#endif
