"""Subquery, Exists, OuterRef, ArraySubquery, and windows."""


def shown(name, expression, model="book", **clauses):
    return (name, model, {"annotate": {"x": expression}, "values": ["pk", "x"], "order_by": ["pk"], **clauses})


def reviews(**clauses):
    return {"model": "Review", **clauses}


OWN = {"book": {"OuterRef": "pk"}}
SUBQUERIES = [
    shown("newest review", {"Subquery": reviews(filter=OWN, order_by=["-written_at"], values=["stars"], limit=1)}),
    shown("count of reviews", {"Subquery": {"model": "Review", "query": [{"filter": OWN}, {"order_by": []}, {"group_by": ["book"]}, {"annotate": {"n": {"Count": "*"}}}, {"values": ["n"]}]}}),
    shown("key of the best review", {"Subquery": reviews(filter=OWN, order_by=["-stars", "id"], limit=1)}),
    shown("exists", {"Exists": reviews(filter=dict(OWN, stars=5))}), shown("coalesced", {"Coalesce": [{"Subquery": reviews(filter=OWN, order_by=["-stars", "id"], values=["stars"], limit=1)}, 0]}),
    shown("in arithmetic", {"+": [{"Subquery": reviews(filter=OWN, order_by=["-stars", "id"], values=["stars"], limit=1)}, "pages"]}),
    shown("outer column of a relation", {"Subquery": {"model": "Book", "filter": {"author": {"OuterRef": "author"}, "pk__lt": {"OuterRef": "pk"}}, "order_by": ["-pk"], "values": ["pk"], "limit": 1}}),
    shown("outer column over a relation", {"Exists": {"model": "Person", "filter": {"country": {"OuterRef": "author__country"}, "born__lt": {"OuterRef": "author__born"}}}}),
    shown("outer of outer", {"Exists": {"model": "Person", "filter": {"pk": {"OuterRef": "author"}, "Exists": {"model": "Review", "filter": {"reviewer": {"OuterRef": "pk"}, "book": {"OuterRef": "prequel_id"}}}}}} and
          {"Exists": {"model": "Chapter", "filter": {"book": {"OuterRef": "pk"}, "Exists": {"model": "Review", "filter": {"book": {"OuterRef": "book"}, "stars__gt": {"OuterRef": "number"}}}}}}),
    shown("array of subquery", {"ArraySubquery": reviews(filter=OWN, order_by=["id"], values=["stars"])}), shown("array of keys", {"ArraySubquery": reviews(filter=dict(OWN, stars=5), order_by=["-id"])}),
    shown("outer annotation", {"Subquery": reviews(filter=dict(OWN, stars__lt={"OuterRef": "low"}), order_by=["id"], values=["stars"], limit=1)}, alias={"low": {"Coalesce": ["rating", 2.0]}}),
    shown("outer arithmetic", {"Exists": reviews(filter={"book": {"OuterRef": "pk"}, "stars__gt": {"+": [{"OuterRef": "rating"}, 1]}})}),
] + [(name, model, {"filter": condition, "order_by": ["pk"]}) for name, model, condition in [
    ("in a subquery of keys", "book", {"author__in": {"Subquery": {"model": "Person", "filter": {"country": "de"}}}}),
    ("in a subquery of values", "book", {"pages__in": {"Subquery": {"model": "Book", "filter": {"in_print": True}, "values": ["pages"]}}}),
    ("in a sliced subquery", "book", {"pk__in": {"Subquery": {"model": "Book", "order_by": ["-pages", "pk"], "limit": 5}}}),
    ("not in a subquery", "book", {"not": {"author__in": {"Subquery": {"model": "Person", "filter": {"country": "de"}}}}}),
    ("not in a subquery with null", "person", {"not": {"pk__in": {"Subquery": {"model": "Book", "filter": {"editor__isnull": False}, "values": ["editor"]}}}}),
    ("equal to a subquery", "book", {"price": {"Subquery": {"model": "Book", "order_by": [{"expr": "price", "desc": True, "nulls": "last"}], "values": ["price"], "limit": 1}}}),
    ("above a subquery", "book", {"pages__gt": {"Subquery": {"model": "Book", "filter": {"pk": 3}, "values": ["pages"]}}}),
    ("exists in a filter", "book", {"Exists": reviews(filter=dict(OWN, stars=5))}), ("not exists", "book", {"not": {"Exists": reviews(filter=OWN)}}),
    ("exists or a column", "book", {"or": [{"Exists": reviews(filter=dict(OWN, stars=1))}, {"pages": 999}]}),
    ("exists beside columns", "book", {"Exists": reviews(filter=dict(OWN, stars=1)), "pages__gte": 100}),
    ("exists over a relation", "book", {"Exists": {"model": "Tagging", "filter": {"book": {"OuterRef": "pk"}, "tag__name__lt": "tag 02"}}}),
    ("exists with having", "person", {"Exists": {"model": "Book", "query": [{"filter": {"author": {"OuterRef": "pk"}}}, {"annotate": {"n": {"Count": "review"}}}, {"filter": {"n__gte": 5}}]}}),
    ("in a subquery with an outer column", "book", {"editor__in": {"Subquery": {"model": "Person", "filter": {"country": {"OuterRef": "author__country"}}}}}),
    ("in a grouped subquery", "person", {"pk__in": {"Subquery": {"model": "Book", "query": [{"group_by": ["author"]}, {"annotate": {"n": {"Count": "pk"}}}, {"filter": {"n__gt": 2}}, {"values": ["author"]}]}}}),
    ("related in a subquery of a unique field", "book", {"imprint__in": {"Subquery": {"model": "Publisher", "filter": {"founded": 1950}}}}),
    ("reverse relation in a subquery", "person", {"written__in": {"Subquery": {"model": "Book", "filter": {"pages": 100}}}}),
]] + [
    ("filter on a subquery's annotation", "book", {"annotate": {"x": {"Subquery": reviews(filter=OWN, order_by=["-written_at"], values=["stars"], limit=1)}}, "filter": {"x__gte": 4}, "order_by": ["pk"]}),
    ("order by a subquery", "book", {"order_by": [{"expr": {"Subquery": reviews(filter=OWN, order_by=["-written_at"], values=["stars"], limit=1)}, "nulls": "last"}, "pk"], "values": ["pk"]}),
    ("filter on an exists annotation", "book", {"annotate": {"x": {"Exists": reviews(filter=dict(OWN, stars=5))}}, "filter": {"x": False}, "order_by": ["pk"]}),
    ("group by a subquery", "book", {"group_by": [{"x": {"Subquery": reviews(filter=OWN, order_by=["-stars", "id"], values=["stars"], limit=1)}}], "annotate": {"n": {"Count": "*"}}}),
]


def window(expr, partition=("author",), order=("pages", "pk"), **more):
    made = {"expr": expr}
    if partition:
        made["partition_by"] = list(partition)
    if order:
        made["order_by"] = list(order)
    return {"Window": {**made, **more}}


WINDOWS = [shown("window " + str(expression), window(expression)) for expression in [
    {"RowNumber": []}, {"Rank": []}, {"DenseRank": []}, {"PercentRank": []}, {"CumeDist": []}, {"Ntile": 3}, {"FirstValue": "title"},
    {"LastValue": "title"}, {"NthValue": ["title", 2]}, {"Lag": "pages"}, {"Lag": ["pages", 2]}, {"Lag": ["pages", 1, 0]}, {"Lead": "price"},
    {"Sum": "pages"}, {"Avg": "price"}, {"Count": "pk"}, {"Max": "rating"}, {"Min": "published"},
]] + [
    shown("window of all", window({"RowNumber": []}, None, ["-pages", "pk"])), shown("window without order", window({"Sum": "pages"}, ["in_print"], None)),
    shown("window of two partitions", window({"Rank": []}, ["in_print", "pages"], ["price", "pk"])), shown("window over a relation", window({"Rank": []}, ["author__country"], ["-price", "pk"])),
    shown("window by an expression", window({"Count": "pk"}, [{"ExtractYear": "published"}], ["pk"])), shown("window ordered by an expression", window({"RowNumber": []}, None, [{"expr": "rating", "desc": True, "nulls": "last"}, "pk"])),
    shown("rows frame", window({"Sum": "pages"}, None, ["pk"], frame={"type": "rows", "start": -2, "end": 0})),
    shown("rows frame ahead", window({"Avg": "pages"}, None, ["pk"], frame={"type": "rows", "start": 0, "end": 2})),
    shown("unbounded frame", window({"LastValue": "title"}, ["author"], ["pk"], frame={"type": "rows", "start": None, "end": None})),
    shown("range frame", window({"Sum": "pages"}, ["author"], ["pages"], frame={"type": "range", "start": None, "end": 0})),
    shown("window with a filter", window({"Count": {"expr": "pk", "filter": {"pages__gte": 100}}})), shown("arithmetic with a window", {"-": ["pages", window({"Avg": "pages"}, ["author"], None)]} and {"+": [window({"RowNumber": []}), 100]}),
    ("filter before a window", "book", [{"filter": {"pages__gte": 100}}, {"annotate": {"x": window({"RowNumber": []})}}, {"values": ["pk", "x"]}, {"order_by": ["pk"]}]),
    ("filter on a window", "book", {"annotate": {"x": window({"RowNumber": []})}, "filter": {"x": 1}, "order_by": ["pk"]}),
    ("filter on a window and a column", "book", {"annotate": {"x": window({"Rank": []})}, "filter": {"x__lte": 2, "pages__gte": 100}, "values": ["pk", "x"], "order_by": ["pk"]}),
    ("filter on a window, page", "book", {"annotate": {"x": window({"RowNumber": []})}, "filter": {"x__lte": 2}, "values": ["pk", "x"], "order_by": ["-x", "pk"], "limit": 5}),
    ("count of rows by a window", "book", {"annotate": {"x": window({"RowNumber": []})}, "filter": {"x__lte": 2}}, "count"),
    ("order by a window", "book", {"annotate": {"x": window({"Rank": []}, None, ["-price"])}, "order_by": ["x", "pk"], "values": ["pk", "x"]}),
    ("two windows", "book", {"annotate": {"x": window({"Rank": []}), "y": window({"Sum": "pages"}, ["in_print"], None)}, "values": ["pk", "x", "y"], "order_by": ["pk"]}),
    ("window over groups", "book", [{"group_by": ["author"]}, {"annotate": {"n": {"Count": "pk"}}}, {"annotate": {"r": {"Window": {"expr": {"Rank": []}, "order_by": ["-n"]}}}}, {"order_by": ["r", "author"]}]),
]

CASES = SUBQUERIES + WINDOWS
