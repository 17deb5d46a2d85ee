/* PostgreSQL's texts that hold several values: arrays, hstores, ranges, intervals. */
#ifndef QUERN_WIRE_ENCODE_NESTED_H
#define QUERN_WIRE_ENCODE_NESTED_H

#include "orm/base/buf.h"
#include "orm/model/field_types.h"

/* {1,2,NULL} as [1,2,null]; elements by the field's base field, whatever the number of dimensions. */
void encode_array(const struct field *field, struct str text, struct buf *out);
/* "a"=>"1", "b"=>NULL as {"a":"1","b":null} */
void encode_hstore(struct str text, struct buf *out);
/* [1,10) as {"lower":1,"upper":10,"bounds":"[)","empty":false}; an infinite bound is null, the bounds of
 * an empty range too. */
void encode_range(const struct field *element, struct str text, struct buf *out);
/* An interval in PostgreSQL's ISO form, whose parts have a sign each, with one sign in front: what readers of
 * ISO 8601 take.  One with months or years, which have no fixed length, stays as it is. */
void encode_duration(struct str text, struct buf *out);

#endif
