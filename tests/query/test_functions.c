/* The table of functions: what each row must keep to, and that each is found by its name and its arguments. */
#include "orm/base/arena.h"
#include "orm/query/functions.h"
#include "tests/support/suite.h"

#include <ctype.h>
#include <string.h>

static const struct function *rows;
static size_t nrows;

static void setup(void)
{
	rows = function_rows(&nrows);
}

static bool accepts_first(const struct function *row, enum type_kind kind)
{
	return letter_accepts(function_takes(row, 0), kind);
}

START_TEST(arguments_are_known_letters_and_optional_ones_come_last)
{
	for (size_t i = 0; i < nrows; i++) {
		bool has_optional = false;

		for (const char *p = rows[i].takes; *p != '\0'; p++) {
			bool is_mark = *p == '?' || *p == '*';

			if (is_mark) {
				ck_assert_msg(p > rows[i].takes && isalpha((unsigned char)p[-1]), "%s: %s",
				              rows[i].name, rows[i].takes);
				continue;
			}
			ck_assert_msg(strcmp(letter_name(*p), "nothing") != 0, "%s takes '%c'", rows[i].name,
			              *p);
			bool is_optional = p[1] == '?' || p[1] == '*';

			ck_assert_msg(is_optional || !has_optional, "%s: %s", rows[i].name, rows[i].takes);
			has_optional |= is_optional;
		}
	}
}
END_TEST

/* Which arguments a shape writes. */
static unsigned written(const struct function *row, const char *shape)
{
	unsigned seen = 0;

	for (const char *p = strchr(shape, '%'); p != NULL; p = strchr(p + 2, '%')) {
		ck_assert_msg(strchr("123456789*zZdo%", p[1]) != NULL && p[1] != '\0', "%s: %s", row->name,
		              shape);
		if (p[1] == '*')
			seen = ~0u;
		else if (p[1] == 'z')
			seen |= 1u;
		else if (isdigit((unsigned char)p[1]))
			seen |= 1u << (p[1] - '1');
	}
	return seen;
}

static void check_shape(const struct function *row, const char *shape)
{
	size_t least, most;
	unsigned seen = written(row, shape);

	function_arity(row, &least, &most);
	for (size_t i = 0; i < least; i++)
		ck_assert_msg((seen >> i & 1u) != 0, "%s does not write argument %zu: %s", row->name, i + 1,
		              shape);
	/* What may be left out is written with all the others or not at all. */
	if (seen != ~0u)
		ck_assert_msg(most == least && seen >> least == 0, "%s writes what it does not take: %s",
		              row->name, shape);
	if (row->class != FUNCTION_AGGREGATE)
		ck_assert_msg(strstr(shape, "%d") == NULL && strstr(shape, "%o") == NULL, "%s: %s",
		              row->name, shape);
}

START_TEST(a_shape_writes_the_arguments_that_the_row_takes)
{
	for (size_t i = 0; i < nrows; i++) {
		check_shape(&rows[i], rows[i].shape);
		ck_assert_msg((rows[i].flag == NULL) == (rows[i].flag_shape == NULL), "%s", rows[i].name);
		if (rows[i].flag_shape != NULL)
			check_shape(&rows[i], rows[i].flag_shape);
	}
}
END_TEST

START_TEST(a_row_names_its_type_exactly_when_the_type_is_fixed)
{
	for (size_t i = 0; i < nrows; i++) {
		ck_assert_msg((rows[i].result == RESULT_FIXED) == (rows[i].output != NULL), "%s",
		              rows[i].name);
		if (rows[i].output != NULL)
			ck_assert_msg(field_type_find(str_of(rows[i].output)) != NULL, "%s gives %s",
			              rows[i].name, rows[i].output);
	}
}
END_TEST

/* Whether some number of arguments and some kind of the first lead to the row. */
static bool is_reachable(const struct function *row)
{
	size_t least, most;

	function_arity(row, &least, &most);
	for (size_t n = least; n <= most && n <= least + 9; n++)
		for (enum type_kind kind = 0; kind <= TYPE_RANGE; kind++)
			if (function_find(str_of(row->name), n, kind) == row)
				return true;
	return false;
}

START_TEST(every_row_is_found_by_its_name_and_arguments)
{
	for (size_t i = 0; i < nrows; i++)
		ck_assert_msg(is_reachable(&rows[i]), "row %zu: %s(%s) is hidden by another", i,
		              rows[i].name, rows[i].takes);
}
END_TEST

START_TEST(no_row_is_found_with_another_number_of_arguments_or_another_kind)
{
	for (size_t i = 0; i < nrows; i++) {
		for (size_t n = 0; n < 12; n++) {
			for (enum type_kind kind = 0; kind <= TYPE_RANGE; kind++) {
				const struct function *found = function_find(str_of(rows[i].name), n, kind);
				size_t least, most;

				if (found == NULL)
					continue;
				function_arity(found, &least, &most);
				ck_assert_uint_ge(n, least);
				ck_assert_uint_le(n, most);
				ck_assert(n == 0 || accepts_first(found, kind));
			}
		}
	}
	ck_assert_ptr_null(function_find(STR("Lower"), 2, TYPE_TEXT));
	ck_assert_ptr_null(function_find(STR("Lower"), 1, TYPE_INTEGER));
	ck_assert_ptr_null(function_find(STR("lower"), 1, TYPE_TEXT));
	ck_assert_ptr_null(function_by_name(STR("pg_sleep")));
}
END_TEST

START_TEST(optional_and_repeated_arguments_are_counted)
{
	size_t least, most;

	function_arity(function_by_name(STR("Coalesce")), &least, &most);
	ck_assert_uint_eq(least, 2);
	ck_assert_uint_eq(most, SIZE_MAX);
	function_arity(function_by_name(STR("Lag")), &least, &most);
	ck_assert_uint_eq(least, 1);
	ck_assert_uint_eq(most, 3);
	function_arity(function_by_name(STR("Pi")), &least, &most);
	ck_assert_uint_eq(most, 0);
	ck_assert_int_eq(function_takes(function_by_name(STR("Lag")), 1), 'i');
	ck_assert_int_eq(function_takes(function_by_name(STR("Coalesce")), 7), 's');
}
END_TEST

START_TEST(names_are_sorted_and_each_stands_once)
{
	struct arena *arena = arena_new();
	const struct str *names;
	size_t n = function_names(arena, &names);

	for (size_t i = 1; i < n; i++)
		ck_assert_int_lt(str_cmp(names[i - 1], names[i]), 0);
	for (size_t i = 0; i < nrows; i++) {
		size_t found = 0;

		for (size_t j = 0; j < n; j++)
			found += str_is(names[j], rows[i].name);
		ck_assert_msg(found == 1, "%s stands %zu times", rows[i].name, found);
	}
	arena_free(arena);
}
END_TEST

START_TEST(letters_accept_their_kinds_alone)
{
	ck_assert(letter_accepts('n', TYPE_DECIMAL));
	ck_assert(!letter_accepts('n', TYPE_DURATION));
	ck_assert(letter_accepts('m', TYPE_DURATION));
	ck_assert(!letter_accepts('o', TYPE_JSON));
	ck_assert(letter_accepts('a', TYPE_JSON));
	ck_assert(!letter_accepts('D', TYPE_DATE));
	ck_assert(!letter_accepts('x', TYPE_TEXT));
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "query/functions");

	tcase_add_checked_fixture(group, setup, NULL);
	tcase_add_test(group, arguments_are_known_letters_and_optional_ones_come_last);
	tcase_add_test(group, a_shape_writes_the_arguments_that_the_row_takes);
	tcase_add_test(group, a_row_names_its_type_exactly_when_the_type_is_fixed);
	tcase_add_test(group, every_row_is_found_by_its_name_and_arguments);
	tcase_add_test(group, no_row_is_found_with_another_number_of_arguments_or_another_kind);
	tcase_add_test(group, optional_and_repeated_arguments_are_counted);
	tcase_add_test(group, names_are_sorted_and_each_stands_once);
	tcase_add_test(group, letters_accept_their_kinds_alone);
	return suite_main(suite);
}
