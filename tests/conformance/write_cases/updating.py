"""update: every kind of expression on every type of field, over every kind of filter."""

from itertools import count


def value(x):
    return {"Value": x}


def f(path):
    return {"F": path}


LITERALS = {
    "integer": [7, -1, None], "big": [9007199254740993], "small": [-32768], "positive": [0], "real": [0.1, 5], "money": ["12.30", 5], "flag": [True, None],
    "exact_number": ["0.000000000000001"], "short": ["", "Ü \\ ' \" %_"], "long": ["x\ny"], "slug": ["a-b"], "email": ["a@example.org"],
    "url": ["http://example.org/"], "address": ["::1"], "uuid": ["00000000-0000-1000-8000-000000000077"], "day": ["2024-02-29"],
    "moment": ["2024-06-01T12:00:00.5+02:00"], "clock": ["01:02:03"], "span": ["P1DT1S"], "bytes": ["AAEC"],
    "document": [{"a": [1]}, [], "x", 0, False, None, value(None), value({"F": "x"})], "numbers": [[1, 2], []], "words": [["a", "\""]], "days": [["2024-01-01"]],
    "integers": [{"lower": 2, "upper": 9, "bounds": "[)"}], "decimals": [{"lower": "1.5", "upper": None, "bounds": "[)"}],
    "dates": [{"empty": True}], "moments": [{"lower": "2024-01-01T00:00:00Z", "upper": "2024-01-02T00:00:00Z", "bounds": "[]"}],
}
# (field, expression) of the row itself, on Sample.
EXPRESSIONS = [
    ("integer", f("small")), ("integer", {"+": [f("integer"), 1]}), ("integer", {"-": [f("small"), f("positive_small")]}), ("integer", {"*": [f("small"), 2]}),
    ("integer", {"%": [f("integer"), 5]}), ("integer", {"&": [f("integer"), 12]}), ("integer", {"|": [f("integer"), 1]}), ("integer", {"#": [f("integer"), 3]}),
    ("integer", {"<<": [f("positive_small"), 2]}), ("integer", {">>": [f("integer"), 1]}), ("integer", {"+": [f("integer"), {"*": [f("small"), 2]}, 3]}),
    ("integer", {"Length": "long"}), ("integer", {"Coalesce": ["small", "integer", 0]}), ("integer", {"Greatest": ["integer", "small"]}),
    ("integer", {"Least": ["integer", value(3)]}), ("integer", {"NullIf": ["integer", value(8)]}), ("integer", {"ExtractYear": "day"}),
    ("integer", {"ExtractHour": "moment"}), ("integer", 
     {"Cast": ["small", "IntegerField"]}),
    ("integer", {"Case": [{"when": {"flag": True}, "then": 1}, {"when": {"flag": None}, "then": f("small")}, {"default": 0}]}),
    ("integer", {"Case": [{"when": {"integer__gt": 10}, "then": {"+": ["integer", 1]}}]}),
    ("big", {"-": [f("positive_small"), 1]}), ("big", {"*": [f("integer"), 4000000000]}), ("small", f("positive_small")),
    ("real", {"+": [f("real"), 0.5]}), ("real", {"/": [f("integer"), 4]}), ("real", {"Sqrt": "positive_small"}), ("real", {"*": [f("integer"), 1.5]}),
    ("money", {"*": [f("money"), "1.05"]}), ("money", {"-": [f("money"), f("integer")]}), ("money", {"Round": "money"}), ("money", {"/": [f("money"), 3]}),
    ("money", {"Coalesce": ["money", value("1.00")]}), ("exact_number", {"+": [f("exact_number"), "0.000000000000001"]}),
    ("flag", {"Q": {"integer__gt": 10}}), ("flag", {"Q": {"or": [{"short": "o"}, {"long__contains": "a"}]}}), ("flag", f("flag")),
    ("short", {"Left": [{"Upper": "long"}, 30]}), ("short", {"Concat": [value("a"), {"Left": ["long", 20]}]}),
    ("short", {"Trim": "short"}), ("short", {"Replace": ["short", value("o"), value("0")]}), ("short", {"Coalesce": ["short", value("none")]}),
    ("short", {"Cast": ["integer", {"type": "CharField", "max_length": 20}]}), ("short", {"Case": [{"when": {"short": None}, "then": value("nothing")}, {"default": "short"}]}),
    ("long", {"Repeat": ["short", 3]}), ("long", {"Lower": "long"}), ("long", f("short")), ("slug", value("v")),
    ("day", f("day")), ("day", {"TruncMonth": "day"}), ("day", {"Cast": ["moment", "DateField"]}), ("day", {"TruncQuarter": "day"}),
    ("moment", {"+": [f("moment"), f("span")]}), ("moment", {"-": [f("moment"), f("span")]}), ("moment", {"TruncDay": "moment"}),
    ("moment", {"Now": []}), ("clock", {"Cast": ["moment", "TimeField"]}), ("span", {"-": [f("moment"), f("moment")]}), ("span", {"+": [f("span"), f("span")]}),
    ("span", {"*": [f("span"), 2]}), ("uuid", {"RandomUUID": []}), ("document", f("document")), ("document", {"JSONObject": {"a": "integer", "b": "short"}}),
    ("numbers", f("numbers")), ("integers", f("integers")), ("address", f("address")), ("bytes", f("bytes")),
    ("integer", {"Subquery": {"model": "Owner", "filter": {"pk": {"OuterRef": "pk"}}, "values": ["id"]}}),
    ("short", {"Subquery": {"model": "Label", "filter": {"id__gt": {"OuterRef": "id"}}, "order_by": ["id"], "values": ["name"], "limit": 1}}),
    ("integer", {"Coalesce": [{"Subquery": {"model": "Label", "filter": {"pk": {"OuterRef": "integer"}}, "values": ["id"]}}, 0]}),
    ("flag", {"Exists": {"model": "Owner", "filter": {"name": {"OuterRef": "short"}}}}),
    ("integer", {"ExpressionWrapper": [{"+": ["integer", 1]}, "IntegerField"]}), ("positive", {"Ceil": "money"}),
]
FILTERS = [
    ("a key", {"filter": {"pk": 3}}), ("keys", {"filter": {"pk__in": [1, 2, 3]}}), ("a value", {"filter": {"title": "null"}}), ("a comparison", {"filter": {"pages__lt": 40}}),
    ("a range", {"filter": {"pages__range": [20, 40]}}), ("null", {"filter": {"price": None}}), ("not null", {"filter": {"price__isnull": False}}),
    ("an exclusion", {"exclude": {"in_print": True}}), ("both", {"filter": {"pages__gt": 10}, "exclude": {"title__startswith": "n"}}),
    ("or", {"filter": {"or": [{"pages": 0}, {"title": "jd"}]}}), ("not", {"filter": {"not": {"in_print": False}}}), ("text", {"filter": {"title__icontains": "S"}}),
    ("text that is a pattern", {"filter": {"title__contains": "_"}}, True), ("a column", {"filter": {"pages__gt": f("id")}}), ("json", {"filter": {"attributes__color": "red"}}),
    ("an array", {"filter": {"keywords__contains": ["jd"]}}), ("a range field", {"filter": {"ages__contains": 20}}), ("a part of a date", {"filter": {"released__year": 2018}}),
    ("a relation", {"filter": {"publisher": 1}}), ("a column of a relation", {"filter": {"author__name": "Ü"}}), ("two relations", {"filter": {"author__country__name": "name 1"}}),
    ("a relation to another field", {"filter": {"imprint": "house-1"}}), ("a reverse relation", {"filter": {"review__stars__gt": 40}}),
    ("a many-to-many", {"filter": {"translators__country": "de"}}), ("a many-to-many of one's own", {"filter": {"tags__name": "name 0"}}),
    ("a reverse one-to-one", {"filter": {"cover__color": "red"}}), ("nothing on a relation", {"filter": {"review": None}}),
    ("an exclusion over a relation", {"exclude": {"review__stars__gt": 20}}), ("an exclusion over a relation to one", {"exclude": {"publisher__name": "$1"}}),
    ("some", {"filter": {"review": {"some": {"stars__gt": 30}}}}), ("none", {"filter": {"review": {"none": {}}}}), ("every", {"filter": {"review": {"every": {"stars__gt": 0}}}}),
    ("a count", {"filter": {"chapter": {"count": {"gte": 2}}}}), ("an annotation", {"annotate": {"n": {"Count": "review"}}, "filter": {"n__gte": 2}}),
    ("an expression", {"filter": {"lookup": [{"Length": "title"}, "gt", 4]}}), ("exists", {"filter": {"Exists": {"model": "Review", "filter": {"book": {"OuterRef": "pk"}}}}}),
    ("a subquery", {"filter": {"author__in": {"Subquery": {"model": "Person", "filter": {"country": "fr"}}}}}),
    ("a chain", {"query": [{"filter": {"review__stars__gt": 0}}, {"filter": {"review__stars__lt": 30}}]}), ("xor", {"filter": {"xor": [{"pages__gt": 30}, {"in_print": True}]}}),
    ("distinct rows of a join", {"filter": {"review__stars__gt": -30000}}), ("none of them", {"filter": {"title": "nowhere"}}, True), ("no key", {"filter": {"pk__in": []}}, True),
    ("everything", {}), ("an empty clause", {"none": True}, True),
]
JOINED = [
    ("a column of a relation", "book", {"set": {"title": f("author__name")}}, None),
    ("a column of a nullable relation", "book", {"set": {"rating": f("publisher__founded")}}, None),
    ("a column of two relations", "chapter", {"set": {"title": f("book__author__name")}}, None),
    ("arithmetic over a relation", "chapter", {"filter": {"book__pages__lt": 1000}, "set": {"words": {"+": [f("book__pages"), f("number")]}}}, None),
    ("functions over a relation", "profile", {"set": {"bio": {"Upper": "person__name"}}}, None),
    ("coalesce over a relation", "book", {"set": {"price": {"Coalesce": ["publisher__founded", value(5)]}}}, None),
    ("a case over a relation", "review", {"set": {"stars": {"Case": [{"when": {"book__author__country": "fr"}, "then": 1}, {"default": 2}]}}}, None),
    ("two columns of relations", "profile", {"set": {"bio": f("person__name"), "karma": f("person__id")}}, None),
    ("a relation from a relation", "book", {"set": {"editor": f("author__mentor")}}, None),
    ("over a filter of the same relation", "book", {"filter": {"publisher__founded__gt": 20}, "set": {"rating": f("publisher__founded")}}, None),
    ("over a filter of a multi-valued relation", "book", {"filter": {"review__stars__gt": 20}, "set": {"title": f("author__name")}}, None),
    ("to itself", "node", {"exclude": {"parent": None}, "set": {"name": f("parent__name")}}, None),
    ("a one-to-one", "cover", {"set": {"color": {"Left": ["book__title", 20]}}}, None),
    ("a reverse one-to-one", "person", {"filter": {"profile__karma__lt": 100}, "set": {"nickname": {"Left": ["profile__bio", 20]}}}, None),
    ("to another field", "box", {"exclude": {"shelf": None}, "set": {"depot": f("shelf__depot")}}, None),
    ("null where it may not be", "book", {"set": {"pages": f("publisher__founded")}}, "IntegrityError"),
    ("several rows", "book", {"set": {"pages": f("review__stars")}}, "FieldError"),
]
number = count(1)
CASES = [
    ("%s %d" % (name, index), "POST sample/update", {"filter": {"id__lt": 5}, "set": {name: one}}) for name, values in LITERALS.items()
    for index, one in enumerate(values)
] + [
    ("%s = %s, %d" % (name, next(iter(one)), next(number)), "POST sample/update", {
        "filter": {"id__in": [4, 5, 7, 8]} if "Sqrt" not in one else {"id__in": [5]}, "set": {name: one}},
     {"nothing": one == f(name)}) for name, one in EXPRESSIONS
] + [
    ("where %s" % name, "POST book/update", {**body, "set": {"opens": "03:04:05"}}, {"nothing": bool(more)}) for name, body, *more in FILTERS
] + [
    ("joined: %s" % name, "POST %s/update" % model, body, {"refused": refused} if refused else {}) for name, model, body, refused in JOINED
] + [
    ("a swap", "POST slot/update", {"exclude": {"price": None}, "set": {"price": f("guests"), "guests": f("hour"), "hour": {"+": [f("guests"), 100]}}}),
    ("several at once", "POST book/update", {"filter": {"id__lt": 9}, "set": {"pages": 1, "title": "one", "in_print": None, "publisher": 3}}),
    ("a foreign key", "POST book/update", {"filter": {"id__lt": 9}, "set": {"publisher": 3}}),
    ("a foreign key by its column", "POST book/update", {"filter": {"id__lt": 9}, "set": {"publisher_id": 3}}),
    ("a foreign key to null", "POST book/update", {"set": {"publisher": None}}),
    ("a foreign key by a lookup", "POST book/update", {"filter": {"id__lt": 9}, "set": {"editor": {"name": "STRASSE"}}}),
    ("a foreign key by pk", "POST book/update", {"filter": {"id__lt": 9}, "set": {"imprint": {"pk": 3}}}),
    ("a foreign key by a lookup of none", "POST book/update", {"set": {"editor": {"name": "nobody"}}}, {"refused": "DoesNotExist"}),
    ("a foreign key by a lookup of many", "POST book/update", {"set": {"editor": {"country": "fr"}}}, {"refused": "MultipleObjectsReturned"}),
    ("a foreign key to nothing", "POST book/update", {"set": {"author": 999}}, {"refused": "IntegrityError"}),
    ("a foreign key of another column", "POST book/update", {"exclude": {"editor": None}, "set": {"author": f("editor")}}),
    ("a foreign key of another column's key", "POST book/update", {"exclude": {"editor": None}, "set": {"author_id": f("editor_id")}}),
    ("a foreign key to another field", "POST book/update", {"set": {"imprint": "house-2"}}),
    ("what a foreign key refers to", "POST depot/update", {"filter": {"code": "d1"}, "set": {"code": "d9"}}, {"refused": "IntegrityError"}),
    ("what no foreign key refers to", "POST shelf/update", {"filter": {"label": "s3"}, "set": {"label": "s9"}}),
    ("a unique column of one row", "POST country/update", {"filter": {"code": "de"}, "set": {"name": "Germany"}}),
    ("a unique column of several", "POST country/update", {"set": {"name": "Same"}}, {"refused": "IntegrityError"}),
    ("a check", "POST slot/update", {"set": {"guests": {"-": [f("guests"), 3]}}}, {"refused": "IntegrityError"}),
    ("a check of a type", "POST book/update", {"set": {"pages": {"-": [f("pages"), 30]}}}, {"refused": "IntegrityError"}),
    ("a number out of range", "POST sample/update", {"set": {"small": {"+": [f("small"), 40000]}}}, {"refused": "ValueError"}),
    ("a division by zero", "POST sample/update", {"set": {"real": {"/": [f("real"), {"-": [f("integer"), f("integer")]}]}}}, {"refused": "ValueError"}),
    ("null where it may not be", "POST book/update", {"set": {"title": None}}, {"refused": "ValidationError"}),
    ("null by a column where it may not be", "POST book/update", {"set": {"pages": f("author__mentor_id")}}, {"refused": "IntegrityError"}),
    ("a value that breaks a rule", "POST country/update", {"filter": {"code": "de"}, "set": {"name": "x" * 61}}, {"refused": "ValidationError"}),
    ("a choice that is none", "POST stamped/update", {"set": {"level": 7}}, {"refused": "ValidationError"}),
    ("a key that is referred to", "POST country/update", {"filter": {"code": "tv"}, "set": {"code": "zz"}}, {"refused": "IntegrityError"}),
    ("a key", "POST stamped/update", {"filter": {"id": "00000000-0000-0000-0000-000000000001"}, "set": {"id": "00000000-0000-0000-0000-0000000000bb"}}),
    ("a stamp by itself", "POST stamped/update", {"set": {"changed": "2020-01-01T00:00:00Z", "made_on": "2020-01-01"}}),
    ("what is stamped at a save is not at an update", "POST stamped/update", {"set": {"note": "x"}}),
    ("by a query string", "PATCH book?publisher__name=C%20in%20a%20week&pages__gt=10", {"title": "x"}),
    ("by a list in a query string", "PATCH book?id__in=1,2,3", {"pages": {"+": [f("pages"), 1]}}),
    ("all by a query string", "PATCH label?all=true", {"name": "x"}),
    ("all, not said", "PATCH label", {"name": "x"}, {"refused": "BadRequest"}),
    ("an annotation of the row", "POST book/update", {"annotate": {"more": {"+": ["id", 7]}}, "filter": {"more__gt": 10}, "set": {"rating": f("more")}}),
    ("an alias of the row", "POST book/update", {"alias": {"more": {"+": ["id", 7]}}, "set": {"rating": f("more")}}),
    ("an aggregate", "POST book/update", {"annotate": {"n": {"Count": "review"}}, "set": {"rating": f("n")}}, {"refused": "FieldError"}),
    ("an unknown field", "POST book/update", {"set": {"titel": "x"}}, {"refused": "FieldError"}),
    ("an unknown column of the row", "POST book/update", {"set": {"title": f("titel")}}, {"refused": "FieldError"}),
    ("a reverse relation", "POST book/update", {"set": {"reviews": [1]}}, {"refused": "TypeError"}),
    ("a many-to-many", "POST book/update", {"set": {"translators": [1]}}, {"refused": "TypeError"}),
    ("a field twice", "POST book/update", {"set": {"author": 1, "author_id": 2}}, {"refused": "FieldError"}),
    # One row
    ("one row", "PATCH book/3", {"title": "Patched", "price": "3.50", "publisher": None}),
    ("one row by expressions", "PATCH book/3", {"pages": {"+": [f("pages"), 1]}, "title": {"Upper": "title"}}),
    ("one row by a column of a relation", "PATCH book/3", {"title": f("author__name")}),
    ("one row's foreign key by a lookup", "PATCH book/3", {"editor": {"name": "Ü"}}),
    ("one row that is stamped", "PATCH stamped/00000000-0000-0000-0000-000000000001", {"note": "x"}),
    ("one row without a change", "PATCH book/3", {}, {"nothing": True}),
    ("one row's stamp without a change", "PATCH stamped/00000000-0000-0000-0000-000000000001", {}),
    ("one row that is none", "PATCH book/99", {"title": "x"}, {"refused": "DoesNotExist"}),
    ("one row that breaks rules", "PATCH country/de", {"name": "", "people": "x"}, {"refused": "ValidationError"}),
    ("one row of text keys", "PATCH country/de", {"people": 4}),
    ("one row with a one-to-one as key", "PATCH cover/9", {"color": "blue"}),
    ("one row, whole", "PUT book/3", {"title": "Whole", "author": 5}),
    ("one row, whole, with its defaults", "PUT stamped/00000000-0000-0000-0000-000000000002", {"note": "whole"}),
    ("one row, whole, that lacks a field", "PUT book/3", {"title": "Half"}, {"refused": "ValidationError"}),
    ("one row, whole, of text keys", "PUT country/de", {"name": "Germany"}),
    ("one row, whole, that is none", "PUT book/99", {"title": "x", "author": 1}, {"refused": "DoesNotExist"}),
]
