"""Distinguishes a loop that only polls from one that works.

`while not task.done(): await asyncio.sleep(0)` always has a callback that is ready, and so
has a thousand items going through a queue. The difference: what polls comes back to the
very state it was in, and will do so again until time passes. A state that has come again
is a proof, and honest work may take any number of turns of the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any

from .real_time import thread_time
from .state import FAR, NEAR, NEAREST, State, chain_of, state_of, step_of

FIRST_LOOK = 100
"""Turns without anything from outside before it is worth a look."""
LOOK_EVERY = 2048
LONGEST_ROUND = 8
"""Turns after which a state must have come again, or there is another look later."""
ENOUGH = 2
"""How many times it must come again."""
COUNTING_LIMIT, LIMIT = 1.0, 10.0
"""Seconds on a processor after which work at one moment is taken for polling where nothing
but numbers has changed (it may count how often it has asked), and where anything else has."""


class Polling:
    """Watches the turns of one loop."""

    def __init__(self) -> None:
        self._known_places: set[int] = set()
        self._found: tuple[int, int] | None = None
        self.begin_moment()

    def begin_moment(self, goes_on: bool = False) -> None:
        """Time has passed.

        Args:
            goes_on: nothing else has happened, so what polled will most likely do so again.
        """
        self._goes_on = goes_on
        self._started: float | None = None
        self.begin_round()

    def begin_round(self) -> None:
        """Something has come from outside."""
        self._turns = 0
        self._look_later(FIRST_LOOK)

    def _look_later(self, turn: int) -> None:
        self._look_at = turn
        self._near: State | None = None
        self._far: State | None = None
        self._same = self._counting = 0

    def goes_on(self, ready: Callable[[], Collection[Any]]) -> bool:
        """Count a turn.

        Args:
            ready: gives the callbacks that are ready at its end; most turns don't ask.

        Returns:
            Whether they will do the same for ever, unless time passes.
        """
        self._turns += 1
        if self._goes_on and self._turns <= LONGEST_ROUND:
            return _Ready(ready()).fingerprint() == self._found
        if self._turns < self._look_at:
            return False
        now = _Ready(ready())
        if not self._look(now):
            return False
        self._found = now.fingerprint()
        return True

    def _look(self, ready: _Ready) -> bool:
        if self._started is None:
            self._started = thread_time()
        if self._near is None:
            self._near = ready.state(NEAR)
            return bool(self._known_places) and ready.places() in self._known_places
        near = ready.state(NEAR).but_numbers == self._near.but_numbers
        if (near and self._has_come_again(ready.state(FAR))) or self._is_past_limit(ready):
            return True
        if self._turns - self._look_at >= LONGEST_ROUND:
            self._look_later(self._turns + min(self._turns, LOOK_EVERY))
        return False

    def _has_come_again(self, far: State) -> bool:
        before, self._far = self._far, far
        if before is None or far.but_numbers == before.but_numbers:
            self._counting += 1
        if before is None or far.exact != before.exact:
            return False
        self._same += 1
        self._look_at = self._turns  # it goes on from here
        return self._same >= ENOUGH

    def _is_past_limit(self, ready: _Ready) -> bool:
        """Whether it has gone on for too long. It is known by its place from then on."""
        assert self._started is not None
        limit = COUNTING_LIMIT if self._counting > ENOUGH else LIMIT
        if thread_time() - self._started > limit:
            self._known_places.add(ready.places())
            return True
        return False


class _Ready:
    """The callbacks that a loop is about to call."""

    def __init__(self, handles: Collection[Any]) -> None:
        self._handles = handles
        owners = (getattr(handle._callback, "__self__", None) for handle in handles)
        self._chains = [chain_of(task) for task in owners if isinstance(task, asyncio.Task)]

    def state(self, most: int) -> State:
        """What they can reach, beginning with the innermost coroutines: these change most."""
        inner_first = (step for chain in self._chains for step in reversed(chain))
        return state_of((*inner_first, *self._handles), most)

    def fingerprint(self) -> tuple[int, int]:
        """Where they are and what they see, whatever the numbers in it are."""
        return self.places(), self.state(NEAREST).but_numbers

    def places(self) -> int:
        """Where the tasks are that they will take a step of."""
        return hash(tuple(sorted(hash(tuple(map(step_of, chain))) for chain in self._chains)))
