"""Whose malloc the program and its libraries use: the order of libraries decides, and a linker may drop one."""

import os
import re
import subprocess
import unittest

QUERN = os.environ["QUERN_BIN"]


def bindings():
    """{what was bound: where to}, for malloc, as the dynamic linker tells."""
    done = subprocess.run([QUERN, "--version"], env=dict(os.environ, LD_DEBUG="bindings", LD_BIND_NOW="1"),
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace", check=True)
    return dict(re.findall(r"binding file (\S+) \[0\] to (\S+) \[0\]: normal symbol `malloc'", done.stderr))


class AllocatorTest(unittest.TestCase):
    def test_everybody_s_malloc_is_mimalloc(self):
        found = {os.path.basename(who): os.path.basename(whose) for who, whose in bindings().items()}
        if any("asan" in whose or "tsan" in whose for whose in found.values()):
            self.skipTest("a sanitizer brings its own")
        for name in ("quern", "libmicrohttpd.so", "libpq.so"):
            self.assertTrue(any(who.startswith(name) for who in found), (name, found))
        self.assertEqual([who for who, whose in found.items() if not whose.startswith("libmimalloc.so")], [], found)


if __name__ == "__main__":
    unittest.main()
