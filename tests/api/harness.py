"""Starts the real program for the tests and talks HTTP to it.

One server per test module and set of models, kept until the module ends; it is stopped with
SIGTERM and must then exit with 0.  Nothing here knows what an answer should be: that is the
oracle's part (Django, in oracle.py).  Python's standard library alone, besides psycopg2 for
looking into the database behind the server's back.

Environment: QUERN_BIN names the program (build/quern of this repository by default).
"""

import contextlib
import glob
import http.client
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLES = os.path.join(ROOT, "config", "examples")
TEST_MODELS = os.path.join(ROOT, "tests", "api", "models")
START_SECONDS = 90
STOP_SECONDS = 30


def program():
    return os.environ.get("QUERN_BIN") or os.path.join(ROOT, "build", "quern")


def is_sanitized():
    """Whether the program keeps what is freed for a while, so that its memory says nothing."""
    with open(program(), "rb") as file:
        return b"__asan_init" in file.read()


def model_file(name):
    """The file of an example ("staff") or of the tests' own models ("every_type")."""
    for folder in (EXAMPLES, TEST_MODELS):
        path = os.path.join(folder, name + ".json")
        if os.path.exists(path):
            return path
    raise FileNotFoundError("no model file named " + name)


def clean_environment():
    """Ours without what would steer libpq or Quern by accident."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PG", "QUERN_"))}


def private_folder():
    """A folder that the database's unprivileged user can walk into, with a path short enough for
    the name of a unix socket."""
    folder = tempfile.mkdtemp(prefix="quern-", dir="/tmp")
    os.chmod(folder, 0o755)
    return folder


def run_program(arguments, environment=None, seconds=120, data=b""):
    """The program run to its end: exit code and what it printed."""
    env = clean_environment()
    env.update(environment or {})
    done = subprocess.run([program()] + arguments, input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=env, cwd="/", timeout=seconds)
    done.stdout = done.stdout.decode("utf-8", "replace")
    return done


class Response:
    """A finished answer: status, headers (names of any case), body as sent."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body.decode("utf-8"))

    @property
    def statements(self):
        return statements(self)

    def __repr__(self):
        return "%d %s %r" % (self.status, self.headers.get("Content-Type"), self.body[:2000])


def statements(response):
    """How many SQL statements the request cost, by its Server-Timing header."""
    timing = response.headers.get("Server-Timing")
    if timing is None:
        raise AssertionError("no Server-Timing header in %r" % (response,))
    found = re.search(r'(?:^|,)\s*statements;[^,]*?desc="?(\d+)"?', timing)
    if not found:
        raise AssertionError("Server-Timing has no statements: " + timing)
    return int(found.group(1))


class Client:
    """One keep-alive connection."""

    def __init__(self, port, host="127.0.0.1", timeout=60):
        self.connection = http.client.HTTPConnection(host, port, timeout=timeout)

    def close(self):
        self.connection.close()

    @property
    def local_port(self):
        """Tells whether it is still the same connection; None when it was closed."""
        sock = self.connection.sock
        return sock.getsockname()[1] if sock else None

    def request(self, method, path, body=None, headers=None, params=None):
        """body: bytes are sent as they are, anything else as JSON.  params: a dict, a list of pairs
        or a ready query string."""
        sent = dict(headers or {})
        data = None
        if isinstance(body, bytes):
            data = body
        elif body is not None:
            data = json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
        if data is not None and not any(name.lower() == "content-type" for name in sent):
            sent["Content-Type"] = "application/json"
        if params:
            text = params if isinstance(params, str) else urllib.parse.urlencode(params, doseq=True)
            path = path + "?" + text
        self.connection.request(method, path, body=data, headers=sent)
        answer = self.connection.getresponse()
        return Response(answer.status, answer.headers, answer.read())

    def get(self, path, params=None, headers=None):
        return self.request("GET", path, params=params, headers=headers)

    def delete(self, path, params=None, headers=None):
        return self.request("DELETE", path, params=params, headers=headers)

    def post(self, path, body=None, headers=None):
        return self.request("POST", path, {} if body is None else body, headers)

    def patch(self, path, body=None, params=None, headers=None):
        return self.request("PATCH", path, {} if body is None else body, headers, params)

    def put(self, path, body=None, headers=None):
        return self.request("PUT", path, {} if body is None else body, headers)

    def http_query(self, path, body=None, headers=None):
        """The HTTP method QUERY."""
        return self.request("QUERY", path, {} if body is None else body, headers)

    def query(self, model, body=None):
        """POST /api/{model}/query; `model` may be a related manager's address too."""
        return self.post("/api/%s/query" % model, body)


class Output:
    """What a program prints, kept line by line while it runs."""

    def __init__(self, stream):
        self.lines = []
        self.changed = threading.Condition()
        self.is_closed = False
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream):
        for line in stream:
            with self.changed:
                self.lines.append(line.decode("utf-8", "replace"))
                self.changed.notify_all()
        with self.changed:
            self.is_closed = True
            self.changed.notify_all()
        stream.close()

    def text(self):
        return "".join(self.lines)

    def wait_for(self, pattern, seconds):
        """The match, or None when the program ended or the time is up without one."""
        end = time.monotonic() + seconds
        with self.changed:
            while True:
                found = re.search(pattern, self.text())
                if found or self.is_closed or time.monotonic() >= end:
                    return found
                self.changed.wait(end - time.monotonic())


class Process:
    """The program while it serves: its address, its output, its end."""

    def __init__(self, arguments, environment=None):
        env = clean_environment()
        env.update(environment or {})
        self.arguments = [program()] + arguments
        self.process = subprocess.Popen(
            self.arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            cwd="/",
            start_new_session=True,
        )
        self.output = Output(self.process.stdout)
        found = self.output.wait_for(r"https?://[\w.\-\[\]:]*:(\d+)", START_SECONDS)
        if not found:
            self.kill()
            raise AssertionError(
                "%s printed no address:\n%s" % (" ".join(self.arguments), self.output.text())
            )
        self.port = int(found.group(1))

    def client(self, timeout=60):
        return Client(self.port, timeout=timeout)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def stop(self, sent=signal.SIGTERM):
        """Asks it to end; it must do so by itself, with exit code 0."""
        if self.process.poll() is None:
            self.process.send_signal(sent)
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("still running %d s after SIGTERM:\n%s" % (STOP_SECONDS, self.tail()))
        if code != 0:
            raise AssertionError("exit code %d:\n%s" % (code, self.tail()))

    def tail(self, lines=80):
        return "".join(self.output.lines[-lines:])


class Server(Process):
    """`quern dev` on model files, with its private PostgreSQL; without `fsync` that does not wait for the disk, which only
    a crash of the machine would show."""

    def __init__(self, *names, environment=None, arguments=(), fsync=False):
        self.folder = private_folder()
        self.names = names
        self.models = os.path.join(self.folder, "models")
        self.data = os.path.join(self.folder, "data")
        os.mkdir(self.models)
        for name in names:
            shutil.copy(model_file(name), self.models)
        given = ["dev", "--models", self.models, "--port", "0", "--data", self.data]
        super().__init__(given + list(arguments), environment)
        self._connection = None
        if not fsync:
            self.hurry()

    def hurry(self):
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            self.sql("ALTER SYSTEM SET %s = off" % setting)
        self.sql("SELECT pg_reload_conf()")
        self._connection.close()

    @property
    def documents(self):
        """The model files as parsed JSON."""
        found = []
        for path in sorted(glob.glob(os.path.join(self.models, "*.json"))):
            with open(path, encoding="utf-8") as file:
                found.append(json.load(file))
        return found

    @property
    def database(self):
        """How to reach the same database: keywords of psycopg2.connect."""
        sockets = glob.glob(os.path.join(self.data, "**", ".s.PGSQL.*[0-9]"), recursive=True)
        if not sockets:
            raise AssertionError("no PostgreSQL socket under " + self.data)
        folder, name = os.path.split(sockets[0])
        return {
            "host": folder,
            "port": int(name.rsplit(".", 1)[1]),
            "dbname": "quern",
            "user": "quern",
        }

    def sql(self, text, values=None):
        """Runs SQL in the server's database, committed at once; the rows when it gives any."""
        import psycopg2

        if self._connection is None or self._connection.closed:
            self._connection = psycopg2.connect(**self.database)
            self._connection.autocommit = True
        with self._connection.cursor() as cursor:
            cursor.execute(text, values)
            return cursor.fetchall() if cursor.description else None

    def stop(self, sent=signal.SIGTERM):
        if self._connection is not None:
            self._connection.close()
        try:
            super().stop(sent)
            left = glob.glob(os.path.join(self.data, "**", "postmaster.pid"), recursive=True)
            if left:
                raise AssertionError("PostgreSQL was left running: " + left[0])
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


_servers = {}


def server(*names):
    """The module's server on these model files, started at the first call."""
    if names in _servers:
        return _servers[names]
    started = Server(*names)
    _servers[names] = started

    def finish():
        del _servers[names]
        started.stop()

    unittest.addModuleCleanup(finish)
    return started


class ApiTest(unittest.TestCase):
    """A test that speaks to the server of its class's `models`; `seed` is SQL that every test
    begins with, on empty tables."""

    models = ()
    seed = ""
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.server = server(*cls.models)
        cls.tables = [row[0] for row in cls.server.sql(
            "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"
            " AND tablename NOT LIKE 'quern%' ORDER BY 1"
        )]

    def setUp(self):
        self.reset()
        self.api = self.server.client()
        self.addCleanup(self.api.close)

    def reset(self):
        """The rows of `seed` and no others, numbered from 1."""
        if self.tables:
            self.server.sql("TRUNCATE %s RESTART IDENTITY CASCADE" % ", ".join(self.tables))
        if self.seed:
            self.server.sql(self.seed)

    def sql(self, text, values=None):
        return self.server.sql(text, values)

    def ok(self, response, status=200):
        """The JSON of an answer that must have this status."""
        self.assertEqual(response.status, status, response)
        self.assertEqual(response.headers.get_content_type(), "application/json", response)
        return response.json

    def results(self, response):
        body = self.ok(response)
        self.assertIsInstance(body, dict, response)
        self.assertIn("results", body, response)
        return body["results"]

    def rows(self, model, body=None):
        return self.results(self.api.query(model, body))

    def assert_statements(self, response, count):
        self.assertEqual(statements(response), count, "SQL statements of %r" % (response,))

    def assert_problem(self, response, status, title, **members):
        """An RFC 9457 answer; each further member must be there with that value (None: absent or
        null); `detail` is a text that must occur."""
        self.assertEqual(response.status, status, response)
        self.assertEqual(response.headers.get_content_type(), "application/problem+json", response)
        problem = response.json
        self.assertEqual(problem.get("status"), status, response)
        self.assertEqual(problem.get("title"), title, response)
        self.assertTrue(problem.get("detail"), "no detail in %r" % (response,))
        for words in ("SELECT ", "INSERT INTO", "UPDATE ", "pg_", ".c:", "libpq", "SQLSTATE"):
            self.assertNotIn(words, problem["detail"], response)
        for name, value in members.items():
            if name == "detail":
                self.assertIn(value, problem["detail"], response)
            else:
                self.assertEqual(problem.get(name), value, "%s of %r" % (name, response))
        return problem


class Cluster:
    """A PostgreSQL of the test's own, for a program that is not its master (`quern serve`)."""

    def __init__(self):
        self.folder = private_folder()
        self.data = os.path.join(self.folder, "pg")
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        self.run("initdb", "-D", self.data, "-A", "trust", "-U", self.user, "-E", "UTF8", "--no-sync")
        self.start()
        self.run("createdb", "-h", self.folder, "-U", self.user, "quern")

    @property
    def url(self):
        return "host=%s user=%s dbname=quern" % (self.folder, self.user)

    def run(self, name, *arguments, check=True):
        command = [os.path.join(postgresql_programs(), name), *arguments]
        as_user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env=clean_environment(), cwd="/", timeout=90, **as_user
        )
        if check and done.returncode != 0:
            raise AssertionError("%s: %s" % (" ".join(command), done.stdout.decode("utf-8", "replace")))

    def start(self):
        options = "-c listen_addresses='' -c unix_socket_directories='%s' -c fsync=off" % self.folder
        self.run("pg_ctl", "-D", self.data, "-w", "-l", os.path.join(self.folder, "log"), "-o", options, "start")

    def start_if_needed(self):
        if not os.path.exists(os.path.join(self.data, "postmaster.pid")):
            self.start()

    def sql(self, text):
        """Runs SQL, committed at once; the rows when it gives any."""
        import psycopg2

        connection = psycopg2.connect(self.url)
        connection.autocommit = True
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchall() if cursor.description else None

    def stop(self, mode="fast"):
        self.run("pg_ctl", "-D", self.data, "-w", "-m", mode, "stop", check=False)

    def remove(self):
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)


def postgresql_programs():
    """The folder of the newest installed server programs."""
    folders = glob.glob("/usr/lib/postgresql/*/bin")
    if not folders:
        raise AssertionError("no PostgreSQL server programs under /usr/lib/postgresql")
    return max(folders, key=lambda folder: int(folder.split("/")[4]))


@contextlib.contextmanager
def raw_connection(port, timeout=20):
    """A plain socket, for requests that no HTTP client would send."""
    sock = socket.create_connection(("127.0.0.1", port), timeout)
    try:
        yield sock
    finally:
        sock.close()
