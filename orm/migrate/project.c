/* Projects: copied, searched, and made a registry of.  What a model file says becomes a project in
 * project_read.c. */
#include "orm/migrate/project.h"

#include "orm/migrate/edit.h"
#include "orm/model/build.h"

void project_init(struct project *project, struct arena *arena)
{
	*project = (struct project){.arena = arena};
}

static struct project_model *copy_model(struct arena *arena, const struct project_model *model)
{
	struct project_model *copy = ARENA_NEW(arena, struct project_model);
	copy->name = model->name;
	copy->meta = model->meta;
	for (size_t i = 0; i < model->fields.n; i++)
		*ARENA_PUSH(arena, &copy->fields) = model->fields.items[i];
	return copy;
}

void project_copy(struct project *copy, const struct project *project)
{
	struct project made = {.arena = project->arena};
	for (size_t i = 0; i < project->models.n; i++)
		*ARENA_PUSH(made.arena, &made.models) = copy_model(made.arena, project->models.items[i]);
	*copy = made;
}

struct project_model *project_model(const struct project *project, struct str name)
{
	for (size_t i = 0; i < project->models.n; i++)
		if (str_eq_nocase(project->models.items[i]->name, name))
			return project->models.items[i];
	return NULL;
}

struct project_field *project_field(const struct project_model *model, struct str name)
{
	for (size_t i = 0; i < model->fields.n; i++)
		if (str_eq(model->fields.items[i].name, name))
			return &model->fields.items[i];
	return NULL;
}

void project_remove_model(struct project *project, const struct project_model *model)
{
	size_t i = 0;
	while (project->models.items[i] != model)
		i++;
	project->models.n--;
	memmove(project->models.items + i, project->models.items + i + 1,
	        (project->models.n - i) * sizeof *project->models.items);
}

void project_remove_field(struct project_model *model, const struct project_field *field)
{
	size_t i = (size_t)(field - model->fields.items);
	model->fields.n--;
	memmove(model->fields.items + i, model->fields.items + i + 1,
	        (model->fields.n - i) * sizeof *model->fields.items);
}

ptrdiff_t project_find_named(const struct project_model *model, const char *option, struct str name)
{
	const struct value *list = value_get(model->meta, option);
	for (size_t i = 0; list && i < list->list.n; i++)
		if (str_eq(edit_get_text(&list->list.items[i], "name"), name))
			return (ptrdiff_t)i;
	return -1;
}

bool declaration_is_many(const struct value *declaration)
{
	return str_is(edit_get_text(declaration, "type"), "ManyToManyField");
}

bool declaration_is_relation(const struct value *declaration)
{
	struct str type = edit_get_text(declaration, "type");
	return str_is(type, "ForeignKey") || str_is(type, "OneToOneField") ||
	       declaration_is_many(declaration);
}

bool project_is_managed(const struct project_model *model)
{
	const struct value *managed = value_get(model->meta, "managed");
	return !managed || managed->kind != VALUE_BOOL || managed->boolean;
}

bool project_has_field(const struct field *field)
{
	return field->declaration || !field->is_primary_key || field->model->is_auto;
}

/* ---- as declarations ---- */

static const struct value *fields_value(struct arena *arena, const struct project_model *model)
{
	struct members fields = {.arena = arena};
	for (size_t i = 0; i < model->fields.n; i++)
		members_put_named(&fields, model->fields.items[i].name, model->fields.items[i].declaration);
	return members_end(&fields);
}

static const struct value *model_value(struct arena *arena, const struct value *fields,
                                       const struct value *meta)
{
	struct members members = {.arena = arena};
	members_put(&members, "fields", fields);
	if (meta->object.n > 0)
		members_put(&members, "Meta", meta);
	return members_end(&members);
}

const struct value *project_declarations(const struct project *project)
{
	struct members models = {.arena = project->arena};
	for (size_t i = 0; i < project->models.n; i++) {
		const struct project_model *model = project->models.items[i];
		members_put_named(&models, model->name,
		                  model_value(project->arena, fields_value(project->arena, model),
		                              model->meta));
	}
	return members_end(&models);
}

/* ---- what a database knows of ---- */

static bool is_listed(struct str name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(name, list[i]))
			return true;
	return false;
}

static const struct value *schema_field(struct arena *arena, const struct value *declaration)
{
	static const char *const left_out[] = {
		"choices",      "validators",         "error_messages",   "help_text",
		"verbose_name", "related_query_name", "limit_choices_to", "related_name",
		"editable",     "on_delete",
	};
	struct members members = {.arena = arena};
	for (size_t i = 0; i < declaration->object.n; i++) {
		const struct member *member = &declaration->object.members[i];
		if (!is_listed(member->key, left_out, sizeof left_out / sizeof *left_out))
			members_put_named(&members, member->key, &member->value);
	}
	if (declaration_is_relation(declaration))
		members_put_text(&members, "related_name", STR("+"));
	if (declaration_is_relation(declaration) && !declaration_is_many(declaration))
		members_put_text(&members, "on_delete", STR("DO_NOTHING"));
	return members_end(&members);
}

static const struct value *schema_meta(struct arena *arena, const struct value *meta)
{
	static const char *const kept[] = {
		"db_table", "db_table_comment", "constraints", "indexes",
		"managed",  "unique_together",  "primary_key", "order_with_respect_to",
	};
	struct members members = {.arena = arena};
	for (size_t i = 0; i < meta->object.n; i++) {
		const struct member *member = &meta->object.members[i];
		if (is_listed(member->key, kept, sizeof kept / sizeof *kept))
			members_put_named(&members, member->key, &member->value);
	}
	return members_end(&members);
}

static const struct value *schema_document(const struct project *project)
{
	struct arena *arena = project->arena;
	struct members models = {.arena = arena}, document = {.arena = arena};
	for (size_t i = 0; i < project->models.n; i++) {
		const struct project_model *model = project->models.items[i];
		struct members fields = {.arena = arena};
		for (size_t k = 0; k < model->fields.n; k++)
			members_put_named(&fields, model->fields.items[k].name,
			                  schema_field(arena, model->fields.items[k].declaration));
		members_put_named(&models, model->name,
		                  model_value(arena, members_end(&fields), schema_meta(arena, model->meta)));
	}
	members_put(&document, "models", members_end(&models));
	return members_end(&document);
}

bool project_registry(const struct project *project, const struct registry **registry,
                      struct error *error)
{
	const struct value *document = schema_document(project);
	struct mistakes mistakes;
	*registry = registry_build(project->arena, &document, 1, &mistakes);
	if (*registry)
		return true;
	return error_set_nowhere(error, ERROR_CONFLICT, "the models do not hold together: %.*s",
	                         STR_ARG(mistakes.items[0].message));
}
