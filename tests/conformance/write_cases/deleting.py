"""delete with every on_delete rule, one level and several, and what it counts."""

OWNERS = range(1, 13)
PROTECTED = {1, 2, 4, 5, 8}
CASES = [
    # Every rule hangs on Owner; what stands in the way is taken away first.
    ("owner %d with everything" % n, "DELETE owner/%d" % n, None, {"after": [
        ("POST left/delete", {"filter": {"owner": n}}), ("POST protected/delete", {"filter": {"owner": n}}),
        ("POST protectedbelow/delete", {"filter": {"parent__owner": n}}), ("POST nulledbelow/update", {"filter": {"id": 1}, "set": {"parent": 4}}),
    ]}) for n in OWNERS if n not in (1, 2)
] + [
    ("the row that defaults point to", "DELETE owner/1", None, {"refused": "IntegrityError", "after": [
        ("POST left/delete", {"filter": {"owner": 1}}), ("POST protected/delete", {"filter": {"owner": 1}})]}),
    ("the row that SET points to", "DELETE owner/2", None, {"refused": "IntegrityError", "after": [
        ("PATCH settotwo/1", {"owner": 2}), ("POST protectedbelow/delete", {"filter": {}})]}),
    ("protected", "DELETE owner/4", None, {"refused": "ProtectedError"}),
    ("protected one level below", "DELETE owner/6", None, {"refused": "ProtectedError"}),
    ("protected by a row that goes too", "POST owner/delete", {"filter": {"pk__in": [4, 8]}}, {"refused": "ProtectedError"}),
    ("do nothing where the database minds", "DELETE owner/5", None, {"refused": "IntegrityError"}),
    ("do nothing where nobody minds", "DELETE owner/7", None),
    ("cascade in the middle", "DELETE cascaded/2", None),
    ("set null in the middle", "DELETE cascaded/5", None),
    ("cascade below set null", "DELETE nulled/2", None),
    ("one-to-one of one-to-one", "DELETE badge/1", None),
    ("a leaf", "DELETE grandchild/1", None),
    ("a label and its join rows of two relations", "DELETE label/3", None),
    ("all labels", "POST label/delete", {"filter": {}}),
    ("a join row", "DELETE owner.labels/1", None),
    ("join rows by a filter", "POST owner.labels/delete", {"filter": {"label__name": "jd"}}),
    # Restricted
    ("restricted", "DELETE album/1", None, {"refused": "RestrictedError"}),
    ("restricted by two", "DELETE album/3", None, {"refused": "RestrictedError"}),
    ("restricted by a row that another parent takes", "DELETE artist/8", None, {"refused": "RestrictedError"}),
    ("restricted, and the restricting go anyway", "POST artist/delete", {"filter": {"pk__in": [2, 8]}}),
    ("restricted, and all go", "POST artist/delete", {"filter": {}}),
    ("nothing restricts", "DELETE album/5", None),
    ("artist without albums", "DELETE artist/6", None),
    # To itself
    ("a tree from its root", "DELETE node/1", None),
    ("a tree in the middle", "DELETE node/2", None),
    ("a leaf of a tree", "DELETE node/11", None),
    ("a tree by a filter over itself", "POST node/delete", {"filter": {"parent__parent": 1}}),
    ("two nodes, one below the other", "POST node/delete", {"filter": {"pk__in": [2, 6]}}),
    ("a ring of nodes", "DELETE node/1", None, {"after": [("PATCH node/1", {"parent": 5})]}),
    ("a node that is its own parent", "DELETE node/10", None, {"after": [("PATCH node/10", {"parent": 10})]}),
    ("protected by its own kind", "DELETE branch/1", None, {"refused": "ProtectedError"}),
    ("protected by its own kind, a leaf", "DELETE branch/6", None),
    ("protected by its own kind, whole", "POST branch/delete", {"filter": {"pk__in": [1, 2, 3, 6]}}, {"refused": "ProtectedError"}),
    ("a branch that protects itself", "DELETE branch/4", None, {"refused": "ProtectedError", "after": [
        ("DELETE branch/5", None), ("PATCH branch/4", {"parent": 4})]}),
    ("restricted by its own kind", "DELETE ring/5", None, {"refused": "RestrictedError"}),
    ("restricted by its own kind, and both go", "POST ring/delete", {"filter": {"pk__in": [5, 6]}}),
    ("restricted by its own kind, the end", "DELETE ring/6", None),
    ("set null to itself", "DELETE person/8", None),
    ("one-to-one to itself", "DELETE book/3", None),
    # To another field
    ("cascade over to_field", "DELETE depot/5", None),
    ("set default over to_field", "DELETE depot/2", None),
    ("set null over to_field", "DELETE shelf/2", None),
    ("set default to a row that goes", "DELETE depot/1", None, {"refused": "IntegrityError"}),
    ("set null over to_field of a unique slug", "DELETE publisher/2", None),
    ("set null of text keys, protected", "DELETE country/fr", None, {"refused": "ProtectedError"}),
    ("set null of text keys", "DELETE country/jp", None),
    # Join models
    ("a person with everything", "DELETE person/2", None),
    ("a person with memberships that fees protect", "DELETE person/5", None, {
        "refused": "ProtectedError"}),
    ("a person whose invitations stay", "DELETE person/7", None),
    ("a team", "DELETE team/1", None),
    ("a team whose memberships are protected", "DELETE team/2", None, {"refused": "ProtectedError"}),
    ("a team whose fees are gone", "DELETE team/2", None, {"after": [("POST fee/delete", {"filter": {"membership__team": 2}})]}),
    ("a book with chapters, reviews, cover, taggings", "DELETE book/1", None),
    ("a tag with its children and taggings", "DELETE tag/1", None),
    ("an author with books", "DELETE person/10", None),
    ("a publisher with books", "DELETE publisher/1", None),
    # By queries
    ("by a filter over a relation", "POST review/delete", {"filter": {"book__author__country": "de"}}),
    ("by a filter over a multi-valued relation", "POST person/delete", {"filter": {"written__pages": 24}}),
    ("by an exclusion", "POST chapter/delete", {"exclude": {"words": None}}),
    ("by a chain of filters", "POST review/delete", {"query": [{"filter": {"stars__gt": 0}}, {"filter": {"book": 2}}]}),
    ("by a condition over itself", "POST cascaded/delete", {"filter": {"weight__lt": {"F": "owner__id"}, "id__gt": 8, "protectedbelow": None}}),
    ("by an annotation", "POST label/delete", {"annotate": {"n": {"Count": "owners"}}, "filter": {"n__gte": 2}}),
    ("by exists", "POST nulled/delete", {"filter": {"not": {"Exists": {"model": "NulledFarBelow", "filter": {"parent": {"OuterRef": "pk"}}}}}}),
    ("by a subquery", "POST review/delete", {"filter": {"book__in": {"Subquery": {"model": "Book", "filter": {"pages": 0}}}}}),
    ("by or", "POST chapter/delete", {"filter": {"or": [{"number": 0}, {"words": None}]}}),
    ("by a question", "POST label/delete", {"filter": {"owners": {"none": {}}}}),
    ("none found", "POST owner/delete", {"filter": {"name": "nobody"}}, {"nothing": True}),
    ("by a query string", "DELETE chapter?book=1&number__gt=9", None),
    ("by a list in a query string", "DELETE chapter?id__in=1,2,3", None),
    ("all by a query string", "DELETE review?all=true", None),
    ("all, not said", "DELETE review", None, {"refused": "BadRequest"}),
    ("a row that is not there", "DELETE owner/99", None, {"refused": "DoesNotExist"}),
    ("a key of another type", "DELETE country/zz", None, {"refused": "DoesNotExist"}),
    ("through a related manager", "POST owner/2/cascaded_set/delete", {"filter": {"weight__gt": 5}}),
    ("through a many-to-many manager", "POST owner/1/labels/delete", {"filter": {"name": "jd"}}),
    ("all of a related manager", "POST book/1/reviews/delete", {"filter": {}}),
    ("stamped rows", "POST stamped/delete", {"filter": {"level": 3}}),
    ("a unknown path", "POST owner/delete", {"filter": {"nam": 1}}, {"refused": "FieldError"}),
]
