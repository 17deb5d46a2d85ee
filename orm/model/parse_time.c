/* Dates, times and both together, ISO 8601 strictly: what passes here PostgreSQL takes as it is. */
#include "orm/model/parse.h"

/* A text read from the left. */
struct reader {
	struct str s;
	size_t at;
};

struct day {
	int year, month, day;
};

struct clock {
	int hour, minute, second;
	struct str fraction; /* digits, at most six */
};

static bool read_digits(struct reader *r, unsigned n, int *out)
{
	*out = 0;
	for (unsigned i = 0; i < n; i++, r->at++) {
		if (r->at >= r->s.n || r->s.p[r->at] < '0' || r->s.p[r->at] > '9')
			return false;
		*out = *out * 10 + (r->s.p[r->at] - '0');
	}
	return true;
}

static bool read_char(struct reader *r, char c)
{
	if (r->at >= r->s.n || r->s.p[r->at] != c)
		return false;
	r->at++;
	return true;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_of_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

static bool read_day(struct reader *r, struct day *d)
{
	if (!read_digits(r, 4, &d->year) || !read_char(r, '-') || !read_digits(r, 2, &d->month) ||
	    !read_char(r, '-') || !read_digits(r, 2, &d->day))
		return false;
	return d->year >= 1 && d->month >= 1 && d->month <= 12 && d->day >= 1 &&
	       d->day <= days_of_month(d->year, d->month);
}

/* Digits behind the seconds; beyond microseconds they are dropped, as Django does. */
static bool read_fraction(struct reader *r, struct str *fraction)
{
	size_t from = r->at;
	while (r->at < r->s.n && r->s.p[r->at] >= '0' && r->s.p[r->at] <= '9')
		r->at++;
	size_t n = r->at - from;
	*fraction = str_sub(r->s, from, n > 6 ? 6 : n);
	return n > 0 && n <= 12;
}

/* HH:MM[:SS[.ffffff]] */
static bool read_clock(struct reader *r, struct clock *c)
{
	*c = (struct clock){.fraction = STR("")};
	if (!read_digits(r, 2, &c->hour) || !read_char(r, ':') || !read_digits(r, 2, &c->minute))
		return false;
	if (read_char(r, ':')) {
		if (!read_digits(r, 2, &c->second))
			return false;
		if ((read_char(r, '.') || read_char(r, ',')) && !read_fraction(r, &c->fraction))
			return false;
	}
	return c->hour < 24 && c->minute < 60 && c->second < 60;
}

/* Z, ±hh, ±hhmm, ±hh:mm or nothing (UTC), in minutes; PostgreSQL takes less than 16 hours. */
static bool read_zone(struct reader *r, int *minutes)
{
	int hour = 0, minute = 0;
	*minutes = 0;
	if (r->at == r->s.n)
		return true;
	if (read_char(r, 'Z') || read_char(r, 'z'))
		return r->at == r->s.n;
	bool is_negative = read_char(r, '-');
	if (!is_negative && !read_char(r, '+'))
		return false;
	if (!read_digits(r, 2, &hour))
		return false;
	if (r->at < r->s.n) {
		read_char(r, ':');
		if (!read_digits(r, 2, &minute))
			return false;
	}
	*minutes = (hour * 60 + minute) * (is_negative ? -1 : 1);
	return r->at == r->s.n && hour < 16 && minute < 60;
}

static char *put_two(char *p, int number)
{
	*p++ = (char)('0' + number / 10);
	*p++ = (char)('0' + number % 10);
	return p;
}

/* CLOCK_BYTES and the fraction. */
static char *put_clock(char *p, const struct clock *c)
{
	p = put_two(p, c->hour);
	*p++ = ':';
	p = put_two(p, c->minute);
	*p++ = ':';
	p = put_two(p, c->second);
	if (c->fraction.n == 0)
		return p;
	*p++ = '.';
	memcpy(p, c->fraction.p, c->fraction.n);
	return p + c->fraction.n;
}
#define CLOCK_BYTES (sizeof "00:00:00.")
#define DAY_AND_ZONE_BYTES (sizeof "0000-00-00 +00:00")

bool parse_date(const struct field *field, const struct value *value, struct arena *arena,
                struct str *text, struct error *error)
{
	struct day day;
	struct reader r = {value->kind == VALUE_TEXT ? value->text : STR(""), 0};
	if (!read_day(&r, &day) || r.at != r.s.n)
		return parse_fail(field, value, error, field->value_field->type->description);
	*text = arena_str(arena, r.s);
	return true;
}

bool parse_time(const struct field *field, const struct value *value, struct arena *arena,
                struct str *text, struct error *error)
{
	struct clock clock;
	struct reader r = {value->kind == VALUE_TEXT ? value->text : STR(""), 0};
	if (!read_clock(&r, &clock) || r.at != r.s.n)
		return parse_fail(field, value, error, field->value_field->type->description);
	char *start = arena_alloc(arena, CLOCK_BYTES + clock.fraction.n);
	*text = (struct str){start, (size_t)(put_clock(start, &clock) - start)};
	return true;
}

/* A date alone is its midnight, as in Django. */
static bool read_datetime(struct reader *r, struct day *day, struct clock *clock, int *zone)
{
	*clock = (struct clock){.fraction = STR("")};
	*zone = 0;
	if (!read_day(r, day))
		return false;
	if (r->at == r->s.n)
		return true;
	if (!read_char(r, 'T') && !read_char(r, 't') && !read_char(r, ' '))
		return false;
	return read_clock(r, clock) && read_zone(r, zone);
}

bool parse_datetime(const struct field *field, const struct value *value, struct arena *arena,
                    struct str *text, struct error *error)
{
	struct day day;
	struct clock clock;
	int zone;
	struct reader r = {value->kind == VALUE_TEXT ? value->text : STR(""), 0};
	if (!read_datetime(&r, &day, &clock, &zone))
		return parse_fail(field, value, error, field->value_field->type->description);
	int distance = zone < 0 ? -zone : zone;
	char *start = arena_alloc(arena, DAY_AND_ZONE_BYTES + CLOCK_BYTES + clock.fraction.n);
	char *p = put_two(put_two(start, day.year / 100), day.year % 100);
	*p++ = '-';
	p = put_two(p, day.month);
	*p++ = '-';
	p = put_two(p, day.day);
	*p++ = ' ';
	p = put_clock(p, &clock);
	*p++ = zone < 0 ? '-' : '+';
	p = put_two(p, distance / 60);
	*p++ = ':';
	p = put_two(p, distance % 60);
	*text = (struct str){start, (size_t)(p - start)};
	return true;
}
