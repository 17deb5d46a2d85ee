"""Every value that a row may be given, judged by Quern and by Django's full_clean(): the same rules,
in the same words, under the same codes; and what both take is kept the same.

Models of one field each (models/judged.json) are given every value of a common battery and those of
their own kind.  Where the two differ on purpose, DIFFERENT says why: a row there that no longer differs
fails the test as well.
"""

import datetime
import json
import unittest
import warnings

import oracle  # first: it sets Django up
from django.contrib.postgres import validators as postgres_validators
from django.core import validators
from django.core.exceptions import ValidationError
from harness import ApiTest

MISSING = object()

COMMON = [
    MISSING, None, "", " ", "a", "abc", "abcdef", "ab cd", "5", "-5", " 5 ", "1.5", "1e2", "x\u00e9", "\u4e2d\u6587",
    0, 1, 2, 5, -1, 7, 8, 100, 99999, 2147483647, 2147483648, -2147483648, -2147483649, 32767, 32768, -32769,
    9223372036854775807, -9223372036854775808, 1.5, 0.25, -0.5, 1e3, True, False, "true", "True", "t", "f", "0", "1",
    [], {}, [1], ["a"], [1, 2], [1, 2, 3], ["a", "b"], {"a": 1}, [None], [[1, 2], [3, 4]], [[1], [2, 3]],
    "2026-01-01", "2026-02-30", "2025-12-31", "2026-1-5", "2026-13-01", "01.02.2026", "2026-01-01T10:00:00Z",
    "2026-01-01 10:00", "2026-01-01T25:00:00Z", "2026-01-01T10:00:00+02:00", "10:00", "25:00", "10:00:00.5", "10:61",
    "P1D", "1 02:03:04", "PT1H", "00:00:05", "3 days",
    "00000000-0000-0000-0000-000000000001", "00000000000000000000000000000001", "0000-1",
]

OWN = {
    "Slug": ["a-b_c", "a b", "A1", "\u00e9", "a.b"],
    "Email": ["a@b.co", "a@b", "a@localhost", "a b@c.de", "@b.co", "a@b.co\n", "\"q u\"@b.co", "a@[127.0.0.1]", "a@-b.co",
              "a@b..co", "\u00e9@b.co", "a@\u00e9.co", "a" * 250 + "@b.co"],
    "Url": ["http://a.co", "https://a.co/x?y=1#z", "ftp://a.co", "a.co", "http://", "http://a b.co", "http://localhost:80/",
            "http://127.0.0.1", "http://[::1]/", "http://[::1", "javascript:alert(1)", "http://a.co:99999", "http://-a.co",
            "http://a.co/" + "x" * 60, "http://\u00e9.co", "HTTP://A.CO", "http://a.co\n"],
    "Ip": ["127.0.0.1", "127.0.0.01", "256.0.0.1", "1.2.3", "::1", "::ffff:1.2.3.4", "2001:DB8::1", "fe80::1%eth0", " 127.0.0.1 ",
           "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9", ":::", "0::0", "::ffff:256.1.1.1"],
    "Decimal": ["1.23", "1.234", "999.99", "1000", "1000.00", "0.001", "-0.01", "1E+2", "1E-3", "NaN", "Infinity", "sNaN", "0.00",
                "00012.30", " 1.5 ", "1,5", "1_0", "0.1", ".5", "5.", "12.345", "12345.6", 12.5, 123, 1000, "0.5", "0.05", "99"],
    "Float": ["1.5", "1e400", "NaN", "Infinity", "-inf", " 2.5 ", "1,5", 0.5, 0.4, 1e300],
    "Json": [[], {}, "", "x", 0, False, [1, {"a": None}], {"a": [1]}],
    "Binary": ["", "YWJj", "no base64!", "YWJ"],
    "Array": [["abc", "abcd"], ["abcd", "abcde"], [1, "x"], [1, None], ["", "a"], ["a", "c"], [[1, "x"]], [[1, 2], []], [["abc"], ["a"]],
              [["a"], ["b"], ["c"]], [["a", "b", "c"], ["a"]], ["a@b.co", "no"], ["1.5", "1.55", "10000"], ["2026-01-01", "2026-02-30", "x"],
              [1, 2, 3, 4], "[1, 2]", "1,2", "{1,2}", [1.5], ["1"], [True], [3, 7], [2, 8, 5]],
    "Regex": ["abc", "ABC", "xyz", "abx", "abc\n", "ABCD", "aBc"],
    "Several": ["bcd", "b c", "a!", "bcdefgh", "b!defgh"],
    "Lengths": ["a", "ab", "abcd"],
    "IntegerList": ["1,2", "1,,2", "1,2,", "a", "1, 2", "-1"],
    "Extension": ["a.pdf", "a.PDF", "a.exe", "a", "a.tar.txt", ".pdf", "b/a.txt", "b.pdf/a"],
    "EmailAllow": ["a@intranet", "a@other", "a@b.co"],
    "CharGroups": ["vinyl", "cd", "x", "Audio", "y"],
    "Time": ["10:00:00", "24:00", "10:00:60", "10", "10:5", "10:00:00.1234567", "10:00+01:00"],
    "Date": ["20260101", "2026-01-01 ", "0001-01-01", "0000-01-01", "9999-12-31", "10000-01-01", "2024-02-29", "2025-02-29"],
    "Duration": ["1", "1.5", "-1", "1:2", "01:02:03.000004", "P3DT1H", "-P1D", "P1Y", "P1W", "1 day", "1 days, 0:00:01", 90, 1.25],
    "Uuid": ["{00000000-0000-0000-0000-000000000001}", "urn:uuid:00000000-0000-0000-0000-000000000001",
             "ABCDEFAB-CDEF-ABCD-EFAB-CDEFABCDEFAB", "g0000000-0000-0000-0000-000000000001"],
}


class JudgedOracle(oracle.Oracle):
    """Django's models with the validators as well."""

    def _field(self, described):
        field = super()._field(described)
        if isinstance(described, str) or "validators" not in described:
            return field
        _, _, arguments, options = field.deconstruct()
        options["validators"] = [validator(item) for item in described["validators"]]
        return type(field)(*arguments, **options)


def validator(item):
    if isinstance(item, str):
        item = {"name": item}
    options = {key: value for key, value in item.items() if key != "name"}
    found = getattr(validators, item["name"], None) or getattr(postgres_validators, item["name"])
    if not isinstance(found, type):
        return found
    if item["name"] in ("MinValueValidator", "MaxValueValidator") and isinstance(options["limit_value"], str):
        options["limit_value"] = datetime.date.fromisoformat(options["limit_value"])
    return found(**options)


TEXT, NUMBER = (str,), (int, float, str)
# The kinds of JSON value that a field is written as; a value of another kind is refused as such, while
# Django makes what it can of it (str([]), int(True), uuid.UUID(int=5) …).
KINDS = {
    "CharField": TEXT, "TextField": TEXT, "SlugField": TEXT, "EmailField": TEXT, "URLField": TEXT, "FileField": TEXT,
    "FilePathField": TEXT, "GenericIPAddressField": TEXT, "UUIDField": TEXT, "DateField": TEXT, "DateTimeField": TEXT,
    "TimeField": TEXT, "DurationField": TEXT, "BinaryField": TEXT, "BooleanField": (bool,), "FloatField": NUMBER,
    "DecimalField": NUMBER, "IntegerRangeField": (), "DateRangeField": (), "DecimalRangeField": (),
    "JSONField": (str, int, float, bool, list, dict),
}


def fits(field, value):
    """Whether the value is of the kind of JSON that the field is written as."""
    if value is MISSING or value is None:
        return True
    if isinstance(field, str):
        field = {"type": field}
    kind = field["type"]
    if kind == "ArrayField":
        return isinstance(value, list) and all(fits(field["base_field"], item) for item in value)
    if kind == "JSONField":
        return True
    if isinstance(value, bool):
        return kind == "BooleanField"
    if kind.endswith("IntegerField"):
        return isinstance(value, (int, str)) or (isinstance(value, float) and value.is_integer())
    return isinstance(value, KINDS[kind])


# (the models' names begin with, the values, why).  None of these lets a value in that the column cannot hold.
DIFFERENT = [
    (("CharBlank", "CharChoicesBlank", "TextBlank", "EmailBlank", "FilePath", "ArrayBlank", "IntegerBlank", "JsonBlank"),
     [MISSING, None], "Django leaves NULL in a blank field to the database, which refuses it"),
    (("Integer", "Decimal", "Date", "Duration", "Array"), [""],
     "\"\" is no number and no date; Django passes it where blank is allowed and fails when it saves"),
    (("File", "Extension"), [None], "a missing file is \"\" to Django, null is null here"),
    (("File",), ["2026-01-01T10:00:00+02:00", "00000000-0000-0000-0000-000000000001", "00000000000000000000000000000001"],
     "Django leaves the length of a file's name to the database"),
    (("ArrayNested",), [[[1, 2], []]], "lists of unequal length are said to be that, also where one is empty"),
    (("Binary",), None, "base64 is judged here; Django decodes what it can and crashes at the rest"),
    (("Ip",), ["fe80::1%eth0"], "PostgreSQL's inet has no zones"),
    (("Float",), ["1e400"], "Python makes infinity of it"),
    (("Decimal",), ["1_0", 12.5, "NaN", "sNaN", "Infinity"], "Python's own way with underscores, floats and what is no number"),
    (("Date", "WordsDate"), ["2026-1-5"], "ISO 8601 has two digits"),
    (("Time",), ["10:5", "10:00+01:00"], "ISO 8601 has two digits; Django drops the zone of a time"),
    (("Duration",), [" 5 ", "3 days", "1 day", "P1W", "00000000000000000000000000000001"],
     "ISO 8601 and Django's own form, not PostgreSQL's words"),
    (("Uuid",), ["{00000000-0000-0000-0000-000000000001}", "urn:uuid:00000000-0000-0000-0000-000000000001"],
     "the plain forms alone"),
    (("ArrayLength",), [[1], ["1"]], "Django 3.2 counts \"item\" by the limit, not by what it names: \"1 items\""),
]


def is_different(name, value):
    for names, values, _ in DIFFERENT:
        if name.startswith(names) and (values is None or any(value is one or (type(value) is type(one) and value == one)
                                                             for one in values)):
            return True
    return False


def values_for(name):
    own = [value for prefix, values in OWN.items() if name.startswith(prefix) for value in values]
    return COMMON + own


def shown(value):
    return "nothing" if value is MISSING else json.dumps(value, ensure_ascii=False)


CRASH = "Django itself fails"


def judged_by_django(model, value):
    """Its messages and codes; None when it takes the value."""
    try:
        instance = model() if value is MISSING else model(f=value)
        instance.full_clean()
    except ValidationError as error:
        return [(text, found.code) for found in error.error_dict["f"] for text in found.messages]
    except (TypeError, AttributeError, ValueError, ArithmeticError):
        return CRASH
    return None


def judged_by_quern(answer):
    if answer.status == 201:
        return None
    if answer.status != 422:
        return [("status %d: %s" % (answer.status, answer.json.get("detail")), None)]
    return [(found["message"], found["code"]) for found in answer.json["errors"]["f"]]


def agree(field, ours, theirs):
    """Django stops at the first bad item of an array and does not convert items; we tell of all."""
    kind = field if isinstance(field, str) else field["type"]
    if kind != "ArrayField":
        return ours == theirs
    if theirs is CRASH:
        return True
    if theirs is None:
        return ours is None or all(code == "item_invalid" for _, code in ours)
    return ours is not None and (set(theirs) <= set(ours) or is_first_bad_item(ours, theirs))


def is_first_bad_item(ours, theirs):
    """An item that does not even parse is said to be so, where Django judges the text as it is."""
    return len(theirs) == 1 and any(found[1] == "item_invalid" for found in ours) and (
        theirs[0][1] != "item_invalid" or ours[0][0].split(":")[0] == theirs[0][0].split(":")[0])


class ValidationOracleTest(ApiTest):
    models = ("judged",)

    def setUp(self):
        super().setUp()
        # Of datetimes without a zone: Django takes them for UTC, as we do.
        warnings.simplefilter("ignore", RuntimeWarning)
        oracle.ask(self.server)
        self.addCleanup(oracle.connection.close)
        self.django = JudgedOracle(self.server.documents)
        self.fields = {name: declared["fields"]["f"] for name, declared in self.server.documents[0]["models"].items()}

    def give(self, name, value):
        return self.api.post("/api/" + name.lower(), {} if value is MISSING else {"f": value})

    def test_every_value_is_judged_as_django_judges_it(self):
        wrong, asked = [], 0
        for name, field in self.fields.items():
            for value in values_for(name):
                if not fits(field, value) or is_different(name, value):
                    continue
                theirs = judged_by_django(getattr(self.django, name), value)
                ours = judged_by_quern(self.give(name, value))
                asked += 1
                if not agree(field, ours, theirs):
                    wrong.append("%s %s:\n    Django %s\n    Quern  %s" % (name, shown(value), theirs, ours))
        self.assertGreater(asked, 4000)
        self.assertEqual(wrong, [], "\n".join(wrong[:20]))

    def test_what_is_said_to_differ_does(self):
        for names, values, why in DIFFERENT:
            differs = False
            for name, field in self.fields.items():
                for value in (values_for(name) if values is None else values) if name.startswith(names) else ():
                    if fits(field, value):
                        theirs = judged_by_django(getattr(self.django, name), value)
                        differs = differs or judged_by_quern(self.give(name, value)) != theirs
            self.assertTrue(differs, why)

    def test_a_value_of_another_kind_is_refused_as_such(self):
        for name, field in self.fields.items():
            for value in values_for(name):
                is_range = name.startswith("Range") and isinstance(value, (list, dict))
                if fits(field, value) or is_range:
                    continue
                answer = self.give(name, value)
                self.assertEqual(answer.status, 422, "%s %s: %r" % (name, shown(value), answer))
                self.assertEqual(set(answer.json["errors"]), {"f"}, answer)

    def test_what_both_take_is_kept_the_same(self):
        for name, field in self.fields.items():
            if name.startswith(("Range", "Binary", "Uuid")):
                continue
            model = getattr(self.django, name)
            table = name.lower()
            for value in values_for(name):
                if value is MISSING or not fits(field, value) or is_different(name, value) or judged_by_django(model, value):
                    continue
                answer = self.give(name, value)
                if answer.status == 422 and name.startswith("Array"):
                    continue  # items that Django takes as they are, and fails to save
                instance = model(f=value)
                instance.full_clean()
                instance.save()
                kept = self.sql("SELECT a.f IS NOT DISTINCT FROM b.f, a.f::text, b.f::text FROM %s a, %s b WHERE a.id = %%s AND b.id = %%s" % (table, table),
                                [answer.json["id"], instance.pk])[0]
                self.assertTrue(kept[0], "%s %s: %s" % (name, shown(value), kept))


if __name__ == "__main__":
    unittest.main()
