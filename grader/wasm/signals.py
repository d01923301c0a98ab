"""A timer of CPU time, which a browser doesn't have: `signal.setitimer(ITIMER_PROF, ...)`.

It looks at the clock when a user's own code jumps back or calls a function, as `sys.monitoring`
tells, and then calls the handler of `SIGPROF`, as the kernel would interrupt the code with it.
Code in C that doesn't come back isn't interrupted: only the page can end that, with the
worker.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from .given import cpu_seconds

ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF = 0, 1, 2
SIGPROF = 27
EVERY = 200
"""Events between two looks at the clock: some ten microseconds of work."""

_monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
_TOOL = 4

Handler = Callable[[int, FrameType | None], Any]


class ProfTimer:
    """The timer, and the handler that it calls.

    Attributes:
        handlers: by the number of the signal, what `signal.signal` was given.
    """

    def __init__(self) -> None:
        self.handlers: dict[int, Handler] = {}
        self._interval = 0.0
        self._due = 0.0
        self._events = 0
        self._is_within = False
        _monitoring.use_tool_id(_TOOL, "grader")
        _monitoring.register_callback(_TOOL, _monitoring.events.JUMP, self._at_jump)
        _monitoring.register_callback(_TOOL, _monitoring.events.PY_START, self._at_start)
        # Once for all: it walks the frames of all stacks, and those of a suspended one are not
        # where they were.
        _monitoring.set_events(_TOOL, _monitoring.events.JUMP | _monitoring.events.PY_START)

    def set(self, which: int, seconds: float, interval: float = 0.0) -> tuple[float, float]:
        """As `signal.setitimer`."""
        if which != ITIMER_PROF:
            return 0.0, 0.0
        before, self._interval = self._interval, interval if seconds else 0.0
        self._due = cpu_seconds() + seconds
        return before, before

    def get(self, which: int) -> tuple[float, float]:
        """As `signal.getitimer`."""
        return (self._interval, self._interval) if which == ITIMER_PROF else (0.0, 0.0)

    def _at_jump(self, code: CodeType, here: int, there: int) -> Any:
        is_back = there <= here
        return self._count() if is_back and _is_own(code.co_filename) else _monitoring.DISABLE

    def _at_start(self, code: CodeType, here: int) -> Any:
        return self._count() if _is_own(code.co_filename) else _monitoring.DISABLE

    def _count(self) -> None:
        self._events += 1
        if self._events % EVERY == 0 and not self._is_within:
            self._look(sys._getframe(2))

    def _look(self, frame: FrameType | None) -> None:
        handler = self.handlers.get(SIGPROF)
        self._is_within = True
        try:
            now = cpu_seconds()
            # Once, however late it is: so does a kernel, whose signals don't queue.
            if handler is not None and self._interval and self._due <= now:
                self._due = now + self._interval
                handler(SIGPROF, frame)
        finally:
            self._is_within = False


def _is_own(filename: str) -> bool:
    """Whether code is what a user runs. To be told of all that a library does would take long."""
    return not filename.startswith(("/lib/", "<frozen "))


def install() -> None:
    """Give `signal` a timer; what it is told of other signals comes to nothing."""
    timer = ProfTimer()
    real_signal, real_getsignal = signal.signal, signal.getsignal

    def set_handler(number: int, handler: Any) -> Any:
        if number != SIGPROF:
            return real_signal(number, handler)
        before = timer.handlers.get(SIGPROF, signal.SIG_DFL)
        timer.handlers[SIGPROF] = handler
        return before

    def get_handler(number: int) -> Any:
        return timer.handlers.get(number) if number == SIGPROF else real_getsignal(number)

    given = {
        "signal": set_handler,
        "getsignal": get_handler,
        "setitimer": timer.set,
        "getitimer": timer.get,
        "ITIMER_REAL": ITIMER_REAL,
        "ITIMER_VIRTUAL": ITIMER_VIRTUAL,
        "ITIMER_PROF": ITIMER_PROF,
    }
    for name, value in given.items():
        setattr(signal, name, value)
