/* Plans kept by shape: whatever is bound must be what planning would have made.
 *
 * Every case of plans.txt is kept, then asked with other values in each place; the bound statements are
 * compared with freshly planned ones, texts and parameters.
 */
#include "config/models_file.h"
#include "orm/query/decode.h"
#include "orm/sql/shape.h"
#include "orm/wire/json.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static const char method[] = "query";
static const struct json_limits limits = {1 << 20, 64, 10000};
static struct arena *lasting;
static const struct registry *registry;
static struct shapes *shapes;

static struct str path_of(const char *file)
{
	const char *root = getenv("QUERN_SOURCE_DIR");

	return arena_printf(lasting, "%s/%s", root != NULL ? root : ".", file);
}

static void setup(void)
{
	struct buf report = {0};

	lasting = arena_new();
	registry = models_load(lasting, path_of("tests/sql/models.json").p, &report);
	ck_assert_msg(registry != NULL, "%.*s", STR_ARG(buf_str(&report)));
	buf_release(&report);
	shapes = shapes_new(64);
}

static void teardown(void)
{
	shapes_free(shapes);
	arena_free(lasting);
}

static const struct value *json(struct arena *arena, struct str text)
{
	const struct value *value;
	struct error error;

	error_init(&error, arena);
	ck_assert_msg(json_read(arena, text, &limits, &value, &error), "%.*s: %.*s", STR_ARG(text),
	              STR_ARG(error.detail));
	return value;
}

/* NULL when the question is refused. */
static const struct plan *plan(struct arena *arena, const struct model *model, const struct value *body)
{
	const struct query *query;
	const struct plan *plan = NULL;
	struct error error;

	error_init(&error, arena);
	if (!decode_query(arena, body, NULL, &query, &error) || query_has_cursor(query) ||
	    !plan_query(arena, model, NULL, query, &plan, &error))
		return NULL;
	return plan;
}

static bool keep(const struct model *model, struct str text)
{
	struct arena *arena = arena_new();
	const struct value *body = json(arena, text);
	struct answer_plan answer = {.plan = plan(arena, model, body)};

	if (answer.plan == NULL) {
		arena_free(arena);
		return false;
	}
	shapes_keep(shapes, arena, &(struct question){method, model, NULL, body}, &answer);
	return true;
}

/* ---- comparing ---- */

static void add_statement(struct buf *out, const struct statement *statement)
{
	buf_printf(out, "%.*s\n", STR_ARG(statement->sql));
	for (size_t i = 0; i < statement->nparams; i++)
		if (statement->params[i].text.p != NULL)
			buf_printf(out, "$%zu %.*s\n", i + 1, STR_ARG(statement->params[i].text));
}

static void add_plan(struct buf *out, const struct plan *plan)
{
	buf_printf(out, "%d %d\n", plan->is_empty, plan->has_limit);
	add_statement(out, &plan->statement);
	add_statement(out, &plan->count_statement);
	for (size_t i = 0; i < plan->nprefetches; i++)
		add_plan(out, plan->prefetches[i].plan);
}

static void check_same(const struct plan *bound, const struct plan *planned, struct str text)
{
	struct buf a = {0}, b = {0};

	ck_assert_msg(planned != NULL, "bound, but refused when planned: %.*s", STR_ARG(text));
	add_plan(&a, bound);
	add_plan(&b, planned);
	ck_assert_msg(str_eq(buf_str(&a), buf_str(&b)), "%.*s\nbound:\n%.*s\nplanned:\n%.*s", STR_ARG(text),
	              STR_ARG(buf_str(&a)), STR_ARG(buf_str(&b)));
	buf_release(&a);
	buf_release(&b);
}

/* ---- other values ---- */

static const char *const numbers[] = {"0", "1", "7", "29", "2026", "2147483648", "-3", "99999", "9223372036854775807"};
static const char *const reals[] = {"0.5", "1.0", "-2.25", "1e300"};
static const char *const texts[] = {"\"\"", "\"x\"", "\"50%_\\\\\"", "\"2026-02-29\"", "\"2026-03-01T00:00:00Z\"",
                                    "\"12\"", "\"published\"", "\"null\"", "\"true\"", "\"[\""};
static const char *const booleans[] = {"true", "false"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Writes the body with the number `at` of its literals replaced; *next counts them. */
static void write_other(struct buf *out, const struct value *value, size_t at, size_t variant, size_t *next)
{
	const char *const *with = NULL;
	size_t n = 0;

	switch (value->kind) {
	case VALUE_LIST:
		buf_add_char(out, '[');
		for (size_t i = 0; i < value->list.n; i++) {
			if (i > 0)
				buf_add_char(out, ',');
			write_other(out, &value->list.items[i], at, variant, next);
		}
		buf_add_char(out, ']');
		return;
	case VALUE_OBJECT:
		buf_add_char(out, '{');
		for (size_t i = 0; i < value->object.n; i++) {
			if (i > 0)
				buf_add_char(out, ',');
			buf_add_json(out, value->object.members[i].key);
			buf_add_char(out, ':');
			write_other(out, &value->object.members[i].value, at, variant, next);
		}
		buf_add_char(out, '}');
		return;
	case VALUE_INT:
		with = numbers, n = COUNT(numbers);
		break;
	case VALUE_REAL:
		with = reals, n = COUNT(reals);
		break;
	case VALUE_TEXT:
		with = texts, n = COUNT(texts);
		break;
	case VALUE_BOOL:
		with = booleans, n = COUNT(booleans);
		break;
	case VALUE_NULL:
		break;
	}
	if ((*next)++ == at && n > 0)
		buf_add(out, str_of(with[variant % n]));
	else
		value_write_json(value, out);
}

/* Asks with each literal replaced; returns how many questions were bound. */
static size_t ask_others(const struct model *model, struct str text)
{
	size_t bound = 0, literals = 1;

	for (size_t at = 0; at < literals; at++)
		for (size_t variant = 0; variant < COUNT(texts); variant++) {
			struct arena *arena = arena_new();
			struct buf other = {0};
			struct answer_plan answer;

			literals = 0;
			write_other(&other, json(arena, text), at, variant, &literals);
			struct str asked = buf_str(&other);
			const struct value *body = json(arena, asked);

			if (shapes_find(shapes, arena, &(struct question){method, model, NULL, body}, &answer) ==
			    SHAPE_BOUND) {
				check_same(answer.plan, plan(arena, model, json(arena, asked)), asked);
				bound++;
			}
			buf_release(&other);
			arena_free(arena);
		}
	return bound;
}

static struct str read_file(struct str path)
{
	FILE *file = fopen(path.p, "r");
	struct buf text = {0};
	char piece[4096];
	size_t n;

	ck_assert_ptr_nonnull(file);
	while ((n = fread(piece, 1, sizeof piece, file)) > 0)
		buf_add(&text, (struct str){piece, n});
	fclose(file);
	struct str kept = arena_str(lasting, buf_str(&text));

	buf_release(&text);
	return kept;
}

START_TEST(bound_is_planned)
{
	struct str rest = read_file(path_of("tests/sql/plans.txt"));
	size_t cases = 0, bound = 0;

	while (rest.p != NULL && rest.n > 0) {
		struct str line = str_cut(&rest, STR("\n"));
		struct str name = str_cut(&line, STR(" ")), kind = str_cut(&line, STR(" "));
		const struct model *model = registry_path(registry, name);

		if (model == NULL || !str_is(kind, "query") || line.p == NULL || !keep(model, line))
			continue;
		cases++;
		bound += ask_others(model, line);
	}
	printf("%zu cases, %zu questions bound\n", cases, bound);
	ck_assert_uint_gt(cases, 100);
	ck_assert_uint_gt(bound, 800);
}
END_TEST

/* ---- what is kept ---- */

static enum shape_state ask(const char *text, struct arena *arena)
{
	const struct model *model = registry_path(registry, STR("article"));
	struct answer_plan answer;
	const struct value *body = json(arena, str_of(text));

	return shapes_find(shapes, arena, &(struct question){method, model, NULL, body}, &answer);
}

static enum shape_state ask_once(const char *text)
{
	struct arena *arena = arena_new();
	enum shape_state state = ask(text, arena);

	arena_free(arena);
	if (state == SHAPE_WANTED)
		keep(registry_path(registry, STR("article")), str_of(text));
	return state;
}

START_TEST(a_shape_is_wanted_the_second_time_and_bound_the_third)
{
	ck_assert_int_eq(ask_once("{\"filter\":{\"title\":\"a\"}}"), SHAPE_NEW);
	ck_assert_int_eq(ask_once("{\"filter\":{\"title\":\"b\"}}"), SHAPE_WANTED);
	ck_assert_int_eq(ask_once("{\"filter\":{\"title\":\"c\"}}"), SHAPE_BOUND);
	ck_assert_int_eq(ask_once("{\"filter\":{\"title\":3}}"), SHAPE_NEW);
	ck_assert_int_eq(ask_once("{\"filter\":{\"title\":null}}"), SHAPE_NEW);
	ck_assert_int_eq(ask_once("{\"filter\":{\"body\":\"c\"}}"), SHAPE_NEW);
}
END_TEST

START_TEST(lists_of_any_length_are_one_shape_and_limits_are_their_own)
{
	ask_once("{\"filter\":{\"id__in\":[1,2]},\"limit\":5}");
	ask_once("{\"filter\":{\"id__in\":[1,2]},\"limit\":5}");
	ck_assert_int_eq(ask_once("{\"filter\":{\"id__in\":[3,4,5,6]},\"limit\":5}"), SHAPE_BOUND);
	ck_assert_int_eq(ask_once("{\"filter\":{\"id__in\":[3,4,5,6]},\"limit\":6}"), SHAPE_NEW);
	ck_assert_int_eq(ask_once("{\"filter\":{\"id__in\":[]},\"limit\":5}"), SHAPE_NEW);
	ck_assert_int_eq(ask_once("{\"filter\":{\"id__in\":[3,null]},\"limit\":5}"), SHAPE_NEW);
}
END_TEST

START_TEST(a_value_that_does_not_fit_is_left_to_the_planner)
{
	ask_once("{\"filter\":{\"id\":1}}");
	ask_once("{\"filter\":{\"id\":1}}");
	ck_assert_int_eq(ask_once("{\"filter\":{\"id\":2}}"), SHAPE_BOUND);
	ask_once("{\"filter\":{\"published\":\"x\"}}");
	ck_assert_int_ne(ask_once("{\"filter\":{\"published\":\"x\"}}"), SHAPE_BOUND);
}
END_TEST

START_TEST(what_was_used_longest_ago_makes_room)
{
	struct shapes_stats stats;
	struct arena *user = arena_new();
	char text[64];

	ask_once("{\"filter\":{\"title\":\"a\"}}");
	ask_once("{\"filter\":{\"title\":\"a\"}}");
	ck_assert_int_eq(ask("{\"filter\":{\"title\":\"used while it is dropped\"}}", user), SHAPE_BOUND);
	for (int i = 0; i < 200; i++) {
		snprintf(text, sizeof text, "{\"limit\":%d}", i + 1);
		ask_once(text);
		ask_once(text);
	}
	shapes_stats(shapes, &stats);
	ck_assert_uint_le(stats.kept, 64);
	ck_assert_int_ne(ask_once("{\"filter\":{\"title\":\"z\"}}"), SHAPE_BOUND);
	arena_free(user);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sql/shape");
	TCase *cases = tcase_create("shapes");

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, bound_is_planned);
	tcase_add_test(cases, a_shape_is_wanted_the_second_time_and_bound_the_third);
	tcase_add_test(cases, lists_of_any_length_are_one_shape_and_limits_are_their_own);
	tcase_add_test(cases, a_value_that_does_not_fit_is_left_to_the_planner);
	tcase_add_test(cases, what_was_used_longest_ago_makes_room);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed != 0;
}
