/* create and bulk_create: objects to rows, one INSERT for all rows of a shape.
 *
 * Everything that can be said without the database is said before it is asked.
 */
#include "orm/write/create.h"

#include "orm/write/conflict.h"
#include "orm/write/insert_rows.h"
#include "orm/write/link.h"
#include "orm/write/nested.h"

#define ATTEMPTS 3

struct creation {
	struct writing *writing;
	const struct model *model;
	const struct plan_scope *scope;
	struct conflict conflict;
	size_t batch_size;
	bool is_list; /* the answer may have fewer rows than there were objects */
	struct row *rows;
	size_t n;
	struct validation validation;
	struct nest nest;
	const struct value *through_defaults;
	struct link link;
	const struct returning *returning; /* the columns to read; NULL: all */
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

/* Whether a row that a trigger keeps back would be missed: by related rows, or by the answer. */
static bool needs_all(const struct creation *creation)
{
	bool has_related = is_many_to_many(creation->scope) || !nest_is_empty(&creation->nest);

	return creation->conflict.kind != INSERT_SKIPS && (has_related || !creation->is_list);
}

/* Rows that a conflict left out are not answered: what is there follows the objects' order. */
static bool insert_all(struct creation *creation)
{
	struct arena *arena = creation->writing->arena;
	struct written *written = creation->written;
	struct written_row *rows = ARENA_ARRAY(arena, struct written_row, creation->n);

	if (!insert_rows(creation->writing, creation->model, creation->rows, creation->n,
	                 &creation->conflict, creation->returning, creation->batch_size, rows) ||
	    (needs_all(creation) &&
	     !insert_took_all(creation->writing, creation->model, rows, creation->n)))
		return false;
	written->nrows = 0;
	for (size_t i = 0; i < creation->n; i++)
		if (rows[i].batch)
			rows[written->nrows++] = rows[i];
	written->rows = rows;
	return true;
}

/* -- related managers ------------------------------------------------------------ */

/* The join rows that tie the rows to the owner. */
static bool link_all(struct creation *creation)
{
	struct writing *writing = creation->writing;
	const struct written *written = creation->written;
	const struct field *target = creation->link.target->relation->target;
	struct str *keys = ARENA_ARRAY(writing->arena, struct str, written->nrows);
	uint64_t added;

	for (size_t i = 0; i < written->nrows; i++)
		keys[i] = written_cell(creation->model, &written->rows[i], target);
	return link_add(writing, &creation->link, keys, written->nrows, &added);
}

static bool insert_with_all(struct writing *writing, void *arg)
{
	struct creation *creation = arg;

	/* What an attempt that ended in a deadlock has filled in is of no more use. */
	struct row *rows = rows_copy(writing->arena, creation->model, creation->rows, creation->n);
	struct row *kept = creation->rows;
	creation->rows = rows;
	bool is_done = nest_before(&creation->nest, rows) &&
	               rows_find(writing, creation->model, rows, creation->n) &&
	               conflict_is_once(writing, &creation->conflict, rows, creation->n) &&
	               insert_all(creation) &&
	               (!is_many_to_many(creation->scope) || link_all(creation)) &&
	               nest_after(&creation->nest, creation->written->rows);
	creation->rows = kept;
	if (is_done)
		nest_embed(&creation->nest, creation->written);
	return is_done;
}

/* A segment of its own is nothing at all when a deadlock ends it. */
static bool insert_again(struct creation *creation)
{
	struct writing *writing = creation->writing;

	for (int i = 1; !insert_all(creation); i++) {
		if (writing->session->tx || writing->error->kind != ERROR_CONFLICT || i == ATTEMPTS)
			return false;
		error_clear(writing->error);
	}
	return true;
}

/* One INSERT is a transaction by itself; what comes before or after it wants one. */
static bool run(struct creation *creation)
{
	struct writing *writing = creation->writing;

	if (is_many_to_many(creation->scope) || !nest_is_empty(&creation->nest)) {
		creation->returning = NULL;
		return writing_atomically(writing, insert_with_all, creation);
	}
	if (!rows_find(writing, creation->model, creation->rows, creation->n) ||
	    !conflict_is_once(writing, &creation->conflict, creation->rows, creation->n) ||
	    !insert_again(creation))
		return false;
	nest_embed(&creation->nest, creation->written);
	return true;
}

static bool fill_owner(struct creation *creation)
{
	const struct relation *relation = creation->scope->relation;
	struct str owner;

	if (is_many_to_many(creation->scope))
		return link_find(creation->writing, &creation->link, creation->scope);
	if (!owner_read(creation->writing, creation->scope, relation->target, &owner))
		return false;
	for (size_t i = 0; i < creation->n; i++)
		creation->rows[i].cells[relation->field->index] =
			(struct cell){.kind = CELL_TEXT, .text = owner};
	return true;
}

/* -- reading objects ------------------------------------------------------------- */

static bool read_rows(struct creation *creation, const struct value *objects, size_t n)
{
	struct writing *writing = creation->writing;
	struct row_nested nested = {0};
	struct row_reader reader;
	bool merges = creation->conflict.kind == INSERT_UPDATES;

	writing_validation(writing, &creation->validation);
	nest_init(&creation->nest, writing, creation->model, merges ? NEST_MERGED : NEST_NEW,
	          &creation->validation);
	row_reader_init(&reader, writing, creation->model, ROW_NEW);
	reader.validation = &creation->validation;
	reader.nested = &nested;
	if (has_relation(creation->scope) && !is_many_to_many(creation->scope))
		reader.preset[0] = creation->scope->relation->field;
	creation->n = n;
	creation->rows = ARENA_ARRAY(writing->arena, struct row, n);
	for (size_t i = 0; i < n; i++)
		if (!row_read(&reader, &objects[i], &creation->rows[i]) ||
		    !nest_take(&creation->nest, i, &nested))
			return false;
	return true;
}

/* A row that was passed over has no key that others could refer to. */
static bool may_nest(struct creation *creation, const struct value *objects)
{
	if (creation->conflict.kind != INSERT_SKIPS || nest_is_empty(&creation->nest))
		return true;
	return error_set(creation->writing->error, ERROR_VALUE, objects->pos,
	                 "Related rows cannot be written along with ignore_conflicts: a row that is "
	                 "there already is passed over.");
}

static bool read_link(struct creation *creation)
{
	if (!is_many_to_many(creation->scope))
		return true;
	link_init(&creation->link, creation->scope);
	return link_read_defaults(creation->writing, &creation->link, creation->through_defaults,
	                          &creation->validation);
}

static bool create(struct creation *creation, const struct value *objects, size_t n)
{
	struct writing *writing = creation->writing;

	if (has_relation(creation->scope) && !scope_is_manager(writing, creation->scope))
		return false;
	return read_rows(creation, objects, n) && read_link(creation) &&
	       validation_finish(&creation->validation, writing->error) &&
	       (!n || may_nest(creation, objects)) &&
	       (!has_relation(creation->scope) || fill_owner(creation)) && run(creation);
}

static void creation_init(struct creation *creation, struct writing *writing,
                          const struct model *model, const struct plan_scope *scope,
                          struct written *written)
{
	*creation = (struct creation){.writing = writing,
	                              .model = model,
	                              .scope = scope,
	                              .batch_size = INSERT_ROWS_MAX,
	                              .written = written};
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
                   const struct value *through_defaults, bool skips, const struct row **made,
                   struct written *written)
{
	struct creation creation;

	creation_init(&creation, writing, model, scope, written);
	creation.conflict.kind = skips ? INSERT_SKIPS : INSERT_FAILS;
	creation.through_defaults = through_defaults;
	bool is_done = create(&creation, object, 1);
	*made = creation.rows;
	return is_done;
}

bool write_create(struct db_session *session, const struct model *model,
                  const struct plan_scope *scope, const struct write_options *options,
                  const struct value *objects, struct written *written, struct error *error)
{
	struct writing writing;
	struct creation creation;

	writing_init(&writing, session, model->registry, options, error);
	creation_init(&creation, &writing, model, scope, written);
	creation.is_list = objects->kind == VALUE_LIST;
	if (creation.is_list)
		return create(&creation, objects->list.items, objects->list.n);
	struct value rest = without_through_defaults(&creation, objects);
	return create(&creation, &rest, 1);
}

/* -- bulk_create ----------------------------------------------------------------- */

static bool check_members(struct writing *writing, const struct value *body)
{
	static const struct str names[] = {
		STR_INIT("objects"),          STR_INIT("ignore_conflicts"), STR_INIT("update_conflicts"),
		STR_INIT("unique_fields"),    STR_INIT("update_fields"),    STR_INIT("batch_size"),
		STR_INIT("through_defaults"),
	};
	size_t n = sizeof names / sizeof *names;

	for (size_t i = 0; i < body->object.n; i++) {
		const struct member *member = &body->object.members[i];
		bool is_known = false;
		for (size_t k = 0; k < n; k++)
			is_known = is_known || str_eq(member->key, names[k]);
		if (is_known)
			continue;
		error_set(writing->error, ERROR_BAD_REQUEST, member->value.pos,
		          "bulk_create takes \"objects\" and its options (%.*s), not '%.*s'.",
		          STR_ARG(suggest_choices(writing->arena, names + 1, n - 1)), STR_ARG(member->key));
		writing->error->suggestion = suggest_nearest(member->key, names, n);
		return false;
	}
	return true;
}

static bool bulk_objects(struct creation *creation, const struct value *body,
                         const struct value **objects)
{
	struct writing *writing = creation->writing;

	*objects = body;
	if (body->kind == VALUE_OBJECT) {
		if (!check_members(writing, body) ||
		    !conflict_read(writing, creation->model, body, &creation->conflict,
		                   &creation->batch_size))
			return false;
		*objects = value_get(body, "objects");
		creation->through_defaults = value_get(body, "through_defaults");
	}
	if (*objects && (*objects)->kind == VALUE_LIST)
		return true;
	return error_set(writing->error, ERROR_VALUE, *objects ? (*objects)->pos : body->pos,
	                 "bulk_create takes an array of objects, or {\"objects\": […]}.");
}

/* Columns that nobody looks at are not read back; a key is, to count rows by. */
static bool read_less(struct creation *creation, struct returning *returning)
{
	struct writing *writing = creation->writing;
	const struct value *value = writing->options->returning;

	if (!value)
		return true;
	if (!returning_read(writing->arena, creation->model, value, returning, writing->error))
		return false;
	returning_column(writing->arena, returning, creation->model->pk_fields[0]);
	creation->returning = returning;
	return true;
}

bool write_bulk_create(struct db_session *session, const struct model *model,
                       const struct plan_scope *scope, const struct write_options *options,
                       const struct value *body, struct written *written, struct error *error)
{
	struct writing writing;
	struct creation creation;
	struct returning returning;
	const struct value *objects;

	writing_init(&writing, session, model->registry, options, error);
	creation_init(&creation, &writing, model, scope, written);
	creation.is_list = true;
	if (!bulk_objects(&creation, body, &objects) || !read_less(&creation, &returning) ||
	    !create(&creation, objects->list.items, objects->list.n))
		return false;
	if (creation.returning) {
		written->layout = returning.layout;
		written->is_narrow = true;
	}
	return true;
}
