/* PostgreSQL extensions that the models cannot do without: in Django a migration names them, here
 * the models do.  Only those that PostgreSQL brings along. */
#include "orm/migrate/schema.h"

#include "orm/model/field_types.h"

enum extension { EXT_HSTORE, EXT_TRGM, EXT_BTREE_GIST, EXT_BTREE_GIN, EXTENSIONS };

static const char *const extension_names[EXTENSIONS] = {
	[EXT_HSTORE] = "hstore",
	[EXT_TRGM] = "pg_trgm",
	[EXT_BTREE_GIST] = "btree_gist",
	[EXT_BTREE_GIN] = "btree_gin",
};

/* Types that gist and gin know nothing of by themselves. */
static bool is_scalar(const struct index_part *part)
{
	if (!part->field || part->opclass.n > 0)
		return false;
	switch (part->field->value_field->type->kind) {
	case TYPE_INTEGER:
	case TYPE_FLOAT:
	case TYPE_DECIMAL:
	case TYPE_BOOLEAN:
	case TYPE_TEXT:
	case TYPE_UUID:
	case TYPE_DATE:
	case TYPE_DATETIME:
	case TYPE_TIME:
	case TYPE_DURATION:
	case TYPE_BINARY:
		return true;
	case TYPE_INET:
	case TYPE_JSON:
	case TYPE_ARRAY:
	case TYPE_HSTORE:
	case TYPE_RANGE:
	case TYPE_RELATION:
		return false;
	}
	return false;
}

static void look_at_parts(bool *needed, struct str method, const struct index_part *parts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (str_ends(parts[i].opclass, STR("_trgm_ops")))
			needed[EXT_TRGM] = true;
		if (!is_scalar(&parts[i]))
			continue;
		if (str_eq_nocase(method, STR("gist")))
			needed[EXT_BTREE_GIST] = true;
		if (str_eq_nocase(method, STR("gin")))
			needed[EXT_BTREE_GIN] = true;
	}
}

static void look_at_field(bool *needed, const struct field *field)
{
	while (field->base_field)
		field = field->base_field;
	if (field->type->kind == TYPE_HSTORE)
		needed[EXT_HSTORE] = true;
}

static void look_at_model(bool *needed, const struct model *model)
{
	for (size_t i = 0; i < model->ncolumns; i++)
		look_at_field(needed, model->columns[i]);
	for (size_t i = 0; i < model->nindexes; i++)
		look_at_parts(needed, model->indexes[i].method, model->indexes[i].parts,
		              model->indexes[i].nparts);
	for (size_t i = 0; i < model->nconstraints; i++) {
		const struct constraint *constraint = &model->constraints[i];
		struct str method = STR("btree");
		if (constraint->kind == CONSTRAINT_EXCLUSION)
			method = constraint->index_type.n > 0 ? constraint->index_type : STR("gist");
		look_at_parts(needed, method, constraint->parts, constraint->nparts);
	}
}

void schema_extensions(struct schema *schema, const struct model *const *models, size_t n)
{
	bool needed[EXTENSIONS] = {false};
	for (size_t i = 0; i < n; i++) {
		if (models[i]->is_managed)
			look_at_model(needed, models[i]);
	}
	for (size_t i = 0; i < EXTENSIONS; i++) {
		if (!needed[i])
			continue;
		struct sql sql;
		sql_init(&sql, schema->arena);
		sql_lit(&sql, "CREATE EXTENSION IF NOT EXISTS ");
		sql_const(&sql, extension_names[i]);
		schema_add(schema, SCHEMA_EXTENSION, &sql, "create extension", str_of(extension_names[i]));
	}
}
