"""What Quern does on purpose where Django does otherwise: api-docs/differences.md, one case or more for each.

The oracle says in all tables what the protocol says; these are the rows in which that is not Django's plain answer.
"""

V = lambda value: {"Value": value}  # noqa: E731

CASES = [
    ("counts of two relations", "book", {"annotate": {"a": {"Count": "review"}, "b": {"Count": "chapter"}}, "values": ["pk", "a", "b"], "order_by": ["pk"]}),
    ("sum beside a count of another relation", "book", {"annotate": {"a": {"Sum": "review__stars"}, "b": {"Count": "translators"}}, "values": ["pk", "a", "b"], "order_by": ["pk"]}),
    ("count after a filter over another relation", "book", [{"filter": {"chapter__words__gt": 500}}, {"annotate": {"a": {"Count": "review"}}}, {"values": ["pk", "a"], "order_by": ["pk"]}]),
    ("count before a filter over another relation", "book", [{"annotate": {"a": {"Count": "review"}}}, {"filter": {"chapter__words__gt": 500}}, {"values": ["pk", "a"], "order_by": ["pk"]}]),
    ("count before a filter over the same relation", "book", [{"annotate": {"a": {"Count": "review"}}}, {"filter": {"review__stars": 5}}, {"values": ["pk", "a"], "order_by": ["pk"]}]),
    ("count after two filters over its relation", "book", [{"filter": {"chapter__number__lte": 2}}, {"filter": {"chapter__words__gt": 500}}, {"annotate": {"a": {"Count": "chapter"}}}, {"values": ["pk", "a"], "order_by": ["pk"]}]),
    ("filter of an aggregate over another relation", "book", {"annotate": {"a": {"Sum": {"expr": "review__stars", "filter": {"chapter__words__gt": 500}}}}, "values": ["pk", "a"], "order_by": ["pk"]}),
    ("sum of own columns after a filter over a relation", "book", {"filter": {"review__stars": 5}, "aggregate": {"a": {"Sum": "pages"}}}, "aggregate"),
    ("rows counted after a filter over a relation", "book", {"filter": {"review__stars": 5}, "aggregate": {"a": {"Count": "*"}}}, "aggregate"),
    ("several aggregates of all", "book", {"aggregate": {"a": {"Sum": "review__stars"}, "b": {"Sum": "chapter__words"}, "c": {"Sum": "pages"}}}, "aggregate"),
    ("groups with aggregates of two relations", "book", [{"group_by": ["in_print"]}, {"annotate": {"a": {"Sum": "review__stars"}, "b": {"Sum": "chapter__words"}}}, {"order_by": ["in_print"]}]),
    ("array of no rows", "person", {"annotate": {"a": {"ArrayAgg": {"expr": "written__title", "order_by": ["written__id"]}}}, "order_by": ["pk"]}),
    ("json array of no rows", "person", {"annotate": {"a": {"JSONBAgg": {"expr": "written__pages", "order_by": ["written__id"]}}}, "order_by": ["pk"]}),
    ("text of no rows", "person", {"annotate": {"a": {"StringAgg": {"expr": "written__title", "delimiter": ",", "order_by": ["written__id"]}}}, "order_by": ["pk"]}),
    ("conditional sum of no rows", "book", {"annotate": {"a": {"Sum": {"Case": [{"when": {"review__stars__gte": 4}, "then": 1}, {"default": 0}]}}}, "values": ["pk", "a"], "order_by": ["pk"]}),
    ("conditional sum of no rows, with a default", "book", {"annotate": {"a": {"Sum": {"expr": {"Case": [{"when": {"review__stars__gte": 4}, "then": 1}, {"default": 0}]}, "default": 0}}}, "values": ["pk", "a"], "order_by": ["pk"]}),
    ("conditional sum of no rows, ordered by it", "book", {"annotate": {"a": {"Sum": {"Case": [{"when": {"review__stars__gte": 4}, "then": 1}, {"default": 0}]}}}, "filter": {"a__isnull": True}, "order_by": ["a", "pk"]}),
    ("groups of an ordered model", "chapter", {"group_by": ["number"], "annotate": {"n": {"Count": "*"}}}),
    ("groups without an aggregate", "book", {"group_by": ["pages", "in_print"], "order_by": ["pages", "in_print"]}),
    ("groups by an alias", "book", {"alias": {"d": {"Lower": "title"}}, "group_by": ["d"], "annotate": {"n": {"Count": "*"}}, "order_by": ["d"]}),
    ("order by an aggregate that is not annotated", "book", {"order_by": [{"expr": {"Count": "review"}, "desc": True}, "pk"], "limit": 10}),
    ("range of a relation's column", "book", {"filter": {"author_id__range": [1, 5]}, "order_by": ["pk"]}),
    ("text lookup of a relation's column", "person", {"filter": {"country_id__startswith": "d"}, "order_by": ["pk"]}),
    ("filter on a window", "book", {"annotate": {"r": {"Window": {"expr": {"RowNumber": []}, "partition_by": ["author"], "order_by": ["-pages", "pk"]}}}, "filter": {"r": 1}, "order_by": ["pk"]}),
    ("slice of each prefetch", "book", {"prefetch_related": [{"path": "reviews", "query": {"order_by": ["-stars", "id"], "limit": 2}}], "order_by": ["pk"]}),
    ("xor", "book", {"filter": {"xor": [{"pages__gte": 100}, {"in_print": True}, {"rating__gt": 2}]}, "order_by": ["pk"]}),
    ("iso year", "tagging", {"filter": {"added__iso_year": 2021}, "order_by": ["pk"]}),
    ("iso year compared", "book", {"filter": {"published__iso_year__lte": 2020}, "order_by": ["pk"]}),
    ("condition as a value compared", "book", {"annotate": {"a": {"Q": {"not": {"rating__gt": 3}}}}, "filter": {"a__isnull": False}, "order_by": ["pk"]}),
    ("mixed arithmetic", "book", {"annotate": {"a": {"*": ["price", "pages", 2]}, "b": {"+": ["rating", "pages"]}}, "values": ["pk", "a", "b"], "order_by": ["pk"]}),
    ("array of an ordered subquery", "book", {"annotate": {"a": {"ArraySubquery": {"model": "Review", "filter": {"book": {"OuterRef": "pk"}}, "order_by": ["-stars", "id"]}}}, "values": ["pk", "a"], "order_by": ["pk"]}),
    ("an alias that nothing names", "book", {"alias": {"a": {"Case": [{"when": {"review__stars": 5}, "then": 1}, {"default": 0}]}}, "order_by": ["pk"]}),
    ("negation of conditions over two relations to one table", "review", {"exclude": {"or": [{"book__cover__color__gte": "o"}, {"reviewer__covers__book_id__gt": 20}]}, "order_by": ["pk"]}),
    ("negation of a second condition over a nullable relation", "person", {"exclude": {"and": [{"not": {"mentor__country_id__lte": "de"}}, {"mentor__country__name__upper__startswith": "C"}]}, "order_by": ["pk"]}),
]
