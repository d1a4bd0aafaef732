"""Asking a Quartier elsewhere: its answer is checked, and the token goes nowhere else."""

import datetime as dt
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import orjson
import pytest

from infra.finance.digest import Day
from infra.finance.reconcile import ask

DATE = dt.date(2026, 3, 1)
DAY = Day.of(DATE, 1, ["00000000000000000001 paquis/1 operating-budget-granted 2026-03-01"])


@contextmanager
def serving(status, body=b"", **headers):
    """A web service that answers everything alike; what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers.get("Authorization")))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join(10)


def told(**changes):
    return orjson.dumps(DAY.as_json(lines=True) | changes)


def test_the_day_is_asked_for_with_its_lines():
    with serving(200, told()) as (address, asked):
        assert ask(f"{address}/", DATE, token="secret") == DAY
    assert asked == [("/api/v1/funding/digest?date=2026-03-01&lines=true", "Bearer secret")]


def test_the_token_is_for_nobody_else():
    with (
        serving(200, told()) as (elsewhere, asked),
        serving(302, Location=f"{elsewhere}/") as (address, _),
        pytest.raises(ConnectionError, match="answers 302"),
    ):
        ask(address, DATE, token="secret")
    assert asked == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (told(digest="0" * 64), "lines that do not have the digest"),
        (b"<html>", "does not answer as a Quartier does"),
        (b"[]", "does not answer as a Quartier does"),
        (b"{}", "does not answer as a Quartier does"),
    ],
)
def test_an_answer_that_is_none_is_refused(body, said):
    with serving(200, body) as (address, _), pytest.raises(ValueError, match=said):
        ask(address, DATE)


def test_who_does_not_answer_is_named():
    with pytest.raises(ConnectionError, match=r"http://127\.0\.0\.1:1 cannot be reached"):
        ask("http://127.0.0.1:1", DATE)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "quartier.example"])
def test_an_address_is_of_the_web(address):
    with pytest.raises(ValueError, match="no address of the web"):
        ask(address, DATE)
