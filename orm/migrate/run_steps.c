/* Parts of a migration: transactions, steps that stand alone, retries.  What the steps are was
 * decided in transition.h. */
#include "orm/migrate/run_steps.h"

#include "orm/model/build.h"

#include <unistd.h>

enum {
	TRIES_MAX = 200,           /* for a lock: with the pauses about ten minutes */
	PAUSE_FIRST_MS = 50,
	PAUSE_MOST_MS = 3000,
	BATCH_ROWS = 1000,
	BATCHES_A_RECORD = 20,
};

static void say(struct step_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct step_run *run, const char *format, ...)
{
	va_list args;
	if (!run->report)
		return;
	va_start(args, format);
	run->report(run->context, arena_vprintf(run->arena, format, args).p);
	va_end(args);
}

/* Of the steps that are done, and of one that is half done: what stands behind them may be mended. */
static struct str checksum_of(struct step_run *run, const struct progress *progress)
{
	size_t n = progress->done + (progress->cursor.p ? 1 : 0);
	struct str *parts = ARENA_ARRAY(run->arena, struct str, 2 * n + 1);
	for (size_t i = 0; i < n; i++) {
		parts[2 * i] = run->steps->items[i].sql;
		parts[2 * i + 1] = run->steps->items[i].tail;
	}
	return django_digest(run->arena, parts, 2 * n, 32);
}

/* How far the migration has come: `done` steps, and up to `cursor` in the next. */
static bool record_progress(struct step_run *run, size_t done, struct str cursor, bool is_running)
{
	struct progress progress = run->progress;
	progress.done = done;
	progress.total = run->steps->n;
	progress.cursor = cursor;
	progress.is_running = is_running;
	progress.checksum = checksum_of(run, &progress);
	return ledger_set_progress(run->connection, run->arena, &progress);
}

/* ---- one statement ---- */

static bool is_waiting(const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	return state && (strcmp(state, "55P03") == 0 || strcmp(state, "40P01") == 0);
}

/* Whether the error says that a lock was not to be had, and trying again makes sense. */
struct outcome {
	bool is_done, is_locked_out;
};

static bool is_copy(ExecStatusType status)
{
	return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

/* Several statements in one text are allowed here: RunSQL is a person's. */
static struct outcome send(struct step_run *run, const char *sql, const char *doing)
{
	PGresult *result = PQexec(run->connection->pg, sql);
	ExecStatusType status = PQresultStatus(result);
	struct outcome outcome = {.is_done = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
	                                     status == PGRES_EMPTY_QUERY};
	outcome.is_locked_out = !outcome.is_done && is_waiting(result);
	if (is_copy(status))
		error_set_nowhere(run->connection->error, ERROR_CONFLICT,
		                  "Cannot %s: COPY has nowhere to read from or write to here. Say INSERT, or "
		                  "load the rows with `quern loaddata`.", doing);
	else if (!outcome.is_done && !outcome.is_locked_out)
		connection_fail(run->connection, result, doing);
	PQclear(result);
	return outcome;
}

static struct outcome done_or_not(bool is_done)
{
	return (struct outcome){.is_done = is_done};
}

static struct outcome send_named(struct step_run *run, const struct step *step)
{
	struct names names = {0};
	const char *doing = arena_cstr(run->arena, step->label);
	if (!find_names(run->connection, run->arena, step->finder, &names))
		return done_or_not(false);
	if (names.n == 0)
		say(run, "    (it is not there)");
	for (size_t i = 0; i < names.n; i++) {
		if (step->unless.p && str_eq(names.items[i], quoted_name(run->arena, step->unless)))
			continue;
		const char *sql = arena_printf(run->arena, "%.*s%.*s%.*s", STR_ARG(step->sql),
		                               STR_ARG(names.items[i]), STR_ARG(step->tail)).p;
		struct outcome outcome = send(run, sql, doing);
		if (!outcome.is_done)
			return outcome;
	}
	return done_or_not(true);
}

static void announce(struct step_run *run, size_t i)
{
	say(run, "step %zu of %zu: %.*s", i + 1, run->steps->n, STR_ARG(run->steps->items[i].label));
}

/* ---- parts in a transaction ---- */

static bool record_end(struct step_run *run)
{
	struct progress *progress = &run->progress;
	bool is_recorded =
		progress->is_backward
			? ledger_forget(run->connection, run->arena, run->migration)
			: ledger_record(run->connection, run->arena, run->migration, run->registry);
	return is_recorded && ledger_clear_progress(run->connection, progress->name, run->arena);
}

static bool record_part(struct step_run *run, size_t done)
{
	if (done == run->steps->n)
		return record_end(run);
	return record_progress(run, done, (struct str){0}, false);
}

/* A change of rows leaves checks for the end, and a table that has some cannot be altered. */
static struct outcome settle(struct step_run *run, bool *has_pending)
{
	if (!*has_pending)
		return done_or_not(true);
	*has_pending = false;
	return send(run, "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED",
	            "check the rows that changed");
}

static bool is_in_transaction(struct step_run *run, const struct step *step)
{
	if (PQtransactionStatus(run->connection->pg) == PQTRANS_INTRANS)
		return true;
	return error_set_nowhere(run->connection->error, ERROR_CONFLICT,
	                         "%.*s: the SQL ended the transaction that the migration runs in. Leave "
	                         "out COMMIT and ROLLBACK, or say \"atomic\": false in the RunSQL.",
	                         STR_ARG(step->label));
}

static struct outcome run_together(struct step_run *run, size_t from, size_t to)
{
	bool has_pending = false;
	const char *timeout =
		arena_printf(run->arena, "SET LOCAL lock_timeout = %u", run->lock_timeout).p;
	struct outcome outcome = send(run, "BEGIN ISOLATION LEVEL READ COMMITTED", "begin");
	if (outcome.is_done)
		outcome = send(run, timeout, "begin");
	if (outcome.is_done)
		outcome = send(run, run->restore, "begin");
	for (size_t i = from; outcome.is_done && i < to; i++) {
		const struct step *step = &run->steps->items[i];
		outcome = settle(run, &has_pending);
		if (outcome.is_done && i > from && run->steps->items[i - 1].is_data && !step->is_data)
			outcome = send(run, run->restore, "go on");
		if (!outcome.is_done)
			break;
		announce(run, i);
		outcome = step->finder ? send_named(run, step)
		                       : send(run, step->sql.p, arena_cstr(run->arena, step->label));
		has_pending = step->is_data;
		if (outcome.is_done && !is_in_transaction(run, step))
			return done_or_not(false);
	}
	if (outcome.is_done && from < to && run->steps->items[to - 1].is_data)
		outcome = send(run, run->restore, "record how far the migration is");
	if (outcome.is_done)
		outcome = done_or_not(record_part(run, to));
	if (outcome.is_done)
		outcome = send(run, "COMMIT", "commit");
	return outcome;
}

static void roll_back(struct step_run *run)
{
	if (PQtransactionStatus(run->connection->pg) != PQTRANS_IDLE)
		PQclear(PQexec(run->connection->pg, "ROLLBACK"));
}

static bool give_up(struct step_run *run)
{
	return error_set_nowhere(run->connection->error, ERROR_UNAVAILABLE,
	                         "a lock was not to be had in %d attempts: others keep the table busy. "
	                         "Nothing of this part was done; try again at a quieter time, or with a "
	                         "longer --lock-timeout",
	                         (int)TRIES_MAX);
}

/* Waits longer from try to try, so that those whose turn it is get on. */
static void pause_before(struct step_run *run, unsigned try)
{
	unsigned pause = PAUSE_FIRST_MS << (try < 6 ? try : 6);
	if (pause > PAUSE_MOST_MS)
		pause = PAUSE_MOST_MS;
	if (try == 0 || try % 10 == 9)
		say(run, "  the table is busy: trying again (attempt %u)", try + 2);
	usleep(pause * 1000);
}

static bool run_part(struct step_run *run, size_t from, size_t to)
{
	for (unsigned try = 0; try < TRIES_MAX; try++) {
		struct outcome outcome = run_together(run, from, to);
		if (outcome.is_done)
			return true;
		roll_back(run);
		if (!outcome.is_locked_out)
			return false;
		pause_before(run, try);
	}
	return give_up(run);
}

/* ---- steps that stand alone ---- */

static bool is_index_valid(struct step_run *run, const struct step *step, bool *exists, bool *valid)
{
	const char *params[] = {arena_cstr(run->arena, step->index), arena_cstr(run->arena, step->table),
	                        NULL};
	PGresult *result;
	/* One of another table, which is in the way, is not ours to drop. */
	if (!connection_query(run->connection,
	                      "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1) AND "
	                      "indrelid = to_regclass($2)", params,
	                      "look at an index", &result))
		return false;
	*exists = PQntuples(result) > 0;
	*valid = *exists && *PQgetvalue(result, 0, 0) == 't';
	PQclear(result);
	return true;
}

/* It would slow down every write.  The error of the attempt is the one to be told. */
static void drop_unfinished(struct step_run *run, const struct step *step)
{
	struct error *error = run->connection->error, own = *error;
	const char *drop = arena_printf(run->arena, "DROP INDEX CONCURRENTLY %.*s",
	                                STR_ARG(step->index)).p;
	bool exists, valid;
	error_clear(error);
	if (is_index_valid(run, step, &exists, &valid) && exists && !valid)
		PQclear(PQexec(run->connection->pg, drop));
	*error = own;
}

static struct outcome run_index(struct step_run *run, const struct step *step)
{
	bool exists, valid;
	if (!is_index_valid(run, step, &exists, &valid))
		return done_or_not(false);
	/* By a run that was interrupted, or by hand. */
	if (valid)
		return done_or_not(check_same_index(run, step));
	if (exists) {
		const char *drop = arena_printf(run->arena, "DROP INDEX CONCURRENTLY %.*s",
		                                STR_ARG(step->index)).p;
		struct outcome outcome = send(run, drop, "drop what is left of an index");
		if (!outcome.is_done)
			return outcome;
	}
	struct outcome outcome = send(run, step->sql.p, arena_cstr(run->arena, step->label));
	if (!outcome.is_done && !outcome.is_locked_out)
		drop_unfinished(run, step);
	return outcome;
}

/* Fills the rows of one stretch of keys behind the cursor; *cursor has p == NULL at the end. */
static struct outcome fill_batch(struct step_run *run, const struct step *step, struct str *cursor)
{
	const char *place = cursor->p ? arena_printf(run->arena, "WHERE %.*s > $1 ",
	                                             STR_ARG(step->key)).p
	                              : "";
	const char *sql = arena_printf(run->arena,
		"WITH batch AS (SELECT %.*s AS k FROM %.*s %sORDER BY %.*s LIMIT %d), "
		"changed AS (UPDATE %.*s t SET %.*s = %.*s FROM batch WHERE t.%.*s = batch.k AND "
		"t.%.*s IS NULL RETURNING 1) "
		"SELECT k::text FROM batch ORDER BY k DESC LIMIT 1",
		STR_ARG(step->key), STR_ARG(step->table), place, STR_ARG(step->key), (int)BATCH_ROWS,
		STR_ARG(step->table), STR_ARG(step->column), STR_ARG(step->value), STR_ARG(step->key),
		STR_ARG(step->column)).p;
	const char *params[] = {cursor->p ? arena_cstr(run->arena, *cursor) : NULL};
	PGresult *result = PQexecParams(run->connection->pg, sql, cursor->p ? 1 : 0, NULL, params, NULL,
	                                NULL, 0);
	struct outcome outcome = {.is_done = PQresultStatus(result) == PGRES_TUPLES_OK};
	outcome.is_locked_out = !outcome.is_done && is_waiting(result);
	if (outcome.is_done)
		*cursor = PQntuples(result) > 0 ? arena_str(run->arena, str_of(PQgetvalue(result, 0, 0)))
		                                : (struct str){0};
	else if (!outcome.is_locked_out)
		connection_fail(run->connection, result, arena_cstr(run->arena, step->label));
	PQclear(result);
	return outcome;
}

/* Without a single key to go along: what has no value yet, some at a time, until nothing is left. */
static struct outcome backfill_anywhere(struct step_run *run, const struct step *step)
{
	const char *sql = arena_printf(run->arena,
		"UPDATE %.*s SET %.*s = %.*s WHERE ctid = ANY(ARRAY(SELECT ctid FROM %.*s WHERE %.*s IS NULL "
		"LIMIT %d))",
		STR_ARG(step->table), STR_ARG(step->column), STR_ARG(step->value), STR_ARG(step->table),
		STR_ARG(step->column), (int)BATCH_ROWS).p;
	for (;;) {
		PGresult *result = PQexec(run->connection->pg, sql);
		bool is_done = PQresultStatus(result) == PGRES_COMMAND_OK;
		bool is_last = is_done && strcmp(PQcmdTuples(result), "0") == 0;
		struct outcome outcome = {.is_done = is_done, .is_locked_out = !is_done && is_waiting(result)};
		if (!is_done && !outcome.is_locked_out)
			connection_fail(run->connection, result, arena_cstr(run->arena, step->label));
		PQclear(result);
		if (!is_done || is_last)
			return outcome;
		usleep(2000);
	}
}

static struct outcome backfill_along(struct step_run *run, size_t i)
{
	const struct step *step = &run->steps->items[i];
	struct str cursor = run->progress.done == i ? run->progress.cursor : (struct str){0};
	unsigned nlocked = 0;
	for (unsigned batch = 1;; batch++) {
		struct outcome outcome = fill_batch(run, step, &cursor);
		if (outcome.is_locked_out && nlocked++ < TRIES_MAX) {
			pause_before(run, nlocked - 1);
			continue;
		}
		if (!outcome.is_done || !cursor.p)
			return outcome;
		nlocked = 0;
		if (batch % BATCHES_A_RECORD == 0 && !record_progress(run, i, cursor, false))
			return done_or_not(false);
		usleep(2000);
	}
}

static struct outcome backfill(struct step_run *run, size_t i)
{
	const struct step *step = &run->steps->items[i];
	const char *timeout = arena_printf(run->arena, "SET lock_timeout = %u", run->lock_timeout).p;
	struct outcome outcome = send(run, timeout, "fill rows");
	if (!outcome.is_done)
		return outcome;
	outcome = step->key.n > 0 ? backfill_along(run, i) : backfill_anywhere(run, step);
	PQclear(PQexec(run->connection->pg, "SET lock_timeout = 0"));
	return outcome;
}

/* RunSQL outside of a transaction: interrupted, it may have been carried out or not. */
static bool ends_unknown(const struct step *step)
{
	return step->is_apart && step->is_data && step->kind == STEP_SQL;
}

static struct outcome run_apart_once(struct step_run *run, size_t i)
{
	const struct step *step = &run->steps->items[i];
	if (step->kind == STEP_INDEX)
		return run_index(run, step);
	if (step->kind == STEP_BACKFILL)
		return backfill(run, i);
	if (ends_unknown(step) && !record_progress(run, i, (struct str){0}, true))
		return done_or_not(false);
	return send(run, step->sql.p, arena_cstr(run->arena, step->label));
}

static bool run_apart(struct step_run *run, size_t i)
{
	announce(run, i);
	for (unsigned try = 0; try < TRIES_MAX; try++) {
		struct outcome outcome = run_apart_once(run, i);
		if (outcome.is_done)
			return run_part(run, i + 1, i + 1);
		if (!outcome.is_locked_out)
			return false;
		pause_before(run, try);
	}
	return give_up(run);
}

/* ---- the whole ---- */

/* Whether the steps that were done are the first of those that would be done now. */
static bool is_same_so_far(struct step_run *run)
{
	const struct progress *progress = &run->progress;
	size_t begun = progress->done + (progress->cursor.p || progress->is_running ? 1 : 0);
	return begun <= run->steps->n && str_eq(progress->checksum, checksum_of(run, progress));
}

static bool check_resumption(struct step_run *run)
{
	struct progress *progress = &run->progress;
	if (progress->done == 0 && !progress->is_running && !progress->cursor.p)
		return true;
	if (!is_same_so_far(run))
		return error_set_nowhere(
			run->connection->error, ERROR_CONFLICT,
			"What was done of %.*s, %zu of its %zu steps, was changed in the files since. Put it back "
			"as it was and run this again to go on; or bring the tables %s it by hand and say so with "
			"`quern migrate %s --fake`.",
			STR_ARG(progress->name), progress->done, progress->total,
			progress->is_backward ? "in front of" : "behind",
			progress->is_backward ? "TARGET" : arena_cstr(run->arena, progress->name));
	if (progress->is_running && run->resuming == RESUME_ASK)
		return error_set_nowhere(
			run->connection->error, ERROR_CONFLICT,
			"%.*s failed or was interrupted in step %zu of %zu, a RunSQL outside of a transaction, and "
			"nobody knows how far that came. Look at the database; then say --resume=again to run "
			"that step again, or --resume=skip to go on behind it.",
			STR_ARG(progress->name), progress->done + 1, progress->total);
	if (progress->is_running && run->resuming == RESUME_SKIP)
		progress->done++;
	say(run, "continuing behind step %zu of %zu", progress->done, run->steps->n);
	return true;
}

static void tell_where(struct step_run *run, size_t done)
{
	struct error *error = run->connection->error;
	const struct step *step = &run->steps->items[done];
	bool is_asked = ends_unknown(step);
	if (!error_is_set(error))
		return;
	if (step->hint.p && error->kind != ERROR_UNAVAILABLE)
		error->detail = arena_printf(run->arena, "%.*s\n%.*s", STR_ARG(error->detail),
		                             STR_ARG(step->hint));
	if (done == 0 && !is_asked)
		return;
	error->detail = arena_printf(
		run->arena, "%.*s\n%.*s stands behind step %zu of %zu, which is recorded. When the cause is "
		"gone, run this again: it continues there.%s", STR_ARG(error->detail),
		STR_ARG(run->progress.name), done, run->steps->n,
		is_asked ? " What the SQL did outside of a transaction is still done: look at the database, "
	               "and say --resume=again or --resume=skip." : "");
}

bool run_steps(struct step_run *run)
{
	const struct steps *steps = run->steps;
	bool ok = check_resumption(run);
	size_t i = run->progress.done;
	if (!ok)
		return false;
	if (steps->n == i)
		return run_part(run, i, i);
	while (i < steps->n) {
		size_t to = i + 1;
		while (!steps->items[i].is_apart && to < steps->n && !steps->items[to].is_apart)
			to++;
		ok = steps->items[i].is_apart ? run_apart(run, i) : run_part(run, i, to);
		if (!ok) {
			tell_where(run, i);
			return false;
		}
		i = to;
	}
	return true;
}
