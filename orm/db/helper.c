/* A thread for calls that block: asking for a cancel, resolving a host's name.
 *
 * Does one job after another and hands each back to the loop.  Knows nothing of what they do.
 * Invariant: a job belongs to the loop, then to the thread, then to the loop again; its dispose()
 * is called exactly once, by whoever has it last.
 */
#include "orm/db/engine.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MAX_JOBS 64

struct helper {
	struct loop_watch watch; /* the loop's alone */
	pthread_t thread;
	/* The rest is shared with the thread, under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t has_work;
	int done_fd;
	struct helper_job *todo, *done;
	unsigned njobs;
	bool is_busy;
	bool is_stopping;
	bool is_abandoned; /* the thread frees it */
};

static void dispose_all(struct helper_job *job)
{
	while (job != NULL) {
		struct helper_job *next = job->next;
		job->dispose(job);
		job = next;
	}
}

static void destroy(struct helper *helper)
{
	dispose_all(helper->todo);
	dispose_all(helper->done);
	close(helper->done_fd);
	pthread_mutex_destroy(&helper->lock);
	pthread_cond_destroy(&helper->has_work);
	free(helper);
}

static struct helper_job *take_job(struct helper *helper)
{
	while (helper->todo == NULL && !helper->is_stopping)
		pthread_cond_wait(&helper->has_work, &helper->lock);
	if (helper->is_stopping)
		return NULL;
	struct helper_job *job = helper->todo;
	helper->todo = job->next;
	helper->is_busy = true;
	return job;
}

static void give_back(struct helper *helper, struct helper_job *job)
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
	struct helper_job *job;
	pthread_mutex_lock(&helper->lock);
	while ((job = take_job(helper)) != NULL) {
		pthread_mutex_unlock(&helper->lock);
		job->work(job);
		pthread_mutex_lock(&helper->lock);
		give_back(helper, job);
	}
	bool is_mine = helper->is_abandoned;
	pthread_mutex_unlock(&helper->lock);
	if (is_mine)
		destroy(helper);
	return NULL;
}

static void jobs_done(struct loop_watch *watch, uint32_t events)
{
	struct helper *helper = CONTAINER_OF(watch, struct helper, watch);
	uint64_t count;
	(void)events;
	pthread_mutex_lock(&helper->lock);
	ssize_t got = read(helper->done_fd, &count, sizeof count);
	(void)got;
	struct helper_job *done = helper->done;
	helper->done = NULL;
	for (struct helper_job *job = done; job != NULL; job = job->next)
		helper->njobs--;
	pthread_mutex_unlock(&helper->lock);
	for (struct helper_job *job = done; job != NULL; job = job->next)
		job->done(job);
	dispose_all(done);
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
	destroy(helper);
	return NULL;
}

bool helper_do(struct helper **helper, struct loop *loop, struct helper_job *job)
{
	if (*helper == NULL)
		*helper = helper_new(loop);
	struct helper *it = *helper;
	bool has_room = false;
	if (it != NULL) {
		pthread_mutex_lock(&it->lock);
		has_room = it->njobs < MAX_JOBS;
		struct helper_job **end = &it->todo;
		while (has_room && *end != NULL)
			end = &(*end)->next;
		if (has_room) {
			job->next = NULL;
			*end = job;
			it->njobs++;
			pthread_cond_signal(&it->has_work);
		}
		pthread_mutex_unlock(&it->lock);
	}
	if (!has_room)
		job->dispose(job);
	return has_room;
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
