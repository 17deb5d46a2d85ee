/* From the files and the ledger to a plan, and through it.  How a step is carried out is
 * run_steps.c's; what it shows of itself migrate_plan.c's. */
#include "orm/migrate/migrate_files.h"

#include "orm/migrate/edit.h"
#include "orm/migrate/plan_text.h"

#include <unistd.h>

struct work {
	const struct migrate_options *options;
	struct migrate_request *request;
	struct error *error;
	struct arena *arena;
	struct connection connection;
	struct ledger ledger;
	struct graph graph;
	bool *is_applied; /* as the work goes on */
	struct buf *plan; /* NULL: it is carried out */
	const char *restore; /* struct step_run's */
};

static void say(struct work *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct work *w, const char *format, ...)
{
	va_list args;
	if (!w->options->report)
		return;
	va_start(args, format);
	w->options->report(w->options->context, arena_vprintf(w->arena, format, args).p);
	va_end(args);
}

/* ---- the session ---- */

/* Asks again and again rather than waiting in the server: a statement that waits would be waited
 * for by CREATE INDEX CONCURRENTLY. */
static bool take_turn(struct work *w)
{
	for (unsigned try = 0;; try++) {
		PGresult *result;
		if (!connection_query(&w->connection,
		                      "SELECT pg_try_advisory_lock(hashtextextended('quern_migrations', 0))",
		                      NULL, "wait for another migration of this database", &result))
			return false;
		bool is_ours = *PQgetvalue(result, 0, 0) == 't';
		PQclear(result);
		if (is_ours)
			return true;
		if (try % 200 == 30)
			say(w, "waiting for another migration of this database to end");
		usleep(try < 20 ? 5 * 1000 : 100 * 1000);
	}
}

static bool open_session(struct work *w)
{
	static const char *const statements[] = {
		"SET statement_timeout = 0",
		"SET idle_in_transaction_session_timeout = 0",
		"SET lock_timeout = 0",
	};
	if (!connection_open(&w->connection, w->options, w->error))
		return false;
	for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
		if (!connection_run(&w->connection, statements[i], "set up the session"))
			return false;
	return true;
}

/* A dump that somebody runs as RunSQL begins with an empty search path; the ledger and the other steps have ours. */
static bool note_session(struct work *w)
{
	struct sql sql;
	struct statement statement;
	PGresult *result;
	if (!connection_query(&w->connection, "SELECT current_setting('search_path')", NULL,
	                      "look at the search path", &result))
		return false;
	sql_init(&sql, w->arena);
	sql.is_inline = true;
	sql_lit(&sql, "SELECT set_config('statement_timeout', '0', false), set_config('search_path', ");
	sql_param(&sql, arena_str(w->arena, str_of(PQgetvalue(result, 0, 0))), 0, (struct str){0});
	sql_lit(&sql, ", false)");
	PQclear(result);
	sql_finish(&sql, 0, &statement);
	w->restore = statement.sql.p;
	return true;
}

static bool load(struct work *w)
{
	return ledger_load(&w->connection, w->arena, &w->ledger) &&
	       graph_build(w->arena, w->request->migrations, w->request->n, &w->ledger.applied,
	                   &w->graph, w->error);
}

static void note_applied(struct work *w)
{
	w->is_applied = ARENA_ARRAY(w->arena, bool, w->graph.n + 1);
	for (size_t i = 0; i < w->graph.n; i++)
		w->is_applied[i] = w->graph.items[i]->is_applied;
}

static bool registry_now(struct work *w, const struct registry **registry)
{
	struct project project;
	return graph_project(&w->graph, w->is_applied, &project, w->error) &&
	       project_registry(&project, registry, w->error);
}

/* All of what `record` writes, or nothing.  A transaction that failed ends with the connection. */
static bool record_together(struct work *w, size_t which, bool (*record)(struct work *w, size_t which))
{
	return connection_run(&w->connection, "BEGIN", "begin") && record(w, which) &&
	       connection_run(&w->connection, "COMMIT", "record the migration");
}

/* ---- a database that was made from the models alone ---- */

static bool is_recorded_state(struct work *w, const struct registry *registry)
{
	struct state state;
	struct state_difference difference;
	state_of_registry(&state, registry, w->arena);
	state_compare(w->arena, &w->ledger.history.state, &state, registry, &difference);
	return difference.n == 0 && difference.added.n == 0;
}

static bool record_first(struct work *w, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct registry *registry;
		w->is_applied[i] = true;
		say(w, "%.*s: its tables are there already, as they were recorded",
		    STR_ARG(w->graph.items[i]->name));
		if (w->plan)
			continue;
		if (!registry_now(w, &registry) ||
		    !ledger_record(&w->connection, w->arena, w->graph.items[i], registry))
			return false;
	}
	return true;
}

/* The first migrations are recorded as applied when the database is what they make. */
static bool adopt(struct work *w)
{
	bool *is_in = ARENA_ARRAY(w->arena, bool, w->graph.n + 1);
	if (!w->ledger.has_unnamed || w->ledger.applied.n > 0 || w->request->is_fake)
		return true;
	for (size_t i = 0; i < w->graph.n; i++) {
		struct project project;
		const struct registry *registry;
		is_in[i] = true;
		if (!graph_project(&w->graph, is_in, &project, w->error) ||
		    !project_registry(&project, &registry, w->error))
			return false;
		if (is_recorded_state(w, registry))
			return w->plan ? record_first(w, i + 1) : record_together(w, i + 1, record_first);
	}
	return error_set_nowhere(
		w->error, ERROR_CONFLICT,
		"The database was made from the models, before there were migration files, and is in no "
		"state that the files describe. Take the models as they were then, let `quern "
		"makemigrations` write the first file from them, and migrate; or, when the tables are what "
		"a migration makes, say so with `quern migrate NAME --fake`.");
}

/* ---- steps ---- */

static bool is_reversible(const struct migration *migration, struct error *error)
{
	for (size_t i = 0; i < migration->operations.n; i++)
		if (migration->operations.items[i].kind == OP_RUN_SQL &&
		    !migration->operations.items[i].reverse_sql)
			return error_set_nowhere(error, ERROR_CONFLICT,
			                         "%.*s cannot be undone: its operation %zu is a RunSQL without "
			                         "\"reverse_sql\" (an empty array says that nothing is to be done)",
			                         STR_ARG(migration->name), i + 1);
	return true;
}

static bool misplaced(struct error *error, const struct migration *migration, size_t operation)
{
	error->detail =
		arena_printf(error->arena, "%.*s, operation %zu (%s): %.*s", STR_ARG(migration->name),
	                 operation + 1, operation_name(migration->operations.items[operation].kind),
	                 STR_ARG(error->detail));
	return false;
}

/* The models behind the first n operations; all that is made for it lives in `arena`. */
static bool stage_at(const struct migration *migration, const struct project *before, size_t n,
                     struct arena *arena, const struct registry **registry, struct error *error)
{
	struct project there = *before, project;
	there.arena = arena;
	project_copy(&project, &there);
	for (size_t i = 0; i < n; i++)
		if (!operation_apply(&migration->operations.items[i], &project, error))
			return misplaced(error, migration, i);
	if (project_registry(&project, registry, error))
		return true;
	return n > 0 ? misplaced(error, migration, n - 1) : false;
}

/* Two registries at a time, each in an arena of its own: of hundreds of models a thousand of them would be a
 * thousand times as much. */
static bool add_steps(const struct migration *migration, const struct project *before,
                      bool is_backward, struct arena *const sides[2], struct steps *steps,
                      const struct registry **after, struct error *error)
{
	size_t n = migration->operations.n;
	const struct registry *from, *to;
	if (!stage_at(migration, before, is_backward ? n : 0, n > 0 ? sides[0] : steps->arena, &from, error))
		return false;
	for (size_t i = 0; i < n; i++) {
		size_t at = is_backward ? n - 1 - i : i;
		struct arena *side = i + 1 < n ? sides[(i + 1) % 2] : steps->arena;
		if (i + 1 < n)
			arena_reset(side);
		if (!stage_at(migration, before, is_backward ? at : at + 1, side, &to, error))
			return false;
		if (!transition_steps(steps, from, to, &migration->operations.items[at], is_backward, error))
			return misplaced(error, migration, at);
		from = to;
	}
	*after = from;
	return true;
}

/* *after lives as long as the steps. */
static bool migration_steps(const struct migration *migration, const struct project *before,
                            bool is_backward, struct steps *steps, const struct registry **after,
                            struct error *error)
{
	struct arena *sides[2] = {arena_new(), arena_new()};
	bool ok = add_steps(migration, before, is_backward, sides, steps, after, error);
	if (!ok && error->suggestion.p)
		error->suggestion = arena_str(error->arena, error->suggestion);
	arena_free(sides[0]);
	arena_free(sides[1]);
	return ok;
}

/* ---- one migration ---- */

static bool has_table(struct work *w, const struct model *model, bool *is_there)
{
	const char *params[] = {quoted_table(w->arena, model).p, NULL};
	PGresult *result;
	if (!connection_query(&w->connection, "SELECT to_regclass($1) IS NOT NULL", params,
	                      "look for tables", &result))
		return false;
	*is_there = *PQgetvalue(result, 0, 0) == 't';
	PQclear(result);
	return true;
}

/* Whether it is a first one and all tables that it makes are there; not one that makes none. */
static bool has_tables(struct work *w, const struct migration *migration, bool *has_all)
{
	struct project project;
	const struct registry *registry;
	size_t ntables = 0;
	bool is_there = migration->dependencies.n == 0;
	*has_all = false;
	if (!is_there)
		return true;
	project_init(&project, w->arena);
	if (!migration_apply(migration, &project, w->error) ||
	    !project_registry(&project, &registry, w->error))
		return false;
	for (size_t i = 0; is_there && i < registry->nmodels; i++) {
		if (!registry->models[i]->is_managed)
			continue;
		ntables++;
		if (!has_table(w, registry->models[i], &is_there))
			return false;
	}
	*has_all = is_there && ntables > 0;
	return true;
}

/* As w->is_applied has it. */
static bool record_one(struct work *w, size_t index)
{
	const struct migration *migration = w->graph.items[index];
	const struct registry *registry;
	if (!registry_now(w, &registry))
		return false;
	bool ok = w->is_applied[index] ? ledger_record(&w->connection, w->arena, migration, registry)
	                               : ledger_forget(&w->connection, w->arena, migration);
	return ok && ledger_clear_progress(&w->connection, migration->name, w->arena);
}

static bool record_only(struct work *w, size_t index)
{
	const struct migration *migration = w->graph.items[index];
	if (w->plan) {
		buf_printf(w->plan, "-- %.*s: only recorded\n", STR_ARG(migration->name));
		return true;
	}
	say(w, "%.*s: %s, without touching a table", STR_ARG(migration->name),
	    w->is_applied[index] ? "recorded as applied" : "recorded as not applied");
	return record_together(w, index, record_one);
}

static struct progress progress_of(struct work *w, const struct migration *migration,
                                   bool is_backward)
{
	if (w->ledger.progress.name.p && str_eq(w->ledger.progress.name, migration->name))
		return w->ledger.progress;
	return (struct progress){.name = migration->name, .is_backward = is_backward};
}

static bool carry_out(struct work *w, size_t index, bool is_backward)
{
	const struct migration *migration = w->graph.items[index];
	struct project before;
	struct steps steps = {.arena = w->arena,
	                      .is_plain = w->request->is_plain || migration->is_whole};
	const struct registry *after;
	w->is_applied[index] = false;
	if (!graph_project(&w->graph, w->is_applied, &before, w->error) ||
	    !migration_steps(migration, &before, is_backward, &steps, &after, w->error))
		return false;
	w->is_applied[index] = !is_backward;
	if (w->plan)
		return plan_text(&w->connection, w->arena, migration->name, is_backward, &steps, w->plan);
	say(w, "%s %.*s", is_backward ? "unapplying" : "applying", STR_ARG(migration->name));
	struct step_run run = {
		.connection = &w->connection,
		.arena = w->arena,
		.steps = &steps,
		.migration = migration,
		.progress = progress_of(w, migration, is_backward),
		.registry = after,
		.restore = w->restore,
		.resuming = w->request->resuming,
		.lock_timeout = w->request->is_plain ? 60000 : w->request->lock_timeout,
		.report = w->options->report,
		.context = w->options->context,
	};
	if (run_steps(&run))
		return true;
	error_set_migration(w->error, w->arena, migration->name);
	return false;
}

static bool walk_one(struct work *w, size_t index, bool is_backward)
{
	const struct migration *migration = w->graph.items[index];
	bool is_there = false;
	if (!is_backward && w->request->fakes_initial && !has_tables(w, migration, &is_there))
		return false;
	if (!w->request->is_fake && !is_there)
		return carry_out(w, index, is_backward);
	w->is_applied[index] = !is_backward;
	return record_only(w, index);
}

/* ---- the way ---- */

/* One that is half done comes first, and in its own direction. */
static bool check_half_done(struct work *w, const bool *is_wanted)
{
	const struct progress *progress = &w->ledger.progress;
	size_t index;
	if (!progress->name.p)
		return true;
	if (!graph_find(&w->graph, progress->name, &index, w->error)) {
		w->error->detail =
			arena_printf(w->arena, "%.*s is half done (%zu of %zu steps) and its file is gone: put "
		                 "it back", STR_ARG(progress->name), progress->done, progress->total);
		return false;
	}
	if (w->request->is_fake || (is_wanted[index] != w->is_applied[index] &&
	                            is_wanted[index] == !progress->is_backward))
		return true;
	return error_set_nowhere(w->error, ERROR_CONFLICT,
	                         "%.*s is half %s (%zu of %zu steps): finish that first with `quern "
	                         "migrate%s%.*s`",
	                         STR_ARG(progress->name), progress->is_backward ? "undone" : "done",
	                         progress->done, progress->total, progress->is_backward ? " TARGET" : " ",
	                         (int)(progress->is_backward ? 0 : progress->name.n), progress->name.p);
}

/* Which migrations are to be applied in the end. */
static bool find_wanted(struct work *w, bool *is_wanted)
{
	struct str target = w->request->target;
	size_t index;
	if (target.p && str_is(target, "zero"))
		return true;
	if (!target.p) {
		for (size_t i = 0; i < w->graph.n; i++)
			is_wanted[i] = true;
		return graph_check_fork(&w->graph, w->error);
	}
	if (!graph_find(&w->graph, target, &index, w->error))
		return false;
	bool goes_back = w->is_applied[index];
	for (size_t i = 0; i < w->graph.n; i++) {
		if (goes_back)
			is_wanted[i] = w->is_applied[i] && (i == index || !graph_depends(&w->graph, i, index));
		else
			is_wanted[i] = w->is_applied[i] || graph_depends(&w->graph, index, i);
	}
	return true;
}

static bool walk(struct work *w)
{
	bool *is_wanted = ARENA_ARRAY(w->arena, bool, w->graph.n + 1);
	struct project end;
	/* A mistake in the last file is told before the first is run. */
	if (!find_wanted(w, is_wanted) || !check_half_done(w, is_wanted) ||
	    !graph_project(&w->graph, is_wanted, &end, w->error))
		return false;
	for (size_t i = w->graph.n; i-- > 0;)
		if (w->is_applied[i] && !is_wanted[i] && !w->request->is_fake &&
		    !is_reversible(w->graph.items[i], w->error))
			return false;
	for (size_t i = w->graph.n; i-- > 0;)
		if (w->is_applied[i] && !is_wanted[i] && !walk_one(w, i, true))
			return false;
	for (size_t i = 0; i < w->graph.n; i++)
		if (!w->is_applied[i] && is_wanted[i] && !walk_one(w, i, false))
			return false;
	return true;
}

/* A squashed migration whose parts are all applied is applied. */
static bool record_squashed(struct work *w)
{
	for (size_t i = 0; i < w->graph.n; i++) {
		const struct migration *migration = w->graph.items[i];
		const struct registry *registry;
		if (!migration->is_applied || names_have(&w->ledger.applied, migration->name))
			continue;
		if (!registry_now(w, &registry) ||
		    !ledger_record(&w->connection, w->arena, migration, registry))
			return false;
	}
	return true;
}

static bool has_work(struct work *w)
{
	bool *is_wanted = ARENA_ARRAY(w->arena, bool, w->graph.n + 1);
	struct error error;
	struct error *own = w->error;
	error_init(&error, w->arena);
	w->error = &error;
	bool ok = find_wanted(w, is_wanted);
	w->error = own;
	for (size_t i = 0; ok && i < w->graph.n; i++)
		if (is_wanted[i] != w->is_applied[i])
			return true;
	return !ok || (w->ledger.has_unnamed && w->ledger.applied.n == 0);
}

static bool apply_all(struct work *w)
{
	if (!open_session(w) || !note_session(w) || !take_turn(w) || !load(w))
		return false;
	note_applied(w);
	if (!ledger_make(&w->connection, w->arena))
		return false;
	if (has_work(w) && !adopt(w))
		return false;
	return record_squashed(w) && walk(w);
}

bool migrate_files_apply(const struct migrate_options *options, struct migrate_request *request,
                         struct error *error)
{
	struct work w = {.options = options, .request = request, .error = error, .arena = error->arena};
	bool ok = apply_all(&w);
	/* Closing ends a transaction that failed, and gives the turn to the next. */
	if (w.connection.pg)
		connection_close(&w.connection);
	return ok;
}

bool migrate_files_plan(const struct migrate_options *options, struct migrate_request *request,
                        struct str *text, struct error *error)
{
	struct buf plan = {0};
	struct work w = {.options = options, .request = request, .error = error, .arena = error->arena,
	                 .plan = &plan};
	bool ok = open_session(&w) &&
	          connection_run(&w.connection, "BEGIN READ ONLY", "look at the database") && load(&w);
	if (ok) {
		note_applied(&w);
		ok = (!has_work(&w) || adopt(&w)) && walk(&w);
	}
	if (w.connection.pg)
		connection_close(&w.connection);
	*text = arena_str(error->arena, buf_str(&plan));
	buf_release(&plan);
	return ok;
}

bool migrate_files_look(const struct migrate_options *options, struct migration *migrations, size_t n,
                        struct graph *graph, struct progress *progress, struct error *error)
{
	struct migrate_request request = {.migrations = migrations, .n = n};
	struct work w = {.options = options, .request = &request, .error = error,
	                 .arena = error->arena};
	bool ok = open_session(&w) &&
	          connection_run(&w.connection, "BEGIN READ ONLY", "look at the database") && load(&w);
	if (w.connection.pg)
		connection_close(&w.connection);
	*graph = w.graph;
	*progress = w.ledger.progress;
	return ok;
}

bool migrate_files_sql(struct migration *migrations, size_t n, struct str name, bool is_backward,
                       struct str *sql, struct error *error)
{
	struct graph graph;
	struct names none = {0};
	struct project before;
	size_t index;
	const struct registry *after;
	struct steps steps = {.arena = error->arena};
	if (!graph_build(error->arena, migrations, n, &none, &graph, error) ||
	    !graph_find(&graph, name, &index, error))
		return false;
	if (is_backward && !is_reversible(graph.items[index], error))
		return false;
	bool *is_in = ARENA_ARRAY(error->arena, bool, graph.n + 1);
	for (size_t i = 0; i < index; i++)
		is_in[i] = graph_depends(&graph, index, i);
	steps.is_plain = graph.items[index]->is_whole;
	if (!graph_project(&graph, is_in, &before, error) ||
	    !migration_steps(graph.items[index], &before, is_backward, &steps, &after, error))
		return false;
	*sql = steps_script(error->arena, &steps);
	return true;
}
