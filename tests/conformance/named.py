"""What a piece of a request names: paths, relations, annotations, aggregates.  Looks at JSON alone, but for first_step()."""

import json
import re

from expressions import aggregate_class, is_expression


def paths_of(node, is_condition=False):
    """Every path in an expression or condition, without those of nested queries."""
    if isinstance(node, str):
        return [] if is_condition else [node]
    if isinstance(node, list):
        return [path for item in node for path in paths_of(item, is_condition)]
    if not isinstance(node, dict):
        return []
    found = []
    for name, value in node.items():
        if name in ("Subquery", "Exists", "ArraySubquery", "Value", "OuterRef", "model"):
            continue
        if name in ("F",):
            found.append(value)
        elif name in ("and", "or", "xor", "not", "Q", "filter", "when"):
            found += paths_of(value, True)
        elif name == "lookup":
            found += paths_of(value[0]) + paths_of(value[2], True)
        elif name in ("delimiter", "distinct", "nulls", "desc", "type", "tzinfo"):
            continue
        elif name in ("order_by",):
            found += [item.lstrip("-") for item in value if isinstance(item, str)]
        elif is_condition and not (name[:1].isupper() or name in "+-*/%^"):
            if isinstance(value, dict) and set(value) & {"some", "none", "every", "count", "where"}:
                continue
            found.append(name)
            if is_expression(value):
                found += paths_of(value, True)
        elif name == "Cast" or name == "ExpressionWrapper":
            found += paths_of(value[0])
        else:
            found += paths_of(value)
    return found


def members(kind, condition):
    """The parts of a filter that hold together; an exclusion is one."""
    if kind == "exclude":
        return [("and", [condition])]
    found = []
    for name, value in condition.items():
        if name == "and":
            for item in value:
                found += members(kind, item)
        else:
            found.append((name, value))
    names = [name for name, _ in found]
    return [(name, value) if names.count(name) == 1 else ("and", [{name: value}]) for name, value in found]


def first_step(field):
    """The name of the step from a model to the one between it and the far side of a many-to-many."""
    if field.auto_created and not field.concrete:
        far, near = field.field, field.field.m2m_reverse_field_name()
    else:
        far, near = field, field.m2m_field_name()
    key = far.remote_field.through._meta.get_field(near)
    return key.related_query_name() if not far.remote_field.through._meta.auto_created else "%s:%s" % (
        far.remote_field.through._meta.db_table, key.column)


def counts_rows(node):
    return node in ({"Count": "*"}, {"Count": {"expr": "*"}})


def beside(others, own):
    """The paths that do not lie on one of ours: joining them multiplies our rows."""
    return {one for one in others if not any(path == one or path.startswith(one + "__") for path in own)}


def names_in(node):
    if isinstance(node, str):
        return {node.split("__")[0].lstrip("-")}
    if isinstance(node, list):
        return set().union(*map(names_in, node)) if node else set()
    if isinstance(node, dict):
        found = set()
        for name, value in node.items():
            found.add(name.split("__")[0])
            if name in ("lookup", "and", "or", "xor", "not") or name[:1].isupper() or isinstance(value, dict):
                found |= names_in(value)
        return found
    return set()


def is_written(node, name):
    """Whether a name stands anywhere in a piece of a request, as a path or the beginning of one."""
    return re.search(r'"-?%s(__|")' % re.escape(name), json.dumps(node)) is not None


def mentions(node, names):
    return bool(names and names_in(node) & names)


def split(node, names):
    """A filter's members that stand before the annotations, and those that name one."""
    early = {name: value for name, value in node.items() if not mentions({name: value}, names)}
    late = {name: value for name, value in node.items() if name not in early}
    return early, late


def has_aggregate(node):
    if isinstance(node, list):
        return any(map(has_aggregate, node))
    if not isinstance(node, dict):
        return False
    for name, value in node.items():
        if name in ("Subquery", "Exists", "ArraySubquery", "Window", "Value"):
            continue
        if aggregate_class(name) if name[:1].isupper() else False:
            return True
        if has_aggregate(value):
            return True
    return False


def is_count(node):
    return isinstance(node, dict) and set(node) <= {"Count", "RegrCount"}
