"""What holds for every read model, whatever it shows."""

import datetime as dt
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.catalogue import catalogue
from domain.kernel.act import Body
from domain.kernel.contract import Contract
from domain.kernel.days import days_of
from domain.kernel.decision import Decision, judge
from domain.kernel.values import ActionId
from projections.catalogue import PROJECTIONS, READ_MODELS, TABLES, VIEWS
from projections.engine.projection import corrects
from projections.engine.table import Written
from projections.engine.view import fold
from tests.projections.story import TODAY, instant, mixed, named, paquis, vieux_moulin

STORIES = [paquis(), vieux_moulin()]

views = pytest.mark.parametrize("view", VIEWS.values(), ids=str)
projections = pytest.mark.parametrize("projection", PROJECTIONS.values(), ids=str)
stories = st.sampled_from(STORIES)


def lawful(history, kept):
    """The decisions of a story that are still accepted when others of it never happened."""
    contract = Contract(history[0].contract)
    for recorded, keep in zip(history, kept, strict=False):
        if keep and not judge(recorded.decision, contract, recorded.act).refusals:
            contract.evolve(recorded)
    return contract.history


lawful_histories = stories.flatmap(
    lambda story: st.lists(
        st.integers(0, 9).map(bool), min_size=len(story), max_size=len(story)
    ).map(lambda kept: lawful(story, kept))
)
pieces = stories.flatmap(
    lambda story: st.lists(st.sampled_from(story), max_size=40, unique_by=lambda r: r.position)
)


def written(rows):
    """The rows of a table, to compare."""
    return {relation.name: dict(each) for relation, each in rows.items()}


def same(one, other):
    return (written(one) == written(other)) if isinstance(one, Written) else one == other


@views
def test_what_is_stored_reads_back_equal(view):
    for story in STORIES:
        doc = fold(view, story)
        assert view.load(view.dump(doc)) == doc
        assert view.dump(view.load(view.dump(doc))) == view.dump(doc)


@views
@given(history=lawful_histories, stops=st.lists(st.integers(1, 180), max_size=4))
@settings(max_examples=15)
def test_stored_and_taken_up_again_is_the_same_as_folded_at_once(view, history, stops):
    doc = view.begin()
    for count, recorded in enumerate(history):
        if count in stops:
            doc = view.load(view.dump(doc))
        if corrects(type(recorded.decision)):
            doc = view.fold(history[: count + 1])
        else:
            view.apply(doc, recorded)
    assert view.dump(doc) == view.dump(fold(view, history))


@projections
@given(piece=pieces, valid_at=st.none() | st.dates(dt.date(2014, 1, 1), dt.date(2024, 1, 1)))
@settings(max_examples=60)
def test_no_part_of_a_history_is_too_much(projection, piece, valid_at):
    """Whatever is left out, and whatever the order: nothing raises."""
    state = projection.begin()
    for recorded in piece:
        projection.apply(state, recorded)
    if projection.name in VIEWS:
        assert projection.dump(state)
        assert projection.answer(state, TODAY)
        assert projection.answer(fold(projection, piece, valid_at=valid_at), TODAY)
    else:
        for relation, rows in state.items():
            for key, row in rows.items():
                assert relation.flat(key, row)


@projections
@given(history=lawful_histories)
@settings(max_examples=10)
def test_folding_twice_gives_the_same(projection, history):
    assert same(projection.fold(history), projection.fold(list(history)))


@views
def test_yesterday_is_read_as_it_was_read_yesterday(view):
    """What was recorded later changes nothing of what was known then."""
    for story in STORIES:
        for count in (1, 20, 60, len(story)):
            then = fold(view, story, known_at=instant(count))
            assert then == fold(view, story[:count])


@views
def test_documents_depend_on_their_own_contract_alone(view):
    one, other = named(paquis(), "one"), named(paquis(), "other")
    both = mixed(one, other)
    folded = [
        json.loads(view.dump(fold(view, [r for r in both if r.contract == name])))
        for name in ("one", "other")
    ]
    assert _without_positions(folded[0]) == _without_positions(folded[1])


def _without_positions(value):
    if isinstance(value, dict):
        hidden = {"position", "positions", "recorded_at", "presented", "ranked"}
        return {k: _without_positions(v) for k, v in value.items() if k not in hidden}
    if isinstance(value, list):
        return [_without_positions(each) for each in value]
    return value


@views
def test_schemas_describe_the_answers(view):
    schema = view.schema()
    answer = json.loads(view.answer(fold(view, vieux_moulin()), TODAY))
    assert schema["type"] == "object"
    assert set(schema["required"]) == set(schema["properties"]) == set(answer)
    assert '"TextRef"' not in json.dumps(schema), "texts are joined when they are read"


def test_a_name_means_one_thing_in_all_schemas():
    seen = {}
    for view in VIEWS.values():
        for name, described in view.schema().get("$defs", {}).items():
            assert seen.setdefault(name, described) == described, name


def test_vocabularies_carry_their_names():
    phase = VIEWS["overview"].schema()["$defs"]["Phase"]
    assert phase["x-labels"]["follow_up"]["fr"] == "suivi de la mise en œuvre"


SILENT = {
    "department-informed",  # in conformity
    "person-erased",
    "text-erased",
    "decision-rectified",  # what it corrects is shown as corrected
    "decision-annulled",
}


def test_every_decision_type_is_shown_somewhere():
    shown = {
        kind.slug
        for view in VIEWS.values()
        for kind, handlers in view.handlers.of_type.items()
        if handlers
    }
    assert catalogue().keys() - shown <= SILENT


def test_every_read_model_is_in_the_catalogue():
    modules = {module.__name__.rpartition(".")[2] for module in READ_MODELS}
    assert modules == PROJECTIONS.keys() == VIEWS.keys() | TABLES.keys()


def test_a_decision_type_that_no_view_knows_passes_by():
    """Whoever adds one need not touch any read model."""
    try:

        class TreePlanted(Decision, taken_by={Body.SERVICE}, basis="4.4"):
            fr = "Arbre planté"
            action: ActionId

        first = paquis()[0]
        planted = replace(
            first,
            position=2,
            version=2,
            decision=TreePlanted(action="place-navigation"),
        )
        for projection in PROJECTIONS.values():
            projection.fold([first, planted])
        assert fold(VIEWS["overview"], [first, planted]).last_decision.type == "tree-planted"
    finally:
        Decision.registry.pop("tree-planted", None)


# --- What was recorded before there were bounds --------------------------------------------------


def days_moved(history, end):
    """The same history with every day that a field holds at that end of the calendar."""
    return [
        replace(
            recorded,
            decision=recorded.decision.model_copy(
                update={name: end for name, _ in days_of(recorded.decision)}
            ),
        )
        for recorded in history
    ]


@pytest.mark.parametrize("end", [dt.date.min, dt.date.max], ids=str)
def test_days_at_the_ends_of_the_calendar_are_shown(models, end):
    """Earlier versions took them; nothing that is read or asked about stops there."""
    stories = [days_moved(story, end) for story in STORIES]
    models.told(mixed(*stories))
    for moved in stories:
        for view in VIEWS.values():
            view.document.dump_json(fold(view, moved))
        contract = Contract.of(moved[0].contract, moved)
        for recorded in moved:
            judge(recorded.decision, contract, replace(recorded.act, today=TODAY))
