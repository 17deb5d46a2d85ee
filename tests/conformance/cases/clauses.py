"""Order, slices, distinct, projections, related rows, combined queries, and the methods that read."""

V = lambda value: {"Value": value}  # noqa: E731

ORDER = [(name, "book", {"order_by": order, "values": ["pk"]}) for name, order in [
    ("two columns", ["pages", "-pk"]), ("nulls at the default end", ["rating", "pk"]), ("descending", ["-rating", "pk"]),
    ("nulls first", [{"expr": "rating", "nulls": "first"}, "pk"]), ("nulls last descending", [{"expr": "rating", "desc": True, "nulls": "last"}, "pk"]),
    ("by a relation's column", ["author__name", "pk"]), ("by a nullable relation's column", ["publisher__name", "pk"]),
    ("by a relation with an ordering", ["publisher", "pk"]), ("by a relation with an ordering, descending", ["-publisher", "pk"]),
    ("by a relation without an ordering", ["author", "pk"]), ("by a relation's key column", ["publisher_id", "pk"]),
    ("by an expression", [{"Length": "title"}, "pk"]), ("by an expression, descending", [{"expr": {"Lower": "title"}, "desc": True}, "pk"]),
    ("by arithmetic", [{"expr": {"-": ["price", "cost"]}, "nulls": "last"}, "pk"]), ("by a json key", ["attributes__color", "pk"]),
    ("by a case", [{"Case": [{"when": {"pages": 100}, "then": 0}, {"default": 1}]}, "pk"]), ("by a date part", [{"ExtractMonth": "published"}, "pk"]),
    ("by a one to one backwards", ["cover__color", "pk"]), ("by key", ["-pk"]), ("by a boolean", ["in_print", "pk"]),
    ("by two relations", ["author__country__name", "-publisher__name", "pk"]), ("by an array", ["scores", "pk"]),
    ("by a duration", ["-reading_time", "pk"]), ("by a range", ["ages", "pk"]), ("by a uuid", ["code", "pk"]),
]] + [
    ("the model's order", "publisher", {}), ("the model's order over a relation", "chapter", {}), ("the model's order, descending", "tag", {}),
    ("no order clears", "publisher", [{"order_by": ["-id"]}, {"order_by": []}]), ("reversed", "publisher", {"reverse": True}),
    ("reversed order", "book", {"order_by": ["rating", "-pk"], "reverse": True}), ("later order wins", "book", [{"order_by": ["pages"]}, {"order_by": ["-pk"]}]),
    ("over a multi-valued relation", "book", {"order_by": ["review__stars", "review__id", "pk"], "values_list": ["pk"], "flat": True}),
]

SLICES = [
    ("limit", "book", {"order_by": ["pk"], "limit": 5}), ("offset", "book", {"order_by": ["pk"], "offset": 80}),
    ("limit and offset", "book", {"order_by": ["-pk"], "limit": 7, "offset": 11}), ("limit none", "book", {"limit": 0}, "query", True),
    ("beyond the end", "book", {"order_by": ["pk"], "limit": 10, "offset": 85}),
    ("a slice of a slice", "book", [{"order_by": ["pk"], "limit": 20, "offset": 10}, {"limit": 5, "offset": 2}]),
    ("a slice of a slice beyond it", "book", [{"order_by": ["pk"], "limit": 20, "offset": 10}, {"limit": 50, "offset": 15}]),
    ("with count", "book", {"order_by": ["pk"], "limit": 5, "count": True}), ("with count and filter", "book", {"filter": {"pages": 100}, "order_by": ["pk"], "limit": 5, "count": True}),
    ("with count over a relation", "book", {"filter": {"review__stars": 5}, "order_by": ["pk", "review__id"], "limit": 5, "count": True}),
    ("with count of distinct rows", "book", {"filter": {"review__stars": 5}, "distinct": True, "order_by": ["pk"], "limit": 5, "count": True}),
    ("with count and an aggregate", "book", {"annotate": {"x": {"Count": "review"}}, "filter": {"x__gt": 2}, "order_by": ["pk"], "limit": 5, "count": True}),
    ("none", "book", {"none": True}, "query", True),
]

DISTINCT = [
    ("distinct rows", "book", {"filter": {"review__stars__gte": 3}, "distinct": True, "order_by": ["pk"]}),
    ("distinct values", "book", {"values": ["pages"], "distinct": True, "order_by": ["pages"]}),
    ("distinct values without order", "book", {"values_list": ["pages", "in_print"], "distinct": True}),
    ("distinct of a relation's values", "book", {"values_list": ["author__country__name"], "flat": True, "distinct": True}),
    ("distinct on", "book", {"distinct": ["author"], "order_by": ["author", "-pages", "pk"]}),
    ("distinct on a relation's column", "book", {"distinct": ["author__country__name"], "order_by": ["author__country__name", "pk"]}),
    ("distinct on two", "review", {"distinct": ["book", "stars"], "order_by": ["book", "stars", "-written_at", "pk"]}),
    ("distinct on with values", "review", {"distinct": ["stars"], "order_by": ["stars", "pk"], "values": ["stars", "book__title"]}),
    ("distinct on a slice", "book", {"distinct": ["pages"], "order_by": ["pages", "pk"], "limit": 3}),
]

PROJECTION = [
    ("values", "book", {"values": ["id", "title"], "order_by": ["pk"]}), ("values of a relation", "book", {"values": ["pk", "author__name", "publisher__country__name"], "order_by": ["pk"]}),
    ("values of a relation itself", "book", {"values": ["pk", "author", "publisher"], "order_by": ["pk"]}),
    ("values of a column of a relation", "book", {"values": ["pk", "author_id"], "order_by": ["pk"]}), ("all values", "book", {"values": True, "order_by": ["pk"]}),
    ("all values and annotations", "publisher", {"annotate": {"x": {"Count": "book"}}, "values": True, "order_by": ["pk"]}),
    ("values_list", "book", {"values_list": ["title", "pk", "price"], "order_by": ["pk"]}), ("all in a values_list", "tag", {"values_list": True, "order_by": ["pk"]}),
    ("flat", "book", {"values_list": ["title"], "flat": True, "order_by": ["pk"]}), ("flat of a relation", "book", {"values_list": ["publisher__name"], "flat": True, "order_by": ["pk"]}),
    ("values with an expression", "book", {"values": ["pk", {"low": {"Lower": "title"}, "n": {"+": ["pages", 1]}}], "order_by": ["pk"]}),
    ("values_list with an expression in between", "book", {"values_list": ["pk", {"low": {"Lower": "title"}}, "pages"], "order_by": ["pk"]}),
    ("values over a multi-valued relation", "book", {"values": ["pk", "review__stars"]}), ("values over a many to many", "book", {"values_list": ["pk", "translators__name"]}),
    ("values of a json key", "book", {"values": ["pk", "attributes__color"], "order_by": ["pk"]}), ("values with an annotation", "book", {"annotate": {"x": {"Count": "review"}}, "values": ["x", "title"], "order_by": ["pk"]}),
    ("values leave an annotation out", "book", {"annotate": {"x": {"Count": "review"}}, "values": ["pk"], "order_by": ["-x", "pk"]}),
    ("values after a filter on them", "book", [{"annotate": {"x": {"Count": "review"}}}, {"filter": {"x__gt": 3}}, {"values_list": ["pk"], "flat": True}, {"order_by": ["pk"]}]),
    ("only", "book", {"only": ["title", "pages"], "order_by": ["pk"]}), ("defer", "book", {"defer": ["title", "attributes"], "order_by": ["pk"]}),
    ("only and an annotation", "book", {"only": ["title"], "annotate": {"x": {"Count": "review"}}, "order_by": ["pk"]}),
    ("values of one to one backwards", "person", {"values": ["pk", "profile__karma", "profile"], "order_by": ["pk"]}),
    ("everything of each type", "book", {"order_by": ["pk"]}), ("a join table", "book.translators", {"order_by": ["pk"]}),
]

RELATED = [
    ("select related", "book", {"select_related": ["author"], "order_by": ["pk"]}), ("select related, nullable", "book", {"select_related": ["publisher", "editor"], "order_by": ["pk"]}),
    ("select related deep", "book", {"select_related": ["publisher__country", "author__mentor__country"], "order_by": ["pk"]}),
    ("select related one to one backwards", "person", {"select_related": ["profile"], "order_by": ["pk"]}),
    ("select related backwards with a shared key", "book", {"select_related": ["cover", "cover__artist"], "order_by": ["pk"]}),
    ("select related of itself", "book", {"select_related": ["prequel", "sequel"], "order_by": ["pk"]}), ("select related to a field", "book", {"select_related": ["imprint"], "order_by": ["pk"]}),
    ("select all related", "chapter", {"select_related": True}), ("select related cleared", "book", [{"select_related": ["author"]}, {"select_related": False}, {"order_by": ["pk"]}]) and
    ("select related and a filter", "book", {"filter": {"publisher__name": "North"}, "select_related": ["publisher"], "order_by": ["pk"]}),
    ("prefetch", "book", {"prefetch_related": ["reviews"], "order_by": ["pk"]}), ("prefetch of an ordered model", "book", {"prefetch_related": ["chapter_set"], "order_by": ["pk"]}),
    ("prefetch forward", "book", {"prefetch_related": ["publisher"], "order_by": ["pk"]}), ("prefetch many to many through", "book", {"prefetch_related": ["tags"], "order_by": ["pk"]}),
    ("prefetch one to one backwards", "person", {"prefetch_related": ["profile"], "order_by": ["pk"]}), ("prefetch to a field", "publisher", {"prefetch_related": [{"path": "imprinted", "query": {"order_by": ["id"]}}], "order_by": ["pk"]}),
    ("prefetch deep", "publisher", {"prefetch_related": [{"path": "books", "query": {"order_by": ["id"], "prefetch_related": [{"path": "reviews", "query": {"order_by": ["id"]}}]}}], "order_by": ["pk"]}),
    ("prefetch a path", "publisher", {"prefetch_related": [{"path": "books", "query": {"order_by": ["id"]}}, "books__author", "books__author__country"], "order_by": ["pk"]}),
    ("prefetch with a filter", "book", {"prefetch_related": [{"path": "reviews", "query": {"filter": {"stars": 5}, "order_by": ["-written_at"]}}], "order_by": ["pk"]}),
    ("prefetch to another name", "book", {"prefetch_related": [{"path": "reviews", "query": {"filter": {"stars": 5}, "order_by": ["id"]}, "to_attr": "best"}, {"path": "reviews", "query": {"filter": {"stars": 1}, "order_by": ["id"]}, "to_attr": "worst"}], "order_by": ["pk"]}),
    ("prefetch with a limit", "book", {"prefetch_related": [{"path": "reviews", "query": {"order_by": ["-stars", "id"], "limit": 2}}], "order_by": ["pk"]}),
    ("prefetch with a limit and an offset", "book", {"prefetch_related": [{"path": "reviews", "query": {"order_by": ["-stars", "id"], "limit": 2, "offset": 1}}], "order_by": ["pk"]}),
    ("prefetch many to many with a limit", "book", {"prefetch_related": [{"path": "translators", "query": {"order_by": ["name", "id"], "limit": 1}}], "order_by": ["pk"]}),
    ("prefetch with annotations", "book", {"prefetch_related": [{"path": "translators", "query": {"annotate": {"n": {"Count": "written"}}, "order_by": ["id"]}}], "order_by": ["pk"]}),
    ("prefetch with select related", "book", {"prefetch_related": [{"path": "reviews", "query": {"select_related": ["reviewer"], "order_by": ["id"]}}], "order_by": ["pk"]}),
    ("prefetch of itself", "person", {"prefetch_related": [{"path": "pupils", "query": {"order_by": ["id"]}}, {"path": "friends", "query": {"order_by": ["id"]}}, {"path": "followers", "query": {"order_by": ["id"]}}], "order_by": ["pk"]}),
    ("prefetch of a page", "book", {"prefetch_related": [{"path": "tags", "query": {"order_by": ["id"]}}], "order_by": ["-pk"], "limit": 5}),
    ("prefetch behind select related", "review", {"select_related": ["book"], "prefetch_related": [{"path": "book__translators", "query": {"order_by": ["id"]}}], "order_by": ["pk"], "limit": 30}),
    ("prefetch with only", "book", {"prefetch_related": [{"path": "reviews", "query": {"only": ["stars", "book"], "order_by": ["id"]}}], "order_by": ["pk"]}),
]

B = lambda **clauses: {"model": "Book", **clauses}  # noqa: E731
COMBINED = [
    ("union", "book", {"filter": {"pages": 100}, "union": [B(filter={"in_print": True})], "order_by": ["id"]}),
    ("union all", "book", {"filter": {"pages": 100}, "values": ["id"], "union": [B(filter={"in_print": True}, values=["id"])], "all": True, "order_by": ["id"]}),
    ("union of three", "book", {"filter": {"pages": 100}, "values": ["id", "pages"], "union": [B(filter={"pages": 12}, values=["id", "pages"]), B(filter={"pages": 0}, values=["id", "pages"])], "order_by": ["-pages", "id"]}),
    ("union of models", "book", {"values_list": ["title"], "union": [{"model": "Person", "values_list": ["name"]}]}),
    ("union, page", "book", {"filter": {"pages": 100}, "union": [B(filter={"in_print": True})], "order_by": ["-id"], "limit": 4, "offset": 2}),
    ("intersection", "book", {"filter": {"pages": 100}, "intersection": [B(filter={"in_print": True})], "order_by": ["id"]}),
    ("difference", "book", {"filter": {"pages": 100}, "difference": [B(filter={"in_print": True})], "order_by": ["id"]}),
    ("difference of values", "person", {"values_list": ["id"], "difference": [B(values_list=["author"])], "order_by": ["id"]}),
    ("union of annotations", "book", {"annotate": {"k": V("a")}, "values_list": ["k", "pages"], "union": [B(annotate={"k": V("b")}, values_list=["k", "pages"])]}),
    ("union with aggregates", "book", {"annotate": {"n": {"Count": "review"}}, "values": ["id", "n"], "union": [B(annotate={"n": {"Count": "chapter"}}, values=["id", "n"])]}),
    ("union with count", "book", {"filter": {"pages": 100}, "values": ["id"], "union": [B(filter={"in_print": True}, values=["id"])], "order_by": ["id"], "limit": 3, "count": True}),
]

METHODS = [
    ("first", "book", {"order_by": ["-pages", "pk"]}, "first"), ("first without order", "book", {}, "first"), ("first of none", "book", {"filter": {"pk": 0}}, "first"),
    ("last", "book", {"order_by": ["pages", "pk"]}, "last"), ("last without order", "book", {}, "last"), ("last of the model's order", "publisher", {}, "last"),
    ("first with values", "book", {"values": ["title"], "order_by": ["pk"]}, "first"), ("get", "book", {"filter": {"pk": 7}}, "get"), ("get none", "book", {"filter": {"pk": 0}}, "get"),
    ("get with related", "book", {"filter": {"pk": 7}, "select_related": ["author"], "prefetch_related": ["reviews"]}, "get"),
    ("earliest", "book", {"filter": {"published__isnull": False}, "fields": ["published", "id"]}, "earliest"), ("latest", "book", {"filter": {"published__isnull": False}, "fields": ["published", "id"]}, "latest"),
    ("latest descending", "book", {"fields": ["-pages", "id"]}, "latest"), ("latest by an annotation", "book", {"annotate": {"n": {"Count": "review"}}, "fields": ["n", "id"]}, "latest"),
    ("count", "book", {"filter": {"pages__gte": 100}}, "count"), ("count over a relation", "book", {"filter": {"review__stars": 5}}, "count"),
    ("count distinct", "book", {"filter": {"review__stars": 5}, "distinct": True}, "count"), ("count of groups", "book", {"group_by": ["author"], "annotate": {"n": {"Count": "*"}}}, "count"),
    ("count of a slice", "book", {"order_by": ["pk"], "offset": 80, "limit": 50}, "count"), ("count of values", "book", {"values": ["pages"], "distinct": True}, "count"),
    ("count with having", "book", {"annotate": {"n": {"Count": "review"}}, "filter": {"n__gte": 3}}, "count"), ("count of a union", "book", {"filter": {"pages": 100}, "union": [B(filter={"in_print": True})]}, "count"),
    ("count distinct on", "book", {"distinct": ["author"], "order_by": ["author"]}, "count"),
    ("exists", "book", {"filter": {"pages": 999}}, "exists"), ("exists not", "book", {"filter": {"pages": 998}}, "exists"), ("exists of a slice", "book", {"order_by": ["pk"], "offset": 500}, "exists"),
    ("exists with having", "book", {"annotate": {"n": {"Count": "review"}}, "filter": {"n__gte": 300}}, "exists"), ("exists none", "book", {"none": True}, "exists"),
    ("in_bulk", "book", {"ids": [3, 1, 999]}, "in_bulk"), ("in_bulk by a unique field", "country", {"ids": ["Japan", "Nowhere"], "field_name": "name"}, "in_bulk"),
    ("in_bulk by text key", "country", {"ids": ["de", "fr"]}, "in_bulk"), ("in_bulk of a slug", "publisher", {"ids": ["house-20", "none"], "field_name": "slug"}, "in_bulk"),
    ("in_bulk with a filter", "book", {"filter": {"pages__gt": 99}, "ids": [1, 2, 3, 4, 5, 6]}, "in_bulk"),
    ("dates by year", "book", {"field": "published", "kind": "year"}, "dates"), ("dates by month", "book", {"field": "published", "kind": "month", "order": "DESC"}, "dates"),
    ("dates by week", "book", {"field": "published", "kind": "week"}, "dates"), ("dates by day", "book", {"field": "published", "kind": "day", "filter": {"pages": 100}}, "dates"),
    ("datetimes by month", "book", {"field": "released", "kind": "month"}, "datetimes"), ("datetimes by hour", "book", {"field": "released", "kind": "hour", "order": "DESC"}, "datetimes"),
    ("datetimes in a zone", "book", {"field": "released", "kind": "day", "tzinfo": "Asia/Tokyo"}, "datetimes"),
]

RELATIONS = [
    ("filtered relation", "book", {"filtered_relation": {"best": {"relation": "review", "condition": {"review__stars": 5}}}, "filter": {"best__isnull": False}, "distinct": True, "order_by": ["pk"]}),
    ("filtered relation over a many to many", "book", {"filtered_relation": {"t": {"relation": "tags", "condition": {"tags__id__lt": 4}}}, "filter": {"t__isnull": False}, "values": ["pk", "t__name"]}),
    ("filtered relation over a many to many, without a row", "book", {"filtered_relation": {"t": {"relation": "translators", "condition": {"translators__country": "de"}}}, "filter": {"t__isnull": True}, "values": ["pk"]}),
    ("group with a name of its own, ordered by it", "book", {"group_by": [{"who": "author__name"}], "annotate": {"n": {"Count": "*"}}, "order_by": ["-who"]}),
    ("filtered relation counted", "book", {"filtered_relation": {"best": {"relation": "review", "condition": {"review__stars__gte": 4}}}, "annotate": {"n": {"Count": "best"}}, "order_by": ["pk"]}),
    ("filtered relation with values", "book", {"filtered_relation": {"p": {"relation": "publisher", "condition": {"publisher__founded__gte": 1950}}}, "values": ["pk", "p__name"], "order_by": ["pk"]}),
    ("filtered relation in a filter", "book", {"filtered_relation": {"p": {"relation": "publisher", "condition": {"publisher__founded__gte": 1950}}}, "filter": {"p__name": "South"}, "order_by": ["pk"]}),
]

CASES = ORDER + SLICES + DISTINCT + PROJECTION + RELATED + COMBINED + METHODS + RELATIONS
