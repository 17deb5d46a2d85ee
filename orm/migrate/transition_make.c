/* Constraints and indexes that are made, after tables and columns have changed.  On a live table
 * nothing is checked or built while others wait. */
#include "orm/migrate/transition.h"

#include "orm/model/build.h"
#include "orm/model/unique_for.h"

static struct schema empty(struct transition *t)
{
	return (struct schema){.arena = t->arena};
}

/* `sql` with `what` put in behind its first words. */
static struct str with_words(struct arena *arena, struct str sql, struct str begin, const char *what)
{
	ASSERT(str_starts(sql, begin));
	return arena_printf(arena, "%.*s%s%.*s", STR_ARG(begin), what, (int)(sql.n - begin.n),
	                    sql.p + begin.n);
}

static struct str qualified(struct transition *t, const struct model *model, struct str name)
{
	struct str rest = model->table, schema = str_cut(&rest, STR("\".\""));
	struct str quoted = quoted_name(t->arena, name);
	if (!rest.p)
		return quoted;
	return arena_printf(t->arena, "%.*s.%.*s", STR_ARG(quoted_name(t->arena, schema)),
	                    STR_ARG(quoted));
}

/* The statements make indexes called `name`. */
static void add_index(struct transition *t, const struct model *model, const struct schema *schema,
                      struct str name)
{
	size_t first = t->steps->n;
	step_add_schema(t, model, schema);
	for (size_t i = first; is_live(t, model) && i < t->steps->n; i++) {
		struct step *step = &t->steps->items[i];
		bool is_unique = str_starts(step->sql, STR("CREATE UNIQUE"));
		step->sql = with_words(t->arena, step->sql,
		                       is_unique ? STR("CREATE UNIQUE INDEX ") : STR("CREATE INDEX "),
		                       "CONCURRENTLY ");
		step->kind = STEP_INDEX;
		step->index = qualified(t, model, name);
		step->lock = LOCK_SHARE_UPDATE_EXCLUSIVE;
		step->is_apart = step->scans = true;
	}
}

/* ADD CONSTRAINT … NOT VALID, and its validation behind. */
static void add_checked(struct transition *t, const struct model *model, struct str sql,
                        struct str name)
{
	struct sql validation;
	struct step *step = ARENA_PUSH(t->steps->arena, t->steps);
	*step = (struct step){
		.label = arena_concat(t->arena, STR("add constraint "), name),
		.sql = arena_concat(t->arena, sql, STR(" NOT VALID")),
		.table = quoted_table(t->arena, model),
		.lock = LOCK_ACCESS_EXCLUSIVE,
	};
	begin_alter_table(t, &validation, model);
	sql_lit(&validation, " VALIDATE CONSTRAINT ");
	sql_name(&validation, name);
	step = step_add(t, &validation, quoted_table(t->arena, model), LOCK_SHARE_UPDATE_EXCLUSIVE,
	                "validate constraint", name);
	step->is_apart = step->scans = true;
}

/* UNIQUE by way of an index that is built first. */
static void add_unique(struct transition *t, const struct model *model, const struct str *columns,
                       size_t n, struct str name, const char *deferrable)
{
	struct sql sql;
	sql_init(&sql, t->arena);
	sql_lit(&sql, "CREATE UNIQUE INDEX CONCURRENTLY ");
	sql_name(&sql, name);
	sql_lit(&sql, " ON ");
	sql_table(&sql, model);
	for (size_t i = 0; i < n; i++) {
		sql_const(&sql, i == 0 ? " (" : ", ");
		sql_name(&sql, columns[i]);
	}
	sql_lit(&sql, ")");
	struct step *step = step_add(t, &sql, quoted_table(t->arena, model),
	                             LOCK_SHARE_UPDATE_EXCLUSIVE, "create unique index", name);
	step->kind = STEP_INDEX;
	step->index = qualified(t, model, name);
	step->is_apart = step->scans = true;
	begin_alter_table(t, &sql, model);
	sql_lit(&sql, " ADD CONSTRAINT ");
	sql_name(&sql, name);
	sql_lit(&sql, " UNIQUE USING INDEX ");
	sql_name(&sql, name);
	sql_const(&sql, deferrable);
	step_add(t, &sql, quoted_table(t->arena, model), LOCK_ACCESS_EXCLUSIVE, "add unique constraint",
	         name);
}

/* ---- of one column ---- */

/* What PostgreSQL calls a constraint that came with the column: the longer part is cut. */
static struct str implicit_name(struct arena *arena, struct str table, struct str column,
                                const char *label)
{
	size_t room = 63 - strlen(label) - 2;
	while (table.n + column.n > room) {
		if (table.n > column.n)
			table.n--;
		else
			column.n--;
	}
	table.n = str_utf8_prefix(table);
	column.n = str_utf8_prefix(column);
	return arena_printf(arena, "%.*s_%.*s_%s", STR_ARG(table), STR_ARG(column), label);
}

static bool is_single_unique(const struct field *field)
{
	bool is_key = field->is_primary_key && field->model->npk_fields == 1;
	return field_is_unique_column(field) && !is_key;
}

static void make_unique(struct transition *t, const struct field_pair *field)
{
	const struct model *model = field->is->model;
	struct str table = schema_table_name(model), column = field->is->column;
	struct str name = field->was
	                      ? django_index_name(t->arena, table, &column, 1, "_uniq")
	                      : implicit_name(t->arena, table, column, "key");
	struct sql sql;
	if (is_live(t, model)) {
		add_unique(t, model, &field->is->column, 1, name, "");
		return;
	}
	if (!field->was)
		return; /* stands in ADD COLUMN */
	begin_alter_table(t, &sql, model);
	sql_lit(&sql, " ADD CONSTRAINT ");
	sql_name(&sql, name);
	sql_lit(&sql, " UNIQUE (");
	sql_name(&sql, column);
	sql_lit(&sql, ")");
	step_add(t, &sql, quoted_table(t->arena, model), LOCK_ACCESS_EXCLUSIVE, "add unique constraint",
	         name)->scans = true;
}

static void make_check(struct transition *t, const struct field_pair *field)
{
	const struct model *model = field->is->model;
	struct str table = schema_table_name(model), column = field->is->column;
	struct str name = field->was
	                      ? django_index_name(t->arena, table, &column, 1, "_check")
	                      : implicit_name(t->arena, table, column, "check");
	struct sql sql;
	if (!field->was && !is_live(t, model))
		return; /* stands in ADD COLUMN */
	begin_alter_table(t, &sql, model);
	sql_lit(&sql, " ADD CONSTRAINT ");
	sql_name(&sql, name);
	sql_lit(&sql, " CHECK (");
	sql_name(&sql, column);
	sql_lit(&sql, " >= 0)");
	struct statement statement;
	if (!is_live(t, model)) {
		step_add(t, &sql, quoted_table(t->arena, model), LOCK_ACCESS_EXCLUSIVE, "add constraint",
		         name)->scans = true;
		return;
	}
	sql_finish(&sql, 0, &statement);
	add_checked(t, model, statement.sql, name);
}

/* A constraint of the column, found by what it does, gets another name. */
static void rename_found(struct transition *t, enum found_kind kind, const struct field *field,
                         struct str was, struct str name)
{
	struct sql sql;
	begin_alter_table(t, &sql, field->model);
	sql_lit(&sql, " RENAME CONSTRAINT ");
	struct step *step = step_add(t, &sql, quoted_table(t->arena, field->model),
	                             LOCK_ACCESS_EXCLUSIVE, "rename to", name);
	step->finder = finder_of(t, kind, field->model, &field->column, 1, was);
	step->unless = name;
	step->tail = arena_concat(t->arena, STR(" TO "), quoted_name(t->arena, name));
}

static void rename_check(struct transition *t, const struct field_pair *field)
{
	struct str column = field->is->column, table = schema_table_name(field->is->model);
	if (!str_eq(field->was->column, column))
		rename_found(t, FIND_CHECK, field->is,
		             implicit_name(t->arena, table, field->was->column, "check"),
		             django_index_name(t->arena, table, &column, 1, "_check"));
}

static void make_key(struct transition *t, const struct field *field)
{
	struct str name = django_index_name(t->arena, schema_table_name(field->model), &field->column, 1,
	                                    "_pk");
	struct sql sql;
	begin_alter_table(t, &sql, field->model);
	sql_lit(&sql, " ADD CONSTRAINT ");
	sql_name(&sql, name);
	sql_lit(&sql, " PRIMARY KEY (");
	sql_name(&sql, field->column);
	sql_lit(&sql, ")");
	step_add(t, &sql, quoted_table(t->arena, field->model), LOCK_ACCESS_EXCLUSIVE,
	         "add primary key", name)->scans = true;
}

static void make_field_index(struct transition *t, const struct field *field, bool is_like)
{
	struct schema schema = empty(t);
	struct str name = django_index_name(t->arena, schema_table_name(field->model), &field->column, 1,
	                                    is_like ? "_like" : "");
	schema_field_index(&schema, field, is_like);
	add_index(t, field->model, &schema, name);
}

static void make_unique_for(struct transition *t, const struct field_pair *field)
{
	struct unique_for was[3], is[3];
	size_t nwas = field->was ? unique_for_list(t->arena, field->was, was) : 0;
	size_t nis = unique_for_list(t->arena, field->is, is);
	struct schema all = empty(t);
	schema_unique_for(&all, field->is);
	for (size_t i = 0; i < nis; i++) {
		bool is_there = false;
		struct schema one = {t->arena, &all.items[i], 1, 1};
		for (size_t k = 0; k < nwas; k++)
			is_there = is_there || str_eq(was[k].index, is[i].index);
		if (!is_there)
			add_index(t, field->is->model, &one, is[i].index);
	}
}

static void make_comment(struct transition *t, const struct field_pair *field)
{
	struct schema schema = empty(t);
	struct str was = field->was ? field->was->db_comment : STR("");
	if (str_eq(was, field->is->db_comment) || (was.n == 0 && field->is->db_comment.n == 0))
		return;
	schema_comment(&schema, field->is->model, field->is,
	               field->is->db_comment.n > 0 ? field->is->db_comment : (struct str){0});
	step_add_schema(t, field->is->model, &schema);
}

static bool make_of_field(struct transition *t, const struct model_pair *pair,
                          const struct field_pair *field)
{
	const struct field *was = field->was, *is = field->is;
	if (!is)
		return true;
	bool was_key = was && was->is_primary_key && pair->was->npk_fields == 1;
	bool is_key = is->is_primary_key && pair->is->npk_fields == 1;
	if (was && is_key && !was_key)
		make_key(t, is);
	if (is_single_unique(is) && !(was && is_single_unique(was)))
		make_unique(t, field);
	if (schema_column_has_check(is) && !(was && schema_column_has_check(was)))
		make_check(t, field);
	else if (schema_column_has_check(is))
		rename_check(t, field);
	if (field_has_index(is) && !(was && field_has_index(was)))
		make_field_index(t, is, false);
	const char *like_is = field_like_opclass(t->arena, is);
	const char *like_was = was ? field_like_opclass(t->arena, was) : NULL;
	if (like_is && (!like_was || strcmp(like_was, like_is) != 0))
		make_field_index(t, is, true);
	make_unique_for(t, field);
	make_comment(t, field);
	return true;
}

/* ---- of several ---- */

static void make_together(struct transition *t, const struct model_pair *pair)
{
	for (size_t i = 0; i < pair->is->nunique_together; i++) {
		const struct field *const *is = pair->is->unique_together[i];
		size_t n = fields_count(is);
		bool is_there = false;
		for (size_t k = 0; k < pair->was->nunique_together; k++)
			is_there = is_there || fields_stay(t, pair->was->unique_together[k],
			                                    fields_count(pair->was->unique_together[k]), is, n,
			                                    pair->is);
		if (is_there)
			continue;
		struct schema schema = empty(t);
		const struct str *columns = fields_columns(t, is, n);
		struct str name =
			django_index_name(t->arena, schema_table_name(pair->is), columns, n, "_uniq");
		if (is_live(t, pair->is)) {
			add_unique(t, pair->is, columns, n, name, "");
			continue;
		}
		schema_unique_together(&schema, pair->is, is);
		step_add_schema(t, pair->is, &schema);
	}
}

static void make_composite_key(struct transition *t, const struct model_pair *pair)
{
	const struct model *was = pair->was, *is = pair->is;
	struct sql sql;
	if (is->npk_fields < 2 || fields_stay(t, was->pk_fields, was->npk_fields, is->pk_fields,
	                                       is->npk_fields, is))
		return;
	begin_alter_table(t, &sql, is);
	sql_lit(&sql, " ADD PRIMARY KEY ");
	for (size_t i = 0; i < is->npk_fields; i++) {
		sql_const(&sql, i == 0 ? "(" : ", ");
		sql_name(&sql, is->pk_fields[i]->column);
	}
	sql_lit(&sql, ")");
	step_add(t, &sql, quoted_table(t->arena, is), LOCK_ACCESS_EXCLUSIVE, "add primary key", is->table)
		->scans = true;
}

/* A unique constraint over plain columns, which can be put on an index that is there. */
static bool is_plain_unique(const struct constraint *constraint)
{
	return constraint->kind == CONSTRAINT_UNIQUE && !constraint_needs_index(constraint) &&
	       constraint->nulls_distinct;
}

static bool make_constraint(struct transition *t, const struct model *model,
                            const struct constraint *constraint)
{
	static const char *const times[] = {
		[CONSTRAINT_IMMEDIATE_ONLY] = "",
		[CONSTRAINT_DEFERRED] = " DEFERRABLE INITIALLY DEFERRED",
		[CONSTRAINT_DEFERRABLE_IMMEDIATE] = " DEFERRABLE INITIALLY IMMEDIATE",
	};
	struct schema schema = empty(t);
	if (!schema_constraint(&schema, model, constraint, t->error))
		return false;
	if (constraint->kind == CONSTRAINT_UNIQUE && constraint_needs_index(constraint)) {
		add_index(t, model, &schema, constraint->name);
		return true;
	}
	if (is_live(t, model) && is_plain_unique(constraint)) {
		struct str *columns = ARENA_ARRAY(t->arena, struct str, constraint->nparts);
		for (size_t i = 0; i < constraint->nparts; i++)
			columns[i] = constraint->parts[i].field->column;
		add_unique(t, model, columns, constraint->nparts, constraint->name,
		           times[constraint->deferrable]);
		return true;
	}
	if (is_live(t, model) && constraint->kind == CONSTRAINT_CHECK) {
		add_checked(t, model, schema.items[0].sql, constraint->name);
		return true;
	}
	step_add_schema(t, model, &schema);
	t->steps->items[t->steps->n - 1].scans = true;
	return true;
}

static bool make_declared(struct transition *t, const struct model_pair *pair)
{
	for (size_t i = 0; i < pair->is->nindexes; i++) {
		struct schema schema = empty(t);
		const struct index *index = &pair->is->indexes[i];
		bool is_there = false;
		for (size_t k = 0; k < pair->was->nindexes; k++)
			is_there = is_there || str_eq(index->name, pair->was->indexes[k].name);
		if (is_there)
			continue;
		if (!schema_index(&schema, pair->is, index, t->error))
			return schema_misplaced(t->error, pair->is, index->name);
		add_index(t, pair->is, &schema, index->name);
	}
	for (size_t i = 0; i < pair->is->nconstraints; i++) {
		const struct constraint *constraint = &pair->is->constraints[i];
		bool is_there = false;
		for (size_t k = 0; k < pair->was->nconstraints; k++)
			is_there = is_there || str_eq(constraint->name, pair->was->constraints[k].name);
		if (!is_there && !make_constraint(t, pair->is, constraint))
			return false;
	}
	return true;
}

static void make_table_comment(struct transition *t, const struct model_pair *pair)
{
	struct schema schema = empty(t);
	struct str was = pair->was->db_table_comment, is = pair->is->db_table_comment;
	if (str_eq(was, is) || (was.n == 0 && is.n == 0))
		return;
	schema_comment(&schema, pair->is, NULL, is.n > 0 ? is : (struct str){0});
	step_add_schema(t, pair->is, &schema);
}

bool make_objects(struct transition *t, const struct model_pair *pair)
{
	make_composite_key(t, pair);
	if (!each_field(t, pair, make_of_field))
		return false;
	make_together(t, pair);
	make_table_comment(t, pair);
	return make_declared(t, pair);
}

/* ---- foreign keys: when all tables are there ---- */

static void make_foreign_key(struct transition *t, const struct field *field)
{
	struct schema schema = empty(t);
	schema_foreign_key(&schema, field);
	if (is_live(t, field->model)) {
		add_checked(t, field->model, schema.items[0].sql, schema_foreign_key_name(t->arena, field));
		/* Both tables: rows of one may not go while the other begins to look. */
		t->steps->items[t->steps->n - 2].lock = LOCK_SHARE_ROW_EXCLUSIVE;
		return;
	}
	step_add_schema(t, field->model, &schema);
	t->steps->items[t->steps->n - 1].lock = LOCK_SHARE_ROW_EXCLUSIVE;
}

/* As Django does it, a foreign key that was touched carries its names of today. */
static void rename_foreign_key(struct transition *t, const struct field_pair *field)
{
	bool is_touched = !str_eq(field->was->column, field->is->column) ||
	                  !str_eq(field->was->relation->to->name, field->is->relation->to->name);
	if (is_touched)
		rename_found(t, FIND_FOREIGN_KEY, field->is, schema_foreign_key_name(t->arena, field->was),
		             schema_foreign_key_name(t->arena, field->is));
}

static bool make_foreign_key_of(struct transition *t, const struct model_pair *pair,
                                const struct field_pair *field)
{
	(void)pair;
	if (!field->is || !field_has_foreign_key(field->is))
		return true;
	/* The key that it refers to is being exchanged for another, which brings it about. */
	if (!project_has_field(field->is->relation->target))
		return true;
	if (field->was && is_same_foreign_key(t, field))
		rename_foreign_key(t, field);
	else
		make_foreign_key(t, field->is);
	return true;
}

bool make_foreign_keys(struct transition *t, const struct model_pair *pair)
{
	return each_field(t, pair, make_foreign_key_of);
}
