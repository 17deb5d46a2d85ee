/* Generated columns: taken away before the columns that they are computed from change, and made behind them. */
#include "orm/migrate/detect_parts.h"
#include "orm/migrate/edit.h"

bool declaration_is_generated(const struct value *declaration)
{
	return str_is(edit_get_text(declaration, "type"), "GeneratedField");
}

static bool is_key_of(struct str key, struct str field)
{
	return str_starts(key, field) &&
	       (key.n == field.n || str_starts(str_sub(key, field.n, key.n - field.n), STR("__")));
}

/* Whether an expression has to do with the field: names it, or may do so in SQL. */
static bool mentions(const struct value *value, struct str field)
{
	if (value->kind == VALUE_TEXT)
		return is_key_of(value->text, field);
	for (size_t i = 0; value->kind == VALUE_LIST && i < value->list.n; i++)
		if (mentions(&value->list.items[i], field))
			return true;
	for (size_t i = 0; value->kind == VALUE_OBJECT && i < value->object.n; i++) {
		const struct member *member = &value->object.members[i];
		bool is_sql = str_is(member->key, "RawSQL");
		if (is_sql || is_key_of(member->key, field) || mentions(&member->value, field))
			return true;
	}
	return false;
}

static bool is_of(const struct value *declaration, struct str field)
{
	const struct value *expression = value_get(declaration, "expression");
	return expression && mentions(expression, field);
}

/* Whether the column of one declaration could have another type than that of the other. */
static bool has_other_type(const struct value *was, const struct value *is)
{
	static const char *const keys[] = {"type",         "max_length",     "max_digits", "base_field",
	                                   "decimal_places", "db_collation", "db_type",    "to",
	                                   "to_field"};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (!edit_same(value_get(was, keys[i]), value_get(is, keys[i])))
			return true;
	return false;
}

bool detect_rests_on_altered(struct detection *d, const struct kept *kept,
                             const struct project_field *generated)
{
	for (size_t i = 0; i < kept->is->fields.n; i++) {
		const struct project_field *is = &kept->is->fields.items[i];
		const struct project_field *was = detect_old_field(d, kept, is);
		if (was && is != generated && is_of(generated->declaration, is->name) &&
		    has_other_type(detect_said_today(d, was->declaration), is->declaration))
			return true;
	}
	return false;
}

void detect_after_computed(struct detection *d, struct detected *change, const struct kept *kept)
{
	for (size_t i = 0; i < kept->was->fields.n; i++)
		if (declaration_is_generated(kept->was->fields.items[i].declaration))
			detect_after(d, change, AFTER_FIELD_REMOVED, kept->is->name,
			             kept->was->fields.items[i].name);
}

void detect_after_sources(struct detection *d, struct detected *addition, const struct kept *kept,
                          const struct value *declaration)
{
	for (size_t i = 0; i < kept->is->fields.n; i++) {
		struct str name = kept->is->fields.items[i].name;
		if (str_eq(name, addition->operation.name) || !is_of(declaration, name))
			continue;
		detect_after(d, addition, AFTER_FIELD_ADDED, kept->is->name, name);
		detect_after(d, addition, AFTER_FIELD_ALTERED, kept->is->name, name);
	}
}
