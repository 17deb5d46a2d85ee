/* A worker's event loop: one epoll descriptor, timers, work put off to the end of
 * a turn.  One thread runs a loop; only loop_wake() may be called by another.
 */
#ifndef QUERN_BASE_LOOP_H
#define QUERN_BASE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

/* Something with a descriptor.  Embedded in its owner, who keeps it alive until
 * loop_unwatch(); a callback may unwatch any watch, also one that is due this turn. */
struct loop_watch {
	void (*ready)(struct loop_watch *watch, uint32_t events); /* EPOLL* bits */
	int fd;
	uint32_t events;   /* what is watched now */
	struct loop *loop; /* NULL when not in the loop; {.ready = fn} is a watch not yet used */
};

/* A moment; embedded in its owner.  Fires once. */
struct loop_timer {
	void (*fire)(struct loop_timer *timer);
	uint64_t due;      /* loop_now() time, nanoseconds */
	size_t heap_index; /* 0: not set */
	struct loop *loop;
};

/* Work for the end of this turn, after every ready descriptor has been served. */
struct loop_work {
	void (*run)(struct loop_work *work);
	struct loop_work *next;
	bool is_queued;
};

struct loop *loop_new(void); /* NULL with errno */
void loop_free(struct loop *loop);
/* Runs until loop_stop(). */
void loop_run(struct loop *loop);
/* One turn: waits at most max_wait_ms (-1: until something happens), serves what is ready. */
void loop_turn(struct loop *loop, int max_wait_ms);
void loop_stop(struct loop *loop);
/* From any thread or signal handler: the loop turns at once and calls its on_wake. */
void loop_wake(struct loop *loop);
void loop_on_wake(struct loop *loop, void (*fn)(void *), void *arg);
/* Monotonic nanoseconds, read once a turn; loop_clock() reads the clock anew. */
uint64_t loop_now(const struct loop *loop);
uint64_t loop_clock(void);

/* Watches fd for events, in place of what was watched before; false with errno.  Unwatch
 * before the descriptor is closed: another may get its number. */
bool loop_watch_set(struct loop *loop, struct loop_watch *watch, int fd, uint32_t events);
void loop_unwatch(struct loop_watch *watch);
void loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t after_ns);
void loop_timer_clear(struct loop_timer *timer);
/* Queued once however often it is asked for; work queued by work runs in the same turn. */
void loop_defer(struct loop *loop, struct loop_work *work);
/* Takes it out of the queue again, for an owner who goes away. */
void loop_undefer(struct loop *loop, struct loop_work *work);
/* Called at the start of each turn to ask how long it may wait (0: not at all, -1: any). */
void loop_on_prepare(struct loop *loop, int (*fn)(void *), void *arg);

#endif
