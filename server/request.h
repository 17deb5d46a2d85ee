/* A request as the handlers see it, and the reply they fill.
 *
 * server/http makes it from the socket and runs its handler as a task; handlers know
 * nothing of libmicrohttpd.
 */
#ifndef QUERN_SERVER_REQUEST_H
#define QUERN_SERVER_REQUEST_H

#include "config/settings.h"
#include "orm/db/db.h"
#include "orm/sql/plan.h"
#include "server/compress.h"

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_PATCH,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_QUERY,
	HTTP_OTHER,
};

/* How rows are answered. */
enum answer_form {
	FORM_UNJUDGED,
	FORM_JSON,   /* one document */
	FORM_NDJSON, /* a row a line */
	FORM_CSV,
};

struct metrics_set; /* server/metrics.h */
struct key_lookups; /* orm/fetch/key_lookup.h */
struct idempotency; /* server/idempotency.h */
struct shapes; /* orm/sql/shape.h */
struct flights; /* server/single_flight.h */
struct flight;

struct header {
	struct str name, value;
};

struct reply {
	int status; /* 200 unless changed */
	const char *content_type; /* application/json unless changed; "" for no body */
	struct buf body;
	struct header headers[12];
	size_t nheaders;
	size_t nsent; /* headers that went out with the head; those behind them are trailers */
	bool is_begun; /* a part was sent: status and headers stand */
	/* Kept whole until the handler is done, at most so many bytes; 0: may be sent in parts. */
	size_t hold_max;
};

/* When a request's phases ended, by loop_clock(); 0: it had none.  The reply's Server-Timing. */
struct phases {
	uint64_t started; /* its first line was read */
	uint64_t parsed;  /* the question is known, as a value */
	uint64_t planned; /* and what is to be asked of the database */
};

struct request {
	struct arena *arena;
	const struct registry *registry;
	const struct settings *settings;
	struct db_session db;
	struct key_lookups *lookups; /* the worker's, of the first database */
	struct idempotency *idempotency; /* the worker's */
	struct shapes *shapes; /* the worker's; NULL: plans are not kept */
	struct flights *flights; /* the worker's; NULL: nothing is shared */
	struct flight *flight;   /* private to server/single_flight */
	const struct metrics_set *metrics; /* of all workers */
	struct db *const *dbs;       /* the worker's, in the order of settings->databases */
	struct error error;
	struct phases phases;
	struct str id; /* request id */
	enum http_method method;
	struct str method_text;
	struct str path;   /* as sent, percent-encoded, without the query string */
	struct str params; /* behind "?", percent-encoded; p == NULL when there is no "?" */
	struct str body;
	bool is_upload; /* the body streams: request_read() */
	bool is_taken;  /* its handler has begun to read it, and cannot begin again */
	const struct value *value; /* the body of an operation of a batch, in place of `body`; NULL: none */
	struct str content_type, accept, if_none_match, if_match, idempotency_key;

	/* Filled by server/route. */
	const struct model *model;   /* whose rows are asked for or written */
	struct plan_scope scope;
	bool has_scope;
	struct str method_name;      /* "count"; p == NULL at a plain address */
	unsigned route;              /* the kind of address; 0: none was found */

	struct coding_wish wish; /* by Accept-Encoding */
	enum answer_form form; /* chosen by accept_rows() */
	struct reply reply;
	void *stream; /* private to server/http */
};

/* A handler fills the reply, or returns false with request->error set; it may wait. */
typedef bool (*handler_fn)(struct request *request);

/* Rows as a body may stream them; by its Content-Type. */
enum rows_form { ROWS_NONE, ROWS_CSV, ROWS_NDJSON };
enum rows_form media_rows(struct str content_type);
/* Of an upload: the next piece of the body (*piece is valid until the next call), with n == 0 at its end.
 * Waits.  False (with the error set) when the client is gone, or sends more than it may. */
bool request_read(struct request *request, struct str *piece);

/* Sends what reply.body holds and empties it: the reply becomes a streamed one (chunked).
 * Waits while the client is slower than we are.  False (with the error set) when the client is
 * gone.  Call it when body.n passes REPLY_CHUNK.  A reply that is held is sent when all is done: then
 * this only judges its length. */
#define REPLY_CHUNK (64 * 1024)
bool reply_flush(struct request *request);
/* Once the reply is begun: a trailer. */
void reply_header(struct request *request, struct str name, struct str value);
/* The error of a reply that is longer than reply.hold_max. */
bool reply_too_long(struct request *request);

#endif
