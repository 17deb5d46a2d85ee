"""The tables as Django's models: an application of its own, so that relations are known in both directions."""

from django.db import models


class Role(models.Model):
    name = models.CharField(max_length=64)

    class Meta:
        db_table = "role"


class Employee(models.Model):
    role = models.ForeignKey(Role, models.CASCADE)
    full_name = models.CharField(max_length=128)
    years_of_service = models.PositiveSmallIntegerField()
    salary = models.DecimalField(max_digits=10, decimal_places=2, default="0.00")
    bonus = models.DecimalField(max_digits=10, decimal_places=2, default="0.00")
    temp_field = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        db_table = "employee"


class Author(models.Model):
    handle = models.CharField(max_length=64, unique=True)

    class Meta:
        db_table = "author"


class Article(models.Model):
    title = models.CharField(max_length=256)
    body = models.TextField()
    author = models.ForeignKey(Author, models.SET_NULL, null=True, blank=True)
    published = models.BooleanField(default=False)

    class Meta:
        db_table = "article"


class Vote(models.Model):
    author = models.ForeignKey(Author, models.CASCADE)
    article = models.ForeignKey(Article, models.CASCADE)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "vote"
