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

    def test_a_nested_query_stays_where_the_outer_one_is(self):
        nested = {"model": "Role", "using": "archive"}
        response = self.api.query("employee", {"filter": {"role__in": {"Subquery": nested}}})
        self.assertEqual((response.status, response.json["title"]), (400, "NotSupportedError"))


if __name__ == "__main__":
    unittest.main()
