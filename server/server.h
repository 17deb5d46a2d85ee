/* A server: its workers, started and stopped together.
 */
#ifndef QUERN_SERVER_SERVER_H
#define QUERN_SERVER_SERVER_H

#include "server/worker.h"

struct server {
	struct worker_setup setup;
	struct era_slot eras;
	struct worker *workers;
	unsigned nworkers;
	unsigned port; /* the one listened on */
};

/* Listens and starts the workers.  Registry and settings must outlive the server.  With the signals
 * that end it blocked in the calling thread: the workers inherit that. */
bool server_start(struct server *server, const struct registry *registry,
                  const struct settings *settings, bool is_local_only, struct error *error);
/* Tells the workers to finish and end: with STOPPING_DRAIN what is in flight, with STOPPING_NOW not
 * even that.  May be called again, to hurry. */
void server_stop(struct server *server, enum stopping how);
/* Requests that begin from now on see these models; takes over the arena. */
void server_reload(struct server *server, const struct registry *registry, struct arena *arena);
/* Waits for the end of all workers; server_stop may still be called meanwhile. */
void server_join(struct server *server);
/* After server_join, when nobody calls server_stop any more. */
void server_free(struct server *server);

#endif
