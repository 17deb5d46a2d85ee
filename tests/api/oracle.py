"""What Django answers: the same models, the same database, the same question.

Django's model classes are made from the very model file that the server was given (the names and
options are Django's), unmanaged, on the tables that Quern made.  A test asks Django, and compares
Quern's JSON with it value by value.  Django 3.2 or newer.
"""

import base64
import datetime
import decimal
import itertools
import math
import re
import uuid

import django
from django.conf import settings

if not settings.configured:
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "quern"}},
        INSTALLED_APPS=["django.contrib.postgres"],
        USE_TZ=True,
        TIME_ZONE="UTC",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()

from django.apps.registry import Apps  # noqa: E402
from django.contrib.postgres import fields as postgres_fields  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.db.migrations.state import AppConfigStub  # noqa: E402
from django.utils import timezone  # noqa: E402

MADE_ANEW = {"Now": timezone.now, "RandomUUID": uuid.uuid4}
_numbers = itertools.count(1)


class IsolatedApps(Apps):
    """A registry of its own for each set of models, so that sets may use the same names."""

    def __init__(self):
        super().__init__(installed_apps=())

    def register_model(self, app_label, model):
        self.all_models[app_label][model._meta.model_name] = model
        if app_label not in self.app_configs:
            self.app_configs[app_label] = AppConfigStub(app_label)
            self.app_configs[app_label].apps = self
            self.app_configs[app_label].models = {}
        self.app_configs[app_label].models[model._meta.model_name] = model
        self.do_pending_operations(model)
        self.clear_cache()


class Oracle:
    """Django's models for a server's model files, as attributes: oracle.Employee.  `managed` ones can be
    given to Django's schema editor; their constraints and indexes are the caller's to add."""

    def __init__(self, documents, managed=False):
        self.label = "oracle%d" % next(_numbers)
        self.apps = IsolatedApps()
        self.managed = managed
        for document in documents:
            for name, declaration in document["models"].items():
                setattr(self, name, self._model(name, declaration))

    def _model(self, name, declaration):
        meta = declaration.get("Meta", {})
        options = {
            "app_label": self.label,
            "apps": self.apps,
            "managed": self.managed,
            "db_table": meta.get("db_table", name.lower()),
        }
        for option in ("ordering", "get_latest_by", "unique_together", "default_related_name"):
            if option in meta:
                options[option] = meta[option]
        members = {"Meta": type("Meta", (), options), "__module__": "oracle"}
        for field, described in declaration["fields"].items():
            members[field] = self._field(described)
        return type(name, (models.Model,), members)

    def _field(self, described):
        if isinstance(described, str):
            described = {"type": described}
        options = dict(described)
        kind = options.pop("type")
        for relation in ("to", "through"):
            target = options.get(relation)
            if target and target != "self":
                options[relation] = "%s.%s" % (self.label, target)
        if "on_delete" in options:
            options["on_delete"] = _on_delete(options["on_delete"])
        if "default" in options:
            options["default"] = _default(kind, options["default"])
        if "choices" in options:
            options["choices"] = [tuple(choice) for choice in options["choices"]]
        if "base_field" in options:
            options["base_field"] = self._field(options["base_field"])
        for ours in ("db_default", "validators", "db_comment"):
            options.pop(ours, None)
        return field_class(kind)(**options)


def field_class(kind):
    return getattr(models, kind, None) or getattr(postgres_fields, kind)


def _on_delete(value):
    if isinstance(value, dict):
        return models.SET(value["SET"])
    return getattr(models, value)


def _default(kind, value):
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in MADE_ANEW:
        return MADE_ANEW[next(iter(value))]
    if value == {} and isinstance(value, dict):
        return dict
    if value == [] and isinstance(value, list):
        return list
    if kind == "DecimalField" and isinstance(value, str):
        return decimal.Decimal(value)
    return value


def _condition(value):
    """A condition of a constraint: lookups that hold together, `or`, `not`."""
    found = models.Q()
    for name, operand in value.items():
        if name == "or":
            part = models.Q()
            for item in operand:
                part |= _condition(item)
        elif name == "not":
            part = ~_condition(operand)
        else:
            if isinstance(operand, dict) and set(operand) == {"F"}:
                operand = models.F(operand["F"])
            part = models.Q(**{name: operand})
        found &= part
    return found


def ask(server):
    """Django, from now on connected to this server's database."""
    database = server.database
    connection.close()
    connection.settings_dict.update(
        NAME=database["dbname"], USER=database["user"], HOST=database["host"], PORT=str(database["port"])
    )
    if not hasattr(server, "oracle"):
        server.oracle = Oracle(server.documents)
    return server.oracle


def columns(instance):
    """A row as Django holds it: every column by its attname."""
    return {field.attname: plain(getattr(instance, field.attname)) for field in instance._meta.concrete_fields}


def plain(value):
    """A file as the name that its column holds."""
    return value.name if isinstance(value, models.fields.files.FieldFile) else value


def rows(queryset, *extra):
    """The rows of a queryset of instances with the named annotations, as Quern should show them."""
    found = []
    for instance in queryset:
        row = columns(instance)
        row.update({name: getattr(instance, name) for name in extra})
        found.append(row)
    return found


DURATION = re.compile(
    r"^(?P<sign>[-+]?)P(?:(?P<years>-?\d+)Y)?(?:(?P<months>-?\d+)M)?(?:(?P<days>-?\d+)D)?"
    r"(?:T(?:(?P<hours>-?\d+)H)?(?:(?P<minutes>-?\d+)M)?(?:(?P<seconds>-?\d+(?:\.\d+)?)S)?)?$"
)


def duration(text):
    """An ISO 8601 duration of days and smaller units."""
    found = DURATION.match(text)
    if not found or found.group("years") or found.group("months"):
        raise ValueError("no duration: " + text)
    parts = {name: decimal.Decimal(found.group(name) or 0) for name in ("days", "hours", "minutes", "seconds")}
    micros = int(
        ((parts["days"] * 24 + parts["hours"]) * 60 + parts["minutes"]) * 60 * 10**6 + parts["seconds"] * 10**6
    )
    value = datetime.timedelta(microseconds=micros)
    return -value if found.group("sign") == "-" else value


def moment(text):
    if not text.endswith("Z"):
        raise ValueError("not in UTC: " + text)
    whole, _, fraction = text[:-1].partition(".")
    found = datetime.datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S")
    return found.replace(microsecond=int((fraction + "000000")[:6]), tzinfo=datetime.timezone.utc)


def clock(text):
    whole, _, fraction = text.partition(".")
    found = datetime.datetime.strptime(whole, "%H:%M:%S").time()
    return found.replace(microsecond=int((fraction + "000000")[:6]))


def difference(answer, expected, where="$"):
    """None when Quern's JSON says what Django's value says, else where and how they differ."""
    if isinstance(expected, dict):
        return _difference_of_objects(answer, expected, where)
    if isinstance(expected, (list, tuple, models.QuerySet)):
        return _difference_of_lists(answer, list(expected), where)
    if not _same(answer, expected):
        return "%s: %r, and Django says %r" % (where, answer, expected)
    return None


def _difference_of_objects(answer, expected, where):
    if not isinstance(answer, dict):
        return "%s: %r is no object" % (where, answer)
    if set(answer) != set(expected):
        return "%s: members %s, and Django has %s" % (where, sorted(answer), sorted(expected))
    for name, value in expected.items():
        found = difference(answer[name], value, "%s.%s" % (where, name))
        if found:
            return found
    return None


def _difference_of_lists(answer, expected, where):
    if not isinstance(answer, list):
        return "%s: %r is no array" % (where, answer)
    if len(answer) != len(expected):
        return "%s: %d items %s, and Django has %d %s" % (
            where, len(answer), _short(answer), len(expected), _short(expected))
    for number, value in enumerate(expected):
        found = difference(answer[number], value, "%s[%d]" % (where, number))
        if found:
            return found
    return None


def _short(value):
    text = repr(value)
    return text if len(text) < 1500 else text[:1500] + "…"


def _same(answer, expected):
    try:
        return _same_scalar(answer, expected)
    except (ValueError, TypeError, AttributeError, decimal.InvalidOperation):
        return False


def _same_scalar(answer, expected):
    if expected is None or isinstance(expected, bool):
        return answer is expected
    if isinstance(expected, models.Model):
        return difference(answer, columns(expected)) is None
    if isinstance(expected, decimal.Decimal):
        return isinstance(answer, str) and decimal.Decimal(answer) == expected
    if isinstance(expected, int):
        return type(answer) is int and answer == expected
    if isinstance(expected, float):
        return _same_float(answer, expected)
    if isinstance(expected, datetime.datetime):
        return moment(answer) == expected
    if isinstance(expected, datetime.date):
        return answer == expected.isoformat()
    if isinstance(expected, datetime.time):
        return clock(answer) == expected
    if isinstance(expected, datetime.timedelta):
        return duration(answer) == expected
    if isinstance(expected, uuid.UUID):
        return answer == str(expected)
    if isinstance(expected, (bytes, memoryview)):
        return base64.b64decode(answer, validate=True) == bytes(expected)
    if hasattr(expected, "isempty"):
        return _same_range(answer, expected)
    return answer == str(expected) and isinstance(answer, str)


def _same_float(answer, expected):
    if math.isnan(expected):
        return answer == "NaN"
    if math.isinf(expected):
        return answer == ("Infinity" if expected > 0 else "-Infinity")
    is_number = isinstance(answer, (int, float)) and not isinstance(answer, bool)
    return is_number and math.isclose(answer, expected, rel_tol=1e-12, abs_tol=1e-300)


def _same_range(answer, expected):
    if expected.isempty:
        return answer["empty"] is True
    return (
        answer["empty"] is False
        and answer["bounds"] == expected._bounds
        and _same(answer["lower"], expected.lower)
        and _same(answer["upper"], expected.upper)
    )


class DjangoTest:
    """Mixed into ApiTest: `self.django.Employee.objects…`, and comparisons with it."""

    def setUp(self):
        super().setUp()
        self.django = ask(self.server)
        self.addCleanup(connection.close)

    def same(self, answer, expected):
        found = difference(answer, expected)
        if found:
            self.fail(found)

    def same_rows(self, answer, queryset, *extra):
        """Rows of instances, in the same order."""
        self.same(answer, rows(queryset, *extra))

    def same_rows_any_order(self, answer, queryset, *extra):
        self.same(sorted(answer, key=lambda row: row["id"]),
                  sorted(rows(queryset, *extra), key=lambda row: row["id"]))
