"""Whoever recorded a decision sees it at once, in lists across contracts too.

Those lists come from tables that follow the log a moment behind. Others may read them as they
are; who has recorded something that they do not show yet waits until they do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from infra.database import cursor
from projections.positions import wait_for

if TYPE_CHECKING:
    from collections.abc import Collection

    from infra.accounts import Account

log = structlog.get_logger(__name__)

PATIENCE: Final = 2.0
"""Seconds to wait at most: the worker may be down, and a list that is behind is still a list."""


def await_own(account: Account | None, tables: Collection[str]) -> None:
    """Wait until these tables show what the account has recorded last."""
    if account is None:
        return
    row = (
        cursor()
        .execute(
            "SELECT max(position) FROM event WHERE recorded_by = %s AND position > ("
            "SELECT min(position) FROM projection_position WHERE name = ANY(%s))",
            (account.name, list(tables)),
            prepare=True,
        )
        .fetchone()
    )
    own: int | None = row[0] if row else None
    if own is not None and not wait_for(own, tables, timeout=PATIENCE):
        log.warning("list_was_behind", tables=sorted(tables), position=own)
