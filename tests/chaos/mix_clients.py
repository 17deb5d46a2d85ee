"""Many keep-alive connections driven by one thread.

An ask is a generator: it gives the bytes of a request, is sent the answer, and may give further requests.  What it notes
before it gives a request is noted before a byte of it is sent.  A connection may have several asks under way, one behind
the other; one that is hung up is closed, and so are its asks.
"""

import collections
import json
import selectors
import socket
import time

RECEIVE = 1 << 18


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return "%d %r" % (self.status, self.body[:600])


def request(method, path, body=None, headers=()):
    data = b"" if body is None else json.dumps(body).encode()
    lines = ["%s %s HTTP/1.1" % (method, path), "Host: localhost", *headers]
    if body is not None:
        lines += ["Content-Type: application/json", "Content-Length: %d" % len(data)]
    return "\r\n".join(lines + ["", ""]).encode() + data


def get(path, headers=()):
    return request("GET", path, None, headers)


def post(path, body, headers=()):
    return request("POST", path, body, headers)


class Reader:
    """Bytes of a connection into answers."""

    def __init__(self):
        self.data = bytearray()

    def feed(self, data):
        self.data += data

    def next(self):
        """The next answer, or None while it is not whole."""
        end = self.data.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = bytes(self.data[:end]).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:])}
        if headers.get("transfer-encoding") == "chunked":
            found = self.chunks(end + 4)
        else:
            length = 0 if status in (204, 304) else int(headers["content-length"])
            found = (bytes(self.data[end + 4:end + 4 + length]), end + 4 + length) if len(self.data) >= end + 4 + length else None
        if found is None:
            return None
        body, used = found
        del self.data[:used]
        return Answer(status, headers, body)

    def chunks(self, at):
        body = []
        while True:
            line = self.data.find(b"\r\n", at)
            if line < 0:
                return None
            size = int(self.data[at:line].split(b";")[0], 16)
            if size == 0:
                break
            if len(self.data) < line + 2 + size + 2:
                return None
            body.append(bytes(self.data[line + 2:line + 2 + size]))
            at = line + 2 + size + 2
        end = self.data.find(b"\r\n\r\n", line)  # trailers
        return None if end < 0 else (b"".join(body), end + 4)


class Connection:
    def __init__(self, clients, depth):
        self.clients, self.depth = clients, depth  # how many asks it has under way
        self.hang_up_at = None
        self.open()

    def open(self):
        self.socket = socket.create_connection(("127.0.0.1", self.clients.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.reader, self.asks, self.unsent = Reader(), collections.deque(), b""
        self.clients.selector.register(self.socket, selectors.EVENT_READ, self)

    def close(self):
        self.clients.selector.unregister(self.socket)
        self.socket.close()
        for ask in self.asks:
            ask.close()
        self.asks.clear()
        self.hang_up_at = None

    def begin(self, ask, hangs_up_after=None):
        self.unsent += next(ask)
        self.asks.append(ask)
        self.send()
        if hangs_up_after is not None:
            self.hang_up_at = time.monotonic() + hangs_up_after

    def send(self):
        try:
            self.unsent = self.unsent[self.socket.send(self.unsent):]
        except BlockingIOError:
            pass
        self.clients.selector.modify(self.socket, selectors.EVENT_READ | (selectors.EVENT_WRITE if self.unsent else 0), self)

    def receive(self):
        try:
            data = self.socket.recv(RECEIVE)
        except BlockingIOError:
            return
        if not data:
            raise ConnectionError("the server closed a connection with %d requests under way" % len(self.asks))
        self.reader.feed(data)
        while self.asks:
            answer = self.reader.next()
            if answer is None:
                return
            ask = self.asks.popleft()
            self.clients.answered += 1
            try:
                self.unsent += ask.send(answer)
                self.asks.append(ask)
                self.send()
            except StopIteration:
                pass


class Clients:
    """Connections that ask what `choose(may_hang_up)` gives until the time is over: an ask, and the seconds until its client
    hangs up, or None."""

    def __init__(self, port, depths, choose):
        self.port, self.choose, self.answered = port, choose, 0
        self.selector = selectors.DefaultSelector()
        self.connections = [Connection(self, depth) for depth in depths]

    def run(self, seconds, grace=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for connection in self.connections:
                self.fill(connection)
            self.step(0.01)
        while any(connection.asks for connection in self.connections):
            if time.monotonic() > end + grace:
                raise TimeoutError("%d requests are not answered" % sum(len(c.asks) for c in self.connections))
            self.step(0.01)

    def fill(self, connection):
        while len(connection.asks) < connection.depth and connection.hang_up_at is None:
            connection.begin(*self.choose(connection.depth == 1))

    def step(self, timeout):
        for key, events in self.selector.select(timeout):
            if events & selectors.EVENT_WRITE:
                key.data.send()
            if events & selectors.EVENT_READ:
                key.data.receive()
        now = time.monotonic()
        for connection in self.connections:
            if connection.hang_up_at is not None and now >= connection.hang_up_at:
                connection.close()
                connection.open()

    def close(self):
        for connection in self.connections:
            connection.close()
        self.selector.close()
