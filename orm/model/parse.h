/* A client's value as the text of a parameter, one function for each kind of type.
 *
 * Each takes values that are not null, and sets ERROR_VALUE at the value's place when it is no value of
 * the kind.  Used through field_parse().
 */
#ifndef QUERN_MODEL_PARSE_H
#define QUERN_MODEL_PARSE_H

#include "orm/model/field_types.h"

typedef bool (*parse_fn)(const struct field *field, const struct value *value, struct arena *arena,
                         struct str *text, struct error *error);

bool parse_integer(const struct field *field, const struct value *value, struct arena *arena,
                   struct str *text, struct error *error);
bool parse_float(const struct field *field, const struct value *value, struct arena *arena,
                 struct str *text, struct error *error);
bool parse_decimal(const struct field *field, const struct value *value, struct arena *arena,
                   struct str *text, struct error *error);
bool parse_boolean(const struct field *field, const struct value *value, struct arena *arena,
                   struct str *text, struct error *error);
bool parse_text(const struct field *field, const struct value *value, struct arena *arena,
                struct str *text, struct error *error);
bool parse_uuid(const struct field *field, const struct value *value, struct arena *arena,
                struct str *text, struct error *error);
bool parse_inet(const struct field *field, const struct value *value, struct arena *arena,
                struct str *text, struct error *error);
bool parse_binary(const struct field *field, const struct value *value, struct arena *arena,
                  struct str *text, struct error *error);
bool parse_date(const struct field *field, const struct value *value, struct arena *arena,
                struct str *text, struct error *error);
bool parse_datetime(const struct field *field, const struct value *value, struct arena *arena,
                    struct str *text, struct error *error);
bool parse_time(const struct field *field, const struct value *value, struct arena *arena,
                struct str *text, struct error *error);
bool parse_duration(const struct field *field, const struct value *value, struct arena *arena,
                    struct str *text, struct error *error);
bool parse_json(const struct field *field, const struct value *value, struct arena *arena,
                struct str *text, struct error *error);
bool parse_array(const struct field *field, const struct value *value, struct arena *arena,
                 struct str *text, struct error *error);
bool parse_hstore(const struct field *field, const struct value *value, struct arena *arena,
                  struct str *text, struct error *error);
bool parse_range(const struct field *field, const struct value *value, struct arena *arena,
                 struct str *text, struct error *error);

/* Sets ERROR_VALUE: `Field "salary" expected <expected>, but got "abc"`; returns false. */
bool parse_fail(const struct field *field, const struct value *value, struct error *error,
                const char *expected);
/* An array literal of the values, each parsed as `element`. */
bool parse_list(const struct field *element, const struct value *list, struct arena *arena,
                struct str *text, struct error *error);

#endif
