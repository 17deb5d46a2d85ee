/* The words of a violated rule: Django's message templates filled in.
 *
 * A template holds %(name)s, %(name)d (the text as it is) and %(name)r (a text in
 * quotes); the model file's own messages use the same.
 */
#ifndef QUERN_WRITE_MESSAGES_H
#define QUERN_WRITE_MESSAGES_H

#include "orm/model/model.h"

struct message_value {
	const char *name;
	struct str text;
	bool is_quoted; /* by %(name)r */
};

/* Placeholders of other names stay as they are. */
struct str message_format(struct arena *arena, struct str template,
                          const struct message_value *values, size_t n);
/* A client's value as Python's str() has it: text as it is, True, None; the rest as JSON. */
struct str message_of_value(struct arena *arena, const struct value *value);
/* The field's own message for a code (error_messages), else `otherwise`. */
struct str message_of_field(const struct field *field, struct str code, struct str otherwise);
/* "a, b and c". */
struct str message_list(struct arena *arena, const struct str *items, size_t n);
/* The first letter made a capital (ASCII). */
struct str message_capital(struct arena *arena, struct str text);

#endif
