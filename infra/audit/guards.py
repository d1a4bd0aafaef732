"""Whether what guards the events is in place: role, triggers, functions, keys and grants.

Which triggers and functions there must be is read from the SQL that the migrations run.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.db import connection

from infra.audit.integrity import Finding
from infra.database.connection import cursor

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLE: Final = "quartier_app"

MAY: Final = {
    "event": {"SELECT"},
    "event_log": {"SELECT"},
    "idempotency": {"SELECT", "INSERT"},
    "vault_text": {"SELECT", "INSERT", "UPDATE"},
    "vault_person": {"SELECT", "INSERT", "UPDATE"},
    "document": {"SELECT", "INSERT"},
    "document_request": {"SELECT", "INSERT"},
    "account": {"SELECT", "INSERT", "UPDATE"},
    "funding_day": {"SELECT", "INSERT", "UPDATE"},
    "lease": {"SELECT", "INSERT", "UPDATE"},
    "log_tile": {"SELECT", "INSERT"},
    "log_checkpoint": {"SELECT", "INSERT"},
    "log_signature": {"SELECT", "INSERT"},
}
"""All that the application's role may do with these tables; the rest goes through `append`."""

KEYS: Final = {
    "event": {"PRIMARY KEY (position)", "UNIQUE (contract, version)"},
    "event_log": {"PRIMARY KEY (singleton)"},
    "idempotency": {"PRIMARY KEY (account, key)"},
    "vault_text": {"PRIMARY KEY (id)"},
    "vault_person": {"PRIMARY KEY (id)"},
    "document": {"PRIMARY KEY (sha256)"},
    "document_request": {"PRIMARY KEY (account, key)"},
    "account": {"PRIMARY KEY (name)"},
    "funding_day": {"PRIMARY KEY (date)"},
    "lease": {"PRIMARY KEY (name)"},
    "log_tile": {"PRIMARY KEY (level, index)"},
    "log_checkpoint": {"PRIMARY KEY (size)"},
    "log_signature": {"PRIMARY KEY (id)", "UNIQUE (size, key)"},
}

_PRIVILEGES: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")


class Function(NamedTuple):
    """A function as it was created: its body, and under what it runs."""

    body: str
    language: str
    as_owner: bool
    settings: frozenset[str]


class Trigger(NamedTuple):
    """A trigger as it was created."""

    table: str
    timing: str
    events: frozenset[str]
    level: str
    function: str


def _query(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    return cursor().execute(statement, parameters).fetchall()


# --- What the migrations made -------------------------------------------------------------------

_FUNCTION: Final = re.compile(
    r"CREATE (?:OR REPLACE )?FUNCTION (\w+)\s*\((.*?)\bAS \$\$(.*?)\$\$", re.DOTALL
)
_SETTING: Final = re.compile(r"^SET (\w+) = '?([^'\n]*?)'?\s*(?:--.*)?$", re.MULTILINE)
_TRIGGER: Final = re.compile(
    r"CREATE TRIGGER (\w+)\s+(BEFORE|AFTER) ([A-Z ]+?) ON (?:public\.)?(\w+)"
    r"\s+FOR EACH (STATEMENT|ROW)\s+EXECUTE FUNCTION (?:public\.)?(\w+)\(\)"
)
"""As `CREATE TRIGGER` is written in our SQL, and as `pg_get_triggerdef` writes it."""


def _sql() -> str:
    files = sorted((Path(__file__).parents[1] / "sql").glob("*.sql"))
    return "\n".join(file.read_text("utf-8") for file in files)


def _made_functions() -> dict[str, Function]:
    """By name, as last defined."""
    made = {}
    for name, header, body in _FUNCTION.findall(_sql()):
        language = re.search(r"LANGUAGE (\w+)", header)
        settings = frozenset(f"{key}={value}" for key, value in _SETTING.findall(header))
        made[name] = Function(
            body, language.group(1) if language else "", "SECURITY DEFINER" in header, settings
        )
    return made


def _trigger(found: tuple[str, ...]) -> tuple[str, Trigger]:
    name, timing, events, table, level, function = found
    return name, Trigger(table, timing, frozenset(events.split(" OR ")), level, function)


def _made_triggers() -> dict[str, Trigger]:
    return dict(map(_trigger, _TRIGGER.findall(_sql())))


# --- The checks ---------------------------------------------------------------------------------


def role() -> Iterator[Finding]:
    """The application must not work as a role that may do everything."""
    ((current, superuser, owns, login, login_superuser, login_owns),) = _query(
        "SELECT current_user, c.rolsuper, pg_has_role(current_user, relowner, 'USAGE'),"
        " session_user, s.rolsuper, pg_has_role(session_user, relowner, 'MEMBER')"
        " FROM pg_class, pg_roles AS c, pg_roles AS s WHERE pg_class.oid = 'event'::regclass"
        " AND c.rolname = current_user AND s.rolname = session_user"
    )
    if superuser or owns:
        yield Finding("role", f"The application works as {current}, who owns the events.")
    elif login_superuser or login_owns:
        what = "is a superuser" if login_superuser else "owns the events"
        yield Finding(
            "role",
            f"The application logs in as {login}, who {what}. That it works as {current} keeps "
            "accidents out, and no intruder: RESET ROLE undoes it.",
            warning=True,
        )
    if connection.settings_dict["OPTIONS"].get("assume_role") != ROLE:
        yield Finding("role", f"The connection is not set to work as {ROLE}.")


def triggers() -> Iterator[Finding]:
    """Each trigger is there, as it was made and always enabled, and there is no other."""
    always = set(re.findall(r"ENABLE ALWAYS TRIGGER (\w+)", _sql()))
    made = _made_triggers()
    found = {
        name: (table, definition, enabled)
        for name, table, definition, enabled in _query(
            "SELECT tgname::text, relname::text, pg_get_triggerdef(t.oid), tgenabled::text"
            " FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = tgrelid"
            " WHERE NOT tgisinternal AND relname = ANY(%s)"
            " AND relnamespace = 'public'::regnamespace",
            list(MAY),
        )
    }
    for name, trigger in made.items():
        _, definition, enabled = found.get(name, ("", "", ""))
        match = _TRIGGER.fullmatch(definition)
        if match is None or _trigger(match.groups())[1] != trigger:
            yield Finding("trigger", f"The trigger {name} is missing, or is another one.")
        elif enabled != "A" and (enabled != "O" or name in always):
            yield Finding("trigger", f"The trigger {name} is not always enabled.")
    for name, (table, *_) in found.items():
        if name not in made:
            yield Finding("trigger", f"{table} has a trigger {name} that no migration made.")
    for name, table in _query(
        "SELECT rulename::text, relname::text FROM pg_rewrite AS r"
        " JOIN pg_class AS c ON c.oid = ev_class WHERE relname = ANY(%s)"
        " AND relnamespace = 'public'::regnamespace",
        list(MAY),
    ):
        yield Finding("trigger", f"{table} has a rule {name} that no migration made.")


def functions() -> Iterator[Finding]:
    """Each function does what it was made to do, and the application cannot replace it."""
    made = _made_functions()
    found: dict[str, list[tuple[Function, bool]]] = {}
    for name, body, language, as_owner, settings, replaceable in _query(
        "SELECT proname::text, prosrc, lanname::text, prosecdef, proconfig,"
        " pg_has_role(%s, proowner, 'USAGE')"
        " FROM pg_proc AS p JOIN pg_language AS l ON l.oid = prolang"
        " WHERE pronamespace = 'public'::regnamespace AND proname = ANY(%s)",
        ROLE,
        list(made),
    ):
        function = Function(body, language, as_owner, frozenset(settings or ()))
        found.setdefault(name, []).append((function, replaceable))
    for name, function in made.items():
        match found.get(name, []):
            case [(there, _)] if there != function:
                yield Finding("trigger", f"The function {name} is not as the migrations made it.")
            case [(_, True)]:
                yield Finding("trigger", f"{ROLE} owns the function {name}.")
            case []:
                yield Finding("trigger", f"The function {name} is missing.")
            case [_, _, *_] as several:
                yield Finding("trigger", f"There are {len(several)} functions called {name}.")


def keys() -> Iterator[Finding]:
    """What must be unique is kept so by the database."""
    found: dict[str, set[str]] = {}
    for table, definition in _query(
        "SELECT relname::text, pg_get_constraintdef(c.oid) FROM pg_constraint AS c"
        " JOIN pg_class AS t ON t.oid = conrelid WHERE contype IN ('p', 'u')"
        " AND relname = ANY(%s) AND relnamespace = 'public'::regnamespace",
        list(KEYS),
    ):
        found.setdefault(table, set()).add(definition.replace('"', ""))
    for table, needed in KEYS.items():
        for missing in sorted(needed - found.get(table, set())):
            yield Finding("trigger", f"{table} lacks its {missing}.")


def grants() -> Iterator[Finding]:
    """The application's role may do with each table what it must, and no more."""
    for table, may in MAY.items():
        ((held, of_any_column),) = _query(
            "SELECT array_agg(p) FILTER (WHERE has_table_privilege(%s, %s, p)),"
            " array_agg(p) FILTER (WHERE p IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')"
            " AND CASE WHEN p IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')"
            " THEN has_any_column_privilege(%s, %s, p) END)"
            " FROM unnest(%s::text[]) AS p",
            *(ROLE, table, ROLE, table),
            list(_PRIVILEGES),
        )
        held = set(held or ())
        if too_much := sorted((held | set(of_any_column or ())) - may):
            yield Finding("grants", f"{ROLE} may {', '.join(too_much)} on {table}.")
        if missing := sorted(may - held):
            yield Finding("grants", f"{ROLE} may not {', '.join(missing)} on {table}.")
    for name, everybody, ours in _query(
        "SELECT proname::text, has_function_privilege('public', oid, 'EXECUTE'),"
        " has_function_privilege(%s, oid, 'EXECUTE') FROM pg_proc"
        " WHERE pronamespace = 'public'::regnamespace AND proname = ANY(%s)",
        ROLE,
        [name for name, function in _made_functions().items() if function.as_owner],
    ):
        if everybody:
            yield Finding("grants", f"Everybody may call {name}.")
        elif not ours:
            yield Finding("grants", f"{ROLE} may not call {name}.")
