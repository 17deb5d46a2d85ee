/* create, bulk_create, get_or_create, update and one row on a real PostgreSQL. */
#include "tests/write/database.h"

static const char models[] =
	"{'models': {"
	"'Role': {'fields': {'name': {'type': 'CharField', 'max_length': 20, 'unique': true}}},"
	"'Employee': {'fields': {"
	"  'name': {'type': 'CharField', 'max_length': 20},"
	"  'years': {'type': 'PositiveSmallIntegerField', 'default': 1},"
	"  'salary': {'type': 'DecimalField', 'max_digits': 8, 'decimal_places': 2, 'default': "
    "'10.00'},"
	"  'bonus': {'type': 'DecimalField', 'max_digits': 8, 'decimal_places': 2, 'default': 0},"
	"  'role': {'type': 'ForeignKey', 'to': 'Role', 'on_delete': 'CASCADE'}"
	"}},"
	"'Vote': {'fields': {"
	"  'who': {'type': 'CharField', 'max_length': 9},"
	"  'what': {'type': 'IntegerField'}},"
	" 'Meta': {'constraints': [{'type': 'UniqueConstraint', 'fields': ['who', 'what'], 'name': "
    "'one_vote'},"
	"   {'type': 'CheckConstraint', 'condition': {'what__lt': 100}, 'name': 'what_is_small'},"
	"   {'type': 'CheckConstraint', 'condition': {'what__gt': -100}, 'name': 'what_is_large',"
	"    'violation_error_message': 'Too low.'}]}},"
	"'Stamp': {'fields': {"
	"  'text': {'type': 'CharField', 'max_length': 9, 'blank': true},"
	"  'made': {'type': 'DateTimeField', 'auto_now_add': true},"
	"  'seen': {'type': 'DateTimeField', 'auto_now': true},"
	"  'day': {'type': 'DateField', 'auto_now_add': true},"
	"  'token': {'type': 'UUIDField', 'default': {'RandomUUID': []}},"
	"  'kept': {'type': 'IntegerField', 'db_default': 3},"
	"  'data': {'type': 'JSONField', 'default': {}},"
	"  'tags': {'type': 'ArrayField', 'base_field': {'type': 'CharField', 'max_length': 9}, "
    "'default': []},"
	"  'grid': {'type': 'ArrayField', 'base_field': {'type': 'ArrayField', 'base_field': "
    "'IntegerField'}, 'default': []},"
	"  'blob': {'type': 'BinaryField', 'null': true, 'blank': true},"
	"  'span': {'type': 'DurationField', 'null': true, 'blank': true},"
	"  'free': {'type': 'JSONField', 'null': true, 'blank': true}"
	"}},"
	"'Country': {'fields': {'code': {'type': 'CharField', 'max_length': 2, 'unique': true}}},"
	"'City': {'fields': {'country': {'type': 'ForeignKey', 'to': 'Country', 'to_field': 'code', "
    "'on_delete': 'CASCADE'}}},"
	"'Question': {'fields': {'text': {'type': 'CharField', 'max_length': 9, 'blank': true}}},"
	"'Answer': {'fields': {'question': {'type': 'ForeignKey', 'to': 'Question', 'on_delete': "
    "'CASCADE'}},"
	"  'Meta': {'order_with_respect_to': 'question'}},"
	"'Pair': {'fields': {'a': 'IntegerField', 'b': 'IntegerField', 'c': {'type': 'IntegerField', "
    "'default': 0}},"
	"  'Meta': {'primary_key': ['a', 'b']}}"
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

static unsigned statements(void)
{
	return c.session.usage.statements;
}

DATABASE_TEST(a_row_is_created_by_key_or_by_lookups)
{
	run_sql(&c, "INSERT INTO role VALUES (2, 'Manager'), (3, 'Senior')");
	ck_assert_str_eq(create(&c, "Employee", "{'name': 'Alice', 'years': 5, 'role_id': 2}"),
	                 "{\"id\":1,\"name\":\"Alice\",\"years\":5,\"salary\":\"10.00\",\"bonus\":\"0."
	                 "00\",\"role_id\":2}");
	ck_assert_uint_eq(statements(), 1);
	ck_assert_str_eq(create(&c, "Employee", "{'name': 'Bob', 'role': {'name': 'Senior'}}"),
	                 "{\"id\":2,\"name\":\"Bob\",\"years\":1,\"salary\":\"10.00\",\"bonus\":\"0."
	                 "00\",\"role_id\":3}");
	ck_assert_uint_eq(statements(), 2);
	ck_assert_str_eq(create(&c, "Employee", "{'name': 'Eve', 'role': {'name': 'None'}}"),
	                 "DoesNotExist: Role matching query does not exist.");
	ck_assert_str_eq(pointer_of(c.arena, c.error.pos), "/role");
	ck_assert_str_eq(
		create(&c, "Employee", "{'name': 'Eve', 'role': {'name__contains': 'e'}}"),
		"MultipleObjectsReturned: get() returned more than one Role -- it returned 2!");
	run_sql(&c, "INSERT INTO role SELECT n, 'role ' || n FROM generate_series(10, 40) n");
	ck_assert_str_eq(
		create(&c, "Employee", "{'name': 'Eve', 'role': {'id__in': [10, 11, 12]}}"),
		"MultipleObjectsReturned: get() returned more than one Role -- it returned 3!");
	ck_assert_str_eq(
		create(&c, "Employee", "{'name': 'Eve', 'role': {'id__gte': 10}}"),
		"MultipleObjectsReturned: get() returned more than one Role -- it returned more than 20!");
	ck_rows(&c, "SELECT count(*) FROM employee", "2");
}

DATABASE_TEST(the_database_is_not_asked_about_a_row_that_is_not_valid)
{
	create(&c, "Employee", "{'name': '', 'years': -1, 'role': {'name': 'x'}}");
	ck_assert_int_eq(c.error.kind, ERROR_VALIDATION);
	ck_assert_uint_eq(c.error.nviolations, 2);
	ck_assert_uint_eq(statements(), 0);
}

DATABASE_TEST(a_foreign_key_to_nothing_is_told_with_its_field)
{
	for (int i = 0; i < 20; i++) {
		ck_assert_str_eq(create(&c, "Employee", "{'name': 'x', 'role': 99}"),
		                 "IntegrityError: Role instance with this id does not exist.");
		ck_assert_uint_eq(c.error.nfields, 1);
		ck_assert(str_is(c.error.fields[0], "role"));
		ck_assert(str_starts(c.error.constraint, STR("employee_role_id_")));
	}
	ck_rows(&c, "SELECT count(*) FROM employee", "0");
}

DATABASE_TEST(constraints_speak_as_django_does)
{
	create(&c, "Role", "{'name': 'a'}");
	ck_assert_str_eq(create(&c, "Role", "{'name': 'a'}"),
	                 "IntegrityError: Role with this Name already exists.");
	ck_assert_str_eq(create(&c, "Role", "{'id': 1, 'name': 'b'}"),
	                 "IntegrityError: Role with this ID already exists.");
	create(&c, "Vote", "{'who': 'a', 'what': 1}");
	ck_assert_str_eq(create(&c, "Vote", "{'who': 'a', 'what': 1}"),
	                 "IntegrityError: Vote with this Who and What already exists.");
	ck_assert(str_is(c.error.constraint, "one_vote"));
	ck_assert_uint_eq(c.error.nfields, 2);
	ck_assert(str_is(c.error.fields[1], "what"));
	ck_assert_str_eq(create(&c, "Vote", "{'who': 'a', 'what': 100}"),
	                 "IntegrityError: Constraint “what_is_small” is violated.");
	ck_assert_str_eq(create(&c, "Vote", "{'who': 'a', 'what': -100}"), "IntegrityError: Too low.");
}

DATABASE_TEST(defaults_are_made_for_each_row)
{
	ck_assert_ptr_nonnull(
		strstr(create(&c, "Stamp", "{}"), "\"kept\":3,\"data\":{},\"tags\":[],\"grid\":[]"));
	bulk_create(&c, "Stamp", "[{}, {}, {'kept': 7, 'text': 'x'}]");
	ck_rows(&c,
	        "SELECT count(*), count(DISTINCT token), sum(kept), count(DISTINCT made) FROM stamp",
	        "4,4,16,2");
	ck_rows(&c,
	        "SELECT count(*) FROM stamp WHERE made > now() - interval '1 minute' AND seen = made "
	        "AND day = (now() AT TIME ZONE 'UTC')::date",
	        "4");
}

DATABASE_TEST(every_kind_of_value_goes_one_by_one_and_in_bulk)
{
	static const char row[] =
		"{'text': 'é\\\\%', 'token': '00000000-0000-0000-0000-00000000000a', 'data': {'a': [1, "
	    "null, 'x\\\\']}, "
		"'tags': ['a', 'b c'], 'grid': [[1, 2], [3, 4]], 'blob': 'AAEC', 'span': 'P1DT2H', "
		"'free': {'Value': null}}";
	static const char select[] =
		"SELECT DISTINCT text, token, data, tags, grid, blob, span, free, free IS NULL FROM stamp";

	create(&c, "Stamp", row);
	ck_assert_msg(!error_is_set(&c.error), "%.*s", STR_ARG(c.error.detail));
	bulk_create(&c, "Stamp", arena_cstr(c.arena, arena_printf(c.arena, "[%s, %s]", row, row)));
	ck_assert_msg(!error_is_set(&c.error), "%.*s", STR_ARG(c.error.detail));
	ck_rows(&c, "SELECT count(*) FROM stamp", "3");
	ck_rows(&c, select,
	        "é\\%,00000000-0000-0000-0000-00000000000a,{\"a\": [1, null, \"x\\\\\"]},{a,\"b c\"},"
	        "{{1,2},{3,4}},\\x000102,P1DT2H,null,f");
}

DATABASE_TEST(many_rows_are_one_statement_and_keep_their_order)
{
	run_sql(&c, "INSERT INTO role VALUES (2, 'Manager')");
	const char *answer =
		bulk_create(&c, "Employee",
	                "{'objects': [{'name': 'a', 'role': 2}, {'name': 'b', 'role': 2},"
	                " {'name': 'c', 'role': {'name': 'Manager'}}]}");
	ck_assert_uint_eq(statements(), 2);
	const char *a = strstr(answer, "\"a\""), *b = strstr(answer, "\"b\""),
			   *d = strstr(answer, "\"c\"");
	ck_assert(a && a < b && b < d);
	ck_assert_str_eq(create(&c, "Role", "[]"), "");
	ck_assert_uint_eq(statements(), 0);
}

DATABASE_TEST(rows_of_several_shapes_keep_their_order)
{
	const char *answer =
		create(&c, "Role",
	           "[{'id': 50, 'name': 'a'}, {'name': 'b'}, {'id': 40, 'name': 'c'}, {'name': 'd'}]");

	ck_assert_str_eq(answer, "{\"id\":50,\"name\":\"a\"},{\"id\":1,\"name\":\"b\"},{\"id\":40,"
	                         "\"name\":\"c\"},{\"id\":2,\"name\":\"d\"}");
	ck_assert_uint_eq(statements(), 2);
}

DATABASE_TEST(one_bad_row_of_many_keeps_all_out)
{
	ck_assert_str_eq(
		bulk_create(&c, "Role", "[{'name': 'a'}, {'id': 9, 'name': 'b'}, {'name': 'a'}]"),
		"IntegrityError: Role with this Name already exists.");
	ck_rows(&c, "SELECT count(*) FROM role", "0");
	ck_assert_str_eq(
		bulk_create(
			&c, "Role",
			"{'objects': [{'name': 'a'}, {'name': 'a'}, {'name': 'b'}], 'ignore_conflicts': true}"),
		"{\"id\":3,\"name\":\"a\"},{\"id\":5,\"name\":\"b\"}");
}

DATABASE_TEST(twenty_five_thousand_rows_go_in_three_statements)
{
	struct buf text = {0};

	buf_add_char(&text, '[');
	for (int i = 0; i < 25000; i++)
		buf_printf(&text, "%s{\"who\": \"w%d\", \"what\": %d}", i ? ", " : "", i, i % 100);
	buf_add_char(&text, ']');
	bulk_create(&c, "Vote", arena_cstr(c.arena, buf_str(&text)));
	buf_release(&text);
	ck_assert(!error_is_set(&c.error));
	ck_assert_uint_eq(statements(), 3);
	ck_rows(&c, "SELECT count(*), min(id), max(id) FROM vote", "25000,1,25000");
	ck_rows(&c, "SELECT who FROM vote WHERE id = 20001", "w20000");
}

DATABASE_TEST(a_key_that_is_not_the_primary_key)
{
	create(&c, "Country", "{'code': 'FI'}");
	ck_assert_str_eq(create(&c, "City", "{'country': 'FI'}"), "{\"id\":1,\"country_id\":\"FI\"}");
	ck_assert_str_eq(create(&c, "City", "{'country': {'pk': 1}}"),
	                 "{\"id\":2,\"country_id\":\"FI\"}");
	ck_assert_str_eq(create_related(&c, "Country", "1", "city_set", "{}"),
	                 "{\"id\":3,\"country_id\":\"FI\"}");
	ck_assert_str_eq(create_related(&c, "Country", "9", "city_set", "{}"),
	                 "DoesNotExist: Country matching query does not exist.");
	ck_assert_str_eq(delete_rows(&c, "Country", "{}"), "4 City=3 Country=1");
}

DATABASE_TEST(get_or_create_finds_or_makes)
{
	ck_assert_str_eq(get_or_create(&c, "Role", "{'lookup': {'name': 'a'}}"),
	                 "created {\"id\":1,\"name\":\"a\"}");
	ck_assert_uint_eq(statements(), 2);
	ck_assert_str_eq(get_or_create(&c, "Role", "{'lookup': {'name': 'a'}}"),
	                 "found {\"id\":1,\"name\":\"a\"}");
	ck_assert_uint_eq(statements(), 1);
	ck_assert_str_eq(
		get_or_create(&c, "Role", "{'lookup': {'name__iexact': 'B'}, 'defaults': {'name': 'b'}}"),
		"created {\"id\":2,\"name\":\"b\"}");
	ck_assert_str_eq(
		get_or_create(&c, "Role", "{'lookup': {'name__contains': 'z'}, 'defaults': {'name': 'a'}}"),
		"IntegrityError: Role with this Name already exists.");
	ck_assert_str_eq(
		get_or_create(&c, "Role", "{'lookup': {'id__gt': 0}, 'defaults': {'name': 'x'}}"),
		"MultipleObjectsReturned: get() returned more than one Role -- it returned 2!");
	ck_assert_str_eq(
		get_or_create(&c, "Role", "{'lookup': {'name': 'c', 'id': 7}, 'defaults': {'pk': 8}}"),
		"created {\"id\":8,\"name\":\"c\"}");
	ck_assert_str_eq(get_or_create(&c, "Role", "{'defaults': {}}"),
	                 "BadRequest: get_or_create needs a \"lookup\".");
}

DATABASE_TEST(update_reads_every_right_side_first)
{
	run_sql(&c, "INSERT INTO role VALUES (2, 'Manager'), (3, 'Senior')");
	run_sql(&c, "INSERT INTO employee (name, years, salary, bonus, role_id) VALUES ('a', 1, 10, 5, "
	            "2), ('b', 2, 20, 6, 3)");
	ck_assert_str_eq(
		update(&c, "Employee", "{}", "{'salary': {'F': 'bonus'}, 'bonus': {'F': 'salary'}}"), "2");
	ck_rows(&c, "SELECT salary, bonus FROM employee ORDER BY id", "5.00,10.00|6.00,20.00");
	ck_assert_str_eq(update(&c, "Employee", "{'filter': {'role__name': 'Senior'}}",
	                        "{'salary': {'*': [{'F': 'salary'}, '1.10']}}"),
	                 "1");
	ck_rows(&c, "SELECT salary FROM employee ORDER BY id", "5.00|6.60");
	ck_assert_str_eq(update(&c, "Employee", "{}", "{'role': {'name': 'Senior'}}"), "2");
	ck_rows(&c, "SELECT DISTINCT role_id FROM employee", "3");
	ck_assert_str_eq(update(&c, "Employee", "{}", "{}"), "0");
	update(&c, "Employee", "{}", "{'years': 40000, 'name': null, 'salary': {'F': 'bonus'}}");
	ck_assert_int_eq(c.error.kind, ERROR_VALIDATION);
	ck_assert_uint_eq(c.error.nviolations, 2);
	ck_assert_str_eq(update(&c, "Employee", "{}", "{'nam': 'x'}"),
	                 "FieldError: Employee has no field named 'nam'.");
	ck_assert(str_is(c.error.suggestion, "name"));
}

DATABASE_TEST(what_an_expression_breaks_is_told_with_its_field)
{
	run_sql(&c, "INSERT INTO role VALUES (2, 'Manager')");
	create(&c, "Employee", "{'name': 'a', 'role': 2}");
	ck_assert_str_eq(update(&c, "Employee", "{}", "{'years': {'-': [{'F': 'years'}, 5]}}"),
	                 "IntegrityError: Years: the value is out of range.");
	ck_assert(str_is(c.error.fields[0], "years"));
	ck_assert_str_eq(
		update(&c, "Employee", "{}", "{'name': {'NullIf': [{'F': 'name'}, {'F': 'name'}]}}"),
		"IntegrityError: Employee.name cannot be null.");
	ck_assert(str_is(c.error.fields[0], "name"));
	ck_assert_str_eq(update(&c, "Employee", "{}", "{'role': {'+': [{'F': 'id'}, 50]}}"),
	                 "IntegrityError: Role instance with this id does not exist.");
	ck_rows(&c, "SELECT name, years, role_id FROM employee", "a,1,2");
}

DATABASE_TEST(one_row_is_patched_or_replaced)
{
	run_sql(&c, "INSERT INTO role VALUES (2, 'Manager')");
	create(&c, "Employee", "{'name': 'a', 'years': 5, 'salary': 99, 'role': 2}");
	ck_assert_str_eq(
		change_row(&c, "Employee", "1", "{'years': {'+': [{'F': 'years'}, 1]}}", false),
		"{\"id\":1,\"name\":\"a\",\"years\":6,\"salary\":\"99.00\",\"bonus\":\"0.00\",\"role_id\":"
	    "2}");
	ck_assert_uint_eq(statements(), 1);
	ck_assert_str_eq(change_row(&c, "Employee", "1", "{'name': 'b', 'role': 2, 'id': 1}", true),
	                 "{\"id\":1,\"name\":\"b\",\"years\":1,\"salary\":\"10.00\",\"bonus\":\"0.00\","
	                 "\"role_id\":2}");
	change_row(&c, "Employee", "1", "{'name': 'b'}", true);
	ck_assert_int_eq(c.error.kind, ERROR_VALIDATION);
	ck_assert_str_eq(pointer_of(c.arena, c.error.pos), "/role");
	ck_assert_str_eq(change_row(&c, "Employee", "1", "{'id': 2}", false),
	                 "ValueError: The primary key of a row cannot be changed; the address says 1.");
	ck_assert_str_eq(change_row(&c, "Employee", "9", "{'name': 'b'}", false),
	                 "DoesNotExist: Employee matching query does not exist.");
	ck_assert_ptr_nonnull(strstr(change_row(&c, "Employee", "1", "{}", false), "\"name\":\"b\""));
}

DATABASE_TEST(saving_a_row_sets_auto_now_and_an_update_does_not)
{
	create(&c, "Stamp", "{}");
	run_sql(&c, "UPDATE stamp SET seen = '2001-01-01Z', made = '2001-01-01Z'");
	update(&c, "Stamp", "{}", "{'text': 'x'}");
	ck_rows(&c, "SELECT seen FROM stamp", "2001-01-01 00:00:00+00");
	change_row(&c, "Stamp", "1", "{'text': 'y'}", false);
	ck_assert(!error_is_set(&c.error));
	ck_rows(&c, "SELECT seen > now() - interval '1 minute', made FROM stamp",
	        "t,2001-01-01 00:00:00+00");
	change_row(&c, "Stamp", "1", "{'tags': ['q']}", true);
	ck_assert_msg(!error_is_set(&c.error), "%.*s", STR_ARG(c.error.detail));
	ck_rows(&c, "SELECT made, tags, data, text FROM stamp", "2001-01-01 00:00:00+00,{q},{},");
}

DATABASE_TEST(a_whole_row_gets_the_databases_defaults_again)
{
	create(&c, "Stamp", "{}");
	ck_assert_ptr_nonnull(strstr(change_row(&c, "Stamp", "1", "{'kept': 9}", false), "\"kept\":9"));
	ck_assert_ptr_nonnull(strstr(change_row(&c, "Stamp", "1", "{'text': 'y'}", true), "\"kept\":3"));
}

DATABASE_TEST(a_row_is_ordered_behind_its_siblings)
{
	create(&c, "Question", "[{}, {}]");
	create(&c, "Answer", "{'question': 1}");
	ck_assert_msg(!error_is_set(&c.error), "%.*s", STR_ARG(c.error.detail));
	create(&c, "Answer", "{'question': 1}");
	create(&c, "Answer", "{'question': 2}");
	create_related(&c, "Question", "2", "answer_set", "{'_order': 7}");
	bulk_create(&c, "Answer", "[{'question': 1}, {'question': 2}, {'question': 1}]");
	ck_assert_msg(!error_is_set(&c.error), "%.*s", STR_ARG(c.error.detail));
	ck_rows(&c, "SELECT question_id, _order FROM answer ORDER BY 1, 2",
	        "1,0|1,1|1,2|1,3|2,0|2,7|2,8");
}

DATABASE_TEST(composite_keys_are_written_and_deleted)
{
	ck_assert_str_eq(bulk_create(&c, "Pair", "[{'a': 1, 'b': 2}, {'a': 1, 'b': 3}]"),
	                 "{\"a\":1,\"b\":2,\"c\":0},{\"a\":1,\"b\":3,\"c\":0}");
	ck_assert_str_eq(create(&c, "Pair", "{'a': 1, 'b': 2}"),
	                 "IntegrityError: Pair with this A and B already exists.");
	ck_assert_str_eq(delete_rows(&c, "Pair", "{'filter': {'b': 3}}"), "1 Pair=1");
	ck_rows(&c, "SELECT a, b FROM pair", "1,2");
}

/* -- races ------------------------------------------------------------------------- */

struct racer {
	struct client client;
	const char *answer;
};

static void race(void *arg)
{
	struct racer *racer = arg;
	client_open(&racer->client);
	racer->answer = get_or_create(&racer->client, "Role", "{'lookup': {'name': 'raced'}}");
}

START_TEST(many_that_get_or_create_the_same_make_one)
{
	enum { N = 16 };
	static struct racer racers[N];
	void *args[N];
	size_t created = 0, found = 0;

	database_open(models);
	for (size_t i = 0; i < N; i++)
		args[i] = &racers[i];
	as_tasks(race, args, N);
	for (size_t i = 0; i < N; i++) {
		created += strncmp(racers[i].answer, "created ", 8) == 0;
		found += strncmp(racers[i].answer, "found ", 6) == 0;
		client_close(&racers[i].client);
	}
	ck_assert_uint_eq(created, 1);
	ck_assert_uint_eq(found, N - 1);
	database_close();
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "create");
	tcase_add_test(group, a_row_is_created_by_key_or_by_lookups);
	tcase_add_test(group, the_database_is_not_asked_about_a_row_that_is_not_valid);
	tcase_add_test(group, a_foreign_key_to_nothing_is_told_with_its_field);
	tcase_add_test(group, constraints_speak_as_django_does);
	tcase_add_test(group, defaults_are_made_for_each_row);
	tcase_add_test(group, every_kind_of_value_goes_one_by_one_and_in_bulk);
	tcase_add_test(group, many_rows_are_one_statement_and_keep_their_order);
	tcase_add_test(group, rows_of_several_shapes_keep_their_order);
	tcase_add_test(group, one_bad_row_of_many_keeps_all_out);
	tcase_add_test(group, twenty_five_thousand_rows_go_in_three_statements);
	tcase_add_test(group, a_key_that_is_not_the_primary_key);
	tcase_add_test(group, get_or_create_finds_or_makes);
	tcase_add_test(group, update_reads_every_right_side_first);
	tcase_add_test(group, what_an_expression_breaks_is_told_with_its_field);
	tcase_add_test(group, one_row_is_patched_or_replaced);
	tcase_add_test(group, saving_a_row_sets_auto_now_and_an_update_does_not);
	tcase_add_test(group, a_whole_row_gets_the_databases_defaults_again);
	tcase_add_test(group, a_row_is_ordered_behind_its_siblings);
	tcase_add_test(group, composite_keys_are_written_and_deleted);
	tcase_add_test(group, many_that_get_or_create_the_same_make_one);
	return suite_main(suite);
}
