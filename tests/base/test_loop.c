/* Event loop: descriptors, timers, work put off, waking. */
#include "orm/base/loop.h"

#include "tests/support/suite.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

static struct loop *loop;
static char trail[64];

static void setup(void)
{
	loop = loop_new();
	trail[0] = '\0';
}

static void teardown(void)
{
	loop_free(loop);
}

static void leave(char mark)
{
	size_t n = strlen(trail);
	ck_assert_uint_lt(n + 1, sizeof trail);
	trail[n] = mark;
	trail[n + 1] = '\0';
}

struct end {
	struct loop_watch watch;
	int fds[2];
	char mark;
	struct end *rival; /* unwatched when this one is served */
};

static void read_byte(struct loop_watch *watch, uint32_t events)
{
	struct end *end = (struct end *)watch;
	char byte;
	ck_assert(events & EPOLLIN);
	ck_assert_int_eq(read(end->fds[0], &byte, 1), 1);
	leave(end->mark);
	if (end->rival)
		loop_unwatch(&end->rival->watch);
}

static void open_end(struct end *end, char mark)
{
	*end = (struct end){.watch = {.ready = read_byte}, .mark = mark};
	ck_assert_int_eq(pipe(end->fds), 0);
	ck_assert(loop_watch_set(loop, &end->watch, end->fds[0], EPOLLIN));
}

static void close_end(struct end *end)
{
	loop_unwatch(&end->watch);
	close(end->fds[0]);
	close(end->fds[1]);
}

static void poke(struct end *end)
{
	ck_assert_int_eq(write(end->fds[1], "x", 1), 1);
}

START_TEST(a_ready_descriptor_is_served)
{
	struct end end;
	open_end(&end, 'a');
	loop_turn(loop, 0);
	ck_assert_str_eq(trail, "");
	poke(&end);
	loop_turn(loop, 1000);
	ck_assert_str_eq(trail, "a");
	close_end(&end);
}
END_TEST

START_TEST(an_unwatched_descriptor_is_not)
{
	struct end end;
	open_end(&end, 'a');
	poke(&end);
	loop_unwatch(&end.watch);
	loop_unwatch(&end.watch);
	loop_turn(loop, 0);
	ck_assert_str_eq(trail, "");
	close_end(&end);
}
END_TEST

START_TEST(of_two_that_are_ready_the_first_may_unwatch_the_second)
{
	struct end a, b;
	open_end(&a, 'x');
	open_end(&b, 'x');
	a.rival = &b;
	b.rival = &a;
	poke(&a);
	poke(&b);
	loop_turn(loop, 1000);
	loop_turn(loop, 0);
	ck_assert_str_eq(trail, "x");
	close_end(&a);
	close_end(&b);
}
END_TEST

START_TEST(what_is_watched_for_can_be_changed)
{
	struct end end;
	open_end(&end, 'a');
	poke(&end);
	ck_assert(loop_watch_set(loop, &end.watch, end.fds[0], 0));
	loop_turn(loop, 0);
	ck_assert_str_eq(trail, "");
	ck_assert(loop_watch_set(loop, &end.watch, end.fds[0], EPOLLIN));
	loop_turn(loop, 0);
	ck_assert_str_eq(trail, "a");
	close_end(&end);
}
END_TEST

START_TEST(a_closed_descriptor_whose_number_came_back_is_watched_again)
{
	struct end end;
	open_end(&end, 'a');
	int other[2];
	ck_assert_int_eq(pipe(other), 0);
	ck_assert_int_eq(dup2(other[0], end.fds[0]), end.fds[0]);
	ck_assert(loop_watch_set(loop, &end.watch, end.fds[0], EPOLLIN));
	ck_assert_int_eq(write(other[1], "x", 1), 1);
	loop_turn(loop, 1000);
	ck_assert_str_eq(trail, "a");
	close_end(&end);
	close(other[0]);
	close(other[1]);
}
END_TEST

START_TEST(a_bad_descriptor_is_refused)
{
	struct loop_watch watch = {.ready = read_byte};
	ck_assert(!loop_watch_set(loop, &watch, 9999, EPOLLIN));
	ck_assert_ptr_null(watch.loop);
	loop_unwatch(&watch);
}
END_TEST

struct alarm {
	struct loop_timer timer;
	char mark;
};

static void ring(struct loop_timer *timer)
{
	leave(((struct alarm *)timer)->mark);
}

static struct alarm alarm_of(char mark)
{
	return (struct alarm){.timer = {.fire = ring}, .mark = mark};
}

START_TEST(timers_fire_in_the_order_they_are_due)
{
	struct alarm a = alarm_of('a'), b = alarm_of('b'), c = alarm_of('c');
	loop_timer_set(loop, &c.timer, 6000000);
	loop_timer_set(loop, &a.timer, 1000000);
	loop_timer_set(loop, &b.timer, 3000000);
	uint64_t start = loop_now(loop);
	while (strlen(trail) < 3 && loop_clock() - start < 5000000000)
		loop_turn(loop, -1);
	ck_assert_str_eq(trail, "abc");
	ck_assert_uint_ge(loop_clock() - start, 5000000);
}
END_TEST

START_TEST(a_cleared_timer_does_not_fire_and_a_set_one_moves)
{
	struct alarm a = alarm_of('a'), b = alarm_of('b');
	loop_timer_set(loop, &a.timer, 1);
	loop_timer_set(loop, &b.timer, 1);
	loop_timer_clear(&a.timer);
	loop_timer_clear(&a.timer);
	loop_timer_set(loop, &b.timer, 3600000000000);
	loop_turn(loop, 2);
	ck_assert_str_eq(trail, "");
	ck_assert_uint_ne(b.timer.heap_index, 0);
	loop_timer_clear(&b.timer);
}
END_TEST

static int rings;

static void ring_again(struct loop_timer *timer)
{
	rings++;
	loop_timer_set(loop, timer, 0);
}

START_TEST(a_timer_that_sets_itself_anew_does_not_hold_the_turn)
{
	struct loop_timer timer = {.fire = ring_again};
	loop_timer_set(loop, &timer, 0);
	loop_turn(loop, 100);
	ck_assert_int_eq(rings, 1);
	loop_turn(loop, 100);
	ck_assert_int_eq(rings, 2);
	loop_timer_clear(&timer);
}
END_TEST

static uint64_t last_due;

static void check_order(struct loop_timer *timer)
{
	ck_assert_uint_ge(timer->due, last_due);
	last_due = timer->due;
	rings++;
}

START_TEST(a_heap_of_many_timers_stays_in_order)
{
	enum { COUNT = 2000 };
	static struct loop_timer timers[COUNT];
	unsigned seed = 7;
	for (int i = 0; i < COUNT; i++) {
		timers[i].fire = check_order;
		loop_timer_set(loop, &timers[i], (uint64_t)rand_r(&seed) % 1000000);
	}
	for (int i = 0; i < COUNT; i += 3)
		loop_timer_clear(&timers[i]);
	for (int i = 1; i < COUNT; i += 3)
		loop_timer_set(loop, &timers[i], (uint64_t)rand_r(&seed) % 1000000);
	usleep(2000);
	loop_turn(loop, 0);
	ck_assert_int_eq(rings, COUNT - (COUNT + 2) / 3);
}
END_TEST

struct chore {
	struct loop_work work;
	char mark;
	struct chore *then;
};

static void do_chore(struct loop_work *work)
{
	struct chore *chore = (struct chore *)work;
	leave(chore->mark);
	if (chore->then)
		loop_defer(loop, &chore->then->work);
}

static struct chore chore_of(char mark)
{
	return (struct chore){.work = {.run = do_chore}, .mark = mark};
}

START_TEST(work_put_off_runs_once_and_in_order_at_the_end_of_the_turn)
{
	struct chore a = chore_of('a'), b = chore_of('b'), c = chore_of('c');
	struct end end;
	open_end(&end, '-');
	poke(&end);
	a.then = &c;
	loop_defer(loop, &a.work);
	loop_defer(loop, &b.work);
	loop_defer(loop, &a.work);
	loop_turn(loop, -1);
	ck_assert_str_eq(trail, "-abc");
	close_end(&end);
}
END_TEST

START_TEST(work_can_be_taken_back)
{
	struct chore a = chore_of('a'), b = chore_of('b'), c = chore_of('c');
	loop_defer(loop, &a.work);
	loop_defer(loop, &b.work);
	loop_undefer(loop, &b.work);
	loop_undefer(loop, &b.work);
	loop_defer(loop, &c.work);
	loop_turn(loop, -1);
	ck_assert_str_eq(trail, "ac");
}
END_TEST

static void woken(void *arg)
{
	leave('w');
	loop_stop(arg);
}

static void *wake_soon(void *arg)
{
	usleep(2000);
	loop_wake(arg);
	return NULL;
}

START_TEST(another_thread_wakes_the_loop)
{
	pthread_t thread;
	loop_on_wake(loop, woken, loop);
	ck_assert_int_eq(pthread_create(&thread, NULL, wake_soon, loop), 0);
	loop_run(loop);
	pthread_join(thread, NULL);
	ck_assert_str_eq(trail, "w");
}
END_TEST

static int no_wait(void *arg)
{
	leave('p');
	return *(int *)arg;
}

START_TEST(prepare_says_how_long_a_turn_may_wait)
{
	int wait = 0;
	loop_on_prepare(loop, no_wait, &wait);
	loop_turn(loop, -1);
	wait = 1;
	loop_turn(loop, -1);
	wait = -1;
	loop_turn(loop, 1);
	ck_assert_str_eq(trail, "ppp");
}
END_TEST

START_TEST(a_loop_stopped_before_it_runs_does_not_wait)
{
	loop_stop(loop);
	loop_run(loop);
	loop_wake(loop);
	loop_on_wake(loop, woken, loop);
	loop_run(loop);
	ck_assert_str_eq(trail, "w");
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tc = suite_with_case(&suite, "loop");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_ready_descriptor_is_served);
	tcase_add_test(tc, an_unwatched_descriptor_is_not);
	tcase_add_test(tc, of_two_that_are_ready_the_first_may_unwatch_the_second);
	tcase_add_test(tc, what_is_watched_for_can_be_changed);
	tcase_add_test(tc, a_closed_descriptor_whose_number_came_back_is_watched_again);
	tcase_add_test(tc, a_bad_descriptor_is_refused);
	tcase_add_test(tc, timers_fire_in_the_order_they_are_due);
	tcase_add_test(tc, a_cleared_timer_does_not_fire_and_a_set_one_moves);
	tcase_add_test(tc, a_timer_that_sets_itself_anew_does_not_hold_the_turn);
	tcase_add_test(tc, a_heap_of_many_timers_stays_in_order);
	tcase_add_test(tc, work_put_off_runs_once_and_in_order_at_the_end_of_the_turn);
	tcase_add_test(tc, work_can_be_taken_back);
	tcase_add_test(tc, another_thread_wakes_the_loop);
	tcase_add_test(tc, prepare_says_how_long_a_turn_may_wait);
	tcase_add_test(tc, a_loop_stopped_before_it_runs_does_not_wait);
	return suite_main(suite);
}
