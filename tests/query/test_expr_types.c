/* The types of expressions: what literals become beside their neighbours, what arithmetic and calls give. */
#include "orm/base/arena.h"
#include "orm/query/expr_types.h"
#include "orm/wire/json.h"
#include "tests/support/suite.h"

static struct arena *arena;
static struct error error;

static void setup(void)
{
	arena = arena_new();
	error_init(&error, arena);
}

static void teardown(void)
{
	arena_free(arena);
}

static const struct value *json(const char *text)
{
	static const struct json_limits limits = {1 << 16, 16, 100};
	const struct value *object;

	ck_assert(json_read(arena, arena_printf(arena, "{\"v\": %s}", text), &limits, &object, &error));
	return value_get(object, "v");
}

static void is_type(const struct field *field, const char *name)
{
	ck_assert_ptr_nonnull(field);
	ck_assert_str_eq(field->value_field->type->name, name);
}

START_TEST(a_literal_alone_has_its_natural_type)
{
	is_type(natural_field(json("7")), "IntegerField");
	is_type(natural_field(json("2147483648")), "BigIntegerField");
	is_type(natural_field(json("-2147483648")), "IntegerField");
	is_type(natural_field(json("-2147483649")), "BigIntegerField");
	is_type(natural_field(json("1.5")), "FloatField");
	is_type(natural_field(json("true")), "BooleanField");
	is_type(natural_field(json("\"1.10\"")), "TextField");
	is_type(natural_field(json("[1]")), "JSONField");
}
END_TEST

START_TEST(a_literal_in_arithmetic_takes_after_what_it_meets)
{
	is_type(arithmetic_literal_field(field_of_type("DecimalField"), json("\"1.10\"")),
	        "DecimalField");
	is_type(arithmetic_literal_field(field_of_type("DecimalField"), json("2")), "DecimalField");
	is_type(arithmetic_literal_field(field_of_type("IntegerField"), json("\"1.10\"")),
	        "DecimalField");
	is_type(arithmetic_literal_field(field_of_type("IntegerField"), json("1.5")), "FloatField");
	is_type(arithmetic_literal_field(field_of_type("FloatField"), json("2")), "FloatField");
	is_type(arithmetic_literal_field(field_of_type("DateTimeField"), json("\"P1D\"")),
	        "DurationField");
	is_type(arithmetic_literal_field(field_of_type("DurationField"), json("2")), "IntegerField");
}
END_TEST

struct sum {
	const char *left, *sign, *right, *result; /* result NULL: they do not mix */
};

START_TEST(arithmetic_gives_the_type_that_holds_the_result)
{
	static const struct sum sums[] = {
		{"IntegerField", "+", "BigIntegerField", "BigIntegerField"},
		{"SmallIntegerField", "*", "IntegerField", "IntegerField"},
		{"IntegerField", "/", "DecimalField", "DecimalField"},
		{"FloatField", "-", "IntegerField", "FloatField"},
		{"FloatField", "+", "DecimalField", NULL},
		{"DecimalField", "+", "FloatField", NULL},
		{"IntegerField", "^", "IntegerField", "FloatField"},
		{"DecimalField", "^", "IntegerField", "DecimalField"},
		{"IntegerField", "<<", "IntegerField", "IntegerField"},
		{"FloatField", "&", "IntegerField", NULL},
		{"DateField", "-", "DateField", "DurationField"},
		{"DateField", "+", "DateField", NULL},
		{"DateField", "+", "DurationField", "DateTimeField"},
		{"DurationField", "+", "TimeField", "TimeField"},
		{"DurationField", "-", "TimeField", NULL},
		{"DurationField", "*", "FloatField", "DurationField"},
		{"IntegerField", "/", "DurationField", NULL},
		{"CharField", "+", "IntegerField", NULL},
	};

	for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
		const struct sum *sum = &sums[i];
		const struct field *result = arithmetic_result(str_of(sum->sign), field_of_type(sum->left),
		                                               field_of_type(sum->right));

		if (sum->result == NULL)
			ck_assert_msg(result == NULL, "%s %s %s", sum->left, sum->sign, sum->right);
		else
			is_type(result, sum->result);
	}
}
END_TEST

START_TEST(branches_share_the_wider_of_their_types)
{
	is_type(wider_field(field_of_type("SmallIntegerField"), field_of_type("IntegerField")),
	        "IntegerField");
	is_type(wider_field(field_of_type("BigIntegerField"), field_of_type("IntegerField")),
	        "BigIntegerField");
	is_type(wider_field(field_of_type("IntegerField"), field_of_type("DecimalField")),
	        "DecimalField");
	is_type(wider_field(field_of_type("FloatField"), field_of_type("DecimalField")), "FloatField");
	is_type(wider_field(field_of_type("CharField"), field_of_type("TextField")), "CharField");
}
END_TEST

static const struct field *called(const char *name, const char *first)
{
	struct rexpr *arg = ARENA_NEW(arena, struct rexpr);
	const struct rexpr *args[] = {arg};

	arg->field = first == NULL ? NULL : field_of_type(first);
	return call_result(arena, function_by_name(str_of(name)), args, 1);
}

START_TEST(calls_follow_the_rule_of_their_row)
{
	is_type(called("Count", "TextField"), "BigIntegerField");
	is_type(called("Sum", "SmallIntegerField"), "BigIntegerField");
	is_type(called("Sum", "DecimalField"), "DecimalField");
	is_type(called("Sum", "DurationField"), "DurationField");
	is_type(called("Avg", "IntegerField"), "FloatField");
	is_type(called("Avg", "DecimalField"), "DecimalField");
	is_type(called("StdDev", "DecimalField"), "DecimalField");
	is_type(called("StdDev", "IntegerField"), "FloatField");
	is_type(called("Max", "DateField"), "DateField");
	is_type(called("ArrayAgg", "DateField"), "ArrayField");
	is_type(called("ArrayAgg", "DateField")->base_field, "DateField");
	ck_assert_ptr_null(called("Coalesce", NULL));
}
END_TEST

START_TEST(a_range_holds_values_of_its_element)
{
	is_type(range_element_field(field_of_type("DateRangeField")), "DateField");
	is_type(range_element_field(field_of_type("BigIntegerRangeField")), "BigIntegerField");
}
END_TEST

START_TEST(an_output_type_is_a_name_or_a_field)
{
	const struct field *field = output_field(arena,
	                                         json("{\"type\": \"DecimalField\", \"max_digits\": 8,"
	                                              " \"decimal_places\": 2}"),
	                                         &error);

	is_type(field, "DecimalField");
	ck_assert_int_eq(field->max_digits, 8);
	ck_assert_int_eq(field->decimal_places, 2);
	is_type(output_field(arena, json("\"DateField\""), &error), "DateField");
	ck_assert(!error_is_set(&error));
}
END_TEST

/* What stands in SQL as a number must be one that the type can have. */
START_TEST(an_output_type_that_cannot_be_is_refused)
{
	static const char *const wrong[] = {
		"\"NoField\"",
		"\"ForeignKey\"",
		"7",
		"{\"max_length\": 3}",
		"{\"type\": \"CharField\", \"max_length\": 0}",
		"{\"type\": \"CharField\", \"max_length\": -5}",
		"{\"type\": \"CharField\", \"max_length\": \"9\"}",
		"{\"type\": \"DecimalField\", \"max_digits\": 4294967297}",
		"{\"type\": \"DecimalField\", \"max_digits\": 4, \"decimal_places\": 5}",
	};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		ck_assert_msg(output_field(arena, json(wrong[i]), &error) == NULL, "%s", wrong[i]);
		ck_assert_int_eq(error.kind, ERROR_VALUE);
		ck_assert_ptr_nonnull(error.pos);
		error_clear(&error);
	}
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "query/expr_types");

	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, a_literal_alone_has_its_natural_type);
	tcase_add_test(group, a_literal_in_arithmetic_takes_after_what_it_meets);
	tcase_add_test(group, arithmetic_gives_the_type_that_holds_the_result);
	tcase_add_test(group, branches_share_the_wider_of_their_types);
	tcase_add_test(group, calls_follow_the_rule_of_their_row);
	tcase_add_test(group, a_range_holds_values_of_its_element);
	tcase_add_test(group, an_output_type_is_a_name_or_a_field);
	tcase_add_test(group, an_output_type_that_cannot_be_is_refused);
	return suite_main(suite);
}
