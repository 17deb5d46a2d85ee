/* The values in a field's declaration: defaults, choices, validators' arguments, on_delete's SET.  Each
 * must be a value of the field, so that a mistake shows at start and not with the first row.
 */
#include "orm/model/draft.h"

#include <inttypes.h>

/* The value as a parameter of the field, or a mistake beginning with `what`. */
static bool value_fits(struct build *b, const struct field *field, const struct value *value,
                       const char *what, struct str *text)
{
	struct field nameless = *field;
	struct error error;
	nameless.name = STR("");
	error_init(&error, b->arena);
	if (field_parse(&nameless, value, b->arena, text, &error))
		return true;
	note(b, error.has_pos ? error.pos : value->pos, "\"%s\": %.*s", what, STR_ARG(error.detail));
	return false;
}

static void check_length(struct build *b, const struct field *field, struct str text,
                         const struct pos *pos, const char *what)
{
	if (field->value_field->type->kind != TYPE_TEXT || field->max_length < 0)
		return;
	size_t n = str_length_utf8(text);
	if (n > (size_t)field->max_length)
		note(b, pos, "\"%s\": the string has %zu characters, but \"max_length\" is %" PRId64, what,
		     n, field->max_length);
}

static void check_positive(struct build *b, const struct field *field, struct str text,
                           const struct pos *pos, const char *what)
{
	const struct field_type *type = field->value_field->type;
	int64_t number;
	if (type->kind == TYPE_INTEGER && str_to_int(text, &number) && number < type->min)
		note(b, pos, "\"%s\": expected %s, but got %" PRId64, what, type->description, number);
}

/* Digits before and behind the point of a plain decimal; one with an exponent is left to writing. */
static void check_digits(struct build *b, const struct field *field, struct str text,
                         const struct pos *pos, const char *what)
{
	const struct field *decimal = field->value_field;
	if (decimal->type->kind != TYPE_DECIMAL || decimal->max_digits < 0 ||
	    str_find(text, STR("e")) >= 0 || str_find(text, STR("E")) >= 0)
		return;
	struct str whole = text, fraction;
	fraction = whole;
	whole = str_cut(&fraction, STR("."));
	while (whole.n > 0 && (whole.p[0] == '-' || whole.p[0] == '+' || whole.p[0] == '0'))
		whole = str_sub(whole, 1, whole.n - 1);
	if ((int64_t)whole.n > decimal->max_digits - decimal->decimal_places ||
	    (fraction.p && (int64_t)fraction.n > decimal->decimal_places))
		note(b, pos, "\"%s\": %.*s does not fit in %d digits with %d behind the point", what,
		     STR_ARG(text), decimal->max_digits, decimal->decimal_places);
}

static void check_literal(struct build *b, const struct field *field, const struct value *value,
                          const char *what)
{
	struct str text;
	if (value->kind == VALUE_NULL && !field->is_null) {
		note(b, value->pos, "\"%s\": null needs \"null\": true", what);
		return;
	}
	if (!value_fits(b, field, value, what, &text) || !text.p)
		return;
	check_length(b, field, text, value->pos, what);
	check_positive(b, field, text, value->pos, what);
	check_digits(b, field, text, value->pos, what);
}

/* {"Now": []}: one member with a capital (or a sign), where an object is no literal of the type. */
static bool is_expression(const struct field *field, const struct value *value)
{
	enum type_kind kind = field->value_field->type->kind;
	if (value->kind != VALUE_OBJECT || value->object.n != 1 || kind == TYPE_JSON ||
	    kind == TYPE_HSTORE)
		return false;
	char first = value->object.members[0].key.n > 0 ? value->object.members[0].key.p[0] : 'a';
	return !(first >= 'a' && first <= 'z');
}

/* Defaults that are made anew for each row. */
static void check_default_expression(struct build *b, const struct field *field,
                                     const struct value *value)
{
	struct str name = value->object.members[0].key;
	static const struct str known[] = {STR_INIT("Now"), STR_INIT("RandomUUID")};
	enum type_kind kind = field->value_field->type->kind;
	bool is_time = kind == TYPE_DATE || kind == TYPE_DATETIME || kind == TYPE_TIME;
	if (!str_eq(name, known[0]) && !str_eq(name, known[1]))
		note_near(b, value->pos, name, known, 2,
		          "\"default\": expected a literal, {\"Now\": []} or {\"RandomUUID\": []}, but got "
		          "%.*s",
		          STR_ARG(value_shown(b, value)));
	else if (str_eq(name, known[0]) ? !is_time : kind != TYPE_UUID && kind != TYPE_TEXT)
		note(b, value->pos, "\"default\": %.*s is no default for %s", STR_ARG(name),
		     field->value_field->type->name);
}

static void check_defaults(struct build *b, const struct draft_field *df)
{
	const struct field *field = df->field;
	const struct value *literal = value_get(field->default_value, "Value");
	if (field->default_value && !is_expression(field, field->default_value))
		check_literal(b, field, field->default_value, "default");
	else if (literal)
		check_literal(b, field, literal, "default");
	else if (field->default_value)
		check_default_expression(b, field, field->default_value);
	/* The database's own default may be any expression; migrate writes it. */
	if (field->db_default && !is_expression(field, field->db_default))
		check_literal(b, field, field->db_default, "db_default");
	if (df->relation && df->relation->set_value)
		check_literal(b, field, df->relation->set_value, "on_delete");
}

struct choice_list {
	struct choice *items;
	size_t n, cap;
};

static void add_choice(struct build *b, struct draft_field *df, struct choice_list *list,
                       const struct value *value, struct str label)
{
	struct str text;
	const struct field *field = df->field;
	if (!value_fits(b, field, value, "choices", &text)) {
		df->is_broken = true;
		return;
	}
	if (text.p)
		check_length(b, field, text, value->pos, "choices");
	*ARENA_PUSH(b->arena, list) = (struct choice){*value, label};
}

static bool is_pair(const struct value *value, enum value_kind second)
{
	return value->kind == VALUE_LIST && value->list.n == 2 && value->list.items[1].kind == second;
}

/* [value, label], {"value", "label"} or the bare value. */
static void read_choice(struct build *b, struct draft_field *df, struct choice_list *list,
                        const struct value *item)
{
	const struct value *value = value_get(item, "value");
	const struct value *label = value_get(item, "label");
	if (is_pair(item, VALUE_TEXT)) {
		add_choice(b, df, list, &item->list.items[0], item->list.items[1].text);
	} else if (value && label && label->kind == VALUE_TEXT && item->object.n == 2) {
		add_choice(b, df, list, value, label->text);
	} else if (item->kind == VALUE_TEXT) {
		add_choice(b, df, list, item, item->text);
	} else if (item->kind != VALUE_LIST && item->kind != VALUE_OBJECT) {
		add_choice(b, df, list, item, value_shown(b, item));
	} else {
		note(b, item->pos,
		     "\"choices\": expected [value, \"label\"], {\"value\", \"label\"}, a bare value or "
		     "[\"group\", [choices]], but got %.*s",
		     STR_ARG(value_shown(b, item)));
	}
}

void read_choices(struct build *b, struct draft_field *df)
{
	const struct value *choices = value_get(df->declaration, "choices");
	struct choice_list list = {0};
	if (!choices || choices->kind != VALUE_LIST)
		return;
	if (choices->list.n == 0)
		note(b, choices->pos, "\"choices\": expected at least one choice");
	for (size_t i = 0; i < choices->list.n; i++) {
		const struct value *item = &choices->list.items[i];
		if (!is_pair(item, VALUE_LIST) || item->list.items[0].kind != VALUE_TEXT) {
			read_choice(b, df, &list, item);
			continue;
		}
		for (size_t k = 0; k < item->list.items[1].list.n; k++)
			read_choice(b, df, &list, &item->list.items[1].list.items[k]);
	}
	df->field->choices = list.items;
	df->field->nchoices = list.n;
}

/* Arguments of validators by Django's names. */
enum argument_form { ARGUMENT_FIELD, ARGUMENT_COUNT, ARGUMENT_TEXT, ARGUMENT_BOOL, ARGUMENT_LIST };

struct validator_row {
	const char *name;
	struct {
		const char *name;
		enum argument_form form;
		bool is_needed;
	} arguments[4];
};

static const struct validator_row validator_rows[] = {
	{"RegexValidator",
     {{"regex", ARGUMENT_TEXT, true},
      {"inverse_match", ARGUMENT_BOOL, false},
      {"flags", ARGUMENT_COUNT, false}}},
	{"EmailValidator", {{"allowlist", ARGUMENT_LIST, false}}},
	{"URLValidator", {{"schemes", ARGUMENT_LIST, false}}},
	{"DomainNameValidator", {{"accept_idna", ARGUMENT_BOOL, false}}},
	{"MinValueValidator", {{"limit_value", ARGUMENT_FIELD, true}}},
	{"MaxValueValidator", {{"limit_value", ARGUMENT_FIELD, true}}},
	{"StepValueValidator",
     {{"limit_value", ARGUMENT_FIELD, true}, {"offset", ARGUMENT_FIELD, false}}},
	{"MinLengthValidator", {{"limit_value", ARGUMENT_COUNT, true}}},
	{"MaxLengthValidator", {{"limit_value", ARGUMENT_COUNT, true}}},
	{"DecimalValidator",
     {{"max_digits", ARGUMENT_COUNT, true}, {"decimal_places", ARGUMENT_COUNT, true}}},
	{"FileExtensionValidator", {{"allowed_extensions", ARGUMENT_LIST, true}}},
	{"ArrayMinLengthValidator", {{"limit_value", ARGUMENT_COUNT, true}}},
	{"ArrayMaxLengthValidator", {{"limit_value", ARGUMENT_COUNT, true}}},
	{"KeysValidator", {{"keys", ARGUMENT_LIST, true}, {"strict", ARGUMENT_BOOL, false}}},
	{"int_list_validator",
     {{"sep", ARGUMENT_TEXT, false}, {"allow_negative", ARGUMENT_BOOL, false}}},
	{"ProhibitNullCharactersValidator", {{NULL, 0, false}}},
	{"validate_email", {{NULL, 0, false}}},
	{"validate_slug", {{NULL, 0, false}}},
	{"validate_unicode_slug", {{NULL, 0, false}}},
	{"validate_ipv4_address", {{NULL, 0, false}}},
	{"validate_ipv6_address", {{NULL, 0, false}}},
	{"validate_ipv46_address", {{NULL, 0, false}}},
	{"validate_comma_separated_integer_list", {{NULL, 0, false}}},
	{"validate_domain_name", {{NULL, 0, false}}},
};

#define VALIDATORS (sizeof validator_rows / sizeof *validator_rows)

static bool argument_fits(struct build *b, const struct field *field, enum argument_form form,
                          const struct value *value, const char *name)
{
	static const char *const expected[] = {
		[ARGUMENT_FIELD] = "",
		[ARGUMENT_COUNT] = "an integer from 0",
		[ARGUMENT_TEXT] = "a string",
		[ARGUMENT_BOOL] = "true or false",
		[ARGUMENT_LIST] = "an array of strings",
	};
	struct str text;
	bool is_good = false;
	switch (form) {
	case ARGUMENT_FIELD:
		return value_fits(b, field, value, name, &text);
	case ARGUMENT_COUNT:
		is_good = value->kind == VALUE_INT && value->integer >= 0;
		break;
	case ARGUMENT_TEXT:
		is_good = value->kind == VALUE_TEXT;
		break;
	case ARGUMENT_BOOL:
		is_good = value->kind == VALUE_BOOL;
		break;
	case ARGUMENT_LIST:
		is_good = value->kind == VALUE_LIST;
		for (size_t i = 0; is_good && i < value->list.n; i++)
			is_good = value->list.items[i].kind == VALUE_TEXT;
		break;
	}
	if (!is_good)
		note(b, value->pos, "\"%s\": expected %s, but got %.*s", name, expected[form],
		     STR_ARG(value_shown(b, value)));
	return is_good;
}

static void check_argument(struct build *b, const struct field *field,
                           const struct validator_row *row, const struct member *member)
{
	struct str names[7] = {STR("name"), STR("message"), STR("code")};
	size_t n = 3;
	for (size_t i = 0; i < 3; i++) {
		if (!str_eq(member->key, names[i]))
			continue;
		if (member->value.kind != VALUE_TEXT)
			note(b, member->value.pos, "\"%.*s\": expected a string", STR_ARG(member->key));
		return;
	}
	for (size_t i = 0; i < 4 && row->arguments[i].name; i++) {
		names[n++] = str_of(row->arguments[i].name);
		if (!str_is(member->key, row->arguments[i].name))
			continue;
		argument_fits(b, field, row->arguments[i].form, &member->value, row->arguments[i].name);
		return;
	}
	note_near(b, member->value.pos, member->key, names, n, "%s has no argument \"%.*s\"", row->name,
	          STR_ARG(member->key));
}

static const struct validator_row *find_validator(struct build *b, const struct value *name)
{
	struct str names[VALIDATORS];
	for (size_t i = 0; i < VALIDATORS; i++) {
		names[i] = str_of(validator_rows[i].name);
		if (name->kind == VALUE_TEXT && str_eq(name->text, names[i]))
			return &validator_rows[i];
	}
	note_near(b, name->pos, name->kind == VALUE_TEXT ? name->text : STR(""), names, VALIDATORS,
	          "\"validators\": there is no validator %.*s", STR_ARG(value_shown(b, name)));
	return NULL;
}

static struct str text_member(const struct value *object, const char *name)
{
	const struct value *value = value_get(object, name);
	return value && value->kind == VALUE_TEXT ? value->text : (struct str){NULL, 0};
}

static void read_validator(struct build *b, struct draft_field *df, const struct value *item,
                           struct validator *validator)
{
	const struct value *name = item->kind == VALUE_OBJECT ? value_get(item, "name") : item;
	if (!name) {
		note(b, item->pos, "\"validators\": expected a member \"name\"");
		return;
	}
	const struct validator_row *row = find_validator(b, name);
	if (!row)
		return;
	bool is_object = item->kind == VALUE_OBJECT;
	for (size_t i = 0; is_object && i < item->object.n; i++)
		check_argument(b, df->field, row, &item->object.members[i]);
	for (size_t i = 0; i < 4 && row->arguments[i].name; i++)
		if (row->arguments[i].is_needed && !value_get(item, row->arguments[i].name))
			note(b, item->pos, "%s needs \"%s\"", row->name, row->arguments[i].name);
	*validator = (struct validator){
		.name = name->text,
		.arguments = is_object ? item : NULL,
		.message = text_member(item, "message"),
		.code = text_member(item, "code"),
	};
}

void read_validators(struct build *b, struct draft_field *df)
{
	const struct value *list = value_get(df->declaration, "validators");
	if (!list || list->kind != VALUE_LIST)
		return;
	struct validator *validators = ARENA_ARRAY(b->arena, struct validator, list->list.n);
	for (size_t i = 0; i < list->list.n; i++)
		read_validator(b, df, &list->list.items[i], &validators[i]);
	df->field->validators = validators;
	df->field->nvalidators = list->list.n;
}

static void check_unique_for(struct build *b, struct draft *draft, struct draft_field *df,
                             const char *option)
{
	const struct value *name = value_get(df->declaration, option);
	if (!name || name->kind != VALUE_TEXT)
		return;
	struct draft_field *other = draft_field_find(draft, name->text, false);
	const struct str *names;
	size_t n = draft_field_names(b, draft, &names);
	if (!other)
		note_near(b, name->pos, name->text, names, n, "\"%s\": %.*s has no field \"%.*s\"", option,
		          STR_ARG(draft->name), STR_ARG(name->text));
	else if (other->field && other->field->type->kind != TYPE_DATE &&
	         other->field->type->kind != TYPE_DATETIME)
		note(b, name->pos, "\"%s\": \"%.*s\" is no DateField or DateTimeField", option,
		     STR_ARG(name->text));
}

static void check_messages(struct build *b, const struct value *messages)
{
	if (!messages || messages->kind != VALUE_OBJECT)
		return;
	for (size_t i = 0; i < messages->object.n; i++)
		if (messages->object.members[i].value.kind != VALUE_TEXT)
			note(b, messages->object.members[i].value.pos,
			     "\"error_messages\": expected a string for \"%.*s\"",
			     STR_ARG(messages->object.members[i].key));
}

void check_values(struct build *b, struct draft *draft)
{
	for (size_t i = 0; i < draft->fields.n; i++) {
		struct draft_field *df = draft->fields.items[i];
		b->source = df->source;
		if (!df->field || !df->declaration)
			continue;
		check_unique_for(b, draft, df, "unique_for_date");
		check_unique_for(b, draft, df, "unique_for_month");
		check_unique_for(b, draft, df, "unique_for_year");
		check_messages(b, df->field->error_messages);
		if (df->relation && df->relation->to && df->relation->limit_choices_to)
			check_condition(b, draft_of(b, df->relation->to), df->relation->limit_choices_to,
			                false);
		if (df->is_broken)
			continue;
		if (!df->field->is_generated) {
			read_choices(b, df);
			read_validators(b, df);
			check_defaults(b, df);
		}
	}
	b->source = draft->source;
}
