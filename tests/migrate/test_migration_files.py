"""The commands about migration files: what they write, refuse, ask for and show.  Needs QUERN_BIN and
QUERN_TEST_DATABASE_URL."""

import json
import os
import pty
import re
import subprocess
import unittest

import quern_side
from model_changes import BASE, CHAR, INT, TAG, TAGGED, changed, char, field, fk, index, model, renamed_field
from test_django_migrations import COLUMNS, Catalogs


class FilesTest(unittest.TestCase):
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

    def ask(self, sql):
        self.catalogs.ask("SET search_path = ours, public")
        return self.catalogs.ask(sql)

    def tables(self):
        return sorted({row[0] for row in self.catalogs.rows(COLUMNS, "ours")})

    # ---- makemigrations ----

    def test_a_file_is_for_people(self):
        self.make(BASE)
        with open(self.project.path("0001_initial"), encoding="utf-8") as file:
            text = file.read()
        self.assertLess(max(len(line) for line in text.splitlines()), 121)
        self.assertEqual(json.loads(text)["dependencies"], [])
        self.assertIn('"handle": {"type": "CharField", "max_length": 40}', text)

    def test_check_says_what_is_missing_and_writes_nothing(self):
        self.assertIn("create model Author", self.make(BASE, "--check", code=1))
        self.assertEqual(self.project.files(), [])
        self.make(BASE)
        self.assertIn("No changes.", self.run_quern("makemigrations", "--check"))

    def test_dry_run_prints_the_file(self):
        self.assertIn('"CreateModel"', self.make(BASE, "--dry-run"))
        self.assertEqual(self.project.files(), [])

    def test_names(self):
        self.make(BASE, "--name", "start")
        self.make({**BASE, "Tag": TAG}, "--name", "tags")
        self.run_quern("makemigrations", "--empty")
        self.run_quern("makemigrations", "--empty", "--name", "copy")
        self.assertEqual(self.project.files(), ["0001_start", "0002_tags", "0003_custom", "0004_copy"])
        self.assertEqual(self.project.read("0004_copy"), {"dependencies": ["0003_custom"], "operations": []})

    def test_what_may_be_a_rename_is_decided_by_nobody_but_a_person(self):
        self.make(BASE)
        after = renamed_field(BASE, "Author", "age", "years")
        told = self.make(after, code=1)
        self.assertIn("--rename Author.age=years", told)
        self.assertEqual(len(self.project.files()), 1)
        self.make(after, "--rename", "Author.age=Author.years")
        self.assertEqual(self.project.read(self.project.files()[-1])["operations"],
                         [{"RenameField": {"model": "Author", "from": "age", "to": "years"}}])

    def at_terminal(self, answers, *arguments):
        """The program at a terminal of its own, answered line by line."""
        master, slave = pty.openpty()
        process = subprocess.Popen(self.project.command(*arguments), env=self.project.environment,
                                   stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        os.write(master, answers.encode())
        told = b""
        while True:
            try:
                part = os.read(master, 4096)
            except OSError:
                break
            if not part:
                break
            told += part
        os.close(master)
        return process.wait(), told.decode()

    def test_at_a_terminal_renames_are_asked_for(self):
        self.make(BASE)
        self.project.say(renamed_field(BASE, "Author", "age", "years"))
        code, told = self.at_terminal("y\n", "makemigrations")
        self.assertEqual(code, 0, told)
        self.assertIn("Was Author.age renamed to Author.years?", told)
        self.assertIn("rename field Author.age to years", told)

    def test_at_a_terminal_values_for_old_rows_are_asked_for(self):
        self.make(BASE)
        self.project.say(changed(BASE, "Author", city=CHAR))
        code, told = self.at_terminal("Berlin\n", "makemigrations")
        self.assertEqual(code, 0, told)
        self.assertEqual(self.project.read(self.project.files()[-1])["operations"][0]["AddField"]["default"], "Berlin")

    def test_a_not_null_field_without_a_value_is_refused_with_advice(self):
        self.make(BASE)
        told = self.make(changed(BASE, "Author", city=CHAR), code=1)
        self.assertIn("--default Author.city=VALUE", told)
        self.assertIn("db_default", told)
        self.assertEqual(len(self.project.files()), 1)

    def test_a_value_that_is_none_of_the_field_is_refused(self):
        self.make(BASE)
        told = self.make(changed(BASE, "Author", size=INT), "--default", "Author.size=large", code=1)
        self.assertIn("size", told)
        self.assertEqual(len(self.project.files()), 1)

    def test_through_cannot_come_later(self):
        self.make(TAGGED)
        models = changed({**TAGGED, "Tagging": model(article=fk("Article"), tag=fk("Tag"))}, "Article",
                         tags={"type": "ManyToManyField", "to": "Tag", "through": "Tagging"})
        self.assertIn("copy the rows", self.make(models, code=1))

    # ---- files with mistakes ----

    def test_mistakes_in_files_have_their_place(self):
        self.make(BASE)
        self.project.write("0002_wrong", [{"AddFeild": {}}])
        told = self.run_quern("migrate", code=1)
        self.assertRegex(told, r"0002_wrong\.json:1:\d+: there is no operation \"AddFeild\" \(did you mean \"AddField\"")
        self.project.write("0002_wrong", [{"AddField": {"model": "Author", "name": "x"}}])
        self.assertIn('AddField needs a member "field"', self.run_quern("migrate", code=1))
        self.project.write("0002_wrong", [{"RemoveField": {"model": "Author", "name": "nothing"}}],
                           ["0001_initial"])
        self.assertIn("0002_wrong, operation 1", self.run_quern("migrate", code=1))
        self.project.write("0002_wrong", [], ["0001_missing"])
        self.assertIn("0001_missing", self.run_quern("migrate", code=1))
        self.assertEqual(self.tables(), [])

    def test_hostile_files_are_refused_in_words(self):
        self.make(BASE)
        wrong = [
            5, None, [], "AddField", {}, {"AddField": 5}, {"AddField": []}, {"AddField": {}, "RemoveField": {}},
            {"CreateModel": {"name": "X", "fields": 5}}, {"CreateModel": {"name": "X", "fields": {"a": 5}}},
            {"CreateModel": {"name": "X", "fields": {"a": {"type": 5}}}},
            {"CreateModel": {"name": "X", "fields": {"a": {"type": "NoField"}}}},
            {"CreateModel": {"name": 5, "fields": {}}}, {"CreateModel": {"name": "", "fields": {}}},
            {"CreateModel": {"name": "x\"; DROP TABLE author; --", "fields": {"a": {"type": "TextField"}}}},
            {"CreateModel": {"name": "X", "fields": {}, "Meta": {"indexes": 5}}},
            {"CreateModel": {"name": "X", "fields": {}, "Meta": {"indexes": [5]}}},
            {"CreateModel": {"name": "X", "fields": {}, "Meta": {"constraints": {"name": "x"}}}},
            {"CreateModel": {"name": "X", "fields": {}, "Meta": {"unique_together": ["a"]}}},
            {"CreateModel": {"name": "X", "fields": {}, "Meta": {"unique_together": [[5]]}}},
            {"CreateModel": {"name": "X", "fields": {}, "Meta": {"order_with_respect_to": 5}}},
            {"CreateModel": {"name": "X", "fields": {}, "Meta": {"db_table": ["x"]}}},
            {"CreateModel": {"name": "Author", "fields": {}}},
            {"AddField": {"model": "Author", "name": "x", "field": "TextField"}},
            {"AddField": {"model": "Author", "name": "x", "field": {"type": "ForeignKey", "to": 5}}},
            {"AddField": {"model": "Author", "name": "x", "field": {"type": "IntegerField"}, "default": "a"}},
            {"AddField": {"model": "Nobody", "name": "x", "field": {"type": "TextField", "null": True}}},
            {"AlterUniqueTogether": {"model": "Author", "unique_together": "handle"}},
            {"AlterUniqueTogether": {"model": "Author", "unique_together": [["nothing"]]}},
            {"AlterModelTable": {"model": "Author", "db_table": 5}},
            {"AlterModelTable": {"model": "Author", "db_table": "article"}},
            {"AlterOrderWithRespectTo": {"model": "Author", "order_with_respect_to": ["a"]}},
            {"AlterPrimaryKey": {"model": "Author", "primary_key": "id"}},
            {"AlterModelOptions": {"model": "Author", "options": 5}},
            {"AlterModelOptions": {"model": "Author", "options": {"indexes": []}}},
            {"AddIndex": {"model": "Author", "index": {"fields": ["handle"]}}},
            {"AddIndex": {"model": "Author", "index": {"name": "x", "fields": "handle"}}},
            {"AddConstraint": {"model": "Author", "constraint": {"name": "x"}}},
            {"RemoveIndex": {"model": "Author", "name": "nothing"}},
            {"RenameField": {"model": "Author", "from": "handle", "to": "age"}},
            {"RenameModel": {"from": "Author", "to": "Article"}},
            {"DeleteModel": {"name": "Author"}},
            {"RunSQL": {"sql": 5}}, {"RunSQL": {"sql": [5]}}, {"RunSQL": {"sql": "SELECT 1", "atomic": "no"}},
        ]
        for operation in wrong:
            with self.subTest(operation):
                self.project.write("0002_wrong", [operation], ["0001_initial"])
                told = self.run_quern("sqlmigrate", "0002", code=1)
                self.assertIn("0002_wrong", told)

    def test_a_circle_is_named(self):
        self.project.say(BASE)
        self.project.write("0001_a", [], ["0002_b"])
        self.project.write("0002_b", [], ["0001_a"])
        self.assertIn("lead back to itself", self.run_quern("migrate", code=1))

    # ---- migrate ----

    def test_to_a_target_and_back(self):
        self.make(BASE)
        self.make({**BASE, "Tag": TAG})
        self.make(TAGGED)
        self.run_quern("migrate", "0002")
        self.assertEqual(self.tables(), ["article", "author", "tag"])
        shown = self.run_quern("showmigrations").splitlines()
        self.assertEqual([line[:3] for line in shown], ["[X]", "[X]", "[ ]"])
        self.run_quern("migrate")
        self.assertEqual(self.tables(), ["article", "article_tags", "author", "tag"])
        self.assertIn("Nothing to do", self.run_quern("migrate"))
        self.run_quern("migrate", "0001_initial")
        self.assertEqual(self.tables(), ["article", "author"])
        self.run_quern("migrate", "zero")
        self.assertEqual(self.tables(), [])
        self.assertIn("there is no migration", self.run_quern("migrate", "0009", code=1))

    def test_plan_changes_nothing(self):
        self.make(BASE)
        plan = self.run_quern("migrate", "--plan")
        self.assertIn("CREATE TABLE", plan)
        self.assertEqual(self.tables(), [])
        self.run_quern("migrate")
        self.assertIn("nothing to do", self.run_quern("migrate", "--plan"))
        self.assertIn("DROP TABLE", self.run_quern("migrate", "zero", "--plan"))
        self.assertEqual(self.tables(), ["article", "author"])

    def check_script(self, before, after):
        """What a plan prints, run by psql, does what the command does."""
        self.make(before)
        self.run_quern("migrate")
        self.make(after)
        plan = self.run_quern("migrate", "--plan")
        self.run_quern("migrate")
        expected = self.catalogs.catalog("ours")
        self.catalogs.make_schemas()
        self.run_quern("migrate", "0001")
        environment = {**os.environ, "PGOPTIONS": "-c search_path=ours,public"}
        subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", self.catalogs.url], input=plan, text=True,
                       env=environment, check=True, stdout=subprocess.DEVNULL)
        self.assertEqual(self.catalogs.catalog("ours"), expected)

    def test_a_plan_is_a_script_that_does_the_same(self):
        self.check_script(BASE, changed(BASE, "Author", meta={"indexes": [index("by_age", "age")]},
                                        handle=char(unique=True), city=char(default="x", db_index=True)))

    def test_a_plan_stays_a_script_where_steps_drop_the_same(self):
        self.check_script({"Author": model(handle=CHAR), "Article": model(author=fk("Author"))},
                          {"Author": model(handle=char(primary_key=True)), "Article": model(author=fk("Author"))})

    def test_fake(self):
        self.make(BASE)
        self.run_quern("migrate", "--fake")
        self.assertEqual(self.tables(), [])
        self.assertIn("[X]", self.run_quern("showmigrations"))
        self.run_quern("migrate", "zero", "--fake")
        self.assertIn("[ ]", self.run_quern("showmigrations"))

    def test_fake_initial(self):
        self.make(BASE)
        sql = self.run_quern("sqlmigrate", "0001")
        self.ask(sql)
        self.assertIn("already exists", self.run_quern("migrate", code=1))
        self.run_quern("migrate", "--fake-initial")
        self.assertIn("[X]", self.run_quern("showmigrations"))

    def test_fake_initial_runs_a_first_file_that_makes_no_tables(self):
        self.project.say({})
        self.project.write("0001_schema", [{"RunSQL": {"sql": "CREATE TABLE side (a integer)"}}])
        self.run_quern("migrate", "--fake-initial")
        self.assertEqual(self.ask("SELECT count(*) FROM side"), [(0,)])

    def test_a_database_made_from_the_models_is_taken_over(self):
        self.project.say(BASE)
        self.run_quern("migrate")
        self.make(BASE)
        self.assertIn("its tables are there already", self.run_quern("migrate"))
        self.make({**BASE, "Tag": TAG})
        self.run_quern("migrate")
        self.assertEqual(self.tables(), ["article", "author", "tag"])

    def test_a_database_in_no_state_of_the_files_is_left_alone(self):
        self.project.say(BASE)
        self.run_quern("migrate")
        self.make(changed(BASE, "Author", without=("age",)))
        self.assertIn("in no state that the files describe", self.run_quern("migrate", code=1))

    def test_models_that_are_ahead_are_told(self):
        self.make(BASE)
        self.project.say({**BASE, "Tag": TAG})
        self.assertIn("run `quern makemigrations`", self.run_quern("migrate"))

    def test_a_migration_that_fails_leaves_nothing(self):
        self.make(BASE)
        self.project.write("0002_wrong", [{"CreateModel": {"name": "Tag", "fields": {"name": CHAR}}},
                                          {"RunSQL": {"sql": "SELECT nonsense"}}])
        told = self.run_quern("migrate", code=1)
        self.assertIn("0002_wrong", told)
        self.assertIn("nonsense", told)
        self.assertEqual(self.tables(), ["article", "author"])

    # ---- SQL of one's own ----

    def test_run_sql_forward_and_back(self):
        self.make(BASE)
        self.project.write("0002_rows", [{"RunSQL": {
            "sql": ["INSERT INTO author (handle) VALUES ('a')", "INSERT INTO author (handle) VALUES ('b; c')"],
            "reverse_sql": "DELETE FROM author"}}])
        self.run_quern("migrate")
        self.assertEqual(self.ask("SELECT count(*) FROM author"), [(2,)])
        self.run_quern("migrate", "0001")
        self.assertEqual(self.ask("SELECT count(*) FROM author"), [(0,)])

    def test_rows_and_tables_in_one_migration(self):
        self.make(BASE)
        self.project.write("0002_rows", [
            {"RunSQL": {"sql": "INSERT INTO author (handle) VALUES ('a'); "
                               "INSERT INTO article (title, body, rank, author_id) SELECT 't', '', 1, id FROM author",
                        "reverse_sql": []}},
            {"AlterField": {"model": "Article", "name": "rank", "field": "BigIntegerField"}}], atomic=True)
        self.assertIn("expected an object", self.run_quern("migrate", code=1))
        self.project.write("0002_rows", [
            {"RunSQL": {"sql": "INSERT INTO author (handle) VALUES ('a'); "
                               "INSERT INTO article (title, body, rank, author_id) SELECT 't', '', 1, id FROM author",
                        "reverse_sql": []}},
            {"AlterField": {"model": "Article", "name": "rank", "field": {"type": "BigIntegerField"}}}],
            ["0001_initial"], atomic=True)
        self.run_quern("migrate")
        self.assertEqual(self.ask("SELECT pg_typeof(rank)::text FROM article"), [("bigint",)])

    def test_what_cannot_be_undone_is_refused_before_anything_is(self):
        self.make(BASE)
        self.project.write("0002_rows", [{"RunSQL": {"sql": "DELETE FROM author"}}])
        self.project.write("0003_tag", [{"CreateModel": {"name": "Tag", "fields": {"id": {
            "type": "BigAutoField", "primary_key": True}}}}])
        self.run_quern("migrate")
        self.assertIn('without "reverse_sql"', self.run_quern("migrate", "0001", code=1))
        self.assertEqual(self.tables(), ["article", "author", "tag"])

    def test_sql_that_ends_the_transaction_is_refused(self):
        self.make(BASE)
        self.project.write("0002_rows", [{"RunSQL": {"sql": "COMMIT"}}])
        self.assertIn("ended the transaction", self.run_quern("migrate", code=1))

    def test_sql_that_copies_is_refused_in_words(self):
        self.make(BASE)
        for sql in ("COPY author (handle) FROM STDIN", "COPY author TO STDOUT"):
            self.project.write("0002_rows", [{"RunSQL": {"sql": sql}}], ["0001_initial"])
            self.assertIn("COPY has nowhere to read from or write to", self.run_quern("migrate", code=1))
            self.assertIn("[ ] 0002_rows", self.run_quern("showmigrations"))

    def test_a_plan_stays_a_script_behind_a_remark(self):
        self.make(BASE)
        self.run_quern("migrate")
        self.project.write("0002_rows", [{"RunSQL": {"sql": ["UPDATE author SET age = 1 -- all of them", "SELECT 1"]}}])
        for command in (("migrate", "--plan"), ("sqlmigrate", "0002")):
            script = self.run_quern(*command)
            self.assertRegex(script, "-- all of them\n;\n")
            self.ask(script)

    # ---- several ends, several files ----

    def fork(self):
        self.make(BASE)
        self.project.write("0002_left", [{"AddField": {"model": "Author", "name": "left", "field": char(null=True)}}],
                           ["0001_initial"])
        self.project.write("0002_right", [{"AddField": {"model": "Author", "name": "right",
                                                        "field": char(null=True)}}], ["0001_initial"])

    def test_a_fork_is_merged(self):
        self.fork()
        self.assertIn("--merge", self.run_quern("migrate", code=1))
        self.assertIn("--merge", self.run_quern("makemigrations", code=1))
        self.run_quern("makemigrations", "--merge")
        self.assertEqual(self.project.files()[-1], "0003_merge_0002_left_0002_right")
        self.run_quern("migrate")
        self.project.say(changed(BASE, "Author", left=char(null=True), right=char(null=True)))
        self.assertIn("No changes.", self.run_quern("makemigrations"))
        self.run_quern("migrate", "0002_left")
        columns = [row[1] for row in self.catalogs.rows(COLUMNS, "ours") if row[0] == "author"]
        self.assertIn("left", columns)

    def test_a_branch_that_comes_late_is_applied(self):
        self.make(BASE)
        self.project.write("0002_right", [{"AddField": {"model": "Author", "name": "right",
                                                        "field": char(null=True)}}], ["0001_initial"])
        self.run_quern("migrate")
        self.project.write("0002_left", [{"AddField": {"model": "Author", "name": "left", "field": char(null=True)}}],
                           ["0001_initial"])
        self.run_quern("makemigrations", "--merge")
        self.run_quern("migrate")
        self.assertEqual([line[:3] for line in self.run_quern("showmigrations").splitlines()], ["[X]"] * 4)

    def test_squashed_files_stand_for_the_others(self):
        self.make(BASE)
        self.make({**BASE, "Tag": TAG})
        self.make(changed({**BASE, "Tag": TAG}, "Tag", colour=char(null=True)))
        self.make(BASE)
        self.run_quern("migrate", "0002")
        told = self.run_quern("squashmigrations", "0004")
        self.assertIn("2 operations instead of 5", told)
        # Half of them are applied: the others go on.
        self.run_quern("migrate")
        self.assertEqual(self.tables(), ["article", "author"])
        shown = self.run_quern("showmigrations").splitlines()
        self.assertEqual(len(shown), 1)
        self.assertRegex(shown[0], r"^\[X\] 0001_squashed_0004_delete_tag \(stands for 4\)")
        self.assertIn("Nothing to do", self.run_quern("migrate"))
        self.run_quern("migrate", "zero")
        self.assertEqual(self.tables(), [])

    def test_sqlmigrate_shows_both_ways(self):
        self.make(BASE)
        self.assertIn("CREATE TABLE \"author\"", self.run_quern("sqlmigrate", "0001"))
        self.assertIn("DROP TABLE \"author\"", self.run_quern("sqlmigrate", "0001", "--backwards"))

    # ---- what Django 3.2 has no oracle for ----

    def test_generated_columns_comments_and_defaults_of_the_database(self):
        before = {"Box": model(width=INT, height=INT, area=field(
            "GeneratedField", expression={"*": ["width", "height"]},
            output_field="IntegerField", db_persist=True), note=char(db_default="none", db_comment="a note"))}
        after = {"Box": {"fields": {**before["Box"]["fields"],
                                    "area": {**before["Box"]["fields"]["area"],
                                             "expression": {"+": ["width", "height"]}},
                                    "note": char(db_default="nothing", db_comment="another"),
                                    "size": field("IntegerField", db_default=4)},
                         "Meta": {"db_table_comment": "boxes"}}}
        self.make(before)
        self.run_quern("migrate")
        expected = self.catalogs.catalog("ours")
        self.make(after)
        self.run_quern("migrate")
        self.ask("INSERT INTO box (width, height) VALUES (2, 3)")
        self.assertEqual(self.ask("SELECT area, note, size FROM box"), [(5, "nothing", 4)])
        self.assertEqual(self.ask("SELECT obj_description('box'::regclass), "
                                  "col_description('box'::regclass, attnum) FROM pg_attribute "
                                  "WHERE attrelid = 'box'::regclass AND attname = 'note'"), [("boxes", "another")])
        self.run_quern("migrate", "0001")
        self.assertEqual(self.catalogs.catalog("ours"), expected)

    def test_keys_of_several_fields(self):
        before = {"Seat": model({"primary_key": ["row", "number"]}, row=INT, number=INT, taken=INT)}
        after = {"Seat": model({"primary_key": ["row", "taken"]}, row=INT, number=INT, taken=INT)}
        self.make(before)
        self.run_quern("migrate")
        self.make(after)
        self.run_quern("migrate")
        self.assertEqual(self.keys(), ["PRIMARY KEY (\"row\", taken)"])
        self.run_quern("migrate", "0001")
        self.assertEqual(self.keys(), ["PRIMARY KEY (\"row\", number)"])

    def keys(self):
        return [row[3] for row in self.catalogs.catalog("ours")[1] if row[2] == "p"]

    def test_rows_of_a_composite_key_are_filled(self):
        before = {"Seat": model({"primary_key": ["row", "number"]}, row=INT, number=INT,
                                taken=field("IntegerField", null=True))}
        self.make(before)
        self.run_quern("migrate")
        self.ask("INSERT INTO seat SELECT n, n FROM generate_series(1, 2500) n")
        self.make({"Seat": model({"primary_key": ["row", "number"]}, row=INT, number=INT,
                                 taken=field("IntegerField", default=5))})
        self.run_quern("migrate")
        self.assertEqual(self.ask("SELECT count(*) FROM seat WHERE taken = 5"), [(2500,)])

    def test_rows_without_a_value_are_told_with_what_helps(self):
        self.make({"Author": model(handle=CHAR, age=field("IntegerField", null=True))})
        self.run_quern("migrate")
        self.ask("INSERT INTO author (handle) VALUES ('a')")
        self.make({"Author": model(handle=CHAR, age="IntegerField")})
        self.assertIn('UPDATE "author" SET "age" = … WHERE "age" IS NULL', self.run_quern("migrate", code=1))
        self.ask("UPDATE author SET age = 3 WHERE age IS NULL")
        self.run_quern("migrate")

    def test_rows_that_come_without_a_value_while_others_are_filled_get_one(self):
        self.make({"Author": model(handle=CHAR, age=field("IntegerField", null=True))})
        self.run_quern("migrate")
        self.ask("INSERT INTO author (handle) SELECT 'a' || n FROM generate_series(1, 2500) n")
        # As an older server would, behind the place that is being filled.
        self.ask("CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN "
                 "INSERT INTO ours.author (id, handle, age) VALUES (-1, 'late', NULL); RETURN NULL; END$$")
        self.ask("CREATE TRIGGER late AFTER UPDATE ON author FOR EACH ROW WHEN (OLD.id = 2400) EXECUTE FUNCTION late()")
        self.make({"Author": model(handle=CHAR, age=field("IntegerField", default=7))})
        self.run_quern("migrate")
        self.assertEqual(self.ask("SELECT count(*) FROM author WHERE age = 7"), [(2501,)])

    def test_each_row_gets_a_uuid_of_its_own(self):
        self.make(BASE)
        self.run_quern("migrate")
        self.ask("INSERT INTO author (handle) SELECT 'a' || n FROM generate_series(1, 2500) n")
        self.make(changed(BASE, "Author", token=field("UUIDField", default={"RandomUUID": []}, unique=True)))
        self.run_quern("migrate")
        self.assertEqual(self.ask("SELECT count(DISTINCT token) FROM author"), [(2500,)])

    def test_a_default_that_varies_is_filled_in_some_rows_at_a_time(self):
        varying = [("UUIDField", {"RawSQL": "gen_random_uuid()"}), ("FloatField", {"Random": []}),
                   ("FloatField", {"Round": [{"Random": []}, 6]}), ("BigIntegerField", {"RawSQL": "nextval('numbers')"})]
        alike = [("DateTimeField", {"RawSQL": "now()"}), ("DateTimeField", {"Now": []}),
                 ("IntegerField", {"RawSQL": "1 + 1"}), ("IntegerField", {"Abs": [-3]})]
        self.make(BASE)
        self.run_quern("migrate")
        self.ask("CREATE SEQUENCE numbers")
        self.ask("INSERT INTO author (handle) SELECT 'a' || n FROM generate_series(1, 2500) n")
        (table,) = self.ask("SELECT relfilenode FROM pg_class WHERE oid = 'author'::regclass")
        fields = {}
        for number, (kind, default) in enumerate(varying + alike):
            fields["f%d" % number] = field(kind, db_default=default)
            self.make(changed(BASE, "Author", **fields))
            self.assertEqual("1000 rows at a time" in self.run_quern("migrate", "--plan"), number < len(varying), default)
            self.run_quern("migrate")
            found = self.ask("SELECT count(DISTINCT f%d) > 2000, count(f%d) FROM author" % (number, number))
            self.assertEqual(found, [(number < len(varying), 2500)])
        self.assertEqual(self.ask("SELECT relfilenode FROM pg_class WHERE oid = 'author'::regclass"), [table])

    def test_the_key_of_a_many_to_many_end_changes_its_type(self):
        before = {"Tag": model(code=field(INT, primary_key=True)), "Post": model(
            tags={"type": "ManyToManyField", "to": "Tag"})}
        self.make(before)
        self.run_quern("migrate")
        self.make({**before, "Tag": model(code=field("BigIntegerField", primary_key=True))})
        self.run_quern("migrate")
        types = {row[1]: row[2] for row in self.catalogs.rows(COLUMNS, "ours") if row[0] == "post_tags"}
        self.assertEqual(types["tag_id"], "bigint")

    def test_tables_in_a_schema_of_their_own(self):
        self.ask("DROP SCHEMA IF EXISTS apart CASCADE")
        self.ask("CREATE SCHEMA apart")
        before = {"Author": model({"db_table": 'apart"."author'}, handle=CHAR)}
        self.make(before)
        self.run_quern("migrate")
        self.make({"Author": model({"db_table": 'apart"."author', "indexes": [index("by_handle", "handle")]},
                                   handle=char(unique=True), age=field(INT, default=1))})
        self.run_quern("migrate")
        self.assertEqual(self.ask("SELECT count(*) FROM pg_indexes WHERE schemaname = 'apart'"), [(4,)])
        self.run_quern("migrate", "zero")
        self.assertEqual(self.ask("SELECT count(*) FROM pg_class WHERE relnamespace = 'apart'::regnamespace"), [(0,)])

    def test_tables_move_from_schema_to_schema(self):
        self.ask("DROP SCHEMA IF EXISTS apart CASCADE")
        self.ask("DROP SCHEMA IF EXISTS \"the odd 'one'\" CASCADE")
        self.ask("CREATE SCHEMA apart")
        self.ask("CREATE SCHEMA \"the odd 'one'\"")
        places = ["author", 'apart"."author', 'the odd \'one\'"."the %s writer', 'apart"."author', "writer"]
        found = []
        for place in places:
            self.make({"Author": model({"db_table": place}, handle=char(unique=True))})
            self.run_quern("migrate")
            found.append(self.table_of("handle"))
        self.assertEqual(found, [("ours", "author"), ("apart", "author"), ("the odd 'one'", "the %s writer"),
                                 ("apart", "author"), ("ours", "writer")])
        for number, place in reversed(list(enumerate(found[:-1], 1))):
            self.run_quern("migrate", "%04d" % number)
            self.assertEqual(self.table_of("handle"), place)

    def table_of(self, column):
        rows = self.ask("SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = "
                        "c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relkind = 'r' AND "
                        "a.attname = '%s'" % column)
        self.assertEqual(len(rows), 1, rows)
        return rows[0]

    def test_odd_names_are_quoted(self):
        odd = char(db_column="select \"'; DROP TABLE x; --".replace('"', ""), default="it's \\ \"so\"")
        self.make({"Author": model({"db_table": "Group; --"}, handle=CHAR)})
        self.run_quern("migrate")
        self.make({"Author": model({"db_table": "Group; --", "indexes": [index("an odd 'name'", "odd")]},
                                   handle=CHAR, odd=odd)})
        self.run_quern("migrate")
        self.make({"Author": model({"db_table": "Group; --"}, handle=CHAR, odd={**odd, "unique": True})})
        self.run_quern("migrate")
        self.run_quern("migrate", "zero")
        self.assertEqual(self.tables(), [])

    def test_the_help_names_the_commands(self):
        told = subprocess.run(
            [os.environ["QUERN_BIN"], "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
        for command in ("makemigrations", "migrate", "showmigrations", "sqlmigrate", "squashmigrations"):
            self.assertTrue(re.search("^  %s " % command, told, re.MULTILINE), command)


if __name__ == "__main__":
    unittest.main()
