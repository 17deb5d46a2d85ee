/* A page by cursor: the rows behind (after) or before a place in the query's ordering.
 *
 * The query is resolved twice: without cursor and limit, which gives the statement that cursors are sealed to, and
 * with them.  One row more than the page is asked for, to know whether there is another page.
 */
#include "orm/sql/cursor.h"
#include "orm/sql/level.h"

/* What the clauses say of it. */
struct paging {
	struct query query; /* without cursor and limit */
	enum cursor_kind kind;
	struct str text;
	const struct pos *pos;
	int64_t rows;
};

bool query_has_cursor(const struct query *query)
{
	for (size_t i = 0; i < query->nclauses; i++)
		if (query->clauses[i].cursor != CURSOR_NONE)
			return true;
	return false;
}

static bool read_limit(struct paging *paging, const struct clause *clause, int64_t most,
                       struct error *error)
{
	int64_t cap = most > 0 && most < PAGE_ROWS_MOST ? most : PAGE_ROWS_MOST;

	paging->rows = clause->has_limit ? clause->limit : PAGE_ROWS_DEFAULT;
	if (paging->rows < 1 || (most == 0 && paging->rows > PAGE_ROWS_MOST))
		return error_set(error, ERROR_VALUE, clause->limit_pos,
		                 "With after or before \"limit\" is the rows of a page, 1 to %d (%d when "
		                 "it is not said)",
		                 PAGE_ROWS_MOST, PAGE_ROWS_DEFAULT);
	if (paging->rows > cap)
		paging->rows = cap;
	return true;
}

/* The cursor stands in the last link of the chain and is the only slice. */
static bool read_paging(struct arena *arena, const struct query *query, int64_t most,
                        struct paging *paging, struct error *error)
{
	size_t last = query->nclauses - 1;
	struct clause *clauses = ARENA_ARRAY(arena, struct clause, query->nclauses);

	copy_bytes(clauses, query->clauses, query->nclauses * sizeof *clauses);
	for (size_t i = 0; i < query->nclauses; i++) {
		const struct clause *clause = &clauses[i];

		if (i < last && clause->cursor != CURSOR_NONE)
			return error_set(error, ERROR_TYPE, clause->cursor_pos,
			                 "after and before stand in the last object of a chain");
		if (clause->offset > 0)
			return error_set(
				error, ERROR_TYPE, clause->offset_pos,
				"\"offset\" does not go with after and before: the cursor is the place");
		if (i < last && clause->has_limit)
			return error_set(
				error, ERROR_TYPE, clause->limit_pos,
				"after and before page a whole query: \"limit\" stands beside them alone");
	}
	*paging = (struct paging){.query = *query,
	                          .kind = clauses[last].cursor,
	                          .text = clauses[last].cursor_text,
	                          .pos = clauses[last].cursor_pos};
	if (!read_limit(paging, &clauses[last], most, error))
		return false;
	clauses[last].cursor = CURSOR_NONE;
	clauses[last].has_limit = false;
	paging->query.clauses = clauses;
	return true;
}

static void write_statement(const struct resolved *q, struct statement *statement)
{
	struct emit e;

	level_emit(q, &e);
	emit_select(&e, q->select);
	sql_finish(&e.sql, q->select->columns.n, statement);
	level_zone(q, statement);
}

/* The statement of all rows, forwards. */
static bool seal_query(struct arena *arena, const struct model *model,
                       const struct plan_scope *address, const struct paging *paging,
                       struct str secret, struct cursor_seal *seal, struct error *error)
{
	struct statement statement;
	struct keyset keyset;
	struct resolver r;
	struct resolved q;

	if (!level_start(arena, model, address, &paging->query, &r, &q, error) ||
	    !resolve_columns(&q) || !resolve_keyset(&q, paging->pos, false, &keyset))
		return false;
	keyset_apply(&q, &keyset, NULL, -1);
	write_statement(&q, &statement);
	cursor_seal_init(seal, secret, &statement);
	return true;
}

/* The values of the cursor; NULL at the beginning. */
static bool read_place(struct arena *arena, const struct paging *paging, const struct page *page,
                       const struct str **values, struct error *error)
{
	size_t n;

	*values = NULL;
	if (paging->text.p == NULL)
		return true;
	if (!cursor_read(arena, &page->seal, paging->text, paging->pos, values, &n, error))
		return false;
	if (n == 0)
		*values = NULL;
	else if (n != page->ncolumns)
		return error_set(error, ERROR_VALUE, paging->pos, "The cursor was made for another query");
	return true;
}

static bool plan_rows(struct arena *arena, const struct model *model,
                      const struct plan_scope *address, const struct paging *paging,
                      struct page *page, struct plan *plan, struct error *error)
{
	const struct str *values;
	struct keyset keyset;
	struct resolver r;
	struct resolved q;

	if (!level_start(arena, model, address, &paging->query, &r, &q, error) ||
	    !resolve_columns(&q) || !level_prefetch(&q, plan) ||
	    !resolve_keyset(&q, paging->pos, page->is_backwards, &keyset))
		return false;
	page->columns = keyset.columns;
	page->ncolumns = keyset.n;
	if (!read_place(arena, paging, page, &values, error))
		return false;
	page->has_place = values != NULL;
	if (!resolve_lock(&q))
		return false;
	resolve_layout(&q);
	keyset_apply(&q, &keyset, values, paging->rows + 1);
	plan->model = model;
	plan->is_empty = q.select->is_empty;
	plan->has_limit = true;
	plan->form = q.form;
	plan->layout = q.layout;
	plan->page = page;
	write_statement(&q, &plan->statement);
	return level_total(arena, model, address, &paging->query, plan, &q, error);
}

bool plan_page(struct arena *arena, const struct model *model, const struct plan_scope *scope,
               const struct query *query, struct str secret, int64_t most, const struct plan **out,
               struct error *error)
{
	struct plan *plan = ARENA_NEW(arena, struct plan);
	struct page *page = ARENA_NEW(arena, struct page);
	struct paging paging;

	if (!query_has_cursor(query))
		return plan_query(arena, model, scope, query, out, error);
	if (!read_paging(arena, query, most, &paging, error) ||
	    !seal_query(arena, model, scope, &paging, secret, &page->seal, error))
		return false;
	page->is_backwards = paging.kind == CURSOR_BEFORE;
	page->rows = (size_t)paging.rows;
	if (!plan_rows(arena, model, scope, &paging, page, plan, error))
		return false;
	*out = plan;
	return true;
}

/* ---- a list that settings cut ---- */

/* The list's first rows as a page, where nothing else slices it. */
static bool cut_as_page(struct arena *arena, const struct query *query, int64_t most,
                        struct paging *paging)
{
	size_t last = query->nclauses - 1;
	struct clause *clauses = ARENA_ARRAY(arena, struct clause, query->nclauses);

	copy_bytes(clauses, query->clauses, query->nclauses * sizeof *clauses);
	for (size_t i = 0; i < query->nclauses; i++)
		if (clauses[i].offset > 0 ||
		    (clauses[i].has_limit && (i < last || clauses[i].limit <= most)))
			return false;
	clauses[last].has_limit = false;
	*paging =
		(struct paging){.query = *query, .kind = CURSOR_AFTER, .pos = query->pos, .rows = most};
	paging->query.clauses = clauses;
	return true;
}

static const struct query *with_limit(struct arena *arena, const struct query *query, int64_t limit)
{
	struct query *copy = ARENA_NEW(arena, struct query);
	struct clause *clauses = ARENA_ARRAY(arena, struct clause, query->nclauses + 1);

	copy_bytes(clauses, query->clauses, query->nclauses * sizeof *clauses);
	clauses[query->nclauses] = (struct clause){.has_limit = true, .limit = limit};
	*copy = *query;
	copy->clauses = clauses;
	copy->nclauses = query->nclauses + 1;
	return copy;
}

bool plan_capped(struct arena *arena, const struct model *model, const struct plan_scope *scope,
                 const struct query *query, struct str secret, int64_t most,
                 const struct plan **out, struct error *error)
{
	struct plan *plan = ARENA_NEW(arena, struct plan);
	struct page *page = ARENA_NEW(arena, struct page);
	struct paging paging;

	if (cut_as_page(arena, query, most, &paging)) {
		page->rows = (size_t)most;
		*out = plan;
		if (seal_query(arena, model, scope, &paging, secret, &page->seal, error) &&
		    plan_rows(arena, model, scope, &paging, page, plan, error)) {
			plan->has_limit = most < PLAN_PAGE_ROWS;
			return true;
		}
		/* What cannot be continued is cut all the same. */
		if (error->kind != ERROR_NOT_SUPPORTED)
			return false;
		error_clear(error);
	}
	return plan_query(arena, model, scope, with_limit(arena, query, most + 1), out, error);
}
