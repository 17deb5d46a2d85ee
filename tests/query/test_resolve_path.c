/* Paths over the models of tests/sql: what each part names, which hops are trimmed, and what a path may not become. */
#include "config/models_file.h"
#include "orm/query/decode.h"
#include "orm/query/resolve.h"
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

static struct scope *scope_of(const char *model)
{
	return scope_new(&resolver, NULL, registry_model(registry, str_of(model)));
}

static bool resolves(struct scope *scope, const char *text, struct target *target)
{
	struct path path = path_make(arena, str_of(text), NULL);

	return path_resolve(scope, scope->model, &path, target);
}

static struct target target_of(const char *model, const char *text)
{
	struct target target;

	ck_assert_msg(resolves(scope_of(model), text, &target), "%s: %.*s", text,
	              STR_ARG(error.detail));
	return target;
}

static void is_field(const struct target *target, const char *model, const char *field)
{
	ck_assert_msg(str_is(target->field->model->name, model) && str_is(target->field->name, field),
	              "%.*s.%.*s", STR_ARG(target->field->model->name), STR_ARG(target->field->name));
}

START_TEST(a_column_needs_no_hop)
{
	struct target target = target_of("Article", "title");

	is_field(&target, "Article", "title");
	ck_assert_uint_eq(target.hops.n, 0);
	ck_assert_ptr_null(target.relation);
	ck_assert_uint_eq(target.used, 1);
}
END_TEST

START_TEST(what_is_no_name_is_left_for_transforms_and_lookups)
{
	struct target target = target_of("Vote", "created_at__year__gte");

	is_field(&target, "Vote", "created_at");
	ck_assert_uint_eq(target.used, 1);
	target = target_of("Vote", "article__in");
	ck_assert_ptr_nonnull(target.relation);
	ck_assert_uint_eq(target.used, 1);
}
END_TEST

START_TEST(a_key_is_known_before_its_hop)
{
	static const char *const paths[] = {"article", "article__id", "article__pk", "article_id"};

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		struct target target = target_of("Vote", paths[i]);

		is_field(&target, "Vote", "article");
		ck_assert_msg(target.hops.n == 0, "%s", paths[i]);
	}
	struct target target = target_of("Vote", "article__author__id");

	is_field(&target, "Article", "author");
	ck_assert_uint_eq(target.hops.n, 1);
	ck_assert_uint_eq(target.nall, 2);
}
END_TEST

START_TEST(a_reverse_relation_is_multiple_and_means_the_row)
{
	struct target target = target_of("Article", "vote");

	is_field(&target, "Vote", "id");
	ck_assert(target.is_reverse);
	ck_assert_uint_eq(target.hops.n, 1);
	ck_assert_uint_eq(target.first_multiple, 0);
	ck_assert(target.hops.items[0].is_multiple);
	ck_assert(target.hops.items[0].is_nullable);
}
END_TEST

START_TEST(a_many_to_many_relation_is_two_hops_and_ends_at_the_join_row_when_the_key_will_do)
{
	struct target target = target_of("Article", "tags__name");

	is_field(&target, "Tag", "name");
	ck_assert_uint_eq(target.hops.n, 2);
	ck_assert(target.hops.items[0].is_multiple);
	ck_assert(!target.hops.items[1].is_multiple);
	target = target_of("Article", "tags");
	ck_assert_uint_eq(target.hops.n, 1);
	ck_assert_uint_eq(target.nall, 2);
	ck_assert(str_is(target.end->name, "Tag"));
}
END_TEST

START_TEST(the_first_multiple_hop_is_the_one_nearest_to_the_row)
{
	ck_assert_uint_eq(target_of("Vote", "article__vote__weight").first_multiple, 1);
	ck_assert_uint_eq(target_of("Vote", "article__author__handle").first_multiple, 2);
}
END_TEST

START_TEST(an_unknown_first_part_is_an_error_with_the_nearest_name)
{
	struct target target;

	ck_assert(!resolves(scope_of("Article"), "titel__icontains", &target));
	ck_assert_int_eq(error.kind, ERROR_FIELD);
	ck_assert(str_is(error.suggestion, "title"));
}
END_TEST

static const struct annotation *annotate(struct scope *scope, const char *name,
                                         const struct rexpr *expr)
{
	*ARENA_PUSH(arena, &scope->annotations) =
		(struct annotation){.name = str_of(name), .expr = expr, .is_selected = true};
	return scope_annotation(scope, str_of(name));
}

START_TEST(annotations_come_before_fields)
{
	struct scope *scope = scope_of("Article");
	const struct rexpr *one = param_expr(arena, field_of_type("IntegerField"), STR("1"));
	struct target target;

	annotate(scope, "n", one);
	ck_assert(resolves(scope, "n__gt", &target));
	ck_assert_ptr_eq(target.annotation, one);
	ck_assert_uint_eq(target.used, 1);
}
END_TEST

/* name = previous + previous: the text doubles with each. */
START_TEST(annotations_that_double_through_each_other_are_refused)
{
	struct scope *scope = scope_of("Article");
	const struct rexpr *expr = param_expr(arena, field_of_type("IntegerField"), STR("1"));
	size_t doublings = 0;

	for (; doublings < 64; doublings++) {
		struct rexpr *sum = rexpr_new(arena, R_ARITHMETIC, expr->field, 2);
		const char *name = arena_printf(arena, "a%zu", doublings).p;
		struct target target;

		annotate(scope, name, expr);
		if (!resolves(scope, name, &target) || !resolves(scope, name, &target))
			break;
		rexpr_set_arg(sum, 0, target.annotation);
		rexpr_set_arg(sum, 1, target.annotation);
		expr = sum;
	}
	ck_assert_uint_gt(doublings, 8);
	ck_assert_uint_lt(doublings, 20);
	ck_assert_int_eq(error.kind, ERROR_VALUE);
}
END_TEST

/* name = f(previous): the stack would be as deep as the chain is long. */
START_TEST(a_long_chain_of_annotations_is_refused)
{
	struct scope *scope = scope_of("Article");
	const struct rexpr *expr = param_expr(arena, field_of_type("IntegerField"), STR("1"));
	size_t n = 0;

	for (; n < 3000; n++) {
		struct rexpr *call = rexpr_new(arena, R_CALL, expr->field, 1);
		const char *name = arena_printf(arena, "a%zu", n).p;
		struct target target;

		annotate(scope, name, expr);
		if (!resolves(scope, name, &target))
			break;
		rexpr_set_arg(call, 0, target.annotation);
		expr = call;
	}
	ck_assert_uint_gt(n, 50);
	ck_assert_uint_lt(n, 200);
}
END_TEST

START_TEST(a_path_of_very_many_parts_is_refused)
{
	struct scope *scope = scope_of("Article");
	struct buf text = {0};
	struct target target;

	for (int i = 0; i < 15; i++)
		buf_add(&text, STR("vote__article__"));
	buf_add(&text, STR("title"));
	ck_assert(resolves(scope, arena_cstr(arena, buf_str(&text)), &target));
	buf_add(&text, STR("__vote__article__exact"));
	ck_assert(!resolves(scope, arena_cstr(arena, buf_str(&text)), &target));
	ck_assert_int_eq(error.kind, ERROR_VALUE);
	buf_release(&text);
}
END_TEST

/* Each link of a chain joins the relation anew. */
START_TEST(a_statement_of_very_many_tables_is_refused)
{
	static const struct json_limits limits = {1 << 20, 64, 10000};
	struct buf text = {0};
	const struct value *body;
	const struct query *query;
	struct resolved resolved;

	buf_add(&text, STR("["));
	for (int i = 0; i < 400; i++)
		buf_printf(&text, "%s{\"filter\": {\"vote__id\": 1}}", i > 0 ? ", " : "");
	buf_add(&text, STR("]"));
	ck_assert(json_read(arena, buf_str(&text), &limits, &body, &error));
	ck_assert(decode_query(arena, body, NULL, &query, &error));
	ck_assert(!resolve_clauses(scope_of("Article"), query, &resolved));
	ck_assert_int_eq(error.kind, ERROR_VALUE);
	ck_assert_uint_lt(resolver.next_alias, 210);
	buf_release(&text);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "query/resolve_path");

	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, a_column_needs_no_hop);
	tcase_add_test(group, what_is_no_name_is_left_for_transforms_and_lookups);
	tcase_add_test(group, a_key_is_known_before_its_hop);
	tcase_add_test(group, a_reverse_relation_is_multiple_and_means_the_row);
	tcase_add_test(
		group, a_many_to_many_relation_is_two_hops_and_ends_at_the_join_row_when_the_key_will_do);
	tcase_add_test(group, the_first_multiple_hop_is_the_one_nearest_to_the_row);
	tcase_add_test(group, an_unknown_first_part_is_an_error_with_the_nearest_name);
	tcase_add_test(group, annotations_come_before_fields);
	tcase_add_test(group, annotations_that_double_through_each_other_are_refused);
	tcase_add_test(group, a_long_chain_of_annotations_is_refused);
	tcase_add_test(group, a_path_of_very_many_parts_is_refused);
	tcase_add_test(group, a_statement_of_very_many_tables_is_refused);
	return suite_main(suite);
}
