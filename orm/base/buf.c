/* Text buffer: grows by doubling; like the arena it ends the process rather than
 * fail for want of memory. */
#include "orm/base/buf.h"

#include "orm/base/error.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_release(struct buf *buf)
{
	free(buf->p);
	*buf = (struct buf){0};
}

void buf_clear(struct buf *buf)
{
	buf->n = 0;
}

char *buf_grow(struct buf *buf, size_t more)
{
	size_t cap = buf->cap ? buf->cap : 256;
	if (more > SIZE_MAX / 4 || buf->n > SIZE_MAX / 4)
		BUG("text buffer of %zu bytes asked for %zu more", buf->n, more);
	while (cap - buf->n < more)
		cap *= 2;
	char *p = realloc(buf->p, cap);
	if (!p)
		BUG("out of memory, asked for %zu bytes", cap);
	buf->p = p;
	buf->cap = cap;
	return p + buf->n;
}

void buf_add_int(struct buf *buf, int64_t value)
{
	char text[20];
	char *p = text + sizeof text;
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
	do {
		*--p = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (value < 0)
		*--p = '-';
	buf_add(buf, (struct str){p, (size_t)(text + sizeof text - p)});
}

void buf_add_real(struct buf *buf, double real)
{
	ASSERT(isfinite(real));
	char text[32];
	int n = 0;
	for (int digits = 15; digits <= 17; digits++) {
		n = snprintf(text, sizeof text, "%.*g", digits, real);
		if (strtod(text, NULL) == real)
			break;
	}
	buf_add(buf, (struct str){text, (size_t)n});
	if (!strpbrk(text, ".e"))
		BUF_LIT(buf, ".0");
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	ASSERT(n >= 0);
	vsnprintf(buf_reserve(buf, (size_t)n + 1), (size_t)n + 1, format, again);
	buf->n += (size_t)n;
	va_end(again);
	va_end(args);
}

struct str buf_str(const struct buf *buf)
{
	return buf->p ? (struct str){buf->p, buf->n} : STR("");
}

/* Whether one of eight bytes must be escaped in JSON: below 0x20, `"` or `\`. */
static bool has_special(uint64_t word)
{
	const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
	uint64_t quote = word ^ (ones * '"');
	uint64_t slash = word ^ (ones * '\\');
	uint64_t found = (word - ones * 0x20) & ~word;
	found |= (quote - ones) & ~quote;
	found |= (slash - ones) & ~slash;
	return found & highs;
}

/* Length of the beginning of s that stands in JSON as it is. */
static size_t plain_prefix(struct str s)
{
	size_t i = 0;
	uint64_t word;
	while (s.n - i >= 8) {
		memcpy(&word, s.p + i, 8);
		if (has_special(word))
			break;
		i += 8;
	}
	while (i < s.n && (unsigned char)s.p[i] >= 0x20 && s.p[i] != '"' && s.p[i] != '\\')
		i++;
	return i;
}

static void add_escape(struct buf *buf, char c)
{
	static const char short_escapes[0x20] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
	static const char hex[] = "0123456789abcdef";
	char text[6] = {'\\', 'u', '0', '0', hex[(c >> 4) & 15], hex[c & 15]};
	size_t n = 6;
	if (c == '"' || c == '\\' || short_escapes[c & 0x1f]) {
		text[1] = c == '"' || c == '\\' ? c : short_escapes[c & 0x1f];
		n = 2;
	}
	buf_add(buf, (struct str){text, n});
}

void buf_add_json(struct buf *buf, struct str s)
{
	buf_reserve(buf, s.n + 2);
	buf_add_char(buf, '"');
	while (s.n) {
		size_t plain = plain_prefix(s);
		buf_add(buf, (struct str){s.p, plain});
		s.p += plain;
		s.n -= plain;
		if (!s.n)
			break;
		add_escape(buf, s.p[0]);
		s.p++;
		s.n--;
	}
	buf_add_char(buf, '"');
}
