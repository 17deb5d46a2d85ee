/* Replies kept under a client's key, so that a request sent twice is done once: the table
 * quern_idempotency, which the migrations make.
 *
 * A key is claimed, and its reply kept, in the very transaction of the write: either both are there or
 * neither.  Whoever claims a key that another transaction has claimed waits for that one's end.
 */
#ifndef QUERN_WRITE_REPLAY_H
#define QUERN_WRITE_REPLAY_H

#include "orm/db/db.h"

struct replay_key {
	struct str identity;    /* whose key it is; "" while all clients are one */
	struct str key;         /* as the client made it */
	struct str fingerprint; /* of all that the request says */
	unsigned ttl;           /* seconds that its reply is kept */
};

/* A reply as it was answered; headers are lines, "Name: value\n". */
struct replay {
	int status;
	struct str content_type, headers, body;
};

enum replay_claim {
	REPLAY_CLAIMED, /* ours: do the write, then replay_keep() */
	REPLAY_FOUND,   /* *replay is what was answered */
	REPLAY_FOREIGN, /* the key belongs to a request that said something else */
};

/* Waits.  Whether the database has the table. */
bool replay_has_table(struct db_session *session, bool *has_table, struct error *error);
/* Waits, also for another transaction that has claimed the key.  In the session's open transaction. */
bool replay_claim(struct db_session *session, const struct replay_key *key,
                  enum replay_claim *claim, struct replay *replay, struct error *error);
/* Waits.  In the transaction that claimed the key. */
bool replay_keep(struct db_session *session, const struct replay_key *key,
                 const struct replay *replay, struct error *error);
/* Waits.  Takes away up to REPLAY_PURGE_ROWS expired keys that nobody is using, in a transaction of its
 * own; *more: there may be others. */
#define REPLAY_PURGE_ROWS 1000
bool replay_purge(struct db_session *session, bool *more, struct error *error);

#endif
