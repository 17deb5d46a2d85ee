/* Every function and every lookup of the tables, over a column of every kind that it takes: the SQL that it becomes is
 * prepared by a real PostgreSQL, which knows whether there is such a function for such types.
 */
#include "orm/migrate/migrate.h"
#include "orm/model/build.h"
#include "orm/query/decode.h"
#include "orm/query/lookups.h"
#include "orm/sql/plan.h"
#include "orm/wire/json.h"
#include "tests/support/suite.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

/* A field of each kind, and a value of it as JSON. */
static const struct sample {
	enum type_kind kind;
	const char *name, *type, *value;
} samples[] = {
	{TYPE_INTEGER, "a_int", "\"IntegerField\"", "3"},
	{TYPE_FLOAT, "a_float", "\"FloatField\"", "0.5"},
	{TYPE_DECIMAL, "a_decimal",
     "{\"type\": \"DecimalField\", \"max_digits\": 9, \"decimal_places\": 2}", "\"1.10\""},
	{TYPE_BOOLEAN, "a_bool", "\"BooleanField\"", "true"},
	{TYPE_TEXT, "a_text", "\"TextField\"", "\"x\""},
	{TYPE_TEXT, "a_char", "{\"type\": \"CharField\", \"max_length\": 9}", "\"x\""},
	{TYPE_UUID, "a_uuid", "\"UUIDField\"", "\"11111111-2222-3333-4444-555555555555\""},
	{TYPE_INET, "an_inet", "\"GenericIPAddressField\"", "\"10.0.0.1\""},
	{TYPE_DATE, "a_date", "\"DateField\"", "\"2026-02-03\""},
	{TYPE_DATETIME, "a_moment", "\"DateTimeField\"", "\"2026-02-03T04:05:06Z\""},
	{TYPE_TIME, "a_time", "\"TimeField\"", "\"04:05:06\""},
	{TYPE_DURATION, "a_duration", "\"DurationField\"", "\"P1DT2H\""},
	{TYPE_BINARY, "a_binary", "\"BinaryField\"", "\"AAEC\""},
	{TYPE_JSON, "a_json", "\"JSONField\"", "{\"Value\": [1, 2]}"},
	{TYPE_ARRAY, "an_array", "{\"type\": \"ArrayField\", \"base_field\": \"IntegerField\"}",
     "[1, 2]"},
	{TYPE_RANGE, "a_range", "\"IntegerRangeField\"", "{\"lower\": 1, \"upper\": 5}"},
	{TYPE_RANGE, "a_date_range", "\"DateRangeField\"",
     "{\"lower\": \"2026-01-01\", \"upper\": \"2026-02-01\"}"},
};
enum { NSAMPLES = sizeof samples / sizeof *samples };

static struct arena *arena;
static struct error error;
static const struct model *model;
static PGconn *pg;
static unsigned nprepared, nwrong;
static struct buf wrong;

static const struct value *json(struct str text)
{
	static const struct json_limits limits = {1 << 20, 64, 10000};
	const struct value *value;

	ck_assert_msg(json_read(arena, text, &limits, &value, &error), "%.*s: %.*s", STR_ARG(text),
	              STR_ARG(error.detail));
	return value;
}

static bool execute(const char *sql)
{
	PGresult *result = PQexec(pg, sql);
	ExecStatusType status = PQresultStatus(result);

	PQclear(result);
	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static const struct registry *build(void)
{
	struct buf text = {0};
	struct mistakes mistakes;
	const struct registry *registry;

	buf_add(&text, STR("{\"models\": {\"Thing\": {\"fields\": {"));
	for (size_t i = 0; i < NSAMPLES; i++)
		buf_printf(&text, "%s\"%s\": %s", i > 0 ? ", " : "", samples[i].name, samples[i].type);
	buf_add(&text, STR("}}}}"));
	const struct value *documents[] = {json(buf_str(&text))};

	registry = registry_build(arena, documents, 1, &mistakes);
	ck_assert_ptr_nonnull(registry);
	buf_release(&text);
	return registry;
}

static void setup(void)
{
	const char *conninfo = getenv("QUERN_TEST_DATABASE_URL");
	struct str script;

	arena = arena_new();
	error_init(&error, arena);
	const struct registry *registry = build();

	model = registry_model(registry, STR("Thing"));
	ck_assert(migrate_script(registry, &script, &error));
	ck_assert_msg(conninfo != NULL, "QUERN_TEST_DATABASE_URL is not set");
	pg = PQconnectdb(conninfo);
	ck_assert_msg(PQstatus(pg) == CONNECTION_OK, "%s", PQerrorMessage(pg));
	ck_assert(execute("SET client_min_messages = warning"));
	ck_assert(execute("DROP SCHEMA IF EXISTS accepted CASCADE; CREATE SCHEMA accepted; SET "
	                  "search_path = accepted, public"));
	ck_assert_msg(execute(arena_cstr(arena, script)), "%s", PQerrorMessage(pg));
}

static void teardown(void)
{
	execute("DROP SCHEMA accepted CASCADE");
	PQfinish(pg);
	arena_free(arena);
}

static void blame(const char *text, const char *why)
{
	nwrong++;
	buf_printf(&wrong, "\n%s\n  %s", text, why);
}

static void prepare(const char *text, const struct statement *statement)
{
	Oid *types = ARENA_ARRAY(arena, Oid, statement->nparams + 1);

	for (size_t i = 0; i < statement->nparams; i++)
		types[i] = statement->params[i].oid;
	PGresult *result =
		PQprepare(pg, "", arena_cstr(arena, statement->sql), (int)statement->nparams, types);

	nprepared++;
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		blame(text, PQresultErrorMessage(result));
	PQclear(result);
}

/* The query is planned and its statement prepared. */
static void accept(const struct buf *query_text)
{
	const char *text = arena_cstr(arena, buf_str(query_text));
	const struct query *query;
	const struct plan *plan;

	error_clear(&error);
	if (!decode_query(arena, json(str_of(text)), NULL, &query, &error) ||
	    !plan_query(arena, model, NULL, query, &plan, &error))
		blame(text, arena_cstr(arena, error.detail));
	else if (!plan->is_empty)
		prepare(text, &plan->statement);
}

static void report(unsigned least)
{
	if (nwrong > 0)
		ck_abort_msg("%u of %u:%.*s", nwrong, nprepared, (int)wrong.n, wrong.p);
	ck_assert_uint_ge(nprepared, least);
	buf_release(&wrong);
}

/* ---- functions ---- */

static const struct sample *sample_of(char letter)
{
	for (size_t i = 0; i < NSAMPLES; i++)
		if (letter_accepts(letter, samples[i].kind))
			return &samples[i];
	ck_abort_msg("no sample for '%c'", letter);
}

/* What the server has not, and what takes part as an extension alone. */
static bool needs_extension(const struct function *row)
{
	static const char *const names[] = {"DIGEST(", "UNACCENT(", "SIMILARITY(", "uuid_"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strstr(row->shape, names[i]) != NULL)
			return true;
	return false;
}

static void add_call(struct buf *text, const struct function *row, const struct sample *first,
                     size_t nargs)
{
	buf_printf(text, "{\"%s\": [", row->name);
	for (size_t i = 0; i < nargs; i++) {
		char letter = function_takes(row, i);
		/* Neighbours ('s') are of the first one's type. */
		const struct sample *sample = i == 0 || letter == 's' ? first : sample_of(letter);

		buf_printf(text, "%s\"%s\"", i > 0 ? ", " : "", sample->name);
	}
	buf_add(text, STR("]}"));
}

static void accept_call(const struct function *row, const struct sample *first, size_t nargs)
{
	struct buf text = {0};

	buf_add(&text, row->class == FUNCTION_SCALAR ? STR("{\"values\": {\"x\": ")
	                                             : STR("{\"annotate\": {\"x\": "));
	if (row->class == FUNCTION_WINDOW)
		buf_add(&text, STR("{\"Window\": {\"order_by\": [\"id\"], \"expr\": "));
	add_call(&text, row, first, nargs);
	if (row->class == FUNCTION_WINDOW)
		buf_add(&text, STR("}}"));
	buf_add(&text, STR("}}"));
	accept(&text);
	buf_release(&text);
}

START_TEST(every_function_is_one_of_postgresql_for_every_kind_it_takes)
{
	size_t n;
	const struct function *rows = function_rows(&n);

	for (size_t i = 0; i < n; i++) {
		size_t least, most;

		if (needs_extension(&rows[i]))
			continue;
		function_arity(&rows[i], &least, &most);
		for (size_t nargs = least; nargs <= most && nargs <= least + 2; nargs++)
			for (size_t k = 0; k < NSAMPLES; k++)
				if (nargs == 0
				        ? k == 0
				        : function_find(str_of(rows[i].name), nargs, samples[k].kind) == &rows[i])
					accept_call(&rows[i], &samples[k], nargs);
	}
	report(300);
}
END_TEST

/* ---- lookups ---- */

static void add_operand(struct buf *text, const struct lookup *lookup, const struct sample *sample)
{
	switch (lookup->operand) {
	case LOOKUP_SAME:
	case LOOKUP_INSIDE:
		buf_printf(text, "%s", sample->value);
		return;
	case LOOKUP_TEXT:
	case LOOKUP_PATTERN:
		buf_add(text, STR("\"x\""));
		return;
	case LOOKUP_LIST:
		buf_printf(text, "[%s]", sample->value);
		return;
	case LOOKUP_PAIR:
		buf_printf(text, "[%s, %s]", sample->value, sample->value);
		return;
	case LOOKUP_FLAG:
		buf_add(text, STR("true"));
		return;
	case LOOKUP_TEXTS:
		buf_add(text, STR("[\"x\", \"y\"]"));
		return;
	}
}

static void accept_lookup(const struct lookup *lookup, const struct sample *sample)
{
	struct buf text = {0};

	buf_printf(&text, "{\"filter\": {\"%s__%s\": ", sample->name, lookup->name);
	add_operand(&text, lookup, sample);
	buf_add(&text, STR("}}"));
	accept(&text);
	buf_release(&text);
}

START_TEST(every_lookup_is_one_of_postgresql_for_every_kind_it_takes)
{
	size_t n;
	const struct lookup *rows = lookup_rows(&n);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(rows[i].name, "trigram_similar") == 0)
			continue; /* an extension's */
		for (size_t k = 0; k < NSAMPLES; k++)
			if (lookup_find(str_of(rows[i].name), samples[k].kind) == &rows[i])
				accept_lookup(&rows[i], &samples[k]);
	}
	report(200);
}
END_TEST

/* The right side as an expression has a shape of its own. */
START_TEST(every_lookup_takes_a_column_on_its_right_side)
{
	size_t n;
	const struct lookup *rows = lookup_rows(&n);

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < NSAMPLES; k++) {
			bool is_text = rows[i].operand == LOOKUP_TEXT || rows[i].operand == LOOKUP_PATTERN;
			struct buf text = {0};

			if ((rows[i].operand != LOOKUP_SAME && !is_text) ||
			    strcmp(rows[i].name, "trigram_similar") == 0 ||
			    lookup_find(str_of(rows[i].name), samples[k].kind) != &rows[i])
				continue;
			buf_printf(&text, "{\"filter\": {\"%s__%s\": {\"F\": \"%s\"}}}", samples[k].name,
			           rows[i].name, is_text ? "a_text" : samples[k].name);
			accept(&text);
			buf_release(&text);
		}
	}
	report(150);
}
END_TEST

START_TEST(every_transform_is_one_of_postgresql_for_every_kind_it_takes)
{
	size_t n;
	const struct transform *rows = transform_rows(&n);

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < NSAMPLES; k++) {
			const struct function *function = transform_find(str_of(rows[i].name), samples[k].kind);
			struct buf text = {0};

			if (function == NULL || needs_extension(function))
				continue;
			buf_printf(&text, "{\"filter\": {\"%s__%s__isnull\": false}}", samples[k].name,
			           rows[i].name);
			accept(&text);
			buf_release(&text);
		}
	}
	report(50);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "sql/accepted");

	json_setup();
	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, every_function_is_one_of_postgresql_for_every_kind_it_takes);
	tcase_add_test(group, every_lookup_is_one_of_postgresql_for_every_kind_it_takes);
	tcase_add_test(group, every_lookup_takes_a_column_on_its_right_side);
	tcase_add_test(group, every_transform_is_one_of_postgresql_for_every_kind_it_takes);
	return suite_main(suite);
}
