/* Operations put together where two say what one can: CreateModel and AddField, AddField and
 * RemoveField.  The rules and the way of going over the list are Django's, so that both arrive at
 * the same operations. */
#include "orm/migrate/detect.h"
#include "orm/migrate/edit.h"

enum meeting {
	BLOCKED, /* the first cannot pass the second */
	PASSED,  /* their order does not matter */
	MERGED,
};

struct merged {
	struct operation items[2];
	size_t n;
};

struct meet {
	struct arena *arena;
	const struct operation *a, *b;
	struct merged *merged;
};

static enum meeting merge(const struct meet *m, const struct operation *operation)
{
	*m->merged = (struct merged){.n = operation ? 1 : 0};
	if (operation)
		m->merged->items[0] = *operation;
	return MERGED;
}

static bool same_model(const struct operation *a, const struct operation *b)
{
	return a->model.p && b->model.p && str_eq_nocase(a->model, b->model);
}

static bool is_field_operation(const struct operation *operation)
{
	return operation->kind == OP_ADD_FIELD || operation->kind == OP_REMOVE_FIELD ||
	       operation->kind == OP_ALTER_FIELD || operation->kind == OP_RENAME_FIELD;
}

static bool field_names(const struct value *declaration, struct str model)
{
	struct str to = edit_get_text(declaration, "to");
	struct str through = edit_get_text(declaration, "through");
	return (to.p && str_eq_nocase(to, model)) || (through.p && str_eq_nocase(through, model));
}

static bool creation_names(const struct operation *creation, struct str model)
{
	for (size_t i = 0; i < creation->fields->object.n; i++)
		if (field_names(&creation->fields->object.members[i].value, model))
			return true;
	return false;
}

/* Whether the operation has to do with the model. */
static bool is_about_model(const struct operation *operation, struct str model)
{
	if (operation->model.p && str_eq_nocase(operation->model, model) &&
	    operation->kind != OP_RUN_SQL)
		return true;
	switch (operation->kind) {
	case OP_CREATE_MODEL:
		return creation_names(operation, model);
	case OP_RENAME_MODEL:
		return str_eq_nocase(operation->to, model);
	case OP_ADD_FIELD:
	case OP_ALTER_FIELD:
		return field_names(operation->body, model);
	case OP_DELETE_MODEL:
	case OP_ADD_INDEX:
	case OP_REMOVE_INDEX:
	case OP_ADD_CONSTRAINT:
	case OP_REMOVE_CONSTRAINT:
	case OP_RUN_SQL:
		return true;
	case OP_ALTER_MODEL_TABLE:
	case OP_ALTER_MODEL_TABLE_COMMENT:
	case OP_ALTER_MODEL_OPTIONS:
	case OP_ALTER_UNIQUE_TOGETHER:
	case OP_ALTER_ORDER_WITH_RESPECT_TO:
	case OP_ALTER_PRIMARY_KEY:
	case OP_REMOVE_FIELD:
	case OP_RENAME_FIELD:
	case OPERATION_KINDS:
		return false;
	}
	return true;
}

static bool lists_field(const struct value *lists, struct str field)
{
	for (size_t i = 0; lists && i < lists->list.n; i++) {
		const struct value *list = &lists->list.items[i];
		for (size_t k = 0; list->kind == VALUE_LIST && k < list->list.n; k++)
			if (list->list.items[k].kind == VALUE_TEXT && str_eq(list->list.items[k].text, field))
				return true;
		if (list->kind == VALUE_TEXT && str_eq(list->text, field))
			return true;
	}
	return !lists;
}

static bool is_about_field(const struct operation *operation, struct str model, struct str field)
{
	bool is_own = operation->model.p && str_eq_nocase(operation->model, model);
	if (is_field_operation(operation)) {
		if (is_own && (str_eq(operation->name, field) ||
		               (operation->kind == OP_RENAME_FIELD && str_eq(operation->to, field))))
			return true;
		return operation->body && field_names(operation->body, model) &&
		       (str_eq(edit_get_text(operation->body, "to_field"), field) ||
		        declaration_is_many(operation->body));
	}
	if (operation->kind == OP_ALTER_UNIQUE_TOGETHER || operation->kind == OP_ALTER_PRIMARY_KEY)
		return is_own && lists_field(operation->body, field);
	if (operation->kind == OP_ALTER_ORDER_WITH_RESPECT_TO)
		return is_own && (!operation->body || str_eq(operation->body->text, field));
	return is_about_model(operation, model);
}

/* ---- creation and what follows it ---- */

static const struct value *changed_fields(const struct meet *m)
{
	const struct operation *b = m->b;
	struct members fields = {.arena = m->arena};
	for (size_t i = 0; i < m->a->fields->object.n; i++) {
		const struct member *member = &m->a->fields->object.members[i];
		bool is_it = str_eq(member->key, b->name);
		if (is_it && b->kind == OP_REMOVE_FIELD)
			continue;
		members_put_named(&fields, is_it && b->kind == OP_RENAME_FIELD ? b->to : member->key,
		                  is_it && b->kind == OP_ALTER_FIELD ? b->body : &member->value);
	}
	if (b->kind == OP_ADD_FIELD)
		members_put_named(&fields, b->name, b->body);
	return members_end(&fields);
}

/* The whole creation is carried out on a project of its own: what apply does is the rule. */
static enum meeting merge_change(const struct meet *m)
{
	struct operation made = *m->a;
	struct project project;
	struct error error;
	error_init(&error, m->arena);
	project_init(&project, m->arena);
	if (!operation_apply(m->a, &project, &error) || !operation_apply(m->b, &project, &error))
		return BLOCKED;
	made.body = project.models.items[0]->meta;
	made.model = project.models.items[0]->name;
	if (is_field_operation(m->b))
		made.fields = changed_fields(m);
	if (m->b->kind == OP_RENAME_MODEL) {
		struct members fields = {.arena = m->arena};
		for (size_t i = 0; i < project.models.items[0]->fields.n; i++)
			members_put_named(&fields, project.models.items[0]->fields.items[i].name,
			                  project.models.items[0]->fields.items[i].declaration);
		made.fields = members_end(&fields);
	}
	return merge(m, &made);
}

static enum meeting meet_creation(const struct meet *m)
{
	const struct operation *b = m->b;
	if (!same_model(m->a, b))
		return is_about_model(b, m->a->model) ? BLOCKED : PASSED;
	if (b->kind == OP_DELETE_MODEL)
		return merge(m, NULL);
	if (b->kind == OP_RENAME_MODEL || is_field_operation(b) ||
	    b->kind == OP_ALTER_MODEL_OPTIONS || b->kind == OP_ALTER_UNIQUE_TOGETHER ||
	    b->kind == OP_ALTER_ORDER_WITH_RESPECT_TO || b->kind == OP_ALTER_PRIMARY_KEY)
		return merge_change(m);
	return BLOCKED;
}

/* ---- fields ---- */

static enum meeting meet_field(const struct meet *m)
{
	const struct operation *a = m->a, *b = m->b;
	bool is_same = same_model(a, b) && is_field_operation(b) && str_eq(a->name, b->name);
	if (a->kind == OP_REMOVE_FIELD && b->kind == OP_DELETE_MODEL && same_model(a, b))
		return merge(m, b);
	if (!is_same)
		return is_about_field(b, a->model, a->name) ? BLOCKED : PASSED;
	struct operation made = *a;
	if (a->kind == OP_ADD_FIELD && b->kind == OP_ALTER_FIELD) {
		made.body = b->body;
		made.one_off = b->one_off ? b->one_off : a->one_off;
		return merge(m, &made);
	}
	if (a->kind == OP_ADD_FIELD && b->kind == OP_REMOVE_FIELD)
		return merge(m, NULL);
	if (a->kind == OP_ADD_FIELD && b->kind == OP_RENAME_FIELD) {
		made.name = b->to;
		return merge(m, &made);
	}
	if (a->kind == OP_ALTER_FIELD && b->kind == OP_REMOVE_FIELD)
		return merge(m, b);
	return BLOCKED;
}

static enum meeting meet_field_rename(const struct meet *m)
{
	struct operation made = *m->a;
	if (m->b->kind == OP_RENAME_FIELD && same_model(m->a, m->b) && str_eq(m->a->to, m->b->name)) {
		made.to = m->b->to;
		return merge(m, &made);
	}
	return is_about_field(m->b, m->a->model, m->a->to) ? BLOCKED : PASSED;
}

static enum meeting meet_model_rename(const struct meet *m)
{
	struct operation made = *m->a;
	if (m->b->kind == OP_RENAME_MODEL && str_eq_nocase(m->a->to, m->b->model)) {
		made.to = m->b->to;
		return merge(m, &made);
	}
	return is_about_model(m->b, m->a->to) ? BLOCKED : PASSED;
}

static enum meeting meet_option(const struct meet *m)
{
	bool replaces = m->b->kind == m->a->kind || m->b->kind == OP_DELETE_MODEL;
	if (replaces && same_model(m->a, m->b))
		return merge(m, m->b);
	return is_about_model(m->b, m->a->model) ? BLOCKED : PASSED;
}

/* Whether a field's declaration says the name that the rename takes away. */
static bool says_old_name(const struct value *declaration, const struct operation *rename)
{
	if (!declaration || !field_names(declaration, rename->model))
		return false;
	return rename->kind == OP_RENAME_MODEL ||
	       str_eq(edit_get_text(declaration, "to_field"), rename->name) ||
	       value_get(declaration, "through_fields");
}

/* A rename follows what is said before it; it cannot go in front of that. */
static bool is_followed(const struct operation *a, const struct operation *rename)
{
	if (rename->kind != OP_RENAME_MODEL && rename->kind != OP_RENAME_FIELD)
		return false;
	if (a->kind == OP_ADD_FIELD || a->kind == OP_ALTER_FIELD)
		return says_old_name(a->body, rename);
	for (size_t i = 0; a->kind == OP_CREATE_MODEL && i < a->fields->object.n; i++)
		if (says_old_name(&a->fields->object.members[i].value, rename))
			return true;
	return false;
}

static enum meeting meet(const struct meet *m)
{
	if (is_followed(m->a, m->b) && !same_model(m->a, m->b))
		return BLOCKED;
	if (m->a->is_elidable)
		return merge(m, m->b);
	if (m->b->is_elidable)
		return merge(m, m->a);
	switch (m->a->kind) {
	case OP_CREATE_MODEL:
		return meet_creation(m);
	case OP_ADD_FIELD:
	case OP_REMOVE_FIELD:
	case OP_ALTER_FIELD:
		return meet_field(m);
	case OP_RENAME_FIELD:
		return meet_field_rename(m);
	case OP_RENAME_MODEL:
		return meet_model_rename(m);
	case OP_DELETE_MODEL:
		return is_about_model(m->b, m->a->model) ? BLOCKED : PASSED;
	case OP_ALTER_MODEL_TABLE:
	case OP_ALTER_MODEL_TABLE_COMMENT:
	case OP_ALTER_MODEL_OPTIONS:
	case OP_ALTER_UNIQUE_TOGETHER:
	case OP_ALTER_ORDER_WITH_RESPECT_TO:
	case OP_ALTER_PRIMARY_KEY:
		return meet_option(m);
	case OP_ADD_INDEX:
	case OP_REMOVE_INDEX:
	case OP_ADD_CONSTRAINT:
	case OP_REMOVE_CONSTRAINT:
	case OP_RUN_SQL:
	case OPERATION_KINDS:
		return BLOCKED;
	}
	return BLOCKED;
}

/* ---- going over the list ---- */

struct pass {
	struct arena *arena;
	const struct operation *items;
	size_t n;
	struct operations *out;
};

static void copy(struct pass *p, const struct operation *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*ARENA_PUSH(p->arena, p->out) = items[i];
}

static bool all_pass(struct pass *p, size_t from, size_t to)
{
	struct merged merged;
	for (size_t i = from; i < to; i++) {
		struct meet m = {p->arena, &p->items[i], &p->items[to], &merged};
		if (meet(&m) != PASSED)
			return false;
	}
	return true;
}

/* Puts the operation together with a later one, if it can; the rest of the list follows. */
static bool reduce(struct pass *p, size_t i)
{
	bool to_the_right = true;
	for (size_t k = i + 1; k < p->n; k++) {
		struct merged merged = {.n = 0};
		struct meet m = {p->arena, &p->items[i], &p->items[k], &merged};
		enum meeting result = meet(&m);
		if (result == BLOCKED)
			to_the_right = false;
		if (result != MERGED)
			continue;
		if (!to_the_right && !all_pass(p, i + 1, k))
			return false;
		if (to_the_right)
			copy(p, p->items + i + 1, k - i - 1);
		copy(p, merged.items, merged.n);
		if (!to_the_right)
			copy(p, p->items + i + 1, k - i - 1);
		copy(p, p->items + k + 1, p->n - k - 1);
		return true;
	}
	return false;
}

static bool pass_over(struct arena *arena, const struct operations *in, struct operations *out)
{
	struct pass p = {arena, in->items, in->n, out};
	*out = (struct operations){0};
	for (size_t i = 0; i < in->n; i++) {
		if (reduce(&p, i))
			return true;
		copy(&p, &in->items[i], 1);
	}
	return false;
}

void optimize_operations(struct arena *arena, struct operations *operations)
{
	struct operations out;
	while (pass_over(arena, operations, &out))
		*operations = out;
}
