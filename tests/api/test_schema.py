"""The tables that Quern makes are the ones that Django's own migrations would make: columns, constraints
and indexes, by name and by definition."""

import re
import unittest

import oracle
from django.db import connection
from harness import ApiTest

COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND c.relname !~ '^quern'
"""
CONSTRAINTS = """
SELECT c.relname, k.conname, pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE c.relnamespace = %s::regnamespace AND c.relname !~ '^quern'
"""
INDEXES = """
SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = %s AND tablename !~ '^quern'
"""


class SchemaTest(ApiTest):
    def compare(self):
        oracle.ask(self.server)
        theirs = oracle.Oracle(self.server.documents, managed=True)
        self.sql("DROP SCHEMA IF EXISTS djangos CASCADE; CREATE SCHEMA djangos")
        self.addCleanup(self.sql, "DROP SCHEMA djangos CASCADE")
        connection.settings_dict["OPTIONS"] = {"options": "-c search_path=djangos"}
        self.addCleanup(connection.settings_dict.pop, "OPTIONS")
        self.addCleanup(connection.close)
        with connection.schema_editor() as editor:
            for document in self.server.documents:
                for name in document["models"]:
                    editor.create_model(getattr(theirs, name))
        for query in (COLUMNS, CONSTRAINTS, INDEXES):
            made, expected = self.described(query, "public"), self.described(query, "djangos")
            self.assertTrue(expected)
            self.assertEqual(sorted(expected - made), [], "missing")
            self.assertEqual(sorted(made - expected), [], "more than Django's")

    def described(self, query, schema):
        return {tuple(re.sub(r"\b(public|djangos)\.", "", cell) if isinstance(cell, str) else cell for cell in row)
                for row in self.sql(query, [schema])}


class ExamplesTest(SchemaTest):
    models = ("staff", "news", "fleet")

    def test_tables_are_djangos(self):
        self.compare()


class GrantsTest(SchemaTest):
    models = ("fleet_grants",)

    def test_tables_are_djangos(self):
        self.compare()


class PressTest(SchemaTest):
    models = ("press",)

    def test_tables_are_djangos(self):
        self.compare()


class DeletionTest(SchemaTest):
    models = ("deletion",)

    def test_tables_are_djangos(self):
        self.compare()


class EveryTypeTest(SchemaTest):
    models = ("every_type",)

    def test_tables_are_djangos(self):
        self.compare()


class ConstraintsTest(SchemaTest):
    models = ("constraints",)

    def test_tables_are_djangos(self):
        self.compare()


if __name__ == "__main__":
    unittest.main()
