"""The create side of a manager: bulk_create with its conflict rules, get_or_create and update_or_create,
expressions in new rows, join rows.  Django is asked where its version can speak; the rest is told by its
documentation (update_conflicts: 4.1, create_defaults: 5.0)."""

import threading
import unittest

import oracle
import psycopg2
import seeds
from django.db import IntegrityError
from django.db.models import Case, F, Max, Subquery, Value, When
from django.db.models.functions import Coalesce, Concat, Length, Lower, Now, Upper
from test_concurrency import together
from writing import WritingTest

TIMES = ("changed_at",)


class StudioTest(WritingTest):
    models = ("studio",)
    seed = seeds.STUDIO

    def refused(self, response, status, title, **members):
        """A refusal that leaves every row as it was."""
        problem = self.assert_problem(response, status, title, **members)
        self.assertEqual(self.contents(), self.before)
        return problem

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        found = cls.server.sql("SELECT pg_get_serial_sequence(table_name, column_name) FROM information_schema.columns"
                               " WHERE table_schema = 'public' AND is_identity = 'YES'")
        cls.emptying = "; ".join(
            ["DELETE FROM %s" % table for table in cls.tables] +
            ["SELECT setval('%s', 1, false)" % row[0] for row in found])

    def reset(self):
        """Quicker than TRUNCATE where it is done hundreds of times; foreign keys are judged at the end."""
        self.server.sql(self.emptying + ";" + self.seed)

    def setUp(self):
        super().setUp()
        self.before = self.contents()


class UpdateConflictsTest(StudioTest):
    def upsert(self, model, objects, unique, update, **more):
        return self.api.post("/api/%s/bulk_create" % model, dict(
            more, objects=objects, update_conflicts=True, unique_fields=unique, update_fields=update))

    def test_rows_that_are_there_are_updated_and_the_others_made(self):
        answer = self.ok(self.upsert("counter", [
            {"name": "new", "n": 5, "label": "l"}, {"name": "a", "n": 7, "label": "l"}, {"name": "z"}, {"name": "b", "n": 9}],
            ["name"], ["n"]), 201)
        self.assertEqual([(row["name"], row["n"], row["label"]) for row in answer["results"]],
                         [("new", 5, "l"), ("a", 7, ""), ("z", 0, ""), ("b", 9, "")])
        self.assertEqual([row["id"] for row in answer["results"] if row["name"] in "ab"], [1, 2])
        self.assertEqual(self.sql("SELECT name, n, label FROM counter ORDER BY name"),
                         [("a", 7, ""), ("b", 9, ""), ("new", 5, "l"), ("z", 0, "")])

    def test_several_fields_in_any_order(self):
        self.ok(self.upsert("vote", [{"author": 1, "article": 1, "weight": 7}, {"author": {"handle": "z"}, "article": 1}],
                            ["article", "author_id"], ["weight"]), 201)
        self.assertEqual(self.sql("SELECT author_id, weight FROM vote WHERE article_id = 1 ORDER BY 1"), [(1, 7), (2, 2), (3, 1)])
        self.ok(self.upsert("score", [{"player": "p", "season": 1, "points": 11, "is_current": False}],
                            ["season", "player"], ["points"]), 201)
        self.assertEqual(self.sql("SELECT points FROM score ORDER BY season"), [(11,), (20,)])

    def test_the_condition_of_a_constraint_is_inferred(self):
        answer = self.ok(self.upsert("score", [{"player": "p", "season": 3, "points": 1}, {"player": "q", "season": 3}],
                                     ["player"], ["season", "points"]), 201)
        self.assertEqual([(row["id"] == 2, row["season"]) for row in answer["results"]], [(True, 3), (False, 3)])
        self.assertEqual(self.sql("SELECT season, points FROM score WHERE player = 'p' ORDER BY 1"), [(1, 10), (3, 1)])

    def test_pk_is_the_primary_key(self):
        self.ok(self.upsert("counter", [{"id": 1, "name": "c", "n": 4}, {"pk": 50, "name": "d"}], ["pk"], ["name", "n"]), 201)
        self.assertEqual(self.sql("SELECT id, name, n FROM counter ORDER BY 1"), [(1, "c", 4), (2, "b", 2), (50, "d", 0)])
        self.ok(self.upsert("seat", [{"line": "a", "number": 1, "article": 1}], ["pk"], ["article"]), 201)
        self.ok(self.upsert("seat", [{"line": "a", "number": 1, "article": 2}], ["number", "line"], ["article_id"]), 201)
        self.assertEqual(self.sql("SELECT line, number, article_id FROM seat"), [("a", 1, 2)])

    def test_a_row_in_the_way_that_the_lookup_does_not_find(self):
        response = self.api.post("/api/counter/get_or_create", {"lookup": {"n": 77}, "defaults": {"name": "a"}})
        self.refused(response, 409, "IntegrityError", fields=["name"])

    def test_a_list_of_one(self):
        self.ok(self.upsert("counter", [{"name": "a", "n": {"+": [1, 41]}}], ["name"], ["n"]), 201)
        self.assertEqual(self.sql("SELECT n FROM counter WHERE name = 'a'"), [(42,)])

    def test_django_s_rules(self):
        one = [{"name": "a"}]
        cases = [
            ({"ignore_conflicts": True}, ["name"], ["n"], "mutually exclusive", ""),
            ({}, ["name"], [], "Fields that will be updated", "/update_fields"),
            ({}, [], ["n"], "Unique fields that can trigger the upsert", "/unique_fields"),
            ({}, ["name"], ["id"], "cannot be used with primary keys in update_fields", "/update_fields"),
            ({}, ["name"], ["pk"], "cannot be used with primary keys in update_fields", "/update_fields"),
            ({}, ["n"], ["label"], "No unique constraint of Counter", "/unique_fields"),
            ({}, ["name", "n"], ["label"], "No unique constraint of Counter", "/unique_fields"),
            ({}, "name", ["n"], "is an array of field names", "/unique_fields"),
            ({}, ["name"], [3], "is an array of field names", "/update_fields/0"),
            ({"batch_size": 0}, ["name"], ["n"], "Batch size must be a positive integer", "/batch_size"),
            ({"batch_size": "x"}, ["name"], ["n"], "Batch size must be a positive integer", "/batch_size"),
        ]
        for more, unique, update, words, pointer in cases:
            with self.subTest(words=words, unique=unique, update=update):
                self.refused(self.upsert("counter", one, unique, update, **more), 400, "ValueError", detail=words, pointer=pointer)
        self.refused(self.upsert("counter", one, ["nam"], ["n"]), 400, "FieldError", pointer="/unique_fields/0", suggestion="name")
        self.refused(self.upsert("article", [{"title": "t"}], ["id"], ["tags"]), 400, "ValueError",
                     detail="concrete fields in update_fields", pointer="/update_fields/0")
        self.refused(self.upsert("article", [{"title": "t"}], ["vote_set"], ["title"]), 400, "ValueError",
                     detail="concrete fields in unique_fields", pointer="/unique_fields/0")
        self.refused(self.api.post("/api/counter/bulk_create", {"objects": one, "unique_fields": ["name"]}), 400, "ValueError",
                     pointer="/unique_fields")

    def test_the_same_row_twice_is_pointed_at(self):
        self.refused(self.upsert("counter", [{"name": "q"}, {"name": "r"}, {"name": "q", "label": "x"}], ["name"], ["n"]),
                     400, "ValueError", pointer="/objects/2", detail="position 0")
        response = self.upsert("counter", [{"name": {"Lower": {"Value": "Q"}}}, {"name": {"Lower": {"Value": "Q"}}}], ["name"], ["n"])
        self.refused(response, 400, "ValueError")

    def test_another_constraint_still_refuses(self):
        self.refused(self.upsert("score", [{"player": "p", "season": 9}], ["player", "season"], ["points"]), 409, "IntegrityError")

    def test_batch_size_changes_nothing_but_the_statements(self):
        objects = [{"name": "n%d" % n, "n": n} for n in range(25)]
        response = self.upsert("counter", objects, ["name"], ["n"], batch_size=10)
        self.assertEqual([row["n"] for row in self.ok(response, 201)["results"]], list(range(25)))
        self.assertEqual(response.statements, 3)

    def test_through_a_related_manager(self):
        self.ok(self.api.post("/api/article/1/vote_set/bulk_create", {
            "objects": [{"author": 1, "weight": 8}, {"author": 3, "weight": 9}],
            "update_conflicts": True, "unique_fields": ["author", "article"], "update_fields": ["weight"]}), 201)
        self.assertEqual(self.sql("SELECT author_id, weight FROM vote WHERE article_id = 1 ORDER BY 1"), [(1, 8), (2, 2), (3, 9)])

    def test_ignore_conflicts_leaves_what_is_there(self):
        self.same_effect(
            lambda: self.ok(self.api.post("/api/counter/bulk_create", {
                "objects": [{"name": "a", "n": 50}, {"name": "c", "n": 3}], "ignore_conflicts": True, "batch_size": 1}), 201),
            lambda: self.django.Counter.objects.bulk_create(
                [self.django.Counter(name="a", n=50), self.django.Counter(name="c", n=3)], ignore_conflicts=True))


class UpdateOrCreateTest(StudioTest):
    def post(self, model, lookup, defaults=None, **more):
        body = dict(more, lookup=lookup)
        if defaults is not None:
            body["defaults"] = defaults
        return self.api.post("/api/%s/update_or_create" % model, body)

    def test_as_django_does(self):
        counter, vote, article = self.django.Counter.objects, self.django.Vote.objects, self.django.Article.objects
        cases = [
            ("counter", {"name": "a"}, {"n": 5}, lambda: counter.update_or_create(name="a", defaults={"n": 5})),
            ("counter", {"name": "c"}, {"n": 5}, lambda: counter.update_or_create(name="c", defaults={"n": 5})),
            ("counter", {"name": "a"}, {"name": "c", "label": "l"},
             lambda: counter.update_or_create(name="a", defaults={"name": "c", "label": "l"})),
            ("counter", {"name__iexact": "A"}, {"n": 6}, lambda: counter.update_or_create(name__iexact="A", defaults={"n": 6})),
            ("counter", {"name__iexact": "C"}, {"name": "c"}, lambda: counter.update_or_create(name__iexact="C", defaults={"name": "c"})),
            ("counter", {"pk": 2}, {"label": "two"}, lambda: counter.update_or_create(pk=2, defaults={"label": "two"})),
            ("counter", {"n": 2, "name": "b"}, {"n": {"+": [{"F": "n"}, 5]}},
             lambda: counter.update_or_create(n=2, name="b", defaults={"n": F("n") + 5})),
            ("vote", {"author": 1, "article": 1}, {"weight": 9},
             lambda: vote.update_or_create(author_id=1, article_id=1, defaults={"weight": 9})),
            ("vote", {"author": 3, "article": 2}, {"weight": 9},
             lambda: vote.update_or_create(author_id=3, article_id=2, defaults={"weight": 9})),
            ("vote", {"author__handle": "y"}, {"author": 3}, lambda: vote.update_or_create(author__handle="y", defaults={"author_id": 3})),
            ("article", {"title": "First"}, {"body": "B"}, lambda: article.update_or_create(title="First", defaults={"body": "B"})),
        ]
        for model, lookup, defaults, theirs in cases:
            with self.subTest(model=model, lookup=lookup):
                def ours():
                    response = self.post(model, lookup, defaults)
                    self.assertIn(response.status, (200, 201), response)
                    return response

                answer, (row, created) = self.same_effect(ours, theirs, TIMES)
                self.assertEqual((answer.json["created"], answer.status), (created, 201 if created else 200))
                self.assertEqual("Location" in answer.headers, created)
                row.refresh_from_db()
                expected = oracle.columns(row)
                got = dict(answer.json["result"])
                if model == "article":
                    self.assertGreater(got.pop("changed_at"), "2026")
                    expected.pop("changed_at")
                self.same(got, expected)

    def test_create_defaults_are_for_a_new_row_alone(self):
        body = {"defaults": {"n": {"+": [{"F": "n"}, 1]}}, "create_defaults": {"n": 100, "label": "made"}}
        made = self.ok(self.post("counter", {"name": "c"}, **body), 201)
        self.assertEqual((made["created"], made["result"]["n"], made["result"]["label"]), (True, 100, "made"))
        changed = self.ok(self.post("counter", {"name": "c"}, **body))
        self.assertEqual((changed["created"], changed["result"]["n"], changed["result"]["label"]), (False, 101, "made"))
        empty = self.ok(self.post("counter", {"name": "d"}, {"n": 7}, create_defaults={}), 201)
        self.assertEqual(empty["result"]["n"], 0)
        null = self.ok(self.post("counter", {"name": "e"}, {"n": 7}, create_defaults=None), 201)
        self.assertEqual(null["result"]["n"], 7)

    def test_nothing_to_change(self):
        answer = self.ok(self.post("counter", {"name": "a"}))
        self.assertEqual((answer["created"], answer["result"]), (False, {"id": 1, "name": "a", "n": 1, "label": ""}))
        self.assertEqual(self.contents(), self.before)

    def test_refusals(self):
        self.refused(self.post("vote", {"author": 1}, {"weight": 1}), 409, "MultipleObjectsReturned")
        self.refused(self.post("counter", {"name": "a"}, {"n": "x"}), 422, "ValidationError", pointer="/defaults/n")
        self.refused(self.post("counter", {"name": "c"}, {"n": "x"}), 422, "ValidationError", pointer="/defaults/n")
        self.refused(self.post("counter", {"name": "c"}, {"n": {"+": [{"F": "n"}, 1]}}), 400, "ValueError", pointer="/defaults/n",
                     detail="F() expressions can only be used to update")
        self.refused(self.post("counter", {"nam": "c"}, {"n": 1}), 400, "FieldError", pointer="/lookup/nam")
        self.refused(self.post("counter", {"name": "a"}, {"m": 1}), 400, "FieldError", pointer="/defaults/m")
        self.refused(self.post("counter", {"name": "a"}, {"name": "b"}), 409, "IntegrityError", fields=["name"])
        self.refused(self.post("counter", {"n": 99}, {"name": "b"}), 409, "IntegrityError", fields=["name"])
        self.refused(self.api.post("/api/counter/update_or_create", {"defaults": {}}), 400, "BadRequest", detail='needs a "lookup"')
        self.refused(self.post("counter", {"name": "a"}, {}, creat_defaults={}), 400, "BadRequest", suggestion="create_defaults")
        self.refused(self.post("counter", {"name": "a"}, {}, through_defaults={}), 400, "TypeError", pointer="/through_defaults")
        self.refused(self.api.post("/api/counter/get_or_create", {"lookup": {"name": "a"}, "create_defaults": {}}), 400, "BadRequest")

    def test_a_lookup_names_rows_as_create_does(self):
        vote = self.django.Vote.objects
        for handle in ("x", "z"):
            self.same_effect(
                lambda: self.post("vote", {"author": {"handle": handle}, "article": {"title": "First"}}, {"weight": 8}),
                lambda: vote.update_or_create(author=self.django.Author.objects.get(handle=handle),
                                              article=self.django.Article.objects.get(title="First"), defaults={"weight": 8}))
        self.same_effect(
            lambda: self.ok(self.api.post("/api/city/get_or_create", {"lookup": {"name": "Lund", "country": {"name": "Sweden"}}}), 201),
            lambda: self.django.City.objects.get_or_create(name="Lund", country=self.django.Country.objects.get(name="Sweden")))
        self.reset()
        self.refused(self.post("vote", {"author": {"handle": "nobody"}, "article": 1}), 404, "DoesNotExist", pointer="/lookup/author")
        self.refused(self.post("vote", {"author": {"handle__in": ["x", "y"]}, "article": 1}), 409, "MultipleObjectsReturned",
                     pointer="/lookup/author")
        self.refused(self.post("vote", {"author": {"create": {"handle": "q"}}, "article": 1}), 400, "FieldError")
        self.assertEqual(self.ok(self.post("vote", {"author": {"pk": 1}, "article": {"pk": 1}}))["result"]["id"], 1)

    def test_composite_keys(self):
        for article, created in ((1, True), (2, False)):
            answer = self.post("seat", {"line": "a", "number": 1}, {"article": article})
            self.assertEqual((answer.json["created"], answer.json["result"]["article_id"]), (created, article), answer)

    def test_through_related_managers(self):
        self.same_effect(
            lambda: self.ok(self.api.post("/api/article/2/vote_set/update_or_create",
                                          {"lookup": {"author": 1}, "defaults": {"weight": 4}}), 201),
            lambda: self.django.Article.objects.get(pk=2).vote_set.update_or_create(author_id=1, defaults={"weight": 4}))
        self.same_effect(
            lambda: self.ok(self.api.post("/api/article/1/vote_set/update_or_create",
                                          {"lookup": {"author": 1}, "defaults": {"weight": 4}})),
            lambda: self.django.Article.objects.get(pk=1).vote_set.update_or_create(author_id=1, defaults={"weight": 4}))

    def test_through_many_to_many_managers(self):
        defaults = {"role": "dev", "level": 2}
        for method in ("get_or_create", "update_or_create"):
            for lookup in ({"handle": "x"}, {"handle": "new"}):
                with self.subTest(method=method, lookup=lookup):
                    def ours():
                        response = self.api.post("/api/team/1/members/" + method, {
                            "lookup": lookup, "defaults": {"name": "N"}, "through_defaults": defaults})
                        self.assertIn(response.status, (200, 201), response)

                    def theirs():
                        manager = self.django.Team.objects.get(pk=1).members
                        getattr(manager, method)(defaults={"name": "N"}, through_defaults=defaults, **lookup)

                    if (method, lookup["handle"]) == ("get_or_create", "x"):
                        ours()
                        self.assertEqual(self.contents(), self.before)
                    else:
                        self.same_effect(ours, theirs)
        # Django: found among the related rows only, so that a stranger of that name is in the way.
        self.reset()
        with self.assertRaises(IntegrityError):
            self.django.Team.objects.get(pk=1).members.get_or_create(handle="z", through_defaults=defaults)
        self.refused(self.api.post("/api/team/1/members/get_or_create", {"lookup": {"handle": "z"}, "through_defaults": defaults}),
                     409, "IntegrityError", fields=["handle"])
        self.refused(self.api.post("/api/team/1/members/get_or_create", {"lookup": {"handle": "q"}, "through_defaults": {"role": "x"}}),
                     422, "ValidationError", pointer="/through_defaults/level")


class RacesTest(StudioTest):
    def everybody(self, count, method, path, body, rounds=1):
        def work(number):
            client = self.server.client()
            answers = [client.request(method, path, body(number, n) if callable(body) else body) for n in range(rounds)]
            client.close()
            return answers

        return [answer for answers in together(count, work) for answer in answers]

    def test_64_clients_make_one_row(self):
        for method in ("get_or_create", "update_or_create"):
            self.reset()
            answers = self.everybody(64, "POST", "/api/counter/" + method, {"lookup": {"name": "one"}, "defaults": {"label": "l"}})
            self.assertEqual(sorted(answer.status for answer in answers), [200] * 63 + [201], method)
            self.assertEqual(len({answer.json["result"]["id"] for answer in answers}), 1)
            self.assertEqual(self.sql("SELECT count(*) FROM counter WHERE name = 'one'"), [(1,)])

    def test_no_concurrent_update_is_lost(self):
        answers = self.everybody(64, "POST", "/api/counter/update_or_create", {
            "lookup": {"name": "sum"}, "defaults": {"n": {"+": [{"F": "n"}, 1]}}, "create_defaults": {"n": 1}}, rounds=20)
        self.assertEqual({answer.status for answer in answers}, {200, 201})
        self.assertEqual(self.sql("SELECT n FROM counter WHERE name = 'sum'"), [(64 * 20,)])
        seen = sorted(answer.json["result"]["n"] for answer in answers)
        self.assertEqual(seen, list(range(1, 64 * 20 + 1)))

    def test_rows_that_come_and_go(self):
        stop = threading.Event()
        failures = []

        def delete():
            connection = psycopg2.connect(**self.server.database)
            connection.autocommit = True
            with connection.cursor() as cursor:
                while not stop.is_set():
                    try:
                        cursor.execute("DELETE FROM counter WHERE name = 'fleeting'")
                    except psycopg2.Error as error:
                        failures.append(error)
            connection.close()

        threads = [threading.Thread(target=delete) for _ in range(8)]
        for thread in threads:
            thread.start()
        try:
            answers = []
            for method in ("get_or_create", "update_or_create"):
                answers += self.everybody(32, "POST", "/api/counter/" + method, {"lookup": {"name": "fleeting"}}, rounds=30)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])
        self.assertLessEqual({answer.status for answer in answers}, {200, 201}, [a for a in answers if a.status > 201][:1])

    def test_upserts_of_the_same_rows_in_any_order(self):
        """They are written in one order, so that nobody waits for anybody in a circle."""
        def body(number, _):
            names = ["u%d" % i for i in range(10)]
            if number % 2:
                names.reverse()
            return {"objects": [{"name": name, "n": number} for name in names], "update_conflicts": True,
                    "unique_fields": ["name"], "update_fields": ["n"]}

        answers = self.everybody(16, "POST", "/api/counter/bulk_create", body, rounds=5)
        self.assertEqual({answer.status for answer in answers}, {201})
        self.assertEqual(self.sql("SELECT count(*) FROM counter WHERE name LIKE 'u%'"), [(10,)])

    def test_rows_made_with_what_they_refer_to(self):
        answers = self.everybody(32, "POST", "/api/team/get_or_create", {
            "lookup": {"name": "nested"}, "defaults": {"members": [
                {"get_or_create": {"lookup": {"handle": "shared"}}, "through_defaults": {"role": "r", "level": 1}}]}})
        self.assertEqual(sorted(answer.status for answer in answers), [200] * 31 + [201], answers[:2])
        self.assertEqual(self.sql("SELECT count(*) FROM author WHERE handle = 'shared'"), [(1,)])
        self.assertEqual(self.sql("SELECT count(*) FROM membership WHERE role = 'r'"), [(1,)])
        answers = self.everybody(32, "POST", "/api/vote/get_or_create", {
            "lookup": {"author": 3, "article": 2}, "defaults": {"author": {"get_or_create": {"lookup": {"handle": "z"}}}}})
        self.assertLessEqual({answer.status for answer in answers}, {200, 201}, answers[:2])
        self.assertEqual(self.sql("SELECT count(*) FROM vote WHERE author_id = 3 AND article_id = 2"), [(1,)])


class ExpressionTest(StudioTest):
    def test_as_django_does(self):
        Counter, Vote = self.django.Counter, self.django.Vote
        cases = [
            ({"name": {"Lower": {"Value": "ABC"}}}, lambda: Counter.objects.create(name=Lower(Value("ABC")))),
            ({"name": "c", "n": {"Length": {"Value": "four"}}}, lambda: Counter.objects.create(name="c", n=Length(Value("four")))),
            ({"name": "c", "n": {"Coalesce": [None, 3]}}, lambda: Counter.objects.create(name="c", n=Coalesce(None, Value(3)))),
            ({"name": {"Concat": [{"Value": "a"}, {"Value": "-b"}]}}, lambda: Counter.objects.create(name=Concat(Value("a"), Value("-b")))),
            ({"name": "c", "n": {"Subquery": {"model": "Vote", "order_by": ["-weight"], "values": ["weight"], "limit": 1}}},
             lambda: Counter.objects.create(name="c", n=Subquery(Vote.objects.order_by("-weight").values("weight")[:1]))),
            ({"name": "c", "n": {"Case": [{"when": {"Exists": {"model": "Tag", "filter": {"name": "red"}}}, "then": 5}, {"default": 6}]}},
             lambda: Counter.objects.create(name="c", n=5)),
            ({"name": "c", "n": {"*": [6, 7]}}, lambda: Counter.objects.create(name="c", n=Value(6) * Value(7))),
        ]
        for body, theirs in cases:
            with self.subTest(body=body):
                answer, row = self.same_effect(lambda: self.ok(self.api.post("/api/counter", body), 201), theirs)
                row.refresh_from_db()
                self.same(answer, oracle.columns(row))

    def test_many_rows_each_with_its_own(self):
        objects = [{"name": {"Lower": {"Value": "N%d" % (i % 5)}} if i < 5 else "p%d" % i, "n": {"+": [i, 1]} if i % 2 else i,
                    "label": {"Upper": {"Value": "same"}}} for i in range(12)]
        Counter = self.django.Counter
        answer, _ = self.same_effect(
            lambda: self.ok(self.api.post("/api/counter", objects), 201),
            lambda: [Counter.objects.create(name="n%d" % i if i < 5 else "p%d" % i, n=i + i % 2, label="SAME") for i in range(12)],
            without=("id",))
        self.assertEqual([row["n"] for row in answer["results"]], [i + i % 2 for i in range(12)])
        response = self.api.post("/api/counter", [{"name": "s%d" % i, "label": {"Upper": {"Value": "same"}}} for i in range(50)])
        self.assertEqual((self.ok(response, 201)["results"][49]["label"], response.statements), ("SAME", 1))

    def test_in_defaults_and_join_rows(self):
        self.same_effect(
            lambda: self.ok(self.api.post("/api/counter/get_or_create", {"lookup": {"name": "c"}, "defaults": {"n": {"Length": {"Value": "xy"}}}}), 201),
            lambda: self.django.Counter.objects.get_or_create(name="c", defaults={"n": Length(Value("xy"))}))
        self.same_effect(
            lambda: self.ok(self.api.post("/api/team/2/members/add", {
                "objects": [1, 3], "through_defaults": {"role": {"Upper": {"Value": "dev"}}, "level": {"+": [1, 1]}}})),
            lambda: self.django.Team.objects.get(pk=2).members.add(1, 3, through_defaults={"role": Upper(Value("dev")), "level": Value(1) + Value(1)}))

    def test_what_names_a_row_that_is_not_there_is_refused(self):
        for value, title, words in (
                ({"F": "n"}, "ValueError", "F() expressions can only be used to update, not to insert"),
                ({"+": [{"F": "n"}, 1]}, "ValueError", "F() expressions can only be used to update, not to insert"),
                ({"Coalesce": [{"F": "id"}, 1]}, "ValueError", "F() expressions"),
                ({"Count": "*"}, "FieldError", "Aggregate functions are not allowed"),
                ({"Max": "n"}, "FieldError", "Aggregate functions are not allowed"),
                ({"Subquery": {"model": "Vote", "filter": {"weight": {"OuterRef": "n"}}, "values": ["weight"], "limit": 1}},
                 "ValueError", "F() expressions"),
                ({"Case": [{"when": {"n": 3}, "then": 1}, {"default": 2}]}, "ValueError", "F() expressions"),
                ({"Window": {"expr": {"RowNumber": []}}}, "FieldError", "Window expressions are not allowed"),
                ({"Lower": {"Value": "A"}}, "TypeError", "The IntegerField 'n' cannot be set to an expression that gives a "),
        ):
            with self.subTest(value=value):
                self.refused(self.api.post("/api/counter", {"name": "c", "n": value}), 400, title, detail=words, pointer="/n")
                self.refused(self.api.post("/api/counter", [{"name": "c"}, {"name": "d", "n": value}]), 400, title, pointer="/1/n")
        self.refused(self.api.post("/api/vote", {"author": 1, "article": 2, "weight": {"F": "article__reads"}}), 400, "FieldError")
        with self.assertRaises(ValueError):
            self.django.Counter.objects.create(name="c", n=F("n"))


class JoinRowTest(StudioTest):
    """add, set, remove and clear, done by Django and by us, on four kinds of relations."""

    def check(self, path, body, theirs, changes=True, without=()):
        def ours():
            return self.ok(self.api.post("/api/" + path, body))

        if changes:
            return self.same_effect(ours, theirs, without)[0]
        self.reset()
        answer = ours()
        self.assertEqual(self.contents(), self.before)
        theirs()
        self.assertEqual(self.contents(), self.before, "Django changes something")
        return answer

    def test_plain_many_to_many(self):
        def tags(pk):
            return self.django.Article.objects.get(pk=pk).tags

        Tag = self.django.Tag.objects
        self.check("article/2/tags/add", [1, 1, {"name": "red"}, {"name__in": ["red", "blue"]}], lambda: tags(2).add(1, 1, 2))
        self.check("article/1/tags/add", [1, 2], lambda: tags(1).add(1, 2), without=("id",))
        self.check("article/1/tags/add", [1, 3], lambda: tags(1).add(1, 3), changes=False)
        self.check("article/1/tags/set", [2, 2, {"name": "red"}], lambda: tags(1).set([2, 2, Tag.get(name="red")]))
        self.check("article/1/tags/set", [], lambda: tags(1).set([]))
        self.check("article/1/tags/set", [3, 1], lambda: tags(1).set([3, 1]), changes=False)
        self.check("article/1/tags/remove", [3, 2, 99], lambda: tags(1).remove(3, 2, 99))
        self.check("article/1/tags/remove", {"filter": {"kind": "colour"}}, lambda: tags(1).remove(*Tag.filter(kind="colour")))
        self.check("article/1/tags/clear", {}, lambda: tags(1).clear())
        self.check("tag/2/articles/set", [1, 2], lambda: Tag.get(pk=2).articles.set([1, 2]))
        answer = self.check("tag/2/articles/set", {"objects": [1, 3]}, lambda: Tag.get(pk=2).articles.set([1, 3]))
        self.assertEqual(answer, {"added": 1, "removed": 0})

    def test_symmetrical(self):
        def friends(pk):
            return self.django.Author.objects.get(pk=pk).friends

        self.check("author/1/friends/add", [3], lambda: friends(1).add(3))
        self.check("author/1/friends/add", [1], lambda: friends(1).add(1))
        self.check("author/2/friends/set", [3], lambda: friends(2).set([3]))
        self.check("author/2/friends/remove", [1], lambda: friends(2).remove(1))
        self.check("author/1/friends/clear", {}, lambda: friends(1).clear())

    def test_a_join_model_of_ones_own(self):
        def members(pk):
            return self.django.Team.objects.get(pk=pk).members

        defaults = {"role": "dev", "level": 7}
        self.check("team/1/members/add", {"objects": [1, 3], "through_defaults": defaults},
                   lambda: members(1).add(1, 3, through_defaults=defaults))
        self.check("team/1/members/set", {"objects": [2, 3], "through_defaults": defaults},
                   lambda: members(1).set([2, 3], through_defaults=defaults))
        self.check("team/1/members/set", [2], lambda: members(1).set([2]))
        self.check("team/1/members/remove", [{"handle": "x"}], lambda: members(1).remove(1))
        self.check("team/1/members/clear", {}, lambda: members(1).clear())
        self.check("author/3/teams/set", {"objects": [1, 2], "through_defaults": defaults},
                   lambda: self.django.Author.objects.get(pk=3).teams.set([1, 2], through_defaults=defaults))

    def test_a_join_row_needs_its_required_columns(self):
        for method in ("add", "set"):
            problem = self.refused(self.api.post("/api/team/1/members/" + method, {"objects": [1, 3], "through_defaults": {"role": "dev"}}),
                                   422, "ValidationError", pointer="/through_defaults/level")
            self.assertEqual(problem["errors"]["level"][0]["code"], "null")
            self.refused(self.api.post("/api/team/1/members/" + method, {"objects": [3], "through_defaults": {"role": "x" * 11, "level": 1}}),
                         422, "ValidationError", pointer="/through_defaults/role")
        # Nothing is missing where no row is to be made.
        self.assertEqual(self.ok(self.api.post("/api/team/1/members/set", [1, 2])), {"added": 0, "removed": 0})
        self.assertEqual(self.ok(self.api.post("/api/team/1/members/add", [2])), {"added": 0, "removed": 0})
        self.assertEqual(self.contents(), self.before)

    def test_the_many_side_of_a_foreign_key(self):
        def remarks(pk):
            return self.django.Article.objects.get(pk=pk).remark_set

        Remark = self.django.Remark.objects
        self.check("article/2/remark_set/add", [3, {"text": "one"}, 3], lambda: remarks(2).add(Remark.get(pk=3), Remark.get(text="one")))
        self.check("article/1/remark_set/set", [1, {"text": "loose"}], lambda: remarks(1).set([Remark.get(pk=1), Remark.get(pk=3)]))
        self.check("article/1/remark_set/remove", [2], lambda: remarks(1).remove(Remark.get(pk=2)))
        self.check("article/1/remark_set/clear", {}, lambda: remarks(1).clear())
        self.refused(self.reset_and(lambda: self.api.post("/api/article/1/remark_set/remove", [4])), 404, "DoesNotExist")

    def reset_and(self, ask):
        self.reset()
        return ask()

    def test_keys_to_another_field(self):
        cities = lambda: self.django.Country.objects.get(pk=2).city_set  # noqa: E731
        self.check("country/2/city_set/add", [1], lambda: cities().add(self.django.City.objects.get(pk=1)))
        answer, _ = self.same_effect(lambda: self.ok(self.api.post("/api/country/2/city_set", {"name": "Lund"}), 201),
                                     lambda: cities().create(name="Lund"))
        self.assertEqual(answer["country_id"], "SE")


if __name__ == "__main__":
    unittest.main()
