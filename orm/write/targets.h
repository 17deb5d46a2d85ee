/* The rows that the body of add, remove or set names, as keys. */
#ifndef QUERN_WRITE_TARGETS_H
#define QUERN_WRITE_TARGETS_H

#include "orm/write/writing.h"

struct gathering;

struct targets {
	struct gathering *gathering; /* private */
	struct str *keys;            /* distinct */
	size_t n;
	/* For each the place of the bare value that named it; NULL when a lookup or filter found it. */
	const struct pos **places;
};

/* {"objects": [5, {"hostname__startswith": "prod-"}]}, a bare array of the same, or the clauses of a query;
 * members named in `own` (NULL-ended) are the caller's.  `key` is the field of `model` whose values are
 * wanted.  A bare value is a primary key; an object of lookups must find a row at least (DoesNotExist), a
 * filter need not.  Asks no database: targets_find() does. */
bool targets_read(struct writing *writing, const struct model *model, const struct field *key,
                  const struct value *body, const char *const *own, struct targets *targets);
/* Waits.  Fills the keys. */
bool targets_find(struct writing *writing, struct targets *targets);

#endif
