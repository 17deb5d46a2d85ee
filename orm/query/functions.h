/* The table of functions and aggregates: a row each, all there is to know of it.
 *
 * Adding one is adding a row here and its test.  A name that has no row is an error and
 * never reaches the database.
 */
#ifndef QUERN_QUERY_FUNCTIONS_H
#define QUERN_QUERY_FUNCTIONS_H

#include "orm/model/field_types.h"

enum result_rule {
	RESULT_FIXED,     /* `output` */
	RESULT_FIRST,     /* as the first argument that has a type */
	RESULT_AVERAGE,   /* Avg: float for integers, else as the argument */
	RESULT_SUM,       /* as the argument; integers widen to BigIntegerField */
};

struct function {
	const char *name; /* "Lower" */
	bool is_aggregate;
	unsigned char min_args, max_args; /* 255: any number */
	unsigned kinds; /* bits of enum type_kind that the arguments may have */
	enum result_rule result;
	const char *output;
	/* What literals among the arguments are, when nothing else says so: a type name, or NULL:
	 * as the other arguments. */
	const char *literal;
	/* SQL: "lower(" … ")" with the arguments between `separator`. */
	const char *before, *separator, *after;
	bool empty_is_zero; /* an aggregate over no rows gives 0, not null (Count) */
};


const struct function *function_find(struct str name);
size_t function_names(struct arena *arena, const struct str **names);

#endif
