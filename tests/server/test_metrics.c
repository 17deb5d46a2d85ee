/* Buckets of times, and counting. */
#include "server/metrics.h"

#include "tests/support/suite.h"

#include <stdio.h>

START_TEST(a_time_is_at_most_its_buckets_bound_and_more_than_the_one_before)
{
	static const uint64_t times[] = {0, 1, 8191, 8192, 8193, 10239, 10240, 10241, 12288, 16384, 16385, 1000000, 999999999,
	                                 1000000000, 68719476735, 68719476736};

	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		unsigned bucket = metrics_bucket(times[i]);

		ck_assert_uint_lt(bucket, METRICS_TIMES - 1);
		ck_assert_uint_le(times[i], metrics_bound(bucket));
		if (bucket > 0)
			ck_assert_uint_gt(times[i], metrics_bound(bucket - 1));
	}
	ck_assert_uint_eq(metrics_bucket(68719476737), METRICS_TIMES - 1);
	ck_assert_uint_eq(metrics_bucket(UINT64_MAX), METRICS_TIMES - 1);
}
END_TEST

START_TEST(bounds_rise_by_at_most_a_quarter)
{
	for (unsigned i = 1; i < METRICS_TIMES - 1; i++) {
		ck_assert_uint_gt(metrics_bound(i), metrics_bound(i - 1));
		ck_assert_uint_le(metrics_bound(i) * 4, metrics_bound(i - 1) * 5);
	}
	ck_assert_uint_eq(metrics_bound(METRICS_TIMES - 2), (uint64_t)1 << 36);
}
END_TEST

START_TEST(every_status_is_counted_under_its_own_number)
{
	static const struct registry registry;
	static const struct settings settings;
	struct metrics_set set;
	char text[8];

	metrics_set_init(&set, 1, &registry, &settings);
	for (int status = 0; status < 600; status++) {
		const struct request request = {.method = HTTP_GET};
		const struct metrics_event event = {.request = &request, .status = status};
		struct metrics *metrics = set.workers[0];
		char expected[16];
		unsigned found = METRICS_STATUSES;

		metrics_note(metrics, &event);
		for (unsigned i = 0; i < METRICS_STATUSES; i++)
			if (metrics->requests[0][HTTP_GET][i] > 0)
				found = i;
		ck_assert_uint_lt(found, METRICS_STATUSES);
		metrics->requests[0][HTTP_GET][found] = 0;
		snprintf(expected, sizeof expected, "%03d", status);
		if (strcmp(metrics_status(found, text), "other") != 0)
			ck_assert_str_eq(metrics_status(found, text), status ? expected : "none");
		else
			ck_assert_msg(status != 200 && status != 404 && status != 422 && status != 503, "%d is none of its own", status);
	}
	metrics_set_free(&set);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "server/metrics");

	tcase_add_test(group, a_time_is_at_most_its_buckets_bound_and_more_than_the_one_before);
	tcase_add_test(group, bounds_rise_by_at_most_a_quarter);
	tcase_add_test(group, every_status_is_counted_under_its_own_number);
	return suite_main(suite);
}
