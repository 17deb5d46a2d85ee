/* Decimal numbers taken apart.  Exponents are bounded when a number is parsed, so
 * that what walks over them ends.
 */
#include "orm/write/decimal.h"

/* As far as numeric goes in PostgreSQL, and a little further. */
#define EXPONENT_MAX 200000

static size_t skip_digits(struct str text, size_t at)
{
	while (at < text.n && text.p[at] >= '0' && text.p[at] <= '9')
		at++;
	return at;
}

static struct str strip_zeros(struct str digits)
{
	while (digits.n > 1 && digits.p[0] == '0')
		digits = str_sub(digits, 1, digits.n - 1);
	return digits;
}

static bool read_exponent(struct str text, int64_t *exponent)
{
	if (text.n && text.p[0] == '+')
		text = str_sub(text, 1, text.n - 1);
	return str_to_int(text, exponent) && *exponent <= EXPONENT_MAX && *exponent >= -EXPONENT_MAX;
}

bool decimal_parse(struct arena *arena, struct str text, struct decimal *decimal)
{
	size_t at = 0;

	decimal->is_negative = text.n && text.p[0] == '-';
	if (text.n && (text.p[0] == '-' || text.p[0] == '+'))
		at = 1;
	size_t whole_end = skip_digits(text, at);
	struct str whole = str_sub(text, at, whole_end - at);
	struct str fraction = {"", 0};
	at = whole_end;
	if (at < text.n && text.p[at] == '.') {
		size_t end = skip_digits(text, at + 1);
		fraction = str_sub(text, at + 1, end - at - 1);
		at = end;
	}
	if (!whole.n && !fraction.n)
		return false;
	int64_t exponent = 0;
	if (at < text.n && (text.p[at] == 'e' || text.p[at] == 'E')) {
		if (!read_exponent(str_sub(text, at + 1, text.n - at - 1), &exponent))
			return false;
		at = text.n;
	}
	if (at != text.n)
		return false;
	decimal->digits = strip_zeros(arena_concat(arena, whole, fraction));
	decimal->exponent = exponent - (int64_t)fraction.n;
	return true;
}

static bool is_zero(const struct decimal *d)
{
	return d->digits.n == 1 && d->digits.p[0] == '0';
}

/* The digit that stands for 10^place. */
static char digit_at(const struct decimal *d, int64_t place)
{
	int64_t from_right = place - d->exponent;

	if (from_right < 0 || from_right >= (int64_t)d->digits.n)
		return '0';
	return d->digits.p[d->digits.n - 1 - (size_t)from_right];
}

static int64_t top_place(const struct decimal *d)
{
	return d->exponent + (int64_t)d->digits.n - 1;
}

static int compare_size(const struct decimal *a, const struct decimal *b)
{
	if (is_zero(a) || is_zero(b))
		return (int)is_zero(b) - (int)is_zero(a);
	if (top_place(a) != top_place(b))
		return top_place(a) < top_place(b) ? -1 : 1;
	int64_t low = a->exponent < b->exponent ? a->exponent : b->exponent;
	for (int64_t place = top_place(a); place >= low; place--) {
		char x = digit_at(a, place), y = digit_at(b, place);
		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

int decimal_compare(const struct decimal *a, const struct decimal *b)
{
	bool a_below = a->is_negative && !is_zero(a), b_below = b->is_negative && !is_zero(b);

	if (a_below != b_below)
		return a_below ? -1 : 1;
	return a_below ? compare_size(b, a) : compare_size(a, b);
}

/* The digits down to 10^low as a whole number; false when it does not fit. */
static bool scale(const struct decimal *d, int64_t low, int64_t *out)
{
	*out = 0;
	if (is_zero(d))
		return true;
	for (int64_t place = top_place(d); place >= low; place--)
		if (__builtin_mul_overflow(*out, 10, out) ||
		    __builtin_add_overflow(*out, digit_at(d, place) - '0', out))
			return false;
	if (d->is_negative)
		*out = -*out;
	return true;
}

bool decimal_is_multiple(const struct decimal *a, const struct decimal *offset,
                         const struct decimal *step)
{
	static const struct decimal zero = {false, STR_INIT("0"), 0};
	int64_t low = a->exponent < step->exponent ? a->exponent : step->exponent;
	int64_t x, y, by;

	if (!offset)
		offset = &zero;
	if (offset->exponent < low)
		low = offset->exponent;
	if (!scale(a, low, &x) || !scale(offset, low, &y) || !scale(step, low, &by) || by == 0 ||
	    __builtin_sub_overflow(x, y, &x))
		return true;
	return x % by == 0;
}
