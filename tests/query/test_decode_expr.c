/* The decoder of conditions and expressions: what each word and each position means. */
#include "decode_support.h"

START_TEST(members_of_a_condition_all_hold)
{
	cond_is("{}", "(and )");
	cond_is("{\"a\": 1, \"b__gt\": 2.5}", "(a=1 and b__gt=2.5)");
	cond_is("{\"or\": [{\"a\": 1}, {\"b\": null}], \"c\": true}", "((a=1 or b=null) and c=true)");
	cond_is("{\"xor\": []}", "(xor )");
	cond_is("{\"not\": {\"and\": [{\"a\": [1, 2]}]}}", "(not (and a=[1,2]))");
}
END_TEST

START_TEST(fields_named_like_words_are_reached_by_a_lookup)
{
	cond_is("{\"and__exact\": 1, \"lookup__exact\": 2, \"Exists__exact\": 3}",
	        "(and__exact=1 and lookup__exact=2 and Exists__exact=3)");
}
END_TEST

START_TEST(expressions_stand_in_conditions_under_their_names)
{
	cond_is("{\"Exists\": {\"model\": \"Vote\", \"filter\": {\"article\": {\"OuterRef\": \"pk\"}}},"
	        " \"is_active\": true}",
	        "(Exists{Vote filter article=OuterRef(pk) } and is_active=true)");
	cond_is("{\"lookup\": [{\"Length\": \"name\"}, \"gte\", {\"+\": [\"1\", {\"F\": \"n\"}]}]}",
	        "Length(name) gte +(\"1\", n)");
	cond_is("{\"lookup\": [\"name\", \"gte\"]}",
	        "BadRequest /lookup: expected three elements (expression, lookup, value), got 2");
	cond_is("{\"lookup\": {\"a\": 1}}",
	        "ValueError /lookup: expected an array of expression, lookup and value, got an object");
}
END_TEST

START_TEST(set_questions_are_told_from_literals)
{
	cond_is("{\"vote\": {\"some\": {\"id\": 3}}}", "some vote where id=3");
	cond_is("{\"vote\": {\"none\": {}}}", "none vote where (and )");
	cond_is("{\"vote\": {\"every\": {\"a\": 1, \"b\": 2}}}", "every vote where (a=1 and b=2)");
	cond_is("{\"vote\": {\"count\": {\"gte\": 3}, \"where\": {\"x\": 1}}}",
	        "count vote {\"gte\":3} where x=1");
	cond_is("{\"vote\": {\"count\": 3}}", "count vote 3");
	cond_is("{\"attrs__contains\": {\"count\": 3}}", "attrs__contains={\"count\":3}");
	cond_is("{\"attrs__exact\": {\"some\": {}}}", "attrs__exact={\"some\":{}}");
	cond_is("{\"attrs\": {\"some\": 3}}", "attrs={\"some\":3}");
	cond_is("{\"attrs\": {\"some\": {}, \"more\": 1}}", "attrs={\"some\":{},\"more\":1}");
	cond_is("{\"vote\": {\"some\": {\"or\": 3}}}",
	        "ValueError /vote/some/or: expected an array of conditions, got an integer");
}
END_TEST

START_TEST(a_question_keeps_its_literal)
{
	const struct cond *cond;

	ck_assert(decode_cond(arena, json("{\"attrs\": {\"count\": 3}}"), &cond, &error));
	ck_assert_int_eq(cond->kind, COND_COUNT);
	ck_assert_int_eq(cond->operand.kind, OPERAND_LITERAL);
	ck_assert_ptr_nonnull(value_get(cond->operand.literal, "count"));
}
END_TEST

START_TEST(wrong_conditions_are_pointed_at)
{
	cond_is("[]", "ValueError : a condition is an object, not an array; use {\"and\": [...]}");
	cond_is("{\"or\": {\"a\": 1}}",
	        "ValueError /or: expected an array of conditions, got an object");
	cond_is("{\"not\": [{\"a\": 1}]}",
	        "ValueError /not: a condition is an object, not an array; use {\"and\": [...]}");
	cond_is("{\"and\": [{\"a\": 1}, 7]}",
	        "ValueError /and/1: expected a condition (an object), got an integer");
	cond_is("{\"\": 1}", "FieldError /: a lookup's path is empty");
}
END_TEST

START_TEST(a_bare_string_is_what_its_place_says)
{
	operand_is("\"price\"", "\"price\"");
	expr_is("\"price\"", "price");
	operand_is("{\"F\": \"price\"}", "price");
	expr_is("{\"Value\": \"price\"}", "\"price\"");
	operand_is("{\"*\": [{\"F\": \"salary\"}, \"1.10\"]}", "*(salary, \"1.10\")");
	expr_is("{\"*\": [\"price\", \"quantity\"]}", "*(price, quantity)");
	operand_is("{\"+\": [{\"*\": [\"2\", {\"F\": \"a\"}]}, {\"Upper\": \"name\"}]}",
	           "+(*(\"2\", a), Upper(name))");
	operand_is("{\"Coalesce\": [\"a\", {\"+\": [\"b\", 1]}]}", "Coalesce(a, +(b, 1))");
}
END_TEST

START_TEST(objects_are_literals_unless_they_are_expressions)
{
	operand_is("{\"color\": \"red\"}", "{\"color\":\"red\"}");
	operand_is("{\"New York\": 1}", "{\"New York\":1}");
	operand_is("{\"A__b\": 1}", "{\"A__b\":1}");
	operand_is("{\"Lower\": \"x\", \"n\": 1}", "{\"Lower\":\"x\",\"n\":1}");
	operand_is("{\"pk\": 3}", "{\"pk\":3}");
	operand_is("{\"Value\": {\"Lower\": \"x\"}}", "{\"Lower\":\"x\"}");
	operand_is("{}", "{}");
}
END_TEST

START_TEST(an_array_is_a_list_of_operands_only_with_an_expression_in_it)
{
	struct operand operand;

	ck_assert(decode_operand(arena, json("[1, \"a\", {\"x\": 1}]"), &operand, &error));
	ck_assert_int_eq(operand.kind, OPERAND_LITERAL);
	ck_assert(decode_operand(arena, json("[1, {\"F\": \"a\"}]"), &operand, &error));
	ck_assert_int_eq(operand.kind, OPERAND_LIST);
	ck_assert_uint_eq(operand.nitems, 2);
	operand_is("[1, {\"F\": \"a\"}, [{\"+\": [1, 2]}]]", "[1, a, [+(1, 2)]]");
}
END_TEST

START_TEST(aggregates_take_a_string_a_list_or_an_object)
{
	expr_is("{\"Count\": \"vote\"}", "Count(vote)");
	expr_is("{\"Count\": \"*\"}", "Count(*)");
	expr_is("{\"Sum\": {\"*\": [\"price\", \"quantity\"]}}", "Sum(*(price, quantity))");
	expr_is("{\"Corr\": [\"y\", \"x\"]}", "Corr(y, x)");
	expr_is("{\"Now\": []}", "Now()");
	expr_is("{\"Now\": {}}", "Now()");
	expr_is("{\"Sum\": {\"expr\": \"price\", \"distinct\": true, \"filter\": {\"a\": 1},"
	        " \"default\": 0, \"order_by\": [\"-id\"], \"delimiter\": \",\", \"sample\": true}}",
	        "Sum(distinct price filter a=1 default 0 order by -id delimiter=\",\" sample=true)");
	expr_is("{\"TruncDay\": {\"expr\": \"at\", \"tzinfo\": \"Asia/Tokyo\"}}",
	        "TruncDay(at tzinfo=\"Asia/Tokyo\")");
	expr_is("{\"Sum\": {\"expr\": \"a\", \"distinct\": 1}}",
	        "ValueError /0/Sum/distinct: expected true or false, got an integer");
}
END_TEST

START_TEST(expressions_with_a_shape_of_their_own_are_read)
{
	expr_is("{\"Case\": [{\"when\": {\"a\": 1}, \"then\": \"x\"}, {\"default\": 0}]}",
	        "Case(when a=1 then x; else 0)");
	expr_is("{\"Cast\": [\"a\", \"IntegerField\"]}", "Cast(a as \"IntegerField\")");
	expr_is("{\"ExpressionWrapper\": [{\"+\": [\"a\", 1]}, {\"type\": \"DecimalField\"}]}",
	        "ExpressionWrapper(+(a, 1) as {\"type\":\"DecimalField\"})");
	expr_is("{\"Window\": {\"expr\": {\"Rank\": []}, \"partition_by\": [\"role\"],"
	        " \"order_by\": [\"-price\", \"id\"], \"frame\": {\"type\": \"rows\"}}}",
	        "Window(Rank() partition by role order by -price, id frame {\"type\":\"rows\"})");
	expr_is("{\"Subquery\": {\"model\": \"Vote\", \"values\": [\"id\"]}}",
	        "Subquery{Vote values [id: id] }");
	expr_is("{\"ArraySubquery\": {\"model\": \"Vote\", \"query\": [{}, {}]}}",
	        "ArraySubquery{Vote | }");
	expr_is("{\"Q\": {\"a\": 1}}", "Q a=1");
	expr_is("{\"OuterRef\": {\"OuterRef\": \"pk\"}}", "OuterRef(OuterRef(pk))");
	expr_is("{\"Ref\": \"role.id\"}", "Ref(role.id)");
	expr_is("{\"-\": [\"a\"]}", "-(a)");
}
END_TEST

START_TEST(wrong_expressions_are_pointed_at)
{
	expr_is("{\"lower\": \"name\"}",
	        "BadRequest /0: an expression is an object with one member, named with a capital or a "
	        "sign; a literal object is {\"Value\": ...}");
	expr_is("[1]", "ValueError /0: expected an expression, got an array; a literal array is "
	               "{\"Value\": [...]}");
	expr_is("{\"F\": 1}", "ValueError /0/F: expected a path, got an integer");
	expr_is("{\"+\": [1]}", "TypeError /0/+: \"+\" takes at least two operands, got 1");
	expr_is("{\"Case\": [{\"when\": {}}]}",
	        "BadRequest /0/Case/0: a case needs \"when\" and \"then\", or is {\"default\": ...}");
	expr_is("{\"Case\": [{\"default\": 1}, {\"when\": {}, \"then\": 1}]}",
	        "BadRequest /0/Case/0: the default is the last of the cases");
	expr_is("{\"Cast\": [\"a\"]}",
	        "TypeError /0/Cast: Cast takes two arguments (expression, type), got 1");
	expr_is("{\"Window\": {\"partition_by\": []}}",
	        "BadRequest /0/Window: a window needs \"expr\"");
	expr_is(
		"{\"Window\": {\"expr\": {\"Rank\": []}, \"partition\": []}}",
		"BadRequest /0/Window/partition: \"partition\" is not a member of a window (partition_by)");
	expr_is("{\"Subquery\": {\"filter\": {}}}",
	        "BadRequest /0/Subquery: a query nested here names its \"model\"");
}
END_TEST

START_TEST(paths_are_cut_at_double_underscores)
{
	struct path path = path_make(arena, STR("vote__author__handle"), NULL);

	ck_assert_uint_eq(path.n, 3);
	ck_assert(str_is(path.parts[0], "vote"));
	ck_assert(str_is(path.parts[2], "handle"));
	path = path_make(arena, STR("a___b"), NULL);
	ck_assert_uint_eq(path.n, 2);
	ck_assert(str_is(path.parts[1], "_b"));
	path = path_make(arena, STR("a__"), NULL);
	ck_assert_uint_eq(path.n, 2);
	ck_assert_uint_eq(path.parts[1].n, 0);
	path = path_make(arena, STR("single_name"), NULL);
	ck_assert_uint_eq(path.n, 1);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tcase = suite_with_case(&suite, "query/decode_expr");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, members_of_a_condition_all_hold);
	tcase_add_test(tcase, fields_named_like_words_are_reached_by_a_lookup);
	tcase_add_test(tcase, expressions_stand_in_conditions_under_their_names);
	tcase_add_test(tcase, set_questions_are_told_from_literals);
	tcase_add_test(tcase, a_question_keeps_its_literal);
	tcase_add_test(tcase, wrong_conditions_are_pointed_at);
	tcase_add_test(tcase, a_bare_string_is_what_its_place_says);
	tcase_add_test(tcase, objects_are_literals_unless_they_are_expressions);
	tcase_add_test(tcase, an_array_is_a_list_of_operands_only_with_an_expression_in_it);
	tcase_add_test(tcase, aggregates_take_a_string_a_list_or_an_object);
	tcase_add_test(tcase, expressions_with_a_shape_of_their_own_are_read);
	tcase_add_test(tcase, wrong_expressions_are_pointed_at);
	tcase_add_test(tcase, paths_are_cut_at_double_underscores);
	(void)query_is;
	return suite_main(suite);
}
