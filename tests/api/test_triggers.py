"""Triggers of the database that keep rows from being written: what is answered, and that nothing is half done."""

import unittest

from harness import ApiTest

KEEPS_BACK = """
    CREATE OR REPLACE FUNCTION keep_back() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF NEW.name = 'kept' THEN RETURN NULL; END IF; RETURN NEW; END $$;
    CREATE TRIGGER keep_back BEFORE INSERT OR UPDATE ON tag FOR EACH ROW EXECUTE FUNCTION keep_back();
"""


class KeptBackTest(ApiTest):
    """A row that a trigger passes over is like one that ignore_conflicts passes over, unless somebody needs it."""

    models = ("studio",)

    def setUp(self):
        super().setUp()
        self.sql(KEEPS_BACK)
        self.addCleanup(self.sql, "DROP TRIGGER keep_back ON tag; DROP FUNCTION keep_back")

    def refused(self, answer, **members):
        self.assert_problem(answer, 409, "IntegrityError", detail="keeps a row of Tag from being written", **members)
        self.assertEqual(self.sql("SELECT name FROM tag"), [])
        self.assertEqual(self.sql("SELECT count(*) FROM article"), [(0,)])

    def test_one_row(self):
        self.refused(self.api.post("/api/tag", {"name": "kept"}))
        self.refused(self.api.request("POST", "/api/tag", {"name": "kept"}, {"Idempotency-Key": "kept"}))
        self.refused(self.api.post("/api/tag", {"name": "kept", "returning": ["name"]}))

    def test_found_or_made(self):
        for method in ("get_or_create", "update_or_create"):
            self.refused(self.api.post("/api/tag/" + method, {"lookup": {"name": "kept"}}))

    def test_with_related_rows(self):
        self.refused(self.api.post("/api/article", {"title": "a", "tags": [{"create": {"name": "kept"}}]}))
        self.refused(self.api.post("/api/article", [{"title": "a"}, {"title": "b", "tags": [{"create": {"name": "kept"}}]}]))
        self.refused(self.api.post("/api/tag", [{"name": "a", "articles": [{"create": {"title": "of a"}}]},
                                                {"name": "kept", "articles": [{"create": {"title": "of kept"}}]}]))

    def test_through_a_many_to_many_manager(self):
        self.ok(self.api.post("/api/article", {"id": 7, "title": "a"}), 201)
        answer = self.api.post("/api/article/7/tags", [{"name": "a"}, {"name": "kept"}])
        self.assert_problem(answer, 409, "IntegrityError")
        self.assertEqual(self.sql("SELECT name FROM tag"), [])
        self.sql("DELETE FROM article")

    def test_in_a_batch(self):
        operations = [{"model": "Article", "method": "create", "body": {"title": "a"}},
                      {"model": "Tag", "method": "create", "body": {"name": "kept"}}]
        self.refused(self.api.post("/batch", {"operations": operations}), pointer="/operations/1")

    def test_several_rows(self):
        given = [{"name": "kept"}, {"name": "a"}]
        body = self.ok(self.api.post("/api/tag", given), 201)
        self.assertEqual([row["name"] for row in body["results"]], ["a"])
        body = self.ok(self.api.request("POST", "/api/tag", b"name\nkept\nb\n", {"Content-Type": "text/csv"}), 201)
        self.assertEqual(body, {"created": 1})
        self.assertEqual(self.sql("SELECT name FROM tag ORDER BY name"), [("a",), ("b",)])

    def test_updates(self):
        self.sql("INSERT INTO tag (id, name, kind) VALUES (1, 'a', '')")
        self.assertEqual(self.ok(self.api.post("/api/tag/update", {"set": {"name": "kept"}})), {"updated": 0})
        self.assertEqual(self.ok(self.api.post("/api/tag/bulk_update", [{"id": 1, "name": "kept"}])), {"updated": 0})
        self.assert_problem(self.api.patch("/api/tag/1", {"name": "kept"}), 404, "DoesNotExist")
        self.assertEqual(self.sql("SELECT name FROM tag"), [("a",)])


if __name__ == "__main__":
    unittest.main()
