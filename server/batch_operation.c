/* One operation of a batch: takes the request's place, runs its handler, keeps the answer.
 *
 * The handlers do not know that they are part of a batch: they see the request as if it had come to the
 * operation's own address, with a reply that is held and an arena that ends with the operation.
 * Invariant: between two operations the request is as it came, but for its session, error and buffer.
 */
#include "server/batch.h"
#include "server/precondition.h"
#include "server/problem.h"
#include "server/route.h"

/* -- in the request's place -------------------------------------------------------- */

static void enter(struct batch *batch, const struct operation *operation, const struct value *body)
{
	struct request *request = batch->request;
	size_t most = batch->outer.settings->batch_bytes;
	size_t held = batch->outer.reply.hold_max;

	if (held && held < most)
		most = held;
	request->arena = request->db.arena = batch->scratch;
	request->method = operation->http_method;
	request->params = request->body = (struct str){0};
	request->value = body;
	request->accept = request->if_none_match = request->idempotency_key = (struct str){0};
	request->if_match = operation->if_match;
	request->form = FORM_UNJUDGED;
	request->model = operation->model;
	request->method_name = operation->method_name;
	request->reply.status = 200;
	request->reply.content_type = "application/json";
	request->reply.nheaders = 0;
	request->reply.hold_max = most > batch->replies.n ? most - batch->replies.n : 1;
	buf_clear(&request->reply.body);
}

static void leave(struct batch *batch)
{
	struct request *request = batch->request;
	struct db_session db = request->db;
	struct error error = request->error;
	struct buf body = request->reply.body;

	*request = batch->outer;
	request->db = db;
	request->db.arena = batch->arena;
	request->error = error;
	request->reply.body = body;
	buf_clear(&request->reply.body);
}

/* -- its answer -------------------------------------------------------------------- */

static void begin_answer(struct batch *batch, const struct operation *operation, int status)
{
	struct buf *out = &batch->replies;

	if (out->n)
		buf_add_char(out, ',');
	BUF_LIT(out, "{\"status\":");
	buf_add_int(out, status);
	if (operation->as.p) {
		BUF_LIT(out, ",\"as\":");
		buf_add_json(out, operation->as);
	}
}

static void add_headers(struct buf *out, const struct reply *reply)
{
	if (reply->nheaders == 0)
		return;
	BUF_LIT(out, ",\"headers\":{");
	for (size_t i = 0; i < reply->nheaders; i++) {
		if (i)
			buf_add_char(out, ',');
		buf_add_json(out, reply->headers[i].name);
		buf_add_char(out, ':');
		buf_add_json(out, reply->headers[i].value);
	}
	buf_add_char(out, '}');
}

static void add_answer(struct batch *batch, struct operation *operation)
{
	const struct reply *reply = &batch->request->reply;
	struct buf *out = &batch->replies;
	struct str body = reply->body.n ? buf_str(&reply->body) : STR("null");

	begin_answer(batch, operation, reply->status);
	add_headers(out, reply);
	BUF_LIT(out, ",\"body\":");
	operation->reply_at = out->n;
	operation->reply_n = body.n;
	buf_add(out, body);
	buf_add_char(out, '}');
}

void operation_add_failure(struct batch *batch, struct operation *operation)
{
	struct error *error = &batch->request->error;
	struct buf *out = &batch->replies;

	begin_answer(batch, operation, error_status(error->kind));
	BUF_LIT(out, ",\"error\":");
	problem_write(error, (struct str){0}, batch->arena, out);
	buf_add_char(out, '}');
	operation->has_failed = true;
	batch->failed++;
	error_clear(error);
}

/* -- errors ------------------------------------------------------------------------ */

/* The place of the field that the database named, where the operation's body has it. */
static const struct pos *field_pos(const struct operation *operation, struct str field)
{
	const struct value *body = operation->body;
	const struct value *set = value_get(body, "set");

	if (set)
		body = set;
	if (!body || body->kind != VALUE_OBJECT)
		return NULL;
	for (size_t i = 0; i < body->object.n; i++) {
		struct str key = body->object.members[i].key;

		if (str_starts(key, field) &&
		    (key.n == field.n || str_is(str_sub(key, field.n, key.n - field.n), "_id")))
			return body->object.members[i].value.pos;
	}
	return NULL;
}

void operation_blame(struct batch *batch, const struct operation *operation)
{
	struct error *error = &batch->request->error;
	const struct pos *pos = NULL;

	error->operation = (size_t)(operation - batch->operations) + 1;
	error->operation_name = operation->as;
	if (error->has_pos && error->pos)
		return;
	if (error->nfields)
		pos = field_pos(operation, error->fields[0]);
	if (!pos && operation->pk && error->kind == ERROR_DOES_NOT_EXIST)
		pos = operation->pk->pos;
	error->pos = pos ? pos : operation->pos;
	error->has_pos = true;
}

/* -- running ----------------------------------------------------------------------- */

/* A key must be one: in an address anything may stand, and finds nothing. */
static bool check_key(struct batch *batch, const struct model *model, const struct value *key)
{
	struct error *error = &batch->request->error;
	size_t n = model->npk_fields;
	struct str text;

	if (!model->pk && (key->kind != VALUE_LIST || key->list.n != n))
		return error_set(error, ERROR_VALUE, key->pos,
		                 "The primary key of %.*s is an array of %zu values.", STR_ARG(model->name),
		                 n);
	for (size_t i = 0; i < n; i++) {
		const struct value *part = model->pk ? key : &key->list.items[i];

		if (!field_parse(model->pk_fields[i], part, batch->scratch, &text, error))
			return false;
		if (!text.p)
			return error_set(error, ERROR_VALUE, part->pos, "A primary key cannot be null.");
	}
	return true;
}

static bool set_scope(struct batch *batch, const struct operation *operation,
                      const struct value *pk)
{
	struct request *request = batch->request;

	request->scope = (struct plan_scope){0};
	request->has_scope = pk != NULL;
	if (!pk)
		return true;
	if (!check_key(batch, operation->model, pk))
		return false;
	if (operation->relation.p)
		return route_relation(request, operation->relation, pk);
	request->scope.pk = pk;
	return true;
}

/* What is missing is an empty object, but a row that is only read needs no query. */
static const struct value *body_of(struct batch *batch, const struct operation *operation,
                                   const struct value *given)
{
	struct value *empty;

	if (given || (operation->only_reads && !operation->method_name.p))
		return given;
	empty = ARENA_NEW(batch->scratch, struct value);
	*empty = (struct value){.kind = VALUE_OBJECT, .pos = operation->pos};
	return empty;
}

static bool run(struct batch *batch, struct operation *operation)
{
	struct request *request = batch->request;
	const struct value *pk, *body;

	if (!batch_fill(batch, operation, operation->pk, &pk) ||
	    !batch_fill(batch, operation, operation->body, &body))
		return false;
	enter(batch, operation, body_of(batch, operation, body));
	if (!set_scope(batch, operation, pk) || (operation->if_match.p && !precondition_holds(request)))
		return false;
	return operation->handler(request);
}

/* In the terms of the whole batch, whose answers are kept together. */
static bool too_long(struct batch *batch)
{
	struct error *error = &batch->request->error;
	const struct reply *reply = &batch->request->reply;

	error_clear(error);
	return error_set_nowhere(
		error, ERROR_TOO_LARGE,
		"The answers of the batch are longer than the %zu bytes that are kept until "
		"its end; let its operations answer less (limit, values, returning).",
		reply->hold_max + batch->replies.n);
}

bool operation_run(struct batch *batch, struct operation *operation)
{
	bool is_good = run(batch, operation);

	if (batch->request->reply.body.n > batch->request->reply.hold_max &&
	    (is_good || batch->request->error.kind == ERROR_TOO_LARGE))
		is_good = too_long(batch);
	if (is_good)
		add_answer(batch, operation);
	else
		operation_blame(batch, operation);
	/* An error may point into the operation's arena, which then stays until the next one begins. */
	leave(batch);
	return is_good;
}
