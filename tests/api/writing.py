"""Doing the same to the same rows twice: by Quern over HTTP and by Django."""

import oracle
from harness import ApiTest


class WritingTest(oracle.DjangoTest, ApiTest):
    def contents(self, without=()):
        """Every row of every table, but for columns that hold the time of the write."""
        found = {}
        for table in self.tables:
            columns = [row[0] for row in self.sql(
                "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
                " AND NOT attisdropped ORDER BY attnum", [table])]
            kept = [column for column in columns if column not in without]
            found[table] = self.sql("SELECT %s FROM %s ORDER BY %s" % (
                ", ".join(kept), table, ", ".join(str(n + 1) for n in range(len(kept)))))
        return found

    def same_effect(self, ours, theirs, without=()):
        """The rows that our request leaves are those that Django leaves; answers what both gave."""
        self.reset()
        before = self.contents(without)
        answered = ours()
        left_by_us = self.contents(without)
        self.reset()
        expected = theirs()
        left_by_django = self.contents(without)
        for table in self.tables:
            self.assertEqual(left_by_us[table], left_by_django[table], table)
        self.assertNotEqual(before, left_by_django, "the test changes nothing")
        return answered, expected
