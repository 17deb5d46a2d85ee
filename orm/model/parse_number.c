/* Numbers and booleans as text of a parameter.
 *
 * A number may come as a JSON number or as a string; a decimal that JSON's doubles cannot hold exactly
 * must come as a string, so that no digit is lost unseen.
 */
#include "orm/model/parse.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Longest text and largest exponent of a number: far beyond any column, far below what would cost the
 * database work. */
enum { NUMBER_TEXT_MAX = 1000, EXPONENT_MAX = 1000 };

/* Where the digits from `at` end. */
static size_t skip_digits(struct str s, size_t at)
{
	while (at < s.n && s.p[at] >= '0' && s.p[at] <= '9')
		at++;
	return at;
}

static size_t skip_sign(struct str s, size_t at)
{
	return at < s.n && (s.p[at] == '+' || s.p[at] == '-') ? at + 1 : at;
}

/* Whether the rest from `at` is nothing or an exponent within bounds. */
static bool ends_as_exponent(struct str s, size_t at)
{
	if (at == s.n)
		return true;
	if (s.p[at] != 'e' && s.p[at] != 'E')
		return false;
	int64_t exponent;
	size_t digits = skip_sign(s, at + 1);
	size_t end = skip_digits(s, digits);
	if (end == digits || end != s.n)
		return false;
	return str_to_int(str_sub(s, digits, end - digits), &exponent) && exponent <= EXPONENT_MAX;
}

/* [+-]digits[.digits][e[+-]digits], with at least one digit before the exponent. */
static bool is_decimal_text(struct str s)
{
	if (s.n > NUMBER_TEXT_MAX)
		return false;
	size_t whole = skip_sign(s, 0);
	size_t at = skip_digits(s, whole);
	size_t digits = at - whole;
	if (at < s.n && s.p[at] == '.') {
		size_t end = skip_digits(s, at + 1);
		digits += end - at - 1;
		at = end;
	}
	return digits > 0 && ends_as_exponent(s, at);
}

/* As Python's int() reads it: space around, a plus sign. */
static bool text_to_int(struct str s, int64_t *out)
{
	s = str_trim(s);
	if (s.n > 1 && s.p[0] == '+' && isdigit((unsigned char)s.p[1]))
		s = str_sub(s, 1, s.n - 1);
	return str_to_int(s, out);
}

static bool is_integer_text(struct str s)
{
	s = str_trim(s);
	size_t from = skip_sign(s, 0);
	return s.n > from && skip_digits(s, from) == s.n;
}

static bool value_to_int(const struct value *value, int64_t *out)
{
	if (value->kind == VALUE_INT) {
		*out = value->integer;
		return true;
	}
	if (value->kind == VALUE_TEXT)
		return text_to_int(value->text, out);
	if (value->kind != VALUE_REAL || value->real != floor(value->real) ||
	    fabs(value->real) > 9007199254740992.0)
		return false;
	*out = (int64_t)value->real;
	return true;
}

/* What the column's type can hold, told by its OID. */
static void column_range(const struct field *field, int64_t *min, int64_t *max)
{
	enum { INT2 = 21, INT4 = 23 };
	unsigned oid = field->value_field->type->oid;
	*min = oid == INT2 ? INT16_MIN : oid == INT4 ? INT32_MIN : INT64_MIN;
	*max = oid == INT2 ? INT16_MAX : oid == INT4 ? INT32_MAX : INT64_MAX;
}

static bool out_of_range(const struct field *field, const struct value *value, struct error *error)
{
	int64_t min, max;
	char range[80];
	column_range(field, &min, &max);
	snprintf(range, sizeof range, "an integer between %" PRId64 " and %" PRId64, min, max);
	return parse_fail(field, value, error, range);
}

bool parse_integer(const struct field *field, const struct value *value, struct arena *arena,
                   struct str *text, struct error *error)
{
	int64_t number, min, max;
	column_range(field, &min, &max);
	if (!value_to_int(value, &number)) {
		bool is_too_large = value->kind == VALUE_TEXT && is_integer_text(value->text);
		return is_too_large ? out_of_range(field, value, error)
		                    : parse_fail(field, value, error, "an integer");
	}
	if (number < min || number > max)
		return out_of_range(field, value, error);
	*text = arena_int(arena, number);
	return true;
}

/* NaN and the infinities, as PostgreSQL writes them; p == NULL for other texts. */
static struct str special_float(struct str s)
{
	static const struct {
		const char *name, *text;
	} specials[] = {
		{"nan", "NaN"},
		{"inf", "Infinity"},
		{"infinity", "Infinity"},
		{"-inf", "-Infinity"},
		{"-infinity", "-Infinity"},
		{"+inf", "Infinity"},
		{"+infinity", "Infinity"},
	};
	for (size_t i = 0; i < sizeof specials / sizeof *specials; i++)
		if (str_eq_nocase(s, str_of(specials[i].name)))
			return str_of(specials[i].text);
	return (struct str){NULL, 0};
}

static bool parse_float_text(const struct field *field, const struct value *value,
                             struct arena *arena, struct str *text, struct error *error)
{
	struct str s = str_trim(value->text);
	*text = special_float(s);
	if (text->p)
		return true;
	if (!is_decimal_text(s))
		return parse_fail(field, value, error, "a number");
	double number = strtod(arena_cstr(arena, s), NULL);
	if (!isfinite(number))
		return parse_fail(field, value, error, "a number that a double can hold");
	*text = real_to_text(arena, number);
	return true;
}

bool parse_float(const struct field *field, const struct value *value, struct arena *arena,
                 struct str *text, struct error *error)
{
	if (value->kind == VALUE_TEXT)
		return parse_float_text(field, value, arena, text, error);
	if (value->kind != VALUE_INT && value->kind != VALUE_REAL)
		return parse_fail(field, value, error, "a number");
	*text = value->kind == VALUE_INT ? arena_int(arena, value->integer)
	                                 : real_to_text(arena, value->real);
	return true;
}

/* Significant digits of a number's text, up to its exponent. */
static unsigned significant_digits(struct str s)
{
	unsigned n = 0, zeros = 0;
	for (size_t i = 0; i < s.n && s.p[i] != 'e' && s.p[i] != 'E'; i++) {
		if (s.p[i] == '0' && n == 0)
			continue;
		if (s.p[i] == '0')
			zeros++;
		else if (s.p[i] >= '1' && s.p[i] <= '9') {
			n += zeros + 1;
			zeros = 0;
		}
	}
	return n;
}

/* Every decimal of at most 15 digits has a double of its own; beyond, digits may have been lost before
 * we saw the number. */
static bool parse_decimal_real(const struct field *field, const struct value *value,
                               struct arena *arena, struct str *text, struct error *error)
{
	enum { EXACT_DIGITS = 15 };
	*text = real_to_text(arena, value->real);
	if (significant_digits(*text) > EXACT_DIGITS)
		return parse_fail(field, value, error,
		                  "a decimal number that is exact: write it as a string");
	return true;
}

bool parse_decimal(const struct field *field, const struct value *value, struct arena *arena,
                   struct str *text, struct error *error)
{
	if (value->kind == VALUE_REAL)
		return parse_decimal_real(field, value, arena, text, error);
	if (value->kind == VALUE_INT) {
		*text = arena_int(arena, value->integer);
		return true;
	}
	if (value->kind != VALUE_TEXT || !is_decimal_text(str_trim(value->text)))
		return parse_fail(field, value, error, "a decimal number such as \"12.50\"");
	*text = arena_str(arena, str_trim(value->text));
	return true;
}

bool parse_boolean(const struct field *field, const struct value *value, struct arena *arena,
                   struct str *text, struct error *error)
{
	(void)arena;
	bool is_true = value->kind == VALUE_BOOL && value->boolean;
	bool is_false = value->kind == VALUE_BOOL && !value->boolean;
	if (value->kind == VALUE_TEXT && value->is_loose) {
		struct str s = value->text;
		is_true = str_is(s, "true") || str_is(s, "True") || str_is(s, "1");
		is_false = str_is(s, "false") || str_is(s, "False") || str_is(s, "0");
	}
	if (!is_true && !is_false)
		return parse_fail(field, value, error, "true or false");
	*text = is_true ? STR("t") : STR("f");
	return true;
}
