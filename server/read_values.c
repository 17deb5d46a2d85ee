/* The reading methods that answer a value or a map: count, exists, aggregate, in_bulk. */
#include "orm/fetch/fetch.h"
#include "orm/wire/encode.h"
#include "server/read.h"

/* Runs a statement of one row and one column. */
static bool ask_one(struct request *request, const struct statement *statement, struct str *cell)
{
	struct db_rows rows;

	if (!db_query(&request->db, statement, true, &rows, &request->error))
		return false;
	ASSERT(rows.nrows == 1 && rows.ncolumns >= 1);
	*cell = db_cell(&rows, 0, 0);
	return true;
}

bool read_count(struct request *request)
{
	struct statement statement;
	struct asked asked;
	struct str count;

	if (!read_asked(request, &asked) ||
	    !plan_count(request->arena, request->model, read_scope(request), asked.query, &statement,
	                &request->error))
		return read_refused(request);
	if (!ask_one(request, &statement, &count))
		return false;
	if (str_is(count, "0") && !read_owner(request))
		return false;
	buf_printf(&request->reply.body, "{\"count\":%.*s}", STR_ARG(count));
	return true;
}

bool read_exists(struct request *request)
{
	struct statement statement;
	struct asked asked;
	struct str exists;

	if (!read_asked(request, &asked) ||
	    !plan_exists(request->arena, request->model, read_scope(request), asked.query, &statement,
	                 &request->error))
		return read_refused(request);
	if (!ask_one(request, &statement, &exists))
		return false;
	if (str_is(exists, "f") && !read_owner(request))
		return false;
	buf_printf(&request->reply.body, "{\"exists\":%s}", str_is(exists, "t") ? "true" : "false");
	return true;
}

bool read_aggregate(struct request *request)
{
	const struct named_expr *aggregates;
	const struct value *member;
	struct aggregate_plan plan;
	struct db_rows rows;
	struct asked asked;
	size_t n;

	if (!read_asked(request, &asked))
		return read_refused(request);
	member = value_get(asked.body, "aggregate");
	if (member == NULL)
		return error_set(&request->error, ERROR_BAD_REQUEST, asked.body->pos,
		                 "\"aggregate\" is missing: {name: expression}");
	if (!decode_named_exprs(request->arena, member, &aggregates, &n, &request->error) ||
	    !plan_aggregate(request->arena, request->model, read_scope(request), asked.query, aggregates,
	                    n, &plan, &request->error))
		return read_refused(request);
	if (!db_query(&request->db, &plan.statement, true, &rows, &request->error))
		return false;
	encode_object(&plan.layout, &rows, 0, &request->reply.body);
	return true;
}

/* ---- in_bulk ---- */

static bool read_ids(struct request *request, const struct value *body, const struct value **ids)
{
	const struct value *value = value_get(body, "ids");
	struct value *list;

	*ids = value;
	if (value == NULL || value->kind == VALUE_LIST)
		return true;
	if (value->kind != VALUE_TEXT || !value->is_loose)
		return error_set(&request->error, ERROR_VALUE, value->pos, "expected an array of keys, got %s",
		                 value_kind_name(value->kind));
	list = ARENA_NEW(request->arena, struct value);
	*list = (struct value){
	    .kind = VALUE_LIST, .pos = value->pos, .list = {.items = value, .n = 1}};
	*ids = list;
	return true;
}

/* A key as a member's name: its JSON form, in quotes when it is not a string. */
static void add_key(const struct field *field, struct str text, struct buf *out)
{
	size_t from = out->n;

	encode_cell(field, text, out);
	if (out->p[from] != '"') {
		out->n = from;
		buf_add_json(out, text);
	}
	buf_add_char(out, ':');
}

static const struct field *key_field(const struct model *model, const struct value *field_name)
{
	const struct field *field = NULL;

	if (field_name != NULL && field_name->kind == VALUE_TEXT)
		field = model_field(model, field_name->text);
	if (field == NULL)
		field = model->pk;
	return field == NULL ? field_of_type("TextField") : field;
}

bool read_in_bulk(struct request *request)
{
	const struct value *ids, *field_name;
	struct buf *body = &request->reply.body;
	struct fetched *fetched;
	const struct plan *plan;
	struct asked asked;
	unsigned key_column;

	if (!read_asked(request, &asked) || !read_ids(request, asked.body, &ids))
		return read_refused(request);
	field_name = value_get(asked.body, "field_name");
	if (!plan_in_bulk(request->arena, request->model, read_scope(request), asked.query, ids,
	                  field_name, &plan, &key_column, &request->error))
		return read_refused(request);
	if (!fetch_all(&request->db, plan, &fetched, &request->error))
		return false;
	if (fetched->rows.nrows == 0 && !read_owner(request))
		return false;
	BUF_LIT(body, "{\"results\":{");
	for (size_t row = 0; row < fetched->rows.nrows; row++) {
		if (row > 0)
			buf_add_char(body, ',');
		add_key(key_field(request->model, field_name), db_cell(&fetched->rows, row, key_column), body);
		encode_row(fetched, row, body);
	}
	BUF_LIT(body, "}}");
	return true;
}
