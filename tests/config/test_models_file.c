/* Model files: files, folders and lists of them; mistakes with file, line and column; the examples; the
 * schema that editors use.
 */
#include "config/models_file.h"

#include "orm/model/options.h"
#include "orm/wire/json.h"

#include "tests/support/suite.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXAMPLES QUERN_SOURCE_DIR "/config/examples/"

static struct arena *arena;
static struct buf report;
static char folder[] = "/tmp/quern-models-XXXXXX";

static void setup(void)
{
	arena = arena_new();
	report = (struct buf){0};
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static const char *in_folder(const char *name)
{
	return arena_printf(arena, "%s/%s", folder, name).p;
}

static void teardown(void)
{
	static const char *const names[] = {"a.json", "b.json", "c.txt", ".hidden.json", "m.schema.json"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unlink(in_folder(names[i]));
	rmdir(folder);
	buf_release(&report);
	arena_free(arena);
}

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(in_folder(name), "w");
	fputs(text, file);
	fclose(file);
}

/* The report with the folder's name as DIR. */
static const char *told(void)
{
	struct buf out = {0};
	struct str rest = buf_str(&report), name = str_of(folder);
	while (rest.p && rest.n > 0) {
		ptrdiff_t at = str_find(rest, name);
		buf_add(&out, str_sub(rest, 0, at < 0 ? rest.n : (size_t)at));
		if (at < 0)
			break;
		BUF_LIT(&out, "DIR");
		rest = str_sub(rest, (size_t)at + name.n, rest.n - (size_t)at - name.n);
	}
	const char *text = arena_cstr(arena, buf_str(&out));
	buf_release(&out);
	return text;
}

static const struct registry *load(const char *path)
{
	return models_load(arena, path, &report);
}

START_TEST(every_example_is_right)
{
	static const struct {
		const char *path;
		size_t nmodels;
	} examples[] = {
	    {EXAMPLES "staff.json", 2},
	    {EXAMPLES "news.json", 3},
	    {EXAMPLES "fleet.json", 3},
	    {EXAMPLES "fleet_grants.json", 3},
	    {EXAMPLES "staff.json," EXAMPLES "news.json, " EXAMPLES "fleet_grants.json", 8},
	};
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
		const struct registry *registry = load(examples[i].path);
		ck_assert_msg(registry, "%s", told());
		ck_assert_uint_eq(registry->nmodels, examples[i].nmodels);
		ck_assert_str_eq(told(), "");
	}
}
END_TEST

START_TEST(a_folder_is_the_sum_of_its_json_files)
{
	write_file("a.json", "{\"models\": {\"A\": {}}}");
	write_file("b.json", "{\"models\": {\"B\": {}}}");
	write_file("c.txt", "not JSON");
	write_file(".hidden.json", "not JSON");
	write_file("m.schema.json", "{\"no\": \"models\"}");
	const struct registry *registry = load(folder);
	ck_assert_msg(registry, "%s", told());
	ck_assert_uint_eq(registry->nmodels, 2);
	registry = load(in_folder(""));
	ck_assert_msg(registry, "%s", told());
}
END_TEST

START_TEST(mistakes_are_told_with_file_line_and_column)
{
	write_file("a.json", "{\n"
	                     "\t\"models\": {\n"
	                     "\t\t\"A\": {\"fields\": {\"x\": \"Charfield\",\n"
	                     "\t\t\t\"y\": {\"type\": \"TextField\", \"nul\": true}}}\n"
	                     "\t}\n"
	                     "}\n");
	write_file("b.json", "{\"models\": {\"A\": {}}}\n");
	ck_assert_ptr_null(load(folder));
	ck_assert_str_eq(told(),
	                 "DIR/a.json:3:20: there is no field type \"Charfield\" (did you mean \"CharField\"?)\n"
	                 "    at /models/A/fields/x\n"
	                 "DIR/a.json:4:31: unknown option \"nul\" of TextField (did you mean \"null\"?)\n"
	                 "    at /models/A/fields/y/nul\n"
	                 "DIR/b.json:1:13: model A is declared twice\n"
	                 "    at /models/A\n"
	                 "3 mistakes in the models: nothing is served or migrated\n");
}
END_TEST

START_TEST(a_broken_file_does_not_hide_the_mistakes_of_others)
{
	write_file("a.json", "{\"models\": {\"A\": {}}\n");
	write_file("b.json", "{\"models\": {\"B\": {\"fields\": {\"x\": 5}}}}\n");
	ck_assert_ptr_null(load(folder));
	ck_assert_str_eq(told(),
	                 "DIR/a.json:2:1: not JSON: the text ends too early\n"
	                 "DIR/b.json:1:30: expected a field type's name or an object with \"type\", but got 5\n"
	                 "    at /models/B/fields/x\n"
	                 "2 mistakes in the models: nothing is served or migrated\n");
}
END_TEST

START_TEST(a_member_named_twice_is_a_mistake)
{
	write_file("a.json", "{\"models\": {\"A\": {\"fields\": {\"x\": \"TextField\",\n\"x\": "
	                     "\"IntegerField\"}}}}");
	ck_assert_ptr_null(load(in_folder("a.json")));
	ck_assert_str_eq(told(), "DIR/a.json:2:1: duplicate member \"x\" in one object\n"
	                         "1 mistake in the models: nothing is served or migrated\n");
}
END_TEST

START_TEST(a_missing_path_and_an_empty_folder_are_mistakes)
{
	ck_assert_ptr_null(load(in_folder("none.json")));
	ck_assert_ptr_null(load(folder));
	ck_assert_str_eq(told(), "DIR/none.json: No such file or directory\n"
	                         "1 mistake in the models: nothing is served or migrated\n"
	                         "DIR: no *.json file in this folder\n"
	                         "1 mistake in the models: nothing is served or migrated\n");
}
END_TEST

static const struct value *read_schema(void)
{
	static const struct json_limits limits = {1 << 20, 64, 100000};
	static char text[1 << 19];
	const struct value *schema = NULL;
	struct error error;
	FILE *file = fopen(QUERN_SOURCE_DIR "/config/models.schema.json", "r");
	ck_assert_ptr_nonnull(file);
	text[fread(text, 1, sizeof text - 1, file)] = 0;
	fclose(file);
	error_init(&error, arena);
	ck_assert_msg(json_read(arena, str_of(text), &limits, &schema, &error), "%s",
	              arena_cstr(arena, error.detail));
	return schema;
}

/* The schema and the program's tables say the same of every type and option. */
START_TEST(the_schema_knows_every_type_and_its_options)
{
	const struct value *defs = value_get(read_schema(), "$defs");
	for (size_t i = 0; i < field_types_count; i++) {
		const struct field_type *type = &field_types[i];
		struct str names[64];
		size_t n = option_names(type, names, 64);
		const struct value *properties = value_get(value_get(defs, type->name), "properties");
		ck_assert_msg(properties, "no %s in the schema", type->name);
		for (size_t k = 0; k < n; k++)
			ck_assert_msg(value_get(properties, arena_cstr(arena, names[k])), "no %s of %s",
			              arena_cstr(arena, names[k]), type->name);
		ck_assert_uint_eq(properties->object.n, n + 1); /* "type" */
	}
	for (size_t i = 0; i < field_options_count; i++) {
		const char *name = arena_printf(arena, "option.%s", field_options[i].name).p;
		ck_assert_msg(value_get(defs, name), "no %s", name);
	}
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "config/models_file");
	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, every_example_is_right);
	tcase_add_test(group, a_folder_is_the_sum_of_its_json_files);
	tcase_add_test(group, mistakes_are_told_with_file_line_and_column);
	tcase_add_test(group, a_broken_file_does_not_hide_the_mistakes_of_others);
	tcase_add_test(group, a_member_named_twice_is_a_mistake);
	tcase_add_test(group, a_missing_path_and_an_empty_folder_are_mistakes);
	tcase_add_test(group, the_schema_knows_every_type_and_its_options);
	return suite_main(suite);
}
