"""inspectdb and diff: models of databases that are there, Quern's own and others'."""
import contextlib
import glob
import json
import os
import shutil
import tempfile
import unittest

import databases
import harness

FOLDERS = ("config/examples", "tests/api/models", "tests/migrate", "tests/sql", "tests/chaos", "tests/conformance")
COLUMNS = """SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity::text,
    a.attgenerated::text, l.collname, pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    LEFT JOIN pg_collation l ON l.oid = a.attcollation LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname NOT LIKE 'quern%%' ORDER BY 1, 2"""
CONSTRAINTS = """SELECT c.relname, n.conname, pg_get_constraintdef(n.oid) FROM pg_constraint n
    JOIN pg_class c ON c.oid = n.conrelid WHERE c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE 'quern%%'
    ORDER BY 1, 2"""
INDEXES = """SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE 'quern%%' ORDER BY 1"""
COMMENTS = """SELECT relname, obj_description(oid, 'pg_class') FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT LIKE 'quern%%' ORDER BY 1"""


def model_files():
    """Every model file of the tree that stands by itself."""
    found = []
    for folder in FOLDERS:
        for path in sorted(glob.glob(os.path.join(harness.ROOT, folder, "*.json"))):
            with open(path, encoding="utf-8") as file:
                document = json.load(file)
            if "models" in document and isinstance(document["models"], dict):
                if harness.run_program(["check", "--models", path]).returncode == 0:
                    found.append(path)
    return found


def unmanaged(path):
    """Models whose tables are somebody else's, and so not there."""
    with open(path, encoding="utf-8") as file:
        models = json.load(file)["models"]
    return {name for name, model in models.items() if model.get("Meta", {}).get("managed") is False}


def catalog(database):
    return [database.sql(question) for question in (COLUMNS, CONSTRAINTS, INDEXES, COMMENTS)]


class Inspecting(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.out = os.path.join(self.folder, "models.json")

    def database(self, sql=None):
        made = databases.Database()
        self.addCleanup(made.drop)
        if sql:
            made.sql(sql)
        return made

    def inspect(self, database, *arguments):
        done = database.run("inspectdb", "--output", self.out, *arguments)
        self.assertEqual(done.returncode, 0, done.complaint)
        self.notes = [line[6:] for line in done.complaint.splitlines()]
        with open(self.out, encoding="utf-8") as file:
            return json.load(file)["models"]

    def differences(self, database, models=None):
        done = database.run("diff", "--models", models or self.out, "--json")
        self.assertEqual(done.complaint, "")
        found = json.loads(done.text)
        self.assertEqual(done.returncode, 1 if found["drift"] else 0)
        return found["differences"]


class RoundTrip(Inspecting):
    def test_models_of_a_migrated_database_differ_in_nothing_from_the_originals(self):
        paths = model_files()
        self.assertGreater(len(paths), 20)
        for path in paths:
            with self.subTest(path=path), databases.database() as first, databases.database() as second:
                done = first.run("migrate", "--models", path)
                self.assertEqual(done.returncode, 0, done.complaint)
                found = self.differences(first, path)
                self.assertEqual([each for each in found if each["model"] not in unmanaged(path)], [])
                self.inspect(first)
                self.assertEqual(self.notes, [])
                self.assertEqual(self.differences(first), [])
                done = second.run("migrate", "--models", self.out)
                self.assertEqual(done.returncode, 0, done.complaint)
                for mine, theirs in zip(catalog(second), catalog(first)):
                    self.assertEqual(mine, theirs)


class Harbour(Inspecting):
    """A database in the style of the well-known samples, with what people put into theirs."""

    @classmethod
    def setUpClass(cls):
        with open(os.path.join(harness.TEST_MODELS, "harbour.sql"), encoding="utf-8") as file:
            cls.sql = file.read()

    def test_it_is_written_down_whole_and_serves_without_a_migration(self):
        db = self.database(self.sql)
        models = self.inspect(db, "--include-views")
        self.assertEqual(len(models), 17)
        self.assertEqual([found for found in self.differences(db) if found["level"] == "drift"], [])
        self.assertEqual(models["Berth"]["Meta"]["primary_key"], ["port", "number"])
        self.assertEqual(models["PortList"]["Meta"]["managed"], False)
        self.assertEqual(models["Vessel"]["fields"]["state"]["choices"][2], ["sold", "sold"])
        self.assertEqual(models["Vessel"]["fields"]["state"]["db_type"], "vessel_state")
        self.assertEqual(models["Vessel"]["fields"]["area_m2"]["type"], "GeneratedField")
        self.assertEqual(models["CustomerProfile"]["fields"]["customer"]["type"], "OneToOneField")
        self.assertEqual(models["Port"]["fields"]["country"]["on_delete"], "RESTRICT")
        self.assertEqual(models["Berth"]["fields"]["port"]["on_delete"], "CASCADE")
        self.assertEqual(models["Customer"]["fields"]["e_mail_ok"]["db_column"], "E-Mail OK?")
        self.assertEqual(models["Table2024Fares"]["Meta"]["db_table"], "2024 fares")
        self.assertEqual(models["Select"]["fields"]["group_by"]["to"], "Booking")
        self.assertTrue(any("sailing_route_code_weekday_departs_fkey" in note for note in self.notes), self.notes)
        self.assertTrue(any(note.startswith("harbour_log: it has no key") for note in self.notes), self.notes)

    def served(self, db):
        server = db.serve("--models", self.out)
        self.addCleanup(server.kill)
        return server

    def test_every_model_is_read_and_rows_are_written(self):
        db = self.database(self.sql)
        models = self.inspect(db, "--include-views")
        server = self.served(db)
        client = server.client()
        for name in models:
            answer = client.get("/api/" + name.lower())
            self.assertEqual(answer.status, 200, (name, answer))
        made = client.post("/api/vessel", {
            "name": "Stavangerfjord", "imo": 9586605, "state": "laid up", "length_m": "170", "beam_m": "27.50",
            "features": ["sauna"], "built": 2013, "papers": {"a": 1}, "transponder": "08:00:2b:01:02:03",
            "top_speed": "18.5", "attributes": {}})
        self.assertEqual((made.status, made.json["area_m2"]), (201, "4675.00"), made)
        key = made.json["vessel_id"]
        self.assertEqual(client.patch("/api/vessel/%d" % key, {"state": "sold"}).json["state"], "sold")
        for params in ({"state": "sold"}, "state__in=sold,laid%20up", {"state__icontains": "OLD"},
                       {"top_speed__gt": "13"}, {"built__lt": "2014", "state": "sold"}):
            answer = client.get("/api/vessel", params)
            self.assertEqual(answer.status, 200, (params, answer))
            self.assertEqual([row["vessel_id"] for row in answer.json["results"]], [key], params)
        self.assertEqual(client.patch("/api/vessel", {"state": "sunk"}, {"imo": "9586605"}).status, 422)
        self.assertEqual(client.get("/api/berth/1,2").json, {"port_id": 1, "number": 2, "kind": "passenger", "length_m": 90})
        self.assertEqual(client.patch("/api/berth/1,2", {"kind": "both"}).json["kind"], "both")
        self.assertEqual(client.delete("/api/berth/1,2").status, 200)
        found = client.query("berth", {"filter": {"port__name": "Bergen", "kind": "ro-ro"}, "select_related": ["port"]})
        self.assertEqual([row["port"]["un_code"] for row in found.json["results"]], ["NOBGO"])
        made = client.post("/api/customer", {"email": "b@x.com", "fullname": "Bob", "field_2nd_phone": "1"})
        self.assertEqual((made.status, made.json["e_mail_ok"]), (201, False), made)
        sailing = client.get("/api/sailing").json["results"][0]["id"]
        made = client.post("/api/booking", {"customerid": 2, "sailing_id": sailing})
        self.assertEqual((made.status, made.json["booked_no"], made.json["class"]), (201, 2, "deck"), made)
        self.assertEqual(client.delete("/api/customer/2").status, 409)
        self.assertEqual(client.post("/api/portlist", {"id": 9, "name": "x", "country": "y"}).status >= 400, True)
        answer = client.post("/api/port/bulk_create", b"name,country_id,un_code\nOslo,1,NOOSL\n", {"Content-Type": "text/csv"})
        self.assertEqual((answer.status, answer.json), (201, {"created": 1}))
        self.assertEqual(client.get("/api/port", {"un_code": "NOOSL"}).json["results"][0]["name"], "Oslo")
        server.stop()
        self.assertNotIn("does not fit the models", server.output.text())

    def test_another_schema_and_single_tables(self):
        db = self.database(self.sql)
        models = self.inspect(db, "--schema", "crew")
        self.assertEqual(sorted(models), ["Member", "MemberSkill", "Skill"])
        self.assertEqual(models["Member"]["Meta"]["db_table"], 'crew"."member')
        self.assertTrue(any("refers to public.vessel" in note for note in self.notes), self.notes)
        self.assertEqual([found for found in self.differences(db) if found["level"] == "drift"], [])
        server = self.served(db)
        client = server.client()
        self.assertEqual(client.get("/api/memberskill", {"member__name": "Kari"}).json["results"],
                         [{"member_id": 1, "skill_id": 1, "since": "2020-01-01"}])
        self.assertEqual(client.post("/api/skill", {"id": 2, "name": "cooking"}).status, 201)
        server.stop()
        self.assertEqual(sorted(self.inspect(db, "country", "port", "port_list")), ["Country", "Port", "PortList"])
        done = db.run("inspectdb", "contry")
        self.assertEqual((done.returncode, done.complaint), (1, 'quern: There is no table "contry"; did you mean "country"?\n'))


class OddDatabases(Inspecting):
    def test_relations_that_would_meet_each_other_get_names(self):
        db = self.database("""
            CREATE TABLE team (id int PRIMARY KEY, game int, player_set int);
            CREATE TABLE player (id int PRIMARY KEY, team_id int REFERENCES team, team int REFERENCES team);
            CREATE TABLE game (id int PRIMARY KEY, home_id int REFERENCES team, away_id int REFERENCES team,
                "home" text, "Home" text, home__id int, "_" int, "a__b_" int, pk int, "1" int, "é" int)""")
        models = self.inspect(db)
        self.assertEqual(len(models["Game"]["fields"]), 11)
        self.assertEqual(db.run("check", "--models", self.out).returncode, 0)
        server = db.serve("--models", self.out)
        self.addCleanup(server.kill)
        db.sql("INSERT INTO team VALUES (1); INSERT INTO game (id, home_id, pk, \"1\") VALUES (1, 1, 5, 6)")
        row = server.client().get("/api/game/1").json
        self.assertEqual((row["pk_field"], row["field_1"]), (5, 6))
        server.stop()

    def test_names_with_quotation_marks_are_told(self):
        db = self.database('CREATE TABLE "a""b" (id int PRIMARY KEY); '
                           'CREATE TABLE c (id int PRIMARY KEY, "x""y" int, "it\'s" int); CREATE TABLE nothing ()')
        models = self.inspect(db)
        self.assertEqual(sorted(models), ["C"])
        self.assertEqual(sorted(models["C"]["fields"]), ["id", "it_s"])
        self.assertEqual(len(self.notes), 3, self.notes)

    def test_a_default_of_null_is_none_and_one_that_begins_alike_is_kept(self):
        db = self.database("CREATE TABLE t (id int PRIMARY KEY, a text DEFAULT NULL, b varchar(5) DEFAULT NULL, "
                           "d char(5) DEFAULT NULL, e numeric(5, 2) DEFAULT NULL, f timestamptz DEFAULT NULL, "
                           "g int[] DEFAULT NULL, h varchar(5) DEFAULT NULL::varchar(5), "
                           "c text NOT NULL DEFAULT NULLIF(current_user::text, ''))")
        fields = self.inspect(db)["T"]["fields"]
        self.assertEqual([name for name in fields if "db_default" in fields[name]], ["c"])
        self.assertEqual([found for found in self.differences(db) if found["level"] == "drift"], [])

    def test_an_empty_database_has_no_models(self):
        self.assertEqual(self.inspect(self.database()), {})

    def test_tables_that_refer_to_each_other_in_a_circle(self):
        db = self.database("""CREATE TABLE a (id int PRIMARY KEY, b_id int, c_id int UNIQUE);
            CREATE TABLE b (id int PRIMARY KEY REFERENCES a);
            ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b; ALTER TABLE a ADD FOREIGN KEY (c_id) REFERENCES a (c_id)""")
        models = self.inspect(db)
        self.assertEqual(models["B"]["fields"]["id"]["type"], "OneToOneField")
        self.assertEqual(models["A"]["fields"]["b"]["to"], "B")
        self.assertEqual(db.run("check", "--models", self.out).returncode, 0)


    def test_tables_of_others_may_begin_like_ours(self):
        db = self.database("CREATE TABLE quern_things (id int PRIMARY KEY)")
        self.assertEqual(list(self.inspect(db)), ["QuernThings"])
        self.assertEqual(self.differences(db), [])
        db.run("migrate", "--models", self.out)
        self.assertEqual(list(self.inspect(db)), ["QuernThings"])

    def test_a_schema_that_is_not_there_is_told(self):
        done = self.database().run("inspectdb", "--schema", "nowhere")
        self.assertEqual((done.returncode, done.text), (1, ""))
        self.assertIn('There is no schema "nowhere"', done.complaint)


class Drift(Inspecting):
    MODELS = {"models": {
        "Author": {"fields": {"name": {"type": "CharField", "max_length": 40, "unique": True, "db_comment": "who"}}},
        "Book": {"fields": {
            "title": {"type": "CharField", "max_length": 40, "db_index": True},
            "stock": {"type": "PositiveIntegerField", "db_default": 7},
            "author": {"type": "ForeignKey", "to": "Author", "on_delete": "CASCADE"},
            "readers": {"type": "ManyToManyField", "to": "Author", "related_name": "read"}},
            "Meta": {"constraints": [{"type": "CheckConstraint", "name": "titled", "condition": {"title__gt": ""}}],
                     "indexes": [{"fields": ["stock", "-title"], "name": "by_stock"}]}},
    }}
    # Each statement with what must be said about it, and whether it is drift.
    CHANGES = [
        ("ALTER TABLE book DROP COLUMN stock", "column stock", True),
        ("ALTER TABLE book ADD isbn text", "column isbn", True),
        ("ALTER TABLE book ALTER title TYPE text", "column title: type", True),
        ("ALTER TABLE book ALTER title DROP NOT NULL", "column title: null", True),
        ("ALTER TABLE book ALTER stock SET DEFAULT 8", "column stock: default", True),
        ("ALTER TABLE book ALTER stock DROP DEFAULT", "column stock: default", True),
        ("ALTER TABLE book ALTER id DROP IDENTITY", "column id: default", True),
        ("ALTER TABLE book DROP CONSTRAINT titled", "check titled", True),
        ("ALTER TABLE book DROP CONSTRAINT book_stock_check", "check book_stock_check", True),
        ("ALTER TABLE book ADD CONSTRAINT more CHECK (stock < 100)", "check more", True),
        ("ALTER TABLE book RENAME CONSTRAINT titled TO named", "check named: name", False),
        ("ALTER TABLE book DROP CONSTRAINT titled; ALTER TABLE book ADD CONSTRAINT titled CHECK (title > 'a')",
         "check titled: definition", True),
        ("DROP INDEX by_stock", "index by_stock", True),
        ("DROP INDEX by_stock; CREATE INDEX by_stock ON book (stock, title)", "index by_stock: definition", True),
        ("CREATE INDEX another ON book (stock)", "index another", True),
        ("CREATE UNIQUE INDEX lone ON book (title) WHERE stock > 3", "unique lone", True),
        ("ALTER TABLE author DROP CONSTRAINT author_name_key", "unique author_name_key", True),
        ("ALTER TABLE author ADD UNIQUE (name, id) DEFERRABLE", "unique author_name_id_key", True),
        ("ALTER TABLE author ALTER name TYPE varchar(40) COLLATE \"C\"", "column name: collation", True),
        ("COMMENT ON COLUMN author.name IS 'whom'", "column name: comment", True),
        ("COMMENT ON TABLE author IS 'writers'", "comment", True),
        ("DROP TABLE book_readers", None, True),
        ("CREATE TABLE elsewhere (id int)", "table elsewhere", False),
        ("ALTER TABLE book DROP CONSTRAINT book_author_id_{fk}; ALTER TABLE book ADD FOREIGN KEY (author_id) "
         "REFERENCES author ON DELETE CASCADE", "foreign key book_author_id_fkey: manner", False),
        ("ALTER TABLE book DROP CONSTRAINT book_author_id_{fk}", "foreign key book_author_id_{fk}", True),
        ("ALTER TABLE book DROP CONSTRAINT book_author_id_{fk}; ALTER TABLE book ADD CONSTRAINT book_author_id_{fk} "
         "FOREIGN KEY (author_id) REFERENCES author DEFERRABLE INITIALLY DEFERRED NOT VALID",
         "foreign key book_author_id_{fk}: manner", False),
        ("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'author_name_key'::regclass",
         "unique author_name_key: definition", True),
        ("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'by_stock'::regclass",
         "index by_stock: manner", False),
        ("ALTER TABLE book_readers DROP CONSTRAINT book_readers_pkey", "primary key ", True),
    ]

    def test_every_change_of_the_database_is_found_and_nothing_else(self):
        with open(self.out, "w", encoding="utf-8") as file:
            json.dump(self.MODELS, file)
        db = self.database()
        self.assertEqual(db.run("migrate", "--models", self.out).returncode, 0)
        self.assertEqual(self.differences(db), [])
        name = db.sql("SELECT conname FROM pg_constraint WHERE conname LIKE 'book_author_id_%%'")[0][0]
        fk = name[len("book_author_id_"):]
        for change, subject, is_drift in self.CHANGES:
            with self.subTest(change=change):
                self.check_change(db, change.replace("{fk}", fk), subject and subject.replace("{fk}", fk), is_drift)
            db.drop()
            db = self.database()
            db.run("migrate", "--models", self.out)

    def check_change(self, db, change, subject, is_drift):
        db.sql(change)
        found = self.differences(db)
        self.assertIn(subject, [one["subject"] for one in found])
        told = [one for one in found if one["subject"] == subject]
        self.assertEqual({one["level"] for one in told}, {"drift" if is_drift else "note"}, found)
        done = db.run("diff", "--models", self.out)
        self.assertEqual(done.returncode, 1 if is_drift else 0, done.text)

    def test_a_type_that_the_database_does_not_know_is_told(self):
        with open(self.out, "w", encoding="utf-8") as file:
            json.dump({"models": {"A": {"fields": {"mood": {"type": "CharField", "db_type": "mood"}}}}}, file)
        db = self.database("CREATE TABLE a (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, mood text NOT NULL)")
        found = self.differences(db)
        self.assertEqual(len(found), 1)
        self.assertIn('type "mood" does not exist', found[0]["models"])

    def test_a_database_that_is_only_read_by_default_is_compared(self):
        with open(self.out, "w", encoding="utf-8") as file:
            json.dump(self.MODELS, file)
        db = self.database()
        db.run("migrate", "--models", self.out)
        db.sql('ALTER DATABASE "%s" SET default_transaction_read_only = on' % db.name)
        self.assertEqual(self.differences(db), [])

    def test_who_may_not_compare_is_told_so(self):
        with open(self.out, "w", encoding="utf-8") as file:
            json.dump(self.MODELS, file)
        db = self.database()
        role = db.name + "_reader"
        db.sql('CREATE ROLE "%s" LOGIN; REVOKE TEMP ON DATABASE "%s" FROM PUBLIC' % (role, db.name))
        self.addCleanup(db.sql, 'DROP ROLE "%s"' % role)
        db.url = db.url.replace("user=quern", "user=" + role)
        done = db.run("diff", "--models", self.out)
        self.assertEqual((done.returncode, done.text), (1, ""))
        self.assertIn("Cannot make temporary tables", done.complaint)


class DbType(unittest.TestCase):
    def test_what_is_no_type_is_a_mistake(self):
        for text in ("int; DROP TABLE x", "int -- x", "a'b", 'a"b', "int)/**/", ""):
            with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                json.dump({"models": {"A": {"fields": {"a": {"type": "TextField", "db_type": text}}}}}, file)
                file.flush()
                done = harness.run_program(["check", "--models", file.name])
                self.assertEqual(done.returncode, 1, text)
                self.assertIn("db_type", done.stdout)

    def test_a_request_has_no_raw_sql(self):
        with databases.database() as db:
            path = harness.model_file("news")
            db.run("migrate", "--models", path)
            server = db.serve("--models", path)
            self.addCleanup(server.kill)
            with contextlib.closing(server.client()) as client:
                for body in ({"filter": {"RawSQL": "true"}}, {"annotate": {"a": {"RawSQL": "1"}}},
                             {"filter": {"title": {"RawSQL": "title"}}}, {"order_by": [{"expr": {"RawSQL": "1"}}]}):
                    answer = client.query("article", body)
                    self.assertEqual(answer.status, 400, answer)
                    self.assertIn("RawSQL", answer.json["detail"])


if __name__ == "__main__":
    unittest.main()
