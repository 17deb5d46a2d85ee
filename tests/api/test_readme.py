"""The README tells the truth: its commands, run in its order on the demo's models and sample data, print
what it shows; its settings are the program's.

    /usr/bin/python3 tests/api/test_readme.py --update     writes what the program prints into README.md
"""

import os
import re
import subprocess
import sys
import unittest

import harness

README = os.path.join(harness.ROOT, "README.md")
SAMPLE = os.path.join(harness.ROOT, "config", "examples", "sample.sql")
BLOCK = re.compile(r"(?<=^```console\n)(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)

TABLE = re.compile(r"(?<=^\|---\|---\|---\|---\|\n)(\|.*\|\n)+", re.MULTILINE)
SETTING = re.compile(r"^  (\w+) +(QUERN_\w+)(?: +(\S+))? {2,}(\S.*)$", re.MULTILINE)


def settings_table():
    """The rows of the table, from what the program says of itself."""
    shown = harness.run_program(["serve", "--help"]).stdout
    rows = SETTING.findall(shown)
    if not rows:
        raise AssertionError("no settings in: " + shown)
    return "".join("| `%s` | `%s` | %s | %s |\n" % (name, variable, "`%s`" % default if default else "–", words)
                   for name, variable, default, words in rows)


def read_readme():
    with open(README, encoding="utf-8") as file:
        return file.read()


def examples(block):
    """(command, what it prints) of a block: a command begins with "$ " and goes on in indented lines
    until its quotes are closed."""
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append([line[2:], []])
        elif found and found[-1][0].count("'") % 2:
            found[-1][0] += "\n" + line
        else:
            found[-1][1].append(line)
    return [(command, "\n".join(lines)) for command, lines in found]


class Tour:
    """A server as the demo starts it."""

    def __init__(self):
        self.server = harness.Server("staff", "news", "fleet_grants")
        with open(SAMPLE, encoding="utf-8") as file:
            self.server.sql(file.read())

    def run(self, command):
        here = "http://127.0.0.1:%d" % self.server.port
        done = subprocess.run(["bash", "-c", command.replace("http://127.0.0.1:8080", here)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60, env=dict(os.environ, HOME="/nonexistent"))
        return done.stdout.decode("utf-8").replace(here, "http://127.0.0.1:8080").rstrip("\n")

    def stop(self):
        self.server.stop()


def without_what_differs(text):
    """A request's own id and the time of a write are never the same twice."""
    text = re.sub(r'"instance":"[^"]*"', '"instance":"…"', text)
    return re.sub(r'"created_at":"[^"]*"', '"created_at":"…"', text)


class ReadmeTest(unittest.TestCase):
    maxDiff = None

    def test_every_example_prints_what_the_readme_shows(self):
        blocks = BLOCK.findall(read_readme())
        self.assertGreater(len(blocks), 5)
        tour = Tour()
        self.addCleanup(tour.stop)
        for block in blocks:
            for command, shown in examples(block):
                with self.subTest(command=command):
                    self.assertTrue(shown, "no answer is shown")
                    self.assertEqual(without_what_differs(tour.run(command)), without_what_differs(shown))

    def test_the_settings_table_is_the_programs(self):
        self.assertEqual(TABLE.search(read_readme()).group(0), settings_table())

    def test_the_methods_are_the_programs(self):
        with open(os.path.join(harness.ROOT, "server", "methods.c"), encoding="utf-8") as file:
            known = re.findall(r'^\t\{"(\w+)",', file.read(), re.MULTILINE)
        self.assertTrue(known)
        named = re.search(r"Methods that read:(.*?)Each does", read_readme(), re.DOTALL).group(1)
        self.assertEqual([name for words in re.findall(r"`([^`]+)`", named) for name in words.split()], known)


def update():
    tour = Tour()

    def answered(found):
        lines = []
        for command, _ in examples(found.group(0)):
            lines += ["$ " + command, tour.run(command)]
        return "\n".join(lines) + "\n"

    try:
        text = BLOCK.sub(answered, read_readme())
        text = TABLE.sub(lambda found: settings_table(), text)
    finally:
        tour.stop()
    with open(README, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        update()
    else:
        unittest.main()
