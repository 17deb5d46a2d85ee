/* Puts the statements of all models in order and makes CREATE TABLE and COMMENT ON; columns,
 * constraints and indexes have files of their own. */
#include "orm/migrate/schema.h"

#include "orm/sql/plan.h"

void schema_add(struct schema *schema, enum schema_kind kind, struct sql *sql, const char *verb,
                struct str name)
{
	struct statement statement;
	sql_finish(sql, 0, &statement);
	ASSERT(statement.nparams == 0);
	*ARENA_PUSH(schema->arena, schema) = (struct schema_statement){
		.kind = kind,
		.label = arena_printf(schema->arena, "%s %.*s", verb, STR_ARG(name)),
		.sql = statement.sql,
	};
}

struct str schema_table_name(const struct model *model)
{
	struct str rest = model->table;
	struct str first = str_cut(&rest, STR("\".\""));
	return rest.p ? rest : first;
}

bool schema_misplaced(struct error *error, const struct model *model, struct str name)
{
	error->detail = arena_printf(error->arena, "%.*s.%.*s: %.*s", STR_ARG(model->name),
	                             STR_ARG(name), STR_ARG(error->detail));
	return false;
}

bool schema_expression(struct sql *sql, const struct model *model, const struct value *condition,
                       const struct value *expression, struct error *error)
{
	struct str text;
	if (!plan_schema_sql(sql->arena, model, condition, expression, &text, error))
		return false;
	buf_add(&sql->text, text);
	return true;
}

static bool add_columns(struct sql *sql, const struct model *model, struct error *error)
{
	for (size_t i = 0; i < model->ncolumns; i++) {
		if (i > 0)
			sql_lit(sql, ", ");
		if (!schema_column(sql, model->columns[i], error))
			return false;
	}
	return true;
}

static bool add_table(struct schema *schema, const struct model *model, struct error *error)
{
	struct sql sql;
	sql_init(&sql, schema->arena);
	sql.is_inline = true;
	sql_lit(&sql, "CREATE TABLE ");
	sql_table(&sql, model);
	sql_lit(&sql, " (");
	bool ok = add_columns(&sql, model, error) && schema_table_constraints(&sql, model, error);
	sql_lit(&sql, ")");
	schema_add(schema, SCHEMA_TABLE, &sql, "create table", model->table);
	return ok;
}

void schema_comment(struct schema *schema, const struct model *model, const struct field *field,
                    struct str comment)
{
	struct sql sql;
	sql_init(&sql, schema->arena);
	sql.is_inline = true;
	if (field)
		sql_lit(&sql, "COMMENT ON COLUMN ");
	else
		sql_lit(&sql, "COMMENT ON TABLE ");
	sql_table(&sql, model);
	if (field) {
		sql_lit(&sql, ".");
		sql_name(&sql, field->column);
	}
	sql_lit(&sql, " IS ");
	sql_param(&sql, comment, 0, (struct str){0});
	struct str name = model->table;
	if (field)
		name =
			arena_printf(schema->arena, "%.*s.%.*s", STR_ARG(model->table), STR_ARG(field->column));
	schema_add(schema, SCHEMA_COMMENT, &sql, "comment on", name);
}

static void add_comments(struct schema *schema, const struct model *model)
{
	if (model->db_table_comment.n > 0)
		schema_comment(schema, model, NULL, model->db_table_comment);
	for (size_t i = 0; i < model->ncolumns; i++) {
		const struct field *field = model->columns[i];
		if (field->db_comment.n > 0)
			schema_comment(schema, model, field, field->db_comment);
	}
}

/* Stable: within a kind the order of declaration stays. */
static void sort_by_kind(struct schema *schema)
{
	struct schema_statement *sorted =
		ARENA_ARRAY(schema->arena, struct schema_statement, schema->n);
	size_t filled = 0;
	for (unsigned kind = 0; kind < SCHEMA_KINDS; kind++) {
		for (size_t i = 0; i < schema->n; i++) {
			if (schema->items[i].kind == kind)
				sorted[filled++] = schema->items[i];
		}
	}
	schema->items = sorted;
	schema->cap = schema->n;
}

bool schema_build(struct arena *arena, const struct model *const *models, size_t n,
                  struct schema *schema, struct error *error)
{
	*schema = (struct schema){.arena = arena};
	schema_extensions(schema, models, n);
	for (size_t i = 0; i < n; i++) {
		const struct model *model = models[i];
		if (!model->is_managed)
			continue;
		if (!add_table(schema, model, error) || !schema_constraints(schema, model, error) ||
		    !schema_indexes(schema, model, error))
			return false;
		add_comments(schema, model);
	}
	sort_by_kind(schema);
	return true;
}

struct str schema_script(struct arena *arena, const struct schema *schema)
{
	if (schema->n == 0)
		return STR("");
	struct buf text = {0};
	BUF_LIT(&text, "BEGIN;\n");
	for (size_t i = 0; i < schema->n; i++) {
		buf_add(&text, schema->items[i].sql);
		BUF_LIT(&text, ";\n");
	}
	BUF_LIT(&text, "COMMIT;\n");
	struct str script = arena_str(arena, buf_str(&text));
	buf_release(&text);
	return script;
}
