"""PostGraphile 5.  Where GraphQL has no words for a question (rows behind a number, a computed count, a top by it, an
update by expression) it has the functions that its users would write: FUNCTIONS of cluster.py."""

import os
import re

from peer import HERE, Ask, Peer, node
from questions import NEW_EMPLOYEE, plain

POOL = 8
ARTICLE = "rowId title body authorId published"
EMPLOYEE = "rowId roleId fullName yearsOfService salary bonus tempField isActive"
ROLE = "rowId name"
# (the member with the answer, the query); the number is a variable, so that the text and its plan stay the same.
QUERIES = {
    "point": ("articleByRowId", "query($n:BigInt!){articleByRowId(rowId:$n){%s}}" % ARTICLE),
    "joined": ("employeesAfterList", "query($n:BigInt!){employeesAfterList(n:$n){%s roleByRoleId{%s}}}" % (EMPLOYEE, ROLE)),
    "page": ("articlesAfterList", "query($n:BigInt!){articlesAfterList(n:$n){%s totalVotes}}" % ARTICLE),
    "top": ("topArticlesList", "{topArticlesList{%s totalVotes}}" % ARTICLE),
    "voted": ("articlesVotedList", "query($n:BigInt!){articlesVotedList(author:$n){%s}}" % ARTICLE),
    "prefetch": ("rolesAfterList", "query($n:BigInt!){rolesAfterList(n:$n){%s employeesByRoleIdList{%s}}}" % (ROLE, EMPLOYEE)),
    "update": ("raiseSalary", "mutation($n:BigInt!){raiseSalary(input:{employeeId:$n}){result}}"),
    "create": ("createEmployee", "mutation($n:EmployeeInput!){createEmployee(input:{employee:$n}){employee{%s}}}" % EMPLOYEE),
}
NAMES = {"row_id": "id", "role_by_role_id": "role", "employees_by_role_id_list": "employee_set"}


def snake(value):
    """The same with names as Django has them."""
    if isinstance(value, list):
        return list(map(snake, value))
    if not isinstance(value, dict):
        return value
    named = {re.sub("[A-Z]", lambda capital: "_" + capital[0].lower(), name): snake(each) for name, each in value.items()}
    return {NAMES.get(name, name): each for name, each in named.items()}


class PostGraphile(Peer):
    name, title = "postgraphile", "PostGraphile 5"
    settings = ("Node 24, cluster of 2 processes, NODE_ENV and GRAPHILE_ENV production, Amber preset, no GraphiQL, no explain, no watching",
                "pool of %d connections a process, all kept; prepared statements; lists in place of connections" % POOL,
                "functions in SQL for what GraphQL has no words for; numbers as variables, so that operations are planned once")

    def start(self, world):
        self.world = world
        self.launch([node(world), os.path.join(HERE, "postgraphile.js")],
                    {"NODE_PATH": world.node_modules, "NODE_ENV": "production", "GRAPHILE_ENV": "production",
                     "BENCH_DATABASE": world.cluster.folder, "BENCH_POOL": os.environ.get("BENCH_POOL", str(POOL))})

    def ask(self, question):
        if question.name not in QUERIES:
            return None
        number = "{n}"
        if question.name == "create":
            number = {"roleId": "{n}", "fullName": NEW_EMPLOYEE["full_name"], "yearsOfService": NEW_EMPLOYEE["years_of_service"],
                      "salary": "0.00", "bonus": "0.00", "isActive": True}
        asked = {"query": QUERIES[question.name][1]}
        if question.name != "top":
            asked["variables"] = {"n": number}
        return Ask("POST", "/graphql", asked)

    def normal(self, question, found):
        if "errors" in found:
            raise SystemExit("PostGraphile on %s: %r\n%s" % (question.name, found, self.log()))
        answer = snake(found["data"])
        answer, = answer.values()
        if question.name == "update":
            return int(answer["result"])
        if question.name == "create":
            return plain(question, answer["employee"])
        return plain(question, answer if question.name == "point" else {"results": answer})


PEER = PostGraphile
