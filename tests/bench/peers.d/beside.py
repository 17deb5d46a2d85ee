"""The parts of the bench where something stands beside the load: a slow report, ten thousand idle connections."""

import os
import resource
import socket
import subprocess
import threading

from measuring import AHEAD, BadAnswers, may_go_ahead, median, resident, wrk
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

    def stop(self):
        self.is_over = True
        self.join()


def point_load(world, peer, seconds, before=()):
    path = os.path.join(world.folder, "beside-%s.lua" % peer.name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(peer.ask(POINT).lua(POINT))
    return wrk(peer.port, path, CONNECTIONS, seconds, before)


class Counter:
    """A process that has nothing to do with anybody: it counts.  What it costs is the price of the processor alone."""

    count = float("nan")

    def start(self):
        self.process = subprocess.Popen(["sh", "-c", "while :; do :; done"], start_new_session=True)

    def stop(self):
        self.process.kill()
        self.process.wait()


def turns_beside(world, rounds, seconds, before):
    """{title: [(alone, beside, reports)]}: each peer with its report, and Quern with a process that only counts."""
    found = {}
    peers = [peer for peer in world.peers if peer.name != "pgbench" and peer.ask(REPORT) is not None]
    others = [(peer, peer.title, lambda peer=peer: Reporter(peer)) for peer in peers]
    others.append((world.quern, "Quern, and a process that only counts instead", Counter))
    for _ in range(rounds):
        for peer, title, make in others:
            world.settle()
            try:
                alone = point_load(world, peer, seconds, before)
                other = make()
                other.start()
                try:
                    beside = point_load(world, peer, seconds, before)
                finally:
                    other.stop()
            except BadAnswers as error:
                print("beside a report, %s NOT COUNTED: %s" % (title, error))
                continue
            found.setdefault(title, []).append((alone, beside, other.count))
    return found


def report_beside(world, rounds, seconds):
    """Point lookups of each peer alone and with one report running all the time, in turns: once with wrk as any process,
    whose own waiting for a processor is part of what it measures, and once with wrk before all others."""
    wanted = world.quern.answer(REPORT, 13)
    for peer in world.peers:
        if peer.name != "pgbench" and peer.ask(REPORT) is not None and peer.answer(REPORT, 13) != wanted:
            raise SystemExit("%s has another report: %r, not %r" % (peer.title, peer.answer(REPORT, 13), wanted))
    ways = [("wrk waits for a processor as all do", ())]
    if may_go_ahead():
        ways.append(("wrk never waits for a processor", AHEAD))
    else:
        print("\n(wrk may not be put ahead of all here: it takes root.)")
    for words, before in ways:
        found = turns_beside(world, rounds, seconds, before)
        print("\n### Point lookups at %d connections, one slow report running beside; %s\n" % (CONNECTIONS, words))
        print("| peer | requests/s alone | with report | p99 alone, ms | with report | ratio of p99, median | by round | reports in %d s |"
              % seconds)
        print("|---|---:|---:|---:|---:|---:|---|---:|")
        for title, turns in found.items():
            ratios = [beside.p99 / alone.p99 for alone, beside, _ in turns]
            print("| %s | %.0f | %.0f | %.2f | %.2f | %.2f | %s | %s |" % (
                title, *(median([turn[i].rate for turn in turns]) for i in (0, 1)),
                *(median([turn[i].p99 for turn in turns]) for i in (0, 1)), median(ratios),
                ", ".join("%.2f" % ratio for ratio in ratios), ("%.0f" % median([turn[2] for turn in turns])).replace("nan", "–")),
                flush=True)


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
