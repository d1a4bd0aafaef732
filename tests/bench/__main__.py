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

from infra.processes.memory import look_seldom_for_cycles
from tests.bench.measure import Figure, Growth, Ratio
from tests.bench.place import place

BENCHES = {
    "append": ("append.beside_stock", "append.beside_bare_function"),
    "http": ("http.beside_bare_endpoint",),
    "rebuild": ("rebuild.beside_reading",),
    "catchup": ("catchup.beside_reading",),
    "growth": ("growth.one_more", "growth.another_day", "size.grown_with_contracts"),
    "changes": ("changes.in_any_view",),
    "log": ("log.soon_sealed", "log.proof_of_any_leaf", "log.verified_replay"),
    "relay": ("relay.beside_bare_producer", "relay.answer_to_reader"),
}
NEED_KAFKA = {"relay"}

Line = dict[str, Any]
"""The fields of a `Ratio` or of a `Figure`, and whether its mark is reached."""


def measured(name: str, contracts: int) -> Iterator[Line]:
    """The lines of one benchmark, in this process."""
    with place(contracts) as at:
        look_seldom_for_cycles()  # as the web service and the worker do
        for module, _, function in (each.partition(".") for each in BENCHES[name]):
            bench = getattr(importlib.import_module(f"tests.bench.{module}"), function)
            found: Iterator[Ratio | Figure | Growth] = bench(at)
            for line in found:
                yield {**vars(line), "reached": line.reached}


def measured_apart(name: str, contracts: int) -> Iterator[Line]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "tests.bench", "--json", name]
    command += ["--contracts", str(contracts)]
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
    if "many" in line:
        return (
            line["name"],
            f"{line['many']:,.1f}",
            f"{line['few']:,.1f} {line['unit']}",
            f"{line['many'] / line['few']:.2f}" if line["few"] else "",
            f"{line['kind']} {line['mark']:,g} {line['unit']}",
            mark,
        )
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
    parser.add_argument(
        "--contracts", type=int, default=20_000, help="of `growth`: the larger size (20,000)"
    )
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
    for line in (line for name in names for line in measure(name, chosen.contracts)):
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
