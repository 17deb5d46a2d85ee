"""Django's own migrations for models given as Quern's documents: its autodetector, its operations,
its schema editor.  Tables without a db_table are called as Quern calls them."""

import os
import sys

import psycopg2

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "api"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import oracle  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.db.migrations.autodetector import MigrationAutodetector  # noqa: E402
from django.db.migrations.graph import MigrationGraph  # noqa: E402
from django.db.migrations.questioner import MigrationQuestioner  # noqa: E402
from django.db.migrations.state import ModelState, ProjectState  # noqa: E402
from django.db.models.options import Options  # noqa: E402
from test_django_catalog import constraint_of, index_of  # noqa: E402

LABEL = "shop"
OPTIONS = ("ordering", "get_latest_by", "unique_together", "default_related_name", "db_table", "managed",
           "order_with_respect_to", "verbose_name", "verbose_name_plural")

_contribute = Options.contribute_to_class


def contribute(self, cls, name):
    """No app's label before the name of a table."""
    _contribute(self, cls, name)
    if not self.original_attrs.get("db_table") and self.app_label == LABEL:
        self.db_table = self.model_name


Options.contribute_to_class = contribute


class Fields(oracle.Oracle):
    """Only for its way of making fields."""

    def __init__(self):
        self.label = LABEL


def model_state(name, declaration):
    meta = declaration.get("Meta", {})
    fields = [(field, Fields()._field(described)) for field, described in declaration["fields"].items()]
    if not any(field.primary_key for _, field in fields):
        fields.insert(0, ("id", models.BigAutoField(
            auto_created=True, primary_key=True, serialize=False, verbose_name="ID")))
    options = {option: meta[option] for option in OPTIONS if option in meta}
    if "unique_together" in options:
        options["unique_together"] = {tuple(names) for names in options["unique_together"]}
    options["indexes"] = [index_of(item) for item in meta.get("indexes", [])]
    options["constraints"] = [constraint_of(item) for item in meta.get("constraints", [])]
    return ModelState(LABEL, name, fields, options=options)


def project_state(document):
    state = ProjectState()
    for name, declaration in document.items():
        state.add_model(model_state(name, declaration))
    return state


class Questioner(MigrationQuestioner):
    """`renames`: whether everything is one, or the set of those that are: (model, old, new) and (old, new)."""

    def __init__(self, renames, defaults):
        super().__init__()
        self.renames = renames
        self.values = defaults

    def ask_rename(self, model_name, old_name, new_name, field_instance):
        if isinstance(self.renames, bool):
            return self.renames
        return (model_name.lower(), old_name, new_name) in self.renames

    def ask_rename_model(self, old_model_state, new_model_state):
        if isinstance(self.renames, bool):
            return self.renames
        return (old_model_state.name, new_model_state.name) in self.renames

    def ask_not_null_addition(self, field_name, model_name):
        return self.values["%s.%s" % (model_name.lower(), field_name)]

    def ask_not_null_alteration(self, field_name, model_name):
        return self.values.get("%s.%s" % (model_name.lower(), field_name), models.NOT_PROVIDED)

    def ask_auto_now_add_addition(self, field_name, model_name):
        return oracle.MADE_ANEW["Now"]()


def migrations(before, after, renames, defaults):
    """What makemigrations would write, one after the other."""
    detector = MigrationAutodetector(
        project_state(before), project_state(after),
        Questioner(renames, {name.lower(): value for name, value in defaults.items()}))
    made = detector._detect_changes(graph=MigrationGraph()).get(LABEL, [])
    for migration in made:
        for operation in migration.operations:
            loosen(operation)
    return made


def loosen(operation):
    """Fields bound to no model, as they would be read from a file."""
    if hasattr(operation, "fields"):
        operation.fields = [(name, field.clone()) for name, field in operation.fields]
    if getattr(operation, "field", None):
        operation.field = operation.field.clone()


def connect(url, search_path):
    parameters = psycopg2.extensions.parse_dsn(url)
    connection.close()
    connection.settings_dict.update(
        NAME=parameters["dbname"], USER=parameters["user"], HOST=parameters["host"],
        OPTIONS={"options": "-c search_path=%s" % search_path},
    )


def apply(made, state):
    for migration in made:
        with connection.schema_editor(atomic=True) as editor:
            state = migration.apply(state, editor)
    return state


def unapply(made, state):
    states = [state]
    for migration in made:
        states.append(migration.mutate_state(states[-1]))
    for migration, before in reversed(list(zip(made, states))):
        with connection.schema_editor(atomic=True) as editor:
            migration.unapply(before, editor)


def summary(operation):
    """(kind, model, what): enough to tell operations apart."""
    kind = type(operation).__name__
    model = getattr(operation, "model_name", None) or getattr(operation, "name", "")
    what = ""
    if kind in ("AddField", "RemoveField", "AlterField", "RemoveIndex", "RemoveConstraint"):
        what = operation.name
    if kind in ("RenameField", "RenameModel"):
        model = operation.model_name if kind == "RenameField" else operation.old_name
        what = operation.new_name
    if kind == "AddIndex":
        what = operation.index.name
    if kind == "AddConstraint":
        what = operation.constraint.name
    if kind == "CreateModel":
        what = ",".join(name for name, _ in operation.fields)
    return kind, model.lower(), what
