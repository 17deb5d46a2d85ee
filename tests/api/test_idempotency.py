"""Idempotency-Key: a write that is sent again is answered again and not done again, whatever died in between."""

import concurrent.futures
import http.client
import os
import random
import shutil
import signal
import threading
import time
import unittest
import uuid

import harness
from harness import ApiTest, Client, Cluster, Process

SEED = """
    INSERT INTO author (handle) VALUES ('jane'), ('john');
    INSERT INTO article (title, body, author_id, published) VALUES ('one', 'b', 1, true);
    TRUNCATE quern_idempotency;
"""
# Makes every commit of a new article take its time: a client can be gone, a server dead by then.
SLOW_COMMIT = """
    CREATE OR REPLACE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN IF NEW.body = ''slow'' THEN PERFORM pg_sleep(0.7); END IF; RETURN NULL; END';
    DROP TRIGGER IF EXISTS linger ON article;
    CREATE CONSTRAINT TRIGGER linger AFTER INSERT ON article DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION linger();
"""


def keyed(key, **more):
    return {"Idempotency-Key": key, **more}


class IdempotencyTest(ApiTest):
    models = ("news",)
    seed = SEED

    def count(self, table="article"):
        return self.sql("SELECT count(*) FROM %s" % table)[0][0]

    def assert_replayed(self, answer, first):
        self.assertEqual((answer.status, answer.body), (first.status, first.body))
        for name in ("Location", "ETag", "Content-Type"):
            self.assertEqual(answer.headers.get(name), first.headers.get(name), name)
        self.assertEqual(answer.headers["Idempotency-Replayed"], "true")

    def twice(self, method, path, body=None, status=200, **headers):
        """Both answers of one request sent twice."""
        headers = keyed(str(uuid.uuid4()), **headers)
        first = self.api.request(method, path, body, headers)
        self.assertEqual(first.status, status, first)
        self.assertIsNone(first.headers["Idempotency-Replayed"])
        self.assert_replayed(self.api.request(method, path, body, headers), first)
        return first

    def test_every_way_to_write_is_done_once(self):
        self.twice("POST", "/api/article", {"title": "two", "body": "b"}, 201)
        self.twice("POST", "/api/article/create", {"title": "three", "body": "b"}, 201)
        self.twice("POST", "/api/article/bulk_create", [{"title": str(n), "body": "b"} for n in range(5)], 201)
        self.assertEqual(self.count(), 8)
        self.twice("POST", "/api/article/update", {"filter": {"pk": 1}, "set": {"body": {"Concat": [{"F": "body"}, {"Value": "!"}]}}})
        self.twice("PATCH", "/api/article?pk=1", {"body": {"Concat": [{"F": "body"}, {"Value": "!"}]}})
        self.twice("PATCH", "/api/article/1", {"body": {"Concat": [{"F": "body"}, {"Value": "!"}]}})
        self.assertEqual(self.sql("SELECT body FROM article WHERE id = 1"), [("b!!!",)])
        self.twice("PUT", "/api/article/1", {"title": "t", "body": "x"})
        self.twice("POST", "/api/author/get_or_create", {"lookup": {"handle": "new"}}, 201)
        self.twice("POST", "/api/article/1/vote_set/create", {"author": 2}, 201)
        self.assertEqual(self.count("vote"), 1)
        self.twice("DELETE", "/api/article/1")
        self.twice("DELETE", "/api/article?title=two")
        self.twice("POST", "/api/article/delete", {"filter": {"title": "three"}})
        self.assertEqual(self.count(), 5)

    def test_a_key_may_stand_in_quotes(self):
        first = self.api.post("/api/author", {"handle": "q"}, keyed('"abc"'))
        self.assert_replayed(self.api.post("/api/author", {"handle": "q"}, keyed("abc")), first)

    def test_the_row_may_be_gone_when_the_request_is_repeated(self):
        first = self.api.post("/api/author", {"handle": "gone"}, keyed("k"))
        self.sql("DELETE FROM author WHERE handle = 'gone'")
        self.assert_replayed(self.api.post("/api/author", {"handle": "gone"}, keyed("k")), first)
        self.assertEqual(self.count("author"), 2)

    def test_another_request_under_the_same_key_is_refused(self):
        self.api.post("/api/author", {"handle": "a"}, keyed("k"))
        others = [("POST", "/api/author", {"handle": "b"}), ("POST", "/api/author/create", {"handle": "a"}),
                  ("PATCH", "/api/author/1", {"handle": "a"}), ("DELETE", "/api/author/1", None),
                  ("POST", "/api/author", b'{ "handle": "a"}')]
        for method, path, body in others:
            answer = self.api.request(method, path, body, keyed("k", **{"Content-Type": "application/json"}))
            self.assert_problem(answer, 422, "ValidationError", detail="This Idempotency-Key was used for another request")
        self.assertEqual(self.count("author"), 3)

    def test_a_failed_write_keeps_nothing_and_may_be_put_right(self):
        answer = self.api.post("/api/author", {"handle": "x" * 100}, keyed("k"))
        self.assertEqual(answer.status, 422)
        self.assertEqual(self.api.post("/api/author", {"handle": "jane"}, keyed("k")).status, 409)
        self.assertEqual(self.api.post("/api/author", {"hundle": "x"}, keyed("k")).status, 400)
        self.assert_problem(self.api.post("/api/vote", {"author": 1, "article": 99}, keyed("k")), 409, "IntegrityError", fields=["article"],
                            detail="Article instance with this id does not exist.")
        self.assertEqual(self.api.delete("/api/author/99", headers=keyed("k")).status, 404)
        self.assertEqual(self.count("quern_idempotency"), 0)
        self.assertEqual(self.api.post("/api/author", {"handle": "x"}, keyed("k")).status, 201)

    def test_keys_have_a_form(self):
        for key in ("", '""', "a b", "x" * 256, "\u00e4", "a\tb"):
            connection = http.client.HTTPConnection("127.0.0.1", self.server.port)
            connection.request("DELETE", "/api/author/1", headers=keyed(key.encode("utf-8")))
            self.assertEqual(connection.getresponse().status, 400, key)
            connection.close()
        self.assertEqual(self.count("author"), 2)
        self.twice("POST", "/api/author", {"handle": "z"}, 201)
        self.assertEqual(self.api.post("/api/author", {"handle": "y"}, keyed("!" * 255)).status, 201)

    def test_two_keys_are_none(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port)
        self.addCleanup(connection.close)
        connection.putrequest("DELETE", "/api/author/1")
        connection.putheader("Idempotency-Key", "a")
        connection.putheader("Idempotency-Key", "b")
        connection.endheaders()
        self.assertEqual(connection.getresponse().status, 400)
        self.assertEqual(self.count("author"), 2)

    def test_reads_pass_it_over(self):
        for _ in range(2):
            answer = self.api.request("GET", "/api/author/count", headers=keyed("k"))
            self.assertIsNone(answer.headers["Idempotency-Replayed"])
            self.assertEqual(self.api.request("POST", "/api/author/query", {}, keyed("k")).status, 200)
        self.assertEqual(self.count("quern_idempotency"), 0)

    def test_with_a_condition_the_repeat_is_answered_and_not_compared(self):
        tag = self.api.get("/api/article/1").headers["ETag"]
        first = self.twice("PATCH", "/api/article/1", {"title": "new"}, **{"If-Match": tag})
        self.assertNotEqual(first.headers["ETag"], tag)
        answer = self.api.patch("/api/article/1", {"title": "newer"}, headers=keyed("k2", **{"If-Match": tag}))
        self.assertEqual(answer.status, 412)
        self.assertEqual(self.sql("SELECT count(*) FROM quern_idempotency WHERE key = 'k2'"), [(0,)])

    def test_a_repeat_while_the_first_is_under_way_waits_for_it(self):
        self.sql(SLOW_COMMIT)
        body = {"title": "t", "body": "slow"}

        def send(_):
            api = Client(self.server.port)
            try:
                return api.post("/api/article", body, keyed("same"))
            finally:
                api.close()

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(send, range(6)))
        self.assertEqual({answer.status for answer in answers}, {201}, answers)
        self.assertEqual(len({answer.body for answer in answers}), 1)
        self.assertEqual([answer.headers["Idempotency-Replayed"] for answer in answers].count(None), 1)
        self.assertEqual(self.count(), 2)

    def test_when_the_first_fails_one_of_those_who_wait_does_it(self):
        """The first breaks a unique constraint of another transaction that then is rolled back."""
        import psycopg2

        other = psycopg2.connect(**self.server.database)
        self.addCleanup(other.close)
        other.cursor().execute("INSERT INTO author (handle) VALUES ('wanted')")
        def send():
            api = Client(self.server.port)
            try:
                return api.post("/api/author", {"handle": "wanted"}, keyed("k"))
            finally:
                api.close()

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            sent = [pool.submit(send) for _ in range(4)]
            time.sleep(0.3)
            other.rollback()
            answers = [one.result() for one in sent]
        self.assertEqual({answer.status for answer in answers}, {201})
        self.assertEqual(self.count("author"), 3)

    def test_a_client_that_left_finds_the_answer(self):
        self.sql(SLOW_COMMIT)
        impatient = Client(self.server.port, timeout=0.3)
        with self.assertRaises(OSError):
            impatient.post("/api/article", {"title": "t", "body": "slow"}, keyed("left"))
        impatient.close()
        answer = self.api.post("/api/article", {"title": "t", "body": "slow"}, keyed("left"))
        self.assertEqual(answer.status, 201)
        self.assertEqual(self.count(), 2)

    def test_expired_keys_are_free_again_and_taken_away(self):
        self.api.post("/api/author", {"handle": "a"}, keyed("k"))
        self.sql("UPDATE quern_idempotency SET expires_at = now() - interval '1 second'")
        answer = self.api.post("/api/author", {"handle": "b"}, keyed("k"))
        self.assertEqual(answer.status, 201)
        self.assertIsNone(answer.headers["Idempotency-Replayed"])
        self.assertEqual(self.count("quern_idempotency"), 1)

    def test_a_reply_lives_a_day(self):
        self.api.post("/api/author", {"handle": "a"}, keyed("k"))
        kept = self.sql("SELECT extract(epoch FROM expires_at - created_at)::int FROM quern_idempotency")
        self.assertEqual(kept, [(86400,)])

    def test_hostile_keys_and_bodies_are_data(self):
        for n, key in enumerate(("'", "';DROP/**/TABLE/**/author;--", "\\", "$1", "%s", "{}")):
            self.twice("POST", "/api/author", {"handle": "h%d'\"\\;--" % n}, 201)
            self.assertEqual(self.api.post("/api/author", {"handle": "i%d" % n}, keyed(key)).status, 201)
        self.assertEqual(self.count("author"), 14)


class ServedTest(unittest.TestCase):
    """`quern serve` on a PostgreSQL of its own, whose backends and whose server die."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.remove)
        cls.models = os.path.join(cls.cluster.folder, "models")
        os.mkdir(cls.models)
        os.chmod(cls.models, 0o755)
        shutil.copy(harness.model_file("news"), cls.models)
        cls.environment = {"QUERN_DATABASE_URL": cls.cluster.url, "QUERN_IDEMPOTENCY_BYTES": "20000"}
        migrated = harness.run_program(["migrate", "--models", cls.models], cls.environment)
        if migrated.returncode != 0:
            raise AssertionError(migrated.stdout)

    def setUp(self):
        self.cluster.sql("TRUNCATE author, article, vote, quern_idempotency RESTART IDENTITY CASCADE")
        self.process = Process(["serve", "--models", self.models, "--port", "0"], self.environment)
        self.addCleanup(lambda: self.process.stop())

    def until_acknowledged(self, body, key, path="/api/article"):
        """As a careful client does it: the same request again until there is an answer that says what became of it."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            api = Client(self.process.port, timeout=10)
            try:
                answer = api.post(path, body, keyed(key))
                if answer.status != 503:
                    return answer
            except (OSError, http.client.HTTPException):
                pass
            finally:
                api.close()
            time.sleep(0.02)
        raise AssertionError("never answered")

    def test_killed_backends_never_make_a_write_twice_or_lose_one(self):
        stop = threading.Event()
        kills = []

        def kill():
            while not stop.is_set():
                time.sleep(random.uniform(0.005, 0.03))
                kills.extend(self.cluster.sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'quern'"
                    " ORDER BY random() LIMIT 1"))

        def work(worker):
            answers = []
            while len(answers) < 40 or len(kills) < 10:
                title = "%d-%d" % (worker, len(answers))
                answers.append((title, self.until_acknowledged({"title": title, "body": "b"}, title)))
            return answers

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                answers = [one for answered in pool.map(work, range(8)) for one in answered]
        finally:
            stop.set()
            killer.join()
        self.assertGreaterEqual(len(kills), 10)
        self.assertEqual({answer.status for _, answer in answers}, {201})
        kept = dict(self.cluster.sql("SELECT title, id FROM article"))
        self.assertEqual(self.cluster.sql("SELECT count(*) FROM article"), [(len(answers),)])
        self.assertEqual({title: answer.json["id"] for title, answer in answers}, kept)

    def test_a_server_that_is_killed_while_it_commits(self):
        """The commit goes on in PostgreSQL; its answer is lost with the server."""
        self.cluster.sql(SLOW_COMMIT)
        body = {"title": "t", "body": "slow"}
        lost = threading.Thread(target=lambda: self.assertRaises(
            Exception, Client(self.process.port).post, "/api/article", body, keyed("k")))
        lost.start()
        time.sleep(0.4)
        self.process.process.send_signal(signal.SIGKILL)
        lost.join()
        self.process.kill()
        self.process = Process(["serve", "--models", self.models, "--port", "0"], self.environment)
        answer = self.until_acknowledged(body, "k")
        self.assertEqual(answer.status, 201)
        self.assertEqual(self.cluster.sql("SELECT id FROM article"), [(answer.json["id"],)])

    def test_a_reply_that_is_too_long_to_keep_is_not_written(self):
        api = self.process.client()
        self.addCleanup(api.close)
        rows = [{"title": str(n), "body": "x" * 1000} for n in range(30)]
        answer = api.post("/api/article/bulk_create", rows, keyed("k"))
        self.assertEqual(answer.status, 413, answer)
        self.assertEqual(answer.json["title"], "RequestTooLarge")
        self.assertIn("longer than the 20000 bytes", answer.json["detail"])
        self.assertEqual(self.cluster.sql("SELECT count(*) FROM article"), [(0,)])
        self.assertEqual(api.post("/api/article/bulk_create", rows).status, 201)

    def test_expired_keys_are_purged_by_those_who_use_keys(self):
        self.cluster.sql("INSERT INTO quern_idempotency (identity, key, fingerprint, expires_at, status, content_type, headers, body)"
                         " SELECT '', 'old' || n, '', now() - interval '1 hour', 200, '', '', '' FROM generate_series(1, 5000) n")
        self.until_acknowledged({"handle": "a"}, "new", "/api/author")
        end = time.monotonic() + 10
        while self.cluster.sql("SELECT count(*) FROM quern_idempotency") != [(1,)]:
            self.assertLess(time.monotonic(), end, "expired keys stay")
            time.sleep(0.05)

    def test_a_database_without_the_table_says_how_to_get_it(self):
        self.cluster.sql("DROP TABLE quern_idempotency")
        answer = self.until_acknowledged({"handle": "a"}, "k", "/api/author")
        migrated = harness.run_program(["migrate", "--models", self.models], self.environment)
        self.assertEqual(migrated.returncode, 0, migrated.stdout)
        self.assertEqual(answer.status, 400)
        self.assertEqual(answer.json["title"], "NotSupportedError")
        self.assertIn("`quern migrate`", answer.json["detail"])
        self.assertEqual(self.cluster.sql("SELECT count(*) FROM author"), [(0,)])
        self.assertEqual(self.until_acknowledged({"handle": "a"}, "k", "/api/author").status, 201)


if __name__ == "__main__":
    unittest.main()
