import datetime
import decimal
import uuid

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, IntegerRangeField, RangeOperators
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


def next_week():
    return timezone.now() + datetime.timedelta(days=7)


def no_swearing(value):
    if "darn" in value:
        raise ValueError


class Stamped(models.Model):
    """An abstract base."""

    created = models.DateTimeField(auto_now_add=True, db_index=True)
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
        ordering = ["-created"]


class AuthorManager(models.Manager):
    def get_by_natural_key(self, handle):
        return self.get(handle=handle)


class Author(Stamped):
    handle = models.SlugField(unique=True, validators=[RegexValidator(r"^[a-z]+", message="letters first")])
    full_name = models.CharField(_("full name"), max_length=80, help_text="as on the cover", validators=[no_swearing])
    born = models.DateField(null=True, blank=True)
    account = models.OneToOneField(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    friends = models.ManyToManyField("self", blank=True)
    heroes = models.ManyToManyField("self", symmetrical=False, related_name="fans", blank=True)
    objects = AuthorManager()

    class Meta(Stamped.Meta):
        verbose_name = "writer"

    def natural_key(self):
        return (self.handle,)


class Genre(models.Model):
    code = models.CharField(max_length=8, primary_key=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")


class Kind(models.TextChoices):
    PAPER = "p", _("paper")
    SOUND = "s", "sound"


class Book(Stamped):
    SIZES = [("Small", [(1, "A6"), (2, "A5")]), ("Large", [(3, "A4")])]

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    title = models.CharField(max_length=200, db_column="book title")
    kind = models.CharField(max_length=1, choices=Kind.choices, default=Kind.PAPER)
    size = models.PositiveSmallIntegerField(choices=SIZES, null=True, blank=True)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    editor = models.ForeignKey(Author, models.RESTRICT, to_field="handle", null=True, blank=True, related_name="+")
    genres = models.ManyToManyField(Genre, blank=True, related_name="books")
    reviewers = models.ManyToManyField(Author, through="Review", through_fields=("book", "by"), related_name="reviewed")
    price = models.DecimalField(max_digits=8, decimal_places=2, default=decimal.Decimal("9.90"),
                                validators=[MinValueValidator(0)])
    weight = models.FloatField(null=True, blank=True)
    printed = models.IntegerField(default=0)
    isbn = models.CharField(max_length=13, unique=True, null=True, blank=True)
    blurb = models.TextField(blank=True)
    cover = models.FileField(upload_to="covers/", blank=True)
    pages = IntegerRangeField(null=True, blank=True)
    on_sale = DateRangeField(null=True, blank=True)
    tags = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    ratings = ArrayField(models.DecimalField(max_digits=4, decimal_places=2), null=True, blank=True)
    extra = models.JSONField(default=dict, blank=True)
    duration = models.DurationField(null=True, blank=True)
    checksum = models.BinaryField(null=True, blank=True)
    home = models.GenericIPAddressField(null=True, blank=True)
    due = models.DateTimeField(default=next_week)
    starts = models.TimeField(null=True, blank=True)

    class Meta:
        ordering = ["title", F("price").desc(nulls_last=True)]
        get_latest_by = "created"
        unique_together = [("author", "title")]
        indexes = [
            models.Index(fields=["-price", "title"], name="shop_price"),
            models.Index(fields=["title"], name="shop_dear", condition=Q(price__gt=100) & ~Q(kind="s")),
            GinIndex(fields=["tags"], name="shop_tags"),
        ]
        constraints = [
            models.CheckConstraint(check=Q(price__gte=0) | Q(printed=0), name="price_or_unprinted"),
            models.CheckConstraint(check=Q(printed__lte=F("size") * 1000), name="printed_fits"),
            models.UniqueConstraint(fields=["title"], condition=Q(kind="s"), name="one_recording"),
        ]

    def save(self, *args, **kwargs):
        super().save(*args, **kwargs)


class Review(models.Model):
    book = models.ForeignKey(Book, models.CASCADE)
    by = models.ForeignKey(Author, models.CASCADE)
    invited_by = models.ForeignKey(Author, models.CASCADE, null=True, blank=True, related_name="invitations")
    stars = models.SmallIntegerField(default=3)

    class Meta:
        db_table = "shop_opinions"
        order_with_respect_to = "book"


class Loan(models.Model):
    copy = models.IntegerField()
    during = DateRangeField()

    class Meta:
        constraints = [ExclusionConstraint(name="not_lent_twice", expressions=[
            ("during", RangeOperators.OVERLAPS), ("during", RangeOperators.ADJACENT_TO)], condition=Q(copy=1))]


class Paperback(Book):
    class Meta:
        proxy = True
