/* Tasks: straight-line code that waits without blocking its worker.
 *
 * A request runs as a task, a function on a small stack of its own.  Where it must
 * wait (for PostgreSQL, for a slow reader) it suspends itself and the worker's loop
 * goes on; whoever has the answer resumes it.  Stacks are kept and used again.
 * Tasks of one thread never run in parallel and never move to another thread.
 * Built on task_switch.h; told to the address and thread sanitizers and to valgrind.
 */
#ifndef QUERN_BASE_TASK_H
#define QUERN_BASE_TASK_H

#include <stdbool.h>
#include <stddef.h>

struct task;

/* Usable bytes of a task's stack (a guard page lies below it). */
#define TASK_STACK_SIZE (256 * 1024)

/* Runs fn(arg) until it ends or first suspends.  The task frees itself at its end. */
void task_start(void (*fn)(void *arg), void *arg);
/* The running task; NULL in the loop itself. */
struct task *task_self(void);
/* Back to the loop until task_resume(); BUG outside a task. */
void task_suspend(void);
/* Continues a suspended task until it ends or suspends again.  Call it from the loop or
 * from another task (the caller then goes on when the resumed one suspends). */
void task_resume(struct task *task);
/* Frees the kept stacks of this thread. */
void task_thread_end(void);

#endif
