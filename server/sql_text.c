/* Breaks a statement's text before its clauses; what stands in quotes is never touched, what
 * stands in parentheses is broken and indented only where it is a query itself. */
#include "server/sql_text.h"

static const struct str clauses[] = {
	STR_INIT(" FROM "),      STR_INIT(" WHERE "),           STR_INIT(" GROUP BY "),
	STR_INIT(" HAVING "),    STR_INIT(" ORDER BY "),        STR_INIT(" LIMIT "),
	STR_INIT(" OFFSET "),    STR_INIT(" INNER JOIN "),      STR_INIT(" JOIN "),
	STR_INIT(" LEFT JOIN "), STR_INIT(" LEFT OUTER JOIN "), STR_INIT(" UNION "),
	STR_INIT(" INTERSECT "), STR_INIT(" EXCEPT "),          STR_INIT(" RETURNING "),
	STR_INIT(" SET "),       STR_INIT(" CROSS JOIN "),      STR_INIT(" RIGHT JOIN "),
	STR_INIT(" VALUES "),    STR_INIT(" FOR UPDATE"),
};

#define DEPTH_MAX 64

struct layout_state {
	struct buf *out;
	bool is_query[DEPTH_MAX]; /* whether the parenthesis at that depth holds a query */
	size_t depth;
	size_t queries; /* how many of them do */
};

static bool begins(struct str sql, size_t at, struct str word)
{
	return sql.n - at >= word.n && memcmp(sql.p + at, word.p, word.n) == 0;
}

static void break_line(struct layout_state *state, size_t more)
{
	buf_add_char(state->out, '\n');
	for (size_t i = 0; i < state->queries * 2 + more; i++)
		BUF_LIT(state->out, "  ");
}

/* Copies a quoted name or constant; returns where it ends. */
static size_t copy_quoted(struct layout_state *state, struct str sql, size_t at)
{
	char quote = sql.p[at];
	size_t end = at + 1;

	while (end < sql.n && sql.p[end] != quote)
		end++;
	if (end < sql.n)
		end++;
	buf_add(state->out, str_sub(sql, at, end - at));
	return end;
}

static void open_parenthesis(struct layout_state *state, struct str sql, size_t at)
{
	bool is_query = begins(sql, at + 1, STR("SELECT "));

	buf_add_char(state->out, '(');
	if (state->depth < DEPTH_MAX)
		state->is_query[state->depth] = is_query;
	state->depth++;
	if (!is_query || state->depth > DEPTH_MAX)
		return;
	state->queries++;
	break_line(state, 0);
}

static void close_parenthesis(struct layout_state *state)
{
	if (state->depth)
		state->depth--;
	if (state->depth < DEPTH_MAX && state->is_query[state->depth]) {
		state->queries--;
		break_line(state, 1);
		state->is_query[state->depth] = false;
	}
	buf_add_char(state->out, ')');
}

static bool is_at_query_level(const struct layout_state *state)
{
	if (state->depth == 0)
		return true;
	return state->depth <= DEPTH_MAX && state->is_query[state->depth - 1];
}

/* How many bytes the clause's words have that begin at `at`; 0: none does. */
static size_t clause_length(struct str sql, size_t at)
{
	/* IS DISTINCT FROM compares; it begins no clause. */
	if (begins(sql, at, STR(" FROM ")) && str_ends((struct str){sql.p, at}, STR(" DISTINCT")))
		return 0;
	for (size_t i = 0; i < sizeof clauses / sizeof clauses[0]; i++)
		if (begins(sql, at, clauses[i]))
			return str_trim(clauses[i]).n;
	return 0;
}

static void lay_out(struct layout_state *state, struct str sql)
{
	size_t at = 0;

	while (at < sql.n) {
		char c = sql.p[at];
		size_t words = c == ' ' && is_at_query_level(state) ? clause_length(sql, at) : 0;

		if (c == '"' || c == '\'') {
			at = copy_quoted(state, sql, at);
			continue;
		}
		if (c == '(')
			open_parenthesis(state, sql, at);
		else if (c == ')')
			close_parenthesis(state);
		else if (!words)
			buf_add_char(state->out, c);
		if (words) {
			break_line(state, 0);
			buf_add(state->out, str_sub(sql, at + 1, words));
		}
		at += 1 + words;
	}
}

void sql_text_write(const struct statement *statement, struct buf *out)
{
	struct layout_state state = {.out = out};

	lay_out(&state, statement->sql);
	for (size_t i = 0; i < statement->nparams; i++) {
		buf_printf(out, "\n-- $%zu = ", i + 1);
		if (statement->params[i].text.p)
			buf_add_json(out, statement->params[i].text);
		else
			BUF_LIT(out, "NULL");
	}
}
