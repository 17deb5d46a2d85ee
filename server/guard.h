/* What stands around a handler: conditions of the request (If-Match, If-None-Match) and keys that make
 * it safe to send again (Idempotency-Key).
 *
 * A request that has neither goes to its handler at once.
 */
#ifndef QUERN_SERVER_GUARD_H
#define QUERN_SERVER_GUARD_H

#include "server/request.h"

/* Waits.  The handler, as if it were called: fills the reply, or sets the error. */
bool guard_run(struct request *request, handler_fn handler);

/* Both wait: the two halves of it, for a handler that makes its transaction itself, in which they run.
 * Where *is_replayed is set the reply is filled and nothing is to be done. */
bool guard_enter(struct request *request, bool *is_replayed);
bool guard_leave(struct request *request);

#endif
