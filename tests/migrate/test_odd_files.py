"""Migration files of unusual kinds: many that were merged, names that are no file names, squashed ones on their way back.
Needs QUERN_BIN and QUERN_TEST_DATABASE_URL."""

import os
import unittest

import quern_side
from test_django_migrations import Catalogs

INT = {"type": "IntegerField"}


def seat(*numbers, **meta):
    fields = {"row": INT, **{"extra%d" % number: {**INT, "null": True} for number in numbers}}
    return {"Seat": {"fields": fields, "Meta": meta}}


class OddFilesTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.catalogs = Catalogs(os.environ["QUERN_TEST_DATABASE_URL"])
        self.addCleanup(self.catalogs.base.close)
        self.catalogs.make_schemas()
        self.project = quern_side.Project(self.catalogs.url)
        self.addCleanup(self.project.remove)
        self.run_quern = self.project.run

    def make(self, models, *arguments, **options):
        self.project.say(models)
        return self.run_quern("makemigrations", *arguments, **options)

    def test_many_merges_are_walked_once_each(self):
        self.make(seat())
        before = "0001_initial"
        for number in range(60):
            left, right, merge = ("1%02d_%s" % (number, side) for side in ("left", "right", "merge"))
            self.project.write(left, [], [before])
            self.project.write(right, [], [before])
            self.project.write(merge, [], [left, right])
            before = merge
        self.run_quern("migrate", before)
        self.assertNotIn("[ ]", self.run_quern("showmigrations"))
        self.run_quern("migrate", "0001")
        self.assertEqual(self.run_quern("showmigrations").count("[X]"), 1)

    def test_a_file_is_not_named_by_the_letters_of_an_index(self):
        self.make(seat())
        self.make(seat(indexes=[{"name": "by row/../seat é", "fields": ["row"]}]))
        self.assertEqual(self.project.files()[1:], ["0002_seat_by_row____seat___"])
        self.run_quern("migrate")
        self.run_quern("diff")

    def test_a_name_that_is_no_part_of_a_file_name_is_refused(self):
        self.make(seat())
        for name in ("../seat", "a/b", "", "a b", "a\nb", "a" * 151):
            with self.subTest(name):
                self.assertIn("--name: expected", self.make(seat(), "--empty", "--name", name, code=1))
                self.assertIn("--name: expected", self.run_quern("squashmigrations", "0001", "--name", name, code=1))
        self.assertEqual(self.project.files(), ["0001_initial"])

    def test_no_file_replaces_itself(self):
        self.make(seat())
        self.project.write("0002_more", [], replaces=["0002_more"])
        self.assertIn("0002_more.json:1:", self.run_quern("migrate", code=1))

    def squash(self):
        for numbers in ((), (1,), (1, 2)):
            self.make(seat(*numbers))
        self.run_quern("migrate")
        self.run_quern("squashmigrations", "0003")
        self.run_quern("migrate")

    def test_what_a_squashed_file_replaces_goes_back_with_it(self):
        self.squash()
        self.run_quern("migrate", "zero")
        self.assertNotIn("[X]", self.run_quern("showmigrations"))
        self.run_quern("migrate")
        self.run_quern("diff")

    def test_what_a_squashed_file_replaces_is_applied_with_it(self):
        self.squash()
        self.run_quern("migrate", "zero")
        self.run_quern("migrate")
        os.remove(self.project.path("0001_squashed_0003_seat_extra2"))
        self.assertNotIn("[ ]", self.run_quern("showmigrations"))
        self.assertIn("Nothing to do", self.run_quern("migrate"))

    def test_sql_of_a_way_back_that_is_not_there_is_refused(self):
        self.make(seat())
        self.project.write("0002_sql", [{"RunSQL": {"sql": "SELECT 1"}}])
        self.assertIn("cannot be undone", self.run_quern("sqlmigrate", "0002", "--backwards", code=1))


if __name__ == "__main__":
    unittest.main()
