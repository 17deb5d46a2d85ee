"""A JSON request -> what Django answers to it: clause chains, methods, and the shape of rows.

Independent of Quern: written from Django's documentation and the protocol.  A request becomes a QuerySet (Scope) and a
description of how its rows are shown (Shape).  Where the protocol is right on purpose where Django is not (ticket 10060),
each aggregate is asked for by a query of its own.
"""

import contextlib
import itertools

import pytz
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import Case, F, FilteredRelation, OuterRef, Prefetch, Q, Subquery, Value, When, Window, functions
from django.utils import timezone
from expressions import Expressions
from named import beside, counts_rows, first_step, has_aggregate, is_count, is_written, members, mentions, paths_of, split

OWN = {"model", "aggregate", "fields", "ids", "field_name", "field", "kind", "order", "tzinfo"}
RELATED_LOOKUPS = {"exact", "in", "gt", "gte", "lt", "lte", "isnull"}
_aliases = itertools.count(1)


class Unsupported(Exception):
    """A question that this translator cannot put to Django."""


class Shape:
    """How rows of instances are shown: which members beside the columns."""

    def __init__(self):
        self.members = {}
        self.slice = None
        self.annotations = ()

    def member(self, name):
        return self.members.setdefault(name, Shape())

    def show(self, instance):
        hidden = instance.get_deferred_fields()
        row = {field.attname: getattr(instance, field.attname) for field in instance._meta.concrete_fields
               if field.attname not in hidden}
        row.update({name: getattr(instance, name) for name in self.annotations})
        for name, shape in self.members.items():
            row[name] = shape.show_related(instance, name)
        return row

    def show_related(self, instance, name):
        try:
            found = getattr(instance, name)
        except models.ObjectDoesNotExist:
            return None
        if isinstance(found, models.Manager):
            found = list(found.all())
        if isinstance(found, list):
            return [self.show(item) for item in (found[self.slice] if self.slice else found)]
        return None if found is None else self.show(found)


class OneValue(Subquery):
    """A subquery that is grouped by itself, not by the outer columns that it names."""

    def get_group_by_cols(self, alias=None):
        return [self]


class Scope(Expressions):
    """A queryset while clauses are applied to it."""

    def __init__(self, world, model, outer=None, qs=None):
        self.world = world
        self.model = model
        self.outer = outer
        self.qs = model._default_manager.all() if qs is None else qs
        self.shape = Shape()
        self.windows = set()
        self.conditions = []
        self.aggregated = {}
        self.siblings = []
        self.groups = None
        self.counts = None
        self.later = set()
        self.zone = outer.zone if outer else None
        self.filtered = {}
        self.negations = 0
        self.in_filter = False

    # ---- negation ----

    @contextlib.contextmanager
    def negation(self):
        self.negations += 1
        yield
        self.negations -= 1

    @property
    def splits(self):
        """Whether a negation is said in full, as the protocol has it: NOT EXISTS over a multi-valued relation, where
        Django's own Query.split_exclude goes wrong when a table is joined twice; and NOT (a = 1 AND a IS NOT NULL),
        where Django leaves the second half away if an earlier condition had made the join an INNER one."""
        return bool(self.world.splits) and self.in_filter and self.negations > 0

    # ---- names ----

    def child(self, model):
        return Scope(self.world, model, self)

    def nested(self, query, model=None):
        scope = Scope(self.world, self.world.model(query["model"]) if "model" in query else model, self)
        scope.apply(query)
        return scope.qs

    def alias(self, expression):
        name = "alias%d" % next(_aliases)
        self.qs = self.qs.alias(**{name: expression})
        return name

    def walk(self, path):
        """The fields of a path as far as it goes, and the words behind it."""
        found, words, model = [], path.split("__"), self.model
        while words and model is not None:
            name = model._meta.pk.name if words[0] == "pk" else words[0]
            try:
                field = model._meta.get_field(name)
            except FieldDoesNotExist:
                break
            found.append(field)
            words = words[1:]
            model = field.related_model if field.is_relation else None
        return found, words

    def field_and_lookup(self, name):
        """What the left side of a condition is of, and its lookup."""
        first, _, rest = name.partition("__")
        if first in self.qs.query.annotations:
            return self.infer(F(first)), rest or "exact"
        fields, words = self.walk(name)
        field = fields[-1] if fields else None
        if isinstance(field, ArrayField) and words and words[0].isdigit():
            return field.base_field, words[1] if len(words) > 1 else "exact"
        if len(words) > 1:
            return None, words[-1]
        return field, words[0] if words else "exact"

    def own_column(self, name):
        """`country_id__startswith` asks the column; Django knows the name of the column but for few lookups."""
        fields, words = self.walk(name)
        parts = name.split("__")
        field = fields[-1] if fields else None
        if (field is None or not field.is_relation or not field.concrete or field.many_to_many or not words
                or words[0] in RELATED_LOOKUPS or parts[len(fields) - 1] != field.attname):
            return name
        return "__".join(parts[: len(fields) - 1] + [field.name, field.target_field.name] + words)

    def column_of(self, name):
        """The path of a condition as far as its column, without transforms and lookup."""
        if name.split("__")[0] in self.qs.query.annotations:
            return None
        fields, _ = self.walk(name)
        return "__".join(name.split("__")[: len(fields)])

    def is_multiple(self, path):
        fields, words = self.walk(path)
        return bool(fields) and not words and bool(fields[-1].one_to_many or fields[-1].many_to_many)

    def related(self, path):
        """The model at the end of a path, and the lookup that leads from it back to here."""
        fields, _ = self.walk(path)
        back = [field.field.name if field.auto_created and not field.concrete else field.related_query_name()
                for field in reversed(fields)]
        return fields[-1].related_model, "__".join(back + ["pk"])

    def multiple_root(self, path):
        """The path as far as its last multi-valued relation, or None.  A many-to-many is two steps, the first of them
        multi-valued and the same as that to the model in between."""
        first = path.split("__")[0]
        if first in self.filtered:
            return "~" + first if self.multiple_root(self.filtered[first]["relation"]) else None
        names, found = [], None
        for field in self.walk(path)[0]:
            if field.many_to_many:
                names.append(first_step(field))
                found = "__".join(names)
                names.append(field.name)
                continue
            names.append(field.name)
            if field.one_to_many:
                found = "__".join(names)
        return found

    def there(self, path):
        """That the row at a path's end is there: NULLs that a LEFT JOIN made are no rows."""
        fields, _ = self.walk(path)
        relations = [field for field in fields if field.is_relation]
        if not any(field.one_to_many or field.many_to_many for field in relations):
            return None
        last = max(number for number, field in enumerate(fields) if field.one_to_many or field.many_to_many)
        return Q(**{"__".join(path.split("__")[: last + 1]) + "__pk__isnull": False})

    # ---- which paths a piece of a request names ----

    def roots(self, node, is_condition=False):
        """The multi-valued relations of this scope's model that an expression or condition joins."""
        return {root for root in map(self.multiple_root, paths_of(node, is_condition)) if root}

    def aggregate_filter(self, node, arguments):
        """A filter over another relation than the aggregate's does not multiply its rows."""
        if node is None:
            return None
        own = set()
        for item in arguments:
            own |= self.roots(item)
        found = Q()
        for name, value in node.items():
            if self.roots({name: value}, True) - own and own:
                scope = Scope(self.world, self.model)
                scope.filter({name: value})
                part = Q(pk__in=scope.qs.order_by().values("pk"))
            else:
                part = self.condition_member(name, value)
            found &= part
        return found or None

    # ---- clauses ----

    def apply(self, query):
        chain = query if isinstance(query, list) else query.get("query", query)
        chain = chain if isinstance(chain, list) else [chain]
        for number, clause in enumerate(chain):
            self.rest = [one for one in chain[number:]]
            self.later = set().union(*(self.roots(one.get(word, {}), True) for one in chain[number + 1:]
                                       for word in ("filter", "exclude")))
            self.apply_clause({name: value for name, value in clause.items() if name not in OWN})
        if self.groups is not None and not self.aggregated and not self.qs.query.is_sliced:
            self.qs = self.qs.distinct()  # groups are groups without an aggregate too
        self.shape.annotations = tuple(self.qs.query.annotation_select)
        return self

    def apply_clause(self, clause):
        clause = dict(clause)
        if "timezone" in clause:
            self.zone = clause.pop("timezone")
            timezone.activate(pytz.timezone(self.zone))
        if clause.pop("none", False):
            self.qs = self.qs.none()
        self.join_filtered(clause.pop("filtered_relation", {}))
        aliases = clause.pop("alias", {})
        for name, node in aliases.items():
            # What nothing names is not joined, and does not repeat rows.
            others = [{one: value for one, value in aliases.items() if one != name}, clause, self.rest[1:]]
            if self.roots(node) and not has_aggregate(node) and not is_written(others, name):
                continue
            self.annotate(name, node, is_alias=True)
        names = set(clause.get("annotate", {}))
        early, late = split(clause.pop("filter", {}), names)
        exclude = clause.pop("exclude", None)
        if early:
            self.filter(early)
        if exclude is not None and not mentions(exclude, names):
            self.exclude(exclude)
        if "group_by" in clause:
            self.group(clause.pop("group_by"))
        annotate = clause.pop("annotate", {})
        self.siblings = [node for node in annotate.values() if has_aggregate(node)]
        self.later |= self.roots(late, True)
        for name, node in annotate.items():
            self.annotate(name, node)
        if late:
            self.filter(late)
        if exclude is not None and mentions(exclude, names):
            self.exclude(exclude)
        self.project(clause)
        self.combine(clause)
        self.relate(clause)
        self.arrange(clause)
        if clause:
            raise Unsupported("clauses %s" % sorted(clause))

    def join_filtered(self, relations):
        for name, described in relations.items():
            self.filtered[name] = described
            self.qs = self.qs.annotate(**{name: FilteredRelation(
                described["relation"], condition=self.condition(described.get("condition", {})))})

    def thaw_windows(self, node):
        """Django 3.2 cannot filter on a window: its values become a table of constants by primary key."""
        for name in list(self.windows):
            if not mentions(node, {name}):
                continue
            field = self.infer(F(name))
            values = list(self.qs.order_by().values_list("pk", name))
            whens = [When(pk=pk, then=Value(value)) for pk, value in values]
            table = Case(*whens, default=Value(None), output_field=field) if whens else Value(None, output_field=field)
            self.qs = self.qs.annotate(**{name: table})
            self.windows.discard(name)

    def filter(self, node):
        self.thaw_windows(node)
        self.conditions.append(("filter", node))
        self.in_filter = True
        found = self.condition(node)
        self.in_filter = False
        self.qs = self.qs.filter(found)

    def exclude(self, node):
        self.thaw_windows(node)
        self.conditions.append(("exclude", node))
        self.in_filter = True
        with self.negation():
            found = self.condition(node)
        self.in_filter = False
        self.qs = self.qs.exclude(found)

    def group(self, items):
        if not items:
            raise Unsupported("no groups")
        # Meta.ordering takes no part in groups; Django 3.2 says so and yet groups by a relation in it.
        if not self.qs.query.order_by and not self.qs.query.extra_order_by:
            self.qs = self.qs.order_by()
        paths, expressions = self.projection(items)
        if not paths and not expressions:
            raise Unsupported("no groups")
        for name in paths:
            if name in self.qs.query.annotations and name not in self.qs.query.annotation_select:
                self.qs.query.append_annotation_mask([name])
        self.groups = [name for name in paths] + list(expressions)
        self.group_nodes = {name: node for item in items if isinstance(item, dict) for name, node in item.items()}
        self.qs = self.qs.values(*paths, **expressions)

    def projection(self, items):
        if isinstance(items, dict):
            items = [items]
        paths, expressions = [], {}
        for item in items:
            if isinstance(item, str):
                paths.append(item)
            else:
                for name, node in item.items():
                    expressions[name] = self.expression(node)
        return paths, expressions

    def annotate(self, name, node, is_alias=False):
        if self.joins_too_much(name, node):
            made = self.aggregate_of_its_own(node)
            if self.groups is not None or self.later or any(self.roots(one, True) for _, one in self.conditions):
                self.alias(models.Count("pk"))  # one row for each, as an aggregate in place makes it
        else:
            made = self.expression(node)
        if isinstance(made, Window):
            self.windows.add(name)
        self.qs = self.qs.alias(**{name: made}) if is_alias else self.qs.annotate(**{name: made})

    # ---- ticket 10060 ----

    def joins_too_much(self, name, node):
        """Whether the rows of this aggregate would be multiplied by another join: then it is a query of its own."""
        if not has_aggregate(node):
            return False
        own = self.roots(node)
        if counts_rows(node):
            # Count("*") counts the rows of the query, which joins of its conditions multiply.
            own = self.later.union(*(self.roots(one, True) for _, one in self.conditions))
        others = set().union(*self.aggregated.values()) if self.aggregated else set()
        for sibling in self.siblings:
            others |= self.roots(sibling)
        for _, condition in self.conditions:
            others |= self.roots(condition, True)
        self.aggregated[name] = own
        if not counts_rows(node) and len(self.filters_on(own)) > 1:
            return True
        if counts_rows(node) and own and beside(others, own):
            raise Unsupported("rows counted beside other aggregates and conditions over relations")
        return bool(beside(others, own) or (self.later and not counts_rows(node)))

    def paths(self, node):
        return paths_of(node)

    def unsupported(self, words):
        return Unsupported(words)

    def has_aggregate(self, node):
        return has_aggregate(node)

    def aggregate_of_its_own(self, node):
        if any(isinstance(item, str) and self.multiple_root(item) for item in self.groups or []):
            raise Unsupported("several aggregates grouped by a multi-valued relation")
        scope = Scope(self.world, self.model, self)
        self.rows_for(node, scope)
        if self.groups is None:
            scope.qs = scope.qs.filter(pk=OuterRef("pk")).order_by().values("pk")
        else:
            for name in self.groups:
                key, outer = (functions.Coalesce(functions.Cast(one, models.TextField()), Value("~none"),
                                                 output_field=models.TextField())
                              for one in (scope.expression(self.group_nodes.get(name, name)), OuterRef(name)))
                name = scope.alias(key)
                scope.qs = scope.qs.filter(**{name: outer})
            scope.qs = scope.qs.order_by().annotate(one_=Value(1)).values("one_")
        made = scope.expression(node)
        scope.qs = scope.qs.annotate(own_=made).values("own_")
        found = OneValue(scope.qs, output_field=self.infer(made))
        if is_count(node):
            return functions.Coalesce(found, Value(0), output_field=models.BigIntegerField())
        return found

    def filters_on(self, own):
        """The filters with a condition on an aggregate's path: each has found rows of its own, and the aggregate is of
        those that the last one found."""
        return [number for number, (kind, condition) in enumerate(self.conditions)
                if kind == "filter" and any(not beside({root}, own) for root in self.roots(condition, True))]

    def rows_for(self, node, scope):
        """Into a scope of this model: the conditions so far, as the rows that this aggregate's relation has see them."""
        own = self.roots(node)
        scope.join_filtered(self.filtered)
        last = max(self.filters_on(own), default=None)
        for number, (kind, condition) in enumerate(self.conditions):
            if mentions(condition, set(self.aggregated)):
                continue
            together = {}
            for name, value in members(kind, condition):
                roots = self.roots({name: value}, True)
                elsewhere = roots if roots and number != last and kind == "filter" else beside(roots, own)
                if not elsewhere:
                    together[name] = value
                    continue
                if elsewhere != roots:
                    raise Unsupported("a condition over an aggregate's relation and another one")
                if any(one.startswith(path + "__") for one in elsewhere for path in own):
                    raise Unsupported("an aggregate over a relation that a deeper condition filters")
                kept = Scope(self.world, self.model)
                getattr(kept, kind)({name: value})
                scope.qs = scope.qs.filter(pk__in=kept.qs.order_by().values("pk"))
            if together:
                getattr(scope, kind)(together)

    def rows_of(self, node):
        """The scope in which this aggregate of all rows has the rows of its relation, each once."""
        others = set().union(*(self.roots(one, True) for _, one in self.conditions)) if self.conditions else set()
        if counts_rows(node) or not beside(others, self.roots(node)):
            return self
        if self.qs.query.annotations or self.qs.query.is_sliced or self.qs.query.distinct:
            raise Unsupported("an aggregate of annotated rows that a condition multiplies")
        scope = Scope(self.world, self.model)
        self.rows_for(node, scope)
        return scope

    # ---- projection, order, slice ----

    def project(self, clause):
        flat = clause.pop("flat", False)
        for word in ("values", "values_list"):
            if word not in clause:
                continue
            items = clause.pop(word)
            if items is True:
                self.qs = getattr(self.qs, word)()
                continue
            given = [items] if isinstance(items, dict) else items
            order, expressions = [], {}
            for item in given:
                if isinstance(item, str):
                    order.append(item)
                else:
                    for name, node in item.items():
                        order.append(name)
                        expressions[name] = self.expression(node)
            self.qs = self.qs.annotate(**expressions) if expressions else self.qs
            self.qs = self.qs.values_list(*order, flat=flat) if word == "values_list" else self.qs.values(*order)
        for word in ("only", "defer"):
            if word in clause:
                self.qs = getattr(self.qs, word)(*clause.pop(word))

    def combine(self, clause):
        for word in ("union", "intersection", "difference"):
            if word not in clause:
                continue
            others = [self.nested(query, self.model) for query in clause.pop(word)]
            options = {"all": True} if clause.pop("all", False) else {}
            self.qs = getattr(self.qs, word)(*others, **options)

    def relate(self, clause):
        if "select_related" in clause:
            items = clause.pop("select_related")
            if items is False:
                self.qs = self.qs.select_related(None)
            elif items is True:
                self.qs = self.qs.select_related()
                self.select_all(self.shape, self.model, 5)
            else:
                self.qs = self.qs.select_related(*items)
                for path in items:
                    shape = self.shape
                    for name in path.split("__"):
                        shape = shape.member(name)
        for item in clause.pop("prefetch_related", []) or []:
            self.prefetch(item)

    def select_all(self, shape, model, depth):
        for field in model._meta.fields:
            if depth and field.is_relation and not field.null:
                self.select_all(shape.member(field.name), field.related_model, depth - 1)

    def prefetch(self, item):
        if isinstance(item, str):
            item = {"path": item}
        names = item["path"].split("__")
        shape, model = self.shape, self.model
        for name in names[:-1]:
            shape, model = shape.member(name), self.related_by_accessor(model, name)
        to_attr = item.get("to_attr")
        if "query" not in item:
            shape.member(to_attr or names[-1])
            self.qs = self.qs.prefetch_related(Prefetch(item["path"], to_attr=to_attr) if to_attr else item["path"])
            return
        scope = Scope(self.world, self.related_by_accessor(model, names[-1]), self)
        cut = scope.apply_uncut(item["query"])
        scope.shape.slice = cut
        shape.members[to_attr or names[-1]] = scope.shape
        self.qs = self.qs.prefetch_related(Prefetch(item["path"], queryset=scope.qs, to_attr=to_attr))

    def apply_uncut(self, query):
        """All of a nested query but its slice, which is for each parent."""
        chain = query if isinstance(query, list) else query.get("query", [query])
        chain = [dict(clause) for clause in (chain if isinstance(chain, list) else [chain])]
        offset, limit = chain[-1].pop("offset", 0), chain[-1].pop("limit", None)
        self.apply(chain)
        return slice(offset, None if limit is None else offset + limit)

    def related_by_accessor(self, model, name):
        for field in model._meta.get_fields():
            accessor = field.get_accessor_name() if field.auto_created and not field.concrete else field.name
            if accessor == name and field.is_relation:
                return field.related_model
        # What an earlier prefetch put under a name of its own.
        raise Unsupported("prefetch through to_attr %s" % name)

    def arrange(self, clause):
        if "order_by" in clause:
            items = clause.pop("order_by")
            made = [item if isinstance(item, str) else self.order(item) for item in items]
            self.qs = self.qs.order_by(*made)
        if clause.pop("reverse", False):
            self.qs = self.qs.reverse()
        if "distinct" in clause:
            wanted = clause.pop("distinct")
            if wanted is not False:
                self.qs = self.qs.distinct() if wanted is True else self.qs.distinct(*wanted)
        count = clause.pop("count", None)
        if count is True:
            self.counts = self.qs.order_by().count() if not self.qs.query.combinator else self.qs.count()
        offset, limit = clause.pop("offset", 0), clause.pop("limit", None)
        if offset or limit is not None:
            self.qs = self.qs[offset: None if limit is None else offset + limit]

    # ---- answers ----

    def rows(self, qs=None):
        qs = self.qs if qs is None else qs
        if qs._fields is None:
            return [self.shape.show(instance) for instance in qs]
        return [list(row) if isinstance(row, tuple) else row for row in qs]

    def row(self, found):
        if found is None or not isinstance(found, models.Model):
            return list(found) if isinstance(found, tuple) else found
        return self.shape.show(found)
