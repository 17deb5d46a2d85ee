/* The gate of the HTTP door: judges a request's first line and header fields before anything else
 * is done with it, so that what we answer and what a proxy before us saw cannot be two requests.
 *
 * libmicrohttpd 0.9.75 accepts much that RFC 9112 forbids (both framings at once, a blank before
 * the colon, several Host fields …).  What it shows us is judged here; what it hides (a folded
 * line glued to a name, NUL cutting a value, a bare LF) cannot be, which is why a server open to
 * the internet wants a normalising proxy in front.  Pure: knows no socket and no library.
 */
#ifndef QUERN_SERVER_HTTP_GATE_H
#define QUERN_SERVER_HTTP_GATE_H

#include "orm/base/str.h"

struct gate_limits {
	size_t url_bytes;
	size_t header_bytes; /* names and values of all fields */
	unsigned nheaders;
	bool is_local_only; /* Host must be a loopback name or an address: no DNS rebinding */
};

/* Filled by gate_header(), one field after another. */
struct gate {
	unsigned nheaders, nhosts, nlengths, nencodings, nconditions, nkeys;
	size_t header_bytes;
	const char *refusal; /* the first field that may not be; NULL: none so far */
	struct str host, content_length, transfer_encoding, expect, content_encoding, connection,
		origin;
	struct str content_type, accept, accept_encoding, if_none_match, if_match, idempotency_key;
};

struct gate_verdict {
	int status;          /* 0: let in */
	const char *detail;  /* for the client */
	uint64_t body_bytes; /* announced; 0 with a chunked body */
	bool has_body, is_chunked, wants_continue;
};

void gate_header(struct gate *gate, struct str name, struct str value);
/* `uri` as sent, with the query string; p == NULL when the library had none. */
struct gate_verdict gate_judge(const struct gate *gate, struct str method, struct str uri,
                               struct str version, const struct gate_limits *limits);

#endif
