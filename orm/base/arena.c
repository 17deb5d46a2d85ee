/* Arena: a chain of blocks, filled from the front; the newest block is the one in
 * use.  The first block is kept over arena_reset().  In a build with the address
 * sanitizer what is not handed out is poisoned, with a gap behind every piece. */
#include "orm/base/arena.h"

#include "orm/base/error.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
/* gcc 12 takes the call for a read of fresh memory. */
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#define POISON(p, n) __asan_poison_memory_region((p), (n))
#define UNPOISON(p, n) __asan_unpoison_memory_region((p), (n))
#define GAP 16
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#define GAP 0
#endif

#define ALIGN 16
#define FIRST_BLOCK (16 * 1024)
#define LARGEST_BLOCK (256 * 1024)

struct block {
	struct block *older;
	size_t size; /* bytes of data */
	size_t used;
	size_t reserved; /* keeps data aligned */
	char data[];
};
_Static_assert(sizeof(struct block) % ALIGN == 0, "data is not aligned");

struct deferred {
	struct deferred *older;
	void (*fn)(void *);
	void *object;
};

struct arena {
	struct block *newest;
	struct deferred *deferred;
	size_t handed_out;
	size_t next_size;
};

_Noreturn static void die_of_memory(size_t size)
{
	bug(__FILE__, __LINE__, "out of memory, asked for %zu bytes", size);
}

static struct block *new_block(struct block *older, size_t size)
{
	struct block *block = malloc(sizeof *block + size);
	if (!block)
		die_of_memory(size);
	block->older = older;
	block->size = size;
	block->used = 0;
	block->reserved = 0;
	POISON(block->data, size);
	return block;
}

static void free_block(struct block *block)
{
	UNPOISON(block->data, block->size);
	free(block);
}

struct arena *arena_new(void)
{
	struct arena *arena = malloc(sizeof *arena);
	if (!arena)
		die_of_memory(sizeof *arena);
	*arena = (struct arena){.newest = new_block(NULL, FIRST_BLOCK), .next_size = 2 * FIRST_BLOCK};
	return arena;
}

void arena_reset(struct arena *arena)
{
	while (arena->deferred) {
		struct deferred *last = arena->deferred;
		arena->deferred = last->older;
		last->fn(last->object);
	}
	while (arena->newest->older) {
		struct block *older = arena->newest->older;
		free_block(arena->newest);
		arena->newest = older;
	}
	arena->newest->used = 0;
	POISON(arena->newest->data, arena->newest->size);
	arena->handed_out = 0;
	arena->next_size = 2 * FIRST_BLOCK;
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	arena_reset(arena);
	free_block(arena->newest);
	free(arena);
}

static void add_block(struct arena *arena, size_t least)
{
	size_t size = arena->next_size > least ? arena->next_size : least;
	arena->newest = new_block(arena->newest, size);
	if (arena->next_size < LARGEST_BLOCK)
		arena->next_size *= 2;
}

/* As arena_alloc, but what stands in the memory is left over from before. */
static void *take(struct arena *arena, size_t size)
{
	if (size > SIZE_MAX / 2)
		die_of_memory(size);
	size_t whole = (size + GAP + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (arena->newest->size - arena->newest->used < whole)
		add_block(arena, whole);
	char *piece = arena->newest->data + arena->newest->used;
	arena->newest->used += whole;
	arena->handed_out += whole;
	UNPOISON(piece, size);
	return piece;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	return memset(take(arena, size), 0, size);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes))
		die_of_memory(SIZE_MAX);
	return arena_alloc(arena, bytes);
}

void arena_defer(struct arena *arena, void (*fn)(void *), void *object)
{
	struct deferred *deferred = take(arena, sizeof *deferred);
	*deferred = (struct deferred){arena->deferred, fn, object};
	arena->deferred = deferred;
}

size_t arena_used(const struct arena *arena)
{
	return arena->handed_out;
}

char *arena_cstr(struct arena *arena, struct str s)
{
	char *copy = take(arena, s.n + 1);
	if (s.n)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return copy;
}

struct str arena_str(struct arena *arena, struct str s)
{
	return (struct str){arena_cstr(arena, s), s.n};
}

struct str arena_lower(struct arena *arena, struct str s)
{
	char *copy = arena_cstr(arena, s);
	for (size_t i = 0; i < s.n; i++)
		if (copy[i] >= 'A' && copy[i] <= 'Z')
			copy[i] = (char)(copy[i] + ('a' - 'A'));
	return (struct str){copy, s.n};
}

struct str arena_concat(struct arena *arena, struct str a, struct str b)
{
	char *joined = take(arena, a.n + b.n + 1);
	if (a.n)
		memcpy(joined, a.p, a.n);
	if (b.n)
		memcpy(joined + a.n, b.p, b.n);
	joined[a.n + b.n] = '\0';
	return (struct str){joined, a.n + b.n};
}

struct str arena_vprintf(struct arena *arena, const char *format, va_list args)
{
	va_list again;
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	ASSERT(n >= 0);
	char *text = take(arena, (size_t)n + 1);
	vsnprintf(text, (size_t)n + 1, format, again);
	va_end(again);
	return (struct str){text, (size_t)n};
}

struct str arena_int(struct arena *arena, int64_t number)
{
	char digits[20];
	char *p = digits + sizeof digits;
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
	do
		*--p = (char)('0' + rest % 10);
	while (rest /= 10);
	if (number < 0)
		*--p = '-';
	return arena_str(arena, (struct str){p, (size_t)(digits + sizeof digits - p)});
}

struct str arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	struct str text = arena_vprintf(arena, format, args);
	va_end(args);
	return text;
}

void arena_grow(struct arena *arena, void **items, size_t *cap, size_t n, size_t size)
{
	if (n < *cap)
		return;
	size_t new_cap = *cap ? *cap * 2 : 8;
	void *grown = arena_array(arena, new_cap, size);
	/* *items has the type of the list; only its bytes are touched here. */
	void *old;
	memcpy(&old, items, sizeof old);
	if (n)
		memcpy(grown, old, n * size);
	memcpy(items, &grown, sizeof grown);
	*cap = new_cap;
}
