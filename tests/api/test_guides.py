"""The guides tell the truth: their commands print what they show, and the reference of the query language names
every word that the program knows.

    /usr/bin/python3 tests/api/test_guides.py --update     writes what the program prints into the guides
"""

import os
import re
import sys
import unittest

import harness
from test_readme import BLOCK, Tour, examples, without_what_differs

DOCS = os.path.join(harness.ROOT, "api-docs")
GUIDES = ("reading.md",)
SOURCES = {
    "functions": ("orm/query/functions.c", r'\{\.name = "(\w+)"'),
    "lookups and transforms": ("orm/query/lookups.c", r'^    \{"(\w+)"'),
    "clauses": ("orm/query/decode_query.c", r'^\t\{"(\w+)", read_'),
    "expressions": ("orm/query/decode_expr.c", r'^\t\{"(\w+)", read_'),
    "special calls": ("orm/query/resolve_special.c", r'^    \{"(\w+)", resolve_'),
    "reading methods": ("server/methods.c", r'^\t\{"(\w+)", true'),
}


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


class GuidesTest(unittest.TestCase):
    maxDiff = None

    def test_every_example_prints_what_the_guide_shows(self):
        for name in GUIDES:
            tour = Tour()
            try:
                for block in BLOCK.findall(read(DOCS, name)):
                    for command, shown in examples(block):
                        with self.subTest(command=command):
                            self.assertNotEqual(shown, "")
                            self.assertEqual(without_what_differs(tour.run(command)), without_what_differs(shown))
            finally:
                tour.stop()

    def test_the_reference_names_every_word(self):
        text = re.sub(r"^```.*?^```$", "", read(DOCS, "reading.md"), flags=re.MULTILINE | re.DOTALL)
        known = set(re.findall(r"`([^`]+)`", text))
        for what, (path, pattern) in SOURCES.items():
            words = re.findall(pattern, read(harness.ROOT, path), re.MULTILINE)
            with self.subTest(what=what):
                self.assertGreater(len(words), 3)
                self.assertEqual(sorted(set(words) - known), [])


def update():
    for name in GUIDES:
        tour = Tour()

        def written(match):
            return "".join("$ %s\n%s\n" % (command, tour.run(command)) for command, _ in examples(match.group(1)))

        try:
            text = BLOCK.sub(written, read(DOCS, name))
        finally:
            tour.stop()
        with open(os.path.join(DOCS, name), "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    update() if sys.argv[1:] == ["--update"] else unittest.main()
