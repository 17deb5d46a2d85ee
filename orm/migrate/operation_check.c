/* What a file's operation holds, looked at before anything else reads it: whatever passes has the kinds of
 * values that the rest of the room takes for granted.  Whether it makes sense is the registry's to say. */
#include "orm/migrate/operation.h"

static bool is_text(const struct value *value)
{
	return value->kind == VALUE_TEXT && value->text.n > 0;
}

static bool all_are(const struct value *list, bool (*is_right)(const struct value *))
{
	if (list->kind != VALUE_LIST)
		return false;
	for (size_t i = 0; i < list->list.n; i++)
		if (!is_right(&list->list.items[i]))
			return false;
	return true;
}

static bool is_names(const struct value *value)
{
	return all_are(value, is_text) && value->list.n > 0;
}

static bool is_lists_of_names(const struct value *value)
{
	return all_are(value, is_names);
}

static bool is_named_object(const struct value *value)
{
	const struct value *name = value_get(value, "name");
	return name && is_text(name);
}

static bool is_named_objects(const struct value *value)
{
	return all_are(value, is_named_object);
}

static bool is_typed_object(const struct value *value)
{
	const struct value *type = value_get(value, "type");
	return type && is_text(type);
}

static const struct {
	const char *key;
	bool (*is_right)(const struct value *);
	const char *expected;
} meta_rules[] = { /* each has an operation of its own */
	{"db_table", is_text, "a name"},
	{"db_table_comment", is_text, "a text"},
	{"order_with_respect_to", is_text, "a field's name"},
	{"primary_key", is_names, "an array of fields' names"},
	{"unique_together", is_lists_of_names, "an array of arrays of fields' names"},
	{"indexes", is_named_objects, "an array of indexes with names"},
	{"constraints", is_named_objects, "an array of constraints with names"},
};

enum { META_RULES = sizeof meta_rules / sizeof *meta_rules };

static bool check_meta(const struct value *meta, bool is_options, struct error *error)
{
	for (size_t i = 0; i < META_RULES; i++) {
		const struct value *value = value_get(meta, meta_rules[i].key);
		if (value && is_options)
			return error_set(error, ERROR_VALUE, value->pos,
			                 "\"%s\" is changed by an operation of its own", meta_rules[i].key);
		if (value && !meta_rules[i].is_right(value))
			return error_set(error, ERROR_VALUE, value->pos, "\"%s\": expected %s",
			                 meta_rules[i].key, meta_rules[i].expected);
	}
	return true;
}

static bool check_fields(const struct value *fields, struct error *error)
{
	for (size_t i = 0; i < fields->object.n; i++)
		if (!is_typed_object(&fields->object.members[i].value))
			return error_set(error, ERROR_VALUE, fields->object.members[i].value.pos,
			                 "expected an object such as {\"type\": \"TextField\"}");
	return true;
}

/* The body of an operation that sets one member of Meta. */
static bool check_option(const struct operation *operation, const char *key, const struct value *at,
                         struct error *error)
{
	for (size_t i = 0; operation->body && i < META_RULES; i++)
		if (strcmp(meta_rules[i].key, key) == 0 && !meta_rules[i].is_right(operation->body))
			return error_set(error, ERROR_VALUE, at->pos, "\"%s\": expected %s or null", key,
			                 meta_rules[i].expected);
	return true;
}

bool operation_check(const struct operation *operation, const struct value *at, struct error *error)
{
	switch (operation->kind) {
	case OP_CREATE_MODEL:
		return check_fields(operation->fields, error) && check_meta(operation->body, false, error);
	case OP_ALTER_MODEL_OPTIONS:
		return check_meta(operation->body, true, error);
	case OP_ADD_FIELD:
	case OP_ALTER_FIELD:
		if (!is_typed_object(operation->body))
			return error_set(error, ERROR_VALUE, operation->body->pos,
			                 "expected an object such as {\"type\": \"TextField\"}");
		return true;
	case OP_ALTER_MODEL_TABLE:
		return check_option(operation, "db_table", at, error);
	case OP_ALTER_MODEL_TABLE_COMMENT:
		return check_option(operation, "db_table_comment", at, error);
	case OP_ALTER_UNIQUE_TOGETHER:
		return check_option(operation, "unique_together", at, error);
	case OP_ALTER_ORDER_WITH_RESPECT_TO:
		return check_option(operation, "order_with_respect_to", at, error);
	case OP_ALTER_PRIMARY_KEY:
		return check_option(operation, "primary_key", at, error);
	case OP_DELETE_MODEL:
	case OP_RENAME_MODEL:
	case OP_REMOVE_FIELD:
	case OP_RENAME_FIELD:
	case OP_ADD_INDEX:
	case OP_REMOVE_INDEX:
	case OP_ADD_CONSTRAINT:
	case OP_REMOVE_CONSTRAINT:
	case OP_RUN_SQL:
	case OPERATION_KINDS:
		return true;
	}
	return true;
}
