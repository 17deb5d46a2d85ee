/* The straight line from a request to its reply: route, handler, problem.
 */
#ifndef QUERN_SERVER_SERVE_H
#define QUERN_SERVER_SERVE_H

#include "server/request.h"

/* Runs as a task; fills request->reply whatever happens.  False when it failed after a part of
 * the reply was sent: the connection must then be broken off. */
bool serve_request(struct request *request);

#endif
