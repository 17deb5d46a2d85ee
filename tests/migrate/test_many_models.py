"""Projects of many models: what a migration costs grows with the models, not with their square.  Needs QUERN_BIN and
QUERN_TEST_DATABASE_URL."""

import os
import subprocess
import unittest

import quern_side
from model_changes import CHAR, field, fk, model
from test_django_migrations import Catalogs

MODELS = 150
MOST_KIB = 80 * 1024


def models():
    fields = {"f%d" % number: CHAR for number in range(10)}
    return {"M%d" % number: model(parent=fk("M%d" % (number // 2), null=True), **fields) for number in range(MODELS)}


class ManyModelsTest(unittest.TestCase):
    def setUp(self):
        self.catalogs = Catalogs(os.environ["QUERN_TEST_DATABASE_URL"])
        self.addCleanup(self.catalogs.base.close)
        self.catalogs.make_schemas()
        self.project = quern_side.Project(self.catalogs.url)
        self.addCleanup(self.project.remove)

    def check_memory(self, *arguments):
        """Runs a command; it takes no more than its share."""
        process = subprocess.Popen(self.project.command(*arguments), env=self.project.environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        self.assertTrue(self.is_sanitized() or usage.ru_maxrss < MOST_KIB, (arguments, usage.ru_maxrss))

    def is_sanitized(self):
        with open(os.environ["QUERN_BIN"], "rb") as program:
            return b"__asan_init" in program.read()

    def test_memory_does_not_grow_with_the_square_of_the_models(self):
        self.project.say(models())
        self.check_memory("makemigrations")
        self.check_memory("migrate")
        changed = models()
        for number in range(MODELS):
            changed["M%d" % number]["fields"]["f0"] = field("CharField", max_length=50)
        self.project.say(changed)
        self.check_memory("makemigrations")
        self.check_memory("migrate")
        self.check_memory("migrate", "0001")
        self.check_memory("sqlmigrate", "0001", "--backwards")
        found = self.catalogs.ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'ours' AND tablename LIKE 'm%'")
        self.assertEqual(found, [(MODELS,)])


if __name__ == "__main__":
    unittest.main()
