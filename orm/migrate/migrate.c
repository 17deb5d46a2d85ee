/* From a registry to a migrated database: what is recorded, what is wanted, the statements
 * between the two, in one transaction.  See migrate.h for what is refused. */
#include "orm/migrate/migrate.h"

#include "orm/migrate/connection.h"
#include "orm/migrate/history.h"
#include "orm/migrate/schema.h"
#include "orm/migrate/state.h"
#include "orm/migrate/support.h"

/* One run; all it makes lives in the error's arena. */
struct run {
	const struct migrate_options *options;
	const struct registry *registry;
	struct error *error;
	struct arena *arena;
	struct connection connection;
};

static void report(struct run *run, const char *line)
{
	if (run->options->report)
		run->options->report(run->options->context, line);
}

/* ---- what stands in the way ---- */

static bool refuse_changes(struct run *run, const struct state_difference *difference)
{
	if (difference->n == 0)
		return true;
	struct buf text = {0};
	for (size_t i = 0; i < difference->n; i++)
		buf_printf(&text, "\n  %.*s", STR_ARG(difference->items[i]));
	struct str lines = arena_str(run->arena, buf_str(&text));
	buf_release(&text);
	return error_set_nowhere(
		run->error, ERROR_CONFLICT,
		"The models have changed since the database was made, and there are no migration "
		"files. Nothing was touched. Take the models as they were, let `quern "
		"makemigrations` write the first file from them, and the next from those of now: "
		"then they are applied. What differs:%.*s",
		STR_ARG(lines));
}

static struct str quoted_table(struct run *run, const struct model *model)
{
	struct sql sql;
	struct statement statement;
	sql_init(&sql, run->arena);
	sql_table(&sql, model);
	sql_finish(&sql, 0, &statement);
	return statement.sql;
}

/* Whether the place where CREATE TABLE would put the table is taken. */
static bool find_table(struct run *run, const struct model *model, bool *is_there)
{
	struct str name = quoted_table(run, model);
	bool has_schema = str_find(model->table, STR("\".\"")) >= 0;
	const char *params[] = {name.p, NULL};
	PGresult *result;
	if (!connection_query(&run->connection,
	                      has_schema
	                          ? "SELECT to_regclass($1) IS NOT NULL"
	                          : "SELECT to_regclass(quote_ident(current_schema()) || '.' || $1) "
	                            "IS NOT NULL",
	                      params, "look for tables", &result))
		return false;
	*is_there = *PQgetvalue(result, 0, 0) == 't';
	PQclear(result);
	return true;
}

static bool refuse_foreign_tables(struct run *run, const struct state_models *added)
{
	struct str found = STR("");
	for (size_t i = 0; i < added->n; i++) {
		bool is_there;
		if (!find_table(run, added->items[i], &is_there))
			return false;
		if (is_there)
			found = arena_printf(run->arena, "%.*s%s%.*s", STR_ARG(found), found.n > 0 ? ", " : "",
			                     STR_ARG(added->items[i]->table));
	}
	if (found.n == 0)
		return true;
	return error_set_nowhere(
		run->error, ERROR_CONFLICT,
		"The database already has tables that quern did not make: %.*s. Nothing was "
		"touched. Serve them as they are with `quern serve`, or say \"managed\": false "
		"in the Meta of their models.",
		STR_ARG(found));
}

/* ---- what is to be done ---- */

static struct str state_json(struct run *run, const struct state *state)
{
	struct buf text = {0};
	state_write_json(state, run->registry, &text);
	struct str json = arena_str(run->arena, buf_str(&text));
	buf_release(&text);
	return json;
}

/* The statements from what is recorded to what is wanted; none when nothing differs. */
static bool find_work(struct run *run, struct schema *work)
{
	struct history history;
	struct state wanted;
	struct state_difference difference;
	*work = (struct schema){.arena = run->arena};
	if (!history_load(&run->connection, run->arena, &history))
		return false;
	state_of_registry(&wanted, run->registry, run->arena);
	struct str json = state_json(run, &wanted);
	if (str_eq(history.checksum, history_checksum(run->arena, json)))
		return support_build(&run->connection, work);
	state_compare(run->arena, &history.state, &wanted, run->registry, &difference);
	if (!refuse_changes(run, &difference) || !refuse_foreign_tables(run, &difference.added))
		return false;
	if (!schema_build(run->arena, (const struct model *const *)difference.added.items,
	                  difference.added.n, work, run->error))
		return false;
	history_record(work, &history, json);
	return support_build(&run->connection, work);
}

static bool run_work(struct run *run, const struct schema *work)
{
	for (size_t i = 0; i < work->n; i++) {
		const struct schema_statement *statement = &work->items[i];
		const char *label = arena_cstr(run->arena, statement->label);
		report(run, label);
		if (!connection_run(&run->connection, statement->sql.p, label))
			return false;
	}
	return true;
}

/* ---- the three ways to ask ---- */

static bool open_run(struct run *run, const struct migrate_options *options,
                     const struct registry *registry, struct error *error)
{
	*run = (struct run){
		.options = options, .registry = registry, .error = error, .arena = error->arena};
	return connection_open(&run->connection, options, error);
}

/* Waiting is bounded: for another migration, and for whoever uses a table that a new one
 * refers to. */
static bool begin(struct run *run)
{
	static const char *const statements[] = {
		"BEGIN ISOLATION LEVEL READ COMMITTED",
		"SET LOCAL lock_timeout = '60s'",
		"SET LOCAL statement_timeout = 0",
		"SET LOCAL idle_in_transaction_session_timeout = 0",
	};
	for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
		if (!connection_run(&run->connection, statements[i], "begin a migration"))
			return false;
	}
	return connection_run(&run->connection,
	                      "SELECT pg_advisory_xact_lock(hashtextextended('quern_migrations', 0))",
	                      "wait for another migration of this database");
}

bool migrate_apply(const struct migrate_options *options, const struct registry *registry,
                   struct error *error)
{
	struct run run;
	struct schema work;
	if (!open_run(&run, options, registry, error))
		return false;
	bool ok = begin(&run) && find_work(&run, &work) && run_work(&run, &work) &&
	          connection_run(&run.connection, "COMMIT", "commit the migration");
	/* Closing ends a transaction that failed. */
	connection_close(&run.connection);
	return ok;
}

bool migrate_plan(const struct migrate_options *options, const struct registry *registry,
                  struct str *sql, struct error *error)
{
	struct run run;
	struct schema work;
	if (!open_run(&run, options, registry, error))
		return false;
	bool ok = connection_run(&run.connection, "BEGIN READ ONLY", "look at the database") &&
	          find_work(&run, &work);
	connection_close(&run.connection);
	if (ok)
		*sql = schema_script(run.arena, &work);
	return ok;
}

bool migrate_script(const struct registry *registry, struct str *sql, struct error *error)
{
	struct schema schema;
	if (!schema_build(error->arena, registry->models, registry->nmodels, &schema, error))
		return false;
	*sql = schema_script(error->arena, &schema);
	return true;
}
