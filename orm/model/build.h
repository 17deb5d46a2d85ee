/* Making a registry: declarations in, a frozen registry or a list of mistakes out.
 *
 * Reads declarations as struct value in the form of PROTOCOL section 1, so that any
 * source of them (files, a test, a C program) builds models the same way.  All
 * mistakes of a run are collected, in the order they are found; nothing is usable when there is one.
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

/* Django's names, for all that it names by itself. */

/* At most `max` bytes: a longer name keeps its beginning, and the last four are a digest of it
 * (truncate_name). */
struct str django_truncate_name(struct arena *arena, struct str name, size_t max);
/* The first `length` hexadecimal digits of the MD5 of all parts (names_digest). */
struct str django_digest(struct arena *arena, const struct str *parts, size_t n, unsigned length);
/* What the schema editor calls an index or constraint on columns: `suffix` is "" for an index of
 * db_index, "_like", "_uniq", "_fk_…", "_check" (_create_index_name). */
struct str django_index_name(struct arena *arena, struct str table, const struct str *columns,
                             size_t n, const char *suffix);
/* What an index of Meta.indexes is called when it has no name (set_name_with_model): `columns`
 * with "-" before descending ones, suffix "idx", "gin" … */
struct str django_meta_index_name(struct arena *arena, struct str table, const struct str *columns,
                                  size_t n, const char *suffix);

#endif
