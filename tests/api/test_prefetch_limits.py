"""Prefetches that go in circles: every turn multiplies the answer, so there is an end to it."""

import unittest

from harness import ApiTest

SEED = """
INSERT INTO person (id, name) SELECT n, 'person ' || n FROM generate_series(1, 12) AS n;
INSERT INTO person_friends (from_person_id, to_person_id)
	SELECT a, b FROM generate_series(1, 12) AS a, generate_series(1, 12) AS b WHERE a <> b;
"""


def friends(depth):
    return {"prefetch_related": ["__".join(["friends"] * depth)], "order_by": ["id"], "limit": 1}


class PrefetchLimitsTest(ApiTest):
    models = ("press",)
    seed = SEED

    def test_a_few_turns_are_answered(self):
        person = self.results(self.api.query("person", friends(3)))[0]
        names = {c["name"] for a in person["friends"] for b in a["friends"] for c in b["friends"]}
        self.assertEqual(len(names), 12)

    def test_many_turns_are_refused(self):
        for depth in (6, 20, 32):
            with self.subTest(depth=depth):
                self.assert_problem(self.api.query("person", friends(depth)), 400, "ValueError")
                self.assert_problem(self.api.query("person", {"prefetch_related": friends(depth)["prefetch_related"]}), 400,
                                    "ValueError")
        self.assertEqual(self.ok(self.api.get("/api/person/count")), {"count": 12})


if __name__ == "__main__":
    unittest.main()
