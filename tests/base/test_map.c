/* Map: what is put in is found, and nothing else. */
#include "orm/base/map.h"

#include "tests/support/suite.h"

static struct arena *arena;
static struct map map;

static void setup(void)
{
	arena = arena_new();
	map = (struct map){0};
}

static void teardown(void)
{
	arena_free(arena);
}

START_TEST(an_empty_map_holds_nothing)
{
	ck_assert_ptr_null(map_get(&map, STR("a")));
}
END_TEST

START_TEST(ten_thousand_keys_are_found_and_others_are_not)
{
	enum { COUNT = 10000 };
	static int values[COUNT];
	for (int i = 0; i < COUNT; i++)
		ck_assert_ptr_null(map_put(&map, arena, arena_printf(arena, "key%d", i), &values[i]));
	ck_assert_uint_eq(map.n, COUNT);
	for (int i = 0; i < COUNT; i++)
		ck_assert_ptr_eq(map_get(&map, arena_printf(arena, "key%d", i)), &values[i]);
	for (int i = COUNT; i < 2 * COUNT; i++)
		ck_assert_ptr_null(map_get(&map, arena_printf(arena, "key%d", i)));
}
END_TEST

START_TEST(putting_again_replaces_and_tells_what_was_there)
{
	int first, second;
	map_put(&map, arena, STR("a"), &first);
	ck_assert_ptr_eq(map_put(&map, arena, STR("a"), &second), &first);
	ck_assert_ptr_eq(map_get(&map, STR("a")), &second);
	ck_assert_uint_eq(map.n, 1);
}
END_TEST

START_TEST(the_empty_key_is_a_key)
{
	int value;
	map_put(&map, arena, STR(""), &value);
	ck_assert_ptr_eq(map_get(&map, STR("")), &value);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tc = suite_with_case(&suite, "map");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, an_empty_map_holds_nothing);
	tcase_add_test(tc, ten_thousand_keys_are_found_and_others_are_not);
	tcase_add_test(tc, putting_again_replaces_and_tells_what_was_there);
	tcase_add_test(tc, the_empty_key_is_a_key);
	return suite_main(suite);
}
