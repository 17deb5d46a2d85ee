/* A request as it comes in, step by step: its head past the gate, its body up to the limit; and the
 * library's question, again and again, whether the reply is there.
 */
#include "server/http_exchange.h"
#include "server/handlers.h"
#include "server/problem.h"

/* A body that is too long is still read to its end, so that the answer arrives and the connection
 * lives on; up to this many bytes. */
#define DROP_BYTES (16u << 20)

static const struct {
	struct str name;
	enum http_method method;
} method_names[] = {
	{STR_INIT("GET"), HTTP_GET},         {STR_INIT("POST"), HTTP_POST},
	{STR_INIT("PATCH"), HTTP_PATCH},     {STR_INIT("DELETE"), HTTP_DELETE},
	{STR_INIT("HEAD"), HTTP_HEAD},       {STR_INIT("PUT"), HTTP_PUT},
	{STR_INIT("OPTIONS"), HTTP_OPTIONS}, {STR_INIT("QUERY"), HTTP_QUERY},
};

static enum http_method method_of(struct str text)
{
	for (size_t i = 0; i < sizeof method_names / sizeof method_names[0]; i++)
		if (str_eq(method_names[i].name, text))
			return method_names[i].method;
	return HTTP_OTHER;
}

/* The library asks whether the reply is there. */
static enum MHD_Result ask_again(struct exchange *exchange)
{
	if (exchange->phase == PHASE_RUNNING) {
		if (exchange->is_overdue)
			wait_suspend(exchange);
		return MHD_YES;
	}
	if (exchange->is_queued)
		return MHD_YES;
	wait_unpark(exchange);
	return reply_queue(exchange) ? MHD_YES : MHD_NO;
}

static enum MHD_Result refuse(struct exchange *exchange, int status, const char *detail)
{
	exchange->phase = PHASE_REPLYING;
	exchange->must_close = true;
	problem_of_status(&exchange->request, status, detail);
	return reply_queue(exchange) ? MHD_YES : MHD_NO;
}

static enum MHD_Result see_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                  size_t name_n, const char *value, size_t value_n)
{
	(void)kind;
	gate_header(cls, (struct str){name, name_n}, (struct str){value, value ? value_n : 0});
	return MHD_YES;
}

static size_t drop_above(size_t limit)
{
	return limit > DROP_BYTES ? limit : DROP_BYTES;
}

/* Rows to write take more room than a question. */
static size_t body_most(const struct exchange *exchange, const struct settings *settings)
{
	struct str path = exchange->uri, rest = path, last = {0};

	rest = str_cut(&path, STR("?"));
	while (rest.p)
		last = str_cut(&rest, STR("/"));
	const struct method *method = method_find(last);

	return (method && method->only_reads) || exchange->request.method == HTTP_QUERY
	           ? settings->json.bytes
	           : settings->write_json.bytes;
}

static enum MHD_Result take_head(struct exchange *exchange, const char *method, const char *version)
{
	struct http *http = exchange->http;
	const struct settings *settings = http->worker->setup->settings;
	struct gate_verdict verdict;

	exchange->request.method_text = arena_str(exchange->request.arena, str_of(method));
	exchange->request.method = method_of(exchange->request.method_text);
	MHD_get_connection_values_n(exchange->connection, MHD_HEADER_KIND, see_header, &exchange->gate);
	verdict = gate_judge(&exchange->gate, exchange->request.method_text, exchange->uri,
	                     str_of(version), &http->limits);
	if (verdict.status)
		return refuse(exchange, verdict.status, verdict.detail);
	size_t limit = verdict.has_body ? body_most(exchange, settings) : 0;

	exchange->body_most = limit;
	if (upload_is_one(exchange, &verdict))
		return upload_begin(exchange, &verdict);
	if (verdict.body_bytes > drop_above(limit) || (verdict.wants_continue && verdict.body_bytes > limit))
		return refuse(exchange, 413, "The body is longer than this server takes.");
	exchange->is_too_large = verdict.body_bytes > limit;
	if (verdict.has_body)
		clock_allow(exchange, settings->body_timeout);
	exchange->phase = PHASE_BODY;
	return MHD_YES;
}

static enum MHD_Result take_body(struct exchange *exchange, const char *data, size_t n)
{
	exchange->http->has_progressed = true;
	exchange->received += n;
	clock_body(exchange, n);
	if (exchange->received > exchange->body_most)
		exchange->is_too_large = true;
	if (exchange->received > drop_above(exchange->body_most))
		return MHD_NO;
	if (exchange->is_too_large)
		buf_clear(&exchange->body);
	else
		buf_add(&exchange->body, (struct str){data, n});
	return MHD_YES;
}
enum MHD_Result request_take(void *cls, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *data,
                             size_t *data_n, void **context)
{
	struct exchange *exchange = *context;
	size_t n = *data_n;

	(void)cls;
	(void)connection;
	(void)url;
	if (!exchange)
		return MHD_NO;
	*data_n = 0;
	switch (exchange->phase) {
	case PHASE_HEAD:
		return take_head(exchange, method, version);
	case PHASE_UPLOAD:
		return upload_take(exchange, data, n, data_n);
	case PHASE_BODY:
		return n ? take_body(exchange, data, n) : exchange_start(exchange);
	case PHASE_RUNNING:
	case PHASE_REPLYING:
		return ask_again(exchange);
	}
	return MHD_NO;
}
