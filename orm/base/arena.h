/* Memory that lives as long as a request (or as the registry): allocated piece by
 * piece, freed at once.
 *
 * An allocation never fails for the caller: when the machine has no memory the
 * process says so and ends (sizes a client drives are bounded where they are
 * decoded).  Nothing taken from an arena is freed by itself; arena_defer() ties
 * foreign objects (a json_t, a PGresult) to the arena's end.  Not thread-safe: an
 * arena belongs to one worker.
 */
#ifndef QUERN_BASE_ARENA_H
#define QUERN_BASE_ARENA_H

#include "orm/base/str.h"

#include <stdarg.h>

struct arena;

struct arena *arena_new(void);
/* Runs the deferred functions, newest first, and frees everything. */
void arena_free(struct arena *arena);
/* As arena_free, but keeps the first block for use again. */
void arena_reset(struct arena *arena);
/* Zeroed memory, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_array(struct arena *arena, size_t count, size_t size);
/* Runs fn(object) when the arena ends or is reset. */
void arena_defer(struct arena *arena, void (*fn)(void *), void *object);
/* Bytes handed out since the last reset. */
size_t arena_used(const struct arena *arena);

/* Copies, ended by a NUL that is not counted. */
struct str arena_str(struct arena *arena, struct str s);
char *arena_cstr(struct arena *arena, struct str s);
struct str arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The number in decimal; without the cost of a format. */
struct str arena_int(struct arena *arena, int64_t number);
struct str arena_vprintf(struct arena *arena, const char *format, va_list args);
/* A copy with A-Z as a-z. */
struct str arena_lower(struct arena *arena, struct str s);
/* a and b joined by nothing. */
struct str arena_concat(struct arena *arena, struct str a, struct str b);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_array((arena), (count), sizeof(type)))

/* A growing array in an arena: `items`, `n`, `cap` members of any struct.  Old
 * storage stays behind in the arena; growth is by doubling. */
#define ARENA_PUSH(arena, list)                                                                    \
	(arena_grow((arena), (void **)&(list)->items, &(list)->cap, (list)->n, sizeof *(list)->items),  \
	 &(list)->items[(list)->n++])
void arena_grow(struct arena *arena, void **items, size_t *cap, size_t n, size_t size);

#endif
