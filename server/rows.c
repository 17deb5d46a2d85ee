/* See rows.h. */
#include "server/rows.h"

#include "orm/wire/encode.h"
#include "orm/wire/encode_csv.h"

bool rows_have_headers(const struct request *request)
{
	return request->form == FORM_NDJSON || request->form == FORM_CSV;
}

/* ---- rows ---- */

static void add_row(struct request *request, const struct fetched *fetched, size_t row)
{
	struct buf *body = &request->reply.body;

	switch (request->form) {
	case FORM_UNJUDGED:
	case FORM_JSON:
		encode_row(fetched, row, body);
		return;
	case FORM_NDJSON:
		encode_ndjson_row(fetched, row, body);
		return;
	case FORM_CSV:
		encode_csv_row(fetched, row, body);
		return;
	}
	BUG("an answer's form %d", (int)request->form);
}

void rows_begin(struct request *request, const struct plan *plan, size_t most)
{
	struct buf *body = &request->reply.body;

	if (rows_have_headers(request) && most != 0)
		reply_header(request, STR("X-Max-Rows"), arena_printf(request->arena, "%zu", most));
	if (request->form == FORM_CSV)
		encode_csv_header(&plan->layout, body);
	else if (request->form != FORM_NDJSON)
		BUF_LIT(body, "{\"results\":[");
}

void rows_add(struct request *request, const struct fetched *fetched, size_t row, bool is_first)
{
	if (!is_first && !rows_have_headers(request))
		buf_add_char(&request->reply.body, ',');
	add_row(request, fetched, row);
}

void rows_end(struct request *request)
{
	if (!rows_have_headers(request))
		buf_add_char(&request->reply.body, ']');
}

void rows_close(struct request *request)
{
	if (!rows_have_headers(request))
		buf_add_char(&request->reply.body, '}');
}

void rows_one(struct request *request, const struct fetched *fetched, size_t row)
{
	if (request->form == FORM_CSV)
		encode_csv_header(&fetched->plan->layout, &request->reply.body);
	add_row(request, fetched, row);
}

void rows_none(struct request *request, const struct plan *plan)
{
	if (request->form == FORM_CSV)
		encode_csv_header(&plan->layout, &request->reply.body);
	else if (request->form != FORM_NDJSON)
		BUF_LIT(&request->reply.body, "null");
}

/* ---- beside them ---- */

void rows_count(struct request *request, int64_t count, const char *kind)
{
	struct buf *body = &request->reply.body;

	if (rows_have_headers(request)) {
		reply_header(request, STR("X-Total-Count"), arena_printf(request->arena, "%lld", (long long)count));
		reply_header(request, STR("X-Total-Count-Kind"), str_of(kind));
		return;
	}
	BUF_LIT(body, ",\"count\":{\"value\":");
	buf_add_int(body, count);
	BUF_LIT(body, ",\"kind\":\"");
	buf_add(body, str_of(kind));
	BUF_LIT(body, "\"}");
}

/* Whether a parameter of the query string is one of the two that say where a page begins. */
static bool is_place(struct str parameter)
{
	struct str name = str_cut(&parameter, STR("="));

	return str_is(name, "after") || str_is(name, "before");
}

/* The address asked, with another place to go on from; cursors need no percent-encoding. */
static struct str address_at(struct request *request, struct str parameter, struct str cursor)
{
	struct str address = arena_concat(request->arena, request->path, STR("?"));
	struct str rest = request->params;

	while (rest.n > 0) {
		struct str given = str_cut(&rest, STR("&"));

		if (given.n > 0 && !is_place(given))
			address = arena_printf(request->arena, "%.*s%.*s&", STR_ARG(address), STR_ARG(given));
	}
	return arena_printf(request->arena, "%.*s%.*s=%.*s", STR_ARG(address), STR_ARG(parameter), STR_ARG(cursor));
}

/* A target between angle brackets has none of its own. */
static struct str target_of(struct arena *arena, struct str address)
{
	char *target = arena_alloc(arena, 3 * address.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < address.n; i++) {
		char c = address.p[i];

		target[n++] = c == '<' || c == '>' || c == '"' ? '%' : c;
		if (c == '<' || c == '>' || c == '"') {
			target[n++] = c == '"' ? '2' : '3';
			target[n++] = c == '"' ? '2' : c == '<' ? 'C' : 'E';
		}
	}
	return (struct str){target, n};
}

/* Of an address and the cursor in it.  With more the reply's head would not find room beside the request's: what
 * POOL_EXTRA of http.c leaves when the library has listed the most fields is 4.5 KiB, for two of these and 0.7 KiB. */
#define LINK_MOST 1792

bool rows_cursor_fits(const struct request *request, struct str cursor)
{
	return !rows_have_headers(request) || cursor.n <= ROWS_CURSOR_MOST;
}

static void add_cursor_header(struct request *request, bool is_next, struct str cursor)
{
	struct str address;

	reply_header(request, is_next ? STR("X-Next-Cursor") : STR("X-Previous-Cursor"), cursor);
	if (request->method != HTTP_GET && request->method != HTTP_HEAD)
		return;
	address = address_at(request, is_next ? STR("after") : STR("before"), cursor);
	address = target_of(request->arena, address);
	if (address.n + cursor.n > LINK_MOST)
		return;
	reply_header(request, STR("Link"),
	             arena_printf(request->arena, "<%.*s>; rel=\"%s\"", STR_ARG(address), is_next ? "next" : "prev"));
}

void rows_cursor(struct request *request, const char *name, struct str cursor)
{
	struct buf *body = &request->reply.body;

	if (rows_have_headers(request)) {
		if (cursor.p != NULL)
			add_cursor_header(request, name[0] == 'n', cursor);
		return;
	}
	BUF_LIT(body, ",\"");
	buf_add(body, str_of(name));
	BUF_LIT(body, "\":");
	if (cursor.p == NULL)
		BUF_LIT(body, "null");
	else
		buf_add_json(body, cursor);
}

void rows_truncated(struct request *request)
{
	if (rows_have_headers(request))
		reply_header(request, STR("X-Truncated"), STR("true"));
	else
		BUF_LIT(&request->reply.body, ",\"truncated\":true");
}
