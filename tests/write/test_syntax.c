/* E-mail addresses, URLs, slugs, addresses, decimals, messages and Python's regular expressions:
 * what Django 5's validators take and refuse. */
#include "orm/write/decimal.h"
#include "orm/write/messages.h"
#include "orm/write/regex.h"
#include "orm/write/syntax.h"
#include "tests/support/suite.h"

static void check_all(bool (*is)(struct str), const char *const *texts, bool expected)
{
	for (; *texts; texts++)
		ck_assert_msg(is(str_of(*texts)) == expected, "%s", *texts);
}

START_TEST(emails_that_django_takes_are_taken)
{
	static const char *const texts[] = {
		"email@here.com",
		"weirder-email@here.and.there.com",
		"email@[127.0.0.1]",
		"email@[2001:dB8::1]",
		"example@valid-----hyphens.com",
		"example@valid-with-hyphens.com",
		"test@domain.with.idn.tld.उदाहरण.परीक्षा",
		"email@localhost",
		"\"test@test\"@example.com",
		"a@b.co",
		"example@atm.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		NULL};
	check_all(is_email, texts, true);
}
END_TEST

START_TEST(emails_that_django_refuses_are_refused)
{
	static const char *const texts[] = {"",
	                                    "abc",
	                                    "abc@",
	                                    "abc@bar",
	                                    "a @x.cz",
	                                    "abc@.com",
	                                    "something@@somewhere.com",
	                                    "email@127.0.0.1",
	                                    "email@[127.0.0.256]",
	                                    "email@[2001:db8::12345]",
	                                    "example@invalid-.com",
	                                    "example@-invalid.com",
	                                    "example@invalid.com-",
	                                    "example@inv-.alid-.com",
	                                    "trailingdot@shouldfail.com.",
	                                    "a@b.com\n",
	                                    "a\n@b.com",
	                                    "\"test@test\"\n@example.com",
	                                    "a..b@c.de",
	                                    ".a@b.de",
	                                    NULL};
	check_all(is_email, texts, false);
}
END_TEST

static bool is_usual_url(struct str text)
{
	return is_url(text, NULL);
}

START_TEST(urls_that_django_takes_are_taken)
{
	static const char *const texts[] = {
		"http://www.djangoproject.com/",
		"HTTP://WWW.DJANGOPROJECT.COM/",
		"http://localhost/",
		"http://example.com./",
		"http://www.example.com:8000/test",
		"http://valid-with-hyphens.com/",
		"http://200.8.9.10:8000/test",
		"http://example.com?something=value",
		"http://example.com/index.php?something=value&another=value2",
		"https://example.com/",
		"ftp://example.com/",
		"http://foo.com/blah_(wikipedia)#cite-1",
		"http://userid:@example.com",
		"http://userid:password@example.com:8080/",
		"http://142.42.1.1:8080/",
		"http://➡.ws/䨹",
		"http://[::192.9.5.5]/ipng",
		"http://[::1]:8080/",
		"http://0.0.0.0/",
		"http://255.255.255.255",
		"http://xn--d5qv7z876c.xn--p1ai",
		"http://foo.bar/?q=Test%20URL-encoded%20stuff",
		NULL};
	check_all(is_usual_url, texts, true);
}
END_TEST

START_TEST(urls_that_django_refuses_are_refused)
{
	static const char *const texts[] = {"",
	                                    "foo",
	                                    "http://",
	                                    "http://example",
	                                    "http://example.",
	                                    "http://example.com:-1/",
	                                    "http://example.com:000000080/",
	                                    "http://.com",
	                                    "http://invalid-.com",
	                                    "http://-invalid.com",
	                                    "http://inv-.alid-.com",
	                                    "file://localhost/path",
	                                    "git://example.com/",
	                                    "http://.",
	                                    "http://..",
	                                    "http:// shouldfail.com",
	                                    ":// should fail",
	                                    "http://foo.bar?q=Spaces should be encoded",
	                                    "//",
	                                    "http://a.b-.co",
	                                    "http://1.1.1.1.1",
	                                    "http://123.123.123",
	                                    "http://foo/bar@example.com",
	                                    "http://example.com:12345678",
	                                    "http://[::1",
	                                    "http://[a",
	                                    "http://user:pa:ss@example.com",
	                                    "http://www.djangoproject.com/\n",
	                                    NULL};
	check_all(is_usual_url, texts, false);
}
END_TEST

START_TEST(a_url_may_be_held_to_schemes)
{
	static const char *const git[] = {"git", NULL};
	ck_assert(is_url(STR("git://example.com/"), git));
	ck_assert(!is_url(STR("http://example.com/"), git));
}
END_TEST

START_TEST(slugs_and_addresses)
{
	ck_assert(is_slug(STR("slug-ok_1")));
	ck_assert(!is_slug(STR("")));
	ck_assert(!is_slug(STR("some@mail.com")));
	ck_assert(!is_slug(STR("你好")));
	ck_assert(is_unicode_slug(STR("你好")));
	ck_assert(is_ipv4(STR("1.1.1.1")));
	ck_assert(!is_ipv4(STR("25.1 .1.1")));
	ck_assert(!is_ipv4(STR("001.1.1.1")));
	ck_assert(is_ipv6(STR("fe80::1")));
	ck_assert(!is_ipv6(STR("1.2.3.4")));
	ck_assert(is_integer_list(STR("1,2,3"), STR(","), false));
	ck_assert(!is_integer_list(STR("1,2,"), STR(","), false));
	ck_assert(!is_integer_list(STR("1,-2"), STR(","), false));
	ck_assert(is_integer_list(STR("1 -2"), STR(" "), true));
	ck_assert(is_domain_name(STR("xn----gtbspbbmkef.xn--p1ai")));
	ck_assert(!is_domain_name(STR("1.2.3.4")));
	ck_assert(!is_domain_name(STR("host")));
}
END_TEST

static int compare(struct arena *arena, const char *a, const char *b)
{
	struct decimal x, y;
	ck_assert(decimal_parse(arena, str_of(a), &x));
	ck_assert(decimal_parse(arena, str_of(b), &y));
	return decimal_compare(&x, &y);
}

START_TEST(decimals_compare_by_value)
{
	struct arena *arena = arena_new();
	ck_assert_int_eq(compare(arena, "1.10", "1.1"), 0);
	ck_assert_int_eq(compare(arena, "-0", "0.00"), 0);
	ck_assert_int_lt(compare(arena, "9.99", "10"), 0);
	ck_assert_int_gt(compare(arena, "1e3", "999.999"), 0);
	ck_assert_int_lt(compare(arena, "-2", "-1"), 0);
	ck_assert_int_lt(compare(arena, "-1", "0.001"), 0);
	ck_assert_int_gt(compare(arena, "12345678901234567890.1", "12345678901234567890.09"), 0);
	arena_free(arena);
}
END_TEST

START_TEST(what_is_no_decimal_is_refused)
{
	static const char *const texts[] = {"",    "-",   ".",           "1.2.3", "1e",
	                                    "abc", "NaN", "1e999999999", "1 ",    NULL};
	struct arena *arena = arena_new();
	struct decimal d;
	for (size_t i = 0; texts[i]; i++)
		ck_assert_msg(!decimal_parse(arena, str_of(texts[i]), &d), "%s", texts[i]);
	arena_free(arena);
}
END_TEST

START_TEST(multiples_are_exact)
{
	struct arena *arena = arena_new();
	struct decimal a, b, offset;
	ck_assert(decimal_parse(arena, STR("0.3"), &a) && decimal_parse(arena, STR("0.1"), &b));
	ck_assert(decimal_is_multiple(&a, NULL, &b));
	ck_assert(decimal_parse(arena, STR("0.35"), &a));
	ck_assert(!decimal_is_multiple(&a, NULL, &b));
	ck_assert(decimal_parse(arena, STR("0.05"), &offset));
	ck_assert(decimal_is_multiple(&a, &offset, &b));
	arena_free(arena);
}
END_TEST

START_TEST(messages_fill_their_placeholders)
{
	struct arena *arena = arena_new();
	const struct message_value values[] = {{"value", STR("it's"), true}, {"max", STR("3"), false}};
	struct str text =
		message_format(arena, STR("%(value)r %(value)s %(max)d 100%% %(none)s %"), values, 2);
	ck_assert_str_eq(arena_cstr(arena, text), "\"it's\" it's 3 100% %(none)s %");
	arena_free(arena);
}
END_TEST

START_TEST(lists_read_as_django_writes_them)
{
	struct arena *arena = arena_new();
	const struct str items[] = {STR("a"), STR("b"), STR("c")};
	ck_assert_str_eq(arena_cstr(arena, message_list(arena, items, 3)), "a, b and c");
	ck_assert_str_eq(arena_cstr(arena, message_list(arena, items, 1)), "a");
	arena_free(arena);
}
END_TEST

static bool matches(struct arena *arena, const char *pattern, const char *flags, const char *text)
{
	struct regex *regex = regex_compile(arena, str_of(pattern), str_of(flags));
	ck_assert_ptr_nonnull(regex);
	return regex_search(regex, str_of(text)) == REGEX_FOUND;
}

START_TEST(regular_expressions_are_pythons)
{
	struct arena *arena = arena_new();
	ck_assert(matches(arena, "^\\d{3}\\Z", "", "123"));
	ck_assert(!matches(arena, "^\\d{3}\\Z", "", "123\n"));
	ck_assert(matches(arena, "^(?P<first>\\w+) (?P=first)$", "", "née née"));
	ck_assert(matches(arena, "abc", "i", "xABCx"));
	ck_assert(!matches(arena, "a.c", "", "a\nc"));
	ck_assert(matches(arena, "a.c", "s", "a\nc"));
	ck_assert_ptr_null(regex_compile(arena, STR("("), STR("")));
	arena_free(arena);
}
END_TEST

START_TEST(a_regular_expression_that_never_ends_gives_up)
{
	struct arena *arena = arena_new();
	struct regex *regex = regex_compile(arena, STR("^(a+)+$"), STR(""));
	ck_assert_int_eq(regex_search(regex, STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")),
	                 REGEX_GAVE_UP);
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "syntax");
	tcase_add_test(group, emails_that_django_takes_are_taken);
	tcase_add_test(group, emails_that_django_refuses_are_refused);
	tcase_add_test(group, urls_that_django_takes_are_taken);
	tcase_add_test(group, urls_that_django_refuses_are_refused);
	tcase_add_test(group, a_url_may_be_held_to_schemes);
	tcase_add_test(group, slugs_and_addresses);
	tcase_add_test(group, decimals_compare_by_value);
	tcase_add_test(group, what_is_no_decimal_is_refused);
	tcase_add_test(group, multiples_are_exact);
	tcase_add_test(group, messages_fill_their_placeholders);
	tcase_add_test(group, lists_read_as_django_writes_them);
	tcase_add_test(group, regular_expressions_are_pythons);
	tcase_add_test(group, a_regular_expression_that_never_ends_gives_up);
	return suite_main(suite);
}
