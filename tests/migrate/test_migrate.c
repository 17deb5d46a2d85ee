/* migrate_apply() and migrate_plan() on a real PostgreSQL: what is made, what is refused, and that
 * a refusal touches nothing. */
#include "migrate_support.h"

#include "tests/support/suite.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define AUTHOR                                                                                     \
	"'Author': {'fields': {'handle': {'type': 'CharField', 'max_length': 64, 'unique': true}}}"
#define ARTICLE                                                                                    \
	"'Article': {'fields': {'title': {'type': 'CharField', 'max_length': 256}, 'body': "           \
	"'TextField'}}"
#define VOTE                                                                                       \
	"'Vote': {'fields': {'author': {'type': 'ForeignKey', 'to': 'Author', 'on_delete': "           \
	"'CASCADE'},"                                                                                  \
	"'article': {'type': 'ForeignKey', 'to': 'Article', 'on_delete': 'CASCADE'}},"                 \
	"'Meta': {'constraints': [{'type': 'UniqueConstraint', 'fields': ['author', 'article'],"       \
	"'name': 'unique_vote'}]}}"

static const char *const count_records = "SELECT count(*) FROM quern_migrations";

static const char *count_tables(void)
{
	return ask("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()");
}

START_TEST(an_empty_database_gets_every_table_and_a_record)
{
	apply(models("{'models': {" AUTHOR "," ARTICLE "," VOTE "}}"));
	ck_assert_str_eq(count_tables(), "5");
	ck_assert_str_eq(ask("SELECT count(*) FROM quern_idempotency"), "0");
	ck_assert_str_eq(ask(count_records), "1");
	ck_assert_str_eq(ask("SELECT quern_version FROM quern_migrations"), QUERN_VERSION);
	ck_assert_str_eq(ask("SELECT models #>> '{Vote,schema,table,name}' FROM quern_migrations"),
	                 "vote");
	ck_assert_str_eq(ask("SELECT models #>> '{Author,declaration,fields,handle,max_length}' FROM "
	                     "quern_migrations"),
	                 "64");
	/* In the order in which they are declared. */
	ck_assert(str_is(bench.lines[0], "create table author"));
	ck_assert(str_is(bench.lines[2], "create table vote"));
	ask("INSERT INTO author (handle) VALUES ('jane')");
	ask("INSERT INTO article (title, body) VALUES ('a', 'b')");
	ask("INSERT INTO vote (author_id, article_id) VALUES (1, 1)");
}
END_TEST

START_TEST(the_same_models_again_change_nothing)
{
	const struct registry *registry = models("{'models': {" AUTHOR "," ARTICLE "," VOTE "}}");
	apply(registry);
	ask("INSERT INTO author (handle) VALUES ('jane')");
	apply(registry);
	ck_assert_uint_eq(bench.n, 0);
	ck_assert_str_eq(ask(count_records), "1");
	ck_assert_str_eq(ask("SELECT count(*) FROM author"), "1");
}
END_TEST

START_TEST(a_new_model_is_added_beside_the_old_ones)
{
	apply(models("{'models': {" AUTHOR "," ARTICLE "}}"));
	apply(models("{'models': {" AUTHOR "," ARTICLE "," VOTE "}}"));
	ck_assert(was_reported("create table vote"));
	ck_assert(!was_reported("create table author"));
	ck_assert_str_eq(ask(count_records), "2");
	ck_assert_str_eq(ask("SELECT count(*) FROM pg_constraint WHERE contype = 'f' "
	                     "AND confrelid = 'author'::regclass"),
	                 "1");
	apply(models("{'models': {" AUTHOR "," ARTICLE "," VOTE "}}"));
	ck_assert_str_eq(ask(count_records), "2");
}
END_TEST

static const struct {
	const char *was, *is, *words;
} changes[] = {
	{"'title': {'type': 'CharField', 'max_length': 256}",
     "'title': {'type': 'CharField', 'max_length': 100}",
     "Article.title: type was varchar(256), is now varchar(100)"},
	{"'title': {'type': 'CharField', 'max_length': 256}",
     "'title': {'type': 'CharField', 'max_length': 256, 'null': true}",
     "Article.title: null was no, is now yes"},
	{"'title': {'type': 'CharField', 'max_length': 256}",
     "'title': {'type': 'CharField', 'max_length': 256, 'unique': true}",
     "Article.title: unique was not set, is now yes"},
	{"'title': {'type': 'CharField', 'max_length': 256}",
     "'title': {'type': 'CharField', 'max_length': 256, 'db_index': true}",
     "Article.title: db_index was not set, is now yes"},
	{"'title': {'type': 'CharField', 'max_length': 256}",
     "'title': {'type': 'CharField', 'max_length': 256, 'db_column': 'headline'}",
     "Article.title: column was title, is now headline"},
	{"'size': 'IntegerField'", "'size': 'PositiveIntegerField'",
     "Article.size: not negative was not set, is now yes"},
	{"'size': {'type': 'IntegerField', 'db_default': 1}",
     "'size': {'type': 'IntegerField', 'db_default': 2}",
     "Article.size: db_default was 1, is now 2"},
	{"'a': 'TextField'", "'a': 'TextField', 'b': 'TextField'", "Article.b was added"},
	{"'a': 'TextField', 'b': 'TextField'", "'a': 'TextField'", "Article.b was removed"},
};

START_TEST(a_changed_field_is_refused_with_what_was_and_what_is)
{
	static const char *const frame = "{'models': {'Article': {'fields': {%s}}%s}}";
	apply(models(arena_printf(bench.arena, frame, changes[_i].was, "").p));
	const char *more = ", 'Extra': {'fields': {'name': 'TextField'}}";
	assert_refused(models(arena_printf(bench.arena, frame, changes[_i].is, more).p),
	               changes[_i].words);
	ck_assert_int_eq(bench.error.kind, ERROR_CONFLICT);
	ck_assert_uint_eq(bench.n, 0);
	ck_assert_str_eq(ask(count_records), "1");
	ck_assert_str_eq(ask("SELECT to_regclass('extra') IS NULL"), "t");
}
END_TEST

static const struct {
	const char *was, *is, *words;
} meta_changes[] = {
	{"{}", "{'db_table': 'papers'}", "Article: table: name was article, is now papers"},
	{"{}", "{'unique_together': [['title', 'body']]}",
     "Article: unique_together title, body was added"},
	{"{'constraints': [{'type': 'UniqueConstraint', 'fields': ['title'], 'name': 'u'}]}", "{}",
     "Article: constraint u was removed"},
	{"{'constraints': [{'type': 'UniqueConstraint', 'fields': ['title'], 'name': 'u'}]}",
     "{'constraints': [{'type': 'UniqueConstraint', 'fields': ['body'], 'name': 'u'}]}",
     "Article: constraint u: definition was unique (title), is now unique (body)"},
	{"{'indexes': [{'fields': ['title'], 'name': 'i'}]}",
     "{'indexes': [{'fields': ['-title'], 'name': 'i'}]}",
     "Article: index i: definition was btree (title), is now btree (title desc)"},
};

START_TEST(changed_constraints_and_tables_are_refused_by_name)
{
	static const char *const frame = "{'models': {'Article': {'fields': {'title': 'TextField', "
	                                 "'body': 'TextField'}, 'Meta': %s}}}";
	apply(models(arena_printf(bench.arena, frame, meta_changes[_i].was).p));
	assert_refused(models(arena_printf(bench.arena, frame, meta_changes[_i].is).p),
	               meta_changes[_i].words);
	ck_assert_str_eq(ask(count_records), "1");
}
END_TEST

START_TEST(a_removed_model_is_refused_and_its_rows_stay)
{
	apply(models("{'models': {" AUTHOR "," ARTICLE "}}"));
	ask("INSERT INTO article (title, body) VALUES ('a', 'b')");
	assert_refused(models("{'models': {" AUTHOR "}}"), "Article: the model was removed");
	ck_assert_str_eq(ask("SELECT count(*) FROM article"), "1");
}
END_TEST

START_TEST(every_difference_is_named_in_one_run)
{
	apply(models("{'models': {" AUTHOR "," ARTICLE "}}"));
	const struct registry *changed = models(
		"{'models': {'Author': {'fields': {'handle': {'type': 'CharField', 'max_length': 32}}}}}");
	assert_refused(changed, "Article: the model was removed");
	assert_refused(changed, "Author.handle: type was varchar(64), is now varchar(32)");
	assert_refused(changed, "Author.handle: unique was yes, is now not set");
}
END_TEST

START_TEST(what_no_table_notices_is_recorded_and_nothing_else)
{
	apply(models("{'models': {" ARTICLE "}}"));
	const char *oid = ask("SELECT 'article'::regclass::oid");
	apply(models(
		"{'models': {'Article': {'fields': {'title': {'type': 'CharField', 'max_length': 256,"
		"'help_text': 'short', 'default': 'x', 'choices': [['x', 'X']]}, 'body': 'TextField'},"
		"'Meta': {'ordering': ['title'], 'verbose_name': 'piece'}}}}"));
	ck_assert_uint_eq(bench.n, 1);
	ck_assert(was_reported("record the models"));
	ck_assert_str_eq(ask("SELECT 'article'::regclass::oid"), oid);
	ck_assert_str_eq(ask(count_records), "2");
}
END_TEST

START_TEST(a_table_that_somebody_else_made_is_named_and_left_alone)
{
	ask("CREATE TABLE article (note text)");
	ask("CREATE TABLE author (note text)");
	assert_refused(models("{'models': {" AUTHOR "," ARTICLE "," VOTE "}}"), "author, article");
	ck_assert_int_eq(bench.error.kind, ERROR_CONFLICT);
	ck_assert_str_eq(count_tables(), "2");
}
END_TEST

START_TEST(a_table_of_that_name_in_a_later_schema_of_the_path_is_no_obstacle)
{
	ask("CREATE TABLE public.article (note text)");
	bench.options.search_path = arena_printf(bench.arena, "%s, public", bench.schema).p;
	apply(models("{'models': {" ARTICLE "}}"));
	ask("DROP TABLE public.article");
	ck_assert_str_eq(ask("SELECT count(title) FROM article"), "0");
}
END_TEST

START_TEST(an_unmanaged_model_is_neither_made_nor_missed)
{
	ask("CREATE TABLE author (id bigint PRIMARY KEY, handle varchar(64))");
	apply(models(
		"{'models': {'Author': {'fields': {'handle': {'type': 'CharField', 'max_length': 64}},"
		"'Meta': {'managed': false}}," ARTICLE "," VOTE "}}"));
	ck_assert(!was_reported("author'"));
	ck_assert_str_eq(ask("SELECT models ? 'Author' FROM quern_migrations"), "f");
	/* Given up by quern: its table stays, and nothing is refused. */
	apply(models(
		"{'models': {'Author': {'fields': {'handle': {'type': 'CharField', 'max_length': 64}},"
		"'Meta': {'managed': false}}, 'Article': {'fields': {'title': 'TextField'}, 'Meta':"
		"{'managed': false}}," VOTE "}}"));
	ck_assert_str_eq(ask("SELECT to_regclass('article') IS NOT NULL"), "t");
}
END_TEST

START_TEST(a_statement_that_fails_leaves_nothing_behind)
{
	/* An index of vote would have this name. */
	ask("CREATE SEQUENCE unique_vote");
	assert_refused(models("{'models': {" AUTHOR "," ARTICLE "," VOTE "}}"),
	               "Cannot create table vote");
	ck_assert_str_eq(count_tables(), "0");
}
END_TEST

START_TEST(two_that_start_together_make_the_tables_once)
{
	enum { TOGETHER = 4 };
	const struct registry *registry = models("{'models': {" AUTHOR "," ARTICLE "," VOTE "}}");
	pid_t children[TOGETHER];
	for (int i = 0; i < TOGETHER; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			struct error error;
			error_init(&error, bench.arena);
			bench.options.report = NULL;
			_exit(migrate_apply(&bench.options, registry, &error) ? 0 : 1);
		}
	}
	for (int i = 0; i < TOGETHER; i++) {
		int status;
		ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_str_eq(ask(count_records), "1");
}
END_TEST

START_TEST(a_plan_changes_nothing_and_does_by_hand_what_a_migration_does)
{
	const struct registry *registry = models("{'models': {" AUTHOR "," ARTICLE "," VOTE "}}");
	struct str sql;
	ck_assert(migrate_plan(&bench.options, registry, &sql, &bench.error));
	ck_assert_str_eq(count_tables(), "0");
	ask(arena_cstr(bench.arena, sql));
	ck_assert_str_eq(ask(count_records), "1");
	apply(registry);
	ck_assert_uint_eq(bench.n, 0);
	ck_assert(migrate_plan(&bench.options, registry, &sql, &bench.error));
	ck_assert_uint_eq(sql.n, 0);
}
END_TEST

START_TEST(a_database_that_is_away_is_reported_as_such)
{
	bench.options.conninfo = "host=/nowhere dbname=x";
	assert_refused(models("{'models': {" AUTHOR "}}"), "Cannot connect to the database");
	ck_assert_int_eq(bench.error.kind, ERROR_UNAVAILABLE);
}
END_TEST

START_TEST(a_search_path_without_a_schema_is_explained)
{
	bench.options.search_path = "no_such_schema";
	assert_refused(models("{'models': {" AUTHOR "}}"), "No schema of the search path exists");
}
END_TEST

START_TEST(names_and_comments_are_data)
{
	static const struct str text = STR_INIT(
		"{\"models\": {\"Odd\": {\"fields\": {\"a\": {\"type\": \"CharField\", \"max_length\": 30,"
		"\"db_column\": \"a b;--\", \"db_comment\": \"it's a \\\\ \\\"comment\\\"; DROP TABLE "
	    "odd\","
		"\"db_default\": \"'); DROP TABLE odd;--\"}}, \"Meta\": {\"db_table\": \"odd; "
	    "ta'ble\"}}}}");
	apply(models_exactly(text));
	ck_assert_str_eq(ask("SELECT col_description('\"odd; ta''ble\"'::regclass, 2)"),
	                 "it's a \\ \"comment\"; DROP TABLE odd");
	ask("INSERT INTO \"odd; ta'ble\" (id) VALUES (1)");
}
END_TEST

START_TEST(a_table_in_a_schema_of_its_own_is_made_there)
{
	const struct registry *registry = models("{'models': {'Far': {'fields': {'n': 'SlugField'}}}}");
	/* Django's way to say so: a name with the quotes of two inside. */
	struct model *far = (struct model *)(uintptr_t)registry->models[0];
	far->table = arena_printf(bench.arena, "%s\".\"far", bench.schema);
	bench.options.search_path = "public";
	apply(registry);
	ck_assert_str_eq(ask("SELECT count(n) FROM far"), "0");
	ck_assert_str_eq(ask("SELECT count(*) FROM pg_indexes WHERE tablename = 'far' "
	                     "AND indexname LIKE 'far_n_________'"),
	                 "1");
	ask("DROP TABLE public.quern_migrations");
}
END_TEST

START_TEST(defaults_and_generated_columns_work_in_the_database)
{
	const struct registry *registry = models(
		"{'models': {'Item': {'fields': {'name': {'type': 'CharField', 'max_length': 20, "
	    "'db_default': 'none'},"
		"'price': {'type': 'DecimalField', 'max_digits': 8, 'decimal_places': 2, 'db_default': "
	    "'1.50'},"
		"'count': {'type': 'PositiveIntegerField', 'db_default': 2},"
		"'made': {'type': 'DateTimeField', 'db_default': {'Now': []}},"
		"'extra': {'type': 'JSONField', 'db_default': {'a': [1]}},"
		"'total': {'type': 'GeneratedField', 'expression': {'*': ['price', 'count']}, "
	    "'db_persist': true,"
		"'output_field': {'type': 'DecimalField', 'max_digits': 12, 'decimal_places': 2}}}}}}");
	apply(registry);
	ask("INSERT INTO item DEFAULT VALUES");
	ck_assert_str_eq(
		ask("SELECT name || price || total || extra::text FROM item WHERE made = now() "
	        "OR made > now() - interval '1 minute'"),
		"none1.503.00{\"a\": [1]}");
	ck_assert_uint_eq(misfits_of(registry), 0);
	apply(registry);
	ck_assert_uint_eq(bench.n, 0);
}
END_TEST

START_TEST(a_key_of_several_columns_is_a_key)
{
	const struct registry *registry =
		models("{'models': {'Place': {'fields': {'row': 'IntegerField', 'seat': 'IntegerField'},"
	           "'Meta': {'primary_key': ['row', 'seat']}}}}");
	apply(registry);
	ck_assert_str_eq(
		ask("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'place_pkey'"),
		"PRIMARY KEY (\"row\", seat)");
	ck_assert_uint_eq(misfits_of(registry), 0);
}
END_TEST

START_TEST(a_percent_sign_in_a_condition_is_only_a_letter)
{
	apply(models("{'models': {'T': {'fields': {'s': 'TextField'}, 'Meta': {'constraints': ["
	             "{'type': 'CheckConstraint', 'name': 'c', 'condition': {'s__in': ['50%', 'a_b']}},"
	             "{'type': 'CheckConstraint', 'name': 'd', 'condition': {'not': {'s__contains': "
	             "'_c'}}}]}}}}"));
	ask("INSERT INTO t (s) VALUES ('50%'), ('a_b')");
	PQclear(PQexec(bench.pg, "INSERT INTO t (s) VALUES ('50%%'), ('axb')"));
	ck_assert_str_eq(ask("SELECT count(*) FROM t"), "2");
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tcase = suite_with_case(&suite, "migrate");
	tcase_add_checked_fixture(tcase, bench_setup, bench_teardown);
	tcase_add_test(tcase, an_empty_database_gets_every_table_and_a_record);
	tcase_add_test(tcase, the_same_models_again_change_nothing);
	tcase_add_test(tcase, a_new_model_is_added_beside_the_old_ones);
	tcase_add_loop_test(tcase, a_changed_field_is_refused_with_what_was_and_what_is, 0,
	                    (int)(sizeof changes / sizeof *changes));
	tcase_add_loop_test(tcase, changed_constraints_and_tables_are_refused_by_name, 0,
	                    (int)(sizeof meta_changes / sizeof *meta_changes));
	tcase_add_test(tcase, a_removed_model_is_refused_and_its_rows_stay);
	tcase_add_test(tcase, every_difference_is_named_in_one_run);
	tcase_add_test(tcase, what_no_table_notices_is_recorded_and_nothing_else);
	tcase_add_test(tcase, a_table_that_somebody_else_made_is_named_and_left_alone);
	tcase_add_test(tcase, a_table_of_that_name_in_a_later_schema_of_the_path_is_no_obstacle);
	tcase_add_test(tcase, an_unmanaged_model_is_neither_made_nor_missed);
	tcase_add_test(tcase, a_statement_that_fails_leaves_nothing_behind);
	tcase_add_test(tcase, two_that_start_together_make_the_tables_once);
	tcase_add_test(tcase, a_plan_changes_nothing_and_does_by_hand_what_a_migration_does);
	tcase_add_test(tcase, a_database_that_is_away_is_reported_as_such);
	tcase_add_test(tcase, a_search_path_without_a_schema_is_explained);
	tcase_add_test(tcase, names_and_comments_are_data);
	tcase_add_test(tcase, a_table_in_a_schema_of_its_own_is_made_there);
	tcase_add_test(tcase, defaults_and_generated_columns_work_in_the_database);
	tcase_add_test(tcase, a_key_of_several_columns_is_a_key);
	tcase_add_test(tcase, a_percent_sign_in_a_condition_is_only_a_letter);
	return suite_main(suite);
}
