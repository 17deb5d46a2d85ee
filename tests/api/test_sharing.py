"""Identical reads share an execution, and nobody is given what is older than his own question."""

import socket
import threading
import time
import unittest

import harness
import psycopg2
import seeds
from test_concurrency import together

PATH = "/api/article"
PARAMS = "annotate=n:Count(vote)&order_by=-n,id&limit=5"


class SharingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server("staff", "news", environment={"QUERN_WORKERS": "1", "QUERN_POOL_SIZE": "24"})
        cls.addClassCleanup(cls.server.stop)

    def setUp(self):
        self.server.sql("TRUNCATE role, author, article, vote, employee RESTART IDENTITY CASCADE")
        self.server.sql(seeds.STAFF + seeds.NEWS)
        self.lock = psycopg2.connect(**self.server.database)
        self.addCleanup(self.lock.close)

    def hold(self, table="article"):
        """Whoever reads the table waits."""
        self.lock.cursor().execute("LOCK TABLE %s IN ACCESS EXCLUSIVE MODE" % table)

    def wait_for_backends(self, count):
        """Until so many statements wait for the lock; how many there are then."""
        until, waiting = time.monotonic() + 20, 0
        while time.monotonic() < until:
            waiting, = self.server.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")[0]
            if waiting >= count:
                time.sleep(0.2)
                return self.server.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")[0][0]
            time.sleep(0.02)
        return waiting

    def ask_in_threads(self, count, path=PATH, params=PARAMS):
        answers = []

        def work():
            client = self.server.client()
            answers.append(client.get(path, params))
            client.close()

        threads = [threading.Thread(target=work) for _ in range(count)]
        for thread in threads:
            thread.start()
        return threads, answers

    def test_the_same_question_is_asked_once(self):
        self.hold()
        threads, answers = self.ask_in_threads(12)
        self.assertEqual(self.wait_for_backends(1), 1)
        self.lock.rollback()
        for thread in threads:
            thread.join()
        self.assertEqual([answer.status for answer in answers], [200] * 12)
        self.assertEqual(len({answer.body for answer in answers}), 1)
        self.assertEqual(len({answer.headers["X-Request-Id"] for answer in answers}), 12)
        self.assertEqual(len({answer.headers["ETag"] for answer in answers}), 1)

    def test_what_is_drawn_by_chance_is_drawn_for_each(self):
        """Also where the plan is kept."""
        client = self.server.client()
        drawn = {"annotate": {"mark": {"RandomUUID": []}}, "order_by": ["id"], "limit": 1}
        asks = {"query": (drawn, lambda answer: answer["results"][0]["mark"]), "first": (drawn, lambda answer: answer["mark"]),
                "latest": ({"annotate": drawn["annotate"], "fields": ["id"]}, lambda answer: answer["mark"]),
                "in_bulk": ({"annotate": drawn["annotate"], "ids": [1]}, lambda answer: answer["results"]["1"]["mark"]),
                "aggregate": ({"aggregate": {"mark": {"Max": {"Random": []}}}}, lambda answer: answer["mark"])}
        self.assertEqual(client.post("/api/article/query", drawn).status, 200)
        client.close()
        for method, (body, mark) in asks.items():
            for _ in range(2 if method == "query" else 1):
                with self.subTest(method):
                    self.hold()
                    answers = []
                    threads = [threading.Thread(target=self.ask_once, args=(method, body, answers)) for _ in range(4)]
                    for thread in threads:
                        thread.start()
                    self.assertGreaterEqual(self.wait_for_backends(1), 1)
                    self.lock.rollback()
                    for thread in threads:
                        thread.join()
                    self.assertEqual([answer.status for answer in answers], [200] * 4, answers)
                    self.assertEqual(len({mark(answer.json) for answer in answers}), 4)

    def ask_once(self, method, body, answers):
        client = self.server.client()
        answers.append(client.post("/api/article/" + method, body))
        client.close()

    def test_other_questions_do_not_wait_for_it(self):
        self.hold()
        threads, answers = self.ask_in_threads(3)
        self.assertEqual(self.wait_for_backends(1), 1)
        others, _ = self.ask_in_threads(1, params=PARAMS.replace("limit=5", "limit=4"))
        self.assertEqual(self.wait_for_backends(2), 2)
        client = self.server.client()
        self.assertEqual(client.get("/api/role/count").status, 200)
        client.close()
        self.lock.rollback()
        for thread in threads + others:
            thread.join()

    def test_who_asks_later_sees_what_was_written_before(self):
        """The first execution reads before the vote, those who come after the vote share another."""
        self.hold("vote")
        threads, answers = self.ask_in_threads(1, "/api/vote/count", "")
        self.assertEqual(self.wait_for_backends(1), 1)
        self.lock.cursor().execute("DELETE FROM vote")
        late, later = self.ask_in_threads(6, "/api/vote/count", "")
        time.sleep(0.3)
        self.lock.commit()
        for thread in threads + late:
            thread.join()
        self.assertEqual([answer.status for answer in answers], [200])
        self.assertEqual([answer.json for answer in later], [{"count": 0}] * 6)

    def test_counts_never_go_back(self):
        written, stop = [0], threading.Event()

        def write():
            client = self.server.client()
            for number in range(1, 400):
                self.assertEqual(client.patch("/api/employee/1", {"years_of_service": number}).status, 200)
                written[0] = number
            stop.set()
            client.close()

        def read(number):
            client = self.server.client()
            while not stop.is_set():
                known = written[0]
                answer = client.get("/api/employee", "id=1" if number % 2 else "id=1&only=years_of_service").json
                self.assertGreaterEqual(answer["results"][0]["years_of_service"], known)
            client.close()

        together(13, lambda number: read(number) if number else write())

    def test_who_was_just_answered_comes_along(self):
        """Two who ask again and again would take turns if the next execution began at once, and share nothing."""
        self.server.sql("ALTER TABLE role RENAME TO hidden_role; CREATE VIEW role AS SELECT hidden_role.* FROM hidden_role, pg_sleep(0.13)")
        self.addCleanup(self.server.sql, "DROP VIEW role; ALTER TABLE hidden_role RENAME TO role")

        def ask(_):
            client = self.server.client()
            for _ in range(20):
                self.assertEqual(client.get("/api/role", "order_by=id").status, 200)
            client.close()

        before = self.shared()
        together(2, ask)
        self.assertGreaterEqual(self.shared() - before, 4)

    def shared(self):
        client = self.server.client()
        text = client.get("/metrics").body.decode()
        client.close()
        return float(text.split("\nquern_shared_answers_total ")[1].split()[0])

    def test_the_first_one_hangs_up(self):
        self.hold()
        gone = socket.create_connection(("127.0.0.1", self.server.port))
        gone.sendall(("GET %s?%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept-Encoding: identity\r\n\r\n"
                      % (PATH, PARAMS, self.server.port)).encode())
        self.assertEqual(self.wait_for_backends(1), 1)
        threads, answers = self.ask_in_threads(5)
        time.sleep(0.3)
        gone.close()
        time.sleep(0.3)
        self.lock.rollback()
        for thread in threads:
            thread.join()
        self.assertEqual([answer.status for answer in answers], [200] * 5)

    def test_some_who_wait_hang_up(self):
        self.hold()
        threads, answers = self.ask_in_threads(1)
        self.assertEqual(self.wait_for_backends(1), 1)
        gone = []
        for _ in range(4):
            one = socket.create_connection(("127.0.0.1", self.server.port))
            one.sendall(("GET %s?%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept-Encoding: identity\r\n\r\n"
                         % (PATH, PARAMS, self.server.port)).encode())
            gone.append(one)
        more, further = self.ask_in_threads(3)
        time.sleep(0.3)
        for one in gone:
            one.close()
        time.sleep(0.3)
        self.lock.rollback()
        for thread in threads + more:
            thread.join()
        self.assertEqual([answer.status for answer in answers + further], [200] * 4)

    def test_an_error_is_everybodys(self):
        self.hold()
        threads, answers = self.ask_in_threads(1)
        self.assertEqual(self.wait_for_backends(1), 1)
        more, further = self.ask_in_threads(6)
        time.sleep(0.3)
        self.server.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        self.assertEqual(self.wait_for_backends(1), 1)
        self.server.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        for thread in threads + more:
            thread.join()
        statuses = {answer.status for answer in answers + further}
        self.assertEqual(len(statuses), 1)
        self.assertGreaterEqual(statuses.pop(), 500)
        self.assertEqual(len({answer.json["detail"] for answer in further}), 1)

    def test_a_slow_reader_of_a_long_answer_keeps_nobody(self):
        self.server.sql("INSERT INTO author(handle) SELECT 'many' || g FROM generate_series(1, 200000) g")
        slow = socket.create_connection(("127.0.0.1", self.server.port))
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.sendall(("GET /api/author HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % self.server.port).encode())
        slow.recv(1000)
        client = self.server.client()
        self.assertGreater(len(client.get("/api/author").json["results"]), 200000)
        client.close()
        slow.close()


if __name__ == "__main__":
    unittest.main()
