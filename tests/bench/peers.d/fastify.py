"""Fastify and node-postgres, every statement written by hand."""

import os

from peer import HERE, Peer, node

POOL = 8


class Fastify(Peer):
    name, title = "fastify", "Fastify + pg"
    settings = ("Node 24, cluster of 2 processes, NODE_ENV=production, no logging, response schemas for every answer",
                "pool of %d connections a process, all kept; named (prepared) statements; SQL by hand" % POOL)

    def start(self, world):
        self.world = world
        self.launch([node(world), os.path.join(HERE, "fastify.js")],
                    {"NODE_PATH": world.node_modules, "NODE_ENV": "production", "BENCH_DATABASE": world.cluster.folder,
                     "BENCH_POOL": os.environ.get("BENCH_POOL", str(POOL))})


PEER = Fastify
