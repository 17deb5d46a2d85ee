/* Indexes: of single fields (db_index, foreign keys, pattern indexes for LIKE) and of
 * Meta.indexes. */
#include "orm/migrate/schema.h"

#include "orm/model/build.h"
#include "orm/model/field_types.h"
#include "orm/model/unique_for.h"

static bool add_part(struct sql *sql, const struct model *model, const struct index_part *part,
                     struct error *error)
{
	if (part->field) {
		sql_name(sql, part->field->column);
	} else {
		sql_lit(sql, "(");
		if (!schema_expression(sql, model, NULL, part->expression, error))
			return false;
		sql_lit(sql, ")");
	}
	if (part->opclass.n > 0) {
		sql_lit(sql, " ");
		sql_name(sql, part->opclass);
	}
	if (part->is_descending)
		sql_lit(sql, " DESC");
	return true;
}

bool schema_parts(struct sql *sql, const struct model *model, const struct index_part *parts,
                  size_t n, struct error *error)
{
	sql_lit(sql, "(");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			sql_lit(sql, ", ");
		if (!add_part(sql, model, &parts[i], error))
			return false;
		if (parts[i].with_operator.p) {
			sql_lit(sql, " WITH ");
			/* One of the registry's own list. */
			sql_const(sql, parts[i].with_operator.p);
		}
	}
	sql_lit(sql, ")");
	return true;
}

void schema_include(struct sql *sql, const struct field *const *include, size_t n)
{
	if (n == 0)
		return;
	sql_lit(sql, " INCLUDE (");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			sql_lit(sql, ", ");
		sql_name(sql, include[i]->column);
	}
	sql_lit(sql, ")");
}

bool schema_where(struct sql *sql, const struct model *model, const struct value *condition,
                  struct error *error)
{
	if (!condition)
		return true;
	sql_lit(sql, " WHERE (");
	if (!schema_expression(sql, model, condition, NULL, error))
		return false;
	sql_lit(sql, ")");
	return true;
}

static void begin_index(struct sql *sql, struct schema *schema)
{
	sql_init(sql, schema->arena);
	sql->is_inline = true;
}

static void add_on(struct sql *sql, const struct model *model, struct str name)
{
	sql_name(sql, name);
	sql_lit(sql, " ON ");
	sql_table(sql, model);
	sql_lit(sql, " ");
}

bool schema_unique_index(struct schema *schema, const struct model *model,
                         const struct constraint *constraint, struct error *error)
{
	struct sql sql;
	begin_index(&sql, schema);
	sql_lit(&sql, "CREATE UNIQUE INDEX ");
	add_on(&sql, model, constraint->name);
	bool ok = schema_parts(&sql, model, constraint->parts, constraint->nparts, error);
	schema_include(&sql, constraint->include, constraint->ninclude);
	if (!constraint->nulls_distinct)
		sql_lit(&sql, " NULLS NOT DISTINCT");
	ok = ok && schema_where(&sql, model, constraint->condition, error);
	schema_add(schema, SCHEMA_INDEX, &sql, "create unique index", constraint->name);
	return ok;
}

/* ---- indexes of single fields ---- */

static void add_field_index(struct schema *schema, const struct field *field, const char *suffix,
                            const char *opclass)
{
	struct str name = django_index_name(schema->arena, schema_table_name(field->model),
	                                    &field->column, 1, suffix);
	struct sql sql;
	begin_index(&sql, schema);
	sql_lit(&sql, "CREATE INDEX ");
	add_on(&sql, field->model, name);
	sql_lit(&sql, "(");
	sql_name(&sql, field->column);
	if (opclass) {
		sql_lit(&sql, " ");
		sql_const(&sql, opclass);
	}
	sql_lit(&sql, ")");
	schema_add(schema, SCHEMA_INDEX, &sql, "create index", name);
}

/* LIKE 'x%' cannot use an ordinary index where the collation is not C. */
const char *field_like_opclass(struct arena *arena, const struct field *field)
{
	if (!field->is_indexed && !field_is_unique_column(field))
		return NULL;
	struct str type = field_column_type(arena, field);
	const struct field *source = field->value_field ? field->value_field : field;
	if (field->db_collation.n > 0 || source->db_collation.n > 0 || str_ends(type, STR("]")))
		return NULL;
	if (str_starts(type, STR("varchar")))
		return "varchar_pattern_ops";
	if (str_starts(type, STR("text")))
		return "text_pattern_ops";
	return NULL;
}

/* `("published" AT TIME ZONE 'UTC')`, in parentheses of its own for a moment. */
static void add_moment(struct sql *sql, const struct field *date)
{
	bool is_moment = date->value_field->type->kind == TYPE_DATETIME;
	sql_const(sql, is_moment ? "(" : "");
	sql_name(sql, date->column);
	sql_const(sql, is_moment ? " AT TIME ZONE 'UTC')" : "");
}

static void add_date_part(struct sql *sql, const struct unique_for *unique)
{
	static const char *const before[] = {
		[UNIQUE_DATE] = "(", [UNIQUE_MONTH] = "(extract(month FROM ", [UNIQUE_YEAR] = "(extract(year FROM "};
	static const char *const behind[] = {
		[UNIQUE_DATE] = "::date)", [UNIQUE_MONTH] = "))", [UNIQUE_YEAR] = "))"};
	sql_const(sql, before[unique->part]);
	add_moment(sql, unique->date);
	sql_const(sql, behind[unique->part]);
}

void schema_unique_for(struct schema *schema, const struct field *field)
{
	struct unique_for list[3];
	size_t n = unique_for_list(schema->arena, field, list);
	for (size_t i = 0; i < n; i++) {
		struct sql sql;
		begin_index(&sql, schema);
		sql_lit(&sql, "CREATE UNIQUE INDEX ");
		add_on(&sql, field->model, list[i].index);
		sql_lit(&sql, "(");
		sql_name(&sql, field->column);
		sql_lit(&sql, ", ");
		add_date_part(&sql, &list[i]);
		sql_lit(&sql, ")");
		/* To Django no value is a value here, and no date is no date. */
		if (field->is_null) {
			sql_lit(&sql, " NULLS NOT DISTINCT WHERE ");
			sql_name(&sql, list[i].date->column);
			sql_lit(&sql, " IS NOT NULL");
		}
		schema_add(schema, SCHEMA_INDEX, &sql, "create unique index", list[i].index);
	}
}

bool field_has_index(const struct field *field)
{
	return field->is_indexed && !field_is_unique_column(field);
}

void schema_field_index(struct schema *schema, const struct field *field, bool is_like)
{
	if (is_like)
		add_field_index(schema, field, "_like", field_like_opclass(schema->arena, field));
	else
		add_field_index(schema, field, "", NULL);
}

static void add_field_indexes(struct schema *schema, const struct field *field)
{
	schema_unique_for(schema, field);
	if (field_has_index(field))
		schema_field_index(schema, field, false);
	if (field_like_opclass(schema->arena, field))
		schema_field_index(schema, field, true);
}

/* ---- Meta.indexes ---- */

enum option_kind { OPTION_NUMBER, OPTION_SWITCH };

static const struct {
	const char *name;
	enum option_kind kind;
} storage_options[] = {
	{"fillfactor", OPTION_NUMBER},      {"deduplicate_items", OPTION_SWITCH},
	{"fastupdate", OPTION_SWITCH},      {"gin_pending_list_limit", OPTION_NUMBER},
	{"buffering", OPTION_SWITCH},       {"autosummarize", OPTION_SWITCH},
	{"pages_per_range", OPTION_NUMBER}, {"length", OPTION_NUMBER},
};

static void add_option(struct sql *sql, const char *name, enum option_kind kind,
                       const struct value *value)
{
	sql_const(sql, name);
	sql_lit(sql, " = ");
	if (kind == OPTION_NUMBER && value->kind == VALUE_INT && value->integer >= 0 &&
	    value->integer <= INT32_MAX)
		sql_number(sql, (unsigned)value->integer);
	else if (value->kind == VALUE_BOOL && !value->boolean)
		sql_lit(sql, "off");
	else
		sql_lit(sql, "on");
}

static void add_options(struct sql *sql, const struct value *options)
{
	bool any = false;
	for (size_t i = 0; i < sizeof storage_options / sizeof *storage_options; i++) {
		const struct value *value = value_get(options, storage_options[i].name);
		if (!value || value->kind == VALUE_NULL)
			continue;
		if (any)
			sql_lit(sql, ", ");
		else
			sql_lit(sql, " WITH (");
		any = true;
		add_option(sql, storage_options[i].name, storage_options[i].kind, value);
	}
	if (any)
		sql_lit(sql, ")");
}

static void add_method(struct sql *sql, const struct index *index)
{
	if (index->method.n == 0 || str_is(index->method, "btree"))
		return;
	sql_lit(sql, "USING ");
	sql_name(sql, index->method);
	sql_lit(sql, " ");
}

bool schema_index(struct schema *schema, const struct model *model, const struct index *index,
                  struct error *error)
{
	struct sql sql;
	begin_index(&sql, schema);
	sql_lit(&sql, "CREATE INDEX ");
	add_on(&sql, model, index->name);
	add_method(&sql, index);
	bool ok = schema_parts(&sql, model, index->parts, index->nparts, error);
	schema_include(&sql, index->include, index->ninclude);
	if (index->options)
		add_options(&sql, index->options);
	if (index->db_tablespace.n > 0) {
		sql_lit(&sql, " TABLESPACE ");
		sql_name(&sql, index->db_tablespace);
	}
	ok = ok && schema_where(&sql, model, index->condition, error);
	schema_add(schema, SCHEMA_INDEX, &sql, "create index", index->name);
	return ok;
}

bool schema_indexes(struct schema *schema, const struct model *model, struct error *error)
{
	for (size_t i = 0; i < model->ncolumns; i++)
		add_field_indexes(schema, model->columns[i]);
	for (size_t i = 0; i < model->nindexes; i++) {
		if (!schema_index(schema, model, &model->indexes[i], error))
			return schema_misplaced(error, model, model->indexes[i].name);
	}
	return true;
}
