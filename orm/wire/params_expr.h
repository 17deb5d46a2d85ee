/* The small expression syntax of query strings: total_votes:Count(vote),best:Max(vote__score). */
#ifndef QUERN_WIRE_PARAMS_EXPR_H
#define QUERN_WIRE_PARAMS_EXPR_H

#include "orm/base/error.h"

/* Names with expressions, as the object that a JSON body would hold.  An expression is a path, `*`, a
 * number, true, false, null, 'text', or Name(argument, …, option=literal); nesting goes no deeper than
 * `depth`.  ERROR_BAD_REQUEST at `pos` otherwise. */
bool params_read_exprs(struct arena *arena, struct str text, const struct pos *pos, unsigned depth,
                       struct value *out, struct error *error);

#endif
