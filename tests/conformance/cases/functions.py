"""Database functions: each once or more over the books."""


def shown(name, expression, model="book"):
    return (name, model, {"values": ["pk", {"x": expression}], "order_by": ["pk"]})


V = lambda value: {"Value": value}  # noqa: E731
TEXT = [shown(str(expression), expression) for expression in [
    {"Lower": "title"}, {"Upper": "title"}, {"Length": "title"}, {"Trim": "title"}, {"LTrim": "title"}, {"RTrim": "title"},
    {"Reverse": "title"}, {"Left": ["title", 3]}, {"Right": ["title", 3]}, {"Substr": ["title", 2, 3]}, {"Substr": ["title", 4]},
    {"Concat": ["title", V(" by "), "author__name"]}, {"Concat": ["title", V("-"), "author__nickname"]},
    {"StrIndex": ["title", V("a")]}, {"Repeat": ["title", 2]}, {"Replace": ["title", V("a"), V("--")]}, {"Replace": ["title", V("a")]},
    {"LPad": ["title", 12, V("*")]}, {"RPad": ["title", 12, V("-")]}, {"LPad": ["title", 5]}, {"Chr": 65}, {"MD5": "title"},
    {"SHA1": "title"}, {"SHA224": "title"}, {"SHA256": "title"}, {"SHA384": "title"}, {"SHA512": "title"},
    {"Collate": ["title", V("C")]}, {"Upper": {"Substr": ["title", 1, 4]}}, {"Length": {"Coalesce": ["author__nickname", V("")]}},
    {"Lower": "author__country__name"},
]] + [shown("Ord", {"Ord": "title"})]

NUMBERS = [shown(str(expression), expression) for expression in [
    {"Abs": {"-": ["pages", 200]}}, {"Ceil": "price"}, {"Floor": "price"}, {"Round": "price"}, {"Round": ["price", 1]}, {"Round": "rating"},
    {"Sign": {"-": ["cost", 15]}}, {"Sqrt": "pages"}, {"Exp": "rating"}, {"Ln": {"+": ["pages", 1]}}, {"Log": [2, {"+": ["pages", 1]}]},
    {"Mod": ["pages", 7]}, {"Power": ["rating", 2]}, {"Power": ["pages", 2]}, {"Sin": "rating"}, {"Cos": "rating"}, {"Tan": "rating"},
    {"ATan": "rating"}, {"ATan2": ["rating", 2.0]}, {"Degrees": "rating"}, {"Radians": "rating"}, {"Cot": {"+": ["rating", 1.0]}},
    {"ASin": {"/": ["rating", 10.0]}}, {"ACos": {"/": ["rating", 10.0]}}, {"Pi": []}, {"Floor": "rating"}, {"Ceil": "rating"},
    {"Abs": "rating"}, {"Sqrt": "price"}, {"Ln": "cost"}, {"Exp": "cost"} and {"Abs": "price"},
]]

CASTS = [shown("cast %s to %s" % (path, kind), {"Cast": [path, kind]}) for path, kind in [
    ("pages", "TextField"), ("pages", "FloatField"), ("pages", "DecimalField") , ("price", "IntegerField"), ("rating", "IntegerField"),
    ("released", "DateField"), ("published", "DateTimeField"), ("price", "FloatField"), ("in_print", "TextField"), ("code", "TextField"),
    ("published", "TextField"), ("in_print", "IntegerField"), ("released", "TimeField"),
] if (path, kind) != ("pages", "DecimalField")] + [
    shown("cast to a decimal", {"Cast": ["rating", {"type": "DecimalField", "max_digits": 6, "decimal_places": 1}]}),
    shown("cast to a short text", {"Cast": ["title", {"type": "CharField", "max_length": 4}]}),
    shown("cast of json", {"Cast": ["attributes__size__h", "IntegerField"]})]

PARTS = ["Year", "IsoYear", "Month", "Day", "Week", "WeekDay", "IsoWeekDay", "Quarter"]
TIMES = ["Hour", "Minute", "Second"]
DATES = [shown("Extract%s of a moment" % part, {"Extract" + part: "released"}) for part in PARTS + TIMES] + [
    shown("Extract%s of a date" % part, {"Extract" + part: "published"}) for part in PARTS] + [
    shown("Extract%s of a time" % part, {"Extract" + part: "opens"}) for part in TIMES] + [
    shown("Trunc%s of a moment" % part, {"Trunc" + part: "released"})
    for part in ["Year", "Quarter", "Month", "Week", "Day", "Hour", "Minute", "Second", "Date", "Time"]] + [
    shown("Trunc%s of a date" % part, {"Trunc" + part: "published"}) for part in ["Year", "Quarter", "Month", "Week"]] + [
    shown("Trunc%s of a time" % part, {"Trunc" + part: "opens"}) for part in TIMES] + [
    shown("%s in %s" % (name, zone), {name: {"expr": "released", "tzinfo": zone}})
    for name in ("ExtractHour", "ExtractDay", "ExtractYear", "TruncDay", "TruncMonth", "TruncDate", "TruncTime", "ExtractWeekDay")
    for zone in ("Asia/Tokyo", "America/New_York")]

ZONES = [(name, "book", dict(body, timezone="Europe/Berlin")) for name, body in [
    ("timezone of rows", {"filter": {"released__isnull": False}, "order_by": ["pk"]}),
    ("timezone of date", {"filter": {"released__date__gte": "2020-01-01"}, "values": ["pk", "released"], "order_by": ["pk"]}),
    ("timezone of hour", {"filter": {"released__hour": 0}, "values": ["pk", "released"], "order_by": ["pk"]}),
    ("timezone of year", {"filter": {"released__year": 2020}, "values": ["pk", "released"], "order_by": ["pk"]}),
    ("timezone of a truncation", {"annotate": {"x": {"TruncDay": "released"}}, "values": ["pk", "x"], "order_by": ["pk"]}),
    ("timezone of an extract", {"annotate": {"x": {"ExtractHour": "released"}}, "values": ["pk", "x"], "order_by": ["pk"]}),
    ("timezone of a date", {"annotate": {"x": {"TruncDate": "released"}}, "values": ["pk", "x"], "order_by": ["pk"]}),
    ("timezone of a group", {"group_by": [{"day": {"TruncMonth": "released"}}], "annotate": {"n": {"Count": "*"}}, "order_by": ["day"]}),
]]

JSON = [shown("json object", {"JSONObject": {"title": {"Upper": "title"}, "n": "pages", "who": "author__name"}}),
        shown("array length", {"Coalesce": ["keywords__len", 0]}), shown("range's end", "ages__endswith"),
        shown("range is empty", "ages__isempty"), shown("json list item", "attributes__list__0")]

CASES = TEXT + NUMBERS + CASTS + DATES + ZONES + JSON
