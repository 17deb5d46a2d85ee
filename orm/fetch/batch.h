/* Rows copied out of a stream until there are enough parents for a level to be asked. */
#ifndef QUERN_FETCH_BATCH_H
#define QUERN_FETCH_BATCH_H

#include "orm/db/db.h"

/* Text of a batch, beyond which it is full whatever the number of its rows. */
#define BATCH_BYTES (8 * 1024 * 1024)

struct batch {
	struct arena *arena; /* its own: emptied with the batch */
	struct db_rows rows; /* with its cells in the arena */
	struct {
		struct str *items;
		size_t n, cap;
	} cells;
	size_t most; /* rows */
	size_t bytes;
};

/* The arena ends with `owner`. */
void batch_init(struct batch *batch, struct arena *owner, size_t most);
void batch_clear(struct batch *batch);
/* Copies rows from *from on until the batch is full; *from is then the first that had no room. */
void batch_add(struct batch *batch, const struct db_rows *rows, size_t *from);
bool batch_is_full(const struct batch *batch);

#endif
