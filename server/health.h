/* Addresses that are not a model's: probes and the index.
 */
#ifndef QUERN_SERVER_HEALTH_H
#define QUERN_SERVER_HEALTH_H

#include "server/request.h"

/* 200 as long as the worker turns. */
bool health_live(struct request *request);
/* 200 when requests can be answered: a database connection is up and the server is not stopping;
 * 503 otherwise.  Asks nobody, so that it answers while everything else is slow. */
bool health_ready(struct request *request);
/* The models and their addresses. */
bool index_reply(struct request *request);

/* For the main thread: from now on not ready. */
void health_set_stopping(void);

#endif
