/* Literals and the places where they stood. */
#include "orm/base/value.h"

#include "orm/base/error.h"

const struct pos *pos_member(struct arena *arena, const struct pos *parent, struct str key)
{
	struct pos *pos = ARENA_NEW(arena, struct pos);
	*pos = (struct pos){.parent = parent, .key = key};
	return pos;
}

const struct pos *pos_item(struct arena *arena, const struct pos *parent, size_t index)
{
	struct pos *pos = ARENA_NEW(arena, struct pos);
	*pos = (struct pos){.parent = parent, .index = index};
	return pos;
}

static struct str pos_step(struct arena *arena, const struct pos *pos)
{
	struct buf text = {0};
	buf_add_char(&text, pos->is_parameter ? '?' : '/');
	if (!pos->key.p)
		buf_add_int(&text, (int64_t)pos->index);
	for (size_t i = 0; pos->key.p && i < pos->key.n; i++) {
		char c = pos->key.p[i];
		if (c == '~' && !pos->is_parameter)
			BUF_LIT(&text, "~0");
		else if (c == '/' && !pos->is_parameter)
			BUF_LIT(&text, "~1");
		else
			buf_add_char(&text, c);
	}
	struct str step = arena_str(arena, buf_str(&text));
	buf_release(&text);
	return step;
}

struct str pos_pointer(struct arena *arena, const struct pos *pos)
{
	struct str pointer = STR("");
	for (; pos; pos = pos->parent) {
		pointer = arena_concat(arena, pos_step(arena, pos), pointer);
		if (pos->is_parameter)
			break;
	}
	return pointer;
}

const struct value *value_get(const struct value *value, const char *key)
{
	if (!value || value->kind != VALUE_OBJECT)
		return NULL;
	for (size_t i = 0; i < value->object.n; i++)
		if (str_is(value->object.members[i].key, key))
			return &value->object.members[i].value;
	return NULL;
}

const char *value_kind_name(enum value_kind kind)
{
	static const char *const names[] = {
		[VALUE_NULL] = "null",        [VALUE_BOOL] = "a boolean", [VALUE_INT] = "an integer",
		[VALUE_REAL] = "a number",    [VALUE_TEXT] = "a string",  [VALUE_LIST] = "an array",
		[VALUE_OBJECT] = "an object",
	};
	return names[kind];
}

static void write_list(const struct value *value, struct buf *out)
{
	buf_add_char(out, '[');
	for (size_t i = 0; i < value->list.n; i++) {
		if (i)
			buf_add_char(out, ',');
		value_write_json(&value->list.items[i], out);
	}
	buf_add_char(out, ']');
}

static void write_object(const struct value *value, struct buf *out)
{
	buf_add_char(out, '{');
	for (size_t i = 0; i < value->object.n; i++) {
		const struct member *member = &value->object.members[i];
		if (i)
			buf_add_char(out, ',');
		buf_add_json(out, member->key);
		buf_add_char(out, ':');
		value_write_json(&member->value, out);
	}
	buf_add_char(out, '}');
}

void value_write_json(const struct value *value, struct buf *out)
{
	switch (value->kind) {
	case VALUE_NULL:
		BUF_LIT(out, "null");
		break;
	case VALUE_BOOL:
		buf_add(out, value->boolean ? STR("true") : STR("false"));
		break;
	case VALUE_INT:
		buf_add_int(out, value->integer);
		break;
	case VALUE_REAL:
		buf_add_real(out, value->real);
		break;
	case VALUE_TEXT:
		buf_add_json(out, value->text);
		break;
	case VALUE_LIST:
		write_list(value, out);
		break;
	case VALUE_OBJECT:
		write_object(value, out);
		break;
	}
}

struct str real_to_text(struct arena *arena, double real)
{
	struct buf text = {0};
	buf_add_real(&text, real);
	struct str copy = arena_str(arena, buf_str(&text));
	buf_release(&text);
	return copy;
}

static bool list_eq(const struct value *a, const struct value *b)
{
	if (a->list.n != b->list.n)
		return false;
	for (size_t i = 0; i < a->list.n; i++)
		if (!value_eq(&a->list.items[i], &b->list.items[i]))
			return false;
	return true;
}

static const struct value *find_member(const struct value *object, struct str key)
{
	for (size_t i = 0; i < object->object.n; i++)
		if (str_eq(object->object.members[i].key, key))
			return &object->object.members[i].value;
	return NULL;
}

static bool object_eq(const struct value *a, const struct value *b)
{
	if (a->object.n != b->object.n)
		return false;
	for (size_t i = 0; i < a->object.n; i++) {
		const struct member *member = &a->object.members[i];
		const struct value *other = find_member(b, member->key);
		if (!other || !value_eq(&member->value, other))
			return false;
	}
	return true;
}

bool value_eq(const struct value *a, const struct value *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case VALUE_NULL:
		return true;
	case VALUE_BOOL:
		return a->boolean == b->boolean;
	case VALUE_INT:
		return a->integer == b->integer;
	case VALUE_REAL:
		return a->real <= b->real && a->real >= b->real;
	case VALUE_TEXT:
		return str_eq(a->text, b->text);
	case VALUE_LIST:
		return list_eq(a, b);
	case VALUE_OBJECT:
		return object_eq(a, b);
	}
	BUG("value of kind %d", (int)a->kind);
}

struct value value_copy(struct arena *arena, const struct value *value)
{
	struct value copy = *value;

	copy.pos = NULL;
	if (value->kind == VALUE_TEXT) {
		copy.text = arena_str(arena, value->text);
	} else if (value->kind == VALUE_LIST) {
		struct value *items = ARENA_ARRAY(arena, struct value, value->list.n);

		for (size_t i = 0; i < value->list.n; i++)
			items[i] = value_copy(arena, &value->list.items[i]);
		copy.list.items = items;
	} else if (value->kind == VALUE_OBJECT) {
		struct member *members = ARENA_ARRAY(arena, struct member, value->object.n);

		for (size_t i = 0; i < value->object.n; i++) {
			members[i].key = arena_str(arena, value->object.members[i].key);
			members[i].value = value_copy(arena, &value->object.members[i].value);
		}
		copy.object.members = members;
	}
	return copy;
}
