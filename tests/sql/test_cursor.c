/* Cursors: what is written is read again; what was not written so, by us, for this query, is not. */
#include "orm/sql/cursor.h"

#include "tests/support/suite.h"

static struct arena *arena;
static struct error error;
static struct cursor_seal seal;
static const struct pos place = {.key = STR_INIT("after")};

static struct cursor_seal seal_of(const char *secret, const char *sql, const char *value)
{
	struct param params[] = {{.text = str_of(value)}};
	struct statement statement = {.sql = str_of(sql), .params = params, .nparams = 1};
	struct cursor_seal made;

	cursor_seal_init(&made, str_of(secret), &statement);
	return made;
}

static void setup(void)
{
	arena = arena_new();
	error_init(&error, arena);
	seal = seal_of("a secret of some length", "SELECT $1", "x");
}

static void teardown(void)
{
	arena_free(arena);
}

static bool reads(const struct cursor_seal *with, struct str text, const struct str **values,
                  size_t *n)
{
	error_clear(&error);
	return cursor_read(arena, with, text, &place, values, n, &error);
}

static bool is_refused(const struct cursor_seal *with, struct str text)
{
	const struct str *values;
	size_t n;

	return !reads(with, text, &values, &n) && error.kind == ERROR_VALUE && error.pos == &place;
}

START_TEST(values_come_back_as_they_were)
{
	struct str lists[][4] = {
		{STR("5")},
		{STR("")},
		{{0}},
		{STR("a"), {0}, STR(""), STR("Žluťoučký \"kůň\" 100% \\ '")},
		{{0}, {0}, {0}, STR("2026-07-02 16:44:20.5+00")},
	};
	size_t counts[] = {1, 1, 1, 4, 4};

	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		struct str text = cursor_write(arena, &seal, lists[i], counts[i]);
		const struct str *values;
		size_t n;

		ck_assert(reads(&seal, text, &values, &n));
		ck_assert_uint_eq(n, counts[i]);
		for (size_t k = 0; k < n; k++) {
			ck_assert_int_eq(values[k].p == NULL, lists[i][k].p == NULL);
			ck_assert(str_eq(values[k], lists[i][k]));
			ck_assert(values[k].p == NULL || values[k].p[values[k].n] == '\0');
		}
	}
}
END_TEST

START_TEST(values_of_any_length_come_back)
{
	static const size_t lengths[] = {1, 2, 3, 125, 126, 127, 128, 129, 16382, 16383, 16384, 100000};
	char *long_text = ARENA_ARRAY(arena, char, 100000);

	for (size_t i = 0; i < 100000; i++)
		long_text[i] = (char)('a' + i % 26);
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		struct str list[] = {{long_text, lengths[i]}, STR("behind")};
		const struct str *values;
		size_t n;

		ck_assert(reads(&seal, cursor_write(arena, &seal, list, 2), &values, &n));
		ck_assert_uint_eq(n, 2);
		ck_assert(str_eq(values[0], list[0]) && str_eq(values[1], list[1]));
	}
}
END_TEST

START_TEST(no_values_are_the_end_of_the_list)
{
	const struct str *values;
	size_t n = 7;

	ck_assert(reads(&seal, cursor_write(arena, &seal, NULL, 0), &values, &n));
	ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(a_cursor_is_safe_in_an_address)
{
	for (unsigned i = 0; i < 256; i++) {
		struct str value = arena_printf(arena, "%u", i);
		struct str text = cursor_write(arena, &seal, &value, 1);

		for (size_t k = 0; k < text.n; k++)
			ck_assert_ptr_nonnull(strchr(
				"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", text.p[k]));
	}
}
END_TEST

START_TEST(one_bit_less_or_more_and_it_is_refused)
{
	struct str list[] = {STR("Night"), {0}, STR("17")};
	struct str text = cursor_write(arena, &seal, list, 3);
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	ck_assert(!is_refused(&seal, text));
	for (size_t i = 0; i < text.n; i++) {
		for (unsigned bit = 1; bit < 64; bit <<= 1) {
			char *copy = (char *)(uintptr_t)arena_str(arena, text).p;
			unsigned digit = (unsigned)(strchr(digits, text.p[i]) - digits);

			copy[i] = digits[digit ^ bit];
			ck_assert_msg(is_refused(&seal, (struct str){copy, text.n}), "%s", copy);
		}
		ck_assert(is_refused(&seal, str_sub(text, 0, i)));
	}
	ck_assert(is_refused(&seal, arena_concat(arena, text, STR("A"))));
	ck_assert(is_refused(&seal, arena_concat(arena, text, STR("="))));
	ck_assert(is_refused(&seal, arena_concat(arena, text, text)));
	ck_assert(is_refused(&seal, STR("+/ \n")));
}
END_TEST

START_TEST(another_query_another_value_or_another_secret_refuse_it)
{
	struct str value = STR("5");
	struct str text = cursor_write(arena, &seal, &value, 1);
	struct cursor_seal others[] = {
		seal_of("a secret of some length", "SELECT $1 ", "x"),
		seal_of("a secret of some length", "SELECT $1", "y"),
		seal_of("a secret of some length", "SELECT $1", NULL),
		seal_of("a secret of some length", "SELECT $1", ""),
		seal_of("another secret of this", "SELECT $1", "x"),
		seal_of("", "SELECT $1", "x"),
	};

	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		ck_assert(is_refused(&others[i], text));
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "sql cursor");

	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, values_come_back_as_they_were);
	tcase_add_test(group, values_of_any_length_come_back);
	tcase_add_test(group, no_values_are_the_end_of_the_list);
	tcase_add_test(group, a_cursor_is_safe_in_an_address);
	tcase_add_test(group, one_bit_less_or_more_and_it_is_refused);
	tcase_add_test(group, another_query_another_value_or_another_secret_refuse_it);
	return suite_main(suite);
}
