/* Rows dealt out to statements, and their answers put back in order; see insert_rows.h. */
#include "orm/write/insert_rows.h"

#include "orm/write/conflict.h"

/* Expressions make shapes of their own; a list of rows that are all different is not compared with
 * all of them. */
#define GROUPS_COMPARED 64

/* Rows that one statement takes: the same shape. */
struct group {
	struct {
		const struct row **items;
		size_t n, cap;
	} rows;
	struct {
		size_t *items; /* in the list of rows */
		size_t n, cap;
	} indexes;
};

struct groups {
	struct writing *writing;
	const struct model *model;
	size_t most;
	/* How many of the last groups a row may join.  Where rows are passed over it is one: which ones is not known,
	 * and the order of those that are answered is that of the groups. */
	size_t compared;
	struct group *items;
	size_t n, cap;
};

static struct group *group_for(struct groups *groups, const struct row *row)
{
	size_t first = groups->n > groups->compared ? groups->n - groups->compared : 0;

	for (size_t i = groups->n; i > first; i--) {
		struct group *group = &groups->items[i - 1];
		if (group->rows.n < groups->most &&
		    insert_same_shape(groups->model, group->rows.items[0], row))
			return group;
	}
	struct group *group = ARENA_PUSH(groups->writing->arena, groups);
	*group = (struct group){0};
	return group;
}

static void divide(struct groups *groups, const struct row *rows, size_t n, const size_t *order)
{
	struct arena *arena = groups->writing->arena;

	for (size_t i = 0; i < n; i++) {
		size_t index = order ? order[i] : i;
		struct group *group = group_for(groups, &rows[index]);
		*ARENA_PUSH(arena, &group->rows) = &rows[index];
		*ARENA_PUSH(arena, &group->indexes) = index;
	}
}

static void emit(const struct groups *groups, const struct group *group,
                 const struct conflict *conflict, const struct returning *returning,
                 struct statement *statement)
{
	struct arena *arena = groups->writing->arena;

	if (group->rows.n == 1)
		insert_one(arena, groups->model, group->rows.items[0], conflict, returning, statement);
	else
		insert_many(arena, groups->model, group->rows.items, group->rows.n, conflict, returning,
		            statement);
}

bool insert_rows(struct writing *writing, const struct model *model, const struct row *rows,
                 size_t n, const struct conflict *conflict, const struct returning *returning,
                 size_t most, struct written_row *written)
{
	struct arena *arena = writing->arena;
	struct groups groups = {.writing = writing, .model = model, .most = most};
	bool skips = conflict && conflict->kind == INSERT_SKIPS;

	if (!n)
		return true;
	groups.compared = skips ? 1 : GROUPS_COMPARED;
	divide(&groups, rows, n, conflict_order(arena, conflict, rows, n));
	struct statement *statements = ARENA_ARRAY(arena, struct statement, groups.n);
	struct db_rows *batches = ARENA_ARRAY(arena, struct db_rows, groups.n);
	for (size_t i = 0; i < groups.n; i++)
		emit(&groups, &groups.items[i], conflict, returning, &statements[i]);
	if (!writing_run(writing, statements, groups.n, batches))
		return false;
	for (size_t g = 0; g < groups.n; g++)
		for (size_t i = 0; i < batches[g].nrows && i < groups.items[g].indexes.n; i++)
			written[groups.items[g].indexes.items[i]] = (struct written_row){&batches[g], i};
	return true;
}

bool insert_took_all(struct writing *writing, const struct model *model,
                     const struct written_row *written, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!written[i].batch)
			return error_set_nowhere(writing->error, ERROR_INTEGRITY,
			                         "A rule of the database keeps a row of %.*s from being written, or "
			                         "writes it elsewhere: it gave none back.",
			                         STR_ARG(model->name));
	return true;
}

struct str written_cell(const struct model *model, const struct written_row *row,
                        const struct field *field)
{
	for (size_t i = 0; i < model->ncolumns; i++)
		if (model->columns[i] == field)
			return db_cell(row->batch, row->row, i);
	BUG("a field without a column");
}
