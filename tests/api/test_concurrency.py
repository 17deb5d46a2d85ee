"""Many clients at once: nothing lost, nothing stale, nobody waits for another's lock, and a long answer costs
no more memory than a short one."""

import http.client
import json
import os
import shutil
import threading
import time
import unittest

import harness
import psycopg2
import seeds
from harness import ApiTest


def together(count, work):
    """Runs work(number) in so many threads that start at once; what each returned."""
    barrier, answers, failures = threading.Barrier(count), [None] * count, []

    def run(number):
        try:
            barrier.wait()
            answers[number] = work(number)
        except BaseException as failure:  # told to the test, which fails
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return answers


class ConcurrencyTest(ApiTest):
    models = ("staff", "news", "fleet")
    seed = seeds.STAFF + seeds.NEWS

    def test_no_update_is_lost(self):
        def work(_):
            client = self.server.client()
            for _ in range(40):
                response = client.post("/api/employee/update", {"filter": {"id": 1}, "set": {"bonus": {"+": [{"F": "bonus"}, "0.25"]}}})
                self.assertEqual(self.ok(response), {"updated": 1})
            client.close()

        together(16, work)
        self.assertEqual(self.ok(self.api.get("/api/employee/1"))["bonus"], "1360.00")

    def test_one_of_many_same_votes_counts(self):
        def work(_):
            client = self.server.client()
            status = client.post("/api/vote", {"author": 5, "article": 3}).status
            client.close()
            return status

        self.assertEqual(sorted(together(24, work)), [201] + [409] * 23)

    def test_a_reader_sees_what_was_answered_before_it_asked(self):
        def work(number):
            client, row = self.server.client(), number % 4 + 1
            for step in range(60):
                before = self.ok(client.patch("/api/employee/%d" % row, {"years_of_service": {"+": [{"F": "years_of_service"}, 1]}}))
                for path in ("/api/employee/%d" % row, "/api/employee/%d" % row):
                    after = self.ok(client.get(path))
                    self.assertGreaterEqual(after["years_of_service"], before["years_of_service"])
                listed = self.results(client.get("/api/employee", "id=%d" % row))
                self.assertGreaterEqual(listed[0]["years_of_service"], before["years_of_service"])
            client.close()

        together(12, work)

    def test_answers_are_never_mixed_up(self):
        handles = dict(self.server.sql("SELECT id, handle FROM author"))

        def work(number):
            client = self.server.client()
            for step in range(200):
                wanted = (number * 7 + step) % 7 + 1
                response = client.get("/api/author/%d" % wanted)
                if wanted in handles:
                    self.assertEqual(self.ok(response), {"id": wanted, "handle": handles[wanted]})
                else:
                    self.assert_problem(response, 404, "DoesNotExist")
            client.close()

        together(32, work)

    def test_requests_in_one_packet_are_answered_in_order(self):
        with harness.raw_connection(self.server.port) as sock:
            sock.sendall(b"".join(b"GET /api/author/%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % n for n in (3, 1, 2)))
            received = b""
            while received.count(b'"handle"') < 3:
                more = sock.recv(65536)
                self.assertTrue(more, received)
                received += more
        self.assertEqual([json.loads(part.split(b"\r\n\r\n")[1].split(b"}")[0] + b"}")["id"]
                          for part in received.split(b"HTTP/1.1 200")[1:]], [3, 1, 2])


class LockedTest(ApiTest):
    models = ("staff", "news", "fleet")
    seed = seeds.STAFF + seeds.NEWS

    def lock(self, table):
        connection = psycopg2.connect(**self.server.database)
        self.addCleanup(connection.close)
        connection.cursor().execute("LOCK TABLE %s IN ACCESS EXCLUSIVE MODE" % table)
        return connection

    def waiting(self):
        return self.server.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")[0][0]

    def wait_until(self, claim, seconds, words):
        end = time.monotonic() + seconds
        while not claim():
            self.assertLess(time.monotonic(), end, words)
            time.sleep(0.02)

    def test_waiting_requests_do_not_hold_up_the_others(self):
        lock, answers = self.lock("role"), []

        def ask():
            client = self.server.client()
            answers.append(client.get("/api/role/count"))
            client.close()

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        self.wait_until(lambda: self.waiting() > 0, 5, "nothing waits for the lock")
        for path in ("/health/live", "/health/ready", "/api/article/count", "/api/author/1"):
            begun = time.monotonic()
            self.assertEqual(self.api.get(path).status, 200)
            self.assertLess(time.monotonic() - begun, 1, path)
        lock.rollback()
        for thread in threads:
            thread.join()
        self.assertEqual([self.ok(answer) for answer in answers], [{"count": 5}] * 3)

    def test_the_query_of_a_client_that_left_is_cancelled(self):
        lock = self.lock("role")
        with harness.raw_connection(self.server.port) as sock:
            sock.sendall(b"GET /api/role/count HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.wait_until(lambda: self.waiting() == 1, 5, "it does not wait for the lock")
        self.wait_until(lambda: self.waiting() == 0, 5, "its query still runs")
        lock.rollback()
        self.assertEqual(self.ok(self.api.get("/api/role/count")), {"count": 5})


class DrainTest(unittest.TestCase):
    def test_every_request_that_was_taken_is_answered_whole(self):
        for _ in range(3):
            server = harness.Server("staff")
            self.addCleanup(shutil.rmtree, server.folder, True)
            self.addCleanup(server.kill)
            server.sql(seeds.STAFF)
            answered, cut = [], []
            threads = [threading.Thread(target=self.ask_on, args=(server, answered, cut)) for _ in range(16)]
            for thread in threads:
                thread.start()
            while len(answered) < 200:
                time.sleep(0.01)
            server.stop()
            for thread in threads:
                thread.join()
            self.assertEqual(cut, [])

    def ask_on(self, server, answered, cut):
        """Asks on one connection until the server closes it, which it may do between two answers only."""
        client = server.client()
        try:
            while True:
                response = client.get("/api/employee", "select_related=role")
                if response.status != 200 or len(response.json["results"]) != 10:
                    cut.append(response)
                answered.append(True)
                if response.headers.get("Connection") == "close":
                    return
        except (http.client.RemoteDisconnected, ConnectionRefusedError, BrokenPipeError):
            return  # closed before this request was taken
        except Exception as failure:
            cut.append(failure)
        finally:
            client.close()


class LimitsTest(unittest.TestCase):
    def start(self, environment):
        server = harness.Server("staff", environment=environment)
        self.addCleanup(shutil.rmtree, server.folder, True)
        self.addCleanup(server.kill)
        server.sql(seeds.STAFF)
        client = server.client()
        self.addCleanup(client.close)
        return server, client

    def test_a_statement_that_takes_too_long_is_ended(self):
        server, client = self.start({"QUERN_STATEMENT_TIMEOUT": "300"})
        lock = psycopg2.connect(**server.database)
        lock.cursor().execute("LOCK TABLE role IN ACCESS EXCLUSIVE MODE")
        response = client.get("/api/role/count")
        self.assertEqual((response.status, response.json["title"]), (504, "OperationalError"), response)
        lock.close()
        self.assertEqual(client.get("/api/role/count").json, {"count": 5})
        server.stop()

    def test_rows_are_capped_where_settings_say_so(self):
        server, client = self.start({"QUERN_MAX_ROWS": "4"})
        body = client.get("/api/employee", "order_by=id").json
        self.assertEqual(([row["id"] for row in body["results"]], body["truncated"]), ([1, 2, 3, 4], True))
        self.assertNotIn("truncated", client.get("/api/employee", "order_by=id&limit=3").json)
        server.stop()

    def test_a_long_answer_costs_no_more_memory_than_a_short_one(self):
        # The address sanitizer would keep what is freed for a while.
        server, client = self.start({"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"})
        server.sql("INSERT INTO role (name) SELECT repeat('x', 60) FROM generate_series(1, 200000)")
        self.assertEqual(client.get("/api/role", "limit=1000").status, 200)
        before = self.peak(server)
        rows = client.get("/api/role").json["results"]
        self.assertEqual(len(rows), 200005)
        self.assertEqual(len({row["id"] for row in rows}), 200005)
        self.assertLess(self.peak(server) - before, 16 * 1024, "KiB more at its peak")
        server.stop()

    def peak(self, server):
        with open("/proc/%d/status" % server.process.pid, encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))


if __name__ == "__main__":
    unittest.main()
