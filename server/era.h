/* Models while they are served: a reload begins a new era, and requests that began in the old one end in it.
 *
 * An era is a frozen registry with the memory it lives in, held by those who use it and freed by the last.
 * The workers take the newest one when they are woken; all that belongs to a registry (plans, batches of
 * lookups, shared answers) belongs to a worker's era and is made anew with it.
 */
#ifndef QUERN_SERVER_ERA_H
#define QUERN_SERVER_ERA_H

#include "orm/base/loop.h"
#include "orm/model/model.h"

#include <pthread.h>
#include <stdatomic.h>

struct era {
	const struct registry *registry;
	struct arena *arena; /* NULL: the registry is somebody else's */
	atomic_uint holders;
};

/* Where the workers find the newest era. */
struct era_slot {
	pthread_mutex_t lock;
	struct era *now;
};

void era_slot_init(struct era_slot *slot, const struct registry *registry);
/* Takes over arena and registry. */
void era_slot_put(struct era_slot *slot, const struct registry *registry, struct arena *arena);
/* Held for the caller. */
struct era *era_slot_take(struct era_slot *slot);
void era_release(struct era *era);
void era_slot_end(struct era_slot *slot);

struct worker;

/* A worker's part of an era. */
struct worker_era {
	struct era *era;
	struct key_lookups *lookups; /* of the first database */
	struct shapes *shapes;       /* NULL: none are kept */
	struct flights *flights;
	size_t nrequests;            /* that have begun in it and not ended */
	uint64_t idle_at;            /* of an old one: loop_now() when the last of them ended */
	struct worker_era *older;
};

struct worker_eras {
	struct worker *worker;
	struct worker_era *now; /* the newest first */
	/* Fires a while after the last request of an old era: a lookup's task may outlive those it served by a
	 * moment. */
	struct loop_timer sweep;
};

/* False without memory. */
bool worker_eras_begin(struct worker_eras *eras, struct worker *worker);
/* Takes the newest era, if there is a newer one. */
void worker_eras_renew(struct worker_eras *eras);
/* A request begins in the newest era, and ends. */
struct worker_era *worker_era_enter(struct worker_eras *eras);
void worker_era_leave(struct worker_eras *eras, struct worker_era *era);
/* No request runs. */
void worker_eras_end(struct worker_eras *eras);

#endif
