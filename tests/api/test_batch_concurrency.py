"""Batches against each other: deadlocks and serialization failures tried again, queues, lost backends."""

import random
import threading
import time
import unittest

import harness
from batching import BatchTest, op, ref


class Together(threading.Thread):
    """Runs work(client, number) and keeps what it raises."""

    def __init__(self, test, number, work):
        super().__init__()
        self.test, self.number, self.work, self.error = test, number, work, None

    def run(self):
        client = self.test.server.client()
        try:
            self.work(client, self.number)
        except BaseException as error:  # handed on by all_of()
            self.error = error
        finally:
            client.close()


class ConcurrencyTest(BatchTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.sql("ALTER SYSTEM SET deadlock_timeout = '30ms'")
        cls.server.sql("SELECT pg_reload_conf()")

    def all_of(self, n, work):
        threads = [Together(self, number, work) for number in range(n)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for thread in threads:
            if thread.error:
                raise thread.error

    def move(self, source, target, amount=1):
        return [op("Account", "patch", {"balance": {"-": [{"F": "balance"}, amount]}}, pk=source),
                op("Account", "patch", {"balance": {"+": [{"F": "balance"}, amount]}}, pk=target)]

    def test_deadlocks_are_tried_again_where_the_batch_says_so(self):
        """Two that lock the same two rows in opposite order, over and over."""
        tried = []

        def work(client, number):
            pair = (1, 2) if number % 2 else (2, 1)
            for _ in range(40):
                answer = self.ok(self.batch(*self.move(*pair), client=client, retries=10))
                tried.append(answer["attempts"])
        self.all_of(4, work)
        self.assertEqual(len(tried), 160)
        self.assertEqual(self.value("SELECT sum(balance) FROM account"), 1000)
        self.assertEqual(self.value("SELECT balance FROM account WHERE id = 1"), 100)

    def deadlock(self, **members):
        """A batch that is certain to be the victim of a deadlock: its answer."""
        import psycopg2
        other = psycopg2.connect(**self.server.database)
        other.cursor().execute("SET deadlock_timeout = '10s'")
        other.cursor().execute("UPDATE account SET balance = 50 WHERE id = 2")
        answers = []

        def send():
            client = self.server.client()
            answers.append(self.batch(*self.move(1, 2), client=client, **members))
            client.close()
        thread = threading.Thread(target=send)
        thread.start()
        for _ in range(200):
            if self.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
                break
            time.sleep(0.01)
        other.cursor().execute("UPDATE account SET balance = 50 WHERE id = 1")
        other.commit()
        other.close()
        thread.join()
        return answers[0]

    def test_a_deadlock_is_a_conflict_where_nothing_is_said(self):
        problem = self.assert_problem(self.deadlock(), 409, "OperationalError", operation=1, detail="may be sent again")
        self.assertNotIn("attempts", problem)
        self.assertEqual(self.value("SELECT balance FROM account WHERE id = 1"), 50)

    def test_the_answer_says_how_many_attempts_it_took(self):
        self.assertEqual(self.ok(self.deadlock(retries=1))["attempts"], 2)
        self.assertEqual(self.value("SELECT sum(balance) FROM account WHERE id IN (1, 2)"), 100)

    def test_serializable_transfers_keep_the_sum(self):
        """Each reads both balances and writes what it read, changed: without serialization money would be lost."""
        failed = []

        def work(client, number):
            chance = random.Random(number)
            for _ in range(25):
                source, target = chance.sample(range(1, 5), 2)
                response = self.batch(
                    op("Account", "get", pk=source, name="a"), op("Account", "get", pk=target, name="b"),
                    op("Account", "patch", {"balance": {"-": [ref("a.balance"), 1]}}, pk=source),
                    op("Account", "patch", {"balance": {"+": [ref("b.balance"), 1]}}, pk=target),
                    op("Transfer", "create", {"source": source, "target": target, "amount": "1.00"}),
                    client=client, isolation="serializable", retries=10)
                if response.status != 200:
                    self.assert_problem(response, 409, "OperationalError", attempts=11)
                    failed.append(response)
        self.all_of(12, work)
        self.assertEqual(self.value("SELECT sum(balance) FROM account"), 1000)
        self.assertEqual(self.value("SELECT count(*) FROM transfer"), 300 - len(failed))
        # Every transfer is in the balances, none twice.
        self.assertEqual(self.sql(
            "SELECT a.id FROM account a WHERE a.balance <> 100 - (SELECT count(*) FROM transfer WHERE source_id = a.id)"
            " + (SELECT count(*) FROM transfer WHERE target_id = a.id)"), [])

    def test_a_queue_hands_each_job_out_once(self):
        self.sql("DELETE FROM job")
        self.sql("INSERT INTO job (number, taken_by) SELECT i, '' FROM generate_series(1, 400) i")
        handed = []

        def work(client, number):
            while True:
                answer = self.ok(self.batch(
                    op("Job", "query", {"filter": {"taken_by": ""}, "order_by": ["number"], "limit": 3,
                                        "select_for_update": {"skip_locked": True}, "values": ["id", "number"]}, name="next"),
                    op("Job", "update", {"filter": {"taken_by": "", "pk": ref("next.results.0.id")},
                                         "set": {"taken_by": "worker %d" % number}}, on_error="continue"),
                    client=client))
                found = answer["results"][0]["body"]["results"]
                if not found:
                    return
                self.assertEqual(answer["results"][1]["body"], {"updated": 1})
                handed.append(found[0]["number"])
        self.all_of(8, work)
        self.assertEqual(sorted(handed), list(range(1, 401)))
        self.assertEqual(self.value("SELECT count(*) FROM job WHERE taken_by = ''"), 0)

    def test_a_backend_that_is_ended_in_the_middle_leaves_nothing(self):
        """A batch waits for a row's lock behind work of its own; its backend is ended there."""
        import psycopg2
        before = self.everything()
        for _ in range(5):
            other = psycopg2.connect(**self.server.database)
            other.cursor().execute("UPDATE account SET balance = 1 WHERE id = 5")
            answers = []

            def send():
                client = self.server.client()
                answers.append(self.batch(op("Account", "create", {"owner": "half"}),
                                          op("Account", "patch", {"balance": "2.00"}, pk=5),
                                          op("Account", "create", {"owner": "other half"}), client=client, retries=5))
                client.close()
            thread = threading.Thread(target=send)
            thread.start()
            ended = []
            for _ in range(300):
                ended = self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
                if ended:
                    break
                time.sleep(0.01)
            self.assertTrue(ended)
            thread.join()
            other.rollback()
            other.close()
            problem = self.assert_problem(answers[0], 503, "OperationalError", operation=1)
            self.assertIn("connection", problem["detail"])
            self.assertEqual(self.everything(), before)
        self.done(op("Account", "count"))

    def test_a_client_that_hangs_up_leaves_nothing(self):
        import json
        import psycopg2
        other = psycopg2.connect(**self.server.database)
        other.cursor().execute("UPDATE account SET balance = 1 WHERE id = 5")
        body = json.dumps({"operations": [op("Account", "create", {"owner": "gone"}),
                                          op("Account", "patch", {"balance": "2.00"}, pk=5)]}).encode()
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        with harness.raw_connection(self.server.port) as raw:
            raw.sendall(b"POST /batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                        b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            self.wait_until(lambda: self.value(waiting) == 1)
        self.wait_until(lambda: self.value(waiting) == 0)
        other.rollback()
        other.close()
        self.wait_until(lambda: self.value("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'") == 0)
        self.assertEqual(self.value("SELECT count(*) FROM account WHERE owner = 'gone'"), 0)

    def wait_until(self, is_so):
        for _ in range(500):
            if is_so():
                return
            time.sleep(0.01)
        self.fail("it never came to be")

    def test_more_batches_than_connections(self):
        """Each holds one connection to its end and never waits for a second one."""
        def work(client, number):
            for _ in range(10):
                self.ok(self.batch(
                    op("Account", "query", {"prefetch_related": ["job_set"]}), op("Account", "query", {"count": True, "limit": 1}),
                    op("Job", "get_or_create", {"lookup": {"number": 1000 + number}}),
                    op("Job", "set", {"objects": [1, 2, 3]}, pk=1 + number % 10, relation="tags"),
                    op("Job", "query", {"prefetch_related": ["tags"], "filter": {"pk": 1 + number % 10}}),
                    op("Account", "get", pk=1), client=client, retries=10))
        self.all_of(40, work)
        self.assertEqual(self.value("SELECT count(*) FROM job WHERE number >= 1000"), 40)


if __name__ == "__main__":
    unittest.main()
