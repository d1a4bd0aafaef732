"""The fixtures of the log: this folder looks at the same log from outside."""

from tests.infra.log.conftest import cursor, intruder, key_file, record, sealed

__all__ = ["cursor", "intruder", "key_file", "record", "sealed"]
