"""The Django project of the bench, in one file but for its models: views, addresses, WSGI application."""

import json
import os

import django
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "HOST": os.environ["BENCH_DATABASE"], "PORT": "5432",
                           "NAME": "postgres", "USER": "quern", "CONN_MAX_AGE": None}},
    INSTALLED_APPS=["bench_models"] + os.environ.get("BENCH_APPS", "").split(),
    MIDDLEWARE=[],
    ROOT_URLCONF=os.environ.get("BENCH_URLS", "django_app"),
    ALLOWED_HOSTS=["*"],
    DEBUG=False,
    LOGGING_CONFIG=None,
    USE_TZ=True,
    TIME_ZONE="UTC",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    SECRET_KEY="of no use here",
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
        "UNAUTHENTICATED_USER": None,
    },
)
django.setup(set_prefix=False)

from bench_models.models import Article, Employee, Role, Vote  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db.models import Count, F, OuterRef, Subquery  # noqa: E402
from django.db.models.functions import Coalesce  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402

ARTICLE = ("id", "title", "body", "author_id", "published")
EMPLOYEE = ("id", "role_id", "full_name", "years_of_service", "salary", "bonus", "temp_field", "is_active")
VOTES = Coalesce(Subquery(Vote.objects.filter(article=OuterRef("pk")).order_by().values("article").annotate(n=Count("*")).values("n")), 0)


def after(request):
    return int(request.GET["after"])


def page(number):
    return Article.objects.filter(id__gt=number).annotate(total_votes=VOTES).order_by("id")[:20]


def most_voted():
    """[(article's id, votes)] of ten."""
    return Vote.objects.values_list("article_id").annotate(n=Count("*")).order_by("-n", "article_id")[:10]


def results(rows):
    return JsonResponse({"results": list(rows)})


def article(request, number):
    return JsonResponse(Article.objects.values(*ARTICLE).get(pk=number))


def articles(request):
    return results(page(after(request)).values(*ARTICLE, "total_votes"))


def top(request):
    votes = list(most_voted())
    found = {one["id"]: one for one in Article.objects.filter(pk__in=[pk for pk, _ in votes]).values(*ARTICLE)}
    return results(dict(found[pk], total_votes=n) for pk, n in votes)


def voted(request, author):
    return results(Article.objects.filter(vote__author=author).order_by("id").values(*ARTICLE))


def with_role(row):
    row["role"] = {"id": row["role_id"], "name": row.pop("role__name")}
    return row


def employee(request):
    if request.method == "POST":
        return create(json.loads(request.body))
    rows = Employee.objects.filter(id__gt=after(request)).order_by("id").values(*EMPLOYEE, "role__name")[:20]
    return results(map(with_role, rows))


def create(given):
    made = Employee.objects.create(**given)
    return JsonResponse({name: getattr(made, name) for name in EMPLOYEE}, status=201)


def roles(request):
    rows = list(Role.objects.filter(id__gt=after(request)).order_by("id").values("id", "name")[:20])
    by_role = {row["id"]: row.setdefault("employee_set", []) for row in rows}
    for one in Employee.objects.filter(role__in=list(by_role)).values(*EMPLOYEE):
        by_role[one["role_id"]].append(one)
    return results(rows)


def raise_salary(request, number):
    return JsonResponse({"updated": Employee.objects.filter(pk=number).update(salary=F("salary") + 1)})


def report(request):
    rows = Vote.objects.filter(article__author__isnull=False).values(writer=F("article__author")).annotate(n=Count("*"))
    return results(rows.order_by("-n", "writer")[:10])


urlpatterns = [
    path("article/<int:number>", article),
    path("article", articles),
    path("top", top),
    path("voted/<int:author>", voted),
    path("employee", employee),
    path("employee/<int:number>/raise", raise_salary),
    path("role", roles),
    path("report", report),
]
application = get_wsgi_application()
