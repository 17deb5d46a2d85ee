/* Constraints: those inside CREATE TABLE (composite key, Meta.constraints), and those that wait
 * until every table is there (unique_together, foreign keys). */
#include "orm/migrate/schema.h"

#include "orm/model/build.h"

static void add_columns(struct sql *sql, const struct field *const *fields, size_t n)
{
	sql_lit(sql, "(");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			sql_lit(sql, ", ");
		sql_name(sql, fields[i]->column);
	}
	sql_lit(sql, ")");
}

static void add_deferrable(struct sql *sql, const struct constraint *constraint)
{
	switch (constraint->deferrable) {
	case CONSTRAINT_IMMEDIATE_ONLY:
		return;
	case CONSTRAINT_DEFERRED:
		sql_lit(sql, " DEFERRABLE INITIALLY DEFERRED");
		return;
	case CONSTRAINT_DEFERRABLE_IMMEDIATE:
		sql_lit(sql, " DEFERRABLE INITIALLY IMMEDIATE");
		return;
	}
}

/* A condition, covering columns, expressions and operator classes need an index. */
bool constraint_needs_index(const struct constraint *constraint)
{
	if (constraint->condition || constraint->ninclude > 0)
		return true;
	for (size_t i = 0; i < constraint->nparts; i++) {
		const struct index_part *part = &constraint->parts[i];
		if (!part->field || part->opclass.n > 0 || part->is_descending)
			return true;
	}
	return false;
}

static bool is_unique_index(const struct constraint *constraint)
{
	return constraint->kind == CONSTRAINT_UNIQUE && constraint_needs_index(constraint);
}

static void begin_constraint(struct sql *sql, const struct constraint *constraint)
{
	sql_lit(sql, "CONSTRAINT ");
	sql_name(sql, constraint->name);
}

static bool add_unique(struct sql *sql, const struct model *model,
                       const struct constraint *constraint, struct error *error)
{
	begin_constraint(sql, constraint);
	sql_lit(sql, " UNIQUE ");
	if (!constraint->nulls_distinct)
		sql_lit(sql, "NULLS NOT DISTINCT ");
	if (!schema_parts(sql, model, constraint->parts, constraint->nparts, error))
		return false;
	add_deferrable(sql, constraint);
	return true;
}

static bool add_check(struct sql *sql, const struct model *model,
                      const struct constraint *constraint, struct error *error)
{
	begin_constraint(sql, constraint);
	sql_lit(sql, " CHECK (");
	if (!schema_expression(sql, model, constraint->condition, NULL, error))
		return false;
	sql_lit(sql, ")");
	return true;
}

static bool add_exclusion(struct sql *sql, const struct model *model,
                          const struct constraint *constraint, struct error *error)
{
	begin_constraint(sql, constraint);
	sql_lit(sql, " EXCLUDE USING ");
	if (str_eq_nocase(constraint->index_type, STR("SPGIST")))
		sql_lit(sql, "spgist ");
	else
		sql_lit(sql, "gist ");
	if (!schema_parts(sql, model, constraint->parts, constraint->nparts, error))
		return false;
	schema_include(sql, constraint->include, constraint->ninclude);
	if (!schema_where(sql, model, constraint->condition, error))
		return false;
	add_deferrable(sql, constraint);
	return true;
}

static bool add_constraint(struct sql *sql, const struct model *model,
                           const struct constraint *constraint, struct error *error)
{
	switch (constraint->kind) {
	case CONSTRAINT_UNIQUE:
		return add_unique(sql, model, constraint, error);
	case CONSTRAINT_CHECK:
		return add_check(sql, model, constraint, error);
	case CONSTRAINT_EXCLUSION:
		return add_exclusion(sql, model, constraint, error);
	}
	BUG("constraint kind %d", (int)constraint->kind);
}

static bool is_over(const struct constraint *constraint, const struct field *const *fields, size_t n)
{
	bool same = constraint->nparts == n;
	for (size_t i = 0; same && i < n; i++)
		same = constraint->parts[i].field == fields[i];
	return same;
}

static bool is_same_unique(const struct constraint *a, const struct constraint *b)
{
	bool same = b->kind == CONSTRAINT_UNIQUE && !constraint_needs_index(b) && a->nparts == b->nparts;
	for (size_t i = 0; same && i < a->nparts; i++)
		same = a->parts[i].field == b->parts[i].field;
	return same;
}

/* CREATE TABLE makes one of two uniquenesses over the same columns, and none beside the key: such a one is added behind,
 * as it is to a table that is there. */
static bool would_be_left_out(const struct model *model, size_t at)
{
	const struct constraint *constraint = &model->constraints[at];
	if (constraint->kind != CONSTRAINT_UNIQUE || constraint_needs_index(constraint))
		return false;
	for (size_t i = 0; i < at; i++)
		if (is_same_unique(constraint, &model->constraints[i]))
			return true;
	if (is_over(constraint, model->pk_fields, model->npk_fields))
		return true;
	return constraint->nparts == 1 && constraint->parts[0].field &&
	       field_is_unique_column(constraint->parts[0].field);
}

bool schema_table_constraints(struct sql *sql, const struct model *model, struct error *error)
{
	for (size_t i = 0; i < model->nconstraints; i++) {
		const struct constraint *constraint = &model->constraints[i];
		if (is_unique_index(constraint) || would_be_left_out(model, i))
			continue;
		sql_lit(sql, ", ");
		if (!add_constraint(sql, model, constraint, error))
			return schema_misplaced(error, model, constraint->name);
	}
	if (model->npk_fields > 1) {
		sql_lit(sql, ", PRIMARY KEY ");
		add_columns(sql, model->pk_fields, model->npk_fields);
	}
	return true;
}

static void begin_add(struct sql *sql, struct schema *schema, const struct model *model)
{
	sql_init(sql, schema->arena);
	sql->is_inline = true;
	sql_lit(sql, "ALTER TABLE ");
	sql_table(sql, model);
	sql_lit(sql, " ADD ");
}

static void begin_alter(struct sql *sql, struct schema *schema, const struct model *model,
                        struct str name)
{
	begin_add(sql, schema, model);
	sql_lit(sql, "CONSTRAINT ");
	sql_name(sql, name);
}

bool schema_constraint(struct schema *schema, const struct model *model,
                       const struct constraint *constraint, struct error *error)
{
	struct sql sql;
	if (is_unique_index(constraint))
		return schema_unique_index(schema, model, constraint, error);
	begin_add(&sql, schema, model);
	bool ok = add_constraint(&sql, model, constraint, error);
	schema_add(schema, SCHEMA_UNIQUE, &sql, "add constraint", constraint->name);
	return ok || schema_misplaced(error, model, constraint->name);
}

void schema_unique_together(struct schema *schema, const struct model *model,
                            const struct field *const *fields)
{
	size_t n = 0;
	while (fields[n])
		n++;
	struct str *columns = ARENA_ARRAY(schema->arena, struct str, n);
	for (size_t i = 0; i < n; i++)
		columns[i] = fields[i]->column;
	struct str name =
		django_index_name(schema->arena, schema_table_name(model), columns, n, "_uniq");
	struct sql sql;
	begin_alter(&sql, schema, model, name);
	sql_lit(&sql, " UNIQUE ");
	add_columns(&sql, fields, n);
	schema_add(schema, SCHEMA_UNIQUE, &sql, "add unique constraint", name);
}

bool field_has_foreign_key(const struct field *field)
{
	return field->relation && field->relation->kind != RELATION_MANY_TO_MANY &&
	       field->relation->db_constraint && field->relation->target;
}

struct str schema_foreign_key_name(struct arena *arena, const struct field *field)
{
	struct str suffix =
		arena_printf(arena, "_fk_%.*s_%.*s", STR_ARG(schema_table_name(field->relation->to)),
	                 STR_ARG(field->relation->target->column));
	return django_index_name(arena, schema_table_name(field->model), &field->column, 1, suffix.p);
}

void schema_foreign_key(struct schema *schema, const struct field *field)
{
	const struct model *to = field->relation->to;
	struct str target = field->relation->target->column;
	struct str name = schema_foreign_key_name(schema->arena, field);
	struct sql sql;
	begin_alter(&sql, schema, field->model, name);
	sql_lit(&sql, " FOREIGN KEY (");
	sql_name(&sql, field->column);
	sql_lit(&sql, ") REFERENCES ");
	sql_table(&sql, to);
	sql_lit(&sql, " (");
	sql_name(&sql, target);
	sql_lit(&sql, ") DEFERRABLE INITIALLY DEFERRED");
	schema_add(schema, SCHEMA_FOREIGN_KEY, &sql, "add foreign key", name);
}

bool schema_constraints(struct schema *schema, const struct model *model, struct error *error)
{
	for (size_t i = 0; i < model->nunique_together; i++)
		schema_unique_together(schema, model, model->unique_together[i]);
	for (size_t i = 0; i < model->ncolumns; i++) {
		if (field_has_foreign_key(model->columns[i]))
			schema_foreign_key(schema, model->columns[i]);
	}
	for (size_t i = 0; i < model->nconstraints; i++) {
		const struct constraint *constraint = &model->constraints[i];
		bool is_apart = is_unique_index(constraint) || would_be_left_out(model, i);
		if (is_apart && !schema_constraint(schema, model, constraint, error))
			return false;
	}
	return true;
}
