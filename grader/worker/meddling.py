"""Whether a file did something to the process that explains why the driver failed in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from types import CodeType, TracebackType

from ..clock import VirtualLoop

_REACH_ALL = frozenset({"ctypes", "gc", "vars", "__dict__", "settrace", "setprofile"})
"""Names by which anything in a process can be changed."""


def raised_by(error: BaseException, is_learners: Callable[[str], bool]) -> int | None:
    """The line of the file that raised an error where the driver has called it unawares, as from
    a signal handler or in place of a function of Python's. None if it didn't."""
    last = _last_of(error.__traceback__)
    if last is None or not is_learners(last.tb_frame.f_code.co_filename):
        return None
    return last.tb_lineno


def _last_of(step: TracebackType | None) -> TracebackType | None:
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return step


def names_what_is_not_public(code: CodeType) -> bool:
    """Whether a file names a private part of an event loop or of what runs on one, or a tool by
    which they can be changed. Where the driver has failed, that is the likelier reason."""
    parts = {*VirtualLoop.__annotations__, *dir(VirtualLoop)}
    parts |= {*dir(asyncio.Task), *dir(asyncio.TimerHandle)}
    private = {part for part in parts if part.startswith("_") and not part.endswith("__")}
    return not (private | _REACH_ALL).isdisjoint(_names(code))


def _names(code: CodeType) -> Iterator[str]:
    """The names of variables and attributes in a file, those in its functions among them."""
    left = [code]
    while left:
        code = left.pop()
        yield from code.co_names
        left += (constant for constant in code.co_consts if isinstance(constant, CodeType))
