"""What the tests of /batch share: the bank, its rows, and how operations are written."""

import harness

BANK = """
INSERT INTO account (owner, balance) SELECT 'owner ' || i, 100 FROM generate_series(1, 10) i;
INSERT INTO tag (name) VALUES ('red'), ('green'), ('blue');
INSERT INTO job (number, taken_by, account_id) SELECT i, '', i FROM generate_series(1, 10) i;
INSERT INTO seat ("row", "column", guest) VALUES (1, 1, 'Ann'), (1, 2, '');
"""


def op(model, method, body=None, **members):
    """One operation; what is None is left out, and `name` stands for "as"."""
    operation = {"model": model, "method": method}
    if "name" in members:
        members["as"] = members.pop("name")
    if body is not None:
        operation["body"] = body
    operation.update(members)
    return operation


def ref(text):
    return {"Ref": text}


class BatchTest(harness.ApiTest):
    models = ("bank",)
    seed = BANK

    def batch(self, *operations, client=None, headers=None, **members):
        body = dict(members, operations=list(operations))
        return (client or self.api).post("/batch", body, headers=headers)

    def done(self, *operations, **members):
        """The bodies of the results, all of which must be good."""
        answer = self.ok(self.batch(*operations, **members))
        self.assertEqual(answer["failed"], 0, answer)
        self.assertEqual(len(answer["results"]), len(operations))
        for result in answer["results"]:
            self.assertLess(result["status"], 300, result)
        return [result["body"] for result in answer["results"]]

    def refused(self, status, title, *operations, **members):
        """The problem of a batch that leaves everything as it was; keywords beginning with is_ are of the problem."""
        wanted = {name[3:]: members.pop(name) for name in list(members) if name.startswith("is_")}
        before = self.everything()
        response = self.batch(*operations, **members)
        problem = self.assert_problem(response, status, title, **wanted)
        self.assertEqual(self.everything(), before, "a refused batch changed something")
        return problem

    def everything(self):
        return {table: sorted(map(repr, self.sql("SELECT * FROM %s" % table))) for table in self.tables}

    def value(self, sql):
        return self.sql(sql)[0][0]
