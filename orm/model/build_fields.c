/* From a field's declaration to a field: its type, its options one by one, and the rules between
 * options.  Names of other models and fields are looked up by later passes.
 */
#include "orm/model/draft.h"

/* Of PostgreSQL: longest varchar, most digits of a numeric. */
enum { VARCHAR_MAX = 10485760, DIGITS_MAX = 1000 };

/* Options of a value inside another field (base_field, output_field) that say something about a
 * column of its own. */
static const struct str column_options[] = {
	STR_INIT("db_column"),       STR_INIT("db_index"),        STR_INIT("db_comment"),
	STR_INIT("default"),         STR_INIT("db_default"),      STR_INIT("unique"),
	STR_INIT("primary_key"),     STR_INIT("unique_for_date"), STR_INIT("unique_for_month"),
	STR_INIT("unique_for_year"), STR_INIT("auto_now"),        STR_INIT("auto_now_add"),
	STR_INIT("editable"),
};

static bool is_column_option(struct str name)
{
	for (size_t i = 0; i < sizeof column_options / sizeof *column_options; i++)
		if (str_eq(name, column_options[i]))
			return true;
	return false;
}

static const struct field_type *find_type(struct build *b, const struct value *declaration)
{
	const struct value *name = declaration;
	if (declaration->kind == VALUE_OBJECT)
		name = value_get(declaration, "type");
	if (!name) {
		note(b, declaration->pos, "expected a member \"type\" with a field type's name");
		return NULL;
	}
	if (name->kind != VALUE_TEXT) {
		note(b, name->pos, "expected a field type's name or an object with \"type\", but got %.*s",
		     STR_ARG(value_shown(b, name)));
		return NULL;
	}
	const struct field_type *type = field_type_find(name->text);
	if (type)
		return type;
	struct str names[64];
	ASSERT(field_types_count <= 64);
	for (size_t i = 0; i < field_types_count; i++)
		names[i] = str_of(field_types[i].name);
	note_near(b, name->pos, name->text, names, field_types_count, "there is no field type \"%.*s\"",
	          STR_ARG(name->text));
	return NULL;
}

static void check_option(struct build *b, const struct field_type *type,
                         const struct member *member, enum field_place place)
{
	const struct option *option = option_find(member->key);
	const char *expected;
	if (!option) {
		struct str names[64];
		size_t n = option_names(type, names, 64);
		note_near(b, member->value.pos, member->key, names, n, "unknown option \"%.*s\" of %s",
		          STR_ARG(member->key), type->name);
	} else if (!(option->group & type->options)) {
		note(b, member->value.pos, "\"%s\" means nothing for %s", option->name, type->name);
	} else if (place != PLACE_MODEL && is_column_option(member->key)) {
		note(b, member->value.pos, "\"%s\" means nothing for a field inside another", option->name);
	} else if (!option_fits(option->form, &member->value, &expected)) {
		note(b, member->value.pos, "\"%s\": expected %s, but got %.*s", option->name, expected,
		     STR_ARG(value_shown(b, &member->value)));
	}
}

static void check_options(struct build *b, const struct field_type *type,
                          const struct value *declaration, enum field_place place)
{
	if (declaration->kind != VALUE_OBJECT)
		return;
	for (size_t i = 0; i < declaration->object.n; i++)
		if (!str_is(declaration->object.members[i].key, "type"))
			check_option(b, type, &declaration->object.members[i], place);
}

/* Options of the right kind; others have been noted and count as absent. */

static bool option_is(const struct value *declaration, const char *name, bool otherwise)
{
	const struct value *value = value_get(declaration, name);
	return value && value->kind == VALUE_BOOL ? value->boolean : otherwise;
}

static struct str option_text(const struct value *declaration, const char *name)
{
	const struct value *value = value_get(declaration, name);
	return value && value->kind == VALUE_TEXT ? value->text : (struct str){NULL, 0};
}

static int64_t option_count(const struct value *declaration, const char *name)
{
	const struct value *value = value_get(declaration, name);
	if (!value || value->kind != VALUE_INT || value->integer < 0 || value->integer > 1000000000)
		return -1;
	return value->integer;
}

static struct str spaced(struct arena *arena, struct str name)
{
	char *copy = arena_cstr(arena, name);
	for (size_t i = 0; i < name.n; i++)
		if (copy[i] == '_')
			copy[i] = ' ';
	return (struct str){copy, name.n};
}

static void read_texts(struct build *b, struct field *field, const struct value *declaration)
{
	field->db_collation = option_text(declaration, "db_collation");
	field->db_comment = option_text(declaration, "db_comment");
	field->db_type = option_text(declaration, "db_type");
	field->help_text = option_text(declaration, "help_text");
	field->verbose_name = option_text(declaration, "verbose_name");
	if (!field->verbose_name.p)
		field->verbose_name = spaced(b->arena, field->name);
	field->unique_for_date = option_text(declaration, "unique_for_date");
	field->unique_for_month = option_text(declaration, "unique_for_month");
	field->unique_for_year = option_text(declaration, "unique_for_year");
	field->protocol = option_text(declaration, "protocol");
	if (!field->protocol.p)
		field->protocol = STR("both");
}

/* Defaults of options are Django's, type by type. */
static void read_flags(struct field *field, const struct value *declaration)
{
	const struct field_type *type = field->type;
	bool is_one_to_one = strcmp(type->name, "OneToOneField") == 0;
	bool is_key = strcmp(type->name, "ForeignKey") == 0 || is_one_to_one;
	bool is_slug = strcmp(type->name, "SlugField") == 0;
	field->auto_now = option_is(declaration, "auto_now", false);
	field->auto_now_add = option_is(declaration, "auto_now_add", false);
	bool is_set_by_us = field->auto_now || field->auto_now_add;
	field->is_null = option_is(declaration, "null", false);
	field->is_blank = option_is(declaration, "blank", is_set_by_us || type->is_auto);
	field->is_editable = option_is(declaration, "editable", !is_set_by_us);
	field->is_primary_key = option_is(declaration, "primary_key", false);
	field->is_unique = option_is(declaration, "unique", is_one_to_one) || field->is_primary_key;
	field->is_indexed = option_is(declaration, "db_index", is_key || is_slug);
}

static void read_sizes(struct field *field, const struct value *declaration)
{
	field->max_length = option_count(declaration, "max_length");
	if (field->max_length < 0 && field->type->length > 0)
		field->max_length = field->type->length;
	field->max_digits = (int)option_count(declaration, "max_digits");
	field->decimal_places = (int)option_count(declaration, "decimal_places");
	field->array_size = option_count(declaration, "size");
}

static bool is_given(const struct draft_field *df, const char *name)
{
	return value_get(df->declaration, name) != NULL;
}

static void need(struct build *b, const struct draft_field *df, const char *type,
                 const char *option, const char *like)
{
	if (!is_given(df, option))
		note(b, df->pos, "%s needs \"%s\"%s", type, option, like);
}

static void check_length(struct build *b, const struct draft_field *df, const struct field *field)
{
	if (!field->type->column || strcmp(field->type->column, "varchar(%n)") != 0)
		return;
	if (field->type->length == 0 && !field->db_type.p)
		need(b, df, field->type->name, "max_length", " (the most characters it may hold)");
	if (field->max_length > VARCHAR_MAX)
		note(b, value_get(df->declaration, "max_length")->pos,
		     "\"max_length\": PostgreSQL takes at most %d", VARCHAR_MAX);
}

static void check_digits(struct build *b, const struct draft_field *df, const struct field *field)
{
	if (field->type->kind != TYPE_DECIMAL)
		return;
	if (!field->db_type.p) {
		need(b, df, "DecimalField", "max_digits", " (digits in all)");
		need(b, df, "DecimalField", "decimal_places", " (digits behind the point)");
	}
	if (field->max_digits > DIGITS_MAX)
		note(b, value_get(df->declaration, "max_digits")->pos,
		     "\"max_digits\": PostgreSQL takes at most %d", DIGITS_MAX);
	else if (field->max_digits >= 0 && field->decimal_places > field->max_digits)
		note(b, value_get(df->declaration, "decimal_places")->pos,
		     "\"decimal_places\" (%d) may not be more than \"max_digits\" (%d)",
		     field->decimal_places, field->max_digits);
}

/* It becomes SQL text as it is: the characters of a type's name, its modifiers and nothing else, so that
 * a slip of the pen is no statement. */
static void check_db_type(struct build *b, const struct draft_field *df, const struct field *field)
{
	bool is_quoted = false;
	for (size_t i = 0; i < field->db_type.n; i++) {
		unsigned char c = (unsigned char)field->db_type.p[i];
		bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		                c >= 128 || strchr("_ .,()[]", c);
		if (c == '"')
			is_quoted = !is_quoted;
		else if (c < ' ' || (!is_plain && !is_quoted))
			is_quoted = true, i = field->db_type.n;
	}
	if (is_quoted)
		note(b, value_get(df->declaration, "db_type")->pos,
		     "\"db_type\": expected the name of a PostgreSQL type, but got %.*s",
		     STR_ARG(value_shown(b, value_get(df->declaration, "db_type"))));
}

static void check_key(struct build *b, const struct draft_field *df, const struct field *field,
                      enum field_place place)
{
	if (field->type->is_auto && place == PLACE_MODEL && !field->is_primary_key)
		note(b, df->pos, "%s must have \"primary_key\": true", field->type->name);
	if (field->is_primary_key && field->is_null)
		note(b, value_get(df->declaration, "null")->pos, "a primary key cannot be null");
}

static void check_now(struct build *b, const struct draft_field *df, const struct field *field)
{
	bool has_default =
		is_given(df, "default") && value_get(df->declaration, "default")->kind != VALUE_NULL;
	if (field->auto_now + field->auto_now_add + has_default > 1)
		note(b, df->pos, "\"auto_now\", \"auto_now_add\" and \"default\" exclude one another");
}

static void check_texts(struct build *b, const struct draft_field *df, const struct field *field)
{
	static const struct str protocols[] = {STR_INIT("both"), STR_INIT("ipv4"), STR_INIT("ipv6")};
	static const struct str bounds[] = {STR_INIT("[)"), STR_INIT("(]"), STR_INIT("[]"),
	                                    STR_INIT("()")};
	struct str default_bounds = option_text(df->declaration, "default_bounds");
	if (field->type->kind == TYPE_INET && !str_eq(field->protocol, protocols[0]) &&
	    !str_eq(field->protocol, protocols[1]) && !str_eq(field->protocol, protocols[2]))
		note_near(b, value_get(df->declaration, "protocol")->pos, field->protocol, protocols, 3,
		          "\"protocol\": expected \"both\", \"ipv4\" or \"ipv6\"");
	if (field->type->kind == TYPE_INET && field->is_blank && !field->is_null)
		note(b, value_get(df->declaration, "blank")->pos,
		     "%s cannot be blank without \"null\": true, since an empty address is stored as null",
		     field->type->name);
	bool is_known = !default_bounds.p;
	for (size_t i = 0; i < 4; i++)
		is_known = is_known || str_eq(default_bounds, bounds[i]);
	if (!is_known)
		note(b, value_get(df->declaration, "default_bounds")->pos,
		     "\"default_bounds\": expected one of \"[)\", \"(]\", \"[]\", \"()\"");
}

/* The field inside `option` of another; NULL when there is none to speak of. */
static struct field *make_inner(struct build *b, struct draft_field *outer, const char *option,
                                enum field_place place)
{
	const struct value *declaration = value_get(outer->declaration, option);
	if (!declaration)
		return NULL;
	struct draft_field *inner = ARENA_NEW(b->arena, struct draft_field);
	inner->name = STR("");
	inner->declaration = declaration;
	inner->pos = declaration->pos;
	inner->source = outer->source;
	struct field *field = make_field(b, inner, place);
	if (!field || field->relation || field->is_generated || field->type->is_auto) {
		if (field)
			note(b, declaration->pos, "\"%s\" cannot be a %s", option,
			     field->is_generated ? "GeneratedField" : field->type->name);
		return NULL;
	}
	read_choices(b, inner);
	read_validators(b, inner);
	outer->is_broken = outer->is_broken || inner->is_broken;
	return field;
}

static void make_array(struct build *b, struct draft_field *df, struct field *field)
{
	need(b, df, "ArrayField", "base_field", " (the type of its elements)");
	field->base_field = make_inner(b, df, "base_field", PLACE_ELEMENT);
	if (!field->base_field)
		df->is_broken = true;
}

/* A generated field is a field of its output's type that is never written. */
static void make_generated(struct build *b, struct draft_field *df, struct field *field)
{
	field->is_generated = true;
	field->is_editable = false;
	field->is_blank = true;
	field->is_null = option_is(df->declaration, "null", true);
	field->expression = value_get(df->declaration, "expression");
	need(b, df, "GeneratedField", "expression", "");
	need(b, df, "GeneratedField", "output_field", " (the type of what it computes)");
	if (!option_is(df->declaration, "db_persist", false))
		note(b,
		     is_given(df, "db_persist") ? value_get(df->declaration, "db_persist")->pos : df->pos,
		     "GeneratedField needs \"db_persist\": true; PostgreSQL stores generated columns");
	struct field *output = make_inner(b, df, "output_field", PLACE_OUTPUT);
	if (!output) {
		df->is_broken = true;
		return;
	}
	field->output_field = output;
	field->type = output->type;
	field->max_length = output->max_length;
	field->max_digits = output->max_digits;
	field->decimal_places = output->decimal_places;
	field->base_field = output->base_field;
	field->array_size = output->array_size;
	field->protocol = output->protocol;
	if (!field->db_collation.p)
		field->db_collation = output->db_collation;
	if (!field->db_type.p)
		field->db_type = output->db_type;
}

static void make_relation(struct build *b, struct draft_field *df, struct field *field)
{
	struct relation *relation = ARENA_NEW(b->arena, struct relation);
	const char *type = field->type->name;
	relation->kind = strcmp(type, "ForeignKey") == 0      ? RELATION_FOREIGN_KEY
	                 : strcmp(type, "OneToOneField") == 0 ? RELATION_ONE_TO_ONE
	                                                      : RELATION_MANY_TO_MANY;
	relation->field = field;
	relation->db_constraint = option_is(df->declaration, "db_constraint", true);
	relation->limit_choices_to = value_get(df->declaration, "limit_choices_to");
	df->relation = relation;
	field->relation = relation;
	need(b, df, type, "to", " (the model it points at)");
	if (relation->kind == RELATION_MANY_TO_MANY) {
		field->is_null = false;
		return;
	}
	field->attname = arena_concat(b->arena, field->name, STR("_id"));
	read_on_delete(b, df);
}

static void name_column(struct build *b, struct draft_field *df, struct field *field)
{
	if (field->relation && field->relation->kind == RELATION_MANY_TO_MANY)
		return;
	const struct value *given = value_get(df->declaration, "db_column");
	field->column = option_text(df->declaration, "db_column");
	if (!field->column.p)
		field->column = field->attname;
	const char *fault = identifier_fault(field->column);
	if (fault)
		note(b, given ? given->pos : df->pos, "the column's name \"%.*s\" %s%s",
		     STR_ARG(field->column), fault, given ? "" : "; give it another by \"db_column\"");
}

struct field *make_field(struct build *b, struct draft_field *df, enum field_place place)
{
	const struct value *declaration = df->declaration;
	const struct field_type *type = find_type(b, declaration);
	if (!type)
		return NULL;
	check_options(b, type, declaration, place);
	struct field *field = ARENA_NEW(b->arena, struct field);
	df->field = field;
	field->name = field->attname = df->name;
	field->type = type;
	field->value_field = field;
	field->declaration = declaration;
	field->default_value = value_get(declaration, "default");
	field->db_default = value_get(declaration, "db_default");
	field->error_messages = value_get(declaration, "error_messages");
	read_texts(b, field, declaration);
	read_flags(field, declaration);
	read_sizes(field, declaration);
	check_db_type(b, df, field);
	check_length(b, df, field);
	check_digits(b, df, field);
	check_key(b, df, field, place);
	check_now(b, df, field);
	check_texts(b, df, field);
	if (strcmp(type->name, "GeneratedField") == 0)
		make_generated(b, df, field);
	else if (type->kind == TYPE_RELATION)
		make_relation(b, df, field);
	else if (type->kind == TYPE_ARRAY)
		make_array(b, df, field);
	if (place == PLACE_MODEL)
		name_column(b, df, field);
	return field;
}

void make_fields(struct build *b, struct draft *draft)
{
	for (size_t i = 0; i < draft->fields.n; i++) {
		struct draft_field *df = draft->fields.items[i];
		b->source = df->source;
		size_t before = b->mistakes.n;
		df->field = make_field(b, df, PLACE_MODEL);
		if (!df->field || b->mistakes.n > before)
			df->is_broken = true;
		if (df->field)
			df->field->model = draft->model;
	}
	b->source = draft->source;
}

static struct draft_field *insert_first(struct draft *draft, struct draft_field *df)
{
	memmove(draft->fields.items + 1, draft->fields.items,
	        (draft->fields.n - 1) * sizeof *draft->fields.items);
	return draft->fields.items[0] = df;
}

/* A field that Django adds by itself. */
static struct draft_field *add_implied_field(struct build *b, struct draft *draft, struct str name,
                                             const char *type)
{
	struct draft_field *df = draft_add_field(b, draft, name, NULL);
	struct field *field = ARENA_NEW(b->arena, struct field);
	df->field = field;
	field->name = field->attname = field->column = name;
	field->type = field_type_find(str_of(type));
	field->value_field = field;
	field->model = draft->model;
	field->max_length = field->array_size = -1;
	field->max_digits = field->decimal_places = -1;
	field->verbose_name = spaced(b->arena, name);
	field->protocol = STR("both");
	field->is_editable = true;
	return df;
}

static void add_id(struct build *b, struct draft *draft)
{
	struct draft_field *taken = draft_field_find(draft, STR("id"), true);
	if (taken) {
		b->source = taken->source;
		note(b, taken->pos,
		     "\"id\" can be a field's name only with \"primary_key\": true, since a model "
		     "without a primary key gets a field \"id\"");
		b->source = draft->source;
		return;
	}
	struct draft_field *df =
		insert_first(draft, add_implied_field(b, draft, STR("id"), "BigAutoField"));
	df->field->is_primary_key = df->field->is_unique = df->field->is_blank = true;
	df->field->verbose_name = STR("ID");
}

/* Meta.primary_key: the fields of a composite key. */
static bool read_composite_key(struct build *b, struct draft *draft)
{
	const struct value *names = value_get(draft->meta, "primary_key");
	if (!names || names->kind != VALUE_LIST || names->list.n == 0)
		return false;
	const struct field **fields = ARENA_ARRAY(b->arena, const struct field *, names->list.n);
	for (size_t i = 0; i < names->list.n; i++) {
		const struct value *name = &names->list.items[i];
		struct draft_field *df =
			name->kind == VALUE_TEXT ? draft_field_find(draft, name->text, true) : NULL;
		if (!df) {
			const struct str *choices;
			size_t n = draft_field_names(b, draft, &choices);
			note_near(b, name->pos, name->kind == VALUE_TEXT ? name->text : STR(""), choices, n,
			          "\"primary_key\": expected the name of a field, but got %.*s",
			          STR_ARG(value_shown(b, name)));
			continue;
		}
		if (!df->field)
			continue;
		if (df->field->is_null || !df->field->column.p)
			note(b, name->pos, "\"primary_key\": \"%.*s\" %s", STR_ARG(df->name),
			     df->field->is_null ? "may be null" : "has no column");
		fields[draft->model->npk_fields++] = df->field;
	}
	draft->model->pk_fields = fields;
	return true;
}

static void check_single_key(struct build *b, struct draft *draft, struct draft_field *first,
                             struct draft_field *second)
{
	b->source = second->source;
	note(b, second->pos,
	     "\"%.*s\" is the primary key already; a key of several fields is Meta \"primary_key\"",
	     STR_ARG(first->name));
	b->source = draft->source;
}

void make_keys(struct build *b, struct draft *draft)
{
	struct draft_field *key = NULL;
	if (value_get(draft->meta, "order_with_respect_to")) {
		struct draft_field *order = add_implied_field(b, draft, STR("_order"), "IntegerField");
		order->field->is_editable = false;
	}
	for (size_t i = 0; i < draft->fields.n; i++) {
		struct draft_field *df = draft->fields.items[i];
		if (!df->field || !df->field->is_primary_key)
			continue;
		if (key)
			check_single_key(b, draft, key, df);
		else
			key = df;
	}
	b->source = draft->meta_source;
	bool is_composite = read_composite_key(b, draft);
	if (is_composite && key)
		note(b, value_get(draft->meta, "primary_key")->pos,
		     "\"primary_key\": \"%.*s\" is the primary key already", STR_ARG(key->name));
	b->source = draft->source;
	if (is_composite)
		return;
	if (!key) {
		add_id(b, draft);
		key = draft->fields.n > 0 ? draft->fields.items[0] : NULL;
	}
	if (!key || !key->field)
		return;
	const struct field **pk = ARENA_ARRAY(b->arena, const struct field *, 1);
	pk[0] = draft->model->pk = key->field;
	draft->model->pk_fields = pk;
	draft->model->npk_fields = 1;
}
