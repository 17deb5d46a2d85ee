"""Many clients vote for one article, by creating rows and by adding 1 to a column, while nothing or everything goes wrong
beneath them; afterwards what is in the tables is compared with what was acknowledged.

A vote says whose it is and its number, and no constraint forbids it twice: what is written twice is seen.  Nothing here
knows how the server works; it speaks HTTP, kills backends by SQL and by signal, and restarts PostgreSQL by pg_ctl.
"""

import collections
import http.client
import os
import random
import shutil
import signal
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "api"))

import harness  # noqa: E402
from harness import Client, Cluster, Process  # noqa: E402

GIVE_UP_SECONDS = 120
BROKEN = (http.client.HTTPException, OSError)


class Polls:
    """`quern serve` with a PostgreSQL that may be maltreated, one article and no votes."""

    def __init__(self, is_safe=False):
        self.cluster = Cluster()
        try:
            if is_safe:
                self.cluster.sql("ALTER SYSTEM SET fsync = on")
            self.models = os.path.join(self.cluster.folder, "models")
            os.mkdir(self.models)
            os.chmod(self.models, 0o755)
            shutil.copy(os.path.join(HERE, "models.json"), self.models)
            self.environment = {"QUERN_DATABASE_URL": self.cluster.url, "QUERN_LOG_LEVEL": "error"}
            migrated = harness.run_program(["migrate", "--models", self.models], self.environment)
            if migrated.returncode != 0:
                raise AssertionError("quern migrate: exit code %d\n%s" % (migrated.returncode, migrated.stdout))
            self.process = Process(["serve", "--models", self.models, "--port", "0"], self.environment)
        except BaseException:
            self.cluster.remove()
            raise
        self.port = self.process.port
        self.reset()

    def reset(self):
        self.cluster.sql("TRUNCATE article, vote, counter RESTART IDENTITY; INSERT INTO article (title, votes) VALUES ('one', 0)")

    def stop(self):
        try:
            self.process.stop()
        finally:
            self.cluster.remove()

    def restart_server(self):
        """The program killed at once and started again on the same port."""
        self.process.kill()
        self.process = Process(["serve", "--models", self.models, "--port", str(self.port)], self.environment)

    def votes(self):
        """How often each (client, number) is there."""
        return collections.Counter(self.cluster.sql("SELECT client, number FROM vote"))

    def sum(self):
        return self.cluster.sql("SELECT votes FROM article WHERE id = 1")[0][0]


class Trouble:
    """What goes wrong, in turns, until the votes are in."""

    def __init__(self, polls, seed, pause, kinds):
        self.polls, self.random, self.pause, self.kinds = polls, random.Random(seed), pause, kinds
        self.done = collections.Counter()
        self.over = threading.Event()
        self.failure = None
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.polls.cluster.start_if_needed()

    def run(self):
        try:
            while not self.over.wait(self.random.uniform(0.3, 1.7) * self.pause):
                kind = self.random.choice(self.kinds)
                getattr(self, kind)()
                self.done[kind] += 1
        except BaseException as failure:  # told by the one who waits
            self.failure = failure

    def backends(self):
        return [row[0] for row in self.polls.cluster.sql(
            "SELECT pid FROM pg_stat_activity WHERE datname = 'quern' AND pid <> pg_backend_pid() AND backend_type = 'client backend'")]

    def terminate(self):
        """A few backends end as an administrator ends them."""
        found = self.backends()
        for pid in self.random.sample(found, min(3, len(found))):
            self.polls.cluster.sql("SELECT pg_terminate_backend(%d)" % pid)

    def kill(self):
        """One backend dies at once; PostgreSQL then ends all others and recovers."""
        found = self.backends()
        if found:
            os.kill(self.random.choice(found), signal.SIGKILL)
        self.wait_for_database()

    def restart_fast(self):
        self.polls.cluster.stop("fast")
        self.polls.cluster.start()

    def restart_immediate(self):
        self.polls.cluster.stop("immediate")
        self.polls.cluster.start()

    def kill_server(self):
        self.polls.restart_server()

    def wait_for_database(self):
        end = time.monotonic() + 30
        while True:
            try:
                return self.polls.cluster.sql("SELECT 1")
            except Exception:  # noqa: B902: any refusal while it recovers
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)


class Voter:
    """One client: every vote is sent until it is acknowledged, or, without a key, once."""

    def __init__(self, port, number, count, has_keys):
        self.port, self.number, self.count, self.has_keys = port, number, count, has_keys
        self.acknowledged, self.unknown, self.refused = 0, 0, 0
        self.seen = []  # the numbers that were acknowledged
        self.client = None

    def vote(self, number):
        return "/api/vote", {"article": 1, "client": self.number, "number": number}

    def add(self, number):
        return "/api/article/update", {"filter": {"id": 1}, "set": {"votes": {"+": [{"F": "votes"}, 1]}}}

    def count_up(self, number):
        """One row for all clients, made by whoever comes first."""
        return "/api/counter/update_or_create", {
            "lookup": {"name": "votes %d" % number}, "defaults": {"value": {"+": [{"F": "value"}, 1]}}, "create_defaults": {"value": 1}}

    def run(self, make):
        for number in range(self.count):
            self.send(number, *make(number))
        if self.client:
            self.client.close()

    def send(self, number, path, body):
        headers = {"Idempotency-Key": "%s-%d-%d" % (path.split("/")[2], self.number, number)} if self.has_keys else {}
        end = time.monotonic() + GIVE_UP_SECONDS
        while True:
            status = self.ask(path, body, headers)
            if status in (200, 201):
                self.acknowledged += 1
                self.seen.append(number)
                return
            if status not in (None, 409, 503, 504):
                raise AssertionError("%s answered %s: %s" % (path, status, self.said))
            self.refused += 1
            if not self.has_keys and (status is None or "not known" in self.said):
                self.unknown += 1
                return  # perhaps written
            if time.monotonic() > end:
                raise AssertionError("%s is not acknowledged after %d s: %s" % (path, GIVE_UP_SECONDS, self.said))
            time.sleep(random.uniform(0.005, 0.05))

    def ask(self, path, body, headers):
        """The status, or None when the connection broke."""
        try:
            if self.client is None:
                self.client = Client(self.port, timeout=30)
            response = self.client.post(path, body, headers)
        except BROKEN as problem:
            self.said = repr(problem)
            if self.client is not None:
                self.client.close()
            self.client = None
            return None
        self.said = response.body.decode("utf-8", "replace")
        return response.status


class Report:
    def __init__(self, voters, seconds):
        self.acknowledged = sum(voter.acknowledged for voter in voters)
        self.unknown = sum(voter.unknown for voter in voters)
        self.refused = sum(voter.refused for voter in voters)
        self.seen = {(voter.number, number) for voter in voters for number in voter.seen}
        self.seconds = seconds

    def __str__(self):
        return "%d acknowledged in %.1f s (%.0f/s), %d refused and sent again or broken, %d of unknown end" % (
            self.acknowledged, self.seconds, self.acknowledged / self.seconds, self.refused, self.unknown)


def poll(port, clients, count, method, has_keys):
    """All clients at once; a failure of one is raised here."""
    voters = [Voter(port, number, count, has_keys) for number in range(clients)]
    failures, barrier = [], threading.Barrier(clients)

    def run(voter):
        try:
            barrier.wait()
            voter.run(getattr(voter, method))
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(voter,)) for voter in voters]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return Report(voters, time.monotonic() - start)


def wrong_votes(polls, report, wanted, has_keys):
    """What is wrong with the rows that the votes left, in words; None when nothing is."""
    votes = polls.votes()
    lost = report.seen - set(votes)
    twice = [vote for vote, times in votes.items() if times > 1]
    if lost:
        return "%d acknowledged votes are not there: %s" % (len(lost), sorted(lost)[:5])
    if twice:
        return "%d votes are there more than once: %s" % (len(twice), sorted(twice)[:5])
    if has_keys and len(votes) != wanted:
        return "%d votes are there, and %d were sent until they were acknowledged" % (len(votes), wanted)
    if not has_keys and len(votes) > report.acknowledged + report.unknown:
        return "%d votes are there, and %d are acknowledged or unknown" % (len(votes), report.acknowledged + report.unknown)
    return None


def wrong_sum(polls, report, wanted, has_keys):
    found = polls.sum()
    low, high = (wanted, wanted) if has_keys else (report.acknowledged, report.acknowledged + report.unknown)
    return None if low <= found <= high else "the sum is %d, and should be %s" % (found, low if low == high else "%d to %d" % (low, high))


def wrong_counters(polls, report, wanted, has_keys):
    """Each number has one row, which counts every client once."""
    found = polls.cluster.sql("SELECT count(*), count(DISTINCT name), coalesce(sum(value), 0) FROM counter")[0]
    low, high = (wanted, wanted) if has_keys else (report.acknowledged, report.acknowledged + report.unknown)
    if found[0] == found[1] and low <= found[2] <= high:
        return None
    return "%d counters of %d names with a sum of %d, which should be %d to %d" % (*found, low, high)


WRONG = {"vote": wrong_votes, "add": wrong_sum, "count_up": wrong_counters}
