"""`quern serve` on a database that goes away and comes back."""

import os
import shutil
import time
import unittest

import harness
import seeds
from harness import Client, Cluster, Process


class AwayTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.remove)
        cls.models = os.path.join(cls.cluster.folder, "models")
        os.mkdir(cls.models)
        os.chmod(cls.models, 0o755)
        for name in ("staff", "news"):
            shutil.copy(harness.model_file(name), cls.models)
        environment = {"QUERN_DATABASE_URL": cls.cluster.url}
        migrated = harness.run_program(["migrate", "--models", cls.models], environment)
        if migrated.returncode != 0:
            raise AssertionError("quern migrate: exit code %d\n%s" % (migrated.returncode, migrated.stdout))
        cls.cluster.sql(seeds.STAFF + seeds.NEWS)
        cls.process = Process(["serve", "--models", cls.models, "--port", "0"], environment)
        cls.addClassCleanup(cls.process.stop)

    def setUp(self):
        self.cluster.start_if_needed()
        self.api = self.process.client()
        self.addCleanup(self.api.close)
        self.recovered(20)

    def recovered(self, seconds):
        """Waits until reads succeed again; how long that took."""
        start = time.monotonic()
        while True:
            response = self.api.get("/api/role/count")
            if response.status == 200:
                self.assertEqual(response.json, {"count": 5})
                return time.monotonic() - start
            self.assertEqual(response.status, 503, response)
            self.assertLess(time.monotonic() - start, seconds, "no recovery: %r\n%s" % (response, self.process.tail()))
            time.sleep(0.02)

    def assert_away(self, response):
        self.assertEqual(response.status, 503, response)
        self.assertEqual(response.headers.get_content_type(), "application/problem+json")
        self.assertEqual(response.json["title"], "OperationalError", response)
        self.assertGreaterEqual(int(response.headers["Retry-After"]), 1)

    def test_while_the_database_is_away_requests_are_told_to_come_back(self):
        port = self.api.local_port
        self.cluster.stop()
        for _ in range(5):
            self.assert_away(self.api.get("/api/role/count"))
            self.assert_away(self.api.query("employee", {"filter": {"role__name": "Manager"}}))
            self.assert_away(self.api.post("/api/role", {"name": "x"}))
        self.assertEqual(self.api.get("/health/live").status, 200)
        self.assertEqual(self.api.get("/health/ready").status, 503)
        self.assertEqual(self.api.query("employee", {"filter": {"rolle": 1}}).status, 400)
        self.cluster.start()
        self.recovered(20)
        self.assertEqual(self.api.get("/health/ready").status, 200)
        self.assertEqual(self.api.local_port, port, "the client's connection was closed")

    def test_it_recovers_by_itself_after_a_restart(self):
        for mode in ("fast", "immediate"):
            self.cluster.stop(mode)
            self.cluster.start()
            self.assertLess(self.recovered(20), 10)

    def test_backends_that_are_killed_cost_at_most_a_request_each(self):
        failed = 0
        for _ in range(20):
            self.cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                             " WHERE pid <> pg_backend_pid() AND datname = 'quern'")
            response = self.api.get("/api/role/count")
            self.assertIn(response.status, (200, 503), response)
            failed += response.status == 503
            self.recovered(10)
        self.assertLessEqual(failed, 20)

    def test_it_starts_while_the_database_is_away(self):
        self.cluster.stop()
        process = Process(["serve", "--models", self.models, "--port", "0"], {"QUERN_DATABASE_URL": self.cluster.url})
        self.addCleanup(process.stop)
        client = Client(process.port)
        self.addCleanup(client.close)
        self.assert_away(client.get("/api/role/count"))
        self.cluster.start()
        end = time.monotonic() + 20
        while client.get("/api/role/count").status != 200:
            self.assertLess(time.monotonic(), end, process.tail())
            time.sleep(0.05)


if __name__ == "__main__":
    unittest.main()
