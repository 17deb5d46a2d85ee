/* Declarations to a registry: names, relations in both directions, join tables, inheritance, Meta, as Django
 * would make them.
 */
#include "orm/model/build.h"
#include "orm/model/field_types.h"
#include "orm/wire/json.h"

#include "tests/support/suite.h"

#include <stdio.h>

static struct arena *arena;

static void setup(void)
{
	arena = arena_new();
}

static void teardown(void)
{
	arena_free(arena);
}

/* Builds from texts with ' for ", which must be right. */
static const struct registry *build_all(const char *const *texts, size_t n)
{
	static const struct json_limits limits = {1 << 20, 64, 10000};
	const struct value **documents = ARENA_ARRAY(arena, const struct value *, n);
	struct mistakes mistakes;
	struct error error;
	for (size_t i = 0; i < n; i++) {
		char *json = arena_cstr(arena, str_of(texts[i]));
		for (char *c = json; *c; c++)
			if (*c == '\'')
				*c = '"';
		error_init(&error, arena);
		ck_assert_msg(json_read(arena, str_of(json), &limits, &documents[i], &error), "%s: %.*s",
		              json, STR_ARG(error.detail));
	}
	const struct registry *registry = registry_build(arena, documents, n, &mistakes);
	ck_assert_msg(registry, "%s: %s", pos_pointer(arena, mistakes.items[0].pos).p,
	              mistakes.items[0].message.p);
	return registry;
}

static const struct registry *build(const char *text)
{
	return build_all(&text, 1);
}

static const struct model *model_of(const struct registry *registry, const char *name)
{
	const struct model *model = registry_model(registry, str_of(name));
	ck_assert_msg(model, "no model %s", name);
	return model;
}

static const struct field *field_of(const struct registry *registry, const char *model, const char *name)
{
	const struct field *field = model_field(model_of(registry, model), str_of(name));
	ck_assert_msg(field, "no field %s.%s", model, name);
	return field;
}

#define ck_assert_text(s, expected) ck_assert_str_eq(arena_cstr(arena, (s)), (expected))

/* "id, name" of a list of fields. */
static const char *names_of(const struct field *const *fields, size_t n)
{
	struct buf out = {0};
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			BUF_LIT(&out, ", ");
		buf_add(&out, fields[i]->name);
	}
	const char *names = arena_cstr(arena, buf_str(&out));
	buf_release(&out);
	return names;
}

static const char *members_of(const struct model *model)
{
	return arena_cstr(arena, suggest_choices(arena, model->member_names, model->nmember_names));
}

static const char staff[] =
    "{'models': {'Role': {'fields': {'name': {'type': 'CharField', 'max_length': 64}}}, 'Employee': "
    "{'fields': {'role': {'type': 'ForeignKey', 'to': 'Role', 'on_delete': 'CASCADE'}, 'full_name': "
    "{'type': 'CharField', 'max_length': 128}}}}}";

START_TEST(a_model_without_a_key_gets_id)
{
	const struct model *role = model_of(build(staff), "Role");
	ck_assert_str_eq(names_of(role->fields, role->nfields), "id, name");
	ck_assert_str_eq(role->pk->type->name, "BigAutoField");
	ck_assert(role->pk->is_primary_key && role->pk->is_unique && role->pk->is_blank);
	ck_assert_uint_eq(role->npk_fields, 1);
	ck_assert_ptr_eq(role->pk_fields[0], role->pk);
	ck_assert_ptr_eq(model_member(role, STR("pk"))->field, role->pk);
}
END_TEST

START_TEST(names_of_table_path_and_columns_are_djangos)
{
	const struct registry *registry = build(
	    "{'models': {'AccessGrant': {'fields': {'the_server': {'type': 'ForeignKey', 'to': 'self', "
	    "'on_delete': 'PROTECT', 'null': true}, 'a': {'type': 'TextField', 'db_column': 'Aa'}}}, 'Named': "
	    "{'Meta': {'db_table': 'My Table', 'path': 'named-things', 'verbose_name': 'thing'}}}}");
	const struct model *grant = model_of(registry, "AccessGrant");
	ck_assert_text(grant->table, "accessgrant");
	ck_assert_text(grant->path, "accessgrant");
	ck_assert_text(grant->verbose_name, "access grant");
	const struct field *server = field_of(registry, "AccessGrant", "the_server");
	ck_assert_text(server->attname, "the_server_id");
	ck_assert_text(server->column, "the_server_id");
	ck_assert_text(server->verbose_name, "the server");
	ck_assert_text(field_of(registry, "AccessGrant", "a")->column, "Aa");
	const struct model *named = model_of(registry, "Named");
	ck_assert_text(named->table, "My Table");
	ck_assert_text(named->verbose_name, "thing");
	ck_assert_ptr_eq(registry_path(registry, STR("named-things")), named);
	ck_assert_ptr_null(registry_path(registry, STR("named")));
}
END_TEST

START_TEST(a_model_is_found_by_its_name_in_letters_of_any_case)
{
	const struct registry *registry = build(staff);
	const struct model *employee = registry_model(registry, STR("Employee"));
	ck_assert_ptr_nonnull(employee);
	ck_assert_ptr_eq(registry_model(registry, STR("employee")), employee);
	ck_assert_ptr_eq(registry_model(registry, STR("EMPLOYEE")), employee);
	ck_assert_ptr_null(registry_model(registry, STR("Employe")));
	ck_assert_ptr_eq(registry_path(registry, STR("employee")), employee);
	ck_assert_ptr_null(registry_path(registry, STR("Employee")));
}
END_TEST

START_TEST(a_foreign_key_is_walked_in_both_directions)
{
	const struct registry *registry = build(staff);
	const struct model *role = model_of(registry, "Role"), *employee = model_of(registry, "Employee");
	const struct model_member *forward = model_member(employee, STR("role"));
	const struct model_member *key = model_member(employee, STR("role_id"));
	const struct model_member *reverse = model_member(role, STR("employee"));
	ck_assert_int_eq(forward->kind, MEMBER_FORWARD);
	ck_assert_int_eq(key->kind, MEMBER_FIELD);
	ck_assert_ptr_eq(key->field, forward->field);
	ck_assert_ptr_null(key->relation);
	ck_assert_int_eq(reverse->kind, MEMBER_REVERSE);
	ck_assert_ptr_eq(reverse->relation, forward->relation);
	ck_assert_text(forward->relation->accessor, "employee_set");
	ck_assert_ptr_eq(forward->relation->target, role->pk);
	ck_assert_ptr_eq(forward->field->value_field, role->pk);
	ck_assert_ptr_eq(relation_end(forward->relation, false), role);
	ck_assert_ptr_eq(relation_end(forward->relation, true), employee);
	ck_assert(!relation_is_multiple(forward->relation, false));
	ck_assert(relation_is_multiple(forward->relation, true));
	ck_assert_str_eq(members_of(employee), "full_name, id, role, role_id");
	ck_assert_str_eq(members_of(role), "employee, id, name");
	ck_assert_ptr_null(model_member(role, STR("employee_set")));
	ck_assert(forward->field->is_indexed);
}
END_TEST

START_TEST(an_accessor_is_found_with_its_direction)
{
	const struct registry *registry = build(staff);
	const struct relation *relation;
	bool is_reverse;
	ck_assert(model_accessor(model_of(registry, "Role"), STR("employee_set"), &relation, &is_reverse));
	ck_assert(is_reverse);
	ck_assert(model_accessor(model_of(registry, "Employee"), STR("role"), &relation, &is_reverse));
	ck_assert(!is_reverse);
	ck_assert(!model_accessor(model_of(registry, "Employee"), STR("role_id"), &relation, &is_reverse));
	ck_assert(!model_accessor(model_of(registry, "Role"), STR("employee"), &relation, &is_reverse));
}
END_TEST

START_TEST(model_field_takes_name_or_attname_of_its_own_fields_only)
{
	const struct registry *registry = build(staff);
	const struct model *employee = model_of(registry, "Employee");
	ck_assert_ptr_nonnull(model_field(employee, STR("role")));
	ck_assert_ptr_eq(model_field(employee, STR("role_id")), model_field(employee, STR("role")));
	ck_assert_ptr_null(model_field(model_of(registry, "Role"), STR("employee")));
}
END_TEST

START_TEST(related_names_are_filled_in_and_may_hide_the_way_back)
{
	const struct registry *registry = build(
	    "{'models': {'B': {}, 'A': {'fields': {"
	    "'one': {'type': 'ForeignKey', 'to': 'B', 'on_delete': 'CASCADE', 'related_name': "
	    "'%(class)s_ones'}, "
	    "'two': {'type': 'ForeignKey', 'to': 'B', 'on_delete': 'CASCADE', 'related_name': 'twos', "
	    "'related_query_name': 'two_of'}, "
	    "'three': {'type': 'ForeignKey', 'to': 'B', 'on_delete': 'CASCADE', 'related_name': '+'}, "
	    "'four': {'type': 'OneToOneField', 'to': 'B', 'on_delete': 'CASCADE'}}}, "
	    "'C': {'fields': {'b': {'type': 'ForeignKey', 'to': 'B', 'on_delete': 'CASCADE'}}, 'Meta': "
	    "{'default_related_name': 'all_%(model_name)s'}}}}");
	const struct model *b = model_of(registry, "B");
	ck_assert_str_eq(members_of(b), "a, a_ones, all_c, id, two_of");
	ck_assert_text(field_of(registry, "A", "two")->relation->accessor, "twos");
	ck_assert_ptr_null(field_of(registry, "A", "three")->relation->accessor.p);
	ck_assert_ptr_null(field_of(registry, "A", "three")->relation->query_name.p);
	const struct field *four = field_of(registry, "A", "four");
	ck_assert_text(four->relation->accessor, "a");
	ck_assert(four->is_unique);
	ck_assert(!relation_is_multiple(four->relation, true));
	ck_assert_uint_eq(b->nreverse, 5); /* the hidden one too: deleting must know of it */
}
END_TEST

START_TEST(an_automatic_join_table_is_a_model_too)
{
	const struct registry *registry = build(
	    "{'models': {'Administrator': {'fields': {'servers': {'type': 'ManyToManyField', 'to': "
	    "'Server'}}}, 'Server': {'fields': {'hostname': 'TextField'}}}}");
	const struct relation *relation = field_of(registry, "Administrator", "servers")->relation;
	const struct model *join = relation->through;
	ck_assert_text(join->name, "Administrator.servers");
	ck_assert_text(join->table, "administrator_servers");
	ck_assert_text(join->path, "administrator.servers");
	ck_assert_str_eq(names_of(join->columns, join->ncolumns), "id, administrator, server");
	ck_assert_text(relation->through_from->column, "administrator_id");
	ck_assert_text(relation->through_to->column, "server_id");
	ck_assert_int_eq(relation->through_to->relation->on_delete, ON_DELETE_CASCADE);
	ck_assert(relation->is_auto && join->is_auto && !relation->is_symmetrical);
	ck_assert_uint_eq(join->nunique_together, 1);
	ck_assert_ptr_eq(join->unique_together[0][0], relation->through_from);
	ck_assert_ptr_eq(join->unique_together[0][1], relation->through_to);
	ck_assert_ptr_null(join->unique_together[0][2]);
	ck_assert_ptr_eq(registry->models[registry->nmodels - 1], join);
	ck_assert_ptr_eq(registry_path(registry, STR("administrator.servers")), join);
	ck_assert_ptr_eq(registry_model(registry, STR("Administrator.servers")), join);
	/* its keys are no names in paths, but known to their targets */
	const struct model *server = model_of(registry, "Server");
	ck_assert_str_eq(members_of(server), "administrator, hostname, id");
	ck_assert_uint_eq(server->nreverse, 2);
	ck_assert_text(relation->accessor, "administrator_set");
	/* the field has no column, and takes the other side's keys */
	const struct field *servers = field_of(registry, "Administrator", "servers");
	ck_assert_ptr_null(servers->column.p);
	ck_assert_ptr_eq(servers->value_field, server->pk);
	ck_assert_ptr_eq(relation->target, server->pk);
	const struct model *administrator = model_of(registry, "Administrator");
	ck_assert_uint_eq(administrator->nfields, 2);
	ck_assert_uint_eq(administrator->ncolumns, 1);
}
END_TEST

START_TEST(a_relation_to_self_is_symmetrical_unless_told_otherwise)
{
	const struct registry *registry = build(
	    "{'models': {'Person': {'fields': {'friends': {'type': 'ManyToManyField', 'to': 'self'}, "
	    "'follows': {'type': 'ManyToManyField', 'to': 'self', 'symmetrical': false, 'related_name': "
	    "'followers'}, 'knows': {'type': 'ManyToManyField', 'to': 'Person', 'related_name': 'known'}}}}}");
	const struct relation *friends = field_of(registry, "Person", "friends")->relation;
	ck_assert(friends->is_symmetrical);
	ck_assert_ptr_null(friends->accessor.p);
	ck_assert_text(friends->through_from->column, "from_person_id");
	ck_assert_text(friends->through_to->column, "to_person_id");
	const struct relation *follows = field_of(registry, "Person", "follows")->relation;
	ck_assert(!follows->is_symmetrical);
	ck_assert_text(follows->accessor, "followers");
	ck_assert(!field_of(registry, "Person", "knows")->relation->is_symmetrical);
	ck_assert_str_eq(members_of(model_of(registry, "Person")),
	                 "followers, follows, friends, id, known, knows");
}
END_TEST

START_TEST(a_join_model_of_ones_own_is_used)
{
	const struct registry *registry = build(
	    "{'models': {'Administrator': {'fields': {'servers': {'type': 'ManyToManyField', 'to': 'Server', "
	    "'through': 'AccessGrant'}}}, 'Server': {}, 'AccessGrant': {'fields': {'server': {'type': "
	    "'ForeignKey', 'to': 'Server', 'on_delete': 'CASCADE'}, 'admin': {'type': 'ForeignKey', 'to': "
	    "'Administrator', 'on_delete': 'CASCADE'}}}}}");
	const struct relation *relation = field_of(registry, "Administrator", "servers")->relation;
	ck_assert(!relation->is_auto);
	ck_assert_ptr_eq(relation->through, model_of(registry, "AccessGrant"));
	ck_assert_text(relation->through_from->name, "admin");
	ck_assert_text(relation->through_to->name, "server");
	ck_assert_uint_eq(registry->nmodels, 3);
	ck_assert_str_eq(members_of(model_of(registry, "Server")), "accessgrant, administrator, id");
}
END_TEST

START_TEST(through_fields_choose_among_several_keys)
{
	const struct registry *registry = build(
	    "{'models': {'Person': {'fields': {'mentors': {'type': 'ManyToManyField', 'to': 'self', "
	    "'through': 'Tie', 'through_fields': ['pupil', 'mentor'], 'symmetrical': false, 'related_name': "
	    "'pupils'}}}, 'Tie': {'fields': {"
	    "'witness': {'type': 'ForeignKey', 'to': 'Person', 'on_delete': 'CASCADE', 'related_name': '+'}, "
	    "'mentor': {'type': 'ForeignKey', 'to': 'Person', 'on_delete': 'CASCADE', 'related_name': '+'}, "
	    "'pupil': {'type': 'ForeignKey', 'to': 'Person', 'on_delete': 'CASCADE', 'related_name': '+'}}}}}");
	const struct relation *relation = field_of(registry, "Person", "mentors")->relation;
	ck_assert_text(relation->through_from->name, "pupil");
	ck_assert_text(relation->through_to->name, "mentor");
}
END_TEST

START_TEST(the_first_key_of_a_self_join_is_its_source)
{
	const struct registry *registry = build(
	    "{'models': {'P': {'fields': {'ps': {'type': 'ManyToManyField', 'to': 'self', 'through': 'T'}}}, "
	    "'T': {'fields': {'x': {'type': 'ForeignKey', 'to': 'P', 'on_delete': 'CASCADE', 'related_name': "
	    "'xs'}, 'y': {'type': 'ForeignKey', 'to': 'P', 'on_delete': 'CASCADE', 'related_name': 'ys'}}}}}");
	const struct relation *relation = field_of(registry, "P", "ps")->relation;
	ck_assert_text(relation->through_from->name, "x");
	ck_assert_text(relation->through_to->name, "y");
	ck_assert(relation->is_symmetrical);
}
END_TEST

START_TEST(a_key_follows_other_keys_to_the_column_that_holds_the_value)
{
	const struct registry *registry = build(
	    "{'models': {'A': {'fields': {'b': {'type': 'ForeignKey', 'to': 'B', 'on_delete': 'CASCADE'}}}, "
	    "'B': {'fields': {'c': {'type': 'OneToOneField', 'to': 'C', 'on_delete': 'CASCADE', 'primary_key': "
	    "true}}}, 'C': {'fields': {'code': {'type': 'CharField', 'max_length': 7, 'primary_key': true}}}}}");
	const struct field *b = field_of(registry, "A", "b");
	ck_assert_text(b->relation->target->name, "c");
	ck_assert_text(b->value_field->name, "code");
	ck_assert_text(field_column_type(arena, b), "varchar(7)");
	ck_assert_text(model_of(registry, "B")->pk->column, "c_id");
}
END_TEST

START_TEST(options_of_a_relation_are_read)
{
	const struct registry *registry = build(
	    "{'models': {'B': {'fields': {'n': 'IntegerField'}}, 'A': {'fields': {"
	    "'x': {'type': 'ForeignKey', 'to': 'B', 'on_delete': {'SET': 5}, 'db_constraint': false, "
	    "'db_index': false, 'limit_choices_to': {'n__gt': 3}, 'db_column': 'bee'}, "
	    "'y': {'type': 'ForeignKey', 'to': 'B', 'on_delete': 'SET_NULL', 'null': true, 'related_name': "
	    "'+'}}}}}");
	const struct field *x = field_of(registry, "A", "x"), *y = field_of(registry, "A", "y");
	ck_assert_int_eq(x->relation->on_delete, ON_DELETE_SET);
	ck_assert_int_eq(x->relation->set_value->integer, 5);
	ck_assert(!x->relation->db_constraint && !x->is_indexed);
	ck_assert_ptr_nonnull(x->relation->limit_choices_to);
	ck_assert_text(x->column, "bee");
	ck_assert_text(x->attname, "x_id");
	ck_assert_int_eq(y->relation->on_delete, ON_DELETE_SET_NULL);
	ck_assert(y->is_null && y->relation->db_constraint);
}
END_TEST

START_TEST(options_of_a_field_are_read)
{
	const struct registry *registry = build(
	    "{'models': {'A': {'fields': {"
	    "'c': {'type': 'CharField', 'max_length': 5, 'null': true, 'blank': true, 'unique': true, "
	    "'default': 'x', 'db_collation': 'C', 'db_comment': 'note', 'help_text': 'help', 'verbose_name': "
	    "'sea', 'choices': [['x', 'Ex'], {'value': 'y', 'label': 'Why'}, 'z', ['More', [['a', 'A']]]], "
	    "'validators': ['validate_slug', {'name': 'RegexValidator', 'regex': '^x', 'message': 'no'}], "
	    "'error_messages': {'null': 'must be there'}}, "
	    "'made': {'type': 'DateTimeField', 'auto_now_add': true}, "
	    "'slug': {'type': 'SlugField', 'unique_for_date': 'made'}, "
	    "'ip': {'type': 'GenericIPAddressField', 'protocol': 'ipv4', 'editable': false}, "
	    "'list': {'type': 'ArrayField', 'base_field': {'type': 'CharField', 'max_length': 3, 'choices': "
	    "['a', 'b']}, 'size': 4}}}}}");
	const struct field *c = field_of(registry, "A", "c");
	ck_assert(c->is_null && c->is_blank && c->is_unique && c->is_editable && !c->is_indexed);
	ck_assert_int_eq(c->max_length, 5);
	ck_assert_text(c->default_value->text, "x");
	ck_assert_text(c->db_collation, "C");
	ck_assert_text(c->db_comment, "note");
	ck_assert_text(c->help_text, "help");
	ck_assert_text(c->verbose_name, "sea");
	ck_assert_uint_eq(c->nchoices, 4);
	static const char *const choices[][2] = {{"x", "Ex"}, {"y", "Why"}, {"z", "z"}, {"a", "A"}};
	for (size_t i = 0; i < 4; i++) {
		ck_assert_text(c->choices[i].value.text, choices[i][0]);
		ck_assert_text(c->choices[i].label, choices[i][1]);
	}
	ck_assert_uint_eq(c->nvalidators, 2);
	ck_assert_text(c->validators[0].name, "validate_slug");
	ck_assert_ptr_null(c->validators[0].arguments);
	ck_assert_text(value_get(c->validators[1].arguments, "regex")->text, "^x");
	ck_assert_text(c->validators[1].message, "no");
	ck_assert_ptr_nonnull(value_get(c->error_messages, "null"));
	const struct field *made = field_of(registry, "A", "made");
	ck_assert(made->auto_now_add && !made->auto_now && !made->is_editable && made->is_blank);
	ck_assert_int_eq(made->max_length, -1);
	const struct field *slug = field_of(registry, "A", "slug");
	ck_assert_int_eq(slug->max_length, 50);
	ck_assert(slug->is_indexed);
	ck_assert_text(slug->unique_for_date, "made");
	const struct field *ip = field_of(registry, "A", "ip");
	ck_assert_text(ip->protocol, "ipv4");
	ck_assert(!ip->is_editable);
	const struct field *list = field_of(registry, "A", "list");
	ck_assert_int_eq(list->array_size, 4);
	ck_assert_uint_eq(list->base_field->nchoices, 2);
	ck_assert_int_eq(list->base_field->max_length, 3);
}
END_TEST

START_TEST(a_generated_field_has_the_type_of_its_output)
{
	const struct registry *registry = build(
	    "{'models': {'A': {'fields': {'price': {'type': 'DecimalField', 'max_digits': 6, "
	    "'decimal_places': 2}, 'double': {'type': 'GeneratedField', 'expression': {'*': ['price', 2]}, "
	    "'output_field': {'type': 'DecimalField', 'max_digits': 8, 'decimal_places': 2}, 'db_persist': "
	    "true}}}}}");
	const struct field *field = field_of(registry, "A", "double");
	ck_assert_str_eq(field->type->name, "DecimalField");
	ck_assert(field->is_generated && !field->is_editable && field->is_null);
	ck_assert_text(field_column_type(arena, field), "numeric(8, 2)");
	ck_assert_ptr_nonnull(field->expression);
	ck_assert_ptr_nonnull(field->output_field);
}
END_TEST

START_TEST(a_composite_key_takes_the_place_of_id)
{
	const struct registry *registry = build(
	    "{'models': {'B': {}, 'A': {'fields': {'b': {'type': 'ForeignKey', 'to': 'B', 'on_delete': "
	    "'CASCADE'}, 'n': 'IntegerField'}, 'Meta': {'primary_key': ['b_id', 'n']}}}}");
	const struct model *a = model_of(registry, "A");
	ck_assert_ptr_null(a->pk);
	ck_assert_str_eq(names_of(a->pk_fields, a->npk_fields), "b, n");
	ck_assert_str_eq(names_of(a->fields, a->nfields), "b, n");
	ck_assert_ptr_null(model_member(a, STR("pk")));
}
END_TEST

START_TEST(fields_and_meta_of_an_abstract_model_are_inherited)
{
	const char *texts[] = {
	    "{'models': {'A': {'bases': ['Stamped', 'Owned'], 'fields': {'x': 'TextField', 'note': null}}, 'B': "
	    "{'bases': ['Stamped'], 'fields': {'made': 'DateField'}, 'Meta': {}}}}",
	    "{'models': {'Stamped': {'fields': {'made': {'type': 'DateTimeField', 'auto_now_add': true}, 'note': "
	    "'TextField'}, 'Meta': {'abstract': true, 'ordering': ['-made'], 'indexes': [{'fields': ['made'], "
	    "'name': '%(class)s_made'}]}}, 'User': {}, 'Owned': {'fields': {'owner': {'type': 'ForeignKey', "
	    "'to': 'User', 'on_delete': 'CASCADE', 'related_name': '%(class)s_of'}}, 'Meta': {'abstract': "
	    "true}}}}"};
	const struct registry *registry = build_all(texts, 2);
	const struct model *a = model_of(registry, "A"), *b = model_of(registry, "B");
	ck_assert_uint_eq(registry->nmodels, 3);
	ck_assert_str_eq(names_of(a->fields, a->nfields), "id, made, owner, x");
	ck_assert_str_eq(names_of(b->fields, b->nfields), "id, note, made");
	ck_assert_str_eq(field_of(registry, "B", "made")->type->name, "DateField");
	ck_assert_ptr_ne(field_of(registry, "A", "made"), field_of(registry, "B", "made"));
	ck_assert_ptr_eq(field_of(registry, "A", "made")->model, a);
	ck_assert_ptr_nonnull(a->ordering);
	ck_assert_ptr_null(b->ordering); /* a Meta of one's own replaces the base's */
	ck_assert_text(a->indexes[0].name, "a_made");
	ck_assert_str_eq(members_of(model_of(registry, "User")), "a_of, id");
	ck_assert_ptr_null(registry_model(registry, STR("Stamped")));
}
END_TEST

START_TEST(meta_is_read)
{
	const struct registry *registry = build(
	    "{'models': {'B': {'fields': {'t': 'TextField'}}, 'A': {'fields': {'name': 'TextField', 'at': "
	    "'DateTimeField', 'data': 'JSONField', 'b': {'type': 'ForeignKey', 'to': 'B', 'on_delete': "
	    "'CASCADE'}}, 'Meta': {'ordering': ['-at', 'b__t', 'b', 'pk', 'data__x', '?', {'expr': {'Lower': "
	    "'name'}, 'desc': true}], 'get_latest_by': 'at', 'unique_together': ['name', 'b'], 'managed': "
	    "false, 'db_table_comment': 'all of them'}}}}");
	const struct model *a = model_of(registry, "A");
	ck_assert_uint_eq(a->ordering->list.n, 7);
	ck_assert_uint_eq(a->get_latest_by->list.n, 1);
	ck_assert_text(a->get_latest_by->list.items[0].text, "at");
	ck_assert_uint_eq(a->nunique_together, 1);
	ck_assert_text(a->unique_together[0][1]->column, "b_id");
	ck_assert(!a->is_managed);
	ck_assert_text(a->db_table_comment, "all of them");
	ck_assert(model_of(registry, "B")->is_managed);
}
END_TEST

/* Names in conditions and orderings are followed through relations in both directions, as far as they are
 * fields; lookups are left to queries. */
START_TEST(conditions_may_walk_relations_where_they_are_of_rows_elsewhere)
{
	const struct registry *registry = build(
	    "{'models': {'B': {'fields': {'t': 'TextField', 'code': {'type': 'IntegerField', 'unique': true}}}, "
	    "'A': {'fields': {'n': {'type': 'IntegerField', 'choices': [1, 2]}, 'b': {'type': 'ForeignKey', 'to': "
	    "'B', 'on_delete': 'CASCADE', 'limit_choices_to': {'a__n__gt': 3, 'a__isnull': false, 'or': [{'t': "
	    "'x'}, {'Exists': {}}], 'pk__in': [1]}}}, 'Meta': {'ordering': ['b__a__n'], 'constraints': [{'type': "
	    "'CheckConstraint', 'name': 'c', 'condition': {'b_id__gt': 5, 'b__in': [1], 'lookup': ['n', 'gt', "
	    "1]}}]}}}}");
	ck_assert_uint_eq(field_of(registry, "A", "n")->nchoices, 2);
	ck_assert_text(field_of(registry, "A", "n")->choices[1].label, "2");
}
END_TEST

START_TEST(a_join_table_has_the_name_it_is_given)
{
	const struct registry *registry = build(
	    "{'models': {'A': {'fields': {'bs': {'type': 'ManyToManyField', 'to': 'B', 'db_table': 'ab'}}, 'Meta': "
	    "{'db_table': 'aa'}}, 'B': {'fields': {'a_s': {'type': 'ManyToManyField', 'to': 'A', 'related_name': "
	    "'+', 'db_constraint': false}}}}}");
	ck_assert_text(field_of(registry, "A", "bs")->relation->through->table, "ab");
	const struct relation *other = field_of(registry, "B", "a_s")->relation;
	ck_assert_text(other->through->table, "b_a_s");
	ck_assert_text(other->through_to->column, "a_id");
	ck_assert(!other->through_to->relation->db_constraint);
}
END_TEST

START_TEST(order_with_respect_to_adds_its_column)
{
	const struct registry *registry = build(
	    "{'models': {'Q': {}, 'A': {'fields': {'q': {'type': 'ForeignKey', 'to': 'Q', 'on_delete': "
	    "'CASCADE'}}, 'Meta': {'order_with_respect_to': 'q'}}}}");
	const struct model *a = model_of(registry, "A");
	ck_assert_str_eq(names_of(a->columns, a->ncolumns), "id, q, _order");
	ck_assert_text(a->order_with_respect_to, "q");
	ck_assert_text(a->ordering->list.items[0].text, "_order");
	ck_assert(!field_of(registry, "A", "_order")->is_editable);
}
END_TEST

START_TEST(constraints_are_read)
{
	const struct registry *registry = build(
	    "{'models': {'A': {'fields': {'name': 'TextField', 'n': 'IntegerField', 'span': "
	    "'DateRangeField'}, 'Meta': {'constraints': ["
	    "{'type': 'UniqueConstraint', 'fields': ['name', 'n'], 'name': 'u_%(class)s', 'condition': "
	    "{'n__gt': 0}, 'opclasses': ['text_ops', ''], 'include': ['span'], 'nulls_distinct': false, 'violation_error_message': 'taken'}, "
	    "{'type': 'UniqueConstraint', 'expressions': [{'Lower': 'name'}, {'expr': 'n', 'desc': true}], "
	    "'name': 'u2'}, "
	    "{'type': 'UniqueConstraint', 'fields': ['n'], 'name': 'u3', 'deferrable': 'deferred'}, "
	    "{'type': 'UniqueConstraint', 'fields': ['n'], 'name': 'u4', 'deferrable': 'Immediate'}, "
	    "{'type': 'CheckConstraint', 'check': {'or': [{'n__gte': 0}, {'not': {'name': ''}}]}, 'name': "
	    "'c'}, "
	    "{'type': 'ExclusionConstraint', 'name': 'e', 'expressions': [['span', '&&'], ['n', '=']]}]}}}}");
	const struct model *a = model_of(registry, "A");
	ck_assert_uint_eq(a->nconstraints, 6);
	const struct constraint *c = a->constraints;
	ck_assert_int_eq(c[0].kind, CONSTRAINT_UNIQUE);
	ck_assert_text(c[0].name, "u_a");
	ck_assert_text(c[0].parts[1].field->name, "n");
	ck_assert_text(c[0].parts[0].opclass, "text_ops");
	ck_assert_ptr_null(c[0].parts[1].opclass.p);
	ck_assert_ptr_nonnull(c[0].condition);
	ck_assert_text(c[0].include[0]->name, "span");
	ck_assert(!c[0].nulls_distinct && c[1].nulls_distinct);
	ck_assert_text(c[0].violation_message, "taken");
	ck_assert_ptr_nonnull(c[1].parts[0].expression);
	ck_assert(c[1].parts[1].is_descending && !c[1].parts[0].is_descending);
	ck_assert_text(c[1].parts[1].field->name, "n");
	ck_assert_int_eq(c[2].deferrable, CONSTRAINT_DEFERRED);
	ck_assert_int_eq(c[3].deferrable, CONSTRAINT_DEFERRABLE_IMMEDIATE);
	ck_assert_int_eq(c[0].deferrable, CONSTRAINT_IMMEDIATE_ONLY);
	ck_assert_int_eq(c[4].kind, CONSTRAINT_CHECK);
	ck_assert_ptr_nonnull(c[4].condition);
	ck_assert_int_eq(c[5].kind, CONSTRAINT_EXCLUSION);
	ck_assert_text(c[5].index_type, "GIST");
	ck_assert_text(c[5].parts[0].with_operator, "&&");
}
END_TEST

/* Names as Django 3.2 gives them to the same indexes. */
START_TEST(indexes_have_djangos_names)
{
	const struct registry *registry = build(
	    "{'models': {'Vote': {'fields': {'author': {'type': 'ForeignKey', 'to': 'self', 'on_delete': "
	    "'CASCADE'}, 'n': 'IntegerField', 'article': {'type': 'ForeignKey', 'to': 'self', 'on_delete': "
	    "'CASCADE', 'related_name': '+'}}, 'Meta': {'indexes': ["
	    "{'fields': ['-author', 'article']}, "
	    "{'type': 'BrinIndex', 'fields': ['n'], 'pages_per_range': 8, 'name': 'brin_n'}, "
	    "{'type': 'Index', 'expressions': [{'OpClass': [{'Upper': 'n'}, 'text_pattern_ops']}], 'name': "
	    "'up', 'condition': {'n__lt': 5}, 'include': ['author']}]}}}}");
	const struct model *vote = model_of(registry, "Vote");
	ck_assert_text(vote->indexes[0].name, "vote_author__43a56c_idx");
	ck_assert_text(vote->indexes[0].method, "btree");
	ck_assert(vote->indexes[0].parts[0].is_descending && !vote->indexes[0].parts[1].is_descending);
	ck_assert_text(vote->indexes[1].method, "brin");
	ck_assert_int_eq(value_get(vote->indexes[1].options, "pages_per_range")->integer, 8);
	ck_assert_ptr_null(vote->indexes[0].options);
	ck_assert_text(vote->indexes[2].parts[0].opclass, "text_pattern_ops");
	ck_assert_ptr_nonnull(vote->indexes[2].parts[0].expression);
	ck_assert_ptr_nonnull(vote->indexes[2].condition);
	ck_assert_uint_eq(vote->indexes[2].ninclude, 1);
}
END_TEST

/* Each expected name was printed by Django 3.2 for the same table and columns. */
START_TEST(generated_names_are_djangos_to_the_letter)
{
	struct str one[] = {STR("author_id")}, two[] = {STR("author_id"), STR("article_id")};
	ck_assert_text(django_index_name(arena, STR("vote"), one, 1, ""), "vote_author_id_196e137a");
	ck_assert_text(django_index_name(arena, STR("vote_with_a_very_long_table_name_indeed_it_is"), two, 2,
	                                 "_uniq"),
	               "vote_with_a_very_long_ta_author_id_article_id_e58a2276_uniq");
	struct str long_name =
	    STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	ck_assert_text(django_truncate_name(arena, long_name, 63),
	               "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa7ae2");
	ck_assert_text(django_truncate_name(arena, STR("short"), 63), "short");
}
END_TEST

START_TEST(models_of_several_documents_are_one_registry)
{
	const char *texts[] = {
	    "{'models': {'A': {'fields': {'b': {'type': 'ForeignKey', 'to': 'B', 'on_delete': 'CASCADE'}}}}}",
	    "{'models': {'B': {}}}"};
	const struct registry *registry = build_all(texts, 2);
	ck_assert_ptr_eq(field_of(registry, "A", "b")->relation->to, model_of(registry, "B"));
	ck_assert_uint_eq(registry->npaths, 2);
	ck_assert_text(registry->paths[0], "a");
	ck_assert_text(registry->paths[1], "b");
	for (size_t i = 0; i < registry->nmodels; i++) {
		const struct model *model = registry->models[i];
		ck_assert_uint_eq(model->index, i);
		ck_assert_ptr_eq(model->registry, registry);
		for (size_t k = 0; k < model->nfields; k++)
			ck_assert_uint_eq(model->fields[k]->index, k);
	}
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "model/build");
	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, a_model_without_a_key_gets_id);
	tcase_add_test(group, names_of_table_path_and_columns_are_djangos);
	tcase_add_test(group, a_model_is_found_by_its_name_in_letters_of_any_case);
	tcase_add_test(group, a_foreign_key_is_walked_in_both_directions);
	tcase_add_test(group, an_accessor_is_found_with_its_direction);
	tcase_add_test(group, model_field_takes_name_or_attname_of_its_own_fields_only);
	tcase_add_test(group, related_names_are_filled_in_and_may_hide_the_way_back);
	tcase_add_test(group, an_automatic_join_table_is_a_model_too);
	tcase_add_test(group, a_relation_to_self_is_symmetrical_unless_told_otherwise);
	tcase_add_test(group, a_join_model_of_ones_own_is_used);
	tcase_add_test(group, through_fields_choose_among_several_keys);
	tcase_add_test(group, the_first_key_of_a_self_join_is_its_source);
	tcase_add_test(group, a_key_follows_other_keys_to_the_column_that_holds_the_value);
	tcase_add_test(group, options_of_a_relation_are_read);
	tcase_add_test(group, options_of_a_field_are_read);
	tcase_add_test(group, a_generated_field_has_the_type_of_its_output);
	tcase_add_test(group, a_composite_key_takes_the_place_of_id);
	tcase_add_test(group, fields_and_meta_of_an_abstract_model_are_inherited);
	tcase_add_test(group, meta_is_read);
	tcase_add_test(group, conditions_may_walk_relations_where_they_are_of_rows_elsewhere);
	tcase_add_test(group, a_join_table_has_the_name_it_is_given);
	tcase_add_test(group, order_with_respect_to_adds_its_column);
	tcase_add_test(group, constraints_are_read);
	tcase_add_test(group, indexes_have_djangos_names);
	tcase_add_test(group, generated_names_are_djangos_to_the_letter);
	tcase_add_test(group, models_of_several_documents_are_one_registry);
	return suite_main(suite);
}
