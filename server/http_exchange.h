/* One request and its reply, and the connection it came on: what the http_*.c files share.
 *
 * An exchange begins when a request line has been read and ends when both its task has ended and
 * libmicrohttpd has said that it is done with the request.  Whichever comes last frees it, so
 * neither can meet a freed one:
 *
 *	HEAD --gate--> BODY --all read--> RUNNING --first bytes of a reply--> REPLYING
 *	  |\--refused------------------------------------------------------------^
 *	  `--an upload--> UPLOAD --all read--> RUNNING
 *
 * The task of an upload (a body that streams, http_upload.c) runs while its body comes.
 * While its task waits (RUNNING) a connection is parked, and after a while suspended; see
 * http_wait.c.  A stream without data to send (REPLYING) is suspended.  Invariant: a suspended
 * connection is always resumed before its exchange ends, because libmicrohttpd says nothing about
 * it meanwhile; a parked one may end at any time.
 */
#ifndef QUERN_SERVER_HTTP_EXCHANGE_H
#define QUERN_SERVER_HTTP_EXCHANGE_H

#include "orm/base/task.h"
#include "server/compress.h"
#include "server/http_gate.h"
#include "server/request.h"
#include "server/worker.h"

#include <microhttpd.h>

enum phase { PHASE_HEAD, PHASE_BODY, PHASE_UPLOAD, PHASE_RUNNING, PHASE_REPLYING };

/* A connection: the same for all its requests. */
struct client {
	struct client *prev, *next; /* in http->clients */
	int fd;
	/* loop_now() time after which it is shut down; 0: it has all the time, a request runs. */
	uint64_t deadline;
	bool is_idle; /* between requests */
	/* While a reply is sent: what the client had taken when it was last looked at. */
	bool is_writing;
	uint64_t taken;
	struct exchange *exchange;
};

struct exchange {
	struct request request;
	struct http *http;
	struct client *client;
	struct MHD_Connection *connection; /* NULL once libmicrohttpd is done with it */
	struct exchange *next_free;
	enum phase phase;
	struct gate gate;
	struct worker_era *era; /* whose models it sees; NULL before its task */
	bool must_close;   /* `Connection: close` */
	bool is_too_large; /* the body is read and dropped; 413 */
	bool has_task;     /* between task_start() and the task's end */
	bool is_queued;    /* the reply is the library's */
	bool is_parked, is_overdue, is_suspended;
	bool is_gone; /* the client went away before its reply was whole */
	/* A streamed reply: what the task has flushed and the socket has not yet taken. */
	bool is_streamed, is_stream_done, is_stream_broken;
	bool is_head_satisfied; /* HEAD: the head is sent, the rest is not wanted */
	struct buf stream;
	size_t stream_at;
	struct encoder *encoder; /* of a stream; NULL: it goes as it is */
	const char *coding;      /* Content-Encoding; NULL: none */
	bool is_varied;          /* another client might get another coding of it */
	struct MHD_Response *response; /* of a stream, ours until the exchange ends */
	struct task *waits_for_room; /* or, in an upload, for more of the body */
	struct loop_work room;       /* continues that task */
	/* An upload: what came goes to `incoming`; the task has what it took in `body`. */
	struct buf incoming;
	bool is_whole;    /* all of it has come */
	bool is_unwanted; /* the task has ended: what still comes is dropped */
	/* While parked: in http->parked, in the order they came. */
	struct exchange *park_prev, *park_next;
	uint64_t parked_at;
	struct loop_watch hangup; /* while suspended */
	struct buf body;
	struct str uri;
	uint64_t received; /* bytes of the request's body */
	/* Looks in a row at which more of it lay there and none had been taken since the last; `received` at that one. */
	unsigned nstuck;
	uint64_t seen;
	size_t body_most;  /* that it may have */
	uint64_t sent;     /* bytes of the reply's body */
	char id[32];
};

struct http {
	struct worker *worker;
	struct loop *loop;
	struct MHD_Daemon *daemon;
	struct loop_watch watch; /* the daemon's epoll descriptor */
	struct loop_work work;   /* runs the daemon at the end of a turn */
	struct gate_limits limits;
	struct client *clients;
	size_t nclients;
	size_t nrunning;       /* tasks that have not ended */
	struct exchange *free; /* kept for the next request */
	size_t nfree;
	struct encoders encoders; /* idle ones */
	bool has_more; /* the daemon must run again */
	struct exchange *parked, *parked_last;
	size_t nparked;
	struct loop_timer sweep;   /* deadlines */
	struct loop_timer overdue; /* runs while a connection is parked */
	struct loop_timer nudge;   /* see run_daemon() */
	bool has_progressed;       /* something was done that the library goes on with at once */
	unsigned nbarren;          /* turns since it had progressed or something came */
	bool is_stopping;
	uint64_t stop_at; /* drain deadline */
	uint64_t stop_began;
	uint32_t id_prefix, id_count;
};

/* http.c: runs the daemon at the end of this turn. */
void http_poke(struct http *http);
/* Ends the loop when nothing is left to do for a server that stops. */
void http_check_stopped(struct http *http);

/* http_exchange.c.  NULL without memory. */
struct exchange *exchange_new(struct http *http, struct client *client);
void exchange_free(struct exchange *exchange);
/* Gives it back when neither its task nor the library has it any more. */
void exchange_settle(struct exchange *exchange);
/* Runs the request as a task; it is parked when the task waits. */
enum MHD_Result exchange_start(struct exchange *exchange);
/* The same without a body as yet; !has_task afterwards: it has ended already. */
void exchange_start_upload(struct exchange *exchange);

/* http_request.c: the library's access handler. */
enum MHD_Result request_take(void *cls, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *data,
                             size_t *data_n, void **context);

/* http_upload.c */
bool upload_is_one(const struct exchange *exchange, const struct gate_verdict *verdict);
enum MHD_Result upload_begin(struct exchange *exchange, const struct gate_verdict *verdict);
/* n == 0: the body has ended.  *left: what is to be given again. */
enum MHD_Result upload_take(struct exchange *exchange, const char *data, size_t n, size_t *left);
/* The reply is there before the body's end. */
void upload_drop(struct exchange *exchange);

/* http_reply.c.  Queues the reply as it stands; false when the library refuses. */
bool reply_queue(struct exchange *exchange);
/* The task has ended; !is_whole: a part was sent and the rest cannot be. */
void reply_finish(struct exchange *exchange, bool is_whole);
/* The connection under the exchange is lost: the task is told. */
void reply_abandon(struct exchange *exchange);

/* http_compress.c: replies into the coding that the client takes.  A whole one may wait, between its pieces. */
void compress_whole(struct exchange *exchange);
/* A stream: before its head goes; what is flushed of it; its end, however it came. */
void compress_begin(struct exchange *exchange);
void compress_part(struct exchange *exchange, bool is_last);
void compress_drop(struct exchange *exchange);

/* http_wait.c: connections whose request waits. */
void wait_setup(struct http *http);
void wait_park(struct exchange *exchange);
void wait_unpark(struct exchange *exchange); /* nothing when it is not parked */
/* Is told when the client hangs up. */
void wait_watch(struct exchange *exchange);
void wait_unwatch(struct exchange *exchange);
/* From the library's callbacks alone. */
void wait_suspend(struct exchange *exchange);
void wait_resume(struct exchange *exchange);

/* http_clock.c: deadlines of connections. */
void clock_setup(struct http *http);
void clock_allow(struct exchange *exchange, unsigned ms); /* from now */
/* Bytes of the body, or of an upload's, have come: they earn the time that a slow but honest client needs for as many. */
void clock_body(struct exchange *exchange, size_t n);
void clock_upload(struct exchange *exchange, size_t n);
/* From now the client must take what is sent, at a least rate. */
void clock_write(struct exchange *exchange);
void clock_welcome(struct http *http, struct client *client);
void clock_farewell(struct http *http, struct client *client);
void clock_stop(struct http *http, bool now);

/* http_log.c: counts a request that has ended, and writes its line. */
void log_exchange(const struct exchange *exchange);

#endif
