/* The writing methods: bodies to orm/write, its results to replies.
 *
 * A whole collection is changed by PATCH or DELETE only when the address says which rows, or
 * says ?all=true: a forgotten lookup must not cost a table.
 */
#include "orm/query/decode.h"
#include "orm/wire/encode.h"
#include "orm/wire/params.h"
#include "orm/write/write.h"
#include "server/read.h"

static const char *const no_members[] = {NULL};
static const char *const set_member[] = {"set", NULL};
static const char *const all_member[] = {"all", NULL};

static const struct plan_scope *scope_of(const struct request *request)
{
	return request->has_scope ? &request->scope : NULL;
}

/* -- replies --------------------------------------------------------------------- */

static void add_row(struct buf *body, const struct written *written, size_t i)
{
	encode_object(&written->layout, written->rows[i].batch, written->rows[i].row, body);
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

static struct str cell_of(const struct written *written, const struct field *field)
{
	for (size_t i = 0; i < written->layout.n; i++) {
		const struct layout_member *member = &written->layout.members[i];
		if (member->kind == LAYOUT_COLUMN && member->field == field)
			return db_cell(written->rows[0].batch, written->rows[0].row, member->column);
	}
	return (struct str){NULL, 0};
}

static void add_location(struct request *request, const struct written *written)
{
	const struct model *model = written->model;
	struct buf address = {0};

	request->reply.status = 201;
	BUF_LIT(&address, "/api/");
	add_encoded(&address, model->path);
	for (size_t i = 0; i < model->npk_fields; i++) {
		buf_add_char(&address, i == 0 ? '/' : ',');
		add_encoded(&address, cell_of(written, model->pk_fields[i]));
	}
	reply_header(request, STR("Location"), arena_str(request->arena, buf_str(&address)));
	buf_release(&address);
}

static bool reply_rows(struct request *request, const struct written *written)
{
	struct buf *body = &request->reply.body;

	request->reply.status = 201;
	BUF_LIT(body, "{\"results\":[");
	for (size_t i = 0; i < written->nrows; i++) {
		if (i)
			buf_add_char(body, ',');
		add_row(body, written, i);
		if (body->n > REPLY_CHUNK && !reply_flush(request))
			return false;
	}
	BUF_LIT(body, "]}");
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
	BUF_LIT(body, "}}");
	return true;
}

/* -- create ---------------------------------------------------------------------- */

bool change_create(struct request *request)
{
	const struct value *objects;
	struct written written;

	if (!request_value(request, no_members, &objects) ||
	    !write_create(&request->db, request->model, scope_of(request), objects, &written,
	                  &request->error))
		return false;
	if (objects->kind == VALUE_LIST)
		return reply_rows(request, &written);
	add_location(request, &written);
	add_row(&request->reply.body, &written, 0);
	return true;
}

bool change_bulk_create(struct request *request)
{
	const struct value *body;
	struct written written;

	return request_value(request, no_members, &body) &&
	       write_bulk_create(&request->db, request->model, scope_of(request), body, &written,
	                         &request->error) &&
	       reply_rows(request, &written);
}

bool change_get_or_create(struct request *request)
{
	const struct value *value;
	struct written written;
	bool is_created;

	if (!request_value(request, no_members, &value) ||
	    !write_get_or_create(&request->db, request->model, scope_of(request), value, &is_created,
	                         &written, &request->error))
		return false;
	if (is_created)
		add_location(request, &written);
	struct buf *body = &request->reply.body;
	buf_add(body, is_created ? STR("{\"created\":true,\"result\":")
	                         : STR("{\"created\":false,\"result\":"));
	add_row(body, &written, 0);
	buf_add_char(body, '}');
	return true;
}

/* -- update ---------------------------------------------------------------------- */

static bool update(struct request *request, const struct query *query, const struct value *set)
{
	uint64_t updated;

	if (!write_update(&request->db, request->model, scope_of(request), query, set, &updated,
	                  &request->error) ||
	    (!updated && !read_owner(request)))
		return false;
	BUF_LIT(&request->reply.body, "{\"updated\":");
	buf_add_int(&request->reply.body, (int64_t)updated);
	buf_add_char(&request->reply.body, '}');
	return true;
}

bool change_update(struct request *request)
{
	const struct value *body;
	const struct query *query;

	if (!request_value(request, set_member, &body) ||
	    !request_query(request, body, set_member, &query))
		return false;
	const struct value *set = value_get(body, "set");
	if (!set)
		return error_set(&request->error, ERROR_BAD_REQUEST, body->pos,
		                 "update needs \"set\": an object of fields and their new values.");
	return update(request, query, set);
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
static bool read_addressed(struct request *request, const struct query **query)
{
	const struct value *params;

	if (!params_read(request->arena, request->params, all_member, &request->settings->json, &params,
	                 &request->error))
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

	return request_value(request, no_members, &set) && read_addressed(request, &query) &&
	       update(request, query, set);
}

bool change_row(struct request *request)
{
	const struct value *set;
	struct written written;

	if (!request_value(request, no_members, &set) ||
	    !write_row(&request->db, request->model, &request->scope, set, request->method == HTTP_PUT,
	               &written, &request->error))
		return false;
	add_row(&request->reply.body, &written, 0);
	return true;
}

/* -- delete ---------------------------------------------------------------------- */

static bool delete_rows(struct request *request, const struct query *query)
{
	struct deleted deleted;

	return write_delete(&request->db, request->model, scope_of(request), query, &deleted,
	                    &request->error) &&
	       (deleted.total || read_owner(request)) && reply_deleted(request, &deleted);
}

bool change_delete(struct request *request)
{
	const struct value *body;
	const struct query *query;

	return request_value(request, no_members, &body) &&
	       request_query(request, body, no_members, &query) &&
	       delete_rows(request, query);
}

bool change_delete_all(struct request *request)
{
	const struct query *query;

	return read_addressed(request, &query) && delete_rows(request, query);
}

bool change_delete_row(struct request *request)
{
	const struct value *params;
	const struct query *query;
	struct deleted deleted;

	if (!request_value(request, no_members, &params) ||
	    !request_query(request, params, no_members, &query) ||
	    !write_delete(&request->db, request->model, &request->scope, query, &deleted,
	                  &request->error))
		return false;
	if (!deleted.total)
		return error_set_nowhere(&request->error, ERROR_DOES_NOT_EXIST,
		                         "%.*s matching query does not exist.",
		                         STR_ARG(request->model->name));
	return reply_deleted(request, &deleted);
}

/* -- related managers ------------------------------------------------------------ */

static bool change_related(struct request *request, enum related_change kind,
                           const struct value *body)
{
	struct related_changed changed;

	if (!write_related(&request->db, &request->scope, kind, body, &changed, &request->error))
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
	const struct value *body;

	return request_value(request, no_members, &body) && change_related(request, kind, body);
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
	const struct value *body;

	if (!request->body.n)
		return change_related(request, RELATED_CLEAR, NULL);
	if (!request_value(request, no_members, &body))
		return false;
	if (body->kind != VALUE_OBJECT || body->object.n)
		return error_set(&request->error, ERROR_BAD_REQUEST, body->pos,
		                 "clear takes nothing; to take some rows away, use remove.");
	return change_related(request, RELATED_CLEAR, NULL);
}
