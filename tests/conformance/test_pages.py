"""Random queries walked by cursor, forwards and backwards: the pages are the whole list, none skipped, none seen twice.

By hand: test_pages.py --count 10000 [--seed N].  QUERN_PAGED is how many the test asks (400).
"""

import argparse
import collections
import copy
import json
import os
import random
import sys
import unittest

from asking import Asker
from generator import Generator

SEED = 20260301
COUNT = 400


def without_slice(body):
    """The query without its last slice; None where a slice stands within the chain."""
    chain = copy.deepcopy(body if isinstance(body, list) else [body]) or [{}]
    for clause in chain[:-1]:
        if "limit" in clause or "offset" in clause:
            return None
    for name in ("limit", "offset", "count"):
        chain[-1].pop(name, None)
    return chain


def shuffled_end(chain, chance):
    """Sometimes without the key at the end of the order, so that we have to find one."""
    order = chain[-1].get("order_by")
    if any(isinstance(clause.get("distinct"), list) for clause in chain):
        return bool(order)  # which row stands for the others hangs on the whole order
    if order and order[-1] in ("pk", "-pk") and chance.random() < 0.6:
        chain[-1]["order_by"] = order[:-1]
        return False
    return bool(order)


def paged(chain, **members):
    return chain[:-1] + [dict(chain[-1], **members)]


def rounded(value):
    """The last digits of a sum of floats depend on the order in which a plan adds them up."""
    if isinstance(value, float):
        return float("%.9g" % value)
    if isinstance(value, list):
        return [rounded(item) for item in value]
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    return value


def as_text(rows):
    return [json.dumps(rounded(row), sort_keys=True, ensure_ascii=False) for row in rows]


class Walker:
    def __init__(self, client):
        self.client = client

    def rows(self, model, chain):
        response = self.client.post("/api/%s/query" % model, chain)
        return as_text(response.json["results"]) if response.status == 200 else None

    def walk(self, model, chain, member, follow, size):
        """All rows of the walk, or what went wrong, as a string."""
        pages, token = [], None
        while True:
            response = self.client.post("/api/%s/query" % model, paged(chain, limit=size, **{member: token}))
            if response.status != 200:
                return response.body.decode("utf-8", "replace")
            pages.append(as_text(response.json["results"]))
            if len(pages) > 3000:
                return "no end"
            token = response.json[follow]
            if token is None:
                break
            if len(pages[-1]) != size:
                return "a page of %d rows in the middle" % len(pages[-1])
        if member == "before":
            pages.reverse()
        return [row for page in pages for row in page]

    def fault(self, model, chain, is_total, size):
        whole = self.rows(model, chain)
        if whole is None or len(whole) > 1500:
            return "unasked"
        forwards = self.walk(model, chain, "after", "next", size)
        if isinstance(forwards, str):
            return forwards
        backwards = self.walk(model, chain, "before", "previous", size)
        if isinstance(backwards, str):
            return backwards
        if forwards != backwards:
            return "backwards is not forwards"
        if is_total and forwards != whole:
            return "the order is another one"
        if sorted(forwards) != sorted(whole):
            return "not the same rows: %d and %d" % (len(forwards), len(whole))
        return "unasked" if not whole else None


def walk_many(asker, seed, count, show=print):
    counts, found = collections.Counter(), []
    walker = Walker(asker.client)
    for number in range(seed, seed + count):
        chance = random.Random(number)
        model, method, body = Generator(number).query()
        chain = without_slice(body) if method == "query" else None
        if chain is None or "query" in chain[-1]:
            counts["no list"] += 1
            continue
        is_total = shuffled_end(chain, chance)
        is_total &= "none" not in chain[-1]
        fault = walker.fault(model, chain, is_total, chance.choice([1, 2, 3, 7, 50]))
        if fault is None or fault == "unasked" or "NotSupportedError" in fault:
            counts["walked" if fault is None else "refused" if "NotSupported" in fault else fault] += 1
            continue
        counts["wrong"] += 1
        found.append("seed %d: POST /api/%s/query %s\n%s" % (number, model, json.dumps(chain, ensure_ascii=False), fault[:1000]))
        show(found[-1] + "\n")
    show("seed %d: %s" % (seed, ", ".join("%d %s" % (times, kind) for kind, times in counts.most_common())))
    return counts, found


class PagesTest(unittest.TestCase):
    def test_random_queries_are_whole_in_pages(self):
        asker = Asker()
        self.addCleanup(asker.stop)
        count = int(os.environ.get("QUERN_PAGED", COUNT))
        counts, found = walk_many(asker, int(os.environ.get("QUERN_SEED", SEED)), count)
        self.assertEqual([], found)
        self.assertGreater(counts["walked"], 0.3 * count)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seed", type=int, default=SEED)
    options.add_argument("--count", type=int, default=COUNT)
    options = options.parse_args()
    asker = Asker()
    try:
        _, found = walk_many(asker, options.seed, options.count)
    finally:
        asker.stop()
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].startswith("--"):
        main()
    else:
        unittest.main()
