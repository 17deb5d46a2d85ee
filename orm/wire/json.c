/* JSON text to struct value.
 *
 * The text is first looked over by a scan of our own that builds nothing: size, encoding, NUL, depth and
 * number of values are settled there, so that what jansson then builds is bounded by the limits
 * (jansson itself needs up to 68 bytes of memory for a byte of hostile text).  The tree of jansson is
 * borrowed from, not copied: it lives until the arena ends.
 */
#include "orm/wire/json.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>

/* Where and how reading failed; json_read() puts the place into the words. */
struct fault {
	struct str text;
	struct json_place *place;
	struct error *error;
};

struct scan {
	struct str text;
	const struct json_limits *limits;
	size_t at;
	unsigned depth;
	unsigned nodes;
	const struct fault *fault;
};

/* Line and column, from 1, of the byte at `offset`; columns count code points. */
static void line_and_column(struct str text, size_t offset, unsigned *line, unsigned *column)
{
	*line = 1;
	*column = 1;
	for (size_t i = 0; i < offset && i < text.n; i++) {
		if (text.p[i] == '\n') {
			++*line;
			*column = 1;
		} else if (((unsigned char)text.p[i] & 0xC0) != 0x80) {
			++*column;
		}
	}
}

/* A mistake at a byte of the text. */
static bool fail_at(const struct fault *fault, size_t offset, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static bool fail_at(const struct fault *fault, size_t offset, const char *format, ...)
{
	char words[512];
	va_list args;
	va_start(args, format);
	vsnprintf(words, sizeof words, format, args);
	va_end(args);
	line_and_column(fault->text, offset, &fault->place->line, &fault->place->column);
	return error_set(fault->error, ERROR_BAD_REQUEST, NULL, "%s", words);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_space(struct str text, size_t at)
{
	while (at < text.n && is_space(text.p[at]))
		at++;
	return at;
}

/* Where the string that opens at `at` ends: behind its closing quote, or text.n. */
static size_t skip_string(struct str text, size_t at)
{
	for (at++; at < text.n; at++) {
		if (text.p[at] == '"')
			return at + 1;
		if (text.p[at] == '\\')
			at++;
	}
	return text.n;
}

/* The first byte that is not well-formed UTF-8, in a text known to have one. */
static size_t bad_utf8_offset(struct str text)
{
	size_t at = 0;
	while (at < text.n) {
		unsigned char lead = (unsigned char)text.p[at];
		size_t n = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
		if (n > text.n - at || !str_is_utf8(str_sub(text, at, n)))
			break;
		at += n;
	}
	return at;
}

/* A string's text may hold no NUL, written out or escaped: PostgreSQL cannot store it. */
static bool check_string(struct scan *scan, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		if (scan->text.p[i] != '\\')
			continue;
		if (to - i > 5 && memcmp(scan->text.p + i, "\\u0000", 6) == 0)
			return fail_at(scan->fault, i, "a string may not hold the NUL character \\u0000");
		i++;
	}
	return true;
}

static bool count_node(struct scan *scan)
{
	if (++scan->nodes <= scan->limits->nodes)
		return true;
	return fail_at(scan->fault, scan->at, "too many values: at most %u in one document",
	               scan->limits->nodes);
}

static bool scan_open(struct scan *scan)
{
	if (++scan->depth > scan->limits->depth)
		return fail_at(scan->fault, scan->at, "nested too deeply: at most %u levels",
		               scan->limits->depth);
	scan->at++;
	return count_node(scan);
}

/* A member's name is no value of its own. */
static bool scan_string(struct scan *scan)
{
	size_t from = scan->at;
	scan->at = skip_string(scan->text, from);
	if (!check_string(scan, from, scan->at))
		return false;
	size_t next = skip_space(scan->text, scan->at);
	if (next < scan->text.n && scan->text.p[next] == ':')
		return true;
	return count_node(scan);
}

static bool is_scalar_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
	       c == '+' || c == '.';
}

static bool scan_scalar(struct scan *scan)
{
	while (scan->at < scan->text.n && is_scalar_char(scan->text.p[scan->at]))
		scan->at++;
	return count_node(scan);
}

/* One token; what is no JSON at all is passed over, for jansson to refuse. */
static bool scan_token(struct scan *scan)
{
	char c = scan->text.p[scan->at];
	if (c == '"')
		return scan_string(scan);
	if (c == '{' || c == '[')
		return scan_open(scan);
	if (is_scalar_char(c))
		return scan_scalar(scan);
	if ((c == '}' || c == ']') && scan->depth > 0)
		scan->depth--;
	scan->at++;
	return true;
}

static bool look_over(const struct fault *fault, const struct json_limits *limits)
{
	struct str text = fault->text;
	if (text.n > limits->bytes)
		return error_set(fault->error, ERROR_TOO_LARGE, NULL,
		                 "the JSON text has %zu bytes: at most %zu are taken", text.n,
		                 limits->bytes);
	if (skip_space(text, 0) == text.n)
		return fail_at(fault, 0, "empty: expected a JSON document");
	const char *nul = memchr(text.p, 0, text.n);
	if (nul)
		return fail_at(fault, (size_t)(nul - text.p), "not JSON: a NUL byte");
	if (!str_is_utf8(text))
		return fail_at(fault, bad_utf8_offset(text), "not valid UTF-8");
	struct scan scan = {.text = text, .limits = limits, .fault = fault};
	while ((scan.at = skip_space(text, scan.at)) < text.n)
		if (!scan_token(&scan))
			return false;
	return true;
}

/* Start of the token that ends at `end`, where jansson stopped reading. */
static size_t token_start(struct str text, size_t end)
{
	if (end > text.n)
		end = text.n;
	size_t start = end;
	for (size_t i = 0; i < end;) {
		size_t next = text.p[i] == '"' ? skip_string(text, i) : i + 1;
		if (next >= end && text.p[i] == '"')
			return i;
		i = next;
	}
	while (start > 0 && is_scalar_char(text.p[start - 1]))
		start--;
	if (start == end && end > 0)
		start--;
	return start;
}

static bool fail_duplicate(const struct fault *fault, size_t start, size_t end)
{
	struct str key = str_sub(fault->text, start, end - start);
	if (key.n > 200)
		key = STR("(a long name)");
	return fail_at(fault, start, "duplicate member %.*s in one object", STR_ARG(key));
}

/* Where a token is missing or wrong, the words are ours; jansson's are for C programmers. */
static bool fail_syntax(const struct fault *fault, size_t start, size_t end)
{
	enum { SHOWN_MAX = 40 };
	struct str token = str_sub(fault->text, start, end - start);
	size_t shown = token.n;
	if (shown > SHOWN_MAX)
		for (shown = SHOWN_MAX; ((unsigned char)token.p[shown] & 0xC0) == 0x80;)
			shown--;
	return fail_at(fault, start, "not JSON: unexpected %.*s%s", (int)shown, token.p,
	               shown < token.n ? "…" : "");
}

static bool fail_overflow(const struct fault *fault, size_t start, size_t end)
{
	for (size_t i = start; i < end; i++)
		if (fault->text.p[i] == '.' || fault->text.p[i] == 'e' || fault->text.p[i] == 'E')
			return fail_at(fault, start, "a number too large for a double: write it as a string");
	return fail_at(fault, start,
	               "an integer outside of -9223372036854775808 to 9223372036854775807: write it "
	               "as a string");
}

static bool fail_parse(const struct fault *fault, const json_error_t *problem)
{
	size_t end = problem->position > 0 ? (size_t)problem->position : 0;
	if (end > fault->text.n)
		end = fault->text.n;
	size_t start = token_start(fault->text, end);
	switch (json_error_code(problem)) {
	case json_error_duplicate_key:
		return fail_duplicate(fault, start, end);
	case json_error_premature_end_of_input:
		return fail_at(fault, fault->text.n, "not JSON: the text ends too early");
	case json_error_end_of_input_expected:
		return fail_at(fault, start, "not JSON: something follows the end of the document");
	case json_error_numeric_overflow:
		return fail_overflow(fault, start, end);
	case json_error_stack_overflow:
		return fail_at(fault, start, "nested too deeply");
	case json_error_out_of_memory:
		BUG("jansson has no memory");
	case json_error_unknown:
	case json_error_cannot_open_file:
	case json_error_invalid_argument:
	case json_error_invalid_utf8:
	case json_error_invalid_syntax:
	case json_error_invalid_format:
	case json_error_wrong_type:
	case json_error_null_character:
	case json_error_null_value:
	case json_error_null_byte_in_key:
	case json_error_item_not_found:
	case json_error_index_out_of_range:
		break;
	}
	return fail_syntax(fault, start, end);
}

static void convert(struct arena *arena, json_t *json, const struct pos *pos, struct value *value);

static void convert_list(struct arena *arena, json_t *json, const struct pos *pos,
                         struct value *value)
{
	size_t n = json_array_size(json);
	struct value *items = ARENA_ARRAY(arena, struct value, n);
	struct pos *places = ARENA_ARRAY(arena, struct pos, n);
	for (size_t i = 0; i < n; i++) {
		places[i] = (struct pos){.parent = pos, .index = i};
		convert(arena, json_array_get(json, i), &places[i], &items[i]);
	}
	value->kind = VALUE_LIST;
	value->list.items = items;
	value->list.n = n;
}

static void convert_object(struct arena *arena, json_t *json, const struct pos *pos,
                           struct value *value)
{
	size_t n = json_object_size(json);
	struct member *members = ARENA_ARRAY(arena, struct member, n);
	struct pos *places = ARENA_ARRAY(arena, struct pos, n);
	size_t i = 0;
	/* jansson iterates in the order of insertion, which is the order written. */
	for (void *at = json_object_iter(json); at; at = json_object_iter_next(json, at), i++) {
		members[i].key = str_of(json_object_iter_key(at));
		places[i] = (struct pos){.parent = pos, .key = members[i].key};
		convert(arena, json_object_iter_value(at), &places[i], &members[i].value);
	}
	value->kind = VALUE_OBJECT;
	value->object.members = members;
	value->object.n = n;
}

static void convert(struct arena *arena, json_t *json, const struct pos *pos, struct value *value)
{
	value->pos = pos;
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		convert_object(arena, json, pos, value);
		return;
	case JSON_ARRAY:
		convert_list(arena, json, pos, value);
		return;
	case JSON_STRING:
		value->kind = VALUE_TEXT;
		value->text = (struct str){json_string_value(json), json_string_length(json)};
		return;
	case JSON_INTEGER:
		value->kind = VALUE_INT;
		value->integer = json_integer_value(json);
		return;
	case JSON_REAL:
		value->kind = VALUE_REAL;
		value->real = json_real_value(json);
		return;
	case JSON_TRUE:
	case JSON_FALSE:
		value->kind = VALUE_BOOL;
		value->boolean = json_is_true(json);
		return;
	case JSON_NULL:
		value->kind = VALUE_NULL;
		return;
	}
}

static void release_tree(void *json)
{
	json_decref(json);
}

bool json_read_placed(struct arena *arena, struct str text, const struct json_limits *limits,
                      const struct value **value, struct json_place *place, struct error *error)
{
	const struct fault fault = {.text = text, .place = place, .error = error};
	*place = (struct json_place){1, 1};
	if (!look_over(&fault, limits))
		return false;
	json_error_t problem;
	json_t *json = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
	if (!json)
		return fail_parse(&fault, &problem);
	arena_defer(arena, release_tree, json);
	struct value *root = ARENA_NEW(arena, struct value);
	convert(arena, json, NULL, root);
	*value = root;
	return true;
}

bool json_read(struct arena *arena, struct str text, const struct json_limits *limits,
               const struct value **value, struct error *error)
{
	struct json_place place;
	if (json_read_placed(arena, text, limits, value, &place, error))
		return true;
	if (error->kind == ERROR_BAD_REQUEST)
		error->detail = arena_printf(error->arena, "%.*s (line %u, column %u)",
		                             STR_ARG(error->detail), place.line, place.column);
	return false;
}

/* Where the value at `at` ends. */
static size_t skip_value(struct str text, size_t at)
{
	size_t depth = 0;
	while (at < text.n) {
		char c = text.p[at];
		if (c == '"') {
			at = skip_string(text, at);
		} else if (c == '{' || c == '[') {
			depth++;
			at++;
		} else if (c == '}' || c == ']') {
			if (depth == 0)
				return at;
			depth--;
			at++;
		} else if (is_scalar_char(c)) {
			while (at < text.n && is_scalar_char(text.p[at]))
				at++;
		} else {
			at++;
			continue; /* space, comma or colon inside */
		}
		if (depth == 0)
			return at;
	}
	return text.n;
}

/* Whether the string token at [from, to) means `key`; escapes are left to jansson. */
static bool token_is(struct str text, size_t from, size_t to, struct str key)
{
	struct str token = str_sub(text, from, to - from);
	if (!memchr(token.p, '\\', token.n))
		return str_eq(str_sub(token, 1, token.n - 2), key);
	json_t *json = json_loadb(token.p, token.n, JSON_DECODE_ANY, NULL);
	if (!json)
		return false;
	struct str meant = {json_string_value(json), json_string_length(json)};
	bool is_same = str_eq(meant, key);
	json_decref(json);
	return is_same;
}

/* Where member `key` of the object at `at` begins: *name at its name, the value's place returned;
 * `at` itself when there is no such member. */
static size_t find_member(struct str text, size_t at, struct str key, size_t *name)
{
	size_t scan = skip_space(text, at + 1);
	while (scan < text.n && text.p[scan] == '"') {
		size_t end = skip_string(text, scan);
		size_t value = skip_space(text, skip_space(text, end) + 1);
		if (token_is(text, scan, end, key)) {
			*name = scan;
			return value;
		}
		scan = skip_space(text, skip_value(text, value));
		if (scan >= text.n || text.p[scan] != ',')
			break;
		scan = skip_space(text, scan + 1);
	}
	*name = at;
	return at;
}

static size_t find_item(struct str text, size_t at, size_t index)
{
	size_t scan = skip_space(text, at + 1);
	for (size_t i = 0; i < index && scan < text.n && text.p[scan] != ']'; i++) {
		scan = skip_space(text, skip_value(text, scan));
		if (scan < text.n && text.p[scan] == ',')
			scan = skip_space(text, scan + 1);
	}
	return scan;
}

/* Offset of the value at pos; *shown is where a person looks: at a member's name. */
static size_t find_value(struct str text, const struct pos *pos, size_t *shown)
{
	if (!pos)
		return *shown = skip_space(text, 0);
	size_t at = find_value(text, pos->parent, shown);
	if (at >= text.n)
		return *shown = at;
	if (pos->key.p && text.p[at] == '{')
		return find_member(text, at, pos->key, shown);
	if (!pos->key.p && text.p[at] == '[')
		return *shown = find_item(text, at, pos->index);
	return *shown = at;
}

void json_locate(struct str text, const struct pos *pos, unsigned *line, unsigned *column)
{
	size_t shown;
	find_value(text, pos, &shown);
	line_and_column(text, shown, line, column);
}

void json_setup(void)
{
	size_t seed = 0;
	if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		seed = 0; /* jansson then looks for a seed by itself */
	json_object_seed(seed);
}
