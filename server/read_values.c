/* The reading methods that answer a value or a map: count, exists, aggregate, in_bulk. */
#include "orm/fetch/fetch.h"
#include "orm/wire/encode.h"
#include "server/read.h"
#include "server/single_flight.h"

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

static bool plan_the_count(struct request *request, const struct asked *asked, struct answer_plan *plan)
{
	return plan_count(request->arena, request->model, read_scope(request), asked->query, &plan->statement,
	                  &request->error);
}

bool read_count(struct request *request)
{
	struct answer_plan plan;
	struct str count;

	if (!read_plan(request, plan_the_count, &plan) || !ask_one(request, &plan.statement, &count))
		return false;
	if (str_is(count, "0") && !read_owner(request))
		return false;
	buf_printf(&request->reply.body, "{\"count\":%.*s}", STR_ARG(count));
	return true;
}

static bool plan_existence(struct request *request, const struct asked *asked, struct answer_plan *plan)
{
	return plan_exists(request->arena, request->model, read_scope(request), asked->query, &plan->statement,
	                   &request->error);
}

bool read_exists(struct request *request)
{
	struct answer_plan plan;
	struct str exists;

	if (!read_plan(request, plan_existence, &plan) || !ask_one(request, &plan.statement, &exists))
		return false;
	if (str_is(exists, "f") && !read_owner(request))
		return false;
	buf_printf(&request->reply.body, "{\"exists\":%s}", str_is(exists, "t") ? "true" : "false");
	return true;
}

/* Nothing counted and nothing found: perhaps there are no rows. */
static bool is_about_nothing(const struct db_rows *rows)
{
	for (size_t i = 0; i < rows->ncolumns; i++) {
		struct str cell = db_cell(rows, 0, i);

		if (cell.p != NULL && !str_is(cell, "0"))
			return false;
	}
	return true;
}

static bool plan_aggregates(struct request *request, const struct asked *asked, struct answer_plan *plan)
{
	const struct value *member = value_get(asked->body, "aggregate");
	const struct named_expr *aggregates;
	struct aggregate_plan aggregate;
	size_t n;

	if (member == NULL)
		return error_set(&request->error, ERROR_BAD_REQUEST, asked->body->pos,
		                 "\"aggregate\" is missing: {name: expression}");
	if (!decode_named_exprs(request->arena, member, &aggregates, &n, &request->error) ||
	    !plan_aggregate(request->arena, request->model, read_scope(request), asked->query, aggregates, n,
	                    &aggregate, &request->error))
		return false;
	plan->statement = aggregate.statement;
	plan->layout = aggregate.layout;
	return true;
}

bool read_aggregate(struct request *request)
{
	struct answer_plan plan;
	struct db_rows rows;

	if (!read_plan(request, plan_aggregates, &plan) ||
	    !db_query(&request->db, &plan.statement, true, &rows, &request->error) ||
	    (is_about_nothing(&rows) && !read_owner(request)))
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
		return error_set(&request->error, ERROR_VALUE, value->pos,
		                 "expected an array of keys, got %s", value_kind_name(value->kind));
	list = ARENA_NEW(request->arena, struct value);
	*list = (struct value){.kind = VALUE_LIST, .pos = value->pos, .list = {.items = value, .n = 1}};
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

struct bulk {
	struct request *request;
	const struct field *key_field;
	unsigned key_column;
	size_t rows;
	size_t most; /* rows that settings allow; 0: any number */
	bool is_truncated;
};

static bool add_pairs(const struct fetched *batch, void *arg, struct error *error)
{
	struct bulk *bulk = arg;
	struct buf *body = &bulk->request->reply.body;

	(void)error; /* reply_flush sets the request's, which is the same */
	for (size_t row = 0; row < batch->rows.nrows; row++) {
		if (bulk->most != 0 && bulk->rows == bulk->most) {
			bulk->is_truncated = true;
			return true;
		}
		if (bulk->rows++ > 0)
			buf_add_char(body, ',');
		add_key(bulk->key_field, db_cell(&batch->rows, row, bulk->key_column), body);
		encode_row(batch, row, body);
		if (body->n > REPLY_CHUNK && !reply_flush(bulk->request))
			return false;
	}
	return true;
}

/* With ids there are at most as many rows; without, all of the table's. */
static bool add_bulk(struct bulk *bulk, const struct plan *plan, bool has_ids)
{
	struct request *request = bulk->request;
	struct fetched *fetched;

	if (!has_ids)
		return fetch_each(&request->db, plan, add_pairs, bulk, &request->error);
	return fetch_all(&request->db, plan, &fetched, &request->error) &&
	       add_pairs(fetched, bulk, &request->error);
}

bool read_in_bulk(struct request *request)
{
	struct bulk bulk = {.request = request, .most = request->settings->max_rows};
	const struct value *ids, *field_name;
	const struct plan *plan;
	struct asked asked;

	if (!read_asked(request, &asked) || !read_ids(request, asked.body, &ids))
		return read_refused(request);
	field_name = value_get(asked.body, "field_name");
	if (!plan_in_bulk(request->arena, request->model, read_scope(request), asked.query, ids,
	                  field_name, &plan, &bulk.key_column, &request->error))
		return read_refused(request);
	if (read_is_random(plan))
		flight_dissolve(request);
	bulk.key_field = key_field(request->model, field_name);
	BUF_LIT(&request->reply.body, "{\"results\":{");
	if (!add_bulk(&bulk, plan, ids != NULL))
		return false;
	if (bulk.rows == 0 && !read_owner(request))
		return false;
	buf_add_char(&request->reply.body, '}');
	if (bulk.is_truncated)
		BUF_LIT(&request->reply.body, ",\"truncated\":true");
	buf_add_char(&request->reply.body, '}');
	return true;
}
