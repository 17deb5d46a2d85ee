/* create and bulk_create: objects to rows, one INSERT for all rows of a shape.
 *
 * Everything that can be said without the database is said before it is asked.
 */
#include "orm/write/create.h"

#include "orm/write/insert.h"
#include "orm/write/link.h"

struct creation {
	struct writing *writing;
	const struct model *model;
	const struct plan_scope *scope;
	enum insert_conflict conflict;
	struct row *rows;
	size_t n;
	const struct value *through_defaults;
	struct link link;
	struct written *written;
};

static bool has_relation(const struct plan_scope *scope)
{
	return scope && scope->relation;
}

static bool is_many_to_many(const struct plan_scope *scope)
{
	return has_relation(scope) && scope->relation->kind == RELATION_MANY_TO_MANY;
}

/* -- the statements -------------------------------------------------------------- */

/* Rows that one statement takes: the same shape, at most INSERT_ROWS_MAX. */
struct group {
	struct {
		const struct row **items;
		size_t n, cap;
	} rows;
	struct {
		size_t *items; /* in creation->rows */
		size_t n, cap;
	} indexes;
};

struct groups {
	struct group *items;
	size_t n, cap;
};

static struct group *group_for(struct creation *creation, struct groups *groups,
                               const struct row *row)
{
	for (size_t i = groups->n; i > 0; i--) {
		struct group *group = &groups->items[i - 1];
		if (group->rows.n < INSERT_ROWS_MAX &&
		    insert_same_shape(creation->model, group->rows.items[0], row))
			return group;
	}
	struct group *group = ARENA_PUSH(creation->writing->arena, groups);
	*group = (struct group){0};
	return group;
}

static void divide(struct creation *creation, struct groups *groups)
{
	struct arena *arena = creation->writing->arena;

	for (size_t i = 0; i < creation->n; i++) {
		struct group *group = group_for(creation, groups, &creation->rows[i]);
		*ARENA_PUSH(arena, &group->rows) = &creation->rows[i];
		*ARENA_PUSH(arena, &group->indexes) = i;
	}
}

static void emit(const struct creation *creation, const struct group *group,
                 struct statement *statement)
{
	struct arena *arena = creation->writing->arena;

	if (group->rows.n == 1)
		insert_one(arena, creation->model, group->rows.items[0], creation->conflict, statement);
	else
		insert_many(arena, creation->model, group->rows.items, group->rows.n, creation->conflict,
		            statement);
}

/* Rows that a conflict left out are not answered: what is there follows the objects' order. */
static void keep_rows(struct creation *creation, const struct groups *groups,
                      const struct db_rows *batches)
{
	struct arena *arena = creation->writing->arena;
	struct written *written = creation->written;
	struct written_row *by_object = ARENA_ARRAY(arena, struct written_row, creation->n);
	struct written_row *rows = ARENA_ARRAY(arena, struct written_row, creation->n);

	for (size_t g = 0; g < groups->n; g++)
		for (size_t i = 0; i < batches[g].nrows && i < groups->items[g].indexes.n; i++)
			by_object[groups->items[g].indexes.items[i]] = (struct written_row){&batches[g], i};
	written->nrows = 0;
	for (size_t i = 0; i < creation->n; i++)
		if (by_object[i].batch)
			rows[written->nrows++] = by_object[i];
	written->rows = rows;
}

/* Waits.  All groups at once: one implicit transaction where none is open. */
static bool insert_rows(struct creation *creation)
{
	struct arena *arena = creation->writing->arena;
	struct groups groups = {0};

	divide(creation, &groups);
	struct statement *statements = ARENA_ARRAY(arena, struct statement, groups.n);
	struct db_rows *batches = ARENA_ARRAY(arena, struct db_rows, groups.n);
	for (size_t i = 0; i < groups.n; i++)
		emit(creation, &groups.items[i], &statements[i]);
	if (groups.n && !writing_run(creation->writing, statements, groups.n, batches))
		return false;
	keep_rows(creation, &groups, batches);
	return true;
}

/* -- related managers ------------------------------------------------------------ */

static size_t column_of(const struct model *model, const struct field *field)
{
	for (size_t i = 0; i < model->ncolumns; i++)
		if (model->columns[i] == field)
			return i;
	BUG("a field without a column");
}

/* The rows and the join rows that tie them to the owner. */
static bool insert_linked(struct writing *writing, void *arg)
{
	struct creation *creation = arg;
	uint64_t added;

	if (!insert_rows(creation))
		return false;
	const struct written *written = creation->written;
	size_t column = column_of(creation->model, creation->link.target->relation->target);
	struct str *keys = ARENA_ARRAY(writing->arena, struct str, written->nrows);
	for (size_t i = 0; i < written->nrows; i++)
		keys[i] = db_cell(written->rows[i].batch, written->rows[i].row, column);
	return link_add(writing, &creation->link, keys, written->nrows, &added);
}

static void fill_owner(struct creation *creation, struct str owner)
{
	const struct field *field = creation->scope->relation->field;

	for (size_t i = 0; i < creation->n; i++)
		creation->rows[i].cells[field->index] = (struct cell){.kind = CELL_TEXT, .text = owner};
}

static bool create_related(struct creation *creation)
{
	struct writing *writing = creation->writing;
	const struct relation *relation = creation->scope->relation;
	struct str owner;

	if (is_many_to_many(creation->scope))
		return link_find(writing, &creation->link, creation->scope) &&
		       rows_find(writing, creation->model, creation->rows, creation->n) &&
		       writing_atomically(writing, insert_linked, creation);
	if (!owner_read(writing, creation->scope, relation->target, &owner))
		return false;
	fill_owner(creation, owner);
	return rows_find(writing, creation->model, creation->rows, creation->n) &&
	       insert_rows(creation);
}

/* -- reading objects ------------------------------------------------------------- */

static bool read_rows(struct creation *creation, const struct value *objects, size_t n)
{
	struct writing *writing = creation->writing;
	struct row_reader reader;

	row_reader_init(&reader, writing, creation->model, ROW_NEW);
	if (has_relation(creation->scope) && !is_many_to_many(creation->scope))
		reader.preset[0] = creation->scope->relation->field;
	creation->n = n;
	creation->rows = ARENA_ARRAY(writing->arena, struct row, n);
	for (size_t i = 0; i < n; i++)
		if (!row_read(&reader, &objects[i], &creation->rows[i]))
			return false;
	return validation_finish(&reader.validation, writing->error);
}

static bool read_link(struct creation *creation)
{
	if (!is_many_to_many(creation->scope))
		return true;
	link_init(&creation->link, creation->scope);
	return link_read_defaults(creation->writing, &creation->link, creation->through_defaults);
}

static bool create(struct creation *creation, const struct value *objects, size_t n)
{
	struct writing *writing = creation->writing;

	if (has_relation(creation->scope) && !scope_is_manager(writing, creation->scope))
		return false;
	if (!read_rows(creation, objects, n) || !read_link(creation))
		return false;
	if (has_relation(creation->scope))
		return create_related(creation);
	return rows_find(writing, creation->model, creation->rows, creation->n) &&
	       insert_rows(creation);
}

static void creation_init(struct creation *creation, struct writing *writing,
                          const struct model *model, const struct plan_scope *scope,
                          struct written *written)
{
	*creation =
		(struct creation){.writing = writing, .model = model, .scope = scope, .written = written};
	*written = (struct written){.model = model};
	plan_model_layout(writing->arena, model, &written->layout);
}

/* A many-to-many manager's create() takes through_defaults beside the new row's fields. */
static struct value without_through_defaults(struct creation *creation, const struct value *object)
{
	static const char name[] = "through_defaults";
	struct value rest = *object;

	if (!is_many_to_many(creation->scope) || object->kind != VALUE_OBJECT ||
	    model_field(creation->model, str_of(name)))
		return rest;
	creation->through_defaults = value_get(object, name);
	if (!creation->through_defaults)
		return rest;
	struct member *members = ARENA_ARRAY(creation->writing->arena, struct member, object->object.n);
	rest.object.n = 0;
	for (size_t i = 0; i < object->object.n; i++)
		if (!str_is(object->object.members[i].key, name))
			members[rest.object.n++] = object->object.members[i];
	rest.object.members = members;
	return rest;
}

bool create_object(struct writing *writing, const struct model *model,
                   const struct plan_scope *scope, const struct value *object,
                   enum insert_conflict conflict, struct written *written)
{
	struct creation creation;

	creation_init(&creation, writing, model, scope, written);
	creation.conflict = conflict;
	struct value rest = without_through_defaults(&creation, object);
	return create(&creation, &rest, 1);
}

bool write_create(struct db_session *session, const struct model *model,
                  const struct plan_scope *scope, const struct value *objects,
                  struct written *written, struct error *error)
{
	struct writing writing;
	struct creation creation;

	writing_init(&writing, session, model->registry, error);
	if (objects->kind != VALUE_LIST)
		return create_object(&writing, model, scope, objects, INSERT_FAILS, written);
	creation_init(&creation, &writing, model, scope, written);
	return create(&creation, objects->list.items, objects->list.n);
}

/* -- bulk_create ----------------------------------------------------------------- */

static bool check_members(struct writing *writing, const struct value *body)
{
	static const struct str names[] = {STR_INIT("objects"), STR_INIT("ignore_conflicts"),
	                                   STR_INIT("through_defaults")};

	for (size_t i = 0; i < body->object.n; i++) {
		const struct member *member = &body->object.members[i];
		bool is_known = false;
		for (size_t k = 0; k < sizeof names / sizeof *names; k++)
			is_known = is_known || str_eq(member->key, names[k]);
		if (is_known)
			continue;
		error_set(writing->error, ERROR_BAD_REQUEST, member->value.pos,
		          "bulk_create takes \"objects\" and \"ignore_conflicts\", not '%.*s'.",
		          STR_ARG(member->key));
		writing->error->suggestion = suggest_nearest(member->key, names, 3);
		return false;
	}
	return true;
}

static bool read_flag(struct writing *writing, const struct value *body, const char *name,
                      bool *is_set)
{
	const struct value *value = value_get(body, name);

	*is_set = value && value->kind == VALUE_BOOL && value->boolean;
	if (!value || value->kind == VALUE_BOOL)
		return true;
	return error_set(writing->error, ERROR_VALUE, value->pos, "'%s' is true or false, not %s.",
	                 name, value_kind_name(value->kind));
}

static bool bulk_objects(struct creation *creation, const struct value *body,
                         const struct value **objects)
{
	struct writing *writing = creation->writing;
	bool skips = false;

	*objects = body;
	if (body->kind == VALUE_OBJECT) {
		if (!check_members(writing, body) || !read_flag(writing, body, "ignore_conflicts", &skips))
			return false;
		*objects = value_get(body, "objects");
		creation->through_defaults = value_get(body, "through_defaults");
		creation->conflict = skips ? INSERT_SKIPS : INSERT_FAILS;
	}
	if (*objects && (*objects)->kind == VALUE_LIST)
		return true;
	return error_set(writing->error, ERROR_VALUE, *objects ? (*objects)->pos : body->pos,
	                 "bulk_create takes an array of objects, or {\"objects\": […]}.");
}

bool write_bulk_create(struct db_session *session, const struct model *model,
                       const struct plan_scope *scope, const struct value *body,
                       struct written *written, struct error *error)
{
	struct writing writing;
	struct creation creation;
	const struct value *objects;

	writing_init(&writing, session, model->registry, error);
	creation_init(&creation, &writing, model, scope, written);
	return bulk_objects(&creation, body, &objects) &&
	       create(&creation, objects->list.items, objects->list.n);
}
