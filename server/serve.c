/* Route, handler, and a problem when either fails. */
#include "server/serve.h"

#include "server/guard.h"
#include "server/handlers.h"
#include "server/problem.h"
#include "server/read.h"
#include "server/route.h"

/* A body that streams goes to the handler of rows, or nowhere. */
static bool choose_for_upload(struct request *request, handler_fn *handler)
{
	if (!request->is_upload)
		return true;
	if (*handler == change_bulk_create || (*handler == change_create && !request->method_name.p)) {
		*handler = load_rows;
		return true;
	}
	return error_set_nowhere(&request->error, ERROR_MEDIA_TYPE,
	                         "Rows as CSV or NDJSON are taken by bulk_create alone; the body's "
	                         "Content-Type is not application/json.");
}

static bool takes_a_coding(struct request *request)
{
	return !request->wish.is_impossible ||
	       error_set_nowhere(&request->error, ERROR_NOT_ACCEPTABLE,
	                         "The Accept-Encoding header refuses identity, and takes nothing else that "
	                         "this server sends.");
}

static bool handle(struct request *request)
{
	handler_fn handler;

	if (error_is_set(&request->error) || !takes_a_coding(request))
		return false;
	/* What a write says of a key that cannot be one is answered as a read answers it. */
	return route_request(request, &handler) && choose_for_upload(request, &handler) &&
	       (guard_run(request, handler) || read_refused(request));
}

bool serve_request(struct request *request)
{
	if (handle(request))
		return true;
	if (request->reply.is_begun) {
		problem_note(request);
		return false;
	}
	problem_reply(request);
	return true;
}
