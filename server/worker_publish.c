/* What the parts of a worker count by themselves, copied to where any worker's scrape may read it. */
#include "orm/sql/shape.h"
#include "server/http.h"
#include "server/single_flight.h"
#include "server/worker.h"

struct metrics *worker_metrics(const struct worker *worker)
{
	return worker->setup->metrics.workers[worker->number];
}

static void publish_db(const struct db *db, counter values[static METRICS_DB_VALUES])
{
	struct db_stats stats;

	db_stats(db, &stats);
	const uint64_t now[METRICS_DB_VALUES] = {
		[DB_VALUE_CONNECTIONS] = stats.connections, [DB_VALUE_BUSY] = stats.busy,
		[DB_VALUE_LEASED] = stats.leased,           [DB_VALUE_WAITING] = stats.waiting,
		[DB_VALUE_STATEMENTS] = stats.statements,   [DB_VALUE_CONNECTS] = stats.connects,
		[DB_VALUE_LOSSES] = stats.losses,           [DB_VALUE_HEALED] = stats.healed,
		[DB_VALUE_CANCELS] = stats.cancels,         [DB_VALUE_GATHERED] = stats.gathered,
		[DB_VALUE_UNDONE] = stats.undone,
	};

	for (size_t i = 0; i < METRICS_DB_VALUES; i++)
		metrics_set_value(&values[i], now[i]);
}

static void publish_batches(const struct key_lookups *lookups, struct metrics *metrics)
{
	struct key_lookups_stats stats;

	key_lookups_stats(lookups, &stats);
	for (size_t i = 0; i < KEY_LOOKUPS_SIZES; i++)
		metrics_set_value(&metrics->batch_sizes[i], stats.sizes[i]);
	metrics_set_value(&metrics->batch_lookups, stats.lookups);
}

static void publish_caches(const struct worker *worker, struct metrics *metrics)
{
	struct shapes_stats shapes = {0};
	struct flights_stats flights;

	if (worker->eras.now->shapes)
		shapes_stats(worker->eras.now->shapes, &shapes);
	flights_stats(worker->eras.now->flights, &flights);
	metrics_set_value(&metrics->values[VALUE_SHAPES_BOUND], shapes.bound);
	metrics_set_value(&metrics->values[VALUE_SHAPES_PLANNED], shapes.planned);
	metrics_set_value(&metrics->values[VALUE_SHAPES_KEPT], shapes.kept);
	metrics_set_value(&metrics->values[VALUE_SHARED], flights.shared);
}

void worker_publish(const struct worker *worker)
{
	struct metrics *metrics = worker_metrics(worker);
	struct http_stats http;

	http_stats(worker->http, &http);
	metrics_set_value(&metrics->values[VALUE_CLIENTS], http.clients);
	metrics_set_value(&metrics->values[VALUE_RUNNING], http.running);
	metrics_set_value(&metrics->values[VALUE_PARKED], http.parked);
	publish_caches(worker, metrics);
	publish_batches(worker->eras.now->lookups, metrics);
	for (size_t i = 0; i < worker->setup->settings->ndatabases; i++)
		publish_db(worker->dbs[i], metrics->db[i]);
}
