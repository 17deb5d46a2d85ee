/* See connection.h.  No statement of the migration itself is written here. */
#include "orm/migrate/connection.h"

enum { OLDEST_VERSION = 120000, MAX_PARAMS = 8 };

static bool is_about(const char *sqlstate, const char *code)
{
	return sqlstate && strcmp(sqlstate, code) == 0;
}

static struct str own_words(struct connection *connection, const PGresult *result)
{
	const char *primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	const char *detail = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL) : NULL;
	if (!primary)
		return arena_str(connection->error->arena,
		                 str_trim(str_of(PQerrorMessage(connection->pg))));
	return arena_printf(connection->error->arena, "%s%s%s", primary, detail ? ". " : "",
	                    detail ? detail : "");
}

bool connection_fail(struct connection *connection, const PGresult *result, const char *doing)
{
	const char *sqlstate = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	bool is_away = PQstatus(connection->pg) != CONNECTION_OK || is_about(sqlstate, "55P03");
	struct str words = own_words(connection, result);
	return error_set_nowhere(connection->error, is_away ? ERROR_UNAVAILABLE : ERROR_INTERNAL,
	                         "Cannot %s: %.*s", doing, STR_ARG(words));
}

static void ignore_notice(void *context, const PGresult *notice)
{
	(void)context;
	(void)notice;
}

static bool set_search_path(struct connection *connection, const char *search_path)
{
	if (!search_path || !*search_path)
		return true;
	const char *params[] = {search_path, NULL};
	PGresult *result;
	if (!connection_query(connection, "SELECT set_config('search_path', $1, false)", params,
	                      "set the search path", &result))
		return false;
	PQclear(result);
	return true;
}

static bool prepare(struct connection *connection, const struct migrate_options *options)
{
	if (PQstatus(connection->pg) != CONNECTION_OK)
		return connection_fail(connection, NULL, "connect to the database");
	PQsetNoticeReceiver(connection->pg, ignore_notice, NULL);
	int version = PQserverVersion(connection->pg);
	if (version < OLDEST_VERSION)
		return error_set_nowhere(connection->error, ERROR_INTERNAL,
		                         "PostgreSQL %d is too old: 12 or newer is needed.",
		                         version / 10000);
	return connection_run(connection, "SET standard_conforming_strings = on",
	                      "set up the session") &&
	       set_search_path(connection, options->search_path);
}

bool connection_open(struct connection *connection, const struct migrate_options *options,
                     struct error *error)
{
	/* Before dbname, which may be a whole connection string: what it says wins.  Behind: we do. */
	const char *keys[] = {"connect_timeout", "dbname", "client_encoding",
	                      "fallback_application_name", NULL};
	const char *values[] = {"10", options->conninfo, "UTF8", "quern migrate", NULL};
	connection->error = error;
	connection->pg = PQconnectdbParams(keys, values, 1);
	if (prepare(connection, options))
		return true;
	connection_close(connection);
	return false;
}

void connection_close(struct connection *connection)
{
	PQfinish(connection->pg);
	connection->pg = NULL;
}

bool connection_query(struct connection *connection, const char *sql, const char *const *params,
                      const char *doing, PGresult **result)
{
	int n = 0;
	while (params && params[n])
		n++;
	ASSERT(n <= MAX_PARAMS);
	*result = PQexecParams(connection->pg, sql, n, NULL, params, NULL, NULL, 0);
	ExecStatusType status = PQresultStatus(*result);
	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
		return true;
	connection_fail(connection, *result, doing);
	PQclear(*result);
	*result = NULL;
	return false;
}

bool connection_run(struct connection *connection, const char *sql, const char *doing)
{
	PGresult *result;
	if (!connection_query(connection, sql, NULL, doing, &result))
		return false;
	PQclear(result);
	return true;
}
