/* Errors as problem+json: each member where it belongs, none where there is nothing to say. */
#include "server/problem.h"

#include "tests/support/suite.h"

static struct arena *arena;
static struct request request;

static void setup(void)
{
	arena = arena_new();
	request = (struct request){.arena = arena, .id = STR("7")};
	error_init(&request.error, arena);
}

static void teardown(void)
{
	buf_release(&request.reply.body);
	arena_free(arena);
}

static void reply_is(int status, const char *body)
{
	problem_reply(&request);
	ck_assert_int_eq(request.reply.status, status);
	ck_assert_str_eq(request.reply.content_type, "application/problem+json");
	ck_assert_str_eq(arena_cstr(arena, buf_str(&request.reply.body)), body);
}

static const char *reply_field(const char *name)
{
	for (size_t i = 0; i < request.reply.nheaders; i++)
		if (str_is(request.reply.headers[i].name, name))
			return arena_cstr(arena, request.reply.headers[i].value);
	return NULL;
}

START_TEST(a_problem_has_title_status_detail_and_the_request_id)
{
	error_set_nowhere(&request.error, ERROR_UNKNOWN_ADDRESS, "There is no \"%s\".", "x");
	reply_is(404, "{\"title\":\"NotFound\",\"status\":404,\"detail\":\"There is no \\\"x\\\".\","
	              "\"instance\":\"7\"}");
}
END_TEST

START_TEST(a_place_becomes_a_pointer)
{
	const struct pos *pos = pos_item(arena, pos_member(arena, NULL, STR("filter")), 2);

	request.error.suggestion = STR("title");
	error_set(&request.error, ERROR_FIELD, pos, "no");
	reply_is(400,
	         "{\"title\":\"FieldError\",\"status\":400,\"detail\":\"no\",\"pointer\":\"/filter/2\","
	         "\"suggestion\":\"title\",\"instance\":\"7\"}");
}
END_TEST

START_TEST(a_constraint_names_its_fields)
{
	static const struct str fields[] = {STR_INIT("author"), STR_INIT("article")};

	error_set_nowhere(&request.error, ERROR_INTEGRITY, "twice");
	request.error.constraint = STR("unique_vote");
	request.error.fields = fields;
	request.error.nfields = 2;
	reply_is(
		409,
		"{\"title\":\"IntegrityError\",\"status\":409,\"detail\":\"twice\","
		"\"constraint\":\"unique_vote\",\"fields\":[\"author\",\"article\"],\"instance\":\"7\"}");
}
END_TEST

START_TEST(protected_objects_are_listed)
{
	static const struct error_object objects[] = {{STR_INIT("Employee"), STR_INIT("1")},
	                                              {STR_INIT("Employee"), STR_INIT("2")}};

	error_set_nowhere(&request.error, ERROR_PROTECTED, "held");
	request.error.objects = objects;
	request.error.nobjects = 2;
	reply_is(
		409,
		"{\"title\":\"ProtectedError\",\"status\":409,\"detail\":\"held\","
		"\"objects\":[{\"model\":\"Employee\",\"pk\":\"1\"},{\"model\":\"Employee\",\"pk\":\"2\"}],"
		"\"instance\":\"7\"}");
}
END_TEST

START_TEST(violations_stand_together_by_field)
{
	static const struct error_field violations[] = {
		{.field = STR_INIT("title"),
	     .message = STR_INIT("Too long."),
	     .code = STR_INIT("max_length")},
		{.field = STR_INIT("body"), .message = STR_INIT("Missing."), .code = STR_INIT("required")},
		{.field = STR_INIT("title"), .message = STR_INIT("Bad."), .code = STR_INIT("invalid")},
	};

	error_set_nowhere(&request.error, ERROR_VALIDATION, "no");
	request.error.violations = violations;
	request.error.nviolations = 3;
	reply_is(422,
	         "{\"title\":\"ValidationError\",\"status\":422,\"detail\":\"no\",\"errors\":{"
	         "\"title\":[{\"message\":\"Too long.\",\"code\":\"max_length\"},"
	         "{\"message\":\"Bad.\",\"code\":\"invalid\"}],"
	         "\"body\":[{\"message\":\"Missing.\",\"code\":\"required\"}]},\"instance\":\"7\"}");
}
END_TEST

START_TEST(a_wrong_method_comes_with_allow)
{
	request.error.allow = STR("GET, HEAD");
	error_set_nowhere(&request.error, ERROR_METHOD, "no");
	problem_reply(&request);
	ck_assert_int_eq(request.reply.status, 405);
	ck_assert_str_eq(reply_field("Allow"), "GET, HEAD");
}
END_TEST

START_TEST(an_absent_database_comes_with_retry_after)
{
	request.db.is_cancelled = true; /* no log line in the tests' output */
	error_set_nowhere(&request.error, ERROR_UNAVAILABLE, "away");
	problem_reply(&request);
	ck_assert_int_eq(request.reply.status, 503);
	ck_assert_str_eq(reply_field("Retry-After"), "1");
}
END_TEST

START_TEST(what_a_handler_wrote_before_it_failed_is_dropped)
{
	BUF_LIT(&request.reply.body, "{\"results\":[");
	reply_header(&request, STR("Location"), STR("/api/article/1"));
	error_set_nowhere(&request.error, ERROR_VALUE, "no");
	reply_is(400, "{\"title\":\"ValueError\",\"status\":400,\"detail\":\"no\",\"instance\":\"7\"}");
	ck_assert_uint_eq(request.reply.nheaders, 0);
}
END_TEST

START_TEST(problems_of_http_itself_have_a_title)
{
	static const int statuses[] = {400, 403, 413, 414, 415, 417, 421, 431};

	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		problem_of_status(&request, statuses[i], "no");
		ck_assert_int_eq(request.reply.status, statuses[i]);
	}
}
END_TEST

START_TEST(violations_of_rows_stand_in_the_order_of_their_lines)
{
	const struct pos *row = pos_item(request.arena, NULL, 3);
	const struct error_field violations[] = {
		{.field = STR("vote"), .message = STR("bad"), .code = STR("invalid"),
	     .pos = pos_member(request.arena, row, STR("vote")), .line = 5},
		{.field = STR("__all__"), .message = STR("short"), .code = STR("invalid"), .line = 9},
	};

	error_set(&request.error, ERROR_VALIDATION, violations[0].pos, "no");
	request.error.line = 5;
	request.error.violations = violations;
	request.error.nviolations = 2;
	reply_is(422, "{\"title\":\"ValidationError\",\"status\":422,\"detail\":\"no\",\"pointer\":\"/3/vote\","
	              "\"line\":5,\"lines\":[{\"line\":5,\"field\":\"vote\",\"message\":\"bad\",\"code\":\"invalid\","
	              "\"pointer\":\"/3/vote\"},{\"line\":9,\"field\":\"__all__\",\"message\":\"short\","
	              "\"code\":\"invalid\"}],\"instance\":\"7\"}");
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "problem");

	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, a_problem_has_title_status_detail_and_the_request_id);
	tcase_add_test(group, a_place_becomes_a_pointer);
	tcase_add_test(group, a_constraint_names_its_fields);
	tcase_add_test(group, protected_objects_are_listed);
	tcase_add_test(group, violations_stand_together_by_field);
	tcase_add_test(group, violations_of_rows_stand_in_the_order_of_their_lines);
	tcase_add_test(group, a_wrong_method_comes_with_allow);
	tcase_add_test(group, an_absent_database_comes_with_retry_after);
	tcase_add_test(group, what_a_handler_wrote_before_it_failed_is_dropped);
	tcase_add_test(group, problems_of_http_itself_have_a_title);
	return suite_main(suite);
}
