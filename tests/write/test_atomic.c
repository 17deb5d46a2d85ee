/* What runs in a transaction is done wholly or not at all, and again after a deadlock. */
#include "orm/write/writing.h"
#include "tests/write/database.h"

static const char models[] = "{'models': {'Role': {'fields': {'name': {'type': 'CharField', "
                             "'max_length': 20, 'unique': true}}}}}";

static void fill(void *arg)
{
	struct client *client = arg;
	client_open(client);
	run_sql(client, "INSERT INTO role VALUES (1, 'a'), (2, 'b')");
}

static bool run_in(struct writing *writing, const char *sql)
{
	struct statement statement = {.sql = str_of(sql)};
	struct db_rows rows;
	return writing_query(writing, &statement, &rows);
}

/* -- deadlocks ----------------------------------------------------------------------- */

struct swapper {
	struct client client;
	const char *statements[3];
	unsigned attempts;
	bool is_done;
};

static bool swap(struct writing *writing, void *arg)
{
	struct swapper *swapper = arg;
	swapper->attempts++;
	for (size_t i = 0; i < 3; i++)
		if (!run_in(writing, swapper->statements[i]))
			return false;
	return true;
}

static void swap_atomically(void *arg)
{
	struct swapper *swapper = arg;
	struct writing writing;
	client_open(&swapper->client);
	writing_init(&writing, &swapper->client.session, registry, NULL, &swapper->client.error);
	swapper->is_done = writing_atomically(&writing, swap, swapper);
}

START_TEST(a_deadlock_is_tried_again)
{
	static struct swapper swappers[] = {
		{.statements = {"UPDATE role SET name = name || '1' WHERE id = 1", "SELECT pg_sleep(0.3)",
	                    "UPDATE role SET name = name || '1' WHERE id = 2"}},
		{.statements = {"UPDATE role SET name = name || '2' WHERE id = 2", "SELECT pg_sleep(0.3)",
	                    "UPDATE role SET name = name || '2' WHERE id = 1"}},
	};
	void *args[] = {&swappers[0], &swappers[1]};
	struct client c;

	database_open(models);
	as_task(fill, &c);
	as_tasks(swap_atomically, args, 2);
	ck_assert(swappers[0].is_done && swappers[1].is_done);
	/* One of them lost once; on a busy machine the two may meet again. */
	ck_assert_uint_ge(swappers[0].attempts + swappers[1].attempts, 3);
	client_close(&swappers[0].client);
	client_close(&swappers[1].client);
	client_close(&c);
	database_close();
}
END_TEST

/* -- all or nothing ------------------------------------------------------------------ */

static bool half(struct writing *writing, void *arg)
{
	(void)arg;
	return run_in(writing, "UPDATE role SET name = 'changed' WHERE id = 1") &&
	       run_in(writing, "INSERT INTO role VALUES (2, 'again')");
}

static bool within(struct writing *writing, void *arg)
{
	return run_in(writing, "INSERT INTO role VALUES (3, 'c')") &&
	       writing_atomically(writing, half, arg);
}

static void fail_inside(void *arg)
{
	struct client *client = arg;
	struct writing writing;

	writing_init(&writing, &client->session, registry, NULL, &client->error);
	ck_assert(!writing_atomically(&writing, within, NULL));
	ck_assert_ptr_null(writing.session->tx);
	ck_assert_int_eq(client->error.kind, ERROR_INTEGRITY);
	ck_assert(str_is(client->error.detail, "Role with this ID already exists."));
	ck_rows(client, "SELECT id, name FROM role ORDER BY 1", "1,a|2,b");
}

START_TEST(a_failure_within_takes_everything_back)
{
	struct client c;

	database_open(models);
	as_task(fill, &c);
	as_task(fail_inside, &c);
	client_close(&c);
	database_close();
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "atomic");
	tcase_add_test(group, a_deadlock_is_tried_again);
	tcase_add_test(group, a_failure_within_takes_everything_back);
	return suite_main(suite);
}
