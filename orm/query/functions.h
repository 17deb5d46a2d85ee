/* The table of functions, aggregates and window functions: a row each, all there is to know of it.
 *
 * Adding one is adding a row here and its test.  A name that has no row is an error and
 * never reaches the database.
 */
#ifndef QUERN_QUERY_FUNCTIONS_H
#define QUERN_QUERY_FUNCTIONS_H

#include "orm/model/field_types.h"

/* Sets of enum type_kind. */
#define KIND(k) (1u << (k))
#define KINDS_ALL 0xffffffffu

enum function_class { FUNCTION_SCALAR, FUNCTION_AGGREGATE, FUNCTION_WINDOW };

enum result_rule {
	RESULT_FIXED,   /* `output` */
	RESULT_FIRST,   /* the widest of the arguments that share a type */
	RESULT_AVERAGE, /* Avg: float for integers, else as the argument */
	RESULT_SUM,     /* as the argument; integers widen to BigIntegerField */
	RESULT_NUMERIC, /* decimal for a decimal, else float */
	RESULT_ARRAY,   /* an array of the argument */
	RESULT_BOUND,   /* what a range reaches from and to */
};

struct function {
	const char *name; /* "Lower"; several rows may share one, told apart by their arguments */
	enum function_class class;
	/* A letter an argument, what it may be and what a literal there becomes:
	 *   a anything        s as its neighbours      o anything that is ordered
	 *   t text            i an integer             n a number        m a number or duration
	 *   b a boolean       d a date                 D a datetime      T a time
 *   A an array        R a range
	 * `?` behind a letter: it may be left out; `*`: one or more of these. */
	const char *takes;
	enum result_rule result;
	const char *output; /* with RESULT_FIXED */
	/* SQL: %1 … %9 an argument, %* all of them between commas, %z the first argument in the zone asked for, %Z back
	 * from that zone, %d DISTINCT and %o ORDER BY of an aggregate, %% a percent sign. */
	const char *shape;
	const char *named;      /* a member that stands for the last argument ("delimiter"), or NULL */
	const char *flag;       /* a boolean member ("sample") that chooses the other shape */
	const char *flag_shape;
	bool empty_is_zero;     /* an aggregate over no rows gives 0, not null (Count) */
	bool is_bilateral;      /* as a transform it is applied to the right side as well (unaccent) */
	bool sees_nulls;        /* an aggregate that counts a missing row's NULL */
};

/* The row of that name that takes so many arguments, the first being of that kind; by_name is any row of the
 * name, for messages.  NULL when there is none. */
const struct function *function_find(struct str name, size_t nargs, enum type_kind first);
const struct function *function_by_name(struct str name);
/* Fewest and most arguments of one row (SIZE_MAX: any number). */
void function_arity(const struct function *function, size_t *least, size_t *most);
/* The letter of argument i. */
char function_takes(const struct function *function, size_t i);
bool letter_accepts(char letter, enum type_kind kind);
/* "text", "a number", … for messages. */
const char *letter_name(char letter);
size_t function_names(struct arena *arena, const struct str **names);
/* The table itself, for its tests. */
const struct function *function_rows(size_t *n);

#endif
