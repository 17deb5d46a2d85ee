/* Sealing and opening cursors.  See cursor.h. */
#include "orm/sql/cursor.h"

#include "orm/base/buf.h"

#define VERSION 1
#define QUERY_BYTES 8
#define SIGNATURE_BYTES 16
#define HEAD_BYTES (1 + QUERY_BYTES)

/* ---- base64url without padding (RFC 4648) ---- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static struct str encode(struct arena *arena, struct str bytes)
{
	char *out = ARENA_ARRAY(arena, char, bytes.n * 4 / 3 + 4);
	size_t n = 0;

	for (size_t i = 0; i < bytes.n; i += 3) {
		unsigned group = 0;
		size_t left = bytes.n - i < 3 ? bytes.n - i : 3;

		for (size_t k = 0; k < 3; k++)
			group = group << 8 | (k < left ? (unsigned char)bytes.p[i + k] : 0);
		for (size_t k = 0; k <= left; k++)
			out[n++] = digits[group >> (18 - 6 * k) & 63];
	}
	return (struct str){out, n};
}

static bool decode(struct arena *arena, struct str text, struct str *bytes)
{
	char *out = ARENA_ARRAY(arena, char, text.n + 1);
	unsigned group = 0, bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		const char *digit = text.p[i] == '\0' ? NULL : strchr(digits, text.p[i]);

		if (digit == NULL)
			return false;
		group = (group << 6 | (unsigned)(digit - digits)) & 0xffff;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		out[n++] = (char)(group >> bits & 255);
	}
	*bytes = (struct str){out, n};
	/* Bits that stand for nothing are zero, so that a cursor has one form. */
	return bits < 6 && (group & ((1u << bits) - 1)) == 0;
}

/* ---- seals ---- */

static void add_part(struct buf *out, struct str part)
{
	size_t n = part.p == NULL ? 0 : part.n + 1;

	for (; n > 127; n >>= 7)
		buf_add_char(out, (char)((n & 127) | 128));
	buf_add_char(out, (char)n);
	if (part.p != NULL)
		buf_add(out, part);
}

void cursor_seal_init(struct cursor_seal *seal, struct str secret,
                      const struct statement *statement)
{
	struct buf text = {0};

	seal->secret = secret;
	add_part(&text, statement->sql);
	for (size_t i = 0; i < statement->nparams; i++)
		add_part(&text, statement->params[i].text);
	hmac_sha256(secret, buf_str(&text), seal->query);
	buf_release(&text);
}

static void sign(const struct cursor_seal *seal, struct str body,
                 unsigned char signature[HMAC_BYTES])
{
	struct buf text = {0};

	buf_add(&text, (struct str){(const char *)seal->query, HMAC_BYTES});
	buf_add(&text, body);
	hmac_sha256(seal->secret, buf_str(&text), signature);
	buf_release(&text);
}

struct str cursor_write(struct arena *arena, const struct cursor_seal *seal,
                        const struct str *values, size_t n)
{
	unsigned char signature[HMAC_BYTES];
	struct buf token = {0};

	buf_add_char(&token, VERSION);
	buf_add(&token, (struct str){(const char *)seal->query, QUERY_BYTES});
	for (size_t i = 0; i < n; i++)
		add_part(&token, values[i]);
	sign(seal, buf_str(&token), signature);
	buf_add(&token, (struct str){(const char *)signature, SIGNATURE_BYTES});
	struct str text = encode(arena, buf_str(&token));

	buf_release(&token);
	return text;
}

/* ---- opening ---- */

static bool read_length(struct str *rest, size_t *length)
{
	size_t n = 0;

	for (unsigned shift = 0; rest->n > 0 && shift < 28; shift += 7) {
		unsigned char c = (unsigned char)rest->p[0];

		*rest = str_sub(*rest, 1, rest->n - 1);
		n |= (size_t)(c & 127) << shift;
		if (c < 128) {
			*length = n;
			return true;
		}
	}
	return false;
}

static bool read_values(struct arena *arena, struct str rest, const struct str **values, size_t *n)
{
	struct str *list = ARENA_ARRAY(arena, struct str, rest.n);
	size_t length;

	*values = list;
	*n = 0;
	while (rest.n > 0) {
		if (!read_length(&rest, &length) || (length > 0 && length - 1 > rest.n))
			return false;
		list[(*n)++] =
			length == 0 ? (struct str){0} : arena_str(arena, str_sub(rest, 0, length - 1));
		if (length > 0)
			rest = str_sub(rest, length - 1, rest.n - (length - 1));
	}
	return true;
}

bool cursor_read(struct arena *arena, const struct cursor_seal *seal, struct str text,
                 const struct pos *pos, const struct str **values, size_t *n, struct error *error)
{
	unsigned char signature[HMAC_BYTES];
	struct str bytes;

	if (!decode(arena, text, &bytes) || bytes.n < HEAD_BYTES + SIGNATURE_BYTES ||
	    bytes.p[0] != VERSION)
		return error_set(error, ERROR_VALUE, pos,
		                 "This is no cursor, or not all of one: take it as it was answered");
	struct str body = str_sub(bytes, 0, bytes.n - SIGNATURE_BYTES);

	sign(seal, body, signature);
	if (hmac_is_equal(signature, (const unsigned char *)bytes.p + body.n, SIGNATURE_BYTES) &&
	    read_values(arena, str_sub(body, HEAD_BYTES, body.n - HEAD_BYTES), values, n))
		return true;
	if (memcmp(body.p + 1, seal->query, QUERY_BYTES) != 0)
		return error_set(
			error, ERROR_VALUE, pos,
			"The cursor was made for another query (or with another secret): a page's query is the "
			"same but for its limit and cursor");
	return error_set(error, ERROR_VALUE, pos,
	                 "The cursor has been changed: take it as it was answered");
}
