/* Rows copied out of a stream: its results are gone with its next helping, and a single row's result
 * takes kilobytes where its text takes bytes.
 */
#include "orm/fetch/batch.h"

static void end_arena(void *arena)
{
	arena_free(arena);
}

void batch_init(struct batch *batch, struct arena *owner, size_t most)
{
	*batch = (struct batch){.arena = arena_new(), .most = most};
	arena_defer(owner, end_arena, batch->arena);
}

void batch_clear(struct batch *batch)
{
	arena_reset(batch->arena);
	*batch = (struct batch){.arena = batch->arena, .most = batch->most};
}

bool batch_is_full(const struct batch *batch)
{
	return batch->rows.nrows >= batch->most || batch->bytes >= BATCH_BYTES;
}

static void add_cell(struct batch *batch, struct str cell)
{
	struct str *copy = ARENA_PUSH(batch->arena, &batch->cells);

	*copy = cell.p == NULL ? cell : arena_str(batch->arena, cell);
	batch->bytes += cell.n;
}

void batch_add(struct batch *batch, const struct db_rows *rows, size_t *from)
{
	batch->rows.ncolumns = rows->ncolumns;
	while (*from < rows->nrows && !batch_is_full(batch)) {
		for (size_t column = 0; column < rows->ncolumns; column++)
			add_cell(batch, db_cell(rows, *from, column));
		batch->rows.nrows++;
		++*from;
	}
	batch->rows.cells = batch->cells.items;
}
