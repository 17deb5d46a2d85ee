/* What handlers do to a reply before anything is sent. */
#include "server/request.h"

void reply_header(struct request *request, struct str name, struct str value)
{
	struct reply *reply = &request->reply;

	ASSERT(reply->nheaders < sizeof reply->headers / sizeof reply->headers[0]);
	reply->headers[reply->nheaders++] = (struct header){name, value};
}

bool reply_too_long(struct request *request)
{
	return error_set_nowhere(&request->error, ERROR_TOO_LARGE,
	                         "The answer is longer than the %zu bytes that are kept until all is written, so "
	                         "nothing was; read or write fewer rows in one request.",
	                         request->reply.hold_max);
}
