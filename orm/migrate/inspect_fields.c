/* Fields of the inspected models, column by column: keys, relations, what PostgreSQL says of each. */
#include "orm/migrate/inspect_draft.h"
#include "orm/model/build.h"

static const struct catalog_constraint *key_of(const struct catalog_table *table)
{
	for (size_t i = 0; i < table->constraints.n; i++)
		if (table->constraints.items[i].kind == 'p')
			return &table->constraints.items[i];
	return NULL;
}

static struct inspected_model *model_of(struct inspecting *in, struct str schema, struct str name)
{
	for (size_t i = 0; i < in->models.n; i++) {
		struct inspected_model *model = in->models.items[i];

		if (str_eq(model->table->name, name) && str_eq(model->table->schema, schema))
			return model;
	}
	return NULL;
}

const struct inspected_field *inspect_find_field(const struct inspected_model *model,
                                                 struct str column)
{
	for (size_t i = 0; i < model->nfields; i++)
		if (str_eq(model->fields[i].column->name, column))
			return &model->fields[i];
	return NULL;
}

static bool is_in(const struct str *list, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i], name))
			return true;
	return false;
}

/* ---- keys ---- */

static bool is_whole_unique(const struct catalog_table *table, const struct catalog_index *index)
{
	if (!index->is_unique || !index->is_valid || index->predicate.p)
		return false;
	for (size_t i = 0; i < index->nparts; i++) {
		const struct catalog_column *column =
			index->parts[i].column.p ? catalog_column(table, index->parts[i].column) : NULL;

		if (!column || !column->is_not_null)
			return false;
	}
	return true;
}

static void set_key(struct inspecting *in, struct inspected_model *model, const struct str *names,
                    size_t n)
{
	struct str *key = ARENA_ARRAY(in->arena, struct str, n);

	copy_bytes(key, names, n * sizeof *key);
	model->key = key;
	model->nkey = n;
}

/* A unique index over columns that are never null serves as well. */
static bool find_unique_key(struct inspecting *in, struct inspected_model *model)
{
	const struct catalog_table *table = model->table;

	for (size_t i = 0; i < table->indexes.n; i++) {
		const struct catalog_index *index = &table->indexes.items[i];

		if (!is_whole_unique(table, index))
			continue;
		struct str *names = ARENA_ARRAY(in->arena, struct str, index->nparts);
		for (size_t k = 0; k < index->nparts; k++)
			names[k] = index->parts[k].column;
		set_key(in, model, names, index->nparts);
		inspect_note(in, "%.*s: the table has no primary key; the unique index %.*s stands for it",
		             STR_ARG(inspect_table_shown(in, table)), STR_ARG(index->name));
		return true;
	}
	return false;
}

/* Of a view, or a table without any: a column called id, else one that ends so, else the first. */
static void guess_key(struct inspecting *in, struct inspected_model *model)
{
	const struct catalog_table *table = model->table;
	const struct catalog_column *found = NULL;

	for (size_t i = 0; i < table->columns.n && !found; i++)
		if (str_eq_nocase(table->columns.items[i].name, STR("id")))
			found = &table->columns.items[i];
	for (size_t i = 0; i < table->columns.n && !found; i++) {
		struct str name = table->columns.items[i].name;

		if (name.n > 2 && str_eq_nocase(str_sub(name, name.n - 2, 2), STR("id")))
			found = &table->columns.items[i];
	}
	if (!found)
		found = &table->columns.items[0];
	set_key(in, model, &found->name, 1);
	inspect_note(in, "%.*s: it has no key; \"%.*s\" was taken for one, say a better one if it is not "
	                 "unique",
	             STR_ARG(inspect_table_shown(in, table)), STR_ARG(found->name));
}

static void find_key(struct inspecting *in, struct inspected_model *model)
{
	const struct catalog_constraint *key = key_of(model->table);

	if (key) {
		set_key(in, model, key->columns, key->ncolumns);
		return;
	}
	model->is_managed = false;
	if (!find_unique_key(in, model))
		guess_key(in, model);
}

/* ---- relations ---- */

static void find_relation(struct inspecting *in, struct inspected_model *model,
                          struct inspected_field *field)
{
	for (size_t i = 0; i < model->table->constraints.n; i++) {
		const struct catalog_constraint *constraint = &model->table->constraints.items[i];

		if (constraint->kind != 'f' || constraint->ncolumns != 1 ||
		    !str_eq(constraint->columns[0], field->column->name))
			continue;
		struct inspected_model *to = model_of(in, constraint->to_schema, constraint->to_table);
		if (!to) {
			inspect_note(in, "%.*s.%.*s: it refers to %.*s.%.*s, which is not inspected; kept as a plain "
			                 "field",
			             STR_ARG(inspect_table_shown(in, model->table)), STR_ARG(field->column->name),
			             STR_ARG(constraint->to_schema), STR_ARG(constraint->to_table));
			continue;
		}
		if (to == model && str_eq(constraint->to_columns[0], field->column->name)) {
			inspect_note(in, "%.*s.%.*s: its foreign key %.*s leads to itself and is left to the database",
			             STR_ARG(inspect_table_shown(in, model->table)),
			             STR_ARG(field->column->name), STR_ARG(constraint->name));
			continue;
		}
		if (field->foreign_key) {
			inspect_note(in, "%.*s.%.*s: its second foreign key %.*s is left to the database",
			             STR_ARG(inspect_table_shown(in, model->table)),
			             STR_ARG(field->column->name), STR_ARG(constraint->name));
			continue;
		}
		field->foreign_key = constraint;
		field->to = to;
	}
}

static void note_wide_references(struct inspecting *in, const struct inspected_model *model)
{
	for (size_t i = 0; i < model->table->constraints.n; i++) {
		const struct catalog_constraint *constraint = &model->table->constraints.items[i];

		if (constraint->kind == 'f' && constraint->ncolumns > 1)
			inspect_note(in, "%.*s: the foreign key %.*s over several columns is left to the database: "
			                 "%.*s",
			             STR_ARG(inspect_table_shown(in, model->table)), STR_ARG(constraint->name),
			             STR_ARG(constraint->definition));
	}
}

static bool is_unique_alone(const struct catalog_table *table, struct str column)
{
	for (size_t i = 0; i < table->constraints.n; i++) {
		const struct catalog_constraint *constraint = &table->constraints.items[i];

		if ((constraint->kind == 'u' || constraint->kind == 'p') && constraint->ncolumns == 1 &&
		    !constraint->is_deferrable && str_eq(constraint->columns[0], column))
			return true;
	}
	return false;
}

static const char *on_delete(const struct inspected_field *field)
{
	switch (field->foreign_key->on_delete) {
	case 'c':
		return "CASCADE";
	case 'r':
		return "RESTRICT";
	case 'n':
		return field->column->is_not_null ? "DO_NOTHING" : "SET_NULL";
	default:
		return "DO_NOTHING";
	}
}

/* ---- one field ---- */

static bool is_lone_key(const struct inspected_model *model, const struct inspected_field *field)
{
	return model->nkey == 1 && str_eq(model->key[0], field->column->name);
}

static const char *auto_type(const struct catalog_column *column)
{
	if (str_is(column->type, "smallint"))
		return "SmallAutoField";
	if (str_is(column->type, "integer"))
		return "AutoField";
	return str_is(column->type, "bigint") ? "BigAutoField" : NULL;
}

/* An integer with PostgreSQL's own name for CHECK (column >= 0). */
static bool is_positive(struct inspecting *in, const struct inspected_model *model,
                        const struct catalog_column *column, size_t *at)
{
	struct str name = arena_printf(in->arena, "%.*s_%.*s_check", STR_ARG(model->table->name),
	                               STR_ARG(column->name));

	for (size_t i = 0; i < model->table->constraints.n; i++) {
		const struct catalog_constraint *constraint = &model->table->constraints.items[i];

		if (constraint->kind != 'c' || constraint->ncolumns != 1 || !constraint->is_validated ||
		    constraint->is_no_inherit || !str_eq(constraint->columns[0], column->name) ||
		    !str_ends(constraint->expression, STR(" >= 0)")))
			continue;
		/* A name that was too long for PostgreSQL is shortened by its own rule. */
		bool is_named = str_eq(constraint->name, name) ||
		                (name.n > 63 && str_ends(constraint->name, STR("_check")));
		struct str left = str_sub(constraint->expression, 1, constraint->expression.n - 7);
		struct str quoted = arena_printf(in->arena, "\"%.*s\"", STR_ARG(column->name));
		if (!is_named || (!str_eq(left, column->name) && !str_eq(left, quoted)))
			continue;
		*at = i;
		return true;
	}
	return false;
}

static void put_reference(struct inspecting *in, const struct inspected_model *model,
                          struct inspected_field *field)
{
	struct members *out = &field->declaration;
	const struct inspected_model *to = field->to;
	const struct inspected_field *target =
		inspect_find_field(to, field->foreign_key->to_columns[0]);

	members_put_text(out, "type", field->is_one_to_one ? STR("OneToOneField") : STR("ForeignKey"));
	members_put_text(out, "to", to == model ? STR("self") : to->name);
	members_put_text(out, "on_delete", str_of(on_delete(field)));
	if (target && !is_lone_key(to, target))
		members_put_text(out, "to_field", target->name);
	if (target && !str_eq(target->column->type, field->column->type))
		members_put_text(out, "db_type", field->column->type);
	(void)in;
}

static void put_generated(struct inspecting *in, struct inspected_field *field)
{
	struct members *out = &field->declaration, inner = {.arena = in->arena};

	inspect_type(in, field->column, &inner);
	members_put_text(out, "type", STR("GeneratedField"));
	members_put(out, "expression", inspect_raw(in, field->column->default_text));
	members_put(out, "output_field", members_end(&inner));
	members_put(out, "db_persist", edit_bool(in->arena, true));
	if (field->column->is_not_null)
		members_put(out, "null", edit_bool(in->arena, false));
}

static void replace_type(struct members *out, const char *type)
{
	for (size_t i = 0; i < out->n; i++)
		if (str_is(out->items[i].key, "type"))
			out->items[i].value.text = str_of(type);
}

static void put_plain(struct inspecting *in, struct inspected_model *model,
                      struct inspected_field *field)
{
	static const char *const positive[][2] = {
		{"SmallIntegerField", "PositiveSmallIntegerField"},
		{"IntegerField", "PositiveIntegerField"},
		{"BigIntegerField", "PositiveBigIntegerField"}};
	struct members *out = &field->declaration;
	size_t at;

	inspect_type(in, field->column, out);
	if (is_positive(in, model, field->column, &at)) {
		for (size_t i = 0; i < 3; i++) {
			if (!str_is(out->items[0].value.text, positive[i][0]))
				continue;
			replace_type(out, positive[i][1]);
			model->constraint_is_said[at] = true;
			break;
		}
	}
	if (field->column->identity.n > 0)
		inspect_note(in, "%.*s.%.*s: an identity column that is not the key; clients may leave it out, "
		                 "but a new table would not have it",
		             STR_ARG(inspect_table_shown(in, model->table)), STR_ARG(field->column->name));
}

/* Of a view nothing is known of NULL: anything may be. */
static bool may_be_null(const struct inspected_model *model, const struct inspected_field *field)
{
	char kind = model->table->kind;
	bool is_stored = kind == 'r' || kind == 'p' || kind == 'f';

	return !field->is_key && !(is_stored && field->column->is_not_null);
}

/* To Django [] and {} are no values; to the database they are. */
static bool may_be_empty(const struct inspected_field *field)
{
	static const char *const types[] = {"ArrayField", "JSONField", "HStoreField"};
	const struct members *out = &field->declaration;

	for (size_t i = 0; out->n > 0 && i < sizeof types / sizeof *types; i++)
		if (str_is(out->items[0].key, "type") && str_is(out->items[0].value.text, types[i]))
			return true;
	return false;
}

static void declare(struct inspecting *in, struct inspected_model *model,
                    struct inspected_field *field)
{
	const struct catalog_column *column = field->column;
	struct members *out = &field->declaration;
	const char *automatic = auto_type(column);
	bool is_lone = is_lone_key(model, field);
	bool is_auto = is_lone && automatic && (column->identity.n > 0 || column->is_serial);

	if (is_auto && !field->to)
		members_put_text(out, "type", str_of(automatic));
	else if (column->is_generated)
		put_generated(in, field);
	else if (field->to)
		put_reference(in, model, field);
	else
		put_plain(in, model, field);
	if (is_lone)
		members_put(out, "primary_key", edit_bool(in->arena, true));
	if (may_be_empty(field))
		members_put(out, "blank", edit_bool(in->arena, true));
	if (may_be_null(model, field) && !column->is_generated) {
		members_put(out, "null", edit_bool(in->arena, true));
		if (!may_be_empty(field))
			members_put(out, "blank", edit_bool(in->arena, true));
	}
	struct str own = field->to ? arena_concat(in->arena, field->name, STR("_id")) : field->name;
	if (!str_eq(own, column->name))
		members_put_text(out, "db_column", column->name);
	if (column->collation.p)
		members_put_text(out, "db_collation", column->collation);
	if (!is_auto)
		inspect_default(in, column, out);
	else if (field->to)
		inspect_note(in, "%.*s.%.*s: its own sequence is left to the database",
		             STR_ARG(inspect_table_shown(in, model->table)), STR_ARG(column->name));
	if (column->comment.p)
		members_put_text(out, "db_comment", column->comment);
}

static bool has_quote(struct str name)
{
	return str_find(name, STR("\"")) >= 0;
}

static void begin_fields(struct inspecting *in, struct inspected_model *model)
{
	const struct catalog_table *table = model->table;

	model->fields = ARENA_ARRAY(in->arena, struct inspected_field, table->columns.n);
	model->constraint_is_said = ARENA_ARRAY(in->arena, bool, table->constraints.n + 1);
	model->index_is_said = ARENA_ARRAY(in->arena, bool, table->indexes.n + 1);
	for (size_t i = 0; i < table->columns.n; i++) {
		const struct catalog_column *column = &table->columns.items[i];

		if (has_quote(column->name)) {
			inspect_note(in, "%.*s: the column %.*s is left out: a name with a quotation mark cannot be "
			                 "served",
			             STR_ARG(inspect_table_shown(in, table)), STR_ARG(column->name));
			model->is_managed = false;
			continue;
		}
		model->fields[model->nfields++] =
			(struct inspected_field){.column = column, .declaration.arena = in->arena};
	}
}

static void name_fields(struct inspecting *in, struct inspected_model *model)
{
	for (size_t i = 0; i < model->nfields; i++) {
		struct inspected_field *field = &model->fields[i];

		find_relation(in, model, field);
		field->is_key = is_in(model->key, model->nkey, field->column->name);
		field->is_one_to_one =
			field->to && (is_unique_alone(model->table, field->column->name) ||
		                  (model->nkey == 1 && field->is_key));
		field->name =
			inspect_field_name(in, model, field->column->name, field->foreign_key != NULL);
	}
}

void inspect_fields(struct inspecting *in)
{
	for (size_t i = 0; i < in->models.n; i++) {
		struct inspected_model *model = in->models.items[i];

		begin_fields(in, model);
		find_key(in, model);
		name_fields(in, model);
	}
	inspect_joins(in);
	for (size_t i = 0; i < in->models.n; i++) {
		struct inspected_model *model = in->models.items[i];

		if (model->is_join)
			continue;
		for (size_t k = 0; k < model->nfields; k++)
			declare(in, model, &model->fields[k]);
		note_wide_references(in, model);
		inspect_claim(in, model);
	}
	inspect_name_reverse_sides(in);
}
