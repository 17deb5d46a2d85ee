"""What tests/bench reads out of other programs' words, and what it hands to them."""

import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "peers.d"), os.path.join(os.path.dirname(HERE), "api")]

import measuring  # noqa: E402
import pgbench  # noqa: E402
from peer import Ask  # noqa: E402
from questions import QUESTIONS, plain  # noqa: E402

POINT, UPDATE = (next(question for question in QUESTIONS if question.name == name) for name in ("point", "update"))
WRK = """  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     8.24ms    3.18ms  50.11ms   90.99%
    Req/Sec     1.20k   305.00      2.00k    72.00%
  Latency Distribution
     50%    1.10ms
     99%    812.50us
  15312 requests in 2.00s, 8.2MB read
Requests/sec:   7655.94
"""

PGBENCH = """pgbench (15.18)
progress: 1.0 s, 500.0 tps, lat 21.001 ms stddev 39.557, 0 failed
progress: 2.0 s, 20000.0 tps, lat 2.069 ms stddev 2.137, 0 failed
progress: 3.0 s, 30000.0 tps, lat 1.587 ms stddev 1.961, 0 failed
progress: 4.5 s, 40000.0 tps, lat 1.347 ms stddev 1.698, 0 failed
number of transactions actually processed: 110501
tps = 27000.500000 (without initial connection time)
"""


class MeasuringTest(unittest.TestCase):
    def test_wrk_is_read(self):
        load = measuring.Load(WRK)
        self.assertEqual((load.rate, load.requests, load.p99), (7655.94, 15312, 0.8125))

    def test_pgbench_counts_from_when_it_is_warm(self):
        load = measuring.PgbenchLoad(PGBENCH, [(100.5, 90.0), (102.5, 1.5)], 100, 2, 64)
        self.assertEqual((load.is_warm, load.requests, load.rate, load.p99), (True, 90000, 36000, 1.5))

    def test_of_slow_statements_pgbench_counts_all(self):
        load = measuring.PgbenchLoad(PGBENCH, [(100.5, 90.0), (102.5, 1.5)], 100, 2, 100000)
        self.assertEqual((load.is_warm, load.requests, load.rate, load.p99), (False, 110501, 27000.5, 90.0))
        with self.assertRaises(measuring.BadAnswers):
            measuring.PgbenchLoad("number of transactions actually processed: 0\n", [], 100, 2, 64)

    def test_times_have_units(self):
        self.assertEqual([measuring.milliseconds(text) for text in ("900.00us", "1.50ms", "2.00s", "1.00m")], [0.9, 1.5, 2000, 60000])

    def test_processor_time_counts_children(self):
        before = sum(measuring.cpu([os.getpid()]))
        measuring.run([sys.executable, "-c", "while __import__('time').process_time() < 0.3: pass"])
        self.assertGreater(sum(measuring.cpu([os.getpid()])), before + 0.2)


class PgbenchTest(unittest.TestCase):
    def test_parameters_of_the_log_are_read(self):
        self.assertEqual(pgbench.parse_parameters("$1 = '13', $2 = NULL, $3 = 'O''Neill, $4'"), {1: "13", 2: None, 3: "O'Neill, $4"})

    def test_what_varies_becomes_a_variable_and_the_rest_text(self):
        script = pgbench.Script(POINT)
        script.add("SELECT $1, $2, $3", {1: "13", 2: "it's", 3: None})
        self.assertEqual(script.text(), "\\set n random(1, 10000)\nSELECT :n, 'it''s', NULL;\n")

    def test_an_array_counts_up_from_the_number(self):
        script = pgbench.Script(POINT)
        script.add("SELECT $1", {1: "{14,15}"})
        self.assertEqual(script.text(), "\\set n random(1, 10000)\n\\set n1 :n + 1\n\\set n2 :n + 2\nSELECT ARRAY[:n1,:n2]::bigint[];\n")


class AskTest(unittest.TestCase):
    def test_a_number_stands_in_the_address_and_unquoted_in_the_body(self):
        ask = Ask("POST", "/x/{n}", {"id": "{n}"})
        self.assertEqual(ask.with_number(7), ("/x/7", '{"id":7}'))

    def test_wrk_gets_pieces_around_the_number(self):
        self.assertIn('wrk.format("GET", "/x/" .. n .. "/y", headers, nil)', Ask("GET", "/x/{n}/y").lua(POINT))

    def test_answers_that_differ_are_told_apart(self):
        row = {"id": 1, "title": "a", "body": "b", "author_id": None, "published": True}
        self.assertNotEqual(plain(POINT, row), plain(POINT, dict(row, published=False)))
        with self.assertRaises(KeyError):
            plain(POINT, {"id": 1})


if __name__ == "__main__":
    unittest.main()
