"""Rules that the database judges: its refusals said in the model's own words, by field, under Django's codes."""

import concurrent.futures
import unittest

from django.core.exceptions import ValidationError
from harness import ApiTest, Client
from oracle import DjangoTest


class ViolationTest(DjangoTest, ApiTest):
    models = ("violations",)
    seed = """
        INSERT INTO post (title, slug, mood, day_name, published, day) VALUES ('t', 's', 'm', 'd', '2026-03-31T23:30:00Z', '2026-03-31');
        INSERT INTO post (title, slug, mood, day_name, published, day) VALUES ('n', 'n', NULL, 'n', '2024-08-31T00:00:00Z', NULL);
        INSERT INTO seat (line, number, code, price, small, note, "row", during) VALUES ('a', 1, 'x', 1, 1, '', '', '[1,5)');
    """
    FREE = {"title": "free", "slug": "free", "mood": "free", "day_name": "free"}
    SEAT = {"line": "b", "number": 1, "code": "y"}

    def refused(self, answer, detail, code, *fields, status=409, **members):
        problem = self.assert_problem(answer, status, "IntegrityError", **members)
        self.assertEqual(problem["detail"], detail)
        self.assertEqual(problem.get("fields", []), list(fields))
        key = fields[0] if len(fields) == 1 else "__all__"
        self.assertEqual(problem["errors"], {key: [{"message": detail, "code": code}]})
        return problem

    def test_unique_for_dates_as_django_says_it(self):
        cases = [
            ({"title": "t", "published": "2026-03-31T00:00:00Z"}, "title"),
            ({"slug": "s", "published": "2026-03-01T00:00:00Z"}, "slug"),
            ({"slug": "s", "published": "2020-03-01T00:00:00Z"}, "slug"),
            ({"mood": "m", "published": "2026-12-31T00:00:00Z"}, "mood"),
            ({"mood": None, "published": "2024-12-31T00:00:00Z"}, "mood"),
            ({"day_name": "d", "day": "2001-03-09"}, "day_name"),
        ]
        for given, field in cases:
            row = {**self.FREE, **given}
            answer = self.api.post("/api/post", row)
            with self.assertRaises(ValidationError) as caught:
                self.django.Post(**row).full_clean()
            expected = caught.exception.error_dict[field][0]
            self.refused(answer, expected.messages[0], expected.code, field)
        self.assertEqual(self.sql("SELECT count(*) FROM post"), [(2,)])

    def test_other_dates_and_no_date_are_free(self):
        for given in ({"title": "t", "published": "2026-04-01T00:00:00Z"}, {"title": "t", "published": "2026-03-30T23:59:59Z"},
                      {"slug": "s", "published": "2026-02-28T00:00:00Z"}, {"mood": "m", "published": "2025-12-31T00:00:00Z"},
                      {"title": "t", "published": None}, {"title": "t", "published": None}, {"mood": None, "published": "2026-03-31T00:00:00Z"},
                      {"mood": None, "published": None}):
            number = self.sql("SELECT count(*) FROM post")[0][0]
            row = {**self.FREE, "slug": "x%d" % number, "mood": "x%d" % number, "day_name": "", **given}
            self.django.Post(**row).full_clean()
            self.assertEqual(self.api.post("/api/post", row).status, 201, row)

    def test_the_days_of_a_moment_are_those_of_utc(self):
        answer = self.api.post("/api/post", {**self.FREE, "title": "t", "published": "2026-04-01T00:30:00+02:00"})
        self.refused(answer, "Title must be unique for Published date.", "unique_for_date", "title")

    def test_of_many_at_once_one_comes_in(self):
        def send(n):
            api = Client(self.server.port)
            try:
                return api.post("/api/post", {"title": "race", "slug": "r%d" % n, "published": "2026-05-01T0%d:00:00Z" % n}).status
            finally:
                api.close()

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            self.assertEqual(sorted(pool.map(send, range(8))), [201] + 7 * [409])

    def test_updates_are_judged_too(self):
        self.assertEqual(self.api.post("/api/post", {**self.FREE, "published": "2026-03-31T10:00:00Z"}).status, 201)
        self.refused(self.api.patch("/api/post/3", {"title": "t"}), "Title must be unique for Published date.", "unique_for_date", "title")

    def test_unique_fields_in_the_models_words(self):
        self.refused(self.api.post("/api/seat", {**self.SEAT, "code": "x"}), "Taken: Code.", "unique", "code", constraint="seat_code_key")

    def test_unique_together_as_django_says_it(self):
        answer = self.api.post("/api/seat", {**self.SEAT, "line": "a"})
        with self.assertRaises(ValidationError) as caught:
            self.django.Seat(line="a", number=1, code="y").validate_unique()
        expected = caught.exception.error_dict["__all__"][0]
        self.refused(answer, expected.messages[0], expected.code, "line", "number")
        self.assertEqual(answer.json["detail"], "Seat with this Line and Number already exists.")

    def test_constraints_with_words_and_codes_of_their_own(self):
        self.refused(self.api.post("/api/seat", {**self.SEAT, "number": 0}), "Seats are counted from 1.", "too_low", constraint="number_positive")
        self.refused(self.api.post("/api/seat", {**self.SEAT, "number": 30000}), "Constraint “few_seats” is violated.", "invalid",
                     constraint="few_seats")
        self.refused(self.api.post("/api/seat", {**self.SEAT, "during": {"lower": 4, "upper": 9}}), "Somebody sits there then.", "overlap", "during",
                     constraint="no_overlap")
        self.ok(self.api.post("/api/seat", {**self.SEAT, "number": 101, "note": "n"}), 201)
        self.refused(self.api.post("/api/seat", {**self.SEAT, "number": 102, "note": "n", "code": "z"}), "Note “one_free_note”.", "unique", "note",
                     constraint="one_free_note")

    def test_foreign_keys(self):
        self.refused(self.api.post("/api/seat", {**self.SEAT, "post": 99}), "Post instance with this id does not exist.", "invalid", "post")

    def update(self, **values):
        return self.api.post("/api/seat/update", {"filter": {"pk": 1}, "set": values})

    def test_expressions_that_give_null(self):
        self.refused(self.update(number={"NullIf": [{"F": "number"}, 1]}), "Seat.number cannot be null.", "null", "number")

    def test_expressions_that_give_too_long_texts(self):
        answer = self.update(note={"Repeat": [{"Value": "x"}, 11]}, small=2)
        problem = self.assert_problem(answer, 400, "ValueError", fields=["note"], pointer="/set/note")
        self.assertEqual(problem["detail"], "A text that an expression gives is too long for its column: note (at most 10 characters).")
        answer = self.update(note={"Repeat": [{"Value": "x"}, 11]}, row={"Concat": [{"F": "row"}, {"Value": "!"}]})
        self.assert_problem(answer, 400, "ValueError", fields=["note", "row"], pointer=None, detail="note (at most 10 characters) and row")

    def test_expressions_that_give_numbers_out_of_range(self):
        answer = self.update(small={"+": [{"F": "small"}, 32767]})
        self.assert_problem(answer, 400, "ValueError", fields=["small"], pointer="/set/small", detail="small (from 0 to 32767)")
        answer = self.update(price={"*": [{"F": "price"}, 1000000]})
        self.assert_problem(answer, 400, "ValueError", fields=["price"], detail="price (at most 5 digits, 2 of them behind the point)")
        answer = self.api.patch("/api/seat/1", {"number": {"*": [{"F": "number"}, 2147483647, 2]}})
        self.assert_problem(answer, 400, "ValueError", fields=["number"], pointer="/number")

    def test_expressions_below_zero(self):
        self.refused(self.update(small={"-": [{"F": "small"}, 5]}), "Small: the value is out of range.", "invalid", "small")

    def test_all_violations_of_a_row_at_once(self):
        answer = self.api.post("/api/seat", {"line": "abcde", "number": "x", "code": "", "price": "1.234", "small": -1, "during": 5})
        problem = self.assert_problem(answer, 422, "ValidationError")
        self.assertEqual(sorted(problem["errors"]), ["code", "during", "line", "number", "price", "small"])


if __name__ == "__main__":
    unittest.main()
