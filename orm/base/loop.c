/* Event loop: epoll, a binary heap of timers, an eventfd to be woken by.
 *
 * A turn goes: ask prepare, wait, read the clock, serve the descriptors, fire the
 * timers that are due, run the work put off.  Invariant: of the events of this turn
 * that are still to be served, each points to a watch that is in the loop; unwatching
 * takes its event away.
 */
#include "orm/base/loop.h"

#include "orm/base/error.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_A_TURN 256

struct loop {
	int epoll_fd;
	int wake_fd;
	bool is_stopped;
	bool is_turning;
	uint64_t now;
	struct loop_watch wake_watch;
	void (*on_wake)(void *);
	void *on_wake_arg;
	int (*on_prepare)(void *);
	void *on_prepare_arg;
	/* Work put off, in the order it came. */
	struct loop_work *work;
	struct loop_work **work_end;
	/* heap[1] is due first; heap[0] is not used. */
	struct loop_timer **heap;
	size_t timers;
	size_t heap_cap;
	struct epoll_event events[EVENTS_A_TURN];
	int nevents;
	int next_event;
};

uint64_t loop_clock(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t loop_now(const struct loop *loop)
{
	return loop->now;
}

static void wake_ready(struct loop_watch *watch, uint32_t events)
{
	struct loop *loop = watch->loop;
	uint64_t count;
	(void)events;
	ssize_t got = read(loop->wake_fd, &count, sizeof count);
	(void)got;
	if (loop->on_wake)
		loop->on_wake(loop->on_wake_arg);
}

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof *loop);
	if (!loop)
		return NULL;
	loop->work_end = &loop->work;
	loop->now = loop_clock();
	loop->wake_watch = (struct loop_watch){.ready = wake_ready, .fd = -1};
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->epoll_fd < 0 || loop->wake_fd < 0 ||
	    !loop_watch_set(loop, &loop->wake_watch, loop->wake_fd, EPOLLIN)) {
		int saved = errno;
		loop_free(loop);
		errno = saved;
		return NULL;
	}
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	ASSERT(!loop->is_turning);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	if (loop->wake_fd >= 0)
		close(loop->wake_fd);
	free(loop->heap);
	free(loop);
}

/* Descriptors. */

bool loop_watch_set(struct loop *loop, struct loop_watch *watch, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};
	ASSERT(fd >= 0 && watch->ready);
	if (watch->fd >= 0 && watch->loop && (watch->fd != fd || watch->loop != loop))
		loop_unwatch(watch);
	bool is_known = watch->loop == loop && watch->fd == fd;
	int operation = is_known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	int result = epoll_ctl(loop->epoll_fd, operation, fd, &event);
	/* The descriptor was closed and its number came back. */
	if (result < 0 && is_known && errno == ENOENT)
		result = epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event);
	if (result < 0)
		return false;
	watch->fd = fd;
	watch->events = events;
	watch->loop = loop;
	return true;
}

void loop_unwatch(struct loop_watch *watch)
{
	struct loop *loop = watch->loop;
	if (!loop)
		return;
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	for (int i = loop->next_event; i < loop->nevents; i++)
		if (loop->events[i].data.ptr == watch)
			loop->events[i].data.ptr = NULL;
	watch->fd = -1;
	watch->events = 0;
	watch->loop = NULL;
}

static void serve_events(struct loop *loop)
{
	while (loop->next_event < loop->nevents) {
		struct epoll_event event = loop->events[loop->next_event++];
		struct loop_watch *watch = event.data.ptr;
		if (watch)
			watch->ready(watch, event.events);
	}
	loop->nevents = loop->next_event = 0;
}

/* Timers. */

static void put_in_heap(struct loop *loop, size_t i, struct loop_timer *timer)
{
	loop->heap[i] = timer;
	timer->heap_index = i;
}

static void sift_up(struct loop *loop, size_t i)
{
	struct loop_timer *timer = loop->heap[i];
	for (; i > 1 && loop->heap[i / 2]->due > timer->due; i /= 2)
		put_in_heap(loop, i, loop->heap[i / 2]);
	put_in_heap(loop, i, timer);
}

static void sift_down(struct loop *loop, size_t i)
{
	struct loop_timer *timer = loop->heap[i];
	for (;;) {
		size_t child = 2 * i;
		if (child > loop->timers)
			break;
		if (child < loop->timers && loop->heap[child + 1]->due < loop->heap[child]->due)
			child++;
		if (loop->heap[child]->due >= timer->due)
			break;
		put_in_heap(loop, i, loop->heap[child]);
		i = child;
	}
	put_in_heap(loop, i, timer);
}

static void grow_heap(struct loop *loop)
{
	size_t cap = loop->heap_cap ? loop->heap_cap * 2 : 64;
	struct loop_timer **heap = realloc(loop->heap, cap * sizeof(struct loop_timer *));
	if (!heap)
		BUG("out of memory for %zu timers", cap);
	loop->heap = heap;
	loop->heap_cap = cap;
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t after_ns)
{
	ASSERT(timer->fire);
	loop_timer_clear(timer);
	if (loop->timers + 1 >= loop->heap_cap)
		grow_heap(loop);
	/* At least a nanosecond: a timer that sets itself anew must not hold the turn. */
	uint64_t after = after_ns ? after_ns : 1;
	if (__builtin_add_overflow(loop->now, after, &timer->due))
		timer->due = UINT64_MAX;
	timer->loop = loop;
	put_in_heap(loop, ++loop->timers, timer);
	sift_up(loop, timer->heap_index);
}

void loop_timer_clear(struct loop_timer *timer)
{
	struct loop *loop = timer->loop;
	size_t i = timer->heap_index;
	if (i == 0)
		return;
	timer->heap_index = 0;
	timer->loop = NULL;
	struct loop_timer *last = loop->heap[loop->timers--];
	if (last == timer)
		return;
	put_in_heap(loop, i, last);
	sift_up(loop, i);
	sift_down(loop, last->heap_index);
}

static void fire_timers(struct loop *loop)
{
	while (loop->timers && loop->heap[1]->due <= loop->now) {
		struct loop_timer *timer = loop->heap[1];
		loop_timer_clear(timer);
		timer->fire(timer);
	}
}

/* Milliseconds until the first timer, rounded up; -1 without one. */
static int until_timer(const struct loop *loop)
{
	if (!loop->timers)
		return -1;
	uint64_t due = loop->heap[1]->due, now = loop_clock();
	if (due <= now)
		return 0;
	uint64_t ms = (due - now + 999999) / 1000000;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* Work put off. */

void loop_defer(struct loop *loop, struct loop_work *work)
{
	ASSERT(work->run);
	if (work->is_queued)
		return;
	work->is_queued = true;
	work->next = NULL;
	*loop->work_end = work;
	loop->work_end = &work->next;
}

void loop_undefer(struct loop *loop, struct loop_work *work)
{
	if (!work->is_queued)
		return;
	struct loop_work **link = &loop->work;
	while (*link != work)
		link = &(*link)->next;
	*link = work->next;
	if (loop->work_end == &work->next)
		loop->work_end = link;
	work->is_queued = false;
}

static void run_work(struct loop *loop)
{
	while (loop->work) {
		struct loop_work *work = loop->work;
		loop->work = work->next;
		if (!loop->work)
			loop->work_end = &loop->work;
		work->is_queued = false;
		work->run(work);
	}
}

/* Turns. */

void loop_on_wake(struct loop *loop, void (*fn)(void *), void *arg)
{
	loop->on_wake = fn;
	loop->on_wake_arg = arg;
}

void loop_on_prepare(struct loop *loop, int (*fn)(void *), void *arg)
{
	loop->on_prepare = fn;
	loop->on_prepare_arg = arg;
}

void loop_wake(struct loop *loop)
{
	int saved = errno;
	uint64_t one = 1;
	/* A full counter wakes as well. */
	ssize_t written = write(loop->wake_fd, &one, sizeof one);
	(void)written;
	errno = saved;
}

void loop_stop(struct loop *loop)
{
	loop->is_stopped = true;
}

/* The shorter of two waits, where -1 is without end. */
static int shorter(int a, int b)
{
	if (a < 0)
		return b;
	return b < 0 || a < b ? a : b;
}

static int time_to_wait(struct loop *loop, int max_wait_ms)
{
	int wait = max_wait_ms;
	if (loop->on_prepare)
		wait = shorter(wait, loop->on_prepare(loop->on_prepare_arg));
	/* Asked after prepare, which may have put off work or stopped the loop. */
	if (loop->work || loop->is_stopped)
		return 0;
	return shorter(wait, until_timer(loop));
}

void loop_turn(struct loop *loop, int max_wait_ms)
{
	ASSERT(!loop->is_turning);
	loop->is_turning = true;
	int wait = time_to_wait(loop, max_wait_ms);
	int n = epoll_wait(loop->epoll_fd, loop->events, EVENTS_A_TURN, wait);
	if (n < 0 && errno != EINTR)
		BUG("epoll_wait failed: %d", errno);
	loop->nevents = n < 0 ? 0 : n;
	loop->next_event = 0;
	loop->now = loop_clock();
	serve_events(loop);
	fire_timers(loop);
	run_work(loop);
	loop->is_turning = false;
}

void loop_run(struct loop *loop)
{
	while (!loop->is_stopped)
		loop_turn(loop, -1);
	loop->is_stopped = false;
}
