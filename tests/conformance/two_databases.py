"""Two databases of one schema and the same rows: the server's own, and Django's.

The schema is made once, by the server's migration, and copied by pg_dump; so are the worlds of rows, which stand beside the
tables in schemas of their own ("world0"…), from which each state is restored quickly.  What is compared is every column of
every row as text, except that a moment of the last minutes is "now" and a random UUID is "made": those two cannot be
equal.  Between two writes the sequences are levelled, and the numbers of join rows where Django gives them in no order.
"""

import io
import json
import os
import subprocess

import harness
import psycopg2

OTHER = "django"
NEAR = "CASE WHEN abs(extract(epoch FROM %s - %s)) < 900 THEN 'now' ELSE %s::text END"


def shown(column, kind):
    """A column as the text that is compared."""
    if kind == "timestamptz":
        return NEAR % (column, "clock_timestamp()", column)
    if kind == "date":
        return "CASE WHEN abs(%s - current_date) < 2 THEN 'today' ELSE %s::text END" % (column, column)
    if kind == "interval":
        return "(extract(epoch FROM %s) * 1000000)::bigint::text" % column  # a minute less is no day less 23 hours and 59 minutes
    if kind == "uuid":
        return "CASE WHEN substr(%s::text, 15, 1) = '4' THEN 'made' ELSE %s::text END" % (column, column)
    return column + "::text"


class Side:
    """One of the databases, seen from outside."""

    def __init__(self, address):
        self.connection = psycopg2.connect(**address)
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()
        self.cursor.execute("SET session_replication_role = replica")  # restores rows in any order

    def close(self):
        self.connection.close()

    def run(self, text, values=None):
        self.cursor.execute(text, values)
        return self.cursor.fetchall() if self.cursor.description else None


class TwoDatabases:
    def __init__(self, server, fill, worlds):
        """fill(number) puts the rows of a world into the (empty) tables of the server's database."""
        self.address = server.database
        self.other_address = dict(self.address, dbname=OTHER)
        self.ours = Side(self.address)
        self.read_schema()
        self.world = None
        for number in range(worlds):
            self.empty(self.ours)
            fill(number)
            self.keep(number)
        self.copy()
        self.theirs = Side(self.other_address)
        self.prepare()
        self.restore(0)

    def close(self):
        self.ours.close()
        self.theirs.close()

    # ---- the schema ----

    def read_schema(self):
        run = self.ours.run
        self.tables = [row[0] for row in run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                                             " AND tablename NOT LIKE 'quern%' ORDER BY 1")]
        self.columns = {table: run(
            "SELECT quote_ident(attname), t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = atttypid"
            " WHERE attrelid = quote_ident(%s)::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum", [table]) for table in self.tables}
        self.keys = {table: [row[0] for row in run(
            "SELECT quote_ident(attname) FROM pg_index i JOIN pg_attribute a ON attrelid = indrelid AND attnum = ANY(indkey)"
            " WHERE indrelid = quote_ident(%s)::regclass AND indisprimary ORDER BY attnum", [table])] for table in self.tables}
        self.sequences = [row[0] for row in run("SELECT format('%I', sequencename) FROM pg_sequences WHERE schemaname = 'public'"
                                                " AND sequencename NOT LIKE 'quern%' ORDER BY 1")]

    def empty(self, side):
        side.run("TRUNCATE %s RESTART IDENTITY CASCADE" % ", ".join(map(quoted, self.tables)))

    def keep(self, number):
        side = self.ours
        side.run("CREATE SCHEMA world%d" % number)
        for table in self.tables:
            side.run("CREATE TABLE world%d.%s AS TABLE public.%s" % (number, quoted(table), quoted(table)))
        side.run("CREATE TABLE world%d.quern_sequences AS %s" % (number, " UNION ALL ".join(
            "SELECT '%s'::text AS name, last_value, is_called FROM public.%s" % (name, name) for name in self.sequences)))

    def copy(self):
        self.ours.run('CREATE DATABASE "%s"' % OTHER)
        where = ["-h", self.address["host"], "-p", str(self.address["port"]), "-U", self.address["user"]]
        programs = harness.postgresql_programs()
        dumped = subprocess.run([os.path.join(programs, "pg_dump"), *where, self.address["dbname"]], stdout=subprocess.PIPE, check=True,
                                env=harness.clean_environment())
        subprocess.run([os.path.join(programs, "psql"), "-X", "-q", "-o", os.devnull, "-v", "ON_ERROR_STOP=1", *where, OTHER], check=True,
                       input=dumped.stdout, env=harness.clean_environment())

    # ---- what is there ----

    def prepare(self):
        for side in (self.ours, self.theirs):
            side.run("PREPARE contents AS " + " UNION ALL ".join(self.contents_of(table) for table in self.tables))
            side.run("PREPARE levels AS " + " UNION ALL ".join(
                "SELECT last_value + is_called::int FROM %s" % name for name in self.sequences))

    def contents_of(self, table):
        columns = ", ".join(shown(*column) for column in self.columns[table])
        kinds = dict(self.columns[table])
        # Keys made at random say nothing of the order.
        order = [columns] if any(kinds[name] == "uuid" for name in self.keys[table]) else self.keys[table]
        return "SELECT '%s', coalesce(json_agg(json_build_array(%s) ORDER BY %s)::text, '[]') FROM public.%s" % (
            table, columns, ", ".join(order), quoted(table))

    def contents(self, side):
        """Every row of every table: {table: JSON text}."""
        return dict(side.run("EXECUTE contents"))

    def rows(self, table, text, unordered):
        """The rows of a table's JSON text; without their numbers where those say nothing."""
        found = json.loads(text)
        if table not in unordered or "id" not in [name for name, _ in self.columns[table]]:
            return found
        key = [name for name, _ in self.columns[table]].index(self.keys[table][0])
        return sorted((row[:key] + row[key + 1:] for row in found), key=repr)

    def difference(self, unordered=()):
        """Where the two databases differ: {table: (rows of ours alone, rows of theirs alone)}."""
        ours, theirs = self.contents(self.ours), self.contents(self.theirs)
        self.last = theirs
        found, renumbered = {}, []
        for table in self.tables:
            if ours[table] == theirs[table]:
                continue
            left, right = (self.rows(table, text, unordered) for text in (ours[table], theirs[table]))
            if left == right:
                renumbered.append(table)
                continue
            found[table] = ([row for row in left if row not in right], [row for row in right if row not in left])
        if not found:
            for table in renumbered:
                self.transfer(table)
                self.last[table] = ours[table]
        return found

    # ---- restoring and levelling ----

    def restore(self, number):
        """Both databases as they were in the beginning of a world."""
        sequences = "SELECT count(setval('public.' || name, last_value, is_called)) FROM world%d.quern_sequences" % number
        if self.world != number:
            self.world = number
            for side in (self.ours, self.theirs):
                for table in self.tables:
                    self.refill(side, table)
                side.run(sequences)
            self.first = self.contents(self.theirs)
            return
        for side in (self.ours, self.theirs):
            now = self.contents(side)
            changed = [table for table in self.tables if now[table] != self.first[table]]
            for table in changed:
                self.refill(side, table)
            side.run(sequences)

    def refill(self, side, table):
        side.run("BEGIN; DELETE FROM public.{0}; INSERT INTO public.{0} SELECT * FROM world{1}.{0}; COMMIT".format(quoted(table), self.world))

    def transfer(self, table):
        """Django's rows of a table become ours."""
        buffer = io.StringIO()
        self.ours.cursor.copy_expert("COPY public.%s TO STDOUT" % quoted(table), buffer)
        buffer.seek(0)
        self.theirs.run("DELETE FROM public.%s" % quoted(table))
        self.theirs.cursor.copy_expert("COPY public.%s FROM STDIN" % quoted(table), buffer)

    def level(self):
        """The next numbers are the same on both sides: what a refused or ignored row has used up is no row."""
        ours, theirs = (side.run("EXECUTE levels") for side in (self.ours, self.theirs))
        behind = [[], []]
        for name, (left,), (right,) in zip(self.sequences, ours, theirs):
            if left != right:
                behind[0 if left < right else 1].append("setval('public.%s', %d, false)" % (name, max(left, right)))
        for side, calls in zip((self.ours, self.theirs), behind):
            if calls:
                side.run("SELECT " + ", ".join(calls))


def quoted(name):
    return '"%s"' % name
