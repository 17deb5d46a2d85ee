/* A growing text buffer on the heap, for building replies, SQL and log lines. */
#ifndef QUERN_BASE_BUF_H
#define QUERN_BASE_BUF_H

#include "orm/base/str.h"

struct buf {
	char *p;
	size_t n;
	size_t cap;
};

/* {0} is an empty buffer. */
void buf_release(struct buf *buf);
/* Forgets the text, keeps the memory. */
void buf_clear(struct buf *buf);
/* Makes room for `more` bytes behind n and returns where they begin; the caller
 * adds to n what it wrote. */
static inline char *buf_reserve(struct buf *buf, size_t more);
static inline void buf_add(struct buf *buf, struct str s);
static inline void buf_add_char(struct buf *buf, char c);
void buf_add_int(struct buf *buf, int64_t value);
/* Shortest text of a finite double that reads back the same, as JSON writes it;
 * never looks like an integer ("100.0"). */
void buf_add_real(struct buf *buf, double real);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Valid until the buffer is added to; "" when empty. */
struct str buf_str(const struct buf *buf);
#define BUF_LIT(buf, literal) buf_add((buf), STR(literal))

/* The text as a JSON string with its quotes: `"`, `\` and control characters
 * escaped, all other UTF-8 as it is. */
void buf_add_json(struct buf *buf, struct str s);

/* In line: a reply is made of a few bytes at a time. */
char *buf_grow(struct buf *buf, size_t more);

static inline char *buf_reserve(struct buf *buf, size_t more)
{
	return buf->p && buf->cap - buf->n >= more ? buf->p + buf->n : buf_grow(buf, more);
}

static inline void buf_add(struct buf *buf, struct str s)
{
	if (s.n == 0)
		return;
	memcpy(buf_reserve(buf, s.n), s.p, s.n);
	buf->n += s.n;
}

static inline void buf_add_char(struct buf *buf, char c)
{
	*buf_reserve(buf, 1) = c;
	buf->n++;
}

#endif
