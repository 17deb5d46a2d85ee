/* The table of validators: one row is a rule a model file may name, with Django's
 * message and code.  Adding one is adding a row and its test.
 */
#ifndef QUERN_WRITE_VALIDATORS_H
#define QUERN_WRITE_VALIDATORS_H

#include "orm/write/messages.h"

struct validation;

/* What is judged: a value that has been parsed. */
struct subject {
	struct validation *validation;
	const struct field *field;
	const struct value *value; /* as the client wrote it */
	struct str text;           /* as a parameter: field_parse() */
};

/* What is wrong: starts as the row's message and code. */
struct verdict {
	const char *message;
	const char *code;
	struct message_value values[4];
	size_t nvalues;
};

struct validator_type {
	const char *name;
	const char *code;
	const char *message;
	/* False when the value breaks the rule.  `arguments` may be NULL. */
	bool (*holds)(const struct subject *subject, const struct value *arguments,
	              struct verdict *verdict);
};

/* NULL when unknown. */
const struct validator_type *validator_type_find(struct str name);
/* The rules that a field's type brings along, NULL where it has none, in the order in which Django asks
 * them: the form (an address, an array's size), then what the model declares, then the column's measure
 * (a length, digits). */
const struct validator_type *validator_form_of(const struct field *field);
const struct validator_type *validator_measure_of(const struct field *field);

#endif
