/* Route, handler, and a problem when either fails. */
#include "server/serve.h"

#include "server/guard.h"
#include "server/problem.h"
#include "server/read.h"
#include "server/route.h"

static bool handle(struct request *request)
{
	handler_fn handler;

	if (error_is_set(&request->error))
		return false;
	/* What a write says of a key that cannot be one is answered as a read answers it. */
	return route_request(request, &handler) && (guard_run(request, handler) || read_refused(request));
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
