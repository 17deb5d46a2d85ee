/* The decoder of query bodies: every clause of PROTOCOL section 3, and what each says of a mistake. */
#include "decode_support.h"

START_TEST(an_empty_body_is_one_empty_clause)
{
	query_is("{}", "{ }");
	query_is("[]", "{ }");
	query_is("{\"query\": []}", "{ }");
}
END_TEST

START_TEST(the_example_of_the_contract_is_read_whole)
{
	query_is("{\"filter\": {\"or\": [{\"title__icontains\": \"dev\"},"
	         "                      {\"vote__author__handle\": \"jane_doe\"}],"
	         "              \"not\": {\"body\": \"\"}},"
	         " \"annotate\": {\"total_votes\": {\"Count\": \"vote\"}},"
	         " \"order_by\": [\"-total_votes\", \"id\"],"
	         " \"prefetch_related\": [\"vote_set__author\"], \"limit\": 20}",
	         "{ filter ((title__icontains=\"dev\" or vote__author__handle=\"jane_doe\") and "
	         "(not body=\"\")) annotate[total_votes: Count(vote)] prefetch vote_set__author "
	         "order_by[-total_votes, id] limit=20 }");
}
END_TEST

START_TEST(a_chain_keeps_its_links_apart)
{
	const char *expected = "{ filter vote__id=1 | filter vote__id=2 order_by[] }";

	query_is("[{\"filter\": {\"vote__id\": 1}}, {\"filter\": {\"vote__id\": 2}, \"order_by\": []}]",
	         expected);
	query_is("{\"query\": [{\"filter\": {\"vote__id\": 1}},"
	         " {\"filter\": {\"vote__id\": 2}, \"order_by\": []}], \"aggregate\": {}}",
	         expected);
}
END_TEST

START_TEST(a_methods_own_members_are_left_to_it)
{
	query_is("{\"aggregate\": {\"n\": {\"Count\": \"*\"}}, \"filter\": {\"a\": 1}}",
	         "{ filter a=1 }");
	query_is("{\"query\": [], \"filter\": {}}",
	         "BadRequest /filter: \"filter\" cannot stand beside \"query\"; put it into the chain");
}
END_TEST

START_TEST(projections_take_paths_names_and_true)
{
	query_is(
		"{\"values\": [\"id\", \"role__name\", {\"n\": {\"Count\": \"vote\"}, \"x\": \"id\"}]}",
		"{ values [id: id, role__name: role__name, n: Count(vote), x: id] }");
	query_is("{\"values_list\": [\"id\"], \"flat\": true}", "{ values_list flat [id: id] }");
	query_is("{\"values\": true}", "{ values all }");
	query_is("{\"values\": {\"n\": {\"F\": \"id\"}}}", "{ values [n: id] }");
	query_is("{\"group_by\": [\"role\", {\"y\": {\"ExtractYear\": \"at\"}}]}",
	         "{ group_by[role: role, y: ExtractYear(at)] }");
	query_is("{\"only\": [\"id\"], \"defer\": [\"body\", \"role__name\"]}",
	         "{ only[id] defer[body, role__name] }");
}
END_TEST

START_TEST(projections_name_their_mistakes)
{
	query_is("{\"values\": [{\"Lower\": \"name\"}]}",
	         "BadRequest /values/0: an expression needs a name here: {\"name\": {\"Lower\": ...}}");
	query_is("{\"values\": [1]}",
	         "ValueError /values/0: expected a path or {name: expression}, got an integer");
	query_is("{\"values\": \"id\"}",
	         "ValueError /values: expected an array of paths or {name: expression}, got a string");
	query_is("{\"values\": false}",
	         "ValueError /values: expected an array of paths, or true for all columns");
	query_is("{\"values\": [\"a\"], \"values_list\": [\"a\"]}",
	         "BadRequest /values_list: \"values\" and \"values_list\" exclude each other");
	query_is("{\"values\": [\"a\"], \"flat\": true}",
	         "BadRequest /flat: \"flat\" goes with \"values_list\"");
	query_is("{\"values_list\": [\"a\", \"b\"], \"flat\": true}",
	         "BadRequest /flat: \"flat\" needs exactly one value in \"values_list\"");
	query_is("{\"only\": [\"\"]}", "ValueError /only/0: expected a path, got an empty string");
}
END_TEST

START_TEST(orderings_are_text_or_objects)
{
	query_is("{\"order_by\": [\"?\", \"-role__name\", {\"expr\": \"price\", \"desc\": true,"
	         " \"nulls\": \"last\"}, {\"expr\": {\"Lower\": \"name\"}, \"nulls\": \"first\"},"
	         " {\"Upper\": \"x\"}], \"reverse\": true}",
	         "{ order_by[?, -role__name, -price nulls last, Lower(name) nulls first, Upper(x)] "
	         "reverse }");
	query_is("{\"order_by\": [{\"expr\": \"a\", \"dsc\": true}]}",
	         "BadRequest /order_by/0/dsc: \"dsc\" is not a member of an ordering (desc)");
	query_is("{\"order_by\": [{\"expr\": \"a\", \"nulls\": \"never\"}]}",
	         "ValueError /order_by/0/nulls: expected \"first\" or \"last\", got \"never\"");
	query_is("{\"order_by\": [{\"desc\": true}]}",
	         "BadRequest /order_by/0: an ordering object needs \"expr\"");
	query_is("{\"order_by\": [\"-\"]}", "ValueError /order_by/0: expected a path behind the sign");
	query_is("{\"order_by\": \"id\"}",
	         "ValueError /order_by: expected an array of orderings, got a string");
}
END_TEST

START_TEST(slices_are_integers_from_zero)
{
	query_is("{\"limit\": 0, \"offset\": 9223372036854775807}",
	         "{ limit=0 offset=9223372036854775807 }");
	query_is("{\"limit\": \"5\"}", "ValueError /limit: expected an integer, got a string");
	query_is("{\"limit\": 1.5}", "ValueError /limit: expected an integer, got a number");
	query_is("{\"limit\": null}", "ValueError /limit: expected an integer, got null");
	query_is("{\"offset\": -1}",
	         "ValueError /offset: expected an integer that is not negative, got -1");
}
END_TEST

START_TEST(cursors_are_text_or_null)
{
	query_is("{\"after\": null}", "{ after }");
	query_is("{\"before\": \"abc\"}", "{ before cursor=abc }");
	query_is("{\"after\": null, \"before\": null}",
	         "BadRequest /before: \"after\" and \"before\" exclude each other");
	query_is("{\"after\": 7}",
	         "ValueError /after: expected a cursor (a string) or null, got an integer");
}
END_TEST

START_TEST(distinct_is_a_boolean_or_paths)
{
	query_is("{\"distinct\": true}", "{ distinct=true }");
	query_is("{\"distinct\": false}", "{ distinct=false }");
	query_is("{\"distinct\": [\"role__name\"]}", "{ distinct=true on[role__name] }");
	query_is("{\"distinct\": \"role\"}",
	         "ValueError /distinct: expected true or an array of paths, got a string");
}
END_TEST

START_TEST(related_clauses_take_paths_and_can_be_cleared)
{
	query_is("{\"select_related\": [\"role\", \"a__b\"]}", "{ select_related[role, a__b] }");
	query_is("{\"select_related\": true}", "{ select_related=true }");
	query_is("{\"select_related\": false, \"prefetch_related\": false}",
	         "{ select_related=false prefetch_related=false }");
	query_is("{\"prefetch_related\": [{\"path\": \"vote_set\", \"to_attr\": \"fresh\","
	         " \"query\": {\"filter\": {\"id__gt\": 3}, \"limit\": 2}}]}",
	         "{ prefetch vote_set{ filter id__gt=3 limit=2 } to_attr=fresh }");
	query_is("{\"prefetch_related\": [{\"query\": {}}]}",
	         "BadRequest /prefetch_related/0: a prefetch needs \"path\"");
	query_is("{\"prefetch_related\": [{\"path\": \"a\", \"qery\": {}}]}",
	         "BadRequest /prefetch_related/0/qery: \"qery\" is not a member of a prefetch (query)");
	query_is(
		"{\"prefetch_related\": [{\"path\": \"a\", \"query\": {\"limt\": 1}}]}",
		"BadRequest /prefetch_related/0/query/limt: \"limt\" is not a clause of a query (limit)");
}
END_TEST

START_TEST(queries_combine)
{
	query_is("{\"union\": [{\"model\": \"Vote\", \"filter\": {\"id\": 1}},"
	         " {\"model\": \"Vote\", \"query\": [{\"limit\": 1}]}], \"all\": true}",
	         "{ union all{Vote filter id=1 }{Vote limit=1 } }");
	/* A member without a model is of the same one. */
	query_is("{\"difference\": [{\"filter\": {\"id\": 1}}]}", "{ difference{ filter id=1 } }");
	query_is("{\"intersection\": {\"model\": \"A\"}}",
	         "ValueError /intersection: expected an array of queries, got an object");
	query_is(
		"{\"union\": [], \"difference\": []}",
		"BadRequest /difference: one clause object combines once; use an array of clause objects");
	query_is("{\"all\": true}", "BadRequest /all: \"all\" goes with \"union\"");
}
END_TEST

START_TEST(the_total_is_exact_estimated_or_capped)
{
	query_is("{\"count\": true}", "{ count=exact }");
	query_is("{\"count\": false}", "{ }");
	query_is("{\"count\": \"estimated\"}", "{ count=estimated }");
	query_is("{\"count\": {\"cap\": 10000}}", "{ count=capped 10000 }");
	query_is("{\"count\": {\"cup\": 1}}",
	         "BadRequest /count/cup: \"cup\" is not a member of count (cap)");
	query_is("{\"count\": 3}",
	         "ValueError /count: expected true, \"estimated\" or {\"cap\": n}, got an integer");
	query_is("{\"count\": \"exact\"}",
	         "ValueError /count: expected true, \"estimated\" or {\"cap\": n}, got \"exact\"");
}
END_TEST

START_TEST(the_rest_of_the_clauses_are_kept)
{
	query_is("{\"filtered_relation\": {\"v\": {\"relation\": \"vote\"}}, \"using\": \"replica\","
	         " \"timezone\": \"Europe/Berlin\", \"none\": true,"
	         " \"select_for_update\": {\"nowait\": true}}",
	         "{ filtered_relation={\"v\":{\"relation\":\"vote\"}} none using=replica "
	         "timezone=Europe/Berlin select_for_update={\"nowait\":true} }");
	query_is("{\"select_for_update\": false}", "{ }");
	query_is("{\"alias\": {\"a\": {\"Count\": \"vote\"}}, \"exclude\": {\"a__gt\": 3}}",
	         "{ alias[a: Count(vote)] exclude a__gt=3 }");
	query_is("{\"timezone\": 3}",
	         "ValueError /timezone: expected a time zone's name (a string), got an integer");
	query_is("{\"none\": 1}", "ValueError /none: expected true or false, got an integer");
}
END_TEST

START_TEST(an_unknown_word_is_pointed_at_with_the_nearest_one)
{
	query_is("{\"filtr\": {}}", "BadRequest /filtr: \"filtr\" is not a clause of a query (filter)");
	query_is("{\"aggregat\": {}}",
	         "BadRequest /aggregat: \"aggregat\" is not a clause of a query (aggregate)");
	query_is("{\"wholly_else\": {}}",
	         "BadRequest /wholly_else: \"wholly_else\" is not a clause of a query");
	query_is("{\"model\": \"Vote\"}", "BadRequest /model: \"model\" is not a clause of a query");
	query_is("[{\"limit\": 1}, 5]", "ValueError /1: expected an object of clauses, got an integer");
	query_is("{\"annotate\": []}",
	         "ValueError /annotate: expected an object of names and expressions, got an array");
	query_is("{\"annotate\": {\"\": \"a\"}}",
	         "ValueError /annotate/: a name is not empty and has no white space, quotation marks, "
	         "brackets, semicolons or SQL comments");
	query_is("{\"alias\": {\"a--b\": \"a\"}}",
	         "ValueError /alias/a--b: a name is not empty and has no white space, quotation marks, "
	         "brackets, semicolons or SQL comments");
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tcase = suite_with_case(&suite, "query/decode_query");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, an_empty_body_is_one_empty_clause);
	tcase_add_test(tcase, the_example_of_the_contract_is_read_whole);
	tcase_add_test(tcase, a_chain_keeps_its_links_apart);
	tcase_add_test(tcase, a_methods_own_members_are_left_to_it);
	tcase_add_test(tcase, projections_take_paths_names_and_true);
	tcase_add_test(tcase, projections_name_their_mistakes);
	tcase_add_test(tcase, orderings_are_text_or_objects);
	tcase_add_test(tcase, slices_are_integers_from_zero);
	tcase_add_test(tcase, cursors_are_text_or_null);
	tcase_add_test(tcase, distinct_is_a_boolean_or_paths);
	tcase_add_test(tcase, related_clauses_take_paths_and_can_be_cleared);
	tcase_add_test(tcase, queries_combine);
	tcase_add_test(tcase, the_total_is_exact_estimated_or_capped);
	tcase_add_test(tcase, the_rest_of_the_clauses_are_kept);
	tcase_add_test(tcase, an_unknown_word_is_pointed_at_with_the_nearest_one);
	(void)cond_is;
	(void)expr_is;
	(void)operand_is;
	return suite_main(suite);
}
