/* migrate_check(): a database beside what the models need.  Changes nothing; a column that takes
 * everything the model's would take is a fit, whoever declared it. */
#include "orm/migrate/connection.h"
#include "orm/model/field_types.h"
#include "orm/sql/writer.h"

#include <stdlib.h>

/* A column's type, domains resolved. */
struct column_type {
	Oid oid;
	int modifier; /* as pg_attribute.atttypmod; -1: none */
};

/* A column as the database has it. */
struct column {
	struct str name;
	struct str type_text;
	struct column_type type;
	bool is_not_null, has_default, is_identity, is_generated;
	bool is_known; /* a field stands for it */
};

struct table {
	bool exists;
	bool is_table; /* not a view: what it says of NULL and defaults counts */
	struct column *columns;
	size_t n;
};

struct check {
	const struct migrate_options *options;
	struct arena *arena;
	struct connection connection;
	struct map types; /* text of a type -> struct column_type */
	size_t misfits;
};

static void misfit(struct check *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void misfit(struct check *check, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	struct str line = arena_vprintf(check->arena, format, args);
	va_end(args);
	check->misfits++;
	if (check->options->report)
		check->options->report(check->options->context, line.p);
}

/* ---- what the database has ---- */

static const char *table_name(struct check *check, const struct model *model)
{
	struct sql sql;
	struct statement statement;
	sql_init(&sql, check->arena);
	sql_table(&sql, model);
	sql_finish(&sql, 0, &statement);
	return statement.sql.p;
}

static bool cell_is_true(const PGresult *result, int row, int column)
{
	return *PQgetvalue(result, row, column) == 't';
}

static void read_column(struct check *check, const PGresult *result, int row, struct column *column)
{
	*column = (struct column){
		.name = arena_str(check->arena, str_of(PQgetvalue(result, row, 1))),
		.type_text = arena_str(check->arena, str_of(PQgetvalue(result, row, 2))),
		.type.oid = (Oid)strtoul(PQgetvalue(result, row, 3), NULL, 10),
		.type.modifier = (int)strtol(PQgetvalue(result, row, 4), NULL, 10),
		.is_not_null = cell_is_true(result, row, 5),
		.has_default = cell_is_true(result, row, 6),
		.is_identity = cell_is_true(result, row, 7),
		.is_generated = cell_is_true(result, row, 8),
	};
}

static bool read_table(struct check *check, const struct model *model, struct table *table)
{
	static const char sql[] =
		"SELECT c.relkind IN ('r', 'p'), a.attname, format_type(a.atttypid, a.atttypmod), "
		"CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE a.atttypid END, "
		"CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END, "
		"a.attnotnull OR t.typnotnull, a.atthasdef OR t.typdefault IS NOT NULL, a.attidentity <> "
	    "'', "
		"a.attgenerated <> '' "
		"FROM pg_catalog.pg_class c "
		"JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT "
	    "a.attisdropped "
		"JOIN pg_catalog.pg_type t ON t.oid = a.atttypid "
		"WHERE c.oid = to_regclass($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY "
	    "a.attnum";
	const char *params[] = {table_name(check, model), NULL};
	PGresult *result;
	*table = (struct table){0};
	if (!connection_query(&check->connection, sql, params, "look at a table", &result))
		return false;
	int n = PQntuples(result);
	table->exists = n > 0;
	table->is_table = n > 0 && cell_is_true(result, 0, 0);
	table->n = (size_t)n;
	table->columns = ARENA_ARRAY(check->arena, struct column, table->n);
	for (int i = 0; i < n; i++)
		read_column(check, result, i, &table->columns[i]);
	PQclear(result);
	return true;
}

/* ---- what the model needs ---- */

static const char *type_question(struct check *check, struct str type)
{
	struct sql sql;
	struct statement statement;
	sql_init(&sql, check->arena);
	sql_lit(&sql, "SELECT NULL::");
	buf_add(&sql.text, type);
	sql_finish(&sql, 1, &statement);
	return statement.sql.p;
}

/* A type's identity, as PostgreSQL itself reads the declaration; oid 0 when the database does not
 * know the type. */
static bool find_type(struct check *check, struct str text, struct column_type **type)
{
	*type = map_get(&check->types, text);
	if (*type)
		return true;
	*type = ARENA_NEW(check->arena, struct column_type);
	PGresult *result = PQexec(check->connection.pg, type_question(check, text));
	bool is_away = PQstatus(check->connection.pg) != CONNECTION_OK;
	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		**type = (struct column_type){PQftype(result, 0), PQfmod(result, 0)};
	else if (is_away)
		connection_fail(&check->connection, result, "look at a type");
	PQclear(result);
	map_put(&check->types, check->arena, text, *type);
	return !is_away;
}

enum { OID_TEXT = 25, OID_VARCHAR = 1043, OID_NUMERIC = 1700, HEADER = 4 };

/* An array's modifier is that of its elements. */
static Oid element_of(Oid oid)
{
	static const Oid elements[][2] = {{1009, OID_TEXT}, {1015, OID_VARCHAR}, {1231, OID_NUMERIC}};
	for (size_t i = 0; i < sizeof elements / sizeof *elements; i++) {
		if (oid == elements[i][0])
			return elements[i][1];
	}
	return oid;
}

static bool is_array(Oid oid)
{
	return element_of(oid) != oid;
}

static bool is_text(Oid oid)
{
	return oid == OID_TEXT || oid == OID_VARCHAR;
}

static bool numeric_holds(int have, int need)
{
	int have_scale = (have - HEADER) & 0x7ff, need_scale = (need - HEADER) & 0x7ff;
	int have_digits = (have - HEADER) >> 16, need_digits = (need - HEADER) >> 16;
	return have_scale == need_scale && have_digits >= need_digits;
}

/* Whether a column of type `have` takes every value of `need`, and gives it back the same. */
static bool type_holds(struct column_type have, struct column_type need)
{
	if (is_array(have.oid) != is_array(need.oid))
		return false;
	have.oid = element_of(have.oid);
	need.oid = element_of(need.oid);
	if (have.oid != need.oid && !(is_text(have.oid) && is_text(need.oid)))
		return false;
	if (have.modifier == need.modifier || have.modifier == -1)
		return true;
	if (need.modifier == -1)
		return false;
	if (have.oid == OID_VARCHAR)
		return have.modifier >= need.modifier;
	return have.oid == OID_NUMERIC && numeric_holds(have.modifier, need.modifier);
}

/* ---- side by side ---- */

static struct column *find_column(struct table *table, struct str name)
{
	for (size_t i = 0; i < table->n; i++) {
		if (str_eq(table->columns[i].name, name))
			return &table->columns[i];
	}
	return NULL;
}

static bool check_type(struct check *check, const struct field *field, const struct column *column)
{
	struct str text = field_column_type(check->arena, field);
	struct column_type *need;
	if (!find_type(check, text, &need))
		return false;
	if (need->oid == 0)
		misfit(check, "%.*s.%.*s: the database does not know the type %.*s",
		       STR_ARG(field->model->table), STR_ARG(field->column), STR_ARG(text));
	else if (!type_holds(column->type, *need))
		misfit(check, "%.*s.%.*s: the model needs %.*s, the database has %.*s",
		       STR_ARG(field->model->table), STR_ARG(field->column), STR_ARG(text),
		       STR_ARG(column->type_text));
	return true;
}

/* What keeps a row from being written or read as the model says, apart from the type. */
static const char *find_flaw(const struct field *field, const struct column *column)
{
	bool has_value = column->has_default || column->is_identity;
	if (field->is_generated != column->is_generated)
		return field->is_generated ? "the model says it is generated, in the database it is not"
		                           : "the database generates it, the model would write to it";
	/* Of a table that others made, what serves as its key may be nobody's key. */
	bool is_guess = field->is_primary_key && !field->model->is_managed;
	if (!field->is_null && !column->is_not_null && !is_guess)
		return "the database allows NULL, the model does not";
	if (field->is_null && column->is_not_null)
		return "the model allows null, the database does not";
	if (field->type->is_auto && !has_value)
		return "the database makes no numbers for it (no identity and no default)";
	if (field->db_default && !has_value)
		return "the model has a db_default, the database has no default";
	return NULL;
}

static bool check_field(struct check *check, const struct field *field, struct table *table)
{
	struct str name = field->model->table;
	struct column *column = find_column(table, field->column);
	if (!column) {
		misfit(check, "%.*s.%.*s: the column is missing", STR_ARG(name), STR_ARG(field->column));
		return true;
	}
	column->is_known = true;
	const char *flaw = table->is_table ? find_flaw(field, column) : NULL;
	if (flaw)
		misfit(check, "%.*s.%.*s: %s", STR_ARG(name), STR_ARG(field->column), flaw);
	return check_type(check, field, column);
}

static void check_unknown(struct check *check, const struct model *model, const struct table *table)
{
	for (size_t i = 0; i < table->n && table->is_table; i++) {
		const struct column *column = &table->columns[i];
		bool needs_value = column->is_not_null && !column->has_default && !column->is_identity &&
		                   !column->is_generated;
		if (!column->is_known && needs_value)
			misfit(check, "%.*s.%.*s: needs a value in every row, and %.*s has no field for it",
			       STR_ARG(model->table), STR_ARG(column->name), STR_ARG(model->name));
	}
}

static bool check_model(struct check *check, const struct model *model)
{
	struct table table;
	if (!read_table(check, model, &table))
		return false;
	if (!table.exists) {
		misfit(check, "%.*s: the table is missing", STR_ARG(model->table));
		return true;
	}
	for (size_t i = 0; i < model->ncolumns; i++) {
		if (!check_field(check, model->columns[i], &table))
			return false;
	}
	check_unknown(check, model, &table);
	return true;
}

bool migrate_check(const struct migrate_options *options, const struct registry *registry,
                   size_t *misfits, struct error *error)
{
	struct check check = {.options = options, .arena = error->arena};
	bool ok = true;
	*misfits = 0;
	if (!connection_open(&check.connection, options, error))
		return false;
	for (size_t i = 0; ok && i < registry->nmodels; i++)
		ok = check_model(&check, registry->models[i]);
	connection_close(&check.connection);
	*misfits = check.misfits;
	return ok;
}
