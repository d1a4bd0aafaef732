"""A client that speaks as an account, and a contract to speak about."""

import functools
import inspect
import json
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest

from api.http.limits import ConcurrencyLimit

PERIMETER = {
    "type": "Polygon",
    "coordinates": [
        [[6.145, 46.208], [6.152, 46.208], [6.152, 46.214], [6.145, 46.214], [6.145, 46.208]]
    ],
}
INITIATED = {
    "ground": "city_initiative",
    "title": "Pâquis",
    "territory": "Pâquis",
    "justification": "Les seules mesures techniques ne suffisent pas.",
}


@dataclass
class Asking:
    """Requests of one account; JSON in, answers out."""

    client: Any
    token: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def _headers(self, more):
        given = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {**given, **self.headers, **more}

    def get(self, path, query=None, **headers):
        return self.client.get(path, query or {}, headers=self._headers(headers))

    def post(self, path, body, content_type="application/json", **headers):
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(
            path, sent, content_type=content_type, headers=self._headers(headers)
        )

    def speaking(self, language):
        return Asking(self.client, self.token, {**self.headers, "Accept-Language": language})

    def decide(self, slug, data, on="2014-04-01", contract="paquis", headers=None, **more):
        """POST a decision on the contract."""
        body = {"decided_on": on, "data": data, **more}
        return self.post(f"/api/v1/contracts/{contract}/decisions/{slug}", body, **(headers or {}))

    def begin(self, contract="paquis", on="2014-03-01", **fields):
        body = {"contract": contract, "decided_on": on, "data": INITIATED | fields}
        answer = self.post("/api/v1/contracts", body)
        assert answer.status_code == 201, answer.content
        return answer


@pytest.fixture
def client(database):
    from django.test import Client  # noqa: PLC0415 - needs settings

    return Client(raise_request_exception=False)


@pytest.fixture
def anybody(client):
    """Without a token."""
    return Asking(client)


@pytest.fixture
def as_role(client):
    """A new account of a role, by its value."""
    from infra.accounts import Role, create_account  # noqa: PLC0415 - needs settings

    def of(role: str) -> Asking:
        return Asking(client, create_account(f"the-{role}", Role(role)))

    return of


@pytest.fixture
def coordinator(as_role):
    return as_role("coordinator")


@pytest.fixture
def paquis(coordinator):
    """The coordinator, with a contract begun and its perimeter set."""
    coordinator.begin()
    answer = coordinator.decide("perimeter-set", {"perimeter": PERIMETER}, on="2014-03-05")
    assert answer.status_code == 201, answer.content
    return coordinator


@pytest.fixture
def log_size(database):
    """How many events there are."""
    from infra.eventstore import store  # noqa: PLC0415 - needs settings

    return store.log_size


def problem(answer, status, name):
    """The problem that an answer is, in the one shape that all have."""
    assert answer.status_code == status, (answer.status_code, answer.content)
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert {"type", "title", "status", "detail", "instance"} <= body.keys()
    assert body["status"] == status
    assert body["type"] == f"/api/problems/{name}", body
    assert body["instance"] == f"urn:request:{answer['X-Request-ID']}"
    return body


def each(names, cases):
    """Like `parametrize`, but one test: cases that change nothing share what was set up."""
    names = [names] if isinstance(names, str) else list(names)

    def decorate(test):
        asked = inspect.signature(test).parameters.values()

        @functools.wraps(test)
        def every_case(subtests, **fixtures):
            for case in cases:
                values = dict(zip(names, [case] if len(names) == 1 else case, strict=True))
                with subtests.test(repr(case)[:80]):
                    test(**fixtures, **values)

        every_case.__signature__ = inspect.Signature(
            [
                inspect.Parameter("subtests", inspect.Parameter.POSITIONAL_OR_KEYWORD),
                *(parameter for parameter in asked if parameter.name not in names),
            ]
        )
        return every_case

    return decorate


def limits():
    """Every limit of long answers that the API has."""
    modules = [module for name, module in sys.modules.items() if name.startswith("api.")]
    values = [value for module in modules for value in vars(module).values()]
    return {id(value): value for value in values if isinstance(value, ConcurrencyLimit)}.values()


@pytest.fixture(autouse=True)
def every_slot_is_given_back():
    """A long answer holds a slot until it is closed: a test that leaves one open says so."""
    yield
    held = {limit.kind: limit.taken for limit in limits() if limit.taken}
    for limit in limits():
        limit.taken = 0
    assert not held
