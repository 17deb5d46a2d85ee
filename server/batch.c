/* POST /batch: the attempts of a batch, and its answer.
 *
 *	begin --> operations --> finish (constraints; commit, or roll back a dry run) --> answer
 *	  ^           |failed        |failed
 *	  |           v              v
 *	  |        roll back     a deferred constraint: run again, to find whose change broke it, roll back
 *	  `- wait <---|              |
 *	   a conflict, and tries left v
 *	                          answer the error
 *
 * A batch that is not atomic runs each operation by itself; under an Idempotency-Key, or in a
 * transaction that was open before, it is one transaction with a savepoint for each.
 * Invariant: no byte is sent before the end.
 */
#include "server/batch.h"

#include "orm/write/integrity.h"
#include "server/accept.h"
#include "server/guard.h"

#include <sys/random.h>

/* Between two tries: half to all of a step that doubles. */
#define PAUSE_FIRST_NS (4u * UINT64_C(1000000))
#define PAUSE_MOST_NS (250u * UINT64_C(1000000))
/* Values that Refs may read of results, all together. */
#define REF_VALUES 100000

/* -- operations -------------------------------------------------------------------- */

/* What ends the whole batch, whatever an operation says of its errors. */
static bool is_fatal(const struct batch *batch)
{
	const struct error *error = &batch->request->error;

	return batch->request->db.is_cancelled || error->kind == ERROR_UNAVAILABLE ||
	       error->kind == ERROR_CONFLICT;
}

static void end_savepoint(struct db_tx *tx, bool is_good)
{
	if (is_good)
		db_release(tx);
	else
		db_rollback_to(tx);
}

/* Waits.  Constraints that were to be judged at the end, in the words of the model. */
static bool check_constraints(struct batch *batch, const struct operation *operation)
{
	struct request *request = batch->request;

	if (db_check_constraints(request->db.tx, &request->error))
		return true;
	integrity_explain(request->registry, operation && operation->http_method == HTTP_DELETE,
	                  &request->error);
	if (operation)
		operation_blame(batch, operation);
	return false;
}

/* Waits.  Within a savepoint, where it may fail alone; what it breaks is then its own fault. */
static bool run_alone(struct batch *batch, struct operation *operation)
{
	struct db_tx *tx = batch->request->db.tx;
	size_t before = batch->replies.n;
	bool is_good;

	db_savepoint(tx);
	is_good = operation_run(batch, operation) &&
	          (operation->only_reads || check_constraints(batch, operation));
	if (!is_good && is_fatal(batch))
		return false;
	end_savepoint(tx, is_good);
	if (is_good)
		return true;
	batch->replies.n = before;
	operation_add_failure(batch, operation);
	return true;
}

/* Waits.  Whether the constraints hold now; the operation behind which they last ceased to is the culprit. */
static bool locate(struct batch *batch, size_t i)
{
	struct request *request = batch->request;
	bool is_good;

	is_good = check_constraints(batch, NULL);
	if (!is_good && request->error.kind != ERROR_INTEGRITY)
		return false;
	error_clear(&request->error);
	if (is_good)
		batch->culprit = batch->n;
	else if (batch->culprit == batch->n)
		batch->culprit = i;
	return true;
}

/* Waits. */
static bool run_in_one(struct batch *batch)
{
	for (size_t i = 0; i < batch->n; i++) {
		struct operation *operation = &batch->operations[i];

		if (operation->continues ? !run_alone(batch, operation) : !operation_run(batch, operation))
			return false;
		arena_reset(batch->scratch);
		if (batch->is_locating && !operation->only_reads && !locate(batch, i))
			return false;
	}
	return true;
}

/* The database is away: what is left is not tried. */
static void skip_rest(struct batch *batch, size_t from)
{
	for (size_t i = from; i < batch->n; i++) {
		error_set(&batch->request->error, ERROR_UNAVAILABLE, batch->operations[i].pos,
		          "Not run: the database was lost before.");
		operation_blame(batch, &batch->operations[i]);
		operation_add_failure(batch, &batch->operations[i]);
	}
}

/* Waits.  What compares a row before it writes needs a transaction around both. */
static bool run_compared(struct batch *batch, struct operation *operation)
{
	struct request *request = batch->request;
	size_t before = batch->replies.n;
	struct db_tx *tx;

	if (!db_begin(&request->db, DB_READ_COMMITTED, &tx, &request->error)) {
		operation_blame(batch, operation);
		return false;
	}
	if (!operation_run(batch, operation)) {
		db_rollback(tx);
		return false;
	}
	if (db_commit(tx, &request->error))
		return true;
	integrity_explain(request->registry, false, &request->error);
	operation_blame(batch, operation);
	batch->replies.n = before;
	return false;
}

/* Waits.  Each in a transaction of its own. */
static bool run_each(struct batch *batch)
{
	struct request *request = batch->request;
	struct db *db = request->db.db;

	for (size_t i = 0; i < batch->n; i++) {
		struct operation *operation = &batch->operations[i];
		bool is_good = operation->if_match.p ? run_compared(batch, operation)
		                                     : operation_run(batch, operation);
		bool is_away = !is_good && request->error.kind == ERROR_UNAVAILABLE;

		request->db.db = db; /* a query may name another */
		if (!is_good && request->db.is_cancelled)
			return false;
		if (!is_good)
			operation_add_failure(batch, operation);
		arena_reset(batch->scratch);
		if (is_away) {
			skip_rest(batch, i + 1);
			return true;
		}
	}
	return true;
}

/* -- the answer -------------------------------------------------------------------- */

static void answer(struct batch *batch)
{
	struct buf *body = &batch->request->reply.body;

	buf_clear(body);
	buf_add_char(body, '{');
	if (batch->is_dry_run)
		BUF_LIT(body, "\"dry_run\":true,");
	BUF_LIT(body, "\"results\":[");
	buf_add(body, buf_str(&batch->replies));
	BUF_LIT(body, "],\"failed\":");
	buf_add_int(body, (int64_t)batch->failed);
	if (batch->in_one && batch->is_atomic) {
		BUF_LIT(body, ",\"attempts\":");
		buf_add_int(body, batch->attempts);
	}
	buf_add_char(body, '}');
}

static void begin_anew(struct batch *batch)
{
	buf_clear(&batch->replies);
	batch->failed = 0;
	batch->ref_values = REF_VALUES;
	batch->culprit = batch->n;
	for (size_t i = 0; i < batch->n; i++) {
		batch->operations[i].has_failed = false;
		batch->operations[i].result = NULL;
		batch->operations[i].is_unreadable = false;
	}
	arena_reset(batch->scratch);
	arena_reset(batch->results);
}

/* -- an attempt -------------------------------------------------------------------- */

static bool begin(struct batch *batch, struct db_tx **tx)
{
	struct request *request = batch->request;

	*tx = request->db.tx;
	if (!batch->is_joined)
		return db_begin(&request->db, batch->isolation, tx, &request->error);
	db_savepoint(*tx);
	return true;
}

static void undo(struct batch *batch, struct db_tx *tx)
{
	if (batch->is_joined)
		db_rollback_to(tx);
	else
		db_rollback(tx);
}

/* Waits.  The database's last word: here deferred constraints speak. */
static bool finish(struct batch *batch, struct db_tx *tx)
{
	struct request *request = batch->request;

	if ((batch->is_dry_run || batch->is_joined) && !check_constraints(batch, NULL)) {
		undo(batch, tx);
		return false;
	}
	if (batch->is_dry_run) {
		undo(batch, tx);
		return true;
	}
	if (batch->is_joined) {
		db_release(tx);
		return true;
	}
	if (db_commit(tx, &request->error))
		return true;
	integrity_explain(request->registry, false, &request->error);
	return false;
}

/* Waits.  What stands around a write as a whole (guard.h) is part of its transaction; a dry run leaves
 * nothing that could be repeated. */
static bool run_whole(struct batch *batch, bool *is_replayed)
{
	struct request *request = batch->request;
	bool is_guarded = !batch->is_joined && !batch->is_dry_run;

	*is_replayed = false;
	if (is_guarded && !guard_enter(request, is_replayed))
		return false;
	if (*is_replayed)
		return true;
	if (!run_in_one(batch))
		return false;
	answer(batch);
	return !is_guarded || guard_leave(request);
}

/* Waits.  `is_final`: all was done, and the database refused it at the end. */
static bool attempt(struct batch *batch, bool *is_final)
{
	struct db_tx *tx;
	bool is_replayed;

	*is_final = false;
	begin_anew(batch);
	if (!begin(batch, &tx))
		return false;
	if (!run_whole(batch, &is_replayed) || is_replayed) {
		undo(batch, tx);
		return is_replayed;
	}
	*is_final = true;
	return finish(batch, tx);
}

/* Waits.  Runs it once more, to be rolled back in any case, for whose change broke a deferred constraint:
 * the error says so when it is found. */
static void find_culprit(struct batch *batch)
{
	struct request *request = batch->request;
	const struct error error = request->error;
	struct db_tx *tx;

	error_clear(&request->error);
	batch->is_locating = true;
	begin_anew(batch);
	if (begin(batch, &tx)) {
		if (!run_in_one(batch))
			batch->culprit = batch->n;
		undo(batch, tx);
	}
	request->error = error;
	if (batch->culprit < batch->n)
		operation_blame(batch, &batch->operations[batch->culprit]);
}

static void set_place(struct batch *batch)
{
	struct error *error = &batch->request->error;

	if (error->has_pos || error->kind != ERROR_INTEGRITY)
		return;
	error->pos = pos_member(batch->arena, NULL, STR("operations"));
	error->has_pos = true;
}

static uint64_t pause_before(unsigned attempt)
{
	uint64_t step = PAUSE_FIRST_NS << attempt, random = 0;

	if (step > PAUSE_MOST_NS)
		step = PAUSE_MOST_NS;
	if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
		random = step / 2;
	return step / 2 + random % (step / 2);
}

/* Waits. */
static bool run_attempts(struct batch *batch)
{
	struct request *request = batch->request;
	unsigned most = batch->is_joined ? 0 : batch->retries;
	bool is_final, is_healed = false;

	for (batch->attempts = 1; !attempt(batch, &is_final); batch->attempts++) {
		struct error *error = &request->error;

		/* Tables that were changed meanwhile are nobody's conflict. */
		if (error->kind == ERROR_CONFLICT && request->db.saw_stale && !is_healed &&
		    !batch->is_joined) {
			is_healed = true;
			error_clear(error);
			continue;
		}
		if (error->kind == ERROR_CONFLICT && batch->attempts <= most + is_healed) {
			error_clear(error);
			if (!db_pause(&request->db, pause_before(batch->attempts), error))
				return false;
			continue;
		}
		if (is_final && error->kind == ERROR_INTEGRITY)
			find_culprit(batch);
		set_place(batch);
		if (batch->retries > 0)
			error->attempts = batch->attempts;
		return false;
	}
	return true;
}

/* -- the request ------------------------------------------------------------------- */

static void end_arena(void *arena)
{
	arena_free(arena);
}

static void end_buf(void *buf)
{
	buf_release(buf);
}

static bool check_isolation(struct batch *batch)
{
	if (!batch->is_joined || batch->isolation == DB_READ_COMMITTED)
		return true;
	return error_set(&batch->request->error, ERROR_TRANSACTION, batch->isolation_pos,
	                 "The transaction that this batch is part of has begun; its isolation stays.");
}

bool batch_run(struct request *request)
{
	static const char *const no_members[] = {NULL};
	struct batch *batch = ARENA_NEW(request->arena, struct batch);
	const struct value *body;

	*batch = (struct batch){.request = request,
	                        .arena = request->arena,
	                        .scratch = arena_new(),
	                        .results = arena_new(),
	                        .is_atomic = true,
	                        .is_joined = request->db.tx != NULL};
	arena_defer(request->arena, end_arena, batch->scratch);
	arena_defer(request->arena, end_arena, batch->results);
	arena_defer(request->arena, end_buf, &batch->replies);
	if (!accept_json(request) || !request_value(request, no_members, &body) ||
	    !batch_decode(batch, body) || !check_isolation(batch))
		return false;
	batch->in_one = batch->is_atomic || batch->is_joined || request->idempotency_key.p != NULL ||
	                request->if_match.p != NULL;
	batch->outer = *request;
	if (batch->in_one)
		return run_attempts(batch);
	begin_anew(batch);
	if (!run_each(batch))
		return false;
	answer(batch);
	return true;
}
