/* The tables of lookups and transforms: what each row must keep to, and that each is found by its name and the kind
 * of its left side. */
#include "orm/base/arena.h"
#include "orm/query/lookups.h"
#include "tests/support/suite.h"

#include <string.h>

static const struct lookup *rows;
static size_t nrows;

static void setup(void)
{
	rows = lookup_rows(&nrows);
}

static bool has_piece(const char *shape, char piece)
{
	for (const char *p = strchr(shape, '%'); p != NULL; p = strchr(p + 2, '%'))
		if (p[1] == piece)
			return true;
	return false;
}

static void check_shape(const struct lookup *row, const char *shape)
{
	for (const char *p = strchr(shape, '%'); p != NULL; p = strchr(p + 2, '%'))
		ck_assert_msg(p[1] != '\0' && strchr("ltrus%", p[1]) != NULL, "%s: %s", row->name, shape);
	ck_assert_msg(has_piece(shape, 'l') || has_piece(shape, 't'), "%s has no left side: %s",
	              row->name, shape);
	ck_assert_msg((has_piece(shape, 'r') || has_piece(shape, 'u')) == (row->operand != LOOKUP_FLAG), "%s: %s", row->name,
	              shape);
	ck_assert_msg(has_piece(shape, 's') == (row->operand == LOOKUP_PAIR), "%s: %s", row->name,
	              shape);
}

START_TEST(a_shape_writes_the_sides_that_the_row_has)
{
	for (size_t i = 0; i < nrows; i++) {
		check_shape(&rows[i], rows[i].shape);
		if (rows[i].expr_shape != NULL)
			check_shape(&rows[i], rows[i].expr_shape);
	}
}
END_TEST

START_TEST(a_pattern_says_where_it_looks_and_how_an_expression_is_escaped)
{
	for (size_t i = 0; i < nrows; i++) {
		bool is_pattern = rows[i].operand == LOOKUP_PATTERN;

		ck_assert_msg(is_pattern == (rows[i].pattern != PATTERN_NONE), "%s", rows[i].name);
		if (is_pattern)
			ck_assert_msg(rows[i].expr_shape != NULL &&
			                  strstr(rows[i].expr_shape, "REPLACE") != NULL,
			              "%s", rows[i].name);
	}
}
END_TEST

START_TEST(every_row_is_found_by_its_name_and_each_of_its_kinds)
{
	for (size_t i = 0; i < nrows; i++) {
		bool is_found = false;

		for (enum type_kind kind = 0; kind <= TYPE_RANGE; kind++) {
			const struct lookup *found = lookup_find(str_of(rows[i].name), kind);

			if ((rows[i].kinds & KIND(kind)) != 0)
				ck_assert_msg(found != NULL, "%s of kind %d", rows[i].name, (int)kind);
			is_found |= found == &rows[i];
		}
		ck_assert_msg(is_found, "row %zu: %s is hidden by another", i, rows[i].name);
	}
}
END_TEST

START_TEST(a_lookup_is_not_found_for_what_it_cannot_look_at)
{
	ck_assert_ptr_null(lookup_find(STR("has_key"), TYPE_TEXT));
	ck_assert_ptr_null(lookup_find(STR("icontains"), TYPE_ARRAY));
	ck_assert_ptr_null(lookup_find(STR("overlap"), TYPE_INTEGER));
	ck_assert_ptr_null(lookup_find(STR("gt"), TYPE_HSTORE));
	ck_assert_ptr_null(lookup_find(STR("EXACT"), TYPE_TEXT));
	ck_assert_ptr_null(lookup_find(STR(""), TYPE_TEXT));
}
END_TEST

START_TEST(contains_means_what_the_left_side_makes_of_it)
{
	ck_assert_int_eq(lookup_find(STR("contains"), TYPE_TEXT)->operand, LOOKUP_PATTERN);
	ck_assert_int_eq(lookup_find(STR("contains"), TYPE_JSON)->operand, LOOKUP_SAME);
	ck_assert_int_eq(lookup_find(STR("contains"), TYPE_ARRAY)->operand, LOOKUP_SAME);
	ck_assert_int_eq(lookup_find(STR("contains"), TYPE_RANGE)->operand, LOOKUP_INSIDE);
}
END_TEST

START_TEST(relations_take_the_lookups_that_compare_keys)
{
	static const char *const taken[] = {"exact", "in", "gt", "gte", "lt", "lte", "range", "isnull"};
	size_t n = 0;

	for (size_t i = 0; i < nrows; i++)
		n += rows[i].for_relations;
	ck_assert_uint_eq(n, sizeof taken / sizeof *taken);
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(lookup_find(str_of(taken[i]), TYPE_INTEGER)->for_relations, "%s", taken[i]);
}
END_TEST

START_TEST(every_transform_names_a_function_of_one_argument)
{
	size_t n;
	const struct transform *transforms = transform_rows(&n);

	for (size_t i = 0; i < n; i++) {
		bool is_found = false;

		ck_assert_msg(function_by_name(str_of(transforms[i].function)) != NULL, "%s",
		              transforms[i].name);
		for (enum type_kind kind = 0; kind <= TYPE_RANGE; kind++)
			is_found |= transform_find(str_of(transforms[i].name), kind) != NULL;
		ck_assert_msg(is_found, "%s fits no kind", transforms[i].name);
	}
	ck_assert_ptr_null(transform_find(STR("year"), TYPE_TEXT));
	ck_assert_str_eq(transform_find(STR("year"), TYPE_DATE)->name, "ExtractYear");
}
END_TEST

START_TEST(the_names_for_suggestions_are_sorted_and_fit_the_kind)
{
	struct arena *arena = arena_new();

	for (enum type_kind kind = 0; kind <= TYPE_RANGE; kind++) {
		const struct str *names;
		size_t n = lookup_names(arena, kind, &names);

		for (size_t i = 0; i < n; i++) {
			ck_assert(lookup_find(names[i], kind) != NULL ||
			          transform_find(names[i], kind) != NULL);
			if (i > 0)
				ck_assert_int_le(str_cmp(names[i - 1], names[i]), 0);
		}
	}
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "query/lookups");

	tcase_add_checked_fixture(group, setup, NULL);
	tcase_add_test(group, a_shape_writes_the_sides_that_the_row_has);
	tcase_add_test(group, a_pattern_says_where_it_looks_and_how_an_expression_is_escaped);
	tcase_add_test(group, every_row_is_found_by_its_name_and_each_of_its_kinds);
	tcase_add_test(group, a_lookup_is_not_found_for_what_it_cannot_look_at);
	tcase_add_test(group, contains_means_what_the_left_side_makes_of_it);
	tcase_add_test(group, relations_take_the_lookups_that_compare_keys);
	tcase_add_test(group, every_transform_names_a_function_of_one_argument);
	tcase_add_test(group, the_names_for_suggestions_are_sorted_and_fit_the_kind);
	return suite_main(suite);
}
