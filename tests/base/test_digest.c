/* The digest: known values, so that it is the same everywhere and always, and what it promises. */
#include "orm/base/digest.h"

#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>

static const char *text_of(const char *text, size_t n)
{
	static char out[DIGEST_TEXT + 1];

	digest_write(digest_of((struct str){text, n}), out);
	return out;
}

static bool is_same(struct digest x, struct digest y)
{
	return x.a == y.a && x.b == y.b;
}

/* ETags outlive a start and a version: whoever changes these changes every tag that clients hold. */
START_TEST(it_is_what_it_was)
{
	ck_assert_str_eq(text_of("", 0), "-XdSua14Cxr7gXEOQbKsGC");
	ck_assert_str_eq(text_of("a", 1), "HCgbIHZK38C1QrxQaUw3SD");
	ck_assert_str_eq(text_of("{\"id\":1,\"handle\":\"a\"}", 21), "SaLqqSpRTW2Bss50RX2Z-A");
}
END_TEST

START_TEST(one_changed_byte_anywhere_changes_it)
{
	char text[100];
	struct digest before;

	memset(text, 'x', sizeof text);
	before = digest_of((struct str){text, sizeof text});
	for (size_t i = 0; i < sizeof text; i++)
		for (int bit = 0; bit < 8; bit++) {
			text[i] = (char)(text[i] ^ 1 << bit);
			ck_assert(!is_same(before, digest_of((struct str){text, sizeof text})));
			text[i] = (char)(text[i] ^ 1 << bit);
		}
	ck_assert(is_same(before, digest_of((struct str){text, sizeof text})));
}
END_TEST

START_TEST(zeros_of_every_length_differ)
{
	static const char zeros[256];
	struct digest seen[256];

	for (size_t n = 0; n < 256; n++) {
		seen[n] = digest_of((struct str){zeros, n});
		for (size_t i = 0; i < n; i++)
			ck_assert(!is_same(seen[i], seen[n]));
	}
}
END_TEST

static int compare(const void *x, const void *y)
{
	const struct digest *a = x, *b = y;

	if (a->a != b->a)
		return a->a < b->a ? -1 : 1;
	return (a->b > b->b) - (a->b < b->b);
}

/* Rows that differ by a number only, each half by itself. */
START_TEST(a_million_rows_have_a_million_digests_in_either_half)
{
	enum { N = 1000000 };
	struct digest *all = calloc(N, sizeof *all);
	size_t same_a = 0, same = 0;

	for (unsigned i = 0; i < N; i++) {
		char text[64];
		int n = snprintf(text, sizeof text, "{\"id\":%u,\"title\":\"Same for all of them\",\"n\":0}", i);
		all[i] = digest_of((struct str){text, (size_t)n});
	}
	qsort(all, N, sizeof *all, compare);
	for (unsigned i = 1; i < N; i++) {
		same_a += all[i].a == all[i - 1].a;
		same += is_same(all[i], all[i - 1]);
	}
	ck_assert_uint_eq(same, 0);
	ck_assert_uint_eq(same_a, 0);
	free(all);
}
END_TEST

START_TEST(its_text_is_fit_for_a_header)
{
	struct arena *arena = arena_new();
	struct str text = digest_text(arena, digest_of(STR("x")));

	ck_assert_uint_eq(text.n, DIGEST_TEXT);
	for (size_t i = 0; i < text.n; i++)
		ck_assert(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", text.p[i]));
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tcase = suite_with_case(&suite, "digest");

	tcase_add_test(tcase, it_is_what_it_was);
	tcase_add_test(tcase, one_changed_byte_anywhere_changes_it);
	tcase_add_test(tcase, zeros_of_every_length_differ);
	tcase_add_test(tcase, a_million_rows_have_a_million_digests_in_either_half);
	tcase_add_test(tcase, its_text_is_fit_for_a_header);
	return suite_main(suite);
}
