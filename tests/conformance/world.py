"""All models by their addresses, and the methods that read: a whole request -> Django's answer to it."""

import pytz
from django.db import models
from django.utils import timezone
from translator import Scope


def multiplies(query):
    """Whether a row may come several times, once for each related one: an order that ends in its key leaves these open."""
    if query.distinct or query.group_by or query.combinator:
        return False
    joins = [query.alias_map[alias] for alias, count in query.alias_refcount.items() if count]
    return any(getattr(getattr(join, "join_field", None), "one_to_many", False) or
               getattr(getattr(join, "join_field", None), "many_to_many", False) for join in joins)


class World:
    """All models by their addresses, and the methods that read."""

    def __init__(self, models_):
        self.models = {}
        self.splits = None
        for name, value in vars(models_).items():
            if isinstance(value, type) and issubclass(value, models.Model):
                self.models[name.lower()] = value
                for field in value._meta.local_many_to_many:
                    if field.remote_field.through._meta.auto_created:
                        self.models["%s.%s" % (name.lower(), field.name)] = field.remote_field.through

    def model(self, name):
        return self.models[name.lower()]

    def ask(self, model, method, body):
        """(what Django answers, whether its order counts, the time zone of the answer)"""
        try:
            scope = Scope(self, self.model(model))
            scope.apply(body)
            value, is_ordered = getattr(self, "ask_" + method)(scope, body if isinstance(body, dict) else {})
            return value, is_ordered, scope.zone
        finally:
            timezone.deactivate()

    def ask_query(self, scope, body):
        answer = {"results": scope.rows()}
        if scope.counts is not None:
            answer["count"] = {"value": scope.counts, "kind": "exact"}
        is_ordered = bool(scope.qs.ordered or scope.qs.query.distinct_fields)
        return answer, "runs" if is_ordered and multiplies(scope.qs.query) else is_ordered

    def ask_first(self, scope, body):
        return scope.row(scope.qs.first()), True

    def ask_last(self, scope, body):
        return scope.row(scope.qs.last()), True

    def ask_get(self, scope, body):
        return scope.row(scope.qs.get()), True

    def ask_earliest(self, scope, body):
        return scope.row(scope.qs.earliest(*body.get("fields", []))), True

    def ask_latest(self, scope, body):
        return scope.row(scope.qs.latest(*body.get("fields", []))), True

    def ask_count(self, scope, body):
        return {"count": scope.qs.count()}, True

    def ask_exists(self, scope, body):
        return {"exists": scope.qs.exists()}, True

    def ask_aggregate(self, scope, body):
        found = {}
        for name, node in body["aggregate"].items():
            rows = scope.rows_of(node)
            made = rows.expression(node)
            found[name] = rows.qs.aggregate(**{name: made})[name]
        return found, True

    def ask_in_bulk(self, scope, body):
        found = scope.qs.in_bulk(body["ids"], field_name=body.get("field_name", "pk"))
        return {"results": {str(key): scope.shape.show(row) for key, row in found.items()}}, True

    def ask_dates(self, scope, body):
        return {"results": list(scope.qs.dates(body["field"], body["kind"], order=body.get("order", "ASC")))}, True

    def ask_datetimes(self, scope, body):
        zone = pytz.timezone(body["tzinfo"]) if "tzinfo" in body else None
        if zone:
            scope.zone = body["tzinfo"]
        return {"results": list(scope.qs.datetimes(body["field"], body["kind"], order=body.get("order", "ASC"),
                                                   tzinfo=zone))}, True
