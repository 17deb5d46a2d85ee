"""Batches: several operations in one transaction, with Refs between them."""


def op(model, method, body=None, **more):
    return {"model": model, "method": method, **({"body": body} if body is not None else {}), **more}


def batch(*operations, **more):
    return {"operations": list(operations), **more}


B = "POST /batch"
NEW = op("Owner", "create", {"name": "new"}, **{"as": "owner"})
CASES = [
    ("two creates", B, batch(NEW, op("Label", "create", {"name": "new"}))),
    ("a Ref to a new row", B, batch(NEW, op("Cascaded", "create", {"owner": {"Ref": "owner.id"}, "weight": 4}))),
    ("a Ref by number", B, batch(NEW, op("Cascaded", "create", {"owner": {"Ref": "0.id"}}))),
    ("a Ref into results", B, batch(op("Label", "bulk_create", [{"name": "a"}, {"name": "b"}], **{"as": "labels"}),
                                    op("Owner", "add", {"objects": [{"Ref": "labels.results.1.id"}]}, pk=3, relation="labels"))),
    ("a Ref to text", B, batch(op("Country", "create", {"code": "zz", "name": "z"}, **{"as": "country"}),
                               op("Person", "create", {"name": {"Ref": "country.name"}, "country": {"Ref": "country.code"}}))),
    ("a Ref as pk", B, batch(NEW, op("Owner", "patch", {"name": "renamed"}, pk={"Ref": "owner.id"}))),
    ("a Ref in a filter", B, batch(NEW, op("Cascaded", "create", {"owner": {"Ref": "owner.id"}}),
                                   op("Cascaded", "update", {"filter": {"owner": {"Ref": "owner.id"}}, "set": {"weight": 9}}))),
    ("what is written is seen", B, batch(op("Slot", "update", {"set": {"guests": {"+": [{"F": "guests"}, 1]}}}),
                                         op("Slot", "update", {"filter": {"guests": 1}, "set": {"title": "one"}}))),
    ("update and delete", B, batch(op("Label", "update", {"filter": {"id__lt": 4}, "set": {"name": "gone"}}), op("Label", "delete", {"filter": {"name": "gone"}}))),
    ("rows by key", B, batch(op("Book", "patch", {"pages": 1}, pk=1), op("Book", "put", {"title": "Whole", "author": 2}, pk=2), op("Review", "delete", pk=1))),
    ("related managers", B, batch(op("Owner", "set", {"objects": [1, 2]}, pk=1, relation="labels"), op("Owner", "clear", pk=4, relation="labels"),
                                  op("Owner", "create", {"weight": 3}, pk=3, relation="cascaded_set"))),
    ("before the row that it refers to", B, batch(op("Cascaded", "create", {"owner": 900}), op("Owner", "create", {"id": 900, "name": "late"}))),
    ("finding", B, batch(op("Country", "get_or_create", {"lookup": {"code": "zz"}, "defaults": {"name": "z"}}),
                         op("Country", "update_or_create", {"lookup": {"code": "zz"}, "defaults": {"people": 3}}))),
    ("bulk_update of what is new", B, batch(op("Label", "create", {"name": "a"}, **{"as": "a"}),
                                            op("Label", "bulk_update", [{"id": {"Ref": "a.id"}, "name": "b"}, {"id": 1, "name": "c"}]))),
    ("nothing", B, batch(), {"nothing": True}),
    ("a dry run", B, batch(NEW, op("Label", "delete", {"filter": {}}), dry_run=True), {"nothing": True}),
    ("one fails", B, batch(NEW, op("Country", "create", {"code": "zz", "name": "name 1"})), {"refused": "IntegrityError"}),
    ("one is not valid", B, batch(NEW, op("Label", "create", {"name": ""})), {"refused": "ValidationError"}),
    ("one finds nothing", B, batch(NEW, op("Book", "patch", {"pages": 1}, pk=99)), {"refused": "DoesNotExist"}),
    ("one is protected", B, batch(NEW, op("Owner", "delete", pk=4)), {"refused": "ProtectedError"}),
    ("the end finds a key broken", B, batch(op("Cascaded", "create", {"owner": 900}), NEW), {"refused": "IntegrityError"}),
    ("one fails alone", B, batch(NEW, op("Country", "create", {"code": "zz", "name": "name 1"}, on_error="continue"), op("Label", "create", {"name": "a"}))),
    ("one fails alone by a broken key", B, batch(NEW, op("Cascaded", "create", {"owner": 900}, on_error="continue"), op("Label", "create", {"name": "a"}))),
    ("the first fails alone", B, batch(op("Label", "create", {"name": ""}, on_error="continue"), NEW)),
    ("each by itself", B, batch(NEW, op("Country", "create", {"code": "zz", "name": "name 1"}), op("Label", "create", {"name": "a"}), atomic=False)),
    ("each by itself, all fail", B, batch(op("Label", "create", {"name": ""}), op("Cascaded", "create", {"owner": 900}), atomic=False), {"nothing": True}),
    ("serializable", B, batch(NEW, op("Owner", "update", {"filter": {"id__lt": 5}, "set": {"name": "x"}}), isolation="serializable")),
    ("repeatable read", B, batch(NEW, op("Owner", "update", {"filter": {"id__lt": 5}, "set": {"name": "x"}}), isolation="repeatable read")),
    ("nested rows and a Ref to one", B, batch(op("Owner", "create", {"name": "n", "cascaded_set": [{"weight": 1}]}, **{"as": "o"}),
                                              op("Grandchild", "create", {"parent": {"Ref": "o.cascaded_set.0.id"}, "note": "x"}))),
]
