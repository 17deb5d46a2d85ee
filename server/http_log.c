/* One line for each request.  The path as it was sent, never the query string: its values are the
 * client's data.
 */
#include "server/http_exchange.h"

static double since_ms(uint64_t began)
{
	return (double)((loop_clock() - began) / 1000) / 1000.0;
}

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

void log_exchange(const struct exchange *exchange)
{
	const struct request *request = &exchange->request;
	int status = status_of(exchange);
	struct str outcome = exchange->is_gone ? STR("gone") : STR("done");

	if (!log_enabled(LOG_INFO))
		return;
	log_event(LOG_INFO, "request",
	          LOG_FIELDS(LOG_STR("id", request->id), LOG_STR("method", request->method_text),
	                     LOG_STR("path", request->path), LOG_NUM("status", status),
	                     LOG_NUM("bytes", exchange->sent),
	                     LOG_NUM("ms", since_ms(exchange->started)),
	                     LOG_NUM("statements", request->db.usage.statements),
	                     LOG_STR("outcome", outcome)));
}
