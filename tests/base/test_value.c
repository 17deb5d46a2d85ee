/* Literals and places: pointers, JSON, equality. */
#include "orm/base/value.h"

#include "tests/support/suite.h"

static struct arena *arena;

static void setup(void)
{
	arena = arena_new();
}

static void teardown(void)
{
	arena_free(arena);
}

START_TEST(the_whole_document_is_the_empty_pointer)
{
	struct str pointer = pos_pointer(arena, NULL);
	ck_assert_ptr_nonnull(pointer.p);
	ck_assert_uint_eq(pointer.n, 0);
}
END_TEST

START_TEST(a_place_becomes_a_json_pointer)
{
	const struct pos *pos = pos_member(arena, NULL, STR("filter"));
	pos = pos_member(arena, pos, STR("and"));
	pos = pos_item(arena, pos, 12);
	pos = pos_member(arena, pos, STR("a/b~c"));
	ck_assert_str_eq(pos_pointer(arena, pos).p, "/filter/and/12/a~1b~0c");
	ck_assert_str_eq(pos_pointer(arena, pos_member(arena, NULL, STR(""))).p, "/");
}
END_TEST

START_TEST(a_parameter_is_pointed_at_by_its_name)
{
	struct pos parameter = {.key = STR_INIT("title__icontains"), .is_parameter = true};
	ck_assert_str_eq(pos_pointer(arena, &parameter).p, "?title__icontains");
	ck_assert_str_eq(pos_pointer(arena, pos_item(arena, &parameter, 1)).p, "?title__icontains/1");
}
END_TEST

/* {"a": [1, -2.5, null], "b": "x\"", "c": true} */
static const struct value items[] = {
	{.kind = VALUE_INT, .integer = 1},
	{.kind = VALUE_REAL, .real = -2.5},
	{.kind = VALUE_NULL},
};
static const struct member members[] = {
	{STR_INIT("a"), {.kind = VALUE_LIST, .list = {items, 3}}},
	{STR_INIT("b"), {.kind = VALUE_TEXT, .text = STR_INIT("x\"")}},
	{STR_INIT("c"), {.kind = VALUE_BOOL, .boolean = true}},
};
static const struct member turned[] = {
	{STR_INIT("c"), {.kind = VALUE_BOOL, .boolean = true}},
	{STR_INIT("a"), {.kind = VALUE_LIST, .list = {items, 3}}},
	{STR_INIT("b"), {.kind = VALUE_TEXT, .text = STR_INIT("x\"")}},
};
static const struct value object = {.kind = VALUE_OBJECT, .object = {members, 3}};

START_TEST(a_value_is_written_as_compact_json)
{
	struct buf out = {0};
	value_write_json(&object, &out);
	ck_assert(str_is(buf_str(&out), "{\"a\":[1,-2.5,null],\"b\":\"x\\\"\",\"c\":true}"));
	buf_release(&out);
}
END_TEST

START_TEST(members_are_found_by_name)
{
	ck_assert_ptr_eq(value_get(&object, "b"), &members[1].value);
	ck_assert_ptr_null(value_get(&object, "d"));
	ck_assert_ptr_null(value_get(&items[0], "a"));
	ck_assert_ptr_null(value_get(NULL, "a"));
}
END_TEST

START_TEST(objects_are_equal_in_any_order_of_members)
{
	struct value other = {.kind = VALUE_OBJECT, .object = {turned, 3}};
	ck_assert(value_eq(&object, &other));
	other.object.n = 2;
	ck_assert(!value_eq(&object, &other));
}
END_TEST

START_TEST(values_of_different_kinds_differ)
{
	struct value one = {.kind = VALUE_INT, .integer = 1};
	struct value real_one = {.kind = VALUE_REAL, .real = 1};
	struct value short_list = {.kind = VALUE_LIST, .list = {items, 2}};
	ck_assert(value_eq(&one, &items[0]));
	ck_assert(!value_eq(&one, &real_one));
	ck_assert(!value_eq(&one, &items[2]));
	ck_assert(!value_eq(&short_list, &members[0].value));
}
END_TEST

START_TEST(kinds_have_names_for_errors)
{
	ck_assert_str_eq(value_kind_name(VALUE_LIST), "an array");
	ck_assert_str_eq(value_kind_name(VALUE_NULL), "null");
}
END_TEST

START_TEST(a_copy_shares_nothing)
{
	char key[] = "name", text[] = "text";
	struct pos pos = {.key = STR("place")};
	struct value inner = {.kind = VALUE_TEXT, .pos = &pos, .text = {text, 4}, .is_loose = true};
	struct member member = {{key, 4}, {.kind = VALUE_LIST, .pos = &pos, .list = {&inner, 1}}};
	struct value value = {.kind = VALUE_OBJECT, .pos = &pos, .object = {&member, 1}};
	struct value copy = value_copy(arena, &value);

	key[0] = text[0] = '?';
	inner.kind = VALUE_NULL;
	const struct value *item = &value_get(&copy, "name")->list.items[0];

	ck_assert(copy.pos == NULL && item->pos == NULL && item->is_loose);
	ck_assert(item->kind == VALUE_TEXT && str_is(item->text, "text"));
}
END_TEST

START_TEST(reals_are_text_that_stays_in_the_arena)
{
	struct str text = real_to_text(arena, 2.5);
	ck_assert_str_eq(text.p, "2.5");
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tc = suite_with_case(&suite, "value");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_whole_document_is_the_empty_pointer);
	tcase_add_test(tc, a_place_becomes_a_json_pointer);
	tcase_add_test(tc, a_parameter_is_pointed_at_by_its_name);
	tcase_add_test(tc, a_value_is_written_as_compact_json);
	tcase_add_test(tc, members_are_found_by_name);
	tcase_add_test(tc, objects_are_equal_in_any_order_of_members);
	tcase_add_test(tc, values_of_different_kinds_differ);
	tcase_add_test(tc, kinds_have_names_for_errors);
	tcase_add_test(tc, a_copy_shares_nothing);
	tcase_add_test(tc, reals_are_text_that_stays_in_the_arena);
	return suite_main(suite);
}
