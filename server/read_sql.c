/* The methods that show what would be asked: sql, and explain with the plans of PostgreSQL.
 *
 * Of a prefetch level's statement the keys are not known before its parents are read: `sql` shows null in their
 * place, `explain` asks with none.
 */
#include "orm/sql/explain.h"
#include "server/read.h"

struct shown {
	struct statement statement;
	const struct plan
		*level; /* of a prefetch level: its plan, which knows the parameter of the keys */
};

struct statements {
	struct shown *items;
	size_t n, cap;
};

static void add_statement(struct arena *arena, const struct statement *statement,
                          const struct plan *level, struct statements *list)
{
	if (statement->sql.n > 0)
		*ARENA_PUSH(arena, list) = (struct shown){*statement, level};
}

/* The plan's statement, its total's, and those of the levels below. */
static void collect(struct arena *arena, const struct plan *plan, bool is_level,
                    struct statements *list)
{
	if (plan->is_empty)
		return;
	add_statement(arena, &plan->statement, is_level ? plan : NULL, list);
	if (plan->count != COUNT_NONE)
		add_statement(arena, &plan->count_statement, NULL, list);
	for (size_t i = 0; i < plan->nprefetches; i++)
		collect(arena, plan->prefetches[i].plan, true, list);
}

static bool plan_statements(struct request *request, struct asked *asked, struct statements *list)
{
	const struct plan *plan;

	if (!read_asked(request, asked) ||
	    !plan_page(request->arena, request->model, read_scope(request), asked->query,
	               str_of(request->settings->secret), request->settings->max_rows, &plan, &request->error))
		return read_refused(request);
	collect(request->arena, plan, false, list);
	return true;
}

static void add_text_of(const struct statement *statement, struct buf *out)
{
	BUF_LIT(out, "{\"sql\":");
	buf_add_json(out, statement->sql);
	BUF_LIT(out, ",\"params\":[");
	for (size_t i = 0; i < statement->nparams; i++) {
		if (i > 0)
			buf_add_char(out, ',');
		if (statement->params[i].text.p == NULL)
			BUF_LIT(out, "null");
		else
			buf_add_json(out, statement->params[i].text);
	}
	buf_add_char(out, ']');
}

bool read_sql(struct request *request)
{
	struct buf *body = &request->reply.body;
	struct statements list = {0};
	struct asked asked;

	if (!plan_statements(request, &asked, &list))
		return false;
	BUF_LIT(body, "{\"statements\":[");
	for (size_t i = 0; i < list.n; i++) {
		if (i > 0)
			buf_add_char(body, ',');
		add_text_of(&list.items[i].statement, body);
		buf_add_char(body, '}');
	}
	BUF_LIT(body, "]}");
	return true;
}

/* ---- explain ---- */

/* The statement to be explained: a level's with an array of no keys. */
static struct statement with_keys(struct arena *arena, const struct shown *shown)
{
	struct statement copy = shown->statement;

	if (shown->level == NULL)
		return copy;
	copy.params = ARENA_ARRAY(arena, struct param, copy.nparams);
	copy_bytes(copy.params, shown->statement.params, copy.nparams * sizeof *copy.params);
	copy.params[shown->level->keys_param].text = STR("{}");
	return copy;
}

static void add_plan(enum explain_format format, const struct db_rows *rows, struct buf *out)
{
	struct buf text = {0};

	for (size_t row = 0; row < rows->nrows; row++) {
		if (row > 0)
			buf_add_char(&text, '\n');
		buf_add(&text, db_cell(rows, row, 0));
	}
	BUF_LIT(out, ",\"plan\":");
	if (format == EXPLAIN_JSON)
		buf_add(out, buf_str(&text));
	else
		buf_add_json(out, buf_str(&text));
	buf_release(&text);
}

static bool explain_one(struct request *request, const struct shown *shown,
                        const struct value *options)
{
	struct statement asked = with_keys(request->arena, shown), explained;
	struct buf *body = &request->reply.body;
	enum explain_format format;
	struct db_rows rows;

	if (!explain_statement(request->arena, &asked, options, &explained, &format, &request->error) ||
	    !db_query(&request->db, &explained, true, &rows, &request->error))
		return false;
	add_text_of(&shown->statement, body);
	add_plan(format, &rows, body);
	buf_add_char(body, '}');
	return true;
}

bool read_explain(struct request *request)
{
	struct statements list = {0};
	struct asked asked;

	if (!plan_statements(request, &asked, &list))
		return false;
	BUF_LIT(&request->reply.body, "{\"statements\":[");
	for (size_t i = 0; i < list.n; i++) {
		if (i > 0)
			buf_add_char(&request->reply.body, ',');
		if (!explain_one(request, &list.items[i], asked.body))
			return false;
	}
	BUF_LIT(&request->reply.body, "]}");
	return true;
}
