/* See migrate_support.h. */
#include "migrate_support.h"

#include "orm/base/log.h"
#include "orm/wire/json.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_LINES = 500 };

struct bench bench;

static void take_line(void *context, const char *line)
{
	(void)context;
	ck_assert_uint_lt(bench.n, MAX_LINES);
	bench.lines[bench.n++] = arena_str(bench.arena, str_of(line));
}

void bench_setup_pure(void)
{
	log_setup(LOG_ERROR, LOG_TEXT);
	bench = (struct bench){.arena = arena_new()};
	error_init(&bench.error, bench.arena);
	bench.lines = ARENA_ARRAY(bench.arena, struct str, MAX_LINES);
}

void bench_teardown_pure(void)
{
	arena_free(bench.arena);
}

void bench_setup(void)
{
	static unsigned cases;
	bench_setup_pure();
	const char *conninfo = getenv("QUERN_TEST_DATABASE_URL");
	ck_assert_msg(conninfo != NULL, "QUERN_TEST_DATABASE_URL is not set");
	bench.pg = PQconnectdb(conninfo);
	ck_assert_msg(PQstatus(bench.pg) == CONNECTION_OK, "%s", PQerrorMessage(bench.pg));
	snprintf(bench.schema, sizeof bench.schema, "case_%d_%u", (int)getpid(), cases++);
	ask("SET client_min_messages = warning");
	ask(arena_printf(bench.arena, "CREATE SCHEMA %s", bench.schema).p);
	ask(arena_printf(bench.arena, "SET search_path = %s", bench.schema).p);
	/* Extensions live in the first schema that needs them: public stays in the path. */
	bench.options = (struct migrate_options){
		.conninfo = conninfo,
		.search_path = arena_printf(bench.arena, "%s, public", bench.schema).p,
		.report = take_line,
	};
}

void bench_teardown(void)
{
	ask(arena_printf(bench.arena, "DROP SCHEMA %s CASCADE", bench.schema).p);
	PQfinish(bench.pg);
	bench_teardown_pure();
}

const char *ask(const char *sql)
{
	PGresult *result = PQexec(bench.pg, sql);
	ExecStatusType status = PQresultStatus(result);
	ck_assert_msg(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK, "%s: %s", sql,
	              PQerrorMessage(bench.pg));
	const char *value = "";
	if (PQntuples(result) > 0)
		value = arena_cstr(bench.arena, str_of(PQgetvalue(result, 0, 0)));
	PQclear(result);
	return value;
}

const struct registry *models_exactly(struct str text)
{
	const struct json_limits limits = {1 << 20, 64, 100000};
	const struct value *document;
	struct mistakes mistakes = {0};
	ck_assert_msg(json_read(bench.arena, text, &limits, &document, &bench.error), "%.*s",
	              STR_ARG(bench.error.detail));
	const struct registry *registry = registry_build(bench.arena, &document, 1, &mistakes);
	for (size_t i = 0; i < mistakes.n; i++)
		fprintf(stderr, "%.*s: %.*s\n", STR_ARG(pos_pointer(bench.arena, mistakes.items[i].pos)),
		        STR_ARG(mistakes.items[i].message));
	ck_assert_ptr_nonnull(registry);
	return registry;
}

const struct registry *models(const char *text)
{
	char *exact = arena_cstr(bench.arena, str_of(text));
	for (char *c = exact; *c; c++) {
		if (*c == '\'')
			*c = '"';
	}
	return models_exactly(str_of(exact));
}

const struct registry *models_of_file(const char *path)
{
	const char *source = getenv("QUERN_SOURCE_DIR");
	FILE *file =
		fopen(arena_printf(bench.arena, "%s/%s", source ? source : QUERN_SOURCE_DIR, path).p, "r");
	ck_assert_ptr_nonnull(file);
	enum { SIZE = 1 << 20 };
	char *text = arena_alloc(bench.arena, SIZE);
	size_t n = fread(text, 1, SIZE, file);
	fclose(file);
	return models_exactly((struct str){text, n});
}

void apply(const struct registry *registry)
{
	bench.n = 0;
	error_clear(&bench.error);
	bool ok = migrate_apply(&bench.options, registry, &bench.error);
	ck_assert_msg(ok, "%.*s", STR_ARG(bench.error.detail));
}

void assert_refused(const struct registry *registry, const char *words)
{
	bench.n = 0;
	error_clear(&bench.error);
	ck_assert_msg(!migrate_apply(&bench.options, registry, &bench.error), "not refused: %s", words);
	ck_assert_msg(str_find(bench.error.detail, str_of(words)) >= 0, "\"%.*s\" does not say \"%s\"",
	              STR_ARG(bench.error.detail), words);
}

size_t misfits_of(const struct registry *registry)
{
	size_t misfits = 0;
	bench.n = 0;
	error_clear(&bench.error);
	bool ok = migrate_check(&bench.options, registry, &misfits, &bench.error);
	ck_assert_msg(ok, "%.*s", STR_ARG(bench.error.detail));
	ck_assert_uint_eq(misfits, bench.n);
	return misfits;
}

bool was_reported(const char *words)
{
	for (size_t i = 0; i < bench.n; i++) {
		if (str_find(bench.lines[i], str_of(words)) >= 0)
			return true;
	}
	return false;
}
