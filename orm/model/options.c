/* The options of a field's declaration: the table. */
#include "orm/model/options.h"

const struct option field_options[] = {
	{"verbose_name", OPTIONS_ANY, OPTION_TEXT},
	{"help_text", OPTIONS_ANY, OPTION_TEXT},
	{"editable", OPTIONS_ANY, OPTION_BOOL},
	{"blank", OPTIONS_ANY, OPTION_BOOL},
	{"null", OPTIONS_COLUMN, OPTION_BOOL},
	{"db_column", OPTIONS_COLUMN, OPTION_NAME},
	{"db_type", OPTIONS_COLUMN, OPTION_NAME},
	{"db_index", OPTIONS_COLUMN, OPTION_BOOL},
	{"db_comment", OPTIONS_COLUMN, OPTION_TEXT},
	{"default", OPTIONS_VALUE, OPTION_FREE},
	{"db_default", OPTIONS_VALUE, OPTION_FREE},
	{"choices", OPTIONS_VALUE, OPTION_LIST},
	{"validators", OPTIONS_VALUE, OPTION_LIST},
	{"error_messages", OPTIONS_VALUE, OPTION_OBJECT},
	{"unique_for_date", OPTIONS_VALUE, OPTION_NAME},
	{"unique_for_month", OPTIONS_VALUE, OPTION_NAME},
	{"unique_for_year", OPTIONS_VALUE, OPTION_NAME},
	{"primary_key", OPTIONS_KEY, OPTION_BOOL},
	{"unique", OPTIONS_UNIQUE, OPTION_BOOL},
	{"max_length", OPTIONS_LENGTH, OPTION_COUNT},
	{"max_digits", OPTIONS_DIGITS, OPTION_COUNT},
	{"decimal_places", OPTIONS_DIGITS, OPTION_NATURAL},
	{"db_collation", OPTIONS_COLLATION, OPTION_NAME},
	{"auto_now", OPTIONS_NOW, OPTION_BOOL},
	{"auto_now_add", OPTIONS_NOW, OPTION_BOOL},
	{"to", OPTIONS_RELATION, OPTION_NAME},
	{"related_name", OPTIONS_RELATION, OPTION_NAME},
	{"related_query_name", OPTIONS_RELATION, OPTION_NAME},
	{"limit_choices_to", OPTIONS_RELATION, OPTION_OBJECT},
	{"db_constraint", OPTIONS_RELATION, OPTION_BOOL},
	{"on_delete", OPTIONS_REFERENCE, OPTION_FREE},
	{"to_field", OPTIONS_REFERENCE, OPTION_NAME},
	{"through", OPTIONS_MANY, OPTION_NAME},
	{"through_fields", OPTIONS_MANY, OPTION_LIST},
	{"symmetrical", OPTIONS_MANY, OPTION_BOOL},
	{"db_table", OPTIONS_MANY, OPTION_NAME},
	{"protocol", OPTIONS_INET, OPTION_NAME},
	{"unpack_ipv4", OPTIONS_INET, OPTION_BOOL},
	{"allow_unicode", OPTIONS_UNICODE, OPTION_BOOL},
	{"base_field", OPTIONS_ARRAY, OPTION_FREE},
	{"size", OPTIONS_ARRAY, OPTION_COUNT},
	{"default_bounds", OPTIONS_BOUNDS, OPTION_NAME},
	{"expression", OPTIONS_GENERATED, OPTION_FREE},
	{"output_field", OPTIONS_GENERATED, OPTION_FREE},
	{"db_persist", OPTIONS_GENERATED, OPTION_BOOL},
};

const size_t field_options_count = sizeof field_options / sizeof *field_options;

const struct option *option_find(struct str name)
{
	for (size_t i = 0; i < field_options_count; i++)
		if (str_is(name, field_options[i].name))
			return &field_options[i];
	return NULL;
}

bool option_fits(enum option_form form, const struct value *value, const char **expected)
{
	switch (form) {
	case OPTION_BOOL:
		*expected = "true or false";
		return value->kind == VALUE_BOOL;
	case OPTION_TEXT:
		*expected = "a string";
		return value->kind == VALUE_TEXT;
	case OPTION_NAME:
		*expected = "a string that is not empty";
		return value->kind == VALUE_TEXT && value->text.n > 0;
	case OPTION_COUNT:
		*expected = "an integer from 1 to 1000000000";
		return value->kind == VALUE_INT && value->integer >= 1 && value->integer <= 1000000000;
	case OPTION_NATURAL:
		*expected = "an integer from 0 to 1000000000";
		return value->kind == VALUE_INT && value->integer >= 0 && value->integer <= 1000000000;
	case OPTION_LIST:
		*expected = "an array";
		return value->kind == VALUE_LIST;
	case OPTION_OBJECT:
		*expected = "an object";
		return value->kind == VALUE_OBJECT;
	case OPTION_FREE:
		*expected = "a value";
		return true;
	}
	BUG("option form %d", (int)form);
}

size_t option_names(const struct field_type *type, struct str *names, size_t max)
{
	size_t n = 0;
	for (size_t i = 0; i < field_options_count && n < max; i++)
		if (type->options & field_options[i].group)
			names[n++] = str_of(field_options[i].name);
	return n;
}
