/* Uploads: bodies that stream into the task that handles them, in constant memory.
 *
 * What comes is gathered up to UPLOAD_HIGH bytes; then the connection is suspended until the task has
 * taken them, so the sender waits on the socket.  libmicrohttpd takes no reply in the middle of a
 * body: when the task ends early, the rest is read and dropped, and the reply goes out behind it.
 * The task is continued from the end of the turn, never from inside the library.
 */
#include "server/http_exchange.h"
#include "server/problem.h"

#define UPLOAD_HIGH (64u << 10)

bool upload_is_one(const struct exchange *exchange, const struct gate_verdict *verdict)
{
	return verdict->has_body && exchange->request.method == HTTP_POST &&
	       media_rows(exchange->gate.content_type) != ROWS_NONE;
}

/* The reply is queued before anything of the body was asked for; the connection ends with it. */
static enum MHD_Result reply_at_once(struct exchange *exchange)
{
	exchange->phase = PHASE_REPLYING;
	exchange->must_close = true;
	return reply_queue(exchange) ? MHD_YES : MHD_NO;
}

enum MHD_Result upload_begin(struct exchange *exchange, const struct gate_verdict *verdict)
{
	size_t limit = exchange->http->worker->setup->settings->load_bytes;

	if (limit && verdict->body_bytes > limit) {
		problem_of_status(&exchange->request, 413, "The body is longer than this server takes.");
		return reply_at_once(exchange);
	}
	exchange->client->deadline = 0;
	clock_upload(exchange, 0);
	/* libmicrohttpd 0.9.75 misses the end of a stream that comes together with data: its epoll set is
	 * edge-triggered, and it takes a short read for an empty socket. */
	wait_watch(exchange);
	exchange_start_upload(exchange);
	/* The client has not sent anything yet and will not. */
	if (!exchange->has_task && verdict->wants_continue) {
		wait_unwatch(exchange);
		return reply_at_once(exchange);
	}
	return MHD_YES;
}

static void wake(struct exchange *exchange)
{
	if (exchange->waits_for_room)
		loop_defer(exchange->http->loop, &exchange->room);
}

static enum MHD_Result end_body(struct exchange *exchange)
{
	exchange->is_whole = true;
	exchange->client->deadline = 0;
	wait_unwatch(exchange);
	if (!exchange->has_task) {
		exchange->phase = PHASE_REPLYING;
		return reply_queue(exchange) ? MHD_YES : MHD_NO;
	}
	exchange->phase = PHASE_RUNNING;
	wake(exchange);
	wait_park(exchange);
	return MHD_YES;
}

enum MHD_Result upload_take(struct exchange *exchange, const char *data, size_t n, size_t *left)
{
	if (n == 0)
		return end_body(exchange);
	if (!exchange->is_unwanted && exchange->incoming.n >= UPLOAD_HIGH) {
		*left = n;
		exchange->client->deadline = 0;
		wait_suspend(exchange);
		return MHD_YES;
	}
	exchange->http->has_progressed = true;
	exchange->received += n;
	clock_upload(exchange, n);
	if (exchange->is_unwanted)
		return MHD_YES;
	buf_add(&exchange->incoming, (struct str){data, n});
	wake(exchange);
	return MHD_YES;
}

static void resume(struct exchange *exchange)
{
	if (!exchange->is_suspended)
		return;
	clock_upload(exchange, 0);
	wait_resume(exchange);
}

void upload_drop(struct exchange *exchange)
{
	exchange->is_unwanted = true;
	buf_release(&exchange->incoming);
	resume(exchange);
}

/* For handlers. */

static bool is_too_large(const struct exchange *exchange)
{
	size_t limit = exchange->http->worker->setup->settings->load_bytes;

	return limit && exchange->received > limit;
}

bool request_read(struct request *request, struct str *piece)
{
	struct exchange *exchange = request->stream;
	struct buf taken = exchange->body;

	ASSERT(request->is_upload);
	while (!exchange->is_gone && !exchange->is_whole && exchange->incoming.n == 0) {
		exchange->waits_for_room = task_self();
		task_suspend();
	}
	if (exchange->is_gone)
		return error_set_nowhere(&request->error, ERROR_UNAVAILABLE, "The client is gone.");
	if (is_too_large(exchange))
		return error_set_nowhere(&request->error, ERROR_TOO_LARGE,
		                         "The body is longer than the %zu bytes that this server takes.",
		                         request->settings->load_bytes);
	exchange->body = exchange->incoming;
	exchange->incoming = taken;
	buf_clear(&exchange->incoming);
	*piece = buf_str(&exchange->body);
	resume(exchange);
	return true;
}
