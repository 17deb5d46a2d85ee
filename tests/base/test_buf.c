/* Text buffer: adding, numbers, JSON strings. */
#include "orm/base/buf.h"

#include "tests/support/suite.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

static struct buf buf;

static void teardown(void)
{
	buf_release(&buf);
}

static void check_text(const char *text)
{
	struct str got = buf_str(&buf);
	ck_assert_msg(str_is(got, text), "got %.*s, not %s", STR_ARG(got), text);
	buf_clear(&buf);
}

START_TEST(an_empty_buffer_is_the_empty_text)
{
	ck_assert_ptr_nonnull(buf_str(&buf).p);
	buf_add(&buf, (struct str){NULL, 0});
	check_text("");
}
END_TEST

START_TEST(text_is_added_behind_text)
{
	BUF_LIT(&buf, "ab");
	buf_add_char(&buf, 'c');
	buf_printf(&buf, "%d-%s", 42, "x");
	check_text("abc42-x");
}
END_TEST

START_TEST(a_buffer_grows_to_any_size)
{
	for (int i = 0; i < 100000; i++)
		buf_printf(&buf, "%d,", i % 10);
	ck_assert_uint_eq(buf.n, 200000);
	ck_assert_int_eq(buf.p[199998], '9');
}
END_TEST

START_TEST(integers_are_written_in_the_whole_range)
{
	static const int64_t numbers[] = {0, 7, -7, 1234567890, INT64_MAX, INT64_MIN};
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		char text[32];
		snprintf(text, sizeof text, "%ld", (long)numbers[i]);
		buf_add_int(&buf, numbers[i]);
		check_text(text);
	}
}
END_TEST

static const struct {
	double real;
	const char *text;
} reals[] = {
	{0.1, "0.1"},
	{0.1 + 0.2, "0.30000000000000004"},
	{100, "100.0"},
	{-0.0, "-0.0"},
	{1e20, "1e+20"},
	{1.0 / 3, "0.3333333333333333"},
	{5e-324, "4.94065645841247e-324"},
	{DBL_MAX, "1.7976931348623157e+308"},
};

START_TEST(reals_are_written_shortest)
{
	buf_add_real(&buf, reals[_i].real);
	check_text(reals[_i].text);
}
END_TEST

START_TEST(reals_read_back_the_same)
{
	unsigned seed = 1;
	for (int i = 0; i < 20000; i++) {
		uint64_t bits = 0;
		for (int j = 0; j < 4; j++)
			bits = bits << 16 | (uint64_t)(rand_r(&seed) & 0xFFFF);
		double real;
		memcpy(&real, &bits, sizeof real);
		if (!isfinite(real))
			continue;
		buf_add_real(&buf, real);
		buf_add_char(&buf, '\0');
		ck_assert_double_eq(strtod(buf.p, NULL), real);
		buf_clear(&buf);
	}
}
END_TEST

START_TEST(json_strings_escape_what_they_must)
{
	buf_add_json(&buf, STR("plain"));
	check_text("\"plain\"");
	buf_add_json(&buf, STR(""));
	check_text("\"\"");
	buf_add_json(&buf, STR("say \"hi\" \\ now"));
	check_text("\"say \\\"hi\\\" \\\\ now\"");
	buf_add_json(&buf, STR("\b\f\n\r\t\x01\x1f"));
	check_text("\"\\b\\f\\n\\r\\t\\u0001\\u001f\"");
	buf_add_json(&buf, (struct str){"a\0b", 3});
	check_text("\"a\\u0000b\"");
	buf_add_json(&buf, STR("caf\xC3\xA9 \xF0\x9F\x98\x80 \x7f/"));
	check_text("\"caf\xC3\xA9 \xF0\x9F\x98\x80 \x7f/\"");
}
END_TEST

/* Every byte at every place of a word, for the eight-bytes-at-a-time scanner. */
START_TEST(json_strings_escape_in_every_position)
{
	for (int c = 0; c < 256; c++)
		for (size_t at = 0; at < 20; at++) {
			char text[20];
			memset(text, at % 2 ? 'x' : (char)0xC3, sizeof text);
			text[at] = (char)c;
			buf_add_json(&buf, (struct str){text, sizeof text});
			bool is_escaped = c < 0x20 || c == '"' || c == '\\';
			ck_assert_int_eq(buf.p[1 + at] == '\\', is_escaped);
			bool is_short = c == '"' || c == '\\' || (c && strchr("\b\f\n\r\t", c));
			ck_assert_uint_eq(buf.n, 22 + (!is_escaped ? 0 : is_short ? 1 : 5));
			buf_clear(&buf);
		}
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tc = suite_with_case(&suite, "buf");
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, an_empty_buffer_is_the_empty_text);
	tcase_add_test(tc, text_is_added_behind_text);
	tcase_add_test(tc, a_buffer_grows_to_any_size);
	tcase_add_test(tc, integers_are_written_in_the_whole_range);
	tcase_add_loop_test(tc, reals_are_written_shortest, 0, sizeof reals / sizeof *reals);
	tcase_add_test(tc, reals_read_back_the_same);
	tcase_add_test(tc, json_strings_escape_what_they_must);
	tcase_add_test(tc, json_strings_escape_in_every_position);
	return suite_main(suite);
}
