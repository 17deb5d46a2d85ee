"""A batch as Django code: the operations one after the other in one transaction, with a savepoint where one may fail alone."""

from django.core.exceptions import FieldError, MultipleObjectsReturned, ObjectDoesNotExist, ValidationError
from django.db import DatabaseError, connection, transaction

ROW_VERBS = {"patch": "PATCH", "put": "PUT", "delete": "DELETE"}
FAILURES = (ObjectDoesNotExist, MultipleObjectsReturned, DatabaseError, ValidationError, FieldError, ValueError, TypeError, AttributeError)


class Failed:
    """The answer to an operation that failed alone; its status and words are compared by nobody but the server's own tests."""


class RolledBack(Exception):
    pass


class Batch:
    def __init__(self, writer, request_class, plain):
        self.writer, self.request_class, self.plain = writer, request_class, plain
        self.results = {}

    def perform(self, body):
        """[(status, answer) or Failed]"""
        found = []
        try:
            with transaction.atomic():
                for number, operation in enumerate(body["operations"]):
                    answer = self.one(operation, body.get("atomic", True))
                    found.append(answer)
                    for name in {str(number), operation.get("as", str(number))}:
                        self.results[name] = answer
                if body.get("dry_run"):
                    raise RolledBack
        except RolledBack:
            pass
        return found

    def one(self, operation, is_atomic):
        if is_atomic and operation.get("on_error") != "continue":
            return self.answer(operation)
        try:
            with transaction.atomic():
                answer = self.answer(operation)
                connection.check_constraints()
                return answer
        except FAILURES:
            return Failed()

    def answer(self, operation):
        status, answer = self.writer.perform(self.request_class(*self.request(operation)))
        return status, self.plain(answer)

    def request(self, operation):
        """(an address as a client would write it, the body)"""
        parts = [operation["model"].lower()]
        if "pk" in operation:
            parts.append(str(self.resolved(operation["pk"])))
        if "relation" in operation:
            parts.append(operation["relation"])
        method = operation["method"]
        verb = ROW_VERBS.get(method) if "pk" in operation and "relation" not in operation else None
        return ("%s %s" % (verb or "POST", "/".join(parts if verb else parts + [method])), self.resolved(operation.get("body")))

    def resolved(self, node):
        """The body with what its Refs stand for."""
        if isinstance(node, list):
            return [self.resolved(item) for item in node]
        if not isinstance(node, dict):
            return node
        if set(node) == {"Ref"}:
            name, *steps = node["Ref"].split(".")
            found = self.results[name][1]
            for step in steps:
                found = found[int(step)] if isinstance(found, list) else found[step]
            return found
        return {name: self.resolved(value) for name, value in node.items()}
