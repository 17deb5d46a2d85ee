/* delete with every on_delete on a real PostgreSQL. */
#include "tests/write/database.h"

#define KEY(model, on_delete, more)                                                                \
	"{'type': 'ForeignKey', 'to': '" model "', 'on_delete': " on_delete more "}"

static const char models[] =
	"{'models': {"
	"'Artist': {'fields': {'name': {'type': 'CharField', 'max_length': 9}}},"
	"'Album': {'fields': {'artist': " KEY(
		"Artist", "'CASCADE'",
		"") "}},"
			"'Song': {'fields': {'artist': " KEY("Artist", "'CASCADE'", "") ", 'album': " KEY(
				"Album", "'RESTRICT'",
				"") "}},"
					"'Note': {'fields': {'artist': " KEY(
						"Artist",
						"'CASCADE'", "") "}},"
										 "'Contract': {'fields': {'album': " KEY(
											 "Album", "'PROTECT'",
											 "") "}},"
												 "'Fan': {'fields': {"
												 "  'nulled': " KEY(
													 "Artist", "'SET_NULL'",
													 ", 'null': true, 'blank': true, "
                                                     "'related_name': 'n'") ","
																			"  'defaulted': " KEY(
																				"Artist",
																				"'SET_DEFAULT'",
																				", 'default': 1, "
                                                                                "'related_name': "
                                                                                "'d'") ","
																					   "  "
                                                                                       "'fixed':"
                                                                                       " " KEY(
																						   "Artist",
																						   "{'SET':"
                                                                                           " 2}",
																						   ", "
                                                                                           "'relate"
                                                                                           "d_name'"
                                                                                           ": 'f'") "}},"
																									"'Link': {'fields': {'artist': " KEY(
																										"Artist",
																										"'DO_NOTHING'",
																										"") "}},"
																											"'Tag': {'fields': {'albums': {'type': 'ManyToManyField', 'to': 'Album'}}},"
																											"'Node': {'fields': {'parent': " KEY(
																												"Node",
																												"'CASCADE'",
																												", 'null': true, 'blank': true") "}},"
																																				 "'Country': {'fields': {'code': {'type': 'CharField', 'max_length': 2, 'unique': true}}},"
																																				 "'City': {'fields': {'country': {'type': 'ForeignKey', 'to': 'Country', 'to_field': 'code', 'on_delete': 'CASCADE'}}},"
																																				 "'Street': {'fields': {'city': " KEY(
																																					 "City",
																																					 "'CASCADE'",
																																					 "") "}}"
																																						 "}}";

static struct client c;

static void run(void (*fn)(void *))
{
	database_open(models);
	client_open(&c);
	as_task(fn, NULL);
	client_close(&c);
	database_close();
}

#define DATABASE_TEST(name)                                                                        \
	static void name##_body(void *arg);                                                            \
	START_TEST(name)                                                                               \
	{                                                                                              \
		run(name##_body);                                                                          \
	}                                                                                              \
	END_TEST                                                                                       \
	static void name##_body(void *arg __attribute__((unused)))

static void artists(void)
{
	run_sql(&c, "INSERT INTO artist SELECT n, 'a' || n FROM generate_series(1, 5) n");
}

DATABASE_TEST(a_model_that_nothing_refers_to_is_deleted_by_one_statement)
{
	artists();
	run_sql(&c, "INSERT INTO note (artist_id) SELECT 1 + n % 2 FROM generate_series(1, 10) n");
	ck_assert_str_eq(delete_rows(&c, "Note", "{'filter': {'artist__name': 'a1'}}"), "5 Note=5");
	ck_assert_uint_eq(c.session.usage.statements, 1);
	ck_assert_str_eq(delete_rows(&c, "Note", "{'filter': {'artist__name': 'none'}}"), "0");
	ck_assert_str_eq(delete_rows(&c, "Note", "{}"), "5 Note=5");
}

DATABASE_TEST(cascades_go_all_the_way_and_are_counted)
{
	artists();
	run_sql(&c, "INSERT INTO album VALUES (10, 1), (11, 1), (12, 2)");
	run_sql(&c, "INSERT INTO song (artist_id, album_id) VALUES (1, 10), (1, 11), (1, 11), (2, 12)");
	run_sql(&c, "INSERT INTO note (artist_id) VALUES (1), (2)");
	run_sql(&c, "INSERT INTO tag VALUES (1)");
	run_sql(&c, "INSERT INTO tag_albums (tag_id, album_id) VALUES (1, 10), (1, 12)");
	ck_assert_str_eq(delete_rows(&c, "Artist", "{'filter': {'id': 1}}"),
	                 "8 Note=1 Tag.albums=1 Song=3 Album=2 Artist=1");
	ck_rows(&c,
	        "SELECT (SELECT count(*) FROM song), (SELECT count(*) FROM tag_albums), (SELECT "
	        "count(*) FROM note)",
	        "1,1,1");
}

DATABASE_TEST(what_is_left_in_a_foreign_key)
{
	artists();
	run_sql(&c, "INSERT INTO fan (nulled_id, defaulted_id, fixed_id) VALUES (3, 4, 5), (5, 5, 5), "
	            "(1, 1, 1)");
	ck_assert_str_eq(delete_rows(&c, "Artist", "{'filter': {'id__gte': 3}}"), "3 Artist=3");
	ck_rows(&c, "SELECT nulled_id, defaulted_id, fixed_id FROM fan ORDER BY id",
	        "-,1,2|-,1,2|1,1,1");
}

DATABASE_TEST(protected_rows_forbid_and_nothing_is_changed)
{
	artists();
	run_sql(&c, "INSERT INTO album VALUES (10, 1)");
	run_sql(&c, "INSERT INTO contract VALUES (7, 10), (8, 10)");
	run_sql(&c, "INSERT INTO note (artist_id) VALUES (1)");
	ck_assert_str_eq(
		delete_rows(&c, "Artist", "{}"),
		"ProtectedError: Cannot delete some instances of model 'Artist' because they are "
		"referenced through protected foreign keys: 'Album.artist'.");
	ck_assert_uint_eq(c.error.nobjects, 2);
	ck_rows(&c, "SELECT (SELECT count(*) FROM artist), (SELECT count(*) FROM note)", "5,1");
}

DATABASE_TEST(restricted_rows_forbid_unless_they_go_too)
{
	artists();
	run_sql(&c, "INSERT INTO album VALUES (10, 1)");
	run_sql(&c, "INSERT INTO song (artist_id, album_id) VALUES (1, 10), (2, 10)");
	ck_assert_str_eq(
		delete_rows(&c, "Artist", "{'filter': {'id': 1}}"),
		"RestrictedError: Cannot delete some instances of model 'Artist' because they are "
		"referenced through restricted foreign keys: 'Song.album'.");
	ck_assert_uint_eq(c.error.nobjects, 1);
	ck_assert(str_is(c.error.objects[0].pk, "2"));
	ck_assert_str_eq(delete_rows(&c, "Artist", "{'filter': {'id__in': [1, 2]}}"),
	                 "5 Song=2 Album=1 Artist=2");
}

DATABASE_TEST(do_nothing_is_left_to_the_database)
{
	artists();
	run_sql(&c, "INSERT INTO link (artist_id) VALUES (1)");
	ck_assert_str_eq(delete_rows(&c, "Artist", "{'filter': {'id': 1}}"),
	                 "IntegrityError: Rows of model 'Link' still refer to what was to be deleted: "
	                 "'Link.artist'.");
	ck_assert_str_eq(delete_rows(&c, "Artist", "{'filter': {'id': 2}}"), "1 Artist=1");
}

DATABASE_TEST(a_long_chain_and_a_circle_of_rows)
{
	run_sql(&c, "INSERT INTO node SELECT n, nullif(n - 1, 0) FROM generate_series(1, 300) n");
	run_sql(&c, "UPDATE node SET parent_id = 300 WHERE id = 1");
	run_sql(&c, "INSERT INTO node VALUES (1000, NULL)");
	ck_assert_str_eq(delete_rows(&c, "Node", "{'filter': {'id': 150}}"), "300 Node=300");
	ck_rows(&c, "SELECT id FROM node", "1000");
}

DATABASE_TEST(a_key_that_is_not_the_primary_key_is_followed)
{
	run_sql(&c, "INSERT INTO country VALUES (1, 'FI'), (2, 'SE')");
	run_sql(&c, "INSERT INTO city VALUES (1, 'FI'), (2, 'SE'), (3, 'FI')");
	run_sql(&c, "INSERT INTO street (city_id) VALUES (1), (1), (2)");
	ck_assert_str_eq(delete_rows(&c, "Country", "{'filter': {'code': 'FI'}}"),
	                 "5 Street=2 City=2 Country=1");
	ck_rows(&c, "SELECT code FROM country", "SE");
}

DATABASE_TEST(a_slice_or_a_distinct_is_not_deleted)
{
	artists();
	ck_assert_str_eq(delete_rows(&c, "Artist", "{'limit': 2}"),
	                 "TypeError: Cannot use 'limit' or 'offset' with delete().");
	ck_assert_str_eq(delete_rows(&c, "Artist", "{'distinct': true}"),
	                 "TypeError: Cannot call delete() after .distinct().");
	ck_assert_str_eq(delete_rows(&c, "Artist", "{'values': ['id']}"),
	                 "TypeError: Cannot call delete() after .values() or .values_list()");
	ck_rows(&c, "SELECT count(*) FROM artist", "5");
}

/* -- deadlocks --------------------------------------------------------------------- */

struct deleter {
	struct client client;
	const char *query, *answer;
};

static void delete_both(void *arg)
{
	struct deleter *deleter = arg;
	client_open(&deleter->client);
	deleter->answer = delete_rows(&deleter->client, "Artist", deleter->query);
}

/* Many that delete the same rows: each row goes once, nobody fails. */
START_TEST(deletes_of_the_same_rows_side_by_side)
{
	enum { N = 8 };
	static struct deleter deleters[N];
	void *args[N];
	unsigned long long total = 0;

	database_open(models);
	client_open(&c);
	as_task((void (*)(void *))artists, NULL);
	for (size_t i = 0; i < N; i++) {
		deleters[i].query = i % 2 ? "{'order_by': ['id']}" : "{'order_by': ['-id']}";
		args[i] = &deleters[i];
	}
	as_tasks(delete_both, args, N);
	for (size_t i = 0; i < N; i++) {
		ck_assert_msg(deleters[i].answer[0] >= '0' && deleters[i].answer[0] <= '9', "%s",
		              deleters[i].answer);
		total += strtoull(deleters[i].answer, NULL, 10);
		client_close(&deleters[i].client);
	}
	ck_assert_uint_eq(total, 5);
	client_close(&c);
	database_close();
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "delete");
	tcase_add_test(group, a_model_that_nothing_refers_to_is_deleted_by_one_statement);
	tcase_add_test(group, cascades_go_all_the_way_and_are_counted);
	tcase_add_test(group, what_is_left_in_a_foreign_key);
	tcase_add_test(group, protected_rows_forbid_and_nothing_is_changed);
	tcase_add_test(group, restricted_rows_forbid_unless_they_go_too);
	tcase_add_test(group, do_nothing_is_left_to_the_database);
	tcase_add_test(group, a_long_chain_and_a_circle_of_rows);
	tcase_add_test(group, a_key_that_is_not_the_primary_key_is_followed);
	tcase_add_test(group, a_slice_or_a_distinct_is_not_deleted);
	tcase_add_test(group, deletes_of_the_same_rows_side_by_side);
	return suite_main(suite);
}
