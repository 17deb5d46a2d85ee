"""Checks every #include line of the tree against the diagram of ARCHITECTURE.md.

A room may include its own headers, those of the rooms in its row, and the foreign headers
that its row names.  The tests of tests/ are free.
"""
import os
import re
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# room: the rooms whose headers it may include.
ROOMS = {
    "orm/base": [],
    "orm/model": ["orm/base"],
    "orm/query": ["orm/model", "orm/base"],
    "orm/sql": ["orm/query", "orm/model", "orm/base"],
    "orm/db": ["orm/base"],
    "orm/fetch": ["orm/db", "orm/sql", "orm/query", "orm/model", "orm/base"],
    "orm/write": ["orm/db", "orm/sql", "orm/query", "orm/model", "orm/base"],
    "orm/wire": ["orm/fetch", "orm/db", "orm/sql", "orm/query", "orm/model", "orm/base"],
    "orm/migrate": ["orm/sql", "orm/query", "orm/model", "orm/base"],
    "config": ["orm/model", "orm/base"],
    "server": ["config", "orm/wire", "orm/write", "orm/fetch", "orm/migrate", "orm/db", "orm/sql",
               "orm/query", "orm/model", "orm/base"],
}

# Single headers of rooms that a room otherwise does not see.
HEADERS = {
    "orm/db": ["orm/sql/statement.h"],
    "config": ["orm/wire/json.h"],
}

# Foreign headers and where alone they may be included.
FOREIGN = {
    "libpq-fe.h": ["orm/db/", "orm/migrate/", "server/embedded.c"],
    "jansson.h": ["orm/wire/json.c", "config/"],
    "microhttpd.h": ["server/"],
    "zlib.h": ["server/compress.c"],
    "zstd.h": ["server/compress.c"],
    "pcre2.h": ["orm/write/"],
    "crypto.h": ["orm/base/sign.c"],
    "evp.h": ["orm/base/sign.c"],
    "hmac.h": ["orm/base/sign.c"],
    "rand.h": ["orm/base/sign.c"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


def room_of(path):
    """The longest room whose folder holds the path, or None."""
    rooms = [room for room in ROOMS if path.startswith(room + "/")]
    return max(rooms, key=len) if rooms else None


def wrong_includes(path, text):
    """What is wrong with the #include lines of the file at `path`, as sentences."""
    own = room_of(path)
    wrong = []
    for quoted, angled in INCLUDE.findall(text):
        header = quoted or angled
        name = os.path.basename(header)
        if name in FOREIGN and not any(path.startswith(place) for place in FOREIGN[name]):
            wrong.append("%s: %s belongs to %s alone" % (path, header, ", ".join(FOREIGN[name])))
        if not quoted or name in FOREIGN or header in HEADERS.get(own, []):
            continue
        other = room_of(header)
        if other is None:
            wrong.append('%s: "%s" is not a path from the root of the tree' % (path, header))
        elif other != own and other not in ROOMS[own]:
            wrong.append("%s: %s may not include %s of %s" % (path, own, header, other))
    return wrong


def source_files():
    for top in ("orm", "config", "server"):
        for folder, _, names in os.walk(os.path.join(ROOT, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), ROOT)


class Includes(unittest.TestCase):
    def test_every_file_is_in_a_room(self):
        self.assertEqual([path for path in source_files() if room_of(path) is None], [])

    def test_every_include_follows_the_diagram(self):
        wrong = []
        for path in source_files():
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                wrong += wrong_includes(path, file.read())
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    def test_every_header_that_is_included_is_there(self):
        missing = []
        for path in source_files():
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                for quoted, _ in INCLUDE.findall(file.read()):
                    if quoted and not os.path.exists(os.path.join(ROOT, quoted)):
                        missing.append("%s: %s" % (path, quoted))
        self.assertEqual(missing, [])

    def test_a_source_file_includes_its_own_header_first(self):
        wrong = []
        for path in source_files():
            header = path[:-2] + ".h"
            if path.endswith(".c") and os.path.exists(os.path.join(ROOT, header)):
                with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                    quoted, angled = INCLUDE.findall(file.read())[0]
                if quoted != header:
                    wrong.append("%s begins with %s" % (path, quoted or angled))
        self.assertEqual(wrong, [])


class TheCheckItself(unittest.TestCase):
    def test_includes_against_the_diagram_are_found(self):
        for path, line in [
            ("orm/base/str.c", '#include "orm/model/model.h"'),
            ("orm/model/build.c", '#include "orm/query/tree.h"'),
            ("orm/sql/plan.c", '#include "orm/db/db.h"'),
            ("orm/db/db.c", '#include "orm/sql/plan.h"'),
            ("orm/migrate/apply.c", '#include "orm/db/db.h"'),
            ("orm/query/tree.h", "#include <libpq-fe.h>"),
            ("server/route.c", '#include "libpq-fe.h"'),
            ("orm/wire/encode.c", "#include <jansson.h>"),
            ("config/settings.c", "  # include <microhttpd.h>"),
            ("orm/base/str.c", '#include "str.h"'),
        ]:
            self.assertEqual(len(wrong_includes(path, line + "\n")), 1, (path, line))

    def test_includes_along_the_diagram_are_not(self):
        for path, line in [
            ("orm/base/str.c", '#include "orm/base/str.h"'),
            ("orm/base/str.c", "#include <string.h>"),
            ("orm/db/db.c", '#include "orm/sql/statement.h"'),
            ("orm/db/db.c", "#include <libpq-fe.h>"),
            ("config/settings.c", "#include <jansson.h>"),
            ("config/settings.c", '#include "orm/wire/json.h"'),
            ("server/embedded.c", "#include <libpq-fe.h>"),
        ]:
            self.assertEqual(wrong_includes(path, line + "\n"), [], (path, line))


if __name__ == "__main__":
    unittest.main()
