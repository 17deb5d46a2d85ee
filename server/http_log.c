/* The end of a request: counted, and one line for it.  The path as it was sent, never the query string: its values are the
 * client's data.
 */
#include "server/http_exchange.h"

/* What the client got: nothing where the library refused the request itself, or the client left before
 * there was an answer (499, as other servers say it). */
static int status_of(const struct exchange *exchange)
{
	const struct request *request = &exchange->request;

	if (exchange->phase < PHASE_REPLYING)
		return 0;
	if (exchange->is_gone && request->db.is_cancelled && !request->reply.is_begun)
		return 499;
	return request->reply.status;
}

static void count(const struct exchange *exchange, int status, uint64_t ns)
{
	const struct metrics_event event = {
		.request = &exchange->request,
		.status = status,
		.ns = ns,
		.bytes_in = exchange->received,
		.bytes_out = exchange->sent,
		.is_streamed = exchange->is_streamed,
		.is_gone = exchange->is_gone,
	};

	metrics_note(worker_metrics(exchange->http->worker), &event);
}

/* What is refused by its head alone has no request that was read. */
static struct str path_of(const struct exchange *exchange)
{
	struct str rest = exchange->uri;

	return exchange->request.path.p ? exchange->request.path : str_cut(&rest, STR("?"));
}

void log_exchange(const struct exchange *exchange)
{
	const struct request *request = &exchange->request;
	int status = status_of(exchange);
	uint64_t ns = loop_clock() - exchange->request.phases.started;
	struct str outcome = exchange->is_gone ? STR("gone") : STR("done");

	count(exchange, status, ns);
	if (!log_enabled(LOG_INFO))
		return;
	log_event(LOG_INFO, "request",
	          LOG_FIELDS(LOG_STR("id", request->id), LOG_STR("method", request->method_text),
	                     LOG_STR("path", path_of(exchange)), LOG_NUM("status", status),
	                     LOG_NUM("bytes", exchange->sent),
	                     LOG_NUM("ms", (double)(ns / 1000) / 1000.0),
	                     LOG_NUM("statements", request->db.usage.statements),
	                     LOG_STR("outcome", outcome)));
}
