/* A map from text to a pointer, in an arena; insertion order is not kept.  Keys
 * are borrowed.  Meant for registries built once and read often. */
#ifndef QUERN_BASE_MAP_H
#define QUERN_BASE_MAP_H

#include "orm/base/arena.h"

struct map_slot {
	struct str key;
	void *value;
	uint64_t hash;
};

struct map {
	struct map_slot *slots;
	size_t cap; /* a power of two, or 0 */
	size_t n;
};

/* NULL when absent. */
void *map_get(const struct map *map, struct str key);
/* Adds or replaces; value is not NULL.  Returns the value replaced, or NULL. */
void *map_put(struct map *map, struct arena *arena, struct str key, void *value);

#endif
