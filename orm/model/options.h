/* The options of a field's declaration: one table of names, of the groups of field types that take
 * each, and of the kind of value each wants.
 */
#ifndef QUERN_MODEL_OPTIONS_H
#define QUERN_MODEL_OPTIONS_H

#include "orm/model/field_types.h"

/* field_type.options is a set of these; an option belongs to one. */
enum option_group {
	OPTIONS_ANY = 1u << 0,       /* verbose_name, help_text, editable, blank: every field */
	OPTIONS_COLUMN = 1u << 1,    /* null, db_column, db_index, db_comment: all that have a column */
	OPTIONS_VALUE = 1u << 2,     /* default, choices, validators …: what a client may write */
	OPTIONS_KEY = 1u << 3,       /* primary_key */
	OPTIONS_UNIQUE = 1u << 4,    /* unique */
	OPTIONS_LENGTH = 1u << 5,    /* max_length */
	OPTIONS_DIGITS = 1u << 6,    /* max_digits, decimal_places */
	OPTIONS_COLLATION = 1u << 7, /* db_collation */
	OPTIONS_NOW = 1u << 8,       /* auto_now, auto_now_add */
	OPTIONS_RELATION = 1u << 9,  /* to, related_name … */
	OPTIONS_REFERENCE = 1u << 10, /* on_delete, to_field */
	OPTIONS_MANY = 1u << 11,      /* through, through_fields, symmetrical, db_table */
	OPTIONS_INET = 1u << 12,      /* protocol, unpack_ipv4 */
	OPTIONS_UNICODE = 1u << 13,   /* allow_unicode */
	OPTIONS_ARRAY = 1u << 14,     /* base_field, size */
	OPTIONS_BOUNDS = 1u << 15,    /* default_bounds */
	OPTIONS_GENERATED = 1u << 16, /* expression, output_field, db_persist */
};

enum option_form {
	OPTION_BOOL,
	OPTION_TEXT,
	OPTION_NAME,    /* text that is not empty */
	OPTION_COUNT,   /* an integer from 1 */
	OPTION_NATURAL, /* an integer from 0 */
	OPTION_LIST,
	OPTION_OBJECT,
	OPTION_FREE, /* checked where it is read */
};

struct option {
	const char *name;
	unsigned group;
	enum option_form form;
};

extern const struct option field_options[];
extern const size_t field_options_count;

/* NULL when there is no such option for any field. */
const struct option *option_find(struct str name);
/* Whether the value has the form; `expected` becomes words such as "true or false". */
bool option_fits(enum option_form form, const struct value *value, const char **expected);
/* Names of the options that the type takes, for suggestions; returns how many. */
size_t option_names(const struct field_type *type, struct str *names, size_t max);

#endif
