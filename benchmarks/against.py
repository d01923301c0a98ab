"""This tree against another one, run in turn: whether anything has become slower."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from .processes import GRADE, ROOT, WITHOUT_DATABASE, own_server, run, timed
from .results import Row, at_most, seconds

LIMIT = 1.1
"""Up to a tenth more may be the machine's own noise."""


class Tree(NamedTuple):
    """A working copy, and what its processes find in their environment."""

    root: Path
    environment: dict[str, str]

    def timed(self, *arguments: str) -> float:
        """Real seconds that Python takes for these arguments."""
        return timed(*arguments, root=self.root, environment=self.environment)

    def second_grade(self) -> float:
        """Real seconds of a grade in a process that has graded before."""
        return float(run("-m", "benchmarks.warm", root=self.root, environment=self.environment))


FIGURES: dict[str, tuple[str, Callable[[Tree], float]]] = {
    "cold": ("grade day53, without a database", lambda tree: tree.timed(*WITHOUT_DATABASE)),
    "warm": ("second grade in one process", Tree.second_grade),
    "databases": ("grade day53, its server up", lambda tree: tree.timed(*GRADE)),
    "commands": ("grade list", lambda tree: tree.timed("-m", "grader", "list")),
}


def compare(name: str, other: Path, short: bool) -> list[Row]:
    """The rows of one figure: how this tree does against another one.

    Raises:
        BenchmarkError: one of them does not work.
    """
    what, measure = FIGURES[name]
    needs_server = name == "databases"
    with _tree(ROOT, needs_server) as ours, _tree(other, needs_server) as theirs:
        measure(ours), measure(theirs)  # what is compiled, or started, only once
        runs = [(measure(ours), measure(theirs)) for _ in range(5 if short else 25)]
    mine, others = zip(*runs, strict=True)
    return [
        at_most(f"{what}: this tree / the other", [a / b for a, b in runs], LIMIT),
        seconds("this tree", mine),
        seconds("the other one", others),
    ]


@contextmanager
def _tree(root: Path, needs_server: bool) -> Iterator[Tree]:
    with ExitStack() as stack:
        server = own_server(root, _module_of_leases(root))
        yield Tree(root, stack.enter_context(server) if needs_server else {})


def _module_of_leases(root: Path) -> str:
    """It has moved between versions."""
    file = next((root / "grader" / "services").rglob("leases.py"))
    return ".".join(file.relative_to(root).with_suffix("").parts)
