/* The table of validators, and which of them a field's type brings along. */
#include "orm/write/validators.h"

#include "orm/write/rules.h"

#define WRONG_SLUG "Enter a valid “slug” consisting of letters, numbers, underscores or hyphens."
#define WRONG_UNICODE_SLUG                                                                         \
	"Enter a valid “slug” consisting of Unicode letters, numbers, underscores, or hyphens."
#define WRONG_EXTENSION                                                                            \
	"File extension “%(extension)s” is not allowed. Allowed extensions are: "                  \
	"%(allowed_extensions)s."
#define TOO_SMALL "Ensure this value is greater than or equal to %(limit_value)s."
#define TOO_LARGE "Ensure this value is less than or equal to %(limit_value)s."

/* The first ones are the types' own: the word "column" or "array" and what they ask. */
static const struct validator_type types[] = {
	{"column max_length", "max_length", "", rule_column_length},
	{"column digits", "invalid", "Enter a number.", rule_column_digits},
	{"array size", "max_length", "", rule_array_size},
	{"MinValueValidator", "min_value", TOO_SMALL, rule_min_value},
	{"MaxValueValidator", "max_value", TOO_LARGE, rule_max_value},
	{"StepValueValidator", "step_size",
     "Ensure this value is a multiple of step size %(limit_value)s.", rule_step},
	{"MinLengthValidator", "min_length", "", rule_min_length},
	{"MaxLengthValidator", "max_length", "", rule_max_length},
	{"DecimalValidator", "invalid", "Enter a number.", rule_decimal},
	{"RegexValidator", "invalid", "Enter a valid value.", rule_regex},
	{"EmailValidator", "invalid", "Enter a valid email address.", rule_email},
	{"validate_email", "invalid", "Enter a valid email address.", rule_email},
	{"URLValidator", "invalid", "Enter a valid URL.", rule_url},
	{"validate_slug", "invalid", WRONG_SLUG, rule_slug},
	{"validate_unicode_slug", "invalid", WRONG_UNICODE_SLUG, rule_unicode_slug},
	{"validate_ipv4_address", "invalid", "Enter a valid IPv4 address.", rule_ipv4},
	{"validate_ipv6_address", "invalid", "Enter a valid IPv6 address.", rule_ipv6},
	{"validate_ipv46_address", "invalid", "Enter a valid IPv4 or IPv6 address.", rule_ip},
	{"validate_comma_separated_integer_list", "invalid", "Enter only digits separated by commas.",
     rule_integer_list},
	{"int_list_validator", "invalid", "Enter only digits separated by commas.", rule_integer_list},
	{"DomainNameValidator", "invalid", "Enter a valid domain name.", rule_domain},
	{"validate_domain_name", "invalid", "Enter a valid domain name.", rule_domain},
	{"ProhibitNullCharactersValidator", "null_characters_not_allowed",
     "Null characters are not allowed.", rule_null_characters},
	{"FileExtensionValidator", "invalid_extension", WRONG_EXTENSION, rule_file_extension},
	{"ArrayMinLengthValidator", "min_length", "", rule_array_min_length},
	{"ArrayMaxLengthValidator", "max_length", "", rule_array_max_length},
	{"KeysValidator", "missing_keys", "Some keys were missing: %(keys)s", rule_keys},
};

const struct validator_type *validator_type_find(struct str name)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (str_is(name, types[i].name))
			return &types[i];
	return NULL;
}

/* A field type's form; the address types go by the field's protocol. */
static const struct {
	const char *type, *protocol, *validator;
} forms[] = {
	{"EmailField", NULL, "EmailValidator"},
	{"URLField", NULL, "URLValidator"},
	{"SlugField", NULL, "validate_slug"},
	{"GenericIPAddressField", "ipv4", "validate_ipv4_address"},
	{"GenericIPAddressField", "ipv6", "validate_ipv6_address"},
	{"GenericIPAddressField", NULL, "validate_ipv46_address"},
};

/* A slug may be declared to take letters of any script. */
static bool allows_unicode(const struct field *field)
{
	const struct value *allows =
		field->declaration ? rule_argument(field->declaration, "allow_unicode", VALUE_BOOL) : NULL;

	return allows && allows->boolean;
}

const struct validator_type *validator_form_of(const struct field *field)
{
	if (field->type->kind == TYPE_ARRAY && field->array_size >= 0)
		return validator_type_find(STR("array size"));
	if (strcmp(field->type->name, "SlugField") == 0 && allows_unicode(field))
		return validator_type_find(STR("validate_unicode_slug"));
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		if (strcmp(field->type->name, forms[i].type) != 0)
			continue;
		if (!forms[i].protocol || str_eq_nocase(field->protocol, str_of(forms[i].protocol)))
			return validator_type_find(str_of(forms[i].validator));
	}
	return NULL;
}

const struct validator_type *validator_measure_of(const struct field *field)
{
	if (field->type->kind == TYPE_DECIMAL)
		return validator_type_find(STR("column digits"));
	if (field->type->kind == TYPE_TEXT && field->max_length >= 0 &&
	    strcmp(field->type->name, "TextField") != 0)
		return validator_type_find(STR("column max_length"));
	return NULL;
}
