/* The reading methods that answer rows: query, get, first, last, earliest, latest, and one row by its key.
 *
 * From the request to the plan, through fetch into the reply; a list without a limit is sent while it is
 * read.  Nothing of SQL or of libmicrohttpd is seen here.
 */
#include "server/read.h"

#include "orm/fetch/fetch.h"
#include "orm/fetch/key_lookup.h"
#include "orm/sql/explain.h"
#include "orm/wire/params.h"
#include "server/accept.h"
#include "server/rows.h"
#include "server/single_flight.h"

/* ---- shared ---- */

const struct plan_scope *read_scope(const struct request *request)
{
	return request->has_scope ? &request->scope : NULL;
}

bool read_nothing(struct request *request, const struct model *model)
{
	return error_set_nowhere(&request->error, ERROR_DOES_NOT_EXIST,
	                         "%.*s matching query does not exist.", STR_ARG(model->name));
}

/* Whether the text of an address can be a primary key of the model at all. */
static bool can_be_key(struct request *request, const struct model *model, const struct value *key)
{
	struct error unused;
	struct str text;

	if (key == NULL)
		return true;
	error_init(&unused, request->arena);
	if (model->pk != NULL)
		return field_parse(model->pk, key, request->arena, &text, &unused);
	if (key->list.n != model->npk_fields)
		return false;
	for (size_t i = 0; i < model->npk_fields; i++)
		if (!field_parse(model->pk_fields[i], &key->list.items[i], request->arena, &text, &unused))
			return false;
	return true;
}

static const struct model *owner_of(const struct plan_scope *scope)
{
	return scope->relation == NULL ? NULL : relation_end(scope->relation, !scope->is_reverse);
}

static bool no_such_row(struct request *request, const struct model *model)
{
	struct str *names = ARENA_ARRAY(request->arena, struct str, methods_count);
	const struct value *key = request->scope.pk;

	error_clear(&request->error);
	for (size_t i = 0; i < methods_count; i++)
		names[i] = str_of(methods[i].name);
	read_nothing(request, model);
	if (key != NULL && key->kind == VALUE_TEXT)
		request->error.suggestion = suggest_nearest(key->text, names, methods_count);
	return false;
}

static void suggest_parameter(struct request *request)
{
	struct error *error = &request->error;
	const struct pos *pos = error->pos;

	if (error->kind == ERROR_FIELD && pos != NULL && pos->is_parameter &&
	    error->suggestion.p == NULL)
		error->suggestion = params_suggest(pos->key, read_own_members(request));
}

bool read_refused(struct request *request)
{
	const struct model *owner = owner_of(&request->scope);

	if (owner != NULL && !can_be_key(request, owner, request->scope.owner))
		return no_such_row(request, owner);
	if (!can_be_key(request, request->model, request->scope.pk))
		return no_such_row(request, request->model);
	suggest_parameter(request);
	return false;
}

static const struct clause everything;
static const struct query all_rows = {.clauses = &everything, .nclauses = 1};

bool read_owner(struct request *request)
{
	const struct model *owner = owner_of(&request->scope);
	const struct plan_scope scope = {.pk = request->scope.owner};
	struct statement statement;
	struct db_rows rows;

	if (owner == NULL)
		return true;
	if (!plan_exists(request->arena, owner, &scope, &all_rows, &statement, &request->error) ||
	    !db_query(&request->db, &statement, true, &rows, &request->error))
		return false;
	if (rows.nrows > 0 && str_is(db_cell(&rows, 0, 0), "t"))
		return true;
	return read_nothing(request, owner);
}

/* ---- a list of rows ---- */

/* A list on its way into the reply. */
struct listing {
	struct request *request;
	const struct plan *plan;
	size_t rows;
	size_t most; /* rows that settings allow; 0: any number */
	bool is_truncated;
	struct str *place; /* of the last row that may be sent, where a cursor can go on from it */
};

static void keep_place(struct listing *listing, const struct fetched *batch, size_t row)
{
	struct arena *arena = listing->request->arena;
	const struct page *page = listing->plan->page;

	if (page == NULL)
		return;
	listing->place = ARENA_ARRAY(arena, struct str, page->ncolumns);
	for (size_t i = 0; i < page->ncolumns; i++) {
		struct str cell = db_cell(&batch->rows, row, page->columns[i]);

		listing->place[i] = cell.p == NULL ? cell : arena_str(arena, cell);
	}
}

static void add_cut(struct listing *listing)
{
	struct request *request = listing->request;
	const struct page *page = listing->plan->page;

	rows_truncated(request);
	if (page == NULL)
		return;
	struct str cursor = cursor_write(request->arena, &page->seal, listing->place, page->ncolumns);

	if (rows_cursor_fits(request, cursor))
		rows_cursor(request, "next", cursor);
}

static bool add_rows(const struct fetched *batch, void *arg, struct error *error)
{
	struct listing *listing = arg;
	struct buf *body = &listing->request->reply.body;

	(void)error; /* reply_flush sets the request's, which is the same */
	for (size_t row = 0; row < batch->rows.nrows; row++) {
		if (listing->most != 0 && listing->rows == listing->most) {
			listing->is_truncated = true;
			return true;
		}
		rows_add(listing->request, batch, row, listing->rows++ == 0);
		if (listing->rows == listing->most)
			keep_place(listing, batch, row);
		if (body->n > REPLY_CHUNK && !reply_flush(listing->request))
			return false;
	}
	return true;
}

/* The number of rows that the planner of PostgreSQL expects. */
static bool read_estimate(struct request *request, struct str text, int64_t *count)
{
	static const struct json_limits limits = {1 << 24, 1000, 1000000};
	const struct value *document, *rows = NULL;

	if (!json_read(request->arena, text, &limits, &document, &request->error))
		return false;
	if (document->kind == VALUE_LIST && document->list.n > 0)
		rows = value_get(value_get(&document->list.items[0], "Plan"), "Plan Rows");
	if (rows == NULL || (rows->kind != VALUE_INT && rows->kind != VALUE_REAL))
		return error_set_nowhere(&request->error, ERROR_INTERNAL,
		                         "The database's estimate cannot be read.");
	*count = rows->kind == VALUE_INT ? rows->integer : (int64_t)rows->real;
	return true;
}

bool read_count_statement(struct request *request, const struct plan *plan,
                          struct statement *statement)
{
	if (plan->count == COUNT_NONE || plan->count_statement.sql.n == 0)
		return false;
	*statement = plan->count_statement;
	if (plan->count == COUNT_ESTIMATED)
		explain_as_json(request->arena, &plan->count_statement, statement);
	return true;
}

bool read_add_count(struct request *request, const struct plan *plan, const struct db_rows *rows)
{
	static const char *const kinds[] = {"exact", "exact", "estimated", "exact"};
	const char *kind = kinds[plan->count];
	struct str text = rows->nrows > 0 ? db_cell(rows, 0, 0) : STR("0");
	int64_t count = 0;

	if (plan->count == COUNT_NONE)
		return true;
	if (plan->count == COUNT_ESTIMATED && rows->nrows > 0) {
		if (!read_estimate(request, text, &count))
			return false;
	} else if (!str_to_int(text, &count)) {
		BUG("a count is %.*s", STR_ARG(text));
	}
	if (plan->count == COUNT_CAPPED && count > plan->count_cap) {
		count = plan->count_cap;
		kind = "at_least";
	}
	rows_count(request, count, kind);
	return true;
}

/* A page: its rows and its total in one flush. */
static bool list_page(struct listing *listing, const struct statement *count, struct db_rows *rows)
{
	struct request *request = listing->request;
	struct fetched *fetched;

	return fetch_all_beside(&request->db, listing->plan, count, &fetched, rows, &request->error) &&
	       (!rows_have_headers(request) || read_add_count(request, listing->plan, rows)) &&
	       add_rows(fetched, listing, &request->error);
}

static bool list_rows(struct listing *listing)
{
	struct request *request = listing->request;

	return fetch_each(&request->db, listing->plan, add_rows, listing, &request->error);
}

/* The total of rows that are sent as they come is asked for before them. */
static bool count_first(struct listing *listing, const struct statement *statement, struct db_rows *count)
{
	struct request *request = listing->request;

	return db_query(&request->db, statement, true, count, &request->error) &&
	       (!rows_have_headers(request) || read_add_count(request, listing->plan, count));
}

static bool list(struct listing *listing)
{
	struct request *request = listing->request;
	const struct plan *plan = listing->plan;
	struct db_rows count = {0};
	struct statement statement;
	bool has_count = read_count_statement(request, plan, &statement);

	rows_begin(request, plan, listing->most);
	if (has_count && (plan->has_limit || plan->is_empty)) {
		if (!list_page(listing, &statement, &count))
			return false;
	} else if ((has_count && !count_first(listing, &statement, &count)) || !list_rows(listing)) {
		return false;
	}
	if (listing->rows == 0 && !read_owner(request))
		return false;
	rows_end(request);
	if (!rows_have_headers(request) && !read_add_count(request, plan, &count))
		return false;
	if (listing->is_truncated)
		add_cut(listing);
	rows_close(request);
	return true;
}

static bool plan_list(struct request *request, const struct asked *asked, struct answer_plan *plan)
{
	unsigned most = request->settings->max_rows;
	struct str secret = str_of(request->settings->secret);

	plan->is_page = query_has_cursor(asked->query);
	if (plan->is_page)
		return plan_page(request->arena, request->model, read_scope(request), asked->query, secret, most,
		                 &plan->plan, &request->error);
	if (most == 0)
		return plan_query(request->arena, request->model, read_scope(request), asked->query, &plan->plan,
		                  &request->error);
	return plan_capped(request->arena, request->model, read_scope(request), asked->query, secret, most,
	                   &plan->plan, &request->error);
}

bool read_query(struct request *request)
{
	struct listing listing = {.request = request, .most = request->settings->max_rows};
	struct answer_plan plan;

	if (!accept_rows(request) || !read_plan(request, plan_list, &plan))
		return false;
	if (plan.is_page)
		return read_page(request, plan.plan);
	listing.plan = plan.plan;
	return list(&listing);
}

/* ---- one row ---- */

static bool answer_row(struct request *request, const struct plan *plan, struct fetched **fetched)
{
	if (!fetch_all(&request->db, plan, fetched, &request->error))
		return false;
	if ((*fetched)->rows.nrows > 0) {
		rows_one(request, *fetched, 0);
		return true;
	}
	return read_owner(request);
}

static bool plan_get(struct request *request, const struct asked *asked, struct answer_plan *plan)
{
	return plan_pick(request->arena, request->model, read_scope(request), asked->query, PLAN_GET, &plan->plan,
	                 &request->error);
}

/* Django's get(): exactly one. */
static bool answer_the_row(struct request *request)
{
	struct answer_plan plan;
	struct fetched *fetched;
	size_t n;

	if (!accept_rows(request) || !read_plan(request, plan_get, &plan) || !answer_row(request, plan.plan, &fetched))
		return false;
	n = fetched->rows.nrows;
	if (n == 1)
		return true;
	if (n == 0)
		return read_nothing(request, request->model);
	if (n > 20)
		return error_set_nowhere(&request->error, ERROR_MULTIPLE,
		                         "get() returned more than one %.*s -- it returned more than 20!",
		                         STR_ARG(request->model->name));
	return error_set_nowhere(&request->error, ERROR_MULTIPLE,
	                         "get() returned more than one %.*s -- it returned %zu!",
	                         STR_ARG(request->model->name), n);
}

/* The hot path, a key and nothing else: sent together with those that wait at the same time. */
static bool answer_by_key(struct request *request)
{
	const struct fetched *fetched;
	size_t row;

	if (!accept_rows(request))
		return false;
	/* What is sent together is no part of a transaction, and goes to the first database. */
	if (request->scope.relation != NULL || request->db.tx != NULL ||
	    request->db.db != request->dbs[0] || !key_lookup_fits(request->model))
		return answer_the_row(request);
	if (!key_lookup(request->lookups, &request->db, request->model, request->scope.pk, &fetched,
	                &row, &request->error))
		return read_refused(request);
	if (fetched == NULL)
		return read_nothing(request, request->model);
	rows_one(request, fetched, row);
	return true;
}

bool read_row(struct request *request)
{
	return request->params.n == 0 && request->value == NULL ? answer_by_key(request)
	                                                        : answer_the_row(request);
}

bool read_get(struct request *request)
{
	return answer_the_row(request);
}

static bool plan_first(struct request *request, const struct asked *asked, struct answer_plan *plan)
{
	return plan_pick(request->arena, request->model, read_scope(request), asked->query, PLAN_FIRST,
	                 &plan->plan, &request->error);
}

static bool plan_last(struct request *request, const struct asked *asked, struct answer_plan *plan)
{
	return plan_pick(request->arena, request->model, read_scope(request), asked->query, PLAN_LAST,
	                 &plan->plan, &request->error);
}

static bool answer_first(struct request *request, planner_fn *planner)
{
	struct answer_plan plan;
	struct fetched *fetched;

	if (!accept_rows(request) || !read_plan(request, planner, &plan) || !answer_row(request, plan.plan, &fetched))
		return false;
	if (fetched->rows.nrows == 0)
		rows_none(request, plan.plan);
	return true;
}

bool read_first(struct request *request)
{
	return answer_first(request, plan_first);
}

bool read_last(struct request *request)
{
	return answer_first(request, plan_last);
}

/* The fields' names as a list, also where a query string gave just one. */
static const struct value *list_of(struct request *request, const struct value *value)
{
	struct value *list;

	if (value == NULL || value->kind != VALUE_TEXT || !value->is_loose)
		return value;
	list = ARENA_NEW(request->arena, struct value);
	*list = (struct value){.kind = VALUE_LIST, .pos = value->pos, .list = {.items = value, .n = 1}};
	return list;
}

static bool answer_latest(struct request *request, bool is_latest)
{
	const struct value *fields;
	const struct plan *plan;
	struct fetched *fetched;
	struct asked asked;

	if (!accept_rows(request))
		return false;
	if (!read_asked(request, &asked))
		return read_refused(request);
	fields = list_of(request, value_get(asked.body, "fields"));
	if (!plan_latest(request->arena, request->model, read_scope(request), asked.query, fields,
	                 is_latest, &plan, &request->error))
		return read_refused(request);
	if (read_is_random(plan))
		flight_dissolve(request);
	if (!answer_row(request, plan, &fetched))
		return false;
	return fetched->rows.nrows > 0 || read_nothing(request, request->model);
}

bool read_earliest(struct request *request)
{
	return answer_latest(request, false);
}

bool read_latest(struct request *request)
{
	return answer_latest(request, true);
}
