"""The transparency log: how soon a decision is sealed, what verifying costs, what a proof costs."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import structlog

from infra.log.merkle import (
    HASH_SIZE,
    TILE_WIDTH,
    Tile,
    inclusion_proof,
    root_from_inclusion,
    root_hash,
    tile_root,
)
from tests.bench.measure import Figure, Ratio, rate, seconds

if TYPE_CHECKING:
    from tests.bench.place import Place

EVENTS = 1_000_000
LEAVES = 10_000_000
SQL = Path(__file__).parents[2] / "infra" / "sql" / "0100_log.sql"

INTO_TILES = "COPY log_tile (level, index, hashes, root) FROM STDIN (FORMAT BINARY)"

_names = iter(range(10**9))


@contextlib.contextmanager
def keys() -> Iterator[Path]:
    """A key file for the time of a benchmark; what it signs is this database's log."""
    folder = Path(os.environ.setdefault("QUARTIER_BENCH_KEYS", tempfile.mkdtemp()))
    os.environ["QUARTIER_SIGNING_KEY_FILE"] = str(folder / "log-key")
    yield folder / "log-key"


def append_one(_: int = 0) -> None:
    """Record one decision, the first of a contract of its own."""
    from infra.eventstore.append import Write, append  # noqa: PLC0415 - settings come first

    append(
        Write(
            [
                {
                    "contract": f"sealed-{os.getpid()}-{next(_names)}",
                    "version": 1,
                    "type": "promotion-activity-held",
                    "schema": 1,
                    "body": "community_unit",
                    "decided_on": "2020-05-04",
                    "recorded_by": "bench",
                    "payload": {"data": {"audience": "Habitant-e-s", "means": "stall"}},
                }
            ]
        )
    )


# --- Sealing ------------------------------------------------------------------------------------


@contextlib.contextmanager
def sealing() -> Iterator[None]:
    """The worker that seals, in a thread."""
    from infra.log.sealing import Sealer  # noqa: PLC0415 - settings come first
    from infra.operations.worker import Worker, in_steps  # noqa: PLC0415

    with keys() as file:
        sealer = Sealer(file)
        worker = Worker([in_steps("seal", sealer.step)])
        thread = threading.Thread(target=worker.run)
        thread.start()
        try:
            yield
        finally:
            worker.stop()
            thread.join()
            sealer.close()


def soon_sealed(place: Place) -> Iterator[Figure]:
    """At rest, and at the end of a storm of appends."""
    from infra.database.connection import cursor  # noqa: PLC0415 - settings come first
    from infra.eventstore.store import log_size  # noqa: PLC0415
    from infra.log.sealing import unsealed, wait_until_sealed  # noqa: PLC0415

    def until_sealed() -> float:
        append_one()
        return seconds(partial(wait_until_sealed, cursor(), log_size(), 60))

    with sealing():
        append_one()
        wait_until_sealed(cursor(), log_size(), 60)
        taken = []
        for _ in range(20):
            time.sleep(0.3)
            taken.append(1e3 * until_sealed())
        yield Figure(
            "a decision at rest is under a signed checkpoint, at most", max(taken), "ms", 1e3
        )
        reached = rate(append_one, writers=4, seconds=5)
        behind = unsealed(cursor())
        left = seconds(partial(wait_until_sealed, cursor(), log_size(), 60))
        yield Figure(
            f"after 5 s of {reached:,.0f} appends/s all is sealed ({behind:,} were not)",
            1e3 * left,
            "ms",
            1e3,
        )


# --- Verified replay ----------------------------------------------------------------------------


def fill(place: Place, events: int) -> None:
    """Copies of the first example's decisions, until there are so many events."""
    import datetime as dt  # noqa: PLC0415

    from infra.accounts import Role, create_account  # noqa: PLC0415 - settings come first
    from infra.exchange.importing import import_file  # noqa: PLC0415
    from infra.operations.up import EXAMPLES  # noqa: PLC0415

    for role in Role:
        create_account(role.value, role)
    with EXAMPLES[0].open("rb") as stream:
        if (report := import_file(stream, now=dt.datetime.now(dt.UTC))).faulty:
            raise RuntimeError(report.faults[0])
    with psycopg.connect(place.url, autocommit=True) as owner:
        owner.execute(
            "WITH life AS (SELECT * FROM event WHERE contract = 'paquis'), made AS ("
            " INSERT INTO event SELECT"
            "  (SELECT size FROM event_log) + row_number() OVER (ORDER BY copy, version),"
            "  'copy-' || copy, version, type, schema, body, decided_on, recorded_at,"
            "  recorded_by, payload"
            " FROM life, generate_series(1, %s / (SELECT count(*) FROM life)) AS copy RETURNING 1"
            ") UPDATE event_log SET size = size + (SELECT count(*) FROM made)",
            [events],
        )


def by_turns(*readings: Iterator[None], some: int = 10_000) -> list[float]:
    """Seconds that each takes to its end, in turns: the machine's moods fall on all alike."""
    taken = [0.0] * len(readings)
    going = True
    while going:
        going = False
        for number, reading in enumerate(readings):
            began = time.perf_counter()
            going |= sum(1 for _ in itertools.islice(reading, some)) == some
            taken[number] += time.perf_counter() - began
    return taken


def verified_replay(place: Place) -> Iterator[Ratio]:
    """Read, hash, decode and fold every decision, beside reading and decoding them."""
    from domain.kernel.contract import Contract  # noqa: PLC0415 - settings come first
    from infra.database.connection import dedicated  # noqa: PLC0415
    from infra.eventstore.store import COLUMNS, log_size, recorded_of  # noqa: PLC0415
    from infra.log.replay import FETCHED, verified  # noqa: PLC0415
    from infra.log.sealing import seal_all  # noqa: PLC0415

    fill(place, EVENTS)
    size = log_size()
    with keys() as file:
        sealed = seconds(partial(seal_all, file))
    structlog.get_logger().info("sealed", leaves_per_second=size / sealed)

    def fold() -> Iterator[None]:
        contracts: dict[str, Contract] = {}
        for recorded in verified():
            state = contracts.get(recorded.contract)
            if state is None:
                state = contracts[recorded.contract] = Contract(recorded.contract)
            recorded.decision.apply(state, recorded.act)
            yield

    def read() -> Iterator[None]:
        with dedicated() as connection:
            connection.autocommit = False
            with psycopg.ServerCursor[Any](connection, "bare") as rows:
                rows.itersize = FETCHED
                rows.execute(f"SELECT {COLUMNS} FROM event ORDER BY position")
                for row in rows:
                    recorded_of(row)
                    yield

    ours, theirs = by_turns(fold(), read())
    yield Ratio(
        f"verified replay of {size:,} events, beside reading and decoding them",
        size / ours,
        size / theirs,
        unit="events/s",
        mark=0.4,
    )
    yield Ratio("sealing a backlog, beside 3,000 appends/s", size / sealed, 3000, "leaves/s", 1)


# --- Proofs -------------------------------------------------------------------------------------


def proof_of_any_leaf(place: Place, leaves: int = LEAVES) -> Iterator[Figure]:
    """In a tree of ten million leaves, out of the table of tiles and nothing else."""
    from infra.log import tiles  # noqa: PLC0415 - settings come first

    url = place.database("tiles")
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(SQL.read_bytes())
        grow(cursor, leaves)
        cursor.execute("CHECKPOINT")
        root = tiles.make(cursor, leaves, partial(root_hash, leaves))

        def prove(index: int) -> list[bytes]:
            return tiles.make(cursor, leaves, partial(inclusion_proof, index, leaves))

        some = [0, leaves - 1, *random.Random(1).sample(range(leaves), 98)]  # noqa: S311
        slowest = max(seconds(partial(prove, index), times=5) for index in some)
        for index in some:
            first = index - index % TILE_WIDTH
            tile = Tile(0, first // TILE_WIDTH, min(TILE_WIDTH, leaves - first))
            at = (index - first) * HASH_SIZE
            leaf = tiles.read_tile(cursor, tile)[at : at + HASH_SIZE]
            if root_from_inclusion(index, leaves, leaf, prove(index)) != root:
                raise RuntimeError(f"leaf {index} is not proved")
    yield Figure(
        f"proof of any of {leaves:,} leaves, from tiles: the slowest of {len(some)}",
        1e3 * slowest,
        "ms",
        10,
    )


def grow(cursor: psycopg.Cursor[Any], leaves: int) -> None:
    """Store the tiles of a tree of so many leaves, whose hashes are random."""
    chance = random.Random(0)  # noqa: S311 - reproducible, not secret
    level, count, below = 0, leaves, b""
    while count:
        full, loose = divmod(count, TILE_WIDTH)
        roots = bytearray()
        with cursor.copy(
            "COPY log_tile (level, index, hashes, root) FROM STDIN (FORMAT BINARY)"
        ) as copy:
            copy.set_types(["int2", "int8", "bytea", "bytea"])
            for index in range(full):
                at = index * TILE_WIDTH * HASH_SIZE
                hashes = (
                    below[at : at + TILE_WIDTH * HASH_SIZE]
                    if level
                    else chance.randbytes(TILE_WIDTH * HASH_SIZE)
                )
                root = tile_root(hashes)
                roots += root
                copy.write_row((level, index, hashes, root))
        if level == 0:
            cursor.execute(
                "INSERT INTO log_checkpoint (size, root, text, tail) VALUES (%s, %s, '', %s)",
                [leaves, bytes(HASH_SIZE), chance.randbytes(loose * HASH_SIZE)],
            )
        level, count, below = level + 1, full, bytes(roots)
