"""`python -m benchmarks`: measures, prints the table, and fails if a limit is missed."""

from __future__ import annotations

import os
import platform
import sys

import click
from rich.console import Console
from rich.table import Table

from . import cold, commands, databases, drawing, memory, plain, steadiness, warm, watching
from .results import BenchmarkError, Row

BENCHMARKS = {
    "cold": cold.measure,
    "plain": plain.measure,
    "warm": warm.measure,
    "steadiness": steadiness.measure,
    "memory": memory.measure,
    "databases": databases.measure,
    "drawing": drawing.measure,
    "watching": watching.measure,
    "commands": commands.measure,
}

Rows = list[tuple[str, Row]]


@click.command()
@click.option("--only", multiple=True, type=click.Choice(list(BENCHMARKS)), help="Measure this.")
@click.option("--short", is_flag=True, help="Fewer runs.")
def main(only: tuple[str, ...], short: bool) -> None:
    """Measure the grader.

    Exit status: 0 if every limit is kept, 1 if one is missed.
    """
    rows: Rows = []
    for name in only or BENCHMARKS:
        click.echo(f"measuring {name} …", err=True)
        rows.extend((name, row) for row in measured(name, short))
    width = None if sys.stdout.isatty() else 110
    Console(width=width, markup=False, highlight=False).print(table(rows))
    sys.exit(any(row.ok is False for _, row in rows))


def measured(name: str, short: bool) -> list[Row]:
    try:
        return BENCHMARKS[name](short)
    except BenchmarkError as error:
        return [Row("could not be measured", str(error), ok=False)]


def table(rows: Rows) -> Table:
    table = Table("benchmark", "measured", "result", "limit", "", caption=machine())
    shown = ""
    for name, row in rows:
        if name != shown:
            table.add_section()
        kept = "" if row.ok is None else "ok" if row.ok else "missed"
        table.add_row(name if name != shown else "", row.what, row.result, row.limit, kept)
        shown = name
    return table


def machine() -> str:
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python}, {platform.system()} {platform.machine()}, {os.cpu_count()} processors"


if __name__ == "__main__":
    main()
