/* Idempotency-Key: a write that a client may send again without its being done again.
 */
#ifndef QUERN_SERVER_IDEMPOTENCY_H
#define QUERN_SERVER_IDEMPOTENCY_H

#include "orm/write/replay.h"
#include "server/request.h"

/* What a worker knows of keys; zero at the start. */
struct idempotency {
	bool has_table;  /* seen once */
	bool is_purging;
	uint64_t purge_at; /* loop_clock() */
};

/* Waits.  Judges the key and whether the database can keep replies. */
bool idempotency_is_possible(struct request *request);
/* Waits.  With REPLAY_FOUND the reply is filled; a key of another request is ERROR_VALIDATION. */
bool idempotency_claim(struct request *request, enum replay_claim *claim);
/* Waits.  Keeps the reply as it stands. */
bool idempotency_keep(struct request *request);
/* Starts a task that takes expired keys away, where it is time to. */
void idempotency_sweep(struct request *request);

#endif
