"""A JSON value of a request -> the Python value that Django's field takes."""

import base64

from django.contrib.postgres.fields import ArrayField, RangeField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Value
from expressions import is_expression, literal

# JSON has types, and a value of another one is no value; Django's to_python() would make one of it (1.5 -> 1, 7 -> "7").


def unwrapped(value):
    """{"Value": x} is x."""
    return value["Value"] if is_expression(value) and "Value" in value else value


def python_value(field, value):
    """What the attribute of an instance is set to; a wrapped JSON null is JSON null."""
    is_wrapped = is_expression(value) and "Value" in value
    value = unwrapped(value)
    if isinstance(field, models.JSONField):
        return Value("null") if is_wrapped and value is None else value
    if value is None:
        return None
    if isinstance(value, dict) and not isinstance(field, RangeField):
        raise wrong(field, value)
    if isinstance(field, models.IntegerField) and (isinstance(value, (bool, list)) or isinstance(value, float) and value % 1):
        raise wrong(field, value)
    if isinstance(field, ArrayField) and not isinstance(value, list):
        raise wrong(field, value)
    if isinstance(field, (models.CharField, models.TextField)) and not isinstance(value, str):
        raise wrong(field, value)
    if isinstance(field, models.BinaryField):
        return decoded(field, value)
    try:
        found = literal(value, field)
    except (ValueError, ArithmeticError, TypeError):
        raise wrong(field, value) from None
    if found is None:
        raise wrong(field, value)
    return found


def decoded(field, value):
    try:
        return base64.b64decode(value, validate=True)
    except (ValueError, TypeError):
        raise wrong(field, value) from None


def wrong(field, value):
    return ValidationError({field.name: ["%r is no value of it." % (value,)]})
