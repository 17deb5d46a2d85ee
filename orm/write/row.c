/* Objects to rows.  Pure: asks no database; see find.c for what is looked up. */
#include "orm/write/row.h"

#include "orm/query/decode.h"
#include "orm/sql/insert_value.h"
#include "orm/write/nested.h"

void row_reader_init(struct row_reader *reader, struct writing *writing, const struct model *model,
                     enum row_mode mode)
{
	*reader = (struct row_reader){.writing = writing, .model = model, .mode = mode};
	writing_validation(writing, &reader->own);
	reader->validation = &reader->own;
}

/* -- names ----------------------------------------------------------------------- */

static bool unknown_member(struct writing *writing, const struct model *model,
                           const struct member *member)
{
	struct str *names = ARENA_ARRAY(writing->arena, struct str, 2 * model->nfields);
	size_t n = 0;

	for (size_t i = 0; i < model->nfields; i++) {
		const struct field *field = model->fields[i];
		names[n++] = field->name;
		if (!str_eq(field->name, field->attname))
			names[n++] = field->attname;
	}
	error_set(writing->error, ERROR_FIELD, member->value.pos, "%.*s has no field named '%.*s'.",
	          STR_ARG(model->name), STR_ARG(member->key));
	writing->error->suggestion = suggest_nearest(member->key, names, n);
	return false;
}

static bool is_many_to_many(const struct field *field)
{
	return field->relation && field->relation->kind == RELATION_MANY_TO_MANY;
}

static bool refuse_set(struct writing *writing, const struct member *member, const char *side)
{
	return error_set(writing->error, ERROR_TYPE, member->value.pos,
	                 "Direct assignment to the %s is prohibited. Use %.*s/set instead.", side,
	                 STR_ARG(member->key));
}

bool row_member_field(struct writing *writing, const struct model *model,
                      const struct member *member, const struct field **field, bool *by_key)
{
	const struct relation *relation;
	bool is_reverse;

	*field = str_is(member->key, "pk") ? model->pk : model_field(model, member->key);
	if (!*field) {
		if (model_accessor(model, member->key, &relation, &is_reverse) && is_reverse)
			return refuse_set(writing, member, "reverse side of a related set");
		return unknown_member(writing, model, member);
	}
	if (is_many_to_many(*field))
		return refuse_set(writing, member, "forward side of a many-to-many set");
	*by_key = !str_eq((*field)->name, member->key);
	return true;
}

bool row_member_nested(struct writing *writing, const struct model *model,
                       const struct member *member, struct row_nested *nested)
{
	const struct field *field = model_field(model, member->key);
	const struct relation *relation;
	bool is_reverse;

	if (str_is(member->key, "pk") || (field && !is_many_to_many(field)) ||
	    !model_accessor(model, member->key, &relation, &is_reverse) || (!field && !is_reverse))
		return false;
	*ARENA_PUSH(writing->arena, nested) = (struct nested_member){
		.name = member->key, .value = &member->value, .relation = relation, .is_reverse = is_reverse};
	return true;
}

/* -- values ---------------------------------------------------------------------- */

bool row_made_value(const struct value *value, enum cell_kind *kind)
{
	if (value->kind != VALUE_OBJECT || value->object.n != 1)
		return false;
	struct str name = value->object.members[0].key;
	if (str_is(name, "Now"))
		*kind = CELL_NOW;
	else if (str_is(name, "RandomUUID"))
		*kind = CELL_UUID;
	else
		return false;
	return true;
}

static bool is_new(const struct row_reader *reader)
{
	return reader->mode == ROW_NEW || reader->mode == ROW_THROUGH;
}

/* Django's pre_save(): auto_now at every save, auto_now_add at the first, whatever was given. */
static bool is_set_to_now(const struct row_reader *reader, const struct field *field)
{
	return field->auto_now || (field->auto_now_add && is_new(reader));
}

static bool names_a_row(const struct field *field, const struct value *value, bool by_key)
{
	return field->relation && !by_key && value->kind == VALUE_OBJECT && !value_is_expression(value);
}

static bool read_text(struct row_reader *reader, const struct field *field,
                      const struct value *value, struct cell *cell)
{
	if (!validate_value(reader->validation, field, value, &cell->text))
		return true;
	cell->kind = CELL_TEXT;
	return true;
}

static bool made_value_fits(struct row_reader *reader, const struct field *field,
                            const struct value *value, enum cell_kind kind)
{
	enum type_kind type = field->value_field->type->kind;
	bool is_moment = type == TYPE_DATE || type == TYPE_DATETIME || type == TYPE_TIME;

	if (kind == CELL_NOW ? is_moment : type == TYPE_UUID)
		return true;
	return error_set(reader->writing->error, ERROR_VALUE, value->pos,
	                 "'%.*s' is %s; it cannot be set to %s.", STR_ARG(field->name),
	                 field->value_field->type->description, kind == CELL_NOW ? "now" : "a UUID");
}

/* The one row that an object of lookups finds, or one that an instruction makes. */
static bool read_named(struct row_reader *reader, const struct field *field,
                       const struct value *value, struct cell *cell)
{
	*cell = (struct cell){.kind = CELL_FIND, .value = value};
	if (nested_verb_of(value) == NESTED_NONE)
		return true;
	if (!reader->nested)
		return nested_refuse(reader->writing, value);
	cell->kind = CELL_NESTED;
	*ARENA_PUSH(reader->writing->arena, reader->nested) = (struct nested_member){
		.name = field->name, .value = value, .relation = field->relation, .field = field};
	return true;
}

static bool read_given(struct row_reader *reader, const struct field *field,
                       const struct value *value, bool by_key, struct cell *cell)
{
	if (field->is_generated || is_set_to_now(reader, field))
		return true;
	if (field->type->is_auto && value->kind == VALUE_NULL)
		return true;
	if (names_a_row(field, value, by_key))
		return read_named(reader, field, value, cell);
	if (row_made_value(value, &cell->kind))
		return made_value_fits(reader, field, value, cell->kind);
	if (!value_is_expression(value) || validate_unwrapped(value) != value)
		return read_text(reader, field, value, cell);
	*cell = (struct cell){.kind = CELL_EXPR, .value = value};
	return insert_value_read(reader->writing->arena, field, value, &cell->expr,
	                         reader->writing->error);
}

/* A declared default is taken as it is: its author has answered for it. */
static bool read_default(struct row_reader *reader, const struct field *field, struct cell *cell)
{
	const struct value *value = validate_unwrapped(field->default_value);

	if (row_made_value(value, &cell->kind))
		return true;
	cell->kind = CELL_TEXT;
	if (value != field->default_value && value->kind == VALUE_NULL) {
		cell->text = STR("null");
		return true;
	}
	return field_parse(field, value, reader->writing->arena, &cell->text, reader->writing->error);
}

static bool read_missing(struct row_reader *reader, const struct field *field,
                         const struct pos *parent, struct cell *cell)
{
	struct arena *arena = reader->writing->arena;
	bool is_order = reader->model->order_with_respect_to.n && str_is(field->name, "_order");
	bool is_kept =
		reader->mode == ROW_WHOLE && (field->is_primary_key || field->auto_now_add || is_order);
	struct value missing;

	if (is_kept || field->is_generated)
		return true;
	if (is_order) {
		cell->kind = CELL_ORDER;
		return true;
	}
	if (field->default_value)
		return read_default(reader, field, cell);
	if (field->db_default || field->type->is_auto)
		return true;
	validate_missing_value(field, pos_member(arena, parent, field->name), &missing);
	/* Django's add() does not clean its join rows: a text that is missing is empty. */
	if (reader->mode == ROW_THROUGH && missing.kind == VALUE_TEXT) {
		*cell = (struct cell){.kind = CELL_TEXT, .text = missing.text};
		return true;
	}
	if (validate_value(reader->missing ? reader->missing : reader->validation, field, &missing,
	                   &cell->text))
		cell->kind = CELL_TEXT;
	return true;
}

/* -- rows ------------------------------------------------------------------------ */

static bool is_preset(const struct row_reader *reader, const struct field *field)
{
	return field == reader->preset[0] || field == reader->preset[1];
}

static bool read_members(struct row_reader *reader, const struct value *object, struct row *row,
                         bool *is_given)
{
	for (size_t i = 0; i < object->object.n; i++) {
		const struct member *member = &object->object.members[i];
		const struct field *field;
		bool by_key;
		if (reader->nested &&
		    row_member_nested(reader->writing, reader->model, member, reader->nested))
			continue;
		if (!row_member_field(reader->writing, reader->model, member, &field, &by_key))
			return false;
		if (is_given[field->index])
			return error_set(reader->writing->error, ERROR_FIELD, member->value.pos,
			                 "The field '%.*s' is given twice; '%.*s' is another name of it.",
			                 STR_ARG(field->name), STR_ARG(member->key));
		is_given[field->index] = true;
		if (is_preset(reader, field) && (reader->refuses_preset || reader->mode == ROW_THROUGH))
			return error_set(reader->writing->error, ERROR_TYPE, member->value.pos,
			                 "'%.*s' is one end of the relation, which fills it in itself.",
			                 STR_ARG(member->key));
		if (!is_preset(reader, field) &&
		    !read_given(reader, field, &member->value, by_key, &row->cells[field->index]))
			return false;
	}
	return true;
}

static bool read_rest(struct row_reader *reader, const struct value *object, struct row *row,
                      const bool *is_given)
{
	for (size_t i = 0; i < reader->model->ncolumns; i++) {
		const struct field *field = reader->model->columns[i];
		struct cell *cell = &row->cells[field->index];
		if (is_preset(reader, field))
			continue;
		if (is_set_to_now(reader, field)) {
			cell->kind = CELL_NOW;
			continue;
		}
		if (is_given[field->index] || reader->mode == ROW_CHANGES)
			continue;
		if (!read_missing(reader, field, object->pos, cell))
			return false;
	}
	return true;
}

bool row_read(struct row_reader *reader, const struct value *object, struct row *row)
{
	struct arena *arena = reader->writing->arena;

	if (object->kind != VALUE_OBJECT)
		return error_set(reader->writing->error, ERROR_VALUE, object->pos,
		                 "A row of %.*s must be an object of its fields, not %s.",
		                 STR_ARG(reader->model->name), value_kind_name(object->kind));
	if (reader->nested)
		reader->nested->n = 0;
	bool *is_given = ARENA_ARRAY(arena, bool, reader->model->nfields);
	row->pos = object->pos;
	row->cells = ARENA_ARRAY(arena, struct cell, reader->model->nfields);
	return read_members(reader, object, row, is_given) && read_rest(reader, object, row, is_given);
}

struct row *rows_copy(struct arena *arena, const struct model *model, const struct row *rows, size_t n)
{
	struct row *copies = ARENA_ARRAY(arena, struct row, n);
	struct cell *cells = ARENA_ARRAY(arena, struct cell, n * model->nfields);

	for (size_t i = 0; i < n; i++) {
		copies[i] = (struct row){rows[i].pos, cells + i * model->nfields};
		copy_bytes(copies[i].cells, rows[i].cells, model->nfields * sizeof *cells);
	}
	return copies;
}
