/* Borrowed text: a pointer and a length, not necessarily ended by NUL.
 *
 * A struct str never owns its bytes; it is valid as long as the arena, buffer
 * or constant that it was cut from.  Text is UTF-8 and may not hold NUL once it
 * has passed the decoders.
 */
#ifndef QUERN_BASE_STR_H
#define QUERN_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

/* A struct str of a string literal; does not compile for a variable. */
#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
/* The same as an initialiser for static tables. */
#define STR_INIT(literal) {"" literal, sizeof(literal) - 1}
/* Arguments for "%.*s". */
#define STR_ARG(s) (int)(s).n, (s).p

/* As memcpy(), but nothing may be copied from or to nowhere: an empty list or text has no address. */
static inline void copy_bytes(void *to, const void *from, size_t n)
{
	if (n)
		memcpy(to, from, n);
}

/* A view of a C string; NULL gives the empty view with p == NULL. */
static inline struct str str_of(const char *text)
{
	return (struct str){text, text ? strlen(text) : 0};
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* In tables of names the first character tells most apart. */
static inline bool str_is(struct str a, const char *text)
{
	if (a.n > 0 && text && a.p[0] != text[0])
		return false;
	return str_eq(a, str_of(text));
}

/* ASCII letters compared without case. */
bool str_eq_nocase(struct str a, struct str b);
/* <0, 0, >0 by bytes. */
int str_cmp(struct str a, struct str b);
/* The same, A-Z taken as a-z. */
int str_cmp_nocase(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* Index of the first occurrence, or -1. */
ptrdiff_t str_find(struct str s, struct str needle);
/* The part of s before the first `sep`, which is removed from *rest together with
 * the separator; *rest has p == NULL when nothing is left. */
struct str str_cut(struct str *rest, struct str sep);
struct str str_trim(struct str s);
struct str str_sub(struct str s, size_t from, size_t n);
/* Seeded by chance at start: differs from process to process, so it is never stored or
 * sent, and no order may depend on it. */
uint64_t str_hash(struct str s);
/* Whole text as a decimal integer in the range of int64; false otherwise. */
bool str_to_int(struct str s, int64_t *out);
/* Whether the text is well-formed UTF-8 (no surrogates, no overlong forms). */
bool str_is_utf8(struct str s);
/* Bytes of the longest well-formed beginning. */
size_t str_utf8_prefix(struct str s);
/* Number of code points of well-formed UTF-8. */
size_t str_length_utf8(struct str s);
/* Edit distance (Damerau-Levenshtein, optimal string alignment) for suggestions; texts
 * of more than 128 bytes count as wholly different. */
unsigned str_distance(struct str a, struct str b);

#endif
