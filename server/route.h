/* Addresses: what a path means (PROTOCOL section 2).
 */
#ifndef QUERN_SERVER_ROUTE_H
#define QUERN_SERVER_ROUTE_H

#include "server/request.h"

/* Fills request->model, scope and method_name, and says who answers.  ERROR_UNKNOWN_ADDRESS with the
 * nearest name, ERROR_METHOD with Allow, ERROR_BAD_REQUEST for bad percent-encoding.  OPTIONS is
 * answered by a handler of its own, from the same tables. */
bool route_request(struct request *request, handler_fn *handler);

/* Puts the related manager before the rows: `accessor` of the row of request->model with that key.
 * ERROR_UNKNOWN_ADDRESS with the nearest name. */
bool route_relation(struct request *request, struct str accessor, const struct value *owner);
/* The method of that name which a model's manager (or a related one) has, nearest to it; p == NULL: none. */
struct str route_nearest_method(struct request *request, struct str name, bool is_related);

#endif
