/* Text of the statements of a delete; emits through orm/sql/writer.h alone. */
#include "orm/write/delete_sql.h"

#include "orm/model/field_types.h"
#include "orm/write/parts.h"

/* The texts of one column of the keys as an array parameter. */
static void add_key_array(struct sql *sql, const struct model *model, size_t column,
                          const struct str *keys, size_t nkeys)
{
	struct str *texts = ARENA_ARRAY(sql->arena, struct str, nkeys);

	for (size_t i = 0; i < nkeys; i++)
		texts[i] = keys[i * model->npk_fields + column];
	sql_field_array_param(sql, model->pk_fields[column]->value_field,
	                      part_array_text(sql->arena, texts, nkeys));
}

/* `"id" = ANY($1)`, or `("a", "b") IN (SELECT * FROM unnest($1, $2))`. */
static void add_has_key(struct sql *sql, const struct model *model, const struct str *keys,
                        size_t nkeys)
{
	bool is_single = model->npk_fields == 1;

	sql_const(sql, is_single ? "" : "(");
	part_pk_columns(sql, model);
	sql_const(sql, is_single ? " = ANY(" : ") IN (SELECT * FROM unnest(");
	for (size_t i = 0; i < model->npk_fields; i++) {
		if (i)
			sql_lit(sql, ", ");
		add_key_array(sql, model, i, keys, nkeys);
	}
	sql_const(sql, is_single ? ")" : "))");
}

/* Whose foreign key refers to the step's rows. */
static void add_refers(struct sql *sql, const struct relation *relation,
                       const struct collect_step *step)
{
	const struct model *to = step->model;

	sql_name(sql, relation->field->column);
	if (to->npk_fields == 1 && relation->target == to->pk_fields[0]) {
		sql_lit(sql, " = ANY(");
		add_key_array(sql, to, 0, step->keys, step->nkeys);
		sql_lit(sql, ")");
		return;
	}
	sql_lit(sql, " IN (SELECT ");
	sql_name(sql, relation->target->column);
	sql_lit(sql, " FROM ");
	sql_table(sql, to);
	sql_lit(sql, " WHERE ");
	add_has_key(sql, to, step->keys, step->nkeys);
	sql_lit(sql, ")");
}

void delete_sql_selected(struct arena *arena, const struct model *model,
                         const struct statement *keys, struct statement *statement)
{
	struct sql sql;
	bool is_single = model->npk_fields == 1;

	sql_init(&sql, arena);
	sql_lit(&sql, "DELETE FROM ");
	sql_table(&sql, model);
	sql_const(&sql, is_single ? " WHERE " : " WHERE (");
	part_pk_columns(&sql, model);
	sql_const(&sql, is_single ? " IN (" : ") IN (");
	part_statement(&sql, keys);
	sql_lit(&sql, ")");
	sql_finish(&sql, 0, statement);
}

void delete_sql_keys(struct arena *arena, const struct key_list *keys, struct statement *statement)
{
	struct sql sql;

	sql_init(&sql, arena);
	sql_lit(&sql, "DELETE FROM ");
	sql_table(&sql, keys->model);
	sql_lit(&sql, " WHERE ");
	add_has_key(&sql, keys->model, keys->items, keys->n / keys->model->npk_fields);
	sql_finish(&sql, 0, statement);
}

void delete_sql_referring(struct arena *arena, const struct relation *relation,
                          const struct collect_step *step, struct statement *statement)
{
	struct sql sql;

	sql_init(&sql, arena);
	sql_lit(&sql, "SELECT ");
	part_pk_columns(&sql, relation->from);
	sql_lit(&sql, " FROM ");
	sql_table(&sql, relation->from);
	sql_lit(&sql, " WHERE ");
	add_refers(&sql, relation, step);
	sql_lit(&sql, " FOR UPDATE");
	sql_finish(&sql, relation->from->npk_fields, statement);
}

void delete_sql_fast(struct arena *arena, const struct collect_action *action,
                     struct statement *statement)
{
	struct sql sql;

	sql_init(&sql, arena);
	sql_lit(&sql, "DELETE FROM ");
	sql_table(&sql, action->relation->from);
	sql_lit(&sql, " WHERE ");
	add_refers(&sql, action->relation, &action->step);
	sql_finish(&sql, 0, statement);
}

void delete_sql_update(struct arena *arena, const struct collect_action *action, struct str value,
                       struct statement *statement)
{
	struct sql sql;

	sql_init(&sql, arena);
	sql_lit(&sql, "UPDATE ");
	sql_table(&sql, action->relation->from);
	sql_lit(&sql, " SET ");
	sql_name(&sql, action->relation->field->column);
	sql_lit(&sql, " = ");
	sql_field_param(&sql, action->relation->field, value);
	sql_lit(&sql, " WHERE ");
	add_refers(&sql, action->relation, &action->step);
	sql_finish(&sql, 0, statement);
}
