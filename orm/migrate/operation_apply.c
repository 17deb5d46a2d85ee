/* What an operation does to the models as data.  A rename is followed wherever the name is said. */
#include "orm/migrate/edit.h"
#include "orm/migrate/operation.h"

struct applying {
	const struct operation *operation;
	struct project *project;
	struct project_model *model;
	struct error *error;
};

static bool refuse(struct applying *a, const char *words)
{
	struct str label = operation_label(a->project->arena, a->operation);
	return error_set_nowhere(a->error, ERROR_CONFLICT, "cannot %.*s: %s", STR_ARG(label), words);
}

static void set_meta(struct applying *a, const char *key, const struct value *value)
{
	a->model->meta = edit_with(a->project->arena, a->model->meta, key, value);
}

/* ---- models ---- */

static bool create_model(struct applying *a)
{
	struct arena *arena = a->project->arena;
	struct project_model *made = ARENA_NEW(arena, struct project_model);
	if (project_model(a->project, a->operation->model))
		return refuse(a, "there is a model of that name");
	made->name = a->operation->model;
	made->meta = a->operation->body;
	for (size_t i = 0; i < a->operation->fields->object.n; i++) {
		const struct member *member = &a->operation->fields->object.members[i];
		*ARENA_PUSH(arena, &made->fields) = (struct project_field){member->key, &member->value};
	}
	*ARENA_PUSH(arena, &a->project->models) = made;
	return true;
}

/* The declaration with the model's name changed where it is said. */
static const struct value *repointed(struct arena *arena, const struct value *declaration,
                                     struct str from, struct str to)
{
	static const char *const keys[] = {"to", "through"};
	for (size_t i = 0; i < 2; i++) {
		struct str said = edit_get_text(declaration, keys[i]);
		if (said.p && str_eq_nocase(said, from))
			declaration = edit_with(arena, declaration, keys[i], edit_text(arena, to));
	}
	return declaration;
}

static bool rename_model(struct applying *a)
{
	struct arena *arena = a->project->arena;
	struct str from = a->model->name, to = a->operation->to;
	struct project_model *other = project_model(a->project, to);
	if (other && other != a->model)
		return refuse(a, "there is a model of that name");
	a->model->name = to;
	for (size_t i = 0; i < a->project->models.n; i++) {
		struct project_model *model = a->project->models.items[i];
		for (size_t k = 0; k < model->fields.n; k++)
			model->fields.items[k].declaration =
				repointed(arena, model->fields.items[k].declaration, from, to);
	}
	return true;
}

/* What ALTER_MODEL_OPTIONS may say: all that no other operation does. */
static bool is_option(struct str key)
{
	static const char *const others[] = {
		"db_table",        "db_table_comment",      "constraints", "indexes",
		"unique_together", "order_with_respect_to", "primary_key",
	};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (str_is(key, others[i]))
			return false;
	return true;
}

static void alter_options(struct applying *a)
{
	struct members meta = {.arena = a->project->arena};
	for (size_t i = 0; i < a->model->meta->object.n; i++) {
		const struct member *member = &a->model->meta->object.members[i];
		if (!is_option(member->key))
			members_put_named(&meta, member->key, &member->value);
	}
	for (size_t i = 0; i < a->operation->body->object.n; i++) {
		const struct member *member = &a->operation->body->object.members[i];
		members_put_named(&meta, member->key, &member->value);
	}
	a->model->meta = members_end(&meta);
}

/* ---- fields ---- */

static bool add_field(struct applying *a)
{
	if (project_field(a->model, a->operation->name))
		return refuse(a, "there is a field of that name");
	*ARENA_PUSH(a->project->arena, &a->model->fields) =
		(struct project_field){a->operation->name, a->operation->body};
	return true;
}

/* The member of every index and constraint that lists fields. */
static const struct value *renamed_lists(struct arena *arena, const struct value *items,
                                         const struct operation *operation)
{
	static const char *const keys[] = {"fields", "include"};
	const struct value **made = ARENA_ARRAY(arena, const struct value *, items->list.n);
	for (size_t i = 0; i < items->list.n; i++) {
		made[i] = &items->list.items[i];
		for (size_t k = 0; k < 2; k++) {
			const struct value *list = value_get(made[i], keys[k]);
			if (list)
				made[i] = edit_with(arena, made[i], keys[k],
				                    edit_renamed(arena, list, operation->name, operation->to));
		}
	}
	return edit_list(arena, made, items->list.n);
}

static void rename_in_meta(struct applying *a)
{
	static const char *const plain[] = {"unique_together", "primary_key", "ordering",
	                                    "get_latest_by", "order_with_respect_to"};
	static const char *const listed[] = {"indexes", "constraints"};
	struct arena *arena = a->project->arena;
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
		const struct value *value = value_get(a->model->meta, plain[i]);
		if (value)
			set_meta(a, plain[i],
			         edit_renamed(arena, value, a->operation->name, a->operation->to));
	}
	for (size_t i = 0; i < 2; i++) {
		const struct value *value = value_get(a->model->meta, listed[i]);
		if (value)
			set_meta(a, listed[i], renamed_lists(arena, value, a->operation));
	}
}

/* to_field, through_fields and unique_for_… of this and other models. */
static void rename_in_fields(struct applying *a)
{
	static const char *const own[] = {"unique_for_date", "unique_for_month", "unique_for_year"};
	struct arena *arena = a->project->arena;
	struct str from = a->operation->name, to = a->operation->to;
	for (size_t i = 0; i < a->project->models.n; i++) {
		struct project_model *model = a->project->models.items[i];
		for (size_t k = 0; k < model->fields.n; k++) {
			struct project_field *field = &model->fields.items[k];
			struct str at = edit_get_text(field->declaration, "to");
			struct str through = edit_get_text(field->declaration, "through");
			const struct value *between = value_get(field->declaration, "through_fields");
			if (at.p && str_eq_nocase(at, a->model->name) &&
			    str_eq(edit_get_text(field->declaration, "to_field"), from))
				field->declaration =
					edit_with(arena, field->declaration, "to_field", edit_text(arena, to));
			if (between && through.p && str_eq_nocase(through, a->model->name))
				field->declaration = edit_with(arena, field->declaration, "through_fields",
				                               edit_renamed(arena, between, from, to));
			for (size_t o = 0; model == a->model && o < 3; o++)
				if (str_eq(edit_get_text(field->declaration, own[o]), from))
					field->declaration =
						edit_with(arena, field->declaration, own[o], edit_text(arena, to));
		}
	}
}

static bool change_field(struct applying *a)
{
	struct project_field *field = project_field(a->model, a->operation->name);
	if (!field)
		return refuse(a, "there is no such field");
	if (a->operation->kind == OP_REMOVE_FIELD) {
		project_remove_field(a->model, field);
		return true;
	}
	if (a->operation->kind == OP_ALTER_FIELD) {
		field->declaration = a->operation->body;
		return true;
	}
	if (project_field(a->model, a->operation->to))
		return refuse(a, "there is a field of that name");
	field->name = a->operation->to;
	rename_in_meta(a);
	rename_in_fields(a);
	return true;
}

/* ---- lists of Meta ---- */

static bool add_named(struct applying *a, const char *option)
{
	const struct value *list = value_get(a->model->meta, option);
	size_t n = list ? list->list.n : 0;
	const struct value **items = ARENA_ARRAY(a->project->arena, const struct value *, n + 1);
	if (project_find_named(a->model, option, a->operation->name) >= 0)
		return refuse(a, "there is one of that name");
	for (size_t i = 0; i < n; i++)
		items[i] = &list->list.items[i];
	items[n] = a->operation->body;
	set_meta(a, option, edit_list(a->project->arena, items, n + 1));
	return true;
}

static bool remove_named(struct applying *a, const char *option)
{
	const struct value *list = value_get(a->model->meta, option);
	ptrdiff_t at = project_find_named(a->model, option, a->operation->name);
	size_t n = 0;
	if (at < 0)
		return refuse(a, "there is none of that name");
	const struct value **items = ARENA_ARRAY(a->project->arena, const struct value *, list->list.n);
	for (size_t i = 0; i < list->list.n; i++)
		if (i != (size_t)at)
			items[n++] = &list->list.items[i];
	set_meta(a, option, n > 0 ? edit_list(a->project->arena, items, n) : NULL);
	return true;
}

static bool apply_to_model(struct applying *a)
{
	switch (a->operation->kind) {
	case OP_DELETE_MODEL:
		project_remove_model(a->project, a->model);
		return true;
	case OP_RENAME_MODEL:
		return rename_model(a);
	case OP_ALTER_MODEL_TABLE:
		set_meta(a, "db_table", a->operation->body);
		return true;
	case OP_ALTER_MODEL_TABLE_COMMENT:
		set_meta(a, "db_table_comment", a->operation->body);
		return true;
	case OP_ALTER_MODEL_OPTIONS:
		alter_options(a);
		return true;
	case OP_ALTER_UNIQUE_TOGETHER:
		set_meta(a, "unique_together", a->operation->body);
		return true;
	case OP_ALTER_ORDER_WITH_RESPECT_TO:
		set_meta(a, "order_with_respect_to", a->operation->body);
		return true;
	case OP_ALTER_PRIMARY_KEY:
		set_meta(a, "primary_key", a->operation->body);
		return true;
	case OP_ADD_FIELD:
		return add_field(a);
	case OP_REMOVE_FIELD:
	case OP_ALTER_FIELD:
	case OP_RENAME_FIELD:
		return change_field(a);
	case OP_ADD_INDEX:
		return add_named(a, "indexes");
	case OP_REMOVE_INDEX:
		return remove_named(a, "indexes");
	case OP_ADD_CONSTRAINT:
		return add_named(a, "constraints");
	case OP_REMOVE_CONSTRAINT:
		return remove_named(a, "constraints");
	case OP_CREATE_MODEL:
	case OP_RUN_SQL:
	case OPERATION_KINDS:
		break;
	}
	BUG("operation kind %d", (int)a->operation->kind);
}

bool operation_apply(const struct operation *operation, struct project *project,
                     struct error *error)
{
	struct applying a = {operation, project, NULL, error};
	if (operation->kind == OP_RUN_SQL)
		return true;
	if (operation->kind == OP_CREATE_MODEL)
		return create_model(&a);
	a.model = project_model(project, operation->model);
	if (!a.model)
		return refuse(&a, "there is no such model");
	return apply_to_model(&a);
}
