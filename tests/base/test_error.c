/* Errors: one at a time, the table, suggestions. */
#include "orm/base/error.h"

#include "tests/support/suite.h"

#include <signal.h>

static struct arena *arena;
static struct error error;

static void setup(void)
{
	arena = arena_new();
	error_init(&error, arena);
}

static void teardown(void)
{
	arena_free(arena);
}

START_TEST(setting_an_error_gives_false_and_keeps_place_and_words)
{
	const struct pos *pos = pos_member(arena, NULL, STR("filter"));
	ck_assert(!error_is_set(&error));
	ck_assert(!error_set(&error, ERROR_FIELD, pos, "Cannot resolve %s", "x"));
	ck_assert(error_is_set(&error));
	ck_assert_int_eq(error.kind, ERROR_FIELD);
	ck_assert_ptr_eq(error.pos, pos);
	ck_assert(error.has_pos);
	ck_assert_str_eq(error.detail.p, "Cannot resolve x");
	ck_assert_ptr_null(error.suggestion.p);
}
END_TEST

START_TEST(the_whole_body_is_a_place_and_nowhere_is_none)
{
	error_set(&error, ERROR_BAD_REQUEST, NULL, "not JSON");
	ck_assert(error.has_pos);
	error_clear(&error);
	ck_assert(!error_is_set(&error));
	ck_assert(!error_set_nowhere(&error, ERROR_UNAVAILABLE, "away"));
	ck_assert(!error.has_pos);
}
END_TEST

START_TEST(words_are_utf8_whatever_they_quote)
{
	error_set_nowhere(&error, ERROR_VALUE, "near \"%.*s\"", 5, "ab\xBF\xC3\xA9z");
	ck_assert_str_eq(error.detail.p, "near \"ab\xEF\xBF\xBD\xC3\xA9\"");
	error_clear(&error);
	error_set_nowhere(&error, ERROR_VALUE, "%.*s", 4, "caf\xC3\xA9");
	ck_assert_str_eq(error.detail.p, "caf\xEF\xBF\xBD");
}
END_TEST

START_TEST(a_second_error_is_a_bug)
{
	error_set_nowhere(&error, ERROR_VALUE, "one");
	error_set_nowhere(&error, ERROR_VALUE, "two");
}
END_TEST

START_TEST(every_kind_has_a_title_and_a_status)
{
	for (int kind = ERROR_NONE + 1; kind < ERROR_KINDS; kind++) {
		ck_assert_ptr_nonnull(error_title((enum error_kind)kind));
		ck_assert_int_ge(error_status((enum error_kind)kind), 400);
		ck_assert_int_lt(error_status((enum error_kind)kind), 600);
	}
	ck_assert_str_eq(error_title(ERROR_INTEGRITY), "IntegrityError");
	ck_assert_int_eq(error_status(ERROR_INTEGRITY), 409);
	ck_assert_str_eq(error_title(ERROR_CONFLICT), "OperationalError");
	ck_assert_int_eq(error_status(ERROR_TIMEOUT), 504);
}
END_TEST

static const struct str names[] = {STR_INIT("title"), STR_INIT("body"), STR_INIT("author"),
                                   STR_INIT("id"), STR_INIT("votes")};

START_TEST(the_nearest_name_is_suggested)
{
	ck_assert(str_is(suggest_nearest(STR("titel"), names, 5), "title"));
	ck_assert(str_is(suggest_nearest(STR("auhtor"), names, 5), "author"));
	ck_assert(str_is(suggest_nearest(STR("vote"), names, 5), "votes"));
	ck_assert(str_is(suggest_nearest(STR("ix"), names, 5), "id"));
}
END_TEST

START_TEST(nothing_is_suggested_when_nothing_is_near)
{
	ck_assert_ptr_null(suggest_nearest(STR("salary"), names, 5).p);
	ck_assert_ptr_null(suggest_nearest(STR("title"), names, 0).p);
}
END_TEST

START_TEST(the_nearer_of_two_wins_wherever_it_stands)
{
	static const struct str pair[] = {STR_INIT("first_nome"), STR_INIT("first_name"),
	                                  STR_INIT("fist_nome")};
	ck_assert(str_is(suggest_nearest(STR("first_namee"), pair, 3), "first_name"));
}
END_TEST

START_TEST(of_two_as_near_the_one_that_begins_more_alike_wins)
{
	static const struct str functions[] = {STR_INIT("Cot"), STR_INIT("Count"), STR_INIT("Cos")};
	ck_assert(str_is(suggest_nearest(STR("Cout"), functions, 3), "Count"));
}
END_TEST

START_TEST(choices_are_listed_in_order)
{
	ck_assert_str_eq(suggest_choices(arena, names, 5).p, "author, body, id, title, votes");
	ck_assert(str_is(names[0], "title"));
	ck_assert_uint_eq(suggest_choices(arena, names, 0).n, 0);
}
END_TEST

START_TEST(a_bug_ends_the_process)
{
	ASSERT(1 + 1 == 3);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tc = suite_with_case(&suite, "error");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, setting_an_error_gives_false_and_keeps_place_and_words);
	tcase_add_test(tc, the_whole_body_is_a_place_and_nowhere_is_none);
	tcase_add_test(tc, words_are_utf8_whatever_they_quote);
	tcase_add_test_raise_signal(tc, a_second_error_is_a_bug, SIGABRT);
	tcase_add_test(tc, every_kind_has_a_title_and_a_status);
	tcase_add_test(tc, the_nearest_name_is_suggested);
	tcase_add_test(tc, nothing_is_suggested_when_nothing_is_near);
	tcase_add_test(tc, the_nearer_of_two_wins_wherever_it_stands);
	tcase_add_test(tc, of_two_as_near_the_one_that_begins_more_alike_wins);
	tcase_add_test(tc, choices_are_listed_in_order);
	tcase_add_test_raise_signal(tc, a_bug_ends_the_process, SIGABRT);
	return suite_main(suite);
}
