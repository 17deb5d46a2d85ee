/* Constraints and indexes that go, before tables and columns change: found in the database by
 * what they do, because renames of tables and columns leave their names as they were. */
#include "orm/migrate/transition.h"

#include "orm/model/build.h"
#include "orm/model/field_types.h"
#include "orm/model/unique_for.h"

static void set_declared_names(struct arena *arena, const struct model *model, struct finder *finder)
{
	size_t n = 0;
	struct str *names =
		ARENA_ARRAY(arena, struct str, model->nconstraints + model->nindexes + 1);
	for (size_t i = 0; i < model->nconstraints; i++)
		names[n++] = arena_str(arena, model->constraints[i].name);
	for (size_t i = 0; i < model->nindexes; i++)
		names[n++] = arena_str(arena, model->indexes[i].name);
	finder->except = names;
	finder->nexcept = n;
}

struct finder *finder_of(struct transition *t, enum found_kind kind, const struct model *model,
                         const struct str *columns, size_t n, struct str name)
{
	struct finder *finder = ARENA_NEW(t->arena, struct finder);
	struct str *kept = ARENA_ARRAY(t->arena, struct str, n);
	for (size_t i = 0; i < n; i++)
		kept[i] = arena_str(t->arena, columns[i]);
	*finder = (struct finder){.kind = kind, .table = quoted_table(t->arena, model),
	                          .columns = kept, .ncolumns = n, .name = name};
	set_declared_names(t->arena, model, finder);
	return finder;
}

/* ALTER TABLE … DROP CONSTRAINT what the columns have.  IF EXISTS, as with indexes: a plan names what the database has
 * now, and an earlier step of it may have dropped that. */
static void drop_found(struct transition *t, enum found_kind kind, const struct model *model,
                       const struct str *columns, size_t n, const char *suffix)
{
	struct sql sql;
	struct str name = django_index_name(t->arena, schema_table_name(model), columns, n, suffix);
	begin_alter_table(t, &sql, model);
	sql_lit(&sql, " DROP CONSTRAINT IF EXISTS ");
	struct step *step = step_add(t, &sql, quoted_table(t->arena, model), LOCK_ACCESS_EXCLUSIVE,
	                             "drop constraint", name);
	step->finder = finder_of(t, kind, model, columns, n, name);
	/* Foreign keys that lean on a key go with it. */
	step->tail = kind == FIND_PRIMARY_KEY || kind == FIND_UNIQUE ? STR(" CASCADE") : STR("");
}

static void drop_found_index(struct transition *t, enum found_kind kind, const struct field *field,
                             const char *suffix)
{
	struct sql sql;
	struct str name = django_index_name(t->arena, schema_table_name(field->model),
	                                    &field->column, 1, suffix);
	sql_init(&sql, t->arena);
	sql_lit(&sql, "DROP INDEX IF EXISTS ");
	struct step *step = step_add(t, &sql, quoted_table(t->arena, field->model),
	                             LOCK_ACCESS_EXCLUSIVE, "drop index", name);
	step->finder = finder_of(t, kind, field->model, &field->column, 1, name);
}

/* One whose name is declared. */
static void drop_index_named(struct transition *t, const struct model *model, struct str name)
{
	struct sql sql;
	struct str rest = model->table, schema = str_cut(&rest, STR("\".\""));
	sql_init(&sql, t->arena);
	sql_lit(&sql, "DROP INDEX IF EXISTS ");
	if (rest.p) {
		sql_name(&sql, schema);
		sql_lit(&sql, ".");
	}
	sql_name(&sql, name);
	step_add(t, &sql, quoted_table(t->arena, model), LOCK_ACCESS_EXCLUSIVE, "drop index", name);
}

static void drop_constraint_named(struct transition *t, const struct model *model, struct str name)
{
	struct sql sql;
	begin_alter_table(t, &sql, model);
	sql_lit(&sql, " DROP CONSTRAINT IF EXISTS ");
	sql_name(&sql, name);
	step_add(t, &sql, quoted_table(t->arena, model), LOCK_ACCESS_EXCLUSIVE, "drop constraint", name);
}

/* ---- of one column ---- */

bool is_type_changed(struct arena *arena, const struct field_pair *field)
{
	return !str_eq(field_column_type(arena, field->was), field_column_type(arena, field->is));
}

bool is_same_foreign_key(const struct transition *t, const struct field_pair *field)
{
	if (!field_has_foreign_key(field->was) || !field_has_foreign_key(field->is))
		return false;
	const struct relation *was = field->was->relation, *is = field->is->relation;
	struct field_pair target = {was->target, is->target};
	if (model_is(t, was->to) != is->to || !project_has_field(was->target) ||
	    field_is(t, was->target, is->to) != is->target)
		return false;
	return !is_type_changed(t->arena, field) && !is_type_changed(t->arena, &target);
}

static bool is_single_unique(const struct field *field)
{
	bool is_key = field->is_primary_key && field->model->npk_fields == 1;
	return field_is_unique_column(field) && !is_key;
}

static void drop_unique_for(struct transition *t, const struct field_pair *field)
{
	struct unique_for was[3], is[3];
	size_t nwas = unique_for_list(t->arena, field->was, was);
	size_t nis = unique_for_list(t->arena, field->is, is);
	for (size_t i = 0; i < nwas; i++) {
		bool stays = false;
		for (size_t k = 0; k < nis; k++)
			stays = stays || str_eq(was[i].index, is[k].index);
		if (!stays)
			drop_index_named(t, field->was->model, was[i].index);
	}
}

static bool drop_of_field(struct transition *t, const struct model_pair *pair,
                          const struct field_pair *field)
{
	const struct field *was = field->was, *is = field->is;
	const struct model *model = pair->was;
	if (!was || !is)
		return true; /* what is the column's alone goes with it */
	bool was_key = was->is_primary_key && model->npk_fields == 1;
	bool is_key = is->is_primary_key && pair->is->npk_fields == 1;
	if (field_has_foreign_key(was) && !is_same_foreign_key(t, field))
		drop_found(t, FIND_FOREIGN_KEY, model, &was->column, 1, "_fk");
	if (is_single_unique(was) && !is_single_unique(is))
		drop_found(t, FIND_UNIQUE, model, &was->column, 1, "_uniq");
	if (was_key && !is_key)
		drop_found(t, FIND_PRIMARY_KEY, model, &was->column, 1, "_pk");
	if (field_has_index(was) && !field_has_index(is))
		drop_found_index(t, FIND_INDEX, was, "");
	const char *like_was = field_like_opclass(t->arena, was), *like_is = field_like_opclass(t->arena, is);
	if (like_was && (!like_is || strcmp(like_was, like_is) != 0))
		drop_found_index(t, FIND_LIKE_INDEX, was, "_like");
	if (schema_column_has_check(was) && !schema_column_has_check(is))
		drop_found(t, FIND_CHECK, model, &was->column, 1, "_check");
	drop_unique_for(t, field);
	return true;
}

/* ---- of several ---- */

static void drop_together(struct transition *t, const struct model_pair *pair)
{
	for (size_t i = 0; i < pair->was->nunique_together; i++) {
		const struct field *const *was = pair->was->unique_together[i];
		size_t n = fields_count(was);
		bool stays = false;
		for (size_t k = 0; k < pair->is->nunique_together; k++)
			stays = stays || fields_stay(t, was, n, pair->is->unique_together[k],
			                              fields_count(pair->is->unique_together[k]), pair->is);
		if (stays)
			continue;
		drop_found(t, FIND_UNIQUE, pair->was, fields_columns(t, was, n), n, "_uniq");
	}
}

static void drop_composite_key(struct transition *t, const struct model_pair *pair)
{
	const struct model *was = pair->was, *is = pair->is;
	if (was->npk_fields < 2 || fields_stay(t, was->pk_fields, was->npk_fields, is->pk_fields,
	                                        is->npk_fields, is))
		return;
	drop_found(t, FIND_PRIMARY_KEY, was, fields_columns(t, was->pk_fields, was->npk_fields),
	           was->npk_fields, "_pk");
}

static void drop_declared(struct transition *t, const struct model_pair *pair)
{
	for (size_t i = 0; i < pair->was->nconstraints; i++) {
		const struct constraint *was = &pair->was->constraints[i];
		bool stays = false, is_index = was->kind == CONSTRAINT_UNIQUE && constraint_needs_index(was);
		for (size_t k = 0; k < pair->is->nconstraints; k++)
			stays = stays || str_eq(was->name, pair->is->constraints[k].name);
		if (!stays && is_index)
			drop_index_named(t, pair->was, was->name);
		else if (!stays)
			drop_constraint_named(t, pair->was, was->name);
	}
	for (size_t i = 0; i < pair->was->nindexes; i++) {
		bool stays = false;
		for (size_t k = 0; k < pair->is->nindexes; k++)
			stays = stays || str_eq(pair->was->indexes[i].name, pair->is->indexes[k].name);
		if (!stays)
			drop_index_named(t, pair->was, pair->was->indexes[i].name);
	}
}

bool drop_objects(struct transition *t, const struct model_pair *pair)
{
	drop_declared(t, pair);
	drop_together(t, pair);
	drop_composite_key(t, pair);
	return each_field(t, pair, drop_of_field);
}
