/* Join tables that a many-to-many field makes by itself: an id, two foreign keys that are unique
 * together, names as Django gives them, and nothing else.  Any other join table stays a model. */
#include "orm/migrate/inspect_draft.h"
#include "orm/model/build.h"

static bool is_plain_key(const struct inspected_field *field)
{
	const struct catalog_column *column = field->column;

	return field->to && !field->is_one_to_one && column->is_not_null && !column->default_text.p &&
	       !column->comment.p && field->foreign_key->on_delete == 'a' &&
	       field->foreign_key->is_deferred && field->to->nkey == 1 &&
	       str_eq(field->foreign_key->to_columns[0], field->to->key[0]);
}

/* The key alone, the pair, two foreign keys; an index for each key. */
static bool has_the_constraints(struct inspecting *in, const struct inspected_model *join)
{
	struct str columns[2] = {join->fields[1].column->name, join->fields[2].column->name};
	struct str pair = django_index_name(in->arena, join->table->name, columns, 2, "_uniq");
	size_t found = 0;

	if (join->table->constraints.n != 4 || join->table->indexes.n != 4)
		return false;
	for (size_t i = 0; i < 4; i++)
		found += str_eq(join->table->constraints.items[i].name, pair);
	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < 2; k++)
			found += str_eq(join->table->indexes.items[i].name,
			                django_index_name(in->arena, join->table->name, &columns[k], 1, ""));
	return found == 3;
}

static bool has_the_columns(struct inspecting *in, const struct inspected_model *join)
{
	const struct inspected_field *from = &join->fields[1], *to = &join->fields[2];
	bool is_self = from->to == to->to;
	struct str one = arena_lower(in->arena, from->to->name), other = arena_lower(in->arena, to->to->name);

	return str_eq(from->column->name, arena_printf(in->arena, is_self ? "from_%.*s_id" : "%.*s_id",
	                                               STR_ARG(one))) &&
	       str_eq(to->column->name, arena_printf(in->arena, is_self ? "to_%.*s_id" : "%.*s_id",
	                                             STR_ARG(other)));
}

static bool is_join(struct inspecting *in, const struct inspected_model *model)
{
	if (model->nfields != 3 || model->table->columns.n != 3 || !model->is_managed ||
	    model->table->comment.p)
		return false;
	const struct inspected_field *id = &model->fields[0];
	return str_is(id->column->name, "id") && str_is(id->column->type, "bigint") &&
	       str_is(id->column->identity, "d") && id->is_key && model->nkey == 1 &&
	       is_plain_key(&model->fields[1]) && is_plain_key(&model->fields[2]) &&
	       model->fields[1].to->is_managed && model->fields[2].to->is_managed &&
	       has_the_columns(in, model) && has_the_constraints(in, model);
}

/* Nobody else may refer to its rows. */
static bool is_referred_to(struct inspecting *in, const struct inspected_model *model)
{
	for (size_t i = 0; i < in->models.n; i++)
		for (size_t k = 0; k < in->models.items[i]->nfields; k++)
			if (in->models.items[i]->fields[k].to == model)
				return true;
	return false;
}

static void take_join(struct inspecting *in, struct inspected_model *model)
{
	struct inspected_model *from = model->fields[1].to;
	struct str table = inspect_db_table(in, model->table);
	struct str stem = arena_concat(in->arena, inspect_db_table(in, from->table), STR("_"));
	bool is_named_after = str_starts(table, stem) && table.n > stem.n;
	struct str wanted = is_named_after ? str_sub(table, stem.n, table.n - stem.n)
	                                   : arena_lower(in->arena, model->table->name);
	struct str name = inspect_field_name(in, from, wanted, false);

	model->is_join = true;
	*ARENA_PUSH(in->arena, &from->many) = (struct inspected_many){
		.name = name,
		.to = model->fields[2].to,
		.join = model->table,
		.needs_table =
			!str_eq(django_truncate_name(in->arena, arena_concat(in->arena, stem, name), 63), table),
	};
}

void inspect_joins(struct inspecting *in)
{
	for (size_t i = 0; i < in->models.n; i++) {
		struct inspected_model *model = in->models.items[i];

		if (is_join(in, model) && !is_referred_to(in, model))
			take_join(in, model);
	}
}
