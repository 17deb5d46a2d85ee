/* Years, months and days as bounds.  See calendar.h. */
#include "orm/query/calendar.h"

#include "orm/base/error.h"

enum unit { UNIT_YEAR, UNIT_MONTH, UNIT_DAY };

/* The first day of a year, a month, or the day itself. */
struct period {
	enum unit unit;
	int year, month, day;
};

static const char *const extracts[] = {
    [UNIT_YEAR] = "ExtractYear", [UNIT_MONTH] = "ExtractMonth", [UNIT_DAY] = "ExtractDay"};

/* A lookup of the period as one of a bound; `exact` is both. */
static const struct {
	const char *name, *as;
	bool at_end;
} bounds[] = {{"gt", "gte", true}, {"gte", "gte", false}, {"lt", "lt", false}, {"lte", "lt", true}};

static int days_of(const struct period *period)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = period->year % 4 == 0 && (period->year % 100 != 0 || period->year % 400 == 0);

	return period->month == 2 && is_leap ? 29 : days[period->month - 1];
}

static struct period next_of(const struct period *period)
{
	struct period next = *period;

	if (next.unit == UNIT_DAY && next.day < days_of(period)) {
		next.day++;
		return next;
	}
	next.day = 1;
	if (next.unit != UNIT_YEAR && next.month < 12) {
		next.month++;
		return next;
	}
	next.month = 1;
	next.year++;
	return next;
}

/* ---- bounds ---- */

static bool is_moment(const struct rexpr *expr)
{
	return expr->field->value_field->type->kind == TYPE_DATETIME;
}

static const struct rexpr *bound_param(struct arena *arena, const struct rexpr *left, const struct period *day)
{
	const struct rexpr *column = left->args[0];
	struct str zone = left->zone.p == NULL ? STR("UTC") : left->zone;

	if (!is_moment(column))
		zone = (struct str){0};
	return param_expr(arena, column->field,
	                  arena_printf(arena, "%04d-%02d-%02d%s%.*s", day->year, day->month, day->day,
	                               zone.n > 0 ? " " : "", STR_ARG(zone)));
}

static const struct rcond *bound(struct arena *arena, const struct rexpr *left, const char *name,
                                 const struct period *day)
{
	struct rcond *cond = ARENA_NEW(arena, struct rcond);
	const struct rexpr **operands = ARENA_ARRAY(arena, const struct rexpr *, 1);

	operands[0] = bound_param(arena, left, day);
	cond->kind = RC_LOOKUP;
	cond->lookup = lookup_find(str_of(name), TYPE_DATE);
	cond->left = left->args[0];
	cond->operands = operands;
	cond->noperands = 1;
	cond->has_aggregate = cond->left->has_aggregate;
	cond->has_window = cond->left->has_window;
	return cond;
}

static const struct rcond *whole(struct arena *arena, const struct rexpr *left, const struct period *period)
{
	struct period next = next_of(period);
	const struct rcond *both[] = {bound(arena, left, "gte", period), bound(arena, left, "lt", &next)};

	return cond_group(arena, RC_AND, both, 2);
}

static bool build(struct arena *arena, const struct lookup *lookup, const struct rexpr *left,
                  const struct period *period, const struct rcond **out)
{
	struct period next = next_of(period);

	for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
		if (str_is(str_of(lookup->name), bounds[i].name)) {
			*out = bound(arena, left, bounds[i].as, bounds[i].at_end ? &next : period);
			return true;
		}
	if (!str_is(str_of(lookup->name), "exact"))
		return false;
	*out = whole(arena, left, period);
	return true;
}

/* ---- single lookups ---- */

static bool takes(const struct rexpr *left, const char *function)
{
	return left->kind == R_CALL && str_is(str_of(left->function->name), function);
}

bool calendar_takes(const struct rexpr *left)
{
	return takes(left, extracts[UNIT_YEAR]) || takes(left, extracts[UNIT_MONTH]) ||
	       takes(left, extracts[UNIT_DAY]) || takes(left, "TruncDate");
}

static bool read_number(struct str text, int least, int most, int *number)
{
	int64_t wide;

	if (!str_to_int(text, &wide) || wide < least || wide > most)
		return false;
	*number = (int)wide;
	return true;
}

/* "2026-03-05", as PostgreSQL is given it; a year that is written otherwise stays. */
static bool read_day(struct str text, struct period *period)
{
	period->unit = UNIT_DAY;
	return text.n == 10 && text.p[4] == '-' && text.p[7] == '-' &&
	       read_number(str_sub(text, 0, 4), 1, 9998, &period->year) &&
	       read_number(str_sub(text, 5, 2), 1, 12, &period->month) &&
	       read_number(str_sub(text, 8, 2), 1, days_of(period), &period->day);
}

bool calendar_lookup(struct scope *scope, const struct lookup *lookup, const struct rexpr *left,
                     const struct rexpr *right, const struct rcond **out)
{
	struct period period = {.unit = UNIT_YEAR, .month = 1, .day = 1};

	if (right->kind != R_PARAM)
		return false;
	if (takes(left, extracts[UNIT_YEAR]))
		return read_number(right->text, 1, 9998, &period.year) &&
		       build(scope->r->arena, lookup, left, &period, out);
	return takes(left, "TruncDate") && left->zone.p == NULL && is_moment(left->args[0]) &&
	       read_day(right->text, &period) && build(scope->r->arena, lookup, left, &period, out);
}

/* ---- a year, its month, its day ---- */

/* As bound_param() writes it in UTC. */
static bool read_first_day(const struct rexpr *column, struct str text, struct period *period)
{
	struct str zone = is_moment(column) ? STR(" UTC") : STR("");

	return str_ends(text, zone) && read_day(str_sub(text, 0, text.n - zone.n), period);
}

/* Whether the condition is a whole period of a column, as calendar_lookup() and calendar_narrow() make it. */
static bool is_whole(const struct rcond *cond, struct period *period)
{
	struct period end;

	if (cond->kind != RC_AND || cond->nchildren != 2)
		return false;
	const struct rcond *from = cond->children[0], *to = cond->children[1];

	if (from->kind != RC_LOOKUP || to->kind != RC_LOOKUP || from->left != to->left ||
	    from->left->kind != R_COLUMN || !str_is(str_of(from->lookup->name), "gte") ||
	    !str_is(str_of(to->lookup->name), "lt") || from->operands[0]->kind != R_PARAM ||
	    to->operands[0]->kind != R_PARAM)
		return false;
	struct str first = from->operands[0]->text, next = to->operands[0]->text;

	if (!read_first_day(from->left, first, period) || !read_first_day(to->left, next, &end))
		return false;
	period->unit = end.year == period->year ? UNIT_MONTH : UNIT_YEAR;
	struct period expected = next_of(period);

	return period->day == 1 && (period->unit == UNIT_MONTH || period->month == 1) && end.year == expected.year &&
	       end.month == expected.month && end.day == expected.day;
}

/* Whether the condition gives the next smaller part of the same column. */
static bool is_part(const struct rcond *cond, const struct rexpr *column, struct period *period)
{
	bool is_month = period->unit == UNIT_YEAR;

	if (cond->kind != RC_LOOKUP || !str_is(str_of(cond->lookup->name), "exact") ||
	    !takes(cond->left, extracts[period->unit + 1]) || cond->left->zone.p != NULL ||
	    cond->operands[0]->kind != R_PARAM)
		return false;
	const struct rexpr *of = cond->left->args[0];

	if (of->kind != R_COLUMN || of->source != column->source || of->field != column->field ||
	    !read_number(cond->operands[0]->text, 1, is_month ? 12 : days_of(period),
	                 is_month ? &period->month : &period->day))
		return false;
	period->unit++;
	return true;
}

/* The part's index, n when there is none. */
static size_t find_part(const struct rcond *const *conds, size_t n, const struct rexpr *column,
                        struct period *period)
{
	for (size_t i = 0; i < n; i++)
		if (is_part(conds[i], column, period))
			return i;
	return n;
}

size_t calendar_narrow(struct scope *scope, const struct rcond **conds, size_t n)
{
	for (size_t i = 0; i < n;) {
		struct period period;
		size_t part = n;

		if (is_whole(conds[i], &period))
			part = find_part(conds, n, conds[i]->children[0]->left, &period);
		if (part == n) {
			i++;
			continue;
		}
		conds[i] = whole(scope->r->arena, conds[part]->left, &period);
		conds[part] = conds[--n];
		i = 0;
	}
	return n;
}
