"""The file with the log's keys, and the note of what they have signed last.

    PRIVATE+KEY+quartier.example/log+5ff4…+Ab…     signs
    quartier.example/log+1a2b…+AQ…                 retired: verifies, and signs no more

Every secret key in the file signs each checkpoint, so that while a key is being replaced,
whoever knows either of them can verify. All keys have one name: the log's origin.

Beside the file, under its name and `.signed`, is the last checkpoint these keys have signed (in
`QUARTIER_HOME` where the file's folder is read-only, as a container's secrets are). It is written
before a signature leaves the process, and nothing that contradicts it is signed, even if the
database is put back to an earlier state.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from django.core.exceptions import ImproperlyConfigured

from infra.conf import environment
from infra.log.findings import Fault, Refused, finding
from infra.log.notes import Checkpoint, Note, NoteError, SigningKey, VerifierKey

HEADER = "# The keys of Quartier's log. Whoever can read this can sign in its name.\n"


class KeyFileError(ImproperlyConfigured):
    """The key file is missing, is readable by others, or is not what it should be."""


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The keys of one log, the newest first."""

    signing: tuple[SigningKey, ...]
    retired: tuple[VerifierKey, ...] = ()

    @property
    def origin(self) -> str:
        """The name of the log."""
        return self.signing[0].name

    @property
    def active(self) -> tuple[VerifierKey, ...]:
        """The public keys of those that sign."""
        return tuple(key.verifier for key in self.signing)

    @property
    def known(self) -> tuple[VerifierKey, ...]:
        """Every public key that may have signed for this log."""
        return (*self.active, *self.retired)

    @classmethod
    def generate(cls, origin: str | None = None) -> Self:
        """A new key for a new log.

        Args:
            origin: the log's name, as an address without its scheme; made up by default.
        """
        return cls((SigningKey.generate(origin or f"quartier.local/{secrets.token_hex(4)}"),))

    def rotated(self) -> LogKeys:
        """With a new key before the present ones, which go on signing."""
        return LogKeys((SigningKey.generate(self.origin), *self.signing), self.retired)

    def settled(self) -> LogKeys:
        """With only the newest key signing; of the others the secret is forgotten."""
        newest, *others = self.signing
        return LogKeys((newest,), (*(key.verifier for key in others), *self.retired))

    @classmethod
    def parse(cls, written: str) -> Self:
        """Read a key file.

        Raises:
            NoteError: a line is no key, there is no secret one, or they have several names.
        """
        lines = [line for line in written.splitlines() if line and not line.startswith("#")]
        secret = [line for line in lines if line.startswith("PRIVATE+KEY+")]
        keys = cls(
            tuple(map(SigningKey.parse, secret)),
            tuple(VerifierKey.parse(line) for line in lines if line not in secret),
        )
        if not keys.signing or len({key.name for key in keys.known}) > 1:
            raise NoteError("the file needs a signing key, and all its keys one name")
        return keys

    def __str__(self) -> str:
        """What the file holds: secret."""
        lines = [*(key.encode() for key in self.signing), *map(str, self.retired)]
        return HEADER + "".join(f"{line}\n" for line in lines)


# --- The file -----------------------------------------------------------------------------------


def key_file() -> Path:
    """Where the keys are: `QUARTIER_SIGNING_KEY_FILE`, or a place of this machine.

    Raises:
        KeyFileError: in production it must be said.
    """
    if given := os.environ.get("QUARTIER_SIGNING_KEY_FILE"):
        return Path(given)
    if environment.is_production():
        raise KeyFileError("QUARTIER_ENV=production, but QUARTIER_SIGNING_KEY_FILE is not set.")
    return environment.HOME / "log-key"


def read_keys(file: Path) -> LogKeys:
    """The keys in a file.

    Raises:
        KeyFileError: it cannot be read, others may read it, or it holds something else.
    """
    try:
        status = file.stat()
        written = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(f"The log's keys cannot be read: {error}.") from error
    # Who a container's secrets belong to, and their mode, is not ours to say.
    if status.st_mode & 0o077 and status.st_uid == os.getuid():
        raise KeyFileError(f"{file} can be read by others: chmod 600 {file}")
    try:
        return LogKeys.parse(written)
    except NoteError as error:
        raise KeyFileError(f"{file} does not hold the log's keys: {error}.") from error


def demand_keys() -> None:
    """Refuse to start in production without keys that can be read; elsewhere they are made.

    Raises:
        KeyFileError: what is missing.
    """
    if environment.is_production():
        read_keys(key_file())


def write_keys(file: Path, keys: LogKeys, *, new: bool = False) -> None:
    """Write the keys where only the present user can read them, all or nothing.

    Args:
        file: its folder is made when missing.
        keys: what to write.
        new: refuse to write over a file that is there.

    Raises:
        KeyFileError: there is one already.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    if new:
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise KeyFileError(f"{file} is there already.") from None
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(str(keys))
            stream.flush()
            os.fsync(stream.fileno())
    else:
        _replace(file, str(keys))


def ensure_keys(file: Path) -> LogKeys:
    """The keys in a file, made if there is none yet, except in production.

    Raises:
        KeyFileError: in production there is none.
    """
    if not file.exists() and not environment.is_production():
        # Another process may make them at the same moment.
        with contextlib.suppress(KeyFileError):
            write_keys(file, LogKeys.generate(), new=True)
    return read_keys(file)


# --- What was signed last -----------------------------------------------------------------------


def mark_file(file: Path) -> Path:
    """Where it is noted what the keys of that file have signed last."""
    folder = file.parent if os.access(file.parent, os.W_OK) else environment.HOME
    return folder / f"{file.name}.signed"


def read_mark(file: Path, keys: LogKeys) -> Checkpoint | None:
    """The largest tree that these keys have signed; None if they never have.

    Raises:
        Refused: it is there and cannot be read, or is not signed by these keys.
    """
    mark = mark_file(file)
    try:
        note = Note.parse(mark.read_bytes())
        note.verified(keys.known)
        return Checkpoint.parse(note.text)
    except FileNotFoundError:
        return None
    except (OSError, NoteError) as error:
        raise Refused(finding(Fault.MARK_UNREADABLE, file=str(mark), why=str(error))) from error


def write_mark(file: Path, note: Note) -> None:
    """Note what the keys of that file are about to have signed. On the disk when it returns."""
    _replace(mark_file(file), str(note))


def _replace(file: Path, written: str) -> None:
    """Put a file in another's place, readable by the present user only."""
    descriptor, draft = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(written)
            stream.flush()
            os.fsync(stream.fileno())
        Path(draft).replace(file)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
