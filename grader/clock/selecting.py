"""Waiting for several files for a limited time: `select.select`, and what is made in `selectors`.

`subprocess` and `multiprocessing` wait like this, and look at the time in between. In real time
that would never be over. So the timeout is over on the clock; what comes from outside of the play
has some patience before time passes, as everywhere.
"""

from __future__ import annotations

import os
import select
import selectors
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any

from .clock import Clock
from .current import current_clock, report_block
from .patching import replaced
from .sockets import wait_until

_real_select: Callable[..., Any] = select.select
_KINDS = {kind for kind in vars(selectors).values() if isinstance(kind, type)} - {
    selectors.BaseSelector
}
_LIBRARY = os.path.dirname(selectors.__file__) + os.sep


def _select(*args: Any) -> Any:
    *files, timeout = args if len(args) == 4 else (*args, None)
    if len(args) < 3 or not _takes_time(timeout):
        return _real_select(*args)
    numbers = [_number(file) for several in files for file in several]
    _wait(numbers, lambda: any(_real_select(*files, 0)), timeout)
    return _real_select(*files, 0)


def _number(file: Any) -> int:
    return file if isinstance(file, int) else int(file.fileno())


def _on_clock(real: Callable[..., Any]) -> Callable[..., Any]:
    def select(selector: selectors.BaseSelector, timeout: float | None = None) -> Any:
        if not _takes_time(timeout):
            return real(selector, timeout) or _nothing_yet(timeout)
        numbers = [key.fd for key in (selector.get_map() or {}).values()]
        _wait(numbers, lambda: bool(real(selector, 0)), timeout)
        return real(selector, 0)

    return select


def _nothing_yet(timeout: float | None) -> list[Any]:
    """Nothing was there at a mere look. In life even that takes a bit of time."""
    clock = current_clock()
    if clock is not None and timeout is not None:
        _overrun(clock)
    return []


def _overrun(clock: Clock) -> None:
    """Let the library that waits see that its time is up. The user's own code sees exact times."""
    at: FrameType | None = sys._getframe(1)
    while at is not None and at.f_code.co_filename == __file__:
        at = at.f_back
    if at is not None and at.f_code.co_filename.startswith(_LIBRARY):
        clock.overrun(at.f_code.co_filename)


def _takes_time(timeout: float | None) -> bool:
    """Whether a wait ends by time alone. Any other is a wait in C, and known to the kernel."""
    return timeout is not None and timeout > 0 and current_clock() is not None


def _wait(numbers: list[int], ready: Callable[[], bool], timeout: float | None) -> None:
    clock = current_clock()
    assert clock is not None
    start, on_loop = clock.now, clock.is_home()
    clock.outside.connections.ask(numbers)
    wait_until(ready, timeout)
    if ready():
        clock.outside.connections.answered(numbers)
    else:
        _overrun(clock)
    if clock.now > start:
        report_block(clock, "select", start, on_loop)


@contextmanager
def selectors_on_clock() -> Iterator[None]:
    """Put waits with a timeout on the clock of every play; others are left alone."""
    with ExitStack() as stack:
        stack.enter_context(replaced(select, select=_select))
        for kind in _KINDS:
            if real := vars(kind).get("select"):
                stack.enter_context(replaced(kind, select=_on_clock(real)))
        yield
