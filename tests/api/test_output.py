"""Rows as NDJSON and CSV: what is answered in which form, what stands in headers, and that CSV goes back in as it came out."""

import csv
import io
import json
import os
import random
import re
import subprocess
import unittest

import harness
from harness import ApiTest, Server, raw_connection

SEED = """
INSERT INTO maker (name, country) VALUES ('Ada', 'x'), ('Bob, "B" & sons', NULL), ('', '');
INSERT INTO part (name, note, price, stock, weight, is_new, made_on, created_at, took, key, image, data, sizes, maker_id) VALUES
 ('bolt', '', 1.50, 3, 2.5, true, '2026-01-02', '2026-01-02 03:04:05.5+00', '1 day 2 hours',
  '00000000-0000-0000-0000-000000000001', '\\x00ff', '{"a": [1, "x"]}', '{1,2,NULL}', 1),
 ('nut "n", x', NULL, NULL, NULL, NULL, false, NULL, NULL, NULL, NULL, '\\x', NULL, NULL, NULL),
 (E'two\\nlines', 'plain', 0.01, -5, 'NaN', false, '0001-01-01', '2026-06-01 00:00:00+00', '-1 second', NULL, NULL, '[]', '{}', 2);
"""
CSV, NDJSON = "text/csv", "application/x-ndjson"
NAMES = "id,name,note,price,stock,weight,is_new,made_on,created_at,took,key,image,data,sizes,maker_id"


class OutputTest(ApiTest):
    models = ("export",)
    seed = SEED

    def text(self, path, form, body=None, status=200):
        headers = {"Accept": form}
        response = self.api.post(path, body, headers) if body is not None else self.api.get(path, headers=headers)
        self.assertEqual(response.status, status, response)
        self.assertEqual(response.headers.get_content_type(), form, response)
        return response

    def csv(self, path, body=None):
        return self.text(path, CSV, body).body.decode()

    def lines(self, path, body=None):
        text = self.text(path, NDJSON, body).body.decode()
        self.assertTrue(text == "" or text.endswith("\n"), text)
        return [json.loads(line) for line in text.split("\n")[:-1]]


class Forms(OutputTest):
    QUERIES = [
        {}, {"order_by": ["-id"]}, {"filter": {"id": 99}}, {"values": ["name", "price"]}, {"group_by": ["is_new"], "annotate": {"n": {"Count": "*"}}, "order_by": ["n"]},
        {"values_list": ["id", "data"]}, {"values_list": ["name"], "flat": True}, {"select_related": ["maker"], "order_by": ["id"]},
        {"annotate": {"twice": {"*": ["stock", 2]}}, "order_by": ["id"], "limit": 2}, {"only": ["name"]}, {"none": True},
        {"distinct": True, "values": ["is_new"]}, {"limit": 1, "after": None, "order_by": ["id"]},
    ]

    def test_the_lines_of_ndjson_are_the_results_of_json(self):
        for body in self.QUERIES:
            with self.subTest(body=body):
                self.assertEqual(self.lines("/api/part/query", body), self.rows("part", body))
        with_parts = {"prefetch_related": ["part_set"], "order_by": ["id"]}
        self.assertEqual(self.lines("/api/maker/query", with_parts), self.rows("maker", with_parts))

    def test_csv_holds_the_values_of_json(self):
        for body in self.QUERIES:
            with self.subTest(body=body):
                rows = self.rows("part", body)
                read = list(csv.reader(io.StringIO(self.csv("/api/part/query", body), newline="")))
                self.assertEqual(len(read), len(rows) + 1)
                for row, cells in zip(rows, read[1:]):
                    self.assertEqual(cells, [self.cell(value) for value in self.flat(row)])

    def flat(self, row):
        """The values of a row, those of a joined row in its place; `maker` is the only one here."""
        if not isinstance(row, (dict, list)):
            return [row]
        if isinstance(row, list):
            return row
        values = []
        for name, value in row.items():
            if name == "maker":
                values.extend(value.values() if value else [None] * 3)
            else:
                values.append(value)
        return values

    def cell(self, value):
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        if isinstance(value, float):
            return repr(value)
        return json.dumps(value) if isinstance(value, (bool, int, dict)) or value == [] else self.array(value)

    def array(self, value):
        return json.dumps(value, separators=(",", ":"))

    def test_a_json_null_is_the_word(self):
        self.sql("UPDATE part SET data = 'null' WHERE id = 2")
        self.assertEqual(self.csv("/api/part?values=data&order_by=id"), 'data\n"{""a"": [1, ""x""]}"\nnull\n[]\n')

    def test_every_kind_of_value(self):
        self.assertEqual(self.csv("/api/part?id=1"), NAMES + "\n" + (
            '1,bolt,"",1.50,3,2.5,true,2026-01-02,2026-01-02T03:04:05.5Z,P1DT2H,00000000-0000-0000-0000-000000000001,AP8=,'
            '"{""a"": [1, ""x""]}","[1,2,null]",1\n'))
        self.assertEqual(self.csv("/api/part?id=2"), NAMES + '\n2,"nut ""n"", x",,,,,false,,,,,"",,,\n')

    def test_rows_of_a_joined_model_are_columns(self):
        text = self.csv("/api/part?select_related=maker&only=name,maker__name,maker__country&order_by=id")
        self.assertEqual(text, 'id,name,maker__id,maker__name,maker__country\n1,bolt,1,Ada,x\n2,"nut ""n"", x",,,\n'
                               '3,"two\nlines",2,"Bob, ""B"" & sons",\n')

    def test_prefetched_rows_are_json_in_a_cell(self):
        read = list(csv.DictReader(io.StringIO(self.csv("/api/maker?prefetch_related=part_set&order_by=id"), newline="")))
        rows = self.rows("maker", {"prefetch_related": ["part_set"], "order_by": ["id"]})
        self.assertEqual([json.loads(row["part_set"]) for row in read], [row["part_set"] for row in rows])

    def test_methods_that_find_a_row(self):
        for path, name in [("/api/maker/1", "Ada"), ("/api/maker/get?id=1", "Ada"), ("/api/maker/first?order_by=id", "Ada"),
                           ("/api/maker/last?order_by=-id", "Ada"), ("/api/part/1/maker", "Ada"),
                           ("/api/maker/earliest?fields=id", "Ada"), ("/api/maker/latest?fields=-id", "Ada")]:
            with self.subTest(path=path):
                self.assertEqual(self.csv(path), "id,name,country\n1,Ada,x\n")
                self.assertEqual(self.lines(path), [{"id": 1, "name": name, "country": "x"}])

    def test_first_of_nothing_is_no_line(self):
        self.assertEqual(self.csv("/api/maker/first?id=99"), "id,name,country\n")
        self.assertEqual(self.lines("/api/maker/first?id=99"), [])

    def test_dates_and_related_managers(self):
        self.assertEqual(self.csv("/api/part/dates?field=made_on&kind=year"), "made_on\n0001-01-01\n2026-01-01\n")
        self.assertEqual(self.lines("/api/part/dates?field=made_on&kind=year&order=DESC"), ["2026-01-01", "0001-01-01"])
        self.assertEqual(self.csv("/api/part/datetimes?field=created_at&kind=day"),
                         "created_at\n2026-01-02T00:00:00Z\n2026-06-01T00:00:00Z\n")
        self.assertEqual(self.csv("/api/maker/1/part_set?values=id,name"), "id,name\n1,bolt\n")
        self.assertEqual(self.lines("/api/maker/1/part_set/query", {"values_list": ["id"], "flat": True}), [1])

    def test_the_http_method_query_and_head(self):
        self.assertEqual(self.api.request("QUERY", "/api/maker", {"values": ["id"], "order_by": ["id"]}, {"Accept": CSV}).body,
                         b"id\n1\n2\n3\n")
        head = self.api.request("HEAD", "/api/maker?values=id", headers={"Accept": CSV})
        self.assertEqual((head.status, head.body, head.headers["Content-Length"]), (200, b"", "9"))

    def test_other_names_of_ndjson(self):
        for form in ("application/ndjson", "application/jsonl"):
            self.assertEqual(self.text("/api/maker?values=id&order_by=id", form).body, b'{"id":1}\n{"id":2}\n{"id":3}\n')

    def test_the_same_bytes_as_copy(self):
        """Where both write a value alike."""
        self.sql("INSERT INTO maker (name, country) SELECT md5(n::text) || chr(34) || n, CASE n % 3 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE"
                 " 'a,b' || chr(10) || '\"' END FROM generate_series(1, 3000) n")
        connection = self.server._connection
        into = io.StringIO()
        with connection.cursor() as cursor:
            cursor.copy_expert("COPY (SELECT id, name, country FROM maker ORDER BY id) TO STDOUT CSV HEADER", into)
        self.assertEqual(self.csv("/api/maker?order_by=id"), into.getvalue())


class Refusals(OutputTest):
    def test_what_answers_no_rows_is_json_alone(self):
        for path in ("/api/part/count", "/api/part/exists", "/api/part/in_bulk", "/api/part/sql"):
            for form in (CSV, NDJSON):
                self.assert_problem(self.api.get(path, headers={"Accept": form}), 406, "NotAcceptable", detail="application/json")

    def test_no_form_at_all(self):
        problem = self.assert_problem(self.api.get("/api/part", headers={"Accept": "image/png"}), 406, "NotAcceptable")
        for form in ("application/json", NDJSON, CSV):
            self.assertIn(form, problem["detail"])

    def test_errors_are_problems_in_any_form(self):
        for form in (CSV, NDJSON):
            self.assert_problem(self.api.get("/api/part/99", headers={"Accept": form}), 404, "DoesNotExist")
            self.assert_problem(self.api.get("/api/part?nme=x", headers={"Accept": form}), 400, "FieldError")
            self.assert_problem(self.api.get("/api/maker/99/part_set", headers={"Accept": form}), 404, "DoesNotExist")
            self.assert_problem(self.api.get("/api/part/get", headers={"Accept": form}), 409, "MultipleObjectsReturned")

    def test_an_accept_header_leaves_the_operations_of_a_batch_alone(self):
        body = {"operations": [{"model": "maker", "method": "query", "body": {"values": ["id"], "order_by": ["id"]}}]}
        response = self.api.post("/batch", body, {"Accept": "text/csv, */*"})
        self.assertEqual(response.json["results"][0]["body"], {"results": [{"id": 1}, {"id": 2}, {"id": 3}]})


class Beside(OutputTest):
    """count, next, previous, truncated."""

    def head(self, path, form=CSV, body=None):
        return self.text(path, form, body).headers

    def test_the_total(self):
        for form in (CSV, NDJSON):
            headers = self.head("/api/part?limit=1&count=true", form)
            self.assertEqual((headers["X-Total-Count"], headers["X-Total-Count-Kind"]), ("3", "exact"))
            self.assertEqual(self.head("/api/part?count=true", form)["X-Total-Count"], "3")
            self.assertEqual(self.head("/api/part?limit=1", form)["X-Total-Count"], None)
            capped = self.head("/api/part/query", form, {"limit": 1, "count": {"cap": 2}})
            self.assertEqual((capped["X-Total-Count"], capped["X-Total-Count-Kind"]), ("2", "at_least"))
            self.assertEqual(self.head("/api/part/query", form, {"count": "estimated"})["X-Total-Count-Kind"], "estimated")

    def test_pages_are_walked_by_links(self):
        for form in (CSV, NDJSON):
            path, seen, back = "/api/part?limit=1&order_by=-id&values=id&after=", [], None
            while path:
                response = self.text(path, form)
                seen.append(re.search(r"\d+", response.body.decode().splitlines()[-1]).group())
                links = dict((name, target) for target, name in
                             re.findall(r'<([^>]*)>; rel="(\w+)"', ", ".join(response.headers.get_all("Link", []))))
                self.assertEqual("next" in links, "X-Next-Cursor" in response.headers)
                self.assertEqual("prev" in links, "X-Previous-Cursor" in response.headers)
                path, back = links.get("next"), links.get("prev")
            self.assertEqual(seen, ["3", "2", "1"])
            self.assertEqual(re.findall(r"\d+", self.text(back, form).body.decode().splitlines()[-1]), ["2"])

    def test_cursors_of_a_query_in_a_body(self):
        body = {"limit": 2, "order_by": ["id"], "values_list": ["id"], "flat": True, "after": None}
        headers = self.head("/api/part/query", NDJSON, body)
        self.assertNotIn("Link", headers)
        self.assertEqual(self.lines("/api/part/query", dict(body, after=headers["X-Next-Cursor"])), [3])

    def test_a_link_holds_what_was_asked_and_nothing_breaks_out_of_it(self):
        self.sql("UPDATE part SET name = '<>' || id")
        path = b"/api/part?limit=1&name__contains=<>&order_by=id&values=id&after="
        with raw_connection(self.server.port) as sock:
            sock.sendall(b"GET %s HTTP/1.1\r\nHost: localhost\r\nAccept: text/csv\r\nConnection: close\r\n\r\n" % path)
            data = b""
            while not data.endswith(b"id\n1\n"):
                data += sock.recv(65536)
        target, name = re.search(r'Link: <([^<>"\s]*)>; rel="(\w+)"', data.decode()).groups()
        self.assertEqual(name, "next")
        self.assertEqual(self.csv(target), "id\n2\n")

    def test_a_cursor_that_a_header_has_room_for(self):
        """It goes out beside the longest of requests."""
        self.sql("UPDATE part SET note = repeat('x', 1060) || id")
        path = "/api/part?limit=1&order_by=note&values=id&name__lt=%s&after=" % ("z" * 6500)
        for form in (CSV, NDJSON):
            headers = dict({"X-%02d" % n: "y" * 150 for n in range(50)}, Accept=form)
            cursor = self.text(path, form).headers["X-Next-Cursor"]
            answer = self.api.get(path + cursor, headers=headers)
            self.assertEqual(answer.status, 200, answer)
            for name in ("X-Next-Cursor", "X-Previous-Cursor"):
                self.assertIn(len(answer.headers[name]), range(1400, 1537))

    def test_a_cursor_that_no_header_has_room_for(self):
        self.sql("UPDATE part SET note = repeat('y', 40000) || id")
        path = "/api/part?limit=1&order_by=note&values=id&after="
        for form in (CSV, NDJSON):
            answer = self.api.get(path, headers={"Accept": form})
            self.assertEqual(answer.status, 400)
            self.assertIn("a header has room for 1536", answer.json["detail"])
        page = self.ok(self.api.get(path))
        body = {"limit": 1, "order_by": ["note"], "values": ["id"], "after": page["next"]}
        self.assertEqual(self.ok(self.api.post("/api/part/query", body))["results"], [{"id": 2}])


class Capped(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("export", environment={"QUERN_MAX_ROWS": "3000"})
        cls.addClassCleanup(cls.server.stop)
        cls.server.sql("INSERT INTO maker (name, country) SELECT md5(n::text), md5((n + 1)::text) FROM generate_series(1, 5000) n")

    def ask(self, path, form):
        with raw_connection(self.server.port) as sock:
            sock.sendall(b"GET %s HTTP/1.1\r\nHost: localhost\r\nAccept: %s\r\nConnection: close\r\n\r\n" % (path.encode(), form.encode()))
            data = b""
            while True:
                piece = sock.recv(65536)
                if not piece:
                    break
                data += piece
        head, body = data.split(b"\r\n\r\n", 1)
        trailer = body.rsplit(b"\r\n0\r\n", 1)[1] if b"chunked" in head else b""
        return head.decode(), body, trailer.decode()

    def test_a_cut_is_told_where_the_head_or_the_end_is(self):
        for form in (CSV, NDJSON):
            for path in ("/api/maker", "/api/maker?values=id"):
                with self.subTest(form=form, path=path):
                    head, body, trailer = self.ask(path, form)
                    self.assertIn("X-Max-Rows: 3000\r\n", head)
                    said = head + trailer
                    self.assertIn("X-Truncated: true\r\n", said)
                    self.assertIn("X-Next-Cursor: ", said)
                    if trailer:
                        self.assertRegex(head, r"Trailer: .*X-Truncated, X-Next-Cursor, Link")
                    self.assertIn('rel="next"', said)
        client = self.server.client()
        self.assertEqual(client.get("/api/maker?values=id", headers={"Accept": NDJSON}).body.count(b"\n"), 3000)
        client.close()

    def test_going_on_behind_the_cut(self):
        head, body, trailer = self.ask("/api/maker?values=id&order_by=id", NDJSON)
        cursor = re.search(r"X-Next-Cursor: (\S+)", head + trailer).group(1)
        client = self.server.client()
        rest = client.get("/api/maker?values=id&order_by=id&limit=3000&after=" + cursor, headers={"Accept": NDJSON}).body
        client.close()
        self.assertEqual([json.loads(line)["id"] for line in rest.split()], list(range(3001, 5001)))

    def test_what_is_whole_is_not_cut(self):
        head, body, trailer = self.ask("/api/maker?limit=10", CSV)
        self.assertNotIn("X-Truncated", head + trailer)


class RoundTrip(OutputTest):
    """What GET writes as CSV, POST reads: the same rows, value by value, in PostgreSQL."""

    EVERYTHING = "SELECT row_to_json(part)::jsonb - 'id' FROM part ORDER BY id"

    def there_and_back(self):
        before = self.sql(self.EVERYTHING)
        text = self.csv("/api/part?order_by=id").encode()
        self.sql("DELETE FROM part")
        loaded = self.api.request("POST", "/api/part", text, {"Content-Type": "text/csv"})
        self.assertEqual(loaded.status, 201, loaded)
        self.assertEqual(loaded.json, {"created": len(before)})
        self.assertEqual(self.sql(self.EVERYTHING), before)

    def test_every_kind_of_value_comes_back(self):
        self.sql("DELETE FROM part WHERE weight = 'NaN' OR image = '\\x'")
        self.sql("UPDATE part SET sizes = '{1,2}' WHERE id = 1")
        self.there_and_back()

    def test_json_null_and_sql_null_stay_apart(self):
        self.sql("DELETE FROM part")
        self.sql("INSERT INTO part (name, is_new, data, note) VALUES ('a', true, 'null', ''), ('b', true, NULL, NULL), ('c', true, '\"\"', 'x')")
        self.there_and_back()
        self.assertEqual(self.sql("SELECT data IS NULL, data = 'null', note FROM part ORDER BY id"),
                         [(False, True, ""), (True, None, None), (False, False, "x")])

    def test_texts_of_any_characters_come_back(self):
        random.seed(7)
        self.sql("DELETE FROM part")
        for _ in range(300):
            text = "".join(random.choice('",\n\r\t ab;\\\'=é😀') for _ in range(random.randrange(1, 20)))
            self.sql("INSERT INTO part (name, note, is_new, data) VALUES (%s, %s, true, to_jsonb(%s::text))",
                     ("n" + text, random.choice([None, "", text]), text))
        self.there_and_back()

    def test_one_column_of_nulls(self):
        self.assertEqual(self.csv("/api/maker?values=country&order_by=id"), 'country\nx\n\n""\n')

    def test_ndjson_comes_back_too(self):
        self.sql("DELETE FROM part WHERE weight = 'NaN' OR image = '\\x'")
        self.sql("UPDATE part SET sizes = '{1,2}'")
        before = self.sql(self.EVERYTHING)
        text = self.text("/api/part?order_by=id", NDJSON).body
        self.sql("DELETE FROM part")
        loaded = self.api.request("POST", "/api/part", text, {"Content-Type": "application/x-ndjson"})
        self.assertEqual(loaded.status, 201, loaded)
        self.assertEqual(self.sql(self.EVERYTHING), before)


class Streams(OutputTest):
    ROWS = 40000

    def setUp(self):
        super().setUp()
        self.sql("INSERT INTO reading (sensor, note, value, is_valid, taken_at) SELECT 's' || n, md5(n::text), n, true,"
                 " timestamptz '2026-01-01' + n * interval '1 s' FROM generate_series(1, %d) n" % self.ROWS)

    def test_many_rows_are_streamed_whole(self):
        for form in (CSV, NDJSON):
            response = self.text("/api/reading?order_by=id", form)
            self.assertEqual(response.headers["Transfer-Encoding"], "chunked")
            lines = response.body.split(b"\n")
            self.assertEqual(len(lines) - 1 - (form == CSV), self.ROWS)
            ids = [int(re.search(rb"\d+", line).group()) for line in lines[(form == CSV):-1]]
            self.assertEqual(ids, list(range(1, self.ROWS + 1)))

    def test_an_error_in_the_middle_breaks_the_connection_off(self):
        body = json.dumps({"annotate": {"x": {"/": [1, {"-": ["id", self.ROWS - 10]}]}}}).encode()
        for form in (CSV, NDJSON, "application/json"):
            with raw_connection(self.server.port) as sock:
                sock.sendall(b"POST /api/reading/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: %s\r\n"
                             b"Content-Length: %d\r\n\r\n" % (form.encode(), len(body)) + body)
                data = b""
                while True:
                    piece = sock.recv(65536)
                    if not piece:
                        break
                    data += piece
            self.assertTrue(data.startswith(b"HTTP/1.1 200 OK"), data[:50])
            self.assertFalse(data.endswith(b"\r\n\r\n"), data[-100:])

    def test_memory_does_not_depend_on_the_rows(self):
        """To a reader that stalls."""
        before = self.resident()
        self.sql("INSERT INTO reading (sensor, note, value, is_valid, taken_at) SELECT 's', repeat('x', 2000), 1, true, now()"
                 " FROM generate_series(1, 30000)")
        for form in (CSV, NDJSON, "application/json"):
            for coding in ("identity", "gzip", "zstd"):
                with raw_connection(self.server.port) as sock:
                    sock.sendall(b"GET /api/reading HTTP/1.1\r\nHost: localhost\r\nAccept: %s\r\nAccept-Encoding: %s\r\n\r\n"
                                 % (form.encode(), coding.encode()))
                    sock.recv(1000)
                    harness.time.sleep(0.15)
                    grown = self.resident() - before
                    self.assertTrue(harness.is_sanitized() or grown < 16, (form, coding, grown))

    def resident(self):
        with open("/proc/%d/status" % self.server.process.pid) as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) / 1024


class Guide(unittest.TestCase):
    """api-docs/output.md: its commands, in its order, print what it shows."""

    maxDiff = None

    def test_every_example_prints_what_the_guide_shows(self):
        with open(os.path.join(harness.ROOT, "api-docs", "output.md"), encoding="utf-8") as file:
            blocks = re.findall(r"(?<=^```console\n)(.*?)(?=^```$)", file.read(), re.MULTILINE | re.DOTALL)
        self.assertGreater(len(blocks), 5)
        server = Server("news")
        self.addCleanup(server.stop)
        server.sql("INSERT INTO author (handle) VALUES ('jane_doe'), ('john')")
        server.sql("INSERT INTO article (title, body, published) SELECT 'Article ' || n, repeat('text ', 100), true FROM generate_series(1, 5) n")
        server.sql("INSERT INTO vote (author_id, article_id, created_at) SELECT 1, n, now() FROM generate_series(1, 3) n")
        here = "http://127.0.0.1:%d" % server.port
        for block in blocks:
            for command, shown in re.findall(r"^\$ (.*?)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
                done = subprocess.run(["bash", "-c", command.replace("http://127.0.0.1:8080", here)],
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
                got = re.sub(r'"instance":"[^"]*"', '"instance":"…"', done.stdout.decode()).replace("\r", "")
                with self.subTest(command=command):
                    self.assertEqual([line.rstrip() for line in got.rstrip("\n").split("\n")],
                                     [line.rstrip() for line in shown.rstrip("\n").split("\n")])


if __name__ == "__main__":
    unittest.main()
