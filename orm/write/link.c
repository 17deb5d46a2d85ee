/* Join rows: INSERT and DELETE over one owner's pairs.
 *
 * Pairs that are there already are passed over, as Django does, also where the join model has no
 * unique constraint.  A symmetrical relation keeps every pair in both directions.
 */
#include "orm/write/link.h"

#include "orm/sql/insert_value.h"
#include "orm/write/delete.h"
#include "orm/write/parts.h"

/* -- the owner ------------------------------------------------------------------- */

static const struct model *owner_model(const struct plan_scope *scope)
{
	return scope->is_reverse ? scope->relation->to : scope->relation->from;
}

bool scope_is_manager(struct writing *writing, const struct plan_scope *scope)
{
	const struct field *field = scope->relation->field;

	if (relation_is_multiple(scope->relation, scope->is_reverse))
		return true;
	return error_set_nowhere(writing->error, ERROR_TYPE,
	                         "'%.*s.%.*s' leads to one row at most; write to that row or to its "
	                         "key instead.",
	                         STR_ARG(field->model->name), STR_ARG(field->name));
}

bool owner_read(struct writing *writing, const struct plan_scope *scope, const struct field *target,
                struct str *value)
{
	const struct model *model = owner_model(scope);
	size_t n = model->npk_fields;
	struct member *parts = ARENA_ARRAY(writing->arena, struct member, n);
	struct value lookup = {.kind = VALUE_OBJECT, .object = {.members = parts, .n = n}};
	struct statement statement;
	struct db_rows rows;

	if (!model->pk && scope->owner->list.n != n)
		return writing_none_found(writing, model, NULL);
	for (size_t i = 0; i < n; i++)
		parts[i] = (struct member){.key = model->pk_fields[i]->name,
		                           .value = model->pk ? *scope->owner : scope->owner->list.items[i]};
	if (!plan_find(writing->arena, model, &lookup, &target, 1, &statement, writing->error) ||
	    !writing_read(writing, &statement, 1, &rows))
		return false;
	if (rows.nrows == 0)
		return writing_none_found(writing, model, NULL);
	*value = db_cell(&rows, 0, model->npk_fields);
	return writing_can_refer(writing, target, *value, NULL);
}

void link_init(struct link *link, const struct plan_scope *scope)
{
	const struct relation *relation = scope->relation;

	*link = (struct link){
		.relation = relation,
		.through = relation->through,
		.source = scope->is_reverse ? relation->through_to : relation->through_from,
		.target = scope->is_reverse ? relation->through_from : relation->through_to,
	};
}

bool link_find(struct writing *writing, struct link *link, const struct plan_scope *scope)
{
	return owner_read(writing, scope, link->source->relation->target, &link->owner) &&
	       (!link->defaults || rows_find(writing, link->through, link->defaults, 1));
}

bool link_read_defaults(struct writing *writing, struct link *link, const struct value *object,
                        struct validation *validation)
{
	static const struct value none = {.kind = VALUE_OBJECT};
	struct row *row = ARENA_NEW(writing->arena, struct row);
	struct row_reader reader;

	row_reader_init(&reader, writing, link->through, ROW_THROUGH);
	reader.preset[0] = link->source;
	reader.preset[1] = link->target;
	reader.validation = validation;
	link->missing = ARENA_NEW(writing->arena, struct validation);
	writing_validation(writing, link->missing);
	reader.missing = link->missing;
	link->defaults = row;
	return row_read(&reader, object ? object : &none, row);
}

/* -- adding ---------------------------------------------------------------------- */

static bool is_end(const struct link *link, const struct field *field)
{
	return field == link->source || field == link->target;
}

static const struct cell *default_of(const struct link *link, const struct field *field)
{
	const struct cell *cell = link->defaults ? &link->defaults->cells[field->index] : NULL;

	return cell && cell->kind != CELL_ABSENT && !is_end(link, field) ? cell : NULL;
}

static void add_names(struct sql *sql, const struct link *link)
{
	sql_lit(sql, " (");
	sql_name(sql, link->source->column);
	sql_lit(sql, ", ");
	sql_name(sql, link->target->column);
	for (size_t i = 0; i < link->through->ncolumns; i++) {
		if (!default_of(link, link->through->columns[i]))
			continue;
		sql_lit(sql, ", ");
		sql_name(sql, link->through->columns[i]->column);
	}
	sql_lit(sql, ")");
}

static void add_defaults(struct sql *sql, const struct link *link)
{
	for (size_t i = 0; i < link->through->ncolumns; i++) {
		const struct cell *cell = default_of(link, link->through->columns[i]);
		if (!cell)
			continue;
		sql_lit(sql, ", ");
		if (cell->kind == CELL_NOW)
			sql_lit(sql, "now()");
		else if (cell->kind == CELL_UUID)
			sql_lit(sql, "gen_random_uuid()");
		else if (cell->kind == CELL_EXPR)
			insert_value_emit(sql, cell->expr);
		else
			sql_field_param(sql, link->through->columns[i], cell->text);
	}
}

/* INSERT INTO join (source, target, …) SELECT o.k, u.k, … FROM the owner, the keys WHERE the pair is
 * not there.  Mirrored: the columns change sides, for a symmetrical relation. */
static void emit_add(struct arena *arena, const struct link *link, bool is_mirrored,
                     struct str keys, struct statement *statement)
{
	const struct field *source = is_mirrored ? link->target : link->source;
	const struct field *target = is_mirrored ? link->source : link->target;
	struct link seen = *link;
	struct sql sql;

	seen.source = source;
	seen.target = target;
	sql_init(&sql, arena);
	sql_lit(&sql, "INSERT INTO ");
	sql_table(&sql, link->through);
	add_names(&sql, &seen);
	sql_lit(&sql, " SELECT o.k, u.k");
	add_defaults(&sql, &seen);
	sql_lit(&sql, " FROM (SELECT ");
	sql_field_param(&sql, source, link->owner);
	sql_lit(&sql, ") AS o(k), unnest(");
	sql_field_array_param(&sql, target->value_field, keys);
	sql_lit(&sql, ") AS u(k) WHERE NOT EXISTS (SELECT 1 FROM ");
	sql_table(&sql, link->through);
	sql_lit(&sql, " AS t WHERE t.");
	sql_name(&sql, source->column);
	sql_lit(&sql, " = o.k AND t.");
	sql_name(&sql, target->column);
	sql_lit(&sql, " = u.k)");
	if (link->relation->is_auto)
		sql_lit(&sql, " ON CONFLICT DO NOTHING");
	sql_finish(&sql, 0, statement);
}

/* A row for each of the keys that is not linked. */
static void emit_unlinked(struct arena *arena, const struct link *link, struct str keys,
                          struct statement *statement)
{
	struct sql sql;

	sql_init(&sql, arena);
	sql_lit(&sql, "SELECT 1 FROM unnest(");
	sql_field_array_param(&sql, link->target->value_field, keys);
	sql_lit(&sql, ") AS u(k) WHERE NOT EXISTS (SELECT 1 FROM ");
	sql_table(&sql, link->through);
	sql_lit(&sql, " AS t WHERE t.");
	sql_name(&sql, link->source->column);
	sql_lit(&sql, " = ");
	sql_field_param(&sql, link->source, link->owner);
	sql_lit(&sql, " AND t.");
	sql_name(&sql, link->target->column);
	sql_lit(&sql, " = u.k) LIMIT 1");
	sql_finish(&sql, 1, statement);
}

/* What through_defaults lack is told when a row is to be made of them. */
static bool lacks_nothing(struct writing *writing, const struct link *link, struct str keys,
                          bool *has_work)
{
	struct statement statement;
	struct db_rows rows;

	*has_work = true;
	if (!link->missing || !link->missing->nviolations)
		return true;
	emit_unlinked(writing->arena, link, keys, &statement);
	if (!writing_read(writing, &statement, 1, &rows))
		return false;
	*has_work = rows.nrows > 0;
	return !*has_work || validation_finish(link->missing, writing->error);
}

bool link_add(struct writing *writing, const struct link *link, const struct str *keys, size_t n,
              uint64_t *added)
{
	struct statement statements[2];
	struct db_rows rows[2];
	size_t nstatements = link->relation->is_symmetrical ? 2 : 1;
	struct str array = part_array_text(writing->arena, keys, n);
	bool has_work;

	*added = 0;
	if (!n)
		return true;
	if (!lacks_nothing(writing, link, array, &has_work))
		return false;
	if (!has_work)
		return true;
	emit_add(writing->arena, link, false, array, &statements[0]);
	if (nstatements == 2)
		emit_add(writing->arena, link, true, array, &statements[1]);
	if (!writing_run(writing, statements, nstatements, rows))
		return false;
	*added = rows[0].affected;
	return true;
}

/* -- taking away ----------------------------------------------------------------- */

enum which { THESE, ALL_BUT_THESE };

static void add_where(struct sql *sql, const struct link *link, bool is_mirrored, enum which which,
                      struct str keys)
{
	const struct field *source = is_mirrored ? link->target : link->source;
	const struct field *target = is_mirrored ? link->source : link->target;

	sql_lit(sql, " WHERE ");
	sql_name(sql, source->column);
	sql_lit(sql, " = ");
	sql_field_param(sql, source, link->owner);
	sql_lit(sql, " AND ");
	if (which == ALL_BUT_THESE)
		sql_lit(sql, "NOT ");
	sql_lit(sql, "(");
	sql_name(sql, target->column);
	sql_lit(sql, " = ANY(");
	sql_field_array_param(sql, target->value_field, keys);
	sql_lit(sql, "))");
}

static void emit_delete(struct arena *arena, const struct link *link, bool is_mirrored,
                        enum which which, struct str keys, struct statement *statement)
{
	struct sql sql;

	sql_init(&sql, arena);
	sql_lit(&sql, "DELETE FROM ");
	sql_table(&sql, link->through);
	add_where(&sql, link, is_mirrored, which, keys);
	sql_finish(&sql, 0, statement);
}

/* The join rows' keys, to be deleted with all that hangs on them. */
static void emit_keys(struct arena *arena, const struct link *link, enum which which,
                      struct str keys, struct statement *statement)
{
	const struct model *through = link->through;
	struct sql sql;

	sql_init(&sql, arena);
	sql_lit(&sql, "SELECT ");
	part_pk_columns(&sql, through);
	sql_lit(&sql, " FROM ");
	sql_table(&sql, through);
	add_where(&sql, link, false, which, keys);
	sql_lit(&sql, " FOR UPDATE");
	sql_finish(&sql, through->npk_fields, statement);
}

static bool take_away(struct writing *writing, const struct link *link, enum which which,
                      struct str keys, uint64_t *removed)
{
	struct statement statements[2];
	struct db_rows rows[2];
	size_t n = link->relation->is_symmetrical ? 2 : 1;

	if (delete_needs_collecting(link->through)) {
		emit_keys(writing->arena, link, which, keys, &statements[0]);
		return delete_selected(writing, link->through, &statements[0], removed);
	}
	emit_delete(writing->arena, link, false, which, keys, &statements[0]);
	if (n == 2)
		emit_delete(writing->arena, link, true, which, keys, &statements[1]);
	if (!writing_run(writing, statements, n, rows))
		return false;
	*removed = rows[0].affected;
	return true;
}

bool link_remove(struct writing *writing, const struct link *link, const struct str *keys, size_t n,
                 uint64_t *removed)
{
	*removed = 0;
	return !n || take_away(writing, link, THESE, part_array_text(writing->arena, keys, n), removed);
}

bool link_keep(struct writing *writing, const struct link *link, const struct str *keys, size_t n,
               uint64_t *removed)
{
	return take_away(writing, link, ALL_BUT_THESE, part_array_text(writing->arena, keys, n),
	                 removed);
}
