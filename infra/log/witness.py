"""Asks witnesses to cosign checkpoints: C2SP tlog-witness, `add-checkpoint`.

A witness is somebody else's service that remembers the newest checkpoint of each log it has seen
and cosigns only what extends it. `QUARTIER_WITNESSES_FILE` names a file with one a line:

    witness.example/w1+4f6a…+BA…  https://witness.example/add-checkpoint

What they answer is verified, stored and served with the checkpoint. That a witness is silent or
refuses holds nothing up.
"""

from __future__ import annotations

import http.client
import os
import re
import time
from base64 import b64encode
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import structlog

from infra.database.connection import dedicated
from infra.log import tiles
from infra.log.merkle import consistency_proof
from infra.log.notes import COSIGNATURE, Note, NoteError, Signature, VerifierKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.log.tiles import Cursor, Sealed

log = structlog.get_logger(__name__)

TIMEOUT: Final = 5.0
"""Seconds that a witness has to answer."""

RETRY: Final = 30.0
"""Seconds after which a witness who did not cosign is asked again."""

MOST_READ: Final = 10_000
_SIZE: Final = re.compile(r"\d{1,18}", re.ASCII)
"""Bytes of its answer that are read."""


class WitnessError(Exception):
    """It did not cosign, and why."""


@dataclass(frozen=True, slots=True)
class Witness:
    """Somebody who cosigns: the key, and the address of `add-checkpoint`."""

    key: VerifierKey
    url: str


def witnesses() -> list[Witness]:
    """Those that the file names; none without it.

    Raises:
        WitnessError: the file cannot be read or is not well written; names the line.
    """
    given = os.environ.get("QUARTIER_WITNESSES_FILE")
    if not given:
        return []
    try:
        lines = Path(given).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise WitnessError(f"The witnesses cannot be read: {error}.") from error
    return [
        _witness(number, line)
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.startswith("#")
    ]


def _witness(number: int, line: str) -> Witness:
    vkey, _, url = line.strip().partition(" ")
    try:
        key = VerifierKey.parse(vkey)
    except NoteError as error:
        raise WitnessError(f"Line {number} begins with no witness's key: {error}.") from error
    if key.algorithm != COSIGNATURE or urlsplit(url.strip()).scheme not in {"http", "https"}:
        raise WitnessError(f"Line {number} does not name a witness's key and address.")
    return Witness(key, url.strip())


class Cosigner:
    """Has the newest checkpoint cosigned, step by step, beside the sealing: for a worker."""

    def __init__(self) -> None:
        self._tried = (-1, 0.0)

    def step(self) -> bool:
        """Ask the witnesses whose cosignature is missing; never more to do at once.

        Raises:
            WitnessError: the file of witnesses is not well written.
        """
        if asked := witnesses():
            with dedicated() as connection, connection.cursor() as cursor:
                size, at = self._tried
                newest = tiles.sealed_size(cursor)
                if newest != size or time.monotonic() > at + RETRY:
                    self._tried = newest, time.monotonic()
                    cosign(cursor, asked)
        return False


def cosign(cursor: Cursor, asked: Sequence[Witness]) -> int:
    """Have the witnesses cosign the newest checkpoint, those who have not; how many did.

    What they answer is stored; that one refuses is logged.
    """
    sealed = tiles.latest(cursor) or tiles.NOTHING
    missing = [each for each in asked if sealed.text and str(each.key) not in sealed.signers]
    done = 0
    for witness in missing:
        about = {"witness": witness.key.name, "size": sealed.size}
        try:
            store(cursor, sealed.size, witness.key, submit(cursor, witness, sealed))
        except WitnessError as error:
            log.warning("cosignature_not_given", error=str(error), **about)
        else:
            log.info("checkpoint_cosigned", **about)
            done += 1
    return done


def submit(cursor: Cursor, witness: Witness, sealed: Sealed) -> Signature:
    """Ask one witness; its cosignature, verified.

    Raises:
        WitnessError: it gave none.
    """
    old = _seen(cursor, witness.key)
    status, answer = _ask(cursor, witness, sealed, old)
    if status == http.client.CONFLICT:
        # It has seen another size than we think, and says which.
        size = answer.decode("ascii", "replace").strip()
        if not _SIZE.fullmatch(size) or int(size) > sealed.size:
            raise WitnessError(f"it has seen a tree of {size[:20]!r}")
        status, answer = _ask(cursor, witness, sealed, int(size))
    if status != http.client.OK:
        raise WitnessError(f"status {status}")
    return _cosignature(witness.key, sealed, answer)


def store(cursor: Cursor, size: int, key: VerifierKey, line: Signature) -> None:
    """Keep a cosignature, to be served with its checkpoint."""
    cursor.execute(
        "INSERT INTO log_signature (size, key, line) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        [size, str(key), str(line)],
    )


def _seen(cursor: Cursor, key: VerifierKey) -> int:
    """The largest tree that this witness has cosigned, as far as we know."""
    query = "SELECT coalesce(max(size), 0) FROM log_signature WHERE key = %s"
    row = cursor.execute(query, [str(key)]).fetchone()
    return int(row[0]) if row else 0


def request_body(cursor: Cursor, sealed: Sealed, old: int) -> bytes:
    """The body of `add-checkpoint`: the size it has seen, the proof from there, the checkpoint."""
    hashes = tiles.make(cursor, sealed.size, partial(consistency_proof, old, sealed.size))
    own = Note(sealed.text, sealed.note().signatures)
    lines = [f"old {old}", *(b64encode(each).decode() for each in hashes)]
    return ("\n".join(lines) + f"\n\n{own}").encode()


def _ask(cursor: Cursor, witness: Witness, sealed: Sealed, old: int) -> tuple[int, bytes]:
    parts = urlsplit(witness.url)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=TIMEOUT)
    try:
        connection.request("POST", parts.path or "/", request_body(cursor, sealed, old))
        response = connection.getresponse()
        return response.status, response.read(MOST_READ)
    except (OSError, http.client.HTTPException) as error:
        raise WitnessError(f"it does not answer: {error}") from error
    finally:
        connection.close()


def _cosignature(key: VerifierKey, sealed: Sealed, answer: bytes) -> Signature:
    """The one line of the answer that is this witness's, once it is verified."""
    try:
        note = Note.parse(sealed.text.encode() + b"\n" + answer)
        note.verified([key])
    except NoteError as error:
        raise WitnessError(f"its answer does not verify: {error}") from error
    return next(line for line in note.signatures if (line.name, line.key_id) == (key.name, key.id))
