/* A finished statement: text with $1…$n and the parameters in order. */
#ifndef QUERN_SQL_STATEMENT_H
#define QUERN_SQL_STATEMENT_H

#include "orm/base/str.h"

struct pos;

struct param {
	struct str text; /* ended by NUL; p == NULL is SQL NULL */
	unsigned oid;    /* 0: the server infers it from the cast in the text */
};

struct statement {
	struct str sql;
	struct param *params;
	size_t nparams;
	size_t ncolumns; /* of its result */
	/* The session's time zone while it runs, ended by NUL (p == NULL: UTC), and where a client named it. */
	struct str zone;
	const struct pos *zone_pos;
};

#endif
