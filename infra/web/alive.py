"""Ask this machine's web service whether it is alive: `python -m infra.web.alive`, for containers.

Exit status 0 if `/health/live` answers 200 within two seconds, 1 if not.
"""

import http.client
import os
import socket
import sys
from typing import Final

TIMEOUT_SECONDS: Final = 2.0


class _Connection(http.client.HTTPConnection):
    """A connection to a port of this machine, or to a Unix socket by its path."""

    def __init__(self, where: int | str) -> None:
        super().__init__("127.0.0.1", where if isinstance(where, int) else None)
        self.timeout = TIMEOUT_SECONDS
        self._where = where

    def connect(self) -> None:
        if isinstance(self._where, int):
            super().connect()
            return
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._where)


def is_alive(where: int | str, hosts: str) -> bool:
    """Whether the service answers when it is asked by one of its own names.

    Args:
        where: its port on loopback, or the path of its Unix socket.
        hosts: `ALLOWED_HOSTS` as it was given; any other name than these is refused.
    """
    name = hosts.split(",", maxsplit=1)[0].strip().lstrip(".*") or "localhost"
    connection = _Connection(where)
    try:
        connection.request("GET", "/health/live", headers={"Host": name})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    alive = is_alive(int(os.environ.get("PORT") or "8000"), os.environ.get("ALLOWED_HOSTS", ""))
    sys.exit(0 if alive else 1)
