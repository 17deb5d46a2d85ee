/* Strings and what is written as one: text, UUID, address, bytes. */
#include "orm/model/parse.h"

#include <arpa/inet.h>

/* Longest excerpt of a client's value in an error. */
enum { SHOWN_MAX = 80 };

static struct str shorten(struct str s)
{
	if (s.n <= SHOWN_MAX)
		return s;
	size_t n = SHOWN_MAX;
	while (n > 0 && ((unsigned char)s.p[n] & 0xC0) == 0x80)
		n--;
	return str_sub(s, 0, n);
}

bool parse_fail(const struct field *field, const struct value *value, struct error *error,
                const char *expected)
{
	struct buf json = {0};
	value_write_json(value, &json);
	struct str whole = buf_str(&json);
	struct str shown = shorten(whole);
	const char *more = shown.n < whole.n ? "…" : "";
	if (field->name.n > 0)
		error_set(error, ERROR_VALUE, value->pos, "Field \"%.*s\" expected %s, but got %.*s%s",
		          STR_ARG(field->name), expected, STR_ARG(shown), more);
	else
		error_set(error, ERROR_VALUE, value->pos, "expected %s, but got %.*s%s", expected,
		          STR_ARG(shown), more);
	buf_release(&json);
	return false;
}

bool parse_text(const struct field *field, const struct value *value, struct arena *arena,
                struct str *text, struct error *error)
{
	(void)arena;
	if (value->kind != VALUE_TEXT)
		return parse_fail(field, value, error, "a string");
	if (value->text.n > 0 && memchr(value->text.p, 0, value->text.n))
		return error_set(error, ERROR_VALUE, value->pos,
		                 "Field \"%.*s\": a string may not hold the NUL character",
		                 STR_ARG(field->name));
	*text = value->text;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool is_dash_place(size_t at)
{
	return at == 8 || at == 13 || at == 18 || at == 23;
}

/* The canonical form of s in out, from 32 digits or from 36 characters with dashes. */
static bool normalise_uuid(struct str s, char out[37])
{
	enum { PLAIN = 32, DASHED = 36 };
	if (s.n != PLAIN && s.n != DASHED)
		return false;
	size_t from = 0;
	for (size_t at = 0; at < DASHED; at++) {
		if (is_dash_place(at)) {
			if (s.n == DASHED && s.p[from++] != '-')
				return false;
			out[at] = '-';
			continue;
		}
		int digit = hex_digit(s.p[from++]);
		if (digit < 0)
			return false;
		out[at] = "0123456789abcdef"[digit];
	}
	out[DASHED] = 0;
	return true;
}

bool parse_uuid(const struct field *field, const struct value *value, struct arena *arena,
                struct str *text, struct error *error)
{
	char canonical[37];
	if (value->kind != VALUE_TEXT || !normalise_uuid(str_trim(value->text), canonical))
		return parse_fail(field, value, error, field->value_field->type->description);
	*text = arena_str(arena, str_of(canonical));
	return true;
}

bool parse_inet(const struct field *field, const struct value *value, struct arena *arena,
                struct str *text, struct error *error)
{
	char shown[INET6_ADDRSTRLEN], given[INET6_ADDRSTRLEN];
	unsigned char address[16];
	struct str s = value->kind == VALUE_TEXT ? str_trim(value->text) : STR("");
	bool is_known = s.n > 0 && s.n < sizeof given && !memchr(s.p, 0, s.n);
	if (is_known) {
		copy_bytes(given, s.p, s.n);
		given[s.n] = 0;
		int family = memchr(s.p, ':', s.n) ? AF_INET6 : AF_INET;
		is_known = inet_pton(family, given, address) == 1 &&
		           inet_ntop(family, address, shown, sizeof shown) != NULL;
	}
	if (!is_known)
		return parse_fail(field, value, error, field->value_field->type->description);
	*text = arena_str(arena, str_of(shown));
	return true;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Appends the bytes of one group of four characters as hexadecimal; `padding` of them are "=". */
static bool add_group(struct buf *out, const char *group, size_t padding)
{
	unsigned bits = 0;
	for (size_t i = 0; i < 4; i++) {
		int digit = i >= 4 - padding ? 0 : base64_digit(group[i]);
		if (digit < 0)
			return false;
		bits = bits << 6 | (unsigned)digit;
	}
	if (padding > 0 && (bits & ((1u << (8 * padding)) - 1)) != 0)
		return false; /* bits beyond the last byte: no encoder writes them */
	for (size_t i = 0; i < 3 - padding; i++)
		buf_printf(out, "%02x", bits >> (16 - 8 * i) & 0xff);
	return true;
}

static bool decode_base64(struct str s, struct buf *out)
{
	if (s.n % 4 != 0)
		return false;
	for (size_t at = 0; at < s.n; at += 4) {
		size_t padding = 0;
		if (at + 4 == s.n)
			padding = s.p[s.n - 1] != '=' ? 0 : s.p[s.n - 2] != '=' ? 1 : 2;
		if (!add_group(out, s.p + at, padding))
			return false;
	}
	return true;
}

bool parse_binary(const struct field *field, const struct value *value, struct arena *arena,
                  struct str *text, struct error *error)
{
	struct buf hex = {0};
	BUF_LIT(&hex, "\\x");
	bool is_good = value->kind == VALUE_TEXT && decode_base64(value->text, &hex);
	if (is_good)
		*text = arena_str(arena, buf_str(&hex));
	buf_release(&hex);
	return is_good || parse_fail(field, value, error, "bytes, as a base64 string");
}
