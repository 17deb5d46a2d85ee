/* Rules about numbers: limits, steps, lengths, digits; see rules.h. */
#include "orm/write/decimal.h"
#include "orm/write/rules.h"

#include <stdlib.h>

const struct value *rule_argument(const struct value *arguments, const char *name,
                                  enum value_kind kind)
{
	const struct value *value =
		arguments && arguments->kind == VALUE_OBJECT ? value_get(arguments, name) : NULL;

	return value && value->kind == kind ? value : NULL;
}

const struct value *rule_limit(const struct value *arguments)
{
	return arguments && arguments->kind == VALUE_OBJECT ? value_get(arguments, "limit_value")
	                                                    : NULL;
}

void rule_tell(struct verdict *verdict, const char *name, struct str text)
{
	verdict->values[verdict->nvalues++] = (struct message_value){name, text, false};
}

static struct str number_text(struct arena *arena, int64_t n)
{
	return arena_printf(arena, "%lld", (long long)n);
}

static enum type_kind kind_of(const struct subject *subject)
{
	return subject->field->value_field->type->kind;
}

/* -- comparing with a limit ------------------------------------------------------ */

static int sign_of(int64_t n)
{
	return (n > 0) - (n < 0);
}

static int64_t digits_at(struct str text, size_t at, size_t n)
{
	int64_t number = 0;

	str_to_int(str_sub(text, at, n), &number);
	return number;
}

/* Days since a fixed day of the proleptic Gregorian calendar, years beginning in March. */
static int64_t day_number(int64_t year, int64_t month, int64_t day)
{
	if (month <= 2) {
		year--;
		month += 12;
	}
	return 365 * year + year / 4 - year / 100 + year / 400 + (153 * (month - 3) + 2) / 5 + day;
}

/* Of a moment as field_parse() writes it, "2026-07-02 16:44:20.5+02:00": its minutes in UTC, and
 * what stands between the minutes and the zone. */
static int64_t moment_minutes(struct str text, struct str *seconds)
{
	struct str zone = str_sub(text, text.n - 6, 6);
	int64_t distance = digits_at(zone, 1, 2) * 60 + digits_at(zone, 4, 2);
	int64_t days = day_number(digits_at(text, 0, 4), digits_at(text, 5, 2), digits_at(text, 8, 2));
	int64_t minutes = days * 1440 + digits_at(text, 11, 2) * 60 + digits_at(text, 14, 2);

	*seconds = str_sub(text, 16, text.n - 22);
	return zone.p[0] == '-' ? minutes + distance : minutes - distance;
}

static int compare_moments(struct str a, struct str b)
{
	struct str x, y;
	int64_t difference = moment_minutes(a, &x) - moment_minutes(b, &y);

	return difference ? sign_of(difference) : sign_of(str_cmp(x, y));
}

/* NaN is neither below nor above. */
static int compare_reals(struct str a, struct str b)
{
	double x = strtod(a.p, NULL), y = strtod(b.p, NULL);

	return (x > y) - (x < y);
}

/* <0, 0, >0 of the value and the limit; false when the two cannot be compared here. */
static bool compare_limit(const struct subject *subject, const struct value *limit, int *order)
{
	struct arena *arena = subject->validation->arena;
	struct decimal a, b;
	struct error scratch;
	struct str text;

	error_init(&scratch, arena);
	if (!field_parse(subject->field, limit, arena, &text, &scratch) || !text.p)
		return false;
	switch (kind_of(subject)) {
	case TYPE_FLOAT:
		*order = compare_reals(subject->text, text);
		return true;
	case TYPE_INTEGER:
	case TYPE_DECIMAL:
		if (!decimal_parse(arena, subject->text, &a) || !decimal_parse(arena, text, &b))
			return false;
		*order = decimal_compare(&a, &b);
		return true;
	case TYPE_DATETIME:
		*order = compare_moments(subject->text, text);
		return true;
	case TYPE_DATE:
	case TYPE_TIME:
	case TYPE_TEXT:
	case TYPE_UUID:
		*order = sign_of(str_cmp(subject->text, text));
		return true;
	case TYPE_BOOLEAN:
	case TYPE_INET:
	case TYPE_DURATION:
	case TYPE_BINARY:
	case TYPE_JSON:
	case TYPE_ARRAY:
	case TYPE_HSTORE:
	case TYPE_RANGE:
	case TYPE_RELATION:
		return false;
	}
	return false;
}

static bool holds_limit(const struct subject *subject, const struct value *arguments, int wrong,
                        struct verdict *verdict)
{
	const struct value *limit = rule_limit(arguments);
	int order;

	if (!limit || !compare_limit(subject, limit, &order))
		return true;
	rule_tell(verdict, "limit_value", message_of_value(subject->validation->arena, limit));
	rule_tell(verdict, "show_value", message_of_value(subject->validation->arena, subject->value));
	return order != wrong;
}

bool rule_min_value(const struct subject *subject, const struct value *arguments,
                    struct verdict *verdict)
{
	return holds_limit(subject, arguments, -1, verdict);
}

bool rule_max_value(const struct subject *subject, const struct value *arguments,
                    struct verdict *verdict)
{
	return holds_limit(subject, arguments, 1, verdict);
}

/* offset + n * step */
bool rule_step(const struct subject *subject, const struct value *arguments,
               struct verdict *verdict)
{
	struct arena *arena = subject->validation->arena;
	const struct value *step = rule_limit(arguments);
	const struct value *offset =
		arguments && arguments->kind == VALUE_OBJECT ? value_get(arguments, "offset") : NULL;
	struct decimal value, by, from;

	if (!step || !decimal_parse(arena, message_of_value(arena, step), &by) ||
	    !decimal_parse(arena, subject->text, &value))
		return true;
	rule_tell(verdict, "limit_value", message_of_value(arena, step));
	if (!offset || !decimal_parse(arena, message_of_value(arena, offset), &from))
		return decimal_is_multiple(&value, NULL, &by);
	verdict->message =
		"Ensure this value is a multiple of step size %(limit_value)s, starting from "
		"%(offset)s.";
	rule_tell(verdict, "offset", message_of_value(arena, offset));
	return decimal_is_multiple(&value, &from, &by);
}

/* -- length ---------------------------------------------------------------------- */

/* Characters of a text, items of an array. */
static int64_t length_of(const struct subject *subject)
{
	if (subject->value->kind == VALUE_LIST)
		return (int64_t)subject->value->list.n;
	return (int64_t)str_length_utf8(subject->text);
}

struct length_words {
	const char *one, *many;
};

static bool holds_length(const struct subject *subject, int64_t limit, bool is_upper,
                         const struct length_words *words, struct verdict *verdict)
{
	struct arena *arena = subject->validation->arena;
	int64_t length = length_of(subject);

	verdict->message = limit == 1 ? words->one : words->many;
	rule_tell(verdict, "limit_value", number_text(arena, limit));
	rule_tell(verdict, "show_value", number_text(arena, length));
	return is_upper ? length <= limit : length >= limit;
}

bool rule_min_length(const struct subject *subject, const struct value *arguments,
                     struct verdict *verdict)
{
	static const struct length_words words = {
		"Ensure this value has at least %(limit_value)d character (it has %(show_value)d).",
		"Ensure this value has at least %(limit_value)d characters (it has %(show_value)d)."};
	const struct value *limit = rule_limit(arguments);

	return !limit || limit->kind != VALUE_INT ||
	       holds_length(subject, limit->integer, false, &words, verdict);
}

static const struct length_words max_length_words = {
	"Ensure this value has at most %(limit_value)d character (it has %(show_value)d).",
	"Ensure this value has at most %(limit_value)d characters (it has %(show_value)d)."};

bool rule_max_length(const struct subject *subject, const struct value *arguments,
                     struct verdict *verdict)
{
	const struct value *limit = rule_limit(arguments);

	return !limit || limit->kind != VALUE_INT ||
	       holds_length(subject, limit->integer, true, &max_length_words, verdict);
}

/* The field's own max_length. */
bool rule_column_length(const struct subject *subject, const struct value *arguments,
                        struct verdict *verdict)
{
	(void)arguments;
	return subject->field->max_length < 0 ||
	       holds_length(subject, subject->field->max_length, true, &max_length_words, verdict);
}

bool rule_array_min_length(const struct subject *subject, const struct value *arguments,
                           struct verdict *verdict)
{
	static const struct length_words words = {
		"List contains %(show_value)d item, it should contain no fewer than %(limit_value)d.",
		"List contains %(show_value)d items, it should contain no fewer than %(limit_value)d."};
	const struct value *limit = rule_limit(arguments);

	if (!limit || limit->kind != VALUE_INT ||
	    holds_length(subject, limit->integer, false, &words, verdict))
		return true;
	verdict->message = length_of(subject) == 1 ? words.one : words.many;
	return false;
}

static const struct length_words array_max_words = {
	"List contains %(show_value)d item, it should contain no more than %(limit_value)d.",
	"List contains %(show_value)d items, it should contain no more than %(limit_value)d."};

static bool holds_array_max(const struct subject *subject, int64_t limit, struct verdict *verdict)
{
	if (holds_length(subject, limit, true, &array_max_words, verdict))
		return true;
	verdict->message = length_of(subject) == 1 ? array_max_words.one : array_max_words.many;
	return false;
}

bool rule_array_max_length(const struct subject *subject, const struct value *arguments,
                           struct verdict *verdict)
{
	const struct value *limit = rule_limit(arguments);

	return !limit || limit->kind != VALUE_INT || holds_array_max(subject, limit->integer, verdict);
}

/* The size of an ArrayField. */
bool rule_array_size(const struct subject *subject, const struct value *arguments,
                     struct verdict *verdict)
{
	(void)arguments;
	return subject->field->array_size < 0 ||
	       holds_array_max(subject, subject->field->array_size, verdict);
}

/* -- digits ---------------------------------------------------------------------- */

static bool is_within(struct arena *arena, int64_t n, int64_t max, const struct length_words *words,
                      const char *code, struct verdict *verdict)
{
	if (max < 0 || n <= max)
		return true;
	verdict->message = max == 1 ? words->one : words->many;
	verdict->code = code;
	rule_tell(verdict, "max", number_text(arena, max));
	return false;
}

static bool holds_digits(const struct subject *subject, int64_t max_digits, int64_t decimal_places,
                         struct verdict *verdict)
{
	static const struct length_words total = {
		"Ensure that there are no more than %(max)s digit in total.",
		"Ensure that there are no more than %(max)s digits in total."};
	static const struct length_words places = {
		"Ensure that there are no more than %(max)s decimal place.",
		"Ensure that there are no more than %(max)s decimal places."};
	static const struct length_words before = {
		"Ensure that there are no more than %(max)s digit before the decimal point.",
		"Ensure that there are no more than %(max)s digits before the decimal point."};
	struct arena *arena = subject->validation->arena;
	struct decimal d;

	if (!decimal_parse(arena, subject->text, &d))
		return false;
	int64_t decimals = d.exponent < 0 ? -d.exponent : 0;
	int64_t digits = (int64_t)d.digits.n;
	if (d.exponent > 0 && !str_eq(d.digits, STR("0")))
		digits += d.exponent;
	if (decimals > digits)
		digits = decimals;
	if (!is_within(arena, digits, max_digits, &total, "max_digits", verdict) ||
	    !is_within(arena, decimals, decimal_places, &places, "max_decimal_places", verdict))
		return false;
	int64_t whole = max_digits < 0 || decimal_places < 0 ? -1 : max_digits - decimal_places;
	return is_within(arena, digits - decimals, whole, &before, "max_whole_digits", verdict);
}

static int64_t integer_argument(const struct value *arguments, const char *name)
{
	const struct value *value = rule_argument(arguments, name, VALUE_INT);

	return value ? value->integer : -1;
}

bool rule_decimal(const struct subject *subject, const struct value *arguments,
                  struct verdict *verdict)
{
	return holds_digits(subject, integer_argument(arguments, "max_digits"),
	                    integer_argument(arguments, "decimal_places"), verdict);
}

/* The field's own max_digits and decimal_places. */
bool rule_column_digits(const struct subject *subject, const struct value *arguments,
                        struct verdict *verdict)
{
	(void)arguments;
	return holds_digits(subject, subject->field->max_digits, subject->field->decimal_places,
	                    verdict);
}
