/* A page by cursor: its rows in the query's order, and the cursors of the pages beside it. */
#include "orm/fetch/fetch.h"
#include "server/read.h"
#include "server/rows.h"

/* The rows that were fetched, without the one that shows that there are more. */
struct paged {
	const struct plan *plan;
	const struct fetched *fetched;
	size_t n;
	bool has_more;
};

/* Row i of the page, by its number among the fetched ones. */
static size_t row_at(const struct paged *paged, size_t i)
{
	return paged->plan->page->is_backwards ? paged->n - 1 - i : i;
}

static bool add_rows(struct request *request, const struct paged *paged)
{
	struct buf *body = &request->reply.body;

	for (size_t i = 0; i < paged->n; i++) {
		rows_add(request, paged->fetched, row_at(paged, i), i == 0);
		if (body->n > REPLY_CHUNK && !reply_flush(request))
			return false;
	}
	return true;
}

/* The place of row i; behind an empty page the end that it was sought from. */
static bool add_cursor(struct request *request, const struct paged *paged, const char *name, size_t i)
{
	const struct page *page = paged->plan->page;
	struct str *values = ARENA_ARRAY(request->arena, struct str, page->ncolumns);
	size_t n = paged->n == 0 ? 0 : page->ncolumns;

	for (size_t k = 0; k < n; k++)
		values[k] = db_cell(&paged->fetched->rows, row_at(paged, i), page->columns[k]);
	struct str cursor = cursor_write(request->arena, &page->seal, values, n);

	if (!rows_cursor_fits(request, cursor))
		return error_set_nowhere(&request->error, ERROR_VALUE,
		                         "The cursor of the %s page has %zu bytes, since it holds the values that the rows are "
		                         "ordered by; a header has room for %d. Order by something shorter, or ask for JSON.",
		                         name, cursor.n, ROWS_CURSOR_MOST);
	rows_cursor(request, name, cursor);
	return true;
}

/* In the direction of reading there is a page where there was a row too many; in the other one where we came
 * from. */
static bool add_cursors(struct request *request, const struct paged *paged)
{
	const struct page *page = paged->plan->page;

	if (!(page->is_backwards ? page->has_place : paged->has_more))
		rows_cursor(request, "next", (struct str){0});
	else if (!add_cursor(request, paged, "next", paged->n - 1))
		return false;
	if (!(page->is_backwards ? paged->has_more : page->has_place))
		rows_cursor(request, "previous", (struct str){0});
	else if (!add_cursor(request, paged, "previous", 0))
		return false;
	return true;
}

static bool add_beside(struct request *request, const struct paged *paged, const struct db_rows *count)
{
	return read_add_count(request, paged->plan, count) && add_cursors(request, paged);
}

static bool fetch_page(struct request *request, const struct plan *plan, struct fetched **fetched,
                       struct db_rows *count)
{
	struct statement statement;

	return read_count_statement(request, plan, &statement)
	           ? fetch_all_beside(&request->db, plan, &statement, fetched, count, &request->error)
	           : fetch_all(&request->db, plan, fetched, &request->error);
}

bool read_page(struct request *request, const struct plan *plan)
{
	struct db_rows count = {0};
	struct paged paged = {.plan = plan};
	struct fetched *fetched;

	if (!fetch_page(request, paged.plan, &fetched, &count))
		return false;
	paged.fetched = fetched;
	paged.n = fetched->rows.nrows;
	paged.has_more = paged.n > paged.plan->page->rows;
	if (paged.has_more)
		paged.n = paged.plan->page->rows;
	if (paged.n == 0 && !read_owner(request))
		return false;
	rows_begin(request, plan, 0);
	if (rows_have_headers(request))
		return add_beside(request, &paged, &count) && add_rows(request, &paged);
	if (!add_rows(request, &paged))
		return false;
	rows_end(request);
	if (!add_beside(request, &paged, &count))
		return false;
	rows_close(request);
	return true;
}
