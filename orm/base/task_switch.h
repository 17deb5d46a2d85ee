/* Leaving one stack for another: the part of task.c that depends on the processor.
 *
 * x86-64 has its own few instructions, because swapcontext() of the C library asks the
 * kernel for the signal mask each time (measured: 390 ns there and back, against 10);
 * everything else uses ucontext.  The signal mask and the floating-point modes are not
 * switched; tasks do not change them.  The sanitizers are told by task.c.
 */
#ifndef QUERN_BASE_TASK_SWITCH_H
#define QUERN_BASE_TASK_SWITCH_H

#include <stddef.h>

/* A shadow stack (the second bit of __CET__) would need to be switched too. */
#if defined(__x86_64__) && defined(__LP64__) && !(defined(__CET__) && (__CET__ & 2)) && \
	!defined(QUERN_UCONTEXT)
#define SWITCH_BY_HAND 1
#else
#include <ucontext.h>
#endif

/* Where a stack was left. */
struct switch_point {
#ifdef SWITCH_BY_HAND
	void *sp;
#else
	ucontext_t context;
#endif
};

/* Makes a point that runs entry(arg) on the empty stack; entry never returns. */
void switch_prepare(struct switch_point *point, char *bottom, size_t size, void (*entry)(void *),
                    void *arg);
/* Leaves the stack in use, remembering it in *from, and goes on at `to`.  Returns when
 * somebody switches to *from. */
void switch_stacks(struct switch_point *from, struct switch_point *to);

#endif
