"""Accounts: one role each, and a bearer token of which only the digest is kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.kernel.act import Body
from domain.kernel.values import AccountId, Term
from infra.database.connection import cursor

if TYPE_CHECKING:
    from collections.abc import Iterable

TOKEN_BYTES = 32

NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,59}$"
"""What an account may be called: an office in short, `coordinator-paquis`; never a person."""


class Role(Term):
    """What an account is for."""

    COORDINATOR = "coordinator", "Coordination", "Coordination"
    ADMINISTRATIVE_COUNCIL = (
        "administrative_council",
        "Secrétariat du Conseil administratif",
        "Secretariat of the administrative council",
    )
    MUNICIPAL_COUNCIL = (
        "municipal_council",
        "Secrétariat du Conseil municipal",
        "Secretariat of the municipal council",
    )
    STEERING_COMMITTEE = (
        "steering_committee",
        "Secrétariat du Comité de pilotage",
        "Secretariat of the steering committee",
    )
    PROJECT_LEAD = "project_lead", "Chef-fe de projet", "Project lead"
    COMMUNITY_UNIT = "community_unit", "Unité d'action communautaire", "Community action unit"
    SERVICE = "service", "Service municipal", "Municipal service"
    AUDITOR = "auditor", "Audit", "Audit"
    FINANCE = "finance", "Finances", "Finance"
    ADMIN = "admin", "Administration", "Administration"

    @property
    def body(self) -> Body | None:
        """The one body whose decisions it records; None for a role that has none of its own."""
        return _OWN_BODY.get(self)

    def may_record_for(self, body: Body) -> bool:
        """A coordinator records for every body, on their minutes; a secretariat for its own."""
        return self is Role.COORDINATOR or self.body is body


_OWN_BODY = {role: body for role in Role for body in Body if role.value == body.value}
_ROLES = {role.value: role for role in Role}


@dataclass(frozen=True, slots=True)
class Account:
    """Who asks. `name` is what `recorded_by` says: an office's, never a person's."""

    name: AccountId
    role: Role


def create_account(name: str, role: Role) -> str:
    """Make an account, or give it another role and token; the token, which is shown only here."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    cursor().execute(
        "INSERT INTO account (name, role, token_hash) VALUES (%s, %s, %s)"
        " ON CONFLICT (name) DO UPDATE"
        " SET role = excluded.role, token_hash = excluded.token_hash, active = true",
        [name, role.value, token_hash(token)],
    )
    return token


def close_account(name: str) -> None:
    """Let an account ask no more; what it recorded still names it."""
    cursor().execute("UPDATE account SET active = false WHERE name = %s", [name])


def account_of(token: str) -> Account | None:
    """The active account of a bearer token; None if there is none."""
    row = (
        cursor()
        .execute(
            "SELECT name, role FROM account WHERE token_hash = %s AND active", [token_hash(token)]
        )
        .fetchone()
    )
    return None if row is None else Account(AccountId(row[0]), _ROLES[row[1]])


def accounts() -> Iterable[Account]:
    """The active accounts, by name."""
    rows = cursor().execute("SELECT name, role FROM account WHERE active ORDER BY name")
    return [Account(AccountId(name), _ROLES[role]) for name, role in rows]


def token_hash(token: str) -> bytes:
    """SHA-256 of the token. Enough for 256 random bits; looked up by index, so nothing to time."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
