/* Tasks: order of running, nesting, stacks used again. */
#include "orm/base/task.h"

#include "tests/support/suite.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static char trail[256];

static void leave(const char *mark)
{
	strcat(trail, mark);
}

static void setup(void)
{
	trail[0] = '\0';
}

static void teardown(void)
{
	task_thread_end();
}

static void run_through(void *arg)
{
	leave(arg);
}

START_TEST(a_task_runs_at_once_and_to_its_end)
{
	task_start(run_through, "a");
	leave("b");
	task_start(run_through, "c");
	ck_assert_str_eq(trail, "abc");
	ck_assert_ptr_null(task_self());
}
END_TEST

static struct task *waiting;

static void wait_twice(void *arg)
{
	(void)arg;
	leave("1");
	waiting = task_self();
	task_suspend();
	leave("2");
	task_suspend();
	leave("3");
}

START_TEST(a_suspended_task_goes_on_where_it_stopped)
{
	task_start(wait_twice, NULL);
	leave("-");
	ck_assert_ptr_nonnull(waiting);
	task_resume(waiting);
	leave("-");
	task_resume(waiting);
	ck_assert_str_eq(trail, "1-2-3");
}
END_TEST

static void resume_other(void *arg)
{
	leave("(");
	task_resume(arg);
	leave(")");
}

START_TEST(a_task_may_resume_another_and_goes_on_afterwards)
{
	task_start(wait_twice, NULL);
	task_start(resume_other, waiting);
	task_start(resume_other, waiting);
	ck_assert_str_eq(trail, "1(2)(3)");
}
END_TEST

static void start_other(void *arg)
{
	leave("[");
	task_start(wait_twice, arg);
	leave("]");
	task_resume(waiting);
	task_resume(waiting);
}

START_TEST(a_task_may_start_another)
{
	task_start(start_other, NULL);
	ck_assert_str_eq(trail, "[1]23");
}
END_TEST

static void use_the_stack(void *arg)
{
	volatile char room[TASK_STACK_SIZE - 16 * 1024];
	for (size_t i = 0; i < sizeof room; i += 512)
		room[i] = (char)i;
	task_suspend();
	int wrong = 0;
	for (size_t i = 0; i < sizeof room; i += 512)
		wrong += room[i] != (char)i;
	*(int *)arg = wrong;
}

static void remember_and_use(void *arg)
{
	waiting = task_self();
	use_the_stack(arg);
}

START_TEST(nearly_the_whole_stack_may_be_used)
{
	int wrong = -1;
	task_start(remember_and_use, &wrong);
	task_resume(waiting);
	ck_assert_int_eq(wrong, 0);
}
END_TEST

enum { MANY = 1000 };
static struct task *many[MANY];
static int finished;

static void wait_in_turn(void *arg)
{
	size_t i = (size_t)(intptr_t)arg;
	char *own = malloc(16);
	many[i] = task_self();
	for (int round = 0; round < 3; round++)
		task_suspend();
	free(own);
	finished++;
}

START_TEST(a_thousand_tasks_wait_at_the_same_time)
{
	finished = 0;
	for (size_t i = 0; i < MANY; i++)
		task_start(wait_in_turn, (void *)(intptr_t)i);
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < MANY; i++)
			task_resume(many[(i * 7) % MANY]);
	ck_assert_int_eq(finished, MANY);
}
END_TEST

static void own_stack(void *arg)
{
	*(uintptr_t *)arg = (uintptr_t)__builtin_frame_address(0);
}

START_TEST(a_stack_is_used_again)
{
	uintptr_t first = 0, second = 0;
	task_start(own_stack, &first);
	task_start(own_stack, &second);
	ck_assert(first == second);
}
END_TEST

static void wait_once(void *arg)
{
	struct task **mine = arg;
	*mine = task_self();
	task_suspend();
	ck_assert_ptr_eq(*mine, task_self());
}

static void *work_in_thread(void *arg)
{
	struct task **mine = arg;
	for (int i = 0; i < 100; i++) {
		task_start(wait_once, mine);
		task_resume(*mine);
	}
	task_thread_end();
	return NULL;
}

START_TEST(each_thread_has_its_own_tasks)
{
	pthread_t threads[4];
	struct task *waits[4];
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, work_in_thread, &waits[i]), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}
END_TEST

START_TEST(suspending_outside_a_task_is_a_bug)
{
	task_suspend();
}
END_TEST

static void overflow(void *arg)
{
	volatile char room[4096];
	int *depth = arg;
	room[0] = 1;
	if (++*depth < 100000)
		overflow(arg);
	room[1] = room[0];
}

START_TEST(an_overflowing_stack_hits_the_guard_page)
{
	int depth = 0;
	/* The sanitizers would report it in their own way. */
	signal(SIGSEGV, SIG_DFL);
	task_start(overflow, &depth);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tc = suite_with_case(&suite, "task");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_task_runs_at_once_and_to_its_end);
	tcase_add_test(tc, a_suspended_task_goes_on_where_it_stopped);
	tcase_add_test(tc, a_task_may_resume_another_and_goes_on_afterwards);
	tcase_add_test(tc, a_task_may_start_another);
	tcase_add_test(tc, nearly_the_whole_stack_may_be_used);
	tcase_add_test(tc, a_thousand_tasks_wait_at_the_same_time);
	tcase_add_test(tc, a_stack_is_used_again);
	tcase_add_test(tc, each_thread_has_its_own_tasks);
	tcase_add_test_raise_signal(tc, suspending_outside_a_task_is_a_bug, SIGABRT);
	tcase_add_test_raise_signal(tc, an_overflowing_stack_hits_the_guard_page, SIGSEGV);
	return suite_main(suite);
}
