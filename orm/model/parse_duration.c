/* Durations: ISO 8601 ("P1DT2H3.5S") and Django's own form ("1 02:03:04.5"), as a PostgreSQL interval
 * of days and seconds of one sign.
 */
#include "orm/model/parse.h"

#include <inttypes.h>
#include <stdlib.h>

/* Longest duration: keeps every sum of microseconds within int64, and is 270,000 years. */
#define DAYS_MAX INT64_C(100000000)
#define DAY_MICROS INT64_C(86400000000)
enum { DIGITS_MAX = 12 };

struct reader {
	struct str s;
	size_t at;
};

static char peek(const struct reader *r)
{
	return r->at < r->s.n ? r->s.p[r->at] : 0;
}

static bool read_char(struct reader *r, char c)
{
	if (peek(r) != c || c == 0)
		return false;
	r->at++;
	return true;
}

/* Digits with an optional fraction, in millionths. */
static bool read_number(struct reader *r, int64_t *micros, bool *has_fraction)
{
	size_t from = r->at;
	int64_t whole = 0, fraction = 0;
	for (; peek(r) >= '0' && peek(r) <= '9'; r->at++)
		whole = whole < INT64_C(1000000000000) ? whole * 10 + (peek(r) - '0') : whole;
	if (r->at == from || r->at - from > DIGITS_MAX)
		return false;
	*has_fraction = read_char(r, '.') || read_char(r, ',');
	size_t behind = r->at;
	for (int64_t unit = 100000; peek(r) >= '0' && peek(r) <= '9'; r->at++, unit /= 10)
		fraction += unit * (peek(r) - '0');
	*micros = whole * 1000000 + fraction;
	return !*has_fraction || r->at > behind;
}

/* Adds number (in millionths of a unit) times the unit's seconds; false beyond the longest. */
static bool add_units(int64_t *total, int64_t micros, int64_t unit_seconds)
{
	int64_t part;
	if (__builtin_mul_overflow(micros, unit_seconds, &part) ||
	    __builtin_add_overflow(*total, part, total))
		return false;
	return llabs(*total) <= DAYS_MAX * DAY_MICROS;
}

struct unit {
	char letter;
	int64_t seconds;
};

static const struct unit date_units[] = {{'W', 604800}, {'D', 86400}, {0, 0}};
static const struct unit time_units[] = {{'H', 3600}, {'M', 60}, {'S', 1}, {0, 0}};

/* A row of numbers with their units, each at most once and in order; *n counts them.  PostgreSQL signs
 * each number by itself ("P-1DT-2H"). */
static bool read_units(struct reader *r, const struct unit *units, int64_t *total, unsigned *n)
{
	while ((peek(r) >= '0' && peek(r) <= '9') || peek(r) == '-') {
		int64_t micros;
		bool has_fraction;
		bool is_negative = read_char(r, '-');
		if (!read_number(r, &micros, &has_fraction))
			return false;
		while (units->letter && units->letter != peek(r))
			units++;
		if (!units->letter || !add_units(total, is_negative ? -micros : micros, units->seconds))
			return false;
		units++;
		r->at++;
		++*n;
	}
	return true;
}

/* [+-]P[nW][nD][T[nH][nM][nS]], the sign before P for all of it. */
static bool read_iso(struct str s, int64_t *total)
{
	struct reader r = {s, 0};
	unsigned n = 0;
	bool is_negative = read_char(&r, '-');
	if (!is_negative)
		read_char(&r, '+');
	if (!read_char(&r, 'P') || !read_units(&r, date_units, total, &n))
		return false;
	if (read_char(&r, 'T')) {
		unsigned before = n;
		if (!read_units(&r, time_units, total, &n) || n == before)
			return false;
	}
	if (is_negative)
		*total = -*total;
	return n > 0 && r.at == s.n;
}

/* "1 ", "-1 day, ", "2 days " before the clock; what is no count of days is left alone. */
static bool read_days(struct reader *r, int64_t *days, bool *is_negative)
{
	struct reader start = *r;
	bool has_fraction;
	*days = 0;
	*is_negative = read_char(r, '-');
	if (read_number(r, days, &has_fraction) && !has_fraction && read_char(r, ' ')) {
		static const char *const words[] = {"days, ", "days ", "day, ", "day "};
		for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
			struct str word = str_of(words[i]);
			if (str_starts(str_sub(r->s, r->at, r->s.n - r->at), word)) {
				r->at += word.n;
				break;
			}
		}
		return true;
	}
	*r = start;
	*days = 0;
	*is_negative = false;
	return false;
}

/* [[hh:]mm:]ss[.ffffff], the sign before all of it. */
static bool read_clock(struct reader *r, int64_t *total)
{
	int64_t parts[3];
	bool has_fraction = false;
	unsigned n = 0;
	do {
		if (n == 3 || has_fraction || !read_number(r, &parts[n++], &has_fraction))
			return false;
	} while (read_char(r, ':'));
	static const int64_t seconds[] = {3600, 60, 1};
	for (unsigned i = 0; i < n; i++)
		if (!add_units(total, parts[i], seconds[3 - n + i]))
			return false;
	return r->at == r->s.n;
}

/* "[days ]clock", days and clock each with a sign of its own ("-1 day, 2:00:00" is minus 22 hours). */
static bool read_django(struct str s, int64_t *total)
{
	struct reader r = {s, 0};
	int64_t days, days_total = 0, clock_total = 0;
	bool is_days_negative;
	read_days(&r, &days, &is_days_negative);
	if (!add_units(&days_total, days, 86400))
		return false;
	bool is_negative = read_char(&r, '-');
	if (!read_clock(&r, &clock_total))
		return false;
	*total =
		(is_days_negative ? -days_total : days_total) + (is_negative ? -clock_total : clock_total);
	return llabs(*total) <= DAYS_MAX * DAY_MICROS;
}

bool parse_duration(const struct field *field, const struct value *value, struct arena *arena,
                    struct str *text, struct error *error)
{
	int64_t total = 0;
	struct str s = value->kind == VALUE_TEXT ? str_trim(value->text) : STR("");
	bool is_good = read_iso(s, &total);
	if (!is_good) {
		total = 0;
		is_good = read_django(s, &total);
	}
	if (!is_good)
		return parse_fail(field, value, error, field->value_field->type->description);
	const char *sign = total < 0 ? "-" : "";
	int64_t size = llabs(total);
	*text = arena_printf(arena, "%s%" PRId64 " days %s%" PRId64 ".%06" PRId64 " seconds", sign,
	                     size / DAY_MICROS, sign, size % DAY_MICROS / 1000000, size % 1000000);
	return true;
}
