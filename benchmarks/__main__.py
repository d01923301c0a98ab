"""`python -m benchmarks`: measures, prints the table, and fails if a limit is missed."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from . import against as trees
from . import (
    board,
    browser,
    classroom,
    cold,
    commands,
    databases,
    drawing,
    isolation,
    memory,
    plain,
    playing,
    steadiness,
    warm,
    watching,
)
from .results import BenchmarkError, Row

BENCHMARKS: dict[str, Callable[[bool], list[Row]]] = {
    "cold": cold.measure,
    "plain": plain.measure,
    "warm": warm.measure,
    "steadiness": steadiness.measure,
    "memory": memory.measure,
    "databases": databases.measure,
    "drawing": drawing.measure,
    "watching": watching.measure,
    "commands": commands.measure,
    "class": classroom.measure,
    "playing": playing.measure,
    "isolation": isolation.measure,
    "board": board.measure,
    "browser": browser.measure,
}

Rows = list[tuple[str, Row]]


@click.command()
@click.option("--only", multiple=True, type=click.Choice(list(BENCHMARKS)), help="Measure this.")
@click.option("--short", is_flag=True, help="Fewer runs.")
@click.option(
    "--against",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    help="Compare with another tree, such as a worktree of an older commit: "
    f"{', '.join(trees.FIGURES)}.",
)
def main(only: tuple[str, ...], short: bool, against: Path | None) -> None:
    """Measure the grader.

    Exit status: 0 if every limit is kept, 1 if one is missed.
    """
    rows: Rows = []
    benchmarks = BENCHMARKS
    if against is not None:
        benchmarks = {name: partial(trees.compare, name, against) for name in trees.FIGURES}
        if unknown := set(only) - set(benchmarks):
            raise click.UsageError(f"cannot be compared with another tree: {', '.join(unknown)}")
    for name in only or benchmarks:
        click.echo(f"measuring {name} …", err=True)
        rows.extend((name, row) for row in measured(benchmarks[name], short))
    width = None if sys.stdout.isatty() else 110
    Console(width=width, markup=False, highlight=False).print(table(rows))
    sys.exit(any(row.ok is False for _, row in rows))


def measured(benchmark: Callable[[bool], list[Row]], short: bool) -> list[Row]:
    """The rows of a benchmark, or one that says why there are none."""
    try:
        return benchmark(short)
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
