/* See era.h.  A worker touches its own eras alone; the slot and the count of holders are what threads share. */
#include "server/era.h"

#include "orm/base/error.h"
#include "orm/fetch/key_lookup.h"
#include "orm/sql/shape.h"
#include "server/metrics.h"
#include "server/single_flight.h"
#include "server/worker.h"

#include <stdlib.h>

#define SWEEP_AFTER_NS 1000000000u

/* ---- eras ---- */

static struct era *era_new(const struct registry *registry, struct arena *arena)
{
	struct era *era = malloc(sizeof *era);

	if (!era)
		BUG("no memory for a reload");
	*era = (struct era){.registry = registry, .arena = arena};
	atomic_init(&era->holders, 1);
	return era;
}

void era_release(struct era *era)
{
	if (atomic_fetch_sub(&era->holders, 1) > 1)
		return;
	if (era->arena)
		arena_free(era->arena);
	free(era);
}

void era_slot_init(struct era_slot *slot, const struct registry *registry)
{
	pthread_mutex_init(&slot->lock, NULL);
	slot->now = era_new(registry, NULL);
}

void era_slot_put(struct era_slot *slot, const struct registry *registry, struct arena *arena)
{
	struct era *era = era_new(registry, arena), *old;

	pthread_mutex_lock(&slot->lock);
	old = slot->now;
	slot->now = era;
	pthread_mutex_unlock(&slot->lock);
	era_release(old);
}

struct era *era_slot_take(struct era_slot *slot)
{
	struct era *era;

	pthread_mutex_lock(&slot->lock);
	era = slot->now;
	atomic_fetch_add(&era->holders, 1);
	pthread_mutex_unlock(&slot->lock);
	return era;
}

void era_slot_end(struct era_slot *slot)
{
	if (!slot->now)
		return;
	era_release(slot->now);
	slot->now = NULL;
	pthread_mutex_destroy(&slot->lock);
}

/* ---- a worker's ---- */

static void worker_era_free(struct worker_era *era)
{
	if (era->lookups)
		key_lookups_free(era->lookups);
	if (era->shapes)
		shapes_free(era->shapes);
	if (era->flights)
		flights_free(era->flights);
	era_release(era->era);
	free(era);
}

static struct worker_era *worker_era_new(struct worker *worker)
{
	struct worker_era *era = calloc(1, sizeof *era);
	size_t kept = worker->setup->settings->shape_cache;

	if (!era)
		return NULL;
	era->era = era_slot_take(worker->setup->eras);
	era->lookups = key_lookups_new(worker->loop, worker->dbs[0], era->era->registry);
	era->flights = flights_new();
	if (kept > 0)
		era->shapes = shapes_new(kept);
	if (era->lookups && era->flights && (era->shapes || kept == 0))
		return era;
	worker_era_free(era);
	return NULL;
}

static void use(struct worker_eras *eras, struct worker_era *era)
{
	era->older = eras->now;
	eras->now = era;
}

static bool has_same_models(const struct registry *a, const struct registry *b)
{
	if (a->nmodels != b->nmodels)
		return false;
	for (size_t i = 0; i < a->nmodels; i++)
		if (!str_eq(a->models[i]->name, b->models[i]->name))
			return false;
	return true;
}

/* An old era without requests: freed when the timer fires. */
static void let_rest(struct worker_eras *eras, struct worker_era *era)
{
	struct loop *loop = eras->worker->loop;

	era->idle_at = loop_now(loop);
	if (!eras->sweep.heap_index)
		loop_timer_set(loop, &eras->sweep, SWEEP_AFTER_NS);
}

static void sweep(struct loop_timer *timer)
{
	struct worker_eras *eras =
		(struct worker_eras *)((char *)timer - offsetof(struct worker_eras, sweep));
	uint64_t now = loop_now(eras->worker->loop);
	bool is_one_left = false;

	for (struct worker_era **at = &eras->now->older; *at;) {
		struct worker_era *era = *at;
		bool is_rested = era->nrequests == 0 && now - era->idle_at >= SWEEP_AFTER_NS / 2;

		if (is_rested) {
			*at = era->older;
			worker_era_free(era);
		} else {
			is_one_left = is_one_left || era->nrequests == 0;
			at = &era->older;
		}
	}
	if (is_one_left)
		loop_timer_set(eras->worker->loop, &eras->sweep, SWEEP_AFTER_NS);
}

bool worker_eras_begin(struct worker_eras *eras, struct worker *worker)
{
	*eras = (struct worker_eras){.worker = worker, .sweep.fire = sweep};
	struct worker_era *era = worker_era_new(worker);

	if (era)
		use(eras, era);
	return era != NULL;
}

static bool is_newest(struct worker_eras *eras)
{
	struct era *newest = era_slot_take(eras->worker->setup->eras);
	bool is_it = newest == eras->now->era;

	era_release(newest);
	return is_it;
}

void worker_eras_renew(struct worker_eras *eras)
{
	struct worker_era *old = eras->now, *era;

	if (is_newest(eras))
		return;
	era = worker_era_new(eras->worker);
	if (!era) {
		log_message(LOG_ERROR, "no memory for new models: worker %u keeps the old ones",
		            eras->worker->number);
		return;
	}
	if (!has_same_models(old->era->registry, era->era->registry))
		metrics_forget_models(worker_metrics(eras->worker));
	use(eras, era);
	if (old->nrequests == 0)
		let_rest(eras, old);
}

struct worker_era *worker_era_enter(struct worker_eras *eras)
{
	eras->now->nrequests++;
	return eras->now;
}

void worker_era_leave(struct worker_eras *eras, struct worker_era *era)
{
	ASSERT(era->nrequests > 0);
	if (--era->nrequests == 0 && era != eras->now)
		let_rest(eras, era);
}

void worker_eras_end(struct worker_eras *eras)
{
	if (eras->sweep.heap_index)
		loop_timer_clear(&eras->sweep);
	while (eras->now) {
		struct worker_era *older = eras->now->older;

		worker_era_free(eras->now);
		eras->now = older;
	}
}
