"""Aggregates: over a relation, of groups, of everything, filtered, in conditions and orderings, several at once."""


def over(name, expression, model="book", **clauses):
    return (name, model, {"annotate": {"x": expression}, "values": ["pk", "x"], "order_by": ["pk"], **clauses})


EACH = [over(str(expression), expression) for expression in [
    {"Count": "review"}, {"Count": "review__reviewer"}, {"Count": {"expr": "review__reviewer", "distinct": True}}, {"Count": "*"},
    {"Sum": "review__stars"}, {"Avg": "review__stars"}, {"Min": "review__stars"}, {"Max": "review__written_at"}, {"Max": "review__text"},
    {"StdDev": "review__stars"}, {"Variance": "review__stars"}, {"StdDev": {"expr": "review__stars", "sample": True}},
    {"Variance": {"expr": "review__stars", "sample": True}}, {"Sum": {"expr": "review__stars", "distinct": True}},
    {"Sum": {"expr": "review__stars", "default": 0}}, {"Avg": {"expr": "review__stars", "default": 0.5}},
    {"Sum": {"expr": "review__stars", "filter": {"review__text__isnull": False}}}, {"Count": {"expr": "review", "filter": {"review__stars__gte": 4}}},
    {"Count": {"expr": "review", "filter": {"or": [{"review__stars": 5}, {"review__stars": 1}]}}},
    {"Count": {"expr": "review", "filter": {"not": {"review__stars": 5}}}},
    {"StringAgg": {"expr": "review__text", "delimiter": ", ", "order_by": ["review__id"]}},
    {"StringAgg": {"expr": "review__text", "delimiter": "|", "distinct": True, "order_by": ["review__text"]}},
    {"ArrayAgg": {"expr": "review__stars", "order_by": ["-review__stars", "review__id"]}},
    {"ArrayAgg": {"expr": "review__text", "order_by": ["review__id"]}},
    {"ArrayAgg": {"expr": "review__stars", "distinct": True, "order_by": ["review__stars"]}},
    {"ArrayAgg": {"expr": "review__stars", "order_by": ["review__id"], "filter": {"review__stars__gt": 3}}},
    {"JSONBAgg": {"expr": "review__stars", "order_by": ["review__id"]}},
    {"BoolAnd": {"Q": {"review__stars__gt": 2}}} and {"BitAnd": "review__stars"}, {"BitOr": "review__stars"},
    {"Corr": ["review__stars", "review__id"]}, {"RegrSlope": ["review__stars", "review__id"]}, {"RegrCount": ["review__stars", "review__reviewer_id"]},
    {"CovarPop": ["review__stars", "review__id"]}, {"CovarPop": {"expr": ["review__stars", "review__id"], "sample": True}},
    {"RegrAvgX": ["review__stars", "review__id"]}, {"RegrAvgY": ["review__stars", "review__id"]}, {"RegrIntercept": ["review__stars", "review__id"]},
    {"RegrR2": ["review__stars", "review__id"]}, {"RegrSXX": ["review__stars", "review__id"]}, {"RegrSXY": ["review__stars", "review__id"]},
    {"RegrSYY": ["review__stars", "review__id"]},
    {"Sum": {"*": ["review__stars", "pages"]}}, {"Sum": {"Case": [{"when": {"review__stars__gte": 4}, "then": 1}, {"default": 0}]}},
    {"Count": "translators"}, {"Count": "tags"}, {"Sum": "tagging__weight"}, {"Max": "tags__name"}, {"Count": "chapter"},
    {"Avg": "chapter__words"}, {"Sum": "author__written__pages"}, {"Count": "author__written"}, {"Count": "sequel"}, {"Count": "publisher"},
    {"Max": "author__born"}, {"+": [{"Count": "review"}, 1]}, {"/": [{"Sum": "review__stars"}, {"NullIf": [{"Count": "review"}, 0]}]},
    {"Coalesce": [{"Max": "review__stars"}, 0]}, {"Round": {"Avg": "review__stars"}}, {"Case": [{"when": {"pages__gte": 100}, "then": {"Count": "review"}}, {"default": -1}]},
]] + [
    over("of a decimal", {"Sum": "written__price"}, "person"), over("average of a decimal", {"Avg": "written__price"}, "person"),
    over("deviation of a decimal", {"StdDev": "written__price"}, "person"), over("of a float", {"Sum": "written__rating"}, "person"),
    over("of a duration", {"Sum": "written__reading_time"}, "person"), over("average of a duration", {"Avg": "written__reading_time"}, "person"),
    over("minimum of a date", {"Min": "written__published"}, "person"), over("of a big integer", {"Sum": "country__people"}, "person"),
    over("all true", {"BoolAnd": "written__in_print"}, "person"), over("some true", {"BoolOr": "written__in_print"}, "person"),
    over("over itself", {"Count": "pupil"}, "person"), over("over itself twice", {"Count": "pupil__pupil"}, "person"),
    over("over a symmetrical many to many", {"Count": "friends"}, "person"), over("over followers", {"Count": "followers"}, "person"),
    over("over two hops", {"Sum": "book__review__stars"}, "publisher"), over("over three hops", {"Count": "person__written__review"}, "country"),
    over("over a unique field", {"Count": "imprinted"}, "publisher"), over("of arrays of decimals", {"ArrayAgg": {"expr": "written__price", "order_by": ["written__id"]}}, "person"),
    over("of arrays of dates", {"ArrayAgg": {"expr": "written__published", "order_by": ["written__id"]}}, "person"),
]

FILTERS = [(name, model, body) for name, model, body in [
    ("having", "book", {"annotate": {"x": {"Count": "review"}}, "filter": {"x__gte": 4}, "order_by": ["pk"]}),
    ("having and where", "book", {"annotate": {"x": {"Count": "review"}}, "filter": {"x__gte": 2, "pages__gte": 100}, "order_by": ["pk"]}),
    ("having or where", "book", {"annotate": {"x": {"Count": "review"}}, "filter": {"or": [{"x__gte": 6}, {"pages": 999}]}, "order_by": ["pk"]}),
    ("exclude an aggregate", "book", {"annotate": {"x": {"Count": "review"}}, "exclude": {"x": 0}, "order_by": ["pk"]}),
    ("not of an aggregate", "book", {"annotate": {"x": {"Avg": "review__stars"}}, "filter": {"not": {"x__gt": 3}}, "order_by": ["pk"]}),
    ("aggregate against a column", "book", {"annotate": {"x": {"Count": "review"}}, "filter": {"x__gt": {"F": "rating"}}, "order_by": ["pk"]}),
    ("aggregate is null", "book", {"annotate": {"x": {"Max": "review__stars"}}, "filter": {"x__isnull": True}, "order_by": ["pk"]}),
    ("filter before", "book", [{"filter": {"review__stars__gte": 4}}, {"annotate": {"x": {"Count": "review"}}}, {"order_by": ["pk"]}]),
    ("filter before, in one object", "book", {"filter": {"review__stars__gte": 4}, "annotate": {"x": {"Count": "review"}}, "order_by": ["pk"]}),
    ("filter after over the relation", "book", [{"annotate": {"x": {"Count": "review"}}}, {"filter": {"pages__gt": 99}}, {"order_by": ["pk"]}]),
    ("filter before over another relation", "book", [{"filter": {"chapter__words__gt": 500}}, {"annotate": {"x": {"Count": "review"}}}, {"order_by": ["pk"]}]),
    ("exclude before", "book", [{"exclude": {"review__stars": 1}}, {"annotate": {"x": {"Count": "review"}}}, {"order_by": ["pk"]}]),
    ("alias of an aggregate", "book", {"alias": {"x": {"Count": "review"}}, "filter": {"x__gte": 3}, "order_by": ["-x", "pk"]}),
    ("order by an aggregate", "book", {"annotate": {"x": {"Count": "review"}}, "order_by": ["-x", "pk"], "limit": 12}),
    ("order by an aggregate that is not shown", "book", {"order_by": [{"expr": {"Count": "review"}, "desc": True}, "pk"], "limit": 12}),
    ("annotation of an aggregate", "book", {"annotate": {"x": {"Count": "review"}, "y": {"*": ["x", 2]}}, "order_by": ["pk"]}),
    ("aggregate and column", "book", {"annotate": {"x": {"+": [{"Count": "review"}, "pages"]}}, "order_by": ["pk"]}),
    ("aggregate compared in a case", "book", {"annotate": {"x": {"Count": "review"}, "y": {"Case": [{"when": {"x__gte": 3}, "then": {"Value": "hot"}}, {"default": {"Value": "cold"}}]}}, "order_by": ["pk"]}),
    ("select related beside an aggregate", "book", {"annotate": {"x": {"Count": "review"}}, "select_related": ["author", "publisher"], "order_by": ["pk"]}),
    ("filter on an aggregate of a group", "book", [{"group_by": ["author"]}, {"annotate": {"x": {"Count": "pk"}}}, {"filter": {"x__gt": 2}}, {"order_by": ["author"]}]),
]]

SEVERAL = [
    ("two counts", "book", {"annotate": {"x": {"Count": "review"}, "y": {"Count": "chapter"}}, "order_by": ["pk"]}),
    ("two sums", "book", {"annotate": {"x": {"Sum": "review__stars"}, "y": {"Sum": "chapter__words"}}, "values": ["pk", "x", "y"], "order_by": ["pk"]}),
    ("four relations", "book", {"annotate": {"a": {"Count": "review"}, "b": {"Count": "chapter"}, "c": {"Count": "translators"}, "d": {"Count": "tags"}}, "values": ["pk", "a", "b", "c", "d"], "order_by": ["pk"]}),
    ("two of one relation", "book", {"annotate": {"x": {"Count": "review"}, "y": {"Avg": "review__stars"}}, "values": ["pk", "x", "y"], "order_by": ["pk"]}),
    ("of two relations to one model", "person", {"annotate": {"x": {"Count": "written"}, "y": {"Count": "edited"}}, "order_by": ["pk"]}),
    ("of many to many and its other way", "person", {"annotate": {"x": {"Count": "follows"}, "y": {"Count": "followers"}, "z": {"Count": "friends"}}, "order_by": ["pk"]}),
    ("filter over another relation", "book", {"annotate": {"x": {"Count": {"expr": "review", "filter": {"chapter__words__gt": 500}}}}, "order_by": ["pk"]}),
    ("sum with a filter over another relation", "book", {"annotate": {"x": {"Sum": {"expr": "review__stars", "filter": {"chapter__words__gt": 500}}}}, "values": ["pk", "x"], "order_by": ["pk"]}),
    ("filters on both", "book", {"annotate": {"x": {"Count": {"expr": "review", "filter": {"review__stars": 5}}}, "y": {"Count": {"expr": "chapter", "filter": {"chapter__words__gt": 500}}}}, "values": ["pk", "x", "y"], "order_by": ["pk"]}),
    ("having of two", "book", {"annotate": {"x": {"Count": "review"}, "y": {"Count": "chapter"}}, "filter": {"x__gte": 2, "y__gte": 1}, "order_by": ["pk"]}),
    ("order by one of two", "book", {"annotate": {"x": {"Count": "review"}, "y": {"Sum": "chapter__words"}}, "order_by": [{"expr": "y", "desc": True, "nulls": "last"}, "x", "pk"], "limit": 15}),
    ("deep and shallow", "publisher", {"annotate": {"x": {"Count": "book"}, "y": {"Count": "book__review"}}, "order_by": ["pk"]}),
    ("groups with two relations", "book", [{"group_by": ["publisher"]}, {"annotate": {"x": {"Sum": "review__stars"}, "y": {"Sum": "chapter__words"}}}, {"order_by": ["publisher"]}]),
]

GROUPS = [
    ("group by a column", "book", {"group_by": ["in_print"], "annotate": {"x": {"Count": "*"}}, "order_by": ["in_print"]}),
    ("group by two", "book", {"group_by": ["in_print", "pages"], "annotate": {"x": {"Count": "pk"}, "y": {"Avg": "price"}}, "order_by": ["in_print", "pages"]}),
    ("group by a relation", "book", {"group_by": ["author"], "annotate": {"x": {"Count": "pk"}}, "order_by": ["author"]}),
    ("group by a relation's column", "book", {"group_by": ["author__country__name"], "annotate": {"x": {"Sum": "price"}}, "order_by": ["author__country__name"]}),
    ("group by an expression", "book", {"group_by": [{"y": {"ExtractYear": "published"}}], "annotate": {"x": {"Count": "*"}}, "order_by": ["y"]}),
    ("group by a path and an expression", "book", {"group_by": ["in_print", {"m": {"TruncMonth": "published"}}], "annotate": {"x": {"Count": "*"}}, "order_by": ["in_print", "m"]}),
    ("group by a multi-valued path", "book", {"group_by": ["tags__name"], "annotate": {"x": {"Count": "pk"}}, "order_by": ["tags__name"]}),
    ("group and aggregate over a relation", "book", {"group_by": ["in_print"], "annotate": {"x": {"Sum": "review__stars"}}, "order_by": ["in_print"]}),
    ("group, filter before", "book", [{"filter": {"pages__gte": 100}}, {"group_by": ["author"], "annotate": {"x": {"Max": "pages"}}}, {"order_by": ["author"]}]),
    ("group and project", "book", [{"group_by": ["author__name"]}, {"annotate": {"x": {"Count": "*"}}}, {"values_list": ["x", "author__name"]}, {"order_by": ["-x", "author__name"]}]),
    ("group, without order", "book", {"group_by": ["pages"], "annotate": {"x": {"Count": "*"}}}),
    ("group of a model with an ordering", "chapter", {"group_by": ["number"], "annotate": {"x": {"Count": "*"}}}),
    ("group by json key", "book", {"group_by": ["attributes__color"], "annotate": {"x": {"Count": "*"}}}),
    ("group and filter in having", "book", {"group_by": ["pages"], "annotate": {"x": {"Avg": "price"}}, "filter": {"x__gt": "20"}, "order_by": ["pages"]}),
    ("group and order by an aggregate", "review", {"group_by": ["book__title"], "annotate": {"x": {"Avg": "stars"}, "n": {"Count": "*"}}, "order_by": ["-x", "-n", "book__title"], "limit": 5}),
    ("group, distinct count", "review", {"group_by": ["stars"], "annotate": {"x": {"Count": {"expr": "reviewer", "distinct": True}}}, "order_by": ["stars"]}),
    ("group by an alias", "book", {"alias": {"d": {"Lower": "title"}}, "group_by": ["d"], "annotate": {"x": {"Count": "*"}}, "order_by": ["d"]}),
    ("group, array of names", "book", {"group_by": ["author"], "annotate": {"x": {"ArrayAgg": {"expr": "title", "order_by": ["id"]}}}, "order_by": ["author"]}),
    ("group by a case", "book", {"group_by": [{"c": {"Case": [{"when": {"pages__gte": 200}, "then": {"Value": "long"}}, {"default": {"Value": "short"}}]}}], "annotate": {"x": {"Count": "*"}}, "order_by": ["c"]}),
    ("group count of rows", "book", {"group_by": ["author"], "annotate": {"x": {"Count": "*"}}, "order_by": ["author"], "count": True, "limit": 3}),
]

APART = [(name, "book", [{"group_by": groups}, {"annotate": {"a": {"Sum": "review__stars"}, "b": {"Sum": "chapter__words"}}}, {"order_by": order}])
         for name, groups, order in [
    ("two relations by year", [{"y": {"ExtractYear": "published"}}], ["y"]), ("two relations by arithmetic", [{"y": {"%": ["pages", 7]}}], ["y"]),
    ("two relations by a json key", [{"y": "attributes__color"}], []), ("two relations by a condition", [{"y": {"Q": {"pages__gt": 100}}}, "in_print"], ["-y", "in_print"]),
    ("two relations by a case", [{"y": {"Case": [{"when": {"pages__gt": 100}, "then": {"Value": "long"}}, {"default": {"Value": "short"}}]}}], ["y"]),
]] + [
    ("own columns in groups that a condition repeats", "book", [{"filter": {"translators__country": "fr"}}, {"group_by": [{"y": {"Upper": "author__name"}}]},
                                                                {"annotate": {"a": {"Sum": "review__stars"}, "b": {"Sum": "pages"}}}, {"order_by": ["-y"]}]),
]

WHOLE = [(name, model, body, "aggregate") for name, model, body in [
    ("all", "book", {"aggregate": {"n": {"Count": "*"}, "s": {"Sum": "price"}, "a": {"Avg": "pages"}, "lo": {"Min": "published"}, "hi": {"Max": "released"}}}),
    ("all of nothing", "book", {"filter": {"pk": 0}, "aggregate": {"n": {"Count": "*"}, "s": {"Sum": "price"}, "a": {"Avg": "pages"}}}),
    ("all over a relation", "book", {"aggregate": {"n": {"Count": "review"}, "s": {"Avg": "review__stars"}}}),
    ("all over two relations", "book", {"aggregate": {"x": {"Sum": "review__stars"}, "y": {"Sum": "chapter__words"}}}),
    ("all with a filter", "book", {"filter": {"author__country": "de"}, "aggregate": {"n": {"Count": "*"}, "s": {"Sum": "pages"}}}),
    ("all with an aggregate's filter", "book", {"aggregate": {"n": {"Count": {"expr": "pk", "filter": {"pages__gte": 100}}}, "m": {"Count": "pk"}}}),
    ("of an annotation", "book", {"annotate": {"x": {"Length": "title"}}, "aggregate": {"s": {"Sum": "x"}}}),
    ("of an aggregate", "book", {"annotate": {"x": {"Count": "review"}}, "aggregate": {"a": {"Avg": "x"}, "m": {"Max": "x"}}}),
    ("of groups", "book", [{"group_by": ["author"]}, {"annotate": {"x": {"Count": "pk"}}}] and {"query": [{"group_by": ["author"]}, {"annotate": {"x": {"Count": "pk"}}}], "aggregate": {"m": {"Max": "x"}}}),
    ("of a slice", "book", {"order_by": ["pk"], "limit": 10, "aggregate": {"s": {"Sum": "pages"}}}),
    ("of distinct rows", "book", {"values": ["pages"], "distinct": True, "aggregate": {"n": {"Count": "pages"}}}),
    ("arithmetic of aggregates", "book", {"aggregate": {"x": {"-": [{"Max": "price"}, {"Min": "price"}]}}}),
    ("over no rows, apart", "country", {"filter": {"person__in": {"Subquery": {"model": "Person", "filter": {"country__isnull": True}}}}, "aggregate": {"n": {"Count": "code"}, "a": {"Avg": {"expr": "people", "default": 0.0}}}}),
    ("over rows that a condition repeats", "country", {"filter": {"person__name__contains": "a"}, "aggregate": {"n": {"Count": "code"}, "a": {"Avg": "people"}, "l": {"ArrayAgg": {"expr": "code", "order_by": ["code"]}}}}),
    ("statistics", "book", {"aggregate": {"c": {"Corr": ["pages", "rating"]}, "s": {"StdDev": "price"}, "v": {"Variance": {"expr": "rating", "sample": True}}}}),
    ("arrays", "publisher", {"aggregate": {"x": {"ArrayAgg": {"expr": "slug", "order_by": ["slug"]}}, "y": {"StringAgg": {"expr": "name", "delimiter": ";", "order_by": ["id"]}}}}),
    ("default of nothing", "book", {"filter": {"pk": 0}, "aggregate": {"s": {"Sum": {"expr": "pages", "default": 0}}}}),
    ("with a filter over a relation", "book", {"filter": {"translators__country": "de"}, "aggregate": {"n": {"Count": "*"}}}),
]]

CASES = EACH + FILTERS + SEVERAL + GROUPS + APART + WHOLE
