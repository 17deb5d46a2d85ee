/* get_or_create: find; else insert unless somebody was quicker; else find theirs.
 *
 * ON CONFLICT DO NOTHING in place of a savepoint: a conflict is no error, so the way back to the
 * first step is the same inside a transaction.  A conflict with a row that the lookup does not
 * find is the client's to see: the row is then inserted without it.
 */
#include "orm/write/create.h"

#include "orm/query/decode.h"

struct request {
	struct writing *writing;
	const struct model *model;
	const struct plan_scope *scope;
	const struct plan *plan; /* of the lookup */
	struct value object;     /* what is created */
	struct written *written;
};

static bool check_members(struct writing *writing, const struct value *body)
{
	static const struct str names[] = {STR_INIT("lookup"), STR_INIT("defaults")};

	if (body->kind != VALUE_OBJECT)
		return error_set(writing->error, ERROR_VALUE, body->pos,
		                 "get_or_create takes {\"lookup\": {…}, \"defaults\": {…}}, not %s.",
		                 value_kind_name(body->kind));
	for (size_t i = 0; i < body->object.n; i++) {
		const struct member *member = &body->object.members[i];
		bool is_known = str_eq(member->key, names[0]) || str_eq(member->key, names[1]);
		if (is_known && member->value.kind == VALUE_OBJECT)
			continue;
		if (is_known)
			return error_set(writing->error, ERROR_VALUE, member->value.pos,
			                 "'%.*s' is an object, not %s.", STR_ARG(member->key),
			                 value_kind_name(member->value.kind));
		error_set(writing->error, ERROR_BAD_REQUEST, member->value.pos,
		          "get_or_create takes \"lookup\" and \"defaults\", not '%.*s'.",
		          STR_ARG(member->key));
		writing->error->suggestion = suggest_nearest(member->key, names, 2);
		return false;
	}
	if (value_get(body, "lookup"))
		return true;
	return error_set(writing->error, ERROR_BAD_REQUEST, body->pos,
	                 "get_or_create needs a \"lookup\".");
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
static void read_object(struct request *request, const struct value *body)
{
	const struct value *lookup = value_get(body, "lookup"), *defaults = value_get(body, "defaults");
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

static bool plan_lookup(struct request *request, const struct value *body)
{
	struct writing *writing = request->writing;
	const struct query *query;
	struct member *filter = ARENA_NEW(writing->arena, struct member);
	struct value *clause = ARENA_NEW(writing->arena, struct value);

	*filter = (struct member){.key = STR("filter"), .value = *value_get(body, "lookup")};
	*clause = (struct value){
		.kind = VALUE_OBJECT, .pos = body->pos, .object = {.members = filter, .n = 1}};
	return decode_query(writing->arena, clause, NULL, &query, writing->error) &&
	       plan_pick(writing->arena, request->model, request->scope, query, PLAN_GET,
	                 &request->plan, writing->error);
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

/* Waits.  An IntegrityError that a concurrent request's row explains is none. */
static bool find_instead(struct request *request)
{
	struct error *error = request->writing->error;
	struct error before = *error;
	bool is_found;

	if (error->kind != ERROR_INTEGRITY || request->writing->session->tx)
		return false;
	error_clear(error);
	if (!find(request, &is_found))
		return false;
	if (!is_found)
		*error = before;
	return is_found;
}

static bool create(struct request *request, enum insert_conflict conflict)
{
	return create_object(request->writing, request->model, request->scope, &request->object,
	                     conflict, request->written);
}

static bool get_or_create(struct request *request, bool *is_created)
{
	bool is_found;

	if (!find(request, &is_found))
		return false;
	if (is_found)
		return true;
	if (!create(request, INSERT_SKIPS))
		return find_instead(request);
	*is_created = request->written->nrows == 1;
	if (*is_created)
		return true;
	if (!find(request, &is_found) || is_found)
		return is_found;
	*is_created = true;
	return create(request, INSERT_FAILS);
}

bool write_get_or_create(struct db_session *session, const struct model *model,
                         const struct plan_scope *scope, const struct value *body, bool *is_created,
                         struct written *written, struct error *error)
{
	struct writing writing;
	struct request request = {
		.writing = &writing, .model = model, .scope = scope, .written = written};

	*is_created = false;
	writing_init(&writing, session, model->registry, error);
	if (!check_members(&writing, body) || !plan_lookup(&request, body))
		return false;
	read_object(&request, body);
	return get_or_create(&request, is_created);
}
