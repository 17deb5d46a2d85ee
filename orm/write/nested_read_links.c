/* Members of a many-to-many relation, read as rows of its join model; see nested_read.h. */
#include "orm/write/nested_read.h"

static struct nested_level *links_of(struct nest *nest, const struct nested_member *of)
{
	const struct relation *relation = of->relation;
	const struct field *source = of->is_reverse ? relation->through_to : relation->through_from;
	struct nested_level *level = nested_level_for(nest, &nest->links, LEVEL_LINKS, of, source);

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
		target->name, {.kind = VALUE_OBJECT, .pos = item->pos, .object = {.members = pk, .n = 1}}};
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
	if (!nested_add_row(level, &object, row))
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
	       nested_wrong_kind(nest, defaults, "an object of the join model's fields");
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
	const struct member *member = nested_verb_member(item);
	const struct value *own = member ? value_get(item, "through_defaults") : NULL;

	if (item->kind != VALUE_INT && item->kind != VALUE_TEXT && item->kind != VALUE_OBJECT)
		return nested_wrong_kind(nest, item,
		                         "a primary key, an object of lookups or {\"create\": {…}}");
	if (!check_defaults(nest, own))
		return false;
	if (own)
		defaults = own;
	if (!member)
		return add_link(level, row, item, defaults);
	const struct verb *verb = nested_verb_here(nest, of, member, ON_LINKS);
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
	size_t n = nested_items(body, &items);

	for (size_t i = 0; i < n; i++)
		if (!take_link(nest, row, of, &items[i], defaults))
			return false;
	return true;
}

static bool make_links(struct nest *nest, size_t row, const struct nested_member *of,
                       const struct member *member, const struct value *defaults)
{
	const struct value *items;
	size_t n = nested_items(&member->value, &items);

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
	const struct verb *verb = nested_verb_here(nest, of, member, ON_LINKS);

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
	case NESTED_CLEAR:
	case NESTED_REMOVE:
	case NESTED_DELETE:
	case NESTED_NONE:
		break;
	}
	return nested_do_to_many(nest, row, of, verb->verb, &member->value);
}

bool nested_take_links(struct nest *nest, size_t row, const struct nested_member *of)
{
	const struct value *value = of->value;
	const struct value *defaults = value_get(value, "through_defaults");

	if (value->kind == VALUE_LIST)
		return nest->kind == NEST_WHOLE ? nested_refuse_whole(nest, of)
		                                : take_link_list(nest, row, of, value, NULL);
	if (value->kind != VALUE_OBJECT)
		return nested_wrong_kind(nest, value,
		                         "a list of primary keys and lookups, or an object of verbs");
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
