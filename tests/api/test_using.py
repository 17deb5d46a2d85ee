"""Two databases behind one server: `using` says which one is asked."""

import json
import os
import shutil
import unittest

import harness
from harness import Cluster, Process


class UsingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.remove)
        cls.cluster.sql("CREATE DATABASE archive")
        models = os.path.join(cls.cluster.folder, "models")
        os.mkdir(models)
        os.chmod(models, 0o755)
        shutil.copy(harness.model_file("staff"), models)
        urls = {"default": cls.cluster.url, "archive": cls.cluster.url.replace("dbname=quern", "dbname=archive")}
        settings = os.path.join(cls.cluster.folder, "settings.json")
        with open(settings, "w", encoding="utf-8") as file:
            json.dump({"databases": urls, "models": models}, file)
        os.chmod(settings, 0o600)
        for url in urls.values():
            migrated = harness.run_program(["migrate", "--models", models], {"QUERN_DATABASE_URL": url})
            if migrated.returncode != 0:
                raise AssertionError(migrated.stdout)
        cls.process = Process(["serve", "--config", settings, "--port", "0"])
        cls.addClassCleanup(cls.process.stop)
        cls.api = cls.process.client()
        cls.addClassCleanup(cls.api.close)
        cls.api.post("/api/role", {"name": "here"})

    def names(self, body):
        response = self.api.query("role", {"values_list": ["name"], "flat": True, **body})
        self.assertEqual(response.status, 200, response)
        return response.json["results"]

    def test_each_database_has_its_own_rows(self):
        self.assertEqual(self.names({}), ["here"])
        self.assertEqual(self.names({"using": "default"}), ["here"])
        self.assertEqual(self.names({"using": "archive"}), [])
        response = self.api.post("/api/role/count", {"using": "archive"})
        self.assertEqual(response.json, {"count": 0})

    def test_writing_by_a_query_goes_where_it_says(self):
        response = self.api.post("/api/role/update", {"using": "archive", "set": {"name": "gone"}})
        self.assertEqual(response.json, {"updated": 0})
        response = self.api.post("/api/role/delete", {"using": "archive"})
        self.assertEqual(response.json["deleted"], 0)
        self.assertEqual(self.names({}), ["here"])

    def test_an_unknown_database_is_told(self):
        response = self.api.query("role", {"using": "archiv"})
        self.assertEqual((response.status, response.json["pointer"], response.json["suggestion"]),
                         (400, "/using", "archive"))

    def test_a_batch_is_of_one_database(self):
        made = {"model": "Role", "method": "create", "body": {"name": "there"}}
        count = {"model": "Role", "method": "count"}
        response = self.api.post("/batch", {"using": "archive", "operations": [made, count], "dry_run": True})
        self.assertEqual((response.status, response.json["results"][1]["body"]), (200, {"count": 1}))
        # Not atomic: each may name its own, and a row by its key is the named database's.
        response = self.api.post("/batch", {"using": "archive", "atomic": False, "operations": [
            {"model": "Role", "method": "get", "pk": 1}, count, dict(count, body={"using": "default"}), count]})
        self.assertEqual([r["status"] for r in response.json["results"]], [404, 200, 200, 200])
        self.assertEqual([r["body"]["count"] for r in response.json["results"][1:]], [0, 1, 0])
        response = self.api.post("/batch", {"operations": [made, dict(count, body={"using": "archive"})]})
        self.assertEqual((response.status, response.json["title"], response.json["pointer"]),
                         (400, "NotSupportedError", "/operations/1/body/using"))
        self.assertEqual(self.names({}), ["here"])

    def test_a_nested_query_stays_where_the_outer_one_is(self):
        nested = {"model": "Role", "using": "archive"}
        response = self.api.query("employee", {"filter": {"role__in": {"Subquery": nested}}})
        self.assertEqual((response.status, response.json["title"]), (400, "NotSupportedError"))


if __name__ == "__main__":
    unittest.main()
