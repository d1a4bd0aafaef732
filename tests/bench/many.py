"""Many contracts: a log of the size that a benchmark asks for, in a few minutes.

Some hundred lives are told and judged as everything is that is recorded. Each contract is then a
copy of one of them under titles, streets and a perimeter of its own, and all are appended a
thousand events at a time, so that contracts are mixed in the log as they are in a city.

python -m tests.bench.many 20000    fills the database that DATABASE_URL names, for trying out
"""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import json
import random
import re
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

import orjson
from django.db import connection

from domain.kernel.contract import Contract
from domain.kernel.payload import write
from infra import vault
from infra.database.connection import as_owner
from infra.eventstore.append import LARGEST, Write, append
from infra.recording.refusals import Refused
from infra.recording.submission import Submission
from tests.bench.append import ACCOUNT, now
from tests.bench.life import IN_GENEVA
from tests.domain import stages
from tests.domain.given import Story, Taken, person

SHARES: Final = (
    (25, stages.INITIATED),
    (20, stages.BEFORE_PROMOTION),
    (25, stages.LAUNCHED),
    (8, stages.WITH_DELEGATES),
    (4, stages.DIAGNOSED),
    (2, stages.SUBMITTED),
    (3, stages.REQUESTED),
    (6, stages.SPENT),
    (5, stages.COMPLETED),
    (2, stages.CLOSED),
)
"""How many contracts in a hundred have come how far: 22 decisions each, in the mean."""

TOLD: Final = 200
"""Lives that are judged; each begins on a day of its own and moves sums of its own."""

MONEY: Final = {"amount", "gross", "net", "estimate"}
WORKS: Final = (
    "Aménagement", "Végétalisation", "Éclairage", "Rénovation", "Ouverture", "Animation",
    "Sécurisation", "Création", "Embellissement", "Piétonnisation", "Entretien", "Étude",
)  # fmt: skip
THINGS: Final = (
    "du préau", "de la place", "de l'ancien-port", "d'une fontaine", "des bancs publics",
    "de l'école", "du terrain de foot", "de la rue-jardin", "du local associatif", "d'un marché",
    "de la pataugeoire", "des œuvres murales", "du chemin d'accès", "de la maison de quartier",
    "du parc à chiens", "de l'arrêt de bus", "des potagers urbains", "d'une boîte à livres",
)  # fmt: skip
PLACES: Final = (
    "Pâquis", "Grottes", "Saint-Gervais", "Jonction", "Plainpalais", "Eaux-Vives", "Champel",
    "Charmilles", "Servette", "Petit-Saconnex", "Sécheron", "Mont-Blanc", "Saint-Jean", "Acacias",
    "Malagnou", "Vieille-Ville", "Bastions", "Cluse", "Roseraie", "Bout-du-Monde", "Concorde",
    "Bouchet", "Vieusseux", "Franchises", "Délices", "Prairie", "Montbrillant", "Nations",
)  # fmt: skip
WEST, SOUTH, EAST, NORTH = 6.11, 46.18, 6.18, 46.23
"""Where perimeters lie: the city, in degrees."""

_TOKEN: Final = re.compile(rb"@(\w+)@")
_PERIMETER: Final = re.compile(rb'"coordinates":\[\[\[.*?\]\]\]')
_TEXT: Final = re.compile(rb'"text":"([0-9a-f-]{36})"')


@dataclass(frozen=True, slots=True)
class Step:
    """A judged decision: its row but for the contract, its payload, and the texts behind it."""

    event: dict[str, Any]
    payload: bytes
    texts: list[dict[str, str]]


Copy = Iterator[tuple[dict[str, Any], list[dict[str, str]]]]
"""Events in order, each with the texts behind it."""


def fill(
    contracts: int,
    *,
    days: int = 30,
    prefix: str = "quartier",
    abreast: int = 60,
    seed: int = 1,
) -> int:
    """Append contracts, and say how many events they have.

    Args:
        contracts: how many, called `<prefix>-<number>`.
        days: finished days over which they are recorded.
        prefix: what their ids begin with.
        abreast: contracts whose decisions are mixed with one another.
        seed: of all that is chosen.
    """
    chance = random.Random(f"{prefix} {seed}")  # noqa: S311 - the same log every time
    for handle in ("anna", "bruno", "claire", "david", "emma", "association"):
        vault.add_person(handle, by="bench", person_id=person(handle))
    lives = [_lived(each) for each in _told(chance)]
    steps = _mixed(
        (
            _copied(f"{prefix}-{number}", chance.choice(lives), chance)
            for number in range(contracts)
        ),
        abreast,
        chance,
    )
    written = 0
    per_day = contracts * sum(map(len, lives)) // len(lives) // days + 1
    for ago in range(days, 0, -1):
        with _recorded(ago):
            today = itertools.islice(steps, per_day) if ago > 1 else steps
            written += _append(today)
    return written


def _told(chance: random.Random) -> Iterator[Story]:
    """The lives, each on days of its own, with sums and titles of its own."""
    shapes = [story for share, story in SHARES for _ in range(share)]
    for number in range(TOLD):
        later = dt.timedelta(chance.randrange(2900))
        times = chance.randrange(1, 40)
        titles = itertools.count()
        yield tuple(
            _elsewhere(taken, later, times, titles) for taken in shapes[number % len(shapes)]
        )


def _elsewhere(taken: Taken, later: dt.timedelta, times: int, titles: Iterator[int]) -> Taken:
    def other(name: str, value: Any) -> Any:
        if isinstance(value, list):
            return [other(name, each) for each in value]
        if isinstance(value, dict):
            return {key: other(key, each) for key, each in value.items()}
        return single(name, value) if isinstance(value, str) else value

    def single(name: str, value: str) -> str:
        if name in MONEY:
            return str(Decimal(value) * times)
        if name in {"title", "place"}:
            return f"@{name}{next(titles)}@"
        if name in {"territory", "streets"}:
            return f"@{name}@"
        with contextlib.suppress(ValueError):
            return (dt.date.fromisoformat(value) + later).isoformat()
        return IN_GENEVA.get(value, value)

    fields = {name: other(name, value) for name, value in taken.fields.items()}
    return replace(taken, fields=fields, decided_on=taken.decided_on + later)


def _lived(story: Story) -> list[Step]:
    """The story's decisions, judged one after the other; what is departed from has a reason."""
    contract = Contract("bench")
    steps = []
    for taken in story:
        sent = Submission(
            kind=taken.kind,
            data=json.dumps(taken.fields).encode(),
            body=taken.by,
            decided_on=taken.decided_on,
            account=ACCOUNT,
            today=now().date(),
        )
        try:
            draft = sent.draft(contract)
        except Refused as refused:
            reasons = {finding.id: "Pour mesurer." for finding in refused.findings}
            draft = replace(sent, departures=reasons).draft(contract)
        payload = write(draft.decision, draft.act)
        steps.append(Step(draft.event(), payload, draft.keeper.texts))
        contract.evolve(draft.recorded(draft.version, now()))
    return steps


def _mixed(coming: Iterator[Copy], abreast: int, chance: random.Random) -> Copy:
    """The events of all contracts, so many of these in hand at a time."""
    in_hand = list(itertools.islice(coming, abreast))
    while in_hand:
        place = chance.randrange(len(in_hand))
        if (step := next(in_hand[place], None)) is not None:
            yield step
        elif (another := next(coming, None)) is not None:
            in_hand[place] = another
        else:
            del in_hand[place]


def _copied(name: str, life: list[Step], chance: random.Random) -> Copy:
    """A life as that of another contract."""
    territory = chance.choice(PLACES)
    chosen: dict[bytes, bytes] = {b"territory": territory.encode(), b"streets": b"Rue de Berne"}

    def wording(found: re.Match[bytes]) -> bytes:
        token = found[1]
        if token not in chosen:
            chosen[token] = (
                f"Contrat de quartier {territory}"
                if token == b"title0"
                else f"{chance.choice(WORKS)} {chance.choice(THINGS)} {chance.choice(PLACES)}"
            ).encode()
        return chosen[token]

    for step in life:
        payload = _TOKEN.sub(wording, step.payload)
        if step.event["type"] == "perimeter-set":
            payload = _PERIMETER.sub(_perimeter(chance), payload)
        texts = []
        if step.texts:
            ids = {each["id"]: str(uuid.UUID(int=chance.getrandbits(128))) for each in step.texts}
            payload = _TEXT.sub(
                lambda found, ids=ids: b'"text":"%b"' % ids[found[1].decode()].encode(), payload
            )
            texts = [each | {"id": ids[each["id"]], "contract": name} for each in step.texts]
        yield {**step.event, "contract": name, "payload": orjson.Fragment(payload)}, texts


def _perimeter(chance: random.Random) -> bytes:
    """A small one anywhere in the city, counter-clockwise."""
    west, south = chance.uniform(WEST, EAST), chance.uniform(SOUTH, NORTH)
    east, north = west + chance.uniform(0.001, 0.006), south + chance.uniform(0.001, 0.004)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return b'"coordinates":' + orjson.dumps([[[round(n, 6) for n in each] for each in ring]])


def _append(steps: Copy) -> int:
    written = 0
    events: list[dict[str, Any]] = []
    texts: list[dict[str, str]] = []
    for event, behind in steps:
        if len(events) == LARGEST or len(texts) + len(behind) > LARGEST:
            append(Write(events, texts))
            written += len(events)
            events, texts = [], []
        events.append(event)
        texts += behind
    append(Write(events, texts))
    return written + len(events)


@contextlib.contextmanager
def _recorded(ago: int) -> Iterator[None]:
    """Let the log's clock be so many days behind meanwhile, which nobody but its owner can."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('append(json,json,json)'::regprocedure)")
        (written,) = cursor.fetchone()
        assert written.count("clock_timestamp()") == 1
        cursor.execute(
            written.replace(
                "clock_timestamp()", f"(clock_timestamp() - make_interval(days => {ago}))"
            )
        )
    try:
        yield
    finally:
        with as_owner(), connection.cursor() as cursor:
            cursor.execute(written)


def projected() -> int:
    """Make every read model of what is in the log, and let PostgreSQL look at it all."""
    from infra.eventstore.source import StoredEvents  # noqa: PLC0415
    from projections.catalogue import PROJECTIONS  # noqa: PLC0415
    from projections.engine.rebuild import rebuild  # noqa: PLC0415

    events = rebuild(StoredEvents(), PROJECTIONS.values()).events
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return events


if __name__ == "__main__":
    import time

    import django

    django.setup()
    began = time.perf_counter()
    sys.stdout.write(f"{fill(int(sys.argv[1]))} events\n")
    sys.stdout.write(f"{time.perf_counter() - began:.1f} s\n")
    sys.stdout.write(f"{projected()} projected\n")
    sys.stdout.write(f"{time.perf_counter() - began:.1f} s\n")
