/* Makes and changes values; see edit.h.  Holds no rule about models. */
#include "orm/migrate/edit.h"

#include "orm/base/error.h"

enum { LINE_MAX_BYTES = 110 };

void members_put_named(struct members *members, struct str key, const struct value *value)
{
	*ARENA_PUSH(members->arena, members) = (struct member){.key = key, .value = *value};
}

void members_put(struct members *members, const char *key, const struct value *value)
{
	if (value)
		members_put_named(members, str_of(key), value);
}

void members_put_text(struct members *members, const char *key, struct str text)
{
	members_put(members, key, edit_text(members->arena, text));
}

const struct value *members_end(struct members *members)
{
	struct value *object = ARENA_NEW(members->arena, struct value);
	object->kind = VALUE_OBJECT;
	object->object.members = members->items;
	object->object.n = members->n;
	return object;
}

const struct value *edit_text(struct arena *arena, struct str text)
{
	struct value *value = ARENA_NEW(arena, struct value);
	*value = (struct value){.kind = VALUE_TEXT, .text = text};
	return value;
}

const struct value *edit_bool(struct arena *arena, bool boolean)
{
	struct value *value = ARENA_NEW(arena, struct value);
	*value = (struct value){.kind = VALUE_BOOL, .boolean = boolean};
	return value;
}

const struct value *edit_null(void)
{
	static const struct value null = {.kind = VALUE_NULL};
	return &null;
}

const struct value *edit_empty_object(void)
{
	static const struct value empty = {.kind = VALUE_OBJECT};
	return &empty;
}

const struct value *edit_list(struct arena *arena, const struct value *const *items, size_t n)
{
	struct value *list = ARENA_NEW(arena, struct value), *copies = ARENA_ARRAY(arena, struct value, n);
	for (size_t i = 0; i < n; i++)
		copies[i] = *items[i];
	list->kind = VALUE_LIST;
	list->list.items = copies;
	list->list.n = n;
	return list;
}

const struct value *edit_with(struct arena *arena, const struct value *object, const char *key,
                              const struct value *value)
{
	struct members members = {.arena = arena};
	bool is_set = false;
	for (size_t i = 0; i < object->object.n; i++) {
		const struct member *member = &object->object.members[i];
		bool is_it = str_is(member->key, key);
		is_set = is_set || is_it;
		if (!is_it)
			members_put_named(&members, member->key, &member->value);
		else if (value)
			members_put_named(&members, member->key, value);
	}
	if (value && !is_set)
		members_put(&members, key, value);
	return members_end(&members);
}

static const struct value *renamed_text(struct arena *arena, const struct value *value,
                                        struct str from, struct str to)
{
	if (str_eq(value->text, from))
		return edit_text(arena, to);
	if (str_starts(value->text, STR("-")) &&
	    str_eq(str_sub(value->text, 1, value->text.n - 1), from))
		return edit_text(arena, arena_concat(arena, STR("-"), to));
	return value;
}

static const struct value *renamed_list(struct arena *arena, const struct value *value,
                                        struct str from, struct str to)
{
	const struct value **items = ARENA_ARRAY(arena, const struct value *, value->list.n);
	for (size_t i = 0; i < value->list.n; i++)
		items[i] = edit_renamed(arena, &value->list.items[i], from, to);
	return edit_list(arena, items, value->list.n);
}

const struct value *edit_renamed(struct arena *arena, const struct value *value, struct str from,
                                 struct str to)
{
	if (value->kind == VALUE_TEXT)
		return renamed_text(arena, value, from, to);
	if (value->kind == VALUE_LIST)
		return renamed_list(arena, value, from, to);
	if (value->kind != VALUE_OBJECT)
		return value;
	struct members members = {.arena = arena};
	for (size_t i = 0; i < value->object.n; i++) {
		const struct member *member = &value->object.members[i];
		members_put_named(&members, member->key, edit_renamed(arena, &member->value, from, to));
	}
	return members_end(&members);
}

struct str edit_get_text(const struct value *object, const char *key)
{
	const struct value *value = value_get(object, key);
	return value && value->kind == VALUE_TEXT ? value->text : (struct str){0};
}

bool edit_get_bool(const struct value *object, const char *key)
{
	const struct value *value = value_get(object, key);
	return value && value->kind == VALUE_BOOL && value->boolean;
}

bool edit_same(const struct value *a, const struct value *b)
{
	if (!a || !b)
		return a == b;
	return value_eq(a, b);
}

/* ---- text for people ---- */

static void spaced(const struct value *value, struct buf *out);

static void spaced_object(const struct value *value, struct buf *out)
{
	BUF_LIT(out, "{");
	for (size_t i = 0; i < value->object.n; i++) {
		if (i > 0)
			BUF_LIT(out, ", ");
		buf_add_json(out, value->object.members[i].key);
		BUF_LIT(out, ": ");
		spaced(&value->object.members[i].value, out);
	}
	BUF_LIT(out, "}");
}

/* On one line, with a space behind commas and colons. */
static void spaced(const struct value *value, struct buf *out)
{
	if (value->kind == VALUE_OBJECT) {
		spaced_object(value, out);
		return;
	}
	if (value->kind != VALUE_LIST) {
		value_write_json(value, out);
		return;
	}
	BUF_LIT(out, "[");
	for (size_t i = 0; i < value->list.n; i++) {
		if (i > 0)
			BUF_LIT(out, ", ");
		spaced(&value->list.items[i], out);
	}
	BUF_LIT(out, "]");
}

static void indent(unsigned depth, struct buf *out)
{
	BUF_LIT(out, "\n");
	for (unsigned i = 0; i < depth; i++)
		BUF_LIT(out, "  ");
}

static bool fits(const struct value *value, unsigned depth)
{
	struct buf line = {0};
	spaced(value, &line);
	bool is_short = line.n + 2 * (size_t)depth <= LINE_MAX_BYTES;
	buf_release(&line);
	return is_short;
}

void edit_write_pretty(const struct value *value, unsigned depth, struct buf *out)
{
	bool is_object = value->kind == VALUE_OBJECT;
	size_t n = is_object ? value->object.n : value->kind == VALUE_LIST ? value->list.n : 0;
	if (n == 0 || (depth > 0 && fits(value, depth))) {
		spaced(value, out);
		return;
	}
	buf_add_char(out, is_object ? '{' : '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			BUF_LIT(out, ",");
		indent(depth + 1, out);
		if (is_object) {
			buf_add_json(out, value->object.members[i].key);
			BUF_LIT(out, ": ");
		}
		edit_write_pretty(is_object ? &value->object.members[i].value : &value->list.items[i],
		                  depth + 1, out);
	}
	indent(depth, out);
	buf_add_char(out, is_object ? '}' : ']');
}
