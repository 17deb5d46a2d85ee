/* Detection, kind of change by kind of change, in Django's order; fields are detect_fields.c's.  Models are told apart by name,
 * letters of any case, and gone over in the order of their names. */
#include "orm/migrate/detect.h"

#include "orm/migrate/detect_parts.h"
#include "orm/migrate/edit.h"

#include <stdlib.h>

/* ---- helpers ---- */

static int by_name(const void *a, const void *b)
{
	const struct project_model *const *x = a, *const *y = b;
	return str_cmp_nocase((*x)->name, (*y)->name);
}

static int by_new_name(const void *a, const void *b)
{
	return by_name(&((const struct kept *)a)->is, &((const struct kept *)b)->is);
}

static int by_field_name(const void *a, const void *b)
{
	const struct project_field *const *x = a, *const *y = b;
	return str_cmp((*x)->name, (*y)->name);
}

/* The models of one project that the other does not have, in order. */
static struct project_model **only_in(struct detection *d, const struct project *project,
                                      const struct project *other, size_t *n)
{
	struct project_model **list = ARENA_ARRAY(d->arena, struct project_model *, project->models.n + 1);
	*n = 0;
	for (size_t i = 0; i < project->models.n; i++)
		if (!project_model(other, project->models.items[i]->name))
			list[(*n)++] = project->models.items[i];
	qsort(list, *n, sizeof *list, by_name);
	return list;
}

struct project_field **detect_sorted_fields(struct detection *d, const struct project_model *model)
{
	struct project_field **list = ARENA_ARRAY(d->arena, struct project_field *, model->fields.n + 1);
	for (size_t i = 0; i < model->fields.n; i++)
		list[i] = &model->fields.items[i];
	qsort(list, model->fields.n, sizeof *list, by_field_name);
	return list;
}

static const struct kept *renamed_model(const struct detection *d, const struct project_model *is)
{
	for (size_t i = 0; i < d->renamed.n; i++)
		if (d->renamed.items[i].is == is)
			return &d->renamed.items[i];
	return NULL;
}

static struct detected *detected_new(struct detection *d, struct operation operation)
{
	struct detected *made = ARENA_NEW(d->arena, struct detected);
	made->operation = operation;
	return made;
}

struct detected *detect_found(struct detection *d, struct operation operation)
{
	struct detected *made = detected_new(d, operation);
	*ARENA_PUSH(d->arena, &d->found) = made;
	return made;
}

static struct detected *found_first(struct detection *d, struct operation operation)
{
	struct detected *made = detect_found(d, operation);
	memmove(d->found.items + 1, d->found.items, (d->found.n - 1) * sizeof *d->found.items);
	d->found.items[0] = made;
	return made;
}

struct detected *detect_found_early(struct detection *d, struct operation operation)
{
	struct detected *made = detect_found(d, operation);
	size_t at = d->nbefore_renames++;
	memmove(d->found.items + at + 1, d->found.items + at,
	        (d->found.n - 1 - at) * sizeof *d->found.items);
	d->found.items[at] = made;
	return made;
}

void detect_after(struct detection *d, struct detected *detected, enum dependency_kind kind,
                  struct str model, struct str field)
{
	*ARENA_PUSH(d->arena, &detected->after) = (struct dependency){kind, model, field};
}

/* A relation waits for the models that it names. */
void detect_after_targets(struct detection *d, struct detected *detected,
                          const struct value *declaration)
{
	struct str through = edit_get_text(declaration, "through");
	if (!declaration_is_relation(declaration))
		return;
	detect_after(d, detected, AFTER_MODEL_CREATED, edit_get_text(declaration, "to"), STR(""));
	if (through.p)
		detect_after(d, detected, AFTER_MODEL_CREATED, through, STR(""));
}

/* ---- renamed models ---- */

/* Whether two models have the same fields but for where relations lead. */
static bool have_same_fields(struct detection *d, const struct project_model *a,
                             const struct project_model *b)
{
	if (a->fields.n != b->fields.n)
		return false;
	struct project_field **x = detect_sorted_fields(d, a), **y = detect_sorted_fields(d, b);
	for (size_t i = 0; i < a->fields.n; i++) {
		const struct value *left = edit_with(d->arena, x[i]->declaration, "to", NULL);
		const struct value *right = edit_with(d->arena, y[i]->declaration, "to", NULL);
		if (!value_eq(left, right))
			return false;
	}
	return true;
}

static bool is_taken(const struct detection *d, const struct project_model *was)
{
	for (size_t i = 0; i < d->renamed.n; i++)
		if (d->renamed.items[i].was == was)
			return true;
	return false;
}

static void find_rename_of(struct detection *d, struct project_model *is,
                           struct project_model *const *gone, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct project_model *was = gone[i];
		if (!project_is_managed(was) || is_taken(d, was) || !have_same_fields(d, was, is) ||
		    !d->questioner->is_model_renamed(d->questioner->context, was->name, is->name))
			continue;
		struct detected *rename = detect_found(d, (struct operation){
			.kind = OP_RENAME_MODEL, .model = was->name, .to = is->name});
		for (size_t k = 0; k < is->fields.n; k++)
			detect_after_targets(d, rename, is->fields.items[k].declaration);
		*ARENA_PUSH(d->arena, &d->renamed) = (struct kept){was, is};
		return;
	}
}

static void find_renamed_models(struct detection *d)
{
	size_t nadded, ngone;
	struct project_model **added = only_in(d, d->to, d->from, &nadded);
	struct project_model **gone = only_in(d, d->from, d->to, &ngone);
	for (size_t i = 0; i < nadded; i++)
		if (project_is_managed(added[i]))
			find_rename_of(d, added[i], gone, ngone);
}

static void find_kept_models(struct detection *d)
{
	for (size_t i = 0; i < d->to->models.n; i++) {
		struct project_model *is = d->to->models.items[i];
		const struct kept *renamed = renamed_model(d, is);
		struct project_model *was = renamed ? renamed->was : project_model(d->from, is->name);
		if (was)
			*ARENA_PUSH(d->arena, &d->kept) = (struct kept){was, is};
	}
	if (d->kept.n > 0)
		qsort(d->kept.items, d->kept.n, sizeof *d->kept.items, by_new_name);
}

/* ---- deleted models ---- */

static void after_incoming(struct detection *d, struct detected *detected,
                           const struct project_model *gone)
{
	for (size_t i = 0; i < d->from->models.n; i++) {
		const struct project_model *model = d->from->models.items[i];
		for (size_t k = 0; k < model->fields.n; k++) {
			const struct project_field *field = &model->fields.items[k];
			struct str to = edit_get_text(field->declaration, "to");
			struct str through = edit_get_text(field->declaration, "through");
			bool is_to = to.p && str_eq_nocase(to, gone->name);
			bool is_through = through.p && str_eq_nocase(through, gone->name);
			if (is_to || is_through)
				detect_after(d, detected, AFTER_FIELD_REMOVED, model->name, field->name);
			if (is_to || is_through)
				detect_after(d, detected, AFTER_FIELD_ALTERED, model->name, field->name);
		}
	}
}

static void find_deleted_model(struct detection *d, const struct project_model *gone)
{
	struct project_field **fields = detect_sorted_fields(d, gone);
	if (value_get(gone->meta, "unique_together"))
		detect_found(d, (struct operation){.kind = OP_ALTER_UNIQUE_TOGETHER, .model = gone->name});
	for (size_t i = 0; i < gone->fields.n; i++)
		if (declaration_is_relation(fields[i]->declaration))
			detect_found(d, (struct operation){
				.kind = OP_REMOVE_FIELD, .model = gone->name, .name = fields[i]->name});
	struct detected *deletion =
		detect_found(d, (struct operation){.kind = OP_DELETE_MODEL, .model = gone->name});
	after_incoming(d, deletion, gone);
	for (size_t i = 0; i < gone->fields.n; i++)
		if (declaration_is_relation(fields[i]->declaration))
			detect_after(d, deletion, AFTER_FIELD_REMOVED, gone->name, fields[i]->name);
}

static void find_deleted_models(struct detection *d)
{
	size_t n;
	struct project_model **gone = only_in(d, d->from, d->to, &n);
	for (unsigned managed = 2; managed-- > 0;)
		for (size_t i = 0; i < n; i++)
			if (!is_taken(d, gone[i]) && project_is_managed(gone[i]) == (managed == 1))
				find_deleted_model(d, gone[i]);
}

/* ---- created models ---- */

/* Relations are added behind the creation (and folded into it where the order allows); the key
 * cannot wait. */
static bool is_added_behind(const struct project_field *field)
{
	return declaration_is_relation(field->declaration) &&
	       !edit_get_bool(field->declaration, "primary_key");
}

static bool is_key_part(const struct project_model *model, struct str name)
{
	const struct value *key = value_get(model->meta, "primary_key");
	for (size_t i = 0; key && i < key->list.n; i++)
		if (key->list.items[i].kind == VALUE_TEXT && str_eq(key->list.items[i].text, name))
			return true;
	return false;
}

static bool is_deferred(const struct project_model *model, const struct project_field *field)
{
	return project_is_managed(model) && is_added_behind(field) && !is_key_part(model, field->name);
}

static void after_related(struct detection *d, struct detected *detected,
                          const struct project_model *model)
{
	struct project_field **fields = detect_sorted_fields(d, model);
	for (size_t i = 0; i < model->fields.n; i++)
		if (is_deferred(model, fields[i]))
			detect_after(d, detected, AFTER_FIELD_ADDED, model->name, fields[i]->name);
	detect_after(d, detected, AFTER_MODEL_CREATED, model->name, STR(""));
}

static const struct value *without(struct arena *arena, const struct value *meta,
                                   const char *const *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		meta = edit_with(arena, meta, keys[i], NULL);
	return meta;
}

static void find_creation(struct detection *d, const struct project_model *model)
{
	static const char *const later[] = {"indexes", "constraints", "unique_together",
	                                    "order_with_respect_to"};
	struct members fields = {.arena = d->arena};
	for (size_t i = 0; i < model->fields.n; i++)
		if (!is_deferred(model, &model->fields.items[i]))
			members_put_named(&fields, model->fields.items[i].name,
			                  model->fields.items[i].declaration);
	struct detected *creation = found_first(d, (struct operation){
		.kind = OP_CREATE_MODEL,
		.model = model->name,
		.fields = members_end(&fields),
		.body = project_is_managed(model)
	                ? without(d->arena, model->meta, later, sizeof later / sizeof *later)
	                : model->meta,
	});
	detect_after(d, creation, AFTER_MODEL_DELETED, model->name, STR(""));
	for (size_t i = 0; i < model->fields.n; i++) {
		const struct project_field *field = &model->fields.items[i];
		if (!is_deferred(model, field) && project_is_managed(model))
			detect_after_targets(d, creation, field->declaration);
	}
}

static void find_created_lists(struct detection *d, const struct project_model *model)
{
	const struct value *indexes = value_get(model->meta, "indexes");
	const struct value *constraints = value_get(model->meta, "constraints");
	for (size_t i = 0; indexes && i < indexes->list.n; i++) {
		const struct value *item = &indexes->list.items[i];
		after_related(d, detect_found(d, (struct operation){.kind = OP_ADD_INDEX, .model = model->name,
		                                             .name = edit_get_text(item, "name"),
		                                             .body = item}), model);
	}
	for (size_t i = 0; constraints && i < constraints->list.n; i++) {
		const struct value *item = &constraints->list.items[i];
		after_related(d, detect_found(d, (struct operation){.kind = OP_ADD_CONSTRAINT,
		                                             .model = model->name,
		                                             .name = edit_get_text(item, "name"),
		                                             .body = item}), model);
	}
}

static void find_created_model(struct detection *d, const struct project_model *model)
{
	find_creation(d, model);
	if (!project_is_managed(model))
		return;
	struct project_field **fields = detect_sorted_fields(d, model);
	for (size_t i = 0; i < model->fields.n; i++) {
		if (!is_deferred(model, fields[i]))
			continue;
		struct detected *addition = detect_found(d, (struct operation){
			.kind = OP_ADD_FIELD, .model = model->name, .name = fields[i]->name,
			.body = fields[i]->declaration});
		detect_after_targets(d, addition, fields[i]->declaration);
		detect_after(d, addition, AFTER_MODEL_CREATED, model->name, STR(""));
	}
	const struct value *order = value_get(model->meta, "order_with_respect_to");
	if (order) {
		struct detected *ordered = detect_found(d, (struct operation){
			.kind = OP_ALTER_ORDER_WITH_RESPECT_TO, .model = model->name, .body = order});
		detect_after(d, ordered, AFTER_FIELD_ADDED, model->name, order->text);
		detect_after(d, ordered, AFTER_MODEL_CREATED, model->name, STR(""));
	}
	find_created_lists(d, model);
	const struct value *together = value_get(model->meta, "unique_together");
	if (together)
		after_related(d, detect_found(d, (struct operation){.kind = OP_ALTER_UNIQUE_TOGETHER,
		                                             .model = model->name, .body = together}),
		              model);
}

static struct str table_of(struct detection *d, const struct project_model *model)
{
	struct str table = edit_get_text(model->meta, "db_table");
	return table.p ? table : arena_lower(d->arena, model->name);
}

/* A table cannot be made as long as another model has it. */
static bool check_tables(struct detection *d)
{
	size_t nadded, ngone;
	struct project_model **added = only_in(d, d->to, d->from, &nadded);
	struct project_model **gone = only_in(d, d->from, d->to, &ngone);
	for (size_t i = 0; i < nadded; i++)
		for (size_t k = 0; k < ngone && !renamed_model(d, added[i]); k++)
			if (!is_taken(d, gone[k]) && project_is_managed(added[i]) &&
			    project_is_managed(gone[k]) && str_eq(table_of(d, added[i]), table_of(d, gone[k])))
				return error_set_nowhere(
					d->error, ERROR_CONFLICT,
					"%.*s is new and has the table of %.*s, which is gone. If that is its new name, rename it "
					"first, in a migration without other changes of its fields; if it is not, make one "
					"migration that deletes and another that creates. Nothing was written.",
					STR_ARG(added[i]->name), STR_ARG(gone[k]->name));
	return true;
}

static void find_created_models(struct detection *d)
{
	size_t n;
	struct project_model **added = only_in(d, d->to, d->from, &n);
	for (unsigned managed = 2; managed-- > 0;)
		for (size_t i = n; i-- > 0;)
			if (!renamed_model(d, added[i]) && project_is_managed(added[i]) == (managed == 1))
				find_created_model(d, added[i]);
}

/* ---- options ---- */

static const struct value *options_of(struct detection *d, const struct project_model *model)
{
	static const char *const others[] = {
		"db_table",        "db_table_comment",      "constraints", "indexes",
		"unique_together", "order_with_respect_to", "primary_key",
	};
	return without(d->arena, model->meta, others, sizeof others / sizeof *others);
}

static void find_altered_options(struct detection *d)
{
	for (size_t i = 0; i < d->kept.n; i++) {
		const struct kept *kept = &d->kept.items[i];
		const struct value *was = options_of(d, kept->was), *is = options_of(d, kept->is);
		if (!value_eq(was, is))
			detect_found(d, (struct operation){
				.kind = OP_ALTER_MODEL_OPTIONS, .model = kept->is->name, .body = is});
	}
}

static bool is_in(const struct value *list, const struct value *item)
{
	for (size_t i = 0; list && i < list->list.n; i++)
		if (value_eq(&list->list.items[i], item))
			return true;
	return false;
}

/* What is in one model's list and not in the other's. */
static void find_list_changes(struct detection *d, const char *option, enum operation_kind kind,
                              bool is_addition)
{
	for (size_t i = 0; i < d->kept.n; i++) {
		const struct kept *kept = &d->kept.items[i];
		const struct value *was = value_get(kept->was->meta, option);
		const struct value *is = value_get(kept->is->meta, option);
		const struct value *list = is_addition ? is : was;
		for (size_t k = 0; project_is_managed(kept->is) && list && k < list->list.n; k++) {
			const struct value *item = &list->list.items[k];
			if (!is_in(is_addition ? was : is, item))
				detect_found(d, (struct operation){.kind = kind, .model = kept->is->name,
				                            .name = edit_get_text(item, "name"),
				                            .body = is_addition ? item : NULL});
		}
	}
}

/* ---- what else Meta says ---- */

/* The old value with the fields' new names. */
static const struct value *renamed_names(struct detection *d, const struct kept *kept,
                                         const struct value *value)
{
	for (size_t i = 0; value && i < d->fields.n; i++)
		if (d->fields.items[i].model == kept->is)
			value = edit_renamed(d->arena, value, d->fields.items[i].from, d->fields.items[i].to);
	return value;
}

/* As sets: of lists of names, whose order counts. */
static bool same_sets(const struct value *a, const struct value *b)
{
	if (!a || !b)
		return a == b;
	for (size_t i = 0; i < a->list.n; i++)
		if (!is_in(b, &a->list.items[i]))
			return false;
	for (size_t i = 0; i < b->list.n; i++)
		if (!is_in(a, &b->list.items[i]))
			return false;
	return true;
}

static void find_altered_order(struct detection *d)
{
	for (size_t i = 0; i < d->kept.n; i++) {
		const struct kept *kept = &d->kept.items[i];
		const struct value *is = value_get(kept->is->meta, "order_with_respect_to");
		const struct value *was =
			renamed_names(d, kept, value_get(kept->was->meta, "order_with_respect_to"));
		if (edit_same(was, is))
			continue;
		struct detected *ordered = detect_found(d, (struct operation){
			.kind = OP_ALTER_ORDER_WITH_RESPECT_TO, .model = kept->is->name, .body = is});
		if (is)
			detect_after(d, ordered, AFTER_FIELD_ADDED, kept->is->name, is->text);
	}
}

static void find_altered_together(struct detection *d, const char *option, enum operation_kind kind)
{
	for (size_t i = 0; i < d->kept.n; i++) {
		const struct kept *kept = &d->kept.items[i];
		const struct value *is = value_get(kept->is->meta, option);
		const struct value *was = renamed_names(d, kept, value_get(kept->was->meta, option));
		bool is_same = kind == OP_ALTER_UNIQUE_TOGETHER ? same_sets(was, is) : edit_same(was, is);
		if (is_same)
			continue;
		struct detected *altered = detect_found(
			d, (struct operation){.kind = kind, .model = kept->is->name, .body = is});
		for (size_t k = 0; k < kept->is->fields.n; k++)
			detect_after_targets(d, altered, kept->is->fields.items[k].declaration);
		if (kind == OP_ALTER_PRIMARY_KEY)
			detect_after_key_fields(d, altered, kept);
	}
}

static void find_altered_texts(struct detection *d, const char *option, enum operation_kind kind)
{
	for (size_t i = 0; i < d->kept.n; i++) {
		const struct kept *kept = &d->kept.items[i];
		const struct value *is = value_get(kept->is->meta, option);
		if (!edit_same(value_get(kept->was->meta, option), is))
			detect_found(d, (struct operation){.kind = kind, .model = kept->is->name, .body = is});
	}
}

static bool find_all(struct detection *d)
{
	find_renamed_models(d);
	if (!check_tables(d))
		return false;
	find_kept_models(d);
	find_deleted_models(d);
	find_created_models(d);
	find_altered_options(d);
	find_list_changes(d, "constraints", OP_REMOVE_CONSTRAINT, false);
	find_list_changes(d, "indexes", OP_REMOVE_INDEX, false);
	d->nbefore_renames = d->found.n;
	detect_renamed_fields(d);
	detect_removed_fields(d);
	if (!detect_added_fields(d) || !detect_altered_fields(d))
		return false;
	find_altered_order(d);
	find_altered_together(d, "primary_key", OP_ALTER_PRIMARY_KEY);
	find_altered_together(d, "unique_together", OP_ALTER_UNIQUE_TOGETHER);
	find_list_changes(d, "indexes", OP_ADD_INDEX, true);
	find_list_changes(d, "constraints", OP_ADD_CONSTRAINT, true);
	find_altered_texts(d, "db_table", OP_ALTER_MODEL_TABLE);
	find_altered_texts(d, "db_table_comment", OP_ALTER_MODEL_TABLE_COMMENT);
	return true;
}

bool detect_changes(const struct project *from, const struct project *to,
                    const struct questioner *questioner, struct operations *operations,
                    struct error *error)
{
	struct detection d = {.arena = to->arena, .from = from, .to = to, .questioner = questioner,
	                      .error = error};
	*operations = (struct operations){0};
	if (!find_all(&d))
		return false;
	if (!detect_order(d.arena, d.found.items, d.found.n, operations))
		return error_set_nowhere(error, ERROR_CONFLICT,
		                         "the changes depend on each other in a circle: make them in two "
		                         "migrations");
	optimize_operations(d.arena, operations);
	return true;
}
