/* Lines of NDJSON out of chunks of bytes: one JSON document a line, ended by LF (a CR in front of it is
 * white space to JSON), the last one also by the text's end; lines of white space alone are passed over.
 * What stands in a line is for json_read() to judge.  Bounded: a line has at most so many bytes.
 */
#ifndef QUERN_WIRE_NDJSON_H
#define QUERN_WIRE_NDJSON_H

#include "orm/base/buf.h"

struct ndjson {
	size_t max_bytes; /* of a line */
	struct buf kept;  /* the beginning of a line, of former chunks */
	bool is_given;    /* `kept` was handed out: the next call forgets it */
	uint64_t line;    /* of the one handed out last, from 1 */
};

enum ndjson_result { NDJSON_MORE, NDJSON_LINE, NDJSON_TOO_LONG, NDJSON_END };

void ndjson_init(struct ndjson *ndjson, size_t max_bytes);
void ndjson_release(struct ndjson *ndjson);
/* Goes on to the next line, valid until the next call or as long as the chunk; *chunk becomes what is not yet
 * used.  A chunk with p == NULL says that the text has ended.  After NDJSON_TOO_LONG (line number
 * ndjson->line) the reader is not to be used any more. */
enum ndjson_result ndjson_next(struct ndjson *ndjson, struct str *chunk, struct str *line);

#endif
