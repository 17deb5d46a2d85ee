/* Fields that were renamed, removed, added and altered. */
#include "orm/migrate/detect_parts.h"

#include "orm/migrate/edit.h"

/* What a model of the old project is called in the new one, where it was renamed. */
static struct str new_name_of(const struct detection *d, struct str name)
{
	for (size_t i = 0; i < d->renamed.n; i++)
		if (str_eq_nocase(d->renamed.items[i].was->name, name))
			return d->renamed.items[i].is->name;
	return name;
}

static struct str old_name_of(const struct detection *d, const struct project_model *is,
                              struct str field)
{
	for (size_t i = 0; i < d->fields.n; i++)
		if (d->fields.items[i].model == is && str_eq(d->fields.items[i].to, field))
			return d->fields.items[i].from;
	return field;
}

static bool was_renamed_away(const struct detection *d, const struct project_model *is,
                             struct str field)
{
	for (size_t i = 0; i < d->fields.n; i++)
		if (d->fields.items[i].model == is && str_eq(d->fields.items[i].from, field))
			return true;
	return false;
}

const struct value *detect_said_today(struct detection *d, const struct value *declaration)
{
	static const char *const keys[] = {"to", "through"};
	struct str target = edit_get_text(declaration, "to");
	for (size_t i = 0; i < 2; i++) {
		struct str name = edit_get_text(declaration, keys[i]);
		if (name.p)
			declaration = edit_with(d->arena, declaration, keys[i],
			                        edit_text(d->arena, new_name_of(d, name)));
	}
	struct str to_field = edit_get_text(declaration, "to_field");
	for (size_t i = 0; to_field.p && i < d->fields.n; i++)
		if (str_eq_nocase(d->fields.items[i].model->name, new_name_of(d, target)) &&
		    str_eq(d->fields.items[i].from, to_field))
			declaration = edit_with(d->arena, declaration, "to_field",
			                        edit_text(d->arena, d->fields.items[i].to));
	return declaration;
}

static struct str column_of(struct detection *d, const struct project_field *field)
{
	struct str column = edit_get_text(field->declaration, "db_column");
	if (column.p)
		return column;
	bool is_key =
		declaration_is_relation(field->declaration) && !declaration_is_many(field->declaration);
	return is_key ? arena_concat(d->arena, field->name, STR("_id")) : field->name;
}

static bool may_be_renamed(struct detection *d, const struct project_field *was,
                           const struct project_field *is)
{
	const struct value *old = detect_said_today(d, was->declaration);
	if (value_eq(old, is->declaration))
		return true;
	const struct value *with_column =
		edit_with(d->arena, old, "db_column", edit_text(d->arena, column_of(d, was)));
	return value_eq(with_column, is->declaration);
}

static bool find_rename_of_field(struct detection *d, const struct kept *kept,
                                 const struct project_field *is)
{
	struct project_field **fields = detect_sorted_fields(d, kept->was);
	for (size_t i = 0; i < kept->was->fields.n; i++) {
		const struct project_field *was = fields[i];
		if (project_field(kept->is, was->name) || was_renamed_away(d, kept->is, was->name) ||
		    !may_be_renamed(d, was, is) ||
		    !d->questioner->is_field_renamed(d->questioner->context, kept->is->name, was->name,
		                                     is->name))
			continue;
		/* Django 3.2 alters the column's name first by hand; newer ones say AlterField. */
		if (!value_eq(detect_said_today(d, was->declaration), is->declaration))
			detect_found(d, (struct operation){.kind = OP_ALTER_FIELD, .model = kept->is->name,
			                            .name = was->name, .body = is->declaration});
		detect_found(d, (struct operation){.kind = OP_RENAME_FIELD, .model = kept->is->name,
		                            .name = was->name, .to = is->name});
		*ARENA_PUSH(d->arena, &d->fields) =
			(struct renamed_field){kept->is, was->name, is->name};
		return true;
	}
	return false;
}

void detect_renamed_fields(struct detection *d)
{
	for (size_t i = 0; i < d->kept.n; i++) {
		const struct kept *kept = &d->kept.items[i];
		struct project_field **fields = detect_sorted_fields(d, kept->is);
		for (size_t k = 0; k < kept->is->fields.n; k++)
			if (!project_field(kept->was, fields[k]->name))
				find_rename_of_field(d, kept, fields[k]);
	}
}

static bool takes_empty_text(const struct value *declaration)
{
	static const char *const types[] = {"CharField", "TextField",  "SlugField",     "EmailField",
	                                    "URLField",  "FileField",  "FilePathField", "ImageField",
	                                    "BinaryField"};
	struct str type = edit_get_text(declaration, "type");
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (str_is(type, types[i]))
			return true;
	return false;
}

/* Whether rows that are there already get along without being told a value. */
static bool fills_itself(const struct value *declaration)
{
	struct str type = edit_get_text(declaration, "type");
	return edit_get_bool(declaration, "null") || value_get(declaration, "default") ||
	       value_get(declaration, "db_default") || declaration_is_many(declaration) ||
	       (edit_get_bool(declaration, "blank") && takes_empty_text(declaration)) ||
	       edit_get_bool(declaration, "auto_now") ||
	       edit_get_bool(declaration, "auto_now_add") || str_is(type, "GeneratedField") ||
	       str_ends(type, STR("AutoField"));
}

static bool ask_one_off(struct detection *d, struct operation *operation, bool is_added)
{
	/* A moment that is set when a row is made: now, if nobody says better. */
	return d->questioner->one_off(d->questioner->context, operation->model, operation->name,
	                              is_added, &operation->one_off, d->error);
}

static bool is_key(const struct value *declaration)
{
	return edit_get_bool(declaration, "primary_key");
}

void detect_after_key_fields(struct detection *d, struct detected *detected, const struct kept *kept)
{
	for (size_t i = 0; i < kept->was->fields.n; i++) {
		const struct project_field *was = &kept->was->fields.items[i];
		const struct project_field *is = project_field(kept->is, was->name);
		if (!is_key(was->declaration) || (is && is_key(is->declaration)))
			continue;
		detect_after(d, detected, AFTER_FIELD_REMOVED, kept->is->name, was->name);
		detect_after(d, detected, AFTER_FIELD_ALTERED, kept->is->name, was->name);
	}
}

/* What a new declaration needs to be there: the models and the field that it refers to, and to be a key, that
 * nothing else is it any more. */
static void after_needed(struct detection *d, struct detected *detected, const struct kept *kept,
                         const struct value *declaration)
{
	struct str to = edit_get_text(declaration, "to"), to_field = edit_get_text(declaration, "to_field");
	detect_after_targets(d, detected, declaration);
	if (is_key(declaration)) {
		detect_after(d, detected, AFTER_KEY_CHANGED, kept->is->name, STR(""));
		detect_after_key_fields(d, detected, kept);
	}
	if (!to.p || !to_field.p)
		return;
	detect_after(d, detected, AFTER_FIELD_ADDED, to, to_field);
	detect_after(d, detected, AFTER_FIELD_ALTERED, to, to_field);
}

static bool find_added_field(struct detection *d, const struct kept *kept,
                             const struct project_field *field)
{
	const struct project_model *model = kept->is;
	struct operation operation = {.kind = OP_ADD_FIELD, .model = model->name,
	                              .name = field->name, .body = field->declaration};
	if (project_is_managed(model) && !fills_itself(field->declaration) && !ask_one_off(d, &operation, true))
		return false;
	struct detected *addition = detect_found(d, operation);
	after_needed(d, addition, kept, field->declaration);
	if (declaration_is_generated(field->declaration))
		detect_after_sources(d, addition, kept, field->declaration);
	return true;
}

/* A field that others referred to by "to_field" goes, or stops being unique, when they have let go of it. */
static void after_referring(struct detection *d, struct detected *detected,
                            const struct project_model *model, struct str name)
{
	for (size_t i = 0; i < d->kept.n; i++) {
		const struct kept *kept = &d->kept.items[i];
		for (size_t k = 0; k < kept->was->fields.n; k++) {
			const struct project_field *was = &kept->was->fields.items[k];
			const struct project_field *is = project_field(kept->is, was->name);
			const struct value *said = detect_said_today(d, was->declaration);
			if (!str_eq(edit_get_text(said, "to_field"), name) ||
			    !str_eq_nocase(edit_get_text(said, "to"), model->name) ||
			    (is && str_eq(edit_get_text(is->declaration, "to_field"), name)))
				continue;
			detect_after(d, detected, AFTER_FIELD_REMOVED, kept->is->name, was->name);
			detect_after(d, detected, AFTER_FIELD_ALTERED, kept->is->name, was->name);
		}
	}
}

static void find_removed_field(struct detection *d, const struct project_model *model,
                               const struct project_field *was, struct str name)
{
	struct operation operation = {.kind = OP_REMOVE_FIELD, .model = model->name, .name = name};
	/* While the columns that it is computed from are what they were. */
	bool is_computed = declaration_is_generated(was->declaration);
	struct detected *removal = is_computed && str_eq(was->name, name)
	                               ? detect_found_early(d, operation)
	                               : detect_found(d, operation);
	detect_after(d, removal, AFTER_ORDER_UNSET, model->name, name);
	detect_after(d, removal, AFTER_TOGETHER_CHANGED, model->name, name);
	if (!is_key(was->declaration))
		detect_after(d, removal, AFTER_KEY_CHANGED, model->name, name);
	after_referring(d, removal, model, name);
}

void detect_removed_fields(struct detection *d)
{
	for (size_t i = 0; i < d->kept.n; i++) {
		const struct kept *kept = &d->kept.items[i];
		struct project_field **fields = detect_sorted_fields(d, kept->was);
		for (size_t k = 0; k < kept->was->fields.n; k++)
			if (!project_field(kept->is, fields[k]->name) &&
			    !was_renamed_away(d, kept->is, fields[k]->name))
				find_removed_field(d, kept->is, fields[k], fields[k]->name);
	}
}

const struct project_field *detect_old_field(const struct detection *d, const struct kept *kept,
                                             const struct project_field *is)
{
	return project_field(kept->was, old_name_of(d, kept->is, is->name));
}

bool detect_added_fields(struct detection *d)
{
	for (size_t i = 0; i < d->kept.n; i++) {
		const struct kept *kept = &d->kept.items[i];
		struct project_field **fields = detect_sorted_fields(d, kept->is);
		for (size_t k = 0; k < kept->is->fields.n; k++)
			if (!detect_old_field(d, kept, fields[k]) && !find_added_field(d, kept, fields[k]))
				return false;
	}
	return true;
}

/* A generated column is made anew; a many-to-many's table is no column. */
static bool must_be_made_anew(const struct value *was, const struct value *is)
{
	return declaration_is_generated(was) || declaration_is_generated(is) || declaration_is_many(was) != declaration_is_many(is);
}

static bool check_through(struct detection *d, const struct kept *kept,
                          const struct project_field *is, const struct value *was)
{
	if (!declaration_is_many(was) || !declaration_is_many(is->declaration) ||
	    !value_get(was, "through") == !value_get(is->declaration, "through"))
		return true;
	return error_set_nowhere(
		d->error, ERROR_CONFLICT,
		"%.*s.%.*s: \"through\" cannot be added to a many-to-many field or taken away, because "
		"its rows are in another table. Add a field under a new name, copy the rows in a RunSQL, "
		"and remove this one.",
		STR_ARG(kept->is->name), STR_ARG(is->name));
}

static bool find_altered_field(struct detection *d, const struct kept *kept,
                               const struct project_field *is)
{
	const struct project_field *was = detect_old_field(d, kept, is);
	const struct value *old = was ? detect_said_today(d, was->declaration) : NULL;
	struct operation operation = {.kind = OP_ALTER_FIELD, .model = kept->is->name,
	                              .name = is->name, .body = is->declaration};
	if (was && declaration_is_generated(old) && declaration_is_generated(is->declaration) &&
	    detect_rests_on_altered(d, kept, is)) {
		find_removed_field(d, kept->is, was, is->name);
		return find_added_field(d, kept, is);
	}
	if (!was || value_eq(old, is->declaration) ||
	    (!str_eq(was->name, is->name) && may_be_renamed(d, was, is)))
		return true;
	if (!check_through(d, kept, is, old))
		return false;
	if (must_be_made_anew(old, is->declaration)) {
		find_removed_field(d, kept->is, was, is->name);
		return find_added_field(d, kept, is);
	}
	bool loses_null = edit_get_bool(old, "null") && !edit_get_bool(is->declaration, "null") &&
	                  !value_get(is->declaration, "default") &&
	                  !value_get(is->declaration, "db_default") &&
	                  !declaration_is_many(is->declaration);
	if (project_is_managed(kept->is) && loses_null && !ask_one_off(d, &operation, false))
		return false;
	struct detected *altered = detect_found(d, operation);
	after_needed(d, altered, kept, is->declaration);
	detect_after_computed(d, altered, kept);
	after_referring(d, altered, kept->is, is->name);
	return true;
}

bool detect_altered_fields(struct detection *d)
{
	for (size_t i = 0; i < d->kept.n; i++) {
		const struct kept *kept = &d->kept.items[i];
		struct project_field **fields = detect_sorted_fields(d, kept->is);
		for (size_t k = 0; k < kept->is->fields.n; k++)
			if (!find_altered_field(d, kept, fields[k]))
				return false;
	}
	return true;
}
