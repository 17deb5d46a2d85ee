/* Model files: found, read, put together, and their mistakes told with file, line and column.
 *
 * What a declaration means is decided in orm/model; this file knows where each document came from.
 */
#include "config/models_file.h"

#include "config/file.h"
#include "orm/model/build.h"
#include "orm/wire/json.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Model files are written by the operator; the limits only keep a wrong file from eating the machine. */
static const struct json_limits file_limits = {
	.bytes = 64 * 1024 * 1024, .depth = 100, .nodes = 2000000};

struct source {
	struct str file; /* as a person would name it */
	struct str text;
	const struct value *document;
};

struct loading {
	struct arena *arena;
	struct buf *report;
	struct {
		struct source *items;
		size_t n, cap;
	} sources;
	unsigned nfaults; /* files that cannot be read */
};

static void fault(struct loading *l, struct str file, const char *words)
{
	buf_printf(l->report, "%.*s: %s\n", STR_ARG(file), words);
	l->nfaults++;
}

static void load_file(struct loading *l, struct str file)
{
	struct source source = {.file = file};
	struct json_place place;
	struct error error;
	error_init(&error, l->arena);
	const char *problem =
		file_read(l->arena, arena_cstr(l->arena, file), file_limits.bytes, &source.text);
	if (problem) {
		fault(l, file, problem);
		return;
	}
	if (!json_read_placed(l->arena, source.text, &file_limits, &source.document, &place, &error)) {
		struct str at =
			arena_printf(l->arena, "%.*s:%u:%u", STR_ARG(file), place.line, place.column);
		fault(l, at, arena_cstr(l->arena, error.detail));
		return;
	}
	*ARENA_PUSH(l->arena, &l->sources) = source;
}

static int is_json_file(const struct dirent *entry)
{
	struct str name = str_of(entry->d_name);
	return name.p[0] != '.' && str_ends(name, STR(".json")) && !str_ends(name, STR(".schema.json"));
}

/* The folder's *.json files in order of their names; hidden files and schemas are none. */
static void load_folder(struct loading *l, struct str folder)
{
	struct dirent **entries;
	int n = scandir(arena_cstr(l->arena, folder), &entries, is_json_file, alphasort);
	if (n < 0) {
		fault(l, folder, strerror(errno));
		return;
	}
	if (n == 0)
		fault(l, folder, "no *.json file in this folder");
	if (str_ends(folder, STR("/")))
		folder = str_sub(folder, 0, folder.n - 1);
	for (int i = 0; i < n; i++) {
		load_file(l, arena_printf(l->arena, "%.*s/%s", STR_ARG(folder), entries[i]->d_name));
		free(entries[i]);
	}
	free(entries);
}

static void load_path(struct loading *l, struct str path)
{
	struct stat info;
	if (stat(arena_cstr(l->arena, path), &info) != 0)
		fault(l, path, strerror(errno));
	else if (S_ISDIR(info.st_mode))
		load_folder(l, path);
	else
		load_file(l, path);
}

/* A path that exists as it is, else several separated by commas. */
static void load_paths(struct loading *l, const char *path)
{
	struct stat info;
	struct str rest = str_of(path);
	if (stat(path, &info) == 0 || str_find(rest, STR(",")) < 0) {
		load_path(l, rest);
		return;
	}
	while (rest.p) {
		struct str part = str_trim(str_cut(&rest, STR(",")));
		if (part.n > 0)
			load_path(l, part);
	}
}

/* A mistake with its place found. */
struct found {
	const struct mistake *mistake;
	unsigned line, column;
};

static int by_place(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	if (x->mistake->source != y->mistake->source)
		return x->mistake->source < y->mistake->source ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->column < y->column ? -1 : x->column > y->column;
}

static void report_mistake(struct loading *l, const struct found *found)
{
	const struct mistake *m = found->mistake;
	buf_printf(l->report, "%.*s:%u:%u: %.*s", STR_ARG(l->sources.items[m->source].file),
	           found->line, found->column, STR_ARG(m->message));
	if (m->suggestion.p)
		buf_printf(l->report, " (did you mean \"%.*s\"?)", STR_ARG(m->suggestion));
	struct str pointer = pos_pointer(l->arena, m->pos);
	buf_printf(l->report, "\n    at %.*s\n", STR_ARG(pointer.n ? pointer : STR("/")));
}

static void report_mistakes(struct loading *l, const struct mistakes *mistakes)
{
	struct found *found = ARENA_ARRAY(l->arena, struct found, mistakes->n);
	for (size_t i = 0; i < mistakes->n; i++) {
		const struct mistake *m = &mistakes->items[i];
		found[i].mistake = m;
		json_locate(l->sources.items[m->source].text, m->pos, &found[i].line, &found[i].column);
	}
	qsort(found, mistakes->n, sizeof *found, by_place);
	for (size_t i = 0; i < mistakes->n; i++)
		report_mistake(l, &found[i]);
}

const struct registry *models_load(struct arena *arena, const char *path, struct buf *report)
{
	struct loading l = {.arena = arena, .report = report};
	struct mistakes mistakes = {NULL, 0};
	const struct registry *registry = NULL;
	load_paths(&l, path);
	const struct value **documents = ARENA_ARRAY(arena, const struct value *, l.sources.n + 1);
	for (size_t i = 0; i < l.sources.n; i++)
		documents[i] = l.sources.items[i].document;
	if (l.sources.n > 0)
		registry = registry_build(arena, documents, l.sources.n, &mistakes);
	report_mistakes(&l, &mistakes);
	size_t n = l.nfaults + mistakes.n;
	if (n > 0)
		buf_printf(report, "%zu mistake%s in the models: nothing is served or migrated\n", n,
		           n == 1 ? "" : "s");
	return n == 0 ? registry : NULL;
}
