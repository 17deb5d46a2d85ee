"""Models of a Django project as a model file for Quern: what `quern import-django` runs.

Django itself reads the declarations (its model registry, deconstruct()); this program writes down what it
knows, and names on standard error what a model file cannot say.  No database is touched.

    import_django.py [--settings MODULE] [APP | FOLDER | models.py]...
"""
import base64
import datetime
import decimal
import enum
import importlib
import json
import os
import re
import sys
import uuid

NOTES = []
TYPES = set("""AutoField BigAutoField SmallAutoField IntegerField BigIntegerField SmallIntegerField
PositiveIntegerField PositiveBigIntegerField PositiveSmallIntegerField FloatField DecimalField BooleanField
CharField TextField SlugField EmailField URLField FilePathField FileField ImageField GenericIPAddressField
UUIDField DateField DateTimeField TimeField DurationField BinaryField JSONField ArrayField HStoreField
IntegerRangeField BigIntegerRangeField DecimalRangeField DateTimeRangeField DateRangeField GeneratedField
ForeignKey OneToOneField ManyToManyField""".split())
RENAMED = {"NullBooleanField": "BooleanField", "CommaSeparatedIntegerField": "CharField",
           "IPAddressField": "GenericIPAddressField", "CICharField": "CharField", "CITextField": "TextField",
           "CIEmailField": "EmailField"}
# Options that say something about Python or forms alone.
SILENT = {"upload_to", "storage", "encoder", "decoder", "path", "match", "recursive", "allow_files", "allow_folders",
          "serialize", "verbose_name", "help_text", "width_field", "height_field", "swappable", "form_class",
          "auto_created"}
ALLOWED = set("""null blank choices db_column db_comment db_index default db_default editable error_messages
help_text primary_key unique unique_for_date unique_for_month unique_for_year verbose_name validators max_length
max_digits decimal_places auto_now auto_now_add db_collation related_name related_query_name limit_choices_to
db_constraint to_field protocol unpack_ipv4 allow_unicode size default_bounds db_table db_persist""".split())
VALIDATORS = set("""RegexValidator EmailValidator URLValidator DomainNameValidator MinValueValidator
MaxValueValidator StepValueValidator MinLengthValidator MaxLengthValidator DecimalValidator FileExtensionValidator
ArrayMinLengthValidator ArrayMaxLengthValidator KeysValidator int_list_validator ProhibitNullCharactersValidator
validate_email validate_slug validate_unicode_slug validate_ipv4_address validate_ipv6_address
validate_ipv46_address validate_comma_separated_integer_list validate_domain_name""".split())
INDEXES = {"Index", "BTreeIndex", "GinIndex", "GistIndex", "BrinIndex", "HashIndex", "SpGistIndex"}


class Cannot(Exception):
    """What a model file has no words for."""


def note(where, what):
    NOTES.append("%s: %s" % (where, what))


# ---- values and expressions ----

def plain(value):
    from django.utils.functional import Promise

    if value is None or isinstance(value, (bool, int, float)) and not isinstance(value, enum.Enum):
        return value
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if isinstance(value, (str, Promise)):
        return str(value)
    if isinstance(value, (decimal.Decimal, uuid.UUID)):
        return str(value)
    if isinstance(value, datetime.timedelta):
        from django.utils.duration import duration_string
        return duration_string(value)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (bytes, memoryview)):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if hasattr(value, "isempty"):
        return {"empty": True} if value.isempty else {
            "lower": plain(value.lower), "upper": plain(value.upper), "bounds": value._bounds}
    raise Cannot("the value %r" % (value,))


def made_anew(function):
    """A default that is called for each row."""
    from django.utils import timezone

    known = {dict: {}, list: [], timezone.now: {"Now": []}, datetime.datetime.now: {"Now": []},
             datetime.date.today: {"Now": []}, datetime.datetime.utcnow: {"Now": []}, uuid.uuid4: {"RandomUUID": []}}
    for candidate, value in known.items():
        if function == candidate:
            return value
    raise Cannot("the default %s.%s()" % (getattr(function, "__module__", "?"),
                                          getattr(function, "__qualname__", repr(function))))


def in_value_place(value):
    return expression(value) if hasattr(value, "resolve_expression") else plain(value)


def condition(q):
    """A Q, or an expression that is a condition."""
    from django.db.models import Q

    if not isinstance(q, Q):
        raise Cannot("the condition %r" % (q,))
    parts = []
    for child in q.children:
        if isinstance(child, tuple):
            parts.append({child[0]: in_value_place(child[1])})
        elif isinstance(child, Q):
            parts.append(condition(child))
        else:
            parts.append(expression(child))
    keys = [key for part in parts for key in part]
    if q.connector == "AND" and len(keys) == len(set(keys)):
        found = {key: value for part in parts for key, value in part.items()}
    else:
        found = {q.connector.lower(): parts}
    return {"not": found} if q.negated else found


def expression(value, place="value"):
    """As in PROTOCOL section 5; in expression position a path is a bare string."""
    from django.db import models
    from django.db.models import expressions, functions

    name = type(value).__name__
    if isinstance(value, str):
        return value
    if isinstance(value, models.F):
        return value.name if place == "expression" else {"F": value.name}
    if isinstance(value, expressions.OrderBy):
        raise Cannot("the order %r" % (value,))
    if isinstance(value, expressions.Value):
        return {"Value": plain(value.value)}
    if isinstance(value, expressions.CombinedExpression):
        if value.connector not in ("+", "-", "*", "/", "^", "%%"):
            raise Cannot("the operator %s" % value.connector)
        return {value.connector.replace("%%", "%"): [expression(value.lhs, place), expression(value.rhs, place)]}
    if isinstance(value, functions.Cast):
        return {"Cast": [expression(value.source_expressions[0], "expression"), field_declaration(value.output_field, "")]}
    if isinstance(value, expressions.ExpressionWrapper):
        return {"ExpressionWrapper": [expression(value.expression, "expression"), type(value.output_field).__name__]}
    if isinstance(value, models.Q):
        return {"Q": condition(value)}
    is_known = type(value).__module__.startswith("django.db.models.functions")
    if isinstance(value, expressions.Func) and is_known and not value.extra:
        return {name: [expression(item, "expression") for item in value.source_expressions]}
    raise Cannot("the expression %r" % (value,))


# ---- fields ----

def type_name(field, where):
    for cls in type(field).__mro__:
        name = RENAMED.get(cls.__name__, cls.__name__)
        if name in TYPES and cls.__module__.startswith("django."):
            if cls is not type(field):
                note(where, "%s is carried as %s; what it adds in Python is not" % (type(field).__name__, name))
            return name
    internal = field.get_internal_type()
    if internal in TYPES:
        note(where, "%s is carried as %s" % (type(field).__name__, internal))
        return internal
    raise Cannot("the field type %s" % type(field).__name__)


def flat_choices(choices):
    found = []
    for value, label in choices:
        if isinstance(label, (list, tuple)):
            found += flat_choices(label)
        elif value is not None and value != "":
            found.append([plain(value), str(label)])
    return found


def named_functions():
    """Django's validators that are made by a call: what they are is known by identity alone."""
    from django.core import validators

    return [(name, getattr(validators, name)) for name in sorted(VALIDATORS)
            if name.startswith("validate_") and hasattr(validators, name)]


def validator(given):
    for name, known in named_functions():
        if given is known:
            return name
    names = [cls.__name__ for cls in type(given).__mro__ if cls.__module__.startswith("django.")]
    name = next((name for name in names if name in VALIDATORS), None)
    if name is None or not hasattr(given, "deconstruct") or type(given).__call__.__qualname__.split(".")[0] not in (
            set(names) | {"BaseValidator"}):
        raise Cannot("the validator %s" % (getattr(given, "__name__", None) or type(given).__name__))
    found = {"name": name}
    if name == "RegexValidator":
        found["regex"] = given.regex.pattern
        flags = given.flags or 0
        if given.inverse_match:
            found["inverse_match"] = True
        if flags:
            found["flags"] = int(flags)
        if given.message != type(given).message:
            found["message"] = str(given.message)
        if given.code != type(given).code:
            found["code"] = given.code
    elif hasattr(given, "limit_value"):
        limit = given.limit_value
        if callable(limit):
            raise Cannot("the limit %r of %s" % (limit, name))
        found["limit_value"] = plain(limit)
        if str(given.message) != str(type(given).message):
            found["message"] = str(given.message)
    elif name == "FileExtensionValidator":
        found["allowed_extensions"] = list(given.allowed_extensions or [])
    elif name == "KeysValidator":
        found["keys"] = sorted(given.keys)
        if given.strict:
            found["strict"] = True
    elif name == "DecimalValidator":
        found.update(max_digits=given.max_digits, decimal_places=given.decimal_places)
    else:
        return name
    return found


def carried_validators(given, where):
    found = []
    for item in given:
        try:
            found.append(validator(item))
        except Cannot as problem:
            note(where, "%s is not carried: it is a rule in Python" % problem)
    return found


def option(name, value, where):
    """The option's value; raises Cannot."""
    from django.db import models

    if name == "default":
        return made_anew(value) if callable(value) else plain(value)
    if name == "db_default":
        return expression(value) if hasattr(value, "resolve_expression") else plain(value)
    if name == "choices":
        return flat_choices(value() if callable(value) else value)
    if name == "limit_choices_to":
        if callable(value):
            raise Cannot("limit_choices_to, which is a function")
        return condition(value) if isinstance(value, models.Q) else {key: in_value_place(item) for key, item in value.items()}
    if name == "default_bounds":
        return value
    return plain(value)


def on_delete(function, where):
    from django.db import models

    name = getattr(function, "__name__", "")
    for known in ("CASCADE", "PROTECT", "RESTRICT", "SET_NULL", "SET_DEFAULT", "DO_NOTHING"):
        if function is getattr(models, known, None):
            return known
    if hasattr(function, "deconstruct"):
        args = function.deconstruct()[1]
        if args and not callable(args[0]):
            return {"SET": plain(args[0])}
    note(where, "on_delete %s is a function; carried as DO_NOTHING" % (name or function))
    return "DO_NOTHING"


def model_name(model):
    return NAMES[model]


def relation(field, found, kwargs, where):
    remote = field.remote_field
    target = remote.model
    found["to"] = "self" if target is field.model else model_name(target)
    if "on_delete" in kwargs:
        found["on_delete"] = on_delete(kwargs.pop("on_delete"), where)
    if found["type"] != "ManyToManyField":
        return
    if target is field.model and not remote.symmetrical:
        found["symmetrical"] = False
    if not remote.through._meta.auto_created:
        found["through"] = model_name(remote.through)
        if remote.through_fields:
            found["through_fields"] = list(remote.through_fields)[:2]
        kwargs.pop("db_table", None)


def field_declaration(field, where):
    kind = type_name(field, where)
    found = {"type": kind}
    _, _, _, kwargs = field.deconstruct()
    for dropped in ("to", "through", "through_fields", "symmetrical"):
        kwargs.pop(dropped, None)
    if field.is_relation:
        relation(field, found, kwargs, where)
    if kind == "ArrayField":
        found["base_field"] = short(field_declaration(field.base_field, where))
        kwargs.pop("base_field", None)
    if kind == "GeneratedField":
        found["expression"] = expression(kwargs.pop("expression"), "expression")
        found["output_field"] = short(field_declaration(kwargs.pop("output_field"), where))
    validators = carried_validators(kwargs.pop("validators", ()), where)
    for name, value in kwargs.items():
        if name in SILENT and name not in ("verbose_name", "help_text"):
            continue
        if value is None and name not in ("default", "db_default"):
            continue
        if name not in ALLOWED:
            note(where, "the option %s is not carried" % name)
            continue
        try:
            found[name] = option(name, value, where)
        except Cannot as problem:
            note(where, "%s is not carried" % problem)
    if validators:
        found["validators"] = validators
    if type(field).__name__.startswith("CI"):
        found["db_type"] = "citext"
    if found.get("choices") == []:
        del found["choices"]
    return found


def short(declaration):
    return declaration["type"] if len(declaration) == 1 else declaration


# ---- Meta ----

def by_way_of_parents(model, path):
    """Fields of a parent with a table are its row's, and the parent is a field."""
    from django.core.exceptions import FieldDoesNotExist

    sign = path[:1] if path.startswith("-") else ""
    steps = path[len(sign):].split("__")
    try:
        owner = model._meta.get_field(steps[0]).model
    except FieldDoesNotExist:
        return path
    links = []
    while owner._meta.concrete_model is not model._meta.concrete_model:
        link = model._meta.get_ancestor_link(owner)
        if link is None:
            return path
        links.append(link.name)
        model = link.remote_field.model
    return sign + "__".join(links + steps)


def ordering(model, where):
    found = []
    for item in model._meta.ordering:
        try:
            one = order(item)
            if isinstance(one, str):
                one = by_way_of_parents(model, one)
            elif isinstance(one["expr"], str):
                one["expr"] = by_way_of_parents(model, one["expr"])
            found.append(one)
        except Cannot as problem:
            note(where, "ordering: %s is not carried" % problem)
    return found


def order(item):
    from django.db.models import expressions

    if isinstance(item, str):
        return item
    if not isinstance(item, expressions.OrderBy):
        return {"expr": expression(item, "expression")}
    found = {"expr": expression(item.expression, "expression")}
    if item.descending:
        found["desc"] = True
    if item.nulls_first or item.nulls_last:
        found["nulls"] = "first" if item.nulls_first else "last"
    return found


def index_part(item):
    from django.db.models import expressions

    if isinstance(item, expressions.OrderBy):
        found = {"expr": expression(item.expression, "expression")}
        return dict(found, desc=True) if item.descending else found["expr"]
    if type(item).__name__ == "OpClass":
        return {"OpClass": [expression(item.source_expressions[0], "expression"), item.name]}
    return expression(item, "expression")


def index(given):
    name = type(given).__name__
    if name not in INDEXES:
        raise Cannot("the index type %s" % name)
    found = {} if name == "Index" else {"type": name}
    _, args, kwargs = given.deconstruct()
    expressions = list(getattr(given, "expressions", ()) or args)
    for key, value in kwargs.items():
        if key == "condition":
            found[key] = condition(value)
        elif key in ("name", "fields", "opclasses", "include", "db_tablespace"):
            found[key] = plain(value)
        else:
            found[key] = plain(value)
    if expressions:
        found["expressions"] = [index_part(item) for item in expressions]
    return found


def constraint(given):
    name = type(given).__name__
    found = {"type": name, "name": given.name}
    if name == "CheckConstraint":
        found["condition"] = condition(getattr(given, "condition", None) or given.check)
        return with_message(given, found)
    if name not in ("UniqueConstraint", "ExclusionConstraint"):
        raise Cannot("the constraint type %s" % name)
    if name == "ExclusionConstraint":
        found["expressions"] = [[index_part(part), str(sign)] for part, sign in given.expressions]
        if given.index_type and given.index_type.upper() != "GIST":
            found["index_type"] = given.index_type
    elif getattr(given, "expressions", None):
        found["expressions"] = [index_part(part) for part in given.expressions]
    else:
        found["fields"] = list(given.fields)
    if given.condition is not None:
        found["condition"] = condition(given.condition)
    for key in ("include", "opclasses"):
        if getattr(given, key, None):
            found[key] = list(getattr(given, key))
    if given.deferrable is not None:
        found["deferrable"] = given.deferrable.value if hasattr(given.deferrable, "value") else str(given.deferrable)
    if getattr(given, "nulls_distinct", None) is False:
        found["nulls_distinct"] = False
    return with_message(given, found)


def with_message(given, found):
    message = getattr(given, "violation_error_message", None)
    if message and message != getattr(given, "default_violation_error_message", None):
        found["violation_error_message"] = str(message)
    if getattr(given, "violation_error_code", None):
        found["violation_error_code"] = given.violation_error_code
    return found


def carried(items, convert, where):
    found = []
    for item in items:
        try:
            found.append(convert(item))
        except Cannot as problem:
            note(where, "%s %s is not carried: %s" % (type(item).__name__, getattr(item, "name", ""), problem))
    return found


def meta(model):
    options, where = model._meta, model._meta.label
    found = {}
    if options.db_table != NAMES[model].lower():
        found["db_table"] = options.db_table.strip('"')
    if not options.managed:
        found["managed"] = False
    if options.order_with_respect_to:
        found["order_with_respect_to"] = options.order_with_respect_to.name
    elif options.ordering:
        found["ordering"] = ordering(model, where)
    if options.get_latest_by:
        latest = plain(options.get_latest_by)
        found["get_latest_by"] = (by_way_of_parents(model, latest) if isinstance(latest, str) else
                                  [by_way_of_parents(model, name) for name in latest])
    if options.unique_together:
        found["unique_together"] = [list(fields) for fields in options.unique_together]
    if options.default_related_name:
        found["default_related_name"] = options.default_related_name
    if getattr(options, "db_table_comment", ""):
        found["db_table_comment"] = options.db_table_comment
    if "verbose_name" in options.original_attrs:
        found["verbose_name"] = str(options.verbose_name)
    if "verbose_name_plural" in options.original_attrs:
        found["verbose_name_plural"] = str(options.verbose_name_plural)
    indexes = carried(options.indexes, index, where)
    for fields in getattr(options, "index_together", ()):
        note(where, "index_together %s is carried as an index with a name of its own" % (tuple(fields),))
        indexes.append({"fields": list(fields)})
    if indexes:
        found["indexes"] = indexes
    constraints = carried(options.constraints, constraint, where)
    if constraints:
        found["constraints"] = constraints
    key = getattr(options, "pk", None)
    if key is not None and type(key).__name__ == "CompositePrimaryKey":
        found["primary_key"] = list(key.field_names)
    if options.permissions:
        note(where, "permissions are not carried")
    return found


# ---- models ----

def code_of(model):
    """What of a model is Python: named, since its rules do not come along."""
    from django.db import models

    if model.__module__.startswith("django."):
        return
    for name in ("save", "delete", "clean", "full_clean", "natural_key"):
        if getattr(model, name, None) is not getattr(models.Model, name, None):
            note(model._meta.label, "%s() is Python and is not carried" % name)
    for manager in model._meta.managers:
        if type(manager).__module__.split(".")[0] != "django" and not manager.auto_created:
            note(model._meta.label, "the manager %s is Python and is not carried" % manager.name)


def declaration(model):
    fields = {}
    options = model._meta
    for field in list(options.local_fields) + list(options.local_many_to_many):
        where = "%s.%s" % (options.label, field.name)
        if type(field).__name__ == "CompositePrimaryKey" or field.name == "_order":
            continue
        if options.parents and field in options.parents.values():
            note(where, "a model that inherits from one with a table: its rows are two rows here, joined by %s" % field.name)
        try:
            fields[field.name] = short(field_declaration(field, where))
        except Cannot as problem:
            note(where, "the field is not carried: %s" % problem)
    for field in getattr(options, "private_fields", ()):
        if type(field).__name__ not in ("CompositePrimaryKey",):
            note("%s.%s" % (options.label, field.name), "%s is not carried" % type(field).__name__)
    code_of(model)
    found = {"fields": fields}
    described = meta(model)
    if described:
        found["Meta"] = described
    return found


def wanted_models(labels):
    """Those of the labels, or of all applications that are not Django's own; and what they refer to."""
    from django.apps import apps

    chosen = []
    for config in apps.get_app_configs():
        is_own = not config.name.startswith("django.")
        if (config.label in labels or config.name in labels) if labels else is_own:
            chosen += list(config.get_models())
    queue = list(chosen)
    while queue:
        for field in queue.pop()._meta.get_fields():
            remote = getattr(field, "remote_field", None)
            if remote is None or field.auto_created or not getattr(field, "concrete", False) and not field.many_to_many:
                continue
            others = [remote.model] + ([remote.through] if getattr(remote, "through", None) is not None else [])
            for other in others:
                if isinstance(other, type) and not other._meta.auto_created and other not in chosen:
                    chosen.append(other)
                    queue.append(other)
    found = []
    for model in chosen:
        if model._meta.proxy:
            note(model._meta.label, "a proxy has no table and is not carried")
        elif model._meta.swapped:
            note(model._meta.label, "it is swapped for %s" % model._meta.swapped)
        else:
            found.append(model)
    return found


NAMES = {}


def name_models(models):
    for model in models:
        name = model._meta.object_name
        taken = {other.lower() for other in NAMES.values()}
        if name.lower() in taken:
            name = model._meta.app_label.title().replace("_", "") + name
            note(model._meta.label, "two models have this name: it is called %s" % name)
        NAMES[model] = name


# ---- finding the project ----

def set_up_file(path):
    """A models.py by itself, or the folder of an application."""
    import django
    from django.conf import settings

    folder = os.path.dirname(os.path.abspath(path)) if path.endswith(".py") else os.path.abspath(path)
    module = os.path.splitext(os.path.basename(path))[0] if path.endswith(".py") else "models"
    label = re.sub(r"\W", "_", os.path.basename(folder)) or "app"
    is_package = os.path.exists(os.path.join(folder, "__init__.py"))
    sys.path.insert(0, os.path.dirname(folder) if is_package else folder)
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "none"}}, USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", SECRET_KEY="none",
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.postgres"]
        + ([os.path.basename(folder)] if is_package else []))
    django.setup()
    if is_package:
        importlib.import_module("%s.%s" % (os.path.basename(folder), module))
        return label
    from django.apps import apps
    from django.apps.config import AppConfig

    # A lone file: an application of its own is made for it.
    holder = type(sys)(label)
    holder.__path__ = [folder]
    holder.__file__ = os.path.join(folder, "__init__.py")
    sys.modules[label] = holder
    config = AppConfig(label, holder)
    config.apps, config.label = apps, label
    apps.app_configs[label] = config
    config.models = apps.all_models[label]
    importlib.import_module("%s.%s" % (label, module))
    apps.clear_cache()
    return label


def settings_of(folder):
    """What manage.py says."""
    path = os.path.join(folder, "manage.py")
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        found = re.search(r"""DJANGO_SETTINGS_MODULE["']\s*,\s*["']([\w.]+)["']""", file.read())
    return found.group(1) if found else None


def set_up(settings_module, words):
    import django

    labels = []
    for word in words:
        if os.path.isdir(word) and settings_of(word):
            sys.path.insert(0, os.path.abspath(word))
            settings_module = settings_module or settings_of(word)
        elif os.path.isdir(word) or word.endswith(".py"):
            if not os.path.exists(word):
                raise SystemExit("%s: no such file" % word)
            return [set_up_file(word)]
        else:
            labels.append(word)
    sys.path.insert(0, os.getcwd())
    settings_module = settings_module or os.environ.get("DJANGO_SETTINGS_MODULE") or settings_of(os.getcwd())
    if not settings_module:
        raise SystemExit("no Django project: name its folder, its models.py, or its settings by --settings")
    os.environ["DJANGO_SETTINGS_MODULE"] = settings_module
    django.setup()
    from django.apps import apps

    known = {config.label for config in apps.get_app_configs()} | {config.name for config in apps.get_app_configs()}
    for label in labels:
        if label not in known:
            raise SystemExit("there is no application %s; there are: %s" % (label, ", ".join(
                sorted(config.label for config in apps.get_app_configs()))))
    return labels


def main(arguments):
    settings_module, words = None, []
    while arguments:
        word = arguments.pop(0)
        if word == "--settings" and arguments:
            settings_module = arguments.pop(0)
        else:
            words.append(word)
    try:
        import django  # noqa: F401
    except ImportError:
        raise SystemExit("this Python has no Django: name one that has by --python PROGRAM")
    sys.dont_write_bytecode = True
    labels = set_up(settings_module, words)
    models = wanted_models(labels)
    if not models:
        raise SystemExit("there are no models")
    name_models(models)
    document = {"models": {NAMES[model]: declaration(model) for model in models}}
    if NOTES:
        document = {"$comment": NOTES, "models": document["models"]}
    for line in NOTES:
        print("note: " + line, file=sys.stderr)
    json.dump(document, sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main(sys.argv[1:])
