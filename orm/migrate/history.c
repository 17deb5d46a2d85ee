/* Reads and writes quern_migrations.  The state is read back as rows, by PostgreSQL's own JSON
 * functions. */
#include "orm/migrate/history.h"

#include "orm/model/build.h"

static bool find_table(struct connection *connection, bool *has_table)
{
	PGresult *result;
	if (!connection_query(
			connection,
			"SELECT current_schema() IS NULL, "
			"to_regclass(quote_ident(current_schema()) || '.quern_migrations') IS NOT NULL",
			NULL, "look for quern_migrations", &result))
		return false;
	bool is_nowhere = *PQgetvalue(result, 0, 0) == 't';
	*has_table = *PQgetvalue(result, 0, 1) == 't';
	PQclear(result);
	if (is_nowhere)
		return error_set_nowhere(
			connection->error, ERROR_CONFLICT,
			"No schema of the search path exists in the database, so there is no "
			"place for tables.");
	return true;
}

static bool load_checksum(struct connection *connection, struct arena *arena, struct str *checksum)
{
	PGresult *result;
	if (!connection_query(connection,
	                      "SELECT checksum FROM quern_migrations ORDER BY id DESC LIMIT 1", NULL,
	                      "read quern_migrations", &result))
		return false;
	if (PQntuples(result) > 0)
		*checksum = arena_str(arena, str_of(PQgetvalue(result, 0, 0)));
	PQclear(result);
	return true;
}

static struct str cell(struct arena *arena, const PGresult *result, int row, int column)
{
	struct str text = {PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column)};
	return arena_str(arena, text);
}

static bool load_state(struct connection *connection, struct arena *arena, struct state *state)
{
	PGresult *result;
	if (!connection_query(
			connection,
			"SELECT model.key, subject.key, fact.key, fact.value "
			"FROM (SELECT models FROM quern_migrations ORDER BY id DESC LIMIT 1) newest, "
			"jsonb_each(newest.models) model, jsonb_each(model.value -> 'schema') subject, "
			"jsonb_each_text(subject.value) fact",
			NULL, "read quern_migrations", &result))
		return false;
	for (int i = 0; i < PQntuples(result); i++)
		state_add(state, cell(arena, result, i, 0), cell(arena, result, i, 1),
		          cell(arena, result, i, 2), cell(arena, result, i, 3));
	PQclear(result);
	state_sort(state);
	return true;
}

bool history_load(struct connection *connection, struct arena *arena, struct history *history)
{
	*history = (struct history){.checksum = STR("")};
	state_init(&history->state, arena);
	if (!find_table(connection, &history->has_table))
		return false;
	if (!history->has_table)
		return true;
	return load_checksum(connection, arena, &history->checksum) &&
	       load_state(connection, arena, &history->state);
}

struct str history_checksum(struct arena *arena, struct str state_json)
{
	return django_digest(arena, &state_json, 1, 32);
}

static void add_table(struct schema *schema)
{
	struct sql sql;
	sql_init(&sql, schema->arena);
	sql_lit(&sql, "CREATE TABLE " HISTORY_COLUMNS);
	schema_add(schema, SCHEMA_COMMENT, &sql, "create table", STR("quern_migrations"));
}

void history_record(struct schema *schema, const struct history *history, struct str state_json)
{
	struct sql sql;
	if (!history->has_table)
		add_table(schema);
	sql_init(&sql, schema->arena);
	sql.is_inline = true;
	sql_lit(&sql, "INSERT INTO quern_migrations (checksum, models, quern_version) VALUES (");
	sql_param(&sql, history_checksum(schema->arena, state_json), 0, (struct str){0});
	sql_lit(&sql, ", ");
	sql_param(&sql, state_json, 0, (struct str){0});
	sql_lit(&sql, ", ");
	sql_param(&sql, STR(QUERN_VERSION), 0, (struct str){0});
	sql_lit(&sql, ")");
	schema_add(schema, SCHEMA_COMMENT, &sql, "record", STR("the models"));
}
