/* bulk_update: rows each with values of its own, in one statement where all objects set the same fields.
 *
 * Objects that set the same fields go together; an expression is the same for all rows of a statement, so objects
 * with different ones go apart.  With several statements all rows are locked by key before the first.
 */
#include "orm/write/write.h"

#include "orm/base/map.h"
#include "orm/query/decode.h"
#include "orm/write/answer.h"
#include "orm/write/parts.h"
#include "orm/write/require.h"
#include "orm/write/row.h"

/* Objects of one statement. */
struct group {
	struct {
		size_t *items; /* in bulk->rows */
		size_t n, cap;
	} members;
};

struct bulk {
	struct writing *writing;
	const struct model *model;
	const struct plan_scope *scope;
	const struct value *fields; /* NULL: what each object holds */
	bool *is_listed;            /* by field->index, with fields */
	struct validation validation;
	struct row *rows;
	struct str *keys; /* npk texts a row */
	size_t n;
	struct map known; /* keys that were given, to where */
	bool has_finds;
	struct {
		struct group **items;
		size_t n, cap;
	} groups;
	struct returning returning;
	struct require require;
	struct statement *statements;
	size_t nstatements;
	struct written *written;
};

/* -- the body ---------------------------------------------------------------------- */

static bool check_members(struct writing *writing, const struct value *body)
{
	static const struct str names[] = {STR_INIT("objects"),    STR_INIT("fields"),
	                                   STR_INIT("batch_size"), STR_INIT("returning"),
	                                   STR_INIT("require"),    STR_INIT("validate")};
	size_t n = sizeof names / sizeof *names;

	for (size_t i = 0; i < body->object.n; i++) {
		const struct member *member = &body->object.members[i];
		bool is_known = false;

		for (size_t k = 0; k < 3; k++)
			is_known = is_known || str_eq(member->key, names[k]);
		if (is_known)
			continue;
		error_set(writing->error, ERROR_BAD_REQUEST, member->value.pos,
		          "bulk_update takes \"objects\", \"fields\" and \"batch_size\", not '%.*s'.",
		          STR_ARG(member->key));
		writing->error->suggestion = suggest_nearest(member->key, names, n);
		return false;
	}
	return true;
}

/* Django's way to keep statements small; ours holds any number of rows. */
static bool check_batch_size(struct writing *writing, const struct value *size)
{
	if (!size || size->kind == VALUE_NULL || (size->kind == VALUE_INT && size->integer > 0))
		return true;
	return error_set(writing->error, ERROR_VALUE, size->pos,
	                 "Batch size must be a positive integer.");
}

static bool is_of_key(const struct model *model, const struct field *field)
{
	for (size_t i = 0; i < model->npk_fields; i++)
		if (model->pk_fields[i] == field)
			return true;
	return false;
}

static bool read_fields(struct bulk *bulk)
{
	struct writing *writing = bulk->writing;
	const struct value *fields = bulk->fields;

	if (!fields)
		return true;
	if (fields->kind != VALUE_LIST || !fields->list.n)
		return error_set(writing->error, ERROR_VALUE, fields->pos,
		                 "Field names must be given to bulk_update(): 'fields' is a list of them.");
	bulk->is_listed = ARENA_ARRAY(writing->arena, bool, bulk->model->nfields);
	for (size_t i = 0; i < fields->list.n; i++) {
		const struct value *name = &fields->list.items[i];
		const struct field *field;
		bool by_key;

		if (name->kind != VALUE_TEXT)
			return error_set(writing->error, ERROR_VALUE, name->pos,
			                 "'fields' lists names, not %s.", value_kind_name(name->kind));
		struct member member = {.key = name->text, .value = *name};
		if (!row_member_field(writing, bulk->model, &member, &field, &by_key))
			return false;
		if (is_of_key(bulk->model, field))
			return error_set(writing->error, ERROR_VALUE, name->pos,
			                 "bulk_update() cannot be used with primary key fields.");
		bulk->is_listed[field->index] = true;
	}
	return true;
}

static bool read_body(struct bulk *bulk, const struct value *body, const struct value **objects)
{
	struct writing *writing = bulk->writing;

	*objects = body;
	if (body->kind == VALUE_OBJECT) {
		if (!check_members(writing, body) ||
		    !check_batch_size(writing, value_get(body, "batch_size")))
			return false;
		bulk->fields = value_get(body, "fields");
		*objects = value_get(body, "objects");
	}
	if (!*objects || (*objects)->kind != VALUE_LIST)
		return error_set(writing->error, ERROR_VALUE, *objects ? (*objects)->pos : body->pos,
		                 "bulk_update takes an array of objects, or {\"objects\": […]}.");
	return read_fields(bulk);
}

/* -- one object -------------------------------------------------------------------- */

static bool read_key(struct bulk *bulk, const struct field *field, const struct value *value,
                     struct str *key)
{
	struct writing *writing = bulk->writing;

	for (size_t i = 0; i < bulk->model->npk_fields; i++) {
		if (bulk->model->pk_fields[i] != field)
			continue;
		if (!field_parse(field, value, writing->arena, &key[i], writing->error))
			return false;
		if (!key[i].p)
			return error_set(writing->error, ERROR_VALUE, value->pos,
			                 "All bulk_update() objects must have a primary key set.");
	}
	return true;
}

static bool read_value(struct bulk *bulk, const struct field *field, const struct value *value,
                       bool by_key, struct cell *cell)
{
	bool is_object = value->kind == VALUE_OBJECT;

	if (is_object && field->relation && !by_key && !value_is_expression(value)) {
		*cell = (struct cell){.kind = CELL_FIND, .value = value};
		bulk->has_finds = true;
		return true;
	}
	if (is_object && value_is_expression(value) && validate_unwrapped(value) == value) {
		*cell = (struct cell){.kind = CELL_EXPR, .value = value};
		return true;
	}
	if (validate_value(&bulk->validation, field, value, &cell->text))
		cell->kind = CELL_TEXT;
	return true;
}

static bool read_member(struct bulk *bulk, const struct member *member, struct row *row,
                        struct str *key, bool *is_given)
{
	struct writing *writing = bulk->writing;
	const struct field *field;
	bool by_key;

	if (!row_member_field(writing, bulk->model, member, &field, &by_key))
		return false;
	if (is_given[field->index])
		return error_set(writing->error, ERROR_FIELD, member->value.pos,
		                 "The field '%.*s' is given twice; '%.*s' is another name of it.",
		                 STR_ARG(field->name), STR_ARG(member->key));
	is_given[field->index] = true;
	if (is_of_key(bulk->model, field))
		return read_key(bulk, field, &member->value, key);
	if (field->is_generated || (bulk->is_listed && !bulk->is_listed[field->index]))
		return true;
	return read_value(bulk, field, &member->value, by_key, &row->cells[field->index]);
}

/* The key whole, nothing of what `fields` lists left out, and something to set. */
static bool is_complete(struct bulk *bulk, const struct value *object, const struct str *key,
                        const bool *is_given)
{
	struct writing *writing = bulk->writing;
	const struct model *model = bulk->model;
	bool sets_something = false;

	for (size_t i = 0; i < model->npk_fields; i++)
		if (!key[i].p)
			return error_set(
				writing->error, ERROR_VALUE, object->pos,
				"All bulk_update() objects must have a primary key set: '%.*s' is missing.",
				STR_ARG(model->pk_fields[i]->attname));
	for (size_t i = 0; i < model->ncolumns; i++) {
		const struct field *field = model->columns[i];

		if (bulk->is_listed && bulk->is_listed[field->index] && !is_given[field->index])
			return error_set(writing->error, ERROR_VALUE, object->pos,
			                 "The object has no '%.*s', which 'fields' lists.",
			                 STR_ARG(field->name));
		bool is_set = is_given[field->index] && (!bulk->is_listed || bulk->is_listed[field->index]);
		sets_something =
			sets_something || (is_set && !is_of_key(model, field) && !field->is_generated);
	}
	return sets_something || error_set(writing->error, ERROR_VALUE, object->pos,
	                                   "The object says which row, and nothing to set in it.");
}

static struct str joined(struct arena *arena, const struct str *texts, size_t n)
{
	return n == 1 ? texts[0] : part_array_text(arena, texts, n);
}

/* Django lets the first one win silently, or the last one, as the batches fall. */
static bool is_first(struct bulk *bulk, const struct value *object, const struct str *key)
{
	struct arena *arena = bulk->writing->arena;
	struct str text = joined(arena, key, bulk->model->npk_fields);
	const struct pos *before = map_get(&bulk->known, text);

	if (before)
		return error_set(bulk->writing->error, ERROR_VALUE, object->pos,
		                 "The row with the primary key %.*s is given twice, first at %.*s.",
		                 STR_ARG(text), STR_ARG(pos_pointer(arena, before)));
	map_put(&bulk->known, arena, text, (void *)object->pos);
	return true;
}

static bool read_object(struct bulk *bulk, const struct value *object, size_t i)
{
	struct arena *arena = bulk->writing->arena;
	struct row *row = &bulk->rows[i];
	struct str *key = &bulk->keys[i * bulk->model->npk_fields];

	if (object->kind != VALUE_OBJECT)
		return error_set(bulk->writing->error, ERROR_VALUE, object->pos,
		                 "A row of %.*s must be an object of its fields, not %s.",
		                 STR_ARG(bulk->model->name), value_kind_name(object->kind));
	bool *is_given = ARENA_ARRAY(arena, bool, bulk->model->nfields);
	row->pos = object->pos;
	row->cells = ARENA_ARRAY(arena, struct cell, bulk->model->nfields);
	for (size_t m = 0; m < object->object.n; m++)
		if (!read_member(bulk, &object->object.members[m], row, key, is_given))
			return false;
	return is_complete(bulk, object, key, is_given) && is_first(bulk, object, key);
}

/* Waits where a value names a row by lookups. */
static bool read_objects(struct bulk *bulk, const struct value *objects)
{
	struct writing *writing = bulk->writing;

	bulk->n = objects->list.n;
	bulk->rows = ARENA_ARRAY(writing->arena, struct row, bulk->n);
	bulk->keys = ARENA_ARRAY(writing->arena, struct str, bulk->n * bulk->model->npk_fields);
	for (size_t i = 0; i < bulk->n; i++)
		if (!read_object(bulk, &objects->list.items[i], i))
			return false;
	return validation_finish(&bulk->validation, writing->error) &&
	       (!bulk->has_finds || rows_find(writing, bulk->model, bulk->rows, bulk->n));
}

/* -- groups ------------------------------------------------------------------------ */

static struct str shape_of(struct bulk *bulk, const struct row *row)
{
	struct buf text = {0};

	for (size_t i = 0; i < bulk->model->ncolumns; i++) {
		const struct cell *cell = &row->cells[bulk->model->columns[i]->index];

		if (cell->kind == CELL_ABSENT)
			continue;
		buf_add_int(&text, (int64_t)i);
		buf_add_char(&text, ' ');
		if (cell->kind == CELL_EXPR)
			value_write_json(cell->value, &text);
	}
	struct str shape = arena_str(bulk->writing->arena, buf_str(&text));
	buf_release(&text);
	return shape;
}

static void divide(struct bulk *bulk)
{
	struct arena *arena = bulk->writing->arena;
	struct map shapes = {0};

	for (size_t i = 0; i < bulk->n; i++) {
		struct str shape = shape_of(bulk, &bulk->rows[i]);
		struct group *group = map_get(&shapes, shape);

		if (!group) {
			group = ARENA_NEW(arena, struct group);
			map_put(&shapes, arena, shape, group);
			*ARENA_PUSH(arena, &bulk->groups) = group;
		}
		*ARENA_PUSH(arena, &group->members) = i;
	}
}

/* -- statements -------------------------------------------------------------------- */

static void take_keys(struct bulk *bulk, const size_t *members, size_t n,
                      struct bulk_update *update)
{
	struct arena *arena = bulk->writing->arena;
	size_t npk = bulk->model->npk_fields;
	struct bulk_values *keys = ARENA_ARRAY(arena, struct bulk_values, npk);
	struct str *texts = ARENA_ARRAY(arena, struct str, n);

	for (size_t k = 0; k < npk; k++) {
		for (size_t i = 0; i < n; i++)
			texts[i] = bulk->keys[(members ? members[i] : i) * npk + k];
		keys[k] = (struct bulk_values){bulk->model->pk_fields[k], part_array_text(arena, texts, n)};
	}
	update->keys = keys;
}

static bool take_columns(struct bulk *bulk, const struct group *group, struct bulk_update *update)
{
	struct writing *writing = bulk->writing;
	size_t most = bulk->model->ncolumns, n = group->members.n;
	const struct row *first = &bulk->rows[group->members.items[0]];
	struct bulk_values *values = ARENA_ARRAY(writing->arena, struct bulk_values, most);
	struct assignment *assignments = ARENA_ARRAY(writing->arena, struct assignment, most);
	struct str *texts = ARENA_ARRAY(writing->arena, struct str, n);

	update->values = values;
	update->assignments = assignments;
	for (size_t c = 0; c < most; c++) {
		const struct field *field = bulk->model->columns[c];
		const struct cell *cell = &first->cells[field->index];

		if (cell->kind == CELL_EXPR) {
			struct assignment *assignment = &assignments[update->nassignments++];
			assignment->field = field;
			if (!decode_operand(writing->arena, cell->value, &assignment->operand, writing->error))
				return false;
		}
		if (cell->kind != CELL_TEXT)
			continue;
		for (size_t i = 0; i < n; i++)
			texts[i] = bulk->rows[group->members.items[i]].cells[field->index].text;
		values[update->nvalues++] =
			(struct bulk_values){field, part_array_text(writing->arena, texts, n)};
	}
	return true;
}

static bool add_group(struct bulk *bulk, const struct group *group)
{
	struct writing *writing = bulk->writing;
	struct bulk_update update = {.returning = bulk->returning.columns.items,
	                             .nreturning = bulk->returning.columns.n};

	take_keys(bulk, group->members.items, group->members.n, &update);
	if (!take_columns(bulk, group, &update))
		return false;
	return plan_bulk_update(writing->arena, bulk->model, bulk->scope, &update,
	                        &bulk->statements[bulk->nstatements++], writing->error);
}

static bool add_lock(struct bulk *bulk)
{
	struct bulk_update update = {0};

	if (bulk->groups.n < 2)
		return true;
	take_keys(bulk, NULL, bulk->n, &update);
	return plan_bulk_lock(bulk->writing->arena, bulk->model, bulk->scope, &update,
	                      &bulk->statements[bulk->nstatements++], bulk->writing->error);
}

static bool make_statements(struct bulk *bulk)
{
	divide(bulk);
	bulk->statements = ARENA_ARRAY(bulk->writing->arena, struct statement, bulk->groups.n + 1);
	if (!add_lock(bulk))
		return false;
	for (size_t i = 0; i < bulk->groups.n; i++)
		if (!add_group(bulk, bulk->groups.items[i]))
			return false;
	return true;
}

/* -- running ----------------------------------------------------------------------- */

/* The rows in the order of the objects, whose numbers stand behind the columns. */
static void arrange(struct bulk *bulk, const struct db_rows *batches)
{
	struct arena *arena = bulk->writing->arena;
	struct written *written = bulk->written;
	struct written_row *by_object = ARENA_ARRAY(arena, struct written_row, bulk->n);
	struct written_row *rows = ARENA_ARRAY(arena, struct written_row, bulk->n);
	size_t column = bulk->returning.columns.n;

	for (size_t g = 0; g < bulk->groups.n; g++) {
		const struct group *group = bulk->groups.items[g];
		for (size_t i = 0; i < batches[g].nrows; i++) {
			int64_t number = 0;
			if (!str_to_int(db_cell(&batches[g], i, column), &number) || number < 1 ||
			    (size_t)number > group->members.n)
				BUG("a row number that nobody gave");
			by_object[group->members.items[number - 1]] = (struct written_row){&batches[g], i};
		}
	}
	written->nrows = 0;
	for (size_t i = 0; i < bulk->n; i++)
		if (by_object[i].batch)
			rows[written->nrows++] = by_object[i];
	written->rows = rows;
}

/* Waits. */
static bool run(struct writing *writing, void *arg)
{
	struct bulk *bulk = arg;
	size_t n = bulk->nstatements;
	struct db_rows *batches = ARENA_ARRAY(writing->arena, struct db_rows, n);
	size_t skipped = bulk->groups.n < 2 ? 0 : 1;

	if (n && !writing_run(writing, bulk->statements, n, batches))
		return false;
	written_take(writing->arena, bulk->written, &bulk->returning, batches + skipped,
	             n ? n - skipped : 0);
	if (bulk->written->shows_rows && n)
		arrange(bulk, batches + skipped);
	return require_holds(&bulk->require, bulk->written->affected, writing->error);
}

bool write_bulk_update(struct db_session *session, const struct model *model,
                       const struct plan_scope *scope, const struct write_options *options,
                       const struct value *body, struct written *written, struct error *error)
{
	struct writing writing;
	struct bulk bulk = {.writing = &writing, .model = model, .scope = scope, .written = written};
	const struct value *objects;

	*written = (struct written){.model = model};
	writing_init(&writing, session, model->registry, options, error);
	writing_validation(&writing, &bulk.validation);
	if (!read_body(&bulk, body, &objects) ||
	    !returning_read(writing.arena, model, writing.options->returning, &bulk.returning, error) ||
	    !require_read(writing.options->require, &bulk.require, error) ||
	    !read_objects(&bulk, objects) || !make_statements(&bulk))
		return false;
	return bulk.require.is_given || bulk.nstatements > 1 ? writing_atomically(&writing, run, &bulk)
	                                                     : run(&writing, &bulk);
}
