"""HTTP itself, byte by byte: what must not be let in, limits, slow and vanishing clients, keep-alive
after errors, many clients at once, and an end that loses nobody's answer."""

import contextlib
import http.client
import json
import os
import signal
import socket
import threading
import time
import unittest

from harness import ApiTest, Server, raw_connection, server

SEED = """
INSERT INTO author (handle) VALUES ('jane_doe'), ('john');
INSERT INTO article (title, body, author_id, published)
SELECT 'Article ' || n, repeat('x', 100), 1 + n % 2, true FROM generate_series(1, 500) n;
"""

# Short enough to wait for; long enough for a busy machine.
TIMEOUTS = {
    "QUERN_HEADER_TIMEOUT": "1500",
    "QUERN_BODY_TIMEOUT": "1500",
    "QUERN_IDLE_TIMEOUT": "3000",
    "QUERN_WRITE_TIMEOUT": "2000",
}


def read_until_closed(sock):
    """All that comes until the server closes; a reset counts as closed."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while True:
            got = sock.recv(65536)
            if not got:
                break
            data += got
    return data


def read_reply(stream):
    """One reply off a buffered stream: status, headers, body; None at the stream's end."""
    line = stream.readline()
    if not line:
        return None
    status = int(line.split()[1])
    headers = http.client.parse_headers(stream)
    if headers.get("Transfer-Encoding", "").lower() == "chunked":
        body = b""
        while True:
            size = int(stream.readline().split(b";")[0], 16)
            if size == 0:
                while stream.readline() not in (b"\r\n", b""):
                    pass
                return status, headers, body
            body += stream.read(size)
            stream.readline()
    return status, headers, stream.read(int(headers.get("Content-Length", 0)))


def replies(data):
    """The statuses of all complete replies in the bytes of a connection."""
    import io

    stream = io.BytesIO(data)
    found = []
    while True:
        reply = read_reply(stream)
        if reply is None:
            return found
        found.append(reply[0])


class HttpTest(ApiTest):
    models = ("news",)
    seed = SEED

    def send(self, data):
        """The statuses of what is answered to these bytes before the server closes, or for as long as
        it takes to be sure that it does not."""
        with raw_connection(self.server.port, timeout=10) as sock:
            sock.sendall(data)
            return replies(read_until_closed(sock))

    def assert_refused(self, request, status=400):
        """Answered once, with this status, and the connection closed: the bytes that follow are
        never taken for a request."""
        smuggled = b"GET /health/live HTTP/1.1\r\nHost: smuggled\r\n\r\n"
        self.assertEqual(self.send(request + smuggled), [status], request)


class FramingTest(HttpTest):
    """The inputs that libmicrohttpd lets through and the gate must not."""

    HEAD = b"POST /api/article/count HTTP/1.1\r\nContent-Type: application/json\r\n"

    def refused(self, fields, rest=b"", status=400):
        self.assert_refused(self.HEAD + fields + b"\r\n" + rest, status)

    def test_length_beside_chunks(self):
        self.refused(b"Host: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n")
        self.refused(b"Host: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n")

    def test_two_lengths(self):
        self.refused(b"Host: x\r\nContent-Length: 2\r\nContent-Length: 40\r\n", b"{}")
        self.refused(b"Host: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n", b"{}")

    def test_a_blank_before_the_colon(self):
        self.refused(b"Host: x\r\nContent-Length : 2\r\n", b"{}")

    def test_encodings_other_than_chunked(self):
        for encoding in (b"identity", b"xchunked", b"gzip, chunked", b"chunked, chunked"):
            with self.subTest(encoding=encoding):
                self.refused(b"Host: x\r\nTransfer-Encoding: " + encoding + b"\r\n", b"0\r\n\r\n")

    def test_two_encodings(self):
        self.refused(b"Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n")

    def test_chunks_in_http_1_0(self):
        self.assert_refused(b"POST /api/article/count HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                            b"Connection: keep-alive\r\n\r\n0\r\n\r\n")

    def test_hosts(self):
        self.assert_refused(b"GET /health/live HTTP/1.1\r\n\r\n")
        self.assert_refused(b"GET /health/live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")

    def test_versions(self):
        self.assert_refused(b"GET /health/live HTTP/1.2\r\nHost: x\r\n\r\n")

    def test_a_bare_cr_in_a_value(self):
        self.assert_refused(b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-A: a\rb\r\n\r\n")

    def test_a_body_of_get(self):
        self.assert_refused(b"GET /api/article HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")

    def test_addresses_of_other_forms(self):
        self.assert_refused(b"GET http://localhost/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assert_refused(b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assert_refused(b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n")

    def test_expectations(self):
        self.assert_refused(b"POST /api/article HTTP/1.1\r\nHost: localhost\r\nExpect: tea\r\n"
                            b"Content-Length: 2\r\n\r\n{}", 417)

    def test_malformed_chunk_sizes(self):
        head = self.HEAD + b"Host: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        for size in (b"0x2", b"-2", b"2 ", b"zz", b"ffffffffffffffffff"):
            with self.subTest(size=size):
                found = self.send(head + size + b"\r\n{}\r\n0\r\n\r\n")
                self.assertEqual(len(found), 1, found)
                self.assertIn(found[0], (400, 413))

    def test_nul_in_an_address(self):
        self.assertEqual(self.api.get("/api/article%00x").status, 400)
        self.assertEqual(self.api.get("/api/article/1%00").status, 400)

    def test_a_name_of_another_site_is_not_answered(self):
        self.assert_refused(b"GET /api/article/1 HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421)

    def test_a_page_of_another_origin_does_not_write(self):
        answer = self.api.request("POST", "/api/author", {"handle": "x"}, {"Origin": "https://evil.example"})
        self.assert_problem(answer, 403, "PermissionDenied")
        self.assertEqual(self.sql("SELECT count(*) FROM author"), [(2,)])


class LimitsTest(HttpTest):
    def test_a_long_address_is_414(self):
        self.assertEqual(self.send(b"GET /api/article?title=" + b"x" * 12000 +
                                   b" HTTP/1.1\r\nHost: localhost\r\n\r\n"), [414])

    def test_many_parameters_are_read(self):
        many = b"&".join(b"x%d=1" % n for n in range(1000))
        self.assertEqual(self.send(b"GET /api/article?" + many + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
                         [400])
        self.assertEqual(self.send(b"GET /api/article/count?" + b"&" * 8000 +
                                   b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), [200])

    def test_many_or_large_fields_are_431(self):
        fields = b"".join(b"X-%d: 1\r\n" % n for n in range(100))
        self.assertEqual(self.send(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n" + fields + b"\r\n"), [431])
        self.assertEqual(self.send(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 20000 +
                                   b"\r\n\r\n"), [431])

    def test_the_longest_address_with_the_most_and_largest_fields_is_answered(self):
        address = b"/api/article/count?"
        address += b"&" * (8192 - len(address))
        fields, left = [b"Host: localhost\r\n", b"Connection: close\r\n"], 8192 - len("Hostlocalhost" "Connectionclose")
        for n in range(62):
            name = b"X-%02d" % n
            value = b"y" * (left // (62 - n) - len(name))
            left -= len(name) + len(value)
            fields.append(name + b": " + value + b"\r\n")
        self.assertEqual(left, 0)
        whole = b"GET " + address + b" HTTP/1.1\r\n" + b"".join(fields) + b"\r\n"
        self.assertEqual(self.send(whole), [200])
        self.assertEqual(self.send(whole.replace(b": y", b": yy", 1)), [431])

    def test_a_body_over_the_limit_is_answered_and_the_connection_lives_on(self):
        connection = self.api.local_port
        for size in ((1 << 20) + 1, 3 << 20):
            body = b'{"filter": {"title": "' + b"x" * size + b'"}}'
            self.assert_problem(self.api.request("POST", "/api/article/count", body), 413, "RequestTooLarge")
        self.ok(self.api.get("/api/article/count"))
        self.assertEqual(self.api.local_port, connection or self.api.local_port)

    def test_a_chunked_body_over_the_limit(self):
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        with raw_connection(self.server.port) as sock:
            sock.sendall(b"POST /api/article/count HTTP/1.1\r\nHost: localhost\r\n"
                         b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
            sock.sendall(chunk * 20 + b"0\r\n\r\n")
            sock.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            self.assertEqual(replies(read_until_closed(sock)), [413, 200])

    def test_the_line_of_a_chunk_without_end(self):
        """libmicrohttpd's buffer is full of it, and it never says so."""
        with raw_connection(self.server.port) as sock:
            sock.sendall(b"POST /api/article/count HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                         b"2;" + b"x" * 200000)
            began, busy = time.monotonic(), self.processor_seconds()
            self.assertEqual(read_until_closed(sock), b"")
            self.assertLess(self.processor_seconds() - busy, (time.monotonic() - began) / 2)
            self.ok(self.api.get("/api/article/count"))

    def test_bodies_that_lie_there_when_deadlines_are_looked_at(self):
        """Stopped, the server finds on waking a body and that it is time to look."""
        with raw_connection(self.server.port) as sock:
            stream = sock.makefile("rb")
            for _ in range(4):
                sock.sendall(b"POST /api/article/count HTTP/1.1\r\nHost: localhost\r\n"
                             b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n")
                time.sleep(0.1)
                os.kill(self.server.process.pid, signal.SIGSTOP)
                sock.sendall(b"{}")
                time.sleep(0.7)
                os.kill(self.server.process.pid, signal.SIGCONT)
                self.assertEqual(read_reply(stream)[0], 200)

    def processor_seconds(self):
        with open("/proc/%d/stat" % self.server.process.pid, encoding="utf-8") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_a_huge_length_is_refused_unread(self):
        self.assertEqual(self.send(b"POST /api/article HTTP/1.1\r\nHost: localhost\r\n"
                                   b"Content-Length: 100000000000\r\n\r\n{"), [413])

    def test_a_large_body_that_waits_for_continue_is_not_asked_for(self):
        self.assertEqual(self.send(b"POST /api/article HTTP/1.1\r\nHost: localhost\r\n"
                                   b"Expect: 100-continue\r\nContent-Length: 20000000\r\n\r\n"), [413])

    def test_a_body_that_waits_for_continue_is_asked_for(self):
        with raw_connection(self.server.port) as sock:
            sock.sendall(b"POST /api/article/count HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                         b"Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            stream = sock.makefile("rb")
            self.assertIn(b"100", stream.readline())
            self.assertEqual(stream.readline(), b"\r\n")
            sock.sendall(b"{}")
            self.assertEqual(read_reply(stream)[0], 200)

    def test_a_body_in_single_bytes(self):
        body = b'{"filter": {"id": 7}}'
        with raw_connection(self.server.port) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.sendall(b"POST /api/article/count HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                         b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
            for byte in body:
                sock.sendall(b"1\r\n" + bytes((byte,)) + b"\r\n")
            sock.sendall(b"0\r\n\r\n")
            status, _, answer = read_reply(sock.makefile("rb"))
            self.assertEqual((status, json.loads(answer)), (200, {"count": 1}))

    def test_bodies_of_other_types_are_415(self):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""):
            with self.subTest(kind=kind):
                answer = self.api.request("POST", "/api/article/count", b"{}", {"Content-Type": kind})
                self.assert_problem(answer, 415, "UnsupportedMediaType")
        for kind in ("application/json", "Application/JSON; charset=utf-8", "application/vnd.x+json"):
            with self.subTest(kind=kind):
                self.ok(self.api.request("POST", "/api/article/count", b"{}", {"Content-Type": kind}))


class RepliesTest(HttpTest):
    def test_headers_of_a_reply(self):
        first, second = self.api.get("/api/article/1"), self.api.get("/api/article/1")
        self.assertEqual(first.headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(first.headers["Cache-Control"], "no-store")
        self.assertRegex(first.headers["Server-Timing"],
                         r'^statements;desc="1", parse;dur=\d+\.\d{3}, plan;dur=\d+\.\d{3}, queue;dur=\d+\.\d{3}, '
                         r'database;dur=\d+\.\d{3}, render;dur=\d+\.\d{3}, total;dur=\d+\.\d{3}$')
        self.assertTrue(first.headers["X-Request-Id"])
        self.assertNotEqual(first.headers["X-Request-Id"], second.headers["X-Request-Id"])
        self.assertIsNone(first.headers["Access-Control-Allow-Origin"])

    def test_a_problem_names_its_request(self):
        answer = self.api.get("/api/nothing")
        self.assertEqual(answer.json["instance"], answer.headers["X-Request-Id"])

    def test_the_log_has_the_request_but_no_values(self):
        answer = self.api.get("/api/article/count", params={"title": "canary-4711"})
        self.ok(answer)
        found = self.server.output.wait_for("id=%s[^\n]*status=200[^\n]*" % answer.headers["X-Request-Id"], 5)
        self.assertIsNotNone(found, self.server.tail())
        self.assertIn("path=/api/article/count", found.group())
        self.assertNotIn("canary-4711", self.server.output.text())

    def test_the_log_has_the_path_of_what_is_refused_unread(self):
        self.assertEqual(self.send(b"POST /api/vote?title=canary-4712 HTTP/1.1\r\nHost: localhost\r\n"
                                   b"Content-Length: 100000000000\r\n\r\n{"), [413])
        found = self.server.output.wait_for("path=/api/vote [^\n]*status=413[^\n]*", 5)
        self.assertIsNotNone(found, self.server.tail())
        self.assertNotIn("canary-4712", self.server.output.text())

    def test_head_is_get_without_a_body(self):
        whole = self.api.get("/api/article/1")
        head = self.api.request("HEAD", "/api/article/1")
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertEqual(head.headers["Content-Length"], whole.headers["Content-Length"])
        self.ok(self.api.get("/api/article/1"))

    def test_the_head_of_a_streamed_list_counts_its_statement(self):
        self.assert_statements(self.api.get("/api/article"), 1)
        self.assert_statements(self.api.query("article", {}), 1)
        self.sql("INSERT INTO article (title, body, published) SELECT 'long', repeat('x', 1000), true FROM generate_series(1, 999)")
        long = self.api.query("article", {})
        self.assertEqual(long.headers["Transfer-Encoding"], "chunked")
        self.assert_statements(long, 1)

    def test_options_and_405_say_what_is_allowed(self):
        answer = self.api.request("OPTIONS", "/api/article/1")
        self.assertEqual((answer.status, answer.headers["Allow"]), (204, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"))
        answer = self.api.request("POST", "/api/article/1", {})
        self.assert_problem(answer, 405, "MethodNotAllowed")
        self.assertEqual(answer.headers["Allow"], "GET, HEAD, PUT, PATCH, DELETE, OPTIONS")
        self.assertEqual(self.api.request("BREW", "/api/article").status, 405)

    def test_the_index_names_the_models(self):
        models = {m["name"]: m["address"] for m in self.ok(self.api.get("/"))["models"]}
        self.assertEqual(models["Article"], "/api/article")
        for address in models.values():
            self.ok(self.api.get(address + "/count"))

    def test_probes(self):
        self.assertEqual(self.ok(self.api.get("/health/live")), {"status": "alive"})
        self.assertEqual(self.ok(self.api.get("/health/ready")), {"status": "ready"})


class KeepAliveTest(HttpTest):
    def test_a_connection_outlives_clients_errors(self):
        self.ok(self.api.get("/health/live"))
        connection = self.api.local_port
        for path, body in (("/api/nothing", None), ("/api/article?nofield=1", None), ("/api/article/abc", None),
                           ("/api/article/query", b"{"), ("/api/article/query", b'{"filter": {"x": 1}}'),
                           ("/api/article/query", b'\xff'), ("/api/article/1", None)):
            answer = self.api.request("POST" if body else "GET", path, body)
            self.assertNotEqual(answer.status, 500, answer)
            self.assertEqual(self.api.local_port, connection, answer)

    def test_pipelined_requests_are_answered_in_order(self):
        requests = b"".join(b"GET /api/article/%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % n for n in range(1, 41))
        last = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        with raw_connection(self.server.port) as sock:
            sock.sendall(requests + last)
            stream = sock.makefile("rb")
            for n in range(1, 41):
                self.assertEqual(json.loads(read_reply(stream)[2])["id"], n)
            self.assertEqual(read_reply(stream)[0], 200)
            self.assertEqual(stream.read(), b"")

    def test_http_1_0_closes_unless_asked_not_to(self):
        self.assertEqual(self.send(b"GET /health/live HTTP/1.0\r\n\r\n"), [200])
        self.assertEqual(self.send(b"GET /health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
                                   b"GET /health/live HTTP/1.0\r\n\r\n"), [200, 200])

    def test_a_split_request_is_put_together(self):
        with raw_connection(self.server.port) as sock:
            for part in (b"GET /heal", b"th/live HTT", b"P/1.1\r\nHo", b"st: localhost\r\nConnection: close\r", b"\n\r\n"):
                sock.sendall(part)
                time.sleep(0.02)
            self.assertEqual(replies(read_until_closed(sock)), [200])


class ManyClientsTest(HttpTest):
    def test_64_clients_get_their_own_answers(self):
        failures = []

        def ask(number):
            with contextlib.closing(self.server.client()) as api:
                for turn in range(30):
                    key = 1 + (number * 31 + turn * 7) % 500
                    answer = api.get("/api/article/%d" % key)
                    if answer.status != 200 or answer.json["id"] != key:
                        failures.append((key, answer))

        threads = [threading.Thread(target=ask, args=(n,)) for n in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def test_a_thousand_idle_connections_do_not_hinder(self):
        with contextlib.ExitStack() as stack:
            for _ in range(1000):
                stack.enter_context(raw_connection(self.server.port))
            self.ok(self.api.get("/api/article/1"))


class HangUpTest(HttpTest):
    """A request that waits behind a lock, whose client goes away."""

    def active(self):
        return self.sql("SELECT count(*) FROM pg_stat_activity WHERE state = 'active'"
                        " AND wait_event_type = 'Lock'")[0][0]

    def wait_for_active(self, count, seconds):
        end = time.monotonic() + seconds
        while self.active() != count:
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True

    @contextlib.contextmanager
    def locked(self):
        import psycopg2

        with contextlib.closing(psycopg2.connect(**self.server.database)) as connection:
            connection.cursor().execute("LOCK TABLE article IN ACCESS EXCLUSIVE MODE")
            yield connection

    def leave(self, how):
        with self.locked():
            with raw_connection(self.server.port) as sock:
                sock.sendall(b"GET /api/article/1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
                self.assertTrue(self.wait_for_active(1, 5), "the request does not wait")
                how(sock)
                self.assertTrue(self.wait_for_active(0, 3), "the query of a client who left still runs")
        self.ok(self.api.get("/api/article/1"))

    def test_closing_cancels_the_query(self):
        self.leave(lambda sock: sock.close())

    def test_a_reset_cancels_the_query(self):
        def reset(sock):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.close()

        self.leave(reset)

    def test_others_are_not_cancelled(self):
        answers = []
        with self.locked():
            def ask():
                with contextlib.closing(self.server.client()) as api:
                    answers.append(api.get("/api/article/2").status)

            thread = threading.Thread(target=ask)
            thread.start()
            self.assertTrue(self.wait_for_active(1, 5))
            for _ in range(5):
                with raw_connection(self.server.port) as sock:
                    sock.sendall(b"GET /api/article/count HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    time.sleep(0.1)
            time.sleep(0.3)
            self.assertEqual(answers, [])
        thread.join(10)
        self.assertEqual(answers, [200])

    def test_a_stream_whose_reader_leaves_ends(self):
        self.sql("INSERT INTO article (title, body, author_id, published)"
                 " SELECT 'Long', repeat('y', 1000), 1, true FROM generate_series(1, 30000)")
        for _ in range(3):
            with raw_connection(self.server.port) as sock:
                sock.sendall(b"GET /api/article HTTP/1.1\r\nHost: localhost\r\n\r\n")
                self.assertIn(b"200", sock.recv(4096))
        self.ok(self.api.get("/api/article/1"))
        end = time.monotonic() + 5
        while self.sql("SELECT count(*) FROM pg_stat_activity WHERE state = 'active'")[0][0] > 1:
            self.assertLess(time.monotonic(), end, "a query of a stream that nobody reads still runs")
            time.sleep(0.05)


class StreamTest(HttpTest):
    def test_a_long_answer_comes_whole(self):
        self.sql("INSERT INTO article (title, body, author_id, published)"
                 " SELECT 'Long', repeat('y', 1000), 1, true FROM generate_series(1, 20000)")
        answer = self.api.get("/api/article", params={"order_by": "id"})
        self.assertEqual(answer.headers["Transfer-Encoding"], "chunked")
        self.assertEqual([row["id"] for row in self.results(answer)], list(range(1, 20501)))
        self.assertEqual(self.api.request("HEAD", "/api/article").status, 200)
        self.ok(self.api.get("/api/article/1"))

    def test_a_head_request_of_a_long_answer_gets_no_byte_of_a_body(self):
        self.sql("INSERT INTO article (title, body, author_id, published)"
                 " SELECT 'Long', repeat('y', 1000), 1, true FROM generate_series(1, 5000)")
        with raw_connection(self.server.port) as sock:
            sock.sendall(b"HEAD /api/article HTTP/1.1\r\nHost: localhost\r\n\r\n")
            head, _, rest = sock.makefile("rb").read().partition(b"\r\n\r\n")
        self.assertIn(b"200 OK", head)
        self.assertEqual(rest, b"")

    def test_a_slow_reader_gets_all_of_it(self):
        self.sql("INSERT INTO article (title, body, author_id, published)"
                 " SELECT 'Long', repeat('y', 1000), 1, true FROM generate_series(1, 5000)")
        with raw_connection(self.server.port) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            sock.sendall(b"GET /api/article HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            time.sleep(0.5)
            reply = read_reply(sock.makefile("rb"))
            self.assertEqual(len(json.loads(reply[2])["results"]), 5500)


class OwnServerTest(unittest.TestCase):
    """Tests that end the server, or want their own settings."""

    def start(self, environment=None):
        started = Server("news", environment=environment)
        self.addCleanup(lambda: started.process.poll() is None and started.stop())
        started.sql(SEED)
        return started


class SlowClientTest(OwnServerTest):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("news", environment=TIMEOUTS)
        cls.addClassCleanup(cls.server.stop)
        cls.server.sql(SEED)

    def trickle(self, data, most):
        """Sends a byte now and then; the seconds until the server has had enough."""
        began = time.monotonic()
        with raw_connection(self.server.port) as sock:
            sock.settimeout(0.3)
            for byte in data:
                if time.monotonic() - began > most:
                    self.fail("still open after %d s" % most)
                try:
                    sock.sendall(bytes((byte,)))
                    if sock.recv(4096) == b"":
                        break
                except socket.timeout:
                    continue
                except OSError:
                    break
        return time.monotonic() - began

    def test_silence_is_ended(self):
        with raw_connection(self.server.port) as sock:
            self.assertEqual(read_until_closed(sock), b"")

    def test_a_trickled_head_is_ended(self):
        self.trickle(b"GET /health/live HTTP/1.1\r\nX: " + b"y" * 100, 6)

    def test_a_trickled_body_is_ended(self):
        with raw_connection(self.server.port) as sock:
            sock.sendall(b"POST /api/article/count HTTP/1.1\r\nHost: localhost\r\n"
                         b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n")
            began = time.monotonic()
            sock.settimeout(0.3)
            while time.monotonic() - began < 6:
                try:
                    sock.sendall(b" ")
                    if sock.recv(4096) == b"":
                        return
                except socket.timeout:
                    continue
                except OSError:
                    return
            self.fail("still open")

    def test_an_idle_connection_is_ended(self):
        with raw_connection(self.server.port) as sock:
            sock.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            began = time.monotonic()
            self.assertEqual(replies(read_until_closed(sock)), [200])
            self.assertGreater(time.monotonic() - began, 2)

    def test_a_reader_who_stops_is_ended(self):
        self.server.sql("INSERT INTO article (title, body, author_id, published)"
                        " SELECT 'Long', repeat('y', 1000), 1, true FROM generate_series(1, 30000)")
        with raw_connection(self.server.port) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            sock.sendall(b"GET /api/article HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertIn(b"200", sock.recv(4096))
            end = time.monotonic() + 10
            active = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%article%'" \
                     " AND state <> 'idle' AND pid <> pg_backend_pid()"
            self.assertEqual(self.server.sql(active)[0][0], 1, "nothing is held up")
            while self.server.sql(active)[0][0]:
                self.assertLess(time.monotonic(), end, "the stalled stream still holds its connection")
                time.sleep(0.1)
        with contextlib.closing(self.server.client()) as api:
            self.assertEqual(api.get("/api/article/1").status, 200)

    def test_others_are_served_meanwhile(self):
        with contextlib.ExitStack() as stack:
            for _ in range(200):
                sock = stack.enter_context(raw_connection(self.server.port))
                sock.sendall(b"GET /health/live HTT")
            with contextlib.closing(self.server.client()) as api:
                began = time.monotonic()
                for n in range(1, 51):
                    self.assertEqual(api.get("/api/article/%d" % n).status, 200)
                self.assertLess(time.monotonic() - began, 5)


class StopTest(OwnServerTest):
    def test_what_is_in_flight_is_finished(self):
        import psycopg2

        started = self.start()
        answers = []
        connection = psycopg2.connect(**started.database)
        connection.cursor().execute("LOCK TABLE article IN ACCESS EXCLUSIVE MODE")

        def ask():
            with contextlib.closing(started.client()) as api:
                answers.append(api.get("/api/article/1"))

        thread = threading.Thread(target=ask)
        thread.start()
        time.sleep(0.5)
        started.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        self.assertIsNone(started.process.poll())
        with self.assertRaises(OSError):
            raw_connection(started.port).__enter__()
        connection.close()
        thread.join(10)
        self.assertEqual(answers[0].status, 200)
        self.assertEqual(answers[0].headers["Connection"].lower(), "close")
        started.stop()

    def test_a_stopping_server_is_not_ready(self):
        started = self.start()
        with raw_connection(started.port) as sock:
            stream = sock.makefile("rb")
            ask = b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n"
            sock.sendall(ask)
            self.assertEqual(read_reply(stream)[0], 200)
            started.process.send_signal(signal.SIGTERM)
            time.sleep(0.05)
            sock.sendall(ask)
            self.assertEqual(read_reply(stream)[0], 503)
        started.stop()

    def test_a_stop_under_load_loses_no_answer(self):
        started = self.start()
        lost, answered = [], []
        is_stopped = threading.Event()

        def ask():
            while not is_stopped.is_set():
                try:
                    sock = socket.create_connection(("127.0.0.1", started.port), 10)
                except ConnectionRefusedError:
                    return
                except OSError as problem:
                    lost.append(repr(problem))
                    return
                with contextlib.closing(sock):
                    stream = sock.makefile("rb")
                    while True:
                        try:
                            sock.sendall(b"GET /api/article/1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
                            reply = read_reply(stream)
                        except OSError as problem:
                            lost.append(repr(problem))
                            return
                        if reply is None:
                            lost.append("closed without an answer")
                            return
                        answered.append(reply[0])
                        if reply[1].get("Connection", "").lower() == "close":
                            break

        threads = [threading.Thread(target=ask) for _ in range(16)]
        for thread in threads:
            thread.start()
        time.sleep(1)
        started.process.send_signal(signal.SIGTERM)
        started.process.wait(20)
        is_stopped.set()
        for thread in threads:
            thread.join(20)
        self.assertEqual(lost, [])
        self.assertEqual(set(answered), {200})
        started.stop()

    def test_a_second_signal_does_not_wait(self):
        import psycopg2

        started = self.start()
        connection = psycopg2.connect(**started.database)
        connection.cursor().execute("LOCK TABLE article IN ACCESS EXCLUSIVE MODE")
        with contextlib.closing(connection), raw_connection(started.port) as sock:
            sock.sendall(b"GET /api/article/1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            time.sleep(0.3)
            began = time.monotonic()
            started.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            started.process.send_signal(signal.SIGINT)
            started.process.wait(20)
            self.assertLess(time.monotonic() - began, 8)

    def test_two_servers_do_not_share_a_port(self):
        started = self.start()
        with self.assertRaisesRegex(AssertionError, "in use"):
            Server("news", arguments=["--port", str(started.port)])


if __name__ == "__main__":
    unittest.main()
