/* Counting: a handful of plain stores a request.  See metrics.h. */
#include "server/metrics.h"

#include <stdlib.h>

static const int statuses[] = {
	0,   200, 201, 202, 204, 206, 301, 302, 304, 308, 400, 401, 403, 404, 405, 406, 408, 409,
	410, 411, 412, 413, 414, 415, 417, 421, 422, 426, 428, 429, 431, 499, 500, 501, 502, 503, 504, 505,
};

#define STATUSES (sizeof statuses / sizeof statuses[0])
_Static_assert(STATUSES < METRICS_STATUSES, "one is left for all others");

/* In the table, which is in order; STATUSES for one that is not in it. */
static unsigned status_index(int status)
{
	unsigned low = 0, high = STATUSES;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (statuses[middle] < status)
			low = middle + 1;
		else
			high = middle;
	}
	return low < STATUSES && statuses[low] == status ? low : STATUSES;
}

const char *metrics_status(unsigned i, char text[static 8])
{
	if (i >= STATUSES)
		return "other";
	text[0] = (char)('0' + statuses[i] / 100);
	text[1] = (char)('0' + statuses[i] / 10 % 10);
	text[2] = (char)('0' + statuses[i] % 10);
	text[3] = '\0';
	return statuses[i] ? text : "none";
}

/* ---- memory ---- */

/* Room for models that come with a reload. */
#define MODELS_LEAST 1000

static void *clear_memory(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
		BUG("no memory for metrics");
	return p;
}

void metrics_set_init(struct metrics_set *set, size_t nworkers, const struct registry *registry, const struct settings *settings)
{
	ASSERT(route_count() <= ROUTES_MAX);
	set->n = nworkers;
	set->workers = clear_memory(nworkers, sizeof(struct metrics *));
	for (size_t i = 0; i < nworkers; i++) {
		struct metrics *metrics = clear_memory(1, sizeof *metrics);

		metrics->nmodels = registry->nmodels > MODELS_LEAST ? registry->nmodels : MODELS_LEAST;
		metrics->models = clear_memory(metrics->nmodels, sizeof(counter));
		metrics->db = clear_memory(settings->ndatabases, sizeof *metrics->db);
		set->workers[i] = metrics;
	}
}

void metrics_forget_models(struct metrics *metrics)
{
	for (size_t i = 0; i < metrics->nmodels; i++)
		metrics_set_value(&metrics->models[i], 0);
}

void metrics_set_free(struct metrics_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		free(set->workers[i]->models);
		free(set->workers[i]->db);
		free(set->workers[i]);
	}
	free(set->workers);
	*set = (struct metrics_set){0};
}

/* ---- counting ---- */

/* Nobody else writes it: a load and a store, no locked instruction. */
static void add(counter *c, uint64_t n)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}

#define LEAST_OCTAVE 13
#define LAST_TIME (METRICS_TIMES - 1)

unsigned metrics_bucket(uint64_t ns)
{
	unsigned octave, bucket;

	if (ns <= (uint64_t)1 << LEAST_OCTAVE)
		return 0;
	ns--;
	octave = 63 - (unsigned)__builtin_clzll(ns);
	bucket = 1 + (octave - LEAST_OCTAVE) * 4 + (unsigned)(ns >> (octave - 2) & 3);
	return bucket < LAST_TIME ? bucket : LAST_TIME;
}

uint64_t metrics_bound(unsigned bucket)
{
	unsigned octave = LEAST_OCTAVE + (bucket - 1) / 4;

	if (bucket == 0)
		return (uint64_t)1 << LEAST_OCTAVE;
	return ((uint64_t)1 << (octave - 2)) * (5 + (bucket - 1) % 4);
}

static unsigned statements_bucket(unsigned n)
{
	return n <= 5 ? n : n <= 10 ? 6 : n <= 20 ? 7 : n <= 50 ? 8 : n <= 100 ? 9 : 10;
}

void metrics_note(struct metrics *metrics, const struct metrics_event *event)
{
	const struct request *request = event->request;
	struct metrics_times *times = &metrics->times[route_class(request)];
	unsigned statements = request->db.usage.statements;

	add(&metrics->requests[request->route][request->method][status_index(event->status)], 1);
	add(&times->buckets[metrics_bucket(event->ns)], 1);
	add(&times->ns, event->ns);
	add(&metrics->statements[statements_bucket(statements)], 1);
	add(&metrics->statements_sum, statements);
	add(&metrics->bytes_in, event->bytes_in);
	add(&metrics->bytes_out, event->bytes_out);
	if (request->model && request->model->index < metrics->nmodels)
		add(&metrics->models[request->model->index], 1);
	if (event->is_streamed)
		add(&metrics->streams, 1);
	if (event->is_gone)
		add(&metrics->gone, 1);
}
