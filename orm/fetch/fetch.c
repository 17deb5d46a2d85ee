/* Runs plans: all rows at once, or in batches of bounded size.
 *
 * A plan without a limit is streamed.  Where levels hang below it, rows are gathered until a batch is
 * worth a statement for each level; what a batch needed is freed before the next is read.
 */
#include "orm/fetch/fetch.h"

#include "orm/fetch/batch.h"
#include "orm/fetch/levels.h"

bool fetch_all(struct db_session *session, const struct plan *plan, struct fetched **fetched,
               struct error *error)
{
	struct fetched *out = ARENA_NEW(session->arena, struct fetched);

	*fetched = out;
	out->plan = plan;
	if (!plan->is_empty && !db_query(session, &plan->statement, true, &out->rows, error))
		return false;
	return plan->nprefetches == 0 || fetch_levels(session, out, error);
}

bool fetch_all_beside(struct db_session *session, const struct plan *plan,
                      const struct statement *beside, struct fetched **fetched,
                      struct db_rows *rows, struct error *error)
{
	const struct statement statements[] = {plan->statement, *beside};
	struct fetched *out = ARENA_NEW(session->arena, struct fetched);
	struct db_rows both[2];

	if (plan->is_empty)
		return db_query(session, beside, true, rows, error) &&
		       fetch_all(session, plan, fetched, error);
	if (!db_run_each(session, statements, 2, both, error))
		return false;
	out->plan = plan;
	out->rows = both[0];
	*rows = both[1];
	*fetched = out;
	return plan->nprefetches == 0 || fetch_levels(session, out, error);
}

typedef bool (*each_fn)(const struct fetched *batch, void *arg, struct error *error);

/* ---- rows without levels below them: each helping of the stream is a batch ---- */

static bool give_helpings(struct db_stream *stream, const struct plan *plan, each_fn each,
                          void *arg, struct error *error)
{
	struct fetched batch = {.plan = plan};
	bool is_ok;

	do
		is_ok = db_stream_next(stream, &batch.rows, error) &&
		        (batch.rows.nrows == 0 || each(&batch, arg, error));
	while (is_ok && batch.rows.nrows > 0);
	db_stream_close(stream);
	return is_ok;
}

/* ---- rows with levels ---- */

/* Fetches the levels below the gathered rows, in the batch's own arena, and gives all of it out. */
static bool give_batch(struct db_session *session, const struct plan *plan, struct batch *batch,
                       each_fn each, void *arg, struct error *error)
{
	struct fetched fetched = {.plan = plan, .rows = batch->rows};
	struct arena *arena = session->arena;
	bool is_ok;

	if (batch->rows.nrows == 0)
		return true;
	session->arena = batch->arena;
	is_ok = fetch_levels(session, &fetched, error) && each(&fetched, arg, error);
	session->arena = arena;
	batch_clear(batch);
	return is_ok;
}

/* Reads the stream to its end; what is not a full batch stays in `batch`. */
static bool gather(struct db_session *session, struct db_stream *stream, const struct plan *plan,
                   struct batch *batch, each_fn each, void *arg, struct error *error)
{
	struct db_rows rows;

	for (;;) {
		if (!db_stream_next(stream, &rows, error))
			return false;
		if (rows.nrows == 0)
			return true;
		for (size_t from = 0; from < rows.nrows;) {
			batch_add(batch, &rows, &from);
			if (batch_is_full(batch) && !give_batch(session, plan, batch, each, arg, error))
				return false;
		}
	}
}

/* The stream's connection is given back before the last batch, often the only one, asks for its levels. */
static bool give_batches(struct db_session *session, struct db_stream *stream,
                         const struct plan *plan, each_fn each, void *arg, struct error *error)
{
	struct batch batch;
	bool is_ok;

	batch_init(&batch, session->arena, FETCH_BATCH);
	is_ok = gather(session, stream, plan, &batch, each, arg, error);
	db_stream_close(stream);
	return is_ok && give_batch(session, plan, &batch, each, arg, error);
}

static bool fetch_at_once(struct db_session *session, const struct plan *plan, each_fn each,
                          void *arg, struct error *error)
{
	struct fetched *fetched;

	if (!fetch_all(session, plan, &fetched, error))
		return false;
	return fetched->rows.nrows == 0 || each(fetched, arg, error);
}

bool fetch_each(struct db_session *session, const struct plan *plan, each_fn each, void *arg,
                struct error *error)
{
	struct db_stream *stream;

	if (plan->has_limit || plan->is_empty)
		return fetch_at_once(session, plan, each, arg, error);
	if (!db_stream_open(session, &plan->statement, &stream, error))
		return false;
	if (plan->nprefetches == 0)
		return give_helpings(stream, plan, each, arg, error);
	return give_batches(session, stream, plan, each, arg, error);
}
