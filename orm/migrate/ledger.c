/* Reads and writes the two tables; see ledger.h. */
#include "orm/migrate/ledger.h"

#include "orm/migrate/support.h"

#include <stdlib.h>

static struct str cell(struct arena *arena, const PGresult *result, int row, int column)
{
	if (PQgetisnull(result, row, column))
		return (struct str){0};
	struct str text = {PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column)};
	return arena_str(arena, text);
}

/* ---- reading ---- */

static bool has_column(struct connection *connection, bool *has_name)
{
	PGresult *result;
	if (!connection_query(connection,
	                      "SELECT count(*) FROM pg_attribute WHERE attname = 'name' AND attnum > 0 AND "
	                      "attrelid = to_regclass(quote_ident(current_schema()) || "
	                      "'.quern_migrations')",
	                      NULL, "look at quern_migrations", &result))
		return false;
	*has_name = *PQgetvalue(result, 0, 0) == '1';
	PQclear(result);
	return true;
}

static bool load_names(struct connection *connection, struct arena *arena, struct ledger *ledger)
{
	PGresult *result;
	bool has_name;
	if (!has_column(connection, &has_name))
		return false;
	if (!connection_query(connection,
	                      has_name ? "SELECT name FROM quern_migrations ORDER BY id"
	                               : "SELECT NULL FROM quern_migrations",
	                      NULL, "read quern_migrations", &result))
		return false;
	for (int i = 0; i < PQntuples(result); i++) {
		struct str name = cell(arena, result, i, 0);
		if (name.p)
			*ARENA_PUSH(arena, &ledger->applied) = name;
		else
			ledger->has_unnamed = true;
	}
	PQclear(result);
	return true;
}

static bool load_progress(struct connection *connection, struct arena *arena,
                          struct progress *progress)
{
	PGresult *result;
	if (!connection_query(connection,
	                      "SELECT to_regclass(quote_ident(current_schema()) || "
	                      "'.quern_migration_progress') IS NOT NULL",
	                      NULL, "look for quern_migration_progress", &result))
		return false;
	bool is_there = *PQgetvalue(result, 0, 0) == 't';
	PQclear(result);
	if (!is_there)
		return true;
	if (!connection_query(connection,
	                      "SELECT name, is_backward, checksum, steps_done, steps, is_running, cursor "
	                      "FROM quern_migration_progress",
	                      NULL, "read quern_migration_progress", &result))
		return false;
	if (PQntuples(result) > 0)
		*progress = (struct progress){
			.name = cell(arena, result, 0, 0),
			.is_backward = *PQgetvalue(result, 0, 1) == 't',
			.checksum = cell(arena, result, 0, 2),
			.done = (size_t)strtoull(PQgetvalue(result, 0, 3), NULL, 10),
			.total = (size_t)strtoull(PQgetvalue(result, 0, 4), NULL, 10),
			.is_running = *PQgetvalue(result, 0, 5) == 't',
			.cursor = cell(arena, result, 0, 6),
		};
	PQclear(result);
	return true;
}

bool ledger_load(struct connection *connection, struct arena *arena, struct ledger *ledger)
{
	*ledger = (struct ledger){0};
	if (!history_load(connection, arena, &ledger->history))
		return false;
	ledger->has_table = ledger->history.has_table;
	if (!ledger->has_table)
		return true;
	return load_names(connection, arena, ledger) &&
	       load_progress(connection, arena, &ledger->progress);
}

/* ---- making ---- */

static bool make_support(struct connection *connection, struct arena *arena)
{
	struct schema schema = {.arena = arena};
	if (!support_build(connection, &schema))
		return false;
	for (size_t i = 0; i < schema.n; i++)
		if (!connection_run(connection, schema.items[i].sql.p,
		                    arena_cstr(arena, schema.items[i].label)))
			return false;
	return true;
}

bool ledger_make(struct connection *connection, struct arena *arena)
{
	static const char *const statements[] = {
		HISTORY_TABLE,
		"ALTER TABLE quern_migrations ADD COLUMN IF NOT EXISTS name text",
		"CREATE TABLE IF NOT EXISTS quern_migration_progress ("
		"name text NOT NULL PRIMARY KEY, "
		"is_backward boolean NOT NULL, "
		"checksum text NOT NULL, "
		"steps_done integer NOT NULL, "
		"steps integer NOT NULL, "
		"is_running boolean NOT NULL DEFAULT false, "
		"cursor text, "
		"changed_at timestamp with time zone NOT NULL DEFAULT now())",
	};
	bool ok = connection_run(connection, "BEGIN", "begin");
	for (size_t i = 0; ok && i < sizeof statements / sizeof *statements; i++)
		ok = connection_run(connection, statements[i], "make the tables that migrations are kept in");
	return ok && make_support(connection, arena) && connection_run(connection, "COMMIT", "commit");
}

/* ---- writing ---- */

static bool run(struct connection *connection, const char *sql, const char *const *params,
                const char *doing)
{
	PGresult *result;
	if (!connection_query(connection, sql, params, doing, &result))
		return false;
	PQclear(result);
	return true;
}

static bool record_name(struct connection *connection, struct arena *arena, struct str name,
                        const char *checksum, const char *models)
{
	const char *params[] = {arena_cstr(arena, name), checksum, models, NULL};
	return run(connection,
	           "INSERT INTO quern_migrations (name, checksum, models, quern_version) "
	           "SELECT $1, $2, $3, '" QUERN_VERSION "' "
	           "WHERE NOT EXISTS (SELECT FROM quern_migrations WHERE name = $1)",
	           params, "record the migration");
}

bool ledger_record(struct connection *connection, struct arena *arena,
                   const struct migration *migration, const struct registry *registry)
{
	struct state state;
	struct buf json = {0};
	state_of_registry(&state, registry, arena);
	state_write_json(&state, registry, &json);
	struct str text = arena_str(arena, buf_str(&json));
	buf_release(&json);
	const char *checksum = history_checksum(arena, text).p;
	for (size_t i = 0; i < migration->replaces.n; i++)
		if (!record_name(connection, arena, migration->replaces.items[i], checksum, text.p))
			return false;
	return record_name(connection, arena, migration->name, checksum, text.p);
}

static bool forget_name(struct connection *connection, struct arena *arena, struct str name)
{
	const char *params[] = {arena_cstr(arena, name), NULL};
	return run(connection, "DELETE FROM quern_migrations WHERE name = $1", params,
	           "record the migration");
}

bool ledger_forget(struct connection *connection, struct arena *arena,
                   const struct migration *migration)
{
	for (size_t i = 0; i < migration->replaces.n; i++)
		if (!forget_name(connection, arena, migration->replaces.items[i]))
			return false;
	return forget_name(connection, arena, migration->name);
}

bool ledger_set_progress(struct connection *connection, struct arena *arena,
                         const struct progress *progress)
{
	const char *params[] = {
		arena_cstr(arena, progress->name),
		progress->is_backward ? "t" : "f",
		arena_cstr(arena, progress->checksum),
		arena_printf(arena, "%zu", progress->done).p,
		arena_printf(arena, "%zu", progress->total).p,
		progress->is_running ? "t" : "f",
		progress->cursor.p ? arena_cstr(arena, progress->cursor) : "",
		NULL,
	};
	return run(connection,
	           "INSERT INTO quern_migration_progress "
	           "(name, is_backward, checksum, steps_done, steps, is_running, cursor) "
	           "VALUES ($1, $2, $3, $4, $5, $6, nullif($7, '')) ON CONFLICT (name) DO UPDATE SET "
	           "checksum = excluded.checksum, steps_done = excluded.steps_done, "
	           "steps = excluded.steps, is_running = excluded.is_running, "
	           "cursor = excluded.cursor, changed_at = now()",
	           params, "record how far the migration is");
}

bool ledger_clear_progress(struct connection *connection, struct str name, struct arena *arena)
{
	const char *params[] = {arena_cstr(arena, name), NULL};
	return run(connection, "DELETE FROM quern_migration_progress WHERE name = $1", params,
	           "record how far the migration is");
}
