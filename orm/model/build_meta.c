/* What Meta says about fields: ordering, get_latest_by, order_with_respect_to, unique_together. */
#include "orm/model/draft.h"

static const struct value *list_option(const struct draft *draft, const char *name)
{
	const struct value *value = value_get(draft->meta, name);
	return value && value->kind == VALUE_LIST ? value : NULL;
}

/* Types whose parts and keys a path may name behind the field. */
static bool has_transforms(const struct field *field)
{
	if (!field)
		return false;
	switch (field->value_field->type->kind) {
	case TYPE_DATE:
	case TYPE_DATETIME:
	case TYPE_TIME:
	case TYPE_JSON:
	case TYPE_ARRAY:
	case TYPE_HSTORE:
	case TYPE_RANGE:
	case TYPE_TEXT:
		return true;
	case TYPE_INTEGER:
	case TYPE_FLOAT:
	case TYPE_DECIMAL:
	case TYPE_BOOLEAN:
	case TYPE_UUID:
	case TYPE_INET:
	case TYPE_DURATION:
	case TYPE_BINARY:
	case TYPE_RELATION:
		break;
	}
	return false;
}

/* "name", "-name", "role__name", "?" */
static void check_order_name(struct build *b, struct draft *draft, const struct value *item,
                             const char *option)
{
	struct path_end end;
	struct str path = item->text;
	if (str_is(path, "?"))
		return;
	if (str_starts(path, STR("-")) || str_starts(path, STR("+")))
		path = str_sub(path, 1, path.n - 1);
	if (path.n == 0) {
		note(b, item->pos, "\"%s\": expected a name, but got %.*s", option,
		     STR_ARG(value_shown(b, item)));
		return;
	}
	if (path_follow(b, draft, path, item->pos, &end) && end.rest.p && !has_transforms(end.field))
		note(b, item->pos, "\"%s\": \"%.*s\" leads nowhere behind \"%.*s\"", option, STR_ARG(path),
		     STR_ARG(end.field ? end.field->name : draft->name));
}

static void check_order_item(struct build *b, struct draft *draft, const struct value *item,
                             const char *option)
{
	if (item->kind == VALUE_TEXT)
		check_order_name(b, draft, item, option);
	else if (!value_get(item, "expr"))
		note(b, item->pos,
		     "\"%s\": expected a name or {\"expr\", \"desc\", \"nulls\"}, but got %.*s", option,
		     STR_ARG(value_shown(b, item)));
}

static void read_ordering(struct build *b, struct draft *draft)
{
	const struct value *ordering = list_option(draft, "ordering");
	for (size_t i = 0; ordering && i < ordering->list.n; i++)
		check_order_item(b, draft, &ordering->list.items[i], "ordering");
	if (ordering && ordering->list.n > 0)
		draft->model->ordering = ordering;
}

/* A list of one text, for values that Meta lets stand without brackets. */
static const struct value *list_of(struct build *b, const struct value *text)
{
	struct value *list = ARENA_NEW(b->arena, struct value);
	*list = (struct value){.kind = VALUE_LIST, .pos = text->pos};
	list->list.items = text;
	list->list.n = 1;
	return list;
}

static void read_latest(struct build *b, struct draft *draft)
{
	const struct value *names = value_get(draft->meta, "get_latest_by");
	if (!names)
		return;
	if (names->kind == VALUE_TEXT)
		names = list_of(b, names);
	if (names->kind != VALUE_LIST || names->list.n == 0) {
		note(b, names->pos, "\"get_latest_by\": expected a field's name or an array of them");
		return;
	}
	for (size_t i = 0; i < names->list.n; i++) {
		const struct value *item = &names->list.items[i];
		if (item->kind == VALUE_TEXT)
			check_order_name(b, draft, item, "get_latest_by");
		else
			note(b, item->pos, "\"get_latest_by\": expected a field's name, but got %.*s",
			     STR_ARG(value_shown(b, item)));
	}
	draft->model->get_latest_by = names;
}

/* Rows ordered among those of one owner: the model gets a column _order and is ordered by it. */
static void read_order_with_respect_to(struct build *b, struct draft *draft)
{
	const struct value *name = value_get(draft->meta, "order_with_respect_to");
	if (!name || name->kind != VALUE_TEXT)
		return;
	struct draft_field *df = draft_field_find(draft, name->text, false);
	if (!df || (df->field && (!df->relation || df->relation->kind == RELATION_MANY_TO_MANY))) {
		const struct str *names;
		size_t n = draft_field_names(b, draft, &names);
		note_near(b, name->pos, name->text, names, n,
		          "\"order_with_respect_to\": expected the name of a foreign key of %.*s, but got "
		          "\"%.*s\"",
		          STR_ARG(draft->name), STR_ARG(name->text));
		return;
	}
	if (draft->model->ordering) {
		note(b, name->pos, "\"order_with_respect_to\" and \"ordering\" exclude one another");
		return;
	}
	struct value *order = ARENA_NEW(b->arena, struct value);
	*order = (struct value){.kind = VALUE_TEXT, .pos = name->pos, .text = STR("_order")};
	draft->model->order_with_respect_to = name->text;
	draft->model->ordering = list_of(b, order);
}

/* A local field with a column, by name; NULL when it is unknown (noted) or broken. */
static const struct field *column_named(struct build *b, struct draft *draft,
                                        const struct value *name)
{
	struct draft_field *df =
		name->kind == VALUE_TEXT ? draft_field_find(draft, name->text, false) : NULL;
	if (!df) {
		const struct str *names;
		size_t n = draft_field_names(b, draft, &names);
		note_near(b, name->pos, name->kind == VALUE_TEXT ? name->text : STR(""), names, n,
		          "\"unique_together\": expected the name of a field of %.*s, but got %.*s",
		          STR_ARG(draft->name), STR_ARG(value_shown(b, name)));
		return NULL;
	}
	if (df->field && !df->field->column.p) {
		note(b, name->pos, "\"unique_together\": \"%.*s\" has no column of its own",
		     STR_ARG(name->text));
		return NULL;
	}
	return df->field;
}

static bool is_twice(struct build *b, const struct field *const *fields, size_t at,
                     const struct value *name)
{
	for (size_t i = 0; i < at; i++) {
		if (fields[i] != fields[at])
			continue;
		note(b, name->pos, "\"unique_together\": \"%.*s\" is in the list twice", STR_ARG(name->text));
		return true;
	}
	return false;
}

static const struct field *const *read_together(struct build *b, struct draft *draft,
                                                const struct value *names)
{
	if (names->kind != VALUE_LIST || names->list.n == 0) {
		note(b, names->pos, "\"unique_together\": expected an array of names, but got %.*s",
		     STR_ARG(value_shown(b, names)));
		return NULL;
	}
	const struct field **fields = ARENA_ARRAY(b->arena, const struct field *, names->list.n + 1);
	bool is_good = true;
	for (size_t i = 0; i < names->list.n; i++) {
		fields[i] = column_named(b, draft, &names->list.items[i]);
		is_good = is_good && fields[i] && !is_twice(b, fields, i, &names->list.items[i]);
	}
	return is_good ? fields : NULL;
}

static bool is_same_list(const struct field *const *a, const struct field *const *b)
{
	size_t i = 0;
	while (a[i] && a[i] == b[i])
		i++;
	return a[i] == b[i];
}

/* Takes the list that was read, if there is no such one yet: they are a set, as with Django. */
static void add_together(struct model *model, const struct field *const **all,
                         const struct field *const *fields)
{
	for (size_t i = 0; fields && i < model->nunique_together; i++)
		if (is_same_list(all[i], fields))
			return;
	if (fields)
		all[model->nunique_together++] = fields;
}

/* A list of lists, or one list of names. */
static void read_unique_together(struct build *b, struct draft *draft)
{
	const struct value *lists = list_option(draft, "unique_together");
	if (!lists || lists->list.n == 0)
		return;
	if (lists->list.items[0].kind == VALUE_TEXT)
		lists = list_of(b, lists);
	const struct field *const **all =
		ARENA_ARRAY(b->arena, const struct field *const *, lists->list.n);
	for (size_t i = 0; i < lists->list.n; i++)
		add_together(draft->model, all, read_together(b, draft, &lists->list.items[i]));
	draft->model->unique_together = (const struct field *const *const *)all;
}

void read_meta(struct build *b, struct draft *draft)
{
	b->source = draft->meta_source;
	const struct value *key = list_option(draft, "primary_key");
	if (key && key->list.n == 0)
		note(b, key->pos, "\"primary_key\": expected the names of the key's fields");
	read_ordering(b, draft);
	read_latest(b, draft);
	read_order_with_respect_to(b, draft);
	if (!draft->joins)
		read_unique_together(b, draft);
	b->source = draft->source;
}
