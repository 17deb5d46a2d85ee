"""The pages on retries, notifications and validation tell the truth: their commands print what they show.

    /usr/bin/python3 tests/api/test_writing_pages.py --update     writes what the program prints into them
"""

import os
import re
import subprocess
import sys
import unittest

import harness
from test_readme import BLOCK, Tour, examples, without_what_differs

PAGES = os.path.join(harness.ROOT, "api-docs", "writing")


class NotifyTour:
    """A server of models that notify, and psql beside it."""

    def __init__(self):
        self.server = harness.Server("notify")

    def run(self, command):
        here = "http://127.0.0.1:%d" % self.server.port
        url = " ".join("%s=%s" % pair for pair in self.server.database.items())
        done = subprocess.run(["bash", "-c", command.replace("http://127.0.0.1:8080", here)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60, env=dict(os.environ, HOME="/nonexistent", QUERN_DATABASE_URL=url))
        return done.stdout.decode("utf-8").rstrip("\n")

    def stop(self):
        self.server.stop()


TOURS = {"retries.md": Tour, "notifications.md": NotifyTour, "validation.md": Tour}


def page(name):
    with open(os.path.join(PAGES, name), encoding="utf-8") as file:
        return file.read()


def plain(text):
    text = re.sub(r"with PID \d+", "with PID …", without_what_differs(text))
    return re.sub(r'"at" : "[^"]*"', '"at" : "…"', text)


class WritingPagesTest(unittest.TestCase):
    maxDiff = None

    def test_every_example_prints_what_the_page_shows(self):
        for name, tour_of in TOURS.items():
            tour = tour_of()
            self.addCleanup(tour.stop)
            shown_any = False
            for block in BLOCK.findall(page(name)):
                for command, shown in examples(block):
                    shown_any = True
                    with self.subTest(page=name, command=command):
                        self.assertTrue(shown, "no answer is shown")
                        self.assertEqual(plain(tour.run(command)), plain(shown))
            self.assertTrue(shown_any, name)


def update():
    for name, tour_of in TOURS.items():
        tour = tour_of()

        def answered(found, tour=tour):
            return "".join("$ %s\n%s\n" % (command, tour.run(command)) for command, _ in examples(found.group(0)))

        try:
            text = BLOCK.sub(answered, page(name))
        finally:
            tour.stop()
        with open(os.path.join(PAGES, name), "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        update()
    else:
        unittest.main()
