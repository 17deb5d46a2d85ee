"""dates and datetimes, and the time zone in which moments are taken apart and answered: as Django has them."""

import datetime
import re
import unittest
import zoneinfo

from reading import ReadingTest

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")


def zone(name):
    return zoneinfo.ZoneInfo(name)


def shown(moment):
    """ISO 8601 without zeros at the end of a fraction."""
    text = moment.isoformat().replace("+00:00", "Z")
    return re.sub(r"(\.\d*?)0+(?=[Z+-])", r"\1", text)


class DatesTest(ReadingTest):
    def moments(self, method, body, expected, model="book"):
        """The answer of POST; and that the query string says the same."""
        expected = [shown(moment) for moment in expected]
        self.assertTrue(expected, "Django finds nothing")
        with self.subTest(method=method, body=body):
            response = self.api.post("/api/%s/%s" % (model, method), body)
            self.assertEqual(self.results(response), expected)
            self.assert_statements(response, 1)
            params = {name: value for name, value in body.items() if isinstance(value, str)}
            if params == body and "timezone" not in body:
                self.assertEqual(self.results(self.api.get("/api/%s/%s" % (model, method), params)), expected)

    def test_dates_of_each_kind_and_order(self):
        books = self.django.Book.objects
        for kind in ("year", "month", "week", "day"):
            for order in ("ASC", "DESC"):
                self.moments("dates", {"field": "published", "kind": kind, "order": order},
                             books.dates("published", kind, order))
        self.moments("dates", {"field": "published", "kind": "month"}, books.dates("published", "month"))

    def test_dates_of_a_moment(self):
        books = self.django.Book.objects
        for kind in ("year", "month", "week", "day"):
            self.moments("dates", {"field": "released", "kind": kind}, books.dates("released", kind))

    def test_datetimes_of_each_kind_in_several_zones(self):
        books = self.django.Book.objects
        for kind in ("year", "month", "week", "day", "hour", "minute", "second"):
            for name in ZONES:
                expected = books.datetimes("released", kind, tzinfo=zone(name))
                body = {"field": "released", "kind": kind}
                self.moments("datetimes", dict(body, tzinfo=name), expected)
                self.moments("datetimes", dict(body, timezone=name), expected)
                self.moments("datetimes", dict(body, order="DESC", tzinfo=name), list(expected)[::-1])

    def test_datetimes_are_answered_in_their_zone(self):
        for name in ZONES:
            found = self.results(self.api.post("/api/book/datetimes", {
                "field": "released", "kind": "month", "tzinfo": name}))
            expected = [shown(moment) for moment in
                        self.django.Book.objects.datetimes("released", "month", tzinfo=zone(name))]
            self.assertEqual(found, expected)

    def test_a_filtered_query_and_a_path_over_a_relation(self):
        self.moments("dates", {"filter": {"pages__gt": 200}, "field": "published", "kind": "year"},
                     self.django.Book.objects.filter(pages__gt=200).dates("published", "year"))
        self.moments("datetimes", {"filter": {"book__pages__gt": 100}, "field": "book__released", "kind": "month"},
                     self.django.Chapter.objects.filter(book__pages__gt=100).datetimes("book__released", "month"),
                     model="chapter")

    def test_of_a_related_manager(self):
        person = self.django.Book.objects.exclude(published=None).first().author
        self.moments("dates", {"field": "published", "kind": "day"}, person.written.dates("published", "day"),
                     model="person/%d/written" % person.pk)
        self.assert_problem(self.api.post("/api/person/9999/written/dates", {"field": "published", "kind": "day"}),
                            404, "DoesNotExist")

    def test_no_rows_give_an_empty_list(self):
        found = self.api.post("/api/book/dates", {"filter": {"pages": -1}, "field": "published", "kind": "day"})
        self.assertEqual(self.results(found), [])

    def test_what_is_refused(self):
        for method, body, title, pointer in [
            ("dates", {"kind": "day"}, "BadRequest", ""),
            ("dates", {"field": "published"}, "BadRequest", ""),
            ("dates", {"field": "publishd", "kind": "day"}, "FieldError", "/field"),
            ("dates", {"field": "title", "kind": "day"}, "FieldError", "/field"),
            ("dates", {"field": 3, "kind": "day"}, "ValueError", "/field"),
            ("dates", {"field": "published", "kind": "hour"}, "ValueError", "/kind"),
            ("dates", {"field": "published", "kind": None}, "ValueError", "/kind"),
            ("datetimes", {"field": "published", "kind": "day"}, "FieldError", "/field"),
            ("datetimes", {"field": "released", "kind": "eon"}, "ValueError", "/kind"),
            ("datetimes", {"field": "released", "kind": "day", "order": "desc"}, "ValueError", "/order"),
            ("datetimes", {"field": "released", "kind": "day", "tzinfo": "Mars Base"}, "ValueError", "/tzinfo"),
            ("datetimes", {"field": "released", "kind": "day", "tzinfo": "Mars/Base"}, "ValueError", "/tzinfo"),
            ("datetimes", {"field": "released", "kind": "day", "timezone": "Mars/Base"}, "ValueError", "/timezone"),
            ("dates", {"field": "published", "kind": "day", "limit": 3}, "TypeError", None),
        ]:
            with self.subTest(method=method, body=body):
                members = {} if pointer is None else {"pointer": pointer}
                self.assert_problem(self.api.post("/api/book/" + method, body), 400, title, **members)


class TimezoneTest(ReadingTest):
    def asked(self, name, **body):
        return self.rows("book", dict(body, timezone=name, order_by=["pk"]))

    def expected(self, moment, name):
        return moment and shown(moment.astimezone(zone(name)))

    def test_moments_are_answered_in_the_zone_with_its_offset(self):
        books = list(self.django.Book.objects.order_by("pk"))
        for name in ZONES:
            with self.subTest(zone=name):
                found = [row["released"] for row in self.asked(name)]
                self.assertEqual(found, [self.expected(book.released, name) for book in books])
        self.assertTrue(any(row["released"] and row["released"].endswith("+05:30") for row in self.asked("Asia/Kolkata")))

    def test_a_zone_without_a_page_is_streamed_and_with_one_is_not(self):
        books = list(self.django.Book.objects.order_by("pk"))
        for body in ({}, {"limit": 7}, {"limit": 5, "count": True}):
            found = self.api.query("book", dict(body, timezone="Asia/Kolkata", order_by=["pk"]))
            self.assertEqual([row["released"] for row in self.results(found)],
                             [self.expected(book.released, "Asia/Kolkata") for book in books[:body.get("limit")]])
            self.assert_statements(found, 2 if "count" in body else 1)

    def test_it_holds_below_in_prefetched_rows(self):
        for name in ("Europe/Berlin", "Asia/Kolkata"):
            rows = self.rows("book", {"timezone": name, "prefetch_related": ["reviews"], "order_by": ["pk"], "limit": 20})
            seen = 0
            for row, book in zip(rows, self.django.Book.objects.order_by("pk")):
                expected = {review.pk: review.written_at.astimezone(zone(name)).isoformat() for review in book.reviews.all()}
                self.assertEqual({review["id"]: review["written_at"] for review in row["reviews"]}, expected)
                seen += len(expected)
            self.assertGreater(seen, 10)

    def test_a_prefetch_may_have_a_zone_of_its_own(self):
        rows = self.rows("book", {"timezone": "Asia/Kolkata", "order_by": ["pk"], "prefetch_related": [
            {"path": "reviews", "query": {"timezone": "UTC", "annotate": {"hour": {"ExtractHour": "written_at"}}}}]})
        seen = [review for row in rows for review in row["reviews"]]
        self.assertTrue(seen)
        for review in seen:
            self.assertTrue(review["written_at"].endswith("Z"))
            self.assertEqual(review["hour"], int(review["written_at"][11:13]))
        self.assertTrue(any(row["released"] and row["released"].endswith("+05:30") for row in rows))

    def test_moments_are_taken_apart_in_the_zone_unless_tzinfo_says_otherwise(self):
        rows = self.rows("book", {
            "timezone": "Pacific/Auckland", "filter": {"released__isnull": False}, "order_by": ["pk"],
            "annotate": {"hour": {"ExtractHour": "released"}, "day": {"TruncDate": "released"},
                         "utc": {"ExtractHour": {"expr": "released", "tzinfo": "UTC"}},
                         "start": {"TruncDay": "released"}},
        })
        self.assertTrue(rows)
        for row in rows:
            moment = datetime.datetime.fromisoformat(row["released"])
            self.assertEqual(row["hour"], moment.hour)
            self.assertEqual(row["day"], moment.date().isoformat())
            self.assertEqual(row["utc"], moment.astimezone(datetime.timezone.utc).hour)
            self.assertEqual(row["start"][:19], row["day"] + "T00:00:00")

    def test_lookups_mean_the_zone_too(self):
        berlin, utc = [
            self.rows("book", {"timezone": name, "filter": {"released__hour": 0}, "values_list": ["id"], "flat": True,
                               "order_by": ["pk"]}) for name in ("Europe/Berlin", "UTC")]
        expected = {name: [book.pk for book in self.django.Book.objects.exclude(released=None).order_by("pk")
                           if book.released.astimezone(zone(name)).hour == 0] for name in ("Europe/Berlin", "UTC")}
        self.assertEqual({"Europe/Berlin": berlin, "UTC": utc}, expected)
        self.assertNotEqual(berlin, utc)

    def test_years_begin_at_the_zones_midnight(self):
        for name in ZONES:
            for body in ({"filter": {"released__year": 2021}}, {"filter": {"released__year__gt": 2020}}):
                found = self.asked(name, **body)
                ids = [book.pk for book in self.django.Book.objects.exclude(released=None).order_by("pk")
                       if (book.released.astimezone(zone(name)).year > 2020 if "released__year__gt" in body["filter"]
                           else book.released.astimezone(zone(name)).year == 2021)]
                self.assertEqual([row["id"] for row in found], ids)

    def test_one_row_and_aggregates(self):
        book = self.django.Book.objects.exclude(released=None).order_by("pk").first()
        body = {"timezone": "Europe/Berlin", "filter": {"pk": book.pk}}
        for method in ("get", "first", "last"):
            self.assertEqual(self.ok(self.api.post("/api/book/" + method, body))["released"],
                             self.expected(book.released, "Europe/Berlin"))
        found = self.ok(self.api.post("/api/book/aggregate", dict(body, aggregate={"m": {"Max": "released"}})))
        self.assertEqual(found["m"], self.expected(book.released, "Europe/Berlin"))
        found = self.ok(self.api.post("/api/book/in_bulk", {"timezone": "Europe/Berlin", "ids": [book.pk]}))
        self.assertEqual(found["results"][str(book.pk)]["released"], self.expected(book.released, "Europe/Berlin"))

    def test_the_zone_of_one_request_is_not_seen_by_the_next(self):
        for number in range(60):
            name = ZONES[number % len(ZONES)]
            body = {"order_by": ["pk"], "filter": {"pk": 1}}
            if number % 3:
                body["limit"] = 1
            self.assertTrue(self.rows("book", dict(body, timezone=name)))
            self.assertTrue(self.rows("book", body)[0]["released"].endswith("Z"))
            self.assertEqual(self.sql("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'"), [(0,)])

    def test_an_unknown_zone_points_at_the_clause(self):
        for body, pointer in [
            ({"timezone": "Mars/Base"}, "/timezone"),
            ({"timezone": "Mars/Base", "limit": 3}, "/timezone"),
            ({"timezone": "Mars/Base", "limit": 3, "count": True}, "/timezone"),
            ({"timezone": "Mars/Base", "annotate": {"d": {"TruncDay": "released"}}}, "/timezone"),
            ([{"filter": {"id": 1}}, {"timezone": "Mars/Base"}], "/1/timezone"),
            ({"timezone": "no zone"}, "/timezone"),
            ({"prefetch_related": [{"path": "reviews", "query": {"timezone": "Mars/Base"}}]},
             "/prefetch_related/0/query/timezone"),
            ({"annotate": {"d": {"TruncDay": {"expr": "released", "tzinfo": "Mars/Base"}}}}, None),
        ]:
            with self.subTest(body=body):
                members = {} if pointer is None else {"pointer": pointer}
                self.assert_problem(self.api.query("book", body), 400, "ValueError", **members)


if __name__ == "__main__":
    unittest.main()
