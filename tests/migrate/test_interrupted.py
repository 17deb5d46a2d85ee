"""Migrations that are killed, fail half way, or are started twice: the next run finds its way, and what is in the
database in the end is the same.  Needs QUERN_BIN and QUERN_TEST_DATABASE_URL."""

import os
import re
import signal
import subprocess
import time
import unittest

import psycopg2

import quern_side
from model_changes import CHAR, char, field, fk, model
from test_django_migrations import Catalogs

BEFORE = {
    "Author": model(handle=CHAR, age=field("IntegerField", null=True)),
    "Article": model(title=CHAR, rank="IntegerField"),
}
AFTER = {
    "Author": model({"indexes": [{"name": "by_age", "fields": ["age"]}]}, handle=char(unique=True),
                    age=field("IntegerField", default=18), city=char(default="Berlin", db_index=True)),
    "Article": model({"constraints": [{"type": "CheckConstraint", "name": "rank_range", "check": {"rank__gte": 0}}]},
                     title=CHAR, rank="IntegerField", author=fk("Author", null=True)),
}
ROWS = 2500


class InterruptedTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.catalogs = Catalogs(os.environ["QUERN_TEST_DATABASE_URL"])
        self.addCleanup(self.catalogs.base.close)
        self.project = quern_side.Project(self.catalogs.url)
        self.addCleanup(self.project.remove)
        self.project.say(BEFORE)
        self.project.run("makemigrations")
        self.project.say(AFTER)
        self.project.run("makemigrations", "--no-renames")

    def ask(self, sql):
        self.catalogs.ask("SET search_path = ours, public")
        return self.catalogs.ask(sql)

    def begin(self):
        self.catalogs.make_schemas()
        self.project.run("migrate", "0001")
        self.ask("INSERT INTO author (handle, age) SELECT 'a' || n, CASE WHEN mod(n, 3) = 0 THEN n END "
                 "FROM generate_series(1, %d) n" % ROWS)
        self.ask("INSERT INTO article (title, rank) SELECT 't' || n, n FROM generate_series(1, %d) n" % ROWS)

    def result(self):
        rows = self.ask("SELECT handle, age, city FROM author ORDER BY id")
        return self.catalogs.catalog("ours"), rows, self.ask("SELECT name FROM quern_migrations ORDER BY id")

    def start(self):
        return subprocess.Popen(self.project.command("migrate"), env=self.project.environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def kill_at(self, step, pause):
        """Kills the program when it says that it begins the step; returns whether it was in time."""
        running = self.start()
        for line in running.stdout:
            if "step %d of" % step in line:
                time.sleep(pause)
                running.send_signal(signal.SIGKILL)
                break
        running.stdout.close()
        return running.wait() == -signal.SIGKILL

    def test_killed_at_every_step_it_is_continued(self):
        self.begin()
        told = self.project.run("migrate")
        steps = int(re.search(r"step 1 of (\d+)", told).group(1))
        self.assertGreaterEqual(steps, 10)
        expected = self.result()
        killed = 0
        for step in range(1, steps + 1):
            for pause in (0, 0.004):
                with self.subTest(step=step, pause=pause):
                    self.begin()
                    killed += self.kill_at(step, pause)
                    self.project.run("migrate")
                    self.assertEqual(self.result(), expected)
                    self.assertEqual(self.ask("SELECT count(*) FROM quern_migration_progress"), [(0,)])
        self.assertGreater(killed, steps)

    def test_killed_again_and_again_it_gets_there(self):
        self.begin()
        self.project.run("migrate")
        expected = self.result()
        self.begin()
        for step in range(1, 16):
            self.kill_at(step, 0.002)
        self.project.run("migrate")
        self.assertEqual(self.result(), expected)

    def test_killed_on_the_way_back_it_is_continued(self):
        self.begin()
        expected = self.catalogs.catalog("ours")
        for step in range(1, 5):
            self.begin()
            self.project.run("migrate")
            running = subprocess.Popen(self.project.command("migrate", "0001"), env=self.project.environment,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for line in running.stdout:
                if "step %d of" % step in line:
                    running.send_signal(signal.SIGKILL)
                    break
            running.stdout.close()
            running.wait()
            self.project.run("migrate", "0001")
            self.assertEqual(self.catalogs.catalog("ours"), expected)

    def test_a_step_that_fails_leaves_what_is_recorded_and_continues_when_the_cause_is_gone(self):
        self.begin()
        self.project.run("migrate")
        expected = self.catalogs.catalog("ours")
        self.begin()
        self.ask("UPDATE author SET handle = 'twice' WHERE id IN (7, 8)")
        told = self.project.run("migrate", code=1)
        self.assertIn("0002", told)
        self.assertRegex(told, r"stands behind step \d+ of \d+")
        self.assertIn("twice", told)
        self.assertIn("[~] 0002", self.project.run("showmigrations"))
        self.assertEqual(self.ask("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), [(0,)])
        told = self.project.run("migrate", "zero", code=1)
        self.assertIn("finish that first", told)
        self.ask("UPDATE author SET handle = 'a' || id WHERE id IN (7, 8)")
        self.assertIn("continuing behind step", self.project.run("migrate"))
        self.assertEqual(self.catalogs.catalog("ours"), expected)

    def fail_half_way(self):
        """Two rows where one may be: the migration stops in its middle.  Its name and document."""
        self.begin()
        self.ask("UPDATE author SET handle = 'twice' WHERE id IN (7, 8)")
        self.project.run("migrate", code=1)
        name = self.project.files()[-1]
        return name, self.project.read(name)

    def test_what_is_done_of_a_file_must_not_change(self):
        name, document = self.fail_half_way()
        self.project.write(name, [{"RunSQL": {"sql": "SELECT 1"}}, *document["operations"]], document["dependencies"])
        self.assertIn("was changed in the files since", self.project.run("migrate", code=1))
        self.project.write(name, document["operations"][:1], document["dependencies"])
        self.assertIn("was changed in the files since", self.project.run("migrate", code=1))
        self.project.run("migrate", name, "--fake")
        self.assertIn("[X] 0002", self.project.run("showmigrations"))
        self.assertEqual(self.ask("SELECT count(*) FROM quern_migration_progress"), [(0,)])

    def test_what_is_not_done_of_a_file_may_be_mended(self):
        name, document = self.fail_half_way()
        handles = [at for at, operation in enumerate(document["operations"])
                   if operation.get("AlterField", {}).get("name") == "handle"]
        self.assertEqual(len(handles), 1)
        mended = list(document["operations"])
        mended[handles[0]] = {"RunSQL": {"sql": "UPDATE author SET age = 9999 WHERE handle = 'twice'"}}
        self.project.write(name, mended, document["dependencies"])
        self.assertIn("continuing behind step", self.project.run("migrate"))
        self.assertEqual(self.ask("SELECT id, age FROM author WHERE age = 9999 ORDER BY id"), [(7, 9999), (8, 9999)])
        self.assertEqual(self.ask("SELECT count(*) FROM quern_migration_progress"), [(0,)])

    def test_sql_that_was_wrong_is_mended_and_run_again(self):
        self.begin()
        self.project.run("migrate")
        for first in ([], [{"RunSQL": {"sql": "UPDATE author SET city = 'Rome'"}}]):
            name = "000%d_apart" % (len(self.project.files()) + 1)
            self.project.write(name, [*first, {"RunSQL": {"sql": "VACUUM nosuch", "atomic": False}}])
            told = self.project.run("migrate", code=1)
            self.assertIn('relation "nosuch" does not exist', told)
            self.assertIn("--resume=again", told)
            self.project.write(name, [*first, {"RunSQL": {"sql": "VACUUM author", "atomic": False}}],
                               self.project.read(name)["dependencies"])
            self.assertIn("failed or was interrupted in step", self.project.run("migrate", code=1))
            self.project.run("migrate", "--resume=again")
            self.assertIn("[X] " + name, self.project.run("showmigrations"))

    def test_what_sql_sets_for_the_session_ends_with_it(self):
        self.begin()
        self.project.run("migrate")
        dump = "SET statement_timeout = 1; SELECT pg_catalog.set_config('search_path', '', false)"
        field_of = {"model": "Author", "field": {"type": "IntegerField", "null": True}}
        self.project.write("0003_dump", [{"RunSQL": {"sql": dump}}])
        self.project.write("0004_mixed", [
            {"AddField": {"name": "one", **field_of}}, {"RunSQL": {"sql": ["SET LOCAL search_path = public", dump]}},
            {"AddField": {"name": "two", **field_of}}, {"RunSQL": {"sql": "UPDATE author SET one = 1"}},
            {"RunSQL": {"sql": dump, "atomic": False}}, {"RunSQL": {"sql": "SELECT pg_sleep(0.05)"}},
            {"AddIndex": {"model": "Author", "index": {"name": "by_two", "fields": ["two"]}}},
            {"RunSQL": {"sql": ["SET search_path = pg_catalog", "CREATE TABLE ours.beside (a integer)"]}}])
        self.project.run("migrate")
        self.assertEqual(self.ask("SELECT count(*) FROM author WHERE one = 1"), [(ROWS,)])
        self.assertEqual(self.ask("SELECT to_regclass('ours.by_two')::text, count(*) FROM beside"), [("by_two", 0)])

    def test_skipping_sql_that_was_taken_out_of_the_file_is_refused(self):
        self.begin()
        self.project.run("migrate")
        self.project.write("0003_apart", [{"RunSQL": {"sql": "VACUUM nosuch", "atomic": False}}])
        self.project.run("migrate", code=1)
        self.project.write("0003_apart", [], self.project.read("0003_apart")["dependencies"])
        self.assertIn("was changed in the files since", self.project.run("migrate", "--resume=skip", code=1))

    def test_what_is_only_recorded_is_recorded_whole(self):
        name, _ = self.fail_half_way()
        self.ask("CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'stopped'; END$$")
        self.ask("CREATE TRIGGER stop BEFORE DELETE ON quern_migration_progress EXECUTE FUNCTION stop()")
        self.assertIn("stopped", self.project.run("migrate", name, "--fake", code=1))
        self.assertIn("[~] 0002", self.project.run("showmigrations"))
        self.assertEqual(self.ask("SELECT name FROM quern_migrations ORDER BY id"), [("0001_initial",)])

    def test_taking_a_database_over_is_recorded_whole(self):
        files = self.project.files()
        documents = [self.project.read(name) for name in files]
        for name in files:
            os.remove(self.project.path(name))
        os.rmdir(os.path.join(self.project.folder, "migrations"))
        self.catalogs.make_schemas()
        self.project.run("migrate")
        for name, document in zip(files, documents):
            self.project.write(name, document["operations"], document["dependencies"])
        self.ask("CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF NEW.name = '%s' THEN "
                 "RAISE 'stopped'; END IF; RETURN NEW; END$$" % files[1])
        self.ask("ALTER TABLE quern_migrations ADD COLUMN IF NOT EXISTS name text")
        self.ask("CREATE TRIGGER stop BEFORE INSERT ON quern_migrations FOR EACH ROW EXECUTE FUNCTION stop()")
        self.assertIn("stopped", self.project.run("migrate", code=1))
        self.ask("DROP TRIGGER stop ON quern_migrations")
        self.assertIn("its tables are there already", self.project.run("migrate"))
        self.assertEqual(self.ask("SELECT name FROM quern_migrations WHERE name IS NOT NULL ORDER BY id"),
                         [(name,) for name in files])

    def test_sql_outside_of_a_transaction_is_asked_about(self):
        self.begin()
        self.project.run("migrate")
        self.project.write("0003_apart", [{"RunSQL": {"sql": "SELECT pg_sleep(1)", "atomic": False}},
                                          {"RunSQL": {"sql": "UPDATE author SET city = 'Rome'"}}])
        self.assertTrue(self.kill_at(1, 0.3))
        told = self.project.run("migrate", code=1)
        self.assertIn("--resume=again", told)
        self.project.run("migrate", "--resume=skip")
        self.assertEqual(self.ask("SELECT DISTINCT city FROM author"), [("Rome",)])

    def test_an_index_that_was_made_by_hand_is_taken_when_it_is_the_same(self):
        odd = {"name": "by odd USING parts", "fields": ["-age", "handle"], "include": ["id"],
               "condition": {"age__gt": 5}}
        self.begin()
        self.project.run("migrate")
        after = {**AFTER, "Author": {**AFTER["Author"], "Meta": {"indexes": [
            {"name": "by_age", "fields": ["age"]}, odd, {"name": "by_lower", "expressions": [{"Lower": "city"}]}]}}}
        self.project.say(after)
        self.project.run("makemigrations")
        same = ['CREATE INDEX "by odd USING parts" ON author (age DESC, handle) INCLUDE (id) WHERE age > 5',
                "CREATE INDEX by_lower ON author (lower(city))"]
        others = ["CREATE INDEX by_lower ON author (upper(city))", "CREATE UNIQUE INDEX by_lower ON author (lower(city), id)",
                  "CREATE INDEX by_lower ON author (lower(city)) WHERE age > 5",
                  "CREATE INDEX by_lower ON author (lower(city) DESC)"]
        self.ask(same[0])
        for other in others:
            self.ask(other)
            told = self.project.run("migrate", code=1)
            self.assertIn("there is another one of that name", told)
            self.ask("DROP INDEX by_lower")
        self.ask(same[1])
        self.project.run("migrate")
        self.assertEqual(self.ask("SELECT to_regclass('pg_temp.quern_twin')::text"), [(None,)])

    def test_two_that_start_together_run_each_once(self):
        for _ in range(4):
            self.begin()
            running = [self.start() for _ in range(3)]
            told = [one.communicate()[0] for one in running]
            self.assertEqual([one.returncode for one in running], [0, 0, 0], told)
            names = self.ask("SELECT name FROM quern_migrations ORDER BY id")
            self.assertEqual([name for name, in names], self.project.files())

    def test_a_table_that_is_busy_is_waited_for_without_holding_up_others(self):
        self.begin()
        holder = psycopg2.connect(self.catalogs.url)
        self.addCleanup(holder.close)
        holder.cursor().execute("SELECT count(*) FROM ours.author")
        running = self.start()
        time.sleep(1.5)
        began = time.monotonic()
        self.ask("SELECT count(*) FROM author")
        self.assertLess(time.monotonic() - began, 1)
        self.assertIsNone(running.poll())
        holder.rollback()
        told = running.communicate(timeout=30)[0]
        self.assertEqual(running.returncode, 0, told)
        self.assertIn("trying again", told)


if __name__ == "__main__":
    unittest.main()
