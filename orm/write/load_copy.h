/* Rows on their way into COPY: as text, in batches, two of them in turn.
 *
 * While PostgreSQL works on one batch the next is made.  All batches are statements of one transaction, with
 * foreign keys judged at the end of each batch, where the line is still known.
 */
#ifndef QUERN_WRITE_LOAD_COPY_H
#define QUERN_WRITE_LOAD_COPY_H

#include "orm/write/row.h"

#define LOAD_BATCH_ROWS 10000
#define LOAD_BATCH_BYTES ((size_t)1 << 20)

struct load_batch {
	struct buf sql;  /* COPY table (columns) FROM STDIN, ended by NUL */
	bool *is_given;  /* by column of the model */
	struct buf text; /* COPY's text format */
	uint64_t *lines; /* of the body, by row */
	uint64_t first;  /* row of the load, from 0 */
	size_t n;
};

/* The moments of the load, as PostgreSQL tells them. */
struct load_moment {
	struct str now, day, time;
};

struct load_copy {
	struct writing *writing;
	const struct model *model;
	struct load_moment moment;
	struct db_copy *copy; /* NULL: the connection is not in copying */
	struct load_batch batches[2];
	unsigned filling;
	bool is_sent;    /* the other batch waits for its answer */
	uint64_t nadded; /* rows */
	uint64_t nrows;  /* that PostgreSQL has acknowledged */
	unsigned char random[1024];
	size_t nrandom; /* bytes of it not yet used */
};

void load_copy_init(struct load_copy *load, struct writing *writing, const struct model *model);
void load_copy_release(struct load_copy *load);
/* Whether COPY can take the row: no expressions, no lookups, no rows of others in it. */
bool load_copy_takes(const struct model *model, const struct row *row);
/* Waits where a batch is full, in the session's open transaction; errors name the line. */
bool load_copy_row(struct load_copy *load, const struct row *row, uint64_t line);
/* Whether the next load_copy_row() with this row will send a batch. */
bool load_copy_is_full(const struct load_copy *load, const struct row *row);
/* Waits.  Sends what is there, takes the answers and gives the connection back to other statements. */
bool load_copy_flush(struct load_copy *load);
/* Waits.  Gives up what is outstanding, so that the transaction can be rolled back. */
void load_copy_abandon(struct load_copy *load);

#endif
