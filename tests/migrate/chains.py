"""Chains of random changes of models, the same for the same seed.

Left out is what Django 3.2 itself cannot do: text with an index that becomes another kind of text or unique
(an index too few, or a name twice), and names that come back.  A table's name changes in a step of its own: Django makes
the indexes of a migration at its end and calls them by the table's last name, Quern by that of the moment.
"""

import copy
import random

CHARS = [{"type": "CharField", "max_length": 20}, {"type": "CharField", "max_length": 60}]
NUMBERS = ["IntegerField", "BigIntegerField", "SmallIntegerField", "PositiveIntegerField", "PositiveBigIntegerField"]


class Chain:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.number = 0
        self.models = {}
        self.renames = set()
        for _ in range(self.random.randint(1, 3)):
            self.add_model()

    def name(self, beginning):
        self.number += 1
        return "%s%d" % (beginning, self.number)

    # ---- what there is ----

    def any_model(self):
        return self.random.choice(sorted(self.models))

    def fields(self, model, fits=lambda described: True):
        return [name for name, described in self.models[model]["fields"].items() if fits(described)]

    def meta(self, model):
        return self.models[model].setdefault("Meta", {})

    @staticmethod
    def has_column(described):
        return described["type"] != "ManyToManyField"

    # ---- making ----

    def scalar(self):
        kind = self.random.randrange(8)
        if kind < 2:
            return dict(self.random.choice(CHARS), default="x")
        if kind < 5:
            return {"type": self.random.choice(NUMBERS), "default": self.random.randint(0, 9)}
        if kind == 5:
            return {"type": "TextField", "default": ""}
        if kind == 6:
            return {"type": "DecimalField", "max_digits": self.random.randint(5, 9), "decimal_places": 2,
                    "default": "1.00"}
        return {"type": "BooleanField", "default": False}

    def new_field(self):
        kind = self.random.random()
        if kind < 0.2 and self.models:
            described = {"type": "ForeignKey", "to": self.any_model(), "on_delete": "CASCADE", "null": True,
                         "related_name": self.name("r")}
            if self.random.random() < 0.2:
                described["db_constraint"] = False
            return described
        if kind < 0.3 and self.models:
            return {"type": "ManyToManyField", "to": self.any_model(), "related_name": self.name("r")}
        described = self.scalar()
        chance = self.random.random()
        if chance < 0.2:
            described["null"] = True
        elif chance < 0.35:
            described["db_index"] = True
        elif chance < 0.45:
            described["unique"] = True
        return described

    def add_model(self):
        fields = {self.name("f"): self.scalar()}
        for _ in range(self.random.randint(0, 3)):
            fields[self.name("f")] = self.new_field()
        self.models[self.name("Model")] = {"fields": fields}

    # ---- changing ----

    def remove_model(self):
        if len(self.models) < 3:
            return
        gone = self.any_model()
        del self.models[gone]
        for model in self.models:
            for name in self.fields(model, lambda described: described.get("to") == gone):
                self.remove_named_field(model, name)

    def rename_model(self):
        old, new = self.any_model(), self.name("Model")
        self.models = {new if name == old else name: model for name, model in self.models.items()}
        for model in self.models.values():
            for described in model["fields"].values():
                if described.get("to") == old:
                    described["to"] = new
        self.renames.add((old, new))

    def add_field(self):
        self.models[self.any_model()]["fields"][self.name("f")] = self.new_field()

    def remove_named_field(self, model, name):
        del self.models[model]["fields"][name]
        meta = self.meta(model)
        for option in ("unique_together", "ordering"):
            meta[option] = [item for item in meta.get(option, []) if name not in item and item != name]
        for option in ("indexes", "constraints"):
            meta[option] = [item for item in meta.get(option, []) if name not in str(item)]
        if meta.get("order_with_respect_to") == name:
            del meta["order_with_respect_to"]

    def remove_field(self):
        model = self.any_model()
        names = self.fields(model)
        if len(names) > 1:
            self.remove_named_field(model, self.random.choice(names))

    def rename_field(self):
        model = self.any_model()
        meta = self.meta(model)
        said = str(meta)
        names = [name for name in self.fields(model) if name not in said]
        if not names:
            return
        old, new = self.random.choice(names), self.name("f")
        fields = self.models[model]["fields"]
        self.models[model]["fields"] = {new if name == old else name: item for name, item in fields.items()}
        self.renames.add((model.lower(), old, new))

    def alter_field(self):
        model = self.any_model()
        names = self.fields(model, lambda item: "to" not in item)
        if not names:
            return
        described = self.models[model]["fields"][self.random.choice(names)]
        is_text = described["type"] in ("CharField", "TextField")
        is_marked = described.get("db_index") or described.get("unique")
        kind = self.random.randrange(5)
        if kind == 0 and described["type"] == "CharField":
            described["max_length"] = self.random.randint(20, 80)
        elif kind == 0 and described["type"] in NUMBERS:
            described["type"] = self.random.choice(NUMBERS)
        elif kind == 0 and is_text and not is_marked:
            described.update({"type": "CharField", "max_length": 30})
        elif kind == 1:
            described["null"] = not described.get("null", False)
        elif kind == 2 and not described.get("unique"):
            described["db_index"] = not described.get("db_index", False)
        elif kind == 3 and not described.get("db_index"):
            described["unique"] = not described.get("unique", False)
        elif kind == 4:
            described["help_text"] = self.name("help")

    def relate_elsewhere(self):
        model = self.any_model()
        names = self.fields(model, lambda item: item["type"] == "ForeignKey")
        if names:
            self.models[model]["fields"][self.random.choice(names)]["to"] = self.any_model()

    def change_together(self):
        model = self.any_model()
        names = self.fields(model, self.has_column)
        if len(names) < 2:
            return
        lists = self.meta(model).setdefault("unique_together", [])
        pair = sorted(self.random.sample(names, 2))
        if pair in lists:
            lists.remove(pair)
        else:
            lists.append(pair)

    def change_indexes(self):
        model = self.any_model()
        indexes = self.meta(model).setdefault("indexes", [])
        if indexes and self.random.random() < 0.5:
            indexes.pop(self.random.randrange(len(indexes)))
            return
        names = self.fields(model, self.has_column)
        if names:
            indexes.append({"name": self.name("by_"),
                            "fields": self.random.sample(names, min(len(names), self.random.randint(1, 2)))})

    def change_constraints(self):
        model = self.any_model()
        constraints = self.meta(model).setdefault("constraints", [])
        numbers = self.fields(model, lambda item: item["type"] in NUMBERS)
        names = self.fields(model, self.has_column)
        if constraints and self.random.random() < 0.5:
            constraints.pop(self.random.randrange(len(constraints)))
        elif numbers and self.random.random() < 0.5:
            constraints.append({"type": "CheckConstraint", "name": self.name("check_"),
                                "check": {self.random.choice(numbers) + "__gte": self.random.randint(0, 5)}})
        elif names:
            constraints.append({"type": "UniqueConstraint", "name": self.name("one_"),
                                "fields": [self.random.choice(names)]})

    def change_table(self):
        meta = self.meta(self.any_model())
        if meta.pop("db_table", None) is None:
            meta["db_table"] = self.name("table")

    def change_ordering(self):
        model = self.any_model()
        names = self.fields(model, self.has_column)
        if names and not self.meta(model).get("order_with_respect_to"):
            self.meta(model)["ordering"] = [self.random.choice(("", "-")) + self.random.choice(names)]

    def change_order(self):
        model = self.any_model()
        meta = self.meta(model)
        keys = self.fields(model, lambda item: item["type"] == "ForeignKey")
        if meta.pop("order_with_respect_to", None) is None and keys:
            meta.pop("ordering", None)
            meta["order_with_respect_to"] = self.random.choice(keys)

    def step(self):
        """The models after one or two more changes, and what of that are renames."""
        changes = [self.add_model, self.remove_model, self.rename_model, self.add_field, self.add_field,
                   self.remove_field, self.rename_field, self.alter_field, self.alter_field, self.relate_elsewhere,
                   self.change_together, self.change_indexes, self.change_constraints, self.change_table,
                   self.change_ordering, self.change_order]
        self.renames = set()
        first = self.random.choice(changes)
        first()
        alone = (self.change_table, self.rename_model, self.rename_field)
        if first not in alone and self.random.random() < 0.4:
            self.random.choice([change for change in changes if change not in alone])()
        return self.snapshot(), self.renames

    def snapshot(self):
        made = copy.deepcopy(self.models)
        for model in made.values():
            meta = {key: value for key, value in model.get("Meta", {}).items() if value}
            model.pop("Meta", None)
            if meta:
                model["Meta"] = meta
        return made


def flags(renames):
    made = []
    for rename in sorted(renames):
        if len(rename) == 2:
            made += ["--rename", "%s=%s" % rename]
        else:
            made += ["--rename", "%s.%s=%s" % (rename[0].capitalize(), rename[1], rename[2])]
    return made + ["--no-renames"]
