/* Addresses: what a path means (PROTOCOL section 2).
 */
#ifndef QUERN_SERVER_ROUTE_H
#define QUERN_SERVER_ROUTE_H

#include "server/request.h"

/* Kinds of addresses, as request->route numbers them. */
#define ROUTES_MAX 96
size_t route_count(void);
/* "/api/{model}/{pk}/{relation}/count" */
struct str route_name(struct arena *arena, unsigned route);
/* Requests whose times are told together. */
enum route_class {
	ROUTE_LOOKUP, /* one row by its key */
	ROUTE_ROWS,
	ROUTE_VALUE, /* count, aggregate …: read, but no rows */
	ROUTE_WRITE,
	ROUTE_LOAD, /* rows that stream in */
	ROUTE_BATCH,
	ROUTE_OTHER,
	ROUTE_CLASSES
};
enum route_class route_class(const struct request *request);

/* Fills request->model, scope, method_name and route, and says who answers.  ERROR_UNKNOWN_ADDRESS with the
 * nearest name, ERROR_METHOD with Allow, ERROR_BAD_REQUEST for bad percent-encoding.  OPTIONS is
 * answered by a handler of its own, from the same tables. */
bool route_request(struct request *request, handler_fn *handler);

/* Puts the related manager before the rows: `accessor` of the row of request->model with that key.
 * ERROR_UNKNOWN_ADDRESS with the nearest name. */
bool route_relation(struct request *request, struct str accessor, const struct value *owner);
/* The method of that name which a model's manager (or a related one) has, nearest to it; p == NULL: none. */
struct str route_nearest_method(struct request *request, struct str name, bool is_related);

#endif
