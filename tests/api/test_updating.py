"""Updates: expressions on right sides in every type, joined fields, returning, require, and what concurrent
writers do to each other."""

import json
import os
import re
import threading
import unittest
from datetime import date, timedelta
from decimal import Decimal

import oracle
import psycopg2
import seeds
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import (Avg, BooleanField, Case, CharField, Count, DateField, DateTimeField, DurationField, Exists,
                              ExpressionWrapper, F, FloatField, IntegerField, OuterRef, Q, Subquery, Sum, TextField, Value,
                              When)
from django.db.models.functions import (Abs, Cast, Coalesce, Concat, ExtractYear, Greatest, Least, Left, Length, Lower, Mod,
                                        Power, Repeat, Replace, Reverse, Round, StrIndex, Substr, Trim, TruncDate, TruncMonth,
                                        TruncTime, Upper)
from harness import ROOT, ApiTest
from writing import WritingTest

SAMPLES = """
INSERT INTO sample (integer, big, small, positive, positive_big, positive_small, real, money, exact_number, flag, short,
  "long", slug, email, url, address, uuid, day, moment, clock, span, bytes, document, numbers, words, days, integers, bigs,
  decimals, dates, moments, file, path) VALUES
 (7, 9000000000, -3, 5, 6000000000, 2, 2.5, 12.30, 1.000000000000001, true, 'ab', E'Long "text"\\n', 'a-b', 'a@example.org',
  'https://example.org/a', '10.0.0.1', '6f1c3f7e-2b0a-4c59-9a4e-8a9a6b1f0c11', '2024-02-29', '2026-07-02 16:44:20.5+00',
  '12:30:00.25', '3 days 04:05:06', '\\x0102', '{"a": {"b": [1, 2]}, "n": null}', '{1,2,3}', '{x,NULL,"a,b"}', '{2024-02-29}', '[1,5)',
  '[1,9000000000)', '[1.5,2.5)', '[2026-01-01,2026-02-01)', '["2026-01-01 00:00:00+00","2026-01-02 00:00:00+00")', 'f.txt', '/p'),
 (-12, -1, 300, 0, 0, 32767, -0.5, -99.99, NULL, false, 'Žluť', 'x', 'z', 'b@example.org', NULL, '2001:db8::1',
  '00000000-0000-0000-0000-000000000001', '1999-12-31', '1999-12-31 23:59:59.999999+00', '00:00:00', '-1 day', '', '[]', '{}', '{}',
  '{}', 'empty', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO sample DEFAULT VALUES;
"""


def path(name):
    return {"F": name}


class ExpressionTest(WritingTest):
    """Each case: what is assigned, as ours and as Django's."""

    models = ("every_type",)
    seed = SAMPLES

    def contents(self, without=()):
        """As text, in which JSON null is not NULL."""
        return {table: self.sql("SELECT row::text FROM %s AS row ORDER BY row.id" % table) for table in self.tables}

    def assigns_as_django(self, cases):
        sample = self.django.Sample.objects
        for given, theirs in cases:
            with self.subTest(given):
                answered, expected = self.same_effect(
                    lambda: self.ok(self.api.post("/api/sample/update", {"set": given})), lambda: sample.update(**theirs))
                self.assertEqual(answered, {"updated": expected})

    def test_integers(self):
        f = F("integer")
        self.assigns_as_django([
            ({"integer": {"+": [path("integer"), 1]}}, {"integer": f + 1}),
            ({"integer": {"-": [{"*": [path("integer"), 3]}, path("small")]}}, {"integer": f * 3 - F("small")}),
            ({"integer": {"/": [path("integer"), 2]}}, {"integer": f / 2}),
            ({"integer": {"%": [path("integer"), 5]}}, {"integer": f % 5}),
            ({"integer": {"^": [path("small"), 2]}}, {"integer": F("small") ** 2}),
            ({"integer": {"&": [path("integer"), 6]}}, {"integer": f.bitand(6)}),
            ({"integer": {"|": [path("integer"), 8]}}, {"integer": f.bitor(8)}),
            ({"integer": {"#": [path("integer"), 5]}}, {"integer": f.bitxor(5)}),
            ({"integer": {"<<": [path("integer"), 2]}}, {"integer": f.bitleftshift(2)}),
            ({"integer": {">>": [path("integer"), 1]}}, {"integer": f.bitrightshift(1)}),
            ({"integer": {"Abs": path("integer")}, "big": {"F": "small"}, "small": {"F": "positive_small"}},
             {"integer": Abs(f), "big": F("small"), "small": F("positive_small")}),
            ({"positive": {"Coalesce": [{"Length": "short"}, 9]}}, {"positive": Coalesce(Length("short"), 9)}),
            ({"positive": {"Coalesce": [path("positive"), {"Value": 9}]}}, {"positive": Coalesce("positive", 9)}),
            ({"positive_big": {"Greatest": ["positive", "positive_small"]}}, {"positive_big": Greatest("positive", "positive_small")}),
            ({"positive_small": {"Least": ["positive_small", 3]}}, {"positive_small": Least("positive_small", 3)}),
            ({"integer": {"ExtractYear": "day"}}, {"integer": ExtractYear("day")}),
            ({"integer": {"Cast": ["real", "IntegerField"]}}, {"integer": Cast("real", IntegerField())}),
            ({"integer": {"StrIndex": ["short", {"Value": "b"}]}}, {"integer": StrIndex("short", Value("b"))}),
            ({"integer": {"Value": 5}, "big": {"Value": None}, "small": None}, {"integer": Value(5), "big": None, "small": None}),
            ({"integer": {"Mod": ["integer", 4]}}, {"integer": Mod("integer", 4)}),
            ({"integer": {"F": "money"}}, {"integer": F("money")}),
        ])

    def test_numbers_with_fractions(self):
        self.assigns_as_django([
            ({"money": {"*": [path("money"), "1.10"]}}, {"money": F("money") * Decimal("1.10")}),
            ({"money": {"+": [path("money"), path("integer")]}},
             {"money": ExpressionWrapper(F("money") + F("integer"), output_field=self.django.Sample._meta.get_field("money"))}),
            ({"exact_number": {"+": [path("exact_number"), "0.000000000000001"]}},
             {"exact_number": F("exact_number") + Decimal("0.000000000000001")}),
            ({"money": {"Round": "money"}}, {"money": Round("money")}),
            ({"real": {"/": [path("real"), 2]}}, {"real": F("real") / 2}),
            ({"real": {"Cast": ["money", "FloatField"]}}, {"real": Cast("money", FloatField())}),
            ({"real": {"F": "integer"}, "money": {"F": "integer"}}, {"real": F("integer"), "money": F("integer")}),
            ({"real": {"Power": ["real", 2]}}, {"real": Power("real", 2)}),
        ])

    def test_texts(self):
        self.assigns_as_django([
            ({"short": {"Concat": ["slug", {"Value": "-"}, "email"]}}, {"short": Concat("slug", Value("-"), "email")}),
            ({"short": {"Upper": "short"}, "slug": {"Lower": "slug"}}, {"short": Upper("short"), "slug": Lower("slug")}),
            ({"long": {"Substr": ["long", 2, 3]}}, {"long": Substr("long", 2, 3)}),
            ({"long": {"Replace": ["long", {"Value": "t"}, {"Value": "'\\%"}]}}, {"long": Replace("long", Value("t"), Value("'\\%"))}),
            ({"short": {"Left": ["email", 3]}, "url": {"Trim": "url"}}, {"short": Left("email", 3), "url": Trim("url")}),
            ({"short": {"Repeat": ["slug", 2]}, "email": {"Reverse": "email"}}, {"short": Repeat("slug", 2), "email": Reverse("email")}),
            ({"short": {"Cast": ["integer", "TextField"]}}, {"short": Cast("integer", TextField())}),
            ({"long": {"F": "short"}, "short": {"F": "slug"}}, {"long": F("short"), "short": F("slug")}),
            ({"short": {"Value": "{\"F\": \"x\"}"}}, {"short": Value("{\"F\": \"x\"}")}),
            ({"file": {"Concat": [{"Value": "dir/"}, "short"]}, "path": {"F": "short"}}, {"file": Concat(Value("dir/"), "short"), "path": F("short")}),
            ({"short": {"Case": [{"when": {"integer__gt": 0}, "then": {"Value": "up"}}, {"when": {"integer": None}, "then": {"Value": ""}},
                                 {"default": {"Value": "down"}}]}},
             {"short": Case(When(integer__gt=0, then=Value("up")), When(integer=None, then=Value("")), default=Value("down"),
                            output_field=CharField())}),
        ])

    def test_truths(self):
        sample = self.django.Sample
        self.assigns_as_django([
            ({"flag": {"Q": {"integer__lt": 0}}}, {"flag": ExpressionWrapper(Q(integer__lt=0), output_field=BooleanField())}),
            ({"flag": {"Case": [{"when": {"flag": True}, "then": False}, {"default": True}]}},
             {"flag": Case(When(flag=True, then=Value(False)), default=Value(True), output_field=BooleanField())}),
            ({"flag": {"Exists": {"model": "Sample", "filter": {"integer": {"OuterRef": "small"}}}}},
             {"flag": Exists(sample.objects.filter(integer=OuterRef("small")))}),
        ])

    def test_days_and_times(self):
        day, week = timedelta(days=1), timedelta(days=7, hours=2)
        self.assigns_as_django([
            ({"moment": {"+": [path("moment"), {"Value": "P7DT2H"}]}}, {"moment": F("moment") + week}),
            ({"moment": {"-": [path("moment"), path("span")]}},
             {"moment": ExpressionWrapper(F("moment") - F("span"), output_field=DateTimeField())}),
            ({"day": {"TruncMonth": "day"}}, {"day": TruncMonth("day")}),
            ({"day": {"TruncDate": "moment"}}, {"day": TruncDate("moment")}),
            ({"day": {"Cast": ["moment", "DateField"]}}, {"day": Cast("moment", DateField())}),
            ({"clock": {"TruncTime": "moment"}}, {"clock": TruncTime("moment")}),
            ({"span": {"-": [path("moment"), {"Cast": [{"Value": "2020-01-01T00:00:00Z"}, "DateTimeField"]}]}},
             {"span": ExpressionWrapper(F("moment") - Value(oracle.moment("2020-01-01T00:00:00Z"), output_field=DateTimeField()),
                                        output_field=DurationField())}),
            ({"span": {"+": [path("span"), {"Value": "P1D"}]}}, {"span": F("span") + day}),
            ({"day": "2020-02-29", "moment": {"F": "moment"}}, {"day": date(2020, 2, 29), "moment": F("moment")}),
            ({"moment": {"Coalesce": [path("moment"), {"Value": "2020-01-01T00:00:00Z"}]}},
             {"moment": Coalesce("moment", Value(oracle.moment("2020-01-01T00:00:00Z"), output_field=DateTimeField()))}),
        ])

    def test_now(self):
        self.ok(self.api.post("/api/sample/update", {"set": {"moment": {"Now": []}, "day": {"Now": []}, "clock": {"Now": []}}}))
        self.assertEqual(self.sql("SELECT count(*) FROM sample WHERE abs(extract(epoch FROM moment - now())) < 60"
                                  " AND abs(day - current_date) < 2 AND clock IS NOT NULL"), [(3,)])

    def test_what_else_there_is(self):
        sample = self.django.Sample
        self.assigns_as_django([
            ({"document": {"a": {"F": "x"}, "b": [1]}}, {"document": {"a": {"F": "x"}, "b": [1]}}),
            ({"document": {"Value": None}}, {"document": Value("null")}),
            ({"document": None, "numbers": [4, 5], "words": ["a", None], "integers": None},
             {"document": None, "numbers": [4, 5], "words": ["a", None], "integers": None}),
            ({"document": {"F": "document"}, "bytes": {"F": "bytes"}, "address": {"F": "address"}, "uuid": {"F": "uuid"},
              "integers": {"F": "integers"}, "numbers": {"F": "numbers"}, "integer": 1},
             {"integer": 1}),
            ({"address": {"Coalesce": ["address", {"Value": "10.9.8.7"}]}},
             {"address": Coalesce("address", Value("10.9.8.7", output_field=sample._meta.get_field("address")))}),
            ({"numbers": {"Subquery": {"model": "Sample", "group_by": [], "annotate": {"all": {"ArrayAgg": {"expr": "integer", "order_by": ["id"]}}},
                                       "values_list": ["all"]}}},
             {"numbers": Subquery(sample.objects.annotate(one=Value(1)).values("one").annotate(
                 all=ArrayAgg("integer", ordering="id")).values("all"))}),
        ])

    def test_a_swap_reads_before_it_writes(self):
        self.assigns_as_django([({"integer": path("small"), "small": path("integer")}, {"integer": F("small"), "small": F("integer")})])

    def test_types_that_do_not_fit_are_told_without_the_database(self):
        before = self.contents()
        for given in (
            {"integer": path("short")}, {"integer": {"Concat": ["short", "long"]}}, {"integer": path("flag")}, {"integer": path("day")},
            {"flag": path("integer")}, {"flag": {"Upper": "short"}}, {"day": path("integer")}, {"moment": path("short")},
            {"clock": path("day")}, {"span": path("moment")}, {"uuid": path("short")}, {"document": path("short")},
            {"numbers": path("words")}, {"integers": path("bigs")}, {"money": {"Lower": "short"}}, {"address": path("uuid")},
            {"bytes": path("short")}, {"numbers": path("integer")}, {"real": path("document")}, {"day": path("clock")},
        ):
            with self.subTest(given):
                name = next(iter(given))
                response = self.api.post("/api/sample/update", {"set": given})
                self.assert_problem(response, 400, "TypeError", pointer="/set/" + name, detail="Cast")
                self.assert_statements(response, 0)
                with self.assertRaises(Exception):
                    self.django.Sample.objects.update(**{name: F(given[name]["F"]) if "F" in given[name] else Upper("short")})
        self.assertEqual(self.contents(), before)

    def test_literals_are_judged_and_expressions_are_not(self):
        self.assert_problem(self.api.post("/api/sample/update", {"set": {"integer": "x"}}), 422, "ValidationError", pointer="/set/integer")
        self.assert_problem(self.api.post("/api/sample/update", {"set": {"positive": {"Value": -1}}}), 422, "ValidationError")
        self.assert_problem(self.api.post("/api/sample/update", {"set": {"positive": {"-": [path("positive"), 99]}}}), 409, "IntegrityError")
        self.assert_problem(self.api.post("/api/sample/update", {"set": {"small": {"+": [path("small"), 32767]}}}), 400, "ValueError")
        self.assert_problem(self.api.post("/api/sample/update", {"set": {"integer": {"/": [path("integer"), 0]}}}), 400, "ValueError")
        self.assert_problem(self.api.post("/api/sample/update", {"set": {"integer": {"F": "intger"}}}), 400, "FieldError",
                            pointer="/set/integer/F", suggestion="integer")
        self.assert_problem(self.api.post("/api/sample/update", {"set": {"integer": {"Window": {"expr": {"Rank": []}}}}}), 400, "FieldError")


class JoinedTest(WritingTest):
    models = ("press",)
    seed = seeds.PRESS

    def sets_as(self, body, **theirs):
        with self.subTest(body):
            answered, expected = self.same_effect(
                lambda: self.ok(self.api.post("/api/book/update", body)),
                lambda: self.selected(body).update(**theirs))
            self.assertEqual(answered, {"updated": expected})

    def selected(self, body):
        book = self.django.Book.objects
        return book.filter(pk__in=book.filter(**body.get("filter", {})).values("pk"))

    def of(self, name):
        """The value behind a path, as Django can say it in an update."""
        return Subquery(self.django.Book.objects.filter(pk=OuterRef("pk")).values(name)[:1])

    def test_across_foreign_keys(self):
        self.sets_as({"set": {"title": path("author__name")}}, title=self.of("author__name"))
        self.sets_as({"set": {"rating": path("publisher__founded")}}, rating=self.of("publisher__founded"))
        self.sets_as({"set": {"in_print": None, "editor": path("author__mentor")}}, in_print=None, editor=self.of("author__mentor"))
        self.sets_as({"set": {"rating": path("author__mentor__profile__karma")}}, rating=self.of("author__mentor__profile__karma"))

    def test_a_row_without_relation_gets_null_and_is_counted(self):
        without = self.django.Book.objects.filter(publisher=None).count()
        self.assertGreater(without, 3)
        answer = self.ok(self.api.post("/api/book/update", {"set": {"rating": path("publisher__founded")}}))
        self.assertEqual(answer, {"updated": 60})
        self.assertGreaterEqual(self.django.Book.objects.filter(rating=None).count(), without)
        self.assert_problem(self.api.post("/api/book/update", {"set": {"pages": path("publisher__founded")}}), 409, "IntegrityError",
                            fields=["pages"])

    def test_several_in_one_expression_and_several_fields(self):
        self.sets_as({"set": {"title": {"Concat": [path("author__name"), {"Value": "/"}, {"Coalesce": ["publisher__name", {"Value": "-"}]}]},
                              "pages": {"Coalesce": [{"+": ["pages", "publisher__founded"]}, 1]}, "rating": {"F": "pages"}}},
                     title=Subquery(self.django.Book.objects.filter(pk=OuterRef("pk")).values(
                         t=Concat("author__name", Value("/"), Coalesce("publisher__name", Value("-"))))),
                     pages=Coalesce(F("pages") + self.of("publisher__founded"), 1), rating=F("pages"))

    def test_conditions_across_relations(self):
        self.sets_as({"set": {"pages": {"Case": [{"when": {"publisher__country__code": "DE", "author__profile__karma__gt": 0},
                                                  "then": {"Value": 1}},
                                                 {"when": {"publisher": None}, "then": {"Value": 2}},
                                                 {"default": {"F": "pages"}}]}}},
                     pages=Case(When(Exists(self.django.Book.objects.filter(
                         pk=OuterRef("pk"), publisher__country__code="DE", author__profile__karma__gt=0)), then=Value(1)),
                         When(publisher=None, then=Value(2)), default=F("pages"), output_field=IntegerField()))

    def test_with_filters_over_relations(self):
        self.sets_as({"filter": {"author__country__code": "DE"}, "set": {"rating": path("publisher__founded")}},
                     rating=self.of("publisher__founded"))
        self.sets_as({"filter": {"review__stars": 5}, "set": {"pages": {"+": [path("pages"), path("author__id")]}}},
                     pages=F("pages") + F("author_id"))
        self.sets_as({"filter": {"publisher__founded__gt": 1920, "pages__lt": 300}, "set": {"pages": path("publisher__founded")}},
                     pages=self.of("publisher__founded"))

    def test_with_aggregates_in_the_filter(self):
        book = self.django.Book.objects
        answered, expected = self.same_effect(
            lambda: self.ok(self.api.post("/api/book/update", {
                "annotate": {"n": {"Count": "review"}}, "filter": {"n__gte": 3}, "set": {"rating": path("publisher__founded")}})),
            lambda: book.annotate(n=Count("review")).filter(n__gte=3).update(rating=self.of("publisher__founded")))
        self.assertEqual(answered, {"updated": expected})

    def test_annotations_across_relations(self):
        answered, expected = self.same_effect(
            lambda: self.ok(self.api.post("/api/book/update", {
                "annotate": {"year": {"Coalesce": ["publisher__founded", 7]}}, "filter": {"year__lt": 1950},
                "set": {"pages": path("year")}})),
            lambda: self.django.Book.objects.annotate(year=Coalesce("publisher__founded", 7)).filter(year__lt=1950).update(
                pages=Coalesce(self.of("publisher__founded"), 7)))
        self.assertEqual(answered, {"updated": expected})

    def test_a_reverse_one_to_one(self):
        person = self.django.Person.objects
        answered, _ = self.same_effect(
            lambda: self.ok(self.api.post("/api/person/update", {"set": {"nickname": path("profile__bio")}})),
            lambda: person.update(nickname=Subquery(self.django.Profile.objects.filter(person=OuterRef("pk")).values("bio"))))
        self.assertEqual(answered, {"updated": 30})

    def test_patch_and_related_managers(self):
        row = self.ok(self.api.patch("/api/book/4", {"rating": path("publisher__founded"), "title": path("author__name")}))
        book = self.django.Book.objects.select_related("author", "publisher").get(pk=4)
        self.assertEqual((row["title"], row["rating"]), (book.author.name, book.publisher.founded))
        self.same_effect(
            lambda: self.ok(self.api.post("/api/publisher/2/books/update", {"set": {"rating": path("author__profile__karma")}})),
            lambda: self.django.Book.objects.filter(publisher=2).update(rating=self.of("author__profile__karma")))

    def test_several_rows_are_refused(self):
        before = self.contents()
        for value in (path("chapter__words"), path("translators__name"), {"Coalesce": ["review__stars", 1]},
                      {"+": [{"Count": "chapter"}, path("chapter__words")]},
                      {"Case": [{"when": {"review__stars": 5}, "then": 1}, {"default": 0}]}):
            with self.subTest(value):
                self.assert_problem(self.api.post("/api/book/update", {"set": {"pages": value}}), 400, "FieldError",
                                    pointer="/set/pages", detail="Subquery")
        self.assertEqual(self.contents(), before)

    def test_one_of_several_by_subquery(self):
        chapters = self.django.Chapter.objects.filter(book=OuterRef("pk")).order_by("-words", "id").exclude(words=None)
        self.sets_as({"set": {"rating": {"Subquery": {
            "model": "Chapter", "filter": {"book": {"OuterRef": "pk"}}, "exclude": {"words": None}, "order_by": ["-words", "id"],
            "limit": 1, "values_list": ["words"]}}}}, rating=Subquery(chapters.values("words")[:1]))

    def test_aggregates_of_relations(self):
        book = self.django.Book.objects

        def aggregate(expression):
            return Subquery(book.filter(pk=OuterRef("pk")).annotate(value=expression).values("value"))

        self.sets_as({"set": {"pages": {"Count": "chapter"}}}, pages=aggregate(Count("chapter")))
        self.sets_as({"set": {"pages": {"Count": "review"}, "rating": {"Avg": "review__stars"}, "in_print": True}},
                     pages=aggregate(Count("review")), rating=aggregate(Avg("review__stars")), in_print=True)
        self.sets_as({"set": {"pages": {"+": [{"Sum": {"expr": "chapter__words", "default": 0}}, path("pages")]}}},
                     pages=Coalesce(aggregate(Sum("chapter__words")), 0) + F("pages"))
        self.sets_as({"filter": {"review__stars": 2},
                      "set": {"pages": {"Count": {"expr": "review", "filter": {"review__stars__gte": 3}}}}},
                     pages=aggregate(Count("review", filter=Q(review__stars__gte=3))))
        self.sets_as({"set": {"pages": {"Count": {"expr": "translators", "filter": {"publisher__country": "DE"}}}}},
                     pages=aggregate(Count("translators", filter=Q(publisher__country="DE"))))

    def test_what_aggregates_cannot_be_assigned(self):
        before = self.contents()
        self.assert_problem(self.api.post("/api/book/update", {"set": {"pages": {"Count": "id"}}}), 400, "NotSupportedError",
                            pointer="/set/pages")
        self.assertEqual(self.contents(), before)


def at_once(*jobs):
    """Runs all of them in threads, begun together; what they gave, in order."""
    start, given = threading.Barrier(len(jobs)), [None] * len(jobs)

    def run(number):
        start.wait()
        given[number] = jobs[number]()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return given


class RaceTest(WritingTest):
    """What a second writer sees of the first."""

    models = ("press",)
    seed = seeds.PRESS

    def while_held(self, sql, ask):
        """Another transaction does `sql`, we ask and wait for it, it commits, we are answered."""
        other = psycopg2.connect(**self.server.database)
        try:
            with other.cursor() as cursor:
                cursor.execute(sql)
            answers = []
            asking = threading.Thread(target=lambda: answers.append(ask()))
            asking.start()
            for _ in range(1000):
                if self.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") != [(0,)]:
                    break
                asking.join(0.01)
            other.commit()
            asking.join()
            return answers[0]
        finally:
            other.close()

    def test_a_row_whose_foreign_key_changes_is_not_lost(self):
        self.sql("UPDATE book SET publisher_id = 1")
        answer = self.while_held("UPDATE book SET publisher_id = 2 WHERE id IN (1, 2)",
                                 lambda: self.ok(self.api.post("/api/book/update", {
                                     "filter": {"id__lte": 3}, "set": {"rating": path("publisher__id")}})))
        self.assertEqual(answer, {"updated": 3})
        self.assertEqual(self.sql("SELECT rating FROM book WHERE id <= 3 ORDER BY id"), [(2,), (2,), (1,)])

    def test_the_last_piece_is_sold_once(self):
        self.sql("UPDATE book SET pages = 5, publisher_id = 1 WHERE id = 1")
        body = {"filter": {"id": 1, "pages__gte": 1, "publisher__name__isnull": False}, "set": {"pages": {"-": [path("pages"), 1]}}}
        answer = self.while_held("UPDATE book SET pages = 0 WHERE id = 1", lambda: self.ok(self.api.post("/api/book/update", body)))
        self.assertEqual(answer, {"updated": 0})
        self.sql("UPDATE book SET pages = 5")
        clients = [self.server.client() for _ in range(16)]
        answers = at_once(*[lambda client=client: client.post("/api/book/update", body) for client in clients])
        for client in clients:
            client.close()
        self.assertEqual(sum(self.ok(answer)["updated"] for answer in answers), 5)
        self.assertEqual(self.sql("SELECT pages FROM book WHERE id = 1"), [(0,)])

    def test_a_row_that_no_longer_matches_is_not_deleted(self):
        answer = self.while_held(
            "UPDATE book SET pages = 1000 WHERE id = 1",
            lambda: self.ok(self.api.post("/api/book/delete", {"filter": {"id": 1, "pages__lt": 1000, "author__name__isnull": False}})))
        self.assertEqual(answer["deleted"], 0)

    def test_bulk_updates_in_opposite_order_do_not_block_each_other(self):
        ids = list(range(1, 61))

        def change(order, value):
            client = self.server.client()
            given = [client.post("/api/book/bulk_update", {"objects": [{"id": pk, "pages": value} for pk in order]}) for _ in range(20)]
            client.close()
            return given

        for answers in at_once(lambda: change(ids, 1), lambda: change(ids[::-1], 2), lambda: change(ids[30:] + ids[:30], 3),
                               lambda: change(ids[::2] + ids[1::2], 4)):
            for answer in answers:
                self.assertEqual(self.ok(answer), {"updated": 60})
        self.assertEqual(len(self.sql("SELECT DISTINCT pages FROM book")), 1)

    def test_a_bulk_update_adds_to_what_another_left(self):
        answer = self.while_held("UPDATE book SET pages = 100 WHERE id = 2", lambda: self.ok(self.api.post(
            "/api/book/bulk_update", {"objects": [{"id": pk, "title": "t%d" % pk, "pages": {"+": [path("pages"), 1]}} for pk in (3, 2, 1)]})))
        self.assertEqual(answer, {"updated": 3})
        self.assertEqual(self.sql("SELECT title, pages FROM book WHERE id = 2"), [("t2", 101)])

    def test_a_deadlock_is_tried_again(self):
        """We hold book 2 and wait for book 1, the other holds book 1 and waits for book 2; we are the one that
        PostgreSQL ends, for the other's patience is longer."""
        for pk in (2, 1):  # the order in which they now stand, and are met
            self.sql("UPDATE book SET pages = 0 WHERE id = %s", [pk])
        other = psycopg2.connect(**self.server.database)
        answers = []
        try:
            with other.cursor() as cursor:
                cursor.execute("SET deadlock_timeout = '60s'")
                cursor.execute("UPDATE book SET title = 'other' WHERE id = 1")
                asking = threading.Thread(target=lambda: answers.append(self.api.post("/api/book/update", {
                    "filter": {"id__in": [1, 2]}, "set": {"pages": {"+": [path("pages"), 1]}}})))
                asking.start()
                asking.join(0.3)
                cursor.execute("UPDATE book SET title = 'other' WHERE id = 2")
            other.commit()
            asking.join()
        finally:
            other.close()
        self.assertEqual(self.ok(answers[0]), {"updated": 2})
        self.assertEqual(self.sql("SELECT title, pages FROM book WHERE id IN (1, 2)"), [("other", 1), ("other", 1)])

    def test_votes_are_counted_exactly(self):
        self.sql("UPDATE book SET pages = 0")

        def add():
            client = self.server.client()
            for _ in range(25):
                self.ok(client.post("/api/book/update", {"filter": {"pk": 7}, "set": {"pages": {"+": [path("pages"), 1]}}}))
            client.close()

        at_once(*[add] * 16)
        self.assertEqual(self.sql("SELECT pages FROM book WHERE id = 7"), [(400,)])


class ReturningTest(WritingTest):
    models = ("press",)
    seed = seeds.PRESS

    def test_update(self):
        response = self.api.post("/api/book/update", {"filter": {"id__lte": 2}, "set": {"pages": {"F": "id"}},
                                                      "returning": ["pk", "pages", "author", "author_id"]})
        answer = self.ok(response)
        self.assert_statements(response, 1)
        self.assertEqual(answer["updated"], 2)
        self.assertEqual(sorted(answer["results"], key=lambda row: row["pk"]), [
            {"pk": 1, "pages": 1, "author": 2, "author_id": 2}, {"pk": 2, "pages": 2, "author": 5, "author_id": 5}])
        self.assertEqual([list(row) for row in answer["results"]], [["pk", "pages", "author", "author_id"]] * 2)

    def test_every_column(self):
        for wanted in (True, "*"):
            answer = self.ok(self.api.post("/api/book/update", {"filter": {"id": 4}, "set": {"pages": 77}, "returning": wanted}))
            self.same(answer["results"], [oracle.columns(self.django.Book.objects.get(pk=4))])

    def test_none(self):
        for unwanted in (False, []):
            self.assertEqual(self.ok(self.api.post("/api/book/update", {"filter": {"id": 4}, "set": {"pages": 77}, "returning": unwanted})),
                             {"updated": 1})
            self.assertEqual(self.ok(self.api.post("/api/publisher/bulk_create", {"objects": [{"name": "a"}, {"name": "b"}], "returning": unwanted}),
                                     201), {"created": 2})

    def test_rows_chosen_across_relations(self):
        answer = self.ok(self.api.post("/api/book/update", {
            "filter": {"publisher__country": "DE"}, "set": {"title": path("author__name")}, "returning": ["id", "title"]}))
        books = self.django.Book.objects.filter(publisher__country="DE").select_related("author")
        self.assertEqual(sorted((row["id"], row["title"]) for row in answer["results"]), sorted((book.pk, book.author.name) for book in books))
        self.assertEqual(answer["updated"], len(books))

    def test_delete_answers_the_rows_as_they_were(self):
        before = oracle.columns(self.django.Book.objects.get(pk=3))
        answer = self.ok(self.api.post("/api/book/delete", {"filter": {"id": 3}, "returning": True}))
        self.same(answer["results"], [before])
        self.assertGreater(answer["deleted"], 1)
        before = oracle.columns(self.django.Profile.objects.get(pk=3))
        response = self.api.delete("/api/profile/3?returning=*")
        self.same(self.ok(response)["results"], [before])
        self.assert_statements(response, 1)
        answer = self.ok(self.api.delete("/api/review?stars=1&returning=id,stars"))
        self.assertEqual({row["stars"] for row in answer["results"]}, {1})
        self.assertEqual(len(answer["results"]), answer["deleted"])

    def test_creating(self):
        self.assertEqual(self.ok(self.api.post("/api/publisher", {"name": "New", "returning": ["pk", "name"]}), 201), {"pk": 10, "name": "New"})
        answer = self.ok(self.api.post("/api/publisher/bulk_create", {"objects": [{"name": "a"}, {"name": "b"}], "returning": ["name", "id"]}), 201)
        self.assertEqual(answer, {"results": [{"name": "a", "id": 11}, {"name": "b", "id": 12}]})
        answer = self.ok(self.api.post("/api/country/get_or_create", {"lookup": {"code": "DE"}, "defaults": {"name": "x"}, "returning": ["name"]}))
        self.assertEqual(answer, {"created": False, "result": {"name": "Germany"}})

    def test_one_row(self):
        self.assertEqual(self.ok(self.api.patch("/api/book/4", {"pages": 5, "returning": ["pages"]})), {"pages": 5})
        self.assertEqual(self.ok(self.api.patch("/api/book/4", {"returning": ["pages", "id"]})), {"pages": 5, "id": 4})

    def test_patch_of_many_by_address(self):
        answer = self.ok(self.api.patch("/api/book", {"pages": 6}, "id__lte=2&returning=id"))
        self.assertEqual((answer["updated"], sorted(row["id"] for row in answer["results"])), (2, [1, 2]))

    def test_a_zone(self):
        answer = self.ok(self.api.post("/api/book/update", {"filter": {"id": 1}, "timezone": "Asia/Tokyo", "set": {"pages": 1},
                                                            "returning": ["released"]}))
        self.assertEqual(answer["results"][0]["released"], "2020-01-17T10:03:07.25+09:00")

    def test_what_it_cannot_be(self):
        before = self.contents()
        for wanted, title, pointer in ((["titel"], "FieldError", "/returning/0"), (["id", "author__name"], "FieldError", "/returning/1"),
                                       (["translators"], "FieldError", "/returning/0"), ([5], "ValueError", "/returning/0"),
                                       ("id", "ValueError", "/returning"), ({"id": 1}, "ValueError", "/returning"), (None, "ValueError", "/returning")):
            for method, body in (("update", {"set": {"pages": 1}}), ("delete", {}), ("bulk_update", {"objects": [{"id": 1, "pages": 2}]}),
                                 ("bulk_create", {"objects": [{"title": "x", "author": 1}]}), ("create", {"title": "x", "author": 1})):
                with self.subTest(wanted=wanted, method=method):
                    response = self.api.post("/api/book/" + method, dict(body, returning=wanted))
                    self.assert_problem(response, 400, title, pointer=pointer)
        self.assert_problem(self.api.post("/api/book/update", {"set": {"pages": 1}, "returning": ["titel"]}), 400, "FieldError",
                            suggestion="title", detail="Choices are: author, author_id")
        self.assertEqual(self.contents(), before)


class RequireTest(WritingTest):
    models = ("press",)
    seed = seeds.PRESS

    def refused(self, response, detail, pointer="/require"):
        self.assert_problem(response, 412, "PreconditionFailed", detail=detail, pointer=pointer)

    def test_held(self):
        self.assertEqual(self.ok(self.api.post("/api/book/update", {"filter": {"id": 1}, "set": {"pages": 1}, "require": {"rows": 1}})), {"updated": 1})
        for require in ({"min": 3}, {"max": 3}, {"min": 1, "max": 5}, {"rows": 3}):
            answer = self.ok(self.api.post("/api/book/update", {"filter": {"id__lte": 3}, "set": {"pages": 1}, "require": require}))
            self.assertEqual(answer, {"updated": 3})
        self.assertEqual(self.ok(self.api.post("/api/profile/delete", {"filter": {"id": 1}, "require": {"rows": 1}}))["deleted"], 1)
        self.assertEqual(self.ok(self.api.patch("/api/book", {"pages": 3}, "id=1&require=1")), {"updated": 1})

    def test_not_held_nothing_is_written(self):
        before = self.contents()
        self.refused(self.api.post("/api/book/update", {"filter": {"id__lte": 3}, "set": {"pages": 1}, "require": {"rows": 1}}),
                     "3 rows were there and one row was required")
        self.refused(self.api.post("/api/book/update", {"filter": {"id": 999}, "set": {"pages": 1}, "require": {"min": 1}}),
                     "0 rows were there and at least one row was required")
        self.refused(self.api.post("/api/book/update", {"filter": {"id__lte": 3}, "set": {}, "require": {"rows": 3}}), "0 rows were there")
        self.refused(self.api.post("/api/book/delete", {"filter": {"id__lte": 3}, "require": {"max": 2}}), "at most 2 rows were required")
        self.refused(self.api.post("/api/profile/delete", {"filter": {"id__lte": 3}, "require": {"min": 1, "max": 2}}), "1 to 2 rows were required")
        self.refused(self.api.post("/api/book/bulk_update", {"objects": [{"id": 1, "pages": 2}, {"id": 999, "pages": 2}], "require": {"rows": 2}}),
                     "one row was there and 2 rows were required")
        self.refused(self.api.post("/api/book/5/translators/add", {"objects": [1, 2, 3], "require": {"rows": 9}}), "9 rows were required")
        self.refused(self.api.post("/api/publisher/2/books/set", {"objects": [1, 2], "require": {"rows": 99}}), "99 rows were required")
        self.refused(self.api.post("/api/book/5/translators/clear", {"require": {"rows": 99}}), "99 rows were required")
        self.refused(self.api.patch("/api/book", {"pages": 3}, "id__lte=2&require=1"), "2 rows were there", "?require")
        self.refused(self.api.delete("/api/review?stars=1&require=1"), "one row was required", "?require")
        self.assertEqual(self.contents(), before)

    def test_what_it_cannot_be(self):
        before = self.contents()
        for require, title, pointer in (({}, "ValueError", "/require"), ({"rows": 1, "min": 1}, "ValueError", "/require"),
                                        ({"min": 3, "max": 2}, "ValueError", "/require"), ({"rows": -1}, "ValueError", "/require/rows"),
                                        ({"rows": "1"}, "ValueError", "/require/rows"), ({"rws": 1}, "BadRequest", "/require/rws"), (1, "ValueError", "/require"),
                                        (None, "ValueError", "/require")):
            with self.subTest(require):
                self.assert_problem(self.api.post("/api/book/update", {"set": {"pages": 1}, "require": require}), 400, title, pointer=pointer)
        self.assertEqual(self.contents(), before)


class UnvalidatedTest(WritingTest):
    """Where settings allow it: Django's bare save()."""

    models = ("press",)
    seed = seeds.PRESS

    @classmethod
    def setUpClass(cls):
        from harness import Server
        cls.server = Server("press", environment={"QUERN_ALLOWS_UNVALIDATED": "true"})
        cls.addClassCleanup(cls.server.stop)
        cls.tables = [row[0] for row in cls.server.sql(
            "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'quern%' ORDER BY 1")]
        cls.django = oracle.ask(cls.server)
        cls.addClassCleanup(oracle.connection.close)

    def test_rules_of_the_model_are_not_asked(self):
        person = self.django.Person.objects
        self.same_effect(lambda: self.ok(self.api.post("/api/person", {"name": "", "validate": False}), 201), lambda: person.create(name=""))
        self.same_effect(lambda: self.ok(self.api.post("/api/person/update", {"filter": {"id": 1}, "set": {"name": ""}, "validate": False})),
                         lambda: person.filter(pk=1).update(name=""))
        self.same_effect(lambda: self.ok(self.api.patch("/api/person/1", {"name": "", "validate": False})),
                         lambda: person.filter(pk=1).update(name=""))
        self.same_effect(
            lambda: self.ok(self.api.post("/api/person/bulk_update", {"objects": [{"id": 1, "name": ""}], "validate": False})),
            lambda: person.filter(pk=1).update(name=""))
        self.same_effect(
            lambda: self.ok(self.api.post("/api/person/bulk_create", {"objects": [{"name": ""}, {"name": "x"}], "validate": False}), 201),
            lambda: person.bulk_create([self.django.Person(name=""), self.django.Person(name="x")]))

    def test_the_database_and_the_types_have_the_last_word(self):
        before = self.contents()
        self.assert_problem(self.api.post("/api/person", {"name": None, "validate": False}), 409, "IntegrityError", fields=["name"])
        self.assert_problem(self.api.post("/api/person/update", {"set": {"name": "x" * 99}, "validate": False}), 400, "ValueError")
        self.assert_problem(self.api.post("/api/book/update", {"set": {"pages": -1}, "validate": False}), 409, "IntegrityError")
        self.assert_problem(self.api.post("/api/book/update", {"set": {"pages": "x"}, "validate": False}), 422, "ValidationError",
                            pointer="/set/pages")
        self.assertEqual(self.contents(), before)

    def test_validated_when_nothing_is_said(self):
        for body in ({"name": ""}, {"name": "", "validate": True}):
            self.assert_problem(self.api.post("/api/person", body), 422, "ValidationError", pointer="/name")
        self.assert_problem(self.api.post("/api/person", {"name": "x", "validate": "no"}), 400, "ValueError", pointer="/validate")


class ValidatedTest(WritingTest):
    models = ("press",)
    seed = seeds.PRESS

    def test_it_is_refused_where_settings_do_not_allow_it(self):
        before = self.contents()
        for address, body in (("person", {"name": "x"}), ("person/bulk_create", {"objects": []}), ("person/update", {"set": {"name": "x"}}),
                              ("person/bulk_update", {"objects": [{"id": 1, "name": "x"}]}),
                              ("person/get_or_create", {"lookup": {"name": "x"}})):
            with self.subTest(address):
                response = self.api.post("/api/" + address, dict(body, validate=False))
                self.assert_problem(response, 403, "PermissionDenied", pointer="/validate", detail="allows_unvalidated")
        self.assert_problem(self.api.patch("/api/person/1", {"name": "x", "validate": False}), 403, "PermissionDenied")
        self.assertEqual(self.contents(), before)


class PageTest(ApiTest):
    """api-docs/writing/updating.md, from top to bottom."""

    models = ("payroll",)

    def test_the_examples_are_true(self):
        with open(os.path.join(ROOT, "api-docs", "writing", "updating.md"), encoding="utf-8") as file:
            blocks = re.findall(r"^```(http|json)\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL)
        self.assertGreaterEqual(len(blocks), 20)
        response = None
        for kind, text in blocks:
            if kind == "http":
                line, _, body = text.partition("\n")
                response = self.api.request(*line.split(), json.loads(body) if body.strip() else None)
                self.assertIn(response.status, (200, 201, 400, 403, 412), line)
                continue
            with self.subTest(line):
                got, told = response.json, json.loads(text)
                got.pop("instance", None)
                for answer in (got, told):
                    if line.endswith("/update") and "results" in answer:
                        answer["results"].sort(key=str)
                self.assertEqual(got, told)


if __name__ == "__main__":
    unittest.main()
