"""Changes told by NOTIFY: what listeners hear, once it is committed and never else, whichever way it was written."""

import datetime
import json
import time
import unittest

import psycopg2
from harness import ApiTest


class NotifyTest(ApiTest):
    models = ("notify",)
    seed = """
        INSERT INTO tag (name) VALUES ('a'), ('b'), ('c');
        INSERT INTO note (title, size) VALUES ('one', 1), ('two', 2), ('three', 3);
        INSERT INTO line (note_id, text) VALUES (1, 'x'), (1, 'y');
        INSERT INTO mark (line_id, size) VALUES (1, 1), (2, 2), (NULL, 3);
    """

    def setUp(self):
        super().setUp()
        self.listener = psycopg2.connect(**self.server.database)
        self.addCleanup(self.listener.close)
        self.listener.autocommit = True
        self.listener.cursor().execute("LISTEN quern; LISTEN tags")

    def heard(self):
        """What came in since it was last asked, without its times: (channel, payload)."""
        # A notice of our own stands behind all that was committed before it.
        self.sql("NOTIFY quern, 'end'")
        found, end = [], time.monotonic() + 10
        while time.monotonic() < end:
            self.listener.poll()
            while self.listener.notifies:
                notice = self.listener.notifies.pop(0)
                if notice.payload == "end":
                    return found
                self.assertLess(len(notice.payload.encode()), 8000)
                payload = json.loads(notice.payload)
                at = datetime.datetime.strptime(payload.pop("at"), "%Y-%m-%dT%H:%M:%S.%fZ")
                self.assertLess(abs((datetime.datetime.utcnow() - at).total_seconds()), 60)
                found.append((notice.channel, payload))
            time.sleep(0.01)
        self.fail("the listener hears nothing")

    def told(self, model, action, names, channel="quern", kind="pks"):
        return (channel, {"model": model, "action": action, "count": len(names), kind: names})

    def assert_heard(self, *expected):
        heard = self.heard()
        for _, payload in heard:
            if "pks" in payload:
                payload["pks"].sort()
        self.assertEqual(heard, list(expected))

    def test_create(self):
        answer = self.api.post("/api/note", {"title": "t"})
        self.assertEqual(self.ok(answer, 201), {"id": 4, "title": "t", "size": 0})
        self.assert_statements(answer, 1)
        self.assert_heard(self.told("Note", "create", [4]))

    def test_many_rows_are_one_notice(self):
        answer = self.api.post("/api/note/bulk_create", [{"title": str(n)} for n in range(50)])
        self.assertEqual([row["id"] for row in self.ok(answer, 201)["results"]], list(range(4, 54)))
        self.assertEqual([row["title"] for row in answer.json["results"]], [str(n) for n in range(50)])
        self.assert_statements(answer, 1)
        self.assert_heard(self.told("Note", "create", list(range(4, 54))))

    def test_too_many_keys_are_told_by_their_number(self):
        for n in (1200, 4000):
            self.sql("TRUNCATE mark RESTART IDENTITY; INSERT INTO mark (size) SELECT n FROM generate_series(1, %d) n" % n)
            self.assertEqual(self.ok(self.api.post("/api/mark/update", {"set": {"size": 7}})), {"updated": n})
            told = self.told("Mark", "update", list(range(1, n + 1)))
            if n > 1300:
                del told[1]["pks"]
            self.assert_heard(told)

    def test_update_in_every_way(self):
        self.assertEqual(self.ok(self.api.post("/api/note/update", {"filter": {"size__gte": 2}, "set": {"size": {"+": [{"F": "size"}, 1]}}})),
                         {"updated": 2})
        self.assert_heard(self.told("Note", "update", [2, 3]))
        self.assertEqual(self.ok(self.api.patch("/api/note/1", {"title": "new"})), {"id": 1, "title": "new", "size": 1})
        self.assert_heard(self.told("Note", "update", [1]))
        self.ok(self.api.put("/api/note/1", {"title": "newer"}))
        self.assert_heard(self.told("Note", "update", [1]))
        self.assertEqual(self.ok(self.api.patch("/api/note?title=two", {"size": 0})), {"updated": 1})
        self.assert_heard(self.told("Note", "update", [2]))

    def test_update_across_a_relation(self):
        self.assertEqual(self.ok(self.api.post("/api/line/update", {"filter": {"note__title": "one"}, "set": {"text": {"F": "note__title"}}})),
                         {"updated": 2})
        self.assert_heard(self.told("Line", "update", [1, 2]))
        self.assertEqual(self.sql("SELECT DISTINCT text FROM line"), [("one",)])

    def test_bulk_update(self):
        self.ok(self.api.post("/api/note/bulk_update", {"objects": [{"id": 1, "size": 5}, {"id": 2, "size": 6}], "fields": ["size"]}))
        self.assert_heard(self.told("Note", "update", [1, 2]))

    def test_returning(self):
        answer = self.api.post("/api/note/update", {"filter": {"pk": 2}, "set": {"size": 9}, "returning": ["title"]})
        self.assertEqual(self.ok(answer), {"updated": 1, "results": [{"title": "two"}]})
        self.assert_heard(self.told("Note", "update", [2]))

    def test_what_changes_nothing_is_not_told(self):
        self.assertEqual(self.ok(self.api.post("/api/note/update", {"filter": {"pk": 99}, "set": {"size": 3}})), {"updated": 0})
        self.assertEqual(self.ok(self.api.post("/api/mark/delete", {"filter": {"pk": 99}}))["deleted"], 0)
        self.assertEqual(self.api.post("/api/tag/bulk_create", {"objects": [{"name": "a"}], "ignore_conflicts": True}).status, 201)
        self.assertEqual(self.api.patch("/api/note/99", {"title": "x"}).status, 404)
        self.assertEqual(self.api.post("/api/tag/get_or_create", {"lookup": {"name": "a"}}).status, 200)
        self.assert_heard()

    def test_what_fails_is_not_told(self):
        self.assertEqual(self.api.post("/api/tag", {"name": "a"}).status, 409)
        self.assertEqual(self.api.post("/api/line", {"note": 99, "text": "x"}).status, 409)
        self.assertEqual(self.api.post("/api/note", {"title": "x" * 50}).status, 422)
        self.assertEqual(self.api.patch("/api/note/1", {"title": "x"}, headers={"If-Match": '"x"'}).status, 412)
        self.assert_heard()

    def test_cascades(self):
        deleted = self.ok(self.api.delete("/api/note/1"))
        self.assertEqual(deleted, {"deleted": 3, "per_model": {"Line": 2, "Note": 1}})
        self.assert_heard(self.told("Mark", "update", [1, 2]), self.told("Line", "delete", [1, 2]), self.told("Note", "delete", [1]))

    def test_many_to_many(self):
        self.assertEqual(self.ok(self.api.post("/api/note/1/tags/add", {"objects": [1, 2]})), {"added": 2, "removed": 0})
        self.assert_heard(self.told("Note.tags", "create", [[1, 1], [1, 2]], kind="pairs"))
        self.assertEqual(self.ok(self.api.post("/api/note/1/tags/set", {"objects": [2, 3]})), {"added": 1, "removed": 1})
        self.assert_heard(self.told("Note.tags", "delete", [[1, 1]], kind="pairs"), self.told("Note.tags", "create", [[1, 3]], kind="pairs"))
        self.assertEqual(self.ok(self.api.post("/api/note/1/tags/clear", {})), {"added": 0, "removed": 2})
        self.assert_heard(self.told("Note.tags", "delete", [[1, 2], [1, 3]], kind="pairs"))
        self.ok(self.api.post("/api/note/1/tags/create", {"name": "new"}), 201)
        self.assert_heard(self.told("Tag", "create", [4], "tags"), self.told("Note.tags", "create", [[1, 4]], kind="pairs"))

    def test_a_conflict_makes_it_an_update(self):
        answer = self.api.post("/api/tag/bulk_create", {"objects": [{"name": "a"}, {"name": "new"}, {"name": "b"}], "update_conflicts": True,
                                                        "unique_fields": ["name"], "update_fields": ["name"]})
        self.assertEqual([row["name"] for row in self.ok(answer, 201)["results"]], ["a", "new", "b"])
        heard = self.heard()
        new = [row["id"] for row in answer.json["results"] if row["name"] == "new"]
        self.assertEqual(heard, [self.told("Tag", "create", new, "tags"), self.told("Tag", "update", [1, 2], "tags")])

    def test_get_or_create_and_update_or_create(self):
        made = self.ok(self.api.post("/api/tag/get_or_create", {"lookup": {"name": "new"}}), 201)["result"]["id"]
        self.assert_heard(self.told("Tag", "create", [made], "tags"))
        self.ok(self.api.post("/api/note/update_or_create", {"lookup": {"title": "one"}, "defaults": {"size": 8}}))
        self.assert_heard(self.told("Note", "update", [1]))

    def test_nested_writes(self):
        answer = self.api.post("/api/note", {"title": "t", "line_set": [{"text": "p"}, {"text": "q"}]})
        self.ok(answer, 201)
        self.assert_heard(self.told("Note", "create", [4]), self.told("Line", "create", [3, 4]))

    def test_a_batch_is_told_when_it_is_committed(self):
        operations = [{"model": "Note", "method": "create", "body": {"title": "t"}}, {"model": "Mark", "method": "delete", "body": {"filter": {"pk": 3}}}]
        self.ok(self.api.post("/batch", {"operations": operations}))
        self.assert_heard(self.told("Note", "create", [4]), self.told("Mark", "delete", [3]))
        operations.append({"model": "Tag", "method": "create", "body": {"name": "a"}})
        self.assertEqual(self.api.post("/batch", {"operations": operations}).status, 409)
        self.assert_heard()

    def test_a_load_is_told_by_its_number(self):
        answer = self.api.request("POST", "/api/mark/bulk_create", b"size\n1\n2\n3\n", {"Content-Type": "text/csv"})
        self.assertIn(answer.status, (200, 201), answer)
        heard = self.heard()
        self.assertEqual(heard, [("quern", {"model": "Mark", "action": "create", "count": 3})])

    def test_a_repeated_request_is_told_once(self):
        for _ in range(2):
            self.ok(self.api.post("/api/note", {"title": "t"}, {"Idempotency-Key": "k"}), 201)
        self.assert_heard(self.told("Note", "create", [4]))

    def test_keys_of_other_types_and_names_that_look_like_sql(self):
        made = self.ok(self.api.post("/api/document", {"name": "d"}), 201)["id"]
        self.assert_heard(self.told("Document", "create", [made]))
        self.ok(self.api.patch("/api/document/" + made, {"name": "e"}))
        self.assert_heard(self.told("Document", "update", [made]))
        self.assertEqual(self.ok(self.api.delete("/api/document/" + made))["deleted"], 1)
        self.assert_heard(self.told("Document", "delete", [made]))

    def test_other_models_are_silent(self):
        for path in ("/api/quiet", "/api/hushed"):
            self.ok(self.api.post(path, {"size": 1}), 201)
            self.ok(self.api.patch(path + "/1", {"size": 2}))
            self.ok(self.api.delete(path + "/1"))
        self.assert_heard()


if __name__ == "__main__":
    unittest.main()
