/* See models.h. */
#include "tests/write/models.h"

#include "orm/model/build.h"
#include "orm/wire/json.h"

#include <stdio.h>
#include <stdlib.h>

const struct value *value_from(struct arena *arena, const char *text)
{
	static const struct json_limits limits = {1 << 24, 64, 1000000};
	const struct value *value;
	struct error error;
	char *json = arena_cstr(arena, str_of(text));

	for (char *c = json; *c; c++)
		if (*c == '\'')
			*c = '"';
	error_init(&error, arena);
	if (json_read(arena, str_of(json), &limits, &value, &error))
		return value;
	fprintf(stderr, "%s: %.*s\n", text, STR_ARG(error.detail));
	abort();
}

const struct registry *models_from(struct arena *arena, const char *text)
{
	const struct value *document = value_from(arena, text);
	struct mistakes mistakes;
	const struct registry *registry = registry_build(arena, &document, 1, &mistakes);

	for (size_t i = 0; i < mistakes.n; i++)
		fprintf(stderr, "%s: %.*s\n", pointer_of(arena, mistakes.items[i].pos),
		        STR_ARG(mistakes.items[i].message));
	if (!registry)
		abort();
	return registry;
}

const struct model *model_named(const struct registry *registry, const char *name)
{
	const struct model *model = registry_model(registry, str_of(name));

	if (!model)
		abort();
	return model;
}

const struct field *field_named(const struct registry *registry, const char *model,
                                const char *name)
{
	const struct field *field = model_field(model_named(registry, model), str_of(name));

	if (!field)
		abort();
	return field;
}

const char *pointer_of(struct arena *arena, const struct pos *pos)
{
	return arena_cstr(arena, pos_pointer(arena, pos));
}
