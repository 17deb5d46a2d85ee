/* Walks over resolved trees: each node is seen once, however queries nest. */
#include "config/models_file.h"
#include "orm/query/decode.h"
#include "orm/query/resolve.h"
#include "orm/query/walk.h"
#include "orm/wire/json.h"
#include "tests/support/suite.h"

static struct arena *arena;
static struct error error;
static const struct registry *registry;
static struct resolver resolver;

static void setup(void)
{
	const char *root = getenv("QUERN_SOURCE_DIR");
	struct buf report = {0};

	arena = arena_new();
	error_init(&error, arena);
	registry = models_load(
		arena,
		arena_printf(arena, "%s/tests/sql/models.json", root != NULL ? root : QUERN_SOURCE_DIR).p,
		&report);
	ck_assert_msg(registry != NULL, "%.*s", STR_ARG(buf_str(&report)));
	buf_release(&report);
	resolver_init(&resolver, arena, registry, &error);
}

static void teardown(void)
{
	arena_free(arena);
}

/* The select of articles that the query asks for. */
static const struct select *resolve(struct str text)
{
	static const struct json_limits limits = {1 << 20, 64, 10000};
	const struct model *model = registry_model(registry, STR("Article"));
	const struct value *body;
	const struct query *query;
	struct resolved resolved;

	ck_assert_msg(json_read(arena, text, &limits, &body, &error), "%.*s", STR_ARG(error.detail));
	ck_assert_msg(decode_query(arena, body, NULL, &query, &error), "%.*s", STR_ARG(error.detail));
	ck_assert_msg(resolve_clauses(scope_new(&resolver, NULL, model), query, &resolved), "%.*s",
	              STR_ARG(error.detail));
	return resolved.select;
}

static struct visitor count(const struct select *select)
{
	struct visitor visitor = {0};

	visit_select(&visitor, select);
	return visitor;
}

/* Were a nested select reached by two ways, thirty levels would be a billion visits. */
START_TEST(queries_that_nest_are_seen_once_at_each_level)
{
	static const char *const openings[] = {
		"{\"Exists\": {\"model\": \"Article\", \"filter\": ",
		"{\"lookup\": [{\"Exists\": {\"model\": \"Article\", \"filter\": ",
	};
	static const char *const endings[] = {"}}", "}}, \"exact\", true]}"};
	static const int depths[] = {25, 14};

	for (size_t form = 0; form < 2; form++) {
		struct buf text = {0};

		buf_add(&text, STR("{\"filter\": "));
		for (int i = 0; i < depths[form]; i++)
			buf_add(&text, str_of(openings[form]));
		buf_add(&text, STR("{\"id\": 1}"));
		for (int i = 0; i < depths[form]; i++)
			buf_add(&text, str_of(endings[form]));
		buf_add(&text, STR("}"));
		struct visitor seen = count(resolve(buf_str(&text)));

		ck_assert_uint_le(seen.nodes, 8 * (size_t)depths[form]);
		ck_assert_uint_ge(seen.deepest, (size_t)depths[form]);
		ck_assert_uint_eq(seen.depth, 0);
		buf_release(&text);
	}
}
END_TEST

static void note_source(struct visitor *visitor, struct source *source, const struct field *field)
{
	const struct source **last = visitor->data;

	(void)field;
	*last = source;
}

START_TEST(a_copy_names_the_new_source_and_leaves_the_old_tree_alone)
{
	const struct select *select = resolve(STR("{\"filter\": {\"title\": \"a\"}}"));
	struct source *from[] = {select->sources.items[0]};
	struct source *to[] = {ARENA_NEW(arena, struct source)};
	const struct source_map map = {arena, from, to, 1};
	const struct source *seen = NULL;
	struct visitor visitor = {.column = note_source, .data = &seen};

	visit_cond(&visitor, copy_cond(&map, select->where.items[0]));
	ck_assert_ptr_eq(seen, to[0]);
	visit_cond(&visitor, select->where.items[0]);
	ck_assert_ptr_eq(seen, from[0]);
}
END_TEST

static void note_outer(struct visitor *visitor, struct source *source, const struct field *field)
{
	size_t *n = visitor->data;

	(void)field;
	*n += source->alias == 0;
}

/* The window makes a derived table of the subquery, and the OuterRef stands inside of that. */
START_TEST(a_copy_reaches_what_a_nested_table_names_outside)
{
	const struct select *select =
		resolve(STR("{\"filter\": {\"Exists\": {\"model\": \"Vote\", \"query\": ["
	                "{\"filter\": {\"article\": {\"OuterRef\": \"pk\"}},"
	                " \"annotate\": {\"r\": {\"Window\": {\"expr\": {\"RowNumber\": []}, "
	                "\"order_by\": [\"id\"]}}}},"
	                "{\"filter\": {\"r\": 1}}]}}}"));
	struct source *from[] = {select->sources.items[0]};
	struct source *to[] = {ARENA_NEW(arena, struct source)};
	const struct source_map map = {arena, from, to, 1};
	size_t n = 0;
	struct visitor visitor = {.column = note_outer, .data = &n};

	to[0]->alias = 77;
	visit_cond(&visitor, select->where.items[0]);
	ck_assert_uint_eq(n, 1);
	n = 0;
	visit_cond(&visitor, copy_cond(&map, select->where.items[0]));
	ck_assert_uint_eq(n, 0);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "query/walk");

	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, queries_that_nest_are_seen_once_at_each_level);
	tcase_add_test(group, a_copy_names_the_new_source_and_leaves_the_old_tree_alone);
	tcase_add_test(group, a_copy_reaches_what_a_nested_table_names_outside);
	return suite_main(suite);
}
