/* Settings from four places, the last word winning, and what is said when they are wrong. */
#include "config/settings.h"

#include "tests/support/suite.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct arena *arena;
static struct buf report;
static struct settings settings;
static char path[] = "/tmp/quern-settings-XXXXXX";

static void setup(void)
{
	extern char **environ;
	arena = arena_new();
	report = (struct buf){0};
	for (char **variable = environ; *variable;) {
		struct str rest = str_of(*variable);
		struct str name = str_cut(&rest, STR("="));
		if (!str_starts(name, STR("QUERN_"))) {
			variable++;
			continue;
		}
		unsetenv(arena_cstr(arena, name));
		variable = environ;
	}
	strcpy(path + strlen(path) - 6, "XXXXXX");
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void teardown(void)
{
	unlink(path);
	buf_release(&report);
	arena_free(arena);
}

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");
	fputs(text, file);
	fclose(file);
}

static bool load(const char *file, const struct settings_flag *flags, size_t n)
{
	struct settings_flags all = {flags, n};
	return settings_load(arena, file, &all, &settings, &report);
}

/* The report with the file's name as FILE. */
static const char *told(void)
{
	struct buf out = {0};
	struct str rest = buf_str(&report), name = str_of(path);
	while (rest.p && rest.n > 0) {
		ptrdiff_t at = str_find(rest, name);
		buf_add(&out, str_sub(rest, 0, at < 0 ? rest.n : (size_t)at));
		if (at < 0)
			break;
		BUF_LIT(&out, "FILE");
		rest = str_sub(rest, (size_t)at + name.n, rest.n - (size_t)at - name.n);
	}
	const char *text = arena_cstr(arena, buf_str(&out));
	buf_release(&out);
	return text;
}

START_TEST(without_anything_the_defaults_hold)
{
	ck_assert(load(NULL, NULL, 0));
	ck_assert_str_eq(told(), "");
	ck_assert_str_eq(settings.listen, "127.0.0.1");
	ck_assert_uint_eq(settings.port, 8080);
	ck_assert_uint_eq(settings.json.bytes, 1 << 20);
	ck_assert_uint_eq(settings.json.depth, 64);
	ck_assert_uint_eq(settings.json.nodes, 10000);
	ck_assert_uint_eq(settings.ndatabases, 1);
	ck_assert_str_eq(settings.databases[0].alias, "default");
	ck_assert_str_eq(settings.databases[0].url, "");
	ck_assert(settings.allows_regex && !settings.allows_unvalidated);
	ck_assert_int_eq(settings.log_level, LOG_INFO);
	ck_assert_int_eq(settings.log_format, LOG_TEXT);
}
END_TEST

START_TEST(a_file_says_what_differs_from_the_defaults)
{
	write_file("{\"port\": 9000, \"body_bytes\": 2048, \"log_level\": \"debug\", \"log_format\": \"json\", "
	           "\"allows_regex\": false, \"models\": \"m.json\", \"databases\": {\"replica\": "
	           "\"host=r\", \"default\": {\"url\": \"host=d\", \"search_path\": \"app\"}}}");
	ck_assert_msg(load(path, NULL, 0), "%s", told());
	ck_assert_uint_eq(settings.port, 9000);
	ck_assert_uint_eq(settings.json.bytes, 2048);
	ck_assert_int_eq(settings.log_level, LOG_DEBUG);
	ck_assert_int_eq(settings.log_format, LOG_JSON);
	ck_assert(!settings.allows_regex);
	ck_assert_str_eq(settings.models, "/tmp/m.json");
	ck_assert_uint_eq(settings.ndatabases, 2);
	ck_assert_str_eq(settings.databases[0].alias, "default"); /* always first */
	ck_assert_str_eq(settings.databases[0].url, "host=d");
	ck_assert_str_eq(settings.databases[0].search_path, "app");
	ck_assert_str_eq(settings.databases[1].url, "host=r");
	ck_assert_str_eq(settings.databases[1].search_path, "public");
}
END_TEST

START_TEST(paths_in_a_file_are_seen_from_its_folder)
{
	static const char *const paths[][2] = {
		{"a.json", "/tmp/a.json"},
		{"a.json, /b/c.json,d", "/tmp/a.json,/b/c.json,/tmp/d"},
		{"/models", "/models"},
	};
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		write_file(arena_printf(arena, "{\"models\": \"%s\"}", paths[i][0]).p);
		ck_assert(load(path, NULL, 0));
		ck_assert_str_eq(settings.models, paths[i][1]);
	}
	const struct settings_flag flags[] = {{"models", "m.json"}};
	ck_assert(load(path, flags, 1));
	ck_assert_str_eq(settings.models, "m.json");
}
END_TEST

START_TEST(the_environment_wins_over_the_file_and_a_flag_over_both)
{
	write_file("{\"port\": 1, \"workers\": 1, \"pool_size\": 1, \"database_url\": \"host=file\"}");
	setenv("QUERN_WORKERS", "2", 1);
	setenv("QUERN_PORT", "2", 1);
	setenv("QUERN_DATABASE_URL", "host=env", 1);
	setenv("QUERN_ALLOWS_UNVALIDATED", "true", 1);
	setenv("QUERN_LOG_LEVEL", "warning", 1);
	const struct settings_flag flags[] = {{"port", "3"}};
	ck_assert_msg(load(path, flags, 1), "%s", told());
	ck_assert_uint_eq(settings.pool_size, 1);
	ck_assert_uint_eq(settings.workers, 2);
	ck_assert_uint_eq(settings.port, 3);
	ck_assert_str_eq(settings.databases[0].url, "host=env");
	ck_assert(settings.allows_unvalidated);
	ck_assert_int_eq(settings.log_level, LOG_WARNING);
}
END_TEST

START_TEST(the_environment_can_name_the_file)
{
	write_file("{\"port\": 4711}");
	setenv("QUERN_CONFIG", path, 1);
	ck_assert(load(NULL, NULL, 0));
	ck_assert_uint_eq(settings.port, 4711);
}
END_TEST

START_TEST(all_mistakes_are_told_in_one_run)
{
	write_file("{\n"
	           "  \"prot\": 1,\n"
	           "  \"port\": 70000, \"workers\": \"many\",\n"
	           "  \"listen\": 5,\n"
	           "  \"allows_regex\": 1,\n"
	           "  \"log_level\": \"loud\",\n"
	           "  \"databases\": {\"default\": 5, \"b\": {\"ulr\": \"x\", \"url\": 5}}\n"
	           "}\n");
	setenv("QUERN_POOL_SIZE", "0", 1);
	setenv("QUERN_LOG_FORMAT", "xml", 1);
	const struct settings_flag flags[] = {{"port", "eighty"}};
	ck_assert(!load(path, flags, 1));
	ck_assert_str_eq(told(),
	                 "FILE:2:3: unknown setting \"prot\" (did you mean \"port\"?)\n"
	                 "FILE:3:3: \"port\": expected an integer from 0 to 65535\n"
	                 "FILE:3:18: \"workers\": expected an integer from 0 to 256\n"
	                 "FILE:4:3: \"listen\": expected a string\n"
	                 "FILE:5:3: \"allows_regex\": expected true or false\n"
	                 "FILE:6:3: \"log_level\": expected \"debug\", \"info\", \"warning\" or \"error\"\n"
	                 "FILE:7:17: \"default\": expected a connection string or {\"url\", \"search_path\"}\n"
	                 "FILE:7:37: unknown member of a database \"ulr\" (did you mean \"url\"?)\n"
	                 "FILE:7:49: \"url\": expected a string\n"
	                 "QUERN_POOL_SIZE: expected an integer from 1 to 1000, but got \"0\"\n"
	                 "QUERN_LOG_FORMAT: expected \"text\" or \"json\", but got \"xml\"\n"
	                 "--port: expected an integer from 0 to 65535, but got \"eighty\"\n");
}
END_TEST

START_TEST(a_file_that_is_no_json_is_told_with_its_place)
{
	write_file("{\n  \"port\": ,\n}");
	ck_assert(!load(path, NULL, 0));
	ck_assert_str_eq(told(), "FILE:2:11: not JSON: unexpected ,\n");
}
END_TEST

START_TEST(a_missing_file_is_a_mistake)
{
	unlink(path);
	ck_assert(!load(path, NULL, 0));
	ck_assert_str_eq(told(), "FILE: No such file or directory\n");
}
END_TEST

START_TEST(a_password_in_a_file_that_all_can_read_is_warned_of)
{
	static const char *const urls[] = {"postgresql://u:secret@h/d", "host=h password=secret"};
	for (size_t i = 0; i < 2; i++) {
		write_file(arena_printf(arena, "{\"database_url\": \"%s\"}", urls[i]).p);
		chmod(path, 0644);
		buf_clear(&report);
		ck_assert(load(path, NULL, 0));
		ck_assert_str_eq(told(), "FILE: warning: holds a password or secret and can be read by every user "
		                         "(chmod 640)\n");
		chmod(path, 0640);
		buf_clear(&report);
		ck_assert(load(path, NULL, 0));
		ck_assert_str_eq(told(), "");
	}
	write_file("{\"database_url\": \"postgresql://u@h/d\"}");
	chmod(path, 0644);
	ck_assert(load(path, NULL, 0));
	ck_assert_str_eq(told(), "");
}
END_TEST

START_TEST(a_secret_is_said_or_random)
{
	const char *first;

	ck_assert(load(NULL, NULL, 0));
	first = settings.secret;
	ck_assert_uint_eq(strlen(first), 64);
	ck_assert(load(NULL, NULL, 0));
	ck_assert_str_ne(settings.secret, first);
	setenv("QUERN_SECRET", "correct horse battery staple", 1);
	ck_assert(load(NULL, NULL, 0));
	ck_assert_str_eq(settings.secret, "correct horse battery staple");
	unsetenv("QUERN_SECRET");
	write_file("{\"secret\": \"said in the file\"}");
	chmod(path, 0644);
	ck_assert(load(path, NULL, 0));
	ck_assert_str_eq(settings.secret, "said in the file");
	ck_assert_ptr_nonnull(strstr(told(), "chmod 640"));
	ck_assert_ptr_null(strstr(told(), "said in the file"));
}
END_TEST

START_TEST(no_message_shows_a_database_url)
{
	write_file("{\"database_url\": [\"host=h password=hush\"], \"databases\": {\"default\": {\"url\": "
	           "{\"x\": \"password=hush\"}}}, \"prot\": \"password=hush\"}");
	setenv("QUERN_DATABASE_URL", "host=h password=hush", 1);
	ck_assert(!load(path, NULL, 0));
	ck_assert(report.n > 0);
	ck_assert(str_find(buf_str(&report), STR("hush")) < 0);
}
END_TEST

START_TEST(a_variable_that_is_nearly_a_setting_is_warned_of)
{
	setenv("QUERN_WORKRES", "2", 1);
	setenv("QUERN_BIN", "/somewhere", 1);
	ck_assert(load(NULL, NULL, 0));
	ck_assert_str_eq(told(),
	                 "QUERN_WORKRES: warning: no setting has this name (did you mean QUERN_WORKERS?)\n");
}
END_TEST

START_TEST(the_example_is_right)
{
	ck_assert_msg(load(QUERN_SOURCE_DIR "/config/examples/settings.json", NULL, 0), "%s", told());
	ck_assert_str_eq(told(), "");
}
END_TEST

/* The schema that editors check by, and the table that the program checks by. */
START_TEST(the_schema_knows_every_setting_and_its_default)
{
	struct buf table = {0};
	const struct value *schema;
	struct error error;
	struct json_limits limits = {1 << 20, 32, 10000};
	static char text[1 << 16];
	FILE *file = fopen(QUERN_SOURCE_DIR "/config/settings.schema.json", "r");
	ck_assert_ptr_nonnull(file);
	text[fread(text, 1, sizeof text - 1, file)] = 0;
	fclose(file);
	error_init(&error, arena);
	ck_assert(json_read(arena, str_of(text), &limits, &schema, &error));
	const struct value *properties = value_get(schema, "properties");
	settings_describe(&table);
	struct str rest = buf_str(&table);
	size_t n = 0;
	while (rest.p && rest.n > 0) {
		char key[32], env[40], given[20] = "";
		struct str line = str_cut(&rest, STR("\n"));
		sscanf(arena_cstr(arena, line), "%31s %39s", key, env);
		if (str_is(str_of(key), "search_path"))
			continue;
		const struct value *property = value_get(properties, key);
		ck_assert_msg(property, "%s is not in the schema", key);
		n++;
		const struct value *otherwise = value_get(property, "default");
		if (!otherwise || (otherwise->kind == VALUE_TEXT && otherwise->text.n == 0))
			continue;
		sscanf(arena_cstr(arena, line), "%*s %*s %19s", given);
		struct buf json = {0};
		if (otherwise->kind == VALUE_TEXT)
			buf_add(&json, otherwise->text);
		else
			value_write_json(otherwise, &json);
		ck_assert_str_eq(arena_cstr(arena, buf_str(&json)), given);
		buf_release(&json);
	}
	ck_assert_uint_eq(properties->object.n, n + 2); /* $schema, databases */
	buf_release(&table);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "config/settings");
	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, without_anything_the_defaults_hold);
	tcase_add_test(group, a_file_says_what_differs_from_the_defaults);
	tcase_add_test(group, paths_in_a_file_are_seen_from_its_folder);
	tcase_add_test(group, the_environment_wins_over_the_file_and_a_flag_over_both);
	tcase_add_test(group, the_environment_can_name_the_file);
	tcase_add_test(group, all_mistakes_are_told_in_one_run);
	tcase_add_test(group, a_file_that_is_no_json_is_told_with_its_place);
	tcase_add_test(group, a_missing_file_is_a_mistake);
	tcase_add_test(group, a_password_in_a_file_that_all_can_read_is_warned_of);
	tcase_add_test(group, a_secret_is_said_or_random);
	tcase_add_test(group, no_message_shows_a_database_url);
	tcase_add_test(group, a_variable_that_is_nearly_a_setting_is_warned_of);
	tcase_add_test(group, the_example_is_right);
	tcase_add_test(group, the_schema_knows_every_setting_and_its_default);
	return suite_main(suite);
}
