/* Entity tags (RFC 9110, 8.8.3 and 13.1): what a reply's body is called, and what a condition says of it.
 *
 * A tag is strong: a digest of the body's bytes, the same from every server and after every start.  A body that is
 * sent compressed has the plain one's tag with the coding behind it (RFC 9110, 8.8.3.3); conditions take either.
 */
#ifndef QUERN_SERVER_ETAG_H
#define QUERN_SERVER_ETAG_H

#include "server/request.h"

/* `"…"`, with its quotes. */
struct str etag_of(struct arena *arena, struct str body);
/* Adds the ETag header for a body; the whole reply's, or the part of it that is the row. */
void etag_add(struct request *request, struct str body);

enum etag_verdict {
	ETAG_NAMED,     /* `*`, or one of the tags */
	ETAG_NOT_NAMED,
	ETAG_MALFORMED, /* no list of quoted tags */
};

/* What the field of an If-Match says of a tag: weak tags (W/"…") never name it. */
enum etag_verdict etag_strong(struct str field, struct str tag);
/* The same for If-None-Match, where W/"x" names "x". */
enum etag_verdict etag_weak(struct str field, struct str tag);

/* GET and HEAD, once the reply is made: its ETag, and 304 in its place where If-None-Match names it, or
 * ERROR_PRECONDITION where an If-Match does not.  A reply that is sent in parts is left alone. */
bool etag_finish_read(struct request *request);

#endif
