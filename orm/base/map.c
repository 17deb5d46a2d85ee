/* Map: open addressing with linear probing, at most three quarters full. */
#include "orm/base/map.h"

#include "orm/base/error.h"

/* The slot that holds the key, or the free one where it belongs. */
static struct map_slot *find_slot(struct map_slot *slots, size_t cap, struct str key, uint64_t hash)
{
	size_t i = hash & (cap - 1);
	while (slots[i].value && !(slots[i].hash == hash && str_eq(slots[i].key, key)))
		i = (i + 1) & (cap - 1);
	return &slots[i];
}

void *map_get(const struct map *map, struct str key)
{
	if (map->n == 0)
		return NULL;
	return find_slot(map->slots, map->cap, key, str_hash(key))->value;
}

static void grow(struct map *map, struct arena *arena)
{
	size_t cap = map->cap ? map->cap * 2 : 8;
	struct map_slot *slots = ARENA_ARRAY(arena, struct map_slot, cap);
	for (size_t i = 0; i < map->cap; i++)
		if (map->slots[i].value)
			*find_slot(slots, cap, map->slots[i].key, map->slots[i].hash) = map->slots[i];
	map->slots = slots;
	map->cap = cap;
}

void *map_put(struct map *map, struct arena *arena, struct str key, void *value)
{
	ASSERT(value);
	if ((map->n + 1) * 4 > map->cap * 3)
		grow(map, arena);
	uint64_t hash = str_hash(key);
	struct map_slot *slot = find_slot(map->slots, map->cap, key, hash);
	void *replaced = slot->value;
	if (!replaced)
		map->n++;
	*slot = (struct map_slot){replaced ? slot->key : key, value, hash};
	return replaced;
}
