"""Rows with a primary key of several fields: their addresses, and what cannot be asked of them."""

import threading
import time
import unittest

import harness
import psycopg2
from harness import ApiTest

SEED = """
INSERT INTO hall (id, name) VALUES (1, 'large'), (2, 'small');
INSERT INTO seat (hall_id, line, number, code, note) VALUES (1, 'A', 1, 'a1', ''), (1, 'A', 2, 'a2', ''),
	(2, 'B,1 /', 1, 'b1', '');
INSERT INTO ticket (id, seat_id, price) VALUES (1, 'a1', 10), (2, 'a1', 12), (3, 'b1', 9);
"""


class CompositeTest(ApiTest):
    models = ("composite",)
    seed = SEED

    def codes(self, response):
        return [row["code"] for row in self.results(response)]

    def test_a_row_is_found_by_the_parts_of_its_key(self):
        self.assertEqual(self.ok(self.api.get("/api/seat/A,2"))["code"], "a2")
        self.assertEqual(self.ok(self.api.get("/api/seat/B%2C1%20%2F,1"))["code"], "b1")

    def test_too_few_or_too_many_parts_find_nothing(self):
        for key in ("A", "A,", "A,1,2", "A,x", "A%2C1", ",,,,", "Z,1"):
            for method in ("GET", "DELETE", "PATCH"):
                self.assert_problem(self.api.request(method, "/api/seat/" + key, {} if method == "PATCH" else None),
                                    404, "DoesNotExist")

    def test_a_new_row_says_where_it_is(self):
        answer = self.api.post("/api/seat", {"hall": 1, "line": "a,b", "number": -4, "code": "n"})
        self.ok(answer, 201)
        self.assertEqual(answer.headers["Location"], "/api/seat/a%2Cb,-4")
        self.assertEqual(self.ok(self.api.get(answer.headers["Location"]))["code"], "n")

    def test_one_row_is_changed(self):
        self.assertEqual(self.ok(self.api.patch("/api/seat/A,1", {"note": "draughty", "number": 1}))["note"], "draughty")
        changed = self.ok(self.api.put("/api/seat/A,2", {"hall": 2, "code": "a2", "note": "moved"}))
        self.assertEqual((changed["hall_id"], changed["line"], changed["number"]), (2, "A", 2))
        self.assertEqual([r[0] for r in self.sql("SELECT note FROM seat ORDER BY code")], ["draughty", "moved", ""])

    def test_a_key_cannot_be_changed(self):
        self.assert_problem(self.api.patch("/api/seat/A,1", {"number": 9}), 400, "ValueError", pointer="/number")

    def test_one_row_is_deleted_with_what_hangs_on_it(self):
        self.assertEqual(self.ok(self.api.delete("/api/seat/A,1")),
                         {"deleted": 3, "per_model": {"Ticket": 2, "Seat": 1}})
        self.assertEqual(self.codes(self.api.get("/api/seat?order_by=code")), ["a2", "b1"])

    def test_relations_of_a_row(self):
        self.assertEqual(self.ok(self.api.get("/api/seat/A,1/hall"))["name"], "large")
        self.assertEqual(self.ok(self.api.get("/api/seat/A,1/ticket_set/count")), {"count": 2})
        self.assertEqual(self.ok(self.api.post("/api/seat/A,2/ticket_set/add", {"objects": [3]})), {"added": 1, "removed": 0})
        self.assertEqual(self.ok(self.api.get("/api/seat/A,2/ticket_set/count")), {"count": 1})
        for key in ("A", "A,7"):
            self.assert_problem(self.api.get("/api/seat/%s/ticket_set/count" % key), 404, "DoesNotExist")
            self.assert_problem(self.api.post("/api/seat/%s/ticket_set/add" % key, {"objects": [1]}), 404, "DoesNotExist")

    def test_questions_about_such_rows_from_afar(self):
        self.assertEqual(self.results(self.api.query("hall", {"annotate": {"n": {"Count": "seat"}}, "order_by": ["id"],
                                                              "values": ["n"]})), [{"n": 2}, {"n": 1}])
        self.assertEqual(self.results(self.api.query("hall", {"filter": {"seat__isnull": True}})), [])

    def test_a_foreign_key_to_another_column_is_compared_by_it(self):
        for params in ("seat=a1", "seat__in=a1,a2", "seat_id=a1", "seat__code=a1", "seat__line=A"):
            self.assertEqual(self.ok(self.api.get("/api/ticket/count", params)), {"count": 2}, params)
        self.assertEqual(self.ok(self.api.post("/api/ticket/count", {"exclude": {"seat": "a1"}})), {"count": 1})

    def test_what_needs_a_single_key_says_so(self):
        for path in ("seat", "seat__in", "seat__gt"):
            self.assert_problem(self.api.query("hall", {"filter": {path: ["A"] if path == "seat__in" else "A"}}), 400,
                                "FieldError", pointer="/filter/" + path)
        self.assert_problem(self.api.post("/api/seat/in_bulk", {"ids": [1]}), 400, "NotSupportedError")
        self.assertEqual(list(self.ok(self.api.post("/api/seat/in_bulk", {"ids": ["a1"], "field_name": "code"}))["results"]),
                         ["a1"])
        self.assert_problem(self.api.query("ticket", {"filter": {"seat": {"pk": 1}}}), 400, "NotSupportedError",
                            pointer="/filter/seat/pk")
        self.assert_problem(self.api.query("hall", {"annotate": {"x": {"Subquery": {"model": "Seat", "limit": 1}}}}), 400,
                            "FieldError")


class KeptPlanTest(unittest.TestCase):
    """A plan that is kept holds nothing of the request that it was made of."""

    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server("composite", environment={"QUERN_WORKERS": "1"})
        cls.addClassCleanup(cls.server.stop)
        cls.server.sql(SEED)

    def check(self, path, params, expected):
        mine, other = self.server.client(), self.server.client()
        self.addCleanup(mine.close)
        self.addCleanup(other.close)
        for _ in range(4):
            self.assertEqual(mine.get(path, params).json, expected)
        lock = psycopg2.connect(**self.server.database)
        self.addCleanup(lock.close)
        lock.cursor().execute("LOCK TABLE hall IN ACCESS EXCLUSIVE MODE")
        # What waits has the place in memory that the first request had.
        thread = threading.Thread(target=other.get, args=("/api/seat/B%2C1%20%2F,1", "values=code,hall__name"))
        thread.start()
        self.wait_for_lock()
        for _ in range(3):
            self.assertEqual(mine.get(path, params).json, expected)
        lock.rollback()
        thread.join()

    def wait_for_lock(self):
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if self.server.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")[0][0]:
                return
            time.sleep(0.02)
        self.fail("nobody waits for the lock")

    def test_not_the_key_in_its_address(self):
        self.check("/api/seat/A,2", "values=code", {"code": "a2"})

    def test_nor_the_key_of_a_managers_row(self):
        self.check("/api/seat/A,1/ticket_set", "values=price&order_by=id", {"results": [{"price": "10.00"}, {"price": "12.00"}]})


if __name__ == "__main__":
    unittest.main()
