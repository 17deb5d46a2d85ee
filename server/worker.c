/* The thread of a worker: makes what it needs, turns the loop until it is told to stop, takes it
 * down in the one order that is safe: HTTP first (its tasks use the databases), then the databases,
 * then the loop they all hang on.
 */
#include "server/worker.h"

#include "orm/base/task.h"
#include "server/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void free_databases(struct worker *worker)
{
	for (size_t i = 0; worker->dbs && i < worker->setup->settings->ndatabases; i++)
		if (worker->dbs[i])
			db_free(worker->dbs[i]);
	free(worker->dbs);
	worker->dbs = NULL;
}

static bool make_databases(struct worker *worker)
{
	const struct settings *settings = worker->setup->settings;

	worker->dbs = calloc(settings->ndatabases, sizeof *worker->dbs);
	if (!worker->dbs)
		return false;
	for (size_t i = 0; i < settings->ndatabases; i++) {
		struct db_settings db = {
			.conninfo = settings->databases[i].url,
			.pool_size = settings->pool_size,
			.acquire_timeout_ms = settings->acquire_timeout,
			.statement_timeout_ms = settings->statement_timeout,
			.statement_cache = settings->statement_cache,
			.search_path = settings->databases[i].search_path,
			.application_name = "quern",
		};

		worker->dbs[i] = db_new(worker->loop, &db);
		if (!worker->dbs[i])
			return false;
	}
	return worker_eras_begin(&worker->eras, worker);
}

static void on_wake(void *arg)
{
	struct worker *worker = arg;
	int stopping = atomic_load(&worker->setup->stopping);

	if (stopping != STOPPING_NOT)
		http_stop(worker->http, stopping == STOPPING_NOW);
	else
		worker_eras_renew(&worker->eras);
}

static void take_down(struct worker *worker)
{
	if (worker->http)
		http_free(worker->http);
	worker->http = NULL;
	worker_eras_end(&worker->eras);
	free_databases(worker);
}

static void *run(void *arg)
{
	struct worker *worker = arg;

	log_hold();
	loop_run(worker->loop);
	/* What a request still uses is left to the process's end, which is near. */
	if (http_is_idle(worker->http))
		take_down(worker);
	else
		log_message(LOG_WARNING, "a request did not end in time");
	log_release();
	task_thread_end();
	return NULL;
}

bool worker_start(struct worker *worker, struct error *error)
{
	int failed;

	worker->loop = loop_new();
	if (worker->loop && make_databases(worker))
		worker->http = http_new(worker);
	if (!worker->http) {
		close(worker->listen_fd);
		take_down(worker);
		loop_free(worker->loop);
		return error_set_nowhere(error, ERROR_INTERNAL, "A worker could not be started: %s.",
		                         strerror(errno));
	}
	loop_on_wake(worker->loop, on_wake, worker);
	failed = pthread_create(&worker->thread, NULL, run, worker);
	if (failed) {
		take_down(worker);
		loop_free(worker->loop);
		return error_set_nowhere(error, ERROR_INTERNAL, "A thread could not be started: %s.",
		                         strerror(failed));
	}
	return true;
}

void worker_wake(struct worker *worker)
{
	loop_wake(worker->loop);
}

void worker_join(struct worker *worker)
{
	pthread_join(worker->thread, NULL);
}

void worker_free(struct worker *worker)
{
	loop_free(worker->loop);
}
