"""The one PostgreSQL that all peers ask, and the rows in it.

A private cluster in /tmp, reached by a unix socket alone, with the settings of CONF and those asked for: those of
Debian's package but for memory, the number of connections and JIT.  Commits are on disk before they are
answered.  The tables are made by `quern migrate` from the example models; the rows are the same every time.
"""

import getpass
import glob
import os
import pwd
import shutil
import subprocess
import time

import harness

MODELS = ("staff", "news")
ARTICLES, VOTES, AUTHORS, ROLES, EMPLOYEES = 10_000, 1_000_000, 10_000, 40, 840

CONF = {
    "listen_addresses": "''",
    "max_connections": "600",
    "shared_buffers": "'1GB'",
    "effective_cache_size": "'4GB'",
    "work_mem": "'16MB'",
    "jit": "off",
    "max_wal_size": "'4GB'",
    "checkpoint_timeout": "'30min'",
    "autovacuum": "off",
}

# Author a votes on one article of each of 100 bands, band k being the articles from k²+1 to (k+1)²: no vote
# twice, and the first articles draw the most.
LOAD = """
SET session_replication_role = replica;
INSERT INTO role (name) SELECT 'Role ' || g FROM generate_series(1, %(roles)d) g;
INSERT INTO employee (role_id, full_name, years_of_service, salary, bonus, temp_field, is_active)
    SELECT 1 + g %% %(roles)d, 'Employee O''Neill ' || md5(g::text), g %% 18, 4000 + g * 3.25, g %% 7 * 10.5,
           CASE WHEN g %% 5 = 0 THEN g * 1.5 END, g %% 10 <> 0
    FROM generate_series(1, %(employees)d) g;
INSERT INTO author (handle) SELECT 'user' || g FROM generate_series(1, %(authors)d) g;
INSERT INTO article (title, body, author_id, published)
    SELECT 'A "title" of ' || md5(g::text), repeat('It began with a question. ', 8) || 'Zoë, ' || g,
           CASE WHEN g %% 10 <> 0 THEN 1 + g * 7 %% %(authors)d END, g %% 3 = 0
    FROM generate_series(1, %(articles)d) g;
INSERT INTO vote (author_id, article_id, created_at)
    SELECT a, 1 + k * k + (a * 7919 + k * 31) %% (2 * k + 1), timestamptz '2026-01-01' + (a * 100 + k) * interval '26 s'
    FROM generate_series(1, %(authors)d) a, generate_series(0, 99) k;
"""

# What GraphQL has no words for: rows behind a number, a computed column, the top by it, an update by expression.
# They are PostGraphile's; nobody else calls them.
FUNCTIONS = """
CREATE FUNCTION employees_after(n bigint) RETURNS SETOF employee LANGUAGE sql STABLE
    AS 'SELECT * FROM employee WHERE id > n ORDER BY id LIMIT 20';
CREATE FUNCTION articles_after(n bigint) RETURNS SETOF article LANGUAGE sql STABLE
    AS 'SELECT * FROM article WHERE id > n ORDER BY id LIMIT 20';
CREATE FUNCTION articles_voted(author bigint) RETURNS SETOF article LANGUAGE sql STABLE
    AS 'SELECT a.* FROM vote v JOIN article a ON a.id = v.article_id WHERE v.author_id = author ORDER BY a.id';
CREATE FUNCTION roles_after(n bigint) RETURNS SETOF role LANGUAGE sql STABLE
    AS 'SELECT * FROM role WHERE id > n ORDER BY id LIMIT 20';
CREATE FUNCTION article_total_votes(a article) RETURNS bigint LANGUAGE sql STABLE
    AS 'SELECT count(*) FROM vote WHERE article_id = a.id';
CREATE FUNCTION top_articles() RETURNS SETOF article LANGUAGE sql STABLE AS
    'SELECT a.* FROM (SELECT article_id, count(*) AS n FROM vote GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10) t
     JOIN article a ON a.id = t.article_id ORDER BY t.n DESC, a.id';
CREATE FUNCTION raise_salary(employee_id bigint) RETURNS bigint LANGUAGE sql VOLATILE AS
    'WITH done AS (UPDATE employee SET salary = salary + 1 WHERE id = employee_id RETURNING 1) SELECT count(*) FROM done';
"""

# After a question that writes: the rows as before, and the dead ones gone.
RESET = ["DELETE FROM employee WHERE id > %d" % EMPLOYEES,
         "UPDATE employee SET salary = 4000 + id * 3.25 WHERE salary <> 4000 + id * 3.25",
         "VACUUM ANALYZE employee"]


SETTLE_SECONDS = 120


def model_files():
    return ",".join(map(harness.model_file, MODELS))


def programs():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
    if not found:
        raise SystemExit("no PostgreSQL server programs under /usr/lib/postgresql")
    return found[0]


class Cluster:
    user = "quern"

    def __init__(self, more=None):
        """`more`: settings besides CONF, {name: value}."""
        self.conf = dict(CONF, **(more or {}))
        self.programs = programs()
        self.folder = harness.private_folder()
        self.data = os.path.join(self.folder, "data")
        self.owner = getpass.getuser()
        if os.getuid() == 0:
            self.owner = "postgres"
            shutil.chown(self.folder, self.owner)
        self._as_owner(["initdb", "-D", self.data, "-U", self.user, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"])
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as file:
            file.write("unix_socket_directories = '%s'\n" % self.folder)
            file.writelines("%s = %s\n" % setting for setting in self.conf.items())
        self._as_owner(["pg_ctl", "-D", self.data, "-l", self.log, "-s", "-w", "-t", "60", "start"])
        with open(os.path.join(self.data, "postmaster.pid"), encoding="utf-8") as file:
            self.pid = int(file.readline())
        self._connection = None

    @property
    def log(self):
        return os.path.join(self.folder, "log")

    @property
    def url(self):
        return "host=%s port=5432 dbname=postgres user=%s" % (self.folder, self.user)

    @property
    def keywords(self):
        return {"host": self.folder, "port": 5432, "dbname": "postgres", "user": self.user}

    def _as_owner(self, command):
        command[0] = os.path.join(self.programs, command[0])
        if pwd.getpwuid(os.getuid()).pw_name != self.owner:
            command = ["runuser", "-u", self.owner, "--"] + command
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=self.folder)
        if done.returncode != 0:
            raise SystemExit("%s:\n%s" % (" ".join(command), done.stderr))

    def sql(self, text, values=None):
        """Runs SQL, committed at once; the rows when it gives any."""
        import psycopg2

        if self._connection is None:
            self._connection = psycopg2.connect(**self.keywords)
            self._connection.autocommit = True
        with self._connection.cursor() as cursor:
            cursor.execute(text, values)
            return cursor.fetchall() if cursor.description else None

    def fill(self):
        """Makes the tables as Quern does, and their rows."""
        done = harness.run_program(["migrate", "--models", model_files()], {"QUERN_DATABASE_URL": self.url})
        if done.returncode != 0:
            raise SystemExit("quern migrate:\n" + done.stdout)
        self.sql(LOAD % {"articles": ARTICLES, "authors": AUTHORS, "roles": ROLES, "employees": EMPLOYEES})
        self.sql(FUNCTIONS)
        self.sql("SET session_replication_role = DEFAULT")
        self.sql("VACUUM ANALYZE")
        found = self.sql("SELECT (SELECT count(*) FROM article), (SELECT count(*) FROM vote)")[0]
        if found != (ARTICLES, VOTES):
            raise SystemExit("articles and votes are %r" % (found,))

    def settle(self):
        """Waits until nobody asks anything: a peer may go on with requests whose client has left."""
        end, quiet = time.monotonic() + SETTLE_SECONDS, 0
        while quiet < 5 and time.monotonic() < end:
            busy, = self.sql("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()"
                             " AND backend_type = 'client backend'")[0]
            quiet = 0 if busy else quiet + 1
            time.sleep(0.02)

    def reset(self):
        for statement in RESET:
            self.sql(statement)

    def stop(self):
        if self._connection is not None:
            self._connection.close()
        try:
            self._as_owner(["pg_ctl", "-D", self.data, "-s", "-m", "immediate", "stop"])
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
