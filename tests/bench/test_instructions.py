"""A request takes no more instructions than instructions.txt says, but for a tolerance.

Only with valgrind, and for a build of the type that the record was made with.
"""

import os
import shutil
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "api"))

import harness  # noqa: E402

BUILD = {"CMAKE_BUILD_TYPE": "RelWithDebInfo", "QUERN_SANITIZE": "", "QUERN_COVERAGE": "OFF", "CMAKE_C_FLAGS": ""}


def build_differs():
    """The first setting in which the program's build is another than the record's, or None."""
    cache = os.path.join(os.path.dirname(harness.program()), "CMakeCache.txt")
    if not os.path.exists(cache):
        return "no build folder"
    with open(cache, encoding="utf-8") as file:
        found = dict(line.strip().split("=", 1) for line in file if "=" in line)
    found = {name.split(":")[0]: value for name, value in found.items()}
    return next((name for name, wanted in BUILD.items() if found.get(name, "") != wanted), None)


class InstructionsTest(unittest.TestCase):
    @unittest.skipUnless(shutil.which("valgrind"), "valgrind is not on this machine")
    def test_a_request_takes_no_more_instructions_than_recorded(self):
        if build_differs():
            self.skipTest("another build than the record's: " + build_differs())
        for name in ("point lookup", "20 employees"):
            done = subprocess.run([os.path.join(HERE, "instructions"), "--check", "--only", name],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main()
