/* JSON text to struct value, by jansson, within limits; and where in a text a pointer lies.
 */
#ifndef QUERN_WIRE_JSON_H
#define QUERN_WIRE_JSON_H

#include "orm/base/error.h"

struct json_limits {
	size_t bytes;   /* ERROR_TOO_LARGE beyond */
	unsigned depth; /* ERROR_BAD_REQUEST beyond */
	unsigned nodes; /* likewise; counted before jansson builds anything */
};

/* Any JSON document.  Errors in words with line and column: not JSON, too deep, too many nodes, an
 * integer out of int64's range, invalid UTF-8, NUL in text, a duplicate key. */
bool json_read(struct arena *arena, struct str text, const struct json_limits *limits,
               const struct value **value, struct error *error);
/* The same; on an error *place says where, and the words do not repeat it. */
struct json_place {
	unsigned line, column; /* from 1, in code points */
};
bool json_read_placed(struct arena *arena, struct str text, const struct json_limits *limits,
                      const struct value **value, struct json_place *place, struct error *error);
/* Line and column (from 1, in code points) of the value at pos in a text that json_read has read; of the
 * member's name when the parent is an object. */
void json_locate(struct str text, const struct pos *pos, unsigned *line, unsigned *column);
/* To be called once before threads start: seeds jansson's hash. */
void json_setup(void);

#endif
