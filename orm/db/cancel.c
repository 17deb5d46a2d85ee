/* Cancelling what runs on a connection, without blocking the loop and without hitting another.
 *
 * PQcancel() opens a connection of its own and blocks for as long as the server's postmaster
 * does, so the helper thread does it.  From the moment the thread is asked until it has answered,
 * everything outstanding has been read and an empty round trip came back, the connection takes
 * nothing new (enum conn_cancel).
 */
#include "orm/db/engine.h"

#include <stdlib.h>

struct cancel_job {
	struct helper_job job;
	PGcancel *request;
	struct conn *conn; /* the loop's to look at */
	unsigned generation;
};

static void send_request(struct helper_job *job)
{
	char reason[256];
	/* Whether it was successful does not matter: what is outstanding is read in any case. */
	PQcancel(CONTAINER_OF(job, struct cancel_job, job)->request, reason, sizeof reason);
}

static void request_sent(struct helper_job *job)
{
	struct cancel_job *cancel = CONTAINER_OF(job, struct cancel_job, job);
	struct conn *conn = cancel->conn;
	if (conn->generation != cancel->generation || conn->cancel != CANCEL_ASKED)
		return;
	conn->cancel = CANCEL_SETTLED;
	if (conn->ncommands == 0 && conn->state == CONN_READY)
		pool_idle(conn);
}

static void dispose(struct helper_job *job)
{
	struct cancel_job *cancel = CONTAINER_OF(job, struct cancel_job, job);
	PQfreeCancel(cancel->request);
	free(cancel);
}

static bool ask(struct conn *conn)
{
	struct cancel_job *cancel = calloc(1, sizeof *cancel);
	if (cancel == NULL)
		BUG("no memory");
	*cancel =
		(struct cancel_job){.job = {.work = send_request, .done = request_sent, .dispose = dispose},
	                        .request = PQgetCancel(conn->pg),
	                        .conn = conn,
	                        .generation = conn->generation};
	if (cancel->request != NULL)
		return helper_do(&conn->db->canceller, conn->db->loop, &cancel->job);
	free(cancel);
	return false;
}

void cancel_start(struct conn *conn)
{
	ASSERT(conn->state == CONN_READY);
	conn->cancel_at = loop_clock();
	if (conn->cancel == CANCEL_NONE)
		conn->cancel_since = conn->cancel_at;
	/* With nobody to ask, the pool closes the connection in time, which ends the query too. */
	conn->cancel = CANCEL_ASKED;
	if (ask(conn))
		conn->db->stats.cancels++;
}

void cancel_step(struct conn *conn)
{
	ASSERT(conn->ncommands == 0);
	switch (conn->cancel) {
	case CANCEL_NONE:
	case CANCEL_ASKED:
		return;
	case CANCEL_SETTLED:
		conn->cancel = CANCEL_PROBED;
		flight_begin(conn)->is_quiet = true;
		flight_end(conn);
		return;
	case CANCEL_PROBED:
		conn->cancel = CANCEL_NONE;
		return;
	}
}
