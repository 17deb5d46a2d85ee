/* One migration file: its document and its name. */
#include "orm/migrate/migration.h"

#include "orm/migrate/edit.h"

#include <time.h>

enum { NAME_MAX_BYTES = 52, NAME_LETTERS_MAX = 150 };

bool names_have(const struct names *names, struct str name)
{
	for (size_t i = 0; i < names->n; i++)
		if (str_eq(names->items[i], name))
			return true;
	return false;
}

/* ---- reading ---- */

static bool read_names(struct arena *arena, const struct value *list, struct names *names,
                       struct error *error)
{
	if (list->kind != VALUE_LIST)
		return error_set(error, ERROR_VALUE, list->pos, "expected an array of migrations' names");
	for (size_t i = 0; i < list->list.n; i++) {
		if (list->list.items[i].kind != VALUE_TEXT)
			return error_set(error, ERROR_VALUE, list->list.items[i].pos,
			                 "expected a migration's name, as a string");
		*ARENA_PUSH(arena, names) = list->list.items[i].text;
	}
	return true;
}

static bool read_operations(struct arena *arena, const struct value *list,
                            struct operations *operations, struct error *error)
{
	if (list->kind != VALUE_LIST)
		return error_set(error, ERROR_VALUE, list->pos, "expected an array of operations");
	for (size_t i = 0; i < list->list.n; i++)
		if (!operation_read(arena, &list->list.items[i], ARENA_PUSH(arena, operations), error))
			return false;
	return true;
}

static bool read_member(struct arena *arena, const struct member *member,
                        struct migration *migration, struct error *error)
{
	const struct value *value = &member->value;
	if (str_is(member->key, "dependencies"))
		return read_names(arena, value, &migration->dependencies, error);
	if (str_is(member->key, "replaces"))
		return read_names(arena, value, &migration->replaces, error);
	if (str_is(member->key, "operations"))
		return read_operations(arena, value, &migration->operations, error);
	if (str_is(member->key, "atomic") && value->kind == VALUE_BOOL) {
		migration->is_whole = value->boolean;
		return true;
	}
	if (str_is(member->key, "$schema"))
		return true;
	return error_set(error, ERROR_VALUE, value->pos,
	                 "unknown member \"%.*s\": expected dependencies, operations, replaces, or "
	                 "\"atomic\": true",
	                 STR_ARG(member->key));
}

bool migration_read(struct arena *arena, const struct migration_document *file,
                    struct migration *migration, struct error *error)
{
	*migration = (struct migration){.name = file->name};
	if (file->document->kind != VALUE_OBJECT)
		return error_set(error, ERROR_VALUE, NULL, "expected an object with \"operations\"");
	for (size_t i = 0; i < file->document->object.n; i++)
		if (!read_member(arena, &file->document->object.members[i], migration, error))
			return false;
	if (!value_get(file->document, "operations"))
		return error_set(error, ERROR_VALUE, NULL, "expected a member \"operations\"");
	if (names_have(&migration->replaces, file->name))
		return error_set(error, ERROR_VALUE, value_get(file->document, "replaces")->pos,
		                 "a migration cannot replace itself");
	return true;
}

/* ---- writing ---- */

static const struct value *names_value(struct arena *arena, const struct names *names)
{
	const struct value **items = ARENA_ARRAY(arena, const struct value *, names->n);
	for (size_t i = 0; i < names->n; i++)
		items[i] = edit_text(arena, names->items[i]);
	return edit_list(arena, items, names->n);
}

struct str migration_write(struct arena *arena, const struct migration *migration)
{
	struct members file = {.arena = arena};
	struct buf text = {0};
	size_t n = migration->operations.n;
	const struct value **operations = ARENA_ARRAY(arena, const struct value *, n);
	for (size_t i = 0; i < n; i++)
		operations[i] = operation_write(arena, &migration->operations.items[i]);
	if (migration->replaces.n > 0)
		members_put(&file, "replaces", names_value(arena, &migration->replaces));
	members_put(&file, "dependencies", names_value(arena, &migration->dependencies));
	if (migration->is_whole)
		members_put(&file, "atomic", edit_bool(arena, true));
	members_put(&file, "operations", edit_list(arena, operations, n));
	edit_write_pretty(members_end(&file), 0, &text);
	BUF_LIT(&text, "\n");
	struct str written = arena_str(arena, buf_str(&text));
	buf_release(&text);
	return written;
}

/* ---- names ---- */

unsigned migration_number(struct str name)
{
	unsigned number = 0;
	for (size_t i = 0; i < name.n && i < 8 && name.p[i] >= '0' && name.p[i] <= '9'; i++)
		number = number * 10 + (unsigned)(name.p[i] - '0');
	return number;
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       c == '-';
}

static struct str by_time(struct arena *arena)
{
	char text[32];
	struct tm now;
	time_t seconds = time(NULL);
	gmtime_r(&seconds, &now);
	strftime(text, sizeof text, "auto_%Y%m%d_%H%M", &now);
	return arena_str(arena, str_of(text));
}

static struct str worded(struct arena *arena, const struct operations *operations)
{
	struct str name = STR("");
	for (size_t i = 0; i < operations->n; i++) {
		struct str part = operation_fragment(arena, &operations->items[i]);
		if (!part.p)
			return by_time(arena);
		if (i == 0) {
			name = part;
			continue;
		}
		if (name.n + 1 + part.n > NAME_MAX_BYTES)
			return arena_concat(arena, name, STR("_and_more"));
		name = arena_printf(arena, "%.*s_%.*s", STR_ARG(name), STR_ARG(part));
	}
	return name.n > 0 ? name : by_time(arena);
}

bool migration_is_name(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!is_plain(name.p[i]))
			return false;
	return name.n > 0 && name.n <= NAME_LETTERS_MAX;
}

/* Indexes and constraints may have any characters in their names, and file names may not. */
static struct str plain(struct arena *arena, struct str words)
{
	char *text = ARENA_ARRAY(arena, char, words.n + 1);
	for (size_t i = 0; i < words.n; i++)
		text[i] = is_plain(words.p[i]) ? words.p[i] : '_';
	return (struct str){text, words.n};
}

struct str migration_name(struct arena *arena, unsigned number, const struct operations *operations,
                          struct str name)
{
	if (name.n == 0)
		name = number == 1 ? STR("initial") : plain(arena, worded(arena, operations));
	return arena_printf(arena, "%04u_%.*s", number, STR_ARG(name));
}

bool migration_apply(const struct migration *migration, struct project *project,
                     struct error *error)
{
	for (size_t i = 0; i < migration->operations.n; i++) {
		if (operation_apply(&migration->operations.items[i], project, error))
			continue;
		error->detail = arena_printf(error->arena, "%.*s, operation %zu: %.*s",
		                             STR_ARG(migration->name), i + 1, STR_ARG(error->detail));
		return false;
	}
	return true;
}
