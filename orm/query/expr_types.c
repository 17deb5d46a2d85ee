/* The types of expressions.  See expr_types.h. */
#include "orm/query/expr_types.h"

static enum type_kind kind_of(const struct field *field)
{
	return field->value_field->type->kind;
}

const struct field *natural_field(const struct value *value)
{
	switch (value->kind) {
	case VALUE_INT:
		return field_of_type(value->integer >= INT32_MIN && value->integer <= INT32_MAX
		                         ? "IntegerField"
		                         : "BigIntegerField");
	case VALUE_REAL:
		return field_of_type("FloatField");
	case VALUE_BOOL:
		return field_of_type("BooleanField");
	case VALUE_TEXT:
		return field_of_type("TextField");
	case VALUE_LIST:
	case VALUE_OBJECT:
	case VALUE_NULL:
		break;
	}
	return field_of_type("JSONField");
}

static const struct field *number_literal_field(const struct field *typed, const struct value *literal)
{
	if (kind_of(typed) == TYPE_FLOAT)
		return field_of_type("FloatField");
	if (literal->kind == VALUE_TEXT || kind_of(typed) == TYPE_DECIMAL)
		return field_of_type("DecimalField");
	return natural_field(literal);
}

const struct field *arithmetic_literal_field(const struct field *typed, const struct value *literal)
{
	switch (kind_of(typed)) {
	case TYPE_INTEGER:
	case TYPE_DECIMAL:
	case TYPE_FLOAT:
		return number_literal_field(typed, literal);
	case TYPE_DATE:
	case TYPE_DATETIME:
	case TYPE_TIME:
		return field_of_type("DurationField");
	case TYPE_DURATION:
		return literal->kind == VALUE_TEXT ? typed : natural_field(literal);
	case TYPE_BOOLEAN:
	case TYPE_TEXT:
	case TYPE_UUID:
	case TYPE_INET:
	case TYPE_BINARY:
	case TYPE_JSON:
	case TYPE_ARRAY:
	case TYPE_HSTORE:
	case TYPE_RANGE:
	case TYPE_RELATION:
		break;
	}
	return natural_field(literal);
}

const struct field *literal_field_like(const struct field *typed, const struct value *literal)
{
	if (literal == NULL)
		return typed;
	switch (kind_of(typed)) {
	case TYPE_INTEGER:
		return literal->kind == VALUE_INT || literal->kind == VALUE_REAL ? natural_field(literal) : typed;
	case TYPE_DECIMAL:
		return field_of_type("DecimalField");
	case TYPE_FLOAT:
	case TYPE_DATE:
	case TYPE_DATETIME:
	case TYPE_TIME:
	case TYPE_DURATION:
	case TYPE_BOOLEAN:
	case TYPE_TEXT:
	case TYPE_UUID:
	case TYPE_INET:
	case TYPE_BINARY:
	case TYPE_JSON:
	case TYPE_ARRAY:
	case TYPE_HSTORE:
	case TYPE_RANGE:
	case TYPE_RELATION:
		break;
	}
	return typed;
}

static bool is_number(const struct field *field)
{
	enum type_kind kind = kind_of(field);

	return kind == TYPE_INTEGER || kind == TYPE_DECIMAL || kind == TYPE_FLOAT;
}

const struct field *wider_field(const struct field *a, const struct field *b)
{
	if (!is_number(a) || !is_number(b) || kind_of(b) == TYPE_INTEGER)
		return kind_of(a) == TYPE_INTEGER && kind_of(b) == TYPE_INTEGER && b->value_field->type->max > a->value_field->type->max
		           ? b
		           : a;
	return kind_of(a) == TYPE_FLOAT ? a : b;
}

static const struct field *number_result(struct str sign, const struct field *left,
                                         const struct field *right)
{
	bool is_bitwise = str_is(sign, "&") || str_is(sign, "|") || str_is(sign, "#") ||
	                  str_is(sign, "<<") || str_is(sign, ">>");
	enum type_kind a = kind_of(left), b = kind_of(right);

	if (is_bitwise)
		return a == TYPE_INTEGER && b == TYPE_INTEGER ? wider_field(left, right) : NULL;
	if ((a == TYPE_DECIMAL && b == TYPE_FLOAT) || (a == TYPE_FLOAT && b == TYPE_DECIMAL))
		return NULL;
	if (a == TYPE_FLOAT || b == TYPE_FLOAT)
		return field_of_type("FloatField");
	if (a == TYPE_DECIMAL || b == TYPE_DECIMAL)
		return field_of_type("DecimalField");
	if (str_is(sign, "^"))
		return field_of_type("FloatField");
	return wider_field(left, right);
}

/* Dates and durations: what + and - make of them, and a duration times a number. */
static const struct {
	char sign;
	enum type_kind left, right;
	const char *result;
} temporal[] = {
    {'-', TYPE_DATE, TYPE_DATE, "DurationField"},
    {'-', TYPE_DATETIME, TYPE_DATETIME, "DurationField"},
    {'-', TYPE_TIME, TYPE_TIME, "DurationField"},
    {'+', TYPE_DATE, TYPE_DURATION, "DateTimeField"},
    {'-', TYPE_DATE, TYPE_DURATION, "DateTimeField"},
    {'+', TYPE_DATETIME, TYPE_DURATION, "DateTimeField"},
    {'-', TYPE_DATETIME, TYPE_DURATION, "DateTimeField"},
    {'+', TYPE_TIME, TYPE_DURATION, "TimeField"},
    {'-', TYPE_TIME, TYPE_DURATION, "TimeField"},
    {'+', TYPE_DURATION, TYPE_DATE, "DateTimeField"},
    {'+', TYPE_DURATION, TYPE_DATETIME, "DateTimeField"},
    {'+', TYPE_DURATION, TYPE_TIME, "TimeField"},
    {'+', TYPE_DURATION, TYPE_DURATION, "DurationField"},
    {'-', TYPE_DURATION, TYPE_DURATION, "DurationField"},
    {'*', TYPE_DURATION, TYPE_INTEGER, "DurationField"},
    {'*', TYPE_DURATION, TYPE_FLOAT, "DurationField"},
    {'*', TYPE_INTEGER, TYPE_DURATION, "DurationField"},
    {'*', TYPE_FLOAT, TYPE_DURATION, "DurationField"},
    {'/', TYPE_DURATION, TYPE_INTEGER, "DurationField"},
    {'/', TYPE_DURATION, TYPE_FLOAT, "DurationField"},
};

const struct field *arithmetic_result(struct str sign, const struct field *left,
                                      const struct field *right)
{
	if (is_number(left) && is_number(right))
		return number_result(sign, left, right);
	for (size_t i = 0; i < sizeof temporal / sizeof *temporal; i++)
		if (sign.n == 1 && sign.p[0] == temporal[i].sign && kind_of(left) == temporal[i].left &&
		    kind_of(right) == temporal[i].right)
			return field_of_type(temporal[i].result);
	return NULL;
}

static const struct field *first_field(const struct rexpr *const *args, size_t n)
{
	const struct field *field = NULL;

	for (size_t i = 0; i < n; i++) {
		if (args[i]->field == NULL)
			continue;
		field = field == NULL ? args[i]->field : wider_field(field, args[i]->field);
	}
	return field;
}

const struct field *array_field_of(struct arena *arena, const struct field *base)
{
	struct field *field = ARENA_NEW(arena, struct field);

	*field = *field_of_type("ArrayField");
	field->base_field = base->value_field;
	field->value_field = field;
	return field;
}

const struct field *range_element_field(const struct field *range)
{
	static const struct {
		const char *range, *element;
	} elements[] = {{"IntegerRangeField", "IntegerField"},
	                {"BigIntegerRangeField", "BigIntegerField"},
	                {"DecimalRangeField", "DecimalField"},
	                {"DateTimeRangeField", "DateTimeField"},
	                {"DateRangeField", "DateField"}};

	for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
		if (str_is(str_of(range->value_field->type->name), elements[i].range))
			return field_of_type(elements[i].element);
	BUG("%s is no range", range->value_field->type->name);
}

const struct field *argument_literal_field(char letter, const struct field *typed,
                                           const struct value *literal)
{
	static const struct {
		char letter;
		const char *type;
	} fixed[] = {{'t', "TextField"}, {'i', "IntegerField"},  {'b', "BooleanField"},
	             {'d', "DateField"}, {'D', "DateTimeField"}, {'T', "TimeField"}};

	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
		if (fixed[i].letter == letter)
			return field_of_type(fixed[i].type);
	if (letter == 's' && typed != NULL)
		return literal_field_like(typed, literal);
	if ((letter == 'n' || letter == 'm') && typed != NULL && is_number(typed))
		return number_literal_field(typed, literal);
	return NULL;
}

const struct field *call_result(struct arena *arena, const struct function *function,
                                const struct rexpr *const *args, size_t n)
{
	const struct field *first = first_field(args, function->result == RESULT_FIRST &&
	                                                      function_takes(function, 0) != 's' && n > 0
	                                                  ? 1
	                                                  : n);

	switch (function->result) {
	case RESULT_FIXED:
		return field_of_type(function->output);
	case RESULT_FIRST:
		return first;
	case RESULT_AVERAGE:
		if (first != NULL && kind_of(first) == TYPE_INTEGER)
			return field_of_type("FloatField");
		return first != NULL && kind_of(first) == TYPE_DECIMAL ? field_of_type("DecimalField") : first;
	case RESULT_SUM:
		if (first != NULL && kind_of(first) == TYPE_INTEGER)
			return field_of_type("BigIntegerField");
		return first != NULL && kind_of(first) == TYPE_DECIMAL ? field_of_type("DecimalField") : first;
	case RESULT_NUMERIC:
		return field_of_type(first != NULL && kind_of(first) == TYPE_DECIMAL ? "DecimalField" : "FloatField");
	case RESULT_ARRAY:
		return first != NULL ? array_field_of(arena, first) : NULL;
	case RESULT_BOUND:
		return range_element_field(first);
	}
	BUG("result rule %d", (int)function->result);
}

/* An option of a type that stands in its SQL; *out stays where the object does not have it.  The most are PostgreSQL's
 * for varchar and numeric. */
static bool read_option(const struct value *object, const char *name, int64_t least, int64_t most, int64_t *out,
                        struct error *error)
{
	const struct value *value = value_get(object, name);

	if (value == NULL)
		return true;
	if (value->kind != VALUE_INT || value->integer < least || value->integer > most)
		return error_set(error, ERROR_VALUE, value->pos, "expected an integer from %lld to %lld",
		                 (long long)least, (long long)most);
	*out = value->integer;
	return true;
}

static bool read_options(const struct value *object, struct field *field, struct error *error)
{
	int64_t digits = field->max_digits, places = field->decimal_places;

	if (!read_option(object, "max_length", 1, 10485760, &field->max_length, error) ||
	    !read_option(object, "max_digits", 1, 1000, &digits, error) ||
	    !read_option(object, "decimal_places", 0, digits > 0 ? digits : 1000, &places, error))
		return false;
	field->max_digits = (int)digits;
	field->decimal_places = (int)places;
	return true;
}

const struct field *output_field(struct arena *arena, const struct value *output, struct error *error)
{
	const struct value *name = output->kind == VALUE_OBJECT ? value_get(output, "type") : output;
	const struct field_type *type = NULL;

	if (name != NULL && name->kind == VALUE_TEXT)
		type = field_type_find(name->text);
	if (type == NULL || type->kind == TYPE_RELATION || type->kind == TYPE_ARRAY) {
		error_set(error, ERROR_VALUE, output->pos, "expected the name of a field type, e.g. \"DecimalField\"");
		return NULL;
	}
	struct field *field = ARENA_NEW(arena, struct field);

	*field = *field_of_type(type->name);
	field->value_field = field;
	return output->kind != VALUE_OBJECT || read_options(output, field, error) ? field : NULL;
}
