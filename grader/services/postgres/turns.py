"""One thing after another: what comes first in the server must not be up to chance."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial

from ...clock import VirtualLoop

Job = Callable[[], bool]
"""Something to do at the server, or for a client. Returns whether a client was sent anything."""


class Turns:
    """The jobs of one relay, in order.

    When a client has been sent something, the next job waits until all has happened that
    follows from it in this tick: until the loop is at rest, or stands still.
    """

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._jobs: deque[Job] = deque()
        self._is_busy = self._is_resting = False
        self._rests = 0

    def add(self, job: Job) -> None:
        """Do it after all that is to be done already; at once, if there is nothing."""
        self._jobs.append(job)
        self._go_on()

    def add_first(self, jobs: Iterable[Job]) -> None:
        """Do these before all else. For a job that has others to follow it at once."""
        self._jobs.extendleft(reversed(list(jobs)))

    def clear(self) -> None:
        """Forget what is still to be done."""
        self._jobs.clear()

    def end_rest(self) -> bool:
        """The loop stands still, and nothing else happens: go on. Whether anything was to do."""
        if not self._is_resting:
            return False
        self._is_busy = self._is_resting = False
        self._go_on()
        return True

    def _go_on(self) -> None:
        if self._is_busy:
            return
        self._is_busy = True
        while self._jobs:
            if self._jobs.popleft()():
                self._rest()
                return
        self._is_busy = False

    def _rest(self) -> None:
        self._is_resting = True
        self._rests += 1
        self._loop.at_rest.append(partial(self._at_rest, self._rests))

    def _at_rest(self, rest: int) -> None:
        if rest == self._rests:
            self.end_rest()
