"""freezegun beside a play: what it has frozen is where the play begins, and then goes on.

freezegun puts functions and classes of its own under the names that it finds, and these ask the
last of its `freeze_factories` for the date. In the threads of a play that one is asked for the
play's date instead.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..model.trace import TICKS_PER_SECOND
from .current import current_clock

TRIED_WITH = "freezegun 1.5.5"

_TICK = datetime.timedelta(seconds=1) / TICKS_PER_SECOND
_SINCE = [datetime.datetime(1970, 1, 1)]  # in a list, where freezegun does not replace its class


@contextmanager
def frozen_time_goes_on() -> Iterator[None]:
    """Let what freezegun has frozen go on with each play, for the threads of that play."""
    freezegun = sys.modules.get("freezegun.api")
    factories = getattr(freezegun, "freeze_factories", None)
    if not factories:
        yield
        return
    place, frozen = len(factories) - 1, factories[-1]
    moving = factories[place] = _moving(frozen)
    try:
        yield
    finally:
        if factories[place : place + 1] == [moving]:
            factories[place] = frozen


def _moving(frozen: Callable[[], datetime.datetime]) -> Callable[[], datetime.datetime]:
    def date() -> datetime.datetime:
        clock = current_clock()
        return frozen() if clock is None else _SINCE[0] + clock.date * _TICK

    return date
