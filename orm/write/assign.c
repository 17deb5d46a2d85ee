/* Assignments of update, PATCH and PUT.  Makes no SQL. */
#include "orm/write/assign.h"

#include "orm/query/decode.h"

struct assigner {
	struct writing *writing;
	const struct model *model;
	enum assign_mode mode;
	struct validation validation;
	struct assignments *assignments;
	bool *is_given; /* by field->index */
	struct row row; /* CELL_FIND cells of values that name rows */
	bool has_finds;
};

static void push(struct assigner *assigner, const struct field *field, struct operand operand)
{
	*ARENA_PUSH(assigner->writing->arena, assigner->assignments) =
		(struct assignment){field, operand};
}

static void push_literal(struct assigner *assigner, const struct field *field,
                         const struct value *value)
{
	push(assigner, field,
	     (struct operand){.kind = OPERAND_LITERAL, .pos = value->pos, .literal = value});
}

/* {"Now": []} */
static bool push_now(struct assigner *assigner, const struct field *field)
{
	static const struct member call = {.key = STR_INIT("Now"), .value = {.kind = VALUE_LIST}};
	static const struct value now = {.kind = VALUE_OBJECT, .object = {.members = &call, .n = 1}};
	struct operand operand;

	if (!decode_operand(assigner->writing->arena, &now, &operand, assigner->writing->error))
		return false;
	push(assigner, field, operand);
	return true;
}

static bool read_literal(struct assigner *assigner, const struct field *field,
                         const struct value *value, struct operand operand)
{
	struct str text;

	if (validate_value(&assigner->validation, field, value, &text))
		push(assigner, field, operand);
	return true;
}

/* A value that names a row: its key is filled in when it has been found. */
static bool read_search(struct assigner *assigner, const struct field *field,
                        const struct value *value)
{
	assigner->row.cells[field->index] = (struct cell){.kind = CELL_FIND, .lookups = value};
	assigner->has_finds = true;
	push_literal(assigner, field, value);
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

static bool read_member(struct assigner *assigner, const struct field *field,
                        const struct value *value, bool by_key)
{
	struct operand operand;

	bool is_save = assigner->mode != ASSIGN_UPDATE;
	if (field->is_generated || (is_save && (field->auto_now || is_of_key(assigner->model, field))))
		return true;
	if (field->relation && !by_key && value->kind == VALUE_OBJECT && !value_is_expression(value))
		return read_search(assigner, field, value);
	if (!decode_operand(assigner->writing->arena, value, &operand, assigner->writing->error))
		return false;
	if (operand.kind == OPERAND_LITERAL || validate_unwrapped(value) != value)
		return read_literal(assigner, field, value, operand);
	push(assigner, field, operand);
	return true;
}

static bool read_members(struct assigner *assigner, const struct value *set)
{
	for (size_t i = 0; i < set->object.n; i++) {
		const struct member *member = &set->object.members[i];
		const struct field *field;
		bool by_key;
		if (!row_member_field(assigner->writing, assigner->model, member, &field, &by_key))
			return false;
		if (assigner->is_given[field->index])
			return error_set(assigner->writing->error, ERROR_FIELD, member->value.pos,
			                 "The field '%.*s' is given twice; '%.*s' is another name of it.",
			                 STR_ARG(field->name), STR_ARG(member->key));
		assigner->is_given[field->index] = true;
		if (!read_member(assigner, field, &member->value, by_key))
			return false;
	}
	return true;
}

/* -- what nobody gave ------------------------------------------------------------ */

static bool assign_default(struct assigner *assigner, const struct field *field)
{
	const struct value *value = field->default_value;
	struct operand operand;

	if (!decode_operand(assigner->writing->arena, value, &operand, assigner->writing->error))
		return false;
	push(assigner, field, operand);
	return true;
}

static bool assign_missing(struct assigner *assigner, const struct field *field,
                           const struct pos *parent)
{
	struct arena *arena = assigner->writing->arena;
	struct value *missing = ARENA_NEW(arena, struct value);
	struct str text;

	validate_missing_value(field, pos_member(arena, parent, field->name), missing);
	if (validate_value(&assigner->validation, field, missing, &text))
		push_literal(assigner, field, missing);
	return true;
}

static bool assign_rest(struct assigner *assigner, const struct pos *parent)
{
	if (assigner->mode == ASSIGN_UPDATE)
		return true;
	for (size_t i = 0; i < assigner->model->ncolumns; i++) {
		const struct field *field = assigner->model->columns[i];
		if (field->auto_now) {
			if (!push_now(assigner, field))
				return false;
			continue;
		}
		bool is_kept = assigner->mode != ASSIGN_WHOLE || assigner->is_given[field->index] ||
		               is_of_key(assigner->model, field) || field->is_generated || field->auto_now_add;
		if (is_kept || (field->db_default && !field->default_value))
			continue;
		if (!(field->default_value ? assign_default(assigner, field)
		                           : assign_missing(assigner, field, parent)))
			return false;
	}
	return true;
}

/* The keys that were found take the place of the lookups.  PostgreSQL's text of a key is read
 * like a query string's. */
static bool fill_found(struct assigner *assigner)
{
	struct arena *arena = assigner->writing->arena;

	if (!assigner->has_finds)
		return true;
	if (!rows_find(assigner->writing, assigner->model, &assigner->row, 1))
		return false;
	for (size_t i = 0; i < assigner->assignments->n; i++) {
		struct assignment *assignment = &assigner->assignments->items[i];
		const struct cell *cell = &assigner->row.cells[assignment->field->index];
		if (cell->kind != CELL_TEXT)
			continue;
		struct value *key = ARENA_NEW(arena, struct value);
		*key = (struct value){.kind = VALUE_TEXT, .is_loose = true, .pos = assignment->operand.pos};
		key->text = cell->text;
		assignment->operand.literal = key;
	}
	return true;
}

bool assignments_read(struct writing *writing, const struct model *model, enum assign_mode mode,
                      const struct value *set, struct assignments *assignments)
{
	struct assigner assigner = {
		.writing = writing, .model = model, .mode = mode, .assignments = assignments};

	*assignments = (struct assignments){0};
	if (set->kind != VALUE_OBJECT)
		return error_set(writing->error, ERROR_VALUE, set->pos,
		                 "Assignments are an object of fields and values, not %s.",
		                 value_kind_name(set->kind));
	validation_init(&assigner.validation, writing->arena);
	assigner.is_given = ARENA_ARRAY(writing->arena, bool, model->nfields);
	assigner.row.cells = ARENA_ARRAY(writing->arena, struct cell, model->nfields);
	return read_members(&assigner, set) && assign_rest(&assigner, set->pos) &&
	       validation_finish(&assigner.validation, writing->error) && fill_found(&assigner);
}
