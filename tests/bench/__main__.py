"""`make bench`: every benchmark, as one table. `python -m tests.bench append` runs one.

Each runs in a process of its own, with a database of its own. What needs Apache Kafka is left out,
and said, where KAFKA_BOOTSTRAP_SERVERS names none: `infra/kafka/start python -m tests.bench relay`
starts one for the time of the command.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import structlog
from rich.console import Console
from rich.table import Table

from infra.memory import look_seldom_for_cycles
from tests.bench.measure import Figure, Ratio
from tests.bench.place import place

BENCHES = {
    "append": ("tests.bench.append", ("beside_stock", "beside_bare_function")),
    "http": ("tests.bench.http", ("beside_bare_endpoint",)),
    "rebuild": ("tests.bench.rebuild", ("beside_reading",)),
    "growth": ("tests.bench.growth", ("one_more", "another_day")),
    "changes": (
        "tests.bench.changes",
        ("beside_one_fold", "beside_one_read", "beside_one_read_of_a_life"),
    ),
    "log": ("tests.bench.log", ("soon_sealed", "proof_of_any_leaf", "verified_replay")),
    "relay": ("tests.bench.relay", ("beside_bare_producer", "answer_to_reader")),
}
NEED_KAFKA = {"relay"}

Line = dict[str, Any]
"""The fields of a `Ratio` or of a `Figure`, and whether its mark is reached."""


def measured(name: str) -> Iterator[Line]:
    """The lines of one benchmark, in this process."""
    module, functions = BENCHES[name]
    with place() as at:
        look_seldom_for_cycles()  # as the web service and the worker do
        for function in functions:
            found: Iterator[Ratio | Figure] = getattr(importlib.import_module(module), function)(at)
            for line in found:
                yield {**vars(line), "reached": line.reached}


def measured_apart(name: str) -> Iterator[Line]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "tests.bench", "--json", name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield from map(json.loads, process.stdout)
    if process.returncode not in {0, 1}:
        raise SystemExit(f"{name} failed")


def row(line: Line) -> tuple[str, ...]:
    mark = "✓" if line["reached"] else "✗"
    if "value" in line:
        figure = f"{line['value']:,.1f} {line['unit']}"
        return line["name"], figure, "", "", f"<= {line['mark']:g}", mark
    return (
        line["name"],
        f"{line['ours']:,.1f}",
        f"{line['theirs']:,.1f} {line['unit']}",
        f"{line['ours'] / line['theirs']:.2f}",
        f"{line['kind']} {line['mark']:g}",
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
    names = chosen.names or list(BENCHES)
    beside = Console(stderr=True)
    if not os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        for name in NEED_KAFKA & {*names}:
            beside.print(f"{name} is not measured: no KAFKA_BOOTSTRAP_SERVERS")
            names.remove(name)
    measure = measured if len(names) == 1 else measured_apart
    table = Table("measured", "ours", "theirs", "ratio", "mark", "")
    missed = 0
    for line in (line for name in names for line in measure(name)):
        missed += not line["reached"]
        if chosen.json:
            sys.stdout.write(f"{json.dumps(line)}\n")
            sys.stdout.flush()
        else:
            table.add_row(*row(line))
            beside.print(*row(line)[:4])
    if not chosen.json:
        Console().print(table)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
