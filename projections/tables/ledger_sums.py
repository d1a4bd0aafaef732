"""The ledger added up: by contract, action, service, kind of route and accounting year.

PostgreSQL adds up the entries: what moved in each year, and from that what was held at its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from domain.chapters.funding import RouteKind
from domain.kernel.values import ZERO, ActionId, ServiceId, Year
from projections.engine.keyset import place_of
from projections.tables.ledger import ENTRIES, Account
from projections.tables.ledger_queries import Part, Query, where

if TYPE_CHECKING:
    from domain.kernel.values import ContractId

NESTED: Final = {"nested": True}
"""Of a field whose own fields are written under its name, not beside the others."""

KINDS: Final = {kind.value: kind for kind in RouteKind}


@dataclass(frozen=True, slots=True)
class Moved:
    """All that came into each account, whatever has left it since."""

    requested: Decimal
    voted: Decimal
    enforceable: Decimal
    committed: Decimal
    spent: Decimal
    released: Decimal
    refused: Decimal


@dataclass(frozen=True, slots=True)
class Held:
    """What each account holds; together, but for `enforceable`, nothing.

    `enforceable` is all that was granted: available, committed, spent and released together.
    """

    origin: Decimal
    requested: Decimal
    voted: Decimal
    enforceable: Decimal
    available: Decimal
    committed: Decimal
    spent: Decimal
    released: Decimal
    refused: Decimal


@dataclass(frozen=True, slots=True)
class SumOf:
    """Money of one kind, as it was asked for; what was not asked by is null.

    `moved` is what moved in the year, or in all years; `held` is where the money is at the end
    of the year, or now. A service that is null has not been named yet. A year in which nothing
    moves or waits any more is not there: what was spent stays with the last one that is.
    """

    contract: ContractId | None = None
    action: ActionId | None = None
    service: ServiceId | None = None
    kind: RouteKind | None = None
    year: Year | None = None
    moved: Moved = field(default=Moved(*[ZERO] * 7), metadata=NESTED)
    held: Held = field(default=Held(*[ZERO] * 9), metadata=NESTED)


GROUPS: Final = ("contract", "action", "service", "kind", "year")
"""What sums can be asked by."""

_INTO: Final = tuple(account for account in Account if account is not Account.ORIGIN)
_IN: Final = {
    account: f"sum(CASE '{account}' WHEN debit THEN amount WHEN credit THEN -amount ELSE 0 END)"
    for account in Account
}
_MOVED: Final = tuple(f"into_{account}" for account in _INTO)
_HELD: Final = tuple(f"in_{account}" for account in _IN)
_OPEN: Final = tuple(
    f"in_{account}"
    for account in (Account.REQUESTED, Account.VOTED, Account.AVAILABLE, Account.COMMITTED)
)
"""Accounts whose money is to go on."""


def sums(
    part: Part, by: Sequence[str] = (), *, today: date, cursor: str | None = None
) -> Query[SumOf]:
    """Sums of money, one for each combination of `by`, in that order.

    By year there is one for each year in which money moved or waited, up to this year or the
    last one that any money moved in. Without `by` it is one sum, or none where there is nothing.

    Args:
        part: of what; with a `year`, of that year.
        by: names out of `GROUPS`, each once.
        today: the day on which it is asked.
        cursor: of the next page; it is of this `by` alone.

    Raises:
        BadCursor: the cursor is not one of this list.
    """
    kinds = [int if name == "year" else str for name in by]
    place = place_of(cursor, *kinds) or ()
    source, given = part.source(ENTRIES)
    conditions, values = part.conditions("contract", "action", "service", "kind")
    keys = [name for name in by if name != "year"]
    waiting = " OR ".join(f"{name} <> 0" for name in (*_MOVED, *_OPEN))
    outer = [*([f"({', '.join(by)}) > ({', '.join(['%s'] * len(by))})"] if place else [])]
    if "year" in by or part.year is not None:
        outer.append(f"({waiting})")
    outer_values: list[Any] = list(place)
    if "year" in by:
        moved = _moved([*keys, "year"], source, conditions)
        counted = f"WITH moved AS ({moved}), counted AS ({_by_year(keys)})"
        counting: list[Any] = [max(today.year, part.year or 0)]
        if part.year is not None:
            outer.append("year = %s")
            outer_values.append(part.year)
    else:
        if place:  # so that what comes before is not added up
            conditions.append(f"{_key(by[0])} >= %s")
            values.append(place[0])
        counted = f"WITH counted AS ({_moved(keys, source, conditions, part.year)})"
        counting = []
    return Query(
        f"{counted} SELECT {', '.join((*by, *_MOVED, *_HELD))} FROM counted"  # noqa: S608
        f" WHERE {where(outer)}{' ORDER BY ' if by else ''}{', '.join(by)}",
        [*given, *values, *counting, *outer_values],
        lambda row: _sum(by, row),
        lambda row: [getattr(row, name) or "" for name in by],
    )


def _key(name: str) -> str:
    """A key as it is grouped by: never null. Only a service may not have been named."""
    return f"coalesce({name}, '')" if name == "service" else name


def _listed(*names: Sequence[str]) -> str:
    return ", ".join(name for some in names for name in some)


def _moved(
    keys: Sequence[str], source: str, conditions: Sequence[str], year: int | None = None
) -> str:
    """What moved by these keys, in all years or in one, and what is there at the end."""
    named = [f"{_key(name)} AS {name}" for name in keys]
    during, until = (
        ("", conditions)
        if year is None
        else (f" AND year = {year:d}", [*conditions, f"year <= {year:d}"])
    )
    into = [
        f"coalesce(sum(amount) FILTER (WHERE debit = '{account}'{during}), 0) AS into_{account}"
        for account in _INTO
    ]
    within = [f"{sql} AS in_{account}" for account, sql in _IN.items()]
    grouped = (
        f" GROUP BY {_listed([str(place) for place in range(1, len(keys) + 1)])}"
        if keys
        else " HAVING count(*) > 0"
    )
    return (
        f"SELECT {_listed(named, into, within)} FROM {source} AS entry"  # noqa: S608
        f" WHERE {where(until)}{grouped}"
    )


def _by_year(keys: Sequence[str]) -> str:
    """For each year what moved in it, and what is there at its end."""
    last = "greatest((SELECT max(year) FROM moved), %s::int)"
    years = f"SELECT {_listed(keys, [f'generate_series(min(year), {last})'])}"
    moved = [f"coalesce({name}, 0) AS {name}" for name in _MOVED]
    held = [f"sum({name}) OVER before AS {name}" for name in _HELD]
    return (
        f"SELECT {_listed(keys, ['year'], moved, held)}"  # noqa: S608 - names only
        f" FROM ({years} AS year FROM moved{f' GROUP BY {_listed(keys)}' if keys else ''}) AS years"
        f" LEFT JOIN moved USING ({_listed(keys, ['year'])})"
        f" WINDOW before AS ({f'PARTITION BY {_listed(keys)} ' if keys else ''}ORDER BY year)"
    )


def _sum(by: Sequence[str], row: Sequence[Any]) -> SumOf:
    """A row of `sums`; the accounts come in the order that `Moved` and `Held` have them."""
    named: dict[str, Any] = {name: value or None for name, value in zip(by, row, strict=False)}
    if named.get("kind") is not None:
        named["kind"] = KINDS[named["kind"]]
    amounts = row[len(by) :]
    waiting, granted, refused = amounts[7:10], amounts[10:14], amounts[14:]
    held = (*waiting, sum(granted, ZERO), *granted, *refused)
    return SumOf(**named, moved=Moved(*amounts[:7]), held=Held(*held))
