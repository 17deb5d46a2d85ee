"""A mix: clients, what they ask and how often, and the judgement at the end."""

import collections
import random
import time
import uuid

import mix_world
from mix_asks import Asks, Reads, Writes, Wrongs
from mix_clients import Clients
from mix_model import Line, Sum, Wrong, expect
from mix_world import COUNTERS, ITEMS, LABELS, TICKETS, World, sql_in

READS = {"point": 30, "ticket": 8, "label_by_code": 8, "ticket_by_number": 4, "by_name": 12, "list": 12, "list_as": 10, "columns": 8,
         "in_bulk": 3, "count": 6, "exists": 3, "sum": 4, "counter": 8, "joined": 6, "snapshot": 2, "several": 3, "share": 10, "ballast": 0.3, "long": 0.3}
WRITES = {"item": 30, "ticket": 8, "label_text": 8, "count_up": 8, "count_once": 3, "transfer": 6, "count_slowly": 0.6}
# How often of all a client hangs up, and after how many seconds.
HANG_UPS = {"long": 0.5, "count_up": 0.1}
HANG_UP, HANG_UP_AFTER = 0.01, [0, 0.0005, 0.002, 0.01, 0.025, 0.03, 0.04, 0.06]
# How long all ask alike, in the mean.
THEME_SECONDS = 0.01


class Mix:
    """Runs on a world; what is wrong is raised as Wrong with the ask's kind and the time."""

    def __init__(self, world, seed, clients=48, writers=0.2):
        self.world, self.random, self.writers = world, random.Random(seed), writers
        self.items = {alias: {number: Line("item %d of %s" % (number, alias), (0, False)) for number in range(1, ITEMS + 1)}
                      for alias in ("default", "archive")}
        self.tickets = {number: Line("ticket %d" % number, 0) for number in range(1, TICKETS + 1)}
        self.labels = {number: Line("label %d" % number, 0) for number in range(1, LABELS + 1)}
        self.counters = {number: Sum("counter %d" % number) for number in range(1, COUNTERS + 1)}
        self.etags = {}
        self.done = collections.Counter()
        self.hung_up = 0
        self.groups = [(Reads(self), READS), (Writes(self), WRITES), (Wrongs(self), {"refused": 1})]
        self.theme, self.theme_ends = 0, 0.0
        # One in eight sends two requests at once.
        self.clients = Clients(world.port, [1 + (number % 8 == 0) for number in range(clients)], self.choose)

    def new_key(self):
        return uuid.UUID(int=self.random.getrandbits(128))

    def choose(self, may_hang_up):
        rng, part = self.random, self.random.random()
        group = 1 if part < self.writers else 2 if part < self.writers + 0.03 else 0
        if group == 0 and rng.random() < 0.5:
            rng = random.Random(self.now_all_ask())
        asks, weights = self.groups[group]
        kind = rng.choices(list(weights), list(weights.values()))[0]
        may_hang_up = may_hang_up and (group != 1 or kind == "count_up")
        hangs_up = may_hang_up and self.random.random() < HANG_UPS.get(kind, HANG_UP)
        self.hung_up += hangs_up
        return self.told(kind, getattr(asks, kind)(rng)), self.random.choice(HANG_UP_AFTER) if hangs_up else None

    def now_all_ask(self):
        now = time.monotonic()
        if now > self.theme_ends:
            self.theme = self.random.random()
            self.theme_ends = now + self.random.expovariate(1 / THEME_SECONDS)
        return self.theme

    def told(self, kind, ask):
        """The ask, with its kind in what it complains of."""
        try:
            yield from ask
        except Exception as problem:
            raise Wrong("%s, after %d answers: %s: %s" % (kind, self.clients.answered, type(problem).__name__, problem)) from problem
        self.done[kind] += 1

    def run(self, seconds):
        self.clients.run(seconds)
        self.clients.close()
        self.judge_end()

    def figures(self):
        """When nothing runs any more, for clients that hung up neither."""
        end = time.monotonic() + 60
        while True:
            figures = Figures(self.world.process.client())
            if figures.running <= 1:  # the one that asks
                return figures
            if time.monotonic() > end:
                raise Wrong("%d requests run on, and nobody waits for them" % figures.running)
            time.sleep(0.2)

    def judge_end(self):
        """Everything is still: each row is as its last write left it."""
        for alias in ("default", "archive"):
            url = self.world.cluster.url if alias == "default" else self.world.cluster.url.replace("dbname=quern", "dbname=archive")
            found = {row[0]: row[1:] for row in sql_in(url, "SELECT id, version, is_hidden FROM item")}
            expect(found, {number: line.last for number, line in self.items[alias].items() if line.last is not None}, "the items of " + alias)
        url = self.world.cluster.url
        expect(dict(sql_in(url, "SELECT number, version FROM ticket")),
               {number: line.last for number, line in self.tickets.items() if line.last is not None}, "the tickets")
        labels = Asks(self)
        expect(dict(sql_in(url, "SELECT code, version FROM label")),
               {labels.label(number): line.last for number, line in self.labels.items() if line.last is not None}, "the labels")
        expect(sql_in(url, "SELECT sum(balance) FROM account")[0][0], mix_world.ACCOUNTS * mix_world.BALANCE, "the sum of all accounts")
        for number, value in sql_in(url, "SELECT id, value FROM counter"):
            self.counters[number].judge(self.counters[number].floor, value)



class Figures:
    """What the server counted of its own work: how much the mix put to the test."""

    NAMES = {"shared": "quern_shared_answers_total", "lookups": "quern_lookup_batch_size_sum", "lookup_statements": "quern_lookup_batch_size_count",
             "bound": "quern_shape_cache_hits_total", "cancels": "quern_db_cancels_total", "running": "quern_http_requests_running"}

    def __init__(self, client):
        values = collections.Counter()
        for line in client.get("/metrics").body.decode().splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                values[name.split("{")[0]] += float(value)
        client.close()
        for name, of_server in self.NAMES.items():
            setattr(self, name, int(values[of_server]))

    def __str__(self):
        return ("%(shared)d answers shared, %(lookups)d lookups by key in %(lookup_statements)d statements, %(bound)d plans of kept shapes, "
                "%(cancels)d cancels" % vars(self))
