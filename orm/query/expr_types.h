/* The types of expressions: what a literal becomes beside its neighbours, what arithmetic and calls
 * give.  Pure functions of types. */
#ifndef QUERN_QUERY_EXPR_TYPES_H
#define QUERN_QUERY_EXPR_TYPES_H

#include "orm/query/functions.h"
#include "orm/query/select.h"

/* The type of a literal that nothing else says anything about. */
const struct field *natural_field(const struct value *value);
/* The type of a literal in arithmetic with a value of type `typed`: a number beside a decimal is a decimal,
 * text beside a date is a duration. */
const struct field *arithmetic_literal_field(const struct field *typed, const struct value *literal);
/* The type of a literal that stands for a value like `typed` (Case, Coalesce); literal may be NULL. */
const struct field *literal_field_like(const struct field *typed, const struct value *literal);
/* The type of a literal where a function takes `letter` (functions.h) beside values of type `typed` (may be NULL). */
const struct field *argument_literal_field(char letter, const struct field *typed,
                                           const struct value *literal);
/* NULL when the two do not mix under the sign. */
const struct field *arithmetic_result(struct str sign, const struct field *left,
                                      const struct field *right);
const struct field *wider_field(const struct field *a, const struct field *b);
/* NULL when every argument is null. */
const struct field *call_result(struct arena *arena, const struct function *function,
                                const struct rexpr *const *args, size_t n);
/* What a range's values are. */
const struct field *range_element_field(const struct field *range);
const struct field *array_field_of(struct arena *arena, const struct field *base);
/* The type named in Cast or ExpressionWrapper: a type's name or a field as in the model file.  NULL with an
 * error. */
const struct field *output_field(struct arena *arena, const struct value *output, struct error *error);

#endif
