/* One UPDATE of one row and what hangs on it; see row_change.h. */
#include "orm/write/row_change.h"

#include "orm/write/parts.h"

bool row_change_read(struct row_change *change, struct writing *writing, const struct model *model,
                     enum assign_mode mode, struct validation *validation, const struct value *set)
{
	*change = (struct row_change){.writing = writing, .model = model};
	change->assigning = (struct assigning){.writing = writing,
	                                       .model = model,
	                                       .mode = mode,
	                                       .validation = validation,
	                                       .nested = &change->members};
	nest_init(&change->nest, writing, model, mode == ASSIGN_WHOLE ? NEST_WHOLE : NEST_CHANGED,
	          validation);
	return assigning_read(&change->assigning, set) && nest_take(&change->nest, 0, &change->members);
}

bool row_change_is_nested(const struct row_change *change)
{
	return !nest_is_empty(&change->nest);
}

/* UPDATE … RETURNING every column; with nothing to assign the row as it is. */
static bool emit(struct row_change *change, const struct plan_scope *scope,
                 const struct query *query, struct statement *statement)
{
	struct writing *writing = change->writing;
	const struct model *model = change->model;
	const struct assignments *assignments = &change->assigning.assignments;
	struct statement update;
	struct sql sql;

	if (!assignments->n)
		return plan_keys(writing->arena, model, scope, query, model->columns, model->ncolumns, true,
		                 statement, writing->error);
	if (!plan_update(writing->arena, model, scope, query, assignments->items, assignments->n,
	                 &update, writing->error))
		return false;
	sql_init(&sql, writing->arena);
	part_statement(&sql, &update);
	part_returning(&sql, model);
	sql_finish(&sql, model->ncolumns, statement);
	statement->zone = update.zone;
	statement->zone_pos = update.zone_pos;
	return true;
}

/* The row's columns in the model's order; plan_keys() puts the key before them. */
static struct written_row *take_row(const struct row_change *change, const struct db_rows *rows)
{
	struct arena *arena = change->writing->arena;
	size_t n = change->model->ncolumns,
		   first = change->assigning.assignments.n ? 0 : change->model->npk_fields;
	struct str *cells = ARENA_ARRAY(arena, struct str, n);
	struct db_rows *whole = ARENA_NEW(arena, struct db_rows);
	struct written_row *row = ARENA_NEW(arena, struct written_row);

	for (size_t i = 0; i < n; i++)
		cells[i] = db_cell(rows, 0, first + i);
	*whole = (struct db_rows){.cells = cells, .nrows = 1, .ncolumns = n};
	*row = (struct written_row){whole, 0};
	return row;
}

static bool change_row(struct row_change *change, const struct plan_scope *scope,
                       const struct query *query, struct written *written)
{
	struct writing *writing = change->writing;
	struct db_rows rows;
	struct statement statement;

	if (!emit(change, scope, query ? query : query_all(writing->arena), &statement) ||
	    !writing_query(writing, &statement, &rows))
		return false;
	*written = (struct written){.model = change->model, .shows_rows = true};
	plan_model_layout(writing->arena, change->model, &written->layout);
	if (!rows.nrows)
		return true;
	written->rows = take_row(change, &rows);
	written->nrows = written->affected = 1;
	return true;
}

bool row_change_run(struct row_change *change, const struct plan_scope *scope,
                    const struct query *query, struct written *written)
{
	struct writing *writing = change->writing;
	struct row *row = rows_copy(writing->arena, change->model, &change->assigning.row, 1);

	if (!nest_before(&change->nest, row) || !assigning_find(&change->assigning, row) ||
	    !change_row(change, scope, query, written))
		return false;
	if (!written->nrows)
		return true;
	if (!nest_after(&change->nest, written->rows))
		return false;
	nest_embed(&change->nest, written);
	return true;
}
