"""The parts of the bench where something stands beside the load: a slow report, ten thousand idle connections."""

import os
import resource
import socket
import threading

from measuring import median, resident, wrk
from questions import QUESTIONS, REPORT

CONNECTIONS = 64
IDLE = 10_000
POINT = next(question for question in QUESTIONS if question.name == "point")
REQUEST = b"GET /api/article/13 HTTP/1.1\r\nHost: localhost\r\n\r\n"


def raise_limit(files):
    """More open files for us and whom we start."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = files if hard == resource.RLIM_INFINITY else min(files, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Reporter(threading.Thread):
    """Asks for the report, again and again, one at a time."""

    def __init__(self, peer):
        super().__init__(daemon=True)
        self.peer, self.is_over, self.count = peer, False, 0

    def run(self):
        while not self.is_over:
            self.peer.answer(REPORT, 13)
            self.count += 1


def point_load(world, peer, seconds):
    path = os.path.join(world.folder, "beside-%s.lua" % peer.name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(peer.ask(POINT).lua(POINT))
    return wrk(peer.port, path, CONNECTIONS, seconds)


def report_beside(world, rounds, seconds):
    """Point lookups of each peer alone and with one report running all the time, in turns."""
    peers = [peer for peer in world.peers if peer.name != "pgbench" and peer.ask(REPORT) is not None]
    wanted = world.quern.answer(REPORT, 13)
    found = {}
    for peer in peers:
        if peer.answer(REPORT, 13) != wanted:
            raise SystemExit("%s has another report: %r, not %r" % (peer.title, peer.answer(REPORT, 13), wanted))
    for _ in range(rounds):
        for peer in peers:
            world.cluster.settle()
            alone = point_load(world, peer, seconds)
            reporter = Reporter(peer)
            reporter.start()
            beside = point_load(world, peer, seconds)
            reporter.is_over = True
            reporter.join()
            found.setdefault(peer.name, []).append((alone, beside, reporter.count))
    print("\n### Point lookups at %d connections, one slow report running beside\n" % CONNECTIONS)
    print("| peer | requests/s alone | with report | p99 alone, ms | with report | ratio of p99 | reports in %d s |" % seconds)
    print("|---|---:|---:|---:|---:|---:|---:|")
    for peer in peers:
        turns = found[peer.name]
        alone, beside = (median([turn[i].p99 for turn in turns]) for i in (0, 1))
        print("| %s | %.0f | %.0f | %.2f | %.2f | %.2f | %.0f |" % (
            peer.title, median([turn[0].rate for turn in turns]), median([turn[1].rate for turn in turns]), alone, beside,
            beside / alone, median([turn[2] for turn in turns])))


# Idle connections.


def read_answer(sock):
    """True for one whole answer with status 200."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            return False
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    while len(body) < length:
        more = sock.recv(65536)
        if not more:
            return False
        body += more
    return head.startswith(b"HTTP/1.1 200") and len(body) == length


def asks_well(sock):
    try:
        sock.sendall(REQUEST)
        return read_answer(sock)
    except OSError:
        return False


def idle_connections(world, rounds, seconds):
    """A Quern of its own that allows as many; each connection asks once, idles through the load, asks again."""
    quern = type(world.quern)()
    # A worker's limit: the kernel deals connections out, and not evenly.
    quern.environment = {"QUERN_MAX_CONNECTIONS": str(IDLE), "QUERN_IDLE_TIMEOUT": "600000"}
    quern.start(world)
    socks, failed = [], 0
    try:
        point_load(world, quern, 1)
        before = resident(quern.pids())
        alone = [point_load(world, quern, seconds) for _ in range(rounds)]
        for _ in range(IDLE):
            sock = socket.create_connection(("127.0.0.1", quern.port), 30)
            socks.append(sock)
            failed += not asks_well(sock)
        opened = resident(quern.pids())
        beside = [point_load(world, quern, seconds) for _ in range(rounds)]
        most = resident(quern.pids())
        failed += sum(not asks_well(sock) for sock in socks)
    finally:
        for sock in socks:
            sock.close()
        quern.stop()
    print("\n### %s idle keep-alive connections beside point lookups at %d connections\n" % (format(IDLE, ","), CONNECTIONS))
    print("| | requests/s | p99, ms | resident, MiB |")
    print("|---|---:|---:|---:|")
    for title, loads, memory in (("alone", alone, before), ("beside the idle ones", beside, most)):
        print("| %s | %.0f | %.2f | %.1f |" % (title, median([load.rate for load in loads]), median([load.p99 for load in loads]), memory))
    print("\n%.1f KiB for each idle connection (%.1f MiB when all had asked once); %d of %s requests on them failed." % (
        (opened - before) * 1024 / IDLE, opened, failed, format(2 * IDLE, ",")))
