"""POST /batch: operations together, with what earlier ones answered in later ones."""

import json
import os
import re
import unittest

import harness
from batching import BatchTest, op, ref


class TogetherTest(BatchTest):
    def test_results_are_in_the_order_of_the_operations(self):
        answer = self.ok(self.batch(
            op("Account", "create", {"owner": "new"}, name="made"),
            op("account", "count"),
            op("Account", "first", {"order_by": ["id"], "values": ["owner"]})))
        self.assertEqual([r["status"] for r in answer["results"]], [201, 200, 200])
        made = answer["results"][0]
        self.assertEqual(made["as"], "made")
        self.assertEqual(made["headers"]["Location"], "/api/account/%d" % made["body"]["id"])
        self.assertEqual(made["body"]["balance"], "0.00")
        self.assertEqual([r["body"] for r in answer["results"][1:]], [{"count": 11}, {"owner": "owner 1"}])
        self.assertEqual((answer["failed"], answer["attempts"]), (0, 1))
        self.assertEqual(self.value("SELECT count(*) FROM account"), 11)

    def test_reads_see_what_the_batch_wrote_and_nobody_else_does_before_its_end(self):
        rows = self.done(
            op("Account", "update", {"filter": {"id": 3}, "set": {"owner": "changed"}}),
            op("Account", "get", pk=3),
            op("Account", "query", {"filter": {"owner": "changed"}, "values_list": ["id"], "flat": True}),
            op("Account", "aggregate", {"aggregate": {"n": {"Count": "*"}}}))
        self.assertEqual(rows[0], {"updated": 1})
        self.assertEqual(rows[1]["owner"], "changed")
        self.assertEqual(rows[2], {"results": [3]})
        self.assertEqual(rows[3], {"n": 10})

    def test_one_that_fails_takes_all_back(self):
        problem = self.refused(
            409, "IntegrityError",
            op("Account", "create", {"owner": "a"}),
            op("Account", "update", {"filter": {"id": 1}, "set": {"balance": "1.00"}}),
            op("Account", "create", {"owner": "owner 1"}, name="twice"),
            op("Account", "delete"),
            is_pointer="/operations/2/body/owner", is_operation=2)
        self.assertEqual(problem["as"], "twice")
        self.assertEqual(problem["fields"], ["owner"])

    def test_validation_points_into_the_body(self):
        problem = self.refused(422, "ValidationError", op("Account", "count"),
                               op("Account", "create", {"owner": "x" * 50, "balance": "z"}), is_operation=1)
        self.assertEqual({e[0]["pointer"] for e in problem["errors"].values()},
                         {"/operations/1/body/owner", "/operations/1/body/balance"})
        self.refused(422, "ValidationError", op("Account", "bulk_create", [{"owner": "p"}, {"owner": ""}]),
                     is_pointer="/operations/0/body/1/owner")

    def test_an_expression_on_the_right_side_is_pointed_at(self):
        self.refused(400, "FieldError",
                     op("Account", "update", {"filter": {"id": 1}, "set": {"balance": {"F": "balanse"}}}),
                     is_pointer="/operations/0/body/set/balance/F", is_suggestion="balance")

    def test_a_check_constraint_names_its_operation(self):
        self.refused(409, "IntegrityError",
                     op("Account", "update", {"filter": {"id": 1}, "set": {"balance": {"+": [{"F": "balance"}, 500]}}}),
                     op("Account", "update", {"filter": {"id": 2}, "set": {"balance": {"-": [{"F": "balance"}, 500]}}}),
                     is_operation=1, is_constraint="account_not_overdrawn")

    def test_every_manager_method(self):
        answers = self.done(
            op("Account", "query", {"filter": {"id": 1}}),
            op("Account", "get", {"filter": {"id": 1}}),
            op("Account", "first"), op("Account", "last"),
            op("Account", "earliest", {"fields": ["id"]}), op("Account", "latest", {"fields": ["id"]}),
            op("Account", "count"), op("Account", "exists"),
            op("Account", "aggregate", {"aggregate": {"s": {"Sum": "balance"}}}),
            op("Account", "in_bulk", {"ids": [1, 2]}),
            op("Account", "sql"), op("Account", "explain"),
            op("Account", "create", {"owner": "c"}),
            op("Account", "bulk_create", [{"owner": "b1"}, {"owner": "b2"}]),
            op("Account", "get_or_create", {"lookup": {"owner": "c"}}),
            op("Account", "get_or_create", {"lookup": {"owner": "d"}, "defaults": {"balance": "3.00"}}),
            op("Account", "update", {"filter": {"owner": "d"}, "set": {"balance": "4.00"}}),
            op("Account", "delete", {"filter": {"owner": "d"}}),
            op("Job", "add", {"objects": [1, 2]}, pk=1, relation="tags"),
            op("Job", "remove", {"objects": [1]}, pk=1, relation="tags"),
            op("Job", "set", {"objects": [2, 3]}, pk=1, relation="tags"),
            op("Job", "query", {"values_list": ["name"], "flat": True, "order_by": ["name"]}, pk=1, relation="tags"),
            op("Job", "create", {"name": "violet"}, pk=1, relation="tags"),
            op("Job", "count", pk=1, relation="tags"),
            op("Job", "clear", pk=1, relation="tags"),
            op("Job", "get", pk=1, relation="account"))
        self.assertEqual(answers[9]["results"]["2"]["owner"], "owner 2")
        self.assertEqual((answers[14]["created"], answers[15]["created"]), (False, True))
        self.assertEqual((answers[16], answers[17]["deleted"]), ({"updated": 1}, 1))
        self.assertEqual(answers[21], {"results": ["blue", "green"]})
        self.assertEqual((answers[23], answers[24]), ({"count": 3}, {"added": 0, "removed": 3}))
        self.assertEqual(answers[25]["owner"], "owner 1")
        self.assertEqual(self.value("SELECT count(*) FROM account"), 13)

    def test_no_manager_method_is_left_out(self):
        with open(os.path.join(harness.ROOT, "server", "methods.c"), encoding="utf-8") as file:
            names = re.findall(r'^\t\{"(\w+)",', file.read(), re.MULTILINE)
        self.assertGreater(len(names), 20)
        for name in names:
            related = {"pk": 1, "relation": "tags"} if name in ("add", "remove", "set", "clear") else {}
            answer = self.ok(self.batch(op("Job", name, {"nonsense": 1}, on_error="continue", **related)))
            problem = answer["results"][0]["error"]
            self.assertNotIn("method", problem["detail"], name)
            self.assertTrue(problem["pointer"].startswith("/operations/0"), (name, problem))

    def test_rows_by_their_key(self):
        row, patched, put, deleted, seat = self.done(
            op("Account", "get", pk=2),
            op("Account", "patch", {"balance": "7.00"}, pk=2),
            op("Account", "put", {"owner": "whole"}, pk=3),
            op("Job", "delete", pk=4),
            op("Seat", "patch", {"guest": "Bob"}, pk=[1, 2]))
        self.assertEqual((row["balance"], patched["balance"]), ("100.00", "7.00"))
        self.assertEqual((put["owner"], put["balance"]), ("whole", "0.00"))
        self.assertEqual(deleted["deleted"], 1)
        self.assertEqual(seat["guest"], "Bob")

    def test_a_row_is_read_with_clauses(self):
        row, = self.done(op("Job", "get", {"select_related": ["account"]}, pk=3))
        self.assertEqual(row["account"]["owner"], "owner 3")

    def test_a_batch_of_nothing(self):
        self.assertEqual(self.ok(self.batch())["results"], [])

    def test_tables_that_were_changed_are_nobodys_conflict(self):
        """Each connection has prepared all of it, for the tables as they were."""
        asked = [op("Account", "count"), op("Job", "get", pk=1), op("Job", "query", {"filter": {"number": 1}}),
                 op("Job", "patch", {"taken_by": "me"}, pk=1), op("Job", "query", {"limit": 3})]
        for kind in ("bigint", "integer"):
            for _ in range(12):
                self.done(*asked)
            self.sql("ALTER TABLE job ALTER number TYPE %s" % kind)
            for _ in range(12):
                self.done(*asked)

    def test_deferred_constraints_hold_at_the_end_alone(self):
        """As in Django: the row that a foreign key needs may come later."""
        self.done(op("Transfer", "create", {"source": 77, "target": 1, "amount": "1.00"}),
                  op("Account", "create", {"id": 77, "owner": "late"}))
        self.assertEqual(self.value("SELECT count(*) FROM transfer"), 1)

    def test_a_deferred_constraint_names_the_operation_that_broke_it(self):
        good = op("Transfer", "create", {"source": 1, "target": 2, "amount": "1.00"})
        self.refused(409, "IntegrityError", good,
                     op("Transfer", "create", {"source": 77, "target": 1, "amount": "1.00"}),
                     op("Account", "create", {"id": 77, "owner": "late"}),
                     good, op("Transfer", "create", {"source": 1, "target": 99, "amount": "1.00"}, name="bad"), good,
                     is_pointer="/operations/4/body/target", is_operation=4)

    def test_a_million_rows_do_not_fit(self):
        self.sql("INSERT INTO tag (name) SELECT 'tag ' || i FROM generate_series(1, 300000) i")
        body = {"values_list": ["id", "name", {"again": {"Concat": ["name", "name", "name"]}}]}
        problem = self.refused_quickly(op("Tag", "query", body), op("Tag", "query", body), op("Tag", "query", body))
        self.assertIn("16777216", problem["detail"])

    def refused_quickly(self, *operations):
        return self.assert_problem(self.batch(*operations), 413, "RequestTooLarge")

    def test_many_rows_that_fit_are_all_there(self):
        self.sql("INSERT INTO tag (name) SELECT 'tag ' || i FROM generate_series(1, 20000) i")
        first, second = self.done(op("Tag", "query", {"order_by": ["id"]}),
                                  op("Tag", "query", {"order_by": ["id"], "prefetch_related": ["job_set"], "limit": 3000}))
        self.assertEqual(len(first["results"]), 20003)
        self.assertEqual(len(second["results"]), 3000)
        self.assertEqual([row["id"] for row in first["results"]], sorted(row["id"] for row in first["results"]))

    def test_as_many_operations_as_settings_allow(self):
        answers = self.done(*[op("Account", "count")] * 1000)
        self.assertEqual(answers, [{"count": 10}] * 1000)
        self.assert_problem(self.batch(*[op("Account", "count")] * 1001), 413, "RequestTooLarge", pointer="/operations")

    def test_statements_of_reads_and_writes_are_counted_and_savepoints_are_not(self):
        reads = [op("Account", "count"), op("Tag", "count")]
        self.assert_statements(self.batch(*reads), 2)
        self.assert_statements(self.batch(*[dict(r, on_error="continue") for r in reads]), 2)


class RefTest(BatchTest):
    def test_in_every_place(self):
        answers = self.done(
            op("Account", "create", {"owner": "r", "balance": "12.50", "notes": {"a.b": [1, {"c": "name"}]}}, name="acc"),
            op("Transfer", "create", {"source": ref("acc.id"), "target": {"pk": 1}, "amount": ref("acc.balance")}, name="t"),
            op("Transfer", "query", {"filter": {"source": ref("0.id")}}, name="found"),
            op("Transfer", "get", {"filter": {"pk__in": [ref("found.results.0.id")]}}),
            op("Account", "update", {"filter": {"id": 2}, "set": {"balance": {"+": [{"F": "balance"}, ref("acc.balance")]}}}),
            op("Account", "get", pk=2),
            op("Account", "patch", {"notes": ref("acc.notes")}, pk=2),
            op("Account", "query", {"filter": {"notes": ref("acc.notes")}, "values_list": ["id"], "flat": True, "order_by": ["id"]}),
            op("Account", "query", {"filter": {"owner": ref(["acc", "notes", "a.b", 1, "c"])}}),
            op("Account", "in_bulk", {"ids": [ref("acc.id"), 1]}),
            op("Job", "add", {"objects": [ref("1.id")]}, pk=ref("2.results.0.id"), relation="tags"))
        self.assertEqual(answers[3]["amount"], "12.50")
        self.assertEqual(answers[5]["balance"], "112.50")
        self.assertEqual(answers[7], {"results": [2, answers[0]["id"]]})
        self.assertEqual(answers[8], {"results": []})
        self.assertEqual(set(answers[9]["results"]), {"1", str(answers[0]["id"])})

    def test_a_whole_result(self):
        answers = self.done(op("Job", "query", {"values": [{"name": {"Concat": [{"Cast": ["number", "CharField"]}, {"Value": "!"}]}}],
                                                "filter": {"id__lte": 3}}),
                            op("Tag", "bulk_create", ref("0.results")),
                            op("Tag", "query", {"filter": {"name__endswith": "!"}, "values_list": ["name"], "flat": True,
                                                "order_by": ["name"]}))
        self.assertEqual(answers[2]["results"], ["1!", "2!", "3!"])

    def test_text_of_a_row_is_never_a_path(self):
        """Where a bare string would be a field's name, the text of a result is a text."""
        self.sql("UPDATE account SET owner = 'balance' WHERE id = 1")
        answers = self.done(op("Account", "get", pk=1),
                            op("Account", "query", {"filter": {"id": 2}, "annotate": {"x": {"Concat": [ref("0.owner"), {"Value": "!"}]},
                                                                                    "y": {"Upper": ref("0.owner")}},
                                                    "values": ["x", "y"]}))
        self.assertEqual(answers[1]["results"], [{"x": "balance!", "y": "BALANCE"}])

    def test_an_object_of_a_row_is_never_an_expression(self):
        for notes in ({"F": "owner"}, {"Subquery": {"model": "Account"}}, {"+": [1, 2]}, {"Value": 3}, {"some": {"id": 1}}):
            self.reset()
            self.sql("UPDATE account SET notes = %s WHERE id = 1", [json.dumps(notes)])
            answers = self.done(op("Account", "get", pk=1),
                                op("Account", "patch", {"notes": ref("0.notes")}, pk=2),
                                op("Account", "query", {"filter": {"notes": ref("0.notes")}, "order_by": ["id"],
                                                        "values_list": ["id"], "flat": True}))
            self.assertEqual(answers[1]["notes"], notes)
            self.assertEqual(answers[2], {"results": [1, 2]}, notes)

    def test_a_ref_in_value_is_a_literal(self):
        row, = self.done(op("Account", "patch", {"notes": {"Value": {"Ref": "nobody.id"}}}, pk=2))
        self.assertEqual(row["notes"], {"Ref": "nobody.id"})

    def test_null_and_numbers_and_booleans(self):
        answers = self.done(op("Account", "first", {"filter": {"id": 0}}),
                            op("Account", "patch", {"notes": ref("0")}, pk=1),
                            op("Account", "exists"),
                            op("Account", "patch", {"notes": ref("2.exists")}, pk=1))
        self.assertEqual((answers[1]["notes"], answers[3]["notes"]), (None, True))

    def test_a_ref_outside_of_a_batch_says_where_it_belongs(self):
        response = self.api.post("/api/account/query", {"filter": {"id": ref("0.id")}})
        self.assert_problem(response, 400, "ValueError", detail="batch")

    def test_values_that_refs_read_are_bounded(self):
        self.sql("INSERT INTO tag (name) SELECT 'tag ' || i FROM generate_series(1, 60000) i")
        problem = self.assert_problem(self.batch(op("Tag", "query"), op("Tag", "get", pk=ref("0.results.0.id"))),
                                      413, "RequestTooLarge")
        self.assertEqual(problem["pointer"], "/operations/1/pk/Ref")
        self.sql("DELETE FROM tag WHERE id > 30000")
        self.assert_problem(self.batch(op("Tag", "query"), op("Account", "patch", {"notes": [ref("0")] * 3}, pk=1)),
                            413, "RequestTooLarge", pointer="/operations/1/body/notes/2/Ref")

    def test_texts_that_refs_put_into_a_body_are_bounded_as_the_body_is(self):
        made = op("Account", "patch", {"notes": "x" * 1000000}, pk=1)
        self.done(made, op("Account", "patch", {"notes": [ref("0.notes")] * 14}, pk=2))
        self.assert_problem(self.batch(made, op("Account", "patch", {"notes": [ref("0.notes")] * 17}, pk=2)),
                            413, "RequestTooLarge", pointer="/operations/1/body/notes/16/Ref")

    def test_a_result_that_is_too_large_for_refs_is_looked_at_once(self):
        self.sql("INSERT INTO tag (name) SELECT 'tag ' || i FROM generate_series(1, 200000) i")
        before = self.peak()
        answer = self.ok(self.batch(op("Tag", "query"), *[op("Tag", "get", pk=ref("0.results.0.id"))] * 100, atomic=False))
        self.assertEqual((answer["failed"], answer["results"][100]["error"]["status"]), (100, 413))
        if not harness.is_sanitized():
            self.assertLess(self.peak(), before + 128 * 1024)

    def peak(self):
        """The most memory that the server ever had, in KiB."""
        with open("/proc/%d/status" % self.server.process.pid) as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


class ErrorsAloneTest(BatchTest):
    """Failures that leave the others: "on_error": "continue", and a batch that is not atomic."""

    def statuses(self, answer):
        return [result["status"] for result in answer["results"]]

    def test_continue_undoes_the_operation_alone(self):
        answer = self.ok(self.batch(
            op("Account", "create", {"owner": "a"}),
            op("Account", "create", {"owner": "owner 1"}, on_error="continue", name="taken"),
            op("Account", "bulk_create", [{"owner": "b"}, {"owner": "owner 2"}], on_error="continue"),
            op("Account", "create", {"owner": "c"}, on_error="continue"),
            op("Account", "get", {"filter": {"id": 0}}, on_error="continue"),
            op("Account", "count")))
        self.assertEqual(self.statuses(answer), [201, 409, 409, 201, 404, 200])
        self.assertEqual(answer["failed"], 3)
        self.assertEqual(answer["results"][5]["body"], {"count": 12})
        failure = answer["results"][1]
        self.assertEqual(failure["as"], "taken")
        self.assertNotIn("body", failure)
        self.assertEqual(failure["error"]["title"], "IntegrityError")
        self.assertEqual(failure["error"]["pointer"], "/operations/1/body/owner")
        self.assertEqual(self.value("SELECT count(*) FROM account"), 12)

    def test_continue_judges_deferred_constraints_with_the_operation(self):
        answer = self.ok(self.batch(
            op("Transfer", "create", {"source": 1, "target": 99, "amount": "1.00"}, on_error="continue"),
            op("Transfer", "create", {"source": 1, "target": 2, "amount": "1.00"}, on_error="continue")))
        self.assertEqual(self.statuses(answer), [409, 201])
        self.assertEqual(answer["results"][0]["error"]["pointer"], "/operations/0/body/target")
        self.assertEqual(self.value("SELECT count(*) FROM transfer"), 1)

    def test_one_that_does_not_continue_takes_all_back(self):
        self.refused(409, "IntegrityError",
                     op("Account", "create", {"owner": "owner 1"}, on_error="continue"),
                     op("Account", "create", {"owner": "c"}),
                     op("Account", "create", {"owner": "owner 2"}), is_operation=2)

    def test_a_ref_to_what_failed(self):
        answer = self.ok(self.batch(
            op("Account", "create", {"owner": "owner 1"}, on_error="continue", name="a"),
            op("Account", "get", pk=ref("a.id"), on_error="continue"),
            op("Account", "count")))
        self.assertEqual(self.statuses(answer), [409, 400, 200])
        self.assertIn("operation 0 (a) has failed", answer["results"][1]["error"]["detail"])

    def test_without_atomic_each_stands_alone(self):
        answer = self.ok(self.batch(
            op("Account", "create", {"owner": "a"}, name="a"),
            op("Account", "create", {"owner": "owner 1"}),
            op("Transfer", "create", {"source": ref("a.id"), "target": 99, "amount": "1.00"}),
            op("Transfer", "create", {"source": ref("a.id"), "target": 1, "amount": "1.00"}),
            op("Account", "get", pk=ref("a.id")), atomic=False))
        self.assertEqual(self.statuses(answer), [201, 409, 409, 201, 200])
        self.assertEqual(answer["failed"], 2)
        self.assertNotIn("attempts", answer)
        self.assertEqual(self.value("SELECT count(*) FROM transfer"), 1)

    def test_all_of_them_may_fail(self):
        for atomic in (True, False):
            answer = self.ok(self.batch(*[op("Account", "create", {"owner": "owner 1"}, on_error="continue")] * 50,
                                        atomic=atomic))
            self.assertEqual((answer["failed"], self.statuses(answer)), (50, [409] * 50))
        self.assertEqual(self.value("SELECT count(*) FROM account"), 10)


class DryRunTest(BatchTest):
    def test_answers_as_if_and_leaves_nothing(self):
        before = self.everything()
        answer = self.ok(self.batch(
            op("Account", "create", {"owner": "dry"}, name="made"),
            op("Account", "patch", {"balance": "5.00"}, pk=ref("made.id")),
            op("Account", "count"), dry_run=True))
        self.assertTrue(answer["dry_run"])
        self.assertEqual(answer["results"][1]["body"]["balance"], "5.00")
        self.assertEqual(answer["results"][2]["body"], {"count": 11})
        self.assertEqual(self.everything(), before)

    def test_judges_what_a_commit_would(self):
        self.refused(409, "IntegrityError", op("Account", "count"),
                     op("Transfer", "create", {"source": 1, "target": 99, "amount": "1.00"}),
                     dry_run=True, is_pointer="/operations/1/body/target", is_operation=1)

    def test_false_is_no_dry_run(self):
        self.done(op("Account", "create", {"owner": "wet"}), dry_run=False)
        self.assertEqual(self.value("SELECT count(*) FROM account"), 11)


class LocksTest(BatchTest):
    def test_select_for_update_in_an_atomic_batch(self):
        rows, = self.done(op("Account", "query", {"filter": {"id__lte": 2}, "select_for_update": True}))
        self.assertEqual(len(rows["results"]), 2)
        for method in ("get", "first", "last"):
            row, = self.done(op("Account", method, {"filter": {"id": 2}, "select_for_update": {"no_key": True}}))
            self.assertEqual(row["id"], 2)
        row, = self.done(op("Account", "get", {"select_for_update": {"nowait": True}}, pk=2))
        self.assertEqual(row["id"], 2)
        rows, = self.done(op("Job", "query", {"select_related": ["account"], "filter": {"account__balance__gt": 0},
                                              "order_by": ["id"], "limit": 2, "select_for_update": {"of": ["self"]}}))
        self.assertEqual([row["id"] for row in rows["results"]], [1, 2])
        rows, = self.done(op("Account", "query", {"prefetch_related": [
            {"path": "job_set", "query": {"select_for_update": True}}], "filter": {"id": 1}}))
        self.assertEqual(len(rows["results"][0]["job_set"]), 1)

    def test_outside_of_a_transaction_it_is_refused_in_djangos_words(self):
        words = "select_for_update cannot be used outside of a transaction."
        asked = {"filter": {"id": 1}, "select_for_update": True}
        for method in ("query", "get", "first") * 3:
            self.assert_problem(self.api.post("/api/account/" + method, asked), 400, "TransactionManagementError",
                                detail=words, pointer="/select_for_update")
        self.assert_problem(self.api.post("/api/account/query", {"prefetch_related": [
            {"path": "job_set", "query": {"select_for_update": True}}]}), 400, "TransactionManagementError", detail=words)
        answer = self.ok(self.batch(op("Account", "query", asked), atomic=False))
        self.assertEqual(answer["results"][0]["error"]["title"], "TransactionManagementError")
        self.assertEqual(answer["results"][0]["error"]["pointer"], "/operations/0/body/select_for_update")

    def test_its_statement_can_be_looked_at(self):
        response = self.api.post("/api/account/sql", {"select_for_update": {"skip_locked": True}})
        self.assertTrue(self.ok(response)["statements"][0]["sql"].endswith("FOR UPDATE SKIP LOCKED"))

    def test_a_row_that_another_has_locked(self):
        connection = self.lock_row(3)
        nowait = op("Account", "query", {"filter": {"id": 3}, "select_for_update": {"nowait": True}})
        self.refused(409, "OperationalError", nowait, is_operation=0, is_detail="locked")
        # To wait was not wanted: it is not tried again.
        self.assertEqual(self.refused(409, "OperationalError", nowait, retries=5)["attempts"], 1)
        answer = self.ok(self.batch(dict(nowait, on_error="continue"),
                                    op("Account", "query", {"select_for_update": {"skip_locked": True}, "order_by": ["id"]})))
        self.assertEqual(answer["results"][0]["status"], 409)
        self.assertEqual([row["id"] for row in answer["results"][1]["body"]["results"]], [1, 2, 4, 5, 6, 7, 8, 9, 10])
        connection.rollback()
        self.done(nowait)

    def lock_row(self, key):
        import psycopg2
        connection = psycopg2.connect(**self.server.database)
        self.addCleanup(connection.close)
        connection.cursor().execute("SELECT 1 FROM account WHERE id = %s FOR UPDATE", [key])
        return connection


class GuardedTest(BatchTest):
    """Idempotency-Key around a batch, If-Match of an operation."""

    def test_a_repeated_batch_is_done_once(self):
        for members in ({}, {"isolation": "serializable"}, {"atomic": False}):
            key = {"Idempotency-Key": "batch-%s" % len(str(members))}
            operations = [op("Account", "create", {"owner": "once %s" % members})]
            answers = [self.batch(*operations, headers=key, **members) for _ in range(3)]
            self.assertEqual([a.status for a in answers], [200] * 3, answers)
            self.assertEqual(answers[0].json, answers[1].json)
            self.assertEqual(answers[2].headers["Idempotency-Replayed"], "true")
        self.assertEqual(self.value("SELECT count(*) FROM account"), 13)

    def test_a_batch_that_failed_may_be_sent_again_under_its_key(self):
        key = {"Idempotency-Key": "failed"}
        self.refused(409, "IntegrityError", op("Account", "create", {"owner": "owner 1"}), headers=key)
        self.done(op("Account", "create", {"owner": "other"}), headers=key)

    def test_failures_that_continue_are_kept_with_the_rest(self):
        key = {"Idempotency-Key": "partly"}
        operations = [op("Account", "create", {"owner": "owner 1"}, on_error="continue"), op("Account", "create", {"owner": "n"})]
        first, second = (self.ok(self.batch(*operations, headers=key)) for _ in range(2))
        self.assertEqual(first, second)
        self.assertEqual(first["failed"], 1)

    def test_if_match_of_an_operation(self):
        tag = self.api.get("/api/account/1").headers["ETag"]
        self.done(op("Account", "patch", {"balance": "1.00"}, pk=1, if_match=tag))
        self.refused(412, "PreconditionFailed", op("Account", "patch", {"balance": "2.00"}, pk=2),
                     op("Account", "patch", {"balance": "2.00"}, pk=1, if_match=tag), is_operation=1)


    def test_if_match_without_atomic(self):
        tag = self.api.get("/api/account/1").headers["ETag"]
        write = op("Account", "patch", {"balance": {"-": [{"F": "balance"}, 1]}}, pk=1, if_match=tag)
        answer = self.ok(self.batch(write, write, op("Job", "delete", pk=1, if_match="*"), atomic=False))
        self.assertEqual([r["status"] for r in answer["results"]], [200, 412, 200])
        self.assertEqual(self.value("SELECT balance FROM account WHERE id = 1"), 99)

    def test_if_match_of_the_whole_is_refused(self):
        self.refused(400, "BadRequest", op("Account", "create", {"owner": "x"}), headers={"If-Match": '"x"'})


class IsolationTest(BatchTest):
    def test_each_level_is_taken(self):
        for level in ("read committed", "repeatable read", "serializable"):
            answer, = self.done(op("Account", "count"), isolation=level)
            self.assertEqual(answer, {"count": 10})

    def test_repeatable_read_sees_one_moment(self):
        """A reader of many pieces, while another moves money between them."""
        import threading
        over = threading.Event()

        def move():
            client = self.server.client()
            while not over.is_set():
                self.batch(op("Account", "update", {"filter": {"id": 1}, "set": {"balance": {"-": [{"F": "balance"}, 1]}}}),
                           op("Account", "update", {"filter": {"id": 10}, "set": {"balance": {"+": [{"F": "balance"}, 1]}}}),
                           client=client)
            client.close()
        mover = threading.Thread(target=move)
        mover.start()
        try:
            for _ in range(40):
                rows = self.done(*[op("Account", "get", pk=k) for k in range(1, 11)], isolation="repeatable read")
                self.assertEqual(sum(float(row["balance"]) for row in rows), 1000)
        finally:
            over.set()
            mover.join()


if __name__ == "__main__":
    unittest.main()
