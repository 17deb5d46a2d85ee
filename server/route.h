/* Addresses: what a path means (PROTOCOL section 2).
 */
#ifndef QUERN_SERVER_ROUTE_H
#define QUERN_SERVER_ROUTE_H

#include "server/request.h"

/* Fills request->model, scope and method_name, and says who answers.  ERROR_UNKNOWN_ADDRESS with the
 * nearest name, ERROR_METHOD with Allow, ERROR_BAD_REQUEST for bad percent-encoding.  OPTIONS is
 * answered by a handler of its own, from the same tables. */
bool route_request(struct request *request, handler_fn *handler);

#endif
