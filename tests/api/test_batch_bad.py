"""Batches that are wrong: each is refused where it is wrong, before or after a part of it was run, and nothing is left."""

import unittest

from batching import BatchTest, op, ref

MADE = op("Account", "create", {"owner": "made"}, name="made")
COUNT = op("Account", "count")

# name, status, title, pointer, words of the detail, suggestion, the operations (or the whole body), members of the batch
BAD = [
    # the batch itself
    ("no object", 400, "ValueError", "", "expected a batch", None, [COUNT], None),
    ("no operations", 400, "BadRequest", "", "needs \"operations\"", None, {}, None),
    ("operations are no array", 400, "ValueError", "/operations", "expected an array", None, {"operations": {}}, None),
    ("an operation is no object", 400, "ValueError", "/operations/1", "expected an operation", None, [MADE, 3], {}),
    ("a misspelt member", 400, "BadRequest", "/isolatoin", "not a member of a batch", "isolation", [COUNT],
     {"isolatoin": "serializable"}),
    ("an unknown isolation", 400, "ValueError", "/isolation", "none of its choices", "serializable", [COUNT],
     {"isolation": "serialisable"}),
    ("isolation is a number", 400, "ValueError", "/isolation", "expected a string", None, [COUNT], {"isolation": 3}),
    ("atomic is text", 400, "ValueError", "/atomic", "expected true or false", None, [COUNT], {"atomic": "yes"}),
    ("dry_run is text", 400, "ValueError", "/dry_run", "expected true or false", None, [COUNT], {"dry_run": "yes"}),
    ("too many retries", 400, "ValueError", "/retries", "0 to 10", None, [COUNT], {"retries": 11}),
    ("fewer than no retries", 400, "ValueError", "/retries", "0 to 10", None, [COUNT], {"retries": -1}),
    ("retries in part", 400, "ValueError", "/retries", "expected an integer", None, [COUNT], {"retries": 1.5}),
    ("isolation of none", 400, "BadRequest", "/isolation", "atomic batch", None, [COUNT],
     {"atomic": False, "isolation": "serializable"}),
    ("retries of none", 400, "BadRequest", "/retries", "atomic batch", None, [COUNT], {"atomic": False, "retries": 1}),
    ("dry run of none", 400, "BadRequest", "/dry_run", "atomic batch", None, [COUNT], {"atomic": False, "dry_run": True}),
    ("an unknown database", 400, "ValueError", "/using", "doesn't exist", "default", [COUNT], {"using": "defalt"}),
    ("a database that is no text", 400, "ValueError", "/using", "expected a database alias", None, [COUNT], {"using": 1}),

    # an operation, before anything is run
    ("no model", 400, "BadRequest", "/operations/1", "needs \"model\"", None, [MADE, {"method": "count"}], {}),
    ("no method", 400, "BadRequest", "/operations/1", "needs \"method\"", None, [MADE, {"model": "Account"}], {}),
    ("an unknown model", 400, "FieldError", "/operations/1/model", "no model", "Account", [MADE, op("Acount", "count")], {}),
    ("a model that is no text", 400, "ValueError", "/operations/0/model", "expected a model's name", None,
     [op(3, "count")], {}),
    ("an unknown method", 400, "BadRequest", "/operations/1/method", "no method", "count", [MADE, op("Account", "cuont")], {}),
    ("a method that is no text", 400, "ValueError", "/operations/0/method", "expected a method's name", None,
     [op("Account", None)], {}),
    ("a related manager's method", 400, "BadRequest", "/operations/0/method", "related managers", None,
     [op("Account", "clear")], {}),
    ("a method of rows", 400, "BadRequest", "/operations/0/method", "no method", None, [op("Account", "patch", {})], {}),
    ("a manager's method of a row", 400, "BadRequest", "/operations/0/method", "get, patch, put and delete", None,
     [op("Account", "update", {"set": {"owner": "x"}}, pk=1)], {}),
    ("a misspelt method of a row", 400, "BadRequest", "/operations/0/method", "get, patch, put and delete", "patch",
     [op("Account", "patc", {}, pk=1)], {}),
    ("an unknown relation", 400, "FieldError", "/operations/0/relation", "no relation", "tags",
     [op("Job", "add", [1], pk=1, relation="tagz")], {}),
    ("a relation of no row", 400, "BadRequest", "/operations/0/relation", "needs \"pk\"", None,
     [op("Job", "add", [1], relation="tags")], {}),
    ("a relation to one row", 400, "BadRequest", "/operations/0/relation", "one row and no manager", None,
     [op("Job", "create", {}, pk=1, relation="account")], {}),
    ("a relation that is no text", 400, "ValueError", "/operations/0/relation", "expected a relation's name", None,
     [op("Job", "add", [1], pk=1, relation=1)], {}),
    ("a misspelt member of an operation", 400, "BadRequest", "/operations/0/bodi", "not a member of an operation", "body",
     [op("Account", "create", bodi={})], {}),
    ("an unknown on_error", 400, "ValueError", "/operations/0/on_error", "none of its choices", "continue",
     [op("Account", "count", on_error="continu")], {}),
    ("rollback of none", 400, "BadRequest", "/operations/0/on_error", "nothing to be rolled back", None,
     [op("Account", "count", on_error="rollback")], {"atomic": False}),
    ("a name twice", 400, "ValueError", "/operations/1/as", "Operation 0 is called \"made\"", None, [MADE, MADE], {}),
    ("a name that is a number", 400, "ValueError", "/operations/0/as", "begins with no digit", None,
     [op("Account", "count", name="1")], {}),
    ("a long name", 400, "ValueError", "/operations/0/as", "letters, digits", None, [op("Account", "count", name="a" * 65)], {}),
    ("a name with a dot", 400, "ValueError", "/operations/0/as", "letters, digits", None, [op("Account", "count", name="a.b")], {}),
    ("an empty name", 400, "ValueError", "/operations/0/as", "letters, digits", None, [op("Account", "count", name="")], {}),
    ("if_match of a manager", 400, "BadRequest", "/operations/0/if_match", "of one row", None,
     [op("Account", "update", {"set": {}}, if_match="\"x\"")], {}),
    ("if_match of a read", 400, "BadRequest", "/operations/0/if_match", "of one row", None,
     [op("Account", "get", pk=1, if_match="\"x\"")], {}),

    # Refs, before anything is run
    ("a Ref to nobody", 400, "FieldError", "/operations/1/body/owner/Ref", "Choices are: made, and numbers below 1", "made.id",
     [MADE, op("Account", "create", {"owner": ref("mode.id")})], {}),
    ("a Ref to itself", 400, "FieldError", "/operations/0/body/owner/Ref", "first one", None,
     [op("Account", "create", {"owner": ref("0.id")}, name="a")], {}),
    ("a Ref to a later one", 400, "FieldError", "/operations/1/pk/Ref", "No operation before this one", None,
     [COUNT, op("Account", "get", pk=ref("later.id")), op("Account", "create", {"owner": "x"}, name="later")], {}),
    ("a Ref beyond the end", 400, "FieldError", "/operations/1/pk/Ref", "numbers below 1", None,
     [COUNT, op("Account", "get", pk=ref("7.id"))], {}),
    ("a Ref that is a number", 400, "ValueError", "/operations/1/pk/Ref", "A Ref is", None,
     [MADE, op("Account", "get", pk={"Ref": 0})], {}),
    ("an empty Ref", 400, "ValueError", "/operations/1/pk/Ref", "A Ref is", None, [MADE, op("Account", "get", pk=ref(""))], {}),
    ("a Ref of dots", 400, "ValueError", "/operations/1/pk/Ref", "A Ref is", None, [MADE, op("Account", "get", pk=ref("made..id"))], {}),
    ("a Ref of an empty array", 400, "ValueError", "/operations/1/pk/Ref", "A Ref is", None, [MADE, op("Account", "get", pk={"Ref": []})], {}),
    ("a Ref of a negative step", 400, "ValueError", "/operations/1/pk/Ref/1", "A Ref is", None,
     [MADE, op("Account", "get", pk={"Ref": ["made", -1]})], {}),

    # Refs, when the result is there
    ("a Ref to no member", 400, "FieldError", "/operations/1/pk/Ref", "Choices are: balance, id, notes, owner", "made.owner",
     [MADE, op("Account", "get", pk=ref("made.ownr"))], {}),
    ("a Ref to no element", 400, "FieldError", "/operations/2/pk/Ref", "has 1 elements", None,
     [MADE, op("Account", "query", {"filter": {"owner": "made"}}), op("Account", "get", pk=ref("1.results.1.id"))], {}),
    ("a Ref into a number", 400, "FieldError", "/operations/1/pk/Ref", "is an integer there", None,
     [MADE, op("Account", "get", pk=ref("made.id.x"))], {}),
    ("a Ref into null", 400, "FieldError", "/operations/2/pk/Ref", "is null there", None,
     [MADE, op("Account", "first", {"none": True}), op("Account", "get", pk=ref("1.id"))], {}),
    ("a Ref for a condition", 400, "ValueError", "/operations/1/body/filter", "a condition cannot be the result", None,
     [MADE, op("Account", "query", {"filter": ref("made")})], {}),
    ("a Ref for a query", 400, "ValueError", "/operations/1/body", "a query cannot be the result", None,
     [MADE, op("Account", "query", ref("made"))], {}),
    ("a Ref of the wrong type", 400, "ValueError", "/operations/1/body/limit", "expected an integer", None,
     [MADE, op("Account", "query", {"limit": ref("made.owner")})], {}),

    # what is run
    ("a key of the wrong type", 400, "ValueError", "/operations/1/pk", "expected an integer", None, [MADE, op("Account", "get", pk="x")], {}),
    ("a key that is null", 400, "ValueError", "/operations/1/pk", "cannot be null", None, [MADE, op("Account", "get", pk=None)], {}),
    ("a key of one part", 400, "ValueError", "/operations/1/pk", "array of 2 values", None, [MADE, op("Seat", "get", pk=1)], {}),
    ("a key of three parts", 400, "ValueError", "/operations/1/pk", "array of 2 values", None, [MADE, op("Seat", "get", pk=[1, 2, 3])], {}),
    ("no such row", 404, "DoesNotExist", "/operations/1/pk", "Account matching query does not exist.", None,
     [MADE, op("Account", "patch", {"owner": "y"}, pk=999)], {}),
    ("no such row to read", 404, "DoesNotExist", "/operations/1/pk", "Account matching query", None, [MADE, op("Account", "get", pk=999)], {}),
    ("no such owner", 404, "DoesNotExist", "/operations/1/pk", "Job matching query", None,
     [MADE, op("Job", "add", [1], pk=999, relation="tags")], {}),
    ("several rows", 409, "MultipleObjectsReturned", "/operations/1", "returned 1", None, [MADE, op("Account", "get")], {}),
    ("an unknown clause", 400, "BadRequest", "/operations/1/body/fliter", "not a clause", "filter",
     [MADE, op("Account", "query", {"fliter": {}})], {}),
    ("an unknown field", 400, "FieldError", "/operations/1/body/filter/ownr", "ownr", "owner",
     [MADE, op("Account", "query", {"filter": {"ownr": 1}})], {}),
    ("an unknown field to write", 400, "FieldError", "/operations/1/body/ownr", "ownr", "owner",
     [MADE, op("Account", "create", {"ownr": "x"})], {}),
    ("update of nothing said", 400, "BadRequest", "/operations/1/body", "needs \"set\"", None,
     [MADE, op("Account", "update", {"filter": {"id": 1}})], {}),
    ("another database", 400, "ValueError", "/operations/1/body/using", "doesn't exist", None,
     [MADE, op("Account", "query", {"using": "replica"})], {}),
    ("protected", 409, "ProtectedError", "/operations/2", "", None,
     [MADE, op("Transfer", "create", {"source": 1, "target": 2, "amount": "1.00"}), op("Account", "delete", {"filter": {"id": 1}})], {}),
    ("a related object of another kind", 400, "ValueError", "/operations/1/body/0", "", None,
     [MADE, op("Job", "add", ["x"], pk=1, relation="tags")], {}),
    ("clear with something", 400, "BadRequest", "/operations/1/body", "clear takes nothing", None,
     [MADE, op("Job", "clear", {"objects": [1]}, pk=1, relation="tags")], {}),
    ("division by zero", 400, "ValueError", "/operations/1", "Division by zero", None,
     [MADE, op("Account", "query", {"annotate": {"x": {"/": [1, 0]}}})], {}),
]


class BadBatchesTest(BatchTest):
    def body_of(self, operations, members):
        if members is None:
            return operations
        return dict(members, operations=operations)

    def test_each_is_refused_where_it_is_wrong(self):
        before = self.everything()
        self.assertGreater(len(BAD), 60)
        for name, status, title, pointer, words, suggestion, operations, members in BAD:
            with self.subTest(name):
                response = self.api.post("/batch", self.body_of(operations, members))
                problem = self.assert_problem(response, status, title, detail=words)
                self.assertEqual(problem.get("pointer"), pointer, response)
                if suggestion:
                    self.assertEqual(problem.get("suggestion"), suggestion, response)
                if pointer.startswith("/operations/"):
                    self.assertEqual(problem.get("operation"), int(pointer.split("/")[2]), response)
                self.assertEqual(self.everything(), before)

    def test_addresses_and_methods(self):
        self.assert_problem(self.api.get("/batch"), 405, "MethodNotAllowed")
        self.assertEqual(self.api.request("OPTIONS", "/batch").headers["Allow"], "POST, OPTIONS")
        self.assert_problem(self.api.post("/batsh", {}), 404, "NotFound", suggestion="/batch")
        self.assert_problem(self.api.post("/batch"), 400, "BadRequest")
        self.assert_problem(self.api.post("/batch?atomic=true", {"operations": []}), 400, "BadRequest", pointer="?atomic")
        self.assert_problem(self.api.request("POST", "/batch", b"a,b", {"Content-Type": "text/csv"}), 415, "UnsupportedMediaType")
        self.assert_problem(self.api.request("POST", "/batch", b"{", {"Content-Type": "application/json"}), 400, "BadRequest")

    def test_deep_nesting_of_refs_is_bounded_as_bodies_are(self):
        value = ref("0.count")
        for _ in range(200):
            value = [value]
        self.assert_problem(self.batch(COUNT, op("Account", "patch", {"notes": value}, pk=1)), 400, "BadRequest")

    def test_results_do_not_grow_by_refs(self):
        """Each operation doubles what the one before it wrote: ended by the bound on values, not by memory."""
        operations = [op("Account", "patch", {"notes": [1] * 10}, pk=1)]
        operations += [op("Account", "patch", {"notes": [ref("%d.notes" % n)] * 4}, pk=1) for n in range(30)]
        self.assert_problem(self.batch(*operations), 413, "RequestTooLarge")

    def test_results_do_not_deepen_by_refs(self):
        operations = [op("Account", "patch", {"notes": [1]}, pk=1)]
        operations += [op("Account", "patch", {"notes": [ref("%d.notes" % n)]}, pk=1) for n in range(200)]
        problem = self.assert_problem(self.batch(*operations), 413, "RequestTooLarge", detail="too deep")
        self.assertLess(problem["operation"], 70)

    def test_hostile_names_are_only_names(self):
        for text in ("made\"; DROP TABLE account; --", "\u0000", "made.id.__proto__", "💥", "a" * 5000, "%s%n", "../../etc"):
            for place in (op("Account", "get", pk=ref(text)), op("Account", text), op(text, "get"), op("Account", "get", name=text),
                          op("Job", "query", pk=1, relation=text)):
                response = self.batch(MADE, place)
                self.assertEqual(response.status, 400, response)
                self.assertNotIn("instance", response.json.get("detail"), response)
        self.assertEqual(self.value("SELECT count(*) FROM account"), 10)


if __name__ == "__main__":
    unittest.main()
