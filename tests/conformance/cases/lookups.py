"""Every lookup on every type of field that has it."""


def on(field, *conditions, model="book"):
    return [("%s %s" % (field, number), model, {"filter": condition, "values": ["pk", field.split("__")[0]], "order_by": ["pk"]})
            for number, condition in enumerate(conditions)]


TEXT = [row for lookup, value in [
    ("exact", "a_b"), ("iexact", "STRASSE"), ("contains", "100%"), ("icontains", "WEEK"), ("startswith", "C in a "),
    ("istartswith", "c IN"), ("endswith", "eek"), ("iendswith", "EEK"), ("regex", "^C.*(week|Week)$"), ("iregex", "^c.*w"),
    ("gt", "T"), ("gte", "a_b"), ("lt", "D"), ("lte", "C in a week"), ("in", ["a_b", "It's", "", "nothing"]),
    ("range", ["C", "E"]), ("contains", "_"), ("contains", "\\"), ("contains", "'"), ("icontains", "STRASSE"),
    ("length__gt", 12), ("lower", "c in a week"), ("lower__startswith", "c in"), ("upper__contains", "DEV"),
    ("trim", "padded"), ("ltrim__startswith", "p"), ("rtrim__endswith", "d"), ("reverse", "b_a"), ("md5__startswith", "d"),
    ("unaccent", "Straße"), ("search", "garden"),
] for row in [("title %s %r" % (lookup, value), "book",
               {"filter": {"title__" + lookup: value}, "values": ["pk", "title"], "order_by": ["pk"]})]]

NUMBERS = on(
    "pages", {"pages": 100}, {"pages__gt": 100}, {"pages__gte": 100}, {"pages__lt": 100}, {"pages__lte": 100},
    {"pages__in": [12, 100, 7]}, {"pages__range": [100, 251]}, {"pages__contains": "5"}, {"pages__startswith": "2"},
    {"not": {"pages": 100}}, {"pages__abs": 100},
) + on(
    "price", {"price__gt": "30.00"}, {"price__lte": 12.5}, {"price__isnull": True}, {"price__isnull": False}, {"price": None},
    {"price__floor": 10}, {"price__ceil__lt": 10}, {"price__round__gte": 40}, {"price__range": ["10", "20.50"]},
    {"not": {"price__gt": "30.00"}}, {"price__sign": 1},
) + on(
    "rating", {"rating": 3.25}, {"rating__gt": 3}, {"rating__in": [1.5, 5]}, {"rating__isnull": True}, {"rating__sqrt__gt": 2},
    {"not": {"rating": 3.25}}, {"not": {"rating__in": [1.5, 5]}}, {"rating__lte": 1.5},
) + on("in_print", {"in_print": True}, {"in_print": False}, {"in_print": None}, {"not": {"in_print": True}},
       {"in_print__isnull": True}, {"in_print__in": [True]})

DATES = [row for lookup, value in [
    ("exact", "2020-01-01T00:00:00Z"), ("gt", "2020-06-01T00:00:00Z"), ("lt", "2020-06-01T00:00:00+02:00"),
    ("date__gte", "2022-01-01"), ("date__in", ["2020-01-01"]), ("year", 2020), ("year__gte", 2022), ("year__lt", 2019),
    ("year__in", [2018, 2021]), ("iso_year", 2021), ("month", 5), ("month__lte", 2), ("day", 3), ("week__lte", 12),
    ("week_day", 1), ("iso_week_day", 7), ("quarter", 2), ("quarter__in", [1, 4]), ("hour", 23), ("hour__gte", 22),
    ("minute", 59), ("second__lt", 10), ("time__gte", "23:00:00"), ("time__hour", 0), ("isnull", True),
    ("range", ["2018-01-01T00:00:00Z", "2019-12-31T23:59:59Z"]), ("date__month", 3), ("date__year__range", [2016, 2018]),
] for row in [("released %s %r" % (lookup, value), "book",
               {"filter": {"released__" + lookup: value}, "values": ["pk", "released"], "order_by": ["pk"]},
               "query", lookup in ("exact", "date__in"))]] + on(
    "released", {"released__year": 2016, "released__month": 4}, {"released__month": 10, "released__year": 2019},
    {"released__year": 2020, "released__month__gte": 6}, {"not": {"released__year": 2020, "released__month": 2}},
    {"or": [{"released__year": 2016, "released__month": 4}, {"released__year": 2019, "released__month": 7}]},
    {"released__year": 2020, "released__month__in": [1, 2], "released__day__lt": 20}, {"released__date__lt": "2019-03-01"},
    {"released__date__lte": "2019-03-01"}, {"released__date__gt": "2020-02-28"}, {"not": {"released__date__gte": "2020-02-29"}},
    {"released__date__range": ["2019-01-01", "2020-02-29"]}, {"released__year__gte": 2020, "released__month": 2},
    {"released__year": 2020, "pages__gt": 100, "released__month": 1},
) + [("day %s-%s-%s of %s by its parts" % (year, month, day, field), "book",
      {"filter": {field + "__year": year, field + "__month": month, field + "__day": day}, "order_by": ["pk"]}, "query", True)
     for field in ("released", "published") for year, month, day in (
         (2016, 4, 21), (2015, 1, 3), (2024, 12, 28), (2020, 2, 29), (2019, 2, 29), (2020, 12, 31), (2020, 13, 1))] + on(
    "published", {"published__year": 2020, "published__month": 6}, {"published__month": 12, "published__year": 2024}, {"published__year": 2020}, {"published__month": 7}, {"published__gt": "2021-05-05"},
    {"published__week_day": 2}, {"published__iso_year__gte": 2024}, {"published__quarter": 3}, {"published__day__in": [1, 2, 3]},
    {"published__range": ["2019-01-01", "2020-12-31"]}, {"published__isnull": True}, {"not": {"published__year": 2020}},
    {"published__in": ["2020-01-01", "2016-05-04"], "id__lt": 0} and {"published__week__lt": 5},
    {"published__iso_week_day__gte": 6},
) + on(
    "opens", {"opens__hour": 12} and {"opens__hour__gte": 12}, {"opens__minute": 30}, {"opens__second": 59},
    {"opens__gt": "12:00:00"}, {"opens__isnull": True}, {"opens__range": ["06:00", "09:30:59"]},
) + on(
    "reading_time", {"reading_time__gt": "P1D"}, {"reading_time__lte": "PT12H"}, {"reading_time__range": ["PT1H", "P1DT2H"]},
    {"reading_time__isnull": True}, {"not": {"reading_time__lt": "P2D"}},
)

JSON = on(
    "attributes", {"attributes__color": "red"}, {"attributes__color__in": ["red", "blue"]}, {"attributes__color__isnull": True},
    {"attributes__color": None}, {"attributes__size__w__gt": 10}, {"attributes__size__h": 20}, {"attributes__list__0": 1},
    {"attributes__list__2__deep": True}, {"attributes__has_key": "color"}, {"attributes__has_keys": ["color", "size"]},
    {"attributes__has_any_keys": ["flags", "list"]}, {"attributes__contains": {"color": "red"}},
    {"attributes__contained_by": {"color": "red", "x": 1}}, {"attributes": {}}, {"attributes": {"color": "red"}},
    {"attributes__isnull": True}, {"attributes": [1, 2, 3]}, {"attributes": "text"}, {"attributes": 7},
    {"attributes__color__icontains": "RE"}, {"attributes__color__startswith": "r"}, {"attributes__color__iexact": "RED"},
    {"not": {"attributes__color": "red"}}, {"attributes__flags__sold": True}, {"attributes__size__has_key": "w"},
    {"attributes__size__contains": {"h": 20}}, {"attributes__color__regex": "^[rR]"}, {"attributes__0": 1},
    {"attributes__size__w__in": [10.5, 3]}, {"attributes__size": {"w": 10.5}}, {"attributes__color__isnull": False},
    {"attributes__color__iendswith": "D"}, {"attributes__size__w__lte": 10.5}, {"attributes__color__gt": "blue"},
) + [("json null", "profile", {"filter": {"settings__theme": None}, "order_by": ["pk"]}),
     ("json key of a relation", "person", {"filter": {"profile__settings__theme": "dark"}, "order_by": ["pk"]}),
     ("json document is null", "book", {"filter": {"attributes": None}, "order_by": ["pk"]}, "query", True)]

ARRAYS = on(
    "keywords", {"keywords__contains": ["sql"]}, {"keywords__contained_by": ["sql", "ops", "c", "C", "dev"]},
    {"keywords__overlap": ["garden", "night"]}, {"keywords__len": 2}, {"keywords__len__gte": 1}, {"keywords__0": "c"},
    {"keywords__0_2": ["c", "sql"]} and {"keywords__1__startswith": "g"}, {"keywords": []}, {"keywords__isnull": True},
    {"keywords__0__icontains": "C"}, {"not": {"keywords__contains": ["sql"]}}, {"keywords__0__in": ["ops", "dev"]},
    {"keywords__0_1": ["ops"]}, {"keywords__len": 0},
) + on(
    "scores", {"scores__contains": [5]}, {"scores__0__gt": 3}, {"scores__overlap": [0, 5]}, {"scores__len__lt": 2}, {"scores__0_2__contains": [1]},
    {"scores__contained_by": [0, 1, 2, 3]}, {"scores__gt": [3]}, {"scores__1__range": [2, 4]},
)

RANGES = on(
    "ages", {"ages__contains": 10}, {"ages__contains": {"lower": 10, "upper": 12}},
    {"ages__contained_by": {"lower": 0, "upper": 30}}, {"ages__overlap": {"lower": 5, "upper": 8}},
    {"ages__fully_lt": {"lower": 30, "upper": 40}}, {"ages__fully_gt": {"lower": 0, "upper": 3}},
    {"ages__not_lt": {"lower": 8, "upper": 9}}, {"ages__not_gt": {"lower": 0, "upper": 25}},
    {"ages__adjacent_to": {"lower": 0, "upper": 10}}, {"ages__startswith": 5}, {"ages__startswith__gte": 10},
    {"ages__endswith__lt": 20}, {"ages__isempty": True}, {"ages__isempty": False}, {"ages__isnull": True},
    {"ages__endswith__isnull": True}, {"ages__gt": {"lower": 10, "upper": 20}},
    {"ages__overlap": {"lower": 5, "upper": 8, "bounds": "[]"}}, {"ages__overlap": {"lower": 25, "upper": None}},
) + on("on_sale", {"on_sale__contains": "2020-03-03"} and {"on_sale__startswith__year": 2020},
       {"on_sale__overlap": {"lower": "2020-01-01", "upper": "2021-01-01"}}, {"on_sale__endswith__gt": "2022-01-01"},
       {"on_sale__fully_lt": {"lower": "2018-01-01", "upper": "2019-01-01"}})

KEYS = [
    ("pk", "book", {"filter": {"pk": 3}}), ("pk in", "book", {"filter": {"pk__in": [3, 1, 7]}, "order_by": ["-pk"]}),
    ("text pk", "country", {"filter": {"pk": "de"}}), ("relation by key", "book", {"filter": {"author": 1}, "order_by": ["pk"]}),
    ("relation by its column", "book", {"filter": {"author_id": 1}, "order_by": ["pk"]}),
    ("relation's pk", "book", {"filter": {"author__pk": 1}, "order_by": ["pk"]}),
    ("relation's pk above", "book", {"filter": {"author__id__gt": 10}, "order_by": ["pk"]}),
    ("relation by pk object", "book", {"filter": {"author": {"pk": 1}}, "order_by": ["pk"]}),
    ("relation to a field", "book", {"filter": {"imprint": "house-20"}, "order_by": ["pk"]}),
    ("relation to a field by pk", "book", {"filter": {"imprint": {"pk": 1}}, "order_by": ["pk"]}),
    ("relation to a field, its pk", "book", {"filter": {"imprint__pk": 1}, "order_by": ["pk"]}),
    ("relations in an array", "book", {"filter": {"author__in": [1, {"pk": 2}]}, "order_by": ["pk"]}),
    ("to a field in an array", "book", {"filter": {"imprint__in": ["house-20", "house-19"]}, "order_by": ["pk"]}),
    ("relation is null", "book", {"filter": {"publisher": None}, "order_by": ["pk"]}),
    ("relation isnull", "book", {"filter": {"publisher__isnull": False}, "order_by": ["pk"]}),
    ("relation's relation isnull", "book", {"filter": {"publisher__country__isnull": True}, "order_by": ["pk"]}),
    ("uuid is null", "book", {"filter": {"code__isnull": True}, "order_by": ["pk"]}),
    ("reverse relation by key", "person", {"filter": {"written": 5}, "order_by": ["pk"]}),
    ("reverse relation isnull", "person", {"filter": {"written__isnull": True}, "order_by": ["pk"]}),
    ("many to many by key", "book", {"filter": {"translators": 1}, "order_by": ["pk"]}),
    ("many to many in", "book", {"filter": {"translators__in": [1, 2, 3]}, "order_by": ["pk"]}),
    ("reverse one to one isnull", "person", {"filter": {"profile__isnull": True}, "order_by": ["pk"]}),
    ("reverse one to one with a shared key", "book", {"filter": {"cover__isnull": False}, "order_by": ["pk"]}),
    ("own key that is a relation", "cover", {"filter": {"pk__lt": 20}, "order_by": ["pk"]}),
    ("own key that is a relation, by it", "cover", {"filter": {"book__in": [1, 2, 3, 4]}, "order_by": ["pk"]}),
    ("in none", "book", {"filter": {"pk__in": []}}, "query", True),
    ("in with null", "book", {"filter": {"rating__in": [1.5, None]}, "order_by": ["pk"]}),
]

CASES = TEXT + NUMBERS + DATES + JSON + ARRAYS + RANGES + KEYS
