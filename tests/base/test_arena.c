/* Arena: zeroed aligned memory, the order of deferred functions, use after a reset. */
#include "orm/base/arena.h"

#include "tests/support/suite.h"

#include <stdio.h>

static struct arena *arena;

static void setup(void)
{
	arena = arena_new();
}

static void teardown(void)
{
	arena_free(arena);
}

START_TEST(memory_is_zeroed_and_aligned_for_any_type)
{
	for (size_t size = 1; size < 100000; size = size * 3 + 1) {
		unsigned char *piece = arena_alloc(arena, size);
		ck_assert_uint_eq((uintptr_t)piece % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			ck_assert_uint_eq(piece[i], 0);
		memset(piece, 0xAA, size);
	}
}
END_TEST

START_TEST(memory_is_zeroed_again_after_a_reset)
{
	memset(arena_alloc(arena, 4000), 0xAA, 4000);
	arena_reset(arena);
	const char *piece = arena_alloc(arena, 4000);
	for (size_t i = 0; i < 4000; i++)
		ck_assert_int_eq(piece[i], 0);
}
END_TEST

START_TEST(pieces_do_not_overlap)
{
	enum { COUNT = 5000, SIZE = 24 };
	char *pieces[COUNT];
	for (int i = 0; i < COUNT; i++)
		memset(pieces[i] = arena_alloc(arena, SIZE), i % 251, SIZE);
	for (int i = 0; i < COUNT; i++)
		for (int j = 0; j < SIZE; j++)
			ck_assert_int_eq((unsigned char)pieces[i][j], i % 251);
}
END_TEST

START_TEST(a_piece_larger_than_a_block_gets_its_own)
{
	char *small = arena_alloc(arena, 10);
	char *large = arena_alloc(arena, 10 * 1024 * 1024);
	large[10 * 1024 * 1024 - 1] = 1;
	small[9] = 1;
	ck_assert_uint_ge(arena_used(arena), 10 * 1024 * 1024);
	arena_reset(arena);
	ck_assert_uint_eq(arena_used(arena), 0);
}
END_TEST

static char trail[16];

static void leave(void *mark)
{
	strcat(trail, mark);
}

START_TEST(deferred_functions_run_newest_first_and_once)
{
	struct arena *own = arena_new();
	arena_defer(own, leave, "a");
	arena_defer(own, leave, "b");
	arena_defer(own, leave, "c");
	arena_reset(own);
	ck_assert_str_eq(trail, "cba");
	arena_defer(own, leave, "d");
	arena_free(own);
	ck_assert_str_eq(trail, "cbad");
}
END_TEST

START_TEST(copies_are_ended_by_nul_and_their_own)
{
	char text[] = "abc";
	struct str copy = arena_str(arena, (struct str){text, 2});
	text[0] = 'x';
	ck_assert_str_eq(copy.p, "ab");
	ck_assert_uint_eq(copy.n, 2);
	ck_assert_str_eq(arena_cstr(arena, (struct str){NULL, 0}), "");
	ck_assert_str_eq(arena_concat(arena, STR("ab"), STR("cd")).p, "abcd");
	ck_assert_str_eq(arena_concat(arena, STR(""), (struct str){NULL, 0}).p, "");
}
END_TEST

START_TEST(printing_takes_any_length)
{
	struct str text = arena_printf(arena, "%s-%05d", "abc", 42);
	ck_assert_str_eq(text.p, "abc-00042");
	ck_assert_uint_eq(text.n, 9);
	ck_assert_uint_eq(arena_printf(arena, "%100000d", 1).n, 100000);
	static const int64_t numbers[] = {0, 7, -7, 10, INT64_MAX, INT64_MIN, -1000000};
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		ck_assert(str_eq(arena_int(arena, numbers[i]), arena_printf(arena, "%lld", (long long)numbers[i])));
}
END_TEST

START_TEST(lists_grow_and_keep_their_items)
{
	struct {
		int *items;
		size_t n, cap;
	} list = {0};
	for (int i = 0; i < 1000; i++)
		*ARENA_PUSH(arena, &list) = i;
	ck_assert_uint_eq(list.n, 1000);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(list.items[i], i);
}
END_TEST

START_TEST(an_array_whose_size_overflows_ends_the_process)
{
	arena_array(arena, SIZE_MAX / 2, 4);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tc = suite_with_case(&suite, "arena");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, memory_is_zeroed_and_aligned_for_any_type);
	tcase_add_test(tc, memory_is_zeroed_again_after_a_reset);
	tcase_add_test(tc, pieces_do_not_overlap);
	tcase_add_test(tc, a_piece_larger_than_a_block_gets_its_own);
	tcase_add_test(tc, deferred_functions_run_newest_first_and_once);
	tcase_add_test(tc, copies_are_ended_by_nul_and_their_own);
	tcase_add_test(tc, printing_takes_any_length);
	tcase_add_test(tc, lists_grow_and_keep_their_items);
	tcase_add_test_raise_signal(tc, an_array_whose_size_overflows_ends_the_process, 6);
	return suite_main(suite);
}
