/* Two sorted lists of facts, and what differs in words: "Vote.created_at: type was date, is now
 * time". */
#include "orm/migrate/state.h"

#include <stdlib.h>

/* The facts of one subject, or of one model, beside each other. */
struct span {
	const struct fact *facts;
	size_t n;
};

struct pair {
	struct span was, is;
};

typedef bool (*same_fn)(const struct fact *a, const struct fact *b);

static bool same_model(const struct fact *a, const struct fact *b)
{
	return str_eq(a->model, b->model);
}

static bool same_subject(const struct fact *a, const struct fact *b)
{
	return same_model(a, b) && str_eq(a->subject, b->subject);
}

static bool same_property(const struct fact *a, const struct fact *b)
{
	return same_subject(a, b) && str_eq(a->property, b->property);
}

static int order_of(const struct fact *a, const struct fact *b)
{
	int order = str_cmp(a->model, b->model);
	if (order == 0)
		order = str_cmp(a->subject, b->subject);
	if (order == 0)
		order = str_cmp(a->property, b->property);
	return order;
}

static struct span take(struct span *from, same_fn same)
{
	struct span taken = {from->facts, 0};
	while (taken.n < from->n && same(&from->facts[0], &from->facts[taken.n]))
		taken.n++;
	from->facts += taken.n;
	from->n -= taken.n;
	return taken;
}

/* The next group of either side, or of both where they are of the same; false at the end. */
static bool next_pair(struct pair *rest, same_fn same, struct pair *pair)
{
	*pair = (struct pair){{0}, {0}};
	if (rest->was.n == 0 && rest->is.n == 0)
		return false;
	bool both = rest->was.n > 0 && rest->is.n > 0 && same(rest->was.facts, rest->is.facts);
	bool was_first =
		rest->is.n == 0 || (rest->was.n > 0 && order_of(rest->was.facts, rest->is.facts) < 0);
	if (both || was_first)
		pair->was = take(&rest->was, same);
	if (both || !was_first)
		pair->is = take(&rest->is, same);
	return true;
}

static void add_line(struct arena *arena, struct state_difference *difference, struct str line)
{
	*ARENA_PUSH(arena, difference) = line;
}

/* "Vote.author" of a field, "Vote: constraint x" of anything else. */
static struct str place_of(struct arena *arena, const struct fact *fact)
{
	if (str_starts(fact->subject, STR("field "))) {
		struct str name = str_sub(fact->subject, 6, fact->subject.n - 6);
		return arena_printf(arena, "%.*s.%.*s", STR_ARG(fact->model), STR_ARG(name));
	}
	return arena_printf(arena, "%.*s: %.*s", STR_ARG(fact->model), STR_ARG(fact->subject));
}

static struct str text_or(struct span span, const char *nothing)
{
	return span.n > 0 ? span.facts[0].text : str_of(nothing);
}

static void compare_subject(struct arena *arena, struct pair rest,
                            struct state_difference *difference)
{
	struct pair pair;
	while (next_pair(&rest, same_property, &pair)) {
		struct str was = text_or(pair.was, "not set"), is = text_or(pair.is, "not set");
		const struct fact *fact = pair.was.n > 0 ? pair.was.facts : pair.is.facts;
		if (str_eq(was, is))
			continue;
		add_line(arena, difference,
		         arena_printf(arena, "%.*s: %.*s was %.*s, is now %.*s",
		                      STR_ARG(place_of(arena, fact)), STR_ARG(fact->property), STR_ARG(was),
		                      STR_ARG(is)));
	}
}

static void compare_model(struct arena *arena, struct pair rest,
                          struct state_difference *difference)
{
	struct pair pair;
	while (next_pair(&rest, same_subject, &pair)) {
		if (pair.was.n > 0 && pair.is.n > 0) {
			compare_subject(arena, pair, difference);
			continue;
		}
		const struct fact *fact = pair.was.n > 0 ? pair.was.facts : pair.is.facts;
		add_line(arena, difference,
		         arena_printf(arena, "%.*s was %s", STR_ARG(place_of(arena, fact)),
		                      pair.was.n > 0 ? "removed" : "added"));
	}
}

static void compare_removed(struct arena *arena, const struct fact *fact,
                            const struct registry *registry, struct state_difference *difference)
{
	const struct model *model = registry_model(registry, fact->model);
	if (model && str_eq(model->name, fact->model) && !model->is_managed)
		return;
	add_line(arena, difference,
	         arena_printf(arena, "%.*s: the model was removed", STR_ARG(fact->model)));
}

static int compare_positions(const void *a, const void *b)
{
	size_t x = (*(const struct model *const *)a)->index,
		   y = (*(const struct model *const *)b)->index;
	return (x > y) - (x < y);
}

void state_compare(struct arena *arena, const struct state *recorded, const struct state *wanted,
                   const struct registry *registry, struct state_difference *difference)
{
	struct pair rest = {{recorded->items, recorded->n}, {wanted->items, wanted->n}}, pair;
	*difference = (struct state_difference){0};
	while (next_pair(&rest, same_model, &pair)) {
		if (pair.was.n > 0 && pair.is.n > 0)
			compare_model(arena, pair, difference);
		else if (pair.was.n > 0)
			compare_removed(arena, pair.was.facts, registry, difference);
		else
			*ARENA_PUSH(arena, &difference->added) = registry_model(registry, pair.is.facts->model);
	}
	if (difference->added.n > 0)
		qsort(difference->added.items, difference->added.n, sizeof *difference->added.items,
		      compare_positions);
}
