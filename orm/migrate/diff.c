/* migrate_diff(): reads the real tables, makes those of the models beside them, reads these; what
 * differs is found in diff_tables.c. */
#include "orm/migrate/diff.h"

#include "orm/migrate/diff_tables.h"
#include "orm/migrate/schema.h"

struct run {
	struct arena *arena;
	struct connection connection;
	const struct registry *registry;
	struct differences *out;
	struct error *error;
};

/* ---- the tables of the models ---- */

/* Unmanaged ones are made as well: others may refer to them. */
static const struct model *const *all_managed(struct run *run)
{
	const struct registry *registry = run->registry;
	const struct model **models = ARENA_ARRAY(run->arena, const struct model *, registry->nmodels + 1);

	for (size_t i = 0; i < registry->nmodels; i++) {
		struct model *copy = ARENA_NEW(run->arena, struct model);

		*copy = *registry->models[i];
		copy->is_managed = true;
		models[i] = copy;
	}
	return models;
}

static struct str replaced(struct arena *arena, struct str text, struct str from, struct str to)
{
	struct buf out = {0};
	ptrdiff_t at;

	while ((at = str_find(text, from)) >= 0) {
		buf_add(&out, str_sub(text, 0, (size_t)at));
		buf_add(&out, to);
		text = str_sub(text, (size_t)at + from.n, text.n - (size_t)at - from.n);
	}
	buf_add(&out, text);
	struct str copy = arena_str(arena, buf_str(&out));
	buf_release(&out);
	return copy;
}

/* Tables of other schemas lose their schema: temporary ones have none. */
static struct str without_schemas(struct run *run, struct str sql)
{
	for (size_t i = 0; i < run->registry->nmodels; i++) {
		struct str rest = run->registry->models[i]->table;
		struct str schema = str_cut(&rest, STR("\".\""));

		if (!rest.p)
			continue;
		struct str whole =
			arena_printf(run->arena, "\"%.*s\".\"%.*s\"", STR_ARG(schema), STR_ARG(rest));
		sql = replaced(run->arena, sql, whole, arena_printf(run->arena, "\"%.*s\"", STR_ARG(rest)));
	}
	return sql;
}

/* What cannot be made here is a difference, and the rest is looked at all the same. */
static bool make_one(struct run *run, const struct schema_statement *statement)
{
	struct str sql = without_schemas(run, statement->sql);
	struct error error;

	error_init(&error, run->arena);
	if (!connection_run(&run->connection, "SAVEPOINT quern_diff", "compare"))
		return false;
	run->connection.error = &error;
	bool is_made = connection_run(&run->connection, sql.p, arena_cstr(run->arena, statement->label));
	run->connection.error = run->error;
	if (is_made)
		return connection_run(&run->connection, "RELEASE SAVEPOINT quern_diff", "compare");
	if (error.kind == ERROR_UNAVAILABLE)
		return error_set_nowhere(run->error, error.kind, "%.*s", STR_ARG(error.detail));
	*ARENA_PUSH(run->arena, run->out) = (struct difference){
		.table = STR(""), .subject = statement->label, .models = error.detail};
	run->out->ndrifts++;
	return connection_run(&run->connection, "ROLLBACK TO SAVEPOINT quern_diff", "compare");
}

static bool make_expected(struct run *run)
{
	struct schema schema;

	/* Without the right to any, every table would seem to be missing. */
	if (!connection_run(&run->connection, "CREATE TEMPORARY TABLE quern_diff ()",
	                    "make temporary tables, which the database is compared with") ||
	    !connection_run(&run->connection, "DROP TABLE pg_temp.quern_diff", "compare"))
		return false;
	if (!schema_build(run->arena, all_managed(run), run->registry->nmodels, &schema, run->error) ||
	    !connection_run(&run->connection,
	                    "SELECT set_config('search_path', 'pg_temp, ' || "
	                    "current_setting('search_path'), true)",
	                    "set the search path"))
		return false;
	for (size_t i = 0; i < schema.n; i++)
		if (schema.items[i].kind != SCHEMA_EXTENSION && !make_one(run, &schema.items[i]))
			return false;
	return true;
}

/* ---- the tables that are there ---- */

static bool is_read(const struct str *schemas, size_t n, struct str schema)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(schemas[i], schema))
			return true;
	return false;
}

static void append(struct arena *arena, struct catalog *all, const struct catalog *more)
{
	for (size_t i = 0; i < more->tables.n; i++)
		*ARENA_PUSH(arena, &all->tables) = more->tables.items[i];
}

/* Of the search path, and of every other schema that a model names. */
static bool read_actual(struct run *run, struct catalog *actual)
{
	struct catalog_request request = {.with_views = true};
	struct str *schemas = ARENA_ARRAY(run->arena, struct str, run->registry->nmodels + 1);
	size_t n = 0;

	if (!catalog_read(&run->connection, &request, run->arena, actual))
		return false;
	for (size_t i = 0; i < run->registry->nmodels; i++) {
		struct str rest = run->registry->models[i]->table;
		struct str schema = str_cut(&rest, STR("\".\""));
		struct catalog more;

		if (!rest.p || is_read(schemas, n, schema))
			continue;
		schemas[n++] = schema;
		request.schema = arena_cstr(run->arena, schema);
		if (!catalog_read(&run->connection, &request, run->arena, &more))
			return false;
		append(run->arena, actual, &more);
	}
	return true;
}

static bool compare(struct run *run)
{
	struct catalog_request temporary = {.schema = "pg_temp"};
	struct catalog actual, expected;

	if (!connection_run(&run->connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE",
	                    "look at the database") ||
	    !connection_run(&run->connection, "SET LOCAL client_min_messages = error", "compare") ||
	    !read_actual(run, &actual) || !make_expected(run) ||
	    !catalog_read(&run->connection, &temporary, run->arena, &expected))
		return false;
	struct diff diff = {.arena = run->arena,
	                    .registry = run->registry,
	                    .actual = &actual,
	                    .expected = &expected,
	                    .out = run->out};
	diff_tables(&diff);
	return true;
}

bool migrate_diff(const struct migrate_options *options, const struct registry *registry,
                  struct differences *differences, struct error *error)
{
	struct run run = {
		.arena = error->arena, .registry = registry, .out = differences, .error = error};

	*differences = (struct differences){0};
	if (!connection_open(&run.connection, options, error))
		return false;
	bool ok = compare(&run);
	/* Closing rolls back. */
	connection_close(&run.connection);
	return ok;
}
