"""Changes of models: (what changes, before, after, options).

`renames`: what looks like a rename is one.  `defaults`: for rows that are there.  `key_type`: the type of a
key changes, after which Django 3.2 calls the foreign keys to it shorter (…_fk without its end).
`operations`: False where Quern's are others on purpose.
"""

CHAR = {"type": "CharField", "max_length": 40}
INT = "IntegerField"


def fk(to, **options):
    return {"type": "ForeignKey", "to": to, "on_delete": "CASCADE", **options}


def m2m(to, **options):
    return {"type": "ManyToManyField", "to": to, **options}


def field(kind, **options):
    return {"type": kind, **options}


def char(**options):
    return {**CHAR, **options}


def model(meta=None, **fields):
    return {"fields": fields, "Meta": meta} if meta else {"fields": fields}


def changed(base, name, meta=None, without=(), **fields):
    """The models with one model's fields changed, added or taken away, and its Meta replaced."""
    old = base[name]
    made = {key: value for key, value in old["fields"].items() if key not in without}
    made.update(fields)
    declaration = {"fields": made}
    if meta is None:
        meta = old.get("Meta")
    if meta:
        declaration["Meta"] = meta
    return {**base, name: declaration}


def renamed_field(base, name, old, new):
    fields = {new if key == old else key: value for key, value in base[name]["fields"].items()}
    return {**base, name: {**base[name], "fields": fields}}


BASE = {
    "Author": model(handle=CHAR, age=field(INT, null=True)),
    "Article": model(title=CHAR, body="TextField", author=fk("Author"), rank=field(INT, default=0)),
}
TAG = model(name=char(unique=True))
TAGGED = changed({**BASE, "Tag": TAG}, "Article", tags=m2m("Tag"))


def unique(name, *fields, **options):
    return {"type": "UniqueConstraint", "name": name, "fields": list(fields), **options}


def check(name, **condition):
    return {"type": "CheckConstraint", "name": name, "check": condition}


def index(name, *fields, **options):
    return {"name": name, "fields": list(fields), **options}


def field_case(what, old, new, **options):
    return (what, changed(BASE, "Author", value=old), changed(BASE, "Author", value=new), options)


def added(what, new, **options):
    return ("add " + what, BASE, changed(BASE, "Author", value=new), options)


def meta_case(what, before, after, **options):
    return (what, changed(BASE, "Article", meta=before), changed(BASE, "Article", meta=after), options)


SELF = {"Node": model(name=CHAR, parent=fk("self", null=True))}

CASES = [
    # models
    ("create a model", BASE, {**BASE, "Tag": TAG}, {}),
    ("create a model with relations", BASE, {**BASE, "Vote": model(
        {"unique_together": [["author", "article"]]}, author=fk("Author"), article=fk("Article"))}, {}),
    ("create models that point at each other", BASE, {
        **BASE, "Ying": model(other=fk("Yang", null=True)), "Yang": model(another=fk("Ying", null=True))}, {}),
    ("create a model with constraints and indexes", BASE, {**BASE, "Vote": model(
        {"constraints": [unique("one_vote", "author", "article"), check("positive_weight", weight__gt=0)],
         "indexes": [index("vote_weight", "-weight")]},
        author=fk("Author"), article=fk("Article"), weight=INT)}, {}),
    ("create a model that points at itself", BASE, {**BASE, **SELF}, {}),
    ("create a model with a key of its own", BASE, {**BASE, "Country": model(
        code=field("CharField", max_length=2, primary_key=True), name=CHAR)}, {}),
    ("create a model whose key is a relation", BASE, {**BASE, "Profile": model(
        author=field("OneToOneField", to="Author", on_delete="CASCADE", primary_key=True), bio="TextField")}, {}),
    ("create a many-to-many model", BASE, TAGGED, {}),
    ("delete a model", {**BASE, "Tag": TAG}, BASE, {}),
    ("delete a model that others pointed at", BASE, changed(
        {"Article": BASE["Article"]}, "Article", without=("author",)), {}),
    ("delete models that point at each other", {
        **BASE, "Ying": model(other=fk("Yang", null=True)), "Yang": model(another=fk("Ying", null=True))}, BASE, {}),
    ("delete a model with unique_together", {**BASE, "Vote": model(
        {"unique_together": [["author", "article"]]}, author=fk("Author"), article=fk("Article"))}, BASE, {}),
    ("delete a many-to-many model", TAGGED, BASE, {}),
    ("rename a model", {**BASE, "Tag": TAG}, {**BASE, "Label": TAG}, {"renames": True}),
    ("rename a model that others point at",
     BASE, {"Writer": BASE["Author"], "Article": changed(BASE, "Article", author=fk("Writer"))["Article"]},
     {"renames": True}),
    ("rename a model that points at itself", SELF, {"Knot": model(name=CHAR, parent=fk("self", null=True))},
     {"renames": True}),
    ("rename a model with many-to-many", TAGGED,
     {"Author": TAGGED["Author"], "Tag": TAG, "Post": TAGGED["Article"]}, {"renames": True}),
    ("rename the other end of many-to-many", TAGGED,
     {**{key: value for key, value in TAGGED.items() if key != "Tag"}, "Label": TAG,
      "Article": changed(TAGGED, "Article", tags=m2m("Label"))["Article"]}, {"renames": True}),
    ("rename a model, not said", {**BASE, "Tag": TAG}, {**BASE, "Label": TAG}, {}),
    ("change a model's table", BASE, changed(BASE, "Article", meta={"db_table": "posts"}), {}),
    ("change the table of a many-to-many model", TAGGED, changed(TAGGED, "Article", meta={"db_table": "posts"}),
     {}),
    ("put back a model's table", changed(BASE, "Article", meta={"db_table": "posts"}), BASE, {}),
    ("change the ordering", BASE, changed(BASE, "Article", meta={"ordering": ["-title"]}), {}),
    ("change what Meta says and the table", BASE,
     changed(BASE, "Article", meta={"ordering": ["title"], "verbose_name": "post", "db_table": "posts"}), {}),
    ("order with respect to", BASE, changed(BASE, "Article", meta={"order_with_respect_to": "author"}), {}),
    ("order no more with respect to", changed(BASE, "Article", meta={"order_with_respect_to": "author"}), BASE, {}),
    # fields added and removed
    added("a nullable field", char(null=True)),
    added("a field with a default", char(default="it's")),
    added("a field that may be blank", char(blank=True)),
    added("a field with a value for once", char(), defaults={"Author.value": "x"}),
    added("a number for once", INT, defaults={"Author.value": 7}),
    added("a unique field", char(unique=True, null=True)),
    added("an indexed field", char(db_index=True, default="")),
    added("an indexed number", field(INT, db_index=True, default=1)),
    added("a positive number", field("PositiveIntegerField", default=1)),
    added("a decimal", field("DecimalField", max_digits=8, decimal_places=2, default="1.50")),
    added("a boolean", field("BooleanField", default=True)),
    added("a moment", field("DateTimeField", auto_now_add=True)),
    added("a day", field("DateField", default={"Now": []})),
    added("a uuid", field("UUIDField", default={"RandomUUID": []})),
    added("json", field("JSONField", default={})),
    added("an array", field("ArrayField", base_field=CHAR, default=[])),
    added("a slug", field("SlugField", null=True)),
    added("a column of another name", char(null=True, db_column="worth")),
    added("a foreign key", fk("Author", null=True)),
    added("a one-to-one", field("OneToOneField", to="Author", on_delete="SET_NULL", null=True)),
    added("a foreign key without a constraint", fk("Author", null=True, db_constraint=False)),
    ("add a foreign key to a unique field", {**BASE, "Tag": TAG},
     changed({**BASE, "Tag": TAG}, "Article", tag=fk("Tag", to_field="name", null=True)), {}),
    ("add a many-to-many field", {**BASE, "Tag": TAG}, TAGGED, {}),
    ("add a many-to-many field to itself", BASE, changed(BASE, "Author", friends=m2m("self")), {}),
    ("add several fields", BASE, changed(BASE, "Author", zeta=char(null=True), alpha=field(INT, default=1)), {}),
    ("remove a field", BASE, changed(BASE, "Author", without=("age",)), {}),
    ("remove a foreign key", BASE, changed(BASE, "Article", without=("author",)), {"defaults": {}, "back": False}),
    ("remove a many-to-many field", TAGGED, {**BASE, "Tag": TAG}, {}),
    ("remove a field of unique_together", changed(BASE, "Article", meta={"unique_together": [["title", "rank"]]}),
     changed(BASE, "Article", meta={}, without=("rank",)), {}),
    ("remove and add a field that looks renamed", BASE, renamed_field(BASE, "Author", "age", "years"), {}),
    # fields renamed
    ("rename a field", BASE, renamed_field(BASE, "Author", "handle", "nick"), {"renames": True}),
    ("rename a foreign key", BASE, renamed_field(BASE, "Article", "author", "writer"), {"renames": True}),
    ("rename a many-to-many field", TAGGED, renamed_field(TAGGED, "Article", "tags", "labels"), {"renames": True}),
    ("rename a field of unique_together",
     changed(BASE, "Article", meta={"unique_together": [["title", "rank"]]}),
     changed(renamed_field(BASE, "Article", "rank", "place"), "Article",
             meta={"unique_together": [["title", "place"]]}),
     # Django 3.2 says AlterUniqueTogether as well, to what it is already.
     {"renames": True, "operations": False}),
    ("rename a unique field that others point at",
     changed({**BASE, "Tag": TAG}, "Article", tag=fk("Tag", to_field="name", null=True)),
     changed({**BASE, "Tag": model(label=char(unique=True))}, "Article",
             tag=fk("Tag", to_field="label", null=True)), {"renames": True}),
    ("rename a field of an index", changed(BASE, "Article", meta={"indexes": [index("by_rank", "rank")]}),
     changed(renamed_field(BASE, "Article", "rank", "place"), "Article",
             meta={"indexes": [index("by_rank", "place")]}), {"renames": True}),
    # fields altered
    field_case("lengthen text", CHAR, field("CharField", max_length=90)),
    field_case("shorten text", CHAR, field("CharField", max_length=10)),
    field_case("text without end", CHAR, "TextField"),
    field_case("text with an end", "TextField", CHAR),
    field_case("a number into text", INT, char()),
    field_case("a larger number", INT, "BigIntegerField"),
    field_case("a smaller number", INT, "SmallIntegerField"),
    field_case("a positive number", INT, "PositiveIntegerField"),
    field_case("a number of any sign", "PositiveIntegerField", INT),
    field_case("a larger positive number", "PositiveIntegerField", "PositiveBigIntegerField"),
    field_case("more digits", field("DecimalField", max_digits=5, decimal_places=2),
               field("DecimalField", max_digits=9, decimal_places=3)),
    field_case("a number into a decimal", INT, field("DecimalField", max_digits=9, decimal_places=3)),
    field_case("a moment into a day", "DateTimeField", "DateField"),
    field_case("text into an address", CHAR, field("EmailField")),
    field_case("longer elements", field("ArrayField", base_field=CHAR),
               field("ArrayField", base_field=field("CharField", max_length=80))),
    field_case("another collation", CHAR, char(db_collation="C")),
    field_case("no collation", char(db_collation="C"), CHAR),
    field_case("allow null", char(), char(null=True)),
    field_case("forbid null", char(null=True), char(), defaults={"Author.value": "none"}),
    field_case("forbid null with a default", field(INT, null=True), field(INT, default=3)),
    field_case("forbid null, nothing said", field(INT, null=True), INT),
    field_case("make unique", INT, field(INT, unique=True)),
    field_case("make text unique", CHAR, char(unique=True)),
    field_case("no longer unique", field(INT, unique=True), INT),
    field_case("text no longer unique", char(unique=True), CHAR),
    field_case("make indexed", INT, field(INT, db_index=True)),
    field_case("make text indexed", CHAR, char(db_index=True)),
    field_case("no longer indexed", field(INT, db_index=True), INT),
    field_case("indexed, then unique", field(INT, db_index=True), field(INT, unique=True)),
    field_case("unique, then indexed", field(INT, unique=True), field(INT, db_index=True)),
    field_case("another column", CHAR, char(db_column="worth")),
    field_case("another default", field(INT, default=1), field(INT, default=2)),
    field_case("another help", CHAR, char(help_text="what it is worth")),
    field_case("choices", CHAR, char(choices=[["a", "A"], ["b", "B"]])),
    field_case("a foreign key without a constraint", fk("Author", null=True),
               fk("Author", null=True, db_constraint=False)),
    field_case("a foreign key with a constraint", fk("Author", null=True, db_constraint=False),
               fk("Author", null=True)),
    field_case("a number into a foreign key", field("BigIntegerField", null=True),
               fk("Author", null=True, db_column="value")),
    field_case("another deletion", fk("Author", null=True), fk("Author", null=True, on_delete="SET_NULL")),
    field_case("a foreign key into a one-to-one", fk("Author", null=True),
               field("OneToOneField", to="Author", on_delete="CASCADE", null=True)),
    field_case("a one-to-one into a foreign key", field("OneToOneField", to="Author", on_delete="CASCADE", null=True),
               fk("Author", null=True)),
    ("another target", {**BASE, "Tag": TAG, "Link": model(end=fk("Author", null=True))},
     {**BASE, "Tag": TAG, "Link": model(end=fk("Tag", null=True))}, {}),
    ("another target of many-to-many", {**TAGGED, "Topic": model(name=CHAR)},
     changed({**TAGGED, "Topic": model(name=CHAR)}, "Article", tags=m2m("Topic")), {}),
    ("another table of many-to-many", TAGGED, changed(TAGGED, "Article", tags=m2m("Tag", db_table="tagging")), {}),
    ("another type of a key", {**BASE, "Tag": model(code=field(INT, primary_key=True)),
                               "Use": model(tag=fk("Tag"))},
     {**BASE, "Tag": model(code=field("BigIntegerField", primary_key=True)), "Use": model(tag=fk("Tag"))},
     {"key_type": True}),
    ("a longer key of text", {"Tag": model(code=char(primary_key=True)), "Use": model(tag=fk("Tag"))},
     {"Tag": model(code=field("CharField", max_length=80, primary_key=True)), "Use": model(tag=fk("Tag"))},
     {"key_type": True}),
    # unique_together, indexes, constraints
    meta_case("unique_together", {}, {"unique_together": [["title", "author"]]}),
    meta_case("another unique_together", {"unique_together": [["title", "author"]]},
              {"unique_together": [["title", "rank"], ["title", "author"]]}),
    meta_case("no unique_together", {"unique_together": [["title", "author"]]}, {}),
    meta_case("an index", {}, {"indexes": [index("by_title", "title")]}),
    meta_case("an index over two columns", {}, {"indexes": [index("by_both", "title", "-rank")]}),
    meta_case("a partial index", {}, {"indexes": [index("by_rank", "rank", condition={"rank__gt": 3})]}),
    meta_case("a gin index", {}, {"indexes": [index("by_brin", "rank", type="BrinIndex")]}),
    meta_case("a hash index", {}, {"indexes": [index("by_hash", "title", type="HashIndex")]}),
    meta_case("an index with operators", {}, {"indexes": [
        index("by_start", "title", opclasses=["varchar_pattern_ops"])]}),
    meta_case("no index", {"indexes": [index("by_title", "title")]}, {}),
    meta_case("another index", {"indexes": [index("by_title", "title")]}, {"indexes": [index("by_rank", "rank")]}),
    meta_case("an index changed under its name", {"indexes": [index("by_it", "title")]},
              {"indexes": [index("by_it", "rank")]}),
    meta_case("a unique constraint", {}, {"constraints": [unique("one_title", "title", "author")]}),
    meta_case("a partial unique constraint", {}, {"constraints": [
        unique("one_title", "title", condition={"rank": 1})]}),
    meta_case("a deferrable unique constraint", {}, {"constraints": [
        unique("one_title", "title", deferrable="deferred")]}),
    meta_case("a check", {}, {"constraints": [check("rank_range", rank__gte=0, rank__lt=100)]}),
    meta_case("no constraint", {"constraints": [check("rank_range", rank__gte=0)]}, {}),
    meta_case("a check changed under its name", {"constraints": [check("rank_range", rank__gte=0)]},
              {"constraints": [check("rank_range", rank__gte=5)]}),
    # several at once
    ("a field and its index", BASE, changed(BASE, "Article", meta={"indexes": [index("by_score", "score")]},
                                            score=field(INT, default=0)), {}),
    ("a model and a relation to it", BASE, changed({**BASE, "Tag": TAG}, "Article", tag=fk("Tag", null=True)), {}),
    ("a model taken away with the relation to it",
     changed({**BASE, "Tag": TAG}, "Article", tag=fk("Tag", null=True)), BASE, {}),
    ("a relation that changes sides", {**BASE, "Tag": model(name=CHAR, article=fk("Article", null=True))},
     changed({**BASE, "Tag": model(name=CHAR)}, "Article", tag=fk("Tag", null=True)), {}),
    ("rename a field and change another", BASE,
     changed(renamed_field(BASE, "Author", "handle", "nick"), "Author", age=field("BigIntegerField", null=True)),
     {"renames": True}),
    ("a composite change", TAGGED, {
        "Author": model(handle=char(unique=True), age=field("PositiveIntegerField", default=1), city=char(default="")),
        "Article": model({"ordering": ["title"], "indexes": [index("by_rank", "rank")]}, title=char(db_index=True),
                         body=field("TextField", null=True), author=fk("Author", null=True), rank=INT),
        "Comment": model(article=fk("Article"), text="TextField"),
    }, {}),
]
