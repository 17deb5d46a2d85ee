/* The query tree as one line of text, as a person would write it down: for logs and tests.
 *
 * Only what is set is written.  Literals are JSON, paths stand bare, a right side that is an
 * expression as that expression.
 */
#include "orm/query/decode.h"

static void dump_exprs(const struct expr *exprs, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			BUF_LIT(out, ", ");
		expr_dump(&exprs[i], out);
	}
}

void order_dump(const struct order *order, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			BUF_LIT(out, ", ");
		if (order[i].is_random) {
			BUF_LIT(out, "?");
			continue;
		}
		if (order[i].is_descending)
			BUF_LIT(out, "-");
		expr_dump(order[i].expr, out);
		if (order[i].nulls != NULLS_DEFAULT)
			buf_printf(out, " nulls %s", order[i].nulls == NULLS_FIRST ? "first" : "last");
	}
}

static void dump_cases(const struct expr *expr, struct buf *out)
{
	BUF_LIT(out, "Case(");
	for (size_t i = 0; i < expr->ncases; i++) {
		BUF_LIT(out, "when ");
		cond_dump(expr->cases[i].when, out);
		BUF_LIT(out, " then ");
		expr_dump(expr->cases[i].then, out);
		BUF_LIT(out, "; ");
	}
	if (expr->default_value != NULL) {
		BUF_LIT(out, "else ");
		expr_dump(expr->default_value, out);
	}
	BUF_LIT(out, ")");
}

static void dump_call(const struct expr *expr, struct buf *out)
{
	buf_add(out, expr->name);
	BUF_LIT(out, "(");
	if (expr->is_distinct)
		BUF_LIT(out, "distinct ");
	dump_exprs(expr->args, expr->nargs, out);
	if (expr->filter != NULL) {
		BUF_LIT(out, " filter ");
		cond_dump(expr->filter, out);
	}
	if (expr->default_value != NULL) {
		BUF_LIT(out, " default ");
		expr_dump(expr->default_value, out);
	}
	if (expr->norder_by > 0) {
		BUF_LIT(out, " order by ");
		order_dump(expr->order_by, expr->norder_by, out);
	}
	for (size_t i = 0; i < expr->noptions; i++) {
		buf_printf(out, " %.*s=", STR_ARG(expr->options[i].name));
		value_write_json(expr->options[i].value, out);
	}
	BUF_LIT(out, ")");
}

static void dump_window(const struct expr *expr, struct buf *out)
{
	BUF_LIT(out, "Window(");
	dump_exprs(expr->args, expr->nargs, out);
	if (expr->npartition_by > 0) {
		BUF_LIT(out, " partition by ");
		dump_exprs(expr->partition_by, expr->npartition_by, out);
	}
	if (expr->norder_by > 0) {
		BUF_LIT(out, " order by ");
		order_dump(expr->order_by, expr->norder_by, out);
	}
	if (expr->frame != NULL) {
		BUF_LIT(out, " frame ");
		value_write_json(expr->frame, out);
	}
	BUF_LIT(out, ")");
}

static void dump_named_call(const struct expr *expr, struct buf *out)
{
	buf_add(out, expr->name);
	BUF_LIT(out, "(");
	dump_exprs(expr->args, expr->nargs, out);
	if (expr->nargs == 0)
		buf_add(out, expr->path.text);
	if (expr->output != NULL) {
		BUF_LIT(out, " as ");
		value_write_json(expr->output, out);
	}
	BUF_LIT(out, ")");
}

void expr_dump(const struct expr *expr, struct buf *out)
{
	switch (expr->kind) {
	case EXPR_LITERAL:
		value_write_json(expr->literal, out);
		return;
	case EXPR_PATH:
		buf_add(out, expr->path.text);
		return;
	case EXPR_STAR:
		BUF_LIT(out, "*");
		return;
	case EXPR_ARITHMETIC:
	case EXPR_CALL:
		dump_call(expr, out);
		return;
	case EXPR_CASE:
		dump_cases(expr, out);
		return;
	case EXPR_CONDITION:
		BUF_LIT(out, "Q ");
		cond_dump(expr->condition, out);
		return;
	case EXPR_SUBQUERY:
	case EXPR_EXISTS:
	case EXPR_ARRAY_SUBQUERY:
		buf_add(out, expr->name);
		query_dump(expr->query, out);
		return;
	case EXPR_WINDOW:
		dump_window(expr, out);
		return;
	case EXPR_OUTER:
	case EXPR_REF:
	case EXPR_CAST:
	case EXPR_WRAPPER:
		dump_named_call(expr, out);
		return;
	}
	BUG("an expression of kind %d", (int)expr->kind);
}

void operand_dump(const struct operand *operand, struct buf *out)
{
	switch (operand->kind) {
	case OPERAND_LITERAL:
		value_write_json(operand->literal, out);
		return;
	case OPERAND_EXPR:
		expr_dump(operand->expr, out);
		return;
	case OPERAND_LIST:
		BUF_LIT(out, "[");
		for (size_t i = 0; i < operand->nitems; i++) {
			if (i > 0)
				BUF_LIT(out, ", ");
			operand_dump(&operand->items[i], out);
		}
		BUF_LIT(out, "]");
		return;
	}
	BUG("an operand of kind %d", (int)operand->kind);
}

static void dump_children(const struct cond *cond, const char *word, struct buf *out)
{
	BUF_LIT(out, "(");
	if (cond->nchildren < 2)
		buf_printf(out, "%s ", word);
	for (size_t i = 0; i < cond->nchildren; i++) {
		if (i > 0)
			buf_printf(out, " %s ", word);
		cond_dump(&cond->children[i], out);
	}
	BUF_LIT(out, ")");
}

static void dump_question(const struct cond *cond, const char *word, struct buf *out)
{
	buf_printf(out, "%s %.*s", word, STR_ARG(cond->path.text));
	if (cond->count != NULL) {
		BUF_LIT(out, " ");
		value_write_json(cond->count, out);
	}
	if (cond->nchildren > 0) {
		BUF_LIT(out, " where ");
		cond_dump(&cond->children[0], out);
	}
}

void cond_dump(const struct cond *cond, struct buf *out)
{
	switch (cond->kind) {
	case COND_AND:
		dump_children(cond, "and", out);
		return;
	case COND_OR:
		dump_children(cond, "or", out);
		return;
	case COND_XOR:
		dump_children(cond, "xor", out);
		return;
	case COND_NOT:
		dump_children(cond, "not", out);
		return;
	case COND_LOOKUP:
		buf_printf(out, "%.*s=", STR_ARG(cond->path.text));
		operand_dump(&cond->operand, out);
		return;
	case COND_EXPR_LOOKUP:
		expr_dump(cond->expr, out);
		buf_printf(out, " %.*s ", STR_ARG(cond->lookup.text));
		operand_dump(&cond->operand, out);
		return;
	case COND_EXPR:
		expr_dump(cond->expr, out);
		return;
	case COND_SOME:
		dump_question(cond, "some", out);
		return;
	case COND_NONE:
		dump_question(cond, "none", out);
		return;
	case COND_EVERY:
		dump_question(cond, "every", out);
		return;
	case COND_COUNT:
		dump_question(cond, "count", out);
		return;
	}
	BUG("a condition of kind %d", (int)cond->kind);
}

/* ---- queries ---- */

static void dump_named(const char *word, const struct named_expr *list, size_t n, struct buf *out)
{
	if (list == NULL)
		return;
	buf_printf(out, " %s[", word);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			BUF_LIT(out, ", ");
		buf_printf(out, "%.*s: ", STR_ARG(list[i].name));
		expr_dump(list[i].expr, out);
	}
	BUF_LIT(out, "]");
}

static void dump_paths(const char *word, const struct path *paths, size_t n, struct buf *out)
{
	if (paths == NULL)
		return;
	buf_printf(out, " %s[", word);
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s%.*s", i > 0 ? ", " : "", STR_ARG(paths[i].text));
	BUF_LIT(out, "]");
}

static void dump_cond_clause(const char *word, const struct cond *cond, struct buf *out)
{
	if (cond == NULL)
		return;
	buf_printf(out, " %s ", word);
	cond_dump(cond, out);
}

static void dump_text(const char *word, struct str text, struct buf *out)
{
	if (text.p != NULL)
		buf_printf(out, " %s=%.*s", word, STR_ARG(text));
}

static void dump_value(const char *word, const struct value *value, struct buf *out)
{
	if (value == NULL)
		return;
	buf_printf(out, " %s=", word);
	value_write_json(value, out);
}

static void dump_rows(const struct clause *clause, struct buf *out)
{
	dump_value("filtered_relation", clause->filtered_relation, out);
	dump_named("alias", clause->alias, clause->nalias, out);
	dump_cond_clause("filter", clause->filter, out);
	dump_cond_clause("exclude", clause->exclude, out);
	if (clause->has_group_by)
		dump_named("group_by", clause->group_by, clause->ngroup_by, out);
	dump_named("annotate", clause->annotate, clause->nannotate, out);
	if (clause->is_none)
		BUF_LIT(out, " none");
}

static void dump_projection(const struct clause *clause, struct buf *out)
{
	if (clause->projection != PROJECTION_NONE)
		buf_printf(out, " %s%s%s",
		           clause->projection == PROJECTION_VALUES ? "values" : "values_list",
		           clause->is_flat ? " flat" : "", clause->projects_all ? " all" : "");
	dump_named("", clause->values, clause->nvalues, out);
	dump_paths("only", clause->only, clause->nonly, out);
	dump_paths("defer", clause->defer, clause->ndefer, out);
}

static void dump_related(const struct clause *clause, struct buf *out)
{
	if (clause->has_select_related && clause->select_related == NULL)
		buf_printf(out, " select_related=%s", clause->selects_all_related ? "true" : "false");
	dump_paths("select_related", clause->select_related, clause->nselect_related, out);
	if (clause->clears_prefetch)
		BUF_LIT(out, " prefetch_related=false");
	for (size_t i = 0; i < clause->nprefetch_related; i++) {
		const struct prefetch *prefetch = &clause->prefetch_related[i];

		buf_printf(out, " prefetch %.*s", STR_ARG(prefetch->path.text));
		if (prefetch->query != NULL)
			query_dump(prefetch->query, out);
		dump_text("to_attr", prefetch->to_attr, out);
	}
}

static void dump_combined(const struct clause *clause, struct buf *out)
{
	static const char *const words[] = {"", "union", "intersection", "difference"};

	if (clause->combinator == COMBINATOR_NONE)
		return;
	buf_printf(out, " %s%s", words[clause->combinator], clause->combines_all ? " all" : "");
	for (size_t i = 0; i < clause->ncombined; i++)
		query_dump(&clause->combined[i], out);
}

static void dump_order_and_slice(const struct clause *clause, struct buf *out)
{
	if (clause->has_order_by) {
		BUF_LIT(out, " order_by[");
		order_dump(clause->order_by, clause->norder_by, out);
		BUF_LIT(out, "]");
	}
	if (clause->is_reversed)
		BUF_LIT(out, " reverse");
	if (clause->has_distinct)
		buf_printf(out, " distinct=%s", clause->is_distinct ? "true" : "false");
	dump_paths("on", clause->distinct_on, clause->ndistinct_on, out);
	if (clause->has_limit)
		buf_printf(out, " limit=%lld", (long long)clause->limit);
	if (clause->offset_pos != NULL)
		buf_printf(out, " offset=%lld", (long long)clause->offset);
	if (clause->cursor != CURSOR_NONE)
		buf_printf(out, " %s", clause->cursor == CURSOR_AFTER ? "after" : "before");
	dump_text("cursor", clause->cursor_text, out);
}

static void dump_clause(const struct clause *clause, struct buf *out)
{
	static const char *const counts[] = {"", "exact", "estimated", "capped"};

	dump_rows(clause, out);
	dump_projection(clause, out);
	dump_related(clause, out);
	dump_combined(clause, out);
	dump_order_and_slice(clause, out);
	dump_text("using", clause->using, out);
	dump_text("timezone", clause->timezone, out);
	dump_value("select_for_update", clause->select_for_update, out);
	if (clause->count != COUNT_NONE)
		buf_printf(out, " count=%s", counts[clause->count]);
	if (clause->count == COUNT_CAPPED)
		buf_printf(out, " %lld", (long long)clause->count_cap);
}

void query_dump(const struct query *query, struct buf *out)
{
	BUF_LIT(out, "{");
	buf_add(out, query->model);
	for (size_t i = 0; i < query->nclauses; i++) {
		if (i > 0)
			BUF_LIT(out, " |");
		dump_clause(&query->clauses[i], out);
	}
	BUF_LIT(out, " }");
}
