/* Tables and columns: what the database has beside what the models would make. */
#include "orm/migrate/diff_tables.h"

static const struct str nothing = {NULL, 0};

void diff_add(struct diff *diff, bool is_note, struct str subject, struct str database,
              struct str models)
{
	*ARENA_PUSH(diff->arena, diff->out) = (struct difference){
		.is_note = is_note,
		.model = diff->model ? diff->model->name : nothing,
		.table = diff->model ? diff->model->table : STR(""),
		.subject = subject,
		.database = database,
		.models = models,
	};
	diff->out->ndrifts += !is_note;
}

static struct str or_none(struct str text)
{
	return text.p ? text : STR("none");
}

void diff_text(struct diff *diff, bool is_note, struct str subject, struct str database,
               struct str models)
{
	bool is_same = database.p && models.p ? str_eq(database, models) : database.p == models.p;

	if (!is_same)
		diff_add(diff, is_note, subject, or_none(database), or_none(models));
}

/* ---- columns ---- */

static struct str named(struct diff *diff, const char *what, struct str name, const char *aspect)
{
	return arena_printf(diff->arena, "%s %.*s%s%s", what, STR_ARG(name), aspect[0] ? ": " : "",
	                    aspect);
}

static bool numbers_itself(const struct catalog_column *column)
{
	return column->identity.n > 0 || column->is_serial;
}

static void compare_default(struct diff *diff, const struct catalog_column *is,
                            const struct catalog_column *wanted)
{
	if (numbers_itself(is) && numbers_itself(wanted)) {
		diff_text(diff, true, named(diff, "column", is->name, "numbered by"),
		          is->is_serial ? STR("a sequence's default") : STR("identity"),
		          wanted->is_serial ? STR("a sequence's default") : STR("identity"));
		return;
	}
	if (numbers_itself(is) && wanted->default_text.p)
		return;
	diff_text(diff, false,
	          named(diff, "column", is->name, is->is_generated ? "expression" : "default"),
	          numbers_itself(is) ? STR("numbers") : is->default_text,
	          numbers_itself(wanted) ? STR("numbers") : wanted->default_text);
}

static struct str null_words(bool is_not_null)
{
	return is_not_null ? STR("not null") : STR("null");
}

static void compare_column(struct diff *diff, const struct catalog_column *is,
                           const struct catalog_column *wanted)
{
	bool is_table = diff->is->kind == 'r' || diff->is->kind == 'p' || diff->is->kind == 'f';
	struct str type = is->type;

	/* An array's own declaration of its depth and size says nothing to PostgreSQL. */
	diff_text(diff, false, named(diff, "column", is->name, "type"), type, wanted->type);
	if (is_table)
		diff_text(diff, !diff->model->is_managed, named(diff, "column", is->name, "null"), null_words(is->is_not_null),
		          null_words(wanted->is_not_null));
	if (!is_table || !diff->model->is_managed)
		return;
	diff_text(diff, false, named(diff, "column", is->name, "collation"), is->collation,
	          wanted->collation);
	if (is->is_generated != wanted->is_generated)
		diff_add(diff, false, named(diff, "column", is->name, "generated"),
		         is->is_generated ? STR("yes") : STR("no"),
		         wanted->is_generated ? STR("yes") : STR("no"));
	else
		compare_default(diff, is, wanted);
	diff_text(diff, false, named(diff, "column", is->name, "comment"), is->comment, wanted->comment);
}

static void compare_columns(struct diff *diff)
{
	for (size_t i = 0; i < diff->wanted->columns.n; i++) {
		const struct catalog_column *wanted = &diff->wanted->columns.items[i];
		const struct catalog_column *is = catalog_column(diff->is, wanted->name);

		if (is)
			compare_column(diff, is, wanted);
		else
			diff_add(diff, false, named(diff, "column", wanted->name, ""), nothing, wanted->type);
	}
	for (size_t i = 0; i < diff->is->columns.n; i++) {
		const struct catalog_column *is = &diff->is->columns.items[i];

		if (!catalog_column(diff->wanted, is->name))
			diff_add(diff, !diff->model->is_managed, named(diff, "column", is->name, ""), is->type,
			         nothing);
	}
}

/* ---- tables ---- */

static const struct catalog_table *find_actual(struct diff *diff, struct str table)
{
	struct str rest = table, schema = str_cut(&rest, STR("\".\""));

	if (rest.p)
		return catalog_find(diff->actual, schema, rest);
	for (size_t i = 0; i < diff->actual->tables.n; i++) {
		const struct catalog_table *candidate = diff->actual->tables.items[i];

		if (candidate->is_in_path && str_eq(candidate->name, table))
			return candidate;
	}
	return NULL;
}

static const struct catalog_table *find_expected(struct diff *diff, struct str table)
{
	struct str rest = table, first = str_cut(&rest, STR("\".\""));
	struct str name = rest.p ? rest : first;

	for (size_t i = 0; i < diff->expected->tables.n; i++)
		if (str_eq(diff->expected->tables.items[i]->name, name))
			return diff->expected->tables.items[i];
	return NULL;
}

static void compare_model(struct diff *diff)
{
	diff->is = find_actual(diff, diff->model->table);
	diff->wanted = find_expected(diff, diff->model->table);
	if (!diff->is) {
		diff_add(diff, false, nothing, nothing, STR("a table"));
		return;
	}
	if (!diff->wanted) /* It could not be made, which is told. */
		return;
	compare_columns(diff);
	if (!diff->model->is_managed)
		return;
	diff_text(diff, false, STR("comment"), diff->is->comment, diff->wanted->comment);
	diff_things(diff);
}

static bool has_model(struct diff *diff, const struct catalog_table *table)
{
	for (size_t i = 0; i < diff->registry->nmodels; i++)
		if (find_actual(diff, diff->registry->models[i]->table) == table)
			return true;
	return false;
}

void diff_tables(struct diff *diff)
{
	for (size_t i = 0; i < diff->registry->nmodels; i++) {
		diff->model = diff->registry->models[i];
		compare_model(diff);
	}
	diff->model = NULL;
	for (size_t i = 0; i < diff->actual->tables.n; i++) {
		const struct catalog_table *table = diff->actual->tables.items[i];
		bool is_view = table->kind == 'v' || table->kind == 'm';

		if (is_view || !table->is_in_path || has_model(diff, table))
			continue;
		diff_add(diff, true, arena_printf(diff->arena, "table %.*s", STR_ARG(table->name)),
		         STR("a table"), nothing);
	}
}
