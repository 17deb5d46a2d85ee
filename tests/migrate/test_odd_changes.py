"""Changes of several things that lean on each other, and odd names: one file makes them, forward and back, and the
database is then what the models say.  Needs QUERN_BIN and QUERN_TEST_DATABASE_URL."""

import os
import unittest

import quern_side
from model_changes import fk
from test_django_migrations import Catalogs

INT = {"type": "IntegerField"}
WORD = {"type": "CharField", "max_length": 20}


def model(fields, **meta):
    return {"fields": fields, "Meta": meta} if meta else {"fields": fields}


def many(to, **options):
    return {"type": "ManyToManyField", "to": to, **options}


def computed(function, field):
    return {"type": "GeneratedField", "expression": {function: [field]}, "output_field": {"type": "TextField"},
            "db_persist": True}


class OddChangesTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.catalogs = Catalogs(os.environ["QUERN_TEST_DATABASE_URL"])
        self.addCleanup(self.catalogs.base.close)
        self.catalogs.make_schemas()
        self.project = quern_side.Project(self.catalogs.url)
        self.addCleanup(self.project.remove)

    def ask(self, sql):
        self.catalogs.ask("SET search_path = ours, public")
        return self.catalogs.ask(sql)

    def become(self, models, *arguments):
        self.project.say(models)
        self.project.run("makemigrations", *arguments)
        self.project.run("migrate")
        self.project.run("diff")
        self.assertIn("No changes.", self.project.run("makemigrations", "--check"))

    def change(self, before, after, *arguments, rows=""):
        """One file more, with rows there; back and forth again."""
        self.become(before)
        if rows:
            self.ask(rows)
        self.become(after, *arguments)
        self.project.run("migrate", "0001")
        self.project.run("migrate")
        self.project.run("diff")

    # ---- keys ----

    def test_an_id_gives_way_to_a_key_of_several_fields(self):
        self.change({"Seat": model({"row": INT, "number": INT})},
                    {"Seat": model({"row": INT, "number": INT}, primary_key=["row", "number"])},
                    rows="INSERT INTO seat (row, number) VALUES (1, 1), (1, 2)")
        self.assertEqual(self.ask("SELECT row, number FROM seat ORDER BY 2"), [(1, 1), (1, 2)])

    def test_a_key_of_several_fields_gives_way_to_one(self):
        self.change({"Seat": model({"row": INT, "number": INT}, primary_key=["row", "number"])},
                    {"Seat": model({"row": INT, "number": {**INT, "primary_key": True}})},
                    rows="INSERT INTO seat (row, number) VALUES (1, 1), (1, 2)")

    def test_a_key_of_several_fields_gives_way_to_an_id(self):
        self.change({"Seat": model({"row": INT, "number": INT}, primary_key=["row", "number"])},
                    {"Seat": model({"row": INT})})

    def test_a_new_field_is_the_key_instead_of_another(self):
        self.change({"Seat": model({"row": {**INT, "primary_key": True}})},
                    {"Seat": model({"row": INT, "code": {**WORD, "primary_key": True}})}, "--default", "Seat.code=A",
                    rows="INSERT INTO seat (row) VALUES (7)")

    def test_a_key_that_is_referred_to_is_exchanged(self):
        before = {"Seat": model({"code": WORD}), "Ticket": model({"seat": fk("Seat")})}
        after = {"Seat": model({"code": {**WORD, "primary_key": True}}), "Ticket": model({"seat": fk("Seat")})}
        self.change(before, after, rows="INSERT INTO seat (code) VALUES ('1'); INSERT INTO ticket (seat_id) VALUES (1)")
        self.assertEqual(self.ask("SELECT seat_id FROM ticket"), [("1",)])

    # ---- what is referred to goes ----

    def test_the_model_of_links_gives_way_to_another(self):
        author, link = model({"name": WORD}), model({"author": fk("Author"), "book": fk("Book")})
        self.change({"Author": author, "Book": model({"authors": many("Author", through="First")}), "First": link},
                    {"Author": author, "Book": model({"authors": many("Author", through="Second")}), "Second": link},
                    "--no-renames")

    def test_a_many_to_many_leaves_a_model_that_goes(self):
        self.change({"Author": model({"name": WORD}), "Writer": model({"handle": WORD}),
                     "Book": model({"authors": many("Author")})},
                    {"Writer": model({"handle": WORD}), "Book": model({"authors": many("Writer")})})

    def test_a_field_is_unique_as_long_as_it_is_referred_to(self):
        before = {"Author": model({"name": {**WORD, "unique": True}}),
                  "Book": model({"author": fk("Author", to_field="name")})}
        after = {"Author": model({"name": WORD}), "Book": model({"author": fk("Author")})}
        self.change(before, after)

    def test_a_field_that_is_referred_to_is_made_first(self):
        before = {"Book": model({"writer": fk("Writer", null=True)}), "Writer": model({"name": WORD})}
        after = {"Book": model({"writer": fk("Writer", null=True, to_field="handle")}),
                 "Writer": model({"name": WORD, "handle": {**WORD, "unique": True, "null": True}})}
        self.change(before, after)
        after["Book"] = model({"writer": fk("Writer", null=True, to_field="name")})
        after["Writer"] = model({"name": {**WORD, "unique": True}})
        self.become(after)

    def test_a_new_model_on_the_table_of_one_that_is_gone_is_refused_with_advice(self):
        self.become({"Seat": model({"row": INT}, db_table="seats")})
        self.project.say({"Chair": model({"row": INT, "number": {**INT, "null": True}}, db_table="seats")})
        told = self.project.run("makemigrations", code=1)
        self.assertIn("Chair is new and has the table of Seat, which is gone", told)
        self.assertEqual(self.project.files(), ["0001_initial"])
        self.project.say({"Chair": model({"row": INT}, db_table="seats")})
        self.assertIn("--rename Seat=Chair", self.project.run("makemigrations", code=1))
        self.become({"Chair": model({"row": INT}, db_table="seats")}, "--rename", "Seat=Chair")

    def test_uniquenesses_that_say_the_same_are_all_made(self):
        named = [{"type": "UniqueConstraint", "name": name, "fields": fields}
                 for name, fields in (("one", ["code"]), ("two", ["code"]), ("pair", ["code", "row"]), ("key", ["id"]))]
        self.become({"Seat": model({"code": {**WORD, "unique": True}, "row": INT}, constraints=named,
                                   unique_together=[["code", "row"]])})
        made = "SELECT count(*) FROM pg_constraint WHERE conrelid = 'seat'::regclass AND contype = 'u'"
        self.assertEqual(self.ask(made), [(6,)])
        self.become({"Seat": model({"code": {**WORD, "unique": True}, "row": INT}, constraints=named[:1])})
        self.assertEqual(self.ask(made), [(2,)])

    def test_a_uniqueness_that_is_said_twice_is_one(self):
        self.become({"Seat": model({"row": INT, "number": INT},
                                   unique_together=[["row", "number"], ["row", "number"], ["number", "row"]])})
        self.assertEqual(self.ask("SELECT count(*) FROM pg_constraint WHERE conrelid = 'seat'::regclass AND "
                                  "contype = 'u'"), [(2,)])
        self.become({"Seat": model({"row": INT, "number": INT}, unique_together=[["number", "row"]])})

    # ---- columns that are computed ----

    def test_a_type_changes_below_a_computed_column(self):
        self.change({"Seat": model({"code": WORD, "low": computed("Lower", "code")})},
                    {"Seat": model({"code": {**WORD, "max_length": 40}, "low": computed("Lower", "code")})},
                    rows="INSERT INTO seat (code) VALUES ('aB')")
        self.assertEqual(self.ask("SELECT low FROM seat"), [("ab",)])

    def test_a_column_below_a_computed_one_is_renamed(self):
        self.change({"Seat": model({"code": WORD, "low": computed("Lower", "code")})},
                    {"Seat": model({"name": WORD, "low": computed("Lower", "name")})}, "--rename", "Seat.code=name",
                    rows="INSERT INTO seat (code) VALUES ('aB')")
        self.assertEqual(self.ask("SELECT low FROM seat"), [("ab",)])

    def test_a_column_below_a_computed_one_goes(self):
        self.change({"Seat": model({"code": WORD, "name": WORD, "low": computed("Lower", "code")})},
                    {"Seat": model({"name": WORD, "low": computed("Lower", "name")})})

    def test_a_computed_column_and_what_it_is_computed_from_are_new(self):
        self.change({"Seat": model({"row": INT})},
                    {"Seat": model({"row": INT, "code": {**WORD, "default": "Q"}, "a_low": computed("Lower", "code")})},
                    rows="INSERT INTO seat (row) VALUES (1)")
        self.assertEqual(self.ask("SELECT a_low FROM seat"), [("q",)])

    # ---- names ----

    def test_long_names_are_not_cut_inside_a_character(self):
        for table in ("T" + "é" * 30, "Tx" + "é" * 30, "日本" * 10, "T" + "日本" * 10):
            with self.subTest(table):
                self.setUp()
                fields = {"name": {**WORD, "unique": True}, "above": fk("Self", null=True, related_name="below"),
                          "friends": many("Self")}
                more = {"more": {**WORD, "default": "", "unique": True, "db_column": "ü" * 20},
                        "size": {"type": "PositiveIntegerField", "default": 1, "db_column": "Uü" * 18}}
                indexes = [{"fields": ["above"]}]
                self.change({"Self": model(fields, db_table=table, indexes=indexes)},
                            {"Self": model({**fields, **more}, db_table=table, indexes=indexes)})


if __name__ == "__main__":
    unittest.main()
