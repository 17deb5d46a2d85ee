/* The names that Django makes by itself for tables, columns, indexes and constraints, bit by bit the
 * same, so that a database made by either is recognised by the other.
 */
#include "orm/model/build.h"
#include "orm/model/md5.h"

enum { NAME_MAX_BYTES = 63 };

struct str django_digest(struct arena *arena, const struct str *parts, size_t n, unsigned length)
{
	ASSERT(length <= 32);
	struct buf joined = {0};
	char hex[33];
	for (size_t i = 0; i < n; i++)
		buf_add(&joined, parts[i]);
	md5_hex(buf_str(&joined), hex);
	buf_release(&joined);
	return arena_str(arena, (struct str){hex, length});
}

/* At most n bytes, and no part of a character. */
static struct str first_bytes(struct str s, size_t n)
{
	struct str first = str_sub(s, 0, s.n < n ? s.n : n);
	return str_sub(first, 0, str_utf8_prefix(first));
}

struct str django_truncate_name(struct arena *arena, struct str name, size_t max)
{
	if (name.n <= max)
		return name;
	return arena_concat(arena, first_bytes(name, max - 4), django_digest(arena, &name, 1, 4));
}

/* No name begins with an underscore or a digit. */
static bool needs_letter(struct str name)
{
	return name.p[0] == '_' || (name.p[0] >= '0' && name.p[0] <= '9');
}

static struct str join_columns(struct arena *arena, const struct str *columns, size_t n)
{
	struct str joined = columns[0];
	for (size_t i = 1; i < n; i++)
		joined = arena_printf(arena, "%.*s_%.*s", STR_ARG(joined), STR_ARG(columns[i]));
	return joined;
}

/* Digest of table, columns and, when it has a text, one more part. */
static struct str digest_of(struct arena *arena, struct str table, const struct str *columns,
                            size_t n, struct str more, unsigned length)
{
	struct str *parts = ARENA_ARRAY(arena, struct str, n + 2);
	parts[0] = table;
	copy_bytes(parts + 1, columns, n * sizeof *columns);
	parts[n + 1] = more;
	return django_digest(arena, parts, n + 2, length);
}

struct str django_index_name(struct arena *arena, struct str table, const struct str *columns,
                             size_t n, const char *suffix)
{
	struct str joined = join_columns(arena, columns, n);
	struct str tail =
		arena_concat(arena, digest_of(arena, table, columns, n, STR(""), 8), str_of(suffix));
	struct str name =
		arena_printf(arena, "%.*s_%.*s_%.*s", STR_ARG(table), STR_ARG(joined), STR_ARG(tail));
	if (name.n <= NAME_MAX_BYTES)
		return name;
	tail = first_bytes(tail, NAME_MAX_BYTES / 3);
	size_t other = (NAME_MAX_BYTES - tail.n) / 2 - 1;
	name = arena_printf(arena, "%.*s_%.*s_%.*s", STR_ARG(first_bytes(table, other)),
	                    STR_ARG(first_bytes(joined, other)), STR_ARG(tail));
	/* The schema editor pushes the name aside and loses its end … */
	if (needs_letter(name))
		return arena_concat(arena, STR("D"), str_sub(name, 0, name.n - 1));
	return name;
}

struct str django_meta_index_name(struct arena *arena, struct str table, const struct str *columns,
                                  size_t n, const char *suffix)
{
	struct str digest = digest_of(arena, table, columns, n, str_of(suffix), 6);
	struct str first = columns[0];
	if (str_starts(first, STR("-")))
		first = str_sub(first, 1, first.n - 1);
	struct str name = arena_printf(arena, "%.*s_%.*s_%.*s_%s", STR_ARG(first_bytes(table, 11)),
	                               STR_ARG(first_bytes(first, 7)), STR_ARG(digest), suffix);
	/* … an index replaces its first character. */
	if (needs_letter(name))
		return arena_concat(arena, STR("D"), str_sub(name, 1, name.n - 1));
	return name;
}
