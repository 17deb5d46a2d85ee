/* How a literal of a query becomes the text of a parameter, so that the same question with other values needs no
 * planning (sql/shape): the one value it is made of, the type it takes, and its form.
 *
 * A parameter has one only where nothing but its text depends on the value.
 */
#ifndef QUERN_QUERY_LITERAL_H
#define QUERN_QUERY_LITERAL_H

#include "orm/base/error.h"
#include "orm/base/value.h"
#include "orm/query/lookups.h"

enum literal_form {
	LITERAL_VALUE, /* as the field's type */
	LITERAL_LIST,  /* an array of such */
	LITERAL_TEXT,  /* as text: a number stands for its JSON text */
};

struct literal {
	const struct value *value; /* NULL: none */
	const struct field *field;
	enum literal_form form;
	enum pattern_form pattern; /* of LITERAL_TEXT: to be found inside */
};

/* What the parameter holds when `value` stands there; ERROR_VALUE where it does not fit. */
bool literal_write(struct arena *arena, const struct literal *literal, const struct value *value,
                   struct str *text, struct error *error);

#endif
