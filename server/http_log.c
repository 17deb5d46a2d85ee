/* One line for each request.  The path as it was sent, never the query string: its values are the
 * client's data.
 */
#include "server/http_exchange.h"

static double since_ms(uint64_t began)
{
	return (double)((loop_clock() - began) / 1000) / 1000.0;
}

void log_exchange(const struct exchange *exchange)
{
	const struct request *request = &exchange->request;
	/* Nothing was answered by us: the library refused it, or the client left before its end. */
	int status = exchange->phase < PHASE_REPLYING ? 0 : request->reply.status;
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
