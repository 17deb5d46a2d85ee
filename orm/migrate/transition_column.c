/* Columns: added, dropped and altered.  A column that becomes NOT NULL on a live table gets there
 * by a default, a backfill of rows some at a time, and a check that is validated on the side. */
#include "orm/migrate/edit.h"
#include "orm/migrate/transition.h"
#include "orm/model/build.h"
#include "orm/model/field_types.h"
#include "orm/query/decode.h"

/* What rows that are there get. */
struct filling {
	struct str sql; /* "": nothing */
	bool is_each;   /* another value for each row */
};

static void begin_alter_column(struct transition *t, struct sql *sql, const struct field *field)
{
	begin_alter_table(t, sql, field->model);
	sql_lit(sql, " ALTER COLUMN ");
	sql_name(sql, field->column);
}

static struct step *end_alter(struct transition *t, struct sql *sql, const struct field *field,
                              const char *verb)
{
	struct str name = arena_printf(t->arena, "%.*s.%.*s", STR_ARG(field->model->table),
	                               STR_ARG(field->column));
	return step_add(t, sql, quoted_table(t->arena, field->model), LOCK_ACCESS_EXCLUSIVE, verb, name);
}

/* ---- values for rows that are there ---- */

static const char *now_of(const struct field *field)
{
	if (field->value_field->type->kind == TYPE_DATE)
		return "(now() AT TIME ZONE 'UTC')::date";
	if (field->value_field->type->kind == TYPE_TIME)
		return "(now() AT TIME ZONE 'UTC')::time";
	return "now()";
}

/* Of SQL as PostgreSQL writes it: any call may, but for the one that everybody knows. */
static bool may_sql_vary(struct str sql)
{
	return str_find(sql, STR("(")) >= 0 && !str_is(sql, "now()");
}

/* Whether an expression may give each row another value: ADD COLUMN would write them all under its lock. */
static bool may_vary(const struct value *value)
{
	if (value->kind == VALUE_LIST) {
		for (size_t i = 0; i < value->list.n; i++)
			if (may_vary(&value->list.items[i]))
				return true;
		return false;
	}
	for (size_t i = 0; value->kind == VALUE_OBJECT && i < value->object.n; i++) {
		const struct member *member = &value->object.members[i];
		bool is_sql = str_is(member->key, "RawSQL") && member->value.kind == VALUE_TEXT;
		if (str_is(member->key, "RandomUUID") || str_is(member->key, "Random") ||
		    (is_sql ? may_sql_vary(member->value.text) : may_vary(&member->value)))
			return true;
	}
	return false;
}

static bool value_sql(struct transition *t, const struct field *field, const struct value *value,
                      struct filling *filling)
{
	struct sql sql;
	struct statement statement;
	struct str text;
	bool is_call = value->kind == VALUE_OBJECT && value->object.n == 1;
	bool is_uuid = is_call && str_is(value->object.members[0].key, "RandomUUID");
	filling->is_each = is_uuid || (value_is_expression(value) && may_vary(value));
	sql_init(&sql, t->arena);
	sql.is_inline = true;
	if (is_uuid) {
		sql_lit(&sql, "gen_random_uuid()");
	} else if (is_call && str_is(value->object.members[0].key, "Now")) {
		sql_const(&sql, now_of(field));
	} else if (value_is_expression(value)) {
		sql_lit(&sql, "(");
		if (!schema_expression(&sql, field->model, NULL, value, t->error))
			return schema_misplaced(t->error, field->model, field->name);
		sql_lit(&sql, ")");
	} else {
		if (!field_parse(field, value, t->arena, &text, t->error))
			return schema_misplaced(t->error, field->model, field->name);
		sql_field_param(&sql, field, text);
	}
	sql_finish(&sql, 0, &statement);
	filling->sql = statement.sql;
	return true;
}

static bool takes_empty_text(const struct field *field)
{
	enum type_kind kind = field->value_field->type->kind;
	return !field->relation && (kind == TYPE_TEXT || kind == TYPE_BINARY);
}

static const struct value *one_off(const struct transition *t, const struct field *field)
{
	const struct operation *operation = t->operation;
	enum operation_kind kind = operation->kind;
	bool says_it = t->is_backward ? kind == OP_REMOVE_FIELD
	                              : kind == OP_ADD_FIELD || kind == OP_ALTER_FIELD;
	return says_it && str_eq(operation->name, field->name) ? operation->one_off : NULL;
}

/* A value said for the occasion, the default, or the empty text that the field allows. */
static bool find_filling(struct transition *t, const struct field *field, struct filling *filling)
{
	const struct value *value = one_off(t, field);
	*filling = (struct filling){STR(""), false};
	if (field->is_generated || field->type->is_auto)
		return true;
	if (!value && field->db_default)
		value = field->db_default;
	else if (!value)
		value = field->default_value;
	if (value && value->kind != VALUE_NULL)
		return value_sql(t, field, value, filling);
	if (!field->is_null && (field->auto_now || field->auto_now_add))
		filling->sql = str_of(now_of(field));
	else if (!field->is_null && field->is_blank && takes_empty_text(field))
		filling->sql = STR("''");
	else if (str_is(field->name, "_order"))
		filling->sql = STR("0");
	return true;
}

/* ---- defaults of the column ---- */

static void set_default(struct transition *t, const struct field *field, struct str value)
{
	struct sql sql;
	begin_alter_column(t, &sql, field);
	sql_lit(&sql, " SET DEFAULT ");
	buf_add(&sql.text, value);
	end_alter(t, &sql, field, "set the default of");
}

/* The default that the column keeps: db_default or none. */
static bool settle_default(struct transition *t, const struct field *field)
{
	struct sql sql;
	begin_alter_column(t, &sql, field);
	if (field->db_default) {
		sql_lit(&sql, " SET");
		if (!schema_column_default(&sql, field, t->error))
			return schema_misplaced(t->error, field->model, field->name);
	} else {
		sql_lit(&sql, " DROP DEFAULT");
	}
	end_alter(t, &sql, field, field->db_default ? "set the default of" : "drop the default of");
	return true;
}

/* ---- NULL ---- */

static void set_null(struct transition *t, const struct field *field, bool is_null)
{
	struct sql sql;
	begin_alter_column(t, &sql, field);
	if (is_null)
		sql_lit(&sql, " DROP NOT NULL");
	else
		sql_lit(&sql, " SET NOT NULL");
	end_alter(t, &sql, field, is_null ? "allow null in" : "forbid null in");
}

static void fill_at_once(struct transition *t, const struct field *field, struct str value)
{
	struct sql sql;
	sql_init(&sql, t->arena);
	sql_lit(&sql, "UPDATE ");
	buf_add(&sql.text, quoted_table(t->arena, field->model));
	sql_lit(&sql, " SET ");
	sql_name(&sql, field->column);
	sql_lit(&sql, " = ");
	buf_add(&sql.text, value);
	sql_lit(&sql, " WHERE ");
	sql_name(&sql, field->column);
	sql_lit(&sql, " IS NULL");
	struct step *step = end_alter(t, &sql, field, "fill");
	step->lock = LOCK_ROW_EXCLUSIVE;
	step->is_data = step->scans = true;
}

static void backfill(struct transition *t, const struct field *field, struct str value)
{
	fill_at_once(t, field, value);
	struct step *step = &t->steps->items[t->steps->n - 1];
	step->kind = STEP_BACKFILL;
	step->is_apart = true;
	step->column = quoted_name(t->arena, field->column);
	step->value = value;
	step->key = field->model->pk && project_has_field(field->model->pk)
	                ? quoted_name(t->arena, field->model->pk->column)
	                : STR("");
}

/* Rows that came without a value while the others were filled. */
static void fill_late(struct transition *t, const struct field *field, struct str value)
{
	backfill(t, field, value);
	struct step *step = &t->steps->items[t->steps->n - 1];
	step->key = STR("");
	step->label = arena_concat(t->arena, STR("late rows: "), step->label);
}

/* The check that spares SET NOT NULL from reading the table under its lock. */
static void add_null_check(struct transition *t, const struct field *field, struct str name,
                           struct str value)
{
	struct sql sql;
	begin_alter_table(t, &sql, field->model);
	sql_lit(&sql, " ADD CONSTRAINT ");
	sql_name(&sql, name);
	sql_lit(&sql, " CHECK (");
	sql_name(&sql, field->column);
	sql_lit(&sql, " IS NOT NULL) NOT VALID");
	end_alter(t, &sql, field, "forbid null in new rows of");
	if (value.n > 0)
		fill_late(t, field, value);
	begin_alter_table(t, &sql, field->model);
	sql_lit(&sql, " VALIDATE CONSTRAINT ");
	sql_name(&sql, name);
	struct step *step = end_alter(t, &sql, field, "look for null in");
	step->hint = arena_printf(t->arena, "There are rows without a value: UPDATE %.*s SET %.*s = … WHERE "
	                          "%.*s IS NULL.", STR_ARG(step->table),
	                          STR_ARG(quoted_name(t->arena, field->column)),
	                          STR_ARG(quoted_name(t->arena, field->column)));
	step->lock = LOCK_SHARE_UPDATE_EXCLUSIVE;
	step->is_apart = step->scans = true;
}

static void drop_null_check(struct transition *t, const struct field *field, struct str name)
{
	struct sql sql;
	begin_alter_table(t, &sql, field->model);
	sql_lit(&sql, " DROP CONSTRAINT ");
	sql_name(&sql, name);
	end_alter(t, &sql, field, "drop the check of");
}

/* `value` ("": none): what rows get that say NULL themselves, while they still may. */
static void forbid_null_live(struct transition *t, const struct field *field, struct str value)
{
	struct str digest = django_digest(t->arena, (struct str[]){field->model->table, field->column},
	                                  2, 8);
	struct str name = arena_concat(t->arena, STR("quern_not_null_"), digest);
	add_null_check(t, field, name, value);
	set_null(t, field, false);
	drop_null_check(t, field, name);
}

/* From NULL to NOT NULL: new rows first, then those that are there. */
static bool forbid_null(struct transition *t, const struct field *field)
{
	struct filling filling;
	bool is_settled = true;
	if (!find_filling(t, field, &filling))
		return false;
	if (filling.sql.n > 0)
		set_default(t, field, filling.sql);
	if (filling.sql.n > 0 && is_live(t, field->model))
		backfill(t, field, filling.sql);
	else if (filling.sql.n > 0)
		fill_at_once(t, field, filling.sql);
	if (is_live(t, field->model))
		forbid_null_live(t, field, filling.sql);
	else
		set_null(t, field, false);
	if (filling.sql.n > 0)
		is_settled = settle_default(t, field);
	return is_settled;
}

/* ---- added and dropped ---- */

static void drop_column(struct transition *t, const struct model *model, const struct field *field)
{
	struct sql sql;
	begin_alter_table(t, &sql, model);
	sql_lit(&sql, " DROP COLUMN ");
	sql_name(&sql, field->column);
	sql_lit(&sql, " CASCADE");
	step_add(t, &sql, quoted_table(t->arena, model), LOCK_ACCESS_EXCLUSIVE, "drop column",
	         arena_printf(t->arena, "%.*s.%.*s", STR_ARG(model->table), STR_ARG(field->column)));
}

static bool add_column_with(struct transition *t, const struct field *field,
                            const struct filling *filling)
{
	struct sql sql;
	begin_alter_table(t, &sql, field->model);
	sql_lit(&sql, " ADD COLUMN ");
	/* db_default stands in the column's own definition. */
	struct str existing = field->db_default && !one_off(t, field) ? STR("") : filling->sql;
	if (!schema_column_added(&sql, field, existing, is_live(t, field->model), t->error))
		return false;
	struct step *step = end_alter(t, &sql, field, "add column");
	step->rewrites = filling->is_each || field->is_generated || field->type->is_auto;
	return existing.n == 0 || settle_default(t, field);
}

/* With a value of its own in each row: first without, then filled. */
static bool add_column_filled(struct transition *t, const struct field *field,
                              const struct filling *filling)
{
	struct field bare = *field;
	struct sql sql;
	bare.is_null = true;
	bare.db_default = NULL;
	begin_alter_table(t, &sql, field->model);
	sql_lit(&sql, " ADD COLUMN ");
	if (!schema_column_added(&sql, &bare, STR(""), true, t->error))
		return false;
	end_alter(t, &sql, field, "add column");
	set_default(t, field, filling->sql);
	backfill(t, field, filling->sql);
	if (!field->is_null)
		forbid_null_live(t, field, STR(""));
	return settle_default(t, field);
}

static bool add_column(struct transition *t, const struct field *field)
{
	struct filling filling;
	if (!find_filling(t, field, &filling))
		return false;
	if (filling.is_each && is_live(t, field->model) && !field->is_primary_key)
		return add_column_filled(t, field, &filling);
	return add_column_with(t, field, &filling);
}

/* ---- altered ---- */

static bool is_collation_changed(const struct field_pair *field)
{
	return !str_eq(field->was->db_collation, field->is->db_collation);
}

/* Whether PostgreSQL keeps the rows as they are: text that may be longer. */
static bool keeps_rows(struct arena *arena, const struct field_pair *field)
{
	struct str was = field_column_type(arena, field->was), is = field_column_type(arena, field->is);
	if (!str_starts(was, STR("varchar")) || is_collation_changed(field))
		return false;
	if (str_is(is, "text"))
		return true;
	const struct field *a = field->was->value_field, *b = field->is->value_field;
	return str_starts(is, STR("varchar")) && !str_ends(is, STR("]")) && b->max_length >= a->max_length;
}

static void change_type(struct transition *t, const struct field_pair *field)
{
	struct sql sql;
	struct str type = field_column_type(t->arena, field->is);
	begin_alter_column(t, &sql, field->is);
	sql_lit(&sql, " TYPE ");
	buf_add(&sql.text, type);
	if (field->is->db_collation.n > 0) {
		sql_lit(&sql, " COLLATE ");
		sql_name(&sql, field->is->db_collation);
	}
	sql_lit(&sql, " USING ");
	sql_name(&sql, field->is->column);
	sql_lit(&sql, "::");
	buf_add(&sql.text, type);
	struct step *step = end_alter(t, &sql, field->is, "change the type of");
	step->rewrites = !keeps_rows(t->arena, field);
}

static void set_identity(struct transition *t, const struct field *field)
{
	struct sql sql;
	begin_alter_column(t, &sql, field);
	sql_lit(&sql, " ADD GENERATED BY DEFAULT AS IDENTITY");
	end_alter(t, &sql, field, "number");
	sql_init(&sql, t->arena);
	sql.is_inline = true;
	sql_lit(&sql, "SELECT setval(pg_get_serial_sequence(");
	sql_param(&sql, quoted_table(t->arena, field->model), 0, (struct str){0});
	sql_lit(&sql, ", ");
	sql_param(&sql, field->column, 0, (struct str){0});
	sql_lit(&sql, "), coalesce(max(");
	sql_name(&sql, field->column);
	sql_lit(&sql, "), 0) + 1, false) FROM ");
	sql_table(&sql, field->model);
	end_alter(t, &sql, field, "number on from the last row of")->scans = true;
}

static void drop_identity(struct transition *t, const struct field *field)
{
	struct sql sql;
	begin_alter_column(t, &sql, field);
	sql_lit(&sql, " DROP IDENTITY IF EXISTS");
	end_alter(t, &sql, field, "stop numbering");
}

static bool is_default_changed(const struct field_pair *field)
{
	return !edit_same(field->was->db_default, field->is->db_default);
}

static bool alter_column(struct transition *t, const struct field_pair *field)
{
	const struct field *was = field->was, *is = field->is;
	struct sql sql;
	bool is_type = is_type_changed(t->arena, field) || is_collation_changed(field);
	bool is_default = is_default_changed(field) || (is_type && was->db_default);
	bool is_part_of_key = is->is_primary_key;
	if (was->type->is_auto && !is->type->is_auto)
		drop_identity(t, is);
	if (is_default && was->db_default) {
		begin_alter_column(t, &sql, is);
		sql_lit(&sql, " DROP DEFAULT");
		end_alter(t, &sql, is, "drop the default of");
	}
	if (is_type)
		change_type(t, field);
	if (was->is_null && !is->is_null && !forbid_null(t, is))
		return false;
	if (!was->is_null && is->is_null && !is_part_of_key)
		set_null(t, is, true);
	if (is->type->is_auto && !was->type->is_auto)
		set_identity(t, is);
	return !is_default || !is->db_default || settle_default(t, is);
}

bool change_column(struct transition *t, const struct model_pair *pair, const struct field_pair *field)
{
	if (!field->was)
		return add_column(t, field->is);
	if (!field->is) {
		drop_column(t, pair->is, field->was);
		return true;
	}
	return alter_column(t, field);
}
