/* Batches of rows to one answer; see answer.h. */
#include "orm/write/answer.h"

void written_take(struct arena *arena, struct written *written, const struct returning *returning,
                  const struct db_rows *batches, size_t n)
{
	struct written_row *rows;
	size_t nrows = 0;

	written->layout = returning->layout;
	written->shows_rows = returning->shows_rows;
	written->affected = 0;
	for (size_t i = 0; i < n; i++) {
		nrows += batches[i].nrows;
		written->affected += batches[i].affected;
	}
	rows = ARENA_ARRAY(arena, struct written_row, nrows);
	written->rows = rows;
	written->nrows = nrows;
	for (size_t i = 0; i < n; i++)
		for (size_t row = 0; row < batches[i].nrows; row++)
			*rows++ = (struct written_row){&batches[i], row};
}
