/* The inside of a nest, shared by nested_read.c, nested_run.c and nested_link.c. */
#ifndef QUERN_WRITE_NESTED_LEVEL_H
#define QUERN_WRITE_NESTED_LEVEL_H

#include "orm/write/nested.h"
#include "orm/write/row_change.h"

enum nested_kind {
	LEVEL_BEFORE,   /* rows that the nest's rows refer to by `field` */
	LEVEL_CHILDREN, /* rows whose `field` refers to the nest's rows */
	LEVEL_LINKS, /* join rows whose `field` refers to the nest's rows, `target` to the other end */
};

/* New rows that hang on the nest's rows by one relation. */
struct nested_level {
	enum nested_kind kind;
	struct str name; /* the member's */
	const struct relation *relation;
	bool is_reverse;
	const struct field *field, *target;
	struct row_reader reader;
	struct validation
		missing; /* LEVEL_LINKS of rows that were there: what join rows to be made lack */
	struct row_nested members;
	struct {
		struct row *items;
		size_t n, cap;
	} rows;
	struct {
		size_t *items; /* for each row the row of the nest that it belongs to */
		size_t n, cap;
	} parents;
	bool is_set; /* LEVEL_LINKS: other rows are taken from the one row of the nest */
	struct nest nest;
};

/* {"get_or_create": body} in place of a foreign key's value. */
struct nested_make {
	size_t row;
	const struct field *field;
	enum nested_verb verb;
	const struct value *body;
};

/* What is done to the rows related to a row of the nest. */
struct nested_act {
	size_t row;
	struct str name;
	enum nested_verb verb;
	const struct relation *relation;
	bool is_reverse;
	const struct value *body;
	/* NESTED_UPDATE: the values, and the key of the row among the related ones (NULL: the only one). */
	struct row_change *change;
	const struct value *pk;
};

/* Waits.  Writes the level's rows; `parents`: the nest's, as they now stand (NULL for LEVEL_BEFORE).  The
 * level's rows as they stand then, one for each of level->rows (not of LEVEL_LINKS). */
bool level_run(struct nested_level *level, const struct nest *nest,
               const struct written_row *parents, struct written_row **written);
/* Waits.  Join rows to be inserted: lookups that find several rows multiplied, pairs that are there left
 * out, both directions of a symmetrical relation; with is_set all others are taken away.  *rows and *n are
 * replaced. */
bool links_prepare(struct nested_level *level, const struct nest *nest, struct row **rows,
                   size_t *n, struct str owner);

#endif
