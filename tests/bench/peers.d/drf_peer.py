"""Django REST framework: serializers of the models, generic enough to be what people write, nothing switched on that costs."""

from django_peer import GUNICORN
from peer import HERE, Peer


class Drf(Peer):
    name, title = "drf", "Django REST framework"
    settings = ("gunicorn and Django as above",
                "APIView, ModelSerializer with only the fields asked for; no authentication, permissions, throttling; JSONRenderer alone",
                "select_related, prefetch_related; a new row's role is not looked up first")

    def start(self, world):
        self.world = world
        self.launch(["/usr/bin/python3", "-m", "gunicorn", *GUNICORN, "--chdir", HERE, "drf_app:application"],
                    {"BENCH_DATABASE": world.cluster.folder, "BENCH_APPS": "rest_framework", "BENCH_URLS": "drf_app",
                     "PYTHONDONTWRITEBYTECODE": "1"})


PEER = Drf
