"""A static reply of libmicrohttpd, of the size of a point lookup's: what the HTTP library and the kernel allow."""

import json
import os

from measuring import run
from peer import HERE, Ask, Peer
from questions import ARTICLE


class Static(Peer):
    name, title = "static", "static libmicrohttpd reply"
    settings = ("libmicrohttpd with epoll, 2 threads with a listening socket each, a reply of a point lookup's size, -O2",)

    def start(self, world):
        self.world = world
        program, reply = (os.path.join(world.folder, name) for name in ("static", "reply.json"))
        run(["cc", "-O2", "-std=gnu11", "-Wall", "-Wextra", "-pthread", "-o", program, os.path.join(HERE, "static.c"), "-lmicrohttpd"])
        values = world.cluster.sql("SELECT %s FROM article WHERE id = 13" % ", ".join(ARTICLE))[0]
        with open(reply, "w", encoding="utf-8") as file:
            json.dump(dict(zip(ARTICLE, values)), file, ensure_ascii=False, separators=(",", ":"))
        self.launch([program, "{port}", reply])

    def ask(self, question):
        return Ask("GET", "/article/{n}") if question.name == "point" else None

    def answer(self, question, n):
        return super().answer(question, n) if n == 13 else None


PEER = Static
