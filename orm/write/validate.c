/* One value judged as Django's Field.clean() judges it, in its order: parsed, choices, null,
 * blank, then every validator.  Knows no row and no SQL.
 *
 * Invariant: validate_value() returns false exactly when it added a violation.
 */
#include "orm/write/validate.h"

#include "orm/base/log.h"
#include "orm/write/validators.h"

#include <arpa/inet.h>

void validation_init(struct validation *validation, struct arena *arena)
{
	*validation = (struct validation){.arena = arena};
}

void validation_violate(struct validation *validation, struct str field, const struct pos *pos,
                        struct str code, struct str message)
{
	validation->nviolations++;
	if (validation->violations.n == VIOLATIONS_MAX)
		return;
	*ARENA_PUSH(validation->arena, &validation->violations) =
		(struct error_field){.field = field, .message = message, .code = code, .pos = pos};
}

bool validation_finish(const struct validation *validation, struct error *error)
{
	if (!validation->nviolations)
		return true;
	const struct error_field *first = validation->violations.items;
	size_t n = validation->nviolations;
	error_set(error, ERROR_VALIDATION, first->pos, "%.*s: %.*s", STR_ARG(first->field),
	          STR_ARG(first->message));
	if (n > 1)
		error->detail = arena_printf(error->arena, "%zu values are not valid; the first: %.*s", n,
		                             STR_ARG(error->detail));
	error->violations = first;
	error->nviolations = validation->violations.n;
	return false;
}

const struct regex *validation_regex(struct validation *validation, const struct value *pattern,
                                     struct str flags)
{
	for (size_t i = 0; i < validation->regexes.n; i++)
		if (validation->regexes.items[i].owner == pattern)
			return validation->regexes.items[i].regex;
	struct arena *arena = validation->lasting ? validation->lasting : validation->arena;
	struct regex *regex = regex_compile(arena, pattern->text, flags);
	if (!regex)
		log_event(LOG_ERROR, "bad_regex", LOG_FIELDS(LOG_STR("pattern", pattern->text)));
	*ARENA_PUSH(arena, &validation->regexes) =
		(struct validation_regex){pattern, regex};
	return regex;
}

/* -- what a value is ------------------------------------------------------------- */

const struct value *validate_unwrapped(const struct value *value)
{
	if (value->kind != VALUE_OBJECT || value->object.n != 1 ||
	    !str_is(value->object.members[0].key, "Value"))
		return value;
	return &value->object.members[0].value;
}

static bool is_text_field(const struct field *field)
{
	return field->type->kind == TYPE_TEXT;
}

void validate_missing_value(const struct field *field, const struct pos *pos, struct value *value)
{
	*value = (struct value){.kind = VALUE_NULL, .pos = pos};
	bool is_empty_text = is_text_field(field) || field->type->kind == TYPE_BINARY;
	if (!is_empty_text || field->is_null)
		return;
	value->kind = VALUE_TEXT;
	value->text = STR("");
}

/* Django's empty_values: None, "", [], {}. */
static bool is_empty(const struct value *value)
{
	switch (value->kind) {
	case VALUE_NULL:
		return true;
	case VALUE_TEXT:
		return value->text.n == 0;
	case VALUE_LIST:
		return value->list.n == 0;
	case VALUE_OBJECT:
		return value->object.n == 0;
	case VALUE_BOOL:
	case VALUE_INT:
	case VALUE_REAL:
		return false;
	}
	return false;
}

/* -- messages -------------------------------------------------------------------- */

/* What is said of a value that is none of the type; NULL: the parser's own words. */
static const char *invalid_message(const struct field *field)
{
	switch (field->value_field->type->kind) {
	case TYPE_INTEGER:
		return "“%(value)s” value must be an integer.";
	case TYPE_FLOAT:
		return "“%(value)s” value must be a float.";
	case TYPE_DECIMAL:
		return "“%(value)s” value must be a decimal number.";
	case TYPE_BOOLEAN:
		return field->is_null ? "“%(value)s” value must be either True, False, or None."
		                      : "“%(value)s” value must be either True or False.";
	case TYPE_UUID:
		return "“%(value)s” is not a valid UUID.";
	case TYPE_DATE:
		return "“%(value)s” value has an invalid date format. It must be in YYYY-MM-DD format.";
	case TYPE_DATETIME:
		return "“%(value)s” value has an invalid format. It must be in "
			   "YYYY-MM-DD HH:MM[:ss[.uuuuuu]][TZ] format.";
	case TYPE_TIME:
		return "“%(value)s” value has an invalid format. It must be in HH:MM[:ss[.uuuuuu]] format.";
	case TYPE_DURATION:
		return "“%(value)s” value has an invalid format. It must be in "
			   "[DD] [[HH:]MM:]ss[.uuuuuu] format.";
	case TYPE_INET:
		return "Enter a valid %(protocol)s address.";
	case TYPE_TEXT:
	case TYPE_BINARY:
	case TYPE_JSON:
	case TYPE_ARRAY:
	case TYPE_HSTORE:
	case TYPE_RANGE:
	case TYPE_RELATION:
		return NULL;
	}
	return NULL;
}

/* Whether the text has the form of `shape`, where 0 stands for a digit; at its beginning. */
static bool has_shape(struct str text, const char *shape)
{
	size_t n = strlen(shape);

	if (text.n < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		bool is_digit = text.p[i] >= '0' && text.p[i] <= '9';
		if (shape[i] == '0' ? !is_digit : text.p[i] != shape[i])
			return false;
	}
	return true;
}

/* A date, time or moment that is well written and does not exist has words of its own. */
static bool impossible_moment(const struct field *field, const struct value *value,
                              const char **code, const char **message)
{
	enum type_kind kind = field->value_field->type->kind;

	if (value->kind != VALUE_TEXT)
		return false;
	bool is_day = value->text.n == 10 && has_shape(value->text, "0000-00-00");
	if ((kind == TYPE_DATE || kind == TYPE_DATETIME) && is_day) {
		*code = "invalid_date";
		*message =
			"“%(value)s” value has the correct format (YYYY-MM-DD) but it is an invalid date.";
		return true;
	}
	bool has_date =
		has_shape(value->text, "0000-00-00T00:00") || has_shape(value->text, "0000-00-00 00:00");
	if (kind == TYPE_DATETIME && has_date) {
		*code = "invalid_datetime";
		*message = "“%(value)s” value has the correct format "
				   "(YYYY-MM-DD HH:MM[:ss[.uuuuuu]][TZ]) but it is an invalid date/time.";
		return true;
	}
	if (kind == TYPE_TIME && has_shape(value->text, "00:00")) {
		*code = "invalid_time";
		*message = "“%(value)s” value has the correct format (HH:MM[:ss[.uuuuuu]]) but it is an "
		           "invalid time.";
		return true;
	}
	return false;
}

static struct str protocol_name(const struct field *field)
{
	if (str_eq_nocase(field->protocol, STR("ipv4")))
		return STR("IPv4");
	if (str_eq_nocase(field->protocol, STR("ipv6")))
		return STR("IPv6");
	return STR("IPv4 or IPv6");
}

/* The integer that is meant, as Python's int() takes it. */
static bool read_integer(const struct value *value, int64_t *integer)
{
	if (value->kind == VALUE_INT) {
		*integer = value->integer;
		return true;
	}
	if (value->kind == VALUE_REAL && value->real >= -1e15 && value->real <= 1e15) {
		*integer = (int64_t)value->real;
		return (double)*integer == value->real;
	}
	return value->kind == VALUE_TEXT && str_to_int(str_trim(value->text), integer);
}

/* %(value)s: as the client wrote it, an integer as the number that it is. */
static struct message_value value_told(struct arena *arena, const struct field *field,
                                       const struct value *value)
{
	int64_t integer;

	if (field->value_field->type->kind == TYPE_INTEGER && read_integer(value, &integer))
		return (struct message_value){"value", arena_printf(arena, "%lld", (long long)integer), false};
	return (struct message_value){"value", message_of_value(arena, value), value->kind == VALUE_TEXT};
}

/* Adds a violation with the field's own message for the code where the model has one. */
static bool violate(struct validation *validation, const struct field *field,
                    const struct value *value, struct str code, struct str template,
                    const struct message_value *values, size_t n)
{
	struct arena *arena = validation->arena;
	struct message_value all[8] = {
		value_told(arena, field, value),
		{"protocol", protocol_name(field), false},
	};
	size_t nall = 2;

	for (size_t i = 0; i < n && nall < 8; i++)
		all[nall++] = values[i];
	template = message_of_field(field, code, template);
	validation_violate(validation, field->name, value->pos, code,
	                   message_format(arena, template, all, nall));
	return false;
}

static bool violate_plainly(struct validation *validation, const struct field *field,
                            const struct value *value, const char *code, const char *message)
{
	return violate(validation, field, value, str_of(code), str_of(message), NULL, 0);
}

/* -- parsing --------------------------------------------------------------------- */

static bool parse(struct validation *validation, const struct field *field,
                  const struct value *value, struct str *text)
{
	struct error scratch;
	const char *code = "invalid";
	const char *message = invalid_message(field);

	error_init(&scratch, validation->arena);
	if (field_parse(field, value, validation->arena, text, &scratch))
		return true;
	/* A real that has lost digits is a decimal number; the parser says what is wrong with it. */
	if (value->kind == VALUE_REAL && field->value_field->type->kind == TYPE_DECIMAL)
		message = NULL;
	if (!impossible_moment(field, value, &code, &message) && !message)
		return violate(validation, field, value, STR("invalid"), scratch.detail, NULL, 0);
	return violate_plainly(validation, field, value, code, message);
}

/* -- rules ----------------------------------------------------------------------- */

static bool is_choice(struct validation *validation, const struct field *field, struct str text)
{
	struct error scratch;
	struct str choice;

	for (size_t i = 0; i < field->nchoices; i++) {
		error_init(&scratch, validation->arena);
		if (field_parse(field, &field->choices[i].value, validation->arena, &choice, &scratch) &&
		    choice.p && str_eq(choice, text))
			return true;
	}
	return false;
}

/* Field.validate(): choices, null, blank; not asked of a field that is not editable. */
static bool obeys_field(struct validation *validation, const struct field *field,
                        const struct value *value, struct str text)
{
	if (!field->is_editable)
		return true;
	if (field->nchoices && !is_empty(value)) {
		if (is_choice(validation, field, text))
			return true;
		return violate_plainly(validation, field, value, "invalid_choice",
		                       "Value %(value)r is not a valid choice.");
	}
	if (value->kind == VALUE_NULL && !field->is_null)
		return violate_plainly(validation, field, value, "null", "This field cannot be null.");
	if (!field->is_blank && is_empty(value))
		return violate_plainly(validation, field, value, "blank", "This field cannot be blank.");
	return true;
}

static bool obeys(const struct subject *subject, const struct validator_type *type,
                  const struct validator *declared)
{
	struct verdict verdict = {.message = type->message, .code = type->code};

	if (type->holds(subject, declared ? declared->arguments : NULL, &verdict))
		return true;
	struct str code = declared && declared->code.p ? declared->code : str_of(verdict.code);
	struct str message =
		declared && declared->message.p ? declared->message : str_of(verdict.message);
	return violate(subject->validation, subject->field, subject->value, code, message,
	               verdict.values, verdict.nvalues);
}

static bool obeys_declared(const struct subject *subject)
{
	const struct field *field = subject->field;
	bool is_good = true;

	for (size_t i = 0; i < field->nvalidators; i++) {
		const struct validator_type *type = validator_type_find(field->validators[i].name);
		if (type)
			is_good = obeys(subject, type, &field->validators[i]) && is_good;
	}
	return is_good;
}

/* All validators, each with its say. */
static bool obeys_validators(const struct subject *subject)
{
	const struct validator_type *form = validator_form_of(subject->field);
	const struct validator_type *measure = validator_measure_of(subject->field);
	bool is_good = !form || obeys(subject, form, NULL);

	is_good = obeys_declared(subject) && is_good;
	return (!measure || obeys(subject, measure, NULL)) && is_good;
}

/* -- integers out of the column's range --------------------------------------------- */

/* Django's MinValueValidator and MaxValueValidator of the column, which stand behind the model's own. */
static bool say_range(struct validation *validation, const struct field *field,
                      const struct value *value, bool is_small)
{
	const struct field_type *type = field->value_field->type;
	struct message_value told = {
		"limit_value",
		arena_printf(validation->arena, "%lld", (long long)(is_small ? type->min : type->max)), false};
	struct str message = is_small
	                         ? STR("Ensure this value is greater than or equal to %(limit_value)s.")
	                         : STR("Ensure this value is less than or equal to %(limit_value)s.");

	return violate(validation, field, value, is_small ? STR("min_value") : STR("max_value"),
	               message, &told, 1);
}

/* True where it is in range, or no integer.  Else the first that has something to say of it: the
 * choices, the model's own validators, the column. */
static bool is_in_range(struct validation *validation, const struct field *field,
                        const struct value *value)
{
	const struct field_type *type = field->value_field->type;
	int64_t integer;

	if (type->kind != TYPE_INTEGER || type->min >= type->max || !read_integer(value, &integer) ||
	    (integer >= type->min && integer <= type->max))
		return true;
	struct str text = arena_printf(validation->arena, "%lld", (long long)integer);
	if (field->nchoices && !obeys_field(validation, field, value, text))
		return false;
	struct subject subject = {validation, field, value, text};
	return obeys_declared(&subject) && say_range(validation, field, value, integer < type->min);
}

/* -- arrays ------------------------------------------------------------------------ */

/* PostgreSQL's arrays are boxes: lists within a list are of one length. */
static bool is_box(struct validation *validation, const struct field *field,
                   const struct value *list)
{
	if (field->base_field->type->kind != TYPE_ARRAY)
		return true;
	for (size_t i = 1; i < list->list.n; i++) {
		const struct value *first = &list->list.items[0], *item = &list->list.items[i];
		if (first->kind != VALUE_LIST || item->kind != VALUE_LIST || first->list.n == item->list.n)
			continue;
		return violate_plainly(validation, field, item, "nested_array_mismatch",
		                       "Nested arrays must have the same length.");
	}
	return true;
}

static void say_item(struct validation *validation, const struct field *field, size_t i,
                     const struct error_field *violation)
{
	struct arena *arena = validation->arena;
	const struct message_value nth = {"nth", arena_printf(arena, "%zu", i + 1), false};
	struct str prefix = message_of_field(field, STR("item_invalid"),
	                                     STR("Item %(nth)s in the array did not validate:"));

	validation_violate(validation, field->name, violation->pos, STR("item_invalid"),
	                   arena_printf(arena, "%.*s %.*s", STR_ARG(message_format(arena, prefix, &nth, 1)),
	                                STR_ARG(violation->message)));
}

/* Items of an ArrayField, each by the base field's rules. */
static bool items_obey(struct validation *validation, const struct field *field,
                       const struct value *list)
{
	size_t before = validation->nviolations;

	if (field->type->kind != TYPE_ARRAY || list->kind != VALUE_LIST || !field->base_field)
		return true;
	if (!is_box(validation, field, list))
		return false;
	for (size_t i = 0; i < list->list.n; i++) {
		struct validation inner;
		struct str text;
		validation_init(&inner, validation->arena);
		if (list->list.items[i].kind == VALUE_NULL && field->base_field->is_null)
			continue;
		if (validate_value(&inner, field->base_field, &list->list.items[i], &text))
			continue;
		say_item(validation, field, i, &inner.violations.items[0]);
	}
	if (validation->nviolations == before)
		return true;
	struct subject subject = {validation, field, list, STR("")};
	const struct validator_type *form = validator_form_of(field);
	if (form)
		obeys(&subject, form, NULL);
	return false;
}

/* null on a JSONField is SQL NULL, {"Value": null} the JSON null. */
static bool is_json_null(const struct field *field, const struct value *given,
                         const struct value *value)
{
	return field->value_field->type->kind == TYPE_JSON && given != value &&
	       value->kind == VALUE_NULL;
}

/* SQL NULL.  Django's BooleanField takes None for a value that is neither true nor false. */
static bool judge_null(struct validation *validation, const struct field *field,
                       const struct value *value)
{
	if (field->is_null)
		return field->is_blank || obeys_field(validation, field, value, (struct str){NULL, 0});
	if (field->value_field->type->kind == TYPE_BOOLEAN)
		return violate_plainly(validation, field, value, "invalid", invalid_message(field));
	return violate_plainly(validation, field, value, "null", "This field cannot be null.");
}

static bool is_blank_text(const struct value *value)
{
	return value->kind == VALUE_TEXT && !str_trim(value->text).n;
}

/* An address may be left out as a text may; it is then no address, NULL. */
static bool judge_no_address(struct validation *validation, const struct field *field,
                             const struct value *value, struct str *text)
{
	*text = (struct str){NULL, 0};
	if (!field->is_blank)
		return violate_plainly(validation, field, value, "blank", "This field cannot be blank.");
	return field->is_null ||
	       violate_plainly(validation, field, value, "null", "This field cannot be null.");
}

/* unpack_ipv4: "::ffff:10.0.0.1" is kept as 10.0.0.1. */
static void unpack_address(struct arena *arena, const struct field *field, struct str *text)
{
	const struct value *unpacks =
		field->declaration ? value_get(field->declaration, "unpack_ipv4") : NULL;
	char plain[INET_ADDRSTRLEN];
	struct in6_addr address;

	if (!unpacks || unpacks->kind != VALUE_BOOL || !unpacks->boolean ||
	    inet_pton(AF_INET6, arena_cstr(arena, *text), &address) != 1 ||
	    !IN6_IS_ADDR_V4MAPPED(&address) ||
	    !inet_ntop(AF_INET, &address.s6_addr[12], plain, sizeof plain))
		return;
	*text = arena_str(arena, str_of(plain));
}

bool validate_value(struct validation *validation, const struct field *field,
                    const struct value *value, struct str *text)
{
	const struct value *given = value;

	value = validate_unwrapped(given);
	if (is_json_null(field, given, value)) {
		*text = STR("null");
		return true;
	}
	if (validation->is_bare)
		return parse(validation, field, value, text);
	if (value->kind == VALUE_NULL) {
		*text = (struct str){NULL, 0};
		return judge_null(validation, field, value);
	}
	if (field->type->kind == TYPE_INET && is_blank_text(value))
		return judge_no_address(validation, field, value, text);
	if (!items_obey(validation, field, value) || !is_in_range(validation, field, value) ||
	    !parse(validation, field, value, text))
		return false;
	if (field->is_blank && is_empty(value))
		return true;
	if (!obeys_field(validation, field, value, *text))
		return false;
	if (is_empty(value))
		return true;
	struct subject subject = {validation, field, value, *text};
	if (!obeys_validators(&subject))
		return false;
	if (field->type->kind == TYPE_INET)
		unpack_address(validation->arena, field, text);
	return true;
}
