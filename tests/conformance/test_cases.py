"""The named cases: each is asked of Quern and of Django, and the answers must be the same.

A case is a row of a table in cases/: a name, a model, a body, and a method where it is not `query`.  The name of the file
is the kind that the report counts.  QUERN_CASES names cases to run alone (a part of a name).
"""

import importlib.util
import glob
import os
import unittest

import asking
from asking import AGREED, BOTH_REFUSED, SPLIT, Asker


class Case:
    def __init__(self, kind, name, model, body, method="query", empty=False, refused=False):
        self.kind, self.name, self.model, self.body, self.method = kind, name, model, body, method
        self.may_be_empty = empty
        self.is_refused = refused


def load():
    """Every case of every table, by file."""
    found = []
    for path in sorted(glob.glob(os.path.join(asking.HERE, "cases", "*.py"))):
        kind = os.path.basename(path)[:-3]
        module = importlib.util.module_from_spec(importlib.util.spec_from_file_location("cases_" + kind, path))
        module.__spec__.loader.exec_module(module)
        for name, model, body, *more in module.CASES:
            found.append(Case(kind, name, model, body, *more))
    wanted = os.environ.get("QUERN_CASES", "")
    return [case for case in found if wanted in case.kind + "/" + case.name]


def is_empty(verdict):
    return isinstance(verdict.expected, dict) and verdict.expected.get("results") in ([], {})


class CasesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.asker = Asker()
        cls.addClassCleanup(cls.asker.stop)

    def test_names_are_unique(self):
        names = [case.kind + "/" + case.name for case in load()]
        self.assertEqual([], sorted({name for name in names if names.count(name) > 1}))

    def test_every_case_agrees(self):
        counts = {}
        for case in load():
            with self.subTest(case=case.kind + "/" + case.name):
                verdict = self.asker.ask(case.model, case.method, case.body)
                agreed = counts.setdefault(case.kind, [0, 0])
                agreed[1] += 1
                if verdict.kind not in ([BOTH_REFUSED] if case.is_refused else [AGREED, SPLIT]):
                    self.fail(self.asker.report(verdict))
                if is_empty(verdict) and not case.may_be_empty:
                    self.fail("Django finds nothing: a question that shows nothing")
                agreed[0] += 1
        for kind, (agreed, asked) in sorted(counts.items()):
            print("%-24s %4d of %4d agreed" % (kind, agreed, asked))
        print("%-24s %4d of %4d agreed" % ("all named cases", *map(sum, zip(*counts.values()))) if counts else "")


if __name__ == "__main__":
    unittest.main()
