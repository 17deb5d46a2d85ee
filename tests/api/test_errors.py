"""Bad requests: each has its own clear answer, the connection lives on, and the database is not asked."""

import json
import unittest

import seeds
from harness import ApiTest

ANY = object()
NEWS, STAFF = "/api/article/query", "/api/employee/query"


def raw(text):
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text


class ErrorsTest(ApiTest):
    models = ("staff", "news", "fleet_grants")
    seed = seeds.STAFF + seeds.NEWS + seeds.FLEET_GRANTS

    def refused(self, cases):
        """Cases of (method and address, body, status, title, pointer, suggestion); bytes as a body are
        sent as they are, ANY is not looked at, a tuple of titles leaves the choice."""
        for request, body, status, title, pointer, suggestion in cases:
            shown = body if body is None or len(repr(body)) < 300 else repr(body)[:300]
            with self.subTest(request=request, body=shown):
                self.refuse(request, body, status, title, pointer, suggestion)

    def refuse(self, request, body, status, title, pointer, suggestion):
        method, path = request.split(" ", 1)
        self.api.get("/health/live")
        before = self.api.local_port
        response = self.api.request(method, path, body)
        titles = title if isinstance(title, tuple) else (title,)
        self.assertIn(response.json.get("title"), titles, response)
        expected = {}
        if pointer is not ANY:
            expected["pointer"] = pointer
        if suggestion is not ANY:
            expected["suggestion"] = suggestion
        self.assert_problem(response, status, response.json["title"], **expected)
        self.assert_statements(response, 0)
        alive = self.api.get("/api/role/count")
        self.assertEqual(self.ok(alive), {"count": 5})
        self.assertEqual(self.api.local_port, before, "the connection was closed")

    def bodies(self, address, status, title, cases):
        self.refused([("POST " + address, body, status, title, pointer, suggestion) for body, pointer, suggestion in cases])

    # What is not even JSON

    def test_bodies_that_are_not_json(self):
        bad = ["{\"filter\": ", "{'filter': {}}", "{} {}", "{\"limit\": 1,}", "{\"limit\": 01}", "{\"limit\": NaN}", "nonsense",
               "{\"filter\": {\"title\": \"a\nb\"}}", "\ufeff{}", "{\"filter\": {\"id\": 1e400}}", "[", "{\"limit\" 1}"]
        self.refused([("POST " + NEWS, raw(text), 400, "BadRequest", ANY, ANY) for text in bad])

    def test_the_place_of_a_mistake_in_the_text_is_named(self):
        problem = self.api.post(NEWS, b'{\n  "limit": 1,\n  "offset" 2\n}').json
        self.assertRegex(problem["detail"], "line 3")

    def test_text_that_is_not_unicode(self):
        self.refused([
            ("POST " + NEWS, b'{"filter": {"title": "\xff\xfe"}}', 400, "BadRequest", ANY, ANY),
            ("POST " + NEWS, b'{"filter": {"title": "\xc0\xaf"}}', 400, "BadRequest", ANY, ANY),
            ("POST " + NEWS, b'{"filter": {"title": "\xed\xa0\x80"}}', 400, "BadRequest", ANY, ANY),
            ("POST " + NEWS, b'{"filter": {"title": "\\ud800"}}', 400, "BadRequest", ANY, ANY),
        ])

    def test_text_with_nul(self):
        self.refused([
            ("POST " + NEWS, b'{"filter": {"title": "a\\u0000b"}}', 400, ("BadRequest", "ValueError"), ANY, ANY),
            ("POST " + NEWS, b'{"filter": {"ti\\u0000tle": 1}}', 400, ("BadRequest", "ValueError"), ANY, ANY),
            ("POST /api/author", b'{"handle": "a\\u0000"}', 400, ("BadRequest", "ValueError"), ANY, ANY),
        ])

    def test_duplicate_keys(self):
        self.refused([
            ("POST " + NEWS, b'{"limit": 1, "limit": 2}', 400, "BadRequest", ANY, ANY),
            ("POST " + NEWS, b'{"filter": {"id": 1, "id": 2}}', 400, "BadRequest", ANY, ANY),
            ("POST /api/author", b'{"handle": "x", "handle": "y"}', 400, "BadRequest", ANY, ANY),
        ])

    def test_numbers_out_of_range(self):
        self.refused([
            ("POST " + NEWS, b'{"filter": {"id": 9223372036854775808}}', 400, ("BadRequest", "ValueError"), ANY, ANY),
            ("POST " + NEWS, b'{"limit": 99999999999999999999}', 400, ("BadRequest", "ValueError"), ANY, ANY),
            ("POST " + NEWS, b'{"filter": {"id": -9223372036854775809}}', 400, ("BadRequest", "ValueError"), ANY, ANY),
        ])

    # Limits

    def test_a_body_over_the_limit(self):
        self.refused([("POST " + NEWS, raw('{"filter": {"title": "%s"}}' % ("x" * (1 << 20))), 413, "RequestTooLarge", ANY, ANY)])

    def test_a_body_just_under_the_limit_is_read(self):
        body = b'{"filter": {"title": "%s"}}' % (b"x" * ((1 << 20) - 100))
        self.assertEqual(self.results(self.api.post(NEWS, body)), [])

    def test_a_body_that_is_too_deep(self):
        for depth in (65, 100, 5000):
            text = '{"filter": ' + '{"not": ' * depth + "{}" + "}" * depth + "}"
            self.refused([("POST " + NEWS, raw(text), 400, "BadRequest", ANY, ANY)])

    def test_a_body_just_deep_enough_is_read(self):
        text = '{"filter": ' + '{"not": ' * 62 + "{}" + "}" * 62 + "}"
        self.assertEqual(len(self.results(self.api.post(NEWS, raw(text)))), 8)

    def test_a_body_of_too_many_nodes(self):
        self.refused([
            ("POST " + NEWS, {"filter": {"id__in": list(range(10001))}}, 400, "BadRequest", ANY, ANY),
            ("POST " + NEWS, raw('{"filter": {"or": [%s]}}' % ",".join(["{}"] * 10000)), 400, "BadRequest", ANY, ANY),
        ])

    # Addresses and methods

    def test_unknown_addresses(self):
        self.refused([
            ("GET /api/artcle", None, 404, "NotFound", ANY, "article"),
            ("POST /api/artcle/query", {}, 404, "NotFound", ANY, "article"),
            ("POST /api/article/cuont", {}, 404, "NotFound", ANY, "count"),
            ("GET /api/article/1/vote_sett", None, 404, "NotFound", ANY, "vote_set"),
            ("GET /api/article/1/vote_set/cont", None, 404, "NotFound", ANY, ANY),
            ("POST /api/article/1/vote_set/cuont", {}, 404, "NotFound", ANY, "count"),
            ("GET /nothing/here", None, 404, "NotFound", ANY, ANY),
            ("GET /api/article/1/2/3/4", None, 404, "NotFound", ANY, ANY),
            ("GET /api/information_schema", None, 404, "NotFound", ANY, ANY),
        ])

    def test_a_key_that_cannot_be_one(self):
        self.refused([
            ("GET /api/article/abc", None, 404, ("NotFound", "DoesNotExist"), ANY, ANY),
            ("GET /api/article/99999999999999999999", None, 404, ("NotFound", "DoesNotExist"), ANY, ANY),
            ("GET /api/article/%zz", None, 400, "BadRequest", ANY, ANY),
            ("GET /api/article/%00", None, 400, "BadRequest", ANY, ANY),
        ])

    def test_a_key_that_cannot_be_one_is_not_there_for_writes_either(self):
        self.refused([
            ("DELETE /api/article/abc", None, 404, "DoesNotExist", ANY, ANY),
            ("PATCH /api/article/abc", {"title": "x"}, 404, "DoesNotExist", ANY, ANY),
            ("PUT /api/article/abc", {"title": "x"}, 404, "DoesNotExist", ANY, ANY),
            ("POST /api/article/abc/vote_set", {"author": 1}, 404, "DoesNotExist", ANY, ANY),
            ("POST /api/administrator/abc/servers/add", {"objects": [1]}, 404, "DoesNotExist", ANY, ANY),
        ])

    def test_a_manager_of_a_row_that_is_not_there(self):
        for method, body in (("count", {}), ("aggregate", {"aggregate": {"n": {"Count": "*"}}}), ("delete", {}),
                             ("update", {"set": {"author": 1}}), ("query", {}), ("in_bulk", {})):
            with self.subTest(method=method):
                self.assert_problem(self.api.post("/api/article/999/vote_set/" + method, body), 404, "DoesNotExist")

    def test_methods_that_an_address_does_not_take(self):
        for request in ("PUT /api/article", "DELETE /api/article/count", "GET /api/article/create",
                        "POST /api/article/1", "GET /api/administrator/1/servers/add", "PATCH /api/article/query"):
            self.refused([(request, None, 405, "MethodNotAllowed", ANY, ANY)])
            method, path = request.split()
            self.assertTrue(self.api.request(method, path).headers.get("Allow"), request)

    def test_media_types(self):
        for sent in ("text/plain", "application/xml", "application/x-www-form-urlencoded"):
            response = self.api.post(NEWS, b"{}", {"Content-Type": sent})
            self.assert_problem(response, 415, "UnsupportedMediaType")
            self.assert_statements(response, 0)
        for asked in ("image/png", "application/xml"):
            response = self.api.get("/api/article", headers={"Accept": asked})
            self.assert_problem(response, 406, "NotAcceptable")
            self.assert_statements(response, 0)

    # Clauses

    def test_unknown_clauses(self):
        self.bodies(NEWS, 400, "BadRequest", [
            ({"filtr": {}}, "/filtr", "filter"),
            ({"oder_by": ["id"]}, "/oder_by", "order_by"),
            ({"select_realted": []}, "/select_realted", "select_related"),
            ([{"filter": {}}, {"limt": 3}], "/1/limt", "limit"),
            ({"query": [{"filter": {}}, {"anotate": {}}]}, "/query/1/anotate", "annotate"),
            ({"prefetch_related": [{"path": "vote_set", "qury": {}}]}, "/prefetch_related/0/qury", "query"),
        ])

    def test_wrong_nesting(self):
        self.bodies(NEWS, 400, ("BadRequest", "ValueError"), [
            ({"filter": 5}, "/filter", ANY),
            ({"filter": [1]}, ANY, ANY),
            ({"filter": "title"}, "/filter", ANY),
            ({"filter": {"or": {"id": 1}}}, "/filter/or", ANY),
            ({"filter": {"or": [5]}}, "/filter/or/0", ANY),
            ({"filter": {"not": [{}]}}, "/filter/not", ANY),
            ({"filter": {"and": "x"}}, "/filter/and", ANY),
            ({"order_by": 5}, "/order_by", ANY),
            ({"order_by": [5]}, "/order_by/0", ANY),
            ({"annotate": ["n"]}, "/annotate", ANY),
            ({"limit": "x"}, "/limit", ANY),
            ({"limit": -1}, "/limit", ANY),
            ({"limit": 1.5}, "/limit", ANY),
            ({"offset": -5}, "/offset", ANY),
            ({"offset": None}, "/offset", ANY),
            ({"distinct": 5}, "/distinct", ANY),
            ({"select_related": 5}, "/select_related", ANY),
            ({"prefetch_related": [5]}, "/prefetch_related/0", ANY),
            ({"prefetch_related": [{"query": {}}]}, "/prefetch_related/0", ANY),
            ({"values": 7}, "/values", ANY),
            ({"reverse": "yes"}, "/reverse", ANY),
            ([5], "/0", ANY),
        ])
        self.refused([("POST " + NEWS, {"values_list": ["id", "title"], "flat": True}, 400, ("BadRequest", "TypeError"), "/flat", ANY)])
        self.refused([("POST " + NEWS, b"5", 400, ("BadRequest", "ValueError"), ANY, ANY),
                      ("POST " + NEWS, b'"query"', 400, ("BadRequest", "ValueError"), ANY, ANY),
                      ("POST " + NEWS, b"null", 400, ("BadRequest", "ValueError"), ANY, ANY)])

    # Names

    def test_unknown_fields(self):
        self.bodies(NEWS, 400, "FieldError", [
            ({"filter": {"titel": "x"}}, "/filter/titel", "title"),
            ({"filter": {"or": [{"id": 1}, {"bdy": "x"}]}}, "/filter/or/1/bdy", "body"),
            ({"filter": {"not": {"and": [{"publishd": True}]}}}, "/filter/not/and/0/publishd", "published"),
            ({"exclude": {"titel": "x"}}, "/exclude/titel", "title"),
            ({"filter": {"vote__authr__handle": "x"}}, "/filter/vote__authr__handle", "author"),
            ({"filter": {"vot__author": 1}}, "/filter/vot__author", "vote"),
            ({"filter": {"author__handel": "x"}}, "/filter/author__handel", "handle"),
            ({"order_by": ["id", "-titel"]}, "/order_by/1", "title"),
            ({"values": ["titel"]}, "/values/0", "title"),
            ({"values_list": ["id", "bdy"]}, "/values_list/1", "body"),
            ({"only": ["titel"]}, "/only/0", "title"),
            ({"defer": ["titel"]}, "/defer/0", "title"),
            ({"group_by": ["titel"]}, "/group_by/0", "title"),
            ({"distinct": ["titel"]}, "/distinct/0", "title"),
            ({"select_related": ["autor"]}, "/select_related/0", "author"),
            ({"annotate": {"n": {"Count": "vot"}}}, "/annotate/n/Count", "vote"),
            ({"annotate": {"n": {"F": "titel"}}}, "/annotate/n/F", "title"),
            ({"filter": {"title": {"F": "bdy"}}}, "/filter/title/F", "body"),
            ([{"filter": {"id": 1}}, {"filter": {"titel": 1}}], "/1/filter/titel", "title"),
        ])

    def test_paths_that_lead_nowhere(self):
        self.bodies(NEWS, 400, "FieldError", [
            ({"filter": {"title__handle": "x"}}, "/filter/title__handle", ANY),
            ({"filter": {"title__foo__bar": "x"}}, "/filter/title__foo__bar", ANY),
            ({"filter": {"": "x"}}, ANY, ANY),
            ({"filter": {"__": "x"}}, ANY, ANY),
            ({"filter": {"title__": "x"}}, ANY, ANY),
            ({"filter": {"vote____author": "x"}}, ANY, ANY),
            ({"select_related": ["vote_set"]}, "/select_related/0", ANY),
            ({"select_related": ["title"]}, "/select_related/0", ANY),
        ])

    def test_prefetches_that_lead_nowhere(self):
        self.bodies(NEWS, 400, ("FieldError", "ValueError"), [
            ({"prefetch_related": ["vote_sett"]}, "/prefetch_related/0", "vote_set"),
            ({"prefetch_related": ["title"]}, "/prefetch_related/0", ANY),
            ({"prefetch_related": ["vote_set__autor"]}, "/prefetch_related/0", "author"),
            ({"prefetch_related": [{"path": "vote_set", "query": {"filter": {"autor": 1}}}]},
             "/prefetch_related/0/query/filter/autor", "author"),
        ])

    def test_unknown_lookups(self):
        self.bodies(NEWS, 400, "FieldError", [
            ({"filter": {"title__icontain": "x"}}, "/filter/title__icontain", "icontains"),
            ({"filter": {"id__gtt": 1}}, "/filter/id__gtt", ANY),
            ({"filter": {"title__year": 2020}}, "/filter/title__year", ANY),
            ({"filter": {"vote__created_at__yeer": 2020}}, "/filter/vote__created_at__yeer", "year"),
            ({"filter": {"author__icontains": "x"}}, "/filter/author__icontains", ANY),
            ({"filter": {"published__contains__x": "x"}}, ANY, ANY),
        ])

    def test_unknown_functions(self):
        self.bodies(NEWS, 400, "FieldError", [
            ({"annotate": {"n": {"Cout": "vote"}}}, ANY, "Count"),
            ({"annotate": {"n": {"Pg_sleep": 5}}}, ANY, ANY),
            ({"annotate": {"n": {"Max": "titel"}}}, "/annotate/n/Max", "title"),
        ])

    def test_distinct_and_values_that_contradict_themselves(self):
        self.bodies(NEWS, 400, "FieldError", [
            ({"distinct": ["author"], "order_by": ["title"]}, "/distinct/0", ANY),
            ({"distinct": ["author", "title"], "order_by": ["author", "-id"]}, "/distinct/1", ANY),
        ])
        self.bodies(NEWS, 400, "ValueError", [({"values": ["id", {"id": "title"}]}, ANY, ANY)])
        self.bodies(NEWS, 400, "FieldError", [({"group_by": ["author", {"g": {"Value": None}}]}, ANY, ANY)])

    def test_a_join_row_is_filled_in_by_its_relation(self):
        for end in ("admin", "server", "server_id"):
            self.bodies("/api/administrator/1/servers/add", 400, "TypeError", [
                ({"objects": [1], "through_defaults": {"permission_level": "read", end: 2}}, "/through_defaults/" + end, ANY)])

    def test_annotations_that_cannot_be(self):
        self.bodies(NEWS, 400, ("FieldError", "ValueError", "TypeError", "BadRequest"), [
            ({"annotate": {"title": {"Count": "vote"}}}, "/annotate/title", ANY),
            ({"group_by": [{"title": "author__handle"}]}, "/group_by/0/title", ANY),
            ({"annotate": {"author_id": {"F": "id"}}}, "/annotate/author_id", ANY),
            ({"annotate": {"a b; --": {"Count": "vote"}}}, ANY, ANY),
            ({"annotate": {"n": {"Count": []}}}, ANY, ANY),
            ({"annotate": {"n": {"Sum": "title"}}}, ANY, ANY),
            ({"annotate": {"n": {"Count": "vote", "Sum": "vote"}}}, "/annotate/n", ANY),
            ({"annotate": {"n": {"+": ["title", 1]}}}, ANY, ANY),
            ({"annotate": {"n": {"OuterRef": "id"}}}, ANY, ANY),
        ])

    # Values

    def test_values_of_a_wrong_type(self):
        self.bodies(NEWS, 400, "ValueError", [
            ({"filter": {"id": "abc"}}, "/filter/id", ANY),
            ({"filter": {"id": 1.5}}, "/filter/id", ANY),
            ({"filter": {"id": True}}, "/filter/id", ANY),
            ({"filter": {"id": [1]}}, "/filter/id", ANY),
            ({"filter": {"id": {"a": 1, "b": 2}}}, "/filter/id", ANY),
            ({"filter": {"published": "maybe"}}, "/filter/published", ANY),
            ({"filter": {"published": 7}}, "/filter/published", ANY),
            ({"filter": {"vote__created_at": "yesterday"}}, "/filter/vote__created_at", ANY),
            ({"filter": {"vote__created_at": "2026-13-01T00:00:00Z"}}, "/filter/vote__created_at", ANY),
            ({"filter": {"vote__created_at": "2026-02-30T00:00:00Z"}}, "/filter/vote__created_at", ANY),
            ({"filter": {"vote__created_at__year": "x"}}, "/filter/vote__created_at__year", ANY),
            ({"filter": {"id__in": 5}}, "/filter/id__in", ANY),
            ({"filter": {"id__in": [1, "x"]}}, "/filter/id__in/1", ANY),
            ({"filter": {"id__range": [1]}}, "/filter/id__range", ANY),
            ({"filter": {"id__range": [1, 2, 3]}}, "/filter/id__range", ANY),
            ({"filter": {"id__isnull": "x"}}, "/filter/id__isnull", ANY),
            ({"filter": {"author": "jane"}}, "/filter/author", ANY),
            ({"filter": {"id__gt": None}}, "/filter/id__gt", ANY),
        ])
        self.bodies(STAFF, 400, "ValueError", [
            ({"filter": {"salary": "abc"}}, "/filter/salary", ANY),
            ({"filter": {"salary": "1e999999"}}, "/filter/salary", ANY),
            ({"filter": {"salary__gt": {"*": [{"F": "salary"}, "x"]}}}, ANY, ANY),
            ({"filter": {"role": {"pk": "x"}}}, ANY, ANY),
        ])

    # The query string

    def test_bad_parameters(self):
        for params, title, pointer, suggestion in [
            ("titel=x", ("FieldError", "BadRequest"), "?titel", "title"),
            ("vote__authr=1", ("FieldError", "BadRequest"), "?vote__authr", "author"),
            ("limit=abc", ("ValueError", "BadRequest"), "?limit", ANY),
            ("limit=-1", ("ValueError", "BadRequest"), "?limit", ANY),
            ("order_by=titel", "FieldError", ANY, "title"),
            ("id=abc", "ValueError", "?id", ANY),
            ("id__in=1,x", "ValueError", ANY, ANY),
            ("published=maybe", "ValueError", "?published", ANY),
            ("title=%zz", "BadRequest", ANY, ANY),
            ("title=%00", "BadRequest", ANY, ANY),
            ("title=%ff", "BadRequest", ANY, ANY),
            ("limit=1&limit=2", "BadRequest", "?limit", ANY),
            ("filter=%7Bbroken", "BadRequest", ANY, ANY),
            ("filter=5", ("ValueError", "BadRequest"), ANY, ANY),
            ("annotate=n:Cout(vote)", "FieldError", ANY, "Count"),
            ("annotate=n", ("ValueError", "BadRequest"), ANY, ANY),
            ("limti=5", ("FieldError", "BadRequest"), "?limti", "limit"),
        ]:
            self.refused([("GET /api/article?" + params, None, 400, title, pointer, suggestion)])

    # Methods with members of their own

    def test_methods_without_what_they_need(self):
        self.refused([
            ("POST /api/article/aggregate", {}, 400, ("BadRequest", "TypeError", "ValueError"), ANY, ANY),
            ("POST /api/article/aggregate", {"aggregate": {"n": "id"}}, 400, ("TypeError", "FieldError", "ValueError", "BadRequest"), ANY, ANY),
            ("POST /api/article/aggregate", {"aggregate": {"n": {"Count": "vot"}}}, 400, "FieldError", "/aggregate/n/Count", "vote"),
            ("POST /api/article/in_bulk", {"ids": 5}, 400, ("BadRequest", "ValueError", "TypeError"), "/ids", ANY),
            ("POST /api/article/in_bulk", {"ids": ["x"]}, 400, "ValueError", "/ids/0", ANY),
            ("POST /api/author/in_bulk", {"ids": ["x"], "field_name": "handel"}, 400, ("FieldError", "ValueError"), "/field_name", "handle"),
            ("POST /api/article/in_bulk", {"ids": ["x"], "field_name": "title"}, 400, ("ValueError", "FieldError"), "/field_name", ANY),
            ("POST /api/article/count", {"aggregate": {}}, 400, "BadRequest", "/aggregate", ANY),
            ("POST /api/article/latest", {}, 400, ("ValueError", "TypeError", "BadRequest"), ANY, ANY),
            ("POST /api/article/update", {"filter": {"id": 1}}, 400, ("BadRequest", "TypeError", "ValueError"), ANY, ANY),
            ("POST /api/administrator/1/servers/add", {}, 400, ("BadRequest", "TypeError", "ValueError"), ANY, ANY),
            ("POST /api/administrator/1/servers/add", {"objects": 5}, 400, ("BadRequest", "ValueError"), "/objects", ANY),
        ])

    # Writing

    def test_writes_that_name_unknown_fields(self):
        self.refused([
            ("POST /api/author", {"handel": "x"}, 400, "FieldError", "/handel", "handle"),
            ("POST /api/employee", {"full_name": "A", "years_of_service": 1, "roll": 1}, 400, "FieldError", "/roll", "role"),
            ("POST /api/article/update", {"filter": {"id": 1}, "set": {"titel": "x"}}, 400, "FieldError", "/set/titel", "title"),
            ("PATCH /api/article/1", {"titel": "x"}, 400, "FieldError", "/titel", "title"),
            ("POST /api/article/update", {"set": {"title": {"F": "bdy"}}}, 400, "FieldError", "/set/title/F", "body"),
            ("POST /api/employee", {"full_name": "A", "years_of_service": 1, "role": {"nme": "Manager"}}, 400, "FieldError",
             "/role/nme", "name"),
        ])

    def test_writes_that_break_a_rule_of_the_model(self):
        self.refused([
            ("POST /api/author", {}, 422, "ValidationError", "/handle", ANY),
            ("POST /api/author", {"handle": None}, 422, "ValidationError", "/handle", ANY),
            ("POST /api/author", {"handle": ""}, 422, "ValidationError", "/handle", ANY),
            ("POST /api/author", {"handle": "x" * 65}, 422, "ValidationError", "/handle", ANY),
            ("POST /api/employee", {"full_name": "A", "role": 1, "years_of_service": -1}, 422, "ValidationError", "/years_of_service", ANY),
            ("POST /api/employee", {"full_name": "A", "role": 1, "years_of_service": 32768}, 422, "ValidationError", "/years_of_service", ANY),
            ("POST /api/employee", {"full_name": "A", "role": 1, "years_of_service": "many"}, 422, "ValidationError", "/years_of_service", ANY),
            ("POST /api/employee", {"full_name": "A", "role": 1, "years_of_service": 1, "salary": "123456789.00"}, 422, "ValidationError", "/salary", ANY),
            ("POST /api/employee", {"full_name": "A", "role": 1, "years_of_service": 1, "salary": "1.234"}, 422, "ValidationError", "/salary", ANY),
            ("POST /api/employee", {"full_name": "A", "role": None, "years_of_service": 1}, 422, "ValidationError", "/role", ANY),
            ("POST /api/administrator", {"name": "A", "email": "nobody"}, 422, "ValidationError", "/email", ANY),
            ("POST /api/accessgrant", {"admin": 1, "server": 1, "permission_level": "root"}, 422, "ValidationError", "/permission_level", ANY),
            ("POST /api/author", [{"handle": "fine"}, {"handle": ""}], 422, "ValidationError", "/1/handle", ANY),
            ("PATCH /api/author/1", {"handle": ""}, 422, "ValidationError", "/handle", ANY),
        ])
        self.assertEqual(self.sql("SELECT count(*) FROM author"), [(5,)])

    def test_every_broken_rule_is_named_at_once(self):
        problem = self.assert_problem(self.api.post("/api/employee", {"full_name": "", "years_of_service": -1}), 422, "ValidationError")
        self.assertEqual(
            {error["pointer"]: error["code"] for errors in problem["errors"].values() for error in errors},
            {"/full_name": "blank", "/years_of_service": "min_value", "/role": "null"}, problem)
        self.assertEqual(set(problem["errors"]), {"full_name", "years_of_service", "role"})

    def test_writes_to_every_row_must_say_so(self):
        self.refused([
            ("PATCH /api/article", {"title": "x"}, 400, "BadRequest", ANY, ANY),
            ("DELETE /api/article", None, 400, "BadRequest", ANY, ANY),
        ])
        self.assertEqual(self.sql("SELECT count(*) FROM article WHERE title <> 'x'"), [(8,)])

    def test_validation_cannot_be_switched_off_unless_settings_allow_it(self):
        response = self.api.post("/api/author", {"handle": "", "validate": False})
        self.assertIn(response.status, (400, 403), response)
        self.assert_statements(response, 0)

    # Nothing of a request reaches the database as anything but a value

    def test_hostile_text_is_data(self):
        for text in ("'; DROP TABLE article; --", "\\'; select 1; --", "$1", "%s", "\"", "`", "/*", "' OR '1'='1", "E'\\x00'"):
            self.assertEqual(self.results(self.api.query("article", {"filter": {"title": text}})), [])
            self.assertEqual(self.results(self.api.query("article", {"filter": {"title__icontains": text}})), [])
            response = self.api.query("article", {"filter": {text: 1}})
            self.assert_problem(response, 400, "FieldError")
            self.assert_problem(self.api.query("article", {"order_by": [text]}), 400, "FieldError")
        self.assertEqual(self.sql("SELECT count(*) FROM article"), [(8,)])

    def test_a_thousand_bad_requests_on_one_connection(self):
        for number in range(1000):
            response = self.api.query("article", {"filter": {"titel%d" % number: json.dumps({"a": number})}})
            self.assertEqual(response.status, 400)
        self.assertEqual(self.ok(self.api.get("/api/role/count")), {"count": 5})


if __name__ == "__main__":
    unittest.main()
