"""Processes that grade beside each other, each with a worker of its own that stays warm."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from ..course.catalog import course
from ..processes.limits import die_with_parent

if TYPE_CHECKING:
    from ..judge.grading import Grading

Args = ParamSpec("Args")
Result = TypeVar("Result")


def pool(processes: int | None = None) -> ProcessPoolExecutor:
    """A pool of such processes; what it is to do is called by `in_pool`.

    Args:
        processes: how many; as many as the machine has processors, if None.
    """
    count = processes or os.cpu_count() or 1
    return ProcessPoolExecutor(count, get_context("spawn"), initializer=die_with_parent)


def apart() -> ProcessPoolExecutor:
    """A pool for the programs of a lesson. Each job has a process to itself: what it changes
    there, as `play` does with the clock, must not reach a grading."""
    spawn = get_context("spawn")
    return ProcessPoolExecutor(2, spawn, initializer=die_with_parent, max_tasks_per_child=1)


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
    _forget_what_changed()
    try:
        return function(_gradings[0], *args, **kwargs)
    finally:
        _note_what_is_imported()


_imported: dict[str, int] = {}
"""The modules of checks that this process has imported, and when their files were changed."""


def _forget_what_changed() -> None:
    """Let checks that their author has changed be imported anew: pytest keeps what it has."""
    for name, changed in list(_imported.items()):
        file = getattr(sys.modules.get(name), "__file__", None)
        if file is None or not os.path.exists(file) or os.stat(file).st_mtime_ns != changed:
            sys.modules.pop(name, None)
            del _imported[name]


def _note_what_is_imported() -> None:
    sys.dont_write_bytecode = True  # which is told from a newer file only by whole seconds
    folder = str(course().root)
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if name not in _imported and file.startswith(folder) and "test_" in os.path.basename(file):
            _imported[name] = os.stat(file).st_mtime_ns
