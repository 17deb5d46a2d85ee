"""Random writes: sequences of them, each on the rows that the ones before it left.

A sequence is made of a seed and of Django's models alone, never of what was answered, so that `--seed N` gives it again.
Conditions and expressions are those of the random queries (generator.py); most values are valid, some are not, and keys
often name rows that are not there.
"""

import random

import vocabulary
from django.db import models
from generator import Generator
from write_data import Values

LENGTH = 6
WORLDS = 3
KINDS = {"SmallIntegerField": "integer", "IntegerField": "integer", "BigIntegerField": "integer", "PositiveIntegerField": "integer",
         "PositiveSmallIntegerField": "integer", "PositiveBigIntegerField": "integer", "CharField": "text", "TextField": "text",
         "SlugField": "text", "EmailField": "text", "URLField": "text", "DecimalField": "decimal", "FloatField": "float", "DateField": "date",
         "DateTimeField": "moment", "TimeField": "time", "DurationField": "duration", "BooleanField": "boolean"}
MANAGERS = [("person", "friends"), ("person", "follows"), ("person", "followers"), ("book", "translators"), ("person", "translations"),
            ("owner", "labels"), ("label", "owners"), ("box", "marks"), ("label", "boxes"), ("book", "tags"), ("tag", "books"),
            ("team", "members"), ("person", "teams"),
            ("publisher", "books"), ("publisher", "imprinted"), ("person", "written"), ("person", "edited"), ("person", "pupils"),
            ("owner", "nulled_set"), ("owner", "cascaded_set"), ("nulled", "nulledfarbelow_set"), ("cascaded", "nulledbelow_set"),
            ("node", "children"), ("branch", "branches"), ("ring", "before"), ("depot", "shelves"), ("shelf", "boxes"), ("country", "person_set"),
            ("tag", "children"), ("book", "reviews"), ("owner", "defaultedtonull_set")]
# What may be written along with a row: (member, model, whether it is a list of new rows, one of them, or of links).
BELOW = {"owner": [("cascaded_set", "cascaded", "rows"), ("nulled_set", "nulled", "rows"), ("labels", "label", "links"), ("badge", "badge", "row")],
         "cascaded": [("grandchild_set", "grandchild", "rows"), ("nulledbelow_set", "nulledbelow", "rows")],
         "book": [("chapter_set", "chapter", "rows"), ("reviews", "review", "rows"), ("translators", "person", "links"), ("cover", "cover", "row")],
         "person": [("friends", "person", "links"), ("followers", "person", "links"), ("profile", "profile", "row"), ("invitations", "membership", "rows")],
         "depot": [("shelves", "shelf", "rows")], "shelf": [("boxes", "box", "rows")], "box": [("marks", "label", "links")],
         "country": [("publisher_set", "publisher", "rows")], "artist": [("album_set", "album", "rows")], "team": [("members", "person", "links")],
         "badge": [("pin", "pin", "row")], "label": [("owners", "owner", "links")]}
KEYS_BELOW = {"cascaded_set": "owner", "nulled_set": "owner", "badge": "owner", "grandchild_set": "parent", "nulledbelow_set": "parent", "chapter_set": "book",
              "reviews": "book", "cover": "book", "profile": "person", "invitations": "inviter", "shelves": "depot", "boxes": "shelf",
              "publisher_set": "country", "album_set": "artist", "pin": "badge"}
SAME_MODEL = {("friends", "person"), ("followers", "person")}
LOOKUPS = {"country": ["code", "name"], "publisher": ["slug"], "tag": ["name"], "depot": ["code"], "shelf": ["label"], "team": ["name"],
           "slot": ["room", "hour"], "chapter": ["book", "number"], "tagging": ["book", "tag"], "person": ["name"], "label": ["name"],
           "profile": ["person"], "badge": ["owner"], "cover": ["book"], "book": ["title"]}


def add_vocabulary(world):
    """The models that random queries do not know."""
    for name, model in world.items():
        if name in vocabulary.COLUMNS or "." in name:
            continue
        vocabulary.COLUMNS[name] = columns_of(model)
        vocabulary.RELATIONS[name] = [
            (field.name, field.related_model.__name__.lower(), bool(field.many_to_many), field.name) for field in model._meta.get_fields()
            if field.is_relation and field.concrete]
        if model._meta.pk.name != "id":
            vocabulary.KEYS[name] = model._meta.pk.attname


def columns_of(model):
    found = {}
    for field in model._meta.concrete_fields:
        if field.is_relation:
            kind = "link" if field.target_field.get_internal_type() == "BigAutoField" else "text"
        elif isinstance(field, models.AutoField):
            kind = "key"
        else:
            kind = KINDS.get(field.get_internal_type())
        if kind:
            found[field.attname] = kind
    return found


class WriteGenerator(Generator):
    """The writes of one sequence."""

    def __init__(self, seed, world):
        super().__init__(seed)
        self.models = {name: model for name, model in world.items() if "." not in name}
        self.names = sorted(self.models)
        self.values = Values(self.random)

    def sequence(self):
        """(the world to begin with, the writes)"""
        return self.random.randrange(WORLDS), [self.write() for _ in range(LENGTH)]

    def write(self):
        return self.random.choice([self.create, self.bulk_create, self.update, self.update, self.update, self.delete, self.delete_row, self.related,
                                   self.related, self.related, self.get_or_create, self.patch, self.update_or_create, self.put,
                                   self.bulk_update, self.upsert, self.nested_create, self.nested_patch, self.batch])()

    # ---- names and keys ----

    def model_name(self):
        if self.chance(0.4):
            return self.pick("book", "book", "person", "review", "chapter", "publisher", "sample", "owner")
        return self.random.choice(self.names)

    def key(self, name):
        """A primary key, mostly of a row that is there."""
        field = self.models[name]._meta.pk
        while field.is_relation:
            field = field.target_field
        kind = field.get_internal_type()
        if kind == "UUIDField":
            return "00000000-0000-0000-0000-%012d" % self.random.randrange(1, 10)
        if kind == "CharField":
            return self.random.choice(["de", "fr", "jp", "ng", "is", "xx"])
        return self.random.choice([1, 2, 3, self.random.randrange(1, 9), self.random.randrange(1, 19), 77 if self.chance(0.1) else 4])

    def target(self, field):
        """What a foreign key is set to."""
        name = field.related_model.__name__.lower()
        if field.target_field.primary_key:
            return self.key(name)
        return {"slug": "house-%d", "code": "d%d", "label": "s%d"}[field.target_field.name] % self.random.randrange(1, 6)

    # ---- objects ----

    def member(self, field):
        """(name, value) of a field."""
        if field.is_relation:
            if field.null and self.chance(0.2):
                return self.pick(field.name, field.attname), None
            if self.chance(0.15):
                name = field.related_model.__name__.lower()
                lookup = self.random.choice(LOOKUPS[name]) if name in LOOKUPS and name not in ("chapter", "tagging", "slot") else "pk"
                found = self.models[name]._meta.get_field(lookup) if lookup != "pk" else None
                return field.name, {lookup: self.member(found)[1] if found and not found.is_relation else self.key(name)} if found is None or not (
                    found.is_relation) else {"pk": self.key(name)}
            return self.pick(field.name, field.attname), self.target(field)
        if field.null and self.chance(0.15):
            return field.name, None
        if self.chance(0.02):
            return field.name, self.invalid(field)
        special = {"country.code": lambda: self.random.choice(["de", "zz", "yy"]), "publisher.slug": lambda: "house-%d" % self.random.randrange(12),
                   "shelf.label": lambda: "s%d" % self.random.randrange(12), "depot.code": lambda: "d%d" % self.random.randrange(9),
                   "slot.room": lambda: self.pick("a", "b"), "slot.hour": lambda: self.random.randrange(7, 13),
                   "team.name": lambda: "name %d" % self.random.randrange(9), "tag.name": lambda: "name %d" % self.random.randrange(12),
                   "stamped.id": lambda: self.key("stamped"), "fee.amount": lambda: "%d.50" % self.random.randrange(90),
                   "slot.guests": lambda: self.random.randrange(-1, 9)}
        name = "%s.%s" % (field.model.__name__.lower(), field.name)
        return field.name, special[name]() if name in special else self.values.value(field)

    def invalid(self, field):
        """Something that breaks the field's rules."""
        if field.max_length:
            return "x" * (field.max_length + 1)
        if not field.null:
            return None
        return {"DecimalField": "123456789012345678901234567890123456789012345.5", "EmailField": "nobody", "URLField": "nowhere", "SlugField": "a b",
                "PositiveIntegerField": -1, "SmallIntegerField": 40000}.get(field.get_internal_type())

    def wanted(self, field):
        if isinstance(field, models.AutoField):
            return False
        if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
            return False
        is_needed = not (field.null or field.has_default() or (field.blank and field.empty_strings_allowed))
        return is_needed and not self.chance(0.01) or self.chance(0.35)

    def object(self, name, without=()):
        model = self.models[name]
        return dict(self.member(field) for field in model._meta.local_concrete_fields if field.name not in without and self.wanted(field))

    # ---- writes ----

    def create(self):
        name = self.model_name()
        return "POST " + name, self.object(name)

    def bulk_create(self):
        name = self.model_name()
        objects = [self.object(name) for _ in range(self.random.randrange(1, 5))]
        if self.chance(0.4):
            return "POST %s/bulk_create" % name, {"objects": objects, "ignore_conflicts": True}
        return self.pick("POST " + name, "POST %s/bulk_create" % name), objects

    def where(self, name):
        if self.chance(0.25) or name not in vocabulary.COLUMNS:
            return {"filter": {"pk__in": [self.key(name) for _ in range(self.random.randrange(1, 5))]}}
        found = {}
        if self.chance(0.85):
            found["filter"] = self.condition(name, 1)
        if self.chance(0.15):
            found["exclude"] = self.condition(name, 1)
        return found

    def columns(self, name):
        return [field for field in self.models[name]._meta.local_concrete_fields if not field.primary_key]

    def assignment(self, name, field):
        kind = KINDS.get(field.get_internal_type())
        if field.is_relation or self.chance(0.45) or kind is None or name not in vocabulary.COLUMNS or isinstance(field, models.JSONField):
            return self.member(field)
        for _ in range(12):
            found = self.expression(name)
            if found is not None and found[1] == kind and fits(field, found[0]):
                return field.name, as_value(found[0])
        path = self.path_of(name, {kind})
        return (field.name, {"F": path}) if path and fits(field, path) else self.member(field)

    def changes(self, name):
        fields = self.columns(name)
        if not fields:
            return None
        return dict(self.assignment(name, field) for field in self.random.sample(fields, min(len(fields), self.random.randrange(1, 4))))

    def update(self):
        name = self.model_name()
        changes = self.changes(name)
        return ("POST %s/update" % name, {**self.where(name), "set": changes}) if changes else self.update()

    def patch(self):
        name = self.model_name()
        fields = self.columns(name)
        return ("PATCH %s/%s" % (name, self.key(name)),
                dict(self.member(field) for field in self.random.sample(fields, min(len(fields), self.random.randrange(1, 4)))))

    def put(self):
        name = self.model_name()
        return "PUT %s/%s" % (name, self.key(name)), self.object(name, without=(self.models[name]._meta.pk.name,))

    def delete(self):
        name = self.model_name()
        return "POST %s/delete" % name, self.where(name)

    def delete_row(self):
        name = self.pick(self.model_name(), "owner", "owner", "person", "cascaded", "artist", "album", "node", "depot", "shelf", "team", "book", "publisher")
        return "DELETE %s/%s" % (name, self.key(name)), None

    def leaf(self, model, multiple=True, depth=2):
        """Not of two columns of a multi-valued relation: under a negation Django 3.2 compares those of different rows."""
        found = super().leaf(model, multiple, depth)
        while any(isinstance(value, dict) and "F" in value and value["F"].split("__")[0] == path.split("__")[0] for path, value in found.items()):
            found = super().leaf(model, multiple, depth)
        return found

    def finding(self):
        """(model, {"lookup", "defaults"})"""
        name = self.random.choice(sorted(LOOKUPS))
        model = self.models[name]
        lookup = dict(self.member(model._meta.get_field(one)) for one in LOOKUPS[name])
        if self.chance(0.1):
            lookup["pk__gt"] = "a" if name == "country" else 2
        return name, {"lookup": lookup, "defaults": self.object(name, without=LOOKUPS[name] if self.chance(0.8) else ())}

    def with_below(self, name, depth=2):
        """A new row and what is written along with it."""
        made = self.object(name)
        for member, target, kind in BELOW.get(name, []):
            if depth and self.chance(0.5):
                made[member] = self.below(member, target, kind, depth - 1)
        for field in self.models[name]._meta.concrete_fields:
            if depth and field.is_relation and not field.primary_key and field.name in made and self.chance(0.2):
                target = field.related_model.__name__.lower()
                made[field.name] = {"create": self.with_below(target, 0)}
        return made

    def below(self, member, target, kind, depth):
        if kind == "links":
            # A new row of the same model would be numbered before or after its siblings, as one likes.
            return [{"create": self.with_below(target, 0)} if self.chance(0.2) and (member, target) not in SAME_MODEL else self.key(target) for _ in range(self.random.randrange(3))]
        key = KEYS_BELOW[member]
        rows = [{name: value for name, value in self.with_below(target, depth).items() if name not in (key, key + "_id")}
                for _ in range(1 if kind == "row" else self.random.randrange(4))]
        return rows[0] if kind == "row" else rows

    def nested_create(self):
        name = self.random.choice(sorted(BELOW))
        if self.chance(0.3):
            return "POST %s/bulk_create" % name, [self.with_below(name) for _ in range(self.random.randrange(1, 4))]
        return "POST " + name, self.with_below(name)

    def nested_patch(self):
        name = self.random.choice(sorted(BELOW))
        address, body = self.patch()
        while not address.startswith("PATCH %s/" % name):
            address, body = self.patch()
        for member, target, kind in BELOW[name]:
            if self.chance(0.6) and kind != "row":
                value = self.below(member, target, kind, 1)
                body[member] = value if self.chance(0.6) else {"set": [self.key(target) for _ in range(self.random.randrange(3))]}
        return address, body

    def batch(self):
        """A few of the other writes together."""
        operations = []
        for _ in range(self.random.randrange(2, 5)):
            text, body = self.random.choice([self.create, self.update, self.delete_row, self.related, self.patch, self.get_or_create, self.bulk_create])()
            operations.append(as_operation(text, body))
            if self.chance(0.3):
                operations[-1]["on_error"] = "continue"
        return "POST /batch", {"operations": operations, **({"atomic": False} if self.chance(0.2) else {})}

    def bulk_update(self):
        """Not of unique values, several of which a statement may not move between its rows, whichever row comes first."""
        name = self.model_name()
        fields = [field for field in self.columns(name) if not field.unique and field.name not in LOOKUPS.get(name, ())]
        if not fields:
            return self.bulk_update()
        alike = self.random.sample(fields, min(len(fields), self.random.randrange(1, 4)))
        objects = []
        for key in dict.fromkeys(self.key(name) for _ in range(self.random.randrange(1, 6))):
            chosen = alike if self.chance(0.8) else self.random.sample(fields, 1)
            objects.append({"pk" if self.chance(0.5) else self.models[name]._meta.pk.name: key, **dict(
                self.assignment(name, field) if self.chance(0.1) else self.member(field) for field in chosen)})
        return "POST %s/bulk_update" % name, self.pick(objects, {"objects": objects})

    def upsert(self):
        """bulk_create with update_conflicts, over rows that are there and others."""
        name, unique = self.pick(("country", ["code"]), ("country", ["name"]), ("publisher", ["slug"]), ("tag", ["name"]), ("depot", ["code"]),
                                 ("shelf", ["label"]), ("team", ["name"]), ("slot", ["room", "hour"]), ("chapter", ["book", "number"]),
                                 ("tagging", ["book", "tag"]), ("profile", ["person"]))
        model = self.models[name]
        changed = [field.name for field in self.columns(name) if field.name not in unique] or unique
        objects = []
        for _ in range(self.random.randrange(1, 5)):
            made = self.object(name, without=unique)
            made.update(self.member(model._meta.get_field(one)) for one in unique)
            if "guests" in made:  # PostgreSQL judges the row that conflicts, too
                made["guests"] = abs(made["guests"])
            objects.append(made)
        return "POST %s/bulk_create" % name, {"objects": objects, "update_conflicts": True, "unique_fields": unique,
                                              "update_fields": self.random.sample(changed, self.random.randrange(1, len(changed) + 1))}

    def get_or_create(self):
        name, body = self.finding()
        return "POST %s/get_or_create" % name, body

    def update_or_create(self):
        name, body = self.finding()
        if self.chance(0.3):
            body["create_defaults"] = self.object(name, without=LOOKUPS[name])
        return "POST %s/update_or_create" % name, body

    def related(self):
        name, accessor = self.random.choice(MANAGERS)
        address = "%s/%s/%s" % (name, self.key(name), accessor)
        target = next(one.related_model.__name__.lower() for one in self.models[name]._meta.get_fields()
                      if (one.get_accessor_name() if one.auto_created and not one.concrete else one.name) == accessor)
        method = self.pick("add", "add", "remove", "set", "set", "clear")
        if method == "clear":
            return "POST %s/clear" % address, None
        body = {"objects": [self.key(target) for _ in range(self.random.randrange(4))]}
        defaults = {("book", "tags"): {"weight": 3, "added": "2024-01-01"}, ("tag", "books"): {"added": "2024-01-01"},
                    ("team", "members"): {"role": "guest", "inviter": 2}, ("person", "teams"): {"level": 4}}.get((name, accessor))
        if defaults and method != "remove":
            body["through_defaults"] = defaults
        return "POST %s/%s" % (address, method), body


def as_operation(text, body):
    verb, address = text.split(" ")
    model, *rest = address.split("/")
    found = {"model": model, "method": rest.pop() if verb == "POST" and rest else "create" if verb == "POST" else verb.lower()}
    if rest:
        found["pk"] = rest[0]
    if len(rest) > 1:
        found["relation"] = rest[1]
    return {**found, "body": body} if body is not None else found


def as_value(node):
    """An expression as it stands in value position, where a bare text is a literal."""
    if isinstance(node, str):
        return {"F": node}
    if isinstance(node, dict) and len(node) == 1:
        name, operands = next(iter(node.items()))
        if not name[:1].isalpha():
            return {name: [as_value(item) for item in operands]}
    return node


def fits(field, node):
    """Not what PostgreSQL's assignment or Django's own arithmetic makes of long texts: they may be too long for the column."""
    return not field.max_length or field.max_length >= 40 or not isinstance(node, dict)
