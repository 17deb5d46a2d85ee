/* What model files say, brought into the one form that projects have (project.h). */
#include "orm/migrate/project.h"

#include "orm/migrate/edit.h"
#include "orm/model/field_types.h"
#include "orm/model/options.h"

/* Whether an option says what would hold without it. */
static bool is_idle(const struct field *field, const struct option *option,
                    const struct value *value)
{
	static const char *const false_anyway[] = {"null",     "blank",        "unique",
	                                           "auto_now", "auto_now_add", "primary_key",
	                                           "allow_unicode", "unpack_ipv4"};
	const char *name = option->name;
	const char *type = field->type->name;
	bool is_key = strcmp(type, "ForeignKey") == 0 || strcmp(type, "OneToOneField") == 0;
	bool is_true = value->kind == VALUE_BOOL && value->boolean;
	for (size_t i = 0; i < sizeof false_anyway / sizeof *false_anyway; i++)
		if (strcmp(name, false_anyway[i]) == 0 && !is_true)
			return true;
	if (strcmp(name, "unique") == 0)
		return field->is_primary_key || strcmp(type, "OneToOneField") == 0;
	if (strcmp(name, "blank") == 0)
		return field->type->is_auto || field->auto_now || field->auto_now_add;
	if (strcmp(name, "db_index") == 0)
		return is_true == (is_key || strcmp(type, "SlugField") == 0);
	if (strcmp(name, "editable") == 0 || strcmp(name, "db_constraint") == 0)
		return is_true;
	if (strcmp(name, "max_length") == 0)
		return value->kind == VALUE_INT && value->integer == field->type->length;
	if (strcmp(name, "protocol") == 0)
		return value->kind == VALUE_TEXT && str_is(value->text, "both");
	if (strcmp(name, "help_text") == 0)
		return value->kind == VALUE_TEXT && value->text.n == 0;
	if (strcmp(name, "choices") == 0 || strcmp(name, "validators") == 0)
		return value->kind == VALUE_LIST && value->list.n == 0;
	if (strcmp(name, "to_field") == 0)
		return field->relation && field->relation->target == field->relation->to->pk;
	if (strcmp(name, "symmetrical") == 0)
		return field->relation && is_true == (field->relation->to == field->relation->from);
	return false;
}

/* A field inside another (base_field, output_field) may be a type's name alone. */
static const struct value *inner(struct arena *arena, const struct value *value)
{
	struct members members = {.arena = arena};
	if (value->kind != VALUE_TEXT)
		return value;
	members_put(&members, "type", value);
	return members_end(&members);
}

static const struct value *spoken(struct arena *arena, const struct field *field,
                                  const struct option *option, const struct value *value)
{
	if (strcmp(option->name, "to") == 0)
		return edit_text(arena, field->relation->to->name);
	if (strcmp(option->name, "through") == 0)
		return edit_text(arena, field->relation->through->name);
	if (strcmp(option->name, "base_field") == 0 || strcmp(option->name, "output_field") == 0)
		return inner(arena, value);
	return value;
}

const struct value *project_declaration(struct arena *arena, const struct field *field)
{
	struct members members = {.arena = arena};
	const struct value *declaration = field->declaration;
	const char *type = field->is_generated ? "GeneratedField" : field->type->name;
	members_put_text(&members, "type", str_of(type));
	for (size_t i = 0; i < field_options_count; i++) {
		const struct option *option = &field_options[i];
		const struct value *value = value_get(declaration, option->name);
		if (value && !is_idle(field, option, value))
			members_put(&members, option->name, spoken(arena, field, option, value));
	}
	if (field->is_primary_key && !value_get(declaration, "primary_key") &&
	    field->model->npk_fields == 1)
		members_put(&members, "primary_key", edit_bool(arena, true));
	return members_end(&members);
}

/* ---- Meta ---- */

static const struct value *named(struct arena *arena, const struct value *item, struct str name)
{
	return edit_with(arena, item, "name", edit_text(arena, name));
}

static const struct value *named_constraints(struct arena *arena, const struct model *model,
                                             const struct value *list)
{
	const struct value **items = ARENA_ARRAY(arena, const struct value *, list->list.n);
	ASSERT(list->list.n == model->nconstraints);
	for (size_t i = 0; i < list->list.n; i++)
		items[i] = named(arena, &list->list.items[i], model->constraints[i].name);
	return edit_list(arena, items, list->list.n);
}

static const struct value *named_indexes(struct arena *arena, const struct model *model,
                                         const struct value *list)
{
	const struct value **items = ARENA_ARRAY(arena, const struct value *, list->list.n);
	ASSERT(list->list.n == model->nindexes);
	for (size_t i = 0; i < list->list.n; i++)
		items[i] = named(arena, &list->list.items[i], model->indexes[i].name);
	return edit_list(arena, items, list->list.n);
}

/* One list of names may stand without the list around it. */
static const struct value *lists(struct arena *arena, const struct value *value)
{
	if (value->list.n == 0 || value->list.items[0].kind != VALUE_TEXT)
		return value;
	return edit_list(arena, &value, 1);
}

static const struct value *meta_value(struct arena *arena, const struct model *model,
                                      const struct member *member)
{
	const struct value *value = &member->value;
	if (str_is(member->key, "abstract") || (value->kind == VALUE_LIST && value->list.n == 0))
		return NULL;
	if (str_is(member->key, "managed") && value->kind == VALUE_BOOL && value->boolean)
		return NULL;
	if (str_is(member->key, "constraints"))
		return named_constraints(arena, model, value);
	if (str_is(member->key, "indexes"))
		return named_indexes(arena, model, value);
	if (str_is(member->key, "unique_together"))
		return lists(arena, value);
	return value;
}

static const struct value *meta_of(struct arena *arena, const struct model *model)
{
	struct members members = {.arena = arena};
	for (size_t i = 0; model->meta && i < model->meta->object.n; i++) {
		const struct member *member = &model->meta->object.members[i];
		const struct value *value = meta_value(arena, model, member);
		if (value)
			members_put_named(&members, member->key, value);
	}
	return members_end(&members);
}

static void read_model(struct project *project, const struct model *model)
{
	struct arena *arena = project->arena;
	struct project_model *made = ARENA_NEW(arena, struct project_model);
	made->name = model->name;
	made->meta = meta_of(arena, model);
	for (size_t i = 0; i < model->nfields; i++) {
		const struct field *field = model->fields[i];
		if (!str_is(field->name, "_order"))
			*ARENA_PUSH(arena, &made->fields) =
				(struct project_field){field->name, project_declaration(arena, field)};
	}
	*ARENA_PUSH(arena, &project->models) = made;
}

void project_of_registry(struct project *project, const struct registry *registry,
                         struct arena *arena)
{
	project_init(project, arena);
	for (size_t i = 0; i < registry->nmodels; i++)
		if (!registry->models[i]->is_auto)
			read_model(project, registry->models[i]);
}
