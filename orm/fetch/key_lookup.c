/* Natural batching of lookups by primary key.  See key_lookup.h. */
#include "orm/fetch/key_lookup.h"

#include "orm/base/task.h"
#include "orm/fetch/keys.h"

#include <stdlib.h>

/* One statement under way; on the stack of the task that sends it. */
struct batch {
	struct db_session session;
	size_t interested; /* waiters whose client is still there; when the last has gone, it is cancelled */
};

/* One who asks, on the stack of its task. */
struct waiter {
	struct task *task;
	struct waiter *next;
	struct batch *batch; /* NULL: still queued */
	struct str key;
	uint32_t number; /* of the key in its statement */
	size_t most;     /* lookups in that statement */
	bool is_done, has_failed;
	bool is_gone; /* its client; it waits on all the same, since others may have joined it */
	const struct fetched *fetched;
	size_t row;
	const struct error *error;
	struct db_usage usage;
};

/* One model: its statement, who waits, what is under way. */
struct shape {
	struct key_lookups *lookups;
	const struct plan *plan; /* made at the first lookup */
	unsigned key_column;
	struct waiter *first, **end;
	size_t waiting;
	size_t most;      /* lookups in a statement */
	bool is_doubtful; /* the column's own collation may take several texts for one key */
	unsigned in_flight;
	struct loop_work work;
};

struct key_lookups {
	struct loop *loop;
	struct db *db;
	struct arena *arena; /* the plans */
	struct shape *shapes; /* by model->index */
	/* Arenas of statements that are answered, for the next ones. */
	struct arena *idle[KEY_LOOKUPS_IN_FLIGHT];
	size_t nidle;
	struct key_lookups_stats stats;
};

struct key_lookups *key_lookups_new(struct loop *loop, struct db *db, const struct registry *registry)
{
	struct key_lookups *lookups = calloc(1, sizeof *lookups);

	if (lookups == NULL)
		return NULL;
	lookups->loop = loop;
	lookups->db = db;
	lookups->arena = arena_new();
	lookups->shapes = ARENA_ARRAY(lookups->arena, struct shape, registry->nmodels);
	for (size_t i = 0; i < registry->nmodels; i++) {
		lookups->shapes[i].lookups = lookups;
		lookups->shapes[i].end = &lookups->shapes[i].first;
		lookups->shapes[i].most = KEY_LOOKUPS_TOGETHER;
	}
	return lookups;
}

void key_lookups_free(struct key_lookups *lookups)
{
	for (size_t i = 0; i < lookups->nidle; i++)
		arena_free(lookups->idle[i]);
	arena_free(lookups->arena);
	free(lookups);
}

void key_lookups_stats(const struct key_lookups *lookups, struct key_lookups_stats *stats)
{
	*stats = lookups->stats;
}

static void note_size(struct key_lookups_stats *stats, size_t n)
{
	unsigned i = 0;

	while (((size_t)1 << i) < n && i < KEY_LOOKUPS_SIZES - 1)
		i++;
	stats->sizes[i]++;
	stats->statements++;
	stats->lookups += n;
}

bool key_lookup_fits(const struct model *model)
{
	if (model->pk == NULL || model->pk->db_collation.p != NULL)
		return false;
	enum type_kind kind = model->pk->value_field->type->kind;

	return kind == TYPE_INTEGER || kind == TYPE_UUID || kind == TYPE_TEXT;
}

static struct arena *take_arena(struct key_lookups *lookups)
{
	return lookups->nidle > 0 ? lookups->idle[--lookups->nidle] : arena_new();
}

static void give_arena(struct key_lookups *lookups, struct arena *arena)
{
	if (lookups->nidle == KEY_LOOKUPS_IN_FLIGHT) {
		arena_free(arena);
		return;
	}
	arena_reset(arena);
	lookups->idle[lookups->nidle++] = arena;
}

static struct waiter *take_waiters(struct shape *shape, struct keys *keys, struct batch *batch)
{
	struct waiter *first = shape->first, *last = NULL;
	size_t n = 0, most = KEY_LOOKUPS_TOGETHER;

	for (struct waiter *w = first; w != NULL; w = w->next, n++) {
		most = w->most < most ? w->most : most;
		if (n >= most)
			break;
		w->number = keys_add(keys, w->key);
		w->batch = batch;
		batch->interested += w->is_gone ? 0 : 1;
		last = w;
	}
	shape->waiting -= n;
	note_size(&shape->lookups->stats, n);
	shape->first = last->next;
	if (shape->first == NULL)
		shape->end = &shape->first;
	last->next = NULL;
	return first;
}

/* Whether it may be one row's, which cannot be computed or read, and not the whole statement's. */
static bool may_be_of_one_row(const struct error *error)
{
	return error->kind == ERROR_VALUE || error->kind == ERROR_INTEGRITY || error->kind == ERROR_INTERNAL;
}

static void charge(struct waiter *waiter, const struct db_usage *usage)
{
	waiter->usage.statements += usage->statements;
	waiter->usage.wait_ns += usage->wait_ns;
	waiter->usage.run_ns += usage->run_ns;
}

/* Asked again, half of them at a time: so the one at fault is found, and the others have their rows.  Where lookups
 * of the model do not go together, each by itself. */
static void put_back(struct shape *shape, struct waiter *waiters, const struct batch *batch)
{
	struct waiter *last = waiters;
	size_t n = 0;

	for (struct waiter *w = waiters; w != NULL; w = w->next, n++)
		last = w;
	for (struct waiter *w = waiters; w != NULL; w = w->next) {
		w->most = shape->most < n ? shape->most : (n + 1) / 2;
		w->batch = NULL;
		charge(w, &batch->session.usage);
	}
	last->next = shape->first;
	if (shape->first == NULL)
		shape->end = &last->next;
	shape->first = waiters;
	shape->waiting += n;
}

static struct statement bind(const struct shape *shape, const struct keys *keys, struct arena *arena)
{
	struct statement statement = shape->plan->statement;
	struct param *params = ARENA_ARRAY(arena, struct param, statement.nparams);

	copy_bytes(params, statement.params, statement.nparams * sizeof *params);
	params[shape->plan->keys_param].text = keys_array(keys, arena);
	statement.params = params;
	return statement;
}

/* Gives each its row.  False where that cannot be told: a row is nobody's by the text of its key, since the column is of
 * a type that prints another than the one it was found by (char(n)), or may be somebody's who has none. */
static bool deal_out(struct shape *shape, struct waiter *waiters, const struct keys *keys,
                     const struct fetched *fetched, struct arena *arena)
{
	uint32_t *rows = ARENA_ARRAY(arena, uint32_t, keys->n); /* row + 1 by the key's number */

	for (size_t row = 0; row < fetched->rows.nrows; row++) {
		struct str text = db_cell(&fetched->rows, row, shape->key_column);
		uint32_t number = keys->n == 1 ? 0 : keys_find(keys, text);

		if (number == KEY_NONE) {
			shape->most = 1;
			return false;
		}
		rows[number] = (uint32_t)row + 1;
	}
	for (size_t i = 0; i < keys->n; i++)
		if (rows[i] == 0 && shape->is_doubtful && keys->n > 1)
			return false;
	for (struct waiter *w = waiters; w != NULL; w = w->next) {
		if (rows[w->number] == 0)
			continue;
		w->fetched = fetched;
		w->row = rows[w->number] - 1;
	}
	return true;
}

/* A resumed task uses its row before it next waits. */
static void answer(struct waiter *waiters, const struct batch *batch, const struct error *error)
{
	for (struct waiter *w = waiters, *next; w != NULL; w = next) {
		next = w->next;
		w->is_done = true;
		w->has_failed = error_is_set(error);
		w->error = error;
		charge(w, &batch->session.usage);
		task_resume(w->task);
	}
}

static void run(void *arg)
{
	struct shape *shape = arg;
	struct arena *arena = take_arena(shape->lookups);
	struct batch batch = {.interested = 0};
	struct fetched fetched = {.plan = shape->plan};
	struct error error;
	struct keys keys;

	keys_init(&keys, arena, shape->waiting < KEY_LOOKUPS_TOGETHER ? shape->waiting : KEY_LOOKUPS_TOGETHER);
	db_session_init(&batch.session, shape->lookups->db, arena);
	struct waiter *waiters = take_waiters(shape, &keys, &batch);
	struct statement statement = bind(shape, &keys, arena);

	error_init(&error, arena);
	if (batch.interested == 0)
		db_session_cancel(&batch.session);
	bool is_answered = db_query(&batch.session, &statement, true, &fetched.rows, &error)
	                       ? deal_out(shape, waiters, &keys, &fetched, arena)
	                       : keys.n == 1 || !may_be_of_one_row(&error);

	if (!is_answered) {
		put_back(shape, waiters, &batch);
		waiters = NULL;
	}
	/* Room for the next before these are answered: answering takes the longest. */
	shape->in_flight--;
	if (shape->first != NULL)
		loop_defer(shape->lookups->loop, &shape->work);
	answer(waiters, &batch, &error);
	give_arena(shape->lookups, arena);
}

static void send(struct loop_work *work)
{
	struct shape *shape = (struct shape *)((char *)work - offsetof(struct shape, work));

	while (shape->first != NULL && shape->in_flight < KEY_LOOKUPS_IN_FLIGHT) {
		shape->in_flight++;
		task_start(run, shape);
	}
}

static bool make_plan(struct shape *shape, const struct model *model, struct error *error)
{
	if (shape->plan != NULL)
		return true;
	shape->work.run = send;
	shape->is_doubtful = !model->is_managed && model->pk->value_field->type->kind == TYPE_TEXT;
	return plan_by_keys(shape->lookups->arena, model, &shape->plan, &shape->key_column, error);
}

static bool take_error(const struct waiter *waiter, struct error *error)
{
	const struct error *from = waiter->error;

	error_set_nowhere(error, from->kind, "%.*s", STR_ARG(from->detail));
	error->retry_after = from->retry_after;
	return false;
}

/* The client is gone. */
static void leave(void *arg)
{
	struct waiter *waiter = arg;

	if (waiter->is_gone || waiter->is_done)
		return;
	waiter->is_gone = true;
	if (waiter->batch != NULL && --waiter->batch->interested == 0)
		db_session_cancel(&waiter->batch->session);
}

bool key_lookup(struct key_lookups *lookups, struct db_session *session, const struct model *model,
                const struct value *key, const struct fetched **fetched, size_t *row,
                struct error *error)
{
	struct shape *shape = &lookups->shapes[model->index];
	struct waiter waiter = {.task = task_self(), .most = shape->most, .is_gone = session->is_cancelled};

	if (!make_plan(shape, model, error) ||
	    !field_parse(model->pk, key, session->arena, &waiter.key, error))
		return false;
	*shape->end = &waiter;
	shape->end = &waiter.next;
	shape->waiting++;
	if (shape->in_flight < KEY_LOOKUPS_IN_FLIGHT)
		loop_defer(lookups->loop, &shape->work);
	session->on_cancel = leave;
	session->on_cancel_arg = &waiter;
	while (!waiter.is_done)
		task_suspend();
	session->on_cancel = NULL;
	session->usage.statements += waiter.usage.statements;
	session->usage.wait_ns += waiter.usage.wait_ns;
	session->usage.run_ns += waiter.usage.run_ns;
	if (waiter.has_failed)
		return take_error(&waiter, error);
	*fetched = waiter.fetched;
	*row = waiter.row;
	return true;
}
