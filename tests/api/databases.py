"""Databases of the tests' own, for what works on one without serving it: inspectdb, diff, dumpdata.

They are made in the server of QUERN_TEST_DATABASE_URL, or in one that lives as long as the module.
"""
import contextlib
import itertools
import os
import shutil
import subprocess
import tempfile
import unittest

import psycopg2
import psycopg2.extensions

import harness

SUPPORT = os.path.join(harness.ROOT, "tests", "support", "postgres")
_numbers = itertools.count(1)
_server = []


def server_url():
    if os.environ.get("QUERN_TEST_DATABASE_URL"):
        return os.environ["QUERN_TEST_DATABASE_URL"]
    if not _server:
        folder = tempfile.mkdtemp(prefix="quern-databases-")
        subprocess.run([SUPPORT, "start", folder], check=True, stdout=subprocess.DEVNULL, timeout=120)
        url = subprocess.run([SUPPORT, "url", folder], check=True, stdout=subprocess.PIPE).stdout.decode().strip()
        _server.append(url)

        def stop():
            _server.clear()
            subprocess.run([SUPPORT, "stop", folder], stdout=subprocess.DEVNULL, timeout=60)
            shutil.rmtree(folder, ignore_errors=True)

        unittest.addModuleCleanup(stop)
    return _server[0]


class Database:
    """A new, empty database; `url` names it to Quern, sql() works behind Quern's back."""

    def __init__(self):
        self.name = "quern_made_%d_%d" % (os.getpid(), next(_numbers))
        self.parameters = psycopg2.extensions.parse_dsn(server_url())
        self._run_outside('CREATE DATABASE "%s"' % self.name)
        self.parameters["dbname"] = self.name
        self.url = psycopg2.extensions.make_dsn(**self.parameters)
        self._connection = None

    def _run_outside(self, sql):
        connection = psycopg2.connect(server_url())
        connection.autocommit = True
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute(sql)

    def sql(self, text, values=None):
        if self._connection is None:
            self._connection = psycopg2.connect(self.url)
            self._connection.autocommit = True
        with self._connection.cursor() as cursor:
            cursor.execute(text, values)
            return cursor.fetchall() if cursor.description else None

    def run(self, *arguments, data=b"", seconds=120):
        """`quern` on this database; standard output and standard error apart."""
        environment = harness.clean_environment()
        environment["QUERN_DATABASE_URL"] = self.url
        done = subprocess.run([harness.program()] + list(arguments), input=data, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=environment, cwd="/", timeout=seconds)
        done.text = done.stdout.decode("utf-8", "replace")
        done.complaint = done.stderr.decode("utf-8", "replace")
        return done

    def serve(self, *arguments):
        return harness.Process(["serve", "--port", "0"] + list(arguments), {"QUERN_DATABASE_URL": self.url})

    def drop(self):
        if self._connection is not None:
            self._connection.close()
        self._run_outside('DROP DATABASE IF EXISTS "%s" WITH (FORCE)' % self.name)


@contextlib.contextmanager
def database():
    made = Database()
    try:
        yield made
    finally:
        made.drop()
