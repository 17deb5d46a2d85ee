/* What an object says of related rows, read into levels; see nested.h.  Asks no database. */
#include "orm/write/nested_level.h"

/* -- verbs ----------------------------------------------------------------------- */

enum place {
	ON_REFERENCE = 1, /* a foreign key */
	ON_SINGLE = 2,    /* the other side of a one-to-one */
	ON_CHILDREN = 4,  /* the other side of a foreign key */
	ON_LINKS = 8,     /* many-to-many */
	ON_MANY = ON_CHILDREN | ON_LINKS,
	ON_ALL = 15,
};

static const struct verb {
	enum nested_verb verb;
	struct str name;
	unsigned places;
	bool wants_old; /* the row must have been there before */
} verbs[] = {
	{NESTED_CREATE, STR_INIT("create"), ON_ALL, false},
	{NESTED_GET_OR_CREATE, STR_INIT("get_or_create"), ON_ALL, false},
	{NESTED_UPDATE_OR_CREATE, STR_INIT("update_or_create"), ON_ALL, false},
	{NESTED_UPDATE, STR_INIT("update"), ON_ALL, true},
	{NESTED_ADD, STR_INIT("add"), ON_MANY, false},
	{NESTED_REMOVE, STR_INIT("remove"), ON_MANY, true},
	{NESTED_SET, STR_INIT("set"), ON_MANY, true},
	{NESTED_CLEAR, STR_INIT("clear"), ON_MANY, true},
	{NESTED_DELETE, STR_INIT("delete"), ON_SINGLE | ON_MANY, true},
};

#define NVERBS (sizeof verbs / sizeof *verbs)

static const struct verb *verb_named(struct str name)
{
	for (size_t i = 0; i < NVERBS; i++)
		if (str_eq(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

/* The member of an object that is a verb, where there is no other but through_defaults. */
static const struct member *verb_member(const struct value *value)
{
	const struct member *found = NULL;

	if (value->kind != VALUE_OBJECT || value->object.n == 0 || value->object.n > 2)
		return NULL;
	for (size_t i = 0; i < value->object.n; i++) {
		const struct member *member = &value->object.members[i];
		if (str_is(member->key, "through_defaults"))
			continue;
		if (found || !verb_named(member->key))
			return NULL;
		found = member;
	}
	return found;
}

enum nested_verb nested_verb_of(const struct value *value)
{
	const struct member *member = verb_member(value);

	return member && value->object.n == 1 ? verb_named(member->key)->verb : NESTED_NONE;
}

bool nested_refuse(struct writing *writing, const struct value *value)
{
	struct str verb = value->object.members[0].key;

	return error_set(writing->error, ERROR_NOT_SUPPORTED, value->pos,
	                 "'%.*s' writes a related row, which create, bulk_create, update_or_create and "
	                 "PATCH or PUT of one row can do. Here an object finds a row by lookups; a field "
	                 "of that name is reached as '%.*s__exact'.",
	                 STR_ARG(verb), STR_ARG(verb));
}

static bool is_old(const struct nest *nest)
{
	return nest->kind == NEST_CHANGED || nest->kind == NEST_WHOLE;
}

static struct str choices_for(const struct nest *nest, unsigned place)
{
	struct str names[NVERBS];
	size_t n = 0;

	for (size_t i = 0; i < NVERBS; i++)
		if ((verbs[i].places & place) && (is_old(nest) || !verbs[i].wants_old))
			names[n++] = verbs[i].name;
	return suggest_choices(nest->writing->arena, names, n);
}

/* Whether a verb can stand here; NULL with words otherwise. */
static const struct verb *verb_here(const struct nest *nest, const struct nested_member *of,
                                    const struct member *member, unsigned place)
{
	struct error *error = nest->writing->error;
	const struct verb *verb = verb_named(member->key);
	struct str names[NVERBS];

	if (verb && (verb->places & place) && (is_old(nest) || !verb->wants_old))
		return verb;
	if (verb && (verb->places & place)) {
		error_set(error, ERROR_VALUE, member->value.pos,
		          "A new row has no '%.*s' yet that '%.*s' could change. Choices are: %.*s",
		          STR_ARG(of->name), STR_ARG(member->key), STR_ARG(choices_for(nest, place)));
		return NULL;
	}
	for (size_t i = 0; i < NVERBS; i++)
		names[i] = verbs[i].name;
	error_set(error, ERROR_BAD_REQUEST, member->value.pos,
	          "'%.*s' is nothing that can be done to '%.*s'. Choices are: %.*s", STR_ARG(member->key),
	          STR_ARG(of->name), STR_ARG(choices_for(nest, place)));
	error->suggestion = suggest_nearest(member->key, names, NVERBS);
	return NULL;
}

static bool wrong_kind(const struct nest *nest, const struct value *value, const char *what)
{
	return error_set(nest->writing->error, ERROR_VALUE, value->pos, "Here stands %s, not %s.", what,
	                 value_kind_name(value->kind));
}

/* -- levels ---------------------------------------------------------------------- */

static struct nested_level *find_level(const struct nested_levels *levels,
                                       const struct nested_member *of, const struct field *field)
{
	for (size_t i = 0; i < levels->n; i++)
		if (levels->items[i]->field == field && levels->items[i]->is_reverse == of->is_reverse)
			return levels->items[i];
	return NULL;
}

static struct nested_level *level_for(struct nest *nest, struct nested_levels *levels,
                                      enum nested_kind kind, const struct nested_member *of,
                                      const struct field *field)
{
	struct writing *writing = nest->writing;
	struct nested_level *level = find_level(levels, of, field);
	const struct model *model = kind == LEVEL_BEFORE ? field->relation->to : field->model;

	if (level)
		return level;
	level = ARENA_NEW(writing->arena, struct nested_level);
	*ARENA_PUSH(writing->arena, levels) = level;
	level->kind = kind;
	level->name = of->name;
	level->relation = of->relation;
	level->is_reverse = of->is_reverse;
	level->field = field;
	row_reader_init(&level->reader, writing, model, kind == LEVEL_LINKS ? ROW_THROUGH : ROW_NEW);
	level->reader.validation = nest->validation;
	level->reader.nested = &level->members;
	if (kind != LEVEL_BEFORE)
		level->reader.preset[0] = field;
	level->reader.refuses_preset = true;
	nest_init(&level->nest, writing, model, NEST_NEW, nest->validation);
	return level;
}

/* Reads one more row of the level, with all that it brings along. */
static bool add_row(struct nested_level *level, const struct value *object, size_t parent)
{
	struct arena *arena = level->nest.writing->arena;
	struct row row;

	if (!row_read(&level->reader, object, &row))
		return false;
	size_t index = level->rows.n;
	*ARENA_PUSH(arena, &level->rows) = row;
	*ARENA_PUSH(arena, &level->parents) = parent;
	return nest_take(&level->nest, index, &level->members);
}

/* An object, or a list of them. */
static size_t items_of(const struct value *value, const struct value **items)
{
	*items = value->kind == VALUE_LIST ? value->list.items : value;
	return value->kind == VALUE_LIST ? value->list.n : 1;
}

static struct nested_act *add_act(struct nest *nest, size_t row, const struct nested_member *of,
                                  enum nested_verb verb, const struct value *body)
{
	struct nested_act *act = ARENA_PUSH(nest->writing->arena, &nest->acts);

	*act = (struct nested_act){.row = row,
	                           .name = of->name,
	                           .verb = verb,
	                           .relation = of->relation,
	                           .is_reverse = of->is_reverse,
	                           .body = body};
	return act;
}

/* {"lookup": …} objects, or one of them: run one by one. */
static bool add_makes(struct nest *nest, size_t row, const struct nested_member *of,
                      enum nested_verb verb, const struct value *body)
{
	const struct value *items;
	size_t n = items_of(body, &items);

	for (size_t i = 0; i < n; i++) {
		if (items[i].kind != VALUE_OBJECT)
			return wrong_kind(nest, &items[i], "an object of \"lookup\" and \"defaults\"");
		add_act(nest, row, of, verb, &items[i]);
	}
	return true;
}

/* -- update of related rows ------------------------------------------------------ */

static bool is_of_key(const struct model *model, struct str name)
{
	if (str_is(name, "pk"))
		return true;
	for (size_t i = 0; i < model->npk_fields; i++)
		if (str_eq(model->pk_fields[i]->name, name) || str_eq(model->pk_fields[i]->attname, name))
			return true;
	return false;
}

/* The key, taken out of {"id": 3, "title": "x"}; NULL where it is not (wholly) given. */
static const struct value *take_key(struct arena *arena, const struct model *model,
                                    const struct value *object, struct value *rest)
{
	struct member *members = ARENA_ARRAY(arena, struct member, object->object.n);
	struct value *parts = ARENA_ARRAY(arena, struct value, model->npk_fields);
	const struct value *pk = NULL;
	size_t n = 0, nparts = 0;

	for (size_t i = 0; i < object->object.n; i++) {
		const struct member *member = &object->object.members[i];
		if (is_of_key(model, member->key))
			pk = &member->value;
		else
			members[n++] = *member;
	}
	*rest = *object;
	rest->object.members = members;
	rest->object.n = n;
	if (model->pk || value_get(object, "pk"))
		return pk;
	for (size_t i = 0; i < model->npk_fields; i++) {
		const struct value *part = value_get(object, arena_cstr(arena, model->pk_fields[i]->name));
		if (part)
			parts[nparts++] = *part;
	}
	struct value *list = ARENA_NEW(arena, struct value);
	*list = (struct value){.kind = VALUE_LIST, .pos = object->pos, .list = {parts, nparts}};
	return nparts == model->npk_fields ? list : NULL;
}

static bool add_update(struct nest *nest, size_t row, const struct nested_member *of,
                       const struct value *object, bool is_single)
{
	struct writing *writing = nest->writing;
	const struct model *model = relation_end(of->relation, of->is_reverse);
	struct value *set = ARENA_NEW(writing->arena, struct value);
	const struct value *pk = NULL;

	if (object->kind != VALUE_OBJECT)
		return wrong_kind(nest, object, "an object of fields and their new values");
	*set = *object;
	if (!is_single) {
		pk = take_key(writing->arena, model, object, set);
		if (!pk)
			return error_set(writing->error, ERROR_VALUE, object->pos,
			                 "Say which row of '%.*s' is updated: its primary key stands beside the "
			                 "new values.",
			                 STR_ARG(of->name));
	}
	struct nested_act *act = add_act(nest, row, of, NESTED_UPDATE, object);
	struct row_change *change = ARENA_NEW(writing->arena, struct row_change);
	act->pk = pk;
	act->change = change;
	return row_change_read(change, writing, model, ASSIGN_SAVE, nest->validation, set);
}

static bool add_updates(struct nest *nest, size_t row, const struct nested_member *of,
                        const struct value *body)
{
	const struct value *items;
	size_t n = items_of(body, &items);

	for (size_t i = 0; i < n; i++)
		if (!add_update(nest, row, of, &items[i], false))
			return false;
	return true;
}

/* -- a foreign key --------------------------------------------------------------- */

static bool take_reference(struct nest *nest, size_t row, const struct nested_member *of)
{
	const struct member *member = verb_member(of->value);
	const struct verb *verb = verb_here(nest, of, member, ON_REFERENCE);

	if (!verb)
		return false;
	if (member->value.kind != VALUE_OBJECT)
		return error_set(nest->writing->error, ERROR_VALUE, member->value.pos,
		                 "'%.*s' takes an object, not %s; a field of that name is reached as "
		                 "'%.*s__exact'.",
		                 STR_ARG(member->key), value_kind_name(member->value.kind),
		                 STR_ARG(member->key));
	if (verb->verb == NESTED_CREATE)
		return add_row(level_for(nest, &nest->before, LEVEL_BEFORE, of, of->field), &member->value,
		               row);
	if (verb->verb == NESTED_UPDATE)
		return add_update(nest, row, of, &member->value, true);
	*ARENA_PUSH(nest->writing->arena, &nest->makes) =
		(struct nested_make){row, of->field, verb->verb, &member->value};
	return true;
}

/* -- rows that refer to this one ------------------------------------------------- */

static bool add_child(struct nest *nest, size_t row, const struct nested_member *of,
                      const struct value *object)
{
	const struct field *field = of->relation->field;

	if (object->kind != VALUE_OBJECT)
		return error_set(nest->writing->error, ERROR_VALUE, object->pos,
		                 "A new row of '%.*s' is an object of its fields, not %s; rows that are "
		                 "there are taken by {\"add\": […]}.",
		                 STR_ARG(of->name), value_kind_name(object->kind));
	return add_row(level_for(nest, &nest->children, LEVEL_CHILDREN, of, field), object, row);
}

static bool add_children(struct nest *nest, size_t row, const struct nested_member *of,
                         const struct value *body)
{
	const struct value *items;
	size_t n = items_of(body, &items);

	for (size_t i = 0; i < n; i++)
		if (!add_child(nest, row, of, &items[i]))
			return false;
	return true;
}

/* Rows to be added or set, by key or lookups, as the related manager's methods take them; objects that
 * say {"create": …} are made. */
static bool add_named(struct nest *nest, size_t row, const struct nested_member *of,
                      enum nested_verb verb, const struct value *body)
{
	struct arena *arena = nest->writing->arena;
	struct value *list = ARENA_NEW(arena, struct value);
	const struct value *items;
	size_t n = items_of(body, &items), nnamed = 0;
	struct value *named = ARENA_ARRAY(arena, struct value, n);

	for (size_t i = 0; i < n; i++) {
		if (nested_verb_of(&items[i]) != NESTED_CREATE)
			named[nnamed++] = items[i];
		else if (!add_child(nest, row, of, &items[i].object.members[0].value))
			return false;
	}
	*list = (struct value){.kind = VALUE_LIST, .pos = body->pos, .list = {named, nnamed}};
	add_act(nest, row, of, verb, list);
	return true;
}

static bool says_true(const struct nest *nest, const struct value *body)
{
	if (body->kind == VALUE_BOOL && body->boolean)
		return true;
	return wrong_kind(nest, body, "true");
}

static bool do_children(struct nest *nest, size_t row, const struct nested_member *of,
                        const struct member *member)
{
	const struct verb *verb = verb_here(nest, of, member, ON_CHILDREN);

	if (!verb)
		return false;
	switch (verb->verb) {
	case NESTED_CREATE:
		return add_children(nest, row, of, &member->value);
	case NESTED_GET_OR_CREATE:
	case NESTED_UPDATE_OR_CREATE:
		return add_makes(nest, row, of, verb->verb, &member->value);
	case NESTED_UPDATE:
		return add_updates(nest, row, of, &member->value);
	case NESTED_ADD:
	case NESTED_SET:
		return add_named(nest, row, of, verb->verb, &member->value);
	case NESTED_CLEAR:
		if (!says_true(nest, &member->value))
			return false;
		break;
	case NESTED_REMOVE:
	case NESTED_DELETE:
	case NESTED_NONE:
		break;
	}
	add_act(nest, row, of, verb->verb, &member->value);
	return true;
}

/* PUT may be repeated, and a list would then be made a second time. */
static bool refuse_whole(const struct nest *nest, const struct nested_member *of)
{
	return error_set(nest->writing->error, ERROR_VALUE, of->value->pos,
	                 "PUT may be repeated: say what shall become of '%.*s' by a verb. Choices are: "
	                 "%.*s",
	                 STR_ARG(of->name), STR_ARG(choices_for(nest, ON_MANY)));
}

static bool take_children(struct nest *nest, size_t row, const struct nested_member *of)
{
	const struct value *value = of->value;

	if (value->kind == VALUE_LIST) {
		if (nest->kind == NEST_WHOLE)
			return refuse_whole(nest, of);
		for (size_t i = 0; i < value->list.n; i++) {
			const struct value *item = &value->list.items[i];
			bool is_verb = nested_verb_of(item) != NESTED_NONE;
			if (!(is_verb ? do_children(nest, row, of, &item->object.members[0])
			              : add_child(nest, row, of, item)))
				return false;
		}
		return true;
	}
	if (value->kind != VALUE_OBJECT)
		return wrong_kind(nest, value, "a list of new rows, or an object of verbs");
	for (size_t i = 0; i < value->object.n; i++)
		if (!do_children(nest, row, of, &value->object.members[i]))
			return false;
	return true;
}

/* -- the other side of a one-to-one ---------------------------------------------- */

static bool do_single(struct nest *nest, size_t row, const struct nested_member *of,
                      const struct member *member)
{
	const struct verb *verb = verb_here(nest, of, member, ON_SINGLE);

	if (!verb)
		return false;
	if (verb->verb == NESTED_DELETE) {
		add_act(nest, row, of, verb->verb, NULL);
		return says_true(nest, &member->value);
	}
	if (member->value.kind != VALUE_OBJECT)
		return wrong_kind(nest, &member->value, "an object");
	if (verb->verb == NESTED_CREATE)
		return add_child(nest, row, of, &member->value);
	if (verb->verb == NESTED_UPDATE)
		return add_update(nest, row, of, &member->value, true);
	add_act(nest, row, of, verb->verb, &member->value);
	return true;
}

static bool take_single(struct nest *nest, size_t row, const struct nested_member *of)
{
	const struct value *value = of->value;

	if (value->kind == VALUE_NULL && !is_old(nest))
		return true;
	if (value->kind != VALUE_OBJECT)
		return wrong_kind(nest, value,
		                  is_old(nest) ? "an object, or {\"delete\": true}" : "an object");
	if (nested_verb_of(value) != NESTED_NONE)
		return do_single(nest, row, of, &value->object.members[0]);
	if (nest->kind == NEST_WHOLE)
		return refuse_whole(nest, of);
	return add_child(nest, row, of, value);
}

/* -- many-to-many ---------------------------------------------------------------- */

static struct nested_level *links_of(struct nest *nest, const struct nested_member *of)
{
	const struct relation *relation = of->relation;
	const struct field *source = of->is_reverse ? relation->through_to : relation->through_from;
	struct nested_level *level = level_for(nest, &nest->links, LEVEL_LINKS, of, source);

	level->target = of->is_reverse ? relation->through_from : relation->through_to;
	if (nest->kind != NEST_NEW && !level->reader.missing) {
		writing_validation(nest->writing, &level->missing);
		level->reader.missing = &level->missing;
	}
	return level;
}

/* A bare value is a primary key, whatever the relation goes by. */
static struct member target_of(struct arena *arena, const struct field *target,
                               const struct value *item)
{
	const struct relation *relation = target->relation;

	if (item->kind == VALUE_OBJECT)
		return (struct member){target->name, *item};
	if (relation->target == relation->to->pk)
		return (struct member){target->attname, *item};
	struct member *pk = ARENA_NEW(arena, struct member);
	*pk = (struct member){STR("pk"), *item};
	return (struct member){
		target->name,
		{.kind = VALUE_OBJECT, .pos = item->pos, .object = {.members = pk, .n = 1}}};
}

static bool is_target(const struct field *target, struct str name)
{
	return str_eq(name, target->name) || str_eq(name, target->attname);
}

/* A join row: the other end and through_defaults. */
static bool add_link(struct nested_level *level, size_t row, const struct value *item,
                     const struct value *defaults)
{
	struct writing *writing = level->nest.writing;
	size_t n = defaults ? defaults->object.n : 0;
	struct member *members = ARENA_ARRAY(writing->arena, struct member, n + 1);
	struct value object = {
		.kind = VALUE_OBJECT, .pos = item->pos, .object = {.members = members, .n = n + 1}};

	members[0] = target_of(writing->arena, level->target, item);
	for (size_t i = 0; i < n; i++) {
		const struct member *member = &defaults->object.members[i];
		if (is_target(level->target, member->key))
			return error_set(writing->error, ERROR_TYPE, member->value.pos,
			                 "'%.*s' is one end of the relation, which fills it in itself.",
			                 STR_ARG(member->key));
		members[i + 1] = *member;
	}
	if (!add_row(level, &object, row))
		return false;
	/* Pairs that are there already are passed over: nothing can hang on them. */
	if (level->nest.children.n || level->nest.links.n || level->nest.acts.n)
		return error_set(writing->error, ERROR_NOT_SUPPORTED, defaults ? defaults->pos : item->pos,
		                 "through_defaults hold the join row's own columns; what refers to a join "
		                 "row is written by itself.");
	return true;
}

static bool check_defaults(const struct nest *nest, const struct value *defaults)
{
	return !defaults || defaults->kind == VALUE_OBJECT ||
	       wrong_kind(nest, defaults, "an object of the join model's fields");
}

/* {"create": body}, as it would stand at the join row's foreign key. */
static struct value made_of(struct arena *arena, struct str verb, const struct value *body)
{
	struct member *member = ARENA_NEW(arena, struct member);

	*member = (struct member){verb, *body};
	return (struct value){
		.kind = VALUE_OBJECT, .pos = body->pos, .object = {.members = member, .n = 1}};
}

/* A primary key, lookups, or {"create": …, "through_defaults": …}. */
static bool take_link(struct nest *nest, size_t row, const struct nested_member *of,
                      const struct value *item, const struct value *defaults)
{
	struct nested_level *level = links_of(nest, of);
	const struct member *member = verb_member(item);
	const struct value *own = member ? value_get(item, "through_defaults") : NULL;

	if (item->kind != VALUE_INT && item->kind != VALUE_TEXT && item->kind != VALUE_OBJECT)
		return wrong_kind(nest, item, "a primary key, an object of lookups or {\"create\": {…}}");
	if (!check_defaults(nest, own))
		return false;
	if (own)
		defaults = own;
	if (!member)
		return add_link(level, row, item, defaults);
	const struct verb *verb = verb_here(nest, of, member, ON_LINKS);
	if (!verb)
		return false;
	if (verb->verb == NESTED_ADD)
		return add_link(level, row, &member->value, defaults);
	struct value made = made_of(nest->writing->arena, member->key, &member->value);
	return add_link(level, row, &made, defaults);
}

static bool take_link_list(struct nest *nest, size_t row, const struct nested_member *of,
                           const struct value *body, const struct value *defaults)
{
	const struct value *items;
	size_t n = items_of(body, &items);

	for (size_t i = 0; i < n; i++)
		if (!take_link(nest, row, of, &items[i], defaults))
			return false;
	return true;
}

static bool make_links(struct nest *nest, size_t row, const struct nested_member *of,
                       const struct member *member, const struct value *defaults)
{
	const struct value *items;
	size_t n = items_of(&member->value, &items);

	for (size_t i = 0; i < n; i++) {
		struct value made = made_of(nest->writing->arena, member->key, &items[i]);
		if (!add_link(links_of(nest, of), row, &made, defaults))
			return false;
	}
	return true;
}

static bool do_links(struct nest *nest, size_t row, const struct nested_member *of,
                     const struct member *member, const struct value *defaults)
{
	const struct verb *verb = verb_here(nest, of, member, ON_LINKS);

	if (!verb)
		return false;
	switch (verb->verb) {
	case NESTED_CREATE:
	case NESTED_GET_OR_CREATE:
	case NESTED_UPDATE_OR_CREATE:
		return make_links(nest, row, of, member, defaults);
	case NESTED_SET:
		links_of(nest, of)->is_set = true;
		return take_link_list(nest, row, of, &member->value, defaults);
	case NESTED_ADD:
		return take_link_list(nest, row, of, &member->value, defaults);
	case NESTED_UPDATE:
		return add_updates(nest, row, of, &member->value);
	case NESTED_CLEAR:
		if (!says_true(nest, &member->value))
			return false;
		break;
	case NESTED_REMOVE:
	case NESTED_DELETE:
	case NESTED_NONE:
		break;
	}
	add_act(nest, row, of, verb->verb, &member->value);
	return true;
}

static bool take_links(struct nest *nest, size_t row, const struct nested_member *of)
{
	const struct value *value = of->value;
	const struct value *defaults = value_get(value, "through_defaults");

	if (value->kind == VALUE_LIST)
		return nest->kind == NEST_WHOLE ? refuse_whole(nest, of)
		                                : take_link_list(nest, row, of, value, NULL);
	if (value->kind != VALUE_OBJECT)
		return wrong_kind(nest, value, "a list of primary keys and lookups, or an object of verbs");
	if (!check_defaults(nest, defaults))
		return false;
	for (size_t i = 0; i < value->object.n; i++) {
		const struct member *member = &value->object.members[i];
		if (str_is(member->key, "through_defaults"))
			continue;
		if (!do_links(nest, row, of, member, defaults))
			return false;
	}
	return true;
}

/* -- a row's members ------------------------------------------------------------- */

static bool take(struct nest *nest, size_t row, const struct nested_member *of)
{
	if (of->field)
		return take_reference(nest, row, of);
	switch (of->relation->kind) {
	case RELATION_FOREIGN_KEY:
		return take_children(nest, row, of);
	case RELATION_ONE_TO_ONE:
		return take_single(nest, row, of);
	case RELATION_MANY_TO_MANY:
		return take_links(nest, row, of);
	}
	return false;
}

static void add_name(struct nest *nest, struct str name)
{
	for (size_t i = 0; i < nest->names.n; i++)
		if (str_eq(nest->names.items[i], name))
			return;
	*ARENA_PUSH(nest->writing->arena, &nest->names) = name;
}

bool nest_take(struct nest *nest, size_t row, const struct row_nested *members)
{
	for (size_t i = 0; i < members->n; i++) {
		add_name(nest, members->items[i].name);
		if (!take(nest, row, &members->items[i]))
			return false;
	}
	return true;
}

void nest_init(struct nest *nest, struct writing *writing, const struct model *model,
               enum nest_rows kind, struct validation *validation)
{
	*nest = (struct nest){
		.writing = writing, .model = model, .kind = kind, .validation = validation};
}

bool nest_is_empty(const struct nest *nest)
{
	return !nest->before.n && !nest->children.n && !nest->links.n && !nest->makes.n &&
	       !nest->acts.n;
}

/* -- without reading ------------------------------------------------------------- */

static bool is_nested_member(const struct model *model, const struct member *member)
{
	const struct field *field = model_field(model, member->key);
	const struct relation *relation;
	bool is_reverse;

	if (field && field->column.p)
		return field->relation && str_eq(field->name, member->key) &&
		       nested_verb_of(&member->value) != NESTED_NONE;
	return model_accessor(model, member->key, &relation, &is_reverse);
}

bool nested_is_in(const struct model *model, const struct value *object)
{
	if (object->kind == VALUE_LIST) {
		for (size_t i = 0; i < object->list.n; i++)
			if (nested_is_in(model, &object->list.items[i]))
				return true;
		return false;
	}
	for (size_t i = 0; object->kind == VALUE_OBJECT && i < object->object.n; i++)
		if (is_nested_member(model, &object->object.members[i]))
			return true;
	return false;
}

bool write_is_nested(const struct model *model, const struct value *objects)
{
	return nested_is_in(model, objects);
}
