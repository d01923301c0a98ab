"""Whether a learner's code reaches for what the grader holds in its process.

It can, for both are in one process, and much of Python leads there: the stack, the garbage
collector, addresses. No tool is a fault: an answer may use `inspect`, `gc` and `ctypes`. What is
noticed here is that one of them was used on the grader. It isn't all that can be done.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")

STACK = "it looks at the local variables of the functions that have called it, up to the grader's"
MEMORY = "it searches the memory of the process for the grader's own objects"
INTERPRETER = "it calls the interpreter itself through ctypes"


class Reaching:
    """Notices it.

    Args:
        is_learners: whether a file is the learner's.

    Attributes:
        found: what was noticed, in words; empty if nothing was.
    """

    def __init__(self, is_learners: Callable[[str], bool]) -> None:
        self._is_learners = is_learners
        self.found = ""
        self._decoys = [
            _decoy("PlayRequest", ("token", "factory", "scenario"), self._note_search),
            _decoy("Recorder", ("spans", "incidents", "moment"), self._note_search),
        ]

    def watch(self, act: Callable[[], T]) -> T:
        """Do something, and notice if the stack is searched meanwhile.

        Code that goes up from frame to frame, and looks at the variables of each, comes by this
        one. Up to Python 3.12 the names of its variables then stand in another order: what has
        its value later comes last, and without a look it is as the compiler has numbered them.
        """
        if act is None:
            early = late = 0  # never done: here is where they are numbered
        late = 1
        result = act()
        early = 2
        names = list(locals())
        if names.index("late") < names.index("early"):
            self.found = self.found or STACK
        del early, late
        return result

    def _note_search(self) -> None:
        self.found = self.found or MEMORY

    def hear_dlsym(self, arguments: tuple[Any, ...]) -> None:
        """Note that a function of the interpreter's is looked up, an audit event of ctypes'."""
        if not str(arguments[1]).startswith(("Py", "_Py")):
            return
        if self._is_learners(_file_outside_of("ctypes", sys._getframe(2))):
            self.found = self.found or INTERPRETER


def _decoy(name: str, attributes: tuple[str, ...], note: Callable[[], None]) -> object:
    """What looks like an object of the grader's, and tells when it is used as one."""

    def tell(_: object) -> None:
        note()

    members = {attribute: property(tell) for attribute in attributes}
    return type(name, (), members)()


def _file_outside_of(package: str, frame: FrameType | None) -> str:
    """The file of the nearest frame that isn't in a package."""
    while frame is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] != package:
            return frame.f_code.co_filename
        frame = frame.f_back
    return ""
