"""Ask this machine's web service whether it is alive: `python -m infra.alive`, for containers.

Exit status 0 if `/health/live` answers 200 within two seconds, 1 if not.
"""

import http.client
import os
import sys


def is_alive(host: str, port: int) -> bool:
    """Whether the service on loopback answers when it is asked by one of its own names.

    Args:
        host: `ALLOWED_HOSTS` as it was given; any other name than these is refused.
        port: where the service listens.
    """
    name = host.split(",", maxsplit=1)[0].strip().lstrip(".*") or "localhost"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health/live", headers={"Host": name})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    alive = is_alive(os.environ.get("ALLOWED_HOSTS", ""), int(os.environ.get("PORT") or "8000"))
    sys.exit(0 if alive else 1)
