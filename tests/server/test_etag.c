/* Lists of entity tags, as clients write them and as they should not. */
#include "server/etag.h"

#include "tests/support/suite.h"

#define TAG "\"abc\""

static const struct {
	const char *field;
	enum etag_verdict strong, weak;
} fields[] = {
	{TAG, ETAG_NAMED, ETAG_NAMED},
	{"*", ETAG_NAMED, ETAG_NAMED},
	{"  * ", ETAG_NAMED, ETAG_NAMED},
	{"\"x\", " TAG, ETAG_NAMED, ETAG_NAMED},
	{TAG ",\"x\"", ETAG_NAMED, ETAG_NAMED},
	{",," TAG " ,, \"x\",", ETAG_NAMED, ETAG_NAMED},
	{"\"a,b\"," TAG, ETAG_NAMED, ETAG_NAMED},
	{"W/" TAG, ETAG_NOT_NAMED, ETAG_NAMED},
	{"W/" TAG ", " TAG, ETAG_NAMED, ETAG_NAMED},
	{"W/\"x\"", ETAG_NOT_NAMED, ETAG_NOT_NAMED},
	{"\"\"", ETAG_NOT_NAMED, ETAG_NOT_NAMED},
	{"\"ABC\"", ETAG_NOT_NAMED, ETAG_NOT_NAMED},
	{"\"*\"", ETAG_NOT_NAMED, ETAG_NOT_NAMED},
	{"\"a\\\"", ETAG_NOT_NAMED, ETAG_NOT_NAMED},
	{"", ETAG_MALFORMED, ETAG_MALFORMED},
	{" , ", ETAG_MALFORMED, ETAG_MALFORMED},
	{"abc", ETAG_MALFORMED, ETAG_MALFORMED},
	{"\"abc", ETAG_MALFORMED, ETAG_MALFORMED},
	{"\"", ETAG_MALFORMED, ETAG_MALFORMED},
	{"w/" TAG, ETAG_MALFORMED, ETAG_MALFORMED},
	{"W/", ETAG_MALFORMED, ETAG_MALFORMED},
	{"W/ " TAG, ETAG_MALFORMED, ETAG_MALFORMED},
	{TAG TAG, ETAG_MALFORMED, ETAG_MALFORMED},
	{TAG " \"x\"", ETAG_MALFORMED, ETAG_MALFORMED},
	{TAG ", x", ETAG_MALFORMED, ETAG_MALFORMED},
	{"*, *", ETAG_MALFORMED, ETAG_MALFORMED},
	{"**", ETAG_MALFORMED, ETAG_MALFORMED},
};

START_TEST(a_list_of_tags_names_a_tag_or_does_not)
{
	struct str field = str_of(fields[_i].field);

	ck_assert_msg(etag_strong(field, STR(TAG)) == fields[_i].strong, "strong: %s", fields[_i].field);
	ck_assert_msg(etag_weak(field, STR(TAG)) == fields[_i].weak, "weak: %s", fields[_i].field);
}
END_TEST

/* Cut anywhere, in memory of its own length: read past the end, a sanitizer sees it. */
START_TEST(any_prefix_of_a_list_is_judged)
{
	static const char whole[] = "W/\"a\", \"b,c\" , " TAG ",,\"d\"";

	for (size_t n = 0; n < sizeof whole; n++) {
		struct arena *arena = arena_new();
		char *copy = ARENA_ARRAY(arena, char, n + 1);
		memcpy(copy, whole, n);
		enum etag_verdict verdict = etag_strong((struct str){copy, n}, STR(TAG));
		ck_assert(verdict == ETAG_NAMED || verdict == ETAG_NOT_NAMED || verdict == ETAG_MALFORMED);
		arena_free(arena);
	}
}
END_TEST

START_TEST(a_tag_has_its_quotes)
{
	struct arena *arena = arena_new();
	struct str tag = etag_of(arena, STR("{}"));

	ck_assert(tag.n == 24 && tag.p[0] == '"' && tag.p[23] == '"');
	ck_assert(etag_strong(tag, tag) == ETAG_NAMED);
	ck_assert(!str_eq(tag, etag_of(arena, STR("[]"))));
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tcase = suite_with_case(&suite, "etag");

	tcase_add_loop_test(tcase, a_list_of_tags_names_a_tag_or_does_not, 0,
	                    (int)(sizeof fields / sizeof *fields));
	tcase_add_test(tcase, any_prefix_of_a_list_is_judged);
	tcase_add_test(tcase, a_tag_has_its_quotes);
	return suite_main(suite);
}
