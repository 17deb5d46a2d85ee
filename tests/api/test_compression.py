"""Replies in gzip and zstd: who gets which, the same bytes behind it, ETags, streams, clients that leave."""

import gzip
import json
import re
import subprocess
import threading
import time
import zlib

import harness
from harness import ApiTest, Server, raw_connection

SEED = """
INSERT INTO maker (name, country) SELECT 'maker ' || n, 'country of maker ' || n FROM generate_series(1, 40) n;
INSERT INTO part (name, note, is_new) VALUES ('long', repeat('all the same ', 400), true), ('short', 'x', true);
"""


def decoded(response):
    """The body behind its coding, whole and with nothing behind its end."""
    coding = response.headers.get("Content-Encoding")
    if coding is None:
        return response.body
    if coding == "gzip":
        machine = zlib.decompressobj(31)
        body = machine.decompress(response.body)
        if not machine.eof or machine.unused_data:
            raise AssertionError("no whole gzip body")
        return body
    if coding == "zstd":
        return subprocess.run(["zstd", "-d", "-c", "-q"], input=response.body, stdout=subprocess.PIPE, check=True).stdout
    raise AssertionError("an unknown coding: " + coding)


class CompressionTest(ApiTest):
    models = ("export",)
    seed = SEED

    def get(self, path, coding=None, **headers):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        # http.client says identity by itself
        sent["Accept-Encoding"] = coding if coding is not None else "identity"
        return self.api.get(path, headers=sent)

    def coding_of(self, accepted, path="/api/maker"):
        response = self.get(path, accepted)
        self.assertEqual(response.status, 200, response)
        return response.headers.get("Content-Encoding")


class Choice(CompressionTest):
    def test_the_highest_q_and_zstd_before_gzip(self):
        for accepted, coding in [
                ("gzip", "gzip"), ("zstd", "zstd"), ("gzip, deflate, br, zstd", "zstd"), ("gzip, deflate, br", "gzip"),
                ("GZip", "gzip"), ("x-gzip", "gzip"), ("*", "zstd"), ("gzip;q=1, zstd;q=0.5", "gzip"),
                ("gzip;q=0.2, zstd;q=0.3", "zstd"), ("zstd;q=0, gzip", "gzip"), ("*;q=0.5, zstd;q=0", "gzip"),
                ("gzip ; q=0.001", "gzip"), ("identity;q=0, gzip", "gzip"), ("*;q=0, zstd", "zstd"),
                ("", None), ("identity", None), ("br", None), ("deflate, br;q=1", None), ("gzip;q=0", None),
                ("gzip;q=0.0, zstd;q=0.000", None), ("gzip;q=0.5, identity;q=0.8", None), ("identity, gzip;q=0.9", None),
                (",,gzip,,", "gzip"), ("gzipp", None), ("*;q=0.1, identity", None)]:
            with self.subTest(accepted=accepted):
                self.assertEqual(self.coding_of(accepted), coding)

    def test_short_replies_are_sent_as_they_are(self):
        response = self.get("/api/part/2", "gzip, zstd")
        self.assertLess(len(response.body), 1024)
        self.assertIsNone(response.headers.get("Content-Encoding"))
        self.assertIsNone(response.headers.get("Vary"))

    def test_who_refuses_identity_gets_none_of_any_length(self):
        response = self.get("/api/part/2", "identity;q=0, gzip")
        self.assertEqual(response.headers["Content-Encoding"], "gzip")
        self.assertEqual(json.loads(decoded(response))["name"], "short")

    def test_who_refuses_everything_is_told(self):
        for accepted in ("identity;q=0", "*;q=0", "identity;q=0, br"):
            self.assert_problem(self.get("/api/part/2", accepted), 406, "NotAcceptable", detail="Accept-Encoding")
        posted = self.api.post("/api/maker", {"name": "never"}, headers={"Accept-Encoding": "identity;q=0"})
        self.assert_problem(posted, 406, "NotAcceptable")
        self.assertEqual(self.sql("SELECT count(*) FROM maker WHERE name = 'never'"), [(0,)])

    def test_what_depends_on_the_header_says_so(self):
        for accepted in ("gzip", "zstd", "identity"):
            self.assertIn("Accept-Encoding", self.get("/api/maker", accepted).headers["Vary"])


class Bodies(CompressionTest):
    def test_the_same_bytes_are_behind_every_coding(self):
        for path in ("/api/maker", "/api/part", "/api/maker/in_bulk", "/api/part?order_by=nothing", "/api/nowhere" + "x" * 1500):
            plain = self.get(path)
            for coding in ("gzip", "zstd"):
                with self.subTest(path=path, coding=coding):
                    coded = self.get(path, coding)
                    self.assertEqual(coded.status, plain.status)
                    without = re.compile(rb'"instance":"[^"]*"')
                    self.assertEqual(without.sub(b"", decoded(coded)), without.sub(b"", plain.body))
                    self.assertEqual(coded.headers["Content-Type"], plain.headers["Content-Type"])
                    if len(plain.body) > 1024:
                        self.assertEqual(coded.headers["Content-Encoding"], coding)
                        self.assertLess(len(coded.body), len(plain.body))
                    self.assertEqual(int(coded.headers["Content-Length"]), len(coded.body))

    def test_other_forms_of_rows_are_compressed_as_well(self):
        for form in ("text/csv", "application/x-ndjson"):
            plain = self.get("/api/maker", Accept=form).body
            for coding in ("gzip", "zstd"):
                coded = self.get("/api/maker", coding, Accept=form)
                self.assertEqual(coded.headers["Content-Encoding"], coding)
                self.assertEqual(decoded(coded), plain)

    def test_a_long_reply_of_a_write_is_compressed_in_pieces(self):
        body = {"operations": [{"model": "part", "method": "query", "body": {"filter": {"id": 1}}} for _ in range(300)]}
        plain = self.api.request("POST", "/batch", body, {"Accept-Encoding": "identity"})
        self.assertEqual(plain.status, 200, plain)
        self.assertGreater(len(plain.body), 1 << 20)
        for coding in ("gzip", "zstd"):
            coded = self.api.request("POST", "/batch", body, {"Accept-Encoding": coding})
            self.assertEqual(coded.headers["Content-Encoding"], coding)
            self.assertEqual(decoded(coded), plain.body)

    def test_clients_that_leave_while_a_long_reply_is_coded(self):
        body = {"operations": [{"model": "part", "method": "query", "body": {"filter": {"id": 1}}} for _ in range(900)]}
        text = json.dumps(body).encode()
        for number in range(12):
            with raw_connection(self.server.port) as sock:
                sock.sendall(b"POST /batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n"
                             b"Content-Length: %d\r\n\r\n" % len(text) + text)
                time.sleep(0.02 * number)
        self.assertEqual(self.coding_of("gzip"), "gzip")

    def test_others_have_their_turn_while_a_long_reply_is_coded(self):
        """Of one worker: some 9 MiB, in pieces; a lookup beside it waits for a piece, not for all."""
        server = Server("export", environment={"QUERN_WORKERS": "1"})
        self.addCleanup(server.stop)
        server.sql(SEED)
        body = {"operations": [{"model": "part", "method": "query", "body": {"filter": {"id": 1}}} for _ in range(900)] }
        stop, slowest = threading.Event(), [0.0]

        def look():
            client = server.client()
            while not stop.is_set():
                began = time.monotonic()
                client.get("/health/live")
                slowest[0] = max(slowest[0], time.monotonic() - began)
            client.close()

        client = server.client()
        client.request("POST", "/batch", body, {"Accept-Encoding": "identity"})
        thread = threading.Thread(target=look)
        thread.start()
        began = time.monotonic()
        for _ in range(3):
            coded = client.request("POST", "/batch", body, {"Accept-Encoding": "gzip"})
            self.assertEqual(coded.headers["Content-Encoding"], "gzip")
        one = (time.monotonic() - began) / 3
        stop.set()
        thread.join()
        client.close()
        self.assertGreater(len(decoded(coded)), 4 << 20)
        self.assertLess(slowest[0], one / 2)

    def test_head_says_the_length_of_the_coded_body(self):
        for coding in ("gzip", "zstd"):
            whole = self.get("/api/maker", coding)
            head = self.api.request("HEAD", "/api/maker", headers={"Accept-Encoding": coding})
            self.assertEqual(head.body, b"")
            for name in ("Content-Length", "Content-Encoding", "ETag", "Vary"):
                self.assertEqual(head.headers[name], whole.headers[name])


class Tags(CompressionTest):
    def test_each_coding_has_its_tag(self):
        plain = self.get("/api/part/1").headers["ETag"]
        self.assertEqual(self.get("/api/part/1", "gzip").headers["ETag"], plain[:-1] + '-gzip"')
        self.assertEqual(self.get("/api/part/1", "zstd").headers["ETag"], plain[:-1] + '-zstd"')

    def test_not_modified_names_the_body_that_the_client_has(self):
        for had in ("identity", "gzip", "zstd"):
            tag = self.get("/api/part/1", had).headers["ETag"]
            length = self.get("/api/part/1", had).headers["Content-Length"]
            for now in ("identity", "gzip", "zstd"):
                for field in (tag, "W/" + tag, '"other", ' + tag):
                    with self.subTest(had=had, now=now, field=field):
                        response = self.get("/api/part/1", now, If_None_Match=field)
                        self.assertEqual((response.status, response.body), (304, b""))
                        self.assertEqual(response.headers["ETag"], tag)
                        self.assertIsNone(response.headers.get("Content-Encoding"))
                        self.assertEqual(response.headers.get("Content-Length", length), length)

    def test_what_was_changed_is_sent_again(self):
        tag = self.get("/api/part/1", "gzip").headers["ETag"]
        self.sql("UPDATE part SET stock = 5 WHERE id = 1")
        response = self.get("/api/part/1", "gzip", If_None_Match=tag)
        self.assertEqual(response.status, 200)
        self.assertEqual(json.loads(decoded(response))["stock"], 5)

    def test_a_row_read_compressed_is_guarded_by_its_tag(self):
        for number, coding in enumerate(("identity", "gzip", "zstd"), 1):
            tag = self.get("/api/part/1", coding).headers["ETag"]
            done = self.api.patch("/api/part/1", {"stock": number}, headers={"If-Match": tag})
            self.assertEqual(done.status, 200, done)
            again = self.api.patch("/api/part/1", {"stock": 99}, headers={"If-Match": tag})
            self.assert_problem(again, 412, "PreconditionFailed")
        self.assertEqual(self.sql("SELECT stock FROM part WHERE id = 1"), [(3,)])

    def test_the_tag_of_a_compressed_answer_to_a_write_guards_the_next(self):
        gzip_too = {"Accept-Encoding": "gzip"}
        done = self.api.patch("/api/part/1", {"stock": 1}, headers=gzip_too)
        self.assertEqual(done.headers["Content-Encoding"], "gzip")
        self.assertTrue(done.headers["ETag"].endswith('-gzip"'), done.headers["ETag"])
        again = self.api.patch("/api/part/1", {"stock": 2}, headers={**gzip_too, "If-Match": done.headers["ETag"]})
        self.assertEqual(again.status, 200, again)

    def test_nothing_else_behind_a_tag_is_taken_for_a_coding(self):
        tag = self.get("/api/part/1").headers["ETag"]
        for end in ("-br", "-gzi", "-gzipp", "-", "gzip", "-GZIP", "-gzip-gzip", "-identity"):
            field = tag[:-1] + end + '"'
            self.assertEqual(self.get("/api/part/1", "gzip", If_None_Match=field).status, 200, field)
            self.assertEqual(self.api.patch("/api/part/1", {"stock": 1}, headers={"If-Match": field}).status, 412, field)


class Streams(CompressionTest):
    ROWS = 30000

    def setUp(self):
        super().setUp()
        self.sql("INSERT INTO reading (sensor, note, value, is_valid, taken_at) SELECT 's' || n, md5(n::text), n, true,"
                 " timestamptz '2026-01-01' + n * interval '1 s' FROM generate_series(1, %d) n" % self.ROWS)

    def test_a_stream_is_compressed_and_whole(self):
        for form in ("application/json", "text/csv", "application/x-ndjson"):
            plain = self.get("/api/reading?order_by=id", Accept=form)
            self.assertEqual(plain.headers["Transfer-Encoding"], "chunked")
            for coding in ("gzip", "zstd"):
                with self.subTest(form=form, coding=coding):
                    coded = self.get("/api/reading?order_by=id", coding, Accept=form)
                    self.assertEqual(coded.headers["Content-Encoding"], coding)
                    self.assertEqual(coded.headers["Transfer-Encoding"], "chunked")
                    self.assertIn("Accept-Encoding", coded.headers["Vary"])
                    self.assertLess(len(coded.body), len(plain.body) * 0.6)
                    self.assertEqual(decoded(coded), plain.body)

    def test_what_has_been_flushed_can_be_read(self):
        """A stream that stalls half way has given a readable beginning: rows that take a second each come one by one."""
        with raw_connection(self.server.port) as sock:
            sock.sendall(b"GET /api/reading?order_by=id HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n")
            data = b""
            while b"\r\n\r\n" not in data or len(data) < 30000:
                data += sock.recv(4096)
        body = data.split(b"\r\n\r\n", 1)[1]
        size, rest = body.split(b"\r\n", 1)
        first = rest[:int(size, 16)]
        text = zlib.decompressobj(31).decompress(first)
        self.assertTrue(text.startswith(b'{"results":[{"id":1,'), text[:100])
        self.assertGreater(text.count(b'"id"'), 50)

    def test_clients_that_leave_in_the_middle_leave_nothing(self):
        before = None
        for number in range(60):
            with raw_connection(self.server.port) as sock:
                sock.sendall(b"GET /api/reading HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: %s\r\n\r\n"
                             % (b"zstd" if number % 2 else b"gzip"))
                sock.recv(100)
            if number == 20:
                time.sleep(0.3)
                before = self.resident()
        time.sleep(0.5)
        self.assertLess(self.resident() - before, 8)
        self.assertEqual(self.coding_of("gzip"), "gzip")

    def resident(self):
        with open("/proc/%d/status" % self.server.process.pid) as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) / 1024

    def test_many_at_once_get_their_own(self):
        wanted = {form: self.get("/api/reading?order_by=id&limit=4000", Accept=form).body
                  for form in ("application/json", "text/csv")}
        wrong = []

        def ask(form, coding):
            client = self.server.client()
            for _ in range(3):
                response = client.get("/api/reading?order_by=id&limit=4000",
                                      headers={"Accept": form, "Accept-Encoding": coding})
                if response.status != 200 or decoded(response) != wanted[form]:
                    wrong.append((form, coding, response.status))
            client.close()

        threads = [threading.Thread(target=ask, args=(form, coding)) for form in wanted
                   for coding in ("gzip", "zstd", "identity") for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_a_stream_that_fails_is_cut_off(self):
        body = {"annotate": {"x": {"/": [1, {"-": ["id", self.ROWS - 10]}]}}, "order_by": []}
        with raw_connection(self.server.port) as sock:
            text = json.dumps(body).encode()
            sock.sendall(b"POST /api/reading/query HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n"
                         b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(text) + text)
            data = b""
            while True:
                piece = sock.recv(65536)
                if not piece:
                    break
                data += piece
        self.assertIn(b" 200 OK", data[:20])
        self.assertFalse(data.endswith(b"0\r\n\r\n"))
        self.assertNotIn(b"\r\n0\r\n", data[-300:])


class Setting(harness.unittest.TestCase):
    def test_zero_turns_it_off(self):
        server = Server("export", environment={"QUERN_COMPRESS_ABOVE": "0"})
        try:
            server.sql(SEED)
            client = server.client()
            for path in ("/api/maker", "/api/part/1"):
                response = client.get(path, headers={"Accept-Encoding": "gzip, zstd"})
                self.assertEqual(response.status, 200)
                self.assertIsNone(response.headers.get("Content-Encoding"))
                self.assertIsNone(response.headers.get("Vary"))
            self.assertEqual(client.get("/api/maker", headers={"Accept-Encoding": "identity;q=0, gzip"}).status, 406)
            client.close()
        finally:
            server.stop()

    def test_the_threshold_is_what_it_says(self):
        server = Server("export", environment={"QUERN_COMPRESS_ABOVE": "130"})
        try:
            server.sql("INSERT INTO maker (name) VALUES ('a')")
            client = server.client()
            for n in range(1, 60):
                server.sql("UPDATE maker SET country = repeat('e', %s), name = repeat('f', 64) WHERE id = 1", (n,))
                plain = client.get("/api/maker/1", headers={"Accept-Encoding": "identity"})
                coded = client.get("/api/maker/1", headers={"Accept-Encoding": "gzip"})
                self.assertEqual(coded.headers.get("Content-Encoding"), "gzip" if len(plain.body) > 130 else None)
            client.close()
        finally:
            server.stop()


if __name__ == "__main__":
    harness.unittest.main()
