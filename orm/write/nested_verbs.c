/* What can be said of related rows: the table of verbs, and where each can stand. */
#include "orm/write/nested_read.h"

static const struct verb verbs[] = {
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

const struct member *nested_verb_member(const struct value *value)
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
	const struct member *member = nested_verb_member(value);

	return member && value->object.n == 1 ? verb_named(member->key)->verb : NESTED_NONE;
}

bool nested_refuse(struct writing *writing, const struct value *value)
{
	struct str verb = value->object.members[0].key;

	return error_set(
		writing->error, ERROR_NOT_SUPPORTED, value->pos,
		"'%.*s' writes a related row, which create, bulk_create, update_or_create and "
		"PATCH or PUT of one row can do. Here an object finds a row by lookups; a field "
		"of that name is reached as '%.*s__exact'.",
		STR_ARG(verb), STR_ARG(verb));
}

bool nest_is_old(const struct nest *nest)
{
	return nest->kind == NEST_CHANGED || nest->kind == NEST_WHOLE;
}

struct str nested_choices(const struct nest *nest, unsigned place)
{
	struct str names[NVERBS];
	size_t n = 0;

	for (size_t i = 0; i < NVERBS; i++)
		if ((verbs[i].places & place) && (nest_is_old(nest) || !verbs[i].wants_old))
			names[n++] = verbs[i].name;
	return suggest_choices(nest->writing->arena, names, n);
}

const struct verb *nested_verb_here(const struct nest *nest, const struct nested_member *of,
                                    const struct member *member, unsigned place)
{
	struct error *error = nest->writing->error;
	const struct verb *verb = verb_named(member->key);
	struct str names[NVERBS];

	if (verb && (verb->places & place) && (nest_is_old(nest) || !verb->wants_old))
		return verb;
	if (verb && (verb->places & place)) {
		error_set(error, ERROR_VALUE, member->value.pos,
		          "A new row has no '%.*s' yet that '%.*s' could change. Choices are: %.*s",
		          STR_ARG(of->name), STR_ARG(member->key), STR_ARG(nested_choices(nest, place)));
		return NULL;
	}
	for (size_t i = 0; i < NVERBS; i++)
		names[i] = verbs[i].name;
	error_set(error, ERROR_BAD_REQUEST, member->value.pos,
	          "'%.*s' is nothing that can be done to '%.*s'. Choices are: %.*s",
	          STR_ARG(member->key), STR_ARG(of->name), STR_ARG(nested_choices(nest, place)));
	error->suggestion = suggest_nearest(member->key, names, NVERBS);
	return NULL;
}

bool nested_wrong_kind(const struct nest *nest, const struct value *value, const char *what)
{
	return error_set(nest->writing->error, ERROR_VALUE, value->pos, "Here stands %s, not %s.", what,
	                 value_kind_name(value->kind));
}
