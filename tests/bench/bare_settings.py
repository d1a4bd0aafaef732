"""Our server and database with nothing of ours in between: no middleware, no log of requests."""

from infra.conf.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.bare"
MIDDLEWARE: list[str] = []
