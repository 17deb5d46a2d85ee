"""The same with Django REST framework: views and serializers over the models of django_app."""

from django_app import EMPLOYEE, ARTICLE, Article, Employee, F, Role, after, application, most_voted, page, report  # noqa: F401
from django.urls import path
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView


class ArticleRow(serializers.ModelSerializer):
    author_id = serializers.IntegerField()

    class Meta:
        model, fields = Article, ARTICLE


class CountedArticle(ArticleRow):
    total_votes = serializers.IntegerField()

    class Meta:
        model, fields = Article, ARTICLE + ("total_votes",)


class RoleRow(serializers.ModelSerializer):
    class Meta:
        model, fields = Role, ("id", "name")


class EmployeeRow(serializers.ModelSerializer):
    role_id = serializers.IntegerField()

    class Meta:
        model, fields = Employee, EMPLOYEE


class EmployeeWithRole(EmployeeRow):
    role = RoleRow()

    class Meta:
        model, fields = Employee, EMPLOYEE + ("role",)


class RoleWithEmployees(serializers.ModelSerializer):
    employee_set = EmployeeRow(many=True)

    class Meta:
        model, fields = Role, ("id", "name", "employee_set")


def results(serializer, rows):
    return Response({"results": serializer(rows, many=True).data})


class OneArticle(APIView):
    def get(self, request, number):
        return Response(ArticleRow(Article.objects.get(pk=number)).data)


class Articles(APIView):
    def get(self, request):
        return results(CountedArticle, page(after(request)))


class Top(APIView):
    def get(self, request):
        votes = list(most_voted())
        found = Article.objects.in_bulk([pk for pk, _ in votes])
        for pk, n in votes:
            found[pk].total_votes = n
        return results(CountedArticle, [found[pk] for pk, _ in votes])


class Voted(APIView):
    def get(self, request, author):
        return results(ArticleRow, Article.objects.filter(vote__author=author).order_by("id"))


class Employees(APIView):
    def get(self, request):
        return results(EmployeeWithRole, Employee.objects.filter(id__gt=after(request)).select_related("role").order_by("id")[:20])

    def post(self, request):
        given = EmployeeRow(data=request.data)
        given.is_valid(raise_exception=True)
        given.save()
        return Response(given.data, status=201)


class Raise(APIView):
    def post(self, request, number):
        return Response({"updated": Employee.objects.filter(pk=number).update(salary=F("salary") + 1)})


class Roles(APIView):
    def get(self, request):
        return results(RoleWithEmployees, Role.objects.filter(id__gt=after(request)).prefetch_related("employee_set").order_by("id")[:20])


urlpatterns = [
    path("article/<int:number>", OneArticle.as_view()),
    path("article", Articles.as_view()),
    path("top", Top.as_view()),
    path("voted/<int:author>", Voted.as_view()),
    path("employee", Employees.as_view()),
    path("employee/<int:number>/raise", Raise.as_view()),
    path("role", Roles.as_view()),
    path("report", report),
]
