/* Whether an index that is there is the one that a step would make: a twin is made on an empty temporary table, in
 * a transaction that is rolled back, and PostgreSQL's own words for the two are compared. */
#include "orm/migrate/run_steps.h"

static const char comparison_sql[] =
	"SELECT i.indisunique = t.indisunique AND substr(pg_get_indexdef(i.indexrelid), length(format("
	"'CREATE %sINDEX %I ON %I.%I', CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END, x.relname, "
	"n.nspname, c.relname)) + 1) = substr(d, position(' USING ' IN d)), pg_get_indexdef(i.indexrelid) "
	"FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid "
	"JOIN pg_namespace n ON n.oid = c.relnamespace, pg_index t, pg_get_indexdef(t.indexrelid) AS d "
	"WHERE i.indexrelid = to_regclass($1) AND t.indexrelid = to_regclass('pg_temp.quern_twin_index')";

/* The step's statement, on the twin's table. */
static const char *twin_sql(struct arena *arena, const struct step *step)
{
	struct str rest = step->sql;
	bool is_unique = str_starts(step->sql, STR("CREATE UNIQUE "));

	str_cut(&rest, arena_concat(arena, STR(" ON "), step->table));
	ASSERT(rest.p);
	return arena_printf(arena, "CREATE %sINDEX quern_twin_index ON pg_temp.quern_twin%.*s",
	                    is_unique ? "UNIQUE " : "", STR_ARG(rest)).p;
}

static bool compare(struct step_run *run, const struct step *step)
{
	const char *params[] = {arena_cstr(run->arena, step->index), NULL};
	const char *table = arena_printf(run->arena, "CREATE TEMPORARY TABLE quern_twin (LIKE %.*s)",
	                                 STR_ARG(step->table)).p;
	PGresult *result;

	if (!connection_run(run->connection, table, "look at an index") ||
	    !connection_run(run->connection, twin_sql(run->arena, step), "look at an index") ||
	    !connection_query(run->connection, comparison_sql, params, "look at an index", &result))
		return false;
	bool is_same = PQntuples(result) > 0 && *PQgetvalue(result, 0, 0) == 't';
	if (!is_same)
		error_set_nowhere(run->connection->error, ERROR_CONFLICT,
		                  "Cannot %.*s: there is another one of that name, %s. Drop it or call it "
		                  "something else, and run this again.",
		                  STR_ARG(step->label),
		                  PQntuples(result) > 0 ? PQgetvalue(result, 0, 1) : "which is changing");
	PQclear(result);
	return is_same;
}

bool check_same_index(struct step_run *run, const struct step *step)
{
	bool ok = connection_run(run->connection, "BEGIN", "look at an index") && compare(run, step);

	PQclear(PQexec(run->connection->pg, "ROLLBACK"));
	return ok;
}
