/* Borrowed text: comparing, cutting, reading.  Allocates nothing. */
#include "orm/base/str.h"

#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

/* Longest text that str_distance() compares; names are far below it. */
#define DISTANCE_MAX 128

static uint64_t hash_seed;

/* Keys come from clients too (primary keys that rows are stitched by), so where
 * they land must not be foreseeable. */
__attribute__((constructor)) static void seed_hash(void)
{
	if (getrandom(&hash_seed, sizeof hash_seed, GRND_NONBLOCK) != sizeof hash_seed)
		hash_seed = (uint64_t)(uintptr_t)&hash_seed ^ ((uint64_t)getpid() << 32);
}

static char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool str_eq_nocase(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (to_lower(a.p[i]) != to_lower(b.p[i]))
			return false;
	return true;
}

int str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;
	if (order)
		return order;
	return (a.n > b.n) - (a.n < b.n);
}

int str_cmp_nocase(struct str a, struct str b)
{
	for (size_t i = 0; i < a.n && i < b.n; i++) {
		int order = (unsigned char)to_lower(a.p[i]) - (unsigned char)to_lower(b.p[i]);
		if (order != 0)
			return order;
	}
	return (a.n > b.n) - (a.n < b.n);
}

bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq((struct str){s.p, prefix.n}, prefix);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n &&
	       (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

ptrdiff_t str_find(struct str s, struct str needle)
{
	if (needle.n == 0)
		return 0;
	if (s.n < needle.n)
		return -1;
	const char *found = memmem(s.p, s.n, needle.p, needle.n);
	return found ? found - s.p : -1;
}

struct str str_cut(struct str *rest, struct str sep)
{
	struct str head = *rest;
	ptrdiff_t at = sep.n ? str_find(head, sep) : -1;
	if (at < 0) {
		*rest = (struct str){NULL, 0};
		return head;
	}
	head.n = (size_t)at;
	rest->p += head.n + sep.n;
	rest->n -= head.n + sep.n;
	return head;
}

struct str str_trim(struct str s)
{
	while (s.n && is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct str str_sub(struct str s, size_t from, size_t n)
{
	if (from > s.n)
		from = s.n;
	if (n > s.n - from)
		n = s.n - from;
	return (struct str){s.p ? s.p + from : NULL, n};
}

/* The two halves of a 128-bit product folded into one: every bit of the result
 * depends on every bit of both. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 wide;
	wide product = (wide)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t str_hash(struct str s)
{
	uint64_t hash = hash_seed ^ s.n;
	while (s.n >= 8) {
		uint64_t word;
		memcpy(&word, s.p, 8);
		hash = mix(hash ^ word, 0x9e3779b97f4a7c15u);
		s.p += 8;
		s.n -= 8;
	}
	uint64_t tail = 0;
	if (s.n)
		memcpy(&tail, s.p, s.n);
	return mix(hash ^ tail ^ 0xd1b54a32d192ed03u, 0xa0761d6478bd642fu);
}

bool str_to_int(struct str s, int64_t *out)
{
	bool is_negative = s.n && s.p[0] == '-';
	size_t i = is_negative;
	if (i == s.n)
		return false;
	/* Downwards, because the range has one more negative number. */
	int64_t value = 0;
	for (; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, s.p[i] - '0', &value))
			return false;
	}
	if (!is_negative && __builtin_sub_overflow(0, value, &value))
		return false;
	*out = value;
	return true;
}

/* Bytes of the well-formed sequence that begins at p, 0 when there is none
 * (Unicode standard, table 3-7). */
static size_t utf8_sequence(const unsigned char *p, size_t n)
{
	unsigned char low = 0x80, high = 0xBF;
	size_t len;
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xC2 && p[0] <= 0xDF)
		len = 2;
	else if (p[0] >= 0xE0 && p[0] <= 0xEF)
		len = 3;
	else if (p[0] >= 0xF0 && p[0] <= 0xF4)
		len = 4;
	else
		return 0;
	if (p[0] == 0xE0)
		low = 0xA0;
	else if (p[0] == 0xED)
		high = 0x9F;
	else if (p[0] == 0xF0)
		low = 0x90;
	else if (p[0] == 0xF4)
		high = 0x8F;
	if (n < len || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if (p[i] < 0x80 || p[i] > 0xBF)
			return 0;
	return len;
}

size_t str_utf8_prefix(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i = 0;
	while (i < s.n) {
		uint64_t word;
		if (s.n - i >= 8 && (memcpy(&word, p + i, 8), !(word & 0x8080808080808080u))) {
			i += 8;
			continue;
		}
		size_t len = utf8_sequence(p + i, s.n - i);
		if (len == 0)
			break;
		i += len;
	}
	return i;
}

bool str_is_utf8(struct str s)
{
	return str_utf8_prefix(s) == s.n;
}

size_t str_length_utf8(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
	return n;
}

static unsigned min2(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned str_distance(struct str a, struct str b)
{
	if (a.n > DISTANCE_MAX || b.n > DISTANCE_MAX)
		return (unsigned)(a.n > b.n ? a.n : b.n);
	/* Three rows of the usual table: the one being filled and the two above. */
	unsigned rows[3][DISTANCE_MAX + 1];
	unsigned *above2 = rows[0], *above = rows[1], *row = rows[2];
	for (unsigned j = 0; j <= b.n; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		unsigned *oldest = above2;
		above2 = above;
		above = row;
		row = oldest;
		row[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			unsigned cost = a.p[i - 1] != b.p[j - 1];
			row[j] = min2(min2(above[j] + 1, row[j - 1] + 1), above[j - 1] + cost);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
				row[j] = min2(row[j], above2[j - 2] + 1);
		}
	}
	return row[b.n];
}
