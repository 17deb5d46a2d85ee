/* A guarded write is one transaction: the key is claimed, the row compared, the handler run (which
 * joins the transaction), the reply kept, all committed.
 *
 *	claim the key --found--> answer what was answered
 *	   | claimed
 *	   v
 *	compare the row --changed--> 412
 *	   |
 *	   v
 *	handler --failed--> its error; nothing is kept
 *	   |
 *	   v
 *	keep the reply, commit
 *
 * Invariant: no byte of the reply is sent before the commit.
 */
#include "server/guard.h"

#include "orm/write/integrity.h"
#include "server/etag.h"
#include "server/handlers.h"
#include "server/idempotency.h"
#include "server/precondition.h"
#include "server/single_flight.h"

#define ATTEMPTS 3
/* Without a key nothing is kept beyond the reply itself; it holds one row. */
#define HOLD_MAX (64u << 20)

static bool only_reads(const struct request *request)
{
	const struct method *method;

	switch (request->method) {
	case HTTP_GET:
	case HTTP_HEAD:
	case HTTP_OPTIONS:
	case HTTP_QUERY:
		return true;
	case HTTP_POST:
		method = method_find(request->method_name);
		return method && method->only_reads;
	case HTTP_PUT:
	case HTTP_PATCH:
	case HTTP_DELETE:
	case HTTP_OTHER:
		return false;
	}
	return false;
}

static bool is_plain_read(const struct request *request)
{
	return request->method == HTTP_GET || request->method == HTTP_HEAD ||
	       request->method == HTTP_QUERY;
}

static void reset_reply(struct request *request)
{
	buf_clear(&request->reply.body);
	request->reply.nheaders = 0;
	request->reply.status = 200;
	request->reply.content_type = "application/json";
}

bool guard_enter(struct request *request, bool *is_replayed)
{
	enum replay_claim claim = REPLAY_CLAIMED;

	if (request->idempotency_key.p && !idempotency_claim(request, &claim))
		return false;
	*is_replayed = claim == REPLAY_FOUND;
	return *is_replayed || !precondition_is_given(request) || precondition_holds(request);
}

bool guard_leave(struct request *request)
{
	return !request->idempotency_key.p || idempotency_keep(request);
}

/* Waits. */
static bool do_once(struct request *request, handler_fn handler, bool *is_done)
{
	bool is_replayed;

	if (!guard_enter(request, &is_replayed))
		return false;
	*is_done = !is_replayed;
	return is_replayed || (handler(request) && guard_leave(request));
}

/* Waits.  Deferred foreign keys speak here. */
static bool commit(struct request *request, struct db_tx *tx)
{
	bool is_deleting = request->method == HTTP_DELETE || str_is(request->method_name, "delete");

	if (db_commit(tx, &request->error))
		return true;
	integrity_explain(request->registry, is_deleting, &request->error);
	return false;
}

/* Waits. */
static bool attempt(struct request *request, handler_fn handler)
{
	struct db_tx *tx;
	bool is_done;

	if (!db_begin(&request->db, DB_READ_COMMITTED, &tx, &request->error))
		return false;
	if (!do_once(request, handler, &is_done)) {
		db_rollback(tx);
		return false;
	}
	if (is_done)
		return commit(request, tx);
	db_rollback(tx);
	return true;
}

/* Waits.  Once more after a deadlock: nothing was sent, nothing is left of it. */
static bool run_guarded(struct request *request, handler_fn handler)
{
	request->reply.hold_max =
		request->idempotency_key.p ? request->settings->idempotency_bytes : HOLD_MAX;
	for (unsigned i = 1; !attempt(request, handler); i++) {
		if (request->error.kind != ERROR_CONFLICT || i == ATTEMPTS)
			return false;
		error_clear(&request->error);
		reset_reply(request);
	}
	return true;
}

bool guard_run(struct request *request, handler_fn handler)
{
	bool is_guarded;

	if (only_reads(request))
		return flight_run(request, handler) && (!is_plain_read(request) || etag_finish_read(request));
	is_guarded = request->idempotency_key.p || precondition_is_given(request);
	if (!is_guarded)
		return handler(request);
	if (request->idempotency_key.p && !idempotency_is_possible(request))
		return false;
	if (!(handler == batch_run ? handler(request) : run_guarded(request, handler)))
		return false;
	if (request->idempotency_key.p)
		idempotency_sweep(request);
	return true;
}
