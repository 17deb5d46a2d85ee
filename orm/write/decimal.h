/* Exact decimal numbers as text: sign, digits, exponent.  For counting digits and
 * comparing; hardly any arithmetic.
 */
#ifndef QUERN_WRITE_DECIMAL_H
#define QUERN_WRITE_DECIMAL_H

#include "orm/base/arena.h"

struct decimal {
	bool is_negative;
	struct str digits; /* without leading zeros; "0" for zero */
	int64_t exponent;  /* the value is digits * 10^exponent, as Decimal.as_tuple() has it */
};

/* "-12.50", "1e3"; false for anything else, NaN and Infinity too. */
bool decimal_parse(struct arena *arena, struct str text, struct decimal *decimal);
/* <0, 0, >0. */
int decimal_compare(const struct decimal *a, const struct decimal *b);
/* Whether a - offset (NULL: 0) is a whole multiple of step; true also when the numbers are too long for
 * a word, or step is zero. */
bool decimal_is_multiple(const struct decimal *a, const struct decimal *offset,
                         const struct decimal *step);

#endif
