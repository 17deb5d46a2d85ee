/* The text of INSERT: by the shape of the rows, never by values or number; values are parameters. */
#include "orm/write/insert.h"

#include "orm/model/field_types.h"
#include "tests/support/suite.h"
#include "tests/write/models.h"

static const char models[] =
	"{'models': {"
	"'Role': {'fields': {'name': {'type': 'CharField', 'max_length': 10, 'unique': true}}},"
	"'Thing': {'fields': {"
	"  'name': {'type': 'CharField', 'max_length': 50},"
	"  'n': {'type': 'IntegerField', 'default': 7},"
	"  'made': {'type': 'DateTimeField', 'auto_now_add': true},"
	"  'seen': {'type': 'DateTimeField', 'auto_now': true},"
	"  'token': {'type': 'UUIDField', 'default': {'RandomUUID': []}},"
	"  'tags': {'type': 'ArrayField', 'base_field': 'IntegerField', 'default': []},"
	"  'kept': {'type': 'IntegerField', 'db_default': 3},"
	"  'role': {'type': 'ForeignKey', 'to': 'Role', 'on_delete': 'CASCADE'}"
	"}},"
	"'Bare': {'fields': {'made': {'type': 'DateTimeField', 'auto_now_add': true}}}"
	"}}";

static struct arena *arena;
static const struct registry *registry;
static const struct model *model;
static struct error error;
static struct writing writing;

static void setup(void)
{
	arena = arena_new();
	registry = models_from(arena, models);
	model = model_named(registry, "Thing");
	error_init(&error, arena);
	writing = (struct writing){.arena = arena, .registry = registry, .error = &error};
}

static void teardown(void)
{
	arena_free(arena);
}

static struct row *read_rows(enum row_mode mode, const char *json, size_t *n)
{
	const struct value *list = value_from(arena, json);
	struct row *rows = ARENA_ARRAY(arena, struct row, list->list.n);
	struct row_reader reader;

	row_reader_init(&reader, &writing, model, mode);
	*n = list->list.n;
	for (size_t i = 0; i < *n; i++)
		if (!row_read(&reader, &list->list.items[i], &rows[i]))
			return NULL;
	return validation_finish(reader.validation, &error) ? rows : NULL;
}

static struct statement one(const char *json)
{
	struct statement statement;
	size_t n;
	struct row *rows = read_rows(ROW_NEW, json, &n);

	if (!rows)
		ck_abort_msg("%s", arena_cstr(arena, error.detail));
	insert_one(arena, model, &rows[0], NULL, NULL, &statement);
	return statement;
}

static struct statement many(const char *json)
{
	struct statement statement;
	size_t n;
	struct row *rows = read_rows(ROW_NEW, json, &n);

	ck_assert_ptr_nonnull(rows);
	const struct row **list = ARENA_ARRAY(arena, const struct row *, n);
	for (size_t i = 0; i < n; i++)
		list[i] = &rows[i];
	insert_many(arena, model, list, n, NULL, NULL, &statement);
	return statement;
}

#define RETURNING                                                                                  \
	" RETURNING \"id\", \"name\", \"n\", \"made\", \"seen\", \"token\", \"tags\", \"kept\", "      \
	"\"role_id\""

START_TEST(one_row_has_its_values_as_parameters)
{
	struct statement statement = one("[{'name': 'a', 'role': 2}]");
	ck_assert_str_eq(arena_cstr(arena, statement.sql),
	                 "INSERT INTO \"thing\" (\"name\", \"n\", \"made\", \"seen\", \"token\", "
	                 "\"tags\", \"role_id\") "
	                 "VALUES ($1, $2, now(), now(), gen_random_uuid(), $3, $4)" RETURNING);
	ck_assert_uint_eq(statement.nparams, 4);
	ck_assert_str_eq(statement.params[1].text.p, "7");
	ck_assert_uint_eq(statement.ncolumns, 9);
}
END_TEST

START_TEST(many_rows_are_arrays_of_any_length)
{
	struct statement two = many("[{'name': 'a', 'role': 2}, {'name': 'b', 'role_id': 3, 'n': 1}]");
	struct statement three =
		many("[{'name': 'a', 'role': 2}, {'name': 'b', 'role': 3}, {'name': 'c', 'role': 3}]");

	ck_assert(str_eq(two.sql, three.sql));
	ck_assert_str_eq(arena_cstr(arena, two.sql),
	                 "INSERT INTO \"thing\" (\"name\", \"n\", \"made\", \"seen\", \"token\", "
	                 "\"tags\", \"role_id\") "
	                 "SELECT u.c0, u.c1, now(), now(), gen_random_uuid(), u.c2::integer[], u.c3 "
	                 "FROM unnest($1, $2, $3, $4) AS u(c0, c1, c2, c3)" RETURNING);
	ck_assert_str_eq(two.params[0].text.p, "{\"a\",\"b\"}");
	ck_assert_str_eq(two.params[1].text.p, "{\"7\",\"1\"}");
	ck_assert_str_eq(two.params[2].text.p, "{\"{}\",\"{}\"}");
}
END_TEST

START_TEST(rows_of_another_shape_are_told_apart)
{
	size_t n;
	struct row *rows = read_rows(ROW_NEW,
	                             "[{'name': 'a', 'role': 2}, {'name': 'b', 'role': 2, 'kept': 4},"
	                             " {'name': 'c', 'role': 5}]",
	                             &n);
	ck_assert_ptr_nonnull(rows);
	ck_assert(!insert_same_shape(model, &rows[0], &rows[1]));
	ck_assert(insert_same_shape(model, &rows[0], &rows[2]));
}
END_TEST

START_TEST(a_row_of_nothing_but_defaults)
{
	struct statement statement;
	const struct row *rows[2];
	size_t n;

	model = model_named(registry, "Bare");
	struct row *read = read_rows(ROW_NEW, "[{}, {}]", &n);
	rows[0] = &read[0];
	rows[1] = &read[1];
	insert_many(arena, model, rows, 2, &(struct conflict){.kind = INSERT_SKIPS}, NULL, &statement);
	ck_assert_str_eq(arena_cstr(arena, statement.sql),
	                 "INSERT INTO \"bare\" (\"made\") SELECT now() FROM generate_series(1, $1) "
	                 "ON CONFLICT DO NOTHING RETURNING \"id\", \"made\"");
	model = model_named(registry, "Role");
	read = read_rows(ROW_CHANGES, "[{}]", &n);
	insert_one(arena, model, &read[0], NULL, NULL, &statement);
	ck_assert_str_eq(arena_cstr(arena, statement.sql),
	                 "INSERT INTO \"role\" DEFAULT VALUES RETURNING \"id\", \"name\"");
}
END_TEST

/* -- reading rows ------------------------------------------------------------------- */

static void refuses(const char *json, enum error_kind kind, const char *pointer, const char *detail)
{
	size_t n;

	ck_assert_ptr_null(read_rows(ROW_NEW, json, &n));
	ck_assert_int_eq(error.kind, kind);
	ck_assert_str_eq(pointer_of(arena, error.pos), pointer);
	ck_assert_str_eq(arena_cstr(arena, error.detail), detail);
}

START_TEST(an_unknown_field_is_named_with_its_neighbour)
{
	refuses("[{'name': 'a', 'rol': 2}]", ERROR_FIELD, "/0/rol", "Thing has no field named 'rol'.");
	ck_assert(str_is(error.suggestion, "role"));
}
END_TEST

START_TEST(a_field_given_by_both_its_names_is_refused)
{
	refuses("[{'role': 2, 'role_id': 2}]", ERROR_FIELD, "/0/role_id",
	        "The field 'role' is given twice; 'role_id' is another name of it.");
}
END_TEST

START_TEST(a_row_is_an_object)
{
	refuses("[5]", ERROR_VALUE, "/0",
	        "A row of Thing must be an object of its fields, not an integer.");
}
END_TEST

START_TEST(a_reverse_set_cannot_be_assigned)
{
	model = model_named(registry, "Role");
	refuses("[{'name': 'a', 'thing_set': []}]", ERROR_TYPE, "/0/thing_set",
	        "Direct assignment to the reverse side of a related set is prohibited. Use "
	        "thing_set/set instead.");
}
END_TEST

START_TEST(all_violations_of_all_rows_come_together)
{
	size_t n;

	ck_assert_ptr_null(read_rows(
		ROW_NEW, "[{'n': 'x'}, {'name': 'a', 'role': 1}, {'name': '', 'role': null}]", &n));
	ck_assert_int_eq(error.kind, ERROR_VALIDATION);
	ck_assert_uint_eq(error.nviolations, 5);
	ck_assert_str_eq(pointer_of(arena, error.violations[0].pos), "/0/n");
	ck_assert_str_eq(pointer_of(arena, error.violations[1].pos), "/0/name");
	ck_assert_str_eq(arena_cstr(arena, error.violations[1].code), "blank");
	ck_assert_str_eq(pointer_of(arena, error.violations[2].pos), "/0/role");
	ck_assert_str_eq(arena_cstr(arena, error.violations[2].code), "null");
	ck_assert_str_eq(pointer_of(arena, error.violations[4].pos), "/2/role");
}
END_TEST

START_TEST(auto_now_is_set_whatever_is_given)
{
	size_t n;
	struct row *rows =
		read_rows(ROW_NEW, "[{'name': 'a', 'role': 1, 'made': '2001-01-01', 'seen': 'x'}]", &n);

	ck_assert_ptr_nonnull(rows);
	ck_assert_int_eq(rows[0].cells[field_named(registry, "Thing", "made")->index].kind, CELL_NOW);
	ck_assert_int_eq(rows[0].cells[field_named(registry, "Thing", "seen")->index].kind, CELL_NOW);
}
END_TEST

START_TEST(a_related_row_may_be_named_by_lookups)
{
	size_t n;
	struct row *rows = read_rows(ROW_NEW, "[{'name': 'a', 'role': {'name': 'x'}}]", &n);

	ck_assert_ptr_nonnull(rows);
	ck_assert_int_eq(rows[0].cells[field_named(registry, "Thing", "role")->index].kind, CELL_FIND);
}
END_TEST

START_TEST(expressions_that_a_new_row_cannot_take_are_refused)
{
	refuses("[{'name': 'a', 'role': 1, 'n': {'F': 'kept'}}]", ERROR_VALUE, "/0/n",
	        "Failed to insert an expression that names 'kept' into 'n'. F() expressions can only be "
	        "used to update, not to insert.");
	error_clear(&error);
	refuses("[{'name': 'a', 'role': 1, 'n': {'Count': '*'}}]", ERROR_FIELD, "/0/n",
	        "Aggregate functions are not allowed in this query (n).");
}
END_TEST

#define HOSTILE "'; DROP TABLE thing; -- \\ $1 {} \""

START_TEST(now_is_for_moments)
{
	size_t n;
	ck_assert_ptr_nonnull(
		read_rows(ROW_NEW, "[{'name': 'a', 'role': 1, 'token': {'RandomUUID': []}}]", &n));
	refuses("[{'name': {'Now': []}, 'role': 1}]", ERROR_VALUE, "/0/name",
	        "'name' is a string; it cannot be set to now.");
}
END_TEST

START_TEST(hostile_texts_are_parameters_and_nothing_else)
{
	struct statement statement = one("[{'name': 'x', 'role': 1}]");
	const struct value *list = value_from(arena, "[{'name': 'x', 'role': 1}]");
	struct member members[2];
	struct row row;
	struct row_reader reader;
	struct statement hit;

	memcpy(members, list->list.items[0].object.members, sizeof members);
	members[0].value.text = STR(HOSTILE);
	struct value object = list->list.items[0];
	object.object.members = members;
	row_reader_init(&reader, &writing, model, ROW_NEW);
	ck_assert(row_read(&reader, &object, &row));
	insert_one(arena, model, &row, NULL, NULL, &hit);
	ck_assert(str_eq(hit.sql, statement.sql));
	ck_assert_str_eq(hit.params[0].text.p, HOSTILE);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "insert");
	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, one_row_has_its_values_as_parameters);
	tcase_add_test(group, many_rows_are_arrays_of_any_length);
	tcase_add_test(group, rows_of_another_shape_are_told_apart);
	tcase_add_test(group, a_row_of_nothing_but_defaults);
	tcase_add_test(group, an_unknown_field_is_named_with_its_neighbour);
	tcase_add_test(group, a_field_given_by_both_its_names_is_refused);
	tcase_add_test(group, a_row_is_an_object);
	tcase_add_test(group, a_reverse_set_cannot_be_assigned);
	tcase_add_test(group, all_violations_of_all_rows_come_together);
	tcase_add_test(group, auto_now_is_set_whatever_is_given);
	tcase_add_test(group, a_related_row_may_be_named_by_lookups);
	tcase_add_test(group, expressions_that_a_new_row_cannot_take_are_refused);
	tcase_add_test(group, now_is_for_moments);
	tcase_add_test(group, hostile_texts_are_parameters_and_nothing_else);
	return suite_main(suite);
}
