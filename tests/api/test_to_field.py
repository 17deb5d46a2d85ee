"""Foreign keys to another field than the primary key (to_field) where that field is NULL."""

import unittest

from harness import ApiTest


class NothingToReferToTest(ApiTest):
    """A row whose to_field is NULL: what would refer to it would refer to nothing."""

    models = ("composite",)
    seed = "INSERT INTO shelf (name, code) VALUES ('top', NULL), ('low', 'l'); INSERT INTO box (shelf_id) VALUES ('l')"

    def refused(self, answer, **members):
        self.assert_problem(answer, 400, "ValueError", detail="This Shelf has no 'code' (it is null)", **members)
        self.assertEqual(self.sql("SELECT id, shelf_id FROM box"), [(1, "l")])
        self.assertEqual(self.sql("SELECT count(*) FROM shelf"), [(2,)])

    def test_by_lookups(self):
        self.refused(self.api.post("/api/box", {"shelf": {"name": "top"}}), pointer="/shelf")
        self.refused(self.api.post("/api/box", [{"shelf": {"name": n}} for n in ("low", "top", "low")]), pointer="/1/shelf")
        self.refused(self.api.patch("/api/box/1", {"shelf": {"name": "top"}}), pointer="/shelf")
        self.refused(self.api.post("/api/box/update", {"set": {"shelf": {"name": "top"}}}), pointer="/set/shelf")

    def test_by_a_related_manager(self):
        self.refused(self.api.post("/api/shelf/1/box_set/add", {"objects": [1]}))
        self.refused(self.api.post("/api/shelf/1/box_set/create", {}))
        self.refused(self.api.request("POST", "/api/shelf/1/box_set", b'{"id": 5}\n', {"Content-Type": "application/x-ndjson"}))

    def test_by_nested_rows(self):
        self.refused(self.api.post("/api/shelf", {"name": "new", "box_set": [{}]}))
        self.refused(self.api.patch("/api/shelf/1", {"box_set": [{}]}))
        self.refused(self.api.post("/api/box", {"shelf": {"create": {"name": "new"}}}))
        self.refused(self.api.post("/api/box", {"shelf": {"get_or_create": {"lookup": {"name": "top"}}}}))


if __name__ == "__main__":
    unittest.main()
