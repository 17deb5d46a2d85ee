/* What an object says of related rows, read into levels; see nested.h.  Asks no database. */
#include "orm/write/nested_read.h"

/* -- levels ---------------------------------------------------------------------- */

static struct nested_level *find_level(const struct nested_levels *levels,
                                       const struct nested_member *of, const struct field *field)
{
	for (size_t i = 0; i < levels->n; i++)
		if (levels->items[i]->field == field && levels->items[i]->is_reverse == of->is_reverse)
			return levels->items[i];
	return NULL;
}

struct nested_level *nested_level_for(struct nest *nest, struct nested_levels *levels,
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

bool nested_add_row(struct nested_level *level, const struct value *object, size_t parent)
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

size_t nested_items(const struct value *value, const struct value **items)
{
	*items = value->kind == VALUE_LIST ? value->list.items : value;
	return value->kind == VALUE_LIST ? value->list.n : 1;
}

struct nested_act *nested_add_act(struct nest *nest, size_t row, const struct nested_member *of,
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
	size_t n = nested_items(body, &items);

	for (size_t i = 0; i < n; i++) {
		if (items[i].kind != VALUE_OBJECT)
			return nested_wrong_kind(nest, &items[i], "an object of \"lookup\" and \"defaults\"");
		nested_add_act(nest, row, of, verb, &items[i]);
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
		return nested_wrong_kind(nest, object, "an object of fields and their new values");
	*set = *object;
	if (!is_single) {
		pk = take_key(writing->arena, model, object, set);
		if (!pk)
			return error_set(
				writing->error, ERROR_VALUE, object->pos,
				"Say which row of '%.*s' is updated: its primary key stands beside the "
				"new values.",
				STR_ARG(of->name));
	}
	struct nested_act *act = nested_add_act(nest, row, of, NESTED_UPDATE, object);
	struct row_change *change = ARENA_NEW(writing->arena, struct row_change);
	act->pk = pk;
	act->change = change;
	return row_change_read(change, writing, model, ASSIGN_SAVE, nest->validation, set);
}

bool nested_add_updates(struct nest *nest, size_t row, const struct nested_member *of,
                        const struct value *body)
{
	const struct value *items;
	size_t n = nested_items(body, &items);

	for (size_t i = 0; i < n; i++)
		if (!add_update(nest, row, of, &items[i], false))
			return false;
	return true;
}

/* -- a foreign key --------------------------------------------------------------- */

static bool take_reference(struct nest *nest, size_t row, const struct nested_member *of)
{
	const struct member *member = nested_verb_member(of->value);
	const struct verb *verb = nested_verb_here(nest, of, member, ON_REFERENCE);

	if (!verb)
		return false;
	if (member->value.kind != VALUE_OBJECT)
		return error_set(nest->writing->error, ERROR_VALUE, member->value.pos,
		                 "'%.*s' takes an object, not %s; a field of that name is reached as "
		                 "'%.*s__exact'.",
		                 STR_ARG(member->key), value_kind_name(member->value.kind),
		                 STR_ARG(member->key));
	if (verb->verb == NESTED_CREATE)
		return nested_add_row(nested_level_for(nest, &nest->before, LEVEL_BEFORE, of, of->field),
		                      &member->value, row);
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
	return nested_add_row(nested_level_for(nest, &nest->children, LEVEL_CHILDREN, of, field),
	                      object, row);
}

static bool add_children(struct nest *nest, size_t row, const struct nested_member *of,
                         const struct value *body)
{
	const struct value *items;
	size_t n = nested_items(body, &items);

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
	size_t n = nested_items(body, &items), nnamed = 0;
	struct value *named = ARENA_ARRAY(arena, struct value, n);

	for (size_t i = 0; i < n; i++) {
		if (nested_verb_of(&items[i]) != NESTED_CREATE)
			named[nnamed++] = items[i];
		else if (!add_child(nest, row, of, &items[i].object.members[0].value))
			return false;
	}
	*list = (struct value){.kind = VALUE_LIST, .pos = body->pos, .list = {named, nnamed}};
	nested_add_act(nest, row, of, verb, list);
	return true;
}

bool nested_says_true(const struct nest *nest, const struct value *body)
{
	if (body->kind == VALUE_BOOL && body->boolean)
		return true;
	return nested_wrong_kind(nest, body, "true");
}

bool nested_do_to_many(struct nest *nest, size_t row, const struct nested_member *of, enum nested_verb verb,
                       const struct value *body)
{
	if (verb == NESTED_UPDATE)
		return nested_add_updates(nest, row, of, body);
	if (verb == NESTED_CLEAR && !nested_says_true(nest, body))
		return false;
	nested_add_act(nest, row, of, verb, body);
	return true;
}

static bool do_children(struct nest *nest, size_t row, const struct nested_member *of,
                        const struct member *member)
{
	const struct verb *verb = nested_verb_here(nest, of, member, ON_CHILDREN);

	if (!verb)
		return false;
	switch (verb->verb) {
	case NESTED_CREATE:
		return add_children(nest, row, of, &member->value);
	case NESTED_GET_OR_CREATE:
	case NESTED_UPDATE_OR_CREATE:
		return add_makes(nest, row, of, verb->verb, &member->value);
	case NESTED_ADD:
	case NESTED_SET:
		return add_named(nest, row, of, verb->verb, &member->value);
	case NESTED_UPDATE:
	case NESTED_CLEAR:
	case NESTED_REMOVE:
	case NESTED_DELETE:
	case NESTED_NONE:
		break;
	}
	return nested_do_to_many(nest, row, of, verb->verb, &member->value);
}

bool nested_refuse_whole(const struct nest *nest, const struct nested_member *of)
{
	return error_set(nest->writing->error, ERROR_VALUE, of->value->pos,
	                 "PUT may be repeated: say what shall become of '%.*s' by a verb. Choices are: "
	                 "%.*s",
	                 STR_ARG(of->name), STR_ARG(nested_choices(nest, ON_MANY)));
}

static bool take_children(struct nest *nest, size_t row, const struct nested_member *of)
{
	const struct value *value = of->value;

	if (value->kind == VALUE_LIST) {
		if (nest->kind == NEST_WHOLE)
			return nested_refuse_whole(nest, of);
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
		return nested_wrong_kind(nest, value, "a list of new rows, or an object of verbs");
	for (size_t i = 0; i < value->object.n; i++)
		if (!do_children(nest, row, of, &value->object.members[i]))
			return false;
	return true;
}

/* -- the other side of a one-to-one ---------------------------------------------- */

static bool do_single(struct nest *nest, size_t row, const struct nested_member *of,
                      const struct member *member)
{
	const struct verb *verb = nested_verb_here(nest, of, member, ON_SINGLE);

	if (!verb)
		return false;
	if (verb->verb == NESTED_DELETE) {
		nested_add_act(nest, row, of, verb->verb, NULL);
		return nested_says_true(nest, &member->value);
	}
	if (member->value.kind != VALUE_OBJECT)
		return nested_wrong_kind(nest, &member->value, "an object");
	if (verb->verb == NESTED_CREATE)
		return add_child(nest, row, of, &member->value);
	if (verb->verb == NESTED_UPDATE)
		return add_update(nest, row, of, &member->value, true);
	nested_add_act(nest, row, of, verb->verb, &member->value);
	return true;
}

static bool take_single(struct nest *nest, size_t row, const struct nested_member *of)
{
	const struct value *value = of->value;

	if (value->kind == VALUE_NULL && !nest_is_old(nest))
		return true;
	if (value->kind != VALUE_OBJECT)
		return nested_wrong_kind(
			nest, value, nest_is_old(nest) ? "an object, or {\"delete\": true}" : "an object");
	if (nested_verb_of(value) != NESTED_NONE)
		return do_single(nest, row, of, &value->object.members[0]);
	if (nest->kind == NEST_WHOLE)
		return nested_refuse_whole(nest, of);
	return add_child(nest, row, of, value);
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
		return nested_take_links(nest, row, of);
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
	*nest =
		(struct nest){.writing = writing, .model = model, .kind = kind, .validation = validation};
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
