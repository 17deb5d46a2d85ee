/* If-Match and If-None-Match of a request that writes one row.
 *
 * What they compare is the ETag of `GET /api/{model}/{pk}`: the row's own columns, without clauses.
 */
#ifndef QUERN_SERVER_PRECONDITION_H
#define QUERN_SERVER_PRECONDITION_H

#include "server/request.h"

/* Whether the request has a precondition at all. */
bool precondition_is_given(const struct request *request);
/* Waits; in the session's open transaction.  Locks the row until the transaction's end and judges it:
 * ERROR_PRECONDITION when it is another than the client knows, ERROR_DOES_NOT_EXIST when there is none,
 * ERROR_BAD_REQUEST where a condition stands on more than a row. */
bool precondition_holds(struct request *request);

#endif
