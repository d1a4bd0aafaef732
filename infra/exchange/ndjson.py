"""The file format of import and export: NDJSON, persons first, then one decision a line.

    {"person": "delegate-1", "name": "…", "contact": "…"}
    {"contract": "paquis", "decision": "delegate-elected", "decided_on": "2014-04-16",
     "by": "coordinator", "data": {"person": "delegate-1", …}, "evidence": […]}

(one line each). What a file names, it names in its own words:

- where `data` asks for a person it gives a handle of the file's;
- where a correction asks for a position it gives the `label` of the line that it corrects, since
  nobody knows positions before they are given out; an integer is a position in the store;
- where an erasure asks for a text it gives a label and a JSON pointer: `"letter#/data/reason"`;
- `by` is the account that recorded it where the file comes from, and `body` the body that
  decided, needed only where several may.

`name` may be left out: then it is not known who the person is. An empty line means nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Annotated, Any, BinaryIO, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    StringConstraints,
    ValidationError,
)

from domain.kernel.characters import NAME_LIMIT, clean_name, clean_text
from domain.kernel.values import Key
from infra.accounts import NAME_PATTERN
from infra.recording.parsing import pointer
from infra.recording.refusals import FieldError

LONGEST_LINE: Final = 5 * 1024 * 1024
"""Bytes; as much as one request may have."""

Handle = Annotated[str, StringConstraints(min_length=1, max_length=120)]
_Name = Annotated[str, StringConstraints(max_length=NAME_LIMIT), AfterValidator(clean_name)]
_Contact = Annotated[str, StringConstraints(max_length=1000), AfterValidator(clean_text)]


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class PersonLine(_Line):
    """Somebody that the decisions name."""

    person: Handle
    name: _Name | None = None
    contact: _Contact | None = None


class DecisionLine(_Line):
    """A decision as a file has it; most of it is read only when it is judged."""

    contract: Key
    decision: str
    decided_on: Any = None
    by: Annotated[str, StringConstraints(pattern=NAME_PATTERN)] = "import"
    body: Any = None
    label: Handle | None = None
    data: dict[str, Any]
    evidence: Any = None
    departures: Any = None


Faults = list[FieldError]
"""Everything that is wrong with a line that is not in the format."""

Line = PersonLine | DecisionLine | Faults


class _NotJson(ValueError):
    """JSON that two readers would read differently."""


def read_lines(file: BinaryIO) -> Iterator[tuple[int, Line]]:
    """The lines of a file, each with its number from 1, one at a time.

    A byte order mark and CRLF are taken as well.
    """
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            _skip_line(file, line)
            message = f"A line has at most {LONGEST_LINE // 1024 // 1024} MB."
            yield number, _faulty("line_too_long", message)
            continue
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if line.strip():
            yield number, _read_line(line)


def write_line(value: dict[str, Any]) -> bytes:
    """A line of the format; what is None or empty is left out, but for `data`: some have none."""
    kept = {
        key: each for key, each in value.items() if key == "data" or each not in (None, [], {}, ())
    }
    return json.dumps(kept, ensure_ascii=False).encode() + b"\n"


def _skip_line(file: BinaryIO, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = file.readline(LONGEST_LINE)


def _faulty(code: str, message: str) -> Faults:
    return [FieldError("", code, message)]


def _read_line(line: bytes) -> Line:
    try:
        sent = _read_json(line)
    except UnicodeDecodeError as error:
        return _faulty("encoding", f"Byte {error.start + 1} is not UTF-8.")
    except json.JSONDecodeError as error:
        return _faulty("json", f"Not JSON: {error.msg} at character {error.colno}.")
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, _NotJson) else "it cannot be read"
        return _faulty("json", f"Not JSON that is safe to read: {why}.")
    shape = PersonLine if "person" in sent else DecisionLine
    try:
        return shape.model_validate(sent)
    except ValidationError as error:
        return [
            FieldError(pointer(*each["loc"]), each["type"], each["msg"])
            for each in error.errors(include_url=False, include_input=False, include_context=False)
        ]


def _read_json(line: bytes) -> dict[str, Any]:
    text = line.decode("utf-8")
    sent = json.loads(
        text, object_pairs_hook=_object, parse_float=_finite, parse_constant=_no_constant
    )
    if "\\ud" in text.lower():
        try:
            json.dumps(sent, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise _NotJson("a lone surrogate is not a character") from None
    if not isinstance(sent, dict):
        raise _NotJson("a line is a JSON object")
    return sent


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _NotJson(f"the key {json.dumps(twice)} is there twice")
    return read


def _finite(number: str) -> float:
    if math.isfinite(read := float(number)):
        return read
    raise _NotJson("a number is too large")


def _no_constant(name: str) -> Any:
    raise _NotJson(f"{name} is not a number of JSON")
