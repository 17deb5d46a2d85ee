/* See inspect.h: the way from the catalog to the document, model by model. */
#include "orm/migrate/inspect.h"

#include "orm/migrate/inspect_draft.h"

void inspect_note(struct inspecting *in, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	*ARENA_PUSH(in->arena, &in->out->notes) = arena_vprintf(in->arena, format, args);
	va_end(args);
}

struct str inspect_table_shown(struct inspecting *in, const struct catalog_table *table)
{
	if (table->is_in_path)
		return table->name;
	return arena_printf(in->arena, "%.*s.%.*s", STR_ARG(table->schema), STR_ARG(table->name));
}

/* ---- which tables ---- */

static bool is_named(struct inspecting *in, const struct catalog_table *table, const char *word)
{
	struct str whole =
		arena_printf(in->arena, "%.*s.%.*s", STR_ARG(table->schema), STR_ARG(table->name));

	return str_is(table->name, word) || str_is(whole, word);
}

static bool is_wanted(struct inspecting *in, const struct inspect_options *what,
                      const struct catalog_table *table)
{
	for (size_t i = 0; i < what->ntables; i++)
		if (is_named(in, table, what->tables[i]))
			return true;
	return what->ntables == 0;
}

static bool find_named_tables(struct inspecting *in, const struct inspect_options *what,
                              struct error *error)
{
	for (size_t i = 0; i < what->ntables; i++) {
		bool is_there = false;
		struct str *names = ARENA_ARRAY(in->arena, struct str, in->catalog->tables.n + 1);

		for (size_t k = 0; k < in->catalog->tables.n; k++) {
			names[k] = in->catalog->tables.items[k]->name;
			is_there = is_there || is_named(in, in->catalog->tables.items[k], what->tables[i]);
		}
		if (is_there)
			continue;
		struct str near = suggest_nearest(str_of(what->tables[i]), names, in->catalog->tables.n);
		return error_set_nowhere(error, ERROR_DOES_NOT_EXIST, "There is no table \"%s\"%s%.*s%s",
		                         what->tables[i], near.p ? "; did you mean \"" : ".",
		                         STR_ARG(near.p ? near : STR("")), near.p ? "\"?" : "");
	}
	return true;
}

static bool has_usable_column(const struct catalog_table *table)
{
	for (size_t i = 0; i < table->columns.n; i++)
		if (str_find(table->columns.items[i].name, STR("\"")) < 0)
			return true;
	return false;
}

static void begin_models(struct inspecting *in, const struct inspect_options *what)
{
	for (size_t i = 0; i < in->catalog->tables.n; i++) {
		const struct catalog_table *table = in->catalog->tables.items[i];

		if (!is_wanted(in, what, table))
			continue;
		if (str_find(table->name, STR("\"")) >= 0 || str_find(table->schema, STR("\"")) >= 0) {
			inspect_note(in, "%.*s: left out: a name with a quotation mark cannot be served",
			             STR_ARG(inspect_table_shown(in, table)));
			continue;
		}
		if (!has_usable_column(table)) {
			inspect_note(in, "%.*s: left out: it has no columns that can be served",
			             STR_ARG(inspect_table_shown(in, table)));
			continue;
		}
		struct inspected_model *model = ARENA_NEW(in->arena, struct inspected_model);
		model->table = table;
		model->name = inspect_model_name(in, table);
		model->is_managed = table->kind == 'r' || table->kind == 'p';
		if (table->kind == 'p') {
			model->is_managed = false;
			inspect_note(in, "%.*s: how it is divided into partitions is left to the database",
			             STR_ARG(inspect_table_shown(in, table)));
		}
		*ARENA_PUSH(in->arena, &in->models) = model;
	}
}

/* ---- the document ---- */

/* A type's name alone where there are no options. */
static const struct value *shortened(const struct value *declaration)
{
	return declaration->object.n == 1 ? &declaration->object.members[0].value : declaration;
}

static const struct value *say_many(struct inspecting *in, const struct inspected_model *model,
                                    const struct inspected_many *many)
{
	struct members out = {.arena = in->arena};
	bool is_self = many->to == model;

	members_put_text(&out, "type", STR("ManyToManyField"));
	members_put_text(&out, "to", is_self ? STR("self") : many->to->name);
	if (is_self)
		members_put(&out, "symmetrical", edit_bool(in->arena, false));
	if (many->related_name.p)
		members_put_text(&out, "related_name", many->related_name);
	if (many->needs_table)
		members_put_text(&out, "db_table", inspect_db_table(in, many->join));
	return members_end(&out);
}

static const struct value *say_fields(struct inspecting *in, const struct inspected_model *model)
{
	struct members out = {.arena = in->arena};

	for (size_t i = 0; i < model->nfields; i++)
		members_put_named(&out, model->fields[i].name,
		                  shortened(members_end(&model->fields[i].declaration)));
	for (size_t i = 0; i < model->many.n; i++)
		members_put_named(&out, model->many.items[i].name,
		                  say_many(in, model, &model->many.items[i]));
	return members_end(&out);
}

static const struct value *say_models(struct inspecting *in)
{
	struct members models = {.arena = in->arena};

	for (size_t i = 0; i < in->models.n; i++) {
		struct inspected_model *model = in->models.items[i];
		struct members out = {.arena = in->arena};

		if (model->is_join)
			continue;
		members_put(&out, "fields", say_fields(in, model));
		const struct value *meta = inspect_meta(in, model);
		if (meta)
			members_put(&out, "Meta", meta);
		members_put_named(&models, model->name, members_end(&out));
		in->out->nmodels++;
	}
	return members_end(&models);
}

static void say_document(struct inspecting *in)
{
	struct members document = {.arena = in->arena};
	const struct value *models = say_models(in);
	size_t n = in->out->notes.n;
	const struct value **notes = ARENA_ARRAY(in->arena, const struct value *, n + 1);

	for (size_t i = 0; i < n; i++)
		notes[i] = edit_text(in->arena, in->out->notes.items[i]);
	if (n > 0)
		members_put(&document, "$comment", edit_list(in->arena, notes, n));
	members_put(&document, "models", models);
	in->out->document = members_end(&document);
}

static bool check_schema(struct connection *connection, const char *schema, struct error *error)
{
	const char *params[] = {schema, NULL};
	PGresult *result;

	if (!schema)
		return true;
	if (!connection_query(connection, "SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1", params,
	                      "look for the schema", &result))
		return false;
	bool is_there = PQntuples(result) > 0;
	PQclear(result);
	return is_there ||
	       error_set_nowhere(error, ERROR_DOES_NOT_EXIST, "There is no schema \"%s\"", schema);
}

static bool read_all(const struct migrate_options *options, const struct inspect_options *what,
                     struct catalog *catalog, struct error *error)
{
	struct connection connection;

	if (!connection_open(&connection, options, error))
		return false;
	bool ok = connection_run(&connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
	                         "look at the database") &&
	          check_schema(&connection, what->request.schema, error) &&
	          catalog_read(&connection, &what->request, error->arena, catalog);
	connection_close(&connection);
	return ok;
}

bool inspect_database(const struct migrate_options *options, const struct inspect_options *what,
                      struct inspection *inspection, struct error *error)
{
	struct catalog catalog;
	struct inspecting in = {.arena = error->arena, .catalog = &catalog, .out = inspection};

	*inspection = (struct inspection){0};
	if (!read_all(options, what, &catalog, error) || !find_named_tables(&in, what, error))
		return false;
	begin_models(&in, what);
	inspect_fields(&in);
	say_document(&in);
	return true;
}
