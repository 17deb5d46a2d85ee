"""JSON values for every kind of field, and small worlds of rows made of them: the states that writes begin with.

Everything hangs on a seed alone.  Rows are few, so that random writes meet each other: about ten of a model, with ties,
NULLs, parents without children and children of one parent.
"""

import datetime
import random
import uuid

import write_rows
from values import python_value

ORDER = ("Country", "Label", "Person", "Profile", "Publisher", "Book", "Cover", "Tag", "Tagging", "Chapter", "Review", "Sample",
         "Stamped", "Owner", "Cascaded", "Grandchild", "Nulled", "NulledBelow", "NulledFarBelow", "Defaulted", "DefaultedToNull",
         "SetToTwo", "Protected", "ProtectedBelow", "Left", "Loose", "Badge", "Pin", "Artist", "Album", "Song", "Node", "Branch",
         "Ring", "Depot", "Shelf", "Box", "Team", "Membership", "Fee", "Slot")
COUNTS = {"Book": 16, "Person": 14, "Review": 20, "Chapter": 16, "Owner": 12, "Cascaded": 12, "Grandchild": 12, "Node": 12, "Tagging": 14,
          "Membership": 12, "Fee": 3, "Protected": 3, "ProtectedBelow": 2, "Left": 2, "Album": 6, "Song": 8, "Branch": 6, "Ring": 6,
          "Country": 6, "Slot": 8, "Profile": 6, "Cover": 6, "Badge": 6, "Pin": 3, "Team": 5, "Depot": 5, "Shelf": 7}
TEXTS = ["C in a week", "a_b", "axb", "", "week", "100%", "Jane Doe", "o", "back\\slash", "Straße", "STRASSE", "It's", "tag 0", "North", "red",
         "jd", "Ü", "李雷", "  padded ", "quote\"d", "$1", "🎈", "NULL", "null"]
DATES = ["1950-06-01", "1999-12-31", "2018-01-01", "2019-07-15", "2020-02-29", "2022-12-31", "0001-01-01", "9999-12-31"]
MOMENTS = ["2018-01-01T00:00:00Z", "2020-05-05T11:15:00Z", "2022-12-31T23:59:59.5Z", "2024-06-01T02:00:00+02:00",
           "2025-03-03T03:03:03.000001Z", "1900-01-01T00:00:00Z"]
CODES = ["de", "fr", "jp", "ng", "is", "tv"]
DOCUMENTS = [{}, [], {"color": "red"}, {"size": {"w": 10.5, "h": 20}, "flags": [True, None]}, [1, 2, {"deep": "x"}], "text", 7, 1.25, True, {"a b": ""}]
NUMBERS = {"SmallIntegerField": (-32768, 32767), "IntegerField": (-2 ** 31, 2 ** 31 - 1), "BigIntegerField": (-2 ** 63, 2 ** 63 - 1),
           "PositiveSmallIntegerField": (0, 32767), "PositiveIntegerField": (0, 2 ** 31 - 1),
           "PositiveBigIntegerField": (0, 2 ** 63 - 1)}


class Values:
    """Random values as a client writes them."""

    def __init__(self, draw):
        self.random = draw

    def maybe(self, value, chance=0.25):
        return None if self.random.random() < chance else value

    def number(self, kind):
        low, high = NUMBERS[kind]
        if self.random.random() < 0.03:
            return self.random.choice([low, high])
        return self.random.randrange(0 if low == 0 else -5, 60)

    def text(self, field):
        text = self.random.choice(TEXTS)
        if field.unique:
            text = "%s %d" % (text, self.random.randrange(40))
        return text[: field.max_length] if field.max_length else text

    def span(self, low, high):
        """A range; sometimes open, empty, or of one value."""
        bounds = self.random.choice(["[)", "[)", "[]", "()", "(]"])
        found = {"lower": low, "upper": high, "bounds": bounds}
        chance = self.random.random()
        if chance < 0.1:
            return {"empty": True}
        if chance < 0.2:
            found["upper"] = None
            found["bounds"] = "[)"
        return found

    def value(self, field):
        """A valid value of a field that is no relation."""
        draw, kind = self.random, field.get_internal_type()
        kind = type(field).__name__ if kind == "CharField" else kind
        if field.choices:
            return draw.choice(field.choices)[0]
        if kind in NUMBERS:
            return self.number(kind)
        if kind == "ArrayField":
            return [self.value(field.base_field) for _ in range(draw.randrange(4))]
        made = {
            "CharField": lambda: self.text(field), "TextField": lambda: self.text(field),
            "SlugField": lambda: "house-%d" % draw.randrange(60) if field.unique else draw.choice(["a", "a-b", "a_b", "9"]),
            "EmailField": lambda: draw.choice(["a@example.org", "b.c+d@example.com"]),
            "URLField": lambda: draw.choice(["https://example.org/", "http://example.com/a?b=c#d"]),
            "GenericIPAddressField": lambda: draw.choice(["192.0.2.7", "2001:db8::1", "10.0.0.1"]),
            "UUIDField": lambda: str(uuid.UUID(int=draw.randrange(1, 9))),
            "FloatField": lambda: draw.choice([0.0, 1.5, -3.25, 4.8, 2, 1e300, 1e-9, 0.1]),
            "DecimalField": lambda: self.decimal(field),
            "BooleanField": lambda: draw.random() < 0.5,
            "DateField": lambda: draw.choice(DATES), "DateTimeField": lambda: draw.choice(MOMENTS),
            "TimeField": lambda: draw.choice(["00:00:00", "11:30:00", "23:59:59.999999"]),
            "DurationField": lambda: draw.choice(["PT1H", "P1D", "P2DT3H", "PT0S", "-PT1M", "PT0.000001S"]),
            "BinaryField": lambda: draw.choice(["", "AAEC", "/////w==", "aGVsbG8="]),
            "JSONField": lambda: draw.choice(DOCUMENTS),
            "IntegerRangeField": lambda: self.span(draw.randrange(10), draw.randrange(11, 30)),
            "BigIntegerRangeField": lambda: self.span(draw.randrange(10), 2 ** 40 + draw.randrange(30)),
            "DecimalRangeField": lambda: self.span("%.2f" % draw.random(), "%d.5" % draw.randrange(2, 30)),
            "DateRangeField": lambda: self.span("2020-01-%02d" % draw.randrange(1, 28), "2021-02-03"),
            "DateTimeRangeField": lambda: self.span("2020-01-%02dT10:00:00Z" % draw.randrange(1, 28), "2021-02-03T00:00:00.5Z"),
        }[kind]()
        return made

    def decimal(self, field):
        digits = min(field.max_digits - field.decimal_places, 4)
        number = self.random.randrange(10 ** (digits + field.decimal_places if field.decimal_places < 5 else digits))
        return "%.*f" % (field.decimal_places, number / 10 ** min(field.decimal_places, 4))


class WriteData:
    """Fills the tables of the oracle's models with one of several worlds."""

    def __init__(self, models, seed):
        self.models, self.seed = models, seed
        self.made = {}

    def fill(self):
        for name in ORDER:
            self.add(name)
        for name, accessor in (("Person", "friends"), ("Person", "follows"), ("Book", "translators"), ("Owner", "labels"), ("Box", "marks")):
            self.link(name, accessor)
        # Not of today, so that it shows who stamps a row again.
        then = datetime.datetime(2001, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc)
        self.models.Stamped.objects.update(made=then, changed=then, made_on=then.date())

    def begin(self, name):
        """The rows of a model hang on its name: another model's change nothing."""
        self.random = random.Random("%d %s" % (self.seed, name))
        self.values = Values(self.random)

    def add(self, name):
        self.begin(name)
        model = getattr(self.models, name)
        rows, seen = self.made.setdefault(name, []), set()
        for number in range(COUNTS.get(name, 8)):
            row = self.row(model, number)
            if row is None:
                continue
            key = self.key(model, row)
            if key is None or key not in seen:
                seen.add(key)
                row.save(force_insert=True)
                rows.append(row)

    def key(self, model, row):
        pairs = {"Tagging": ("book_id", "tag_id"), "Chapter": ("book_id", "number"), "Slot": ("room", "hour")}
        return tuple(getattr(row, name) for name in pairs[model.__name__]) if model.__name__ in pairs else None

    def row(self, model, number):
        values = {}
        for field in model._meta.local_concrete_fields:
            if field.get_internal_type() in ("AutoField", "BigAutoField", "SmallAutoField"):
                continue
            if self.is_said(model, field, number):
                values[field.attname] = self.said(field, number)
                continue
            if field.is_relation:
                values[field.attname] = self.related(field)
                if values[field.attname] is None and not field.null:
                    return None
                continue
            values[field.attname] = self.column(model, field, number)
        return model(**values)

    def is_said(self, model, field, number):
        return self.seed == 0 and number < len(write_rows.COLUMNS.get((model.__name__, field.name), ()))

    def said(self, field, number):
        """What write_rows.py says of a column."""
        value = write_rows.COLUMNS[field.model.__name__, field.name][number]
        return value if field.is_relation else python_value(field, value)

    def column(self, model, field, number):
        special = {("Country", "code"): lambda: CODES[number], ("Publisher", "slug"): lambda: "house-%d" % number,
                   ("Depot", "code"): lambda: "main" if number == 0 else "d%d" % number, ("Shelf", "label"): lambda: "s%d" % number,
                   ("Stamped", "id"): lambda: uuid.UUID(int=number + 1), ("Slot", "room"): lambda: "ab"[number % 2],
                   ("Slot", "hour"): lambda: 8 + number // 2, ("Slot", "guests"): lambda: number}
        if (model.__name__, field.name) in special:
            return special[model.__name__, field.name]()
        if field.unique and field.max_length:
            return ("%s %d" % (field.name, number))[: field.max_length]
        if field.null and self.random.random() < 0.25:
            return None
        return python_value(field, self.values.value(field))

    def related(self, field):
        rows = self.made.get(field.related_model.__name__, [])
        if field.unique:
            taken = {getattr(row, field.attname) for row in self.made[field.model.__name__]}
            rows = [row for row in rows if getattr(row, field.target_field.attname) not in taken]
        if not rows or (field.null and self.random.random() < 0.3):
            return None
        return getattr(rows[min(int(self.random.expovariate(3.0) * len(rows)), len(rows) - 1)], field.target_field.attname)

    def link(self, name, accessor):
        self.begin(name + accessor)
        if self.seed == 0:
            for key, others in write_rows.LINKS[name, accessor]:
                for other in others:
                    getattr(self.made[name][key - 1], accessor).add(other)
            return
        for row in self.made[name]:
            others = self.made[getattr(type(row), accessor).field.related_model.__name__]
            if self.random.random() < 0.5:
                getattr(row, accessor).add(*{one.pk for one in self.random.sample(others, self.random.randrange(1, 4))})
