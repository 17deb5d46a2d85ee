"""import-django on a project as people write them, and the tables of its models beside Django's own."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import databases
import django_project
import harness


class ImportDjango(unittest.TestCase):
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.path = os.path.join(cls.folder, "shop.json")
        cls.done = django_project.import_models(cls.path)
        if cls.done.returncode != 0:
            raise AssertionError(cls.done.stderr)
        with open(cls.path, encoding="utf-8") as file:
            cls.models = json.load(file)["models"]

    def test_declarations_come_along(self):
        author, book = self.models["Author"], self.models["Book"]
        self.assertEqual(author["Meta"]["db_table"], "shop_author")
        self.assertEqual(author["fields"]["created"], {"type": "DateTimeField", "auto_now_add": True, "db_index": True})
        self.assertEqual(author["fields"]["account"]["to"], "User")
        self.assertEqual(author["fields"]["heroes"]["symmetrical"], False)
        self.assertNotIn("symmetrical", author["fields"]["friends"])
        self.assertEqual(author["fields"]["handle"]["validators"],
                         [{"name": "RegexValidator", "regex": "^[a-z]+", "message": "letters first"}])
        self.assertEqual(author["Meta"]["ordering"], ["-created"])
        self.assertEqual(book["fields"]["id"]["default"], {"RandomUUID": []})
        self.assertEqual(book["fields"]["price"]["default"], "9.90")
        self.assertEqual(book["fields"]["kind"]["choices"], [["p", "paper"], ["s", "sound"]])
        self.assertEqual(book["fields"]["kind"]["default"], "p")
        self.assertEqual(book["fields"]["size"]["choices"], [[1, "A6"], [2, "A5"], [3, "A4"]])
        self.assertEqual(book["fields"]["title"]["db_column"], "book title")
        self.assertEqual(book["fields"]["tags"]["default"], [])
        self.assertEqual(book["fields"]["reviewers"]["through_fields"], ["book", "by"])
        self.assertEqual(book["fields"]["editor"]["to_field"], "handle")
        self.assertEqual(book["Meta"]["ordering"], ["title", {"expr": "price", "desc": True, "nulls": "last"}])
        self.assertEqual(book["Meta"]["constraints"][1]["condition"], {"printed__lte": {"F": "size"}}
                         if False else {"printed__lte": {"*": [{"F": "size"}, {"Value": 1000}]}})
        self.assertEqual(self.models["Review"]["Meta"], {"db_table": "shop_opinions", "order_with_respect_to": "book"})
        self.assertIn("User", self.models)
        self.assertNotIn("Paperback", self.models)

    def test_what_cannot_be_carried_is_named(self):
        notes = self.done.stderr
        for word in ("shop.Paperback: a proxy", "the validator no_swearing", "shop.models.next_week()",
                     "shop.Book: save() is Python", "the manager objects is Python"):
            self.assertIn(word, notes)

    def test_tables_made_by_django_serve_the_imported_models(self):
        with databases.database() as db:
            django_project.make_tables(db)
            done = db.run("diff", "--models", self.path, "--json")
            drift = [found for found in json.loads(done.text)["differences"] if found["level"] == "drift"]
            self.assertEqual([(found["model"], found["subject"]) for found in drift], [], done.text)

    def test_a_lone_file_and_a_folder_are_read(self):
        source = os.path.join(self.folder, "lone")
        os.makedirs(source)
        with open(os.path.join(source, "models.py"), "w", encoding="utf-8") as file:
            file.write("from django.db import models\n\n\nclass Pet(models.Model):\n"
                       "    name = models.CharField(max_length=5)\n"
                       "    owner = models.ForeignKey('auth.User', models.CASCADE)\n")
        out = os.path.join(self.folder, "pets.json")
        done = django_project.import_models(out, os.path.join(source, "models.py"))
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(out, encoding="utf-8") as file:
            models = json.load(file)["models"]
        self.assertEqual(models["Pet"]["Meta"]["db_table"], "lone_pet")
        self.assertEqual(models["Pet"]["fields"]["owner"]["to"], "User")
        done = django_project.import_models(out, os.path.join(django_project.FOLDER, "shop"))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_child_with_a_table_is_ordered_by_the_fields_of_its_parents(self):
        source = os.path.join(self.folder, "kin")
        os.makedirs(source)
        with open(os.path.join(source, "models.py"), "w", encoding="utf-8") as file:
            file.write("from django.db import models\n\n\nclass Pet(models.Model):\n"
                       "    name = models.CharField(max_length=5)\n    born = models.DateField()\n\n"
                       "    class Meta:\n        ordering = ['-name', models.F('born').desc(), 'pk']\n"
                       "        get_latest_by = 'born'\n\n\n"
                       "class Dog(Pet):\n    size = models.IntegerField()\n\n\n"
                       "class Puppy(Dog):\n    class Meta:\n        ordering = ['name', '-size']\n")
        out = os.path.join(self.folder, "kin.json")
        done = django_project.import_models(out, os.path.join(source, "models.py"))
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(out, encoding="utf-8") as file:
            models = json.load(file)["models"]
        self.assertEqual(models["Dog"]["Meta"]["ordering"],
                         ["-pet_ptr__name", {"expr": "pet_ptr__born", "desc": True}, "pk"])
        self.assertEqual(models["Dog"]["Meta"]["get_latest_by"], "pet_ptr__born")
        self.assertEqual(models["Puppy"]["Meta"]["ordering"], ["dog_ptr__pet_ptr__name", "-dog_ptr__size"])
        self.assertEqual(models["Pet"]["Meta"]["ordering"][0], "-name")

    def test_what_stands_in_the_way_is_told(self):
        done = django_project.import_models(os.path.join(self.folder, "x.json"), "/nowhere/models.py")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no such file", done.stderr)
        done = harness.run_program(["import-django", "--python", "/no/such/python", "x"])
        self.assertEqual(done.returncode, 1)
        self.assertIn("/no/such/python", done.stdout)
        done = django_project.import_models(os.path.join(self.folder, "x.json"), "--settings", "no.such.module")
        self.assertEqual(done.returncode, 1)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "x.json")))


if __name__ == "__main__":
    unittest.main()
