/* What an Accept header takes. */
#include "server/accept.h"
#include "tests/support/suite.h"

static bool takes_json(const char *accept)
{
	return accept_has(str_of(accept), STR("application/json"));
}

START_TEST(a_type_is_taken_by_its_name_its_main_type_or_all_types)
{
	ck_assert(takes_json("application/json"));
	ck_assert(takes_json("Application/JSON; charset=utf-8"));
	ck_assert(takes_json("text/html, application/*;q=0.8"));
	ck_assert(takes_json("text/html,*/*;q=0.1"));
	ck_assert(takes_json("*/*"));
}
END_TEST

START_TEST(other_types_do_not_take_it)
{
	ck_assert(!takes_json("image/png"));
	ck_assert(!takes_json("text/*"));
	ck_assert(!takes_json("application/jsonp"));
	ck_assert(!takes_json("application"));
	ck_assert(!takes_json("app/*"));
	ck_assert(!takes_json("application/xml, text/csv"));
}
END_TEST

START_TEST(a_quality_of_zero_refuses_and_the_most_specific_range_decides)
{
	ck_assert(!takes_json("application/json;q=0, */*"));
	ck_assert(!takes_json("*/*;q=0.000"));
	ck_assert(!takes_json("*/*, application/*; q=0"));
	ck_assert(takes_json("*/*;q=0, application/json"));
	ck_assert(takes_json("application/json;q=0.001"));
}
END_TEST

static struct arena *arena;
static struct request request;

static bool chooses(const char *accept)
{
	request = (struct request){.arena = arena};
	error_init(&request.error, arena);
	if (accept)
		request.accept = str_of(accept);
	return accept_rows(&request);
}

static void gives(const char *accept, enum answer_form form)
{
	ck_assert_msg(chooses(accept), "%s: %.*s", accept, STR_ARG(request.error.detail));
	ck_assert_msg(request.form == form, "\"%s\" chooses form %d", accept ? accept : "nothing", (int)request.form);
}

START_TEST(rows_have_the_form_of_the_highest_q)
{
	arena = arena_new();
	gives(NULL, FORM_JSON);
	gives("", FORM_JSON);
	gives("*/*", FORM_JSON);
	gives("application/json", FORM_JSON);
	gives("text/csv", FORM_CSV);
	gives("text/CSV; charset=utf-8", FORM_CSV);
	gives("application/x-ndjson", FORM_NDJSON);
	gives("application/ndjson", FORM_NDJSON);
	ck_assert_str_eq(request.reply.content_type, "application/ndjson");
	gives("application/jsonl", FORM_NDJSON);
	gives("text/csv;q=0.5, application/json;q=0.4", FORM_CSV);
	gives("text/csv;q=0.4, application/json;q=0.5", FORM_JSON);
	gives("application/json;q=0, */*", FORM_NDJSON);
	gives("text/csv, application/json", FORM_JSON);
	arena_free(arena);
}
END_TEST

START_TEST(a_type_that_is_named_goes_before_one_that_is_covered)
{
	arena = arena_new();
	gives("text/csv, */*", FORM_CSV);
	gives("*/*, application/x-ndjson", FORM_NDJSON);
	gives("text/*, */*", FORM_CSV);
	gives("text/csv;q=0.9, */*", FORM_JSON);
	gives("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", FORM_JSON);
	gives("application/*", FORM_JSON);
	gives("text/*", FORM_CSV);
	arena_free(arena);
}
END_TEST

START_TEST(rows_in_no_other_form)
{
	arena = arena_new();
	ck_assert(!chooses("image/png"));
	ck_assert_int_eq(request.error.kind, ERROR_NOT_ACCEPTABLE);
	ck_assert(!chooses("text/csv;q=0"));
	ck_assert(!chooses("text/html, */*;q=0"));
	arena_free(arena);
}
END_TEST

START_TEST(qualities_are_thousandths)
{
	ck_assert_uint_eq(accept_q((struct str){0}), 1000);
	ck_assert_uint_eq(accept_q(STR("q=1")), 1000);
	ck_assert_uint_eq(accept_q(STR("q=0")), 0);
	ck_assert_uint_eq(accept_q(STR("q=0.")), 0);
	ck_assert_uint_eq(accept_q(STR(" charset=x ; Q = 0.25 ")), 250);
	ck_assert_uint_eq(accept_q(STR("q=0.001")), 1);
	ck_assert_uint_eq(accept_q(STR("q=0.1234567")), 123);
	ck_assert_uint_eq(accept_q(STR("q=1.5")), 1000);
	ck_assert_uint_eq(accept_q(STR("q=x")), 1000);
	ck_assert_uint_eq(accept_q(STR("q=")), 1000);
	ck_assert_uint_eq(accept_q(STR("q=99999999999999999999")), 1000);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tcase = suite_with_case(&suite, "server/accept");

	tcase_add_test(tcase, a_type_is_taken_by_its_name_its_main_type_or_all_types);
	tcase_add_test(tcase, other_types_do_not_take_it);
	tcase_add_test(tcase, a_quality_of_zero_refuses_and_the_most_specific_range_decides);
	tcase_add_test(tcase, rows_have_the_form_of_the_highest_q);
	tcase_add_test(tcase, a_type_that_is_named_goes_before_one_that_is_covered);
	tcase_add_test(tcase, rows_in_no_other_form);
	tcase_add_test(tcase, qualities_are_thousandths);
	return suite_main(suite);
}
