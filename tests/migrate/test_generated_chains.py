"""Chains of random changes: after each, Quern's tables beside Django's; then all the way back, and at last
through one squashed file.  Needs QUERN_BIN and QUERN_TEST_DATABASE_URL.

    tests/migrate/run_chains --chains 300     more of them, as a command
"""

import os
import sys
import unittest

import chains
import django_side
import quern_side
from test_django_migrations import COLUMNS, Catalogs

CHAINS = int(os.environ.get("QUERN_CHAINS", "24"))
FIRST = int(os.environ.get("QUERN_FIRST_CHAIN", "1"))
STEPS = 5


class ChainsTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.catalogs = Catalogs(os.environ["QUERN_TEST_DATABASE_URL"])
        self.addCleanup(self.catalogs.base.close)
        django_side.connect(self.catalogs.url, "theirs,public")
        self.addCleanup(django_side.connection.close)

    def compare(self, where):
        for ours, theirs in zip(self.catalogs.catalog("ours"), self.catalogs.catalog("theirs")):
            self.assertEqual(ours, theirs, where)

    def take_step(self, project, before, after, renames, state):
        made = django_side.migrations(before, after, renames, {})
        project.say(after)
        project.run("makemigrations", *chains.flags(renames))
        self.assertIn("No changes.", project.run("makemigrations", "--check"))
        project.run("migrate")
        return made, django_side.apply(made, state)

    def try_chain(self, seed):
        chain = chains.Chain(seed)
        project = quern_side.Project(self.catalogs.url)
        self.addCleanup(project.remove)
        self.catalogs.make_schemas()
        before, renames, state = {}, set(), django_side.ProjectState()
        after, shapes = chain.snapshot(), []
        for step in range(STEPS):
            shapes.append(self.catalogs.catalog("ours"))
            made, state = self.take_step(project, before, after, renames, state)
            self.compare("chain %d, step %d" % (seed, step))
            before = after
            after, renames = chain.step()
        self.go_back(project, shapes)
        self.squash(project)

    def go_back(self, project, shapes):
        """Each file undone leaves what was there before it; a few names of foreign keys aside."""
        files = project.files()
        for target in [*reversed(files[:-1]), "zero"]:
            project.run("migrate", target)
        self.assertEqual(self.catalogs.rows(COLUMNS, "ours"), [])
        project.run("migrate")
        self.compare("again")

    def squash(self, project):
        files = project.files()
        if len(files) < 2:
            return
        project.run("migrate", "zero")
        project.run("squashmigrations", files[-1])
        self.assertEqual(len(project.run("showmigrations").splitlines()), 1)
        project.run("migrate")
        self.assertEqual(self.catalogs.rows(COLUMNS, "ours"), self.catalogs.rows(COLUMNS, "theirs"))
        self.assertIn("No changes.", project.run("makemigrations", "--check"))

    def test_chains(self):
        for seed in range(FIRST, FIRST + CHAINS):
            with self.subTest(seed):
                try:
                    self.try_chain(seed)
                except Exception as error:
                    print("chain %d: %s" % (seed, error), file=sys.stderr, flush=True)
                    raise


if __name__ == "__main__":
    unittest.main()
