/* The distinct keys of a level's parents, by open addressing.
 *
 * Keys are compared by the text PostgreSQL prints: parent and child hold values of one type.
 */
#include "orm/fetch/keys.h"

void keys_init(struct keys *keys, struct arena *arena, size_t most)
{
	size_t cap = 16;

	while (cap < 2 * most)
		cap *= 2;
	*keys = (struct keys){
		.texts = ARENA_ARRAY(arena, struct str, most),
		.slots = ARENA_ARRAY(arena, uint32_t, cap),
		.cap = cap,
	};
}

/* The slot that holds the key, or the free one where it belongs. */
static uint32_t *slot_of(const struct keys *keys, struct str text)
{
	size_t mask = keys->cap - 1;
	size_t at = (size_t)str_hash(text) & mask;

	while (keys->slots[at] != 0 && !str_eq(keys->texts[keys->slots[at] - 1], text))
		at = (at + 1) & mask;
	return &keys->slots[at];
}

uint32_t keys_add(struct keys *keys, struct str text)
{
	uint32_t *slot;

	if (text.p == NULL)
		return KEY_NONE;
	slot = slot_of(keys, text);
	if (*slot == 0) {
		keys->texts[keys->n++] = text;
		*slot = (uint32_t)keys->n;
	}
	return *slot - 1;
}

uint32_t keys_find(const struct keys *keys, struct str text)
{
	uint32_t *slot;

	if (text.p == NULL)
		return KEY_NONE;
	slot = slot_of(keys, text);
	return *slot == 0 ? KEY_NONE : *slot - 1;
}

struct str keys_array(const struct keys *keys, struct arena *arena)
{
	size_t size = 3;
	char *text, *p;

	for (size_t i = 0; i < keys->n; i++)
		size += 2 * keys->texts[i].n + 3;
	text = p = ARENA_ARRAY(arena, char, size);
	*p++ = '{';
	for (size_t i = 0; i < keys->n; i++) {
		if (i > 0)
			*p++ = ',';
		*p++ = '"';
		for (size_t k = 0; k < keys->texts[i].n; k++) {
			char c = keys->texts[i].p[k];

			if (c == '"' || c == '\\')
				*p++ = '\\';
			*p++ = c;
		}
		*p++ = '"';
	}
	*p++ = '}';
	return (struct str){text, (size_t)(p - text)};
}
