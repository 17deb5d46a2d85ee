/* What the decode files share: the small readers of a value, and the entry points by which a
 * condition reads an expression, an expression a query, and so on.
 *
 * Private to orm/query/decode_*.c.  Every reader fills *out and returns true, or returns false with
 * the one error set.
 */
#ifndef QUERN_QUERY_DECODE_PARTS_H
#define QUERN_QUERY_DECODE_PARTS_H

#include "orm/query/decode.h"

struct decoder {
	struct arena *arena;
	struct error *error;
};

/* What a bare string means (PROTOCOL section 5).  Arithmetic hands its own place on to its operands;
 * every function's arguments are in expression position. */
enum place {
	PLACE_EXPRESSION, /* a path */
	PLACE_VALUE,      /* a literal */
};

/* decode_parts.c */
/* ERROR_VALUE "expected an integer, got a string"; returns false. */
bool wrong_kind(struct decoder *d, const struct value *value, const char *expected);
/* ERROR_BAD_REQUEST for a word that is none of the NULL-ended `words` (nor of `more`, which may be
 * NULL), with the nearest of them; `what` is "a clause of a query".  Returns false. */
bool unknown_word(struct decoder *d, const struct member *member, const char *what,
                  const char *const *words, const char *const *more);
bool is_word(struct str text, const char *const *words);
/* Whether a client wrote it here: what stands for a result of another operation (is_data) is a value and
 * never `what`, "a condition".  ERROR_VALUE. */
bool is_written(struct decoder *d, const struct value *value, const char *what);
bool read_object(struct decoder *d, const struct value *value, const char *expected);
bool read_bool(struct decoder *d, const struct value *value, bool *out);
/* An integer from 0 up. */
bool read_natural(struct decoder *d, const struct value *value, int64_t *out);
/* Text that is not empty. */
bool read_text(struct decoder *d, const struct value *value, const char *expected, struct str *out);
/* The items of an array; text of a query string is an array of one. */
bool read_list(struct decoder *d, const struct value *value, const char *expected,
               const struct value **items, size_t *n);
bool read_path(struct decoder *d, const struct value *value, struct path *out);
bool read_paths(struct decoder *d, const struct value *value, const struct path **paths, size_t *n);

/* decode_cond.c */
bool read_cond(struct decoder *d, const struct value *value, struct cond *out);
bool read_operand(struct decoder *d, const struct value *value, struct operand *out);

/* decode_expr.c */
bool read_expr(struct decoder *d, const struct value *value, enum place place, struct expr *out);
bool read_exprs(struct decoder *d, const struct value *items, size_t n, enum place place,
                const struct expr **out);
/* The one member of an expression object. */
bool read_expr_member(struct decoder *d, const struct member *member, enum place place,
                      struct expr *out);
struct expr *new_expr(struct decoder *d, const struct value *value);

/* decode_names.c */
/* {name: expression, …} */
bool read_named_exprs(struct decoder *d, const struct value *value, const struct named_expr **list,
                      size_t *n);
/* An array of paths and {name: expression} objects, or one such object; a path is named by its text. */
bool read_projection(struct decoder *d, const struct value *value, const struct named_expr **list,
                     size_t *n);
bool read_order(struct decoder *d, const struct value *value, const struct order **order,
                size_t *n);

/* decode_query.c */
bool read_nested_query(struct decoder *d, const struct value *value, bool needs_model,
                       struct query *out);

#endif
