/* `quern loaddata`: fixtures, object by object: a file is never in memory as a whole.
 *
 * A JSON array of objects and NDJSON are read by one scanner: it finds where an object at the top ends,
 * and the JSON reader judges it.
 */
#include "orm/migrate/fixture.h"
#include "orm/wire/json.h"
#include "server/cli_database.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct json_limits limits = {.bytes = 64 << 20, .depth = 100, .nodes = 4000000};

/* Between objects: of an array, or of lines. */
enum place { AT_BEGIN, IN_LINES, IN_EMPTY_ARRAY, BEHIND_OBJECT, BEHIND_COMMA, BEHIND_ARRAY, AT_END };

static const struct {
	enum place from;
	int c;
	enum place to;
} moves[] = {
	{AT_BEGIN, '[', IN_EMPTY_ARRAY},     {AT_BEGIN, '{', IN_LINES},
	{AT_BEGIN, EOF, AT_END},             {IN_LINES, '{', IN_LINES},
	{IN_LINES, EOF, AT_END},             {IN_EMPTY_ARRAY, '{', BEHIND_OBJECT},
	{IN_EMPTY_ARRAY, ']', BEHIND_ARRAY}, {BEHIND_OBJECT, ',', BEHIND_COMMA},
	{BEHIND_OBJECT, ']', BEHIND_ARRAY},  {BEHIND_COMMA, '{', BEHIND_OBJECT},
	{BEHIND_ARRAY, EOF, AT_END},
};

#define NMOVES (sizeof moves / sizeof *moves)

struct reading {
	FILE *file;
	const char *name;
	uint64_t line;
	enum place place;
	struct buf object;
	struct arena *arena; /* of one object */
};

static bool wrong(struct reading *r, struct error *error, const char *words)
{
	return error_set_nowhere(error, ERROR_BAD_REQUEST, "%s:%llu: %s", r->name,
	                         (unsigned long long)r->line, words);
}

static int next_char(struct reading *r)
{
	int c = getc(r->file);

	r->line += c == '\n';
	return c;
}

static bool is_space(int c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool misplaced(struct reading *r, int c, struct error *error)
{
	if (c == EOF && ferror(r->file))
		return wrong(r, error, strerror(errno));
	if (c == EOF)
		return wrong(r, error, "the file ends within its array: it is not whole");
	if (r->place == BEHIND_OBJECT)
		return wrong(r, error, "expected a comma or the array's end behind an object");
	if (r->place == BEHIND_ARRAY)
		return wrong(r, error, "expected nothing behind the array's end");
	return wrong(r, error, "expected an object {\"model\", \"pk\", \"fields\"}");
}

/* Reads up to the brace that begins an object; *is_there is false at the end. */
static bool find_object(struct reading *r, bool *is_there, struct error *error)
{
	for (;;) {
		int c = next_char(r);
		size_t i = 0;

		if (is_space(c))
			continue;
		while (i < NMOVES && (moves[i].from != r->place || moves[i].c != c))
			i++;
		if (i == NMOVES || ferror(r->file))
			return misplaced(r, c, error);
		r->place = moves[i].to;
		*is_there = c == '{';
		if (*is_there || r->place == AT_END)
			return true;
	}
}

/* The mark that some programs begin a file with. */
static void skip_mark(struct reading *r)
{
	int c = getc(r->file);

	if (c != 0xef) {
		ungetc(c, r->file);
		return;
	}
	getc(r->file);
	getc(r->file);
}

/* The rest of an object whose brace has been read. */
static bool read_object(struct reading *r, struct error *error)
{
	unsigned depth = 1;
	bool is_text = false, is_escaped = false;

	buf_clear(&r->object);
	buf_add_char(&r->object, '{');
	while (depth > 0) {
		int c = next_char(r);

		if (c == EOF)
			return wrong(r, error, "the file ends within an object");
		if (r->object.n > limits.bytes)
			return wrong(r, error, "an object is longer than 64 MiB");
		buf_add_char(&r->object, (char)c);
		if (is_escaped)
			is_escaped = false;
		else if (is_text && c == '\\')
			is_escaped = true;
		else if (c == '"')
			is_text = !is_text;
		else if (!is_text && (c == '{' || c == '['))
			depth++;
		else if (!is_text && (c == '}' || c == ']'))
			depth--;
	}
	return true;
}

static bool read_json(struct arena *arena, struct str text, const struct value **value,
                      struct error *error)
{
	return json_read(arena, text, &limits, value, error);
}

static bool load_object(struct reading *r, struct fixture_load *load, struct error *error)
{
	const struct value *object;
	uint64_t line = r->line;

	arena_reset(r->arena);
	if (!read_object(r, error))
		return false;
	bool ok = read_json(r->arena, buf_str(&r->object), &object, error) &&
	          fixture_load_object(load, object, error);
	if (!ok)
		error->detail = arena_printf(error->arena, "%s:%llu: %.*s", r->name, (unsigned long long)line,
		                             STR_ARG(error->detail));
	return ok;
}

static bool load_all(struct reading *r, struct fixture_load *load, struct error *error)
{
	bool is_there = true;

	skip_mark(r);
	while (is_there)
		if (!find_object(r, &is_there, error) || (is_there && !load_object(r, load, error)))
			return false;
	return true;
}

static bool load_file(const char *name, struct fixture_load *load, struct error *error)
{
	bool is_standard = strcmp(name, "-") == 0;
	struct reading r = {.file = is_standard ? stdin : fopen(name, "r"),
	                    .name = is_standard ? "standard input" : name,
	                    .line = 1};

	if (!r.file)
		return error_set_nowhere(error, ERROR_BAD_REQUEST, "%s: %s", name, strerror(errno));
	r.arena = arena_new();
	bool ok = load_all(&r, load, error);
	arena_free(r.arena);
	buf_release(&r.object);
	if (!is_standard)
		fclose(r.file);
	return ok;
}

int cli_loaddata(struct cli *cli)
{
	struct settings settings;
	const struct registry *registry;
	struct fixture_load *load;
	struct error error;
	uint64_t n;

	error_init(&error, cli->arena);
	if (!cli_load_settings(cli, &settings) || !cli_load_models(cli, &settings, &registry))
		return CLI_FAILED;
	struct migrate_options options = cli_database(&settings);
	struct fixture_options fixture = {
		.read_json = read_json,
		.ignores_unknown = cli_extra(cli, "--ignore-nonexistent") != NULL,
	};
	if (!fixture_load_begin(&options, registry, &fixture, &load, &error))
		return cli_fail(&error);
	bool ok = true;
	for (size_t i = 0; ok && i < cli->nwords; i++)
		ok = load_file(cli->words[i], load, &error);
	ok = ok && fixture_load_finish(load, &n, &error);
	fixture_load_end(load);
	if (!ok) {
		cli_fail(&error);
		fprintf(stderr, "Nothing was loaded.\n");
		return CLI_FAILED;
	}
	printf("Loaded %llu object%s from %zu file%s.\n", (unsigned long long)n, n == 1 ? "" : "s",
	       cli->nwords, cli->nwords == 1 ? "" : "s");
	return CLI_OK;
}
