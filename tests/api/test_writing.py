"""Creating and changing rows: what is left in the tables is what Django leaves."""

import threading
import unittest
from decimal import Decimal

import oracle
import seeds
from django.db import IntegrityError
from django.db.models import Case, Count, F, OuterRef, Subquery, Value, When
from writing import WritingTest


class CreateTest(WritingTest):
    models = ("press",)
    seed = seeds.PRESS

    def test_defaults_are_filled_in(self):
        answered, expected = self.same_effect(
            lambda: self.ok(self.api.post("/api/book", {"title": "New", "author": 3}), 201),
            lambda: self.django.Book.objects.create(title="New", author_id=3))
        self.same(answered, oracle.columns(self.django.Book.objects.get(pk=expected.pk)))

    def test_every_kind_of_value(self):
        body = {"title": "Ünï % \\ ' \" \t\n€ 🎈", "author_id": 3, "editor": None, "publisher": 2, "price": "12.30",
                "pages": 12, "rating": 2.25, "published": "2024-02-29", "released": "2024-02-29T23:30:00.25+02:00",
                "in_print": False}
        row = self.ok(self.api.post("/api/book/create", body), 201)
        stored = self.django.Book.objects.get(pk=row["id"])
        self.same(row, oracle.columns(stored))
        self.assertEqual((stored.title, stored.price, stored.rating), (body["title"], Decimal("12.30"), 2.25))
        self.assertEqual(stored.released.isoformat(), "2024-02-29T21:30:00.250000+00:00")

    def test_a_given_key_is_kept(self):
        self.ok(self.api.post("/api/country", {"code": "PL", "name": "Poland"}), 201)
        self.assertTrue(self.django.Country.objects.filter(pk="PL").exists())
        self.ok(self.api.post("/api/publisher", {"id": 777, "name": "Far"}), 201)
        self.assertTrue(self.django.Publisher.objects.filter(pk=777).exists())

    def test_several_at_once(self):
        answered, _ = self.same_effect(
            lambda: self.ok(self.api.post("/api/publisher", [
                {"name": "One"}, {"name": "Two", "country": "DE"}, {"name": "Three", "founded": 1999}]), 201),
            lambda: self.django.Publisher.objects.bulk_create([
                self.django.Publisher(name="One"), self.django.Publisher(name="Two", country_id="DE"),
                self.django.Publisher(name="Three", founded=1999)]))
        rows = answered["results"] if isinstance(answered, dict) else answered
        self.assertEqual([row["name"] for row in rows], ["One", "Two", "Three"])

    def test_bulk_create(self):
        objects = [{"name": "House %d" % n, "founded": n} for n in range(1000)]
        for body in (objects, {"objects": objects}):
            self.same_effect(
                lambda: self.ok(self.api.post("/api/publisher/bulk_create", body), 201),
                lambda: self.django.Publisher.objects.bulk_create(
                    self.django.Publisher(name="House %d" % n, founded=n) for n in range(1000)))

    def test_one_bad_row_of_many_keeps_all_out(self):
        before = self.contents()
        response = self.api.post("/api/country", [{"code": "PL", "name": "Poland"}, {"code": "AA", "name": "Japan"}])
        self.assert_problem(response, 409, "IntegrityError", fields=["name"])
        response = self.api.post("/api/publisher", [{"name": "One"}, {"name": "x" * 81}])
        self.assert_problem(response, 422, "ValidationError", pointer="/1/name")
        self.assertEqual(self.contents(), before)

    def test_the_database_guards_uniqueness_and_foreign_keys(self):
        self.assert_problem(self.api.post("/api/country", {"code": "DE", "name": "Else"}), 409, "IntegrityError", fields=["code"])
        self.assert_problem(self.api.post("/api/chapter", {"book": 1, "number": 1}), 409, "IntegrityError",
                            fields=["book", "number"])
        self.assert_problem(self.api.post("/api/book", {"title": "x", "author": 999}), 409, "IntegrityError", fields=["author"])

    def test_a_related_row_found_by_lookups(self):
        row = self.ok(self.api.post("/api/book", {
            "title": "x", "author": {"name": "Dora Virtanen", "country": None}, "publisher": {"founded": 1911}}), 201)
        self.assertEqual(row["author_id"], self.django.Person.objects.get(name="Dora Virtanen", country=None).pk)
        self.assertEqual(row["publisher_id"], self.django.Publisher.objects.get(founded=1911).pk)
        self.assert_problem(self.api.post("/api/book", {"title": "x", "author": {"country": "DE"}}), 409,
                            "MultipleObjectsReturned", pointer="/author")
        self.assert_problem(self.api.post("/api/book", {"title": "x", "author": {"name": "nobody"}}), 404,
                            "DoesNotExist", pointer="/author")

    def test_through_a_related_manager(self):
        self.same_effect(
            lambda: self.ok(self.api.post("/api/book/3/chapter_set", {"number": 9, "title": "End"}), 201),
            lambda: self.django.Book.objects.get(pk=3).chapter_set.create(number=9, title="End"))
        self.same_effect(
            lambda: self.ok(self.api.post("/api/book/3/translators/create", {"name": "Newcomer"}), 201),
            lambda: self.django.Book.objects.get(pk=3).translators.create(name="Newcomer"))


class GetOrCreateTest(WritingTest):
    models = ("press",)
    seed = seeds.PRESS

    def test_what_is_there_is_found(self):
        before = self.contents()
        answer = self.ok(self.api.post("/api/country/get_or_create", {"lookup": {"code": "DE"}, "defaults": {"name": "Else"}}))
        self.assertIs(answer["created"], False)
        self.same(answer["result"], oracle.columns(self.django.Country.objects.get(pk="DE")))
        self.assertEqual(self.contents(), before)

    def test_what_is_not_there_is_made(self):
        answers, expected = self.same_effect(
            lambda: self.api.post("/api/publisher/get_or_create", {
                "lookup": {"name": "Fresh", "country": "FI"}, "defaults": {"founded": 2001}}),
            lambda: self.django.Publisher.objects.get_or_create(name="Fresh", country_id="FI", defaults={"founded": 2001}))
        self.assertIn(answers.status, (200, 201))
        self.assertIs(answers.json["created"], True)
        self.same(answers.json["result"], oracle.columns(expected[0]))

    def test_several_that_fit_are_refused(self):
        self.assert_problem(self.api.post("/api/person/get_or_create", {"lookup": {"country": "DE"}, "defaults": {"name": "x"}}),
                            409, "MultipleObjectsReturned")

    def test_many_at_the_same_time_make_one(self):
        answers, start = [], threading.Barrier(12)

        def ask():
            api = self.server.client()
            start.wait()
            answers.append(self.ok_any(api.post("/api/country/get_or_create", {
                "lookup": {"code": "PT"}, "defaults": {"name": "Portugal"}})))
            api.close()

        threads = [threading.Thread(target=ask) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(answers), 12)
        self.assertEqual(sum(answer["created"] for answer in answers), 1)
        self.assertEqual({answer["result"]["name"] for answer in answers}, {"Portugal"})

    def ok_any(self, response):
        self.assertIn(response.status, (200, 201), response)
        return response.json


class UpdateTest(WritingTest):
    models = ("press",)
    seed = seeds.PRESS

    def updates_as_django(self, model, body, queryset, **assignments):
        with self.subTest(body=body):
            answered, expected = self.same_effect(
                lambda: self.ok(self.api.post("/api/%s/update" % model, body)), lambda: queryset().update(**assignments))
            self.assertEqual(answered, {"updated": expected})

    def test_literals_and_fields(self):
        book = self.django.Book.objects
        self.updates_as_django("book", {"filter": {"pages__gt": 100}, "set": {"title": "Long", "rating": None}},
                               lambda: book.filter(pages__gt=100), title="Long", rating=None)
        self.updates_as_django("book", {"set": {"pages": {"+": [{"F": "pages"}, 10]}}}, book.all, pages=F("pages") + 10)
        self.updates_as_django("book", {"set": {"cost": {"*": [{"F": "cost"}, "1.05"]}, "pages": {"-": [{"F": "pages"}, {"F": "pages"}]}}},
                               book.all, cost=F("cost") * Decimal("1.05"), pages=F("pages") - F("pages"))
        self.updates_as_django("book", {"exclude": {"price": None}, "set": {"price": {"F": "cost"}, "cost": {"F": "price"}}},
                               lambda: book.exclude(price=None), price=F("cost"), cost=F("price"))

    def test_annotations_of_the_row(self):
        book = self.django.Book.objects
        self.updates_as_django("book", {"annotate": {"more": {"+": ["pages", 7]}}, "filter": {"more__gt": 100}, "set": {"pages": {"F": "more"}}},
                               lambda: book.annotate(more=F("pages") + 7).filter(more__gt=100), pages=F("more"))

    def test_relations(self):
        book = self.django.Book.objects
        self.updates_as_django("book", {"filter": {"publisher": None}, "set": {"publisher": 2}},
                               lambda: book.filter(publisher=None), publisher=2)
        self.updates_as_django("book", {"filter": {"editor__isnull": False}, "set": {"author": {"F": "editor"}}},
                               lambda: book.filter(editor__isnull=False), author=F("editor"))

    def test_rows_chosen_across_relations(self):
        book = self.django.Book.objects
        self.updates_as_django("book", {"filter": {"publisher__country__name": "Japan"}, "set": {"in_print": True}},
                               lambda: book.filter(publisher__country__name="Japan"), in_print=True)
        self.updates_as_django("book", {"filter": {"review__stars": 5}, "set": {"pages": {"+": [{"F": "pages"}, 1]}}},
                               lambda: book.filter(pk__in=book.filter(review__stars=5).values("pk")), pages=F("pages") + 1)
        self.updates_as_django("book", {"exclude": {"translators__country": "DE"}, "set": {"pages": 5}},
                               lambda: book.exclude(translators__country="DE"), pages=5)
        self.updates_as_django("book", {"annotate": {"n": {"Count": "review"}}, "filter": {"n__gte": 3}, "set": {"pages": 7}},
                               lambda: book.annotate(n=Count("review")).filter(n__gte=3), pages=7)

    def test_case_and_subquery(self):
        book = self.django.Book.objects
        self.updates_as_django(
            "book", {"set": {"title": {"Case": [{"when": {"pages__lt": 100}, "then": {"Value": "thin"}},
                                                {"default": {"Value": "thick"}}]}}},
            book.all, title=Case(When(pages__lt=100, then=Value("thin")), default=Value("thick")))
        publishers = self.django.Publisher.objects.filter(pk=OuterRef("publisher"))
        self.updates_as_django(
            "book", {"filter": {"publisher__founded__isnull": False}, "set": {"pages": {"Subquery": {
                "model": "Publisher", "filter": {"pk": {"OuterRef": "publisher"}}, "values_list": ["founded"]}}}},
            lambda: book.filter(publisher__founded__isnull=False), pages=Subquery(publishers.values("founded")))

    def test_a_field_of_several_other_rows_is_refused(self):
        before = self.contents()
        response = self.api.post("/api/book/update", {"set": {"title": {"F": "chapter__title"}}})
        self.assert_problem(response, 400, "FieldError")
        self.assertEqual(self.contents(), before)

    def test_a_slice_is_refused(self):
        before = self.contents()
        response = self.api.post("/api/book/update", {"order_by": ["id"], "limit": 3, "set": {"pages": 1}})
        self.assertEqual(response.status, 400, response)
        self.assertEqual(self.contents(), before)

    def test_a_change_that_breaks_a_constraint_changes_nothing(self):
        before = self.contents()
        with self.assertRaises(IntegrityError):
            self.django.Country.objects.update(name="Same")
        self.assert_problem(self.api.post("/api/country/update", {"set": {"name": "Same"}}), 409, "IntegrityError", fields=["name"])
        self.assert_problem(self.api.post("/api/book/update", {"filter": {"id__lt": 3}, "set": {"author": 999}}),
                            409, "IntegrityError", fields=["author"])
        self.assertEqual(self.contents(), before)

    def test_through_a_related_manager(self):
        self.updates_as_django("person/2/written", {"filter": {"pages__gt": 10}, "set": {"pages": 11}},
                               lambda: self.django.Person.objects.get(pk=2).written.filter(pages__gt=10), pages=11)


class RowTest(WritingTest):
    models = ("press",)
    seed = seeds.PRESS

    def change(self, pk, **values):
        book = self.django.Book.objects.get(pk=pk)
        for name, value in values.items():
            setattr(book, name, value)
        book.save()
        return book

    def test_patch_changes_what_it_names(self):
        answered, _ = self.same_effect(
            lambda: self.ok(self.api.patch("/api/book/4", {"title": "Patched", "publisher": None, "price": "3.50"})),
            lambda: self.change(4, title="Patched", publisher_id=None, price=Decimal("3.50")))
        self.same(answered, oracle.columns(self.django.Book.objects.get(pk=4)))

    def test_patch_takes_expressions(self):
        self.same_effect(lambda: self.ok(self.api.patch("/api/book/4", {"pages": {"+": [{"F": "pages"}, 1]}})),
                         lambda: self.change(4, pages=F("pages") + 1))

    def test_put_replaces_the_row(self):
        self.assert_problem(self.api.put("/api/book/4", {"title": "Half"}), 422, "ValidationError", pointer="/author")
        row = self.ok(self.api.put("/api/book/4", {"title": "Whole", "author": 5}))
        self.assertEqual((row["id"], row["title"], row["author_id"], row["price"], row["cost"], row["pages"]),
                         (4, "Whole", 5, None, "1.00", 0))
        self.same(row, oracle.columns(self.django.Book.objects.get(pk=4)))

    def test_patch_of_every_row_that_lookups_find(self):
        answered, expected = self.same_effect(
            lambda: self.ok(self.api.patch("/api/book", {"pages": 1}, "publisher__name=Argo&pages__gt=10")),
            lambda: self.django.Book.objects.filter(publisher__name="Argo", pages__gt=10).update(pages=1))
        self.assertEqual(answered, {"updated": expected})

    def test_patch_of_every_row_when_it_is_said(self):
        answered, expected = self.same_effect(
            lambda: self.ok(self.api.patch("/api/publisher", {"founded": 1}, "all=true")),
            lambda: self.django.Publisher.objects.update(founded=1))
        self.assertEqual(answered, {"updated": expected})

    def test_a_row_that_is_not_there(self):
        self.assert_problem(self.api.patch("/api/book/999", {"title": "x"}), 404, "DoesNotExist")
        self.assert_problem(self.api.put("/api/country/QQ", {"name": "x"}), 404, "DoesNotExist")


class RelatedTest(WritingTest):
    models = ("press",)
    seed = seeds.PRESS

    def changes_as_django(self, path, body, manager, method, *arguments):
        with self.subTest(path=path, body=body):
            self.same_effect(lambda: self.ok(self.api.post("/api/%s/%s" % (path, method), body)),
                             lambda: getattr(manager(), method)(*arguments), without=("id",))

    def book(self):
        return self.django.Book.objects.get(pk=5)

    def person(self):
        return self.django.Person.objects.get(pk=4)

    def test_many_to_many(self):
        translators = lambda: self.book().translators  # noqa: E731
        self.changes_as_django("book/5/translators", {"objects": [1, 2, 3]}, translators, "add", 1, 2, 3)
        self.reset()
        have = [person.pk for person in self.book().translators.all()]
        self.assertTrue(have)
        other = 7 if 7 not in have else 8
        self.changes_as_django("book/5/translators", {"objects": have + [other, other]}, translators, "add", other)
        self.changes_as_django("book/5/translators", {"objects": have[:1] + [29]}, translators, "remove", have[0], 29)
        self.changes_as_django("book/5/translators", {"objects": have[:1] + [8, 9]}, translators, "set", [have[0], 8, 9])
        self.changes_as_django("book/5/translators", {"objects": []}, translators, "set", [])
        self.changes_as_django("book/5/translators", None, translators, "clear")

    def test_many_to_many_from_the_other_side(self):
        translations = lambda: self.person().translations  # noqa: E731
        self.changes_as_django("person/4/translations", {"objects": [1, 2, 3]}, translations, "add", 1, 2, 3)
        self.changes_as_django("person/4/translations", {"objects": [50, 51]}, translations, "set", [50, 51])
        self.changes_as_django("person/4/translations", None, translations, "clear")

    def test_many_to_many_to_the_same_model(self):
        friends = lambda: self.person().friends  # noqa: E731
        self.changes_as_django("person/4/friends", {"objects": [1, 2]}, friends, "add", 1, 2)
        self.changes_as_django("person/4/friends", None, friends, "clear")
        self.reset()
        have = [person.pk for person in self.person().friends.all()]
        self.assertTrue(have)
        self.changes_as_django("person/4/friends", {"objects": have[:1]}, friends, "remove", have[0])
        self.changes_as_django("person/4/friends", {"objects": [10, 11]}, friends, "set", [10, 11])
        self.changes_as_django("person/4/follows", {"objects": [25, 26]}, lambda: self.person().follows, "add", 25, 26)
        self.changes_as_django("person/9/followers", {"objects": [4]}, lambda: self.django.Person.objects.get(pk=9).followers,
                               "set", [4])

    def test_objects_named_by_lookups(self):
        person = self.django.Person.objects.get(name="Dora Virtanen")
        self.changes_as_django("book/5/translators", {"objects": [{"name": "Dora Virtanen"}, 6]},
                               lambda: self.book().translators, "add", person.pk, 6)

    def test_a_reverse_foreign_key(self):
        objects = self.django.Book.objects
        publisher = lambda: self.django.Publisher.objects.get(pk=2)  # noqa: E731
        self.changes_as_django("publisher/2/books", {"objects": [1, 2, 3]}, lambda: publisher().books, "add",
                               *objects.filter(pk__in=[1, 2, 3]))
        self.reset()
        have = list(publisher().books.all())
        self.changes_as_django("publisher/2/books", {"objects": [have[0].pk]}, lambda: publisher().books, "remove", have[0])
        self.changes_as_django("publisher/2/books", {"objects": [have[0].pk, 7]}, lambda: publisher().books, "set",
                               list(objects.filter(pk__in=[have[0].pk, 7])))
        self.changes_as_django("publisher/2/books", None, lambda: publisher().books, "clear")

    def test_rows_that_must_have_an_owner_are_not_taken_away(self):
        before = self.contents()
        for method in ("remove", "clear"):
            response = self.api.post("/api/book/5/chapter_set/" + method, {"objects": [1]} if method == "remove" else None)
            self.assertIn(response.status, (400, 404, 405), response)
        self.assertEqual(self.contents(), before)

    def test_an_unknown_object_adds_none(self):
        before = self.contents()
        response = self.api.post("/api/book/5/translators/add", {"objects": [1, 999]})
        self.assertEqual(response.status, 409, response)
        response = self.api.post("/api/book/5/translators/add", {"objects": [1, {"name": "nobody"}]})
        self.assert_problem(response, 404, "DoesNotExist", pointer="/objects/1")
        response = self.api.post("/api/book/999/translators/add", {"objects": [1]})
        self.assert_problem(response, 404, "DoesNotExist")
        self.assertEqual(self.contents(), before)


class ThroughTest(WritingTest):
    models = ("fleet_grants",)
    seed = seeds.FLEET_GRANTS

    def admin(self):
        return self.django.Administrator.objects.get(pk=1)

    def test_a_join_table_of_ones_own(self):
        for body, call in [
            ({"objects": [2, 3], "through_defaults": {"permission_level": "admin", "is_active": False}},
             lambda: self.admin().servers.add(2, 3, through_defaults={"permission_level": "admin", "is_active": False})),
            ({"objects": [1, 2], "through_defaults": {"permission_level": "read"}},
             lambda: self.admin().servers.add(1, 2, through_defaults={"permission_level": "read"})),
        ]:
            self.same_effect(lambda: self.ok(self.api.post("/api/administrator/1/servers/add", body)), call, without=("id",))
        self.same_effect(lambda: self.ok(self.api.post("/api/administrator/1/servers/remove", {"objects": [1, 2]})),
                         lambda: self.admin().servers.remove(1, 2))
        self.same_effect(
            lambda: self.ok(self.api.post("/api/administrator/1/servers/set", {
                "objects": [5, 6], "through_defaults": {"permission_level": "read"}})),
            lambda: self.admin().servers.set([5, 6], through_defaults={"permission_level": "read"}), without=("id",))
        self.same_effect(lambda: self.ok(self.api.post("/api/administrator/1/servers/clear")),
                         lambda: self.admin().servers.clear())

    def test_the_rows_of_a_join_table_are_judged_too(self):
        before = self.contents()
        response = self.api.post("/api/administrator/1/servers/add", {
            "objects": [2], "through_defaults": {"permission_level": "root"}})
        self.assert_problem(response, 422, "ValidationError", pointer="/through_defaults/permission_level")
        self.assertEqual(self.contents(), before)


if __name__ == "__main__":
    unittest.main()
