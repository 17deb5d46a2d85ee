"""Related rows: joined, prefetched, by related managers; and questions in the query string."""

import json
import unittest
import urllib.parse

import oracle
from django.db.models import Count, Q, Sum
from oracle import columns
from reading import ReadingTest


def joined(instance, **related):
    """A row with further members: None, an instance, a row or a list of rows."""
    row = columns(instance)
    row.update({name: columns(value) if hasattr(value, "_meta") else value for name, value in related.items()})
    return row


class SelectRelatedTest(ReadingTest):
    def test_a_relation_that_may_be_missing_is_null(self):
        books = self.django.Book.objects.select_related("publisher", "editor").order_by("id")
        self.assertTrue(any(b.publisher is None for b in books))
        self.compare("book", {"select_related": ["publisher", "editor"], "order_by": ["id"]},
                     [joined(b, publisher=b.publisher, editor=b.editor) for b in books])

    def test_nested(self):
        books = self.django.Book.objects.select_related("publisher__country", "author__mentor").order_by("id")
        self.compare("book", {"select_related": ["publisher__country", "author__mentor"], "order_by": ["id"]}, [
            joined(b, publisher=b.publisher and joined(b.publisher, country=b.publisher.country),
                   author=joined(b.author, mentor=b.author.mentor)) for b in books])

    def test_a_reverse_one_to_one(self):
        people = self.django.Person.objects.select_related("profile").order_by("id")
        self.compare("person", {"select_related": ["profile"], "order_by": ["id"]},
                     [joined(p, profile=getattr(p, "profile", None)) for p in people])

    def test_every_relation_that_is_never_missing(self):
        reviews = self.django.Chapter.objects.select_related().order_by("id")
        self.compare("chapter", {"select_related": True, "order_by": ["id"]},
                     [joined(c, book=joined(c.book, author=c.book.author)) for c in reviews])

    def test_a_later_link_clears_it(self):
        self.compare("book", [{"select_related": ["publisher"]}, {"select_related": False}, {"order_by": ["id"]}],
                     self.django.Book.objects.order_by("id"))

    def test_together_with_a_filter_on_the_same_relation(self):
        books = self.django.Book.objects.filter(publisher__name="Argo").select_related("publisher").order_by("id")
        self.compare("book", {"filter": {"publisher__name": "Argo"}, "select_related": ["publisher"], "order_by": ["id"]},
                     [joined(b, publisher=b.publisher) for b in books])

    def test_together_with_an_annotation(self):
        books = self.django.Book.objects.annotate(n=Count("review")).select_related("publisher").order_by("id")
        self.compare("book", {"annotate": {"n": {"Count": "review"}}, "select_related": ["publisher"], "order_by": ["id"]},
                     [joined(b, n=b.n, publisher=b.publisher) for b in books])


class PrefetchTest(ReadingTest):
    def test_reverse(self):
        publishers = self.django.Publisher.objects.prefetch_related("books").order_by("id")
        self.compare("publisher", {
            "prefetch_related": [{"path": "books", "query": {"order_by": ["id"]}}], "order_by": ["id"],
        }, [joined(p, books=oracle.rows(p.books.order_by("id"))) for p in publishers], statements=2)

    def test_a_prefetched_model_keeps_its_order(self):
        books = self.django.Book.objects.order_by("id")
        self.compare("book", {"prefetch_related": ["chapter_set"], "order_by": ["id"]},
                     [joined(b, chapter_set=oracle.rows(b.chapter_set.all())) for b in books], statements=2)

    def test_forward(self):
        books = self.django.Book.objects.select_related("publisher", "author").order_by("id")
        self.compare("book", {"prefetch_related": ["publisher", "author"], "order_by": ["id"]},
                     [joined(b, publisher=b.publisher, author=b.author) for b in books], statements=3)

    def test_many_to_many_in_both_directions_and_to_itself(self):
        by_id = {"order_by": ["id"]}
        books = self.django.Book.objects.order_by("id")
        self.compare("book", {"prefetch_related": [{"path": "translators", "query": by_id}], "order_by": ["id"]},
                     [joined(b, translators=oracle.rows(b.translators.order_by("id"))) for b in books], statements=2)
        people = self.django.Person.objects.order_by("id")
        self.compare("person", {
            "prefetch_related": [{"path": name, "query": by_id} for name in ("translations", "friends", "follows", "followers")],
            "order_by": ["id"],
        }, [joined(p, **{name: oracle.rows(getattr(p, name).order_by("id"))
                         for name in ("translations", "friends", "follows", "followers")}) for p in people], statements=5)

    def test_a_reverse_one_to_one(self):
        people = self.django.Person.objects.select_related("profile").order_by("id")
        self.compare("person", {"prefetch_related": ["profile"], "order_by": ["id"]},
                     [joined(p, profile=getattr(p, "profile", None)) for p in people], statements=2)

    def test_nested_one_statement_per_level(self):
        publishers = self.django.Publisher.objects.order_by("id")
        self.compare("publisher", {
            "prefetch_related": [{"path": "books", "query": {"order_by": ["id"]}},
                                 {"path": "books__reviews", "query": {"order_by": ["id"]}}, "books__reviews__reviewer"],
            "order_by": ["id"],
        }, [joined(p, books=[
            joined(b, reviews=[joined(r, reviewer=r.reviewer) for r in b.reviews.order_by("id")])
            for b in p.books.order_by("id")]) for p in publishers], statements=4)

    def test_a_query_of_its_own(self):
        books = self.django.Book.objects.order_by("id")
        self.compare("book", {
            "prefetch_related": [{"path": "reviews", "query": {
                "filter": {"stars__gte": 4}, "order_by": ["-written_at"], "select_related": ["reviewer"]}}],
            "order_by": ["id"],
        }, [joined(b, reviews=[joined(r, reviewer=r.reviewer) for r in b.reviews.filter(stars__gte=4).order_by("-written_at")])
            for b in books], statements=2)

    def test_a_query_of_its_own_with_an_annotation(self):
        publishers = self.django.Publisher.objects.order_by("id")
        self.compare("publisher", {
            "prefetch_related": [{"path": "books", "query": {"annotate": {"n": {"Count": "review"}}, "order_by": ["-n", "id"]}}],
            "order_by": ["id"],
        }, [joined(p, books=oracle.rows(p.books.annotate(n=Count("review")).order_by("-n", "id"), "n"))
            for p in publishers], statements=2)

    def test_a_limit_for_each_parent(self):
        books = self.django.Book.objects.order_by("id")
        self.compare("book", {
            "prefetch_related": [{"path": "reviews", "query": {"order_by": ["-stars", "id"], "limit": 2}}], "order_by": ["id"],
        }, [joined(b, reviews=oracle.rows(b.reviews.order_by("-stars", "id")[:2])) for b in books], statements=2)

    def test_to_attr(self):
        books = self.django.Book.objects.order_by("id")
        self.compare("book", {
            "prefetch_related": [
                {"path": "reviews", "query": {"filter": {"stars": 5}, "order_by": ["id"]}, "to_attr": "praise"},
                {"path": "reviews", "query": {"filter": {"stars": 1}, "order_by": ["id"]}, "to_attr": "blame"},
            ],
            "order_by": ["id"],
        }, [joined(b, praise=oracle.rows(b.reviews.filter(stars=5).order_by("id")),
                   blame=oracle.rows(b.reviews.filter(stars=1).order_by("id"))) for b in books], statements=3)

    def test_of_no_rows_asks_once(self):
        self.compare("book", {"filter": {"pages": -1}, "prefetch_related": ["reviews"]}, [], empty=True)

    def test_below_a_joined_row(self):
        books = self.django.Book.objects.select_related("author").order_by("id")
        self.compare("book", {
            "select_related": ["author"],
            "prefetch_related": [{"path": "author__written", "query": {"order_by": ["id"]}}], "order_by": ["id"],
        }, [joined(b, author=joined(b.author, written=oracle.rows(b.author.written.order_by("id")))) for b in books],
            statements=2)


class RelatedManagerTest(ReadingTest):
    def test_managers_of_every_kind(self):
        person, book = self.django.Person.objects.get(pk=4), self.django.Book.objects.get(pk=5)
        for address, manager in [
            ("person/4/written", person.written), ("person/4/edited", person.edited), ("person/4/pupils", person.pupils),
            ("person/4/translations", person.translations), ("person/4/friends", person.friends),
            ("person/4/follows", person.follows), ("person/4/followers", person.followers),
            ("book/5/reviews", book.reviews), ("book/5/translators", book.translators), ("book/5/chapter_set", book.chapter_set),
            ("publisher/2/books", self.django.Publisher.objects.get(pk=2).books),
            ("country/DE/person_set", self.django.Country.objects.get(pk="DE").person_set),
        ]:
            expected = manager.order_by("pk")
            # No rows: whether there is such a person at all is asked as well.
            self.compare(address, {"order_by": ["pk"]}, expected, empty=True, statements=1 if expected else 2)
            counted = self.api.get("/api/%s/count" % address)
            self.assertEqual(self.ok(counted), {"count": manager.count()}, address)

    def test_a_manager_takes_a_whole_query(self):
        person = self.django.Person.objects.get(pk=2)
        self.compare("person/2/written", {
            "filter": {"or": [{"pages__gt": 100}, {"publisher__name": "Argo"}]}, "annotate": {"n": {"Count": "review"}},
            "order_by": ["-n", "id"], "limit": 3,
        }, person.written.filter(Q(pages__gt=100) | Q(publisher__name="Argo")).annotate(n=Count("review")).order_by("-n", "id")[:3])

    def test_methods_on_a_manager(self):
        person = self.django.Person.objects.get(pk=2)
        self.same(self.ok(self.api.post("/api/person/2/written/first", {})), columns(person.written.first()))
        self.assertEqual(self.ok(self.api.post("/api/person/2/written/exists", {})), {"exists": True})
        self.assertEqual(self.ok(self.api.post("/api/book/3/reviews/exists", {"filter": {"stars": 9}})), {"exists": False})
        self.same(self.ok(self.api.post("/api/person/2/written/aggregate", {"aggregate": {"n": {"Sum": "pages"}}})),
                  person.written.aggregate(n=Sum("pages")))

    def test_forward_is_the_related_row(self):
        book = self.django.Book.objects.filter(publisher__isnull=False).first()
        self.same(self.ok(self.api.get("/api/book/%d/publisher" % book.pk)), columns(book.publisher))
        profile = self.django.Profile.objects.first()
        self.same(self.ok(self.api.get("/api/profile/%d/person" % profile.pk)), columns(profile.person))
        self.same(self.ok(self.api.get("/api/person/%d/profile" % profile.person_id)), columns(profile))

    def test_a_manager_of_a_row_that_is_not_there(self):
        self.assert_problem(self.api.get("/api/person/999/written"), 404, "DoesNotExist",
                            detail="Person matching query does not exist")


class QueryStringTest(ReadingTest):
    def same_as_body(self, model, params, body, method="query"):
        asked = self.api.get("/api/" + model + ("" if method == "query" else "/" + method), params)
        posted = self.api.post("/api/%s/%s" % (model, method), body)
        with self.subTest(params=params):
            self.assertEqual(self.ok(asked), self.ok(posted))
            self.assertTrue(posted.json.get("results", True), "a question that shows nothing")
            self.assertEqual(asked.statements, posted.statements)

    def test_lookups_hold_together(self):
        for params, body in [
            ("pages__gt=100&in_print=true&order_by=id", {"filter": {"pages__gt": 100, "in_print": True}, "order_by": ["id"]}),
            ("title=Night&order_by=id", {"filter": {"title": "Night"}, "order_by": ["id"]}),
            ("title__icontains=garden%20of&order_by=id", {"filter": {"title__icontains": "garden of"}, "order_by": ["id"]}),
            ("title__icontains=garden+of&order_by=id", {"filter": {"title__icontains": "garden of"}, "order_by": ["id"]}),
            ("title__startswith=100%25&order_by=id", {"filter": {"title__startswith": "100%"}, "order_by": ["id"]}),
            ("title__icontains=%C5%BDLU&order_by=id", {"filter": {"title__icontains": "ŽLU"}, "order_by": ["id"]}),
            ("price__lte=12.95&order_by=id", {"filter": {"price__lte": "12.95"}, "order_by": ["id"]}),
            ("rating__gte=2.5&order_by=id", {"filter": {"rating__gte": 2.5}, "order_by": ["id"]}),
            ("publisher__isnull=true&order_by=id", {"filter": {"publisher__isnull": True}, "order_by": ["id"]}),
            ("released__gt=2020-06-01T00:00:00Z&order_by=id", {"filter": {"released__gt": "2020-06-01T00:00:00Z"}, "order_by": ["id"]}),
            ("published__year=2020&order_by=id", {"filter": {"published__year": 2020}, "order_by": ["id"]}),
            ("review__reviewer__name__startswith=Anna&order_by=id&distinct=true",
             {"filter": {"review__reviewer__name__startswith": "Anna"}, "order_by": ["id"], "distinct": True}),
        ]:
            self.same_as_body("book", params, body)

    def test_lists(self):
        self.same_as_body("book", "id__in=3,5,8&order_by=-id", {"filter": {"id__in": [3, 5, 8]}, "order_by": ["-id"]})
        self.same_as_body("book", "pages__range=50,150&order_by=pages,-id",
                          {"filter": {"pages__range": [50, 150]}, "order_by": ["pages", "-id"]})
        self.same_as_body("review", "text__in=Too%20long&order_by=id", {"filter": {"text__in": ["Too long"]}, "order_by": ["id"]})

    def test_a_comma_inside_a_value_is_encoded(self):
        found = self.results(self.api.get("/api/book", "title__in=Night%2C%201,Night&order_by=id"))
        self.same_rows(found, self.django.Book.objects.filter(title__in=["Night, 1", "Night"]).order_by("id"))

    def test_clauses(self):
        for params, body in [
            ("limit=5&offset=3&order_by=-pages,id", {"limit": 5, "offset": 3, "order_by": ["-pages", "id"]}),
            ("values=id,publisher__name&order_by=id", {"values": ["id", "publisher__name"], "order_by": ["id"]}),
            ("only=title&order_by=id", {"only": ["title"], "order_by": ["id"]}),
            ("defer=title,price&order_by=id", {"defer": ["title", "price"], "order_by": ["id"]}),
            ("select_related=publisher__country,author&order_by=id",
             {"select_related": ["publisher__country", "author"], "order_by": ["id"]}),
            ("prefetch_related=chapter_set&order_by=id", {"prefetch_related": ["chapter_set"], "order_by": ["id"]}),
            ("values=publisher_id&distinct=true&order_by=publisher_id",
             {"values": ["publisher_id"], "distinct": True, "order_by": ["publisher_id"]}),
            ("limit=2&order_by=id&count=true", {"limit": 2, "order_by": ["id"], "count": True}),
            ("annotate=n:Count(review)&order_by=-n,id", {"annotate": {"n": {"Count": "review"}}, "order_by": ["-n", "id"]}),
            ("annotate=n:Count(review)&n__gte=3&order_by=id",
             {"annotate": {"n": {"Count": "review"}}, "filter": {"n__gte": 3}, "order_by": ["id"]}),
        ]:
            self.same_as_body("book", params, body)

    def test_conditions_as_json(self):
        condition = {"or": [{"pages__lt": 50}, {"publisher__name": "Argo"}]}
        for clause in ("filter", "exclude"):
            params = urllib.parse.urlencode({clause: json.dumps(condition), "order_by": "id"})
            self.same_as_body("book", params, {clause: condition, "order_by": ["id"]})

    def test_methods(self):
        for method in ("count", "exists", "first", "last"):
            self.same_as_body("book", "publisher__name=Argo", {"filter": {"publisher__name": "Argo"}}, method)

    def test_clauses_of_one_row(self):
        row = self.ok(self.api.get("/api/book/4", "select_related=author&prefetch_related=chapter_set"))
        book = self.django.Book.objects.get(pk=4)
        self.same(row, joined(book, author=book.author, chapter_set=oracle.rows(book.chapter_set.all())))

    def test_the_method_query_is_the_same_as_post_query(self):
        body = {"filter": {"pages__gt": 300}, "order_by": ["id"]}
        self.assertEqual(self.results(self.api.http_query("/api/book", body)), self.rows("book", body))


if __name__ == "__main__":
    unittest.main()
