"""JSON expressions and conditions -> Django expressions and Q objects.

Written from Django's documentation and the protocol alone; it knows nothing of Quern's code.  Where Django 3.2 lacks
something that later versions have (xor, inferred types of mixed arithmetic, `default` of an aggregate), it is spelled
out with what 3.2 has.
"""

import decimal
import json

from django.contrib.postgres import aggregates as postgres
from django.contrib.postgres.fields import RangeField
from django.contrib.postgres.fields.ranges import DateRangeField, DateTimeRangeField, DateTimeTZRange, NumericRange
from django.core.exceptions import FieldError
from django.db import models
from django.db.models import (
    Case, Exists, ExpressionWrapper, F, Func, OuterRef, Q, Subquery, Value, When, Window, functions,
)
from django.db.models.expressions import OrderBy, RowRange, ValueRange
from django.utils.dateparse import parse_date, parse_datetime, parse_duration, parse_time
from psycopg2.extras import DateRange

ARITHMETIC = {"+": "__add__", "-": "__sub__", "*": "__mul__", "/": "__truediv__", "%": "__mod__", "^": "__pow__",
              "&": "bitand", "|": "bitor", "#": "bitxor", "<<": "bitleftshift", ">>": "bitrightshift"}
AGGREGATES = {"Count", "Sum", "Avg", "Min", "Max", "StdDev", "Variance"}
ARRAYS = {"ArrayAgg", "JSONBAgg"}
WINDOW_NUMBERS = {"Ntile": 0, "NthValue": 1, "Lag": 1, "Lead": 1}
PLAIN_NUMBERS = {"Left": 1, "Right": 1, "Repeat": 1, "LPad": 1, "RPad": 1}
INTEGERS = {"AutoField", "BigAutoField", "SmallAutoField", "IntegerField", "BigIntegerField", "SmallIntegerField",
            "PositiveIntegerField", "PositiveBigIntegerField", "PositiveSmallIntegerField", "ForeignKey", "OneToOneField"}
QUESTIONS = {"some", "none", "every", "count", "where"}
NOBODY = ~Q(pk__isnull=False)
EVERYBODY = ~NOBODY


class ArrayAgg(postgres.ArrayAgg):
    """As in Django 5: NULL over no rows."""

    def convert_value(self, value, expression, connection):
        return value


class JSONBAgg(postgres.JSONBAgg):
    def convert_value(self, value, expression, connection):
        return value

    def get_db_converters(self, connection):
        return [self.loaded]

    @staticmethod
    def loaded(value, expression, connection):
        return json.loads(value) if isinstance(value, str) else value


class StringAgg(postgres.StringAgg):
    output_field = models.TextField()

    def convert_value(self, value, expression, connection):
        return value


class RoundTo(Func):
    """Round with a precision, which Django has from 4.0 on."""

    function = "ROUND"
    template = "ROUND((%(expressions)s))"
    arg_joiner = ")::numeric, ("


class InBrackets(Func):
    """A condition as a value; Django 3.2 writes what follows straight behind it."""

    template = "(%(expressions)s)"
    output_field = models.BooleanField()


class Concat(Func):
    """In any mixture of text types; NULL is no text."""

    function = "CONCAT"


class ArraySubquery(Subquery):
    template = "ARRAY(%(subquery)s)"


def is_expression(value):
    if not isinstance(value, dict) or len(value) != 1:
        return False
    name = next(iter(value))
    return name in ARITHMETIC or name[:1].isupper()


def raised(value):
    """An expression as it is seen from a query one deeper: its columns are the outer ones."""
    if isinstance(value, list):
        return [raised(item) for item in value]
    if isinstance(value, dict) and len(value) == 1:
        name, inner = named(value)
        if name == "F":
            return {"OuterRef": inner}
        if name in ARITHMETIC:
            return {name: raised(inner)}
    return value


def named(value):
    return next(iter(value.items()))


def aggregate_class(name):
    if name in AGGREGATES:
        return getattr(models, name)
    for own in (ArrayAgg, JSONBAgg, StringAgg):
        if own.__name__ == name:
            return own
    return getattr(postgres, name, None)


def field_of_type(described):
    described = {"type": described} if isinstance(described, str) else dict(described)
    kind = described.pop("type")
    if kind == "DecimalField":
        described = {"max_digits": 40, "decimal_places": 10, **described}
    if kind == "CharField":
        described.setdefault("max_length", 200)
    if "base_field" in described:
        described["base_field"] = field_of_type(described["base_field"])
    import oracle
    return oracle.field_class(kind)(**described)


def kind_of(field):
    """What arithmetic makes of a field: a word for each family of types."""
    if field is None:
        return None
    while getattr(field, "target_field", None) is not None and field.remote_field:
        field = field.target_field
    name = field.get_internal_type()
    if name in INTEGERS:
        return "integer"
    return {"DecimalField": "decimal", "FloatField": "float", "DateField": "date", "DateTimeField": "datetime",
            "TimeField": "time", "DurationField": "duration"}.get(name, name)


def literal(value, field):
    """A JSON value as the Python value that this field holds."""
    kind = kind_of(field)
    if isinstance(field, RangeField) and isinstance(value, dict) and ("lower" in value or "empty" in value):
        return range_of(value, field)
    if isinstance(value, list) and hasattr(field, "base_field"):
        return [literal(item, field.base_field) for item in value]
    if kind == "decimal" and isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return decimal.Decimal(str(value))
    if isinstance(value, str):
        parse = {"date": parse_date, "datetime": parse_datetime, "time": parse_time, "duration": parse_duration,
                 "float": float, "integer": int}.get(kind)
        return parse(value) if parse else value
    return value


def range_of(value, field):
    kind = {DateRangeField: DateRange, DateTimeRangeField: DateTimeTZRange}.get(type(field), NumericRange)
    if value.get("empty"):
        return kind(empty=True)
    lower, upper = (literal(value.get(end), field.base_field) for end in ("lower", "upper"))
    return kind(lower, upper, value.get("bounds", "[)"))


def joined(kinds, sign):
    """The type of arithmetic, by the kinds of its operands."""
    numbers = ["integer", "decimal", "float"]
    left, right = kinds
    if left in numbers and right in numbers:
        return max(left, right, key=numbers.index)
    if sign == "-" and left == right and left in ("date", "datetime", "time"):
        return "duration"
    if "duration" in kinds:
        other = right if left == "duration" else left
        return {"date": "datetime", "integer": "duration", "decimal": "duration", "float": "duration"}.get(other, other)
    if left is None or right is None:
        return left or right
    raise FieldError("mixed types: %s %s %s" % (left, sign, right))


FIELDS = {"integer": models.IntegerField, "float": models.FloatField, "date": models.DateField,
          "datetime": models.DateTimeField, "time": models.TimeField, "duration": models.DurationField,
          "decimal": lambda: models.DecimalField(max_digits=60, decimal_places=20)}


class Expressions:
    """The half of a scope that makes expressions; translator.Scope adds the queryset."""

    # ---- types ----

    def infer(self, expression):
        """The output field of an expression here, or None where only its neighbours can say."""
        if isinstance(expression, OuterRef):
            return self.outer.infer(F(expression.name))
        if isinstance(expression, Value) and expression._output_field_or_none is None:
            return None
        try:
            resolved = expression.resolve_expression(self.qs.query.chain(), allow_joins=True)
        except (ValueError, AttributeError):
            return getattr(expression, "output_field", None)
        field = getattr(resolved, "_output_field_or_none", None)
        return field if field is not None else getattr(resolved, "output_field", None)

    def kind(self, expression):
        return kind_of(self.infer(expression))

    def settle(self, arguments):
        """Literals among the arguments take their type from the others."""
        fields = [self.infer(item) for item in arguments if not isinstance(item, Value)]
        field = next((field for field in fields if field is not None), None)
        made = []
        for item in arguments:
            if isinstance(item, Value) and field is not None and item.value is not None:
                made.append(self.literal_beside(item.value, field))
            else:
                made.append(item)
        return made

    def literal_beside(self, value, field):
        if kind_of(field) in ("integer", "float", "decimal") and isinstance(value, (int, float)):
            return Value(value)
        if kind_of(field) == "integer" and isinstance(value, str):
            return Value(decimal.Decimal(value))
        if kind_of(field) in ("date", "datetime", "time") and isinstance(value, str) and value[:1] in "P-+":
            return Value(parse_duration(value), output_field=models.DurationField())
        made = literal(value, field)
        if isinstance(made, decimal.Decimal):
            return Value(made, output_field=FIELDS["decimal"]())
        return Value(made, output_field=field if hasattr(field, "base_field") or isinstance(field, models.JSONField) else
                     Value(made)._output_field_or_none)

    def common_field(self, arguments):
        kinds = [kind for kind in (self.kind(item) for item in arguments) if kind is not None]
        field = next((field for field in (self.infer(item) for item in arguments) if field is not None), None)
        if not kinds or all(kind == kinds[0] for kind in kinds):
            return field
        kind = kinds[0]
        for other in kinds[1:]:
            kind = kind if kind == other else joined((kind, other), "+") if kind in FIELDS else kind
        return FIELDS[kind]() if kind in FIELDS else field

    # ---- expressions ----

    def expression(self, node, place="expression"):
        if isinstance(node, str):
            return F(node) if place == "expression" else Value(node)
        if not isinstance(node, dict):
            return Value(node)
        name, value = named(node)
        if name in ARITHMETIC:
            return self.arithmetic(name, value, place)
        method = getattr(self, "make_" + name, None)
        if method:
            return method(value)
        if aggregate_class(name):
            return self.aggregate(name, value)
        return self.call(name, value)

    def arithmetic(self, sign, operands, place):
        operands = operands if isinstance(operands, list) else [operands]
        items = self.settle([self.expression(item, place) for item in operands])
        if len(items) == 1:
            return ExpressionWrapper(items[0] * Value(-1), output_field=self.infer(items[0]))
        found = items[0]
        for item in items[1:]:
            kind = joined((self.kind(found), self.kind(item)), sign)
            field = FIELDS[kind]()
            if kind == "integer" and "BigIntegerField" in {
                    self.infer(one).get_internal_type() for one in (found, item) if self.infer(one)}:
                field = models.BigIntegerField()
            found = ExpressionWrapper(getattr(found, ARITHMETIC[sign])(item), output_field=field)
        return found

    def make_F(self, path):
        return F(path)

    def make_Value(self, value):
        if isinstance(value, (dict, list)):
            return Value(value, output_field=models.JSONField())
        return Value(value)

    def make_OuterRef(self, path):
        return OuterRef(path)

    def make_Q(self, node):
        return InBrackets(ExpressionWrapper(self.condition(node), output_field=models.BooleanField()))

    def make_Case(self, items):
        whens = [(self.condition(item["when"]), self.expression(item["then"])) for item in items if "when" in item]
        default = next((self.expression(item["default"]) for item in items if "default" in item and "when" not in item),
                       Value(None))
        results = self.settle([then for _, then in whens] + [default])
        field = self.common_field(results)
        return Case(*[When(when, then=then) for (when, _), then in zip(whens, results)], default=results[-1],
                    output_field=field)

    def make_Exists(self, query):
        return Exists(self.nested(query))

    def make_Subquery(self, query):
        return Subquery(self.nested_column(query))

    def make_ArraySubquery(self, query):
        from django.contrib.postgres.fields import ArrayField
        found = self.nested_column(query)
        if not found.query.is_sliced:
            found = found[:10 ** 9]  # Django 3.2 drops the order of what is not sliced
        return ArraySubquery(found, output_field=ArrayField(self.clean(found.query.output_field)))

    def clean(self, field):
        while field.remote_field:
            field = field.target_field
        """The field as a value's type, without what belongs to its column."""
        return models.BigIntegerField() if kind_of(field) == "integer" else field.clone()

    def nested_column(self, query):
        found = self.nested(query)
        return found if found._fields is not None else found.values("pk")

    def make_Cast(self, value):
        return functions.Cast(self.expression(value[0]), field_of_type(value[1]))

    def make_ExpressionWrapper(self, value):
        inner, field = value[0], field_of_type(value[1])
        made = self.expression(inner)
        if isinstance(made, Value):
            return Value(literal(made.value, field), output_field=field)
        if isinstance(made, ExpressionWrapper):
            made = made.expression
        return ExpressionWrapper(made, output_field=field)

    def make_Window(self, value):
        frame = value.get("frame")
        if frame is not None:
            frame = (RowRange if frame["type"] == "rows" else ValueRange)(start=frame.get("start"), end=frame.get("end"))
        made = self.expression(value["expr"])
        return Window(made, partition_by=[self.expression(item) for item in value.get("partition_by", [])] or None,
                      order_by=[self.order(item) for item in value.get("order_by", [])] or None, frame=frame,
                      output_field=self.clean(self.infer(made)))

    def make_JSONObject(self, value):
        return functions.JSONObject(**{name: self.expression(item) for name, item in value.items()})

    def make_Collate(self, value):
        return functions.Collate(self.expression(value[0]), value[1]["Value"])

    def make_Round(self, value):
        if not isinstance(value, list) or len(value) == 1:
            made = self.expression(value[0] if isinstance(value, list) else value)
            return functions.Round(made)
        made = self.expression(value[0])
        return RoundTo(made, Value(value[1]), output_field=self.infer(made))

    def aggregate(self, name, node):
        options = dict(node) if isinstance(node, dict) and not is_expression(node) else {"expr": node}
        arguments = options["expr"] if isinstance(options["expr"], list) else [options["expr"]]
        sees_rows = name in ARRAYS
        given = {}
        if options.get("distinct"):
            given["distinct"] = True
        if "sample" in options:
            given["sample"] = options["sample"]
        if "order_by" in options:
            given["ordering"] = [self.order(item) for item in options["order_by"]]
        if "delimiter" in options:
            given["delimiter"] = options["delimiter"]
        condition = self.aggregate_filter(options.get("filter"), arguments)
        there = self.row_is_there(arguments, sees_rows)
        if there is not None:
            condition = there if condition is None else condition & there
        if condition is not None:
            given["filter"] = condition
        made = [item if item == "*" else self.expression(item) for item in arguments]
        found = aggregate_class(name)(*made, **given)
        if "default" in options:
            default = self.expression(options["default"])
            return functions.Coalesce(*self.settle([found, default]), output_field=self.infer(found))
        return found

    def row_is_there(self, arguments, sees_rows):
        """The NULLs of a LEFT JOIN are no rows of the relation: nothing that an expression may turn into a value."""
        if not sees_rows and all(isinstance(item, str) for item in arguments):
            return None
        for item in arguments:
            for path in self.paths(item):
                there = self.there(path)
                if there is not None:
                    return there
        return None

    def call(self, name, node):
        function = getattr(functions, name)
        options = dict(node) if isinstance(node, dict) and not is_expression(node) else {"expr": node}
        arguments = options.pop("expr")
        arguments = arguments if isinstance(arguments, list) else [arguments]
        if "tzinfo" in options:
            import pytz
            options["tzinfo"] = pytz.timezone(options["tzinfo"])
        if name in WINDOW_NUMBERS or name in PLAIN_NUMBERS:
            return self.call_with_number(function, name, arguments)
        made = self.settle([self.expression(item) for item in arguments])
        if name in ("Coalesce", "Greatest", "Least", "NullIf"):
            return function(*made, output_field=self.common_field(made))
        if name in ("Chr", "Concat", "Replace", "Substr"):
            return (Concat if name == "Concat" else function)(*made, output_field=models.TextField())
        if name in ("Power", "Mod", "ATan2", "Log"):
            kind = joined((self.kind(made[0]), self.kind(made[1])), "*")
            field = models.FloatField() if kind == "integer" and name != "Mod" else FIELDS[kind]()
            return function(*made, output_field=field)
        return function(*made, **options)

    def call_with_number(self, function, name, arguments):
        place = WINDOW_NUMBERS.get(name, PLAIN_NUMBERS.get(name))
        made = [item if number == place and not isinstance(item, dict) else self.expression(item)
                for number, item in enumerate(arguments)]
        if name in ("Lag", "Lead") and len(made) == 3:
            made = made[:2] + self.settle([made[0], made[2]])[1:]
            made[2] = made[2].value if isinstance(made[2], Value) else made[2]
        return function(*made)

    def order(self, item):
        if isinstance(item, str):
            if item == "?":
                return functions.Random().asc()
            return OrderBy(F(item.lstrip("-+")), descending=item.startswith("-"))
        if is_expression(item):
            item = {"expr": item}
        nulls = item.get("nulls")
        made = self.expression(item["expr"])
        if self.has_aggregate(item["expr"]):
            made = F(self.alias(made))
        return OrderBy(made, descending=bool(item.get("desc")),
                       nulls_first=nulls == "first", nulls_last=nulls == "last")

    # ---- conditions ----

    def condition(self, node):
        parts = [self.condition_member(name, value) for name, value in node.items()]
        return self.combination("and", parts)

    def condition_member(self, name, value):
        if name == "xor" and self.roots(value, True):
            raise self.unsupported("xor over a multi-valued relation, which 3.2 does not split off under a negation")
        if name in ("and", "or", "xor"):
            return self.combination(name, [self.condition(item) for item in value])
        if name == "not":
            with self.negation():
                return self.inverse(self.condition(value))
        if name == "lookup":
            return self.lookup_of_expression(*value)
        if name[:1].isupper():
            return self.condition_of_expression({name: value})
        if isinstance(value, dict) and value and set(value) <= QUESTIONS and self.is_multiple(name):
            return self.question(name, value)
        return self.leaf(name, value)

    def leaf(self, name, value):
        name = self.own_column(name)
        field, lookup = self.field_and_lookup(name)
        if lookup == "in" and value == [] and self.multiple_root(name):
            raise self.unsupported("an empty list over a multi-valued relation")
        if self.splits and self.multiple_root(name) and not (self.world.splits == "values" and '"F"' in json.dumps(value)):
            scope = self.child(self.model)
            rows = scope.qs.order_by().filter(pk=OuterRef("pk"))
            return Q(Exists(rows.filter(**{name: scope.right_side(name, raised(value))})))
        found = Q(**{name: self.right_side(name, value)})
        column = self.column_of(name)
        if self.splits and self.negations % 2 and column and lookup != "isnull" and value is not None:
            return Q(found, **{column + "__isnull": False})
        return found

    def inverse(self, part):
        return NOBODY if part is EVERYBODY else EVERYBODY if part is NOBODY else ~part

    def combination(self, word, parts):
        if word == "xor":
            return self.parity(parts)
        # What holds always or never decides, and joins nothing.
        decides, idle = (EVERYBODY, NOBODY) if word == "or" else (NOBODY, EVERYBODY)
        if any(part is decides for part in parts):
            return decides
        parts = [part for part in parts if part is not idle] or [idle]
        if len(parts) == 1:
            return parts[0]
        # Not by & and |, which make one level of nested ones: what is nested stays so, but one leaf is no level.
        items = [part.children[0] if len(part) == 1 and not part.negated else part for part in parts]
        return Q(*items, _connector=word.upper())

    def parity(self, parts):
        if not parts:
            return NOBODY
        total = None
        for part in parts:
            one = Case(When(part, then=Value(1)), default=Value(0), output_field=models.IntegerField())
            total = one if total is None else total + one
        return Q(**{self.alias(functions.Mod(total, Value(2), output_field=models.IntegerField())): 1})

    def lookup_of_expression(self, left, lookup, right):
        made = self.expression(left)
        name = self.alias(made)
        field = self.infer(F(name))
        right = self.value(right, field, lookup)
        if isinstance(made, (Subquery, Exists)) and lookup == "exact" and right is None:
            lookup, right = "isnull", True
        return Q(**{"%s__%s" % (name, lookup): right})

    def condition_of_expression(self, node):
        name, value = named(node)
        if name == "Q":
            return self.condition(value)
        made = self.expression(node)
        if isinstance(made, Exists):
            return Q(made)
        return Q(**{self.alias(made): True})

    def right_side(self, name, value):
        field, lookup = self.field_and_lookup(name)
        if isinstance(value, dict) and set(value) == {"pk"} and field is not None and field.is_relation:
            return field.related_model._base_manager.get(pk=value["pk"])
        if isinstance(value, list) and any(isinstance(item, dict) and set(item) == {"pk"} for item in value):
            return [field.related_model._base_manager.get(pk=item["pk"]) if isinstance(item, dict) else item
                    for item in value]
        return self.value(value, field, lookup)

    def value(self, value, field, lookup):
        """A right side: an expression, or a literal of the type that the left side has."""
        if is_expression(value):
            name, inner = named(value)
            if name == "Subquery" and lookup == "in":
                return self.nested(inner)
            if name == "Value":
                return self.value_literal(inner, field, lookup)
            made = self.expression(value, "value")
            return made
        if isinstance(value, list) and lookup in ("in", "range"):
            return [self.value(item, field, None) for item in value]
        return self.value_literal(value, field, lookup)

    def value_literal(self, value, field, lookup):
        if isinstance(field, RangeField):
            if isinstance(value, dict):
                return range_of(value, field)
            return literal(value, field.base_field)
        return value

    def question(self, path, question):
        related, link = self.related(path)
        scope = self.child(related)
        where = question.get("where")
        if "count" in question:
            if where is not None:
                scope.filter(where)
            numbers = scope.qs.filter(**{link: OuterRef("pk")}).order_by().annotate(
                one_=Value(1)).values("one_").annotate(count_=models.Count("*")).values("count_")
            name = self.alias(functions.Coalesce(Subquery(numbers), 0, output_field=models.BigIntegerField()))
            found = Q()
            for lookup, value in (question["count"].items() if isinstance(question["count"], dict)
                                  else [("exact", question["count"])]):
                found &= Q(**{"%s__%s" % (name, lookup): value})
            return found
        word = next(word for word in ("some", "none", "every") if word in question)
        # A row of the relation once for each row that it is of: the condition then stands on the row alone.
        kept = scope
        if word == "every":
            kept.filter({"not": question[word]})
        else:
            kept.filter(question[word])
        rows = related._base_manager.filter(pk__in=kept.qs.order_by().values("pk")).filter(**{link: OuterRef("pk")})
        return Q(Exists(rows)) if word == "some" else ~Q(Exists(rows))
