"""The page on batches tells the truth: its commands print what it shows.

    /usr/bin/python3 tests/api/test_batch_page.py --update     writes what the program prints into the page
"""

import os
import re
import sys
import unittest

import harness
from test_readme import BLOCK, Tour, examples, without_what_differs

PAGE = os.path.join(harness.ROOT, "api-docs", "writing", "batch.md")


def read_page():
    with open(PAGE, encoding="utf-8") as file:
        return file.read()


class BatchPageTest(unittest.TestCase):
    maxDiff = None

    def test_every_example_prints_what_the_page_shows(self):
        tour = Tour()
        self.addCleanup(tour.stop)
        blocks = BLOCK.findall(read_page())
        self.assertGreater(len(blocks), 2)
        for block in blocks:
            for command, shown in examples(block):
                with self.subTest(command=command):
                    self.assertEqual(without_what_differs(tour.run(command)), without_what_differs(shown))


def update():
    tour = Tour()

    def answered(found):
        return "".join("$ %s\n%s\n" % (command, tour.run(command)) for command, _ in examples(found.group(0)))

    try:
        text = BLOCK.sub(answered, read_page())
    finally:
        tour.stop()
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        update()
    else:
        unittest.main()
