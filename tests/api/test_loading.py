"""bulk_create by file: rows as CSV and NDJSON, as they come, all or none; errors by line and field; clients that
are slow or leave; memory that does not grow with the rows."""

import contextlib
import hashlib
import json
import os
import re
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import harness
from harness import ApiTest, Server, raw_connection

SEED = """
INSERT INTO author (handle) SELECT 'user' || n FROM generate_series(1, 50) n;
INSERT INTO article (title) SELECT 'Article ' || n FROM generate_series(1, 50) n;
INSERT INTO tag (slug) VALUES ('one'), ('two');
"""

CSV = {"Content-Type": "text/csv"}
NDJSON = {"Content-Type": "application/x-ndjson"}


def ndjson(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


class LoadTest(ApiTest):
    models = ("loading",)
    seed = SEED

    def csv(self, text, path="/api/vote/bulk_create", **params):
        body = text if isinstance(text, bytes) else text.encode("utf-8")
        return self.api.request("POST", path, body, CSV, params)

    def ndjson(self, rows, path="/api/vote/bulk_create", **params):
        text = rows if isinstance(rows, str) else ndjson(rows)
        return self.api.request("POST", path, text.encode("utf-8"), NDJSON, params)

    def votes(self):
        return self.server.sql("SELECT article_id, author_id, vote FROM vote ORDER BY 1, 2")

    def loaded(self, response, n):
        self.assertEqual(response.status, 201, response)
        self.assertEqual(response.json, {"created": n})

    def check_lines(self, response, expected):
        """The (line, field, code) of every violation."""
        problem = self.assert_problem(response, 422, "ValidationError")
        self.assertEqual([(line["line"], line["field"], line["code"]) for line in problem["lines"]], expected)
        self.assertEqual(problem["line"], expected[0][0])
        self.assertEqual(problem["pointer"], problem["lines"][0]["pointer"])
        return problem


class Rows(LoadTest):
    def test_votes_as_csv(self):
        self.loaded(self.csv("article_id,author_id,vote\n1,1,1\n1,2,-1\n2,1,1\n"), 3)
        self.assertEqual(self.votes(), [(1, 1, 1), (1, 2, -1), (2, 1, 1)])

    def test_votes_as_ndjson(self):
        self.loaded(self.ndjson([{"article": 1, "author_id": 1, "vote": 1}, {"article_id": 1, "author": 2, "vote": -1}]), 2)
        self.assertEqual(self.votes(), [(1, 1, 1), (1, 2, -1)])

    def test_a_plain_post_to_the_collection_does_the_same(self):
        self.loaded(self.csv("article,author,vote\r\n1,1,1\r\n", "/api/vote"), 1)
        self.loaded(self.ndjson([{"article": 2, "author": 1, "vote": 1}], "/api/vote/"), 1)
        self.assertEqual(len(self.votes()), 2)

    def test_no_rows_are_none_created(self):
        self.loaded(self.csv("article,author,vote\n"), 0)
        self.loaded(self.ndjson("\n\n"), 0)

    def test_names_quotes_lines_and_the_byte_order_mark(self):
        self.loaded(self.csv("\ufeff\"handle\"\r\n\"Smith, \"\"J\"\"\"\r\n\"two\nlines\"\r\n\"tab\tand \\ back\"\r\n\\N\r\n",
                             "/api/author"), 4)
        self.assertEqual(self.server.sql("SELECT handle FROM author WHERE id > 50 ORDER BY id"),
                         [('Smith, "J"',), ("two\nlines",), ("tab\tand \\ back",), ("\\N",)])

    def test_the_delimiter_may_be_another(self):
        self.loaded(self.csv("article;author;vote\n1;1;1\n", delimiter=";"), 1)
        self.loaded(self.csv("article\tauthor\tvote\n1\t2\t1\n", delimiter="tab"), 1)
        self.loaded(self.csv("article,author,vote\n1,3,1\n", delimiter=","), 1)
        self.assertEqual(len(self.votes()), 3)

    def test_defaults_moments_and_the_databases_own_values(self):
        self.loaded(self.csv("name\na\nb\n", "/api/item"), 2)
        rows = self.server.sql("SELECT name, note, is_new, stock, made_on = now()::date, saved_at > now() - interval '1 min',"
                               " key::text, email FROM item ORDER BY name")
        self.assertEqual([row[:6] for row in rows],
                         [("a", "none", True, 7, True, True), ("b", "none", True, 7, True, True)])
        self.assertNotEqual(rows[0][6], rows[1][6])
        self.assertRegex(rows[0][6], "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")

    def test_values_of_every_kind_are_the_same_as_created_one_by_one(self):
        given = {"name": "x\\y", "note": "", "price": "12.50", "is_new": False, "day": "2026-02-03", "at": "10:20:30.5",
                 "email": "a@example.org", "data": {"F": "x", "list": [1, None, "ü\n"]}, "sizes": [1, 2, 3], "code": "AB-7",
                 "stock": 3}
        wrapped = dict(given, data={"Value": given["data"]})
        cells = ["x\\y", '""', "12.50", "f", "2026-02-03", "10:20:30.5", "a@example.org",
                 '"%s"' % json.dumps(given["data"]).replace('"', '""'), '"[1,2,3]"', "AB-7", "3"]
        self.loaded(self.csv(",".join(given) + "\n" + ",".join(cells) + "\n", "/api/item"), 1)
        self.loaded(self.ndjson([wrapped], "/api/item"), 1)
        self.assertEqual(self.api.post("/api/item", wrapped).status, 201)
        columns = ", ".join(given)
        self.assertEqual(len(self.server.sql("SELECT DISTINCT %s FROM item" % columns)), 1)
        self.assertEqual(len(self.server.sql("SELECT key FROM item")), 3)
        (data, sizes), = self.server.sql("SELECT DISTINCT data, sizes FROM item")
        self.assertEqual((data, sizes), (given["data"], given["sizes"]))

    def test_an_empty_field_is_null_and_an_empty_text_is_in_quotes(self):
        self.loaded(self.csv('name,note,price\na,"",\n', "/api/item"), 1)
        self.assertEqual(self.server.sql("SELECT note, price FROM item"), [("", None)])
        self.check_lines(self.csv("name,note\na,\n", "/api/item"), [(2, "note", "null")])

    def test_booleans_as_postgresql_and_people_write_them(self):
        self.loaded(self.csv("name,is_new\na,t\nb,FALSE\nc,1\nd,True\n", "/api/item"), 4)
        self.assertEqual(self.server.sql("SELECT is_new FROM item ORDER BY name"), [(True,), (False,), (True,), (True,)])

    def test_keys_may_be_given_or_left_to_the_database(self):
        self.loaded(self.csv("id,handle\n1000,a\n,b\n1001,c\n", "/api/author"), 3)
        rows = dict(self.server.sql("SELECT handle, id FROM author WHERE handle IN ('a', 'b', 'c')"))
        self.assertEqual((rows["a"], rows["c"]), (1000, 1001))
        self.assertEqual(rows["b"], 51)
        self.loaded(self.csv("pk,handle\n2000,d\n", "/api/author"), 1)

    def test_a_row_may_refer_to_a_later_row_of_its_own_table(self):
        self.loaded(self.csv("id,slug,parent\n11,a,12\n12,b,\n", "/api/tag"), 2)
        self.assert_problem(self.csv("id,slug,parent\n13,c,99\n", "/api/tag"), 409, "IntegrityError", fields=["parent"])

    def test_many_rows_of_both_forms(self):
        rows = [(1 + i % 50, 1 + i // 50) for i in range(2500)]
        text = "article_id,author_id,vote\n" + "".join("%d,%d,1\n" % row for row in rows)
        self.loaded(self.csv(text), 2500)
        self.server.sql("TRUNCATE vote")
        self.loaded(self.ndjson([{"article": a, "author": b, "vote": 1} for a, b in rows]), 2500)
        self.assertEqual(len(self.votes()), 2500)

    def test_lines_that_give_different_fields(self):
        rows = []
        for n in range(400):
            row = {"name": "item%d" % n}
            if n % 2:
                row["stock"] = n
            if n % 3:
                row["key"] = "00000000-0000-4000-8000-%012d" % n
            rows.append(row)
        self.loaded(self.ndjson(rows, "/api/item"), 400)
        self.assertEqual(self.server.sql("SELECT name, stock FROM item ORDER BY substr(name, 5)::int"),
                         [("item%d" % n, n if n % 2 else 7) for n in range(400)])

    def test_a_load_costs_a_bounded_number_of_statements(self):
        text = "handle\n" + "".join("name%d\n" % n for n in range(40000))
        response = self.csv(text, "/api/author")
        self.loaded(response, 40000)
        self.assertLessEqual(response.statements, 8)


class Relations(LoadTest):
    def test_the_owner_of_a_related_manager_is_filled_in(self):
        self.loaded(self.csv("author,vote\n1,1\n2,1\n", "/api/article/7/vote_set/bulk_create"), 2)
        self.loaded(self.ndjson([{"author": 3, "vote": 1}], "/api/article/7/vote_set"), 1)
        self.assertEqual([row[:2] for row in self.votes()], [(7, 1), (7, 2), (7, 3)])
        self.assert_problem(self.csv("author,vote\n1,1\n", "/api/article/999/vote_set"), 404, "DoesNotExist")

    def test_rows_of_a_many_to_many_manager_are_tied_to_the_owner(self):
        self.loaded(self.csv("slug\nthree\nfour\n", "/api/article/7/tags"), 2)
        self.assertEqual(self.server.sql("SELECT article_id, slug FROM article_tags JOIN tag ON tag.id = tag_id ORDER BY 2"),
                         [(7, "four"), (7, "three")])

    def test_a_lookup_in_place_of_a_key(self):
        rows = [{"article": 1, "author": 1 + n, "vote": 1} for n in range(20)]
        rows += [{"article": 2, "author": {"handle": "user%d" % (1 + n)}, "vote": 1} for n in range(20)]
        rows += [{"article": 3, "author": 1 + n, "vote": 1} for n in range(20)]
        self.loaded(self.ndjson(rows), 60)
        self.assertEqual([row[:2] for row in self.votes()], [(1 + n // 20, 1 + n % 20) for n in range(60)])

    def test_a_lookup_that_finds_nothing_names_its_line(self):
        rows = [{"article": 1, "author": 1, "vote": 1}, {"article": 2, "author": {"handle": "nobody"}, "vote": 1}]
        self.assert_problem(self.ndjson(rows), 404, "DoesNotExist", line=2, pointer="/1/author")
        self.assertEqual(self.votes(), [])

    def test_nested_rows_are_written_along(self):
        rows = [{"title": "plain"}, {"title": "with votes", "vote_set": [{"author": 1, "vote": 1}, {"author": 2, "vote": -1}]},
                {"title": "with tags", "tags": [{"slug": "one"}]}]
        self.loaded(self.ndjson(rows, "/api/article"), 3)
        self.assertEqual(self.server.sql("SELECT title, author_id, vote FROM vote JOIN article ON article.id = article_id"
                                         " ORDER BY 2"), [("with votes", 1, 1), ("with votes", 2, -1)])
        rows[1]["vote_set"].append({"author": 99, "vote": 1})
        self.assert_problem(self.ndjson(rows, "/api/article"), 409, "IntegrityError")
        self.assertEqual(self.server.sql("SELECT count(*) FROM article"), [(53,)])

    def test_rows_with_an_order_among_their_siblings(self):
        self.loaded(self.csv("article,text\n1,a\n2,b\n1,c\n", "/api/answer"), 3)
        self.loaded(self.csv("article,text\n1,d\n", "/api/answer"), 1)
        self.assertEqual(self.server.sql("SELECT text, _order FROM answer ORDER BY text"),
                         [("a", 0), ("b", 0), ("c", 1), ("d", 2)])


class Conflicts(LoadTest):
    def test_rows_that_are_there_are_passed_over(self):
        self.loaded(self.csv("article,author,vote\n1,1,1\n1,2,1\n"), 2)
        self.loaded(self.csv("article,author,vote\n1,2,-1\n1,3,-1\n", ignore_conflicts="true"), 1)
        self.assertEqual(self.votes(), [(1, 1, 1), (1, 2, 1), (1, 3, -1)])

    def test_rows_that_are_there_are_changed(self):
        self.loaded(self.csv("article,author,vote\n1,1,1\n1,2,1\n"), 2)
        response = self.ndjson([{"article": 1, "author": 2, "vote": -1}, {"article": 1, "author": 3, "vote": -1}],
                               update_conflicts="true", unique_fields="article,author", update_fields="vote")
        self.loaded(response, 2)
        self.assertEqual(self.votes(), [(1, 1, 1), (1, 2, -1), (1, 3, -1)])

    def test_many_batches_with_a_conflict_rule(self):
        text = "handle\n" + "".join("user%d\n" % (n % 9000) for n in range(12000))
        self.loaded(self.csv(text, "/api/author", ignore_conflicts="true"), 8950)

    def test_a_rule_that_cannot_be_is_told(self):
        self.assert_problem(self.csv("article,author,vote\n1,1,1\n", update_conflicts="true"), 400, "ValueError")
        self.assert_problem(self.csv("article,author,vote\n1,1,1\n", ignore_conflicts="maybe"), 400, "ValueError",
                           pointer="?ignore_conflicts")


class Errors(LoadTest):
    def tearDown(self):
        self.assertEqual(self.votes(), [], "something was kept")
        self.assertEqual(self.server.sql("SELECT count(*) FROM item"), [(0,)])

    def test_every_value_that_is_not_valid_is_told_with_line_and_field(self):
        problem = self.check_lines(self.csv("article_id,author_id,vote\n1,1,1\nx,1,7\n1,2,1\n1,,\n"), [
            (3, "article", "invalid"), (3, "vote", "invalid_choice"), (5, "author", "null"), (5, "vote", "null")])
        self.assertEqual([line["pointer"] for line in problem["lines"]],
                         ["/1/article_id", "/1/vote", "/3/author_id", "/3/vote"])
        self.assertIn("4 values are not valid", problem["detail"])

    def test_the_same_of_ndjson(self):
        rows = '{"article": 1, "author": 1, "vote": 1}\n\n{"article": "x", "vote": 7}\n'
        problem = self.check_lines(self.ndjson(rows), [
            (3, "article", "invalid"), (3, "vote", "invalid_choice"), (3, "author", "null")])
        self.assertEqual([line["pointer"] for line in problem["lines"]], ["/1/article", "/1/vote", "/1/author"])

    def test_what_validators_say_is_what_create_says(self):
        bad = {"name": "x" * 21, "price": "1234567.123", "email": "no", "code": "zz", "day": "2026-02-30", "stock": -1}
        one = self.assert_problem(self.api.post("/api/item", bad), 422, "ValidationError")["errors"]
        many = self.check_lines(self.csv(",".join(bad) + "\n" + ",".join(map(str, bad.values())) + "\n", "/api/item"), [
            (2, name, error["code"]) for name in bad for error in one[name]])["lines"]
        self.assertEqual([line["message"] for line in many],
                         [error["message"] for name in bad for error in one[name]])

    def test_the_first_hundred_are_told(self):
        text = "article,author,vote\n" + "1,1,9\n" * 30000
        problem = self.assert_problem(self.csv(text), 422, "ValidationError", line=2)
        self.assertEqual([line["line"] for line in problem["lines"]], list(range(2, 102)))

    def test_an_error_far_behind_takes_back_what_was_sent(self):
        text = "article_id,author_id,vote\n" + "".join("%d,%d,1\n" % (1 + n % 50, 1 + n // 50) for n in range(2500))
        self.check_lines(self.csv(text + "1,1,0\n"), [(2502, "vote", "invalid_choice")])
        names = "handle\n" + "".join("n%d\n" % n for n in range(25000))
        self.check_lines(self.csv(names + "\"" + "x" * 65 + "\"\n", "/api/author"), [(25002, "handle", "max_length")])
        self.assertEqual(self.server.sql("SELECT count(*) FROM author"), [(50,)])

    def test_lines_are_counted_within_quotes_too(self):
        text = "name,note\na,\"x\ny\nz\"\n" + "b" * 21 + ",\"\"\n"
        self.check_lines(self.csv(text, "/api/item"), [(5, "name", "max_length")])

    def test_a_row_of_another_width(self):
        problem = self.check_lines(self.csv("article,author,vote\n1,1\n1,1,1,1\n"), [
            (2, "__all__", "invalid"), (3, "__all__", "invalid")])
        self.assertEqual(problem["lines"][0]["message"], "The row has 2 fields where the header has 3.")

    def test_json_within_csv(self):
        self.check_lines(self.csv('name,data,sizes\na,{,"[1]"\nb,1,"[""x""]"\n', "/api/item"),
                         [(2, "data", "invalid"), (3, "sizes", "item_invalid")])

    def test_a_key_of_no_row(self):
        for place in (0, 1, 1700, 2499):
            rows = [(1 + n % 50, 1 + n // 50) for n in range(2500)]
            rows[place] = (rows[place][0], 777)
            text = "article_id,author_id,vote\n" + "".join("%d,%d,1\n" % row for row in rows)
            problem = self.assert_problem(self.csv(text), 409, "IntegrityError", line=2 + place, fields=["author"],
                                          pointer="/%d/author" % place, detail="Author instance with this id does not exist.")
            self.assertEqual([(line["line"], line["field"]) for line in problem["lines"]], [(2 + place, "author")])

    def test_a_key_of_no_row_in_a_later_batch(self):
        text = "slug,parent\n" + "".join("s%d,\n" % n for n in range(12000))
        self.assert_problem(self.csv(text + "last,999999\n", "/api/tag"), 409, "IntegrityError", fields=["parent"])
        self.assertEqual(self.server.sql("SELECT count(*) FROM tag"), [(2,)])
        rows = [{"article": 1 + n % 50, "text": "t"} for n in range(30)]
        self.assert_problem(self.ndjson(rows + [{"article": 99, "text": "t"}], "/api/answer"), 409, "IntegrityError",
                           fields=["article"], detail="lines 1 to 31")

    def test_a_row_that_is_there_already(self):
        for place in (1, 2400):
            rows = [(1 + n % 50, 1 + n // 50) for n in range(2500)]
            rows[place] = rows[0]
            text = "article_id,author_id,vote\n" + "".join("%d,%d,1\n" % row for row in rows)
            self.assert_problem(self.csv(text), 409, "IntegrityError", line=2 + place, constraint="one_vote_each",
                               pointer="/%d" % place, fields=["author", "article"])

    def test_a_row_that_is_there_already_in_a_later_batch(self):
        names = ["name%d" % n for n in range(25000)]
        names[24000] = "user7"
        self.assert_problem(self.csv("handle\n" + "\n".join(names), "/api/author"), 409, "IntegrityError", line=24002,
                            pointer="/24000/handle", fields=["handle"])
        self.assertEqual(self.server.sql("SELECT count(*) FROM author"), [(50,)])

    def test_a_check_of_the_database(self):
        self.assert_problem(self.csv("name,price\na,1\nb,-1\n", "/api/item"), 409, "IntegrityError", line=3,
                           constraint="price_not_negative")

    def test_a_header_that_names_no_field(self):
        self.assert_problem(self.csv("article,autor,vote\n1,1,1\n"), 400, "FieldError", line=1, suggestion="author",
                           detail="Vote has no field named 'autor'.")
        self.assert_problem(self.csv("article,article_id,vote\n1,1,1\n"), 400, "FieldError", line=1, detail="given twice")
        self.assert_problem(self.csv("article,,vote\n1,1,1\n"), 400, "FieldError", line=1)
        self.assert_problem(self.csv("title,vote_set\na,1\n", "/api/article"), 400, "TypeError", line=1)
        self.assert_problem(self.csv("\n\n"), 400, "BadRequest", detail="header line")

    def test_a_name_that_is_no_field_in_ndjson(self):
        rows = [{"article": 1, "author": 1, "vote": 1}, {"article": 1, "autor": 2, "vote": 1}]
        self.assert_problem(self.ndjson(rows), 400, "FieldError", line=2, pointer="/1/autor", suggestion="author")

    def test_what_is_no_csv(self):
        self.assert_problem(self.csv('article,author,vote\n1,1,1\n1,"2,1\n'), 400, "BadRequest", line=4,
                           detail="the text ends inside quotes")
        self.assert_problem(self.csv('article,author,vote\n1,a"b,1\n'), 400, "BadRequest", line=2, detail="quote")
        self.assert_problem(self.csv(b"handle\n\xff\n", "/api/author"), 400, "BadRequest", detail="UTF-8")
        self.assert_problem(self.csv(b"handle\na\0b\n", "/api/author"), 400, "BadRequest", detail="NUL")

    def test_what_is_no_ndjson(self):
        good = '{"article": 1, "author": 1, "vote": 1}\n'
        self.assert_problem(self.ndjson(good + '{"article": 1,\n'), 400, "BadRequest", line=2, detail="Line 2, column")
        self.assert_problem(self.ndjson(good + "[1]\n"), 400, "ValueError", line=2, pointer="/1")
        self.assert_problem(self.ndjson(good + '{"vote": 1, "vote": 2}\n'), 400, "BadRequest", line=2)
        self.assert_problem(self.ndjson(good + "x" * 1100000), 400, "BadRequest", line=2, detail="longer than")

    def test_violations_come_before_what_ends_the_load(self):
        self.check_lines(self.csv('article,author,vote\n1,1,9\n1,"2\n'), [(2, "vote", "invalid_choice")])

    def test_media_types(self):
        for media, detail in (("text/plain", "application/json"), ("text/csv; charset=latin1", "UTF-8"),
                              ("text/csv; header=absent", "header")):
            response = self.api.request("POST", "/api/vote", b"article,author,vote\n1,1,1\n", {"Content-Type": media})
            self.assert_problem(response, 415, "UnsupportedMediaType", detail=detail)
        for path in ("/api/vote/count", "/api/vote/create", "/api/vote/update", "/api/vote/delete", "/api/article/1/tags/clear",
                     "/api/article/1/tags/add"):
            response = self.csv("article,author,vote\n1,1,1\n", path)
            self.assert_problem(response, 415, "UnsupportedMediaType", detail="bulk_create")

    def test_addresses_and_parameters(self):
        self.assert_problem(self.csv("a\n", "/api/voet"), 404, "NotFound", suggestion="vote")
        self.assert_problem(self.csv("a\n", "/api/vote/bulk_craete"), 404, "NotFound", suggestion="bulk_create")
        self.assert_problem(self.csv("a\n", "/api/vote/1"), 405, "MethodNotAllowed")
        self.assert_problem(self.csv("a\n", delimitr=";"), 400, "BadRequest", pointer="?delimitr", suggestion="delimiter")
        for name in ("order_by", "limit", "exclude"):
            problem = self.assert_problem(self.csv("a\n", **{name: "{}", "delimiter": "tab"}), 400, "BadRequest", pointer="?" + name)
            self.assertIn("no parameter '%s'" % name, problem["detail"])
            self.assertNotEqual(problem.get("suggestion"), name)
        self.assert_problem(self.csv("a\n", delimiter=";;"), 400, "ValueError", pointer="?delimiter")
        self.assert_problem(self.csv("a\n", delimiter='"'), 400, "ValueError", pointer="?delimiter")
        self.assert_problem(self.ndjson("{}", delimiter=";"), 400, "BadRequest", pointer="?delimiter")

    def test_a_mistake_early_in_a_long_body_is_answered_and_the_connection_goes_on(self):
        text = b"article,autor,vote\n" + b"1,1,1\n" * 2000000
        port = None
        for _ in range(3):
            self.assert_problem(self.csv(text), 400, "FieldError", line=1)
            port = port or self.api.local_port
            self.assertEqual(self.api.local_port, port)
        self.assertEqual(self.api.get("/api/vote/count").json, {"count": 0})


class Streams(LoadTest):
    """The body as it comes over the wire."""

    def send(self, pieces, pause=0, path="/api/vote/bulk_create"):
        return chunked(self.server.port, pieces, pause, path)

    def test_byte_by_byte(self):
        text = b'article_id,author_id,vote\r\n1,1,"1"\r\n1,2,-1\r\n'
        answer = self.send([text[i:i + 1] for i in range(len(text))])
        self.assertTrue(answer.startswith(b"HTTP/1.1 201"), answer)
        self.assertEqual(self.votes(), [(1, 1, 1), (1, 2, -1)])

    def test_pieces_of_every_size_while_postgresql_holds_up_the_sender(self):
        lock = harness_connection(self.server)
        lines = ["%d,name %d %s\n" % (1000 + n, n, "x" * (n % 50)) for n in range(30000)]
        text = ("id,handle\n" + "".join(lines)).encode()
        pieces, at = [], 0
        for n in range(100000):
            size = (n * 7919) % 9973 + 1
            pieces.append(text[at:at + size])
            at += size
            if at >= len(text):
                break
        with contextlib.closing(lock), lock.cursor() as cursor:
            cursor.execute("LOCK TABLE author IN ACCESS EXCLUSIVE MODE")
            threading.Timer(0.5, lock.rollback).start()
            answer = self.send(pieces, path="/api/author")
        self.assertIn(b'{"created":30000}', answer)
        self.assertEqual(self.server.sql("SELECT md5(string_agg(id || ',' || handle || E'\\n', '' ORDER BY id)) FROM author"
                                         " WHERE id >= 1000"),
                         [(hashlib.md5("".join(lines).encode()).hexdigest(),)])

    def test_a_slow_client_is_waited_for_and_others_are_served_meanwhile(self):
        pieces = [b"article_id,author_id,vote\n"] + [b"%d,1,1\n" % n for n in range(1, 21)]
        answers = []
        slow = threading.Thread(target=lambda: answers.append(self.send(pieces, 0.05)))
        slow.start()
        asked = 0
        while slow.is_alive():
            self.assertEqual(self.api.get("/api/author/count").json, {"count": 50})
            asked += 1
        slow.join()
        self.assertGreater(asked, 50)
        self.assertTrue(answers[0].startswith(b"HTTP/1.1 201"), answers)

    def test_a_client_that_waits_for_100_continue_gets_it(self):
        with raw_connection(self.server.port) as sock:
            head = ("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Length: 10\r\n"
                    "Expect: 100-continue\r\n\r\n")
            sock.sendall((head % "/api/author").encode())
            self.assertTrue(sock.recv(1000).startswith(b"HTTP/1.1 100"))
            sock.sendall(b"handle\nzz\n")
            self.assertIn(b"201", sock.recv(1000))
            # What would be refused anyhow is refused before it is sent.
            sock.sendall((head % "/api/nothing").encode())
            self.assertTrue(sock.recv(1000).startswith(b"HTTP/1.1 404"))

    def start(self, length, text):
        sock = socket.create_connection(("127.0.0.1", self.server.port), 30)
        sock.sendall(b"POST /api/author/bulk_create HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
                     b"Content-Length: %d\r\n\r\n" % length)
        sock.sendall(text)
        return sock

    def wait_until_idle(self):
        """No transaction is open any more; then the rows that were kept."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            (n,), = self.server.sql("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%' OR query LIKE 'COPY%'"
                                    " AND state = 'active'")
            if n == 0:
                break
            time.sleep(0.02)
        self.assertEqual(n, 0)
        return self.server.sql("SELECT count(*) FROM author")[0][0]

    def test_a_client_that_hangs_up_in_the_middle_leaves_nothing(self):
        text = b"handle\n" + b"".join(b"name%d\n" % n for n in range(60000))
        for part in (3, 200, 70000, 300000, len(text)):
            with contextlib.closing(self.start(len(text) + 100, text[:part])):
                time.sleep(0.1)
            self.assertEqual(self.wait_until_idle(), 50)

    def test_a_client_that_is_reset_while_postgresql_waits(self):
        """The rows stand behind a lock, so the upload is held up all the way back to the sender."""
        lock = harness_connection(self.server)
        with contextlib.closing(lock), lock.cursor() as cursor:
            cursor.execute("LOCK TABLE author IN ACCESS EXCLUSIVE MODE")
            text = b"handle\n" + b"".join(b"name%d\n" % n for n in range(600000))
            sock = self.start(len(text) * 2, b"")
            sock.setblocking(False)
            sent = 0
            with contextlib.suppress(BlockingIOError):
                for _ in range(200):
                    sent += sock.send(text[sent:sent + 65536])
                    time.sleep(0.01)
            self.assertLess(sent, len(text), "nobody held the sender up")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.close()
            time.sleep(0.2)
            lock.rollback()
        self.assertEqual(self.wait_until_idle(), 50)

    def test_a_backend_that_is_killed_in_the_middle_leaves_nothing(self):
        text = b"handle\n" + b"".join(b"name%d\n" % n for n in range(60000))
        with contextlib.closing(self.start(len(text), text[:500000])) as sock:
            end = time.monotonic() + 10
            killed = []
            while not killed and time.monotonic() < end:
                killed = self.server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
                                         " application_name = 'quern' AND query LIKE 'COPY%'")
            self.assertTrue(killed)
            time.sleep(0.1)
            sock.sendall(text[500000:])
            answer = sock.recv(65536)
        self.assertTrue(answer.startswith(b"HTTP/1.1 503"), answer)
        self.assertIn(b"Retry-After", answer)
        self.assertEqual(self.wait_until_idle(), 50)
        self.loaded(self.csv("handle\nagain\n", "/api/author"), 1)

    def test_loads_of_several_clients_at_once(self):
        def load(number, answers):
            text = "handle\n" + "".join("c%d_%d\n" % (number, n) for n in range(15000))
            api = self.server.client()
            answers.append(api.request("POST", "/api/author", text.encode(), CSV).status)
            api.close()

        answers = []
        threads = [threading.Thread(target=load, args=(number, answers)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [201] * 6)
        self.assertEqual(self.server.sql("SELECT count(*) FROM author"), [(50 + 90000,)])


def harness_connection(server):
    import psycopg2

    return psycopg2.connect(**server.database)


class Memory(LoadTest):
    def resident(self, what):
        with open("/proc/%d/status" % self.server.process.pid) as status:
            return next(int(line.split()[1]) for line in status if line.startswith(what + ":"))

    def check_growth(self, before, most):
        """In KiB."""
        if not harness.is_sanitized():
            self.assertLess(self.resident("VmHWM"), before + most)

    def test_the_servers_memory_does_not_grow_with_the_rows(self):
        self.server.sql("INSERT INTO article (title) SELECT 'more' FROM generate_series(51, 4000)")
        rows = ["%d,%d,%d" % (1 + n // 50, 1 + n % 50, 1 - 2 * (n % 2)) for n in range(200000)]
        self.loaded(self.csv("article_id,author_id,vote\n" + "\n".join(rows[:30000])), 30000)
        before = self.resident("VmHWM")
        self.loaded(self.csv("article_id,author_id,vote\n" + "\n".join(rows[30000:])), 170000)
        self.check_growth(before, 4096)

    def test_nor_where_copy_cannot_be_used(self):
        names = ["new%d" % n for n in range(60000)]
        self.loaded(self.csv("handle\n" + "\n".join(names[:15000]), "/api/author", ignore_conflicts="true"), 15000)
        before = self.resident("VmHWM")
        self.loaded(self.csv("handle\n" + "\n".join(names[15000:]), "/api/author", ignore_conflicts="true"), 45000)
        self.check_growth(before, 8192)


class Limits(unittest.TestCase):
    """On a server of their own: settings, and clients that are too slow."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server("loading", environment={"QUERN_LOAD_BYTES": "200000", "QUERN_BODY_TIMEOUT": "1500",
                                                    "QUERN_DRAIN_TIMEOUT": "300", "QUERN_ALLOWS_UNVALIDATED": "true"})

    @classmethod
    def tearDownClass(cls):
        """It ends by itself in the middle of a load, too."""
        with raw_connection(cls.server.port) as sock:
            sock.sendall(b"POST /api/author HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
                         b"Content-Length: 100000\r\n\r\nhandle\n" + b"".join(b"n%d\n" % n for n in range(11000)))
            time.sleep(0.2)
            cls.server.stop()

    def setUp(self):
        self.server.sql("TRUNCATE author CASCADE")
        self.api = self.server.client()
        self.addCleanup(self.api.close)

    def count(self):
        return self.server.sql("SELECT count(*) FROM author")[0][0]

    def test_a_body_is_bounded_where_the_settings_say_so(self):
        text = b"handle\n" + b"".join(b"name%d\n" % n for n in range(30000))
        with contextlib.suppress(ConnectionError):
            response = self.api.request("POST", "/api/author", text, CSV)
            self.assertEqual(response.status, 413, response)
        response = chunked(self.server.port, [text[:100000], text[100000:]])
        self.assertTrue(response.startswith(b"HTTP/1.1 413"), response)
        self.assertEqual(self.count(), 0)

    def test_values_may_be_left_unjudged_where_the_settings_allow_it(self):
        bad = b"name,code\na,zz\n"
        self.assertEqual(self.api.request("POST", "/api/item", bad, CSV).status, 422)
        self.assertEqual(self.api.request("POST", "/api/item?validate=false", bad, CSV).status, 201)
        self.assertEqual(self.server.sql("SELECT code FROM item"), [("zz",)])

    def test_a_client_that_sends_nothing_for_too_long_is_cut_off(self):
        with raw_connection(self.server.port) as sock:
            sock.sendall(b"POST /api/author HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
                         b"Content-Length: 1000\r\n\r\nhandle\nfirst\n")
            began = time.monotonic()
            self.assertEqual(sock.recv(1000), b"")
            self.assertLess(time.monotonic() - began, 8)
        self.assertEqual(self.count(), 0)

    def test_a_byte_now_and_then_does_not_keep_a_connection(self):
        with raw_connection(self.server.port) as sock:
            sock.sendall(b"POST /api/author HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
                         b"Content-Length: 1000\r\n\r\nhandle\n")
            began = time.monotonic()
            with self.assertRaises(ConnectionError):
                for _ in range(100):
                    time.sleep(0.1)
                    sock.sendall(b"x")
            self.assertLess(time.monotonic() - began, 8)

    def test_a_steady_client_may_take_longer_than_the_timeout(self):
        pieces = [b"handle\n"] + [b"name%d_%s\n" % (n, b"x" * 40) for n in range(100)]
        answer = chunked(self.server.port, pieces, 0.03)
        self.assertTrue(answer.startswith(b"HTTP/1.1 201"), answer)
        self.assertEqual(self.count(), 100)


def chunked(port, pieces, pause=0, path="/api/author"):
    with raw_connection(port, 60) as sock:
        sock.sendall(("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
                      "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" % path).encode())
        for piece in pieces:
            time.sleep(pause)
            sock.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        sock.sendall(b"0\r\n\r\n")
        answer = b""
        while True:
            got = sock.recv(65536)
            if not got:
                return answer
            answer += got


class Guide(unittest.TestCase):
    """api-docs/writing/loading.md: its commands, in its order, print what it shows."""

    maxDiff = None

    def test_every_example_prints_what_the_guide_shows(self):
        with open(os.path.join(harness.ROOT, "api-docs", "writing", "loading.md"), encoding="utf-8") as file:
            blocks = re.findall(r"(?<=^```console\n)(.*?)(?=^```$)", file.read(), re.MULTILINE | re.DOTALL)
        self.assertGreater(len(blocks), 3)
        server = Server("news")
        self.addCleanup(server.stop)
        server.sql("INSERT INTO author (handle) VALUES ('jane_doe'), ('john')")
        server.sql("INSERT INTO article (title, body, published) SELECT 'Article ' || n, 'text', true FROM generate_series(1, 5) n")
        here = "http://127.0.0.1:%d" % server.port
        with tempfile.TemporaryDirectory() as folder:
            for block in blocks:
                for command, shown in re.findall(r"^\$ (.*?)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
                    done = subprocess.run(["bash", "-c", command.replace("http://127.0.0.1:8080", here)], cwd=folder,
                                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
                    got = re.sub(r'"instance":"[^"]*"', '"instance":"…"', done.stdout.decode()).rstrip("\n")
                    with self.subTest(command=command):
                        self.assertEqual(got, shown.rstrip("\n"))


if __name__ == "__main__":
    unittest.main()
