/* add, remove, set, clear and create of related managers on a real PostgreSQL. */
#include "tests/write/database.h"

static const char models[] =
	"{'models': {"
	"'Server': {'fields': {'host': {'type': 'CharField', 'max_length': 20}}},"
	"'Admin': {'fields': {"
	"  'name': {'type': 'CharField', 'max_length': 20},"
	"  'servers': {'type': 'ManyToManyField', 'to': 'Server'},"
	"  'granted': {'type': 'ManyToManyField', 'to': 'Server', 'through': 'Grant', 'related_name': "
    "'keepers'},"
	"  'friends': {'type': 'ManyToManyField', 'to': 'self'},"
	"  'follows': {'type': 'ManyToManyField', 'to': 'self', 'symmetrical': false, 'related_name': "
    "'followers'}"
	"}},"
	"'Grant': {'fields': {"
	"  'admin': {'type': 'ForeignKey', 'to': 'Admin', 'on_delete': 'CASCADE'},"
	"  'server': {'type': 'ForeignKey', 'to': 'Server', 'on_delete': 'CASCADE'},"
	"  'level': {'type': 'CharField', 'max_length': 8, 'choices': [['read', 'Read'], ['admin', "
    "'Admin']]},"
	"  'made': {'type': 'DateTimeField', 'auto_now_add': true},"
	"  'active': {'type': 'BooleanField', 'default': true}"
	"}},"
	"'Use': {'fields': {'grant': {'type': 'ForeignKey', 'to': 'Grant', 'on_delete': 'CASCADE'}}},"
	"'Ticket': {'fields': {'admin': {'type': 'ForeignKey', 'to': 'Admin', 'on_delete': 'SET_NULL', "
    "'null': true, 'blank': true}}},"
	"'Badge': {'fields': {'admin': {'type': 'ForeignKey', 'to': 'Admin', 'on_delete': 'CASCADE'}}},"
	"'Desk': {'fields': {'admin': {'type': 'OneToOneField', 'to': 'Admin', 'on_delete': "
    "'CASCADE'}}}"
	"}}";

static struct client c;

static void fill(void)
{
	run_sql(&c, "INSERT INTO server SELECT n, CASE WHEN n <= 3 THEN 'prod-' ELSE 'test-' END || n "
	            "FROM generate_series(1, 6) n");
	run_sql(&c, "INSERT INTO admin SELECT n, 'a' || n FROM generate_series(1, 4) n");
}

static void run(void (*fn)(void *))
{
	database_open(models);
	client_open(&c);
	as_task((void (*)(void *))fill, NULL);
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

static const char *add(const char *pk, const char *accessor, const char *json)
{
	return related(&c, RELATED_ADD, "Admin", pk, accessor, json);
}

static const char *take(const char *pk, const char *accessor, const char *json)
{
	return related(&c, RELATED_REMOVE, "Admin", pk, accessor, json);
}

static const char *set(const char *pk, const char *accessor, const char *json)
{
	return related(&c, RELATED_SET, "Admin", pk, accessor, json);
}

static const char *clear(const char *pk, const char *accessor)
{
	return related(&c, RELATED_CLEAR, "Admin", pk, accessor, NULL);
}

#define ck_servers(expected)                                                                       \
	ck_rows(&c, "SELECT admin_id, server_id FROM admin_servers ORDER BY 1, 2", expected)

DATABASE_TEST(rows_are_added_by_key_lookup_or_filter)
{
	ck_assert_str_eq(add("1", "servers", "{'objects': [5, {'host__startswith': 'prod-'}, 5]}"),
	                 "+4 -0");
	ck_servers("1,1|1,2|1,3|1,5");
	ck_assert_str_eq(add("1", "servers", "[1, 6]"), "+1 -0");
	ck_assert_str_eq(add("2", "servers", "{'filter': {'host__contains': 'test'}}"), "+3 -0");
	ck_assert_str_eq(add("2", "servers", "{'filter': {'host': 'none'}}"), "+0 -0");
	ck_servers("1,1|1,2|1,3|1,5|1,6|2,4|2,5|2,6");
	ck_assert_str_eq(
		related(&c, RELATED_ADD, "Server", "1", "admin_set", "{'objects': [1, {'name': 'a3'}]}"),
		"+1 -0");
	ck_rows(&c, "SELECT admin_id FROM admin_servers WHERE server_id = 1 ORDER BY 1", "1|3");
}

DATABASE_TEST(what_cannot_be_found_is_told)
{
	ck_assert_str_eq(add("9", "servers", "[1]"),
	                 "DoesNotExist: Admin matching query does not exist.");
	ck_assert_str_eq(add("1", "servers", "[1, {'host': 'none'}]"),
	                 "DoesNotExist: Server matching query does not exist.");
	ck_assert_str_eq(pointer_of(c.arena, c.error.pos), "/1");
	ck_assert_str_eq(add("1", "servers", "{'objects': [1, 99]}"),
	                 "IntegrityError: Server instance with this id does not exist.");
	ck_assert(str_is(c.error.fields[0], "server"));
	ck_assert_str_eq(
		add("1", "servers", "{'objects': [true]}"),
		"ValueError: An object of Server is a primary key or an object of lookups, not a boolean.");
	ck_assert_str_eq(
		add("1", "servers", "{}"),
		"BadRequest: Say which rows: \"objects\" (primary keys and lookups) or a \"filter\".");
	ck_servers("");
}

DATABASE_TEST(few_statements_are_needed)
{
	add("1", "servers", "[1, 2, 3]");
	ck_assert_uint_eq(c.session.usage.statements, 2);
	add("1", "servers", "{'objects': [4, {'host': 'prod-1'}, {'host': 'prod-2'}]}");
	ck_assert_uint_eq(c.session.usage.statements, 4);
	take("1", "servers", "[1]");
	ck_assert_uint_eq(c.session.usage.statements, 2);
	set("1", "servers", "[5, 6]");
	ck_assert_uint_eq(c.session.usage.statements, 3);
	add("1", "servers", "{'objects': 5}");
	ck_assert_uint_eq(c.session.usage.statements, 0);
	add("1", "granted", "{'objects': [1], 'through_defaults': {'level': 'x'}}");
	ck_assert_uint_eq(c.session.usage.statements, 0);
}

DATABASE_TEST(a_set_is_a_difference)
{
	add("1", "servers", "[1, 2, 3]");
	run_sql(&c, "CREATE TABLE before AS SELECT * FROM admin_servers");
	add("2", "servers", "[1]");
	ck_assert_str_eq(set("1", "servers", "[2, 3, 4]"), "+1 -1");
	ck_servers("1,2|1,3|1,4|2,1");
	ck_rows(&c, "SELECT count(*) FROM before JOIN admin_servers USING (id)", "2");
	ck_assert_str_eq(set("1", "servers", "[]"), "+0 -3");
	ck_assert_str_eq(set("1", "servers", "[5, 99]"),
	                 "IntegrityError: Server instance with this id does not exist.");
	ck_servers("2,1");
}

DATABASE_TEST(rows_are_removed_and_cleared)
{
	add("1", "servers", "[1, 2, 3]");
	add("2", "servers", "[1, 2]");
	ck_assert_str_eq(take("1", "servers", "[1, 6, {'host': 'prod-2'}]"), "+0 -2");
	ck_servers("1,3|2,1|2,2");
	ck_assert_str_eq(clear("2", "servers"), "+0 -2");
	ck_servers("1,3");
}

DATABASE_TEST(a_symmetrical_relation_has_both_directions)
{
	ck_assert_str_eq(add("1", "friends", "[2, 3, 1]"), "+3 -0");
	ck_rows(&c, "SELECT from_admin_id, to_admin_id FROM admin_friends ORDER BY 1, 2",
	        "1,1|1,2|1,3|2,1|3,1");
	ck_assert_str_eq(take("2", "friends", "[1]"), "+0 -1");
	ck_rows(&c, "SELECT from_admin_id, to_admin_id FROM admin_friends ORDER BY 1, 2",
	        "1,1|1,3|3,1");
	ck_assert_str_eq(set("1", "friends", "[4]"), "+1 -2");
	ck_rows(&c, "SELECT from_admin_id, to_admin_id FROM admin_friends ORDER BY 1, 2", "1,4|4,1");
	ck_assert_str_eq(clear("4", "friends"), "+0 -1");
	ck_rows(&c, "SELECT count(*) FROM admin_friends", "0");
}

DATABASE_TEST(a_relation_to_the_same_model_may_have_a_direction)
{
	ck_assert_str_eq(add("1", "follows", "[2, 3]"), "+2 -0");
	ck_assert_str_eq(related(&c, RELATED_ADD, "Admin", "2", "followers", "[1, 4]"), "+1 -0");
	ck_rows(&c, "SELECT from_admin_id, to_admin_id FROM admin_follows ORDER BY 1, 2",
	        "1,2|1,3|4,2");
}

DATABASE_TEST(a_join_model_of_ones_own_takes_its_defaults)
{
	ck_assert_str_eq(
		add("1", "granted",
	        "{'objects': [1, 2], 'through_defaults': {'level': 'admin', 'active': false}}"),
		"+2 -0");
	ck_assert_str_eq(add("1", "granted", "{'objects': [2, 3]}"), "+1 -0");
	ck_rows(&c,
	        "SELECT admin_id, server_id, level, active, made > now() - interval '1 minute' FROM "
	        "\"grant\" ORDER BY 2",
	        "1,1,admin,f,t|1,2,admin,f,t|1,3,,t,t");
	add("1", "granted", "{'objects': [4], 'through_defaults': {'level': 'root'}}");
	ck_assert_int_eq(c.error.kind, ERROR_VALIDATION);
	ck_assert_str_eq(pointer_of(c.arena, c.error.pos), "/through_defaults/level");
	add("1", "granted", "{'objects': [4], 'through_defaults': {'levl': 'read'}}");
	ck_assert_int_eq(c.error.kind, ERROR_FIELD);
	ck_rows(&c, "SELECT count(*) FROM \"grant\"", "3");
}

DATABASE_TEST(what_hangs_on_a_join_row_goes_with_it)
{
	add("1", "granted", "[1, 2, 3]");
	run_sql(&c, "INSERT INTO use (grant_id) SELECT id FROM \"grant\"");
	ck_assert_str_eq(take("1", "granted", "[1]"), "+0 -1");
	ck_rows(&c, "SELECT (SELECT count(*) FROM use), (SELECT count(*) FROM \"grant\")", "2,2");
	ck_assert_str_eq(set("1", "granted", "[3]"), "+0 -1");
	ck_assert_str_eq(clear("1", "granted"), "+0 -1");
	ck_rows(&c, "SELECT (SELECT count(*) FROM use), (SELECT count(*) FROM \"grant\")", "0,0");
}

DATABASE_TEST(rows_that_may_be_without_an_owner)
{
	run_sql(&c,
	        "INSERT INTO ticket SELECT n, CASE WHEN n < 3 THEN 1 END FROM generate_series(1, 5) n");
	ck_assert_str_eq(add("1", "ticket_set", "[2, 3, {'id__in': [4]}]"), "+2 -0");
	ck_rows(&c, "SELECT id FROM ticket WHERE admin_id = 1 ORDER BY 1", "1|2|3|4");
	ck_assert_str_eq(add("1", "ticket_set", "[5, 99]"),
	                 "DoesNotExist: Ticket matching query does not exist.");
	ck_assert_str_eq(pointer_of(c.arena, c.error.pos), "/1");
	ck_assert_str_eq(take("1", "ticket_set", "[1]"), "+0 -1");
	ck_assert_str_eq(take("1", "ticket_set", "[2, 5]"),
	                 "DoesNotExist: Ticket 5 is not related to this Admin.");
	ck_assert_str_eq(set("1", "ticket_set", "[2, 5]"), "+1 -2");
	ck_rows(&c, "SELECT id FROM ticket WHERE admin_id = 1 ORDER BY 1", "2|5");
	ck_assert_str_eq(clear("1", "ticket_set"), "+0 -2");
	ck_rows(&c, "SELECT count(*) FROM ticket WHERE admin_id IS NULL", "5");
}

DATABASE_TEST(rows_that_must_have_an_owner)
{
	run_sql(&c, "INSERT INTO badge VALUES (1, 1), (2, 2)");
	ck_assert_str_eq(take("1", "badge_set", "[1]"),
	                 "TypeError: remove() is only available when the foreign key may be null; "
	                 "Badge.admin may not.");
	ck_assert_str_eq(clear("1", "badge_set"), "TypeError: clear() is only available when the "
	                                          "foreign key may be null; Badge.admin may not.");
	ck_assert_str_eq(set("1", "badge_set", "[2]"), "+1 -0");
	ck_rows(&c, "SELECT admin_id FROM badge", "1|1");
	ck_assert_str_eq(related(&c, RELATED_ADD, "Admin", "1", "desk", "[1]"),
	                 "TypeError: 'Desk.admin' leads to one row at most; write to that row or to "
	                 "its key instead.");
}

DATABASE_TEST(a_manager_creates_rows_of_its_own)
{
	ck_assert_str_eq(create_related(&c, "Admin", "1", "badge_set", "{}"),
	                 "{\"id\":1,\"admin_id\":1}");
	ck_assert_str_eq(create_related(&c, "Admin", "1", "badge_set", "[{}, {'admin': 2}]"),
	                 "{\"id\":2,\"admin_id\":1},{\"id\":3,\"admin_id\":1}");
	run_sql(&c, "SELECT setval(pg_get_serial_sequence('server', 'id'), 10)");
	ck_assert_str_eq(create_related(&c, "Admin", "2", "servers", "{'host': 'new'}"),
	                 "{\"id\":11,\"host\":\"new\"}");
	ck_servers("2,11");
	ck_assert_str_eq(create_related(&c, "Admin", "2", "granted",
	                                "{'host': 'other', 'through_defaults': {'level': 'read'}}"),
	                 "{\"id\":12,\"host\":\"other\"}");
	ck_rows(&c, "SELECT admin_id, server_id, level FROM \"grant\"", "2,12,read");
	ck_assert_str_eq(create_related(&c, "Admin", "9", "servers", "{'host': 'lost'}"),
	                 "DoesNotExist: Admin matching query does not exist.");
	ck_rows(&c, "SELECT count(*) FROM server WHERE host = 'lost'", "0");
}

/* -- races ------------------------------------------------------------------------- */

struct adder {
	struct client client;
	const char *answer;
};

static void add_all(void *arg)
{
	struct adder *adder = arg;
	client_open(&adder->client);
	adder->answer =
		related(&adder->client, RELATED_SET, "Admin", "1", "servers", "[1, 2, 3, 4, 5, 6]");
}

START_TEST(many_that_add_the_same_rows_leave_each_once)
{
	enum { N = 8 };
	static struct adder adders[N];
	void *args[N];

	database_open(models);
	client_open(&c);
	as_task((void (*)(void *))fill, NULL);
	for (size_t i = 0; i < N; i++)
		args[i] = &adders[i];
	as_tasks(add_all, args, N);
	for (size_t i = 0; i < N; i++) {
		ck_assert_msg(adders[i].answer[0] == '+', "%s", adders[i].answer);
		client_close(&adders[i].client);
	}
	client_close(&c);
	database_close();
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "related");
	tcase_add_test(group, rows_are_added_by_key_lookup_or_filter);
	tcase_add_test(group, what_cannot_be_found_is_told);
	tcase_add_test(group, few_statements_are_needed);
	tcase_add_test(group, a_set_is_a_difference);
	tcase_add_test(group, rows_are_removed_and_cleared);
	tcase_add_test(group, a_symmetrical_relation_has_both_directions);
	tcase_add_test(group, a_relation_to_the_same_model_may_have_a_direction);
	tcase_add_test(group, a_join_model_of_ones_own_takes_its_defaults);
	tcase_add_test(group, what_hangs_on_a_join_row_goes_with_it);
	tcase_add_test(group, rows_that_may_be_without_an_owner);
	tcase_add_test(group, rows_that_must_have_an_owner);
	tcase_add_test(group, a_manager_creates_rows_of_its_own);
	tcase_add_test(group, many_that_add_the_same_rows_leave_each_once);
	return suite_main(suite);
}
