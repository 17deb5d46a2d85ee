/* Rows together with their related rows, upserts and update_or_create on a real PostgreSQL. */
#include "orm/write/nested.h"
#include "tests/write/database.h"

static const char models[] =
	"{'models': {"
	"'Author': {'fields': {'handle': {'type': 'CharField', 'max_length': 9, 'unique': true}}},"
	"'Tag': {'fields': {'name': {'type': 'CharField', 'max_length': 9, 'unique': true}}},"
	"'Article': {'fields': {"
	"  'title': {'type': 'CharField', 'max_length': 9, 'unique': true},"
	"  'reads': {'type': 'IntegerField', 'default': 0},"
	"  'author': {'type': 'ForeignKey', 'to': 'Author', 'on_delete': 'CASCADE', 'null': true, "
	"'blank': true},"
	"  'tags': {'type': 'ManyToManyField', 'to': 'Tag'}}},"
	"'Vote': {'fields': {"
	"  'author': {'type': 'ForeignKey', 'to': 'Author', 'on_delete': 'CASCADE'},"
	"  'article': {'type': 'ForeignKey', 'to': 'Article', 'on_delete': 'CASCADE'},"
	"  'weight': {'type': 'PositiveIntegerField', 'default': 1}},"
	" 'Meta': {'constraints': [{'type': 'UniqueConstraint', 'fields': ['author', 'article'], "
	"'name': "
	"'one_vote'}]}},"
	"'Line': {'fields': {'text': {'type': 'CharField', 'max_length': 9},"
	"  'article': {'type': 'ForeignKey', 'to': 'Article', 'on_delete': 'CASCADE'}},"
	" 'Meta': {'order_with_respect_to': 'article'}},"
	"'Summary': {'fields': {"
	"  'article': {'type': 'OneToOneField', 'to': 'Article', 'on_delete': 'CASCADE'},"
	"  'text': {'type': 'CharField', 'max_length': 9}}}"
	"}}";

#define COUNTS                                                                                     \
	"SELECT (SELECT count(*) FROM author), (SELECT count(*) FROM article), "                       \
	"(SELECT count(*) FROM vote), (SELECT count(*) FROM article_tags)"

static struct client c;

static void with_authors(void *arg)
{
	void (**fn)(void *) = arg;

	run_sql(&c, "INSERT INTO author (handle) VALUES ('x'), ('y')");
	(*fn)(NULL);
}

static void run(void (*fn)(void *))
{
	database_open(models);
	client_open(&c);
	as_task(with_authors, &fn);
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

static const char *repeated(unsigned n)
{
	struct buf text = {0};

	buf_add_char(&text, '[');
	for (unsigned i = 0; i < n; i++)
		buf_printf(&text,
		           "%s{'title': 't%u', 'author': {'create': {'handle': 'h%u'}},"
		           " 'vote_set': [{'author': 1}, {'author': {'handle': 'y'}, 'weight': %u}],"
		           " 'tags': [{'create': {'name': 'n%u'}}]}",
		           i ? ", " : "", i, i, i, i);
	buf_add_char(&text, ']');
	const char *copy = arena_cstr(c.arena, buf_str(&text));
	buf_release(&text);
	return copy;
}

DATABASE_TEST(a_level_is_one_statement_however_many_parents_it_has)
{
	unsigned few;

	bulk_create(&c, "Article", repeated(1));
	ck_assert_int_eq(c.error.kind, ERROR_NONE);
	few = c.session.usage.statements;
	/* authors, articles, the lookup of y, votes, tags, join rows */
	ck_assert_uint_eq(few, 6);
	run_sql(&c, "TRUNCATE article CASCADE");
	run_sql(&c, "DELETE FROM tag");
	run_sql(&c, "DELETE FROM author WHERE id > 2");
	bulk_create(&c, "Article", repeated(300));
	ck_assert_int_eq(c.error.kind, ERROR_NONE);
	ck_assert_uint_eq(c.session.usage.statements, few);
	ck_rows(&c, COUNTS, "302,300,600,300");
	ck_rows(&c,
	        "SELECT count(*) FROM article a JOIN author h ON h.id = a.author_id "
	        "JOIN vote v ON v.article_id = a.id AND v.author_id = 2 "
	        "JOIN article_tags l ON l.article_id = a.id JOIN tag t ON t.id = l.tag_id "
	        "WHERE h.handle = 'h' || v.weight AND a.title = 't' || v.weight AND t.name = 'n' || "
	        "v.weight",
	        "300");
}

DATABASE_TEST(violations_of_all_levels_come_together_and_ask_no_database)
{
	create(
		&c, "Article",
		"{'title': '', 'author': {'create': {'handle': '0123456789'}}, 'vote_set': [{'author': 1, "
		"'weight': -1}, {}], 'summary': {}, 'tags': [{'create': {}}]}");
	ck_assert_int_eq(c.error.kind, ERROR_VALIDATION);
	ck_assert_uint_eq(c.error.nviolations, 6);
	ck_assert_uint_eq(c.session.usage.statements, 0);
	ck_assert_str_eq(pointer_of(c.arena, c.error.violations[0].pos), "/title");
	ck_assert_str_eq(pointer_of(c.arena, c.error.violations[1].pos), "/author/create/handle");
	ck_assert_str_eq(pointer_of(c.arena, c.error.violations[2].pos), "/vote_set/0/weight");
	ck_assert_str_eq(pointer_of(c.arena, c.error.violations[3].pos), "/vote_set/1/author");
	ck_assert_str_eq(pointer_of(c.arena, c.error.violations[4].pos), "/summary/text");
	ck_assert_str_eq(pointer_of(c.arena, c.error.violations[5].pos), "/tags/0/create/name");
}

DATABASE_TEST(nothing_is_left_of_what_a_later_level_refused)
{
	ck_assert_str_eq(create(&c, "Article",
	                        "{'title': 'a', 'author': {'create': {'handle': 'z'}}, "
	                        "'vote_set': [{'author': 1}, {'author': 1}]}"),
	                 "IntegrityError: Vote with this Author and Article already exists.");
	ck_assert_str_eq(
		create(&c, "Article", "{'title': 'a', 'tags': [{'create': {'name': 'n'}}, 99]}"),
		"IntegrityError: Tag instance with this id does not exist.");
	ck_rows(&c, COUNTS, "2,0,0,0");
	ck_rows(&c, "SELECT count(*) FROM tag", "0");
}

DATABASE_TEST(paths_of_what_was_written_are_told_in_order)
{
	struct written written;

	client_again(&c);
	ck_assert(write_create(
		&c.session, model_named(registry, "Article"), NULL, NULL,
		value_from(
			c.arena,
			"{'tags': [{'create': {'name': 'n', 'article_set': [{'create': {'title': 'b'}}]}}], "
			"'title': 'a', 'vote_set': [{'author': {'create': {'handle': 'q'}}}], 'summary': "
			"null}"),
		&written, &c.error));
	static const char *const paths[] = {"tags", "tags__article_set", "vote_set", "vote_set__author",
	                                    "summary"};
	ck_assert_uint_eq(written.embedded.n, 5);
	for (size_t i = 0; i < 5; i++)
		ck_assert(str_is(written.embedded.items[i], paths[i]));
}

DATABASE_TEST(a_refused_get_or_create_leaves_the_transaction_usable)
{
	struct db_tx *tx;

	create(&c, "Article", "{'title': 'a'}");
	client_again(&c);
	ck_assert(db_begin(&c.session, DB_READ_COMMITTED, &tx, &c.error));
	ck_assert_str_eq(get_or_create(&c, "Article",
	                               "{'lookup': {'reads': 7}, 'defaults': {'title': 'a', 'author': "
	                               "{'create': {'handle': 'z'}}}}"),
	                 "IntegrityError: Article with this Title already exists.");
	ck_assert_str_eq(get_or_create(&c, "Author", "{'lookup': {'handle': 'x'}}"),
	                 "found {\"id\":1,\"handle\":\"x\"}");
	ck_assert(db_commit(tx, &c.error));
	ck_rows(&c, COUNTS, "2,1,0,0");
}

DATABASE_TEST(a_row_changes_with_its_related_rows)
{
	create(&c, "Article",
	       "{'title': 'a', 'vote_set': [{'author': 1}, {'author': 2}], 'tags': [{'create': "
	       "{'name': 'n'}}]}");
	change_row(
		&c, "Article", "1",
		"{'reads': {'+': [{'F': 'reads'}, 5]}, 'vote_set': {'delete': [1], 'update': [{'id': 2, "
		"'weight': 9}]}, 'tags': {'set': [{'create': {'name': 'm'}}]}, 'author': {'create': "
		"{'handle': 'z'}}}",
		false);
	ck_assert_int_eq(c.error.kind, ERROR_NONE);
	ck_rows(&c, "SELECT title, reads, author_id FROM article", "a,5,3");
	ck_rows(&c, "SELECT id, weight FROM vote", "2,9");
	ck_rows(&c, "SELECT tag_id FROM article_tags", "2");
	ck_assert_str_eq(change_row(&c, "Article", "1",
	                            "{'vote_set': {'update': [{'id': 99, 'weight': 1}]}}", false),
	                 "DoesNotExist: Vote matching query does not exist.");
	ck_assert_str_eq(pointer_of(c.arena, c.error.pos), "/vote_set/update/0");
	change_row(&c, "Article", "1", "{'title': 'b', 'tags': [1]}", true);
	ck_assert_int_eq(c.error.kind, ERROR_VALUE);
	ck_rows(&c, "SELECT title FROM article", "a");
}

DATABASE_TEST(children_that_are_ordered_by_their_parent_keep_the_order_of_the_list)
{
	bulk_create(&c, "Article",
	            "[{'title': 'a', 'line_set': [{'text': '0'}, {'text': '1'}]}, {'title': 'b', "
	            "'line_set': [{'text': '0'}]}]");
	ck_assert_int_eq(c.error.kind, ERROR_NONE);
	change_row(&c, "Article", "1", "{'line_set': [{'text': '2'}]}", false);
	ck_assert_int_eq(c.error.kind, ERROR_NONE);
	ck_rows(&c, "SELECT article_id, text, _order FROM line ORDER BY 1, 3",
	        "1,0,0|1,1,1|1,2,2|2,0,0");
}

DATABASE_TEST(verbs_are_the_only_member)
{
	static const struct {
		const char *json;
		enum nested_verb verb;
	} cases[] = {
		{"{'create': {}}", NESTED_CREATE},
		{"{'get_or_create': {}}", NESTED_GET_OR_CREATE},
		{"{'add': 5}", NESTED_ADD},
		{"{'delete': true}", NESTED_DELETE},
		{"{'create': {}, 'x': 1}", NESTED_NONE},
		{"{'create__exact': 5}", NESTED_NONE},
		{"{}", NESTED_NONE},
		{"[{'create': {}}]", NESTED_NONE},
		{"5", NESTED_NONE},
		{"{'Create': {}}", NESTED_NONE},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ck_assert_int_eq(nested_verb_of(value_from(c.arena, cases[i].json)), cases[i].verb);
	ck_assert(nested_is_in(model_named(registry, "Article"),
	                       value_from(c.arena, "[{'title': 'a'}, {'tags': []}]")));
	ck_assert(nested_is_in(model_named(registry, "Article"),
	                       value_from(c.arena, "{'author': {'create': {}}}")));
	ck_assert(!nested_is_in(model_named(registry, "Article"),
	                        value_from(c.arena, "{'author': {'handle': 'x'}, 'author_id': 1}")));
}

DATABASE_TEST(what_is_there_is_updated_and_the_answer_keeps_the_order)
{
	ck_assert_str_eq(bulk_create(&c, "Author",
	                             "{'objects': [{'id': 9, 'handle': 'new'}, {'id': 8, 'handle': "
	                             "'y'}], 'update_conflicts': true,"
	                             " 'unique_fields': ['handle'], 'update_fields': ['handle']}"),
	                 "{\"id\":9,\"handle\":\"new\"},{\"id\":2,\"handle\":\"y\"}");
	ck_assert_uint_eq(c.session.usage.statements, 1);
	ck_assert_str_eq(
		bulk_create(&c, "Author",
	                "{'objects': [{'handle': 'q'}, {'handle': 'q'}], 'update_conflicts': true,"
	                " 'unique_fields': ['handle'], 'update_fields': ['handle']}"),
		"ValueError: This object has the same unique fields as the one at position 0; one row "
		"cannot be updated twice.");
	ck_assert_str_eq(pointer_of(c.arena, c.error.pos), "/objects/1");
	ck_assert_uint_eq(c.session.usage.statements, 0);
}

DATABASE_TEST(what_is_not_passed_over_is_answered_in_order)
{
	ck_assert_str_eq(bulk_create(&c, "Author",
	                             "{'objects': [{'handle': 'x'}, {'id': 7, 'handle': 'a'}, {'handle': 'b'}, {'id': 8, 'handle': 'y'},"
	                             " {'id': 9, 'handle': 'c'}], 'ignore_conflicts': true}"),
	                 "{\"id\":7,\"handle\":\"a\"},{\"id\":4,\"handle\":\"b\"},{\"id\":9,\"handle\":\"c\"}");
}

DATABASE_TEST(update_or_create_changes_or_makes_in_two_statements)
{
	ck_assert_str_eq(update_or_create(&c, "Article",
	                                  "{'lookup': {'title': 'a'}, 'defaults': {'reads': {'+': "
	                                  "[{'F': 'reads'}, 1]}}, 'create_defaults': {'reads': 10}}"),
	                 "created {\"id\":1,\"title\":\"a\",\"reads\":10,\"author_id\":null}");
	ck_assert_uint_eq(c.session.usage.statements, 2);
	ck_assert_str_eq(update_or_create(&c, "Article",
	                                  "{'lookup': {'title': 'a'}, 'defaults': {'reads': {'+': "
	                                  "[{'F': 'reads'}, 1]}}, 'create_defaults': {'reads': 10}}"),
	                 "changed {\"id\":1,\"title\":\"a\",\"reads\":11,\"author_id\":null}");
	ck_assert_uint_eq(c.session.usage.statements, 2);
	ck_assert_str_eq(
		update_or_create(&c, "Article",
	                     "{'lookup': {'title': 'b'}, 'defaults': {'reads': {'F': 'id'}}}"),
		"ValueError: Failed to insert an expression that names 'id' into 'reads'. F() expressions "
		"can "
		"only be used to update, not to insert.");
}

struct adder {
	struct client client;
	unsigned n;
};

static void add_one(void *arg)
{
	struct adder *adder = arg;

	for (unsigned i = 0; i < adder->n; i++) {
		update_or_create(&adder->client, "Article",
		                 "{'lookup': {'title': 'sum'}, 'defaults': {'reads': {'+': [{'F': "
		                 "'reads'}, 1]}}, 'create_defaults': {'reads': 1}}");
		ck_assert_int_eq(adder->client.error.kind, ERROR_NONE);
	}
}

static void check_sum(void *arg)
{
	ck_rows(arg, "SELECT count(*), sum(reads) FROM article", "1,640");
}

START_TEST(no_concurrent_change_is_lost)
{
	static struct adder adders[64];
	void *args[64];

	database_open(models);
	for (size_t i = 0; i < 64; i++) {
		client_open(&adders[i].client);
		adders[i].n = 10;
		args[i] = &adders[i];
	}
	as_tasks(add_one, args, 64);
	as_task(check_sum, &adders[0].client);
	for (size_t i = 0; i < 64; i++)
		client_close(&adders[i].client);
	database_close();
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "nested");
	tcase_add_test(group, a_level_is_one_statement_however_many_parents_it_has);
	tcase_add_test(group, violations_of_all_levels_come_together_and_ask_no_database);
	tcase_add_test(group, nothing_is_left_of_what_a_later_level_refused);
	tcase_add_test(group, paths_of_what_was_written_are_told_in_order);
	tcase_add_test(group, a_refused_get_or_create_leaves_the_transaction_usable);
	tcase_add_test(group, a_row_changes_with_its_related_rows);
	tcase_add_test(group, children_that_are_ordered_by_their_parent_keep_the_order_of_the_list);
	tcase_add_test(group, verbs_are_the_only_member);
	tcase_add_test(group, what_is_there_is_updated_and_the_answer_keeps_the_order);
	tcase_add_test(group, what_is_not_passed_over_is_answered_in_order);
	tcase_add_test(group, update_or_create_changes_or_makes_in_two_statements);
	tcase_add_test(group, no_concurrent_change_is_lost);
	return suite_main(suite);
}
