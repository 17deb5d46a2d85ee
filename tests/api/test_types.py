"""A value of every field type goes in, comes out, and finds its row again."""

import unittest

import oracle
from harness import ApiTest

LONG = "ab\"c\\ů🎈\n" * 12000

GOOD = {
    "integer": [0, -2147483648, 2147483647],
    "big": [0, -9223372036854775808, 9223372036854775807],
    "small": [-32768, 32767],
    "positive": [0, 2147483647],
    "positive_big": [0, 9223372036854775807],
    "positive_small": [0, 32767],
    "real": [0, 0.1, -2.5, 1e300, 1e-300, 123456789.123456789, 5, "NaN", "Infinity", "-Infinity"],
    "money": ["0.00", "-99999999.99", "12.30", "7", 7, "1e3"],
    "exact_number": ["1234567890123456789012345.123456789012345", "-0.000000000000001", "100"],
    "flag": [True, False],
    "short": ["", "x", "ß ů 🎈 \" \\ / \t \n \x7f \u2028", "é" * 40, "null", "{}", "%_"],
    "long": ["", LONG],
    "slug": ["a-b_C9"],
    "email": ["some.one+tag@example.co.uk"],
    "url": ["https://example.org:8080/a/b?c=d&e=f#g"],
    "address": ["10.0.0.1", "2001:db8::1", "::1"],
    "uuid": ["6f1c3f7e-2b0a-4c59-9a4e-8a9a6b1f0c11", "6F1C3F7E2B0A4C599A4E8A9A6B1F0C12"],
    "day": ["2024-02-29", "0001-01-01", "9999-12-31"],
    "moment": ["2026-07-02T16:44:20Z", "2026-07-02T16:44:20.5+02:00", "1969-12-31T23:59:59.999999Z",
               "2026-07-02 16:44:20Z", "0999-01-01T00:00:00Z"],
    "clock": ["00:00:00", "23:59:59.999999", "12:30", "12:30:00.5"],
    "span": ["PT0S", "P3DT4H5M6.789S", "-PT1.5S", "P400D", "PT36H", "3 04:05:06", "P-1DT1H"],
    "bytes": ["", "AA==", "/+8gSGk=", "AAECA//+"],
    "document": [{}, [], {"a": {"b": [1, 2.5, None, True, "x\"\\"]}}, [1, [2]], "text", 12, 1.5, True, False, {"Count": 1, "b": 2},
                 {"ů": "🎈", "": 0}],
    "numbers": [[], [1, -2, 3]],
    "words": [[], ["a", "b,c", "d\"e", "f\\g", "{}", "", "NULL", "null", " x "], [None, "x"]],
    "days": [["2024-02-29", "2026-01-01"]],
    "integers": [{"lower": 1, "upper": 5, "bounds": "[)", "empty": False}, {"lower": None, "upper": 5, "bounds": "[)", "empty": False}],
    "bigs": [{"lower": 1, "upper": 9000000000000, "bounds": "[)", "empty": False}],
    "decimals": [{"lower": "1.50", "upper": "2.75", "bounds": "[]", "empty": False},
                 {"lower": "1.5", "upper": None, "bounds": "()", "empty": False}],
    "dates": [{"lower": "2026-01-01", "upper": "2026-02-01", "bounds": "[)", "empty": False}],
    "moments": [{"lower": "2026-01-01T00:00:00Z", "upper": "2026-01-01T12:30:00.5Z", "bounds": "[)", "empty": False}],
    "file": ["uploads/a.txt"],
    "path": ["/etc/hosts"],
}

BAD = {
    "integer": [2147483648, -2147483649, "x", 1.5, True, [1], {}],
    "big": ["9223372036854775808", "1.0x"],
    "small": [32768],
    "positive": [-1],
    "positive_small": [-1, 32768],
    "real": ["x", True, [1.5]],
    "money": ["123456789.00", "1.234", "x", "NaN", True, []],
    "flag": ["maybe", 7, []],
    "short": ["x" * 41, 5.5, [], {}],
    "slug": ["a b", "é"],
    "email": ["x", "a@b", "@example.org", "a b@example.org"],
    "url": ["example.org", "javascript:alert(1)"],
    "address": ["10.0.0.256", "x", "2001:db8:::1"],
    "uuid": ["6f1c3f7e", 5, "z" * 32],
    "day": ["2026-02-30", "yesterday", "2026-1-1x", 5],
    "moment": ["2026-02-30T00:00:00Z", "noon", 5, "2026-01-01T25:00:00Z"],
    "clock": ["24:00:01", "x", 5],
    "span": ["x", "P1Z", []],
    "bytes": ["%%%", 5],
    "numbers": [5, ["x"], [[1]], [2147483648]],
    "words": ["a", [["a"]], ["x" * 21]],
    "integers": [5, {"lower": "x"}],
}

UNFILTERED = {"document"}  # `exact` of a whole document: see test_documents_are_found


class TypesTest(oracle.DjangoTest, ApiTest):
    models = ("every_type",)

    def test_every_type_is_tried(self):
        fields = {field.name for field in self.django.Sample._meta.concrete_fields} - {"id"}
        self.assertEqual(fields, set(GOOD))

    def test_values_go_in_and_come_out(self):
        for field, values in GOOD.items():
            for value in values:
                with self.subTest(field=field, value=str(value)[:80]):
                    row = self.ok(self.api.post("/api/sample", {field: value}), 201)
                    stored = self.django.Sample.objects.get(pk=row["id"])
                    self.same(row, oracle.columns(stored))
                    self.assertIsNotNone(getattr(stored, field))
                    self.assertEqual(self.ok(self.api.get("/api/sample/%d" % row["id"])), row)

    def test_what_was_read_finds_its_row(self):
        for field, values in GOOD.items():
            for value in values:
                if field in UNFILTERED:
                    continue
                with self.subTest(field=field, value=str(value)[:80]):
                    row = self.ok(self.api.post("/api/sample", {field: value}), 201)
                    found = self.rows("sample", {"filter": {field: row[field]}, "values_list": ["id"], "flat": True})
                    self.assertIn(row["id"], found)
                    others = self.rows("sample", {"exclude": {field: row[field]}, "values_list": ["id"], "flat": True})
                    self.assertNotIn(row["id"], others)
                    listed = self.rows("sample", {"filter": {field + "__in": [row[field]]}, "values_list": ["id"], "flat": True})
                    self.assertEqual(sorted(listed), sorted(found))

    def test_what_was_read_can_be_written_again(self):
        for field, values in GOOD.items():
            with self.subTest(field=field):
                row = self.ok(self.api.post("/api/sample", {field: values[-1]}), 201)
                again = self.ok(self.api.patch("/api/sample/%d" % row["id"], {field: row[field]}))
                self.assertEqual(again, row)

    def test_documents_are_found(self):
        made = {}
        for value in GOOD["document"]:
            made[str(value)] = self.ok(self.api.post("/api/sample", {"document": value}), 201)["id"]
        for value in GOOD["document"]:
            expected = self.django.Sample.objects.filter(document=value).values_list("pk", flat=True)
            with self.subTest(value=value):
                self.assertEqual(self.rows("sample", {"filter": {"document": value}, "values_list": ["id"], "flat": True,
                                                      "order_by": ["id"]}), sorted(expected))

    def test_null_goes_in_and_comes_out(self):
        row = self.ok(self.api.post("/api/sample", {field: None for field in GOOD}), 201)
        self.assertEqual({row[field] for field in GOOD}, {None})
        for field in GOOD:
            with self.subTest(field=field):
                found = self.rows("sample", {"filter": {field + "__isnull": True}, "values_list": ["id"], "flat": True})
                self.assertEqual(found, [row["id"]])

    def test_values_that_a_type_cannot_hold_are_refused(self):
        for field, values in BAD.items():
            for value in values:
                with self.subTest(field=field, value=value):
                    response = self.api.post("/api/sample", {field: value})
                    problem = self.assert_problem(response, 422, "ValidationError")
                    self.assertEqual(problem["pointer"].split("/")[1], field, response)
        self.assertEqual(self.sql("SELECT count(*) FROM sample"), [(0,)])

    def test_a_range_that_ends_before_it_begins(self):
        upside_down = {"lower": 5, "upper": 1, "bounds": "[)", "empty": False}
        self.assert_problem(self.api.post("/api/sample", {"integers": upside_down}), 400, "ValueError")

    def test_order_by_every_type(self):
        for field in GOOD:
            if field == "document":
                continue
            with self.subTest(field=field):
                self.reset()
                for value in GOOD[field]:
                    self.ok(self.api.post("/api/sample", {field: value}), 201)
                self.ok(self.api.post("/api/sample", {}), 201)
                self.assertEqual(
                    self.rows("sample", {"order_by": [field, "id"], "values_list": ["id"], "flat": True}),
                    list(self.django.Sample.objects.order_by(field, "id").values_list("id", flat=True)))


class StampedTest(oracle.DjangoTest, ApiTest):
    models = ("every_type",)

    def test_defaults_that_are_made_anew(self):
        rows = [self.ok(self.api.post("/api/stamped", {}), 201) for _ in range(2)]
        self.assertNotEqual(rows[0]["id"], rows[1]["id"])
        for row in rows:
            self.same(row, oracle.columns(self.django.Stamped.objects.get(pk=row["id"])))
            self.assertEqual((row["attributes"], row["tags"], row["level"], row["note"]), ({}, [], 3, ""))
        ages = self.sql("SELECT greatest(abs(extract(epoch FROM now() - made)), abs(extract(epoch FROM now() - changed)),"
                        " abs(extract(epoch FROM now() - since)))::float, made_on = (now() AT TIME ZONE 'UTC')::date FROM stamped")
        self.assertTrue(all(age < 60 and is_today for age, is_today in ages), ages)

    def test_auto_now_follows_a_change_and_auto_now_add_does_not(self):
        row = self.ok(self.api.post("/api/stamped", {}), 201)
        self.sql("UPDATE stamped SET made = '2020-01-01', changed = '2020-01-01'")
        changed = self.ok(self.api.patch("/api/stamped/" + row["id"], {"note": "x"}))
        self.assertEqual(changed["made"], "2020-01-01T00:00:00Z")
        self.assertGreater(changed["changed"], "2026")

    def test_an_update_of_many_rows_leaves_auto_now_alone(self):
        # As Django's update(), which saves no instances.
        self.ok(self.api.post("/api/stamped", {}), 201)
        self.sql("UPDATE stamped SET changed = '2020-01-01'")
        self.assertEqual(self.ok(self.api.post("/api/stamped/update", {"set": {"note": "x"}})), {"updated": 1})
        self.assertEqual([row["changed"] for row in self.rows("stamped")], ["2020-01-01T00:00:00Z"])

    def test_choices(self):
        self.assert_problem(self.api.post("/api/stamped", {"level": 9}), 422, "ValidationError", pointer="/level")
        self.assertEqual(self.ok(self.api.post("/api/stamped", {"level": 1}), 201)["level"], 1)

    def test_rows_are_named_by_their_uuid(self):
        row = self.ok(self.api.post("/api/stamped", {}), 201)
        self.assertEqual(self.ok(self.api.get("/api/stamped/" + row["id"])), row)
        self.assertEqual(self.ok(self.api.get("/api/stamped/" + row["id"].upper())), row)
        response = self.api.get("/api/stamped/not-a-uuid")
        self.assertEqual(response.status, 404, response)


if __name__ == "__main__":
    unittest.main()
