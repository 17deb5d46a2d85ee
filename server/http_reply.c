/* Replies: whole ones, and streams whose reader sets the pace.
 *
 * A stream has two ends.  The task fills exchange->stream and sleeps when STREAM_HIGH bytes wait;
 * the library empties it and sleeps (the connection suspended) when nothing waits.  Each wakes
 * the other; the task is continued from the end of the turn, never from inside the library.
 */
#include "server/http_exchange.h"

#include "server/single_flight.h"

#define STREAM_HIGH (256u << 10)
#define STREAM_LOW (64u << 10)
/* What the library asks for at once where a stream is not chunked (HTTP/1.0). */
#define STREAM_BLOCK (32u << 10)

/* Head. */

static char *put_number(char *p, uint64_t number)
{
	char digits[20];
	size_t n = 0;

	do
		digits[n++] = (char)('0' + number % 10);
	while (number /= 10);
	while (n)
		*p++ = digits[--n];
	return p;
}

static char *put_text(char *p, const char *text)
{
	size_t n = strlen(text);

	memcpy(p, text, n);
	return p + n;
}

/* Milliseconds with three decimals. */
static char *put_ms(char *p, uint64_t ns)
{
	uint64_t us = ns / 1000;

	p = put_number(p, us / 1000);
	*p++ = '.';
	*p++ = (char)('0' + us / 100 % 10);
	*p++ = (char)('0' + us / 10 % 10);
	*p++ = (char)('0' + us % 10);
	return p;
}

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

#define TIMING_BYTES 256

/* Rendering is what is left: with statements that ran at the same time as others, nothing. */
static void put_timing(const struct exchange *exchange, char text[static TIMING_BYTES])
{
	const struct db_usage *usage = &exchange->request.db.usage;
	const struct phases *phases = &exchange->request.phases;
	uint64_t total = minus(loop_clock(), phases->started);
	uint64_t parse = phases->parsed ? minus(phases->parsed, phases->started) : total;
	uint64_t plan = minus(phases->planned, phases->parsed);
	char *p = put_text(text, "statements;desc=\"");

	p = put_number(p, usage->statements);
	p = put_text(p, "\", parse;dur=");
	p = put_ms(p, parse);
	p = put_text(p, ", plan;dur=");
	p = put_ms(p, plan);
	p = put_text(p, ", queue;dur=");
	p = put_ms(p, usage->wait_ns);
	p = put_text(p, ", database;dur=");
	p = put_ms(p, usage->run_ns);
	p = put_text(p, ", render;dur=");
	p = put_ms(p, minus(total, parse + plan + usage->wait_ns + usage->run_ns));
	p = put_text(p, ", total;dur=");
	p = put_ms(p, total);
	*p = 0;
}

static void add_own_headers(struct exchange *exchange, struct MHD_Response *response)
{
	struct request *request = &exchange->request;

	request->reply.nsent = request->reply.nheaders;

	for (size_t i = 0; i < request->reply.nheaders; i++) {
		const struct header *header = &request->reply.headers[i];

		MHD_add_response_header(response, arena_cstr(request->arena, header->name),
		                        arena_cstr(request->arena, header->value));
	}
}

/* What may come behind a stream; in JSON it is in the document. */
static const char *trailers_of(const struct exchange *exchange)
{
	return exchange->request.form == FORM_NDJSON || exchange->request.form == FORM_CSV
	           ? "Server-Timing, X-Truncated, X-Next-Cursor, Link"
	           : "Server-Timing";
}

static void add_headers(struct exchange *exchange, struct MHD_Response *response)
{
	const struct reply *reply = &exchange->request.reply;
	char timing[TIMING_BYTES];

	put_timing(exchange, timing);
	if (reply->content_type[0])
		MHD_add_response_header(response, "Content-Type", reply->content_type);
	MHD_add_response_header(response, "X-Request-Id", exchange->id);
	MHD_add_response_header(response, "Server-Timing", timing);
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "Cache-Control", "no-store");
	if (exchange->is_streamed)
		MHD_add_response_header(response, "Trailer", trailers_of(exchange));
	if (exchange->coding != NULL && reply->status != 304)
		MHD_add_response_header(response, "Content-Encoding", exchange->coding);
	if (exchange->is_varied || exchange->request.form == FORM_NDJSON || exchange->request.form == FORM_CSV)
		MHD_add_response_header(response, "Vary", "Accept, Accept-Encoding");
	if (exchange->must_close || exchange->http->is_stopping)
		MHD_add_response_header(response, "Connection", "close");
	add_own_headers(exchange, response);
}

/* Streams. */

static size_t waiting_bytes(const struct exchange *exchange)
{
	return exchange->stream.n - exchange->stream_at;
}

static ssize_t read_stream(void *cls, uint64_t position, char *out, size_t room)
{
	struct exchange *exchange = cls;
	size_t n = waiting_bytes(exchange);

	(void)position;
	if (n == 0 && exchange->is_stream_broken)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (n == 0 && exchange->is_stream_done)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == 0) {
		exchange->client->deadline = 0;
		wait_suspend(exchange);
		return 0;
	}
	if (n > room)
		n = room;
	memcpy(out, exchange->stream.p + exchange->stream_at, n);
	exchange->stream_at += n;
	exchange->sent += n;
	exchange->http->has_progressed = true;
	clock_write(exchange);
	if (exchange->waits_for_room && waiting_bytes(exchange) <= STREAM_LOW)
		loop_defer(exchange->http->loop, &exchange->room);
	return (ssize_t)n;
}

/* What the socket has taken is forgotten. */
static void make_room(struct exchange *exchange)
{
	size_t left = waiting_bytes(exchange);

	if (left > 0 && exchange->stream_at <= STREAM_HIGH)
		return;
	if (left > 0)
		memmove(exchange->stream.p, exchange->stream.p + exchange->stream_at, left);
	exchange->stream.n = left;
	exchange->stream_at = 0;
}

/* What the task has written goes behind what still waits. */
static void append_to_stream(struct exchange *exchange, bool is_last)
{
	struct buf *body = &exchange->request.reply.body;

	make_room(exchange);
	if (exchange->encoder != NULL) {
		compress_part(exchange, is_last);
	} else if (exchange->stream.n == 0) {
		struct buf emptied = exchange->stream;

		exchange->stream = *body;
		*body = emptied;
	} else {
		buf_add(&exchange->stream, buf_str(body));
	}
	buf_clear(body);
}

/* Queueing. */

/* HEAD of a stream has no length to tell: the connection is closed behind it, because
 * libmicrohttpd 0.9.75 ends a chunked reply to HEAD with its last chunk, which the client
 * would take for the next reply. */
static struct MHD_Response *make_stream_response(struct exchange *exchange)
{
	struct MHD_Response *response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, exchange, NULL);

	if (response && exchange->request.method == HTTP_HEAD)
		MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
	return response;
}

static struct MHD_Response *make_response(struct exchange *exchange)
{
	struct buf *body = &exchange->request.reply.body;

	if (exchange->is_streamed)
		return make_stream_response(exchange);
	exchange->sent = exchange->request.method == HTTP_HEAD ? 0 : body->n;
	return MHD_create_response_from_buffer(body->n, body->n ? body->p : (char *)exchange->id,
	                                       MHD_RESPMEM_PERSISTENT);
}

bool reply_queue(struct exchange *exchange)
{
	struct MHD_Response *response = make_response(exchange);
	enum MHD_Result queued;

	if (!response)
		return false;
	exchange->is_queued = true;
	exchange->http->has_progressed = true;
	add_headers(exchange, response);
	clock_write(exchange);
	queued = MHD_queue_response(exchange->connection, (unsigned)exchange->request.reply.status,
	                            response);
	/* A stream gets its trailer at its end. */
	if (exchange->is_streamed)
		exchange->response = response;
	else
		MHD_destroy_response(response);
	return queued == MHD_YES;
}

/* The library fetches the reply when it next calls: from inside start() it does at once, a parked
 * connection's call is at the end of this turn, a suspended one's when it has been resumed. */
static void reply_ready(struct exchange *exchange)
{
	if (exchange->phase == PHASE_UPLOAD) {
		upload_drop(exchange);
		return;
	}
	exchange->phase = PHASE_REPLYING;
	if (exchange->is_suspended)
		wait_resume(exchange);
	else if (exchange->is_parked)
		http_poke(exchange->http);
}

static void add_trailer(struct exchange *exchange)
{
	struct request *request = &exchange->request;
	char timing[TIMING_BYTES];

	if (!exchange->response)
		return;
	put_timing(exchange, timing);
	MHD_add_response_footer(exchange->response, "Server-Timing", timing);
	for (size_t i = request->reply.nsent; i < request->reply.nheaders; i++)
		MHD_add_response_footer(exchange->response, arena_cstr(request->arena, request->reply.headers[i].name),
		                        arena_cstr(request->arena, request->reply.headers[i].value));
}

void reply_finish(struct exchange *exchange, bool is_whole)
{
	if (!exchange->is_streamed) {
		if (exchange->connection)
			reply_ready(exchange);
		return;
	}
	if (is_whole)
		append_to_stream(exchange, true);
	compress_drop(exchange);
	exchange->is_stream_done = true;
	exchange->is_stream_broken = !is_whole && !exchange->is_head_satisfied;
	if (is_whole)
		add_trailer(exchange);
	if (exchange->is_suspended)
		wait_resume(exchange);
}

void reply_abandon(struct exchange *exchange)
{
	exchange->is_gone = true;
	if (exchange->waits_for_room)
		loop_defer(exchange->http->loop, &exchange->room);
	/* Last: the task may end in it, and the exchange with the task. */
	db_session_cancel(&exchange->request.db);
}

/* For handlers. */

static bool client_is_gone(struct request *request)
{
	return error_set_nowhere(&request->error, ERROR_UNAVAILABLE, "The client is gone.");
}

static void begin_stream(struct exchange *exchange)
{
	ASSERT(exchange->phase != PHASE_UPLOAD);
	flight_dissolve(&exchange->request);
	exchange->is_streamed = true;
	exchange->request.reply.is_begun = true;
	compress_begin(exchange);
	append_to_stream(exchange, false);
	reply_ready(exchange);
}

bool reply_flush(struct request *request)
{
	struct exchange *exchange = request->stream;

	if (exchange->is_gone)
		return client_is_gone(request);
	if (request->reply.hold_max)
		return request->reply.body.n <= request->reply.hold_max || reply_too_long(request);
	if (request->method == HTTP_HEAD) {
		exchange->is_head_satisfied = true;
		begin_stream(exchange);
		return client_is_gone(request);
	}
	if (!exchange->is_streamed) {
		begin_stream(exchange);
	} else {
		append_to_stream(exchange, false);
		if (exchange->is_suspended)
			wait_resume(exchange);
	}
	while (!exchange->is_gone && waiting_bytes(exchange) > STREAM_HIGH) {
		exchange->waits_for_room = task_self();
		task_suspend();
	}
	return exchange->is_gone ? client_is_gone(request) : true;
}
