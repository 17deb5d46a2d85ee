"""The program as a person meets it: started, stopped, started again, asked wrongly."""

import json
import os
import shutil
import signal
import threading
import time
import unittest

import harness
import psycopg2
import seeds
from harness import Process, Server, run_program


class DevTest(unittest.TestCase):
    def start(self, *names):
        server = Server(*names)
        self.addCleanup(shutil.rmtree, server.folder, True)
        self.addCleanup(server.kill)
        return server

    def again(self, server):
        """The same command once more, on the same data."""
        process = Process(server.arguments[1:])
        self.addCleanup(process.kill)
        return process

    def ask(self, process, path):
        client = process.client()
        try:
            return client.get(path)
        finally:
            client.close()

    def test_what_was_written_is_there_after_a_restart(self):
        server = self.start("staff")
        server.sql(seeds.STAFF)
        Process.stop(server)
        second = self.again(server)
        self.assertEqual(self.ask(second, "/api/employee/count").json, {"count": 10})
        second.stop()

    def test_one_ctrl_c_stops_all_of_it(self):
        server = self.start("staff")
        with open(os.path.join(server.data, "postgres", "postmaster.pid"), encoding="ascii") as file:
            postgres = int(file.readline())
        os.kill(postgres, 0)
        server.stop(signal.SIGINT)
        with self.assertRaises(ProcessLookupError):
            os.kill(postgres, 0)

    def test_the_private_postgresql_never_runs_as_root(self):
        server = self.start("staff")
        with open(os.path.join(server.data, "postgres", "postmaster.pid"), encoding="ascii") as file:
            postgres = int(file.readline())
        self.assertNotEqual(os.stat("/proc/%d" % postgres).st_uid, 0)
        self.assertEqual(server.sql("SHOW listen_addresses"), [("",)])
        server.stop()

    def test_a_data_folder_that_is_in_use_is_refused(self):
        server = self.start("staff")
        second = run_program(server.arguments[1:], seconds=60)
        self.assertNotEqual(second.returncode, 0)
        self.assertIn(server.data, second.stdout)
        self.assertEqual(self.ask(server, "/api/role/count").status, 200)
        server.stop()

    def test_requests_under_way_are_finished_before_it_ends(self):
        server = self.start("staff")
        server.sql(seeds.STAFF)
        lock = psycopg2.connect(**server.database)
        lock.cursor().execute("LOCK TABLE role IN ACCESS EXCLUSIVE MODE")
        answers = []
        asker = threading.Thread(target=lambda: answers.append(self.ask(server, "/api/role/count")))
        asker.start()
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        self.assertIsNone(server.process.poll(), "it did not wait")
        lock.rollback()
        lock.close()
        asker.join(20)
        self.assertEqual(server.process.wait(harness.STOP_SECONDS), 0, server.tail())
        self.assertEqual(answers[0].json, {"count": 5})

    def test_it_says_when_it_is_alive_and_ready(self):
        server = self.start("staff")
        self.assertEqual(self.ask(server, "/health/live").status, 200)
        end = time.monotonic() + 5
        while self.ask(server, "/health/ready").status != 200:
            self.assertLess(time.monotonic(), end, "never ready")
            time.sleep(0.01)
        server.stop()

    def test_every_request_has_a_line_with_its_id(self):
        server = Server("staff", environment={"QUERN_LOG_FORMAT": "json", "QUERN_LOG_LEVEL": "debug"})
        self.addCleanup(shutil.rmtree, server.folder, True)
        self.addCleanup(server.kill)
        names = [self.ask(server, path).headers["X-Request-Id"] for path in ("/api/role", "/api/rolle", "/health/live")]
        self.assertEqual(len(set(names)), 3)
        server.stop()
        lines = [json.loads(line) for line in server.output.lines if line.startswith("{")]
        for name in names[:2]:
            self.assertTrue(any(line.get("id") == name for line in lines), server.tail())


class ServeTest(unittest.TestCase):
    def setUp(self):
        self.cluster = harness.Cluster()
        self.addCleanup(self.cluster.remove)
        self.environment = {"QUERN_DATABASE_URL": self.cluster.url}

    def migrate(self, name):
        return run_program(["migrate", "--models", harness.model_file(name)], self.environment)

    def test_migrating_twice_changes_nothing_the_second_time(self):
        first = self.migrate("press")
        self.assertEqual(first.returncode, 0, first.stdout)
        catalog = "SELECT relname, oid FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
        before = self.cluster.sql(catalog)
        self.assertTrue(before)
        second = self.migrate("press")
        self.assertEqual(second.returncode, 0, second.stdout)
        self.assertEqual(self.cluster.sql(catalog), before)

    def test_tables_that_someone_else_made_are_served_as_they_are(self):
        self.cluster.sql("CREATE TABLE role (id bigint PRIMARY KEY, name varchar(64) NOT NULL);"
                         "CREATE TABLE employee (id bigint PRIMARY KEY, role_id bigint NOT NULL, full_name text NOT NULL,"
                         " years_of_service smallint NOT NULL, salary numeric NOT NULL, bonus numeric NOT NULL,"
                         " temp_field numeric, is_active boolean NOT NULL);"
                         "INSERT INTO role VALUES (1, 'Manager'); INSERT INTO employee VALUES (1, 1, 'A', 2, 3, 4, NULL, true)")
        process = Process(["serve", "--models", harness.model_file("staff"), "--port", "0"], self.environment)
        self.addCleanup(process.kill)
        client = process.client()
        self.addCleanup(client.close)
        rows = client.get("/api/employee", "role__name=Manager&select_related=role").json["results"]
        self.assertEqual([(row["full_name"], row["role"]["name"]) for row in rows], [("A", "Manager")])
        process.stop()

    def test_it_ends_in_order_from_its_first_moment_on(self):
        self.assertEqual(self.migrate("staff").returncode, 0)
        for number in range(12):
            process = Process(["serve", "--models", harness.model_file("staff"), "--port", "0"], self.environment)
            self.addCleanup(process.kill)
            time.sleep(number % 4 * 0.005)
            process.stop()

    def test_what_does_not_fit_is_named_at_start(self):
        self.cluster.sql("CREATE TABLE role (id bigint PRIMARY KEY)")
        process = Process(["serve", "--models", harness.model_file("staff"), "--port", "0"], self.environment)
        self.addCleanup(process.kill)
        for words in ("employee", "name"):
            self.assertTrue(process.output.wait_for(words, 10), process.tail())
        client = process.client()
        self.addCleanup(client.close)
        for path in ("/api/role", "/api/employee"):
            response = client.get(path)
            self.assertGreaterEqual(response.status, 500, response)
            self.assertEqual(response.headers.get_content_type(), "application/problem+json")
            self.assertNotIn("SELECT", response.json["detail"])
        self.assertEqual(client.get("/health/live").status, 200)
        process.stop()


class CommandLineTest(unittest.TestCase):
    def setUp(self):
        self.folder = harness.private_folder()
        self.addCleanup(shutil.rmtree, self.folder, True)

    def file(self, text):
        path = os.path.join(self.folder, "models.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_every_mistake_of_a_model_file_is_named_in_one_run(self):
        path = self.file('{"models": {\n  "A": {"fields": {"x": "CharFild", "y": {"type": "CharField", "max_lenght": 5}}},\n'
                         '  "B": {"fields": {"a": {"type": "ForeignKey", "to": "AA", "on_delete": "CASCADE"}}}\n}}\n')
        for command in ("check", "dev", "migrate"):
            done = run_program([command, "--models", path])
            self.assertNotEqual(done.returncode, 0, command)
            for words in (path + ":2:", path + ":3:", "CharField", "max_length", "/models/A/fields/x", "/models/B/fields/a"):
                self.assertIn(words, done.stdout, command)

    def test_examples_are_right(self):
        for name in ("staff", "news", "fleet", "fleet_grants", "press", "deletion", "every_type"):
            done = run_program(["check", "--models", harness.model_file(name)])
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_sql_without_a_database(self):
        body = json.dumps({"filter": {"role__name": "x' OR 1=1"}, "order_by": ["id"]}).encode()
        done = run_program(["sql", "--models", harness.model_file("staff"), "employee", "query", "-"], data=body)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("$1", done.stdout)
        self.assertIn('"employee"', done.stdout)
        self.assertEqual(done.stdout.count("1=1"), 1, "the value stands among the parameters, not in the text")

    def test_help_and_version(self):
        done = run_program(["--help"])
        self.assertEqual(done.returncode, 0)
        for command in ("dev", "serve", "migrate", "check", "sql"):
            self.assertIn(command, done.stdout)
            self.assertEqual(run_program([command, "--help"]).returncode, 0)
        self.assertRegex(run_program(["--version"]).stdout, r"\d+\.\d+")
        self.assertNotEqual(run_program(["devv"]).returncode, 0)
        self.assertIn("did you mean", run_program(["dev", "--prot", "5"]).stdout)


if __name__ == "__main__":
    unittest.main()
