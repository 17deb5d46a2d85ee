/* The body of a batch: one table for its members, one for an operation's.
 *
 * All that can be judged before anything is run is judged here, so that a misspelt method of the last
 * operation costs no transaction.
 */
#include "server/batch.h"
#include "server/route.h"

#define RETRIES_MAX 10
/* A serializable transaction is only of use to one who begins it again. */
#define RETRIES_SERIALIZABLE 3
#define NAME_MAX_BYTES 64

/* -- small readers ----------------------------------------------------------------- */

static bool fail(struct batch *batch, const struct pos *pos, const char *words)
{
	return error_set(&batch->request->error, ERROR_BAD_REQUEST, pos, "%s", words);
}

static bool wrong_kind(struct batch *batch, const struct value *value, const char *expected)
{
	return error_set(&batch->request->error, ERROR_VALUE, value->pos, "expected %s, got %s",
	                 expected, value_kind_name(value->kind));
}

static bool read_bool(struct batch *batch, const struct value *value, bool *out)
{
	if (value->kind != VALUE_BOOL)
		return wrong_kind(batch, value, "true or false");
	*out = value->boolean;
	return true;
}

static bool read_text(struct batch *batch, const struct value *value, const char *expected,
                      struct str *out)
{
	if (value->kind != VALUE_TEXT)
		return wrong_kind(batch, value, expected);
	*out = value->text;
	return true;
}

/* The number of the word; the choices stand in the error. */
static bool read_word(struct batch *batch, const struct value *value, const struct str *words,
                      size_t n, size_t *found)
{
	struct error *error = &batch->request->error;

	if (value->kind != VALUE_TEXT)
		return wrong_kind(batch, value, "a string");
	for (*found = 0; *found < n; ++*found)
		if (str_eq(words[*found], value->text))
			return true;
	error_set(error, ERROR_VALUE, value->pos, "\"%.*s\" is none of its choices: %.*s",
	          STR_ARG(value->text), STR_ARG(suggest_choices(batch->arena, words, n)));
	error->suggestion = suggest_nearest(value->text, words, n);
	return false;
}

/* A row of a table of members. */
struct member_row {
	const char *name;
	bool (*read)(struct batch *batch, const struct value *value, struct operation *operation);
};

static bool read_members(struct batch *batch, const struct value *object, const char *what,
                         const struct member_row *rows, size_t n, struct operation *operation)
{
	struct str *names = ARENA_ARRAY(batch->arena, struct str, n);

	for (size_t i = 0; i < n; i++)
		names[i] = str_of(rows[i].name);
	for (size_t m = 0; m < object->object.n; m++) {
		const struct member *member = &object->object.members[m];
		size_t i = 0;

		while (i < n && !str_eq(names[i], member->key))
			i++;
		if (i == n) {
			error_set(&batch->request->error, ERROR_BAD_REQUEST, member->value.pos,
			          "\"%.*s\" is not a member of %s", STR_ARG(member->key), what);
			batch->request->error.suggestion = suggest_nearest(member->key, names, n);
			return false;
		}
		if (!rows[i].read(batch, &member->value, operation))
			return false;
	}
	return true;
}

/* -- an operation ------------------------------------------------------------------ */

static bool unknown_model(struct batch *batch, const struct value *value)
{
	const struct registry *registry = batch->request->registry;
	struct error *error = &batch->request->error;
	struct str *names = ARENA_ARRAY(batch->arena, struct str, registry->nmodels + registry->npaths);
	size_t n = 0;

	for (size_t i = 0; i < registry->nmodels; i++)
		names[n++] = registry->models[i]->name;
	for (size_t i = 0; i < registry->npaths; i++)
		names[n++] = registry->paths[i];
	error_set(error, ERROR_FIELD, value->pos, "There is no model \"%.*s\".", STR_ARG(value->text));
	error->suggestion = suggest_nearest(value->text, names, n);
	return false;
}

/* By its name, or as addresses name it. */
static bool read_model(struct batch *batch, const struct value *value, struct operation *operation)
{
	const struct registry *registry = batch->request->registry;
	struct str name;

	if (!read_text(batch, value, "a model's name", &name))
		return false;
	operation->model = registry_model(registry, name);
	if (!operation->model)
		operation->model = registry_path(registry, name);
	return operation->model || unknown_model(batch, value);
}

static bool is_name(struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

		if (!is_letter && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return text.n > 0 && text.n <= NAME_MAX_BYTES;
}

static bool read_as(struct batch *batch, const struct value *value, struct operation *operation)
{
	if (!read_text(batch, value, "a name", &operation->as))
		return false;
	if (!is_name(operation->as))
		return error_set(
			&batch->request->error, ERROR_VALUE, value->pos,
			"A name is made of up to %d letters, digits and \"_\", and begins with no digit.",
			NAME_MAX_BYTES);
	const struct operation *other = map_put(&batch->names, batch->arena, operation->as, operation);
	if (other)
		return error_set(&batch->request->error, ERROR_VALUE, value->pos,
		                 "Operation %zu is called \"%.*s\" already.",
		                 (size_t)(other - batch->operations), STR_ARG(operation->as));
	return true;
}

static bool read_method(struct batch *batch, const struct value *value, struct operation *operation)
{
	return read_text(batch, value, "a method's name", &operation->method_name);
}

static bool read_pk(struct batch *batch, const struct value *value, struct operation *operation)
{
	(void)batch;
	operation->pk = value;
	return true;
}

static bool read_relation(struct batch *batch, const struct value *value,
                          struct operation *operation)
{
	operation->relation_value = value;
	return read_text(batch, value, "a relation's name", &operation->relation);
}

static bool read_body(struct batch *batch, const struct value *value, struct operation *operation)
{
	(void)batch;
	operation->body = value;
	return true;
}

static bool read_if_match(struct batch *batch, const struct value *value,
                          struct operation *operation)
{
	return read_text(batch, value, "an entity tag", &operation->if_match);
}

static bool read_on_error(struct batch *batch, const struct value *value,
                          struct operation *operation)
{
	static const struct str words[] = {STR_INIT("rollback"), STR_INIT("continue")};
	size_t word;

	if (!read_word(batch, value, words, 2, &word))
		return false;
	if (!batch->is_atomic && word == 0)
		return fail(batch, value->pos,
		            "Without \"atomic\" there is nothing to be rolled back together; "
		            "the other operations are run in any case.");
	operation->continues = word == 1;
	return true;
}

static const struct member_row operation_members[] = {
	{"model", read_model},
	{"method", read_method},
	{"body", read_body},
	{"as", read_as},
	{"pk", read_pk},
	{"relation", read_relation},
	{"on_error", read_on_error},
	{"if_match", read_if_match},
};

/* What a row itself understands, as its address does. */
static const struct {
	struct str name;
	enum http_method method;
	handler_fn handler;
} row_methods[] = {
	{STR_INIT("get"), HTTP_GET, read_row},
	{STR_INIT("patch"), HTTP_PATCH, change_row},
	{STR_INIT("put"), HTTP_PUT, change_row},
	{STR_INIT("delete"), HTTP_DELETE, change_delete_row},
};

static bool choose_row_method(struct batch *batch, struct operation *operation,
                              const struct pos *pos)
{
	struct str names[sizeof row_methods / sizeof row_methods[0]];
	size_t n = sizeof row_methods / sizeof row_methods[0];

	for (size_t i = 0; i < n; i++) {
		names[i] = row_methods[i].name;
		if (!str_eq(names[i], operation->method_name))
			continue;
		operation->method_name = (struct str){0};
		operation->http_method = row_methods[i].method;
		operation->handler = row_methods[i].handler;
		operation->only_reads = i == 0;
		return true;
	}
	error_set(
		&batch->request->error, ERROR_BAD_REQUEST, pos,
		"One row (\"pk\" without \"relation\") takes get, patch, put and delete, not \"%.*s\".",
		STR_ARG(operation->method_name));
	batch->request->error.suggestion = suggest_nearest(operation->method_name, names, n);
	return false;
}

/* Whether the relation is there, and takes the method. */
static bool check_relation(struct batch *batch, const struct operation *operation,
                           const struct method *method)
{
	struct error *error = &batch->request->error;
	const struct relation *relation;
	bool is_reverse;

	if (!model_accessor(operation->model, operation->relation, &relation, &is_reverse)) {
		batch->request->model = operation->model;
		route_relation(batch->request, operation->relation, operation->pk);
		error->kind = ERROR_FIELD;
		error->pos = operation->relation_value->pos;
		error->has_pos = true;
		return false;
	}
	if (method->only_reads || relation_is_multiple(relation, is_reverse))
		return true;
	return error_set(error, ERROR_BAD_REQUEST, operation->relation_value->pos,
	                 "\"%.*s\" is one row and no manager; it is changed by its own \"pk\".",
	                 STR_ARG(operation->relation));
}

static bool has_method(const struct method *method, bool is_related)
{
	return is_related ? method->also_related || method->only_related : !method->only_related;
}

static bool choose_method(struct batch *batch, struct operation *operation, const struct pos *pos)
{
	struct error *error = &batch->request->error;
	bool is_related = operation->relation.p != NULL;
	const struct method *method = method_find(operation->method_name);

	if (method && !has_method(method, is_related))
		return error_set(error, ERROR_BAD_REQUEST, pos, "\"%.*s\" is a method of %s.",
		                 STR_ARG(operation->method_name),
		                 is_related ? "models alone" : "related managers (\"relation\") alone");
	if (!method) {
		error_set(error, ERROR_BAD_REQUEST, pos, "There is no method \"%.*s\".",
		          STR_ARG(operation->method_name));
		error->suggestion =
			route_nearest_method(batch->request, operation->method_name, is_related);
		return false;
	}
	operation->method_name = str_of(method->name);
	operation->http_method = HTTP_POST;
	operation->handler = method->handler;
	operation->only_reads = method->only_reads;
	return !is_related || check_relation(batch, operation, method);
}

static bool read_operation(struct batch *batch, const struct value *value,
                           struct operation *operation)
{
	const struct value *method = value_get(value, "method");

	*operation = (struct operation){.pos = value->pos, .continues = !batch->is_atomic};
	if (value->kind != VALUE_OBJECT)
		return wrong_kind(batch, value, "an operation (an object)");
	if (!read_members(batch, value, "an operation", operation_members,
	                  sizeof operation_members / sizeof operation_members[0], operation))
		return false;
	if (!operation->model)
		return fail(batch, value->pos, "An operation needs \"model\".");
	if (!method)
		return fail(batch, value->pos, "An operation needs \"method\".");
	if (operation->relation.p && !operation->pk)
		return fail(batch, operation->relation_value->pos,
		            "A related manager is one of a row: \"relation\" needs \"pk\".");
	if (operation->pk && !operation->relation.p ? !choose_row_method(batch, operation, method->pos)
	                                            : !choose_method(batch, operation, method->pos))
		return false;
	if (operation->if_match.p && (operation->relation.p || !operation->pk || operation->only_reads))
		return fail(batch, value_get(value, "if_match")->pos,
		            "\"if_match\" goes with patch, put and delete of one row.");
	return batch_check_refs(batch, operation);
}

/* -- the batch --------------------------------------------------------------------- */

static bool read_atomic(struct batch *batch, const struct value *value, struct operation *unused)
{
	(void)unused;
	return read_bool(batch, value, &batch->is_atomic);
}

static bool read_dry_run(struct batch *batch, const struct value *value, struct operation *unused)
{
	(void)unused;
	return read_bool(batch, value, &batch->is_dry_run);
}

static bool read_isolation(struct batch *batch, const struct value *value, struct operation *unused)
{
	static const struct str words[] = {[DB_READ_COMMITTED] = STR_INIT("read committed"),
	                                   [DB_REPEATABLE_READ] = STR_INIT("repeatable read"),
	                                   [DB_SERIALIZABLE] = STR_INIT("serializable")};
	size_t word;

	(void)unused;
	if (!read_word(batch, value, words, 3, &word))
		return false;
	batch->isolation = (enum db_isolation)word;
	batch->isolation_pos = value->pos;
	return true;
}

static bool read_retries(struct batch *batch, const struct value *value, struct operation *unused)
{
	(void)unused;
	if (value->kind != VALUE_INT)
		return wrong_kind(batch, value, "an integer");
	if (value->integer < 0 || value->integer > RETRIES_MAX)
		return error_set(&batch->request->error, ERROR_VALUE, value->pos,
		                 "A batch may be tried again 0 to %d times.", RETRIES_MAX);
	batch->retries = (unsigned)value->integer;
	return true;
}

static bool read_using(struct batch *batch, const struct value *value, struct operation *unused)
{
	struct str alias;

	(void)unused;
	return read_text(batch, value, "a database alias (a string)", &alias) &&
	       request_use(batch->request, alias, value->pos);
}

/* Read after all others. */
static bool skip(struct batch *batch, const struct value *value, struct operation *unused)
{
	(void)batch;
	(void)value;
	(void)unused;
	return true;
}

static const struct member_row batch_members[] = {
	{"operations", skip},      {"atomic", read_atomic},   {"isolation", read_isolation},
	{"retries", read_retries}, {"dry_run", read_dry_run}, {"using", read_using},
};

/* Members that say how one transaction is to go. */
static bool refuse_without_atomic(struct batch *batch, const struct value *body)
{
	static const char *const names[] = {"isolation", "retries", "dry_run"};

	for (size_t i = 0; !batch->is_atomic && i < sizeof names / sizeof names[0]; i++) {
		const struct value *value = value_get(body, names[i]);

		if (value && (value->kind != VALUE_BOOL || value->boolean))
			return error_set(&batch->request->error, ERROR_BAD_REQUEST, value->pos,
			                 "\"%s\" goes with an atomic batch.", names[i]);
	}
	return true;
}

static bool read_operations(struct batch *batch, const struct value *list)
{
	unsigned most = batch->request->settings->max_operations;

	if (list->kind != VALUE_LIST)
		return wrong_kind(batch, list, "an array of operations");
	if (list->list.n > most)
		return error_set(&batch->request->error, ERROR_TOO_LARGE, list->pos,
		                 "A batch has at most %u operations, this one %zu.", most, list->list.n);
	batch->operations = ARENA_ARRAY(batch->arena, struct operation, list->list.n);
	for (; batch->n < list->list.n; batch->n++) {
		struct operation *operation = &batch->operations[batch->n];

		if (read_operation(batch, &list->list.items[batch->n], operation))
			continue;
		operation_blame(batch, operation);
		return false;
	}
	return true;
}

bool batch_decode(struct batch *batch, const struct value *body)
{
	const struct value *operations = value_get(body, "operations");

	if (body->kind != VALUE_OBJECT)
		return wrong_kind(batch, body, "a batch (an object with \"operations\")");
	if (!read_members(batch, body, "a batch", batch_members,
	                  sizeof batch_members / sizeof batch_members[0], NULL) ||
	    !refuse_without_atomic(batch, body))
		return false;
	if (!operations)
		return fail(batch, body->pos, "A batch needs \"operations\": an array.");
	if (!value_get(body, "retries") && batch->isolation == DB_SERIALIZABLE)
		batch->retries = RETRIES_SERIALIZABLE;
	return read_operations(batch, operations);
}
