"""Signed notes, and the checkpoints that are written in them.

    quartier.example/log                         the log's name: its origin
    3                                            leaves in the tree
    nTU2Z7eDCSbjOvnoERbIIvNSrvUGuuCE1wMkZiJXJfk= root of the tree
                                                 (a blank line ends the text)
    — quartier.example/log 4cBwTz…               key id and signature, base64
    — witness.example/w jWbPPwAA…                key id, time and cosignature, base64

After C2SP signed-note, tlog-checkpoint and tlog-cosignature. Keys are written as there, and
secret ones as golang.org/x/mod/sumdb/note writes them.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from infra.log.merkle import HASH_SIZE

ED25519: Final = 1
COSIGNATURE: Final = 4
KEY_SIZE: Final = 32
MAX_NOTE: Final = 100_000
"""Bytes in a note that is read: sixteen signatures of any kind fit in it."""

_NAME: Final = re.compile(r"[^\s+\x00-\x1f\x7f]+")
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_PRIVATE: Final = "PRIVATE+KEY+"


class NoteError(ValueError):
    """It is not a signed note, or not a checkpoint, or not signed as it must be."""


# --- Keys ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key, the name it signs under, and the kind of signature it makes."""

    name: str
    algorithm: int
    public: bytes

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Read `<name>+<key id, hex>+<base64>`.

        Raises:
            NoteError: it is not written so, or its parts do not belong together.
        """
        name, _, rest = vkey.partition("+")
        given_id, _, encoded = rest.partition("+")
        data = _base64(encoded)
        if not is_name(name) or len(data) != 1 + KEY_SIZE:
            raise NoteError("not a verifier key")
        if data[0] not in {ED25519, COSIGNATURE}:
            raise NoteError(f"keys of type {data[0]} are not known here")
        key = cls(name, data[0], data[1:])
        if key.id.hex() != given_id:
            raise NoteError(f"the key's id is {key.id.hex()}, not {given_id}")
        return key

    @property
    def id(self) -> bytes:
        """Four bytes that, with the name, tell which key a signature is by."""
        written = self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public
        return sha256(written).digest()[:4]

    def __str__(self) -> str:
        encoded = b64encode(bytes([self.algorithm]) + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{encoded}"

    def verifies(self, text: str, signature: bytes) -> bool:
        """Whether the signature, without its key id, is this key's over the text."""
        message = text.encode()
        if self.algorithm == COSIGNATURE:
            time, signature = int.from_bytes(signature[:8]), signature[8:]
            message = cosigned(text, time)
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A secret key and the name it signs under. Its `repr` shows neither."""

    name: str
    _private: Ed25519PrivateKey

    @classmethod
    def generate(cls, name: str) -> Self:
        """A new key.

        Raises:
            NoteError: nothing may be named so.
        """
        if not is_name(name):
            raise NoteError("a key's name has no spaces and no +")
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read `PRIVATE+KEY+<name>+<key id, hex>+<base64>`.

        Raises:
            NoteError: it is not written so. The sentence repeats nothing of it.
        """
        parts = line.removeprefix(_PRIVATE).split("+", 2)
        data = _base64(parts[-1])
        if not line.startswith(_PRIVATE) or len(data) != 1 + KEY_SIZE or data[0] != ED25519:
            raise NoteError("not a signing key")
        key = cls(parts[0], Ed25519PrivateKey.from_private_bytes(data[1:]))
        if not is_name(key.name) or key.verifier.id.hex() != parts[1]:
            raise NoteError("the signing key's parts do not belong together")
        return key

    def encode(self) -> str:
        """The secret key in writing: for the key file only."""
        secret = b64encode(bytes([ED25519]) + self._private.private_bytes_raw()).decode()
        return f"{_PRIVATE}{self.name}+{self.verifier.id.hex()}+{secret}"

    @property
    def verifier(self) -> VerifierKey:
        """The public key."""
        return VerifierKey(self.name, ED25519, self._private.public_key().public_bytes_raw())

    def sign(self, text: str) -> Signature:
        """The signature line over a note's text, which ends in a newline."""
        return Signature(self.name, self.verifier.id, self._private.sign(text.encode()))

    def __repr__(self) -> str:
        return f"<SigningKey of {self.verifier}>"


def is_name(name: str) -> bool:
    """Whether a key may be named so."""
    return _NAME.fullmatch(name) is not None


def cosigned(text: str, time: int) -> bytes:
    """What a witness signs: that it saw this checkpoint at that time, in Unix seconds."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


# --- Notes --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line; `value` for a witness is the time, 8 bytes, and the signature."""

    name: str
    key_id: bytes
    value: bytes

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read `— <name> <base64>`.

        Raises:
            NoteError: it is not written so.
        """
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        data = _base64(encoded)
        if dash != "—" or not is_name(name) or len(data) <= 4:  # noqa: PLR2004 - the key id
            raise NoteError("not a signature line")
        return cls(name, data[:4], data[4:])

    def __str__(self) -> str:
        return f"— {self.name} {b64encode(self.key_id + self.value).decode()}"


@dataclass(frozen=True, slots=True)
class Note:
    """A text, ending in a newline, and its signatures."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, written: bytes | str) -> Self:
        """Read a note; nothing is verified yet.

        Raises:
            NoteError: it is not a note.
        """
        try:
            note = written.decode() if isinstance(written, bytes) else written
        except UnicodeDecodeError:
            raise NoteError("a note is UTF-8") from None
        text, blank, lines = note.rpartition("\n\n")
        if len(note) > MAX_NOTE or not blank or not lines.endswith("\n"):
            raise NoteError("not a signed note")
        if any(character < " " and character != "\n" for character in note):
            raise NoteError("a note has no control characters")
        return cls(text + "\n", tuple(map(Signature.parse, lines[:-1].split("\n"))))

    def __str__(self) -> str:
        return f"{self.text}\n" + "".join(f"{signature}\n" for signature in self.signatures)

    def verified(self, keys: Iterable[VerifierKey]) -> list[VerifierKey]:
        """The keys that signed it, out of those known.

        Raises:
            NoteError: a known key is named whose signature is not its own, or none signed it.
        """
        known = {(key.name, key.id): key for key in keys}
        signed = []
        for signature in self.signatures:
            key = known.get((signature.name, signature.key_id))
            if key is None:
                continue
            if not key.verifies(self.text, signature.value):
                raise NoteError(f"the signature of {key.name} is false")
            if key not in signed:
                signed.append(key)
        if not signed:
            raise NoteError("no known key has signed it")
        return signed


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a tree: whose it is, how many leaves, and their root."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a checkpoint's note. Extension lines are passed over.

        Raises:
            NoteError: it is not written as a checkpoint is.
        """
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() or not all(lines):  # noqa: PLR2004 - three, each ended
            raise NoteError("a checkpoint has an origin, a size and a root")
        origin, size, root = lines[0], lines[1], _base64(lines[2])
        if not _DECIMAL.fullmatch(size) or len(root) != HASH_SIZE:
            raise NoteError("the checkpoint's size or root is not well written")
        return cls(origin, int(size), root)

    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


def _base64(text: str) -> bytes:
    """Standard base64 with its padding, written in the one right way."""
    try:
        data = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError("not base64") from None
    if b64encode(data).decode() != text:
        raise NoteError("not base64")
    return data
