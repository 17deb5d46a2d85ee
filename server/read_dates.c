/* dates and datetimes: the distinct moments of a field, cut to a month, a day …, as a list of scalars. */
#include "orm/fetch/fetch.h"
#include "server/accept.h"
#include "server/read.h"
#include "server/rows.h"

struct moments {
	struct request *request;
	size_t n;
};

static bool add_moments(const struct fetched *batch, void *arg, struct error *error)
{
	struct moments *moments = arg;
	struct buf *body = &moments->request->reply.body;

	(void)error; /* reply_flush sets the request's, which is the same */
	for (size_t row = 0; row < batch->rows.nrows; row++) {
		rows_add(moments->request, batch, row, moments->n++ == 0);
		if (body->n > REPLY_CHUNK && !reply_flush(moments->request))
			return false;
	}
	return true;
}

static bool read_order(struct request *request, const struct value *order, bool *is_descending)
{
	*is_descending = order != NULL && order->kind == VALUE_TEXT && str_is(order->text, "DESC");
	if (order == NULL || *is_descending ||
	    (order->kind == VALUE_TEXT && str_is(order->text, "ASC")))
		return true;
	return error_set(&request->error, ERROR_VALUE, order->pos,
	                 "'order' must be either 'ASC' or 'DESC'");
}

static bool read_members(struct request *request, const struct value *body, struct dates *dates)
{
	const char *missing = NULL;

	dates->field = value_get(body, "field");
	dates->kind = value_get(body, "kind");
	dates->tzinfo = value_get(body, "tzinfo");
	if (dates->kind == NULL)
		missing =
			dates->has_time
				? "\"kind\" is missing: year, quarter, month, week, day, hour, minute or second"
				: "\"kind\" is missing: year, quarter, month, week or day";
	if (dates->field == NULL)
		missing = "\"field\" is missing: the name of a field";
	if (missing != NULL)
		return error_set(&request->error, ERROR_BAD_REQUEST, body->pos, "%s", missing);
	return read_order(request, value_get(body, "order"), &dates->is_descending);
}

static bool answer_moments(struct request *request, bool has_time)
{
	struct moments moments = {.request = request};
	struct dates dates = {.has_time = has_time};
	const struct plan *plan;
	struct asked asked;

	if (!accept_rows(request))
		return false;
	if (!read_asked(request, &asked) || !read_members(request, asked.body, &dates) ||
	    !plan_dates(request->arena, request->model, read_scope(request), asked.query, &dates, &plan,
	                &request->error))
		return read_refused(request);
	rows_begin(request, plan, 0);
	if (!fetch_each(&request->db, plan, add_moments, &moments, &request->error) ||
	    (moments.n == 0 && !read_owner(request)))
		return false;
	rows_end(request);
	rows_close(request);
	return true;
}

bool read_dates(struct request *request)
{
	return answer_moments(request, false);
}

bool read_datetimes(struct request *request)
{
	return answer_moments(request, true);
}
