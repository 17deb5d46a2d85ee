/* The time zone of a statement: it holds for that statement and for nothing that comes after it. */
#include "tests/db/fixture.h"

#define SHOW "SELECT current_setting('TimeZone'), timestamptz '2026-07-02 16:44:20.5+00'"

static struct statement zoned(struct client *c, const char *zone, const struct pos *pos)
{
	struct statement statement = text_statement(c, SHOW, 0);
	statement.zone = zone == NULL ? (struct str){0} : str_of(zone);
	statement.zone_pos = pos;
	return statement;
}

static void runs_in_zones(void *arg)
{
	static const char *const zones[] = {"Europe/Berlin", NULL, "Asia/Kolkata", "America/New_York",
	                                    NULL};
	static const char *const shown[] = {"2026-07-02 18:44:20.5+02", "2026-07-02 16:44:20.5+00",
	                                    "2026-07-02 22:14:20.5+05:30", "2026-07-02 12:44:20.5-04",
	                                    "2026-07-02 16:44:20.5+00"};
	struct client c;
	(void)arg;
	client_open(&c);
	/* Often enough for the shape to be known as one that may share its Sync. */
	for (unsigned i = 0; i < 100; i++) {
		struct statement statement = zoned(&c, zones[i % 5], NULL);
		struct db_rows rows;
		unsigned before = c.session.usage.statements;
		ck_assert(db_query(&c.session, &statement, true, &rows, &c.error));
		ck_assert_uint_eq(rows.nrows, 1);
		ck_assert(cell_is(&rows, 0, 0, zones[i % 5] == NULL ? "UTC" : zones[i % 5]));
		ck_assert(cell_is(&rows, 0, 1, shown[i % 5]));
		ck_assert_uint_eq(c.session.usage.statements, before + 1);
	}
	client_close(&c);
}

START_TEST(a_zone_holds_for_its_own_statement)
{
	settings.pool_size = 1;
	open_db();
	run(runs_in_zones, NULL);
}
END_TEST

static void runs_beside(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	for (unsigned turn = 0; turn < 20; turn++) {
		struct statement statements[12];
		struct db_rows rows[12];
		for (unsigned i = 0; i < 12; i++)
			statements[i] = zoned(&c, i % 3 == 1 ? "Asia/Tokyo" : NULL, NULL);
		ck_assert(db_run_each(&c.session, statements, 12, rows, &c.error));
		for (unsigned i = 0; i < 12; i++)
			ck_assert(cell_is(&rows[i], 0, 0, i % 3 == 1 ? "Asia/Tokyo" : "UTC"));
	}
	client_close(&c);
}

START_TEST(statements_in_one_flush_each_have_their_own)
{
	settings.pool_size = 1;
	open_db();
	run(runs_beside, NULL);
}
END_TEST

static void streams_in_zone(void *arg)
{
	struct client c;
	struct db_stream *stream;
	struct db_rows rows;
	size_t n = 0;
	(void)arg;
	client_open(&c);
	struct statement statement =
		text_statement(&c, "SELECT current_setting('TimeZone') FROM generate_series(1, 2000)", 0);
	statement.zone = STR("Asia/Tokyo");
	ck_assert(db_stream_open(&c.session, &statement, &stream, &c.error));
	for (;;) {
		ck_assert(db_stream_next(stream, &rows, &c.error));
		if (rows.nrows == 0)
			break;
		for (size_t i = 0; i < rows.nrows; i++)
			ck_assert(cell_is(&rows, i, 0, "Asia/Tokyo"));
		n += rows.nrows;
	}
	db_stream_close(stream);
	ck_assert_uint_eq(n, 2000);
	/* Given up half way. */
	ck_assert(db_stream_open(&c.session, &statement, &stream, &c.error));
	ck_assert(db_stream_next(stream, &rows, &c.error));
	db_stream_close(stream);
	ck_assert(read_sql(&c, SHOW, &rows));
	ck_assert(cell_is(&rows, 0, 0, "UTC"));
	client_close(&c);
}

START_TEST(a_stream_runs_in_its_zone_and_leaves_none_behind)
{
	settings.pool_size = 1;
	open_db();
	run(streams_in_zone, NULL);
}
END_TEST

static void changes_in_transaction(void *arg)
{
	struct client c;
	struct db_tx *tx;
	struct db_rows rows;
	(void)arg;
	client_open(&c);
	struct statement in_tokyo = zoned(&c, "Asia/Tokyo", NULL), plain = zoned(&c, NULL, NULL);
	ck_assert(db_begin(&c.session, DB_READ_COMMITTED, &tx, &c.error));
	ck_assert(db_tx_query(tx, &in_tokyo, &rows, &c.error));
	ck_assert(cell_is(&rows, 0, 0, "Asia/Tokyo"));
	ck_assert(db_tx_query(tx, &plain, &rows, &c.error));
	ck_assert(cell_is(&rows, 0, 0, "UTC"));
	ck_assert(db_commit(tx, &c.error));
	client_close(&c);
}

START_TEST(in_a_transaction_the_next_statement_is_in_utc_again)
{
	open_db();
	run(changes_in_transaction, NULL);
}
END_TEST

static void asks_for_mars(void *arg)
{
	const struct pos pos = {.key = STR("timezone")};
	struct client c;
	struct db_stream *stream;
	struct db_rows rows;
	(void)arg;
	client_open(&c);
	struct statement mars = zoned(&c, "Mars/Base", &pos), plain = zoned(&c, NULL, NULL);
	ck_assert(!db_query(&c.session, &mars, true, &rows, &c.error));
	ck_assert_int_eq(c.error.kind, ERROR_VALUE);
	ck_assert_ptr_eq(c.error.pos, &pos);
	error_clear(&c.error);
	ck_assert(db_stream_open(&c.session, &mars, &stream, &c.error));
	ck_assert(!db_stream_next(stream, &rows, &c.error));
	ck_assert_int_eq(c.error.kind, ERROR_VALUE);
	ck_assert_ptr_eq(c.error.pos, &pos);
	db_stream_close(stream);
	error_clear(&c.error);
	ck_assert(db_query(&c.session, &plain, true, &rows, &c.error));
	ck_assert(cell_is(&rows, 0, 0, "UTC"));
	client_close(&c);
}

START_TEST(an_unknown_zone_is_the_clients_mistake_at_its_place)
{
	settings.pool_size = 1;
	open_db();
	run(asks_for_mars, NULL);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "db zone");
	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, a_zone_holds_for_its_own_statement);
	tcase_add_test(group, statements_in_one_flush_each_have_their_own);
	tcase_add_test(group, a_stream_runs_in_its_zone_and_leaves_none_behind);
	tcase_add_test(group, in_a_transaction_the_next_statement_is_in_utc_again);
	tcase_add_test(group, an_unknown_zone_is_the_clients_mistake_at_its_place);
	return suite_main(suite);
}
