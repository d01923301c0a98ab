"""Processes that grade beside each other, each with a worker of its own that stays warm."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from ..judge.grading import Grading

Args = ParamSpec("Args")
Result = TypeVar("Result")


def pool(processes: int | None = None) -> ProcessPoolExecutor:
    """A pool of such processes; what it is to do is called by `in_pool`.

    Args:
        processes: how many; as many as the machine has processors, if None.
    """
    return ProcessPoolExecutor(processes or os.cpu_count() or 1, get_context("spawn"))


def apart() -> ProcessPoolExecutor:
    """A pool for the programs of a lesson. Each job has a process to itself: what it changes
    there, as `play` does with the clock, must not reach a grading."""
    return ProcessPoolExecutor(2, get_context("spawn"), max_tasks_per_child=1)


_gradings: list[Grading] = []
"""The one grading of a process of the pool, from when it is first needed."""


def in_pool(
    function: Callable[Concatenate[Grading, Args], Result],
    *args: Args.args,
    **kwargs: Args.kwargs,
) -> Result:
    """Call a function in this process with the process's own grading."""
    from ..judge.grading import Grading

    if not _gradings:
        _gradings.append(Grading())
    return function(_gradings[0], *args, **kwargs)
