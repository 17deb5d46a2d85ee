"""What a peer is: something that is started, asked, and stopped.

A peer of the web says how it is asked (`ask`) and turns its answer into the common form (`normal`); everything else
is here.  `settings` tells everything that was set to have it at its best.
"""

import http.client
import json
import os
import platform
import signal
import socket
import subprocess
import time

import harness
from questions import BODIES, PATHS, plain

HERE = os.path.dirname(os.path.abspath(__file__))
START_SECONDS = 60


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def node(world):
    """The Node that was installed with the packages."""
    machine = {"aarch64": "arm64"}.get(platform.machine(), "x64")
    return os.path.join(world.node_modules, "node-linux-" + machine, "bin", "node")


class Ask:
    """A request with {n} in it."""

    def __init__(self, method, path, body=None):
        self.method, self.path = method, path
        self.body = "" if body is None else json.dumps(body, separators=(",", ":")).replace('"{n}"', "{n}")

    def with_number(self, n):
        return self.path.replace("{n}", str(n)), self.body.replace("{n}", str(n))

    def lua(self, question):
        """For wrk: every request is made before the first is sent, so that the client's own work is little."""
        def pieces(text):
            return " .. n .. ".join(json.dumps(piece, ensure_ascii=False) for piece in text.split("{n}"))

        body = pieces(self.body) if self.body else "nil"
        headers = '{["Content-Type"] = "application/json"}' if self.body else "nil"
        return (
            "local first, last, headers, requests = %d, %d, %s, {}\n"
            "function init()\n"
            "\tmath.randomseed(os.time())\n"
            "\tfor n = first, last do\n"
            '\t\trequests[#requests + 1] = wrk.format("%s", %s, headers, %s)\n'
            "\tend\n"
            "end\n"
            "function request()\n"
            "\treturn requests[math.random(#requests)]\n"
            "end\n" % (question.first, question.last, headers, self.method, pieces(self.path), body)
        )


class Peer:
    """Served over HTTP by processes below self.process."""

    name = title = None
    settings = ()
    port = None
    process = None

    def start(self, world):
        raise NotImplementedError

    def ask(self, question):
        """None when it cannot be asked that."""
        path, body = PATHS[question.name], BODIES.get(question.name)
        return Ask("POST" if body is not None else "GET", path, body)

    def normal(self, question, found):
        return plain(question, found)

    def answer(self, question, n):
        path, body = self.ask(question).with_number(n)
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        client.request(self.ask(question).method, path, body=body.encode() or None,
                       headers={"Content-Type": "application/json"} if body else {})
        reply = client.getresponse()
        text = reply.read().decode()
        client.close()
        if reply.status not in (200, 201):
            raise SystemExit("%s on %s %d: %d %s\n%s" % (self.title, question.name, n, reply.status, text[:2000], self.log()))
        try:
            return self.normal(question, json.loads(text))
        except (KeyError, TypeError) as error:
            raise SystemExit("%s on %s: %r in %s\n%s" % (self.title, question.name, error, text[:2000], self.log())) from error

    def log(self):
        """The end of what it has printed."""
        path = os.path.join(self.world.folder, self.name + ".log")
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()[-4000:]

    def pids(self):
        return [self.process.pid]

    def launch(self, command, environment=None, folder="/"):
        """Starts the command, which is to listen on self.port, and waits until it does."""
        self.port = free_port()
        env = harness.clean_environment()
        env.update(environment or {}, PORT=str(self.port))
        with open(os.path.join(self.world.folder, self.name + ".log"), "wb") as output:
            self.process = subprocess.Popen([part.replace("{port}", str(self.port)) for part in command], cwd=folder, env=env,
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                            start_new_session=True)
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise SystemExit("%s did not start:\n%s" % (self.title, self.log())) from None
                time.sleep(0.1)

    def stop(self):
        """Its process group is its own."""
        if self.process is None or self.process.poll() is not None:
            return
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
