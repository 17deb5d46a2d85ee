"""Conditions through every kind of relation, alone and negated."""


def both(name, model, condition):
    return [(name, model, {"filter": condition, "order_by": ["pk"]}),
            ("not " + name, model, {"exclude": condition, "order_by": ["pk"]})]


PATHS = sum((both(*row) for row in [
    ("foreign key", "book", {"author__name__startswith": "J"}),
    ("nullable foreign key", "book", {"publisher__name": "North"}),
    ("two foreign keys deep", "book", {"publisher__country__name": "Germany"}),
    ("second relation to the same model", "book", {"editor__name__contains": "a"}),
    ("both relations to the same model", "book", {"author__country": "de", "editor__country": "de"}),
    ("self relation", "person", {"mentor__name": "Jane Doe"}),
    ("self relation twice", "person", {"mentor__mentor__isnull": False}),
    ("self relation back", "person", {"pupil__nickname": "jd"}),
    ("self relation back twice", "person", {"pupil__pupil__isnull": False}),
    ("reverse foreign key", "book", {"review__stars": 5}),
    ("reverse foreign key, null column", "book", {"review__text": None}),
    ("reverse foreign key, two conditions", "book", {"review__stars": 5, "review__reviewer__isnull": True}),
    ("reverse, then forward", "book", {"review__reviewer__name": "Jane Doe"}),
    ("reverse twice", "publisher", {"book__review__stars": 1}),
    ("reverse by accessor's other name", "person", {"edited__pages__gt": 200}),
    ("many to many", "book", {"translators__nickname": "jd"}),
    ("many to many backwards", "person", {"translations__pages": 100}),
    ("many to many to itself", "person", {"friends__name__contains": "a"}),
    ("many to many to itself, one way", "person", {"follows__country": "fr"}),
    ("many to many to itself, the other way", "person", {"followers__country": "fr"}),
    ("many to many through a model", "book", {"tags__name": "tag 01"}),
    ("through model itself", "book", {"tagging__weight__gte": 3}),
    ("through model and its tag", "book", {"tagging__weight__gte": 3, "tagging__tag__name__lt": "tag 05"}),
    ("many to many through backwards", "tag", {"books__rating": 5.0}),
    ("tree of a many to many", "book", {"tags__parent__name": "tag 00"}),
    ("one to one", "profile", {"person__nickname": "jd"}),
    ("one to one backwards", "person", {"profile__karma__gt": 5}),
    ("one to one backwards, null column", "person", {"profile__karma": None}),
    ("one to one to itself", "book", {"prequel__pages__gt": 100}),
    ("one to one to itself, backwards", "book", {"sequel__pages__gt": 100}),
    ("one to one as key", "cover", {"book__title__startswith": "C"}),
    ("one to one as key, backwards", "book", {"cover__color": "red"}),
    ("one to one as key, backwards, null", "book", {"cover__color": None}),
    ("one to one as key, then forward", "book", {"cover__artist__name": "Jane Doe"}),
    ("relation to a unique field", "book", {"imprint__founded__gte": 1950}),
    ("back over a relation to a unique field", "publisher", {"imprinted__pages": 100}),
    ("forward, back, forward", "book", {"author__written__publisher__name": "South"}),
    ("four hops", "country", {"person__written__review__reviewer__country": "de"}),
    ("three hops with null in between", "chapter", {"book__publisher__country__people__gt": 80000000}),
    ("or over two relations", "book", {"or": [{"author__country": "jp"}, {"publisher__country": "jp"}]}),
    ("or of column and reverse relation", "book", {"or": [{"pages": 999}, {"review__stars": 1}]}),
    ("or of two reverse relations", "book", {"or": [{"chapter__words__gt": 1500}, {"review__stars": 1}]}),
    ("and of two reverse relations", "book", {"chapter__words__gt": 900, "review__stars": 5}),
    ("not inside", "book", {"not": {"review__stars": 5}}),
    ("not inside over a nullable relation", "book", {"not": {"publisher__name": "North"}}),
    ("not inside or", "book", {"or": [{"not": {"review__stars__gte": 2}}, {"pages": 999}]}),
    ("not of or", "book", {"not": {"or": [{"review__stars": 5}, {"translators__country": "de"}]}}),
    ("not of not", "book", {"not": {"not": {"review__stars": 5}}}),
    ("not of a many to many's column", "book", {"not": {"translators__nickname": None}}),
    ("not two conditions over one relation", "book", {"not": {"review__stars": 5, "review__text": None}}),
    ("column against column of a relation", "book", {"cost__gt": {"F": "prequel__cost"}}),
    ("column of relation against own", "book", {"author__born__year__gt": 1970, "chapter__number__lt": 3}),
    ("xor of columns", "book", {"xor": [{"pages__gte": 100}, {"in_print": True}]}),
    ("xor of three", "book", {"xor": [{"pages__gte": 100}, {"in_print": True}, {"rating__gt": 3}]}),
    ("xor of relations", "book", {"xor": [{"author__country": "de"}, {"publisher__country": "de"}]}),
    ("xor of one", "book", {"xor": [{"pages": 100}]}),
]), [])

CHAINS = [
    ("separate filters find rows of their own", "book", [
        {"filter": {"review__stars": 5}}, {"filter": {"review__stars": 1}}, {"order_by": ["pk"]}]),
    ("separate filters over a many to many", "book", [
        {"filter": {"translators__country": "de"}}, {"filter": {"translators__country": "fr"}}, {"order_by": ["pk"]}]),
    ("filter and exclude over one relation", "book", [
        {"filter": {"review__stars": 5}}, {"exclude": {"review__stars": 1}}, {"order_by": ["pk"]}]),
    ("exclude twice", "book", [{"exclude": {"review__stars": 5}}, {"exclude": {"review__stars": 1}}, {"order_by": ["pk"]}]),
    ("filter and exclude in one object", "book", {
        "filter": {"review__stars__gte": 4}, "exclude": {"review__text": None}, "order_by": ["pk"]}),
    ("rows twice without distinct", "book", {"filter": {"review__stars__gte": 4}, "values_list": ["pk"], "flat": True}),
    ("rows once with distinct", "book", {"filter": {"review__stars__gte": 4}, "values_list": ["pk"], "flat": True, "distinct": True}),
    ("separate filters over a foreign key share it", "book", [
        {"filter": {"publisher__name": "North"}}, {"filter": {"publisher__country__isnull": False}}, {"order_by": ["pk"]}]),
]

QUESTIONS = [(name, model, {"filter": condition, "order_by": ["pk"]}) for name, model, condition in [
    ("some", "book", {"review": {"some": {"stars": 5}}}), ("some of anything", "book", {"review": {"some": {}}}),
    ("none", "book", {"review": {"none": {"stars": 5}}}), ("none of anything", "book", {"review": {"none": {}}}),
    ("every", "book", {"review": {"every": {"stars__gte": 3}}}), ("every with null", "book", {"review": {"every": {"text__gt": "D"}}}),
    ("some over many to many", "book", {"translators": {"some": {"country": "de"}}}),
    ("none over many to many", "book", {"translators": {"none": {"country": "de"}}}),
    ("every over many to many", "book", {"translators": {"every": {"country__isnull": False}}}),
    ("some over through", "book", {"tags": {"some": {"name__lt": "tag 03"}}}),
    ("some two conditions", "book", {"review": {"some": {"stars": 5, "text": None}}}),
    ("some with or", "book", {"review": {"some": {"or": [{"stars": 5}, {"reviewer": 1}]}}}),
    ("some nested", "person", {"written": {"some": {"review": {"some": {"stars": 1}}}}}),
    ("some nested none", "person", {"written": {"some": {"review": {"none": {"stars__lt": 3}}}}}),
    ("count at least", "book", {"review": {"count": {"gte": 3}}}), ("count none", "book", {"review": {"count": {"exact": 0}}}),
    ("count where", "book", {"review": {"count": {"gte": 2}, "where": {"stars": 5}}}),
    ("count between", "person", {"written": {"count": {"range": [1, 3]}}}),
    ("count many to many", "person", {"friends": {"count": {"gt": 1}}}),
    ("some and columns", "book", {"pages__gte": 100, "review": {"some": {"stars": 5}}}),
    ("not some", "book", {"not": {"review": {"some": {"stars": 5}}}}),
    ("two questions of one relation", "book", {"and": [{"review": {"some": {"stars": 5}}}, {"review": {"some": {"stars": 1}}}]}),
    ("question over two hops", "publisher", {"book__review": {"some": {"stars": 5}}}),
    ("question over a foreign key first", "book", {"author__written": {"count": {"gte": 5}}}),
    ("question with a condition over a relation", "book", {"review": {"some": {"reviewer__country": "de"}}}),
    ("question over itself", "person", {"pupil": {"some": {"nickname": None}}}),
]]

FOUND = [  # by random queries
    ("both sides of a comparison are of the same related row", "book", {"filter": {"review__id__lte": {"F": "review__id"}}, "values": ["pk"]}),
    ("column against column of the same related row", "book", {"filter": {"chapter__words__gt": {"*": [{"F": "chapter__number"}, 300]}}, "values": ["pk"]}),
    ("the same related row of a many to many", "book", {"filter": {"tags__id__lt": {"F": "tags__parent"}}, "values": ["pk"]}, "query", True),
    ("two columns of the same related row in arithmetic", "book", {"filter": {"pages__gt": {"+": [{"F": "chapter__number"}, {"F": "chapter__words"}]}}, "values": ["pk"]}),
    ("a group of one within an or", "book", {"filter": {"or": [{"or": [{"publisher__slug__startswith": "a_b"}]}, {"not": {"publisher__slug__iendswith": "tag 0"}}]}}),
    ("not of a json null", "book", {"exclude": {"attributes__theme": None}}, "query", True),
    ("not of a comparison with a column that may be missing", "book", {"exclude": {"cost__gt": {"F": "prequel__cost"}}}),
]

JOINS = [
    ("automatic join table", "book.translators", {"filter": {"person__country": "de"}, "order_by": ["pk"]}),
    ("automatic join table of itself", "person.friends", {"filter": {"from_person": 1}, "order_by": ["pk"]}),
    ("through model as a model", "tagging", {"filter": {"tag__name": "tag 01", "book__pages": 100}, "order_by": ["pk"]}),
]

CASES = PATHS + CHAINS + QUESTIONS + FOUND + JOINS
