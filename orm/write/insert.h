/* The text of INSERT.
 *
 * The text depends on which columns are given and how, never on the values or on the number of
 * rows: several rows travel as one array parameter a column.
 */
#ifndef QUERN_WRITE_INSERT_H
#define QUERN_WRITE_INSERT_H

#include "orm/sql/writer.h"
#include "orm/write/returning.h"
#include "orm/write/row.h"

/* More rows than this go in several statements of one transaction. */
#define INSERT_ROWS_MAX 10000

/* What happens to a row that is there already. */
struct conflict {
	enum { INSERT_FAILS, INSERT_SKIPS /* DO NOTHING */, INSERT_UPDATES /* DO UPDATE */ } kind;
	/* INSERT_UPDATES: the columns of the unique constraint (and its condition; p == NULL: none), and those to
	 * be set to what the new row would have had. */
	const struct field **unique_fields;
	size_t nunique_fields;
	struct str condition;
	const struct field **update_fields;
	size_t nupdate_fields;
};

/* One row.  `conflict` NULL: an IntegrityError; `returning` NULL: answers every column of the model. */
void insert_one(struct arena *arena, const struct model *model, const struct row *row,
                const struct conflict *conflict, const struct returning *returning,
                struct statement *statement);
/* Rows of one shape; answers in the order of the rows. */
void insert_many(struct arena *arena, const struct model *model, const struct row *const *rows,
                 size_t n, const struct conflict *conflict, const struct returning *returning,
                 struct statement *statement);
/* Whether the same columns are given in the same way: one statement can take both. */
bool insert_same_shape(const struct model *model, const struct row *a, const struct row *b);

#endif
