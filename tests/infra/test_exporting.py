"""Whatever history there is: its export imports, elsewhere as the same and here as known."""

import io
import itertools
import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.chapters.closure import ClosureOpened
from domain.chapters.erasure import TextErased
from domain.kernel.history import Correction
from domain.kernel.payload import content_of
from infra.conf import reference
from infra.eventstore.repository import history_of
from infra.exchange.exporting import export_contract
from infra.exchange.importing import import_file
from tests.domain.given import REFERENCE, told
from tests.domain.stages import CLOSED
from tests.domain.strategies import PERSONS
from tests.domain.test_laws import lived

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
numbers = itertools.count()


@pytest.fixture
def made_up_reference(monkeypatch, tmp_path):
    """The reference data that the made-up decisions refer to."""
    file = tmp_path / "reference.json"
    file.write_text(REFERENCE.model_dump_json())
    monkeypatch.setenv("QUARTIER_REFERENCE_FILE", str(file))
    reference.reference.cache_clear()
    yield
    reference.reference.cache_clear()


def bring(lines):
    written = b"\n".join(json.dumps(line).encode() for line in lines)
    report = import_file(io.BytesIO(written), now=NOW)
    assert not report.faulty, report.as_json()["faults"][0]
    return report


def exported(contract):
    return [json.loads(line) for line in export_contract(contract, names=True)]


def texts_in(value, at=""):
    """Where texts stand in a payload: JSON pointers by text id."""
    if isinstance(value, dict) and value.keys() == {"text", "digest"}:
        yield value["text"], at
    elif isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from texts_in(each, f"{at}/{key}")


def lines_of(contract_id, contract, story):
    """A file that says the same: every decision under a label."""
    for person in PERSONS:
        yield {"person": person, "name": f"Person {person}", "contact": "rue du Test 1"}
    places = {}
    for recorded, taken in zip(contract.history, story, strict=True):
        label, data = f"d{recorded.position}", dict(taken.fields)
        if issubclass(taken.kind, Correction):
            data["position"] = f"d{data['position']}"
        if taken.kind is TextErased:
            data["text"] = places[data["text"]]
        for text, at in texts_in(content_of(recorded.decision, recorded.act)):
            places.setdefault(text, f"{label}#{at}")
        yield {
            "contract": contract_id,
            "decision": taken.kind.slug,
            "decided_on": taken.decided_on.isoformat(),
            "by": "agent",
            "body": taken.by.value,
            "label": label,
            "data": data,
            "departures": {rule: f"because of {rule}" for rule in taken.departing},
        }


def test_a_contract_is_exported_from_its_initiation_to_its_closure(database, made_up_reference):
    """What may be left out is: the closure is opened without a word, and has no field then."""
    story = tuple(
        taken.but(text=None) if taken.kind is ClosureOpened else taken for taken in CLOSED
    )
    assert bring(lines_of("essai", told(*story), story)).recorded == len(story)
    lines = exported("essai")
    (opened,) = [line for line in lines if line.get("decision") == "closure-opened"]
    assert opened["data"] == {}
    assert bring(lines).known == len(story)


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_the_export_of_any_history_imports(database, made_up_reference, data):
    contract, story = lived(data)
    if not story:
        return
    here, there = (f"essai-{next(numbers)}" for _ in range(2))
    assert bring(lines_of(here, contract, story)).recorded == len(story)
    lines = exported(here)
    assert bring(lines).known == len(story), "it is all there already"
    copy = [line | {"contract": there} if "contract" in line else line for line in lines]
    assert bring(copy).recorded == len(story)
    assert exported(there) == copy
    for ours, theirs in zip(history_of(here), history_of(there), strict=True):
        assert type(ours.decision) is type(theirs.decision)
        assert (ours.act.body, ours.act.decided_on) == (theirs.act.body, theirs.act.decided_on)
