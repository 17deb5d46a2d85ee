/* Starts as many workers as there are processors, or as the settings say. */
#include "server/server.h"

#include "server/health.h"
#include "server/listen.h"

#include <stdlib.h>
#include <unistd.h>

#define WORKERS_MAX 256

static unsigned worker_count(const struct settings *settings)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (settings->workers)
		return settings->workers < WORKERS_MAX ? settings->workers : WORKERS_MAX;
	return processors < 1 ? 1 : processors < WORKERS_MAX ? (unsigned)processors : WORKERS_MAX;
}

static bool start_workers(struct server *server, const int *fds, struct error *error)
{
	for (unsigned i = 0; i < server->nworkers; i++) {
		server->workers[i] = (struct worker){
			.number = i,
			.setup = &server->setup,
			.listen_fd = fds[i],
		};
		if (worker_start(&server->workers[i], error))
			continue;
		for (unsigned k = i + 1; k < server->nworkers; k++)
			close(fds[k]);
		server->nworkers = i;
		return false;
	}
	return true;
}

bool server_start(struct server *server, const struct registry *registry,
                  const struct settings *settings, bool is_local_only, struct error *error)
{
	int fds[WORKERS_MAX];

	era_slot_init(&server->eras, registry);
	server->setup.eras = &server->eras;
	server->setup.settings = settings;
	server->setup.is_local_only = is_local_only;
	atomic_store(&server->setup.stopping, STOPPING_NOT);
	server->nworkers = worker_count(settings);
	server->port = settings->port;
	if (!listen_open(settings->listen, &server->port, fds, server->nworkers, error))
		return false;
	metrics_set_init(&server->setup.metrics, server->nworkers, registry, settings);
	server->workers = calloc(server->nworkers, sizeof *server->workers);
	if (!server->workers)
		BUG("out of memory for %u workers", server->nworkers);
	if (start_workers(server, fds, error))
		return true;
	server_stop(server, STOPPING_NOW);
	server_join(server);
	server_free(server);
	return false;
}

void server_stop(struct server *server, enum stopping how)
{
	health_set_stopping();
	atomic_store(&server->setup.stopping, (int)how);
	for (unsigned i = 0; i < server->nworkers; i++)
		worker_wake(&server->workers[i]);
}

void server_reload(struct server *server, const struct registry *registry, struct arena *arena)
{
	era_slot_put(&server->eras, registry, arena);
	for (unsigned i = 0; i < server->nworkers; i++)
		worker_wake(&server->workers[i]);
}

void server_join(struct server *server)
{
	for (unsigned i = 0; i < server->nworkers; i++)
		worker_join(&server->workers[i]);
}

void server_free(struct server *server)
{
	for (unsigned i = 0; i < server->nworkers; i++)
		worker_free(&server->workers[i]);
	era_slot_end(&server->eras);
	free(server->workers);
	metrics_set_free(&server->setup.metrics);
	server->workers = NULL;
	server->nworkers = 0;
}
