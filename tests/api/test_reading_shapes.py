"""Annotations, groups, order, projections and the methods that read: Quern's answers are Django's."""

import unittest
from decimal import Decimal

import oracle
from django.db.models import Avg, Case, Count, F, Max, Min, Q, Sum, Value, When
from django.db.models.functions import Coalesce
from reading import ReadingTest


class AnnotateTest(ReadingTest):
    def test_each_aggregate_of_a_relation(self):
        for described, aggregate in [
            ({"Count": "review"}, Count("review")),
            ({"Count": {"expr": "review__reviewer", "distinct": True}}, Count("review__reviewer", distinct=True)),
            ({"Sum": "review__stars"}, Sum("review__stars")),
            ({"Avg": "review__stars"}, Avg("review__stars")),
            ({"Min": "review__written_at"}, Min("review__written_at")),
            ({"Max": "review__text"}, Max("review__text")),
            ({"Sum": {"expr": "chapter__words", "default": 0}}, Coalesce(Sum("chapter__words"), 0)),
            ({"Count": {"expr": "review", "filter": {"review__stars__gte": 4}}},
             Count("review", filter=Q(review__stars__gte=4))),
            ({"Avg": {"expr": "chapter__words", "filter": {"chapter__number__lt": 3}}},
             Avg("chapter__words", filter=Q(chapter__number__lt=3))),
            ({"Count": "translators"}, Count("translators")),
            ({"Max": {"*": ["review__stars", 2]}}, Max(F("review__stars") * 2)),
        ]:
            self.compare("book", {"annotate": {"n": described}, "order_by": ["pk"]},
                         self.django.Book.objects.annotate(n=aggregate).order_by("pk"))

    def test_aggregates_of_numbers_of_every_kind(self):
        publisher = self.django.Publisher.objects
        for column in ("price", "pages", "rating"):
            for function, aggregate in (("Sum", Sum), ("Avg", Avg), ("Min", Min), ("Max", Max)):
                self.compare("publisher", {"annotate": {"n": {function: "book__" + column}}, "order_by": ["pk"]},
                             publisher.annotate(n=aggregate("book__" + column)).order_by("pk"))

    def test_two_counts_at_once_are_both_right(self):
        reviews = dict(self.django.Book.objects.annotate(n=Count("review")).values_list("pk", "n"))
        chapters = dict(self.django.Book.objects.annotate(n=Count("chapter")).values_list("pk", "n"))
        words = dict(self.django.Book.objects.annotate(n=Sum("chapter__words")).values_list("pk", "n"))
        self.assertTrue(any(reviews[pk] > 1 and chapters[pk] > 1 for pk in reviews))
        self.compare("book", {
            "annotate": {"reviews_": {"Count": "review"}, "chapters_": {"Count": "chapter"}, "words_": {"Sum": "chapter__words"}},
            "values": ["id", "reviews_", "chapters_", "words_"], "order_by": ["pk"],
        }, [{"id": pk, "reviews_": reviews[pk], "chapters_": chapters[pk], "words_": words[pk]} for pk in sorted(reviews)])

    def test_a_count_is_not_multiplied_by_a_filter_over_another_relation(self):
        reviews = dict(self.django.Book.objects.annotate(n=Count("review")).values_list("pk", "n"))
        ids = self.django.Book.objects.filter(chapter__words__gt=100).distinct().values_list("pk", flat=True)
        self.assertTrue(list(ids))
        self.compare("book", [
            {"annotate": {"n": {"Count": "review"}}}, {"filter": {"chapter__words__gt": 100}},
            {"distinct": True, "order_by": ["pk"], "values": ["id", "n"]},
        ], [{"id": pk, "n": reviews[pk]} for pk in sorted(ids)])

    def test_a_count_of_the_rows_that_a_filter_before_it_keeps(self):
        self.compare("book", [
            {"filter": {"review__stars__gte": 4}}, {"annotate": {"n": {"Count": "review"}}}, {"order_by": ["pk"]},
        ], self.django.Book.objects.filter(review__stars__gte=4).annotate(n=Count("review")).order_by("pk"))

    def test_a_filter_on_an_annotation_comes_after_it(self):
        book = self.django.Book.objects
        for body, queryset in [
            ({"annotate": {"n": {"Count": "review"}}, "filter": {"n__gte": 3}},
             book.annotate(n=Count("review")).filter(n__gte=3)),
            ({"annotate": {"n": {"Count": "review"}}, "filter": {"n__gt": 1, "pages__gt": 100}},
             book.filter(pages__gt=100).annotate(n=Count("review")).filter(n__gt=1)),
            ({"annotate": {"n": {"Count": "review"}}, "exclude": {"n": 0}}, book.annotate(n=Count("review")).exclude(n=0)),
            ({"annotate": {"n": {"Count": "review"}}, "filter": {"or": [{"n__gte": 5}, {"pages__lt": 30}]}},
             book.annotate(n=Count("review")).filter(Q(n__gte=5) | Q(pages__lt=30))),
            ({"annotate": {"n": {"Count": "review"}}, "filter": {"n__gt": {"F": "rating"}}},
             book.annotate(n=Count("review")).filter(n__gt=F("rating"))),
            ({"annotate": {"margin": {"-": ["price", "cost"]}}, "filter": {"margin__gt": "10"}},
             book.annotate(margin=F("price") - F("cost")).filter(margin__gt=10)),
        ]:
            self.compare("book", dict(body, order_by=["pk"]), queryset.order_by("pk"))

    def test_columns_reckon_with_each_other(self):
        book = self.django.Book.objects
        for described, expression in [
            ({"-": ["price", "cost"]}, F("price") - F("cost")),
            ({"*": ["pages", 2]}, F("pages") * 2),
            ({"+": ["pages", "publisher__founded"]}, F("pages") + F("publisher__founded")),
            ({"-": ["pages", 1, "id"]}, F("pages") - 1 - F("id")),
            ({"*": ["price", {"+": ["cost", {"Value": "1.50"}]}]}, F("price") * (F("cost") + Decimal("1.50"))),
            ({"%": ["pages", 7]}, F("pages") % 7),
        ]:
            self.compare("book", {"annotate": {"x": described}, "order_by": ["pk"]},
                         book.annotate(x=expression).order_by("pk"))

    def test_later_annotations_may_name_earlier_ones(self):
        self.compare("book", {
            "annotate": {"margin": {"-": ["price", "cost"]}, "twice": {"*": ["margin", 2]}}, "order_by": ["pk"],
        }, self.django.Book.objects.annotate(margin=F("price") - F("cost")).annotate(twice=F("margin") * 2).order_by("pk"))

    def test_a_field_of_a_relation_under_another_name(self):
        self.compare("book", {"annotate": {"house": {"F": "publisher__name"}}, "order_by": ["pk"]},
                     self.django.Book.objects.annotate(house=F("publisher__name")).order_by("pk"))

    def test_an_alias_is_not_answered(self):
        self.compare("book", {"alias": {"n": {"Count": "review"}}, "filter": {"n__gte": 3}, "order_by": ["-n", "id"]},
                     self.django.Book.objects.alias(n=Count("review")).filter(n__gte=3).order_by("-n", "id"))

    def test_a_case_chooses(self):
        self.compare("book", {
            "annotate": {"size": {"Case": [
                {"when": {"pages__lt": 100}, "then": {"Value": "thin"}},
                {"when": {"pages__lt": 250, "in_print": True}, "then": {"Value": "middling"}},
                {"default": {"Value": "thick"}},
            ]}},
            "order_by": ["pk"],
        }, self.django.Book.objects.annotate(size=Case(
            When(pages__lt=100, then=Value("thin")), When(pages__lt=250, in_print=True, then=Value("middling")),
            default=Value("thick"))).order_by("pk"))


class GroupTest(ReadingTest):
    def test_groups_with_their_aggregates(self):
        book = self.django.Book.objects
        for body, queryset in [
            ({"group_by": ["publisher__name"], "annotate": {"n": {"Count": "id"}}, "order_by": ["publisher__name"]},
             book.values("publisher__name").annotate(n=Count("id")).order_by("publisher__name")),
            ({"group_by": ["in_print", "author"], "annotate": {"n": {"Count": "*"}, "top": {"Max": "price"}},
              "order_by": ["in_print", "author"]},
             book.values("in_print", "author").annotate(n=Count("*"), top=Max("price")).order_by("in_print", "author")),
            ({"group_by": ["publisher"], "annotate": {"n": {"Count": "id"}}, "filter": {"n__gt": 6}, "order_by": ["-n", "publisher"]},
             book.values("publisher").annotate(n=Count("id")).filter(n__gt=6).order_by("-n", "publisher")),
            ({"filter": {"pages__gt": 100}, "group_by": ["publisher__country__name"], "annotate": {"pages_": {"Sum": "pages"}},
              "order_by": ["publisher__country__name"]},
             book.filter(pages__gt=100).values("publisher__country__name").annotate(pages_=Sum("pages")).order_by(
                 "publisher__country__name")),
            ({"group_by": ["published__year"], "annotate": {"n": {"Count": "id"}}, "order_by": ["published__year"]},
             book.values("published__year").annotate(n=Count("id")).order_by("published__year")),
        ]:
            self.compare("book", body, queryset)

    def test_groups_over_a_relation(self):
        self.compare("review", {
            "group_by": ["book__publisher__name"], "annotate": {"n": {"Count": "id"}, "stars_": {"Avg": "stars"}},
            "order_by": ["-n", "book__publisher__name"],
        }, self.django.Review.objects.values("book__publisher__name").annotate(
            n=Count("id"), stars_=Avg("stars")).order_by("-n", "book__publisher__name"))

    def test_groups_by_an_expression(self):
        self.compare("book", {
            "group_by": [{"rest": {"%": ["pages", 5]}}], "annotate": {"n": {"Count": "id"}}, "order_by": ["rest"],
        }, self.django.Book.objects.values(rest=F("pages") % 5).annotate(n=Count("id")).order_by("rest"))

    def test_groups_are_counted(self):
        expected = self.django.Book.objects.values("publisher").annotate(n=Count("id")).filter(n__gt=6).count()
        response = self.api.post("/api/book/count", {
            "group_by": ["publisher"], "annotate": {"n": {"Count": "id"}}, "filter": {"n__gt": 6}})
        self.assertEqual(self.ok(response), {"count": expected})


class AggregateTest(ReadingTest):
    def aggregate(self, model, body, expected):
        response = self.api.post("/api/%s/aggregate" % model, body)
        with self.subTest(body=body):
            self.same(self.ok(response), expected)
            self.assert_statements(response, 1)

    def test_aggregates_of_the_whole(self):
        book = self.django.Book.objects
        self.aggregate("book", {"aggregate": {
            "n": {"Count": "*"}, "priced": {"Count": "price"}, "authors": {"Count": {"expr": "author", "distinct": True}},
            "pages_": {"Sum": "pages"}, "mean": {"Avg": "pages"}, "dear": {"Max": "price"}, "cheap": {"Min": "price"},
            "average_price": {"Avg": "price"}, "rated": {"Avg": "rating"}, "first": {"Min": "published"}, "last": {"Max": "released"},
        }}, book.aggregate(
            n=Count("*"), priced=Count("price"), authors=Count("author", distinct=True), pages_=Sum("pages"), mean=Avg("pages"),
            dear=Max("price"), cheap=Min("price"), average_price=Avg("price"), rated=Avg("rating"), first=Min("published"),
            last=Max("released")))

    def test_aggregates_of_what_a_filter_keeps(self):
        book = self.django.Book.objects
        self.aggregate("book", {"filter": {"publisher__name": "Argo"}, "aggregate": {"n": {"Sum": "pages"}}},
                       book.filter(publisher__name="Argo").aggregate(n=Sum("pages")))
        self.aggregate("book", {"aggregate": {"n": {"Count": {"expr": "id", "filter": {"in_print": True}}}}},
                       book.aggregate(n=Count("id", filter=Q(in_print=True))))

    def test_aggregates_of_nothing(self):
        nothing = self.django.Book.objects.filter(pages__gt=100000)
        self.aggregate("book", {"filter": {"pages__gt": 100000}, "aggregate": {
            "n": {"Count": "*"}, "pages_": {"Sum": "pages"}, "mean": {"Avg": "pages"}}},
            nothing.aggregate(n=Count("*"), pages_=Sum("pages"), mean=Avg("pages")))
        self.aggregate("book", {"filter": {"pages__gt": 100000}, "aggregate": {
            "n": {"Sum": {"expr": "pages", "default": 0}}}}, {"n": 0})

    def test_an_aggregate_over_an_annotation(self):
        self.aggregate("book", {"annotate": {"n": {"Count": "review"}}, "aggregate": {"most": {"Max": "n"}, "mean": {"Avg": "n"}}},
                       self.django.Book.objects.annotate(n=Count("review")).aggregate(most=Max("n"), mean=Avg("n")))

    def test_an_aggregate_across_a_relation(self):
        self.aggregate("publisher", {"aggregate": {"dear": {"Max": "book__price"}, "n": {"Count": "book"}}},
                       self.django.Publisher.objects.aggregate(dear=Max("book__price"), n=Count("book")))

    def test_an_aggregate_of_a_slice(self):
        self.aggregate("book", {"query": [{"order_by": ["-pages", "id"]}, {"limit": 5}], "aggregate": {"n": {"Sum": "pages"}}},
                       self.django.Book.objects.order_by("-pages", "id")[:5].aggregate(n=Sum("pages")))


class OrderTest(ReadingTest):
    def test_orders(self):
        book = self.django.Book.objects
        for order, names in [
            (["title", "-id"], ["title", "-id"]),
            (["-pages", "id"], ["-pages", "id"]),
            (["publisher__name", "id"], ["publisher__name", "id"]),
            (["-publisher__country__name", "id"], ["-publisher__country__name", "id"]),
            (["publisher", "id"], ["publisher", "id"]),
            (["publisher_id", "id"], ["publisher_id", "id"]),
            (["rating", "-pk"], ["rating", "-pk"]),
            (["author__mentor__name", "id"], ["author__mentor__name", "id"]),
            ([{"expr": "rating", "desc": True, "nulls": "last"}, "id"], [F("rating").desc(nulls_last=True), "id"]),
            ([{"expr": "rating", "nulls": "first"}, "id"], [F("rating").asc(nulls_first=True), "id"]),
            ([{"expr": {"-": ["price", "cost"]}}, "id"], [F("price") - F("cost"), "id"]),
        ]:
            self.compare("book", {"order_by": order}, book.order_by(*names))

    def test_order_by_an_annotation(self):
        self.compare("book", {"annotate": {"n": {"Count": "review"}}, "order_by": ["-n", "title", "id"]},
                     self.django.Book.objects.annotate(n=Count("review")).order_by("-n", "title", "id"))

    def test_a_model_has_an_order_of_its_own(self):
        self.compare("publisher", {}, self.django.Publisher.objects.all())
        self.compare("chapter", {"filter": {"number__lt": 3}}, self.django.Chapter.objects.filter(number__lt=3))
        self.compare("publisher", {"reverse": True}, self.django.Publisher.objects.reverse())
        self.compare("chapter", [{"order_by": ["words", "id"]}, {"reverse": True}],
                     self.django.Chapter.objects.order_by("words", "id").reverse())

    def test_random_order_loses_no_row(self):
        self.assertEqual(sorted(row["id"] for row in self.rows("book", {"order_by": ["?"]})), list(range(1, 61)))

    def test_a_later_order_replaces_an_earlier_one(self):
        self.compare("book", [{"order_by": ["title"]}, {"order_by": ["-id"]}], self.django.Book.objects.order_by("-id"))

    def test_slices(self):
        book = self.django.Book.objects.order_by("id")
        for body, queryset in [({"limit": 5}, book[:5]), ({"limit": 5, "offset": 10}, book[10:15]), ({"offset": 57}, book[57:])]:
            self.compare("book", dict(body, order_by=["id"]), queryset)
        self.compare("book", {"order_by": ["id"], "limit": 0}, [], statements=0, empty=True)
        self.compare("book", {"order_by": ["id"], "limit": 5, "offset": 1000}, [], empty=True)

    def test_a_second_slice_cuts_within_the_first(self):
        self.compare("book", [{"order_by": ["id"], "limit": 10, "offset": 20}, {"limit": 4, "offset": 8}],
                     self.django.Book.objects.order_by("id")[20:30][8:12])


class ProjectionTest(ReadingTest):
    def test_values(self):
        book = self.django.Book.objects.order_by("id")
        for names in (["title"], ["id", "publisher__name"], ["publisher", "author_id"], ["editor__country__name", "pages"],
                      ["pk", "title"], ["released__year", "title"]):
            self.compare("book", {"values": names, "order_by": ["id"]}, book.values(*names))
        self.compare("book", {"values": True, "order_by": ["id"]}, book.values())
        self.compare("book", {"values": {"half": {"-": ["price", "cost"]}}, "order_by": ["id"]},
                     book.values(half=F("price") - F("cost")))

    def test_values_over_a_relation_that_holds_several_rows(self):
        self.compare("book", {"values": ["id", "review__stars"], "order_by": ["id", "review__id"]},
                     self.django.Book.objects.values("id", "review__stars").order_by("id", "review__id"))

    def test_values_list(self):
        book = self.django.Book.objects.order_by("id")
        self.compare("book", {"values_list": ["id", "title"], "order_by": ["id"]}, book.values_list("id", "title"))
        self.compare("book", {"values_list": ["title"], "flat": True, "order_by": ["id"]}, book.values_list("title", flat=True))
        self.compare("book", {"values_list": ["publisher__founded"], "flat": True, "order_by": ["id"]},
                     book.values_list("publisher__founded", flat=True))
        self.compare("book", {"annotate": {"n": {"Count": "review"}}, "values_list": ["id", "n"], "order_by": ["id"]},
                     book.annotate(n=Count("review")).values_list("id", "n"))

    def test_distinct_values(self):
        self.compare("book", {"values": ["publisher__name"], "distinct": True, "order_by": ["publisher__name"]},
                     self.django.Book.objects.values("publisher__name").distinct().order_by("publisher__name"))

    def test_distinct_on(self):
        self.compare("book", {"distinct": ["publisher"], "order_by": ["publisher_id", "-pages", "id"]},
                     self.django.Book.objects.distinct("publisher_id").order_by("publisher_id", "-pages", "id"))

    def test_distinct_rows_in_random_order(self):
        rows = self.results(self.api.query("book", {"distinct": True, "order_by": ["?"], "values": ["id"]}))
        self.assertEqual(sorted(row["id"] for row in rows), sorted(self.django.Book.objects.values_list("id", flat=True)))

    def test_a_value_named_twice_is_there_once(self):
        response = self.api.query("book", {"values": ["id", "title", "id"], "order_by": ["id"], "limit": 1})
        self.assertEqual(response.body.count(b'"id"'), 1, response)

    def test_only_and_defer(self):
        book = self.django.Book.objects.order_by("id")
        self.compare("book", {"only": ["title", "pages"], "order_by": ["id"]}, list(book.values("id", "title", "pages")))
        rest = [f.attname for f in self.django.Book._meta.concrete_fields if f.attname not in ("title", "released")]
        self.compare("book", {"defer": ["title", "released"], "order_by": ["id"]}, list(book.values(*rest)))

    def test_none(self):
        self.compare("book", {"none": True}, [], statements=0, empty=True)


class MethodTest(ReadingTest):
    def test_get(self):
        self.same(self.ok(self.api.post("/api/book/get", {"filter": {"id": 7}})), self.row("Book", 7))
        self.same(self.ok(self.api.get("/api/book/7")), self.row("Book", 7))
        self.same(self.ok(self.api.get("/api/country/DE")), self.row("Country", "DE"))
        self.same(self.ok(self.api.get("/api/book/get", "id=7")), self.row("Book", 7))

    def row(self, model, pk):
        return oracle.columns(getattr(self.django, model).objects.get(pk=pk))

    def test_get_of_none_and_of_several(self):
        self.assert_problem(self.api.post("/api/book/get", {"filter": {"id": 999}}), 404, "DoesNotExist",
                            detail="Book matching query does not exist.")
        self.assert_problem(self.api.get("/api/book/999"), 404, "DoesNotExist", detail="Book matching query does not exist.")
        self.assert_problem(self.api.post("/api/book/get", {"filter": {"id__lte": 5}}), 409, "MultipleObjectsReturned",
                            detail="get() returned more than one Book -- it returned 5!")
        self.assert_problem(self.api.post("/api/book/get", {}), 409, "MultipleObjectsReturned",
                            detail="get() returned more than one Book -- it returned more than 20!")

    def test_first_and_last(self):
        book = self.django.Book.objects
        for method, body, expected in [
            ("first", {}, book.first()), ("last", {}, book.last()),
            ("first", {"order_by": ["-pages", "id"]}, book.order_by("-pages", "id").first()),
            ("last", {"order_by": ["-pages", "id"]}, book.order_by("-pages", "id").last()),
            ("first", {"filter": {"publisher__name": "Cedar"}}, book.filter(publisher__name="Cedar").first()),
        ]:
            response = self.api.post("/api/book/" + method, body)
            self.same(self.ok(response), oracle.columns(expected))
            self.assert_statements(response, 1)
        self.assertIsNone(self.ok(self.api.post("/api/book/first", {"filter": {"pages": -1}})))
        self.same(self.ok(self.api.post("/api/publisher/last", {})), oracle.columns(self.django.Publisher.objects.last()))

    def test_earliest_and_latest(self):
        dated = self.django.Book.objects.filter(published__isnull=False)
        body = {"filter": {"published__isnull": False}}
        self.same(self.ok(self.api.post("/api/book/latest", body)), oracle.columns(dated.latest()))
        self.same(self.ok(self.api.post("/api/book/earliest", body)), oracle.columns(dated.earliest()))
        self.same(self.ok(self.api.post("/api/book/latest", {"fields": ["pages", "id"]})),
                  oracle.columns(self.django.Book.objects.latest("pages", "id")))
        self.assert_problem(self.api.post("/api/book/latest", {"filter": {"id": 0}}), 404, "DoesNotExist")

    def test_count_and_exists(self):
        book = self.django.Book.objects
        for body, queryset in [
            ({}, book.all()),
            ({"filter": {"publisher__name": "Argo"}}, book.filter(publisher__name="Argo")),
            ({"filter": {"review__stars": 5}}, book.filter(review__stars=5)),
            ({"filter": {"review__stars": 5}, "distinct": True}, book.filter(review__stars=5).distinct()),
            ({"annotate": {"n": {"Count": "review"}}, "filter": {"n__gt": 2}}, book.annotate(n=Count("review")).filter(n__gt=2)),
            ({"annotate": {"n": {"Count": "review"}}, "order_by": ["-n"]}, book.annotate(n=Count("review"))),
            ({"limit": 7, "offset": 2}, book.all()[2:9]),
            ({"filter": {"pages__gt": 100000}}, book.filter(pages__gt=100000)),
        ]:
            with self.subTest(body=body):
                counted = self.api.post("/api/book/count", body)
                self.assertEqual(self.ok(counted), {"count": queryset.count()})
                self.assert_statements(counted, 1)
                found = self.api.post("/api/book/exists", body)
                self.assertEqual(self.ok(found), {"exists": queryset.exists()})
                self.assert_statements(found, 1)
        self.assertEqual(self.ok(self.api.get("/api/book/count", "publisher__name=Argo")),
                         {"count": book.filter(publisher__name="Argo").count()})

    def test_a_total_beside_the_page(self):
        body = self.ok(self.api.query("book", {"order_by": ["id"], "limit": 3, "count": True}))
        self.assertEqual(body["count"], {"value": 60, "kind": "exact"})
        self.assertEqual([row["id"] for row in body["results"]], [1, 2, 3])

    def test_in_bulk(self):
        response = self.api.post("/api/book/in_bulk", {"ids": [3, 1, 999]})
        expected = self.django.Book.objects.in_bulk([3, 1, 999])
        self.same(self.results(response), {str(pk): oracle.columns(book) for pk, book in expected.items()})
        self.assert_statements(response, 1)
        response = self.api.post("/api/country/in_bulk", {"ids": ["Japan", "Finland"], "field_name": "name"})
        expected = self.django.Country.objects.in_bulk(["Japan", "Finland"], field_name="name")
        self.same(self.results(response), {key: oracle.columns(row) for key, row in expected.items()})

    def test_the_text_of_a_statement(self):
        response = self.api.post("/api/book/sql", {"filter": {"title": "x'; DROP TABLE book; --"}})
        shown = self.ok(response)["statements"]
        self.assertEqual(len(shown), 1)
        self.assertNotIn("DROP", shown[0]["sql"])
        self.assertEqual(shown[0]["params"], ["x'; DROP TABLE book; --"])
        self.assert_statements(response, 0)


if __name__ == "__main__":
    unittest.main()
