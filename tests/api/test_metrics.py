"""/metrics: strictly the text format, counters that count, and Server-Timing's phases."""

import concurrent.futures
import json
import re
import time
import unittest

import harness
from harness import ApiTest, Server, raw_connection

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*"'
SAMPLE = re.compile(r"^(%s)(?:\{(%s(?:,%s)*)\})? (\S+)$" % (NAME, LABEL, LABEL))
SETTLE = 0.7  # longer than the half second between two copies of what other parts count


class Family:
    def __init__(self, name, kind, help):
        self.name, self.kind, self.help = name, kind, help
        self.samples = {}


def parse(text):
    """Families by name.  Refuses what the text format 0.0.4 does not allow, and what its users do not expect: samples
    apart from their family, a family twice, a sample twice, a histogram whose buckets fall."""
    if not text.endswith("\n"):
        raise AssertionError("the last line has no end")
    families, now, kind_due = {}, None, None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            _, _, name, words = line.split(" ", 3)
            if name in families or not re.fullmatch(NAME, name) or not words or kind_due:
                raise AssertionError("a bad HELP: " + line)
            kind_due = (name, words)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            if kind not in ("counter", "gauge", "histogram") or not kind_due or kind_due[0] != name:
                raise AssertionError("a bad TYPE: " + line)
            now = families[name] = Family(name, kind, kind_due[1])
            kind_due = None
        else:
            found = SAMPLE.match(line)
            if not found or now is None or kind_due:
                raise AssertionError("a bad line: " + line)
            name, labels, value = found.groups()
            ends = ("_bucket", "_sum", "_count") if now.kind == "histogram" else ("",)
            if name not in [now.name + end for end in ends]:
                raise AssertionError("%s does not belong to %s" % (name, now.name))
            pairs = tuple(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""))
            if (name, pairs) in now.samples or len({label for label, _ in pairs}) != len(pairs):
                raise AssertionError("twice: " + line)
            now.samples[name, pairs] = float(value)
    for family in families.values():
        check(family)
    return families


def check(family):
    if family.kind == "counter" and not family.name.endswith("_total"):
        raise AssertionError("a counter named " + family.name)
    if family.kind == "gauge" and family.name.endswith("_total"):
        raise AssertionError("a gauge named " + family.name)
    if any(not value >= 0 for value in family.samples.values()):
        raise AssertionError("a negative value in " + family.name)
    if family.kind != "histogram":
        return
    series = {}
    for (name, pairs), value in family.samples.items():
        rest = tuple(pair for pair in pairs if pair[0] != "le")
        bounds = [float(pair[1]) for pair in pairs if pair[0] == "le"]
        series.setdefault(rest, {"_bucket": [], "_sum": [], "_count": []})[name[len(family.name):]].append((bounds, value))
    for rest, parts in series.items():
        bounds = [bound[0] for bound, _ in parts["_bucket"]]
        values = [value for _, value in parts["_bucket"]]
        if bounds != sorted(set(bounds)) or bounds[-1] != float("inf") or values != sorted(values):
            raise AssertionError("buckets of %s%r" % (family.name, rest))
        if len(parts["_sum"]) != 1 or len(parts["_count"]) != 1 or parts["_count"][0][1] != values[-1]:
            raise AssertionError("sum and count of %s%r" % (family.name, rest))


class MetricsTest(ApiTest):
    models = ("export",)
    seed = "INSERT INTO maker (name) SELECT 'maker ' || n FROM generate_series(1, 50) n"

    def scrape(self, settle=False):
        if settle:
            time.sleep(SETTLE)
        client = self.server.client()
        response = client.get("/metrics")
        client.close()
        self.assertEqual(response.status, 200, response)
        self.assertEqual(response.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        return parse(response.body.decode())

    def value(self, families, name, end="", **labels):
        """The sum of the samples that have these labels."""
        return sum(value for (sample, pairs), value in families[name].samples.items()
                   if sample == name + end and set(labels.items()) <= set(pairs))

    def grown(self, asked, name, end="", settle=False, **labels):
        """Waits for the last request to be counted, which is when its answer has been sent."""
        before = self.value(self.scrape(settle), name, end, **labels)
        asked()
        end_at, after = time.monotonic() + 2, before
        while after == before and time.monotonic() < end_at:
            after = self.value(self.scrape(settle), name, end, **labels)
        return after - before


class Text(MetricsTest):
    def test_it_is_what_prometheus_reads(self):
        self.api.get("/api/maker/1")
        self.api.get("/api/maker")
        families = self.scrape()
        for name in ("quern_http_requests_total", "quern_http_request_duration_seconds", "quern_http_request_statements",
                     "quern_lookup_batch_size", "quern_shape_cache_hits_total", "quern_shared_answers_total",
                     "quern_db_connections", "quern_db_connections_leased", "quern_http_streams_total", "quern_http_connections",
                     "quern_http_requests_running", "quern_http_response_bytes_total", "process_resident_memory_bytes",
                     "process_cpu_seconds_total"):
            self.assertIn(name, families)

    def test_the_parser_refuses_what_is_wrong(self):
        good = "# HELP a_total x\n# TYPE a_total counter\na_total{b=\"c\"} 1\n"
        parse(good)
        for bad in (good[:-1], good + good, good.replace("counter", "gauge"), good.replace(" 1", " -1"), good.replace('"c"', "c"),
                    good + "other 1\n", good + 'a_total{b="c"} 2\n', "a 1\n", good.replace("# TYPE a_total counter\n", "")):
            with self.assertRaises(AssertionError, msg=bad):
                parse(bad)

    def test_names_of_models_and_routes_are_known_ones_alone(self):
        for number in range(50):
            self.api.get("/nowhere/%d" % number)
            self.api.get("/api/nowhere%d" % number)
            self.api.get("/api/maker/%d" % number)
            self.api.get('/api/maker/1/part_set"}')
        families = self.scrape()
        routes = {dict(pairs)["route"] for _, pairs in families["quern_http_requests_total"].samples}
        self.assertLess(len(routes), 30)
        for route in routes:
            self.assertRegex(route, r"^(none|/[a-z_/{}]*)$")

    def test_other_methods_and_types_are_refused(self):
        self.assert_problem(self.api.post("/metrics"), 405, "MethodNotAllowed")
        self.assert_problem(self.api.get("/metrics", headers={"Accept": "image/png"}), 406, "NotAcceptable")
        openmetrics = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
        self.assertEqual(self.api.get("/metrics", headers={"Accept": openmetrics}).status, 200)


class Counters(MetricsTest):
    def test_requests_by_route_method_and_status(self):
        for asked, labels in [
                (lambda: self.api.get("/api/maker/1"), ("/api/{model}/{pk}", "GET", "200")),
                (lambda: self.api.get("/api/maker/999"), ("/api/{model}/{pk}", "GET", "404")),
                (lambda: self.api.get("/api/maker"), ("/api/{model}", "GET", "200")),
                (lambda: self.api.query("maker"), ("/api/{model}/query", "POST", "200")),
                (lambda: self.api.get("/api/maker/count"), ("/api/{model}/count", "GET", "200")),
                (lambda: self.api.get("/api/maker/1/part_set"), ("/api/{model}/{pk}/{relation}", "GET", "200")),
                (lambda: self.api.get("/api/maker/1/part_set/count"), ("/api/{model}/{pk}/{relation}/count", "GET", "200")),
                (lambda: self.api.post("/api/maker", {"name": "new", "country": "x"}), ("/api/{model}", "POST", "201")),
                (lambda: self.api.post("/api/maker", {}), ("/api/{model}", "POST", "422")),
                (lambda: self.api.delete("/api/maker/2"), ("/api/{model}/{pk}", "DELETE", "200")),
                (lambda: self.api.post("/batch", {"operations": []}), ("/batch", "POST", None)),
                (lambda: self.api.get("/health/live"), ("/health/live", "GET", "200")),
                (lambda: self.api.get("/nowhere"), ("none", "GET", "404"))]:
            labels = {name: value for name, value in zip(("route", "method", "status"), labels) if value}
            with self.subTest(**labels):
                self.assertEqual(self.grown(asked, "quern_http_requests_total", **labels), 1)

    def test_none_is_lost_under_load(self):
        def ask(_):
            client = self.server.client()
            for number in range(100):
                client.get("/api/maker/%d" % (1 + number % 50))
            client.close()

        def all_ask():
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                list(pool.map(ask, range(8)))

        before = self.scrape(settle=True)
        all_ask()
        after = self.scrape(settle=True)

        def grown(name, end="", **labels):
            return self.value(after, name, end, **labels) - self.value(before, name, end, **labels)

        self.assertEqual(grown("quern_http_requests_total", route="/api/{model}/{pk}", status="200"), 800)
        self.assertEqual(grown("quern_model_requests_total", model="Maker"), 800)
        self.assertEqual(grown("quern_http_request_duration_seconds", "_count", **{"class": "lookup"}), 800)
        # Those that were answered together are so many lookups, and fewer statements; identical ones may be shared.
        shared = grown("quern_shared_answers_total")
        self.assertEqual(grown("quern_lookup_batch_size", "_sum") + shared, 800)
        self.assertLessEqual(grown("quern_lookup_batch_size", "_count"), 800)
        self.assertGreaterEqual(grown("quern_db_statements_total", database="default"),
                                grown("quern_lookup_batch_size", "_count"))

    def test_statements_of_a_request(self):
        asked = lambda: self.api.get("/api/maker?prefetch_related=part_set&limit=5")
        before = self.scrape()
        asked()
        time.sleep(0.1)
        after = self.scrape()
        name = "quern_http_request_statements"

        def exactly(families, n):
            at = {dict(pairs).get("le"): value for (sample, pairs), value in families[name].samples.items()}
            return at[str(n)] - at[str(n - 1)]

        self.assertEqual(exactly(after, 2) - exactly(before, 2), 1)

    def test_bytes_and_streams(self):
        sent = len(self.api.get("/api/maker").body)
        body = b'{"filter": {"id": 1}}'
        self.assertGreaterEqual(self.grown(lambda: self.api.get("/api/maker"), "quern_http_response_bytes_total"), sent)
        grown = self.grown(lambda: self.api.request("POST", "/api/maker/query", body), "quern_http_request_bytes_total")
        self.assertEqual(grown, len(body))
        self.sql("INSERT INTO maker (name) SELECT repeat('long', 15) FROM generate_series(1, 5000)")
        self.assertEqual(self.grown(lambda: self.api.get("/api/maker"), "quern_http_streams_total"), 1)

    def test_plans_that_are_kept(self):
        body = {"filter": {"name__startswith": "maker"}, "limit": 3}
        for _ in range(4):
            self.api.query("maker", body)
        grown = self.grown(lambda: [self.api.query("maker", body) for _ in range(10)], "quern_shape_cache_hits_total", settle=True)
        self.assertGreaterEqual(grown, 8)

    def test_what_is_open_now(self):
        """A stream that nobody reads holds its connections and its task."""
        self.sql("INSERT INTO reading (sensor, note, value, is_valid, taken_at) SELECT 's', repeat('x', 1000), n, true, now()"
                 " FROM generate_series(1, 40000) n")
        before = self.scrape(settle=True)
        with raw_connection(self.server.port) as sock:
            sock.sendall(b"GET /api/reading HTTP/1.1\r\nHost: localhost\r\n\r\n")
            sock.recv(1)
            during = self.scrape(settle=True)
        after = self.scrape(settle=True)
        for name in ("quern_http_requests_running", "quern_db_connections_leased", "quern_db_connections_busy"):
            self.assertEqual(self.value(during, name) - self.value(before, name), 1, name)
            self.assertEqual(self.value(after, name), self.value(before, name), name)
        self.assertGreaterEqual(self.value(during, "quern_http_connections"), 1)
        self.assertEqual(self.value(after, "quern_http_aborted_total") - self.value(before, "quern_http_aborted_total"), 1)
        self.assertEqual(self.value(after, "quern_db_cancels_total") - self.value(before, "quern_db_cancels_total"), 1)


class Timing(ApiTest):
    models = ("export",)
    PHASES = ["statements", "parse", "plan", "queue", "database", "render", "total"]

    def timing(self, response):
        found = re.findall(r'([a-z]+);(?:desc="(\d+)"|dur=(\d+\.\d{3}))(?:, |$)', response.headers["Server-Timing"])
        self.assertEqual([name for name, _, _ in found], self.PHASES)
        return {name: float(n or ms) for name, n, ms in found}

    def test_the_phases_make_up_the_total(self):
        self.sql("INSERT INTO maker (name) SELECT 'm' || n FROM generate_series(1, 2000) n")
        for response in [self.api.get("/api/maker/1"), self.api.query("maker", {"filter": {"name__contains": "1"}, "limit": 900}),
                         self.api.get("/api/maker/count"), self.api.post("/api/maker", {"name": "x", "country": "y"}), self.api.get("/nowhere")]:
            phases = self.timing(response)
            parts = sum(phases[name] for name in ("parse", "plan", "queue", "database", "render"))
            self.assertAlmostEqual(parts, phases["total"], delta=0.004, msg=response.headers["Server-Timing"])

    def test_a_slow_statement_is_the_databases(self):
        self.sql("CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.2); RETURN NEW; END'")
        self.sql("CREATE TRIGGER slow BEFORE INSERT ON maker FOR EACH ROW EXECUTE FUNCTION slow()")
        try:
            phases = self.timing(self.api.post("/api/maker", {"name": "x", "country": "y"}))
        finally:
            self.sql("DROP TRIGGER slow ON maker")
        self.assertGreater(phases["database"], 190)
        self.assertLess(phases["total"] - phases["database"], 100)

    def test_a_body_that_comes_slowly_is_parsing(self):
        with raw_connection(self.server.port) as sock:
            sock.sendall(b"POST /api/maker/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                         b"Content-Length: 2\r\n\r\n{")
            time.sleep(0.3)
            sock.sendall(b"}")
            answer = sock.recv(65536).decode()
        self.assertGreater(float(re.search(r"parse;dur=([\d.]+)", answer).group(1)), 250)

    def test_a_large_question_costs_planning(self):
        names = {"n%d" % i: {"Concat": ["name", {"Value": str(i)}]} for i in range(200)}
        phases = self.timing(self.api.query("maker", {"annotate": names, "limit": 1}))
        self.assertGreater(phases["plan"], 0.05)


class Setting(unittest.TestCase):
    def test_it_can_be_switched_off(self):
        server = Server("export", environment={"QUERN_METRICS": "false"})
        try:
            client = server.client()
            response = client.get("/metrics")
            self.assertEqual(response.status, 404)
            self.assertNotIn(b"/metrics", client.get("/metricz").body)
            client.close()
        finally:
            server.stop()


if __name__ == "__main__":
    unittest.main()
