"""Quern's migrations beside Django's: from the same models to the same models, the same operations and, as
PostgreSQL's catalog describes them, the same tables; forward, back and forward again.

Needs QUERN_BIN and QUERN_TEST_DATABASE_URL.  What differs on purpose is told in model_changes.
"""

import os
import re
import unittest

import psycopg2

import django_side
import quern_side
from model_changes import CASES

OWN = ("quern_migrations", "quern_migration_progress", "quern_idempotency")

COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, l.collname,
           pg_get_expr(d.adbin, d.adrelid)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    LEFT JOIN pg_collation l ON l.oid = a.attcollation
    WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY 1, 2
"""
CONSTRAINTS = """
    SELECT c.relname, n.conname, n.contype::text, pg_get_constraintdef(n.oid), n.condeferrable, n.condeferred,
           n.convalidated
    FROM pg_constraint n JOIN pg_class c ON c.oid = n.conrelid
    WHERE n.connamespace = %s::regnamespace ORDER BY 1, 2
"""
INDEXES = """
    SELECT t.relname, c.relname, pg_get_indexdef(i.indexrelid), i.indisvalid
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
    WHERE c.relnamespace = %s::regnamespace ORDER BY 1, 2
"""

# Numbers of conditions may carry a type.
NUMBER = re.compile(r"'(-?[0-9]+)'::(?:small|big)?int(?:eger)?")


def plain(cell, schema):
    """Without the schema's name, and without a default that numbers rows (Django 3.2 has sequences where newer
    ones and Quern have identity columns)."""
    if not isinstance(cell, str):
        return cell
    if cell.startswith("nextval("):
        return None
    return NUMBER.sub(r"\1", cell.replace(schema + ".", ""))


class Catalogs:
    """Two schemas of one database."""

    def __init__(self, url):
        self.url = url
        self.base = psycopg2.connect(url)
        self.base.autocommit = True

    def ask(self, sql, params=None):
        with self.base.cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.fetchall() if cursor.description else []

    def make_schemas(self):
        for schema in ("ours", "theirs"):
            self.ask("DROP SCHEMA IF EXISTS %s CASCADE" % schema)
            self.ask("CREATE SCHEMA %s" % schema)

    def rows(self, sql, schema):
        self.ask("SET search_path = %s, public" % schema)
        rows = [tuple(plain(cell, schema) for cell in row) for row in self.ask(sql, (schema,))]
        return [row for row in rows if row[0] not in OWN]

    def catalog(self, schema, key_type=False):
        constraints = self.rows(CONSTRAINTS, schema)
        if key_type:
            constraints = [(row[0], re.sub("_fk_.*", "_fk", row[1])) + row[2:] for row in constraints]
        return self.rows(COLUMNS, schema), sorted(constraints, key=str), self.rows(INDEXES, schema)


class MigrationsTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.catalogs = Catalogs(os.environ["QUERN_TEST_DATABASE_URL"])
        self.addCleanup(self.catalogs.base.close)
        django_side.connect(self.catalogs.url, "theirs,public")
        self.addCleanup(django_side.connection.close)

    def compare(self, where, options):
        for ours, theirs in zip(self.catalogs.catalog("ours", options.get("key_type")),
                                self.catalogs.catalog("theirs", options.get("key_type"))):
            self.assertEqual(ours, theirs, where)

    def try_case(self, before, after, options):
        self.catalogs.make_schemas()
        project = quern_side.Project(self.catalogs.url)
        self.addCleanup(project.remove)
        first = django_side.migrations({}, before, False, {})
        state = django_side.apply(first, django_side.ProjectState())
        project.say(before)
        project.run("makemigrations")
        project.run("migrate")
        self.compare("before", options)
        renames, defaults = options.get("renames", False), options.get("defaults", {})
        second = django_side.migrations(before, after, renames, defaults)
        django_side.apply(second, state.clone())
        project.say(after)
        flags = ["%s=%s" % pair for pair in defaults.items()]
        arguments = [part for flag in flags for part in ("--default", flag)]
        arguments += self.renames(second) if renames else ["--no-renames"]
        project.run("makemigrations", *arguments)
        self.assertIn("No changes.", project.run("makemigrations", "--check"))
        self.compare_operations(project, second, options)
        project.run("migrate")
        self.compare("after", options)
        if options.get("back", True):
            project.run("migrate", "0001")
            django_side.unapply(second, state.clone())
            self.compare("back", options)
            project.run("migrate")
            django_side.apply(second, state.clone())
            self.compare("again", options)
        project.run("migrate", "zero")
        self.assertEqual(self.catalogs.rows(COLUMNS, "ours"), [])

    def renames(self, made):
        flags = []
        for migration in made:
            for operation in migration.operations:
                kind = type(operation).__name__
                if kind == "RenameField":
                    flags += ["--rename", "%s.%s=%s" % (
                        self.spelled(operation.model_name), operation.old_name, operation.new_name)]
                if kind == "RenameModel":
                    flags += ["--rename", "%s=%s" % (operation.old_name, operation.new_name)]
        return flags

    def spelled(self, model):
        return model[0].upper() + model[1:]

    def compare_operations(self, project, second, options):
        ours = [quern_side.summary(operation) for operation in project.read(project.files()[-1])["operations"]]
        theirs = [django_side.summary(operation) for migration in second for operation in migration.operations]
        if options.get("operations", True):
            self.assertEqual(ours, theirs)
            if len(theirs) == 1:
                self.assertEqual(project.files()[-1].partition("_")[2], second[0].suggest_name())

    def test_changes(self):
        self.assertGreaterEqual(len(CASES), 60)
        for what, before, after, options in CASES:
            with self.subTest(what):
                self.try_case(before, after, options)


if __name__ == "__main__":
    unittest.main()
