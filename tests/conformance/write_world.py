"""A writing request -> the same done by Django, and what Django says of it.

Written from Django's documentation and the protocol alone.  What Django 3.2 lacks (update_conflicts, create_defaults, an F
over a join in an update) is spelled out with what it has.  Values are judged by the fields' own clean(), as full_clean() does,
except for uniqueness and foreign keys, which are the database's.
"""

import re
import urllib.parse

from django.contrib.postgres.functions import RandomUUID
from django.core.exceptions import FieldDoesNotExist, FieldError, ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import OuterRef, Subquery
from expressions import is_expression
from named import is_written, paths_of
from translator import Scope, Unsupported
from values import python_value, unwrapped
from write_batch import Batch
from write_nested import Nested

METHODS = ("create", "bulk_create", "get_or_create", "update_or_create", "update", "bulk_update", "delete", "add", "remove", "set", "clear")
OWN = {"set", "objects", "through_defaults", "returning", "require", "validate"}


class WriteScope(Scope):
    """Expressions on the right side of an assignment."""

    def make_RandomUUID(self, value):
        return RandomUUID()

    def right_hand(self, value, field):
        """The expression; one that reaches over a relation becomes a subquery on the row, which Django lets into an update."""
        inner = WriteScope(self.world, self.model)
        joins = any(len(self.walk(path)[0]) > 1 for path in paths_of(value) if path not in self.qs.query.annotations)
        if joins and any(inner.multiple_root(path) for path in paths_of(value)):
            raise FieldError("a value of several rows")
        if not joins:
            made = self.value(value, field, None)
            if not is_written(value, "xor"):  # which the translator spells out by an annotation
                return made
        made = inner.value(value, field, None)
        return Subquery(inner.qs.filter(pk=OuterRef("pk")).order_by().annotate(made_=made).values("made_"))


class Refusal(Exception):
    """What Quern refuses with a title of its own."""

    def __init__(self, title):
        super().__init__(title)
        self.title = title


class Request:
    """"POST book/5/translators/add?x=1" taken apart."""

    def __init__(self, text, body):
        self.verb, address = text.split(" ", 1)
        path, _, query = address.partition("?")
        self.address, self.body = address, body
        self.params = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        parts = [urllib.parse.unquote(part) for part in path.split("/")]
        self.model, self.pk, self.relation, self.method = parts[0], None, None, None
        parts = parts[1:]
        if parts and parts[-1] in METHODS and self.verb == "POST":
            self.method = parts.pop()
        if parts:
            self.pk = parts.pop(0)
        if parts:
            self.relation = parts.pop(0)
        if self.method is None:
            self.method = {"POST": "create", "DELETE": "delete", "PATCH": "update", "PUT": "put"}[self.verb]


class Row:
    """An instance in an answer, as it stands in the database afterwards."""

    def __init__(self, instance):
        instance = type(instance)._base_manager.get(pk=instance.pk)
        self.columns = {field.attname: getattr(instance, field.attname) for field in instance._meta.concrete_fields}



def plain(answer):
    """An answer as a later operation of its batch sees it."""
    if isinstance(answer, Row):
        return answer.columns
    if isinstance(answer, dict):
        return {name: plain(value) for name, value in answer.items()}
    return type(answer)(map(plain, answer)) if isinstance(answer, list) else answer


class Finding:
    """A value that names a row by lookups.  It is looked for when all that can be judged without the database is."""

    def __init__(self, field, lookups):
        self.field, self.lookups = field, lookups


class Wrong:
    """A value that is none of its field's type."""

    def __init__(self, problem):
        self.problem = problem


class WriteWorld:
    """Django's half of every write."""

    def __init__(self, world):
        self.world = world

    def do(self, text, body):
        """(status, answer) of a request done in one transaction; Django's exceptions pass."""
        if text == "POST /batch":
            return 200, Batch(self, Request, plain).perform(body)
        request = Request(text, body)
        with transaction.atomic():
            return self.perform(request)

    def perform(self, request):
        model = self.world.model(request.model)
        if request.relation:
            if request.method in ("remove", "clear"):
                must_be_loose(model, request.relation)
            owner = model._base_manager.get(pk=request.pk)
            manager = getattr(owner, request.relation)
            if not isinstance(manager, models.Manager):
                raise Unsupported("a relation to one row")
            return Related(self, owner, manager, request).perform()
        manager = model._default_manager
        if request.pk is not None:
            return self.on_row(model, manager.filter(pk=request.pk), request)
        return Manager(self, model, manager.all(), request).perform()

    def on_row(self, model, rows, request):
        if request.method == "delete":
            rows.get()
            return 200, deleted(rows.delete())
        nested = Nested(self, Saving)
        if nested.is_in(model, request.body):
            nested.check(model, request.body, is_new=False)
            row = nested.change(rows.get(), request.body, whole=request.method == "put")
            return 200, nested.show(Row, row, nested.tree(model, [request.body]))
        saving = Saving(self, model)
        saving.judge_alone(request.body, whole=request.method == "put")
        saving.instance = rows.get()
        return 200, saving.save(request.body, whole=request.method == "put")

    # ---- values ----

    def find(self, model, lookups):
        scope = Scope(self.world, model)
        scope.filter(lookups)
        return scope.qs.get()

    def found(self, instance):
        """An instance whose values are judged: its Findings are found."""
        for field in instance._meta.concrete_fields:
            value = instance.__dict__.get(field.attname)
            if isinstance(value, Finding):
                setattr(instance, field.attname, getattr(self.find(field.related_model, value.lookups), field.target_field.attname))
        return instance

    def field(self, model, name):
        """(field, whether it is named by its column)"""
        if name == "pk":
            return model._meta.pk, False
        try:
            field = model._meta.get_field(name)
        except FieldDoesNotExist:
            field = next((one for one in model._meta.concrete_fields if one.attname == name), None)
            if field is None:
                raise FieldError("%s has no field %s" % (model.__name__, name)) from None
        if not field.concrete or field.many_to_many:
            raise TypeError("direct assignment to a set")
        return field, field.name != name

    def value(self, scope, field, value, by_key=False):
        """What a field is set to."""
        if isinstance(value, dict) and not is_expression(value) and field.is_relation and not by_key:
            return Finding(field, value)
        target = field
        while target.is_relation:
            target = target.target_field
        if is_expression(value) and "Value" not in value:
            return scope.right_hand(value, target)
        return python_value(target, value)

    def values(self, model, members, scope=None):
        """{field: value} of an object's members."""
        scope = scope or WriteScope(self.world, model)
        found = {}
        for name, value in members.items():
            field, by_key = self.field(model, name)
            if field in found:
                raise FieldError("%s is given twice" % field.name)
            try:
                found[field] = self.value(scope, field, value, by_key)
            except ValidationError as problem:
                found[field] = Wrong(problem)
        return found


def must_be_loose(model, accessor):
    """remove() and clear() are not there where the foreign key may not be NULL."""
    for one in model._meta.related_objects:
        if one.get_accessor_name() == accessor and one.one_to_many and not one.field.null:
            raise AttributeError("the foreign key may not be NULL")


class Saving:
    """Rows made or changed one by one."""

    def __init__(self, writer, model, instance=None):
        self.writer, self.model = writer, model
        self.instance = instance

    def build(self, members, unfound=False, **preset):
        """A new instance, judged."""
        values = {field: value for field, value in self.writer.values(self.model, members).items() if field.attname not in preset}
        instance = self.model(**preset, **{field.attname: value for field, value in values.items()})
        missing = [field for field in self.model._meta.concrete_fields
                   if field not in values and not field.has_default() and field.attname not in preset]
        judge(instance, list(values) + missing)
        return instance if unfound else self.writer.found(instance)

    def create(self, members, **preset):
        instance = self.build(members, **preset)
        instance.save(force_insert=True)
        return Row(instance)

    def judge_alone(self, members, whole):
        """What can be said of the values before the row is looked for."""
        self.instance = self.model()
        self.take(members, whole)
        self.writer.found(self.instance)

    def save(self, members, whole=False):
        """PATCH, PUT and the second half of update_or_create."""
        self.take(members, whole)
        self.writer.found(self.instance).save()
        return Row(self.instance)

    def take(self, members, whole):
        fields = self.writer.values(self.model, members)
        judged = list(fields)
        for field, value in fields.items():
            if not field.primary_key:
                setattr(self.instance, field.attname, value)
        if whole:
            for field in self.model._meta.concrete_fields:
                if field in fields or field.primary_key or getattr(field, "auto_now_add", False):
                    continue
                setattr(self.instance, field.attname, field.get_default())
                if not field.has_default():
                    judged.append(field)
        judge(self.instance, [field for field in judged if not field.primary_key])


def judge(instance, fields):
    """The given fields' own rules, all violations at once."""
    errors = {}
    for field in fields:
        value = getattr(instance, field.attname)
        if isinstance(value, Wrong):
            errors[field.name] = value.problem.messages
            continue
        if hasattr(value, "resolve_expression") or getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
            continue
        if isinstance(field, models.AutoField) and value is None:
            continue
        if field.is_relation:
            if value is None and not field.null:
                errors[field.name] = ["This field cannot be null."]
            elif value == "" and not field.blank:
                errors[field.name] = ["This field cannot be blank."]
            continue
        if value is None and not field.null:  # full_clean() passes over None where a field may be blank, and the database refuses it
            errors[field.name] = ["This field cannot be null."]
            continue
        if field.blank and value in list(field.empty_values):
            continue
        try:
            field.clean(value, instance)
        except ValidationError as problem:
            errors[field.name] = problem.messages
    if errors:
        raise ValidationError(errors)


def deleted(result):
    total, by_label = result
    found = {}
    for label, count in by_label.items():
        name = label.split(".", 1)[1]
        if count:
            found[".".join(name.split("_"))] = count
    return {"deleted": total, "per_model": found}


class Manager:
    """The methods of a model's manager; `preset` are the columns that a related manager fills in."""

    def __init__(self, writer, model, rows, request, **preset):
        self.writer, self.model, self.rows, self.request, self.preset = writer, model, rows, request, preset

    @property
    def body(self):
        return self.request.body

    def perform(self):
        return getattr(self, self.request.method)()

    def scope(self):
        """The rows that the body or the query string names."""
        scope = WriteScope(self.writer.world, self.model, qs=self.rows)
        if self.request.verb == "POST":
            body = self.body if self.body is not None else {}
            scope.apply({name: value for name, value in body.items() if name not in OWN} if isinstance(body, dict) else body)
        else:
            given = {name: value.split(",") if name.endswith(("__in", "__range")) else value for name, value in self.request.params.items()
                     if name != "all"}
            if not given and self.request.params.get("all") != "true":
                raise Refusal("BadRequest")
            scope.qs = scope.qs.filter(**given)
        return scope

    def make(self, members):
        nested = Nested(self.writer, Saving)
        if nested.is_in(self.model, members):
            return self.make_nested([members])[0]
        return Saving(self.writer, self.model).create(members, **self.preset)

    def make_nested(self, given):
        nested = Nested(self.writer, Saving)
        without = [self.model._meta.get_field(name[:-3]) for name in self.preset]
        errors = {}
        for members in given:
            nested.judge(self.model, members, errors, without=without)
        if errors:
            raise ValidationError(errors)
        tree = nested.tree(self.model, given)
        made = [nested.create(self.model, members, **self.preset) for members in given]
        return [nested.show(Row, one, tree) for one in made]

    def create(self):
        if isinstance(self.body, list):
            return self.bulk_create()
        return 201, self.make(self.body)

    def bulk_create(self):
        given = self.body if isinstance(self.body, list) else self.body["objects"]
        options = {} if isinstance(self.body, list) else {name: value for name, value in self.body.items() if name != "objects"}
        if any(Nested(self.writer, Saving).is_in(self.model, members) for members in given):
            return 201, {"results": self.make_nested(given)}
        made = self.build_all(given)
        if options.pop("update_conflicts", False):
            return 201, {"results": [Row(one) for one in upsert(made, **options)]}
        before = set(self.model._base_manager.values_list("pk", flat=True))
        self.model._default_manager.bulk_create(made, ignore_conflicts=options.pop("ignore_conflicts", False))
        if options:
            raise Unsupported("bulk_create with %s" % sorted(options))
        rows = self.model._base_manager.exclude(pk__in=before).order_by("pk")
        return 201, {"results": [Row(one) for one in (rows if not made else in_order(rows, made))]}

    def build_all(self, given):
        """All violations of all objects at once."""
        made, errors = [], {}
        for members in given:
            try:
                made.append(Saving(self.writer, self.model).build(members, unfound=True, **self.preset))
            except ValidationError as problem:
                errors.update(problem.message_dict)
        if errors:
            raise ValidationError(errors)
        return [self.writer.found(one) for one in made]

    def update(self):
        members = self.body["set"] if self.request.verb == "POST" else self.body
        scope = self.scope()
        values = self.writer.values(self.model, members, scope)
        row = self.model(**{field.attname: value for field, value in values.items()})
        judge(row, list(values))
        self.writer.found(row)
        return 200, {"updated": scope.qs.update(**{field.name: getattr(row, field.attname) for field in values})}

    def delete(self):
        return 200, deleted(self.scope().qs.delete())

    def lookup_values(self):
        """What of a lookup is a value of the new row."""
        words = ("and", "or", "xor", "not", "lookup")
        return {name: value for name, value in self.body["lookup"].items()
                if "__" not in name and name not in words and not name[:1].isupper()}

    def named(self, name, value):
        """An object in place of a row is a row that is found by it."""
        if not isinstance(value, dict) or is_expression(value) or name not in {field.name for field in self.model._meta.concrete_fields}:
            return value
        field = self.model._meta.get_field(name)
        return getattr(self.writer.find(field.related_model, value), field.target_field.attname) if field.is_relation else value

    def found(self):
        scope = Scope(self.writer.world, self.model, qs=self.rows)
        scope.filter({name: self.named(name, value) for name, value in self.body["lookup"].items()})
        try:
            return scope.qs.get()
        except self.model.DoesNotExist:
            return None

    def get_or_create(self):
        found = self.found()
        if found is not None:
            return 200, {"created": False, "result": Row(found)}
        return 201, {"created": True, "result": self.make(merged(self.model, self.lookup_values(), self.body.get("defaults", {})))}

    def update_or_create(self):
        defaults = self.body.get("defaults", {})
        found = self.found()
        if found is not None:
            return 200, {"created": False, "result": Saving(self.writer, self.model, found).save(defaults)}
        made = merged(self.model, self.lookup_values(), self.body.get("create_defaults", defaults))
        return 201, {"created": True, "result": self.make(made)}

    def bulk_update(self):
        return BulkUpdate(self).perform()


def in_order(rows, made):
    """The rows in the order of the instances that have keys of their own."""
    by_key = {str(row.pk): row for row in rows}
    if any(one.pk is None for one in made):
        return list(rows)
    return [by_key[key] for key in dict.fromkeys(str(one.pk) for one in made) if key in by_key]


def merged(model, lookup, defaults):
    """A default wins over the lookup's value of the same field, by whichever name."""
    def key(name):
        name = model._meta.pk.name if name == "pk" else name
        return next((field.name for field in model._meta.concrete_fields if name in (field.name, field.attname)), name)
    taken = {key(name) for name in defaults}
    return {**{name: value for name, value in lookup.items() if key(name) not in taken}, **defaults}


def upsert(made, unique_fields, update_fields):
    """ON CONFLICT DO UPDATE, row by row; a number is drawn from the sequence for every row, also for one that is there."""
    answered = []
    for one in made:
        model = type(one)
        names = [next(field.attname for field in model._meta.concrete_fields if name in (field.name, field.attname)) for name in unique_fields]
        there = model._base_manager.filter(**{name: getattr(one, name) for name in names}).first()
        if there is None:
            one.save(force_insert=True)
            answered.append(one)
            continue
        if there.pk in {row.pk for row in answered}:
            raise Refusal("ValueError")
        if one.pk is None:
            use_up_number(model)
        changes = {field.attname: field.pre_save(one, False) for field in model._meta.concrete_fields
                   if {field.name, field.attname} & set(update_fields)}
        model._base_manager.filter(pk=there.pk).update(**changes)
        answered.append(there)
    return answered


def use_up_number(model):
    from django.db import connection
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, %s))", ['"%s"' % model._meta.db_table, model._meta.pk.column])


class BulkUpdate:
    """Different values for each row, one row at a time."""

    def __init__(self, manager):
        self.manager, self.model, self.writer = manager, manager.model, manager.writer

    def perform(self):
        body = self.manager.body
        given = body if isinstance(body, list) else body["objects"]
        listed = self.fields(body["fields"]) if isinstance(body, dict) and "fields" in body else None
        changes, errors, seen = [], {}, set()
        for members in given:
            values = self.writer.values(self.model, members)
            key = values.pop(self.model._meta.pk, None)
            if key is None or str(key) in seen or (listed and listed - set(values)):
                raise ValueError("a key that is missing or there twice, or a listed field that is missing")
            seen.add(str(key))
            values = {field: value for field, value in values.items() if listed is None or field in listed}
            if not values:
                raise ValueError("nothing to set")
            row = self.model(**{field.attname: value for field, value in values.items()})
            try:
                judge(row, list(values))
            except ValidationError as problem:
                errors.update(problem.message_dict)
            changes.append((key, row, list(values)))
        if errors:
            raise ValidationError(errors)
        for _, row, _ in changes:
            self.writer.found(row)
        rows = self.manager.rows
        return 200, {"updated": sum(rows.filter(pk=key).update(**{field.name: getattr(row, field.attname) for field in fields})
                                    for key, row, fields in changes)}

    def fields(self, names):
        found = {self.writer.field(self.model, name)[0] for name in names}
        if not found or any(field.primary_key for field in found):
            raise ValueError("fields that cannot be updated in bulk")
        return found


class Related(Manager):
    """A related manager: the rows of an owner."""

    def __init__(self, writer, owner, manager, request):
        self.owner, self.manager = owner, manager
        self.is_many_to_many = hasattr(manager, "through")
        preset = {}
        if not self.is_many_to_many:
            key = manager.field
            preset = {key.attname: getattr(owner, key.target_field.attname)}
        super().__init__(writer, manager.model, manager.all(), request, **preset)

    def through_defaults(self, members):
        """The columns of the join row, judged."""
        through = self.manager.through
        values = self.writer.values(through, members)
        ends = {through._meta.get_field(name) for name in (self.manager.source_field_name, self.manager.target_field_name)}
        if ends & set(values):
            raise TypeError("an end of the relation")
        instance = through(**{field.attname: value for field, value in values.items()})
        judge(instance, list(values))
        self.writer.found(instance)
        return {field.attname: getattr(instance, field.attname) for field in values}

    def make(self, members):
        if not self.is_many_to_many:
            return super().make(members)
        members = dict(members)
        defaults = self.through_defaults(members.pop("through_defaults", {}))
        made = Saving(self.writer, self.model).build(members)
        made.save(force_insert=True)
        self.manager.add(made, through_defaults=defaults)
        return Row(made)

    def bulk_create(self):
        if not self.is_many_to_many:
            return super().bulk_create()
        given = self.body if isinstance(self.body, list) else self.body["objects"]
        defaults = {} if isinstance(self.body, list) else self.body.get("through_defaults", {})
        return 201, {"results": [self.make({**members, "through_defaults": defaults}) for members in given]}

    # ---- add, remove, set, clear ----

    def targets(self):
        body = self.body if self.body is not None else {}
        if isinstance(body, dict) and "objects" not in body:
            scope = Scope(self.writer.world, self.model)
            scope.apply({name: value for name, value in body.items() if name not in OWN})
            return list(scope.qs)
        found = []
        for item in body["objects"] if isinstance(body, dict) else body:
            if isinstance(item, dict) and not is_expression(item):
                found.append(self.writer.find(self.model, item))
            else:
                found.append(self.model._base_manager.get(pk=unwrapped(item)) if not self.is_many_to_many else unwrapped(item))
        return found

    def links(self):
        """What stands for each related row: the join row's key, or the row's own."""
        if not self.is_many_to_many:
            return set(self.manager.values_list("pk", flat=True))
        through = self.manager.through
        return set(through._base_manager.filter(**{self.manager.source_field_name: self.owner}).values_list("pk", flat=True))

    def change(self, call, *arguments, **options):
        before = self.links()
        call(*arguments, **options)
        after = self.links()
        return 200, {"added": len(after - before), "removed": len(before - after)}

    def options(self):
        if not self.is_many_to_many:
            return {}
        given = self.body.get("through_defaults", {}) if isinstance(self.body, dict) else {}
        return {"through_defaults": self.through_defaults(given)}

    def change_links(self, call, *arguments):
        """A join row that lacks a column is no valid row; PostgreSQL says so to Django where one is to be made."""
        options = self.options()
        try:
            with transaction.atomic():
                return self.change(call, *arguments, **options)
        except IntegrityError as problem:
            lacking = re.match(r'null value in column "(\w+)"', str(problem))
            if not lacking:
                raise
        raise ValidationError({lacking.group(1): ["This field cannot be null."]})

    def add(self):
        return self.change_links(self.manager.add, *self.targets())

    def remove(self):
        return self.change(self.manager.remove, *self.targets())

    def set(self):
        return self.change_links(self.manager.set, self.targets())

    def clear(self):
        return self.change(self.manager.clear)
