"""Questions that nobody thought of: conditions, orders and annotations put together at random (the same
every time), asked of Quern and of Django.

Left out is what the two define differently: several conditions on one multi-valued relation under one `not`
(Quern: about one row; Django: about a row each), multi-valued relations under two of them, and one both with and
without `not` (Quern: "has no related row such that", whatever stands beside it; Django: of the rows that the
other condition found)."""

import datetime
import random
import unittest
from decimal import Decimal

import oracle
import seeds
from django.db.models import Avg, Count, F, Max, Min, Q, Sum
from harness import ApiTest
from reading import ReadingTest

QUESTIONS = 400

TEXTS = ["a", "Night", "1", "%", "", "An", "Sato", "fine"]


def day(rng):
    return datetime.date(2019, 11, 25) + datetime.timedelta(days=rng.randrange(1400))


# Paths by the kind of their values: of one row, and of several.
SINGLE = {
    "number": ["pages", "id", "publisher__founded", "author__id", "editor__mentor__id", "publisher"],
    "real": ["rating"],
    "decimal": ["price", "cost"],
    "text": ["title", "publisher__name", "author__name", "editor__name", "author__nickname", "editor__country__name",
             "publisher__country__code", "author__mentor__mentor__name"],
    "flag": ["in_print"],
    "date": ["published", "author__born", "editor__mentor__born"],
}
SEVERAL = {
    "number": ["review__stars", "review__reviewer__profile__karma", "chapter__words", "translators__id"],
    "text": ["review__text", "review__reviewer__name", "chapter__title", "translators__name", "translators__country__name"],
    "date": ["translators__born", "review__reviewer__mentor__born"],
}


class Maker:
    """Makes a condition as JSON and, side by side, as Django's Q."""

    def __init__(self, rng):
        self.rng = rng
        self.negates_several = rng.random() < 0.5

    def value(self, kind):
        if kind == "number":
            number = self.rng.choice([0, 1, 2, 3, 5, 8, 30, 100, 250, 1930])
            return number, number
        if kind == "real":
            number = self.rng.choice([0, 0.5, 1.5, 2, 3.5])
            return number, number
        if kind == "decimal":
            text = self.rng.choice(["0.95", "12.95", "20", "33.5"])
            return text, Decimal(text)
        if kind == "date":
            found = day(self.rng)
            return found.isoformat(), found
        text = self.rng.choice(TEXTS)
        return text, text

    def leaf(self, paths):
        kind = self.rng.choice(sorted(paths))
        path = self.rng.choice(paths[kind])
        if self.rng.random() < 0.15:
            lookup, sent = path + "__isnull", self.rng.random() < 0.5
            return {lookup: sent}, Q(**{lookup: sent})
        if kind == "flag":
            sent = self.rng.random() < 0.5
            return {path: sent}, Q(**{path: sent})
        if self.rng.random() < 0.15:
            pairs = [self.value(kind) for _ in range(3)]
            return {path + "__in": [pair[0] for pair in pairs]}, Q(**{path + "__in": [pair[1] for pair in pairs]})
        if kind == "date" and self.rng.random() < 0.3:
            part, top = self.rng.choice([("year", 2022), ("month", 12), ("day", 31), ("quarter", 4), ("week_day", 7)])
            lookup, sent = "%s__%s__gte" % (path, part), self.rng.randrange(1, top) if part != "year" else 2020
            return {lookup: sent}, Q(**{lookup: sent})
        if kind == "decimal" and self.rng.random() < 0.3:
            other = "cost" if path == "price" else "price"
            return {path + "__gt": {"F": other}}, Q(**{path + "__gt": F(other)})
        if kind == "text":
            name = self.rng.choice(["exact", "iexact", "contains", "icontains", "startswith", "iendswith", "gt", "lte"])
        else:
            name = self.rng.choice(["exact", "gt", "gte", "lt", "lte"])
        sent, asked = self.value(kind)
        lookup = path if name == "exact" else "%s__%s" % (path, name)
        return {lookup: sent}, Q(**{lookup: asked})

    def condition(self, depth, negations=0, may_be_several=True):
        """may_be_several: whether a multi-valued relation may stand here."""
        draw = self.rng.random()
        if depth == 0 or draw < 0.3:
            may_be_several = may_be_several and (negations > 0) == self.negates_several
            return self.leaf(SEVERAL if may_be_several and self.rng.random() < 0.4 else SINGLE)
        if draw < 0.5:
            condition, asked = self.condition(depth - 1, negations + 1, may_be_several and negations == 0)
            return {"not": condition}, ~asked
        name, several = self.rng.choice(["and", "or"]), may_be_several
        sent, asked = [], None
        for _ in range(self.rng.randrange(2, 4)):
            condition, q = self.condition(depth - 1, negations, several)
            if negations and "__" in repr(q) and self.is_several(q):
                several = False
            sent.append(condition)
            asked = q if asked is None else asked & q if name == "and" else asked | q
        return {name: sent}, asked

    def is_several(self, q):
        return any(word in repr(q) for word in ("review", "chapter", "translators"))


ANNOTATIONS = [
    ({"Count": "review"}, Count("review")),
    ({"Count": {"expr": "review__reviewer", "distinct": True}}, Count("review__reviewer", distinct=True)),
    ({"Sum": "chapter__words"}, Sum("chapter__words")),
    ({"Avg": "review__stars"}, Avg("review__stars")),
    ({"Max": "translators__born"}, Max("translators__born")),
    ({"Min": {"expr": "review__stars", "filter": {"review__text": "fine"}}}, Min("review__stars", filter=Q(review__text="fine"))),
    ({"+": ["pages", "publisher__founded"]}, F("pages") + F("publisher__founded")),
    ({"F": "author__country__name"}, F("author__country__name")),
]
ORDERS = ["id", "-id", "title", "-pages", "publisher__name", "-author__name", "rating", "-published", "editor__mentor__name"]


class RandomTest(ReadingTest):
    def ask(self, number):
        rng = random.Random(number)
        condition, asked = Maker(rng).condition(3)
        order = rng.sample(ORDERS, 2) + ["pk"]
        body = {"filter": condition, "order_by": order}
        queryset = self.django.Book.objects.filter(asked)
        if rng.random() < 0.4 and not Maker(rng).is_several(asked):
            described, expression = rng.choice(ANNOTATIONS)
            body["annotate"] = {"extra": described}
            queryset = queryset.annotate(extra=expression)
            if rng.random() < 0.4:
                body["filter"] = {"and": [condition, {"extra__isnull": False}]}
                queryset = queryset.filter(extra__isnull=False)
        else:
            # Which rows, not how often: joins may give a row several times.
            body["distinct"] = True
            body["order_by"] = ["pk"]
            queryset, order = queryset.distinct(), ["pk"]
        queryset = queryset.order_by(*order)
        self.compare("book", body, queryset, statements=None, empty=True)
        counted = self.api.post("/api/book/count", body)
        self.assertEqual(self.ok(counted), {"count": queryset.count()}, body)
        exists = self.api.post("/api/book/exists", body)
        self.assertEqual(self.ok(exists), {"exists": queryset.exists()}, body)
        return queryset

    def test_random_questions(self):
        found = 0
        for number in range(QUESTIONS):
            with self.subTest(number=number):
                found += bool(self.ask(number))
        self.assertGreater(found, QUESTIONS // 2, "most questions should find something")

    def test_random_exclusions(self):
        for number in range(QUESTIONS, QUESTIONS + 100):
            rng = random.Random(number)
            condition, asked = Maker(rng).leaf(SEVERAL if rng.random() < 0.5 else SINGLE)
            self.compare("book", {"exclude": condition, "order_by": ["pk"]},
                         self.django.Book.objects.exclude(asked).order_by("pk"), statements=None, empty=True)

    def test_random_groups(self):
        groups = ["publisher", "in_print", "author__country", "publisher__country__name", "published__year"]
        for number in range(60):
            rng = random.Random(number)
            names = rng.sample(groups, rng.randrange(1, 3))
            condition, asked = Maker(rng).condition(2, may_be_several=False)
            self.compare("book", {
                "filter": condition, "group_by": names, "annotate": {"n": {"Count": "id"}, "pages_": {"Sum": "pages"}},
                "order_by": names,
            }, self.django.Book.objects.filter(asked).values(*names).annotate(n=Count("id"), pages_=Sum("pages")).order_by(*names),
                statements=None, empty=True)

    def test_random_projections(self):
        paths = sorted(path for kind in SINGLE.values() for path in kind) + ["released", "author", "editor__mentor", "pk"]
        for number in range(150):
            rng = random.Random(number)
            names = rng.sample(paths, rng.randrange(1, 5))
            condition, asked = Maker(rng).condition(2, may_be_several=False)
            kind, distinct = rng.choice(["values", "values_list"]), rng.random() < 0.4
            order = names if distinct else names + ["pk"]
            body = {"filter": condition, kind: names, "order_by": order}
            queryset = getattr(self.django.Book.objects.filter(asked).order_by(*order), kind)(*names)
            if distinct:
                body["distinct"], queryset = True, queryset.distinct()
            if rng.random() < 0.5:
                body["limit"], body["offset"] = 5, 2
                queryset = queryset[2:7]
            self.compare("book", body, queryset, statements=None, empty=True)

    def test_random_aggregates(self):
        columns = ["pages", "price", "rating", "publisher__founded", "cost", "author__born", "released"]
        for number in range(80):
            rng = random.Random(number)
            condition, asked = Maker(rng).condition(2, may_be_several=False)
            within, within_asked = Maker(rng).condition(1, may_be_several=False)
            sent, expressions = {}, {}
            for name, function in rng.sample([("Count", Count), ("Min", Min), ("Max", Max), ("Sum", Sum), ("Avg", Avg)], 3):
                column = rng.choice(columns[:5] if name in ("Sum", "Avg") else columns)
                filtered = rng.random() < 0.5
                sent[name.lower()] = {name: {"expr": column, "filter": within}} if filtered else {name: column}
                expressions[name.lower()] = function(column, filter=within_asked) if filtered else function(column)
            response = self.api.post("/api/book/aggregate", {"filter": condition, "aggregate": sent})
            with self.subTest(filter=condition, aggregate=sent):
                self.same(self.ok(response), self.django.Book.objects.filter(asked).aggregate(**expressions))

    def test_random_joined_rows(self):
        paths = ["publisher", "publisher__country", "author", "author__mentor", "author__mentor__country", "editor",
                 "editor__country", "editor__profile", "author__profile__person"]
        for number in range(60):
            rng = random.Random(number)
            names = rng.sample(paths, rng.randrange(1, 4))
            condition, asked = Maker(rng).condition(2, may_be_several=False)
            queryset = self.django.Book.objects.filter(asked).select_related(*names).order_by("pk")
            tree = {}
            for name in names:
                place = tree
                for part in name.split("__"):
                    place = place.setdefault(part, {})
            self.compare("book", {"filter": condition, "select_related": names, "order_by": ["pk"]},
                         [self.joined(book, tree) for book in queryset], empty=True)

    def joined(self, instance, tree):
        row = oracle.columns(instance)
        for name, below in tree.items():
            related = getattr(instance, name, None)
            row[name] = related and self.joined(related, below)
        return row


class RandomUpdateTest(oracle.DjangoTest, ApiTest):
    models = ("press",)
    seed = seeds.PRESS

    def rows_left(self):
        return self.sql("SELECT * FROM book ORDER BY id")

    def test_random_updates(self):
        choices = [
            ({"pages": {"+": [{"F": "pages"}, 1]}}, {"pages": F("pages") + 1}),
            ({"cost": {"*": [{"F": "cost"}, "1.07"]}}, {"cost": F("cost") * Decimal("1.07")}),
            ({"price": {"F": "cost"}, "cost": {"-": [{"F": "cost"}, "0.50"]}}, {"price": F("cost"), "cost": F("cost") - Decimal("0.50")}),
            ({"publisher": None, "in_print": True}, {"publisher": None, "in_print": True}),
            ({"editor": {"F": "author"}, "title": "x"}, {"editor": F("author"), "title": "x"}),
            ({"rating": {"/": [{"F": "rating"}, 2]}}, {"rating": F("rating") / 2}),
            ({"pages": {"%": [{"F": "id"}, 7]}}, {"pages": F("id") % 7}),
        ]
        for number in range(40):
            rng = random.Random(number)
            condition, asked = Maker(rng).condition(2)
            assignments, values = rng.choice(choices)
            with self.subTest(number=number, filter=condition, set=assignments):
                self.reset()
                updated = self.ok(self.api.post("/api/book/update", {"filter": condition, "set": assignments}))
                left = self.rows_left()
                self.reset()
                found = self.django.Book.objects.filter(asked).values("pk")
                expected = self.django.Book.objects.filter(pk__in=list(found.values_list("pk", flat=True))).update(**values)
                self.assertEqual(updated, {"updated": expected})
                self.assertEqual(left, self.rows_left())

    def test_random_deletes(self):
        for number in range(20):
            rng = random.Random(number)
            condition, asked = Maker(rng).condition(2)
            with self.subTest(number=number, filter=condition):
                self.reset()
                deleted = self.ok(self.api.post("/api/book/delete", {"filter": condition}))
                left = [self.sql("SELECT count(*) FROM " + table) for table in self.tables]
                self.reset()
                keys = list(self.django.Book.objects.filter(asked).values_list("pk", flat=True))
                total, _ = self.django.Book.objects.filter(pk__in=keys).delete()
                self.assertEqual(deleted["deleted"], total)
                self.assertEqual(left, [self.sql("SELECT count(*) FROM " + table) for table in self.tables])


if __name__ == "__main__":
    unittest.main()
