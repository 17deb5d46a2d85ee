/* Operations as JSON, read and written by one table, and their names for people and files. */
#include "orm/migrate/operation.h"

#include "orm/migrate/edit.h"
#include "orm/model/draft.h"

/* Which member of an operation a JSON member stands for. */
enum slot {
	SLOT_NONE,
	SLOT_MODEL,
	SLOT_NAME,
	SLOT_TO,
	SLOT_BODY,
	SLOT_FIELDS,
	SLOT_ONE_OFF,
	SLOT_SQL,
	SLOT_REVERSE_SQL,
	SLOT_ELIDABLE,
	SLOT_ATOMIC,
};

enum { MEMBERS_MAX = 4 };

struct member_rule {
	const char *key;
	enum slot slot;
	bool is_optional;
};

struct kind_rule {
	const char *name;
	struct member_rule members[MEMBERS_MAX];
	const char *label;    /* %m model, %n name, %t to */
	const char *fragment; /* the same, in small letters; NULL: none */
};

/* clang-format off */
static const struct kind_rule kinds[OPERATION_KINDS] = {
	[OP_CREATE_MODEL] = {"CreateModel",
		{{"name", SLOT_MODEL, false}, {"fields", SLOT_FIELDS, false}, {"Meta", SLOT_BODY, true}},
		"create model %m", "%m"},
	[OP_DELETE_MODEL] = {"DeleteModel", {{"name", SLOT_MODEL, false}}, "delete model %m", "delete_%m"},
	[OP_RENAME_MODEL] = {"RenameModel", {{"from", SLOT_MODEL, false}, {"to", SLOT_TO, false}},
		"rename model %m to %t", "rename_%m_%t"},
	[OP_ALTER_MODEL_TABLE] = {"AlterModelTable",
		{{"model", SLOT_MODEL, false}, {"db_table", SLOT_BODY, false}},
		"rename the table of %m", "alter_%m_table"},
	[OP_ALTER_MODEL_TABLE_COMMENT] = {"AlterModelTableComment",
		{{"model", SLOT_MODEL, false}, {"db_table_comment", SLOT_BODY, false}},
		"alter the comment of %m", "alter_%m_table_comment"},
	[OP_ALTER_MODEL_OPTIONS] = {"AlterModelOptions",
		{{"model", SLOT_MODEL, false}, {"options", SLOT_BODY, false}},
		"alter the options of %m", "alter_%m_options"},
	[OP_ALTER_UNIQUE_TOGETHER] = {"AlterUniqueTogether",
		{{"model", SLOT_MODEL, false}, {"unique_together", SLOT_BODY, false}},
		"alter unique_together of %m", "alter_%m_unique_together"},
	[OP_ALTER_ORDER_WITH_RESPECT_TO] = {"AlterOrderWithRespectTo",
		{{"model", SLOT_MODEL, false}, {"order_with_respect_to", SLOT_BODY, false}},
		"alter order_with_respect_to of %m", "alter_%m_order_with_respect_to"},
	[OP_ALTER_PRIMARY_KEY] = {"AlterPrimaryKey",
		{{"model", SLOT_MODEL, false}, {"primary_key", SLOT_BODY, false}},
		"alter the primary key of %m", "alter_%m_primary_key"},
	[OP_ADD_FIELD] = {"AddField",
		{{"model", SLOT_MODEL, false}, {"name", SLOT_NAME, false}, {"field", SLOT_BODY, false},
		 {"default", SLOT_ONE_OFF, true}},
		"add field %m.%n", "%m_%n"},
	[OP_REMOVE_FIELD] = {"RemoveField",
		{{"model", SLOT_MODEL, false}, {"name", SLOT_NAME, false}, {"reverse_default", SLOT_ONE_OFF, true}},
		"remove field %m.%n", "remove_%m_%n"},
	[OP_ALTER_FIELD] = {"AlterField",
		{{"model", SLOT_MODEL, false}, {"name", SLOT_NAME, false}, {"field", SLOT_BODY, false},
		 {"default", SLOT_ONE_OFF, true}},
		"alter field %m.%n", "alter_%m_%n"},
	[OP_RENAME_FIELD] = {"RenameField",
		{{"model", SLOT_MODEL, false}, {"from", SLOT_NAME, false}, {"to", SLOT_TO, false}},
		"rename field %m.%n to %t", "rename_%n_%m_%t"},
	[OP_ADD_INDEX] = {"AddIndex", {{"model", SLOT_MODEL, false}, {"index", SLOT_BODY, false}},
		"add index %n of %m", "%m_%n"},
	[OP_REMOVE_INDEX] = {"RemoveIndex", {{"model", SLOT_MODEL, false}, {"name", SLOT_NAME, false}},
		"remove index %n of %m", "remove_%m_%n"},
	[OP_ADD_CONSTRAINT] = {"AddConstraint",
		{{"model", SLOT_MODEL, false}, {"constraint", SLOT_BODY, false}},
		"add constraint %n of %m", "%m_%n"},
	[OP_REMOVE_CONSTRAINT] = {"RemoveConstraint",
		{{"model", SLOT_MODEL, false}, {"name", SLOT_NAME, false}},
		"remove constraint %n of %m", "remove_%m_%n"},
	[OP_RUN_SQL] = {"RunSQL",
		{{"sql", SLOT_SQL, false}, {"reverse_sql", SLOT_REVERSE_SQL, true},
		 {"elidable", SLOT_ELIDABLE, true}, {"atomic", SLOT_ATOMIC, true}},
		"run SQL", NULL},
};
/* clang-format on */

const char *operation_name(enum operation_kind kind)
{
	return kinds[kind].name;
}

bool operation_is_model_option(enum operation_kind kind)
{
	switch (kind) {
	case OP_ALTER_MODEL_TABLE:
	case OP_ALTER_MODEL_TABLE_COMMENT:
	case OP_ALTER_MODEL_OPTIONS:
	case OP_ALTER_UNIQUE_TOGETHER:
	case OP_ALTER_ORDER_WITH_RESPECT_TO:
	case OP_ALTER_PRIMARY_KEY:
		return true;
	case OP_CREATE_MODEL:
	case OP_DELETE_MODEL:
	case OP_RENAME_MODEL:
	case OP_ADD_FIELD:
	case OP_REMOVE_FIELD:
	case OP_ALTER_FIELD:
	case OP_RENAME_FIELD:
	case OP_ADD_INDEX:
	case OP_REMOVE_INDEX:
	case OP_ADD_CONSTRAINT:
	case OP_REMOVE_CONSTRAINT:
	case OP_RUN_SQL:
	case OPERATION_KINDS:
		return false;
	}
	return false;
}

/* ---- reading ---- */

static bool find_kind(const struct value *value, struct operation *operation, struct error *error)
{
	struct str names[OPERATION_KINDS];
	for (size_t i = 0; i < OPERATION_KINDS; i++)
		names[i] = str_of(kinds[i].name);
	if (value->kind != VALUE_OBJECT || value->object.n != 1)
		return error_set(error, ERROR_VALUE, value->pos,
		                 "expected an operation such as {\"AddField\": {…}}");
	struct str name = value->object.members[0].key;
	for (size_t i = 0; i < OPERATION_KINDS; i++) {
		operation->kind = (enum operation_kind)i;
		if (str_eq(name, names[i]))
			return true;
	}
	error_record(error, ERROR_VALUE, value->pos, "there is no operation \"%.*s\"", STR_ARG(name));
	error->suggestion = suggest_nearest(name, names, OPERATION_KINDS);
	return false;
}

static const struct member_rule *find_member(const struct kind_rule *rule, struct str key)
{
	for (size_t i = 0; i < MEMBERS_MAX && rule->members[i].key; i++)
		if (str_is(key, rule->members[i].key))
			return &rule->members[i];
	return NULL;
}

static bool read_name(const struct value *value, struct str *name, struct error *error)
{
	if (value->kind != VALUE_TEXT || value->text.n == 0)
		return error_set(error, ERROR_VALUE, value->pos, "expected a name, as a string");
	*name = value->text;
	return true;
}

static bool read_flag(const struct value *value, bool *flag, struct error *error)
{
	if (value->kind != VALUE_BOOL)
		return error_set(error, ERROR_VALUE, value->pos, "expected true or false");
	*flag = value->boolean;
	return true;
}

static bool read_texts(struct arena *arena, const struct value *value, const struct value **list,
                       struct error *error)
{
	*list = value->kind == VALUE_TEXT ? edit_list(arena, &value, 1) : value;
	bool is_right = (*list)->kind == VALUE_LIST;
	for (size_t i = 0; is_right && i < (*list)->list.n; i++)
		is_right = (*list)->list.items[i].kind == VALUE_TEXT;
	if (!is_right)
		return error_set(error, ERROR_VALUE, value->pos,
		                 "expected a statement of SQL as a string, or an array of them");
	return true;
}

static bool read_member(struct arena *arena, enum slot slot, const struct value *value,
                        struct operation *operation, struct error *error)
{
	bool is_atomic;
	switch (slot) {
	case SLOT_NONE:
		break;
	case SLOT_MODEL:
		return read_name(value, &operation->model, error);
	case SLOT_NAME:
		return read_name(value, &operation->name, error);
	case SLOT_TO:
		return read_name(value, &operation->to, error);
	case SLOT_BODY:
		operation->body = value->kind == VALUE_NULL ? NULL : value;
		return true;
	case SLOT_FIELDS:
		operation->fields = value;
		if (value->kind != VALUE_OBJECT)
			return error_set(error, ERROR_VALUE, value->pos, "expected an object of fields");
		return true;
	case SLOT_ONE_OFF:
		operation->one_off = value;
		return true;
	case SLOT_SQL:
		return read_texts(arena, value, &operation->sql, error);
	case SLOT_REVERSE_SQL:
		return read_texts(arena, value, &operation->reverse_sql, error);
	case SLOT_ELIDABLE:
		return read_flag(value, &operation->is_elidable, error);
	case SLOT_ATOMIC:
		if (!read_flag(value, &is_atomic, error))
			return false;
		operation->is_apart = !is_atomic;
		return true;
	}
	BUG("slot %d", (int)slot);
}

static bool check_missing(const struct kind_rule *rule, const struct value *value,
                          struct error *error)
{
	for (size_t i = 0; i < MEMBERS_MAX && rule->members[i].key; i++)
		if (!rule->members[i].is_optional && !value_get(value, rule->members[i].key))
			return error_set(error, ERROR_VALUE, value->pos, "%s needs a member \"%s\"", rule->name,
			                 rule->members[i].key);
	return true;
}

static bool needs_object(enum operation_kind kind)
{
	return kind == OP_ADD_FIELD || kind == OP_ALTER_FIELD || kind == OP_ADD_INDEX ||
	       kind == OP_ADD_CONSTRAINT || kind == OP_ALTER_MODEL_OPTIONS;
}

static bool check_body(struct operation *operation, const struct value *value, struct error *error)
{
	const struct value *body = operation->body;
	if (operation->kind == OP_CREATE_MODEL && !body)
		operation->body = body = edit_empty_object();
	bool is_wrong = needs_object(operation->kind) || operation->kind == OP_CREATE_MODEL
	                    ? !body || body->kind != VALUE_OBJECT
	                    : false;
	if (is_wrong)
		return error_set(error, ERROR_VALUE, body ? body->pos : value->pos, "expected an object");
	bool has_name = operation->kind == OP_ADD_INDEX || operation->kind == OP_ADD_CONSTRAINT;
	if (!has_name)
		return true;
	operation->name = edit_get_text(body, "name");
	if (!operation->name.p)
		return error_set(error, ERROR_VALUE, body->pos, "it needs a \"name\"");
	return true;
}

bool operation_read(struct arena *arena, const struct value *value, struct operation *operation,
                    struct error *error)
{
	*operation = (struct operation){0};
	if (!find_kind(value, operation, error))
		return false;
	const struct kind_rule *rule = &kinds[operation->kind];
	const struct value *inner = &value->object.members[0].value;
	if (inner->kind != VALUE_OBJECT)
		return error_set(error, ERROR_VALUE, inner->pos, "%s: expected an object", rule->name);
	for (size_t i = 0; i < inner->object.n; i++) {
		const struct member *member = &inner->object.members[i];
		const struct member_rule *known = find_member(rule, member->key);
		if (!known)
			return error_set(error, ERROR_VALUE, member->value.pos, "%s has no member \"%.*s\"",
			                 rule->name, STR_ARG(member->key));
		if (!read_member(arena, known->slot, &member->value, operation, error))
			return false;
	}
	return check_missing(rule, inner, error) && check_body(operation, inner, error) &&
	       operation_check(operation, inner, error);
}

/* ---- writing ---- */

static const struct value *one_or_list(const struct value *texts)
{
	return texts && texts->list.n == 1 ? &texts->list.items[0] : texts;
}

static const struct value *member_value(struct arena *arena, const struct operation *operation,
                                        const struct member_rule *rule)
{
	switch (rule->slot) {
	case SLOT_NONE:
		return NULL;
	case SLOT_MODEL:
		return edit_text(arena, operation->model);
	case SLOT_NAME:
		return edit_text(arena, operation->name);
	case SLOT_TO:
		return edit_text(arena, operation->to);
	case SLOT_BODY:
		if (rule->is_optional && operation->body && operation->body->object.n == 0)
			return NULL;
		return operation->body || rule->is_optional ? operation->body : edit_null();
	case SLOT_FIELDS:
		return operation->fields;
	case SLOT_ONE_OFF:
		return operation->one_off;
	case SLOT_SQL:
		return one_or_list(operation->sql);
	case SLOT_REVERSE_SQL:
		return one_or_list(operation->reverse_sql);
	case SLOT_ELIDABLE:
		return operation->is_elidable ? edit_bool(arena, true) : NULL;
	case SLOT_ATOMIC:
		return operation->is_apart ? edit_bool(arena, false) : NULL;
	}
	BUG("slot %d", (int)rule->slot);
}

const struct value *operation_write(struct arena *arena, const struct operation *operation)
{
	const struct kind_rule *rule = &kinds[operation->kind];
	struct members inner = {.arena = arena}, outer = {.arena = arena};
	for (size_t i = 0; i < MEMBERS_MAX && rule->members[i].key; i++)
		members_put(&inner, rule->members[i].key, member_value(arena, operation, &rule->members[i]));
	members_put(&outer, rule->name, members_end(&inner));
	return members_end(&outer);
}

/* ---- names ---- */

static struct str fill_in(struct arena *arena, const char *pattern,
                          const struct operation *operation)
{
	struct buf text = {0};
	for (const char *p = pattern; *p; p++) {
		if (*p != '%') {
			buf_add_char(&text, *p);
			continue;
		}
		p++;
		buf_add(&text, *p == 'm' ? operation->model : *p == 'n' ? operation->name : operation->to);
	}
	struct str filled = arena_str(arena, buf_str(&text));
	buf_release(&text);
	return filled;
}

struct str operation_label(struct arena *arena, const struct operation *operation)
{
	return fill_in(arena, kinds[operation->kind].label, operation);
}

struct str operation_fragment(struct arena *arena, const struct operation *operation)
{
	const char *pattern = kinds[operation->kind].fragment;
	if (!pattern)
		return (struct str){0};
	return arena_lower(arena, fill_in(arena, pattern, operation));
}
