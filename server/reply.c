/* What handlers do to a reply before anything is sent. */
#include "server/request.h"

void reply_header(struct request *request, struct str name, struct str value)
{
	struct reply *reply = &request->reply;

	ASSERT(reply->nheaders < sizeof reply->headers / sizeof reply->headers[0]);
	reply->headers[reply->nheaders++] = (struct header){name, value};
}
