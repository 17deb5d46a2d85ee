/* quern_idempotency: replies kept under clients' keys, as orm/write/replay.c reads and writes them.
 *
 * Not recorded with the models: it is made where it is missing, whatever the models say, so that a
 * database of an earlier version gets it as well.
 */
#include "orm/migrate/support.h"

static bool find_table(struct connection *connection, bool *is_there)
{
	PGresult *result;

	if (!connection_query(connection,
	                      "SELECT to_regclass(quote_ident(current_schema()) || '.quern_idempotency') "
	                      "IS NOT NULL",
	                      NULL, "look for quern_idempotency", &result))
		return false;
	*is_there = *PQgetvalue(result, 0, 0) == 't';
	PQclear(result);
	return true;
}

static void add_table(struct schema *schema)
{
	struct sql sql;

	sql_init(&sql, schema->arena);
	sql_lit(&sql, "CREATE TABLE quern_idempotency ("
	              "identity text NOT NULL, "
	              "key text NOT NULL, "
	              "fingerprint text NOT NULL, "
	              "created_at timestamp with time zone NOT NULL DEFAULT now(), "
	              "expires_at timestamp with time zone NOT NULL, "
	              "status integer, "
	              "content_type text, "
	              "headers text, "
	              "body text, "
	              "PRIMARY KEY (identity, key))");
	schema_add(schema, SCHEMA_TABLE, &sql, "create table", STR("quern_idempotency"));
	sql_init(&sql, schema->arena);
	sql_lit(&sql, "CREATE INDEX quern_idempotency_expires_at ON quern_idempotency (expires_at)");
	schema_add(schema, SCHEMA_INDEX, &sql, "create index", STR("quern_idempotency_expires_at"));
}

bool support_build(struct connection *connection, struct schema *schema)
{
	bool is_there;

	if (!find_table(connection, &is_there))
		return false;
	if (!is_there)
		add_table(schema);
	return true;
}
