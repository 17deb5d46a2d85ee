"""dumpdata, loaddata and flush, beside Django's own commands on the same data."""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import databases
import django_project
import harness

FILL = """
from django.contrib.auth.models import Group, User
from psycopg2.extras import DateRange, NumericRange
from shop.models import *
import datetime, decimal
user = User.objects.create_user("ann", "ann@example.com", "secret")
user.groups.add(Group.objects.create(name="editors"))
authors = [Author.objects.create(handle="author-%d" % n, full_name='N\\u00f6 "%d" \\\\' % n) for n in range(5)]
authors[0].account = user; authors[0].born = datetime.date(1950, 2, 3); authors[0].save()
authors[0].friends.add(authors[1], authors[2]); authors[3].heroes.add(authors[0])
a = Genre.objects.create(code="a"); b = Genre.objects.create(code="b", parent=a); c = Genre.objects.create(code="0", parent=b)
for n in range(12):
    book = Book.objects.create(title="book %d\\n\\ttab" % n, author=authors[n % 5], editor=authors[1] if n % 2 else None,
        kind="s" if n == 1 else "p", size=n % 3 + 1 if n % 4 else None, price=decimal.Decimal("%d.10" % n), isbn="978%d" % n if n % 2 else None,
        weight=n / 3, extra={"n": n, "list": [None, "x", 1.5]}, tags=["t,%d" % n, 'q"'], ratings=[decimal.Decimal("1.50"), None] if n % 2 else None,
        pages=NumericRange(1, n + 10), on_sale=DateRange(datetime.date(2020, 1, 1), None) if n % 3 else None,
        duration=[None, datetime.timedelta(days=-1, seconds=5), datetime.timedelta(hours=30, microseconds=7)][n % 3],
        checksum=b"\\x00\\xff" if n % 2 else None, home="10.0.0.%d" % n, starts=datetime.time(1, 2, 3), blurb="\\u2603" * n)
    book.genres.set([a, c] if n % 2 else [b])
    Review.objects.create(book=book, by=authors[0], invited_by=authors[4], stars=n)
Loan.objects.create(copy=1, during=DateRange(datetime.date(2020, 1, 1), datetime.date(2020, 2, 1)))
"""


def settled(fixture):
    """A fixture so that two can be compared: texts that hold JSON are read, moments in one form, lists of a
    many-to-many relation (which has no order) sorted."""
    found = {}
    for entry in fixture if isinstance(fixture, list) else json.loads(fixture):
        fields = {name: settled_value(name, value) for name, value in entry["fields"].items()}
        found[entry["model"], str(entry.get("pk"))] = fields
    return found


def settled_value(name, value):
    if name in ("genres", "friends", "heroes", "groups", "user_permissions", "permissions"):
        return sorted(value, key=str)
    if name in ("pages", "on_sale", "during", "tags", "ratings") and isinstance(value, str):
        return json.loads(value)
    # Django's own JSON has thousandths of a second alone.
    if name in ("created", "changed", "due", "date_joined") and isinstance(value, str):
        return value[:19]
    if name == "duration" and isinstance(value, str):
        return value[:-7] if value.endswith(".000000") else value
    return value


class BesideDjango(unittest.TestCase):
    maxDiff = 5000

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.models = os.path.join(cls.folder, "shop.json")
        done = django_project.import_models(cls.models)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        cls.django = databases.Database()
        cls.addClassCleanup(cls.django.drop)
        django_project.make_tables(cls.django)
        django_project.manage(cls.django, "shell", data=FILL.encode())
        cls.fixture = django_project.manage(cls.django, "dumpdata", "shop", "auth.User", "auth.Group")

    def new_database(self):
        made = databases.Database()
        self.addCleanup(made.drop)
        done = made.run("migrate", "--models", self.models)
        self.assertEqual(done.returncode, 0, done.complaint)
        return made

    def load(self, database, text, *arguments):
        done = database.run("loaddata", "--models", self.models, *arguments, "-", data=text.encode())
        self.assertEqual(done.returncode, 0, done.complaint)
        return done

    def dump(self, database, *arguments):
        done = database.run("dumpdata", "--models", self.models, *arguments)
        self.assertEqual(done.returncode, 0, done.complaint)
        return done.text

    def test_what_django_dumps_is_loaded_and_dumped_alike(self):
        ours = self.new_database()
        done = self.load(ours, self.fixture)
        self.assertIn("Loaded %d objects" % len(json.loads(self.fixture)), done.text)
        expected = {(model.split(".")[1], pk): fields for (model, pk), fields in settled(self.fixture).items()}
        found = settled(self.dump(ours))
        found = {key: fields for key, fields in found.items() if key[0] not in ("permission", "contenttype")}
        for fields in found.values():
            fields.pop("_order", None)
        for fields in expected.values():
            fields.pop("_order", None)
        self.same(found, expected)

    def same(self, found, expected):
        self.assertEqual(sorted(found), sorted(expected))
        for key in expected:
            self.assertEqual(found[key], expected[key], key)

    def test_what_is_dumped_here_django_loads(self):
        theirs = databases.Database()
        self.addCleanup(theirs.drop)
        django_project.make_tables(theirs)
        ours = self.new_database()
        self.load(ours, self.fixture)
        for words in (["--app", "shop", "author", "genre", "book", "review", "loan"],):
            text = self.dump(ours, *words)
            path = os.path.join(self.folder, "ours.json")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            users = os.path.join(self.folder, "users.json")
            with open(users, "w", encoding="utf-8") as file:
                file.write(self.dump(ours, "--app", "auth", "user", "group"))
            django_project.manage(theirs, "loaddata", users, path)
        again = django_project.manage(theirs, "dumpdata", "shop", "auth.User", "auth.Group")
        self.same(settled(again), settled(self.fixture))
        # Their next row gets a key of its own.
        django_project.manage(theirs, "shell", data=b"from shop.models import *; Author.objects.create(handle='new')")

    def test_natural_keys_of_django_are_found(self):
        text = django_project.manage(self.django, "dumpdata", "shop.Author", "shop.Genre", "shop.Book", "auth.User",
                                     "auth.Group", "--natural-foreign", "--natural-primary", "-e", "auth.Permission")
        ours = self.new_database()
        ours.sql("INSERT INTO shop_author (handle, full_name, created, changed) VALUES ('other', 'o', now(), now())")
        self.load(ours, text)
        self.assertEqual(ours.sql("SELECT count(*), min(id) FROM shop_author"), [(6, 1)])
        self.assertEqual(ours.sql("""SELECT b."book title" FROM shop_book b JOIN shop_author a ON a.id = b.author_id
                                     WHERE a.handle = 'author-0' AND b."book title" LIKE 'book 5%%'"""),
                         [("book 5\n\ttab",)])
        self.assertEqual(ours.sql("SELECT count(*) FROM shop_author_friends"), [(4,)])
        # Once more changes nothing: the same rows are found.
        self.load(ours, text)
        self.assertEqual(ours.sql("SELECT count(*) FROM shop_author"), [(6,)])
        self.assertEqual(ours.sql("SELECT count(*) FROM shop_author_friends"), [(4,)])

    def test_natural_keys_of_ours_move_rows_between_databases(self):
        first, second = self.new_database(), self.new_database()
        self.load(first, self.fixture)
        second.sql("INSERT INTO shop_author (id, handle, full_name, created, changed) "
                   "VALUES (900, 'author-3', 'x', now(), now())")
        text = self.dump(first, "--natural-foreign", "--natural-primary", "author", "genre", "book", "review", "user",
                         "group", "--format", "ndjson")
        lines = [json.loads(line) for line in text.splitlines()]
        books = [line for line in lines if line["model"] == "book"]
        self.assertNotIn("pk", books[0])
        self.assertRegex(books[0]["fields"]["author"][0], "^author-")
        self.load(second, text)
        question = """SELECT b."book title", a.handle, e.handle, r.handle FROM shop_book b
                      JOIN shop_author a ON a.id = b.author_id LEFT JOIN shop_author e ON e.handle = b.editor_id
                      JOIN shop_opinions o ON o.book_id = b.id JOIN shop_author r ON r.id = o.by_id ORDER BY 1"""
        self.assertEqual(second.sql(question), first.sql(question))
        self.assertEqual(second.sql("SELECT id, full_name FROM shop_author WHERE handle = 'author-3'"),
                         [(900, 'N\u00f6 "3" \\')])

    def test_objects_in_any_order_are_loaded(self):
        ours = self.new_database()
        backwards = list(reversed(json.loads(self.fixture)))
        self.load(ours, json.dumps(backwards))
        self.assertEqual(ours.sql("SELECT count(*) FROM shop_book"), [(12,)])
        natural = json.loads(django_project.manage(self.django, "dumpdata", "shop.Author", "shop.Book", "shop.Genre",
                                                   "auth.User", "auth.Group", "--natural-foreign", "-e",
                                                   "auth.Permission"))
        other = self.new_database()
        self.load(other, json.dumps(list(reversed(natural))))
        self.assertEqual(other.sql("SELECT count(*) FROM shop_book JOIN shop_author a ON a.id = author_id"), [(12,)])


class EveryModel(unittest.TestCase):
    """Rows of every model file of the tests: out, away, and back."""

    def test_rows_come_back_as_they_were(self):
        path = harness.model_file("every_type")
        with databases.database() as db:
            self.assertEqual(db.run("migrate", "--models", path).returncode, 0)
            db.sql("""INSERT INTO sample (big, "real", money, exact_number, flag, short, address, uuid, day, moment, clock,
                      span, bytes, document, numbers, words, days, integers, decimals, moments, dates) VALUES
                      (9007199254740993, 'NaN', -12.30, 123456789012345678901234.5, true, 'it''s "x" \\ é', '10.0.0.1/8',
                      'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2026-01-02', '2026-01-02 03:04:05.678901+00',
                      '01:02:03.5', '-1 day -02:00', '\\x0001fe', '{"a": [1, null, "x"]}', '{1,NULL,3}',
                      '{"a","b,\\"c",NULL,""}', '{2026-01-01}', '[1,5)', '[1.5,)', '[2026-01-01 00:00+00,2026-02-01 00:00+00)',
                      'empty'), (NULL, 'Infinity', NULL, NULL, NULL, NULL, '::1', NULL, 'infinity', 'infinity', NULL,
                      '1 year 2 mons', NULL, '"text"', '{}', NULL, NULL, NULL, NULL, '(,)', '(,2026-01-01]')""")
            db.sql("INSERT INTO sample DEFAULT VALUES")
            before = db.sql("SELECT s::text FROM sample s ORDER BY id")
            for arguments in ([], ["--indent", "3"], ["--format", "ndjson"]):
                text = db.run("dumpdata", "--models", path, *arguments).stdout
                self.assertEqual(db.run("flush", "--models", path, "--no-input").returncode, 0)
                self.assertEqual(db.sql("SELECT count(*) FROM sample"), [(0,)])
                done = db.run("loaddata", "--models", path, "-", data=text)
                self.assertEqual(done.returncode, 0, done.complaint)
                self.assertEqual(db.sql("SELECT s::text FROM sample s ORDER BY id"), before)
            self.assertEqual(db.sql("INSERT INTO sample DEFAULT VALUES RETURNING id"), [(4,)])

    def test_every_model_file_can_be_dumped_and_flushed(self):
        for path in sorted(glob.glob(os.path.join(harness.TEST_MODELS, "*.json"))):
            with self.subTest(path=path), databases.database() as db:
                self.assertEqual(db.run("migrate", "--models", path).returncode, 0)
                for arguments in ([], ["--natural-foreign", "--natural-primary"]):
                    done = db.run("dumpdata", "--models", path, *arguments)
                    self.assertEqual((done.returncode, done.text), (0, "[]\n"), done.complaint)
                self.assertEqual(db.run("flush", "--models", path, "--no-input").returncode, 0)

    def test_composite_keys_come_back(self):
        path = harness.model_file("composite")
        with databases.database() as db:
            db.run("migrate", "--models", path)
            db.sql("INSERT INTO hall (name) VALUES ('h')")
            db.sql("INSERT INTO seat (hall_id, line, number, code, note) VALUES (1, 'a', 1, 'a1', ''), (1, 'a', 2, 'a2', 'n')")
            db.sql("INSERT INTO ticket (seat_id, price) VALUES ('a2', 3)")
            text = db.run("dumpdata", "--models", path).stdout
            self.assertIn(b'"pk": ["a", 1]', text)
            before = db.sql("SELECT * FROM seat ORDER BY 1, 2, 3")
            db.run("flush", "--models", path, "--no-input")
            self.assertEqual(db.run("loaddata", "--models", path, "-", data=text).returncode, 0)
            self.assertEqual(db.sql("SELECT * FROM seat ORDER BY 1, 2, 3"), before)


class OddRows(unittest.TestCase):
    CODE = {"type": "CharField", "max_length": 20, "unique": True}
    MODELS = {"Part": {"fields": {"code": CODE, "above": {"type": "ForeignKey", "to": "Part", "on_delete": "CASCADE",
                                                          "null": True}}},
              "Bin": {"fields": {"code": CODE, "part": {"type": "ForeignKey", "to": "Part", "on_delete": "CASCADE",
                                                        "to_field": "code"}}},
              "Bare": {"fields": {}}}

    def setUp(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
            json.dump({"models": self.MODELS}, file)
        self.path = file.name
        self.addCleanup(os.remove, self.path)
        self.db = databases.Database()
        self.addCleanup(self.db.drop)
        self.run_quern("migrate")

    def run_quern(self, command, *arguments, **options):
        done = self.db.run(command, "--models", self.path, *arguments, **options)
        self.assertEqual(done.returncode, 0, done.complaint)
        return done.stdout

    def test_rows_that_name_each_other_by_natural_keys_come_back(self):
        self.db.sql("INSERT INTO part VALUES (1, 'a', NULL), (2, 'b', 3), (3, 'c', 1), (4, 'd', 4); "
                    "UPDATE part SET above_id = 2 WHERE id = 1; INSERT INTO bin VALUES (1, 'x', 'a'), (2, 'y', 'd')")
        names = "SELECT p.code, a.code FROM part p JOIN part a ON a.id = p.above_id ORDER BY 1"
        before = self.db.sql(names)
        for arguments in (["--natural-foreign"], ["--natural-foreign", "--natural-primary"]):
            text = self.run_quern("dumpdata", *arguments)
            self.run_quern("flush", "--no-input")
            self.assertIn(b"Loaded 6 objects", self.run_quern("loaddata", "-", data=text))
            self.assertEqual(self.db.sql(names), before)
        self.assertEqual(self.db.sql("SELECT code, part_id FROM bin ORDER BY 1"), [("x", "a"), ("y", "d")])

    def test_a_circle_with_a_gap_is_told_and_nothing_is_loaded(self):
        rows = [{"model": "part", "pk": 1, "fields": {"code": "a", "above": ["b"]}},
                {"model": "part", "pk": 2, "fields": {"code": "b", "above": ["lost"]}}]
        done = self.db.run("loaddata", "--models", self.path, "-", data=json.dumps(rows).encode())
        self.assertEqual(done.returncode, 1)
        self.assertIn("Object 2 (part 2): Part: it refers by a natural key to a row that is not there", done.complaint)
        self.assertEqual(self.db.sql("SELECT count(*) FROM part"), [(0,)])

    def test_objects_that_say_nothing_are_rows(self):
        self.run_quern("loaddata", "-", data=b'[{"model": "bare", "fields": {}}, {"model": "bare"}]')
        self.assertEqual(self.db.sql("SELECT id FROM bare ORDER BY 1"), [(1,), (2,)])

    def test_what_is_excluded_is_not_dumped_though_it_is_named(self):
        self.db.sql("INSERT INTO bare DEFAULT VALUES; INSERT INTO part VALUES (1, 'a', NULL)")
        dumped = json.loads(self.run_quern("dumpdata", "bare", "part", "--exclude", "part"))
        self.assertEqual([row["model"] for row in dumped], ["bare"])


class Mistakes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.path = harness.model_file("news")
        cls.db = databases.Database()
        cls.addClassCleanup(cls.db.drop)
        cls.db.run("migrate", "--models", cls.path)

    def refused(self, text, *words, arguments=()):
        done = self.db.run("loaddata", "--models", self.path, *arguments, "-", data=text.encode())
        self.assertEqual(done.returncode, 1, done.text)
        for word in words:
            self.assertIn(word, done.complaint)
        self.assertIn("Nothing was loaded.", done.complaint)
        self.assertEqual(self.db.sql("SELECT count(*) FROM author"), [(0,)])

    def test_a_mistake_is_told_with_its_place_and_nothing_is_loaded(self):
        good = '{"model": "news.author", "pk": 1, "fields": {"handle": "ann"}}\n'
        self.refused(good + '{"model": "author", "pk": 2, "fields": {"handel": "x"}}', "standard input:2",
                     "Object 2 (author 2)", 'There is no field "handel"; did you mean "handle"?')
        self.refused(good + '{"model": "autor", "pk": 2, "fields": {}}', 'There is no model "autor"')
        self.refused(good + '{"model": "author", "pk": "x", "fields": {}}', "Object 2")
        self.refused(good + '{"model": "author", "pk": 2', "ends within an object")
        self.refused(good + "nonsense", "standard input:2: expected an object")
        self.refused(good + '{"model": "vote", "pk": 1, "fields": {"author": 1, "article": 7}}', "article")
        self.refused(good + '{"model": "vote", "pk": 1, "fields": {"author": ["bob"], "article": 7}}',
                     "refers by a natural key to a row that is not there")
        self.refused(good + '{"model": "author", "pk": 2, "fields": {"handle": "' + "x" * 200 + '"}}', "too long")

    def test_a_file_that_was_cut_off_is_not_loaded(self):
        good = '{"model": "author", "pk": 1, "fields": {"handle": "ann"}}'
        for text in ("[" + good, "[" + good + ",", "[", "\ufeff[\n" + good + "\n"):
            self.refused(text, "the file ends within its array: it is not whole")
        self.refused("[%s %s]" % (good, good), "expected a comma or the array's end")
        self.refused("[%s], %s" % (good, good), "expected nothing behind the array's end")
        for text in ("[%s,]" % good, "[,%s]" % good, "%s,\n%s" % (good, good), "%s]" % good, good + "\ufeff"):
            self.refused(text, "expected an object")
        for text in ("\ufeff[" + good + "]", "\ufeff\n" + good, " [ ] ", "", good + "\n\n" + good):
            done = self.db.run("loaddata", "--models", self.path, "-", data=text.encode())
            self.assertEqual(done.returncode, 0, done.complaint)
        self.db.run("flush", "--models", self.path, "--no-input")

    def test_output_to_a_pipe_or_through_a_link(self):
        with tempfile.TemporaryDirectory() as folder:
            pipe, file, link = (os.path.join(folder, name) for name in ("pipe", "file", "link"))
            os.mkfifo(pipe)
            os.symlink(file, link)
            with open(file, "w", encoding="ascii") as old:
                old.write("old")
            reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
            self.addCleanup(os.close, reader)
            for path in (pipe, link):
                done = self.db.run("dumpdata", "--models", self.path, "--output", path)
                self.assertEqual(done.returncode, 0, done.complaint)
            self.assertEqual(os.read(reader, 100), b"[]\n")
            self.assertTrue(os.path.islink(link))
            with open(file, encoding="ascii") as new:
                self.assertEqual(new.read(), "[]\n")
            self.assertEqual(sorted(os.listdir(folder)), ["file", "link", "pipe"])

    def test_what_is_unknown_can_be_passed_over(self):
        done = self.db.run("loaddata", "--models", self.path, "--ignore-nonexistent", "-", data=(
            b'[{"model": "shop.gone", "pk": 1, "fields": {"a": 1}}, {"model": "author", "pk": 1, "fields": '
            b'{"handle": "ann", "gone": 3}}]'))
        self.assertEqual((done.returncode, done.text), (0, "Loaded 1 object from 1 file.\n"), done.complaint)
        self.db.run("flush", "--models", self.path, "--no-input")

    def test_flush_asks(self):
        done = self.db.run("flush", "--models", self.path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("--no-input", done.complaint)

    def test_an_unknown_model_or_format_is_told(self):
        done = self.db.run("dumpdata", "--models", self.path, "autor")
        self.assertEqual(done.returncode, 2)
        self.assertIn("did you mean author?", done.complaint)
        self.assertEqual(self.db.run("dumpdata", "--models", self.path, "--format", "xml").returncode, 2)


class Memory(unittest.TestCase):
    def most_memory(self, database, arguments, stdin=None, stdout=None):
        """KiB at the most, of the program while it ran."""
        environment = harness.clean_environment()
        environment["QUERN_DATABASE_URL"] = database.url
        process = subprocess.Popen([harness.program()] + arguments, env=environment, stdin=stdin, stdout=stdout)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.WEXITSTATUS(status)
        self.assertEqual(process.returncode, 0)
        return usage.ru_maxrss

    def test_wide_rows_are_not_in_memory_together(self):
        path = harness.model_file("news")
        with databases.database() as db:
            db.run("migrate", "--models", path)
            used = []
            for rows in (1, 80):
                db.sql("TRUNCATE article CASCADE")
                db.sql("INSERT INTO article (title, body, published) SELECT 'wide', repeat(md5(n::text), 65536), true "
                       "FROM generate_series(1, %s) n", (rows,))
                used.append(self.most_memory(db, ["dumpdata", "--models", path, "article"], stdout=subprocess.DEVNULL))
            self.assertTrue(harness.is_sanitized() or used[1] < used[0] + 16384, used)

    def test_a_long_chain_of_natural_keys_in_either_order(self):
        models = {"models": {"Version": {"fields": {
            "code": {"type": "CharField", "max_length": 20, "unique": True},
            "before": {"type": "ForeignKey", "to": "self", "on_delete": "CASCADE", "null": True}}}}}
        chain = [{"model": "version", "fields": {"code": "v%d" % n, "before": ["v%d" % (n - 1)] if n else None}}
                 for n in range(1000)]
        with databases.database() as db, tempfile.TemporaryDirectory() as folder:
            path, rows = os.path.join(folder, "models.json"), os.path.join(folder, "rows.ndjson")
            with open(path, "w", encoding="ascii") as file:
                json.dump(models, file)
            db.run("migrate", "--models", path)
            used = []
            for order in (chain, chain[::-1]):
                db.sql("TRUNCATE version CASCADE")
                with open(rows, "w", encoding="ascii") as file:
                    file.writelines(json.dumps(row) + "\n" for row in order)
                used.append(self.most_memory(db, ["loaddata", "--models", path, rows], stdout=subprocess.DEVNULL))
                self.assertEqual(db.sql("SELECT count(*) FROM version v JOIN version b ON b.id = v.before_id "
                                        "WHERE v.code = 'v' || substr(b.code, 2)::int + 1"), [(999,)])
            self.assertTrue(harness.is_sanitized() or max(used) < min(used) + 8192, used)

    def test_memory_does_not_grow_with_the_rows(self):
        path = harness.model_file("news")
        with databases.database() as db, databases.database() as other, tempfile.TemporaryDirectory() as folder:
            for database in (db, other):
                database.run("migrate", "--models", path)
            used = []
            for rows in (2000, 100000):
                db.sql("TRUNCATE article CASCADE")
                db.sql("INSERT INTO article (title, body, published) SELECT 'title ' || n, repeat('body ', 20), true "
                       "FROM generate_series(1, %s) n", (rows,))
                file = os.path.join(folder, "%d.json" % rows)
                out = self.most_memory(db, ["dumpdata", "--models", path, "--output", file])
                into = self.most_memory(other, ["loaddata", "--models", path, file], stdout=subprocess.DEVNULL)
                used.append((out, into))
            self.assertEqual(other.sql("SELECT count(*) FROM article WHERE title = 'title 100000'"), [(1,)])
            for few, many in zip(*used):
                self.assertTrue(harness.is_sanitized() or many < few + 6000, used)


if __name__ == "__main__":
    unittest.main()
