"""Puts one write to the real server and to Django, each with a database of its own, and says whether they agree: in what
they answer, and in every row of every table afterwards.
"""

import datetime
import json
import re

from asking import AGREED, BOTH_REFUSED, DIFFERENT, FAILED, HERE, REFUSED, UNASKED, Verdict, register_transforms, mend_iso_year, short
from compare import Comparison, instant

import harness
import http.client
import oracle
from django.core.exceptions import FieldError, MultipleObjectsReturned, ObjectDoesNotExist, ValidationError
from django.db import DatabaseError, DataError, IntegrityError, NotSupportedError, OperationalError, ProgrammingError, connection
from django.db.models import ProtectedError, RestrictedError
from translator import Unsupported
from two_databases import OTHER, TwoDatabases
from world import World
from write_batch import Failed
from write_data import WriteData
from write_nested import AnyOrder
from write_world import Refusal, Request, Row, WriteWorld

WORLDS = 3
UUID4 = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
# What Django raises, and the titles with which Quern says the same.
REFUSALS = [
    (ProtectedError, {"ProtectedError"}), (RestrictedError, {"RestrictedError"}), (IntegrityError, {"IntegrityError"}),
    (ValidationError, {"ValidationError"}), (ObjectDoesNotExist, {"DoesNotExist"}),
    (MultipleObjectsReturned, {"MultipleObjectsReturned"}), (DataError, {"ValueError", "ValidationError", "DataError"}),
]
BADLY_ASKED = (FieldError, ValueError, TypeError, AttributeError, AssertionError, NotSupportedError)
BAD_TITLES = {"FieldError", "ValueError", "TypeError", "BadRequest", "NotSupportedError", "MethodNotAllowed"}
# Of several faults of several rows nobody promises which is found first.
WHILE_WRITING = {"IntegrityError", "DoesNotExist", "MultipleObjectsReturned"}


class WriteComparison(Comparison):
    """Moments of the write itself and random UUIDs agree by their kind."""

    def difference(self, answer, expected, where):
        if isinstance(expected, AnyOrder) and isinstance(answer, list):
            return self.lists(sorted(answer, key=self.key), sorted(expected, key=lambda row: self.key(self.as_json(row))), where)
        return super().difference(answer, expected.columns if isinstance(expected, Row) else expected, where)

    def same(self, answer, expected):
        if super().same(answer, expected):
            return True
        if isinstance(expected, datetime.datetime):
            return is_now(expected) and isinstance(answer, str) and is_now(instant(answer))
        if isinstance(expected, datetime.date):
            return abs((expected - datetime.datetime.now(datetime.timezone.utc).date()).days) < 2 and answer[:8] == expected.isoformat()[:8]
        return bool(isinstance(answer, str) and UUID4.match(answer) and UUID4.match(str(expected)))


def has_several_rows(request):
    text, body = request
    return isinstance(body, list) or text == "POST /batch" or any(isinstance(value, (list, dict)) for value in (body or {}).values())


def without_zeros(answer):
    if isinstance(answer, dict) and "per_model" in answer:
        answer["per_model"] = {name: n for name, n in answer["per_model"].items() if n}


def merges(body):
    return isinstance(body, dict) and bool(body.get("update_conflicts"))


def without_number(row):
    return {name: value for name, value in row.columns.items() if name != "id"}


def is_now(moment):
    return abs((moment - datetime.datetime.now(datetime.timezone.utc)).total_seconds()) < 900


def titles_of(problem):
    if isinstance(problem, Refusal):
        return {problem.title}
    for kind, titles in REFUSALS:
        if isinstance(problem, kind):
            return titles
    return BAD_TITLES


class WriteAsker:
    """The server with its database, and Django with a copy of it."""

    def __init__(self, worlds=WORLDS):
        harness.TEST_MODELS = HERE
        self.server = harness.Server("models", "write_models", environment={"QUERN_LOG_LEVEL": "warning"})
        for extension in ("pgcrypto", "unaccent", "pg_trgm"):
            self.server.sql("CREATE EXTENSION IF NOT EXISTS " + extension)
        self.models = oracle.ask(self.server)
        register_transforms()
        mend_iso_year()
        self.both = TwoDatabases(self.server, lambda number: WriteData(self.models, number).fill(), worlds)
        connection.close()
        connection.settings_dict.update(NAME=OTHER)
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '20s'")
        self.world = World(self.models)
        self.writer = WriteWorld(self.world)
        self.client = self.server.client()

    def stop(self):
        self.client.close()
        connection.close()
        self.both.close()
        self.server.stop()

    def restore(self, world=0):
        self.both.restore(world)

    def send(self, text, body):
        verb, address = text.split(" ", 1)
        address = address if address.startswith("/") else "/api/" + address
        try:
            return self.client.request(verb, address, body)
        except (http.client.HTTPException, OSError):
            if self.server.process.poll() is not None:
                raise AssertionError("the server is gone (%s), asked %s %s\n%s" % (
                    self.server.process.returncode, text, json.dumps(body), self.server.tail())) from None
            self.client.close()
            self.client = self.server.client()
            return self.client.request(verb, address, body)

    def unordered(self, text, body):
        """The tables whose rows are numbered in no order that counts: join rows, of which a manager inserts a set, and rows
        of update_conflicts, which are written in the order of their unique fields lest two such writes wait for each other."""
        found = {model._meta.db_table for name, model in self.world.models.items() if "." in name}
        if text.split("?")[0].rsplit("/", 1)[-1] in ("add", "set"):
            found |= {"tagging", "membership"}
        if text == "POST /batch":
            found |= set().union(*(self.unordered("POST %s/%s" % (one["model"].lower(), one["method"]), one.get("body")) for one in body["operations"]))
        if merges(body):
            found.add(text.split(" ")[1].split("/")[0])
        return found

    def ask(self, text, body, django=None):
        """How a write ends on both sides, and what it leaves; afterwards both databases hold the same, or the verdict says
        that they do not."""
        request = (text, body)
        try:
            status, expected = django(self.models) if django else self.writer.do(text, body)
        except Unsupported as problem:
            return Verdict(UNASKED, request, str(problem))
        except (OperationalError, ProgrammingError) as problem:
            return Verdict(UNASKED, request, "Django fails: %s" % problem)
        except (Refusal, ObjectDoesNotExist, MultipleObjectsReturned, DatabaseError, ValidationError, *BADLY_ASKED) as problem:
            verdict = self.expect_refusal(request, problem)
        else:
            verdict = self.expect_success(request, status, expected)
        return self.compare_rows(verdict)

    def expect_success(self, request, status, expected):
        response = self.send(*request)
        if response.status != status:
            return Verdict(REFUSED if 400 <= response.status < 500 else FAILED, request,
                           "%d: %s" % (response.status, response.body.decode("utf-8", "replace")), expected=expected)
        answer = response.json
        without_zeros(answer)
        if request[0] == "POST /batch":
            return self.compare_batch(request, answer, expected)
        if merges(request[1]):
            expected = {"results": [without_number(row) for row in expected["results"]]}
            for row in answer["results"]:
                row.pop("id", None)
        found = WriteComparison().difference(answer, expected, "$")
        return Verdict(DIFFERENT if found else AGREED, request, found or "", answer, expected)

    def compare_batch(self, request, answer, expected):
        """Operation by operation; one that fails alone fails on both sides."""
        for number, (ours, theirs) in enumerate(zip(answer["results"], expected)):
            is_good = "body" in ours
            if is_good == isinstance(theirs, Failed):
                return Verdict(DIFFERENT, request, "operation %d: Django %s" % (number, "fails" if is_good else "does it"), answer, expected)
            if not is_good:
                continue
            without_zeros(ours["body"])
            found = WriteComparison().difference({"status": ours["status"], "body": ours["body"]}, {"status": theirs[0], "body": theirs[1]}, "$[%d]" % number)
            if found:
                return Verdict(DIFFERENT, request, found, answer, expected)
        return Verdict(AGREED, request, "", answer, expected)

    def expect_refusal(self, request, problem):
        response = self.send(*request)
        words = "Django: %s: %s" % (type(problem).__name__, str(problem)[:500])
        said = response.body.decode("utf-8", "replace")
        if response.status >= 500 or response.status < 400:
            return Verdict(FAILED if response.status >= 500 else DIFFERENT, request, words + "\nQuern: " + short(said))
        answer = response.json
        if answer["title"] not in titles_of(problem) and not (has_several_rows(request) and {answer["title"], *titles_of(problem)} <= WHILE_WRITING):
            return Verdict(DIFFERENT, request, words + "\nQuern refuses otherwise: " + short(said))
        found = self.details(answer, problem)
        return Verdict(DIFFERENT if found else BOTH_REFUSED, request, "%s\nQuern: %s\n%s" % (words, short(said), found or ""), answer)

    def details(self, answer, problem):
        """What a refusal names: the fields that break rules, the rows that stand in the way."""
        if isinstance(problem, ValidationError):
            if set(answer.get("errors", {})) != set(problem.message_dict):
                return "fields %s, and Django has %s" % (sorted(answer.get("errors", {})), sorted(problem.message_dict))
        blocking = getattr(problem, "protected_objects", None) or getattr(problem, "restricted_objects", None)
        if blocking:
            found = {(one["model"], str(one["pk"])) for one in answer.get("objects", [])}
            wanted = {(type(one).__name__, str(one.pk)) for one in blocking}
            if found != wanted:
                return "objects %s, and Django has %s" % (sorted(found), sorted(wanted))
        return None

    def compare_rows(self, verdict):
        found = self.both.difference(self.unordered(*verdict.request))
        self.both.level()
        if not found:
            return verdict
        rows = "\n".join("%s: Quern alone %s\n    Django alone %s" % (table, short(ours), short(theirs))
                         for table, (ours, theirs) in sorted(found.items()))
        return Verdict(FAILED if verdict.kind == FAILED else DIFFERENT, verdict.request, verdict.detail + "\nrows differ: " + rows,
                       verdict.answer, verdict.expected)

    def report(self, verdict):
        text, body = verdict.request
        lines = ["%s: %s %s" % (verdict.kind, text, json.dumps(body, ensure_ascii=False)), verdict.detail[:4000]]
        if verdict.answer is not None:
            lines.append("Quern:  " + short(verdict.answer))
        if verdict.expected is not None:
            lines.append("Django: " + short(shown(verdict.expected)))
        return "\n".join(lines)


def shown(value):
    if isinstance(value, Row):
        return value.columns
    if isinstance(value, dict):
        return {name: shown(item) for name, item in value.items()}
    return [shown(item) for item in value] if isinstance(value, list) else value
