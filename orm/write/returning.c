/* Names to columns of RETURNING; see returning.h. */
#include "orm/write/returning.h"

struct members {
	struct layout_member *items;
	size_t n, cap;
};

void returning_none(struct returning *returning)
{
	*returning = (struct returning){0};
}

void returning_all(struct arena *arena, const struct model *model, struct returning *returning)
{
	*returning = (struct returning){.shows_rows = true};
	for (size_t i = 0; i < model->ncolumns; i++)
		*ARENA_PUSH(arena, &returning->columns) = model->columns[i];
	plan_model_layout(arena, model, &returning->layout);
}

unsigned returning_column(struct arena *arena, struct returning *returning,
                          const struct field *field)
{
	for (size_t i = 0; i < returning->columns.n; i++)
		if (returning->columns.items[i] == field)
			return (unsigned)i;
	*ARENA_PUSH(arena, &returning->columns) = field;
	return (unsigned)returning->columns.n - 1;
}

/* -- reading --------------------------------------------------------------------- */

static bool unknown_name(struct arena *arena, const struct model *model, struct str name,
                         const struct pos *pos, struct error *error)
{
	struct str *names = ARENA_ARRAY(arena, struct str, 2 * model->ncolumns + 1);
	size_t n = 0;

	for (size_t i = 0; i < model->ncolumns; i++) {
		const struct field *field = model->columns[i];

		names[n++] = field->name;
		if (!str_eq(field->name, field->attname))
			names[n++] = field->attname;
	}
	if (model->pk != NULL)
		names[n++] = STR("pk");
	error_set(error, ERROR_FIELD, pos,
	          "'%.*s' is no column of %.*s: 'returning' names columns of the row itself. Choices "
	          "are: %.*s",
	          STR_ARG(name), STR_ARG(model->name), STR_ARG(suggest_choices(arena, names, n)));
	error->suggestion = suggest_nearest(name, names, n);
	return false;
}

static bool add_name(struct arena *arena, const struct model *model, const struct value *value,
                     struct returning *returning, struct members *members, struct error *error)
{
	if (value->kind != VALUE_TEXT)
		return error_set(error, ERROR_VALUE, value->pos,
		                 "'returning' lists names of columns, not %s.",
		                 value_kind_name(value->kind));
	struct str name = value->text;
	const struct field *field = str_is(name, "pk") ? model->pk : model_field(model, name);

	if (field == NULL || field->column.p == NULL)
		return unknown_name(arena, model, name, value->pos, error);
	for (size_t i = 0; i < members->n; i++)
		if (str_eq(members->items[i].name, name))
			return true;
	*ARENA_PUSH(arena, members) =
		(struct layout_member){.kind = LAYOUT_COLUMN,
	                           .name = name,
	                           .key = layout_key(arena, name),
	                           .column = returning_column(arena, returning, field),
	                           .field = field};
	return true;
}

static bool read_names(struct arena *arena, const struct model *model, const struct value *names,
                       size_t n, struct returning *returning, struct error *error)
{
	struct members members = {0};

	returning_none(returning);
	for (size_t i = 0; i < n; i++)
		if (!add_name(arena, model, &names[i], returning, &members, error))
			return false;
	returning->layout = (struct layout){members.items, members.n};
	returning->shows_rows = members.n > 0;
	return true;
}

/* A query string's one name is a text, several are a list of them. */
static bool read_text(struct arena *arena, const struct model *model, const struct value *value,
                      struct returning *returning, struct error *error)
{
	if (str_is(value->text, "*") || (value->is_loose && str_is(value->text, "true"))) {
		returning_all(arena, model, returning);
		return true;
	}
	if (value->is_loose && str_is(value->text, "false")) {
		returning_none(returning);
		return true;
	}
	if (value->is_loose)
		return read_names(arena, model, value, 1, returning, error);
	return error_set(error, ERROR_VALUE, value->pos,
	                 "'returning' is a list of names, or true or \"*\" for every column.");
}

bool returning_read(struct arena *arena, const struct model *model, const struct value *value,
                    struct returning *returning, struct error *error)
{
	if (value == NULL)
		return true;
	switch (value->kind) {
	case VALUE_LIST:
		return read_names(arena, model, value->list.items, value->list.n, returning, error);
	case VALUE_TEXT:
		return read_text(arena, model, value, returning, error);
	case VALUE_BOOL:
		if (value->boolean)
			returning_all(arena, model, returning);
		else
			returning_none(returning);
		return true;
	case VALUE_NULL:
	case VALUE_INT:
	case VALUE_REAL:
	case VALUE_OBJECT:
		break;
	}
	return error_set(error, ERROR_VALUE, value->pos,
	                 "'returning' is a list of names, or true or \"*\" for every column, not %s.",
	                 value_kind_name(value->kind));
}

/* -- writing --------------------------------------------------------------------- */

void returning_emit(struct sql *sql, const struct returning *returning)
{
	for (size_t i = 0; i < returning->columns.n; i++) {
		sql_const(sql, i > 0 ? ", " : " RETURNING ");
		sql_name(sql, returning->columns.items[i]->column);
	}
}

void returning_emit_of(struct sql *sql, unsigned alias, const struct returning *returning)
{
	for (size_t i = 0; i < returning->columns.n; i++) {
		sql_const(sql, i > 0 ? ", " : " RETURNING ");
		sql_alias(sql, alias);
		sql_lit(sql, ".");
		sql_name(sql, returning->columns.items[i]->column);
	}
}

static unsigned place_in_row(const struct model *model, const struct field *field)
{
	for (size_t i = 0; i < model->ncolumns; i++)
		if (model->columns[i] == field)
			return (unsigned)i;
	BUG("a field without a column");
}

void returning_narrow(struct arena *arena, const struct model *model,
                      const struct returning *returning, struct layout *layout)
{
	size_t n = returning->layout.n;
	struct layout_member *members = ARENA_ARRAY(arena, struct layout_member, n);

	for (size_t i = 0; i < n; i++) {
		members[i] = returning->layout.members[i];
		members[i].column = place_in_row(model, members[i].field);
	}
	*layout = (struct layout){members, n};
}
