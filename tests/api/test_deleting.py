"""Deleting: what goes with a row, what it leaves behind and what forbids it, as in Django."""

import unittest

import seeds
from django.db import IntegrityError
from django.db.models import ProtectedError, RestrictedError
from writing import WritingTest


class DeletingTest(WritingTest):
    models = ("deletion",)
    seed = seeds.DELETION

    def deletes_as_django(self, send, queryset):
        """The same rows are gone and changed, and the counts are Django's."""
        answered, expected = self.same_effect(lambda: self.ok(send()), lambda: queryset().delete())
        total, by_label = expected
        per_model = {}
        for label, count in by_label.items():
            if count:
                per_model[self.model_name(label.split(".", 1)[1])] = count
        self.assertEqual(answered["deleted"], total)
        self.assertEqual({name: n for name, n in answered["per_model"].items() if n}, per_model)

    def model_name(self, label):
        return "Owner.labels" if label == "Owner_labels" else label

    def test_cascades_go_all_the_way(self):
        self.deletes_as_django(lambda: self.api.delete("/api/owner/1"),
                               lambda: self.django.Owner.objects.filter(pk=1))

    def test_what_is_set_to_null_default_or_a_value(self):
        self.deletes_as_django(lambda: self.api.delete("/api/owner/6"),
                               lambda: self.django.Owner.objects.filter(pk=6))

    def test_the_rows_of_a_join_table_go_with_either_end(self):
        self.deletes_as_django(lambda: self.api.delete("/api/label/2"),
                               lambda: self.django.Label.objects.filter(pk=2))

    def test_a_tree_goes_with_its_root(self):
        self.deletes_as_django(lambda: self.api.delete("/api/node/1"),
                               lambda: self.django.Node.objects.filter(pk=1))

    def test_by_a_query(self):
        self.deletes_as_django(
            lambda: self.api.post("/api/cascaded/delete", {"filter": {"grandchild__id__lt": 3}}),
            lambda: self.django.Cascaded.objects.filter(pk__in=[1]))
        self.deletes_as_django(
            lambda: self.api.post("/api/node/delete", {"filter": {"or": [{"parent__name": "a"}, {"name": "other"}]}}),
            lambda: self.django.Node.objects.filter(pk__in=[4, 5, 7]))

    def test_by_a_query_string(self):
        self.deletes_as_django(lambda: self.api.delete("/api/grandchild", "parent__owner=1"),
                               lambda: self.django.Grandchild.objects.filter(parent__owner=1))

    def test_every_row_when_it_is_said(self):
        self.deletes_as_django(lambda: self.api.delete("/api/song", "all=true"), lambda: self.django.Song.objects.all())

    def test_by_a_related_manager(self):
        self.deletes_as_django(lambda: self.api.post("/api/owner/1/cascaded_set/delete", {"filter": {"id": 2}}),
                               lambda: self.django.Cascaded.objects.filter(pk=2))

    def test_nothing_to_delete(self):
        self.assertEqual(self.ok(self.api.post("/api/owner/delete", {"filter": {"name": "nobody"}}))["deleted"], 0)
        self.assert_problem(self.api.delete("/api/owner/99"), 404, "DoesNotExist",
                            detail="Owner matching query does not exist")

    def refuses_as_django(self, path, queryset, error, title, objects):
        before = self.contents()
        with self.assertRaises(error):
            queryset.delete()
        self.reset()
        problem = self.assert_problem(self.api.delete(path), 409, title)
        if objects is not None:
            found = sorted((item["model"], str(item["pk"])) for item in problem["objects"])
            self.assertEqual(found, objects)
        self.assertEqual(self.contents(), before)

    def test_protected(self):
        self.refuses_as_django("/api/owner/3", self.django.Owner.objects.filter(pk=3), ProtectedError, "ProtectedError",
                               [("Protected", "1"), ("Protected", "2")])

    def test_restricted(self):
        self.refuses_as_django("/api/album/3", self.django.Album.objects.filter(pk=3), RestrictedError, "RestrictedError",
                               [("Song", "3"), ("Song", "4")])
        self.refuses_as_django("/api/artist/2", self.django.Artist.objects.filter(pk=2), RestrictedError, "RestrictedError",
                               [("Song", "4")])

    def test_restricted_rows_that_go_anyway(self):
        self.deletes_as_django(lambda: self.api.delete("/api/artist/1"),
                               lambda: self.django.Artist.objects.filter(pk=1))
        self.deletes_as_django(lambda: self.api.post("/api/artist/delete", {"filter": {"id__in": [2, 3]}}),
                               lambda: self.django.Artist.objects.filter(pk__in=[2, 3]))

    def test_do_nothing_leaves_it_to_the_database(self):
        self.refuses_as_django("/api/owner/4", self.django.Owner.objects.filter(pk=4), IntegrityError, "IntegrityError", None)

    def test_one_forbidden_row_keeps_all(self):
        self.refuses_as_django("/api/owner?id__in=1,3,5", self.django.Owner.objects.filter(pk__in=[1, 3, 5]),
                               ProtectedError, "ProtectedError", [("Protected", "1"), ("Protected", "2")])

    def test_a_slice_is_not_deleted(self):
        response = self.api.post("/api/node/delete", {"order_by": ["id"], "limit": 2})
        self.assertEqual(response.status, 400, response)
        self.assertEqual(self.sql("SELECT count(*) FROM node"), [(7,)])


if __name__ == "__main__":
    unittest.main()
