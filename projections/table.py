"""Tables: rows across contracts, each kept by its contract and a key.

    DAYS = Relation("calendar", Day, key=("kind", "id"))
    calendar = Table("calendar", version=1, relations=(DAYS,))

    @calendar.on(PlenaryConvened)
    def _(rows: Written, decision: PlenaryConvened, recorded: Recorded[Any]) -> None:
        rows[DAYS]["plenary", decision.plenary] = Day(decision.date)

Handlers write through mappings, one for each relation and contract. The same handlers serve the
next few decisions, a contract folded anew after a correction, and the rebuild of everything.

In the database a relation `calendar` is a table `calendar_rows` and a view `calendar` of it, which
shows the generation that counts (docs/adr/0005).
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
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

from projections.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.values import ContractId

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

    def flat(self, key: Any, row: RowT) -> tuple[Any, ...]:
        """The values of `columns`."""
        if len(self.key) == 1:
            return (key, *self.values(row))
        return (*key, *self.values(row))

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
    """The rows of one relation and contract. Asking for one that is not there begins it.

    `touched` are the keys to write, `gone` those to delete. `get` only looks.
    """

    __slots__ = ("_begin", "gone", "touched")

    def __init__(self, begin: Callable[[], RowT]) -> None:
        super().__init__()
        self._begin = begin
        self.touched: dict[Any, None] = {}
        self.gone: dict[Any, None] = {}

    def __getitem__(self, key: Any) -> RowT:
        self.touched[key] = None
        return super().__getitem__(key)

    def __missing__(self, key: Any) -> RowT:
        row = self._begin()
        super().__setitem__(key, row)
        return row

    def __setitem__(self, key: Any, row: RowT) -> None:
        self.touched[key] = None
        super().__setitem__(key, row)

    def __delitem__(self, key: Any) -> None:
        if key in self:
            super().__delitem__(key)
            self.touched.pop(key, None)
            self.gone[key] = None


class Written:
    """The rows of one contract in every relation of a table."""

    __slots__ = ("by_relation",)

    def __init__(self, relations: Sequence[Relation[Any]]) -> None:
        self.by_relation: dict[Relation[Any], Rows[Any]] = {
            relation: Rows(relation.row) for relation in relations
        }

    def __getitem__(self, relation: Relation[RowT]) -> Rows[RowT]:
        return self.by_relation[relation]


class Table(Projection[Written]):
    """One or several relations that the same decisions fill."""

    def __init__(
        self, name: str, *, version: int, relations: tuple[Relation[Any], ...], raw: bool = False
    ) -> None:
        super().__init__(name, version=version, begin=lambda: Written(relations), raw=raw)
        self.relations = relations
        TABLES[name] = self


TABLES: dict[str, Table] = {}
"""Every table by its name; `projections.catalogue` imports them all."""


# --- As COPY reads it ---------------------------------------------------------------------------

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _text(value: str) -> str:
    return value if value.isalnum() else value.translate(_ESCAPES)


def _array(value: Sequence[str]) -> str:
    """Identifiers only: none of their characters mean anything in an array."""
    return "{" + ",".join(value) + "}"


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode().replace("\\", "\\\\")


class _Written(dict[type, Callable[[Any], str]]):
    def __missing__(self, kind: type) -> Callable[[Any], str]:
        if not issubclass(kind, Enum):
            raise TypeError(f"a row holds a {kind.__name__}")
        self[kind] = written = lambda term: str(term.value)
        return written


_WRITTEN = _Written(
    {
        type(None): lambda _: "\\N",
        str: _text,
        int: str,
        bool: lambda value: "t" if value else "f",
        float: repr,
        Decimal: str,
        date: date.isoformat,
        datetime: datetime.isoformat,
        tuple: _array,
        list: _array,
        dict: _json,
    }
)


def copy_line(values: Sequence[Any]) -> str:
    """One line in the text format of COPY.

    Raises:
        TypeError: a value of a type that no column has.
    """
    return "\t".join([_WRITTEN[type(value)](value) for value in values]) + "\n"
