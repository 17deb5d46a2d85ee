/* Runs a suite of Check cases and gives main() its exit code.
 *
 * Each case runs in a process of its own (CK_FORK=no for a debugger), so that one that
 * aborts fails alone.
 */
#ifndef QUERN_TESTS_SUPPORT_SUITE_H
#define QUERN_TESTS_SUPPORT_SUITE_H

#include <check.h>
#include <stdlib.h>

static inline int suite_main(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* A suite with one case group, ready for tcase_add_test(). */
static inline TCase *suite_with_case(Suite **suite, const char *name)
{
	*suite = suite_create(name);
	TCase *group = tcase_create(name);
	suite_add_tcase(*suite, group);
	return group;
}

#endif
