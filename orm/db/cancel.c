/* Cancelling what runs on a connection, without blocking the loop and without hitting another.
 *
 * PQcancel() opens a connection of its own and blocks for as long as the server's postmaster
 * does, so a thread of its own does it, one request after another.  From the moment the thread
 * is asked until it has answered, everything outstanding has been read and an empty round trip
 * came back, the connection takes nothing new (enum conn_cancel).
 */
#include "orm/db/engine.h"

#include "orm/base/log.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MAX_JOBS 64

struct job {
	struct job *next;
	PGcancel *request;
	struct conn *conn;
	unsigned generation;
};

/* Shared with the thread, under the lock; whoever is last frees it. */
struct helper {
	struct loop_watch watch; /* the loop's alone */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t has_work;
	int done_fd;
	struct job *todo, *done;
	unsigned njobs;
	bool is_busy;
	bool is_stopping;
	bool is_abandoned; /* the thread frees it */
};

static void free_jobs(struct job *job)
{
	while (job != NULL) {
		struct job *next = job->next;
		PQfreeCancel(job->request);
		free(job);
		job = next;
	}
}

static void destroy(struct helper *helper)
{
	free_jobs(helper->todo);
	free_jobs(helper->done);
	close(helper->done_fd);
	pthread_mutex_destroy(&helper->lock);
	pthread_cond_destroy(&helper->has_work);
	free(helper);
}

static struct job *take_job(struct helper *helper)
{
	while (helper->todo == NULL && !helper->is_stopping)
		pthread_cond_wait(&helper->has_work, &helper->lock);
	if (helper->is_stopping)
		return NULL;
	struct job *job = helper->todo;
	helper->todo = job->next;
	helper->is_busy = true;
	return job;
}

static void give_back(struct helper *helper, struct job *job)
{
	uint64_t one = 1;
	helper->is_busy = false;
	job->next = helper->done;
	helper->done = job;
	ssize_t written = write(helper->done_fd, &one, sizeof one);
	(void)written;
}

static void *work(void *arg)
{
	struct helper *helper = arg;
	char reason[256];
	struct job *job;
	pthread_mutex_lock(&helper->lock);
	while ((job = take_job(helper)) != NULL) {
		pthread_mutex_unlock(&helper->lock);
		PQcancel(job->request, reason, sizeof reason);
		pthread_mutex_lock(&helper->lock);
		give_back(helper, job);
	}
	bool is_mine = helper->is_abandoned;
	pthread_mutex_unlock(&helper->lock);
	if (is_mine)
		destroy(helper);
	return NULL;
}

static void finish(struct job *job)
{
	struct conn *conn = job->conn;
	if (conn->generation != job->generation || conn->cancel != CANCEL_ASKED)
		return;
	conn->cancel = CANCEL_SETTLED;
	if (conn->ncommands == 0 && conn->state == CONN_READY)
		pool_idle(conn);
}

/* Whether it was successful does not matter: what is outstanding is read in any case. */
static void jobs_done(struct loop_watch *watch, uint32_t events)
{
	struct helper *helper = CONTAINER_OF(watch, struct helper, watch);
	uint64_t count;
	(void)events;
	pthread_mutex_lock(&helper->lock);
	ssize_t got = read(helper->done_fd, &count, sizeof count);
	(void)got;
	struct job *done = helper->done;
	helper->done = NULL;
	for (struct job *job = done; job != NULL; job = job->next)
		helper->njobs--;
	pthread_mutex_unlock(&helper->lock);
	for (struct job *job = done; job != NULL; job = job->next)
		finish(job);
	free_jobs(done);
}

/* Signals are the main thread's. */
static bool start_thread(struct helper *helper)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failed = pthread_create(&helper->thread, NULL, work, helper);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed == 0;
}

static struct helper *helper_new(struct loop *loop)
{
	struct helper *helper = calloc(1, sizeof *helper);
	if (helper == NULL)
		BUG("no memory");
	helper->watch = (struct loop_watch){.ready = jobs_done, .fd = -1};
	helper->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&helper->lock, NULL);
	pthread_cond_init(&helper->has_work, NULL);
	if (helper->done_fd >= 0 && loop_watch_set(loop, &helper->watch, helper->done_fd, EPOLLIN) &&
	    start_thread(helper))
		return helper;
	loop_unwatch(&helper->watch);
	if (helper->done_fd >= 0)
		destroy(helper);
	else
		free(helper);
	return NULL;
}

void helper_free(struct helper *helper)
{
	if (helper == NULL)
		return;
	loop_unwatch(&helper->watch);
	pthread_mutex_lock(&helper->lock);
	helper->is_stopping = true;
	/* A thread that hangs in the network is not waited for. */
	bool is_busy = helper->is_abandoned = helper->is_busy;
	pthread_t thread = helper->thread;
	pthread_cond_signal(&helper->has_work);
	pthread_mutex_unlock(&helper->lock);
	if (is_busy) {
		pthread_detach(thread);
		return;
	}
	pthread_join(thread, NULL);
	destroy(helper);
}

static bool ask(struct helper *helper, struct conn *conn)
{
	struct job *job = calloc(1, sizeof *job);
	if (job == NULL)
		BUG("no memory");
	*job = (struct job){
		.request = PQgetCancel(conn->pg), .conn = conn, .generation = conn->generation};
	if (job->request == NULL) {
		free(job);
		return false;
	}
	pthread_mutex_lock(&helper->lock);
	bool has_room = helper->njobs < MAX_JOBS;
	if (has_room) {
		struct job **end = &helper->todo;
		while (*end != NULL)
			end = &(*end)->next;
		*end = job;
		helper->njobs++;
		pthread_cond_signal(&helper->has_work);
	}
	pthread_mutex_unlock(&helper->lock);
	if (!has_room)
		free_jobs(job);
	return has_room;
}

void cancel_start(struct conn *conn)
{
	struct db *db = conn->db;
	ASSERT(conn->state == CONN_READY);
	if (db->helper == NULL)
		db->helper = helper_new(db->loop);
	/* With nobody to ask, the pool closes the connection in time, which ends the query as well. */
	conn->cancel_at = loop_clock();
	if (conn->cancel == CANCEL_NONE)
		conn->cancel_since = conn->cancel_at;
	conn->cancel = CANCEL_ASKED;
	if (db->helper != NULL && ask(db->helper, conn))
		db->stats.cancels++;
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
