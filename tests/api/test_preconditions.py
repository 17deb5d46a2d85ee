"""ETag, If-None-Match and If-Match: what is read again costs nothing, what changed meanwhile is not written over."""

import http.client
import threading
import unittest

import harness
from harness import ApiTest, Client

SEED = """
    INSERT INTO author (handle) VALUES ('jane'), ('john');
    INSERT INTO article (title, body, author_id, published) VALUES ('one', 'b', 1, true), ('two', 'b', NULL, false);
    INSERT INTO vote (author_id, article_id, created_at) VALUES (1, 1, '2026-01-01T00:00:00Z');
"""


class EtagTest(ApiTest):
    models = ("news",)
    seed = SEED

    def tag(self, path, **more):
        response = self.api.get(path, **more)
        self.assertEqual(response.status, 200, response)
        self.assertRegex(response.headers["ETag"], r'^"[A-Za-z0-9_-]{22}"$')
        return response.headers["ETag"]

    def test_a_row_has_a_tag_that_changes_with_it(self):
        before = self.tag("/api/article/1")
        self.assertEqual(self.tag("/api/article/1"), before)
        self.assertNotEqual(self.tag("/api/article/2"), before)
        self.sql("UPDATE article SET body = 'c' WHERE id = 1")
        self.assertNotEqual(self.tag("/api/article/1"), before)
        self.sql("UPDATE article SET body = 'b' WHERE id = 1")
        self.assertEqual(self.tag("/api/article/1"), before)

    def test_every_buffered_read_has_one(self):
        for path in ("/api/article", "/api/article?title=one", "/api/article/count", "/api/article/1/vote_set", "/api/vote/1/article",
                     "/api/article/first", "/api/article/exists", "/api/article/1?only=title"):
            self.tag(path)
        self.assertEqual(self.tag("/api/vote/1/article"), self.tag("/api/article/1"))
        answer = self.api.http_query("/api/article", {"limit": 1})
        self.assertIsNotNone(answer.headers["ETag"])
        self.assertIsNone(self.api.post("/api/article/query", {}).headers["ETag"])
        self.assertIsNone(self.api.get("/health/live").headers["ETag"])
        self.assertIsNone(self.api.get("/api/article/9").headers["ETag"])

    def test_a_streamed_reply_has_none(self):
        self.sql("INSERT INTO article (title, body, published) SELECT 't', repeat('x', 1000), true FROM generate_series(1, 500)")
        answer = self.api.get("/api/article", headers={"If-None-Match": "*"})
        self.assertEqual(answer.status, 200)
        self.assertIsNone(answer.headers["ETag"])
        self.assertEqual(len(answer.json["results"]), 502)

    def test_what_the_client_has_is_not_sent_again(self):
        tag = self.tag("/api/article/1")
        for field in (tag, "*", "W/" + tag, '"x", %s' % tag, '"a,b" , W/"c",%s' % tag):
            for method in ("GET", "HEAD"):
                answer = self.api.request(method, "/api/article/1", headers={"If-None-Match": field})
                self.assertEqual(answer.status, 304, field)
                self.assertEqual(answer.headers["ETag"], tag)
                self.assertEqual(answer.body, b"")
        for field in ('"x"', "x", '"x', "", ",", tag[:-1]):
            self.assertEqual(self.api.get("/api/article/1", headers={"If-None-Match": field}).status, 200, field)
        self.sql("UPDATE article SET body = 'c' WHERE id = 1")
        self.assertEqual(self.api.get("/api/article/1", headers={"If-None-Match": tag}).status, 200)
        self.assertEqual(self.api.get("/api/article/9", headers={"If-None-Match": "*"}).status, 404)

    def test_not_modified_is_framed_so_that_the_next_request_is_read(self):
        tag = self.tag("/api/article/1")
        with harness.raw_connection(self.server.port) as sock:
            head = "GET /api/article/1 HTTP/1.1\r\nHost: localhost\r\n"
            sock.sendall((head + "If-None-Match: %s\r\n\r\n" % tag + head + "Connection: close\r\n\r\n").encode())
            data = b""
            while True:
                more = sock.recv(65536)
                if not more:
                    break
                data += more
        first, second = data.split(b"\r\n\r\n", 1)
        self.assertTrue(first.startswith(b"HTTP/1.1 304"), first)
        self.assertNotIn(b"\r\nContent-Type:", first)
        self.assertTrue(second.startswith(b"HTTP/1.1 200"), second)

    def test_a_read_whose_tag_must_be_the_given_one(self):
        tag = self.tag("/api/article/1")
        self.assertEqual(self.api.get("/api/article/1", headers={"If-Match": tag}).status, 200)
        self.assert_problem(self.api.get("/api/article/1", headers={"If-Match": '"x"'}), 412, "PreconditionFailed")


class IfMatchTest(ApiTest):
    models = ("news",)
    seed = SEED

    def setUp(self):
        super().setUp()
        self.tag = self.api.get("/api/article/1").headers["ETag"]

    def write(self, method, field, body=None, path="/api/article/1", header="If-Match"):
        return self.api.request(method, path, body, {header: field})

    def title(self):
        rows = self.sql("SELECT title FROM article WHERE id = 1")
        return rows[0][0] if rows else None

    def assert_changed(self, answer):
        self.assert_problem(answer, 412, "PreconditionFailed", detail="Read it again")

    def test_an_unchanged_row_is_written_and_answers_its_new_tag(self):
        answer = self.write("PATCH", self.tag, {"title": "new"})
        self.ok(answer)
        self.assertEqual(answer.headers["ETag"], self.api.get("/api/article/1").headers["ETag"])
        self.assertNotEqual(answer.headers["ETag"], self.tag)
        answer = self.write("PUT", answer.headers["ETag"], {"title": "newer", "body": "b"})
        self.ok(answer)
        self.assertEqual(answer.headers["ETag"], self.api.get("/api/article/1").headers["ETag"])
        self.ok(self.write("DELETE", answer.headers["ETag"]))
        self.assertIsNone(self.title())

    def test_a_changed_row_is_left_alone(self):
        self.sql("UPDATE article SET body = 'changed' WHERE id = 1")
        self.assert_changed(self.write("PATCH", self.tag, {"title": "new"}))
        self.assert_changed(self.write("PUT", self.tag, {"title": "new", "body": "b"}))
        self.assert_changed(self.write("DELETE", self.tag))
        self.assertEqual(self.title(), "one")

    def test_several_tags_and_any(self):
        self.ok(self.write("PATCH", '"x", %s,"y"' % self.tag, {"title": "a"}))
        self.ok(self.write("PATCH", "*", {"title": "b"}))
        self.assert_changed(self.write("PATCH", '"x", "y"', {"title": "c"}))
        self.assertEqual(self.title(), "b")

    def test_weak_tags_never_match(self):
        self.assert_changed(self.write("PATCH", "W/" + self.tag, {"title": "c"}))
        self.ok(self.write("PATCH", "W/%s, %s" % (self.tag, self.tag), {"title": "c"}))

    def test_what_is_no_tag_is_told(self):
        for field in (self.tag[1:-1], '"open', "", ",", '%s "x"' % self.tag, "w/" + self.tag, "* , *"):
            answer = self.write("PATCH", field, {"title": "c"})
            self.assert_problem(answer, 400, "BadRequest", detail="If-Match takes an ETag in its quotes")
        self.assertEqual(self.title(), "one")

    def test_it_stands_once(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port)
        self.addCleanup(connection.close)
        connection.putrequest("DELETE", "/api/article/1")
        connection.putheader("If-Match", self.tag)
        connection.putheader("If-Match", '"x"')
        connection.endheaders()
        self.assertEqual(connection.getresponse().status, 400)
        self.assertEqual(self.title(), "one")

    def test_none_match_guards_a_write_too(self):
        self.assertEqual(self.write("PATCH", "*", {"title": "c"}, header="If-None-Match").status, 412)
        self.assertEqual(self.write("PATCH", self.tag, {"title": "c"}, header="If-None-Match").status, 412)
        self.ok(self.write("PATCH", '"x"', {"title": "c"}, header="If-None-Match"))

    def test_a_row_that_is_not_there(self):
        for field in ("*", self.tag):
            answer = self.write("PATCH", field, {"title": "x"}, path="/api/article/77")
            self.assert_problem(answer, 404, "DoesNotExist", detail="Article matching query does not exist.")
        self.assertEqual(self.write("DELETE", "*", path="/api/article/x").status, 404)

    def test_a_tag_of_a_read_with_clauses_is_another(self):
        partial = self.api.get("/api/article/1?only=title").headers["ETag"]
        self.assert_changed(self.write("PATCH", partial, {"title": "c"}))

    def test_several_rows_have_no_tag_to_compare(self):
        for method, path, body in (("PATCH", "/api/article?title=one", {"title": "x"}), ("DELETE", "/api/article?title=one", None),
                                   ("POST", "/api/article", {"title": "x", "body": "b"}), ("POST", "/api/article/update", {"set": {"title": "x"}}),
                                   ("POST", "/api/article/1/vote_set/clear", {})):
            answer = self.write(method, self.tag, body, path)
            self.assert_problem(answer, 400, "BadRequest", detail="guard a write to one row")
        self.assertEqual(self.title(), "one")

    def test_a_write_that_fails_behind_the_condition_changes_nothing(self):
        self.assert_problem(self.write("PATCH", self.tag, {"title": "x" * 300}), 422, "ValidationError")
        self.assert_problem(self.write("PATCH", self.tag, {"author": 99}), 409, "IntegrityError", fields=["author"],
                            detail="Author instance with this id does not exist.")
        self.assertEqual(self.api.get("/api/article/1").headers["ETag"], self.tag)

    def test_dates_are_passed_over(self):
        headers = {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}
        self.ok(self.api.patch("/api/article/1", {"title": "c"}, headers=headers))
        self.assertEqual(self.api.get("/api/article/1", headers={"If-Modified-Since": "Thu, 01 Jan 2099 00:00:00 GMT"}).status, 200)

    def test_a_new_row_answers_its_tag(self):
        answer = self.api.post("/api/article", {"title": "t", "body": "b"})
        self.assertEqual(answer.status, 201)
        self.assertEqual(answer.headers["ETag"], self.api.get(answer.headers["Location"]).headers["ETag"])

    def test_of_many_who_read_the_same_one_writes(self):
        """No update is lost: everyone adds 1 to what was read, and tries again when somebody was quicker."""
        self.sql("UPDATE article SET title = '0' WHERE id = 1")
        tries = []

        def add():
            api = Client(self.server.port)
            for _ in range(5):
                while True:
                    read = api.get("/api/article/1")
                    answer = api.patch("/api/article/1", {"title": str(int(read.json["title"]) + 1)},
                                       headers={"If-Match": read.headers["ETag"]})
                    tries.append(answer.status)
                    if answer.status == 200:
                        break
            api.close()

        threads = [threading.Thread(target=add) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.title(), "40")
        self.assertEqual(tries.count(200), 40)
        self.assertEqual(set(tries), {200, 412}, "nobody was quicker: the test shows nothing")


class TypesTest(ApiTest):
    """The tag that a write answers is the one that a read answers, whatever the row holds and is called by."""

    models = ("every_type", "composite")

    def agree(self, answer, path):
        read = self.api.get(path)
        self.assertEqual(read.status, 200, read)
        self.assertEqual(answer.headers["ETag"], read.headers["ETag"], (answer, read))
        self.assertIsNotNone(answer.headers["ETag"])
        return read.headers["ETag"]

    def test_every_type(self):
        row = {"integer": 1, "big": 2**60, "real": 0.1, "money": "1.50", "exact_number": "1.000000000000001", "flag": True, "short": "\u00e9\"\\",
               "long": "a\nb\u2028", "address": "::1", "uuid": "ABCDEFAB-CDEF-ABCD-EFAB-CDEFABCDEFAB", "day": "2026-01-01",
               "moment": "2026-01-01T10:00:00.5+02:00", "clock": "10:00", "span": "P1DT2H", "bytes": "YWJj", "document": {"b": [1, None], "a": 1.50},
               "numbers": [1, 2], "words": ["x", None], "integers": {"lower": 1, "upper": 5}, "moments": {"lower": "2026-01-01T00:00:00Z"}}
        made = self.api.post("/api/sample", row)
        self.assertEqual(made.status, 201, made)
        path = made.headers["Location"]
        tag = self.agree(made, path)
        for change in ({"money": "2.5"}, {"document": None}, {"span": "PT0.000001S"}, {"integers": {"empty": True}}):
            answer = self.api.patch(path, change, headers={"If-Match": tag})
            self.assertEqual(answer.status, 200, answer)
            tag = self.agree(answer, path)
        self.agree(self.api.put(path, row, headers={"If-Match": tag}), path)

    def test_rows_that_fill_themselves_in(self):
        made = self.api.post("/api/stamped", {})
        path = made.headers["Location"]
        tag = self.agree(made, path)
        answer = self.api.patch(path, {"note": "x"}, headers={"If-Match": tag})
        self.assertNotEqual(self.agree(answer, path), tag)

    def test_keys_of_several_fields(self):
        self.sql("INSERT INTO hall (name) VALUES ('h')")
        row = {"hall": 1, "line": "a,b/c", "number": 1, "code": "x"}
        made = self.api.post("/api/seat", row)
        self.assertEqual(made.status, 201, made)
        tag = self.agree(made, made.headers["Location"])
        self.assertEqual(self.api.delete(made.headers["Location"], headers={"If-Match": '"x"'}).status, 412)
        self.assertEqual(self.api.delete(made.headers["Location"], headers={"If-Match": tag}).status, 200)


if __name__ == "__main__":
    unittest.main()
