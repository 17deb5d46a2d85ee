"""Puts one question to the real server and to Django on the same rows, and says whether they agree."""

import http.client
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "api"))
sys.path.insert(0, HERE)

import harness  # noqa: E402
import oracle  # noqa: E402
from compare import Comparison  # noqa: E402
from data import Data  # noqa: E402
from django.core.exceptions import FieldError  # noqa: E402
from django.db import DatabaseError, OperationalError, ProgrammingError, connection, models  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from translator import Unsupported  # noqa: E402
from world import World  # noqa: E402

harness.TEST_MODELS = HERE
AGREED, SPLIT, BOTH_REFUSED, DIFFERENT, REFUSED, FAILED, UNASKED = (
    "agreed", "agreed where negations are said in full", "both refused", "different", "refused", "failed",
    "unasked")
TRANSFORMS = ("Lower", "Upper", "Length", "Trim", "LTrim", "RTrim", "Reverse", "MD5", "Abs", "Ceil", "Floor", "Round", "Sign", "Sqrt")


def loses_a_name(request, problem):
    """Django 3.2 forgets an annotation of the query beside a Subquery over a related model, and then does not know the
    name that the request itself gave."""
    lost = re.match(r"Cannot resolve keyword '(\w+)' into field", str(problem))
    return bool(lost) and '"%s": {' % lost.group(1) in json.dumps(request[2]) and '"Subquery"' in json.dumps(request[2])


class Verdict:
    def __init__(self, kind, request, detail="", answer=None, expected=None):
        self.kind = kind
        self.request = request
        self.detail = detail
        self.answer = answer
        self.expected = expected


class Asker:
    """The server started once, with its rows, and Django beside it."""

    def __init__(self):
        self.server = harness.Server("models")
        for extension in ("pgcrypto", "unaccent", "pg_trgm"):
            self.server.sql("CREATE EXTENSION IF NOT EXISTS " + extension)
        self.models = oracle.ask(self.server)
        register_transforms()
        mend_iso_year()
        Data(self.models).fill()
        self.server.sql("ANALYZE")
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '20s'")
        self.world = World(self.models)
        self.client = self.server.client()

    def stop(self):
        self.client.close()
        connection.close()
        self.server.stop()

    def post(self, path, body):
        """Once more on a new connection where the old one was closed in the meantime (Django took its time)."""
        try:
            return self.client.post(path, body)
        except (http.client.HTTPException, OSError):
            if self.server.process.poll() is not None:
                raise AssertionError("the server is gone (%s), asked %s %s\n%s" % (
                    self.server.process.returncode, path, json.dumps(body), self.server.tail())) from None
            self.client.close()
            self.client = self.server.client()
            return self.client.post(path, body)

    def ask(self, model, method, body):
        """How Quern's answer compares with Django's."""
        request = (model, method, body)
        try:
            expected, is_ordered, zone = self.world.ask(model, method, body)
        except Unsupported as problem:
            return Verdict(UNASKED, request, str(problem))
        except models.ObjectDoesNotExist as problem:
            return self.expect_absence(request, problem)
        except ProgrammingError as problem:
            return Verdict(UNASKED, request, "Django's SQL is wrong: %s" % problem)
        except OperationalError as problem:  # too slow to be asked
            return Verdict(UNASKED, request, str(problem))
        except ValueError as problem:
            if "is out of range" in str(problem):  # Django makes dates of any year in a lookup
                return Verdict(UNASKED, request, str(problem))
            return self.expect_refusal(request, problem)
        except (FieldError, DatabaseError, TypeError, NotImplementedError) as problem:
            connection.close() if connection.connection is None else None
            if loses_a_name(request, problem):
                return Verdict(UNASKED, request, str(problem))
            return self.expect_refusal(request, problem)
        response = self.post("/api/%s/%s" % (model, method), body)
        for _ in range(2 if response.status == 200 else 0):  # planned, planned to be kept, bound to the kept plan
            response = self.post("/api/%s/%s" % (model, method), body)
        if response.status != 200:
            return Verdict(REFUSED if response.status == 400 else FAILED, request,
                           response.body.decode("utf-8", "replace"), expected=expected)
        answer = response.json
        found = Comparison(zone).answers(answer, expected, is_ordered)
        if found and self.agrees_said_in_full(request, answer):
            return Verdict(SPLIT, request, found, answer, expected)
        if found:
            return Verdict(DIFFERENT, request, found, answer, expected)
        return Verdict(AGREED, request, answer=answer, expected=expected)

    def expect_absence(self, request, problem):
        """Where Django raises DoesNotExist Quern says so, in the same words."""
        response = self.post("/api/%s/%s" % request[:2], request[2])
        found = response.json if response.status == 404 else {}
        is_same = found.get("title") == "DoesNotExist" and found.get("detail") == str(problem)
        return Verdict(AGREED if is_same else DIFFERENT, request, "Django: %s\nQuern: %r" % (problem, response))

    def agrees_said_in_full(self, request, answer):
        """Django again, with its negations said in full (Scope.splits): all of them, or those that compare with a value,
        since a path on the right side means another related row inside an EXISTS of its own."""
        for splits in ("all", "values"):
            self.world.splits = splits
            try:
                expected, is_ordered, zone = self.world.ask(*request)
                if Comparison(zone).answers(answer, expected, is_ordered) is None:
                    return True
            except (Unsupported, FieldError, DatabaseError, ValueError, TypeError, models.ObjectDoesNotExist):
                continue
            finally:
                self.world.splits = None
        return False

    def expect_refusal(self, request, problem):
        """What Django refuses Quern should refuse too; the tests name those that it answers."""
        response = self.post("/api/%s/%s" % request[:2], request[2])
        words = "Django: %s: %s" % (type(problem).__name__, str(problem)[:500])
        if response.status in (400, 404, 409, 422):
            return Verdict(BOTH_REFUSED, request, words + "\nQuern: " + response.body.decode("utf-8", "replace"))
        return Verdict(DIFFERENT if response.status == 200 else FAILED, request,
                       words + "\nQuern: " + short(response.body.decode("utf-8", "replace")))

    def quern_sql(self, request):
        model, method, body = request
        if isinstance(body, dict):
            body = {name: value for name, value in body.items()
                    if name not in ("aggregate", "ids", "field_name", "fields", "field", "kind", "order", "tzinfo")}
        response = self.post("/api/%s/sql" % model, body)
        if response.status != 200 or "statements" not in response.json:
            return response.body.decode("utf-8", "replace")
        return "\n".join("%s   -- %s" % (one["sql"], json.dumps(one.get("params"), ensure_ascii=False)[:400])
                         for one in response.json["statements"])

    def django_sql(self, request):
        with CaptureQueriesContext(connection) as queries:
            try:
                self.world.ask(*request)
            except Exception:  # noqa: B902
                pass
        return "\n".join(one["sql"][:3000] for one in queries.captured_queries)

    def report(self, verdict):
        """Everything that one needs to see about a disagreement."""
        model, method, body = verdict.request
        lines = ["%s: POST /api/%s/%s %s" % (verdict.kind, model, method, json.dumps(body, ensure_ascii=False)),
                 verdict.detail[:2000]]
        if verdict.kind in (DIFFERENT, FAILED, REFUSED):
            lines.append("Quern's SQL: " + self.quern_sql(verdict.request))
            lines.append("Django's SQL: " + self.django_sql(verdict.request))
        if verdict.answer is not None:
            lines.append("Quern:  " + short(verdict.answer))
        if verdict.expected is not None:
            lines.append("Django: " + short(verdict.expected))
        return "\n".join(lines)


def register_transforms():
    from django.db.models import functions, Field
    for name in TRANSFORMS:
        Field.register_lookup(getattr(functions, name))
    from django.contrib.postgres.lookups import TrigramSimilar, Unaccent
    models.CharField.register_lookup(Unaccent)
    models.TextField.register_lookup(Unaccent)
    models.CharField.register_lookup(TrigramSimilar)
    models.TextField.register_lookup(TrigramSimilar)


def mend_iso_year():
    """Django 3.2 takes an ISO year for a calendar year where it makes a range of it; 4.0 does not."""
    from django.db.models import functions, lookups
    for name in ("YearExact", "YearGt", "YearGte", "YearLt", "YearLte"):
        functions.ExtractIsoYear._unregister_lookup(getattr(lookups, name))


def short(value):
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) < 1200 else text[:1200] + "…"
