"""Random queries, asked of Quern and of Django.

As a test it asks QUERN_GENERATED of them (5,000).  By hand, with tests/conformance/run: --count, --seed, --stop-after;
each query has the seed that is printed with it, so `--seed N --count 1` asks it again.
"""

import argparse
import collections
import os
import signal
import sys
import time
import unittest

from asking import AGREED, BOTH_REFUSED, SPLIT, UNASKED, Asker
from generator import Generator
from shrink import shrink

SEED = 20260101
COUNT = 5000


def why_of(verdict):
    """What must stay the same while a query shrinks."""
    return verdict.kind, verdict.detail.startswith("Django:")


def reason(asker, request):
    try:
        return why_of(asker.ask(*request))
    except Exception:  # noqa: B902: a piece of a query need not be one
        return None


def ask_many(asker, seed, count, stop_after=5, show=print):
    """How often each verdict came, and the disagreements, shrunk."""
    counts, found = collections.Counter(), []
    start = time.monotonic()
    for number in range(seed, seed + count):
        request = Generator(number).query()
        verdict = asker.ask(*request)
        counts[verdict.kind] += 1
        if verdict.kind in (UNASKED, BOTH_REFUSED) and os.environ.get("QUERN_SHOW_REFUSED"):
            show("%s: seed %d: %s\n" % (verdict.kind, number, verdict.detail), flush=True)
        if verdict.kind in (AGREED, SPLIT, UNASKED, BOTH_REFUSED):
            continue
        small = shrink(request, lambda one: reason(asker, one) == why_of(verdict))
        found.append("seed %d\n%s" % (number, asker.report(asker.ask(*small))))
        show(found[-1] + "\n", flush=True)
        if len(found) >= stop_after:
            break
    asked = sum(counts.values())
    show("seed %d: %d queries in %.0f s: %s" % (seed, asked, time.monotonic() - start, ", ".join(
        "%d %s" % (times, kind) for kind, times in counts.most_common())))
    return counts, found


class GeneratedTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.asker = Asker()
        cls.addClassCleanup(cls.asker.stop)

    def test_random_queries_agree(self):
        counts, found = ask_many(self.asker, int(os.environ.get("QUERN_SEED", SEED)), int(os.environ.get("QUERN_GENERATED", COUNT)))
        self.assertEqual([], found)
        self.assertGreater(counts[AGREED], 0.9 * sum(counts.values()), "too many that Django cannot be asked")


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seed", type=int, default=SEED)
    options.add_argument("--count", type=int, default=COUNT)
    options.add_argument("--stop-after", type=int, default=10, help="end after so many disagreements")
    options = options.parse_args()
    for sent in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sent, lambda *_: sys.exit(1))
    asker = Asker()
    try:
        _, found = ask_many(asker, options.seed, options.count, options.stop_after)
    finally:
        asker.stop()
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
