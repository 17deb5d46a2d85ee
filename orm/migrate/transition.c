/* Tables: which of one side is which of the other, renamed, made and dropped; and the order in
 * which the parts of a table follow. */
#include "orm/migrate/transition.h"

#include "orm/model/field_types.h"

/* ---- the two sides ---- */

static struct str old_name(const struct transition *t)
{
	return t->is_backward ? t->operation->to : t->operation->model;
}

static struct str new_name(const struct transition *t)
{
	return t->is_backward ? t->operation->model : t->operation->to;
}

static struct str field_old_name(const struct transition *t)
{
	return t->is_backward ? t->operation->to : t->operation->name;
}

static struct str field_new_name(const struct transition *t)
{
	return t->is_backward ? t->operation->name : t->operation->to;
}

static struct str model_name_is(const struct transition *t, struct str was)
{
	bool renames = t->operation->kind == OP_RENAME_MODEL && str_eq_nocase(was, old_name(t));
	return renames ? new_name(t) : was;
}

static struct str field_name_is(const struct transition *t, struct str model, struct str was)
{
	bool renames = t->operation->kind == OP_RENAME_FIELD &&
	               str_eq_nocase(model, t->operation->model) && str_eq(was, field_old_name(t));
	return renames ? field_new_name(t) : was;
}

static const struct model *find_model(const struct registry *registry, struct str name)
{
	for (size_t i = 0; i < registry->nmodels; i++)
		if (str_eq_nocase(registry->models[i]->name, name))
			return registry->models[i];
	return NULL;
}

const struct model *model_is(const struct transition *t, const struct model *was)
{
	struct str field = was->name, model = str_cut(&field, STR("."));
	if (!was->is_auto)
		return find_model(t->to, model_name_is(t, was->name));
	return find_model(t->to, arena_printf(t->arena, "%.*s.%.*s", STR_ARG(model_name_is(t, model)),
	                                      STR_ARG(field_name_is(t, model, field))));
}

const struct field *field_is(const struct transition *t, const struct field *was,
                             const struct model *is)
{
	const struct field *found;
	if (was->model->is_auto && is->is_auto)
		return is->fields[was->index];
	found = model_field(is, field_name_is(t, was->model->name, was->name));
	return found && found->column.p && project_has_field(found) ? found : NULL;
}

static const struct field *field_was(const struct transition *t, const struct model *was,
                                     const struct field *is)
{
	for (size_t i = 0; i < was->ncolumns; i++)
		if (project_has_field(was->columns[i]) && field_is(t, was->columns[i], is->model) == is)
			return was->columns[i];
	return NULL;
}

size_t fields_count(const struct field *const *fields)
{
	size_t n = 0;
	while (fields[n])
		n++;
	return n;
}

const struct str *fields_columns(struct transition *t, const struct field *const *fields, size_t n)
{
	struct str *columns = ARENA_ARRAY(t->arena, struct str, n);
	for (size_t i = 0; i < n; i++)
		columns[i] = fields[i]->column;
	return columns;
}

bool fields_stay(const struct transition *t, const struct field *const *was, size_t nwas,
                 const struct field *const *is, size_t nis, const struct model *model)
{
	bool same = nwas == nis;
	for (size_t i = 0; same && i < nwas; i++)
		same = field_is(t, was[i], model) == is[i];
	return same;
}

bool each_field(struct transition *t, const struct model_pair *pair,
                bool (*fn)(struct transition *, const struct model_pair *,
                           const struct field_pair *))
{
	for (size_t i = 0; i < pair->was->ncolumns; i++) {
		const struct field *was = pair->was->columns[i];
		struct field_pair field = {was, project_has_field(was) ? field_is(t, was, pair->is) : NULL};
		if (project_has_field(was) && !fn(t, pair, &field))
			return false;
	}
	for (size_t i = 0; i < pair->is->ncolumns; i++) {
		struct field_pair field = {NULL, pair->is->columns[i]};
		if (project_has_field(field.is) && !field_was(t, pair->was, field.is) && !fn(t, pair, &field))
			return false;
	}
	return true;
}

static void find_pairs(struct transition *t)
{
	for (size_t i = 0; i < t->from->nmodels; i++) {
		const struct model *was = t->from->models[i], *is = model_is(t, was);
		if (was->is_managed && (!is || is->is_managed))
			*ARENA_PUSH(t->arena, &t->pairs) = (struct model_pair){was, is};
	}
	for (size_t i = 0; i < t->to->nmodels; i++) {
		const struct model *is = t->to->models[i];
		bool is_known = !is->is_managed;
		for (size_t k = 0; k < t->from->nmodels && !is_known; k++)
			is_known = model_is(t, t->from->models[k]) == is;
		if (!is_known)
			*ARENA_PUSH(t->arena, &t->pairs) = (struct model_pair){NULL, is};
	}
}

/* ---- steps ---- */

struct str quoted_table(struct arena *arena, const struct model *model)
{
	struct sql sql;
	struct statement statement;
	sql_init(&sql, arena);
	sql_table(&sql, model);
	sql_finish(&sql, 0, &statement);
	return statement.sql;
}

struct str quoted_name(struct arena *arena, struct str name)
{
	struct sql sql;
	struct statement statement;
	sql_init(&sql, arena);
	sql_name(&sql, name);
	sql_finish(&sql, 0, &statement);
	return statement.sql;
}

bool is_live(const struct transition *t, const struct model *model)
{
	if (t->steps->is_plain)
		return false;
	for (size_t i = 0; i < t->steps->fresh.n; i++)
		if (str_eq(t->steps->fresh.items[i], model->table))
			return false;
	return true;
}

static void make_fresh(struct transition *t, struct str table)
{
	*ARENA_PUSH(t->steps->arena, &t->steps->fresh) = arena_str(t->steps->arena, table);
}

struct step *step_add(struct transition *t, struct sql *sql, struct str table, enum step_lock lock,
                      const char *verb, struct str name)
{
	struct statement statement;
	sql_finish(sql, 0, &statement);
	ASSERT(statement.nparams == 0);
	struct step *step = ARENA_PUSH(t->steps->arena, t->steps);
	*step = (struct step){
		.label = arena_printf(t->arena, "%s %.*s", verb, STR_ARG(name)),
		.sql = statement.sql,
		.table = table,
		.lock = lock,
	};
	return step;
}

void begin_alter_table(struct transition *t, struct sql *sql, const struct model *model)
{
	sql_init(sql, t->arena);
	sql->is_inline = true;
	sql_lit(sql, "ALTER TABLE ");
	sql_table(sql, model);
}

void step_add_schema(struct transition *t, const struct model *model, const struct schema *schema)
{
	struct str table = model ? quoted_table(t->arena, model) : STR("");
	for (size_t i = 0; i < schema->n; i++) {
		const struct schema_statement *statement = &schema->items[i];
		struct step *step = ARENA_PUSH(t->steps->arena, t->steps);
		*step = (struct step){.label = statement->label, .sql = statement->sql, .table = table};
		if (statement->kind == SCHEMA_COMMENT)
			step->lock = LOCK_SHARE_UPDATE_EXCLUSIVE;
		if (statement->kind == SCHEMA_UNIQUE || statement->kind == SCHEMA_INDEX ||
		    statement->kind == SCHEMA_FOREIGN_KEY)
			step->lock = LOCK_ACCESS_EXCLUSIVE;
	}
}

/* ---- tables ---- */

static bool is_same_schema(struct str a, struct str b)
{
	ptrdiff_t x = str_find(a, STR("\".\"")), y = str_find(b, STR("\".\""));
	return x == y && (x < 0 || memcmp(a.p, b.p, (size_t)x) == 0);
}

/* A table without a schema of its own stands in the current one, which only the database knows. */
static void move_to_current(struct transition *t, const struct model *was, struct sql *sql)
{
	struct sql block;
	struct statement statement;
	sql_init(&block, t->arena);
	block.is_inline = true;
	sql_lit(&block, "BEGIN EXECUTE format('ALTER TABLE %s SET SCHEMA %I', ");
	sql_param(&block, quoted_table(t->arena, was), 0, (struct str){0});
	sql_lit(&block, ", current_schema()); END");
	sql_finish(&block, 0, &statement);
	sql_init(sql, t->arena);
	sql->is_inline = true;
	sql_lit(sql, "DO ");
	sql_param(sql, statement.sql, 0, (struct str){0});
}

/* The table keeps its name: under which it is found afterwards, quoted. */
static struct str move_table(struct transition *t, const struct model_pair *pair)
{
	struct sql sql;
	struct str rest = pair->is->table, schema = str_cut(&rest, STR("\".\""));
	struct str name = quoted_name(t->arena, schema_table_name(pair->was));
	if (rest.p) {
		begin_alter_table(t, &sql, pair->was);
		sql_lit(&sql, " SET SCHEMA ");
		sql_name(&sql, schema);
		name = arena_printf(t->arena, "%.*s.%.*s", STR_ARG(quoted_name(t->arena, schema)),
		                    STR_ARG(name));
	} else {
		move_to_current(t, pair->was, &sql);
	}
	step_add(t, &sql, quoted_table(t->arena, pair->was), LOCK_ACCESS_EXCLUSIVE, "move table",
	         pair->was->table);
	return name;
}

static void rename_table(struct transition *t, const struct model_pair *pair)
{
	struct sql sql;
	struct str table = quoted_table(t->arena, pair->was);
	if (str_eq(pair->was->table, pair->is->table))
		return;
	if (!is_live(t, pair->was))
		make_fresh(t, pair->is->table);
	if (!is_same_schema(pair->was->table, pair->is->table))
		table = move_table(t, pair);
	if (str_eq(schema_table_name(pair->was), schema_table_name(pair->is)))
		return;
	sql_init(&sql, t->arena);
	sql_lit(&sql, "ALTER TABLE ");
	buf_add(&sql.text, table);
	sql_lit(&sql, " RENAME TO ");
	sql_name(&sql, schema_table_name(pair->is));
	step_add(t, &sql, table, LOCK_ACCESS_EXCLUSIVE, "rename table",
	         arena_printf(t->arena, "%.*s to %.*s", STR_ARG(pair->was->table),
	                      STR_ARG(pair->is->table)));
}

static bool rename_column(struct transition *t, const struct model_pair *pair,
                          const struct field_pair *field)
{
	struct sql sql;
	if (!field->was || !field->is || str_eq(field->was->column, field->is->column))
		return true;
	begin_alter_table(t, &sql, pair->is);
	sql_lit(&sql, " RENAME COLUMN ");
	sql_name(&sql, field->was->column);
	sql_lit(&sql, " TO ");
	sql_name(&sql, field->is->column);
	step_add(t, &sql, quoted_table(t->arena, pair->is), LOCK_ACCESS_EXCLUSIVE, "rename column",
	         arena_printf(t->arena, "%.*s.%.*s to %.*s", STR_ARG(pair->is->table),
	                      STR_ARG(field->was->column), STR_ARG(field->is->column)));
	return true;
}

static void drop_table(struct transition *t, const struct model *model)
{
	struct sql sql;
	sql_init(&sql, t->arena);
	sql_lit(&sql, "DROP TABLE ");
	sql_table(&sql, model);
	sql_lit(&sql, " CASCADE");
	step_add(t, &sql, quoted_table(t->arena, model), LOCK_ACCESS_EXCLUSIVE, "drop table",
	         model->table);
}

/* Extensions that one side needs and the other did not. */
static void make_extensions(struct transition *t)
{
	struct schema was = {.arena = t->arena}, is = {.arena = t->arena}, new = {.arena = t->arena};
	schema_extensions(&was, t->from->models, t->from->nmodels);
	schema_extensions(&is, t->to->models, t->to->nmodels);
	for (size_t i = 0; i < is.n; i++) {
		bool is_there = false;
		for (size_t k = 0; k < was.n; k++)
			is_there = is_there || str_eq(was.items[k].sql, is.items[i].sql);
		if (!is_there)
			*ARENA_PUSH(t->arena, &new) = is.items[i];
	}
	step_add_schema(t, NULL, &new);
}

static bool make_tables(struct transition *t)
{
	const struct model **models = ARENA_ARRAY(t->arena, const struct model *, t->pairs.n + 1);
	struct schema schema, rest = {.arena = t->arena};
	size_t n = 0;
	for (size_t i = 0; i < t->pairs.n; i++)
		if (!t->pairs.items[i].was)
			models[n++] = t->pairs.items[i].is;
	if (n == 0)
		return true;
	if (!schema_build(t->arena, models, n, &schema, t->error))
		return false;
	for (size_t i = 0; i < schema.n; i++)
		if (schema.items[i].kind != SCHEMA_EXTENSION)
			*ARENA_PUSH(t->arena, &rest) = schema.items[i];
	step_add_schema(t, NULL, &rest);
	for (size_t i = 0; i < n; i++)
		make_fresh(t, models[i]->table);
	return true;
}

/* A table that two models share during a swap of names is none of ours to drop twice. */
static void drop_tables(struct transition *t)
{
	for (size_t i = 0; i < t->pairs.n; i++)
		if (!t->pairs.items[i].is)
			drop_table(t, t->pairs.items[i].was);
}

static bool each_kept(struct transition *t,
                      bool (*fn)(struct transition *, const struct model_pair *))
{
	for (size_t i = 0; i < t->pairs.n; i++) {
		const struct model_pair *pair = &t->pairs.items[i];
		if (pair->was && pair->is && !fn(t, pair))
			return false;
	}
	return true;
}

static bool rename_table_of(struct transition *t, const struct model_pair *pair)
{
	rename_table(t, pair);
	return true;
}

static bool rename_columns(struct transition *t, const struct model_pair *pair)
{
	return each_field(t, pair, rename_column);
}

static bool change_columns(struct transition *t, const struct model_pair *pair)
{
	return each_field(t, pair, change_column);
}

/* ---- SQL of the operation's own ---- */

static void run_sql(struct transition *t, const struct value *texts)
{
	for (size_t i = 0; texts && i < texts->list.n; i++) {
		struct step *step = ARENA_PUSH(t->steps->arena, t->steps);
		*step = (struct step){
			.label = STR("run SQL"),
			.sql = arena_str(t->arena, texts->list.items[i].text),
			.table = STR(""),
			.is_apart = t->operation->is_apart,
			.is_data = true,
		};
	}
}

static bool changes_schema(const struct operation *operation)
{
	return operation->kind != OP_ALTER_MODEL_OPTIONS && operation->kind != OP_RUN_SQL;
}

bool transition_steps(struct steps *steps, const struct registry *from, const struct registry *to,
                      const struct operation *operation, bool is_backward, struct error *error)
{
	struct transition t = {.steps = steps, .arena = steps->arena, .from = from, .to = to,
	                       .operation = operation, .is_backward = is_backward, .error = error};
	if (operation->kind == OP_RUN_SQL)
		run_sql(&t, is_backward ? operation->reverse_sql : operation->sql);
	if (!changes_schema(operation))
		return true;
	find_pairs(&t);
	make_extensions(&t);
	if (!each_kept(&t, drop_objects) || !each_kept(&t, rename_table_of) ||
	    !each_kept(&t, rename_columns) || !make_tables(&t) || !each_kept(&t, change_columns))
		return false;
	drop_tables(&t);
	return each_kept(&t, make_objects) && each_kept(&t, make_foreign_keys);
}
