/* Log lines, read back from standard error. */
#include "orm/base/log.h"

#include "tests/support/suite.h"

#include <stdio.h>
#include <unistd.h>

static char text[4096];
static int saved_stderr;
static FILE *capture;

static void setup(void)
{
	capture = tmpfile();
	saved_stderr = dup(STDERR_FILENO);
	dup2(fileno(capture), STDERR_FILENO);
}

static void teardown(void)
{
	log_setup(LOG_INFO, LOG_TEXT);
	fclose(capture);
}

/* What has been written so far, without the time of the line. */
static const char *written(void)
{
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	rewind(capture);
	size_t n = fread(text, 1, sizeof text - 1, capture);
	text[n] = '\0';
	return text;
}

START_TEST(a_line_for_a_person)
{
	log_event(LOG_INFO, "request",
	          LOG_FIELDS(LOG_STR("id", STR("a1")), LOG_STR("path", STR("/a b")),
	                     LOG_NUM("status", 200), LOG_NUM("ms", 1.5)));
	const char *line = written();
	ck_assert_str_eq(strchr(line, 'Z'),
	                 "Z INFO    request id=a1 path=\"/a b\" status=200 ms=1.5\n");
}
END_TEST

START_TEST(a_line_for_a_collector)
{
	log_setup(LOG_INFO, LOG_JSON);
	log_event(LOG_WARNING, "slow", LOG_FIELDS(LOG_STR("id", STR("a\"1")), LOG_NUM("n", -3)));
	const char *line = written();
	ck_assert_int_eq(strncmp(line, "{\"time\":\"20", 11), 0);
	ck_assert_str_eq(strchr(line, 'Z'),
	                 "Z\",\"level\":\"warning\",\"event\":\"slow\",\"id\":\"a\\\"1\",\"n\":-3}\n");
}
END_TEST

START_TEST(what_is_below_the_level_is_not_written)
{
	log_setup(LOG_WARNING, LOG_TEXT);
	ck_assert(!log_enabled(LOG_INFO));
	ck_assert(log_enabled(LOG_ERROR));
	log_event(LOG_INFO, "request", NULL, 0);
	log_message(LOG_INFO, "no");
	ck_assert_str_eq(written(), "");
}
END_TEST

START_TEST(a_line_stays_one_line_whatever_is_in_it)
{
	log_message(LOG_INFO, "a\nb\x1b[31m");
	log_event(LOG_INFO, "e",
	          LOG_FIELDS(LOG_STR("x", STR("1\r\n2\x7f\xC2\x9B"
	                                      "3\xFF"))));
	const char *lines = written();
	int n = 0;
	for (const char *p = lines; *p; p++) {
		n += *p == '\n';
		ck_assert(*p == '\n' || ((unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f));
	}
	ck_assert_int_eq(n, 2);
	ck_assert_ptr_nonnull(strstr(lines, " a\\nb\\u001b[31m\n"));
}
END_TEST

START_TEST(a_terminal_cannot_be_steered_by_valid_utf8_either)
{
	log_event(LOG_INFO, "e",
	          LOG_FIELDS(LOG_STR("x", STR("\xC2\x9B"
	                                      "31m caf\xC3\xA9"))));
	ck_assert_ptr_nonnull(strstr(written(), "x=\"\\u009b31m caf\xC3\xA9\""));
}
END_TEST

START_TEST(numbers_are_told_to_the_thousandth)
{
	log_event(LOG_INFO, "e",
	          LOG_FIELDS(LOG_NUM("a", 0.0404), LOG_NUM("b", -0.5), LOG_NUM("c", 12345678901234.0),
	                     LOG_NUM("d", 1e300), LOG_NUM("e", 0.0001), LOG_NUM("f", 1.999999)));
	ck_assert_ptr_nonnull(strstr(written(), " a=0.04 b=-0.5 c=12345678901234 d=1e+300 e=0 f=2\n"));
}
END_TEST

START_TEST(lines_are_held_back_until_they_are_flushed)
{
	log_hold();
	log_message(LOG_INFO, "one");
	ck_assert_int_eq(lseek(STDERR_FILENO, 0, SEEK_CUR), 0);
	log_flush();
	ck_assert_int_gt(lseek(STDERR_FILENO, 0, SEEK_CUR), 0);
	log_message(LOG_INFO, "two");
	log_release();
	const char *lines = written();
	ck_assert_ptr_nonnull(strstr(lines, "one\n"));
	ck_assert_ptr_nonnull(strstr(lines, "two\n"));
}
END_TEST

START_TEST(a_warning_takes_what_was_held_back_with_it)
{
	log_hold();
	log_message(LOG_INFO, "one");
	log_message(LOG_WARNING, "two");
	const char *lines = written();
	ck_assert_ptr_nonnull(strstr(lines, "one\n"));
	ck_assert_ptr_nonnull(strstr(lines, "two\n"));
	ck_assert(strstr(lines, "one\n") < strstr(lines, "two\n"));
	log_release();
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tc = suite_with_case(&suite, "log");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_line_for_a_person);
	tcase_add_test(tc, a_line_for_a_collector);
	tcase_add_test(tc, what_is_below_the_level_is_not_written);
	tcase_add_test(tc, a_line_stays_one_line_whatever_is_in_it);
	tcase_add_test(tc, a_terminal_cannot_be_steered_by_valid_utf8_either);
	tcase_add_test(tc, numbers_are_told_to_the_thousandth);
	tcase_add_test(tc, lines_are_held_back_until_they_are_flushed);
	tcase_add_test(tc, a_warning_takes_what_was_held_back_with_it);
	return suite_main(suite);
}
