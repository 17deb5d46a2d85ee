/* EXPLAIN of a statement: a prefix of constants before a text that the writer has made.
 *
 * What a client says chooses rows of the tables below; none of it becomes text.
 */
#include "orm/sql/explain.h"

static const struct {
	const char *name;
	const char *on, *off;
	bool needs_analyze;
} switches[] = {
	{"analyze", ", ANALYZE", "", false},
	{"verbose", ", VERBOSE", "", false},
	{"costs", ", COSTS", ", COSTS FALSE", false},
	{"settings", ", SETTINGS", "", false},
	{"buffers", ", BUFFERS", "", false},
	{"wal", ", WAL", "", true},
	{"timing", ", TIMING", ", TIMING FALSE", true},
	{"summary", ", SUMMARY", ", SUMMARY FALSE", false},
};

static const struct {
	const char *name;
	const char *sql;
	enum explain_format format;
} formats[] = {
	{"text", "EXPLAIN (FORMAT TEXT", EXPLAIN_TEXT},
	{"json", "EXPLAIN (FORMAT JSON", EXPLAIN_JSON},
	{"xml", "EXPLAIN (FORMAT XML", EXPLAIN_XML},
	{"yaml", "EXPLAIN (FORMAT YAML", EXPLAIN_YAML},
};
#define NFORMATS (sizeof formats / sizeof *formats)

static bool read_switch(const struct value *value, bool *is_on, struct error *error)
{
	if (value->kind == VALUE_BOOL) {
		*is_on = value->boolean;
		return true;
	}
	if (value->kind != VALUE_TEXT || !value->is_loose)
		return error_set(error, ERROR_VALUE, value->pos, "expected true or false, got %s",
		                 value_kind_name(value->kind));
	*is_on = str_is(value->text, "true");
	if (*is_on || str_is(value->text, "false"))
		return true;
	return error_set(error, ERROR_VALUE, value->pos, "expected true or false, got \"%.*s\"",
	                 STR_ARG(value->text));
}

static bool find_format(const struct value *value, size_t *found, struct error *error)
{
	struct str names[NFORMATS];

	*found = 0;
	if (value == NULL)
		return true;
	if (value->kind != VALUE_TEXT)
		return error_set(error, ERROR_VALUE, value->pos, "expected a format's name, got %s",
		                 value_kind_name(value->kind));
	for (; *found < NFORMATS; ++*found) {
		names[*found] = str_of(formats[*found].name);
		if (str_eq_nocase(value->text, names[*found]))
			return true;
	}
	error_set(error, ERROR_VALUE, value->pos,
	          "there is no format \"%.*s\"; choices are text, json, xml, yaml",
	          STR_ARG(value->text));
	error->suggestion = suggest_nearest(value->text, names, NFORMATS);
	return false;
}

static bool add_switches(const struct value *options, struct buf *prefix, struct error *error)
{
	bool analyzes = false;

	for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
		const struct value *value = value_get(options, switches[i].name);
		bool is_on;

		if (value == NULL)
			continue;
		if (!read_switch(value, &is_on, error))
			return false;
		if (i == 0)
			analyzes = is_on;
		if (switches[i].needs_analyze && !analyzes)
			return error_set(error, ERROR_VALUE, value->pos, "\"%s\" needs \"analyze\": true",
			                 switches[i].name);
		buf_add(prefix, str_of(is_on ? switches[i].on : switches[i].off));
	}
	return true;
}

bool explain_statement(struct arena *arena, const struct statement *statement,
                       const struct value *options, struct statement *out,
                       enum explain_format *format, struct error *error)
{
	struct buf prefix = {0};
	size_t found;
	bool is_ok;

	if (!find_format(value_get(options, "format"), &found, error))
		return false;
	*format = formats[found].format;
	buf_add(&prefix, str_of(formats[found].sql));
	is_ok = add_switches(options, &prefix, error);
	BUF_LIT(&prefix, ") ");
	*out = *statement;
	out->ncolumns = 1;
	out->sql = arena_concat(arena, buf_str(&prefix), statement->sql);
	buf_release(&prefix);
	return is_ok;
}

void explain_as_json(struct arena *arena, const struct statement *statement, struct statement *out)
{
	*out = *statement;
	out->ncolumns = 1;
	out->sql = arena_concat(arena, STR("EXPLAIN (FORMAT JSON) "), statement->sql);
}
