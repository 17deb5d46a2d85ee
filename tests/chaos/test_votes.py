"""A short run of the polls; tests/chaos/run makes long ones."""

import unittest

from voting import WRONG, Polls, Trouble, poll

CLIENTS, VOTES = 64, 15
TROUBLES = ["terminate", "terminate", "kill", "restart_fast", "restart_immediate", "kill_server"]


class VotesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.polls = Polls()
        cls.addClassCleanup(cls.polls.stop)

    def setUp(self):
        self.polls.reset()

    def check(self, method, report, has_keys=False):
        found = WRONG[method](self.polls, report, CLIENTS * VOTES, has_keys)
        self.assertIsNone(found, "%s\n%s" % (report, self.polls.process.tail()))

    def test_every_vote_that_is_a_row_counts(self):
        report = poll(self.polls.port, CLIENTS, VOTES, "vote", False)
        self.assertEqual((report.acknowledged, report.refused), (CLIENTS * VOTES, 0))
        self.check("vote", report)

    def test_every_vote_that_adds_to_a_column_counts(self):
        report = poll(self.polls.port, CLIENTS, VOTES, "add", False)
        self.assertEqual((report.acknowledged, report.refused), (CLIENTS * VOTES, 0))
        self.check("add", report)

    def test_a_row_that_all_make_at_once_is_one_and_counts_all(self):
        report = poll(self.polls.port, CLIENTS, VOTES, "count_up", False)
        self.assertEqual((report.acknowledged, report.refused), (CLIENTS * VOTES, 0))
        self.check("count_up", report)

    def test_what_is_acknowledged_while_the_database_dies_is_there_once(self):
        for method in WRONG:
            with self.subTest(method=method), Trouble(self.polls, 7, 0.15, TROUBLES) as trouble:
                report = poll(self.polls.port, CLIENTS, VOTES, method, True)
            self.assertIsNone(trouble.failure)
            self.assertGreater(sum(trouble.done.values()), 0, "nothing went wrong")
            self.check(method, report, True)

    def test_without_a_key_nothing_that_is_acknowledged_is_lost(self):
        for method in ("vote", "add"):
            with self.subTest(method=method), Trouble(self.polls, 8, 0.15, TROUBLES[:4]) as trouble:
                report = poll(self.polls.port, CLIENTS, VOTES, method, False)
            self.assertIsNone(trouble.failure)
            self.check(method, report)


if __name__ == "__main__":
    unittest.main()
