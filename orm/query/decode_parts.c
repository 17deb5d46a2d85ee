/* The small readers of the decoder: kinds, booleans, numbers, lists, paths, and its two errors.
 *
 * Knows no word of the query language.  Text of a query string (is_loose) is taken for the boolean,
 * number or one-element list that it spells; text of a JSON body never is.
 */
#include "orm/query/decode_parts.h"

bool wrong_kind(struct decoder *d, const struct value *value, const char *expected)
{
	return error_set(d->error, ERROR_VALUE, value->pos, "expected %s, got %s", expected,
	                 value_kind_name(value->kind));
}

static size_t count_words(const char *const *words)
{
	size_t n = 0;

	while (words != NULL && words[n] != NULL)
		n++;
	return n;
}

bool is_word(struct str text, const char *const *words)
{
	for (; words != NULL && *words != NULL; words++) {
		if (str_is(text, *words))
			return true;
	}
	return false;
}

bool unknown_word(struct decoder *d, const struct member *member, const char *what,
                  const char *const *words, const char *const *more)
{
	size_t nwords = count_words(words), nmore = count_words(more);
	struct str *names = ARENA_ARRAY(d->arena, struct str, nwords + nmore + 1);

	for (size_t i = 0; i < nwords; i++)
		names[i] = str_of(words[i]);
	for (size_t i = 0; i < nmore; i++)
		names[nwords + i] = str_of(more[i]);
	error_set(d->error, ERROR_BAD_REQUEST, member->value.pos, "\"%.*s\" is not %s",
	          STR_ARG(member->key), what);
	d->error->suggestion = suggest_nearest(member->key, names, nwords + nmore);
	return false;
}

bool is_written(struct decoder *d, const struct value *value, const char *what)
{
	return !value->is_data ||
	       error_set(d->error, ERROR_VALUE, value->pos,
	                 "%s cannot be the result of another operation; a Ref stands for a value", what);
}

bool read_object(struct decoder *d, const struct value *value, const char *expected)
{
	return value->kind == VALUE_OBJECT || wrong_kind(d, value, expected);
}

bool read_bool(struct decoder *d, const struct value *value, bool *out)
{
	if (value->kind == VALUE_BOOL) {
		*out = value->boolean;
		return true;
	}
	if (value->kind == VALUE_TEXT && value->is_loose) {
		*out = str_eq_nocase(value->text, STR("true")) || str_is(value->text, "1");
		if (*out || str_eq_nocase(value->text, STR("false")) || str_is(value->text, "0"))
			return true;
		return error_set(d->error, ERROR_VALUE, value->pos, "expected true or false, got \"%.*s\"",
		                 STR_ARG(value->text));
	}
	return wrong_kind(d, value, "true or false");
}

bool read_natural(struct decoder *d, const struct value *value, int64_t *out)
{
	if (value->kind == VALUE_INT) {
		*out = value->integer;
	} else if (value->kind == VALUE_TEXT && value->is_loose) {
		if (!str_to_int(value->text, out))
			return error_set(d->error, ERROR_VALUE, value->pos, "expected an integer, got \"%.*s\"",
			                 STR_ARG(value->text));
	} else {
		return wrong_kind(d, value, "an integer");
	}
	if (*out < 0)
		return error_set(d->error, ERROR_VALUE, value->pos,
		                 "expected an integer that is not negative, got %lld", (long long)*out);
	return true;
}

bool read_text(struct decoder *d, const struct value *value, const char *expected, struct str *out)
{
	if (value->kind != VALUE_TEXT)
		return wrong_kind(d, value, expected);
	if (value->text.n == 0)
		return error_set(d->error, ERROR_VALUE, value->pos, "expected %s, got an empty string",
		                 expected);
	*out = value->text;
	return true;
}

bool read_list(struct decoder *d, const struct value *value, const char *expected,
               const struct value **items, size_t *n)
{
	if (value->kind == VALUE_LIST) {
		*items = value->list.items;
		*n = value->list.n;
		return true;
	}
	if (value->kind == VALUE_TEXT && value->is_loose) {
		*items = value;
		*n = 1;
		return true;
	}
	return wrong_kind(d, value, expected);
}

struct path path_make(struct arena *arena, struct str text, const struct pos *pos)
{
	struct path path = {.text = text, .pos = pos, .n = 1};
	struct str rest = text;
	struct str *parts;

	for (size_t i = 0; i + 1 < text.n; i++) {
		if (text.p[i] == '_' && text.p[i + 1] == '_') {
			path.n++;
			i++;
		}
	}
	parts = ARENA_ARRAY(arena, struct str, path.n);
	for (size_t i = 0; i < path.n; i++)
		parts[i] = str_cut(&rest, STR("__"));
	path.parts = parts;
	return path;
}

bool read_path(struct decoder *d, const struct value *value, struct path *out)
{
	struct str text;

	if (!read_text(d, value, "a path", &text))
		return false;
	*out = path_make(d->arena, text, value->pos);
	return true;
}

bool read_paths(struct decoder *d, const struct value *value, const struct path **paths, size_t *n)
{
	const struct value *items;
	struct path *list;
	size_t nitems;

	if (!read_list(d, value, "an array of paths", &items, &nitems))
		return false;
	list = ARENA_ARRAY(d->arena, struct path, nitems);
	for (size_t i = 0; i < nitems; i++) {
		if (!read_path(d, &items[i], &list[i]))
			return false;
	}
	*paths = list;
	*n = nitems;
	return true;
}
