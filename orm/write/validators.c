/* The rules behind the table.  Each looks at one value and says whether it holds; the
 * words are the table's, filled in by validate.c.
 *
 * A rule whose arguments do not fit (a limit that is no number) holds: the registry
 * refused it long before, or it is of a kind that this value cannot break.
 */
#include "orm/write/validators.h"

#include "orm/write/decimal.h"
#include "orm/write/syntax.h"
#include "orm/write/validate.h"

/* {"limit_value": 5}, or the bare value 5. */
static const struct value *argument(const struct value *arguments, const char *name)
{
	if (!arguments)
		return NULL;
	return arguments->kind == VALUE_OBJECT ? value_get(arguments, name) : arguments;
}

static void tell(struct verdict *verdict, const char *name, struct str text)
{
	verdict->values[verdict->nvalues++] = (struct message_value){name, text, false};
}

static struct str number_text(struct arena *arena, int64_t n)
{
	return arena_printf(arena, "%lld", (long long)n);
}

static enum type_kind kind_of(const struct subject *subject)
{
	return subject->field->value_field->type->kind;
}

/* -- comparing with a limit ------------------------------------------------------ */

static int compare_text(struct str a, struct str b)
{
	int order = str_cmp(a, b);
	return (order > 0) - (order < 0);
}

/* <0, 0, >0; false when the two cannot be compared here. */
static bool compare_limit(const struct subject *subject, const struct value *limit, int *order)
{
	struct arena *arena = subject->validation->arena;
	struct decimal a, b;
	struct str limit_text = message_of_value(arena, limit);

	switch (kind_of(subject)) {
	case TYPE_INTEGER:
	case TYPE_FLOAT:
	case TYPE_DECIMAL:
		if (!decimal_parse(arena, subject->text, &a) || !decimal_parse(arena, limit_text, &b))
			return false;
		*order = decimal_compare(&a, &b);
		return true;
	case TYPE_DATE:
	case TYPE_DATETIME:
	case TYPE_TIME:
	case TYPE_TEXT:
	case TYPE_UUID:
		*order = compare_text(subject->text, limit_text);
		return true;
	case TYPE_BOOLEAN:
	case TYPE_INET:
	case TYPE_DURATION:
	case TYPE_BINARY:
	case TYPE_JSON:
	case TYPE_ARRAY:
	case TYPE_HSTORE:
	case TYPE_RANGE:
	case TYPE_RELATION:
		return false;
	}
	return false;
}

static bool holds_limit(const struct subject *subject, const struct value *arguments, int wrong,
                        struct verdict *verdict)
{
	const struct value *limit = argument(arguments, "limit_value");
	int order;

	if (!limit || !compare_limit(subject, limit, &order))
		return true;
	tell(verdict, "limit_value", message_of_value(subject->validation->arena, limit));
	tell(verdict, "show_value", message_of_value(subject->validation->arena, subject->value));
	return order != wrong;
}

static bool min_value_holds(const struct subject *subject, const struct value *arguments,
                            struct verdict *verdict)
{
	return holds_limit(subject, arguments, -1, verdict);
}

static bool max_value_holds(const struct subject *subject, const struct value *arguments,
                            struct verdict *verdict)
{
	return holds_limit(subject, arguments, 1, verdict);
}

static bool step_holds(const struct subject *subject, const struct value *arguments,
                       struct verdict *verdict)
{
	struct arena *arena = subject->validation->arena;
	const struct value *step = argument(arguments, "limit_value");
	struct decimal value, by;

	if (!step || !decimal_parse(arena, message_of_value(arena, step), &by) ||
	    !decimal_parse(arena, subject->text, &value))
		return true;
	tell(verdict, "limit_value", message_of_value(arena, step));
	return decimal_is_multiple(&value, &by);
}

/* -- length ---------------------------------------------------------------------- */

/* Characters of a text, items of an array. */
static int64_t length_of(const struct subject *subject)
{
	if (subject->value->kind == VALUE_LIST)
		return (int64_t)subject->value->list.n;
	return (int64_t)str_length_utf8(subject->text);
}

struct length_words {
	const char *one, *many;
};

static bool holds_length(const struct subject *subject, int64_t limit, bool is_upper,
                         const struct length_words *words, struct verdict *verdict)
{
	struct arena *arena = subject->validation->arena;
	int64_t length = length_of(subject);

	verdict->message = limit == 1 ? words->one : words->many;
	tell(verdict, "limit_value", number_text(arena, limit));
	tell(verdict, "show_value", number_text(arena, length));
	return is_upper ? length <= limit : length >= limit;
}

static bool min_length_holds(const struct subject *subject, const struct value *arguments,
                             struct verdict *verdict)
{
	static const struct length_words words = {
	    "Ensure this value has at least %(limit_value)d character (it has %(show_value)d).",
	    "Ensure this value has at least %(limit_value)d characters (it has %(show_value)d)."};
	const struct value *limit = argument(arguments, "limit_value");

	return !limit || limit->kind != VALUE_INT ||
	       holds_length(subject, limit->integer, false, &words, verdict);
}

static const struct length_words max_length_words = {
    "Ensure this value has at most %(limit_value)d character (it has %(show_value)d).",
    "Ensure this value has at most %(limit_value)d characters (it has %(show_value)d)."};

static bool max_length_holds(const struct subject *subject, const struct value *arguments,
                             struct verdict *verdict)
{
	const struct value *limit = argument(arguments, "limit_value");

	return !limit || limit->kind != VALUE_INT ||
	       holds_length(subject, limit->integer, true, &max_length_words, verdict);
}

/* The field's own max_length. */
static bool column_length_holds(const struct subject *subject, const struct value *arguments,
                                struct verdict *verdict)
{
	(void)arguments;
	return subject->field->max_length < 0 ||
	       holds_length(subject, subject->field->max_length, true, &max_length_words, verdict);
}

static bool array_min_length_holds(const struct subject *subject, const struct value *arguments,
                                   struct verdict *verdict)
{
	static const struct length_words words = {
	    "List contains %(show_value)d item, it should contain no fewer than %(limit_value)d.",
	    "List contains %(show_value)d items, it should contain no fewer than %(limit_value)d."};
	const struct value *limit = argument(arguments, "limit_value");

	if (!limit || limit->kind != VALUE_INT ||
	    holds_length(subject, limit->integer, false, &words, verdict))
		return true;
	verdict->message = length_of(subject) == 1 ? words.one : words.many;
	return false;
}

static const struct length_words array_max_words = {
    "List contains %(show_value)d item, it should contain no more than %(limit_value)d.",
    "List contains %(show_value)d items, it should contain no more than %(limit_value)d."};

static bool holds_array_max(const struct subject *subject, int64_t limit, struct verdict *verdict)
{
	if (holds_length(subject, limit, true, &array_max_words, verdict))
		return true;
	verdict->message = length_of(subject) == 1 ? array_max_words.one : array_max_words.many;
	return false;
}

static bool array_max_length_holds(const struct subject *subject, const struct value *arguments,
                                   struct verdict *verdict)
{
	const struct value *limit = argument(arguments, "limit_value");

	return !limit || limit->kind != VALUE_INT || holds_array_max(subject, limit->integer, verdict);
}

/* The size of an ArrayField. */
static bool array_size_holds(const struct subject *subject, const struct value *arguments,
                             struct verdict *verdict)
{
	(void)arguments;
	return subject->field->array_size < 0 ||
	       holds_array_max(subject, subject->field->array_size, verdict);
}

/* -- digits ---------------------------------------------------------------------- */

static bool is_within(struct arena *arena, int64_t n, int64_t max, const struct length_words *words,
                      const char *code, struct verdict *verdict)
{
	if (max < 0 || n <= max)
		return true;
	verdict->message = max == 1 ? words->one : words->many;
	verdict->code = code;
	tell(verdict, "max", number_text(arena, max));
	return false;
}

static bool holds_digits(const struct subject *subject, int64_t max_digits, int64_t decimal_places,
                         struct verdict *verdict)
{
	static const struct length_words total = {
	    "Ensure that there are no more than %(max)s digit in total.",
	    "Ensure that there are no more than %(max)s digits in total."};
	static const struct length_words places = {
	    "Ensure that there are no more than %(max)s decimal place.",
	    "Ensure that there are no more than %(max)s decimal places."};
	static const struct length_words before = {
	    "Ensure that there are no more than %(max)s digit before the decimal point.",
	    "Ensure that there are no more than %(max)s digits before the decimal point."};
	struct arena *arena = subject->validation->arena;
	struct decimal d;

	if (!decimal_parse(arena, subject->text, &d))
		return false;
	int64_t decimals = d.exponent < 0 ? -d.exponent : 0;
	int64_t digits = (int64_t)d.digits.n;
	if (d.exponent > 0 && !str_eq(d.digits, STR("0")))
		digits += d.exponent;
	if (decimals > digits)
		digits = decimals;
	if (!is_within(arena, digits, max_digits, &total, "max_digits", verdict) ||
	    !is_within(arena, decimals, decimal_places, &places, "max_decimal_places", verdict))
		return false;
	int64_t whole = max_digits < 0 || decimal_places < 0 ? -1 : max_digits - decimal_places;
	return is_within(arena, digits - decimals, whole, &before, "max_whole_digits", verdict);
}

static int64_t integer_argument(const struct value *arguments, const char *name)
{
	const struct value *value =
	    arguments && arguments->kind == VALUE_OBJECT ? value_get(arguments, name) : NULL;

	return value && value->kind == VALUE_INT ? value->integer : -1;
}

static bool decimal_holds(const struct subject *subject, const struct value *arguments,
                          struct verdict *verdict)
{
	return holds_digits(subject, integer_argument(arguments, "max_digits"),
	                    integer_argument(arguments, "decimal_places"), verdict);
}

/* The field's own max_digits and decimal_places. */
static bool column_digits_hold(const struct subject *subject, const struct value *arguments,
                               struct verdict *verdict)
{
	(void)arguments;
	return holds_digits(subject, subject->field->max_digits, subject->field->decimal_places, verdict);
}

/* -- forms ----------------------------------------------------------------------- */

#define FORM_RULE(name, test)                                                                      \
	static bool name(const struct subject *subject, const struct value *arguments,                  \
	                 struct verdict *verdict)                                                       \
	{                                                                                              \
		(void)arguments;                                                                           \
		(void)verdict;                                                                             \
		return test(subject->text);                                                                \
	}

static bool is_ip(struct str text)
{
	return is_ipv4(text) || is_ipv6(text);
}

FORM_RULE(email_holds, is_email)
FORM_RULE(slug_holds, is_slug)
FORM_RULE(unicode_slug_holds, is_unicode_slug)
FORM_RULE(ipv4_holds, is_ipv4)
FORM_RULE(ipv6_holds, is_ipv6)
FORM_RULE(ip_holds, is_ip)
FORM_RULE(integer_holds, is_integer_text)
FORM_RULE(integer_list_holds, is_integer_list)

static bool url_holds(const struct subject *subject, const struct value *arguments,
                      struct verdict *verdict)
{
	const char *names[17] = {NULL};
	const struct value *schemes =
	    arguments && arguments->kind == VALUE_OBJECT ? value_get(arguments, "schemes") : NULL;

	(void)verdict;
	if (!schemes || schemes->kind != VALUE_LIST)
		return is_url(subject->text, NULL);
	for (size_t i = 0; i < schemes->list.n && i < 16; i++)
		names[i] = arena_cstr(subject->validation->arena,
		                      message_of_value(subject->validation->arena, &schemes->list.items[i]));
	return is_url(subject->text, names);
}

static bool null_characters_hold(const struct subject *subject, const struct value *arguments,
                                 struct verdict *verdict)
{
	(void)arguments;
	(void)verdict;
	return !subject->text.n || !memchr(subject->text.p, '\0', subject->text.n);
}

/* re's flags as a number (IGNORECASE 2, MULTILINE 8, DOTALL 16, VERBOSE 64) or as letters "imsx". */
static struct str regex_flags(struct arena *arena, const struct value *arguments)
{
	const struct value *flags =
	    arguments && arguments->kind == VALUE_OBJECT ? value_get(arguments, "flags") : NULL;

	if (flags && flags->kind == VALUE_TEXT)
		return flags->text;
	int64_t bits = flags && flags->kind == VALUE_INT ? flags->integer : 0;
	return arena_printf(arena, "%s%s%s%s", bits & 2 ? "i" : "", bits & 8 ? "m" : "",
	                    bits & 16 ? "s" : "", bits & 64 ? "x" : "");
}

static bool regex_holds(const struct subject *subject, const struct value *arguments,
                        struct verdict *verdict)
{
	struct validation *validation = subject->validation;
	const struct value *pattern = argument(arguments, "regex");
	const struct value *inverse =
	    arguments && arguments->kind == VALUE_OBJECT ? value_get(arguments, "inverse_match") : NULL;

	(void)verdict;
	if (!pattern || pattern->kind != VALUE_TEXT)
		return true;
	const struct regex *regex =
	    validation_regex(validation, pattern, regex_flags(validation->arena, arguments));
	if (!regex)
		return false;
	bool is_inverse = inverse && inverse->kind == VALUE_BOOL && inverse->boolean;
	switch (regex_search(regex, subject->text)) {
	case REGEX_FOUND:
		return !is_inverse;
	case REGEX_NOT_FOUND:
		return is_inverse;
	case REGEX_GAVE_UP:
		return false;
	}
	return false;
}

/* -- files and key sets ---------------------------------------------------------- */

static struct str extension_of(struct str path)
{
	for (size_t i = path.n; i > 0 && path.p[i - 1] != '/'; i--)
		if (path.p[i - 1] == '.' && i > 1 && path.p[i - 2] != '/')
			return str_sub(path, i, path.n - i);
	return STR("");
}

static bool holds_extension(const struct subject *subject, const struct str *allowed, size_t n,
                            struct verdict *verdict)
{
	struct arena *arena = subject->validation->arena;
	struct str extension = extension_of(subject->text);
	struct buf names = {0};

	for (size_t i = 0; i < n; i++) {
		if (str_eq_nocase(extension, allowed[i])) {
			buf_release(&names);
			return true;
		}
		if (i)
			BUF_LIT(&names, ", ");
		buf_add(&names, allowed[i]);
	}
	tell(verdict, "extension", extension);
	tell(verdict, "allowed_extensions", arena_str(arena, buf_str(&names)));
	buf_release(&names);
	return false;
}

static bool file_extension_holds(const struct subject *subject, const struct value *arguments,
                                 struct verdict *verdict)
{
	const struct value *list = argument(arguments, "allowed_extensions");

	if (!list || list->kind != VALUE_LIST)
		return true;
	struct str *allowed = ARENA_ARRAY(subject->validation->arena, struct str, list->list.n);
	for (size_t i = 0; i < list->list.n; i++)
		allowed[i] = message_of_value(subject->validation->arena, &list->list.items[i]);
	return holds_extension(subject, allowed, list->list.n, verdict);
}

static bool image_extension_holds(const struct subject *subject, const struct value *arguments,
                                  struct verdict *verdict)
{
	static const struct str allowed[] = {STR_INIT("bmp"),  STR_INIT("gif"),  STR_INIT("jpeg"),
	                                     STR_INIT("jpg"),  STR_INIT("png"),  STR_INIT("svg"),
	                                     STR_INIT("tif"),  STR_INIT("tiff"), STR_INIT("webp"),
	                                     STR_INIT("avif"), STR_INIT("heic")};

	(void)arguments;
	return holds_extension(subject, allowed, sizeof allowed / sizeof *allowed, verdict);
}

static bool list_has(const struct value *list, struct str key)
{
	for (size_t i = 0; i < list->list.n; i++)
		if (list->list.items[i].kind == VALUE_TEXT && str_eq(list->list.items[i].text, key))
			return true;
	return false;
}

static bool has_member(const struct value *object, struct str key)
{
	for (size_t i = 0; i < object->object.n; i++)
		if (str_eq(object->object.members[i].key, key))
			return true;
	return false;
}

static bool keys_hold(const struct subject *subject, const struct value *arguments,
                      struct verdict *verdict)
{
	struct arena *arena = subject->validation->arena;
	const struct value *keys = argument(arguments, "keys");
	const struct value *strict =
	    arguments && arguments->kind == VALUE_OBJECT ? value_get(arguments, "strict") : NULL;
	const struct value *object = subject->value;

	if (!keys || keys->kind != VALUE_LIST || object->kind != VALUE_OBJECT)
		return true;
	for (size_t i = 0; i < keys->list.n; i++) {
		struct str key = message_of_value(arena, &keys->list.items[i]);
		if (has_member(object, key))
			continue;
		tell(verdict, "keys", key);
		return false;
	}
	bool is_strict = strict && strict->kind == VALUE_BOOL && strict->boolean;
	for (size_t i = 0; is_strict && i < object->object.n; i++) {
		if (list_has(keys, object->object.members[i].key))
			continue;
		verdict->message = "Some unknown keys were provided: %(keys)s";
		verdict->code = "extra_keys";
		tell(verdict, "keys", object->object.members[i].key);
		return false;
	}
	return true;
}

/* -- the table ------------------------------------------------------------------- */

#define WRONG_SLUG                                                                                 \
	"Enter a valid “slug” consisting of letters, numbers, underscores or hyphens."
#define WRONG_UNICODE_SLUG                                                                         \
	"Enter a valid “slug” consisting of Unicode letters, numbers, underscores, or hyphens."
#define WRONG_EXTENSION                                                                            \
	"File extension “%(extension)s” is not allowed. Allowed extensions are: %(allowed_extensions)s."
#define TOO_SMALL "Ensure this value is greater than or equal to %(limit_value)s."
#define TOO_LARGE "Ensure this value is less than or equal to %(limit_value)s."

/* The first ones are the types' own: the word "column" or "array" and what they ask. */
static const struct validator_type types[] = {
    {"column max_length", "max_length", "", column_length_holds},
    {"column digits", "invalid", "Enter a number.", column_digits_hold},
    {"array size", "max_length", "", array_size_holds},
    {"MinValueValidator", "min_value", TOO_SMALL, min_value_holds},
    {"MaxValueValidator", "max_value", TOO_LARGE, max_value_holds},
    {"StepValueValidator", "step_size",
     "Ensure this value is a multiple of step size %(limit_value)s.", step_holds},
    {"MinLengthValidator", "min_length", "", min_length_holds},
    {"MaxLengthValidator", "max_length", "", max_length_holds},
    {"DecimalValidator", "invalid", "Enter a number.", decimal_holds},
    {"RegexValidator", "invalid", "Enter a valid value.", regex_holds},
    {"EmailValidator", "invalid", "Enter a valid email address.", email_holds},
    {"validate_email", "invalid", "Enter a valid email address.", email_holds},
    {"URLValidator", "invalid", "Enter a valid URL.", url_holds},
    {"validate_slug", "invalid", WRONG_SLUG, slug_holds},
    {"validate_unicode_slug", "invalid", WRONG_UNICODE_SLUG, unicode_slug_holds},
    {"validate_ipv4_address", "invalid", "Enter a valid IPv4 address.", ipv4_holds},
    {"validate_ipv6_address", "invalid", "Enter a valid IPv6 address.", ipv6_holds},
    {"validate_ipv46_address", "invalid", "Enter a valid IPv4 or IPv6 address.", ip_holds},
    {"validate_integer", "invalid", "Enter a valid integer.", integer_holds},
    {"validate_comma_separated_integer_list", "invalid", "Enter only digits separated by commas.",
     integer_list_holds},
    {"ProhibitNullCharactersValidator", "null_characters_not_allowed",
     "Null characters are not allowed.", null_characters_hold},
    {"FileExtensionValidator", "invalid_extension", WRONG_EXTENSION, file_extension_holds},
    {"validate_image_file_extension", "invalid_extension", WRONG_EXTENSION, image_extension_holds},
    {"ArrayMinLengthValidator", "min_length", "", array_min_length_holds},
    {"ArrayMaxLengthValidator", "max_length", "", array_max_length_holds},
    {"KeysValidator", "missing_keys", "Some keys were missing: %(keys)s", keys_hold},
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

static const struct validator_type *form_of(const struct field *field)
{
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		if (strcmp(field->type->name, forms[i].type) != 0)
			continue;
		if (!forms[i].protocol || str_eq_nocase(field->protocol, str_of(forms[i].protocol)))
			return validator_type_find(str_of(forms[i].validator));
	}
	return NULL;
}

void validator_types_of(const struct field *field, const struct validator_type *list[4])
{
	size_t n = 0;
	const struct validator_type *form = form_of(field);

	if (field->type->kind == TYPE_TEXT && field->max_length >= 0 &&
	    strcmp(field->type->name, "TextField") != 0)
		list[n++] = validator_type_find(STR("column max_length"));
	if (field->type->kind == TYPE_DECIMAL)
		list[n++] = validator_type_find(STR("column digits"));
	if (field->type->kind == TYPE_ARRAY && field->array_size >= 0)
		list[n++] = validator_type_find(STR("array size"));
	if (form)
		list[n++] = form;
	list[n] = NULL;
}
