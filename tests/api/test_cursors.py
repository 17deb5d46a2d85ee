"""Pages by cursor (after, before): walked to the end in either direction they are the whole list, for any ordering."""

import base64
import unittest

import seeds
from harness import ApiTest, Server, model_file, run_program
from reading import ReadingTest

COUNT = {"n": {"Count": "review"}}

# model, query, and the total order in which its whole list is asked for (None: the order_by and then the key).
ORDERINGS = [
    ("book", {}, ["pk"]),
    ("book", {"reverse": True, "order_by": ["title"]}, ["title", "pk"]),
    ("book", {"order_by": ["title"]}, None),
    ("book", {"order_by": ["-title"]}, None),
    ("book", {"order_by": ["title", "-pages"]}, None),
    ("book", {"order_by": ["-in_print", "title", "-id"]}, None),
    ("book", {"order_by": ["price"]}, None),
    ("book", {"order_by": ["-price"]}, None),
    ("book", {"order_by": [{"expr": "price", "nulls": "first"}]}, None),
    ("book", {"order_by": [{"expr": "price", "desc": True, "nulls": "last"}]}, None),
    ("book", {"order_by": [{"expr": "rating", "nulls": "first"}, "-published", "title"]}, None),
    ("book", {"order_by": ["in_print", {"expr": "rating", "desc": True, "nulls": "last"}]}, None),
    ("book", {"order_by": ["released"]}, None),
    ("book", {"order_by": ["-released"], "timezone": "Asia/Kolkata"}, None),
    ("book", {"order_by": ["author__name"]}, None),
    ("book", {"order_by": ["-author__name", "pages"]}, None),
    ("book", {"order_by": ["publisher__name"]}, None),
    ("book", {"order_by": ["publisher"]}, None),
    ("book", {"order_by": ["-publisher", "title"]}, None),
    ("book", {"order_by": ["-editor__country__name", "author__born"]}, None),
    ("book", {"order_by": ["author__profile__karma"]}, None),
    ("book", {"order_by": [{"expr": {"Lower": "title"}, "desc": True}]}, None),
    ("book", {"order_by": [{"expr": {"-": ["price", "cost"]}}]}, None),
    ("book", {"order_by": [{"expr": {"TruncYear": "released"}, "nulls": "first"}, "-rating"]}, None),
    ("book", {"annotate": {"margin": {"-": ["price", "cost"]}}, "order_by": ["-margin"]}, None),
    ("book", {"annotate": {"one": {"Value": 1}}, "order_by": ["one", "-title"]}, None),
    ("book", {"alias": COUNT, "order_by": ["n"]}, None),
    ("book", {"annotate": COUNT, "order_by": ["-n"]}, None),
    ("book", {"annotate": COUNT, "order_by": ["n", "-title"]}, None),
    ("book", {"annotate": COUNT, "filter": {"n__gte": 2}, "order_by": ["-n", "price"]}, None),
    ("book", {"annotate": {"a": {"Avg": "review__stars"}}, "order_by": ["a"]}, None),
    ("book", {"annotate": {"a": {"Avg": "review__stars"}, "w": {"Sum": "chapter__words"}}, "order_by": ["-a", "w"]}, None),
    ("book", [{"filter": {"review__stars__gte": 2}}, {"annotate": COUNT}, {"order_by": ["-n"]}], [{"order_by": ["-n", "-pk"]}]),
    ("book", {"annotate": {"last": {"Subquery": {"model": "Review", "filter": {"book": {"OuterRef": "pk"}},
                                                 "order_by": ["-written_at"], "values": ["stars"], "limit": 1}}},
              "order_by": ["last"]}, None),
    ("book", {"filter": {"review__stars__gte": 2}, "order_by": ["title"]}, ["title", "pk"]),
    ("book", {"filter": {"review__stars__gte": 2}, "distinct": True, "order_by": ["title"]}, None),
    ("book", {"order_by": ["review__stars"]}, ["review__stars", "pk"]),
    ("book", {"values": ["title"], "order_by": ["price"]}, None),
    ("book", {"values_list": ["title", "pages"], "order_by": ["-published"]}, None),
    ("book", {"values_list": ["id"], "flat": True, "order_by": ["-rating"]}, None),
    ("book", {"values": ["in_print", "rating"], "distinct": True, "order_by": ["-in_print"]}, ["-in_print", "-rating"]),
    ("book", {"values_list": ["publisher__country"], "flat": True, "distinct": True}, ["publisher__country"]),
    ("book", {"group_by": ["publisher"], "annotate": {"n": {"Count": "*"}}, "order_by": ["-n"]}, ["-n", "-publisher_id"]),
    ("book", {"group_by": ["publisher__name", "in_print"], "annotate": {"p": {"Avg": "price"}}, "order_by": ["p"]},
     ["p", "publisher__name", "in_print"]),
    ("book", {"group_by": {"year": {"TruncYear": "released"}}, "annotate": {"n": {"Count": "*"}}, "order_by": ["n"]},
     ["n", "year"]),
    ("book", {"group_by": {"year": {"TruncYear": "released"}}, "annotate": {"n": {"Count": "*"}}, "order_by": ["-year"],
              "timezone": "Pacific/Auckland"}, ["-year"]),
    ("book", {"group_by": ["publisher"], "annotate": {"n": {"Count": "*"}}, "filter": {"n__gt": 5}}, ["publisher_id"]),
    ("book", {"distinct": ["publisher_id"], "order_by": ["publisher_id", "-price"]}, None),
    ("book", {"distinct": ["in_print", "rating"], "order_by": ["-in_print", "rating", "title"]}, None),
    ("book", {"annotate": {"r": {"Window": {"expr": {"Rank": []}, "partition_by": ["in_print"], "order_by": ["price"]}}},
              "order_by": ["r"]}, None),
    ("book", {"annotate": {"r": {"Window": {"expr": {"RowNumber": []}, "order_by": ["-price", "id"]}}},
              "filter": {"r__gt": 7}, "order_by": ["-title"]}, None),
    ("book", {"filter": {"pages__lt": 200}, "values": ["id", "title"], "order_by": ["-title"],
              "union": [{"model": "Book", "filter": {"pages__gt": 150}, "values": ["id", "title"]}]}, ["-title", "-id"]),
    ("book", {"values": ["publisher_id", "in_print"], "order_by": ["in_print"],
              "intersection": [{"model": "Book", "filter": {"pages__gt": 100}, "values": ["publisher_id", "in_print"]}]},
     ["in_print", "publisher_id"]),
    ("book", {"select_related": ["author", "publisher"], "prefetch_related": ["reviews", "chapter_set"], "order_by": ["title"]}, None),
    ("book", {"only": ["title"], "order_by": ["price"]}, None),
    ("chapter", {}, ["book", "-number", "pk"]),
    ("chapter", {"reverse": True}, None),
    ("chapter", {"order_by": ["-words", "book__title"]}, None),
    ("publisher", {}, ["name", "id"]),
    ("country", {"order_by": ["name"]}, None),
    ("country", {}, ["pk"]),
    ("person", {"order_by": ["mentor__name", "-nickname"]}, None),
    ("person", {"order_by": ["-born"], "annotate": {"p": {"Count": "pupil"}}}, None),
    ("person/1/written", {"order_by": ["-title"]}, None),
    ("book/3/translators", {"order_by": ["born"]}, None),
    ("review", {"order_by": ["text", "-stars"]}, None),
    ("review", {"order_by": ["-text", "stars", "-written_at"]}, None),
]


def link(body, **members):
    """The query with these members in its last object."""
    if isinstance(body, list):
        return body[:-1] + [dict(body[-1], **members)]
    return dict(body, **members)


def total(body, order):
    if isinstance(order, list) and order and isinstance(order[0], dict) and "order_by" in order[0]:
        return link(body, **order[0])
    if order is None:
        if isinstance(body, dict) and "order_by" not in body:
            return body
        order = (body[-1] if isinstance(body, list) else body)["order_by"]
        order = order + ["-pk" if goes_down(order[-1]) else "pk"]
    body = dict(body)
    if body.pop("reverse", False):
        order = ["-" + name for name in order]
    return dict(body, order_by=order)


def goes_down(order):
    return order.get("desc", False) if isinstance(order, dict) else order.startswith("-")


class Pages:
    """Walks; mixed into tests."""

    def page(self, model, body, **members):
        response = self.api.query(model, link(body, **members))
        answer = self.ok(response)
        self.assertEqual(set(answer) - {"count"}, {"results", "next", "previous"}, response)
        return answer

    def forwards(self, model, body, size):
        """The pages from the first to the last."""
        pages = [self.page(model, body, after=None, limit=size)]
        self.assertIsNone(pages[0]["previous"])
        while pages[-1]["next"] is not None:
            pages.append(self.page(model, body, after=pages[-1]["next"], limit=size))
            self.assertIsNotNone(pages[-1]["previous"])
            self.assertLess(len(pages), 500)
        return pages

    def backwards(self, model, body, size, start=None):
        """The pages from the last (or the one before `start`) to the first, in the order of the list."""
        pages = [self.page(model, body, before=start, limit=size)]
        self.assertEqual(pages[0]["next"] is None, start is None)
        while pages[0]["previous"] is not None:
            pages.insert(0, self.page(model, body, before=pages[0]["previous"], limit=size))
            self.assertIsNotNone(pages[0]["next"])
            self.assertLess(len(pages), 500)
        return pages


def rows_of(pages):
    return [row for page in pages for row in page["results"]]


class WalkTest(Pages, ReadingTest):
    def check(self, model, body, order, sizes=(1, 2, 7)):
        whole = self.rows(model, total(body, order))
        self.assertTrue(whole)
        for size in sizes:
            with self.subTest(model=model, body=body, size=size):
                pages = self.forwards(model, body, size)
                self.assertEqual(rows_of(pages), whole)
                self.assertTrue(all(len(page["results"]) == size for page in pages[:-1]))
                self.assertTrue(pages[-1]["results"])
                back = self.backwards(model, body, size)
                self.assertEqual(rows_of(back), whole)
                self.assertTrue(all(len(page["results"]) == size for page in back[1:]))
                if pages[-1]["previous"] is not None:
                    before = self.backwards(model, body, size, pages[-1]["previous"])
                    self.assertEqual(rows_of(before), rows_of(pages[:-1]))
                # A page is found again from the one behind it.
                for here, then in zip(pages, pages[1:]):
                    self.assertEqual(self.page(model, body, before=then["previous"], limit=size)["results"],
                                     here["results"])
                    if size == 1:
                        break

    def test_all_orderings_in_either_direction(self):
        for model, body, order in ORDERINGS:
            self.check(model, body, order)

    def test_what_stands_beside_a_page(self):
        body = {"filter": {"pages__gt": 100}, "order_by": ["-price"]}
        n = len(self.rows("book", body))
        self.assertGreater(n, 10)
        for page in self.forwards("book", dict(body, count=True), 7):
            self.assertEqual(page["count"], {"value": n, "kind": "exact"})

    def test_a_page_is_one_statement(self):
        for body in ({"after": None}, {"before": None}, {"after": None, "limit": 3, "order_by": ["-price"]}):
            self.assert_statements(self.api.query("book", body), 1)
        self.assert_statements(self.api.query("book", {"after": None, "prefetch_related": ["reviews"]}), 2)

    def test_the_default_page_has_100_rows(self):
        page = self.page("review", {}, after=None)
        self.assertEqual(len(page["results"]), 100)
        self.assertEqual(len(self.page("review", {}, after=page["next"])["results"]), 20)

    def test_in_the_query_string(self):
        first = self.ok(self.api.get("/api/book", "order_by=-price,title&limit=5&after="))
        self.assertIsNone(first["previous"])
        second = self.ok(self.api.get("/api/book", "order_by=-price,title&limit=5&after=" + first["next"]))
        whole = self.rows("book", {"order_by": ["-price", "title", "pk"], "limit": 10})
        self.assertEqual(first["results"] + second["results"], whole)
        posted = self.page("book", {"order_by": ["-price", "title"]}, after=first["next"], limit=5)
        self.assertEqual(posted["results"], second["results"])

    def test_the_limit_may_change_on_the_way(self):
        body = {"order_by": ["-rating"]}
        one = self.page("book", body, after=None, limit=3)
        two = self.page("book", body, after=one["next"], limit=11)
        three = self.page("book", body, after=two["next"], limit=50)
        self.assertEqual(rows_of([one, two, three]), self.rows("book", {"order_by": ["-rating", "-pk"]}))

    def test_no_rows(self):
        for member in ("after", "before"):
            for body in ({"filter": {"pages": -1}}, {"none": True}, {"filter": {"or": []}}):
                page = self.page("book", body, **{member: None})
                self.assertEqual(page, {"results": [], "next": None, "previous": None})

    def test_the_statement_is_shown(self):
        found = self.ok(self.api.post("/api/book/sql", {"after": None, "limit": 2, "order_by": ["title"]}))
        self.assertEqual(len(found["statements"]), 1)
        self.assertTrue(found["statements"][0]["sql"].endswith("LIMIT 3"), found)


class RefusedTest(Pages, ReadingTest):
    body = {"order_by": ["-price"], "filter": {"pages__gt": 10}}

    def refused(self, body, pointer, title="ValueError", model="book", method="query", **members):
        with self.subTest(body=body, method=method):
            self.assert_problem(self.api.post("/api/%s/%s" % (model, method), body), 400, title, pointer=pointer, **members)

    def test_a_cursor_of_another_query(self):
        token = self.page("book", self.body, after=None, limit=3)["next"]
        self.page("book", self.body, after=token)
        self.page("book", self.body, before=token, limit=9)
        for other in (
            {"order_by": ["price"], "filter": {"pages__gt": 10}},
            {"order_by": ["-price"], "filter": {"pages__gt": 11}},
            {"order_by": ["-price"]},
            {"order_by": ["-price", "title"], "filter": {"pages__gt": 10}},
            {"order_by": ["-cost"], "filter": {"pages__gt": 10}},
            dict(self.body, values=["id"]),
            dict(self.body, distinct=True),
        ):
            self.refused(dict(other, after=token), "/after", detail="another query")
            self.refused(dict(other, before=token), "/before", detail="another query")
        self.refused([self.body, {"filter": {"pages__gt": 11}}, {"after": token}], "/2/after", detail="another query")
        self.refused(dict(self.body, after=token), "/after", model="person/1/written", detail="another query")

    def test_a_cursor_that_was_changed(self):
        token = self.page("book", self.body, after=None, limit=3)["next"]
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        for at in range(len(token)):
            other = letters[(letters.index(token[at]) + 17) % 64]
            self.refused(dict(self.body, after=token[:at] + other + token[at + 1:]), "/after")
        for cut in (1, 2, 3, 4, 10, len(token) // 2, len(token) - 1, len(token)):
            self.refused(dict(self.body, after=token[:-cut]), "/after")
        for more in ("A", "AAAA", "=", token):
            self.refused(dict(self.body, after=token + more), "/after")
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        forged = raw[:9] + b"\x03999\x021" + raw[-16:]
        self.refused(dict(self.body, after=base64.urlsafe_b64encode(forged).decode().rstrip("=")), "/after")

    def test_what_is_no_cursor(self):
        for wrong in ("x", "1", "' OR 1=1", "ž", "A" * 5000):
            self.refused(dict(self.body, after=wrong), "/after")
        for wrong in (3, True, [], {}):
            self.refused(dict(self.body, after=wrong), "/after")
        self.assert_problem(self.api.get("/api/book", {"after": "nonsense"}), 400, "ValueError", pointer="?after")

    def test_what_does_not_go_with_a_cursor(self):
        for body, pointer, title in [
            ({"after": None, "before": None}, "/before", "BadRequest"),
            ({"after": None, "offset": 3}, "/offset", "TypeError"),
            ({"after": None, "limit": 0}, "/limit", "ValueError"),
            ({"after": None, "limit": 10001}, "/limit", "ValueError"),
            ([{"after": None}, {"limit": 3}], "/0/after", "TypeError"),
            ([{"limit": 10}, {"after": None}], "/0/limit", "TypeError"),
            ({"after": None, "order_by": ["?"]}, "/after", "NotSupportedError"),
            ({"after": None, "union": [{"model": "Book"}], "all": True}, "/after", "NotSupportedError"),
        ]:
            self.refused(body, pointer, title)
        for method, body in [
            ("count", {"after": None}), ("first", {"after": None}), ("get", {"after": None}),
            ("exists", {"before": None}), ("aggregate", {"after": None, "aggregate": {"n": {"Count": "*"}}}),
            ("query", {"filter": {"Exists": {"model": "Book", "after": None}}}),
            ("query", {"prefetch_related": [{"path": "reviews", "query": {"after": None}}]}),
        ]:
            with self.subTest(method=method, body=body):
                self.assert_problem(self.api.post("/api/book/" + method, body), 400, "NotSupportedError")


class ChangingTest(Pages, ApiTest):
    """Rows come and go between two pages."""

    models = ("press",)
    seed = seeds.PRESS
    body = {"order_by": ["title", "-pages"]}

    def whole(self):
        return self.rows("book", {"order_by": ["title", "-pages", "pk"]})

    def insert(self, title):
        return self.sql("INSERT INTO book (title, author_id, cost, pages) VALUES (%s, 1, 1, 5) RETURNING id", (title,))[0][0]

    def test_rows_that_come_before_the_place_shift_nothing(self):
        before = self.whole()
        page = self.page("book", self.body, after=None, limit=10)
        for number in range(5):
            self.insert("0%d" % number)
        rows = page["results"]
        while page["next"]:
            page = self.page("book", self.body, after=page["next"], limit=10)
            rows += page["results"]
        self.assertEqual(rows, before)

    def test_rows_that_come_behind_the_place_are_seen(self):
        page = self.page("book", self.body, after=None, limit=10)
        new = self.insert("~ last")
        found = self.page("book", self.body, after=page["next"], limit=1000)
        self.assertIn(new, [row["id"] for row in found["results"]])
        self.assertEqual(len(found["results"]), 51)

    def test_rows_that_go_are_not_missed(self):
        before = self.whole()
        page = self.page("book", self.body, after=None, limit=10)
        gone = [row["id"] for row in page["results"]] + [before[12]["id"]]
        self.sql("DELETE FROM book WHERE id = ANY(%s)".replace("book", "book_translators").replace("WHERE id", "WHERE book_id"), (gone,))
        for table in ("chapter", "review"):
            self.sql("DELETE FROM %s WHERE book_id = ANY(%%s)" % table, (gone,))
        self.sql("DELETE FROM book WHERE id = ANY(%s)", (gone,))
        rows = []
        while page["next"]:
            page = self.page("book", self.body, after=page["next"], limit=10)
            rows += page["results"]
        self.assertEqual([row["id"] for row in rows], [row["id"] for row in before[10:] if row["id"] not in gone])
        self.assertEqual(rows_of(self.backwards("book", self.body, 10)), rows)

    def test_from_an_empty_page_there_is_a_way_back(self):
        page = self.page("country", {}, after=None, limit=5)
        self.sql("DELETE FROM country WHERE code = 'XX'")
        empty = self.page("country", {}, after=page["next"], limit=5)
        self.assertEqual((empty["results"], empty["next"]), ([], None))
        back = self.page("country", {}, before=empty["previous"], limit=5)
        self.assertEqual(back["results"], page["results"])


# Values of every type that are hard to write down and read again; each is taken in turn, with NULLs between.
VALUES = {
    "integer": ["-2147483648", "0", "2147483647"],
    "big": ["-9223372036854775808", "7", "9223372036854775807"],
    "real": ["'NaN'", "'Infinity'", "'-Infinity'", "0.1", "0.30000000000000004", "1e-300", "-1.5e300", "'-0'"],
    "exact_number": ["0.000000000000001", "1234567890123456789012345.123456789012345", "-3", "3.0"],
    "flag": ["true", "false"],
    "long": ["''", "' '", "'a'", "'A'", r"""'"quoted" \ ''x '""", "'Žluťoučký'", "repeat('long', 2000)"],
    "address": ["'10.0.0.1'", "'2001:db8::1'", "'10.0.0.2'"],
    "uuid": ["'00000000-0000-0000-0000-000000000001'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"],
    "day": ["'0001-01-01'", "'0044-03-15 BC'", "'9999-12-31'", "'12026-01-01'", "'infinity'", "'-infinity'"],
    "moment": ["'2026-07-02 16:44:20.5+00'", "'2026-07-02 16:44:20.500001+00'", "'0044-03-15 12:00:00+00 BC'",
               "'infinity'", "'-infinity'"],
    "clock": ["'00:00'", "'23:59:59.999999'", "'12:00:00.1'"],
    "span": ["'1 day'", "'24:00:00'", "'-1 day -00:00:00.000001'", "'1 year 2 months 3 days 04:05:06.7'", "'0'",
             "'30 days'", "'1 month'"],
    "bytes": [r"'\x'", r"'\x00ff'", r"'\x27225c'"],
    "document": ["'null'", """'{"a": [1, "x"]}'""", """'"text"'""", "'1.50'", "'[]'", "'{}'"],
    "numbers": ["'{}'", "'{1,2}'", "'{NULL,1}'", "'{1}'"],
    "words": ["'{}'", r"""'{"a,b","\""}'""", """'{NULL,"NULL"}'""", """'{""}'"""],
    "integers": ["'empty'", "'[1,5)'", "'(,3)'", "'[2,)'", "'(,)'"],
    "moments": ["'empty'", "'[2020-01-01 00:00+00,2021-01-01 00:00+00]'", "'(,2020-01-01 00:00:00.5+00)'"],
}


class EveryTypeTest(Pages, ApiTest):
    models = ("every_type",)

    def test_a_place_of_every_type_is_found_again(self):
        for column, values in VALUES.items():
            self.sql("TRUNCATE sample RESTART IDENTITY")
            for value in (values + ["NULL"]) * 2:
                self.sql("INSERT INTO sample (%s) VALUES (%s)" % (column, value))
            for order, by in ((column, column), ("-" + column, column + " DESC"), ("nulls", column + " NULLS FIRST")):
                asked = {"expr": column, "nulls": "first"} if order == "nulls" else order
                body = {"order_by": [asked], "values_list": ["id"], "flat": True}
                end = " DESC" if by.endswith("DESC") else ""
                expected = [row[0] for row in self.sql("SELECT id FROM sample ORDER BY %s, id%s" % (by, end))]
                for size in (1, 3):
                    with self.subTest(order=order, column=column, size=size):
                        self.assertEqual(rows_of(self.forwards("sample", body, size)), expected)
                        self.assertEqual(rows_of(self.backwards("sample", body, size)), expected)


class CompositeKeyTest(Pages, ApiTest):
    models = ("composite",)

    def test_a_key_of_several_fields_completes_an_order(self):
        self.sql("INSERT INTO hall (name) VALUES ('large'), ('small')")
        self.sql("INSERT INTO seat (hall_id, line, number, code, note) SELECT 1 + i % 2, 'L' || i % 4, i, 'c' || i, ''"
                 " FROM generate_series(1, 30) i")
        for order, by in (([], "line, number"), (["note"], "line, number"), (["-hall"], "hall_id DESC, line DESC, number DESC"),
                          (["number"], "number"), (["-line", "hall__name"], "line DESC, hall_id, number")):
            body = dict({"values_list": ["code"], "flat": True}, **({"order_by": order} if order else {}))
            expected = [row[0] for row in self.sql("SELECT code FROM seat ORDER BY " + by)]
            for size in (1, 4):
                with self.subTest(order=order, size=size):
                    self.assertEqual(rows_of(self.forwards("seat", body, size)), expected)
                    self.assertEqual(rows_of(self.backwards("seat", body, size)), expected)


class CutTest(unittest.TestCase):
    """Where settings cap rows: a cut answer can be gone on with."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server("press", environment={"QUERN_MAX_ROWS": "7"})
        cls.addClassCleanup(cls.server.stop)
        cls.server.sql(seeds.PRESS)
        cls.client = cls.server.client()

    def ask(self, body):
        response = self.client.query("book", body)
        self.assertEqual(response.status, 200, response)
        return response.json

    def test_what_follows_is_had_by_the_cursor(self):
        for body in ({}, {"order_by": ["title"]}, {"order_by": ["-price"]}, {"order_by": ["price"], "limit": 50},
                     {"prefetch_related": ["reviews"]}, {"values": ["id", "rating"], "order_by": ["rating"]},
                     {"limit": 20000, "order_by": ["-id"]}):
            with self.subTest(body=body):
                answer = self.ask(body)
                self.assertIs(answer["truncated"], True)
                rows = answer["results"]
                while answer["next"]:
                    self.assertEqual(len(answer["results"]), 7)
                    answer = self.ask(dict(body, after=answer["next"]))
                    rows = rows + answer["results"]
                self.assertEqual(sorted(row["id"] for row in rows), list(range(1, 61)))

    def test_what_is_not_cut_has_no_next(self):
        for body in ({"limit": 7}, {"limit": 3}, {"filter": {"id__lte": 7}}, {"filter": {"id": 0}}, {"limit": 7, "offset": 9}):
            with self.subTest(body=body):
                self.assertEqual(set(self.ask(body)), {"results"})

    def test_what_no_cursor_can_follow_is_cut_all_the_same(self):
        for body in ({"order_by": ["?"]}, {"offset": 2}, [{"limit": 40}, {"filter": {"and": []}}],
                     {"union": [{"model": "Book"}], "all": True}):
            with self.subTest(body=body):
                answer = self.ask(body)
                self.assertEqual((len(answer["results"]), set(answer)), (7, {"results", "truncated"}))

    def test_a_cut_that_is_streamed(self):
        server = Server("press", environment={"QUERN_MAX_ROWS": "1100"})
        self.addCleanup(server.stop)
        server.sql("INSERT INTO publisher (name, founded) SELECT 'p' || i % 100, nullif(i % 7, 0) FROM generate_series(1, 3000) i")
        client = server.client()
        self.addCleanup(client.close)
        body = {"order_by": ["founded", "name"], "prefetch_related": ["books"]}
        answer = client.query("publisher", body).json
        self.assertEqual((len(answer["results"]), answer["truncated"]), (1100, True))
        rows = answer["results"]
        while answer["next"]:
            answer = client.query("publisher", dict(body, after=answer["next"], limit=20000)).json
            rows = rows + answer["results"]
        expected = server.sql("SELECT id FROM publisher ORDER BY founded, name, id")
        self.assertEqual([row["id"] for row in rows], [row[0] for row in expected])

    def test_groups_and_the_total(self):
        answer = self.ask({"group_by": ["author"], "annotate": {"n": {"Count": "*"}}, "count": True})
        self.assertEqual((len(answer["results"]), answer["truncated"]), (7, True))
        body = {"group_by": ["author"], "annotate": {"n": {"Count": "*"}}, "count": True}
        rows = answer["results"]
        while answer["next"]:
            answer = self.ask(dict(body, after=answer["next"]))
            rows = rows + answer["results"]
        self.assertEqual(len(rows), answer["count"]["value"])
        self.assertEqual(sum(row["n"] for row in rows), 60)


class SecretTest(unittest.TestCase):
    def next_of(self, environment, after=None):
        server = Server("press", environment=environment)
        try:
            server.sql(seeds.PRESS)
            client = server.client()
            answer = client.query("book", {"order_by": ["-price"], "limit": 3, "after": after})
            client.close()
            self.assertNotIn("0123456789", server.output.text())
            return answer
        finally:
            server.stop()

    def test_servers_with_one_secret_take_each_others_cursors_and_others_do_not(self):
        shared = {"QUERN_SECRET": "0123456789 for all servers"}
        token = self.next_of(shared).json["next"]
        self.assertEqual(self.next_of(shared, token).status, 200)
        self.assertEqual(self.next_of({"QUERN_SECRET": "another secret of ours"}, token).status, 400)
        self.assertEqual(self.next_of({}, token).status, 400)


class ProgramTest(unittest.TestCase):
    def test_quern_sql_shows_a_page(self):
        done = run_program(["sql", "--models", model_file("news"), "article", '{"after": null, "limit": 5, "order_by": ["-title"]}'])
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn('ORDER BY t0."title" DESC, t0."id" DESC', done.stdout)
        self.assertTrue(done.stdout.endswith("LIMIT 6\n"), done.stdout)


if __name__ == "__main__":
    unittest.main()
