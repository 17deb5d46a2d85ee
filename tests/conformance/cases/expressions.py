"""Expressions as annotations of books, and on the right side of conditions."""


def shown(name, expression, model="book", values=("pk",), **clauses):
    return (name, model, {"annotate": {"x": expression}, "values": list(values) + ["x"], "order_by": ["pk"], **clauses})


ARITHMETIC = [shown(*row) for row in [
    ("integers added", {"+": ["pages", 1]}), ("integers of three", {"+": ["pages", "author_id", 5]}),
    ("decimals subtracted", {"-": ["price", "cost"]}), ("decimal times integer", {"*": ["price", "pages"]}),
    ("decimal times number", {"*": ["price", 2]}), ("decimal times decimal", {"*": ["price", {"Value": "1.19"}]}),
    ("float times integer", {"*": ["rating", "pages"]}), ("float plus number", {"+": ["rating", 0.5]}),
    ("integer divided", {"/": ["pages", 7]}), ("decimal divided", {"/": ["price", 4]}), ("float divided", {"/": ["rating", 2]}),
    ("remainder", {"%": ["pages", 7]}), ("negated", {"-": ["pages"]}),
    ("bits and", {"&": ["pages", 12]}), ("bits or", {"|": ["pages", 12]}), ("bits xor", {"#": ["pages", 12]}),
    ("bits left", {"<<": ["pages", 2]}), ("bits right", {">>": ["pages", 2]}),
    ("dates subtracted", {"-": ["published", "author__born"]}), ("moments subtracted", {"-": ["released", {"Value": "2020-01-01T00:00:00Z"}]} and {"-": ["released", "released"]}),
    ("moment plus duration", {"+": ["released", "reading_time"]}), ("date plus duration", {"+": ["published", "reading_time"]}),
    ("durations added", {"+": ["reading_time", "reading_time"]}), ("moment minus duration", {"-": ["released", "reading_time"]}),
    ("nested", {"*": [{"+": ["pages", 2]}, {"-": ["cost", 1]}]}),
    ("over a relation", {"+": ["pages", "prequel__pages"]}), ("over two relations", {"-": ["author__id", "publisher__founded"]}),
    ("wrapped", {"ExpressionWrapper": [{"*": ["pages", "rating"]}, "FloatField"]}),
    ("wrapped literal", {"ExpressionWrapper": [{"Value": "1.50"}, "DecimalField"]}),
    ("column", "title"), ("column of a relation", "publisher__country__name"), ("key", "pk"), ("key of a relation", "author"),
    ("json key", "attributes__color"), ("json path", "attributes__size__w"), ("date part of a path", "released__year"),
    ("array item", "keywords__0"), ("number", 7), ("text", {"Value": "seven"}), ("boolean", True), ("null", {"Cast": [None, "IntegerField"]}),
    ("F", {"F": "title"}), ("condition", {"Q": {"pages__gte": 100}}), ("condition over a relation", {"Q": {"publisher__name": "North"}}),
    ("condition with null", {"Q": {"rating__gt": 2}}),
]]

RIGHT_SIDES = [(name, "book", {"filter": condition, "order_by": ["pk"]}) for name, condition in [
    ("column against column", {"price__lt": {"F": "cost"}}), ("column against relation's column", {"id__gt": {"F": "author__id"}}),
    ("column against arithmetic", {"price__gt": {"*": [{"F": "cost"}, "1.50"]}}),
    ("column against arithmetic of literals", {"pages__gte": {"+": [{"F": "author_id"}, 90]}}),
    ("column against function", {"title": {"Lower": "title"}}), ("text in a column", {"title__contains": {"F": "nothing"}} and {"bio__contains": {"F": "person__nickname"}}),
    ("starts with a column", {"title__istartswith": {"F": "cover__color"}} and {"author__name__startswith": {"F": "author__name"}}),
    ("range of expressions", {"pages__range": [{"F": "author_id"}, 200]}), ("in expressions", {"pages__in": [{"F": "author_id"}, 100]}),
    ("moment below itself plus duration", {"released__lt": {"+": [{"F": "released"}, {"F": "reading_time"}]}}),
    ("value", {"title": {"Value": "a_b"}}), ("case on the right", {"pages": {"Case": [{"when": {"in_print": True}, "then": 100}, {"default": 251}]}}),
    ("lookup of an expression", {"lookup": [{"Lower": "title"}, "contains", "week"]}),
    ("lookup of arithmetic", {"lookup": [{"-": ["price", "cost"]}, "gt", "5"]}),
    ("lookup of length", {"lookup": [{"Length": "title"}, "in", [3, 4]]}),
    ("lookup of coalesce", {"lookup": [{"Coalesce": ["rating", 0]}, "lt", 2]}),
    ("lookup of cast", {"lookup": [{"Cast": ["pages", "TextField"]}, "startswith", "2"]}),
    ("lookup within or", {"or": [{"lookup": [{"Upper": "title"}, "exact", "STRASSE"]}, {"pages": 999}]}),
    ("lookup isnull", {"lookup": [{"NullIf": ["pages", 0]}, "isnull", True]}),
    ("lookup against an expression", {"lookup": [{"Lower": "title"}, "exact", {"F": "title"}]}),
    ("boolean column as it is", {"Q": {"in_print": True}}),
] if name not in ("text in a column",)] + [
    ("text in a column", "profile", {"filter": {"bio__icontains": {"F": "person__nickname"}}, "order_by": ["pk"]})]

CONDITIONAL = [shown(*row) for row in [
    ("case", {"Case": [{"when": {"pages__gte": 250}, "then": {"Value": "long"}}, {"default": {"Value": "short"}}]}),
    ("case of three", {"Case": [{"when": {"rating__gt": 4}, "then": 2}, {"when": {"rating__isnull": True}, "then": 1}, {"default": 0}]}),
    ("case without default", {"Case": [{"when": {"in_print": True}, "then": "title"}]}),
    ("case over a relation", {"Case": [{"when": {"publisher__country": "de"}, "then": "publisher__name"}, {"default": {"Value": "abroad"}}]}),
    ("case of columns", {"Case": [{"when": {"price__gt": {"F": "cost"}}, "then": {"-": ["price", "cost"]}}, {"default": "cost"}]}),
    ("case with not", {"Case": [{"when": {"not": {"rating": 5}}, "then": 1}, {"default": 0}]}),
    ("case with or", {"Case": [{"when": {"or": [{"pages": 0}, {"title": ""}]}, "then": 1}, {"default": 0}]}),
    ("case of nothing", {"Case": [{"when": {}, "then": 1}, {"default": 0}]}),
    ("case of integers and decimals", {"Case": [{"when": {"in_print": True}, "then": "price"}, {"default": 0}]}),
    ("case in a case", {"Case": [{"when": {"in_print": True}, "then": {"Case": [{"when": {"pages__gt": 99}, "then": 1}, {"default": 2}]}}, {"default": 3}]}),
    ("case with exists", {"Case": [{"when": {"Exists": {"model": "Review", "filter": {"book": {"OuterRef": "pk"}, "stars": 5}}}, "then": 1}, {"default": 0}]}),
    ("coalesce", {"Coalesce": ["rating", 0.0]}), ("coalesce of columns", {"Coalesce": ["price", "cost"]}),
    ("coalesce of texts", {"Coalesce": ["editor__name", "author__name"]}), ("coalesce with a literal", {"Coalesce": ["price", {"Value": "0.00"}]}),
    ("coalesce of dates", {"Coalesce": ["published", {"Value": "1999-09-09"}]}),
    ("greatest", {"Greatest": ["price", "cost"]}), ("least", {"Least": ["price", "cost", {"Value": "9.99"}]}),
    ("greatest of dates", {"Greatest": ["published", "author__born"]}), ("nullif", {"NullIf": ["title", {"Value": "a_b"}]}),
    ("nullif of numbers", {"NullIf": ["pages", 0]}),
]]

FILTERED = [
    ("filter on arithmetic", "book", {"annotate": {"x": {"-": ["price", "cost"]}}, "filter": {"x__gt": "3"}, "order_by": ["pk"]}),
    ("filter on a function", "book", {"annotate": {"x": {"Lower": "title"}}, "filter": {"x__startswith": "c in"}, "order_by": ["pk"]}),
    ("filter on a case", "book", {"annotate": {"x": {"Case": [{"when": {"rating__gt": 3}, "then": 1}, {"default": 0}]}}, "exclude": {"x": 1}, "order_by": ["pk"]}),
    ("alias is hidden", "book", {"alias": {"x": {"Length": "title"}}, "filter": {"x__gt": 5}, "order_by": ["x", "pk"]}),
    ("annotation of an annotation", "book", {"annotate": {"x": {"+": ["pages", 1]}, "y": {"*": ["x", 2]}}, "order_by": ["pk"]}),
    ("annotation of an alias", "book", {"alias": {"x": {"+": ["pages", 1]}}, "annotate": {"y": {"*": ["x", 2]}}, "order_by": ["pk"]}),
    ("annotation with a transform", "book", {"annotate": {"x": {"Coalesce": ["published", {"Value": "1999-09-09"}]}}, "filter": {"x__year__lt": 2018}, "order_by": ["pk"]}),
    ("order by an annotation", "book", {"annotate": {"x": {"%": ["pages", 7]}}, "order_by": ["-x", "pk"]}),
    ("condition on a boolean annotation", "book", {"annotate": {"x": {"Q": {"pages__gte": 100}}}, "filter": {"x": True}, "order_by": ["pk"]}),
    ("annotation against a column", "book", {"annotate": {"x": {"Length": "title"}}, "filter": {"x__lt": {"F": "author_id"}}, "order_by": ["pk"]}),
    ("isnull of an annotation", "book", {"annotate": {"x": {"NullIf": ["pages", 100]}}, "filter": {"x__isnull": True}, "order_by": ["pk"]}),
    ("not over a nullable annotation", "book", {"annotate": {"x": {"NullIf": ["pages", 100]}}, "filter": {"not": {"x": 12}}, "order_by": ["pk"]}),
]

CASES = ARITHMETIC + RIGHT_SIDES + CONDITIONAL + FILTERED
