"""The snippets of the article that Quern grew from, each sent to a real server.

What is right is what Django answers on the same rows; how many statements a request may cost
is said where it matters."""

import unittest
from decimal import Decimal

import oracle
import seeds
from django.db import IntegrityError
from django.db.models import Count, F, Q
from harness import ApiTest


class SeedTest(oracle.DjangoTest, ApiTest):
    def left_behind(self, table, columns="*", order="id"):
        return self.sql("SELECT %s FROM %s ORDER BY %s" % (columns, table, order))

    def same_effect(self, by_quern, by_django, table, columns="*", order="id"):
        """The rows that a request of ours leaves are those that Django leaves."""
        self.reset()
        by_quern()
        ours = self.left_behind(table, columns, order)
        self.reset()
        before = self.left_behind(table, columns, order)
        by_django()
        theirs = self.left_behind(table, columns, order)
        self.assertEqual(ours, theirs)
        self.assertNotEqual(before, theirs, "the test changes nothing")


class StaffTest(SeedTest):
    models = ("staff", "news", "fleet")
    seed = seeds.STAFF

    def test_an_employee_is_created_by_role_id(self):
        response = self.api.post(
            "/api/employee", {"full_name": "Alice Chen", "years_of_service": 5, "role_id": 2}
        )
        row = self.ok(response, 201)
        self.assertEqual(response.headers["Location"], "/api/employee/%d" % row["id"])
        self.same(row, oracle.columns(self.django.Employee.objects.get(pk=row["id"])))
        self.assertEqual((row["full_name"], row["role_id"], row["salary"], row["is_active"]),
                         ("Alice Chen", 2, "0.00", True))
        self.assertEqual(self.ok(self.api.get(response.headers["Location"])), row)

    def test_an_employee_is_created_by_a_role_found_by_name(self):
        row = self.ok(self.api.post("/api/employee/create", {
            "full_name": "Bob Lee", "years_of_service": 3, "role": {"name": "Senior Engineer"}
        }), 201)
        self.assertEqual(row["role_id"], self.django.Role.objects.get(name="Senior Engineer").pk)
        self.same(row, oracle.columns(self.django.Employee.objects.get(pk=row["id"])))

    def test_a_role_that_no_lookup_finds_creates_nothing(self):
        response = self.api.post("/api/employee", {
            "full_name": "Bob Lee", "years_of_service": 3, "role": {"name": "Astronaut"}
        })
        self.assert_problem(response, 404, "DoesNotExist", pointer="/role",
                            detail="Role matching query does not exist")
        self.assertEqual(self.django.Employee.objects.count(), 10)

    def test_employees_of_role_manager_with_the_role_joined(self):
        response = self.api.query("employee", {
            "filter": {"role__name": "Manager"}, "select_related": ["role"], "order_by": ["id"]
        })
        managers = self.django.Employee.objects.filter(role__name="Manager").order_by("id")
        expected = [
            dict(oracle.columns(emp), role=oracle.columns(emp.role)) for emp in managers.select_related("role")
        ]
        self.assertEqual(len(expected), 2)
        self.same(self.results(response), expected)
        self.assert_statements(response, 1)

    def test_the_same_as_a_query_string(self):
        response = self.api.get("/api/employee", "role__name=Manager&select_related=role&order_by=id")
        posted = self.api.query("employee", {
            "filter": {"role__name": "Manager"}, "select_related": ["role"], "order_by": ["id"]
        })
        self.assertEqual(self.results(response), self.results(posted))
        self.assert_statements(response, 1)

    def test_a_roles_employee_set(self):
        tech_lead = self.django.Role.objects.get(name="Tech Lead")
        found = self.ok(self.api.post("/api/role/get", {"filter": {"name": "Tech Lead"}}))
        self.same(found, oracle.columns(tech_lead))
        address = "role/%d/employee_set" % found["id"]
        self.same_rows_any_order(self.results(self.api.get("/api/" + address)), tech_lead.employee_set.all())
        self.same_rows_any_order(self.rows(address), tech_lead.employee_set.all())

        junior = tech_lead.employee_set.filter(years_of_service__lt=2)
        self.assertEqual(len(junior), 2)
        self.same_rows_any_order(self.rows(address, {"filter": {"years_of_service__lt": 2}}), junior)
        self.same_rows_any_order(self.results(self.api.get("/api/" + address, "years_of_service__lt=2")), junior)

    def test_an_employee_set_is_counted_without_loading_rows(self):
        for response in (self.api.get("/api/role/3/employee_set/count"),
                         self.api.post("/api/role/3/employee_set/count", {})):
            self.assertEqual(self.ok(response), {"count": 3})
            self.assert_statements(response, 1)
        texts = self.ok(self.api.post("/api/employee/sql", {"filter": {"role": 3}}))["statements"]
        self.assertEqual(len(texts), 1)

    def test_select_related_takes_one_statement(self):
        response = self.api.query("employee", {
            "filter": {"years_of_service__gt": 3}, "select_related": ["role"], "order_by": ["full_name"]
        })
        employees = self.django.Employee.objects.filter(years_of_service__gt=3).order_by("full_name")
        with_role = employees.select_related("role")
        self.same(self.results(response),
                  [dict(oracle.columns(e), role=oracle.columns(e.role)) for e in with_role])
        self.assert_statements(response, 1)

    def test_prefetch_related_takes_two_statements(self):
        response = self.api.query("role", {"prefetch_related": ["employee_set"], "order_by": ["id"]})
        roles = self.django.Role.objects.prefetch_related("employee_set").order_by("id")
        answered = self.results(response)
        for row in answered:
            row["employee_set"].sort(key=lambda employee: employee["id"])
        self.same(answered, [
            dict(oracle.columns(role), employee_set=sorted(
                oracle.rows(role.employee_set.all()), key=lambda row: row["id"])) for role in roles
        ])
        self.assertEqual([len(row["employee_set"]) for row in answered], [2, 3, 3, 2, 0])
        self.assert_statements(response, 2)

    def test_salary_grows_by_a_tenth_for_senior_engineers(self):
        answers = []

        def ours():
            answers.append(self.ok(self.api.post("/api/employee/update", {
                "filter": {"role__name": "Senior Engineer"},
                "set": {"salary": {"*": [{"F": "salary"}, "1.10"]}},
            })))

        def theirs():
            answers.append({"updated": self.django.Employee.objects.filter(
                role__name="Senior Engineer").update(salary=F("salary") * Decimal("1.10"))})

        self.same_effect(ours, theirs, "employee")
        self.assertEqual(answers[0], answers[1])
        self.assertEqual(answers[0], {"updated": 3})

    def test_salary_and_bonus_are_swapped_in_one_update(self):
        def ours():
            response = self.api.post("/api/employee/update", {
                "set": {"salary": {"F": "bonus"}, "bonus": {"F": "salary"}}
            })
            self.assertEqual(self.ok(response), {"updated": 10})

        def theirs():
            self.django.Employee.objects.update(salary=F("bonus"), bonus=F("salary"))

        self.same_effect(ours, theirs, "employee")

    def test_the_articles_swap_reads_every_right_side_before_it_assigns(self):
        # `bonus` gets what temp_field held before, not the salary that is put there by the same update.
        def ours():
            response = self.api.post("/api/employee/update", {
                "filter": {"temp_field__isnull": False},
                "set": {"temp_field": {"F": "salary"}, "salary": {"F": "bonus"}, "bonus": {"F": "temp_field"}},
            })
            self.assertEqual(self.ok(response), {"updated": 4})

        def theirs():
            self.django.Employee.objects.filter(temp_field__isnull=False).update(
                temp_field=F("salary"), salary=F("bonus"), bonus=F("temp_field"))

        self.same_effect(ours, theirs, "employee")

    def test_the_articles_swap_over_empty_temp_fields_is_refused_as_by_django(self):
        with self.assertRaises(IntegrityError):
            self.django.Employee.objects.update(
                temp_field=F("salary"), salary=F("bonus"), bonus=F("temp_field"))
        before = self.left_behind("employee")
        response = self.api.post("/api/employee/update", {
            "set": {"temp_field": {"F": "salary"}, "salary": {"F": "bonus"}, "bonus": {"F": "temp_field"}}
        })
        self.assert_problem(response, 409, "IntegrityError", fields=["bonus"])
        self.assertEqual(self.left_behind("employee"), before)

    def test_full_name_contains_john_or_jane_and_is_active(self):
        q1 = Q(full_name__icontains="john") | Q(full_name__icontains="jane")
        staff = self.django.Employee.objects.filter(q1, is_active=True).order_by("id")
        self.assertEqual(len(staff), 3)
        self.same_rows(self.rows("employee", {
            "filter": {
                "or": [{"full_name__icontains": "john"}, {"full_name__icontains": "jane"}],
                "is_active": True,
            },
            "order_by": ["id"],
        }), staff)


class NewsTest(SeedTest):
    models = ("staff", "news", "fleet")
    seed = seeds.NEWS

    def test_articles_with_total_votes_and_their_vote_set(self):
        response = self.api.query("article", {
            "prefetch_related": ["vote_set"],
            "annotate": {"total_votes": {"Count": "vote"}},
            "order_by": ["id"],
        })
        articles = self.django.Article.objects.prefetch_related("vote_set").annotate(
            total_votes=Count("vote")).order_by("id")
        answered = self.results(response)
        for row in answered:
            row["vote_set"].sort(key=lambda vote: vote["id"])
        self.same(answered, [
            dict(oracle.columns(a), total_votes=a.total_votes, vote_set=sorted(
                oracle.rows(a.vote_set.all()), key=lambda row: row["id"])) for a in articles
        ])
        self.assertEqual([row["total_votes"] for row in answered], [3, 2, 0, 2, 1, 1, 0, 0])
        self.assert_statements(response, 2)

    def test_articles_voted_on_by_jane_doe(self):
        voted = self.django.Article.objects.filter(vote__author__handle="jane_doe").order_by("id")
        self.assertEqual([article.pk for article in voted], [1, 2, 4])
        self.same_rows(self.rows("article", {
            "filter": {"vote__author__handle": "jane_doe"}, "order_by": ["id"]
        }), voted)
        self.same_rows(self.results(
            self.api.get("/api/article", "vote__author__handle=jane_doe&order_by=id")), voted)

    def test_a_vote_is_dated_when_it_is_cast(self):
        row = self.ok(self.api.post("/api/vote", {"author": 5, "article": 1}), 201)
        self.same(row, oracle.columns(self.django.Vote.objects.get(pk=row["id"])))
        age = self.sql("SELECT extract(epoch FROM now() - created_at)::float FROM vote WHERE id = %s", [row["id"]])
        self.assertTrue(0 <= age[0][0] < 60, age)

    def test_a_second_vote_of_one_author_on_one_article_is_refused(self):
        response = self.api.post("/api/vote", {"author_id": 1, "article_id": 1})
        self.assert_problem(response, 409, "IntegrityError", constraint="unique_author_article_vote",
                            fields=["author", "article"])
        self.assertEqual(self.django.Vote.objects.count(), 9)
        self.ok(self.api.post("/api/vote", {"author_id": 5, "article_id": 1}), 201)

    def test_title_contains_any_of_three_terms(self):
        q = Q()
        for term in ("dev", "ops", "infra"):
            q |= Q(title__icontains=term)
        matching = self.django.Article.objects.filter(q).order_by("id")
        self.assertEqual([article.pk for article in matching], [1, 2, 3, 4])
        self.same_rows(self.rows("article", {
            "filter": {"or": [{"title__icontains": term} for term in ("dev", "ops", "infra")]},
            "order_by": ["id"],
        }), matching)

    def test_john_or_jane_and_published(self):
        authors = Q(author__handle="john") | Q(author__handle="jane")
        combined = authors & Q(published=True)
        expected = self.django.Article.objects.filter(combined).order_by("id")
        self.assertEqual([article.pk for article in expected], [1, 2])
        self.same_rows(self.rows("article", {
            "filter": {"and": [
                {"or": [{"author__handle": "john"}, {"author__handle": "jane"}]},
                {"published": True},
            ]},
            "order_by": ["id"],
        }), expected)


class Fleet:
    """Both ways to join servers and administrators."""

    through_defaults = {}
    join = ""
    join_columns = ""

    def body(self, objects):
        given = {"objects": objects}
        if self.through_defaults:
            given["through_defaults"] = self.through_defaults
        return given

    def pairs(self):
        return self.sql("SELECT %s FROM %s ORDER BY 1, 2" % (self.join_columns, self.join))

    def test_production_servers_are_added_to_an_administrator(self):
        alex = self.ok(self.api.post("/api/administrator/get", {"filter": {"name": "Alex"}}))
        servers = self.rows("server", {"filter": {"hostname__startswith": "prod-"}, "order_by": ["id"]})
        self.same_rows(servers, self.django.Server.objects.filter(hostname__startswith="prod-").order_by("id"))

        def ours():
            self.ok(self.api.post("/api/administrator/%d/servers/add" % alex["id"],
                                  self.body([server["id"] for server in servers])))

        def theirs():
            admin = self.django.Administrator.objects.get(name="Alex")
            admin.servers.add(*self.django.Server.objects.filter(hostname__startswith="prod-"),
                              through_defaults=self.through_defaults)

        self.same_effect(ours, theirs, self.join, self.compared, self.compared)
        self.assertIn((alex["id"], 3), self.pairs())

    def test_adding_them_again_changes_nothing(self):
        for _ in range(2):
            self.ok(self.api.post("/api/administrator/1/servers/add", self.body([1, 2, 3])))
        self.assertEqual([pair for pair in self.pairs() if pair[0] == 1], [(1, 1), (1, 2), (1, 3), (1, 5)])

    def test_administrators_are_added_to_a_server_from_the_other_side(self):
        server = self.ok(self.api.post("/api/server/get", {"filter": {"hostname": "db01.internal"}}))
        admins = self.rows("administrator", {"filter": {"email__endswith": "@company.com"}, "order_by": ["id"]})
        self.assertEqual([admin["name"] for admin in admins], ["Bea", "Chen"])

        def ours():
            self.ok(self.api.post("/api/server/%d/administrator_set/add" % server["id"],
                                  self.body([admin["id"] for admin in admins])))

        def theirs():
            found = self.django.Server.objects.get(hostname="db01.internal")
            found.administrator_set.add(
                *self.django.Administrator.objects.filter(email__endswith="@company.com"),
                through_defaults=self.through_defaults)

        self.same_effect(ours, theirs, self.join, self.compared, self.compared)

    def test_servers_are_named_by_a_lookup_when_added(self):
        self.ok(self.api.post("/api/administrator/3/servers/add", self.body([{"hostname": "db01.internal"}])))
        self.assertIn((3, 4), self.pairs())

    def test_an_administrators_servers(self):
        alex = self.django.Administrator.objects.get(name="Alex")
        self.same_rows(self.rows("administrator/1/servers", {"order_by": ["id"]}), alex.servers.order_by("id"))
        server = self.django.Server.objects.get(hostname="db01.internal")
        self.same_rows(self.rows("server/4/administrator_set", {"order_by": ["id"]}),
                       server.administrator_set.order_by("id"))

    def test_servers_of_administrators_across_the_join_table(self):
        self.same_rows(
            self.rows("server", {"filter": {"administrator__name": "Alex"}, "order_by": ["id"]}),
            self.django.Server.objects.filter(administrator__name="Alex").order_by("id"))

    def test_administrators_with_their_servers_in_two_statements(self):
        response = self.api.query("administrator", {"prefetch_related": ["servers"], "order_by": ["id"]})
        answered = self.results(response)
        for row in answered:
            row["servers"].sort(key=lambda server: server["id"])
        self.same(answered, [
            dict(oracle.columns(admin), servers=sorted(
                oracle.rows(admin.servers.all()), key=lambda row: row["id"]))
            for admin in self.django.Administrator.objects.order_by("id").prefetch_related("servers")
        ])
        self.assert_statements(response, 2)


class AutomaticFleetTest(Fleet, SeedTest):
    models = ("staff", "news", "fleet")
    seed = seeds.FLEET
    join = "administrator_servers"
    join_columns = compared = "administrator_id, server_id"


class GrantedFleetTest(Fleet, SeedTest):
    models = ("fleet_grants",)
    seed = seeds.FLEET_GRANTS
    join = "accessgrant"
    join_columns = "admin_id, server_id"
    compared = "admin_id, server_id, permission_level, is_active"
    through_defaults = {"permission_level": "read"}

    def test_an_access_grant_is_created_directly(self):
        row = self.ok(self.api.post("/api/accessgrant", {
            "admin_id": 3, "server_id": 2, "permission_level": "admin", "is_active": True
        }), 201)
        self.same(row, oracle.columns(self.django.AccessGrant.objects.get(pk=row["id"])))
        self.assertEqual([s["id"] for s in self.rows("administrator/3/servers")], [2])

    def test_an_access_grant_is_active_unless_it_says_otherwise(self):
        row = self.ok(self.api.post("/api/accessgrant", {"admin": 3, "server": 2, "permission_level": "read"}), 201)
        self.assertIs(row["is_active"], True)

    def test_a_permission_level_that_is_no_choice_is_refused(self):
        response = self.api.post("/api/accessgrant", {
            "admin_id": 3, "server_id": 2, "permission_level": "root"
        })
        self.assert_problem(response, 422, "ValidationError", pointer="/permission_level")
        self.assertEqual(self.django.AccessGrant.objects.count(), 4)

    def test_a_grant_of_an_unknown_server_is_refused(self):
        response = self.api.post("/api/accessgrant", {
            "admin_id": 3, "server_id": 99, "permission_level": "read"
        })
        self.assert_problem(response, 409, "IntegrityError", fields=["server"])
        self.assertEqual(self.django.AccessGrant.objects.count(), 4)


if __name__ == "__main__":
    unittest.main()
