/* The writing methods: bodies to orm/write, its results to replies.
 *
 * A whole collection is changed by PATCH or DELETE only when the address says which rows, or
 * says ?all=true: a forgotten lookup must not cost a table.
 */
#include "orm/query/decode.h"
#include "orm/wire/encode.h"
#include "orm/wire/params.h"
#include "orm/write/returning.h"
#include "orm/write/write.h"
#include "server/embed.h"
#include "server/etag.h"
#include "server/read.h"

static const char *const no_members[] = {NULL};
static const char *const set_member[] = {"set", NULL};
static const char *const all_member[] = {"all", NULL};
static const char *const many_members[] = {"all", "returning", "require", "validate", NULL};
static const char *const row_members[] = {"returning", NULL};

static const struct plan_scope *scope_of(const struct request *request)
{
	return request->has_scope ? &request->scope : NULL;
}

/* -- replies --------------------------------------------------------------------- */

/* Whether the row is answered as reading it would answer it. */
static bool is_whole(const struct written *written)
{
	const struct model *model = written->model;

	for (size_t i = 0; i < written->layout.n && i < model->ncolumns; i++)
		if (written->layout.members[i].kind != LAYOUT_COLUMN ||
		    written->layout.members[i].field != model->columns[i])
			return false;
	return written->layout.n == model->ncolumns;
}

/* The row, with the ETag that reading it would have. */
static void add_tagged_row(struct request *request, const struct embedding *embedding,
                           const struct written *written)
{
	struct buf *body = &request->reply.body;
	size_t from = body->n;

	embed_row(embedding, written, 0, body);
	if (!embedding->fetched && is_whole(written))
		etag_add(request, (struct str){body->p + from, body->n - from});
}

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '.' || c == '_' || c == '~';
}

static void add_encoded(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (is_unreserved(text.p[i]))
			buf_add_char(out, text.p[i]);
		else
			buf_printf(out, "%%%02X", (unsigned)(unsigned char)text.p[i]);
	}
}

static struct str cell_of(const struct written *written, const struct layout *whole,
                          const struct field *field)
{
	for (size_t i = 0; i < whole->n; i++) {
		const struct layout_member *member = &whole->members[i];
		if (member->kind == LAYOUT_COLUMN && member->field == field)
			return db_cell(written->rows[0].batch, written->rows[0].row, member->column);
	}
	return (struct str){NULL, 0};
}

/* `whole`: the layout of the row with its key, which the answer may leave out. */
static void add_location(struct request *request, const struct written *written,
                         const struct layout *whole)
{
	const struct model *model = written->model;
	struct buf address = {0};

	request->reply.status = 201;
	BUF_LIT(&address, "/api/");
	add_encoded(&address, model->path);
	for (size_t i = 0; i < model->npk_fields; i++) {
		buf_add_char(&address, i == 0 ? '/' : ',');
		add_encoded(&address, cell_of(written, whole, model->pk_fields[i]));
	}
	reply_header(request, STR("Location"), arena_str(request->arena, buf_str(&address)));
	buf_release(&address);
}

/* "results":[…] */
static bool add_results(struct request *request, const struct embedding *embedding,
                        const struct written *written)
{
	struct buf *body = &request->reply.body;

	BUF_LIT(body, "\"results\":[");
	for (size_t i = 0; i < written->nrows; i++) {
		if (i)
			buf_add_char(body, ',');
		embed_row(embedding, written, i, body);
		if (body->n > REPLY_CHUNK && !reply_flush(request))
			return false;
	}
	buf_add_char(body, ']');
	return true;
}

/* {"updated":3}, and the rows where they are wanted. */
static bool reply_counted(struct request *request, struct str what, const struct written *written)
{
	struct buf *body = &request->reply.body;

	buf_add_char(body, '{');
	buf_add_json(body, what);
	buf_add_char(body, ':');
	buf_add_int(body, (int64_t)written->affected);
	if (written->shows_rows) {
		buf_add_char(body, ',');
		if (!add_results(request, NULL, written))
			return false;
	}
	buf_add_char(body, '}');
	return true;
}

static bool reply_rows(struct request *request, const struct embedding *embedding,
                       const struct written *written)
{
	request->reply.status = 201;
	buf_add_char(&request->reply.body, '{');
	if (!add_results(request, embedding, written))
		return false;
	buf_add_char(&request->reply.body, '}');
	return true;
}

static bool reply_deleted(struct request *request, const struct deleted *deleted)
{
	struct buf *body = &request->reply.body;

	BUF_LIT(body, "{\"deleted\":");
	buf_add_int(body, (int64_t)deleted->total);
	BUF_LIT(body, ",\"per_model\":{");
	for (size_t i = 0; i < deleted->nmodels; i++) {
		if (i)
			buf_add_char(body, ',');
		buf_add_json(body, deleted->per_model[i].model->name);
		buf_add_char(body, ':');
		buf_add_int(body, (int64_t)deleted->per_model[i].n);
	}
	buf_add_char(body, '}');
	if (deleted->rows.shows_rows) {
		buf_add_char(body, ',');
		if (!add_results(request, NULL, &deleted->rows))
			return false;
	}
	buf_add_char(body, '}');
	return true;
}

/* Which columns of whole rows are shown: known before anything is written. */
static bool read_shown(struct request *request, const struct write_options *options,
                       struct returning *returning)
{
	returning_all(request->arena, request->model, returning);
	return returning_read(request->arena, request->model, options->returning, returning,
	                      &request->error);
}

static void show_only(struct request *request, const struct returning *returning,
                      struct written *written)
{
	if (!written->is_narrow)
		returning_narrow(request->arena, request->model, returning, &written->layout);
}

/* -- create ---------------------------------------------------------------------- */

/* A method that makes rows, or changes one, with its answer. */
struct making {
	struct request *request;
	const struct value *value; /* the body without the options */
	struct write_options options;
	struct returning returning;
	bool is_created;
	struct written written;
	struct layout whole; /* of the row, whatever is shown of it */
	struct embedding embedding;
};

/* `is_row`: the body is a row, whose fields are told from options. */
static bool read_making(struct request *request, bool is_row, struct making *making)
{
	const struct value *body;

	*making = (struct making){.request = request};
	return request_value(request, no_members, &body) &&
	       request_options(request, body, OPTION_RETURNING | OPTION_VALIDATE, is_row, &making->value,
	                       &making->options) &&
	       read_shown(request, &making->options, &making->returning);
}

/* What the client chose to see has no related rows. */
static bool make(struct making *making, const struct value *objects, bool (*write)(void *arg))
{
	struct request *request = making->request;
	bool is_nested = !making->options.returning && objects && write_is_nested(request->model, objects);

	if (!embed_write(request, is_nested, write, making, &making->written, &making->embedding))
		return false;
	making->whole = making->written.layout;
	show_only(request, &making->returning, &making->written);
	return true;
}

static bool run_create(void *arg)
{
	struct making *making = arg;
	struct request *request = making->request;

	return write_create(&request->db, request->model, scope_of(request), &making->options,
	                    making->value, &making->written, &request->error);
}

bool change_create(struct request *request)
{
	struct making making;

	if (!read_making(request, true, &making) || !make(&making, making.value, run_create))
		return false;
	if (making.value->kind == VALUE_LIST)
		return reply_rows(request, &making.embedding, &making.written);
	add_location(request, &making.written, &making.whole);
	add_tagged_row(request, &making.embedding, &making.written);
	return true;
}

static bool run_bulk_create(void *arg)
{
	struct making *making = arg;
	struct request *request = making->request;

	return write_bulk_create(&request->db, request->model, scope_of(request), &making->options,
	                         making->value, &making->written, &request->error);
}

bool change_bulk_create(struct request *request)
{
	struct making making;

	if (!read_making(request, false, &making))
		return false;
	const struct value *objects = value_get(making.value, "objects");
	if (!make(&making, objects ? objects : making.value, run_bulk_create))
		return false;
	if (making.returning.shows_rows)
		return reply_rows(request, &making.embedding, &making.written);
	request->reply.status = 201;
	making.written.affected = making.written.nrows;
	making.written.shows_rows = false;
	return reply_counted(request, STR("created"), &making.written);
}

static bool run_get_or_create(void *arg)
{
	struct making *making = arg;
	struct request *request = making->request;

	return write_get_or_create(&request->db, request->model, scope_of(request), &making->options,
	                           making->value, &making->is_created, &making->written,
	                           &request->error);
}

static bool run_update_or_create(void *arg)
{
	struct making *making = arg;
	struct request *request = making->request;

	return write_update_or_create(&request->db, request->model, scope_of(request), &making->options,
	                              making->value, &making->is_created, &making->written,
	                              &request->error);
}

/* Related rows may stand in any of the three. */
static const struct value *all_values(const struct making *making)
{
	static const char *const names[] = {"lookup", "defaults", "create_defaults"};
	struct arena *arena = making->request->arena;
	struct value *list = ARENA_NEW(arena, struct value);
	struct value *items = ARENA_ARRAY(arena, struct value, 3);
	size_t n = 0;

	for (size_t i = 0; i < 3; i++) {
		const struct value *value = value_get(making->value, names[i]);
		if (value)
			items[n++] = *value;
	}
	*list = (struct value){.kind = VALUE_LIST, .list = {items, n}};
	return list;
}

static bool change_or_create(struct request *request, bool (*write)(void *arg))
{
	struct making making;

	if (!read_making(request, false, &making) || !make(&making, all_values(&making), write))
		return false;
	if (making.is_created)
		add_location(request, &making.written, &making.whole);
	struct buf *reply = &request->reply.body;
	buf_add(reply, making.is_created ? STR("{\"created\":true,\"result\":")
	                                 : STR("{\"created\":false,\"result\":"));
	embed_row(&making.embedding, &making.written, 0, reply);
	buf_add_char(reply, '}');
	return true;
}

bool change_get_or_create(struct request *request)
{
	return change_or_create(request, run_get_or_create);
}

bool change_update_or_create(struct request *request)
{
	return change_or_create(request, run_update_or_create);
}

/* -- update ---------------------------------------------------------------------- */

static bool update(struct request *request, const struct write_options *options,
                   const struct query *query, const struct value *set)
{
	struct written written;

	return write_update(&request->db, request->model, scope_of(request), options, query, set,
	                    &written, &request->error) &&
	       (written.affected || read_owner(request)) &&
	       reply_counted(request, STR("updated"), &written);
}

bool change_update(struct request *request)
{
	const struct value *given, *body;
	struct write_options options;
	const struct query *query;

	if (!request_value(request, set_member, &given) ||
	    !request_options(request, given, OPTION_RETURNING | OPTION_REQUIRE | OPTION_VALIDATE, false,
	                     &body, &options) ||
	    !request_query(request, body, set_member, &query))
		return false;
	const struct value *set = value_get(body, "set");
	if (!set)
		return error_set(&request->error, ERROR_BAD_REQUEST, body->pos,
		                 "update needs \"set\": an object of fields and their new values.");
	return update(request, &options, query, set);
}

bool change_bulk_update(struct request *request)
{
	const struct value *body, *objects;
	struct write_options options;
	struct written written;

	return request_value(request, no_members, &body) &&
	       request_options(request, body, OPTION_RETURNING | OPTION_REQUIRE | OPTION_VALIDATE, false,
	                       &objects, &options) &&
	       write_bulk_update(&request->db, request->model, scope_of(request), &options, objects,
	                         &written, &request->error) &&
	       (written.affected || read_owner(request)) &&
	       reply_counted(request, STR("updated"), &written);
}

static bool says_all(const struct value *params)
{
	const struct value *all = value_get(params, "all");

	if (!all)
		return false;
	return all->kind == VALUE_BOOL ? all->boolean
	                               : all->kind == VALUE_TEXT && str_is(all->text, "true");
}

/* The rows that the query string of a collection's address names. */
static bool read_addressed(struct request *request, unsigned allowed, struct write_options *options,
                           const struct query **query)
{
	const struct value *given, *params;

	if (!params_read(request->arena, request->params, many_members, &request->settings->json, &given,
	                 &request->error) ||
	    !request_options(request, given, allowed, false, &params, options))
		return false;
	if (!says_all(params) && !value_get(params, "filter") && !value_get(params, "exclude"))
		return error_set(&request->error, ERROR_BAD_REQUEST, params->pos,
		                 "No lookup says which rows; add one, or ?all=true for every row.");
	return request_query(request, params, all_member, query);
}

bool change_update_all(struct request *request)
{
	const struct query *query;
	const struct value *set;
	struct write_options options;

	return request_value(request, no_members, &set) &&
	       read_addressed(request, OPTION_RETURNING | OPTION_REQUIRE | OPTION_VALIDATE, &options,
	                      &query) &&
	       update(request, &options, query, set);
}

static bool run_change(void *arg)
{
	struct making *making = arg;
	struct request *request = making->request;

	return write_row(&request->db, request->model, &request->scope, &making->options, making->value,
	                 request->method == HTTP_PUT, &making->written, &request->error);
}

bool change_row(struct request *request)
{
	struct making making;

	if (!read_making(request, true, &making) ||
	    !embed_write(request, !making.options.returning && write_is_nested(request->model, making.value),
	                 run_change, &making, &making.written, &making.embedding))
		return false;
	add_tagged_row(request, &making.embedding, &making.written);
	return true;
}

/* -- delete ---------------------------------------------------------------------- */

static bool delete_rows(struct request *request, const struct write_options *options,
                        const struct query *query)
{
	struct deleted deleted;

	return write_delete(&request->db, request->model, scope_of(request), options, query, &deleted,
	                    &request->error) &&
	       (deleted.total || read_owner(request)) && reply_deleted(request, &deleted);
}

bool change_delete(struct request *request)
{
	const struct value *given, *body;
	const struct query *query;
	struct write_options options;

	return request_value(request, no_members, &given) &&
	       request_options(request, given, OPTION_RETURNING | OPTION_REQUIRE, false, &body, &options) &&
	       request_query(request, body, no_members, &query) &&
	       delete_rows(request, &options, query);
}

bool change_delete_all(struct request *request)
{
	const struct query *query;
	struct write_options options;

	return read_addressed(request, OPTION_RETURNING | OPTION_REQUIRE, &options, &query) &&
	       delete_rows(request, &options, query);
}

bool change_delete_row(struct request *request)
{
	const struct value *given, *params;
	const struct query *query;
	struct write_options options;
	struct deleted deleted;

	if (!request_value(request, row_members, &given) ||
	    !request_options(request, given, OPTION_RETURNING, false, &params, &options) ||
	    !request_query(request, params, no_members, &query) ||
	    !write_delete(&request->db, request->model, &request->scope, &options, query, &deleted,
	                  &request->error))
		return false;
	if (!deleted.total)
		return error_set_nowhere(&request->error, ERROR_DOES_NOT_EXIST,
		                         "%.*s matching query does not exist.",
		                         STR_ARG(request->model->name));
	return reply_deleted(request, &deleted);
}

/* -- related managers ------------------------------------------------------------ */

static bool change_related(struct request *request, const struct write_options *options,
                           enum related_change kind, const struct value *body)
{
	struct related_changed changed;

	if (!write_related(&request->db, &request->scope, options, kind, body, &changed,
	                   &request->error))
		return false;
	struct buf *reply = &request->reply.body;
	BUF_LIT(reply, "{\"added\":");
	buf_add_int(reply, (int64_t)changed.added);
	BUF_LIT(reply, ",\"removed\":");
	buf_add_int(reply, (int64_t)changed.removed);
	buf_add_char(reply, '}');
	return true;
}

static bool change_related_by_body(struct request *request, enum related_change kind)
{
	const struct value *body, *objects;
	struct write_options options;

	return request_value(request, no_members, &body) &&
	       request_options(request, body, OPTION_REQUIRE | OPTION_VALIDATE, false, &objects, &options) &&
	       change_related(request, &options, kind, objects);
}

bool change_related_add(struct request *request)
{
	return change_related_by_body(request, RELATED_ADD);
}

bool change_related_remove(struct request *request)
{
	return change_related_by_body(request, RELATED_REMOVE);
}

bool change_related_set(struct request *request)
{
	return change_related_by_body(request, RELATED_SET);
}

/* Takes no body, or an empty object: whatever else is said was meant for another method. */
bool change_related_clear(struct request *request)
{
	const struct value *given, *body;
	struct write_options options = {0};

	if (!request->body.n && !request->value)
		return change_related(request, &options, RELATED_CLEAR, NULL);
	if (!request_value(request, no_members, &given) ||
	    !request_options(request, given, OPTION_REQUIRE, false, &body, &options))
		return false;
	if (body->kind != VALUE_OBJECT || body->object.n)
		return error_set(&request->error, ERROR_BAD_REQUEST, body->pos,
		                 "clear takes nothing; to take some rows away, use remove.");
	return change_related(request, &options, RELATED_CLEAR, NULL);
}
