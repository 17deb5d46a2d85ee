"""What answers were allowed: every row's states in the order they were sent, and how far that has come.

One thread sends and receives everything, so that "before" is the order of its own steps.  A row that one writer at a time
writes has a line of states; of it an answer may show any from the latest that was known when the question was sent
(acknowledged, or shown by an answer that had come) to the latest that was sent when the answer came.
"""


class Wrong(Exception):
    """An answer that was not allowed."""


def expect(found, wanted, what):
    if found != wanted:
        raise Wrong("%s: %r, and should be %r" % (what, found, wanted))


class Line:
    """The states of one row, or of what else one writer at a time writes; None: it is not there."""

    def __init__(self, name, first):
        self.name = name
        self.states = [first]
        self.acknowledged = self.shown = 0
        self.is_busy = False  # a write is under way

    @property
    def floor(self):
        return max(self.acknowledged, self.shown)

    @property
    def last(self):
        return self.states[-1]

    def begin(self, state):
        self.is_busy = True
        self.states.append(state)

    def end(self):
        self.is_busy = False
        self.acknowledged = len(self.states) - 1

    def judge(self, floor, answer, view=lambda state: state):
        """The answer must be what `view` shows of an allowed state; the least that it can be is known from now on."""
        for number in range(floor, len(self.states)):
            if view(self.states[number]) == answer:
                self.shown = max(self.shown, number)
                return
        older = [number for number in range(floor) if view(self.states[number]) == answer]
        raise Wrong("%s is %r: %s; allowed are states %d to %d: %r" % (
            self.name, answer, "that was state %d, too old" % older[-1] if older else "it never was so, or only for others",
            floor, len(self.states) - 1, [view(state) for state in self.states[floor:][:6]]))

    def may(self, floor, view):
        """Whether some allowed state is seen, and whether all are."""
        seen = [view(state) is not None for state in self.states[floor:]]
        return any(seen), all(seen)


class Sum:
    """A number to which many add at once: at least what was acknowledged, at most what was sent."""

    def __init__(self, name):
        self.name = name
        self.acknowledged = self.shown = self.sent = 0

    @property
    def floor(self):
        return max(self.acknowledged, self.shown)

    def judge(self, floor, answer):
        if not isinstance(answer, int) or not floor <= answer <= self.sent:
            raise Wrong("%s is %r, and should be from %d to %d" % (self.name, answer, floor, self.sent))
        self.shown = max(self.shown, answer)


class Lines:
    """Several, and how far each had come when a question was sent."""

    def __init__(self, lines):
        self.lines = lines
        self.floors = [line.floor for line in lines]

    def judge(self, answers, view=lambda state: state):
        """answers: by place in the list, None for what is not there."""
        for line, floor, answer in zip(self.lines, self.floors, answers):
            line.judge(floor, answer, view)

    def judge_count(self, count, view):
        bounds = [line.may(floor, view) for line, floor in zip(self.lines, self.floors)]
        most, least = sum(any_ for any_, _ in bounds), sum(all_ for _, all_ in bounds)
        if not isinstance(count, int) or not least <= count <= most:
            raise Wrong("a count is %r, and should be from %d to %d" % (count, least, most))
