/* The text of UPDATE: what a right side may reach, how rows are named and locked; and `returning` and `require` read. */
#include "orm/write/assign.h"

#include "orm/query/decode.h"
#include "orm/write/require.h"
#include "orm/write/returning.h"
#include "tests/support/suite.h"
#include "tests/write/models.h"

static const char models[] =
	"{'models': {"
	"'Role': {'fields': {'name': {'type': 'CharField', 'max_length': 10, 'unique': true},"
	"  'base': {'type': 'DecimalField', 'max_digits': 8, 'decimal_places': 2, 'null': true},"
	"  'boss': {'type': 'ForeignKey', 'to': 'Employee', 'on_delete': 'SET_NULL', 'null': true, "
    "'related_name': 'led'}}},"
	"'Employee': {'fields': {"
	"  'name': {'type': 'CharField', 'max_length': 50},"
	"  'years': {'type': 'IntegerField', 'default': 0},"
	"  'salary': {'type': 'DecimalField', 'max_digits': 8, 'decimal_places': 2, 'null': true},"
	"  'tags': {'type': 'ArrayField', 'base_field': 'IntegerField', 'default': []},"
	"  'data': {'type': 'JSONField', 'null': true, 'blank': true},"
	"  'badge': {'type': 'CharField', 'max_length': 5, 'unique': true, 'null': true},"
	"  'role': {'type': 'ForeignKey', 'to': 'Role', 'on_delete': 'CASCADE', 'null': true}}},"
	"'Desk': {'fields': {'owner': {'type': 'OneToOneField', 'to': 'Employee', 'on_delete': "
    "'CASCADE'}, 'place': 'TextField'}},"
	"'Seat': {'fields': {'line': {'type': 'CharField', 'max_length': 4}, 'number': 'IntegerField', "
    "'note': 'TextField'},"
	"  'Meta': {'primary_key': ['line', 'number']}}"
	"}}";

static struct arena *arena;
static const struct registry *registry;
static const struct model *model;
static struct error error;

static void setup(void)
{
	arena = arena_new();
	registry = models_from(arena, models);
	model = model_named(registry, "Employee");
	error_init(&error, arena);
}

static void teardown(void)
{
	arena_free(arena);
}

/* -- update ------------------------------------------------------------------------ */

static bool plan(const char *query_text, const char *set_text, struct statement *statement)
{
	static const struct write_options options;
	struct writing writing = {
		.arena = arena, .registry = registry, .options = &options, .error = &error};
	struct assignments assignments;
	const struct query *query;

	error_clear(&error);
	return decode_query(arena, value_from(arena, query_text), NULL, &query, &error) &&
	       assignments_read(&writing, model, ASSIGN_UPDATE, value_from(arena, set_text),
	                        &assignments) &&
	       plan_update(arena, model, NULL, query, assignments.items, assignments.n, statement,
	                   &error);
}

static const char *update(const char *query, const char *set)
{
	struct statement statement;

	if (plan(query, set, &statement))
		return arena_cstr(arena, statement.sql);
	struct str text = arena_printf(arena, "%s at %s: %.*s", error_title(error.kind),
	                               pointer_of(arena, error.pos), STR_ARG(error.detail));
	return arena_cstr(arena, text);
}

#define ck_update(query, set, expected) ck_assert_str_eq(update((query), (set)), (expected))

START_TEST(the_rows_own_columns_stand_as_they_are)
{
	ck_update("{'filter': {'id': 3}}", "{'years': {'+': [{'F': 'years'}, 1]}, 'name': 'x'}",
	          "UPDATE \"employee\" AS t0 SET \"years\" = (t0.\"years\" + $1), \"name\" = $2 WHERE "
	          "t0.\"id\" = $3");
}
END_TEST

START_TEST(a_single_valued_relation_is_a_left_join_to_one_row_of_nothing)
{
	ck_update(
		"{}", "{'salary': {'F': 'role__base'}}",
		"UPDATE \"employee\" AS t0 SET (\"salary\") = (SELECT t2.\"base\" FROM (SELECT) AS one "
		"LEFT JOIN \"role\" AS t2 ON t2.\"id\" = t0.\"role_id\")");
}
END_TEST

START_TEST(the_joins_are_made_once_for_all_fields)
{
	ck_update("{}",
	          "{'salary': {'+': [{'F': 'role__base'}, {'F': 'salary'}]}, 'years': 1, 'name': {'F': "
	          "'role__boss__name'}}",
	          "UPDATE \"employee\" AS t0 SET \"years\" = $1, (\"salary\", \"name\") = "
	          "(SELECT (t2.\"base\" + t0.\"salary\"), t3.\"name\" FROM (SELECT) AS one "
	          "LEFT JOIN \"role\" AS t2 ON t2.\"id\" = t0.\"role_id\" "
	          "LEFT JOIN \"employee\" AS t3 ON t3.\"id\" = t2.\"boss_id\")");
}
END_TEST

START_TEST(a_key_on_the_way_needs_no_join)
{
	ck_update("{}", "{'years': {'F': 'role__id'}}",
	          "UPDATE \"employee\" AS t0 SET \"years\" = t0.\"role_id\"");
}
END_TEST

START_TEST(a_reverse_one_to_one_leads_to_one_row)
{
	ck_update(
		"{}", "{'name': {'F': 'desk__place'}}",
		"UPDATE \"employee\" AS t0 SET (\"name\") = (SELECT t2.\"place\" FROM (SELECT) AS one "
		"LEFT JOIN \"desk\" AS t2 ON t2.\"owner_id\" = t0.\"id\")");
}
END_TEST

START_TEST(an_aggregate_hangs_on_the_row)
{
	model = model_named(registry, "Role");
	ck_update("{}", "{'base': {'Count': 'employee'}}",
	          "UPDATE \"role\" AS t0 SET \"base\" = (SELECT COUNT(*) FROM \"employee\" AS t2 WHERE "
	          "t2.\"role_id\" = t0.\"id\")");
}
END_TEST

START_TEST(several_rows_are_refused)
{
	model = model_named(registry, "Role");
	ck_update("{}", "{'base': {'F': 'employee__salary'}}",
	          "FieldError at /base: 'base' is set from a relation that can have several rows; say "
	          "which one by a Subquery, "
	          "or what of them all by an aggregate.");
	ck_update("{}", "{'base': {'+': [{'Count': 'employee'}, {'F': 'employee__years'}]}}",
	          "FieldError at /base: 'base' is set from a relation that can have several rows; say "
	          "which one by a Subquery, "
	          "or what of them all by an aggregate.");
}
END_TEST

START_TEST(own_conditions_judge_the_row_that_is_written)
{
	ck_update("{'filter': {'years__gte': 1, 'role__name': 'x'}}",
	          "{'years': {'-': [{'F': 'years'}, 1]}}",
	          "UPDATE \"employee\" AS t2 SET \"years\" = (t2.\"years\" - $1) WHERE t2.\"years\" >= "
	          "$2 AND "
	          "(t2.\"id\") IN (SELECT t0.\"id\" FROM \"employee\" AS t0 INNER JOIN \"role\" AS t1 "
	          "ON t1.\"id\" = t0.\"role_id\" "
	          "WHERE t0.\"years\" >= $3 AND t1.\"name\" = $4)");
}
END_TEST

START_TEST(annotations_over_joins_are_made_anew)
{
	ck_update(
		"{'annotate': {'b': {'F': 'role__base'}}, 'filter': {'b__gt': '1.00'}}",
		"{'salary': {'F': 'b'}}",
		"UPDATE \"employee\" AS t2 SET (\"salary\") = (SELECT t4.\"base\" FROM (SELECT) AS one "
		"LEFT JOIN \"role\" AS t4 ON t4.\"id\" = t2.\"role_id\") WHERE (t2.\"id\") IN (SELECT "
	    "t0.\"id\" FROM \"employee\" AS t0 "
		"LEFT JOIN \"role\" AS t1 ON t1.\"id\" = t0.\"role_id\" WHERE t1.\"base\" > $1)");
}
END_TEST

START_TEST(annotations_over_several_rows_cannot_be_named)
{
	model = model_named(registry, "Role");
	ck_update("{'annotate': {'n': {'Count': 'employee'}}, 'filter': {'n__gt': 1}}",
	          "{'base': {'F': 'n'}}",
	          "FieldError at /base/F: The annotation 'n' looks at more than one row and cannot be "
	          "named on a right side; "
	          "write an aggregate there itself, or a Subquery.");
	ck_update("{'annotate': {'n': {'F': 'employee__years'}}}", "{'base': {'F': 'n'}}",
	          "FieldError at /base/F: The annotation 'n' looks at more than one row and cannot be "
	          "named on a right side; "
	          "write an aggregate there itself, or a Subquery.");
}
END_TEST

START_TEST(json_null_is_told_from_null)
{
	struct statement statement;

	ck_assert(plan("{}", "{'data': {'Value': null}}", &statement));
	ck_assert_str_eq(statement.params[0].text.p, "null");
	ck_update("{}", "{'data': null}", "UPDATE \"employee\" AS t0 SET \"data\" = NULL");
}
END_TEST

START_TEST(types_that_do_not_fit_are_refused)
{
	ck_update("{}", "{'years': {'F': 'name'}}",
	          "TypeError at /years: The IntegerField 'years' cannot be set to an expression that "
	          "gives a CharField; "
	          "wrap it in Cast.");
	ck_update("{}", "{'name': {'F': 'years'}}",
	          "UPDATE \"employee\" AS t0 SET \"name\" = t0.\"years\"");
	ck_update("{}", "{'years': {'Cast': ['name', 'IntegerField']}}",
	          "UPDATE \"employee\" AS t0 SET \"years\" = (t0.\"name\")::integer");
}
END_TEST

#define HOSTILE "x'); DROP TABLE employee; --\" $1 \\"

START_TEST(values_are_parameters_and_never_text)
{
	struct statement tame, hostile;
	const struct value *name =
		value_from(arena, "{'name': 'x', 'salary': {'Coalesce': [{'F': 'role__base'}, '1.00']}}");
	struct value given = *name;
	struct member members[2] = {name->object.members[0], name->object.members[1]};
	static const struct write_options options;
	struct writing writing = {
		.arena = arena, .registry = registry, .options = &options, .error = &error};
	struct assignments assignments;
	const struct query *query;

	ck_assert(plan("{}", "{'name': 'x', 'salary': {'Coalesce': [{'F': 'role__base'}, 1]}}", &tame));
	members[0].value = (struct value){.kind = VALUE_TEXT, .text = STR(HOSTILE)};
	members[1].value = *value_from(arena, "{'Coalesce': [{'F': 'role__base'}, 2]}");
	given.object.members = members;
	ck_assert(decode_query(arena, value_from(arena, "{}"), NULL, &query, &error));
	ck_assert(assignments_read(&writing, model, ASSIGN_UPDATE, &given, &assignments));
	ck_assert(
		plan_update(arena, model, NULL, query, assignments.items, assignments.n, &hostile, &error));
	ck_assert(str_eq(tame.sql, hostile.sql));
	ck_assert_str_eq(hostile.params[0].text.p, HOSTILE);
}
END_TEST

/* -- bulk_update ------------------------------------------------------------------- */

static const char *bulk(const struct bulk_update *update, size_t *nparams)
{
	struct statement statement;

	ck_assert(plan_bulk_update(arena, model, NULL, update, &statement, &error));
	*nparams = statement.nparams;
	return arena_cstr(arena, statement.sql);
}

START_TEST(rows_are_locked_by_key_and_changed_in_one_statement)
{
	struct bulk_values key = {model->pk, STR("{2,1}")};
	struct bulk_values values[] = {
		{field_named(registry, "Employee", "name"), STR("{a,b}")},
		{field_named(registry, "Employee", "tags"), STR("{\"{1}\",\"{}\"}")}};
	struct bulk_update update = {.keys = &key, .values = values, .nvalues = 2};
	size_t n;

	ck_assert_str_eq(bulk(&update, &n),
	                 "WITH l AS (SELECT u.k0 AS k0, u.c0 AS c0, u.c1::integer[] AS c1, u.n FROM "
	                 "unnest($1, $2, $3) WITH ORDINALITY AS "
	                 "u(k0, c0, c1, n) INNER JOIN \"employee\" AS t2 ON t2.\"id\" = u.k0 ORDER BY "
	                 "t2.\"id\" FOR NO KEY UPDATE OF t2) "
	                 "UPDATE \"employee\" AS t1 SET \"name\" = l.c0, \"tags\" = l.c1 FROM l WHERE "
	                 "t1.\"id\" = l.k0");
	ck_assert_uint_eq(n, 3);
}
END_TEST

START_TEST(a_change_of_a_unique_column_takes_the_stronger_lock)
{
	struct bulk_values key = {model->pk, STR("{1}")};
	struct bulk_values badge = {field_named(registry, "Employee", "badge"), STR("{a}")};
	struct bulk_update update = {.keys = &key, .values = &badge, .nvalues = 1};
	size_t n;

	ck_assert_ptr_nonnull(strstr(bulk(&update, &n), " FOR UPDATE OF t2)"));
}
END_TEST

START_TEST(expressions_are_the_same_for_all_rows_and_reach_over_relations)
{
	struct bulk_values key = {model->pk, STR("{1}")};
	const struct field *answered[] = {model->pk};
	struct assignment assignment = {.field = field_named(registry, "Employee", "salary")};
	struct bulk_update update = {.keys = &key,
	                             .assignments = &assignment,
	                             .nassignments = 1,
	                             .returning = answered,
	                             .nreturning = 1};
	size_t n;

	ck_assert(decode_operand(arena, value_from(arena, "{'F': 'role__base'}"), &assignment.operand,
	                         &error));
	ck_assert_str_eq(bulk(&update, &n), "WITH l AS (SELECT u.k0 AS k0, u.n FROM unnest($1) WITH "
	                                    "ORDINALITY AS u(k0, n) INNER JOIN \"employee\" AS t2 ON "
	                                    "t2.\"id\" = u.k0 ORDER BY t2.\"id\" FOR NO KEY UPDATE OF "
	                                    "t2) UPDATE \"employee\" AS t1 SET (\"salary\") = "
	                                    "(SELECT t4.\"base\" FROM (SELECT) AS one LEFT JOIN "
	                                    "\"role\" AS t4 ON t4.\"id\" = t1.\"role_id\") FROM l "
	                                    "WHERE t1.\"id\" = l.k0 RETURNING t1.\"id\", l.n");
}
END_TEST

START_TEST(a_composite_key_is_compared_whole)
{
	model = model_named(registry, "Seat");
	struct bulk_values keys[] = {{model->pk_fields[0], STR("{a}")},
	                             {model->pk_fields[1], STR("{1}")}};
	struct bulk_values note = {field_named(registry, "Seat", "note"), STR("{x}")};
	struct bulk_update update = {.keys = keys, .values = &note, .nvalues = 1};
	size_t n;

	ck_assert_str_eq(bulk(&update, &n),
	                 "WITH l AS (SELECT u.k0 AS k0, u.k1 AS k1, u.c0 AS c0, u.n FROM unnest($1, "
	                 "$2, $3) WITH ORDINALITY AS u(k0, k1, c0, n) "
	                 "INNER JOIN \"seat\" AS t2 ON t2.\"line\" = u.k0 AND t2.\"number\" = u.k1 "
	                 "ORDER BY t2.\"line\", t2.\"number\" "
	                 "FOR NO KEY UPDATE OF t2) UPDATE \"seat\" AS t1 SET \"note\" = l.c0 FROM l "
	                 "WHERE t1.\"line\" = l.k0 AND t1.\"number\" = l.k1");
}
END_TEST

/* -- returning --------------------------------------------------------------------- */

static const char *returned(const char *json)
{
	struct returning returning = {0};
	struct statement statement;
	struct sql sql;

	error_clear(&error);
	if (!returning_read(arena, model, value_from(arena, json), &returning, &error))
		return arena_cstr(arena, arena_printf(arena, "%s at %s", error_title(error.kind),
		                                      pointer_of(arena, error.pos)));
	sql_init(&sql, arena);
	returning_emit(&sql, &returning);
	sql_finish(&sql, returning.columns.n, &statement);
	return arena_cstr(arena, statement.sql);
}

START_TEST(returning_lists_columns_of_the_row)
{
	ck_assert_str_eq(returned("['pk', 'role', 'role_id', 'name', 'name', 'id']"),
	                 " RETURNING \"id\", \"role_id\", \"name\"");
	ck_assert_str_eq(returned("[]"), "");
	ck_assert_str_eq(returned("false"), "");
	ck_assert_str_eq(returned("true"), returned("'*'"));
	ck_assert_str_eq(returned("['nmae']"), "FieldError at /0");
	ck_assert(str_is(error.suggestion, "name"));
	ck_assert_str_eq(returned("['desk']"), "FieldError at /0");
	ck_assert_str_eq(returned("['role__name']"), "FieldError at /0");
	ck_assert_str_eq(returned("'name'"), "ValueError at ");
	ck_assert_str_eq(returned("3"), "ValueError at ");
	ck_assert_str_eq(returned("null"), "ValueError at ");
}
END_TEST

START_TEST(a_column_that_is_not_shown_can_be_read)
{
	struct returning returning = {0};
	struct layout whole;

	ck_assert(
		returning_read(arena, model, value_from(arena, "['name', 'pk']"), &returning, &error));
	ck_assert_uint_eq(returning_column(arena, &returning, model->pk), 1);
	ck_assert_uint_eq(
		returning_column(arena, &returning, field_named(registry, "Employee", "years")), 2);
	ck_assert_uint_eq(returning.layout.n, 2);
	returning_narrow(arena, model, &returning, &whole);
	ck_assert_uint_eq(whole.members[0].column, 1);
	ck_assert_uint_eq(whole.members[1].column, 0);
}
END_TEST

/* -- require ----------------------------------------------------------------------- */

static const char *held(const char *json, uint64_t n)
{
	struct require require;

	error_clear(&error);
	if (require_read(value_from(arena, json), &require, &error) &&
	    require_holds(&require, n, &error))
		return "held";
	return arena_cstr(arena, error.detail);
}

START_TEST(require_counts_rows)
{
	ck_assert_str_eq(held("{'rows': 1}", 1), "held");
	ck_assert_str_eq(held("{'rows': 0}", 0), "held");
	ck_assert_str_eq(held("{'min': 1}", 5), "held");
	ck_assert_str_eq(held("{'max': 5}", 0), "held");
	ck_assert_str_eq(held("{'min': 2, 'max': 3}", 3), "held");
	ck_assert_str_eq(held("{'rows': 1}", 0),
	                 "0 rows were there and one row was required; nothing was written.");
	ck_assert_str_eq(held("{'min': 2}", 1),
	                 "one row was there and at least 2 rows were required; nothing was written.");
	ck_assert_str_eq(held("{'max': 1}", 2),
	                 "2 rows were there and at most one row was required; nothing was written.");
	ck_assert_str_eq(held("{'min': 2, 'max': 3}", 4),
	                 "4 rows were there and 2 to 3 rows were required; nothing was written.");
	ck_assert_int_eq(error.kind, ERROR_PRECONDITION);
}
END_TEST

START_TEST(require_that_means_nothing_is_refused)
{
	static const char *const wrong[] = {"{}",
	                                    "{'rows': 1, 'max': 2}",
	                                    "{'min': 3, 'max': 2}",
	                                    "{'rows': -1}",
	                                    "{'rows': '1'}",
	                                    "{'rws': 1}",
	                                    "1",
	                                    "'1'",
	                                    "null",
	                                    "[1]",
	                                    "{'rows': 1.5}"};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		held(wrong[i], 1);
		ck_assert_msg(error.kind == ERROR_VALUE || error.kind == ERROR_BAD_REQUEST, "%s", wrong[i]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("update");
	TCase *cases = tcase_create("update");

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_add_test(cases, the_rows_own_columns_stand_as_they_are);
	tcase_add_test(cases, a_single_valued_relation_is_a_left_join_to_one_row_of_nothing);
	tcase_add_test(cases, the_joins_are_made_once_for_all_fields);
	tcase_add_test(cases, a_key_on_the_way_needs_no_join);
	tcase_add_test(cases, a_reverse_one_to_one_leads_to_one_row);
	tcase_add_test(cases, an_aggregate_hangs_on_the_row);
	tcase_add_test(cases, several_rows_are_refused);
	tcase_add_test(cases, own_conditions_judge_the_row_that_is_written);
	tcase_add_test(cases, annotations_over_joins_are_made_anew);
	tcase_add_test(cases, annotations_over_several_rows_cannot_be_named);
	tcase_add_test(cases, json_null_is_told_from_null);
	tcase_add_test(cases, types_that_do_not_fit_are_refused);
	tcase_add_test(cases, values_are_parameters_and_never_text);
	tcase_add_test(cases, rows_are_locked_by_key_and_changed_in_one_statement);
	tcase_add_test(cases, a_change_of_a_unique_column_takes_the_stronger_lock);
	tcase_add_test(cases, expressions_are_the_same_for_all_rows_and_reach_over_relations);
	tcase_add_test(cases, a_composite_key_is_compared_whole);
	tcase_add_test(cases, returning_lists_columns_of_the_row);
	tcase_add_test(cases, a_column_that_is_not_shown_can_be_read);
	tcase_add_test(cases, require_counts_rows);
	tcase_add_test(cases, require_that_means_nothing_is_refused);
	suite_add_tcase(suite, cases);
	return suite_main(suite);
}
