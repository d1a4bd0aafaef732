"""`make bench`: every benchmark, as one table. `python -m tests.bench append` runs one.

What needs Apache Kafka is left out, and said, where KAFKA_BOOTSTRAP_SERVERS names none:
`infra/kafka/start python -m tests.bench relay` starts one for the time of the command.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import structlog
from rich.console import Console
from rich.table import Table

from tests.bench.measure import Figure, Ratio
from tests.bench.place import Place, place

BENCHES = {
    "append": ("tests.bench.append", ("beside_stock", "beside_bare_function")),
    "log": ("tests.bench.log", ("soon_sealed", "proof_of_any_leaf", "verified_replay")),
    "http": ("tests.bench.http", ("beside_bare_endpoint",)),
    "rebuild": ("tests.bench.rebuild", ("beside_reading",)),
    "growth": ("tests.bench.growth", ("one_more", "another_day")),
    "changes": ("tests.bench.changes", ("beside_one_fold", "beside_one_read")),
    "relay": ("tests.bench.relay", ("beside_bare_producer", "answer_to_reader")),
}
NEED_KAFKA = {"relay"}


def lines(names: list[str], at: Place) -> Iterator[Ratio | Figure]:
    for name in names:
        module, functions = BENCHES[name]
        for function in functions:
            yield from getattr(importlib.import_module(module), function)(at)


def row(line: Ratio | Figure) -> tuple[str, ...]:
    mark = "✓" if line.reached else "✗"
    if isinstance(line, Figure):
        return line.name, f"{line.value:,.1f} {line.unit}", "", "", f"<= {line.mark:g}", mark
    return (
        line.name,
        f"{line.ours:,.1f}",
        f"{line.theirs:,.1f} {line.unit}",
        f"{line.ratio:.2f}",
        f"{line.kind} {line.mark:g}",
        mark,
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []], help="default: all")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    chosen = parser.parse_args(arguments)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(40),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    console, table = Console(), Table("measured", "ours", "theirs", "ratio", "mark", "")
    names = chosen.names or list(BENCHES)
    if not os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        for name in NEED_KAFKA & {*names}:
            Console(stderr=True).print(f"{name} is not measured: no KAFKA_BOOTSTRAP_SERVERS")
            names.remove(name)
    missed = 0
    with place() as at:
        for line in lines(names, at):
            missed += not line.reached
            if chosen.json:
                fields: dict[str, Any] = {**vars(line), "reached": line.reached}
                console.print_json(json.dumps(fields))
            else:
                table.add_row(*row(line))
                console.print(*row(line)[:4])
    if not chosen.json:
        console.print(table)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
