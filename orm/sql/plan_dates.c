/* dates and datetimes: the distinct moments of a column, cut to a month, a day … */
#include "orm/query/decode.h"
#include "orm/sql/level.h"

static const struct {
	const char *kind, *function;
	bool needs_time;
} cuts[] = {
    {"year", "TruncYear", false},     {"quarter", "TruncQuarter", false}, {"month", "TruncMonth", false},
    {"week", "TruncWeek", false},     {"day", "TruncDay", false},         {"hour", "TruncHour", true},
    {"minute", "TruncMinute", true}, {"second", "TruncSecond", true},
};

static bool function_of(const struct dates *dates, struct str *name, struct error *error)
{
	for (size_t i = 0; dates->kind->kind == VALUE_TEXT && i < sizeof cuts / sizeof *cuts; i++) {
		if (!str_is(dates->kind->text, cuts[i].kind) || (cuts[i].needs_time && !dates->has_time))
			continue;
		*name = str_of(cuts[i].function);
		return true;
	}
	return error_set(error, ERROR_VALUE, dates->kind->pos, "'kind' must be one of %s",
	                 dates->has_time ? "'year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second'"
	                                 : "'year', 'quarter', 'month', 'week', 'day'");
}

/* tzinfo takes the place of the query's zone. */
static bool read_zone(struct resolved *q, const struct value *tzinfo)
{
	if (tzinfo == NULL)
		return true;
	if (tzinfo->kind != VALUE_TEXT || !zone_is_plausible(tzinfo->text))
		return error_set(q->scope->r->error, ERROR_VALUE, tzinfo->pos,
		                 "expected the name of a time zone, e.g. \"Europe/Berlin\"");
	q->scope->zone = str_is(tzinfo->text, "UTC") ? (struct str){0} : arena_str(q->scope->r->arena, tzinfo->text);
	q->zone_pos = tzinfo->pos;
	return true;
}

/* The column and its value cut, as a date where dates are asked for. */
static bool resolve_cut(struct resolved *q, const struct dates *dates, const struct rexpr **column,
                        const struct rexpr **cut)
{
	struct resolver *r = q->scope->r;
	struct expr arg = {.kind = EXPR_PATH, .pos = dates->field->pos};
	struct expr call = {.kind = EXPR_CALL, .pos = dates->field->pos, .args = &arg, .nargs = 1};

	if (dates->field->kind != VALUE_TEXT)
		return error_set(r->error, ERROR_VALUE, dates->field->pos, "\"field\" is the name of a field");
	arg.path = path_make(r->arena, dates->field->text, dates->field->pos);
	if (!function_of(dates, &call.name, r->error) ||
	    !resolve_path_expr(q->scope, &arg.path, NULL, column))
		return false;
	enum type_kind kind = (*column)->field->value_field->type->kind;

	if (kind != TYPE_DATETIME && (dates->has_time || kind != TYPE_DATE))
		return error_set(r->error, ERROR_FIELD, dates->field->pos, "'%.*s' isn't a %s",
		                 STR_ARG(dates->field->text),
		                 dates->has_time ? "DateTimeField" : "DateField or DateTimeField");
	if (!resolve_call(q->scope, &call, NULL, NULL, cut))
		return false;
	if (kind == TYPE_DATE || dates->has_time)
		return true;
	struct rexpr *as_date = rexpr_new(r->arena, R_CALL, field_of_type("DateField"), 1);

	as_date->function = function_by_name(STR("TruncDate"));
	as_date->zone = (*cut)->zone;
	rexpr_set_arg(as_date, 0, *cut);
	*cut = as_date;
	return true;
}

bool plan_dates(struct arena *arena, const struct model *model, const struct plan_scope *scope,
                const struct query *query, const struct dates *dates, const struct plan **out,
                struct error *error)
{
	struct plan *plan = ARENA_NEW(arena, struct plan);
	struct layout_member *member = ARENA_NEW(arena, struct layout_member);
	const struct rexpr *column, *cut;
	struct resolver r;
	struct resolved q;

	if (!level_start(arena, model, scope, query, &r, &q, error) || !read_zone(&q, dates->tzinfo))
		return false;
	if (level_is_sliced(&q) || q.select->is_grouped || q.combinator != COMBINATOR_NONE)
		return error_set(error, ERROR_TYPE, query->pos,
		                 "dates and datetimes take a query without slice, groups and combinations");
	if (!resolve_cut(&q, dates, &column, &cut))
		return false;
	*ARENA_PUSH(arena, &q.select->where) = cond_isnull(arena, column, false);
	add_column(&q, STR("moment"), cut);
	q.select->is_distinct = true;
	*ARENA_PUSH(arena, &q.select->order_by) =
	    (struct rorder){.expr = cut, .is_descending = dates->is_descending, .position = 1};
	if (!resolve_lock(&q))
		return false;
	resolve_slice(&q);
	level_write(&q, &plan->statement);
	*member = (struct layout_member){
	    .kind = LAYOUT_COLUMN, .name = dates->field->text, .field = cut->field};
	plan->model = model;
	plan->is_empty = q.select->is_empty;
	plan->form = ROW_SCALAR;
	plan->layout = (struct layout){member, 1};
	*out = plan;
	return true;
}
