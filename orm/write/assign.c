/* Assignments of update, PATCH and PUT.  Makes no SQL. */
#include "orm/write/assign.h"

#include "orm/query/decode.h"
#include "orm/write/nested.h"

static void push(struct assigning *assigning, const struct field *field, struct operand operand)
{
	*ARENA_PUSH(assigning->writing->arena, &assigning->assignments) =
		(struct assignment){field, operand};
}

static void push_literal(struct assigning *assigning, const struct field *field,
                         const struct value *value)
{
	push(assigning, field,
	     (struct operand){.kind = OPERAND_LITERAL, .pos = value->pos, .literal = value});
}

/* {"Now": []} */
static bool push_now(struct assigning *assigning, const struct field *field)
{
	static const struct member call = {.key = STR_INIT("Now"), .value = {.kind = VALUE_LIST}};
	static const struct value now = {.kind = VALUE_OBJECT, .object = {.members = &call, .n = 1}};
	struct operand operand;

	if (!decode_operand(assigning->writing->arena, &now, &operand, assigning->writing->error))
		return false;
	push(assigning, field, operand);
	return true;
}

static bool read_literal(struct assigning *assigning, const struct field *field,
                         const struct value *value, struct operand operand)
{
	struct str text;

	if (validate_value(assigning->validation, field, value, &text))
		push(assigning, field, operand);
	return true;
}

/* A value that names a row: its key is filled in when it has been found. */
static bool read_search(struct assigning *assigning, const struct field *field,
                        const struct value *value)
{
	enum nested_verb verb = nested_verb_of(value);
	bool is_nested = verb != NESTED_NONE;

	if (is_nested && !assigning->nested)
		return nested_refuse(assigning->writing, value);
	if (is_nested)
		*ARENA_PUSH(assigning->writing->arena, assigning->nested) = (struct nested_member){
			.name = field->name, .value = value, .relation = field->relation, .field = field};
	/* The row that is referred to changes, the reference does not. */
	if (verb == NESTED_UPDATE)
		return true;
	assigning->row.cells[field->index] =
		(struct cell){.kind = is_nested ? CELL_NESTED : CELL_FIND, .value = value};
	assigning->names_rows = true;
	push_literal(assigning, field, value);
	return true;
}

/* The key, or a part of a composite one: the address of a row says it. */
static bool is_of_key(const struct model *model, const struct field *field)
{
	for (size_t i = 0; i < model->npk_fields; i++)
		if (model->pk_fields[i] == field)
			return true;
	return false;
}

static bool read_member(struct assigning *assigning, const struct field *field,
                        const struct value *value, bool by_key)
{
	struct operand operand;

	bool is_save = assigning->mode != ASSIGN_UPDATE;
	if (field->is_generated || (is_save && (field->auto_now || is_of_key(assigning->model, field))))
		return true;
	if (field->relation && !by_key && value->kind == VALUE_OBJECT && !value_is_expression(value))
		return read_search(assigning, field, value);
	if (!decode_operand(assigning->writing->arena, value, &operand, assigning->writing->error))
		return false;
	if (operand.kind == OPERAND_LITERAL || validate_unwrapped(value) != value)
		return read_literal(assigning, field, value, operand);
	push(assigning, field, operand);
	return true;
}

static bool read_members(struct assigning *assigning, const struct value *set)
{
	for (size_t i = 0; i < set->object.n; i++) {
		const struct member *member = &set->object.members[i];
		const struct field *field;
		bool by_key;
		if (assigning->nested &&
		    row_member_nested(assigning->writing, assigning->model, member, assigning->nested))
			continue;
		if (!row_member_field(assigning->writing, assigning->model, member, &field, &by_key))
			return false;
		if (assigning->is_given[field->index])
			return error_set(assigning->writing->error, ERROR_FIELD, member->value.pos,
			                 "The field '%.*s' is given twice; '%.*s' is another name of it.",
			                 STR_ARG(field->name), STR_ARG(member->key));
		assigning->is_given[field->index] = true;
		if (!read_member(assigning, field, &member->value, by_key))
			return false;
	}
	return true;
}

/* -- what nobody gave ------------------------------------------------------------ */

static bool assign_default(struct assigning *assigning, const struct field *field)
{
	const struct value *value = field->default_value ? field->default_value : field->db_default;
	struct operand operand;

	if (!decode_operand(assigning->writing->arena, value, &operand, assigning->writing->error))
		return false;
	push(assigning, field, operand);
	return true;
}

static bool assign_missing(struct assigning *assigning, const struct field *field,
                           const struct pos *parent)
{
	struct arena *arena = assigning->writing->arena;
	struct value *missing = ARENA_NEW(arena, struct value);
	struct str text;

	validate_missing_value(field, pos_member(arena, parent, field->name), missing);
	if (validate_value(assigning->validation, field, missing, &text))
		push_literal(assigning, field, missing);
	return true;
}

static bool assign_rest(struct assigning *assigning, const struct pos *parent)
{
	if (assigning->mode == ASSIGN_UPDATE)
		return true;
	for (size_t i = 0; i < assigning->model->ncolumns; i++) {
		const struct field *field = assigning->model->columns[i];
		if (field->auto_now) {
			if (!push_now(assigning, field))
				return false;
			continue;
		}
		bool is_kept = assigning->mode != ASSIGN_WHOLE || assigning->is_given[field->index] ||
		               is_of_key(assigning->model, field) || field->is_generated || field->auto_now_add;
		if (is_kept)
			continue;
		if (!(field->default_value || field->db_default ? assign_default(assigning, field)
		                           : assign_missing(assigning, field, parent)))
			return false;
	}
	return true;
}

/* PostgreSQL's text of a key is read like a query string's. */
static void fill_keys(struct assigning *assigning, const struct row *row)
{
	struct arena *arena = assigning->writing->arena;

	for (size_t i = 0; i < assigning->assignments.n; i++) {
		struct assignment *assignment = &assigning->assignments.items[i];
		const struct cell *cell = &row->cells[assignment->field->index];
		if (cell->kind != CELL_TEXT)
			continue;
		struct value *key = ARENA_NEW(arena, struct value);
		*key = (struct value){.kind = VALUE_TEXT, .is_loose = true, .pos = assignment->operand.pos};
		key->text = cell->text;
		assignment->operand.literal = key;
	}
}

bool assigning_find(struct assigning *assigning, struct row *row)
{
	if (!assigning->names_rows)
		return true;
	if (!rows_find(assigning->writing, assigning->model, row, 1))
		return false;
	fill_keys(assigning, row);
	return true;
}

bool assigning_read(struct assigning *assigning, const struct value *set)
{
	struct arena *arena = assigning->writing->arena;

	if (set->kind != VALUE_OBJECT)
		return error_set(assigning->writing->error, ERROR_VALUE, set->pos,
		                 "Assignments are an object of fields and values, not %s.",
		                 value_kind_name(set->kind));
	if (assigning->nested)
		assigning->nested->n = 0;
	assigning->is_given = ARENA_ARRAY(arena, bool, assigning->model->nfields);
	assigning->row.cells = ARENA_ARRAY(arena, struct cell, assigning->model->nfields);
	if (!read_members(assigning, set) || !assign_rest(assigning, set->pos))
		return false;
	assigning->writing->assigned = assigning->assignments.items;
	assigning->writing->nassigned = assigning->assignments.n;
	return true;
}

bool assignments_read(struct writing *writing, const struct model *model, enum assign_mode mode,
                      const struct value *set, struct assignments *assignments)
{
	struct validation validation;
	struct assigning assigning = {
		.writing = writing, .model = model, .mode = mode, .validation = &validation};

	writing_validation(writing, &validation);
	if (!assigning_read(&assigning, set) || !validation_finish(&validation, writing->error) ||
	    !assigning_find(&assigning, &assigning.row))
		return false;
	*assignments = assigning.assignments;
	return true;
}
