/* A change wrapped in a statement that tells of it; see notify.h.
 *
 *	WITH quern_w AS (UPDATE … RETURNING …, t0."id" AS quern_k0),
 *	     quern_n0 AS (SELECT pg_notify(…) FROM …quern_w…)
 *	SELECT quern_w.* FROM quern_w WHERE (SELECT count(*) FROM quern_n0) >= 0
 *
 * A CTE that calls a volatile function is never folded into the rest, and a condition is never left out,
 * so the count asks for every notice.  The text depends on the shape of the statement alone.  Payloads are limited by PostgreSQL to
 * less than 8000 bytes: where the keys do not fit, only their number is told.
 */
#include "orm/write/notify.h"

#include "orm/model/model.h"
#include "orm/sql/writer.h"

/* More keys than can fit in 8000 bytes. */
#define KEYS_MAX "2700"

/* What a notice tells of. */
struct notice {
	const char *action, *which; /* a constant; which of the rows, NULL: all */
};

struct wrapping {
	struct sql sql;
	const struct statement *statement;
	const struct model *model;
	bool answers_rows, may_be_either; /* INSERT … ON CONFLICT DO UPDATE */
	struct str alias; /* p == NULL: the table's own name */
};

/* -- reading the statement --------------------------------------------------------- */

/* Whether the words stand in the text behind `from`, outside of names and constants. */
static bool has_words(struct str text, size_t from, struct str words)
{
	char quote = 0;

	for (size_t i = from; i < text.n; i++) {
		char c = text.p[i];

		if (quote) {
			quote = c == quote ? 0 : quote;
			continue;
		}
		if (c == '"' || c == '\'')
			quote = c;
		else if (c == words.p[0] && str_starts(str_sub(text, i, text.n - i), words))
			return true;
	}
	return false;
}

/* The alias behind the table's name: our own t0, or a word of our source. */
static struct str alias_of(const struct statement *statement)
{
	struct str rest = str_sub(statement->sql, statement->table_end,
	                          statement->sql.n - statement->table_end);
	size_t n = 0;

	if (!str_starts(rest, STR(" AS ")))
		return (struct str){NULL, 0};
	rest = str_sub(rest, 4, rest.n - 4);
	while (n < rest.n && rest.p[n] != ' ')
		n++;
	return str_sub(rest, 0, n);
}

/* -- writing ----------------------------------------------------------------------- */

static void add_column(struct wrapping *w, struct str column)
{
	if (w->alias.p)
		buf_add(&w->sql.text, w->alias);
	else
		sql_table(&w->sql, w->model);
	sql_lit(&w->sql, ".");
	if (column.p)
		sql_name(&w->sql, column);
}

/* What names a row: its key; for a row of an automatic join table, the pair that it ties. */
static size_t name_fields(const struct model *model, const struct field *const **fields)
{
	if (!model->is_auto) {
		*fields = model->pk_fields;
		return model->npk_fields;
	}
	*fields = model->columns + (model->ncolumns - 2);
	return 2;
}

static void add_returning(struct wrapping *w)
{
	const struct field *const *fields;
	size_t n = name_fields(w->model, &fields);

	sql_const(&w->sql, w->answers_rows ? ", " : " RETURNING ");
	for (size_t i = 0; i < n; i++) {
		if (i)
			sql_lit(&w->sql, ", ");
		add_column(w, fields[i]->column);
		sql_lit(&w->sql, " AS quern_k");
		sql_number(&w->sql, (unsigned)i);
	}
	if (!w->may_be_either)
		return;
	/* Of a row that was there before, xmax holds who has locked it: ourselves. */
	sql_lit(&w->sql, ", (");
	add_column(w, (struct str){NULL, 0});
	sql_lit(&w->sql, "xmax = 0) AS quern_new");
}

static void add_rows(struct wrapping *w, const struct notice *notice)
{
	sql_lit(&w->sql, " FROM quern_w");
	if (!notice->which)
		return;
	sql_lit(&w->sql, " WHERE ");
	sql_const(&w->sql, notice->which);
}

/* json_agg(k), or of arrays of several. */
static void add_names(struct wrapping *w)
{
	const struct field *const *fields;
	size_t n = name_fields(w->model, &fields);

	sql_const(&w->sql, n == 1 ? "json_agg(" : "json_agg(json_build_array(");
	for (size_t i = 0; i < n; i++) {
		sql_const(&w->sql, i ? ", quern_k" : "quern_k");
		sql_number(&w->sql, (unsigned)i);
	}
	sql_const(&w->sql, n == 1 ? ")" : "))");
}

/* json_build_object(…: the caller closes it. */
static void add_head(struct sql *sql, const struct model *model, const char *action)
{
	sql_lit(sql, "json_build_object('model', ");
	sql_param(sql, model->name, 0, STR("text"));
	sql_lit(sql, ", 'action', ");
	sql_const(sql, action);
	sql_lit(sql, ", 'at', to_char(clock_timestamp() AT TIME ZONE 'UTC', "
	             "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), 'count', ");
}

static void add_channel(struct sql *sql, const struct model *model)
{
	sql_lit(sql, "pg_notify(");
	sql_param(sql, model->notify_channel, 0, STR("text"));
	sql_lit(sql, ", ");
}

/* , quern_n0 AS (SELECT pg_notify(…) …): no rows, no notice. */
static void add_notice(struct wrapping *w, unsigned number, const struct notice *notice)
{
	struct sql *sql = &w->sql;

	sql_lit(sql, ", quern_n");
	sql_number(sql, number);
	sql_lit(sql, " AS (SELECT ");
	add_channel(sql, w->model);
	sql_lit(sql, "CASE WHEN n <= " KEYS_MAX " AND octet_length(whole) < 8000 THEN whole ELSE brief END) "
	             "FROM (SELECT n, ");
	add_head(sql, w->model, notice->action);
	sql_const(sql, w->model->is_auto ? "n, 'pairs', keys)" : "n, 'pks', keys)");
	sql_lit(sql, "::text AS whole, ");
	add_head(sql, w->model, notice->action);
	sql_lit(sql, "n)::text AS brief FROM (SELECT (SELECT count(*)");
	add_rows(w, notice);
	sql_lit(sql, ") AS n, (SELECT ");
	add_names(w);
	sql_lit(sql, " FROM (SELECT *");
	add_rows(w, notice);
	sql_lit(sql, " LIMIT " KEYS_MAX ") AS kept) AS keys) AS counted WHERE n > 0) AS told)");
}

/* The kinds of change that the statement can make; returns how many. */
static unsigned list_notices(const struct wrapping *w, struct notice notices[2])
{
	if (w->may_be_either) {
		notices[0] = (struct notice){"'create'", "quern_new"};
		notices[1] = (struct notice){"'update'", "NOT quern_new"};
		return 2;
	}
	switch (w->statement->sql.p[w->statement->verb_at]) {
	case 'I':
		notices[0] = (struct notice){"'create'", NULL};
		return 1;
	case 'U':
		notices[0] = (struct notice){"'update'", NULL};
		return 1;
	case 'D':
		notices[0] = (struct notice){"'delete'", NULL};
		return 1;
	}
	BUG("no verb of a change");
}

/* The change as a CTE, behind those that it has itself. */
static void add_change(struct wrapping *w)
{
	const struct statement *statement = w->statement;
	struct str before = str_sub(statement->sql, 0, statement->verb_at);

	if (before.n) {
		buf_add(&w->sql.text, str_trim(before));
		sql_lit(&w->sql, ", quern_w AS (");
	} else {
		sql_lit(&w->sql, "WITH quern_w AS (");
	}
	buf_add(&w->sql.text, str_sub(statement->sql, before.n, statement->sql.n - before.n));
	for (size_t i = 0; i < statement->nparams; i++)
		*ARENA_PUSH(w->sql.arena, &w->sql) = statement->params[i];
	add_returning(w);
	sql_lit(&w->sql, ")");
}

static void add_counts(struct wrapping *w, unsigned nnotices)
{
	for (unsigned i = 0; i < nnotices; i++) {
		sql_const(&w->sql, i ? " + (SELECT count(*) FROM quern_n" : "(SELECT count(*) FROM quern_n");
		sql_number(&w->sql, i);
		sql_lit(&w->sql, ")");
	}
}

static void wrap(struct arena *arena, const struct statement *statement, struct statement *out)
{
	struct wrapping w = {.statement = statement, .model = statement->told};
	struct notice notices[2];
	unsigned nnotices;

	w.alias = alias_of(statement);
	w.answers_rows = has_words(statement->sql, statement->table_end, STR(" RETURNING "));
	w.may_be_either = has_words(statement->sql, statement->table_end, STR(" DO UPDATE "));
	sql_init(&w.sql, arena);
	add_change(&w);
	nnotices = list_notices(&w, notices);
	for (unsigned i = 0; i < nnotices; i++)
		add_notice(&w, i, &notices[i]);
	if (w.answers_rows)
		sql_lit(&w.sql, " SELECT quern_w.* FROM quern_w WHERE ");
	else
		sql_lit(&w.sql, " SELECT (SELECT count(*) FROM quern_w), ");
	add_counts(&w, nnotices);
	if (w.answers_rows)
		sql_lit(&w.sql, " >= 0");
	sql_finish(&w.sql, statement->ncolumns, out);
	out->zone = statement->zone;
	out->zone_pos = statement->zone_pos;
}

const struct statement *notify_statements(struct arena *arena, const struct statement *statements,
                                          size_t n)
{
	struct statement *sent = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!statements[i].told)
			continue;
		if (!sent) {
			sent = ARENA_ARRAY(arena, struct statement, n);
			memcpy(sent, statements, n * sizeof *sent);
		}
		wrap(arena, &statements[i], &sent[i]);
	}
	return sent ? sent : statements;
}

void notify_settle(const struct statement *statements, const struct statement *sent, size_t n,
                   struct db_rows *rows)
{
	int64_t affected;

	for (size_t i = 0; sent != statements && i < n; i++) {
		const struct statement *statement = &statements[i];

		if (!statement->told || has_words(statement->sql, statement->table_end, STR(" RETURNING ")))
			continue;
		if (!str_to_int(db_cell(&rows[i], 0, 0), &affected))
			BUG("a count is no number");
		rows[i].affected = (uint64_t)affected;
		rows[i].nrows = 0;
	}
}

void notify_loaded(struct arena *arena, const struct model *model, uint64_t n,
                   struct statement *statement)
{
	struct sql sql;

	sql_init(&sql, arena);
	sql_lit(&sql, "SELECT ");
	add_channel(&sql, model);
	add_head(&sql, model, "'create'");
	sql_param(&sql, arena_printf(arena, "%llu", (unsigned long long)n), 0, STR("bigint"));
	sql_lit(&sql, ")::text)");
	sql_finish(&sql, 1, statement);
}
