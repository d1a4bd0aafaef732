"""Who asks: the account behind a bearer token, or nobody.

Most of what is read is public, so nobody may ask too; but a token that is given must be right.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from django.db import connection

from api.http.problems import Problem, unauthenticated
from infra.accounts import Account, account_of, token_hash

if TYPE_CHECKING:
    from django.http import HttpRequest

REMEMBERED: Final = 1.0
"""Seconds for which an account is not looked up again: an account that is closed asks no longer."""

LARGEST: Final = 10_000
"""Accounts remembered at most."""


class _Remembered:
    """Accounts by database and digest of their token, each until an instant; no token in clear."""

    def __init__(self) -> None:
        self._accounts: dict[tuple[str, bytes], tuple[Account, float]] = {}
        self._lock = threading.Lock()

    def account_of(self, token: str) -> Account | None:
        key = (str(connection.settings_dict["NAME"]), token_hash(token))
        now = time.monotonic()
        account, until = self._accounts.get(key, (None, 0.0))
        if account is not None and now < until:
            return account
        account = account_of(token)
        with self._lock:
            if account is None:
                self._accounts.pop(key, None)
            else:
                if len(self._accounts) >= LARGEST:
                    self._accounts.clear()
                self._accounts[key] = (account, now + REMEMBERED)
        return account


_remembered = _Remembered()


def authenticate(request: HttpRequest) -> Account | None:
    """The account of the request's bearer token; None if it has none.

    Raises:
        Problem: 401, the token is not one of an active account.
    """
    header = request.META.get("HTTP_AUTHORIZATION")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise unauthenticated()
    account = _remembered.account_of(token)
    if account is None:
        raise unauthenticated(wrong_token=True)
    return account


__all__ = ["Problem", "authenticate"]
