/* The table of lookups (`title__icontains`) and the table of transforms (`created_at__year`):
 * a row each, all there is to know of it.
 *
 * Adding one is adding a row here and its test.
 */
#ifndef QUERN_QUERY_LOOKUPS_H
#define QUERN_QUERY_LOOKUPS_H

#include "orm/query/functions.h"

/* What stands on the right side. */
enum lookup_operand {
	LOOKUP_SAME,    /* a value of the left side's type */
	LOOKUP_TEXT,    /* text, whatever the left side is */
	LOOKUP_PATTERN, /* text to be found inside: %, _ and \ match themselves */
	LOOKUP_LIST,    /* an array of values, or a subquery */
	LOOKUP_PAIR,    /* two values */
	LOOKUP_FLAG,    /* a boolean */
	LOOKUP_TEXTS,   /* an array of texts */
	LOOKUP_INSIDE,  /* a range, or one value that may lie in it */
};

enum pattern_form { PATTERN_NONE, PATTERN_CONTAINS, PATTERN_STARTS, PATTERN_ENDS };

struct lookup {
	const char *name;
	unsigned kinds; /* bits of enum type_kind of the left side */
	enum lookup_operand operand;
	enum pattern_form pattern;
	/* SQL shape: %l the left side, %t the left side as text, %r the right side, %u the right side in capitals, %s the
	 * second. */
	const char *shape;
	/* The shape when the right side is an expression and not a literal (patterns). */
	const char *expr_shape;
	bool for_relations; /* also on a relation's key */
	bool is_regex;
};

/* `created_at__year`: a function of one argument by a short name. */
struct transform {
	const char *name;
	const char *function;
};

/* By name for a left side of that kind; NULL when there is none. */
const struct lookup *lookup_find(struct str name, enum type_kind kind);
/* The function that the transform applies to a value of that kind. */
const struct function *transform_find(struct str name, enum type_kind kind);
/* All names that a left side of that kind takes, sorted, for suggestions. */
size_t lookup_names(struct arena *arena, enum type_kind kind, const struct str **names);
/* The tables themselves, for their tests. */
const struct lookup *lookup_rows(size_t *n);
const struct transform *transform_rows(size_t *n);

#endif
