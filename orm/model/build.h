/* Making a registry: declarations in, a frozen registry or a list of mistakes out.
 *
 * Reads declarations as struct value in the form of PROTOCOL section 1, so that any
 * source of them (files, a test, a C program) builds models the same way.  All
 * mistakes of a run are collected; nothing is usable when there is one.
 */
#ifndef QUERN_MODEL_BUILD_H
#define QUERN_MODEL_BUILD_H

#include "orm/base/error.h"
#include "orm/model/model.h"

/* One mistake in a declaration. */
struct mistake {
	const struct pos *pos; /* in the document `source` */
	size_t source;         /* which of the documents given */
	struct str message;    /* what is wrong and what was expected */
	struct str suggestion; /* nearest valid name, p == NULL when none */
};

struct mistakes {
	const struct mistake *items;
	size_t n;
};

/* Builds from one or more documents ({"models": {…}}), merged.  The registry and all
 * it holds live in `arena`, as must the documents.  NULL with *mistakes filled when
 * anything is wrong. */
const struct registry *registry_build(struct arena *arena, const struct value *const *documents,
                                      size_t ndocuments, struct mistakes *mistakes);

/* Django's names. */
struct str django_index_name(struct arena *arena, struct str table, const struct str *columns,
                             size_t n, const char *suffix);

#endif
