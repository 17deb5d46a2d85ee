/* The small expression syntax of query strings, read by recursive descent into struct value.
 *
 *   list  = named { "," named }
 *   named = name ":" expr
 *   expr  = name "(" [ arg { "," arg } ] ")" | path | "*" | literal
 *   arg   = expr | option "=" literal
 *
 * Judges no name: what it makes is decoded like a body.  All of it stands at the one place of its parameter.
 */
#include "orm/wire/params_expr.h"

#include <math.h>
#include <stdlib.h>

struct parser {
	struct arena *arena;
	struct str text;
	size_t at;
	const struct pos *pos;
	unsigned depth;
	struct error *error;
};

struct members {
	struct member *items;
	size_t n, cap;
};

struct values {
	struct value *items;
	size_t n, cap;
};

static bool fail(struct parser *parser, const char *expected)
{
	struct str rest = str_sub(parser->text, parser->at, parser->text.n - parser->at);

	if (rest.n == 0)
		return error_set(parser->error, ERROR_BAD_REQUEST, parser->pos,
		                 "expected %s at the end; the form is name:Function(path, ...)", expected);
	return error_set(parser->error, ERROR_BAD_REQUEST, parser->pos,
	                 "expected %s before \"%.*s\"; the form is name:Function(path, ...)", expected,
	                 STR_ARG(rest));
}

static void skip_spaces(struct parser *parser)
{
	while (parser->at < parser->text.n && parser->text.p[parser->at] == ' ')
		parser->at++;
}

static bool take(struct parser *parser, char c)
{
	skip_spaces(parser);
	if (parser->at == parser->text.n || parser->text.p[parser->at] != c)
		return false;
	parser->at++;
	return true;
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       c == '.' || c == '-' || (unsigned char)c >= 0x80;
}

/* A name, a path or a number; empty when there is none. */
static struct str take_word(struct parser *parser)
{
	size_t from;

	skip_spaces(parser);
	from = parser->at;
	while (parser->at < parser->text.n && is_name_char(parser->text.p[parser->at]))
		parser->at++;
	return str_sub(parser->text, from, parser->at - from);
}

static struct value make_text(struct parser *parser, struct str text)
{
	return (struct value){.kind = VALUE_TEXT, .pos = parser->pos, .text = text};
}

static struct value make_object(struct parser *parser, struct str key, struct value value)
{
	struct member *member = ARENA_NEW(parser->arena, struct member);

	*member = (struct member){key, value};
	return (struct value){
		.kind = VALUE_OBJECT, .pos = parser->pos, .object = {.members = member, .n = 1}};
}

static bool read_number(struct parser *parser, struct str word, struct value *out)
{
	const char *text = arena_cstr(parser->arena, word);
	char *end;

	*out = (struct value){.kind = VALUE_INT, .pos = parser->pos};
	if (str_to_int(word, &out->integer))
		return true;
	out->kind = VALUE_REAL;
	out->real = strtod(text, &end);
	if (*end != '\0' || !isfinite(out->real))
		return fail(parser, "a number");
	return true;
}

/* 'text', a quote inside it doubled */
static bool read_quoted(struct parser *parser, struct value *out)
{
	char *text = ARENA_ARRAY(parser->arena, char, parser->text.n - parser->at + 1);
	size_t n = 0;

	while (parser->at < parser->text.n) {
		char c = parser->text.p[parser->at++];

		if (c == '\'' && (parser->at == parser->text.n || parser->text.p[parser->at] != '\'')) {
			*out = make_text(parser, (struct str){text, n});
			return true;
		}
		if (c == '\'')
			parser->at++;
		text[n++] = c;
	}
	return fail(parser, "a closing quote");
}

/* A word that is a literal: a number, true, false or null. */
static bool is_literal(struct str word)
{
	char first = word.p[0] == '-' && word.n > 1 ? word.p[1] : word.p[0];

	return (first >= '0' && first <= '9') || str_is(word, "true") || str_is(word, "false") ||
	       str_is(word, "null");
}

static bool read_literal_word(struct parser *parser, struct str word, struct value *out)
{
	*out = (struct value){.kind = VALUE_NULL, .pos = parser->pos};
	if (str_is(word, "null"))
		return true;
	if (!str_is(word, "true") && !str_is(word, "false"))
		return read_number(parser, word, out);
	out->kind = VALUE_BOOL;
	out->boolean = str_is(word, "true");
	return true;
}

static bool read_option(struct parser *parser, struct value *out)
{
	struct str word;

	if (take(parser, '\''))
		return read_quoted(parser, out);
	word = take_word(parser);
	if (word.n == 0 || !is_literal(word))
		return fail(parser, "a number, true, false, null or 'text'");
	return read_literal_word(parser, word, out);
}

static bool read_call(struct parser *parser, struct str name, struct value *out);

/* What begins with a word: a call, a literal or a path. */
static bool read_word(struct parser *parser, struct str word, struct value *out)
{
	if (word.n == 0)
		return fail(parser, "a path or a function");
	if (take(parser, '('))
		return read_call(parser, word, out);
	if (is_literal(word))
		return read_literal_word(parser, word, out);
	*out = make_text(parser, word);
	return true;
}

static bool read_expr(struct parser *parser, struct value *out)
{
	if (take(parser, '*')) {
		*out = make_text(parser, STR("*"));
		return true;
	}
	if (!take(parser, '\''))
		return read_word(parser, take_word(parser), out);
	if (!read_quoted(parser, out))
		return false;
	*out = make_object(parser, STR("Value"), *out);
	return true;
}

static bool read_arg(struct parser *parser, struct values *args, struct members *options)
{
	size_t from = parser->at;
	struct str word = take_word(parser);
	struct value value;

	if (word.n > 0 && take(parser, '=')) {
		if (!read_option(parser, &value))
			return false;
		*ARENA_PUSH(parser->arena, options) = (struct member){word, value};
		return true;
	}
	parser->at = from;
	if (!read_expr(parser, &value))
		return false;
	*ARENA_PUSH(parser->arena, args) = value;
	return true;
}

static bool read_args(struct parser *parser, struct values *args, struct members *options)
{
	if (take(parser, ')'))
		return true;
	do {
		if (!read_arg(parser, args, options))
			return false;
	} while (take(parser, ','));
	return take(parser, ')') || fail(parser, "\",\" or \")\"");
}

/* {"Count": "vote"}, {"Coalesce": [a, b]}, {"Count": {"expr": "vote", "distinct": true}} */
static bool read_call(struct parser *parser, struct str name, struct value *out)
{
	struct values args = {0};
	struct members options = {0};
	struct value argument;

	if (parser->depth == 0)
		return error_set(parser->error, ERROR_BAD_REQUEST, parser->pos,
		                 "the expression is nested too deeply");
	parser->depth--;
	if (!read_args(parser, &args, &options))
		return false;
	parser->depth++;
	argument = (struct value){
		.kind = VALUE_LIST, .pos = parser->pos, .list = {.items = args.items, .n = args.n}};
	if (args.n == 1)
		argument = args.items[0];
	if (options.n > 0) {
		if (args.n > 0)
			*ARENA_PUSH(parser->arena, &options) = (struct member){STR("expr"), argument};
		argument = (struct value){.kind = VALUE_OBJECT,
		                          .pos = parser->pos,
		                          .object = {.members = options.items, .n = options.n}};
	}
	*out = make_object(parser, name, argument);
	return true;
}

static bool read_named(struct parser *parser, struct members *list)
{
	struct member member = {.key = take_word(parser)};

	if (member.key.n == 0)
		return fail(parser, "a name");
	for (size_t i = 0; i < list->n; i++) {
		if (str_eq(list->items[i].key, member.key))
			return error_set(parser->error, ERROR_BAD_REQUEST, parser->pos,
			                 "the name \"%.*s\" is given twice", STR_ARG(member.key));
	}
	if (!take(parser, ':'))
		return fail(parser, "\":\"");
	if (!read_expr(parser, &member.value))
		return false;
	*ARENA_PUSH(parser->arena, list) = member;
	return true;
}

bool params_read_exprs(struct arena *arena, struct str text, const struct pos *pos, unsigned depth,
                       struct value *out, struct error *error)
{
	struct parser parser = {
		.arena = arena, .text = text, .pos = pos, .depth = depth, .error = error};
	struct members list = {0};

	do {
		if (!read_named(&parser, &list))
			return false;
	} while (take(&parser, ','));
	skip_spaces(&parser);
	if (parser.at < text.n)
		return fail(&parser, "\",\"");
	*out = (struct value){
		.kind = VALUE_OBJECT, .pos = pos, .object = {.members = list.items, .n = list.n}};
	return true;
}
