/* The build of a registry, pass by pass, and what all passes use: mistakes, names, finding drafts. */
#include "orm/model/build.h"

#include "orm/model/draft.h"

#include <stdlib.h>

/* Longest identifier of PostgreSQL, in bytes. */
enum { IDENTIFIER_MAX = 63 };

static bool is_noted(const struct build *b, const struct pos *pos, struct str message)
{
	for (size_t i = 0; i < b->mistakes.n; i++) {
		const struct mistake *m = &b->mistakes.items[i];
		if (m->pos == pos && m->source == b->source && str_eq(m->message, message))
			return true;
	}
	return false;
}

static void add_mistake(struct build *b, const struct pos *pos, struct str message,
                        struct str suggestion)
{
	if (is_noted(b, pos, message))
		return;
	*ARENA_PUSH(b->arena, &b->mistakes) = (struct mistake){
		.pos = pos, .source = b->source, .message = message, .suggestion = suggestion};
}

void note(struct build *b, const struct pos *pos, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	add_mistake(b, pos, arena_vprintf(b->arena, format, args), (struct str){NULL, 0});
	va_end(args);
}

void note_near(struct build *b, const struct pos *pos, struct str word,
               const struct str *candidates, size_t n, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	/* An empty word stands for what is no text at all. */
	struct str near = word.n > 0 ? suggest_nearest(word, candidates, n) : (struct str){NULL, 0};
	add_mistake(b, pos, arena_vprintf(b->arena, format, args), near);
	va_end(args);
}

struct str value_shown(struct build *b, const struct value *value)
{
	enum { SHOWN_MAX = 80 };
	struct buf json = {0};
	value_write_json(value, &json);
	struct str shown = arena_str(b->arena, buf_str(&json));
	buf_release(&json);
	if (shown.n <= SHOWN_MAX)
		return shown;
	size_t n = SHOWN_MAX;
	while (((unsigned char)shown.p[n] & 0xC0) == 0x80)
		n--;
	return arena_concat(b->arena, str_sub(shown, 0, n), STR("…"));
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

const char *name_fault(struct str name)
{
	if (name.n == 0 || !is_letter(name.p[0]))
		return "must begin with a letter";
	for (size_t i = 0; i < name.n; i++)
		if (!is_letter(name.p[i]) && !(name.p[i] >= '0' && name.p[i] <= '9') && name.p[i] != '_')
			return "may hold only letters, digits and underscores";
	if (name.p[name.n - 1] == '_')
		return "may not end with an underscore";
	if (str_find(name, STR("__")) >= 0)
		return "may not hold two underscores in a row";
	return NULL;
}

const char *identifier_fault(struct str name)
{
	if (name.n == 0)
		return "is empty";
	if (name.n > IDENTIFIER_MAX)
		return "is longer than 63 bytes";
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] < ' ' || name.p[i] == '"' || name.p[i] == 127)
			return "may hold neither quotes nor control characters";
	return NULL;
}

struct str fill_in_names(struct build *b, struct str text, struct str model_name)
{
	static const char *const words[] = {"%(class)s", "%(model_name)s", "%(app_label)s"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		struct str word = str_of(words[i]);
		struct str with = i < 2 ? arena_lower(b->arena, model_name) : STR("");
		ptrdiff_t at;
		while ((at = str_find(text, word)) >= 0) {
			size_t behind = (size_t)at + word.n;
			text = arena_printf(b->arena, "%.*s%.*s%.*s", (int)at, text.p, STR_ARG(with),
			                    (int)(text.n - behind), text.p + behind);
		}
	}
	return text;
}

struct draft *draft_find(struct build *b, struct str name)
{
	for (size_t i = 0; i < b->drafts.n; i++)
		if (str_eq(b->drafts.items[i]->name, name))
			return b->drafts.items[i];
	return NULL;
}

struct draft *draft_of(struct build *b, const struct model *model)
{
	for (size_t i = 0; i < b->drafts.n; i++)
		if (b->drafts.items[i]->model == model)
			return b->drafts.items[i];
	BUG("a model without a draft");
}

struct draft_field *draft_field_find(struct draft *draft, struct str name, bool takes_attname)
{
	for (size_t i = 0; i < draft->fields.n; i++) {
		struct draft_field *df = draft->fields.items[i];
		if (str_eq(df->name, name))
			return df;
		if (takes_attname && df->field && str_eq(df->field->attname, name))
			return df;
	}
	return NULL;
}

struct draft_field *draft_add_field(struct build *b, struct draft *draft, struct str name,
                                    const struct value *declaration)
{
	struct draft_field *df = ARENA_NEW(b->arena, struct draft_field);
	df->name = name;
	df->declaration = declaration;
	df->pos = declaration ? declaration->pos : draft->pos;
	df->source = b->source;
	*ARENA_PUSH(b->arena, &draft->fields) = df;
	return df;
}

size_t draft_field_names(struct build *b, struct draft *draft, const struct str **names)
{
	struct str *list = ARENA_ARRAY(b->arena, struct str, draft->fields.n + 1);
	for (size_t i = 0; i < draft->fields.n; i++)
		list[i] = draft->fields.items[i]->name;
	*names = list;
	return draft->fields.n;
}

size_t draft_names(struct build *b, const struct str **names)
{
	struct str *list = ARENA_ARRAY(b->arena, struct str, b->drafts.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < b->drafts.n; i++)
		if (!b->drafts.items[i]->is_abstract && !b->drafts.items[i]->joins)
			list[n++] = b->drafts.items[i]->name;
	*names = list;
	return n;
}

static void each_model(struct build *b, void (*pass)(struct build *, struct draft *))
{
	for (size_t i = 0; i < b->drafts.n; i++) {
		b->source = b->drafts.items[i]->source;
		if (b->drafts.items[i]->model)
			pass(b, b->drafts.items[i]);
	}
}

static void make_all_fields(struct build *b)
{
	for (size_t i = 0; i < b->drafts.n; i++)
		make_fields(b, b->drafts.items[i]);
}

static int by_text(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Models and paths into the registry's lists, sorted where names are suggested from. */
static void freeze(struct build *b)
{
	struct registry *registry = b->registry;
	const struct model **models = ARENA_ARRAY(b->arena, const struct model *, b->drafts.n + 1);
	struct str *paths = ARENA_ARRAY(b->arena, struct str, b->drafts.n + 1);
	for (size_t i = 0; i < b->drafts.n; i++) {
		struct draft *draft = b->drafts.items[i];
		if (!draft->model)
			continue;
		draft->model->index = registry->nmodels;
		draft->model->reverse = draft->reverse.items;
		draft->model->nreverse = draft->reverse.n;
		paths[registry->nmodels] = draft->model->path;
		models[registry->nmodels++] = draft->model;
	}
	qsort(paths, registry->nmodels, sizeof *paths, by_text);
	registry->models = models;
	registry->paths = paths;
	registry->npaths = registry->nmodels;
}

const struct registry *registry_build(struct arena *arena, const struct value *const *documents,
                                      size_t ndocuments, struct mistakes *mistakes)
{
	struct build b = {.arena = arena, .registry = ARENA_NEW(arena, struct registry)};
	b.registry->arena = arena;
	read_documents(&b, documents, ndocuments);
	gather_fields(&b);
	make_models(&b);
	make_all_fields(&b);
	each_model(&b, make_keys);
	resolve_relations(&b);
	resolve_targets(&b);
	name_reverse_sides(&b);
	make_members(&b);
	each_model(&b, check_values);
	each_model(&b, read_meta);
	each_model(&b, read_constraints);
	check_names(&b);
	freeze(&b);
	*mistakes = (struct mistakes){b.mistakes.items, b.mistakes.n};
	return b.mistakes.n == 0 ? b.registry : NULL;
}
