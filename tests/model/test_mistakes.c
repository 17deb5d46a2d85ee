/* Bad declarations: each is told at its exact place, in words, with the nearest valid name. */
#include "orm/model/build.h"
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

struct mistaken {
	const char *document; /* with ' for " */
	const char *pointer, *message, *suggestion;
};

/* The field A.x, beside a model B with a unique slug. */
#define FIELD(declaration)                                                                         \
	"{'models': {'A': {'fields': {'x': " declaration "}}, 'B': {'fields': {'slug': {'type': "      \
	"'SlugField', 'unique': true}, 'n': 'IntegerField'}}}}"
#define X "/models/A/fields/x"
/* Meta of a model A with some fields. */
#define META(meta)                                                                                 \
	"{'models': {'A': {'fields': {'name': 'TextField', 'at': 'DateTimeField', 'b': {'type': "      \
	"'ForeignKey', 'to': 'B', 'on_delete': 'CASCADE'}, 'many': {'type': 'ManyToManyField', 'to': " \
	"'B', 'related_name': '+'}}, 'Meta': {" meta "}}, 'B': {'fields': {'title': 'TextField'}}}}"
#define M "/models/A/Meta"
#define A_NAMES "at, b, b_id, id, many, name"

static const struct mistaken mistaken[] = {
    /* documents and models */
    {"[]", "", "expected an object with \"models\", but got []", NULL},
    {"{}", "", "expected a member \"models\"", NULL},
    {"{'models': {}, 'modles': {}}", "/modles",
     "unknown member \"modles\" of a model file: expected $comment, $schema, models", "models"},
    {"{'models': []}", "/models", "\"models\": expected an object, but got []", NULL},
    {"{'models': {'A': []}}", "/models/A",
     "model A: expected an object with \"fields\", but got []", NULL},
    {"{'models': {'2A': {}}}", "/models/2A", "the model's name \"2A\" must begin with a letter", NULL},
    {"{'models': {'A_': {}}}", "/models/A_",
     "the model's name \"A_\" may not end with an underscore", NULL},
    {"{'models': {'A__B': {}}}", "/models/A__B",
     "the model's name \"A__B\" may not hold two underscores in a row", NULL},
    {"{'models': {'A B': {}}}", "/models/A B",
     "the model's name \"A B\" may hold only letters, digits and underscores", NULL},
    {"{'models': {'Vote': {}, 'vote': {}}}", "/models/vote",
     "models Vote and vote differ only in upper and lower case", NULL},
    {"{'models': {'A': {'field': {}}}}", "/models/A/field",
     "unknown member \"field\" of a model: expected Meta, bases, fields", "fields"},
    {"{'models': {'A': {'fields': []}}}", "/models/A/fields",
     "\"fields\": expected an object, but got []", NULL},
    {"{'models': {'A': {'fields': {'a__b': 'TextField'}}}}", "/models/A/fields/a__b",
     "the field's name \"a__b\" may not hold two underscores in a row", NULL},
    {"{'models': {'A': {'fields': {'pk': 'TextField'}}}}", "/models/A/fields/pk",
     "\"pk\" always means the primary key: no field can have the name", NULL},
    {"{'models': {'A': {'fields': {'_order': 'TextField'}}}}", "/models/A/fields/_order",
     "the field's name \"_order\" must begin with a letter", NULL},
    /* bases */
    {"{'models': {'A': {'bases': 'B'}}}", "/models/A/bases",
     "\"bases\": expected an array of names, but got \"B\"", NULL},
    {"{'models': {'A': {'bases': ['Bsae']}, 'Base': {'Meta': {'abstract': true}}}}",
     "/models/A/bases/0", "\"bases\": there is no model \"Bsae\"", "Base"},
    {"{'models': {'A': {'bases': ['B']}, 'B': {}}}", "/models/A/bases/0",
     "\"bases\": B is not abstract; only fields of an abstract model can be inherited", NULL},
    {"{'models': {'A': {'bases': ['A'], 'Meta': {'abstract': true}}}}", "/models/A/bases/0",
     "\"bases\": A inherits from itself", NULL},
    {"{'models': {'A': {'bases': ['Base']}, 'C': {'bases': ['Base']}, 'Base': {'fields': {'x': "
     "'Text'}, 'Meta': {'abstract': true}}}}",
     "/models/Base/fields/x", "there is no field type \"Text\"", NULL},
    /* types and options */
    {FIELD("'Charfield'"), X, "there is no field type \"Charfield\"", "CharField"},
    {FIELD("{'max_length': 5}"), X, "expected a member \"type\" with a field type's name", NULL},
    {FIELD("5"), X,
     "expected a field type's name or an object with \"type\", but got 5", NULL},
    {FIELD("{'type': 'CharField', 'maxlength': 5, 'max_length': 5}"), X "/maxlength",
     "unknown option \"maxlength\" of CharField", "max_length"},
    {FIELD("{'type': 'IntegerField', 'max_length': 5}"), X "/max_length",
     "\"max_length\" means nothing for IntegerField", NULL},
    {FIELD("{'type': 'TextField', 'auto_now': true}"), X "/auto_now",
     "\"auto_now\" means nothing for TextField", NULL},
    {FIELD("{'type': 'TextField', 'null': 'yes'}"), X "/null",
     "\"null\": expected true or false, but got \"yes\"", NULL},
    {FIELD("{'type': 'CharField', 'max_length': 0}"), X "/max_length",
     "\"max_length\": expected an integer from 1 to 1000000000, but got 0", NULL},
    {FIELD("{'type': 'CharField', 'max_length': '64'}"), X "/max_length",
     "\"max_length\": expected an integer from 1 to 1000000000, but got \"64\"", NULL},
    {FIELD("{'type': 'CharField', 'max_length': 10485761}"), X "/max_length",
     "\"max_length\": PostgreSQL takes at most 10485760", NULL},
    {FIELD("'CharField'"), X,
     "CharField needs \"max_length\" (the most characters it may hold)", NULL},
    {FIELD("{'type': 'DecimalField', 'max_digits': 5}"), X,
     "DecimalField needs \"decimal_places\" (digits behind the point)", NULL},
    {FIELD("{'type': 'DecimalField', 'max_digits': 2, 'decimal_places': 3}"), X "/decimal_places",
     "\"decimal_places\" (3) may not be more than \"max_digits\" (2)", NULL},
    {FIELD("'AutoField'"), X, "AutoField must have \"primary_key\": true", NULL},
    {FIELD("{'type': 'UUIDField', 'primary_key': true, 'null': true}"), X "/null",
     "a primary key cannot be null", NULL},
    {FIELD("{'type': 'DateField', 'auto_now': true, 'auto_now_add': true}"), X,
     "\"auto_now\", \"auto_now_add\" and \"default\" exclude one another", NULL},
    {FIELD("{'type': 'DateField', 'auto_now': true, 'default': {'Now': []}}"), X,
     "\"auto_now\", \"auto_now_add\" and \"default\" exclude one another", NULL},
    {FIELD("{'type': 'GenericIPAddressField', 'protocol': 'ipv5'}"), X "/protocol",
     "\"protocol\": expected \"both\", \"ipv4\" or \"ipv6\"", "ipv4"},
    {FIELD("{'type': 'GenericIPAddressField', 'blank': true}"), X "/blank",
     "GenericIPAddressField cannot be blank without \"null\": true, since an empty address is stored "
     "as null", NULL},
    {FIELD("{'type': 'DecimalRangeField', 'default_bounds': '[['}"), X "/default_bounds",
     "\"default_bounds\": expected one of \"[)\", \"(]\", \"[]\", \"()\"", NULL},
    {FIELD("{'type': 'TextField', 'db_column': 'xmin'}"), X,
     "PostgreSQL has a column \"xmin\" of its own in every table: give another name by \"db_column\"",
     NULL},
    {FIELD("{'type': 'TextField', 'db_column': 'a\\\"b'}"), X "/db_column",
     "the column's name \"a\"b\" may hold neither quotes nor control characters", NULL},
    {FIELD("'ArrayField'"), X, "ArrayField needs \"base_field\" (the type of its elements)", NULL},
    {FIELD("{'type': 'ArrayField', 'base_field': {'type': 'TextField', 'db_index': true}}"),
     X "/base_field/db_index", "\"db_index\" means nothing for a field inside another", NULL},
    {FIELD("{'type': 'ArrayField', 'base_field': {'type': 'BigAutoField'}}"), X "/base_field",
     "\"base_field\" cannot be a BigAutoField", NULL},
    {FIELD("{'type': 'GeneratedField', 'expression': 'n', 'output_field': 'IntegerField'}"), X,
     "GeneratedField needs \"db_persist\": true; PostgreSQL stores generated columns", NULL},
    {FIELD("{'type': 'GeneratedField', 'output_field': 'IntegerField', 'db_persist': true}"), X,
     "GeneratedField needs \"expression\"", NULL},
    {FIELD("{'type': 'TextField', 'unique_for_date': 'day'}"), X "/unique_for_date",
     "\"unique_for_date\": A has no field \"day\"", NULL},
    {FIELD("{'type': 'TextField', 'unique_for_date': 'x'}"), X "/unique_for_date",
     "\"unique_for_date\": \"x\" is no DateField or DateTimeField", NULL},
    {FIELD("{'type': 'TextField', 'error_messages': {'null': 5}}"), X "/error_messages/null",
     "\"error_messages\": expected a string for \"null\"", NULL},
    /* defaults */
    {FIELD("{'type': 'IntegerField', 'default': 'a'}"), X "/default",
     "\"default\": expected an integer, but got \"a\"", NULL},
    {FIELD("{'type': 'PositiveIntegerField', 'default': -1}"), X "/default",
     "\"default\": expected an integer between 0 and 2147483647, but got -1", NULL},
    {FIELD("{'type': 'IntegerField', 'default': null}"), X "/default",
     "\"default\": null needs \"null\": true", NULL},
    {FIELD("{'type': 'CharField', 'max_length': 2, 'default': 'abc'}"), X "/default",
     "\"default\": the string has 3 characters, but \"max_length\" is 2", NULL},
    {FIELD("{'type': 'DecimalField', 'max_digits': 4, 'decimal_places': 2, 'default': '123.4'}"),
     X "/default", "\"default\": 123.4 does not fit in 4 digits with 2 behind the point", NULL},
    {FIELD("{'type': 'DateTimeField', 'default': {'Nwo': []}}"), X "/default",
     "\"default\": expected a literal, {\"Now\": []} or {\"RandomUUID\": []}, but got {\"Nwo\":[]}",
     "Now"},
    {FIELD("{'type': 'IntegerField', 'default': {'Value': 'a'}}"), X "/default/Value",
     "\"default\": expected an integer, but got \"a\"", NULL},
    {FIELD("{'type': 'IntegerField', 'default': {'Now': []}}"), X "/default",
     "\"default\": Now is no default for IntegerField", NULL},
    {FIELD("{'type': 'DateField', 'default': {'RandomUUID': []}}"), X "/default",
     "\"default\": RandomUUID is no default for DateField", NULL},
    {FIELD("{'type': 'BooleanField', 'db_default': 1}"), X "/db_default",
     "\"db_default\": expected true or false, but got 1", NULL},
    {FIELD("{'type': 'ArrayField', 'base_field': 'IntegerField', 'default': [1, 'a']}"),
     X "/default/1", "\"default\": expected an integer, but got \"a\"", NULL},
    /* choices and validators */
    {FIELD("{'type': 'TextField', 'choices': []}"), X "/choices",
     "\"choices\": expected at least one choice", NULL},
    {FIELD("{'type': 'IntegerField', 'choices': [['a', 'A']]}"), X "/choices/0/0",
     "\"choices\": expected an integer, but got \"a\"", NULL},
    {FIELD("{'type': 'CharField', 'max_length': 3, 'choices': [['read', 'Read']]}"), X "/choices/0/0",
     "\"choices\": the string has 4 characters, but \"max_length\" is 3", NULL},
    {FIELD("{'type': 'TextField', 'choices': [['a', 'A', 'b']]}"), X "/choices/0",
     "\"choices\": expected [value, \"label\"], {\"value\", \"label\"}, a bare value or [\"group\", "
     "[choices]], but got [\"a\",\"A\",\"b\"]",
     NULL},
    {FIELD("{'type': 'TextField', 'validators': ['MinLengthValidatr']}"), X "/validators/0",
     "\"validators\": there is no validator \"MinLengthValidatr\"", "MinLengthValidator"},
    {FIELD("{'type': 'TextField', 'validators': [{'limit_value': 5}]}"), X "/validators/0",
     "\"validators\": expected a member \"name\"", NULL},
    {FIELD("{'type': 'TextField', 'validators': ['RegexValidator']}"), X "/validators/0",
     "RegexValidator needs \"regex\"", NULL},
    {FIELD("{'type': 'TextField', 'validators': [{'name': 'MinLengthValidator', 'limit': 5, "
     "'limit_value': 3}]}"),
     X "/validators/0/limit", "MinLengthValidator has no argument \"limit\"", NULL},
    {FIELD("{'type': 'IntegerField', 'validators': [{'name': 'MinValueValidator', 'limit_value': "
     "'a'}]}"),
     X "/validators/0/limit_value", "\"limit_value\": expected an integer, but got \"a\"", NULL},
    /* relations */
    {FIELD("{'type': 'ForeignKey', 'on_delete': 'CASCADE'}"), X,
     "ForeignKey needs \"to\" (the model it points at)", NULL},
    {FIELD("{'type': 'ForeignKey', 'to': 'B'}"), X,
     "ForeignKey needs \"on_delete\": CASCADE, PROTECT, RESTRICT, SET_NULL, SET_DEFAULT, DO_NOTHING or "
     "{\"SET\": value}", NULL},
    {FIELD("{'type': 'ForeignKey', 'to': 'B', 'on_delete': 'CASCADES'}"), X "/on_delete",
     "\"on_delete\": expected CASCADE, PROTECT, RESTRICT, SET_NULL, SET_DEFAULT, DO_NOTHING or "
     "{\"SET\": value}, but got \"CASCADES\"", "CASCADE"},
    {FIELD("{'type': 'ForeignKey', 'to': 'B', 'on_delete': 'SET_NULL'}"), X "/on_delete",
     "\"on_delete\": SET_NULL needs \"null\": true", NULL},
    {FIELD("{'type': 'ForeignKey', 'to': 'B', 'on_delete': 'SET_DEFAULT'}"), X "/on_delete",
     "\"on_delete\": SET_DEFAULT needs a \"default\"", NULL},
    {FIELD("{'type': 'ForeignKey', 'to': 'B', 'on_delete': {'SET': 'a'}}"), X "/on_delete/SET",
     "\"on_delete\": expected an integer, but got \"a\"", NULL},
    {FIELD("{'type': 'ForeignKey', 'to': 'Bb', 'on_delete': 'CASCADE'}"), X "/to",
     "\"to\": there is no model \"Bb\"", "B"},
    {FIELD("{'type': 'ForeignKey', 'to': 'B', 'to_field': 'slugg', 'on_delete': 'CASCADE'}"),
     X "/to_field", "\"to_field\": B has no field \"slugg\"", "slug"},
    {FIELD("{'type': 'ForeignKey', 'to': 'B', 'to_field': 'n', 'on_delete': 'CASCADE'}"),
     X "/to_field", "\"to_field\": B.n is not unique", NULL},
    {FIELD("{'type': 'ForeignKey', 'to': 'B', 'on_delete': 'CASCADE', 'default': 'a'}"), X "/default",
     "\"default\": expected an integer, but got \"a\"", NULL},
    {FIELD("{'type': 'OneToOneField', 'to': 'B', 'on_delete': 'CASCADE', 'unique': true}"),
     X "/unique", "\"unique\" means nothing for OneToOneField", NULL},
    {FIELD("{'type': 'ForeignKey', 'to': 'B', 'on_delete': 'CASCADE', 'limit_choices_to': {'slgu': 1}}"),
     X "/limit_choices_to/slgu", "B has no field \"slgu\"; its names are: a, id, n, slug", "slug"},
    {"{'models': {'A': {'fields': {'x': {'type': 'ForeignKey', 'to': 'B', 'on_delete': 'CASCADE'}}}, "
     "'B': {'Meta': {'abstract': true}}}}",
     X "/to", "\"to\": B is abstract and has no rows to point at", NULL},
    {"{'models': {'A': {'fields': {'x': {'type': 'OneToOneField', 'to': 'B', 'on_delete': 'CASCADE', "
     "'primary_key': true}}}, 'B': {'fields': {'y': {'type': 'OneToOneField', 'to': 'A', 'on_delete': "
     "'CASCADE', 'primary_key': true}}}}}",
     X, "this foreign key points at itself through other primary keys", NULL},
    {"{'models': {'A': {'fields': {'x': {'type': 'ForeignKey', 'to': 'B', 'on_delete': 'CASCADE'}}}, "
     "'B': {'fields': {'y': 'IntegerField', 'z': 'IntegerField'}, 'Meta': {'primary_key': ['y', "
     "'z']}}}}",
     X, "B has a primary key of several fields: name a unique one by \"to_field\"", NULL},
    /* many-to-many */
    {FIELD("{'type': 'ManyToManyField', 'to': 'B', 'null': true}"), X "/null",
     "\"null\" means nothing for ManyToManyField", NULL},
    {FIELD("{'type': 'ManyToManyField', 'to': 'B', 'symmetrical': true}"), X "/symmetrical",
     "\"symmetrical\" means nothing for a relation to another model", NULL},
    {FIELD("{'type': 'ManyToManyField', 'to': 'B', 'through_fields': ['a', 'b']}"),
     X "/through_fields", "\"through_fields\" means nothing without \"through\"", NULL},
    {FIELD("{'type': 'ManyToManyField', 'to': 'B', 'through': 'C'}"), X "/through",
     "\"through\": there is no model \"C\"", "A"},
    {FIELD("{'type': 'ManyToManyField', 'to': 'B', 'through': 'B'}"), X "/through",
     "\"through\": B has no foreign key to A", NULL},
    /* keys */
    {"{'models': {'A': {'fields': {'id': 'TextField'}}}}", "/models/A/fields/id",
     "\"id\" can be a field's name only with \"primary_key\": true, since a model without a primary "
     "key gets a field \"id\"", NULL},
    {"{'models': {'A': {'fields': {'a': {'type': 'UUIDField', 'primary_key': true}, 'b': {'type': "
     "'UUIDField', 'primary_key': true}}}}}",
     "/models/A/fields/b",
     "\"a\" is the primary key already; a key of several fields is Meta \"primary_key\"", NULL},
    {"{'models': {'A': {'fields': {'name': 'TextField', 'b': 'TextField'}, 'Meta': {'primary_key': ['nam', "
     "'b']}}}}",
     M "/primary_key/0",
     "\"primary_key\": expected the name of a field, but got \"nam\"", "name"},
    /* clashes */
    {"{'models': {'A': {'fields': {'x': {'type': 'ForeignKey', 'to': 'B', 'on_delete': 'CASCADE'}, "
     "'x_id': 'IntegerField'}}, 'B': {}}}",
     "/models/A/fields/x_id", "the field \"x_id\" clashes with \"x\", which is kept as x_id", NULL},
    {"{'models': {'A': {'fields': {'x': 'IntegerField', 'y': {'type': 'IntegerField', 'db_column': "
     "'x'}}}}}",
     "/models/A/fields/y", "the column \"x\" is that of \"x\" already", NULL},
    {"{'models': {'A': {'fields': {'x': {'type': 'ForeignKey', 'to': 'B', 'on_delete': 'CASCADE'}}}, "
     "'B': {'fields': {'a_set': 'TextField'}}}}",
     X, "the reverse accessor \"a_set\" of A.x clashes with the field B.a_set: give it another by "
        "\"related_name\"", NULL},
    {"{'models': {'A': {'fields': {'x': {'type': 'ForeignKey', 'to': 'B', 'on_delete': 'CASCADE'}}}, "
     "'B': {'fields': {'a': 'TextField'}}}}",
     X, "the reverse query name \"a\" of A.x clashes with the field B.a: give it another by "
        "\"related_name\"", NULL},
    {FIELD("{'type': 'ForeignKey', 'to': 'B', 'on_delete': 'CASCADE', 'related_name': 'a__b'}"),
     X "/related_name",
     "\"related_name\": the name \"a__b\" may not hold two underscores in a row", NULL},
    {FIELD("{'type': 'ForeignKey', 'to': 'B', 'on_delete': 'CASCADE', 'related_query_name': 'a_'}"),
     X "/related_query_name",
     "\"related_query_name\": the name \"a_\" may not end with an underscore", NULL},
    {"{'models': {'A': {}, 'B': {'Meta': {'db_table': 'a'}}}}", "/models/B/Meta/db_table",
     "A and B have the same table \"a\"", NULL},
    {"{'models': {'A': {}, 'B': {'Meta': {'path': 'a'}}}}", "/models/B/Meta/path",
     "A and B have the same path \"a\"", NULL},
    /* Meta */
    {META("'odering': []"), M "/odering", "unknown Meta option \"odering\"", "ordering"},
    {META("'ordering': 'name'"), M "/ordering",
     "Meta \"ordering\": expected an array, but got \"name\"", NULL},
    {META("'abstract': 'true'"), M "/abstract",
     "Meta \"abstract\": expected true or false, but got \"true\"", NULL},
    {META("'db_table': 'a\\u0001'"), M "/db_table",
     "the table's name \"a\x01\" may hold neither quotes nor control characters", NULL},
    {META("'path': 'a/b'"), M "/path",
     "the path \"a/b\" may hold only letters, digits, dots, hyphens and underscores, and begins with a "
     "letter or digit", NULL},
    {META("'ordering': ['nam']"), M "/ordering/0",
     "A has no field \"nam\"; its names are: " A_NAMES, "name"},
    {META("'ordering': ['b__titel']"), M "/ordering/0",
     "B has no field \"titel\"; its names are: a, id, title", "title"},
    {META("'ordering': ['id__x']"), M "/ordering/0",
     "\"ordering\": \"id__x\" leads nowhere behind \"id\"", NULL},
    {META("'ordering': [5]"), M "/ordering/0",
     "\"ordering\": expected a name or {\"expr\", \"desc\", \"nulls\"}, but got 5", NULL},
    {META("'get_latest_by': 'att'"), M "/get_latest_by",
     "A has no field \"att\"; its names are: " A_NAMES, "at"},
    {META("'order_with_respect_to': 'name'"), M "/order_with_respect_to",
     "\"order_with_respect_to\": expected the name of a foreign key of A, but got \"name\"", "name"},
    {META("'order_with_respect_to': 'b', 'ordering': ['name']"), M "/order_with_respect_to",
     "\"order_with_respect_to\" and \"ordering\" exclude one another", NULL},
    {META("'unique_together': [['name', 'bb']]"), M "/unique_together/0/1",
     "\"unique_together\": expected the name of a field of A, but got \"bb\"", "b"},
    {META("'unique_together': ['name', 'many']"), M "/unique_together/1",
     "\"unique_together\": \"many\" has no column of its own", NULL},
    {META("'unique_together': ['name', 'name']"), M "/unique_together/1",
     "\"unique_together\": \"name\" is in the list twice", NULL},
    /* constraints and indexes */
    {META("'constraints': [{'type': 'UniqueConstrain', 'fields': ['name'], 'name': 'u'}]"),
     M "/constraints/0/type",
     "\"constraints\": expected an object whose \"type\" is one of CheckConstraint, "
     "ExclusionConstraint, UniqueConstraint, but got \"UniqueConstrain\"", "UniqueConstraint"},
    {META("'constraints': [{'type': 'UniqueConstraint', 'fields': ['name']}]"), M "/constraints/0",
     "UniqueConstraint needs a \"name\"", NULL},
    {META("'constraints': [{'type': 'UniqueConstraint', 'fields': ['nam'], 'name': 'u'}]"),
     M "/constraints/0/fields/0", "UniqueConstraint: A has no field \"nam\"", "name"},
    {META("'constraints': [{'type': 'UniqueConstraint', 'fields': [], 'name': 'u'}]"),
     M "/constraints/0/fields",
     "\"fields\": expected an array with at least one item, but got []", NULL},
    {META("'constraints': [{'type': 'UniqueConstraint', 'name': 'u'}]"), M "/constraints/0",
     "UniqueConstraint needs \"fields\" or \"expressions\"", NULL},
    {META("'constraints': [{'type': 'UniqueConstraint', 'feilds': ['name'], 'fields': ['name'], "
          "'name': 'u'}]"),
     M "/constraints/0/feilds", "UniqueConstraint has no member \"feilds\"", "fields"},
    {META("'constraints': [{'type': 'UniqueConstraint', 'fields': ['name'], 'name': 'u', "
          "'deferrable': 'later'}]"),
     M "/constraints/0/deferrable",
     "\"deferrable\": expected \"deferred\" or \"immediate\", but got \"later\"", NULL},
    {META("'constraints': [{'type': 'UniqueConstraint', 'fields': ['name'], 'name': 'u', "
          "'condition': {'nam__gt': 1}}]"),
     M "/constraints/0/condition/nam__gt", "A has no field \"nam\"; its names are: " A_NAMES, "name"},
    {META("'constraints': [{'type': 'CheckConstraint', 'name': 'c'}]"), M "/constraints/0",
     "CheckConstraint needs \"condition\"", NULL},
    {META("'constraints': [{'type': 'CheckConstraint', 'name': 'c', 'condition': {'b__title': 'x'}}]"),
     M "/constraints/0/condition/b__title",
     "\"b__title\": a constraint or index looks at its own row, not at related ones", NULL},
    {META("'constraints': [{'type': 'ExclusionConstraint', 'name': 'e', 'expressions': [['at', "
          "'like']]}]"),
     M "/constraints/0/expressions/0/1",
     "\"expressions\": expected one of the operators = <> && @> <@ << >> &< &> -|- ~=, but got "
     "\"like\"", NULL},
    {META("'indexes': [{'fields': ['-nam']}]"), M "/indexes/0/fields/0",
     "Index: A has no field \"nam\"", "name"},
    {META("'indexes': [{'fields': ['name'], 'condition': {'name': 'x'}}]"), M "/indexes/0",
     "Index with \"condition\" needs a \"name\"", NULL},
    {META("'indexes': [{'type': 'GinIndx', 'fields': ['name']}]"), M "/indexes/0/type",
     "\"indexes\": expected an object whose \"type\" is one of BTreeIndex, BrinIndex, GinIndex, "
     "GistIndex, HashIndex, Index, SpGistIndex, but got \"GinIndx\"", "GinIndex"},
    {META("'indexes': [{'fields': ['name'], 'opclasses': ['a', 'b'], 'name': 'i'}]"),
     M "/indexes/0/opclasses",
     "\"opclasses\": expected one name for each of \"fields\", but got [\"a\",\"b\"]", NULL},
    {META("'constraints': [{'type': 'UniqueConstraint', 'fields': ['many'], 'name': 'u'}]"),
     M "/constraints/0/fields/0", "UniqueConstraint: \"many\" has no column of its own", NULL},
    {META("'constraints': [{'type': 'UniqueConstraint', 'fields': [5], 'name': 'u'}]"),
     M "/constraints/0/fields/0", "\"fields\": expected names of fields, but got 5", NULL},
    {META("'constraints': [{'type': 'UniqueConstraint', 'fields': ['name'], 'name': ''}]"),
     M "/constraints/0/name", "\"name\": expected a string that is not empty, but got \"\"", NULL},
    {META("'constraints': [{'type': 'UniqueConstraint', 'fields': ['name'], 'name': "
          "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}]"),
     M "/constraints/0/name",
     "the name \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" is longer than 63 "
     "bytes", NULL},
    {META("'constraints': [{'type': 'UniqueConstraint', 'fields': ['name'], 'expressions': ['at'], 'name': "
          "'u'}]"),
     M "/constraints/0/expressions",
     "UniqueConstraint takes \"fields\" or \"expressions\", not both", NULL},
    {META("'constraints': [{'type': 'UniqueConstraint', 'expressions': [{'name': 'x'}], 'name': 'u'}]"),
     M "/constraints/0/expressions/0",
     "\"expressions\": expected a name, an expression, {\"expr\", \"desc\"} or {\"OpClass\": [expression, "
     "name]}, but got {\"name\":\"x\"}", NULL},
    {META("'constraints': [{'type': 'UniqueConstraint', 'fields': ['name'], 'include': 'at', 'name': "
          "'u'}]"),
     M "/constraints/0/include", "\"include\": expected an array of names, but got \"at\"", NULL},
    {META("'constraints': [{'type': 'UniqueConstraint', 'fields': ['name'], 'include': [1], 'name': 'u'}]"),
     M "/constraints/0/include/0", "\"include\": expected names of fields, but got 1", NULL},
    {META("'constraints': [{'type': 'UniqueConstraint', 'fields': ['name'], 'deferrable': 'immediate', "
          "'include': ['at'], 'name': 'u'}]"),
     M "/constraints/0/deferrable", "\"deferrable\" and \"include\" exclude one another", NULL},
    {META("'constraints': [{'type': 'UniqueConstraint', 'fields': ['name'], 'nulls_distinct': 'no', 'name': "
          "'u'}]"),
     M "/constraints/0/nulls_distinct",
     "\"nulls_distinct\": expected true or false, but got \"no\"", NULL},
    {META("'constraints': [{'type': 'UniqueConstraint', 'fields': ['name'], 'condition': [], 'name': 'u'}]"),
     M "/constraints/0/condition", "expected a condition (an object), but got []", NULL},
    {META("'constraints': [{'type': 'CheckConstraint', 'condition': {'or': {}}, 'name': 'c'}]"),
     M "/constraints/0/condition/or", "expected an array of conditions, but got {}", NULL},
    {META("'constraints': [{'type': 'CheckConstraint', 'condition': {'name': 'a'}, 'check': {'name': 'b'}, "
          "'name': 'c'}]"),
     M "/constraints/0/check",
     "\"check\" is the former name of \"condition\": give one of them", NULL},
    {META("'constraints': [{'type': 'ExclusionConstraint', 'name': 'e', 'expressions': ['at']}]"),
     M "/constraints/0/expressions/0",
     "\"expressions\": expected [expression, \"operator\"], but got \"at\"", NULL},
    {META("'constraints': [{'type': 'ExclusionConstraint', 'name': 'e', 'index_type': 'gin', "
          "'expressions': [['at', '=']]}]"),
     M "/constraints/0/index_type",
     "\"index_type\": expected \"GIST\" or \"SPGIST\", but got \"gin\"", NULL},
    {META("'indexes': [{'type': 'BTreeIndex', 'fields': ['name'], 'name': 'i', 'fillfactor': '50'}]"),
     M "/indexes/0/fillfactor", "\"fillfactor\": expected an integer or a boolean", NULL},
    {META("'indexes': [{'fields': ['name'], 'fillfactor': 50}]"), M "/indexes/0/fillfactor",
     "Index has no member \"fillfactor\"", NULL},
    {META("'indexes': [{'fields': ['name'], 'opclasses': [1], 'name': 'i'}]"),
     M "/indexes/0/opclasses/0", "\"opclasses\": expected names, but got 1", NULL},
    {META("'ordering': ['-']"), M "/ordering/0", "\"ordering\": expected a name, but got \"-\"", NULL},
    {META("'get_latest_by': 5"), M "/get_latest_by",
     "\"get_latest_by\": expected a field's name or an array of them", NULL},
    {META("'get_latest_by': ['at', 5]"), M "/get_latest_by/1",
     "\"get_latest_by\": expected a field's name, but got 5", NULL},
    {META("'unique_together': [['name'], 5]"), M "/unique_together/1",
     "\"unique_together\": expected an array of names, but got 5", NULL},
    {META("'primary_key': []"), M "/primary_key",
     "\"primary_key\": expected the names of the key's fields", NULL},
    {"{'models': {'A': {'fields': {'name': {'type': 'TextField', 'null': true}, 'b': 'TextField'}, 'Meta': "
     "{'primary_key': ['name', 'b']}}}}",
     M "/primary_key/0", "\"primary_key\": \"name\" may be null", NULL},
    {"{'models': {'A': {'fields': {'name': 'TextField', 'b': {'type': 'UUIDField', 'primary_key': true}}, "
     "'Meta': {'primary_key': ['name', 'b']}}}}",
     M "/primary_key", "\"primary_key\": \"b\" is the primary key already", NULL},
    {"{'models': {'A': {'fields': {'name': 'TextField', 'b': 'TextField', 'x': {'type': 'ManyToManyField', "
     "'to': 'B'}}, 'Meta': {'primary_key': ['name', 'b']}}, 'B': {}}}",
     X, "a many-to-many relation needs a primary key of one field on both sides", NULL},
    {"{'models': {'A': {'bases': [5]}}}", "/models/A/bases/0",
     "\"bases\": expected the name of an abstract model, but got 5", NULL},
    {FIELD("{'type': 'DecimalField', 'max_digits': 1001, 'decimal_places': 2}"), X "/max_digits",
     "\"max_digits\": PostgreSQL takes at most 1000", NULL},
    {FIELD("{'type': 'ManyToManyField', 'to': 'B', 'db_table': 'a\\\"b'}"), X "/db_table",
     "the table's name \"a\"b\" may hold neither quotes nor control characters", NULL},
    {FIELD("{'type': 'ManyToManyField', 'to': 'B', 'db_table': 'b'}"), X,
     "B and A.x have the same table \"b\"", NULL},
    {FIELD("{'type': 'IntegerField', 'default': '1234567890123456789012345678901234567890123456789012345678"
           "9012345678901234567890123456789'}"),
     X "/default",
     "\"default\": expected an integer between -2147483648 and 2147483647, but got "
     "\"1234567890123456789012345678901234567890123456789012345678901234567890123456789…", NULL},
    {FIELD("{'type': 'HStoreField', 'validators': [{'name': 'KeysValidator', 'keys': ['a', 1], 'strict': "
           "true}]}"),
     X "/validators/0/keys", "\"keys\": expected an array of strings, but got [\"a\",1]", NULL},
    {FIELD("{'type': 'TextField', 'validators': [{'name': 'RegexValidator', 'regex': 'x', 'inverse_match': "
           "1}]}"),
     X "/validators/0/inverse_match", "\"inverse_match\": expected true or false, but got 1", NULL},
    {FIELD("{'type': 'TextField', 'validators': [{'name': 'validate_slug', 'message': 1}]}"),
     X "/validators/0/message", "\"message\": expected a string", NULL},
    {META("'indexes': [{'fields': ['name'], 'name': 'i'}, {'fields': ['at'], 'name': 'i'}]"),
     M "/indexes/1/name", "the name \"i\" is used by a constraint or index of A already", NULL},
};

#define MISTAKEN (sizeof mistaken / sizeof *mistaken)

static struct mistakes build(const char *const *texts, size_t n)
{
	static const struct json_limits limits = {1 << 20, 64, 10000};
	const struct value *documents[4];
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
	ck_assert_int_eq(registry == NULL, mistakes.n > 0);
	return mistakes;
}

START_TEST(a_mistake_is_told_once_at_its_place)
{
	const struct mistaken *m = &mistaken[_i];
	struct mistakes mistakes = build(&m->document, 1);
	ck_assert_msg(mistakes.n > 0, "no mistake in %s", m->document);
	const struct mistake *first = &mistakes.items[0];
	ck_assert_str_eq(arena_cstr(arena, first->message), m->message);
	ck_assert_str_eq(pos_pointer(arena, first->pos).p, m->pointer);
	if (m->suggestion) {
		ck_assert_ptr_nonnull(first->suggestion.p);
		ck_assert_str_eq(arena_cstr(arena, first->suggestion), m->suggestion);
	} else {
		ck_assert_msg(!first->suggestion.p, "%.*s", STR_ARG(first->suggestion));
	}
	ck_assert_msg(mistakes.n == 1, "also: %s", arena_cstr(arena, mistakes.items[1].message));
}
END_TEST

START_TEST(all_mistakes_of_a_run_are_told)
{
	const char *document =
	    "{'models': {'A': {'fields': {'x': 'Charfield', 'y': {'type': 'ForeignKey', 'to': 'C', "
	    "'on_delete': 'CASCADE'}, 'z': {'type': 'IntegerField', 'default': 'a'}}, 'Meta': {'ordering': "
	    "['x', 'y__name', 'w']}}, 'B': {'fields': {'pk': 'TextField'}}}}";
	struct mistakes mistakes = build(&document, 1);
	static const char *const pointers[] = {
	    "/models/A/fields/x", "/models/A/fields/y/to", "/models/A/fields/z/default",
	    "/models/A/Meta/ordering/2", "/models/B/fields/pk"};
	ck_assert_uint_eq(mistakes.n, 5); /* nothing about x and y in ordering: told already */
	for (size_t i = 0; i < 5; i++) {
		bool is_told = false;
		for (size_t k = 0; k < 5; k++)
			is_told = is_told || str_is(pos_pointer(arena, mistakes.items[k].pos), pointers[i]);
		ck_assert_msg(is_told, "%s", pointers[i]);
	}
}
END_TEST

START_TEST(a_mistake_names_the_document_it_stands_in)
{
	const char *texts[] = {"{'models': {'A': {}}}", "{'models': {'A': {}}}",
	                       "{'models': {'B': {'fields': {'x': 'Tex'}}}}"};
	struct mistakes mistakes = build(texts, 3);
	ck_assert_uint_eq(mistakes.n, 2);
	ck_assert_uint_eq(mistakes.items[0].source, 1);
	ck_assert_str_eq(mistakes.items[0].message.p, "model A is declared twice");
	ck_assert_uint_eq(mistakes.items[1].source, 2);
}
END_TEST

START_TEST(an_inherited_mistake_names_the_document_of_the_base)
{
	const char *texts[] = {"{'models': {'A': {'bases': ['Base']}}}",
	                       "{'models': {'Base': {'fields': {'x': {'type': 'IntegerField', 'default': "
	                       "true}}, 'Meta': {'abstract': true, 'ordering': ['y']}}}}"};
	struct mistakes mistakes = build(texts, 2);
	ck_assert_uint_eq(mistakes.n, 2);
	for (size_t i = 0; i < 2; i++)
		ck_assert_uint_eq(mistakes.items[i].source, 1);
}
END_TEST

START_TEST(two_relations_to_one_model_clash_and_both_are_told)
{
	const char *text =
	    "{'models': {'A': {'fields': {'x': {'type': 'ForeignKey', 'to': 'B', 'on_delete': 'CASCADE'}, "
	    "'y': {'type': 'ForeignKey', 'to': 'B', 'on_delete': 'CASCADE'}}}, 'B': {}}}";
	struct mistakes mistakes = build(&text, 1);
	ck_assert_uint_eq(mistakes.n, 2);
	ck_assert_str_eq(mistakes.items[0].message.p,
	                 "the reverse accessor \"a_set\" of A.x clashes with the one of A.y: give it another "
	                 "by \"related_name\"");
	ck_assert_str_eq(pos_pointer(arena, mistakes.items[1].pos).p, "/models/A/fields/y");
}
END_TEST

/* A join model J with keys a1, a2 to A and b to B. */
#define THROUGH(options)                                                                           \
	"{'models': {'A': {'fields': {'bs': {'type': 'ManyToManyField', 'to': 'B', 'through': 'J'" options \
	"}}}, 'B': {}, 'J': {'fields': {'a1': {'type': 'ForeignKey', 'to': 'A', 'on_delete': "         \
	"'CASCADE'}, 'a2': {'type': 'ForeignKey', 'to': 'A', 'on_delete': 'CASCADE', 'related_name': " \
	"'+'}, 'b': {'type': 'ForeignKey', 'to': 'B', 'on_delete': 'CASCADE'}}}}}"

START_TEST(an_ambiguous_join_model_wants_through_fields)
{
	static const struct mistaken cases[] = {
	    {THROUGH(""), "/models/A/fields/bs/through",
	     "\"through\": J has several foreign keys to A (a1, a2): say which to use by "
	     "\"through_fields\"", NULL},
	    {THROUGH(", 'through_fields': ['a1']"), "/models/A/fields/bs/through_fields",
	     "\"through_fields\": expected two names, of the foreign keys to A and to B", NULL},
	    {THROUGH(", 'through_fields': ['b', 'b']"), "/models/A/fields/bs/through_fields/0",
	     "\"through_fields\": expected a foreign key of J to A (a1, a2), but got \"b\"", NULL},
	    {THROUGH(", 'through_fields': ['a2', 'bb']"), "/models/A/fields/bs/through_fields/1",
	     "\"through_fields\": expected a foreign key of J to B (b), but got \"bb\"", "b"},
	    {THROUGH(", 'through_fields': ['a2', 'b'], 'db_table': 't'"), "/models/A/fields/bs/db_table",
	     "\"db_table\" means nothing beside \"through\": the join table is the model's", NULL},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct mistakes mistakes = build(&cases[i].document, 1);
		ck_assert_uint_eq(mistakes.n, 1);
		ck_assert_str_eq(arena_cstr(arena, mistakes.items[0].message), cases[i].message);
		ck_assert_str_eq(pos_pointer(arena, mistakes.items[0].pos).p, cases[i].pointer);
	}
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "model/mistakes");
	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_loop_test(group, a_mistake_is_told_once_at_its_place, 0, MISTAKEN);
	tcase_add_test(group, all_mistakes_of_a_run_are_told);
	tcase_add_test(group, a_mistake_names_the_document_it_stands_in);
	tcase_add_test(group, an_inherited_mistake_names_the_document_of_the_base);
	tcase_add_test(group, two_relations_to_one_model_clash_and_both_are_told);
	tcase_add_test(group, an_ambiguous_join_model_wants_through_fields);
	return suite_main(suite);
}
