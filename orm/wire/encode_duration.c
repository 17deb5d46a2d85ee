/* Intervals: PostgreSQL signs each part by itself ("P-1DT1H"), ISO 8601's readers expect one sign for all ("-PT23H"). */
#include "orm/wire/encode_nested.h"

#define MICROS 1000000LL

/* Digits behind the point as microseconds. */
static int64_t read_fraction(struct str text, size_t *at)
{
	int64_t micros = 0, unit = MICROS / 10;

	for (++*at; *at < text.n && text.p[*at] >= '0' && text.p[*at] <= '9'; ++*at) {
		micros += (text.p[*at] - '0') * unit;
		unit /= 10;
	}
	return micros;
}

/* Seconds of a unit; 0 for months and years. */
static int64_t unit_length(char letter, bool is_time)
{
	switch (letter) {
	case 'D':
		return 86400;
	case 'H':
		return 3600;
	case 'M':
		return is_time ? 60 : 0;
	case 'S':
		return 1;
	default:
		return 0;
	}
}

/* The whole as microseconds; false where a part has no fixed length. */
static bool read_interval(struct str text, int64_t *total)
{
	bool is_time = false;

	*total = 0;
	for (size_t at = 1; at < text.n; at++) {
		bool is_negative = text.p[at] == '-';
		int64_t whole = 0, micros = 0, length;

		if (text.p[at] == 'T') {
			is_time = true;
			continue;
		}
		for (at += is_negative; at < text.n && text.p[at] >= '0' && text.p[at] <= '9'; at++)
			whole = whole * 10 + (text.p[at] - '0');
		if (at < text.n && text.p[at] == '.')
			micros = read_fraction(text, &at);
		length = at < text.n ? unit_length(text.p[at], is_time) : 0;
		if (length == 0 || __builtin_mul_overflow(whole, length * MICROS, &whole))
			return false;
		whole += micros;
		if (__builtin_add_overflow(*total, is_negative ? -whole : whole, total))
			return false;
	}
	return *total > INT64_MIN;
}

static void add_part(int64_t number, char letter, struct buf *out)
{
	if (number == 0)
		return;
	buf_add_int(out, number);
	buf_add_char(out, letter);
}

static void add_seconds(int64_t micros, struct buf *out)
{
	int64_t fraction = micros % MICROS;
	unsigned digits = 6;

	if (micros == 0)
		return;
	buf_add_int(out, micros / MICROS);
	for (; fraction != 0 && fraction % 10 == 0; digits--)
		fraction /= 10;
	if (fraction != 0)
		buf_printf(out, ".%0*lld", (int)digits, (long long)fraction);
	buf_add_char(out, 'S');
}

static void add_interval(int64_t total, struct buf *out)
{
	int64_t micros = total < 0 ? -total : total;
	int64_t time = micros % (86400 * MICROS);

	if (total < 0)
		buf_add_char(out, '-');
	buf_add_char(out, 'P');
	add_part(micros / (86400 * MICROS), 'D', out);
	if (time != 0 || micros == 0)
		buf_add_char(out, 'T');
	if (micros == 0)
		BUF_LIT(out, "0S");
	add_part(time / (3600 * MICROS), 'H', out);
	add_part(time / (60 * MICROS) % 60, 'M', out);
	add_seconds(time % (60 * MICROS), out);
}

void encode_duration(struct str text, struct buf *out)
{
	int64_t total = 0;
	bool has_sign = memchr(text.p, '-', text.n) != NULL;

	buf_add_char(out, '"');
	if (has_sign && read_interval(text, &total))
		add_interval(total, out);
	else
		buf_add(out, text);
	buf_add_char(out, '"');
}
