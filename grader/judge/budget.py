"""What the judge spends on one play of a learner's.

What it costs to compare and to explain a trace is in the hands of who made the trace. So it
has a limit, past which the check fails, and the other checks have their turn.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

SECONDS: Final = 2.0
"""Seconds of CPU time for one comparison, or one explanation."""


class OverBudget(BaseException):
    """The time is used up. Not an `Exception`: no rule or aspect may catch it."""


TOO_MUCH = (OverBudget, RecursionError, MemoryError)
"""What ends a look at a trace that is too large, or nested too deeply."""


@contextmanager
def limited(seconds: float = SECONDS) -> Iterator[None]:
    """Give this block so many seconds of CPU time, where it runs in the main thread.

    Raises:
        OverBudget: they are used up.
    """
    if threading.current_thread() is not threading.main_thread():  # which alone gets signals
        yield
        return
    before = signal.signal(signal.SIGVTALRM, _give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _give_up(number: int, frame: FrameType | None) -> None:
    raise OverBudget
