"""The named writes: each is done by Quern and by Django, and leaves the same rows in all tables.

A case is a row of a table in write_cases/: a name, a request ("POST book/update"), its body, and more where it is not done on
world 0 with success: `refused` (the title), `nothing` (it may leave everything as it was), `world`, `after` (writes before
it), `django` (a function of Django's models that does and answers the same, where the translator cannot).  The name of the
file is the kind that the report counts.  QUERN_CASES names cases to run alone (a part of a name).
"""

import glob
import importlib.util
import os
import unittest

from asking import AGREED, BOTH_REFUSED, HERE
from asking_writes import WriteAsker


class Case:
    def __init__(self, kind, name, request, body=None, refused=None, nothing=False, world=0, after=(), django=None):
        self.kind, self.name, self.request, self.body = kind, name, request, body
        self.refused, self.may_do_nothing, self.world, self.after, self.django = refused, nothing, world, after, django


def load():
    """Every case of every table, by file."""
    found = []
    for path in sorted(glob.glob(os.path.join(HERE, "write_cases", "*.py"))):
        kind = os.path.basename(path)[:-3]
        module = importlib.util.module_from_spec(importlib.util.spec_from_file_location("write_cases_" + kind, path))
        module.__spec__.loader.exec_module(module)
        for name, request, body, *more in module.CASES:
            found.append(Case(kind, name, request, body, **(more[0] if more else {})))
    wanted = os.environ.get("QUERN_CASES", "")
    return [case for case in found if wanted in case.kind + "/" + case.name]


class WriteCasesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.asker = WriteAsker()
        cls.addClassCleanup(cls.asker.stop)

    def test_names_are_unique(self):
        names = [case.kind + "/" + case.name for case in load()]
        self.assertEqual([], sorted({name for name in names if names.count(name) > 1}))

    def test_every_case_agrees(self):
        counts = {}
        for case in load():
            with self.subTest(case=case.kind + "/" + case.name):
                agreed = counts.setdefault(case.kind, [0, 0])
                agreed[1] += 1
                self.check(case)
                agreed[0] += 1
        print()
        for kind, (agreed, asked) in sorted(counts.items()):
            print("%-24s %4d of %4d agreed" % ("writes " + kind, agreed, asked))
        print("%-24s %4d of %4d agreed" % ("all named writes", *map(sum, zip(*counts.values()))) if counts else "")

    def check(self, case):
        asker = self.asker
        asker.restore(case.world)
        for request, body in case.after:
            verdict = asker.ask(request, body)
            self.assertEqual(verdict.kind, AGREED, asker.report(verdict))
        before = asker.both.contents(asker.both.ours)
        verdict = asker.ask(case.request, case.body, case.django)
        if verdict.kind != (BOTH_REFUSED if case.refused else AGREED):
            self.fail(asker.report(verdict))
        after = asker.both.contents(asker.both.ours)
        if case.refused:
            self.assertEqual(verdict.answer["title"], case.refused, asker.report(verdict))
            self.assertTrue(before == after, "refused, and yet something is written")
        elif not case.may_do_nothing:
            self.assertTrue(before != after, "nothing is written: a case that shows nothing")


if __name__ == "__main__":
    unittest.main()
