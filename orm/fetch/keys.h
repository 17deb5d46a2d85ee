/* The distinct keys of a level's parents: a hash from a key's text to its number. */
#ifndef QUERN_FETCH_KEYS_H
#define QUERN_FETCH_KEYS_H

#include "orm/base/arena.h"

#define KEY_NONE UINT32_MAX

struct keys {
	struct str *texts; /* by number, in the order of their coming */
	size_t n;
	uint32_t *slots; /* number + 1; 0: free */
	size_t cap;      /* a power of two, at least twice as large as n can become */
};

/* Room for `most` different keys.  The texts are borrowed. */
void keys_init(struct keys *keys, struct arena *arena, size_t most);
/* The number of the key, a new one when it has not come before; KEY_NONE for NULL. */
uint32_t keys_add(struct keys *keys, struct str text);
/* KEY_NONE when it never came. */
uint32_t keys_find(const struct keys *keys, struct str text);
/* The keys as the text of a PostgreSQL array, every element quoted. */
struct str keys_array(const struct keys *keys, struct arena *arena);

#endif
