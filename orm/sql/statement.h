/* A finished statement: text with $1…$n and the parameters in order. */
#ifndef QUERN_SQL_STATEMENT_H
#define QUERN_SQL_STATEMENT_H

#include "orm/base/str.h"

struct model;
struct pos;
struct literal;

struct param {
	struct str text; /* ended by NUL; p == NULL is SQL NULL */
	unsigned oid;    /* 0: the server infers it from the cast in the text */
	unsigned slot;   /* of a shape: which of its literals, from 1; 0: none (sql/shape) */
	const struct literal *literal; /* what the text was made of; NULL: the statement depends on it */
};

struct statement {
	struct str sql;
	struct param *params;
	size_t nparams;
	size_t ncolumns; /* of its result */
	/* The model that it inserts into, updates or deletes from, where changes of that are told (Meta.notify);
	 * NULL else.  Its verb begins at `verb_at`, its table's name ends at `table_end`. */
	const struct model *told;
	size_t verb_at, table_end;
	/* The session's time zone while it runs, ended by NUL (p == NULL: UTC), and where a client named it. */
	struct str zone;
	const struct pos *zone_pos;
	/* It locks rows, which only a transaction keeps locked; and where a client said so. */
	bool locks_rows;
	const struct pos *lock_pos;
};

#endif
