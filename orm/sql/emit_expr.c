/* Expressions to SQL. */
#include "orm/sql/emit.h"

#include "orm/base/error.h"

void emit_column(struct emit *e, const struct source *source, const struct field *field)
{
	if (!e->bare_columns) {
		sql_alias(&e->sql, source->alias);
		sql_lit(&e->sql, ".");
	}
	sql_name(&e->sql, field->column);
}

static void emit_args(struct emit *e, const struct rexpr *expr, const char *separator)
{
	for (size_t i = 0; i < expr->nargs; i++) {
		if (i > 0)
			sql_const(&e->sql, separator);
		emit_expr(e, expr->args[i]);
	}
}

static enum type_kind kind_of(const struct rexpr *expr)
{
	return expr->field == NULL ? TYPE_JSON : expr->field->value_field->type->kind;
}

/* PostgreSQL's sign for ours; NULL: written as a function. */
static const struct {
	const char *sign, *sql;
} signs[] = {
    {"+", " + "}, {"-", " - "}, {"*", " * "}, {"/", " / "},   {"%", " % "},
    {"&", " & "}, {"|", " | "}, {"#", " # "}, {"<<", " << "}, {">>", " >> "},
};

static const char *sign_sql(struct str sign)
{
	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
		if (str_is(sign, signs[i].sign))
			return signs[i].sql;
	BUG("arithmetic sign %.*s", STR_ARG(sign));
}

static void emit_arithmetic(struct emit *e, const struct rexpr *expr)
{
	bool days = kind_of(expr) == TYPE_DURATION && kind_of(expr->args[0]) == TYPE_DATE;
	bool moment = kind_of(expr) == TYPE_DATETIME;

	if (str_is(expr->name, "^")) {
		for (size_t i = 1; i < expr->nargs; i++)
			sql_lit(&e->sql, "POWER(");
		emit_expr(e, expr->args[0]);
		for (size_t i = 1; i < expr->nargs; i++) {
			sql_lit(&e->sql, ", ");
			emit_expr(e, expr->args[i]);
			sql_lit(&e->sql, ")");
		}
		return;
	}
	/* date - date counts days; date + interval forgets the zone. */
	if (days)
		sql_lit(&e->sql, "(INTERVAL '1 day' * ");
	sql_lit(&e->sql, "(");
	emit_args(e, expr, sign_sql(expr->name));
	sql_lit(&e->sql, ")");
	if (moment)
		sql_lit(&e->sql, "::timestamp with time zone");
	if (days)
		sql_lit(&e->sql, ")");
}

static void emit_aggregate_call(struct emit *e, const struct rexpr *expr)
{
	const struct raggregate *aggregate = expr->aggregate;

	sql_const(&e->sql, expr->function->before);
	if (aggregate->is_distinct)
		sql_lit(&e->sql, "DISTINCT ");
	emit_args(e, expr, expr->function->separator);
	if (aggregate->norder_by > 0) {
		sql_lit(&e->sql, " ORDER BY ");
		emit_orders(e, aggregate->order_by, aggregate->norder_by);
	}
	sql_const(&e->sql, expr->function->after);
	if (aggregate->filter != NULL) {
		sql_lit(&e->sql, " FILTER (WHERE ");
		emit_cond(e, aggregate->filter);
		sql_lit(&e->sql, ")");
	}
	if (expr->function->result == RESULT_AVERAGE && kind_of(expr) == TYPE_FLOAT)
		sql_lit(&e->sql, "::double precision");
}

static void emit_aggregate(struct emit *e, const struct rexpr *expr)
{
	const struct raggregate *aggregate = expr->aggregate;

	if (aggregate->default_value != NULL)
		sql_lit(&e->sql, "COALESCE(");
	if (aggregate->subselect != NULL) {
		sql_lit(&e->sql, "(");
		emit_select(e, aggregate->subselect);
		sql_lit(&e->sql, ")");
	} else {
		emit_aggregate_call(e, expr);
	}
	if (aggregate->default_value == NULL)
		return;
	sql_lit(&e->sql, ", ");
	emit_expr(e, aggregate->default_value);
	sql_lit(&e->sql, ")");
}

static void emit_case(struct emit *e, const struct rexpr *expr)
{
	sql_lit(&e->sql, "CASE");
	for (size_t i = 0; i < expr->ncases; i++) {
		sql_lit(&e->sql, " WHEN ");
		emit_cond(e, expr->cases[i].when);
		sql_lit(&e->sql, " THEN ");
		emit_expr(e, expr->cases[i].then);
	}
	if (expr->nargs > 0) {
		sql_lit(&e->sql, " ELSE ");
		emit_expr(e, expr->args[0]);
	}
	sql_lit(&e->sql, " END");
}

static void emit_transform(struct emit *e, const struct rexpr *expr)
{
	const char *shape = expr->transform->shape;

	for (const char *p = strstr(shape, "%l"); p != NULL; p = strstr(shape, "%l")) {
		buf_add(&e->sql.text, (struct str){shape, (size_t)(p - shape)});
		emit_expr(e, expr->args[0]);
		shape = p + 2;
	}
	sql_const(&e->sql, shape);
}

static void emit_cast(struct emit *e, const struct rexpr *expr)
{
	sql_lit(&e->sql, "(");
	emit_expr(e, expr->args[0]);
	sql_lit(&e->sql, ")::");
	buf_add(&e->sql.text, field_column_type(e->sql.arena, expr->field));
}

static void emit_nested(struct emit *e, const struct rexpr *expr)
{
	if (expr->kind == R_ARRAY)
		sql_lit(&e->sql, "ARRAY");
	sql_lit(&e->sql, "(");
	emit_select(e, expr->select);
	sql_lit(&e->sql, ")");
}

static void emit_value_column(struct emit *e, const struct rexpr *expr)
{
	sql_alias(&e->sql, expr->alias);
	sql_lit(&e->sql, ".c");
	sql_number(&e->sql, expr->position);
}

void emit_expr(struct emit *e, const struct rexpr *expr)
{
	switch (expr->kind) {
	case R_COLUMN:
		emit_column(e, expr->source, expr->field);
		return;
	case R_PARAM:
		sql_field_param(&e->sql, expr->field, expr->text);
		return;
	case R_NULL:
		sql_lit(&e->sql, "NULL");
		return;
	case R_STAR:
		sql_lit(&e->sql, "*");
		return;
	case R_CALL:
		sql_const(&e->sql, expr->function->before);
		emit_args(e, expr, expr->function->separator);
		sql_const(&e->sql, expr->function->after);
		return;
	case R_ARITHMETIC:
		emit_arithmetic(e, expr);
		return;
	case R_AGGREGATE:
		emit_aggregate(e, expr);
		return;
	case R_CASE:
		emit_case(e, expr);
		return;
	case R_CONDITION:
		sql_lit(&e->sql, "(");
		emit_cond(e, expr->condition);
		sql_lit(&e->sql, ")");
		return;
	case R_SUBSELECT:
	case R_ARRAY:
		emit_nested(e, expr);
		return;
	case R_CAST:
		emit_cast(e, expr);
		return;
	case R_WRAPPED:
		emit_expr(e, expr->args[0]);
		return;
	case R_TRANSFORM:
		emit_transform(e, expr);
		return;
	case R_VALUE_COLUMN:
		emit_value_column(e, expr);
		return;
	}
	BUG("expression kind %d", (int)expr->kind);
}

void emit_orders(struct emit *e, const struct rorder *orders, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct rorder *order = &orders[i];

		if (i > 0)
			sql_lit(&e->sql, ", ");
		if (order->expr == NULL)
			sql_lit(&e->sql, "RANDOM()");
		else if (order->position > 0)
			sql_number(&e->sql, order->position);
		else
			emit_expr(e, order->expr);
		if (order->is_descending)
			sql_lit(&e->sql, " DESC");
		if (order->nulls == NULLS_FIRST)
			sql_lit(&e->sql, " NULLS FIRST");
		if (order->nulls == NULLS_LAST)
			sql_lit(&e->sql, " NULLS LAST");
	}
}
