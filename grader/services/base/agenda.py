"""What a server is to do at which moment, whether the loop runs or stands still."""

from __future__ import annotations

from collections.abc import Callable

from ...clock import VirtualLoop
from ...clock.loop import Timer
from ...model.trace import NEVER


class Agenda:
    """Actions at moments of virtual time. The loop carries them out, or `run_due` does."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._actions: dict[Timer, Callable[[], object]] = {}

    def after(self, seconds: float, action: Callable[[], object]) -> Timer:
        """Do something after so many virtual seconds; what is returned can cancel it."""
        timer = self._loop.call_at(self._loop.time() + seconds, lambda: self._run(timer))
        self._actions[timer] = action
        return timer

    def cancel(self, timer: Timer) -> None:
        timer.cancel()
        self._actions.pop(timer, None)

    def next_due(self) -> int:
        """The tick of the next action; `NEVER` without one."""
        return min(self._actions).tick if self._actions else NEVER

    def run_due(self) -> bool:
        """Carry out what is due by now, one action after another; whether there was any."""
        ran = False
        while self.next_due() <= self._loop.clock.now:
            self._run(min(self._actions))
            ran = True
        return ran

    def _run(self, timer: Timer) -> None:
        action = self._actions.pop(timer)
        timer.cancel()
        action()
