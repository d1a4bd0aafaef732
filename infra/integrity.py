"""Whether the store is what it must be: what guards the events is in place, and they are whole.

Each check says in a sentence what is wrong; no sentence, nothing wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.db import connection

from domain.stored import UnreadableEvent
from infra import vault
from infra.database import cursor
from infra.store import COLUMNS, recorded_of

if TYPE_CHECKING:
    from collections.abc import Callable

ROLE: Final = "quartier_app"
BATCH: Final = 1_000

TRIGGERS: Final = {
    "event_is_never_changed": 2 | 8 | 16,  # BEFORE DELETE OR UPDATE, for each statement
    "event_is_never_truncated": 2 | 32,  # BEFORE TRUNCATE
}
"""Triggers on `event`, with their type's bits in pg_trigger (TRIGGER_TYPE_… in PostgreSQL)."""

MAY: Final = {
    "event": {"SELECT"},
    "event_log": {"SELECT"},
    "idempotency": {"SELECT", "INSERT"},
}
"""All that the application's role may do with these tables; the rest goes through `append`."""

_PRIVILEGES: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong: which check found it, and a sentence with the facts."""

    check: str
    message: str


def findings(progress: Callable[[int], None] = lambda _: None) -> Iterator[Finding]:
    """Everything that is wrong with the event store.

    Args:
        progress: told the position of the last event of each batch that was read.
    """
    yield from _role()
    yield from _triggers()
    yield from _grants()
    yield from _order()
    yield from _events(progress)


def _query(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    return cursor().execute(statement, parameters).fetchall()


def _role() -> Iterator[Finding]:
    """The application must not work as somebody who may do everything."""
    ((current, superuser, owns),) = _query(
        "SELECT current_user, rolsuper,"
        " pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = 'event'::regclass),"
        " 'USAGE') FROM pg_roles WHERE rolname = current_user"
    )
    if superuser or owns:
        yield Finding("role", f"The application works as {current}, who owns the events.")
    if connection.settings_dict["OPTIONS"].get("assume_role") != ROLE:
        yield Finding("role", f"The connection is not set to work as {ROLE}.")


def _triggers() -> Iterator[Finding]:
    found = {
        name: (kind, enabled)
        for name, kind, enabled in _query(
            "SELECT tgname, tgtype::integer, tgenabled::text FROM pg_trigger"
            " WHERE tgrelid = 'event'::regclass AND NOT tgisinternal"
            " AND tgfoid = 'refuse_change'::regproc"
        )
    }
    for name, kind in TRIGGERS.items():
        if found.get(name, (None,))[0] != kind:
            yield Finding("trigger", f"The trigger {name} is missing, or is another one.")
        elif found[name][1] != "A":
            yield Finding("trigger", f"The trigger {name} is not always enabled.")


def _grants() -> Iterator[Finding]:
    for table, may in MAY.items():
        ((held,),) = _query(
            "SELECT array_agg(p) FROM unnest(%s::text[]) p WHERE has_table_privilege(%s, %s, p)",
            list(_PRIVILEGES),
            ROLE,
            table,
        )
        if too_much := sorted(set(held or ()) - may):
            yield Finding("grants", f"{ROLE} may {', '.join(too_much)} on {table}.")
        if missing := sorted(may - set(held or ())):
            yield Finding("grants", f"{ROLE} may not {', '.join(missing)} on {table}.")
    ((public,),) = _query(
        "SELECT has_function_privilege('public', 'append(json, json, json)', 'EXECUTE')"
    )
    if public:
        yield Finding("grants", "Everybody may call append.")


def _order() -> Iterator[Finding]:
    """Positions and versions have no gaps, instants do not go back, the counter is at the end."""
    ((size, last, count),) = _query(
        "SELECT (SELECT size FROM event_log), coalesce(max(position), 0), count(*) FROM event"
    )
    if last != size:
        yield Finding("order", f"event_log is at {size}, the last event at {last}.")
    if count != last:
        yield Finding("order", f"There are {count} events up to position {last}.")
    for contract, version, events in _query(
        "SELECT contract, max(version), count(*) FROM event GROUP BY contract"
        " HAVING max(version) <> count(*) OR min(version) <> 1"
    ):
        yield Finding("order", f"{contract} is at version {version} with {events} events.")
    for (position,) in _query(
        "SELECT position FROM (SELECT position, contract, version,"
        " recorded_at < lag(recorded_at) OVER (ORDER BY position) AS back,"
        " version <= lag(version) OVER (PARTITION BY contract ORDER BY position) AS before"
        " FROM event) AS placed WHERE back OR before ORDER BY position LIMIT 100"
    ):
        yield Finding("order", f"Event {position} comes after one that is later than it.")


def _events(progress: Callable[[int], None]) -> Iterator[Finding]:
    """Every event can be read, and the texts that it refers to are those that it was given."""
    after = 0
    while rows := _query(
        f"SELECT {COLUMNS} FROM event WHERE position > %s ORDER BY position LIMIT %s",  # noqa: S608
        after,
        BATCH,
    ):
        for row in rows:
            try:
                recorded_of(row)
            except UnreadableEvent as error:
                yield Finding("events", str(error))
        yield from _texts(rows)
        after = rows[-1][0]
        progress(after)


def _texts(rows: list[tuple[Any, ...]]) -> Iterator[Finding]:
    referred = {
        reference["text"]: (row[0], reference["digest"])
        for row in rows
        for reference in vault.references(orjson.loads(row[-1]))
    }
    kept = {
        text: (salt, content)
        for text, salt, content in _query(
            "SELECT id::text, salt, content FROM vault_text WHERE id = ANY(%s::uuid[])",
            list(referred),
        )
    }
    for text, (position, digest) in referred.items():
        if text not in kept:
            yield Finding("texts", f"Event {position} refers to the text {text}: unknown.")
        elif kept[text][1] is not None and vault.digest(*kept[text]) != digest:
            yield Finding("texts", f"The text {text} is not the one that event {position} had.")
