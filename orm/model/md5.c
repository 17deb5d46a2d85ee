/* The MD5 digest, from RFC 1321's description: whole texts at once, since names are short. */
#include "orm/model/md5.h"

#include <stdio.h>

struct md5 {
	uint32_t a, b, c, d;
};

/* floor(2^32 * |sin(i + 1)|) */
static const uint32_t sines[64] = {
	0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
	0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
	0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
	0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
	0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
	0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
	0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
	0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static const unsigned shifts[4][4] = {
	{7, 12, 17, 22},
	{5, 9, 14, 20},
	{4, 11, 16, 23},
	{6, 10, 15, 21},
};

static uint32_t rotate(uint32_t x, unsigned by)
{
	return x << by | x >> (32 - by);
}

static uint32_t word_at(const unsigned char *block, size_t i)
{
	return (uint32_t)block[4 * i] | (uint32_t)block[4 * i + 1] << 8 |
	       (uint32_t)block[4 * i + 2] << 16 | (uint32_t)block[4 * i + 3] << 24;
}

/* The round's function of b, c and d, and which word of the block the step takes. */
static uint32_t mix(const struct md5 *s, size_t step, size_t *word)
{
	switch (step / 16) {
	case 0:
		*word = step;
		return (s->b & s->c) | (~s->b & s->d);
	case 1:
		*word = (5 * step + 1) % 16;
		return (s->d & s->b) | (~s->d & s->c);
	case 2:
		*word = (3 * step + 5) % 16;
		return s->b ^ s->c ^ s->d;
	default:
		*word = (7 * step) % 16;
		return s->c ^ (s->b | ~s->d);
	}
}

static void add_block(struct md5 *md5, const unsigned char *block)
{
	struct md5 s = *md5;
	for (size_t i = 0; i < 64; i++) {
		size_t word;
		uint32_t sum = s.a + mix(&s, i, &word) + sines[i];
		sum += word_at(block, word);
		s.a = s.d;
		s.d = s.c;
		s.c = s.b;
		s.b += rotate(sum, shifts[i / 16][i % 4]);
	}
	md5->a += s.a;
	md5->b += s.b;
	md5->c += s.c;
	md5->d += s.d;
}

/* The rest of the text, a 1 bit, zeros, and the length in bits. */
static void add_tail(struct md5 *md5, struct str text)
{
	unsigned char tail[128] = {0};
	size_t rest = text.n % 64;
	size_t size = rest < 56 ? 64 : 128;
	if (rest > 0)
		memcpy(tail, text.p + text.n - rest, rest);
	tail[rest] = 0x80;
	uint64_t bits = (uint64_t)text.n * 8;
	for (size_t i = 0; i < 8; i++)
		tail[size - 8 + i] = (unsigned char)(bits >> (8 * i));
	add_block(md5, tail);
	if (size == 128)
		add_block(md5, tail + 64);
}

void md5_hex(struct str text, char hex[33])
{
	struct md5 md5 = {.a = 0x67452301, .b = 0xefcdab89, .c = 0x98badcfe, .d = 0x10325476};
	for (size_t at = 0; at + 64 <= text.n; at += 64)
		add_block(&md5, (const unsigned char *)text.p + at);
	add_tail(&md5, text);
	const uint32_t words[4] = {md5.a, md5.b, md5.c, md5.d};
	for (size_t i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned)(words[i / 4] >> (8 * (i % 4)) & 0xff));
}
