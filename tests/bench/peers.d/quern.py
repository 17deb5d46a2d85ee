"""Quern itself, as `quern serve` with its settings as they are but for logging."""

import cluster
import harness
from peer import Ask, Peer
from questions import NEW_EMPLOYEE

PATHS = {
    "point": "/api/article/{n}",
    "joined": "/api/employee?id__gt={n}&select_related=role&order_by=id&limit=20",
    "page": "/api/article?id__gt={n}&annotate=total_votes:Count(vote)&order_by=id&limit=20",
    "top": "/api/article?annotate=total_votes:Count(vote)&order_by=-total_votes,id&limit=10",
    "voted": "/api/article?vote__author={n}&order_by=id",
    "prefetch": "/api/role?id__gt={n}&prefetch_related=employee_set&order_by=id&limit=20",
}
POSTS = {
    "update": ("/api/employee/update", {"filter": {"id": "{n}"}, "set": {"salary": {"+": [{"F": "salary"}, "1.00"]}}}),
    "create": ("/api/employee", dict(NEW_EMPLOYEE, role="{n}")),
    "report": ("/api/vote/query", {"filter": {"article__author__isnull": False}, "group_by": {"writer": "article__author"},
                                   "annotate": {"n": {"Count": "*"}}, "order_by": ["-n", "writer"], "limit": 10}),
}


class Quern(Peer):
    name, title = "quern", "Quern"
    settings = ("quern serve with its settings as they are: a worker a processor, 4 database connections a worker",
                "log_level warning; Server-Timing, ETag and /metrics stay on")
    environment = {}

    def start(self, world):
        self.world = world
        self.serving = harness.Process(
            ["serve", "--models", cluster.model_files(), "--port", "0"],
            dict(self.environment, QUERN_DATABASE_URL=world.cluster.url, QUERN_LOG_LEVEL="warning"))
        self.process, self.port = self.serving.process, self.serving.port

    def ask(self, question):
        if question.name in PATHS:
            return Ask("GET", PATHS[question.name])
        return Ask("POST", *POSTS[question.name])

    def stop(self):
        if self.process is not None:
            self.serving.stop()


PEER = Quern
