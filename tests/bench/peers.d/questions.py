"""The questions that every peer is asked, and the form in which the answers are compared.

A number that varies from request to request is written {n}.  The form is plain rows: Django's column names, decimals
as exact numbers, relations as members; a peer's file turns its own shape into it.
"""

from decimal import Decimal

ARTICLE = ("id", "title", "body", "author_id", "published")
EMPLOYEE = ("id", "role_id", "full_name", "years_of_service", "salary", "bonus", "temp_field", "is_active")
ROLE = ("id", "name")
DECIMALS = ("salary", "bonus", "temp_field")
NUMBERS = ("id", "author_id", "role_id", "total_votes")


class Question:
    """`first` to `last` is the range of the number; `is_writing` ones are looked for in the database, and the
    tables put back behind them."""

    def __init__(self, name, title, first, last, is_writing=False):
        self.name, self.title, self.first, self.last, self.is_writing = name, title, first, last, is_writing

    @property
    def samples(self):
        """Numbers that answers are compared for."""
        return sorted({self.first, 13, (self.first + self.last) // 2, self.last})


QUESTIONS = [
    Question("point", "point lookup", 1, 10000),
    Question("joined", "20 employees with their role, filtered", 0, 820),
    Question("page", "page of 20 articles with vote counts", 0, 9980),
    Question("top", "top 10 articles by votes", 13, 13),
    Question("voted", "100 articles voted on by one author", 1, 10000),
    Question("prefetch", "20 roles with their 420 employees", 0, 20),
    Question("update", "update by F", 1, 840, is_writing=True),
    Question("create", "create", 1, 40, is_writing=True),
]
# Asked beside others only: what takes PostgreSQL a good part of a second.
REPORT = Question("report", "ten authors by votes received", 13, 13)

NEW_EMPLOYEE = {"full_name": "Bob Lee", "years_of_service": 3}


def row(found, columns, extra=()):
    """A row of an answer in the form that is compared; a column too few is a KeyError, one too many stays."""
    wanted = {name: found[name] for name in columns}
    wanted.update({name: found[name] for name in extra})
    for name in DECIMALS:
        if wanted.get(name) is not None:
            wanted[name] = Decimal(str(wanted[name]))
    for name in NUMBERS:
        if wanted.get(name) is not None:
            wanted[name] = int(wanted[name])
    return wanted


def employees_with_role(rows):
    return [dict(row(one, EMPLOYEE), role=row(one["role"], ROLE)) for one in rows]


def articles_with_votes(rows):
    return [row(one, ARTICLE, ("total_votes",)) for one in rows]


def roles_with_employees(rows, member="employee_set"):
    """The employees of a role have no order that was asked for."""
    return [dict(row(one, ROLE), employee_set=sorted((row(each, EMPLOYEE) for each in one[member]), key=lambda each: each["id"]))
            for one in rows]


def created(found):
    """A new row, whatever number it got."""
    return {name: value for name, value in row(found, EMPLOYEE).items() if name != "id"}


def plain(question, found):
    """For peers that answer in Quern's own shape: rows in `results`, one row as an object."""
    return {
        "point": lambda: row(found, ARTICLE),
        "joined": lambda: employees_with_role(found["results"]),
        "page": lambda: articles_with_votes(found["results"]),
        "top": lambda: articles_with_votes(found["results"]),
        "voted": lambda: [row(one, ARTICLE) for one in found["results"]],
        "prefetch": lambda: roles_with_employees(found["results"]),
        "update": lambda: found["updated"],
        "create": lambda: created(found),
        "report": lambda: [(int(one["writer"]), int(one["n"])) for one in found["results"]],
    }[question.name]()


# The addresses that peers use who have no shape of requests of their own.
PATHS = {
    "point": "/article/{n}",
    "joined": "/employee?after={n}",
    "page": "/article?after={n}",
    "top": "/top",
    "voted": "/voted/{n}",
    "prefetch": "/role?after={n}",
    "update": "/employee/{n}/raise",
    "create": "/employee",
    "report": "/report",
}
BODIES = {"update": {}, "create": dict(NEW_EMPLOYEE, role_id="{n}")}
