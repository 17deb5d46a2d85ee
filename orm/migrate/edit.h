/* Declarations as data that can be made and changed: copies of struct value with a member more or
 * less.  Nothing that exists is ever written to; what is not changed is shared. */
#ifndef QUERN_MIGRATE_EDIT_H
#define QUERN_MIGRATE_EDIT_H

#include "orm/base/value.h"

/* An object on its way. */
struct members {
	struct arena *arena;
	struct member *items;
	size_t n, cap;
};

void members_put(struct members *members, const char *key, const struct value *value);
/* The key is borrowed. */
void members_put_named(struct members *members, struct str key, const struct value *value);
void members_put_text(struct members *members, const char *key, struct str text);
const struct value *members_end(struct members *members);

const struct value *edit_text(struct arena *arena, struct str text);
const struct value *edit_bool(struct arena *arena, bool boolean);
const struct value *edit_null(void);
const struct value *edit_empty_object(void);
/* The list of n items, copied. */
const struct value *edit_list(struct arena *arena, const struct value *const *items, size_t n);
/* The object with the member set (added at the end where it is new), or without it for NULL. */
const struct value *edit_with(struct arena *arena, const struct value *object, const char *key,
                              const struct value *value);
/* The value with every text `from` in it, at any depth, made `to` ("-from" becomes "-to"). */
const struct value *edit_renamed(struct arena *arena, const struct value *value, struct str from,
                                 struct str to);

/* The text of a member, p == NULL when it is none. */
struct str edit_get_text(const struct value *object, const char *key);
/* Whether the member is true. */
bool edit_get_bool(const struct value *object, const char *key);
/* value_eq() where both may be NULL. */
bool edit_same(const struct value *a, const struct value *b);

/* As a person would write it: members on lines of their own, short objects and lists on one. */
void edit_write_pretty(const struct value *value, unsigned depth, struct buf *out);

#endif
