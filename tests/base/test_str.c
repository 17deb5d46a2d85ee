/* Text views: comparing, cutting, numbers, UTF-8, distances. */
#include "orm/base/str.h"

#include "tests/support/suite.h"

static void check_str(struct str s, const char *text)
{
	ck_assert_msg(str_is(s, text), "got \"%.*s\", not \"%s\"", STR_ARG(s), text);
}

START_TEST(equal_texts_are_equal_and_others_are_not)
{
	ck_assert(str_eq(STR("abc"), STR("abc")));
	ck_assert(!str_eq(STR("abc"), STR("abd")));
	ck_assert(!str_eq(STR("abc"), STR("abcd")));
	ck_assert(str_eq(STR(""), (struct str){NULL, 0}));
	ck_assert(str_is(STR("abc"), "abc"));
	ck_assert(!str_is(STR("abc"), "ab"));
	ck_assert(str_eq_nocase(STR("aBc"), STR("AbC")));
	ck_assert(!str_eq_nocase(STR("a[c"), STR("a{c")));
}
END_TEST

START_TEST(a_null_pointer_is_the_empty_view)
{
	struct str none = str_of(NULL);
	ck_assert_ptr_null(none.p);
	ck_assert_uint_eq(none.n, 0);
}
END_TEST

START_TEST(texts_are_ordered_by_bytes)
{
	ck_assert_int_eq(str_cmp(STR("a"), STR("a")), 0);
	ck_assert_int_lt(str_cmp(STR("a"), STR("b")), 0);
	ck_assert_int_gt(str_cmp(STR("b"), STR("abc")), 0);
	ck_assert_int_lt(str_cmp(STR("ab"), STR("abc")), 0);
	ck_assert_int_gt(str_cmp(STR("\xC3\xA9"), STR("z")), 0);
}
END_TEST

START_TEST(beginnings_ends_and_middles_are_found)
{
	ck_assert(str_starts(STR("title__icontains"), STR("title")));
	ck_assert(!str_starts(STR("tit"), STR("title")));
	ck_assert(str_ends(STR("title__icontains"), STR("contains")));
	ck_assert(!str_ends(STR("title"), STR("titles")));
	ck_assert_int_eq(str_find(STR("a__b__c"), STR("__")), 1);
	ck_assert_int_eq(str_find(STR("abc"), STR("d")), -1);
	ck_assert_int_eq(str_find(STR("abc"), STR("abcd")), -1);
	ck_assert_int_eq(str_find(STR("abc"), STR("")), 0);
}
END_TEST

START_TEST(cutting_walks_a_path_piece_by_piece)
{
	struct str rest = STR("vote__author__");
	check_str(str_cut(&rest, STR("__")), "vote");
	check_str(str_cut(&rest, STR("__")), "author");
	ck_assert_ptr_nonnull(rest.p);
	check_str(str_cut(&rest, STR("__")), "");
	ck_assert_ptr_null(rest.p);
}
END_TEST

START_TEST(trimming_and_parts_stay_within_the_text)
{
	check_str(str_trim(STR(" \t a b \n")), "a b");
	check_str(str_trim(STR("  ")), "");
	check_str(str_sub(STR("abcdef"), 2, 3), "cde");
	check_str(str_sub(STR("abcdef"), 4, 100), "ef");
	check_str(str_sub(STR("abcdef"), 7, 1), "");
}
END_TEST

START_TEST(hashes_differ_where_texts_differ)
{
	ck_assert(str_hash(STR("abcdefgh12345678")) == str_hash(STR("abcdefgh12345678")));
	ck_assert(str_hash(STR("abcdefgh12345678")) != str_hash(STR("abcdefgh12345679")));
	ck_assert(str_hash(STR("")) != str_hash(((struct str){"\0", 1})));
	ck_assert(str_hash(STR("a")) != str_hash(STR("b")));
}
END_TEST

static const struct {
	const char *text;
	bool is_number;
	int64_t number;
} numbers[] = {
	{"0", true, 0},
	{"-0", true, 0},
	{"42", true, 42},
	{"-42", true, -42},
	{"007", true, 7},
	{"9223372036854775807", true, INT64_MAX},
	{"-9223372036854775808", true, INT64_MIN},
	{"9223372036854775808", false, 0},
	{"-9223372036854775809", false, 0},
	{"99999999999999999999", false, 0},
	{"", false, 0},
	{"-", false, 0},
	{"+1", false, 0},
	{" 1", false, 0},
	{"1 ", false, 0},
	{"1.0", false, 0},
	{"0x10", false, 0},
	{"--1", false, 0},
};

START_TEST(integers_are_read_in_the_whole_range_and_no_further)
{
	int64_t number = -7;
	bool is_number = str_to_int(str_of(numbers[_i].text), &number);
	ck_assert_msg(is_number == numbers[_i].is_number, "%s", numbers[_i].text);
	ck_assert_int_eq(number, is_number ? numbers[_i].number : -7);
}
END_TEST

static const struct {
	struct str text;
	bool is_utf8;
} utf8[] = {
	{STR_INIT(""), true},
	{STR_INIT("plain text of more than eight bytes"), true},
	{STR_INIT("caf\xC3\xA9 and then some more text"), true},
	{STR_INIT("\xE2\x82\xAC"), true},
	{STR_INIT("\xF0\x9F\x98\x80"), true},
	{STR_INIT("\xF4\x8F\xBF\xBF"), true},
	{STR_INIT("\xED\x9F\xBF"), true},
	{STR_INIT("\x80"), false},
	{STR_INIT("12345678\xFF"), false},
	{STR_INIT("\xC0\xAF"), false},         /* overlong */
	{STR_INIT("\xE0\x80\xAF"), false},     /* overlong */
	{STR_INIT("\xF0\x80\x80\xAF"), false}, /* overlong */
	{STR_INIT("\xED\xA0\x80"), false},     /* surrogate */
	{STR_INIT("\xF4\x90\x80\x80"), false}, /* above U+10FFFF */
	{STR_INIT("\xF5\x80\x80\x80"), false},
	{STR_INIT("\xC3"), false},
	{STR_INIT("\xE2\x82"), false},
	{STR_INIT("\xE2\x82("), false},
};

START_TEST(utf8_is_told_from_what_is_not)
{
	ck_assert(str_is_utf8(utf8[_i].text) == utf8[_i].is_utf8);
}
END_TEST

START_TEST(lengths_count_code_points)
{
	ck_assert_uint_eq(str_length_utf8(STR("caf\xC3\xA9")), 4);
	ck_assert_uint_eq(str_length_utf8(STR("\xF0\x9F\x98\x80")), 1);
	ck_assert_uint_eq(str_length_utf8(STR("")), 0);
}
END_TEST

START_TEST(distances_count_single_edits)
{
	ck_assert_uint_eq(str_distance(STR("title"), STR("title")), 0);
	ck_assert_uint_eq(str_distance(STR("title"), STR("titel")), 1);
	ck_assert_uint_eq(str_distance(STR("title"), STR("titles")), 1);
	ck_assert_uint_eq(str_distance(STR("title"), STR("tite")), 1);
	ck_assert_uint_eq(str_distance(STR(""), STR("abc")), 3);
	ck_assert_uint_eq(str_distance(STR("kitten"), STR("sitting")), 3);
}
END_TEST

START_TEST(distances_of_very_long_texts_are_their_length)
{
	static char text[1000];
	struct str s = {text, sizeof text};
	ck_assert_uint_eq(str_distance(s, STR("abc")), 1000);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tc = suite_with_case(&suite, "str");
	tcase_add_test(tc, equal_texts_are_equal_and_others_are_not);
	tcase_add_test(tc, a_null_pointer_is_the_empty_view);
	tcase_add_test(tc, texts_are_ordered_by_bytes);
	tcase_add_test(tc, beginnings_ends_and_middles_are_found);
	tcase_add_test(tc, cutting_walks_a_path_piece_by_piece);
	tcase_add_test(tc, trimming_and_parts_stay_within_the_text);
	tcase_add_test(tc, hashes_differ_where_texts_differ);
	tcase_add_loop_test(tc, integers_are_read_in_the_whole_range_and_no_further, 0,
	                    sizeof numbers / sizeof *numbers);
	tcase_add_loop_test(tc, utf8_is_told_from_what_is_not, 0, sizeof utf8 / sizeof *utf8);
	tcase_add_test(tc, lengths_count_code_points);
	tcase_add_test(tc, distances_count_single_edits);
	tcase_add_test(tc, distances_of_very_long_texts_are_their_length);
	return suite_main(suite);
}
