"""The examples of api-docs/migrations.md, run as they stand.  Needs QUERN_BIN and QUERN_TEST_DATABASE_URL."""

import os
import re
import subprocess
import tempfile
import unittest

PAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
                    "api-docs", "migrations.md")
BLOCK = re.compile(r"^```(json file=(?P<file>\S+)|sh)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def examples():
    with open(PAGE, encoding="utf-8") as file:
        for found in BLOCK.finditer(file.read()):
            yield found.group("file"), found.group("text")


def commands(text):
    """(command, what it should print)"""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, told = part.partition("\n")
        yield command, told


class PageTest(unittest.TestCase):
    maxDiff = None

    def test_the_examples_print_what_the_page_says(self):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "QUERN_"))}
        environment.update(QUERN_DATABASE_URL=os.environ["QUERN_TEST_DATABASE_URL"])
        ran = 0
        with tempfile.TemporaryDirectory(prefix="quern-page.") as folder:
            program = os.path.join(folder, "bin", "quern")
            os.mkdir(os.path.dirname(program))
            os.symlink(os.path.abspath(os.environ["QUERN_BIN"]), program)
            environment["PATH"] = os.path.dirname(program) + ":" + os.environ["PATH"]
            for file, text in examples():
                if file:
                    with open(os.path.join(folder, file), "w", encoding="utf-8") as models:
                        models.write(text)
                    continue
                for command, told in commands(text):
                    done = subprocess.run(["sh", "-c", command], cwd=folder, env=environment, text=True,
                                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
                    self.assertEqual(done.stdout, told, command)
                    ran += 1
        self.assertGreater(ran, 10)


if __name__ == "__main__":
    unittest.main()
