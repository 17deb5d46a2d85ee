"""Whether Quern's JSON says what Django's Python values say.

Value by value; in order where the query orders, else as multisets.  Datetimes are compared as instants and, where a time
zone was asked for, by their offset too.
"""

import datetime
import itertools
import json
import re

import oracle
import pytz

MOMENT = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d(?:\.\d+)?)(Z|[+-]\d\d:\d\d)$")
NUMBER = re.compile(r"^-?\d+(\.\d+)?([eE][-+]?\d+)?$")
SPAN = re.compile(r"^-?P(?=[\dT-])")


def instant(text):
    found = MOMENT.match(text)
    if not found:
        raise ValueError("no moment: " + text)
    return datetime.datetime.fromisoformat("%s %s%s" % (
        found.group(1), padded(found.group(2)), found.group(3).replace("Z", "+00:00")))


def padded(clock):
    whole, _, fraction = clock.partition(".")
    return "%s.%s" % (whole, (fraction + "000000")[:6])


class Comparison:
    def __init__(self, zone=None):
        self.zone = pytz.timezone(zone) if zone else None

    def answers(self, answer, expected, is_ordered):
        """None, or where and how they differ.  `is_ordered`: True, False, or "runs" where rows of the same key may stand in
        any order among themselves."""
        is_list = isinstance(expected, dict) and isinstance(expected.get("results"), list)
        if is_list and not is_ordered and isinstance(answer, dict) and isinstance(answer.get("results"), list):
            answer = dict(answer, results=sorted(answer["results"], key=self.key))
            expected = dict(expected, results=sorted(expected["results"], key=lambda row: self.key(self.as_json(row))))
        elif is_list and is_ordered == "runs" and isinstance(answer, dict) and isinstance(answer.get("results"), list):
            answer = dict(answer, results=self.runs(answer["results"], self.key))
            expected = dict(expected, results=self.runs(expected["results"], lambda row: self.key(self.as_json(row))))
        return self.difference(answer, expected, "$")

    def runs(self, rows, key):
        """Sorted among those that stand together and have the same primary key; all of them where rows do not say it."""
        def of(row):
            return row.get("pk", row.get("id")) if isinstance(row, dict) else None

        return [row for _, run in itertools.groupby(rows, of) for row in sorted(run, key=key)]

    def difference(self, answer, expected, where):
        if isinstance(expected, dict):
            return self.objects(answer, expected, where)
        if isinstance(expected, (list, tuple)):
            return self.lists(answer, list(expected), where)
        if not self.same(answer, expected):
            return "%s: %r, and Django says %r" % (where, answer, expected)
        return None

    def objects(self, answer, expected, where):
        if not isinstance(answer, dict):
            return "%s: %r is no object" % (where, answer)
        if set(answer) != set(expected):
            return "%s: members %s, and Django has %s" % (where, sorted(answer), sorted(expected))
        for name, value in expected.items():
            found = self.difference(answer[name], value, "%s.%s" % (where, name))
            if found:
                return found
        return None

    def lists(self, answer, expected, where):
        if not isinstance(answer, list):
            return "%s: %r is no array" % (where, answer)
        if len(answer) != len(expected):
            return "%s: %d items, and Django has %d" % (where, len(answer), len(expected))
        for number, value in enumerate(expected):
            found = self.difference(answer[number], value, "%s[%d]" % (where, number))
            if found:
                return found
        return None

    def same(self, answer, expected):
        if isinstance(expected, datetime.datetime):
            return self.same_moment(answer, expected)
        return oracle.difference(answer, expected) is None

    def same_moment(self, answer, expected):
        try:
            found = instant(answer)
        except (ValueError, TypeError):
            return False
        wanted = expected.astimezone(self.zone or datetime.timezone.utc)
        return found == wanted and found.utcoffset() == wanted.utcoffset()

    # ---- an order for multisets ----

    def key(self, value):
        return json.dumps(self.blurred(value), sort_keys=True, default=str)

    def blurred(self, value):
        """A JSON value without what may differ between equal ones: digits of floats, forms of times."""
        if isinstance(value, dict):
            return {name: self.blurred(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.blurred(item) for item in value]
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, (int, float)):
            return "%.9g" % value
        if isinstance(value, str) and NUMBER.match(value):
            return "%.9g" % float(value)
        if isinstance(value, str) and MOMENT.match(value):
            return instant(value).timestamp()
        if isinstance(value, str) and SPAN.match(value):
            try:
                return oracle.duration(value).total_seconds()
            except ValueError:
                return value
        if isinstance(value, str) and re.match(r"^\d\d:\d\d:\d\d(\.\d+)?$", value):
            return padded(value)
        return value

    def as_json(self, value):
        if isinstance(value, dict):
            return {name: self.as_json(item) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.as_json(item) for item in value]
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, datetime.datetime):
            return value.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z")
        if isinstance(value, datetime.timedelta):
            return "PT%.6fS" % value.total_seconds() if value.total_seconds() >= 0 else "-PT%.6fS" % -value.total_seconds()
        if isinstance(value, (datetime.date, datetime.time)):
            return value.isoformat()
        if hasattr(value, "isempty"):
            return {"lower": self.as_json(value.lower), "upper": self.as_json(value.upper), "empty": value.isempty,
                    "bounds": value._bounds}
        return str(value)
