/* The planner's decisions, as SQL text: each case of plans.txt is a query and the statements that it becomes.
 *
 * The file is read as a document and reviewed as text.  QUERN_RECORD=1 writes what is made now in place of what
 * is expected: look at the difference before you believe it.
 */
#include "config/models_file.h"
#include "orm/query/decode.h"
#include "orm/sql/plan.h"
#include "orm/wire/json.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct arena *arena;
static struct error error;
static const struct registry *registry;
static const struct json_limits limits = {1 << 20, 64, 10000};

static struct str path_of(const char *file)
{
	const char *root = getenv("QUERN_SOURCE_DIR");

	return arena_printf(arena, "%s/%s", root != NULL ? root : ".", file);
}

static void setup(void)
{
	struct buf report = {0};

	arena = arena_new();
	error_init(&error, arena);
	registry = models_load(arena, path_of("tests/sql/models.json").p, &report);
	ck_assert_msg(registry != NULL, "%.*s", STR_ARG(buf_str(&report)));
	buf_release(&report);
}

static void teardown(void)
{
	arena_free(arena);
}

static const struct value *json(struct str text)
{
	const struct value *value;

	ck_assert_msg(json_read(arena, text, &limits, &value, &error), "%.*s: %.*s", STR_ARG(text),
	              STR_ARG(error.detail));
	return value;
}

static void add_statement(struct buf *out, const struct statement *statement)
{
	buf_printf(out, "    %.*s\n", STR_ARG(statement->sql));
	for (size_t i = 0; i < statement->nparams; i++) {
		struct str text = statement->params[i].text;

		if (text.p == NULL)
			buf_printf(out, "      $%zu keys of the rows above\n", i + 1);
		else
			buf_printf(out, "      $%zu %.*s\n", i + 1, STR_ARG(text));
	}
}

static void add_levels(struct buf *out, const struct plan *plan)
{
	add_statement(out, &plan->statement);
	for (size_t i = 0; i < plan->nprefetches; i++)
		add_levels(out, plan->prefetches[i].plan);
}

/* A page: "at" is the place that its cursor is to hold.  The cursor is sealed as the first page's. */
static bool plan_page_case(const struct model *model, const struct query *query, const struct value *at,
                           struct buf *out)
{
	const struct str secret = STR("secret");
	struct clause *last = (struct clause *)(uintptr_t)&query->clauses[query->nclauses - 1];
	const struct plan *plan;
	struct str values[8];

	if (!plan_page(arena, model, NULL, query, secret, 0, &plan, &error))
		return false;
	for (size_t i = 0; at != NULL && i < at->list.n; i++)
		values[i] = at->list.items[i].text;
	if (at != NULL) {
		ck_assert_uint_eq(at->list.n, plan->page->ncolumns);
		last->cursor_text = cursor_write(arena, &plan->page->seal, values, at->list.n);
		if (!plan_page(arena, model, NULL, query, secret, 0, &plan, &error))
			return false;
	}
	add_levels(out, plan);
	return true;
}

/* "article query {…}" as the statements it becomes, or its error. */
static void plan_case(struct str line, struct buf *out)
{
	static const char *const own[] = {"aggregate", "at", NULL};
	struct str rest = line;
	struct str name = str_cut(&rest, STR(" ")), method = str_cut(&rest, STR(" "));
	const struct model *model = registry_path(registry, name);
	const struct value *body = json(rest);
	const struct query *query;
	const struct plan *plan;
	struct statement statement;
	bool ok = decode_query(arena, body, own, &query, &error);

	ck_assert_msg(model != NULL, "no model %.*s", STR_ARG(name));
	if (ok && str_is(method, "query")) {
		ok = plan_query(arena, model, NULL, query, &plan, &error);
		if (ok)
			add_levels(out, plan);
		if (ok && plan->count != COUNT_NONE)
			add_statement(out, &plan->count_statement);
	} else if (ok && str_is(method, "page")) {
		ok = plan_page_case(model, query, value_get(body, "at"), out);
	} else if (ok && str_is(method, "count")) {
		ok = plan_count(arena, model, NULL, query, &statement, &error);
		if (ok)
			add_statement(out, &statement);
	} else if (ok && str_is(method, "exists")) {
		ok = plan_exists(arena, model, NULL, query, &statement, &error);
		if (ok)
			add_statement(out, &statement);
	} else if (ok && str_is(method, "aggregate")) {
		const struct named_expr *aggregates;
		struct aggregate_plan aggregate;
		size_t n;

		ok = decode_named_exprs(arena, value_get(body, "aggregate"), &aggregates, &n, &error) &&
		     plan_aggregate(arena, model, NULL, query, aggregates, n, &aggregate, &error);
		if (ok)
			add_statement(out, &aggregate.statement);
	} else {
		ck_assert_msg(!ok, "no method %.*s", STR_ARG(method));
	}
	if (!ok)
		buf_printf(out, "    %s at %.*s: %.*s\n", error_title(error.kind),
		           STR_ARG(pos_pointer(arena, error.pos)), STR_ARG(error.detail));
	error_clear(&error);
}

static struct str read_whole(const char *path)
{
	FILE *file = fopen(path, "r");
	struct buf text = {0};
	size_t n;

	ck_assert_msg(file != NULL, "cannot read %s", path);
	do {
		n = fread(buf_reserve(&text, 65536), 1, 65536, file);
		text.n += n;
	} while (n > 0);
	fclose(file);
	struct str copy = arena_str(arena, buf_str(&text));

	buf_release(&text);
	return copy;
}

/* Cases begin at the margin; what they become is indented; lines of # and empty lines are kept. */
START_TEST(queries_become_the_statements_that_were_reviewed)
{
	struct str path = path_of("tests/sql/plans.txt");
	struct str expected = read_whole(path.p), rest = expected;
	struct buf made = {0};
	size_t cases = 0;

	while (rest.p != NULL && rest.n > 0) {
		struct str line = str_cut(&rest, STR("\n"));

		if (str_starts(line, STR("    ")))
			continue;
		buf_printf(&made, "%.*s\n", STR_ARG(line));
		if (line.n == 0 || line.p[0] == '#')
			continue;
		plan_case(line, &made);
		cases++;
	}
	if (getenv("QUERN_RECORD") != NULL) {
		FILE *file = fopen(path.p, "w");

		ck_assert_ptr_nonnull(file);
		fwrite(made.p, 1, made.n, file);
		fclose(file);
	} else {
		struct str left = expected, right = buf_str(&made);

		while (left.n > 0 || right.n > 0) {
			struct str a = str_cut(&left, STR("\n")), b = str_cut(&right, STR("\n"));

			ck_assert_msg(str_eq(a, b), "expected: %.*s\nmade:     %.*s", STR_ARG(a), STR_ARG(b));
		}
	}
	ck_assert_uint_ge(cases, 60);
	buf_release(&made);
}
END_TEST

static struct statement plan_of(const char *body)
{
	const struct query *query;
	const struct plan *plan;

	ck_assert_msg(decode_query(arena, json(str_of(body)), (const char *const[]){NULL}, &query, &error) &&
	                  plan_query(arena, registry_path(registry, STR("article")), NULL, query, &plan, &error),
	              "%s: %.*s", body, STR_ARG(error.detail));
	return plan->statement;
}

START_TEST(the_text_depends_on_the_shape_and_never_on_the_values)
{
	static const char *const pairs[][2] = {
	    {"{\"filter\": {\"title\": \"a\"}}", "{\"filter\": {\"title\": \"' OR 1=1; --\"}}"},
	    {"{\"filter\": {\"id__in\": [1]}}", "{\"filter\": {\"id__in\": [1, 2, 3, 4]}}"},
	    {"{\"filter\": {\"title__icontains\": \"x\"}, \"limit\": 37}",
	     "{\"filter\": {\"title__icontains\": \"%_\\\\\"}, \"limit\": 300}"},
	    {"{\"filter\": {\"vote__created_at__year\": 1999}}",
	     "{\"filter\": {\"vote__created_at__year\": 2026}}"},
	    {"{\"annotate\": {\"n\": {\"+\": [\"id\", 1]}}}", "{\"annotate\": {\"n\": {\"+\": [\"id\", 2]}}}"},
	};

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct statement a = plan_of(pairs[i][0]), b = plan_of(pairs[i][1]);

		ck_assert_msg(str_eq(a.sql, b.sql), "%.*s\n%.*s", STR_ARG(a.sql), STR_ARG(b.sql));
		ck_assert_uint_eq(a.nparams, b.nparams);
	}
}
END_TEST

START_TEST(limits_make_few_texts)
{
	const char *known[64];
	size_t nknown = 0;
	char body[32];

	for (unsigned limit = 1; limit <= 3000; limit++) {
		size_t i = 0;

		snprintf(body, sizeof body, "{\"limit\": %u}", limit);
		struct str sql = plan_of(body).sql;

		while (i < nknown && !str_is(sql, known[i]))
			i++;
		if (i < nknown)
			continue;
		ck_assert_uint_lt(nknown, 40);
		known[nknown++] = sql.p;
	}
	ck_assert_uint_gt(nknown, 10);
}
END_TEST

START_TEST(hostile_text_is_found_in_parameters_alone)
{
	static const char *const hostile[] = {"'; DROP TABLE article; --", "\\\" OR \\\"\\\"=\\\"", "$1", "E'\\\\x'",
	                                      "/* */ UNION SELECT"};

	for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
		struct str body = arena_printf(arena,
		                               "{\"filter\": {\"title\": \"%s\", \"author__handle__startswith\": \"%s\"},"
		                               "\"annotate\": {\"x\": {\"Value\": \"%s\"}}}",
		                               hostile[i], hostile[i], hostile[i]);
		struct statement statement = plan_of(body.p);
		const struct value *parsed = json(body);
		struct str text = value_get(value_get(parsed, "filter"), "title")->text;

		ck_assert_int_eq(str_find(statement.sql, text), text.n == 2 ? str_find(statement.sql, text) : -1);
		ck_assert_uint_eq(statement.nparams, 3);
		ck_assert(str_eq(statement.params[0].text, text));
	}
}
END_TEST

START_TEST(every_parameter_is_named_once_and_in_order)
{
	struct statement statement =
	    plan_of("{\"filter\": {\"or\": [{\"title\": \"a\"}, {\"vote__author__handle\": \"b\"}], \"id__gt\": 4},"
	            "\"annotate\": {\"n\": {\"Count\": {\"expr\": \"vote\", \"filter\": {\"vote__author\": 7}}}},"
	            "\"limit\": 5, \"offset\": 6}");
	struct str rest = statement.sql;

	for (size_t i = 1; i <= statement.nparams; i++) {
		struct str name = arena_printf(arena, "$%zu", i);
		ptrdiff_t at = str_find(rest, name);

		ck_assert_msg(at >= 0, "%s is not behind the one before it in %.*s", name.p, STR_ARG(statement.sql));
		rest = str_sub(rest, (size_t)at + name.n, rest.n);
	}
	ck_assert_int_eq(str_find(rest, STR("$")), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sql/plan");
	TCase *tcase = tcase_create("plan");
	SRunner *runner;
	int failed;

	json_setup();
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, queries_become_the_statements_that_were_reviewed);
	tcase_add_test(tcase, the_text_depends_on_the_shape_and_never_on_the_values);
	tcase_add_test(tcase, limits_make_few_texts);
	tcase_add_test(tcase, hostile_text_is_found_in_parameters_alone);
	tcase_add_test(tcase, every_parameter_is_named_once_and_in_order);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
