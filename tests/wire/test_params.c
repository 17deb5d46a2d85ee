/* Query strings: what body they stand for, and what is said of a mistake. */
#include "orm/wire/params.h"
#include "tests/support/suite.h"

static struct arena *arena;
static struct error error;
static const struct json_limits limits = {1 << 20, 8, 40};

static void setup(void)
{
	arena = arena_new();
	error_init(&error, arena);
}

static void teardown(void)
{
	arena_free(arena);
}

static const char *read_params(const char *raw)
{
	static const char *const own[] = {"ids", "aggregate", "all", NULL};
	const struct value *body;
	struct buf text = {0};
	const char *out;

	if (params_read(arena, str_of(raw), own, &limits, &body, &error))
		value_write_json(body, &text);
	else
		buf_printf(&text, "%s %.*s: %.*s", error_title(error.kind),
		           STR_ARG(pos_pointer(arena, error.pos)), STR_ARG(error.detail));
	if (error_is_set(&error))
		error_clear(&error);
	out = arena_cstr(arena, buf_str(&text));
	buf_release(&text);
	return out;
}

#define IS(raw, expected) ck_assert_str_eq(read_params(raw), expected)

START_TEST(lookups_and_together_into_one_filter)
{
	IS("", "{}");
	IS("title__icontains=dev&vote__author__handle=jane",
	   "{\"filter\":{\"title__icontains\":\"dev\",\"vote__author__handle\":\"jane\"}}");
	IS("order_by=-id&limit=20&title=a&&",
	   "{\"order_by\":[\"-id\"],\"limit\":\"20\",\"filter\":{\"title\":\"a\"}}");
	IS("count__exact=3&flag", "{\"filter\":{\"count__exact\":\"3\",\"flag\":\"\"}}");
}
END_TEST

START_TEST(values_made_here_are_loose)
{
	const struct value *body;
	const struct value *id;

	ck_assert(params_read(arena, STR("id=5"), NULL, &limits, &body, &error));
	id = value_get(value_get(body, "filter"), "id");
	ck_assert(id->is_loose);
	ck_assert_str_eq(pos_pointer(arena, id->pos).p, "?id");
}
END_TEST

START_TEST(text_is_percent_decoded_and_plus_is_a_space)
{
	IS("title=a+b%2Bc%20d%C3%A9%26", "{\"filter\":{\"title\":\"a b+c d\xC3\xA9&\"}}");
	IS("a%5F%5Fgt=1=2", "{\"filter\":{\"a__gt\":\"1=2\"}}");
	IS("a=%2", "BadRequest ?a: \"%\" is not followed by two hexadecimal digits");
	IS("a=%zz", "BadRequest ?a: \"%\" is not followed by two hexadecimal digits");
	IS("a=%00", "BadRequest ?a: the address holds a NUL character");
	IS("a=%ff", "BadRequest ?a: the address is not valid UTF-8");
	IS("=1", "BadRequest ?: a parameter has no name");
}
END_TEST

START_TEST(commas_make_lists_only_where_lists_are_meant)
{
	IS("id__in=1,2,3", "{\"filter\":{\"id__in\":[\"1\",\"2\",\"3\"]}}");
	IS("name__in=a%2Cb,c", "{\"filter\":{\"name__in\":[\"a,b\",\"c\"]}}");
	IS("id__in=", "{\"filter\":{\"id__in\":[]}}");
	IS("n__range=1,5", "{\"filter\":{\"n__range\":[\"1\",\"5\"]}}");
	IS("title=a,b", "{\"filter\":{\"title\":\"a,b\"}}");
	IS("values=id,title&only=id&prefetch_related=a,b__c",
	   "{\"values\":[\"id\",\"title\"],\"only\":[\"id\"],\"prefetch_related\":[\"a\",\"b__c\"]}");
	IS("select_related=true&distinct=role", "{\"select_related\":true,\"distinct\":[\"role\"]}");
	IS("select_related=role,a__b&distinct=true",
	   "{\"select_related\":[\"role\",\"a__b\"],\"distinct\":true}");
}
END_TEST

START_TEST(filter_and_exclude_are_json_and_keep_their_places)
{
	const struct value *body;
	const struct value *inner;

	IS("filter={\"or\":[{\"a\":1}]}", "{\"filter\":{\"or\":[{\"a\":1}]}}");
	IS("filter=%7B%22a%22%3A1%7D&b=2", "{\"filter\":{\"b\":\"2\",\"and\":[{\"a\":1}]}}");
	IS("exclude={\"a\":null}", "{\"exclude\":{\"a\":null}}");
	ck_assert(params_read(arena, STR("filter={\"or\":[{\"a\":1}]}"), NULL, &limits, &body, &error));
	inner = value_get(&value_get(value_get(body, "filter"), "or")->list.items[0], "a");
	ck_assert_str_eq(pos_pointer(arena, inner->pos).p, "?filter/or/0/a");
	ck_assert(!inner->is_loose);
	ck_assert(!params_read(arena, STR("filter={"), NULL, &limits, &body, &error));
	ck_assert_int_eq(error.kind, ERROR_BAD_REQUEST);
	ck_assert_str_eq(pos_pointer(arena, error.pos).p, "?filter");
}
END_TEST

START_TEST(annotations_have_a_small_syntax)
{
	IS("annotate=total_votes:Count(vote)", "{\"annotate\":{\"total_votes\":{\"Count\":\"vote\"}}}");
	IS("annotate=a:Count(*),b:Coalesce(x__y,%200),c:name",
	   "{\"annotate\":{\"a\":{\"Count\":\"*\"},\"b\":{\"Coalesce\":[\"x__y\",0]},\"c\":\"name\"}}");
	IS("annotate=a:Count(vote,distinct=true)",
	   "{\"annotate\":{\"a\":{\"Count\":{\"distinct\":true,\"expr\":\"vote\"}}}}");
	IS("annotate=a:StringAgg(name,delimiter=',')",
	   "{\"annotate\":{\"a\":{\"StringAgg\":{\"delimiter\":\",\",\"expr\":\"name\"}}}}");
	IS("annotate=a:Concat(Upper(name),'it''s',-1.5,null)",
	   "{\"annotate\":{\"a\":{\"Concat\":[{\"Upper\":\"name\"},{\"Value\":\"it's\"},-1.5,null]}}}");
	IS("annotate=a:Now()", "{\"annotate\":{\"a\":{\"Now\":[]}}}");
	IS("aggregate=avg:Avg(price)", "{\"aggregate\":{\"avg\":{\"Avg\":\"price\"}}}");
}
END_TEST

START_TEST(broken_annotations_are_told)
{
	IS("annotate=Count(vote)",
	   "BadRequest ?annotate: expected \":\" before \"(vote)\"; the form is "
	   "name:Function(path, ...)");
	IS("annotate=a:Count(vote", "BadRequest ?annotate: expected \",\" or \")\" at the end; the "
	                            "form is name:Function(path, ...)");
	IS("annotate=", "BadRequest ?annotate: expected a name at the end; the form is "
	                "name:Function(path, ...)");
	IS("annotate=a:b;c",
	   "BadRequest ?annotate: expected \",\" before \";c\"; the form is name:Function(path, ...)");
	IS("annotate=a:A('x)", "BadRequest ?annotate: expected a closing quote at the end; the form is "
	                       "name:Function(path, ...)");
	IS("annotate=a:1x", "BadRequest ?annotate: expected a number at the end; the form is "
	                    "name:Function(path, ...)");
	IS("annotate=a:x,a:y", "BadRequest ?annotate: the name \"a\" is given twice");
	IS("annotate=a:A(A(A(A(A(A(A(A(A(x)))))))))",
	   "BadRequest ?annotate: the expression is nested too deeply");
}
END_TEST

START_TEST(slices_and_counts_are_taken_over)
{
	IS("after=&offset=3", "{\"after\":null,\"offset\":\"3\"}");
	IS("before=abc", "{\"before\":\"abc\"}");
	IS("count=true", "{\"count\":\"true\"}");
	IS("count={\"cap\":5}", "{\"count\":{\"cap\":5}}");
}
END_TEST

START_TEST(a_methods_own_parameters_stand_beside_the_clauses)
{
	IS("ids=1,2&all=true", "{\"ids\":[\"1\",\"2\"],\"all\":\"true\"}");
	IS("ids=7", "{\"ids\":\"7\"}");
}
END_TEST

START_TEST(a_parameter_given_twice_is_an_error)
{
	IS("a=1&a=2", "BadRequest ?a: the parameter \"a\" is given twice");
	IS("limit=1&l%69mit=2", "BadRequest ?limit: the parameter \"limit\" is given twice");
}
END_TEST

START_TEST(the_number_of_values_is_bounded)
{
	IS("id__in=1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1",
	   "BadRequest ?id__in: the query string holds more than 40 values");
}
END_TEST

START_TEST(path_segments_keep_their_plus)
{
	struct str text;

	ck_assert(percent_decode(arena, STR("a+b%20c"), &text, &error));
	ck_assert(str_is(text, "a+b c"));
	ck_assert(!percent_decode(arena, STR("%c3"), &text, &error));
	ck_assert_int_eq(error.kind, ERROR_BAD_REQUEST);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tcase = suite_with_case(&suite, "wire/params");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, lookups_and_together_into_one_filter);
	tcase_add_test(tcase, values_made_here_are_loose);
	tcase_add_test(tcase, text_is_percent_decoded_and_plus_is_a_space);
	tcase_add_test(tcase, commas_make_lists_only_where_lists_are_meant);
	tcase_add_test(tcase, filter_and_exclude_are_json_and_keep_their_places);
	tcase_add_test(tcase, annotations_have_a_small_syntax);
	tcase_add_test(tcase, broken_annotations_are_told);
	tcase_add_test(tcase, slices_and_counts_are_taken_over);
	tcase_add_test(tcase, a_methods_own_parameters_stand_beside_the_clauses);
	tcase_add_test(tcase, a_parameter_given_twice_is_an_error);
	tcase_add_test(tcase, the_number_of_values_is_bounded);
	tcase_add_test(tcase, path_segments_keep_their_plus);
	return suite_main(suite);
}
