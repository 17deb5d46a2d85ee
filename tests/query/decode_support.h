/* For the tests of the decoder: JSON in, the dump of the tree or the error as text out. */
#ifndef QUERN_TESTS_DECODE_SUPPORT_H
#define QUERN_TESTS_DECODE_SUPPORT_H

#include "orm/base/error.h"
#include "orm/query/decode.h"
#include "orm/wire/json.h"
#include "tests/support/suite.h"

static struct arena *arena;
static struct error error;

static void setup(void)
{
	arena = arena_new();
	error_init(&error, arena);
}

static void teardown(void)
{
	arena_free(arena);
}

static const struct value *json(const char *text)
{
	static const struct json_limits limits = {1 << 20, 64, 10000};
	const struct value *value;

	if (!json_read(arena, str_of(text), &limits, &value, &error))
		ck_abort_msg("not JSON: %s: %s", text, arena_cstr(arena, error.detail));
	return value;
}

/* What the decoder made of a text, as text: the dump, or "kind pointer: detail (suggestion)". */
struct outcome {
	bool is_ok;
	struct buf text;
};

static void finish(struct outcome *outcome, bool is_ok)
{
	outcome->is_ok = is_ok;
	ck_assert(is_ok != error_is_set(&error));
	if (is_ok)
		return;
	buf_clear(&outcome->text);
	buf_printf(&outcome->text, "%s %.*s: %.*s", error_title(error.kind),
	           STR_ARG(pos_pointer(arena, error.pos)), STR_ARG(error.detail));
	if (error.suggestion.p != NULL)
		buf_printf(&outcome->text, " (%.*s)", STR_ARG(error.suggestion));
	error_clear(&error);
}

static void outcome_is(struct outcome *outcome, const char *input, const char *expected)
{
	buf_add_char(&outcome->text, '\0');
	if (strcmp(outcome->text.p, expected) != 0)
		ck_abort_msg("\n   input %s\n     got %s\nexpected %s", input, outcome->text.p, expected);
	buf_release(&outcome->text);
}

static void query_is(const char *text, const char *expected)
{
	static const char *const own[] = {"aggregate", "fields", NULL};
	struct outcome outcome = {0};
	const struct query *query;
	bool is_ok = decode_query(arena, json(text), own, &query, &error);

	if (is_ok)
		query_dump(query, &outcome.text);
	finish(&outcome, is_ok);
	outcome_is(&outcome, text, expected);
}

static void cond_is(const char *text, const char *expected)
{
	struct outcome outcome = {0};
	const struct cond *cond;
	bool is_ok = decode_cond(arena, json(text), &cond, &error);

	if (is_ok)
		cond_dump(cond, &outcome.text);
	finish(&outcome, is_ok);
	outcome_is(&outcome, text, expected);
}

/* In expression position; the text is wrapped in an array because a JSON body is one. */
static void expr_is(const char *text, const char *expected)
{
	struct outcome outcome = {0};
	struct str wrapped = arena_printf(arena, "[%s]", text);
	const struct expr *expr;
	bool is_ok = decode_expr(arena, &json(wrapped.p)->list.items[0], &expr, &error);

	if (is_ok)
		expr_dump(expr, &outcome.text);
	finish(&outcome, is_ok);
	outcome_is(&outcome, text, expected);
}

static void operand_is(const char *text, const char *expected)
{
	struct outcome outcome = {0};
	struct str wrapped = arena_printf(arena, "[%s]", text);
	struct operand operand;
	bool is_ok = decode_operand(arena, &json(wrapped.p)->list.items[0], &operand, &error);

	if (is_ok)
		operand_dump(&operand, &outcome.text);
	finish(&outcome, is_ok);
	outcome_is(&outcome, text, expected);
}

#endif
