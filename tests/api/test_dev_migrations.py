"""`quern dev` with a folder of migration files: they are applied to its private database; models that are ahead of them
are told."""

import json
import os
import shutil
import unittest

import harness

CHAR = {"type": "CharField", "max_length": 40}


class DevTest(unittest.TestCase):
    def setUp(self):
        self.folder = harness.private_folder()
        self.addCleanup(shutil.rmtree, self.folder, True)

    def say(self, **fields):
        with open(os.path.join(self.folder, "models.json"), "w", encoding="utf-8") as file:
            json.dump({"models": {"Author": {"fields": fields}}}, file)

    def quern(self, *arguments):
        done = harness.run_program([*arguments, "--models", os.path.join(self.folder, "models.json")])
        self.assertEqual(done.returncode, 0, done.stdout)

    def dev(self, expected):
        """Starts, makes an author, says what was printed."""
        server = harness.Process(["dev", "--models", os.path.join(self.folder, "models.json"), "--port", "0",
                                  "--data", os.path.join(self.folder, "data")])
        try:
            client = server.client()
            answer = client.post("/api/author", {"name": "Ann"})
            client.close()
            told = server.output.text()
        finally:
            server.stop()
        self.assertEqual(answer.status, expected, answer.body)
        return told

    def test_files_are_applied_and_models_ahead_are_told(self):
        self.say(name=CHAR)
        self.assertIn("create table author", self.dev(201))
        self.quern("makemigrations")
        self.say(name=CHAR, city={**CHAR, "default": "Berlin"})
        self.quern("makemigrations")
        told = self.dev(201)
        self.assertIn("0001_initial: its tables are there already", told)
        self.assertIn("applying 0002_author_city", told)
        self.say(name=CHAR, city={**CHAR, "default": "Berlin", "max_length": 50})
        self.assertIn("run `quern makemigrations`", self.dev(201))


if __name__ == "__main__":
    unittest.main()
