"""A short mix with one worker, where all requests meet, and with two; tests/chaos/mix makes long ones.

The judgement is tested first, without a server: it must find what is too old, what never was, and what is another's.
"""

import unittest

from mix_model import Line, Lines, Sum, Wrong
from mix_run import Mix
from mix_world import World

SECONDS = 7


class ModelTest(unittest.TestCase):
    def line(self):
        """Of four states one is being written; it was seen in its second before the question was sent."""
        line = Line("row", 0)
        for state in (1, None, 3):
            line.begin(state)
            line.end()
        line.begin(4)
        return line

    def test_an_answer_is_what_was_acknowledged_or_is_being_written(self):
        line = self.line()
        line.judge(line.floor, 3)
        line.judge(line.floor, 4)
        for wrong in (0, 1, None, 5):
            with self.assertRaises(Wrong):
                line.judge(3, wrong)

    def test_who_asked_before_may_be_told_what_was(self):
        line = self.line()
        for answer in (1, None, 3, 4):
            line.judge(1, answer)
        with self.assertRaisesRegex(Wrong, "state 0, too old"):
            line.judge(1, 0)

    def test_what_one_was_shown_nobody_may_miss_later(self):
        line = self.line()
        line.judge(line.floor, 4)
        with self.assertRaisesRegex(Wrong, "state 3, too old"):
            line.judge(line.floor, 3)

    def test_what_is_hidden_is_not_there(self):
        line = self.line()
        line.judge(3, None, lambda state: None if state == 3 else state)
        with self.assertRaises(Wrong):
            line.judge(3, 3, lambda state: None if state == 3 else state)

    def test_a_count_is_between_what_must_be_and_what_may_be(self):
        first, second = self.line(), Line("other", 0)
        first.states.append(None)
        lines = Lines([first, second])
        for count in (1, 2):
            lines.judge_count(count, lambda state: state)
        for count in (0, 3):
            with self.assertRaises(Wrong):
                lines.judge_count(count, lambda state: state)

    def test_a_sum_is_between_what_was_acknowledged_and_what_was_sent(self):
        total = Sum("sum")
        total.acknowledged, total.sent = 3, 5
        total.judge(total.floor, 4)
        for wrong in (3, 6, None):
            with self.assertRaises(Wrong):
                total.judge(total.floor, wrong)


class MixTest(unittest.TestCase):
    def mix(self, workers, seed):
        world = World(workers=workers, pool_size=6)
        self.addCleanup(world.stop)
        mix = Mix(world, seed)
        try:
            mix.run(SECONDS)
            figures = mix.figures()
        except (Wrong, ConnectionError) as problem:
            self.fail("seed %d: %s\n%s" % (seed, problem, world.process.tail()))
        # There was something to get wrong.
        self.assertGreater(figures.shared, 0)
        self.assertGreater(figures.lookups, figures.lookup_statements)
        self.assertGreater(figures.bound, 0)
        self.assertGreater(mix.hung_up, 0)

    def test_every_answer_is_allowed_where_all_requests_meet(self):
        self.mix(1, 1)

    def test_every_answer_is_allowed_with_two_workers(self):
        self.mix(2, 2)


if __name__ == "__main__":
    unittest.main()
