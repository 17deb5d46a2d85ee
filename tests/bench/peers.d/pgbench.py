"""pgbench -M prepared with the very statements that Quern sends.

They are read from PostgreSQL's log while Quern is asked once for the number 13; where 13 is a parameter,
pgbench puts the number that varies, and where an array counts up from it, as many parameters.  What does not vary
stands in the text.  The answers are Quern's by construction; that the scripts run is checked.
"""

import os
import re
import time

from measuring import PGBENCH_THREADS, SESSION, WARM_SECONDS, pgbench
from peer import Peer

SAMPLE = 13
SETTLE_SECONDS = 0.3


def parse_parameters(text):
    """{number: value or None} of a DETAIL line of the log."""
    found = {}
    for number, null, value in re.findall(r"\$(\d+) = (?:(NULL)|'((?:[^']|'')*)')", text):
        found[int(number)] = None if null else value.replace("''", "'")
    return found


class Script:
    def __init__(self, question):
        self.question, self.sets, self.statements = question, [], []
        if question.first != question.last:
            self.sets.append("\\set n random(%d, %d)" % (question.first, question.last))

    def value(self, value):
        """The value as SQL for pgbench."""
        if value is None:
            return "NULL"
        if value == str(SAMPLE):
            return ":n"
        if re.fullmatch(r"\{\d+(,\d+)*\}", value):
            return "ARRAY[%s]::bigint[]" % ",".join(self.offset(int(each) - SAMPLE) for each in value[1:-1].split(","))
        return "'%s'" % value.replace("'", "''")

    def offset(self, by):
        name = "n%d" % by if by >= 0 else "m%d" % -by
        line = "\\set %s :n + %d" % (name, by)
        if line not in self.sets:
            self.sets.append(line)
        return ":" + name

    def add(self, sql, parameters):
        self.statements.append(re.sub(r"\$(\d+)", lambda found: self.value(parameters[int(found[1])]), sql) + ";")

    def text(self):
        return "\n".join(self.sets + self.statements) + "\n"


class Pgbench(Peer):
    name, title = "pgbench", "pgbench -M prepared"
    settings = ("-M prepared -n, %d threads, a connection a client, warm for %d s and more before it counts; the statements are "
                "Quern's own, and its session's %s" % (PGBENCH_THREADS, WARM_SECONDS, SESSION),)

    def start(self, world):
        self.world = world
        self.scripts = {}

    def capture(self, question):
        """What Quern sends for it."""
        cluster = self.world.cluster
        cluster.sql("ALTER SYSTEM SET log_statement = 'all'")
        cluster.sql("SELECT pg_reload_conf()")
        time.sleep(SETTLE_SECONDS)
        with open(cluster.log, encoding="utf-8") as log:
            log.seek(0, os.SEEK_END)
            self.world.quern.answer(question, SAMPLE)
            time.sleep(SETTLE_SECONDS)
            lines = log.read().split("\n")
        cluster.sql("ALTER SYSTEM RESET log_statement")
        cluster.sql("SELECT pg_reload_conf()")
        found = []
        for number, line in enumerate(lines):
            sql = re.search(r"LOG:  execute q\d+: (.*)", line)
            if sql:
                detail = lines[number + 1] if "DETAIL:  parameters:" in lines[number + 1] else ""
                found.append((sql[1], parse_parameters(detail)))
        if not found:
            raise SystemExit("no statement of Quern's in the log for %s:\n%s" % (question.name, "\n".join(lines)))
        return found

    def ask(self, question):
        """The script's path."""
        if question.name not in self.scripts:
            script = Script(question)
            for sql, parameters in self.capture(question):
                script.add(sql, parameters)
            path = os.path.join(self.world.folder, question.name + ".sql")
            with open(path, "w", encoding="utf-8") as file:
                file.write(script.text())
            self.scripts[question.name] = path
        return self.scripts[question.name]

    def answer(self, question, n):
        """None: nothing to compare.  Its statements run, or this ends."""
        if n == SAMPLE:
            pgbench(self.world.cluster.keywords, self.ask(question), 1, 1)

    def drive(self, question, connections, seconds, begins):
        return pgbench(self.world.cluster.keywords, self.ask(question), connections, seconds, begins)

    def pids(self):
        return []

    def stop(self):
        pass


PEER = Pgbench
