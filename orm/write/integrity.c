/* IntegrityErrors in the model's terms.
 *
 * A name is compared with what the migrations (or Django's own) call the constraint; one that
 * somebody else made and nobody knows keeps the database room's plain words.
 */
#include "orm/write/integrity.h"

#include "orm/model/build.h"
#include "orm/model/unique_for.h"
#include "orm/write/messages.h"

/* What was found out about a violated constraint. */
struct finding {
	struct error *error;
	bool is_deleting;
	const struct assignment *assigned;
	size_t nassigned;
};

static struct str last_part(struct str table)
{
	ptrdiff_t at = str_find(table, STR("\".\""));
	return at < 0 ? table : str_sub(table, (size_t)at + 3, table.n);
}

static struct str spaced(struct arena *arena, struct str name)
{
	char *copy = arena_cstr(arena, name);

	for (size_t i = 0; i < name.n; i++)
		if (copy[i] == '_')
			copy[i] = ' ';
	return (struct str){copy, name.n};
}

static struct str label_of(struct arena *arena, const struct field *field)
{
	struct str label = field->verbose_name.n ? field->verbose_name : spaced(arena, field->name);
	return message_capital(arena, label);
}

static struct str model_label(struct arena *arena, const struct model *model)
{
	return message_capital(arena, model->verbose_name.n ? model->verbose_name : model->name);
}

static void set_fields(struct error *error, const struct field *const *fields, size_t n)
{
	struct str *names = ARENA_ARRAY(error->arena, struct str, n);

	for (size_t i = 0; i < n; i++)
		names[i] = fields[i]->name;
	error->fields = names;
	error->nfields = n;
}

/* As a ValidationError says it: by field, or of the whole row, with Django's code. */
static void set_violation(struct error *error, struct str code)
{
	struct error_field *violation = ARENA_NEW(error->arena, struct error_field);

	*violation = (struct error_field){.field = error->nfields == 1 ? error->fields[0] : STR("__all__"),
	                                  .message = error->detail,
	                                  .code = code,
	                                  .line = error->line};
	error->violations = violation;
	error->nviolations = 1;
}

/* "Vote with this Author and Article already exists." */
static void say_exists(struct error *error, const struct model *model,
                       const struct field *const *fields, size_t n)
{
	struct arena *arena = error->arena;
	struct str *labels = ARENA_ARRAY(arena, struct str, n);

	for (size_t i = 0; i < n; i++)
		labels[i] = label_of(arena, fields[i]);
	struct str joined = message_list(arena, labels, n);
	struct str usual = STR("%(model_name)s with this %(field_label)s already exists.");
	struct str template = n == 1 ? message_of_field(fields[0], STR("unique"), usual) : usual;
	const struct message_value values[] = {{"model_name", model_label(arena, model), false},
	                                       {"field_label", joined, false},
	                                       {"field_labels", joined, false}};
	set_fields(error, fields, n);
	error->detail = message_format(arena, template, values, 3);
	set_violation(error, n == 1 ? STR("unique") : STR("unique_together"));
}

/* "Title must be unique for Published date." */
static void say_exists_for(struct error *error, const struct field *field,
                           const struct unique_for *unique)
{
	struct arena *arena = error->arena;
	struct str template =
		message_of_field(field, STR("unique_for_date"),
	                     STR("%(field_label)s must be unique for %(date_field_label)s %(lookup_type)s."));
	const struct message_value values[] = {{"field_label", label_of(arena, field), false},
	                                       {"date_field_label", label_of(arena, unique->date), false},
	                                       {"lookup_type", str_of(unique->word), false}};

	set_fields(error, &field, 1);
	error->detail = message_format(arena, template, values, 3);
	set_violation(error, STR("unique_for_date"));
}

static bool explain_unique_for(struct error *error, const struct field *field)
{
	struct unique_for list[3];
	size_t n = unique_for_list(error->arena, field, list);

	for (size_t i = 0; i < n; i++) {
		if (!str_eq(list[i].index, error->constraint))
			continue;
		say_exists_for(error, field, &list[i]);
		return true;
	}
	return false;
}

static struct str code_of(const struct constraint *constraint)
{
	if (constraint->violation_code.p)
		return constraint->violation_code;
	return constraint->kind == CONSTRAINT_UNIQUE ? STR("unique") : STR("invalid");
}

static void say_violated(struct error *error, const struct constraint *constraint)
{
	const struct message_value name = {"name", constraint->name, false};
	struct str template = constraint->violation_message.p ? constraint->violation_message
	                                                      : STR("Constraint “%(name)s” is violated.");

	error->detail = message_format(error->arena, template, &name, 1);
	set_violation(error, code_of(constraint));
}

static bool explain_declared(struct error *error, const struct model *model)
{
	for (size_t i = 0; i < model->nconstraints; i++) {
		const struct constraint *constraint = &model->constraints[i];
		if (!str_eq(constraint->name, error->constraint))
			continue;
		const struct field **fields =
			ARENA_ARRAY(error->arena, const struct field *, constraint->nparts + 1);
		size_t n = 0;
		for (size_t part = 0; part < constraint->nparts; part++)
			if (constraint->parts[part].field)
				fields[n++] = constraint->parts[part].field;
		bool is_plain = constraint->kind == CONSTRAINT_UNIQUE && n && n == constraint->nparts &&
		                !constraint->condition && !constraint->violation_message.p;
		if (is_plain) {
			say_exists(error, model, fields, n);
			return true;
		}
		set_fields(error, fields, n);
		say_violated(error, constraint);
		return true;
	}
	return false;
}

static bool explain_together(struct error *error, const struct model *model)
{
	for (size_t i = 0; i < model->nunique_together; i++) {
		const struct field *const *fields = model->unique_together[i];
		size_t n = 0;
		while (fields[n])
			n++;
		struct str *columns = ARENA_ARRAY(error->arena, struct str, n);
		for (size_t c = 0; c < n; c++)
			columns[c] = fields[c]->column;
		struct str name =
			django_index_name(error->arena, last_part(model->table), columns, n, "_uniq");
		if (!str_eq(name, error->constraint))
			continue;
		say_exists(error, model, fields, n);
		return true;
	}
	return false;
}

static bool is_foreign_key_name(struct error *error, const struct field *field)
{
	if (!field->relation || !field->relation->target)
		return false;
	struct str suffix =
		arena_printf(error->arena, "_fk_%.*s_%.*s", STR_ARG(last_part(field->relation->to->table)),
	                 STR_ARG(field->relation->target->column));
	struct str name = django_index_name(error->arena, last_part(field->model->table),
	                                    &field->column, 1, arena_cstr(error->arena, suffix));
	return str_eq(name, error->constraint);
}

static const struct assignment *assignment_of(const struct finding *finding,
                                              const struct field *field)
{
	for (size_t i = 0; i < finding->nassigned; i++)
		if (finding->assigned[i].field == field)
			return &finding->assigned[i];
	return NULL;
}

/* PostgreSQL gives both violations of a foreign key one SQLSTATE.  An update that sets what the key refers to,
 * and not the key, can only have left rows behind that refer to the old value. */
static bool leaves_rows_behind(const struct finding *finding, const struct field *field)
{
	return assignment_of(finding, field->relation->target) && !assignment_of(finding, field);
}

static void say_left_behind(const struct finding *finding, const struct field *field)
{
	struct error *error = finding->error;
	const struct field *target = field->relation->target;

	set_fields(error, &target, 1);
	error->pos = assignment_of(finding, target)->operand.pos;
	error->has_pos = error->pos != NULL;
	error->detail =
		arena_printf(error->arena,
	                 "Rows of model '%.*s' still refer to the %.*s that was to be changed: '%.*s.%.*s'.",
	                 STR_ARG(field->model->name), STR_ARG(target->name), STR_ARG(field->model->name),
	                 STR_ARG(field->name));
}

static void say_foreign_key(const struct finding *finding, const struct field *field)
{
	struct error *error = finding->error;
	const struct relation *relation = field->relation;

	if (leaves_rows_behind(finding, field)) {
		say_left_behind(finding, field);
		return;
	}
	set_fields(error, &field, 1);
	if (finding->is_deleting)
		error->detail = arena_printf(error->arena,
		                             "Rows of model '%.*s' still refer to what was to be deleted: "
		                             "'%.*s.%.*s'.",
		                             STR_ARG(field->model->name), STR_ARG(field->model->name),
		                             STR_ARG(field->name));
	else
		error->detail = arena_printf(error->arena, "%.*s instance with this %.*s does not exist.",
		                             STR_ARG(relation->to->name), STR_ARG(relation->target->name));
	if (!finding->is_deleting)
		set_violation(error, STR("invalid"));
}

/* PostgreSQL's own name: <table>_<column>_<suffix>, table and column cut to fit in 63 bytes. */
static bool is_own_name(struct error *error, const struct field *field, const char *suffix)
{
	struct str table = last_part(field->model->table), column = field->column;
	size_t room = 63 - strlen(suffix) - 2;

	while (table.n + column.n > room) {
		if (table.n > column.n)
			table.n--;
		else
			column.n--;
	}
	struct str name =
		arena_printf(error->arena, "%.*s_%.*s_%s", STR_ARG(table), STR_ARG(column), suffix);
	return str_eq(name, error->constraint);
}

static bool is_unique_name(struct error *error, const struct field *field)
{
	if (is_own_name(error, field, "key"))
		return true;
	struct str django =
		django_index_name(error->arena, last_part(field->model->table), &field->column, 1, "_uniq");
	return str_eq(django, error->constraint);
}

static bool explain_column(const struct finding *finding, const struct field *field)
{
	struct error *error = finding->error;

	if (explain_unique_for(error, field))
		return true;
	if (is_foreign_key_name(error, field)) {
		say_foreign_key(finding, field);
		return true;
	}
	if (is_unique_name(error, field)) {
		say_exists(error, field->model, &field, 1);
		return true;
	}
	if (!is_own_name(error, field, "check"))
		return false;
	set_fields(error, &field, 1);
	error->detail = arena_printf(error->arena, "%.*s: the value is out of range.",
	                             STR_ARG(label_of(error->arena, field)));
	set_violation(error, STR("invalid"));
	return true;
}

static bool explain_key(struct error *error, const struct model *model)
{
	struct str name = arena_concat(error->arena, last_part(model->table), STR("_pkey"));

	if (!str_eq(name, error->constraint))
		return false;
	say_exists(error, model, model->pk_fields, model->npk_fields);
	return true;
}

static bool explain_constraint(const struct finding *finding, const struct model *model)
{
	if (explain_declared(finding->error, model) || explain_together(finding->error, model) ||
	    explain_key(finding->error, model))
		return true;
	for (size_t i = 0; i < model->ncolumns; i++)
		if (explain_column(finding, model->columns[i]))
			return true;
	return false;
}

/* A column that cannot be NULL: the database names the column. */
static bool explain_null(struct error *error, const struct model *model)
{
	for (size_t i = 0; i < model->ncolumns; i++) {
		const struct field *field = model->columns[i];
		if (!str_eq(field->column, error->column))
			continue;
		set_fields(error, &field, 1);
		error->detail = arena_printf(error->arena, "%.*s.%.*s cannot be null.",
		                             STR_ARG(model->name), STR_ARG(field->name));
		set_violation(error, STR("null"));
		return true;
	}
	return false;
}

void integrity_explain(const struct registry *registry, bool is_deleting, struct error *error)
{
	integrity_explain_update(registry, is_deleting, NULL, 0, error);
}

void integrity_explain_update(const struct registry *registry, bool is_deleting,
                              const struct assignment *assigned, size_t n, struct error *error)
{
	struct finding finding = {error, is_deleting, assigned, n};

	if (error->kind != ERROR_INTEGRITY)
		return;
	for (size_t i = 0; i < registry->nmodels; i++) {
		const struct model *model = registry->models[i];
		if (error->table.p && !str_eq(error->table, last_part(model->table)))
			continue;
		if (error->constraint.n ? explain_constraint(&finding, model)
		                        : error->column.n && explain_null(error, model))
			return;
	}
}
