/* One value judged as Django's full_clean() judges it: codes and messages are Django 5's. */
#include "orm/write/validate.h"
#include "orm/write/validators.h"
#include "tests/support/suite.h"
#include "tests/write/models.h"

static const char models[] =
	"{'models': {"
	"'Role': {'fields': {'name': {'type': 'CharField', 'max_length': 10}}},"
	"'Thing': {'fields': {"
	"  'name': {'type': 'CharField', 'max_length': 5},"
	"  'one': {'type': 'CharField', 'max_length': 1},"
	"  'note': {'type': 'CharField', 'max_length': 5, 'blank': true},"
	"  'maybe': {'type': 'CharField', 'max_length': 5, 'null': true},"
	"  'any': {'type': 'CharField', 'max_length': 5, 'null': true, 'blank': true},"
	"  'body': 'TextField',"
	"  'small': 'PositiveSmallIntegerField',"
	"  'n': 'IntegerField',"
	"  'price': {'type': 'DecimalField', 'max_digits': 5, 'decimal_places': 2},"
	"  'ratio': 'FloatField',"
	"  'flag': 'BooleanField',"
	"  'maybe_flag': {'type': 'BooleanField', 'null': true},"
	"  'email': 'EmailField',"
	"  'url': 'URLField',"
	"  'slug': 'SlugField',"
	"  'ip': 'GenericIPAddressField',"
	"  'ip4': {'type': 'GenericIPAddressField', 'protocol': 'ipv4'},"
	"  'uuid': 'UUIDField',"
	"  'day': 'DateField',"
	"  'moment': 'DateTimeField',"
	"  'hour': 'TimeField',"
	"  'span': 'DurationField',"
	"  'data': 'JSONField',"
	"  'free': {'type': 'JSONField', 'null': true, 'blank': true},"
	"  'level': {'type': 'CharField', 'max_length': 8, 'choices': [['read', 'Read'], ['admin', "
    "'Admin']]},"
	"  'grade': {'type': 'IntegerField', 'choices': [[1, 'One'], [2, 'Two']]},"
	"  'hidden': {'type': 'CharField', 'max_length': 3, 'editable': false},"
	"  'tags': {'type': 'ArrayField', 'base_field': {'type': 'CharField', 'max_length': 3}, "
    "'size': 2},"
	"  'told': {'type': 'IntegerField', 'error_messages': {'null': 'Say a number.', 'min_value': "
    "'Not %(value)s, %(limit_value)s!'},"
	"           'validators': [{'name': 'MinValueValidator', 'limit_value': 3}]},"
	"  'role': {'type': 'ForeignKey', 'to': 'Role', 'on_delete': 'CASCADE'}"
	"}}}}";

struct judged {
	struct arena *arena;
	struct validation validation;
	struct str text;
	bool is_good;
};

static struct judged judge(const char *field, const char *json)
{
	struct judged judged = {.arena = arena_new()};
	const struct registry *registry = models_from(judged.arena, models);
	char *list = arena_cstr(judged.arena, arena_printf(judged.arena, "[%s]", json));
	const struct value *value = &value_from(judged.arena, list)->list.items[0];

	validation_init(&judged.validation, judged.arena);
	judged.is_good = validate_value(&judged.validation, field_named(registry, "Thing", field),
	                                value, &judged.text);
	ck_assert(judged.is_good == (judged.validation.nviolations == 0));
	return judged;
}

static void takes(const char *field, const char *json, const char *text)
{
	struct judged judged = judge(field, json);

	if (!judged.is_good)
		ck_abort_msg("%s: %s: %s", field, json,
		             arena_cstr(judged.arena, judged.validation.violations.items[0].message));
	if (text)
		ck_assert_str_eq(arena_cstr(judged.arena, judged.text), text);
	else
		ck_assert_ptr_null(judged.text.p);
	arena_free(judged.arena);
}

static void refuses(const char *field, const char *json, const char *code, const char *message)
{
	struct judged judged = judge(field, json);

	ck_assert_msg(!judged.is_good, "%s: %s was taken", field, json);
	const struct error_field *first = &judged.validation.violations.items[0];
	ck_assert_str_eq(arena_cstr(judged.arena, first->message), message);
	ck_assert_str_eq(arena_cstr(judged.arena, first->code), code);
	ck_assert_str_eq(arena_cstr(judged.arena, first->field), field);
	arena_free(judged.arena);
}

#define NULL_MESSAGE "This field cannot be null."
#define BLANK_MESSAGE "This field cannot be blank."

START_TEST(null_and_blank_are_two_questions)
{
	refuses("name", "null", "null", NULL_MESSAGE);
	refuses("name", "''", "blank", BLANK_MESSAGE);
	takes("note", "''", "");
	refuses("note", "null", "null", NULL_MESSAGE);
	refuses("maybe", "null", "blank", BLANK_MESSAGE);
	refuses("maybe", "''", "blank", BLANK_MESSAGE);
	takes("any", "null", NULL);
	takes("any", "''", "");
	refuses("n", "null", "null", NULL_MESSAGE);
	refuses("flag", "null", "invalid", "“None” value must be either True or False.");
	refuses("maybe_flag", "null", "blank", BLANK_MESSAGE);
	refuses("role", "null", "null", NULL_MESSAGE);
	refuses("data", "null", "null", NULL_MESSAGE);
	refuses("data", "{}", "blank", BLANK_MESSAGE);
}
END_TEST

START_TEST(texts_are_counted_in_characters)
{
	takes("name", "'ääääé'", "ääääé");
	refuses("name", "'äääääé'", "max_length",
	        "Ensure this value has at most 5 characters (it has 6).");
	refuses("one", "'ab'", "max_length", "Ensure this value has at most 1 character (it has 2).");
}
END_TEST

START_TEST(integers_have_the_columns_range)
{
	takes("small", "0", "0");
	takes("n", "-2147483648", "-2147483648");
	refuses("small", "-1", "min_value", "Ensure this value is greater than or equal to 0.");
	refuses("small", "32768", "max_value", "Ensure this value is less than or equal to 32767.");
	refuses("n", "2147483648", "max_value",
	        "Ensure this value is less than or equal to 2147483647.");
	refuses("n", "'abc'", "invalid", "“abc” value must be an integer.");
	refuses("n", "1.5", "invalid", "“1.5” value must be an integer.");
}
END_TEST

START_TEST(decimals_have_their_digits)
{
	takes("price", "'123.45'", "123.45");
	takes("price", "5", "5");
	refuses("price", "'1234.5'", "max_whole_digits",
	        "Ensure that there are no more than 3 digits before the decimal point.");
	refuses("price", "'1.234'", "max_decimal_places",
	        "Ensure that there are no more than 2 decimal places.");
	refuses("price", "'123.456'", "max_digits",
	        "Ensure that there are no more than 5 digits in total.");
	refuses("price", "'abc'", "invalid", "“abc” value must be a decimal number.");
}
END_TEST

START_TEST(types_say_what_they_want)
{
	refuses("flag", "'yes'", "invalid", "“yes” value must be either True or False.");
	refuses("maybe_flag", "'yes'", "invalid", "“yes” value must be either True, False, or None.");
	refuses("ratio", "'x'", "invalid", "“x” value must be a float.");
	refuses("uuid", "'x'", "invalid", "“x” is not a valid UUID.");
	refuses("day", "'x'", "invalid",
	        "“x” value has an invalid date format. It must be in YYYY-MM-DD format.");
	refuses("day", "'2026-02-30'", "invalid_date",
	        "“2026-02-30” value has the correct format (YYYY-MM-DD) but it is an invalid date.");
	refuses("moment", "'x'", "invalid",
	        "“x” value has an invalid format. It must be in YYYY-MM-DD HH:MM[:ss[.uuuuuu]][TZ] "
	        "format.");
	refuses("moment", "'2026-01-01T25:00'", "invalid_datetime",
	        "“2026-01-01T25:00” value has the correct format (YYYY-MM-DD HH:MM[:ss[.uuuuuu]][TZ]) "
	        "but it is "
	        "an invalid date/time.");
	refuses("moment", "'2026-02-30'", "invalid_date",
	        "“2026-02-30” value has the correct format (YYYY-MM-DD) but it is an invalid date.");
	refuses(
		"hour", "'25:00'", "invalid_time",
		"“25:00” value has the correct format (HH:MM[:ss[.uuuuuu]]) but it is an invalid time.");
	refuses("ip4", "'::1'", "invalid", "Enter a valid IPv4 address.");
	refuses("ip", "'x'", "invalid", "Enter a valid IPv4 or IPv6 address.");
	takes("ip", "'::1'", "::1");
	refuses("ip", "''", "blank", BLANK_MESSAGE);
}
END_TEST

START_TEST(forms_are_checked)
{
	takes("email", "'a@b.com'", "a@b.com");
	refuses("email", "'a@b'", "invalid", "Enter a valid email address.");
	takes("url", "'https://example.com/x'", "https://example.com/x");
	refuses("url", "'example'", "invalid", "Enter a valid URL.");
	refuses("slug", "'a b'", "invalid",
	        "Enter a valid “slug” consisting of letters, numbers, underscores or hyphens.");
}
END_TEST

START_TEST(choices_are_kept_to)
{
	takes("level", "'admin'", "admin");
	takes("grade", "2", "2");
	refuses("level", "'root'", "invalid_choice", "Value 'root' is not a valid choice.");
	refuses("grade", "3", "invalid_choice", "Value 3 is not a valid choice.");
	refuses("level", "''", "blank", BLANK_MESSAGE);
}
END_TEST

START_TEST(a_field_that_is_not_editable_is_only_parsed_and_measured)
{
	takes("hidden", "''", "");
	refuses("hidden", "'abcd'", "max_length",
	        "Ensure this value has at most 3 characters (it has 4).");
}
END_TEST

START_TEST(arrays_are_judged_item_by_item)
{
	takes("tags", "['a', 'b']", "{\"a\",\"b\"}");
	refuses("tags", "['a', 'abcd']", "item_invalid",
	        "Item 2 in the array did not validate: Ensure this value has at most 3 characters (it "
	        "has 4).");
	refuses("tags", "['a', 'b', 'c']", "max_length",
	        "List contains 3 items, it should contain no more than 2.");
}
END_TEST

START_TEST(the_models_own_messages_are_used)
{
	refuses("told", "null", "null", "Say a number.");
	refuses("told", "1", "min_value", "Not 1, 3!");
	takes("told", "3", "3");
}
END_TEST

START_TEST(json_null_is_written_as_a_value)
{
	takes("data", "{'Value': null}", "null");
	takes("free", "null", NULL);
	takes("data", "{'a': [1, 'x']}", "{\"a\":[1,\"x\"]}");
	takes("data", "{'Value': {'Count': 1}}", "{\"Count\":1}");
}
END_TEST

/* -- declared validators ------------------------------------------------------------ */

static struct judged judge_with(const char *declaration, const char *json)
{
	struct judged judged = {.arena = arena_new()};
	char *text = arena_cstr(
		judged.arena,
		arena_printf(judged.arena, "{'models': {'M': {'fields': {'f': %s}}}}", declaration));
	const struct registry *registry = models_from(judged.arena, text);
	char *list = arena_cstr(judged.arena, arena_printf(judged.arena, "[%s]", json));

	validation_init(&judged.validation, judged.arena);
	judged.is_good = validate_value(&judged.validation, field_named(registry, "M", "f"),
	                                &value_from(judged.arena, list)->list.items[0], &judged.text);
	return judged;
}

struct validator_case {
	const char *declaration, *good, *bad, *code, *message;
};

static const struct validator_case validator_cases[] = {
	{"{'type': 'IntegerField', 'validators': [{'name': 'MaxValueValidator', 'limit_value': 9}]}",
     "9", "10", "max_value", "Ensure this value is less than or equal to 9."},
	{"{'type': 'DecimalField', 'max_digits': 5, 'decimal_places': 2, 'validators': [{'name': "
     "'MinValueValidator', 'limit_value': '0.05'}]}",
     "'0.05'", "'0.04'", "min_value", "Ensure this value is greater than or equal to 0.05."},
	{"{'type': 'CharField', 'max_length': 9, 'validators': [{'name': 'MinLengthValidator', "
     "'limit_value': 3}]}",
     "'abc'", "'ab'", "min_length", "Ensure this value has at least 3 characters (it has 2)."},
	{"{'type': 'CharField', 'max_length': 9, 'validators': [{'name': 'RegexValidator', 'regex': "
     "'^[a-z]+$', 'message': 'Letters, not %(value)s.', 'code': 'letters'}]}",
     "'abc'", "'a1'", "letters", "Letters, not a1."},
	{"{'type': 'CharField', 'max_length': 9, 'validators': [{'name': 'RegexValidator', 'regex': "
     "'x', "
     "'inverse_match': true}]}",
     "'abc'", "'axb'", "invalid", "Enter a valid value."},
	{"{'type': 'IntegerField', 'validators': [{'name': 'StepValueValidator', 'limit_value': 5}]}",
     "15", "16", "step_size", "Ensure this value is a multiple of step size 5."},
	{"{'type': 'DateTimeField', 'validators': [{'name': 'MinValueValidator', 'limit_value': "
     "'2026-01-01T00:00:00Z'}]}",
     "'2025-12-31T23:30:00-01:00'", "'2026-01-01T00:30:00+01:00'", "min_value",
     "Ensure this value is greater than or equal to 2026-01-01T00:00:00Z."},
	{"{'type': 'SlugField', 'allow_unicode': true}", "'né-1'", "'a b'", "invalid",
     "Enter a valid “slug” consisting of Unicode letters, numbers, underscores, or hyphens."},
	{"{'type': 'CharField', 'max_length': 99, 'validators': ['validate_email']}", "'a@b.com'",
     "'a@b'", "invalid", "Enter a valid email address."},
	{"{'type': 'CharField', 'max_length': 99, 'validators': [{'name': 'FileExtensionValidator', "
     "'allowed_extensions': ['pdf', 'txt']}]}",
     "'a.PDF'", "'a.exe'", "invalid_extension",
     "File extension “exe” is not allowed. Allowed extensions are: pdf, txt."},
};

START_TEST(declared_validators_hold_or_say_why)
{
	const struct validator_case *c = &validator_cases[_i];
	struct judged good = judge_with(c->declaration, c->good);
	struct judged bad = judge_with(c->declaration, c->bad);

	ck_assert_msg(good.is_good, "%s", c->declaration);
	ck_assert_msg(!bad.is_good, "%s", c->declaration);
	const struct error_field *first = &bad.validation.violations.items[0];
	ck_assert_str_eq(arena_cstr(bad.arena, first->message), c->message);
	ck_assert_str_eq(arena_cstr(bad.arena, first->code), c->code);
	arena_free(good.arena);
	arena_free(bad.arena);
}
END_TEST

/* Names that the model room takes; one that has no rule here would hold for everything. */
START_TEST(every_validator_of_a_model_file_has_a_rule)
{
	static const char *const names[] = {"RegexValidator",
	                                    "EmailValidator",
	                                    "URLValidator",
	                                    "DomainNameValidator",
	                                    "MinValueValidator",
	                                    "MaxValueValidator",
	                                    "StepValueValidator",
	                                    "MinLengthValidator",
	                                    "MaxLengthValidator",
	                                    "DecimalValidator",
	                                    "FileExtensionValidator",
	                                    "ArrayMinLengthValidator",
	                                    "ArrayMaxLengthValidator",
	                                    "KeysValidator",
	                                    "int_list_validator",
	                                    "ProhibitNullCharactersValidator",
	                                    "validate_email",
	                                    "validate_slug",
	                                    "validate_unicode_slug",
	                                    "validate_ipv4_address",
	                                    "validate_ipv6_address",
	                                    "validate_ipv46_address",
	                                    "validate_comma_separated_integer_list",
	                                    "validate_domain_name"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		ck_assert_msg(validator_type_find(str_of(names[i])) != NULL, "%s", names[i]);
}
END_TEST

START_TEST(every_validator_has_its_say)
{
	struct judged bad = judge_with("{'type': 'CharField', 'max_length': 3, 'validators': ["
	                               "'validate_slug', {'name': 'RegexValidator', 'regex': '^x'}]}",
	                               "'a b c'");
	ck_assert_uint_eq(bad.validation.nviolations, 3);
	arena_free(bad.arena);
}
END_TEST

START_TEST(all_violations_make_one_error)
{
	struct judged bad = judge("name", "'too long'");
	struct error error;

	error_init(&error, bad.arena);
	validation_violate(&bad.validation, STR("other"), NULL, STR("null"),
	                   STR("This field cannot be null."));
	ck_assert(!validation_finish(&bad.validation, &error));
	ck_assert_int_eq(error.kind, ERROR_VALIDATION);
	ck_assert_uint_eq(error.nviolations, 2);
	ck_assert_str_eq(pointer_of(bad.arena, error.pos), "/0");
	arena_free(bad.arena);
}
END_TEST

START_TEST(a_long_list_of_violations_is_cut)
{
	struct arena *arena = arena_new();
	struct validation validation;
	struct error error;

	error_init(&error, arena);
	validation_init(&validation, arena);
	for (int i = 0; i < 1000; i++)
		validation_violate(&validation, STR("a"), NULL, STR("null"), STR("No."));
	ck_assert(!validation_finish(&validation, &error));
	ck_assert_uint_eq(error.nviolations, VIOLATIONS_MAX);
	ck_assert_int_ge(str_find(error.detail, STR("1000 values")), 0);
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "validate");
	tcase_add_test(group, null_and_blank_are_two_questions);
	tcase_add_test(group, texts_are_counted_in_characters);
	tcase_add_test(group, integers_have_the_columns_range);
	tcase_add_test(group, decimals_have_their_digits);
	tcase_add_test(group, types_say_what_they_want);
	tcase_add_test(group, forms_are_checked);
	tcase_add_test(group, choices_are_kept_to);
	tcase_add_test(group, a_field_that_is_not_editable_is_only_parsed_and_measured);
	tcase_add_test(group, arrays_are_judged_item_by_item);
	tcase_add_test(group, the_models_own_messages_are_used);
	tcase_add_test(group, json_null_is_written_as_a_value);
	tcase_add_loop_test(group, declared_validators_hold_or_say_why, 0,
	                    sizeof validator_cases / sizeof *validator_cases);
	tcase_add_test(group, every_validator_of_a_model_file_has_a_rule);
	tcase_add_test(group, every_validator_has_its_say);
	tcase_add_test(group, all_violations_make_one_error);
	tcase_add_test(group, a_long_list_of_violations_is_cut);
	return suite_main(suite);
}
