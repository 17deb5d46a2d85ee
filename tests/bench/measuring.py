"""What the commands of this folder share: running programs, wrk, pgbench, processor time, a machine's name.

Nothing here knows a question or a peer.
"""

import os
import platform
import re
import shutil
import statistics
import subprocess

WRK_THREADS = PGBENCH_THREADS = 2
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
TICK = os.sysconf("SC_CLK_TCK")


def run(command, environment=None, **how):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=dict(os.environ, **(environment or {})), **how)
    if done.returncode != 0:
        raise SystemExit("%s:\n%s" % (" ".join(command), done.stdout))
    return done.stdout


def milliseconds(text):
    """A time as wrk prints it: 812.00us, 1.03ms, 2.40s; no number when there was no answer to time."""
    found = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text)
    return float(found[1]) * UNITS[found[2]] if found else float("nan")


class Load:
    """What wrk saw."""

    def __init__(self, shown):
        self.shown = shown
        self.rate = float(re.search(r"Requests/sec:\s*([\d.]+)", shown).group(1))
        self.requests = int(re.search(r"(\d+) requests in", shown).group(1))
        self.p99 = milliseconds(re.search(r"^ +99%\s+(\S+)", shown, re.MULTILINE).group(1))


class BadAnswers(Exception):
    """Answers that are none: what a measurement may not count."""


# What Quern asks of its sessions that changes plans: pgbench sends the same statements for the same plans.
SESSION = "-c random_page_cost=1.1"
# Before every ordinary process: it never waits for a processor, though it takes its time from the same ones.
AHEAD = ["chrt", "--fifo", "1"]


def may_go_ahead():
    """Whether this user may start programs with AHEAD."""
    return shutil.which(AHEAD[0]) is not None and subprocess.run([*AHEAD, "true"], stderr=subprocess.DEVNULL).returncode == 0


def wrk(port, script, connections, seconds, before=()):
    """`before` is a command that starts wrk."""
    threads = min(WRK_THREADS, connections)
    shown = run([*before, "wrk", "-t", str(threads), "-c", str(connections), "-d", "%ds" % seconds, "--latency", "--timeout", "30s",
                 "-s", script, "http://127.0.0.1:%d/" % port])
    if "Non-2xx" in shown or "Socket errors" in shown:
        raise BadAnswers("answers that are none, from port %d:\n%s" % (port, shown))
    return Load(shown)


def pgbench(database, script, connections, seconds, *more):
    """Its output; `database` is keywords of psycopg2.connect."""
    return run(["pgbench", "-M", "prepared", "-n", "-f", script, "-c", str(connections), "-j", str(min(PGBENCH_THREADS, connections)),
                "-T", str(seconds), "-h", database["host"], "-p", str(database["port"]), "-U", database["user"], *more,
                database["dbname"]], {"PGOPTIONS": SESSION})


def pgbench_rate(shown):
    return float(re.search(r"tps = ([\d.]+) \(without", shown).group(1))


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*:\s*(.*)", file.read())
    return "%d × %s, Linux %s" % (os.cpu_count(), model.group(1) if model else platform.machine(), platform.release())


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))]


def median(values):
    return statistics.median(values)


# Processor time and memory, from /proc.


def stat(pid):
    """The fields of /proc/PID/stat from the state on, or None when it has ended."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def children():
    """{pid: its children} of all processes."""
    found = {}
    for name in os.listdir("/proc"):
        fields = stat(int(name)) if name.isdigit() else None
        if fields:
            found.setdefault(int(fields[1]), []).append(int(name))
    return found


def tree(roots):
    """The processes and all that they started, as far as they live."""
    below, found, left = children(), [], list(roots)
    while left:
        pid = left.pop()
        found.append(pid)
        left += below.get(pid, [])
    return found


def cpu(roots):
    """(user, system) seconds of the processes, their descendants, and those of theirs that have ended."""
    user = system = 0
    for pid in tree(roots):
        fields = stat(pid)
        if fields:
            user += int(fields[11]) + int(fields[13])
            system += int(fields[12]) + int(fields[14])
    return user / TICK, system / TICK


def resident(roots):
    """MiB of the processes and their descendants; pages that they share count in each."""
    total = 0
    for pid in tree(roots):
        try:
            with open("/proc/%d/status" % pid, encoding="utf-8") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total / 1024
