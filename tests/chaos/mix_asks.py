"""The questions of the mix and what is checked of each answer.

Every method of Reads, Writes and Wrongs is one kind of ask: a generator that gives a request and is sent its answer (see
mix_clients.py).  A row's members carry its key, so that another's row is seen.  `rng` decides what is asked, so that many ask
the same with generators in the same state; the mix's own decides who asks, and in which words.
"""

import csv
import io
import json
import urllib.parse

from mix_clients import get, post, request
from mix_model import Lines, Wrong, expect
from mix_world import ACCOUNTS, BALANCE, BALLAST, COUNTERS, HOT, ITEMS, LABELS, PAIRED, PARTS, SHARES, SHELVES, TICKETS

HOMES = {"default": "quern", "guest": "quern", "archive": "archive"}
ZONES = {None: "2026-01-01T12:00:00Z", "Europe/Berlin": "2026-01-01T13:00:00+01:00", "Asia/Tokyo": "2026-01-01T21:00:00+09:00"}
MEMBERS = ["id", "name", "shelf", "version", "proof", "is_hidden", "home", "at"]


def proof(number, version):
    return number + 31 * version


def visible(alias):
    """What of an item's state (version, is_hidden) an alias sees."""
    if alias == "guest":
        return lambda state: None if state is None or state[1] else state
    return lambda state: state


def version_only(view):
    return lambda state: None if view(state) is None else view(state)[0]


def item_state(row, number, alias, zone=None):
    """The state that a whole row shows, once all else of it is right."""
    version = row.get("version")
    wanted = dict(zip(MEMBERS, (number, "item %d" % number, number % SHELVES, version, proof(number, version or 0),
                                row.get("is_hidden"), HOMES[alias], ZONES[zone])))
    expect(row, wanted, "a row of item %d for %s" % (number, alias))
    return (version, row["is_hidden"])


def item_body(number, version, is_hidden):
    return {"id": number, "name": "item %d" % number, "shelf": number % SHELVES, "version": version,
            "proof": proof(number, version), "is_hidden": is_hidden, "home": "quern", "at": ZONES[None]}


def ok(answer, status=200):
    expect(answer.status, status, "the status of %r" % answer)
    return answer.json


def one(answer, state):
    """The state of an answer that is one row or a 404."""
    if answer.status == 404:
        expect(answer.json["title"], "DoesNotExist", "a 404's title")
        return None
    return state(ok(answer))


class Asks:
    def __init__(self, mix):
        self.mix = mix

    def items(self, alias):
        return self.mix.items["archive" if alias == "archive" else "default"]

    def somebody(self):
        """Who asks, and in which zone: not the same where many ask the same."""
        return self.mix.random.choice(list(HOMES)), self.mix.random.choice(list(ZONES))

    def shelf(self, shelf):
        return [number for number in range(1, ITEMS + 1) if number % SHELVES == shelf]

    def label(self, number):
        return "label \"%d\\, {ä}" % number

    def uuid(self, number):
        return "00000000-0000-4000-8000-%012d" % number


def with_alias(body, alias, zone=None):
    if alias != "default":
        body["using"] = alias
    if zone is not None:
        body["timezone"] = zone
    return body


class Reads(Asks):
    def point(self, rng):
        """One row by its key, perhaps only if it changed; asked in several ways, which are one key and not one request."""
        model, number = rng.choice(["item", "slow"]), rng.choice(HOT) if rng.random() < 0.25 else rng.randint(1, ITEMS)
        key = self.mix.random.choice(["%d", "%d", "%02d", "%03d"]) % number
        yield from self.row("/api/%s/%s" % (model, key), Lines([self.items("default")[number]]), rng.random() < 0.3,
                            lambda row: item_state(row, number, "default"))

    def row(self, path, lines, is_conditional, state):
        etag, known = self.mix.etags.get(path, (None, None)) if is_conditional else (None, None)
        answer = yield get(path, ["If-None-Match: " + etag] if etag else ())
        if answer.status == 304:
            expect(answer.headers.get("etag"), etag, "the ETag of a 304")
            answer.status, answer.body = 200, known
        elif answer.status == 200:
            self.mix.etags[path] = (answer.headers["etag"], answer.body)
        lines.judge([one(answer, state)])

    def ticket(self, rng):
        number = rng.randint(1, TICKETS)
        key = self.uuid(number)
        yield from self.row("/api/ticket/" + (key.upper() if rng.random() < 0.2 else key), Lines([self.mix.tickets[number]]), rng.random() < 0.2,
                            lambda row: (expect((row["id"], row["number"]), (key, number), "a ticket"), row["version"])[1])

    def label_by_code(self, rng):
        number = rng.randint(1, LABELS)
        code = self.label(number)
        yield from self.row("/api/label/" + urllib.parse.quote(code), Lines([self.mix.labels[number]]), False,
                            lambda row: (expect(row["code"], code, "a label"), row["version"])[1])

    def ticket_by_number(self, rng):
        number = rng.randint(1, TICKETS)
        lines = Lines([self.mix.tickets[number]])
        answer = yield get("/api/ticket?number=%d&only=version,number" % number)
        rows = ok(answer)["results"]
        for row in rows:
            expect(row, {"id": self.uuid(number), "number": number, "version": row["version"]}, "a ticket by its number")
        lines.judge([rows[0]["version"] if rows else None])

    def by_name(self, rng):
        """get() by another unique field, for everybody and in everybody's zone."""
        (alias, zone), number = self.somebody(), rng.randint(1, ITEMS)
        model = "slow" if alias == "default" and rng.random() < 0.3 else "item"
        lines = Lines([self.items(alias)[number]])
        field = rng.choice([{"name": "item %d" % number}, {"id": number}, {"name__in": ["item %d" % number, "no item"]}])
        answer = yield post("/api/%s/get" % model, with_alias({"filter": field}, alias, zone))
        lines.judge([one(answer, lambda row: item_state(row, number, alias, zone))], visible(alias))

    def list(self, rng):
        """A shelf's rows: the same question from many at once."""
        (alias, zone), shelf = self.somebody(), rng.randrange(SHELVES)
        model = "slow" if alias == "default" and rng.random() < 0.4 else "item"
        numbers = self.shelf(shelf)
        lines = Lines([self.items(alias)[number] for number in numbers])
        body = with_alias({"filter": {"shelf": shelf}, "order_by": ["id"]}, alias, zone)
        rows = ok((yield post("/api/%s/query" % model, body)))["results"]
        self.judge_rows(rows, numbers, lines, visible(alias), lambda row, number: item_state(row, number, alias, zone))

    def judge_rows(self, rows, numbers, lines, view, state):
        found = {row["id"]: row for row in rows}
        expect([row["id"] for row in rows], [number for number in numbers if number in found], "the keys of a list")
        lines.judge([state(found[number], number) if number in found else None for number in numbers], view)

    def list_as(self, rng):
        """As JSON, NDJSON or CSV by the same address."""
        form, shelf = self.mix.random.choice(["application/json", "application/x-ndjson", "text/csv"]), rng.randrange(SHELVES)
        model = rng.choice(["item", "item", "slow"])
        numbers = self.shelf(shelf)
        lines = Lines([self.items("default")[number] for number in numbers])
        answer = yield get("/api/%s?shelf=%d&order_by=id" % (model, shelf), ["Accept: " + form])
        expect((answer.status, answer.headers["content-type"].split(";")[0]), (200, form), "status and type")
        self.judge_rows(self.parse(answer, form), numbers, lines, visible("default"), lambda row, number: item_state(row, number, "default"))

    def parse(self, answer, form):
        if form == "application/json":
            return answer.json["results"]
        if form == "application/x-ndjson":
            return [json.loads(line) for line in answer.body.splitlines()]
        rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
        for row in rows:
            row.update({name: int(row[name]) for name in ("id", "shelf", "version", "proof")}, is_hidden=row["is_hidden"] == "true")
        return rows

    def columns(self, rng):
        """A part of the columns, of keys that are named: few and many make one shape."""
        alias, _ = self.somebody()
        numbers = sorted(rng.sample(range(1, ITEMS + 1), rng.randint(1, 9)))
        lines = Lines([self.items(alias)[number] for number in numbers])
        body = with_alias({"filter": {"id__in": numbers}, "values": ["id", "home", "version"], "order_by": ["id"]}, alias)
        rows = ok((yield post("/api/item/query", body)))["results"]
        self.judge_rows(rows, numbers, lines, version_only(visible(alias)), lambda row, number: (
            expect(row, {"id": number, "home": HOMES[alias], "version": row["version"]}, "some columns"), row["version"])[1])

    def in_bulk(self, rng):
        alias, _ = self.somebody()
        numbers = rng.sample(range(1, ITEMS + 1), rng.randint(1, 6))
        lines = Lines([self.items(alias)[number] for number in numbers])
        body = with_alias({"ids": ["item %d" % number for number in numbers], "field_name": "name"}, alias)
        rows = ok((yield post("/api/item/in_bulk", body)))["results"]
        lines.judge([item_state(rows.pop("item %d" % number), number, alias) if "item %d" % number in rows else None for number in numbers],
                    visible(alias))
        expect(rows, {}, "what in_bulk found beside what was asked")

    def count(self, rng):
        (alias, _), shelf = self.somebody(), rng.randrange(SHELVES)
        lines = Lines([self.items(alias)[number] for number in self.shelf(shelf)])
        answer = yield post("/api/item/count", with_alias({"filter": {"shelf": shelf}}, alias))
        lines.judge_count(ok(answer)["count"], visible(alias))

    def exists(self, rng):
        (alias, _), number = self.somebody(), rng.randint(1, ITEMS)
        lines = Lines([self.items(alias)[number]])
        answer = yield post("/api/item/exists", with_alias({"filter": {"name": "item %d" % number}}, alias))
        lines.judge_count(int(ok(answer)["exists"]), visible(alias))

    def sum(self, rng):
        """Transfers leave the sum as it is, for every statement."""
        if rng.random() < 0.5:
            found = ok((yield get("/api/account/aggregate?aggregate=sum:Sum(balance)")))["sum"]
        else:
            found = sum(row["balance"] for row in ok((yield get("/api/account?order_by=id")))["results"])
        expect(found, ACCOUNTS * BALANCE, "the sum of all accounts")

    def counter(self, rng):
        number = rng.randint(1, COUNTERS)
        total = self.mix.counters[number]
        floor = total.floor
        path = rng.choice(["/api/counter/%d", "/api/counter?name=counter%%20%d"]) % number
        body = ok((yield get(path)))
        row = body["results"][0] if "results" in body else body
        expect((row["id"], row["name"]), (number, "counter %d" % number), "a counter")
        total.judge(floor, row["value"])

    def joined(self, rng):
        """Rows that one transaction writes are the same in one statement, and never older in the next."""
        number = rng.randint(1, PAIRED)
        lines = Lines([self.items("default")[number]])
        if rng.random() < 0.5:
            rows = ok((yield get("/api/part?item=%d&select_related=item" % number)))["results"]
            expect({row["version"] for row in rows}, {rows[0]["item"]["version"]}, "the versions of parts, joined")
            lines.judge([item_state(rows[0]["item"], number, "default")])
        else:
            row, = ok((yield get("/api/item?id=%d&prefetch_related=part_set" % number)))["results"]
            parts = row.pop("part_set")
            lines.judge([item_state(row, number, "default")])
            if min(part["version"] for part in parts) < row["version"]:
                raise Wrong("prefetched parts are older than their item: %r, %r" % (row, parts))
        expect(len(rows if "parts" not in locals() else parts), PARTS, "the number of parts")

    def snapshot(self, rng):
        """In one snapshot a row stays as it is; what is outside comes not in."""
        number = rng.randint(1, ITEMS)
        lines = Lines([self.items("default")[number]])
        read = {"model": "Item", "method": "query", "body": {"filter": {"id": number}}}
        nap = {"model": "Slow", "method": "query", "body": {"filter": {"shelf": number % SHELVES}}}
        results = ok((yield post("/batch", {"isolation": "repeatable read", "operations": [read, nap, read]})))["results"]
        first, last = results[0]["body"]["results"], results[2]["body"]["results"]
        expect(last, first, "a row read again in one snapshot")
        lines.judge([item_state(first[0], number, "default") if first else None])

    def several(self, rng):
        """Operations by themselves: a bad one hurts no other."""
        number, alias = rng.randint(1, ITEMS), rng.choice(["default", "archive"])
        lines = Lines([self.items(alias)[number]])
        key = {"model": "Item", "method": "get", "pk": number}
        operations = [{"model": "Item", "method": "get", "pk": 10 ** 6}, key, {"model": "Item", "method": "count", "body": {"filter": {"nme": 1}}},
                      {"model": "Share", "method": "get", "pk": 5}, key]
        results = ok((yield post("/batch", with_alias({"atomic": False, "operations": operations}, alias))))["results"]
        expect([result["status"] for result in results[::2][:2] + results[3:4]], [404, 400, 400], "what is bad in a batch")
        for result in (results[1], results[4]):
            lines.judge([item_state(result["body"], number, alias) if result["status"] == 200 else expect(result["status"], 404, "a status")])

    def share(self, rng):
        """Some rows cannot be computed; who asks for another does not notice."""
        number = rng.randint(1, SHARES)
        answer = yield get("/api/share/%d" % number)
        if number % 5 == 0:
            expect((answer.status, answer.json["detail"]), (400, "Division by zero."), "a row that cannot be computed")
        else:
            expect(ok(answer), {"id": number, "part": 1000 // number}, "a row that can be computed")

    def long(self, rng):
        """Takes a while; who asks this often hangs up in the midst of it."""
        lines = Lines(list(self.items("default").values()))
        rows = ok((yield post("/api/long/query", {"order_by": ["id"]})))["results"]
        self.judge_rows(rows, range(1, ITEMS + 1), lines, version_only(visible("default")), lambda row, number: row["version"])

    def ballast(self, rng):
        """Longer than what is held back: sent in parts."""
        rows = ok((yield get("/api/ballast?order_by=number")))["results"]
        expect([row["number"] for row in rows], list(range(1, BALLAST + 1)), "the rows of a long answer")


class Wrongs(Asks):
    """What must be refused, as it would be without company."""

    TABLE = [
        ("GET", "/api/item/abc", None, 404), ("GET", "/api/item/99999999999999999999", None, 404), ("GET", "/api/ticket/zzz", None, 404),
        ("GET", "/api/item/%00", None, 400), ("GET", "/api/label/%ff", None, 400), ("GET", "/api/label/" + "x" * 300, None, 404),
        ("GET", "/api/item?shelf=abc&order_by=id", None, 400), ("GET", "/api/item?shelf=99999999999&order_by=id", None, 400),
        ("GET", "/api/item?shelv=3&order_by=id", None, 400), ("GET", "/api/item/-1", None, 404), ("GET", "/api/itme/1", None, 404),
        ("POST", "/api/item/query", {"filter": {"shelf": "x"}, "order_by": ["id"]}, 400),
        ("POST", "/api/item/get", {"filter": {"name": 3.5}, "using": "nowhere"}, 400),
        ("POST", "/api/item/get", {"filter": {"shelf": 1}}, 409),
        ("POST", "/api/item/get", {"filter": {"id": 1}, "timezone": "Europe/Nowhere"}, 400),
        ("POST", "/api/item/query", {"annotate": {"x": {"/": [1, {"Value": 0}]}}, "limit": 1}, 400),
        ("POST", "/api/part/query", {"using": "guest", "select_for_update": True}, 400),
        ("POST", "/api/item/update", {"using": "guest", "filter": {"id": 1}, "set": {"version": -7}}, 403),
        ("POST", "/api/account/count", {"using": "guest"}, 403),
        ("PATCH", "/api/item/1", {"version": "many"}, 422), ("PATCH", "/api/item/1", {"name": "item 2", "version": -8}, 409),
        ("POST", "/batch", {"operations": [{"model": "Item", "method": "update", "body": {"filter": {"id": 2}, "set": {"version": -9}}},
                                           {"model": "Item", "method": "get", "pk": 10 ** 6}]}, 404),
    ]

    def refused(self, rng):
        method, path, body, status = rng.choice(self.TABLE)
        answer = yield request(method, path, body)
        expect(answer.status, status, "%s %s %r: %r" % (method, path, body, answer))
        expect(answer.json["status"], status, "the problem's status")


class Writes(Asks):
    """One write of a row at a time; to counters and accounts many at once."""

    def free(self, rng, lines):
        """A row that nobody writes now, or None."""
        for _ in range(8):
            number = rng.choice(HOT if lines is self.mix.items["default"] and rng.random() < 0.25 else list(lines))
            if not lines[number].is_busy:
                return number, lines[number]
        return None, None

    def item(self, rng):
        alias = rng.choice(["default", "default", "default", "archive"])
        number, line = self.free(rng, self.items(alias))
        if line is None:
            return (yield from self.count_up(rng))
        version = len(line.states)
        is_hidden = rng.random() < 0.3
        if number <= PAIRED and alias == "default":
            yield from self.pair(number, line, version, is_hidden)
        elif alias == "archive":
            line.begin((version, is_hidden))
            change = {"using": alias, "filter": {"name": "item %d" % number}, "set": self.change(number, version, is_hidden)}
            expect(ok((yield post("/api/item/update", change))), {"updated": 1}, "an update")
        elif line.last is None:
            line.begin((version, is_hidden))
            ok((yield post("/api/item", item_body(number, version, is_hidden))), 201)
        else:
            yield from rng.choice([self.patch, self.patch, self.update, self.add, self.delete])(number, line, version, is_hidden)
        line.end()

    def change(self, number, version, is_hidden):
        return {"version": version, "proof": proof(number, version), "is_hidden": is_hidden}

    def patch(self, number, line, version, is_hidden):
        line.begin((version, is_hidden))
        row = ok((yield request("PATCH", "/api/item/%d" % number, self.change(number, version, is_hidden))))
        expect(item_state(row, number, "default"), (version, is_hidden), "the row that PATCH answers")

    def update(self, number, line, version, is_hidden):
        line.begin((version, is_hidden))
        body = {"filter": {"name": "item %d" % number}, "set": self.change(number, version, is_hidden)}
        expect(ok((yield post("/api/item/update", body))), {"updated": 1}, "an update")

    def add(self, number, line, version, is_hidden):
        """By expressions of what is there."""
        steps = version - line.last[0]
        line.begin((version, is_hidden))
        body = {"filter": {"id": number}, "set": {"version": {"+": [{"F": "version"}, steps]}, "proof": {"+": [{"F": "proof"}, 31 * steps]},
                                                  "is_hidden": is_hidden}}
        expect(ok((yield post("/api/item/update", body))), {"updated": 1}, "an update by expressions")

    def delete(self, number, line, version, is_hidden):
        line.begin(None)
        expect(ok((yield request("DELETE", "/api/item/%d" % number)))["deleted"], 1, "a delete")

    def pair(self, number, line, version, is_hidden):
        """An item and its parts in one transaction, which sees its own writes."""
        line.begin((version, is_hidden))
        operations = [{"model": "Item", "method": "update", "body": {"filter": {"id": number}, "set": self.change(number, version, is_hidden)}},
                      {"model": "Item", "method": "get", "pk": number},
                      {"model": "Part", "method": "update", "body": {"filter": {"item": number}, "set": {"version": version}}},
                      {"model": "Part", "method": "query", "body": {"filter": {"item": number}, "select_related": ["item"]}}]
        results = ok((yield post("/batch", {"operations": operations})))["results"]
        expect(item_state(results[1]["body"], number, "default"), (version, is_hidden), "one's own write in a transaction")
        expect([(row["version"], row["item"]["version"]) for row in results[3]["body"]["results"]], [(version, version)] * PARTS,
               "one's own writes in a transaction")

    def ticket(self, rng):
        number, line = self.free(rng, self.mix.tickets)
        if line is None:
            return (yield from self.transfer(rng))
        version = len(line.states)
        yield from self.thing(line, version, "/api/ticket", self.uuid(number), {"id": self.uuid(number), "number": number, "version": version})

    def label_text(self, rng):
        number, line = self.free(rng, self.mix.labels)
        if line is None:
            return (yield from self.transfer(rng))
        version = len(line.states)
        yield from self.thing(line, version, "/api/label", urllib.parse.quote(self.label(number)), {"code": self.label(number), "version": version})

    def thing(self, line, version, path, key, body):
        """Made, changed or taken away, in turns."""
        if line.last is None:
            line.begin(version)
            ok((yield post(path, body)), 201)
        elif version % 3:
            line.begin(version)
            expect(ok((yield request("PATCH", "%s/%s" % (path, key), {"version": version}))), body, "a row after PATCH")
        else:
            line.begin(None)
            ok((yield request("DELETE", "%s/%s" % (path, key))))
        line.end()

    def count_up(self, rng):
        """Adds 1; who hangs up may have added it."""
        number = rng.randint(1, COUNTERS)
        total = self.mix.counters[number]
        total.sent += 1
        body = {"filter": {"id": number}, "set": {"value": {"+": [{"F": "value"}, 1]}}}
        expect(ok((yield post("/api/counter/update", body))), {"updated": 1}, "an update")
        total.acknowledged += 1

    def count_once(self, rng):
        """Adds 1, sent twice with one key."""
        number = rng.randint(1, COUNTERS)
        total = self.mix.counters[number]
        total.sent += 1
        body = {"filter": {"id": number}, "set": {"value": {"+": [{"F": "value"}, 1]}}}
        key = "Idempotency-Key: %s" % self.mix.new_key()
        for _ in range(2):
            expect(ok((yield post("/api/counter/update", body, [key]))), {"updated": 1}, "an update with a key")
        total.acknowledged += 1

    def count_slowly(self, rng):
        """Adds 1 and keeps the row to itself for a while: others wait for it, and some of them hang up."""
        number = rng.randint(1, COUNTERS)
        total = self.mix.counters[number]
        total.sent += 1
        operations = [{"model": "Counter", "method": "update", "body": {"filter": {"id": number}, "set": {"value": {"+": [{"F": "value"}, 1]}}}},
                      {"model": "Long", "method": "count"}]
        ok((yield post("/batch", {"operations": operations})))
        total.acknowledged += 1

    def transfer(self, rng):
        """From one account to another, the first by its number first; some are undone by a last operation that fails."""
        low, high = sorted(rng.sample(range(1, ACCOUNTS + 1), 2))
        amount, is_undone = rng.randint(-5, 5), rng.random() < 0.3

        def move(account, by):
            return {"model": "Account", "method": "update", "body": {"filter": {"id": account}, "set": {"balance": {"+": [{"F": "balance"}, by]}}}}

        operations = [move(low, amount + (10 ** 6 if is_undone else 0)), move(high, -amount)]
        if is_undone:
            operations.append({"model": "Account", "method": "get", "pk": 10 ** 6})
        ok((yield post("/batch", {"operations": operations})), 404 if is_undone else 200)
