/* Relations: the models they point at, on_delete, the join tables of many-to-many fields, and the type
 * that a foreign key's column holds.
 */
#include "orm/model/draft.h"

static const char *const on_delete_names[] = {
	[ON_DELETE_CASCADE] = "CASCADE",         [ON_DELETE_PROTECT] = "PROTECT",
	[ON_DELETE_RESTRICT] = "RESTRICT",       [ON_DELETE_SET_NULL] = "SET_NULL",
	[ON_DELETE_SET_DEFAULT] = "SET_DEFAULT", [ON_DELETE_SET] = "SET",
	[ON_DELETE_DO_NOTHING] = "DO_NOTHING",
};

#define ON_DELETE_CHOICES                                                                          \
	"CASCADE, PROTECT, RESTRICT, SET_NULL, SET_DEFAULT, DO_NOTHING or {\"SET\": value}"

static void check_on_delete(struct build *b, const struct draft_field *df, const struct pos *pos)
{
	const struct field *field = df->field;
	if (df->relation->on_delete == ON_DELETE_SET_NULL && !field->is_null)
		note(b, pos, "\"on_delete\": SET_NULL needs \"null\": true");
	if (df->relation->on_delete == ON_DELETE_SET_DEFAULT && !field->default_value)
		note(b, pos, "\"on_delete\": SET_DEFAULT needs a \"default\"");
}

void read_on_delete(struct build *b, struct draft_field *df)
{
	const struct value *value = value_get(df->declaration, "on_delete");
	struct str names[ON_DELETE_DO_NOTHING + 1];
	if (!value) {
		note(b, df->pos, "%s needs \"on_delete\": " ON_DELETE_CHOICES, df->field->type->name);
		return;
	}
	const struct value *set = value_get(value, "SET");
	if (set && value->object.n == 1) {
		df->relation->on_delete = ON_DELETE_SET;
		df->relation->set_value = set;
		return;
	}
	struct str word = value->kind == VALUE_TEXT ? value->text : STR("");
	for (size_t i = 0; i <= ON_DELETE_DO_NOTHING; i++) {
		names[i] = str_of(on_delete_names[i]);
		if (!str_eq(word, names[i]) || i == ON_DELETE_SET)
			continue;
		df->relation->on_delete = (enum on_delete)i;
		check_on_delete(b, df, value->pos);
		return;
	}
	note_near(b, value->pos, word, names, ON_DELETE_DO_NOTHING + 1,
	          "\"on_delete\": expected " ON_DELETE_CHOICES ", but got %.*s",
	          STR_ARG(value_shown(b, value)));
}

/* The draft that a declaration names, "self" included; NULL with a mistake noted. */
static struct draft *find_target(struct build *b, struct draft *draft, const struct value *name,
                                 const char *option)
{
	if (str_is(name->text, "self"))
		return draft;
	struct draft *target = draft_find(b, name->text);
	if (target && !target->is_abstract)
		return target;
	const struct str *names;
	size_t n = draft_names(b, &names);
	if (target)
		note(b, name->pos, "\"%s\": %.*s is abstract and has no rows to point at", option,
		     STR_ARG(name->text));
	else
		note_near(b, name->pos, name->text, names, n, "\"%s\": there is no model \"%.*s\"", option,
		          STR_ARG(name->text));
	return NULL;
}

static bool is_key(const struct draft_field *df)
{
	return df->relation && df->relation->kind != RELATION_MANY_TO_MANY;
}

static bool points_at(const struct draft_field *df, const struct model *model)
{
	return is_key(df) && df->relation->to == model;
}

/* A foreign key of an automatic join table, called after the model that it points at. */
static struct draft_field *add_join_key(struct build *b, struct draft *join, struct str name,
                                        const struct model *to, bool db_constraint)
{
	struct draft_field *df = draft_add_field(b, join, name, NULL);
	struct field *field = ARENA_NEW(b->arena, struct field);
	struct relation *relation = ARENA_NEW(b->arena, struct relation);
	df->field = field;
	df->relation = relation;
	field->name = field->verbose_name = name;
	field->attname = arena_concat(b->arena, name, STR("_id"));
	field->column = django_truncate_name(b->arena, field->attname, 63);
	field->type = field_type_find(STR("ForeignKey"));
	field->value_field = field;
	field->model = join->model;
	field->relation = relation;
	field->is_indexed = field->is_editable = true;
	field->max_length = field->array_size = -1;
	field->max_digits = field->decimal_places = -1;
	field->protocol = STR("both");
	relation->kind = RELATION_FOREIGN_KEY;
	relation->field = field;
	relation->from = join->model;
	relation->to = to;
	relation->on_delete = ON_DELETE_CASCADE;
	relation->db_constraint = db_constraint;
	return df;
}

static struct str join_table(struct build *b, struct draft *draft, struct draft_field *df)
{
	const struct value *given = value_get(df->declaration, "db_table");
	if (!given || given->kind != VALUE_TEXT) {
		struct str table =
			arena_printf(b->arena, "%.*s_%.*s", STR_ARG(draft->model->table), STR_ARG(df->name));
		return django_truncate_name(b->arena, table, 63);
	}
	const char *fault = identifier_fault(given->text);
	if (fault)
		note(b, given->pos, "the table's name \"%.*s\" %s", STR_ARG(given->text), fault);
	return given->text;
}

static struct draft *make_join_draft(struct build *b, struct draft *draft, struct draft_field *df)
{
	struct draft *join = ARENA_NEW(b->arena, struct draft);
	struct model *model = ARENA_NEW(b->arena, struct model);
	join->name = arena_printf(b->arena, "%.*s.%.*s", STR_ARG(draft->name), STR_ARG(df->name));
	join->source = join->meta_source = df->source;
	join->pos = df->pos;
	join->state = DRAFT_GATHERED;
	join->joins = df;
	join->model = model;
	model->name = join->name;
	model->path = arena_lower(b->arena, join->name);
	model->table = join_table(b, draft, df);
	model->app_label = STR("");
	model->registry = b->registry;
	model->is_managed = draft->model->is_managed;
	model->is_auto = true;
	model->notify_channel = draft->model->notify_channel;
	model->verbose_name =
		arena_printf(b->arena, "%.*s-%.*s relationship", STR_ARG(arena_lower(b->arena, draft->name)),
	                 STR_ARG(arena_lower(b->arena, df->relation->to->name)));
	*ARENA_PUSH(b->arena, &b->drafts) = join;
	return join;
}

/* Both keys together are unique. */
static void join_unique(struct build *b, struct model *model, const struct field *from,
                        const struct field *to)
{
	const struct field **pair = ARENA_ARRAY(b->arena, const struct field *, 3);
	const struct field *const **lists = ARENA_ARRAY(b->arena, const struct field *const *, 1);
	pair[0] = from;
	pair[1] = to;
	lists[0] = pair;
	model->unique_together = lists;
	model->nunique_together = 1;
}

static void make_join(struct build *b, struct draft *draft, struct draft_field *df)
{
	struct relation *relation = df->relation;
	struct draft *join = make_join_draft(b, draft, df);
	struct str from = arena_lower(b->arena, draft->name);
	struct str to = arena_lower(b->arena, relation->to->name);
	if (str_eq(from, to)) {
		to = arena_concat(b->arena, STR("to_"), from);
		from = arena_concat(b->arena, STR("from_"), from);
	}
	make_keys(b, join);
	struct draft_field *from_key =
		add_join_key(b, join, from, draft->model, relation->db_constraint);
	struct draft_field *to_key = add_join_key(b, join, to, relation->to, relation->db_constraint);
	relation->through = join->model;
	relation->through_from = from_key->field;
	relation->through_to = to_key->field;
	relation->is_auto = true;
	join_unique(b, join->model, from_key->field, to_key->field);
}

/* Names of the keys of the join model that point at `model`. */
static size_t key_names(struct build *b, struct draft *through, const struct model *model,
                        const struct str **names)
{
	struct str *list = ARENA_ARRAY(b->arena, struct str, through->fields.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < through->fields.n; i++)
		if (points_at(through->fields.items[i], model))
			list[n++] = through->fields.items[i]->name;
	*names = list;
	return n;
}

static size_t count_keys(struct draft *through, const struct model *model)
{
	size_t n = 0;
	for (size_t i = 0; i < through->fields.n; i++)
		n += points_at(through->fields.items[i], model);
	return n;
}

/* One of through_fields; NULL with a mistake noted. */
static const struct field *named_key(struct build *b, struct draft *through,
                                     const struct value *name, const struct model *to)
{
	struct draft_field *df =
		name->kind == VALUE_TEXT ? draft_field_find(through, name->text, false) : NULL;
	if (df && points_at(df, to))
		return df->field;
	if (df && df->is_broken)
		return NULL;
	const struct str *names;
	size_t n = key_names(b, through, to, &names);
	note_near(b, name->pos, name->kind == VALUE_TEXT ? name->text : STR(""), names, n,
	          "\"through_fields\": expected a foreign key of %.*s to %.*s (%.*s), but got %.*s",
	          STR_ARG(through->name), STR_ARG(to->name),
	          STR_ARG(n ? suggest_choices(b->arena, names, n) : STR("it has none")),
	          STR_ARG(value_shown(b, name)));
	return NULL;
}

static void use_named_keys(struct build *b, struct draft *draft, struct draft_field *df,
                           struct draft *through, const struct value *names)
{
	if (names->list.n != 2) {
		note(b, names->pos,
		     "\"through_fields\": expected two names, of the foreign keys to %.*s and to %.*s",
		     STR_ARG(draft->name), STR_ARG(df->relation->to->name));
		df->is_broken = true;
		return;
	}
	df->relation->through_from = named_key(b, through, &names->list.items[0], draft->model);
	df->relation->through_to = named_key(b, through, &names->list.items[1], df->relation->to);
}

/* A join model has one key to each side, or two where both sides are one model; otherwise
 * through_fields must choose. */
static bool is_unambiguous(struct build *b, struct draft *draft, struct draft_field *df,
                           struct draft *through)
{
	const struct model *sides[] = {draft->model, df->relation->to};
	const struct pos *pos = value_get(df->declaration, "through")->pos;
	size_t wanted = sides[0] == sides[1] ? 2 : 1;
	for (size_t i = 0; i < 3 - wanted; i++) {
		size_t n = count_keys(through, sides[i]);
		if (n < wanted) {
			note(b, pos, "\"through\": %.*s has %s to %.*s", STR_ARG(through->name),
			     n == 0 ? "no foreign key" : "only one foreign key", STR_ARG(sides[i]->name));
			return false;
		}
		if (n > wanted) {
			const struct str *names;
			key_names(b, through, sides[i], &names);
			note(b, pos,
			     "\"through\": %.*s has several foreign keys to %.*s (%.*s): say which to use "
			     "by \"through_fields\"",
			     STR_ARG(through->name), STR_ARG(sides[i]->name),
			     STR_ARG(suggest_choices(b->arena, names, n)));
			return false;
		}
	}
	return true;
}

static void use_only_keys(struct build *b, struct draft *draft, struct draft_field *df,
                          struct draft *through)
{
	struct relation *relation = df->relation;
	if (!is_unambiguous(b, draft, df, through))
		return;
	for (size_t i = 0; i < through->fields.n; i++) {
		const struct draft_field *key = through->fields.items[i];
		if (points_at(key, draft->model) && !relation->through_from)
			relation->through_from = key->field;
		else if (points_at(key, relation->to) && !relation->through_to)
			relation->through_to = key->field;
	}
}

static bool has_broken_key(struct draft *through)
{
	for (size_t i = 0; i < through->fields.n; i++)
		if (through->fields.items[i]->is_broken)
			return true;
	return false;
}

static void use_through(struct build *b, struct draft *draft, struct draft_field *df,
                        const struct value *name)
{
	const struct value *names = value_get(df->declaration, "through_fields");
	struct draft *through = find_target(b, draft, name, "through");
	if (value_get(df->declaration, "db_table"))
		note(b, value_get(df->declaration, "db_table")->pos,
		     "\"db_table\" means nothing beside \"through\": the join table is the model's");
	df->is_broken = true;
	if (!through)
		return;
	df->relation->through = through->model;
	if (names && names->kind == VALUE_LIST)
		use_named_keys(b, draft, df, through, names);
	else if (!has_broken_key(through))
		use_only_keys(b, draft, df, through);
	df->is_broken = !df->relation->through_from || !df->relation->through_to;
}

static void resolve_many(struct build *b, struct draft *draft, struct draft_field *df)
{
	const struct value *through = value_get(df->declaration, "through");
	const struct value *names = value_get(df->declaration, "through_fields");
	const struct value *symmetrical = value_get(df->declaration, "symmetrical");
	bool is_self = df->relation->to == draft->model;
	bool is_said = symmetrical && symmetrical->kind == VALUE_BOOL;
	/* Django: true for "self" unless said otherwise, but not when the model is named. */
	bool is_called_self = str_is(value_get(df->declaration, "to")->text, "self");
	df->relation->is_symmetrical = is_self && (is_said ? symmetrical->boolean : is_called_self);
	if (is_said && symmetrical->boolean && !is_self)
		note(b, symmetrical->pos, "\"symmetrical\" means nothing for a relation to another model");
	if (names && !through)
		note(b, names->pos, "\"through_fields\" means nothing without \"through\"");
	if (!draft->model->pk || !df->relation->to->pk) {
		note(b, df->pos, "a many-to-many relation needs a primary key of one field on both sides");
		df->is_broken = true;
	} else if (!through) {
		make_join(b, draft, df);
	} else if (through->kind == VALUE_TEXT) {
		use_through(b, draft, df, through);
	}
}

static void resolve_to(struct build *b, struct draft *draft, struct draft_field *df)
{
	const struct value *to = value_get(df->declaration, "to");
	b->source = df->source;
	df->relation->from = draft->model;
	struct draft *target =
		to && to->kind == VALUE_TEXT && to->text.n > 0 ? find_target(b, draft, to, "to") : NULL;
	if (!target) {
		df->is_broken = true;
		return;
	}
	df->relation->to = target->model;
}

/* Every relation finds its model first, since a many-to-many looks at the keys of others. */
void resolve_relations(struct build *b)
{
	size_t ndrafts = b->drafts.n; /* join tables are added behind */
	for (size_t i = 0; i < ndrafts; i++)
		for (size_t k = 0; b->drafts.items[i]->model && k < b->drafts.items[i]->fields.n; k++)
			if (b->drafts.items[i]->fields.items[k]->relation)
				resolve_to(b, b->drafts.items[i], b->drafts.items[i]->fields.items[k]);
	for (size_t i = 0; i < ndrafts; i++) {
		struct draft *draft = b->drafts.items[i];
		for (size_t k = 0; draft->model && k < draft->fields.n; k++) {
			struct draft_field *df = draft->fields.items[k];
			b->source = df->source;
			if (df->relation && df->relation->to && df->relation->kind == RELATION_MANY_TO_MANY)
				resolve_many(b, draft, df);
		}
	}
}

/* The column that a foreign key holds: to_field, else the primary key; NULL with a mistake noted. */
static struct draft_field *find_key_target(struct build *b, struct draft_field *df)
{
	struct draft *to = draft_of(b, df->relation->to);
	const struct value *name = value_get(df->declaration, "to_field");
	if (!name || name->kind != VALUE_TEXT) {
		if (to->model->npk_fields > 1)
			note(b, df->pos,
			     "%.*s has a primary key of several fields: name a unique one by \"to_field\"",
			     STR_ARG(to->name));
		return to->model->pk ? draft_field_find(to, to->model->pk->name, false) : NULL;
	}
	struct draft_field *target = draft_field_find(to, name->text, false);
	if (!target) {
		const struct str *names;
		size_t n = draft_field_names(b, to, &names);
		note_near(b, name->pos, name->text, names, n, "\"to_field\": %.*s has no field \"%.*s\"",
		          STR_ARG(to->name), STR_ARG(name->text));
		return NULL;
	}
	if (target->field && !target->field->is_unique) {
		note(b, name->pos, "\"to_field\": %.*s.%.*s is not unique", STR_ARG(to->name),
		     STR_ARG(name->text));
		return NULL;
	}
	return target;
}

/* Fills in target and value_field, following keys of keys to the end. */
static void resolve_target(struct build *b, struct draft_field *df)
{
	if (!is_key(df) || df->relation->target || df->is_broken || !df->relation->to)
		return;
	b->source = df->source;
	if (df->is_open) {
		note(b, df->pos, "this foreign key points at itself through other primary keys");
		df->is_broken = true;
		return;
	}
	df->is_open = true;
	struct draft_field *target = find_key_target(b, df);
	if (target)
		resolve_target(b, target);
	df->is_open = false;
	if (!target || !target->field || target->is_broken) {
		df->is_broken = true;
		return;
	}
	df->relation->target = target->field;
	df->field->value_field = target->field->value_field;
}

/* A many-to-many field's values are those its join table holds for the other side. */
static void resolve_many_target(struct draft_field *df)
{
	const struct field *key = df->relation->through_to;
	if (!key || !key->relation || !key->relation->target) {
		df->is_broken = true;
		return;
	}
	df->relation->target = key->relation->target;
	df->field->value_field = key->value_field;
}

void resolve_targets(struct build *b)
{
	for (size_t i = 0; i < b->drafts.n; i++)
		for (size_t k = 0; b->drafts.items[i]->model && k < b->drafts.items[i]->fields.n; k++)
			resolve_target(b, b->drafts.items[i]->fields.items[k]);
	for (size_t i = 0; i < b->drafts.n; i++)
		for (size_t k = 0; b->drafts.items[i]->model && k < b->drafts.items[i]->fields.n; k++) {
			struct draft_field *df = b->drafts.items[i]->fields.items[k];
			if (df->relation && df->relation->kind == RELATION_MANY_TO_MANY)
				resolve_many_target(df);
		}
}
