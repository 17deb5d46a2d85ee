"""A server of the models as they were, read and written by several clients while its table is migrated: an index, a
NOT NULL column, and a column that may no longer be null, filled some rows at a time.

Says how long each request took and how it ended; what is too long or wrong is the caller's to judge.
"""

import os
import subprocess
import sys
import threading
import time

import psycopg2

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "api"))

import harness  # noqa: E402
import quern_side  # noqa: E402

CHAR = {"type": "CharField", "max_length": 40}
BEFORE = {"Item": {"fields": {"name": CHAR, "place": "IntegerField", "weight": {"type": "IntegerField", "null": True}}}}
AFTER = {"Item": {
    "fields": {"name": CHAR, "place": "IntegerField", "weight": {"type": "IntegerField", "default": 7},
               "colour": {**CHAR, "db_default": "red"}},
    "Meta": {"indexes": [{"name": "item_by_place", "fields": ["place", "name"]}],
             "constraints": [{"type": "CheckConstraint", "name": "place_known", "check": {"place__gte": 0}}]},
}}


class Live:
    def __init__(self, url, rows, readers=3, writers=3):
        self.url, self.rows = url, rows
        self.project = quern_side.Project(url, "public")
        self.times, self.failures = [], []
        self.is_over = threading.Event()
        self.readers, self.writers = readers, writers

    def prepare(self):
        self.project.say(BEFORE)
        self.project.run("makemigrations")
        self.project.run("migrate")
        base = psycopg2.connect(self.url)
        base.autocommit = True
        base.cursor().execute(
            "INSERT INTO item (name, place, weight) SELECT 'item ' || n, mod(n, 1000), "
            "CASE WHEN mod(n, 2) = 0 THEN n END FROM generate_series(1, %s) n", (self.rows,))
        base.cursor().execute("ANALYZE item")
        base.close()
        self.server = harness.Process(
            ["serve", "--models", os.path.join(self.project.folder, "models.json"), "--port", "0"],
            {name: self.project.environment[name] for name in ("QUERN_DATABASE_URL", "QUERN_SEARCH_PATH")})

    def ask(self, client, number):
        key = 1 + number * 7919 % self.rows
        return client.get("/api/item/%d" % key)

    def change(self, client, number):
        key = 1 + number * 6007 % self.rows
        if number % 3 == 0:
            return client.post("/api/item", {"name": "new %d" % number, "place": number % 1000, "weight": number})
        return client.patch("/api/item/%d" % key, {"place": number % 1000})

    def work(self, request, seed):
        client = self.server.client()
        number = seed
        while not self.is_over.is_set():
            number += 101
            began = time.monotonic()
            try:
                answer = request(client, number)
                if answer.status >= 400:
                    self.failures.append((answer.status, answer.body[:200]))
            except OSError as error:
                self.failures.append((0, repr(error)))
                client = self.server.client()
            self.times.append((began, time.monotonic() - began))
        client.close()

    def run(self, seconds_before=1.0):
        """The migration under load; returns what it printed."""
        threads = [threading.Thread(target=self.work, args=(self.ask, i)) for i in range(self.readers)]
        threads += [threading.Thread(target=self.work, args=(self.change, 50 + i)) for i in range(self.writers)]
        for thread in threads:
            thread.start()
        time.sleep(seconds_before)
        self.project.say(AFTER)
        try:
            self.project.run("makemigrations", "--no-renames")
            self.plan = self.project.run("migrate", "--plan")
            self.began = time.monotonic()
            told = subprocess.run(self.project.command("migrate"), env=self.project.environment,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            self.ended = time.monotonic()
            time.sleep(0.5)
        finally:
            self.is_over.set()
            for thread in threads:
                thread.join()
            self.server.stop()
        if told.returncode != 0:
            raise AssertionError(told.stdout)
        return told.stdout

    def remove(self):
        self.project.remove()

    def during(self):
        """How long the requests took that were under way while the migration was."""
        return sorted(took for began, took in self.times if began + took >= self.began and began <= self.ended)

    def before(self):
        return sorted(took for began, took in self.times if began + took < self.began)
