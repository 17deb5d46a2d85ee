"""Quern's migrations for models given as documents: a folder of files, and the program's commands."""

import json
import os
import shutil
import subprocess
import tempfile


class Project:
    """A model file, its migrations and a database to bring them to."""

    def __init__(self, url, search_path="ours, public"):
        self.folder = tempfile.mkdtemp(prefix="quern-project.")
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("PG", "QUERN_"))}
        self.environment.update(QUERN_DATABASE_URL=url, QUERN_SEARCH_PATH=search_path)

    def remove(self):
        shutil.rmtree(self.folder)

    def say(self, models):
        with open(os.path.join(self.folder, "models.json"), "w", encoding="utf-8") as file:
            json.dump({"models": models}, file)

    def command(self, *arguments):
        return [os.environ["QUERN_BIN"], arguments[0], "--models", os.path.join(self.folder, "models.json"),
                *arguments[1:]]

    def run(self, *arguments, code=0):
        done = subprocess.run(self.command(*arguments), env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != code:
            raise AssertionError("quern %s: %d\n%s" % (" ".join(arguments), done.returncode, done.stdout))
        return done.stdout

    def files(self):
        folder = os.path.join(self.folder, "migrations")
        return sorted(name[:-5] for name in os.listdir(folder)) if os.path.isdir(folder) else []

    def path(self, name):
        return os.path.join(self.folder, "migrations", name + ".json")

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return json.load(file)

    def write(self, name, operations, dependencies=None, **members):
        os.makedirs(os.path.join(self.folder, "migrations"), exist_ok=True)
        if dependencies is None:
            dependencies = self.files()[-1:]
        with open(self.path(name), "w", encoding="utf-8") as file:
            json.dump({"dependencies": dependencies, "operations": operations, **members}, file)


def summary(operation):
    """As django_side.summary()."""
    (kind, members), = operation.items()
    model = members.get("model", members.get("name", members.get("from", "")))
    what = ""
    if kind in ("AddField", "RemoveField", "AlterField", "RemoveIndex", "RemoveConstraint"):
        what = members["name"]
    if kind in ("RenameField", "RenameModel"):
        what = members["to"]
    if kind == "AddIndex":
        what = members["index"]["name"]
    if kind == "AddConstraint":
        what = members["constraint"]["name"]
    if kind == "CreateModel":
        what = ",".join(members["fields"])
    return kind, model.lower(), what
