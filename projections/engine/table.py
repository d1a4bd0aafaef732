"""Tables: rows across contracts, each kept by its contract and a key.

    DAYS = Relation("calendar", Day, key=("kind", "id"))
    calendar = Table("calendar", version=1, relations=(DAYS,))

    @calendar.on(PlenaryConvened)
    def _(rows: Written, decision: PlenaryConvened, recorded: Recorded[Any]) -> None:
        rows[DAYS]["plenary", decision.plenary] = Day(decision.date)

Handlers write through mappings, one for each relation and contract. The same handlers serve the
next few decisions, a contract folded anew after a correction, and the rebuild of everything.

In the database a relation `calendar` is a table `calendar_rows` and a view `calendar` of it, which
shows the generation that counts (docs/adr/0008).
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from functools import cached_property
from operator import attrgetter
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    Generic,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import orjson

from projections.engine.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.kernel.values import ContractId

RowT = TypeVar("RowT")

ONE: Final = ()
"""The key of a relation's only row for a contract: it has no columns."""


class Relation(Generic[RowT]):
    """Rows of one shape.

    Args:
        name: of the view in the database that shows the rows that count.
        row: a slotted dataclass; its fields are columns, all with a value to begin with.
        key: the columns that, with the contract, tell rows apart. They are not fields of the row.
        appends: handlers only ever set rows, by keys they do not read: nothing need be loaded.
    """

    def __init__(
        self, name: str, row: type[RowT], *, key: tuple[str, ...] = (), appends: bool = False
    ) -> None:
        self.name = name
        self.row = row
        self.key = key
        self.appends = appends
        self.fields = tuple(field.name for field in dataclasses.fields(row))  # type: ignore[arg-type]
        self.columns = (*key, *self.fields)
        kinds = get_type_hints(row)
        self._mutable = any(get_origin(kinds[name]) is dict for name in self.fields)
        self._composed = [
            (place, _COMPOSED[kind])
            for place, name in enumerate(self.columns)
            for kind in (get_origin(kinds.get(name)), kinds.get(name))
            if kind in _COMPOSED
        ]
        self._pattern = "\t".join(["%s"] * len(self.columns)) + "\n"
        self._tabs = len(self.columns) - 1

    @property
    def table(self) -> str:
        """The table that holds the rows of every generation."""
        return f"{self.name}_rows"

    @property
    def copied(self) -> str:
        """The table and its columns, as COPY names them."""
        return f"{self.table} (generation, contract, {', '.join(self.columns)})"

    def __repr__(self) -> str:
        return f"<Relation {self.name}>"

    @cached_property
    def values(self) -> Callable[[RowT], tuple[Any, ...]]:
        """The values of a row's fields, in order."""
        if len(self.fields) == 1:
            only = attrgetter(self.fields[0])
            return lambda row: (only(row),)
        return attrgetter(*self.fields)

    @cached_property
    def _readers(self) -> list[tuple[int, Callable[[Any], Any]]]:
        """The fields whose values the database gives in another form, by their place."""
        hints = get_type_hints(self.row)
        found: list[tuple[int, Callable[[Any], Any]]] = []
        for place, name in enumerate(self.fields):
            kinds = _classes(hints[name])
            found += [(place, kind) for kind in kinds if issubclass(kind, Enum)]
            if get_origin(hints[name]) is dict:
                found.append((place, _read_json))
            if get_origin(hints[name]) is tuple:
                found.append((place, tuple))
        return found

    def of(self, columns: Sequence[Any]) -> tuple[Any, RowT]:
        """The key and the row that these columns hold, as the database gave them."""
        count = len(self.key)
        key = columns[0] if count == 1 else tuple(columns[:count])
        values = list(columns[count:])
        for place, read in self._readers:
            if values[place] is not None:
                values[place] = read(values[place])
        return key, self.row(*values)

    def image(self, row: RowT) -> tuple[Any, ...]:
        """What the row holds, to compare with later."""
        values = self.values(row)
        if self._mutable:
            return tuple(dict(each) if type(each) is dict else each for each in values)
        return values

    def flat(self, key: Any, row: RowT) -> tuple[Any, ...]:
        """The values of `columns`."""
        if len(self.key) == 1:
            return (key, *self.values(row))
        return (*key, *self.values(row))

    def copied_line(self, key: Any, row: RowT) -> str:
        """The columns of a row, but generation and contract, as COPY reads them: see `COPIED`."""
        values = self.flat(key, row)
        if self._composed:
            columns = list(values)
            for place, compose in self._composed:
                columns[place] = compose(columns[place])
            values = tuple(columns)
        line: str = self._pattern % values
        if (
            "\\" in line
            or "\n" in line[:-1]
            or "\r" in line
            or line.count("\t") != self._tabs
            or ("None" in line and "None" in values)
        ):
            return self._pattern % tuple([_escaped(value) for value in values])
        return line

    def as_json(self, rows: Sequence[tuple[ContractId, Any, RowT]]) -> bytes:
        """Rows as `json_populate_recordset` reads them."""
        return orjson.dumps(
            [
                {"contract": contract, **dict(zip(self.columns, self.flat(key, row), strict=True))}
                for contract, key, row in rows
            ],
            default=str,
        )


def _read_json(value: Any) -> Any:
    """JSON that Django left as text."""
    return orjson.loads(value) if isinstance(value, str | bytes) else value


def _classes(hint: Any) -> list[type]:
    if get_origin(hint) in {Union, types.UnionType}:
        return [each for arg in get_args(hint) for each in _classes(arg)]
    return [hint] if isinstance(hint, type) else []


class Rows(dict[Any, RowT]):
    """The rows of one relation and contract. Asking for one that is not there begins it."""

    __slots__ = ("_before", "_relation")

    def __init__(self, relation: Relation[RowT], stored: dict[Any, RowT] | None = None) -> None:
        super().__init__(stored or {})
        self._relation = relation
        self._before = {key: relation.image(row) for key, row in self.items()}

    def __missing__(self, key: Any) -> RowT:
        self[key] = row = self._relation.row()
        return row

    def changed(self) -> list[tuple[Any, RowT]]:
        """The rows that are not as they were stored, by key."""
        before, image = self._before, self._relation.image
        return [(key, row) for key, row in self.items() if before.get(key) != image(row)]

    def gone(self) -> list[Any]:
        """The keys that were stored and are there no more."""
        return [key for key in self._before if key not in self]


class Written(dict[Relation[Any], Rows[Any]]):
    """The rows of one contract in every relation of a table."""

    def __init__(self, relations: Sequence[Relation[Any]]) -> None:
        super().__init__({relation: Rows(relation) for relation in relations})

    if TYPE_CHECKING:  # a dictionary whose keys say what kind of rows they lead to

        def __getitem__(self, relation: Relation[RowT]) -> Rows[RowT]: ...


class Table(Projection[Written]):
    """One or several relations that the same decisions fill."""

    def __init__(self, name: str, *, version: int, relations: tuple[Relation[Any], ...]) -> None:
        super().__init__(name, version=version, begin=lambda: Written(relations))
        self.relations = relations
        TABLES[name] = self


TABLES: dict[str, Table] = {}
"""Every table by its name; `projections.catalogue` imports them all."""


# --- As COPY reads it ---------------------------------------------------------------------------

COPIED = "(FORMAT text, NULL 'None')"
"""The options of COPY: what Python writes for a value is what PostgreSQL reads, None included."""


def _array(value: tuple[str, ...]) -> str:
    """Identifiers only: none of their characters mean anything in an array."""
    return "{" + ",".join(value) + "}"


def _instant(at: datetime) -> str:
    """An instant. `isoformat` asks UTC for its offset, which takes three times as long."""
    if at.tzinfo is not UTC:
        return at.isoformat()
    day = f"{at.year}-{at.month}-{at.day}"
    return f"{day} {at.hour}:{at.minute}:{at.second}.{at.microsecond:06}Z"


_COMPOSED: dict[Any, Callable[[Any], str]] = {
    tuple: _array,
    dict: lambda value: orjson.dumps(value).decode(),
    datetime: _instant,
}
"""Types whose values PostgreSQL does not read as Python writes them."""

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _escaped(value: Any) -> Any:
    """A text in which nothing means anything to COPY; other values are as they are."""
    if not isinstance(value, str) or isinstance(value, Enum):
        return value
    return "\\None" if value == "None" else value.translate(_ESCAPES)
