"""A reader of Server-Sent Events, as the HTML standard has it (9.2.6), and one over a socket."""

import http.client
import json
import random
import time
from contextlib import suppress

MESSAGES = ("id", "data", "retry", "event")


class Reader:
    """What a reader has made of the bytes so far: events, the last id, the time to come again.

    `connections`: how often he was let in.
    """

    def __init__(self):
        self.connections = 0
        self.events = []
        self.last_id = None
        self.retry = None
        self._text = b""
        self._id = None
        self._data = []

    def read(self, chunk):
        self._text += chunk
        *lines, self._text = self._text.split(b"\n")
        for line in lines:
            self._line(line.decode())

    def cut(self):
        """The connection broke off: what was not ended is thrown away."""
        self._text, self._data = b"", []
        self._id = self.last_id

    def _line(self, line):
        if not line:
            self.last_id = self._id
            if self._data:
                self.events.append(json.loads("\n".join(self._data)))
            self._data = []
            return
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "id":
            self._id = int(value)
        elif field == "data":
            self._data.append(value)
        elif field == "retry":
            self.retry = int(value)
        else:
            assert not field, line


def follow(service, reader, query, *, until, seconds=100, cut=(0.02, 0.4)):
    """Read the feed of a service; connections are cut off at any byte, and made anew."""
    deadline = time.monotonic() + seconds
    while not until(reader):
        assert time.monotonic() < deadline, (len(reader.events), reader.last_id)
        headers = {"Accept": "text/event-stream"}
        if reader.last_id is not None:
            headers["Last-Event-ID"] = str(reader.last_id)
        with suppress(OSError, http.client.HTTPException):
            answer = service.ask("/api/v1/events", query, **headers)
            if answer.status != 200:
                assert answer.status == 503, answer.read()
                answer.connection.close()
                time.sleep(0.05)
                continue
            reader.connections += 1
            try:
                _read(answer, reader, time.monotonic() + random.uniform(*cut), until)  # noqa: S311
            finally:
                answer.close()
                answer.connection.close()
                reader.cut()


def _read(answer, reader, ends, until):
    while not until(reader) and (left := ends - time.monotonic()) > 0:
        answer.fp.raw._sock.settimeout(left)
        try:
            chunk = answer.read1(random.randint(1, 2000))  # noqa: S311 - no secret
        except TimeoutError:
            return
        if not chunk:
            return
        reader.read(chunk)
