/* Tasks: coroutines on mmap'd stacks.
 *
 * The bookkeeping of a task stands at the top of its own stack:
 *
 *	lowest address                                              highest
 *	| guard page | stack, growing down <------------- | struct task |
 *
 * A stack that is done parks inside run_task() and is handed the next function
 * there, so a kept stack costs nothing to use again.  Invariant: `current` is the
 * context whose stack the thread stands on; a running task's `resumer` is where it
 * goes back to, the loop or the task that resumed it.
 */
#include "orm/base/task.h"

#include "orm/base/error.h"
#include "orm/base/task_switch.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
/* The sanitizer's frames are several times as large. */
#define STACK_BYTES (4 * TASK_STACK_SIZE)
#else
#define STACK_BYTES TASK_STACK_SIZE
#endif

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(start, end) 0
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#endif

/* Stacks kept per thread; more than that go back to the system at once. */
#define KEPT_MAX 256

/* A stack that a thread can stand on: the thread's own, or a task's. */
struct context {
	struct switch_point point;
	const void *bottom; /* lowest address and size, known to the address sanitizer */
	size_t size;
	void *fake_stack; /* the address sanitizer's, while switched away */
	void *fiber;      /* the thread sanitizer's */
};

enum task_state { TASK_PARKED, TASK_RUNNING, TASK_SUSPENDED };

struct task {
	struct context context;
	struct context *resumer;
	char *mapping;
	struct task *next_kept;
	enum task_state state;
	unsigned valgrind_id;
	void (*fn)(void *arg);
	void *arg;
};

static _Thread_local struct context loop_context;
static _Thread_local struct context *current; /* NULL before the first switch: the loop */
static _Thread_local struct task *kept;
static _Thread_local size_t kept_count;

static struct context *current_context(void)
{
	if (!current)
		current = &loop_context;
	return current;
}

/* Called on the stack that has just been entered; `from` is where we came from. */
static void arrive(struct context *self, struct context *from)
{
#ifdef __SANITIZE_ADDRESS__
	const void *bottom;
	size_t size;
	__sanitizer_finish_switch_fiber(self->fake_stack, &bottom, &size);
	if (from == &loop_context) {
		from->bottom = bottom;
		from->size = size;
	}
#else
	(void)self;
	(void)from;
#endif
}

static _Thread_local struct context *came_from;

static void switch_to(struct context *to)
{
	struct context *from = current_context();
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_start_switch_fiber(&from->fake_stack, to->bottom, to->size);
#endif
#ifdef __SANITIZE_THREAD__
	if (!from->fiber)
		from->fiber = __tsan_get_current_fiber();
	__tsan_switch_to_fiber(to->fiber, 0);
#endif
	came_from = from;
	current = to;
	switch_stacks(&from->point, &to->point);
	arrive(from, came_from);
}

/* The bottom of every task's stack: runs one function after the other, parked in between. */
static void run_task(void *arg)
{
	struct task *self = arg;
	arrive(&self->context, came_from);
	for (;;) {
		self->fn(self->arg);
		self->state = TASK_PARKED;
		switch_to(self->resumer);
	}
}

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t mapping_size(void)
{
	size_t room_for_task = (sizeof(struct task) + 64 + page_size() - 1) & ~(page_size() - 1);
	return page_size() + STACK_BYTES + room_for_task;
}

static struct task *new_task(void)
{
	char *mapping = mmap(NULL, mapping_size(), PROT_READ | PROT_WRITE,
	                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	if (mapping == MAP_FAILED || mprotect(mapping, page_size(), PROT_NONE) != 0)
		BUG("no memory for a task's stack");
	char *bottom = mapping + page_size();
	/* The structure ends where the mapping ends, but for its alignment. */
	struct task *task =
		(struct task *)((uintptr_t)(mapping + mapping_size() - sizeof *task) & ~(uintptr_t)63);
	size_t size = (size_t)((char *)task - bottom);

	*task = (struct task){.context = {.bottom = bottom, .size = size}, .mapping = mapping};
	switch_prepare(&task->context.point, bottom, size, run_task, task);
	task->valgrind_id = VALGRIND_STACK_REGISTER(bottom, bottom + size);
#ifdef __SANITIZE_ADDRESS__
	/* What only a suspended task points to is not a leak. */
	__lsan_register_root_region(bottom, mapping_size() - page_size());
#endif
#ifdef __SANITIZE_THREAD__
	task->context.fiber = __tsan_create_fiber(0);
#endif
	return task;
}

static void free_task(struct task *task)
{
	char *mapping = task->mapping;
	VALGRIND_STACK_DEREGISTER(task->valgrind_id);
#ifdef __SANITIZE_THREAD__
	__tsan_destroy_fiber(task->context.fiber);
#endif
#ifdef __SANITIZE_ADDRESS__
	__lsan_unregister_root_region(mapping + page_size(), mapping_size() - page_size());
	__asan_unpoison_memory_region(mapping + page_size(), mapping_size() - page_size());
#endif
	munmap(mapping, mapping_size());
}

static struct task *take_task(void)
{
	struct task *task = kept;
	if (!task)
		return new_task();
	kept = task->next_kept;
	kept_count--;
	return task;
}

static void keep_task(struct task *task)
{
	if (kept_count >= KEPT_MAX) {
		free_task(task);
		return;
	}
	task->next_kept = kept;
	kept = task;
	kept_count++;
}

/* Stands on the task's stack until it suspends or ends. */
static void run(struct task *task)
{
	task->resumer = current_context();
	task->state = TASK_RUNNING;
	switch_to(&task->context);
	if (task->state == TASK_PARKED)
		keep_task(task);
}

void task_start(void (*fn)(void *arg), void *arg)
{
	struct task *task = take_task();
	task->fn = fn;
	task->arg = arg;
	run(task);
}

struct task *task_self(void)
{
	struct context *context = current_context();
	return context == &loop_context ? NULL : (struct task *)context;
}

void task_suspend(void)
{
	struct task *self = task_self();
	if (!self)
		BUG("task_suspend outside a task");
	self->state = TASK_SUSPENDED;
	switch_to(self->resumer);
}

void task_resume(struct task *task)
{
	if (task->state != TASK_SUSPENDED)
		BUG("task_resume of a task that is not suspended");
	run(task);
}

void task_thread_end(void)
{
	while (kept) {
		struct task *task = kept;
		kept = task->next_kept;
		free_task(task);
	}
	kept_count = 0;
}
