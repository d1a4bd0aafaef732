"""One statement, straight to libpq: while it runs, Python's own lock is given up just once.

psycopg's cursor returns to Python several times a query. Where many threads work, each return
waits for its turn: with sixteen of them the append spent more time in that queue than in the
database. Everything else uses psycopg's cursors.
"""

from __future__ import annotations

from typing import Any, cast
from weakref import WeakSet

import psycopg
from psycopg import errors, pq
from psycopg.pq.abc import PGresult

Connection = psycopg.Connection[Any]


class Prepared:
    """A statement that is prepared once a connection; its parameters are `$1`, `$2` and so on.

    Only for a connection in autocommit: psycopg begins a transaction by itself elsewhere.
    """

    def __init__(self, name: str, statement: str) -> None:
        self._name = name.encode()
        self._statement = statement.encode()
        self._prepared: WeakSet[Connection] = WeakSet()

    def row(self, connection: Connection, *parameters: bytes | None) -> list[bytes | None]:
        """The one row of the answer, each value as PostgreSQL writes it.

        Raises:
            psycopg.Error: as a cursor would; OperationalError if the connection is lost.
        """
        if connection in self._prepared:
            try:
                return self._execute(connection, parameters)
            except errors.InvalidSqlStatementName:
                pass  # psycopg deallocates everything when a transaction is rolled back
        self._checked(connection, connection.pgconn.prepare(self._name, self._statement))
        self._prepared.add(connection)
        return self._execute(connection, parameters)

    def _execute(
        self, connection: Connection, parameters: tuple[bytes | None, ...]
    ) -> list[bytes | None]:
        # A parameter that is None is NULL, though psycopg's annotation does not say so.
        given = cast("list[bytes]", list(parameters))
        result = self._checked(connection, connection.pgconn.exec_prepared(self._name, given))
        return [result.get_value(0, column) for column in range(result.nfields)]

    def _checked(self, connection: Connection, result: PGresult) -> PGresult:
        if result.status in {pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK}:
            return result
        if connection.pgconn.status != pq.ConnStatus.OK:
            raise psycopg.OperationalError("the connection is lost")
        raise errors.error_from_result(result)
