/* An exchange from the pool and back, and its task in between. */
#include "server/http_exchange.h"

#include "server/serve.h"

#include <stdlib.h>

/* Buffers larger than this are not kept for the next request. */
#define KEEP_BYTES (256u << 10)
#define KEEP_EXCHANGES 1024

static void keep_buf(struct buf *buf)
{
	if (buf->cap > KEEP_BYTES)
		buf_release(buf);
	buf_clear(buf);
}

static void name_exchange(struct exchange *exchange)
{
	static const char digits[] = "0123456789abcdef";
	struct http *http = exchange->http;
	uint64_t number = (uint64_t)http->id_prefix << 32 | ++http->id_count;

	for (size_t i = 16; i-- > 0; number >>= 4)
		exchange->id[i] = digits[number & 15];
	exchange->request.id = (struct str){exchange->id, 16};
}

static void continue_task(struct loop_work *work);

struct exchange *exchange_new(struct http *http, struct client *client)
{
	struct exchange *exchange = http->free;
	struct buf body = {0}, stream = {0}, reply = {0}, incoming = {0};
	struct arena *arena;

	if (exchange) {
		http->free = exchange->next_free;
		http->nfree--;
		body = exchange->body;
		stream = exchange->stream;
		incoming = exchange->incoming;
		reply = exchange->request.reply.body;
		arena = exchange->request.arena;
	} else {
		exchange = malloc(sizeof *exchange);
		if (!exchange)
			return NULL;
		arena = arena_new();
	}
	*exchange = (struct exchange){
		.http = http,
		.client = client,
		.body = body,
		.stream = stream,
		.incoming = incoming,
		.request.arena = arena,
		.request.reply.body = reply,
		.room.run = continue_task,
		.hangup.fd = -1,
		.request.phases.started = loop_clock(),
	};
	name_exchange(exchange);
	return exchange;
}

void exchange_free(struct exchange *exchange)
{
	arena_free(exchange->request.arena);
	buf_release(&exchange->body);
	buf_release(&exchange->stream);
	buf_release(&exchange->incoming);
	buf_release(&exchange->request.reply.body);
	free(exchange);
}

static void exchange_keep(struct exchange *exchange)
{
	struct http *http = exchange->http;

	if (http->nfree >= KEEP_EXCHANGES) {
		exchange_free(exchange);
		return;
	}
	arena_reset(exchange->request.arena);
	keep_buf(&exchange->body);
	keep_buf(&exchange->stream);
	keep_buf(&exchange->incoming);
	keep_buf(&exchange->request.reply.body);
	exchange->next_free = http->free;
	http->free = exchange;
	http->nfree++;
}

void exchange_settle(struct exchange *exchange)
{
	if (exchange->has_task || exchange->connection)
		return;
	log_exchange(exchange);
	if (exchange->response)
		MHD_destroy_response(exchange->response);
	compress_drop(exchange);
	loop_undefer(exchange->http->loop, &exchange->room);
	if (exchange->era)
		worker_era_leave(&exchange->http->worker->eras, exchange->era);
	exchange_keep(exchange);
}

/* Running. */

static void continue_task(struct loop_work *work)
{
	struct exchange *exchange = (struct exchange *)((char *)work - offsetof(struct exchange, room));
	struct task *task = exchange->waits_for_room;

	if (!task)
		return;
	exchange->waits_for_room = NULL;
	task_resume(task);
}

static void run_exchange(void *arg)
{
	struct exchange *exchange = arg;
	struct http *http = exchange->http;
	bool is_whole = serve_request(&exchange->request);

	if (!exchange->is_streamed)
		compress_whole(exchange);
	exchange->has_task = false;
	http->nrunning--;
	reply_finish(exchange, is_whole);
	exchange_settle(exchange);
	http_check_stopped(http);
}

static void prepare_request(struct exchange *exchange)
{
	struct request *request = &exchange->request;
	struct worker *worker = exchange->http->worker;
	struct str path = exchange->uri, params = exchange->uri;

	path = str_cut(&params, STR("?"));
	exchange->era = worker_era_enter(&worker->eras);
	request->registry = exchange->era->era->registry;
	request->settings = worker->setup->settings;
	request->path = path;
	request->params = params;
	request->body = buf_str(&exchange->body);
	request->content_type = exchange->gate.content_type;
	request->accept = exchange->gate.accept;
	request->wish = coding_choose(exchange->gate.accept_encoding, request->settings->compress_above != 0);
	request->if_none_match = exchange->gate.if_none_match;
	request->if_match = exchange->gate.if_match;
	request->idempotency_key = exchange->gate.idempotency_key;
	request->reply.status = 200;
	request->reply.content_type = "application/json";
	request->stream = exchange;
	request->phases.parsed = loop_clock();
	error_init(&request->error, request->arena);
	db_session_init(&request->db, worker->dbs[0], request->arena);
	request->lookups = exchange->era->lookups;
	request->shapes = exchange->era->shapes;
	request->flights = exchange->era->flights;
	request->idempotency = &worker->idempotency;
	request->dbs = worker->dbs;
	request->metrics = &worker->setup->metrics;
	if (exchange->is_too_large)
		error_set_nowhere(&request->error, ERROR_TOO_LARGE,
		                  "The body is longer than the %zu bytes that this server takes.",
		                  exchange->body_most);
}

static void start(struct exchange *exchange, enum phase phase)
{
	prepare_request(exchange);
	exchange->phase = phase;
	exchange->has_task = true;
	exchange->http->nrunning++;
	task_start(run_exchange, exchange);
}

void exchange_start_upload(struct exchange *exchange)
{
	exchange->request.is_upload = true;
	start(exchange, PHASE_UPLOAD);
}

enum MHD_Result exchange_start(struct exchange *exchange)
{
	exchange->client->deadline = 0;
	start(exchange, PHASE_RUNNING);
	if (exchange->phase == PHASE_REPLYING)
		return reply_queue(exchange) ? MHD_YES : MHD_NO;
	wait_park(exchange);
	return MHD_YES;
}
