/* Migrations in order: which stand for which, what depends on what, where the end is. */
#include "orm/migrate/migration.h"

#include <stdlib.h>

struct building {
	struct arena *arena;
	struct migration *all;
	size_t n;
	const struct names *applied;
	bool *left_out;
	struct error *error;
};

static struct migration *find(const struct building *b, struct str name)
{
	for (size_t i = 0; i < b->n; i++)
		if (str_eq(b->all[i].name, name))
			return &b->all[i];
	return NULL;
}

/* How many of those that it replaces are applied. */
static size_t count_applied(const struct building *b, const struct migration *squashed)
{
	size_t n = 0;
	for (size_t i = 0; i < squashed->replaces.n; i++)
		n += names_have(b->applied, squashed->replaces.items[i]);
	return n;
}

static void leave_out(struct building *b, struct str name)
{
	struct migration *migration = find(b, name);
	if (migration)
		b->left_out[migration - b->all] = true;
}

static void rename_dependency(struct building *b, struct str from, struct str to)
{
	for (size_t i = 0; i < b->n; i++)
		for (size_t k = 0; k < b->all[i].dependencies.n; k++)
			if (str_eq(b->all[i].dependencies.items[k], from) && !str_eq(b->all[i].name, to))
				b->all[i].dependencies.items[k] = to;
}

/* A squashed migration comes in for the others, or stays away for them. */
static void choose(struct building *b, struct migration *squashed)
{
	size_t napplied = count_applied(b, squashed);
	bool is_whole = napplied == 0 || napplied == squashed->replaces.n;
	squashed->is_applied = names_have(b->applied, squashed->name) ||
	                       (napplied > 0 && napplied == squashed->replaces.n);
	if (!is_whole && !squashed->is_applied) {
		b->left_out[squashed - b->all] = true;
		return;
	}
	for (size_t i = 0; i < squashed->replaces.n; i++) {
		leave_out(b, squashed->replaces.items[i]);
		rename_dependency(b, squashed->replaces.items[i], squashed->name);
	}
}

static bool check_dependencies(struct building *b)
{
	for (size_t i = 0; i < b->n; i++) {
		for (size_t k = 0; !b->left_out[i] && k < b->all[i].dependencies.n; k++) {
			struct str name = b->all[i].dependencies.items[k];
			struct migration *found = find(b, name);
			if (found && !b->left_out[found - b->all])
				continue;
			return error_set_nowhere(b->error, ERROR_CONFLICT,
			                         "%.*s depends on %.*s, and there is no such migration file",
			                         STR_ARG(b->all[i].name), STR_ARG(name));
		}
	}
	return true;
}

static bool is_placed(const struct graph *graph, struct str name)
{
	for (size_t i = 0; i < graph->n; i++)
		if (str_eq(graph->items[i]->name, name))
			return true;
	return false;
}

static bool is_ready(const struct graph *graph, const struct migration *migration)
{
	for (size_t i = 0; i < migration->dependencies.n; i++)
		if (!is_placed(graph, migration->dependencies.items[i]))
			return false;
	return true;
}

/* The first by name that can follow; NULL for none. */
static struct migration *next(const struct building *b, const struct graph *graph)
{
	for (size_t i = 0; i < b->n; i++)
		if (!b->left_out[i] && !is_placed(graph, b->all[i].name) && is_ready(graph, &b->all[i]))
			return &b->all[i];
	return NULL;
}

static bool place_all(struct building *b, struct graph *graph)
{
	size_t wanted = 0;
	struct migration *migration;
	for (size_t i = 0; i < b->n; i++)
		wanted += !b->left_out[i];
	while ((migration = next(b, graph)))
		*ARENA_PUSH(b->arena, graph) = migration;
	if (graph->n == wanted)
		return true;
	for (size_t i = 0; i < b->n; i++)
		if (!b->left_out[i] && !is_placed(graph, b->all[i].name))
			return error_set_nowhere(b->error, ERROR_CONFLICT,
			                         "the dependencies of %.*s lead back to itself",
			                         STR_ARG(b->all[i].name));
	BUG("a migration is neither placed nor not");
}

static void find_leaves(struct graph *graph)
{
	for (size_t i = 0; i < graph->n; i++) {
		bool is_leaf = true;
		for (size_t k = 0; k < graph->n; k++)
			is_leaf = is_leaf && !names_have(&graph->items[k]->dependencies, graph->items[i]->name);
		if (is_leaf)
			*ARENA_PUSH(graph->arena, &graph->leaves) = graph->items[i]->name;
	}
}

static int by_name(const void *a, const void *b)
{
	return str_cmp(((const struct migration *)a)->name, ((const struct migration *)b)->name);
}

bool graph_build(struct arena *arena, struct migration *migrations, size_t n,
                 const struct names *applied, struct graph *graph, struct error *error)
{
	struct building b = {arena, migrations, n, applied, ARENA_ARRAY(arena, bool, n + 1), error};
	*graph = (struct graph){.arena = arena};
	if (n > 0)
		qsort(migrations, n, sizeof *migrations, by_name);
	for (size_t i = 0; i < n; i++)
		migrations[i].is_applied = names_have(applied, migrations[i].name);
	for (size_t i = 0; i < n; i++)
		if (migrations[i].replaces.n > 0)
			choose(&b, &migrations[i]);
	if (!check_dependencies(&b) || !place_all(&b, graph))
		return false;
	find_leaves(graph);
	return true;
}

bool graph_find(const struct graph *graph, struct str name, size_t *index, struct error *error)
{
	size_t nfound = 0;
	for (size_t i = 0; i < graph->n; i++) {
		if (str_eq(graph->items[i]->name, name)) {
			*index = i;
			return true;
		}
		if (str_starts(graph->items[i]->name, name)) {
			*index = i;
			nfound++;
		}
	}
	if (nfound == 1)
		return true;
	if (nfound > 1)
		return error_set_nowhere(error, ERROR_DOES_NOT_EXIST,
		                         "more than one migration begins with \"%.*s\"", STR_ARG(name));
	struct str *all = ARENA_ARRAY(graph->arena, struct str, graph->n + 1);
	for (size_t i = 0; i < graph->n; i++)
		all[i] = graph->items[i]->name;
	struct str near = suggest_nearest(name, all, graph->n);
	return error_set_nowhere(error, ERROR_DOES_NOT_EXIST, "there is no migration \"%.*s\"%s%.*s",
	                         STR_ARG(name), near.p ? "; did you mean " : "",
	                         (int)(near.p ? near.n : 0), near.p ? near.p : "");
}

bool graph_depends(const struct graph *graph, size_t index, size_t other)
{
	if (index <= other)
		return index == other;
	/* Each once, however many ways lead to it. */
	bool *is_below = ARENA_ARRAY(graph->arena, bool, index + 1);
	is_below[index] = true;
	for (size_t i = index; i > other; i--) {
		const struct names *dependencies = &graph->items[i]->dependencies;
		size_t nmissing = is_below[i] ? dependencies->n : 0;
		for (size_t k = i; nmissing > 0 && k-- > 0;) {
			bool is_one = names_have(dependencies, graph->items[k]->name);
			is_below[k] = is_below[k] || is_one;
			nmissing -= is_one;
		}
	}
	return is_below[other];
}

bool graph_check_fork(const struct graph *graph, struct error *error)
{
	struct str names = STR("");
	if (graph->leaves.n < 2)
		return true;
	for (size_t i = 0; i < graph->leaves.n; i++)
		names = arena_printf(graph->arena, "%.*s%s%.*s", STR_ARG(names), i > 0 ? ", " : "",
		                     STR_ARG(graph->leaves.items[i]));
	return error_set_nowhere(error, ERROR_CONFLICT,
	                         "the migrations end in several places (%.*s): bring them together with "
	                         "`quern makemigrations --merge`",
	                         STR_ARG(names));
}

bool graph_project(const struct graph *graph, const bool *is_in, struct project *project,
                   struct error *error)
{
	project_init(project, graph->arena);
	for (size_t i = 0; i < graph->n; i++)
		if ((!is_in || is_in[i]) && !migration_apply(graph->items[i], project, error))
			return false;
	return true;
}
