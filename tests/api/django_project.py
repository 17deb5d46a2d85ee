"""The Django project of django_shop/, run as its owner would: manage.py on a database of the tests'."""
import os
import subprocess
import sys

import harness

FOLDER = os.path.join(harness.ROOT, "tests", "api", "django_shop")


def manage(database, *arguments, data=b""):
    """manage.py in a process of its own; its output."""
    environment = harness.clean_environment()
    environment.update(SHOP_DATABASE=database.name, SHOP_HOST=database.parameters.get("host", ""),
                       SHOP_PORT=str(database.parameters.get("port", "")),
                       SHOP_USER=database.parameters.get("user", ""), PYTHONDONTWRITEBYTECODE="1")
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run([sys.executable, "-W", "ignore", os.path.join(FOLDER, "manage.py")] + list(arguments),
                          input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, timeout=120)
    if done.returncode != 0:
        raise AssertionError("manage.py %s: %s" % (" ".join(arguments), done.stderr.decode()[-3000:]))
    return done.stdout.decode()


def make_tables(database):
    """As Django's own migrate makes them; the application without migrations last, since it refers to others."""
    manage(database, "migrate", "auth", "-v", "0")
    manage(database, "migrate", "--run-syncdb", "-v", "0")


def import_models(path, *words):
    """quern import-django on the project; the finished process."""
    environment = harness.clean_environment()
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    return subprocess.run([harness.program(), "import-django", "--python", sys.executable, "--output", path]
                          + (list(words) or [FOLDER]), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=environment, timeout=120, universal_newlines=True)
