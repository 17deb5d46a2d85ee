"""Quern's tables beside Django's own, for the same models, as PostgreSQL's catalog describes them.

`quern migrate` works in one schema, Django's schema editor in another; columns, constraints and
indexes are then compared by name and definition.  Defaults are left aside (Django keeps them in
Python).  What differs on purpose is listed in KNOWN and nowhere else.  Needs QUERN_BIN and
QUERN_TEST_DATABASE_URL.
"""

import copy
import glob
import itertools
import json
import os
import re
import subprocess
import sys
import unittest

import psycopg2

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(ROOT, "tests", "api"))

import oracle  # noqa: E402
from django.contrib.postgres import constraints, indexes  # noqa: E402
from django.db import connection, models  # noqa: E402

DEFERRABLE = {"deferred": models.Deferrable.DEFERRED, "immediate": models.Deferrable.IMMEDIATE}

# Django 3.2 (the oracle at hand) beside the newest Django, whose definitions Quern takes:
#   - automatic keys are identity columns since 4.1: the oracle's `serial` has a sequence and a
#     default instead; both are integers that are never null (the comparison leaves defaults
#     aside, test_automatic_keys_are_identity_columns looks at Quern's);
#   - no pattern index on a column with a collation of its own since 4.2: such a column that is
#     also indexed stands in no model here.
#   - what is unique for a date is asked before each save by Django, and judged by an index here
#     (test_schema looks at it).
KNOWN = ()
UNIQUE_FOR = ("_for_date", "_for_month", "_for_year")

COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, l.collname
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_collation l ON l.oid = a.attcollation
    WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'r' AND a.attnum > 0 ORDER BY 1, a.attnum
"""
CONSTRAINTS = """
    SELECT c.relname, n.conname, n.contype::text, pg_get_constraintdef(n.oid), n.condeferrable, n.condeferred
    FROM pg_constraint n JOIN pg_class c ON c.oid = n.conrelid
    WHERE n.connamespace = %s::regnamespace ORDER BY 1, 2
"""
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = %s ORDER BY 1, 2"
OWN = ("quern_migrations", "quern_idempotency")


def condition_of(value):
    return oracle._condition(value)


def constraint_of(item):
    # The words of a refusal are no part of the table, and 3.2 has none.
    options = {key: value for key, value in item.items() if key != "type" and not key.startswith("violation_")}
    for name in ("condition", "check"):
        if name in options:
            options[name] = condition_of(options[name])
    if "deferrable" in options:
        options["deferrable"] = DEFERRABLE[options["deferrable"]]
    if item["type"] == "CheckConstraint" and "condition" in options:
        options["check"] = options.pop("condition")
    if item["type"] == "ExclusionConstraint":
        options["expressions"] = [tuple(pair) for pair in options["expressions"]]
        return constraints.ExclusionConstraint(**options)
    return getattr(models, item["type"])(**options)


def index_of(item):
    options = {key: value for key, value in item.items() if key != "type"}
    if "condition" in options:
        options["condition"] = condition_of(options["condition"])
    kind = item.get("type", "Index")
    return (getattr(models, kind, None) or getattr(indexes, kind))(**options)


def django_models(document):
    """Django's classes, in the order of the file; indexes and constraints put in afterwards, because
    this knows more kinds of them than the oracle."""
    bare = copy.deepcopy(document)
    for declaration in bare["models"].values():
        for option in ("indexes", "constraints"):
            declaration.get("Meta", {}).pop(option, None)
    made = oracle.Oracle([bare], managed=True)
    classes = [getattr(made, name) for name in bare["models"]]
    for found, declaration in zip(classes, document["models"].values()):
        meta = declaration.get("Meta", {})
        found._meta.constraints = [constraint_of(item) for item in meta.get("constraints", [])]
        found._meta.indexes = [index_of(item) for item in meta.get("indexes", [])]
        for index in found._meta.indexes:
            if not index.name:
                index.set_name_with_model(found)
    return classes


def has_djangos_tables(path):
    """Django 3.2 has no keys of several fields, and its models here no order_with_respect_to."""
    with open(path, encoding="utf-8") as file:
        declared = json.load(file)["models"].values()
    return not any(set(model.get("Meta", {})) & {"primary_key", "order_with_respect_to"} for model in declared)


def without_schema(row, schema):
    return tuple(cell.replace(schema + ".", "") if isinstance(cell, str) else cell for cell in row)


def without_casts(row):
    """Conditions may mean the same with other casts, quoted numbers, or `= true`."""
    plain = (re.sub(r"::(numeric|boolean|integer)|[()]", "", cell) for cell in row)
    return tuple(re.sub(r"'([0-9]+)'", r"\1", cell).replace(" = true", "") for cell in plain)


class CatalogTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.url = os.environ["QUERN_TEST_DATABASE_URL"]
        self.base = psycopg2.connect(self.url)
        self.base.autocommit = True
        self.addCleanup(self.base.close)
        for extension in ("hstore", "btree_gist"):
            self.ask("CREATE EXTENSION IF NOT EXISTS %s SCHEMA public" % extension)
        self.make_schemas()

    def make_schemas(self):
        for schema in ("ours", "theirs"):
            self.ask("DROP SCHEMA IF EXISTS %s CASCADE" % schema)
            self.ask("CREATE SCHEMA %s" % schema)

    def ask(self, sql, params=None):
        with self.base.cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.fetchall() if cursor.description else []

    def migrate(self, path):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "QUERN_"))}
        environment.update(QUERN_DATABASE_URL=self.url, QUERN_SEARCH_PATH="ours, public")
        done = subprocess.run(
            [os.environ["QUERN_BIN"], "migrate", "--models", path],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        self.assertEqual(done.returncode, 0, done.stdout)

    def migrate_django(self, path):
        with open(path, encoding="utf-8") as file:
            classes = django_models(json.load(file))
        parameters = psycopg2.extensions.parse_dsn(self.url)
        connection.close()
        connection.settings_dict.update(
            NAME=parameters["dbname"], USER=parameters["user"], HOST=parameters["host"],
            OPTIONS={"options": "-c search_path=theirs,public"},
        )
        self.addCleanup(connection.settings_dict.update, OPTIONS={})
        self.addCleanup(connection.close)
        with connection.schema_editor() as editor:
            for found in classes:
                editor.create_model(found)

    def catalog(self, sql, schema):
        # Definitions name schemas that are not in the search path.
        self.ask("SET search_path = %s, public" % schema)
        rows = [without_schema(row, schema) for row in self.ask(sql, (schema,))]
        return [row for row in rows if row[0] not in OWN and row[:2] not in KNOWN
                and not str(row[1]).endswith(UNIQUE_FOR)]

    def compare(self, path):
        self.migrate(path)
        self.migrate_django(path)
        for sql in (COLUMNS, CONSTRAINTS, INDEXES):
            theirs = self.catalog(sql, "theirs")
            self.assertTrue(theirs)
            self.assertEqual(self.catalog(sql, "ours"), theirs)

    def test_the_examples_and_the_models_of_other_tests_have_djangos_tables(self):
        examples = [os.path.join(ROOT, "config", "examples", name + ".json")
                    for name in ("staff", "news", "fleet", "fleet_grants")]
        others = sorted(path for path in glob.glob(os.path.join(ROOT, "tests", "api", "models", "*.json"))
                        if has_djangos_tables(path))
        for path in examples + others:
            with self.subTest(path):
                self.make_schemas()
                self.compare(path)

    def test_every_type_and_option_has_djangos_definition(self):
        self.compare(os.path.join(HERE, "wide.json"))

    def try_row(self, schema, row):
        """The name of the constraint that keeps a row out, None when it comes in."""
        try:
            self.ask("INSERT INTO %s.booking (room, guest, starts, ends, price, is_active) "
                     "VALUES (%%s, %%s, %%s, %%s, %%s, %%s)" % schema, row)
        except psycopg2.IntegrityError as error:
            return error.diag.constraint_name
        return None

    def test_conditions_of_constraints_keep_out_the_rows_that_djangos_keep_out(self):
        path = os.path.join(HERE, "conditions.json")
        self.migrate(path)
        self.migrate_django(path)
        rows = itertools.product(
            (1, 2, 13), (None, "it's", "me\\you", "me\\\\you", "Ann", "ann", ""), ("2026-01-01", "2026-01-02"),
            ("2026-01-01", "2026-01-02", "2026-01-03"), ("0.49", "0.50", "999.99", "1000.00"), (True, False),
        )
        met = set()
        for row in rows:
            ours = self.try_row("ours", row)
            self.assertEqual((row, ours), (row, self.try_row("theirs", row)))
            met.add(ours)
        self.assertEqual(met, {
            None, "ends_after_start", "price_in_range", "guest_or_inactive", "no_thirteen", "guest_is_known",
            "one_active_booking", "one_guest_a_room",
        })

    def test_conditional_indexes_are_named_and_built_as_djangos(self):
        path = os.path.join(HERE, "conditions.json")
        self.migrate(path)
        self.migrate_django(path)
        theirs = self.catalog(INDEXES, "theirs")
        self.assertEqual([without_casts(row) for row in self.catalog(INDEXES, "ours")],
                         [without_casts(row) for row in theirs])

    def test_automatic_keys_are_identity_columns(self):
        self.migrate(os.path.join(HERE, "wide.json"))
        rows = self.ask(
            "SELECT table_name, column_name, identity_generation FROM information_schema.columns "
            "WHERE table_schema = 'ours' AND is_identity = 'YES' AND table_name IN "
            "('counter', 'tiny', 'wide', 'wide_friends') ORDER BY 1"
        )
        self.assertEqual(rows, [
            ("counter", "number", "BY DEFAULT"), ("tiny", "number", "BY DEFAULT"),
            ("wide", "id", "BY DEFAULT"), ("wide_friends", "id", "BY DEFAULT"),
        ])


if __name__ == "__main__":
    unittest.main()
