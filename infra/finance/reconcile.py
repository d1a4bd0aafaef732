"""Whether a finance database holds exactly what was recorded on a day; if not, where it begins."""

from __future__ import annotations

import datetime as dt
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

import orjson

from infra.finance.digest import Day
from infra.relay.shapes import AMOUNTS

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIELDS: Final = ("sequence", "id", "type", "decided_on", "account", *AMOUNTS)

ANSWER_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A day on both sides. `difference` is None where they agree."""

    recorded: Day
    landed: Day
    difference: str | None

    @property
    def agrees(self) -> bool:
        """Whether both sides hold the same."""
        return self.difference is None

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "agrees": self.agrees,
            "recorded": self.recorded.as_json(),
            "landed": self.landed.as_json(),
            "first_difference": self.difference,
        }


def compare(recorded: Day, landed: Day) -> Reconciliation:
    """Compare the digests, and where they differ find the first line that does."""
    difference = None
    if recorded.digest != landed.digest:
        difference = "the digests differ, but no line does"
        for ours, theirs in zip_longest(recorded.lines, landed.lines):
            if ours != theirs:
                difference = _difference(ours, theirs)
                break
    return Reconciliation(recorded, landed, difference)


def _difference(ours: str | None, theirs: str | None) -> str:
    ours_by, theirs_by = _named(ours), _named(theirs)
    if theirs is None or (ours is not None and _place(ours_by) < _place(theirs_by)):
        return f"{ours_by['id']} ({ours_by['type']}) was recorded, and is not landed"
    if ours is None or _place(ours_by) > _place(theirs_by):
        return f"{theirs_by['id']} ({theirs_by['type']}) is landed, and was not recorded"
    field = next(name for name in _FIELDS if ours_by.get(name) != theirs_by.get(name))
    return (
        f"{ours_by['id']} ({ours_by['type']}): {field} is {ours_by.get(field)} where recorded, "
        f"{theirs_by.get(field)} where landed"
    )


def _named(line: str | None) -> dict[str, str]:
    return dict(zip(_FIELDS, line.split(" "), strict=False)) if line else {}


def _place(named: Mapping[str, str]) -> str:
    return named["sequence"]


class _Here(urllib.request.HTTPRedirectHandler):
    """Goes nowhere else: the token is for the address that was given."""

    def redirect_request(self, *_: Any) -> None:
        """Leave a redirection as the refusal that it then is."""


_OPENER: Final = urllib.request.build_opener(_Here)


def ask(address: str, date: dt.date, *, token: str | None = None) -> Day:
    """The recorded day as a Quartier elsewhere computes it.

    Args:
        address: of that Quartier, such as `https://quartier.example`.
        date: the day.
        token: for its API, where it asks for one.

    Raises:
        OSError: it cannot be reached, or refuses.
        ValueError: it is no Quartier, or its lines do not have its digest.
    """
    query = urllib.parse.urlencode({"date": date.isoformat(), "lines": "true"})
    url = f"{address.rstrip('/')}/api/v1/funding/digest?{query}"
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"{address} is no address of the web.")
    headers = {"Accept": "application/json", "Accept-Language": "en"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - checked above
    try:
        with _OPENER.open(request, timeout=ANSWER_SECONDS) as answer:
            given = orjson.loads(answer.read())
        day = Day.of(date, given["events"], given["lines"])
        digest = given["digest"]
    except urllib.error.HTTPError as refusal:
        raise ConnectionError(f"{address} answers {refusal.code}: {_why(refusal)}") from None
    except urllib.error.URLError as silence:
        raise ConnectionError(f"{address} cannot be reached: {silence.reason}") from None
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise ValueError(f"{address} does not answer as a Quartier does.") from None
    if day.digest != digest:
        raise ValueError(f"{address} gave lines that do not have the digest it gave.")
    return day


def _why(refusal: urllib.error.HTTPError) -> str:
    """What a problem says, if it is one (RFC 9457)."""
    try:
        problem = orjson.loads(refusal.read())
        errors = [f"{error['pointer']}: {error['message']}" for error in problem.get("errors", ())]
        return " ".join([problem["detail"], *errors])
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return refusal.reason
