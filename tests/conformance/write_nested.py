"""Rows together with their related rows, spelled out: what a row refers to is made before it, what refers to it after it.

Django has no such thing; each step is a plain create(), save(), or a related manager's method.
"""

from django.core.exceptions import ValidationError
from django.db import models

REFERRING = {"create", "get_or_create", "update_or_create", "update"}
VERBS = REFERRING | {"add", "remove", "set", "clear", "delete"}


class AnyOrder(list):
    """Rows that come in no order that counts."""


def verb_of(value):
    if isinstance(value, dict) and len(set(value) - {"through_defaults"}) == 1:
        name = next(iter(set(value) - {"through_defaults"}))
        return name if name in VERBS else None
    return None


def accessors(model):
    """{accessor: relation} of what may hang on a row: reverse relations and many-to-many."""
    found = {}
    for field in model._meta.get_fields():
        if field.many_to_many or (field.auto_created and not field.concrete and field.is_relation):
            found[field.get_accessor_name() if field.auto_created else field.name] = field
    return found


def key_of(relation):
    """Of a reverse relation, the foreign key at the other side."""
    return None if relation.many_to_many else relation.field


def items_of(value):
    return value if isinstance(value, list) else [value]


class Nested:
    """The nested writes of one request."""

    def __init__(self, writer, saving):
        self.writer, self.saving = writer, saving  # saving(writer, model, instance): rows without anything nested

    def is_in(self, model, members):
        return any(name in accessors(model) or (name in self.keys(model) and verb_of(value)) for name, value in members.items())

    def keys(self, model):
        return {field.name: field for field in model._meta.concrete_fields if field.is_relation}

    def split(self, model, members):
        """(the row's own, what it refers to, what hangs on it)"""
        own, before, after = {}, {}, {}
        for name, value in members.items():
            if name in accessors(model):
                after[name] = value
            elif name in self.keys(model) and verb_of(value) in REFERRING:
                before[name] = value
            else:
                own[name] = value
        return own, before, after

    # ---- judging all levels before anything is written ----

    def judge(self, model, members, errors, is_new=True, without=()):
        own, before, after = self.split(model, members)
        preset = {key.attname: 1 for key in without}
        preset.update({self.keys(model)[name].attname: 1 for name in before})
        try:
            saving = self.saving(self.writer, model, None)
            if is_new:
                saving.build(own, unfound=True, **preset)
            else:
                saving.judge_alone(own, whole=False)
        except ValidationError as problem:
            errors.update(problem.message_dict)
        for name, value in before.items():
            if verb_of(value) == "create":
                self.judge(self.keys(model)[name].related_model, value["create"], errors)
        for name, value in after.items():
            relation = accessors(model)[name]
            for one in self.new_rows(relation, value):
                self.judge(relation.related_model, one, errors, without=[key_of(relation)] if key_of(relation) else [])

    def new_rows(self, relation, value):
        """The objects of a member that are new rows."""
        if isinstance(value, dict) and verb_of(value) not in (None, "create"):
            return [item["create"] for item in items_of(value.get("set", [])) if verb_of(item) == "create"]
        if verb_of(value) == "create":
            return items_of(value["create"])
        if relation.many_to_many:
            return [item["create"] for item in value if verb_of(item) == "create"]
        return items_of(value)

    def check(self, model, members, is_new=True, without=()):
        errors = {}
        self.judge(model, members, errors, is_new, without)
        if errors:
            raise ValidationError(errors)

    # ---- writing ----

    def create(self, model, members, **preset):
        own, before, after = self.split(model, members)
        preset.update(self.refer(model, before))
        instance = self.saving(self.writer, model, None).build(own, **preset)
        instance.save(force_insert=True)
        self.attach(instance, after)
        return instance

    def change(self, instance, members, whole=False):
        own, before, after = self.split(type(instance), members)
        for name, value in before.items():
            if verb_of(value) == "update":
                self.change(getattr(instance, name), value["update"])
        own.update({name: value for name, value in self.refer(type(instance), {
            name: value for name, value in before.items() if verb_of(value) != "update"}).items()})
        saving = self.saving(self.writer, type(instance), instance)
        saving.take(own, whole)
        self.writer.found(instance).save()
        self.attach(instance, after)
        return instance

    def refer(self, model, before):
        """The keys of rows that are made, or found, for a row to refer to."""
        found = {}
        for name, value in before.items():
            field = self.keys(model)[name]
            found[field.attname] = getattr(self.make(field.related_model, value), field.target_field.attname)
        return found

    def make(self, model, value, **preset):
        """One row by a verb."""
        verb = verb_of(value)
        if verb == "create":
            return self.create(model, value["create"], **preset)
        given = value[verb]
        rows = model._base_manager.filter(**preset, **given["lookup"])
        there = rows.first()
        if there is None:
            made = given.get("create_defaults", given.get("defaults", {})) if verb == "update_or_create" else given.get("defaults", {})
            return self.create(model, {**given["lookup"], **made}, **preset)
        return self.change(there, given.get("defaults", {})) if verb == "update_or_create" else there

    def attach(self, instance, after):
        for name, value in after.items():
            relation = accessors(type(instance))[name]
            if relation.many_to_many:
                self.attach_links(instance, name, relation, value)
            else:
                self.attach_rows(instance, name, relation, value)

    def attach_rows(self, instance, name, relation, value):
        key = key_of(relation)
        preset = {key.attname: getattr(instance, key.target_field.attname)}
        model = relation.related_model
        verb = verb_of(value)
        if verb is None or verb == "create":
            for one in items_of(value if verb is None else value["create"]):
                self.create(model, one, **preset)
        elif verb in ("get_or_create", "update_or_create"):
            for one in items_of(value[verb]):
                self.make(model, {verb: one}, **preset)
        elif verb == "update":
            for one in items_of(value["update"]):
                row = getattr(instance, name) if relation.one_to_one else model._base_manager.get(**preset, pk=one["id"])
                self.change(row, {field: item for field, item in one.items() if field != "id"})
        elif verb == "delete":
            rows = [getattr(instance, name)] if relation.one_to_one else [self.row(model, one) for one in items_of(value["delete"])]
            for row in rows:
                row.delete()
        elif verb == "clear":
            getattr(instance, name).clear()
        else:
            getattr(getattr(instance, name), verb)(*(
                [[self.make(model, one) if verb_of(one) in REFERRING else self.row(model, one) for one in value[verb]]] if verb == "set" else [self.row(model, one) for one in items_of(value[verb])]))

    def attach_links(self, instance, name, relation, value):
        manager, model, verb = getattr(instance, name), relation.related_model, verb_of(value)
        options = {}
        if isinstance(value, dict) and "through_defaults" in value:
            options["through_defaults"] = value["through_defaults"]
        if verb is None:
            for one in value:
                inner = {"through_defaults": one["through_defaults"]} if isinstance(one, dict) and "through_defaults" in one else {}
                one = one["add"] if verb_of(one) == "add" else one
                manager.add(self.row_or_new(model, one), **inner)
        elif verb == "clear":
            manager.clear()
        elif verb == "set":
            manager.set([self.row_or_new(model, one) for one in value["set"]], **options)
        elif verb == "create":
            manager.add(*[self.create(model, one) for one in items_of(value["create"])], **options)
        elif verb == "remove":
            manager.remove(*[self.row_or_new(model, one) for one in items_of(value["remove"])])
        else:
            manager.add(*[self.row_or_new(model, one) for one in items_of(value[verb])], **options)

    def row_or_new(self, model, one):
        if verb_of(one) in REFERRING:
            return self.make(model, one)
        return self.row(model, one) if isinstance(one, dict) else one

    def row(self, model, one):
        return self.writer.find(model, one) if isinstance(one, dict) else model._base_manager.get(pk=one)

    # ---- answers ----

    def tree(self, model, rows):
        """What of the related rows an answer shows: {member: tree}, of all rows of a level."""
        found = {}
        for members in rows:
            _, before, after = self.split(model, members)
            for name, value in before.items():
                inner = value["create"] if verb_of(value) == "create" else value["update"] if verb_of(value) == "update" else {}
                found.setdefault(name, []).append((self.keys(model)[name].related_model, [inner]))
            for name, value in after.items():
                relation = accessors(model)[name]
                found.setdefault(name, []).append((relation.related_model, self.new_rows(relation, value)))
        return {name: self.tree(parts[0][0], [one for _, rows in parts for one in rows]) for name, parts in found.items()}

    def show(self, row_of, instance, tree):
        """The row with those of its relations that were written along."""
        columns = dict(row_of(instance).columns)
        instance = type(instance)._base_manager.get(pk=instance.pk)
        for name, inner in tree.items():
            try:
                found = getattr(instance, name)
            except models.ObjectDoesNotExist:
                found = None
            if isinstance(found, models.Manager):
                columns[name] = AnyOrder(self.show(row_of, one, inner) for one in found.all())
            else:
                columns[name] = None if found is None else self.show(row_of, found, inner)
        return columns
