/* What a body says of how to write, taken apart from what to write. */
#include "server/handlers.h"

struct option {
	const char *name;
	unsigned bit;
};

static const struct option known[] = {
	{"returning", OPTION_RETURNING},
	{"require", OPTION_REQUIRE},
	{"validate", OPTION_VALIDATE},
};
#define NKNOWN (sizeof known / sizeof *known)

static const struct option *find(struct str name, unsigned allowed)
{
	for (size_t i = 0; i < NKNOWN; i++)
		if ((known[i].bit & allowed) && str_is(name, known[i].name))
			return &known[i];
	return NULL;
}

static bool says_false(const struct value *value, bool *is_false)
{
	bool is_text = value->kind == VALUE_TEXT && value->is_loose;

	*is_false =
		value->kind == VALUE_BOOL ? !value->boolean : is_text && str_is(value->text, "false");
	return value->kind == VALUE_BOOL || *is_false || (is_text && str_is(value->text, "true"));
}

static bool read_validate(struct request *request, const struct value *value,
                          struct write_options *options)
{
	if (!says_false(value, &options->is_unvalidated))
		return error_set(&request->error, ERROR_VALUE, value->pos,
		                 "'validate' is true or false, not %s.", value_kind_name(value->kind));
	if (!options->is_unvalidated || request->settings->allows_unvalidated)
		return true;
	return error_set(
		&request->error, ERROR_PERMISSION, value->pos,
		"Values are validated here: the setting \"allows_unvalidated\" does not let a request "
		"say otherwise.");
}

static bool take(struct request *request, unsigned bit, const struct value *value,
                 struct write_options *options)
{
	if (bit == OPTION_VALIDATE)
		return read_validate(request, value, options);
	if (bit == OPTION_RETURNING)
		options->returning = value;
	else
		options->require = value;
	return true;
}

bool request_options(struct request *request, const struct value *body, unsigned allowed,
                     bool is_row, const struct value **rest, struct write_options *options)
{
	struct value *copy = ARENA_NEW(request->arena, struct value);
	struct member *members;

	*options = (struct write_options){0};
	*rest = body;
	if (body->kind != VALUE_OBJECT)
		return true;
	members = ARENA_ARRAY(request->arena, struct member, body->object.n);
	*copy = *body;
	copy->object.members = members;
	copy->object.n = 0;
	for (size_t i = 0; i < body->object.n; i++) {
		const struct member *member = &body->object.members[i];
		const struct option *option = find(member->key, allowed);

		if (option == NULL || (is_row && model_field(request->model, member->key) != NULL))
			members[copy->object.n++] = *member;
		else if (!take(request, option->bit, &member->value, options))
			return false;
	}
	*rest = copy;
	return true;
}
