/* A worker: one thread with its event loop, its HTTP daemon on its own listening socket, and its
 * own connections to each database.  Workers share nothing but the frozen registry and the settings.
 */
#ifndef QUERN_SERVER_WORKER_H
#define QUERN_SERVER_WORKER_H

#include "config/settings.h"
#include "orm/base/loop.h"
#include "orm/db/db.h"
#include "orm/model/model.h"
#include "server/era.h"
#include "server/idempotency.h"
#include "server/metrics.h"

#include <pthread.h>
#include <stdatomic.h>

struct http;

/* What every worker of a server is given; outlives them. */
struct worker_setup {
	struct era_slot *eras;
	const struct settings *settings;
	struct metrics_set metrics; /* of all workers; each writes its own */
	bool is_local_only;   /* answer to local names alone (quern dev on a loopback address) */
	_Atomic int stopping; /* enum stopping; set by the main thread, read after loop_wake() */
};

enum stopping {
	STOPPING_NOT,
	STOPPING_DRAIN, /* no new connections; requests in flight are finished, up to a deadline */
	STOPPING_NOW,
};

struct worker {
	unsigned number;
	const struct worker_setup *setup;
	int listen_fd; /* the daemon's while it serves; -1 once closed */
	pthread_t thread;
	struct loop *loop;
	struct db **dbs;             /* setup->settings->ndatabases */
	struct worker_eras eras;     /* what belongs to the models that are served */
	struct idempotency idempotency;
	struct http *http;
};

/* Starts the thread on a listening socket, which the worker closes.  False when the loop, the
 * daemon or the thread cannot be had; the socket is then closed as well. */
bool worker_start(struct worker *worker, struct error *error);
/* From its own thread: what a scrape is to see of its databases, caches and connections. */
void worker_publish(const struct worker *worker);
/* Its own counters. */
struct metrics *worker_metrics(const struct worker *worker);
/* From any thread: look at setup->stopping and for a newer era. */
void worker_wake(struct worker *worker);
/* Waits for the thread's end; it may still be woken. */
void worker_join(struct worker *worker);
/* After worker_join, when nobody wakes it any more. */
void worker_free(struct worker *worker);

#endif
