"""bulk_update: each row its own values in one statement; what is left is what Django's bulk_update leaves."""

import unittest
from decimal import Decimal

import oracle
import seeds
from django.db.models import Case, F, Value, When
from psycopg2.extras import DateRange, NumericRange
from test_types import GOOD
from writing import WritingTest


def path(name):
    return {"F": name}


class BulkUpdateTest(WritingTest):
    models = ("press",)
    seed = seeds.PRESS

    def updates_as_django(self, model, body, objects, fields):
        """`objects`: {pk: {attname: value}}."""
        manager = getattr(self.django, model).objects

        def theirs():
            found = []
            for pk, values in objects.items():
                instance = manager.model(pk=pk)
                for name, value in values.items():
                    setattr(instance, name, value)
                found.append(instance)
            manager.bulk_update(found, fields)

        with self.subTest(str(body)[:200]):
            response = None

            def ours():
                nonlocal response
                response = self.api.post("/api/%s/bulk_update" % model.lower(), body)
                return self.ok(response)

            self.same_effect(ours, theirs)
            return response

    def test_values_of_their_own(self):
        titles = {pk: {"title": "Title %d" % pk, "pages": pk * 3} for pk in range(1, 61)}
        objects = [dict(values, id=pk) for pk, values in titles.items()]
        for body in (objects, {"objects": objects}, {"objects": objects, "fields": ["title", "pages"]},
                     {"objects": objects[::-1], "batch_size": 7}):
            response = self.updates_as_django("Book", body, titles, ["title", "pages"])
            self.assertEqual(response.json, {"updated": 60})
            self.assert_statements(response, 1)

    def test_nulls_relations_and_every_name(self):
        self.updates_as_django(
            "Book",
            [{"pk": 1, "publisher": None, "author": 3, "price": "1.10", "rating": None, "released": "2024-02-29T23:30:00.25+02:00"},
             {"id": "2", "publisher_id": 2, "author_id": 4, "price": None, "rating": 2.5, "released": None}],
            {1: {"publisher_id": None, "author_id": 3, "price": Decimal("1.10"), "rating": None,
                 "released": oracle.moment("2024-02-29T21:30:00.25Z")},
             2: {"publisher_id": 2, "author_id": 4, "price": None, "rating": 2.5, "released": None}},
            ["publisher", "author", "price", "rating", "released"])
        self.updates_as_django("Country", [{"code": "DE", "name": "x"}, {"code": "FI", "name": "y"}],
                               {"DE": {"name": "x"}, "FI": {"name": "y"}}, ["name"])

    def test_a_related_row_found_by_lookups(self):
        dora = self.django.Person.objects.get(name="Dora Virtanen").pk
        self.updates_as_django("Book", [{"id": 1, "author": {"name": "Dora Virtanen"}}, {"id": 2, "author": 4}],
                               {1: {"author_id": dora}, 2: {"author_id": 4}}, ["author"])
        self.assert_problem(self.api.post("/api/book/bulk_update", [{"id": 1, "author": {"name": "nobody"}}]), 404, "DoesNotExist",
                            pointer="/0/author")

    def test_objects_that_set_different_fields(self):
        response = self.api.post("/api/book/bulk_update", [
            {"id": 1, "title": "one"}, {"id": 2, "pages": 2}, {"id": 3, "title": "three"}, {"id": 4, "pages": 4, "title": "four"}])
        self.assertEqual(self.ok(response), {"updated": 4})
        self.assert_statements(response, 4)  # the rows locked, and one for each set of fields
        self.assertEqual(self.sql("SELECT title, pages FROM book WHERE id <= 4 ORDER BY id"),
                         [("one", 53), ("a Garden of C 2", 2), ("three", 159), ("four", 4)])

    def test_only_the_fields_listed_are_set(self):
        self.updates_as_django("Book", {"objects": [{"id": 1, "title": "x", "pages": 5}, {"id": 2, "title": "y", "pages": 6, "price": "1.00"}],
                                        "fields": ["pages"]}, {1: {"pages": 5}, 2: {"pages": 6}}, ["pages"])

    def test_expressions(self):
        self.updates_as_django("Book", [{"id": pk, "pages": {"+": [path("pages"), 10]}, "title": "t%d" % pk} for pk in range(1, 40)],
                               {pk: {"pages": F("pages") + 10, "title": "t%d" % pk} for pk in range(1, 40)}, ["pages", "title"])
        self.updates_as_django("Book", [{"id": 1, "pages": {"+": [path("pages"), 10]}}, {"id": 2, "pages": {"*": [path("pages"), 2]}}, {"id": 3, "pages": 7}],
                               {1: {"pages": F("pages") + 10}, 2: {"pages": F("pages") * 2}, 3: {"pages": 7}}, ["pages"])
        self.updates_as_django(
            "Book", [{"id": 1, "cost": path("price"), "price": path("cost")},
                     {"id": 2, "cost": {"Case": [{"when": {"pages__gt": 3}, "then": {"Value": "2.00"}}, {"default": path("cost")}]}, "price": "3.00"}],
            {1: {"cost": F("price") + Decimal(0), "price": F("cost") + Decimal(0)},  # 3.2 takes no bare F here
             2: {"cost": Case(When(pages__gt=3, then=Value(Decimal("2.00"))), default=F("cost"),
                              output_field=self.django.Book._meta.get_field("cost")), "price": Decimal("3.00")}}, ["cost", "price"])

    def test_expressions_across_relations(self):
        answer = self.ok(self.api.post("/api/book/bulk_update", {
            "objects": [{"id": pk, "rating": path("publisher__founded"), "pages": pk} for pk in (1, 7, 3)], "returning": ["id", "rating", "pages"]}))
        founded = dict(self.sql("SELECT b.id, p.founded FROM book b LEFT JOIN publisher p ON p.id = b.publisher_id"))
        self.assertEqual(answer, {"updated": 3, "results": [{"id": pk, "rating": founded[pk], "pages": pk} for pk in (1, 7, 3)]})
        self.assertIsNone(founded[7])

    def test_rows_that_are_not_there(self):
        answer = self.ok(self.api.post("/api/book/bulk_update", {"objects": [{"id": 999, "pages": 1}, {"id": 2, "pages": 1}], "returning": ["id"]}))
        self.assertEqual(answer, {"updated": 1, "results": [{"id": 2}]})
        self.assertEqual(self.ok(self.api.post("/api/book/bulk_update", {"objects": []})), {"updated": 0})

    def test_rows_come_in_the_order_of_the_objects(self):
        order = [5, 3, 9, 1, 7, 2]
        for objects in ([{"id": pk, "pages": pk} for pk in order],
                        [{"id": pk, "pages": pk} if pk % 2 else {"id": pk, "pages": pk, "title": "x"} for pk in order]):
            answer = self.ok(self.api.post("/api/book/bulk_update", {"objects": objects, "returning": ["pages", "pk"]}))
            self.assertEqual(answer, {"updated": 6, "results": [{"pages": pk, "pk": pk} for pk in order]})

    def test_through_a_related_manager(self):
        mine = [book.pk for book in self.django.Book.objects.filter(publisher=2)]
        self.same_effect(
            lambda: self.ok(self.api.post("/api/publisher/2/books/bulk_update", [{"id": pk, "pages": 5} for pk in range(1, 61)])),
            lambda: self.django.Book.objects.filter(pk__in=mine).update(pages=5))
        people = [person.pk for person in self.django.Book.objects.get(pk=5).translators.all()]
        self.assertTrue(people)
        self.same_effect(
            lambda: self.ok(self.api.post("/api/book/5/translators/bulk_update", [{"id": pk, "nickname": "n"} for pk in range(1, 31)])),
            lambda: self.django.Person.objects.filter(pk__in=people).update(nickname="n"))
        self.assert_problem(self.api.post("/api/publisher/999/books/bulk_update", [{"id": 1, "pages": 5}]), 404, "DoesNotExist")

    def test_what_is_refused(self):
        before = self.contents()
        for body, status, title, pointer, detail in (
            ([{"pages": 1}], 400, "ValueError", "/0", "primary key"),
            ([{"id": None, "pages": 1}], 400, "ValueError", "/0/id", "primary key"),
            ([{"id": "x", "pages": 1}], 400, "ValueError", "/0/id", "integer"),
            ([{"id": 1}], 400, "ValueError", "/0", "nothing to set"),
            ([{"id": 1, "pages": 1}, {"id": 2, "pages": 1}, {"pk": "1", "pages": 3}], 400, "ValueError", "/2", "twice, first at /0"),
            ([{"id": 1, "pk": 1, "pages": 1}], 400, "FieldError", "/0/pk", "another name"),
            ([{"id": 1, "pagse": 1}], 400, "FieldError", "/0/pagse", "no field named"),
            ([{"id": 1, "translators": [1]}], 400, "TypeError", "/0/translators", "many-to-many"),
            ([{"id": 1, "pages": {"F": "pagse"}}], 400, "FieldError", "/0/pages/F", "pagse"),
            ([{"id": 1, "pages": {"F": "title"}}], 400, "TypeError", "/0/pages", "Cast"),
            ([{"id": 1, "pages": {"F": "chapter__words"}}], 400, "FieldError", "/0/pages", "Subquery"),
            ([5], 400, "ValueError", "/0", "object"),
            ({"objects": 5}, 400, "ValueError", "/objects", "array"),
            ({}, 400, "ValueError", "", "array"),
            ({"objects": [], "fields": []}, 400, "ValueError", "/fields", "Field names must be given"),
            ({"objects": [], "fields": ["id"]}, 400, "ValueError", "/fields/0", "primary key"),
            ({"objects": [], "fields": ["pagse"]}, 400, "FieldError", "/fields/0", "pagse"),
            ({"objects": [], "fields": "pages"}, 400, "ValueError", "/fields", "list"),
            ({"objects": [{"id": 1, "title": "x"}], "fields": ["pages", "title"]}, 400, "ValueError", "/objects/0", "'pages'"),
            ({"objects": [], "batch_size": 0}, 400, "ValueError", "/batch_size", "positive"),
            ({"objects": [], "filter": {}}, 400, "BadRequest", "/filter", "filter"),
            ([{"id": 1, "pages": 1}, {"id": 2, "pages": -1}], 422, "ValidationError", "/1/pages", "greater"),
            ([{"id": 1, "title": "x"}, {"id": 2, "title": "x" * 121}], 422, "ValidationError", "/1/title", "at most 120"),
            ([{"id": 1, "title": None}], 422, "ValidationError", "/0/title", "null"),
            ([{"id": 1, "author": 1}, {"id": 2, "author": 999}], 409, "IntegrityError", None, "Person"),
        ):
            with self.subTest(str(body)[:150]):
                members = {"pointer": pointer, "detail": detail} if pointer is not None else {"detail": detail}
                self.assert_problem(self.api.post("/api/book/bulk_update", body), status, title, **members)
        response = self.api.post("/api/country/bulk_update", [{"code": "DE", "name": "x"}, {"code": "FI", "name": "x"}])
        self.assert_problem(response, 409, "IntegrityError", fields=["name"])
        self.assertEqual(self.contents(), before)

    def test_every_mistake_is_told_at_once(self):
        problem = self.assert_problem(self.api.post("/api/book/bulk_update", [
            {"id": 1, "pages": -1, "title": ""}, {"id": 2, "pages": 1}, {"id": 3, "price": "x"}]), 422, "ValidationError")
        self.assertEqual(sorted(error["pointer"] for errors in problem["errors"].values() for error in errors),
                         ["/0/pages", "/0/title", "/2/price"])

    def test_hostile_texts_stay_texts(self):
        hostile = ["'; DROP TABLE book; --", "$1", "\\", "\"", "{}", "{a,b}", "NULL", "null", "%_", "a\nb", "🎈", ",", " "]
        answer = self.ok(self.api.post("/api/book/bulk_update", {
            "objects": [{"id": pk + 1, "title": text} for pk, text in enumerate(hostile)], "returning": ["title"]}))
        self.assertEqual([row["title"] for row in answer["results"]], hostile)
        self.assertEqual([row[0] for row in self.sql("SELECT title FROM book WHERE id <= %s ORDER BY id", [len(hostile)])], hostile)

    def test_a_text_key_is_not_an_array(self):
        self.sql("INSERT INTO country VALUES ('\"''', 'quote'), ('\\,', 'comma'), ('{}', 'braces')")
        answer = self.ok(self.api.post("/api/country/bulk_update", {
            "objects": [{"code": code, "name": "name " + code} for code in ("\"'", "\\,", "{}")], "returning": True}))
        self.assertEqual(answer["results"], [{"code": code, "name": "name " + code} for code in ("\"'", "\\,", "{}")])


class EveryTypeTest(WritingTest):
    models = ("every_type",)
    seed = "INSERT INTO sample SELECT FROM generate_series(1, 12)"

    def test_a_value_of_every_type(self):
        self.sql("TRUNCATE stamped")
        for name, values in GOOD.items():
            with self.subTest(name):
                self.reset()
                given = (values + [None])[:12]
                stored = self.ok(self.api.post("/api/sample/bulk_create", [{name: value} for value in given]), 201)["results"]
                answer = self.ok(self.api.post("/api/sample/bulk_update", {
                    "objects": [{"id": 1 + number, name: {"Value": None} if value is None and name == "document" else value}
                                for number, value in enumerate(given)], "returning": [name]}))
                self.assertEqual([row[name] for row in answer["results"]], [row[name] for row in stored])

    def test_as_django(self):
        sample = self.django.Sample
        values = {
            1: {"numbers": [1, 2], "words": ["a", None, "b,\"c"], "document": {"a": [1, {"b": None}]}, "integers": NumericRange(1, 5),
                "dates": DateRange(), "bytes": b"\x00\xff"},
            2: {"numbers": [], "words": None, "document": None, "integers": None, "dates": None, "bytes": b""},
        }

        def theirs():
            sample.objects.bulk_update([sample(pk=pk, **row) for pk, row in values.items()], list(values[1]))

        self.same_effect(lambda: self.ok(self.api.post("/api/sample/bulk_update", [
            {"id": 1, "numbers": [1, 2], "words": ["a", None, "b,\"c"], "document": {"a": [1, {"b": None}]},
             "integers": {"lower": 1, "upper": 5}, "dates": {"lower": None, "upper": None}, "bytes": "AP8="},
            {"id": 2, "numbers": [], "words": None, "document": None, "integers": None, "dates": None, "bytes": ""}])), theirs)

    def contents(self, without=()):
        return {table: self.sql("SELECT row::text FROM %s AS row ORDER BY row.id" % table) for table in self.tables}

    def test_keys_that_are_uuids(self):
        rows = self.ok(self.api.post("/api/stamped/bulk_create", [{}, {}, {}]), 201)["results"]
        answer = self.ok(self.api.post("/api/stamped/bulk_update", {
            "objects": [{"id": row["id"].upper(), "note": "n%d" % number, "tags": ["t"] * (number + 1)} for number, row in enumerate(rows)],
            "returning": ["id", "note", "tags", "changed"]}))
        self.assertEqual([(row["id"], row["note"], row["tags"]) for row in answer["results"]],
                         [(row["id"], "n%d" % number, ["t"] * (number + 1)) for number, row in enumerate(rows)])
        self.assertEqual([row["changed"] for row in answer["results"]], [row["changed"] for row in rows])
        same = [{"id": rows[0]["id"], "note": "a"}, {"id": rows[0]["id"].upper().replace("-", ""), "note": "b"}]
        self.assert_problem(self.api.post("/api/stamped/bulk_update", same), 400, "ValueError", pointer="/1", detail="twice")


class CompositeTest(WritingTest):
    models = ("composite",)
    seed = """INSERT INTO hall (name) VALUES ('h'), ('g');
              INSERT INTO seat (hall_id, line, number, code, note) SELECT 1 + n % 2, l, n, l || n, '' FROM unnest(ARRAY['a', 'b,"']) l, generate_series(1, 5) n"""

    def test_rows_by_all_parts_of_the_key(self):
        answer = self.ok(self.api.post("/api/seat/bulk_update", {
            "objects": [{"line": "b,\"", "number": 2, "note": "x"}, {"line": "a", "number": 2, "note": "y"}, {"line": "z", "number": 2, "note": "z"}],
            "returning": ["line", "number", "note"]}))
        self.assertEqual(answer, {"updated": 2, "results": [{"line": "b,\"", "number": 2, "note": "x"}, {"line": "a", "number": 2, "note": "y"}]})
        self.assertEqual(self.sql("SELECT count(*) FROM seat WHERE note <> ''"), [(2,)])
        answer = self.ok(self.api.post("/api/hall/1/seat_set/bulk_update", [{"line": "a", "number": number, "note": "mine"} for number in range(1, 6)]))
        self.assertEqual(answer, {"updated": 2})
        self.assert_problem(self.api.post("/api/seat/bulk_update", [{"line": "a", "note": "x"}]), 400, "ValueError", pointer="/0", detail="number")
        self.assert_problem(self.api.post("/api/seat/bulk_update", [{"line": "a", "number": 1, "note": "x"}, {"line": "a", "number": 1, "note": "y"}]),
                            400, "ValueError", pointer="/1", detail="twice")


if __name__ == "__main__":
    unittest.main()
