"""Random valid queries over the models of models.json.

A query is made clause by clause from a seed of its own, so that `--seed N` gives it again.  What is made has one right
answer: orders end in the key, slices have an order, and no aggregate stands where Django itself multiplies rows.
"""

import random

from vocabulary import COLUMNS, KEYS, RELATIONS

TEXTS = ["C in a week", "a_b", "axb", "", "week", "100%", "Jane", "o", "\\", "Straße", "STRASSE", "It's", "tag 0", "North", "red", "jd", "Ü"]
NUMBERS = [-1, 0, 1, 2, 3, 5, 12, 100, 250, 251, 999, 1950]
DATES = ["1950-06-01", "1999-12-31", "2018-01-01", "2019-07-15", "2020-02-29", "2022-12-31"]
MOMENTS = ["2018-01-01T00:00:00Z", "2020-05-05T11:15:00Z", "2022-12-31T23:59:59.5Z", "2024-06-01T02:00:00+02:00", "2025-03-03T03:03:03Z"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.nested = 0

    # ---- names ----

    def pick(self, *items):
        return self.random.choice(items)

    def chance(self, part):
        return self.random.random() < part

    def path(self, model, depth=2, multiple=True, kinds=None):
        """A path from the model to a column: (path, kind, whether it is multi-valued)."""
        names, several = [], False
        while depth and self.chance(0.45):
            relations = [one for one in RELATIONS[model] if multiple or not one[2]]
            if not relations:
                break
            name, model, many, _ = self.random.choice(relations)
            names.append(name)
            several = several or many
            depth -= 1
        columns = [(column, kind) for column, kind in COLUMNS[model].items() if kinds is None or kind in kinds]
        if not columns:
            return None
        column, kind = self.random.choice(columns)
        return "__".join(names + [column]), kind, several

    def path_of(self, model, kinds, depth=1):
        for _ in range(30):
            found = self.path(model, depth, False, kinds)
            if found:
                return found[0]
        return None

    # ---- conditions ----

    def literal(self, kind):
        if kind in ("key", "integer", "link"):
            return self.random.choice(NUMBERS) if self.chance(0.5) else self.random.randrange(1, 60)
        return {
            "text": lambda: self.random.choice(TEXTS), "code": lambda: self.pick("de", "fr", "jp", "xx"),
            "decimal": lambda: "%.2f" % self.random.choice([0, 5, 9.99, 12.5, 20, 30.01]), "float": lambda: self.pick(0.0, 1.5, 3.25, 4.8, 2),
            "date": lambda: self.random.choice(DATES), "moment": lambda: self.random.choice(MOMENTS),
            "time": lambda: self.pick("00:00:00", "11:30:00", "23:59:59"), "duration": lambda: self.pick("PT1H", "P1D", "P2DT3H", "PT0S"),
            "boolean": lambda: self.chance(0.5), "texts": lambda: self.random.sample(["c", "sql", "ops", "dev", "C"], self.random.randrange(3)),
            "integers": lambda: [self.random.randrange(6) for _ in range(self.random.randrange(3))],
            "range": lambda: {"lower": self.random.randrange(10), "upper": self.random.randrange(11, 30)},
        }[kind]()

    def leaf(self, model, multiple=True, depth=2):
        path, kind, _ = self.path(model, depth, multiple)
        if self.chance(0.15):
            return {path + "__isnull": self.chance(0.5)}
        if multiple and self.chance(0.03):
            several = [one for one in RELATIONS[model] if one[2]]
            if several:
                name, target, _, _ = self.random.choice(several)
                left, right = self.path(target, 1, False, {"integer", "key"}), self.path(target, 1, False, {"integer", "key"})
                if left and right:
                    return {"%s__%s__%s" % (name, left[0], self.pick("gt", "lte")): {"F": "%s__%s" % (name, right[0])}}
        if self.chance(0.12) and kind in ("integer", "decimal", "float", "date", "moment", "text", "key"):
            other = self.path_of(model, {kind})
            if other:
                return {"%s__%s" % (path, self.pick("exact", "gt", "lte")): {"F": other}}
        return {path + suffix: value for suffix, value in [self.lookup(kind)]}

    def lookup(self, kind):
        literal = self.literal
        if kind == "json":
            return self.random.choice([
                ("__color", self.pick("red", "blue", "Red")), ("__has_key", self.pick("color", "size", "theme")), ("__size__w__gt", 9),
                ("__color__icontains", "re"), ("__contains", {"color": "red"}), ("__theme", self.pick("dark", None)), ("__color__isnull", self.chance(0.5)),
                ("__has_any_keys", ["flags", "list", "size"]), ("__list__0", 1), ("__color__in", ["red", "blue"]), ("", self.pick({}, 7, [1, 2, 3]))])
        if kind in ("texts", "integers"):
            return self.random.choice([("__contains", literal(kind)), ("__overlap", literal(kind)), ("__len", self.random.randrange(4)),
                                       ("__contained_by", ["c", "sql", "ops"] if kind == "texts" else [0, 1, 2, 3]),
                                       ("__0", "c" if kind == "texts" else 3), ("", literal(kind)), ("__len__gte", 1)])
        if kind == "range":
            return self.random.choice([("__contains", self.random.randrange(30)), ("__overlap", literal(kind)), ("__isempty", self.chance(0.5)),
                                       ("__startswith__gte", 7), ("__fully_lt", literal(kind)), ("__endswith__isnull", self.chance(0.5)),
                                       ("__contained_by", literal(kind)), ("__adjacent_to", literal(kind)), ("__not_gt", literal(kind))])
        if kind == "boolean":
            return self.pick(("", True), ("", False), ("__in", [True]), ("", None))
        if kind == "text" and self.chance(0.6):
            return self.random.choice([("__" + name, literal("text")) for name in (
                "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "iexact")] + [
                ("__length__gt", self.random.randrange(15)), ("__lower", "c in a week"), ("__regex", "^[A-Z]"), ("__upper__startswith", "C")])
        if kind == "number":
            return self.pick("__gt", "__lte"), self.random.randrange(30)
        if kind in ("date", "moment") and self.chance(0.5):
            parts = [("__year", 2019), ("__year__gte", 2020), ("__month__in", [1, 5, 7]), ("__day__lte", 10), ("__quarter", 2),
                     ("__week_day", 3), ("__iso_year", 2021), ("__week__lt", 20)]
            return self.random.choice(parts + ([("__hour", 23), ("__date__gt", "2019-01-01"), ("__minute__in", [0, 59])] if kind == "moment" else []))
        if self.chance(0.15):
            return "__in", [literal(kind) for _ in range(self.random.randrange(1, 4))]
        if self.chance(0.1) and kind not in ("link", "code"):
            return "__range", [literal(kind), literal(kind)]
        return self.pick("", "__gt", "__gte", "__lt", "__lte"), literal(kind)

    def condition(self, model, depth=2, multiple=True):
        if depth and self.chance(0.45):
            word = self.pick("and", "or", "not", "or", "not")
            if word == "not":
                return {"not": self.condition(model, depth - 1, multiple)}
            return {word: [self.condition(model, depth - 1, multiple) for _ in range(self.random.randrange(1, 4))]}
        if multiple and self.chance(0.1):
            return self.question(model)
        if self.nested < 1 and self.chance(0.07):
            return self.exists(model, multiple)
        if self.nested < 1 and self.chance(0.06):
            return self.in_subquery(model, multiple)
        if self.chance(0.05):
            return {"xor": [self.condition(model, 0, False) for _ in range(self.random.randrange(1, 4))]}
        found = {}
        for _ in range(self.random.choice([1, 1, 1, 2, 3])):
            found.update(self.leaf(model, multiple))
        return found

    def question(self, model):
        several = [one for one in RELATIONS[model] if one[2]]
        if not several:
            return self.leaf(model)
        name, target, _, _ = self.random.choice(several)
        inner = self.condition(target, 1, self.chance(0.3)) if self.chance(0.8) else {}
        word = self.pick("some", "none", "every", "count")
        if word != "count":
            return {name: {word: inner}}
        return {name: {"count": {self.pick("gte", "exact", "lt"): self.random.randrange(4)}, "where": inner}}

    LINKS = [("Review", "book", "book", "pk"), ("Chapter", "book", "book", "pk"), ("Book", "person", "author", "pk"),
             ("Review", "person", "reviewer", "pk"), ("Person", "person", "mentor", "pk"), ("Tagging", "tag", "tag", "pk"),
             ("Book", "book", "author", "author"), ("Book", "publisher", "publisher", "pk"), ("Person", "country", "country", "pk"),
             ("Cover", "book", "book", "pk"), ("Person", "review", "pk", "reviewer"), ("Chapter", "review", "book", "book")]

    def link(self, model):
        found = [one for one in self.LINKS if one[1] == model]
        return self.random.choice(found) if found else None

    def exists(self, model, multiple):
        link = self.link(model)
        if link is None:
            return self.leaf(model, multiple)
        return {"Exists": self.inner(link)}

    def in_subquery(self, model, multiple):
        """A relation, or a column, among the answers of another query."""
        self.nested += 1
        relations = [one for one in RELATIONS[model] if not one[2] or (multiple and self.chance(0.2))]
        if relations and self.chance(0.6):
            name, target, _, _ = self.random.choice(relations)
            query = {"model": target, "filter": self.condition(target, 1, self.chance(0.3))}
            if self.chance(0.2):
                query.update(order_by=self.order(target), limit=self.random.randrange(1, 9))
            found = {name + "__in": {"Subquery": query}}
        else:
            path, kind, _ = self.path(model, 1, False, {"integer", "text", "key", "date"})or ("pk", "key", False)
            target = self.pick("book", "person", "review", "chapter", "publisher")
            columns = [column for column, one in COLUMNS[target].items() if one == kind] or ["id"]
            if columns == ["id"]:
                path = "pk" if model not in ("country",) else "people"
            column = self.random.choice(columns)
            found = {path + "__in": {"Subquery": {"model": target, "filter": {"and": [{column + "__isnull": False}, self.condition(target, 1, False)]},
                                                  "values": [column]}}}
        self.nested -= 1
        return found

    def inner(self, link, **clauses):
        """A query of another model's rows that belong to the outer row."""
        target, _, field, outer = link
        self.nested += 1
        condition = {field: {"OuterRef": outer}}
        if self.chance(0.7):
            condition = {"and": [condition, self.condition(target.lower(), 1, self.chance(0.3))]}
        self.nested -= 1
        return {"model": target, "filter": condition, **clauses}

    # ---- expressions ----

    def number(self, model, depth=1):
        if depth and self.chance(0.5):
            sign = self.pick("+", "-", "*")
            return {sign: [self.number(model, depth - 1), self.pick(self.number(model, 0), self.random.randrange(1, 9))]}
        return self.path_of(model, {"integer", "key"}) or "pk"

    def text(self, model, depth=1):
        path = self.path_of(model, {"text"})
        if not path:
            return {"Value": "x"}
        return self.random.choice([
            path, {"Lower": path}, {"Upper": path}, {"Concat": [path, {"Value": "-"}, self.path_of(model, {"text"}) or path]}, {"Left": [path, 3]},
            {"Right": [path, 2]}, {"Reverse": path}, {"LPad": [path, 8, {"Value": "*"}]}, {"Repeat": [path, 2]}, {"MD5": path},
            {"NullIf": [path, {"Value": "a_b"}]}, {"Cast": [self.number(model, 0), "TextField"]}, {"RTrim": path},
            {"Coalesce": [path, {"Value": "none"}]}, {"Replace": [path, {"Value": "a"}, {"Value": "b"}]}, {"Trim": path}, {"Substr": [path, 2, 4]}])

    def expression(self, model, depth=1):
        """An expression over the row and single related rows: (expression, kind)."""
        choices = [
            lambda: (self.number(model), "integer"), lambda: (self.text(model), "text"), lambda: ({"Length": self.text(model)}, "integer"),
            lambda: self.case(model), lambda: self.coalesce(model), lambda: self.date_part(model), lambda: self.decimal(model), lambda: self.subquery(model),
            lambda: ({"Q": self.condition(model, 1, False)}, "boolean"), lambda: self.column(model), lambda: self.duration(model),
            lambda: self.math(model), lambda: self.exists_value(model)]
        found = None
        while found is None:
            found = self.random.choice(choices)()
        return found

    def column(self, model):
        path, kind, _ = self.path(model, 2, False)
        return path, kind

    def case(self, model):
        make = self.pick(lambda: (self.text(model), "text"), lambda: (self.number(model, 0), "integer"))
        kind = make()[1]
        whens = [{"when": self.condition(model, 1, False), "then": make()[0]} for _ in range(self.random.randrange(1, 3))]
        return {"Case": whens + [{"default": {"Value": "else"} if kind == "text" else -1}]}, kind

    def coalesce(self, model):
        kind = self.pick("integer", "date", "decimal", "float")
        path = self.path_of(model, {kind})
        if not path:
            return None
        name = self.pick("Coalesce", "Coalesce", "Greatest", "Least")
        return {name: [path, {"Value": self.literal(kind)}]}, kind

    def date_part(self, model):
        kind = self.pick("date", "moment")
        path = self.path_of(model, {kind})
        if not path:
            return None
        name = self.pick("ExtractYear", "ExtractMonth", "ExtractWeek", "ExtractDay", "ExtractQuarter", "ExtractWeekDay")
        if self.chance(0.4):
            return {self.pick("TruncYear", "TruncMonth", "TruncQuarter", "TruncWeek"): path}, kind
        return {name: path}, "integer"

    def decimal(self, model):
        path = self.path_of(model, {"decimal"})
        if not path:
            return None
        return {self.pick("+", "-", "*"): [path, self.random.choice([{"Value": "1.19"}, 2, self.path_of(model, {"decimal"}) or path])]}, "decimal"

    def duration(self, model):
        moment, span = self.path_of(model, {"moment"}), self.path_of(model, {"duration"})
        date, other = self.path_of(model, {"date"}), self.path_of(model, {"date"})
        if date and other and self.chance(0.5):
            return {"-": [date, other]}, "duration"
        if moment and span:
            return {self.pick("+", "-"): [moment, span]}, "moment"
        return None

    def math(self, model):
        path = self.path_of(model, {"float"}) or self.path_of(model, {"decimal"})
        if not path:
            return {self.pick("%", "&", "|"): [self.number(model, 0), 7]}, "integer"
        return {self.pick("Abs", "Floor", "Ceil", "Sign", "Round"): path}, "number"

    def exists_value(self, model):
        link = self.link(model)
        if link is None or self.nested:
            return None
        return {"Exists": self.inner(link)}, "boolean"

    def subquery(self, model):
        link = self.link(model)
        if link is None or self.nested:
            return None
        target = link[0].lower()
        column, kind = self.random.choice([one for one in COLUMNS[target].items() if one[1] not in ("json", "texts", "integers", "range")])
        key = KEYS.get(target, "id")
        query = self.inner(link, order_by=[self.pick("", "-") + self.random.choice(list(COLUMNS[target])), key], values=[column], limit=1)
        return {"Subquery": query}, kind

    def aggregate(self, model, relation=None):
        """An aggregate over one multi-valued relation, or over the rows themselves: (expression, kind)."""
        prefix, target = ("", model) if relation is None else (relation[0] + "__", relation[1])
        if relation is not None and self.chance(0.25):
            further = [one for one in RELATIONS[target] if not one[2]]
            if further:
                name, target, _, _ = self.random.choice(further)
                prefix += name + "__"
        name = self.pick("Count", "Count", "Sum", "Avg", "Min", "Max", "ArrayAgg", "StringAgg")
        columns = {column: kind for column, kind in COLUMNS[target].items()}
        wanted = {"Count": set(columns.values()), "Sum": {"integer", "decimal", "float", "duration"}, "Avg": {"integer", "decimal", "float"},
                  "StringAgg": {"text"}, "ArrayAgg": {"integer", "text", "date", "decimal"}}.get(name, {"integer", "text", "date", "decimal", "moment", "float"})
        usable = [(column, kind) for column, kind in columns.items() if kind in wanted and kind not in ("json", "texts", "integers", "range")]
        if not usable:
            name, usable = "Count", [(KEYS.get(target, "id"), "key")]
        column, kind = self.random.choice(usable)
        node = {"expr": prefix + column}
        if name == "Count" and self.chance(0.4) and relation is not None:
            node["expr"] = relation[0]
        if name in ("Count", "Sum") and self.chance(0.2):
            node["distinct"] = True
        if name in ("ArrayAgg", "StringAgg"):
            node["order_by"] = [node["expr"], prefix + KEYS.get(target, "id")] if not prefix.count("__") > 1 else [node["expr"]]
        if name == "StringAgg":
            node["delimiter"] = ","
        if self.chance(0.25):
            inner = self.leaf(target, False, 0)
            node["filter"] = {prefix + path: value for path, value in inner.items() if not is_f(value)} or None
            if node["filter"] is None:
                del node["filter"]
        if name in ("Sum", "Avg") and kind in ("integer", "float") and self.chance(0.2):
            node["default"] = 0 if name == "Sum" and kind == "integer" else 0.0
        result = {"Count": "integer", "Avg": "float", "StringAgg": "text", "ArrayAgg": "array"}.get(name, kind)
        return {name: node if len(node) > 1 or self.chance(0.3) else node["expr"]}, result

    # ---- queries ----

    def query(self):
        """(model, method, body)"""
        model = self.pick("book", "book", "book", "book", "person", "person", "publisher", "review", "chapter", "tag", "country", "profile", "cover", "tagging")
        make = self.random.choices([self.rows, self.annotated, self.aggregated, self.grouped, self.projected, self.related, self.counted,
                                    self.windowed, self.combined, self.whole, self.distinct_on, self.in_zone, self.looked_up, self.filtered],
                                   [20, 14, 18, 12, 10, 10, 6, 6, 4, 6, 3, 4, 4, 3])[0]
        return make(model)

    def order(self, model, more=()):
        items = []
        for _ in range(self.random.randrange(3)):
            path, kind, several = self.path(model, 2, False)
            if kind in ("json", "range"):
                continue
            if self.chance(0.3):
                items.append({"expr": path, "desc": self.chance(0.5), "nulls": self.pick("first", "last")})
            else:
                items.append(self.pick("", "-") + path)
        return list(more) + items + [self.pick("", "-") + "pk"]

    def page(self, clause, model, more=()):
        if self.chance(0.8):
            clause["order_by"] = self.order(model, more)
            if self.chance(0.3):
                clause["limit"] = self.random.randrange(1, 30)
            if self.chance(0.15):
                clause["offset"] = self.random.randrange(20)
            if self.chance(0.08):
                clause["reverse"] = True
            if self.chance(0.1):
                clause["count"] = True
        return clause

    def filters(self, model, multiple=True):
        chain = []
        for _ in range(self.random.choice([0, 1, 1, 1, 2, 3])):
            chain.append({self.pick("filter", "filter", "exclude"): self.condition(model, 2, multiple)})
        return chain

    def body(self, chain):
        chain = [clause for clause in chain if clause]
        if len(chain) == 1:
            return chain[0]
        return chain

    def rows(self, model):
        chain = self.filters(model)
        last = self.page({}, model)
        if "limit" in last or "offset" in last:
            last["distinct"] = True
            if any(not isinstance(one, str) or "__" in one for one in last["order_by"]) or "attributes" in str(COLUMNS[model]):
                chain = self.filters(model, False)
                del last["distinct"]
        return model, "query", self.body(chain + [last])

    def annotated(self, model):
        annotations, kinds = {}, {}
        for number in range(self.random.randrange(1, 4)):
            name = "x%d" % number
            annotations[name], kinds[name] = self.expression(model)
        chain = self.filters(model, self.chance(0.3))
        chain.append({self.pick("annotate", "annotate", "alias"): annotations})
        for name, kind in kinds.items():
            if self.chance(0.4) and kind not in ("json", "texts", "integers", "range"):
                suffix, value = self.lookup(kind) if self.chance(0.7) else ("__isnull", self.chance(0.5))
                chain.append({self.pick("filter", "exclude"): {name + suffix: value}})
        more = [self.pick("", "-") + name for name, kind in kinds.items() if self.chance(0.3) and kind not in ("json", "range")]
        single = not any(is_several(clause) for clause in chain)
        chain.append(self.page({}, model, more) if single else {"order_by": more + ["pk"]} if more else {})
        return model, "query", self.body(chain)

    def aggregated(self, model):
        several = [one for one in RELATIONS[model] if one[2]]
        if not several:
            return self.grouped(model)
        annotations, kinds = {}, {}
        for number in range(self.random.choice([1, 1, 2, 2, 3])):
            name = "x%d" % number
            annotations[name], kinds[name] = self.aggregate(model, self.random.choice(several))
        chain = self.filters(model, self.chance(0.25))
        chain.append({"annotate": annotations})
        for name, kind in kinds.items():
            if self.chance(0.35) and kind in ("integer", "text", "date"):
                suffix, value = self.pick("__gt", "__lte", ""), self.literal(kind)
                chain.append({self.pick("filter", "exclude"): {name + suffix: value}})
        more = [self.pick("", "-") + name for name, kind in kinds.items() if self.chance(0.3)]
        chain.append(self.page({}, model, more))
        if self.chance(0.3):
            chain.append({"values": ["pk"] + list(annotations)})
        return model, "query", self.body(chain)

    def grouped(self, model):
        groups, names = [], []
        for number in range(self.random.randrange(1, 3)):
            if self.chance(0.35):
                made, kind = self.expression(model)
                if kind in ("json", "texts", "integers", "range") or is_subquery(made):
                    made = self.number(model, 0)
                groups.append({"g%d" % number: made})
                names.append("g%d" % number)
            else:
                path, kind, _ = self.path(model, 2, False)
                if path not in groups and kind != "json":
                    groups.append(path)
                    names.append(path)
        if not groups:
            groups, names = ["pk"], ["pk"]
        annotations, kinds = {}, {}
        several = [one for one in RELATIONS[model] if one[2]]
        relation = self.random.choice(several) if several and self.chance(0.3) else None
        for number in range(self.random.randrange(1, 3)):
            name = "x%d" % number
            annotations[name], kinds[name] = self.aggregate(model, relation)
        if self.chance(0.4) and relation is None:
            annotations["n"], kinds["n"] = {"Count": "*"}, "integer"
        chain = self.filters(model, False)
        chain.append({"group_by": groups, "annotate": annotations})
        for name, kind in kinds.items():
            if self.chance(0.3) and kind == "integer":
                chain.append({"filter": {name + self.pick("__gt", "__lte"): self.random.randrange(5)}})
        if self.chance(0.7):
            order = [self.pick("", "-") + name for name in names]
            self.random.shuffle(order)
            last = {"order_by": order}
            if self.chance(0.3):
                last["limit"] = self.random.randrange(1, 10)
            chain.append(last)
        return model, "query", self.body(chain)

    def projected(self, model):
        chain = self.filters(model, self.chance(0.3))
        single = not any(is_several(clause) for clause in chain)
        items = []
        for number in range(self.random.randrange(1, 5)):
            path, kind, _ = self.path(model, 2, self.chance(0.15))
            if self.chance(0.25):
                items.append({"e%d" % number: self.expression(model)[0]})
            elif path not in items:
                items.append(path)
        word = self.pick("values", "values_list")
        clause = {word: items}
        if self.chance(0.3) and not is_json(items, model):
            clause["distinct"] = True
        elif single and not is_several({"values": items}):
            clause = self.page(clause, model)
        if word == "values_list" and len(items) == 1 and isinstance(items[0], str) and self.chance(0.5):
            clause["flat"] = True
        return model, "query", self.body(chain + [clause])

    def related(self, model):
        chain = self.filters(model, False)
        clause = self.page({}, model)
        clause.setdefault("order_by", ["pk"])
        single = [one for one in RELATIONS[model] if not one[2]]
        if single and self.chance(0.6):
            paths = []
            for _ in range(self.random.randrange(1, 3)):
                name, target, _, _ = self.random.choice(single)
                further = [one for one in RELATIONS[target] if not one[2]]
                paths.append(name + ("__" + self.random.choice(further)[0] if further and self.chance(0.4) else ""))
            clause["select_related"] = sorted(set(paths))
        prefetches, seen = [], set()
        for _ in range(self.random.randrange(3)):
            name, target, many, accessor = self.random.choice(RELATIONS[model])
            if not many or accessor in seen:
                continue
            seen.add(accessor)
            query = {"order_by": self.order(target)}
            if self.chance(0.4):
                query["filter"] = self.condition(target, 1, False)
            if self.chance(0.3):
                query["limit"] = self.random.randrange(1, 4)
            if self.chance(0.2):
                further = [one for one in RELATIONS[target] if not one[2]]
                if further:
                    query["select_related"] = [self.random.choice(further)[0]]
            one = {"path": accessor, "query": query}
            if self.chance(0.2):
                one["to_attr"] = "kept_" + accessor
            prefetches.append(one)
        if prefetches:
            clause["prefetch_related"] = prefetches
        return model, "query", self.body(chain + [clause])

    def counted(self, model):
        chain = self.filters(model)
        if self.chance(0.3):
            several = [one for one in RELATIONS[model] if one[2]]
            if several:
                chain = self.filters(model, False) + [{"annotate": {"x": self.aggregate(model, self.random.choice(several))[0]}}]
                if isinstance(chain[-1]["annotate"]["x"].get("Count"), (str, dict)):
                    chain.append({"filter": {"x__gte": self.random.randrange(4)}})
        method = self.pick("count", "exists", "first", "last")
        if method in ("first", "last"):
            chain.append({"order_by": self.order(model)})
        elif self.chance(0.2):
            chain.append({"distinct": True, "values": ["pk"]})
        chain = [clause for clause in chain if clause]
        return model, method, {"query": chain} if len(chain) != 1 else chain[0]

    def windowed(self, model):
        window = {"expr": self.random.choice([{"RowNumber": []}, {"Rank": []}, {"DenseRank": []}, {"Count": "pk"}, {"Ntile": 3},
                                              {"Lag": self.path_of(model, {"text", "integer", "key"}) or "pk"},
                                              {"Sum": self.path_of(model, {"integer", "key"}, 0) or "pk"},
                                              {"FirstValue": self.path_of(model, {"text", "integer"}) or "pk"}])}
        path, kind, _ = self.path(model, 1, False)
        if self.chance(0.7) and kind != "json":
            window["partition_by"] = [path]
        window["order_by"] = self.order(model)
        if self.chance(0.2):
            window["frame"] = {"type": "rows", "start": self.pick(None, -2, -1, 0), "end": self.pick(None, 0, 1)}
            if set(window["expr"]) & {"RowNumber", "Rank", "DenseRank", "Ntile", "Lag"}:
                del window["frame"]
        chain = self.filters(model, False) + [{"annotate": {"x": {"Window": window}}}]
        if self.chance(0.5) and set(window["expr"]) & {"RowNumber", "Rank", "DenseRank", "Count", "Ntile"}:
            chain.append({"filter": {"x" + self.pick("", "__lte", "__gt"): self.random.randrange(1, 4)}})
        chain.append(self.page({}, model, [self.pick("x", "-x")] if self.chance(0.3) else []))
        return model, "query", self.body(chain)

    def combined(self, model):
        key = KEYS.get(model, "id")
        columns = [key] + self.random.sample([column for column, kind in COLUMNS[model].items() if kind != "json" and column != key], 1)
        word = self.pick("union", "union", "intersection", "difference")
        others = []
        for _ in range(self.random.randrange(1, 3)):
            others.append({"model": model, "query": [{self.pick("filter", "exclude"): self.condition(model, 1)}, {"values": columns}]})
        clause = {self.pick("filter", "exclude"): self.condition(model, 1), "values": columns, word: others}
        last = {}
        if self.chance(0.7):
            last = {"order_by": [self.pick("", "-") + key]}
            if self.chance(0.4):
                last["limit"] = self.random.randrange(1, 20)
        if word == "union" and self.chance(0.3):
            clause["all"] = True
        return model, "query", self.body([clause, last])

    def whole(self, model):
        several = [one for one in RELATIONS[model] if one[2]]
        aggregates = {}
        for number in range(self.random.randrange(1, 4)):
            relation = self.random.choice(several) if several and self.chance(0.3) else None
            aggregates["x%d" % number] = self.aggregate(model, relation)[0]
        chain = self.filters(model, False)
        return model, "aggregate", {"query": chain, "aggregate": aggregates}


    def distinct_on(self, model):
        path, kind, _ = self.path(model, 1, False)
        if kind in ("json", "range"):
            path = "pk"
        clause = {"distinct": [path], "order_by": [self.pick("", "-") + path] + self.order(model)}
        if self.chance(0.3):
            clause["limit"] = self.random.randrange(1, 9)
        if self.chance(0.3):
            clause["values"] = [path, "pk"] if path != "pk" else ["pk"]
        return model, "query", self.body(self.filters(model, False) + [clause])

    def in_zone(self, model):
        model = self.pick("book", "review")
        path = {"book": "released", "review": "written_at"}[model]
        zone = self.pick("Europe/Berlin", "Asia/Tokyo", "America/New_York", "Asia/Kolkata", "UTC")
        suffix, value = self.random.choice([("__date__gt", "2019-01-01"), ("__hour", 23), ("__day", 1), ("__year", 2020), ("__month__lte", 3),
                                            ("__week_day", 1), ("__time__gte", "12:00:00"), ("__year__gt", 2021), ("__hour__in", [0, 8, 9])])
        clause = {"filter": {path + suffix: value}, "timezone": zone, "order_by": ["pk"]}
        if self.chance(0.7):
            name = self.pick("TruncDay", "TruncMonth", "TruncHour", "TruncDate", "TruncWeek", "ExtractHour", "ExtractDay", "ExtractWeekDay", "TruncTime")
            node = path if self.chance(0.6) else {"expr": path, "tzinfo": self.pick("Asia/Tokyo", "America/New_York")}
            clause["annotate"] = {"x": {name: node}}
        return model, "query", clause

    def looked_up(self, model):
        method = self.pick("in_bulk", "dates", "datetimes", "earliest", "latest", "get")
        if method == "dates":
            model, field = self.pick(("book", "published"), ("person", "born"), ("tagging", "added"))
            return model, method, {"query": self.filters(model), "field": field, "kind": self.pick("year", "month", "week", "day"), "order": self.pick("ASC", "DESC")}
        if method == "datetimes":
            model, field = self.pick(("book", "released"), ("review", "written_at"))
            return model, method, {"query": self.filters(model), "field": field, "kind": self.pick("year", "month", "day", "hour"), "order": self.pick("ASC", "DESC")}
        if method == "in_bulk":
            ids = ["de", "fr", "zz"] if model == "country" else self.random.sample(range(1, 95), 5)
            return model, method, {"query": self.filters(model, False), "ids": ids}
        if method == "get":
            return model, method, {"filter": {"pk": "de" if model == "country" else self.random.randrange(1, 99)}}
        return model, method, {"query": self.filters(model, False), "fields": [path for path in self.order(model) if isinstance(path, str)]}

    def filtered(self, model):
        """A FilteredRelation, joined, counted or shown."""
        name, target, many, _ = self.random.choice(RELATIONS[model])
        condition = {"%s__%s" % (name, path): value for path, value in self.leaf(target, False, 0).items() if not is_f(value)}
        clause = {"filtered_relation": {"fr": {"relation": name, "condition": condition or {name + "__isnull": False}}}}
        column = self.random.choice([column for column, kind in COLUMNS[target].items() if kind not in ("json",)])
        how = self.pick("filter", "count", "values")
        if how == "filter":
            clause["filter"] = {"fr__isnull": self.chance(0.3)}
        elif how == "count" and many:
            clause["annotate"] = {"x": {self.pick("Count", "Max", "Min"): "fr__" + column}} if COLUMNS[target][column] in (
                "integer", "text", "date", "key") else {"x": {"Count": "fr"}}
        else:
            clause["values"] = ["pk", "fr__" + column]
        return model, "query", self.body(self.filters(model, False) + [clause])


def is_f(value):
    return isinstance(value, dict) and set(value) == {"F"}


def is_subquery(value):
    return isinstance(value, dict) and "Subquery" in value


def is_json(items, model):
    return any(not isinstance(item, str) or "attributes" in item or "settings" in item for item in items)


def is_several(node):
    """Whether a path anywhere in the request joins a multi-valued relation; generous: names alone decide."""
    names = {one[0] for relations in RELATIONS.values() for one in relations if one[2]} - {"books"} | {"books"}
    if isinstance(node, dict):
        return any(set(key.split("__")[:-1]) & names or key in names or is_several(value) for key, value in node.items())
    if isinstance(node, list):
        return any(map(is_several, node))
    return isinstance(node, str) and bool(set(node.split("__")) & names)
