"""The smallest request that still disagrees, found by leaving pieces out."""

import copy


def smaller(node):
    """Every request that is one step simpler."""
    if isinstance(node, list):
        for number in range(len(node)):
            yield node[:number] + node[number + 1:]
        for number, item in enumerate(node):
            for made in smaller(item):
                yield node[:number] + [made] + node[number + 1:]
    elif isinstance(node, dict):
        for name in node:
            rest = {key: value for key, value in node.items() if key != name}
            yield rest
            if name in ("and", "or") and isinstance(node[name], list):
                for item in node[name]:
                    yield {**rest, **item}
            if name == "not":
                yield {**rest, **node[name]}
        for name, value in node.items():
            for made in smaller(value):
                yield {**node, name: made}


def shrink(request, still_fails, tries=400):
    """The smallest request found that still disagrees."""
    model, method, body = request
    found = True
    while found and tries > 0:
        found = False
        for candidate in smaller(body):
            tries -= 1
            if tries <= 0:
                break
            if size(candidate) < size(body) and still_fails((model, method, copy.deepcopy(candidate))):
                body, found = candidate, True
                break
    return model, method, body


def size(node):
    if isinstance(node, dict):
        return 1 + sum(1 + size(value) for value in node.values())
    if isinstance(node, list):
        return 1 + sum(map(size, node))
    return 1
