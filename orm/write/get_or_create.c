/* get_or_create and update_or_create: find; else insert unless somebody was quicker; else find theirs.
 *
 * ON CONFLICT DO NOTHING in place of an error: the way back to the first step is then the same
 * inside a transaction.  Only what brings related rows along is undone to a savepoint.  Rows that come and go
 * between the two steps make another round, a bounded number of times; a conflict with a row that the
 * lookup does not find is the client's to see.  A row that was found is changed by one UPDATE that names it
 * and asks the lookup again, so that its expressions read the row as it is locked.
 */
#include "orm/write/create.h"

#include "orm/query/decode.h"
#include "orm/write/conflict.h"
#include "orm/write/nested.h"
#include "orm/write/row_change.h"

/* Under 8 connections that do nothing but delete the row, 32 clients need up to 60. */
#define ROUNDS 100
/* So many are made before it is asked who is in the way. */
#define ROUNDS_UNASKED 2
/* An attempt that brings related rows along costs more. */
#define ROUNDS_NESTED 10
/* Savepoints that are left to others: a batch's operation, a chunk of a stream. */
#define SAVEPOINTS_LEFT 2

struct request {
	struct writing *writing;
	const struct model *model;
	const struct plan_scope *scope;
	bool updates;
	const struct value *lookup, *defaults, *create_defaults, *through_defaults;
	const struct plan *plan; /* of the lookup */
	struct value object;     /* what is created */
	bool is_nested;          /* with related rows */
	bool skips;
	const struct row *made; /* by the last attempt */
	struct error conflict;  /* why it failed */
	bool *is_created;
	struct written *written;
};

/* -- the body -------------------------------------------------------------------- */

static const char *method_of(const struct request *request)
{
	return request->updates ? "update_or_create" : "get_or_create";
}

static const struct value **place_of(struct request *request, struct str name)
{
	if (str_is(name, "lookup"))
		return &request->lookup;
	if (str_is(name, "defaults"))
		return &request->defaults;
	if (str_is(name, "create_defaults") && request->updates)
		return &request->create_defaults;
	if (str_is(name, "through_defaults") && request->scope && request->scope->relation &&
	    request->scope->relation->kind == RELATION_MANY_TO_MANY)
		return &request->through_defaults;
	return NULL;
}

static bool unknown_member(struct request *request, const struct member *member)
{
	static const struct str names[] = {STR_INIT("lookup"), STR_INIT("defaults"),
	                                   STR_INIT("create_defaults"), STR_INIT("through_defaults")};
	struct error *error = request->writing->error;

	if (str_is(member->key, "through_defaults"))
		return error_set(error, ERROR_TYPE, member->value.pos,
		                 "'through_defaults' are for the manager of a many-to-many relation.");
	error_set(error, ERROR_BAD_REQUEST, member->value.pos,
	          "%s takes \"lookup\" and \"defaults\"%s, not '%.*s'.", method_of(request),
	          request->updates ? ", and \"create_defaults\" for a new row" : "",
	          STR_ARG(member->key));
	error->suggestion = suggest_nearest(member->key, names, request->updates ? 3 : 2);
	return false;
}

static bool read_body(struct request *request, const struct value *body)
{
	struct error *error = request->writing->error;

	if (body->kind != VALUE_OBJECT)
		return error_set(error, ERROR_VALUE, body->pos,
		                 "%s takes {\"lookup\": {…}, \"defaults\": {…}}, not %s.",
		                 method_of(request), value_kind_name(body->kind));
	for (size_t i = 0; i < body->object.n; i++) {
		const struct member *member = &body->object.members[i];
		const struct value **place = place_of(request, member->key);
		if (!place)
			return unknown_member(request, member);
		/* Django's create_defaults=None. */
		if (member->value.kind == VALUE_NULL && place != &request->lookup)
			continue;
		if (member->value.kind != VALUE_OBJECT)
			return error_set(error, ERROR_VALUE, member->value.pos, "'%.*s' is an object, not %s.",
			                 STR_ARG(member->key), value_kind_name(member->value.kind));
		*place = &member->value;
	}
	if (request->lookup)
		return true;
	return error_set(error, ERROR_BAD_REQUEST, body->pos, "%s needs a \"lookup\".",
	                 method_of(request));
}

/* -- rows that the lookup names by lookups --------------------------------------- */

/* {"author": {"handle": "x"}}, as create takes it; {"pk": 5} is a condition by itself. */
static const struct field *named_by_lookups(const struct request *request,
                                            const struct member *member)
{
	const struct field *field = model_field(request->model, member->key);
	const struct value *value = &member->value;

	if (!field || !field->column.p || !field->relation || !str_eq(field->name, member->key) ||
	    value->kind != VALUE_OBJECT || !value->object.n || value_is_expression(value))
		return NULL;
	return value->object.n == 1 && value_get(value, "pk") ? NULL : field;
}

/* Waits where there is one.  Their keys take their place. */
static bool find_named(struct request *request)
{
	struct writing *writing = request->writing;
	const struct value *lookup = request->lookup;
	struct member *members = ARENA_ARRAY(writing->arena, struct member, lookup->object.n);
	struct value *found = ARENA_NEW(writing->arena, struct value);
	struct row row = {.cells = ARENA_ARRAY(writing->arena, struct cell, request->model->nfields)};

	for (size_t i = 0; i < lookup->object.n; i++) {
		const struct field *field = named_by_lookups(request, &lookup->object.members[i]);
		if (field)
			row.cells[field->index] =
				(struct cell){.kind = CELL_FIND, .value = &lookup->object.members[i].value};
	}
	if (!rows_find(writing, request->model, &row, 1))
		return false;
	for (size_t i = 0; i < lookup->object.n; i++) {
		const struct field *field = named_by_lookups(request, &lookup->object.members[i]);
		members[i] = lookup->object.members[i];
		if (!field)
			continue;
		members[i].value = (struct value){
			.kind = VALUE_TEXT, .is_loose = true, .pos = lookup->object.members[i].value.pos};
		members[i].value.text = row.cells[field->index].text;
	}
	*found = *lookup;
	found->object.members = members;
	request->lookup = found;
	return true;
}

/* -- the row to be created ------------------------------------------------------- */

/* Of the lookup, what stands for a value of the new row: no a__b, no and/or/not. */
static bool is_value_of_row(const struct model *model, const struct member *member)
{
	static const char *const words[] = {"and", "or", "xor", "not", "lookup", NULL};

	if (str_find(member->key, STR("__")) >= 0)
		return false;
	if (model_field(model, member->key))
		return true;
	for (size_t i = 0; words[i]; i++)
		if (str_is(member->key, words[i]))
			return false;
	return !(member->key.n && member->key.p[0] >= 'A' && member->key.p[0] <= 'Z');
}

static bool same_field(const struct model *model, struct str a, struct str b)
{
	if (str_is(a, "pk") && model->pk)
		a = model->pk->name;
	if (str_is(b, "pk") && model->pk)
		b = model->pk->name;
	const struct field *field = model_field(model, a);
	return str_eq(a, b) || (field && field == model_field(model, b));
}

static bool is_overridden(const struct model *model, const struct value *defaults, struct str key)
{
	for (size_t i = 0; defaults && i < defaults->object.n; i++)
		if (same_field(model, defaults->object.members[i].key, key))
			return true;
	return false;
}

/* The lookup's values and the defaults; a default wins, as Django has it. */
static void read_object(struct request *request)
{
	const struct value *lookup = request->lookup;
	const struct value *defaults =
		request->create_defaults ? request->create_defaults : request->defaults;
	size_t most = lookup->object.n + (defaults ? defaults->object.n : 0), n = 0;
	struct member *members = ARENA_ARRAY(request->writing->arena, struct member, most);

	for (size_t i = 0; i < lookup->object.n; i++) {
		const struct member *member = &lookup->object.members[i];
		if (is_value_of_row(request->model, member) &&
		    !is_overridden(request->model, defaults, member->key))
			members[n++] = *member;
	}
	for (size_t i = 0; defaults && i < defaults->object.n; i++)
		members[n++] = defaults->object.members[i];
	request->object = (struct value){.kind = VALUE_OBJECT,
	                                 .pos = defaults ? defaults->pos : lookup->pos,
	                                 .object = {.members = members, .n = n}};
}

/* -- finding --------------------------------------------------------------------- */

static bool decode_lookup(const struct request *request, const struct query **query)
{
	struct arena *arena = request->writing->arena;
	struct member *filter = ARENA_NEW(arena, struct member);
	struct value *clause = ARENA_NEW(arena, struct value);

	*filter = (struct member){.key = STR("filter"), .value = *request->lookup};
	*clause = (struct value){
		.kind = VALUE_OBJECT, .pos = request->lookup->pos, .object = {.members = filter, .n = 1}};
	return decode_query(arena, clause, NULL, query, request->writing->error);
}

static bool plan_lookup(struct request *request)
{
	const struct query *query;

	return decode_lookup(request, &query) &&
	       plan_pick(request->writing->arena, request->model, request->scope, query, PLAN_GET,
	                 &request->plan, request->writing->error);
}

/* Waits. */
static bool find(struct request *request, bool *is_found)
{
	struct writing *writing = request->writing;
	struct db_rows *rows = ARENA_NEW(writing->arena, struct db_rows);

	*is_found = false;
	if (request->plan->is_empty)
		return true;
	if (!writing_read(writing, &request->plan->statement, 1, rows))
		return false;
	if (rows->nrows > 1)
		return writing_many_found(writing, request->model, NULL, rows->nrows);
	if (!rows->nrows)
		return true;
	struct written_row *row = ARENA_NEW(writing->arena, struct written_row);
	*row = (struct written_row){rows, 0};
	*is_found = true;
	*request->written = (struct written){
		.model = request->model, .layout = request->plan->layout, .rows = row, .nrows = 1};
	return true;
}

/* -- changing what was found ----------------------------------------------------- */

static const struct value *found_key(const struct request *request)
{
	const struct model *model = request->model;
	const struct written *written = request->written;
	struct value *parts = ARENA_ARRAY(request->writing->arena, struct value, model->npk_fields);

	for (size_t i = 0; i < model->npk_fields; i++)
		for (size_t k = 0; k < written->layout.n; k++) {
			const struct layout_member *member = &written->layout.members[k];
			if (member->kind != LAYOUT_COLUMN || member->field != model->pk_fields[i])
				continue;
			parts[i] = (struct value){.kind = VALUE_TEXT, .is_loose = true};
			parts[i].text = db_cell(written->rows[0].batch, written->rows[0].row, member->column);
		}
	if (model->pk)
		return parts;
	struct value *list = ARENA_NEW(request->writing->arena, struct value);
	*list = (struct value){.kind = VALUE_LIST, .list = {parts, model->npk_fields}};
	return list;
}

/* Waits.  *is_there: the row was still there, and still what the lookup asks for. */
static bool change_found(struct request *request, bool *is_there)
{
	static const struct value nothing = {.kind = VALUE_OBJECT};
	struct writing *writing = request->writing;
	struct plan_scope scope = request->scope ? *request->scope : (struct plan_scope){0};
	struct row_change *change = ARENA_NEW(writing->arena, struct row_change);
	struct validation validation;
	const struct query *query;

	*is_there = false;
	scope.pk = found_key(request);
	writing_validation(writing, &validation);
	if (!row_change_read(change, writing, request->model, ASSIGN_SAVE, &validation,
	                     request->defaults ? request->defaults : &nothing) ||
	    !validation_finish(&validation, writing->error) || !decode_lookup(request, &query) ||
	    !row_change_run(change, &scope, query, request->written))
		return false;
	*is_there = request->written->nrows == 1;
	return true;
}

static bool take(struct request *request, bool *is_done)
{
	if (!find(request, is_done) || !*is_done)
		return !error_is_set(request->writing->error);
	return !request->updates || change_found(request, is_done);
}

/* -- creating -------------------------------------------------------------------- */

/* A refusal that a concurrent request's row explains is none. */
static bool keep_conflict(struct request *request)
{
	struct error *error = request->writing->error;

	if (error->kind != ERROR_INTEGRITY)
		return false;
	request->conflict = *error;
	error_clear(error);
	return true;
}

static bool create(struct request *request)
{
	if (!create_object(request->writing, request->model, request->scope, &request->object,
	                   request->through_defaults, request->skips, &request->made, request->written))
		return false;
	*request->is_created = request->written->nrows == 1;
	return true;
}

/* What was refused is undone, and the transaction goes on. */
static bool create_in_savepoint(struct writing *writing, void *arg)
{
	struct request *request = arg;
	struct db_tx *tx = writing->session->tx;

	if (db_savepoints(tx) + SAVEPOINTS_LEFT >= DB_SAVEPOINTS)
		return error_set(writing->error, ERROR_BAD_REQUEST, request->object.pos,
		                 "Rows that are got or created stand too deep in one another.");
	db_savepoint(tx);
	if (create(request)) {
		db_release(tx);
		return true;
	}
	db_rollback_to(tx);
	return keep_conflict(request);
}

/* Waits.  False: an error; *request->is_created tells whether the row was made, request->conflict why it was
 * refused.  `skips`: a row that is in the way is passed over. */
static bool try_to_create(struct request *request, bool skips)
{
	request->skips = skips && !request->is_nested;
	if (request->is_nested || request->writing->session->tx)
		return writing_atomically(request->writing, create_in_savepoint, request);
	return create(request) || keep_conflict(request);
}

/* Waits.  Whether a row that the lookup does not find has the new row's place. */
static bool has_no_place(struct request *request, bool *is_taken)
{
	struct writing *writing = request->writing;
	struct statement statement;
	struct db_rows rows = {0};

	*is_taken = false;
	if (request->plan->is_empty ||
	    !conflict_find(writing->arena, request->model, request->made, &request->plan->statement,
	                   &statement))
		return true;
	if (!writing_read(writing, &statement, 1, &rows))
		return false;
	*is_taken = rows.nrows > 0;
	return true;
}

/* A refusal for good.  Where related rows came first, a row is not passed over but refused, perhaps for one that
 * is gone again by now. */
static bool is_final(const struct request *request)
{
	return request->conflict.kind != ERROR_NONE && !request->is_nested;
}

static bool refused(struct request *request)
{
	*request->writing->error = request->conflict;
	return false;
}

static bool run(struct writing *writing, void *arg)
{
	struct request *request = arg;
	int rounds = request->is_nested ? ROUNDS_NESTED : ROUNDS;
	(void)writing;
	bool is_done, is_taken = false;

	*request->is_created = false;
	request->conflict = (struct error){0};
	for (int round = 0; round < rounds && !is_taken; round++) {
		if (!take(request, &is_done) || is_done)
			return is_done;
		if (is_final(request))
			return refused(request);
		request->conflict = (struct error){0};
		if (!try_to_create(request, true))
			return false;
		if (*request->is_created)
			return true;
		if (!request->is_nested && !request->conflict.kind && round >= ROUNDS_UNASKED &&
		    !has_no_place(request, &is_taken))
			return false;
	}
	if (!request->conflict.kind && !try_to_create(request, false))
		return false;
	return *request->is_created || refused(request);
}

static bool get_or_create(struct db_session *session, struct request *request,
                          const struct write_options *options, const struct value *body,
                          struct error *error)
{
	struct writing *writing = ARENA_NEW(session->arena, struct writing);

	*request->is_created = false;
	writing_init(writing, session, request->model->registry, options, error);
	request->writing = writing;
	if (!read_body(request, body) || !find_named(request) || !plan_lookup(request))
		return false;
	read_object(request);
	request->is_nested = nested_is_in(request->model, &request->object);
	/* Related rows are changed along with the row that was found, or not at all. */
	if (request->updates && request->defaults && nested_is_in(request->model, request->defaults))
		return writing_atomically(writing, run, request);
	return run(writing, request);
}

bool write_get_or_create(struct db_session *session, const struct model *model,
                         const struct plan_scope *scope, const struct write_options *options,
                         const struct value *body, bool *is_created, struct written *written,
                         struct error *error)
{
	struct request request = {
		.model = model, .scope = scope, .is_created = is_created, .written = written};

	return get_or_create(session, &request, options, body, error);
}

bool write_update_or_create(struct db_session *session, const struct model *model,
                            const struct plan_scope *scope, const struct write_options *options,
                            const struct value *body, bool *is_created, struct written *written,
                            struct error *error)
{
	struct request request = {.model = model,
	                          .scope = scope,
	                          .updates = true,
	                          .is_created = is_created,
	                          .written = written};

	return get_or_create(session, &request, options, body, error);
}
