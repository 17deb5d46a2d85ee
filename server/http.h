/* HTTP for one worker: libmicrohttpd driven by the worker's loop.
 *
 * Takes requests off the sockets, runs each as a task, sends replies.  Knows nothing of models and
 * queries: serve_request() (server/serve.h) makes the reply.  All calls from the worker's thread.
 */
#ifndef QUERN_SERVER_HTTP_H
#define QUERN_SERVER_HTTP_H

#include "server/worker.h"

struct http;

/* Takes over worker->listen_fd.  NULL with errno. */
struct http *http_new(struct worker *worker);
/* Stops accepting, has replies say `Connection: close`, ends the loop when the last connection is
 * gone or the drain deadline has passed; `now`: the deadline is now. */
void http_stop(struct http *http, bool now);
/* Whether no request is running, and so no connection held up by one. */
bool http_is_idle(const struct http *http);
/* What it does now. */
struct http_stats {
	size_t clients; /* connections */
	size_t running; /* requests whose handler has not ended */
	size_t parked;  /* of these, whose connection waits in the library */
};
void http_stats(const struct http *http, struct http_stats *stats);
/* Only when idle. */
void http_free(struct http *http);

#endif
