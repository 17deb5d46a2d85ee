"""A table in use is migrated: no request fails, none waits for more than a second.  tests/bench/live_migration does
the same with a million rows."""

import os
import unittest

import psycopg2

from live import Live


class LiveTest(unittest.TestCase):
    def test_no_request_fails_and_none_waits(self):
        url = os.environ["QUERN_TEST_DATABASE_URL"]
        live = Live(url, 60000)
        self.addCleanup(live.remove)
        live.prepare()
        live.run()
        took = live.during()
        self.assertEqual(live.failures, [])
        self.assertGreater(len(took), 100)
        self.assertLess(took[-1], 1.0)
        with psycopg2.connect(url) as base, base.cursor() as cursor:
            cursor.execute("SELECT count(*), count(weight), count(*) FILTER (WHERE colour = 'red') FROM item")
            rows, weighed, red = cursor.fetchone()
            self.assertEqual((weighed, red), (rows, rows))
            self.assertGreater(rows, 60000)
            cursor.execute("SELECT count(*) FROM pg_attribute WHERE attrelid = 'item'::regclass AND attnotnull "
                           "AND attname IN ('weight', 'colour')")
            self.assertEqual(cursor.fetchone(), (2,))
            cursor.execute("SELECT bool_and(indisvalid), count(*) FROM pg_index WHERE indrelid = 'item'::regclass")
            self.assertEqual(cursor.fetchone(), (True, 2))
        base.close()

    def test_the_plan_says_what_each_step_locks(self):
        live = Live(os.environ["QUERN_TEST_DATABASE_URL"], 3000)
        self.addCleanup(live.remove)
        live.project.environment["QUERN_SEARCH_PATH"] = "planned"
        with psycopg2.connect(live.url) as base, base.cursor() as cursor:
            cursor.execute("CREATE SCHEMA planned")
        base.close()
        from live import AFTER, BEFORE
        live.project.say(BEFORE)
        live.project.run("makemigrations")
        live.project.run("migrate")
        live.project.say(AFTER)
        live.project.run("makemigrations")
        plan = live.project.run("migrate", "--plan")
        self.assertIn("CREATE INDEX CONCURRENTLY \"item_by_place\"", plan)
        self.assertIn("SHARE UPDATE EXCLUSIVE (reading and writing go on); reads every row", plan)
        self.assertIn("1000 rows at a time", plan)
        self.assertNotIn("under the lock", plan)
        self.assertRegex(plan, r"about \d+ rows")


if __name__ == "__main__":
    unittest.main()
