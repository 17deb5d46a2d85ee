/* Listening sockets: one port for several, nobody else's. */
#include "server/listen.h"

#include "tests/support/suite.h"

#include <unistd.h>

static struct arena *arena;
static struct error error;

static void setup(void)
{
	arena = arena_new();
	error_init(&error, arena);
}

static void teardown(void)
{
	arena_free(arena);
}

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

START_TEST(several_sockets_share_a_free_port)
{
	unsigned port = 0;
	int fds[4];

	ck_assert(listen_open("127.0.0.1", &port, fds, 4, &error));
	ck_assert_uint_gt(port, 0);
	close_all(fds, 4);
}
END_TEST

START_TEST(a_port_in_use_is_refused_in_words)
{
	unsigned port = 0;
	int fds[2], others[2];

	ck_assert(listen_open("127.0.0.1", &port, fds, 2, &error));
	ck_assert(!listen_open("127.0.0.1", &port, others, 2, &error));
	ck_assert_int_eq(error.kind, ERROR_UNAVAILABLE);
	ck_assert_int_ge(str_find(error.detail, STR("in use")), 0);
	close_all(fds, 2);
	error_clear(&error);
	ck_assert(listen_open("127.0.0.1", &port, others, 2, &error));
	close_all(others, 2);
}
END_TEST

START_TEST(an_address_of_another_machine_is_refused)
{
	unsigned port = 0;
	int fd;

	ck_assert(!listen_open("192.0.2.1", &port, &fd, 1, &error));
	ck_assert_int_ge(str_find(error.detail, STR("192.0.2.1")), 0);
}
END_TEST

START_TEST(an_address_that_is_none_is_refused)
{
	unsigned port = 0;
	int fd;

	ck_assert(!listen_open("999.1.1.1", &port, &fd, 1, &error));
	ck_assert_int_eq(error.kind, ERROR_VALUE);
}
END_TEST

START_TEST(loopback_addresses_are_known)
{
	ck_assert(listen_is_loopback("127.0.0.1"));
	ck_assert(listen_is_loopback("127.1.2.3"));
	ck_assert(listen_is_loopback("::1"));
	ck_assert(listen_is_loopback("localhost"));
	ck_assert(!listen_is_loopback("0.0.0.0"));
	ck_assert(!listen_is_loopback("::"));
	ck_assert(!listen_is_loopback("192.168.1.1"));
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "listen");

	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, several_sockets_share_a_free_port);
	tcase_add_test(group, a_port_in_use_is_refused_in_words);
	tcase_add_test(group, an_address_of_another_machine_is_refused);
	tcase_add_test(group, an_address_that_is_none_is_refused);
	tcase_add_test(group, loopback_addresses_are_known);
	return suite_main(suite);
}
