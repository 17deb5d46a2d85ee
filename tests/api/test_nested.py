"""A row together with its related rows: what is left is what the same steps leave when Django does them one by
one, in a bounded number of statements, or nothing at all.  The examples of api-docs/writing/nested.md and creating.md
are run as they stand there."""

import json
import os
import random
import re
import unittest

import harness
import oracle
from test_concurrency import together
from test_creating import TIMES, StudioTest


def without_times(value):
    if isinstance(value, list):
        return [without_times(item) for item in value]
    if isinstance(value, dict):
        return {name: without_times(item) for name, item in value.items() if name not in TIMES}
    return value


class NestedTest(StudioTest):
    def left(self, body, theirs, path="article", method="POST", status=None):
        """Both leave the same rows; our answer."""
        status = status or (201 if method == "POST" else 200)
        answer, _ = self.same_effect(lambda: self.ok(self.api.request(method, "/api/" + path, body), status), theirs, TIMES)
        return without_times(answer)


class CreatingTest(NestedTest):
    def test_children(self):
        m = self.django

        def theirs():
            article = m.Article.objects.create(title="New")
            m.Vote.objects.create(article=article, author_id=1)
            m.Vote.objects.create(article=article, author=m.Author.objects.get(handle="z"), weight=4)

        answer = self.left({"title": "New", "vote_set": [{"author": {"handle": "x"}}, {"author": {"handle": "z"}, "weight": 4}]}, theirs)
        self.assertEqual(answer, {
            "id": 4, "title": "New", "body": "", "reads": 0, "author_id": None,
            "vote_set": [{"id": 4, "author_id": 1, "article_id": 4, "weight": 1}, {"id": 5, "author_id": 3, "article_id": 4, "weight": 4}]})

    def test_what_a_row_refers_to(self):
        m = self.django
        answer = self.left({"title": "New", "author": {"create": {"handle": "new"}}},
                           lambda: m.Article.objects.create(title="New", author=m.Author.objects.create(handle="new")))
        self.assertEqual((answer["author_id"], answer["author"]), (4, {"id": 4, "handle": "new", "name": ""}))
        answer = self.left({"title": "New", "author": {"get_or_create": {"lookup": {"handle": "x"}, "defaults": {"name": "N"}}}},
                           lambda: m.Article.objects.create(title="New", author_id=1))
        self.assertEqual(answer["author"]["name"], "Xaver")
        self.left({"title": "New", "author": {"get_or_create": {"lookup": {"handle": "q"}, "defaults": {"name": "N"}}}},
                  lambda: m.Article.objects.create(title="New", author=m.Author.objects.create(handle="q", name="N")))

        def theirs():
            author, _ = m.Author.objects.update_or_create(handle="x", defaults={"name": "N"})
            m.Article.objects.create(title="New", author=author)

        self.left({"title": "New", "author": {"update_or_create": {"lookup": {"handle": "x"}, "defaults": {"name": "N"}}}}, theirs)

    def test_keys_to_another_field(self):
        m = self.django
        answer = self.left({"name": "Riga", "country": {"create": {"code": "LV", "name": "Latvia"}}},
                           lambda: m.City.objects.create(name="Riga", country=m.Country.objects.create(code="LV", name="Latvia")), path="city")
        self.assertEqual(answer["country_id"], "LV")

        def theirs():
            country = m.Country.objects.create(code="LV", name="Latvia")
            m.City.objects.create(name="Riga", country=country)

        self.left({"code": "LV", "name": "Latvia", "city_set": [{"name": "Riga"}]}, theirs, path="country")

    def test_the_other_side_of_a_one_to_one(self):
        m = self.django

        def theirs():
            m.Summary.objects.create(article=m.Article.objects.create(title="New"), text="s")

        for value in ({"text": "s"}, {"create": {"text": "s"}}):
            answer = self.left({"title": "New", "summary": value}, theirs)
            self.assertEqual(answer["summary"], {"id": 2, "article_id": 4, "text": "s"})
        self.left({"title": "New", "summary": None}, lambda: m.Article.objects.create(title="New"))
        self.left({"text": "s", "article": {"create": {"title": "New"}}}, theirs, path="summary")

    def test_many_to_many(self):
        m = self.django

        def theirs():
            article = m.Article.objects.create(title="New")
            new = m.Tag.objects.create(name="new")
            article.tags.add(1, 3, new)

        answer = self.left({"title": "New", "tags": [1, {"name": "loud"}, {"create": {"name": "new"}}, {"add": 1}, {"name": "red"}]}, theirs)
        self.assertEqual([tag["name"] for tag in answer["tags"]], ["red", "loud", "new"])
        self.left({"title": "New", "tags": {"add": [1, {"name": "loud"}], "create": {"name": "new"}}}, theirs)
        self.left({"name": "new", "articles": [1, {"create": {"title": "New"}}]},
                  lambda: self.tag_on(m.Tag.objects.create(name="new"), [1, m.Article.objects.create(title="New").pk]), path="tag")

    def tag_on(self, tag, articles):
        tag.articles.add(*articles)

    def test_join_rows_of_ones_own(self):
        m = self.django
        defaults = {"role": "dev", "level": 2}

        def theirs():
            team = m.Team.objects.create(name="New")
            author = m.Author.objects.create(handle="new")
            m.Membership.objects.create(team=team, author_id=1, role="lead", level=9)
            m.Membership.objects.create(team=team, author_id=2, **defaults)
            m.Membership.objects.create(team=team, author_id=3, **defaults)
            m.Membership.objects.create(team=team, author=author, **defaults)

        answer = self.left({"name": "New", "members": {"add": [{"add": 1, "through_defaults": {"role": "lead", "level": 9}}, {"handle__in": ["y", "z"]}],
                                                       "create": [{"handle": "new"}], "through_defaults": defaults}}, theirs, path="team")
        self.assertEqual([row["handle"] for row in answer["members"]], ["x", "y", "z", "new"])

    def test_symmetrical(self):
        def theirs():
            author = self.django.Author.objects.create(handle="new")
            author.friends.add(1)
            author.friends.add(3)

        answer, _ = self.same_effect(
            lambda: self.ok(self.api.post("/api/author", {"handle": "new", "friends": [1, {"handle": "z"}]}), 201), theirs, ("id",))
        self.assertEqual([row["id"] for row in answer["friends"]], [1, 3])

    def test_deep(self):
        m = self.django

        def theirs():
            tag = m.Tag.objects.create(name="deep")
            author = m.Author.objects.create(handle="deep")
            article = m.Article.objects.create(title="Deep", author=author)
            m.Vote.objects.create(article=article, author=m.Author.objects.create(handle="voter"))
            m.Summary.objects.create(article=article, text="s")
            article.tags.add(tag)
            team = m.Team.objects.create(name="T")
            m.Membership.objects.create(team=team, author=author, role="r", level=1)

        answer, _ = self.same_effect(lambda: self.ok(self.api.post("/api/author", {
            "handle": "deep",
            "articles": [{"title": "Deep", "vote_set": [{"author": {"create": {"handle": "voter"}}}], "summary": {"text": "s"},
                          "tags": [{"create": {"name": "deep"}}]}],
            "teams": [{"create": {"name": "T"}, "through_defaults": {"role": "r", "level": 1}}]}), 201), theirs, TIMES)
        article = answer["articles"][0]
        self.assertEqual(article["vote_set"][0]["author"]["handle"], "voter")
        self.assertEqual((article["summary"]["text"], article["tags"][0]["name"], answer["teams"][0]["name"]), ("s", "deep", "T"))

    def test_as_deep_as_json_may_be(self):
        body = {"title": "0"}
        for n in range(1, 10):
            body = {"title": str(n), "vote_set": [{"author": {"create": {"handle": "h%d" % n, "articles": [body]}}}]}
        self.ok(self.api.post("/api/article", body), 201)
        self.assertEqual(self.sql("SELECT (SELECT count(*) FROM article), (SELECT count(*) FROM vote)"), [(3 + 10, 3 + 9)])

    def test_a_row_that_is_made_before_can_be_looked_up(self):
        answer = self.ok(self.api.post("/api/article", {
            "title": "New", "author": {"create": {"handle": "new"}}, "vote_set": [{"author": {"handle": "new"}}]}), 201)
        self.assertEqual(answer["vote_set"][0]["author_id"], answer["author_id"])

    def test_rows_that_are_there_may_be_added(self):
        m = self.django

        def theirs():
            article = m.Article.objects.create(title="New")
            m.Remark.objects.filter(pk__in=[3, 4]).update(article=article)
            m.Remark.objects.create(article=article, text="new")

        answer = self.left({"title": "New", "remark_set": {"add": [3, {"text": "other"}], "create": [{"text": "new"}]}}, theirs)
        self.assertEqual([row["text"] for row in answer["remark_set"]], ["loose", "other", "new"])
        self.left({"title": "New", "remark_set": [{"add": 3}, {"add": {"text": "other"}}, {"text": "new"}]}, theirs)

    def test_fields_that_are_called_as_a_verb(self):
        self.ok(self.api.post("/api/remark", {"text": "t", "create": "c"}), 201)
        answer = self.ok(self.api.post("/api/article", {"title": "New", "remark_set": [
            {"create": {"create": "c", "text": "a"}}, {"text": "b", "create": "c"}]}), 201)
        self.assertEqual([row["create"] for row in answer["remark_set"]], ["c", "c"])

    def test_through_related_managers(self):
        m = self.django

        def theirs():
            article = m.Author.objects.get(pk=3).articles.create(title="New")
            m.Vote.objects.create(article=article, author_id=3)

        self.left({"title": "New", "vote_set": [{"author": 3}]}, theirs, path="author/3/articles")

        def tagged():
            tag = m.Article.objects.get(pk=2).tags.create(name="new")
            tag.articles.add(3)

        self.left({"name": "new", "articles": [3]}, tagged, path="article/2/tags")

    def test_one_insert_a_level(self):
        objects = [{"title": "b%d" % n, "author": {"create": {"handle": "h%d" % n}}, "tags": [1, {"create": {"name": "t%d" % n}}],
                    "vote_set": [{"author": 1}, {"author": {"handle": "y"}, "weight": n % 7}], "remark_set": [{"text": "r"}] * (n % 3)}
                   for n in range(400)]
        response = self.api.post("/api/article/bulk_create", {"objects": objects})
        rows = self.ok(response, 201)["results"]
        self.assertEqual([row["title"] for row in rows], ["b%d" % n for n in range(400)])
        self.assertEqual([row["author"]["handle"] for row in rows], ["h%d" % n for n in range(400)])
        self.assertEqual([[vote["weight"] for vote in row["vote_set"]] for row in rows], [[1, n % 7] for n in range(400)])
        self.assertEqual([[tag["name"] for tag in row["tags"]] for row in rows], [["red", "t%d" % n] for n in range(400)])
        self.assertEqual([len(row["remark_set"]) for row in rows], [n % 3 for n in range(400)])
        self.assertLess(response.statements, 20)
        few = self.api.post("/api/article", {"title": "x", "author": {"create": {"handle": "few"}}, "tags": [1, {"create": {"name": "few"}}],
                                             "vote_set": [{"author": 1}, {"author": {"handle": "y"}}], "remark_set": [{"text": "r"}]})
        self.assertLessEqual(abs(response.statements - self.same_count(few)), 1)

    def same_count(self, response):
        self.ok(response, 201)
        return response.statements

    def test_an_empty_list_shows_that_there_is_nothing(self):
        answer = self.ok(self.api.post("/api/article", {"title": "New", "vote_set": [], "tags": []}), 201)
        self.assertEqual((answer["vote_set"], answer["tags"]), ([], []))
        answer = self.ok(self.api.patch("/api/article/1", {"vote_set": []}))
        self.assertEqual(len(answer["vote_set"]), 2)

    def test_rows_that_are_named_by_a_unique_field_are_found_together(self):
        self.sql("INSERT INTO author (handle, name) SELECT 'a' || n, '' FROM generate_series(1, 500) n")
        self.sql("INSERT INTO tag (name, kind) SELECT 't' || n, '' FROM generate_series(1, 500) n")
        objects = [{"author": {"handle": "a%d" % n}, "article": 2} for n in range(500, 0, -1)]
        response = self.api.post("/api/vote/bulk_create", objects)
        rows = self.ok(response, 201)["results"]
        self.assertEqual([row["author_id"] for row in rows], list(range(503, 3, -1)))
        self.assertEqual(response.statements, 2)
        objects[77]["author"]["handle"] = "nobody"
        self.assert_problem(self.api.post("/api/vote/bulk_create", objects), 404, "DoesNotExist", pointer="/77/author")
        response = self.api.post("/api/article", {"title": "t", "tags": [{"name": "t%d" % n} for n in range(1, 501)] + [{"kind": "colour"}]})
        self.assertEqual(len(self.ok(response, 201)["tags"]), 502)
        self.assertLess(response.statements, 8)
        problem = self.api.post("/api/article", {"title": "t", "tags": [1, {"name": "t1"}, {"name": "none"}]})
        self.assert_problem(problem, 404, "DoesNotExist", pointer="/tags/2")

    def test_returning_shows_what_it_says(self):
        answer = self.ok(self.api.post("/api/article", {"title": "New", "vote_set": [{"author": 1}], "returning": ["id"]}), 201)
        self.assertEqual(answer, {"id": 4})

    def test_update_conflicts_brings_children_to_rows_that_were_there(self):
        answer = self.ok(self.api.post("/api/team/bulk_create", {
            "objects": [{"name": "B", "members": {"add": [1, 2], "through_defaults": {"role": "r", "level": 1}}},
                        {"name": "A", "members": {"add": [1, 3], "through_defaults": {"role": "r", "level": 1}}}],
            "update_conflicts": True, "unique_fields": ["name"], "update_fields": ["name"]}), 201)
        self.assertEqual([sorted(row["id"] for row in team["members"]) for team in answer["results"]], [[1, 2], [1, 2, 3]])
        self.assertEqual(self.sql("SELECT count(*) FROM membership"), [(5,)])


class ChangingTest(NestedTest):
    def test_every_verb_of_children(self):
        m = self.django
        votes = m.Vote.objects
        remarks = lambda: m.Article.objects.get(pk=1).remark_set  # noqa: E731
        cases = [
            ({"vote_set": [{"author": 3}]}, lambda: votes.create(article_id=1, author_id=3)),
            ({"vote_set": {"create": [{"author": 3}]}}, lambda: votes.create(article_id=1, author_id=3)),
            ({"vote_set": {"create": {"author": 3}}}, lambda: votes.create(article_id=1, author_id=3)),
            ({"vote_set": {"update": [{"id": 1, "weight": 8}, {"pk": 2, "weight": {"+": [{"F": "weight"}, 1]}}]}},
             lambda: (votes.filter(pk=1).update(weight=8), votes.filter(pk=2).update(weight=3))),
            ({"vote_set": {"delete": [1]}}, lambda: votes.get(pk=1).delete()),
            ({"vote_set": {"delete": {"author__handle": "y"}}}, lambda: votes.get(pk=2).delete()),
            ({"vote_set": {"delete": [1], "create": [{"author": 1, "weight": 9}]}},
             lambda: (votes.get(pk=1).delete(), votes.create(author_id=1, article_id=1, weight=9))),
            ({"vote_set": {"update_or_create": [{"lookup": {"author": 1}, "defaults": {"weight": 6}}, {"lookup": {"author": 3}, "defaults": {"weight": 6}}]}},
             lambda: [votes.update_or_create(article_id=1, author_id=n, defaults={"weight": 6}) for n in (1, 3)]),
            ({"vote_set": {"get_or_create": {"lookup": {"author": 3}}}}, lambda: votes.get_or_create(article_id=1, author_id=3)),
            ({"remark_set": {"add": [3, 4]}}, lambda: remarks().add(*m.Remark.objects.filter(pk__in=[3, 4]))),
            ({"remark_set": {"remove": [1]}}, lambda: remarks().remove(m.Remark.objects.get(pk=1))),
            ({"remark_set": {"clear": True}}, lambda: remarks().clear()),
            ({"remark_set": {"set": [2, 3]}}, lambda: remarks().set(m.Remark.objects.filter(pk__in=[2, 3]))),
            ({"remark_set": {"set": [2, {"create": {"text": "new"}}]}},
             lambda: (remarks().set([m.Remark.objects.get(pk=2)]), remarks().create(text="new"))),
        ]
        for body, theirs in cases:
            with self.subTest(body=body):
                answer = self.left(body, theirs, path="article/1", method="PATCH")
                member = next(iter(body))
                related = getattr(m.Article.objects.get(pk=1), member).all()
                self.same(answer[member], [oracle.columns(row) for row in related])

    def test_every_verb_of_join_rows(self):
        m = self.django
        tags = lambda: m.Article.objects.get(pk=1).tags  # noqa: E731
        cases = [
            ({"tags": [2, 1]}, lambda: tags().add(2)),
            ({"tags": {"add": [2], "remove": [1]}}, lambda: (tags().remove(1), tags().add(2))),
            ({"tags": {"set": [2, {"name": "loud"}]}}, lambda: tags().set([2, 3])),
            ({"tags": {"set": []}}, lambda: tags().set([])),
            ({"tags": {"set": [{"create": {"name": "new"}}, 1]}}, lambda: (tags().set([m.Tag.objects.create(name="new"), 1]))),
            ({"tags": {"clear": True}}, lambda: tags().clear()),
            ({"tags": {"create": [{"name": "new"}]}}, lambda: tags().create(name="new")),
            ({"tags": {"update": [{"id": 1, "name": "crimson"}]}}, lambda: m.Tag.objects.filter(pk=1).update(name="crimson")),
            ({"tags": {"delete": [3]}}, lambda: m.Tag.objects.get(pk=3).delete()),
            ({"tags": {"remove": {"kind": "colour"}}}, lambda: tags().remove(1)),
        ]
        for body, theirs in cases:
            with self.subTest(body=body):
                def ours():
                    return self.ok(self.api.patch("/api/article/1", body))

                answer, _ = self.same_effect(ours, theirs, TIMES + ("id",))
                self.assertEqual(sorted(tag["name"] for tag in answer["tags"]), sorted(tags().values_list("name", flat=True)))

    def test_what_a_row_refers_to(self):
        m = self.django
        articles = m.Article.objects
        cases = [
            ({"author": {"create": {"handle": "new"}}}, lambda: articles.filter(pk=1).update(author=m.Author.objects.create(handle="new"))),
            ({"author": {"update": {"name": "N"}}}, lambda: m.Author.objects.filter(pk=1).update(name="N")),
            ({"author": {"get_or_create": {"lookup": {"handle": "z"}}}}, lambda: articles.filter(pk=1).update(author_id=3)),
            ({"author": {"update_or_create": {"lookup": {"handle": "z"}, "defaults": {"name": "N"}}}},
             lambda: (articles.filter(pk=1).update(author_id=3), m.Author.objects.filter(pk=3).update(name="N"))),
            ({"title": "T", "author": {"update": {"name": "N", "articles": {"update": [{"id": 1, "body": "b"}]}}}},
             lambda: (articles.filter(pk=1).update(title="T", body="b"), m.Author.objects.filter(pk=1).update(name="N"))),
        ]
        for body, theirs in cases:
            with self.subTest(body=body):
                answer = self.left(body, theirs, path="article/1", method="PATCH")
                self.same(answer["author"]["name"], articles.get(pk=1).author.name)

    def test_the_other_side_of_a_one_to_one(self):
        m = self.django
        cases = [
            (3, {"summary": {"update": {"text": "s"}}}, lambda: m.Summary.objects.filter(pk=1).update(text="s")),
            (3, {"summary": {"delete": True}}, lambda: m.Summary.objects.get(pk=1).delete()),
            (1, {"summary": {"text": "s"}}, lambda: m.Summary.objects.create(article_id=1, text="s")),
            (1, {"summary": {"update_or_create": {"defaults": {"text": "s"}}}}, lambda: m.Summary.objects.create(article_id=1, text="s")),
            (3, {"summary": {"update_or_create": {"defaults": {"text": "s"}}}}, lambda: m.Summary.objects.filter(pk=1).update(text="s")),
        ]
        for pk, body, theirs in cases:
            with self.subTest(body=body):
                self.left(body, theirs, path="article/%d" % pk, method="PATCH")
        self.reset()
        answer = self.ok(self.api.patch("/api/article/3", {"summary": {"delete": True}}))
        self.assertIsNone(answer["summary"])

    def test_put(self):
        m = self.django
        self.left({"title": "T", "vote_set": {"create": [{"author": 3}]}},
                  lambda: (m.Article.objects.filter(pk=1).update(title="T", body="", reads=0, author=None), m.Vote.objects.create(article_id=1, author_id=3)),
                  path="article/1", method="PUT")
        for body in ({"title": "T", "vote_set": [{"author": 3}]}, {"title": "T", "tags": [1]}, {"title": "T", "summary": {"text": "s"}}):
            self.reset()
            before = self.contents()
            self.assert_problem(self.api.put("/api/article/1", body), 400, "ValueError", detail="PUT may be repeated")
            self.assertEqual(self.contents(), before)

    def test_update_or_create_takes_both_sides(self):
        body = {"lookup": {"title": "First"}, "defaults": {"vote_set": {"update": [{"id": 1, "weight": 7}]}, "body": "b"},
                "create_defaults": {"vote_set": [{"author": 1}], "author": {"create": {"handle": "made"}}}}
        answer = self.ok(self.api.post("/api/article/update_or_create", body))
        self.assertEqual((answer["created"], answer["result"]["body"], answer["result"]["vote_set"][0]["weight"]), (False, "b", 7))
        body["lookup"]["title"] = "Fresh"
        answer = self.ok(self.api.post("/api/article/update_or_create", body), 201)
        self.assertEqual((answer["created"], answer["result"]["author"]["handle"], len(answer["result"]["vote_set"])), (True, "made", 1))

    def test_get_or_create_makes_nothing_beside_a_row_that_is_there(self):
        body = {"lookup": {"handle": "x"}, "defaults": {"articles": [{"title": "New"}]}}
        answer = self.ok(self.api.post("/api/author/get_or_create", body))
        self.assertEqual(answer, {"created": False, "result": {"id": 1, "handle": "x", "name": "Xaver"}})
        self.assertEqual(self.contents(), self.before)
        body["lookup"]["handle"] = "q"
        answer = self.ok(self.api.post("/api/author/get_or_create", body), 201)
        self.assertEqual(answer["result"]["articles"][0]["title"], "New")

    def test_composite_keys(self):
        self.ok(self.api.post("/api/article", {"title": "New", "seat_set": [{"line": "a", "number": 1}, {"line": "a", "number": 2}]}), 201)
        answer = self.ok(self.api.patch("/api/article/4", {"seat_set": {"delete": [{"number": 2}], "create": [{"line": "b", "number": 1}]}}))
        self.assertEqual([(row["line"], row["number"]) for row in answer["seat_set"]], [("a", 1), ("b", 1)])
        answer = self.ok(self.api.post("/api/seat", {"line": "c", "number": 9, "article": {"create": {"title": "Sat"}}}), 201)
        self.assertEqual(answer["article"]["title"], "Sat")


class RefusalTest(NestedTest):
    def test_every_violation_of_every_level_at_once(self):
        problem = self.refused(self.api.post("/api/article", [
            {"title": "", "author": {"create": {"handle": "h" * 41}}, "vote_set": [{"author": 1, "weight": -1}, {}]},
            {"title": "ok", "tags": [{"create": {"name": "x" * 21}}], "summary": {}, "remark_set": [{"text": "ok"}, {"text": ""}]},
        ]), 422, "ValidationError")
        pointers = sorted(error["pointer"] for errors in problem["errors"].values() for error in errors)
        self.assertEqual(pointers, ["/0/author/create/handle", "/0/title", "/0/vote_set/0/weight", "/0/vote_set/1/author",
                                    "/1/remark_set/1/text", "/1/summary/text", "/1/tags/0/create/name"])

    def test_nothing_is_written_when_anything_fails(self):
        good = {"title": "New", "author": {"create": {"handle": "new"}}, "remark_set": [{"text": "r"}]}
        cases = [
            (dict(good, vote_set=[{"author": 1}, {"author": 1}]), 409, "IntegrityError", {"fields": ["author", "article"]}),
            (dict(good, vote_set=[{"author": 99}]), 409, "IntegrityError", {"fields": ["author"]}),
            (dict(good, vote_set=[{"author": {"handle": "nobody"}}]), 404, "DoesNotExist", {"pointer": "/vote_set/0/author"}),
            (dict(good, tags=[99]), 409, "IntegrityError", {}),
            (dict(good, tags=[{"name": "nothing"}]), 404, "DoesNotExist", {"pointer": "/tags/0"}),
            (dict(good, tags=[{"create": {"name": "red"}}]), 409, "IntegrityError", {"fields": ["name"]}),
            (dict(good, remark_set={"add": [99], "create": [{"text": "t"}]}), 404, "DoesNotExist", {"pointer": "/remark_set/add/0"}),
            (dict(good, author={"get_or_create": {"lookup": {"handle": "q"}, "defaults": {"name": "n" * 41}}}), 422, "ValidationError",
             {"pointer": "/author/get_or_create/defaults/name"}),
            (dict(good, author={"get_or_create": {"lookup": {"handle__in": ["x", "y"]}}}), 409, "MultipleObjectsReturned", {}),
        ]
        for body, status, title, members in cases:
            with self.subTest(body=body):
                self.refused(self.api.post("/api/article", body), status, title, **members)
                self.refused(self.api.post("/api/article/bulk_create", [{"title": "before"}, body]), status, title)
        patches = [
            ({"title": "T", "vote_set": {"update": [{"id": 3, "weight": 2}]}}, 404, "DoesNotExist", {"pointer": "/vote_set/update/0"}),
            ({"title": "T", "vote_set": {"delete": [1, 3]}}, 404, "DoesNotExist", {"pointer": "/vote_set/delete"}),
            ({"title": "T", "vote_set": {"create": [{"author": 1}]}}, 409, "IntegrityError", {"fields": ["author", "article"]}),
            ({"title": "T", "remark_set": {"remove": [4]}}, 404, "DoesNotExist", {}),
            ({"title": "T", "summary": {"update": {"text": "s"}}}, 404, "DoesNotExist", {"pointer": "/summary/update"}),
            ({"title": "T", "vote_set": {"update": [{"id": 1, "weight": -1}], "create": [{}]}}, 422, "ValidationError",
             {"pointer": "/vote_set/update/0/weight"}),
            ({"title": "T", "vote_set": {"clear": True}}, 400, "TypeError", {}),
        ]
        for body, status, title, members in patches:
            with self.subTest(body=body):
                self.refused(self.api.patch("/api/article/1", body), status, title, **members)
        self.refused(self.api.patch("/api/article/99", {"title": "T", "vote_set": [{"author": 1}]}), 404, "DoesNotExist")
        self.refused(self.api.patch("/api/article/2", {"author": {"update": {"name": "nobody's"}}}), 404, "DoesNotExist",
                     pointer="/author/update")

    def test_words_that_teach(self):
        cases = [
            ("POST", "article", {"title": "t", "vote_set": {"updte": []}}, "BadRequest", {"suggestion": "update", "pointer": "/vote_set/updte"}),
            ("POST", "article", {"title": "t", "vote_set": {"update": []}}, "ValueError", {"pointer": "/vote_set/update", "detail": "A new row has no 'vote_set' yet"}),
            ("POST", "article", {"title": "t", "tags": {"clear": True}}, "ValueError", {"pointer": "/tags/clear"}),
            ("POST", "article", {"title": "t", "vote_set": [5]}, "ValueError", {"pointer": "/vote_set/0", "detail": '{"add": […]}'}),
            ("POST", "article", {"title": "t", "vote_set": 5}, "ValueError", {"pointer": "/vote_set"}),
            ("POST", "article", {"title": "t", "vote_set": None}, "ValueError", {"pointer": "/vote_set"}),
            ("POST", "article", {"title": "t", "tags": [None]}, "ValueError", {"pointer": "/tags/0"}),
            ("POST", "article", {"title": "t", "tags": [{"create": 5}]}, "ValueError", {"pointer": "/tags/0/create"}),
            ("POST", "article", {"title": "t", "tags": "red"}, "ValueError", {"pointer": "/tags"}),
            ("POST", "article", {"title": "t", "author": {"create": 5}}, "ValueError", {"pointer": "/author/create", "detail": "create__exact"}),
            ("POST", "article", {"title": "t", "author": {"delete": {}}}, "BadRequest", {"pointer": "/author/delete"}),
            ("POST", "article", {"title": "t", "author": {"update": {}}}, "ValueError", {"pointer": "/author/update"}),
            ("POST", "article", {"title": "t", "author": {"create": {"handl": "x"}}}, "FieldError", {"pointer": "/author/create/handl", "suggestion": "handle"}),
            ("POST", "article", {"title": "t", "vote_set": [{"autor": 1}]}, "FieldError", {"pointer": "/vote_set/0/autor", "suggestion": "author"}),
            ("POST", "article", {"title": "t", "vote_sett": []}, "FieldError", {"pointer": "/vote_sett"}),
            ("POST", "article", {"title": "t", "summary": [1]}, "ValueError", {"pointer": "/summary"}),
            ("POST", "team", {"name": "t", "members": {"add": [1], "through_defaults": 5}}, "ValueError", {"pointer": "/members/through_defaults"}),
            ("POST", "team", {"name": "t", "members": {"add": [1], "through_defaults": {"author": 5}}}, "TypeError", {"pointer": "/members/through_defaults/author"}),
            ("POST", "team", {"name": "t", "members": {"add": [1], "through_defaults": {"team": 5}}}, "TypeError", {"pointer": "/members/through_defaults/team"}),
            ("POST", "team", {"name": "t", "members": {"add": [1], "through_defaults": {"lvl": 5}}}, "FieldError", {"pointer": "/members/through_defaults/lvl"}),
            ("POST", "article", {"title": "t", "vote_set": [{"author": 1, "article": 1}]}, "TypeError", {"pointer": "/vote_set/0/article"}),
            ("PATCH", "article/1", {"vote_set": {"update": [{"weight": 5}]}}, "ValueError", {"pointer": "/vote_set/update/0", "detail": "primary key"}),
            ("PATCH", "article/1", {"vote_set": {"clear": 5}}, "ValueError", {"pointer": "/vote_set/clear"}),
            ("PATCH", "article/1", {"summary": None}, "ValueError", {"pointer": "/summary", "detail": '{"delete": true}'}),
            ("POST", "article/bulk_create", {"objects": [{"title": "t", "vote_set": [{"author": 1}]}], "ignore_conflicts": True}, "ValueError",
             {"detail": "ignore_conflicts"}),
            ("POST", "article/update", {"filter": {"id": 1}, "set": {"author": {"create": {"handle": "q"}}}}, "NotSupportedError",
             {"pointer": "/set/author"}),
            ("POST", "article/update", {"filter": {"id": 1}, "set": {"vote_set": []}}, "TypeError", {"pointer": "/set/vote_set"}),
        ]
        for method, path, body, title, members in cases:
            with self.subTest(body=body):
                self.refused(self.api.request(method, "/api/" + path, body), 400, title, **members)

    def test_too_deep_get_or_creates_are_refused(self):
        body = {"lookup": {"handle": "h0"}, "defaults": {"name": "n"}}
        for n in range(1, 12):
            body = {"lookup": {"handle": "h%d" % n}, "defaults": {"articles": [{"title": "t", "author": 1, "vote_set": [
                {"author": {"get_or_create": body}}]}]}}
        response = self.api.post("/api/author/get_or_create", body)
        self.assertEqual(response.status, 400, response)
        self.assertEqual(self.contents(), self.before)

    def test_many_clients_nest_at_the_same_time(self):
        def work(number):
            client = self.server.client()
            statuses = [client.post("/api/article", {
                "title": "c%d" % number, "author": {"get_or_create": {"lookup": {"handle": "shared%d" % (n % 3)}}},
                "tags": [{"get_or_create": {"lookup": {"name": "t%d" % ((number + n) % 4)}}}], "remark_set": [{"text": "r"}] * 3}).status
                for n in range(4)]
            client.close()
            return statuses

        statuses = [status for answer in together(64, work) for status in answer]
        self.assertEqual(set(statuses), {201})
        self.assertEqual(self.sql("SELECT (SELECT count(*) FROM article), (SELECT count(*) FROM remark), (SELECT count(*) FROM author),"
                                  " (SELECT count(*) FROM tag), (SELECT count(*) FROM article_tags)"), [(3 + 256, 4 + 768, 3 + 3, 3 + 4, 3 + 256)])


class RandomTest(NestedTest):
    """Bodies put together by chance, most of them wrong: none is an error of the server's own, and one that is refused
    has changed nothing."""

    MEMBERS = {
        "article": ["title", "body", "reads", "author", "author_id", "tags", "vote_set", "remark_set", "summary", "seat_set", "id"],
        "author": ["handle", "name", "friends", "articles", "vote_set", "teams", "id"],
        "vote": ["author", "article", "weight"],
        "remark": ["text", "create", "article"],
        "tag": ["name", "kind", "articles"],
        "team": ["name", "members"],
        "summary": ["text", "article"],
        "seat": ["line", "number", "article"],
    }
    LEADS = {"author": "author", "tags": "tag", "vote_set": "vote", "remark_set": "remark", "summary": "summary", "seat_set": "seat",
             "friends": "author", "articles": "article", "teams": "team", "article": "article", "members": "author"}
    NEEDED = {"article": ["title"], "author": ["handle"], "vote": ["author"], "remark": ["text"], "tag": ["name"], "team": ["name"],
              "summary": ["text"], "seat": ["line", "number"]}
    TO_MANY = ["create", "get_or_create", "update_or_create", "update", "add", "remove", "set", "clear", "delete", "through_defaults"]
    TO_ONE = ["create", "get_or_create", "update_or_create", "update", "delete"]
    wildness = 0

    def is_wild(self):
        return self.dice.random() < self.wildness

    def scalar(self):
        return self.dice.choice([None, True, 0, 1, 2, -1, 99, 1.5, "", "x", "y", "red", "z" * 50, {"F": "id"}, {"Value": "v"},
                                 {"Lower": {"Value": "Q"}}, [], {}, "n%d" % self.dice.randrange(10 ** 6)])

    def row(self, model, depth, without=""):
        names = self.MEMBERS[model]
        if self.is_wild():
            chosen = self.dice.sample(names, self.dice.randint(1, min(5, len(names))))
        else:
            related = [name for name in names if name in self.LEADS]
            chosen = self.NEEDED[model] + self.dice.sample(related, self.dice.randint(0, min(2, len(related))) if depth else 0)
        return {name: self.member(name, depth) for name in dict.fromkeys(chosen) if name != without or self.is_wild()}

    def member(self, name, depth):
        dice = self.dice
        if self.is_wild():
            return self.scalar()
        if name not in self.LEADS:
            number = dice.randrange(10 ** 6)
            return {"title": "t%d" % number, "text": "t", "handle": "h%d" % number, "name": "n%d" % number, "line": "l%d" % (number % 99),
                    "weight": 3, "number": number, "reads": {"+": [1, 1]}, "author_id": 1, "id": 1}.get(name, "k")
        model = self.LEADS[name]
        if name in ("author", "article"):
            if depth == 0 or dice.random() < 0.4:
                return dice.randint(1, 3)
            verb = dice.choice(self.TO_ONE[:3] if dice.random() < 0.8 else self.TO_ONE)
            return {verb: self.said(verb, model, depth - 1, "")}
        if depth == 0:
            return []
        if name == "summary":
            return self.row(model, depth - 1, "article")
        parent = {"vote_set": "article", "remark_set": "article", "seat_set": "article", "articles": "author"}.get(name, "")
        if dice.random() < 0.5:
            return [self.item(name, model, depth - 1, parent) for _ in range(dice.randint(0, 3))]
        return {verb: self.said(verb, model, depth - 1, parent) for verb in dice.sample(self.TO_MANY, dice.randint(1, 3))}

    def item(self, name, model, depth, parent):
        dice = self.dice
        if name in ("tags", "friends", "teams", "members") and dice.random() < 0.5:
            return dice.choice([dice.randint(1, 2), {"pk__in": [1, 2]}, {"create": self.row(model, depth), "through_defaults": {"role": "r", "level": 1}}])
        if dice.random() < 0.7:
            return self.row(model, depth, parent)
        verb = dice.choice(self.TO_MANY)
        return {verb: self.said(verb, model, depth, parent)}

    def said(self, verb, model, depth, parent):
        dice = self.dice
        if self.is_wild():
            return self.scalar()
        if verb in ("get_or_create", "update_or_create"):
            return {"lookup": {"id": dice.randint(1, 400)}, "defaults": self.row(model, depth, parent)}
        if verb == "clear":
            return True
        if verb == "delete":
            return dice.choice([[1], [{"id": 1}], {"id__gt": 99}])
        if verb == "through_defaults":
            return {"role": "r", "level": 1}
        if verb == "update":
            return dict(self.row(model, depth, parent), id=dice.randint(1, 2))
        if verb == "create":
            return self.row(model, depth, parent)
        return [dice.randint(1, 3) for _ in range(dice.randint(0, 2))]

    def test_no_body_is_the_server_s_fault(self):
        dice = self.dice = random.Random(20261122)
        done = {}
        for number in range(500):
            self.wildness = dice.choice([0, 0, 0.02, 0.2])
            model = dice.choice(list(self.MEMBERS))
            body = self.row(model, 4)
            method, path = dice.choice([("POST", "/api/%s" % model), ("PATCH", "/api/%s/1" % model), ("PUT", "/api/%s/1" % model),
                                        ("POST", "/api/%s/bulk_create" % model), ("POST", "/api/%s/update_or_create" % model)])
            if path.endswith("bulk_create"):
                body = [body, self.row(model, 2)]
            if path.endswith("update_or_create"):
                body = {"lookup": {"pk": dice.randint(1, 5)}, "defaults": body}
            response = self.api.request(method, path, body)
            done[response.status] = done.get(response.status, 0) + 1
            self.assertLess(response.status, 500, "%d: %s %s %s: %r" % (number, method, path, json.dumps(body), response))
            if response.status >= 400:
                self.assertEqual(self.contents(), self.before, "%s %s %s: %r" % (method, path, json.dumps(body), response))
            else:
                self.reset()
                self.before = self.contents()
        self.assertGreater(done.get(201, 0) + done.get(200, 0), 100, done)


def in_one_order(value, member=None):
    """Related rows without an order of their model come as PostgreSQL finds them; `results` are in the order of the rows sent."""
    if isinstance(value, dict):
        return {name: in_one_order(each, name) for name, each in value.items()}
    if not isinstance(value, list):
        return value
    rows = [in_one_order(each) for each in value]
    is_related = member != "results" and all(isinstance(each, dict) and "id" in each for each in rows)
    return sorted(rows, key=lambda each: each["id"]) if is_related else rows


class DocumentTest(harness.ApiTest):
    """Pages of api-docs/writing, from top to bottom."""

    models = ("journal",)

    def run_page(self, name):
        with open(os.path.join(harness.ROOT, "api-docs", "writing", name), encoding="utf-8") as file:
            blocks = re.findall(r"^```(http|json)\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL)
        response = None
        for kind, text in blocks:
            if kind == "http":
                line, _, body = text.partition("\n")
                method, path = line.split()
                response = self.api.request(method, path, json.loads(body))
                continue
            got, expected = in_one_order(response.json), in_one_order(json.loads(text))
            got.pop("instance", None)
            self.assertEqual(got, expected, line)
            if "status" not in got:
                self.assertEqual(json.dumps(got), json.dumps(expected), line)
        self.assertGreater(len(blocks), 10)

    def test_nested(self):
        self.run_page("nested.md")

    def test_creating(self):
        self.run_page("creating.md")


if __name__ == "__main__":
    unittest.main()
