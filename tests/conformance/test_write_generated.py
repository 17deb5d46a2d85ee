"""Random writes, done by Quern and by Django, each in a database of its own; both are compared after every one.

As a test it does QUERN_GENERATED_WRITES of them (1,500).  By hand, with tests/conformance/run_writes: --count, --seed,
--stop-after; a disagreement is printed with the seed of its sequence, shrunk to the writes that it takes.
"""

import argparse
import collections
import copy
import json
import os
import re
import signal
import sys
import time
import unittest

from asking import AGREED, BOTH_REFUSED, UNASKED
from asking_writes import WriteAsker
from shrink import shrink
from write_generator import LENGTH, WriteGenerator, add_vocabulary

SEED = 20260101
COUNT = 1500
FINE = (AGREED, BOTH_REFUSED, UNASKED)


def play(asker, world, writes):
    """The verdicts of a sequence, until one disagrees."""
    asker.restore(world)
    found = []
    for text, body in writes:
        found.append(asker.ask(text, copy.deepcopy(body)))
        if found[-1].kind not in FINE:
            break
    return found


def why_of(verdict):
    """What must stay the same while a sequence shrinks: who refuses, and by which name."""
    return verdict.kind, re.findall(r"^Django: (\w+)", verdict.detail), re.findall(r'"title":"(\w+)"', verdict.detail), "rows differ" in verdict.detail


def fails(asker, world, writes, why):
    try:
        last = play(asker, world, writes)[-1]
    except Exception:  # noqa: B902: a piece of a write need not be one
        return False
    return last.kind not in FINE and why_of(last) == why


def shrink_sequence(asker, world, writes, why):
    """The fewest writes that still disagree, the last one as small as it can be."""
    for number in range(len(writes) - 2, -1, -1):
        fewer = writes[:number] + writes[number + 1:]
        if fails(asker, world, fewer, why):
            writes = fewer
    text, body = writes[-1]
    if body is not None:
        _, _, body = shrink((text, None, body), lambda one: fails(asker, world, writes[:-1] + [(text, one[2])], why), tries=150)
    return writes[:-1] + [(text, body)]


def describe(asker, seed, world, writes):
    verdict = play(asker, world, writes)[-1]
    before = "".join("\n  after %s %s" % (text, json.dumps(body, ensure_ascii=False)) for text, body in writes[:-1])
    return "seed %d, world %d%s\n%s" % (seed, world, before, asker.report(verdict))


def write_many(asker, seed, count, stop_after=5, show=print):
    """How often each verdict came, and the disagreements, shrunk."""
    add_vocabulary(asker.world.models)
    counts, found = collections.Counter(), []
    start = time.monotonic()
    for number in range(seed, seed + (count + LENGTH - 1) // LENGTH):
        world, writes = WriteGenerator(number, asker.world.models).sequence()
        verdicts = play(asker, world, writes)
        counts.update(verdict.kind for verdict in verdicts)
        for verdict in verdicts:
            if verdict.kind in (UNASKED, BOTH_REFUSED) and os.environ.get("QUERN_SHOW_REFUSED"):
                show("%s: seed %d: %s %s\n%s\n" % (verdict.kind, number, verdict.request[0], json.dumps(verdict.request[1], ensure_ascii=False),
                                                 verdict.detail), flush=True)
        if verdicts[-1].kind in FINE:
            continue
        small = shrink_sequence(asker, world, writes[: len(verdicts)], why_of(verdicts[-1]))
        found.append(describe(asker, number, world, small))
        show(found[-1] + "\n", flush=True)
        if len(found) >= stop_after:
            break
    show("seed %d: %d writes in %.0f s: %s" % (seed, sum(counts.values()), time.monotonic() - start, ", ".join(
        "%d %s" % (times, kind) for kind, times in counts.most_common())))
    return counts, found


class GeneratedWritesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.asker = WriteAsker()
        cls.addClassCleanup(cls.asker.stop)

    def test_random_writes_agree(self):
        counts, found = write_many(self.asker, int(os.environ.get("QUERN_SEED", SEED)), int(os.environ.get("QUERN_GENERATED_WRITES", COUNT)))
        self.assertEqual([], found)
        self.assertLess(counts[UNASKED], 0.05 * sum(counts.values()), "too many that Django cannot be asked")
        self.assertGreater(counts[AGREED], 0.5 * sum(counts.values()), "too many that are refused")


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seed", type=int, default=SEED)
    options.add_argument("--count", type=int, default=COUNT)
    options.add_argument("--stop-after", type=int, default=10, help="end after so many disagreements")
    options = options.parse_args()
    for sent in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sent, lambda *_: sys.exit(1))
    asker = WriteAsker()
    try:
        _, found = write_many(asker, options.seed, options.count, options.stop_after)
    finally:
        asker.stop()
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
