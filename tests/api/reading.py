"""Asking a question twice: of Quern over HTTP and of Django, on the same rows."""

import oracle
import seeds
from django.db import models
from harness import ApiTest


def answer_of(queryset):
    """A queryset's rows in the shape in which Quern answers them."""
    if not isinstance(queryset, models.QuerySet):
        return queryset
    if issubclass(queryset._iterable_class, models.query.ModelIterable):
        return oracle.rows(queryset, *queryset.query.annotation_select)
    return [list(row) if isinstance(row, tuple) else row for row in queryset]


class ReadingTest(oracle.DjangoTest, ApiTest):
    """Rows are made once for the class: nothing here writes."""

    models = ("press",)
    seed = seeds.PRESS

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        ApiTest.reset(cls)

    def reset(self):
        pass

    def compare(self, model, body, queryset, statements=1, empty=False):
        """The answer to the query is the queryset's, in its order and for so many statements; a
        comparison of nothing with nothing would show nothing, so it must be said (`empty`)."""
        response = self.api.query(model, body)
        with self.subTest(model=model, body=body):
            expected = answer_of(queryset)
            if isinstance(expected, list) and not empty:
                self.assertTrue(expected, "Django finds nothing: a question that shows nothing")
            self.same(self.results(response), expected)
            if statements is not None:
                self.assert_statements(response, statements)

    def compare_filters(self, model, cases):
        """Cases of (condition, queryset): ordered by primary key on both sides."""
        for condition, queryset in cases:
            self.compare(model, {"filter": condition, "order_by": ["pk"]}, queryset.order_by("pk"))
