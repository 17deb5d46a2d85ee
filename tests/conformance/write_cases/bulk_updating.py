"""bulk_update and bulk_create with update_conflicts: different values for each row in one statement."""

C = "POST country/bulk_create"


def upsert(objects, unique, update):
    return {"objects": objects, "update_conflicts": True, "unique_fields": unique, "update_fields": update}


CASES = [
    ("one field", "POST book/bulk_update", [{"id": n, "pages": n * 10} for n in range(1, 6)]),
    ("several fields", "POST book/bulk_update", [{"id": n, "pages": n, "title": "t%d" % n, "price": "%d.50" % n} for n in range(1, 6)]),
    ("by pk", "POST book/bulk_update", [{"pk": 1, "pages": 1}, {"pk": 2, "pages": 2}]),
    ("listed fields", "POST book/bulk_update", {"objects": [{"id": 1, "pages": 1, "title": "x"}, {"id": 2, "pages": 2, "title": "y"}], "fields": ["title"]}),
    ("every type", "POST sample/bulk_update", [
        {"id": 1, "integer": 5, "real": 0.5, "money": "1.25", "flag": True, "short": "a", "day": "2024-01-01", "moment": "2024-01-01T00:00:00Z", "clock": "01:02:03",
         "span": "PT1S", "bytes": "AAEC", "document": {"a": [1]}, "numbers": [1, 2], "words": ["a,b", "\"", "NULL"], "days": ["2024-01-01"],
         "integers": {"lower": 1, "upper": 2, "bounds": "[)"}, "uuid": "00000000-0000-1000-8000-000000000077", "address": "::1", "big": 9007199254740993},
        {"id": 2, "integer": None, "real": None, "money": None, "flag": None, "short": None, "day": None, "moment": None, "clock": None, "span": None, "bytes": None,
         "document": None, "numbers": None, "words": None, "days": None, "integers": None, "uuid": None, "address": None, "big": None},
        {"id": 3, "integer": -1, "real": 1e300, "money": "0.00", "flag": False, "short": "", "day": "0001-01-01", "moment": "9999-12-31T23:59:59Z",
         "clock": "00:00:00", "span": "P400D", "bytes": "", "document": {"Value": None}, "numbers": [], "words": [], "days": [], "integers": {"empty": True},
         "uuid": "00000000-0000-1000-8000-000000000078", "address": "192.0.2.1", "big": -1}]),
    ("rows of several shapes", "POST book/bulk_update", [{"id": 1, "pages": 1}, {"id": 2, "title": "x"}, {"id": 3, "pages": 3}, {"id": 4, "title": "y", "pages": 9}]),
    ("expressions", "POST book/bulk_update", [{"id": 1, "pages": {"+": [{"F": "pages"}, 1]}}, {"id": 2, "pages": {"+": [{"F": "pages"}, 1]}}, {"id": 3, "pages": 5}]),
    ("expressions of each row", "POST slot/bulk_update", [{"id": 1, "guests": {"F": "hour"}}, {"id": 2, "guests": {"*": [{"F": "guests"}, 3]}}]),
    ("foreign keys", "POST book/bulk_update", [{"id": 1, "publisher": 4, "imprint": "house-2"}, {"id": 2, "publisher": None, "imprint": None}]),
    ("foreign keys by lookups", "POST book/bulk_update", [{"id": 1, "editor": {"name": "Ü"}}, {"id": 2, "editor": {"name": "STRASSE"}}]),
    ("text keys", "POST country/bulk_update", [{"code": "de", "people": 1}, {"code": "fr", "people": None}]),
    ("one-to-one keys", "POST cover/bulk_update", [{"book": 2, "color": "a"}, {"book_id": 5, "color": "b"}]),
    ("uuid keys", "POST stamped/bulk_update", [{"id": "00000000-0000-0000-0000-000000000001", "note": "x"}]),
    ("rows that are not there", "POST book/bulk_update", [{"id": 1, "pages": 1}, {"id": 999, "pages": 2}]),
    ("no rows that are there", "POST book/bulk_update", [{"id": 999, "pages": 2}], {"nothing": True}),
    ("nothing", "POST book/bulk_update", [], {"nothing": True}),
    ("by a related manager", "POST owner/2/cascaded_set/bulk_update", [{"id": 4, "weight": 1}, {"id": 1, "weight": 2}]),
    ("a swap of unique values that is free", "POST country/bulk_update", [{"code": "de", "name": "one"}, {"code": "fr", "name": "two"}]),
    ("a conflict", "POST country/bulk_update", [{"code": "de", "name": "name 1"}], {"refused": "IntegrityError"}),
    ("a check", "POST slot/bulk_update", [{"id": 1, "guests": -1}], {"refused": "IntegrityError"}),
    ("a foreign key to nothing", "POST book/bulk_update", [{"id": 1, "author": 999}], {"refused": "IntegrityError"}),
    ("violations", "POST book/bulk_update", [{"id": 1, "title": ""}, {"id": 2, "pages": -1}], {"refused": "ValidationError"}),
    ("the same row twice", "POST book/bulk_update", [{"id": 1, "pages": 1}, {"pk": 1, "pages": 2}], {"refused": "ValueError"}),
    ("without a key", "POST book/bulk_update", [{"pages": 1}], {"refused": "ValueError"}),
    ("a field that is none", "POST book/bulk_update", [{"id": 1, "pags": 1}], {"refused": "FieldError"}),
    ("the key itself", "POST book/bulk_update", {"objects": [{"id": 1, "pages": 2}], "fields": ["id"]}, {"refused": "ValueError"}),
    # update_conflicts
    ("conflicts: some there, some new", C, upsert([{"code": "de", "name": "one"}, {"code": "zz", "name": "two", "people": 3}], ["code"], ["name"])),
    ("conflicts: all there", C, upsert([{"code": "de", "name": "one", "people": 8}, {"code": "fr", "name": "two", "people": 9}], ["code"], ["name", "people"])),
    ("conflicts: all new", C, upsert([{"code": "yy", "name": "one"}, {"code": "zz", "name": "two"}], ["code"], ["name"])),
    ("conflicts: what is not listed stays", C, upsert([{"code": "de", "name": "one", "people": 8}], ["code"], ["people"])),
    ("conflicts: a default takes the place", "POST slot/bulk_create", upsert([{"room": "a", "hour": 8}], ["room", "hour"], ["guests", "title"]), {"nothing": True}),
    ("conflicts: two fields", "POST slot/bulk_create", upsert([{"room": "a", "hour": 9, "guests": 50}, {"room": "a", "hour": 20, "guests": 51}], ["room", "hour"], ["guests"])),
    ("conflicts: a key of a foreign key", "POST chapter/bulk_create", upsert([{"book": 6, "number": 50, "title": "x"}, {"book": 6, "number": 51, "title": "y"}],
                                                                            ["book", "number"], ["title"])),
    ("conflicts: another unique field", C, upsert([{"code": "zz", "name": "name 0", "people": 5}], ["name"], ["people"])),
    ("conflicts: a foreign key is updated", "POST shelf/bulk_create", upsert([{"label": "s0", "depot": "d2"}, {"label": "s9", "depot": "d3"}], ["label"], ["depot"])),
    ("conflicts: by a column's name", "POST shelf/bulk_create", upsert([{"label": "s0", "depot_id": "d2"}], ["label"], ["depot_id"])),
    ("conflicts: a one-to-one", "POST profile/bulk_create", upsert([{"person": 2, "bio": "x"}, {"person": 3, "bio": "y"}], ["person"], ["bio"])),
    ("conflicts: stamps", "POST stamped/bulk_create", upsert([{"id": "00000000-0000-0000-0000-000000000001", "note": "x"}], ["id"], ["note", "changed"])),
    ("conflicts: against another constraint", C, upsert([{"code": "zz", "name": "name 1"}], ["code"], ["name"]), {"refused": "IntegrityError"}),
    ("conflicts: an update that breaks a constraint", C, upsert([{"code": "de", "name": "name 1"}], ["code"], ["name"]), {"refused": "IntegrityError"}),
    ("conflicts: violations", C, upsert([{"code": "de", "name": ""}], ["code"], ["name"]), {"refused": "ValidationError"}),
    ("conflicts: the same twice", C, upsert([{"code": "zz", "name": "a"}, {"code": "zz", "name": "b"}], ["code"], ["name"]), {"refused": "ValueError"}),
]
