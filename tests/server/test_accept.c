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

int main(void)
{
	Suite *suite;
	TCase *tcase = suite_with_case(&suite, "server/accept");

	tcase_add_test(tcase, a_type_is_taken_by_its_name_its_main_type_or_all_types);
	tcase_add_test(tcase, other_types_do_not_take_it);
	tcase_add_test(tcase, a_quality_of_zero_refuses_and_the_most_specific_range_decides);
	return suite_main(suite);
}
