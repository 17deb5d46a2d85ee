/* Django's full_clean for one value at a time, all violations kept: null, blank, choices, type,
 * ranges, validators.  Uniqueness and foreign keys are left to the database.
 */
#ifndef QUERN_WRITE_VALIDATE_H
#define QUERN_WRITE_VALIDATE_H

#include "orm/model/field_types.h"
#include "orm/write/regex.h"

/* More are not told, so that a long list of bad rows does not make a long answer. */
#define VIOLATIONS_MAX 100

struct validation_regex {
	const void *owner; /* the pattern's value in the registry */
	struct regex *regex;
};

struct validation {
	struct arena *arena;
	bool is_bare; /* "validate": false: a value is read as its type, no rule of the model is asked */
	struct arena *lasting; /* for compiled patterns, where `arena` is reset now and then; NULL: there too */
	struct {
		struct error_field *items;
		size_t n, cap;
	} violations;
	size_t nviolations; /* those not kept too */
	struct {
		struct validation_regex *items;
		size_t n, cap;
	} regexes;
};

void validation_init(struct validation *validation, struct arena *arena);
/* Adds one. */
void validation_violate(struct validation *validation, struct str field, const struct pos *pos,
                        struct str code, struct str message);
/* The value as the text of a parameter (p == NULL: SQL NULL); false when a violation was added. */
bool validate_value(struct validation *validation, const struct field *field,
                    const struct value *value, struct str *text);
/* The value a field has that nobody gave one: "" for text, else NULL. */
void validate_missing_value(const struct field *field, const struct pos *pos, struct value *value);
/* {"Value": x}: x; anything else: itself. */
const struct value *validate_unwrapped(const struct value *value);
/* False with ERROR_VALIDATION when anything was added. */
bool validation_finish(const struct validation *validation, struct error *error);
/* The pattern compiled, once a request; NULL when it is none. */
const struct regex *validation_regex(struct validation *validation, const struct value *pattern,
                                     struct str flags);

#endif
