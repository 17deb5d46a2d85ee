/* What a server counts, and /metrics.
 *
 * Each worker has its own counters and writes them alone, with plain stores; the scrape, in whichever worker it runs,
 * adds them up.  What is counted elsewhere (databases, caches, connections) is copied here twice a second, by
 * worker_publish(), so that a scrape never looks into another worker.
 */
#ifndef QUERN_SERVER_METRICS_H
#define QUERN_SERVER_METRICS_H

#include "orm/fetch/key_lookup.h"
#include "server/request.h"
#include "server/route.h"

#include <stdatomic.h>

typedef _Atomic uint64_t counter;

/* Bounds of request times are 8.2 us and from there four to the doubling, up to 68.7 s; the last bucket is the rest. */
#define METRICS_TIMES 94
/* 0 to 5, 10, 20, 50, 100 statements, and more. */
#define METRICS_STATEMENTS 11
#define METRICS_STATUSES 40
#define METRICS_METHODS (HTTP_OTHER + 1)

struct metrics_times {
	counter buckets[METRICS_TIMES];
	counter ns;
};

/* What worker_publish() copies; a row each in metrics_text.c. */
enum metrics_value {
	VALUE_CLIENTS,
	VALUE_RUNNING,
	VALUE_PARKED,
	VALUE_SHAPES_BOUND,
	VALUE_SHAPES_PLANNED,
	VALUE_SHAPES_KEPT,
	VALUE_SHARED,
	METRICS_VALUES
};

enum metrics_db_value {
	DB_VALUE_CONNECTIONS,
	DB_VALUE_BUSY,
	DB_VALUE_LEASED,
	DB_VALUE_WAITING,
	DB_VALUE_STATEMENTS,
	DB_VALUE_CONNECTS,
	DB_VALUE_LOSSES,
	DB_VALUE_HEALED,
	DB_VALUE_CANCELS,
	DB_VALUE_GATHERED,
	DB_VALUE_UNDONE,
	METRICS_DB_VALUES
};

struct metrics {
	counter requests[ROUTES_MAX][METRICS_METHODS][METRICS_STATUSES];
	struct metrics_times times[ROUTE_CLASSES];
	counter statements[METRICS_STATEMENTS];
	counter statements_sum;
	counter bytes_in, bytes_out, streams, gone;
	counter *models; /* by model->index */
	size_t nmodels;  /* that are counted: those behind them are not */
	counter values[METRICS_VALUES];
	counter (*db)[METRICS_DB_VALUES]; /* by database */
	counter batch_sizes[KEY_LOOKUPS_SIZES];
	counter batch_lookups;
};

/* Of all workers. */
struct metrics_set {
	struct metrics **workers;
	size_t n;
};

/* Ends the process for want of memory. */
void metrics_set_init(struct metrics_set *set, size_t nworkers, const struct registry *registry, const struct settings *settings);
void metrics_set_free(struct metrics_set *set);
/* The models are others from now on.  By the worker that the metrics belong to. */
void metrics_forget_models(struct metrics *metrics);

/* A request that has ended. */
struct metrics_event {
	const struct request *request;
	int status; /* 0: the library refused it */
	uint64_t ns, bytes_in, bytes_out;
	bool is_streamed, is_gone;
};
/* By the worker that the metrics belong to. */
void metrics_note(struct metrics *metrics, const struct metrics_event *event);
static inline void metrics_set_value(counter *value, uint64_t now)
{
	atomic_store_explicit(value, now, memory_order_relaxed);
}

/* The bucket of a time, and the time (in ns, inclusive) up to which bucket i goes: for tests, too. */
unsigned metrics_bucket(uint64_t ns);
uint64_t metrics_bound(unsigned bucket);
/* "200"; "other" behind the last of those that are told apart. */
const char *metrics_status(unsigned i, char text[static 8]);

/* GET /metrics. */
bool metrics_reply(struct request *request);
/* The text itself. */
void metrics_write(const struct metrics_set *set, const struct registry *registry, const struct settings *settings,
                   struct buf *out);

#endif
