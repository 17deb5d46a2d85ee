/* Two lanes of 64 bits, a word of the text into each, a step; see digest.h for what is promised.
 *
 * Invariant: every step is one-to-one, in the lanes for a given block and in the block for given
 * lanes.  So a difference in one block is never lost on the way to the end.
 */
#include "orm/base/digest.h"

#include <endian.h>
#include <string.h>

/* Odd, so that multiplying by them can be undone; their bits are those of square roots of primes. */
#define K1 0x6a09e667f3bcc909u
#define K2 0xbb67ae8584caa73bu
#define K3 0x3c6ef372fe94f82bu
#define K4 0xa54ff53a5f1d36f1u

static uint64_t rotated(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static struct digest step(struct digest d, uint64_t first, uint64_t second)
{
	d.a = rotated(d.a ^ first * K1, 29) * K2 + d.b;
	d.b = rotated(d.b ^ second * K3, 37) * K4 + d.a;
	return d;
}

/* Every bit of x into every bit of the result; one-to-one. */
static uint64_t stirred(uint64_t x)
{
	x = (x ^ x >> 31) * K2;
	x = (x ^ x >> 29) * K3;
	return x ^ x >> 32;
}

static struct digest finished(struct digest d)
{
	for (int i = 0; i < 2; i++) {
		d.a = stirred(d.a) + d.b;
		d.b = stirred(d.b) + d.a;
	}
	return d;
}

static uint64_t word_at(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof word);
	return le64toh(word);
}

struct digest digest_of(struct str text)
{
	struct digest d = {K3 ^ text.n, K1};
	char tail[16] = {0};

	for (; text.n >= 16; text.p += 16, text.n -= 16)
		d = step(d, word_at(text.p), word_at(text.p + 8));
	if (text.n)
		memcpy(tail, text.p, text.n);
	return finished(step(d, word_at(tail), word_at(tail + 8)));
}

void digest_write(struct digest digest, char out[static DIGEST_TEXT])
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	for (size_t i = 0; i < DIGEST_TEXT; i++) {
		out[i] = letters[digest.a & 63];
		digest.a = digest.a >> 6 | digest.b << 58;
		digest.b >>= 6;
	}
}

struct str digest_text(struct arena *arena, struct digest digest)
{
	char text[DIGEST_TEXT];

	digest_write(digest, text);
	return arena_str(arena, (struct str){text, sizeof text});
}
