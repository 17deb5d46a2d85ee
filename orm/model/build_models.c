/* Drafts to models: the members of Meta by their kinds, the names of model, table and path.  What Meta
 * says about fields is read by build_meta.c, once there are fields.
 */
#include "orm/model/draft.h"

static const struct option meta_options[] = {
	{"abstract", 0, OPTION_BOOL},
	{"constraints", 0, OPTION_LIST},
	{"db_table", 0, OPTION_NAME},
	{"db_table_comment", 0, OPTION_TEXT},
	{"default_related_name", 0, OPTION_NAME},
	{"get_latest_by", 0, OPTION_FREE},
	{"indexes", 0, OPTION_LIST},
	{"managed", 0, OPTION_BOOL},
	{"notify", 0, OPTION_FREE},
	{"order_with_respect_to", 0, OPTION_NAME},
	{"ordering", 0, OPTION_LIST},
	{"path", 0, OPTION_NAME},
	{"primary_key", 0, OPTION_LIST},
	{"unique_together", 0, OPTION_LIST},
	{"verbose_name", 0, OPTION_TEXT},
	{"verbose_name_plural", 0, OPTION_TEXT},
};

#define META_OPTIONS (sizeof meta_options / sizeof *meta_options)

static void check_meta_option(struct build *b, const struct member *member)
{
	struct str names[META_OPTIONS];
	const char *expected;
	for (size_t i = 0; i < META_OPTIONS; i++) {
		names[i] = str_of(meta_options[i].name);
		if (!str_eq(member->key, names[i]))
			continue;
		if (!option_fits(meta_options[i].form, &member->value, &expected))
			note(b, member->value.pos, "Meta \"%s\": expected %s, but got %.*s",
			     meta_options[i].name, expected, STR_ARG(value_shown(b, &member->value)));
		return;
	}
	note_near(b, member->value.pos, member->key, names, META_OPTIONS,
	          "unknown Meta option \"%.*s\"", STR_ARG(member->key));
}

static struct str meta_text(const struct draft *draft, const char *name)
{
	const struct value *value = value_get(draft->meta, name);
	return value && value->kind == VALUE_TEXT ? value->text : (struct str){NULL, 0};
}

static const char *path_fault(struct str path)
{
	for (size_t i = 0; i < path.n; i++) {
		char c = path.p[i];
		bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!is_word && (i == 0 || (c != '.' && c != '-' && c != '_')))
			return "may hold only letters, digits, dots, hyphens and underscores, and begins with "
			       "a "
				   "letter or digit";
	}
	return NULL;
}

/* A table of another schema is written shop"."film, as in Django. */
static const char *table_fault(struct str table)
{
	struct str rest = table;
	const char *fault = identifier_fault(str_cut(&rest, STR("\".\"")));
	return fault || !rest.p ? fault : identifier_fault(rest);
}

static void name_table(struct build *b, struct draft *draft)
{
	struct model *model = draft->model;
	model->table = meta_text(draft, "db_table");
	if (!model->table.p) {
		model->table = django_truncate_name(b->arena, arena_lower(b->arena, model->name), 63);
		return;
	}
	const char *fault = table_fault(model->table);
	if (fault)
		note(b, value_get(draft->meta, "db_table")->pos, "the table's name \"%.*s\" %s",
		     STR_ARG(model->table), fault);
}

static void name_path(struct build *b, struct draft *draft)
{
	struct model *model = draft->model;
	model->path = meta_text(draft, "path");
	if (!model->path.p) {
		model->path = arena_lower(b->arena, model->name);
		return;
	}
	const char *fault = path_fault(model->path);
	if (fault)
		note(b, value_get(draft->meta, "path")->pos, "the path \"%.*s\" %s", STR_ARG(model->path),
		     fault);
}

/* "AccessGrant" -> "access grant" */
static struct str spoken_name(struct arena *arena, struct str name)
{
	struct buf text = {0};
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool is_upper = c >= 'A' && c <= 'Z';
		bool is_start = i > 0 && is_upper && !(name.p[i - 1] >= 'A' && name.p[i - 1] <= 'Z');
		if (is_start)
			buf_add_char(&text, ' ');
		buf_add_char(&text, is_upper ? (char)(c + ('a' - 'A')) : c);
	}
	struct str spoken = arena_str(arena, buf_str(&text));
	buf_release(&text);
	return spoken;
}

/* true, false, or {"channel": "…"}. */
static void read_notify(struct build *b, struct draft *draft)
{
	static const struct str known = STR_INIT("channel");
	const struct value *notify = value_get(draft->meta, "notify");
	const struct value *channel = value_get(notify, "channel");
	const char *fault;
	if (!notify || (notify->kind == VALUE_BOOL && !notify->boolean))
		return;
	draft->model->notify_channel = STR("quern");
	if (notify->kind == VALUE_BOOL)
		return;
	if (notify->kind != VALUE_OBJECT) {
		note(b, notify->pos, "\"notify\": expected true, false or {\"channel\": name}, but got %.*s",
		     STR_ARG(value_shown(b, notify)));
		return;
	}
	for (size_t i = 0; i < notify->object.n; i++) {
		const struct member *member = &notify->object.members[i];
		if (!str_eq(member->key, known))
			note_near(b, member->value.pos, member->key, &known, 1,
			          "\"notify\" has no member \"%.*s\"", STR_ARG(member->key));
	}
	if (!channel)
		return;
	fault = channel->kind == VALUE_TEXT ? identifier_fault(channel->text) : "is no string";
	if (fault)
		note(b, channel->pos, "the channel's name %.*s %s", STR_ARG(value_shown(b, channel)), fault);
	else
		draft->model->notify_channel = channel->text;
}

static void make_model(struct build *b, struct draft *draft)
{
	const struct value *managed = value_get(draft->meta, "managed");
	struct model *model = ARENA_NEW(b->arena, struct model);
	draft->model = model;
	model->name = draft->name;
	model->app_label = STR("");
	model->registry = b->registry;
	model->declaration = draft->declaration;
	model->meta = draft->meta;
	model->is_managed = !(managed && managed->kind == VALUE_BOOL && !managed->boolean);
	model->db_table_comment = meta_text(draft, "db_table_comment");
	model->verbose_name = meta_text(draft, "verbose_name");
	if (!model->verbose_name.p)
		model->verbose_name = spoken_name(b->arena, model->name);
	b->source = draft->meta_source;
	name_table(b, draft);
	name_path(b, draft);
	read_notify(b, draft);
	b->source = draft->source;
}

void make_models(struct build *b)
{
	for (size_t i = 0; i < b->drafts.n; i++) {
		struct draft *draft = b->drafts.items[i];
		b->source = draft->meta_source;
		for (size_t k = 0; draft->meta && k < draft->meta->object.n; k++)
			check_meta_option(b, &draft->meta->object.members[k]);
		if (!draft->is_abstract)
			make_model(b, draft);
	}
}

/* Where a draft's name for a table or path was said. */
static const struct pos *said_at(struct build *b, struct draft *draft, const char *option)
{
	const struct value *value = value_get(draft->meta, option);
	b->source = value ? draft->meta_source : draft->source;
	return value ? value->pos : draft->pos;
}

static void check_tables(struct build *b, struct map *tables, struct draft *draft)
{
	const struct pos *pos = said_at(b, draft, "db_table");
	struct draft *other = map_get(tables, draft->model->table);
	if (!other)
		map_put(tables, b->arena, draft->model->table, draft);
	else
		note(b, pos, "%.*s and %.*s have the same table \"%.*s\"", STR_ARG(other->name),
		     STR_ARG(draft->name), STR_ARG(draft->model->table));
}

static void check_paths(struct build *b, struct draft *draft)
{
	const struct pos *pos = said_at(b, draft, "path");
	struct model *other = map_get(&b->registry->by_path, draft->model->path);
	if (other)
		note(b, pos, "%.*s and %.*s have the same path \"%.*s\"", STR_ARG(other->name),
		     STR_ARG(draft->name), STR_ARG(draft->model->path));
	else
		map_put(&b->registry->by_path, b->arena, draft->model->path, draft->model);
}

/* Where the constraint or index `i` of the draft stands; the draft itself for what is its own. */
static const struct pos *index_pos(struct draft *draft, const char *list, size_t i)
{
	const struct value *items = value_get(draft->meta, list);
	if (!items || items->kind != VALUE_LIST || i >= items->list.n)
		return draft->pos;
	const struct value *name = value_get(&items->list.items[i], "name");
	return name ? name->pos : items->list.items[i].pos;
}

static void check_index_name(struct build *b, struct map *names, struct draft *draft,
                             struct str name, const struct pos *pos)
{
	if (name.n == 0)
		return;
	struct draft *other = map_get(names, name);
	b->source = draft->meta_source;
	if (other)
		note(b, pos, "the name \"%.*s\" is used by a constraint or index of %.*s already",
		     STR_ARG(name), STR_ARG(other->name));
	else
		map_put(names, b->arena, name, draft);
}

/* Names that a PostgreSQL schema can hold once, and the registry's maps. */
void check_names(struct build *b)
{
	struct map tables = {0}, names = {0};
	for (size_t i = 0; i < b->drafts.n; i++) {
		struct draft *draft = b->drafts.items[i];
		struct model *model = draft->model;
		if (!model)
			continue;
		check_tables(b, &tables, draft);
		check_paths(b, draft);
		map_put(&b->registry->by_name, b->arena, arena_lower(b->arena, model->name), model);
		map_put(&b->registry->by_name, b->arena, model->name, model);
		for (size_t k = 0; k < model->nconstraints; k++)
			check_index_name(b, &names, draft, model->constraints[k].name,
			                 index_pos(draft, "constraints", k));
		for (size_t k = 0; k < model->nindexes; k++)
			check_index_name(b, &names, draft, model->indexes[k].name,
			                 index_pos(draft, "indexes", k));
	}
}
