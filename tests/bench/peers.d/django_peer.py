"""Django's ORM behind gunicorn, as an expert would have it."""

from peer import HERE, Peer

GUNICORN = ["-w", "2", "-k", "gthread", "--threads", "4", "--keep-alive", "75", "--backlog", "2048", "--worker-connections", "2000",
            "--worker-tmp-dir", "/dev/shm", "--log-level", "warning", "-b", "127.0.0.1:{port}"]

class Django(Peer):
    name, title = "django", "Django + gunicorn"
    application = "django_app:application"
    settings = ("gunicorn %s (sync workers would close the connection behind each answer)" % " ".join(GUNICORN[:8]),
                "no middleware, no logging, DEBUG off, CONN_MAX_AGE none, autocommit",
                "rows by .values(), JsonResponse; counts of a page by Subquery, the top by the votes alone and in_bulk")

    def start(self, world):
        self.world = world
        self.launch(["/usr/bin/python3", "-m", "gunicorn", *GUNICORN, "--chdir", HERE, self.application],
                    {"BENCH_DATABASE": world.cluster.folder, "PYTHONDONTWRITEBYTECODE": "1"})

PEER = Django
