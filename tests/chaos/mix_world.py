"""What the mix runs on: one server, two databases and three ways in.

`default` and `archive` are databases of their own with rows of the same keys, told apart by `home`.  `guest` is the first
database as another role sees it: policies of PostgreSQL hide the rows whose `is_hidden` is true, and it may write nothing.
`slow_item` is a view of the items that takes its time over each row, so that its statements are under way while others
write, and `long_item` a longer one; `share` is a view of which some rows cannot be computed.
"""

import contextlib
import json
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "api"))

import harness  # noqa: E402
from harness import Cluster, Process  # noqa: E402

ITEMS, SHELVES = 48, 8
TICKETS, LABELS, ACCOUNTS, COUNTERS, SHARES, BALLAST = 16, 16, 8, 6, 30, 1500
PAIRED = 16  # items whose parts are written with them, in one transaction
PARTS = 2
BALANCE = 1000
HOT = (5, 21, 37)  # items that are written and read most, and that the view takes longest over
AT = "2026-01-01 12:00:00+00"

SEED = """
INSERT INTO item (id, name, shelf, version, proof, is_hidden, home, at)
	SELECT i, 'item ' || i, i %% %(shelves)d, 0, i, false, current_database(), '%(at)s' FROM generate_series(1, %(items)d) i;
INSERT INTO part (item_id, version) SELECT i, 0 FROM generate_series(1, %(paired)d) i, generate_series(1, %(parts)d);
INSERT INTO ticket (id, number, version) SELECT ('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid, i, 0
	FROM generate_series(1, %(tickets)d) i;
INSERT INTO label (code, version) SELECT 'label "' || i || '\\, {ä}', 0 FROM generate_series(1, %(labels)d) i;
INSERT INTO account (name, balance) SELECT 'account ' || i, %(balance)d FROM generate_series(1, %(accounts)d) i;
INSERT INTO counter (name, value) SELECT 'counter ' || i, 0 FROM generate_series(1, %(counters)d) i;
INSERT INTO ballast (number, text) SELECT i, repeat(md5(i::text), 6) FROM generate_series(1, %(ballast)d) i;
CREATE FUNCTION nap(seconds double precision) RETURNS boolean LANGUAGE plpgsql VOLATILE COST 100000
	AS $$ BEGIN PERFORM pg_sleep(seconds); RETURN true; END $$;
CREATE VIEW slow_item AS SELECT id, name, shelf, version, proof, is_hidden, home, at FROM item
	WHERE nap(CASE WHEN id IN %(hot)s THEN 0.004 ELSE 0.0003 END);
CREATE VIEW long_item AS SELECT id, version FROM item WHERE nap(0.001);
CREATE TABLE divided (id bigint PRIMARY KEY, divisor integer NOT NULL);
INSERT INTO divided SELECT i, CASE WHEN i %% 5 = 0 THEN 0 ELSE i END FROM generate_series(1, %(shares)d) i;
CREATE VIEW share AS SELECT id, 1000 / divisor AS part FROM divided;
ANALYZE;
""" % {
    "items": ITEMS, "shelves": SHELVES, "at": AT, "paired": PAIRED, "parts": PARTS, "tickets": TICKETS, "labels": LABELS,
    "accounts": ACCOUNTS, "balance": BALANCE, "counters": COUNTERS, "shares": SHARES, "ballast": BALLAST, "hot": HOT}

GUEST = """
CREATE ROLE guest LOGIN;
GRANT SELECT ON item, part TO guest;
ALTER TABLE item ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen_by_guests ON item FOR SELECT TO guest USING (NOT is_hidden);
"""


class World:
    """The server and its databases, seeded; stop() when done."""

    def __init__(self, workers=1, pool_size=4):
        self.cluster = Cluster()
        try:
            self.serve(workers, pool_size)
        except BaseException:
            self.cluster.remove()
            raise

    def serve(self, workers, pool_size):
        self.cluster.sql("CREATE DATABASE archive")
        models = os.path.join(self.cluster.folder, "models")
        os.mkdir(models)
        os.chmod(models, 0o755)
        shutil.copy(os.path.join(HERE, "mix_models.json"), models)
        own, user = self.cluster.url, "user=%s " % self.cluster.user
        urls = {"default": own, "archive": own.replace("dbname=quern", "dbname=archive"), "guest": own.replace(user, "user=guest ")}
        for alias in ("default", "archive"):
            migrated = harness.run_program(["migrate", "--models", models], {"QUERN_DATABASE_URL": urls[alias]})
            if migrated.returncode != 0:
                raise AssertionError("quern migrate: exit code %d\n%s" % (migrated.returncode, migrated.stdout))
            sql_in(urls[alias], SEED)
        sql_in(own, GUEST)
        settings = os.path.join(self.cluster.folder, "settings.json")
        with open(settings, "w", encoding="utf-8") as file:
            json.dump({"databases": urls, "models": models, "workers": workers, "pool_size": pool_size, "log_level": "error"}, file)
        os.chmod(settings, 0o600)
        self.process = Process(["serve", "--config", settings, "--port", "0"])
        self.port = self.process.port

    def stop(self):
        try:
            self.process.stop()
        finally:
            self.cluster.remove()


def sql_in(url, text):
    """Runs SQL, committed at once; the rows when it gives any."""
    import psycopg2

    connection = psycopg2.connect(url)
    connection.autocommit = True
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(text)
        return cursor.fetchall() if cursor.description else None
