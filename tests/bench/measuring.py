"""What the commands of this folder share: running programs, wrk, pgbench, processor time, a machine's name.

Nothing here knows a question or a peer.
"""

import os
import platform
import re
import shutil
import statistics
import subprocess
import tempfile
import time

WRK_THREADS = PGBENCH_THREADS = 2
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
TICK = os.sysconf("SC_CLK_TCK")


def run(command, **how):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **how)
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


# pgbench's connections are new backends, which have their caches, plans and pages of memory to find before they are as
# quick as a pool's, and are made one after another.
WARM_SECONDS = 3
CONNECTIONS_A_SECOND = 64


class PgbenchLoad:
    """What pgbench did once it was warm; where few statements ended in that time, what it did in all of its time.

    `times` are (epoch, ms) of transactions; `warm_at` is seconds behind its start, at the epoch `started`.
    """

    def __init__(self, shown, times, started, warm_at, connections):
        ends = [0.0] + [float(end) for end in re.findall(r"^progress: ([\d.]+) s,", shown, re.MULTILINE)]
        rates = [float(rate) for rate in re.findall(r"^progress: .*, ([\d.]+) tps,", shown, re.MULTILINE)]
        turns = [(end - begin, rate) for begin, end, rate in zip(ends, ends[1:], rates) if begin > warm_at - 0.1]
        self.requests = round(sum(seconds * rate for seconds, rate in turns))
        self.is_warm = self.requests >= connections
        if self.is_warm:
            self.rate = self.requests / sum(seconds for seconds, _ in turns)
            times = [(at, ms) for at, ms in times if at >= started + warm_at]
        else:
            found = re.search(r"tps = ([\d.]+) \(without", shown)
            if not found:
                raise BadAnswers("not one transaction of pgbench's:\n" + shown)
            self.rate = float(found[1])
            self.requests = int(re.search(r"transactions actually processed: (\d+)", shown)[1])
        self.p99 = percentile([ms for _, ms in times], 0.99) if times else float("nan")


def pgbench(database, script, connections, seconds, begins=lambda: None):
    """Its load, and what `begins` returned when that began: None when all of its time counts.  `database` is keywords of
    psycopg2.connect."""
    warm = WARM_SECONDS + connections // CONNECTIONS_A_SECOND
    with tempfile.TemporaryDirectory(prefix="quern-pgbench-") as folder, tempfile.TemporaryFile("w+", encoding="utf-8") as told:
        started = time.time()
        # Times of single transactions, of one in twenty.
        process = subprocess.Popen(
            ["pgbench", "-M", "prepared", "-n", "-f", script, "-c", str(connections), "-j", str(min(PGBENCH_THREADS, connections)),
             "-T", str(warm + seconds), "-P", "1", "-l", "--sampling-rate=0.05", "--log-prefix=" + os.path.join(folder, "log"),
             "-h", database["host"], "-p", str(database["port"]), "-U", database["user"], database["dbname"]],
            stdout=told, stderr=subprocess.STDOUT, env=dict(os.environ, PGOPTIONS=SESSION))
        time.sleep(warm)
        begun = begins()
        process.wait()
        told.seek(0)
        shown = told.read()
        if process.returncode != 0:
            raise SystemExit("pgbench:\n" + shown)
        load = PgbenchLoad(shown, logged_times(folder), started, warm, connections)
    return load, begun if load.is_warm else None


def logged_times(folder):
    """(epoch, ms) of the transactions in pgbench's logs."""
    found = []
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            for line in file:
                fields = line.split()
                found.append((int(fields[4]) + int(fields[5]) / 1e6, int(fields[2]) / 1000))
    return found


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
