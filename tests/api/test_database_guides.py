"""The guides to databases and data tell the truth: their commands, run in order on the ferry company's tables, print
what they show.

    /usr/bin/python3 tests/api/test_database_guides.py --update     writes what the program prints into the guides
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import databases
import harness
from test_readme import BLOCK, examples

DOCS = os.path.join(harness.ROOT, "api-docs")
GUIDES = ("existing_databases.md", "data.md")


def read(name):
    with open(os.path.join(DOCS, name), encoding="utf-8") as file:
        return file.read()


class Tour:
    """A folder to work in, and a database."""

    def __init__(self):
        self.folder = tempfile.mkdtemp()
        self.database = databases.Database()
        with open(os.path.join(harness.TEST_MODELS, "harbour.sql"), encoding="utf-8") as file:
            self.database.sql(file.read())
        self.database.sql("UPDATE country SET last_update = '2026-01-01 12:00'")
        os.symlink(harness.program(), os.path.join(self.folder, "quern"))

    def run(self, command):
        parameters = self.database.parameters
        environment = harness.clean_environment()
        environment.update(
            PATH=self.folder + os.pathsep + environment["PATH"], QUERN_DATABASE_URL=self.database.url,
            PGHOST=parameters.get("host", ""), PGUSER=parameters.get("user", ""), PGDATABASE=self.database.name,
            PGPORT=str(parameters.get("port", "5432")))
        done = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                              cwd=self.folder, env=environment)
        return done.stdout.decode("utf-8").rstrip("\n")

    def stop(self):
        self.database.drop()
        shutil.rmtree(self.folder)


class DatabaseGuides(unittest.TestCase):
    maxDiff = None

    def test_every_example_prints_what_the_guide_shows(self):
        tour = Tour()
        self.addCleanup(tour.stop)
        for name in GUIDES:
            for block in BLOCK.findall(read(name)):
                for command, shown in examples(block):
                    with self.subTest(command=command):
                        self.assertNotEqual(shown, "")
                        self.assertEqual(tour.run(command), shown)


def update():
    tour = Tour()

    def written(match):
        return "".join("$ %s\n%s\n" % (command, tour.run(command)) for command, _ in examples(match.group(1)))

    try:
        for name in GUIDES:
            text = BLOCK.sub(written, read(name))
            with open(os.path.join(DOCS, name), "w", encoding="utf-8") as file:
                file.write(text)
    finally:
        tour.stop()


if __name__ == "__main__":
    update() if sys.argv[1:] == ["--update"] else unittest.main()
