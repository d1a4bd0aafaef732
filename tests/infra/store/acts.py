"""What the tests of the event store do over and over: begin a contract, decide, from threads."""

import json
import threading
from datetime import UTC, datetime

from django.db import connections

from domain.kernel.values import AccountId
from infra.accounts import Account, Role
from infra.recording.recording import initiate, record

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
COORDINATOR = Account(AccountId("coordination"), Role.COORDINATOR)
COUNCIL = Account(AccountId("secretariat"), Role.ADMINISTRATIVE_COUNCIL)
AUDITOR = Account(AccountId("audit"), Role.AUDITOR)

BEGINNING = {
    "ground": "city_initiative",
    "title": "Pâquis",
    "territory": "Les Pâquis",
    "justification": "Aucune mesure technique ne suffirait.",
}


def begin(contract="paquis", **more):
    """Initiate a contract."""
    said = {"decided_on": "2014-03-01", "account": COORDINATOR, "now": NOW} | more
    data = json.dumps(said.pop("data", BEGINNING)).encode()
    return initiate(data, contract_id=contract, **said)


def decide(slug, contract="paquis", *, data=None, **more):
    """Record a decision."""
    said = {"decided_on": "2014-04-16", "account": COORDINATOR, "now": NOW} | more
    return record(contract, slug, json.dumps(data or {}).encode(), **said)


def choose(contract="paquis", subject="Zone 30", **more):
    """Record a decision that can be taken over and over."""
    data = {"subject": subject, "outcome": "validated", "remarks": "Une remarque."}
    return decide("strategic-option-validated", contract, data=data, **more)


def in_threads(count, work):
    """Run `work(number)` in so many threads at once; what each returned, or raised."""
    answers = [None] * count
    together = threading.Barrier(count)

    def run(number):
        together.wait()
        try:
            answers[number] = work(number)
        except Exception as error:
            answers[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
        assert not thread.is_alive()
    return answers
