/* Keyed hashes: the values of RFC 4231, comparing, random bytes. */
#include "orm/base/sign.h"

#include "tests/support/suite.h"

#include <stdio.h>

static void check_hmac(struct str key, struct str text, const char *expected)
{
	unsigned char bytes[HMAC_BYTES];
	char hex[2 * HMAC_BYTES + 1];

	hmac_sha256(key, text, bytes);
	for (size_t i = 0; i < HMAC_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	ck_assert_str_eq(hex, expected);
}

START_TEST(the_test_cases_of_rfc_4231_hold)
{
	char key[131];

	memset(key, 0x0b, 20);
	check_hmac((struct str){key, 20}, STR("Hi There"),
	           "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	check_hmac(STR("Jefe"), STR("what do ya want for nothing?"),
	           "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof key);
	check_hmac((struct str){key, sizeof key},
	           STR("Test Using Larger Than Block-Size Key - Hash Key First"),
	           "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}
END_TEST

START_TEST(equal_bytes_are_equal_and_one_bit_makes_a_difference)
{
	unsigned char a[HMAC_BYTES] = {1, 2, 3}, b[HMAC_BYTES] = {1, 2, 3};

	ck_assert(hmac_is_equal(a, b, sizeof a));
	for (size_t i = 0; i < sizeof a; i++) {
		b[i] ^= 0x80;
		ck_assert(!hmac_is_equal(a, b, sizeof a));
		b[i] ^= 0x80;
	}
}
END_TEST

START_TEST(random_bytes_differ_each_time)
{
	unsigned char a[32], b[32];

	random_bytes(a, sizeof a);
	random_bytes(b, sizeof b);
	ck_assert_int_ne(memcmp(a, b, sizeof a), 0);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "base sign");

	tcase_add_test(group, the_test_cases_of_rfc_4231_hold);
	tcase_add_test(group, equal_bytes_are_equal_and_one_bit_makes_a_difference);
	tcase_add_test(group, random_bytes_differ_each_time);
	return suite_main(suite);
}
