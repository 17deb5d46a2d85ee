/* Switching stacks, by hand on x86-64 and by ucontext elsewhere. */
#include "orm/base/task_switch.h"

#include "orm/base/error.h"

#include <stdint.h>

#ifdef SWITCH_BY_HAND

/* The registers that the calling convention lets a function rely on are pushed on the stack
 * that is left and popped from the one that is entered; the return address does the rest. */
__asm__(".text\n"
        ".p2align 4\n"
        ".type switch_by_hand, @function\n"
        "switch_by_hand:\n"
        "	endbr64\n"
        "	pushq %rbp\n"
        "	pushq %rbx\n"
        "	pushq %r12\n"
        "	pushq %r13\n"
        "	pushq %r14\n"
        "	pushq %r15\n"
        "	movq %rsp, (%rdi)\n"
        "	movq %rsi, %rsp\n"
        "	popq %r15\n"
        "	popq %r14\n"
        "	popq %r13\n"
        "	popq %r12\n"
        "	popq %rbx\n"
        "	popq %rbp\n"
        "	ret\n"
        ".size switch_by_hand, .-switch_by_hand\n"
        /* The first frame of a stack; nothing is above it. */
        ".p2align 4\n"
        ".type switch_first_frame, @function\n"
        "switch_first_frame:\n"
        "	.cfi_startproc\n"
        "	.cfi_undefined rip\n"
        "	movq %r15, %rdi\n"
        "	call *%r14\n"
        "	ud2\n"
        "	.cfi_endproc\n"
        ".size switch_first_frame, .-switch_first_frame\n");

void switch_by_hand(void **from, void *to);
void switch_first_frame(void);

void switch_prepare(struct switch_point *point, char *bottom, size_t size, void (*entry)(void *),
                    void *arg)
{
	/* What switch_by_hand pops, lowest address first; above it the stack is aligned as the
	 * calling convention has it before a call. */
	uintptr_t top = ((uintptr_t)bottom + size) & ~(uintptr_t)15;
	uintptr_t *frame = (uintptr_t *)top - 9;
	frame[0] = (uintptr_t)arg;   /* r15 */
	frame[1] = (uintptr_t)entry; /* r14 */
	for (int i = 2; i < 6; i++)  /* r13, r12, rbx, rbp */
		frame[i] = 0;
	frame[6] = (uintptr_t)switch_first_frame;
	frame[7] = frame[8] = 0;
	point->sp = frame;
}

void switch_stacks(struct switch_point *from, struct switch_point *to)
{
	switch_by_hand(&from->sp, to->sp);
}

#else

/* makecontext() hands over ints only. */
static void first_frame(unsigned entry_high, unsigned entry_low, unsigned arg_high,
                        unsigned arg_low)
{
	void (*entry)(void *) = (void (*)(void *))(((uintptr_t)entry_high << 16 << 16) | entry_low);
	entry((void *)(((uintptr_t)arg_high << 16 << 16) | arg_low));
}

void switch_prepare(struct switch_point *point, char *bottom, size_t size, void (*entry)(void *),
                    void *arg)
{
	if (getcontext(&point->context) != 0)
		BUG("getcontext failed");
	point->context.uc_stack.ss_sp = bottom;
	point->context.uc_stack.ss_size = size;
	point->context.uc_link = NULL;
	makecontext(&point->context, (void (*)(void))first_frame, 4,
	            (unsigned)((uintptr_t)entry >> 16 >> 16), (unsigned)(uintptr_t)entry,
	            (unsigned)((uintptr_t)arg >> 16 >> 16), (unsigned)(uintptr_t)arg);
}

void switch_stacks(struct switch_point *from, struct switch_point *to)
{
	if (swapcontext(&from->context, &to->context) != 0)
		BUG("swapcontext failed");
}

#endif
