/* The table of field types: one row is all there is to know of a type.
 *
 * A row says how its column is declared, which options it takes, how a client's
 * value becomes a parameter and how a column's text becomes JSON.  Adding a field
 * type is adding a row to field_types.c and its test.
 */
#ifndef QUERN_MODEL_FIELD_TYPES_H
#define QUERN_MODEL_FIELD_TYPES_H

#include "orm/base/error.h"
#include "orm/model/model.h"

/* What a value of the type is, for arithmetic, comparison and lookups. */
enum type_kind {
	TYPE_INTEGER,
	TYPE_FLOAT,
	TYPE_DECIMAL,
	TYPE_BOOLEAN,
	TYPE_TEXT,
	TYPE_UUID,
	TYPE_INET,
	TYPE_DATE,
	TYPE_DATETIME,
	TYPE_TIME,
	TYPE_DURATION,
	TYPE_BINARY,
	TYPE_JSON,
	TYPE_ARRAY,
	TYPE_HSTORE,
	TYPE_RANGE,
	TYPE_RELATION, /* ForeignKey, OneToOneField, ManyToManyField: see field->value_field */
};

/* How the text PostgreSQL sends (DateStyle ISO, TimeZone UTC, IntervalStyle iso_8601,
 * bytea hex) becomes JSON. */
enum json_form {
	JSON_FORM_NUMBER,   /* as it is */
	JSON_FORM_FLOAT,    /* as it is; NaN and Infinity as strings */
	JSON_FORM_BOOLEAN,  /* t, f */
	JSON_FORM_STRING,   /* escaped */
	JSON_FORM_PLAIN,    /* a string that never needs escaping: decimal, uuid, date, time */
	JSON_FORM_DURATION, /* "P-1DT1H" -> "-PT23H": one sign, in front */
	JSON_FORM_DATETIME, /* "2026-07-02 16:44:20.5+00" -> "2026-07-02T16:44:20.5Z" */
	JSON_FORM_BINARY,   /* \x… -> base64 */
	JSON_FORM_RAW,      /* json text as it is */
	JSON_FORM_ARRAY,    /* PostgreSQL array text, elements by the base field */
	JSON_FORM_HSTORE,
	JSON_FORM_RANGE,
};

struct field_type {
	const char *name; /* "CharField" */
	enum type_kind kind;
	enum json_form json_form;
	/* The column's type; "%n" is max_length, "%d" max_digits, "%p" decimal_places;
	 * serial types are told by is_auto.  NULL: follows another field. */
	const char *column;
	/* OIDs of the type as a parameter and of its array; 0: unknown, `column` is then
	 * written as a cast behind the parameter. */
	unsigned oid, array_oid;
	/* Integers: what a row may hold.  For Positive… min is 0, a rule of the model that is
	 * checked on writing; field_parse takes whatever the column's type can hold, since
	 * "less than -1" is a fair question. */
	int64_t min, max;
	unsigned options;      /* bits of the groups of options it takes (options.h) */
	bool is_auto;          /* identity column */
	int64_t length;        /* max_length unless the field says otherwise; 0: none */
	const char *description; /* for messages: "an integer between -32768 and 32767" */
};

extern const struct field_type field_types[];
extern const size_t field_types_count;

/* By name; NULL when unknown. */
const struct field_type *field_type_find(struct str name);
/* A field without model and column that has just this type: for expressions
 * (output of Count is BigIntegerField).  Static storage; never NULL for a name of the table. */
const struct field *field_of_type(const char *type_name);

/* The column's declaration, e.g. "varchar(64)", "numeric(10, 2)", "bigint[]"; "varchar" where no length
 * is known (a Cast). */
struct str field_column_type(struct arena *arena, const struct field *field);
/* A range type's element ("DateTimeField" for DateTimeRangeField); NULL for other types. */
const struct field *field_range_element(const struct field *field);
/* What a parameter of this field's values is: an OID, and a cast to write behind the
 * parameter when the OID is 0 (p == NULL otherwise). */
unsigned field_param_oid(const struct field *field);
struct str field_param_cast(struct arena *arena, const struct field *field);
unsigned field_param_array_oid(const struct field *field);

/* A client's value as the text of a parameter for this field (following
 * foreign keys to their target).  For lookups and expressions: types and ranges are checked,
 * model rules (max_length, choices, blank) are not.  VALUE_NULL gives p == NULL.
 * ERROR_VALUE at value->pos otherwise, worded for a person. */
bool field_parse(const struct field *field, const struct value *value, struct arena *arena,
                 struct str *text, struct error *error);
/* A PostgreSQL array literal of the elements of a list value, each parsed as this field. */
bool field_parse_array(const struct field *field, const struct value *list, struct arena *arena,
                       struct str *text, struct error *error);

#endif
