/* Places within a row of a body of rows, seen from the body: `/3/title` for the title of the fourth row, as if the
 * rows were a JSON array. */
#ifndef QUERN_WRITE_LOAD_PLACE_H
#define QUERN_WRITE_LOAD_PLACE_H

#include "orm/base/value.h"

/* The place with `root` above its first step. */
static inline const struct pos *place_rooted(struct arena *arena, const struct pos *pos,
                                             const struct pos *root)
{
	if (!pos)
		return root;
	struct pos *copy = ARENA_NEW(arena, struct pos);

	*copy = *pos;
	copy->key = pos->key.p ? arena_str(arena, pos->key) : pos->key;
	copy->parent = place_rooted(arena, pos->parent, root);
	return copy;
}

#endif
