"""The rows that both sides are asked about: a few hundred, always the same, with skew (a few authors wrote most
books, most tags are rare), many NULLs, ties, parents without children, and text that trips a query up.

Django writes them into the tables that Quern made; it knows nothing of what the tests ask.
"""

import datetime
import decimal
import random
import uuid

from psycopg2.extras import DateRange, NumericRange

SEED = 20260107
UTC = datetime.timezone.utc

COUNTRIES = [("de", "Germany", 84000000), ("fr", "France", 68000000), ("jp", "Japan", 124000000), ("ng", "Nigeria", None),
             ("is", "Iceland", 380000), ("tv", "Tuvalu", 11000), ("xx", "Nowhere", None)]
NAMES = ["Jane Doe", "jane doe", "Ümit Öztürk", "Sofia Janečková", "Liam O'Brien", "100%_sure", "back\\slash", "Mei Tanaka",
         "Omar Haddad", "Grace Adams", "John Carter", "Ada", "Émile", "", "李雷", "a_b", "axb"]
NICKNAMES = [None, None, None, "", "jd", "JD", "the_one", "50%", "quote\"d", "Ü"]
TITLES = ["C in a week", "c in a Week", "The quiet garden", "Nobody wrote this", "What 100% coverage hides", "a_b", "axb",
          "Back\\slash", "Straße", "STRASSE", "Ops at night", "devops is people", "Dev diary", "It's", "", "  padded  "]
KEYWORDS = ["c", "sql", "garden", "ops", "night", "dev", "C"]
COLORS = [None, "red", "Red", "blue", "green", ""]


class Data:
    """Fills the tables of the oracle's models."""

    def __init__(self, models):
        self.models = models
        self.random = random.Random(SEED)

    def fill(self):
        for step in (self.countries, self.people, self.profiles, self.publishers, self.books, self.links, self.covers,
                     self.tags, self.chapters, self.reviews):
            step()

    def maybe(self, value, chance=0.3):
        return None if self.random.random() < chance else value

    def skewed(self, items):
        """The first ones often, the last ones rarely or never."""
        return items[min(int(self.random.expovariate(4.0) * len(items)), len(items) - 1)]

    def add(self, name, rows):
        model = getattr(self.models, name)
        made = model.objects.bulk_create([model(**row) for row in rows])
        return made

    def countries(self):
        self.country = self.add("Country", [dict(code=code, name=name, people=people) for code, name, people in COUNTRIES])

    def people(self):
        draw = self.random
        self.person = self.add("Person", [dict(
            name=NAMES[i] if i < len(NAMES) else draw.choice(NAMES) + " " + str(i % 7),
            nickname=draw.choice(NICKNAMES),
            born=self.maybe(datetime.date(1930 + draw.randrange(80), draw.randrange(1, 13), draw.randrange(1, 29))),
            country=self.maybe(self.skewed(self.country[:6])),
        ) for i in range(60)])
        for person in self.person[3:]:
            if draw.random() < 0.6:
                person.mentor = self.skewed(self.person[: person.pk - 1])
        self.models.Person.objects.bulk_update(self.person, ["mentor"])
        for _ in range(50):
            self.skewed(self.person).friends.add(draw.choice(self.person[:40]))
        for _ in range(90):
            draw.choice(self.person[:50]).follows.add(self.skewed(self.person))

    def profiles(self):
        draw = self.random
        self.add("Profile", [dict(
            person=person, bio=draw.choice(TITLES), karma=self.maybe(draw.randrange(-5, 40)),
            settings=draw.choice([{}, {"theme": "dark"}, {"theme": "light", "size": draw.randrange(9, 14)}, {"theme": None}]),
        ) for person in self.person if draw.random() < 0.6])

    def publishers(self):
        draw = self.random
        self.publisher = self.add("Publisher", [dict(
            name=["North", "South", "north", "East & West", "Öst", "North"][i % 6], slug="house-%d" % (20 - i),
            country=self.maybe(self.skewed(self.country)), founded=self.maybe(draw.choice([1890, 1950, 1950, 1999, 2020])),
        ) for i in range(12)])

    def books(self):
        self.book = self.add("Book", [self.one_book() for _ in range(90)])
        for book in self.random.sample(self.book[1:], 25):
            book.prequel = self.book[book.pk - 2]
        self.models.Book.objects.bulk_update(self.book, ["prequel"])

    def one_book(self):
        draw = self.random
        day = datetime.date(2015 + draw.randrange(12), draw.randrange(1, 13), draw.randrange(1, 29))
        moment = datetime.datetime(day.year, day.month, day.day, draw.choice([0, 11, 22, 23]), draw.choice([0, 15, 59]),
                                   draw.randrange(60), draw.choice([0, 0, 500000, 123456]), tzinfo=UTC)
        low = draw.randrange(0, 20)
        return dict(
            title=draw.choice(TITLES), author=self.skewed(self.person), editor=self.maybe(self.skewed(self.person[2:]), 0.5),
            publisher=self.maybe(self.skewed(self.publisher)), imprint=self.maybe(self.skewed(self.publisher), 0.6),
            price=self.maybe(decimal.Decimal(draw.randrange(0, 6000)) / 100), cost=decimal.Decimal(draw.randrange(100, 3000)) / 100,
            pages=draw.choice([0, 12, 100, 100, 250, 251, 999]), rating=self.maybe(draw.choice([0.0, 1.5, 3.25, 4.8, 5.0])),
            published=self.maybe(day), released=self.maybe(moment),
            opens=self.maybe(datetime.time(draw.randrange(24), draw.choice([0, 30]), draw.choice([0, 59]))),
            reading_time=self.maybe(datetime.timedelta(days=draw.randrange(3), seconds=draw.randrange(90000))),
            in_print=self.maybe(draw.random() < 0.6), code=self.maybe(uuid.UUID(int=draw.getrandbits(128), version=4)),
            attributes=self.maybe(self.one_document()),
            keywords=self.maybe(draw.sample(KEYWORDS, draw.randrange(4))),
            scores=self.maybe([draw.randrange(6) for _ in range(draw.randrange(5))]),
            ages=self.maybe(draw.choice([NumericRange(low, low + draw.randrange(1, 30)), NumericRange(low, None),
                                         NumericRange(empty=True)])),
            on_sale=self.maybe(DateRange(day, day + datetime.timedelta(days=draw.randrange(1, 60)))),
        )

    def one_document(self):
        draw = self.random
        return draw.choice([
            {}, {"color": "red"}, {"color": "blue", "size": {"w": draw.randrange(30), "h": 20}}, {"color": None},
            {"list": [1, 2, {"deep": True}], "color": "Red"}, {"size": {"w": 10.5}, "flags": {"sold": draw.random() < 0.5}},
            [1, 2, 3], "text", 7,
        ])

    def links(self):
        for book in self.book:
            if self.random.random() < 0.5:
                book.translators.add(*{self.skewed(self.person) for _ in range(self.random.randrange(1, 4))})

    def covers(self):
        self.add("Cover", [dict(book=book, color=self.random.choice(COLORS), artist=self.maybe(self.skewed(self.person)))
                           for book in self.book if self.random.random() < 0.6])

    def tags(self):
        draw = self.random
        self.tag = self.add("Tag", [dict(name="tag %02d" % i) for i in range(14)])
        for tag in self.tag[2:]:
            tag.parent = self.maybe(self.tag[draw.randrange(tag.pk - 1)])
        self.models.Tag.objects.bulk_update(self.tag, ["parent"])
        pairs = sorted({(self.skewed(self.book).pk, self.skewed(self.tag[:12]).pk) for _ in range(200)})
        self.add("Tagging", [dict(book_id=book, tag_id=tag, weight=self.maybe(draw.randrange(5)),
                                  added=datetime.date(2020 + draw.randrange(4), draw.randrange(1, 13), 1))
                             for book, tag in pairs])

    def chapters(self):
        draw = self.random
        self.add("Chapter", [dict(book=book, number=number, title=draw.choice(TITLES), words=self.maybe(draw.randrange(40) * 50))
                             for book in self.book for number in range(1, 1 + draw.choice([0, 0, 1, 2, 3, 6]))])

    def reviews(self):
        draw = self.random
        start = datetime.datetime(2024, 1, 1, tzinfo=UTC)
        self.add("Review", [dict(
            book=self.skewed(self.book), reviewer=self.maybe(self.skewed(self.person)), stars=draw.randrange(1, 6),
            text=self.maybe(draw.choice(TITLES)), written_at=start + datetime.timedelta(seconds=draw.randrange(70000000)),
        ) for _ in range(260)])
