/* Prefetch, level by level: one statement a slot for all its parents, the slots of a level in one flush.
 *
 *   parents' rows -> distinct keys -> "= ANY($n)" -> children's rows -> runs of children by key
 *
 * A slot whose parents hold no key is not asked; its children stay NULL and every run is empty.
 */
#include "orm/fetch/levels.h"

#include "orm/fetch/keys.h"

/* A row below several parents is written under each of them, so a path that goes in circles grows by every
 * turn: people who are all friends, their friends, theirs …  The most rows that may stand below one row, where
 * they are more than all rows that were read. */
#define REPEATED_ROWS 100000

/* One slot to be filled. */
struct job {
	struct fetched *parent;
	const struct prefetch_plan *prefetch;
	struct fetched_slot *slot;
	struct keys keys;
	uint32_t *key_of; /* by parent row */
	struct fetched *children;
};

struct jobs {
	struct job *items;
	size_t n, cap;
};

static void collect_keys(struct arena *arena, struct job *job)
{
	const struct db_rows *rows = &job->parent->rows;

	job->key_of = ARENA_ARRAY(arena, uint32_t, rows->nrows);
	keys_init(&job->keys, arena, rows->nrows);
	for (size_t row = 0; row < rows->nrows; row++)
		job->key_of[row] = keys_add(&job->keys, db_cell(rows, row, job->prefetch->parent_column));
}

/* The slots below one result that have something to ask for. */
static void add_jobs(struct arena *arena, struct fetched *parent, struct jobs *jobs)
{
	const struct plan *plan = parent->plan;

	parent->slots = ARENA_ARRAY(arena, struct fetched_slot, plan->nprefetches);
	for (size_t i = 0; i < plan->nprefetches; i++) {
		struct job job = {
			.parent = parent, .prefetch = &plan->prefetches[i], .slot = &parent->slots[i]};

		if (job.prefetch->plan->is_empty)
			continue;
		collect_keys(arena, &job);
		if (job.keys.n > 0)
			*ARENA_PUSH(arena, jobs) = job;
	}
}

/* The level's statement with the parents' keys in their parameter. */
static struct statement bind_keys(struct arena *arena, const struct job *job)
{
	const struct plan *plan = job->prefetch->plan;
	struct statement statement = plan->statement;
	struct param *params = ARENA_ARRAY(arena, struct param, statement.nparams);

	ASSERT(plan->keys_param < statement.nparams);
	copy_bytes(params, statement.params, statement.nparams * sizeof *params);
	params[plan->keys_param].text = keys_array(&job->keys, arena);
	statement.params = params;
	return statement;
}

/* Children by the number of their key: how many there are, and where their run begins. */
static void count_children(const struct job *job, const uint32_t *key_of_child, uint32_t *first,
                           uint32_t *count)
{
	uint32_t total = 0;

	for (size_t row = 0; row < job->children->rows.nrows; row++) {
		if (key_of_child[row] != KEY_NONE)
			count[key_of_child[row]]++;
	}
	for (size_t key = 0; key < job->keys.n; key++) {
		first[key] = total;
		total += count[key];
	}
}

static void deal_out(struct arena *arena, struct job *job)
{
	size_t nparents = job->parent->rows.nrows, nchildren = job->children->rows.nrows;
	uint32_t *key_of_child = ARENA_ARRAY(arena, uint32_t, nchildren);
	uint32_t *order = ARENA_ARRAY(arena, uint32_t, nchildren);
	uint32_t *first_of_key = ARENA_ARRAY(arena, uint32_t, job->keys.n);
	uint32_t *count_of_key = ARENA_ARRAY(arena, uint32_t, job->keys.n);
	uint32_t *next = ARENA_ARRAY(arena, uint32_t, job->keys.n);
	uint32_t *first = ARENA_ARRAY(arena, uint32_t, nparents);
	uint32_t *count = ARENA_ARRAY(arena, uint32_t, nparents);

	for (size_t row = 0; row < nchildren; row++)
		key_of_child[row] =
			keys_find(&job->keys, db_cell(&job->children->rows, row, job->prefetch->child_column));
	count_children(job, key_of_child, first_of_key, count_of_key);
	copy_bytes(next, first_of_key, job->keys.n * sizeof *next);
	for (size_t row = 0; row < nchildren; row++) {
		if (key_of_child[row] != KEY_NONE)
			order[next[key_of_child[row]]++] = (uint32_t)row;
	}
	for (size_t row = 0; row < nparents; row++) {
		if (job->key_of[row] == KEY_NONE)
			continue;
		first[row] = first_of_key[job->key_of[row]];
		count[row] = count_of_key[job->key_of[row]];
	}
	*job->slot = (struct fetched_slot){job->children, first, count, order};
}

/* Asks one level and deals its rows out. */
static bool run_level(struct db_session *session, struct jobs *jobs, struct error *error)
{
	struct arena *arena = session->arena;
	struct statement *statements = ARENA_ARRAY(arena, struct statement, jobs->n);
	struct db_rows *rows = ARENA_ARRAY(arena, struct db_rows, jobs->n);

	for (size_t i = 0; i < jobs->n; i++)
		statements[i] = bind_keys(arena, &jobs->items[i]);
	if (!db_run_each(session, statements, jobs->n, rows, error))
		return false;
	for (size_t i = 0; i < jobs->n; i++) {
		struct job *job = &jobs->items[i];

		job->children = ARENA_NEW(arena, struct fetched);
		job->children->plan = job->prefetch->plan;
		job->children->rows = rows[i];
		deal_out(arena, job);
	}
	return true;
}

static uint64_t count_read(const struct fetched *fetched)
{
	uint64_t n = fetched->rows.nrows;

	for (size_t i = 0; fetched->slots != NULL && i < fetched->plan->nprefetches; i++)
		if (fetched->slots[i].children != NULL)
			n += count_read(fetched->slots[i].children);
	return n;
}

/* How many rows each row becomes, itself among them; no more than `most` + 1. */
static const uint64_t *count_written(struct arena *arena, const struct fetched *fetched, uint64_t most)
{
	size_t nrows = fetched->rows.nrows;
	uint64_t *written = ARENA_ARRAY(arena, uint64_t, nrows);

	for (size_t row = 0; row < nrows; row++)
		written[row] = 1;
	for (size_t i = 0; fetched->slots != NULL && i < fetched->plan->nprefetches; i++) {
		const struct fetched_slot *slot = &fetched->slots[i];
		const uint64_t *below;

		if (slot->children == NULL)
			continue;
		below = count_written(arena, slot->children, most);
		for (size_t row = 0; row < nrows; row++)
			for (uint32_t j = 0; j < slot->count[row] && written[row] <= most; j++)
				written[row] += below[slot->order[slot->first[row] + j]];
		for (size_t row = 0; row < nrows; row++)
			if (written[row] > most)
				written[row] = most + 1;
	}
	return written;
}

static bool fits(struct arena *arena, const struct fetched *top, struct error *error)
{
	uint64_t read = count_read(top), most = read > REPEATED_ROWS ? read : REPEATED_ROWS;
	const uint64_t *written = count_written(arena, top, most);

	for (size_t row = 0; row < top->rows.nrows; row++)
		if (written[row] > most)
			return error_set_nowhere(error, ERROR_VALUE,
			                         "prefetch_related goes in circles: one row would hold more than %d "
			                         "others, most of them repeated.",
			                         REPEATED_ROWS);
	return true;
}

bool fetch_levels(struct db_session *session, struct fetched *top, struct error *error)
{
	struct jobs level = {0};
	size_t depth = 0;

	add_jobs(session->arena, top, &level);
	while (level.n > 0) {
		struct jobs below = {0};

		if (!run_level(session, &level, error))
			return false;
		for (size_t i = 0; i < level.n; i++)
			add_jobs(session->arena, level.items[i].children, &below);
		level = below;
		depth++;
	}
	return depth < 2 || fits(session->arena, top, error);
}
